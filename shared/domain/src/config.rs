//! What a carrier may tune, and the floors under it. One document, checked when it is read.

use serde::{Deserialize, Serialize};

use crate::policy::Wait;
use crate::time::Span;

/// The carrier's settings. Lengths are in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Length of [`Wait::Short`]; at least 15 minutes.
    pub wait_short: Span,
    /// Length of [`Wait::Standard`]; at least 15 minutes, and no shorter than `wait_short`.
    pub wait_standard: Span,
    /// Length of [`Wait::Long`]; at least 24 hours, and no shorter than `wait_standard`.
    pub wait_long: Span,
    /// How long a contact, device or SIM proves nothing after it changed; at least a day.
    pub taint: Span,
    /// The same for a factor that is added within `taint` after an account recovery; no shorter than `taint`.
    pub taint_after_recovery: Span,
    /// How long a change stays open beyond its hold; 10 minutes to 7 days.
    pub change_life: Span,
    /// Life of a code; at most 10 minutes (NIST SP 800-63B-4, section 3).
    pub code_life: Span,
    /// Life of a signed authorization; at most an hour.
    pub authorization_life: Span,
    /// How long after its due date a confirmed port may still be carried out; 1 hour to 30 days, after which the field
    /// takes a port for abandoned (NPAC best practice 35).
    pub port_life: Span,
    /// Guesses at one code; 1 to 10.
    pub guesses_per_challenge: u32,
    /// Guesses on one line or account in a day, over all its codes; 1 to 100.
    pub guesses_per_day: u32,
    /// How long a guess waits after the one before it: from the sixth guess of a day on, and from the eleventh.
    pub guess_waits: [Span; 2],
    /// Wrong answers on one account in a day, over all its lines; 1 to 100.
    pub failures_per_account: u32,
    /// Codes sent for one line or account in a day; 1 to 50.
    pub codes_per_day: u32,
    /// Codes sent for one account in a day, over all its lines.
    pub codes_per_account: u32,
    /// Codes sent to one number, mailbox or app in a day, whoever asks.
    pub codes_per_destination: u32,
    /// Codes sent at the wish of one device in a day, over all accounts.
    pub codes_per_device: u32,
    /// Codes sent at the wish of one network address in a day, over all accounts.
    pub codes_per_address: u32,
    /// Codes sent by SMS to one country in a day; counted in sixteen parts.
    pub codes_per_country: u32,
    /// Countries that codes are sent to by SMS (ISO 3166-1 alpha-2).
    pub sms_countries: Vec<String>,
    /// Shortest time between two codes for one change.
    pub resend_after: Span,
    /// Changes asked for on one line or account in a day; 1 to 100.
    pub changes_per_day: u32,
    /// Contacts that one member of staff may begin in a day; 10 to 1000.
    pub contacts_of_staff: u32,
    /// The same for contacts that no customer called for; 1 to 1000.
    pub uninvited_of_staff: u32,
    /// Walls of one customer that stayed closed in a day before the fraud desk is called; 2 to 20.
    pub in_vain_of_desk: u32,
    /// Wrong numbers on one account in a day, over all representatives, after which no wall opens; 1 to 10.
    pub failures_of_desk: u32,
    /// When a notice that nobody has recorded as sent is tried again; at most an hour.
    pub notice_retry: Span,
    /// Attempts at a notice before a person is paged; 1 to 10.
    pub notice_attempts: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            wait_short: Span::hours(1),
            wait_standard: Span::hours(24),
            wait_long: Span::hours(72),
            taint: Span::days(7),
            taint_after_recovery: Span::days(30),
            change_life: Span::hours(24),
            code_life: Span::minutes(5),
            authorization_life: Span::minutes(15),
            port_life: Span::days(3),
            guesses_per_challenge: 5,
            guesses_per_day: 20,
            guess_waits: [Span::minutes(1), Span::minutes(10)],
            failures_per_account: 40,
            codes_per_day: 10,
            codes_per_account: 20,
            codes_per_destination: 10,
            codes_per_device: 20,
            codes_per_address: 60,
            codes_per_country: 160_000,
            sms_countries: ["US", "PR", "VI", "GU", "AS", "MP", "GB", "AU", "IN", "BR", "CA"].map(str::to_owned).to_vec(),
            resend_after: Span::seconds(30),
            changes_per_day: 20,
            contacts_of_staff: 150,
            uninvited_of_staff: 20,
            in_vain_of_desk: 5,
            failures_of_desk: 5,
            notice_retry: Span::minutes(2),
            notice_attempts: 5,
        }
    }
}

/// A setting below its floor or above its ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `{name}` must be {must}")]
pub struct SettingsError {
    pub(crate) name: &'static str,
    pub(crate) must: &'static str,
}

