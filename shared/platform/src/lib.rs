//! Everything that touches AWS, HTTP or the clock, so that functions stay a page and the domain stays pure.
//!
//! | module | what it holds |
//! |---|---|
//! | [`store`] | DynamoDB: one read, one transaction, every condition named |
//! | [`shell`] | read, decide, write; and again where another was first |
//! | [`keys`] | KMS: codes' MACs, signatures, published keys |
//! | [`risk`] | the models, and the key of the profiles' hashes |
//! | [`seal`] | KMS: small secrets that only we open |
//! | [`passkey`], [`totp`], [`dpop`] | what a customer and their device can prove |
//! | [`messages`] | SMS, push, e-mail, the topic `line-events` |
//! | [`door`], [`http`], [`problem`], [`identity`], [`network`] | the door for callers |
//! | [`batch`] | the door for queues and streams |
//! | [`config`], [`clock`], [`telemetry`], [`trust`], [`start`] | around every function |

pub mod batch;
pub mod clock;
pub mod config;
pub mod door;
pub mod dpop;
pub mod http;
pub mod identity;
pub mod keys;
pub mod messages;
pub mod network;
pub mod passkey;
pub mod problem;
pub mod risk;
pub mod seal;
pub mod shell;
pub mod start;
pub mod store;
pub mod telemetry;
pub mod totp;
pub mod trust;
