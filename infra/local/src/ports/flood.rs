//! `cargo local flood`: many port orders at once into the deployed stack. Says whether it keeps up, and if not, who is
//! busy meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::plan::{MOST_LINES, fictional};
use crate::carrier::days_ago;
use crate::people::{iccid, suffix};
use crate::stack::{Stack, event, uuid};
use crate::terminal::{Paint, Progress, paint};

/// Records of one import.
const IMPORT: usize = 500;
/// Orders of one call of the queue.
const AT_ONCE: usize = 10;
/// How often is looked.
const LOOK: Duration = Duration::from_secs(5);

/// How long the news of the opened accounts may take.
const OPENED_WITHIN: Duration = Duration::from_secs(600);

/// What the command was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Options {
    /// Orders a minute.
    per_minute: usize,
    /// For how long.
    seconds: usize,
}

impl Options {
    /// From `--per-minute N` and `--seconds N`, each of which may be left out.
    pub(crate) fn read(arguments: &[&str]) -> Result<Self> {
        let mut options = Self { per_minute: 10_000, seconds: 30 };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { bail!("{} needs a value", pair.concat()) };
            let value = value.parse().with_context(|| format!("{name} {value}"))?;
            match *name {
                "--per-minute" => options.per_minute = value,
                "--seconds" => options.seconds = value,
                other => bail!("`cargo local flood` does not know {other}"),
            }
        }
        if !(60..=60_000).contains(&options.per_minute) || !(5..=600).contains(&options.seconds) {
            bail!("--per-minute is 60 to 60000, --seconds 5 to 600");
        }
        Ok(options)
    }

    fn orders(self) -> usize {
        self.per_minute * self.seconds / 60
    }
}

/// What was seen at one time.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: f64,
    sent: usize,
    waiting: usize,
    answered: usize,
}

/// Sends the orders and prints how the queues stand every few seconds. Whether nothing was left behind.
pub(crate) fn play(stack: &Stack, cloud: i32, options: Options) -> Result<bool> {
    let lines = options.orders().min(MOST_LINES);
    let numbers: Vec<String> = (0..lines).filter_map(fictional).collect();
    open(stack, &numbers)?;
    let (queue, answers) = (stack.output("PortingQueueUrl")?, stack.output("PortAnswersQueueUrl")?);
    stack.take(answers)?;

    // The stream tells of every account that was opened, in its order: when one order is answered, it is through.
    let progress = Progress::start("Waiting until all of it was told");
    stack.send(queue, &order(&numbers, options.orders()).context("no order")?)?;
    let began = Instant::now();
    while depth(stack, answers)? == 0 {
        ensure!(began.elapsed() < OPENED_WITHIN, "the first order has no answer");
        thread::sleep(LOOK / 5);
    }
    progress.done("");
    stack.take(answers)?;

    let before = busy(cloud);
    let started = Instant::now();
    let mut looks = Vec::new();
    println!("\n  {:>8} {:>8} {:>8} {:>9} {:>13}", "seconds", "sent", "waiting", "answered", "answered/s");
    let (mut sent, mut looked) = (0, Instant::now());
    // As long again as it was sent for: a stack that keeps up has nothing left by then.
    let end = Duration::from_secs(u64::try_from(options.seconds * 2)?);
    while started.elapsed() < end {
        let pace = Duration::from_secs_f64(60.0 / count(options.per_minute));
        if sent < options.orders() && started.elapsed() >= pace * u32::try_from(sent)? {
            let orders = (sent..options.orders()).take(AT_ONCE).filter_map(|n| order(&numbers, n));
            let orders: Vec<String> = orders.collect();
            stack.send_batch(queue, &orders)?;
            sent += orders.len();
        } else {
            thread::sleep(Duration::from_millis(5));
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            let look = Look {
                at: started.elapsed().as_secs_f64(),
                sent,
                waiting: depth(stack, queue)?,
                answered: depth(stack, answers)?,
            };
            print(&look, looks.last());
            looks.push(look);
        }
    }
    println!();
    for (who, seconds) in busy(cloud) {
        let used = seconds - before.get(&who).copied().unwrap_or_default();
        println!("  {:<24} {:>5.2} of a core", who, used / started.elapsed().as_secs_f64());
    }
    let last = looks.last().context("nothing was seen")?;
    let keeps_up = last.waiting == 0 && last.answered >= options.orders();
    let verdict = if keeps_up {
        paint(Paint::Green, format!("{} orders a minute, and nothing is left behind.", options.per_minute))
    } else {
        let left = options.orders() - last.answered.min(options.orders());
        paint(
            Paint::Red,
            format!("{} orders a minute are too many here: {left} of {} have no answer.", options.per_minute, options.orders()),
        )
    };
    println!("\n{verdict}");
    Ok(keeps_up)
}

