//! What is remembered across lines: how many other lines met at one address, device, handset, SIM,
//! gaining carrier or representative, lately. Counters live outside the profiles and die by themselves.

use serde::{Deserialize, Serialize};

use super::event::{Act, Door, Observation, Shown};
use super::marks::{WideMark, WideMarks};
use super::num;
use crate::signals::Signal;
use crate::time::{Span, Timestamp};

/// A counter tells so many lines apart; beyond it there are simply many.
const DISTINCT: usize = 24;
/// The stored form that this code reads and writes.
const VERSION: u8 = 1;
/// The usual rate is that of about so many seconds.
const USUAL: f32 = 14.0 * 86_400.0;
/// A counter untouched for so long may be dropped.
pub const KEPT_FOR: Span = Span::days(60);

/// What lines meet at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

    /// The word in the ledger and in keys.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Prefix => "prefix",
            Self::Device => "device",
            Self::Handset => "handset",
            Self::Sim => "sim",
            Self::Carrier => "carrier",
            Self::Rep => "rep",
            Self::RepVouching => "rep_vouching",
            Self::RepAlone => "rep_alone",
        }
    }

    /// Into how many parts its counters are spread by the line counted, so that many can write at once: a
    /// mobile carrier's own addresses and a large gaining carrier are met by thousands.
    #[must_use]
    pub const fn parts(self) -> u8 {
        match self {
            Self::Address | Self::Prefix | Self::Carrier => 4,
            Self::Device | Self::Handset | Self::Sim | Self::Rep | Self::RepVouching | Self::RepAlone => 1,
        }
    }

    /// The part that counts a line.
    #[must_use]
    pub fn part_of(self, line: WideMark) -> u8 {
        u8::try_from(line.0 % u64::from(self.parts())).unwrap_or(0)
    }

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

    /// Whether a line was counted within the last hour, so that counting it again would tell nothing new.
    #[must_use]
    pub fn has_just_seen(&self, line: WideMark, now: Timestamp) -> bool {
        let from = num::seconds(now).saturating_sub(3_600);
        self.lines.iter().any(|(known, at)| *known == line && *at >= from)
    }

    /// With what another part counted.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        let at = self.usual_at.max(other.usual_at);
        let then = |part: &Self| part.usual * num::left(at.saturating_sub(part.usual_at), USUAL);
        self.usual = then(&self) + then(other);
        self.usual_at = at;
        self.first = [self.first, other.first].into_iter().filter(|&first| first != 0).min().unwrap_or(0);
        self.lines.extend(&other.lines);
        self.lines.sort_by_key(|&(_, at)| at);
        self
    }

    /// The stored form: a version byte, what is usual, the lines; at most 301 bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let head = [VERSION].into_iter().chain(self.usual.to_le_bytes());
        let head = head.chain(self.usual_at.to_le_bytes()).chain(self.first.to_le_bytes());
        let lines = self.lines.iter().flat_map(|(line, at)| line.0.to_le_bytes().into_iter().chain(at.to_le_bytes()));
        head.chain(lines).collect()
    }

    /// Reads the stored form; nothing where the bytes are no counter.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let ([version, a, b, c, d, usual_at @ .., e, f, g, h], rest) = bytes.split_first_chunk::<13>()?;
        let usual = f32::from_le_bytes([*a, *b, *c, *d]);
        let (lines, left) = rest.as_chunks::<12>();
        if *version != VERSION || !left.is_empty() || lines.len() > DISTINCT || !usual.is_finite() {
            return None;
        }
        let line = |[a, b, c, d, e, f, g, h, at @ ..]: &[u8; 12]| {
            (WideMark(u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h])), u32::from_le_bytes(*at))
        };
        Some(Self {
            lines: lines.iter().map(line).collect(),
            usual,
            usual_at: u32::from_le_bytes(*usual_at),
            first: u32::from_le_bytes([*e, *f, *g, *h]),
        })
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

