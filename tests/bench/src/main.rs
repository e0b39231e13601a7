//! What the functions cost in time and memory, beside what they are compared with: release binaries behind the Lambda
//! runtime's own interface, against one local cloud, in one run.
//!
//! `cargo local bench` deploys the cloud, builds everything and starts this with a plan on standard input. Read the
//! ratios: the machine is whatever it is, and the cloud is a stand-in.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]
#![expect(clippy::as_conversions, reason = "counts and nanoseconds, shown as fractions")]

mod customers;
mod rounds;
mod runtime;
mod table;
mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::runtime::Program;

/// What is to be measured, and where.
#[derive(Debug, Deserialize)]
struct Plan {
    /// The local cloud.
    endpoint: String,
    /// Every function, as it is deployed.
    functions: BTreeMap<String, Deployed>,
    /// The least that answers a request, and its environment.
    minimal: Deployed,
    /// The same in Node.js, where there is one.
    node: Option<Node>,
    /// What CloudFront is known by.
    edge_secret: String,
    /// A phone for each customer.
    phones: Vec<Phone>,
    /// Where what the functions log is kept.
    logs: PathBuf,
    /// How many rounds each way.
    rounds: usize,
}

/// A phone with the carrier's app: where pushes to it go, and where they can be read.
#[derive(Clone, Debug, Deserialize)]
struct Phone {
    topic: String,
    queue: String,
}

/// A binary and what it reads at start.
#[derive(Debug, Deserialize)]
struct Deployed {
    binary: PathBuf,
    environment: BTreeMap<String, String>,
}

/// The baseline.
#[derive(Debug, Deserialize)]
struct Node {
    program: PathBuf,
    issue: PathBuf,
    verify: PathBuf,
}

impl Deployed {
    fn program(&self, name: &str) -> Program {
        Program {
            name: name.to_owned(),
            command: vec![self.binary.to_string_lossy().into_owned()],
            environment: self.environment.clone(),
        }
    }
}

impl Plan {
    /// Everything that is started, by its name.
    fn programs(&self) -> Result<BTreeMap<String, Program>> {
        let mut programs: BTreeMap<String, Program> =
            self.functions.iter().map(|(name, deployed)| (name.clone(), deployed.program(name))).collect();
        programs.insert("minimal".to_owned(), self.minimal.program("minimal"));
        if let Some(node) = &self.node {
            for (name, script, like) in [("node-issue", &node.issue, "otp-issue"), ("node-verify", &node.verify, "otp-verify")] {
                let like = self.functions.get(like).context("no function like it")?;
                let command = [&node.program, script].map(|part| part.to_string_lossy().into_owned()).to_vec();
                let mut environment = like.environment.clone();
                environment.insert("NODE_OPTIONS".to_owned(), "--max-old-space-size=192".to_owned());
                programs.insert(name.to_owned(), Program { name: name.to_owned(), command, environment });
            }
        }
        Ok(programs)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<()> {
    let plan: Plan = serde_json::from_reader(std::io::stdin()).context("no plan on standard input")?;
    let measured = rounds::play(&plan).await?;
    println!("{}", table::render(&plan, &measured));
    Ok(())
}
