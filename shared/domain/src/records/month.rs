//! A calendar month in UTC.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// A month of the calendar, in UTC: a carrier's places lie in many time zones, and every entry is in one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32);

/// Why a text is no month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a month reads like 2026-11, from 1970-01 to 9998-12")]
pub struct MonthError;

impl Month {
    /// The years that are months of ours. The last of the calendar is left out: a month has one after it.
    const YEARS: std::ops::RangeInclusive<i16> = 1970..=9998;

    /// Parses `2026-11`.
    ///
    /// # Errors
    /// [`MonthError`].
    pub fn parse(text: &str) -> Result<Self, MonthError> {
        let (year, month) = text.split_once('-').ok_or(MonthError)?;
        let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(MonthError);
        }
        let (year, month) = (year.parse().map_err(|_| MonthError)?, month.parse().map_err(|_| MonthError)?);
        Date::new(year, month, 1).ok().and_then(Self::of_date).ok_or(MonthError)
    }

    /// The month of a day.
    #[must_use]
    pub fn of_date(date: Date) -> Option<Self> {
        let months = i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
        Self::YEARS.contains(&date.year()).then_some(Self(months))
    }

    /// The month of an instant; nothing outside of the years that are months of ours.
    #[must_use]
    pub fn of(at: Timestamp) -> Option<Self> {
        let at = jiff::Timestamp::from_second(at.as_second()).ok()?;
        Self::of_date(at.to_zoned(TimeZone::UTC).date())
    }

    /// Its year and its month from 1.
    #[must_use]
    pub const fn parts(self) -> (i32, i32) {
        (self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }

    /// So many months before.
    #[must_use]
    pub fn back(self, months: usize) -> Self {
        Self(self.0.saturating_sub(i32::try_from(months).unwrap_or(i32::MAX)))
    }

    /// The first day after it, so many years on.
    pub(super) fn first_day_after(self, years: u32) -> Option<Date> {
        let (year, month) = Self(self.0.saturating_add(1)).parts();
        let year = year.checked_add(i32::try_from(years).ok()?)?;
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month) = self.parts();
        write!(f, "{year:04}-{month:02}")
    }
}
