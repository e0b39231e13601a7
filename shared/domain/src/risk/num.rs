//! Numbers that are the same on every machine: conversions that cannot fail, and `libm`'s functions
//! instead of the platform's, so that evidence agrees to the bit wherever it is computed.

use crate::time::{Span, Timestamp};

/// The nearest `f32`.
#[expect(clippy::as_conversions, reason = "rounds to the nearest f32, which is what is wanted")]
pub(super) const fn from_i64(n: i64) -> f32 {
    n as f32
}

/// The nearest `f32`.
#[expect(clippy::as_conversions, reason = "rounds to the nearest f32, which is what is wanted")]
pub(super) const fn from_f64(x: f64) -> f32 {
    x as f32
}

/// The nearest `f32`.
#[expect(clippy::as_conversions, reason = "rounds to the nearest f32, which is what is wanted")]
pub(super) const fn from_u32(n: u32) -> f32 {
    n as f32
}

/// The whole number towards zero; the nearest end of the range beyond it, 0 for NaN.
#[expect(clippy::as_conversions, reason = "saturates, which is what is wanted")]
pub(super) const fn to_u32(x: f32) -> u32 {
    x as u32
}

/// The whole number towards zero; the nearest end of the range beyond it, 0 for NaN.
#[expect(clippy::as_conversions, reason = "saturates, which is what is wanted")]
pub(super) const fn to_i8(x: f32) -> i8 {
    x as i8
}

/// The nearest end of the range for what lies beyond it.
pub(super) fn to_u16(n: u32) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// Natural logarithm.
pub(super) fn ln(x: f32) -> f32 {
    libm::logf(x)
}

/// What is left of 1 after `seconds` when half goes in `half_life` seconds.
pub(super) fn left(seconds: u32, half_life: f32) -> f32 {
    libm::exp2f(-from_u32(seconds) / half_life)
}

/// A span in days.
pub(super) fn days(span: Span) -> f32 {
    from_u32(span.as_seconds()) / 86_400.0
}

/// Seconds since 1970 in 32 bits, the nearest end for what lies beyond.
pub(super) fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}
