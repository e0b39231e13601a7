//! Random lines: their past, what is asked of them, and who else met there. A small vocabulary, so that
//! things recur, overflow the profile's tables and fade; with everything missing now and then.
//!
//! Every thing of the vocabulary has a *stranger*: one that no line ever saw and that differs in nothing
//! else that is weighed (a network of the same kind, a place where the same zones are usual).

use std::net::{IpAddr, Ipv4Addr};

use linekeeper_domain::risk::background::{Background, System};
use linekeeper_domain::risk::event::{Act, Care, CareReason, Channel, Device, Line, Observation, Origin, Shown, Target};
use linekeeper_domain::risk::evidence::Evidence;
use linekeeper_domain::risk::marks::{Marker, Marks, WideMark, WideMarks};
use linekeeper_domain::risk::profile::Profile;
use linekeeper_domain::risk::velocity::{Counter, Meeting, Velocity};
use linekeeper_domain::signals::{Position, Signal};
use linekeeper_domain::time::{Span, Timestamp};

use crate::chance::Chance;

/// An observation of the vocabulary.
pub type Seen = Observation<'static>;

/// When every request is made.
pub const NOW: Timestamp = Timestamp::from_second(1_790_000_000);
/// The line that they are all about.
const LINE: &str = "law";
/// Visits of the population.
const POPULATION: u32 = 1_000_000;

/// Networks: two /24 of each of twelve systems, more than a profile holds.
const SYSTEMS: u32 = 12;
const FIRST_SYSTEM: u32 = 64_500;
/// The stranger of a system is so many further.
const STRANGER: u32 = 100;

/// A place: country, region, latitude and longitude.
type Place = (&'static str, &'static str, f64, f64);
const PLACES: [(Place, Place); 9] = [
    (("US", "Florida", 25.8, -80.2), ("Y1", "florida", -25.8, -80.2)),
    (("US", "Georgia", 33.7, -84.4), ("Y1", "georgia", -33.7, -84.4)),
    (("US", "New York", 40.7, -74.0), ("Y1", "new york", -40.7, -74.0)),
    (("US", "Texas", 29.8, -95.4), ("Y2", "texas", -29.8, -95.4)),
    (("US", "Illinois", 41.9, -87.6), ("Y2", "illinois", -41.9, -87.6)),
    (("US", "California", 34.1, -118.2), ("Y2", "california", -34.1, -118.2)),
    (("US", "Washington", 47.6, -122.3), ("Y3", "washington", -47.6, -122.3)),
    (("MX", "Jalisco", 20.7, -103.3), ("Y3", "jalisco", -20.7, -103.3)),
    (("CA", "Ontario", 43.7, -79.4), ("Y3", "ontario", -43.7, -79.4)),
];

/// Text, model, system, browser, kind; whether it proves a key; system and browser after an update.
#[derive(Clone, Copy, Debug)]
pub struct Gadget {
    cookie: &'static str,
    model: &'static str,
    system: &'static str,
    browser: &'static str,
    keyed: bool,
    updated: (&'static str, &'static str),
}

const fn gadget(
    cookie: &'static str,
    model: &'static str,
    (system, browser): (&'static str, &'static str),
    updated: (&'static str, &'static str),
    keyed: bool,
) -> Gadget {
    Gadget { cookie, model, system, browser, keyed, updated }
}

const IPHONE: [(&str, &str); 2] = [("iOS 26.1", "Mobile Safari 26.1"), ("iOS 26.2", "Mobile Safari 26.2")];
const ANDROID: [(&str, &str); 2] = [("Android 15", "Chrome Mobile 142"), ("Android 16", "Chrome Mobile 143")];
const WINDOWS: [(&str, &str); 2] = [("Windows 11", "Edge 142"), ("Windows 12", "Edge 143")];
const MAC: [(&str, &str); 2] = [("macOS 26.1", "Safari 26.1"), ("macOS 26.2", "Safari 26.2")];
const LINUX: [(&str, &str); 2] = [("Linux 6.1", "Firefox 145"), ("Linux 6.2", "Firefox 146")];
const GADGETS: [Gadget; 11] = [
    gadget("iphone-1", "iPhone", IPHONE[0], IPHONE[1], true),
    gadget("iphone-2", "iPhone", IPHONE[0], IPHONE[1], false),
    gadget("pixel-1", "Pixel 9", ANDROID[0], ANDROID[1], true),
    gadget("pixel-2", "Pixel 9", ANDROID[0], ANDROID[1], false),
    gadget("galaxy-1", "SM-S931U", ANDROID[0], ANDROID[1], false),
    gadget("moto-1", "moto g", ANDROID[0], ANDROID[1], true),
    gadget("windows-1", "PC", WINDOWS[0], WINDOWS[1], false),
    gadget("windows-2", "PC", WINDOWS[0], WINDOWS[1], true),
    gadget("mac-1", "Mac", MAC[0], MAC[1], false),
    gadget("mac-2", "Mac", MAC[0], MAC[1], true),
    gadget("linux-1", "X1", LINUX[0], LINUX[1], false),
];
/// A tablet that nobody ever saw.
const TABLET: Gadget = gadget("tablet", "Tab A9", ("Tizen 9", "Silk 142"), ("Tizen 10", "Silk 143"), false);

