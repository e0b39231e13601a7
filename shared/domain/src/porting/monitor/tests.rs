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
    let alarms = honest_days(500_000, 4, 0, 22);
    assert_eq!(told(&alarms), BTreeMap::new());
}

#[test]
fn honest_customers_of_a_large_carrier_alarm_in_no_week() {
    let alarms = honest_days(5_000_000, 5, 5, 8);
    assert_eq!(told(&alarms), BTreeMap::new());
}

fn port(n: u64, at: Timestamp, met: Places) -> Sighting {
    Sighting { at, account: mark("victim", n), line: Some(mark("victim's line", n)), seen: Seen::Asked, met }
}

fn patterns(alarms: &[Alarm]) -> BTreeSet<Pattern> {
    alarms.iter().map(|alarm| alarm.pattern).collect()
}

/// A memory with four quiet weeks behind it.
fn watched() -> Memory {
    let mut memory = Memory::default();
    memory.see(&port(0, NOW - Span::days(28), Places::default()));
    memory
}

/// Sees them in order; nothing may alarm of `pattern` before the `completing`-th, counted from 1, and that one must.
fn completes(memory: &mut Memory, pattern: Pattern, completing: usize, sightings: &[Sighting]) {
    for (n, sighting) in (1..).zip(sightings) {
        let alarms = memory.see(sighting);
        let found = alarms.iter().find(|alarm| alarm.pattern == pattern);
        assert_eq!(found.is_some(), n >= completing, "{pattern} at the {n}th: {alarms:#?}");
        if let (Some(alarm), Some(line), true) = (found, sighting.line, completing < 20) {
            assert!(alarm.lines.contains(&line), "{pattern} names the line that completes it");
            assert!((alarm.since..=alarm.until).contains(&sighting.at));
        }
    }
}

/// Each some minutes after the one before it.
fn in_a_row(count: u64, apart: Span, make: impl Fn(u64, Timestamp) -> Sighting) -> Vec<Sighting> {
    (0..count).map(|n| make(n, NOW + Span::seconds(apart.as_seconds() * u32::try_from(n).unwrap()))).collect()
}

fn at(kind: &str) -> Option<WideMark> {
    Some(mark(kind, 666))
}

#[test]
fn six_accounts_to_a_carrier_that_is_seldom_gained_by_are_a_burst() {
    let to = Places { carrier: at("carrier"), ..Places::default() };
    completes(&mut watched(), Pattern::CarrierBurst, 6, &in_a_row(9, Span::minutes(40), |n, at| port(n, at, to)));
}

#[test]
fn before_there_is_history_a_burst_takes_twice_as_many() {
    let to = Places { carrier: at("carrier"), ..Places::default() };
    completes(&mut Memory::default(), Pattern::CarrierBurst, 12, &in_a_row(14, Span::minutes(20), |n, at| port(n, at, to)));
}

#[test]
fn one_account_that_moves_thirty_lines_is_no_burst_but_many_lines_of_one_account() {
    let to = Places { carrier: at("carrier"), ..Places::default() };
    let of_one = |n, at| Sighting { account: mark("firm", 1), ..port(n, at, to) };
    let mut memory = watched();
    let sightings = in_a_row(30, Span::minutes(2), of_one);
    completes(&mut memory, Pattern::AccountLines, 12, &sightings);
    assert!(!patterns(&memory.see(&sightings[29])).contains(&Pattern::CarrierBurst));
}

#[test]
fn failures_for_one_carrier_alarm_at_the_fifth_account() {
    let to = Places { carrier: at("carrier"), ..Places::default() };
    let failed = |n, at| Sighting { seen: Seen::Failed(Failing::AccountNumber), ..port(n, at, to) };
    completes(&mut watched(), Pattern::CarrierFailures, 5, &in_a_row(8, Span::minutes(9), failed));
}

#[test]
fn accounts_that_meet_alarm_at_the_limit_of_what_they_meet_at() {
    let settings = Settings::default();
    let nowhere = Places::default();
    for (pattern, limit, met) in [
        (Pattern::Address, settings.address_ports, Places { address: at("address"), ..nowhere }),
        (Pattern::Device, settings.device, Places { device: at("device"), ..nowhere }),
        (Pattern::Handset, settings.handset, Places { handset: at("handset"), ..nowhere }),
        (Pattern::Representative, settings.rep_ports, Places { rep: at("rep"), ..nowhere }),
        (Pattern::OnePin, settings.one_pin, Places { pin: at("pin"), ..nowhere }),
    ] {
        let limit = usize::try_from(limit).unwrap();
        completes(&mut watched(), pattern, limit, &in_a_row(9, Span::minutes(13), |n, at| port(n, at, met)));
    }
}

