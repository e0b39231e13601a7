//! Ports: another carrier's order for a line of ours, through the porting gateway.
//!
//! A port is a change like any other, asked for by the gateway: what proves the customer, how long it waits, who is
//! told and what stops it are the same. What is its own: the order is compared with what the customer holds, the
//! transfer PIN comes with it, and the gaining carrier is answered ([`crate::porting::order`]).

use super::open::ended_with_the_line;
use super::provision::incident;
use super::request::assessed;
use super::{Context, Denied, decision, find, forbids, notice, port_rule, question, step};
use crate::change::{Actor, Answered, Change, Details, Ending, PortOrder, Request, Stage};
use crate::digest::Digest;
use crate::ids::{AccountId, ChallengeId, ChangeId, LineId, Subject};
use crate::kinds::{Band, ChangeKind, Channel, Factor, Reason};
use crate::ledger::{Draft, Event, Step};
use crate::notice::Message;
use crate::policy::{Requirement, Ruling};
use crate::porting::answer::{Answer, Reason as Fault};
use crate::porting::fields::{AccountNumber, Pon, PortVersion, Spid, Zip};
use crate::porting::hours::answer_by;
use crate::porting::jurisdiction::row;
use crate::proof::Proof;
use crate::risk::event::{Observation, Shown};
use crate::risk::marks::WideMark;
use crate::risk::request::Asked;
use crate::risk::{Assessment, KeyShown, Scorer};
use crate::signals::{RequestSignals, Signal};
use crate::state::{Account, Billing, Line, OPEN_CHANGES, View};
use crate::time::{Span, Timestamp};

/// What became of the transfer PIN that may have come with an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinShown {
    /// None came.
    None,
    /// One came, and the line has none that is worth something.
    NoneIssued,
    /// It is the line's.
    Right(ChallengeId),
    /// It is not; one guess fewer is left.
    Wrong(ChallengeId),
    /// No guess was left, so nothing was compared.
    NoGuessLeft,
}

/// An order for a line.
#[derive(Clone, Debug)]
pub struct PortAsk {
    /// The id of the change that it is.
    pub id: ChangeId,
    /// The number that leaves.
    pub number: crate::numbers::Msisdn,
    /// The gaining carrier's order.
    pub order: Pon,
    /// Its version.
    pub version: PortVersion,
    /// Who gains the line.
    pub carrier: Spid,
    /// When it is to move.
    pub due_at: Timestamp,
    /// When the gateway had it: the answering interval runs from here.
    pub received_at: Timestamp,
    /// What the order says, as a digest.
    pub content: Digest,
    /// What it says of the account: the number and the ZIP, where it says them.
    pub says: Says,
    /// What became of its PIN.
    pub pin: PinShown,
    /// The PIN as a keyed hash, where one came.
    pub tried: Option<WideMark>,
}

/// An order as the scorer takes it: nothing is known of a device or a network, for nobody of ours was asked.
#[must_use]
pub const fn asked<'a>(details: &'a Details, signals: &'a RequestSignals) -> Asked<'a> {
    Asked {
        kind: ChangeKind::PortOut,
        details: Some(details),
        actor: &Actor::Gateway,
        channel: Channel::Porting,
        signals,
        key: KeyShown::NoneEnrolled,
    }
}

/// What an order says of the account, as digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Says {
    /// The account number.
    pub account_number: Option<Digest>,
    /// The ZIP.
    pub zip: Option<Digest>,
}

impl Says {
    /// What an order says of an account.
    #[must_use]
    pub fn of(account: &AccountId, account_number: Option<&AccountNumber>, zip: Option<&Zip>) -> Self {
        Self {
            account_number: account_number.map(|text| account_number_digest(account, text)),
            zip: zip.map(|text| zip_digest(account, text)),
        }
    }
}

fn account_number_digest(account: &AccountId, number: &AccountNumber) -> Digest {
    Digest::of(&["linekeeper account number 1", account.as_str(), number.as_str()])
}