const ZONES: [i32; 6] = [-480, -420, -360, -300, -240, -540];
/// So far from the others' longitudes that no other is farther.
const STRANGE_ZONE: i32 = 600;
const LANGUAGES: [&str; 3] = ["en-US", "es-US", "en-GB"];
const STRANGE_LANGUAGE: &str = "ru-RU";
const HANDSETS: [&str; 3] = ["imei-1", "imei-2", "imei-3"];
const STRANGE_HANDSET: &str = "imei-9";

/// How usual a text is in the population: from a fifth down to one in a hundred thousand.
#[must_use]
pub fn share(text: &str) -> f64 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    0.2 * 0.5_f64.powi(i32::try_from(hash >> 7 & 15).unwrap_or(0))
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the population")]
fn visits(text: &str) -> u32 {
    (f64::from(POPULATION) * share(text)) as u32
}

/// What is usual among all lines.
#[must_use]
pub fn background() -> Background {
    let mut all =
        Background { visits: POPULATION, devices: 120_000, days: 150.0, care_acts: 4_000, reps: 50, ..Background::default() };
    all.all_systems = System { visits: POPULATION, prefixes: 9_000, trips: 500_000, trip_mean: 3.6, trip_deviation: 0.5 };
    for number in 0..SYSTEMS {
        // Of one kind with its stranger; how usual each is differs.
        for asn in [FIRST_SYSTEM + number, FIRST_SYSTEM + number + STRANGER] {
            let usual = System {
                visits: visits(&asn.to_string()),
                prefixes: 1 + number * 40,
                trips: number * 20,
                trip_mean: if number % 2 == 0 { 3.2 } else { 4.1 },
                trip_deviation: 0.4,
            };
            all.systems.insert(asn, usual);
            if number % 4 == 0 {
                all.mobile.insert(asn);
            }
            if number % 5 == 4 {
                all.hosting.insert(asn);
            }
        }
    }
    for ((country, region, _, _), (strange_country, strange_region, _, _)) in PLACES {
        all.countries.insert(country.to_owned(), visits(country));
        all.countries.insert(strange_country.to_owned(), visits(strange_country));
        for place in [format!("{country}/{region}"), format!("{strange_country}/{strange_region}")] {
            all.regions.insert(place.clone(), visits(region));
            for zone in ZONES {
                all.region_zones.insert(format!("{place}/{zone}"), visits(region) / 7 + zone.unsigned_abs() % 100);
            }
        }
    }
    for gadget in GADGETS.iter().chain([&TABLET]) {
        all.models.insert(gadget.model.to_owned(), visits(gadget.model));
        let families = (gadget.system.split(' ').next(), gadget.browser.rsplit_once(' '));
        if let (Some(system), Some((browser, _))) = families {
            all.os.insert(system.to_owned(), visits(system));
            all.browsers.insert(format!("{system}/{browser}"), visits(browser) / 2);
        }
    }
    for zone in ZONES {
        all.zones.insert(zone, visits(&zone.to_string()));
        for language in LANGUAGES {
            all.locales.insert(format!("{language}/{zone}"), visits(&zone.to_string()) / 3);
        }
    }
    all.hours = [900, 500, 300, 200, 300, 500, 800, 900, 1_000, 1_100, 1_200, 1_100];
    all.local_hours = (0..24).map(|hour| 200 + 40 * hour).collect();
    all.carriers.insert("carrier-1".to_owned(), 700);
    all
}

fn maybe<T>(chance: &mut Chance, value: T) -> Signal<T> {
    match chance.below(100) {
        0..10 => Signal::Absent,
        10..14 => Signal::Unavailable,
        _ => Signal::Present(value),
    }
}

fn number_of(chance: &mut Chance) -> u32 {
    // The first are seen most.
    chance.below(SYSTEMS).min(chance.below(SYSTEMS))
}

