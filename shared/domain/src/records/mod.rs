//! What a regulator asks to be counted: the records of SIM changes and of ports, by month and jurisdiction, from
//! the ledger alone.
//!
//! Eight counts, as the FCC's rules on SIM changes are remembered to ask for them (from memory, not checked): requests,
//! successful ones, failed ones, successful fraudulent ones, the time to remedy those, complaints, the methods in use, and
//! how the methods change. Ports are counted likewise.
//!
//! **Everything counts in the month in which it happened**, in UTC: a change asked for in May and carried out in June is
//! a request of May and a success of June; a fraud that is found in July is July's. So a month that is over stays as it
//! is, whenever its records are made, and the months add up to the whole. A ledger that has grown since gives the same
//! bytes.

mod fold;
mod month;
#[cfg(test)]
mod tests;
mod trouble;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use fold::{Fold, Unplaced};
pub use month::{Month, MonthError};

use crate::change::Ending;
use crate::digest::Digest;
use crate::kinds::{ChangeKind, Factor, Jurisdiction, vocabulary};
use crate::porting::jurisdiction::row;
use crate::time::Timestamp;

vocabulary! {
    /// What is counted.
    Act {
        /// Another SIM for a line.
        SimChange = "sim_change",
        /// A line that leaves for another carrier.
        PortOut = "port_out",
    }
}

impl Act {
    /// The act that a kind of change is, if it is one of those that are counted.
    #[must_use]
    pub const fn of(kind: ChangeKind) -> Option<Self> {
        match kind {
            ChangeKind::SimSwap => Some(Self::SimChange),
            ChangeKind::PortOut => Some(Self::PortOut),
            ChangeKind::NumberChange
            | ChangeKind::ContactChange
            | ChangeKind::CredentialReset
            | ChangeKind::ProtectionOff
            | ChangeKind::PortPin
            | ChangeKind::AuthorizedUser
            | ChangeKind::Ownership
            | ChangeKind::AddLine
            | ChangeKind::DeviceUpgrade
            | ChangeKind::FactorAdd
            | ChangeKind::FactorRemove => None,
        }
    }
}

/// A measure by which customers are authenticated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "measure", content = "name")]
pub enum Measure {
    /// A method that a customer was authenticated by.
    Method(Factor),
    /// A version of the policy, which says what each request needs.
    Policy(String),
    /// A version of the risk model, which can ask for more.
    Model(String),
}

/// The counts of one act in one jurisdiction in one month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests received, those refused at once included. A port order that was corrected is a request again: it was
    /// decided again.
    pub requests: u64,
    /// Requests that ended, by how. [`Ending::Completed`] are the successful ones.
    pub endings: BTreeMap<Ending, u64>,
    /// Carried out past Linekeeper: without an authorization, or against a lock. In no request's count.
    pub unauthorized: u64,
    /// Carried out, and fraudulent: those of `unauthorized`, and what the customer says was not hers. She is taken at her
    /// word, when she says so.
    pub fraudulent: u64,
    /// Of those of this month or one before: the case was closed as fraud.
    pub confirmed: u64,
    /// Of those of this month or one before: the case was closed as none.
    pub cleared: u64,
    /// Complaints: customers who said of a change that it was not theirs, whatever had become of it; once for a change. And
    /// who said so of a line that was moved.
    pub complaints: u64,
    /// What was put back.
    pub remedied: u64,
    /// How long that took, all together, from the first report on, in seconds.
    pub remedy_seconds: u64,
    /// How often a customer was authenticated by each method.
    pub methods: BTreeMap<Factor, u64>,
    /// Requests by the version of the policy that decided them.
    pub policies: BTreeMap<String, u64>,
    /// Measures that were met for the first time, and when.
    pub began: BTreeMap<Measure, Timestamp>,
}

impl Counts {
    /// Requests that were carried out.
    #[must_use]
    pub fn successful(&self) -> u64 {
        self.endings.get(&Ending::Completed).copied().unwrap_or(0)
    }

