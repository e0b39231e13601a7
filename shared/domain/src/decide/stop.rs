//! Stopping a change: never throttled, never harder than starting one (I7).

use super::fraud::{ReportFraud, report_fraud};
use super::{Context, Denied, find, notice, step};
use crate::change::{Change, Ending, Stage};
use crate::fraud::{Concern, Through};
use crate::ids::ChangeId;
use crate::ledger::{Draft, Event};
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

/// "This was not me": a report of fraud about one change. Stops it if it can still be stopped, records that she disputes
/// it, freezes the account, and opens a case. Where the change is done already, a person is paged besides. A second tap
/// adds nothing to the first.
///
/// # Errors
/// [`Denied::NotFound`] where the account does not exist. A change that is no longer remembered does not
/// stand in the way of the lockdown.
pub fn not_me(view: &View, id: &ChangeId, ctx: Context<'_>) -> Result<Draft, Denied> {
    let concern = view.change(id).map_or_else(|| Concern::of_forgotten(id.clone()), Concern::of_change);
    let report = ReportFraud { through: Through::Notice, phone_lost: false, concerns: vec![concern] };
    report_fraud(view, &report, ctx)
}

pub(super) enum Stoppable {
    Yes,
    Already,
    TooLate,
}

pub(super) const fn stoppable(change: &Change) -> Stoppable {
    match change.stage {
        Stage::Open | Stage::Authorized(_) | Stage::Released(_) => Stoppable::Yes,
        Stage::Ended { how: Ending::Cancelled, .. } => Stoppable::Already,
        Stage::Ended { .. } => Stoppable::TooLate,
    }
}

pub(super) fn ended(change: &Change) -> Event {
    Event::Ended { change: change.id.clone(), how: Ending::Cancelled, reason: None }
}
