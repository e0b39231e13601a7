//! The check-up: what protects a customer now, what an attacker would need, and what to do next, most effective first.
//!
//! A function of the state alone. What an attacker needs is asked of the policy itself, for one who looks exactly like
//! the customer; nothing is asserted that [`required`] does not say. The score is the sum of its parts, each of which
//! is listed: switching a protection on or adding a factor never lowers any.

#[cfg(test)]
mod tests;
mod view;

use serde::{Deserialize, Serialize};

use crate::change::Address;
use crate::decide::{Context, proving};
use crate::factors::{Credential, Enrolled};
use crate::fraud::{CaseId, Concerned};
use crate::ids::{LineId, Subject};
use crate::kinds::{ActorKind, Band, ChangeKind, Channel, Enrollable, Factor, Mode, Protection, Status, vocabulary};
use crate::policy::{Cover, Question, Wait, required};
use crate::proof::{Factors, Taint};
use crate::risk::Profile;
use crate::signals::Signal;
use crate::state::{Account, Contact, Line, Protections, Versioned, View};
use crate::time::{Span, Timestamp};

pub use view::CheckUpView;

/// How far back "lately" goes.
pub const LATELY: Span = Span::days(90);
/// How many things of lately are listed.
const LISTED: usize = 20;
/// A contact that nobody answered from for this long may be somebody else's by now: mailboxes and numbers are recycled.
const STALE: Span = Span::days(730);
/// For how long after a case is closed what to do about it is shown.
const GUIDED: Span = Span::days(30);
/// With fewer recovery codes than this it is time for a new set.
const FEW_CODES: usize = 3;

vocabulary! {
    /// A part of the score.
    Part {
        /// No other SIM for any line: 20 where that is refused, 12 where it takes more proof.
        SimLock = "sim_lock",
        /// No other carrier for any line: the same.
        PortLock = "port_lock",
        /// The strongest thing that proves her: a passkey 25 (20 while it is new), an authenticator app 15, the app 10.
        Factor = "factor",
        /// Something left where the phone is gone: 15; recovery codes that run out, 7.
        Spare = "spare",
        /// How she hears of what happens: a verified mailbox 10 (5 where it is not, or was not for long), the app 10,
        /// another phone 5; 20 at most.
        Told = "told",
    }
}

impl Part {
    /// The most that it can give.
    #[must_use]
    pub const fn of(self) -> u8 {
        match self {
            Self::SimLock | Self::PortLock | Self::Told => 20,
            Self::Factor => 25,
            Self::Spare => 15,
        }
    }
}

/// A part with what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scored {
    /// Which.
    pub part: Part,
    /// What it gives now.
    pub points: u8,
}

vocabulary! {
    /// What is not as well as it could be. The first ones are urgent, and come first whatever the score gains.
    Finding {
        /// A protection is on its way off.
        Unlocking = "unlocking",
        /// Someone failed the care desk's questions.
        QuestionsFailed = "questions_failed",
        /// Sign-ins fail.
        SignInsFail = "sign_ins_fail",
        /// A number transfer PIN waits for its port.
        PinOut = "pin_out",
        /// SMS is all there is to prove her, or nothing is.
        SmsOnly = "sms_only",
        /// Other SIMs are not refused, for a line at least.
        NoSimLock = "no_sim_lock",
        /// Other carriers are not refused, for a line at least.
        NoPortLock = "no_port_lock",
        /// There is no passkey.
        NoPasskey = "no_passkey",
        /// Where the phone is gone, nothing is left that proves her.
        NoSpare = "no_spare",
        /// There is no mailbox that hears of what happens.
        NoEmail = "no_email",
        /// The app hears of nothing.
        NoApp = "no_app",
        /// The recovery codes run out.
        FewCodes = "few_codes",
        /// Other SIMs take more proof, and could be refused.
        SimLockCouldBlock = "sim_lock_could_block",
        /// Other carriers take more proof, and could be refused.
        PortLockCouldBlock = "port_lock_could_block",
        /// The mailbox was never verified.
        EmailUnverified = "email_unverified",
        /// Nobody answered from the mailbox for two years.
        EmailStale = "email_stale",
        /// A number to be told at is the line itself: it falls with it.
        ContactOnTheLine = "contact_on_the_line",
    }
}

