//! What is usual in the population: shares of networks, places and devices among all visits. Learnt in
//! the training window and carried in the model file, so that training and production see the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::event::{Act, Observation, family, prefix_of};
use super::num;
use super::profile::{bin_of, cell_of};

/// Networks of mobile carriers (their number in the registry), whose addresses look-ups place hundreds of
/// kilometres off: the large US ones.
const MOBILE: [u32; 5] = [21_928, 6_167, 22_394, 20_057, 10_507];
/// Networks of data centres and of the VPN services in them: the large ones.
const HOSTING: [u32; 48] = [
    174, 3_214, 7_979, 8_075, 8_100, 8_560, 9_009, 11_878, 12_876, 13_213, 13_335, 14_061, 14_618, 15_169, 16_276, 16_509,
    19_318, 20_278, 20_473, 21_859, 23_470, 24_940, 25_820, 28_753, 29_802, 30_633, 31_898, 32_097, 33_070, 36_351, 36_352,
    40_021, 40_676, 45_102, 46_562, 46_606, 46_664, 51_167, 53_667, 54_113, 60_068, 60_781, 62_240, 63_949, 132_203, 203_020,
    212_238, 396_982,
];
/// So many versions of a browser are about at a time, more or less. Which ones changes by the month, so that their own
/// shares would be stale before a model is deployed.
const VERSIONS: f32 = 6.0;
/// What fewer visits than this had is not written down: it is rare.
const RARE: u32 = 3;

/// One autonomous system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// Visits.
    pub visits: u32,
    /// Distinct /24 among them.
    pub prefixes: u32,
    /// Round trips measured.
    pub trips: u32,
    /// Mean and standard deviation of the logarithm of the round trip in milliseconds.
    pub trip_mean: f32,
    /// See `trip_mean`.
    pub trip_deviation: f32,
}

/// Shares in the population.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// Visits counted.
    pub visits: u32,
    /// Distinct device texts among them.
    pub devices: u32,
    /// Autonomous systems of mobile carriers.
    pub mobile: BTreeSet<u32>,
    /// Autonomous systems of data centres.
    pub hosting: BTreeSet<u32>,
    /// All systems together.
    pub all_systems: System,
    /// Autonomous systems.
    pub systems: BTreeMap<u32, System>,
    /// Cells of half a degree.
    pub cells: BTreeMap<u32, u32>,
    /// Regions, as `US/Florida`.
    pub regions: BTreeMap<String, u32>,
    /// Countries.
    pub countries: BTreeMap<String, u32>,
    /// Device models.
    pub models: BTreeMap<String, u32>,
    /// Families of operating systems.
    pub os: BTreeMap<String, u32>,
    /// Families of browsers with their system, as `iOS/Mobile Safari`.
    pub browsers: BTreeMap<String, u32>,
    /// Languages with zones in minutes, as `en-US/-300`.
    pub locales: BTreeMap<String, u32>,
    /// Zones in minutes.
    pub zones: BTreeMap<i32, u32>,
    /// Regions with zones in minutes, as `US/Florida/-300`.
    pub region_zones: BTreeMap<String, u32>,
    /// Port-outs by gaining carrier.
    pub carriers: BTreeMap<String, u32>,
    /// Privileged acts at the care desk, and the representatives who did them.
    pub care_acts: u32,
    /// See `care_acts`.
    pub reps: u32,
    /// Days counted.
    pub days: f32,
    /// The twelve bins of two hours, UTC.
    pub hours: [u32; 12],
    /// The 24 hours of the day where the visitor says she is.
    pub local_hours: Vec<u32>,
}

/// The hour of day at an offset from UTC in minutes.
pub(super) fn local_hour(at: crate::time::Timestamp, zone: i32) -> usize {
    let minutes = (at.as_second().div_euclid(60)).saturating_add(i64::from(zone));
    usize::try_from(minutes.div_euclid(60).rem_euclid(24)).unwrap_or(0)
}

impl Background {
    fn share(&self, visits: Option<u32>) -> f32 {
        (num::from_u32(visits.unwrap_or(0)) + 0.5) / (num::from_u32(self.visits) + 1.0)
    }

    pub(super) fn of_asn(&self, asn: u32) -> f32 {
        self.share(self.systems.get(&asn).map(|system| system.visits))
    }

    /// A /24's share, as if all that its system shows were alike.
    pub(super) fn of_prefix(&self, asn: u32) -> f32 {
        let prefixes = self.systems.get(&asn).map_or(1, |system| system.prefixes.max(1));
        self.of_asn(asn) / num::from_u32(prefixes)
    }

    pub(super) fn of_cell(&self, cell: u32) -> f32 {
        self.share(self.cells.get(&cell).copied())
    }

    pub(super) fn of_region(&self, country: &str, region: &str) -> f32 {
        // The text is short: a few dozen bytes on the heap.
        self.share(self.regions.get(&format!("{country}/{region}")).copied())
    }

