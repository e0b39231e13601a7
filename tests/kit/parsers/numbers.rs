//! Numbers, addresses, ids and codes: each a text that is taken or not.

use std::fmt::Debug;

use linekeeper_domain::ids::{
    AccountId, AuthorizationId, ChallengeId, ChangeId, ContactId, FactorId, LineId, RepresentativeId, Subject, UserId,
};
use linekeeper_domain::numbers::{Eid, Email, Iccid, Imei, Msisdn, PushEndpoint};
use linekeeper_domain::secret::{OtpCode, RecoveryCode};
use linekeeper_domain::signals::DeviceName;
use linekeeper_domain::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::people::ANA;

/// A text, as everything that it could be. It is taken if it is one of these.
#[must_use]
pub fn numbers(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let taken = [
        phone_number(text),
        address(text),
        sim(text),
        chip(text),
        handset(text),
        endpoint(text),
        ids(text),
        codes(text),
        time(text),
    ];
    taken.contains(&true)
}

/// What was taken is written and read back as the same; `again` is what it is read from once more.
fn reads_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, again: Option<T>) {
    assert_eq!(again.as_ref(), Some(value));
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
}

/// Of a text only so many characters are shown, in logs too.
fn is_masked(full: &str, masked: &str, debug: &str, shown: usize) {
    assert_eq!(masked, debug);
    assert!(!masked.contains(full), "nothing is masked");
    let same = masked.chars().filter(|c| *c != '*').count();
    assert!(same <= shown, "{same} characters are shown");
}

