//! Fraud that is reported: what it freezes and stops, what is put back, and how a case ends.

use linekeeper_domain::decide::{self, Denied};
use linekeeper_domain::fraud::{CONCERNS, Case, CaseId, CaseOutcome, Concerned, Through};
use linekeeper_domain::ids::{AccountId, Subject};
use linekeeper_domain::kinds::{Enrollable, Factor, Mode, Protection};
use linekeeper_domain::ledger::{Entry, Event, EventName};
use linekeeper_domain::risk::label::{Ledgers, QUIET, Unlabelled, Why};
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_platform::shell::{Failure, owner};
use linekeeper_tests::enrol::{add_key, add_paper, add_passkey, add_totp, days_pass};
use linekeeper_tests::people::ANA;
use linekeeper_tests::{DeviceKey, Phone, Session, World, iccid};
use serde_json::{Value, json};

use crate::calls::size;

async fn customer() -> World {
    let world = World::new().await;
    world.customer(&ANA).await;
    world
}

/// The one case of Ana.
async fn case(world: &World) -> Case {
    let cases = world.account(&ANA).await.state.cases;
    let [case] = &cases[..] else { panic!("{cases:?}") };
    case.clone()
}

async fn events(world: &World, subject: &Subject) -> Vec<Event> {
    let ledger = world.ledger(&ANA, subject).await;
    ledger.iter().flat_map(|json| serde_json::from_str::<Entry>(json).unwrap().events).collect()
}

fn count(events: &[Event], name: EventName) -> usize {
    events.iter().filter(|event| event.name() == name).count()
}

/// As the fraud desk closes a case.
async fn close(world: &World, id: CaseId, outcome: CaseOutcome) -> Result<(), Failure> {
    let account = AccountId::parse(ANA.account).unwrap();
    let view = world.shell.store.read(&account, &Subject::Account).await.unwrap();
    let actor = linekeeper_domain::change::Actor::System;
    let owner = owner(&account, &Subject::Account);
    world.shell.command(&owner, &actor, view, |view, ctx| decide::close_case(view, id, outcome, ctx)).await.map(|_| ())
}

