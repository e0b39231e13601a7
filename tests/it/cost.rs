//! What an operation costs in money: counted calls and the sizes of items, at AWS's list prices (`infra/prices.json`).
//! `infra/COST.md` is made here, and compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;
use linekeeper_domain::change::Address;
use linekeeper_tests::people::ANA;
use linekeeper_tests::ports::{customer, order, pin, with_pin};
use linekeeper_tests::world::LEDGER;
use linekeeper_tests::{Call, World, iccid};
use serde_json::{Value, json};

use crate::calls::size;

const PRICES: &str = include_str!("../../infra/prices.json");
const SHEET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/COST.md");

/// What one thing used, by the names of the prices.
type Use = BTreeMap<&'static str, f64>;

fn price(table: &str, name: &str) -> f64 {
    let prices: Value = serde_json::from_str(PRICES).unwrap();
    prices[table][name].as_f64().unwrap_or_else(|| panic!("no price of {table}/{name}"))
}

fn dollars(used: &Use) -> f64 {
    used.iter().map(|(name, count)| count * price("per_million", name) / 1e6).sum()
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap())
}

/// Plays something, and says what it used. What triggers functions from outside is given: requests of the API and
/// messages of queues, each as if it came alone, and turns of the schedule.
async fn used(world: &World, [http, queued, scheduled]: [usize; 3], play: impl AsyncFnOnce(&World)) -> Use {
    let (mails, signed, answered) = (world.inbox.all().len(), world.keys.signatures(), world.gateway.all().len());
    let (published, entries) = (world.topic.all().len(), world.items(LEDGER).await.len());
    world.tap.note();
    Box::pin(play(world)).await;
    let (requests, calls) = world.tap.noted();
    let (reads, writes) = units(world, &requests).await;
    let signed = world.keys.signatures() - signed;
    let macs = calls.iter().filter(|call| **call == Call::Kms).count() - signed;
    let events = world.topic.all().len() - published;
    let answers = world.gateway.all().len() - answered;
    let entries = world.items(LEDGER).await.len() - entries;
    let sent = world.inbox.all().split_off(mails);
    let through = |of: fn(&Address) -> bool| count(sent.iter().filter(|mail| of(&mail.to)).count());
    // Two functions hear of each entry and one of each event.
    let invocations = count(http + queued + scheduled + 2 * entries + events);
    Use::from([
        ("read_unit", reads),
        ("write_unit", writes),
        ("mac", count(macs)),
        ("signature", count(signed)),
        ("http_request", count(http)),
        ("edge_request", count(http)),
        ("invocation", invocations),
        ("gigabyte_second", invocations * price("assumed", "milliseconds") / 1e3 * price("assumed", "gigabytes")),
        // Sent, received, deleted; the topic's own deliveries to queues are free. Whoever reads answers pays for two.
        ("queue_request", count(3 * queued + 2 * events + 3 * answers)),
        ("publish", count(events)),
        ("push", through(|to| matches!(to, Address::Push(_)))),
        ("email", through(|to| matches!(to, Address::Email(_)))),
        ("sms", through(|to| matches!(to, Address::Sms(_)))),
    ])
}

/// DynamoDB's units: a read of up to 4 KB is one, a write of 1 KB one, and in a transaction two. A check of a condition
/// is taken for a write of its item. The index of due times takes one more for an item that stands in it.
async fn units(world: &World, requests: &[(String, Value)]) -> (f64, f64) {
    let (mut reads, mut writes) = (0.0, 0.0);
    for (operation, asked) in requests {
        match operation.as_str() {
            "BatchGetItem" => {
                let tables = asked["RequestItems"].as_object().unwrap();
                reads += tables.values().map(|table| count(table["Keys"].as_array().unwrap().len())).sum::<f64>();
            }
            "Query" => reads += 1.0,
            "TransactWriteItems" => {
                for item in asked["TransactItems"].as_array().unwrap() {
                    let (_, write) = item.as_object().unwrap().iter().next().unwrap();
                    writes += 2.0 * written(world, write).await;
                }
            }
            "PutItem" | "UpdateItem" => writes += written(world, asked).await,
            other => panic!("{other} has no price"),
        }
    }
    (reads, writes)
}

