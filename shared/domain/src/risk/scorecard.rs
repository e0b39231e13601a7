//! The first scorer: a transparent scorecard. Points add up, floors hold, and each point has a reason.
//!
//! A learned model will stand behind the same type: profile and signals in, [`Assessment`] out, in
//! memory, with no input or output of its own. Two laws hold for either: a strictly better match never
//! scores riskier, and missing data never scores lower than the worst benign value (I4).

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::kinds::{Band, Reason};
use crate::signals::{DeviceId, Network, Position, RequestSignals, Signal};
use crate::time::{Span, Timestamp};

/// Which model scored.
pub const MODEL_VERSION: &str = "scorecard-1";

/// An observation vouches for nobody until it is this old: a visit must not vouch for itself.
const RIPE_AFTER: Span = Span::hours(24);
/// How many devices, networks and places are remembered, each.
const CAPACITY: usize = 8;
/// Half of what is remembered fades in this time.
const HALF_LIFE: Span = Span::days(60);
/// How far an address look-up errs, in kilometres: fixed networks, and mobile ones.
const ERROR_RADIUS: [f64; 2] = [10.0, 200.0];

/// Something seen, with its weight and when it was first and last seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Seen<T> {
    what: T,
    weight: f64,
    first: Timestamp,
    last: Timestamp,
}

/// How an account usually behaves. One item per account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    devices: Vec<Seen<DeviceId>>,
    networks: Vec<Seen<u32>>,
    places: Vec<Seen<Position>>,
    hours: Vec<f64>,
    hours_at: Timestamp,
    /// Failed sign-ins, fading.
    failures: f64,
    failures_at: Timestamp,
    last_failure: Timestamp,
    /// The last password reset.
    pub reset_at: Option<Timestamp>,
    /// The last contact with the care desk.
    pub care_at: Option<Timestamp>,
}

/// One thing that happened, as the carrier's sign-in and care systems report it.
#[derive(Clone, Debug, PartialEq)]
pub enum Behaviour {
    /// A sign-in that succeeded or failed.
    SignIn {
        /// Whether the password was right.
        ok: bool,
        /// From where.
        signals: RequestSignals,
    },
    /// A visit without a sign-in.
    DeviceSeen {
        /// From where.
        signals: RequestSignals,
    },
    /// The password was reset.
    PasswordReset,
    /// The care desk was contacted.
    CareContact,
}

/// Whether the request was signed by a key of the customer's own device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyShown {
    /// She has no such key that counts yet.
    #[default]
    NoneEnrolled,
    /// By one of hers.
    Yes,
    /// She has one, and this is not it: another device, or a session that was carried off.
    No,
}

/// What the account and the line tell the scorer besides the profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lately {
    /// When a contact was last added or removed.
    pub contact_changed: Option<Timestamp>,
    /// When a protection was last switched off.
    pub protection_off: Option<Timestamp>,
    /// When the line last moved to another SIM.
    pub sim_changed: Option<Timestamp>,
    /// Whether her device's key signed the request.
    pub key: KeyShown,
}

/// The scorer's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The sum of the points, 0 and up.
    pub points: u32,
    /// The band: that of the points, or a floor above it.
    pub band: Band,
    /// Why, the heaviest first.
    pub reasons: Vec<Reason>,
    /// Which model said so.
    pub model: String,
}

impl Assessment {
    /// No score: what an unreadable profile gives.
    #[must_use]
    pub fn unavailable() -> Self {
        Self { points: 0, band: Band::Unavailable, reasons: vec![Reason::ScoreUnavailable], model: MODEL_VERSION.to_owned() }
    }
}

fn faded(weight: f64, span: Span, half_life: Span) -> f64 {
    weight * 0.5_f64.powf(f64::from(span.as_seconds()) / f64::from(half_life.as_seconds()))
}

fn observe<T: PartialEq>(table: &mut Vec<Seen<T>>, what: T, at: Timestamp) {
    if let Some(known) = table.iter_mut().find(|seen| seen.what == what) {
        known.weight = faded(known.weight, at.since(known.last), HALF_LIFE) + 1.0;
        known.first = known.first.min(at);
        known.last = known.last.max(at);
        return;
    }
    if table.len() >= CAPACITY {
        // The faintest makes room, so a single odd visit cannot push out what is usual.
        let weight = |seen: &Seen<T>| faded(seen.weight, at.since(seen.last), HALF_LIFE);
        let faintest = table.iter().enumerate().min_by(|a, b| weight(a.1).total_cmp(&weight(b.1))).map(|(i, _)| i);
        if let Some(index) = faintest {
            table.remove(index);
        }
    }
    table.push(Seen { what, weight: 1.0, first: at, last: at });
}

