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

/// A recovery code: 80 random bits, as 16 letters and digits in groups of four. No 0, 1, I or O in it.
#[expect(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Clone)]
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    const ALPHABET: [char; 32] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z',
        '2', '3', '4', '5', '6', '7', '8', '9',
    ];

    /// The code of these numbers, of which the lowest five bits count. The caller draws them uniformly.
    #[must_use]
    pub fn from_numbers(numbers: [u32; 16]) -> Self {
        let character = |n: u32| Self::ALPHABET.get(usize::try_from(n % 32).unwrap_or(0)).copied().unwrap_or('A');
        Self(Zeroizing::new(numbers.into_iter().map(character).collect()))
    }

    /// Parses what a customer typed: capitals or not, with hyphens and spaces or without.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 40 {
            return None;
        }
        let plain: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_ascii_uppercase()).collect());
        (plain.chars().count() == 16 && plain.chars().all(|c| Self::ALPHABET.contains(&c))).then_some(Self(plain))
    }

    /// The sixteen characters, for their digest only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The code as it is shown, once: `ABCD-EFGH-JKLM-NPQR`.
    #[must_use]
    pub fn shown(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(19));
        for (n, character) in self.0.chars().enumerate() {
            if n > 0 && n % 4 == 0 {
                text.push('-');
            }
            text.push(character);
        }
        text
    }
}

/// A number transfer PIN of eight decimal digits: what gaining carriers' forms take.
#[expect(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Clone)]
pub struct TransferPinCode(Zeroizing<String>);

impl TransferPinCode {
    /// How many PINs there are.
    pub const COUNT: u32 = 100_000_000;

    /// The PIN with this number. The caller draws it uniformly from `0..COUNT`.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self(Zeroizing::new(format!("{:08}", number % Self::COUNT)))
    }

    /// What came with an order: whatever has other than eight digits is a wrong PIN like any other.
    #[must_use]
    pub fn given(text: &str) -> Self {
        Self(Zeroizing::new(text.chars().take(16).collect()))
    }

    /// The digits, for the customer's screen and the input of the MAC only.
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
    fn a_recovery_code_reads_back_however_it_is_typed() {
        let code = RecoveryCode::from_numbers(std::array::from_fn(|n| u32::try_from(n).unwrap() * 7));
        assert_eq!(code.shown().len(), 19);
        for typed in
            [code.shown().to_string(), code.shown().to_lowercase(), code.expose().to_owned(), code.shown().replace('-', " ")]
        {
            assert_eq!(RecoveryCode::parse(&typed).unwrap().expose(), code.expose());
        }
        for text in ["", "ABCD-EFGH-JKLM-NPQ", "ABCD-EFGH-JKLM-NPQ0", "ABCD-EFGH-JKLM-NPQI", "ABCD-EFGH-JKLM-NPQRS"] {
            assert!(RecoveryCode::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_code() {
        for text in ["", "12345", "1234567", "12345a", "１２３４５６", "-12345", "                  123456"] {
            assert!(OtpCode::parse(text).is_none(), "{text}");
        }
    }
}
