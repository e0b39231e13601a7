//! What other systems send and ask: imports, scores, sign-ins.

use linekeeper_domain::time::Span;
use linekeeper_tests::World;
use linekeeper_tests::people::{ANA, BEA};
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
    let home = json!({"device": linekeeper_tests::people::LAPTOP,
        "network": {"asn": 7922, "country": "US", "city": "Miami", "latitude": 25.77, "longitude": -80.19, "time_zone": "America/New_York"}});
    let score = ask_risk(&world, json!({"score": {"account_id": ANA.account, "line_id": ANA.line, "from": home}})).await;
    assert_eq!((score["band"].as_str(), score["points"].as_u64()), (Some("low"), Some(0)), "{score}");
    let nothing = ask_risk(&world, json!({"score": {"account_id": ANA.account}})).await;
    assert_eq!(nothing["band"], "elevated", "{nothing}");
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
