//! The functions together. One binary, a module for each concern; each test has a database of its own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::print_stdout,
    reason = "what does not hold must stop the test"
)]

mod acts;
mod audit;
mod calls;
mod cost;
mod crash;
mod factors;
mod feeds;
mod fraud;
mod invariants;
mod log;
mod openapi;
mod outages;
mod parsers;
mod path;
/// The simulator's day, as `cargo local ports` plays it.
#[path = "../../infra/local/src/ports/plan.rs"]
mod plan;
mod port_day;
mod port_monitor;
mod ports;
mod races;
mod records;
mod recycling;
mod reminder;
mod risk;
mod rotation;
mod rules;
/// What became of it.
#[path = "../../infra/local/src/ports/score.rs"]
mod score;
mod versions;
