//! What can be watched from outside: metrics, what alarms make of them, and what bad input leaves behind. A binary of its
//! own, because a test here counts all that the process counts: one at a time.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "what does not hold must stop the test")]

mod alarms;
mod bad_input;
mod deployment;
mod labels;
mod rollout;
mod scores;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use linekeeper_domain::change::Change;
use linekeeper_domain::config::Settings;
use linekeeper_tests::people::ANA;
use linekeeper_tests::{Answer, World, log};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

/// The template, without its tags: `!Ref X` is read as `X`.
fn template() -> &'static Value {
    static TEMPLATE: LazyLock<Value> =
        LazyLock::new(|| serde_saphyr::from_str(include_str!("../../infra/template.yaml")).unwrap());
    &TEMPLATE
}

static ALONE: Mutex<()> = Mutex::const_new(());

/// While it is held, nothing else in this process counts.
async fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().await
}

/// A world with Ana in it, who may ask as often as a test likes.
async fn ana() -> World {
    let world = World::with(Settings { changes_per_day: 100, ..Settings::default() }).await;
    world.customer(&ANA).await;
    world
}

/// What was counted of a metric since a mark, by outcome.
fn counted(mark: usize, metric: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in log::since(mark).lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        if let Some(count) = line[metric].as_u64().filter(|_| line.get("_aws").is_some()) {
            *counts.entry(line["outcome"].as_str().unwrap().to_owned()).or_default() += count;
        }
    }
    counts
}

/// The outcomes that were counted once each, and nothing else.
fn once(outcomes: &[&str]) -> BTreeMap<String, u64> {
    outcomes.iter().map(|outcome| ((*outcome).to_owned(), 1)).collect()
}

/// A change that was asked for, as it stands.
async fn stored(world: &World, asked: &Answer) -> Change {
    assert_eq!(asked.status, 201, "{}", asked.body);
    let id = asked.text("change_id");
    let whole = world.whole(&ANA).await;
    let lines = whole.lines.into_iter().flat_map(|line| line.state.book.changes.into_values());
    let all = lines.chain(whole.account.into_iter().flat_map(|account| account.state.book.changes.into_values()));
    all.into_iter().find(|change| change.id.as_str() == id).unwrap()
}

/// The same headers with some of them changed.
fn with<'a>(headers: &[(&'a str, &'a str)], changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = headers.iter().filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
    kept.chain(changed).copied().collect()
}
