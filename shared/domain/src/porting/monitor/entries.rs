//! What entries of the ledger show.

use super::{Failing, Places, Seen, Sighting};
use crate::change::{Actor, Change, Details, Ending};
use crate::ids::Subject;
use crate::kinds::{ChangeKind, Reason as Why};
use crate::ledger::{Entry, Event};
use crate::porting::answer::Reason;
use crate::risk::marks::{Marker, WideMark};
use crate::risk::velocity::Meeting;

/// What an entry shows, in the keyed hashes of `marker`. The same entry shows the same every time.
#[must_use]
pub fn sightings(entry: &Entry, marker: &Marker) -> Vec<Sighting> {
    let rep = |actor: &Actor| match actor {
        Actor::Representative(id) => Some(marker.rep(id)),
        Actor::Customer | Actor::Gateway | Actor::Provisioning | Actor::Partner | Actor::System => None,
    };
    let by = entry.after.as_deref().and_then(|change| rep(&change.request.actor)).or_else(|| rep(&entry.actor));
    let seen = entry.events.iter().filter_map(|event| {
        let here = Places { rep: by, ..Places::default() };
        Some(match event {
            Event::Requested { change } => requested(entry, change, marker)?,
            Event::ProtectionOff { .. } => (Seen::Unlocked, here),
            Event::ContactAdded { .. } | Event::ContactRemoved { .. } => (Seen::ContactChanged, here),
            Event::SimChanged { .. } => (Seen::SimSwapped, here),
            Event::Ended { how: Ending::Completed, .. } if kind(entry) == Some(ChangeKind::CredentialReset) => {
                (Seen::PasswordReset, here)
            }
            // Who withdrew the order is its sender; anything else that ends it is a no.
            Event::Ended { how: Ending::Refused | Ending::Cancelled, reason, .. }
                if kind(entry) == Some(ChangeKind::PortOut) && *reason != Some(Why::OrderWithdrawn) =>
            {
                (Seen::Refused, port(entry, entry.after.as_deref()?, marker))
            }
            Event::Released { .. } if kind(entry) == Some(ChangeKind::PortOut) => {
                (Seen::Confirmed, port(entry, entry.after.as_deref()?, marker))
            }
            Event::AccountOpened { .. }
            | Event::AccountClosed
            | Event::LineOpened { .. }
            | Event::LineEnded
            | Event::ProtectionOn { .. }
            | Event::Raised { .. }
            | Event::ChallengeOpened { .. }
            | Event::GuessFailed { .. }
            | Event::Proven { .. }
            | Event::SetUp { .. }
            | Event::FactorAdded { .. }
            | Event::FactorRemoved { .. }
            | Event::RecoveryCodeUsed { .. }
            | Event::PasskeyUsed { .. }
            | Event::Told { .. }
            | Event::Retried { .. }
            | Event::GivenUp { .. }
            | Event::Authorized { .. }
            | Event::Released { .. }
            | Event::Ended { .. }
            | Event::NumberChanged { .. }
            | Event::DeviceChanged { .. }
            | Event::Incident { .. }
            | Event::PinIssued { .. }
            | Event::PinFailed { .. }
            | Event::PinUsed { .. }
            | Event::BillingKnown { .. }
            | Event::PortAnswered { .. }
            | Event::PortSupplemented { .. }
            | Event::PortActivated { .. } => return None,
        })
    });
    let line = match &entry.owner.subject {
        Subject::Line(line) => Some(marker.line(line)),
        Subject::Account => None,
    };
    let account = marker.of_account(entry.owner.account_id.as_str());
    let mut sightings: Vec<Sighting> = seen.map(|(seen, met)| Sighting { at: entry.at, account, line, seen, met }).collect();
    sightings.sort_unstable();
    sightings.dedup();
    sightings
}

fn kind(entry: &Entry) -> Option<ChangeKind> {
    entry.after.as_deref().map(Change::kind)
}

fn met(entry: &Entry, meeting: Meeting) -> Option<WideMark> {
    entry.met.get(&meeting).copied()
}

/// Where a port meets others.
fn port(entry: &Entry, change: &Change, marker: &Marker) -> Places {
    let carrier =
        if let Details::PortOut { carrier, .. } = &change.details { Some(marker.carrier(carrier.as_str())) } else { None };
    let pin = change.port.as_deref().and_then(|port| port.tried);
    Places { carrier, pin, ..places(entry) }
}

fn places(entry: &Entry) -> Places {
    Places {
        address: met(entry, Meeting::Address),
        device: met(entry, Meeting::Device),
        handset: met(entry, Meeting::Handset),
        ..Places::default()
    }
}

fn requested(entry: &Entry, change: &Change, marker: &Marker) -> Option<(Seen, Places)> {
    match change.kind() {
        ChangeKind::PortOut => {
            let fault = change.port.as_deref().and_then(|port| port.faults.first());
            let seen = match fault {
                Some(reason) => Seen::Failed(failing(*reason)),
                None if change.has_ended() => Seen::Failed(Failing::Protected),
                None => Seen::Asked,
            };
            Some((seen, port(entry, change, marker)))
        }
        ChangeKind::PortPin | ChangeKind::SimSwap => Some((Seen::Prepared, places(entry))),
        ChangeKind::NumberChange
        | ChangeKind::ContactChange
        | ChangeKind::CredentialReset
        | ChangeKind::ProtectionOff
        | ChangeKind::AuthorizedUser
        | ChangeKind::Ownership
        | ChangeKind::AddLine
        | ChangeKind::DeviceUpgrade
        | ChangeKind::FactorAdd
        | ChangeKind::FactorRemove => None,
    }
}

/// A reason of the field, as far as the monitor tells them apart.
pub(super) const fn failing(reason: Reason) -> Failing {
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
