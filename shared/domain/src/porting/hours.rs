//! Business hours: when an answer is due, in local time with its weekends, holidays and clock changes.
//!
//! Where the true hours are not established a row errs to more of them: an interval then ends earlier. An
//! answer that is early harms nobody; one that is late may count as a yes.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::jurisdiction::Row;
use crate::kinds::vocabulary;
use crate::time::Timestamp;

vocabulary! {
    /// A day of the week.
    Day {
        /// Monday.
        Mon = "mon",
        /// Tuesday.
        Tue = "tue",
        /// Wednesday.
        Wed = "wed",
        /// Thursday.
        Thu = "thu",
        /// Friday.
        Fri = "fri",
        /// Saturday.
        Sat = "sat",
        /// Sunday.
        Sun = "sun",
    }
}

impl Day {
    const fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// How long until a request must be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Minutes of business hours.
    BusinessMinutes(u32),
    /// Hours of business hours.
    BusinessHours(u32),
    /// The end of so many business days after the one of the request; one that comes when the day is over
    /// counts as of the next.
    BusinessDays(u32),
}

/// The same hours on some days of the week.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// On which days.
    pub days: Vec<Day>,
    /// From when, local time.
    #[serde(deserialize_with = "time_of_day")]
    pub open: Time,
    /// Until when; later on the same day.
    #[serde(deserialize_with = "time_of_day")]
    pub close: Time,
}

/// Business hours in one time zone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The time zone, by its name in the time zone database.
    #[serde(deserialize_with = "zone")]
    pub zone: TimeZone,
    /// The week.
    pub week: Vec<Opening>,
    /// Days on which all is closed.
    #[serde(deserialize_with = "dates")]
    pub holidays: Vec<Date>,
    /// Until when the holidays are listed. After it a holiday counts as a business day: the interval ends
    /// earlier.
    #[serde(deserialize_with = "date")]
    pub holidays_until: Date,
}

/// Further than any interval reaches: a year with one opening in it is enough for the longest.
const DAYS_AHEAD: usize = 800;

impl Hours {
    /// What is wrong with them, in plain words.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.zone.iana_name().is_none() {
            return Err("the time zone must have a name of the time zone database");
        }
        if self.week.is_empty() || self.week.iter().any(|opening| opening.days.is_empty()) {
            return Err("at least one day of the week must be open");
        }
        if self.week.iter().any(|opening| opening.open >= opening.close) {
            return Err("a day must open before it closes");
        }
        if Day::ALL.iter().any(|day| self.week.iter().filter(|opening| opening.days.contains(day)).count() > 1) {
            return Err("a day of the week must have one opening");
        }
        let listed = self.holidays.is_sorted_by(|a, b| a < b) && self.holidays.last().is_none_or(|d| *d <= self.holidays_until);
        if !listed {
            return Err("holidays must be in order, each once, none after `holidays_until`");
        }
        Ok(())
    }

    /// So many minutes of business hours after `from`; `from` itself for none.
    #[must_use]
    pub fn after(&self, from: Timestamp, minutes: u32) -> Timestamp {
        let mut left = i64::from(minutes) * 60;
        if left == 0 {
            return from;
        }
        for (open, close) in self.openings(from) {
            let start = open.max(from.as_second());
            let length = close.saturating_sub(start);
            if length <= 0 {
                continue;
            }
            if left <= length {
                return Timestamp::from_second(start.saturating_add(left));
            }
            left -= length;
        }
        from
    }

    /// The close of the n-th business day after the one of `from`.
    fn days_after(&self, from: Timestamp, days: u32) -> Timestamp {
        let mut closes = self.openings(from).map(|(_, close)| close).filter(|close| *close > from.as_second());
        match closes.nth(usize::try_from(days).unwrap_or(DAYS_AHEAD)) {
            Some(close) => Timestamp::from_second(close),
            None => from,
        }
    }

    /// The openings from the local day of `from` on, in seconds since the epoch, in order. The library turns
    /// local times into instants: an hour that a clock change skips or repeats is skipped or counted as it is.
    fn openings(&self, from: Timestamp) -> impl Iterator<Item = (i64, i64)> {
        let first = Instant::from_second(from.as_second()).ok().map(|instant| self.zone.to_datetime(instant).date());
        let days = std::iter::successors(first, |day| day.checked_add(1.day()).ok()).take(DAYS_AHEAD);
        days.filter(|day| self.holidays.binary_search(day).is_err()).filter_map(|day| {
            let weekday = Day::of(day.weekday());
            let opening = self.week.iter().find(|opening| opening.days.contains(&weekday))?;
            let instant = |time: Time| {
                let zoned = self.zone.to_ambiguous_zoned(day.to_datetime(time)).compatible().ok()?;
                Some(zoned.timestamp().as_second())
            };
            instant(opening.open).zip(instant(opening.close))
        })
    }
}

