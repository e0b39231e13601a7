//! Linekeeper's core: what may move a phone line, and what must happen first.
//!
//! Pure functions over immutable state: `decide(view, command, now) -> draft`, `evolve(state, event) ->
//! state`. No AWS, no async, no clock, no randomness. A shell reads a [`state::View`] once, asks one
//! function of [`decide`], and writes the [`ledger::Transaction`] that its draft seals to; where the write
//! finds that something else was first, it reads and decides again.
//!
//! | module | what it holds |
//! |---|---|
//! | [`kinds`] | the closed vocabularies of the field |
//! | [`ids`], [`numbers`], [`time`], [`secret`], [`digest`] | values, parsed once |
//! | [`factors`] | what a customer has enrolled to prove herself with |
//! | [`policy`], [`proof`], [`config`] | how much assurance a change needs, and what gives it |
//! | [`quota`] | limits over many changes, lines and accounts |
//! | [`risk`], [`signals`] | how much a request looks like the customer |
//! | [`porting`] | orders of other carriers: what comes in, what is answered, whose rules |
//! | [`change`], [`state`] | a change's life; accounts and lines |
//! | [`desk`] | the care desk: contacts, and the wall between staff and the customer's data |
//! | [`porting`] | numbers that leave |
//! | [`ledger`] | what happened, and the entries that hold it |
//! | [`chain`] | that it is all there, and as it was |
//! | [`records`] | what a regulator asks to be counted |
//! | [`decide`] | the commands |
//! | [`notice`], [`words`] | who is told what |
//! | [`porting`] | the messages of a porting gateway, and the answers |

pub mod chain;
pub mod change;
pub mod checkup;
pub mod config;
pub mod decide;
pub mod desk;
pub mod digest;
pub mod factors;
pub mod fraud;
pub mod ids;
pub mod kinds;
pub mod ledger;
pub mod notice;
pub mod numbers;
pub mod policy;
pub mod porting;
pub mod proof;
pub mod quota;
pub mod records;
pub mod risk;
pub mod secret;
pub mod signals;
pub mod state;
pub mod time;
pub mod view;
pub mod words;
