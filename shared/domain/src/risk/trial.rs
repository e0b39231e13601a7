//! For tests: a customer at home, a population, and lines that remember her visits.

use super::background::{Background, System};
use super::event::{Act, Channel, Device, Observation, Origin, Shown, Target};
use super::evidence::Evidence;
use super::marks::{Marker, Marks, WideMarks};
use super::profile::Profile;
use super::velocity::Velocity;
use crate::signals::{Position, Signal};
use crate::time::{Span, Timestamp};

pub(super) const NOW: Timestamp = Timestamp::from_second(1_790_000_000);
/// A network at home and a mobile one.
pub(super) const HOME: u32 = 7_922;
pub(super) const MOBILE: u32 = 21_928;

pub(super) fn at_home() -> Observation<'static> {
    Observation {
        at: NOW,
        channel: Channel::Web,
        act: Act::SignIn,
        succeeded: true,
        shown: Signal::Present(Shown::Password),
        tenure_days: Signal::Present(900.0),
        origin: Origin {
            address: Signal::Present([73, 1, 2, 3].into()),
            asn: Signal::Present(HOME),
            country: Signal::Present("US"),
            region: Signal::Present("New York"),
            position: Position::new(40.7, -74.0).into(),
            round_trip: Signal::Present(30.0),
        },
        device: Device {
            cookie: Signal::Present("her laptop"),
            proven: Signal::Present(false),
            model: Signal::Present("PC"),
            system: Signal::Present("Windows 11"),
            browser: Signal::Present("Edge 142"),
            language: Signal::Present("en-US"),
            zone: Signal::Present(-300),
        },
        line: Signal::Absent,
        care: Signal::Absent,
        target: Target { handset: Signal::Absent, sim: Signal::Absent, carrier: Signal::Absent },
    }
}

/// Everything about it is a stranger's.
pub(super) fn stranger() -> Observation<'static> {
    let home = at_home();
    Observation {
        origin: Origin {
            address: Signal::Present([198, 51, 100, 7].into()),
            asn: Signal::Present(64_500),
            country: Signal::Present("BR"),
            region: Signal::Present("Bahia"),
            position: Position::new(-12.9, -38.5).into(),
            round_trip: Signal::Present(190.0),
        },
        device: Device {
            cookie: Signal::Present("another laptop"),
            model: Signal::Present("X1"),
            system: Signal::Present("Linux 6"),
            browser: Signal::Present("Firefox 145"),
            language: Signal::Present("pt-BR"),
            zone: Signal::Present(-180),
            ..home.device.clone()
        },
        ..home
    }
}

pub(super) fn background() -> Background {
    let system = System { visits: 10_000, prefixes: 100, trips: 0, trip_mean: 3.4, trip_deviation: 0.5 };
    let mut all = Background { visits: 100_000, devices: 20_000, ..Background::default() };
    all.all_systems = system.clone();
    all.systems.extend([(HOME, system.clone()), (MOBILE, system)]);
    all.mobile.insert(MOBILE);
    all.countries.insert("US".into(), 90_000);
    all.regions.extend([("US/New York".into(), 5_000), ("US/Connecticut".into(), 5_000)]);
    all.region_zones.extend([("US/New York/-300".into(), 4_900), ("US/Connecticut/-300".into(), 4_900)]);
    all
}

pub(super) fn marks(seen: &Observation<'_>) -> Marks {
    Marks::of(&Marker::new(&[1; 32]).of_line("line"), seen)
}

pub(super) fn weigh(profile: &Profile, seen: &Observation<'_>) -> Evidence {
    let wide = WideMarks::of(&Marker::new(&[1; 32]), "line", seen);
    Evidence::of(profile, seen, &marks(seen), &wide, &Velocity([Signal::Absent; 9]), &background())
}

pub(super) fn learn(profile: &mut Profile, seen: &Observation<'_>) {
    let evidence = weigh(profile, seen);
    profile.learn(seen, &marks(seen), &evidence);
}

/// A line with the same visit so many days ago, the longest ago first.
pub(super) fn visited(seen: &Observation<'static>, days_ago: impl DoubleEndedIterator<Item = u32>) -> Profile {
    let mut profile = Profile::default();
    for days in days_ago.rev() {
        learn(&mut profile, &Observation { at: NOW - Span::days(days), ..seen.clone() });
    }
    profile
}