/// Until when a request that came at `received` must be answered. Never before it came; where no opening is
/// found it is the moment it came, the earliest and so the safe one.
#[must_use]
pub fn answer_by(row: &Row, received: Timestamp) -> Timestamp {
    let hours = &row.hours.value;
    match row.interval.value {
        Interval::BusinessMinutes(minutes) => hours.after(received, minutes),
        Interval::BusinessHours(number) => hours.after(received, number.saturating_mul(60)),
        Interval::BusinessDays(days) => hours.days_after(received, days),
    }
}

fn zone<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(deserializer)?;
    TimeZone::get(&name).map_err(|_| serde::de::Error::custom("not a name of the time zone database"))
}

fn time_of_day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("not a time of day such as 08:00"))
}

fn date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| serde::de::Error::custom("not a date such as 2026-12-25"))
}

fn dates<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Date>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let parsed: Option<Vec<Date>> = texts.iter().map(|text| text.parse().ok()).collect();
    parsed.ok_or_else(|| serde::de::Error::custom("not dates such as 2026-12-25"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::jurisdiction::row;
    use super::*;
    use crate::kinds::Jurisdiction;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn hours(zone: &str) -> Hours {
        let json = format!(
            r#"{{"zone":"{zone}","week":[{{"days":["mon","tue","wed","thu","fri"],"open":"08:00","close":"17:00"}}],
                "holidays":["2026-11-26"],"holidays_until":"2026-12-31"}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn minutes_run_in_business_hours_only() {
        let hours = hours("America/New_York");
        // Wednesday, then a holiday, then Friday; New York is five hours behind.
        assert_eq!(hours.after(at("2026-11-25T15:00:00Z"), 30), at("2026-11-25T15:30:00Z"));
        assert_eq!(hours.after(at("2026-11-25T21:50:00Z"), 30), at("2026-11-27T13:20:00Z"));
        assert_eq!(hours.after(at("2026-11-27T21:50:00Z"), 30), at("2026-11-30T13:20:00Z"));
        assert_eq!(hours.after(at("2026-11-28T10:00:00Z"), 30), at("2026-11-30T13:30:00Z"));
        assert_eq!(hours.after(at("2026-11-25T21:30:00Z"), 30), at("2026-11-25T22:00:00Z"));
        assert_eq!(hours.after(at("2026-11-25T21:30:00Z"), 0), at("2026-11-25T21:30:00Z"));
    }

    #[test]
    fn days_end_when_the_business_day_ends() {
        let hours = hours("America/New_York");
        assert_eq!(hours.days_after(at("2026-11-24T15:00:00Z"), 1), at("2026-11-25T22:00:00Z"));
        assert_eq!(hours.days_after(at("2026-11-25T15:00:00Z"), 1), at("2026-11-27T22:00:00Z"));
        assert_eq!(hours.days_after(at("2026-11-24T23:00:00Z"), 1), at("2026-11-27T22:00:00Z"));
        assert_eq!(hours.days_after(at("2026-11-28T15:00:00Z"), 1), at("2026-12-01T22:00:00Z"));
    }

    #[test]
    fn a_clock_change_moves_the_day_and_not_its_length() {
        let mut hours = hours("America/New_York");
        // The clocks go back on Sunday 2026-11-01.
        assert_eq!(hours.after(at("2026-10-30T20:50:00Z"), 30), at("2026-11-02T13:20:00Z"));
        // An opening over the change itself: the night of 2026-03-08 has no hour from two to three.
        hours.week = vec![Opening { days: vec![Day::Sun], open: Time::constant(1, 0, 0, 0), close: Time::constant(4, 0, 0, 0) }];
        assert_eq!(hours.after(at("2026-03-08T06:00:00Z"), 120), at("2026-03-08T08:00:00Z"));
        assert_eq!(hours.after(at("2026-03-08T06:00:00Z"), 121), at("2026-03-15T05:01:00Z"));
        assert_eq!(hours.after(at("2026-11-01T05:00:00Z"), 240), at("2026-11-01T09:00:00Z"));
    }

    #[test]
    fn every_row_has_its_own_hours() {
        for (place, received, due) in [
            // At ten in the evening before a holiday.
            (Jurisdiction::Us, "2026-11-26T03:00:00Z", "2026-11-27T13:30:00Z"),
            // Christmas on a Friday: the Monday after it is one too.
            (Jurisdiction::Uk, "2026-12-24T10:00:00Z", "2026-12-29T17:00:00Z"),
            // Two hours of Friday evening, one of Saturday.
            (Jurisdiction::Au, "2026-11-27T07:00:00Z", "2026-11-28T00:00:00Z"),
            // Saturday, Monday, Tuesday.
            (Jurisdiction::In, "2026-11-27T05:00:00Z", "2026-12-01T12:30:00Z"),
            // Monday, Tuesday, Wednesday.
            (Jurisdiction::Br, "2026-11-27T12:00:00Z", "2026-12-02T21:00:00Z"),
            // An hour of Friday evening, the rest on Saturday.
            (Jurisdiction::Ca, "2026-11-28T01:00:00Z", "2026-11-28T14:30:00Z"),
        ] {
            assert_eq!(answer_by(row(place), at(received)).to_string(), due, "{place}");
        }
    }

    #[test]
    fn hours_that_make_no_sense_are_refused() {
        let good = hours("Europe/London");
        good.check().unwrap();
        let noon = Time::constant(12, 0, 0, 0);
        let opening = |days: Vec<Day>, close: Time| Opening { days, open: noon, close };
        let one = Time::constant(13, 0, 0, 0);
        for (week, why) in [
            (vec![], "at least one day"),
            (vec![opening(vec![], one)], "at least one day"),
            (vec![opening(vec![Day::Mon], noon)], "before it closes"),
            (vec![opening(vec![Day::Mon], one), opening(vec![Day::Mon], one)], "one opening"),
        ] {
            assert!(Hours { week, ..good.clone() }.check().unwrap_err().contains(why), "{why}");
        }
        let twice = vec![good.holidays_until, good.holidays_until];
        assert!(Hours { holidays: twice, ..good.clone() }.check().is_err());
        let json = r#"{"zone":"Mars/Olympus","week":[],"holidays":[],"holidays_until":"2026-12-31"}"#;
        assert!(serde_json::from_str::<Hours>(json).is_err());
    }

    fn anywhere() -> impl Strategy<Value = Jurisdiction> {
        proptest::sample::select(Jurisdiction::ALL)
    }

    fn some_time() -> impl Strategy<Value = i64> {
        // 2025 to 2030: within and beyond the listed holidays.
        1_735_689_600i64..1_893_456_000
    }

    proptest! {
        #[test]
        fn an_answer_is_never_due_before_the_request_came(place in anywhere(), at in some_time()) {
            let at = Timestamp::from_second(at);
            prop_assert!(answer_by(row(place), at) > at);
        }

        #[test]
        fn who_asks_later_is_not_answered_earlier(place in anywhere(), at in some_time(), more in 0i64..2_000_000) {
            let (early, late) = (Timestamp::from_second(at), Timestamp::from_second(at + more));
            prop_assert!(answer_by(row(place), early) <= answer_by(row(place), late));
            let hours = &row(place).hours.value;
            prop_assert!(hours.after(early, 90) <= hours.after(late, 90));
        }

        #[test]
        fn minutes_add_up(place in anywhere(), at in some_time(), a in 0u32..2_000, b in 0u32..2_000) {
            let hours = &row(place).hours.value;
            let at = Timestamp::from_second(at);
            prop_assert_eq!(hours.after(at, a + b), hours.after(hours.after(at, a), b));
        }

        #[test]
        fn no_time_makes_it_panic(place in anywhere(), at in any::<i64>(), minutes in any::<u32>()) {
            let at = Timestamp::from_second(at);
            prop_assert!(row(place).hours.value.after(at, minutes) >= at);
            prop_assert!(answer_by(row(place), at) >= at);
        }
    }
}
