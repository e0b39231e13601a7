//! `cargo local bench`: builds what is measured, deploys the cloud it is measured against, and hands `tests/bench` a plan.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::binaries::{self, FUNCTIONS};
use crate::cloud::{STACK, aws_environment};
use crate::process;
use crate::stack::Stack;
use crate::terminal::Progress;
use crate::workspace::Workspace;

/// How many times each operation is measured each way, unless `--rounds` says otherwise.
const ROUNDS: usize = 30;

/// Warm, warm behind the wire, and cold.
const WAYS: usize = 3;

/// What is measured, and how often.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    rounds: usize,
    /// Where other binaries of the functions lie, `<name>/bootstrap` each: an earlier release, for a before and after.
    binaries: Option<PathBuf>,
}

impl Options {
    /// From the command line.
    pub(crate) fn read(words: &[&str]) -> Result<Self> {
        let mut options = Self { rounds: ROUNDS, binaries: None };
        for pair in words.chunks(2) {
            match pair {
                ["--rounds", rounds] => options.rounds = rounds.parse().context("--rounds takes a number")?,
                ["--binaries", folder] => options.binaries = Some(PathBuf::from(folder)),
                _ => bail!("the options are: --rounds N, --binaries FOLDER"),
            }
        }
        ensure!((3..=500).contains(&options.rounds), "--rounds takes a number from 3 to 500");
        Ok(options)
    }
}

/// Measures, on a stack that was deployed for it.
pub(crate) fn play(workspace: &Workspace, stack: &Stack, options: &Options) -> Result<bool> {
    let built = build(workspace, options.binaries.as_deref())?;
    let node = node(workspace)?;
    stack.open_keys_to_developers()?;
    silence(stack)?;
    let phones = phones(stack, options)?;
    let logs = workspace.logs().join("bench");
    fs::create_dir_all(&logs)?;

    let mut functions = BTreeMap::new();
    for function in FUNCTIONS {
        let binary = built.get(function).with_context(|| format!("cargo built no {function}"))?;
        functions.insert(function, json!({ "binary": binary, "environment": environment(stack, function)? }));
    }
    let minimal = built.get("minimal-function").context("cargo built no minimal-function")?;
    let plan = json!({
        "endpoint": stack.aws.endpoint(),
        "functions": functions,
        "minimal": { "binary": minimal, "environment": environment(stack, "request-intake")? },
        "node": node,
        "edge_secret": stack.api.edge_secret(),
        "phones": phones,
        "logs": logs,
        "rounds": options.rounds,
    });
    let bench = built.get("linekeeper-bench").context("cargo built no linekeeper-bench")?;
    let mut command = Command::new(bench);
    aws_environment(&mut command, stack.aws.endpoint());
    let mut bench = command.stdin(Stdio::piped()).spawn()?;
    bench.stdin.take().context("no standard input")?.write_all(plan.to_string().as_bytes())?;
    Ok(bench.wait()?.success())
}

/// A phone for each customer: one a round each way, and one that only warms up. Codes are counted by where they go.
fn phones(stack: &Stack, options: &Options) -> Result<Vec<Value>> {
    let phone = |n: usize| {
        let phone = stack.push_device(&format!("bench-{n}"))?;
        Ok(json!({ "topic": phone.arn, "queue": phone.queue }))
    };
    (0..(options.rounds + 1) * WAYS).map(phone).collect()
}

/// The functions and what they are compared with, as they are released. The functions by themselves, as they are
/// packaged: what else is built with them would add features to the crates that they share.
fn build(workspace: &Workspace, binaries: Option<&Path>) -> Result<BTreeMap<String, PathBuf>> {
    let mut built = BTreeMap::new();
    if let Some(folder) = binaries {
        built.extend(FUNCTIONS.map(|function| (function.to_owned(), folder.join(function).join("bootstrap"))));
    } else {
        let progress = Progress::start("Building the functions (profile release; half an hour the first time)");
        built.extend(binaries::cargo_build(workspace, &progress, "release", &FUNCTIONS)?);
        progress.done("");
    }
    // The minimal function is released like the functions; what only measures is not.
    for (title, package, profile) in
        [("the minimal function", "minimal-function", "release"), ("the bench", "linekeeper-bench", "demo")]
    {
        let progress = Progress::start(format!("Building {title} (profile {profile})"));
        built.extend(binaries::cargo_build(workspace, &progress, profile, &[package])?);
        progress.done("");
    }
    Ok(built)
}

/// The baseline in Node.js, bundled; nothing where there is no Node.js of that version.
fn node(workspace: &Workspace) -> Result<Value> {
    let version = Command::new("node").arg("--version").output();
    let version = version.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned()).unwrap_or_default();
    if !version.starts_with("v20.") {
        let found = if version.is_empty() { "there is none".to_owned() } else { format!("this is {version}") };
        println!("Without the comparison with Node.js: it needs Node.js 20, and {found}.");
        return Ok(Value::Null);
    }
    let folder = workspace.root().join("tests/bench/node");
    let progress = Progress::start(format!("Bundling the baseline for Node.js {version}"));
    for arguments in [&["ci", "--no-audit", "--no-fund"][..], &["run", "build"]] {
        let mut npm = Command::new("npm");
        npm.args(arguments).current_dir(&folder);
        process::run(&progress, &mut npm, &workspace.log("bench-node"), |_| ())?;
    }
    progress.done("");
    let script = |name: &str| folder.join("dist").join(name);
    Ok(json!({ "program": "node", "issue": script("issue.cjs"), "verify": script("verify.cjs") }))
}

/// What a function reads at start, as it is deployed, with the local cloud's root instead of its role.
fn environment(stack: &Stack, function: &str) -> Result<BTreeMap<String, String>> {
    let path = format!("/2015-03-31/functions/{STACK}-{function}/configuration");
    let configuration = stack.aws.get("lambda", &path)?;
    let variables = configuration.pointer("/Environment/Variables").and_then(Value::as_object);
    let variables = variables.with_context(|| format!("{function} has no environment"))?;
    let mut all: BTreeMap<String, String> =
        variables.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
    let mut command = Command::new("env");
    aws_environment(&mut command, stack.aws.endpoint());
    all.extend(command.get_envs().filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value?.to_str()?.to_owned()))));
    all.extend(["PATH", "HOME"].into_iter().filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))));
    Ok(all)
}

/// Keeps the deployed functions still: the bench's own processes do the work, and nothing else may.
fn silence(stack: &Stack) -> Result<()> {
    let listed = stack.aws.get("lambda", "/2015-03-31/event-source-mappings/")?;
    for mapping in listed.get("EventSourceMappings").and_then(Value::as_array).into_iter().flatten() {
        let id = mapping.get("UUID").and_then(Value::as_str).context("a mapping without an id")?;
        stack.aws.put("lambda", &format!("/2015-03-31/event-source-mappings/{id}"), &json!({ "Enabled": false }))?;
    }
    Ok(())
}
