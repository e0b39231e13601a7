//! Instants and spans, in whole seconds. The domain never reads a clock: `now` comes in as an argument.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// An instant: seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A length of time in seconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(u32);

impl Timestamp {
    /// From seconds since the epoch.
    #[must_use]
    pub const fn from_second(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Parses RFC 3339.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_second()))
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn as_second(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; nothing where it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        Span(u32::try_from(self.0.saturating_sub(earlier.0).max(0)).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "{} s since 1970", self.0),
        }
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(i64::from(span.0)))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(i64::from(span.0)))
    }
}

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(n: u32) -> Self {
        Self(n)
    }

    /// So many minutes.
    #[must_use]
    pub const fn minutes(n: u32) -> Self {
        Self(n.saturating_mul(60))
    }

    /// So many hours.
    #[must_use]
    pub const fn hours(n: u32) -> Self {
        Self(n.saturating_mul(3_600))
    }

    /// So many days of 24 hours.
    #[must_use]
    pub const fn days(n: u32) -> Self {
        Self(n.saturating_mul(86_400))
    }

    /// In seconds.
    #[must_use]
    pub const fn as_seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Span {
    /// In the largest whole unit: `24 hours`, `5 minutes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, unit) = match self.0 {
            s if s >= 172_800 && s % 86_400 == 0 => (s / 86_400, "day"),
            s if s >= 3_600 && s % 3_600 == 0 => (s / 3_600, "hour"),
            s if s >= 60 && s % 60 == 0 => (s / 60, "minute"),
            s => (s, "second"),
        };
        write!(f, "{n} {unit}{}", if n == 1 { "" } else { "s" })
    }
}

/// A count within a window that starts with its first event and does not slide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When the window opened.
    pub since: Timestamp,
    /// How many were counted in it.
    pub count: u32,
}

impl Window {
    /// The window with one more counted, or nothing where `limit` is reached.
    #[must_use]
    pub fn take(self, now: Timestamp, limit: u32, length: Span) -> Option<Self> {
        if now >= self.since + length {
            return (limit > 0).then_some(Self { since: now, count: 1 });
        }
        (self.count < limit).then_some(Self { since: self.since, count: self.count.saturating_add(1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_to_its_limit_and_opens_anew() {
        let start = Timestamp::from_second(1_000_000);
        let mut window = Window::default();
        for _ in 0..3 {
            window = window.take(start, 3, Span::days(1)).unwrap();
        }
        assert_eq!(window.take(start + Span::hours(23), 3, Span::days(1)), None);
        assert_eq!(window.take(start + Span::days(1), 3, Span::days(1)).unwrap().count, 1);
        assert_eq!(Window::default().take(start, 0, Span::days(1)), None);
    }

    #[test]
    fn a_time_reads_as_it_was_written() {
        assert_eq!(Timestamp::parse("2026-07-01T12:00:00Z").unwrap().to_string(), "2026-07-01T12:00:00Z");
    }

    #[test]
    fn spans_read_as_people_say_them() {
        let texts = [Span::hours(24), Span::hours(1), Span::minutes(15), Span::seconds(90), Span::days(7)].map(|s| s.to_string());
        assert_eq!(texts, ["24 hours", "1 hour", "15 minutes", "90 seconds", "7 days"]);
    }
}
