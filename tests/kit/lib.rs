//! The functions together in one process: their real code, a real engine for DynamoDB, real cryptography
//! behind the key traits, an inbox instead of the customer's phone, and a tap on every call that leaves.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: what does not hold must stop the test"
)]

pub mod authenticator;
pub mod desk;
pub mod doubles;
pub mod dpop;
pub mod enrol;
pub mod frozen;
pub mod log;
pub mod parsers;
pub mod people;
pub mod ports;
pub mod race;
pub mod session;
pub mod tap;
pub mod world;

pub use authenticator::{App, Phone};
pub use doubles::{Inbox, Keys, Mail, ManualClock, Topic};
pub use dpop::DeviceKey;
pub use people::{ANA, Person, iccid};
pub use session::Session;
pub use tap::{Call, Fault, Tap};
pub use world::{Answer, World};
