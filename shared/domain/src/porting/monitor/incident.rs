//! What the monitor says: a pattern was completed, and what belongs to it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::series::NAMED;
use super::{Key, Settings};
use crate::digest::Digest;
use crate::kinds::vocabulary;
use crate::risk::marks::WideMark;
use crate::time::{Span, Timestamp};

/// An incident that goes on is written again after so long, that it does not come apart.
const REFRESH: Span = Span::minutes(10);

vocabulary! {
    /// A rule of the monitor.
    Pattern {
        /// Far more accounts leave for one gaining carrier in six hours than usually do.
        CarrierBurst = "carrier_burst",
        /// Far more accounts leave for one gaining carrier in this hour than in the same hour of past weeks.
        CarrierRate = "carrier_rate",
        /// Far more accounts fail validation for one gaining carrier than usually do.
        CarrierFailures = "carrier_failures",
        /// One reason makes up far more of a gaining carrier's rejects than it used to.
        CarrierReasons = "carrier_reasons",
        /// Far more accounts leave in this hour than in the same hour of past weeks.
        FeedRate = "feed_rate",
        /// Far fewer accounts left in an hour than in the same hour of past weeks.
        FeedHushed = "feed_hushed",
        /// One reason makes up far more of all rejects than it used to.
        FeedReasons = "feed_reasons",
        /// A gateway sends no heartbeat.
        FeedSilent = "feed_silent",
        /// Accounts meet at one network address.
        Address = "address",
        /// Accounts meet at one device.
        Device = "device",
        /// Accounts go to one handset.
        Handset = "handset",
        /// One representative asks for accounts to leave.
        Representative = "representative",
        /// Many lines of one account leave.
        AccountLines = "account_lines",
        /// One account fails again and again.
        AccountFailures = "account_failures",
        /// One PIN is tried on many numbers.
        OnePin = "one_pin",
        /// Many PINs are tried on one number.
        ManyPins = "many_pins",
        /// Accounts leave for one gaining carrier soon after an unlock, a contact change, a reset or a SIM swap.
        SoonCarrier = "soon_carrier",
        /// The same, over all carriers.
        SoonFeed = "soon_feed",
        /// The same, where one representative made the earlier change.
        SoonRep = "soon_rep",
        /// Accounts leave for one gaining carrier soon after a contact or the SIM changed: their customers may not hear.
        ReroutedCarrier = "rerouted_carrier",
        /// The same, over all carriers.
        ReroutedFeed = "rerouted_feed",
    }
}

vocabulary! {
    /// How much an alarm matters, least first.
    Severity {
        /// Look at it today.
        Elevated = "elevated",
        /// Look at it now.
        Severe = "severe",
    }
}

/// A pattern was completed, or goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Which rule.
    pub pattern: Pattern,
    /// At what.
    pub key: Key,
    /// Lines that belong to it, one of each account where accounts are counted: the [`NAMED`](super) smallest marks,
    /// a fair sample.
    pub lines: BTreeSet<WideMark>,
    /// How many were counted.
    pub count: u32,
    /// How many are too many.
    pub limit: u32,
    /// When the window that they were counted in begins.
    pub since: Timestamp,
    /// The latest that was counted.
    pub until: Timestamp,
    /// How much it matters: severe from twice the limit on.
    pub severity: Severity,
}

impl Alarm {
    /// What repeats and growth of one pattern have in common.
    #[must_use]
    pub fn group(&self) -> String {
        Digest::of(&["porting alarm", self.pattern.word(), self.key.kind.word(), &self.key.mark.to_string()]).short().to_owned()
    }

    /// How much a count matters.
    #[must_use]
    pub(super) const fn severity(count: u32, limit: u32) -> Severity {
        if count >= limit.saturating_mul(2) { Severity::Severe } else { Severity::Elevated }
    }
}

/// Alarms of one pattern at one thing, from the first until it has been quiet for long enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: String,
    /// Which rule.
    pub pattern: Pattern,
    /// Lines that belong to it.
    pub lines: BTreeSet<WideMark>,
    /// The most that were counted.
    pub count: u32,
    /// How many were too many then.
    pub limit: u32,
    /// When it began.
    pub since: Timestamp,
    /// The latest that was counted.
    pub until: Timestamp,
    /// How much it matters.
    pub severity: Severity,
    /// The count that others last heard of.
    pub told: u32,
}

/// What an alarm does to an incident, the greatest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// It is one of its own.
    Opened,
    /// It is larger by a line, by its severity, or by half: others hear of it.
    Grown,
    /// It goes on.
    GoesOn,
}

