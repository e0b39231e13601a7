//! What is remembered across lines: how many other lines met at one address, device, handset, SIM,
//! gaining carrier or representative, lately. Counters live outside the profiles and die by themselves.

use super::event::{Act, Door, Observation, Shown};
use super::marks::{WideMark, WideMarks};
use super::num;
use crate::signals::Signal;
use crate::time::{Span, Timestamp};

/// A counter tells so many lines apart; beyond it there are simply many.
const DISTINCT: usize = 24;
/// The usual rate is that of about so many seconds.
const USUAL: f32 = 14.0 * 86_400.0;
/// A counter untouched for so long may be dropped.
pub const KEPT_FOR: Span = Span::days(60);

/// What lines meet at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meeting {
    /// An address.
    Address,
    /// Its /24.
    Prefix,
    /// A device's own text.
    Device,
    /// The handset of a new SIM.
    Handset,
    /// A new SIM.
    Sim,
    /// A gaining carrier.
    Carrier,
    /// A representative who moves lines.
    Rep,
    /// The same, vouching without a check.
    RepVouching,
    /// The same, where no customer called.
    RepAlone,
}

impl Meeting {
    /// Every kind, in order.
    pub const ALL: [Self; 9] = [
        Self::Address,
        Self::Prefix,
        Self::Device,
        Self::Handset,
        Self::Sim,
        Self::Carrier,
        Self::Rep,
        Self::RepVouching,
        Self::RepAlone,
    ];

    /// The mark under which an observation finds its counter of this kind.
    #[must_use]
    pub const fn mark(self, marks: &WideMarks) -> Option<WideMark> {
        match self {
            Self::Address => marks.address,
            Self::Prefix => marks.prefix,
            Self::Device => marks.cookie,
            Self::Handset => marks.handset,
            Self::Sim => marks.sim,
            Self::Carrier => marks.carrier,
            Self::Rep | Self::RepVouching | Self::RepAlone => marks.rep,
        }
    }

    /// Whether an observation is counted there.
    #[must_use]
    pub fn counts(self, seen: &Observation<'_>) -> bool {
        let moves = seen.act.is_privileged();
        let by_care = seen.channel.door() == Door::Care && moves;
        match self {
            Self::Address | Self::Prefix | Self::Device => seen.is_online(),
            Self::Handset | Self::Sim => seen.act == Act::SimSwap,
            Self::Carrier => seen.act == Act::PortOut,
            Self::Rep => by_care,
            Self::RepVouching => by_care && seen.shown == Signal::Present(Shown::RepOverride),
            Self::RepAlone => by_care && seen.care.present().is_some_and(|care| care.inbound == Signal::Present(false)),
        }
    }
}

/// The lines that met at one thing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counter {
    /// Lines with their latest time in seconds since 1970, the longest ago first.
    lines: Vec<(WideMark, u32)>,
    /// Lines, each once a day, fading: what is usual. Not events: one line could make those usual alone.
    usual: f32,
    usual_at: u32,
    /// The first event of all, in seconds since 1970.
    first: u32,
}

impl Counter {
    /// One more event of a line.
    pub fn add(&mut self, line: WideMark, now: Timestamp) {
        let at = num::seconds(now);
        if self.first == 0 {
            self.first = at;
        }
        let again = self.lines.iter().any(|(known, seen)| *known == line && seen / 86_400 == at / 86_400);
        let more = if again { 0.0 } else { 1.0 };
        self.usual = self.usual * num::left(at.saturating_sub(self.usual_at), USUAL) + more;
        self.usual_at = self.usual_at.max(at);
        self.lines.retain(|(known, _)| *known != line);
        if self.lines.len() >= DISTINCT {
            self.lines.remove(0);
        }
        self.lines.push((line, at));
    }

    /// Other lines within a window.
    #[must_use]
    pub fn others(&self, line: WideMark, now: Timestamp, window: Span) -> u32 {
        let from = num::seconds(now).saturating_sub(window.as_seconds());
        let count = self.lines.iter().filter(|(other, at)| *other != line && *at >= from).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Lines a day, as usual.
    #[must_use]
    pub fn usual_a_day(&self, now: Timestamp) -> f32 {
        let fading = self.usual * num::left(num::seconds(now).saturating_sub(self.usual_at), USUAL);
        // A rate r gives r times the mean life, half-life / ln 2, in the long run.
        fading * std::f32::consts::LN_2 * 86_400.0 / USUAL
    }

    /// Days since the first event of all.
    #[must_use]
    pub fn age_days(&self, now: Timestamp) -> u32 {
        num::seconds(now).saturating_sub(self.first) / 86_400
    }

    /// When it was last touched.
    #[must_use]
    pub fn touched(&self) -> Timestamp {
        Timestamp::from_second(i64::from(self.usual_at))
    }
}

/// The counters that concern one observation, in the order of [`Meeting::ALL`]: unavailable where the
/// store could not be read, absent where nothing was counted.
#[derive(Clone, Debug, Default)]
pub struct Velocity<'a>(pub [Signal<&'a Counter>; 9]);

impl<'a> Velocity<'a> {
    /// The counter of a kind.
    #[must_use]
    pub fn of(&self, meeting: Meeting) -> Signal<&'a Counter> {
        Meeting::ALL.iter().position(|&m| m == meeting).and_then(|i| self.0.get(i)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1_790_000_000);

    #[test]
    fn a_line_is_no_other_line_and_counts_once() {
        let mut counter = Counter::default();
        for (line, minutes) in [(1, 300), (2, 200), (2, 100), (3, 50)] {
            counter.add(WideMark(line), NOW - Span::minutes(minutes));
        }
        assert_eq!(counter.others(WideMark(1), NOW, Span::hours(6)), 2);
        assert_eq!(counter.others(WideMark(9), NOW, Span::hours(6)), 3);
        assert_eq!(counter.others(WideMark(9), NOW, Span::minutes(60)), 1);
    }

    /// Otherwise a thief who signs in all day would make a burst look usual.
    #[test]
    fn one_line_alone_makes_nothing_usual() {
        let mut counter = Counter::default();
        for minute in (0..600).rev() {
            counter.add(WideMark(1), NOW - Span::minutes(minute));
        }
        assert!(counter.usual_a_day(NOW) < 0.11, "{}", counter.usual_a_day(NOW));
    }

    #[test]
    fn a_steady_rate_is_the_usual_one() {
        let mut counter = Counter::default();
        for hour in (0..24 * 200).rev() {
            counter.add(WideMark(u64::from(hour)), NOW - Span::hours(hour));
        }
        assert!((counter.usual_a_day(NOW) - 24.0).abs() < 0.1, "{}", counter.usual_a_day(NOW));
    }

    #[test]
    fn a_counter_holds_no_more_than_it_tells_apart() {
        let mut counter = Counter::default();
        for line in 0..1_000 {
            counter.add(WideMark(line), NOW);
        }
        assert_eq!(counter.lines.len(), DISTINCT);
    }
}
