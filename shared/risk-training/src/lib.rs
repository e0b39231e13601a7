//! Replays a carrier's events through the production risk code: [`parse`] reads a line of an events file,
//! [`replay`] keeps profiles and counters as the product would, event by event, each scored before it is
//! learnt from.

pub mod columns;
pub mod parse;
pub mod replay;
