//! Commands: each a pure function from what was read to what happens.
//!
//! None of them reads a clock, a random number or a table. What they cannot do they say by [`Denied`];
//! what has been done already gives an empty [`Draft`].

mod choose;
mod desk;
mod fraud;
mod open;
mod pin;
mod port;
mod protect;
mod provision;
mod reassess;
mod request;
mod step_up;
mod stop;
mod sweep;
mod tell;

pub(crate) use choose::proving;
pub use choose::{Choice, choices};
pub use desk::{
    Beginning, Said, alarm, answer_contact, attended, begin, check, end_contact, prepare, seen, unchecked, under_way, viewed,
};
pub use fraud::{ReportFraud, close_case, record_remedy, report_fraud};
pub use open::{Opening, close_account, end_line, open_account, open_line, set_billing, verify_contact};
pub use pin::{claimable, draw, drawn, may_draw, pin_input};
pub use port::{
    PinShown, PortAsk, Reply, Says, Supplement, activated, asked, cancelled, confirmed_again, port, port_id, recheck, replied,
    supplemented, timed,
};
pub use protect::{ProtectionOn, protect};
pub use provision::{Report, report};
pub use reassess::reassess;
pub use request::{Ask, request};
pub use step_up::{
    Answer, Claim, Offer, Sender, answer, answered, issue, mac_input, offer, recovery_code, spent, why_not_claimed,
};
pub use stop::{cancel, not_me};
pub use sweep::sweep;
pub use tell::{Release, recorded, release, released_at_once, told, told_at_once};

use crate::change::{AccountSeen, Address, Authorization, Change, Decision, Details, Ending, Stage};
use crate::config::Settings;
use crate::factors::Enrolled;
use crate::ids::{AccountId, AuthorizationId, ChangeId, FactorId, Subject};
use crate::kinds::{ActorKind, ChangeKind, Jurisdiction, Reason};
use crate::ledger::{Draft, Event, Step};
use crate::notice::{Message, Notice, recipients};
use crate::policy::{POLICY_VERSION, Question, Ruling, required};
use crate::porting::jurisdiction::row;
use crate::proof::Taint;
use crate::risk::Assessment;
use crate::state::{Line, View};
use crate::time::{Span, Timestamp};

/// What a command needs besides what was read.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The time.
    pub now: Timestamp,
    /// The carrier's settings.
    pub settings: &'a Settings,
}

/// Why a command does nothing. Every one has a problem type at the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No such account, line or change for this caller. Unknown, foreign and malformed look the same (I9).
    #[error("there is no such account, line or change")]
    NotFound,
    /// The caller may not do this.
    #[error("this caller may not do this")]
    Forbidden,
    /// A change of this kind is open already.
    #[error("a change of this kind is open already")]
    AlreadyOpen,
    /// The same `Idempotency-Key` came with another body.
    #[error("this Idempotency-Key was used with another request")]
    KeyReused,
    /// The change is over.
    #[error("the change is over")]
    ChangeClosed,
    /// The protection is not on, the SIM is in the line already, or nothing is to be changed.
    #[error("there is nothing to change")]
    NothingToChange,
    /// A phone number that its numbering plan does not know.
    #[error("the phone number does not exist in its numbering plan")]
    NoSuchNumber,
    /// Too many contacts.
    #[error("the account has as many contacts as it can have")]
    TooManyContacts,
    /// Too many changes are open or were asked for today.
    #[error("too many changes were asked for")]
    TooManyRequests,
    /// Too many codes were sent.
    #[error("too many codes were sent")]
    TooManyCodes,
    /// Too many guesses.
    #[error("too many codes were tried")]
    TooManyAttempts,
    /// Guesses come too fast: so much longer.
    #[error("too many codes were tried: wait {0}")]
    Wait(Span),
    /// SMS does not go to that country.
    #[error("codes are not sent to that country by SMS")]
    CountryNotServed,
    /// The account has as many factors of the kind as it can have.
    #[error("the account has as many of these as it can have")]
    TooManyFactors,
    /// A code of an authenticator app was used before.
    #[error("this code was used already: wait for the next one")]
    CodeUsed,
    /// A device's proof was used before.
    #[error("the proof was used already: make one for every request")]
    ProofReplayed,
    /// The answer comes from a session that did not ask.
    #[error("answer on the device that asked, or ask on this one")]
    AnotherDevice,
    /// The factor is not asked for, not accepted, or the customer has none.
    #[error("this factor does not help here")]
    FactorNotOffered,
    /// The challenge was answered, replaced, or its time is over.
    #[error("the code has been used, replaced, or its time is over")]
    ChallengeOver,
    /// A report names more than a case takes in.
    #[error("name at most {} things: what is not named is frozen with the account", crate::fraud::CONCERNS)]
    TooManyConcerns,
    /// The case was closed with another outcome.
    #[error("the case is closed")]
    CaseClosed,
    /// The time of a contact is over, or its wall stays shut.
    #[error("the contact is over: begin another one")]
    ContactOver,
    /// The customer has not opened the wall.
    #[error("the customer has not opened this contact in the app")]
    WallClosed,
    /// The second person is the first, or shares a session or a device.
    #[error("somebody else has to look at it, in a session and at a device of their own")]
    SamePerson,
    /// An event of provisioning came too late, or does not fit what is known.
    #[error("the report does not fit: {0}")]
    DoesNotFit(&'static str),
}