/// Orders are compared by the first five.
fn zip_digest(account: &AccountId, zip: &Zip) -> Digest {
    Digest::of(&["linekeeper zip 1", account.as_str(), zip.as_str().get(..5).unwrap_or(zip.as_str())])
}

/// The change that one version of an order is.
#[must_use]
pub fn port_id(account: &AccountId, line: &LineId, order: &Pon, version: PortVersion) -> ChangeId {
    ChangeId::derive(account, Subject::Line(line.clone()), &format!("port {} {version}", order.as_str()))
}

impl Billing {
    /// What an account is compared by.
    #[must_use]
    pub fn of(account: &AccountId, account_number: &AccountNumber, zip: &Zip) -> Self {
        Self { account_number: account_number_digest(account, account_number), zip: zip_digest(account, zip) }
    }
}

/// Decides an order. An empty draft means that it was decided before, or that a later version was: [`replied`] says
/// what to answer.
///
/// # Errors
/// [`Denied::NotFound`] where the line is not there or over; [`Denied::TooManyRequests`].
pub fn port(view: &View, ask: &PortAsk, scorer: Scorer<'_>, ctx: Context<'_>) -> Result<Draft, Denied> {
    let account = view.account.as_ref().filter(|account| account.state.closed_at.is_none()).ok_or(Denied::NotFound)?;
    let line = &view.line.as_ref().filter(|line| line.state.ended_at.is_none()).ok_or(Denied::NotFound)?.state;
    let known = line.port(&ask.order);
    if line.book.changes.contains_key(&ask.id) || known.is_some_and(|known| decided(known, ask.version)) {
        return Ok(Draft::default());
    }
    let mut events = Vec::new();
    if let Some(known) = known.filter(|known| !known.has_ended()) {
        events.push(Event::Ended { change: known.id.clone(), how: Ending::Cancelled, reason: Some(Reason::OrderWithdrawn) });
    }
    let others = line.book.open(ctx.now).filter(|change| known.is_none_or(|known| known.id != change.id));
    let (ports, others): (Vec<&Change>, Vec<&Change>) = others.partition(|change| change.kind() == ChangeKind::PortOut);
    let full =
        others.len() >= OPEN_CHANGES || line.book.requests.take(ctx.now, ctx.settings.changes_per_day, Span::days(1)).is_none();
    if full {
        return Err(Denied::TooManyRequests);
    }

    let details = Details::PortOut { number: ask.number.clone(), order: ask.order.clone(), carrier: ask.carrier.clone() };
    let jurisdiction = account.state.jurisdiction;
    let faults = faults(account.state.billing.as_ref(), ask, jurisdiction, ctx);
    let signals = RequestSignals::default();
    let shown = match ask.pin {
        PinShown::Right(_) => Signal::Present(Shown::Pin),
        PinShown::None | PinShown::NoneIssued | PinShown::Wrong(_) | PinShown::NoGuessLeft => Signal::Absent,
    };
    let asked = asked(&details, &signals);
    let observed = Observation { shown, ..asked.seen(view, ctx.now) };
    let mut assessment = weighed(view, line, ask, &observed, scorer, ctx);
    // What cannot be compared weighs as a score that cannot be had.
    if account.state.billing.is_none() || ask.says.account_number.is_none() || ask.says.zip.is_none() {
        assessment = assessment.at_least(Band::Unavailable, Reason::AccountDataUnknown);
    }

    let seen = Account::seen(account, &details, ctx.now, ctx.settings);
    let mut change = Change {
        id: ask.id.clone(),
        details: details.clone(),
        request: Request { actor: Actor::Gateway, channel: Channel::Porting, requested_at: ctx.now, place: None, store: None },
        decision: decision(&Ruling { need: Requirement::nothing(), reasons: Vec::new() }, &assessment, ctx.now),
        need: Requirement::nothing(),
        seen: seen.clone(),
        proofs: Vec::new(),
        challenge: None,
        code_sent_at: None,
        enrols: None,
        port: Some(Box::new(PortOrder {
            version: ask.version,
            content: ask.content.clone(),
            due_at: ask.due_at,
            answer_by: answer_by(row(jurisdiction), ask.received_at),
            jurisdiction,
            tried: ask.tried,
            faults: Vec::new(),
            answers: Vec::new(),
            confirmed_at: None,
            activated_at: None,
        })),
        pin_record: None,
        disputed_at: None,
        hold_until: None,
        told_at: None,
        expires_at: ctx.now + row(jurisdiction).reply_window.value.max(ctx.settings.change_life),
        stage: Stage::Open,
    };
    let mut ruling = port_rule(&change, &question(&change, &seen, Some(line), jurisdiction, ctx), Some(line), ctx.now);
    if ruling.need.refused.is_none() && (!faults.is_empty() || !ports.is_empty()) {
        let reason = if ports.is_empty() { of_faults(&faults) } else { Reason::AnotherOrder };
        ruling.need.refused = Some(reason);
        ruling.reasons.insert(0, reason);
        if let Some(port) = &mut change.port {
            port.faults = faults;
        }
    }
    change.decision = decision(&ruling, &assessment, ctx.now);
    change.need = ruling.need;
    let mut spent = Vec::new();
    match &ask.pin {
        PinShown::Right(pin) if ruling.need.refused.is_none() => {
            change.proofs = vec![Proof { factor: Factor::TransferPin, at: ctx.now }];
            spent.push(Event::PinUsed { pin: pin.clone() });
        }
        PinShown::Wrong(pin) => spent.push(Event::PinFailed { pin: pin.clone() }),
        // A right PIN with a typing error beside it is good for the order that corrects it.
        PinShown::Right(_) | PinShown::None | PinShown::NoneIssued | PinShown::NoGuessLeft => {}
    }
    if ruling.need.refused.is_some() {
        change.stage = Stage::Ended { how: Ending::Refused, at: ctx.now, authorization: None };
    }
    change.raise(ruling.need, ctx.settings);
    let message = if change.has_ended() { Message::Refused } else { Message::Asked };
    let notice = notice(view, message, Some(&change), ask.id.subject(), ctx);
    events.push(Event::Requested { change: Box::new(change) });
    events.extend(spent);
    let met = scorer.counted(&account.state.id, &observed);
    let claimed = matches!(ask.pin, PinShown::Right(_) | PinShown::Wrong(_));
    let roll_tally = !claimed && view.tally(ask.id.subject()).is_some_and(|tally| ctx.now >= tally.since + Span::days(1));
    Ok(Draft { met, roll_tally, ..step(&ask.id, events, Some(notice), Some(seen.seq)) })
}

