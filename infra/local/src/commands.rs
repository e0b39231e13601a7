//! The commands.

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::acts;
use crate::attacks;
use crate::bench;
use crate::binaries;
use crate::browser;
use crate::carrier;
use crate::checks;
use crate::cloud::{self, Cloud};
use crate::edge::{self, Edge};
use crate::issuer::AUDIENCE;
use crate::package;
use crate::people::Customer;
use crate::permissions;
use crate::ports;
use crate::process::{self, Group};
use crate::redrive;
use crate::scene::{Claim, Show};
use crate::smoke;
use crate::stack::{SENDER, Stack};
use crate::terminal::{Paint, Progress, paint, seconds};
use crate::tools::Tools;
use crate::workspace::Workspace;

/// Where `cargo lambda watch` listens.
const WATCH: (&str, &str) = ("127.0.0.1", "9000");

/// The story, from nothing to the end.
pub(crate) fn demo() -> Result<bool> {
    let started = Instant::now();
    let workspace = begin()?;
    let (_cloud, stack) = deploy(&workspace, None)?;
    let claims = acts::play(&stack, Show::Everything)?;
    let (held, broken) = count(&claims);
    println!();
    list_broken(&claims);
    let verdict = if broken == 0 {
        paint(Paint::Green, format!("All {held} claims of the eight acts held."))
    } else {
        paint(Paint::Red, format!("{broken} of {} claims did not hold.", held + broken))
    };
    println!("{verdict}  {}", paint(Paint::Dim, seconds(started)));
    Ok(broken == 0)
}

/// Attacks on step-up, each of which has to fail.
pub(crate) fn attack() -> Result<bool> {
    let started = Instant::now();
    let workspace = begin()?;
    let (_cloud, stack) = deploy(&workspace, None)?;
    let claims = attacks::play(&stack, Show::Everything)?;
    let (held, broken) = count(&claims);
    println!();
    list_broken(&claims);
    let verdict = if broken == 0 {
        paint(Paint::Green, format!("Every attack failed; all {held} claims held."))
    } else {
        paint(Paint::Red, format!("{broken} of {} claims did not hold.", held + broken))
    };
    println!("{verdict}  {}", paint(Paint::Dim, seconds(started)));
    Ok(broken == 0)
}

/// A day of porting.
pub(crate) fn ports(options: ports::Options) -> Result<bool> {
    let started = Instant::now();
    let workspace = begin()?;
    let (_cloud, stack) = deploy_with(&workspace, None, &options.monitor())?;
    let held = ports::play(&stack, options)?;
    println!("{}", paint(Paint::Dim, seconds(started)));
    Ok(held)
}

/// Many port orders at once.
pub(crate) fn flood(options: ports::flood::Options) -> Result<bool> {
    let workspace = begin()?;
    let (cloud, stack) = deploy(&workspace, None)?;
    ports::flood::play(&stack, cloud.group(), options)
}

/// What the functions cost in time and memory.
pub(crate) fn bench(options: bench::Options) -> Result<bool> {
    let workspace = begin()?;
    let (_cloud, stack) = deploy(&workspace, None)?;
    bench::play(&workspace, &stack, &options)
}

/// The same stack, and it stays.
pub(crate) fn up(as_json: bool) -> Result<bool> {
    let workspace = begin()?;
    let edge = Edge::listen()?;
    let base = edge.base().to_owned();
    let (mut cloud, stack) = deploy(&workspace, Some(&base))?;
    let customers = carrier::open_accounts(&stack, &["Maria", "Sofia"])?;
    let stack = Arc::new(stack);
    edge.serve(&workspace, &stack, &customers);
    let description = describe(&stack, &customers, &base)?;
    if as_json {
        println!("{description}");
    } else {
        print_description(&description, &base);
    }
    cloud.wait()
}

