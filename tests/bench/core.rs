//! What the core and its store cost, in one process over a real engine: instructions of each part, throughput from 1 to
//! 64 callers, and how an operation grows with what lies behind a line. Part of `cargo local bench`; by itself:
//! `cargo bench -p linekeeper-tests --bench core`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a bench: what does not hold must stop it, and it prints a table"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue;
use linekeeper_domain::change::{Actor, Details};
use linekeeper_domain::decide::{self, Ask};
use linekeeper_domain::ids::{AccountId, ChangeId, Subject};
use linekeeper_domain::kinds::Channel;
use linekeeper_domain::ledger::{Draft, replay};
use linekeeper_domain::state::{Line, View};
use linekeeper_domain::time::Span;
use linekeeper_platform::http::Request;
use linekeeper_platform::shell::owner;
use linekeeper_tests::frozen::Frozen;
use linekeeper_tests::people::AT_HOME;
use linekeeper_tests::world::STATE;
use linekeeper_tests::{ANA, Call, Person, Session, World, iccid};
use serde_json::json;

/// How often a part is done under valgrind.
const COUNTED: usize = 200;
/// Requests at each number of callers.
const REQUESTS: usize = 640;
/// Area codes, each with a hundred numbers that are set aside for fiction.
const AREAS: [u32; 20] = [201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228];
/// The SIM that everyone wants to move to.
const ANOTHER: u32 = 999_999;
/// How often an operation is timed at each length of history.
const TIMES: usize = 15;

/// What is counted in instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Decide,
    Evolve,
    Replay,
    Read,
    Write,
    Whole,
}

impl Part {
    const ALL: [Self; 6] = [Self::Decide, Self::Evolve, Self::Replay, Self::Read, Self::Write, Self::Whole];

    const fn word(self) -> &'static str {
        match self {
            Self::Decide => "decide",
            Self::Evolve => "evolve",
            Self::Replay => "replay",
            Self::Read => "read",
            Self::Write => "write",
            Self::Whole => "whole",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Decide => "decide a change, its score included",
            Self::Evolve => "evolve: its entry and the state after, with the hash",
            Self::Replay => "replay a line's ledger, an entry",
            Self::Read => "decode: the one read, by the SDK, into account, line and profile",
            Self::Write => "encode: the one transaction, by the SDK",
            Self::Whole => "the whole request, from event to reply",
        }
    }
}

/// A customer who stands still, and a wish of hers.
struct Scene {
    frozen: Frozen,
    view: View,
    ask: Ask,
    account: AccountId,
    subject: Subject,
    entries: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let frozen = Box::pin(Frozen::new()).await;
        let (account, subject) = (AccountId::parse(ANA.account).unwrap(), World::subject(&ANA));
        let view = frozen.world.shell.store.read(&account, &subject).await.unwrap();
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/v1/changes", "rawQueryString": "", "isBase64Encoded": false,
            "headers": AT_HOME.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<serde_json::Map<_, _>>(),
            "requestContext": {"stage": "$default", "http": {"method": "POST", "path": "/v1/changes", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9"}},
        });
        let request = Request::read(serde_json::from_value(event).unwrap()).unwrap_or_else(|_| panic!("no request"));
        let ask = Ask {
            id: ChangeId::derive(&account, subject.clone(), "bench"),
            details: Details::NumberChange {},
            actor: Actor::Customer,
            channel: Channel::Pwa,
            signals: frozen.world.intake.door.edge.signals(&request),
            key: None,
            store: None,
        };
        let entries = frozen.world.ledger(&ANA, &subject).await;
        Self { frozen, view, ask, account, subject, entries }
    }

    async fn decided(&self) -> Draft {
        let scorer = self.frozen.world.intake.risk.scorer().await;
        decide::request(&self.view, &self.ask, scorer, self.frozen.world.shell.context()).unwrap()
    }

    async fn run(&self, part: Part, times: usize) {
        let shell = &self.frozen.world.shell;
        let owner = owner(&self.account, &self.subject);
        let draft = self.decided().await;
        let sealed = draft.clone().seal(&self.view, &owner, &Actor::Customer, shell.clock.now()).unwrap();
        for n in 0..times {
            match part {
                Part::Decide => drop(black_box(self.decided().await)),
                Part::Evolve => {
                    drop(black_box(draft.clone().seal(&self.view, &owner, &Actor::Customer, shell.clock.now()).unwrap()));
                }
                Part::Replay => {
                    let of_one = self.entries.iter().map(String::as_str).take(1 + n % self.entries.len());
                    drop(black_box(replay::<Line>(of_one).unwrap()));
                }
                Part::Read => drop(black_box(shell.store.read(&self.account, &self.subject).await.unwrap())),
                Part::Write => drop(black_box(shell.store.commit(&sealed, shell.clock.now()).await.unwrap())),
                Part::Whole => {
                    let asked = self
                        .frozen
                        .world
                        .ask(&ANA, &format!("bench-{n}"), &json!({"kind": "number_change", "line_id": ANA.line}))
                        .await;
                    assert_eq!(asked.status, 201, "{}", asked.body);
                }
            }
            self.frozen.taken();
        }
    }

    /// What one turn of a part is divided by: a replay takes up a different number of entries each time.
    fn entries_of(&self, part: Part) -> usize {
        let one_by_one: usize = (0..COUNTED).map(|n| 1 + n % self.entries.len()).sum();
        if part == Part::Replay { one_by_one } else { COUNTED }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--part", part, times] => {
            let part = Part::ALL.into_iter().find(|known| known.word() == *part).expect("no such part");
            let times = times.parse().expect("a number");
            let one = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            one.block_on(async { Scene::new().await.run(part, times).await });
        }
        [] => runtime.block_on(async {
            instructions().await;
            callers().await;
            changes_behind().await;
            lines_beside().await;
        }),
        other => panic!("no options are known: {other:?}"),
    }
}