#[test]
fn many_pins_on_one_number_alarm_at_the_fifth_and_the_same_pin_again_is_none() {
    let tried = |pin, at| Sighting {
        seen: Seen::Failed(Failing::Passcode),
        ..port(1, at, Places { pin: Some(mark("pin", pin)), ..Places::default() })
    };
    completes(&mut watched(), Pattern::ManyPins, 5, &in_a_row(7, Span::minutes(1), tried));
    let mut memory = watched();
    for again in in_a_row(40, Span::seconds(30), |_, at| tried(3, at)) {
        assert!(!patterns(&memory.see(&again)).contains(&Pattern::ManyPins));
    }
}

#[test]
fn one_account_that_fails_again_and_again_alarms() {
    let failed = |_, at| Sighting { seen: Seen::Failed(Failing::Zip), ..port(1, at, Places::default()) };
    completes(&mut watched(), Pattern::AccountFailures, 9, &in_a_row(12, Span::seconds(50), failed));
}

#[test]
fn ports_soon_after_changes_by_one_representative_alarm_whichever_comes_first() {
    for changes_first in [true, false] {
        let mut memory = watched();
        for n in 0..6_u64 {
            let later = NOW + Span::minutes(20 * u32::try_from(n).unwrap());
            let to = Places { carrier: Some(mark("carrier", n)), ..Places::default() };
            let by = Places { rep: at("rep"), ..Places::default() };
            let changed =
                Sighting { at: later - Span::hours(3), line: None, seen: Seen::ContactChanged, met: by, ..port(n, later, by) };
            let mut pair = [changed, port(n, later, to)];
            if !changes_first {
                pair.reverse();
            }
            let alarms: Vec<Alarm> = pair.iter().flat_map(|sighting| memory.see(sighting)).collect();
            assert_eq!(patterns(&alarms).contains(&Pattern::SoonRep), n >= 4, "{n}");
            assert_eq!(patterns(&alarms).contains(&Pattern::SoonFeed), n >= 5, "{n}");
            assert_eq!(patterns(&alarms).contains(&Pattern::ReroutedFeed), n >= 4, "{n}");
        }
    }
}

#[test]
fn ports_soon_after_resets_alarm_at_their_gaining_carrier_and_those_of_the_week_before_do_not() {
    for (before, alarms_at) in [(Span::hours(5), 5), (Span::hours(25), 99)] {
        let mut memory = watched();
        let to = Places { carrier: at("carrier"), ..Places::default() };
        for n in 0..5_u64 {
            let asked = port(n, NOW + Span::minutes(u32::try_from(n).unwrap()), to);
            memory.see(&Sighting {
                at: asked.at - before,
                seen: Seen::PasswordReset,
                line: None,
                met: Places::default(),
                ..asked
            });
            assert_eq!(patterns(&memory.see(&asked)).contains(&Pattern::SoonCarrier), n + 1 >= alarms_at, "{n}");
        }
    }
}

/// A medium carrier with a month of honest ports, in memory.
fn month() -> (Memory, Honest, u32) {
    let mut memory = Memory::with(Settings { lines: 500_000, ..Settings::default() });
    let mut honest = Honest::new(500_000, 11);
    let start = day_of_week_starts(hour_of(NOW));
    for hour in start..start + 29 * 24 {
        for sighting in honest.hour(hour) {
            memory.see(&sighting);
        }
    }
    (memory, honest, start + 29 * 24)
}

