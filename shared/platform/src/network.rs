//! What is known of the network and the device that a request came from.
//!
//! Contract: the edge (CloudFront) writes the viewer headers over whatever a client sent, and proves
//! that a request passed it by a secret header. Without that proof every fact of the network is
//! `Unavailable`, never `Absent`: a caller who goes around the edge gains nothing (I4).

use std::net::IpAddr;

use linekeeper_domain::digest::Digest;
use linekeeper_domain::ids::AccountId;
use linekeeper_domain::signals::{DeviceId, Network, Position, RequestSignals, Signal};
use subtle::ConstantTimeEq;

use crate::http::Request;

/// The header by which the edge proves itself.
pub const EDGE_HEADER: &str = "x-linekeeper-edge";
/// The header in which the app names the device: opaque text that it keeps.
pub const DEVICE_HEADER: &str = "x-linekeeper-device";

/// The edge in front of the functions.
pub struct Edge {
    secret: Option<String>,
}

// The secret is never printed.
impl std::fmt::Debug for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Edge").field("configured", &self.secret.is_some()).finish()
    }
}

impl Edge {
    /// `secret` is what the edge sends along; without one no request has passed an edge.
    #[must_use]
    pub fn new(secret: Option<String>) -> Self {
        Self { secret: secret.filter(|secret| !secret.is_empty()) }
    }

    /// Everything known of a request about `account`.
    #[must_use]
    pub fn signals(&self, request: &Request, account: &AccountId) -> RequestSignals {
        RequestSignals { device: device(request, account), network: self.network(request) }
    }

    /// A digest of the address that a request came from, to count by: the viewer's where the edge gives it, else
    /// whoever reached the API itself. Of an IPv6 address the network counts: its owner has all the rest.
    #[must_use]
    pub fn address(&self, request: &Request) -> Option<String> {
        let viewer = request.header("cloudfront-viewer-address").filter(|_| self.is_passed_by(request));
        let address = match viewer {
            Some(socket) => socket.rsplit_once(':').map_or(socket, |(address, _)| address),
            None => request.source()?,
        };
        let network = match address.trim_matches(['[', ']']).parse().ok()? {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
        };
        Some(Digest::of(&["linekeeper address 1", &format!("{network:?}")]).short().to_owned())
    }

    /// The facts of the network, or nothing but `Unavailable`.
    fn network(&self, request: &Request) -> Network {
        if !self.is_passed_by(request) {
            return Network::default();
        }
        let read = |name| Fact(request.header(name));
        Network {
            asn: read("cloudfront-viewer-asn").as_a(|text| text.parse().ok()),
            country: read("cloudfront-viewer-country").as_a(country),
            city: read("cloudfront-viewer-city").as_a(name),
            position: position(read("cloudfront-viewer-latitude"), read("cloudfront-viewer-longitude")),
            time_zone: read("cloudfront-viewer-time-zone").as_a(time_zone),
        }
    }

    fn is_passed_by(&self, request: &Request) -> bool {
        match (&self.secret, request.header(EDGE_HEADER)) {
            (Some(secret), Some(sent)) => secret.as_bytes().ct_eq(sent.as_bytes()).into(),
            _ => false,
        }
    }
}

/// A digest of what the app calls its device, the same at every account: to count by.
#[must_use]
pub fn device_name(request: &Request) -> Option<String> {
    let name = request.header(DEVICE_HEADER).filter(|name| name.len() <= 128)?;
    Some(Digest::of(&["linekeeper device name 1", name]).short().to_owned())
}

/// The device, by what the app says of it. It needs no edge: it is worth what the account remembers of it.
fn device(request: &Request, account: &AccountId) -> Signal<DeviceId> {
    Fact(request.header(DEVICE_HEADER)).as_a(|text| DeviceId::of(account, text))
}

/// A header of the edge.
#[derive(Clone, Copy)]
struct Fact<'a>(Option<&'a str>);

impl Fact<'_> {
    /// A missing header is absent; one that does not parse is as good as unread.
    fn as_a<T>(self, parse: impl FnOnce(&str) -> Option<T>) -> Signal<T> {
        match self.0.map(str::trim) {
            None | Some("") => Signal::Absent,
            Some(text) => parse(text).map_or(Signal::Unavailable, Signal::Present),
        }
    }
}

fn position(latitude: Fact<'_>, longitude: Fact<'_>) -> Signal<Position> {
    let degrees = |text: &str| text.parse::<f64>().ok();
    match (latitude.as_a(degrees), longitude.as_a(degrees)) {
        (Signal::Present(latitude), Signal::Present(longitude)) => {
            Position::new(latitude, longitude).map_or(Signal::Unavailable, Signal::Present)
        }
        (Signal::Absent, Signal::Absent) => Signal::Absent,
        _ => Signal::Unavailable,
    }
}

fn country(text: &str) -> Option<String> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())).then(|| text.to_owned())
}

fn time_zone(text: &str) -> Option<String> {
    let fits = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    fits.then(|| text.to_owned())
}

