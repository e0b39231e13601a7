//! Whether requests are still what they were: how evidence and scores spread over a model's bins, then and
//! now.
//!
//! The measure is the population stability index, the sum over bins of `(now - then) ln(now / then)` of
//! their shares; by the custom of credit scoring under .1 is stable and over .25 is not (Siddiqi, *Credit Risk
//! Scorecards*, 2006). A signal that goes missing more often than it did is an alarm by itself: a header lost
//! on the way looks like a wave of attacks.

/// From this index on something moves.
const MOVING: f64 = 0.1;
/// From this index on it has moved.
const MOVED: f64 = 0.25;
/// A share of missing values that grew by so much,
const JUMP: f64 = 0.02;
/// and by so many standard errors, is an alarm.
const ERRORS: f64 = 5.0;
/// Fewer than this on either side say nothing.
const ENOUGH: u32 = 100;

/// Counts by bin, the last of which is for missing values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(Vec<u32>);

/// What two histograms say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// One of them counts too little to tell.
    TooFew,
    /// As it was.
    Stable,
    /// Watch it.
    Moving,
    /// Another population.
    Moved,
    /// Values are missing that were not.
    Missing,
}

impl Histogram {
    /// Of so many bins, the one for missing values included.
    #[must_use]
    pub fn new(bins: usize) -> Self {
        Self(vec![0; bins])
    }

    /// Counts one; nothing where there is no such bin.
    pub fn add(&mut self, bin: usize) {
        if let Some(count) = self.0.get_mut(bin) {
            *count = count.saturating_add(1);
        }
    }

    /// How many were counted.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The share of missing values; 0 where nothing was counted.
    #[must_use]
    pub fn missing(&self) -> f64 {
        f64::from(self.0.last().copied().unwrap_or(0)) / f64::from(self.total().max(1))
    }

    /// The population stability index from this one to another; half a case stands in for every bin, so that an empty
    /// one is finite.
    #[must_use]
    pub fn stability(&self, now: &Self) -> f64 {
        let bins = f64::from(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        let share = |count: u32, all: &Self| (f64::from(count) + 0.5) / (f64::from(all.total()) + 0.5 * bins);
        let shares = self.0.iter().zip(&now.0).map(|(then, after)| (share(*then, self), share(*after, now)));
        shares.map(|(then, after)| (after - then) * libm::log(after / then)).sum()
    }

    /// Whether missing values jumped.
    fn is_lost(&self, now: &Self) -> bool {
        let (then, after) = (self.missing(), now.missing());
        let error = libm::sqrt(
            then.max(0.001)
                * (1.0 - then.min(0.999))
                * (1.0 / f64::from(self.total().max(1)) + 1.0 / f64::from(now.total().max(1))),
        );
        after - then > JUMP && after - then > ERRORS * error
    }

    /// What has become of it.
    #[must_use]
    pub fn drift(&self, now: &Self) -> Drift {
        if self.total() < ENOUGH || now.total() < ENOUGH {
            return Drift::TooFew;
        }
        match self.stability(now) {
            _ if self.is_lost(now) => Drift::Missing,
            index if index >= MOVED => Drift::Moved,
            index if index >= MOVING => Drift::Moving,
            _ => Drift::Stable,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(counts: &[u32]) -> Histogram {
        Histogram(counts.to_vec())
    }

    /// By hand: (.6 - .5) ln(.6 / .5) + (.4 - .5) ln(.4 / .5) = .0405.
    #[test]
    fn the_index_is_the_one_of_the_textbook() {
        let index = of(&[50_000, 50_000, 0]).stability(&of(&[60_000, 40_000, 0]));
        assert!((index - 0.0405).abs() < 1e-3, "{index}");
    }

    #[test]
    fn a_header_that_gets_lost_is_an_alarm_however_stable_the_rest() {
        let then = of(&[4_900, 4_900, 200]);
        assert_eq!(then.drift(&of(&[4_780, 4_780, 440])), Drift::Missing);
        assert_eq!(then.drift(&of(&[4_895, 4_895, 210])), Drift::Stable);
        // Coming back is none.
        assert_eq!(of(&[4_780, 4_780, 440]).drift(&then), Drift::Stable);
    }

    #[test]
    fn few_cases_say_nothing() {
        assert_eq!(of(&[99, 0]).drift(&of(&[0, 1_000])), Drift::TooFew);
        assert_eq!(of(&[100, 0]).drift(&of(&[0, 1_000])), Drift::Missing);
        assert_eq!(of(&[1_000, 0, 0]).drift(&of(&[0, 1_000, 0])), Drift::Moved);
        assert_eq!(of(&[500, 500, 0]).drift(&of(&[330, 670, 0])), Drift::Moving);
    }

    proptest! {
        #[test]
        fn the_index_is_finite_never_negative_and_zero_for_the_same(
            then in prop::collection::vec(0..100_000_u32, 6), now in prop::collection::vec(0..100_000_u32, 6),
        ) {
            let index = of(&then).stability(&of(&now));
            prop_assert!(index.is_finite() && index >= -1e-12);
            prop_assert!(of(&then).stability(&of(&then)).abs() < 1e-12);
        }
    }
}
