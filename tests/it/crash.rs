//! Crash points, enumerated: for every operation of a story, the function is stopped before and after its
//! k-th call for each k, then the trigger does what the real one does (the client repeats, the queue and the
//! stream deliver again, the schedule comes round), and in the end everything is as if nothing had happened.

use std::collections::BTreeMap;

use linekeeper_domain::change::Change;
use linekeeper_domain::ids::Subject;
use linekeeper_domain::ledger::replay;
use linekeeper_domain::state::{Account, Book, Line};
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::people::{ANA, AT_HOME, IN_CALIFORNIA};
use linekeeper_tests::{Fault, World, iccid};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
enum Op {
    /// The customer (or who has her password) asks.
    Ask { from: &'static [(&'static str, &'static str)], body: Value },
    /// The stream delivers its next record.
    Deliver,
    /// A code is asked for.
    Challenge(&'static str),
    /// The newest code is entered.
    Answer,
    /// The change is stopped in the app.
    Cancel,
    /// The link of the newest notice is tapped.
    NotMe,
    /// Fraud is reported in the app.
    Report,
    /// The SIM that was in before goes in again.
    PutBack,
    /// A protection of the line is switched on.
    Protect(&'static str),
    /// Provisioning reports what the authorization allows.
    SimChanged,
    /// Provisioning reports another kind of change as done.
    Done,
    /// Provisioning reports a SIM that nothing allowed.
    Stolen,
    /// Something happens elsewhere.
    SignIn,
    /// Time passes.
    Advance(Span),
    /// The schedule comes round.
    Sweep,
    /// From now on these channels refuse.
    Down(&'static [&'static str]),
}

struct Story {
    world: World,
    change: String,
    challenge: String,
    code: String,
    key: usize,
}

impl Story {
    /// One attempt of the trigger. Returns whether it is done, or has to come again.
    async fn attempt(&mut self, op: &Op) -> bool {
        let world = &self.world;
        match op {
            Op::Ask { from, body } => {
                let asked = world.ask_from(&ANA, from, &format!("key{}", self.key), body).await;
                if asked.status < 500 {
                    self.change = asked.text("change_id");
                }
                asked.status < 500
            }
            Op::Deliver => {
                let Some((pk, seq, event)) = world.undelivered().await.into_iter().next() else { return true };
                let done = world.notify.handle(event).await.is_ok();
                if done {
                    world.mark(&pk, seq).await;
                }
                done
            }
            Op::Challenge(factor) => {
                let sent = world.challenge(&ANA, &self.change, factor).await;
                match sent.status {
                    201 => {
                        self.challenge = sent.text("challenge_id");
                        self.code = world.inbox.code();
                        true
                    }
                    // Recorded, but the answer was lost: the app says to wait, and the customer asks again.
                    429 => {
                        world.clock.advance(Span::seconds(31));
                        false
                    }
                    _ => false,
                }
            }
            Op::Answer => {
                let answered = world.answer(&ANA, &self.change, &self.challenge, &self.code).await;
                // Used already: the app looks where the change stands.
                answered.status == 200 || answered.problem() == "challenge-over"
            }
            Op::Cancel => world.cancel(&ANA, &self.change).await.status == 200,
            Op::NotMe => world.not_me(&world.inbox.link_token()).await.status == 200,
            Op::Report => world.report_fraud(&ANA, &json!({"lines": [ANA.line]})).await.status == 200,
            Op::PutBack => {
                let back = json!({"id": "b", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": ANA.iccid});
                !world.feed(back).await
            }
            Op::Protect(protection) => world.protect(&ANA, protection, "block", Some(ANA.line)).await.status == 200,
            Op::SimChanged => !world.feed(self.report("sim_changed", json!({"line_id": ANA.line, "iccid": iccid(1)}))).await,
            Op::Done => {
                !world.feed(self.report("change_done", json!({"change_id": self.change, "msisdn": "+13055550199"}))).await
            }
            Op::Stolen => {
                let stolen = json!({"id": "s", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(66)});
                !world.feed(stolen).await
            }
            Op::SignIn => {
                let thief = ANA.sign_in_of_a_thief(&world.now());
                !world.behaviour(thief).await
            }
            Op::Advance(span) => {
                world.clock.advance(*span);
                true
            }
            Op::Sweep => {
                let swept = world.sweep.handle().await;
                swept.is_ok_and(|swept| swept.failed == 0)
            }
            Op::Down(channels) => {
                world.inbox.down(channels);
                true
            }
        }
    }

    fn report(&self, kind: &str, rest: Value) -> Value {
        let signed = self.world.topic.authorizations().into_iter().next();
        let id = signed.map(|jws| crate::audit::claims(&self.world, &jws)["jti"].clone());
        let mut record = json!({"id": "r", "at": self.world.now(), "type": kind, "account_id": ANA.account, "authorization_id": id.unwrap_or(json!("au_none"))});
        record.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        record
    }
}

/// Plays a story, the operation at `crash` with a fault. Returns the end, and the calls of each operation.
async fn play(ops: &[Op], crash: Option<(usize, Fault)>) -> (Value, Vec<usize>) {
    let world = World::new().await;
    world.customer(&ANA).await;
    let mut story = Story { world, change: String::new(), challenge: String::new(), code: String::new(), key: 0 };
    let mut calls = Vec::new();
    for (n, op) in ops.iter().enumerate() {
        story.key = n;
        let fault = crash.filter(|(at, _)| *at == n).map(|(_, fault)| fault);
        story.world.tap.begin(fault);
        let mut done = story.attempt(op).await;
        calls.push(story.world.tap.calls().len());
        if fault.is_some() {
            assert!(story.world.tap.crashed(), "{op:?} did not crash at {fault:?}");
        }
        for _ in 0..6 {
            if done {
                break;
            }
            story.world.tap.begin(None);
            done = story.attempt(op).await;
        }
        assert!(done, "{op:?} never came through after {crash:?}");
        story.world.tap.begin(None);
    }
    assert!(story.world.pump().await);
    (end(&story.world).await, calls)
}

/// What has to be the same in the end: what the customer has, where every change stands, what was signed,
/// what is still to be told. And in every world the ledgers replay to the state.
async fn end(world: &World) -> Value {
    let (account, line) = (world.account(&ANA).await, world.line(&ANA).await);
    for (subject, seq, head) in [(Subject::Account, account.seq, &account.head), (World::subject(&ANA), line.seq, &line.head)] {
        let entries = world.ledger(&ANA, &subject).await;
        let texts = entries.iter().map(String::as_str);
        let (end, hash) = match subject {
            Subject::Account => replay::<Account>(texts).map(|(seq, head, state)| ((seq, head), state == account.state)),
            Subject::Line(_) => replay::<Line>(texts).map(|(seq, head, state)| ((seq, head), state == line.state)),
        }
        .unwrap();
        assert_eq!(end, (seq, head.clone()), "the chain does not end where the state is");
        assert!(hash, "the ledger of {subject:?} does not replay to its state");
    }
    let mut signed: Vec<Value> = world.topic.authorizations().iter().map(|jws| claims(jws)).collect();
    signed.dedup();
    json!({
        "protections": [account.state.protections, line.state.protections],
        "contacts": account.state.contacts.len(),
        "cases": account.state.cases.iter().map(|case| (&case.concerns, case.is_open())).collect::<Vec<_>>(),
        "sim": line.state.sim.iccid, "number": line.state.msisdn,
        "changes": [changes(&account.state.book, world), changes(&line.state.book, world)],
        "untold": account.state.book.untold.len() + line.state.book.untold.len(),
        "signed": signed.len(),
        "signed_ids": signed.iter().map(|c| c["jti"].clone()).collect::<Vec<_>>(),
    })
}

fn claims(jws: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode::<Value>(jws).unwrap().claims
}

fn changes(book: &Book, world: &World) -> BTreeMap<String, Value> {
    let summary = |change: &Change| {
        let factors: Vec<_> = change.proofs.iter().map(|proof| proof.factor).collect();
        json!({"status": change.status(world.clock.now()), "proofs": factors, "told": change.told_at.is_some(), "challenge": change.challenge.is_some(),
               "held": change.hold_until.is_some(), "authorization": change.authorization().map(|a| a.id.clone())})
    };
    book.changes.values().map(|change| (change.kind().to_string(), summary(change))).collect()
}

/// Every crash point of every operation of a story.
async fn survives(ops: Vec<Op>, expected: impl Fn(&Value) -> bool) {
    let (undisturbed, calls) = play(&ops, None).await;
    assert!(expected(&undisturbed), "{undisturbed:#}");
    let mut points = 0;
    for (n, &count) in calls.iter().enumerate() {
        for k in 1..=count {
            for fault in [Fault::Before(k), Fault::After(k)] {
                let (disturbed, _) = play(&ops, Some((n, fault))).await;
                assert_eq!(disturbed, undisturbed, "{:?} crashed at {fault:?}", ops[n]);
                points += 1;
            }
        }
    }
    assert!(points > 10, "only {points} crash points");
}

fn swap(from: &'static [(&'static str, &'static str)]) -> Op {
    Op::Ask { from, body: ANA.sim_swap(&iccid(1)) }
}

#[tokio::test]
async fn a_sim_swap_survives_a_crash_at_every_call() {
    let ops = vec![swap(AT_HOME), Op::Deliver, Op::Challenge("push_otp"), Op::Answer, Op::Deliver, Op::SimChanged, Op::Deliver];
    survives(ops, |end| end["sim"] == json!(iccid(1)) && end["signed"] == 1 && end["untold"] == 0).await;
}

#[tokio::test]
async fn a_code_that_is_entered_before_the_notice_survives_a_crash_at_every_call() {
    let ops = vec![swap(AT_HOME), Op::Challenge("push_otp"), Op::Answer, Op::Deliver, Op::Deliver];
    survives(ops, |end| end["signed"] == 1 && end["untold"] == 0).await;
}

#[tokio::test]
async fn a_tap_on_not_me_survives_a_crash_at_every_call() {
    let ops = vec![swap(IN_CALIFORNIA), Op::Deliver, Op::NotMe, Op::Deliver, Op::Deliver];
    survives(ops, |end| {
        end["protections"][0]["account_lockdown"] == "block" && end["changes"][1]["sim_swap"]["status"] == "cancelled"
    })
    .await;
}

#[tokio::test]
async fn a_fraud_that_is_reported_and_put_back_survives_a_crash_at_every_call() {
    let ops = vec![
        swap(AT_HOME),
        Op::Advance(Span::minutes(1)),
        Op::Stolen,
        Op::Report,
        Op::Deliver,
        Op::Advance(Span::minutes(15)),
        Op::PutBack,
        Op::Deliver,
    ];
    survives(ops, |end| {
        let [concerns, open] = &end["cases"][0].as_array().unwrap()[..] else { return false };
        end["cases"].as_array().unwrap().len() == 1
            && concerns[0]["remedied_at"].is_number()
            && *open == json!(true)
            && end["sim"] == ANA.iccid
            && end["changes"][1]["sim_swap"]["status"] == "cancelled"
    })
    .await;
}

#[tokio::test]
async fn a_hold_that_ends_survives_a_crash_at_every_call() {
    let ops = vec![
        swap(IN_CALIFORNIA),
        Op::Deliver,
        Op::Challenge("push_otp"),
        Op::Answer,
        Op::Advance(Span::hours(25)),
        Op::Sweep,
        Op::Deliver,
        Op::Advance(Span::minutes(16)),
        Op::Sweep,
        Op::Deliver,
    ];
    survives(ops, |end| end["signed"] == 1 && end["changes"][1]["sim_swap"]["status"] == "lapsed").await;
}

#[tokio::test]
async fn a_protection_that_goes_off_survives_a_crash_at_every_call() {
    let off = json!({"kind": "protection_off", "protection": "never_sim_swap", "line_id": ANA.line});
    let ops = vec![
        Op::Protect("never_sim_swap"),
        Op::Deliver,
        Op::Ask { from: AT_HOME, body: off },
        Op::Deliver,
        Op::Challenge("push_otp"),
        Op::Answer,
        Op::Advance(Span::hours(25)),
        Op::Sweep,
        Op::Deliver,
    ];
    survives(ops, |end| end["protections"][1] == json!({}) && end["changes"][1]["protection_off"]["status"] == "completed").await;
}

#[tokio::test]
async fn a_contact_change_survives_a_crash_at_every_call() {
    let body = json!({"kind": "contact_change", "add": {"email": "new@example.com"}});
    let ops = vec![
        Op::Ask { from: AT_HOME, body },
        Op::Deliver,
        Op::Challenge("push_otp"),
        Op::Answer,
        Op::Advance(Span::hours(2)),
        Op::Sweep,
        Op::Deliver,
        Op::Done,
        Op::Deliver,
    ];
    survives(ops, |end| end["contacts"] == 3 && end["signed"] == 1).await;
}

#[tokio::test]
async fn a_cancel_survives_a_crash_at_every_call() {
    let ops = vec![swap(AT_HOME), Op::Deliver, Op::Challenge("push_otp"), Op::Answer, Op::Deliver, Op::Cancel, Op::Deliver];
    survives(ops, |end| end["changes"][1]["sim_swap"]["status"] == "cancelled").await;
}

#[tokio::test]
async fn a_theft_by_provisioning_survives_a_crash_at_every_call() {
    let ops = vec![Op::Stolen, Op::Deliver, Op::Deliver];
    survives(ops, |end| end["protections"][0]["account_lockdown"] == "block").await;
}

#[tokio::test]
async fn evidence_that_raises_a_change_survives_a_crash_at_every_call() {
    let ops = vec![swap(AT_HOME), Op::Deliver, Op::SignIn, Op::Deliver];
    survives(ops, |end| end["changes"][1]["sim_swap"]["held"] == true).await;
}

#[tokio::test]
async fn a_notice_that_one_channel_refuses_survives_a_crash_at_every_call() {
    let ops = vec![
        Op::Down(&["email"]),
        swap(AT_HOME),
        Op::Deliver,
        Op::Down(&[]),
        Op::Advance(Span::minutes(3)),
        Op::Sweep,
        Op::Deliver,
    ];
    survives(ops, |end| end["untold"] == 0).await;
}
