//! The last line of defence of the logs: it reads whatever is in a line.

use linekeeper_platform::telemetry::masked;
use serde_json::{Number, Value, json};

use crate::people::ANA;

/// What must not pass it, wherever it stands.
const SECRETS: [(&str, &str); 6] = [
    ("+13055550123", "3055550123"),
    ("ana.diaz@example.com", "na.diaz@"),
    ("@my.carrier.example #123456", "123456"),
    ("\"123456\"", "123456"),
    (ANA.iccid, ANA.iccid),
    ("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "eyJzdWIiOiJhIn0"),
];

/// A line. It is taken if there was nothing to hide in it.
#[must_use]
pub fn log(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let once = masked(&text);
    assert_eq!(masked(&once), once, "masking what is masked changes it");
    assert!(once.len() <= text.len() * 2 + 16);
    // As a log line has it: a member's text, a member's number, and JSON within JSON.
    let number = serde_json::from_str::<Number>(&text).ok();
    let line = json!({"text": text, "json": json!({"text": text, "n": number}).to_string(), "n": number}).to_string();
    assert!(serde_json::from_str::<Value>(&masked(&line)).is_ok(), "JSON does not stay JSON: {line}");
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap();
    let (before, after) = text.split_at(middle);
    for (secret, part) in SECRETS {
        let line = masked(&format!("{before} {secret} {after}"));
        let (before, after) = (masked(before), masked(after));
        assert!(before.contains(part) || after.contains(part) || !line.contains(part), "{part} passes in {line}");
    }
    once == text
}

pub(super) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let line = json!({"level": "INFO", "message": "a record", "n": 12, "at": "2026-11-22T15:00:00.123456Z", "ms": 1.234_567});
    let inner = json!({"body": json!({"code": "123456", "to": "+13055550123"}).to_string()});
    let all = [
        ("good-line", line.to_string()),
        ("good-empty", String::new()),
        ("bad-phone-number", "call +13055550123 now, or %2B13055550124".to_owned()),
        ("bad-address", "<ana.diaz@example.com>,bob%40b.org".to_owned()),
        ("bad-code", "@my.carrier.example #123456".to_owned()),
        ("bad-nested", inner.to_string()),
        ("bad-sim", format!("iccid {}F.", ANA.iccid)),
        ("bad-handset-bare", r#"{"imei":490154203237518,"eid":-89049032123451234512345678901235}"#.to_owned()),
        ("bad-handset-before-token", "490154203237518eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0".to_owned()),
        ("good-number", "-12.5e3".to_owned()),
        ("bad-token", "not-me#eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln".to_owned()),
        ("good-escapes", r#""a\\\\\n\u0040\"b\"""#.to_owned()),
    ];
    all.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}
