//! What orders and events show.

use super::{Failing, Places, Seen, Sighting};
use crate::change::{Change, Details};
use crate::ids::{AccountId, LineId};
use crate::kinds::ChangeKind;
use crate::ledger::EventName;
use crate::numbers::Msisdn;
use crate::porting::answer::Reason;
use crate::porting::fields::{Passcode, Spid};
use crate::risk::marks::Marker;
use crate::time::Timestamp;

/// An order for a line, as it was decided; nothing for a change that is none. The same order shows the same however
/// often it is looked at.
#[must_use]
pub fn of_order(account: &AccountId, line: &LineId, change: &Change, marker: &Marker) -> Option<Sighting> {
    let (Details::PortOut { carrier, .. }, Some(port)) = (&change.details, change.port.as_deref()) else { return None };
    let seen = match port.faults.first() {
        Some(reason) => Seen::Failed(failing(*reason)),
        None if change.decision.outcome == crate::kinds::Outcome::Refuse => Seen::Failed(Failing::Protected),
        None => Seen::Asked,
    };
    Some(Sighting {
        at: change.request.requested_at,
        account: marker.of_account(account.as_str()),
        line: Some(marker.line(line)),
        seen,
        met: Places { carrier: Some(marker.carrier(carrier.as_str())), pin: port.tried, ..Places::default() },
    })
}

/// An order for a number that is none of ours: its number stands for the account.
#[must_use]
pub fn of_stray(number: &Msisdn, carrier: &Spid, pin: Option<&Passcode>, at: Timestamp, marker: &Marker) -> Sighting {
    let carrier = Some(marker.carrier(carrier.as_str()));
    let pin = pin.map(|pin| marker.passcode(pin.expose()));
    let met = Places { carrier, pin, ..Places::default() };
    Sighting { at, account: marker.of_account(number.as_str()), line: None, seen: Seen::Failed(Failing::Number), met }
}

/// Something that happened to an account or a line besides ports, by its name and that of the change that it ends.
#[must_use]
pub fn of_event(
    account: &AccountId,
    line: Option<&LineId>,
    name: EventName,
    change: Option<ChangeKind>,
    at: Timestamp,
    marker: &Marker,
) -> Option<Sighting> {
    let seen = match (name, change) {
        (EventName::ProtectionOff, _) => Seen::Unlocked,
        (EventName::ContactAdded | EventName::ContactRemoved, _) => Seen::ContactChanged,
        (EventName::SimChanged, _) => Seen::SimSwapped,
        (EventName::Completed, Some(ChangeKind::CredentialReset)) => Seen::PasswordReset,
        (_, _) => return None,
    };
    let (account, line) = (marker.of_account(account.as_str()), line.map(|line| marker.line(line)));
    Some(Sighting { at, account, line, seen, met: Places::default() })
}

/// A reason of the field, as far as the monitor tells them apart.
const fn failing(reason: Reason) -> Failing {
    match reason {
        Reason::AccountNumberWrong => Failing::AccountNumber,
        Reason::ZipWrong => Failing::Zip,
        Reason::PasscodeWrong | Reason::TooManyPasscodes => Failing::Passcode,
        Reason::PasscodeMissing => Failing::PasscodeMissing,
        Reason::PasscodeOver => Failing::PasscodeExpired,
        Reason::NumberNotOurs | Reason::NumberNotActive | Reason::NotAMobileNumber => Failing::Number,
        Reason::UnknownCompany => Failing::Company,
        Reason::DueDateTooEarly | Reason::DueDateTimeCannotBeMet | Reason::DueDateCannotBeMet | Reason::DueTimeCannotBeMet => {
            Failing::DueDate
        }
        Reason::OrderUnknown | Reason::OrderClosed | Reason::OtherContent | Reason::VersionWentBack => Failing::Order,
        Reason::PortLocked
        | Reason::CoolingOff
        | Reason::SimChangedLately
        | Reason::NotConfirmedByCustomer
        | Reason::CustomerSaidNo
        | Reason::UnderReview => Failing::Protected,
        Reason::FieldMissing | Reason::FieldMalformed | Reason::FieldOutOfPlace | Reason::TimeWithoutZone | Reason::TooLarge => {
            Failing::Form
        }
        Reason::Other | Reason::TryAgain => Failing::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_a_thief_is_seen_and_what_does_not_is_not() {
        let (account, marker) = (AccountId::parse("a").unwrap(), Marker::new(&[7; 32]));
        let line = LineId::parse("l").unwrap();
        let seen = |name, change| {
            of_event(&account, Some(&line), name, change, Timestamp::from_second(9), &marker).map(|sighting| sighting.seen)
        };
        assert_eq!(seen(EventName::ProtectionOff, None), Some(Seen::Unlocked));
        assert_eq!(seen(EventName::ContactRemoved, None), Some(Seen::ContactChanged));
        assert_eq!(seen(EventName::SimChanged, Some(ChangeKind::SimSwap)), Some(Seen::SimSwapped));
        assert_eq!(seen(EventName::Completed, Some(ChangeKind::CredentialReset)), Some(Seen::PasswordReset));
        assert_eq!(seen(EventName::Completed, Some(ChangeKind::SimSwap)), None);
        assert_eq!(seen(EventName::ProtectionOn, None), None);
    }

    #[test]
    fn every_reason_of_the_field_is_told_apart_or_called_other() {
        let kinds: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| failing(*reason)).collect();
        assert_eq!(kinds.len(), Failing::ALL.len());
    }
}
