//! What the gaining carrier is answered, as a function of what happened to its order.
//!
//! Every step that moves a port, whoever takes it (a code, a cancel, a lock, a deadline), passes through here when it
//! is sealed into the ledger, so that no answer can be forgotten or contradict the state. A confirmation alone is
//! not among them: it leaves with the signed authorization.

use crate::change::{Change, Ending, Gate, Stage};
use crate::kinds::Reason;
use crate::ledger::Event;
use crate::porting::answer::{Answer, Reason as Fault};
use crate::state::Book;
use crate::time::Timestamp;

/// The answers that these events ask for, on the state that they lead to.
#[must_use]
pub fn answers_due(events: &[Event], after: &Book, now: Timestamp) -> Vec<Event> {
    let mut answers: Vec<Event> = Vec::new();
    for event in events {
        let Some(change) = event.change().and_then(|id| after.changes.get(id)) else { continue };
        let Some(port) = change.port.as_deref() else { continue };
        let said = |other: &Event| matches!(other, Event::PortAnswered { change: known, .. } if *known == change.id);
        if events.iter().chain(&answers).any(said) {
            continue;
        }
        let Some(answer) = due(event, change, now) else { continue };
        if port.answer_to(port.version).is_some_and(|last| last.answer == answer) {
            continue;
        }
        answers.extend(change.answered(port.version, answer));
    }
    answers
}

fn due(event: &Event, change: &Change, now: Timestamp) -> Option<Answer> {
    let port = change.port.as_deref()?;
    if let Event::Ended { how, reason, .. } = event {
        return match (how, reason) {
            (Ending::Completed, _) => None,
            (_, Some(Reason::OrderWithdrawn)) => Some(Answer::Cancelled),
            _ if port.confirmed_at.is_some() => Some(Answer::Withdraw { reasons: vec![ended(*how, *reason)] }),
            _ => Some(Answer::Reject { reasons: vec![ended(*how, *reason)] }),
        };
    }
    if let Event::Requested { .. } | Event::Raised { .. } | Event::Proven { .. } = event {
        return match &change.stage {
            Stage::Ended { .. } => Some(Answer::Reject { reasons: refused(change) }),
            Stage::Open => waits(change, now),
            Stage::Authorized(_) | Stage::Released(_) => None,
        };
    }
    None
}

/// What a port waits for that takes longer than telling the customer.
fn waits(change: &Change, now: Timestamp) -> Option<Answer> {
    let gates = change.open_gates(now);
    if gates.contains(&Gate::Proof) {
        return Some(Answer::Delay { reasons: vec![Fault::NotConfirmedByCustomer], until: change.expires_at });
    }
    match change.hold_until {
        Some(until) if gates.contains(&Gate::Hold) => Some(Answer::Delay { reasons: vec![Fault::UnderReview], until }),
        Some(_) | None => None,
    }
}

/// What an order that was refused is told: what it got wrong, else what stands in its way.
fn refused(change: &Change) -> Vec<Fault> {
    let faults = change.port.as_deref().map(|port| port.faults.clone()).unwrap_or_default();
    if faults.is_empty() { vec![word(change.need.refused)] } else { faults }
}

fn ended(how: Ending, reason: Option<Reason>) -> Fault {
    match how {
        Ending::Cancelled => Fault::CustomerSaidNo,
        Ending::Expired | Ending::Lapsed => Fault::NotConfirmedByCustomer,
        Ending::Refused | Ending::Failed | Ending::Completed => word(reason),
    }
}

/// A reason of ours in the field's words. Whatever would teach a thief is simply "other".
const fn word(reason: Option<Reason>) -> Fault {
    match reason {
        Some(Reason::Locked | Reason::Protected) => Fault::PortLocked,
        Some(Reason::CoolingOff) => Fault::CoolingOff,
        Some(Reason::RecentSimChange) => Fault::SimChangedLately,
        Some(Reason::NotYours) => Fault::NumberNotActive,
        Some(Reason::PinMissing) => Fault::PasscodeMissing,
        Some(Reason::PinWrong) => Fault::PasscodeWrong,
        Some(_) | None => Fault::Other,
    }
}
