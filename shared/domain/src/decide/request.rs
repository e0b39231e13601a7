//! Asking for a change.

use super::{Context, Denied, decision, exists, may_ask, notice, rule, spent, step};
use crate::change::{Actor, Change, Details, Ending, Request, Stage, digest};
use crate::desk::StoreVisit;
use crate::ids::{AccountId, ChangeId, ContactId, Subject};
use crate::kinds::{Band, Channel, Factor, Reason};
use crate::ledger::{Draft, Event};
use crate::notice::Message;
use crate::policy::{Cover, Question};
use crate::proof::{Proof, Taint};
use crate::risk::event::Observation;
use crate::risk::request::Asked;
use crate::risk::{Assessment, KeyShown, Scorer};
use crate::signals::{DeviceProof, RequestSignals};
use crate::state::{Account, CONTACTS, OPEN_CHANGES, View};
use crate::time::Span;

/// What someone asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The id that the caller's key gives.
    pub id: ChangeId,
    /// What is wanted.
    pub details: Details,
    /// Who asks.
    pub actor: Actor,
    /// Through which channel.
    pub channel: Channel,
    /// What is known of the request.
    pub signals: RequestSignals,
    /// The proof of the device's key that came with it.
    pub key: Option<DeviceProof>,
    /// The visit, where it comes from a store.
    pub store: Option<Box<StoreVisit>>,
}

impl Ask {
    /// As the scorer takes it.
    #[must_use]
    pub const fn asked(&self, key: KeyShown) -> Asked<'_> {
        Asked {
            kind: self.details.kind(),
            details: Some(&self.details),
            actor: &self.actor,
            channel: self.channel,
            signals: &self.signals,
            key,
        }
    }
}

/// Decides a change. An empty draft means that this very request was decided before: the caller finds it
/// in what was read.
///
/// A refusal is an outcome and not an error: it is recorded, and the customer is told.
///
/// # Errors
/// [`Denied`], where there is nothing to decide.
pub fn request(view: &View, ask: &Ask, scorer: Scorer<'_>, ctx: Context<'_>) -> Result<Draft, Denied> {
    let account = view.account.as_ref().filter(|account| account.state.closed_at.is_none()).ok_or(Denied::NotFound)?;
    let line = match ask.id.subject() {
        Subject::Account => None,
        Subject::Line(id) => {
            let line = view.line.as_ref().filter(|line| line.state.id == *id && line.state.ended_at.is_none());
            Some(&line.ok_or(Denied::NotFound)?.state)
        }
    };
    // Nothing comes from a store without a document that somebody looked at.
    if !may_ask(ask.actor.kind()) || (ask.channel == Channel::Store && ask.store.is_none()) {
        return Err(Denied::Forbidden);
    }
    let book = view.book(ask.id.subject()).ok_or(Denied::NotFound)?;
    if let Some(before) = book.changes.get(&ask.id) {
        return if before.digest() == digest(&ask.id, &ask.details) { Ok(Draft::default()) } else { Err(Denied::KeyReused) };
    }
    sensible(view, ask)?;
    if book.open(ctx.now).any(|change| change.kind() == ask.details.kind()) {
        return Err(Denied::AlreadyOpen);
    }
    if book.open(ctx.now).count() >= OPEN_CHANGES
        || book.requests.take(ctx.now, ctx.settings.changes_per_day, Span::days(1)).is_none()
    {
        return Err(Denied::TooManyRequests);
    }

    let key = account.state.key_shown(ask.key.as_ref(), ctx.now);
    let asked = ask.asked(key).seen(view, ctx.now);
    let assessment = assessed(view, &account.state.id, &asked, key, scorer, ctx);
    let seen = Account::seen(account, &ask.details, ctx.now, ctx.settings);
    let ruling = rule(
        &ask.details,
        &Question {
            kind: ask.details.kind(),
            channel: ask.channel,
            actor: ask.actor.kind(),
            cover: seen.cover.max(line.map_or(Cover::Open, |line| line.cover(&ask.details, ctx.now))),
            band: assessment.band,
            taint: seen.taint.or(line.map_or_else(Taint::default, |l| l.taint(ctx.now, ctx.settings))).or(ask.details.taint()),
            jurisdiction: account.state.jurisdiction,
        },
    );
    let mut change = Change {
        id: ask.id.clone(),
        details: ask.details.clone(),
        request: Request {
            actor: ask.actor.clone(),
            channel: ask.channel,
            requested_at: ctx.now,
            place: ask.signals.network.place(),
            store: ask.store.clone(),
        },
        decision: decision(&ruling, &assessment, ctx.now),
        need: ruling.need,
        seen: seen.clone(),
        // Her device's key speaks for itself, beside what is asked for.
        proofs: match key {
            KeyShown::Yes => vec![Proof { factor: Factor::DeviceKey, at: ctx.now }],
            KeyShown::NoneEnrolled | KeyShown::No => Vec::new(),
        },
        challenge: None,
        code_sent_at: None,
        enrols: None,
        port: None,
        pin_record: (ask.details == Details::PortPin {})
            .then(|| scorer.pin_record(&account.state.id, &view.profile, &view.meetings, &asked))
            .flatten(),
        hold_until: None,
        told_at: None,
        disputed_at: None,
        expires_at: ctx.now + ctx.settings.change_life,
        stage: match ruling.need.refused {
            None => Stage::Open,
            Some(_) => Stage::Ended { how: Ending::Refused, at: ctx.now, authorization: None },
        },
    };
    change.raise(ruling.need, ctx.settings);
    let message = if change.has_ended() { Message::Refused } else { Message::Asked };
    let notice = notice(view, message, Some(&change), ask.id.subject(), ctx);
    let requested = step(&ask.id, vec![Event::Requested { change: Box::new(change) }], Some(notice), Some(seen.seq));
    let met = scorer.counted(&account.state.id, &asked);
    Ok(Draft { quotas: ask.key.iter().map(spent).collect(), met, ..requested })
}

