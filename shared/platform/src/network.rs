//! What is known of the network and the device that a request came from.
//!
//! Contract: the edge (CloudFront) writes the viewer headers over whatever a client sent, and proves
//! that a request passed it by a secret header. Without that proof every fact of the network is
//! `Unavailable`, never `Absent`: a caller who goes around the edge gains nothing (I4).

use std::net::IpAddr;

use linekeeper_domain::digest::Digest;
use linekeeper_domain::signals::{Device, DeviceName, Network, Position, RequestSignals, Signal};
use sfv::{ListEntry, Parser};
use subtle::ConstantTimeEq;

use crate::http::Request;

/// The header by which the edge proves itself.
pub const EDGE_HEADER: &str = "x-linekeeper-edge";
/// The header in which the app names the device: opaque text that it keeps.
pub const DEVICE_HEADER: &str = "x-linekeeper-device";
/// The header in which the app says what the device's clock is ahead of UTC, in minutes.
pub const OFFSET_HEADER: &str = "x-linekeeper-utc-offset";

/// Longer client hints are cut, so that they no longer parse.
const HINT: usize = 512;

/// The edge in front of the functions.
pub struct Edge {
    secret: Option<String>,
    /// The next one, or the one from before, while the secret changes.
    other: Option<String>,
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
        Self { secret: secret.filter(|secret| !secret.is_empty()), other: None }
    }

    /// Which another secret is good for as well, while the secret changes.
    #[must_use]
    pub fn or(self, other: Option<String>) -> Self {
        Self { other: other.filter(|secret| !secret.is_empty()), ..self }
    }

    /// Everything known of a request.
    #[must_use]
    pub fn signals(&self, request: &Request) -> RequestSignals {
        let mut device = device(request);
        // Browsers that give no hints are told apart by the edge.
        if device.system == Signal::Absent && self.is_passed_by(request) {
            let is = |header| request.header(header) == Some("true");
            device.system = is("cloudfront-is-ios-viewer").then(|| "iOS".to_owned()).into();
        }
        RequestSignals { device, network: self.network(request) }
    }

    /// A digest of the address that a request came from, to count by: the viewer's where the edge gives it, else
    /// whoever reached the API itself. Of an IPv6 address the network counts: its owner has all the rest.
    #[must_use]
    pub fn address(&self, request: &Request) -> Option<String> {
        let viewer = request.header("cloudfront-viewer-address").filter(|_| self.is_passed_by(request));
        let address = match viewer {
            Some(socket) => viewer_address(socket)?,
            None => request.source()?.parse().ok()?,
        };
        let network = match address {
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
            address: read("cloudfront-viewer-address").as_a(viewer_address),
            asn: read("cloudfront-viewer-asn").as_a(|text| text.parse().ok()),
            country: read("cloudfront-viewer-country").as_a(country),
            region: read("cloudfront-viewer-country-region-name").as_a(name),
            city: read("cloudfront-viewer-city").as_a(name),
            position: position(read("cloudfront-viewer-latitude"), read("cloudfront-viewer-longitude")),
        }
    }

    fn is_passed_by(&self, request: &Request) -> bool {
        let Some(sent) = request.header(EDGE_HEADER) else { return false };
        let is = |secret: &Option<String>| secret.as_ref().is_some_and(|secret| secret.as_bytes().ct_eq(sent.as_bytes()).into());
        is(&self.secret) || is(&self.other)
    }
}

/// The device, by what the app and the browser say of it. It needs no edge: it is worth what the account
/// remembers of it.
fn device(request: &Request) -> Device {
    let read = |name| Fact(request.header(name));
    Device {
        name: read(DEVICE_HEADER).as_a(DeviceName::of),
        // Browsers tell it only where they are asked to, and the edge hands on no more headers than these.
        model: Signal::Absent,
        system: read("sec-ch-ua-platform").as_a(hint).map(|name| if name == "macOS" { "Mac OS X".to_owned() } else { name }),
        browser: read("sec-ch-ua").as_a(browser),
        language: read("accept-language").as_a(language),
        utc_offset: read(OFFSET_HEADER).as_a(|text| text.parse().ok().filter(|minutes| (-840..=840).contains(minutes))),
    }
}

