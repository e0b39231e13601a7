//! Keyed hashes: a profile remembers that something was seen, not what.
//!
//! HMAC-SHA-256 (RFC 2104) under a key of the line, which is derived from the key of the deployment, cut
//! to 24 bits: equal things at two lines look different in the store, and a thing never seen is taken for one of
//! the ten in a table once in a million times. Marks across lines have 64 bits.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::event::{Observation, family, host_of, prefix_of};
use crate::ids::{LineId, RepresentativeId};
use crate::signals::Signal;

/// A thing, as one line's profile knows it: 24 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark(pub u32);

/// A thing, as all lines know it. Written as sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct WideMark(pub u64);

impl std::fmt::Display for WideMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<WideMark> for String {
    fn from(mark: WideMark) -> Self {
        mark.to_string()
    }
}

impl TryFrom<String> for WideMark {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

/// The keyed hash function.
#[derive(Clone)]
pub struct Marker(Hmac<Sha256>);

impl std::fmt::Debug for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Marker")
    }
}

/// What kind of thing is hashed, so that no two kinds share a mark.
#[derive(Clone, Copy, Debug)]
enum What {
    Line,
    LineKey,
    Prefix,
    Asn,
    Region,
    Country,
    Cookie,
    Model,
    System,
    Browser,
    Agent,
    Locale,
    Zone,
    Handset,
    Address,
    Sim,
    Carrier,
    Rep,
    Pin,
    PhoneLine,
    Gateway,
}

impl What {
    const fn tag(self) -> u8 {
        match self {
            Self::Line => 1,
            Self::Prefix => 2,
            Self::Asn => 3,
            Self::Region => 4,
            Self::Country => 5,
            Self::Cookie => 6,
            Self::Model => 7,
            Self::System => 8,
            Self::Browser => 9,
            Self::Locale => 10,
            Self::Zone => 12,
            Self::Handset => 13,
            Self::Address => 14,
            Self::Sim => 15,
            Self::Carrier => 16,
            Self::Rep => 17,
            Self::LineKey => 18,
            Self::Agent => 19,
            Self::Pin => 20,
            Self::PhoneLine => 21,
            Self::Gateway => 22,
        }
    }
}

impl Marker {
    /// Under the key of the deployment.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self::keyed(key)
    }

    fn keyed(key: &[u8; 32]) -> Self {
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self(Hmac::new(&block.into()))
    }

    fn hash(&self, what: What, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(&[what.tag()]);
        for part in parts {
            mac.update(part);
            mac.update(&[0]);
        }
        mac.finalize().into_bytes().into()
    }

    /// The function for one line's profile.
    #[must_use]
    pub fn of_line(&self, line: &str) -> Self {
        Self::keyed(&self.hash(What::LineKey, &[line.as_bytes()]))
    }

    /// An account, as all accounts' counters know it.
    #[must_use]
    pub fn of_account(&self, account: &str) -> WideMark {
        self.wide(What::Line, &[account.as_bytes()])
    }

    /// A line, as the windows of the porting monitor know it.
    #[must_use]
    pub fn line(&self, line: &LineId) -> WideMark {
        self.wide(What::PhoneLine, &[line.as_str().as_bytes()])
    }

    /// A passcode that came with an order, right or wrong.
    #[must_use]
    pub fn passcode(&self, passcode: &str) -> WideMark {
        self.wide(What::Pin, &[passcode.as_bytes()])
    }

    /// A representative.
    #[must_use]
    pub fn rep(&self, id: &RepresentativeId) -> WideMark {
        self.wide(What::Rep, &[id.as_str().as_bytes()])
    }

    /// A gaining carrier.
    #[must_use]
    pub fn carrier(&self, spid: &str) -> WideMark {
        self.wide(What::Carrier, &[spid.as_bytes()])
    }

    /// A porting gateway.
    #[must_use]
    pub fn gateway(&self, name: &str) -> WideMark {
        self.wide(What::Gateway, &[name.as_bytes()])
    }

    fn mark(&self, what: What, parts: &[&[u8]]) -> Mark {
        let [a, b, c, ..] = self.hash(what, parts);
        Mark(u32::from_le_bytes([a, b, c, 0]))
    }

    fn wide(&self, what: What, parts: &[&[u8]]) -> WideMark {
        let [a, b, c, d, e, f, g, h, ..] = self.hash(what, parts);
        WideMark(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }
}

