//! The local cloud: ministack in its own process group, and the production template deployed to it with the
//! stock AWS command line.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::aws::{self, Aws, REGION};
use crate::cli::Cli;
use crate::process::{self, Group};
use crate::terminal::Progress;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// The name of the deployed stack.
pub(crate) const STACK: &str = "linekeeper";

const ARTIFACTS: &str = "linekeeper-artifacts";
/// What decides how SAM expands the template. The local cloud expands it by the parameters' defaults alone.
const READ_BY_SAM: [&str; 1] = ["Rollout"];
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running local cloud; dropped, it stops.
#[derive(Debug)]
pub(crate) struct Cloud {
    workspace: Workspace,
    tools: Tools,
    aws: Aws,
    group: Group,
}

impl Cloud {
    /// Starts an empty cloud on a free loopback port, with IAM enforced, and waits until it is healthy.
    pub(crate) fn start(workspace: &Workspace, tools: &Tools) -> Result<Self> {
        let progress = Progress::start("Starting the local cloud");
        let home = workspace.state("cloud");
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        for folder in ["tmp", "state", "s3"] {
            fs::create_dir_all(home.join(folder))?;
        }
        let log = workspace.log("cloud");
        let output = File::create(&log)?;
        let mut command = Command::new(tools.path("ministack"));
        // The functions inherit its environment: nothing of the user's may be in it.
        command.env_clear();
        for name in ["PATH", "HOME", "LANG"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        aws_environment(&mut command, &endpoint)
            .current_dir(&home)
            .env("LAMBDA_WARM_TTL_SECONDS", "30")
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("AUTH", "true")
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            .env("PERSIST_STATE", "0")
            // Nothing is recorded until it is asked for.
            .env("CLOUDTRAIL_MAX_EVENTS", "200000")
            .env("STATE_DIR", home.join("state"))
            .env("S3_DATA_DIR", home.join("s3"))
            .env("TMPDIR", home.join("tmp"))
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let group = Group::start(&mut command)?;
        let record = json!({ "owner": std::process::id(), "group": group.id(), "endpoint": endpoint });
        fs::write(record_path(workspace), record.to_string())?;

        let mut cloud = Self { workspace: workspace.clone(), tools: tools.clone(), aws: Aws::root(&endpoint), group };
        cloud.wait_until_healthy().with_context(|| format!("the local cloud did not start; its log is {}", log.display()))?;
        progress.done(&endpoint);
        Ok(cloud)
    }

    /// Calls as its root.
    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Its address.
    pub(crate) fn endpoint(&self) -> &str {
        self.aws.endpoint()
    }

    /// The same by the AWS command line, operation by operation.
    pub(crate) fn cli(&self) -> Cli {
        Cli::local(&self.workspace, &self.tools, self.endpoint())
    }

    /// The process group that it and the functions run in.
    pub(crate) fn group(&self) -> i32 {
        self.group.id()
    }

    /// Deploys the production template as it stands, but for defaults of [`READ_BY_SAM`], and returns the stack's outputs.
    pub(crate) fn deploy(&self, parameters: &[(&str, String)]) -> Result<Value> {
        let progress = Progress::start("Deploying infra/template.yaml with the AWS command line");
        let packaged = self.workspace.state("packaged.json");
        let log = self.workspace.log("deploy");

        self.run(&["s3", "mb", &format!("s3://{ARTIFACTS}")], &progress, &log)?;
        let mut package = self.command();
        package
            .args(["cloudformation", "package", "--s3-bucket", ARTIFACTS, "--use-json", "--template-file"])
            .arg(self.workspace.template())
            .arg("--output-template-file")
            .arg(&packaged);
        process::run(&progress, &mut package, &log, |_| ())?;
        let read: Value = serde_json::from_str(&fs::read_to_string(&packaged)?).context("the packaged template is no JSON")?;
        fs::write(&packaged, with_defaults(read, parameters).to_string())?;

        let mut deploy = self.command();
        deploy
            .args(["cloudformation", "deploy", "--stack-name", STACK, "--s3-bucket", ARTIFACTS, "--template-file"])
            .arg(&packaged)
            .args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"])
            .arg("--parameter-overrides");
        for (name, value) in parameters {
            deploy.arg(format!("{name}={value}"));
        }
        process::run(&progress, &mut deploy, &log, |_| ())?;

        let mut outputs = String::new();
        let mut describe = self.command();
        describe.args(["cloudformation", "describe-stacks", "--stack-name", STACK, "--output", "json"]);
        process::run(&progress, &mut describe, &log, |line| {
            outputs.push_str(line);
            outputs.push('\n');
        })?;
        let described: Value = serde_json::from_str(&outputs).context("the AWS command line answered no JSON")?;
        progress.done("");
        outputs_of(&described)
    }

    fn run(&self, arguments: &[&str], progress: &Progress, log: &std::path::Path) -> Result<()> {
        process::run(progress, self.command().args(arguments), log, |_| ())
    }

    /// Waits until it ends, which it does only when something is wrong or somebody stopped it.
    pub(crate) fn wait(&mut self) -> Result<bool> {
        self.group.wait()?;
        process::end_quietly_if_interrupted();
        bail!("the local cloud has ended; its log is {}", self.workspace.log("cloud").display())
    }

    /// The stock AWS command line, pointed here and at nothing of the user's own.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(self.tools.path("aws"));
        aws_environment(&mut command, self.endpoint());
        command
    }