    /// Requests that ended without being carried out.
    #[must_use]
    pub fn failed(&self) -> u64 {
        let failed = self.endings.iter().filter(|(how, _)| **how != Ending::Completed);
        failed.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The mean time to remedy in whole seconds, of those that were remedied.
    #[must_use]
    pub const fn mean_remedy_seconds(&self) -> Option<u64> {
        self.remedy_seconds.checked_div(self.remedied)
    }

    /// Adds others. In whatever order: the sum is the same.
    pub fn add(&mut self, others: &Self) {
        // One by one, so that a count that is added to the struct is a compile error here.
        let Self {
            requests,
            endings,
            unauthorized,
            fraudulent,
            confirmed,
            cleared,
            complaints,
            remedied,
            remedy_seconds,
            methods,
            policies,
            began,
        } = others;
        self.requests = self.requests.saturating_add(*requests);
        self.unauthorized = self.unauthorized.saturating_add(*unauthorized);
        self.fraudulent = self.fraudulent.saturating_add(*fraudulent);
        self.confirmed = self.confirmed.saturating_add(*confirmed);
        self.cleared = self.cleared.saturating_add(*cleared);
        self.complaints = self.complaints.saturating_add(*complaints);
        self.remedied = self.remedied.saturating_add(*remedied);
        self.remedy_seconds = self.remedy_seconds.saturating_add(*remedy_seconds);
        add_each(&mut self.endings, endings);
        add_each(&mut self.methods, methods);
        add_each(&mut self.policies, policies);
        for (measure, at) in began {
            self.begin(measure.clone(), *at);
        }
    }

    fn begin(&mut self, measure: Measure, at: Timestamp) {
        self.began.entry(measure).and_modify(|known| *known = (*known).min(at)).or_insert(at);
    }
}

fn add_each<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, others: &BTreeMap<K, u64>) {
    for (key, count) in others {
        let sum = to.entry(key.clone()).or_default();
        *sum = sum.saturating_add(*count);
    }
}

/// The records of a month, with the months before it that a chart shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Which month.
    pub month: Month,
    /// Its counts, by jurisdiction; both acts wherever there is an account, even where nothing happened.
    pub counts: BTreeMap<(Jurisdiction, Act), Counts>,
    /// The same of the [`SHOWN`] months up to it, oldest first, each with something or not.
    pub course: BTreeMap<(Jurisdiction, Act), Vec<(Month, Counts)>>,
    /// How many entries of the ledger it stands on: all up to the end of the month.
    pub entries: u64,
    /// Of how many accounts and lines.
    pub ledgers: u64,
    /// The digest of their heads then ([`crate::chain::Heads::digest`]): it names the ledger that this was made from, and a
    /// ledger that has grown since still has it.
    pub heads: Digest,
}

/// So many months are shown in a course.
pub const SHOWN: usize = 12;

/// What stands beside the counts of a jurisdiction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// From when on its rules bind; nothing where no date is set.
    pub binds_from: Option<Date>,
    /// How long records are kept.
    pub record_years: u32,
}

/// When the rules of a place bind, where the carrier knows better than the shipped rows: a date is published, or her
/// lawyers say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComplianceDates(pub BTreeMap<Jurisdiction, Date>);

impl ComplianceDates {
    /// The terms of a jurisdiction: its row, and this date where it has one.
    #[must_use]
    pub fn terms(&self, jurisdiction: Jurisdiction) -> Terms {
        let row = row(jurisdiction);
        let binds_from = self.0.get(&jurisdiction).copied().or(row.compliance.value);
        Terms { binds_from, record_years: row.record_years.value }
    }
}

impl Terms {
    /// Until when the records of a month are kept: so many years from its end, to the day.
    #[must_use]
    pub fn keep_until(&self, month: Month) -> Option<Date> {
        month.first_day_after(self.record_years)
    }

    /// Whether the rules bind in some part of the month.
    #[must_use]
    pub fn bind_in(&self, month: Month) -> bool {
        self.binds_from.is_some_and(|from| Month::of_date(from).is_some_and(|first| first <= month))
    }
}
