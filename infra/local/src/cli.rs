//! The stock AWS command line as the way to a deployed stack: the local one, or an AWS account with the profile, region
//! and credentials that the command line finds by itself. What is tested here is what runs there.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::cloud;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// The AWS command line at one place.
#[derive(Clone, Debug)]
pub(crate) struct Cli {
    program: PathBuf,
    endpoint: Option<String>,
    /// Where inputs lie for a moment: the command line reads them twice, so a pipe does not do.
    scratch: PathBuf,
}

impl Cli {
    /// Of the local cloud at `endpoint`.
    pub(crate) fn local(workspace: &Workspace, tools: &Tools, endpoint: &str) -> Self {
        Self { program: tools.path("aws"), endpoint: Some(endpoint.to_owned()), scratch: workspace.state("") }
    }

    /// Of whatever account the environment names; the pinned command line where none is installed.
    pub(crate) fn of_environment(workspace: &Workspace, tools: &Tools) -> Self {
        let installed = Command::new("aws").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let program = if installed.is_ok_and(|status| status.success()) { PathBuf::from("aws") } else { tools.path("aws") };
        Self { program, endpoint: None, scratch: workspace.state("") }
    }

    /// The local cloud's address, where this is one.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// One operation, its input and output as in the service's own API.
    pub(crate) fn call(&self, service: &str, operation: &str, input: &Value) -> Result<Value> {
        let input = Scratch::with(&self.scratch, &input.to_string())?;
        let output = self.run(&[service, operation, "--cli-input-json", &format!("file://{}", input.path())])?;
        if output.stdout.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("aws {service} {operation} answered no JSON"))
    }

    /// Has a function handle one event, and waits for it.
    ///
    /// Fails where the function did.
    pub(crate) fn invoke(&self, function: &str, event: &Value) -> Result<()> {
        let event = Scratch::with(&self.scratch, &event.to_string())?;
        // Of no use to anybody: what is wrong is in the function's log.
        let reply = Scratch::with(&self.scratch, "")?;
        let payload = format!("fileb://{}", event.path());
        let output = self.run(&["lambda", "invoke", "--function-name", function, "--payload", &payload, reply.path()])?;
        let answer: Value = serde_json::from_slice(&output.stdout).context("aws lambda invoke answered no JSON")?;
        if let Some(error) = answer.get("FunctionError").and_then(Value::as_str) {
            bail!("{function} failed ({error}); its log says why");
        }
        Ok(())
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        if let Some(endpoint) = &self.endpoint {
            // Said twice: for queues the environment alone is not enough.
            cloud::aws_environment(&mut command, endpoint).args(["--endpoint-url", endpoint]);
        }
        command.args(arguments).args(["--output", "json"]).env("AWS_PAGER", "").stdin(Stdio::null());
        let output = command.output().with_context(|| format!("cannot start {}", self.program.display()))?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let what = arguments.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        bail!("aws {what}: {}", said.trim().lines().last().unwrap_or("failed"))
    }
}

/// A file that the command line reads or writes and nobody else can: a list of processes shows arguments to everybody.
/// Dropped, it is gone.
struct Scratch(PathBuf);

impl Scratch {
    fn with(folder: &Path, text: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("aws-{}-{}.json", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let scratch = Self(folder.join(name));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&scratch.0)?;
        file.write_all(text.as_bytes())?;
        Ok(scratch)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing can be done about one that stays, and its owner alone can read it.
        let _ = fs::remove_file(&self.0);
    }
}

/// A stack as it is deployed: what each of the template's names became.
#[derive(Clone, Debug)]
pub(crate) struct Deployed {
    /// The way to it.
    pub(crate) cli: Cli,
    /// Its name.
    pub(crate) name: String,
    resources: Vec<Resource>,
    outputs: Value,
}

/// One resource of a stack.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// Its name in the template.
    pub(crate) logical: String,
    /// Its type, such as `AWS::SQS::Queue`.
    pub(crate) kind: String,
    /// What `!Ref` gives.
    pub(crate) physical: String,
}

impl Deployed {
    /// Asks what the stack is made of.
    pub(crate) fn find(cli: Cli, name: &str) -> Result<Self> {
        let named = json!({ "StackName": name });
        let described = cli.call("cloudformation", "describe-stacks", &named)?;
        let outputs = cloud::outputs_of(&described)?;
        let listed = cli.call("cloudformation", "list-stack-resources", &named)?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let summaries = listed.get("StackResourceSummaries").and_then(Value::as_array).context("the stack has no resources")?;
        let resources = summaries
            .iter()
            .map(|summary| Resource {
                logical: text(summary, "LogicalResourceId"),
                kind: text(summary, "ResourceType"),
                physical: text(summary, "PhysicalResourceId"),
            })
            .collect();
        Ok(Self { cli, name: name.to_owned(), resources, outputs })
    }

    /// What `!Ref` of that name gives.
    pub(crate) fn physical(&self, logical: &str) -> Result<&str> {
        let found = self.resources.iter().find(|resource| resource.logical == logical);
        Ok(&found.with_context(|| format!("the stack {} has no {logical}", self.name))?.physical)
    }

    /// Every resource of a type.
    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources.iter().filter(move |resource| resource.kind == kind)
    }

    /// An output of the template.
    pub(crate) fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).and_then(Value::as_str).with_context(|| format!("the stack {} has no output {name}", self.name))
    }
}

/// The stack that `--stack NAME` means, in the account of the environment; without it the one that `cargo local up` left.
pub(crate) fn find(workspace: &Workspace, stack: Option<&str>) -> Result<Deployed> {
    let tools = Tools::install(workspace)?;
    match (stack, cloud::endpoint_of_left_over(workspace)) {
        (Some(name), _) => Deployed::find(Cli::of_environment(workspace, &tools), name),
        (None, Some(endpoint)) => Deployed::find(Cli::local(workspace, &tools, &endpoint), cloud::STACK),
        (None, None) => bail!(
            "no local stack is up (cargo local up), and no --stack NAME was given.\n\
             With it, the stack of that name is looked for in the AWS account of your environment (AWS_PROFILE, AWS_REGION)."
        ),
    }
}
