//! Many callers at once, all let go by one barrier.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use linekeeper_domain::change::{Ending, Stage};
use linekeeper_domain::config::Settings;
use linekeeper_domain::ids::{AccountId, Subject};
use linekeeper_domain::kinds::{Mode, Protection};
use linekeeper_domain::ledger::EventName;
use linekeeper_domain::time::Span;
use linekeeper_platform::keys::Signer;
use linekeeper_platform::store::Error;
use linekeeper_tests::people::{ANA, IN_CALIFORNIA};
use linekeeper_tests::race::{CALLERS, tally, together};
use linekeeper_tests::world::ISSUER;
use linekeeper_tests::{Answer, Keys, Tap, Topic, World, iccid};
use serde_json::{Value, json};

use crate::audit::{audit, claims};

async fn ana_with(settings: Settings) -> Arc<World> {
    // Guesses that have to wait for one another have tests of their own.
    let world = World::with(Settings { guess_waits: [Span::default(); 2], ..settings }).await;
    world.customer(&ANA).await;
    Arc::new(world)
}

async fn ana() -> Arc<World> {
    ana_with(Settings::default()).await
}

fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// A change that is told and has an open challenge: change, challenge, code.
async fn challenged(world: &World, key: &str, body: &Value) -> (String, String, String) {
    let asked = world.ask(&ANA, key, body).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let change = asked.text("change_id");
    assert!(world.pump().await);
    let sent = world.challenge(&ANA, &change, "push_otp").await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    (change, sent.text("challenge_id"), world.inbox.code())
}

async fn stage(world: &World, change: &str) -> Stage {
    world.line(&ANA).await.state.book.changes.into_values().find(|known| known.id.as_str() == change).unwrap().stage
}

// ---- I3: codes and guesses ----

