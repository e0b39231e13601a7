//! The whole path: from a wish to a signed authorization to a SIM that moved.

use linekeeper_tests::people::{ANA, IN_CALIFORNIA};
use linekeeper_tests::{World, iccid};
use serde_json::json;

#[tokio::test]
async fn a_customer_at_home_moves_to_a_new_sim_with_one_code() {
    let world = World::new().await;
    world.customer(&ANA).await;
    let asked = world.ask(&ANA, "k1", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    assert_eq!(asked.body["status"], "step_up_required");
    assert_eq!(asked.body["factors"], json!([{"factor": "push_otp"}]));
    let change = asked.text("change_id");

    world.pump().await;
    assert_eq!(world.inbox.all().len(), 3, "told on e-mail, app and SMS: {:#?}", world.inbox.all());

    let proven = world.prove(&ANA, &change, "push_otp").await;
    assert_eq!(proven.status, 200, "{}", proven.body);
    assert_eq!(proven.body["status"], "authorized");

    world.pump().await;
    let signed = world.topic.authorizations();
    assert_eq!(signed.len(), 1);

    let authorization =
        world.line(&ANA).await.state.book.changes.values().next().unwrap().authorization().unwrap().id.to_string();
    let again = world
        .feed(json!({"id": "9", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line,
                     "iccid": iccid(1), "authorization_id": authorization}))
        .await;
    assert!(!again, "{:?}", world.dead.all());
    world.pump().await;
    assert_eq!(world.change(&ANA, &change).await["status"], "completed");
    assert_eq!(world.line(&ANA).await.state.sim.iccid.as_str(), iccid(1));
}

#[tokio::test]
async fn a_thief_with_her_password_waits_and_one_tap_stops_it() {
    let world = World::new().await;
    world.customer(&ANA).await;
    let asked = world.ask_from(&ANA, IN_CALIFORNIA, "k1", &ANA.sim_swap(&iccid(2))).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    assert!(asked.body["hold_until"].is_string());
    world.pump().await;
    let tapped = world.not_me(&world.inbox.link_token()).await;
    assert_eq!(tapped.status, 200, "{}", tapped.body);
    assert_eq!(world.change(&ANA, &asked.text("change_id")).await["status"], "cancelled");
    let again = world.ask(&ANA, "k2", &ANA.sim_swap(&iccid(2))).await;
    assert_eq!((again.status, again.problem()), (403, "refused"), "{}", again.body);
}
