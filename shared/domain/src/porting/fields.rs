//! The data fields of a port request: the fourteen of 47 CFR 52.36(b) in their order, and the passcode of (c).
//!
//! A carrier may ask for these and no others (52.36(a)). The rule names the fields and gives no lengths; where
//! a length comes from, its type says. `[V]` was read in a source, `[V2]` in a secondary one, `[M]` is from
//! memory, `[Ours]` is a limit of ours that no source gives.
//!
//! An account number and a ZIP are personal data: `Debug` shows them masked. A passcode is a secret.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::kinds::vocabulary;

vocabulary! {
    /// A field of a message, by its name on the wire.
    Field {
        /// The message as a whole.
        Message = "message",
        /// CloudEvents: `specversion`.
        SpecVersion = "specversion",
        /// CloudEvents: `id`.
        Id = "id",
        /// CloudEvents: `source`.
        Source = "source",
        /// CloudEvents: `type`.
        Type = "type",
        /// CloudEvents: `time`.
        Time = "time",
        /// CloudEvents: `datacontenttype`.
        ContentType = "datacontenttype",
        /// CloudEvents: `data`.
        Data = "data",
        /// 52.36(b)(1).
        PortedNumber = "ported_number",
        /// 52.36(b)(2).
        AccountNumber = "account_number",
        /// 52.36(b)(3).
        Zip = "zip",
        /// 52.36(b)(4).
        CompanyCode = "company_code",
        /// 52.36(b)(5).
        NewNetworkServiceProvider = "new_network_service_provider",
        /// 52.36(b)(6).
        DesiredDueDate = "desired_due_date",
        /// 52.36(b)(7).
        PurchaseOrderNumber = "purchase_order_number",
        /// 52.36(b)(8).
        Version = "version",
        /// 52.36(b)(9).
        PortabilityDirection = "portability_direction",
        /// 52.36(b)(10).
        CustomerCarrierName = "customer_carrier_name",
        /// 52.36(b)(11).
        RequisitionType = "requisition_type",
        /// 52.36(b)(12).
        Activity = "activity",
        /// 52.36(b)(13).
        InitiatorNumber = "initiator_number",
        /// 52.36(b)(14).
        AgencyAuthority = "agency_authority",
        /// 52.36(c).
        Passcode = "passcode",
        /// Which kind of supplement it is.
        Supplement = "supplement",
        /// When the number was activated at its new network.
        ActivatedAt = "activated_at",
        /// Which concurrence timer it is.
        Timer = "timer",
        /// When the timer runs out.
        ExpiresAt = "expires_at",
        /// Which gateway it is.
        Gateway = "gateway",
        /// A name that is none of these. It is not repeated: it may be anything.
        Unknown = "unknown",
    }
}

impl Field {
    /// The fourteen that the rule requires, in its order.
    pub const REQUIRED: [Self; 14] = [
        Self::PortedNumber,
        Self::AccountNumber,
        Self::Zip,
        Self::CompanyCode,
        Self::NewNetworkServiceProvider,
        Self::DesiredDueDate,
        Self::PurchaseOrderNumber,
        Self::Version,
        Self::PortabilityDirection,
        Self::CustomerCarrierName,
        Self::RequisitionType,
        Self::Activity,
        Self::InitiatorNumber,
        Self::AgencyAuthority,
    ];

    /// What its value must be, in plain words.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Message => "one JSON object of at most 64 KiB that names no field twice",
            Self::SpecVersion => "`1.0`",
            Self::Id | Self::Source => "1 to 256 visible ASCII characters",
            Self::Type => "the type of a porting message",
            Self::Time | Self::DesiredDueDate | Self::ActivatedAt | Self::ExpiresAt => {
                "a time of RFC 3339 with its zone, from 2000 to 2099"
            }
            Self::ContentType => "`application/json`, where it is given",
            Self::Data => "an object with the fields of the message's type",
            Self::PortedNumber | Self::InitiatorNumber => "a phone number in E.164 form, such as +13055550123",
            Self::AccountNumber => "1 to 20 characters, with a letter or digit among them",
            Self::Zip => "5 or 9 digits",
            Self::CompanyCode | Self::NewNetworkServiceProvider => "4 letters and digits",
            Self::PurchaseOrderNumber => "1 to 16 letters, digits, hyphens and dots",
            Self::Version => "a number from 0 to 99",
            Self::PortabilityDirection | Self::Activity | Self::AgencyAuthority => "1 letter or digit",
            Self::CustomerCarrierName => "3 letters and digits",
            Self::RequisitionType => "2 letters",
            Self::Passcode => "4 to 15 letters and digits",
            Self::Supplement => "`cancel`, `due_date` or `other`",
            Self::Timer => "`t1` or `t2`",
            Self::Gateway => "1 to 64 letters, digits, hyphens and underscores",
            Self::Unknown => "left out: the message's type has no such field",
        }
    }
}

