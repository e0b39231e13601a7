//! From entries to counts.

use std::collections::BTreeMap;

use super::trouble::{self, Known, What};
use super::{Act, Counts, Measure, Month, Records, SHOWN};
use crate::chain::{Head, Heads};
use crate::change::{Change, Decision, Ending};
use crate::digest::Digest;
use crate::ids::{AccountId, ChangeId, LineId, Subject};
use crate::kinds::{Factor, Jurisdiction};
use crate::ledger::{Entry, Event};
use crate::time::Timestamp;

/// Counts entries. Those of one ledger come in their order, as its chain has them; ledgers may come in any order, and
/// mixed.
#[derive(Clone, Debug)]
pub struct Fold {
    month: Month,
    accounts: BTreeMap<AccountId, Account>,
    heads: Heads,
    entries: u64,
}

/// An account whose beginning is not among the entries: nobody can say whose rules it is under.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("account {account} was never opened in these entries, so its changes have no jurisdiction: the export is not whole")]
pub struct Unplaced {
    /// Which.
    pub account: AccountId,
}

#[derive(Clone, Debug, Default)]
struct Account {
    jurisdiction: Option<Jurisdiction>,
    changes: BTreeMap<ChangeId, Facts>,
    lines_ended: BTreeMap<LineId, Timestamp>,
    counts: BTreeMap<(Month, Act), Counts>,
    troubles: Vec<(Timestamp, Option<Month>, What)>,
}

/// What later entries need to know of a change. A key that is used again after its change was forgotten names another
/// one: the last that was asked for is meant.
#[derive(Clone, Copy, Debug)]
struct Facts {
    act: Act,
    ended: Option<Ending>,
    disputed: bool,
}

impl Fold {
    /// For the records of a month.
    #[must_use]
    pub fn new(month: Month) -> Self {
        Self { month, accounts: BTreeMap::new(), heads: Heads::default(), entries: 0 }
    }

    /// Takes an entry, and its hash.
    pub fn take(&mut self, entry: &Entry, hash: &Digest) {
        let month = Month::of(entry.at);
        if month.is_some_and(|month| month <= self.month) {
            self.entries = self.entries.saturating_add(1);
            self.heads.note(&entry.owner, Head { seq: entry.seq, hash: hash.clone() });
        }
        self.accounts.entry(entry.owner.account_id.clone()).or_default().take(entry, month);
    }

    /// The records.
    ///
    /// # Errors
    /// [`Unplaced`], where something of an account is to be counted and its beginning is missing.
    pub fn records(&self) -> Result<Records, Unplaced> {
        let shown: Vec<Month> = (0..SHOWN).rev().map(|back| self.month.back(back)).collect();
        let mut sums: BTreeMap<(Jurisdiction, Act, Month), Counts> = BTreeMap::new();
        for (id, account) in &self.accounts {
            let counts = account.counts();
            let counted: Vec<_> = counts.iter().filter(|((month, _), _)| *month <= self.month).collect();
            let Some(jurisdiction) = account.jurisdiction else {
                if counted.is_empty() {
                    continue;
                }
                return Err(Unplaced { account: id.clone() });
            };
            for &act in Act::ALL {
                sums.entry((jurisdiction, act, self.month)).or_default();
            }
            for (&(month, act), counts) in counted {
                sums.entry((jurisdiction, act, month)).or_default().add(counts);
            }
        }
        only_the_first(&mut sums);
        let rows: Vec<(Jurisdiction, Act)> =
            sums.keys().filter(|(.., month)| *month == self.month).map(|&(place, act, _)| (place, act)).collect();
        let of = |(place, act), month| sums.get(&(place, act, month)).cloned().unwrap_or_default();
        Ok(Records {
            month: self.month,
            counts: rows.iter().map(|&row| (row, of(row, self.month))).collect(),
            course: rows.iter().map(|&row| (row, shown.iter().map(|&month| (month, of(row, month))).collect())).collect(),
            entries: self.entries,
            ledgers: u64::try_from(self.heads.len()).unwrap_or(u64::MAX),
            heads: self.heads.digest(),
        })
    }
}

/// A measure begins once in a place: where it was met in an earlier month, it is not new in a later one.
fn only_the_first(sums: &mut BTreeMap<(Jurisdiction, Act, Month), Counts>) {
    let mut known: BTreeMap<(Jurisdiction, Act, Measure), Month> = BTreeMap::new();
    for (&(place, act, month), counts) in sums.iter_mut() {
        counts.began.retain(|measure, _| *known.entry((place, act, measure.clone())).or_insert(month) == month);
    }
}

