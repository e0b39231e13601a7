//! Step-up: a factor offered, demanded, claimed, compared, consumed.
//!
//! What can be guessed (a code of six digits) is claimed before it is compared, so that no number of
//! callers gets more guesses than the budgets hold. What cannot be guessed (a signature, a recovery code of
//! 80 bits) needs no claim. Either way one answer wins: the challenge is consumed in the write that moves
//! the change on.

use super::choose::choices;
use super::{Context, Denied, account_id, advance, find, notice, step};
use crate::change::{Address, Challenge, Change, Demand, Details};
use crate::digest::Digest;
use crate::factors::{Credential, Enrolled, PasskeyKey};
use crate::ids::{AccountId, ChallengeId, ChangeId, FactorId, Subject};
use crate::kinds::{Enrollable, Factor};
use crate::ledger::{Draft, Event, Step};
use crate::notice::Message;
use crate::proof::Proof;
use crate::quota::{Quota, QuotaKind};
use crate::secret::{OtpCode, RecoveryCode};
use crate::signals::{DeviceProof, Holder};
use crate::state::{Account, Tally, View};
use crate::time::{Span, Timestamp};

/// Who asks for codes, as far as messages are counted.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// The device's key and the device's name, as digests that are the same at every account.
    pub devices: Vec<String>,
    /// A digest of the network address.
    pub address: Option<String>,
}

/// What may be demanded now.
#[derive(Clone, Debug)]
pub enum Offer {
    /// A code, sent there.
    Send(Address),
    /// A code of the authenticator app with this sealed seed.
    Totp(String),
    /// A signature by one of these passkeys.
    Passkeys(Vec<PasskeyKey>),
    /// One of the recovery codes.
    RecoveryCode,
    /// The set-up of the factor that the change adds. The passkeys are those that are there already.
    SetUp(Enrollable, Vec<PasskeyKey>),
}

/// Whether a factor may be demanded now, and how.
///
/// # Errors
/// [`Denied`]; budgets are per change (time between codes) and per subject and day.
pub fn offer(view: &View, id: &ChangeId, factor: Factor, enrol: bool, ctx: Context<'_>) -> Result<Offer, Denied> {
    let change = find(view, id)?;
    if !change.status(ctx.now).is_open() {
        return Err(Denied::ChangeClosed);
    }
    let account = &view.account.as_ref().ok_or(Denied::NotFound)?.state;
    let offer = if enrol { set_up(account, change, factor)? } else { prove(view, account, change, factor, ctx)? };
    let too_soon = change.code_sent_at.is_some_and(|at| ctx.now < at + ctx.settings.resend_after);
    let book = view.book(id.subject()).ok_or(Denied::NotFound)?;
    let sent_out = book.codes.take(ctx.now, ctx.settings.codes_per_day, Span::days(1)).is_none();
    if matches!(offer, Offer::Send(_)) && (too_soon || sent_out) {
        return Err(Denied::TooManyCodes);
    }
    if let Offer::Send(Address::Sms(msisdn)) = &offer
        && !msisdn.country().is_some_and(|country| ctx.settings.sms_countries.contains(&country))
    {
        return Err(Denied::CountryNotServed);
    }
    let tally = view.tally(id.subject()).ok_or(Denied::NotFound)?;
    let day_over = ctx.now >= tally.since + Span::days(1);
    if !day_over && tally.guesses >= ctx.settings.guesses_per_day && is_guessed(&offer) {
        return Err(Denied::TooManyAttempts);
    }
    Ok(offer)
}

/// Whether an answer can be guessed, so that guesses are counted.
const fn is_guessed(offer: &Offer) -> bool {
    match offer {
        Offer::Send(_) | Offer::Totp(_) | Offer::SetUp(Enrollable::Totp, _) => true,
        Offer::Passkeys(_) | Offer::RecoveryCode | Offer::SetUp(..) => false,
    }
}

fn set_up(account: &Account, change: &Change, factor: Factor) -> Result<Offer, Denied> {
    match &change.details {
        Details::FactorAdd { factor: adds } if adds.factor() == factor && change.enrols.is_none() => {
            Ok(Offer::SetUp(*adds, passkeys(account, |_| true)))
        }
        Details::FactorAdd { .. }
        | Details::FactorRemove { .. }
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
        | Details::DeviceUpgrade { .. } => Err(Denied::FactorNotOffered),
    }
}