/// What the scorer says of an order. The PIN that it came with tells how it was got; a carrier that the model has never
/// seen tells nothing, and is not taken for the rarest of all.
fn weighed(
    view: &View,
    line: &Line,
    ask: &PortAsk,
    observed: &Observation<'_>,
    scorer: Scorer<'_>,
    ctx: Context<'_>,
) -> Assessment {
    let mut view = view.clone();
    if let (PinShown::Right(_), Some(pin)) = (&ask.pin, &line.pin)
        && let (Signal::Present(profile), Some(record)) = (view.profile.as_ref(), pin.record)
    {
        view.profile = Signal::Present(profile.clone().knowing_pin(record, pin.asked_at));
    }
    let mut observed = observed.clone();
    if !scorer.knows_carrier(ask.carrier.as_str()) {
        observed.target.carrier = Signal::Unavailable;
    }
    assessed(&view, &line.account_id, &observed, KeyShown::NoneEnrolled, scorer, ctx)
}

/// Whether a version has been decided: it, or a later one.
fn decided(known: &Change, version: PortVersion) -> bool {
    known.port.as_deref().is_some_and(|port| version <= port.version)
}

/// What an order gets wrong. All of it is said at once: the gaining carrier corrects it in one go.
fn faults(billing: Option<&Billing>, ask: &PortAsk, jurisdiction: crate::kinds::Jurisdiction, ctx: Context<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(known) = billing {
        let differs = |said: &Option<Digest>, known| said.as_ref().is_some_and(|said| said != known);
        if differs(&ask.says.account_number, &known.account_number) {
            faults.push(Fault::AccountNumberWrong);
        }
        if differs(&ask.says.zip, &known.zip) {
            faults.push(Fault::ZipWrong);
        }
    }
    match &ask.pin {
        PinShown::None if row(jurisdiction).needs_token() => faults.push(Fault::PasscodeMissing),
        PinShown::NoneIssued => faults.push(Fault::PasscodeOver),
        PinShown::Wrong(_) => faults.push(Fault::PasscodeWrong),
        PinShown::NoGuessLeft => faults.push(Fault::TooManyPasscodes),
        PinShown::None | PinShown::Right(_) => {}
    }
    if ask.due_at < ctx.now {
        faults.push(Fault::DueDateTooEarly);
    }
    faults
}

