//! Events in order, through profiles and counters as the product keeps them.

use std::collections::HashMap;

use linekeeper_domain::risk::background::Background;
use linekeeper_domain::risk::event::Observation;
use linekeeper_domain::risk::evidence::Evidence;
use linekeeper_domain::risk::marks::{Marker, Marks, WideMark, WideMarks};
use linekeeper_domain::risk::profile::Profile;
use linekeeper_domain::risk::velocity::{Counter, KEPT_FOR, Meeting, Velocity};
use linekeeper_domain::signals::Signal;
use linekeeper_domain::time::{Span, Timestamp};

use crate::parse::Understood;

/// A key for simulated worlds. The product's comes from its sealed configuration.
const KEY: [u8; 32] = *b"simulated worlds need no secrets";
/// Dead counters are dropped this often.
const SWEEP: Span = Span::days(10);
/// A clock may be off by so much.
pub const CLOCK_SLACK: Span = Span::minutes(5);
/// A jump ahead by more is no clock's, unless others follow it.
const LEAP: Span = Span::days(30);

/// The keyed hashes of an observation: they need nothing but itself.
#[derive(Debug)]
pub struct Marked {
    marks: Marks,
    wide: WideMarks,
}

/// The keyed hash function of simulated worlds.
#[derive(Debug)]
pub struct Marking(Marker);

impl Default for Marking {
    fn default() -> Self {
        Self(Marker::new(&KEY))
    }
}

impl Marking {
    /// The hashes of an event; nothing where it is no observation.
    #[must_use]
    pub fn of(&self, event: &Understood<'_>) -> Option<Marked> {
        let Understood::Observed { line, seen, .. } = event else { return None };
        Some(Marked { marks: Marks::of(&self.0.of_line(line), seen), wide: WideMarks::of(&self.0, line, seen) })
    }
}

/// Everything remembered, in the form in which the product stores it.
#[derive(Debug, Default)]
pub struct World {
    profiles: HashMap<String, Vec<u8>>,
    counters: HashMap<(Meeting, WideMark), Counter>,
    swept: Timestamp,
    clock: Clock,
}

/// The middle of the last five times: one that is off moves it nowhere.
#[derive(Debug, Default)]
struct Clock {
    last: [i64; 5],
    next: usize,
}

impl Clock {
    /// Whether a time fits those before it. It is remembered either way.
    fn fits(&mut self, at: Timestamp) -> bool {
        let mut sorted = self.last;
        sorted.sort_unstable();
        let [_, _, middle, _, newest] = sorted;
        let begun = sorted.iter().all(|&second| second != 0);
        let middle = Timestamp::from_second(middle);
        let fits = !begun
            || (at + CLOCK_SLACK >= Timestamp::from_second(newest.min((middle + LEAP).as_second())) && at <= middle + LEAP);
        if let Some(slot) = self.last.get_mut(self.next) {
            *slot = at.as_second();
        }
        self.next = (self.next + 1) % self.last.len();
        fits
    }
}

/// An observation before it is learnt.
#[derive(Debug)]
pub struct Weighed {
    /// Its evidence; unavailable where the profile or the clock cannot be trusted.
    pub evidence: Signal<Evidence>,
    /// The line, as velocity knows it.
    pub line: u64,
    /// The size of the line's profile before it, in bytes.
    pub profile_bytes: usize,
}

impl World {
    /// Weighs an observation, then learns from it.
    pub fn observe(&mut self, line: &str, seen: &Observation<'_>, marked: &Marked, background: &Background) -> Weighed {
        let stored = self.profiles.get(line);
        let Marked { marks, wide } = marked;
        let number = wide.line.0;
        let profile_bytes = stored.map_or(0, Vec::len);
        if !self.clock.fits(seen.at) {
            return Weighed { evidence: Signal::Unavailable, line: number, profile_bytes };
        }
        let mut profile = match stored.map(|bytes| Profile::decode(bytes)) {
            None => Profile::default(),
            Some(Ok(profile)) => profile,
            Some(Err(_)) => return Weighed { evidence: Signal::Unavailable, line: number, profile_bytes },
        };
        let evidence = {
            let counters = Meeting::ALL.map(|meeting| {
                let counter = meeting.mark(wide).and_then(|mark| self.counters.get(&(meeting, mark)));
                counter.map_or(Signal::Absent, Signal::Present)
            });
            Evidence::of(&profile, seen, marks, wide, &Velocity(counters), background)
        };
        profile.learn(seen, marks, &evidence);
        let bytes = profile.encode();
        match self.profiles.get_mut(line) {
            Some(stored) => *stored = bytes,
            None => {
                self.profiles.insert(line.to_owned(), bytes);
            }
        }
        for meeting in Meeting::ALL {
            if let Some(mark) = meeting.mark(wide)
                && meeting.counts(seen)
            {
                self.counters.entry((meeting, mark)).or_default().add(wide.line, seen.at);
            }
        }
        if seen.at >= self.swept + SWEEP {
            self.counters.retain(|_, counter| counter.touched() + KEPT_FOR >= seen.at);
            self.swept = seen.at;
        }
        Weighed { evidence: Signal::Present(evidence), line: number, profile_bytes }
    }

    /// How many profiles there are, and the bytes of the largest.
    #[must_use]
    pub fn profiles(&self) -> (usize, usize) {
        (self.profiles.len(), self.profiles.values().map(Vec::len).max().unwrap_or(0))
    }

    /// How many counters there are.
    #[must_use]
    pub fn counters(&self) -> usize {
        self.counters.len()
    }
}