    pub(super) fn of_country(&self, country: &str) -> f32 {
        self.share(self.countries.get(country).copied())
    }

    pub(super) fn of_model(&self, model: &str) -> f32 {
        self.share(self.models.get(model).copied())
    }

    pub(super) fn of_os(&self, system: &str) -> f32 {
        self.share(self.os.get(family(system)).copied())
    }

    pub(super) fn of_browser(&self, system: &str, browser: &str) -> f32 {
        self.share(self.browsers.get(&format!("{}/{}", family(system), family(browser))).copied())
    }

    /// A browser with its version, as if the versions that are about were alike.
    pub(super) fn of_agent(&self, system: &str, browser: &str) -> f32 {
        self.of_browser(system, browser) / VERSIONS
    }

    pub(super) fn of_locale(&self, language: &str, zone: i32) -> f32 {
        self.share(self.locales.get(&format!("{language}/{zone}")).copied())
    }

    pub(super) fn of_zone(&self, zone: i32) -> f32 {
        self.share(self.zones.get(&zone).copied())
    }

    /// How rare a zone is in a region: -ln of its share there, kept from the extremes.
    pub(super) fn zone_rarity(&self, country: &str, region: &str, zone: i32) -> f32 {
        let place = format!("{country}/{region}");
        let both = self.region_zones.get(&format!("{place}/{zone}")).copied().unwrap_or(0);
        let all = self.regions.get(&place).copied().unwrap_or(0).max(both);
        0.0 - num::ln((num::from_u32(both) + 0.3) / (num::from_u32(all) + 3.0))
    }

    /// Port-outs a day to a carrier.
    pub(super) fn port_outs_a_day(&self, carrier: &str) -> f32 {
        num::from_u32(self.carriers.get(carrier).copied().unwrap_or(0)) / self.days.max(1.0)
    }

    /// How rare a gaining carrier is: -ln of its share.
    pub(super) fn carrier_rarity(&self, carrier: &str) -> f32 {
        let all = num::from_u32(self.carriers.values().sum::<u32>());
        0.0 - num::ln((num::from_u32(self.carriers.get(carrier).copied().unwrap_or(0)) + 0.5) / (all + 1.0))
    }

    /// Privileged acts of a usual representative in a week.
    pub(super) fn rep_acts_a_week(&self) -> f32 {
        7.0 * num::from_u32(self.care_acts) / num::from_u32(self.reps.max(1)) / self.days.max(1.0)
    }

    pub(super) fn of_device(&self) -> f32 {
        1.0 / num::from_u32(self.devices.max(1))
    }

    /// Shares of the twelve bins of two hours, UTC.
    pub(super) fn of_bins(&self) -> [f32; 12] {
        let all = num::from_u32(self.hours.iter().sum::<u32>()) + 12.0;
        self.hours.map(|visits| (num::from_u32(visits) + 1.0) / all)
    }

    /// The share of a local hour among the 24, times 24.
    pub(super) fn of_local_hour(&self, hour: usize) -> f32 {
        let all = num::from_u32(self.local_hours.iter().sum::<u32>()) + 24.0;
        let visits = self.local_hours.get(hour).copied().unwrap_or(0);
        24.0 * (num::from_u32(visits) + 1.0) / all
    }

    /// Mean and standard deviation of the logarithm of the round trip, of a system with enough of them
    /// or of all.
    pub(super) fn round_trips(&self, asn: Option<u32>) -> (f32, f32) {
        let known = asn.and_then(|asn| self.systems.get(&asn)).filter(|system| system.trips >= 30);
        let system = known.unwrap_or(&self.all_systems);
        (system.trip_mean, system.trip_deviation.max(0.1))
    }

    /// Kilometres by which a look-up errs.
    pub(super) fn error_radius(&self, asn: Option<u32>) -> f32 {
        if asn.is_some_and(|asn| self.mobile.contains(&asn)) { 200.0 } else { 10.0 }
    }
}

/// Moments of a running sample.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    count: u32,
    mean: f64,
    sum: f64,
}

impl Moments {
    fn add(&mut self, x: f64) {
        self.count = self.count.saturating_add(1);
        let off = x - self.mean;
        self.mean += off / f64::from(self.count);
        self.sum += off * (x - self.mean);
    }

    fn deviation(self) -> f64 {
        if self.count < 2 { 0.0 } else { (self.sum / f64::from(self.count - 1)).sqrt() }
    }
}

/// Counts a population.
#[derive(Clone, Debug, Default)]
pub struct Census {
    counted: Background,
    prefixes: BTreeMap<u32, BTreeSet<[u8; 7]>>,
    devices: BTreeSet<String>,
    reps: BTreeSet<String>,
    span: Option<(u32, u32)>,
    trips: BTreeMap<Option<u32>, Moments>,
}

