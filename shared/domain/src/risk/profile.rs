//! What a line remembers of its own past: one item of at most [`MAX_BYTES`].
//!
//! Adverse things (a reset, failures, an odd visit) count at once. Favourable ones (a known device, an
//! hour, a round trip) count after 24 hours, and at full weight only from a verified visit.

use serde::{Deserialize, Serialize};

use super::event::{Act, Observation, Shown};
use super::evidence::Evidence;
use super::marks::{Mark, Marks};
use super::num;
use super::table::{self, Table, Trust};
use crate::signals::{Position, Signal};
use crate::time::{Span, Timestamp};

/// The size of one write unit of the store.
pub const MAX_BYTES: usize = 1_024;
/// The layout that this code reads and writes.
const VERSION: u8 = 2;
/// A device's key makes it strong after so many days, without word from an older one.
const STRONG_AFTER_DAYS: u16 = 30;
/// Cells are so many to a degree.
const CELLS_PER_DEGREE: f64 = 2.0;

/// Why a stored profile cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Another layout.
    #[error("profile of layout {0}, not {VERSION}")]
    Version(u8),
    /// Bytes are missing.
    #[error("profile cut short")]
    Truncated,
    /// Bytes were changed.
    #[error("profile with a wrong checksum")]
    Checksum,
    /// No writer of this layout writes this.
    #[error("profile with impossible contents")]
    Malformed,
}

/// Something good that happened: the latest time that counts, and one that waits to ripen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Visits {
    /// Days with a visit, all ripe.
    days: u16,
    /// The last of them, in hours since 1970.
    last: u32,
    /// The one that waits; 0 for none.
    waiting: u32,
}

/// A number that fades.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Fading {
    amount: f32,
    /// Seconds since 1970.
    at: u32,
}

impl Fading {
    fn now(self, now: Timestamp, half_life: f32) -> f32 {
        self.amount * num::left(num::seconds(now).saturating_sub(self.at), half_life)
    }

    fn add(&mut self, more: f32, now: Timestamp, half_life: f32) {
        *self = Self { amount: self.now(now, half_life) + more, at: self.at.max(num::seconds(now)) };
    }
}

/// A day in seconds.
const DAY: f32 = 86_400.0;
/// Failed sign-ins fade by half in a day, failed questions in a week, odd visits in a month.
const FAILURES_HALF_LIFE: f32 = DAY;
const QUESTIONS_HALF_LIFE: f32 = 7.0 * DAY;
const ODD_HALF_LIFE: f32 = 30.0 * DAY;
/// The oddest visit of late fades by half in a day and a half.
const PEAK_HALF_LIFE: f32 = 1.5 * DAY;

/// How unlike the customer her visits were: the oddest of the day, and the days before it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Oddness {
    past: Fading,
    today: f32,
    /// When today began, in seconds since 1970.
    since: u32,
    /// The oddest of late. A calm visit does not lower it.
    peak: Fading,
}

impl Oddness {
    fn past(&self, now: Timestamp) -> f32 {
        let ended = num::seconds(now).saturating_sub(self.since) >= 86_400;
        self.past.now(now, ODD_HALF_LIFE)
            + if ended { self.today * num::left(num::seconds(now).saturating_sub(self.since), ODD_HALF_LIFE) } else { 0.0 }
    }

    fn recent(&self, now: Timestamp) -> f32 {
        self.peak.now(now, PEAK_HALF_LIFE)
    }

    fn see(&mut self, surprise: f32, now: Timestamp) {
        let surprise = surprise.max(0.0);
        if surprise >= self.recent(now) {
            self.peak = Fading { amount: surprise, at: num::seconds(now) };
        }
        if num::seconds(now).saturating_sub(self.since) < 86_400 {
            self.today = self.today.max(surprise);
        } else {
            *self = Self {
                past: Fading { amount: self.past(now), at: num::seconds(now) },
                today: surprise,
                since: num::seconds(now),
                peak: self.peak,
            };
        }
    }
}

/// Round trips: moments of their logarithm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct RoundTrips {
    count: f32,
    mean: f32,
    variance: f32,
    waiting: f32,
    /// 0 for none.
    hour: u32,
}

impl RoundTrips {
    /// After this many, the old ones fade.
    const MEMORY: f32 = 30.0;

    fn ripe(self, now: Timestamp) -> Self {
        if self.hour == 0 || !table::is_ripe(self.hour, now) {
            return self;
        }
        let count = (self.count + 1.0).min(Self::MEMORY);
        let off = self.waiting - self.mean;
        let mean = self.mean + off / count;
        let variance = self.variance + (off * (self.waiting - mean) - self.variance) / count;
        Self { count, mean, variance: variance.max(0.0), waiting: 0.0, hour: 0 }
    }

    fn see(&mut self, logarithm: f32, now: Timestamp) {
        *self = self.ripe(now);
        if self.hour == 0 {
            self.waiting = logarithm;
            self.hour = table::hour_of(now);
        }
    }
}

/// Hours of the day in twelve bins of two hours, UTC, in quarters of a visit; halved when one is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Hours {
    bins: [u8; 12],
    /// The bin that waits, and when it was seen (0 for none).
    waiting: u8,
    hour: u32,
}