/// Kilobytes of an item as it stands afterwards.
async fn written(world: &World, write: &Value) -> f64 {
    let table = write["TableName"].as_str().unwrap();
    let names: &[&str] = if table == LEDGER { &["pk", "seq"] } else { &["pk", "sk"] };
    let of = if write["Item"].is_object() { &write["Item"] } else { &write["Key"] };
    let attribute = |name: &&str| {
        let (kind, value) = of[*name].as_object().unwrap().iter().next().unwrap();
        let value = value.as_str().unwrap().to_owned();
        let value = if kind == "N" { AttributeValue::N(value) } else { AttributeValue::S(value) };
        ((*name).to_owned(), value)
    };
    let key: HashMap<String, AttributeValue> = names.iter().map(attribute).collect();
    let found = world.client.get_item().table_name(table).set_key(Some(key)).send().await.unwrap();
    let Some(item) = found.item else { return 1.0 };
    let index = f64::from(u8::from(item.contains_key("due_shard")));
    (count(size(&AttributeValue::M(item))) / 1_024.0).ceil().max(1.0) + index
}

async fn ana() -> World {
    let world = World::new().await;
    customer(&world, &ANA).await;
    world.known_at_home(&ANA).await;
    world
}

/// What there is to pay for, with what it used.
async fn rows() -> Vec<(&'static str, Use)> {
    let world = Box::pin(ana()).await;
    let mut rows = Vec::new();
    let sign_in = used(&world, [0, 1, 0], async |world| {
        world.behaviour(ANA.sign_in_at_home(&world.now())).await;
    });
    rows.push(("a sign-in that is told", Box::pin(sign_in).await));
    let on = used(&world, [1, 0, 0], async |world| {
        assert_eq!(world.protect(&ANA, "no_port_out", "step_up", Some(ANA.line)).await.status, 200);
        Box::pin(world.pump()).await;
    });
    rows.push(("a protection on", Box::pin(on).await));
    let swap = used(&world, [4, 1, 0], async |world| {
        let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        Box::pin(world.pump()).await;
        Box::pin(world.prove(&ANA, &change, "push_otp")).await;
        Box::pin(world.pump()).await;
        world.change(&ANA, &change).await;
        let id =
            world.line(&ANA).await.state.book.changes.values().find_map(|change| change.authorization().cloned()).unwrap().id;
        let moved = json!({"id": "1", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line,
            "iccid": iccid(1), "authorization_id": id});
        assert!(!Box::pin(world.feed(moved)).await);
        Box::pin(world.pump()).await;
    });
    rows.push(("a SIM swap, proven by a push code, to the new SIM", Box::pin(swap).await));
    let world = Box::pin(ana()).await;
    let refused = used(&world, [0, 1, 0], async |world| {
        assert!(!Box::pin(world.from_gateway(&order(world, &ANA, "LK-1", 0))).await);
        Box::pin(world.pump()).await;
    });
    rows.push(("a port order without a PIN, and its answer", Box::pin(refused).await));
    let world = Box::pin(ana()).await;
    let pin = Box::pin(pin(&world, &ANA, "pin")).await;
    let confirmed = used(&world, [0, 1, 0], async |world| {
        assert!(!Box::pin(world.from_gateway(&with_pin(order(world, &ANA, "LK-1", 0), &pin))).await);
        Box::pin(world.pump()).await;
        assert_eq!(world.gateway.words().last().map(String::as_str), Some("confirm"));
    });
    rows.push(("a port order with its PIN, confirmed", Box::pin(confirmed).await));
    let sweep = used(&world, [0, 0, 1], async |world| {
        Box::pin(world.sweep.handle()).await.unwrap();
    });
    rows.push(("a minute's sweep with nothing due", Box::pin(sweep).await));
    rows
}

