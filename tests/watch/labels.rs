//! What became of requests, as production counts it and as an export tells it.

use linekeeper_domain::ids::Subject;
use linekeeper_domain::ledger::{Entry, EventName};
use linekeeper_domain::risk::label::{Heard, Ledgers, QUIET, Why};
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::enrol::{add_passkey, days_pass};
use linekeeper_tests::people::{ANA, AT_HOME, IN_CALIFORNIA};
use linekeeper_tests::world::ORIGIN;
use linekeeper_tests::{Fault, Phone, Session, World, iccid, log};
use serde_json::json;

use crate::{alone, ana, counted, once, stored};

/// Ana's ledgers, as they would be exported.
async fn exported(world: &World) -> Ledgers {
    let mut ledgers = Ledgers::default();
    for subject in [Subject::Account, World::subject(&ANA)] {
        for json in world.ledger(&ANA, &subject).await {
            ledgers.take(&serde_json::from_str::<Entry>(&json).unwrap());
        }
    }
    ledgers
}

#[tokio::test]
async fn a_thief_whom_she_stops_by_one_tap_is_one_attack_by_the_band_that_he_had() {
    let _alone = alone().await;
    let world = ana().await;
    let asked = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await;
    let decision = stored(&world, &asked).await.decision;
    world.pump().await;
    let link = world.inbox.link_token();
    world.clock.advance(Span::hours(3));
    let mark = log::mark();
    for _ in 0..3 {
        assert_eq!(world.not_me(&link).await.status, 200);
        world.pump().await;
    }
    assert_eq!(counted(mark, "Labels"), once(&[&format!("attack_{}", decision.band)]));
    let told = exported(&world).await.labels(QUIET, world.clock.now());
    let [label] = &told.labels[..] else { panic!("{told:?}") };
    assert_eq!((label.y, label.why, label.delay_seconds), (1, Why::Disputed, Span::hours(3)));
    assert_eq!(
        (label.change.as_str(), label.ppm, label.band),
        (&*asked.text("change_id"), decision.probability_ppm, decision.band)
    );
}

/// Locked or not, stopped already or refused: what she says of it is written down, once.
#[tokio::test]
async fn a_request_that_was_refused_or_is_over_can_still_be_disputed_and_is_so_once() {
    let _alone = alone().await;
    for locked in [true, false] {
        let world = ana().await;
        if locked {
            world.protect(&ANA, "account_lockdown", "block", None).await;
            world.pump().await;
            world.inbox.clear();
        }
        let asked = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await;
        assert_eq!(asked.status, if locked { 403 } else { 201 });
        world.pump().await;
        let link = world.inbox.link_token();
        if !locked {
            world.clock.advance(Span::days(3));
            world.tick().await;
        }
        let mark = log::mark();
        let before = world.ledger(&ANA, &World::subject(&ANA)).await.len();
        for _ in 0..3 {
            assert_eq!(world.not_me(&link).await.status, 200);
            world.pump().await;
        }
        let entries = world.ledger(&ANA, &World::subject(&ANA)).await;
        assert_eq!(entries.len(), before + 1, "locked: {locked}");
        let labels = counted(mark, "Labels");
        assert!(labels.len() == 1 && labels.iter().all(|(word, n)| word.starts_with("attack_") && *n == 1), "{labels:?}");
        let published = world.topic.all().iter().filter(|event| event.events.contains(&EventName::Disputed)).count();
        assert_eq!(published, 1, "the fraud desk hears of it");
        assert_eq!(exported(&world).await.labels(QUIET, world.clock.now()).labels.len(), 1);
    }
}

async fn carried_out(world: &World, change: &str) {
    world.pump().await;
    let line = world.line(&ANA).await.state;
    let granted =
        line.book.changes.values().find(|known| known.id.as_str() == change).unwrap().authorization().unwrap().id.clone();
    let record = json!({"id": "s", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line,
        "iccid": iccid(1), "authorization_id": granted});
    assert!(!world.feed(record).await);
    world.pump().await;
}

#[tokio::test]
async fn what_is_carried_out_on_one_code_is_weak_and_on_a_passkey_genuine_after_a_month() {
    let _alone = alone().await;
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    let mark = log::mark();
    carried_out(&world, &change).await;
    assert_eq!(counted(mark, "Labels"), once(&[Heard::Weak.word()]));
    world.clock.advance(Span::days(40));
    assert!(exported(&world).await.labels(QUIET, world.clock.now()).labels.is_empty());

    let world = ana().await;
    let (home, mut phone) = (Session::at_home(&ANA), Phone::new(1));
    add_passkey(&world, &home, &mut phone).await;
    days_pass(&world, &ANA, 8).await;
    let asked = world.ask_from(&ANA, AT_HOME, "k", &ANA.sim_swap(&iccid(1))).await;
    let (change, band) = (asked.text("change_id"), stored(&world, &asked).await.decision.band);
    world.pump().await;
    let challenge = world.challenge_as(&home, &change, "passkey").await;
    let shown = phone.get(&challenge.body["passkey"], ORIGIN);
    let answer = world.answer_as(&home, &change, &challenge.text("challenge_id"), &json!({"passkey": shown})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mark = log::mark();
    carried_out(&world, &change).await;
    assert_eq!(counted(mark, "Labels"), once(&[&format!("genuine_pending_{band}")]));
    let early = exported(&world).await.labels(QUIET, world.clock.now());
    assert!(early.labels.is_empty(), "{early:?}");
    world.clock.advance(QUIET);
    let told = exported(&world).await.labels(QUIET, world.clock.now());
    let [label] = &told.labels[..] else { panic!("{told:?}") };
    assert_eq!((label.y, label.why, label.change.as_str()), (0, Why::ProvenAndQuiet, change.as_str()));
}

#[tokio::test]
async fn an_entry_that_crashed_and_comes_again_is_counted_once() {
    let _alone = alone().await;
    let world = ana().await;
    let asked = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    world.not_me(&world.inbox.link_token()).await;
    let (_, _, event) = world.undelivered().await.into_iter().find(|(pk, ..)| pk.contains("#LINE#")).unwrap();
    let mark = log::mark();
    for fault in [Fault::Before(1), Fault::After(1)] {
        world.tap.begin(Some(fault));
        assert!(world.notify.handle(event.clone()).await.is_err(), "{fault:?}");
    }
    world.tap.begin(None);
    world.notify.handle(event).await.unwrap();
    assert_eq!(counted(mark, "Labels"), once(&[&format!("attack_{}", stored(&world, &asked).await.decision.band)]));
}
