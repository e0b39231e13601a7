//! Time and randomness. Both are handed in; both are real in production only.

use std::time::{SystemTime, UNIX_EPOCH};

use linekeeper_domain::ids::ChallengeId;
use linekeeper_domain::secret::{OtpCode, RecoveryCode};
use linekeeper_domain::time::Timestamp;
use rand::RngExt as _;

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        Timestamp::from_second(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

/// A uniform source of what must not be guessed.
pub trait Entropy: Send + Sync {
    /// A number from `0..bound`, each as likely as the other.
    fn below(&self, bound: u32) -> u32;

    /// A one-time code.
    fn code(&self) -> OtpCode {
        OtpCode::from_number(self.below(OtpCode::COUNT))
    }

    /// A byte of a seed.
    fn byte(&self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or(0)
    }

    /// A recovery code of 80 bits.
    fn recovery_code(&self) -> RecoveryCode {
        RecoveryCode::from_numbers(std::array::from_fn(|_| self.below(32)))
    }

    /// The id of a challenge: 120 random bits, so that it cannot be guessed either.
    fn challenge(&self) -> Option<ChallengeId> {
        let text: String = (0..5).map(|_| format!("{:06x}", self.below(1 << 24))).collect();
        ChallengeId::parse(&format!("ch_{text}")).ok()
    }
}

/// The operating system's generator, through a cryptographic one seeded from it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn below(&self, bound: u32) -> u32 {
        rand::rng().random_range(0..bound.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_uniform_over_their_last_digit_and_their_first() {
        let mut first = [0_u32; 10];
        let mut last = [0_u32; 10];
        for _ in 0..100_000 {
            let code = SystemEntropy.code();
            let digit = |at: usize| usize::from(code.expose().as_bytes()[at] - b'0');
            first[digit(0)] += 1;
            last[digit(5)] += 1;
        }
        // Chi-square with 9 degrees of freedom: over 40 comes once in a hundred thousand runs.
        let chi_square = |counts: [u32; 10]| counts.iter().map(|&n| (f64::from(n) - 10_000.0).powi(2) / 10_000.0).sum::<f64>();
        assert!(chi_square(first) < 40.0, "{first:?}");
        assert!(chi_square(last) < 40.0, "{last:?}");
    }
}
