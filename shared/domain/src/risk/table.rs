//! What a line has seen of one kind of thing: a capped table of marks with weights that fade.
//!
//! **Ripening.** A row's latest observation is kept apart and counts only when it is 24 hours old. While
//! it waits, further ones add nothing unless they are worth more: then the better one waits in its place, and
//! the lesser one still counts from its own hour until the better does, so that nothing that was seen is
//! forgotten for a day. A key gains at most one observation a day, and a visit can never vouch for itself.
//! **Capacity.** A newcomer displaces what weighs least; readers of a full table
//! leave the faintest row out, so that the newcomer's arrival changes nothing that is read.

use super::marks::Mark;
use super::num;
use crate::time::Timestamp;

/// An observation counts from this age on, in hours.
pub(super) const RIPE_AFTER_HOURS: u32 = 24;
/// What is remembered fades by half in this time, in seconds.
const HALF_LIFE: f32 = 60.0 * 86_400.0;
/// One observation at full weight; weights are in 256ths.
pub(super) const ONE: u32 = 256;
/// All that one key can gain: a hundred days at full weight.
const CAP: u32 = 100 * ONE;
/// All that one key can gain by visits that nothing verified.
const CAP_UNVERIFIED: u32 = 4 * ONE;
/// Bytes of a row.
const ROW: usize = 11;
/// Hours are kept in 20 bits: until the year 2089.
const LAST_HOUR: u32 = 0x000f_ffff;

/// How much a visit may vouch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// Nothing is waiting.
    None,
    /// Nothing but the session: a quarter.
    Unverified,
    /// A device that has been around for a month: a quarter too, and what it brings is settled.
    Settled,
    /// A key of a strong device, or a passkey: full.
    Verified,
}

/// One thing seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What.
    pub(super) mark: Mark,
    /// Its weight at `hour`, in 256ths, without what waits.
    weight: u16,
    /// When first seen, in days since 1970.
    pub(super) first_day: u16,
    /// When what waits was seen, in hours since 1970, rounded up; never below the time of `weight`.
    hour: u32,
    /// What waits to ripen.
    waiting: Trust,
    /// A lesser one waits too, since so many hours before `hour`; 0 for none.
    earlier: u8,
    /// It ripened by a visit of a settled device once.
    settled: bool,
    /// A device: it proved itself by a key.
    pub(super) keyed: bool,
    /// A device: its key gives a visit full weight.
    pub(super) strong: bool,
}

/// Hours since 1970, rounded up, so that nothing ripens early.
pub(super) fn hour_of(at: Timestamp) -> u32 {
    num::seconds(at).div_ceil(3_600).min(LAST_HOUR)
}

/// Whether what was seen in an hour is ripe.
pub(super) fn is_ripe(hour: u32, now: Timestamp) -> bool {
    num::seconds(now) / 3_600 >= hour.saturating_add(RIPE_AFTER_HOURS)
}

/// Days since 1970.
pub(super) fn day_of(at: Timestamp) -> u16 {
    num::to_u16(num::seconds(at) / 86_400)
}

impl Row {
    /// Its ripe weight now, in 256ths.
    pub(super) fn weight(&self, now: Timestamp) -> u32 {
        let before = u32::from(self.weight);
        let quarter = |worth: u32| before.max((before + worth).min(CAP_UNVERIFIED));
        let total = match self.waiting {
            Trust::Verified if is_ripe(self.hour, now) => (before + ONE).min(CAP),
            Trust::Unverified | Trust::Settled if is_ripe(self.hour, now) => quarter(ONE / 4),
            Trust::None | Trust::Unverified | Trust::Settled | Trust::Verified => match self.lesser() {
                // It has faded since its hour, which is before that of the weight.
                Some(hour) if is_ripe(hour, now) => {
                    quarter(num::to_u32(num::from_u32(ONE / 4) * num::left((self.hour - hour) * 3_600, HALF_LIFE)))
                }
                Some(_) | None => before,
            },
        };
        let gone = num::seconds(now).saturating_sub(self.hour.saturating_mul(3_600));
        if gone == 0 { total } else { num::to_u32(num::from_u32(total) * num::left(gone, HALF_LIFE)) }
    }

    /// The hour of the lesser observation that waits too.
    fn lesser(&self) -> Option<u32> {
        (self.earlier > 0).then(|| self.hour.saturating_sub(u32::from(self.earlier)))
    }

    /// Whether a visit of a settled device counts in it now.
    pub(super) fn is_settled(&self, now: Timestamp) -> bool {
        self.settled || (self.waiting >= Trust::Settled && is_ripe(self.hour, now))
    }

    fn see(&mut self, now: Timestamp, trust: Trust) {
        let ripe = self.waiting == Trust::None || is_ripe(self.hour, now);
        if !ripe && trust <= self.waiting {
            return;
        }
        let unripe = if ripe { None } else { Some(self.lesser().filter(|&hour| !is_ripe(hour, now)).unwrap_or(self.hour)) };
        self.weight = num::to_u16(self.weight(now));
        self.settled = self.is_settled(now);
        self.hour = self.hour.max(hour_of(now));
        self.earlier = unripe.map_or(0, |hour| u8::try_from(self.hour - hour).unwrap_or(0));
        self.waiting = trust;
    }
}