impl Finding {
    /// The part of the score that it is about.
    #[must_use]
    pub const fn part(self) -> Option<Part> {
        match self {
            Self::Unlocking | Self::QuestionsFailed | Self::SignInsFail | Self::PinOut | Self::ContactOnTheLine => None,
            Self::NoSimLock | Self::SimLockCouldBlock => Some(Part::SimLock),
            Self::NoPortLock | Self::PortLockCouldBlock => Some(Part::PortLock),
            Self::SmsOnly | Self::NoPasskey => Some(Part::Factor),
            Self::NoSpare | Self::FewCodes => Some(Part::Spare),
            Self::NoEmail | Self::NoApp | Self::EmailUnverified | Self::EmailStale => Some(Part::Told),
        }
    }

    /// Whether it comes first, whatever the score gains.
    #[must_use]
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::Unlocking | Self::QuestionsFailed | Self::SignInsFail | Self::PinOut)
    }
}

/// A finding, and how much the score gains by putting it right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which.
    pub finding: Finding,
    /// So many points.
    pub gain: u8,
}

vocabulary! {
    /// What an attacker wants.
    Goal {
        /// Her number on his SIM.
        SimSwap = "sim_swap",
        /// Her number at his carrier.
        PortOut = "port_out",
        /// Her account: a reset of the sign-in.
        Takeover = "takeover",
    }
}

/// One way to a goal: all of these at once, and a wait during which she is told and can stop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// What he needs in his hands; nothing but her session where it is empty.
    pub factors: Factors,
    /// How long he waits.
    pub wait: Wait,
}

/// What stands between an attacker and a goal, who looks to the scorer exactly like the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attack {
    /// What he wants.
    pub goal: Goal,
    /// Of which line; nothing for the account.
    pub line: Option<LineId>,
    /// Whether it is refused: then the ways are those of switching the protection off first.
    pub locked: bool,
    /// The ways there are, each with nothing to spare. None: there is no way in the app, for her neither.
    pub ways: Vec<Way>,
}

/// A protection that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct On {
    /// Which.
    pub protection: Protection,
    /// How it works.
    pub mode: Mode,
    /// For which line; nothing for all of the account.
    pub line: Option<LineId>,
}

/// Something that happened lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A change was asked for, and stands so.
    Change(ChangeKind, Status),
    /// The line moved to another SIM.
    SimChanged,
    /// A protection went off.
    ProtectionOff,
    /// A factor was added.
    FactorAdded(Enrollable),
    /// A contact was added.
    ContactAdded,
    /// A contact was removed.
    ContactRemoved,
    /// Fraud was reported.
    FraudReported,
    /// A case was closed.
    FraudClosed,
}

/// The same, with its time and line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// On which line.
    pub line: Option<LineId>,
}

vocabulary! {
    /// What something that is hers is worth.
    Worth {
        /// It proves her.
        Counts = "counts",
        /// It was added lately, and proves nothing yet.
        New = "new",
        /// It is used up.
        UsedUp = "used_up",
        /// She said that it is not hers.
        NotHers = "not_hers",
    }
}

vocabulary! {
    /// What something that is hers is.
    Thing {
        /// A passkey.
        Passkey = "passkey",
        /// An authenticator app.
        Totp = "totp",
        /// A set of recovery codes.
        RecoveryCode = "recovery_code",
        /// The key of a device.
        DeviceKey = "device_key",
        /// The carrier's app on a device.
        App = "app",
        /// A mailbox.
        Email = "email",
        /// A phone that is told by SMS.
        Phone = "phone",
    }
}

