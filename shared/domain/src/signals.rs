//! What is known of a request besides its words. Every signal is present, absent or unavailable, and
//! missing data never lowers what is asked for (I4).

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::AccountId;
use crate::time::Timestamp;

/// One thing that may be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal<T> {
    /// It was read.
    Present(T),
    /// The source works and has nothing to say.
    Absent,
    /// The source could not be read or cannot be trusted. Weighs at least as much as the worst benign value.
    #[default]
    Unavailable,
}

impl<T> Signal<T> {
    /// The value, where there is one.
    pub const fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Absent | Self::Unavailable => None,
        }
    }

    /// Whether it could not be read.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable)
    }

    /// The signal with its value changed.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Signal<U> {
        match self {
            Self::Present(value) => Signal::Present(f(value)),
            Self::Absent => Signal::Absent,
            Self::Unavailable => Signal::Unavailable,
        }
    }
}

impl<T> From<Option<T>> for Signal<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Present)
    }
}

/// A device as an account knows it: a digest of the opaque text that the app keeps, so that the text
/// itself (which a thief could present) is stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(String);

impl DeviceId {
    /// The device of an account. `opaque` is the app's text, 16 to 128 visible ASCII characters.
    #[must_use]
    pub fn of(account: &AccountId, opaque: &str) -> Option<Self> {
        let fits = (16..=128).contains(&opaque.len()) && opaque.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(Digest::of(&["linekeeper device 1", account.as_str(), opaque]).short().to_owned()))
    }
}

/// A proof by a device's key (RFC 9449), checked: the key that signed this very request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceProof {
    /// The key's thumbprint (RFC 7638, SHA-256, base64url).
    pub thumbprint: String,
    /// What must not have been seen before: a digest of the key and the proof's own id.
    pub once: String,
    /// From when on the proof is refused by its age alone.
    pub until: Timestamp,
}

/// Who asked for a challenge, as exactly as can be told: the device's key, else the device.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Holder(String);

impl Holder {
    /// The holder of a request; nothing where it shows neither key nor device.
    #[must_use]
    pub fn of(device: &Signal<DeviceId>, key: Option<&DeviceProof>) -> Option<Self> {
        match (key, device.present()) {
            (Some(key), _) => Some(Self(Digest::of(&["key", &key.thumbprint]).short().to_owned())),
            (None, Some(DeviceId(device))) => Some(Self(Digest::of(&["device", device]).short().to_owned())),
            (None, None) => None,
        }
    }
}

/// A position on Earth in degrees, as an address look-up guesses it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    latitude: f64,
    longitude: f64,
}

impl Position {
    /// Latitude -90..=90, longitude -180..=180, both finite.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let fits = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        fits.then_some(Self { latitude, longitude })
    }

    /// Degrees north.
    #[must_use]
    pub const fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east.
    #[must_use]
    pub const fn longitude(self) -> f64 {
        self.longitude
    }

    /// The centre of the cell of half a degree that holds it: as exact as anything is remembered.
    #[must_use]
    pub fn cell(self) -> Self {
        let centre = |degrees: f64| (degrees * 2.0).floor() / 2.0 + 0.25;
        Self { latitude: centre(self.latitude), longitude: centre(self.longitude) }
    }

    /// Great-circle distance in kilometres (haversine, mean radius 6371 km).
    #[must_use]
    pub fn kilometres_to(self, other: Self) -> f64 {
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let across = ((other.longitude - self.longitude).to_radians() / 2.0).sin().powi(2);
        let h = ((b - a) / 2.0).sin().powi(2) + a.cos() * b.cos() * across;
        2.0 * 6371.0 * h.clamp(0.0, 1.0).sqrt().asin()
    }
}

/// What the edge says of the network that a request came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Number of the autonomous system.
    pub asn: Signal<u32>,
    /// ISO 3166-1 alpha-2.
    pub country: Signal<String>,
    /// Name of the city, for the words of a notice.
    pub city: Signal<String>,
    /// Guessed position.
    pub position: Signal<Position>,
    /// IANA time zone.
    pub time_zone: Signal<String>,
}

impl Network {
    /// Where it seems to be, as a notice says it: `Los Angeles, US`.
    #[must_use]
    pub fn place(&self) -> Option<String> {
        match (self.city.present(), self.country.present()) {
            (Some(city), Some(country)) => Some(format!("{city}, {country}")),
            (None, Some(country)) => Some(country.clone()),
            (Some(city), None) => Some(city.clone()),
            (None, None) => None,
        }
    }
}

/// Everything known of the request itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestSignals {
    /// The device that asks.
    pub device: Signal<DeviceId>,
    /// The network it asks from.
    pub network: Network,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_map() {
        let miami = Position::new(25.77, -80.19).unwrap();
        let los_angeles = Position::new(34.05, -118.24).unwrap();
        let distance = miami.kilometres_to(los_angeles);
        assert!((3_750.0..3_770.0).contains(&distance), "{distance}");
        assert!(miami.kilometres_to(miami) < 0.001);
    }

    #[test]
    fn a_position_off_the_map_is_none() {
        assert_eq!(Position::new(f64::NAN, 0.0), None);
        assert_eq!(Position::new(91.0, 0.0), None);
    }

    #[test]
    fn one_device_is_another_one_at_another_account() {
        let (a, b) = (AccountId::parse("a").unwrap(), AccountId::parse("b").unwrap());
        assert_ne!(DeviceId::of(&a, "0123456789abcdef"), DeviceId::of(&b, "0123456789abcdef"));
        assert_eq!(DeviceId::of(&a, "short"), None);
    }
}
