//! A stolen session: the customer's token, her device's name, her network; everything but the key.

use linekeeper_domain::kinds::{Band, Factor, Reason};
use linekeeper_tests::people::ANA;
use linekeeper_tests::{DeviceKey, Session, World};
use serde_json::json;

use crate::stage::{add_key, ana, days_pass, opened};

async fn decided(world: &World, change: &str) -> linekeeper_domain::change::Change {
    world.line(&ANA).await.state.book.changes.into_values().find(|known| known.id.as_str() == change).unwrap()
}

#[tokio::test]
async fn where_she_has_a_device_key_a_session_without_it_is_a_new_device_whatever_it_calls_itself() {
    let world = ana().await;
    let key = DeviceKey::new(1);
    let copied = Session::at_home(&ANA);
    add_key(&world, &copied, &key).await;
    days_pass(&world, &ANA, 8).await;
    let body = json!({"kind": "number_change", "line_id": ANA.line});
    let own = opened(&world, &copied.clone().signed_by(&key), "own", &body).await;
    let own = decided(&world, &own).await;
    assert_eq!(own.decision.band, Band::Low, "{:?}", own.decision);
    assert!(own.proven().has(Factor::DeviceKey));
    for (n, thief) in [copied.clone(), copied.signed_by(&DeviceKey::new(2))].into_iter().enumerate() {
        world.cancel(&ANA, own.id.as_str()).await;
        let before: Vec<_> = world
            .line(&ANA)
            .await
            .state
            .book
            .open(linekeeper_platform::clock::Clock::now(&world.clock))
            .map(|c| c.id.clone())
            .collect();
        for id in before {
            world.cancel(&ANA, id.as_str()).await;
        }
        let change = opened(&world, &thief, &format!("thief{n}"), &body).await;
        let change = decided(&world, &change).await;
        assert!(
            change.decision.band > Band::Low && change.decision.reasons.contains(&Reason::NewDevice),
            "{:?}",
            change.decision
        );
        assert!(!change.proven().has(Factor::DeviceKey), "another key proves nothing");
    }
}

#[tokio::test]
async fn beside_a_small_doubt_the_missing_key_asks_for_more_than_a_message() {
    let world = ana().await;
    let key = DeviceKey::new(1);
    let hotel = Session::at_home(&ANA).with("cloudfront-viewer-asn", "64500");
    add_key(&world, &Session::at_home(&ANA), &key).await;
    days_pass(&world, &ANA, 8).await;
    let body = json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "356938035643809"});
    let own = opened(&world, &hotel.clone().signed_by(&key), "own", &body).await;
    assert_ne!(world.change(&ANA, &own).await["status"], "step_up_required");
    world.cancel(&ANA, &own).await;
    let thief = opened(&world, &hotel, "thief", &body).await;
    assert_eq!(world.change(&ANA, &thief).await["status"], "step_up_required");
    // A message that he can read does not do.
    assert_eq!(world.challenge_as(&hotel, &thief, "sms_otp").await.problem(), "factor-not-offered");
}

/// The thief sits in her network and sends her device's name.
#[tokio::test]
async fn at_home_too_the_missing_key_asks_for_more() {
    let world = ana().await;
    let key = DeviceKey::new(1);
    let copied = Session::at_home(&ANA);
    add_key(&world, &copied, &key).await;
    days_pass(&world, &ANA, 8).await;
    let body = json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "356938035643809"});
    let thief = opened(&world, &copied, "thief", &body).await;
    assert_eq!(world.change(&ANA, &thief).await["status"], "step_up_required");
}
