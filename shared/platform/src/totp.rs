//! Codes of an authenticator app (RFC 6238), with what every such app supports: SHA-1, six digits, 30
//! seconds.
//!
//! Contract: a code of the step before or after is taken, for clocks that differ; that each is taken once
//! is the caller's, who keeps the step of the last one. A seed is never printed and wiped when dropped.

use linekeeper_domain::secret::OtpCode;
use linekeeper_domain::time::Timestamp;
use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

/// How many steps before and after now are taken.
const SKEW: u16 = 1;
/// Seconds in a step.
const STEP: u64 = 30;

/// What a customer's app and we share: 160 bits, as RFC 4226 recommends.
#[expect(missing_debug_implementations, reason = "a secret is never printed")]
pub struct Seed(Zeroizing<[u8; Seed::LENGTH]>);

impl Seed {
    /// How many bytes it has.
    pub const LENGTH: usize = 20;

    /// The seed of these bytes. The caller draws them uniformly.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<[u8; Self::LENGTH]>) -> Self {
        Self(bytes)
    }

    /// The seed as it was unsealed; nothing where it has another length.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        <[u8; Self::LENGTH]>::try_from(bytes).ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The bytes, to be sealed only.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The step that a code belongs to, if it is of now or of a neighbour. To be accepted once: only
    /// where it is after the step accepted last.
    #[must_use]
    pub fn step(&self, code: &OtpCode, now: Timestamp) -> Option<u64> {
        let now = u64::try_from(now.as_second()).ok()?;
        self.totp("", "").check(code.expose(), now)
    }

    /// The `otpauth:` address that an app reads from a QR code.
    #[must_use]
    pub fn uri(&self, issuer: &str, account_label: &str) -> Zeroizing<String> {
        // A colon parts the two in the address, and a label must not be empty.
        let without_colons = |text: &str| text.replace(':', " ");
        let label = match account_label.is_empty() {
            true => "account".to_owned(),
            false => without_colons(account_label),
        };
        Zeroizing::new(self.totp(&without_colons(issuer), &label).to_url().unwrap_or_default())
    }

    /// The seed in base32, for an app that cannot read the QR code.
    #[must_use]
    pub fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(Secret::from(*self.0).to_base32())
    }

    fn totp(&self, issuer: &str, label: &str) -> Totp {
        let builder = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_skew(SKEW)
            .with_step_duration(STEP)
            .with_secret(*self.0)
            .with_issuer((!issuer.is_empty()).then_some(issuer))
            .with_account_name(label);
        // "Noncompliant" leaves out the checks of what is fixed above.
        builder.build_noncompliant()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8; 20] = b"12345678901234567890";

    fn seed() -> Seed {
        Seed::from_bytes(Zeroizing::new(*SECRET))
    }

    fn step(code: &str, now: i64) -> Option<u64> {
        seed().step(&OtpCode::parse(code).unwrap(), Timestamp::from_second(now))
    }

    /// RFC 4226, appendix D: what the counters 0 to 9 give.
    const HOTP: [&str; 10] = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];

    /// RFC 6238, appendix B: the time, and the codes by SHA-1, SHA-256 and SHA-512.
    const TOTP: [(u64, [&str; 3]); 6] = [
        (59, ["94287082", "46119246", "90693936"]),
        (1_111_111_109, ["07081804", "68084774", "25091201"]),
        (1_111_111_111, ["14050471", "67062674", "99943326"]),
        (1_234_567_890, ["89005924", "91819424", "93441116"]),
        (2_000_000_000, ["69279037", "90698825", "38618901"]),
        (20_000_000_000, ["65353130", "77737706", "47863826"]),
    ];

    #[test]
    fn the_codes_are_those_of_rfc_4226() {
        for (counter, code) in (0_u64..).zip(HOTP) {
            assert_eq!(step(code, i64::try_from(counter).unwrap() * 30), Some(counter), "{code}");
        }
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        for (time, codes) in TOTP {
            let six = &codes[0][2..];
            assert_eq!(step(six, i64::try_from(time).unwrap()), Some(time / 30), "{six}");
            let algorithms = [(Algorithm::SHA1, 20), (Algorithm::SHA256, 32), (Algorithm::SHA512, 64)];
            for ((algorithm, length), code) in algorithms.into_iter().zip(codes) {
                let secret: Vec<u8> = SECRET.iter().copied().cycle().take(length).collect();
                let totp = Builder::new().with_algorithm(algorithm).with_digits(8).with_secret(secret).build().unwrap();
                assert_eq!(totp.generate(time).to_string(), code, "{algorithm} at {time}");
            }
        }
    }

    #[test]
    fn a_code_is_good_in_its_own_step_and_the_two_beside_it() {
        // The code of step 5 lasts from 150 to 179.
        for (now, good) in [(119, false), (120, true), (149, true), (150, true), (179, true), (209, true), (210, false)] {
            assert_eq!(step(HOTP[5], now), good.then_some(5), "{now}");
        }
    }

    #[test]
    fn another_code_is_not_good() {
        assert_eq!(step("254677", 150), None);
        assert_eq!(step("000000", 150), None);
    }

    #[test]
    fn a_clock_before_1970_takes_no_code() {
        for now in [-1, -30, i64::MIN] {
            assert_eq!(step(HOTP[0], now), None, "{now}");
        }
    }

    #[test]
    fn an_app_can_read_the_address() {
        let uri = seed().uri("My Mobile", "…0100");
        assert_eq!(
            uri.as_str(),
            "otpauth://totp/My%20Mobile:%E2%80%A60100?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=My%20Mobile"
        );
        assert_eq!(seed().base32().as_str(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    proptest! {
        #[test]
        fn no_time_and_no_code_panics(number in 0..OtpCode::COUNT, now: i64) {
            let now = Timestamp::from_second(now);
            if let Some(step) = seed().step(&OtpCode::from_number(number), now) {
                let current = u64::try_from(now.as_second()).unwrap() / 30;
                prop_assert!(step.abs_diff(current) <= 1);
            }
        }

        #[test]
        fn whatever_the_names_the_address_holds_the_seed(issuer: String, label: String) {
            let uri = seed().uri(&issuer, &label);
            prop_assert!(uri.starts_with("otpauth://totp/"));
            prop_assert!(uri.contains("?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
        }
    }
}