const fn address(system: u32, prefix: u32, host: u8) -> IpAddr {
    let [.., high, low] = (system - FIRST_SYSTEM).to_be_bytes();
    let [.., narrow] = prefix.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(10 + high, low, narrow, host))
}

fn position((_, _, latitude, longitude): Place) -> Signal<Position> {
    Position::new(latitude, longitude).into()
}

fn minutes(chance: &mut Chance, most: u32) -> f32 {
    f32::from(u16::try_from(chance.below(most)).unwrap_or(u16::MAX))
}

/// What was done, how, and with what result.
fn act(chance: &mut Chance, privileged: bool) -> (Channel, Act) {
    use Act::{
        CareContact, EmailChange, LockRemove, PasskeyAdd, PasswordReset, Pay, Plan, PortOut, PortPin, SignIn, SimSwap, View,
    };
    let online = if chance.happens(60) { Channel::App } else { Channel::Web };
    if !privileged && chance.happens(85) {
        return match chance.below(10) {
            0..5 => (online, SignIn),
            5 => (online, Pay),
            6 => (online, Plan),
            7 => (online, PasswordReset),
            8 => (Channel::Care, CareContact),
            _ => (online, View),
        };
    }
    match chance.below(12) {
        0..7 => (online, chance.pick(&[EmailChange, PasskeyAdd, LockRemove, SimSwap, PortPin])),
        7..10 => (Channel::Care, chance.pick(&[SimSwap, PortPin, LockRemove])),
        _ => (Channel::Partner, PortOut),
    }
}

/// An observation at a time.
pub fn observation(chance: &mut Chance, at: Timestamp, privileged: bool) -> Seen {
    let (channel, act) = act(chance, privileged);
    let mut seen = Seen {
        at,
        channel,
        act,
        succeeded: chance.happens(90),
        shown: {
            let shown = chance.pick(Shown::ALL);
            maybe(chance, shown)
        },
        tenure_days: {
            let days = minutes(chance, 4_000);
            maybe(chance, days)
        },
        origin: Origin {
            address: Signal::Absent,
            asn: Signal::Absent,
            country: Signal::Absent,
            region: Signal::Absent,
            position: Signal::Absent,
            round_trip: Signal::Absent,
        },
        device: Device::default(),
        line: Signal::Absent,
        care: Signal::Absent,
        target: Target { handset: Signal::Absent, sim: Signal::Absent, carrier: Signal::Absent },
    };
    if seen.is_online() {
        online(chance, &mut seen);
    } else {
        seen.device = Device {
            cookie: Signal::Absent,
            proven: Signal::Absent,
            model: Signal::Absent,
            system: Signal::Absent,
            browser: Signal::Absent,
            language: Signal::Absent,
            zone: Signal::Absent,
        };
    }
    if channel == Channel::Care {
        let care = Care {
            rep: maybe(chance, "rep-1"),
            reason: {
                let reason = chance.pick(CareReason::ALL);
                maybe(chance, reason)
            },
            failed: {
                let failed = chance.below(4);
                maybe(chance, failed)
            },
            inbound: {
                let inbound = chance.happens(80);
                maybe(chance, inbound)
            },
            own_line: {
                let own = chance.happens(60);
                maybe(chance, own)
            },
        };
        seen.care = maybe(chance, care);
    }
    if act == Act::SimSwap {
        let handset = chance.pick(&HANDSETS);
        seen.target.handset = maybe(chance, handset);
        seen.target.sim = maybe(chance, "sim-1");
    }
    if act == Act::PortOut {
        seen.target.carrier = maybe(chance, "carrier-1");
    }
    if chance.happens(70) {
        let line = Line {
            attached: {
                let attached = chance.happens(70);
                maybe(chance, attached)
            },
            idle_minutes: {
                let idle = minutes(chance, 3_000);
                maybe(chance, idle)
            },
            cell: match position(chance.pick(&PLACES).0) {
                Signal::Present(cell) => maybe(chance, cell),
                Signal::Absent | Signal::Unavailable => Signal::Absent,
            },
            handset_days: {
                let days = minutes(chance, 900);
                maybe(chance, days)
            },
        };
        seen.line = maybe(chance, line);
    }
    seen
}

