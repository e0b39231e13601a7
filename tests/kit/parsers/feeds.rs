//! The two feeds: records of the queues, and what is asked by direct invocation.

use std::collections::BTreeSet;
use std::sync::Mutex;

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use linekeeper_platform::batch::BODY_LIMIT;
use linekeeper_platform::clock::Clock as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Stage, at_layer, layer, stage, with};
use crate::iccid;
use crate::log::{leak, mark, since};
use crate::people::{ANA, LAPTOP};

/// A message of the queue `provisioning` (layer 0), or what the function is invoked with (1).
#[must_use]
pub fn provisioning(data: &[u8]) -> bool {
    let stage = stage();
    let handle = |incoming| {
        let answer = stage.runtime.block_on(Box::pin(stage.frozen.world.feed.handle(incoming))).unwrap();
        serde_json::to_value(answer).unwrap()
    };
    match layer(data, 2) {
        Some((0, rest)) => {
            // Repeated, it has nothing to do.
            let neighbour = ANA.opening(&stage.frozen.world.now())[0].to_string();
            message::<provisioning_feed::Record>(&stage, &String::from_utf8_lossy(rest), (&neighbour, 0), |event| {
                handle(provisioning_feed::Incoming::Queue(event))
            })
        }
        Some((_, rest)) => {
            invoked(&stage, rest, handle).is_some_and(|answer| answer["done"].as_u64().is_some_and(|done| done > 0))
        }
        None => false,
    }
}

/// A message of the queue `behaviour` (layer 0), or what the function is invoked with (1).
#[must_use]
pub fn behaviour(data: &[u8]) -> bool {
    let stage = stage();
    let handle = |incoming| {
        let answer = stage.runtime.block_on(Box::pin(stage.frozen.world.risk.handle(incoming))).unwrap();
        serde_json::to_value(answer).unwrap()
    };
    match layer(data, 2) {
        Some((0, rest)) => {
            let neighbour = ANA.sign_in_at_home(&stage.frozen.world.now()).to_string();
            message::<risk_scoring::Record>(&stage, &String::from_utf8_lossy(rest), (&neighbour, 1), |event| {
                handle(risk_scoring::Incoming::Queue(event))
            })
        }
        Some((_, rest)) => invoked(&stage, rest, handle).is_some_and(|answer| {
            assert!(answer["wait_seconds"].as_u64().unwrap_or_default() <= 3_600);
            answer.get("batchItemFailures").is_none()
        }),
        None => false,
    }
}

/// One message and its neighbour, which writes so often: each is done, or dead with a reason, or comes again (I10).
fn message<T: DeserializeOwned>(
    stage: &Stage,
    body: &str,
    (neighbour, beside): (&str, usize),
    handle: impl Fn(SqsEvent) -> Value,
) -> bool {
    stage.frozen.taken();
    let begun = mark();
    let answer = handle(queue(&[body, neighbour]));
    let dead = stage.frozen.world.dead.all();
    let writes = stage.frozen.taken();
    let again: Vec<&str> =
        answer["batchItemFailures"].as_array().unwrap().iter().map(|it| it["itemIdentifier"].as_str().unwrap()).collect();
    let (again, dead) = match (again.as_slice(), dead.as_slice()) {
        ([], []) => (false, None),
        (["m0"], []) => (true, None),
        ([], [(letter, reason)]) => {
            assert_eq!(letter, body);
            (false, Some(reason.as_str()))
        }
        other => panic!("{other:?}"),
    };
    well_behaved(&writes, &since(begun));
    let done = !again && dead.is_none();
    assert!(done || writes.len() == beside, "what is not done has changed something");
    // What cannot be read is dead at once, and what can be is not dead for its form.
    let readable = body.len() <= BODY_LIMIT && serde_json::from_str::<T>(body).is_ok();
    assert!(readable || matches!(dead, Some("malformed" | "too-large")), "{dead:?}");
    assert!(!readable || dead != Some("too-large"));
    done
}

/// What the function is invoked with, if it can be that. Reasons are few: they tell nothing of the records.
fn invoked<T: DeserializeOwned>(stage: &Stage, payload: &[u8], handle: impl Fn(T) -> Value) -> Option<Value> {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let incoming = serde_json::from_slice(payload).ok()?;
    stage.frozen.taken();
    let begun = mark();
    let answer = handle(incoming);
    well_behaved(&stage.frozen.taken(), &since(begun));
    let mut said = SAID.lock().unwrap();
    for failed in answer["failed"].as_array().into_iter().flatten() {
        let reason = failed[1].as_str().unwrap();
        said.insert(reason.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>().replace("00", "0"));
        assert!(reason.len() <= 200 && said.len() <= 64, "{said:?}");
    }
    Some(answer)
}

/// What is written is small and of accounts, and nobody's data is logged.
fn well_behaved(writes: &[Value], log: &str) {
    for write in writes {
        assert!(write.to_string().len() <= 64 * 1024, "{} bytes are written", write.to_string().len());
        if let Some(profile) = write["ExpressionAttributeValues"].get(":body") {
            assert!(profile.to_string().len() <= 8 * 1024, "a profile of {} bytes", profile.to_string().len());
        }
    }
    let personal = [ANA.msisdn, ANA.email, ANA.iccid, ANA.push].map(str::to_owned);
    assert_eq!(leak(log, &personal), None);
}

fn queue(bodies: &[&str]) -> SqsEvent {
    let mut event = SqsEvent::default();
    for (n, body) in bodies.iter().enumerate() {
        let mut message = SqsMessage::default();
        message.message_id = Some(format!("m{n}"));
        message.body = Some((*body).to_owned());
        event.records.push(message);
    }
    event
}