impl Settings {
    /// Checks every floor.
    ///
    /// # Errors
    /// The first setting that breaks one, and what it must be.
    pub fn check(self) -> Result<Self, SettingsError> {
        let in_days = |span: Span, from: Span, to: Span| (from..=to).contains(&span);
        let waits = self.guess_waits;
        let rules = [
            ("wait_short", "at least 15 minutes", self.wait_short >= Span::minutes(15)),
            ("wait_standard", "at least `wait_short`", self.wait_standard >= self.wait_short),
            ("wait_long", "at least 24 hours and `wait_standard`", self.wait_long >= Span::hours(24).max(self.wait_standard)),
            ("taint", "at least a day", self.taint >= Span::days(1)),
            ("taint_after_recovery", "at least `taint`", self.taint_after_recovery >= self.taint),
            ("change_life", "10 minutes to 7 days", in_days(self.change_life, Span::minutes(10), Span::days(7))),
            ("code_life", "1 to 10 minutes", in_days(self.code_life, Span::minutes(1), Span::minutes(10))),
            ("authorization_life", "1 minute to 1 hour", in_days(self.authorization_life, Span::minutes(1), Span::hours(1))),
            ("port_life", "1 hour to 30 days", in_days(self.port_life, Span::hours(1), Span::days(30))),
            ("guesses_per_challenge", "1 to 10", (1..=10).contains(&self.guesses_per_challenge)),
            ("guesses_per_day", "1 to 100", (1..=100).contains(&self.guesses_per_day)),
            ("codes_per_day", "1 to 50", (1..=50).contains(&self.codes_per_day)),
            ("guess_waits", "rising, at most 1 hour", waits.is_sorted() && waits.iter().all(|wait| *wait <= Span::hours(1))),
            ("failures_per_account", "1 to 100", (1..=100).contains(&self.failures_per_account)),
            ("codes_per_account", "1 to 100", (1..=100).contains(&self.codes_per_account)),
            ("codes_per_destination", "1 to 50", (1..=50).contains(&self.codes_per_destination)),
            ("codes_per_device", "1 to 100", (1..=100).contains(&self.codes_per_device)),
            ("codes_per_address", "1 to 1000", (1..=1_000).contains(&self.codes_per_address)),
            ("codes_per_country", "at least 16", self.codes_per_country >= 16),
            (
                "sms_countries",
                "codes of two capital letters, at most 60",
                self.sms_countries.len() <= 60
                    && self.sms_countries.iter().all(|c| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase())),
            ),
            ("resend_after", "at most 10 minutes", self.resend_after <= Span::minutes(10)),
            ("changes_per_day", "1 to 100", (1..=100).contains(&self.changes_per_day)),
            ("contacts_of_staff", "10 to 1000", (10..=1_000).contains(&self.contacts_of_staff)),
            ("uninvited_of_staff", "1 to 1000", (1..=1_000).contains(&self.uninvited_of_staff)),
            ("in_vain_of_desk", "2 to 20", (2..=20).contains(&self.in_vain_of_desk)),
            ("failures_of_desk", "1 to 10", (1..=10).contains(&self.failures_of_desk)),
            ("notice_retry", "30 seconds to 1 hour", in_days(self.notice_retry, Span::seconds(30), Span::hours(1))),
            ("notice_attempts", "1 to 10", (1..=10).contains(&self.notice_attempts)),
        ];
        match rules.into_iter().find(|(_, _, holds)| !holds) {
            Some((name, must, _)) => Err(SettingsError { name, must }),
            None => Ok(self),
        }
    }

    /// How long a guess waits after the one before it, by how many there have been in the day, rising.
    #[must_use]
    pub fn rising_waits(&self) -> [(u32, Span); 2] {
        let [sixth, eleventh] = self.guess_waits;
        [(5, sixth), (10, eleventh)]
    }

    /// The length of a wait.
    #[must_use]
    pub const fn wait(&self, wait: Wait) -> Span {
        match wait {
            Wait::None => Span::seconds(0),
            Wait::Short => self.wait_short,
            Wait::Standard => self.wait_standard,
            Wait::Long => self.wait_long,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_their_own_floors() {
        assert_eq!(Settings::default().check().unwrap(), Settings::default());
    }

    #[test]
    fn a_cooling_off_period_cannot_be_tuned_under_a_quarter_of_an_hour() {
        let short = Settings { wait_short: Span::minutes(14), ..Settings::default() };
        assert_eq!(short.check().unwrap_err().to_string(), "setting `wait_short` must be at least 15 minutes");
        let standard = Settings { wait_standard: Span::minutes(1), ..Settings::default() };
        assert!(standard.check().is_err());
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        assert!(serde_json::from_str::<Settings>(r#"{"wait_shrot":1}"#).is_err());
    }
}