/// At most `N` things seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table<const N: usize> {
    rows: Vec<Row>,
}

impl<const N: usize> Table<N> {
    /// Something is seen.
    pub(super) fn see(&mut self, mark: Mark, now: Timestamp, trust: Trust) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.mark == mark) {
            return row.see(now, trust);
        }
        if self.rows.len() >= N
            && let Some(index) = self.faintest(now)
        {
            self.rows.swap_remove(index);
        }
        let row = Row {
            mark,
            weight: 0,
            first_day: day_of(now),
            hour: hour_of(now),
            waiting: trust,
            earlier: 0,
            settled: false,
            keyed: false,
            strong: false,
        };
        self.rows.push(row);
    }

    fn faintest(&self, now: Timestamp) -> Option<usize> {
        let weights = self.rows.iter().map(|row| (row.weight(now), row.mark));
        weights.enumerate().min_by_key(|(_, weight)| *weight).map(|(index, _)| index)
    }

    /// The rows that count now, with their weights in 256ths.
    pub(super) fn ripe(&self, now: Timestamp) -> impl Iterator<Item = (&Row, u32)> {
        let spare = if self.rows.len() >= N { self.faintest(now) } else { None };
        self.rows
            .iter()
            .enumerate()
            .filter(move |(index, _)| spare != Some(*index))
            .map(move |(_, row)| (row, row.weight(now)))
            .filter(|(_, weight)| *weight > 0)
    }

    /// The weight of one thing and of all, in 256ths.
    pub(super) fn weigh(&self, mark: Mark, now: Timestamp) -> (u32, u32) {
        self.ripe(now).fold((0, 0), |(one, all), (row, weight)| (if row.mark == mark { weight } else { one }, all + weight))
    }

    /// The same of what a settled device brought.
    pub(super) fn weigh_settled(&self, mark: Mark, now: Timestamp) -> (u32, u32) {
        let settled = self.ripe(now).filter(|(row, _)| row.is_settled(now));
        settled.fold((0, 0), |(one, all), (row, weight)| (if row.mark == mark { weight } else { one }, all + weight))
    }

    /// The row of a thing, ripe or not.
    pub(super) fn row(&self, mark: Mark) -> Option<&Row> {
        self.rows.iter().find(|row| row.mark == mark)
    }

    /// The row of a thing, ripe or not.
    pub(super) fn row_mut(&mut self, mark: Mark) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.mark == mark)
    }

    /// Whether nothing was ever seen.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Appends the rows: their number, then 11 bytes each.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        to.push(u8::try_from(self.rows.len()).unwrap_or(u8::MAX));
        for row in &self.rows {
            let trust = match row.waiting {
                Trust::None => 0,
                Trust::Unverified => 1,
                Trust::Settled => 2,
                Trust::Verified => 3,
            };
            let [a, b, c, _] = row.mark.0.to_le_bytes();
            to.extend([a, b, c]);
            to.extend(row.weight.to_le_bytes());
            to.extend(row.first_day.to_le_bytes());
            let flags = trust | u32::from(row.keyed) << 2 | u32::from(row.strong) << 3 | u32::from(row.settled) << 4;
            to.extend((row.hour << 12 | u32::from(row.earlier) << 5 | flags).to_le_bytes());
        }
    }

    /// Reads what [`Table::write`] wrote; nothing where it is not that.
    pub(super) fn read(from: &mut &[u8]) -> Option<Self> {
        let (&count, rest) = from.split_first()?;
        let count = usize::from(count);
        if count > N {
            return None;
        }
        let (rows, rest) = rest.split_at_checked(count * ROW)?;
        *from = rest;
        let rows = rows.chunks_exact(ROW).map(Row::read).collect::<Option<Vec<_>>>()?;
        Some(Self { rows })
    }
}