#[test]
fn in_a_month_of_honest_ports_a_change_stands_out() {
    let (mut memory, mut honest, from) = month();
    let hour = |hour: u32| Timestamp::from_second(i64::from(hour) * 3_600);
    // Eleven in the morning, when it is busiest.
    for at in from..from + 11 {
        for sighting in honest.hour(at) {
            assert_eq!(memory.see(&sighting), vec![]);
        }
    }
    let small = Places { carrier: Some(mark("carrier", 9)), ..Places::default() };
    let large = Places { carrier: Some(mark("carrier", 0)), ..Places::default() };
    let count = |memory: &mut Memory, pattern, make: &dyn Fn(u64, Timestamp) -> Sighting| {
        let seen = (1..400).find(|n| patterns(&memory.see(&make(*n, hour(from + 11) + Span::seconds(9)))).contains(&pattern));
        seen.expect("never alarms")
    };
    let to_small = count(&mut memory, Pattern::CarrierBurst, &|n, at| port(n, at, small));
    assert!((4..=12).contains(&to_small), "{to_small}");
    let to_large = count(&mut memory, Pattern::CarrierBurst, &|n, at| port(1_000 + n, at, large));
    assert!((20..=70).contains(&to_large), "{to_large}");
    let zips = count(&mut memory, Pattern::FeedReasons, &|n, at| Sighting {
        seen: Seen::Failed(Failing::Company),
        ..port(2_000 + n, at, Places::default())
    });
    assert!((6..=10).contains(&zips), "{zips}");
}

#[test]
fn an_hour_without_ports_in_the_middle_of_the_day_alarms_and_the_nights_are_quiet() {
    let mut memory = Memory::with(Settings { lines: 5_000_000, ..Settings::default() });
    let mut honest = Honest::new(5_000_000, 12);
    let start = day_of_week_starts(hour_of(NOW));
    let hour = |hour: u32| Timestamp::from_second(i64::from(hour) * 3_600);
    for past in start - 5 * 168..start - 12 {
        memory.remember(Key::FEED, hour(past), honest.past(past).values().sum(), hour(start));
    }
    let feed = |memory: &Memory, now| {
        let parts: Vec<&Window> = memory.windows.iter().filter(|((key, _), _)| *key == Key::FEED).map(|(_, part)| part).collect();
        hushed(&parts, now, &memory.settings)
    };
    for at in start..start + 11 {
        for sighting in honest.hour(at) {
            memory.see(&sighting);
        }
        assert_eq!(feed(&memory, hour(at + 1) + Span::minutes(3)), None, "{at}");
    }
    let alarm = feed(&memory, hour(start + 12) + Span::minutes(1)).unwrap();
    assert_eq!((alarm.pattern, alarm.since), (Pattern::FeedHushed, hour(start + 11)));
}

/// What all alarms of a set of sightings come to. Where accounts are counted by the hour, one line stands for an
/// account, and which one of two may depend on the order: what is compared is whose they are.
fn outcome(sightings: &[Sighting]) -> BTreeMap<String, (Pattern, BTreeSet<u64>, u32, Timestamp, Severity)> {
    let mut memory = watched();
    let mut outcome = BTreeMap::new();
    let owners: BTreeMap<WideMark, u64> = (0..60).map(|line| (mark("line", line), line / 2)).collect();
    for alarm in sightings.iter().flat_map(|sighting| memory.see(sighting)) {
        let first = (alarm.pattern, BTreeSet::new(), 0, alarm.since, alarm.severity);
        let joined = outcome.entry(alarm.group()).or_insert(first);
        joined.1.extend(alarm.lines.iter().map(|line| owners[line]));
        joined.2 = joined.2.max(alarm.count);
        joined.3 = joined.3.min(alarm.since);
        joined.4 = joined.4.max(alarm.severity);
    }
    outcome
}

