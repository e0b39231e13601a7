//! Stopping a change: never throttled, never harder than starting one (I7).

use super::{Context, Denied, find, notice, step};
use crate::change::{Change, Ending, Stage};
use crate::ids::ChangeId;
use crate::kinds::{Mode, Protection};
use crate::ledger::{Draft, Event, Step};
use crate::notice::Message;
use crate::state::View;

/// Stops a change that is not over. One that was stopped already is stopped again: nothing happens.
///
/// # Errors
/// [`Denied::NotFound`]; [`Denied::ChangeClosed`] where it ended otherwise.
pub fn cancel(view: &View, id: &ChangeId, ctx: Context<'_>) -> Result<Draft, Denied> {
    let change = find(view, id)?;
    match stoppable(change) {
        Stoppable::Yes => {
            let notice = notice(view, Message::Cancelled, Some(change), id.subject(), ctx);
            Ok(step(id, vec![ended(change)], Some(notice), None))
        }
        Stoppable::Already => Ok(Draft::default()),
        Stoppable::TooLate => Err(Denied::ChangeClosed),
    }
}

/// "This was not me": stops the change if it can still be stopped, records that she disputes it, and switches account
/// lockdown on. Where the change is done already, a person is paged besides. A second tap adds nothing to the first.
///
/// # Errors
/// [`Denied::NotFound`] where the account does not exist. A change that is no longer remembered does not
/// stand in the way of the lockdown.
pub fn not_me(view: &View, id: &ChangeId, ctx: Context<'_>) -> Result<Draft, Denied> {
    let account = view.account.as_ref().ok_or(Denied::NotFound)?;
    let mut on_subject = Vec::new();
    if let Some(change) = view.change(id) {
        let first = change.disputed_at.is_none();
        match (stoppable(change), &change.stage) {
            (Stoppable::Yes, _) => on_subject.push(ended(change)),
            (Stoppable::TooLate, Stage::Ended { how: Ending::Completed, .. }) if first => {
                on_subject.push(Event::Incident { kind: change.kind() })
            }
            (Stoppable::Already | Stoppable::TooLate, _) => {}
        }
        if first {
            on_subject.push(Event::Disputed { change: change.id.clone() });
        }
    }
    let mut draft = match on_subject.is_empty() {
        true => Draft::default(),
        false => Draft::on(id.subject(), Step { events: on_subject, notice: None }),
    };
    if account.state.protections.0.get(&Protection::AccountLockdown) != Some(&Mode::Block) {
        let protection = Protection::AccountLockdown;
        let step = draft.account.get_or_insert_default();
        step.events.push(Event::ProtectionOn { protection, mode: Mode::Block });
        step.notice = Some(notice(view, Message::ProtectionOn { protection }, None, id.subject(), ctx));
    }
    Ok(draft)
}

enum Stoppable {
    Yes,
    Already,
    TooLate,
}

const fn stoppable(change: &Change) -> Stoppable {
    match change.stage {
        Stage::Open | Stage::Authorized(_) | Stage::Released(_) => Stoppable::Yes,
        Stage::Ended { how: Ending::Cancelled, .. } => Stoppable::Already,
        Stage::Ended { .. } => Stoppable::TooLate,
    }
}

fn ended(change: &Change) -> Event {
    Event::Ended { change: change.id.clone(), how: Ending::Cancelled, reason: None }
}