/// What the policy is asked about a change, as it stands.
fn question(change: &Change, seen: &AccountSeen, line: Option<&Line>, jurisdiction: Jurisdiction, ctx: Context<'_>) -> Question {
    let (line_cover, line_taint) = line.map_or((crate::policy::Cover::Open, Taint::default()), |l| {
        (l.cover(&change.details, ctx.now), l.taint(ctx.now, ctx.settings))
    });
    Question {
        kind: change.kind(),
        channel: change.request.channel,
        actor: change.request.actor.kind(),
        cover: seen.cover.max(line_cover),
        band: change.decision.band,
        taint: seen.taint.or(line_taint).or(change.details.taint()),
        jurisdiction,
    }
}

/// The decision that a ruling amounts to.
fn decision(ruling: &Ruling, assessment: &Assessment, now: Timestamp) -> Decision {
    let mut reasons = ruling.reasons.clone();
    let scored = assessment.reasons.iter().map(|weighted| weighted.reason);
    reasons.extend(scored.filter(|reason| !ruling.reasons.contains(reason)));
    Decision {
        outcome: ruling.need.outcome(),
        band: assessment.band,
        probability_ppm: assessment.probability_ppm,
        reasons,
        model: assessment.model.clone(),
        shadow: assessment.shadow.clone(),
        policy: POLICY_VERSION.to_owned(),
        at: now,
    }
}

/// Moves a change on as far as it can go, after a gate closed: re-asks the policy of the state as it is
/// now, and grants the authorization where nothing is open. `events` are those of the step so far.
///
/// Returns what happens besides, and whether the account was relied on.
fn advance(view: &View, change: &Change, ctx: Context<'_>) -> (Vec<Event>, Option<Notice>, Option<u64>) {
    if !matches!(change.stage, Stage::Open) || ctx.now >= change.expires_at {
        return (Vec::new(), None, None);
    }
    let Some(seen) = view.seen(&change.details, Some(&change.seen), ctx.now, ctx.settings) else {
        return (Vec::new(), None, None);
    };
    let relies = Some(seen.seq);
    if let Some(reason) = forbids(view, change, &seen, ctx) {
        let ended = Event::Ended { change: change.id.clone(), how: Ending::Refused, reason: Some(reason) };
        return (vec![ended], None, relies);
    }
    let ruling = ruling_now(view, change, &seen, ctx);
    let mut events = Vec::new();
    let mut change = change.clone();
    if !change.need.at_least(&ruling.need) {
        let event = raise(&mut change, &ruling, ctx);
        events.push(event);
    }
    if !change.open_gates(ctx.now).is_empty() {
        return (events, None, relies);
    }
    match &change.details {
        // Linekeeper's own to carry out: there is nothing for provisioning to do. The notice needs the
        // account's contacts; where the account was not read, the sweep finds the change due.
        Details::ProtectionOff { protection } => {
            if view.account.is_some() {
                events.push(Event::ProtectionOff { protection: *protection });
                events.push(Event::Ended { change: change.id.clone(), how: Ending::Completed, reason: None });
                let notice =
                    notice(view, Message::ProtectionOff { protection: *protection }, Some(&change), change.id.subject(), ctx);
                return (events, Some(notice), relies);
            }
        }
        Details::FactorAdd { .. } | Details::FactorRemove { .. } => {
            if let (Some(account), Some(event)) = (&view.account, factor_event(view, &change, ctx)) {
                // Others of the account's changes may have filled its place in the meantime.
                let full = matches!(&event, Event::FactorAdded { factor } if account.state.is_full(factor.credential.kind()));
                let how = if full { Ending::Failed } else { Ending::Completed };
                let message = if full { Message::Failed } else { Message::Completed };
                events.extend((!full).then_some(event));
                events.push(Event::Ended { change: change.id.clone(), how, reason: None });
                let notice = notice(view, message, Some(&change), change.id.subject(), ctx);
                return (events, Some(notice), relies);
            }
        }
        Details::SimSwap { .. }
        | Details::PortOut { .. }
        | Details::PortPin {}
        | Details::NumberChange {}
        | Details::ContactChange { .. }
        | Details::CredentialReset {}
        | Details::AuthorizedUser { .. }
        | Details::Ownership {}
        | Details::AddLine {}
        | Details::DeviceUpgrade { .. } => {
            // A port is confirmed long before it is due.
            let expires_at = match change.port.as_deref() {
                Some(port) => port.due_at.max(ctx.now) + ctx.settings.port_life,
                None => ctx.now + ctx.settings.authorization_life,
            };
            let authorization = Authorization {
                id: AuthorizationId::of(&change.digest(), change.request.requested_at),
                granted_at: ctx.now,
                expires_at,
            };
            events.push(Event::Authorized { change: change.id.clone(), authorization });
        }
    }
    (events, None, relies)
}

