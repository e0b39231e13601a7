//! `cargo local ports`: a day of a carrier's porting, played to the deployed stack.

mod plan;
mod score;