/// Instructions of each part, by callgrind.
async fn instructions() {
    println!("### Instructions, by callgrind (which has no SHA instructions)\n\n| | instructions |\n|---|--:|");
    let scene = Scene::new().await;
    for part in Part::ALL {
        let counted = match (collected(part, COUNTED), collected(part, 0)) {
            (Some(with), Some(without)) => {
                (with.saturating_sub(without) / u64::try_from(scene.entries_of(part)).unwrap()).to_string()
            }
            _ => "no valgrind".to_owned(),
        };
        println!("| {} | {counted} |", part.meaning());
    }
    println!();
}

fn collected(part: Part, times: usize) -> Option<u64> {
    let told = std::process::Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().ok()?)
        .args(["--part", part.word(), &times.to_string()])
        .output()
        .ok()?;
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    told.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

/// Somebody of her own: the texts are kept as long as the bench runs.
fn person(n: usize) -> Person {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    Person {
        account: leak(format!("acct-{n}")),
        line: leak(format!("line-{n}")),
        msisdn: leak(format!("+1{}55501{:02}", AREAS[n / 100], n % 100)),
        iccid: leak(iccid(u32::try_from(n).unwrap())),
        email: leak(format!("p{n}@example.com")),
        push: leak(format!("arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/{n}")),
    }
}

