//! Switching a protection on: free, instant, from the app, and by chat, e-mail and phone. Switching one
//! off is a change like any other ([`request`](super::request())).

use super::{Context, Denied, notice};
use crate::change::{Actor, Ending, Stage};
use crate::ids::Subject;
use crate::kinds::{ActorKind, Mode, Protection, Reason};
use crate::ledger::{Draft, Event, Step};
use crate::notice::Message;
use crate::state::View;

/// What to switch on.
#[derive(Clone, Debug)]
pub struct ProtectionOn {
    /// For one line, or for all lines of the account.
    pub subject: Subject,
    /// Which.
    pub protection: Protection,
    /// How it works.
    pub mode: Mode,
    /// Who asks.
    pub actor: Actor,
}

/// Switches a protection on, or makes it stricter; what is as strict already stays. Open changes of the
/// same subject that it blocks are over; those of other lines fail when they are next looked at.
///
/// # Errors
/// [`Denied::NotFound`]; [`Denied::Forbidden`] for anyone but the customer and staff;
/// [`Denied::NothingToChange`] for lockdown of one line, which there is not.
pub fn protect(view: &View, on: &ProtectionOn, ctx: Context<'_>) -> Result<Draft, Denied> {
    let account = view.account.as_ref().filter(|account| account.state.closed_at.is_none()).ok_or(Denied::NotFound)?;
    match on.actor.kind() {
        ActorKind::Customer | ActorKind::Representative | ActorKind::System => {}
        ActorKind::Gateway | ActorKind::Provisioning | ActorKind::Partner => return Err(Denied::Forbidden),
    }
    let protections = match &on.subject {
        Subject::Account => &account.state.protections,
        Subject::Line(_) if on.protection == Protection::AccountLockdown => return Err(Denied::NothingToChange),
        Subject::Line(id) => {
            let line = view.line.as_ref().filter(|line| line.state.id == *id && line.state.ended_at.is_none());
            &line.ok_or(Denied::NotFound)?.state.protections
        }
    };
    if protections.0.get(&on.protection).is_some_and(|known| *known >= on.mode) {
        return Ok(Draft::default());
    }
    let mut events = vec![Event::ProtectionOn { protection: on.protection, mode: on.mode }];
    if on.mode == Mode::Block {
        let book = view.book(&on.subject).ok_or(Denied::NotFound)?;
        let blocked = book
            .changes
            .values()
            .filter(|change| on.protection.covers(change.kind()) && !matches!(change.stage, Stage::Ended { .. }));
        events.extend(blocked.map(|change| Event::Ended {
            change: change.id.clone(),
            how: Ending::Refused,
            reason: Some(Reason::Locked),
        }));
    }
    let notice = notice(view, Message::ProtectionOn { protection: on.protection }, None, &on.subject, ctx);
    Ok(Draft::on(&on.subject, Step { events, notice: Some(notice) }))
}
