//! What happened at one thing in the last days, one by one: for things that few honest people share.
//!
//! It is a set, so that a repeat changes nothing and neither does another order. Where more happened than it holds,
//! it knows since when it does not know all, and a window that reaches back beyond counts as too many.

use std::collections::BTreeSet;

use super::Settings;
use super::bytes::Reader;
use super::incident::Pattern;
use super::series::{NAMED, TooMany};
use crate::risk::marks::WideMark;

/// What is held at most.
const HELD: usize = 120;
/// The window, in seconds.
pub(super) const WINDOW: u32 = 86_400;
/// How long something is kept: what comes up to a window late still counts.
const KEPT: u32 = 3 * WINDOW;

/// What happened, as a table holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Did {
    /// A port was asked for, and passed validation so far.
    Asked,
    /// A port was asked for and failed.
    Failed,
    /// Something was changed that helps a thief.
    Changed,
    /// A contact or the SIM was changed: the customer may not hear of what follows.
    Rerouted,
}

impl Did {
    pub(super) const fn is_port(self) -> bool {
        match self {
            Self::Asked | Self::Failed => true,
            Self::Changed | Self::Rerouted => false,
        }
    }
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// Seconds since 1970.
    pub(super) at: u32,
    pub(super) did: Did,
    /// The upper half of the account's mark.
    pub(super) account: u32,
    /// The line; 0 where it is about none.
    pub(super) line: u64,
    /// At a line: the PIN. At an account: the gaining carrier, or the representative who changed something.
    pub(super) with: u64,
}

/// The rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    rows: BTreeSet<Row>,
    /// The time of the newest row that had no place; 0 where all had.
    lost: u32,
}

/// What is counted in a window.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    /// Accounts, whatever they did.
    Accounts,
    /// Lines that were asked for.
    Lines,
    /// Failures beyond the first of each line: a family that mistypes its account number once is none.
    Failures,
    /// PINs.
    Pins,
}

impl Table {
    /// One more; whether anything is other than before.
    pub(super) fn add(&mut self, row: Row) -> bool {
        let before = self.rows.last().map_or(0, |row| row.at).max(row.at);
        let from = before.saturating_sub(KEPT);
        if row.at < from || row.at <= self.lost || !self.rows.insert(row) {
            return false;
        }
        self.rows.retain(|row| row.at >= from);
        if self.lost < from {
            self.lost = 0;
        }
        while self.rows.len() > HELD {
            self.lost = self.lost.max(self.rows.pop_first().map_or(0, |row| row.at));
        }
        true
    }

    /// All rows.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    fn count(rows: &[&Row], of: Of) -> u32 {
        let number = match of {
            Of::Accounts => rows.iter().map(|row| row.account).collect::<BTreeSet<_>>().len(),
            Of::Lines => rows.iter().filter(|row| row.did.is_port()).map(|row| row.line).collect::<BTreeSet<_>>().len(),
            Of::Failures => {
                let failed: Vec<u64> = rows.iter().filter(|row| row.did == Did::Failed).map(|row| row.line).collect();
                failed.len() - failed.iter().collect::<BTreeSet<_>>().len()
            }
            Of::Pins => rows.iter().map(|row| row.with).filter(|with| *with != 0).collect::<BTreeSet<_>>().len(),
        };
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Whether a window with this moment in it holds too many.
    pub(super) fn judge(&self, at: u32, of: Of, limit: u32) -> Option<TooMany> {
        let ports: Vec<&Row> = self.rows.iter().filter(|row| row.did.is_port()).collect();
        let ends = ports.iter().map(|row| row.at).filter(|end| (at..=at.saturating_add(WINDOW)).contains(end));
        let mut worst: Option<TooMany> = None;
        for end in ends.collect::<BTreeSet<_>>() {
            let start = end.saturating_sub(WINDOW);
            let rows: Vec<&Row> = ports.iter().copied().filter(|row| (start..=end).contains(&row.at)).collect();
            let overflown = self.lost >= start && self.lost != 0;
            let count = if overflown { Self::count(&rows, of).max(limit) } else { Self::count(&rows, of) };
            if count >= limit {
                let since = rows.first().map_or(start, |row| row.at);
                let lines = rows.iter().map(|row| WideMark(row.line)).collect::<BTreeSet<_>>().into_iter().take(NAMED).collect();
                worst = Some(TooMany { count, limit, hours: (since, end), lines }.join(worst));
            }
        }
        worst
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.lost.to_le_bytes());
        for row in &self.rows {
            out.extend(row.at.to_le_bytes());
            out.push(match row.did {
                Did::Asked => 0,
                Did::Failed => 1,
                Did::Changed => 2,
                Did::Rerouted => 3,
            });
            out.extend(row.account.to_le_bytes());
            out.extend(row.line.to_le_bytes());
            out.extend(row.with.to_le_bytes());
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut table = Self { rows: BTreeSet::new(), lost: from.u32()? };
        while !from.is_at_the_end() {
            let at = from.u32()?;
            let did = match from.u8()? {
                0 => Did::Asked,
                1 => Did::Failed,
                2 => Did::Changed,
                3 => Did::Rerouted,
                _ => return None,
            };
            let row = Row { at, did, account: from.u32()?, line: from.u64()?, with: from.u64()? };
            let rises = table.rows.last().is_none_or(|last| *last < row);
            if !rises || table.rows.len() >= HELD {
                return None;
            }
            table.rows.insert(row);
        }
        Some(table)
    }
}

/// The rules of a kind of table.
pub(super) fn limits(kind: super::Kind, settings: &Settings) -> Vec<(Pattern, Of, u32)> {
    use super::Kind;
    match kind {
        Kind::Device => vec![(Pattern::Device, Of::Accounts, settings.device)],
        Kind::Handset => vec![(Pattern::Handset, Of::Accounts, settings.handset)],
        Kind::Account => vec![
            (Pattern::AccountLines, Of::Lines, settings.account_lines),
            (Pattern::AccountFailures, Of::Failures, settings.account_failures),
        ],
        Kind::Line => vec![(Pattern::ManyPins, Of::Pins, settings.line_pins)],
        Kind::CarrierPorts
        | Kind::CarrierFailures
        | Kind::CarrierReasons
        | Kind::CarrierSoon
        | Kind::FeedPorts
        | Kind::FeedReasons
        | Kind::FeedSoon
        | Kind::CarrierRerouted
        | Kind::FeedRerouted
        | Kind::Address
        | Kind::Rep
        | Kind::RepSoon
        | Kind::Pin => Vec::new(),
    }
}
