//! The records of the queue `behaviour`.

use std::net::IpAddr;

use linekeeper_domain::ids::{AccountId, RepresentativeId};
use linekeeper_domain::risk::KeyShown;
use linekeeper_domain::risk::event::{Act, Care, Channel, Observation, Shown, Target};
use linekeeper_domain::risk::request::source;
use linekeeper_domain::signals::{Device, DeviceName, Network, Position, RequestSignals, Signal};
use linekeeper_domain::time::Timestamp;
use serde::Deserialize;

/// One record: `{"id", "at", "account_id", "type", …}`.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    /// The sender's own id, for its traces.
    pub id: String,
    /// When it happened, RFC 3339.
    pub at: String,
    /// Whose account.
    pub account_id: AccountId,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum What {
    /// A sign-in.
    SignIn {
        /// Whether it succeeded.
        ok: bool,
        /// By what; `password` where it is not said.
        shown: Option<Shown>,
        /// From where.
        #[serde(flatten)]
        from: Origin,
    },
    /// A visit without a sign-in.
    DeviceSeen {
        /// From where.
        #[serde(flatten)]
        from: Origin,
    },
    /// The password was reset.
    PasswordReset {
        /// From where.
        #[serde(flatten)]
        from: Origin,
    },
    /// The care desk was contacted.
    CareContact {
        /// Whether the caller got through the desk's questions; yes where it is not said.
        passed: Option<bool>,
        /// Questions answered wrongly.
        failed_questions: Option<u32>,
        /// Whether the caller called from the line itself.
        own_line: Option<bool>,
        /// The representative.
        representative: Option<RepresentativeId>,
    },
}

/// Where something came from, as far as the sender knows.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Origin {
    /// The opaque text that the app keeps.
    pub device: Option<String>,
    /// Whether a key bound to the device proved it.
    pub device_key: Option<bool>,
    /// The device's model: `Pixel 9`.
    pub model: Option<String>,
    /// Its operating system: `Android`.
    pub system: Option<String>,
    /// The browser: `Chrome`.
    pub browser: Option<String>,
    /// Its first language: `en-US`.
    pub language: Option<String>,
    /// What its clock is ahead of UTC, in minutes.
    pub utc_offset: Option<i32>,
    /// What the edge says of the network.
    pub network: Option<NetworkRecord>,
}

/// A network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkRecord {
    address: Option<String>,
    asn: Option<u32>,
    country: Option<String>,
    region: Option<String>,
    city: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

/// What was not sent is absent; what cannot be used is unavailable.
fn read<T, U>(sent: Option<&T>, parse: impl FnOnce(&T) -> Option<U>) -> Signal<U> {
    match sent {
        None => Signal::Absent,
        Some(sent) => parse(sent).map_or(Signal::Unavailable, Signal::Present),
    }
}

fn text(sent: Option<&String>) -> Signal<String> {
    read(sent, |text| (1..=64).contains(&text.len()).then(|| text.clone()))
}

impl Origin {
    /// As signals. What is missing was not sent; what cannot be used is unavailable.
    #[must_use]
    pub fn signals(&self) -> RequestSignals {
        let device = Device {
            name: read(self.device.as_ref(), |opaque| DeviceName::of(opaque)),
            model: text(self.model.as_ref()),
            system: text(self.system.as_ref()),
            browser: text(self.browser.as_ref()),
            language: text(self.language.as_ref()),
            utc_offset: read(self.utc_offset.as_ref(), |minutes| (-840..=840).contains(minutes).then_some(*minutes)),
        };
        let network = self.network.as_ref();
        let position = network.and_then(|n| n.latitude.zip(n.longitude));
        let network = Network {
            address: read(network.and_then(|n| n.address.as_ref()), |address| address.parse::<IpAddr>().ok()),
            asn: network.and_then(|n| n.asn).into(),
            country: text(network.and_then(|n| n.country.as_ref())),
            region: text(network.and_then(|n| n.region.as_ref())),
            city: text(network.and_then(|n| n.city.as_ref())),
            position: read(position.as_ref(), |(latitude, longitude)| Position::new(*latitude, *longitude)),
        };
        RequestSignals { device, network }
    }

    /// Whether the device's key was shown.
    #[must_use]
    pub const fn key(&self) -> KeyShown {
        match self.device_key {
            Some(true) => KeyShown::Yes,
            Some(false) | None => KeyShown::NoneEnrolled,
        }
    }
}

impl What {
    /// Where it came from, for what comes from anywhere.
    #[must_use]
    pub const fn from(&self) -> Option<&Origin> {
        match self {
            Self::SignIn { from, .. } | Self::DeviceSeen { from } | Self::PasswordReset { from } => Some(from),
            Self::CareContact { .. } => None,
        }
    }

    /// As the profile takes it. `signals` are those of [`What::from`].
    #[must_use]
    pub fn seen<'a>(&'a self, signals: &'a RequestSignals, at: Timestamp) -> Observation<'a> {
        let (act, succeeded, shown) = match self {
            Self::SignIn { ok, shown, .. } => (Act::SignIn, *ok, shown.or(Some(Shown::Password))),
            Self::DeviceSeen { .. } => (Act::View, true, Some(Shown::Session)),
            Self::PasswordReset { .. } => (Act::PasswordReset, true, None),
            Self::CareContact { passed, .. } => (Act::CareContact, passed.unwrap_or(true), None),
        };
        let (origin, device) = source(signals, self.from().and_then(|from| from.device_key).into());
        let care = match self {
            Self::CareContact { failed_questions, own_line, representative, .. } => Signal::Present(Care {
                rep: representative.as_ref().map(|id| id.as_str()).into(),
                reason: Signal::Absent,
                failed: (*failed_questions).into(),
                inbound: Signal::Present(true),
                own_line: (*own_line).into(),
            }),
            Self::SignIn { .. } | Self::DeviceSeen { .. } | Self::PasswordReset { .. } => Signal::Absent,
        };
        Observation {
            at,
            channel: if self.from().is_some() { Channel::Web } else { Channel::Care },
            act,
            succeeded,
            shown: shown.into(),
            tenure_days: Signal::Absent,
            origin,
            device,
            line: Signal::Absent,
            care,
            target: Target::default(),
        }
    }
}