/// Something that proves her or reaches her: she may say that it is not hers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// How a report of fraud names it.
    pub what: Concerned,
    /// What it is.
    pub thing: Thing,
    /// Since when.
    pub added_at: Timestamp,
    /// What it is worth.
    pub worth: Worth,
}

vocabulary! {
    /// What to do after a fraud, in this order.
    Step {
        /// Set the account's password anew: whoever has it is still in.
        Password = "password",
        /// The mailbox's next: it opens everything else.
        Mailbox = "mailbox",
        /// Look through devices, passkeys and contacts.
        Holdings = "holdings",
        /// Wait for what was done to be put back.
        PutBack = "put_back",
        /// Tell the bank, where the number was in other hands.
        Bank = "bank",
        /// Unlock the account, once all of this is done.
        Unlock = "unlock",
        /// Then add a passkey.
        Passkey = "passkey",
    }
}

vocabulary! {
    /// How far a step is.
    StepState {
        /// Hers to do.
        Todo = "todo",
        /// Hers to do, and only she can tell whether it is done.
        YoursToKnow = "yours_to_know",
        /// Ours to do.
        OursToDo = "ours_to_do",
        /// Done.
        Done = "done",
    }
}

/// What to do about a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guidance {
    /// Which case.
    pub case: CaseId,
    /// When it was reported.
    pub reported_at: Timestamp,
    /// When it was closed, if it was.
    pub closed_at: Option<Timestamp>,
    /// The steps, in order.
    pub steps: Vec<(Step, StepState)>,
}

/// The check-up of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckUp {
    /// The score's parts. Their points add up to it.
    pub parts: Vec<Scored>,
    /// What is on.
    pub protections: Vec<On>,
    /// What an attacker would need.
    pub attacks: Vec<Attack>,
    /// What to do, most effective first.
    pub findings: Vec<Found>,
    /// What happened, newest first.
    pub lately: Vec<Happened>,
    /// What proves and reaches her.
    pub holdings: Vec<Holding>,
    /// What to do about a case, where there is one.
    pub guidance: Option<Guidance>,
    /// On how many channels she is told before anything is done.
    pub channels: usize,
}

impl CheckUp {
    /// The check-up of an account and its lines at an instant.
    #[must_use]
    pub fn of(account: &Versioned<Account>, lines: &[Versioned<Line>], profile: &Signal<Profile>, ctx: Context<'_>) -> Self {
        let lines: Vec<&Versioned<Line>> = lines.iter().filter(|line| line.state.ended_at.is_none()).collect();
        let state = &account.state;
        let parts: Vec<Scored> = Part::ALL.iter().map(|&part| scored(part, state, &lines, ctx.now)).collect();
        Self {
            protections: protections(state, &lines),
            attacks: attacks(account, &lines, ctx),
            findings: findings(state, &lines, &parts, profile, ctx.now),
            lately: lately(state, &lines, ctx.now),
            holdings: holdings(state, ctx),
            guidance: guidance(state, ctx.now),
            channels: state.contacts.iter().filter(|contact| held(contact)).count(),
            parts,
        }
    }

    /// Of a hundred.
    #[must_use]
    pub fn score(&self) -> u8 {
        self.parts.iter().map(|scored| scored.points).sum()
    }
}

fn held(contact: &Contact) -> bool {
    contact.removed_at.is_none() && !contact.disputed
}

/// The strictest mode of a protection that covers a kind of change, on the account or the line.
fn mode(account: &Account, line: &Line, kind: ChangeKind) -> Option<Mode> {
    let of = |protections: &Protections| {
        protections.0.iter().filter(|(protection, _)| protection.covers(kind)).map(|(_, &mode)| mode).max()
    };
    of(&account.protections).max(of(&line.protections))
}

/// What the line that is protected least has.
fn locked(account: &Account, lines: &[&Versioned<Line>], kind: ChangeKind) -> Option<Mode> {
    // A customer without a line has none to lose.
    lines.iter().map(|line| mode(account, &line.state, kind)).min().unwrap_or(Some(Mode::Block))
}

