//! `cargo local smoke`: whether a stack that was just deployed lives. It needs no customer, changes nothing, and says one
//! line for each thing that it looked at.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

use crate::cli::{self, Deployed};
use crate::redrive::{self, Parked};
use crate::terminal::{Paint, paint, seconds};
use crate::workspace::Workspace;

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(10);

/// What other systems are configured by.
const OUTPUTS: [&str; 16] = [
    "ApiUrl",
    "StateTable",
    "LedgerTable",
    "LedgerStream",
    "ProvisioningQueueUrl",
    "PortingQueueUrl",
    "PortAnswersQueueUrl",
    "BehaviourQueueUrl",
    "FraudDeskQueueUrl",
    "AuthorizationsQueueUrl",
    "LineEventsTopicArn",
    "DataKeyArn",
    "MacKeyArn",
    "ProfileKeyArn",
    "SealKeyArn",
    "SigningKeyArn",
];

/// What CloudFront adds to every reply (`SafeReplies` in the template).
const ADDED: [&str; 5] =
    ["strict-transport-security", "x-content-type-options", "x-frame-options", "referrer-policy", "content-security-policy"];

/// One thing that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    /// What should be so.
    pub(crate) words: &'static str,
    /// What there is instead, where it is not so.
    pub(crate) wrong: Option<String>,
}

/// What the command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    stack: Option<String>,
    api: Option<String>,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn read(arguments: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let value = rest.next().with_context(|| format!("{argument} needs a value"))?;
            match *argument {
                "--stack" => options.stack = Some((*value).to_owned()),
                "--api" => options.api = Some(value.trim_end_matches('/').to_owned()),
                unknown => bail!("smoke does not know `{unknown}`"),
            }
        }
        Ok(options)
    }
}

/// Looks at a stack, and at its API alone where only `--api` was given. False where anything is wrong.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let started = Instant::now();
    let checks = match (&options.stack, &options.api) {
        (None, Some(api)) => answers(&Door { base: api.clone(), host: None, front: false }),
        (stack, api) => all(&cli::find(workspace, stack.as_deref())?, api.as_deref())?,
    };
    for check in &checks {
        match &check.wrong {
            None => println!("  {} {}", paint(Paint::Green, "✓"), check.words),
            Some(wrong) => println!("  {} {}: {wrong}", paint(Paint::Red, "✗"), check.words),
        }
    }
    let wrong = checks.iter().filter(|check| check.wrong.is_some()).count();
    let verdict = match wrong {
        0 => paint(Paint::Green, format!("All {} are so.", checks.len())),
        wrong => paint(Paint::Red, format!("{wrong} of {} are not so.", checks.len())),
    };
    println!("\n{verdict}  {}", paint(Paint::Dim, seconds(started)));
    Ok(wrong == 0)
}

/// Everything there is to look at. The AWS command line is slow to start, so the questions go out together.
pub(crate) fn all(stack: &Deployed, api: Option<&str>) -> Result<Vec<Check>> {
    let door = Door::of(stack, api)?;
    let (mut checks, more) = thread::scope(|scope| {
        let asked = [
            scope.spawn(|| check("every event source mapping is enabled", || mappings(stack))),
            scope.spawn(|| check("every alarm exists, and none rings", || alarms(stack))),
            scope.spawn(|| check("the rule that wakes the sweep is enabled", || rule(stack))),
            scope.spawn(|| check("nothing lies in a dead-letter queue", || parked(stack))),
        ];
        let checks = answers(&door);
        let more: Vec<Check> = asked.into_iter().filter_map(|asked| asked.join().ok()).collect();
        (checks, more)
    });
    checks.push(check("the stack has its outputs", || outputs(stack)));
    ensure!(more.len() == 4, "a check broke off");
    checks.extend(more);
    Ok(checks)
}

/// Where the API is called.
#[derive(Debug)]
struct Door {
    base: String,
    /// The local cloud tells APIs apart by it.
    host: Option<String>,
    /// Whether CloudFront stands in front.
    front: bool,
}

impl Door {
    fn of(stack: &Deployed, api: Option<&str>) -> Result<Self> {
        let front = stack.output("DistributionDomain").is_ok();
        if let (Some(endpoint), None) = (stack.cli.endpoint(), api) {
            let port = endpoint.rsplit(':').next().unwrap_or_default();
            let host = format!("{}.execute-api.localhost:{port}", stack.output("ApiId")?);
            return Ok(Self { base: endpoint.to_owned(), host: Some(host), front });
        }
        Ok(Self {
            base: api.map_or_else(|| stack.output("ApiUrl").map(str::to_owned), |api| Ok(api.to_owned()))?,
            host: None,
            front,
        })
    }

    fn call(&self, method: &str, path: &str, body: &'static str) -> Result<Reply> {
        let agent: Agent =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(REQUEST)).max_redirects(0).build().into();
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let mut response = agent.run(request.body(body)?).with_context(|| format!("no answer from {}", self.base))?;
        let text = response.body_mut().with_config().limit(1 << 20).read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Reply { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "it answered {}", self.status);
        Ok(self)
    }
}

fn check(words: &'static str, ask: impl FnOnce() -> Result<()>) -> Check {
    Check { words, wrong: ask().err().map(|error| format!("{error:#}")) }
}