fn ripe<T>(table: &[Seen<T>], now: Timestamp) -> impl Iterator<Item = &Seen<T>> {
    table.iter().filter(move |seen| now >= seen.first + RIPE_AFTER)
}

impl Profile {
    /// The profile after something happened. `at` is when it happened, not when it was heard of; what
    /// comes late or twice counts, but ripens from when it first happened.
    #[must_use]
    pub fn with(mut self, behaviour: &Behaviour, at: Timestamp) -> Self {
        match behaviour {
            Behaviour::SignIn { ok: true, signals } | Behaviour::DeviceSeen { signals } => self.saw(signals, at),
            Behaviour::SignIn { ok: false, .. } => {
                self.failures = self.failures_now(at) + 1.0;
                self.failures_at = self.failures_at.max(at);
                self.last_failure = self.last_failure.max(at);
            }
            Behaviour::PasswordReset => self.reset_at = self.reset_at.max(Some(at)),
            Behaviour::CareContact => self.care_at = self.care_at.max(Some(at)),
        }
        self
    }

    fn saw(&mut self, signals: &RequestSignals, at: Timestamp) {
        if let Signal::Present(device) = &signals.device {
            observe(&mut self.devices, device.clone(), at);
        }
        if let Signal::Present(asn) = signals.network.asn {
            observe(&mut self.networks, asn, at);
        }
        if let Signal::Present(position) = signals.network.position {
            observe(&mut self.places, position.cell(), at);
        }
        if let Signal::Present(zone) = &signals.network.time_zone {
            self.hours.resize(24, 0.0);
            let hour = usize::from(at.hour_in(zone));
            let gone = at.since(self.hours_at);
            for (index, weight) in self.hours.iter_mut().enumerate() {
                *weight = faded(*weight, gone, HALF_LIFE) + if index == hour { 1.0 } else { 0.0 };
            }
            self.hours_at = self.hours_at.max(at);
        }
    }

    fn failures_now(&self, now: Timestamp) -> f64 {
        faded(self.failures, now.since(self.failures_at), Span::hours(6))
    }

    /// How long the next sign-in of the account should wait: nothing up to three recent failures, then
    /// 30 seconds doubling to an hour. Never permanent, so nobody can lock a customer out for good.
    #[must_use]
    pub fn sign_in_wait(&self, now: Timestamp) -> Span {
        let failures = self.failures_now(now);
        if failures < 3.0 {
            return Span::default();
        }
        let wait = (30.0 * 2.0_f64.powf(failures.floor() - 3.0)).min(3_600.0);
        let until = self.last_failure
            + Span::seconds(
                [30, 60, 120, 240, 480, 960, 1_920, 3_600].into_iter().find(|&s| f64::from(s) >= wait).unwrap_or(3_600),
            );
        until.since(now)
    }
}

/// Points of one signal, and why.
struct Points(u32, Reason);

/// Weighs a request against a profile. Monotone: a closer place, a known device or network, an earlier
/// change never score riskier; what is missing scores like the worst benign value.
#[must_use]
pub fn assess(
    profile: &Signal<Profile>,
    signals: &RequestSignals,
    lately: &Lately,
    now: Timestamp,
    settings: &Settings,
) -> Assessment {
    let profile = match profile {
        Signal::Present(profile) => profile,
        Signal::Absent => &Profile::default(),
        Signal::Unavailable => return Assessment::unavailable(),
    };
    let visits =
        ripe(&profile.devices, now).map(|d| d.weight).sum::<f64>().max(ripe(&profile.networks, now).map(|n| n.weight).sum());
    let known = visits >= 1.5;

    let far = distance(profile, &signals.network, now, settings);
    let device = match lately.key {
        KeyShown::NoneEnrolled => novelty(&profile.devices, &signals.device, now, 25, Reason::NewDevice),
        KeyShown::Yes => Points(0, Reason::NewDevice),
        // Whatever it calls itself: the name can be copied, the key cannot.
        KeyShown::No => Points(30, Reason::NewDevice),
    };
    let network = novelty(&profile.networks, &signals.network.asn, now, 15, Reason::NewNetwork);
    let new_device_far_away = device.0 > 0 && far.0 >= 25;
    let parts = [
        far,
        device,
        network,
        hour(profile, &signals.network.time_zone, now),
        recent(profile.reset_at, now, Span::days(3), 25, Reason::RecentReset),
        recent(lately.contact_changed, now, Span::days(7), 20, Reason::RecentContactChange),
        recent(lately.protection_off, now, Span::days(7), 20, Reason::LockJustRemoved),
        recent(lately.sim_changed, now, Span::days(30), 15, Reason::RecentSimChange),
        recent(profile.care_at, now, Span::days(1), 5, Reason::RecentCareContact),
        failures(profile.failures_now(now)),
    ];
    let points = parts.iter().map(|part| part.0).sum();
    let mut weighed: Vec<&Points> = parts.iter().filter(|part| part.0 > 0).collect();
    weighed.sort_by_key(|part| std::cmp::Reverse(part.0));
    let mut reasons: Vec<Reason> = Vec::new();
    for part in weighed {
        if !reasons.contains(&part.1) {
            reasons.push(part.1);
        }
    }

    let [elevated, high, severe] = settings.bands;
    let mut band = match points {
        p if p >= severe => Band::Severe,
        p if p >= high => Band::High,
        p if p >= elevated => Band::Elevated,
        _ => Band::Low,
    };
    if lately.key == KeyShown::No {
        band = band.max(Band::Elevated);
    }
    if new_device_far_away {
        band = band.max(Band::High);
    }
    if !known {
        band = band.max(Band::Elevated);
        reasons.push(Reason::NoHistory);
    }
    Assessment { points, band, reasons, model: MODEL_VERSION.to_owned() }
}

