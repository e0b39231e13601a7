//! A customer enrols: passkeys, an authenticator app, recovery codes, the key of her device, by the real doors.

use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use serde_json::{Value, json};

use crate::people::Person;
use crate::world::ORIGIN;
use crate::{Answer, App, DeviceKey, Phone, Session, World};

/// Asks for a change that must be taken, and has it told. Its id.
pub async fn opened(world: &World, session: &Session, key: &str, body: &Value) -> String {
    let asked = world.ask_as(session, key, body).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    assert!(world.pump().await);
    asked.text("change_id")
}

/// Asks for a code that must be sent: challenge and code.
pub async fn sent(world: &World, session: &Session, change: &str, factor: &str) -> (String, String) {
    let challenge = world.challenge_as(session, change, factor).await;
    assert_eq!(challenge.status, 201, "{}", challenge.body);
    (challenge.text("challenge_id"), world.inbox.code())
}

/// Proves a change by a code that is sent.
pub async fn proven(world: &World, session: &Session, change: &str, factor: &str) -> Answer {
    let (challenge, code) = sent(world, session, change, factor).await;
    world.answer_as(session, change, &challenge, &json!({"code": code})).await
}

/// A change that adds a factor, told and proven by a code in the app; only the set-up is left.
pub async fn adding(world: &World, session: &Session, factor: &str) -> String {
    let body = json!({"kind": "factor_add", "factor": factor});
    let change = opened(world, session, &format!("add-{factor}-{}", world.now()), &body).await;
    let answer = proven(world, session, &change, "push_otp").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    change
}

/// Asks for what sets the factor up.
pub async fn set_up(world: &World, session: &Session, change: &str, factor: &str) -> Answer {
    let challenge = world.set_up_as(session, change, factor).await;
    assert_eq!(challenge.status, 201, "{}", challenge.body);
    challenge
}

async fn finished(world: &World, session: &Session, change: &str, challenge: &Answer, body: &Value) {
    let answer = world.answer_as(session, change, &challenge.text("challenge_id"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.text("status"), "completed", "{}", answer.body);
    world.pump().await;
}

/// Adds a passkey.
pub async fn add_passkey(world: &World, session: &Session, phone: &mut Phone) {
    let change = adding(world, session, "passkey").await;
    let challenge = set_up(world, session, &change, "passkey").await;
    let made = phone.create(&challenge.body["passkey"], ORIGIN);
    finished(world, session, &change, &challenge, &json!({"passkey": made})).await;
}

/// Adds an authenticator app.
pub async fn add_totp(world: &World, session: &Session) -> App {
    let change = adding(world, session, "totp").await;
    let challenge = set_up(world, session, &change, "totp").await;
    let app = App::new(challenge.body["totp"]["secret"].as_str().unwrap());
    finished(world, session, &change, &challenge, &json!({"code": app.code(world.clock.now())})).await;
    app
}

/// Adds a set of recovery codes.
pub async fn add_paper(world: &World, session: &Session) -> Vec<String> {
    let change = adding(world, session, "recovery_code").await;
    let challenge = set_up(world, session, &change, "recovery_code").await;
    let codes: Vec<String> = serde_json::from_value(challenge.body["recovery_codes"].clone()).unwrap();
    finished(world, session, &change, &challenge, &json!({"code": codes[9]})).await;
    codes
}

/// Adds the key of a device.
pub async fn add_key(world: &World, session: &Session, key: &DeviceKey) {
    let session = session.clone().signed_by(key);
    let change = adding(world, &session, "device_key").await;
    let challenge = set_up(world, &session, &change, "device_key").await;
    finished(world, &session, &change, &challenge, &json!({})).await;
}

/// Days pass; the customer keeps signing in at home.
pub async fn days_pass(world: &World, person: &Person, days: u32) {
    world.clock.advance(Span::days(days));
    for day in 1..=3 {
        world.behaviour(person.sign_in_at_home(&world.ago(Span::days(day)))).await;
    }
    world.tick().await;
    world.inbox.clear();
}

/// The id of an enrolled factor.
pub async fn factor_id(world: &World, person: &Person, factor: &str) -> String {
    let overview = world.overview(person).await;
    let factors = overview["factors"].as_array().unwrap();
    factors.iter().rev().find(|known| known["factor"] == factor).unwrap()["id"].as_str().unwrap().to_owned()
}
