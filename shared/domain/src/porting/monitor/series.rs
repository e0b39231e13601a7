//! How many accounts met at one thing, hour by hour, against the same hours of past weeks.

use std::collections::BTreeSet;

use super::bytes::Reader;
use super::ring::{Added, Met, OPEN, Ring};
use super::{Settings, whole};
use crate::risk::marks::WideMark;

/// Hours of a week.
const WEEK: u32 = 168;
/// Weeks that are remembered.
const WEEKS: u32 = 6;
/// Hours that are remembered.
pub(super) const MEMORY: u32 = WEEK * WEEKS;
/// The same, as a length.
const CELLS: usize = 1_008;
/// Fewer hours of history than this are none.
const ENOUGH: u32 = 72;
/// Fewer weeks than this do not say what is usual at one hour of the week.
const ENOUGH_WEEKS: usize = 3;
/// The busiest hours of a week have less than so many times the average.
const PEAK: f64 = 2.5;
/// Makes a median absolute deviation that of a normal distribution.
const NORMAL: f64 = 1.4826;
/// A feed with fewer ports in an hour than this can well have none.
const AUDIBLE: f64 = 20.0;
/// The most lines that a judgement names.
pub(super) const NAMED: usize = 32;

/// One part of what is known of a thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series {
    ring: Ring,
    /// The first hour that something was seen in, counted from 1970; 0 before it.
    first: u32,
    /// The first hour that another system knows of; 0 where none told.
    told_from: u32,
    /// Where what was stored could not be read: the hour from which on this is known.
    anew: u32,
    /// Accounts of the last [`MEMORY`] closed hours, in [`coded`] form, each at its number modulo [`MEMORY`].
    past: Vec<u8>,
}

/// A limit on what meets at a thing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// Over so many hours, the last of which is not over.
    pub(super) hours: u32,
    /// Never below this.
    pub(super) floor: u32,
    /// The limit while there is no history; nothing: quiet.
    pub(super) cold: Option<u32>,
}

/// Too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    pub(super) count: u32,
    pub(super) limit: u32,
    /// First and last hour.
    pub(super) hours: (u32, u32),
    pub(super) lines: BTreeSet<WideMark>,
}

impl TooMany {
    /// With what another window that the same sighting is in found.
    pub(super) fn join(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let ((from, to), (first, last)) = (self.hours, other.hours);
        let (count, limit) = if other.count > self.count { (other.count, other.limit) } else { (self.count, self.limit) };
        let lines = self.lines.union(&other.lines).copied().take(NAMED).collect();
        Self { count, limit, hours: (from.min(first), to.max(last)), lines }
    }
}

/// A count in a byte: exact to 16, then within a sixteenth.
fn coded(count: u32) -> u8 {
    let exponent = count.checked_ilog2().unwrap_or(0);
    let code = match exponent {
        0..=3 => count,
        more => 16 + (more - 4) * 8 + (count >> (more - 3)) % 8,
    };
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// The middle of what has this code.
const fn middle(code: u32) -> u32 {
    if code < 16 {
        return code;
    }
    let (exponent, step) = ((code - 16) / 8 + 4, (code - 16) % 8);
    match 1_u32.checked_shl(exponent - 3) {
        Some(width) => (8 + step).saturating_mul(width).saturating_add(width / 2),
        None => u32::MAX,
    }
}

/// The same for every code.
const DECODED: [u32; 256] = {
    let mut table = [0; 256];
    let (mut code, mut rest) = (0, table.as_mut_slice());
    while let Some((first, others)) = rest.split_first_mut() {
        *first = middle(code);
        code += 1;
        rest = others;
    }
    table
};

fn decoded(code: u8) -> u32 {
    DECODED.get(usize::from(code)).copied().unwrap_or(u32::MAX)
}

/// The earlier of two hours; 0 is none.
fn earlier(one: u32, other: u32) -> u32 {
    [one, other].into_iter().filter(|&hour| hour != 0).min().unwrap_or(0)
}

fn slot(hour: u32) -> usize {
    usize::try_from(hour % MEMORY).unwrap_or(0)
}

impl Default for Series {
    fn default() -> Self {
        Self { ring: Ring::default(), first: 0, told_from: 0, anew: 0, past: vec![0; CELLS] }
    }
}

impl Series {
    /// In the place of one that cannot be read: nothing before `hour` is known.
    pub(super) fn anew(hour: u32) -> Self {
        Self { anew: hour, ..Self::default() }
    }

    /// One more.
    pub(super) fn add(&mut self, hour: u32, met: Met) -> Added {
        self.advance(hour);
        let added = self.ring.add(hour, met);
        if added == Added::Changed {
            self.first = earlier(self.first, hour);
        }
        added
    }

    fn advance(&mut self, hour: u32) {
        let past = &mut self.past;
        self.ring.advance(hour, MEMORY, |hour, of| {
            if let Some(cell) = past.get_mut(slot(hour)) {
                *cell = coded(super::ring::Count::of(std::iter::once(of)).total());
            }
        });
    }

    /// What another system knows of an hour before `now`, in a part that has so many siblings.
    pub(super) fn remember(&mut self, hour: u32, accounts: u32, now: u32) -> bool {
        self.advance(now);
        let known = hour < self.ring.oldest() && hour.saturating_add(MEMORY) > self.ring.newest();
        if known && let Some(cell) = self.past.get_mut(slot(hour)) {
            *cell = coded(accounts);
            self.told_from = earlier(self.told_from, hour);
            return true;
        }
        false
    }

    /// The first hour that something was seen in; nothing where nothing was.
    pub(super) const fn first(&self) -> Option<u32> {
        if self.first == 0 { None } else { Some(self.first) }
    }

    /// The first hour that another system told of; nothing where none did.
    pub(super) const fn told_from(&self) -> Option<u32> {
        if self.told_from == 0 { None } else { Some(self.told_from) }
    }

    /// The first hour that it knows of by itself.
    fn known_from(&self) -> Option<u32> {
        let known = earlier(self.first, self.told_from);
        (known != 0).then_some(known)
    }

    /// The stored form, at most 3,635 bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.ring.write(out);
        out.extend(self.first.to_le_bytes());
        out.extend(self.told_from.to_le_bytes());
        out.extend(self.anew.to_le_bytes());
        out.extend(&self.past);
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let (ring, first, told_from, anew) = (Ring::read(from)?, from.u32()?, from.u32()?, from.u32()?);
        let past = from.take::<CELLS>()?;
        Some(Self { ring, first, told_from, anew, past: past.to_vec() })
    }
}

