//! A number that leaves a customer takes nothing with it, and brings nothing to the next.

use linekeeper_domain::ids::Subject;
use linekeeper_domain::ledger::{Entry, EventName};
use linekeeper_domain::numbers::Msisdn;
use linekeeper_domain::state::Protections;
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::enrol::{add_passkey, days_pass};
use linekeeper_tests::people::{ANA, BEA, Person};
use linekeeper_tests::world::STATE;
use linekeeper_tests::{Phone, Session, World, iccid};
use serde_json::json;

/// Ana, told by SMS to her own number as well, with all that a line can have: a lock, a passkey, an open change.
async fn ana() -> World {
    let world = World::new().await;
    let mut opening = ANA.opening(&world.now());
    opening[0]["contacts"] =
        json!([{"id": "email", "email": ANA.email}, {"id": "app", "push": ANA.push}, {"id": "sms", "sms": ANA.msisdn}]);
    for record in opening {
        assert!(!world.feed(record).await);
    }
    world.pump().await;
    world.behaviour(ANA.sign_in_at_home(&world.now())).await;
    add_passkey(&world, &Session::at_home(&ANA), &mut Phone::new(1)).await;
    days_pass(&world, &ANA, 8).await;
    world.ask(&ANA, "swap", &ANA.sim_swap(&iccid(1))).await;
    world.protect(&ANA, "no_port_out", "block", Some(ANA.line)).await;
    world.pump().await;
    world.inbox.clear();
    world
}

async fn ends(world: &World) {
    assert!(
        !world
            .feed(json!({"id": "e", "at": world.now(), "type": "line_ended", "account_id": ANA.account, "line_id": ANA.line}))
            .await
    );
    world.pump().await;
}

/// The next holder of Ana's number.
const NEXT: Person = Person { msisdn: ANA.msisdn, ..BEA };

async fn taken_over(world: &World) {
    world.clock.advance(Span::days(45));
    for record in NEXT.opening(&world.now()) {
        assert!(!world.feed(record).await);
    }
    world.pump().await;
}

#[tokio::test]
async fn protections_changes_and_challenges_end_with_the_tenure() {
    let world = ana().await;
    assert!(world.line(&ANA).await.state.book.changes.values().any(|change| !change.has_ended()));
    ends(&world).await;
    let line = world.line(&ANA).await;
    assert_eq!((&line.state.protections, &line.state.pin), (&Protections::default(), &None));
    assert!(line.state.book.changes.values().all(|change| change.has_ended() && change.challenge.is_none()));
    assert!(line.tally.tries.is_empty());
    assert_eq!(world.protect(&ANA, "no_port_out", "block", Some(ANA.line)).await.problem(), "not-found");
    assert_eq!(
        world.report_fraud(&ANA, &json!({"lines": [BEA.line]})).await.problem(),
        "not-found",
        "another's line is not hers"
    );
}

#[tokio::test]
async fn the_next_holder_starts_clean() {
    let world = ana().await;
    ends(&world).await;
    taken_over(&world).await;
    let (account, line) = (world.account(&BEA).await.state, world.line(&BEA).await.state);
    assert_eq!((account.factors.len(), account.cases.len(), account.book.changes.len()), (0, 0, 0));
    assert_eq!((line.protections, line.sim_before, line.pin, line.book.changes.len()), (Protections::default(), None, None, 0));
    assert_eq!(world.whole(&BEA).await.profile_seq, 0, "no behaviour of the one before");
    let body = world.check_up(&BEA).await.body;
    assert_eq!((&body["protections"], &body["lately"]), (&json!([]), &json!([])));
    // Whoever had the number before touches nothing of it.
    for line in [BEA.line, ANA.line] {
        assert_eq!(world.protect(&ANA, "never_sim_swap", "block", Some(line)).await.problem(), "not-found");
        let swap = json!({"kind": "sim_swap", "line_id": line, "sim": {"iccid": iccid(3)}});
        assert_eq!(world.ask(&ANA, line, &swap).await.problem(), "not-found");
    }
}

#[tokio::test]
async fn the_old_holder_is_told_and_not_on_the_number_that_left() {
    let world = ana().await;
    ends(&world).await;
    let mails = world.inbox.all();
    let told: Vec<_> =
        mails.iter().filter(|mail| mail.text.short.contains("Your number ending in 0123 is no longer yours.")).collect();
    assert!(!told.is_empty(), "{mails:?}");
    let number = linekeeper_domain::change::Address::Sms(Msisdn::parse(ANA.msisdn).unwrap());
    let to_the_line: Vec<_> = told.iter().filter(|mail| mail.to == number).collect();
    assert_eq!(to_the_line.len(), 1, "as a contact of hers, a last time");
    world.inbox.clear();
    taken_over(&world).await;
    // What is still to be told of the old tenure, and what happens to her account, does not reach the new holder.
    assert_eq!(world.report_fraud(&ANA, &json!({"lines": [ANA.line]})).await.status, 200);
    for _ in 0..20 {
        world.clock.advance(Span::hours(1));
        world.tick().await;
    }
    let to_ana_there = world.inbox.all().into_iter().filter(|mail| mail.to == number && mail.text.short.contains("fraud"));
    assert_eq!(to_ana_there.count(), 0);
}

#[tokio::test]
async fn a_number_that_left_is_no_contact_of_hers_any_more() {
    let world = ana().await;
    ends(&world).await;
    let account = world.account(&ANA).await.state;
    let sms = account.contacts.iter().find(|contact| contact.id.as_str() == "sms").unwrap();
    assert!(sms.removed_at.is_some() && !account.is_ripe(sms, world.clock.now(), &world.shell.settings));
    let reset = world.ask(&ANA, "reset", &json!({"kind": "credential_reset"})).await;
    assert!(!reset.body["factors"].to_string().contains("sms_otp"), "no code goes there: {}", reset.body);
    let ledger = world.ledger(&ANA, &Subject::Account).await;
    let removed = |json: &&String| {
        serde_json::from_str::<Entry>(json).unwrap().events.iter().any(|e| e.name() == EventName::ContactRemoved)
    };
    assert_eq!(ledger.iter().filter(removed).count(), 1);
}

#[tokio::test]
async fn a_line_that_ends_again_ends_once() {
    let world = ana().await;
    ends(&world).await;
    let (line, account) = (world.line(&ANA).await.seq, world.account(&ANA).await.seq);
    world.inbox.clear();
    for _ in 0..3 {
        ends(&world).await;
    }
    let told = world.inbox.all().iter().filter(|mail| mail.text.short.contains("no longer yours")).count();
    assert_eq!((world.line(&ANA).await.seq, world.account(&ANA).await.seq, told), (line, account, 0));
}

#[tokio::test]
async fn the_profile_ends_with_the_account() {
    let world = ana().await;
    let profile = || async {
        let items = world.items(STATE).await;
        items.into_iter().find(|item| item["pk"].as_s().unwrap().contains(ANA.account) && item["sk"].as_s().unwrap() == "PROFILE")
    };
    assert!(!profile().await.unwrap().contains_key("expires_at"));
    world.feed(json!({"id": "c", "at": world.now(), "type": "account_closed", "account_id": ANA.account})).await;
    let goes = profile().await.unwrap()["expires_at"].as_n().unwrap().parse::<i64>().unwrap();
    assert_eq!(goes, (world.clock.now() + Span::days(90)).as_second());
    // One who never behaved closes as well.
    world.customer(&BEA).await;
    assert!(!world.feed(json!({"id": "c", "at": world.now(), "type": "account_closed", "account_id": BEA.account})).await);
    assert!(world.account(&BEA).await.state.closed_at.is_some());
}
