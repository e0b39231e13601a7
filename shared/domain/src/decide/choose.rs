//! Which factors a customer is offered for a change, and why not the others: a function of the change, its
//! decision, what she has and how long she has had it.

use super::Context;
use crate::change::{Address, Change, Details};
use crate::ids::Subject;
use crate::kinds::{Factor, WhyNot};
use crate::policy::moved_by;
use crate::proof::Factors;
use crate::state::{Account, View};

/// One factor, and what speaks against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which.
    pub factor: Factor,
    /// Why it is not offered; nothing where it is.
    pub why_not: Option<WhyNot>,
}

/// Every factor, strongest first. Nothing where the account was not read: what she has is then not known.
#[must_use]
pub fn choices(view: &View, change: &Change, ctx: Context<'_>) -> Option<Vec<Choice>> {
    let account = &view.account.as_ref()?.state;
    let wanted = change.wanted();
    let choice = |factor: Factor| Choice { factor, why_not: why_not(view, account, change, wanted, factor, ctx) };
    Some(Factor::ALL.iter().rev().map(|&factor| choice(factor)).collect())
}

/// The first reason that stands against a factor.
fn why_not(
    view: &View,
    account: &Account,
    change: &Change,
    wanted: Factors,
    factor: Factor,
    ctx: Context<'_>,
) -> Option<WhyNot> {
    let subject = change.id.subject();
    if factor == Factor::DeviceKey {
        return Some(WhyNot::Silent);
    }
    let (held, proves) = match factor {
        Factor::Totp | Factor::Passkey | Factor::DeviceKey | Factor::RecoveryCode => {
            (account.factors.iter().any(|known| known.is(factor)), account.proves(factor, ctx.now))
        }
        Factor::SmsOtp | Factor::EmailOtp | Factor::PushOtp => {
            let destination = view.destination(subject, factor, ctx.now, ctx.settings);
            (view.reaches(subject, factor, ctx.now), destination.is_some())
        }
    };
    if !held {
        return Some(WhyNot::NotEnrolled);
    }
    if moved_by(change.kind()).has(factor) || removed_by(account, change, factor) {
        return Some(WhyNot::MovedByTheChange);
    }
    if change.details.taint().spoils().has(factor) {
        return Some(WhyNot::PhoneLost);
    }
    if factor == Factor::SmsOtp && subject_taint(view, subject, ctx) {
        return Some(WhyNot::SimChanged);
    }
    if factor == Factor::EmailOtp && !change.need.accepted.has(factor) {
        return Some(WhyNot::OnlyForALostPhone);
    }
    if !proves || !change.need.accepted.has(factor) {
        return Some(WhyNot::TooNew);
    }
    (!wanted.has(factor)).then_some(WhyNot::NoHelp)
}

fn subject_taint(view: &View, subject: &Subject, ctx: Context<'_>) -> bool {
    match (subject, &view.line) {
        (Subject::Line(_), Some(line)) => line.state.taint(ctx.now, ctx.settings).sms,
        (Subject::Line(_), None) | (Subject::Account, _) => false,
    }
}

/// Whether the change takes away the only thing that a factor is proven by.
fn removed_by(account: &Account, change: &Change, factor: Factor) -> bool {
    match &change.details {
        Details::FactorRemove { id, .. } => {
            let mut left = account.factors.iter().filter(|known| known.is(factor) && known.id != *id);
            left.next().is_none() && account.factors.iter().any(|known| known.is(factor) && known.id == *id)
        }
        Details::ContactChange { remove: Some(id), .. } => {
            let of_factor = |address: &Address| match address {
                Address::Email(_) => factor == Factor::EmailOtp,
                Address::Sms(_) => factor == Factor::SmsOtp,
                Address::Push(_) => factor == Factor::PushOtp,
            };
            let held = account.contacts.iter().filter(|contact| contact.removed_at.is_none() && of_factor(&contact.address));
            let mut ids = held.map(|contact| &contact.id).peekable();
            ids.peek().is_some() && ids.all(|held| held == id)
        }
        Details::SimSwap { .. }
        | Details::NumberChange {}
        | Details::ContactChange { remove: None, .. }
        | Details::CredentialReset {}
        | Details::ProtectionOff { .. }
        | Details::AuthorizedUser { .. }
        | Details::Ownership {}
        | Details::AddLine {}
        | Details::DeviceUpgrade { .. }
        | Details::FactorAdd { .. } => false,
    }
}
