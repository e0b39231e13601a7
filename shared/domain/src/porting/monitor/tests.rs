use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::trial::{Dice, Honest, Memory, mark};
use super::*;

/// A Wednesday morning.
const NOW: Timestamp = Timestamp::from_second(1_790_154_000);

fn day_of_week_starts(hour: u32) -> u32 {
    hour - hour % 168
}

/// Lets a carrier's customers leave for so many days, with or without a past that it told; all alarms.
fn honest_days(lines: u32, seed: u64, told_weeks: u32, days: u32) -> Vec<Alarm> {
    let mut memory = Memory::with(Settings { lines, ..Settings::default() });
    let mut honest = Honest::new(lines, seed);
    let start = day_of_week_starts(hour_of(NOW));
    let hour = |hour: u32| Timestamp::from_second(i64::from(hour) * 3_600);
    for past in start.saturating_sub(told_weeks * 168)..start.saturating_sub(12) {
        let counts = honest.past(past);
        for carrier in 0..16 {
            let key = Key { kind: Kind::CarrierPorts, mark: mark("carrier", carrier) };
            let count = counts.get(&carrier).copied().unwrap_or(0);
            if count > 0 || past == start - told_weeks * 168 {
                memory.remember(key, hour(past), count, hour(start));
            }
        }
        memory.remember(Key::FEED, hour(past), counts.values().sum(), hour(start));
    }
    let mut alarms = Vec::new();
    for hour in start..start + days * 24 {
        for sighting in honest.hour(hour) {
            alarms.extend(memory.see(&sighting));
        }
    }
    for window in memory.windows.values() {
        assert!(window.encode().len() <= 4_000);
    }
    alarms
}

fn told(alarms: &[Alarm]) -> BTreeMap<(Pattern, String), (usize, u32, u32)> {
    let mut told = BTreeMap::new();
    for alarm in alarms {
        let entry = told.entry((alarm.pattern, alarm.group())).or_insert((0, 0, 0));
        entry.0 += 1;
        (entry.1, entry.2) = (alarm.count.max(entry.1), alarm.limit);
    }
    told
}

#[test]
fn honest_customers_of_a_small_carrier_alarm_in_no_week() {
    for seed in 1..=3 {
        let alarms = honest_days(50_000, seed, 0, 56);
        assert_eq!(told(&alarms), BTreeMap::new(), "{seed}");
    }
}

#[test]
fn honest_customers_of_a_medium_carrier_alarm_in_no_week() {
    let alarms = honest_days(500_000, 4, 0, 28);
    assert_eq!(told(&alarms), BTreeMap::new());
}

#[test]
fn honest_customers_of_a_large_carrier_alarm_in_no_week() {
    let alarms = honest_days(5_000_000, 5, 6, 8);
    assert_eq!(told(&alarms), BTreeMap::new());
}
