//! Limits that lie beside the ledgered state: what may happen so often in a day, or once, over many
//! changes, lines or accounts. Each is a condition of the same transaction that does what it limits, so
//! nothing is read first, nothing is lost in a race, and no call is added.

use serde::{Deserialize, Serialize};

use crate::decide::Denied;
use crate::digest::Digest;
use crate::kinds::vocabulary;
use crate::time::{Span, Timestamp};

vocabulary! {
    /// What is limited.
    QuotaKind {
        /// A device's proof (RFC 9449): its `jti` is good for one request.
        Proof = "proof",
        /// One time step of one authenticator app.
        TotpStep = "totp_step",
        /// Codes sent to one address.
        SendsToDestination = "sends_to_destination",
        /// Codes sent for one account.
        SendsForAccount = "sends_for_account",
        /// Codes sent at the wish of one device.
        SendsFromDevice = "sends_from_device",
        /// Codes sent at the wish of one network address.
        SendsFromAddress = "sends_from_address",
        /// Codes sent by SMS to one country.
        SendsToCountry = "sends_to_country",
        /// Wrong answers on one account, over all its lines.
        FailuresOfAccount = "failures_of_account",
        /// Contacts that one member of staff begins.
        ContactsOfStaff = "contacts_of_staff",
        /// The same, without a customer who called.
        UninvitedOfStaff = "uninvited_of_staff",
        /// Alarms about one member of staff.
        AlarmsOfStaff = "alarms_of_staff",
    }
}

/// Into how many parts a country's count is spread: no one item is on the path of every request.
const COUNTRY_SHARDS: u32 = 16;

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Of what.
    pub kind: QuotaKind,
    /// Of whom, as a digest: no number and no address is stored.
    pub of: String,
    /// How many there may be.
    pub limit: u32,
    /// Whether this is one more of them, or only asks whether there is room.
    pub takes: bool,
    /// From when on the count is of no use.
    pub until: Timestamp,
    /// What the caller is told where there is no room.
    pub otherwise: Denied,
}

impl Quota {
    /// Something that can happen once until `until`.
    #[must_use]
    pub fn once(kind: QuotaKind, what: &[&str], until: Timestamp, otherwise: Denied) -> Self {
        let parts: Vec<&str> = std::iter::once(kind.word()).chain(what.iter().copied()).collect();
        Self { kind, of: Digest::of(&parts).short().to_owned(), limit: 1, takes: true, until, otherwise }
    }

    /// One of so many in a day (of UTC, which nobody can choose).
    #[must_use]
    pub fn of_day(kind: QuotaKind, whom: &str, limit: u32, now: Timestamp, otherwise: Denied) -> Self {
        let day = now.as_second().div_euclid(86_400).to_string();
        let of = Digest::of(&[kind.word(), whom, &day]).short().to_owned();
        Self { kind, of, limit, takes: true, until: now + Span::days(2), otherwise }
    }

    /// The share of a country's day that falls to one caller.
    #[must_use]
    pub fn of_country(country: &str, spread_by: &str, limit: u32, now: Timestamp, otherwise: Denied) -> Self {
        let digest = Digest::of(&[spread_by]);
        let shard = digest.as_str().bytes().map(u32::from).sum::<u32>() % COUNTRY_SHARDS;
        let share = (limit / COUNTRY_SHARDS).max(1);
        Self::of_day(QuotaKind::SendsToCountry, &format!("{country} {shard}"), share, now, otherwise)
    }

    /// Asks only.
    #[must_use]
    pub fn asked(self) -> Self {
        Self { takes: false, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_count_of_its_own_and_so_is_everybody() {
        let noon = Timestamp::parse("2026-11-22T12:00:00Z").unwrap();
        let of = |whom, at| Quota::of_day(QuotaKind::SendsFromDevice, whom, 3, at, Denied::TooManyCodes).of;
        assert_eq!(of("a", noon), of("a", noon + Span::hours(11)));
        assert_ne!(of("a", noon), of("a", noon + Span::hours(12)));
        assert_ne!(of("a", noon), of("b", noon));
    }

    #[test]
    fn a_country_is_spread_and_its_shares_make_the_whole() {
        let now = Timestamp::from_second(0);
        let share = |by: &str| Quota::of_country("US", by, 1_600, now, Denied::TooManyCodes);
        let shards: std::collections::BTreeSet<String> = (0..200).map(|n| share(&n.to_string()).of).collect();
        assert_eq!(shards.len(), 16);
        assert_eq!(share("x").limit, 100);
    }
}