fn sheet(rows: &[(&str, Use)]) -> String {
    let prices: Value = serde_json::from_str(PRICES).unwrap();
    let of = |name: &str| rows.iter().find(|(row, _)| row.contains(name)).map(|(_, used)| used).unwrap();
    let mut text = format!(
        "# What it costs\n\nMade by `tests/it/cost.rs` from counted calls, the sizes of items as they were written, and AWS's \
         list prices ([prices.json](prices.json), {}, {}). Compare the prices with the pages that \
         stand there before you rely on them: they were not read from AWS's own. Nothing was run on AWS either. Every message is \
         taken to come alone, which batches make cheaper. Make it anew with `UPDATE_COST=1 cargo test --workspace --test it cost`.\n\n",
        prices["as_of"].as_str().unwrap(),
        prices["region"].as_str().unwrap()
    );
    text.push_str("| | read units | write units | MACs | signatures | invocations | queue requests | push, e-mail, SMS | a thousand of it | of that, SMS and e-mail |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (name, used) in rows {
        let n = |name: &str| used[name];
        let told = n("email").mul_add(price("per_million", "email"), n("sms") * price("per_million", "sms")) / 1e6;
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {}, {}, {} | ${:.3} | ${:.3} |",
            n("read_unit"),
            n("write_unit"),
            n("mac"),
            n("signature"),
            n("invocation"),
            n("queue_request"),
            n("push"),
            n("email"),
            n("sms"),
            dollars(used) * 1e3,
            told * 1e3
        )
        .unwrap();
    }
    text.push_str(
        "\nA write in a transaction counts twice, and a check of a condition as a write. An invocation is taken for 60 ms of 512 MB. \
         SMS is what costs: a notice goes out on every channel that there is, and `Policy` cannot take one away.\n\n## A month of 100,000 lines\n\n\
         Assumed as in [SCALE.md](SCALE.md#how-much-it-is): 2.5 lines an account, every second account signs in once a day, two \
         changes and 1.5 port orders a month for a hundred lines.\n\n| | how many | US$ |\n|---|---|---|\n",
    );
    let mut total = 0.0;
    let mut row = |text: &mut String, what: &str, many: f64, cost: f64| {
        total += cost;
        writeln!(text, "| {what} | {many:.0} | {cost:.2} |").unwrap();
    };
    for (what, name, many) in [
        ("sign-ins", "sign-in", 20_000.0 * 30.0),
        ("SIM swaps and other changes", "SIM swap", 2_000.0),
        ("port orders, all confirmed", "with its PIN", 1_500.0),
        ("sweeps", "sweep", 43_200.0),
    ] {
        row(&mut text, what, many, dollars(of(name)) * many);
    }
    let alarms = include_str!("../../infra/template.yaml").matches("Type: AWS::CloudWatch::Alarm").count();
    let keys = include_str!("../../infra/template.yaml").matches("Type: AWS::KMS::Key").count();
    let rules = include_str!("../../infra/edge.yaml").matches("        - Name: ").count();
    row(&mut text, "keys", count(keys), count(keys) * price("a_month", "key"));
    row(&mut text, "alarms", count(alarms), count(alarms) * price("a_month", "alarm"));
    // The words that are counted, about: names with their outcomes, by function.
    row(&mut text, "metrics, about", 150.0, 150.0 * price("a_month", "metric"));
    row(&mut text, "the dashboard", 1.0, price("a_month", "dashboard"));
    let rules_cost = count(rules).mul_add(price("a_month", "web_acl_rule"), price("a_month", "web_acl"));
    row(&mut text, "the firewall and its rules", 1.0 + count(rules), rules_cost);
    // By line as in SCALE.md: 5 KB of state, 6 KB of ledger a year; five years of it.
    let gigabytes = 100_000.0 * 35.0 / 1e6;
    row(
        &mut text,
        "GB stored, and backed up",
        gigabytes,
        gigabytes * (price("a_month", "table_gigabyte") + price("a_month", "backup_gigabyte")),
    );
    let invocations: f64 = [("sign-in", 600_000.0), ("SIM swap", 2_000.0), ("with its PIN", 1_500.0), ("sweep", 43_200.0)]
        .into_iter()
        .map(|(name, many)| of(name)["invocation"] * many)
        .sum();
    let logs = invocations * price("assumed", "log_bytes") / 1e9;
    row(&mut text, "GB of logs", logs, logs * price("a_month", "log_gigabyte"));
    let sms = of("SIM swap")["sms"].mul_add(2_000.0, of("with its PIN")["sms"] * 1_500.0);
    writeln!(text, "| **together** | | **{total:.2}** |").unwrap();
    writeln!(
        text,
        "\nOf it {:.2} are {sms:.0} texts. A line costs {:.3} cents a month.",
        sms * price("per_million", "sms") / 1e6,
        total / 100_000.0 * 100.0
    )
    .unwrap();
    text
}

#[tokio::test]
async fn the_price_sheet_is_of_what_is_counted() {
    let rows = Box::pin(rows()).await;
    let named: BTreeSet<&str> = rows.iter().map(|(name, _)| *name).collect();
    assert_eq!(named.len(), rows.len());
    let made = sheet(&rows);
    if std::env::var_os("UPDATE_COST").is_some() {
        std::fs::write(SHEET, &made).unwrap();
    }
    let committed = std::fs::read_to_string(SHEET).unwrap_or_default();
    assert_eq!(committed, made, "infra/COST.md is of another count: UPDATE_COST=1 cargo test --workspace --test it cost");
}
