//! Which accounts were met in each of the last hours: exact while they are few, and a fair estimate with a fair
//! sample when they are many.
//!
//! An hour keeps the [`KEPT`] smallest marks that it met, so that what it holds is a function of the set of what it
//! was told: a repeat changes nothing, and neither does another order. Marks are keyed hashes and lie evenly, so
//! where the smallest ones end says how many there are (bottom-k sketch; Cohen and Kaplan, *Summarizing data using
//! bottom-k sketches*, 2007). Nobody outside can choose a mark.

use std::collections::{BTreeSet, VecDeque};

use super::bytes::Reader;

/// Hours that are kept open. The longest window covers seven; what comes up to three hours late still counts.
pub(super) const OPEN: u32 = 10;
/// Marks that an hour tells apart. 20 of them give the count of many within a quarter, eight parts within a twelfth.
const KEPT: usize = 20;
/// Set in the length of an hour that met more than it keeps.
const FULL: u8 = 0x80;
/// One more than the largest mark.
const ALL: u64 = 1 << 32;

/// One account, once for each tag, and the smallest of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Met {
    /// The upper half of the account's mark. The lower one chooses the part.
    pub(super) account: u32,
    /// What is counted apart.
    pub(super) tag: u8,
    /// A line of the account.
    pub(super) line: u64,
}

/// One hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hour {
    kept: Vec<Met>,
    /// Whether more was met than is kept.
    full: bool,
}

/// What an addition did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// Something is other than before.
    Changed,
    /// It was known, or there are too many to tell.
    Same,
    /// Its hour is closed.
    Late,
}

/// The open hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ring {
    /// The newest hour, counted from 1970; 0 before the first.
    newest: u32,
    /// The newest first; none before the first, else [`OPEN`] of them.
    hours: VecDeque<Hour>,
}

/// What some hours of one ring met.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    /// How many marks of the sample's share there are; at most [`ALL`].
    share: u64,
    /// The sample: account and tag.
    pub(super) sample: BTreeSet<(u32, u8)>,
    /// Lines of it.
    pub(super) lines: BTreeSet<u64>,
}

impl Hour {
    fn add(&mut self, met: Met) -> bool {
        match self.kept.binary_search_by_key(&(met.account, met.tag), |known| (known.account, known.tag)) {
            Ok(at) => match self.kept.get_mut(at) {
                Some(known) if met.line < known.line => {
                    known.line = met.line;
                    true
                }
                Some(_) | None => false,
            },
            Err(at) if at >= KEPT => !std::mem::replace(&mut self.full, true),
            Err(at) => {
                self.kept.insert(at, met);
                self.full |= self.kept.len() > KEPT;
                self.kept.truncate(KEPT);
                true
            }
        }
    }

    /// All accounts below this were kept.
    fn complete_below(&self) -> u64 {
        match (self.full, self.kept.last()) {
            (true, Some(last)) => u64::from(last.account),
            (true, None) | (false, _) => ALL,
        }
    }
}

impl Count {
    /// Of these hours.
    pub(super) fn of<'a>(hours: impl Iterator<Item = &'a Hour> + Clone) -> Self {
        let share = hours.clone().map(Hour::complete_below).min().unwrap_or(ALL);
        let kept = || hours.clone().flat_map(|hour| &hour.kept);
        let sample = kept().filter(|met| u64::from(met.account) < share).map(|met| (met.account, met.tag)).collect();
        Self { share, sample, lines: kept().map(|met| met.line).collect() }
    }

    /// So many marks stand for how many.
    pub(super) fn scaled(&self, marks: usize) -> u32 {
        let marks = u64::try_from(marks).unwrap_or(ALL).min(ALL);
        u32::try_from(marks.saturating_mul(ALL) / self.share.max(1)).unwrap_or(u32::MAX)
    }

    /// How many accounts, each once for every tag.
    pub(super) fn total(&self) -> u32 {
        self.scaled(self.sample.len())
    }
}

impl Ring {
    /// The newest hour; 0 before the first.
    pub(super) const fn newest(&self) -> u32 {
        self.newest
    }

    /// The oldest hour that is open.
    pub(super) const fn oldest(&self) -> u32 {
        self.newest.saturating_sub(OPEN - 1)
    }

    /// Goes on to an hour. Every hour that this closes is handed over, the oldest first; of a long silence only the
    /// last `memory` hours.
    pub(super) fn advance(&mut self, to: u32, memory: u32, mut closed: impl FnMut(u32, &Hour)) {
        if self.newest == 0 {
            self.newest = to;
            self.hours = (0..OPEN).map(|_| Hour::default()).collect();
        }
        let nothing = Hour::default();
        if to.saturating_sub(self.newest) > OPEN.saturating_add(memory) {
            // What was open is as long ago as what is forgotten.
            self.hours.iter_mut().for_each(|hour| *hour = Hour::default());
            self.newest = to.saturating_sub(OPEN.saturating_add(memory));
        }
        while self.newest < to {
            closed(self.oldest(), self.hours.back().unwrap_or(&nothing));
            self.hours.pop_back();
            self.hours.push_front(Hour::default());
            self.newest = self.newest.saturating_add(1);
        }
    }