impl Row {
    fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, w0, w1, f0, f1, t0, t1, t2, t3] = *bytes else { return None };
        let times = u32::from_le_bytes([t0, t1, t2, t3]);
        let waiting = match times & 3 {
            0 => Trust::None,
            1 => Trust::Unverified,
            2 => Trust::Settled,
            _ => Trust::Verified,
        };
        let (hour, earlier) = (times >> 12, u8::try_from(times >> 5 & 0x7f).ok()?);
        // A lesser one waits at most as long as it takes to ripen, and only for a better one.
        let lesser = u32::from(earlier) <= RIPE_AFTER_HOURS && (earlier == 0 || waiting >= Trust::Settled);
        if !lesser || u32::from(earlier) > hour {
            return None;
        }
        Some(Self {
            mark: Mark(u32::from_le_bytes([a, b, c, 0])),
            weight: u16::from_le_bytes([w0, w1]),
            first_day: u16::from_le_bytes([f0, f1]),
            hour,
            waiting,
            earlier,
            settled: times & 16 != 0,
            keyed: times & 4 != 0,
            strong: times & 8 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Span;

    /// On the hour.
    const START: Timestamp = Timestamp::from_second(1_790_002_800);

    fn weight<const N: usize>(table: &Table<N>, mark: u32, now: Timestamp) -> u32 {
        table.weigh(Mark(mark), now).0
    }

    fn daily(days: u32, trust: Trust) -> (Table<4>, Timestamp) {
        let mut table = Table::default();
        for day in 0..days {
            table.see(Mark(1), START + Span::days(day), trust);
        }
        (table, START + Span::days(days))
    }

    #[test]
    fn an_observation_counts_after_a_day_and_not_a_second_before() {
        let mut table = Table::<4>::default();
        table.see(Mark(1), START, Trust::Verified);
        assert_eq!(weight(&table, 1, START + Span::seconds(86_399)), 0);
        assert!(weight(&table, 1, START + Span::hours(24)) > 250);
    }

    #[test]
    fn what_is_remembered_fades_by_half_in_sixty_days() {
        let (table, _) = daily(1, Trust::Verified);
        assert_eq!(weight(&table, 1, START + Span::days(60)), 128);
        assert_eq!(weight(&table, 1, START + Span::days(120)), 64);
    }

    #[test]
    fn a_day_full_of_visits_counts_once() {
        let mut table = Table::<4>::default();
        for minute in 0..600 {
            table.see(Mark(1), START + Span::minutes(minute), Trust::Verified);
        }
        assert!(weight(&table, 1, START + Span::hours(36)) <= ONE);
    }

    #[test]
    fn an_unverified_visit_counts_a_quarter_and_all_of_them_four() {
        let (table, _) = daily(2, Trust::Unverified);
        assert!((60..=64).contains(&weight(&table, 1, START + Span::hours(30))), "{table:?}");
        let (table, now) = daily(400, Trust::Unverified);
        assert!(weight(&table, 1, now) <= CAP_UNVERIFIED);
        let (table, now) = daily(400, Trust::Verified);
        assert!(weight(&table, 1, now) > 60 * ONE && weight(&table, 1, now) <= CAP);
    }

    /// Otherwise a better visit would take away for a day what an earlier one had given, or was about to.
    #[test]
    fn a_better_visit_takes_nothing_from_the_one_that_waits() {
        let (mut alone, mut both) = (Table::<4>::default(), Table::<4>::default());
        for table in [&mut alone, &mut both] {
            table.see(Mark(1), START, Trust::Unverified);
        }
        both.see(Mark(1), START + Span::hours(10), Trust::Settled);
        both.see(Mark(1), START + Span::hours(20), Trust::Verified);
        for hours in 0..44 {
            let now = START + Span::hours(hours);
            assert!(weight(&both, 1, now).abs_diff(weight(&alone, 1, now)) <= 1, "{hours}");
        }
        let now = START + Span::hours(44);
        assert!((250..=ONE).contains(&weight(&both, 1, now)), "one observation a day, the better one: {both:?}");
    }

    #[test]
    fn what_a_settled_device_brings_is_settled_a_day_later() {
        let mut table = Table::<4>::default();
        table.see(Mark(1), START, Trust::Unverified);
        table.see(Mark(2), START, Trust::Settled);
        let at = |table: &Table<4>, hours| [1, 2].map(|mark| table.weigh_settled(Mark(mark), START + Span::hours(hours)).0 > 0);
        assert_eq!((at(&table, 23), at(&table, 24)), ([false, false], [false, true]));
        table.see(Mark(1), START + Span::hours(30), Trust::Verified);
        assert_eq!((at(&table, 53), at(&table, 54)), ([false, true], [true, true]));
    }

    #[test]
    fn a_full_table_forgets_what_weighs_least() {
        let mut table = Table::<3>::default();
        for (mark, days) in [(1, 9), (2, 1), (3, 5)] {
            for day in 0..days {
                table.see(Mark(mark), START + Span::days(day), Trust::Verified);
            }
        }
        table.see(Mark(4), START + Span::days(12), Trust::Verified);
        let kept: Vec<_> = table.rows.iter().map(|row| row.mark.0).collect();
        assert_eq!((kept.len(), kept.contains(&2)), (3, false), "{kept:?}");
    }

    proptest! {
        /// Otherwise a visit by a stranger would move what is known of the customer.
        #[test]
        fn a_newcomer_changes_nothing_that_is_read(seen in prop::collection::vec((0..6_u32, 0..90_u32, any::<bool>()), 0..60)) {
            let mut table = Table::<4>::default();
            let mut seen = seen;
            seen.sort_by_key(|(_, day, _)| *day);
            for (mark, day, verified) in seen {
                table.see(Mark(mark), START + Span::days(day), if verified { Trust::Verified } else { Trust::Unverified });
            }
            let now = START + Span::days(91);
            let before: Vec<_> = (0..6).map(|mark| table.weigh(Mark(mark), now)).collect();
            table.see(Mark(99), now, Trust::Verified);
            prop_assert_eq!(before, (0..6).map(|mark| table.weigh(Mark(mark), now)).collect::<Vec<_>>());
        }
    }
}