#[tokio::test(flavor = "multi_thread")]
async fn i3_of_200_guesses_at_one_code_exactly_five_count_and_the_right_one_comes_too_late() {
    let world = ana().await;
    for round in 1..=3_u32 {
        let (change, challenge, code) = challenged(&world, &format!("k{round}"), &ANA.sim_swap(&iccid(1))).await;
        let (of, at, guess) = (change.clone(), challenge.clone(), wrong(&code));
        let guess = move |world: Arc<World>, _| {
            let (of, at) = (of.clone(), at.clone());
            async move { world.answer(&ANA, &of, &at, guess).await }
        };
        let answers = tally(&together(200, &world, guess).await);
        assert_eq!(answers, BTreeMap::from([("code-wrong".to_owned(), 5), ("too-many-attempts".to_owned(), 195)]));
        assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.problem(), "too-many-attempts");
        let line = world.line(&ANA).await;
        assert_eq!((line.tally.guesses, line.tally.tries.values().copied().collect::<Vec<_>>()), (5 * round, vec![5]));
        let audit = audit(&world, &ANA).await;
        assert_eq!(
            (audit.count(EventName::GuessFailed), audit.count(EventName::Proven)),
            (usize::try_from(5 * round).unwrap(), 0)
        );
        assert_eq!(world.cancel(&ANA, &change).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_of_32_right_answers_exactly_one_wins() {
    let world = ana().await;
    for round in 1..=4 {
        let (change, challenge, code) = challenged(&world, &format!("k{round}"), &ANA.sim_swap(&iccid(1))).await;
        let (of, at) = (change.clone(), challenge.clone());
        let answer = move |world: Arc<World>, _| {
            let (of, at, code) = (of.clone(), at.clone(), code.clone());
            async move { world.answer(&ANA, &of, &at, &code).await }
        };
        let answers = tally(&together(CALLERS, &world, answer).await);
        assert_eq!(answers.get("200"), Some(&1), "{answers:?}");
        assert!(
            answers.keys().all(|name| ["200", "challenge-over", "too-many-attempts"].contains(&name.as_str())),
            "{answers:?}"
        );
        let audit = audit(&world, &ANA).await;
        assert_eq!((audit.count(EventName::Proven), audit.count(EventName::Authorized)), (round, round));
        assert_eq!(world.cancel(&ANA, &change).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_right_answers_among_wrong_ones_win_at_most_once_and_no_more_than_five_count() {
    let world = ana_with(Settings { guesses_per_day: 100, ..Settings::default() }).await;
    for round in 0..6 {
        let (change, challenge, code) = challenged(&world, &format!("k{round}"), &ANA.sim_swap(&iccid(1))).await;
        let before = world.line(&ANA).await.tally.guesses;
        let (of, at) = (change.clone(), challenge.clone());
        let answer = move |world: Arc<World>, n: usize| {
            let (of, at, code) = (of.clone(), at.clone(), code.clone());
            async move { world.answer(&ANA, &of, &at, if n % 4 == round % 4 { &code } else { wrong(&code) }).await }
        };
        let answers = tally(&together(CALLERS, &world, answer).await);
        assert!(answers.get("200").copied().unwrap_or(0) <= 1, "{answers:?}");
        let counted = world.line(&ANA).await.tally.guesses - before;
        assert!(counted <= 5, "{counted} guesses counted");
        assert_eq!(!answers.contains_key("200"), stage(&world, &change).await == Stage::Open, "{answers:?}");
        audit(&world, &ANA).await;
        world.cancel(&ANA, &change).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_guesses_over_several_changes_and_codes_never_exceed_the_days_budget_and_a_success_wipes_nothing() {
    let world = ana_with(Settings { guesses_per_day: 12, resend_after: Span::seconds(0), ..Settings::default() }).await;
    // One right answer first.
    let (change, challenge, code) = challenged(&world, "first", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 200);
    world.cancel(&ANA, &change).await;
    let mut open = Vec::new();
    for (n, body) in [
        ANA.sim_swap(&iccid(2)),
        json!({"kind": "number_change", "line_id": ANA.line}),
        json!({"kind": "ownership", "line_id": ANA.line}),
    ]
    .iter()
    .enumerate()
    {
        open.push(challenged(&world, &format!("k{n}"), body).await);
    }
    let targets = open.clone();
    let guess = move |world: Arc<World>, n: usize| {
        let (change, challenge, code) = targets[n % 3].clone();
        async move { world.answer(&ANA, &change, &challenge, wrong(&code)).await }
    };
    let answers = tally(&together(2 * CALLERS, &world, guess).await);
    assert_eq!(answers.get("code-wrong"), Some(&11), "one was used before: {answers:?}");
    assert_eq!(world.line(&ANA).await.tally.guesses, 12);
    // A new code brings no new guesses.
    for (change, challenge, code) in &open {
        assert_eq!(world.challenge(&ANA, change, "push_otp").await.problem(), "too-many-attempts");
        assert_eq!(world.answer(&ANA, change, challenge, code).await.problem(), "too-many-attempts");
    }
    assert_eq!(audit(&world, &ANA).await.count(EventName::GuessFailed), 11);
    // A day does.
    world.clock.advance(Span::hours(23));
    assert_eq!(world.challenge(&ANA, &open[0].0, "push_otp").await.problem(), "too-many-attempts");
    world.clock.advance(Span::hours(1));
    let (change, challenge, code) = challenged(&world, "next-day", &ANA.sim_swap(&iccid(2))).await;
    assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 200);
    assert_eq!(world.line(&ANA).await.tally.guesses, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_new_codes_asked_for_during_the_guessing_bring_no_more_guesses_than_the_day_has() {
    for _ in 0..3 {
        let world =
            ana_with(Settings { guesses_per_day: 8, resend_after: Span::seconds(0), codes_per_day: 50, ..Settings::default() })
                .await;
        let (change, challenge, _) = challenged(&world, "k", &ANA.sim_swap(&iccid(1))).await;
        let attack = move |world: Arc<World>, n: usize| {
            let (change, mut challenge) = (change.clone(), challenge.clone());
            async move {
                let mut counted = 0;
                for _ in 0..3 {
                    if n.is_multiple_of(4) {
                        let sent = world.challenge(&ANA, &change, "push_otp").await;
                        if sent.status == 201 {
                            challenge = sent.text("challenge_id");
                        }
                    }
                    let answer = world.answer(&ANA, &change, &challenge, "000000").await;
                    assert_ne!(answer.status, 200);
                    counted += usize::from(answer.problem() == "code-wrong");
                }
                counted
            }
        };
        let counted: usize = together(CALLERS, &world, attack).await.into_iter().sum();
        assert!(counted <= 8, "{counted}");
        assert_eq!(world.line(&ANA).await.tally.guesses, 8);
        audit(&world, &ANA).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_sent_in_a_day_never_exceed_their_budget() {
    for (limit, pause) in [(5, 0), (10, 0), (10, 30)] {
        let world = ana_with(Settings { codes_per_day: limit, resend_after: Span::seconds(pause), ..Settings::default() }).await;
        let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        let issue = move |world: Arc<World>, _: usize| {
            let change = change.clone();
            async move { world.challenge(&ANA, &change, "push_otp").await }
        };
        let answers = tally(&together(CALLERS, &world, issue).await);
        let sent = world.inbox.all().iter().filter(|mail| mail.code().is_some()).count();
        let expected = if pause > 0 { 1 } else { usize::try_from(limit).unwrap() };
        assert_eq!((answers.get("201"), sent), (Some(&expected), expected), "{answers:?}");
        assert_eq!(audit(&world, &ANA).await.count(EventName::ChallengeOpened), expected);
    }
}

// ---- One key, one change ----

#[tokio::test(flavor = "multi_thread")]
async fn of_32_requests_with_one_key_one_change_comes_and_one_answer() {
    let world = ana().await;
    for round in 1..=3_u32 {
        let ask =
            move |world: Arc<World>, _| async move { world.ask(&ANA, &format!("k{round}"), &ANA.sim_swap(&iccid(round))).await };
        let before = world.line(&ANA).await.seq;
        let answers = together(CALLERS, &world, ask).await;
        assert_eq!(tally(&answers), BTreeMap::from([("200".to_owned(), CALLERS - 1), ("201".to_owned(), 1)]));
        assert!(answers.iter().all(|answer| answer.body == answers[0].body), "{answers:#?}");
        assert_eq!(world.line(&ANA).await.seq, before + 1, "one entry");
        world.cancel(&ANA, &answers[0].text("change_id")).await;
    }
    assert_eq!(audit(&world, &ANA).await.count(EventName::Requested), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_requests_with_one_key_and_two_bodies_one_body_wins() {
    let world = ana().await;
    let ask = |world: Arc<World>, n: usize| async move {
        world.ask(&ANA, "k", &ANA.sim_swap(&iccid(u32::try_from(n % 2).unwrap()))).await
    };
    let answers = together(CALLERS, &world, ask).await;
    let tally = tally(&answers);
    assert_eq!((tally["201"], tally["200"], tally["idempotency-key-reused"]), (1, CALLERS / 2 - 1, CALLERS / 2));
    assert_eq!(audit(&world, &ANA).await.count(EventName::Requested), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_requests_with_keys_of_their_own_one_is_open() {
    let world = ana().await;
    let ask = |world: Arc<World>, n: usize| async move { world.ask(&ANA, &format!("k{n}"), &ANA.sim_swap(&iccid(1))).await };
    let tally = tally(&together(CALLERS, &world, ask).await);
    assert_eq!(tally, BTreeMap::from([("201".to_owned(), 1), ("change-already-open".to_owned(), CALLERS - 1)]));
    assert_eq!(audit(&world, &ANA).await.count(EventName::Requested), 1);
}

// ---- I2: locks and cancels against authorizations ----

/// What stops a change.
const STOPS: [&str; 6] = ["line block", "account block", "lockdown", "line step-up", "account step-up", "cancel"];

async fn stop(world: &World, change: &str, how: &str) -> Answer {
    match how {
        "line block" => world.protect(&ANA, "never_sim_swap", "block", Some(ANA.line)).await,
        "account block" => world.protect(&ANA, "never_sim_swap", "block", None).await,
        "lockdown" => world.protect(&ANA, "account_lockdown", "block", None).await,
        "line step-up" => world.protect(&ANA, "never_sim_swap", "step_up", Some(ANA.line)).await,
        "account step-up" => world.protect(&ANA, "never_sim_swap", "step_up", None).await,
        _ => world.cancel(&ANA, change).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_stop_that_races_the_last_answer_keeps_the_signature_in() {
    for how in STOPS {
        for _ in 0..2 {
            let world = ana().await;
            let (change, challenge, code) = challenged(&world, "k", &ANA.sim_swap(&iccid(1))).await;
            let of = change.clone();
            let race = move |world: Arc<World>, n: usize| {
                let (change, challenge, code) = (of.clone(), challenge.clone(), code.clone());
                async move {
                    if n.is_multiple_of(2) {
                        let stopped = stop(&world, &change, how).await;
                        assert_eq!(stopped.status, 200, "{how}: {}", stopped.body);
                    } else {
                        let answered = world.answer(&ANA, &change, &challenge, &code).await;
                        assert!(answered.status < 500, "{}", answered.body);
                    }
                }
            };
            together(CALLERS, &world, race).await;
            audit(&world, &ANA).await;
            // Every stop has committed by now, so nothing may leave.
            world.pump().await;
            assert!(world.topic.authorizations().is_empty(), "{how} was there first, and a signature left");
            audit(&world, &ANA).await;
        }
    }
}

/// Signs, then looks whether the account is locked already, before the signature asks to leave.
struct Watching {
    world: Arc<World>,
    keys: Arc<Keys>,
    locked: AtomicBool,
}

impl Signer for Watching {
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            let signature = self.keys.sign(message).await;
            let account = self.world.account(&ANA).await.state;
            let lock = [Protection::NeverSimSwap, Protection::AccountLockdown];
            let locked = lock.iter().any(|lock| account.protections.0.contains_key(lock));
            self.locked.store(locked, Ordering::SeqCst);
            signature
        })
    }

    fn key_id(&self) -> &str {
        self.keys.key_id()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_stop_that_races_the_signature_wins_wherever_it_committed_first() {
    let mut left = 0;
    for how in STOPS {
        for round in 0..4_usize {
            let world = ana().await;
            let (change, challenge, code) = challenged(&world, "k", &ANA.sim_swap(&iccid(1))).await;
            assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 200);
            let (pk, seq, event) = world.undelivered().await.into_iter().next().unwrap();
            let of = change.clone();
            let race = move |world: Arc<World>, n: usize| {
                let (change, event) = (of.clone(), event.clone());
                async move {
                    // The stop comes a little later each round, so that it meets every moment of the signing.
                    if n < 4 {
                        tokio::time::sleep(std::time::Duration::from_millis(u64::try_from(round * 15).unwrap())).await;
                        let stopped = stop(&world, &change, how).await;
                        assert_eq!(stopped.status, 200, "{how}: {}", stopped.body);
                        return false;
                    }
                    let topic = Topic::new(Tap::default());
                    let signer =
                        Arc::new(Watching { world: world.clone(), keys: world.keys.clone(), locked: AtomicBool::new(false) });
                    let notify = change_notify::App {
                        shell: world.shell.clone(),
                        signer: signer.clone(),
                        messenger: Arc::new(world.inbox.clone()),
                        publisher: Arc::new(topic.clone()),
                        answers: Arc::new(world.gateway.clone()),
                        issuer: ISSUER.to_owned(),
                        origin: "https://my.carrier.example".to_owned(),
                    };
                    // Under so many duplicates one may be told to come again.
                    while notify.handle(event.clone()).await.is_err() {}
                    let out = !topic.authorizations().is_empty();
                    assert!(!(out && signer.locked.load(Ordering::SeqCst)), "{how} was there first, and a signature left");
                    out
                }
            };
            let out = together(CALLERS, &world, race).await;
            left += usize::from(out.contains(&true));
            world.mark(&pk, seq).await;
            let audit = audit(&world, &ANA).await;
            assert_eq!(audit.count(EventName::Released), usize::from(out.contains(&true)));
            world.pump().await;
            assert!(world.topic.authorizations().is_empty(), "{how}: it left after the stop");
        }
    }
    // Otherwise this raced nothing.
    assert!(left > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn i7_a_tap_that_races_everything_stops_it_and_locks_the_account() {
    for round in 0..6_usize {
        let world = ana().await;
        let (change, challenge, code) = challenged(&world, "k", &ANA.sim_swap(&iccid(1))).await;
        let link = world.inbox.link_token();
        if round.is_multiple_of(2) {
            assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 200);
        }
        let records = world.undelivered().await;
        let of = change.clone();
        let race = move |world: Arc<World>, n: usize| {
            let (change, challenge, code, link, records) =
                (of.clone(), challenge.clone(), code.clone(), link.clone(), records.clone());
            async move {
                match n % 8 {
                    0..=2 => {
                        let tapped = world.not_me(&link).await;
                        assert_eq!(tapped.status, 200, "{}", tapped.body);
                    }
                    3 | 4 => assert!(world.answer(&ANA, &change, &challenge, &code).await.status < 500),
                    5 => {
                        world.challenge(&ANA, &change, "push_otp").await;
                    }
                    6 => {
                        world.ask(&ANA, &format!("k{n}"), &ANA.sim_swap(&iccid(5))).await;
                    }
                    _ => {
                        for (_, _, event) in records {
                            while world.notify.handle(event.clone()).await.is_err() {}
                        }
                    }
                }
            }
        };
        together(CALLERS, &world, race).await;
        let out = world.topic.authorizations().len();
        let account = world.account(&ANA).await.state;
        assert_eq!(account.protections.0.get(&Protection::AccountLockdown), Some(&Mode::Block));
        assert!(matches!(stage(&world, &change).await, Stage::Ended { how: Ending::Cancelled | Ending::Refused, .. }));
        world.pump().await;
        world.tick().await;
        assert_eq!(world.topic.authorizations().len(), out, "nothing leaves after the tap");
        let audit = audit(&world, &ANA).await;
        assert_eq!(audit.count(EventName::ProtectionOn), 1, "one tap is enough");
    }
}

// ---- Duplicates ----

#[tokio::test(flavor = "multi_thread")]
async fn i2_of_32_deliveries_of_one_authorization_one_is_recorded_and_all_say_the_same() {
    for _ in 0..3 {
        let world = ana().await;
        let (change, challenge, code) = challenged(&world, "k", &ANA.sim_swap(&iccid(1))).await;
        assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 200);
        let (_, _, event) = world.undelivered().await.into_iter().next().unwrap();
        let deliver = move |world: Arc<World>, _| {
            let event = event.clone();
            async move { while world.notify.handle(event.clone()).await.is_err() {} }
        };
        together(CALLERS, &world, deliver).await;
        let audit = audit(&world, &ANA).await;
        assert_eq!((audit.count(EventName::Authorized), audit.count(EventName::Released)), (1, 1));
        let first = claims(&world, &world.topic.authorizations()[0]);
        assert_eq!(audit.authorizations, vec![first; CALLERS]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_deliveries_of_one_notice_one_is_recorded() {
    let world = ana().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    let (pk, seq, event) = world.undelivered().await.into_iter().next().unwrap();
    let deliver = move |world: Arc<World>, _| {
        let event = event.clone();
        async move { while world.notify.handle(event.clone()).await.is_err() {} }
    };
    together(CALLERS, &world, deliver).await;
    world.mark(&pk, seq).await;
    assert_eq!(world.change(&ANA, &asked.text("change_id")).await["told"], true);
    assert_eq!(audit(&world, &ANA).await.count(EventName::Told), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_reports_of_one_sim_change_one_completes_the_change() {
    for _ in 0..3 {
        let world = ana().await;
        let (change, challenge, code) = challenged(&world, "k", &ANA.sim_swap(&iccid(1))).await;
        assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 200);
        world.pump().await;
        let authorization = claims(&world, &world.topic.authorizations()[0])["jti"].clone();
        let report = json!({"id": "r", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line,
            "iccid": iccid(1), "authorization_id": authorization});
        let deliver = move |world: Arc<World>, _| {
            let report = report.clone();
            async move { world.feed(report).await }
        };
        let again = together(CALLERS, &world, deliver).await;
        assert!(!again.contains(&true));
        let audit = audit(&world, &ANA).await;
        let counts = [EventName::SimChanged, EventName::Completed, EventName::Incident].map(|name| audit.count(name));
        assert_eq!(counts, [1, 1, 0]);
        assert_eq!(world.change(&ANA, &change).await["status"], "completed");
        assert!(world.dead.all().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_reports_of_one_theft_one_is_an_incident_and_one_locks_the_account() {
    let world = ana().await;
    let deliver = |world: Arc<World>, _| async move {
        let stolen = json!({"id": "r", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(66)});
        world.feed(stolen).await
    };
    together(CALLERS, &world, deliver).await;
    let audit = audit(&world, &ANA).await;
    let counts = [EventName::SimChanged, EventName::Incident, EventName::ProtectionOn].map(|name| audit.count(name));
    assert_eq!(counts, [1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_sweeps_one_ends_the_hold_and_one_ends_the_authorization() {
    let world = ana().await;
    let change = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    world.clock.advance(Span::hours(24));
    let sweep = |world: Arc<World>, _| async move { world.sweep.handle().await.unwrap().failed };
    together(CALLERS, &world, sweep).await;
    assert_eq!(audit(&world, &ANA).await.count(EventName::Authorized), 1);
    world.pump().await;
    world.clock.advance(Span::minutes(15));
    together(CALLERS, &world, sweep).await;
    let audit = audit(&world, &ANA).await;
    assert_eq!((audit.count(EventName::Released), audit.count(EventName::Lapsed)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_sign_ins_at_once_none_that_was_taken_is_lost() {
    let world = ana().await;
    let before = world.whole(&ANA).await.profile_seq;
    let sign_in = |world: Arc<World>, n: usize| async move {
        let at = world.ago(Span::minutes(u32::try_from(n).unwrap()));
        !world.behaviour(ANA.sign_in_at_home(&at)).await
    };
    let taken = together(CALLERS, &world, sign_in).await.into_iter().filter(|taken| *taken).count();
    let whole = world.whole(&ANA).await;
    assert!(taken > 0 && world.dead.all().is_empty());
    assert_eq!(whole.profile_seq - before, u64::try_from(taken).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn protections_switched_on_by_many_at_once_are_all_on() {
    let world = ana().await;
    let protect = |world: Arc<World>, n: usize| async move {
        let protection = ["never_sim_swap", "no_port_out", "account_lockdown", "never_sim_swap"][n % 4];
        let (mode, line) = (["step_up", "block"][n / 4 % 2], if n % 4 == 3 { Some(ANA.line) } else { None });
        world.protect(&ANA, protection, mode, line).await
    };
    let answers = tally(&together(CALLERS, &world, protect).await);
    assert_eq!(answers, BTreeMap::from([("200".to_owned(), CALLERS)]));
    let account = world.account(&ANA).await.state.protections.0;
    assert!(account.len() == 3 && account.values().all(|mode| *mode == Mode::Block), "{account:?}");
    let line = world.shell.store.read(&AccountId::parse(ANA.account).unwrap(), &World::subject(&ANA)).await.unwrap();
    assert_eq!(line.line.unwrap().state.protections.0.get(&Protection::NeverSimSwap), Some(&Mode::Block));
    assert_eq!(world.ledger(&ANA, &Subject::Account).await.len(), usize::try_from(world.account(&ANA).await.seq).unwrap());
    audit(&world, &ANA).await;
}
