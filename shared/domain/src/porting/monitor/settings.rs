//! What a carrier may tune of the monitor, and the floors under it.

use serde::{Deserialize, Serialize};

use crate::config::SettingsError;
use crate::time::Span;

/// How many times its floor a rule takes before the monitor has any history.
const COLD_FLOORS: u32 = 2;

/// One in so many of a carrier's lines is nothing in six hours, before there is history. A carrier that loses 1.2 % of
/// its lines a month, 35 % of them to its largest competitor, stays five times below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OneIn {
    /// Ports to one gaining carrier: 5,000.
    Ports,
    /// Failures there, and ports soon after an unlock or a reset: one in seven of the ports, or fewer: 25,000.
    Some,
    /// The same over all carriers: 10,000.
    SomeOfAll,
    /// What few honest customers do: 100,000.
    Few,
}

impl OneIn {
    const fn lines(self) -> u32 {
        match self {
            Self::Ports => 5_000,
            Self::Some => 25_000,
            Self::SomeOfAll => 10_000,
            Self::Few => 100_000,
        }
    }
}

/// The monitor's limits. A limit counts accounts where it does not say otherwise: a family or a firm that moves
/// its lines together is one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How many lines the carrier has, about: what is usual before there is a past to ask; at least 1,000.
    pub lines: u32,
    /// Deviations above the usual that are too many; 3 to 12. A deviation is the largest of the robust one, the square
    /// root of the usual count, an eighth of it, and 1.
    pub deviations: u32,
    /// Asked for by one gaining carrier in six hours, at least; 4 to 20.
    pub carrier_ports: u32,
    /// Failed validation for one gaining carrier in six hours, at least; 4 to 20.
    pub carrier_failures: u32,
    /// Asked for within one hour over all carriers, at least; 20 to 500.
    pub feed_ports: u32,
    /// Asked for from one address in six hours, at least; 4 to 20.
    pub address_ports: u32,
    /// Asked for by one representative in six hours, at least; 3 to 20.
    pub rep_ports: u32,
    /// Tried with one PIN in six hours, at least; 4 to 20.
    pub one_pin: u32,
    /// Asked for soon after an unlock, a contact change, a password reset or a SIM swap, in six hours and for one
    /// gaining carrier, at least; 3 to 20.
    pub soon_carrier: u32,
    /// The same over all carriers; 4 to 50.
    pub soon_feed: u32,
    /// The same where a contact or the SIM changed, so that the customer may not hear of it: for one gaining carrier;
    /// 3 to 20.
    pub rerouted_carrier: u32,
    /// The same over all carriers; 4 to 20.
    pub rerouted_feed: u32,
    /// The same where one representative made the earlier change; 3 to 20.
    pub soon_rep: u32,
    /// How soon; 1 hour to 2 days.
    pub soon: Span,
    /// Asked for from one device in a day; 3 to 20.
    pub device: u32,
    /// Going to one handset in a day; 2 to 20.
    pub handset: u32,
    /// Lines of one account asked for in a day; 6 to 100.
    pub account_lines: u32,
    /// Failed validations on one account in a day; 4 to 50.
    pub account_failures: u32,
    /// PINs tried on one number in a day; 3 to 10.
    pub line_pins: u32,
    /// Rejects for one reason in six hours, at least, before the mix of reasons counts as changed; 6 to 50.
    pub reasons: u32,
    /// How old the last heartbeat of a gateway may be; 1 to 15 minutes.
    pub silence: Span,
    /// Whether open ports of lines that an alarm concerns are put on hold.
    pub hold: bool,
    /// How long a pattern is quiet before the next alarm of it is another incident; 1 hour to 2 days.
    pub apart: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lines: 50_000,
            deviations: 5,
            carrier_ports: 6,
            carrier_failures: 5,
            feed_ports: 30,
            address_ports: 6,
            rep_ports: 5,
            one_pin: 5,
            soon_carrier: 5,
            soon_feed: 6,
            rerouted_carrier: 4,
            rerouted_feed: 5,
            soon_rep: 5,
            soon: Span::hours(24),
            device: 4,
            handset: 3,
            account_lines: 12,
            account_failures: 8,
            line_pins: 5,
            reasons: 8,
            silence: Span::minutes(3),
            hold: false,
            apart: Span::hours(12),
        }
    }
}