/// A field whose value is not what it should be. Never echoes the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be {rule}", rule = .0.rule())]
pub struct FieldError(pub Field);

macro_rules! field {
    ($(#[$doc:meta])* $name:ident, $field:expr, $parse:expr, $debug:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses and normalises.
            ///
            /// # Errors
            /// Names the field.
            pub fn parse(text: &str) -> Result<Self, FieldError> {
                let parse: fn(&str) -> Option<String> = $parse;
                parse(text).map(Self).ok_or(FieldError($field))
            }

            /// The value, normalised.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let shown: fn(&str) -> String = $debug;
                f.write_str(&shown(&self.0))
            }
        }

        impl TryFrom<String> for $name {
            type Error = FieldError;
            fn try_from(text: String) -> Result<Self, FieldError> {
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

field! {
    /// The customer's account number at the old carrier.
    ///
    /// At most 20 characters \[M: the local ordering guide\]. Case and punctuation make no difference (number
    /// porting best practice 33 \[V: npac.com\]), so it is kept in capitals and without punctuation.
    AccountNumber, Field::AccountNumber, account_number, |text| masked(text, 2)
}

field! {
    /// The ZIP of the billing address: 5 digits, or 9 with or without a hyphen \[V: the US form\]. It is
    /// compared by its first five ([`Zip::matches`]): number porting best practice 33 \[V: npac.com\], whose note of
    /// April 2004 says that the largest carriers agreed not to compare it at all. It adds little, then.
    Zip, Field::Zip, zip, |text| masked(text, 0)
}

field! {
    /// Who sends the order: 4 letters and digits \[M: the local ordering guide\]. It holds the SPID of the new local service
    /// provider \[V2: a large carrier's ordering guide\].
    CompanyCode, Field::CompanyCode, |text| capitals(text, 4..=4), str::to_owned
}

field! {
    /// The SPID of a network: 4 letters and digits, as the number portability administration gives them \[V2: the
    /// form of a wholesale carrier's example\].
    Spid, Field::NewNetworkServiceProvider, |text| capitals(text, 4..=4), str::to_owned
}

field! {
    /// The purchase order number: 1 to 16 characters \[V2: a carrier's copy of the access ordering guide
    /// gives 16 alphanumerics; M: the local one too\]. Hyphens and dots are in wide use and allowed \[Ours\]. Kept in capitals.
    Pon, Field::PurchaseOrderNumber, pon, str::to_owned
}

field! {
    /// Wireline or wireless on each side: one letter \[V2: `C` is wireline to wireless, `D` wireline to
    /// wireline; the others are not established here\].
    Direction, Field::PortabilityDirection, |text| capitals(text, 1..=1), str::to_owned
}

field! {
    /// The abbreviated name of the carrier that is the customer of the order: the three characters of its
    /// interconnection access code \[V2 for the code, M for three\].
    Ccna, Field::CustomerCarrierName, |text| capitals(text, 3..=3), str::to_owned
}

field! {
    /// What is ordered and in which state: two letters, the first being `C` for number portability \[V2\].
    /// Not held to that letter: what a request is, its message type says.
    Requisition, Field::RequisitionType, requisition, str::to_owned
}

field! {
    /// What is done to the account: one letter \[V2\].
    Activity, Field::Activity, |text| capitals(text, 1..=1), str::to_owned
}

field! {
    /// Whether the customer's authority is on file: one letter, `Y` for yes \[V2\].
    Agency, Field::AgencyAuthority, |text| capitals(text, 1..=1), str::to_owned
}

impl AccountNumber {
    /// Whether both are one account, whatever the case and the punctuation they came with.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self == other
    }
}

impl Zip {
    /// Whether both are one delivery area: the first five digits.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.get(..5) == other.0.get(..5)
    }
}

/// The version of an order, rising with every supplement: 0 to 99, one or two digits on the wire \[V2: a
/// carrier's copy of the access ordering guide has two digits for versions\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PortVersion(u8);

impl PortVersion {
    /// From a number.
    ///
    /// # Errors
    /// Over 99.
    pub const fn new(number: u8) -> Result<Self, FieldError> {
        match number {
            0..=99 => Ok(Self(number)),
            100..=u8::MAX => Err(FieldError(Field::Version)),
        }
    }

    /// Parses one or two digits; `01` and `1` are one version.
    ///
    /// # Errors
    /// Names the field.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let digits = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok().map(Self)).flatten().ok_or(FieldError(Field::Version))
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for PortVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl TryFrom<String> for PortVersion {
    type Error = FieldError;
    fn try_from(text: String) -> Result<Self, FieldError> {
        Self::parse(&text)
    }
}

impl From<PortVersion> for String {
    fn from(version: PortVersion) -> Self {
        version.to_string()
    }
}

/// The passcode of a port request, also called transfer PIN: what the customer got from us and gave to her new
/// carrier. Optional unless she asked for one (52.36(c)).
///
/// 4 to 15 letters and digits: carriers have used PINs of six digits \[V2\] and passcodes of up to 15 \[V: a
/// carrier's notice\]; four as the least is ours. No `Debug`, no `Serialize`, wiped when dropped.
#[expect(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Clone)]
pub struct Passcode(Zeroizing<String>);

impl Passcode {
    /// Parses what a gateway passed on; spaces and hyphens are forgiven, capitals make no difference.
    ///
    /// # Errors
    /// Names the field.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let error = FieldError(Field::Passcode);
        if text.len() > 32 {
            return Err(error);
        }
        let plain: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_ascii_uppercase()).collect());
        let fits = (4..=15).contains(&plain.len()) && plain.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(plain)) } else { Err(error) }
    }

    /// The characters, for the input of the MAC only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn account_number(text: &str) -> Option<String> {
    let text = text.trim_matches(' ');
    if !(1..=20).contains(&text.len()) || !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return None;
    }
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    (!plain.is_empty()).then_some(plain)
}