/// Kilometres beyond the error radius of the network, from the nearest usual place.
fn distance(profile: &Profile, network: &Network, now: Timestamp, settings: &Settings) -> Points {
    let position = match network.position {
        Signal::Present(position) => position,
        // As far as a customer on a journey at home: the edge could not say.
        Signal::Absent | Signal::Unavailable => return Points(10, Reason::SignalMissing),
    };
    let mobile = network.asn.present().is_some_and(|asn| settings.mobile_networks.contains(asn));
    let radius = if mobile { ERROR_RADIUS[1] } else { ERROR_RADIUS[0] };
    let nearest = ripe(&profile.places, now)
        .map(|place| place.what.kilometres_to(position))
        .min_by(f64::total_cmp)
        .map_or(0.0, |kilometres| (kilometres - radius).max(0.0));
    let points = match nearest {
        km if km > 1_000.0 => 35,
        km if km > 300.0 => 25,
        km if km > 60.0 => 10,
        _ => 0,
    };
    Points(points, Reason::FarFromUsual)
}

fn novelty<T: PartialEq>(table: &[Seen<T>], signal: &Signal<T>, now: Timestamp, points: u32, reason: Reason) -> Points {
    match signal {
        Signal::Present(what) if ripe(table, now).any(|seen| seen.what == *what) => Points(0, reason),
        Signal::Present(_) => Points(points, reason),
        // Genuine customers come with new phones all the time: new is benign, and missing weighs as much.
        Signal::Absent | Signal::Unavailable => Points(points, Reason::SignalMissing),
    }
}

fn hour(profile: &Profile, zone: &Signal<String>, now: Timestamp) -> Points {
    let total: f64 = profile.hours.iter().sum();
    let Signal::Present(zone) = zone else { return Points(5, Reason::SignalMissing) };
    if total < 5.0 {
        return Points(0, Reason::OddHour);
    }
    let hour = usize::from(now.hour_in(zone));
    let near: f64 = [23, 0, 1].iter().filter_map(|step| profile.hours.get((hour + step) % 24)).sum();
    Points(if near < total * 0.02 { 5 } else { 0 }, Reason::OddHour)
}

fn recent(at: Option<Timestamp>, now: Timestamp, within: Span, points: u32, reason: Reason) -> Points {
    Points(if at.is_some_and(|at| now < at + within) { points } else { 0 }, reason)
}