impl Settings {
    /// Checks every floor.
    ///
    /// # Errors
    /// The first setting that breaks one, and what it must be.
    pub fn check(self) -> Result<Self, SettingsError> {
        let spans = |span: Span, from: Span, to: Span| (from..=to).contains(&span);
        let rules = [
            ("lines", "at least 1000", self.lines >= 1_000),
            ("deviations", "3 to 12", (3..=12).contains(&self.deviations)),
            ("carrier_ports", "4 to 20", (4..=20).contains(&self.carrier_ports)),
            ("carrier_failures", "4 to 20", (4..=20).contains(&self.carrier_failures)),
            ("feed_ports", "20 to 500", (20..=500).contains(&self.feed_ports)),
            ("address_ports", "4 to 20", (4..=20).contains(&self.address_ports)),
            ("rep_ports", "3 to 20", (3..=20).contains(&self.rep_ports)),
            ("one_pin", "4 to 20", (4..=20).contains(&self.one_pin)),
            ("soon_carrier", "3 to 20", (3..=20).contains(&self.soon_carrier)),
            ("soon_feed", "4 to 50", (4..=50).contains(&self.soon_feed)),
            ("rerouted_carrier", "3 to 20", (3..=20).contains(&self.rerouted_carrier)),
            ("rerouted_feed", "4 to 20", (4..=20).contains(&self.rerouted_feed)),
            ("soon_rep", "3 to 20", (3..=20).contains(&self.soon_rep)),
            ("soon", "1 hour to 2 days", spans(self.soon, Span::hours(1), Span::days(2))),
            ("device", "3 to 20", (3..=20).contains(&self.device)),
            ("handset", "2 to 20", (2..=20).contains(&self.handset)),
            ("account_lines", "6 to 100", (6..=100).contains(&self.account_lines)),
            ("account_failures", "4 to 50", (4..=50).contains(&self.account_failures)),
            ("line_pins", "3 to 10", (3..=10).contains(&self.line_pins)),
            ("reasons", "6 to 50", (6..=50).contains(&self.reasons)),
            ("silence", "1 to 15 minutes", spans(self.silence, Span::minutes(1), Span::minutes(15))),
            ("apart", "1 hour to 2 days", spans(self.apart, Span::hours(1), Span::days(2))),
        ];
        match rules.into_iter().find(|(_, _, held)| !held) {
            Some((name, must, _)) => Err(SettingsError { name, must }),
            None => Ok(self),
        }
    }

    /// The limit of a rule with this floor while there is no history.
    pub(super) fn cold(&self, floor: u32, one_in: OneIn) -> u32 {
        floor.saturating_mul(COLD_FLOORS).max(self.lines / one_in.lines())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_keep_to_the_floors_and_a_limit_below_its_floor_is_named() {
        assert_eq!(Settings::default().check(), Ok(Settings::default()));
        let blind = Settings { line_pins: 1_000, ..Settings::default() };
        assert_eq!(blind.check().unwrap_err().to_string(), "setting `line_pins` must be 3 to 10");
        let nervous = Settings { carrier_ports: 1, ..Settings::default() };
        assert!(nervous.check().is_err());
        let patient = Settings { silence: Span::days(1), ..Settings::default() };
        assert!(patient.check().is_err());
    }

    #[test]
    fn before_there_is_history_a_large_operator_is_not_held_to_the_floor_of_a_small_one() {
        let small = Settings::default();
        assert_eq!(small.cold(6, OneIn::Ports), 12);
        let large = Settings { lines: 5_000_000, ..small };
        assert_eq!(large.cold(6, OneIn::Ports), 1_000);
        assert_eq!(large.cold(5, OneIn::Few), 50);
    }
}
