//! Why: the terms of a score, gathered by reason. Analysts and the ledger see them; the requester does not.

use serde::{Deserialize, Serialize};

use crate::kinds::Reason;

/// Less than this, in millionths of log-odds, is not worth a word: a tenth.
const WORTH_A_WORD: i64 = 100_000;

/// A reason and what it adds to the usual customer's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weighted {
    /// Why.
    pub reason: Reason,
    /// By how much, in millionths of log-odds.
    pub weight: i64,
}

/// Sums by reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Vec<Weighted>);

impl Tally {
    /// A term, less its mean in the population.
    pub(super) fn add(&mut self, reason: Reason, weight: i64) {
        match self.0.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.weight = known.weight.saturating_add(weight),
            None => self.0.push(Weighted { reason, weight }),
        }
    }

    /// What speaks against the customer, the heaviest first; what could not be had, last.
    pub(super) fn against(mut self) -> Vec<Weighted> {
        self.0.retain(|weighted| weighted.weight >= WORTH_A_WORD);
        let missing = |reason| reason == Reason::SignalMissing;
        self.0.sort_by_key(|weighted| (missing(weighted.reason), std::cmp::Reverse(weighted.weight), weighted.reason));
        self.0
    }
}