/// What the scorer says, and what no score of it goes below.
pub(super) fn assessed(
    view: &View,
    account: &AccountId,
    asked: &Observation<'_>,
    key: KeyShown,
    scorer: Scorer<'_>,
    ctx: Context<'_>,
) -> Assessment {
    // Past the edge nothing is known of the network, and who goes there may have a reason to (I4).
    if asked.is_online() && asked.origin.address.is_unavailable() {
        return Assessment::unavailable(scorer.model);
    }
    let assessment = scorer.assess(account, &view.profile, &view.lately(), &view.meetings, asked, ctx.now);
    match key {
        // Whatever the device calls itself: a name can be copied, the key cannot.
        KeyShown::No => assessment.at_least(Band::Elevated, Reason::NewDevice),
        KeyShown::Yes | KeyShown::NoneEnrolled => assessment,
    }
}

/// Whether the change would change anything.
fn sensible(view: &View, ask: &Ask) -> Result<(), Denied> {
    let account = view.account.as_ref().map(|account| &account.state);
    let line = view.line.as_ref().map(|line| &line.state);
    let sensible = match &ask.details {
        Details::SimSwap { sim, .. } => line.is_some_and(|line| line.sim.iccid != sim.iccid),
        Details::DeviceUpgrade { imei } => line.is_some_and(|line| line.imei.as_ref() != Some(imei)),
        Details::ProtectionOff { protection } => match ask.id.subject() {
            Subject::Account => account.is_some_and(|account| account.protections.0.contains_key(protection)),
            Subject::Line(_) => line.is_some_and(|line| line.protections.0.contains_key(protection)),
        },
        Details::ContactChange { add, remove } => {
            let contacts = account.map(|account| account.contacts.as_slice()).unwrap_or_default();
            let held = |id: &ContactId| contacts.iter().any(|contact| contact.id == *id && contact.removed_at.is_none());
            if add.is_some() && contacts.len() >= CONTACTS {
                return Err(Denied::TooManyContacts);
            }
            add.as_ref().map_or(Ok(()), exists)?;
            (add.is_some() || remove.is_some()) && remove.as_ref().is_none_or(held)
        }
        Details::FactorAdd { factor } => {
            if account.is_some_and(|account| account.is_full(*factor)) {
                return Err(Denied::TooManyFactors);
            }
            true
        }
        Details::FactorRemove { factor, id } => {
            let factors = account.map(|account| account.factors.as_slice()).unwrap_or_default();
            factors.iter().any(|known| known.id == *id && known.credential.kind() == *factor)
        }
        // One PIN at a time: another takes its place.
        Details::PortPin {}
        | Details::PortOut { .. }
        | Details::NumberChange {}
        | Details::CredentialReset {}
        | Details::AuthorizedUser { .. }
        | Details::Ownership {}
        | Details::AddLine {} => true,
    };
    if sensible { Ok(()) } else { Err(Denied::NothingToChange) }
}
