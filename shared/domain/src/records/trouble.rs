//! What went wrong on an account: what was done without an authorization, what the customer says was not hers, and what
//! became of her cases.
//!
//! The parts stand in several ledgers: a change is disputed on its line's, the case is on the account's. They are put
//! together at the end, in the order of their times, and each counts in the month in which it stands; so what comes
//! later changes no month that is over.
//!
//! A customer is taken at her word: what was carried out and is said not to be hers counts as fraudulent at once, and not
//! only when somebody closes the case, which nobody may ever do. A case that is closed counts then, as confirmed or as
//! cleared.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{Act, Counts, Month};
use crate::fraud::{CaseId, CaseOutcome, Concern, Concerned};
use crate::ids::{ChangeId, LineId, Subject};
use crate::time::Timestamp;

/// One thing that went wrong, or was put right.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// Done without an authorization.
    Unauthorized { subject: Subject, act: Act },
    /// The customer says of a change that it was not hers; the first time.
    Disputed { change: ChangeId, act: Act, carried_out: bool },
    /// A case names something.
    Reported { case: CaseId, concern: Concern },
    /// Something of a case was put back.
    Remedied { case: CaseId, what: Concerned, at: Timestamp },
    /// A case was closed.
    Closed { case: CaseId, outcome: CaseOutcome },
}

impl What {
    /// Of what is written at the same time, causes come first.
    const fn rank(&self) -> u8 {
        match self {
            Self::Unauthorized { .. } => 0,
            Self::Disputed { .. } => 1,
            Self::Reported { .. } => 2,
            Self::Remedied { .. } => 3,
            Self::Closed { .. } => 4,
        }
    }
}

/// What the rest of the account's ledgers know.
pub(super) struct Known<'a> {
    /// Whether a change was carried out, and which act it is.
    pub(super) change: &'a dyn Fn(&ChangeId) -> Option<(Act, bool)>,
    /// When a line ended.
    pub(super) line_ended: &'a dyn Fn(&LineId) -> Option<Timestamp>,
}

struct Case {
    reported_at: Timestamp,
    concerns: BTreeMap<Concerned, Act>,
}

/// Puts together what is known of an account.
struct Account<'a> {
    counts: &'a mut BTreeMap<(Month, Act), Counts>,
    cases: BTreeMap<CaseId, Case>,
    /// What stands for a fraud that was counted.
    counted: BTreeSet<Concerned>,
    /// Frauds of a line that are neither put back nor closed. Whether only the line was named: which change it was may
    /// be said later, and is no second one.
    open: BTreeMap<(LineId, Act), bool>,
}

/// Counts what went wrong. In whatever order it was met.
pub(super) fn count(
    troubles: &[(Timestamp, Option<Month>, What)],
    known: &Known<'_>,
    counts: &mut BTreeMap<(Month, Act), Counts>,
) {
    let mut sorted: Vec<_> = troubles.iter().collect();
    sorted.sort_by_key(|(at, _, what)| (*at, what.rank()));
    let mut account = Account { counts, cases: BTreeMap::new(), counted: BTreeSet::new(), open: BTreeMap::new() };
    for (at, month, what) in sorted {
        account.take(what, *at, *month, known);
    }
}

