//! Attacks, each a short story against the real functions that must fail. A module for each; each test
//! has a database of its own, and its name says the rule that it would break.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "what does not hold must stop the test")]

mod clock;
mod cookie;
mod desk;
mod enumeration;
mod fatigue;
mod guessing;
mod new_factor;
mod proofs;
mod purpose;
mod relay;
mod stage;
mod stopping;
mod winners;
