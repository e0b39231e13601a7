//! What time alone brings about: holds that are over, changes that were not proven or carried out in time,
//! notices that nobody recorded.

use super::port::timed;
use super::{Context, advance, notice, step};
use crate::change::{Change, Ending, Stage};
use crate::ids::Subject;
use crate::ledger::{Draft, Event, Step};
use crate::notice::{Message, Notice, still_pending};
use crate::state::{Book, View};

/// The first thing that is due for a subject, or nothing. The caller writes it and asks again.
#[must_use]
pub fn sweep(view: &View, subject: &Subject, ctx: Context<'_>) -> Option<Draft> {
    let book = view.book(subject)?;
    let changes = book.changes.values().find_map(|change| change_due(view, change, ctx));
    changes.or_else(|| notice_due(view, subject, book, ctx)).or_else(|| reminder_due(view, subject, ctx))
}

/// Once a year she is told which protections are on offer. Where she has no channel, that is recorded alone.
fn reminder_due(view: &View, subject: &Subject, ctx: Context<'_>) -> Option<Draft> {
    let account = view.account.as_ref().filter(|_| *subject == Subject::Account)?;
    account.state.reminder_due().filter(|&due| due <= ctx.now)?;
    let notice = Some(notice(view, Message::Reminder, None, subject, ctx)).filter(|notice| !notice.to.is_empty());
    Some(Draft::on(subject, Step { events: vec![Event::Reminded], notice }))
}

fn change_due(view: &View, change: &Change, ctx: Context<'_>) -> Option<Draft> {
    if change.due(ctx.now)? > ctx.now {
        return None;
    }
    let end = |how| {
        let ended = Event::Ended { change: change.id.clone(), how, reason: None };
        Some(step(&change.id, vec![ended], None, None))
    };
    match &change.stage {
        Stage::Open if ctx.now >= change.expires_at => end(Ending::Expired),
        // Nobody downstream may take our silence for consent.
        Stage::Open | Stage::Authorized(_) if change.unanswered_until().is_some_and(|until| ctx.now >= until) => {
            timed(view, &change.id).ok()
        }
        Stage::Authorized(_) | Stage::Released(_) => end(Ending::Lapsed),
        Stage::Open => {
            let (events, notice, relies) = advance(view, change, ctx);
            (!events.is_empty()).then(|| step(&change.id, events, notice, relies))
        }
        Stage::Ended { .. } => None,
    }
}

fn notice_due(view: &View, subject: &Subject, book: &Book, ctx: Context<'_>) -> Option<Draft> {
    let (key, untold) = book.untold.iter().find(|(_, untold)| untold.retry_at <= ctx.now)?;
    let seq: u64 = key.parse().ok()?;
    let to = still_pending(view, subject, untold, ctx.now, ctx.settings);
    let give_up = Event::GivenUp { notice: seq, message: untold.message.clone(), accepted: untold.accepted };
    let step = if untold.attempts >= ctx.settings.notice_attempts || to.is_empty() {
        Step { events: vec![give_up], notice: None }
    } else {
        let retry_at = ctx.now + ctx.settings.notice_retry;
        let message: Message = untold.message.clone();
        let notice = Notice { message, locale: view.locale(), change: untold.change.clone(), to, retry_at };
        Step { events: vec![Event::Retried { notice: seq, retry_at }], notice: Some(notice) }
    };
    Some(Draft::on(subject, step))
}
