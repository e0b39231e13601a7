//! The records of the queue `behaviour`.

use linekeeper_domain::ids::AccountId;
use linekeeper_domain::risk::Behaviour;
use linekeeper_domain::signals::{DeviceId, Network, Position, RequestSignals, Signal};
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
        /// Whether the password was right.
        ok: bool,
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
    PasswordReset,
    /// The care desk was contacted.
    CareContact,
}

/// Where something came from, as far as the sender knows.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Origin {
    /// The opaque text that the app keeps.
    pub device: Option<String>,
    /// What the edge says of the network.
    pub network: Option<NetworkRecord>,
}

/// A network.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkRecord {
    asn: Option<u32>,
    country: Option<String>,
    city: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    time_zone: Option<String>,
}

impl Origin {
    /// As signals of an account. What is missing was not sent; what cannot be used is unavailable.
    #[must_use]
    pub fn signals(&self, account: &AccountId) -> RequestSignals {
        let device = match &self.device {
            None => Signal::Absent,
            Some(opaque) => DeviceId::of(account, opaque).map_or(Signal::Unavailable, Signal::Present),
        };
        let network = self.network.clone().map_or_else(Network::default, |n| Network {
            asn: n.asn.into(),
            country: n.country.into(),
            city: n.city.into(),
            position: match (n.latitude, n.longitude) {
                (Some(latitude), Some(longitude)) => {
                    Position::new(latitude, longitude).map_or(Signal::Unavailable, Signal::Present)
                }
                _ => Signal::Absent,
            },
            time_zone: n.time_zone.into(),
        });
        RequestSignals { device, network }
    }
}

impl What {
    /// As the profile takes it.
    #[must_use]
    pub fn behaviour(&self, account: &AccountId) -> Behaviour {
        match self {
            Self::SignIn { ok, from } => Behaviour::SignIn { ok: *ok, signals: from.signals(account) },
            Self::DeviceSeen { from } => Behaviour::DeviceSeen { signals: from.signals(account) },
            Self::PasswordReset => Behaviour::PasswordReset,
            Self::CareContact => Behaviour::CareContact,
        }
    }
}