fn prove(view: &View, account: &Account, change: &Change, factor: Factor, ctx: Context<'_>) -> Result<Offer, Denied> {
    let offered = choices(view, change, ctx).is_some_and(|all| all.iter().any(|c| c.factor == factor && c.why_not.is_none()));
    if !offered {
        return Err(Denied::FactorNotOffered);
    }
    let offer = match factor {
        Factor::SmsOtp | Factor::EmailOtp | Factor::PushOtp => {
            view.destination(change.id.subject(), factor, ctx.now, ctx.settings).map(Offer::Send)
        }
        Factor::Totp => account.ripe(factor, ctx.now).find_map(|known| match &known.credential {
            Credential::Totp(seed) => Some(Offer::Totp(seed.clone())),
            Credential::Passkey(_) | Credential::DeviceKey(_) | Credential::RecoveryCode(_) => None,
        }),
        Factor::Passkey => Some(Offer::Passkeys(passkeys(account, |known| known.proves(factor, ctx.now)))),
        Factor::RecoveryCode => Some(Offer::RecoveryCode),
        Factor::DeviceKey | Factor::TransferPin | Factor::Document => None,
    };
    offer.ok_or(Denied::FactorNotOffered)
}

fn passkeys(account: &Account, which: impl Fn(&Enrolled) -> bool) -> Vec<PasskeyKey> {
    let keys = account.factors.iter().filter(|known| which(known)).filter_map(|known| match &known.credential {
        Credential::Passkey(key) => Some(key.clone()),
        Credential::Totp(_) | Credential::DeviceKey(_) | Credential::RecoveryCode(_) => None,
    });
    keys.collect()
}

/// Opens a challenge, which kills the older one of the same change. What it sends is counted in the same
/// write: for the account, the destination, the device, the network address and the country.
///
/// # Errors
/// As [`offer`].
pub fn issue(view: &View, id: &ChangeId, challenge: &Challenge, sender: &Sender, ctx: Context<'_>) -> Result<Draft, Denied> {
    let offer = offer(view, id, challenge.factor, challenge.enrols, ctx)?;
    let change = find(view, id)?;
    let account = account_id(view).ok_or(Denied::NotFound)?;
    let tally = view.tally(id.subject()).ok_or(Denied::NotFound)?;
    let seen = view.seen(&change.details, Some(&change.seen), ctx.now, ctx.settings).map(|seen| seen.seq);
    let opened = Event::ChallengeOpened { change: id.clone(), challenge: challenge.clone() };
    let mut quotas = Vec::new();
    if let Offer::Send(to) = &offer {
        quotas = sends(account, to, sender, ctx);
    }
    if is_guessed(&offer) {
        quotas.push(failures(account, ctx).asked());
    }
    let roll_tally = ctx.now >= tally.since + Span::days(1);
    Ok(Draft { roll_tally, quotas, ..step(id, vec![opened], None, seen) })
}

/// Everything that one message is counted under.
fn sends(account: &AccountId, to: &Address, sender: &Sender, ctx: Context<'_>) -> Vec<Quota> {
    let of_day = |kind, whom: &str, limit| Quota::of_day(kind, whom, limit, ctx.now, Denied::TooManyCodes);
    let destination = match to {
        Address::Email(email) => email.as_str(),
        Address::Sms(msisdn) => msisdn.as_str(),
        Address::Push(endpoint) => endpoint.as_str(),
    };
    let mut quotas = vec![
        of_day(QuotaKind::SendsForAccount, account.as_str(), ctx.settings.codes_per_account),
        of_day(QuotaKind::SendsToDestination, destination, ctx.settings.codes_per_destination),
    ];
    for device in &sender.devices {
        quotas.push(of_day(QuotaKind::SendsFromDevice, device, ctx.settings.codes_per_device));
    }
    if let Some(address) = &sender.address {
        quotas.push(of_day(QuotaKind::SendsFromAddress, address, ctx.settings.codes_per_address));
    }
    if let Address::Sms(msisdn) = to {
        let country = msisdn.country().unwrap_or_default();
        let limit = ctx.settings.codes_per_country;
        quotas.push(Quota::of_country(&country, account.as_str(), limit, ctx.now, Denied::TooManyCodes));
    }
    quotas
}