impl Account {
    /// Events teach facts whenever they are; they count where their month is known.
    fn take(&mut self, entry: &Entry, month: Option<Month>) {
        let disputed = entry.events.iter().any(|event| matches!(event, Event::Disputed { .. }));
        let mut count = Counting { counts: &mut self.counts, month, at: entry.at };
        let mut troubles = Vec::new();
        for event in &entry.events {
            if let Event::AccountOpened { jurisdiction, .. } = event {
                self.jurisdiction = Some(*jurisdiction);
            } else if let (Event::LineEnded, Subject::Line(line)) = (event, &entry.owner.subject) {
                self.lines_ended.insert(line.clone(), entry.at);
            } else if let Event::Requested { change } = event {
                self.changes.remove(&change.id);
                if let Some(act) = Act::of(change.kind()) {
                    self.changes.insert(change.id.clone(), Facts { act, ended: None, disputed: false });
                    count.requested(act, change);
                }
            } else if let Event::Incident { kind } = event
                && let Some(act) = Act::of(*kind)
                // Where she says so herself, she says of which change.
                && !disputed
            {
                troubles.push(What::Unauthorized { subject: entry.owner.subject.clone(), act });
            } else if let Event::FraudReported { case, concerns, .. } = event {
                troubles.extend(concerns.iter().map(|concern| What::Reported { case: *case, concern: concern.clone() }));
            } else if let Event::FraudRemedied { case, what, at } = event {
                troubles.push(What::Remedied { case: *case, what: what.clone(), at: *at });
            } else if let Event::FraudClosed { case, outcome, .. } = event {
                troubles.push(What::Closed { case: *case, outcome: *outcome });
            }
            if let Some((id, facts)) = event.change().and_then(|id| Some((id, self.changes.get_mut(id)?))) {
                facts.take(event, &mut count);
                if matches!(event, Event::Disputed { .. }) && !facts.disputed {
                    facts.disputed = true;
                    let carried_out = facts.ended == Some(Ending::Completed);
                    troubles.push(What::Disputed { change: id.clone(), act: facts.act, carried_out });
                }
            }
        }
        self.troubles.extend(troubles.into_iter().map(|what| (entry.at, month, what)));
    }

    /// All of its counts.
    fn counts(&self) -> BTreeMap<(Month, Act), Counts> {
        let mut counts = self.counts.clone();
        let known = Known {
            change: &|id| self.changes.get(id).map(|facts| (facts.act, facts.ended == Some(Ending::Completed))),
            line_ended: &|line| self.lines_ended.get(line).copied(),
        };
        trouble::count(&self.troubles, &known, &mut counts);
        counts
    }
}

impl Facts {
    fn take(&mut self, event: &Event, count: &mut Counting<'_>) {
        if let Event::Proven { proof, .. } = event {
            count.method(self.act, proof.factor);
        } else if let Event::Raised { decision, .. } = event {
            count.decided(self.act, decision);
        } else if let Event::Ended { how, .. } = event
            && self.ended.is_none()
        {
            self.ended = Some(*how);
            count.ended(self.act, *how);
        } else if let Event::Requested { change } = event
            && change.has_ended()
        {
            self.ended = Some(Ending::Refused);
            count.ended(self.act, Ending::Refused);
        }
    }
}

/// Where an entry's events count.
struct Counting<'a> {
    counts: &'a mut BTreeMap<(Month, Act), Counts>,
    month: Option<Month>,
    at: Timestamp,
}

impl Counting<'_> {
    fn of(&mut self, act: Act, count: impl FnOnce(&mut Counts)) {
        if let Some(month) = self.month {
            count(self.counts.entry((month, act)).or_default());
        }
    }

    fn requested(&mut self, act: Act, change: &Change) {
        self.of(act, |counts| {
            counts.requests = counts.requests.saturating_add(1);
            one_more(&mut counts.policies, change.decision.policy.clone());
        });
        self.decided(act, &change.decision);
        for proof in &change.proofs {
            self.method(act, proof.factor);
        }
    }

    fn decided(&mut self, act: Act, decision: &Decision) {
        let at = self.at;
        self.of(act, |counts| {
            counts.begin(Measure::Policy(decision.policy.clone()), at);
            counts.begin(Measure::Model(decision.model.clone()), at);
        });
    }

    fn method(&mut self, act: Act, factor: Factor) {
        let at = self.at;
        self.of(act, |counts| {
            one_more(&mut counts.methods, factor);
            counts.begin(Measure::Method(factor), at);
        });
    }

    fn ended(&mut self, act: Act, how: Ending) {
        self.of(act, |counts| one_more(&mut counts.endings, how));
    }
}

fn one_more<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    let count = counts.entry(key).or_default();
    *count = count.saturating_add(1);
}
