//! Whether the person behind a request is the customer.
//!
//! [`event`] is what was observed; [`marks`] its keyed hashes; [`profile`] what a line remembers of its
//! own past; [`velocity`] what is remembered across lines; [`background`] what is usual in the
//! population. [`evidence`] weighs the one against the others, [`model`] adds it up, and
//! [`reasons`] says why; [`drift`] whether what comes in is still what it was. All pure: bytes and values in, an assessment out.
//!
//! [`scorecard`] is the scorer that the product uses until the model takes its place.

pub mod background;
pub mod bands;
pub mod drift;
pub mod event;
pub mod evidence;
pub mod marks;
pub mod model;
mod num;
pub mod profile;
pub mod reasons;
pub mod scorecard;
mod table;
#[cfg(test)]
mod trial;
pub mod velocity;

pub use scorecard::{Assessment, Behaviour, KeyShown, Lately, MODEL_VERSION, Profile, assess};