/// What the API says to those who bring nothing.
fn answers(door: &Door) -> Vec<Check> {
    let mut checks = vec![
        check("the signing key is published, and can be read", || {
            let keys: JwkSet = serde_json::from_value(door.call("GET", "/.well-known/jwks.json", "")?.expect(200)?.body)?;
            ensure!(!keys.keys.is_empty(), "the set is empty");
            for key in &keys.keys {
                DecodingKey::from_jwk(key)?;
                ensure!(key.common.key_id.is_some(), "a key without a kid");
            }
            Ok(())
        }),
        check("who brings no token gets 401", || {
            door.call("GET", "/v1/account", "")?.expect(401)?;
            Ok(())
        }),
        check("a path that is not there is 404", || {
            door.call("GET", "/v1/no-such-thing", "")?.expect(404)?;
            Ok(())
        }),
        check("a body that is no JSON is refused as a problem of the list", || {
            let reply = door.call("POST", "/v1/not-me", "{")?.expect(400)?;
            ensure!(reply.header("content-type").starts_with("application/problem+json"), "it is no problem document");
            let kind = reply.body.get("type").and_then(Value::as_str).unwrap_or_default();
            ensure!(kind == "urn:linekeeper:problem:malformed", "it is a problem of the type `{kind}`");
            Ok(())
        }),
        check("nobody may keep an answer", || {
            let reply = door.call("POST", "/v1/not-me", "{")?;
            ensure!(reply.header("cache-control").contains("no-store"), "cache-control is `{}`", reply.header("cache-control"));
            Ok(())
        }),
    ];
    if door.front {
        checks.push(check("CloudFront adds the headers of safety", || {
            let reply = door.call("GET", "/.well-known/jwks.json", "")?;
            let missing: Vec<&str> = ADDED.into_iter().filter(|name| reply.header(name).is_empty()).collect();
            ensure!(missing.is_empty(), "missing: {}", missing.join(", "));
            Ok(())
        }));
    }
    checks
}

fn outputs(stack: &Deployed) -> Result<()> {
    let missing: Vec<&str> = OUTPUTS.into_iter().filter(|name| stack.output(name).unwrap_or_default().is_empty()).collect();
    ensure!(missing.is_empty(), "missing: {}", missing.join(", "));
    Ok(())
}

/// Only one that is off by itself is wrong: AWS takes a while to enable a new one.
fn mappings(stack: &Deployed) -> Result<()> {
    let listed = stack.cli.call("lambda", "list-event-source-mappings", &json!({}))?;
    let listed = listed.get("EventSourceMappings").and_then(Value::as_array).context("no mappings")?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for resource in stack.of_kind("AWS::Lambda::EventSourceMapping") {
        count += 1;
        let found = listed.iter().find(|mapping| mapping.get("UUID").and_then(Value::as_str) == Some(&resource.physical));
        let state = found.and_then(|mapping| mapping.get("State")).and_then(Value::as_str).unwrap_or("missing");
        if !["Enabled", "Enabling", "Creating", "Updating"].contains(&state) {
            wrong.push(format!("{} is {state}", resource.logical));
        }
    }
    ensure!(count > 0, "the stack has none");
    ensure!(wrong.is_empty(), "{}", wrong.join(", "));
    Ok(())
}

fn alarms(stack: &Deployed) -> Result<()> {
    let names: Vec<&str> = stack.of_kind("AWS::CloudWatch::Alarm").map(|alarm| alarm.physical.as_str()).collect();
    ensure!(!names.is_empty(), "the stack has none");
    let request = json!({ "AlarmNames": names, "MaxRecords": 100 });
    let found = stack.cli.call("cloudwatch", "describe-alarms", &request)?;
    let found = found.get("MetricAlarms").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |alarm: &Value, name: &str| alarm.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut wrong = Vec::new();
    for alarm in stack.of_kind("AWS::CloudWatch::Alarm") {
        match found.iter().find(|found| text(found, "AlarmName") == alarm.physical) {
            None => wrong.push(format!("{} is missing", alarm.logical)),
            Some(found) if text(found, "StateValue") == "ALARM" => wrong.push(format!("{} rings", alarm.logical)),
            Some(_) => (),
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join(", "));
    Ok(())
}

fn rule(stack: &Deployed) -> Result<()> {
    // `!Ref` of a rule is its name, on a bus of its own with the bus before it.
    let name = stack.physical("EveryMinute")?.rsplit('|').next().unwrap_or_default();
    let rule = stack.cli.call("events", "describe-rule", &json!({ "Name": name }))?;
    let state = rule.get("State").and_then(Value::as_str).unwrap_or_default();
    ensure!(state == "ENABLED", "it is {state}");
    Ok(())
}

fn parked(stack: &Deployed) -> Result<()> {
    let counted: Vec<(Parked, Result<usize>)> = thread::scope(|scope| {
        let asked = Parked::ALL.map(|queue| (queue, scope.spawn(move || redrive::waiting(stack, queue))));
        let joined =
            asked.into_iter().map(|(queue, asked)| (queue, asked.join().unwrap_or_else(|_| bail!("the question broke off"))));
        joined.collect()
    });
    let mut wrong = Vec::new();
    for (queue, count) in counted {
        match count {
            Ok(0) => (),
            Ok(count) => wrong.push(format!("{count} in {}", queue.word())),
            Err(error) => wrong.push(format!("{}: {error:#}", queue.word())),
        }
    }
    ensure!(wrong.is_empty(), "{} (cargo local redrive shows them)", wrong.join(", "));
    Ok(())
}
