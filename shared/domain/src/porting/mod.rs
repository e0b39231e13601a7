//! Number porting: what comes in from a porting gateway and what goes back, as values.
//!
//! | module | what it holds |
//! |---|---|
//! | [`fields`] | the fields of 47 CFR 52.36 |
//! | [`message`] | the messages of a gateway, parsed once |
//! | [`monitor`] | fraud as a pattern, while it happens |
//! | [`answer`] | answers, reasons and the field's codes |
//! | [`order`] | what an order is answered, as a function of what happened to it |
//! | [`adapters`] | a wholesale carrier's web-hook, and files of requests |
//! | [`jurisdiction`] | whose rules apply: rows of data with their sources |
//! | [`hours`] | until when an answer is due |

pub mod adapters;
pub mod answer;
pub mod fields;
pub mod hours;
pub mod jurisdiction;
pub mod message;
pub mod monitor;
pub mod order;