fn failures(count: f64) -> Points {
    let points = match count {
        n if n >= 6.0 => 30,
        n if n >= 3.0 => 15,
        _ => 0,
    };
    Points(points, Reason::Failures)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::AccountId;

    const NOW: Timestamp = Timestamp::from_second(1_790_000_000);

    fn device(name: &str) -> DeviceId {
        DeviceId::of(&AccountId::parse("a").unwrap(), &format!("{name:-<16}")).unwrap()
    }

    fn signals(name: &str, asn: u32, latitude: f64, longitude: f64) -> RequestSignals {
        RequestSignals {
            device: Signal::Present(device(name)),
            network: Network {
                asn: Signal::Present(asn),
                country: Signal::Present("US".into()),
                city: Signal::Absent,
                position: Position::new(latitude, longitude).into(),
                time_zone: Signal::Present("America/New_York".into()),
            },
        }
    }

    fn home() -> RequestSignals {
        signals("laptop", 7922, 25.77, -80.19)
    }

    fn profile() -> Profile {
        (1..=20).fold(Profile::default(), |profile, day| {
            profile.with(&Behaviour::SignIn { ok: true, signals: home() }, NOW - Span::days(day))
        })
    }

    fn score(profile: &Profile, signals: &RequestSignals) -> Assessment {
        assess(&Signal::Present(profile.clone()), signals, &Lately::default(), NOW, &Settings::default())
    }

    #[test]
    fn the_customer_at_home_on_her_laptop_is_low() {
        let assessment = score(&profile(), &home());
        assert_eq!((assessment.points, assessment.band), (0, Band::Low), "{:?}", assessment.reasons);
    }

    #[test]
    fn her_new_phone_at_home_is_low_too() {
        assert_eq!(score(&profile(), &signals("new-phone", 7922, 25.77, -80.19)).band, Band::Low);
    }

    #[test]
    fn a_strange_device_in_california_is_high() {
        let assessment = score(&profile(), &signals("strange", 209, 34.05, -118.24));
        assert!(assessment.band >= Band::High);
        assert_eq!(assessment.reasons.first(), Some(&Reason::FarFromUsual));
    }

    #[test]
    fn her_own_mobile_network_that_geolocates_to_another_city_is_not_far() {
        let settings = Settings { mobile_networks: vec![21928], ..Settings::default() };
        let on_mobile = signals("laptop", 21928, 27.34, -81.34);
        let far = |settings: &Settings| {
            assess(&Signal::Present(profile()), &on_mobile, &Lately::default(), NOW, settings)
                .reasons
                .contains(&Reason::FarFromUsual)
        };
        assert!(!far(&settings));
        assert!(far(&Settings::default()));
    }

    #[test]
    fn a_visit_does_not_vouch_for_itself() {
        let visited = profile()
            .with(&Behaviour::SignIn { ok: true, signals: signals("strange", 209, 34.05, -118.24) }, NOW - Span::hours(1));
        assert!(score(&visited, &signals("strange", 209, 34.05, -118.24)).band >= Band::High);
    }

    #[test]
    fn nothing_known_of_a_customer_is_never_low() {
        assert!(score(&Profile::default(), &home()).band >= Band::Elevated);
        let unavailable = assess(&Signal::Unavailable, &home(), &Lately::default(), NOW, &Settings::default());
        assert_eq!(unavailable.band, Band::Unavailable);
    }

    #[test]
    fn sign_ins_wait_longer_with_every_failure_but_never_for_ever() {
        let mut profile = Profile::default();
        let mut last = Span::default();
        for _ in 0..40 {
            profile = profile.with(&Behaviour::SignIn { ok: false, signals: home() }, NOW);
            let wait = profile.sign_in_wait(NOW);
            assert!(wait >= last && wait <= Span::hours(1));
            last = wait;
        }
        assert_eq!(last, Span::hours(1));
        assert_eq!(profile.sign_in_wait(NOW + Span::hours(1)), Span::default());
    }

    #[test]
    fn one_odd_visit_cannot_push_out_what_is_usual() {
        let crowded = (0..50_u32).fold(profile(), |p, n| {
            p.with(
                &Behaviour::SignIn { ok: true, signals: signals(&format!("odd{n}"), 60_000 + n, 34.0, -118.0) },
                NOW - Span::hours(2),
            )
        });
        assert_eq!(crowded.devices.len(), CAPACITY);
        assert_eq!(score(&crowded, &home()).points, 0);
    }

    prop_compose! {
        fn any_signals()(name in 0..4_u8, asn in 1..5_u32, place in 0..5_u8) -> RequestSignals {
            let (latitude, longitude) = [(25.77, -80.19), (26.2, -80.2), (27.9, -82.4), (30.4, -84.2), (34.0, -118.2)][usize::from(place)];
            signals(["laptop", "phone", "tablet", "strange"][usize::from(name)], [7922, 209, 701, 21928][usize::try_from(asn - 1).unwrap()], latitude, longitude)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// A device, network and place that were all seen before never score above ones that were not.
        #[test]
        fn a_strictly_better_match_never_scores_riskier(history in prop::collection::vec(any_signals(), 0..12), request in any_signals()) {
            let past = history.iter().fold(profile(), |p, s| p.with(&Behaviour::SignIn { ok: true, signals: s.clone() }, NOW - Span::days(3)));
            let better = past.clone().with(&Behaviour::SignIn { ok: true, signals: request.clone() }, NOW - Span::days(2));
            prop_assert!(score(&better, &request).band <= score(&past, &request).band);
            prop_assert!(score(&better, &request).points <= score(&past, &request).points);
        }

        /// Losing any signal of a benign request never lowers its band (I4).
        #[test]
        fn a_lost_signal_never_scores_lower_than_the_customer_at_home(lost in 0..4_u8) {
            let mut request = home();
            match lost {
                0 => request.device = Signal::Unavailable,
                1 => request.network.asn = Signal::Unavailable,
                2 => request.network.position = Signal::Unavailable,
                _ => request.network = Network::default(),
            }
            prop_assert!(score(&profile(), &request).points > score(&profile(), &home()).points);
        }
    }
}