/// The functions by `cargo lambda watch`, against the same cloud.
pub(crate) fn watch() -> Result<bool> {
    let workspace = begin()?;
    let tools = Tools::install(&workspace)?.with_cargo_lambda(&workspace)?;
    let (address, port) = WATCH;
    let (cloud, stack) = deploy(&workspace, Some(&format!("http://{address}:{port}")))?;
    stack.open_keys_to_developers()?;
    let customers = carrier::open_accounts(&stack, &["Maria"])?;
    let maria = customers.first().context("no customer")?;
    let caller = acts::caller_at_home(&stack, maria)?;
    let token = caller.token.context("no token")?;

    println!("\nThe API is served from source at http://{address}:{port}; the first call of a function compiles it. Try:\n");
    println!("  curl http://{address}:{port}/v1/account -H 'Authorization: Bearer {token}'\n");
    let mut command = process::cargo(workspace.root());
    cloud::aws_environment(&mut command, cloud.endpoint());
    command.args(["lambda", "watch", "--invoke-address", address, "--invoke-port", port]);
    command.env("PATH", path_with(&tools)?);
    for (name, value) in function_environment(&stack)? {
        command.env(name, value);
    }
    let mut watching = Group::start(&mut command)?;
    watching.wait()
}

/// Stops what an `up` left.
pub(crate) fn down() -> Result<bool> {
    let workspace = Workspace::find()?;
    match cloud::left_over(&workspace) {
        None => println!("Nothing is up."),
        Some((owner, group)) => {
            process::ask_to_end(owner);
            process::stop_group(group);
            println!("Stopped.");
        }
    }
    cloud::forget(&workspace);
    Ok(true)
}

/// Zips of the functions, and what is in them.
pub(crate) fn package(options: package::Options) -> Result<bool> {
    let started = Instant::now();
    let workspace = begin()?;
    let done = package::run(&workspace, options)?;
    println!("{}", paint(Paint::Dim, seconds(started)));
    Ok(done)
}

/// Whether a deployed stack lives.
pub(crate) fn smoke(options: &smoke::Options) -> Result<bool> {
    smoke::run(&Workspace::find()?, options)
}

/// What lies in the dead-letter queues, and the way back.
pub(crate) fn redrive(options: &redrive::Options) -> Result<bool> {
    redrive::run(&Workspace::find()?, options)
}

/// Every test there is.
pub(crate) fn test() -> Result<bool> {
    let started = Instant::now();
    let workspace = begin()?;
    let mut counts = Counts::default();
    heading("1  The workspace");
    workspace_tests(&workspace, &mut counts)?;
    heading("2  The template");
    let tools = Tools::install(&workspace)?;
    lint(&workspace, &tools, &mut counts);
    heading("3  The deployed stack, IAM enforced");
    match stack_tests(&workspace) {
        Ok(claims) => {
            println!();
            list_broken(&claims);
            counts.add(count(&claims));
        }
        Err(error) => counts.broke(&error),
    }
    println!("\n{}", paint(Paint::Dim, seconds(started)));
    let line = format!("{} passed, {} failed", counts.passed, counts.failed);
    println!("{}", paint(if counts.failed == 0 { Paint::Green } else { Paint::Red }, line));
    Ok(counts.failed == 0)
}

#[derive(Debug, Default)]
struct Counts {
    passed: usize,
    failed: usize,
}

impl Counts {
    fn add(&mut self, (passed, failed): (usize, usize)) {
        self.passed += passed;
        self.failed += failed;
    }

    /// Something ended before it could count.
    fn broke(&mut self, error: &anyhow::Error) {
        println!("{} {error:#}", paint(Paint::Red, "failed:"));
        self.failed += 1;
    }
}

fn workspace_tests(workspace: &Workspace, counts: &mut Counts) -> Result<()> {
    let nextest =
        process::cargo(workspace.root()).args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    if nextest {
        run_tests(
            workspace,
            counts,
            "Unit, property and integration tests",
            &["nextest", "run", "--workspace", "--no-fail-fast", "--color", "never"],
        )?;
    } else {
        run_tests(
            workspace,
            counts,
            "Unit, property and integration tests",
            &["test", "--workspace", "--all-targets", "--no-fail-fast"],
        )?;
    }
    run_tests(workspace, counts, "Examples in the documentation", &["test", "--workspace", "--doc", "--no-fail-fast"])
}