impl Hours {
    fn ripe(mut self, now: Timestamp) -> Self {
        if self.hour == 0 || !table::is_ripe(self.hour, now) {
            return self;
        }
        if let Some(bin) = self.bins.get_mut(usize::from(self.waiting)) {
            *bin = bin.saturating_add(4);
            if *bin >= 240 {
                for bin in &mut self.bins {
                    *bin /= 2;
                }
            }
        }
        self.hour = 0;
        self.waiting = 0;
        self
    }

    fn see(&mut self, now: Timestamp) {
        *self = self.ripe(now);
        if self.hour == 0 {
            self.waiting = bin_of(now);
            self.hour = table::hour_of(now);
        }
    }
}

/// Whether a device is past its probation.
fn is_old(device: &table::Row, now: Timestamp) -> bool {
    table::day_of(now) >= device.first_day.saturating_add(STRONG_AFTER_DAYS)
}

/// The bin of two hours, UTC, 0 to 11.
pub(super) fn bin_of(at: Timestamp) -> u8 {
    u8::try_from(num::seconds(at) / 7_200 % 12).unwrap_or(0)
}

/// The last position that counts, and one that waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Whereabouts {
    /// Cell and hour; hour 0 for none.
    last: (u32, u32),
    waiting: (u32, u32),
}

impl Whereabouts {
    fn last(&self, now: Timestamp) -> Option<(u32, u32)> {
        let ripe = self.waiting.1 != 0 && table::is_ripe(self.waiting.1, now);
        Some(if ripe { self.waiting } else { self.last }).filter(|last| last.1 != 0)
    }

    fn see(&mut self, cell: u32, now: Timestamp) {
        if self.waiting.1 != 0 && table::is_ripe(self.waiting.1, now) {
            self.last = self.waiting;
            self.waiting = (0, 0);
        }
        if self.waiting.1 == 0 {
            self.waiting = (cell, table::hour_of(now));
        }
    }
}

/// Events whose recency counts, in the order of [`Profile`]'s stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// The password was reset.
    Reset,
    /// The e-mail address changed.
    Email,
    /// A passkey was added.
    Passkey,
    /// A lock was removed.
    Unlock,
    /// A number transfer PIN was asked for.
    Pin,
    /// Another SIM was asked for.
    Swap,
    /// The customer contacted the care desk.
    Contact,
    /// Someone contacted the care desk and did not get through its questions.
    FailedContact,
}

/// How the last number transfer PIN was got: the evidence of that request, in tenths, so that it can be
/// held against the port-out that follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinRecord([i8; PIN_RECORD]);

/// Values in a [`PinRecord`].
pub(super) const PIN_RECORD: usize = 22;
/// No value.
const NO_TENTHS: i8 = i8::MIN;

impl Default for PinRecord {
    fn default() -> Self {
        Self([NO_TENTHS; PIN_RECORD])
    }
}

impl PinRecord {
    pub(super) fn of(evidence: &Evidence) -> Self {
        let tenths = |x: f32| if x.is_nan() { NO_TENTHS } else { num::to_i8(libm::roundf(x * 10.0).max(-127.0)) };
        Self(evidence.of_pin().map(tenths))
    }

    /// The evidence, in the order of [`Evidence::of_pin`].
    pub(super) fn values(self) -> [f32; PIN_RECORD] {
        self.0.map(|tenths| if tenths == NO_TENTHS { f32::NAN } else { f32::from(tenths) / 10.0 })
    }
}

/// What happened so far in a visit: things of one device, no more than six hours apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Visit {
    device: Mark,
    /// The latest, in seconds since 1970.
    at: u32,
    /// The strongest that was shown: see [`Shown::weakness`].
    weakness: u8,
    /// It began on a session that was open already; nothing where that could not be told.
    opened: Option<bool>,
}

/// How a visit began, and what was shown in it, the present observation included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisitSoFar {
    /// The strongest that was shown: see [`Shown::weakness`].
    pub weakness: Option<u8>,
    /// It began on a session that was open already; nothing where that cannot be told.
    pub opened: Option<bool>,
}

/// A visit ends after so many seconds without anything.
const VISIT_ENDS: u32 = 6 * 3_600;

/// How often something was new: counts of visit days that brought a new device, /24, network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Novelty {
    days: u8,
    news: [u8; 3],
    /// The day that waits: a bit for each.
    waiting: u8,
}

impl Novelty {
    fn ripe(mut self) -> Self {
        if self.days >= 200 {
            self.days /= 2;
            self.news = self.news.map(|n| n / 2);
        }
        self.days += 1;
        for (bit, n) in self.news.iter_mut().enumerate() {
            *n += self.waiting >> bit & 1;
        }
        self.waiting = 0;
        self
    }
}