fn zip(text: &str) -> Option<String> {
    let digits = match text.split_once('-') {
        Some((area, rest)) if area.len() == 5 && rest.len() == 4 => format!("{area}{rest}"),
        Some(_) => return None,
        None => text.to_owned(),
    };
    (matches!(digits.len(), 5 | 9) && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

fn capitals(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<String> {
    let fits = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| text.to_ascii_uppercase())
}

fn requisition(text: &str) -> Option<String> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
}

fn pon(text: &str) -> Option<String> {
    let fits = (1..=16).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && text.bytes().any(|b| b.is_ascii_alphanumeric());
    fits.then(|| text.to_ascii_uppercase())
}

/// All but the last `tail` characters as stars; all of a short one.
fn masked(text: &str, tail: usize) -> String {
    let count = text.chars().count();
    let tail = if count > 2 * tail { tail } else { 0 };
    text.chars().enumerate().map(|(n, c)| if n + tail >= count { c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourteen_fields_stand_in_the_order_of_the_rule() {
        assert_eq!(Field::REQUIRED.len(), 14);
        assert!(Field::REQUIRED.is_sorted());
        assert!(!Field::REQUIRED.contains(&Field::Passcode));
    }

    #[test]
    fn an_error_names_its_field_and_what_it_must_be_and_not_the_value() {
        let error = Zip::parse("1234X").unwrap_err();
        assert_eq!(error.to_string(), "`zip` must be 5 or 9 digits");
        assert_eq!(
            Pon::parse("").unwrap_err().to_string(),
            "`purchase_order_number` must be 1 to 16 letters, digits, hyphens and dots"
        );
    }

    #[test]
    fn an_account_number_is_compared_without_case_and_punctuation() {
        let ours = AccountNumber::parse("987-654 abc").unwrap();
        for same in ["987654ABC", "987.654.abc", " 987654abc ", "(987)654/ABC"] {
            assert!(ours.matches(&AccountNumber::parse(same).unwrap()), "{same}");
        }
        assert!(!ours.matches(&AccountNumber::parse("987654ABD").unwrap()));
        for bad in ["", "   ", "---", "123456789012345678901", "12\n34", "12é4"] {
            assert_eq!(AccountNumber::parse(bad), Err(FieldError(Field::AccountNumber)), "{bad}");
        }
    }

    #[test]
    fn a_zip_is_compared_by_its_first_five_digits() {
        let ours = Zip::parse("33101").unwrap();
        for same in ["33101", "33101-1234", "331019999"] {
            assert!(ours.matches(&Zip::parse(same).unwrap()), "{same}");
        }
        assert!(!ours.matches(&Zip::parse("33102").unwrap()));
        for bad in ["", "3310", "331011", "33101-", "33101-123", "3310-11234", "33l01", " 33101", "３３１０１"] {
            assert_eq!(Zip::parse(bad), Err(FieldError(Field::Zip)), "{bad}");
        }
    }

    #[test]
    fn codes_have_their_lengths_and_are_kept_in_capitals() {
        assert_eq!(Spid::parse("6x21").unwrap().as_str(), "6X21");
        assert_eq!(CompanyCode::parse("987h").unwrap().as_str(), "987H");
        assert_eq!(Ccna::parse("zzz").unwrap().as_str(), "ZZZ");
        assert_eq!(Requisition::parse("cb").unwrap().as_str(), "CB");
        assert_eq!(Pon::parse("lk-2026.0001").unwrap().as_str(), "LK-2026.0001");
        for bad in ["", "123", "12345", "12 4", "12-4", "12é"] {
            assert_eq!(Spid::parse(bad), Err(FieldError(Field::NewNetworkServiceProvider)), "{bad}");
            assert_eq!(CompanyCode::parse(bad), Err(FieldError(Field::CompanyCode)), "{bad}");
        }
        for bad in ["", "ZZ", "ZZZZ"] {
            assert_eq!(Ccna::parse(bad), Err(FieldError(Field::CustomerCarrierName)), "{bad}");
        }
        for bad in ["", "C", "CBB", "C1"] {
            assert_eq!(Requisition::parse(bad), Err(FieldError(Field::RequisitionType)), "{bad}");
        }
        for bad in ["", "12345678901234567", "A B", "A/B", "--", "A\u{0}"] {
            assert_eq!(Pon::parse(bad), Err(FieldError(Field::PurchaseOrderNumber)), "{bad}");
        }
        assert_eq!(Direction::parse("CC"), Err(FieldError(Field::PortabilityDirection)));
        assert_eq!(Activity::parse(""), Err(FieldError(Field::Activity)));
        assert_eq!(Agency::parse("-"), Err(FieldError(Field::AgencyAuthority)));
    }

    #[test]
    fn versions_are_numbers_from_0_to_99() {
        assert_eq!(PortVersion::parse("01").unwrap(), PortVersion::parse("1").unwrap());
        assert!(PortVersion::parse("10").unwrap() > PortVersion::parse("9").unwrap());
        for bad in ["", "100", "-1", "+1", "1 ", "a", "٣"] {
            assert_eq!(PortVersion::parse(bad), Err(FieldError(Field::Version)), "{bad}");
        }
        assert_eq!(serde_json::to_string(&PortVersion::new(7).unwrap()).unwrap(), "\"7\"");
        assert!(PortVersion::new(100).is_err());
    }

    #[test]
    fn a_passcode_reads_however_it_is_typed() {
        assert_eq!(Passcode::parse(" 123-456 ").unwrap().expose(), "123456");
        assert_eq!(Passcode::parse("ab12").unwrap().expose(), "AB12");
        for bad in ["", "123", "1234567890123456", "12\t34", "1234'--"] {
            assert_eq!(Passcode::parse(bad).err(), Some(FieldError(Field::Passcode)), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_account_number_and_no_zip() {
        assert_eq!(format!("{:?}", AccountNumber::parse("987654").unwrap()), "****54");
        assert_eq!(format!("{:?}", AccountNumber::parse("9876").unwrap()), "****");
        assert_eq!(format!("{:?}", Zip::parse("33101").unwrap()), "*****");
    }

    #[test]
    fn values_are_stored_as_their_text_and_checked_when_read() {
        let pon = Pon::parse("A-1").unwrap();
        assert_eq!(serde_json::to_string(&pon).unwrap(), "\"A-1\"");
        assert_eq!(serde_json::from_str::<Pon>("\"a-1\"").unwrap(), pon);
        assert!(serde_json::from_str::<Spid>("\"toolong\"").is_err());
    }
}