/// Decisions a second, by as many customers at once.
async fn callers() {
    println!("### Throughput: changes decided in one process over one engine, two cores\n");
    println!("| callers at once | changes/s | × one caller |\n|--:|--:|--:|");
    let mut one = None;
    for callers in [1_usize, 2, 4, 8, 16, 32, 64] {
        let world = Arc::new(World::new().await);
        let each = REQUESTS / 64;
        // The same number of changes, each of a line of its own, however many ask at once.
        let people: Vec<Person> = (0..each * 64).map(person).collect();
        for person in &people {
            for record in person.opening(&world.now()) {
                world.feed(record).await;
            }
        }
        world.clock.advance(Span::days(30));
        let began = Instant::now();
        let mut tasks = Vec::new();
        for share in people.chunks(people.len() / callers) {
            let (world, share) = (Arc::clone(&world), share.to_vec());
            tasks.push(tokio::spawn(async move {
                for person in share {
                    let asked = world.ask(&person, "k", &person.sim_swap(&iccid(ANOTHER))).await;
                    assert_eq!(asked.status, 201, "{}", asked.body);
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let rate = people.len() as f64 / began.elapsed().as_secs_f64();
        let one = *one.get_or_insert(rate);
        println!("| {callers} | {rate:.0} | {:.2} |", rate / one);
    }
    println!();
}

/// What a change costs on a line that has had many.
async fn changes_behind() {
    println!("### Growth with history: a change asked for and cancelled\n");
    println!(
        "| changes behind the line | entries in its ledger | calls | bytes of account, line and profile | ms, median | × the first |"
    );
    println!("|--:|--:|--:|--:|--:|--:|");
    let world = World::new().await;
    world.customer(&ANA).await;
    let home = Session::at_home(&ANA);
    let mut first = None;
    let mut behind = 0;
    for length in [0_usize, 10, 100, 1_000] {
        while behind < length {
            changed(&world, &home, behind).await;
            behind += 1;
        }
        let mut times = Vec::new();
        let mut calls = 0;
        for _ in 0..TIMES {
            let (took, made) = changed(&world, &home, behind).await;
            times.push(took);
            calls = made;
            behind += 1;
        }
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let first = *first.get_or_insert(median);
        let entries = world.ledger(&ANA, &World::subject(&ANA)).await.len();
        println!("| {length} | {entries} | {calls} | {} | {median:.2} | {:.2} |", stored(&world).await, median / first);
    }
    println!();
}

/// A change asked for and cancelled, a day after the last, and then told. How long the two took, in ms, and how many
/// calls of DynamoDB they made.
async fn changed(world: &World, home: &Session, n: usize) -> (f64, usize) {
    world.clock.advance(Span::days(1));
    world.tap.begin(None);
    let began = Instant::now();
    let asked = world.ask_as(home, &format!("change-{n}"), &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    assert_eq!(world.cancel(&ANA, &asked.text("change_id")).await.status, 200);
    let took = began.elapsed().as_secs_f64() * 1e3;
    let calls = world.tap.count(Call::Dynamo);
    // What ended is kept until it was told.
    world.pump().await;
    (took, calls)
}

/// What is read for a change, in bytes.
async fn stored(world: &World) -> usize {
    let items = world.items(STATE).await;
    let of_her = items.iter().filter(|item| item["pk"].as_s().is_ok_and(|pk| pk == &format!("v1#{}", ANA.account)));
    of_her.map(|item| item.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>()).sum()
}

/// A value's size as DynamoDB counts it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the list is open")]
fn size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => number.len() / 2 + 1,
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::L(list) => 3 + list.iter().map(|item| size(item) + 1).sum::<usize>(),
        AttributeValue::M(map) => 3 + map.iter().map(|(name, item)| name.len() + size(item) + 1).sum::<usize>(),
        _ => 1,
    }
}

/// What a change of one line costs on an account of many.
async fn lines_beside() {
    println!("### Growth with lines: a change of one line of an account\n");
    println!("| lines of the account | calls | ms, median | × one line | the overview of all: calls | ms |");
    println!("|--:|--:|--:|--:|--:|--:|");
    let mut first = None;
    for lines in [1_usize, 10, 100] {
        let world = World::new().await;
        for record in ANA.opening(&world.now()) {
            world.feed(record).await;
        }
        for n in 1..lines {
            let other = person(n);
            world
                .feed(json!({"id": format!("line-{n}"), "at": world.now(), "type": "line_opened", "account_id": ANA.account,
                    "line_id": other.line, "msisdn": other.msisdn, "iccid": other.iccid}))
                .await;
        }
        let home = Session::at_home(&ANA);
        let (mut times, mut overviews) = (Vec::new(), Vec::new());
        let (mut calls, mut of_all) = (0, 0);
        for n in 0..TIMES {
            let (took, made) = changed(&world, &home, n).await;
            times.push(took);
            calls = made;
            world.tap.begin(None);
            let began = Instant::now();
            let customer = linekeeper_tests::world::customer(&ANA);
            assert_eq!(world.call(Some(&customer), "GET", "/v1/account", AT_HOME, None).await.status, 200);
            overviews.push(began.elapsed().as_secs_f64() * 1e3);
            of_all = world.tap.count(Call::Dynamo);
        }
        times.sort_by(f64::total_cmp);
        overviews.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let first = *first.get_or_insert(median);
        println!(
            "| {lines} | {calls} | {median:.2} | {:.2} | {of_all} | {:.2} |",
            median / first,
            overviews[overviews.len() / 2]
        );
    }
    println!();
}