/// The address in `address:port`, an IPv6 address with or without brackets.
fn viewer_address(socket: &str) -> Option<IpAddr> {
    let address = socket.rsplit_once(':').map_or(socket, |(address, _)| address);
    address.trim_matches(['[', ']']).parse().ok()
}

/// The text of a client hint: a structured field (RFC 9651).
fn hint(text: &str) -> Option<String> {
    named(&Parser::new(text.get(..text.len().min(HINT))?).parse::<sfv::Item>().ok()?)
}

fn named(item: &sfv::Item) -> Option<String> {
    let text = item.bare_item.as_string()?.as_str();
    (1..=64).contains(&text.len()).then(|| text.to_owned())
}

/// The browser's own brand: the list also has its engine's, and one that means nothing, so that nobody
/// relies on the order.
fn browser(list: &str) -> Option<String> {
    let list = Parser::new(list.get(..list.len().min(HINT))?).parse::<sfv::List>().ok()?;
    let brands: Vec<String> =
        list.iter().filter_map(|entry| if let ListEntry::Item(item) = entry { named(item) } else { None }).collect();
    let real = |brand: &&String| !brand.contains("Not") && *brand != "Chromium";
    let brand = brands.iter().find(real).or(brands.iter().find(|brand| *brand == "Chromium"))?;
    // As user agents name them, and the population's tables do.
    Some(["Google ", "Microsoft "].iter().find_map(|maker| brand.strip_prefix(maker)).unwrap_or(brand).to_owned())
}

