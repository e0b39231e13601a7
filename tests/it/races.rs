//! Races: many callers on a barrier, round after round. The engine serialises writes as DynamoDB's
//! conditions do; what is tested is that nothing between a read and a write is left to luck.

use std::collections::BTreeSet;
use std::sync::Arc;

use linekeeper_domain::change::{Ending, Stage};
use linekeeper_domain::ids::Subject;
use linekeeper_domain::ledger::{Entry, Event};
use linekeeper_domain::time::Span;
use linekeeper_tests::people::{ANA, Person};
use linekeeper_tests::{World, iccid};
use serde_json::{Value, json};
use tokio::sync::Barrier;

const ROUNDS: usize = 4;
const CALLERS: usize = 32;

async fn customer() -> Arc<World> {
    let world = World::new().await;
    world.customer(&ANA).await;
    Arc::new(world)
}

/// Starts `count` callers at once and collects what they got.
async fn storm<T, F, Fut>(count: usize, caller: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn(usize) -> Fut,
    Fut: Future<Output = T> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|n| {
            let (barrier, call) = (barrier.clone(), caller(n));
            tokio::spawn(async move {
                barrier.wait().await;
                call.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// A SIM swap with a code sent, and the code.
async fn with_code(world: &World, key: &str) -> (String, String, String) {
    let asked = world.ask(&ANA, key, &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let change = asked.text("change_id");
    let challenge = world.challenge(&ANA, &change, "push_otp").await;
    assert_eq!(challenge.status, 201, "{}", challenge.body);
    (change, challenge.text("challenge_id"), world.inbox.code())
}

fn wrong(code: &str, n: usize) -> String {
    let number: usize = code.parse().unwrap();
    format!("{:06}", (number + 1 + n) % 1_000_000)
}

async fn entries(world: &World, person: &Person) -> Vec<Entry> {
    let ledger = world.ledger(person, &World::subject(person)).await;
    ledger.iter().map(|json| serde_json::from_str(json).unwrap()).collect()
}

fn count(entries: &[Entry], is: impl Fn(&Event) -> bool) -> usize {
    entries.iter().flat_map(|entry| &entry.events).filter(|event| is(event)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_parallel_guesses_five_are_counted_and_the_right_code_is_then_worth_nothing() {
    for round in 0..ROUNDS {
        let world = customer().await;
        let (change, challenge, code) = with_code(&world, &format!("k{round}")).await;
        let answers = storm(200, |n| {
            let (world, change, challenge, guess) = (world.clone(), change.clone(), challenge.clone(), wrong(&code, n));
            async move { world.answer(&ANA, &change, &challenge, &guess).await.problem().to_owned() }
        })
        .await;
        assert_eq!(answers.iter().filter(|problem| *problem == "code-wrong").count(), 5, "{answers:?}");
        assert!(answers.iter().all(|problem| problem == "code-wrong" || problem == "too-many-attempts"), "{answers:?}");
        assert_eq!(world.line(&ANA).await.tally.guesses, 5);
        assert_eq!(count(&entries(&world, &ANA).await, |event| matches!(event, Event::GuessFailed { .. })), 5);
        assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.problem(), "too-many-attempts");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_wins_at_most_once_however_many_enter_it() {
    for round in 0..ROUNDS {
        let world = customer().await;
        let (change, challenge, code) = with_code(&world, &format!("k{round}")).await;
        let answers = storm(CALLERS, |n| {
            // A few wrong ones among them: they may use up guesses, and never make a second winner.
            let guess = if n % 16 == 7 { wrong(&code, n) } else { code.clone() };
            let (world, change, challenge) = (world.clone(), change.clone(), challenge.clone());
            async move { world.answer(&ANA, &change, &challenge, &guess).await.status }
        })
        .await;
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
        let entries = entries(&world, &ANA).await;
        assert_eq!(count(&entries, |event| matches!(event, Event::Proven { .. })), 1);
        assert!(world.line(&ANA).await.tally.guesses <= 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_days_guesses_are_a_budget_of_the_line_that_new_codes_and_successes_do_not_renew() {
    let world = customer().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    let change = asked.text("change_id");
    let mut counted = 0;
    for _ in 0..8 {
        world.clock.advance(Span::seconds(31));
        let sent = world.challenge(&ANA, &change, "push_otp").await;
        if sent.status != 201 {
            assert_eq!(sent.problem(), "too-many-attempts");
            break;
        }
        let (challenge, code) = (sent.text("challenge_id"), world.inbox.code());
        let answers = storm(CALLERS, |n| {
            let (world, change, challenge, guess) = (world.clone(), change.clone(), challenge.clone(), wrong(&code, n));
            async move { world.answer(&ANA, &change, &challenge, &guess).await.problem().to_owned() }
        })
        .await;
        counted += answers.iter().filter(|problem| *problem == "code-wrong").count();
    }
    assert_eq!(counted, 20);
    assert_eq!(world.line(&ANA).await.tally.guesses, 20);
    // Stopping is not under it (I7).
    assert_eq!(world.cancel(&ANA, &change).await.status, 200);
    // A day wipes it.
    world.clock.advance(Span::days(1));
    let asked = world.ask(&ANA, "k2", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(world.prove(&ANA, &asked.text("change_id"), "push_otp").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_makes_one_change_however_often_it_is_sent() {
    for round in 0..ROUNDS {
        let world = customer().await;
        let before = entries(&world, &ANA).await.len();
        let key = format!("k{round}");
        let answers = storm(CALLERS, |_| {
            let (world, key) = (world.clone(), key.clone());
            async move {
                let answer = world.ask(&ANA, &key, &ANA.sim_swap(&iccid(1))).await;
                (answer.status, answer.text("change_id"))
            }
        })
        .await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
        assert_eq!(answers.iter().map(|(_, change)| change).collect::<BTreeSet<_>>().len(), 1);
        assert_eq!(entries(&world, &ANA).await.len(), before + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn codes_are_sent_one_at_a_time_and_never_more_than_the_days() {
    let world = customer().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    let change = asked.text("change_id");
    let mut sent = 0;
    for _ in 0..12 {
        world.clock.advance(Span::seconds(31));
        let answers = storm(CALLERS, |_| {
            let (world, change) = (world.clone(), change.clone());
            async move { world.challenge(&ANA, &change, "push_otp").await.status }
        })
        .await;
        let now = answers.iter().filter(|status| **status == 201).count();
        assert!(now <= 1, "{answers:?}");
        sent += now;
    }
    assert_eq!(sent, 10);
    assert_eq!(world.inbox.all().iter().filter(|mail| mail.text.subject == "Your code").count(), 10);
}

/// What stops a line from moving, raced against what moves it.
#[derive(Clone, Copy, Debug)]
enum Stop {
    LockLine,
    LockAccount,
    Cancel,
    NotMe,
}

/// I2: whatever commits before the signature is out wins; and there is one authorization at most.
async fn raced(stop: Stop, before_the_answer: bool) {
    for round in 0..ROUNDS * 2 {
        let world = customer().await;
        let (change, challenge, code) = with_code(&world, &format!("k{round}")).await;
        world.pump().await;
        let token = world.inbox.link_token();
        if !before_the_answer {
            assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.body["status"], "authorized");
        }
        let deliveries: Vec<_> = world.undelivered().await;
        let statuses = storm(CALLERS, |n| {
            let (world, change, challenge, code, token) =
                (world.clone(), change.clone(), challenge.clone(), code.clone(), token.clone());
            let record = deliveries.first().map(|(_, _, event)| event.clone());
            async move {
                match (n % 8, stop) {
                    (0, Stop::LockLine) => world.protect(&ANA, "never_sim_swap", "block", Some(ANA.line)).await.status,
                    (0, Stop::LockAccount) => world.protect(&ANA, "account_lockdown", "block", None).await.status,
                    (0, Stop::Cancel) => world.cancel(&ANA, &change).await.status,
                    (0, Stop::NotMe) => world.not_me(&token).await.status,
                    _ => match record {
                        Some(event) => u16::from(world.notify.handle(event).await.is_ok()),
                        None => world.answer(&ANA, &change, &challenge, &code).await.status,
                    },
                }
            }
        })
        .await;
        world.pump().await;
        let stopped = statuses.iter().step_by(8).all(|status| *status == 200 || *status == 409);
        assert!(stopped, "{stop:?}: {statuses:?}");

        let line = entries(&world, &ANA).await;
        let released = line.iter().position(|entry| entry.events.iter().any(|event| matches!(event, Event::Released { .. })));
        let ended = line.iter().position(|entry| {
            entry.events.iter().any(|event| matches!(event, Event::Ended { how: Ending::Refused | Ending::Cancelled, .. }))
        });
        if let (Some(released), Some(ended)) = (released, ended) {
            assert!(released < ended, "{stop:?}: a signature left after the change was stopped");
        }
        let locked = world.ledger(&ANA, &Subject::Account).await.iter().any(|entry| entry.contains("protection_on"));
        if locked && released.is_none() {
            assert!(world.topic.authorizations().is_empty(), "{stop:?}: signed under a lock");
        }
        assert!(count(&line, |event| matches!(event, Event::Authorized { .. })) <= 1);
        assert!(count(&line, |event| matches!(event, Event::Released { .. })) <= 1);
        if released.is_none() {
            assert!(world.topic.authorizations().is_empty(), "{stop:?}: a signature left that was never recorded");
        }
        let ids: BTreeSet<String> = world.topic.authorizations().iter().map(|jws| claims(jws).to_string()).collect();
        assert!(ids.len() <= 1, "{ids:?}");
    }
}

fn claims(jws: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode::<Value>(jws).unwrap().claims
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_on_the_line_that_commits_first_wins_against_the_last_answer_and_the_signature() {
    raced(Stop::LockLine, true).await;
    raced(Stop::LockLine, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lockdown_of_the_account_that_commits_first_wins_against_the_last_answer_and_the_signature() {
    raced(Stop::LockAccount, true).await;
    raced(Stop::LockAccount, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cancel_that_commits_first_wins_against_the_last_answer_and_the_signature() {
    raced(Stop::Cancel, true).await;
    raced(Stop::Cancel, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tap_on_not_me_that_commits_first_wins_against_the_last_answer_and_the_signature() {
    raced(Stop::NotMe, true).await;
    raced(Stop::NotMe, false).await;
}

/// The narrow window, made certain: the lock commits between the grant and the signature.
#[tokio::test]
async fn a_lock_that_was_switched_on_a_second_before_the_signature_wins() {
    for (protection, line) in [("never_sim_swap", Some(ANA.line)), ("never_sim_swap", None), ("account_lockdown", None)] {
        let world = customer().await;
        let (change, challenge, code) = with_code(&world, "k").await;
        world.pump().await;
        assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.body["status"], "authorized");
        assert_eq!(world.protect(&ANA, protection, "block", line).await.status, 200);
        world.pump().await;
        assert!(world.topic.authorizations().is_empty(), "{protection} {line:?}");
        assert_eq!(world.change(&ANA, &change).await["status"], "refused", "{protection} {line:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn duplicate_deliveries_of_one_entry_release_once_and_sign_the_same_every_time() {
    for round in 0..ROUNDS {
        let world = customer().await;
        let (change, challenge, code) = with_code(&world, &format!("k{round}")).await;
        world.pump().await;
        world.answer(&ANA, &change, &challenge, &code).await;
        let (_, _, event) = world.undelivered().await.into_iter().next().unwrap();
        let done = storm(CALLERS, |_| {
            let (world, event) = (world.clone(), event.clone());
            async move { world.notify.handle(event).await.is_ok() }
        })
        .await;
        assert!(done.iter().all(|ok| *ok));
        let signed: BTreeSet<String> = world.topic.authorizations().iter().map(|jws| claims(jws).to_string()).collect();
        assert_eq!(signed.len(), 1, "{signed:?}");
        assert_eq!(count(&entries(&world, &ANA).await, |event| matches!(event, Event::Released { .. })), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_report_that_comes_many_times_completes_once_and_an_authorization_is_used_once() {
    let world = customer().await;
    let (change, challenge, code) = with_code(&world, "k").await;
    world.pump().await;
    world.answer(&ANA, &change, &challenge, &code).await;
    world.pump().await;
    let id = claims(&world.topic.authorizations()[0])["jti"].clone();
    let report = json!({"id": "r", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(1), "authorization_id": id});
    storm(CALLERS, |_| {
        let (world, report) = (world.clone(), report.clone());
        async move { world.feed(report).await }
    })
    .await;
    let line = entries(&world, &ANA).await;
    assert_eq!(count(&line, |event| matches!(event, Event::SimChanged { .. })), 1);
    assert_eq!(count(&line, |event| matches!(event, Event::Incident { .. })), 0);
    assert!(matches!(
        world.line(&ANA).await.state.book.changes.values().next().unwrap().stage,
        Stage::Ended { how: Ending::Completed, .. }
    ));

    // The same authorization for another card: an incident, not a second use.
    let mut replayed = report;
    replayed["iccid"] = json!(iccid(2));
    replayed["at"] = json!(world.now());
    world.feed(replayed).await;
    let line = entries(&world, &ANA).await;
    assert_eq!(count(&line, |event| matches!(event, Event::Incident { .. })), 1);
    assert!(world.account(&ANA).await.state.protections.0.contains_key(&linekeeper_domain::kinds::Protection::AccountLockdown));
}