fn scored(part: Part, account: &Account, lines: &[&Versioned<Line>], now: Timestamp) -> Scored {
    let lock = |kind| match locked(account, lines, kind) {
        Some(Mode::Block) => 20,
        Some(Mode::StepUp) => 12,
        None => 0,
    };
    let points = match part {
        Part::SimLock => lock(ChangeKind::SimSwap),
        Part::PortLock => lock(ChangeKind::PortOut),
        Part::Factor => strongest(account, now),
        Part::Spare => spare(account),
        Part::Told => told(account, lines, now),
    };
    Scored { part, points }
}

fn hers(account: &Account) -> impl Iterator<Item = &Enrolled> {
    account.factors.iter().filter(|known| !known.disputed && known.credential.is_usable())
}

fn strongest(account: &Account, now: Timestamp) -> u8 {
    let of_factor = |known: &Enrolled| match known.credential.kind() {
        Enrollable::Passkey if known.ripe_at <= now => 25,
        Enrollable::Passkey => 20,
        Enrollable::Totp => 15,
        Enrollable::RecoveryCode | Enrollable::DeviceKey => 0,
    };
    let app = account.contacts.iter().any(|contact| held(contact) && matches!(contact.address, Address::Push(_)));
    hers(account).map(of_factor).max().unwrap_or(0).max(if app { 10 } else { 0 })
}

fn codes(account: &Account) -> usize {
    let left = |known: &Enrolled| match &known.credential {
        Credential::RecoveryCode(set) => set.left(),
        Credential::Passkey(_) | Credential::Totp(_) | Credential::DeviceKey(_) => 0,
    };
    hers(account).map(left).sum()
}

fn spare(account: &Account) -> u8 {
    let passkeys = hers(account).filter(|known| known.credential.kind() == Enrollable::Passkey).count();
    match (passkeys, codes(account)) {
        (2.., _) | (_, FEW_CODES..) => 15,
        (_, 1..FEW_CODES) => 7,
        (..2, 0) => 0,
    }
}

/// Whether somebody answered from a contact, and not too long ago; nothing where nobody ever did.
fn fresh(contact: &Contact, now: Timestamp) -> Option<bool> {
    contact.verified_at.map(|at| now < at + STALE)
}

fn is_a_line(msisdn: &crate::numbers::Msisdn, lines: &[&Versioned<Line>]) -> bool {
    lines.iter().any(|line| line.state.msisdn == *msisdn)
}

fn told(account: &Account, lines: &[&Versioned<Line>], now: Timestamp) -> u8 {
    let (mut email, mut app, mut phone) = (0, 0, 0);
    for contact in account.contacts.iter().filter(|contact| held(contact)) {
        match &contact.address {
            Address::Email(_) => email = email.max(if fresh(contact, now) == Some(true) { 10 } else { 5 }),
            Address::Push(_) => app = 10,
            Address::Sms(msisdn) if !is_a_line(msisdn, lines) => phone = 5,
            Address::Sms(_) => {}
        }
    }
    (email + app + phone).min(Part::Told.of())
}

fn protections(account: &Account, lines: &[&Versioned<Line>]) -> Vec<On> {
    let on = |protections: &Protections, line: Option<&LineId>| -> Vec<On> {
        protections.0.iter().map(|(&protection, &mode)| On { protection, mode, line: line.cloned() }).collect()
    };
    let of_lines = lines.iter().flat_map(|line| on(&line.state.protections, Some(&line.state.id)));
    on(&account.protections, None).into_iter().chain(of_lines).collect()
}

fn attacks(account: &Versioned<Account>, lines: &[&Versioned<Line>], ctx: Context<'_>) -> Vec<Attack> {
    let of_line =
        |line: &&Versioned<Line>| [Goal::SimSwap, Goal::PortOut].map(|goal| attack(account, Some((*line).clone()), goal, ctx));
    let mut all: Vec<Attack> = lines.iter().flat_map(of_line).collect();
    all.push(attack(account, None, Goal::Takeover, ctx));
    all
}