/// A line's past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    pub(super) prefixes: Table<10>,
    pub(super) asns: Table<8>,
    pub(super) cells: Table<7>,
    pub(super) regions: Table<6>,
    pub(super) countries: Table<4>,
    pub(super) devices: Table<9>,
    pub(super) models: Table<5>,
    pub(super) systems: Table<4>,
    pub(super) browsers: Table<6>,
    pub(super) agents: Table<6>,
    pub(super) locales: Table<5>,
    pub(super) zones: Table<4>,
    hours: Hours,
    round_trips: RoundTrips,
    whereabouts: Whereabouts,
    visits: Visits,
    stamps: [u32; 8],
    failures: Fading,
    questions: Fading,
    oddness: Oddness,
    pin: PinRecord,
    visit: Visit,
    novelty: Novelty,
    /// Where she lives by her clock, in quarters of an hour from UTC: what counts, and what waits.
    quarters: (i8, i8),
    handset: Mark,
    first_seen: u32,
}

/// Minutes from UTC in quarters of an hour.
fn quarters(minutes: i32) -> i8 {
    i8::try_from(minutes / 15).unwrap_or(0)
}

/// The number of a cell of half a degree, from the south-west corner of the map.
pub(super) fn cell_of(position: Position) -> u32 {
    let steps = |degrees: f64, from: f64| num::to_u32(num::from_f64(((degrees + from) * CELLS_PER_DEGREE).floor()));
    steps(position.latitude(), 90.0).min(359) * 720 + steps(position.longitude(), 180.0).min(719)
}

/// The centre of a cell.
pub(super) fn centre_of(cell: u32) -> Option<Position> {
    let degrees = |steps: u32, from: f64| (f64::from(steps) + 0.5) / CELLS_PER_DEGREE - from;
    Position::new(degrees(cell / 720, 90.0), degrees(cell % 720, 180.0))
}

impl Profile {
    /// Learns an observation. `evidence` is that of the same observation before it was learnt.
    pub fn learn(&mut self, seen: &Observation<'_>, marks: &Marks, evidence: &Evidence) {
        let now = seen.at;
        if self.first_seen == 0 {
            self.first_seen = num::seconds(now);
        }
        if seen.is_online() {
            if seen.succeeded {
                self.visit(seen, marks, evidence);
            } else {
                self.failures.add(1.0, now, FAILURES_HALF_LIFE);
            }
        }
        if let Signal::Present(care) = &seen.care {
            let failed = care.failed.present().copied().unwrap_or(0).min(20);
            // A request repeats what the contact before it already told.
            if seen.act == Act::CareContact {
                self.questions.add(num::from_u32(failed), now, QUESTIONS_HALF_LIFE);
                if !seen.succeeded {
                    self.stamp(Stamp::FailedContact, now);
                } else if care.inbound == Signal::Present(true) {
                    self.stamp(Stamp::Contact, now);
                }
            }
        }
        if seen.succeeded {
            match seen.act {
                Act::PasswordReset => self.stamp(Stamp::Reset, now),
                Act::EmailChange => self.stamp(Stamp::Email, now),
                Act::PasskeyAdd => self.stamp(Stamp::Passkey, now),
                Act::LockRemove => self.stamp(Stamp::Unlock, now),
                Act::SimSwap => {
                    self.stamp(Stamp::Swap, now);
                    if let Some(handset) = marks.handset {
                        self.handset = handset;
                    }
                }
                Act::PortPin => {
                    self.stamp(Stamp::Pin, now);
                    self.pin = PinRecord::of(evidence);
                }
                Act::SignIn | Act::View | Act::Pay | Act::Plan | Act::CareContact | Act::PortOut => {}
            }
        }
    }

    fn visit(&mut self, seen: &Observation<'_>, marks: &Marks, evidence: &Evidence) {
        let now = seen.at;
        let trust = self.trust(seen, marks);
        let first_device = self.devices.is_empty();
        let news = self.news(seen, marks);
        let see = |mark: Option<Mark>, f: &mut dyn FnMut(Mark)| {
            if let Some(mark) = mark {
                f(mark);
            }
        };
        see(marks.prefix, &mut |m| self.prefixes.see(m, now, trust));
        see(marks.asn, &mut |m| self.asns.see(m, now, trust));
        see(marks.region, &mut |m| self.regions.see(m, now, trust));
        see(marks.country, &mut |m| self.countries.see(m, now, trust));
        see(marks.model, &mut |m| self.models.see(m, now, trust));
        see(marks.system, &mut |m| self.systems.see(m, now, trust));
        see(marks.browser, &mut |m| self.browsers.see(m, now, trust));
        see(marks.agent, &mut |m| self.agents.see(m, now, trust));
        see(marks.locale, &mut |m| self.locales.see(m, now, trust));
        see(marks.zone, &mut |m| self.zones.see(m, now, trust));
        if let Some(cookie) = marks.cookie {
            self.devices.see(cookie, now, trust);
            let keyed = seen.device.proven == Signal::Present(true);
            let passkey = seen.shown == Signal::Present(Shown::Passkey);
            if let Some(row) = self.devices.row_mut(cookie) {
                let settled = is_old(row, now);
                row.keyed |= keyed;
                row.strong |= keyed && (first_device || settled || passkey);
            }
        }
        if let Signal::Present(position) = seen.origin.position {
            let cell = cell_of(position);
            self.cells.see(Mark(cell), now, trust);
            self.whereabouts.see(cell, now);
        }
        if let Signal::Present(milliseconds) = seen.origin.round_trip {
            self.round_trips.see(num::ln(milliseconds.max(1.0)), now);
        }
        self.hours.see(now);
        if self.visits.waiting != 0 && table::is_ripe(self.visits.waiting, now) {
            self.visits = Visits { days: self.visits.days.saturating_add(1), last: self.visits.waiting, waiting: 0 };
            self.novelty = self.novelty.ripe();
            self.quarters.0 = self.quarters.1;
        }
        if self.visits.waiting == 0 {
            self.visits.waiting = table::hour_of(now);
            self.novelty.waiting = news.iter().rev().fold(0, |bits, &new| bits << 1 | u8::from(new));
            self.quarters.1 = seen.device.zone.present().map_or(self.quarters.0, |&zone| quarters(zone));
        }
        let so_far = self.visit_so_far(seen, marks);
        self.visit = Visit {
            device: marks.cookie.unwrap_or_default(),
            at: num::seconds(now),
            weakness: so_far.weakness.unwrap_or(u8::MAX),
            opened: so_far.opened,
        };
        self.oddness.see(evidence.surprise(), now);
    }