/// A name as a notice shows it. CloudFront percent-encodes what is not ASCII.
fn name(text: &str) -> Option<String> {
    let name = percent_decoded(text)?;
    let fits = name.chars().count() <= 64 && name.chars().all(|c| c.is_alphanumeric() || " .,'’()/-".contains(c));
    fits.then_some(name)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
            }
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::tests::request;

    const SECRET: &str = "a-secret-of-the-edge";

    fn signals(edge: Edge, headers: Value) -> RequestSignals {
        edge.signals(&request(|event| event["headers"] = headers), &AccountId::parse("ac_1").unwrap())
    }

    fn behind_the_edge(mut headers: Value) -> Network {
        headers["X-Linekeeper-Edge"] = json!(SECRET);
        signals(Edge::new(Some(SECRET.to_owned())), headers).network
    }

    fn miami() -> Value {
        json!({
            "CloudFront-Viewer-Address": "198.51.100.7:46532", "CloudFront-Viewer-ASN": "7922", "CloudFront-Viewer-Country": "US",
            "CloudFront-Viewer-City": "Miami", "CloudFront-Viewer-Latitude": "25.77427", "CloudFront-Viewer-Longitude": "-80.19366",
            "CloudFront-Viewer-Time-Zone": "America/New_York",
        })
    }

    #[test]
    fn the_edge_says_where_a_request_came_from() {
        let network = behind_the_edge(miami());
        assert_eq!(network.asn, Signal::Present(7922));
        assert_eq!(network.place().as_deref(), Some("Miami, US"));
        assert_eq!(network.position, Signal::Present(Position::new(25.77427, -80.19366).unwrap()));
        assert_eq!(network.time_zone, Signal::Present("America/New_York".to_owned()));
    }

    #[test]
    fn without_the_secret_of_the_edge_nothing_of_the_network_is_believed() {
        for (configured, sent) in [
            (Some(SECRET), None),
            (Some(SECRET), Some("")),
            (Some(SECRET), Some("a-secret-of-the-edgf")),
            (Some(SECRET), Some("a-secret-of-the-edge2")),
            (Some(""), Some("")),
            (None, Some("")),
            (None, Some(SECRET)),
        ] {
            let mut headers = miami();
            if let Some(sent) = sent {
                headers["X-Linekeeper-Edge"] = json!(sent);
            }
            let network = signals(Edge::new(configured.map(str::to_owned)), headers).network;
            assert_eq!(network, Network::default(), "{configured:?} {sent:?}");
            assert_eq!(network.asn, Signal::Unavailable);
        }
    }

    #[test]
    fn a_fact_that_the_edge_does_not_know_is_absent() {
        let network = behind_the_edge(json!({ "CloudFront-Viewer-City": "" }));
        assert_eq!((network.asn, network.country, network.city), (Signal::Absent, Signal::Absent, Signal::Absent));
        assert_eq!((network.position, network.time_zone), (Signal::Absent, Signal::Absent));
    }

    #[test]
    fn a_fact_that_cannot_be_read_is_unavailable() {
        let network = behind_the_edge(json!({
            "CloudFront-Viewer-ASN": "AS7922", "CloudFront-Viewer-Country": "usa", "CloudFront-Viewer-City": "Mi%0Aami",
            "CloudFront-Viewer-Latitude": "NaN", "CloudFront-Viewer-Longitude": "0", "CloudFront-Viewer-Time-Zone": "a b",
        }));
        assert_eq!(network, Network::default());
    }

    #[test]
    fn half_a_position_is_unavailable() {
        assert_eq!(behind_the_edge(json!({ "CloudFront-Viewer-Latitude": "25.7" })).position, Signal::Unavailable);
        let off = json!({ "CloudFront-Viewer-Latitude": "95", "CloudFront-Viewer-Longitude": "0" });
        assert_eq!(behind_the_edge(off).position, Signal::Unavailable);
    }

    #[test]
    fn a_city_reads_as_its_people_write_it() {
        let city = |header: &str| behind_the_edge(json!({ "CloudFront-Viewer-City": header })).city;
        assert_eq!(city("S%C3%A3o Paulo"), Signal::Present("São Paulo".to_owned()));
        assert_eq!(city("St. John's"), Signal::Present("St. John's".to_owned()));
        for bad in ["%", "%zz", "%C3", "http://evil.example", &"x".repeat(65)] {
            assert_eq!(city(bad), Signal::Unavailable, "{bad}");
        }
    }

    #[test]
    fn a_device_is_known_by_what_the_app_keeps() {
        let device = |header: Value| signals(Edge::new(None), json!({ "X-Linekeeper-Device": header })).device;
        let account = AccountId::parse("ac_1").unwrap();
        assert_eq!(device(json!("0123456789abcdef")), Signal::Present(DeviceId::of(&account, "0123456789abcdef").unwrap()));
        assert_eq!(device(json!("short")), Signal::Unavailable);
        assert_eq!(signals(Edge::new(None), json!({})).device, Signal::Absent);
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", Edge::new(Some(SECRET.to_owned()))).contains(SECRET));
    }
}