/// Asks the policy what a goal takes.
fn attack(account: &Versioned<Account>, line: Option<Versioned<Line>>, goal: Goal, ctx: Context<'_>) -> Attack {
    let id = line.as_ref().map(|line| line.state.id.clone());
    let view = View { account: Some(account.clone()), line, ..View::default() };
    let subject = id.clone().map_or(Subject::Account, Subject::Line);
    let (kind, channel, actor) = match goal {
        Goal::SimSwap => (ChangeKind::SimSwap, Channel::Pwa, ActorKind::Customer),
        Goal::PortOut => (ChangeKind::PortOut, Channel::Porting, ActorKind::Gateway),
        Goal::Takeover => (ChangeKind::CredentialReset, Channel::Pwa, ActorKind::Customer),
    };
    let line = view.line.as_ref().map(|line| &line.state);
    let mode = match line {
        Some(line) => mode(&account.state, line, kind),
        None => account.state.protections.0.iter().filter(|(on, _)| on.covers(kind)).map(|(_, &mode)| mode).max(),
    };
    let cover = match mode {
        None => Cover::Open,
        Some(Mode::StepUp) => Cover::StepUp,
        Some(Mode::Block) => Cover::Block,
    };
    let taint =
        account.state.taint(ctx.now, ctx.settings).or(line.map(|line| line.taint(ctx.now, ctx.settings)).unwrap_or_default());
    let asked = Question { kind, channel, actor, cover, band: Band::Low, taint, jurisdiction: account.state.jurisdiction };
    let unlock = Question {
        kind: ChangeKind::ProtectionOff,
        channel: Channel::Pwa,
        actor: ActorKind::Customer,
        cover: Cover::Open,
        ..asked
    };
    let locked = required(&asked).need.refused.is_some();
    let lost = Taint { sms: true, device: true, ..asked.taint };
    let questions = match (locked, goal) {
        (true, _) => vec![unlock],
        // He may say that the phone is lost.
        (false, Goal::SimSwap) => vec![asked, Question { taint: lost, ..asked }],
        (false, Goal::PortOut | Goal::Takeover) => vec![asked],
    };
    let has = proving(&view, &account.state, &subject, ctx);
    let mut ways: Vec<Way> = Vec::new();
    for question in questions {
        let need = required(&question).need;
        let sets = has.and(need.accepted).smallest(need.assurance, need.email_stands_in);
        for factors in sets {
            // What is quicker with as much is the way.
            if !ways.iter().any(|way| way.factors == factors && way.wait <= need.wait) {
                ways.push(Way { factors, wait: need.wait });
            }
        }
    }
    ways.sort_by_key(|way| (way.wait, way.factors.iter().count()));
    Attack { goal, line: id, locked, ways }
}

