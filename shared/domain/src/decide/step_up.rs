//! One-time codes: offered, sent, claimed, compared, consumed.

use super::{Context, Denied, account_id, advance, find, step};
use crate::change::{Address, Challenge, Change};
use crate::digest::Digest;
use crate::ids::{AccountId, ChallengeId, ChangeId};
use crate::kinds::Factor;
use crate::ledger::{Draft, Event};
use crate::proof::Proof;
use crate::secret::OtpCode;
use crate::state::View;
use crate::time::Span;

/// A code that may be sent.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Where to.
    pub to: Address,
}

/// Whether a code for a factor may be sent now, and where to.
///
/// # Errors
/// [`Denied`]; budgets are per change (time between codes) and per subject and day.
pub fn offer(view: &View, id: &ChangeId, factor: Factor, ctx: Context<'_>) -> Result<Offer, Denied> {
    let change = find(view, id)?;
    if !change.status(ctx.now).is_open() {
        return Err(Denied::ChangeClosed);
    }
    let to = view.destination(id.subject(), factor, ctx.now, ctx.settings);
    let to = to.filter(|_| change.wanted().has(factor)).ok_or(Denied::FactorNotOffered)?;
    let book = view.book(id.subject()).ok_or(Denied::NotFound)?;
    let too_soon = change.challenge.as_ref().is_some_and(|open| ctx.now < open.opened_at + ctx.settings.resend_after);
    if too_soon || book.codes.take(ctx.now, ctx.settings.codes_per_day, Span::days(1)).is_none() {
        return Err(Denied::TooManyCodes);
    }
    let tally = view.tally(id.subject()).ok_or(Denied::NotFound)?;
    let day_over = ctx.now >= tally.since + Span::days(1);
    if !day_over && tally.guesses >= ctx.settings.guesses_per_day {
        return Err(Denied::TooManyAttempts);
    }
    Ok(Offer { to })
}

/// Opens a challenge, which kills the older one of the same change.
///
/// # Errors
/// As [`offer`].
pub fn issue(view: &View, id: &ChangeId, challenge: &Challenge, ctx: Context<'_>) -> Result<Draft, Denied> {
    offer(view, id, challenge.factor, ctx)?;
    let change = find(view, id)?;
    let tally = view.tally(id.subject()).ok_or(Denied::NotFound)?;
    let seen = view.seen(&change.details, Some(&change.seen), ctx.now, ctx.settings).map(|seen| seen.seq);
    let opened = Event::ChallengeOpened { change: id.clone(), challenge: challenge.clone() };
    Ok(Draft { roll_tally: ctx.now >= tally.since + Span::days(1), ..step(id, vec![opened], None, seen) })
}

/// What a code's MAC covers, so that a code for one thing is worthless for another: the purpose, the
/// account, the change and everything it would do, the challenge, and the code.
#[must_use]
pub fn mac_input(account: &AccountId, change: &Change, challenge: &ChallengeId, factor: Factor, code: &OtpCode) -> Digest {
    Digest::of(&[
        "linekeeper one-time code 1",
        factor.word(),
        account.as_str(),
        change.id.as_str(),
        change.digest().as_str(),
        challenge.as_str(),
        code.expose(),
    ])
}

/// A guess to be claimed in one conditional write before anything is compared.
#[derive(Clone, Debug)]
pub struct Claim {
    /// For which change.
    pub change: ChangeId,
    /// At which challenge.
    pub challenge: ChallengeId,
}

/// Why a claim was refused, from the item as it stood.
#[must_use]
pub fn why_not_claimed(view: &View, claim: &Claim, ctx: Context<'_>) -> Denied {
    let Some(change) = view.change(&claim.change) else { return Denied::NotFound };
    let open = change.challenge.as_ref().filter(|open| open.id == claim.challenge && ctx.now < open.expires_at);
    let tally = view.tally(claim.change.subject());
    let tries = tally.and_then(|tally| tally.tries.get(&claim.challenge)).copied().unwrap_or(0);
    match open {
        None => Denied::ChallengeOver,
        Some(_) if tries >= ctx.settings.guesses_per_challenge => Denied::TooManyAttempts,
        Some(_) if tally.is_some_and(|tally| tally.guesses >= ctx.settings.guesses_per_day) => Denied::TooManyAttempts,
        Some(_) => Denied::ChallengeOver,
    }
}

/// What a claimed guess turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The right code.
    Right,
    /// Another one.
    Wrong,
}

/// Records a claimed guess's outcome. A right one consumes the challenge in the same write that moves the
/// change on, so that exactly one can win (I3).
///
/// # Errors
/// [`Denied::ChallengeOver`] where another answer was first, or the challenge was replaced.
pub fn answer(view: &View, claim: &Claim, answer: Answer, ctx: Context<'_>) -> Result<Draft, Denied> {
    let change = find(view, &claim.change)?;
    let open = change.challenge.as_ref().filter(|open| open.id == claim.challenge).ok_or(Denied::ChallengeOver)?;
    if account_id(view).is_none() {
        return Err(Denied::NotFound);
    }
    if !change.status(ctx.now).is_open() {
        return Err(Denied::ChangeClosed);
    }
    match answer {
        Answer::Wrong => {
            let failed = Event::GuessFailed { change: claim.change.clone(), challenge: claim.challenge.clone() };
            Ok(step(&claim.change, vec![failed], None, None))
        }
        Answer::Right => {
            let proof = Proof { factor: open.factor, at: ctx.now };
            let mut proven = change.clone();
            proven.challenge = None;
            proven.proofs.push(proof);
            let (more, notice, relies) = advance(view, &proven, ctx);
            let mut events = vec![Event::Proven { change: claim.change.clone(), proof }];
            events.extend(more);
            Ok(step(&claim.change, events, notice, relies))
        }
    }
}