/// All parts of what is known of a thing.
pub(super) struct Parts<'a> {
    parts: Vec<std::borrow::Cow<'a, Series>>,
    newest: u32,
    /// How many met in all hours that are remembered.
    all: std::cell::OnceCell<f64>,
    /// The first hour from which on what was not met did not happen.
    known_from: Option<u32>,
}

impl<'a> Parts<'a> {
    /// At the hour of the newest. `watched` is the first hour of the whole feed.
    pub(super) fn of(parts: impl Iterator<Item = &'a Series>, watched: Option<u32>) -> Self {
        let parts: Vec<&Series> = parts.collect();
        let newest = parts.iter().map(|part| part.ring.newest()).max().unwrap_or(0);
        Self::at(&parts, newest, watched)
    }

    /// At an hour, that of the newest or later.
    pub(super) fn at(parts: &[&'a Series], newest: u32, watched: Option<u32>) -> Self {
        let anew = parts.iter().map(|part| part.anew).max().unwrap_or(0);
        let own = parts.iter().filter_map(|part| part.known_from()).min();
        let known_from = watched.into_iter().chain(own).min().map(|first| first.max(anew));
        let advanced = |part: &&'a Series| match part.ring.newest() == newest {
            true => std::borrow::Cow::Borrowed(*part),
            false => {
                let mut part = (*part).clone();
                part.advance(newest);
                std::borrow::Cow::Owned(part)
            }
        };
        Self { parts: parts.iter().map(advanced).collect(), newest, all: std::cell::OnceCell::new(), known_from }
    }

    /// The hour that they are at.
    pub(super) const fn newest(&self) -> u32 {
        self.newest
    }

