//! What may be shown of a message: which input it is and whom it concerns by opaque ids. Everything else that it says is
//! left out, because a message may hold numbers, addresses, PINs and tokens, in places where nobody expects them (I8).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

/// Stands for what is not shown.
pub(crate) const HIDDEN: &str = "•";

/// How many fields of one message are shown.
const FIELDS: usize = 32;
/// How long an id or a word may be to be shown.
const LONGEST: usize = 80;

/// Fields whose value is one of our own words.
const WORDS: [&str; 11] =
    ["type", "event", "events", "kind", "status", "jurisdiction", "pattern", "news", "severity", "condition", "source"];
/// Fields whose value is an opaque id.
const IDS: [&str; 12] = [
    "id",
    "account_id",
    "line_id",
    "change_id",
    "authorization_id",
    "incident_id",
    "purchase_order_number",
    "new_network_service_provider",
    "shardId",
    "batchSize",
    "version",
    "actor",
];

/// A message's body in one line.
pub(crate) fn message(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(fields)) => {
            let mut shown = Vec::new();
            object("", &fields, &mut shown);
            if shown.is_empty() { "an object without fields".to_owned() } else { shown.join(", ") }
        }
        Ok(_) => format!("JSON that is no object, {} bytes", body.len()),
        Err(_) => format!("no JSON, {} bytes", body.len()),
    }
}

/// What a function said in its own words: without any word that could be a value.
pub(crate) fn words(text: &str) -> String {
    let word = |word: &str| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        if word.contains('@') || digits > 3 || word.len() > LONGEST { HIDDEN.to_owned() } else { word.to_owned() }
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

fn object(within: &str, fields: &serde_json::Map<String, Value>, shown: &mut Vec<String>) {
    // By name: the order that they came in is the sender's, and is not kept by every build of the parser.
    for (name, value) in fields.iter().collect::<BTreeMap<_, _>>() {
        if shown.len() >= FIELDS {
            shown.push("…".to_owned());
            return;
        }
        // A name that is none of ours may be a value, too.
        let safe = name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
        let path = match (within, safe) {
            ("", true) => name.clone(),
            (_, true) => format!("{within}.{name}"),
            (_, false) => HIDDEN.to_owned(),
        };
        field(&path, if safe { name } else { "" }, value, shown);
    }
}

fn field(path: &str, name: &str, value: &Value, shown: &mut Vec<String>) {
    match value {
        Value::Object(fields) => object(path, fields, shown),
        Value::Array(values) if WORDS.contains(&name) => {
            let values: Vec<String> = values.iter().take(FIELDS).map(|value| scalar(name, value)).collect();
            shown.push(format!("{path} {}", values.join("+")));
        }
        Value::Array(values) => shown.push(format!("{path} {} of {HIDDEN}", values.len())),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            shown.push(format!("{path} {}", scalar(name, value)));
        }
    }
}

fn scalar(name: &str, value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) if name == "batchSize" => number.to_string(),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => HIDDEN.to_owned(),
        Value::String(text) => self::text(name, text),
    }
}

fn text(name: &str, text: &str) -> String {
    if text.parse::<Timestamp>().is_ok() {
        return text.to_owned();
    }
    if WORDS.contains(&name) && is_word(text) {
        return text.to_owned();
    }
    if IDS.contains(&name) && text.len() <= LONGEST {
        return id(text);
    }
    match text.strip_prefix('+') {
        Some(number) if number.len() >= 8 && number.chars().all(|c| c.is_ascii_digit()) => {
            format!("…{}", number.get(number.len() - 4..).unwrap_or_default())
        }
        _ => HIDDEN.to_owned(),
    }
}

/// Words of ours are small letters; types of the porting feed have dots, slashes and a version.
fn is_word(text: &str) -> bool {
    let small = |c: char| c.is_ascii_lowercase() || "_-./".contains(c);
    let text = text.strip_suffix(".v1").unwrap_or(text);
    text.len() <= LONGEST && text.chars().all(small)
}

/// An id as it is, but for what in it could be a number or a code: six digits or more in a row.
pub(crate) fn id(text: &str) -> String {
    let opaque = |c: char| c.is_ascii_alphanumeric() || "-_.:#".contains(c);
    // A token is made of such characters too.
    if !text.chars().all(opaque) || !text.chars().any(|c| c.is_ascii_alphabetic()) || text.contains("eyJ") {
        return HIDDEN.to_owned();
    }
    let mut shown = String::new();
    let mut run = String::new();
    for c in text.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_digit() => run.push(c),
            other => {
                shown.push_str(if run.len() >= 6 { HIDDEN } else { &run });
                run.clear();
                shown.extend(other);
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_shown_but_kinds_times_and_opaque_ids() {
        let body = json!({
            "id": "7f1a-9", "at": "2026-11-25T09:00:00Z", "type": "line_opened", "account_id": "acct-x1", "line_id": "line-y2",
            "msisdn": "+13055550123", "iccid": "8901410321111851072", "page": true,
            "contacts": [{ "id": "mail", "email": "ana@example.com" }],
        });
        assert_eq!(
            message(&body.to_string()),
            "account_id acct-x1, at 2026-11-25T09:00:00Z, contacts 1 of •, iccid •, id 7f1a-9, line_id line-y2, \
             msisdn …0123, page true, type line_opened"
        );
    }

    #[test]
    fn what_stands_where_it_should_not_is_hidden_too() {
        for secret in ["13055550123", "+13055550123", "ana@example.com", "482913", "eyJhbGciOiJFUzI1NiJ9.e30.sig", "Ana Diaz"] {
            for body in [
                json!({ "account_id": secret, "type": secret, "at": secret, "passcode": secret, "x": { "event": secret } }),
                json!({ secret: 1, "data": { secret: { secret: [secret] } }, "events": [secret], "id": format!("a-{secret}") }),
                json!({ "account_id": 482_913, "version": 482_913 }),
                json!(secret),
            ] {
                let shown = message(&body.to_string());
                assert!(!shown.contains(secret), "{shown}");
                assert!(!shown.contains("482913") && !shown.contains("13055550123"), "{shown}");
            }
            assert!(!message(secret).contains(secret));
        }
        assert!(!message("hello 482913 {").contains("482913"));
    }

    #[test]
    fn a_reason_in_our_own_words_stays() {
        assert_eq!(words("`at` lies more than 90 days back"), "`at` lies more than 90 days back");
        assert_eq!(words("no such number 13055550123 for ana@example.com"), "no such number • for •");
    }
}