/// Any one digit mistyped is found out.
fn no_digit_is_free(digits: &str, taken: impl Fn(&str) -> bool) {
    for (place, digit) in digits.bytes().enumerate() {
        let mut other = digits.as_bytes().to_vec();
        other[place] = b'0' + (digit - b'0' + 1) % 10;
        assert!(!taken(std::str::from_utf8(&other).unwrap()), "the digit at {place} is free");
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// The check digit, the other way round: from the left, by a table.
fn luhn(digits: &str) -> bool {
    let doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let sum: usize = digits
        .bytes()
        .enumerate()
        .map(|(place, digit)| {
            let value = usize::from(digit - b'0');
            if (digits.len() - place).is_multiple_of(2) { doubled[value] } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn phone_number(text: &str) -> bool {
    let Ok(number) = Msisdn::parse(text) else { return false };
    assert_eq!(number.as_str(), text);
    let digits = text.strip_prefix('+').unwrap();
    assert!((5..=15).contains(&digits.len()) && all_digits(digits) && !digits.starts_with('0'));
    reads_back(&number, Msisdn::parse(number.as_str()).ok());
    is_masked(text, &number.masked(), &format!("{number:?}"), 6);
    assert!(number.masked().matches('*').count() >= 2, "{} hides too little", number.masked());
    assert!(number.country().is_none_or(|country| country.len() == 2 || country == "001"));
    assert!(!number.is_in_its_plan() || number.country().is_some());
    true
}

fn address(text: &str) -> bool {
    let Ok(email) = Email::parse(text) else { return false };
    assert!(email.as_str().len() <= 254 && email.as_str().eq_ignore_ascii_case(text));
    let (local, domain) = email.as_str().rsplit_once('@').unwrap();
    assert!(!local.is_empty() && domain.contains('.') && !domain.bytes().any(|b| b.is_ascii_uppercase()));
    assert!(!email.as_str().contains(['\r', '\n', '\0']), "it would break out of a header");
    reads_back(&email, Email::parse(email.as_str()).ok());
    assert_eq!(email.masked(), format!("{email:?}"));
    // The first character and the domain, nothing else.
    let initial = local.chars().next().unwrap();
    assert_eq!(email.masked(), format!("{initial}***@{domain}"));
    true
}

fn sim(text: &str) -> bool {
    let Ok(number) = Iccid::parse(text) else { return false };
    assert!(matches!(text.len(), 19 | 20) && all_digits(text) && text.starts_with("89") && luhn(text));
    reads_back(&number, Iccid::parse(number.as_str()).ok());
    is_masked(text, &number.masked(), &format!("{number:?}"), 4);
    no_digit_is_free(text, |other| Iccid::parse(other).is_ok());
    true
}

fn chip(text: &str) -> bool {
    let Ok(number) = Eid::parse(text) else { return false };
    assert!(text.len() == 32 && text.starts_with("89") && text.parse::<u128>().unwrap() % 97 == 1);
    reads_back(&number, Eid::parse(number.as_str()).ok());
    is_masked(text, &number.masked(), &format!("{number:?}"), 4);
    no_digit_is_free(text, |other| Eid::parse(other).is_ok());
    true
}

fn handset(text: &str) -> bool {
    let Ok(number) = Imei::parse(text) else { return false };
    assert!(text.len() == 15 && all_digits(text) && luhn(text));
    reads_back(&number, Imei::parse(number.as_str()).ok());
    is_masked(text, &number.masked(), &format!("{number:?}"), 4);
    no_digit_is_free(text, |other| Imei::parse(other).is_ok());
    true
}

fn endpoint(text: &str) -> bool {
    let Ok(endpoint) = PushEndpoint::parse(text) else { return false };
    assert!(text.len() <= 256 && text.starts_with("arn:") && text.bytes().all(|b| b.is_ascii_graphic()));
    reads_back(&endpoint, PushEndpoint::parse(endpoint.as_str()).ok());
    assert!(!format!("{endpoint:?}{}", endpoint.masked()).contains(text));
    true
}

fn ids(text: &str) -> bool {
    let plain = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    macro_rules! each {
        ($($id:ident)*) => {
            $(
                let parsed = $id::parse(text).ok();
                assert_eq!(parsed.is_some(), plain, stringify!($id));
                if let Some(id) = parsed {
                    assert_eq!((id.as_str(), id.to_string().as_str()), (text, text));
                    reads_back(&id, $id::parse(text).ok());
                }
            )*
        };
    }
    each!(AccountId LineId ContactId RepresentativeId UserId ChallengeId AuthorizationId FactorId);
    let Ok(change) = ChangeId::parse(text) else { return plain };
    assert!(text.len() <= 135 && change.as_str() == text);
    reads_back(&change, ChangeId::parse(change.as_str()).ok());
    match change.subject() {
        Subject::Account => assert!(text.starts_with("account.")),
        Subject::Line(line) => assert!(text.starts_with(&format!("line.{line}."))),
    }
    true
}

fn codes(text: &str) -> bool {
    let device = DeviceName::of(text);
    if let Some(device) = &device {
        assert!((16..=128).contains(&text.len()));
        assert_eq!(Some(device), DeviceName::of(text).as_ref());
        assert!(!format!("{device:?}").contains(text));
    }
    let code = OtpCode::parse(text);
    if let Some(code) = &code {
        assert!(code.expose().len() == 6 && all_digits(code.expose()));
        assert_eq!(OtpCode::parse(code.expose()).unwrap().expose(), code.expose());
        assert_eq!(text.replace(' ', ""), code.expose());
    }
    let paper = RecoveryCode::parse(text);
    if let Some(paper) = &paper {
        assert!(paper.expose().len() == 16 && code.is_none());
        assert_eq!(RecoveryCode::parse(&paper.shown()).unwrap().expose(), paper.expose());
    }
    device.is_some() || code.is_some() || paper.is_some()
}

fn time(text: &str) -> bool {
    let Some(time) = Timestamp::parse(text) else { return false };
    reads_back(&time, Timestamp::parse(&time.to_string()));
    true
}

pub(super) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let all = [
        ("good-phone-number", "+13055550123"),
        ("good-phone-number-short", "+2901234"),
        ("good-address", "Ana.Diaz+x@Example.COM"),
        ("good-address-quoted", "\"ana diaz\"@example.com"),
        ("good-address-quoted-at", "\"ana@diaz\"@example.com"),
        ("good-sim-19", ANA.iccid),
        ("good-sim-20", "89012602221935812343"),
        ("good-chip", "89049032123451234512345678901235"),
        ("good-handset", "490154203237518"),
        ("good-endpoint", ANA.push),
        ("good-id", "acct-ana_1"),
        ("good-change-of-a-line", "line.line-ana.0123456789abcdef"),
        ("good-change-of-an-account", "account.0123456789abcdef"),
        ("good-code", " 000 042 "),
        ("good-recovery-code", "abcd-efgh-jklm-npqr"),
        ("good-device", "laptop.of:the/customer"),
        ("good-time", "2026-11-22T15:00:00.5+01:00"),
        ("good-time-extreme", "-009999-01-02T01:59:59Z"),
        ("bad-phone-number", "(305) 555-0123"),
        ("bad-phone-number-trunk", "+0305555012"),
        ("bad-phone-number-wide", "+１３０５５５５０１２３"),
        ("bad-sim-check-digit", "8901260222193581235 "),
        ("bad-address-name", "Ana <a@example.com>"),
        ("bad-address-brackets", " <a@example.com>"),
        ("bad-address-injected", "a@example.com\r\nBcc: b@example.com"),
        ("bad-address-literal", "a@[10.0.0.1]"),
        ("bad-change", "line.x"),
        ("bad-path", "../../etc"),
        ("bad-empty", ""),
        ("bad-time", "2026-02-30T0:0Z"),
    ];
    all.into_iter().map(|(name, text)| (name, text.as_bytes().to_vec())).collect()
}