impl Account<'_> {
    fn add(&mut self, month: Option<Month>, act: Act, count: impl FnOnce(&mut Counts)) {
        if let Some(month) = month {
            count(self.counts.entry((month, act)).or_default());
        }
    }

    fn fraudulent(&mut self, month: Option<Month>, act: Act) {
        self.add(month, act, |counts| counts.fraudulent = counts.fraudulent.saturating_add(1));
    }

    fn complaint(&mut self, month: Option<Month>, act: Act) {
        self.add(month, act, |counts| counts.complaints = counts.complaints.saturating_add(1));
    }

    fn take(&mut self, what: &What, at: Timestamp, month: Option<Month>, known: &Known<'_>) {
        match what {
            What::Unauthorized { subject, act } => {
                self.add(month, *act, |counts| counts.unauthorized = counts.unauthorized.saturating_add(1));
                self.fraudulent(month, *act);
                if let Subject::Line(line) = subject {
                    self.open.insert((line.clone(), *act), false);
                }
            }
            What::Disputed { change, act, carried_out } => {
                self.complaint(month, *act);
                if *carried_out {
                    self.change_was_not_hers(change, *act, month);
                }
            }
            What::Reported { case, concern } => self.reported(*case, concern, at, month, known),
            What::Remedied { case, what, at } => {
                let Some(case) = self.cases.get(case) else { return };
                let Some(&act) = case.concerns.get(what) else { return };
                let took = u64::from(at.since(case.reported_at).as_seconds());
                self.add(month, act, |counts| {
                    counts.remedied = counts.remedied.saturating_add(1);
                    counts.remedy_seconds = counts.remedy_seconds.saturating_add(took);
                });
                self.put_right(what, act);
            }
            What::Closed { case, outcome } => {
                let Some(case) = self.cases.remove(case) else { return };
                for (what, act) in case.concerns {
                    if self.counted.remove(&what) {
                        self.add(month, act, |counts| match outcome {
                            CaseOutcome::Fraud => counts.confirmed = counts.confirmed.saturating_add(1),
                            CaseOutcome::NoFraud => counts.cleared = counts.cleared.saturating_add(1),
                            CaseOutcome::Unclear => {}
                        });
                    }
                    self.put_right(&what, act);
                }
            }
        }
    }

    fn change_was_not_hers(&mut self, change: &ChangeId, act: Act, month: Option<Month>) {
        if let Subject::Line(line) = change.subject() {
            let named_before = self.open.insert((line.clone(), act), false) == Some(true);
            if named_before {
                return;
            }
        }
        self.counted.insert(Concerned::Change(change.clone()));
        self.fraudulent(month, act);
    }

    fn reported(&mut self, id: CaseId, concern: &Concern, at: Timestamp, month: Option<Month>, known: &Known<'_>) {
        let case = self.cases.entry(id).or_insert(Case { reported_at: at, concerns: BTreeMap::new() });
        match &concern.what {
            Concerned::Change(change) => {
                let asked = concern.asked.map(|asked| (Act::of(asked.kind), asked.done));
                let forgotten = asked.is_none();
                let known = (known.change)(change);
                let act = asked.map_or(known.map(|(act, _)| act), |(act, _)| act);
                let Some(act) = act else { return };
                case.concerns.insert(concern.what.clone(), act);
                // One that is remembered is disputed in its own ledger.
                if forgotten {
                    self.complaint(month, act);
                    if known.is_some_and(|(_, carried_out)| carried_out) {
                        self.change_was_not_hers(change, act, month);
                    }
                }
            }
            Concerned::Line(line) if concern.reverse => {
                let ended = (known.line_ended)(line).is_some_and(|ended| ended <= at);
                let act = if ended { Act::PortOut } else { Act::SimChange };
                case.concerns.insert(concern.what.clone(), act);
                self.complaint(month, act);
                self.counted.insert(concern.what.clone());
                if let Entry::Vacant(first) = self.open.entry((line.clone(), act)) {
                    first.insert(true);
                    self.fraudulent(month, act);
                }
            }
            // Nothing of the line was moved; factors and contacts are no SIM change and no port.
            Concerned::Line(_) | Concerned::Factor(_) | Concerned::Contact(_) => {}
        }
    }

    fn put_right(&mut self, what: &Concerned, act: Act) {
        let line = match what {
            Concerned::Line(line) => Some(line),
            Concerned::Change(change) => match change.subject() {
                Subject::Line(line) => Some(line),
                Subject::Account => None,
            },
            Concerned::Factor(_) | Concerned::Contact(_) => None,
        };
        if let Some(line) = line {
            self.open.remove(&(line.clone(), act));
        }
    }
}