fn findings(
    account: &Account,
    lines: &[&Versioned<Line>],
    parts: &[Scored],
    profile: &Signal<Profile>,
    now: Timestamp,
) -> Vec<Found> {
    let left = |part: Part| part.of().saturating_sub(parts.iter().find(|scored| scored.part == part).map_or(0, |s| s.points));
    let of = |is: fn(&Address) -> bool| account.contacts.iter().filter(move |contact| held(contact) && is(&contact.address));
    let emails: Vec<Option<bool>> =
        of(|address| matches!(address, Address::Email(_))).map(|contact| fresh(contact, now)).collect();
    let app = of(|address| matches!(address, Address::Push(_))).next().is_some();
    let on_the_line = |contact: &Contact| matches!(&contact.address, Address::Sms(msisdn) if is_a_line(msisdn, lines));
    let books = || lines.iter().map(|line| &line.state.book).chain([&account.book]);
    let unlocking = books().any(|book| book.open(now).any(|change| change.kind() == ChangeKind::ProtectionOff));
    let pin = lines.iter().any(|line| line.state.live_pin(account, now).is_some());
    let known = match profile {
        Signal::Present(profile) => (profile.failed_questions(now) >= 1.0, profile.failures(now) >= 3.0),
        Signal::Absent | Signal::Unavailable => (false, false),
    };
    let factor = strongest(account, now);
    let passkey = hers(account).any(|known| known.credential.kind() == Enrollable::Passkey);
    let holds = |finding: Finding| match finding {
        Finding::Unlocking => unlocking,
        Finding::QuestionsFailed => known.0,
        Finding::SignInsFail => known.1,
        Finding::PinOut => pin,
        Finding::SmsOnly => factor == 0,
        Finding::NoSimLock => locked(account, lines, ChangeKind::SimSwap).is_none(),
        Finding::NoPortLock => locked(account, lines, ChangeKind::PortOut).is_none(),
        Finding::NoPasskey => factor > 0 && !passkey,
        Finding::NoSpare => spare(account) == 0,
        Finding::NoEmail => emails.is_empty(),
        Finding::NoApp => !app,
        Finding::FewCodes => (1..FEW_CODES).contains(&codes(account)),
        Finding::SimLockCouldBlock => locked(account, lines, ChangeKind::SimSwap) == Some(Mode::StepUp),
        Finding::PortLockCouldBlock => locked(account, lines, ChangeKind::PortOut) == Some(Mode::StepUp),
        Finding::EmailUnverified => !emails.is_empty() && emails.iter().all(Option::is_none),
        Finding::EmailStale => !emails.contains(&Some(true)) && emails.contains(&Some(false)),
        Finding::ContactOnTheLine => account.contacts.iter().any(|contact| held(contact) && on_the_line(contact)),
    };
    let gain = |finding: Finding| {
        let most = match finding {
            Finding::EmailUnverified | Finding::EmailStale => 5,
            Finding::NoEmail | Finding::NoApp => 10,
            Finding::Unlocking
            | Finding::QuestionsFailed
            | Finding::SignInsFail
            | Finding::PinOut
            | Finding::SmsOnly
            | Finding::NoSimLock
            | Finding::NoPortLock
            | Finding::NoPasskey
            | Finding::NoSpare
            | Finding::FewCodes
            | Finding::SimLockCouldBlock
            | Finding::PortLockCouldBlock
            | Finding::ContactOnTheLine => u8::MAX,
        };
        finding.part().map_or(0, left).min(most)
    };
    let mut found: Vec<Found> =
        Finding::ALL.iter().filter(|&&finding| holds(finding)).map(|&finding| Found { finding, gain: gain(finding) }).collect();
    found.sort_by_key(|found| (!found.finding.is_urgent(), std::cmp::Reverse(found.gain), found.finding));
    found
}

fn lately(account: &Account, lines: &[&Versioned<Line>], now: Timestamp) -> Vec<Happened> {
    let mut all = Vec::new();
    let mut add = |at: Timestamp, what: What, line: Option<&LineId>| all.push(Happened { at, what, line: line.cloned() });
    for (book, line) in std::iter::once((&account.book, None)).chain(lines.iter().map(|l| (&l.state.book, Some(&l.state.id)))) {
        for change in book.changes.values() {
            add(change.request.requested_at, What::Change(change.kind(), change.status(now)), line);
        }
        if let Some(at) = book.protection_off_at {
            add(at, What::ProtectionOff, line);
        }
    }
    for line in lines {
        if let Some(at) = line.state.sim_changed_at() {
            add(at, What::SimChanged, Some(&line.state.id));
        }
    }
    for known in &account.factors {
        add(known.added_at, What::FactorAdded(known.credential.kind()), None);
    }
    for contact in &account.contacts {
        if contact.added_at > account.opened_at {
            add(contact.added_at, What::ContactAdded, None);
        }
        if let Some(at) = contact.removed_at {
            add(at, What::ContactRemoved, None);
        }
    }
    for case in &account.cases {
        add(case.reported_at, What::FraudReported, None);
        if let Some(at) = case.closed_at {
            add(at, What::FraudClosed, None);
        }
    }
    all.retain(|happened| happened.at <= now && now < happened.at + LATELY);
    all.sort_by(|a, b| b.cmp(a));
    all.truncate(LISTED);
    all
}

