//! Numbers and addresses of the field, parsed once at the edge and valid ever after.
//!
//! They are personal data or lead to it: `Debug` shows them masked, and a log line that prints one in
//! full takes a deliberate call of `as_str`.

use std::fmt;

use rlibphonenumber::PHONE_NUMBER_UTIL;
use serde::{Deserialize, Serialize};

/// Why a text is not what it should be. Never echoes the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a valid number in E.164 form.
    #[error("not a valid phone number in E.164 form, such as +13055550123")]
    Msisdn,
    /// Not 19 or 20 digits with a right check digit.
    #[error("not an ICCID: 19 or 20 digits starting with 89, the last one a check digit")]
    Iccid,
    /// Not 32 digits with right check digits.
    #[error("not an EID: 32 digits starting with 89, the last two check digits")]
    Eid,
    /// Not 15 digits with a right check digit.
    #[error("not an IMEI: 15 digits, the last one a check digit")]
    Imei,
    /// Not an e-mail address.
    #[error("not an e-mail address of at most 254 characters")]
    Email,
    /// Not a push endpoint.
    #[error("not a push endpoint: the ARN of an SNS endpoint")]
    PushEndpoint,
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $error:expr, $parse:expr, $mask:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses and normalises.
            ///
            /// # Errors
            /// The variant of [`NumberError`] of this type.
            pub fn parse(text: &str) -> Result<Self, NumberError> {
                let parse: fn(&str) -> Option<String> = $parse;
                parse(text).map(Self).ok_or($error)
            }

            /// The value in full: for the one who needs it, never for a log.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The value as it may be shown to whoever asks.
            #[must_use]
            pub fn masked(&self) -> String {
                let mask: fn(&str) -> String = $mask;
                mask(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.masked())
            }
        }

        impl TryFrom<String> for $name {
            type Error = NumberError;
            fn try_from(text: String) -> Result<Self, NumberError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

number! {
    /// A phone number in E.164 form, such as `+13055550123`.
    ///
    /// Parsing checks the form. Whether the number exists in its numbering plan is asked once, when it comes
    /// in ([`Msisdn::is_in_its_plan`]): the plan is megabytes of data that no other function should load at a
    /// cold start, and that change; a line that was opened must stay readable when they do.
    Msisdn, NumberError::Msisdn, e164, |text| mask(text, 2, if text.len() > 10 { 4 } else { 2 })
}

impl Msisdn {
    /// The last four digits, as one may name a number to its owner.
    #[must_use]
    pub fn tail(&self) -> u16 {
        self.0.get(self.0.len().saturating_sub(4)..).and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }

    /// Whether the phone-number library knows it as a valid number.
    #[must_use]
    pub fn is_in_its_plan(&self) -> bool {
        PHONE_NUMBER_UTIL.parse(&self.0, None).is_ok_and(|number| PHONE_NUMBER_UTIL.is_valid_number(&number))
    }

    /// The country that it belongs to (ISO 3166-1 alpha-2), which a calling code does not tell: +1 is two
    /// dozen of them, and messages to some of those are what a pump is paid for.
    #[must_use]
    pub fn country(&self) -> Option<String> {
        let number = PHONE_NUMBER_UTIL.parse(&self.0, None).ok()?;
        PHONE_NUMBER_UTIL.get_region_for_number(&number).map(|region| region.as_region_str().to_string())
    }
}
number! {
    /// The number of a SIM card or eSIM profile (ITU-T E.118): 19 or 20 digits with a Luhn check digit.
    Iccid, NumberError::Iccid,
    |text| (matches!(text.len(), 19 | 20) && text.starts_with("89") && luhn(text)).then(|| text.to_owned()),
    |text| mask(text, 0, 4)
}
number! {
    /// The number of an eSIM chip (GSMA SGP.02): 32 digits, remainder 1 modulo 97.
    Eid, NumberError::Eid,
    |text| (text.len() == 32 && text.starts_with("89") && modulo_97(text) == Some(1)).then(|| text.to_owned()),
    |text| mask(text, 0, 4)
}
number! {
    /// The number of a handset (3GPP TS 23.003): 15 digits with a Luhn check digit.
    Imei, NumberError::Imei,
    |text| (text.len() == 15 && luhn(text)).then(|| text.to_owned()),
    |text| mask(text, 0, 4)
}
number! {
    /// An e-mail address; the domain in lower case.
    Email, NumberError::Email, email, |text| match text.rsplit_once('@') {
        Some((name, domain)) => format!("{}***@{domain}", name.chars().next().unwrap_or('*')),
        None => "***".to_owned(),
    }
}
number! {
    /// Where a push message to the customer's app is published: the ARN of an SNS endpoint.
    PushEndpoint, NumberError::PushEndpoint,
    |text| (text.starts_with("arn:") && text.contains(":sns:") && (20..=256).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())).then(|| text.to_owned()),
    |_| "your app".to_owned()
}