prop_compose! {
    /// Something that happens within three hours among a handful of people, carriers and PINs, so that much meets.
    fn any_sighting()(
        account in 0_u64..30, line in 0_u64..2, minutes in 0_u32..180, what in 0_u32..10, carrier in 0_u64..2,
        pin in 0_u64..12, address in 0_u64..3, rep in 0_u64..3, handset in 0_u64..9,
    ) -> Sighting {
        let seen = match what {
            0..=3 => Seen::Asked,
            4 => Seen::Failed(Failing::Passcode),
            5 => Seen::Failed(Failing::Zip),
            6 => Seen::Refused,
            7 => Seen::Unlocked,
            8 => Seen::ContactChanged,
            _ => Seen::Confirmed,
        };
        let some = |kind, n: u64| (n > 0).then(|| mark(kind, n));
        Sighting {
            at: NOW + Span::minutes(minutes),
            account: mark("account", account),
            line: Some(mark("line", account * 2 + line)),
            seen,
            met: Places {
                carrier: some("carrier", carrier + 1),
                pin: some("pin", pin),
                address: some("address", address),
                device: some("device", address),
                handset: some("handset", handset),
                rep: some("rep", rep),
            },
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_order_of_sightings_and_their_repeats_change_no_alarm(
        sightings in prop::collection::vec(any_sighting(), 0..60), seed: u64,
    ) {
        let mut others = sightings.clone();
        let mut dice = Dice::new(seed);
        for _ in 0..sightings.len() / 2 {
            others.push(sightings[dice.place(sightings.len())]);
        }
        for n in (1..others.len()).rev() {
            others.swap(n, dice.place(n + 1));
        }
        prop_assert_eq!(outcome(&sightings), outcome(&others));
    }

    #[test]
    fn a_window_reads_back_and_stays_small(
        sightings in prop::collection::vec((any_sighting(), 0_u32..5_000), 0..400), kind in 0..Kind::ALL.len(),
    ) {
        let kind = Kind::ALL[kind];
        let mut window = Window::empty(kind);
        for (sighting, later) in &sightings {
            window.add(kind, &Sighting { at: sighting.at + Span::minutes(*later), ..*sighting });
        }
        let bytes = window.encode();
        prop_assert!(bytes.len() <= 4_000, "{}", bytes.len());
        prop_assert_eq!(Window::decode(kind, &bytes), Some(window));
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            if let Some(part) = Window::decode(kind, &bytes[..cut]) {
                prop_assert!(matches!(part.0, Inner::Table(_)), "a cut table may end with a whole row");
            }
        }
        prop_assert_eq!(Window::decode(kind, &[&[9], &bytes[1..]].concat()), None);
    }

    #[test]
    fn no_bytes_make_a_window_that_cannot_be_used(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..Kind::ALL.len()) {
        let kind = Kind::ALL[kind];
        let bytes = [&[VERSION], &bytes[..]].concat();
        if let Some(mut window) = Window::decode(kind, &bytes) {
            let sighting = port(1, NOW, Places::default());
            window.add(kind, &sighting);
            let _ = judge(Key { kind, mark: WideMark(1) }, &[&window], &sighting, Watched::default(), &Settings::default());
            prop_assert!(window.encode().len() <= 4_000);
        }
    }
}

#[test]
fn a_table_that_overflows_counts_as_many_and_never_as_few() {
    let mut memory = watched();
    let met = Places { device: at("device"), ..Places::default() };
    // Two victims, and hundreds of tries on a third to push them out.
    memory.see(&port(1, NOW, met));
    memory.see(&port(2, NOW, met));
    let mut last = Vec::new();
    for n in 0..500 {
        last = memory.see(&port(3, NOW + Span::seconds(10 + n), met));
    }
    assert!(patterns(&last).contains(&Pattern::Device));
}

#[test]
fn what_cannot_be_read_begins_anew_and_is_not_taken_for_an_empty_past() {
    let (mut memory, mut honest, from) = month();
    let key = Key { kind: Kind::CarrierPorts, mark: mark("carrier", 0) };
    let at = Timestamp::from_second(i64::from(from) * 3_600);
    for part in 0..key.kind.parts() {
        memory.windows.insert((key, part), Window::anew(key.kind, at));
    }
    for hour in from..from + 24 {
        for sighting in honest.hour(hour) {
            assert_eq!(memory.see(&sighting), vec![]);
        }
    }
}

#[test]
fn ten_thousand_messages_a_minute_spread_over_the_parts_of_a_window() {
    for kind in [Kind::CarrierPorts, Kind::FeedPorts, Kind::CarrierFailures] {
        let key = Key { kind, mark: WideMark(0) };
        let mut parts = BTreeMap::new();
        for n in 0..10_000 {
            *parts.entry(key.part_of(mark("account", n))).or_insert(0) += 1;
        }
        assert_eq!(parts.len(), 8);
        assert!(parts.values().all(|count| (1_000..1_500).contains(count)), "{parts:?}");
    }
}

#[test]
fn a_carrier_that_the_told_past_does_not_name_gained_nobody() {
    let mut memory = Memory::default();
    let hour = |back: u32| NOW - Span::hours(back);
    for back in 20..35 * 24 {
        memory.remember(Key::FEED, hour(back), 1, NOW);
    }
    let to = Places { carrier: at("carrier"), ..Places::default() };
    completes(&mut memory, Pattern::CarrierBurst, 6, &in_a_row(9, Span::minutes(9), |n, at| port(n, at, to)));
}
