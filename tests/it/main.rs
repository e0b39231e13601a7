//! The functions together. One binary, a module for each concern; each test has a database of its own.

mod audit;
mod calls;
mod crash;
mod feeds;
mod invariants;
mod log;
mod openapi;
mod path;
mod races;
mod rules;
