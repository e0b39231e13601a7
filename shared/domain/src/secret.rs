//! Values that must never be seen again: no `Debug`, no `Serialize`, wiped when dropped.

use zeroize::Zeroizing;

/// A one-time code of six decimal digits.
#[expect(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Clone)]
pub struct OtpCode(Zeroizing<String>);

impl OtpCode {
    /// How many codes there are.
    pub const COUNT: u32 = 1_000_000;

    /// The code with this number. The caller draws it uniformly from `0..COUNT`.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self(Zeroizing::new(format!("{:06}", number % Self::COUNT)))
    }

    /// Parses what a customer typed: six ASCII digits; spaces around and within are forgiven.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 16 {
            return None;
        }
        let digits = Zeroizing::new(text.chars().filter(|c| *c != ' ').collect::<String>());
        (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(Self(digits))
    }

    /// The digits, for the message to the customer and the input of the MAC only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_keeps_its_leading_zeros() {
        assert_eq!(OtpCode::from_number(42).expose(), "000042");
        assert_eq!(OtpCode::parse(" 000 042 ").unwrap().expose(), "000042");
    }

    #[test]
    fn anything_else_is_no_code() {
        for text in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "                  123456"] {
            assert!(OtpCode::parse(text).is_none(), "{text}");
        }
    }
}
