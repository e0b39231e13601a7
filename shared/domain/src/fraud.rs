//! A case of fraud: what the customer says is not hers, what has to be put back, and how it came out.
//!
//! A case stands on the account's ledger, in three events: reported, remedied (once for each thing that was put
//! back), closed. An account has at most one that is open: whoever reports again adds to it, and what it names
//! already adds nothing, so a thousand reports of one thing are one case.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::change::{Change, Ending, Stage};
use crate::factors::Enrolled;
use crate::ids::{ChangeId, ContactId, FactorId, LineId};
use crate::kinds::{ChangeKind, Channel, vocabulary};
use crate::state::{Account, Contact, Line};
use crate::time::{Span, Timestamp};

/// How many things a case names. What does not fit is stopped and frozen all the same; the ledger has it.
pub const CONCERNS: usize = 6;
/// How many cases that are closed an account remembers; older ones are in the ledger.
pub const CLOSED_CASES: usize = 1;

/// A case's number: that of the account's ledger entry which opened it. Unique within its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub u64);

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

vocabulary! {
    /// How a report came in.
    Through {
        /// By the customer, signed in to the app.
        App = "app",
        /// By one tap in a notice.
        Notice = "notice",
        /// By the care desk, on the customer's word.
        Care = "care",
    }
}

vocabulary! {
    /// How a case came out.
    CaseOutcome {
        /// It was not the customer.
        Fraud = "fraud",
        /// It was the customer, or nobody.
        NoFraud = "no_fraud",
        /// It cannot be said.
        Unclear = "unclear",
    }
}

/// One thing that a report names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concerned {
    /// A line: something is wrong with it.
    Line(LineId),
    /// A change that was not hers.
    Change(ChangeId),
    /// A factor that is not hers: a passkey, a device's key. It proves nothing from then on.
    Factor(FactorId),
    /// A contact that is not hers: a device with the app, a mailbox. No code goes there from then on.
    Contact(ContactId),
}

/// What is known of a change that a case names, when it was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What was wanted.
    pub kind: ChangeKind,
    /// By which way.
    pub channel: Channel,
    /// When.
    pub at: Timestamp,
    /// Whether it had been carried out already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
}

/// One thing in a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// What.
    pub what: Concerned,
    /// For a change that is remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// Whether the carrier's systems have to put something back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reverse: bool,
    /// When they had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedied_at: Option<Timestamp>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its number.
    pub id: CaseId,
    /// How the first report came in.
    pub through: Through,
    /// When it did.
    pub reported_at: Timestamp,
    /// Whether the customer says that the phone is out of her hands: what hangs on it proves nothing while the case
    /// is open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub phone_lost: bool,
    /// What it names; nothing where she reported no more than that something is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub concerns: Vec<Concern>,
    /// How it came out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CaseOutcome>,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
}

impl Case {
    /// Whether it is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// What it says of one thing.
    #[must_use]
    pub fn concern(&self, what: &Concerned) -> Option<&Concern> {
        self.concerns.iter().find(|concern| concern.what == *what)
    }

    /// What has to be put back and was not.
    pub fn outstanding(&self) -> impl Iterator<Item = &Concern> {
        self.concerns.iter().filter(|concern| concern.reverse && concern.remedied_at.is_none())
    }

    /// From the first report until everything was put back; nothing before that, or where nothing had to be.
    #[must_use]
    pub fn time_to_remedy(&self) -> Option<Span> {
        let last = self.concerns.iter().filter_map(|concern| concern.remedied_at).max()?;
        self.outstanding().next().is_none().then(|| last.since(self.reported_at))
    }

    /// Takes in what is reported besides, as far as there is room.
    pub(crate) fn add(&mut self, concerns: &[Concern], phone_lost: bool) {
        self.phone_lost |= phone_lost;
        let room = CONCERNS.saturating_sub(self.concerns.len());
        let new: Vec<Concern> = concerns.iter().filter(|new| self.concern(&new.what).is_none()).take(room).cloned().collect();
        self.concerns.extend(new);
    }
}

impl Concern {
    /// A change that is remembered. What Linekeeper itself carries out is its own to stop.
    #[must_use]
    pub fn of_change(change: &Change) -> Self {
        let done = matches!(change.stage, Stage::Ended { how: Ending::Completed, .. });
        let kind = change.kind();
        let asked = Asked { kind, channel: change.request.channel, at: change.request.requested_at, done };
        let reverse = done && kind.is_provisionings();
        Self { what: Concerned::Change(change.id.clone()), asked: Some(asked), reverse, remedied_at: None }
    }