fn online(chance: &mut Chance, seen: &mut Seen) {
    let system = FIRST_SYSTEM + number_of(chance);
    let prefix = chance.below(2);
    let host = chance.pick(&[7, 8, 9]);
    let place = chance.pick(&PLACES).0;
    let gadget = GADGETS.get(chance.index(GADGETS.len()).min(chance.index(GADGETS.len()))).copied().unwrap_or(TABLET);
    let (country, region, _, _) = place;
    let milliseconds = 4.0 + minutes(chance, 300);
    seen.origin = Origin {
        address: maybe(chance, address(system, prefix, host)),
        asn: maybe(chance, system),
        country: maybe(chance, country),
        region: maybe(chance, region),
        position: if chance.happens(90) { position(place) } else { Signal::Unavailable },
        round_trip: maybe(chance, milliseconds),
    };
    let proven = gadget.keyed && chance.happens(95);
    let (language, zone) = (chance.pick(&LANGUAGES), chance.pick(&ZONES));
    seen.device = Device {
        cookie: maybe(chance, gadget.cookie),
        proven: maybe(chance, proven),
        model: maybe(chance, gadget.model),
        system: maybe(chance, gadget.system),
        browser: maybe(chance, gadget.browser),
        language: maybe(chance, language),
        zone: maybe(chance, zone),
    };
}

/// A line's past: at most 40 observations of the last 200 days, in order, the latest perhaps today's.
pub fn past(chance: &mut Chance) -> Vec<Seen> {
    let count = chance.below(41);
    let days = chance.pick(&[2, 20, 200]);
    let mut times: Vec<u32> = (0..count).map(|_| 60 + chance.below(days * 86_400)).collect();
    times.sort_unstable_by_key(|ago| std::cmp::Reverse(*ago));
    times.into_iter().map(|ago| observation(chance, NOW - Span::seconds(ago), false)).collect()
}

/// Who else met at the nine kinds of meetings.
#[derive(Clone, Debug)]
pub struct Counters(pub [Signal<Counter>; 9]);

impl Counters {
    /// Random ones.
    pub fn random(chance: &mut Chance) -> Self {
        Self(Meeting::ALL.map(|_| match chance.below(10) {
            0..4 => Signal::Absent,
            4 => Signal::Unavailable,
            _ => {
                let mut counter = Counter::default();
                let mut times: Vec<u32> = (0..=chance.below(11)).map(|_| chance.below(12 * 86_400)).collect();
                times.sort_unstable_by_key(|ago| std::cmp::Reverse(*ago));
                for ago in times {
                    counter.add(WideMark(u64::from(chance.below(8))), NOW - Span::seconds(ago));
                }
                Signal::Present(counter)
            }
        }))
    }

    /// As the store hands them over.
    #[must_use]
    pub fn velocity(&self) -> Velocity<'_> {
        let [a, b, c, d, e, f, g, h, i] = &self.0;
        Velocity([a, b, c, d, e, f, g, h, i].map(borrowed))
    }
}

const fn borrowed(signal: &Signal<Counter>) -> Signal<&Counter> {
    match signal {
        Signal::Present(counter) => Signal::Present(counter),
        Signal::Absent => Signal::Absent,
        Signal::Unavailable => Signal::Unavailable,
    }
}

/// One more line met there, lately.
pub fn one_more(counter: &mut Counter, chance: &mut Chance) {
    counter.add(WideMark(999), NOW - Span::seconds(chance.below(5 * 3_600)));
}

/// A network that she may have seen, and a stranger of its kind.
pub fn networks(chance: &mut Chance, hers: &mut Origin<'static>, strange: &mut Origin<'static>) {
    let (system, prefix) = (FIRST_SYSTEM + number_of(chance), chance.below(2));
    for (origin, system) in [(hers, system), (strange, system + STRANGER)] {
        (origin.asn, origin.address) = (Signal::Present(system), Signal::Present(address(system, prefix, 7)));
    }
}

/// A /24 that she may have seen, and another of the same network.
pub fn prefixes(chance: &mut Chance, hers: &mut Origin<'static>, strange: &mut Origin<'static>) {
    let system = FIRST_SYSTEM + number_of(chance);
    for (origin, prefix) in [(hers, chance.below(2)), (strange, 99)] {
        (origin.asn, origin.address) = (Signal::Present(system), Signal::Present(address(system, prefix, 7)));
    }
}

/// A place where she may have been, and one that mirrors it beyond the equator: farther from all others. Without a
/// round trip, which is weighed against the distance that it went.
pub fn places(chance: &mut Chance, hers: &mut Origin<'static>, strange: &mut Origin<'static>) {
    let (here, there) = chance.pick(&PLACES);
    for (origin, place) in [(hers, here), (strange, there)] {
        (origin.country, origin.region) = (Signal::Present(place.0), Signal::Present(place.1));
        (origin.position, origin.round_trip) = (position(place), Signal::Absent);
    }
}