fn holdings(account: &Account, ctx: Context<'_>) -> Vec<Holding> {
    let factor = |known: &Enrolled| Holding {
        what: Concerned::Factor(known.id.clone()),
        thing: match known.credential.kind() {
            Enrollable::Passkey => Thing::Passkey,
            Enrollable::Totp => Thing::Totp,
            Enrollable::RecoveryCode => Thing::RecoveryCode,
            Enrollable::DeviceKey => Thing::DeviceKey,
        },
        added_at: known.added_at,
        worth: match (known.disputed, known.credential.is_usable(), known.ripe_at <= ctx.now) {
            (true, ..) => Worth::NotHers,
            (false, false, _) => Worth::UsedUp,
            (false, true, false) => Worth::New,
            (false, true, true) => Worth::Counts,
        },
    };
    let contact = |known: &Contact| Holding {
        what: Concerned::Contact(known.id.clone()),
        thing: match known.address {
            Address::Push(_) => Thing::App,
            Address::Email(_) => Thing::Email,
            Address::Sms(_) => Thing::Phone,
        },
        added_at: known.added_at,
        worth: match (known.disputed, account.is_ripe(known, ctx.now, ctx.settings)) {
            (true, _) => Worth::NotHers,
            (false, false) => Worth::New,
            (false, true) => Worth::Counts,
        },
    };
    let contacts = account.contacts.iter().filter(|known| known.removed_at.is_none()).map(contact);
    account.factors.iter().map(factor).chain(contacts).collect()
}

fn guidance(account: &Account, now: Timestamp) -> Option<Guidance> {
    let shown = |case: &&crate::fraud::Case| case.closed_at.is_none_or(|at| now < at + GUIDED);
    let case = account.open_case().or(account.cases.last()).filter(shown)?;
    let since = case.reported_at;
    let done = |done: bool| if done { StepState::Done } else { StepState::Todo };
    let reset = account.recovered_at.is_some_and(|at| at >= since);
    // What came lately and was there when she reported: is it hers?
    let doubtful = |added_at: Timestamp, disputed: bool| {
        !disputed && added_at > account.opened_at && added_at <= since && since < added_at + LATELY
    };
    let unlooked = account.factors.iter().any(|known| doubtful(known.added_at, known.disputed))
        || account.contacts.iter().any(|known| known.removed_at.is_none() && doubtful(known.added_at, known.disputed));
    let looked = if unlooked && case.is_open() { StepState::YoursToKnow } else { StepState::Done };
    let reversed = case.concerns.iter().any(|concern| concern.reverse);
    let put_back = if case.outstanding().next().is_some() { StepState::OursToDo } else { StepState::Done };
    // One that is new may be the thief's.
    let passkey = account.proves(Factor::Passkey, now);
    let frozen = account.protections.0.get(&Protection::AccountLockdown) == Some(&Mode::Block);
    let steps = Step::ALL.iter().filter_map(|&step| {
        let state = match step {
            Step::Password if reset => StepState::Done,
            Step::Password | Step::Mailbox => StepState::YoursToKnow,
            Step::Holdings => looked,
            Step::PutBack => reversed.then_some(put_back)?,
            Step::Bank => (reversed || case.phone_lost).then_some(StepState::YoursToKnow)?,
            Step::Unlock => done(!frozen),
            Step::Passkey => done(passkey),
        };
        Some((step, state))
    });
    Some(Guidance { case: case.id, reported_at: since, closed_at: case.closed_at, steps: steps.collect() })
}
