//! What follows from the ledger's stream: recording that the customer was told, and letting a signature
//! out.

use super::{Context, Denied, advance, find, forbids, ruling_now, step};
use crate::change::{AccountSeen, Authorization, Change, Ending, Stage};
use crate::digest::Digest;
use crate::ids::{ChangeId, Subject};
use crate::kinds::Reason;
use crate::ledger::{Draft, Entry, Event, Follow, Step};
use crate::notice::{Delivery, Notice, Untold};
use crate::state::View;

/// The event that records deliveries.
fn told_event(seq: u64, notice: &Notice, deliveries: &[Delivery]) -> (Event, bool) {
    let counted = notice.to.iter().any(|recipient| {
        recipient.counts && deliveries.iter().any(|delivery| delivery.accepted && delivery.contact == recipient.contact)
    });
    let event = Event::Told { notice: seq, change: notice.change.clone(), deliveries: deliveries.to_vec(), counted };
    (event, counted)
}

/// Records what became of the notice of entry `seq`. Where that closes a change's last gate, it moves on.
///
/// # Errors
/// None but what [`recorded`] could have said before: a notice that is recorded gives an empty draft.
pub fn told(view: &View, entry: &Entry, notice: &Notice, deliveries: &[Delivery], ctx: Context<'_>) -> Result<Draft, Denied> {
    let subject = &entry.owner.subject;
    if recorded(view, entry) {
        return Ok(Draft::default());
    }
    let (event, counted) = told_event(entry.seq, notice, deliveries);
    let change = notice.change.as_ref().and_then(|id| view.change(id)).filter(|_| counted);
    let Some(change) = change else { return Ok(Draft::on(subject, Step { events: vec![event], notice: None })) };
    let mut after = change.clone();
    after.told_at = after.told_at.or(Some(ctx.now));
    let (more, notice, relies) = advance(view, &after, ctx);
    let mut events = vec![event];
    events.extend(more);
    Ok(step(&change.id, events, notice, relies))
}

/// Whether the deliveries of an entry's notice have been recorded, or it was taken over by a later one.
#[must_use]
pub fn recorded(view: &View, entry: &Entry) -> bool {
    view.book(&entry.owner.subject).is_none_or(|book| !book.untold.contains_key(&entry.seq.to_string()))
}

/// The same, for when nothing has happened since the entry: needs no read, only the entry itself and its
/// hash. What it says of the change (`after`) is then the state. Where something has happened, the write
/// fails, and [`told`] decides on what stands. Nothing for a retry, whose attempts only the state counts.
///
/// # Errors
/// Where the entry cannot be written as JSON.
pub fn told_at_once(
    entry: &Entry,
    hash: &Digest,
    notice: &Notice,
    deliveries: &[Delivery],
    ctx: Context<'_>,
) -> Result<Option<Follow>, serde_json::Error> {
    if entry.events.iter().any(|event| matches!(event, Event::Retried { .. })) {
        return Ok(None);
    }
    let (event, counted) = told_event(entry.seq, notice, deliveries);
    let mut events = vec![event];
    let mut relies = None;
    let change = entry.after.as_deref().filter(|change| counted && notice.change.as_ref() == Some(&change.id)).map(|change| {
        let mut change = change.clone();
        change.told_at = change.told_at.or(Some(ctx.now));
        // The requirement is still the right one while nothing has changed; that is what the write checks.
        let (more, _, account) = advance(&View::default(), &change, ctx);
        for event in more {
            if let Event::Authorized { authorization, .. } = &event {
                change.stage = Stage::Authorized(authorization.clone());
                change.challenge = None;
                relies = account.filter(|_| change.id.subject() != &Subject::Account);
                events.push(event);
            }
        }
        change
    });
    let untold = Untold::first(notice).after(deliveries, counted);
    let follow = Follow::after(entry, hash, events, change, ctx.now)?;
    Ok(Some(Follow { notice: Some((entry.seq, untold)), relies_on_account: relies, ..follow }))
}

/// What to do with a signature that was just made.
#[derive(Clone, Debug)]
pub enum Release {
    /// Record it as out, then publish it.
    Now(Draft),
    /// It is recorded as out already, and still stands: publish it again.
    Again,
    /// Something came first: throw it away. The draft records why, where that is not recorded yet.
    Never(Draft),
}

/// The same as [`Release::Now`], for when nothing has happened since the entry that granted it: the write
/// checks that neither the line nor the account has moved on. Nothing where it is too late.
///
/// # Errors
/// Where the entry cannot be written as JSON.
pub fn released_at_once(
    entry: &Entry,
    hash: &Digest,
    change: &Change,
    ctx: Context<'_>,
) -> Result<Option<Follow>, serde_json::Error> {
    let Stage::Authorized(authorization) = &change.stage else { return Ok(None) };
    if ctx.now >= authorization.expires_at {
        return Ok(None);
    }
    let out = change.clone().released(ctx.now);
    let relies_on_account = match change.id.subject() {
        Subject::Line(_) => Some(change.seen.seq),
        Subject::Account => None,
    };
    let released = vec![Event::Released { change: change.id.clone() }];
    Ok(Some(Follow { relies_on_account, ..Follow::after(entry, hash, released, Some(out), ctx.now)? }))
}

/// Decides whether a signature may leave. The authorization was granted by an earlier entry; whatever has
/// been committed since, a lock, a cancel or a hold, wins (I2).
///
/// # Errors
/// [`Denied::NotFound`] where the change is not there.
pub fn release(view: &View, id: &ChangeId, authorization: &Authorization, ctx: Context<'_>) -> Result<Release, Denied> {
    let change = find(view, id)?;
    if change.authorization() != Some(authorization) || ctx.now >= authorization.expires_at {
        return Ok(Release::Never(Draft::default()));
    }
    let seen: Option<AccountSeen> = view.seen(&change.details, Some(&change.seen), ctx.now, ctx.settings);
    let reason = match &seen {
        None => Some(Reason::ScoreUnavailable),
        // A protection in mode `step_up` that came in between asks for more than was given.
        Some(seen) => forbids(view, change, seen, ctx).or_else(|| {
            let more = !change.need.at_least(&ruling_now(view, change, seen, ctx).need);
            more.then_some(Reason::Protected)
        }),
    };
    match (&change.stage, reason) {
        (Stage::Authorized(_), None) => {
            let events = vec![Event::Released { change: id.clone() }];
            Ok(Release::Now(step(id, events, None, seen.map(|seen| seen.seq))))
        }
        (Stage::Released(_), None) => Ok(Release::Again),
        (Stage::Authorized(_) | Stage::Released(_), Some(reason)) => {
            let ended = Event::Ended { change: id.clone(), how: Ending::Refused, reason: Some(reason) };
            Ok(Release::Never(step(id, vec![ended], None, None)))
        }
        (Stage::Open | Stage::Ended { .. }, _) => Ok(Release::Never(Draft::default())),
    }
}