    /// A change that is not remembered any more: whatever it did has to be looked for.
    #[must_use]
    pub const fn of_forgotten(change: ChangeId) -> Self {
        Self { what: Concerned::Change(change), asked: None, reverse: true, remedied_at: None }
    }

    /// A line. Where its SIM was never changed and it is still here, there is nothing to put back.
    #[must_use]
    pub fn of_line(line: &Line) -> Self {
        let reverse = line.sim_changed || line.ended_at.is_some();
        Self { what: Concerned::Line(line.id.clone()), asked: None, reverse, remedied_at: None }
    }

    /// A factor.
    #[must_use]
    pub fn of_factor(factor: &Enrolled) -> Self {
        Self { what: Concerned::Factor(factor.id.clone()), asked: None, reverse: false, remedied_at: None }
    }

    /// A contact.
    #[must_use]
    pub fn of_contact(contact: &Contact) -> Self {
        Self { what: Concerned::Contact(contact.id.clone()), asked: None, reverse: false, remedied_at: None }
    }
}

impl Account {
    /// The case that is open.
    #[must_use]
    pub fn open_case(&self) -> Option<&Case> {
        self.cases.iter().find(|case| case.is_open())
    }

    /// A case that is remembered.
    #[must_use]
    pub fn case(&self, id: CaseId) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }

    /// Whether something is said not to be hers.
    #[must_use]
    pub fn is_disputed(&self, what: &Concerned) -> bool {
        match what {
            Concerned::Factor(id) => self.factors.iter().any(|known| known.id == *id && known.disputed),
            Concerned::Contact(id) => self.contacts.iter().any(|known| known.id == *id && known.disputed),
            Concerned::Line(_) | Concerned::Change(_) => false,
        }
    }

    fn dispute(&mut self, what: &Concerned) {
        for known in self.factors.iter_mut().filter(|known| Concerned::Factor(known.id.clone()) == *what) {
            known.disputed = true;
        }
        for known in self.contacts.iter_mut().filter(|known| Concerned::Contact(known.id.clone()) == *what) {
            known.disputed = true;
        }
    }

    /// What was in doubt is hers after all, and is trusted like something new: it waits as long again as it did.
    fn trust_again(&mut self, at: Timestamp) {
        for known in self.factors.iter_mut().filter(|known| known.disputed) {
            known.ripe_at = at + known.ripe_at.since(known.added_at);
            known.added_at = at;
            known.disputed = false;
        }
        for known in self.contacts.iter_mut().filter(|known| known.disputed && known.removed_at.is_none()) {
            known.added_at = at;
            known.disputed = false;
        }
    }

    pub(crate) fn evolve_cases(&mut self, event: &crate::ledger::Event, at: Timestamp) {
        use crate::ledger::Event;
        if let Event::FraudReported { case, through, phone_lost, concerns } = event {
            concerns.iter().for_each(|concern| self.dispute(&concern.what));
            if self.case(*case).is_none() {
                self.cases.push(Case {
                    id: *case,
                    through: *through,
                    reported_at: at,
                    phone_lost: false,
                    concerns: Vec::new(),
                    outcome: None,
                    closed_at: None,
                });
            }
            self.case_mut(*case, |case| case.add(concerns, *phone_lost));
        } else if let Event::FraudRemedied { case, what, at } = event {
            self.case_mut(*case, |case| {
                for concern in case.concerns.iter_mut().filter(|concern| concern.what == *what) {
                    concern.remedied_at = concern.remedied_at.or(Some(*at));
                }
            });
        } else if let Event::FraudClosed { case, outcome, .. } = event {
            if *outcome == CaseOutcome::NoFraud {
                self.trust_again(at);
            }
            self.case_mut(*case, |case| (case.outcome, case.closed_at) = (Some(*outcome), Some(at)));
            let closed = self.cases.iter().filter(|case| !case.is_open()).count();
            let mut surplus = closed.saturating_sub(CLOSED_CASES);
            // Oldest first, since that is how they came.
            self.cases.retain(|case| {
                let forgotten = !case.is_open() && surplus > 0;
                surplus = surplus.saturating_sub(usize::from(forgotten));
                !forgotten
            });
        }
    }

    fn case_mut(&mut self, id: CaseId, f: impl FnOnce(&mut Case)) {
        if let Some(case) = self.cases.iter_mut().find(|case| case.id == id) {
            f(case);
        }
    }
}