fn of_faults(faults: &[Fault]) -> Reason {
    if faults.contains(&Fault::PasscodeMissing) {
        Reason::PinMissing
    } else if faults.iter().any(|f| matches!(f, Fault::PasscodeWrong | Fault::PasscodeOver | Fault::TooManyPasscodes)) {
        Reason::PinWrong
    } else {
        Reason::AccountDataWrong
    }
}

/// A repeat's answer, with everything that makes it the same message as the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What.
    pub answer: Answer,
    /// When it was decided.
    pub at: Timestamp,
    /// Until when the gaining carrier must have it.
    pub answer_by: Timestamp,
}

/// What to answer to a version of an order that was not decided now: what it was answered the first time. Nothing where
/// that answer is still on its way.
#[must_use]
pub fn replied(line: &Line, order: &Pon, version: PortVersion, content: Option<&Digest>, now: Timestamp) -> Option<Reply> {
    let port = line.port(order).and_then(|change| change.port.as_deref());
    // What is about the message alone has no interval: it is passed on as soon as the next line of the order would be.
    let answer_by = port.map_or(now, |port| port.answer_by).max(now + Span::minutes(5));
    let reject = |reason| Some(Reply { answer: Answer::Reject { reasons: vec![reason] }, at: now, answer_by });
    let Some(port) = port else { return reject(Fault::OrderUnknown) };
    if version > port.version {
        return reject(Fault::OrderClosed);
    }
    if version < port.version {
        // Another change may hold it: a version that was refused and corrected.
        let older = line.book.changes.values().filter(|change| change.details.order().is_some_and(|known| known.pon == *order));
        let old = older.filter_map(|change| change.port.as_deref()).find_map(|port| Some((port, port.answer_to(version)?)));
        return old.map_or_else(|| reject(Fault::VersionWentBack), |(port, old)| Some(Reply::of(old, port.answer_by)));
    }
    if content.is_some_and(|content| *content != port.content) {
        return reject(Fault::OtherContent);
    }
    let last = port.answer_to(version);
    let waited = last.is_none_or(|last| matches!(last.answer, Answer::Delay { .. } | Answer::ResolutionRequired { .. }));
    match port.confirmed_at {
        Some(at) if waited => Some(Reply { answer: Answer::Confirm { due_at: port.due_at }, at, answer_by: port.answer_by }),
        Some(_) | None => last.map(|last| Reply::of(last, port.answer_by)),
    }
}

impl Reply {
    fn of(answered: &Answered, answer_by: Timestamp) -> Self {
        Self { answer: answered.answer.clone(), at: answered.at, answer_by }
    }
}

/// What a supplement asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supplement {
    /// The order is withdrawn.
    Cancel,
    /// Another due date.
    DueDate(Timestamp),
    /// Anything else.
    Other,
}