/// The language that comes first.
fn language(list: &str) -> Option<String> {
    let first = list.split([',', ';']).next()?.trim();
    let fits = (2..=16).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then(|| first.to_owned())
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
        edge.signals(&request(|event| event["headers"] = headers))
    }

    fn behind_the_edge(mut headers: Value) -> Network {
        headers["X-Linekeeper-Edge"] = json!(SECRET);
        signals(Edge::new(Some(SECRET.to_owned())), headers).network
    }

    fn miami() -> Value {
        json!({
            "CloudFront-Viewer-Address": "198.51.100.7:46532", "CloudFront-Viewer-ASN": "7922", "CloudFront-Viewer-Country": "US",
            "CloudFront-Viewer-Country-Region-Name": "Florida", "CloudFront-Viewer-City": "Miami",
            "CloudFront-Viewer-Latitude": "25.77427", "CloudFront-Viewer-Longitude": "-80.19366",
        })
    }

    #[test]
    fn the_edge_says_where_a_request_came_from() {
        let network = behind_the_edge(miami());
        assert_eq!(network.asn, Signal::Present(7922));
        assert_eq!(network.place().as_deref(), Some("Miami, US"));
        assert_eq!(network.position, Signal::Present(Position::new(25.77427, -80.19366).unwrap()));
        assert_eq!(network.region, Signal::Present("Florida".to_owned()));
        assert_eq!(network.address, Signal::Present("198.51.100.7".parse().unwrap()));
    }

    #[test]
    fn while_the_edges_secret_changes_either_is_believed_and_no_third() {
        let network = |sent: &str| {
            let mut headers = miami();
            headers["X-Linekeeper-Edge"] = json!(sent);
            signals(Edge::new(Some("the-new-one".to_owned())).or(Some(SECRET.to_owned())), headers).network
        };
        assert_eq!((network(SECRET).asn, network("the-new-one").asn), (Signal::Present(7922), Signal::Present(7922)));
        assert_eq!(network("another").asn, Signal::Unavailable);
        assert_eq!(network("").asn, Signal::Unavailable);
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
        assert_eq!((network.position, network.address), (Signal::Absent, Signal::Absent));
    }

    #[test]
    fn a_fact_that_cannot_be_read_is_unavailable() {
        let network = behind_the_edge(json!({
            "CloudFront-Viewer-ASN": "AS7922", "CloudFront-Viewer-Country": "usa", "CloudFront-Viewer-City": "Mi%0Aami",
            "CloudFront-Viewer-Latitude": "NaN", "CloudFront-Viewer-Longitude": "0", "CloudFront-Viewer-Address": "home",
            "CloudFront-Viewer-Country-Region-Name": "%0A",
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
    fn a_device_is_known_by_what_the_app_keeps_and_described_by_its_browser() {
        let device = |headers: Value| signals(Edge::new(None), headers).device;
        let name = |text: &str| device(json!({ "X-Linekeeper-Device": text })).name;
        assert_eq!(name("0123456789abcdef"), Signal::Present(DeviceName::of("0123456789abcdef").unwrap()));
        assert_eq!(name("short"), Signal::Unavailable);
        let told = device(json!({
            "Sec-CH-UA": r#""Not)A;Brand";v="8", "Chromium";v="143", "Google Chrome";v="143""#, "Sec-CH-UA-Platform": r#""Android""#,
            "Accept-Language": "es-US,es;q=0.9,en;q=0.8", "X-Linekeeper-UTC-Offset": "-300",
        }));
        let text = |text: &str| Signal::Present(text.to_owned());
        assert_eq!((told.browser, told.system), (text("Chrome"), text("Android")));
        assert_eq!((told.language, told.utc_offset), (text("es-US"), Signal::Present(-300)));
        assert_eq!(
            device(json!({})),
            Device {
                name: Signal::Absent,
                model: Signal::Absent,
                system: Signal::Absent,
                browser: Signal::Absent,
                language: Signal::Absent,
                utc_offset: Signal::Absent
            }
        );
    }

    #[test]
    fn the_edge_tells_a_phone_whose_browser_gives_no_hints() {
        let system = |edge: Edge, headers: Value| signals(edge, headers).device.system;
        let phone = || json!({ "CloudFront-Is-IOS-Viewer": "true", "X-Linekeeper-Edge": SECRET });
        assert_eq!(system(Edge::new(Some(SECRET.to_owned())), phone()), Signal::Present("iOS".to_owned()));
        assert_eq!(system(Edge::new(None), phone()), Signal::Absent);
    }

    #[test]
    fn what_a_browser_says_that_cannot_be_is_unavailable() {
        let long = "x".repeat(10_000);
        for bad in ["Android", "\"", "\"a\"b\"", "\"\"", long.as_str()] {
            let headers = json!({ "Sec-CH-UA": bad, "Sec-CH-UA-Platform": bad, "X-Linekeeper-UTC-Offset": bad });
            assert_eq!(
                signals(Edge::new(None), headers).device,
                Device { name: Signal::Absent, model: Signal::Absent, language: Signal::Absent, ..Device::default() },
                "{bad}"
            );
        }
        let headers = json!({ "Accept-Language": "*", "X-Linekeeper-UTC-Offset": "841" });
        let told = signals(Edge::new(None), headers).device;
        assert_eq!((told.language, told.utc_offset), (Signal::Unavailable, Signal::Unavailable));
    }

    #[test]
    fn an_address_of_either_kind_is_read() {
        let address = |text: &str| behind_the_edge(json!({ "CloudFront-Viewer-Address": text })).address;
        for (text, read) in
            [("198.51.100.7:46532", "198.51.100.7"), ("2001:db8::7:46532", "2001:db8::7"), ("[2001:db8::7]:1", "2001:db8::7")]
        {
            assert_eq!(address(text), Signal::Present(read.parse().unwrap()));
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        assert!(!format!("{:?}", Edge::new(Some(SECRET.to_owned()))).contains(SECRET));
    }
}