/// What was read of the counters that concern one observation, by kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meetings([Signal<Counter>; 9]);

impl Meetings {
    /// Nothing was counted where something was asked for; the rest is unread.
    #[must_use]
    pub fn asked(for_these: impl IntoIterator<Item = Meeting>) -> Self {
        let mut meetings = Self::default();
        for meeting in for_these {
            meetings.set(meeting, Signal::Absent);
        }
        meetings
    }

    fn set(&mut self, meeting: Meeting, counter: Signal<Counter>) {
        let place = Meeting::ALL.iter().position(|&known| known == meeting);
        if let Some(slot) = place.and_then(|place| self.0.get_mut(place)) {
            *slot = counter;
        }
    }

    /// What was counted of a kind.
    #[must_use]
    pub fn of(&self, meeting: Meeting) -> Signal<&Counter> {
        self.velocity().of(meeting)
    }

    /// One more part of a counter, as stored. One that cannot be read makes the whole unread.
    pub fn add(&mut self, meeting: Meeting, part: &[u8]) {
        let whole = match (self.of(meeting), Counter::decode(part)) {
            (Signal::Unavailable, _) | (_, None) => Signal::Unavailable,
            (Signal::Absent, Some(part)) => Signal::Present(part),
            (Signal::Present(whole), Some(part)) => Signal::Present(part.with(whole)),
        };
        self.set(meeting, whole);
    }

    /// As evidence takes it.
    #[must_use]
    pub fn velocity(&self) -> Velocity<'_> {
        Velocity(self.0.each_ref().map(Signal::as_ref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1_790_000_000);

    fn counter(lines: std::ops::Range<u64>) -> Counter {
        let mut counter = Counter::default();
        for line in lines {
            counter.add(WideMark(line), NOW + Span::minutes(u32::try_from(line).unwrap()));
        }
        counter
    }

    #[test]
    fn a_counter_reads_back_and_stays_small() {
        for n in [0, 1, 24, 100] {
            let counter = counter(0..n);
            let bytes = counter.encode();
            assert!(bytes.len() <= 301, "{}", bytes.len());
            assert_eq!(Counter::decode(&bytes), Some(counter));
        }
    }

    #[test]
    fn bytes_that_are_no_counter_make_it_unread_and_never_empty() {
        let good = counter(0..3).encode();
        for bad in [&[][..], &good[..5], &good[..good.len() - 1], &[9; 13], &[&good[..], &[0; 12 * 24]].concat()] {
            assert_eq!(Counter::decode(bad), None);
            let mut meetings = Meetings::asked([Meeting::Address]);
            meetings.add(Meeting::Address, bad);
            meetings.add(Meeting::Address, &good);
            assert_eq!(meetings.of(Meeting::Address), Signal::Unavailable);
        }
    }

    #[test]
    fn the_parts_of_a_counter_count_together() {
        let (mut whole, mut parts) = (Counter::default(), [const { None }; 4].map(|_: Option<()>| Counter::default()));
        for line in 0..20 {
            let at = NOW + Span::hours(u32::try_from(line).unwrap());
            whole.add(WideMark(line), at);
            parts[usize::from(Meeting::Address.part_of(WideMark(line)))].add(WideMark(line), at);
        }
        let mut meetings = Meetings::asked([Meeting::Address]);
        for part in &parts {
            meetings.add(Meeting::Address, &part.encode());
        }
        let Signal::Present(together) = meetings.of(Meeting::Address) else { panic!("unread") };
        let now = NOW + Span::hours(20);
        for window in [Span::hours(3), Span::days(1)] {
            assert_eq!(together.others(WideMark(7), now, window), whole.others(WideMark(7), now, window));
        }
        assert!((together.usual_a_day(now) - whole.usual_a_day(now)).abs() < 1e-3);
        assert_eq!(together.age_days(NOW + Span::days(3)), 3);
    }

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