    /// Adds to an hour that is open.
    pub(super) fn add(&mut self, hour: u32, met: Met) -> Added {
        let place = self.newest.checked_sub(hour).and_then(|back| usize::try_from(back).ok());
        match place.and_then(|place| self.hours.get_mut(place)).map(|hour| hour.add(met)) {
            Some(true) => Added::Changed,
            Some(false) => Added::Same,
            None => Added::Late,
        }
    }

    /// What the hours from `from` to `to` met, as far as they are open.
    pub(super) fn count(&self, from: u32, to: u32) -> Count {
        let hours = (0_u32..).zip(&self.hours);
        Count::of(hours.filter(move |(back, _)| (from..=to).contains(&self.newest.saturating_sub(*back))).map(|(_, hour)| hour))
    }

    /// The lines with a tag that are kept of the hours from `from` to `to`.
    pub(super) fn lines(&self, from: u32, to: u32, tag: u8) -> Vec<u64> {
        let hours = (0_u32..).zip(&self.hours).filter(|(back, _)| (from..=to).contains(&self.newest.saturating_sub(*back)));
        hours.flat_map(|(_, hour)| &hour.kept).filter(|met| met.tag == tag).map(|met| met.line).collect()
    }

    /// Writes the stored form.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.newest.to_le_bytes());
        for hour in &self.hours {
            let length = u8::try_from(hour.kept.len()).unwrap_or(0);
            out.push(length | if hour.full { FULL } else { 0 });
            for met in &hour.kept {
                out.extend(met.account.to_le_bytes());
                out.push(met.tag);
                out.extend(met.line.to_le_bytes());
            }
        }
    }

    /// Reads it back.
    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let newest = from.u32()?;
        let mut hours = VecDeque::new();
        for _ in 0..if newest == 0 { 0 } else { OPEN } {
            let length = from.u8()?;
            let mut hour = Hour { kept: Vec::new(), full: length & FULL != 0 };
            for _ in 0..length & !FULL {
                hour.kept.push(Met { account: from.u32()?, tag: from.u8()?, line: from.u64()? });
            }
            let rises = hour.kept.is_sorted_by(|a, b| (a.account, a.tag) < (b.account, b.tag));
            if !rises || hour.kept.len() > KEPT || (hour.full && hour.kept.len() < KEPT) {
                return None;
            }
            hours.push_back(hour);
        }
        Some(Self { newest, hours })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mark as a keyed hash would lie.
    fn met(n: u32) -> Met {
        let account = n.wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(0x85eb_ca6b);
        Met { account, tag: 0, line: u64::from(n) }
    }

    fn ring(of: impl Iterator<Item = (u32, u32)>) -> Ring {
        let mut ring = Ring::default();
        for (hour, n) in of {
            ring.advance(hour, 0, |_, _| ());
            ring.add(hour, met(n));
        }
        ring
    }

    #[test]
    fn few_are_counted_exactly_and_an_account_of_two_hours_once() {
        let ring = ring((0..12).map(|n| (500_000 + n / 6, n % 9)));
        assert_eq!(ring.count(500_000, 500_001).total(), 9);
        assert_eq!(ring.count(500_001, 500_001).total(), 6);
    }

    #[test]
    fn many_are_estimated_and_never_fewer_than_a_window_can_tell() {
        for (many, parts) in [(200, 1), (5_000, 1), (40_000, 8)] {
            let mut rings = vec![Ring::default(); usize::try_from(parts).unwrap()];
            for n in 0..many {
                let ring = &mut rings[usize::try_from(n % parts).unwrap()];
                ring.advance(500_000 + n % 6, 0, |_, _| ());
                ring.add(500_000 + n % 6, met(n));
            }
            let total: u32 = rings.iter().map(|ring| ring.count(500_000, 500_005).total()).sum();
            let error = (f64::from(total) / f64::from(many) - 1.0).abs();
            assert!(error < 0.35, "{many}: {total}");
        }
    }

    #[test]
    fn a_firm_that_moves_a_hundred_lines_hides_nobody() {
        let mut ring = Ring::default();
        ring.advance(500_000, 0, |_, _| ());
        for line in 0..100 {
            ring.add(500_000, Met { account: 1, tag: 0, line });
        }
        for n in 2..9 {
            ring.add(500_000, Met { account: n, tag: 0, line: u64::from(n) });
        }
        assert_eq!(ring.count(500_000, 500_000).total(), 8);
    }

    #[test]
    fn closed_hours_are_handed_over_in_order_and_a_long_silence_ends() {
        let mut ring = ring((0..3).map(|n| (500_000 + n, n)));
        let mut closed = Vec::new();
        ring.advance(500_000 + OPEN + 1, 50, |hour, of| closed.push((hour, of.kept.len())));
        let before: Vec<_> = (499_993..500_000).map(|hour| (hour, 0)).collect();
        assert_eq!(closed[..7], before);
        assert_eq!(closed[7..], [(500_000, 1), (500_001, 1)]);
        let mut closed = 0;
        ring.advance(900_000, 50, |_, of| {
            assert!(of.kept.is_empty());
            closed += 1;
        });
        assert_eq!((closed, ring.newest()), (60, 900_000));
        assert_eq!(ring.add(900_000 - OPEN, met(1)), Added::Late);
    }
}