fn run_tests(workspace: &Workspace, counts: &mut Counts, title: &str, arguments: &[&str]) -> Result<()> {
    let progress = Progress::start(title);
    let mut found = (0, 0);
    let mut command = process::cargo(workspace.root());
    command.args(arguments);
    let log = workspace.log(if arguments.contains(&"--doc") { "doc-tests" } else { "tests" });
    let ran = process::run(&progress, &mut command, &log, |line| {
        if let Some((passed, failed)) = test_counts(line) {
            found = (found.0 + passed, found.1 + failed);
        }
    });
    counts.add(found);
    match ran {
        Ok(()) => progress.done(&format!("{} passed", found.0)),
        Err(error) => {
            drop(progress);
            println!("{error:#}");
            // What does not compile runs no test that could fail.
            counts.failed += usize::from(found.1 == 0);
        }
    }
    Ok(())
}

/// The counts in a summary line of nextest's or of libtest's.
fn test_counts(line: &str) -> Option<(usize, usize)> {
    let line = line.trim_start();
    if !line.starts_with("Summary [") && !line.starts_with("test result:") {
        return None;
    }
    let before = |word: &str| {
        let (head, _) = line.split_once(word)?;
        head.rsplit([' ', ',', ';']).find(|part| !part.is_empty())?.parse().ok()
    };
    Some((before(" passed")?, before(" failed").unwrap_or(0)))
}

fn lint(workspace: &Workspace, tools: &Tools, counts: &mut Counts) {
    let progress = Progress::start("cfn-lint on the templates");
    let mut lint = Command::new(tools.path("cfn-lint"));
    lint.arg(workspace.template()).arg(workspace.edge_template());
    match process::run(&progress, &mut lint, &workspace.log("lint"), |_| ()) {
        Ok(()) => {
            progress.done("clean");
            counts.passed += 1;
        }
        Err(error) => {
            drop(progress);
            counts.broke(&error);
        }
    }
}

fn stack_tests(workspace: &Workspace) -> Result<Vec<Claim>> {
    let edge = Edge::listen()?;
    let (_cloud, stack) = deploy(workspace, Some(edge.base()))?;
    let stack = Arc::new(stack);
    permissions::record(&stack.aws)?;
    let mut claims = acts::play(&stack, Show::Claims)?;
    claims.extend(attacks::play(&stack, Show::Claims)?);
    // Before the checks: they look for secrets in what the functions logged by then.
    claims.extend(browser::run(workspace, &stack, edge)?);
    claims.extend(checks::run(&stack)?);
    Ok(claims)
}

fn begin() -> Result<Workspace> {
    let workspace = Workspace::find()?;
    let on_interrupt = workspace.clone();
    process::stop_all_on_interrupt(move || cloud::forget(&on_interrupt))?;
    Ok(workspace)
}

/// Callers reach it at `base`, or else at the cloud itself.
fn deploy(workspace: &Workspace, base: Option<&str>) -> Result<(Cloud, Stack)> {
    deploy_with(workspace, base, "")
}

/// The same with the monitor's limits.
fn deploy_with(workspace: &Workspace, base: Option<&str>, monitor: &str) -> Result<(Cloud, Stack)> {
    cloud::stop_left_over(workspace)?;
    let tools = Tools::install(workspace)?;
    binaries::build(workspace)?;
    let cloud = Cloud::start(workspace, &tools)?;
    let stack = Stack::deploy(&cloud, base.unwrap_or_else(|| cloud.endpoint()), monitor)?;
    Ok((cloud, stack))
}

fn heading(text: &str) {
    println!("\n{}", paint(Paint::Bold, text));
}

fn count(claims: &[Claim]) -> (usize, usize) {
    let held = claims.iter().filter(|claim| claim.held).count();
    (held, claims.len() - held)
}

fn list_broken(claims: &[Claim]) {
    for claim in claims.iter().filter(|claim| !claim.held) {
        println!("{} {}", paint(Paint::Red, "✗"), claim.words);
    }
}

