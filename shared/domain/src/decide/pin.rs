//! The number transfer PIN: drawn in the app once every gate of its change is closed, shown once, good for one
//! order of one gaining carrier.

use super::{Context, Denied, find, forbids, notice, step};
use crate::change::{Details, Ending, Stage};
use crate::digest::Digest;
use crate::ids::{AccountId, ChallengeId, ChangeId, Subject};
use crate::ledger::{Draft, Event};
use crate::notice::Message;
use crate::porting::jurisdiction::row;
use crate::secret::TransferPinCode;
use crate::state::{TransferPin, View};
use crate::time::Timestamp;

/// What a PIN's MAC covers: the purpose, the account, the change that it is drawn by (which names the line), and
/// the PIN.
#[must_use]
pub fn pin_input(account: &AccountId, change: &ChangeId, id: &ChallengeId, pin: &TransferPinCode) -> Digest {
    Digest::of(&["linekeeper transfer pin 1", account.as_str(), change.as_str(), id.as_str(), pin.expose()])
}

/// A PIN in the making: what is kept of it, once its MAC is known.
///
/// # Errors
/// As [`may_draw`].
pub fn drawn(view: &View, change: &ChangeId, id: ChallengeId, mac: String, ctx: Context<'_>) -> Result<TransferPin, Denied> {
    let expires_at = may_draw(view, change, ctx)?;
    let asked = find(view, change)?;
    let (asked_at, record) = (asked.request.requested_at, asked.pin_record);
    Ok(TransferPin { id, change: change.clone(), mac, asked_at, record, issued_at: ctx.now, expires_at })
}

/// Until when a PIN that is drawn now counts: the life of the place's token.
///
/// # Errors
/// [`Denied::NotFound`] without the account; [`Denied::ChangeClosed`] where there is nothing to draw: the change is
/// of another kind, its gates are open, or its time is over.
pub fn may_draw(view: &View, id: &ChangeId, ctx: Context<'_>) -> Result<Timestamp, Denied> {
    let change = find(view, id)?;
    let account = &view.account.as_ref().ok_or(Denied::NotFound)?.state;
    match (&change.details, &change.stage) {
        (Details::PortPin {}, Stage::Authorized(granted)) if ctx.now < granted.expires_at => {
            Ok(ctx.now + row(account.jurisdiction).token_life())
        }
        _ => Err(Denied::ChangeClosed),
    }
}

/// Records that a PIN was drawn, and tells every channel. A lock that came in between wins: then the change is
/// over, and the PIN that was made is worth nothing.
///
/// # Errors
/// As [`may_draw`].
pub fn draw(view: &View, pin: &TransferPin, ctx: Context<'_>) -> Result<Draft, Denied> {
    let id = &pin.change;
    may_draw(view, id, ctx)?;
    let change = find(view, id)?;
    let seen = view.seen(&change.details, None, ctx.now, ctx.settings).ok_or(Denied::NotFound)?;
    if let Some(reason) = forbids(view, change, &seen, ctx) {
        let ended = Event::Ended { change: id.clone(), how: Ending::Refused, reason: Some(reason) };
        return Ok(step(id, vec![ended], None, Some(seen.seq)));
    }
    let events = vec![
        Event::PinIssued { change: id.clone(), pin: pin.clone() },
        Event::Ended { change: id.clone(), how: Ending::Completed, reason: None },
    ];
    let told = notice(view, Message::PinIssued, Some(change), id.subject(), ctx);
    let roll_tally = view.tally(id.subject()).is_some_and(|tally| ctx.now >= tally.since + crate::time::Span::days(1));
    Ok(Draft { roll_tally, ..step(id, events, Some(told), Some(seen.seq)) })
}

/// The PIN that an order's guess would be claimed for: the line's, where it is worth something.
#[must_use]
pub fn claimable(view: &View, subject: &Subject, now: Timestamp) -> Option<TransferPin> {
    let line = view.line.as_ref().map(|line| &line.state).filter(|line| Subject::Line(line.id.clone()) == *subject)?;
    line.live_pin(&view.account.as_ref()?.state, now).cloned()
}