fn failures(account: &AccountId, ctx: Context<'_>) -> Quota {
    let limit = ctx.settings.failures_per_account;
    Quota::of_day(QuotaKind::FailuresOfAccount, account.as_str(), limit, ctx.now, Denied::TooManyAttempts)
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

/// An answer to one challenge. A guess is claimed in one conditional write before anything is compared.
#[derive(Clone, Debug)]
pub struct Claim {
    /// For which change.
    pub change: ChangeId,
    /// At which challenge.
    pub challenge: ChallengeId,
}

/// How long the next guess has to wait after the last one.
fn wait_of(tally: &Tally, ctx: Context<'_>) -> Span {
    let waits = ctx.settings.rising_waits();
    waits.iter().rev().find(|(from, _)| tally.guesses >= *from).map_or(Span::default(), |(_, wait)| *wait)
}

/// Why a claim was refused, from the item as it stood.
#[must_use]
pub fn why_not_claimed(view: &View, claim: &Claim, ctx: Context<'_>) -> Denied {
    let Some(change) = view.change(&claim.change) else { return Denied::NotFound };
    let open = change.challenge.as_ref().filter(|open| open.id == claim.challenge && ctx.now < open.expires_at);
    let (Some(_), Some(tally)) = (open, view.tally(claim.change.subject())) else { return Denied::ChallengeOver };
    let tries = tally.tries.get(&claim.challenge).copied().unwrap_or(0);
    let next = tally.last + wait_of(tally, ctx);
    if tries >= ctx.settings.guesses_per_challenge || tally.guesses >= ctx.settings.guesses_per_day {
        Denied::TooManyAttempts
    } else if ctx.now < next {
        Denied::Wait(next.since(ctx.now))
    } else {
        Denied::ChallengeOver
    }
}

/// The open challenge that is answered, if it is still open and the answer comes from whom it was opened for.
///
/// # Errors
/// [`Denied::ChallengeOver`]; [`Denied::AnotherDevice`] for an answer from a session that did not ask.
pub fn answered<'a>(view: &'a View, claim: &Claim, holder: Option<&Holder>, ctx: Context<'_>) -> Result<&'a Challenge, Denied> {
    let change = find(view, &claim.change)?;
    if !change.status(ctx.now).is_open() {
        return Err(Denied::ChangeClosed);
    }
    let open = change.challenge.as_ref().filter(|open| open.id == claim.challenge && ctx.now < open.expires_at);
    let open = open.ok_or(Denied::ChallengeOver)?;
    match &open.holder {
        Some(asked) if Some(asked) != holder => Err(Denied::AnotherDevice),
        Some(_) | None => Ok(open),
    }
}

/// What an answer turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The right code that was sent.
    Code,
    /// The right code of an authenticator app, at this time step.
    Totp(u64),
    /// A recovery code, by its place in the set.
    RecoveryCode(FactorId, u8),
    /// A signature by a passkey.
    Passkey {
        /// Id of the credential.
        credential: String,
        /// The authenticator's counter now.
        counter: u32,
        /// Whether it is synchronised now.
        backed_up: bool,
    },
    /// The new factor works.
    SetUp(Credential),
    /// Anything else.
    Wrong,
}