impl Incident {
    fn open(alarm: &Alarm) -> Self {
        let id = Digest::of(&["porting incident", &alarm.group(), &alarm.since.to_string()]).short().to_owned();
        Self {
            id,
            pattern: alarm.pattern,
            lines: alarm.lines.clone(),
            count: alarm.count,
            limit: alarm.limit,
            since: alarm.since,
            until: alarm.until,
            severity: alarm.severity,
            told: alarm.count,
        }
    }

    /// The incident with an alarm in it, and what that means; nothing where it says nothing new.
    #[must_use]
    pub fn take(before: Option<&Self>, alarm: &Alarm, settings: &Settings) -> Option<(Self, News)> {
        let Some(before) = before.filter(|before| before.until + settings.apart >= alarm.since) else {
            return Some((Self::open(alarm), News::Opened));
        };
        if alarm.until + settings.apart < before.since {
            // It was part of one that is over.
            return None;
        }
        let mut after = before.clone();
        after.lines.extend(&alarm.lines);
        after.lines = after.lines.into_iter().take(NAMED).collect();
        after.since = before.since.min(alarm.since);
        after.until = before.until.max(alarm.until);
        after.severity = before.severity.max(alarm.severity);
        if alarm.count > before.count {
            (after.count, after.limit) = (alarm.count, alarm.limit);
        }
        let by_half = after.count >= before.told.saturating_add(before.told.div_ceil(2));
        if after.lines != before.lines || after.severity > before.severity || by_half {
            after.told = after.count;
            return Some((after, News::Grown));
        }
        (after.until >= before.until + REFRESH).then_some((after, News::GoesOn))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1_790_000_000);

    fn alarm(lines: std::ops::Range<u64>, at: Timestamp) -> Alarm {
        let count = u32::try_from(lines.end - lines.start).unwrap();
        Alarm {
            pattern: Pattern::CarrierBurst,
            key: Key { kind: Kind::CarrierPorts, mark: WideMark(7) },
            lines: lines.map(WideMark).collect(),
            count,
            limit: 6,
            since: at - Span::hours(5),
            until: at,
            severity: Alarm::severity(count, 6),
        }
    }

    #[test]
    fn repeats_say_nothing_and_growth_stays_in_one_incident() {
        let settings = Settings::default();
        let (first, news) = Incident::take(None, &alarm(0..6, NOW), &settings).unwrap();
        assert_eq!((news, first.severity), (News::Opened, Severity::Elevated));
        assert_eq!(Incident::take(Some(&first), &alarm(0..6, NOW), &settings), None);
        let (grown, news) = Incident::take(Some(&first), &alarm(0..12, NOW + Span::hours(1)), &settings).unwrap();
        assert_eq!((news, grown.severity, grown.count, &grown.id), (News::Grown, Severity::Severe, 12, &first.id));
        assert_eq!(Incident::take(Some(&grown), &alarm(0..6, NOW), &settings), None);
        let (on, news) = Incident::take(Some(&grown), &alarm(4..10, NOW + Span::hours(3)), &settings).unwrap();
        assert_eq!((news, on.count), (News::GoesOn, 12));
    }

    #[test]
    fn after_a_quiet_half_day_it_is_another_incident() {
        let settings = Settings::default();
        let (first, _) = Incident::take(None, &alarm(0..6, NOW), &settings).unwrap();
        let (next, news) = Incident::take(Some(&first), &alarm(0..6, NOW + Span::hours(18)), &settings).unwrap();
        assert_eq!(news, News::Opened);
        assert_ne!(next.id, first.id);
        assert_eq!(Incident::take(Some(&next), &alarm(0..6, NOW - Span::hours(3)), &settings), None);
    }

    #[test]
    fn a_flood_is_told_of_now_and_then_and_names_no_more_lines_than_fit() {
        let settings = Settings::default();
        let (mut incident, _) = Incident::take(None, &alarm(0..6, NOW), &settings).unwrap();
        let mut told = 0;
        for n in (7..40).chain((40..10_000).step_by(37)) {
            if let Some((after, news)) = Incident::take(Some(&incident), &alarm(0..n, NOW), &settings) {
                incident = after;
                told += u32::from(news == News::Grown);
            }
        }
        assert_eq!(incident.lines.len(), NAMED);
        assert!(told < 60, "{told}");
        assert!(serde_json::to_vec(&incident).unwrap().len() < 4_000);
    }
}
