//! The ledger as it is shown and verified.

use anyhow::{Context as _, Result};
use linekeeper_domain::ledger;
use linekeeper_domain::state::{Account, Line};
use serde_json::Value;

/// One entry of the ledger, as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its number within its subject.
    pub(crate) seq: u64,
    /// The exact bytes that its hash covers.
    pub(crate) bytes: String,
    /// Its hash, as stored beside it.
    pub(crate) hash: String,
    content: Value,
}

/// What is worth a word in an event, besides its name.
const SALIENT: [&str; 12] = [
    "/protection",
    "/mode",
    "/how",
    "/reason",
    "/kind",
    "/challenge/factor",
    "/proof/factor",
    "/authorization/id",
    "/authorization",
    "/message/about",
    "/jurisdiction",
    "/hold_until",
];

impl Entry {
    /// Reads an item of the table.
    pub(crate) fn read(item: &Value) -> Result<Self> {
        let attribute = |name: &str, kind: &str| {
            let value = item.get(name).and_then(|value| value.get(kind)).and_then(Value::as_str);
            value.with_context(|| format!("a ledger entry without {name}"))
        };
        let bytes = attribute("entry", "S")?.to_owned();
        let content = serde_json::from_str(&bytes).context("a ledger entry that is no JSON")?;
        Ok(Self { seq: attribute("seq", "N")?.parse()?, hash: attribute("hash", "S")?.to_owned(), bytes, content })
    }

    /// Who acted.
    pub(crate) fn actor(&self) -> &str {
        text(&self.content, "/actor/kind")
    }

    /// What happened, in a few words.
    pub(crate) fn summary(&self) -> String {
        self.events().map(in_words).collect::<Vec<_>>().join("; ")
    }

    /// The decision in it, with its reasons, if any was made.
    pub(crate) fn decision(&self) -> Option<String> {
        self.events().find_map(|event| {
            let decision = event.pointer("/change/decision").or_else(|| event.get("decision"))?;
            let reasons: Vec<&str> = decision.get("reasons")?.as_array()?.iter().filter_map(Value::as_str).collect();
            let probability = match decision.get("ppm").and_then(Value::as_u64) {
                Some(ppm) => format!("{}.{:04} %", ppm / 10_000, ppm % 10_000),
                None => "unknown".to_owned(),
            };
            Some(format!(
                "decision {}, risk {} (probability of an attack {probability}): {}",
                text(decision, "/outcome"),
                text(decision, "/band"),
                reasons.join(", ")
            ))
        })
    }

    /// How many events of that name it holds.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.events().filter(|event| text(event, "/event") == name).count()
    }

    /// The names of what happened.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.events().map(|event| text(event, "/event"))
    }

    fn events(&self) -> impl Iterator<Item = &Value> {
        self.content.get("events").and_then(Value::as_array).into_iter().flatten()
    }
}

fn in_words(event: &Value) -> String {
    let mut words = vec![text(event, "/event").to_owned()];
    if let Some(change) = event.get("change").filter(|change| change.is_object()) {
        words.push(text(change, "/details/kind").to_owned());
        words.push(text(change, "/decision/outcome").to_owned());
    }
    words.extend(SALIENT.iter().map(|pointer| text(event, pointer)).filter(|word| !word.is_empty()).map(str::to_owned));
    for delivery in event.get("deliveries").and_then(Value::as_array).into_iter().flatten() {
        let mark = if delivery.get("accepted") == Some(&Value::Bool(true)) { "✓" } else { "✗" };
        words.push(format!("{} {mark}", text(delivery, "/contact")));
    }
    words.join(" ")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a ledger from its first entry is whole: numbers without gaps, each entry naming the hash of the one before
/// it, each stored hash that of the stored bytes.
pub(crate) fn verifies(entries: &[Entry]) -> bool {
    let hashes = entries.iter().all(|entry| ledger::Entry::hash(&entry.bytes).as_str() == entry.hash);
    let bytes = || entries.iter().map(|entry| entry.bytes.as_str());
    let chain = ledger::replay::<Line>(bytes()).is_ok() || ledger::replay::<Account>(bytes()).is_ok();
    let numbers = entries.iter().zip(1_u64..).all(|(entry, seq)| entry.seq == seq);
    hashes && chain && numbers
}