fn count<K: Ord>(map: &mut BTreeMap<K, u32>, key: K) {
    let n = map.entry(key).or_default();
    *n = n.saturating_add(1);
}

impl Census {
    /// One observation. Of visits only those that succeeded count.
    pub fn add(&mut self, seen: &Observation<'_>) {
        let at = num::seconds(seen.at);
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        if seen.act == Act::PortOut
            && let Some(&carrier) = seen.target.carrier.present()
        {
            count(&mut self.counted.carriers, carrier.to_owned());
        }
        if seen.act.is_privileged()
            && let Some(care) = seen.care.present()
            && let Some(&rep) = care.rep.present()
        {
            self.counted.care_acts = self.counted.care_acts.saturating_add(1);
            self.reps.insert(rep.to_owned());
        }
        if !seen.is_online() || !seen.succeeded {
            return;
        }
        let (origin, device, counted) = (&seen.origin, &seen.device, &mut self.counted);
        counted.visits = counted.visits.saturating_add(1);
        let asn = origin.asn.present().copied();
        if let Some(asn) = asn {
            let system = counted.systems.entry(asn).or_default();
            system.visits = system.visits.saturating_add(1);
            if let Some(address) = origin.address.present() {
                self.prefixes.entry(asn).or_default().insert(prefix_of(*address));
            }
        }
        if let Some(&milliseconds) = origin.round_trip.present() {
            let logarithm = f64::from(num::ln(milliseconds.max(1.0)));
            self.trips.entry(None).or_default().add(logarithm);
            if asn.is_some() {
                self.trips.entry(asn).or_default().add(logarithm);
            }
        }
        if let Some(&position) = origin.position.present() {
            count(&mut counted.cells, cell_of(position));
        }
        if let Some(&country) = origin.country.present() {
            count(&mut counted.countries, country.to_owned());
            if let Some(region) = origin.region.present() {
                count(&mut counted.regions, format!("{country}/{region}"));
            }
        }
        if let Some(&model) = device.model.present() {
            count(&mut counted.models, model.to_owned());
        }
        if let Some(&system) = device.system.present() {
            count(&mut counted.os, family(system).to_owned());
            if let Some(browser) = device.browser.present() {
                count(&mut counted.browsers, format!("{}/{}", family(system), family(browser)));
            }
        }
        if let Some(&zone) = device.zone.present() {
            count(&mut counted.zones, zone);
            if let Some((country, region)) = origin.country.present().zip(origin.region.present()) {
                count(&mut counted.region_zones, format!("{country}/{region}/{zone}"));
            }
            if let Some(language) = device.language.present() {
                count(&mut counted.locales, format!("{language}/{zone}"));
            }
            counted.local_hours.resize(24, 0);
            if let Some(n) = counted.local_hours.get_mut(local_hour(seen.at, zone)) {
                *n = n.saturating_add(1);
            }
        }
        if let Some(n) = counted.hours.get_mut(usize::from(bin_of(seen.at))) {
            *n = n.saturating_add(1);
        }
        if let Some(&cookie) = device.cookie.present()
            && !self.devices.contains(cookie)
        {
            self.devices.insert(cookie.to_owned());
        }
    }

    /// The shares, without what is rare.
    #[must_use]
    pub fn finish(self) -> Background {
        let mut background = self.counted;
        background.devices = u32::try_from(self.devices.len()).unwrap_or(u32::MAX);
        background.reps = u32::try_from(self.reps.len()).unwrap_or(u32::MAX);
        background.days = self.span.map_or(0.0, |(first, last)| num::from_u32(last - first) / 86_400.0);
        background.mobile = MOBILE.into();
        background.hosting = HOSTING.into();
        let moments = |key: Option<u32>| self.trips.get(&key).copied().unwrap_or_default();
        let fill = |system: &mut System, moments: Moments| {
            system.trips = moments.count;
            system.trip_mean = num::from_f64(moments.mean);
            system.trip_deviation = num::from_f64(moments.deviation());
        };
        fill(&mut background.all_systems, moments(None));
        background.all_systems.visits = background.visits;
        for (asn, system) in &mut background.systems {
            system.prefixes = self.prefixes.get(asn).map_or(0, |p| u32::try_from(p.len()).unwrap_or(u32::MAX));
            fill(system, moments(Some(*asn)));
        }
        background.systems.retain(|_, system| system.visits >= RARE);
        background.cells.retain(|_, n| *n >= RARE);
        for shares in [&mut background.regions, &mut background.countries, &mut background.models] {
            shares.retain(|_, n| *n >= RARE);
        }
        for shares in [
            &mut background.os,
            &mut background.browsers,
            &mut background.locales,
            &mut background.region_zones,
            &mut background.carriers,
        ] {
            shares.retain(|_, n| *n >= RARE);
        }
        background.zones.retain(|_, n| *n >= RARE);
        background
    }
}