/// What a change of the customer's factors does once every gate is closed.
fn factor_event(view: &View, change: &Change, ctx: Context<'_>) -> Option<Event> {
    let recovered_at = view.account.as_ref().and_then(|account| account.state.recovered_at);
    match (&change.details, &change.enrols) {
        (Details::FactorRemove { id, .. }, _) => Some(Event::FactorRemoved { factor: id.clone() }),
        (Details::FactorAdd { .. }, Some(credential)) => {
            let id = FactorId::of(&change.digest());
            let factor = Enrolled::new(id, credential.clone(), recovered_at, ctx.now, ctx.settings);
            Some(Event::FactorAdded { factor })
        }
        (
            Details::FactorAdd { .. }
            | Details::SimSwap { .. }
            | Details::PortOut { .. }
            | Details::PortPin {}
            | Details::NumberChange {}
            | Details::ContactChange { .. }
            | Details::CredentialReset {}
            | Details::ProtectionOff { .. }
            | Details::AuthorizedUser { .. }
            | Details::Ownership {}
            | Details::AddLine {}
            | Details::DeviceUpgrade { .. },
            _,
        ) => None,
    }
}

/// Why a change must not go on as things are now: a protection that blocks, an account or line that is
/// closed. What commits before the authorization, or before its signature, wins (I2).
fn forbids(view: &View, change: &Change, seen: &AccountSeen, ctx: Context<'_>) -> Option<Reason> {
    let line_over = view.line.as_ref().is_some_and(|line| line.state.ended_at.is_some());
    if !seen.open || line_over {
        return Some(Reason::NotYours);
    }
    ruling_now(view, change, seen, ctx).need.refused
}

/// What the policy says of the change by the state as it is now.
fn ruling_now(view: &View, change: &Change, seen: &AccountSeen, ctx: Context<'_>) -> Ruling {
    let line = view.line.as_ref().map(|line| &line.state);
    // Where the account was not read, the jurisdiction's floor is in the change's need already.
    let remembered = change.port.as_deref().map_or(Jurisdiction::Us, |port| port.jurisdiction);
    let jurisdiction = view.account.as_ref().map_or(remembered, |account| account.state.jurisdiction);
    port_rule(change, &question(change, seen, line, jurisdiction, ctx), line, ctx.now)
}

/// The same, with the wait between a SIM's change and a port that the place asks for: whoever took the SIM shall not
/// take the number with it.
fn port_rule(change: &Change, question: &Question, line: Option<&Line>, now: Timestamp) -> Ruling {
    let ruling = rule(&change.details, question);
    let swapped = line.and_then(Line::sim_changed_at).filter(|_| change.kind() == ChangeKind::PortOut);
    match swapped {
        Some(at) if row(question.jurisdiction).sim_swap_wait.value.is_some_and(|wait| now < at + wait) => {
            ruling.join(Ruling::refusal(Reason::RecentSimChange))
        }
        Some(_) | None => ruling,
    }
}

