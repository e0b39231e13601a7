//! For tests: all windows in memory, and a carrier whose customers leave honestly.

use std::collections::BTreeMap;

use super::*;
use crate::digest::Digest;

/// Windows as a store would hold them.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) windows: BTreeMap<(Key, u8), Window>,
    pub(super) settings: Settings,
}

impl Memory {
    pub(super) fn with(settings: Settings) -> Self {
        Self { windows: BTreeMap::new(), settings: settings.check().unwrap() }
    }

    fn fold(&mut self, sighting: &Sighting) -> Vec<Sighting> {
        let mut follow = Vec::new();
        for key in sighting.keys() {
            let part = (key, key.part_of(sighting.account));
            let window = self.windows.entry(part).or_insert_with(|| Window::empty(key.kind));
            window.add(key.kind, sighting);
            if key.kind == Kind::Account {
                follow.extend(follow_ups(window, sighting, &self.settings));
            }
        }
        follow
    }

    fn parts(&self, key: Key) -> Vec<&Window> {
        (0..key.kind.parts()).filter_map(|part| self.windows.get(&(key, part))).collect()
    }

    /// Folds a sighting and what follows from it, and asks every rule.
    pub(super) fn see(&mut self, sighting: &Sighting) -> Vec<Alarm> {
        let follow = self.fold(sighting);
        for next in &follow {
            self.fold(next);
        }
        let watched = watched_since(self.parts(Key::FEED));
        let mut alarms = Vec::new();
        for sighting in std::iter::once(sighting).chain(&follow) {
            for key in sighting.keys() {
                alarms.extend(judge(key, &self.parts(key), sighting, watched, &self.settings));
            }
        }
        alarms
    }

    /// Tells a past that another system knows.
    pub(super) fn remember(&mut self, key: Key, hour: Timestamp, accounts: u32, now: Timestamp) {
        let parts = u32::from(key.kind.parts());
        for part in 0..key.kind.parts() {
            let share = accounts / parts + u32::from(u32::from(part) < accounts % parts);
            let window = self.windows.entry((key, part)).or_insert_with(|| Window::empty(key.kind));
            assert!(window.remember(hour, share, now));
        }
    }
}

/// Numbers that look random and are the same every time (SplitMix64; Steele, Lea and Flood, 2014).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A place in a list of so many.
    pub(super) fn place(&mut self, of: usize) -> usize {
        usize::try_from(self.below(u64::try_from(of).unwrap())).unwrap()
    }

    /// In [0, 1).
    pub(super) fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap()) / 4_294_967_296.0
    }

    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// So many that this many are the mean (Knuth), from parts so that none is 0 by rounding.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let mut count = 0;
        let mut left = mean;
        while left > 0.0 {
            let (limit, mut product) = (libm::exp(-left.min(20.0)), self.share());
            while product > limit {
                count += 1;
                product *= self.share();
            }
            left -= 20.0;
        }
        count
    }
}

/// A thing's mark, as a keyed hash would give it.
pub(super) fn mark(kind: &str, n: u64) -> WideMark {
    let digest = Digest::of(&[kind, &n.to_string()]);
    WideMark(u64::from_str_radix(&digest.as_str()[..16], 16).unwrap())
}

/// A carrier of so many lines. 1.2 % of its accounts leave in a month, by day, seldom at night, less on weekends; one
/// in five brings more lines than one; one in seven mistypes something at first.
pub(super) struct Honest {
    lines: u32,
    dice: Dice,
    accounts: u64,
    /// Of this week: some weeks are busier.
    busy: f64,
}

/// Percent of a day's ports by the hour.
const DAY: [f64; 24] =
    [0.3, 0.2, 0.1, 0.1, 0.2, 0.4, 0.9, 2.0, 4.5, 7.0, 8.5, 9.0, 8.5, 8.5, 8.5, 8.3, 8.0, 7.5, 6.0, 4.5, 3.0, 2.0, 1.3, 0.7];

impl Honest {
    pub(super) const fn new(lines: u32, seed: u64) -> Self {
        Self { lines, dice: Dice::new(seed), accounts: 0, busy: 1.0 }
    }

    /// Accounts that leave in an hour, on average.
    fn rate(&self, hour: u32) -> f64 {
        let weekday = if (hour / 24) % 7 >= 5 { 0.6 } else { 1.15 };
        f64::from(self.lines) / 1.4 * 0.012 / 30.0 * weekday * DAY[usize::try_from(hour % 24).unwrap()] / 100.0 * self.busy
    }