/// An observation's marks in the profile of its line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The /24.
    pub prefix: Option<Mark>,
    /// The autonomous system.
    pub asn: Option<Mark>,
    /// State or province, with its country.
    pub region: Option<Mark>,
    /// Country.
    pub country: Option<Mark>,
    /// The device's own text.
    pub cookie: Option<Mark>,
    /// Device model.
    pub model: Option<Mark>,
    /// Family of operating system.
    pub system: Option<Mark>,
    /// Family of browser, with that of the system.
    pub browser: Option<Mark>,
    /// Browser and system with their versions.
    pub agent: Option<Mark>,
    /// Language with zone.
    pub locale: Option<Mark>,
    /// Zone.
    pub zone: Option<Mark>,
    /// The new SIM's handset.
    pub handset: Option<Mark>,
}

/// An observation's marks across lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WideMarks {
    /// The line itself.
    pub line: WideMark,
    /// The address.
    pub address: Option<WideMark>,
    /// Its /24.
    pub prefix: Option<WideMark>,
    /// The device's own text.
    pub cookie: Option<WideMark>,
    /// The new SIM's handset.
    pub handset: Option<WideMark>,
    /// The new SIM.
    pub sim: Option<WideMark>,
    /// The gaining carrier.
    pub carrier: Option<WideMark>,
    /// The representative.
    pub rep: Option<WideMark>,
}

fn both<'a>(a: &Signal<&'a str>, b: &Signal<&'a str>) -> Option<(&'a str, &'a str)> {
    a.present().copied().zip(b.present().copied())
}

impl Marks {
    /// The marks of an observation, by the function of its line.
    #[must_use]
    pub fn of(marker: &Marker, seen: &Observation<'_>) -> Self {
        let (origin, device) = (&seen.origin, &seen.device);
        let text = |what, signal: &Signal<&str>| signal.present().map(|text| marker.mark(what, &[text.as_bytes()]));
        let zone = device.zone.present().map(|zone| zone.to_le_bytes());
        let language = device.language.present().copied();
        Self {
            prefix: origin.address.present().map(|a| marker.mark(What::Prefix, &[&prefix_of(*a)])),
            asn: origin.asn.present().map(|asn| marker.mark(What::Asn, &[&asn.to_le_bytes()])),
            region: both(&origin.country, &origin.region).map(|(c, r)| marker.mark(What::Region, &[c.as_bytes(), r.as_bytes()])),
            country: text(What::Country, &origin.country),
            cookie: text(What::Cookie, &device.cookie),
            model: text(What::Model, &device.model),
            system: device.system.present().map(|s| marker.mark(What::System, &[family(s).as_bytes()])),
            browser: both(&device.system, &device.browser)
                .map(|(s, b)| marker.mark(What::Browser, &[family(s).as_bytes(), family(b).as_bytes()])),
            agent: both(&device.system, &device.browser).map(|(s, b)| marker.mark(What::Agent, &[s.as_bytes(), b.as_bytes()])),
            locale: language.zip(zone).map(|(l, z)| marker.mark(What::Locale, &[l.as_bytes(), &z])),
            zone: zone.map(|zone| marker.mark(What::Zone, &[&zone])),
            handset: text(What::Handset, &seen.target.handset),
        }
    }
}

impl WideMarks {
    /// The marks of an observation across lines, by the function of the deployment.
    #[must_use]
    pub fn of(marker: &Marker, line: &str, seen: &Observation<'_>) -> Self {
        let text = |what, signal: &Signal<&str>| signal.present().map(|text| marker.wide(what, &[text.as_bytes()]));
        let address = seen.origin.address.present();
        Self {
            line: marker.of_account(line),
            address: address.map(|a| marker.wide(What::Address, &[&host_of(*a)])),
            prefix: address.map(|a| marker.wide(What::Prefix, &[&prefix_of(*a)])),
            cookie: text(What::Cookie, &seen.device.cookie),
            handset: text(What::Handset, &seen.target.handset),
            sim: text(What::Sim, &seen.target.sim),
            carrier: text(What::Carrier, &seen.target.carrier),
            rep: seen.care.present().and_then(|care| text(What::Rep, &care.rep)),
        }
    }
}