/// Records what an answer turned out to be. A right one consumes the challenge in the same write that moves
/// the change on, so that exactly one can win (I3).
///
/// # Errors
/// [`Denied::ChallengeOver`] where another answer was first, or the challenge was replaced;
/// [`Denied::FactorNotOffered`] where the factor has been removed since.
pub fn answer(view: &View, claim: &Claim, answer: &Answer, ctx: Context<'_>) -> Result<Draft, Denied> {
    let change = find(view, &claim.change)?;
    let open = change.challenge.as_ref().filter(|open| open.id == claim.challenge).ok_or(Denied::ChallengeOver)?;
    let account = account_id(view).ok_or(Denied::NotFound)?;
    if !change.status(ctx.now).is_open() {
        return Err(Denied::ChangeClosed);
    }
    let mut after = change.clone();
    after.challenge = None;
    let mut quotas = Vec::new();
    let mut of_account = Vec::new();
    let first = match answer {
        Answer::Wrong => {
            let failed = Event::GuessFailed { change: claim.change.clone(), challenge: claim.challenge.clone() };
            let counted = Quota { limit: u32::MAX, ..failures(account, ctx) };
            return Ok(Draft { quotas: vec![counted], ..step(&claim.change, vec![failed], None, None) });
        }
        Answer::SetUp(credential) => {
            after.enrols = Some(credential.clone());
            Event::SetUp { change: claim.change.clone(), credential: credential.clone() }
        }
        Answer::Code | Answer::Totp(_) | Answer::RecoveryCode(..) | Answer::Passkey { .. } => {
            let proof = Proof { factor: open.factor, at: ctx.now };
            after.proofs.push(proof);
            Event::Proven { change: claim.change.clone(), proof }
        }
    };
    // Challenges that were opened on other lines before do not get around the account's budget.
    if matches!(answer, Answer::Code | Answer::Totp(_)) {
        quotas.push(failures(account, ctx).asked());
    }
    match answer {
        Answer::Totp(at_step) => quotas.push(totp_once(account, &open.demand, *at_step, ctx.now)),
        Answer::RecoveryCode(factor, place) => {
            still_has(view, factor, *place)?;
            of_account.push(Event::RecoveryCodeUsed { factor: factor.clone(), place: *place });
        }
        Answer::Passkey { credential, counter, backed_up } => {
            let used = view.account.as_ref().and_then(|account| account.state.passkey(credential));
            let (factor, known) = used.ok_or(Denied::FactorNotOffered)?;
            // Another answer was first: a counter never goes back.
            if *counter > 0 && *counter <= known.counter {
                return Err(Denied::ChallengeOver);
            }
            if known.counter != *counter || known.backed_up != *backed_up {
                of_account.push(Event::PasskeyUsed { factor: factor.clone(), counter: *counter, backed_up: *backed_up });
            }
        }
        Answer::Code | Answer::SetUp(_) | Answer::Wrong => {}
    }
    let recovered = matches!(answer, Answer::RecoveryCode(..)).then(|| view.recovered(ctx.now));
    let (more, told, relies) = advance(recovered.as_ref().unwrap_or(view), &after, ctx);
    let mut events = vec![first];
    events.extend(more);
    let used = of_account.iter().any(|event| matches!(event, Event::RecoveryCodeUsed { .. }));
    let paper = used.then(|| {
        let left = view.account.as_ref().map_or(0, |account| account.state.recovery_codes_left()).saturating_sub(1);
        let message = Message::RecoveryCodeUsed { left: u8::try_from(left).unwrap_or(u8::MAX) };
        notice(view, message, None, claim.change.subject(), ctx)
    });
    Ok(match claim.change.subject() {
        Subject::Account => {
            of_account.extend(events);
            Draft { quotas, ..step(&claim.change, of_account, told.or(paper), relies) }
        }
        Subject::Line(_) => {
            let account = (!of_account.is_empty()).then_some(Step { events: of_account, notice: paper });
            Draft { quotas, account, ..step(&claim.change, events, told, relies) }
        }
    })
}

/// One time step of one authenticator app is good once, for whatever change.
fn totp_once(account: &AccountId, demand: &Demand, at_step: u64, now: Timestamp) -> Quota {
    let seed = match demand {
        Demand::Seed(sealed) => sealed.as_str(),
        Demand::Mac(_) | Demand::Codes(_) | Demand::Paper | Demand::Signature => "",
    };
    let what = [account.as_str(), seed, &at_step.to_string()];
    Quota::once(QuotaKind::TotpStep, &what, now + Span::minutes(10), Denied::CodeUsed)
}

/// Whether a recovery code has not been used since it was looked at.
fn still_has(view: &View, factor: &FactorId, place: u8) -> Result<(), Denied> {
    let account = &view.account.as_ref().ok_or(Denied::NotFound)?.state;
    let known = account.factors.iter().find(|known| known.id == *factor).ok_or(Denied::FactorNotOffered)?;
    let unused = match &known.credential {
        Credential::RecoveryCode(set) => set.codes.get(usize::from(place)).is_some_and(|code| !code.is_empty()),
        Credential::Passkey(_) | Credential::Totp(_) | Credential::DeviceKey(_) => false,
    };
    if unused { Ok(()) } else { Err(Denied::CodeUsed) }
}

/// The recovery code that a customer typed, among those of hers that count.
#[must_use]
pub fn recovery_code(view: &View, code: &RecoveryCode, ctx: Context<'_>) -> Option<Answer> {
    let account = &view.account.as_ref()?.state;
    account.ripe(Factor::RecoveryCode, ctx.now).find_map(|known| match &known.credential {
        Credential::RecoveryCode(set) => set.find(&account.id, code).map(|place| Answer::RecoveryCode(known.id.clone(), place)),
        Credential::Passkey(_) | Credential::Totp(_) | Credential::DeviceKey(_) => None,
    })
}

/// The single use of a device's proof, in the write that it asked for.
#[must_use]
pub fn spent(proof: &DeviceProof) -> Quota {
    Quota::once(QuotaKind::Proof, &[&proof.once], proof.until + Span::minutes(1), Denied::ProofReplayed)
}
