//! Where a score begins to be elevated, high and severe.

use serde::{Deserialize, Serialize};

use crate::kinds::Band;

/// Cut points of the score, in millionths of log-odds. They are set where a chosen share of genuine
/// requests lies above, so a band says how often a customer is troubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bands(pub [i64; 3]);

impl Bands {
    /// The band of a score: at a cut it is the higher one.
    #[must_use]
    pub const fn of(self, score: i64) -> Band {
        let [elevated, high, severe] = self.0;
        if score >= severe {
            Band::Severe
        } else if score >= high {
            Band::High
        } else if score >= elevated {
            Band::Elevated
        } else {
            Band::Low
        }
    }

    /// Whether the cuts ascend.
    pub(super) const fn ascend(self) -> bool {
        let [elevated, high, severe] = self.0;
        elevated <= high && high <= severe
    }
}
