//! Whether the person behind a request is the customer.
//!
//! [`event`] is what was observed, and [`request`] how a request for a change looks as such;
//! [`marks`] are its keyed hashes; [`profile`] what an account remembers of its own past; [`velocity`] what is
//! remembered across accounts; [`background`] what is usual in the population. [`evidence`] weighs the one
//! against the others, [`model`] adds it up, [`reasons`] says why, and [`drift`] whether what comes in is still
//! what it was, for which [`bins`] count scores where they are made; [`label`] is what became known later.
//! [`scorer`] does all of it for the product. All pure: bytes and values in, an assessment out.

pub mod background;
pub mod bands;
pub mod bins;
pub mod drift;
pub mod event;
pub mod evidence;
pub mod label;
pub mod marks;
pub mod model;
mod num;
pub mod profile;
pub mod reasons;
pub mod request;
pub mod scorer;
mod table;
#[cfg(test)]
mod trial;
pub mod velocity;

pub use profile::Profile;
pub use request::KeyShown;
pub use scorer::{Assessment, Scorer};
