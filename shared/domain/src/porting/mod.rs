//! Numbers that leave for another carrier.

pub mod monitor;
