//! Every lock-out there is: she can still stop a change.

use linekeeper_domain::config::Settings;
use linekeeper_domain::time::Span;
use linekeeper_tests::people::ANA;
use linekeeper_tests::{DeviceKey, Session, World, iccid};
use serde_json::json;

use crate::stage::{add_key, ana, ana_with, codes, days_pass, opened, wrong};

/// Both ways to stop: in the app without any proof, and by the link, after what `lock_out` did.
async fn both_ways(world: &World, thief: &Session, change: &str) {
    let token = world.inbox.link_token();
    let path = format!("/v1/changes/{change}/cancel");
    let plain = Session { key: None, ..thief.clone() };
    let cancelled = world.send_plain(&plain, "POST", &path, &[("dpop", "rubbish")], None).await;
    assert_eq!((cancelled.status, cancelled.text("status").as_str()), (200, "cancelled"), "{}", cancelled.body);
    let link = world.not_me(&token).await;
    assert_eq!(link.status, 200, "{}", link.body);
    assert!(!world.account(&ANA).await.state.protections.0.is_empty(), "lockdown is on");
}

#[tokio::test]
async fn with_the_days_guesses_and_codes_and_the_accounts_failures_gone() {
    let settings = Settings {
        guesses_per_day: 3,
        failures_per_account: 3,
        codes_per_day: 1,
        codes_per_account: 1,
        codes_per_device: 1,
        codes_per_address: 1,
        codes_per_destination: 1,
        ..Settings::default()
    };
    let world = ana_with(settings).await;
    let home = Session::at_home(&ANA).with("cloudfront-viewer-address", "198.51.100.7:1");
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    let asked = world.challenge_as(&home, &change, "push_otp").await.text("challenge_id");
    let code = world.inbox.code();
    for _ in 0..5 {
        world.answer_as(&home, &change, &asked, &json!({"code": wrong(&code)})).await;
    }
    world.clock.advance(Span::minutes(1));
    let locked_out = world.challenge_as(&home, &change, "push_otp").await;
    assert_eq!((locked_out.status, codes(&world)), (429, 1), "{}", locked_out.body);
    assert_eq!(world.line(&ANA).await.tally.guesses, 3);
    both_ways(&world, &home, &change).await;
}

#[tokio::test]
async fn with_a_bound_token_and_no_proof() {
    let world = ana().await;
    let key = DeviceKey::new(1);
    let home = Session::at_home(&ANA).signed_by(&key).bearing(&key.bound_token());
    add_key(&world, &home, &key).await;
    days_pass(&world, &ANA, 8).await;
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    both_ways(&world, &home, &change).await;
    let on = json!({"protection": "no_port_out"});
    let unproven = Session { key: None, ..home };
    let answer = world.send_plain(&unproven, "PUT", "/v1/protections", &[], Some(&on)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn with_the_account_locked_down_and_no_more_changes_to_ask_for() {
    let world = ana_with(Settings { changes_per_day: 1, ..Settings::default() }).await;
    let home = Session::at_home(&ANA);
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    let more = world.ask_as(&home, "more", &json!({"kind": "number_change", "line_id": ANA.line})).await;
    assert_eq!(more.problem(), "too-many-requests");
    world.protect(&ANA, "account_lockdown", "block", None).await;
    let token = world.inbox.link_token();
    assert_eq!(world.cancel(&ANA, &change).await.status, 200);
    assert_eq!(world.not_me(&token).await.status, 200);
}