fn e164(text: &str) -> Option<String> {
    // One number has one form: no spaces, no brackets, no national prefix.
    let digits = text.strip_prefix('+')?;
    let fits = (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    fits.then(|| text.to_owned())
}

fn email(text: &str) -> Option<String> {
    let options = email_address::Options::default().without_display_text().without_domain_literal().with_required_tld();
    let address = email_address::EmailAddress::parse_with_options(text, options).ok()?;
    let bare = format!("{}@{}", address.local_part(), address.domain().to_ascii_lowercase());
    // The library takes angle brackets with nothing before them; they are no part of an address.
    (text.len() <= 254 && bare.len() == text.len()).then_some(bare)
}

/// ISO/IEC 7812-1 annex B, check digit included.
fn luhn(text: &str) -> bool {
    let mut sum = 0;
    for (place, c) in text.chars().rev().enumerate() {
        let Some(digit) = c.to_digit(10) else { return false };
        let weighted = if place % 2 == 1 { digit * 2 } else { digit };
        sum += if weighted > 9 { weighted - 9 } else { weighted };
    }
    sum % 10 == 0
}

fn modulo_97(text: &str) -> Option<u32> {
    text.chars().try_fold(0, |rest, c| Some((rest * 10 + c.to_digit(10)?) % 97))
}

fn mask(text: &str, head: usize, tail: usize) -> String {
    let count = text.chars().count();
    text.chars().enumerate().map(|(i, c)| if i < head || i + tail >= count { c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_form() {
        assert_eq!(Msisdn::parse("+13055550123").unwrap().as_str(), "+13055550123");
        for other in ["13055550123", "(305) 555-0123", "+1 305 555 0123", "+", "", "+1305555012a", "+0305555012"] {
            assert_eq!(Msisdn::parse(other), Err(NumberError::Msisdn), "{other}");
        }
    }

    #[test]
    fn a_number_that_its_plan_does_not_know_is_found_out() {
        assert!(Msisdn::parse("+13055550123").unwrap().is_in_its_plan());
        for other in ["+10000000000", "+1305555012", "+999123456789"] {
            assert!(!Msisdn::parse(other).unwrap().is_in_its_plan(), "{other}");
        }
    }

    #[test]
    fn check_digits_are_checked() {
        assert!(Iccid::parse("8901260222193581235").is_err());
        let good = (0..10).map(|d| format!("890126022219358123{d}")).filter(|t| Iccid::parse(t).is_ok()).count();
        assert_eq!(good, 1);
        assert!(Imei::parse("490154203237518").is_ok());
        assert!(Imei::parse("490154203237519").is_err());
        assert!(Eid::parse("89049032123451234512345678901235").is_ok());
        assert!(Eid::parse("89049032123451234512345678901236").is_err());
    }

    #[test]
    fn an_address_keeps_its_case_before_the_at_sign_only() {
        assert_eq!(Email::parse("Ana.Diaz@Example.COM").unwrap().as_str(), "Ana.Diaz@example.com");
        for bad in ["", "a", "a@", "a@b", "Ana <a@example.com>", " <a@example.com>", "a@[10.0.0.1]", "a b@example.com"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_belongs_to_a_country_which_its_calling_code_does_not_tell() {
        let country = |text: &str| Msisdn::parse(text).unwrap().country().unwrap_or_default();
        assert_eq!(country("+13055550123"), "US");
        assert_eq!(country("+18765550123"), "JM");
        assert_eq!(country("+442079460018"), "GB");
    }

    #[test]
    fn debug_shows_no_number() {
        assert_eq!(format!("{:?}", Msisdn::parse("+13055550123").unwrap()), "+1******0123");
        assert_eq!(format!("{:?}", Msisdn::parse("+2901234").unwrap()), "+2****34");
        assert_eq!(format!("{:?}", Msisdn::parse("+12345").unwrap()), "+1**45");
        assert_eq!(format!("{:?}", Email::parse("ana@example.com").unwrap()), "a***@example.com");
        assert_eq!(format!("{:?}", Email::parse("\"ana@diaz\"@example.com").unwrap()), "\"***@example.com");
        assert_eq!(format!("{:?}", Imei::parse("490154203237518").unwrap()), "***********7518");
    }
}
