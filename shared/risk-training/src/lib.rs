//! Replays a carrier's events through the production risk code: [`events`] reads a file of them in order
//! and [`parse`] a line of it; [`replay`] keeps profiles and counters as the product would, event by event, each scored before it is
//! learnt from. [`laws`] tries what must hold of any line and any model.

pub mod bins;
pub mod chance;
pub mod columns;
pub mod drift;
pub mod events;
pub mod labels;
pub mod laws;
pub mod parse;
pub mod parts;
pub mod replay;

/// The file of the model that comes with the project.
pub const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/model/model.json");
