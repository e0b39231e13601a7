//! What is known of a request besides its words. Every signal is present, absent or unavailable, and
//! missing data never lowers what is asked for (I4).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
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

    /// The signal of a reference to the value.
    pub const fn as_ref(&self) -> Signal<&T> {
        match self {
            Self::Present(value) => Signal::Present(value),
            Self::Absent => Signal::Absent,
            Self::Unavailable => Signal::Unavailable,
        }
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

/// A device: a digest of the opaque text that the app keeps, so that the text itself, which a thief could
/// present, is stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceName(String);

impl DeviceName {
    /// The device that keeps this text: 16 to 128 visible ASCII characters.
    #[must_use]
    pub fn of(opaque: &str) -> Option<Self> {
        let fits = (16..=128).contains(&opaque.len()) && opaque.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(Digest::of(&["linekeeper device name 1", opaque]).short().to_owned()))
    }

    /// The digest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
    pub fn of(device: &Signal<DeviceName>, key: Option<&DeviceProof>) -> Option<Self> {
        match (key, device.present()) {
            (Some(key), _) => Some(Self(Digest::of(&["key", &key.thumbprint]).short().to_owned())),
            (None, Some(DeviceName(device))) => Some(Self(Digest::of(&["device", device]).short().to_owned())),
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// The whole address.
    pub address: Signal<IpAddr>,
    /// Number of the autonomous system.
    pub asn: Signal<u32>,
    /// ISO 3166-1 alpha-2.
    pub country: Signal<String>,
    /// Name of the state or province.
    pub region: Signal<String>,
    /// Name of the city, for the words of a notice.
    pub city: Signal<String>,
    /// Guessed position.
    pub position: Signal<Position>,
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

/// The device that asks, as its browser and the app describe it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// What the app calls it.
    pub name: Signal<DeviceName>,
    /// The model, `Pixel 9`.
    pub model: Signal<String>,
    /// The operating system, `Android`.
    pub system: Signal<String>,
    /// The browser, `Google Chrome`.
    pub browser: Signal<String>,
    /// The first language, `en-US`.
    pub language: Signal<String>,
    /// What its clock is ahead of UTC, in minutes.
    pub utc_offset: Signal<i32>,
}

impl RequestSignals {
    /// The names of the signals that could not be had.
    pub fn missing(&self) -> impl Iterator<Item = &'static str> {
        let (device, network) = (&self.device, &self.network);
        [
            ("address", network.address.present().is_none()),
            ("asn", network.asn.present().is_none()),
            ("country", network.country.present().is_none()),
            ("region", network.region.present().is_none()),
            ("position", network.position.present().is_none()),
            ("device", device.name.present().is_none()),
            ("system", device.system.present().is_none()),
            ("browser", device.browser.present().is_none()),
            ("language", device.language.present().is_none()),
            ("utc_offset", device.utc_offset.present().is_none()),
        ]
        .into_iter()
        .filter_map(|(name, missing)| missing.then_some(name))
    }
}

/// Everything known of the request itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestSignals {
    /// The device that asks.
    pub device: Device,
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
    fn a_device_is_a_text_that_nobody_guesses() {
        assert!(DeviceName::of("0123456789abcdef").is_some());
        for bad in ["short", "0123456789 abcdef", &"x".repeat(129)] {
            assert_eq!(DeviceName::of(bad), None);
        }
    }
}
