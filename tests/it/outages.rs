//! What an outage of each dependency does to customers: the table in `infra/README.md`, row by row. Nothing is lost,
//! nothing is allowed that would not have been, and what waited goes on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::people::{ANA, AT_HOME};
use linekeeper_tests::ports::{customer, order};
use linekeeper_tests::{Call, World, iccid};
use serde_json::{Value, json};

async fn ana() -> World {
    let world = World::new().await;
    world.customer(&ANA).await;
    world.known_at_home(&ANA).await;
    world
}

#[tokio::test]
async fn while_dynamodb_throttles_every_caller_is_told_to_come_again_and_then_goes_on() {
    let world = World::new().await;
    customer(&world, &ANA).await;
    let open = world.ask(&ANA, "open", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    let entries = world.items(linekeeper_tests::world::LEDGER).await.len();

    world.tap.outage(&[Call::Dynamo]);
    for answer in [
        world.ask(&ANA, "k", &ANA.sim_swap(&iccid(2))).await,
        world.challenge(&ANA, &open, "push_otp").await,
        world.cancel(&ANA, &open).await,
        world.protect(&ANA, "never_sim_swap", "block", None).await,
    ] {
        assert_eq!((answer.status, answer.problem()), (503, "try-again"), "{}", answer.body);
        assert!(answer.headers.contains_key("retry-after"));
    }
    let port = order(&world, &ANA, "LK-1", 0);
    assert!(world.from_gateway(&port).await, "the order comes again");
    assert!(world.behaviour(ANA.sign_in_at_home(&world.now())).await, "so does what was seen");
    assert_eq!(world.items(linekeeper_tests::world::LEDGER).await.len(), entries, "nothing was decided");
    assert!(world.dead.all().is_empty(), "and nothing put aside");

    world.tap.outage(&[]);
    assert_eq!(world.cancel(&ANA, &open).await.status, 200);
    assert_eq!(world.ask(&ANA, "k", &ANA.sim_swap(&iccid(2))).await.status, 201);
    assert!(!world.from_gateway(&port).await);
    world.pump().await;
    assert_eq!(world.gateway.all().len(), 1, "the order is answered once");
}

#[tokio::test]
async fn while_kms_is_away_no_code_is_made_none_is_taken_and_nothing_is_signed() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let challenge = world.challenge(&ANA, &change, "push_otp").await.text("challenge_id");
    let code = world.inbox.code();
    world.inbox.clear();
    world.clock.advance(Span::minutes(2));

    world.tap.outage(&[Call::Kms]);
    assert_eq!(world.challenge(&ANA, &change, "push_otp").await.status, 503);
    assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 503, "a right code is not taken unread");
    world.pump().await;
    assert!(world.topic.authorizations().is_empty());
    let asked = world.ask(&ANA, "more", &json!({"kind": "port_pin", "line_id": ANA.line})).await;
    assert_eq!(asked.status, 201, "asking goes on: {}", asked.body);
    assert_eq!(world.cancel(&ANA, &asked.text("change_id")).await.status, 200, "and so does stopping");

    world.tap.outage(&[]);
    assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 200, "the same code, a guess later");
    world.pump().await;
    assert_eq!(world.topic.authorizations().len(), 1);
    assert!(!world.inbox.all().is_empty(), "she was told");
}

#[tokio::test]
async fn where_one_provider_refuses_the_others_tell_her_and_where_all_do_nothing_leaves() {
    for (down, leaves) in [(&["email"][..], 1), (&["push", "sms", "email"][..], 0)] {
        let world = ana().await;
        let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        let challenge = world.challenge(&ANA, &change, "push_otp").await.text("challenge_id");
        let code = world.inbox.code();
        world.inbox.down(down);
        assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 200);
        world.pump().await;
        assert_eq!(world.topic.authorizations().len(), leaves, "{down:?}");
    }
}