fn describe(device: &mut Device<'static>, gadget: Gadget, (system, browser): (&'static str, &'static str)) {
    (device.cookie, device.model) = (Signal::Present(gadget.cookie), Signal::Present(gadget.model));
    (device.system, device.browser) = (Signal::Present(system), Signal::Present(browser));
}

/// A device that she may have used, with its key where it has one, and a stranger that proves as much.
pub fn devices(chance: &mut Chance, hers: &mut Device<'static>, strange: &mut Device<'static>, same_system: bool) {
    let gadget = chance.pick(&GADGETS);
    describe(hers, gadget, (gadget.system, gadget.browser));
    describe(strange, TABLET, if same_system { (gadget.system, gadget.browser) } else { (TABLET.system, TABLET.browser) });
    (hers.proven, strange.proven) = (Signal::Present(gadget.keyed), Signal::Present(gadget.keyed));
}

/// A device of hers after an update, and a tablet that nobody ever saw.
pub fn update(chance: &mut Chance, hers: &mut Device<'static>, strange: &mut Device<'static>) {
    let gadget = chance.pick(&GADGETS);
    describe(hers, gadget, gadget.updated);
    describe(strange, TABLET, (TABLET.system, TABLET.browser));
    (hers.proven, strange.proven) = (Signal::Present(gadget.keyed), Signal::Present(gadget.keyed));
}

/// A browser that she may have used, and a strange one on the same system.
pub fn browsers(chance: &mut Chance, hers: &mut Device<'static>, strange: &mut Device<'static>) {
    let gadget = chance.pick(&GADGETS);
    for (device, browser) in [(hers, gadget.browser), (strange, TABLET.browser)] {
        (device.system, device.browser) = (Signal::Present(gadget.system), Signal::Present(browser));
    }
}

/// A zone that she may have had, and one on the other side of the Earth.
pub fn zones(chance: &mut Chance, hers: &mut Device<'_>, strange: &mut Device<'_>) {
    (hers.zone, strange.zone) = (Signal::Present(chance.pick(&ZONES)), Signal::Present(STRANGE_ZONE));
}

/// A language that she may have had, and a strange one.
pub fn languages(chance: &mut Chance, hers: &mut Device<'_>, strange: &mut Device<'_>) {
    (hers.language, strange.language) = (Signal::Present(chance.pick(&LANGUAGES)), Signal::Present(STRANGE_LANGUAGE));
}

/// A handset that her last SIM may have gone to, and a strange one.
pub fn handsets(chance: &mut Chance, hers: &mut Target<'_>, strange: &mut Target<'_>) {
    (hers.handset, strange.handset) = (Signal::Present(chance.pick(&HANDSETS)), Signal::Present(STRANGE_HANDSET));
}

/// A cell near a place of hers, and one beyond the equator.
pub fn cells(chance: &mut Chance) -> (Signal<Position>, Signal<Position>) {
    let (here, there) = chance.pick(&PLACES);
    (position(here), position(there))
}

/// Where all this happens.
#[derive(Debug)]
pub struct Scene {
    marker: Marker,
    of_line: Marker,
    background: Background,
}

impl Default for Scene {
    fn default() -> Self {
        let marker = Marker::new(&[7; 32]);
        Self { of_line: marker.of_line(LINE), marker, background: background() }
    }
}

impl Scene {
    /// The population.
    #[must_use]
    pub const fn background(&self) -> &Background {
        &self.background
    }

    /// An observation's marks, in the line's profile and across lines.
    #[must_use]
    pub fn marks(&self, seen: &Seen) -> (Marks, WideMarks) {
        (Marks::of(&self.of_line, seen), WideMarks::of(&self.marker, LINE, seen))
    }

    /// The evidence of an observation.
    #[must_use]
    pub fn weigh(&self, profile: &Profile, seen: &Seen, counters: &Counters) -> Evidence {
        let (marks, wide) = self.marks(seen);
        Evidence::of(profile, seen, &marks, &wide, &counters.velocity(), &self.background)
    }

    /// Learns it.
    pub fn learn(&self, profile: &mut Profile, seen: &Seen, evidence: &Evidence) {
        profile.learn(seen, &Marks::of(&self.of_line, seen), evidence);
    }

    /// The profile that a past leaves.
    #[must_use]
    pub fn profile(&self, past: &[Seen]) -> Profile {
        let (mut profile, alone) = (Profile::default(), Counters(Meeting::ALL.map(|_| Signal::Absent)));
        for seen in past {
            let evidence = self.weigh(&profile, seen, &alone);
            self.learn(&mut profile, seen, &evidence);
        }
        profile
    }
}