    fn past(&self, hour: u32) -> u32 {
        let cell = |part: &Series| part.past.get(slot(hour)).copied().map_or(0, decoded);
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(cell(part)))
    }

    /// What is usual in the hours from `from` to `to`, and how far from it is usual too; nothing where too little is
    /// known to say.
    fn usual(&self, from: u32, to: u32) -> Option<(f64, f64)> {
        let known_from = self.known_from?;
        let known = self.newest.saturating_sub(OPEN).saturating_add(1).saturating_sub(known_from).min(MEMORY);
        if known < ENOUGH {
            return None;
        }
        let week = |week: u32| {
            let back = |hour: u32| hour.checked_sub(week * WEEK).filter(|hour| *hour >= known_from);
            (from..=to).try_fold(0_u32, |sum, hour| back(hour).map(|hour| sum.saturating_add(self.past(hour))))
        };
        let mut weeks: Vec<u32> = (1..=WEEKS).filter_map(week).collect();
        weeks.sort_unstable();
        let cells = || self.parts.iter().flat_map(|part| &part.past);
        let all = self.all.get_or_init(|| cells().map(|cell| f64::from(decoded(*cell))).sum());
        let peak = PEAK * all / f64::from(known) * f64::from(to - from + 1);
        if weeks.len() < ENOUGH_WEEKS {
            return Some((peak, spread(peak, 0.0)));
        }
        let median = median(&weeks);
        let mut apart: Vec<u32> = weeks.iter().map(|week| whole((f64::from(*week) - median).abs())).collect();
        apart.sort_unstable();
        // Few counts say little: what they do not exclude is usual too, up to the peak of all hours. The largest week
        // is left out, so that a burst is not usual the next time.
        let counts = weeks.split_last().map_or(&[][..], |(_, rest)| rest);
        let (sum, number) = (counts.iter().copied().map(f64::from).sum::<f64>(), f64::from(count(counts.len())));
        let unexcluded = (sum + 2.0 * libm::sqrt(sum + 1.0) + 2.0) / number;
        let usual = median.max(peak.min(unexcluded));
        Some((usual, spread(usual, NORMAL * self::median(&apart))))
    }

    /// Whether an hour and those around it met too many. Every window that the hour is in is looked at, so that it
    /// does not matter what came first.
    pub(super) fn judge(&self, hour: u32, limit: Limit, settings: &Settings) -> Option<TooMany> {
        let mut worst: Option<TooMany> = None;
        for end in hour..hour.saturating_add(limit.hours).min(self.newest.saturating_add(1)) {
            let start = end.saturating_sub(limit.hours - 1);
            let counts: Vec<_> = self.parts.iter().map(|part| part.ring.count(start, end)).collect();
            let met = counts.iter().fold(0_u32, |sum, part| sum.saturating_add(part.total()));
            if met < limit.floor {
                continue;
            }
            let most = match self.usual(start, end) {
                None => limit.cold.unwrap_or(u32::MAX),
                Some((usual, apart)) => whole(libm::ceil(usual + f64::from(settings.deviations) * apart)),
            };
            if met >= most.max(limit.floor) {
                let lines = counts.iter().flat_map(|part| &part.lines).map(|line| WideMark(*line));
                let lines = lines.collect::<BTreeSet<_>>().into_iter().take(NAMED).collect();
                let many = TooMany { count: met, limit: most.max(limit.floor), hours: (start, end), lines };
                worst = Some(many.join(worst));
            }
        }
        worst
    }

    /// Whether an hour that is over met far fewer than usual.
    pub(super) fn is_hushed(&self, hour: u32, settings: &Settings) -> Option<(u32, u32)> {
        let met = self.parts.iter().fold(0_u32, |sum, part| sum.saturating_add(part.ring.count(hour, hour).total()));
        let (usual, apart) = self.usual(hour, hour)?;
        let least = (usual - f64::from(settings.deviations) * apart).min(usual / 4.0).max(1.0);
        (usual >= AUDIBLE && f64::from(met) < least).then(|| (met, whole(usual)))
    }
}

/// How far from the usual is usual too: what was seen, what chance gives, an eighth, and one.
fn spread(usual: f64, seen: f64) -> f64 {
    seen.max(libm::sqrt(usual)).max(usual / 8.0).max(1.0)
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// The median of what is sorted; 0 of nothing.
fn median(sorted: &[u32]) -> f64 {
    let at = |place: usize| sorted.get(place).copied().map_or(0.0, f64::from);
    let half = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { (at(half.saturating_sub(1)) + at(half)) / 2.0 } else { at(half) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_in_a_byte_is_exact_while_it_is_small_and_then_within_a_sixteenth() {
        for count in (0..2_000).chain([u32::MAX / 3, 1 << 30, 77_777_777]) {
            let error = (f64::from(decoded(coded(count))) / f64::from(count.max(1)) - if count == 0 { 0.0 } else { 1.0 }).abs();
            assert!(error <= if count < 16 { 0.0 } else { 1.0 / 15.9 }, "{count}: {}", decoded(coded(count)));
        }
        assert!((0..=254).is_sorted_by_key(decoded));
    }

    #[test]
    fn one_bad_week_moves_neither_the_usual_nor_its_spread() {
        let now = 500_000;
        let parts = |weeks: [u32; 6]| {
            let mut series = Series::default();
            for (week, count) in (1..).zip(weeks) {
                for hour in 0..168 {
                    let met = if hour < 12 { count } else { 0 };
                    series.remember(now - week * 168 + hour, met, now);
                }
            }
            series
        };
        let usual = |series: &Series| Parts::of(std::iter::once(series), None).usual(now, now + 5).unwrap();
        let (honest, with_a_burst) = (parts([10, 12, 9, 11, 10, 0]), parts([10, 12, 9, 200, 10, 0]));
        let ((a, b), (c, d)) = (usual(&honest), usual(&with_a_burst));
        assert!((a - c).abs() <= 6.0 && (b - d).abs() <= 6.0, "{a} ± {b}, {c} ± {d}");
    }
}