/// One account for each number, long since.
fn open(stack: &Stack, numbers: &[String]) -> Result<()> {
    let progress = Progress::start(format!("Opening {} accounts by import", numbers.len()));
    let (run, year_ago, function) = (suffix(), days_ago(365), stack.output("ProvisioningFeedFunction")?);
    let mut records = Vec::new();
    for (n, number) in numbers.iter().enumerate() {
        let account = format!("acct-{run}-{n}");
        let contacts = json!([{ "id": "mail", "email": format!("h{n}@mail.example") }]);
        let fields = json!({ "account_id": account, "jurisdiction": "us", "contacts": contacts });
        records.push(event("account_opened", year_ago, fields));
        let fields = json!({ "account_id": account, "line_id": format!("line-{run}-{n}"), "msisdn": number, "iccid": iccid() });
        records.push(event("line_opened", year_ago, fields));
        let fields = json!({ "account_id": account, "account_number": account_number(n), "zip": "33101" });
        records.push(event("billing_known", year_ago, fields));
    }
    for (n, some) in records.chunks(IMPORT).enumerate() {
        progress.detail(&format!("{} of {}", n * IMPORT, records.len()));
        let imported = stack.aws.invoke(function, &json!({ "import": some }))?;
        let failed = imported.get("failed").and_then(Value::as_array).map_or(0, Vec::len);
        ensure!(failed == 0, "an import failed: {imported}");
    }
    progress.done("");
    Ok(())
}

fn account_number(n: usize) -> String {
    format!("{:09}", 100_000_000 + n)
}

/// The n-th order. A line that has one already is asked for once more.
fn order(numbers: &[String], n: usize) -> Option<String> {
    let line = n % numbers.len();
    let now = Timestamp::now();
    let due = now.checked_add(SignedDuration::from_hours(26)).ok()?;
    let data = json!({
        "ported_number": numbers.get(line)?, "purchase_order_number": format!("LK-{n}"),
        "account_number": account_number(line), "zip": "33101", "company_code": "987H",
        "new_network_service_provider": "6X21", "desired_due_date": due.to_string(), "version": "0",
        "portability_direction": "C", "customer_carrier_name": "ZZZ", "requisition_type": "CB", "activity": "V",
        "initiator_number": "+12125550199", "agency_authority": "Y",
    });
    let order = json!({
        "specversion": "1.0", "id": uuid(), "source": "/gateways/a", "type": "linekeeper.porting.port_request.v1",
        "time": now.to_string(), "datacontenttype": "application/json", "data": data,
    });
    Some(order.to_string())
}

/// Messages in a queue: those that wait, and those that somebody works on.
fn depth(stack: &Stack, queue: &str) -> Result<usize> {
    let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    let request = json!({ "QueueUrl": queue, "AttributeNames": names });
    let answer = stack.aws.json("sqs", "AmazonSQS.GetQueueAttributes", &request)?;
    let read = |name: &str| answer.pointer(&format!("/Attributes/{name}"))?.as_str()?.parse::<usize>().ok();
    Ok(names.into_iter().filter_map(read).sum())
}

fn print(look: &Look, before: Option<&Look>) {
    let (at, answered) = before.map_or((0.0, 0), |before| (before.at, before.answered));
    let rate = count(look.answered.saturating_sub(answered)) / (look.at - at);
    println!("  {:>8.0} {:>8} {:>8} {:>9} {:>13.1}", look.at, look.sent, look.waiting, look.answered, rate);
}

fn count(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::MAX, f64::from)
}

/// Processor seconds by who used them, of the cloud and of all that it started; nothing where the system does not tell.
/// What has ended is counted with whoever started it.
fn busy(cloud: i32) -> BTreeMap<String, f64> {
    let mut seconds = BTreeMap::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some((name, group, ticks)) = fs::read_to_string(process.path().join("stat")).ok().as_deref().and_then(stat) else {
            continue;
        };
        if group != cloud {
            continue;
        }
        // Every function's binary is called `bootstrap`; its folder says which it is of.
        let who = if name == "bootstrap" { "the functions" } else { "the local cloud itself" };
        *seconds.entry(who.to_owned()).or_insert(0.0) += ticks / 100.0;
    }
    seconds
}

/// Name, process group and used ticks (hundredths of a second, everywhere that matters), of a line of proc(5).
fn stat(line: &str) -> Option<(String, i32, f64)> {
    let (before, after) = line.rsplit_once(')')?;
    let name = before.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u32>().ok().map(f64::from);
    Some((name, fields.get(2)?.parse().ok()?, ticks(11)? + ticks(12)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_default_and_what_is_wrong_is_named() {
        assert_eq!(Options::read(&[]).unwrap().orders(), 5_000);
        assert_eq!(Options::read(&["--per-minute", "600", "--seconds", "20"]).unwrap().orders(), 200);
        for wrong in [&["--per-minute"][..], &["--per-minute", "x"], &["--seconds", "0"], &["--days", "1"]] {
            assert!(Options::read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_with_brackets_is_one_name() {
        let line = "7 (a (b) c) S 1 42 42 0 -1 0 0 0 0 0 300 50 1 2 20 0 1 0 9 9 9";
        assert_eq!(stat(line), Some(("a (b) c".to_owned(), 42, 350.0)));
        assert_eq!(stat("7"), None);
    }
}
