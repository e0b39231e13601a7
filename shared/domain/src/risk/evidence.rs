//! The closed list of evidence: what an observation says for or against the customer, in numbers.
//!
//! A *match* is weighed by back-off along a chain from the narrow to the wide, say /24, network, all:
//! `r(x) = (w(x) / p(x) + A r(parent)) / (W + A)` with `r(all) = 1`, where `w` is what the profile has of
//! `x`, `W` all that it has at that level and `p` the share of `x` in the population. The evidence is
//! `-ln r`: how much less likely `x` is for this customer than for anyone. No history gives exactly 0;
//! more of `x` never gives more (shares never rise from the wide to the narrow); a level that is missing
//! drops out. A missing narrowest level makes the
//! whole missing, and so does a wider one that could not be read, so that hiding one gains nothing.

use super::background::{Background, local_hour};
use super::event::{Act, Care, CareReason, Observation};
use super::marks::{Mark, Marks, WideMarks};
use super::num;
use super::profile::{PIN_RECORD, Profile, Stamp, bin_of};
use super::table::{Table, day_of};
use super::velocity::{Meeting, Velocity};
use crate::kinds::Reason;
use crate::signals::Signal;
use crate::time::{Span, Timestamp};

/// The weight of the wider level, in visits.
const BACK_OFF: f32 = 1.5;
/// No evidence by match is larger, either way.
const MATCH_CAP: f32 = 12.0;
/// Times within a visit say nothing (they would tell a simulator's habits, or a browser's): what is more
/// recent counts as this old, in seconds.
const VISIT: u32 = 6 * 3_600;
/// "Never", in days.
const NEVER_DAYS: f32 = 400.0;

/// How a risk goes with a piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More of it is never less risky.
    Up,
    /// More of it is never riskier.
    Down,
    /// Either.
    Free,
}