    /// Whether a device that counts is past its probation: it proves itself by a key, now or before, or it
    /// has been around for 30 days. A thief's harmless visits of a few weeks do not make his device hers.
    pub(super) fn is_settled(&self, device: Mark, seen: &Observation<'_>) -> bool {
        let proven = seen.device.proven == Signal::Present(true);
        self.devices.weigh(device, seen.at).0 > 0
            && self.devices.row(device).is_some_and(|row| proven || row.keyed || is_old(row, seen.at))
    }

    /// Whether a device's text comes without the key that it used to come with: refused or kept back alike.
    pub(super) fn has_lost_key(&self, seen: &Observation<'_>, marks: &Marks) -> bool {
        seen.device.proven != Signal::Present(true)
            && marks.cookie.and_then(|cookie| self.devices.row(cookie)).is_some_and(|row| row.keyed)
    }

    /// Whether device, /24 and network are new. A device on probation is as new as one never seen, and so
    /// is one that lost its key.
    fn news(&self, seen: &Observation<'_>, marks: &Marks) -> [bool; 3] {
        let device = |mark| !self.is_settled(mark, seen) || self.has_lost_key(seen, marks);
        [
            marks.cookie.is_some_and(device),
            marks.prefix.is_some_and(|mark| self.prefixes.weigh(mark, seen.at).0 == 0),
            marks.asn.is_some_and(|mark| self.asns.weigh(mark, seen.at).0 == 0),
        ]
    }

    /// How surprising something new is to this customer: -ln of how often her visits bring something new,
    /// for device, /24 and network; 0 where it is known, missing where it is missing.
    pub(super) fn novelty(&self, seen: &Observation<'_>, marks: &Marks) -> [f32; 3] {
        let now = seen.at;
        let ripe = self.visits.waiting != 0 && table::is_ripe(self.visits.waiting, now);
        let counted = if ripe { self.novelty.ripe() } else { self.novelty };
        let [device, prefix, asn] = self.news(seen, marks);
        let [devices, prefixes, asns] = counted.news;
        let surprise = |there: bool, new: bool, news: u8| match (there, new) {
            (false, _) => f32::NAN,
            (true, false) => 0.0,
            (true, true) => 0.0 - num::ln((f32::from(news) + 0.6) / (f32::from(counted.days) + 1.2)),
        };
        [
            surprise(marks.cookie.is_some(), device, devices),
            surprise(marks.prefix.is_some(), prefix, prefixes),
            surprise(marks.asn.is_some(), asn, asns),
        ]
    }

    /// Where she lives by her clock, in minutes from UTC; nothing where no visit counts yet.
    pub(super) fn usual_zone(&self, now: Timestamp) -> Option<i32> {
        let ripe = self.visits.waiting != 0 && table::is_ripe(self.visits.waiting, now);
        let quarters = if ripe { self.quarters.1 } else { self.quarters.0 };
        (ripe || self.visits.days > 0).then(|| i32::from(quarters) * 15)
    }

    /// The visit that an observation belongs to, with it.
    pub(super) fn visit_so_far(&self, seen: &Observation<'_>, marks: &Marks) -> VisitSoFar {
        let weakness = seen.shown.present().map(|shown| shown.weakness());
        let goes_on = self.visit.at != 0
            && !seen.device.cookie.is_unavailable()
            && self.visit.device == marks.cookie.unwrap_or_default()
            && num::seconds(seen.at).saturating_sub(self.visit.at) < VISIT_ENDS;
        let before = Some(self.visit.weakness).filter(|&weakness| goes_on && weakness != u8::MAX);
        let opened = match (goes_on, seen.device.cookie.is_unavailable() || seen.shown.is_unavailable()) {
            (true, _) => self.visit.opened,
            (false, true) => None,
            (false, false) => Some(seen.shown == Signal::Present(Shown::Session)),
        };
        VisitSoFar { weakness: weakness.into_iter().chain(before).min(), opened }
    }