    /// The gaining carriers: three large ones, a tail of forty.
    fn carrier(&mut self) -> u64 {
        let share = self.dice.share();
        match share {
            share if share < 0.34 => 0,
            share if share < 0.58 => 1,
            share if share < 0.74 => 2,
            _ => 3 + self.dice.below(13).min(self.dice.below(40)),
        }
    }

    /// Accounts by gaining carrier in an hour of the past.
    pub(super) fn past(&mut self, hour: u32) -> BTreeMap<u64, u32> {
        let mut counts = BTreeMap::new();
        for _ in 0..self.dice.poisson(self.rate(hour)) {
            *counts.entry(self.carrier()).or_default() += 1;
        }
        counts
    }

    fn failing(&mut self) -> Failing {
        match self.dice.below(100) {
            0..=34 => Failing::AccountNumber,
            35..=54 => Failing::Passcode,
            55..=69 => Failing::PasscodeMissing,
            70..=84 => Failing::Zip,
            85..=90 => Failing::PasscodeExpired,
            91..=94 => Failing::DueDate,
            95..=97 => Failing::Order,
            _ => Failing::Form,
        }
    }

    /// All that is seen of an hour.
    pub(super) fn hour(&mut self, hour: u32) -> Vec<Sighting> {
        if hour.is_multiple_of(168) {
            self.busy = 0.85 + 0.3 * self.dice.share();
        }
        let mut seen = Vec::new();
        for _ in 0..self.dice.poisson(self.rate(hour)) {
            self.leaves(hour, &mut seen);
        }
        seen.sort_unstable();
        seen
    }

    fn leaves(&mut self, hour: u32, seen: &mut Vec<Sighting>) {
        self.accounts += 1;
        let n = self.accounts;
        let account = mark("account", n);
        let at = Timestamp::from_second(i64::from(hour) * 3_600 + i64::try_from(self.dice.below(3_600)).unwrap());
        let lines = match self.dice.below(100) {
            0..=77 => 1,
            78..=91 => 2,
            92..=98 => 3 + self.dice.below(3),
            _ => 6 + self.dice.below(4),
        };
        let rep = mark("rep", self.dice.below(u64::from(self.lines) / 2_000));
        for (seen_before, share, by_care) in [
            (Seen::Unlocked, 0.12, 0.0),
            (Seen::PasswordReset, 0.06, 0.2),
            (Seen::ContactChanged, 0.01, 0.4),
            (Seen::SimSwapped, 0.01, 0.5),
        ] {
            if self.dice.happens(share) {
                let met = Places { rep: Some(rep).filter(|_| self.dice.happens(by_care)), ..Places::default() };
                let before = Span::minutes(u32::try_from(3 + self.dice.below(1_400)).unwrap());
                seen.push(Sighting { at: at - before, account, line: None, seen: seen_before, met });
            }
        }
        let address = match self.dice.below(10) {
            0..=5 => mark("home", n),
            6..=8 => mark("mobile gateway", self.dice.below(u64::from(self.lines) / 2_500 + 4)),
            _ => mark("store", self.dice.below(500)),
        };
        let carrier = mark("carrier", self.carrier());
        let failing = if self.dice.happens(0.14) { Some(self.failing()) } else { None };
        for line in 0..lines {
            let pin = mark("pin", self.dice.next());
            let mistyped = if self.dice.happens(0.06) { mark("pin", self.dice.below(2)) } else { mark("pin", self.dice.next()) };
            let met = Places {
                carrier: Some(carrier),
                pin: Some(pin),
                address: Some(address),
                device: Some(mark("device", n)),
                handset: Some(mark("handset", n * 16 + line)).filter(|_| self.dice.happens(0.5)),
                rep: None,
            };
            let port = Sighting { at, account, line: Some(mark("line", n * 16 + line)), seen: Seen::Asked, met };
            if let Some(failing) = failing {
                let wrong = if failing == Failing::Passcode { mistyped } else { pin };
                seen.push(Sighting { seen: Seen::Failed(failing), met: Places { pin: Some(wrong), ..met }, ..port });
                seen.push(Sighting { at: at + Span::minutes(9), ..port });
            } else {
                seen.push(port);
            }
            seen.push(Sighting { at: at + Span::minutes(20), seen: Seen::Confirmed, ..port });
        }
    }
}
