//! Time and randomness. Both are handed in; both are real in production only.

use std::time::{SystemTime, UNIX_EPOCH};

use linekeeper_domain::desk::NUMBERS;
use linekeeper_domain::ids::{CareContactId, ChallengeId};
use linekeeper_domain::secret::{OtpCode, RecoveryCode, TransferPinCode};
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

    /// A number transfer PIN.
    fn transfer_pin(&self) -> TransferPinCode {
        TransferPinCode::from_number(self.below(TransferPinCode::COUNT))
    }

    /// The id of a challenge: 120 random bits, so that it cannot be guessed either.
    fn challenge(&self) -> Option<ChallengeId> {
        let text: String = (0..5).map(|_| format!("{:06x}", self.below(1 << 24))).collect();
        ChallengeId::parse(&format!("ch_{text}")).ok()
    }

    /// The id of a contact of the care desk: as many bits, since it says whose line it is to nobody.
    fn contact(&self) -> Option<CareContactId> {
        let text: String = (0..5).map(|_| format!("{:06x}", self.below(1 << 24))).collect();
        CareContactId::parse(&format!("cc_{text}")).ok()
    }

    /// What a representative says and the customer enters.
    fn contact_number(&self) -> u32 {
        self.below(NUMBERS)
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
    fn a_million_codes_are_uniform_over_every_digit_and_over_the_thousands() {
        const DRAWS: u32 = 1_000_000;
        let mut digits = [[0_u32; 10]; 6];
        let mut thousands = vec![0_u32; 1_000];
        for _ in 0..DRAWS {
            let code = SystemEntropy.code();
            for (place, byte) in code.expose().bytes().enumerate() {
                digits[place][usize::from(byte - b'0')] += 1;
            }
            thousands[code.expose()[..3].parse::<usize>().unwrap()] += 1;
        }
        let chi_square = |counts: &[u32]| {
            let expected = f64::from(DRAWS) / counts.iter().map(|_| 1.0).sum::<f64>();
            counts.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum::<f64>()
        };
        // With 9 and with 999 degrees of freedom: values that come less than once in a million runs.
        for (place, counts) in digits.iter().enumerate() {
            assert!(chi_square(counts) < 45.0, "digit {place}: {counts:?}");
        }
        assert!(chi_square(&thousands) < 1_240.0, "{}", chi_square(&thousands));
    }
}