    /// Whether a device that counts proved itself by a key.
    pub(super) fn has_key(&self, now: Timestamp) -> bool {
        self.devices.ripe(now).any(|(row, _)| row.keyed)
    }

    /// A visit vouches fully only by a passkey, or by the key of a device that is strong already; and for what is
    /// settled only by that or by a device that has been around for a month, with its key if it has one.
    fn trust(&self, seen: &Observation<'_>, marks: &Marks) -> Trust {
        let keyed = seen.device.proven == Signal::Present(true);
        let device = marks.cookie.and_then(|cookie| self.devices.row(cookie));
        let old = device.is_some_and(|row| (keyed || !row.keyed) && row.weight(seen.at) > 0 && is_old(row, seen.at));
        match (keyed && device.is_some_and(|row| row.strong), old) {
            _ if seen.shown == Signal::Present(Shown::Passkey) => Trust::Verified,
            (true, _) => Trust::Verified,
            (false, true) => Trust::Settled,
            (false, false) => Trust::Unverified,
        }
    }

    /// Something happened that others know better than the signals do: the latest time counts.
    pub fn heed(&mut self, stamp: Stamp, at: Timestamp) {
        self.stamp(stamp, at);
    }

    /// How long the next sign-in should wait: nothing up to three recent failures, then 30 seconds doubling
    /// to an hour. Never permanent, so nobody can lock a customer out for good.
    #[must_use]
    pub fn sign_in_wait(&self, now: Timestamp) -> Span {
        let failures = self.failures(now);
        if failures < 3.0 {
            return Span::default();
        }
        let wait = 30_u32.saturating_mul(1 << (num::to_u32(failures) - 3).min(7)).min(3_600);
        (Timestamp::from_second(i64::from(self.failures.at)) + Span::seconds(wait)).since(now)
    }

    fn stamp(&mut self, stamp: Stamp, now: Timestamp) {
        if let Some(slot) = self.stamps.get_mut(stamp.index()) {
            *slot = (*slot).max(num::seconds(now));
        }
    }

    /// Seconds since something last happened; nothing where it never did. 0 where it lies ahead.
    #[must_use]
    pub fn since(&self, stamp: Stamp, now: Timestamp) -> Option<u32> {
        let at = self.stamps.get(stamp.index()).copied().filter(|&at| at != 0)?;
        Some(num::seconds(now).saturating_sub(at))
    }

    /// Failed sign-ins, fading.
    #[must_use]
    pub fn failures(&self, now: Timestamp) -> f32 {
        self.failures.now(now, FAILURES_HALF_LIFE)
    }

    /// Questions answered wrongly at the care desk, fading.
    #[must_use]
    pub fn failed_questions(&self, now: Timestamp) -> f32 {
        self.questions.now(now, QUESTIONS_HALF_LIFE)
    }

    /// How unlike the customer visits were before today, fading.
    #[must_use]
    pub fn past_oddness(&self, now: Timestamp) -> f32 {
        self.oddness.past(now)
    }

    /// How unlike the customer the oddest visit of late was, fading.
    #[must_use]
    pub fn recent_oddness(&self, now: Timestamp) -> f32 {
        self.oddness.recent(now)
    }

    /// The profile with a number transfer PIN that was got like that, then. What is told of the line's own PIN stands
    /// in for what behaviour told of some other one.
    #[must_use]
    pub fn knowing_pin(mut self, record: PinRecord, at: Timestamp) -> Self {
        self.stamp(Stamp::Pin, at);
        self.pin = record;
        self
    }

    /// How the last number transfer PIN was got.
    #[must_use]
    pub const fn pin(&self) -> PinRecord {
        self.pin
    }

    /// Days with a visit that counts.
    #[must_use]
    pub fn visit_days(&self, now: Timestamp) -> u32 {
        let ripe = self.visits.waiting != 0 && table::is_ripe(self.visits.waiting, now);
        u32::from(self.visits.days) + u32::from(ripe)
    }

    /// Hours since the last visit that counts.
    #[must_use]
    pub fn idle_hours(&self, now: Timestamp) -> Option<u32> {
        let ripe = self.visits.waiting != 0 && table::is_ripe(self.visits.waiting, now);
        let last = if ripe { self.visits.waiting } else { self.visits.last };
        (last != 0).then(|| (num::seconds(now) / 3_600).saturating_sub(last))
    }

    /// Whether it knows of what is yet to happen: the clock of whoever wrote it, or ours, is wrong.
    #[must_use]
    pub fn is_ahead_of(&self, now: Timestamp) -> bool {
        let seconds = num::seconds(now);
        let visited = self.visits.last.max(self.visits.waiting) > table::hour_of(now);
        visited || self.first_seen > seconds || self.stamps.iter().any(|stamp| *stamp > seconds)
    }

    /// Hours since the line was first heard of.
    #[must_use]
    pub fn age_hours(&self, now: Timestamp) -> Option<u32> {
        (self.first_seen != 0).then(|| num::seconds(now).saturating_sub(self.first_seen) / 3_600)
    }