macro_rules! evidence {
    ($($(#[$doc:meta])* $field:ident: $direction:ident, $reason:ident;)+) => {
        /// An observation's evidence. NaN where a signal that it needs is missing.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Evidence { $($(#[$doc])* pub $field: f32),+ }

        /// The names, in order.
        pub const NAMES: &[&str] = &[$(stringify!($field)),+];
        /// The direction of each.
        pub const DIRECTIONS: &[Direction] = &[$(Direction::$direction),+];
        /// The reason that each gives.
        pub const REASONS: &[Reason] = &[$(Reason::$reason),+];

        impl Default for Evidence {
            /// Nothing is known.
            fn default() -> Self {
                Self { $($field: f32::NAN),+ }
            }
        }

        impl Evidence {
            /// The values, in the order of [`NAMES`].
            #[must_use]
            pub const fn values(&self) -> [f32; NAMES.len()] {
                [$(self.$field),+]
            }

            /// The evidence with these values, in the order of [`NAMES`].
            #[must_use]
            pub const fn from_values([$($field),+]: [f32; NAMES.len()]) -> Self {
                Self { $($field),+ }
            }
        }
    };
}

evidence! {
    /// /24, network: match.
    network: Up, NewNetwork;
    /// The same, of what devices of a month or verified visits brought: a thief's harmless visits do not make his network hers.
    network_settled: Up, NewNetwork;
    /// Network alone: match.
    asn: Up, NewNetwork;
    /// How rare a network is that is not hers: -ln share; 0 for hers.
    network_rarity: Up, NewNetwork;
    /// The network is a data centre's, and not hers.
    hosting: Up, Automation;
    /// The same, and no device of a month or verified visit brought it.
    hosting_settled: Up, Automation;
    /// Cell, region, country: match. From a mobile network, whose look-ups err by a state: anywhere within that
    /// error, country.
    place: Up, FarFromUsual;
    /// Country alone: match.
    country: Up, FarFromUsual;
    /// Kilometres from the nearest usual place beyond what look-ups err.
    distance: Up, FarFromUsual;
    /// Kilometres an hour from the last place, beyond what look-ups err.
    speed: Up, FarFromUsual;
    /// Device, model, system: match.
    device: Up, NewDevice;
    /// The same, with a device on probation as if never seen: without a key, for 30 days.
    device_settled: Up, NewDevice;
    /// The device's share of the line's visits.
    device_share: Down, NewDevice;
    /// Days since the device was first seen; 0 for a new one.
    device_days: Down, NewDevice;
    /// Model, system: match.
    model: Up, NewDevice;
    /// Days since the /24 was first seen; 0 for a new one.
    prefix_days: Down, NewNetwork;
    /// Days since the network was first seen; 0 for a new one.
    asn_days: Down, NewNetwork;
    /// ln(1 + days since the device's text was first seen at any line).
    device_age: Down, NewDevice;
    /// How surprising a new device is to this customer: -ln of how often her visits bring one; 0 for a known one.
    device_novelty: Up, NewDevice;
    /// The same for the /24.
    prefix_novelty: Up, NewNetwork;
    /// The same for the network.
    asn_novelty: Up, NewNetwork;
    /// Proof by a key bound to the device: 3 a known device's, 2 a new one's, 1 none and there never was one, 0 lost: it proved before.
    key: Down, SessionMoved;
    /// No proof, and a device of hers has one.
    key_elsewhere: Up, NewDevice;
    /// Browser with its system: match.
    browser: Up, NewDevice;
    /// Browser and system with their versions: match.
    agent: Up, NewDevice;
    /// Language with zone: match.
    locale: Up, NewDevice;
    /// Zone: match.
    zone: Up, FarFromUsual;
    /// How rare the zone is in the region: -ln of its share there.
    zone_rarity: Up, FarFromUsual;
    /// Hours between the zone that is claimed and the longitude that is looked up.
    zone_off: Up, FarFromUsual;
    /// Hour of day: match.
    hour: Up, OddHour;
    /// How rare the local hour is among all: -ln of its share times 24.
    night: Up, OddHour;
    /// Round trip: standard deviations above the line's own.
    round_trip: Up, SessionMoved;
    /// Round trip: standard deviations above what the network usually has.
    round_trip_network: Up, SessionMoved;
    /// Round trip: logarithm of what it is to what the distance from the phone, or else from the nearest usual place, explains.
    round_trip_distance: Up, SessionMoved;
    /// Round trip: its logarithm, in milliseconds.
    round_trip_plain: Up, SessionMoved;
    /// The strongest that was shown in this visit, as `shown`.
    shown_visit: Up, WeakProof;
    /// The visit began on a session that was open already.
    visit_opened: Up, SessionMoved;
    /// What was shown, weakest last: 0 passkey, 1 code or PIN, 2 password, 3 session, 4 questions, 5 a representative's word.
    shown: Up, WeakProof;
    /// ln(1 + days since activation).
    tenure: Down, NoHistory;
    /// ln(1 + days with a visit).
    visits: Down, NoHistory;
    /// ln(1 + days since the last visit).
    idle: Free, NoHistory;
    /// ln(1 + days since): password reset. Recent is riskier; 6 hours at least, 400 days for never.
    since_reset: Down, RecentReset;
    /// E-mail address changed.
    since_email: Down, RecentContactChange;
    /// Passkey added.
    since_passkey: Down, RecentContactChange;
    /// Lock removed.
    since_unlock: Down, LockJustRemoved;
    /// SIM swap asked for.
    since_swap: Down, RecentSimChange;
    /// Number transfer PIN asked for.
    since_pin: Free, LockJustRemoved;
    /// The customer contacted the care desk.
    since_contact: Free, NoCustomerContact;
    /// Someone failed the questions at the care desk.
    since_failed_contact: Down, QuestionsFailed;
    /// Failed sign-ins, fading over a day.
    failures: Up, Failures;
    /// Questions failed at the care desk, fading over a week.
    questions: Up, QuestionsFailed;
    /// Surprise of visits before today, fading over a month. What was missing counted 0 in it, which a typical
    /// match is never above. It goes up so that an odd visit never vouches for the next one.
    odd_past: Up, NewNetwork;
    /// Surprise of the oddest visit of late, fading by half in 36 hours; up for the same reason: asking again is no
    /// safer.
    odd_recent: Up, NewNetwork;
    /// This visit's own: the sum of its matches, each cut to -2..4.
    surprise: Up, NewNetwork;
    /// Whether the carrier's network says anything of the line.
    feed: Free, SimStillInUse;
    /// The SIM is attached.
    attached: Up, SimStillInUse;
    /// ln(1 + minutes since the SIM was used).
    sim_idle: Down, SimStillInUse;
    /// Attached though the phone is said to be lost.
    lost_but_attached: Up, SimStillInUse;
    /// ln(1 + days in this handset).
    handset_days: Free, RecentSimChange;
    /// Kilometres between the cell and the looked-up place, beyond what look-ups err.
    cell_off: Up, FarFromUsual;
    /// Kilometres from the cell to the nearest usual place.
    cell_far: Up, FarFromUsual;
    /// Questions failed in this request.
    care_failed: Up, QuestionsFailed;
    /// The customer called.
    care_inbound: Down, NoCustomerContact;
    /// From the line itself.
    care_own: Down, NoCustomerContact;
    /// 0 other, 1 upgrade, 2 SIM, 3 port, 4 lost.
    care_reason: Free, NoCustomerContact;
    /// The customer's last contact is on record within 6 hours.
    contact: Down, NoCustomerContact;
    /// Neither did she call nor is a contact on record.
    care_alone: Up, NoCustomerContact;
    /// Other lines at this address in a day, ln(1 + n); likewise below.
    address_day: Up, ManyLinesOneTarget;
    /// At this address in a week.
    address_week: Up, ManyLinesOneTarget;
    /// At this /24 in a day, against what is usual there.
    prefix_day: Up, ManyLinesOneTarget;
    /// With this device's text in a week.
    device_week: Up, ManyLinesOneTarget;
    /// To this handset in a week.
    handset_week: Up, ManyLinesOneTarget;
    /// To this SIM in a week.
    sim_week: Up, ManyLinesOneTarget;
    /// To this carrier in 6 hours.
    carrier_hours: Up, ManyLinesOneTarget;
    /// To this carrier in a day.
    carrier_day: Up, ManyLinesOneTarget;
    /// The same against what is usual there, ln((n + .5) / (usual + .5)).
    carrier_surge: Up, ManyLinesOneTarget;
    /// In 6 hours, against what is usual there.
    carrier_surge_hours: Up, ManyLinesOneTarget;
    /// How rare the carrier is among port-outs: -ln share.
    carrier_rarity: Up, ManyLinesOneTarget;
    /// By this representative in a day.
    rep_day: Up, ManyLinesOneTarget;
    /// By this representative in a week, against what is usual of one.
    rep_week: Up, ManyLinesOneTarget;
    /// The same against what is usual of this one.
    rep_surge: Up, ManyLinesOneTarget;
    /// Vouched by this representative without a check, in a week.
    rep_vouching: Up, NoCustomerContact;
    /// Moved by this representative where no customer called, in a week.
    rep_alone: Up, NoCustomerContact;
    /// The new SIM goes to the handset of the last one.
    same_handset: Down, NewDevice;
    /// Whether the number transfer PIN came through the care desk. What follows is the evidence of that request.
    pin_care: Free, NoCustomerContact;
    /// The PIN: `network`.
    pin_network: Up, NewNetwork;
    /// The PIN: `place`.
    pin_place: Up, FarFromUsual;
    /// The PIN: `device`.
    pin_device: Up, NewDevice;
    /// The PIN: `device_days`.
    pin_device_days: Down, NewDevice;
    /// The PIN: `device_age`.
    pin_device_age: Down, NewDevice;
    /// The PIN: `hosting`.
    pin_hosting: Up, Automation;
    /// The PIN: `key`.
    pin_key: Down, SessionMoved;
    /// The PIN: `key_elsewhere`.
    pin_key_elsewhere: Up, NewDevice;
    /// The PIN: `zone_rarity`.
    pin_zone_rarity: Up, FarFromUsual;
    /// The PIN: `locale`.
    pin_locale: Up, NewDevice;
    /// The PIN: `hour`.
    pin_hour: Up, OddHour;
    /// The PIN: `round_trip`.
    pin_round_trip: Up, SessionMoved;
    /// The PIN: `round_trip_distance`.
    pin_round_trip_distance: Up, SessionMoved;
    /// The PIN: `surprise`.
    pin_surprise: Up, NewNetwork;
    /// The PIN: `shown_visit`.
    pin_shown_visit: Up, WeakProof;
    /// The PIN: `visit_opened`.
    pin_visit_opened: Up, SessionMoved;
    /// The PIN: `since_reset`.
    pin_since_reset: Down, RecentReset;
    /// The PIN: `care_failed`.
    pin_care_failed: Up, QuestionsFailed;
    /// The PIN: `care_own`.
    pin_care_own: Down, NoCustomerContact;
    /// The PIN: `care_alone`.
    pin_care_alone: Up, NoCustomerContact;
    /// The PIN: `network_settled`.
    pin_network_settled: Up, NewNetwork;
    /// The PIN: `device_settled`.
    pin_device_settled: Up, NewDevice;
    /// No PIN is on record within 30 days.
    pin_unknown: Up, LockJustRemoved;
    /// 0 e-mail, 1 passkey, 2 lock, 3 SIM, 4 PIN, 5 port-out, 6 anything else.
    act: Free, NoHistory;
}

/// One level of a chain: what the profile has of it, what it has at all, and its share in the population.
struct Level {
    one: f32,
    all: f32,
    share: f32,
}

impl Level {
    fn of<const N: usize>(table: &Table<N>, mark: Option<Mark>, share: f32, now: Timestamp) -> Option<Self> {
        Some(Self::new(table.weigh(mark?, now), share))
    }

    fn new((one, all): (u32, u32), share: f32) -> Self {
        Self { one: num::from_u32(one) / 256.0, all: num::from_u32(all) / 256.0, share }
    }
}

/// The evidence of a chain, the widest level first; missing where the last one is.
fn back_off(chain: &[Option<Level>]) -> f32 {
    if !matches!(chain.last(), Some(Some(_))) {
        return f32::NAN;
    }
    let narrower = |(r, wider): (f32, f32), level: &Level| {
        // What is rare at large is as rare in its parts, however few there are to tell by.
        let share = level.share.min(wider);
        ((level.one / share + BACK_OFF * r) / (level.all + BACK_OFF), share)
    };
    let (r, _) = chain.iter().flatten().fold((1.0, 1.0), narrower);
    // Exactly 0, not -0, where there is no history.
    (0.0 - num::ln(r)).clamp(-MATCH_CAP, MATCH_CAP)
}

/// Days since something was first seen, 0 where it does not count yet; missing where it is missing.
fn days_known<const N: usize>(table: &Table<N>, mark: Option<Mark>, now: Timestamp) -> f32 {
    mark.map_or(f32::NAN, |mark| {
        let row = table.row(mark).filter(|_| table.weigh(mark, now).0 > 0);
        row.map_or(0.0, |row| f32::from(day_of(now).saturating_sub(row.first_day)))
    })
}

const fn flag(on: bool) -> f32 {
    if on { 1.0 } else { 0.0 }
}

fn flag_of(signal: &Signal<bool>) -> f32 {
    signal.present().map_or(f32::NAN, |&on| flag(on))
}

fn log1p(x: f32) -> f32 {
    num::ln(1.0 + x.max(0.0))
}

impl Evidence {
    /// Weighs an observation, before it is learnt.
    #[must_use]
    pub fn of(
        profile: &Profile,
        seen: &Observation<'_>,
        marks: &Marks,
        wide: &WideMarks,
        velocity: &Velocity<'_>,
        background: &Background,
    ) -> Self {
        let now = seen.at;
        let mut evidence = Self::default();
        if seen.is_online() {
            evidence.weigh_network(profile, seen, marks, background);
            evidence.weigh_device(profile, seen, marks, background);
            evidence.weigh_hours(profile, seen, background);
            evidence.surprise = evidence.surprise();
        } else {
            evidence.weigh_hours(profile, seen, background);
        }
        evidence.weigh_history(profile, seen, now);
        evidence.weigh_line(profile, seen, marks);
        evidence.weigh_care(profile, seen);
        evidence.weigh_velocity(seen, velocity, wide, background);
        if profile.has_lost_key(seen, marks) && !evidence.device_age.is_nan() {
            // The text's age is that of the device that it was copied from.
            evidence.device_age = 0.0;
        }
        if seen.act == Act::PortOut {
            evidence.weigh_pin(profile, now);
        }
        evidence
    }

    fn weigh_network(&mut self, profile: &Profile, seen: &Observation<'_>, marks: &Marks, background: &Background) {
        let (now, origin) = (seen.at, &seen.origin);
        let asn = origin.asn.present().copied();
        let wide = || Level::of(&profile.asns, marks.asn, background.of_asn(asn?), now);
        let narrow = || Level::of(&profile.prefixes, marks.prefix.filter(|_| asn.is_some()), background.of_prefix(asn?), now);
        self.network = back_off(&[wide(), narrow()]);
        self.asn = back_off(&[wide()]);
        let settled_asn = marks.asn.map_or((0, 0), |mark| profile.asns.weigh_settled(mark, now));
        let settled_wide = || Some(Level::new(settled_asn, background.of_asn(asn?)));
        let settled_narrow = || Some(Level::new(profile.prefixes.weigh_settled(marks.prefix?, now), background.of_prefix(asn?)));
        self.network_settled = back_off(&[settled_wide(), settled_narrow()]);
        self.prefix_days = days_known(&profile.prefixes, marks.prefix, now);
        self.asn_days = days_known(&profile.asns, marks.asn, now);
        if let Some(asn) = asn {
            let hers = marks.asn.is_some_and(|mark| profile.asns.weigh(mark, now).0 > 0);
            let hosting = background.hosting.contains(&asn);
            self.hosting = flag(!hers && hosting);
            self.hosting_settled = flag(settled_asn.0 == 0 && hosting);
            self.network_rarity = if hers { 0.0 } else { 0.0 - num::ln(background.of_asn(asn)) };
        }

        let (country, region) = (origin.country.present().copied(), origin.region.present().copied());
        let cell = origin.position.present().map(|&position| super::profile::cell_of(position));
        let by_country = || Level::of(&profile.countries, marks.country, background.of_country(country?), now);
        let by_region = || Level::of(&profile.regions, marks.region, background.of_region(country?, region?), now);
        let by_cell = || Level::of(&profile.cells, cell.map(Mark), background.of_cell(cell?), now);
        let radius = background.error_radius(asn);
        // Half the diagonal of a cell: places are remembered no better.
        let slack = radius + 40.0;
        let near = || {
            let weights = profile.weigh_within(slack, *origin.position.present()?, now);
            let share = match (country, region) {
                (Some(country), Some(region)) => background.of_region(country, region),
                (Some(country), None) => background.of_country(country),
                (None, _) => 1.0,
            };
            Some(Level::new(weights, share))
        };
        let unread = origin.country.is_unavailable() || origin.region.is_unavailable() || origin.asn.is_unavailable();
        let mobile = asn.is_some_and(|asn| background.mobile.contains(&asn));
        self.place = match (unread, mobile) {
            (true, _) => f32::NAN,
            (false, true) => back_off(&[by_country(), near()]),
            (false, false) => back_off(&[by_country(), by_region(), by_cell()]),
        };
        self.country = back_off(&[by_country()]);

        if let Some(&position) = origin.position.present() {
            self.distance = profile.nearest(position, now).map_or(0.0, |km| (km - slack).max(0.0));
            self.speed = profile.last_place(now).map_or(0.0, |(last, hour)| {
                let hours = (num::seconds(now) / 3_600).saturating_sub(hour).max(VISIT / 3_600);
                (num::from_f64(last.kilometres_to(position)) - slack - radius).max(0.0) / num::from_u32(hours)
            });
            if let Some(&zone) = seen.device.zone.present() {
                let by_longitude = num::from_f64(position.longitude() / 15.0);
                self.zone_off = (num::from_i64(i64::from(zone)) / 60.0 - by_longitude).abs().max(1.5) - 1.5;
            }
            if let Some(line) = seen.line.present()
                && let Some(&cell) = line.cell.present()
            {
                self.cell_off = (num::from_f64(cell.kilometres_to(position)) - radius - 20.0).max(0.0);
            }
        }

        if let Some(&milliseconds) = origin.round_trip.present() {
            let logarithm = num::ln(milliseconds.max(1.0));
            let (mean, deviation) = background.round_trips(asn);
            let (count, own_mean, own_variance) = profile.round_trip_moments(now);
            let weight = 2.0;
            let centre = (count * own_mean + weight * mean) / (count + weight);
            let variance = (count * own_variance + weight * deviation * deviation) / (count + weight);
            self.round_trip_plain = logarithm;
            let cell = match &seen.line {
                Signal::Present(line) => line.cell,
                Signal::Absent => Signal::Absent,
                Signal::Unavailable => Signal::Unavailable,
            };
            let kilometres = match (&origin.position, cell) {
                (Signal::Unavailable, _) | (_, Signal::Unavailable) => f32::NAN,
                (Signal::Absent, _) => 0.0,
                (Signal::Present(position), Signal::Present(cell)) => num::from_f64(cell.kilometres_to(*position)),
                (Signal::Present(position), Signal::Absent) => profile.nearest(*position, now).unwrap_or(0.0),
            };
            // Light in glass takes 0.01 ms there and back a kilometre, and cables are a fifth longer than the
            // air line; 24 ms is what access, edge and device take.
            self.round_trip_distance = logarithm - num::ln(24.0 + 0.012 * kilometres);
            // What is usual in a network that could not be told is not usual in it.
            if !origin.asn.is_unavailable() {
                self.round_trip_network = (logarithm - mean) / deviation;
                self.round_trip = (logarithm - centre) / libm::sqrtf(variance.max(0.01));
            }
        }
    }

    fn weigh_device(&mut self, profile: &Profile, seen: &Observation<'_>, marks: &Marks, background: &Background) {
        let (now, device) = (seen.at, &seen.device);
        let (model, system, browser) =
            (device.model.present().copied(), device.system.present().copied(), device.browser.present().copied());
        let (language, zone) = (device.language.present().copied(), device.zone.present().copied());
        let proven = device.proven.present().copied();
        // Who has the text of a device and not its key has copied it: not that device.
        let lost = profile.has_lost_key(seen, marks);
        let by_system = || Level::of(&profile.systems, marks.system, background.of_os(system?), now);
        let by_model = || Level::of(&profile.models, marks.model, background.of_model(model?), now);
        let counting = |counts: bool| {
            let level = Level::of(&profile.devices, marks.cookie, background.of_device(), now)?;
            Some(Level { one: if counts { level.one } else { 0.0 }, ..level })
        };
        let by_cookie = || counting(!lost);
        let described = !device.system.is_unavailable() && !device.model.is_unavailable();
        self.device = if described { back_off(&[by_system(), by_model(), by_cookie()]) } else { f32::NAN };
        let settled = || counting(!lost && marks.cookie.is_some_and(|cookie| profile.is_settled(cookie, seen)));
        self.device_settled = if described { back_off(&[by_system(), by_model(), settled()]) } else { f32::NAN };
        self.model = match (described, model) {
            (false, _) => f32::NAN,
            (true, Some(_)) => back_off(&[by_system(), by_model()]),
            (true, None) => back_off(&[by_system()]),
        };
        let by_browser = || Level::of(&profile.browsers, marks.browser, background.of_browser(system?, browser?), now);
        self.browser = back_off(&[by_system(), by_browser()]);
        let by_agent = || Level::of(&profile.agents, marks.agent, background.of_agent(system?, browser?), now);
        self.agent = back_off(&[by_system(), by_browser(), by_agent()]);
        let by_zone = || Level::of(&profile.zones, marks.zone, background.of_zone(zone?), now);
        let by_locale = || Level::of(&profile.locales, marks.locale, background.of_locale(language?, zone?), now);
        if let (Some(&country), Some(&region), Some(zone)) = (seen.origin.country.present(), seen.origin.region.present(), zone) {
            self.zone_rarity = background.zone_rarity(country, region, zone);
        }
        self.locale = back_off(&[by_zone(), by_locale()]);
        self.zone = back_off(&[by_zone()]);

        if let Some(cookie) = marks.cookie {
            let (one, all) = profile.devices.weigh(cookie, now);
            let known = one > 0 && !lost;
            self.device_share = if all == 0 || lost { 0.0 } else { num::from_u32(one) / num::from_u32(all) };
            self.device_days = if lost { 0.0 } else { days_known(&profile.devices, marks.cookie, now) };
            if let Some(proven) = proven {
                self.key = match (proven, known) {
                    (true, true) => 3.0,
                    (true, false) => 2.0,
                    (false, _) if lost => 0.0,
                    (false, _) => 1.0,
                };
            }
        }
        self.key_elsewhere = proven.map_or(f32::NAN, |proven| flag(!proven && profile.has_key(now)));
        [self.device_novelty, self.prefix_novelty, self.asn_novelty] = profile.novelty(seen, marks);
        let so_far = profile.visit_so_far(seen, marks);
        self.shown_visit = so_far.weakness.map_or(f32::NAN, f32::from);
        self.visit_opened = so_far.opened.map_or(f32::NAN, flag);
    }

    fn weigh_hours(&mut self, profile: &Profile, seen: &Observation<'_>, background: &Background) {
        let now = seen.at;
        let (bins, shares) = (profile.hour_weights(now), background.of_bins());
        let bin = usize::from(bin_of(now));
        let near = |step: usize| bins.get((bin + step) % 12).copied().unwrap_or(0.0);
        let all: f32 = bins.iter().sum();
        // A quarter of each visit counts for either neighbour.
        let one = 0.5 * near(0) + 0.25 * (near(1) + near(11));
        let share = shares.get(bin).copied().unwrap_or(1.0);
        self.hour = (0.0 - num::ln((one / share + 3.0) / (all + 3.0))).clamp(-MATCH_CAP, MATCH_CAP);
        if let Some(zone) = profile.usual_zone(now).or(seen.device.zone.present().copied()) {
            self.night = 0.0 - num::ln(background.of_local_hour(local_hour(now, zone)));
        }
    }

    fn weigh_history(&mut self, profile: &Profile, seen: &Observation<'_>, now: Timestamp) {
        let since = |stamp| {
            let days = profile.since(stamp, now).map_or(NEVER_DAYS, |s| num::from_u32(s.max(VISIT)) / 86_400.0);
            log1p(days.min(NEVER_DAYS))
        };
        self.since_reset = since(Stamp::Reset);
        self.since_email = since(Stamp::Email);
        self.since_passkey = since(Stamp::Passkey);
        self.since_unlock = since(Stamp::Unlock);
        self.since_swap = since(Stamp::Swap);
        self.since_pin = since(Stamp::Pin);
        self.since_contact = since(Stamp::Contact);
        self.since_failed_contact = since(Stamp::FailedContact);
        self.contact = flag(profile.since(Stamp::Contact, now).is_some_and(|seconds| seconds < VISIT));
        self.failures = profile.failures(now);
        self.questions = profile.failed_questions(now);
        self.odd_past = profile.past_oddness(now);
        self.odd_recent = profile.recent_oddness(now);
        self.visits = log1p(num::from_u32(profile.visit_days(now)));
        self.idle = log1p(profile.idle_hours(now).map_or(NEVER_DAYS, |hours| num::from_u32(hours) / 24.0).min(NEVER_DAYS));
        self.tenure = seen.tenure_days.present().map_or(f32::NAN, |&days| log1p(days));
        self.shown = seen.shown.present().map_or(f32::NAN, |shown| f32::from(shown.weakness()));
        self.act = match seen.act {
            Act::EmailChange => 0.0,
            Act::PasskeyAdd => 1.0,
            Act::LockRemove => 2.0,
            Act::SimSwap => 3.0,
            Act::PortPin => 4.0,
            Act::PortOut => 5.0,
            Act::SignIn | Act::View | Act::Pay | Act::Plan | Act::CareContact | Act::PasswordReset => 6.0,
        };
    }

    fn weigh_line(&mut self, profile: &Profile, seen: &Observation<'_>, marks: &Marks) {
        let now = seen.at;
        self.feed = match seen.line {
            Signal::Present(_) => 1.0,
            Signal::Absent => 0.0,
            Signal::Unavailable => f32::NAN,
        };
        if let Some(line) = seen.line.present() {
            self.attached = flag_of(&line.attached);
            self.sim_idle = line.idle_minutes.present().map_or(f32::NAN, |&minutes| log1p(minutes));
            self.handset_days = line.handset_days.present().map_or(f32::NAN, |&days| log1p(days));
            if let Some(&cell) = line.cell.present() {
                self.cell_far = profile.nearest(cell, now).map_or(0.0, |km| (km - 40.0).max(0.0));
            }
            self.lost_but_attached = match &seen.care {
                Signal::Present(Care { reason: Signal::Present(CareReason::Lost), .. }) => self.attached,
                Signal::Present(Care { reason: Signal::Unavailable, .. }) | Signal::Unavailable => f32::NAN,
                Signal::Present(_) | Signal::Absent => 0.0,
            };
        }
        if let Some(handset) = marks.handset {
            self.same_handset = profile.handset(now).map_or(0.0, |known| flag(known == handset));
        }
    }

    fn weigh_care(&mut self, profile: &Profile, seen: &Observation<'_>) {
        let Some(care) = seen.care.present() else { return };
        self.care_failed = care.failed.present().map_or(f32::NAN, |&n| num::from_u32(n.min(20)));
        self.care_inbound = flag_of(&care.inbound);
        self.care_own = flag_of(&care.own_line);
        self.care_reason = care.reason.present().map_or(f32::NAN, |reason| match reason {
            CareReason::Other => 0.0,
            CareReason::Upgrade => 1.0,
            CareReason::Sim => 2.0,
            CareReason::Port => 3.0,
            CareReason::Lost => 4.0,
        });
        let on_record = profile.since(Stamp::Contact, seen.at).is_some_and(|seconds| seconds < VISIT);
        self.care_alone = care.inbound.present().map_or(f32::NAN, |&inbound| flag(!inbound) + flag(!on_record));
    }

    fn weigh_velocity(&mut self, seen: &Observation<'_>, velocity: &Velocity<'_>, wide: &WideMarks, background: &Background) {
        let now = seen.at;
        let known = |meeting: Meeting| meeting.mark(wide).map(|_| velocity.of(meeting));
        let others = |meeting: Meeting, window: Span| match known(meeting) {
            None | Some(Signal::Unavailable) => f32::NAN,
            Some(Signal::Absent) => 0.0,
            Some(Signal::Present(counter)) => num::from_u32(counter.others(wide.line, now, window)),
        };
        let a_day = |meeting: Meeting| match known(meeting) {
            Some(Signal::Present(counter)) => counter.usual_a_day(now),
            None | Some(Signal::Absent | Signal::Unavailable) => 0.0,
        };
        let surge = |meeting: Meeting| num::ln((others(meeting, Span::days(1)) + 0.5) / (a_day(meeting) + 0.5));
        let log = |x: f32| if x.is_nan() { x } else { log1p(x) };
        self.address_day = log(others(Meeting::Address, Span::days(1)));
        self.address_week = log(others(Meeting::Address, Span::days(7)));
        self.prefix_day = surge(Meeting::Prefix);
        self.device_week = log(others(Meeting::Device, Span::days(7)));
        self.handset_week = log(others(Meeting::Handset, Span::days(7)));
        self.sim_week = log(others(Meeting::Sim, Span::days(7)));
        self.carrier_hours = log(others(Meeting::Carrier, Span::hours(6)));
        self.carrier_day = log(others(Meeting::Carrier, Span::days(1)));
        if let Some(&carrier) = seen.target.carrier.present() {
            let usual = background.port_outs_a_day(carrier).max(a_day(Meeting::Carrier));
            let against = |count: f32, usual: f32| num::ln((count + 0.5) / (usual + 0.5));
            self.carrier_surge = against(others(Meeting::Carrier, Span::days(1)), usual);
            self.carrier_surge_hours = against(others(Meeting::Carrier, Span::hours(6)), usual / 4.0);
            self.carrier_rarity = background.carrier_rarity(carrier);
        }
        self.rep_day = log(others(Meeting::Rep, Span::days(1)));
        self.rep_week = num::ln((others(Meeting::Rep, Span::days(7)) + 0.5) / (background.rep_acts_a_week() + 0.5));
        self.rep_surge = surge(Meeting::Rep);
        self.rep_vouching = log(others(Meeting::RepVouching, Span::days(7)));
        self.rep_alone = log(others(Meeting::RepAlone, Span::days(7)));
        if wide.cookie.is_some() {
            // A day old at least: today's own visit is none.
            self.device_age = match velocity.of(Meeting::Device) {
                Signal::Present(counter) => log1p(num::from_u32(counter.age_days(now))),
                Signal::Absent => 0.0,
                Signal::Unavailable => f32::NAN,
            };
        }
    }

    fn weigh_pin(&mut self, profile: &Profile, now: Timestamp) {
        let pin = profile.pin().values();
        let fresh = profile.since(Stamp::Pin, now).is_some_and(|seconds| seconds < 30 * 86_400);
        self.pin_unknown = flag(!fresh);
        if !fresh {
            return;
        }
        [
            self.pin_network,
            self.pin_place,
            self.pin_device,
            self.pin_device_days,
            self.pin_device_age,
            self.pin_hosting,
            self.pin_key,
            self.pin_key_elsewhere,
            self.pin_zone_rarity,
            self.pin_locale,
            self.pin_hour,
            self.pin_round_trip,
            self.pin_round_trip_distance,
            self.pin_surprise,
            self.pin_shown_visit,
            self.pin_visit_opened,
            self.pin_since_reset,
            self.pin_care_failed,
            self.pin_care_own,
            self.pin_care_alone,
            self.pin_network_settled,
            self.pin_device_settled,
        ] = pin;
        self.pin_care = flag(self.pin_surprise.is_nan());
    }

    /// What is remembered of a request for a number transfer PIN.
    pub(super) const fn of_pin(&self) -> [f32; PIN_RECORD] {
        [
            self.network,
            self.place,
            self.device,
            self.device_days,
            self.device_age,
            self.hosting,
            self.key,
            self.key_elsewhere,
            self.zone_rarity,
            self.locale,
            self.hour,
            self.round_trip,
            self.round_trip_distance,
            self.surprise,
            self.shown_visit,
            self.visit_opened,
            self.since_reset,
            self.care_failed,
            self.care_own,
            self.care_alone,
            self.network_settled,
            self.device_settled,
        ]
    }

    /// How unlike the customer a visit is, without any model: the sum of its matches, each cut to -2..4;
    /// what is missing counts 0.
    #[must_use]
    pub fn surprise(&self) -> f32 {
        let matches = [self.network, self.place, self.device, self.browser, self.locale, self.hour, self.round_trip];
        matches.into_iter().filter(|x| !x.is_nan()).map(|x| x.clamp(-2.0, 4.0)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{MOBILE, NOW, at_home, learn, stranger, visited, weigh};
    use super::*;
    use crate::signals::Position;

    fn on_mobile(region: &'static str, latitude: f64, longitude: f64) -> Observation<'static> {
        let mut seen = at_home();
        seen.origin.asn = Signal::Present(MOBILE);
        seen.origin.address = Signal::Present([172, 56, 1, 2].into());
        seen.origin.region = Signal::Present(region);
        seen.origin.position = Position::new(latitude, longitude).into();
        seen
    }

    /// Look-ups place mobile networks 200 km off at the median: New York City, then New Haven in Connecticut.
    #[test]
    fn her_own_mobile_network_in_another_state_is_no_other_place() {
        let usual = on_mobile("New York", 40.7, -74.0);
        let profile = visited(&usual, 2..60);
        let (usual, elsewhere) = (weigh(&profile, &usual), weigh(&profile, &on_mobile("Connecticut", 41.3, -72.9)));
        assert!(usual.place < -1.0, "{}", usual.place);
        assert_eq!((elsewhere.distance, elsewhere.speed), (0.0, 0.0));
        let differing = NAMES.iter().zip(usual.values().map(f32::to_bits)).zip(elsewhere.values().map(f32::to_bits));
        let differing: Vec<_> = differing.filter(|((_, a), b)| a != b).map(|((name, _), _)| *name).collect();
        // Only the round trip is weighed against another distance, and explained the better by it.
        assert!(differing.iter().all(|name| ["round_trip_distance", "zone_off"].contains(name)), "{differing:?}");
        assert!(elsewhere.round_trip_distance <= usual.round_trip_distance && elsewhere.zone_off <= usual.zone_off);
    }

    #[test]
    fn the_other_end_of_the_country_is_far_even_by_her_own_mobile_network() {
        let usual = on_mobile("New York", 40.7, -74.0);
        let far = weigh(&visited(&usual, 2..60), &on_mobile("California", 34.1, -118.2));
        assert!(far.distance > 3_000.0 && far.place > 1.0, "{} {}", far.distance, far.place);
    }

    #[test]
    fn no_history_is_neutral() {
        for seen in [at_home(), stranger()] {
            let evidence = weigh(&Profile::default(), &seen);
            let matches = [evidence.network, evidence.asn, evidence.place, evidence.country, evidence.device, evidence.model];
            let others = [evidence.browser, evidence.locale, evidence.zone, evidence.hour];
            assert!(matches.into_iter().chain(others).all(|x| x.to_bits() == 0), "{evidence:?}");
        }
    }

    #[test]
    fn a_copied_device_is_a_new_one_whether_its_key_is_refused_or_kept_back() {
        let mut keyed = at_home();
        keyed.device.proven = Signal::Present(true);
        let profile = visited(&keyed, 2..60);
        assert!(weigh(&profile, &keyed).device < -3.0);
        for proven in [Signal::Present(false), Signal::Absent, Signal::Unavailable] {
            let copied = Observation { device: super::super::event::Device { proven, ..keyed.device.clone() }, ..keyed.clone() };
            let evidence = weigh(&profile, &copied);
            assert_eq!((evidence.device_share, evidence.device_days, evidence.device_age), (0.0, 0.0, 0.0), "{proven:?}");
            assert!(evidence.device > weigh(&profile, &keyed).device + 1.0 && evidence.device_novelty > 0.0, "{proven:?}");
        }
    }

    /// A share that rose from the model to the device would turn more of her into less.
    #[test]
    fn a_rare_model_does_not_make_more_visits_count_less() {
        let mut rare = at_home();
        (rare.device.model, rare.device.system) = (Signal::Present("nobody else's"), Signal::Present("BeOS 5"));
        let few = weigh(&visited(&rare, 2..40), &rare);
        let many = weigh(&visited(&rare, 2..200), &rare);
        assert!(many.device <= few.device, "{} {}", many.device, few.device);
    }

    #[test]
    fn an_update_of_her_phone_is_nothing_new() {
        let profile = visited(&at_home(), 2..60);
        let mut updated = at_home();
        (updated.device.system, updated.device.browser) = (Signal::Present("Windows 12"), Signal::Present("Edge 143"));
        let (before, after) = (weigh(&profile, &at_home()), weigh(&profile, &updated));
        // But for the version itself, which is no worse than never seen.
        assert!(after.agent < weigh(&profile, &stranger()).agent, "{}", after.agent);
        let bits = |evidence: Evidence| Evidence { agent: 0.0, ..evidence }.values().map(f32::to_bits);
        assert_eq!(bits(after), bits(before));
    }

    #[test]
    fn what_a_visit_began_with_is_missing_where_it_cannot_be_told() {
        let profile = visited(&at_home(), 2..10);
        let mut hidden = at_home();
        hidden.device.cookie = Signal::Unavailable;
        assert!(weigh(&profile, &hidden).visit_opened.is_nan());
        hidden = at_home();
        hidden.shown = Signal::Unavailable;
        assert!(weigh(&profile, &hidden).visit_opened.is_nan());
        assert_eq!(weigh(&profile, &at_home()).visit_opened, 0.0);
    }

    #[test]
    fn the_pin_keeps_the_evidence_of_its_request() {
        let mut profile = visited(&at_home(), 2..60);
        let asked = Observation { act: Act::PortPin, ..stranger() };
        let then = weigh(&profile, &asked);
        learn(&mut profile, &asked);
        let out = Observation {
            act: Act::PortOut,
            at: NOW + Span::hours(3),
            channel: super::super::event::Channel::Partner,
            ..at_home()
        };
        let now = weigh(&profile, &out);
        assert!((now.pin_network - then.network).abs() <= 0.05 && now.pin_unknown == 0.0 && now.pin_care == 0.0, "{now:?}");
    }
}