/// Takes a supplement. Before the order is confirmed, a new due date starts nothing: it is answered that a resolution is
/// required, since a confirmation of it would be taken for one of the port (NPAC best practice 28).
///
/// # Errors
/// [`Denied::NotFound`] where the order is not there (yet).
pub fn supplemented(
    view: &View,
    order: &Pon,
    version: PortVersion,
    content: &Digest,
    what: &Supplement,
    ctx: Context<'_>,
) -> Result<Draft, Denied> {
    let change = ordered(view, order)?;
    let Some(port) = change.port.as_deref().filter(|port| version > port.version && !change.has_ended()) else {
        return Ok(Draft::default());
    };
    let id = &change.id;
    let resolve = |fault| Answer::ResolutionRequired { reasons: vec![fault], by: port.answer_by.max(ctx.now) };
    let (due_at, answer) = match (what, &change.stage) {
        (Supplement::Cancel, _) => (port.due_at, None),
        (Supplement::Other, _) => (port.due_at, Some(resolve(Fault::Other))),
        (Supplement::DueDate(due), _) if *due < ctx.now => (port.due_at, Some(resolve(Fault::DueDateTooEarly))),
        // The permission that is out ends when it ends.
        (Supplement::DueDate(due), Stage::Released(granted)) if *due < granted.expires_at => {
            (*due, Some(Answer::Confirm { due_at: *due }))
        }
        (Supplement::DueDate(_), Stage::Released(_)) => (port.due_at, Some(resolve(Fault::DueDateCannotBeMet))),
        (Supplement::DueDate(due), Stage::Open | Stage::Authorized(_) | Stage::Ended { .. }) => {
            (*due, Some(resolve(Fault::DueDateTimeCannotBeMet)))
        }
    };
    let mut events = vec![Event::PortSupplemented { change: id.clone(), version, content: content.clone(), due_at }];
    let mut told = None;
    match answer {
        Some(answer) => events.extend(change.answered(version, answer)),
        None => {
            events.push(Event::Ended { change: id.clone(), how: Ending::Cancelled, reason: Some(Reason::OrderWithdrawn) });
            told = Some(notice(view, Message::Cancelled, Some(change), id.subject(), ctx));
        }
    }
    Ok(step(id, events, told, None))
}

/// The gaining carrier withdrew its order. Stopping needs no version.
///
/// # Errors
/// [`Denied::NotFound`].
pub fn cancelled(view: &View, order: &Pon, ctx: Context<'_>) -> Result<Draft, Denied> {
    let change = ordered(view, order)?;
    if change.has_ended() {
        return Ok(Draft::default());
    }
    let ended = Event::Ended { change: change.id.clone(), how: Ending::Cancelled, reason: Some(Reason::OrderWithdrawn) };
    let told = notice(view, Message::Cancelled, Some(change), change.id.subject(), ctx);
    Ok(step(&change.id, vec![ended], Some(told), None))
}

/// A concurrence timer runs out: what is not confirmed is answered now, because downstream silence is consent.
///
/// # Errors
/// [`Denied::NotFound`].
pub fn timed(view: &View, id: &ChangeId) -> Result<Draft, Denied> {
    let change = find(view, id)?;
    match (&change.stage, change.port.as_deref()) {
        (Stage::Open | Stage::Authorized(_), Some(port)) => {
            let answer = Answer::ResolutionRequired { reasons: vec![Fault::UnderReview], by: change.expires_at };
            if port.answer_to(port.version).is_some_and(|last| last.answer == answer) {
                return Ok(Draft::default());
            }
            Ok(step(&change.id, change.answered(port.version, answer).into_iter().collect(), None, None))
        }
        (Stage::Released(_) | Stage::Ended { .. }, _) | (_, None) => Ok(Draft::default()),
    }
}

