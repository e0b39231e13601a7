//! Labels from exported ledgers: one entry a line, in any order, whatever else is in between.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use linekeeper_domain::ledger::Entry;
use linekeeper_domain::risk::label::{Ledgers, Told};
use linekeeper_domain::time::{Span, Timestamp};

/// So many lines that cannot be read are named by their numbers.
const NAMED: usize = 10;

/// What a pass over a file met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Entries taken.
    pub entries: u64,
    /// Entries of after the time that was asked about.
    pub later: u64,
    /// Lines that are no entry.
    pub unreadable: u64,
    /// The first of them, from 1. What stands in them is not repeated: it may be about somebody.
    pub at: Vec<u64>,
}

/// Reads entries, and tells what was known at `now`, where nobody may have complained for `quiet`.
///
/// # Errors
/// Where the file cannot be read.
pub fn read(mut file: impl BufRead, quiet: Span, now: Timestamp) -> io::Result<(Told, Read)> {
    let (mut ledgers, mut read, mut line, mut number) = (Ledgers::default(), Read::default(), Vec::new(), 0_u64);
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Entry>(&line) {
            Ok(entry) if entry.v == Entry::VERSION && entry.at <= now => {
                read.entries += 1;
                ledgers.take(&entry);
            }
            Ok(entry) if entry.v == Entry::VERSION => read.later += 1,
            Ok(_) | Err(_) => {
                read.unreadable += 1;
                if read.at.len() < NAMED {
                    read.at.push(number);
                }
            }
        }
    }
    Ok((ledgers.labels(quiet, now), read))
}

/// Writes one label a line.
///
/// # Errors
/// Where that cannot be done.
pub fn write(told: &Told, mut file: impl Write) -> io::Result<()> {
    for label in &told.labels {
        serde_json::to_writer(&mut file, label)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}

/// What was found, for the person at the terminal.
#[must_use]
pub fn summary(told: &Told, read: &Read) -> String {
    let mut by: BTreeMap<(u8, &str, &str), u64> = BTreeMap::new();
    for label in &told.labels {
        *by.entry((label.y, label.why.word(), label.band.word())).or_default() += 1;
    }
    let mut text = format!(
        "{} entries, {} of them later than asked about; {} lines that are no entry",
        read.entries + read.later,
        read.later,
        read.unreadable
    );
    if !read.at.is_empty() {
        let lines: Vec<String> = read.at.iter().map(u64::to_string).collect();
        text += &format!(" (lines {})", lines.join(", "));
    }
    text += &format!("\n{} labels", told.labels.len());
    for ((y, why, band), count) in by {
        text += &format!("\n  y {y}, {why}, was {band}: {count}");
    }
    for (why, count) in &told.unlabelled {
        text += &format!("\nno label, {why}: {count}");
    }
    if told.strangers > 0 {
        text += &format!("\nno label, asked for outside of these entries: {}", told.strangers);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(seq: u64, at: i64, events: &Value) -> String {
        let subject = serde_json::to_value(linekeeper_domain::ids::Subject::Account).unwrap();
        json!({"v": 1, "account_id": "a", "subject": subject, "seq": seq, "at": at, "actor": {"kind": "customer"}, "events": events,
            "prev": "0".repeat(64)})
        .to_string()
    }

    fn requested() -> String {
        let id = "account.0f1e2d3c4b5a69788796a5b4c3";
        let change = json!({
            "id": id, "details": {"kind": "credential_reset"},
            "request": {"actor": {"kind": "customer"}, "channel": "pwa", "requested_at": 1_000},
            "decision": {"outcome": "step_up", "band": "high", "ppm": 4_321, "reasons": [], "model": "m", "policy": "p", "at": 1_000},
            "need": {"refused": null, "assurance": "strong", "accepted": 127, "email_stands_in": false, "wait": "none", "review": false},
            "seen": {"seq": 1, "cover": "open", "taint": 0, "open": true}, "expires_at": 90_000, "stage": "open",
        });
        entry(1, 1_000, &json!([{"event": "requested", "change": change}]))
    }

    fn disputed() -> String {
        entry(2, 4_600, &json!([{"event": "disputed", "change": "account.0f1e2d3c4b5a69788796a5b4c3"}]))
    }

    fn told(text: &[u8], now: i64) -> (Told, Read) {
        read(text, Span::days(30), Timestamp::from_second(now)).unwrap()
    }

    #[test]
    fn a_ledgers_entries_become_labels_a_line() {
        let file = [requested(), disputed()].join("\n");
        let (told, read) = told(file.as_bytes(), 9_999);
        assert_eq!((read.entries, read.unreadable), (2, 0), "{read:?}");
        let mut out = Vec::new();
        write(&told, &mut out).unwrap();
        let line: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            line,
            json!({"change": "account.0f1e2d3c4b5a69788796a5b4c3", "y": 1, "why": "disputed", "asked_at": 1_000, "known_at": 4_600,
                "delay_seconds": 3_600, "ppm": 4_321, "band": "high", "model": "m", "account": "a", "kind": "credential_reset",
                "channel": "pwa"})
        );
        assert!(summary(&told, &read).contains("y 1, disputed, was high: 1"));
    }

    #[test]
    fn what_cannot_be_read_is_skipped_counted_and_not_repeated() {
        let secret = "+13055550123";
        let other = disputed().replace("\"v\":1", "\"v\":2");
        let unknown = disputed().replace("disputed", "dispelled");
        let cut = &requested()[..100];
        let lines = [secret, &requested(), "", cut, "{}", "null", &other, &unknown, &disputed()].join("\n");
        let bytes = [lines.as_bytes(), b"\n\xff\xfe\0".as_slice()].concat();
        let (told, read) = told(&bytes, 9_999);
        assert_eq!((told.labels.len(), read.entries, read.unreadable), (1, 2, 7));
        assert_eq!(read.at, [1, 4, 5, 6, 7, 8, 10]);
        assert!(!summary(&told, &read).contains(secret));
    }

    #[test]
    fn what_was_not_known_yet_is_not_told() {
        let file = [requested(), disputed()].join("\n");
        let (told, read) = told(file.as_bytes(), 4_599);
        assert_eq!((told.labels.len(), read.later), (0, 1));
    }
}