/// A SIM goes into Ana's line that nobody authorized.
async fn swapped_past_us(world: &World, sim: &str) {
    let record = json!({"id": "x", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": sim});
    assert!(!world.feed(record).await);
    world.pump().await;
}

fn remedied(world: &World, case: CaseId, what: (&str, &str)) -> Value {
    let mut record =
        json!({"id": "r", "at": world.now(), "type": "fraud_remedied", "account_id": ANA.account, "case_id": case.0});
    record[what.0] = json!(what.1);
    record
}

#[tokio::test]
async fn a_thousand_reports_of_one_thing_are_one_case_and_one_notice() {
    let world = customer().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    let link = world.inbox.link_token();
    world.inbox.clear();
    let body = json!({"lines": [ANA.line], "changes": [asked.text("change_id")]});
    assert_eq!(world.report_fraud(&ANA, &body).await.status, 200);
    world.pump().await;
    let told = world.inbox.all().len();
    let stored = || async {
        (world.items(linekeeper_tests::world::STATE).await, world.items(linekeeper_tests::world::LEDGER).await.len())
    };
    let before = stored().await;
    for n in 0..1_000 {
        // Fewer taps than reports: each reads the key.
        let again = if n % 10 == 0 { world.not_me(&link).await } else { world.report_fraud(&ANA, &body).await };
        assert_eq!(again.status, 200);
    }
    world.pump().await;
    assert_eq!(world.inbox.all().len(), told, "told once");
    assert!(stored().await == before, "nothing grew");
    assert_eq!(count(&events(&world, &Subject::Account).await, EventName::FraudReported), 1);
}

#[tokio::test]
async fn a_report_freezes_the_account_and_stops_what_is_open_for_it_and_the_line() {
    let world = customer().await;
    let swap = world.ask(&ANA, "k1", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let contact = json!({"kind": "contact_change", "add": {"email": "thief@example.com"}});
    let contact = world.ask(&ANA, "k2", &contact).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &swap, "push_otp").await;
    world.pump().await;
    assert_eq!(world.change(&ANA, &swap).await["status"], "authorized");

    assert_eq!(world.report_fraud(&ANA, &json!({"lines": []})).await.status, 200);
    for change in [&swap, &contact] {
        assert_eq!(world.change(&ANA, change).await["status"], "cancelled");
    }
    let account = world.account(&ANA).await.state;
    assert_eq!(account.protections.0[&Protection::AccountLockdown], Mode::Block);
    let again = world.ask(&ANA, "k3", &json!({"kind": "credential_reset"})).await;
    assert_eq!(again.problem(), "refused");
    world.pump().await;
    let reported = world.topic.all().into_iter().find(|event| event.event == EventName::FraudReported).unwrap();
    assert!(reported.events.contains(&EventName::ProtectionOn) && reported.case.unwrap().through == Through::App);
}

/// A report leads its entry, and locks the account: whoever takes ports back for a lock has to hear of it.
#[tokio::test]
async fn a_report_reaches_who_takes_back_the_ports_of_a_locked_account() {
    let world = customer().await;
    world.report_fraud(&ANA, &json!({"lines": []})).await;
    world.pump().await;
    let locks = world.topic.all().into_iter().find(|event| event.events.contains(&EventName::ProtectionOn)).unwrap();
    let template = include_str!("../../infra/template.yaml");
    let (_, subscription) = template.split_once("PortEventsSubscription:").unwrap();
    let filter = subscription.lines().find(|line| line.contains("FilterPolicy")).unwrap();
    assert!(filter.contains(locks.event.word()), "{} is not let through by {filter}", locks.event);
}

#[tokio::test]
async fn one_tap_opens_a_case_and_a_report_in_the_app_adds_to_it() {
    let world = customer().await;
    let swap = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    assert_eq!(world.not_me(&world.inbox.link_token()).await.status, 200);
    let tapped = case(&world).await;
    assert_eq!((tapped.through, tapped.concerns.len(), tapped.time_to_remedy()), (Through::Notice, 1, None));
    assert!(!tapped.concerns[0].reverse, "it was stopped: there is nothing to put back");
    assert_eq!(world.report_fraud(&ANA, &json!({"changes": [swap]})).await.body["case_id"], tapped.id.0);
    assert_eq!(case(&world).await, tapped);
    assert_eq!(world.report_fraud(&ANA, &json!({"lines": [ANA.line], "phone_lost": true})).await.status, 200);
    let more = case(&world).await;
    assert_eq!((more.id, more.through, more.concerns.len(), more.phone_lost), (tapped.id, Through::Notice, 2, true));
}

/// The victim of the $33M award was swapped back within 16 minutes: it is measured.
#[tokio::test]
async fn the_sim_that_was_in_before_is_put_back_and_the_time_to_remedy_is_known() {
    let world = customer().await;
    world.clock.advance(Span::hours(1));
    swapped_past_us(&world, &iccid(1)).await;
    world.report_fraud(&ANA, &json!({"lines": [ANA.line]})).await;
    world.pump().await;
    let reported = world.topic.all().into_iter().find(|event| event.event == EventName::FraudReported).unwrap();
    assert!(reported.page, "the fraud desk is paged");
    let asked = serde_json::to_value(reported.case.unwrap()).unwrap();
    assert_eq!(asked["reverse"], json!([{"line": ANA.line}]));
    world.inbox.clear();
    let pages = || world.topic.all().iter().filter(|event| event.event == EventName::Incident).count();
    let before = pages();

    world.clock.advance(Span::minutes(16));
    swapped_past_us(&world, ANA.iccid).await;
    assert_eq!(pages(), before, "putting back is no incident");
    assert_eq!(case(&world).await.time_to_remedy(), Some(Span::minutes(16)));
    let mails = world.inbox.all();
    assert!(
        mails.iter().any(|mail| mail.text.long.contains("From your report until all was put back: 16 minutes.")),
        "{mails:#?}"
    );

    // Under the cover of a case nothing else goes in.
    world.clock.advance(Span::minutes(1));
    swapped_past_us(&world, &iccid(1)).await;
    assert_eq!(pages(), before + 1);
}

#[tokio::test]
async fn a_sim_that_was_not_in_before_is_an_incident_though_a_case_is_open() {
    let world = customer().await;
    world.clock.advance(Span::hours(1));
    swapped_past_us(&world, &iccid(1)).await;
    world.report_fraud(&ANA, &json!({"lines": [ANA.line]})).await;
    world.clock.advance(Span::minutes(1));
    swapped_past_us(&world, &iccid(2)).await;
    assert_eq!(count(&events(&world, &World::subject(&ANA)).await, EventName::Incident), 2);
    assert_eq!(case(&world).await.outstanding().count(), 1);
}

#[tokio::test]
async fn provisionings_answer_says_once_what_was_put_back() {
    let world = customer().await;
    let reset = world.ask(&ANA, "k", &json!({"kind": "credential_reset"})).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &reset, "push_otp").await;
    world.pump().await;
    let granted = world.account(&ANA).await.state.book.changes.values().next().unwrap().authorization().unwrap().id.to_string();
    world
        .feed(json!({"id": "1", "at": world.now(), "type": "change_done", "account_id": ANA.account, "change_id": reset, "authorization_id": granted}))
        .await;
    world.pump().await;
    assert_eq!(world.not_me(&world.inbox.link_token()).await.status, 200);
    world.pump().await;
    let id = case(&world).await.id;
    let asked = world.topic.all().into_iter().find_map(|event| event.case).unwrap();
    assert_eq!(serde_json::to_value(&asked.reverse).unwrap(), json!([{"change": reset, "kind": "credential_reset"}]));

    world.clock.advance(Span::minutes(40));
    for other in [("line", ANA.line), ("change", "account.other")] {
        assert!(world.feed(remedied(&world, id, other)).await, "what the case does not name is not taken");
    }
    assert!(world.feed(remedied(&world, CaseId(99), ("change", &reset))).await);
    for _ in 0..3 {
        assert!(!world.feed(remedied(&world, id, ("change", &reset))).await);
        world.clock.advance(Span::minutes(1));
    }
    assert_eq!(case(&world).await.time_to_remedy(), Some(Span::minutes(40)));
    assert_eq!(count(&events(&world, &Subject::Account).await, EventName::FraudRemedied), 1);
}

#[tokio::test]
async fn a_passkey_that_is_not_hers_proves_nothing_from_the_report_on() {
    for outcome in CaseOutcome::ALL {
        let world = customer().await;
        let mut phone = Phone::new(1);
        add_passkey(&world, &Session::at_home(&ANA), &mut phone).await;
        days_pass(&world, &ANA, 8).await;
        let now = || world.clock.now();
        let passkey = world.account(&ANA).await.state.factors[0].clone();
        assert!(passkey.proves(Factor::Passkey, now()));
        assert_eq!(world.report_fraud(&ANA, &json!({"factors": [passkey.id]})).await.status, 200);
        let account = world.account(&ANA).await.state;
        assert!(!account.proves(Factor::Passkey, now()) && account.is_disputed(&Concerned::Factor(passkey.id.clone())));
        assert_eq!(account.protections.0[&Protection::AccountLockdown], Mode::Block);

        let id = case(&world).await.id;
        close(&world, id, *outcome).await.unwrap();
        let account = world.account(&ANA).await.state;
        assert_eq!(account.protections.0[&Protection::AccountLockdown], Mode::Block, "closing unfreezes nothing");
        let hers = account.factors.first();
        match outcome {
            CaseOutcome::NoFraud => {
                let hers = hers.unwrap();
                assert!(!hers.proves(Factor::Passkey, now()), "it is trusted like a new one");
                assert!(
                    !hers.proves(Factor::Passkey, now() + Span::days(6)) && hers.proves(Factor::Passkey, now() + Span::days(7))
                );
            }
            CaseOutcome::Fraud | CaseOutcome::Unclear => assert_eq!(hers, None),
        }
    }
}

#[tokio::test]
async fn one_tap_on_a_passkey_that_was_added_takes_it_out_of_use() {
    let world = customer().await;
    add_passkey(&world, &Session::at_home(&ANA), &mut Phone::new(1)).await;
    world.pump().await;
    assert_eq!(world.not_me(&world.inbox.link_token()).await.status, 200);
    let factors = world.account(&ANA).await.state.factors;
    assert!(factors.len() == 1 && factors.iter().all(|known| known.disputed), "{factors:?}");
    assert_eq!(case(&world).await.concerns.len(), 2, "the change, and what it added");
}

#[tokio::test]
async fn a_device_that_is_not_hers_gets_no_code_and_is_still_told() {
    let world = customer().await;
    let off = json!({"kind": "protection_off", "protection": "account_lockdown"});
    world.report_fraud(&ANA, &json!({"contacts": ["app"]})).await;
    world.pump().await;
    assert!(world.inbox.all().iter().any(|mail| mail.text.short.contains("case")));
    let asked = world.ask(&ANA, "k", &off).await;
    assert_eq!((asked.status, &asked.body["factors"]), (201, &json!([])), "{}", asked.body);
}

#[tokio::test]
async fn a_phone_that_is_said_to_be_lost_unlocks_nothing_while_the_case_is_open() {
    let world = customer().await;
    let off = json!({"kind": "protection_off", "protection": "account_lockdown"});
    world.report_fraud(&ANA, &json!({"lines": []})).await;
    let asked = world.ask(&ANA, "k1", &off).await;
    assert_eq!(asked.body["factors"], json!([{"factor": "push_otp"}]));
    world.report_fraud(&ANA, &json!({"phone_lost": true})).await;
    assert_eq!(world.change(&ANA, &asked.text("change_id")).await["status"], "cancelled", "a report stops an unlocking too");
    world.pump().await;
    let again = world.ask(&ANA, "k2", &off).await;
    assert_eq!(again.body["factors"], json!([]), "{}", again.body);
}

#[tokio::test]
async fn a_case_is_closed_once_and_is_told() {
    let world = customer().await;
    world.report_fraud(&ANA, &json!({"lines": [ANA.line]})).await;
    world.pump().await;
    world.inbox.clear();
    let id = case(&world).await.id;
    for _ in 0..3 {
        close(&world, id, CaseOutcome::Fraud).await.unwrap();
    }
    world.pump().await;
    let mails = world.inbox.all();
    assert_eq!(
        mails.iter().filter(|mail| mail.text.long.contains("it is your documentation of case")).count(),
        2,
        "push and e-mail"
    );
    assert!(matches!(close(&world, id, CaseOutcome::NoFraud).await, Err(Failure::Denied(Denied::CaseClosed))));
    assert!(matches!(close(&world, CaseId(1), CaseOutcome::Fraud).await, Err(Failure::Denied(Denied::NotFound))));
    assert_eq!(count(&events(&world, &Subject::Account).await, EventName::FraudClosed), 1);
}

#[tokio::test]
async fn the_outcome_of_a_case_is_the_label_of_what_it_names() {
    for outcome in CaseOutcome::ALL {
        let world = customer().await;
        let swap = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        world.clock.advance(Span::hours(2));
        world.report_fraud(&ANA, &json!({"changes": [swap]})).await;
        let id = case(&world).await.id;
        world.clock.advance(Span::hours(1));
        close(&world, id, *outcome).await.unwrap();
        let mut ledgers = Ledgers::default();
        for subject in [Subject::Account, World::subject(&ANA)] {
            for json in world.ledger(&ANA, &subject).await {
                ledgers.take(&serde_json::from_str::<Entry>(&json).unwrap());
            }
        }
        let told = ledgers.labels(QUIET, world.clock.now() + Span::days(90));
        match outcome {
            CaseOutcome::Fraud | CaseOutcome::NoFraud => {
                let [label] = &told.labels[..] else { panic!("{told:?}") };
                let attack = u8::from(*outcome == CaseOutcome::Fraud);
                assert_eq!((label.y, label.why, label.delay_seconds), (attack, Why::Case, Span::hours(3)));
            }
            CaseOutcome::Unclear => assert_eq!(told.unlabelled[&Unlabelled::Unclear], 1),
        }
    }
}

#[tokio::test]
async fn an_account_with_all_its_factors_and_cases_stays_under_four_kilobytes() {
    let world = customer().await;
    let (home, mut phone) = (Session::at_home(&ANA), Phone::new(1));
    add_passkey(&world, &home, &mut phone).await;
    add_totp(&world, &home).await;
    add_paper(&world, &home).await;
    add_key(&world, &home, &DeviceKey::new(1)).await;
    days_pass(&world, &ANA, 8).await;
    let factors = world.account(&ANA).await.state.factors;
    assert_eq!(factors.len(), Enrollable::ALL.len());
    let mut named: Vec<Value> = factors.iter().map(|known| json!({"factors": [known.id]})).collect();
    named.extend([
        json!({"lines": [ANA.line]}),
        json!({"contacts": ["app"]}),
        json!({"contacts": ["email"]}),
        json!({"phone_lost": true}),
    ]);
    for closes in [true, false] {
        for body in &named {
            assert_eq!(world.report_fraud(&ANA, body).await.status, 200);
            world.pump().await;
        }
        let open = world.account(&ANA).await.state.open_case().unwrap().clone();
        assert!(open.concerns.len() <= CONCERNS);
        if closes {
            close(&world, open.id, CaseOutcome::NoFraud).await.unwrap();
            world.pump().await;
        }
    }
    for table in [linekeeper_tests::world::STATE, linekeeper_tests::world::LEDGER] {
        for item in world.items(table).await {
            let size = size(&aws_sdk_dynamodb::types::AttributeValue::M(item));
            assert!(size < 4_096, "{size} bytes");
        }
    }
}

/// The check-up asks the policy what an attacker needs; a change asks it too.
#[tokio::test]
async fn what_the_check_up_says_of_an_attacker_is_what_a_change_asks_for() {
    let world = customer().await;
    add_passkey(&world, &Session::at_home(&ANA), &mut Phone::new(1)).await;
    days_pass(&world, &ANA, 8).await;
    let of = |checkup: &Value, goal: &str| {
        checkup["attacker"].as_array().unwrap().iter().find(|attack| attack["goal"] == goal).unwrap().clone()
    };
    let checkup = world.check_up(&ANA).await.body;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    for offered in asked.body["factors"].as_array().unwrap() {
        let way = json!({"factors": [offered["factor"]], "wait_seconds": 0});
        assert!(of(&checkup, "sim_swap")["ways"].as_array().unwrap().contains(&way), "{way} {checkup}");
    }
    world.protect(&ANA, "never_sim_swap", "block", Some(ANA.line)).await;
    let checkup = world.check_up(&ANA).await.body;
    assert_eq!((&of(&checkup, "sim_swap")["locked"], &of(&checkup, "port_out")["locked"]), (&json!(true), &json!(false)));
    assert_eq!(world.ask(&ANA, "k2", &ANA.sim_swap(&iccid(2))).await.problem(), "refused");
}

#[tokio::test]
async fn a_mailbox_that_answered_is_verified_and_the_check_up_knows() {
    let world = customer().await;
    let found = |checkup: &Value| checkup["next"].to_string().contains("email_unverified");
    assert!(found(&world.check_up(&ANA).await.body));
    let record =
        json!({"id": "v", "at": world.now(), "type": "contact_verified", "account_id": ANA.account, "contact_id": "email"});
    for _ in 0..3 {
        assert!(!world.feed(record.clone()).await);
    }
    assert!(!found(&world.check_up(&ANA).await.body));
    assert_eq!(count(&events(&world, &Subject::Account).await, EventName::ContactVerified), 1);
    let other =
        json!({"id": "v", "at": world.now(), "type": "contact_verified", "account_id": ANA.account, "contact_id": "none"});
    assert!(world.feed(other).await, "it may be on its way");
}