#[tokio::test]
async fn what_the_topic_does_not_take_is_published_when_it_does() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let before = world.topic.all().len();
    world.tap.outage(&[Call::Publish]);
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.status, 200);
    world.pump().await;
    assert_eq!(world.topic.all().len(), before);
    world.tap.outage(&[]);
    world.pump().await;
    assert_eq!(world.topic.authorizations().len(), 1);
    let mut ids: Vec<String> = world.topic.all().into_iter().map(|event| event.id).collect();
    let told = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), told, "each once");
}

#[tokio::test]
async fn a_stream_that_is_an_hour_late_lets_nothing_leave_that_has_run_out_or_was_not_told() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.status, 200);
    world.inbox.clear();
    world.clock.advance(Span::minutes(60));
    assert!(world.topic.authorizations().is_empty(), "nothing leaves that was not told");
    world.tick().await;
    world.pump().await;
    assert!(!world.inbox.all().is_empty(), "she is told, late");
    let [signed] = &world.topic.authorizations()[..] else { panic!("one authorization") };
    let payload = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    let now = world.clock.now().as_second();
    let left = claims["exp"].as_i64().unwrap() - now;
    assert!((1..=15 * 60).contains(&left), "what leaves is good from then on: {left} s");
}

#[tokio::test]
async fn without_the_edges_headers_a_change_that_moves_the_line_waits() {
    let world = ana().await;
    let without: Vec<(&str, &str)> = AT_HOME
        .iter()
        .copied()
        .filter(|(name, _)| !name.starts_with("cloudfront-") && !name.starts_with("x-linekeeper-"))
        .collect();
    let asked = world.ask_from(&ANA, &without, "k", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.status, 201);
    assert!(asked.body["hold_until"].is_string(), "{}", asked.body);
    assert_eq!(world.cancel(&ANA, &asked.text("change_id")).await.status, 200);
}

#[tokio::test]
async fn an_entry_that_was_given_up_is_told_again_and_nobody_hears_of_it_twice() {
    let world = ana().await;
    world.pump().await;
    world.inbox.clear();
    world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.tap.outage(&[Call::Publish]);
    assert!(!world.pump().await, "the topic takes nothing");
    let (pk, seq, given_up) = world.undelivered().await.remove(0);
    world.mark(&pk, seq).await;
    world.tap.outage(&[]);
    assert!(world.inbox.all().is_empty(), "the stream is past it, and nobody was told");

    let again = change_notify::Incoming { again: true, ..given_up.into() };
    Box::pin(world.notify.handle(again.clone())).await.unwrap();
    let told = world.inbox.all().len();
    assert!(told > 0, "told after all");
    let events = world.topic.all();
    let published = events.last().unwrap().id.clone();

    Box::pin(world.notify.handle(again.clone())).await.unwrap();
    assert_eq!(world.inbox.all().len(), told, "a repeat tells nobody");
    assert_eq!(world.topic.all().last().unwrap().id, published, "and publishes under the same id");
    assert_eq!(world.topic.authorizations().len(), 0);

    let another = world.ask(&ANA, "k2", &json!({"kind": "number_change", "line_id": ANA.line})).await;
    assert_eq!(another.status, 201, "{}", another.body);
    let (pk, seq, given_up) = world.undelivered().await.into_iter().find(|(_, _, event)| relays(event)).unwrap();
    world.mark(&pk, seq).await;
    world.clock.advance(Span::minutes(3));
    world.tick().await;
    world.pump().await;
    let told = world.inbox.all().len();
    let again = change_notify::Incoming { again: true, ..given_up.into() };
    Box::pin(world.notify.handle(again)).await.unwrap();
    assert_eq!(world.inbox.all().len(), told, "the sweep had it told in the meantime");
}

/// Whether a record is for change-notify.
fn relays(event: &aws_lambda_events::event::dynamodb::Event) -> bool {
    serde_json::to_string(event).unwrap().contains(r#""relay""#)
}