/// What the policy says, and what the change's own details add to it.
fn rule(details: &Details, question: &Question) -> Ruling {
    let mut ruling = required(question);
    ruling.need.assurance = ruling.need.assurance.max(details.floor());
    ruling
}

/// The event that raises a change's need, which is applied to `change` as well.
fn raise(change: &mut Change, ruling: &Ruling, ctx: Context<'_>) -> Event {
    change.raise(ruling.need, ctx.settings);
    let mut decision = change.decision.clone();
    decision.outcome = change.need.outcome();
    decision.at = ctx.now;
    for reason in &ruling.reasons {
        if !decision.reasons.contains(reason) {
            decision.reasons.push(*reason);
        }
    }
    change.decision = decision.clone();
    Event::Raised {
        change: change.id.clone(),
        need: change.need,
        decision,
        hold_until: change.hold_until,
        expires_at: change.expires_at,
    }
}

/// A notice to every channel that has to be told.
fn notice(view: &View, message: Message, change: Option<&Change>, subject: &Subject, ctx: Context<'_>) -> Notice {
    Notice {
        message,
        locale: view.locale(),
        change: change.map(|change| change.id.clone()),
        to: recipients(view, subject, change, ctx.now, ctx.settings),
        retry_at: ctx.now + ctx.settings.notice_retry,
    }
}

/// The change with that id, where the subject was read and is the caller's.
fn find<'a>(view: &'a View, id: &ChangeId) -> Result<&'a Change, Denied> {
    view.change(id).ok_or(Denied::NotFound)
}

/// One step on a change's own subject.
fn step(change: &ChangeId, events: Vec<Event>, notice: Option<Notice>, relies_on_account: Option<u64>) -> Draft {
    let relies_on_account = match change.subject() {
        Subject::Line(_) => relies_on_account,
        Subject::Account => None,
    };
    Draft { relies_on_account, ..Draft::on(change.subject(), Step { events, notice }) }
}

/// Whether a member of staff or the customer acts: others never ask for anything.
const fn may_ask(actor: ActorKind) -> bool {
    matches!(actor, ActorKind::Customer | ActorKind::Representative)
}

/// A number or address that comes in from outside must exist.
fn exists(address: &Address) -> Result<(), Denied> {
    match address {
        Address::Sms(msisdn) if !msisdn.is_in_its_plan() => Err(Denied::NoSuchNumber),
        Address::Sms(_) | Address::Email(_) | Address::Push(_) => Ok(()),
    }
}

/// The account that was read.
fn account_id(view: &View) -> Option<&AccountId> {
    let account = view.account.as_ref().map(|account| &account.state.id);
    account.or_else(|| view.line.as_ref().map(|line| &line.state.account_id))
}

/// A SIM swap asked for in the app, for the tests of other modules.
#[cfg(test)]
pub(crate) fn test_change() -> Change {
    use crate::change::{Actor, NewSim, Request};
    use crate::ids::LineId;
    use crate::kinds::{Band, Channel};
    use crate::numbers::Iccid;

    let id = ChangeId::derive(&AccountId::parse("a").unwrap(), Subject::Line(LineId::parse("l").unwrap()), "k");
    let ruling = Ruling { need: crate::policy::Requirement::nothing(), reasons: Vec::new() };
    let assessment =
        Assessment { band: Band::Low, probability_ppm: Some(3), reasons: Vec::new(), model: "m".to_owned(), shadow: None };
    let now = Timestamp::from_second(1_790_000_000);
    Change {
        id,
        details: Details::SimSwap {
            sim: NewSim { iccid: Iccid::parse("8901260222193583586").unwrap(), eid: None },
            phone_lost: false,
        },
        request: Request {
            actor: Actor::Customer,
            channel: Channel::Pwa,
            requested_at: now,
            place: Some("Los Angeles, US".to_owned()),
            store: None,
        },
        decision: decision(&ruling, &assessment, now),
        seen: AccountSeen { seq: 1, cover: crate::policy::Cover::Open, taint: Taint::default(), open: true },
        need: ruling.need,
        proofs: Vec::new(),
        challenge: None,
        code_sent_at: None,
        enrols: None,
        port: None,
        pin_record: None,
        hold_until: None,
        told_at: None,
        disputed_at: None,
        expires_at: now + Span::hours(24),
        stage: Stage::Open,
    }
}
