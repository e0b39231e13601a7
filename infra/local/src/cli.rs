//! The stock AWS command line as the way to a deployed stack: the local one, or an AWS account with the profile, region
//! and credentials that the command line finds by itself. What is tested here is what runs there.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

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
    /// Where an answer lies for a moment that the command line writes to a file only.
    replies: PathBuf,
}

impl Cli {
    /// Of the local cloud at `endpoint`.
    pub(crate) fn local(workspace: &Workspace, tools: &Tools, endpoint: &str) -> Self {
        Self { program: tools.path("aws"), endpoint: Some(endpoint.to_owned()), replies: workspace.state("") }
    }

    /// Of whatever account the environment names; the pinned command line where none is installed.
    pub(crate) fn of_environment(workspace: &Workspace, tools: &Tools) -> Self {
        let installed = Command::new("aws").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let program = if installed.is_ok_and(|status| status.success()) { PathBuf::from("aws") } else { tools.path("aws") };
        Self { program, endpoint: None, replies: workspace.state("") }
    }

    /// The local cloud's address, where this is one.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// One operation, its input and output as in the service's own API. Inputs travel by standard input: a process
    /// list shows arguments to everybody.
    pub(crate) fn call(&self, service: &str, operation: &str, input: &Value) -> Result<Value> {
        let arguments = [service, operation, "--cli-input-json", "file:///dev/stdin"];
        let output = self.run(&arguments, &input.to_string())?;
        if output.stdout.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("aws {service} {operation} answered no JSON"))
    }

    /// Has a function handle one event, and waits for it.
    ///
    /// Fails where the function did.
    pub(crate) fn invoke(&self, function: &str, event: &Value) -> Result<()> {
        let reply = self.replies.join(format!("reply-{}.json", std::process::id()));
        let path = reply.to_string_lossy().into_owned();
        let arguments = ["lambda", "invoke", "--function-name", function, "--payload", "fileb:///dev/stdin", path.as_str()];
        let ran = self.run(&arguments, &event.to_string());
        // Of no use to anybody: what is wrong is in the function's log.
        let _ = std::fs::remove_file(&reply);
        let answer: Value = serde_json::from_slice(&ran?.stdout).context("aws lambda invoke answered no JSON")?;
        if let Some(error) = answer.get("FunctionError").and_then(Value::as_str) {
            bail!("{function} failed ({error}); its log says why");
        }
        Ok(())
    }

    fn run(&self, arguments: &[&str], input: &str) -> Result<Output> {
        let mut command = Command::new(&self.program);
        if let Some(endpoint) = &self.endpoint {
            cloud::aws_environment(&mut command, endpoint);
        }
        command.args(arguments).args(["--output", "json"]).env("AWS_PAGER", "");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {}", self.program.display()))?;
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let what = arguments.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        bail!("aws {what}: {}", said.trim().lines().last().unwrap_or("failed"))
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