    /// The handset that the last SIM went to, once that is a day old.
    #[must_use]
    pub fn handset(&self, now: Timestamp) -> Option<Mark> {
        let settled = self.since(Stamp::Swap, now).is_some_and(|seconds| seconds >= 86_400);
        (settled && self.handset != Mark::default()).then_some(self.handset)
    }

    /// Weights of the twelve bins of the day, in visits.
    pub(super) fn hour_weights(&self, now: Timestamp) -> [f32; 12] {
        self.hours.ripe(now).bins.map(|bin| f32::from(bin) / 4.0)
    }

    /// Round trips that count: number, mean and variance of their logarithm.
    pub(super) fn round_trip_moments(&self, now: Timestamp) -> (f32, f32, f32) {
        let ripe = self.round_trips.ripe(now);
        (ripe.count, ripe.mean, ripe.variance)
    }

    /// Where the line last was, and in which hour since 1970.
    pub(super) fn last_place(&self, now: Timestamp) -> Option<(Position, u32)> {
        let (cell, hour) = self.whereabouts.last(now)?;
        Some((centre_of(cell)?, hour))
    }

    /// The weights of the cells no farther than so many kilometres, and of all, in 256ths.
    pub(super) fn weigh_within(&self, kilometres: f32, of: Position, now: Timestamp) -> (u32, u32) {
        let near = |cell| centre_of(cell).is_some_and(|centre| num::from_f64(centre.kilometres_to(of)) <= kilometres);
        let weights = self.cells.ripe(now).map(|(row, weight)| (if near(row.mark.0) { weight } else { 0 }, weight));
        weights.fold((0, 0), |(one, all), (near, weight)| (one + near, all + weight))
    }

    /// Kilometres to the centre of the nearest cell that counts; nothing where there is none.
    pub(super) fn nearest(&self, position: Position, now: Timestamp) -> Option<f32> {
        let places = self.cells.ripe(now).filter_map(|(row, _)| centre_of(row.mark.0));
        places.map(|place| num::from_f64(place.kilometres_to(position))).min_by(f32::total_cmp)
    }
}

impl Stamp {
    const fn index(self) -> usize {
        match self {
            Self::Reset => 0,
            Self::Email => 1,
            Self::Passkey => 2,
            Self::Unlock => 3,
            Self::Pin => 4,
            Self::Swap => 5,
            Self::Contact => 6,
            Self::FailedContact => 7,
        }
    }
}

/// Finds what was cut or changed by accident: FNV-1a with words of four bytes in place of bytes, turned so that
/// every bit of a word reaches every bit of the sum. Each step can be undone, so that a change within one word is
/// always found.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |hash: u32, word: u32| (hash.rotate_left(5) ^ word).wrapping_mul(0x0100_0193);
    let (words, rest) = bytes.as_chunks::<4>();
    let hash = words.iter().fold(0x811c_9dc5, |hash, word| step(hash, u32::from_le_bytes(*word)));
    rest.iter().fold(hash, |hash, byte| step(hash, u32::from(*byte)))
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = from.split_first_chunk::<N>()?;
    *from = rest;
    Some(*head)
}

fn take_u32(from: &mut &[u8]) -> Option<u32> {
    take(from).map(u32::from_le_bytes)
}

/// A number as stored: neither infinite nor NaN.
fn take_f32(from: &mut &[u8]) -> Option<f32> {
    take(from).map(f32::from_le_bytes).filter(|number| number.is_finite())
}

fn take_fading(from: &mut &[u8]) -> Option<Fading> {
    Some(Fading { amount: take_f32(from)?, at: take_u32(from)? })
}