/// What a person or a script needs to use the stack.
fn describe(stack: &Stack, customers: &[Customer], base: &str) -> Result<Value> {
    let described: Result<Vec<Value>> = customers
        .iter()
        .map(|customer| {
            Ok(json!({
                "name": customer.name,
                "account_id": customer.account_id,
                "line_id": customer.line_id,
                "msisdn": customer.msisdn,
                "device": customer.device,
                "token": stack.issuer.customer(&customer.account_id)?,
            }))
        })
        .collect();
    Ok(json!({
        "base_url": base,
        "inbox_url": format!("{base}{}", edge::INBOX),
        "issuer": stack.issuer.url(),
        "audience": AUDIENCE,
        "aws_endpoint_url": stack.aws.endpoint(),
        "customers": described?,
        "representative_token": stack.issuer.representative("rep-dan", "Dan", "phone")?,
        "outputs": stack.outputs(),
    }))
}

fn print_description(description: &Value, base: &str) {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    println!("\n{}  {base}/", paint(Paint::Bold, "App   "));
    println!("{}  {base}", paint(Paint::Bold, "API   "));
    println!("{}  {base}{}", paint(Paint::Bold, "Inbox "), edge::INBOX);
    println!("{}  {}", paint(Paint::Bold, "AWS   "), text(description, "aws_endpoint_url"));
    let customers = description.get("customers").and_then(Value::as_array);
    for customer in customers.into_iter().flatten() {
        println!(
            "\n{}, line {}, device {}",
            paint(Paint::Bold, text(customer, "name")),
            text(customer, "line_id"),
            text(customer, "device")
        );
        println!("{}", paint(Paint::Dim, text(customer, "token")));
    }
    println!("\n{}", paint(Paint::Bold, "Representative on the phone"));
    println!("{}", paint(Paint::Dim, text(description, "representative_token")));
    println!("\n  curl {base}/v1/account -H \"Authorization: Bearer $TOKEN\"\n");
    println!("Requests come from Miami; with `-H 'x-local-place: los-angeles'` from California. Ctrl-C stops everything.");
}

/// What the functions read at start, taken together: one process of `cargo lambda watch` serves them all.
fn function_environment(stack: &Stack) -> Result<Vec<(&'static str, String)>> {
    let output = |name: &str| stack.output(name).map(str::to_owned);
    Ok(vec![
        ("STATE_TABLE", output("StateTable")?),
        ("LEDGER_TABLE", output("LedgerTable")?),
        ("MAC_KEY", output("MacKeyArn")?),
        ("PROFILE_KEY", output("ProfileKeyArn")?),
        ("SEAL_KEY", output("SealKeyArn")?),
        ("SIGNING_KEY", output("SigningKeyArn")?),
        ("EVENTS_TOPIC", output("LineEventsTopicArn")?),
        ("DEAD_LETTER_QUEUE", output("ProvisioningRejectedQueueUrl")?),
        ("SENDER_EMAIL", SENDER.to_owned()),
        ("PWA_ORIGIN", stack.pwa_origin.clone()),
        ("ISSUER", output("ApiUrl")?),
        ("EDGE_SECRET", stack.api.edge_secret().to_owned()),
        ("IDENTITY_ISSUER", stack.issuer.url().to_owned()),
        ("IDENTITY_AUDIENCE", AUDIENCE.to_owned()),
        ("IDENTITY_JWKS", stack.issuer.jwks().to_string()),
    ])
}

fn path_with(tools: &Tools) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools.bin().to_owned()).chain(std::env::split_paths(&path));
    match std::env::join_paths(folders) {
        Ok(path) => Ok(path),
        Err(error) => bail!("the folder of the tools cannot stand in PATH: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::test_counts;

    #[test]
    fn both_runners_summaries_are_read() {
        assert_eq!(test_counts("     Summary [   1.204s] 30 tests run: 29 passed, 1 failed, 2 skipped"), Some((29, 1)));
        assert_eq!(test_counts("     Summary [   1.204s] 30 tests run: 30 passed (1 slow), 0 skipped"), Some((30, 0)));
        assert_eq!(test_counts("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured"), Some((12, 0)));
        assert_eq!(test_counts("test result: FAILED. 1 passed; 2 failed; 0 ignored"), Some((1, 2)));
        assert_eq!(test_counts("running 3 tests"), None);
    }
}