fn now() -> String {
    stage().frozen.world.clock.now().to_string()
}

pub(super) fn provisioning_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let at = now();
    let account = json!({"id": "1", "at": at, "type": "account_opened", "account_id": "acct-new", "jurisdiction": "us", "locale": "es",
        "contacts": [{"id": "email", "email": "n@example.com"}, {"id": "sms", "sms": "+13055550188"}, {"id": "app", "push": ANA.push}]});
    let line = json!({"id": "2", "at": at, "type": "line_opened", "account_id": ANA.account, "line_id": "line-new",
        "msisdn": "+13055550188", "iccid": iccid(5), "eid": "89049032123451234512345678901235", "imei": "490154203237518"});
    let sim = json!({"id": "3", "at": at, "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(6), "authorization_id": "au_1"});
    let done = json!({"id": "4", "at": at, "type": "change_done", "account_id": ANA.account, "change_id": "line.line-ana.x", "authorization_id": "au_1", "msisdn": "+13055550189"});
    let failed = json!({"id": "5", "at": at, "type": "change_failed", "account_id": ANA.account, "change_id": "account.x", "authorization_id": "au_1", "reason": "no"});
    let about = |kind: &str| json!({"id": "6", "at": at, "type": kind, "account_id": ANA.account, "line_id": ANA.line});
    let one = |record: &Value| at_layer(0, record.to_string());
    vec![
        ("good-account-opened", one(&account)),
        ("good-account-closed", one(&about("account_closed"))),
        ("good-line-opened", one(&line)),
        ("good-line-ended", one(&about("line_ended"))),
        ("good-sim-changed", one(&sim)),
        ("good-import", at_layer(1, json!({"import": [account, line, with(&line, "iccid", json!("x"))]}).to_string())),
        ("bad-change-done", one(&done)),
        ("bad-change-failed", one(&failed)),
        ("bad-queue", at_layer(1, json!({"Records": [{"messageId": "m", "body": sim.to_string()}]}).to_string())),
        ("bad-empty", at_layer(0, "")),
        ("bad-cut", at_layer(0, &sim.to_string()[..40])),
        ("bad-type", one(&about("account_stolen"))),
        ("bad-type-missing", one(&with(&sim, "type", Value::Null))),
        ("bad-future", one(&with(&sim, "at", json!("9999-12-31T23:59:59Z")))),
        ("bad-time", one(&with(&sim, "at", json!("yesterday")))),
        ("bad-iccid", one(&with(&sim, "iccid", json!("8901260222193581235")))),
        ("bad-number", one(&with(&line, "msisdn", json!("+10000000000")))),
        ("bad-line-elsewhere", one(&with(&sim, "line_id", json!("line-bea")))),
        ("bad-account-id", one(&with(&sim, "account_id", json!("a b")))),
        (
            "bad-address-twice",
            one(&with(&account, "contacts", json!([{"id": "e", "email": "n@example.com", "sms": "+13055550188"}]))),
        ),
        ("bad-member-twice", at_layer(0, sim.to_string().replacen('{', "{\"id\":\"9\",", 1))),
        ("bad-deep", at_layer(0, "[".repeat(2_000))),
    ]
}

pub(super) fn behaviour_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let at = now();
    let seen = ANA.sign_in_at_home(&at);
    let about = |kind: &str| json!({"id": "1", "at": at, "type": kind, "account_id": ANA.account});
    let one = |record: &Value| at_layer(0, record.to_string());
    let network = |member: &str, value: Value| one(&with(&seen, "network", with(&seen["network"], member, value)));
    vec![
        ("good-sign-in", one(&seen)),
        ("good-sign-in-failed", one(&with(&seen, "ok", json!(false)))),
        ("good-device-seen", one(&with(&seen, "type", json!("device_seen")))),
        ("good-password-reset", one(&about("password_reset"))),
        ("good-care-contact", one(&about("care_contact"))),
        ("good-off-the-map", network("latitude", json!(1e300))),
        ("good-address-unreadable", network("address", json!("../../etc/passwd"))),
        ("good-clock-far-off", one(&with(&seen, "utc_offset", json!(2_000_000_000)))),
        ("good-browser-of-3-kb", one(&with(&seen, "browser", json!("x".repeat(3_000))))),
        ("good-care-contact-failed", one(&with(&with(&about("care_contact"), "passed", json!(false)), "failed_questions", json!(3)))),
        ("bad-shown", one(&with(&seen, "shown", json!("charm")))),
        ("good-old", one(&with(&seen, "at", json!("2026-11-25T00:00:00Z")))),
        ("good-score", at_layer(1, json!({"score": {"account_id": ANA.account, "line_id": ANA.line, "from": {"device": LAPTOP, "network": seen["network"]}}}).to_string())),
        ("good-sign-in-asked", at_layer(1, json!({"sign_in": {"account_id": ANA.account}}).to_string())),
        ("bad-queue", at_layer(1, json!({"Records": [{"messageId": "m", "body": seen.to_string()}]}).to_string())),
        ("bad-empty", at_layer(0, "")),
        ("bad-cut", at_layer(0, &seen.to_string()[..60])),
        ("bad-type", one(&about("sign_out"))),
        ("bad-account", one(&with(&seen, "account_id", json!("acct-nobody")))),
        ("bad-future", one(&with(&seen, "at", json!("9999-12-31T23:59:59Z")))),
        ("bad-past", one(&with(&seen, "at", json!("-009999-01-02T01:59:59Z")))),
        ("bad-asn", network("asn", json!(-1))),
        ("bad-network-member", network("proxy", json!(true))),
        ("bad-ok", one(&with(&seen, "ok", json!("yes")))),
        ("bad-deep", at_layer(0, "[".repeat(2_000))),
    ]
}
