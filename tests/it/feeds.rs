//! What other systems send and ask: imports, scores, sign-ins.

use linekeeper_domain::ids::Subject;
use linekeeper_domain::time::Span;
use linekeeper_tests::people::{ANA, BEA, Person};
use linekeeper_tests::{World, iccid};
use serde_json::{Value, json};

async fn import(world: &World, records: Vec<Value>) -> Value {
    let incoming = serde_json::from_value(json!({"import": records})).unwrap();
    serde_json::to_value(world.feed.handle(incoming).await.unwrap()).unwrap()
}

async fn ask_risk(world: &World, question: Value) -> Value {
    serde_json::to_value(world.risk.handle(serde_json::from_value(question).unwrap()).await.unwrap()).unwrap()
}

#[tokio::test]
async fn an_import_can_be_repeated_and_says_which_records_it_did_not_take() {
    let world = World::new().await;
    let mut records = [ANA.opening(&world.now()), BEA.opening(&world.now())].concat();
    records.insert(1, json!({"id": "x", "at": world.now(), "type": "account_opened", "account_id": "not an id"}));
    records.push(json!({"id": "y", "at": world.now(), "type": "line_opened", "account_id": "nobody", "line_id": "l", "msisdn": ANA.msisdn, "iccid": ANA.iccid}));
    let first = import(&world, records.clone()).await;
    assert_eq!(first["done"], 4, "{first}");
    assert_eq!(first["failed"][0][0], 1);
    assert_eq!(first["failed"][1], json!([5, "try again: there is no such account, line or change"]));
    let entries = world.items(linekeeper_tests::world::LEDGER).await.len();
    assert_eq!(import(&world, records).await, first);
    assert_eq!(world.items(linekeeper_tests::world::LEDGER).await.len(), entries, "a repeat writes nothing");
}

#[tokio::test]
async fn a_contact_with_two_addresses_or_none_is_not_taken_for_one() {
    let world = World::new().await;
    for addresses in [json!({"id": "c", "email": ANA.email, "sms": BEA.msisdn}), json!({"id": "c"})] {
        let record = json!({"id": "1", "at": world.now(), "type": "account_opened", "account_id": ANA.account,
            "jurisdiction": "us", "contacts": [addresses]});
        let imported = import(&world, vec![record]).await;
        assert_eq!((&imported["done"], &imported["failed"][0][0]), (&json!(0), &json!(0)), "{imported}");
    }
    assert!(world.items(linekeeper_tests::world::LEDGER).await.is_empty());
}

#[tokio::test]
async fn a_number_in_an_import_is_in_no_message_about_it() {
    let world = World::new().await;
    let bad = json!({"id": "1", "at": world.now(), "type": "line_opened", "account_id": "a", "line_id": "l", "msisdn": "+13055550123x", "iccid": ANA.iccid});
    let imported = import(&world, vec![bad]).await;
    assert!(!imported.to_string().contains("305555"), "{imported}");
}

#[tokio::test]
async fn a_line_is_opened_only_for_a_number_that_exists() {
    let world = World::new().await;
    let mut records = ANA.opening(&world.now());
    records[1]["msisdn"] = json!("+10000000000");
    let imported = import(&world, records).await;
    assert_eq!(imported["failed"][0][1], "no-such-number: the phone number does not exist in its numbering plan", "{imported}");
}

#[tokio::test]
async fn another_system_gets_the_score_that_a_change_would_get() {
    let world = World::new().await;
    world.customer(&ANA).await;
    let sign_in = ANA.sign_in_at_home(&world.now());
    let told = ["device", "system", "browser", "language", "utc_offset", "network"];
    let home: Value =
        told.into_iter().map(|name| (name.to_owned(), sign_in[name].clone())).collect::<serde_json::Map<_, _>>().into();
    let score = ask_risk(&world, json!({"score": {"account_id": ANA.account, "line_id": ANA.line, "from": home.clone()}})).await;
    assert_eq!((score["band"].as_str(), score["model"].as_str()), (Some("low"), Some("ga2m-1")), "{score}");
    let nothing = ask_risk(&world, json!({"score": {"account_id": ANA.account}})).await;
    assert_eq!(nothing["band"], "high", "{nothing}");
}

#[tokio::test]
async fn sign_ins_slow_down_after_failures_and_recover() {
    let world = World::new().await;
    world.customer(&ANA).await;
    let question = json!({"sign_in": {"account_id": ANA.account}});
    assert_eq!(ask_risk(&world, question.clone()).await["wait_seconds"], 0);
    for n in 0..4 {
        world
            .behaviour(json!({"id": n.to_string(), "at": world.now(), "type": "sign_in", "account_id": ANA.account, "ok": false}))
            .await;
    }
    assert_eq!(ask_risk(&world, question.clone()).await["wait_seconds"], 60);
    world.clock.advance(Span::hours(1));
    assert_eq!(ask_risk(&world, question).await["wait_seconds"], 0);
}

/// The records that open an account whose holder reads in a language.
fn opening_in(world: &World, person: &Person, locale: &str) -> Vec<Value> {
    let mut records = person.opening(&world.now());
    records[0]["locale"] = json!(locale);
    records
}

#[tokio::test]
async fn a_customer_is_told_and_gets_codes_in_the_language_of_the_account() {
    let world = World::new().await;
    let opened = import(&world, opening_in(&world, &ANA, "es")).await;
    assert_eq!(opened["done"], 2, "{opened}");
    world.pump().await;
    world.inbox.clear();

    // Nobody can be told at first: what is told again is told in the same language.
    world.inbox.down(&["email", "push", "sms"]);
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.inbox.down(&[]);
    world.clock.advance(Span::minutes(2));
    world.tick().await;
    let told = world.inbox.all();
    assert_eq!(told.len(), 3, "{told:?}");
    for mail in &told {
        assert_eq!(mail.text.subject, "Alguien pidió un cambio");
        assert!(mail.text.short.contains("mover su numero a otra SIM"), "{}", mail.text.short);
        assert!(mail.text.long.contains("mover su número a otra SIM"), "{}", mail.text.long);
    }

    world.inbox.clear();
    let challenge = world.challenge(&ANA, &change, "push_otp").await;
    let sent = world.inbox.all();
    assert!(sent[0].text.short.starts_with("Su codigo ") && sent[0].text.subject == "Su código", "{sent:?}");
    let answered = world.answer(&ANA, &change, &challenge.text("challenge_id"), &world.inbox.code()).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
}

#[tokio::test]
async fn an_account_is_english_unless_it_says_otherwise_and_its_ledger_is_as_before_there_were_locales() {
    let world = World::new().await;
    import(&world, ANA.opening(&world.now())).await;
    let again = import(&world, opening_in(&world, &ANA, "en")).await;
    assert_eq!(again["done"], 2, "the same again: {again}");
    let other = import(&world, opening_in(&world, &ANA, "es")).await;
    assert_eq!(other["failed"], json!([[0, "does-not-fit: the report does not fit: the account exists, and differs"]]));
    world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    for subject in [Subject::Account, World::subject(&ANA)] {
        let entries = world.ledger(&ANA, &subject).await;
        assert!(!entries.is_empty() && !entries.concat().contains("locale"), "{entries:?}");
    }
}

#[tokio::test]
async fn a_language_that_nobody_wrote_is_a_malformed_record() {
    let world = World::new().await;
    let record = opening_in(&world, &ANA, "fr").remove(0);
    assert!(!world.feed(record.clone()).await);
    assert_eq!(world.dead.all()[0].1, "malformed");
    assert_eq!(import(&world, vec![record]).await["failed"][0][0], 0);
}