impl Profile {
    /// The stored form: a version byte, the tables, the rest, a checksum.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(512);
        to.push(VERSION);
        self.prefixes.write(&mut to);
        self.asns.write(&mut to);
        self.cells.write(&mut to);
        self.regions.write(&mut to);
        self.countries.write(&mut to);
        self.devices.write(&mut to);
        self.models.write(&mut to);
        self.systems.write(&mut to);
        self.browsers.write(&mut to);
        self.agents.write(&mut to);
        self.locales.write(&mut to);
        self.zones.write(&mut to);
        to.extend(self.hours.bins);
        to.extend((self.hours.hour << 8 | u32::from(self.hours.waiting)).to_le_bytes());
        let trips = self.round_trips;
        for number in [trips.count, trips.mean, trips.variance, trips.waiting] {
            to.extend(number.to_le_bytes());
        }
        let places = self.whereabouts;
        for number in [trips.hour, places.last.0, places.last.1, places.waiting.0, places.waiting.1] {
            to.extend(number.to_le_bytes());
        }
        to.extend(self.visits.days.to_le_bytes());
        for number in [self.visits.last, self.visits.waiting].into_iter().chain(self.stamps) {
            to.extend(number.to_le_bytes());
        }
        let odd = self.oddness;
        for fading in [self.failures, self.questions, odd.past, Fading { amount: odd.today, at: odd.since }, odd.peak] {
            to.extend(fading.amount.to_le_bytes());
            to.extend(fading.at.to_le_bytes());
        }
        to.extend(self.pin.0.iter().flat_map(|tenths| tenths.to_le_bytes()));
        let visit = self.visit;
        to.extend(visit.device.0.to_le_bytes());
        to.extend(visit.at.to_le_bytes());
        to.extend([visit.weakness, visit.opened.map_or(2, u8::from), self.novelty.days]);
        to.extend(self.novelty.news);
        to.push(self.novelty.waiting);
        to.extend(self.quarters.0.to_le_bytes());
        to.extend(self.quarters.1.to_le_bytes());
        to.extend(self.handset.0.to_le_bytes());
        to.extend(self.first_seen.to_le_bytes());
        let sum = checksum(&to);
        to.extend(sum.to_le_bytes());
        to
    }

    /// Reads the stored form.
    ///
    /// # Errors
    ///
    /// Where the bytes are not what [`Profile::encode`] wrote. Such a profile is unavailable, never empty.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProfileError> {
        match bytes.first() {
            None => return Err(ProfileError::Truncated),
            Some(&VERSION) => {}
            Some(&other) => return Err(ProfileError::Version(other)),
        }
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or(ProfileError::Truncated)?;
        if bytes.len() > MAX_BYTES {
            return Err(ProfileError::Malformed);
        }
        if checksum(body) != u32::from_le_bytes(*sum) {
            return Err(ProfileError::Checksum);
        }
        let mut rest = body.get(1..).unwrap_or_default();
        let profile = Self::read(&mut rest).ok_or(ProfileError::Malformed)?;
        if rest.is_empty() { Ok(profile) } else { Err(ProfileError::Malformed) }
    }

    fn read(from: &mut &[u8]) -> Option<Self> {
        Some(Self {
            prefixes: Table::read(from)?,
            asns: Table::read(from)?,
            cells: Table::read(from)?,
            regions: Table::read(from)?,
            countries: Table::read(from)?,
            devices: Table::read(from)?,
            models: Table::read(from)?,
            systems: Table::read(from)?,
            browsers: Table::read(from)?,
            agents: Table::read(from)?,
            locales: Table::read(from)?,
            zones: Table::read(from)?,
            hours: {
                let bins = take(from)?;
                let [waiting, a, b, c] = take(from)?;
                Hours { bins, waiting, hour: u32::from_le_bytes([a, b, c, 0]) }
            },
            round_trips: RoundTrips {
                count: take_f32(from)?,
                mean: take_f32(from)?,
                variance: take_f32(from)?,
                waiting: take_f32(from)?,
                hour: take_u32(from)?,
            },
            whereabouts: Whereabouts { last: (take_u32(from)?, take_u32(from)?), waiting: (take_u32(from)?, take_u32(from)?) },
            visits: Visits { days: take(from).map(u16::from_le_bytes)?, last: take_u32(from)?, waiting: take_u32(from)? },
            stamps: {
                let mut stamps = [0; 8];
                for stamp in &mut stamps {
                    *stamp = take_u32(from)?;
                }
                stamps
            },
            failures: take_fading(from)?,
            questions: take_fading(from)?,
            oddness: {
                let past = take_fading(from)?;
                let Fading { amount: today, at: since } = take_fading(from)?;
                Oddness { past, today, since, peak: take_fading(from)? }
            },
            pin: PinRecord(take::<PIN_RECORD>(from)?.map(|byte| i8::from_le_bytes([byte]))),
            visit: {
                let (device, at) = (Mark(take_u32(from)?), take_u32(from)?);
                let [weakness, opened] = take(from)?;
                let opened = match opened {
                    0 => Some(false),
                    1 => Some(true),
                    2 => None,
                    _ => return None,
                };
                Visit { device, at, weakness, opened }
            },
            novelty: {
                let [days] = take(from)?;
                let (news, [waiting]) = (take(from)?, take(from)?);
                Novelty { days, news, waiting }
            },
            quarters: {
                let [ripe, waiting] = take(from)?;
                (i8::from_le_bytes([ripe]), i8::from_le_bytes([waiting]))
            },
            handset: Mark(take_u32(from)?),
            first_seen: take_u32(from)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::event::{Care, CareReason, Channel};
    use super::super::trial::{NOW, at_home, learn, stranger, visited, weigh};
    use super::*;
    use crate::time::Span;

    /// Observations of which no two are alike, whatever they are about.
    fn unlike(number: u32) -> Observation<'static> {
        const WORDS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let word = WORDS[usize::try_from(number % 12).unwrap()];
        let mut seen = stranger();
        seen.at = NOW - Span::hours(40_000) + Span::hours(26 * number);
        seen.origin.address = Signal::Present((number << 8).to_be_bytes().into());
        seen.origin.asn = Signal::Present(number);
        (seen.origin.country, seen.origin.region) = (Signal::Present(word), Signal::Present(word));
        seen.origin.position = Position::new(f64::from(number % 90), f64::from(number % 180)).into();
        (seen.device.cookie, seen.device.model) = (Signal::Present(word), Signal::Present(word));
        (seen.device.system, seen.device.browser) = (Signal::Present(word), Signal::Present(word));
        (seen.device.language, seen.device.zone) = (Signal::Present(word), Signal::Present(i32::try_from(number % 27).unwrap()));
        seen.act = Act::ALL[usize::try_from(number).unwrap() % Act::ALL.len()];
        seen
    }

    #[test]
    fn the_fullest_profile_fits_one_write_unit() {
        let mut profile = Profile::default();
        for number in 0..200 {
            learn(&mut profile, &unlike(number));
        }
        let bytes = profile.encode();
        // Every table is full here: no profile is larger.
        assert_eq!(bytes.len(), 1_012);
        assert!(bytes.len() <= MAX_BYTES);
        assert_eq!(Profile::decode(&bytes), Ok(profile));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn any_profile_survives_its_stored_form(numbers in prop::collection::vec(0..1_500_u32, 0..60)) {
            let mut numbers = numbers;
            numbers.sort_unstable();
            let mut profile = Profile::default();
            for number in numbers {
                learn(&mut profile, &unlike(number));
            }
            let bytes = profile.encode();
            prop_assert!(bytes.len() <= MAX_BYTES);
            prop_assert_eq!(Profile::decode(&bytes), Ok(profile));
        }

        #[test]
        fn bytes_that_no_profile_wrote_are_refused_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..1_200)) {
            let versioned: Vec<u8> = [VERSION].into_iter().chain(bytes.iter().copied()).collect();
            let summed: Vec<u8> = versioned.iter().copied().chain(checksum(&versioned).to_le_bytes()).collect();
            prop_assert!(Profile::decode(&bytes).is_err());
            // Even with the right version and checksum there are no contents that would fit by chance.
            prop_assert!(Profile::decode(&summed).is_err());
        }
    }

    #[test]
    fn a_profile_cut_short_or_with_one_changed_byte_is_refused_by_name() {
        let bytes = visited(&at_home(), 1..30).encode();
        for length in 0..bytes.len() {
            let refused = Profile::decode(&bytes[..length]);
            assert!(matches!(refused, Err(ProfileError::Truncated | ProfileError::Checksum)), "{length}: {refused:?}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                let expected = if at == 0 { ProfileError::Version(changed[0]) } else { ProfileError::Checksum };
                assert_eq!(Profile::decode(&changed), Err(expected), "byte {at}, bit {bit}");
            }
        }
        assert_eq!(Profile::decode(&[VERSION; 3]), Err(ProfileError::Truncated));
    }

    #[test]
    fn a_visit_does_not_vouch_for_itself() {
        let mut profile = visited(&at_home(), 2..40);
        let before = weigh(&profile, &stranger());
        learn(&mut profile, &stranger());
        let after = weigh(&profile, &stranger());
        for (name, value) in [("network", after.network), ("place", after.place), ("device", after.device), ("zone", after.zone)]
        {
            assert!(value > 0.0, "{name} {value}");
        }
        assert_eq!((before.network, before.device, before.place), (after.network, after.device, after.place));
        assert!(after.odd_recent > before.odd_recent);
    }

    #[test]
    fn a_calm_visit_does_not_wipe_out_an_odd_one() {
        let mut profile = visited(&at_home(), 4..40);
        learn(&mut profile, &Observation { at: NOW - Span::hours(30), ..stranger() });
        let odd = profile.recent_oddness(NOW);
        learn(&mut profile, &Observation { at: NOW, ..at_home() });
        assert!(odd > 1.0);
        assert_eq!(profile.recent_oddness(NOW), odd);
    }

    #[test]
    fn only_a_device_that_is_strong_already_makes_a_visit_count_in_full() {
        let mut keyed = at_home();
        keyed.device.proven = Signal::Present(true);
        let other = Observation {
            device: super::super::event::Device { cookie: Signal::Present("new"), ..keyed.device.clone() },
            ..keyed.clone()
        };
        let mut profile = visited(&keyed, 10..40);
        let strong = |profile: &Profile, seen: &Observation<'_>| {
            let mark = super::super::trial::marks(seen).cookie.unwrap();
            profile.devices.row(mark).is_some_and(|row| row.strong)
        };
        assert!(strong(&profile, &keyed), "the first device, with its key");
        learn(&mut profile, &Observation { at: NOW - Span::days(9), ..other.clone() });
        assert!(!strong(&profile, &other), "a new key is on probation");
        learn(&mut profile, &Observation { at: NOW - Span::days(8), shown: Signal::Present(Shown::Passkey), ..other.clone() });
        assert!(strong(&profile, &other), "a passkey vouches for it");
    }

    #[test]
    fn failed_questions_count_once_however_often_the_request_repeats_them() {
        let care = Care {
            rep: Signal::Absent,
            reason: Signal::Present(CareReason::Sim),
            failed: Signal::Present(3),
            inbound: Signal::Present(true),
            own_line: Signal::Absent,
        };
        let mut contact = Observation { channel: Channel::Care, act: Act::CareContact, care: Signal::Present(care), ..at_home() };
        let mut profile = Profile::default();
        learn(&mut profile, &contact);
        contact.act = Act::SimSwap;
        learn(&mut profile, &contact);
        assert_eq!(profile.failed_questions(NOW), 3.0);
        assert!((profile.failed_questions(NOW + Span::days(7)) - 1.5).abs() < 1e-6);
    }
}