    fn wait_until_healthy(&mut self) -> Result<()> {
        let agent = aws::agent();
        let url = format!("{}/_ministack/health", self.endpoint());
        let until = Instant::now() + START_LIMIT;
        while Instant::now() < until {
            if let Some(status) = self.group.ended()? {
                bail!("it ended at once ({status})");
            }
            if agent.get(&url).call().is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("it was not healthy within {} s", START_LIMIT.as_secs())
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        forget(&self.workspace);
    }
}

/// Sets the environment in which AWS clients talk to `endpoint` as its root, and read no files of the user's.
pub(crate) fn aws_environment<'a>(command: &'a mut Command, endpoint: &str) -> &'a mut Command {
    for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"] {
        command.env_remove(name);
    }
    command
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_PAGER", "")
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("no_proxy", "127.0.0.1,localhost")
}

/// The address of the local cloud that is up.
pub(crate) fn endpoint_of_left_over(workspace: &Workspace) -> Option<String> {
    left_over(workspace)?;
    Some(record(workspace)?.get("endpoint")?.as_str()?.to_owned())
}

fn record(workspace: &Workspace) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(record_path(workspace)).ok()?).ok()
}

/// What an earlier run left running, if anything: its owner's process and the cloud's group.
pub(crate) fn left_over(workspace: &Workspace) -> Option<(i32, i32)> {
    let record = record(workspace)?;
    let number = |name: &str| record.get(name).and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok());
    let (owner, group) = (number("owner")?, number("group")?);
    let endpoint = record.get("endpoint")?.as_str()?;
    // The ids may have been given to others since; a cloud answering at that address is ours.
    let answers =
        aws::agent().get(format!("{endpoint}/_ministack/health")).call().is_ok_and(|answer| answer.status().is_success());
    (answers && process::group_is_alive(group)).then_some((owner, group))
}

/// The address of the cloud that is up, if one is.
pub(crate) fn endpoint_of(workspace: &Workspace) -> Option<String> {
    left_over(workspace)?;
    let record: Value = serde_json::from_str(&fs::read_to_string(record_path(workspace)).ok()?).ok()?;
    Some(record.get("endpoint")?.as_str()?.to_owned())
}

/// Forgets the record of the running cloud.
pub(crate) fn forget(workspace: &Workspace) {
    // Already gone is as good.
    let _ = fs::remove_file(record_path(workspace));
}

/// Stops the cloud of a run that died; refuses where the run is alive.
pub(crate) fn stop_left_over(workspace: &Workspace) -> Result<()> {
    let Some((owner, group)) = left_over(workspace) else { return Ok(()) };
    if process::is_alive(owner) {
        bail!("a local cloud of this checkout is already up (process {owner}). Stop it with: cargo local down");
    }
    process::stop_group(group);
    forget(workspace);
    Ok(())
}

fn record_path(workspace: &Workspace) -> PathBuf {
    workspace.state("run.json")
}

/// The template with what [`READ_BY_SAM`] names as its parameters' defaults.
fn with_defaults(mut template: Value, parameters: &[(&str, String)]) -> Value {
    for (name, value) in parameters.iter().filter(|(name, _)| READ_BY_SAM.contains(name)) {
        if let Some(parameter) = template.pointer_mut(&format!("/Parameters/{name}/Default")) {
            *parameter = json!(value);
        }
    }
    template
}

/// The outputs in what `describe-stacks` answered, by name.
pub(crate) fn outputs_of(described: &Value) -> Result<Value> {
    let outputs = described.pointer("/Stacks/0/Outputs").and_then(Value::as_array).context("the stack has no outputs")?;
    let named = outputs.iter().filter_map(|output| {
        let name = output.get("OutputKey")?.as_str()?;
        Some((name.to_owned(), output.get("OutputValue")?.clone()))
    });
    Ok(Value::Object(named.collect()))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