/// The line has moved. It was right where our confirmation was out, for this carrier, in time, and nothing has
/// forbidden it since: a lock that committed a moment before wins (I2). Anything else is an incident: the customer is
/// told, the account locked down, a person paged.
///
/// # Errors
/// [`Denied::NotFound`] where the line is not ours.
pub fn activated(view: &View, order: &Pon, carrier: &Spid, effect: Timestamp, ctx: Context<'_>) -> Result<Draft, Denied> {
    let line = &view.line.as_ref().ok_or(Denied::NotFound)?.state;
    let subject = Subject::Line(line.id.clone());
    let Some(change) = line.port(order) else {
        // Nobody asked us. Once a line is locked down for it, a repeat adds nothing.
        return Ok(if locked_down(view) {
            Draft::default()
        } else {
            incident(view, &subject, Vec::new(), ChangeKind::PortOut, ctx)
        });
    };
    let Some(port) = change.port.as_deref().filter(|port| port.activated_at.is_none()) else { return Ok(Draft::default()) };
    let moved = Event::PortActivated { change: change.id.clone(), at: effect };
    let seen = view.seen(&change.details, Some(&change.seen), ctx.now, ctx.settings).ok_or(Denied::NotFound)?;
    let ours = matches!(&change.details, Details::PortOut { carrier: known, .. } if known == carrier);
    let in_time = match &change.stage {
        Stage::Released(granted) => (granted.granted_at - SKEW..granted.expires_at + SKEW).contains(&effect),
        Stage::Open | Stage::Authorized(_) | Stage::Ended { .. } => false,
    };
    if !ours || !in_time || port.confirmed_at.is_none() || forbids(view, change, &seen, ctx).is_some() {
        let mut draft = incident(view, &subject, vec![moved], ChangeKind::PortOut, ctx);
        draft.relies_on_account = draft.account.is_none().then_some(seen.seq);
        return Ok(draft);
    }
    let mut events = vec![moved, Event::Ended { change: change.id.clone(), how: Ending::Completed, reason: None }];
    events.extend(ended_with_the_line(line, Some(&change.id)));
    events.push(Event::LineEnded);
    let told = notice(view, Message::Completed, Some(change), &subject, ctx);
    Ok(step(&change.id, events, Some(told), Some(seen.seq)))
}

/// How far the gateway's clock may be off.
const SKEW: Span = Span::minutes(1);

fn locked_down(view: &View) -> bool {
    use crate::kinds::{Mode, Protection};
    view.account.as_ref().is_some_and(|a| a.state.protections.0.get(&Protection::AccountLockdown) == Some(&Mode::Block))
}

/// Ends a port that is open against what now forbids it: a lock of the whole account is not in the line's own ledger,
/// so whoever follows the account's looks at its lines.
#[must_use]
pub fn recheck(view: &View, id: &ChangeId, ctx: Context<'_>) -> Option<Draft> {
    let change = view.change(id).filter(|change| change.kind() == ChangeKind::PortOut && !change.has_ended())?;
    let seen = view.seen(&change.details, None, ctx.now, ctx.settings)?;
    let reason = forbids(view, change, &seen, ctx)?;
    let ended = Event::Ended { change: id.clone(), how: Ending::Refused, reason: Some(reason) };
    let told = notice(view, Message::Refused, Some(change), id.subject(), ctx);
    let draft = Draft::on(id.subject(), Step { events: vec![ended], notice: Some(told) });
    Some(Draft { relies_on_account: Some(seen.seq), ..draft })
}

/// Answers a repeat of a confirmed order once more. Only who signs can confirm, so it goes by the ledger.
#[must_use]
pub fn confirmed_again(view: &View, order: &Pon, ctx: Context<'_>) -> Option<Draft> {
    let change = ordered(view, order).ok()?;
    let port = change.port.as_deref()?;
    let live = matches!(&change.stage, Stage::Released(granted) if ctx.now < granted.expires_at);
    let answer = change.answered(port.version, Answer::Confirm { due_at: port.due_at }).filter(|_| live)?;
    Some(step(&change.id, vec![answer], None, None))
}

fn ordered<'a>(view: &'a View, order: &Pon) -> Result<&'a Change, Denied> {
    view.line.as_ref().and_then(|line| line.state.port(order)).ok_or(Denied::NotFound)
}
