//! What provisioning reports: a SIM changed, a change is done, a change failed.

use super::fraud::reversal;
use super::open::number_left;
use super::{Context, Denied, exists, notice};
use crate::change::{Address, Change, Details, Ending, NewSim, Stage};
use crate::ids::{AuthorizationId, ChangeId, ContactId, Subject};
use crate::kinds::{ChangeKind, Mode, Protection};
use crate::ledger::{Draft, Event, Step};
use crate::notice::{Message, line_contact};
use crate::numbers::Msisdn;
use crate::state::{Contact, Sim, View};
use crate::time::{Span, Timestamp};

/// A report. `at` of the message is when it took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// Another SIM is in the line.
    SimChanged {
        /// Which.
        sim: NewSim,
        /// The authorization that provisioning acted on.
        authorization: Option<AuthorizationId>,
    },
    /// A change other than of the SIM was carried out.
    Done {
        /// Which.
        change: ChangeId,
        /// The authorization that provisioning acted on.
        authorization: AuthorizationId,
        /// The new number, for a number change.
        msisdn: Option<Msisdn>,
    },
    /// A change could not be carried out.
    Failed {
        /// Which.
        change: ChangeId,
        /// The authorization that provisioning acted on.
        authorization: AuthorizationId,
    },
}

/// Records a report that took effect at `effect`.
///
/// A SIM that was in the line before and goes in again, where an open case of fraud asks for that, puts things back.
/// /// What was done without an authorization that fits, in time and for exactly this, is an incident: it is
/// recorded as it is, the account is locked down, the customer is told and a person is paged.
///
/// # Errors
/// [`Denied::NotFound`]; [`Denied::DoesNotFit`] for a report that is older than what is known, or that
/// says what cannot be.
pub fn report(view: &View, report: &Report, effect: Timestamp, ctx: Context<'_>) -> Result<Draft, Denied> {
    match report {
        Report::SimChanged { sim, authorization } => sim_changed(view, sim, authorization.as_ref(), effect, ctx),
        Report::Done { change, authorization, msisdn } => done(view, change, authorization, msisdn.as_ref(), effect, ctx),
        Report::Failed { change, authorization } => failed(view, change, authorization, ctx),
    }
}

/// How far provisioning's clock may be off.
const SKEW: Span = Span::minutes(1);

/// Whether a change was authorized for what was done, then. A change whose time has lapsed since was.
fn fits(change: &Change, authorization: &AuthorizationId, effect: Timestamp) -> bool {
    let granted = change.authorization().filter(|granted| granted.id == *authorization);
    let in_time = granted.is_some_and(|granted| (granted.granted_at - SKEW..granted.expires_at + SKEW).contains(&effect));
    let live = match change.stage {
        Stage::Released(_) | Stage::Ended { how: Ending::Lapsed, .. } => true,
        Stage::Open | Stage::Authorized(_) | Stage::Ended { .. } => false,
    };
    in_time && live
}

fn sim_changed(
    view: &View,
    sim: &NewSim,
    authorization: Option<&AuthorizationId>,
    effect: Timestamp,
    ctx: Context<'_>,
) -> Result<Draft, Denied> {
    let line = &view.line.as_ref().ok_or(Denied::NotFound)?.state;
    let subject = Subject::Line(line.id.clone());
    if line.sim.iccid == sim.iccid {
        return Ok(Draft::default());
    }
    if effect < line.sim.since {
        return Err(Denied::DoesNotFit("an older SIM change than the last one known"));
    }
    let now_in = Sim { iccid: sim.iccid.clone(), eid: sim.eid.clone(), since: effect };
    let matches = |change: &&Change| matches!(&change.details, Details::SimSwap { sim: wanted, .. } if wanted.iccid == sim.iccid);
    let authorized =
        authorization.and_then(|id| line.book.changes.values().filter(matches).find(|change| fits(change, id, effect)));
    match authorized {
        Some(change) => {
            let events = vec![
                Event::SimChanged { sim: now_in, authorization: authorization.cloned() },
                Event::Ended { change: change.id.clone(), how: Ending::Completed, reason: None },
            ];
            let notice = notice(view, Message::Completed, Some(change), &subject, ctx);
            Ok(Draft { line: Some(Step { events, notice: Some(notice) }), ..Draft::default() })
        }
        None if let Some((case, what)) = reversal(view, line, &sim.iccid) => {
            let put_back = Step { events: vec![Event::SimChanged { sim: now_in, authorization: None }], notice: None };
            let events = what.into_iter().map(|what| Event::FraudRemedied { case, what, at: effect }).collect();
            let told = notice(view, Message::FraudRemedied { case }, None, &Subject::Account, ctx);
            let account = Some(Step { events, notice: Some(told) });
            Ok(Draft { line: Some(put_back), account, ..Draft::default() })
        }
        None => {
            Ok(incident(view, &subject, vec![Event::SimChanged { sim: now_in, authorization: None }], ChangeKind::SimSwap, ctx))
        }
    }
}

fn done(
    view: &View,
    id: &ChangeId,
    authorization: &AuthorizationId,
    msisdn: Option<&Msisdn>,
    effect: Timestamp,
    ctx: Context<'_>,
) -> Result<Draft, Denied> {
    let change = view.change(id).ok_or(Denied::NotFound)?;
    if matches!(change.stage, Stage::Ended { how: Ending::Completed, .. }) {
        return Ok(Draft::default());
    }
    let kind = change.kind();
    if !fits(change, authorization, effect) {
        return Ok(incident(view, id.subject(), Vec::new(), kind, ctx));
    }
    let mut events = match &change.details {
        Details::SimSwap { .. } => return Err(Denied::DoesNotFit("a SIM swap is reported as `sim_changed`")),
        Details::PortOut { .. } => return Err(Denied::DoesNotFit("a port is reported by the porting gateway")),
        Details::PortPin {} => return Err(Denied::DoesNotFit("a transfer PIN is not provisioning's to carry out")),
        Details::NumberChange {} => {
            let msisdn = msisdn.ok_or(Denied::DoesNotFit("the new number is missing"))?;
            exists(&Address::Sms(msisdn.clone()))?;
            vec![Event::NumberChanged { msisdn: msisdn.clone() }]
        }
        Details::DeviceUpgrade { imei } => vec![Event::DeviceChanged { imei: imei.clone() }],
        Details::ContactChange { add, remove } => {
            let removed = remove.iter().map(|contact| Event::ContactRemoved { contact: contact.clone() });
            let added = add.iter().map(|address| {
                let (id, address) = (ContactId::of(&change.id), address.clone());
                let contact = Contact { id, address, added_at: ctx.now, removed_at: None, disputed: false, verified_at: None };
                Event::ContactAdded { contact }
            });
            removed.chain(added).collect()
        }
        Details::CredentialReset {}
        | Details::ProtectionOff { .. }
        | Details::AuthorizedUser { .. }
        | Details::Ownership {}
        | Details::AddLine {}
        | Details::FactorAdd { .. }
        | Details::FactorRemove { .. } => Vec::new(),
    };
    events.push(Event::Ended { change: id.clone(), how: Ending::Completed, reason: None });
    let notice = notice(view, Message::Completed, Some(change), id.subject(), ctx);
    let mut draft = Draft::on(id.subject(), Step { events, notice: Some(notice) });
    if kind == ChangeKind::NumberChange
        && let Some(line) = &view.line
    {
        draft.account = number_left(view, &line.state.msisdn);
    }
    Ok(draft)
}

fn failed(view: &View, id: &ChangeId, authorization: &AuthorizationId, ctx: Context<'_>) -> Result<Draft, Denied> {
    let change = view.change(id).ok_or(Denied::NotFound)?;
    if change.authorization().map(|granted| &granted.id) != Some(authorization) {
        return Err(Denied::DoesNotFit("not this change's authorization"));
    }
    match change.stage {
        Stage::Released(_) | Stage::Authorized(_) => {
            let ended = Event::Ended { change: id.clone(), how: Ending::Failed, reason: None };
            let notice = notice(view, Message::Failed, Some(change), id.subject(), ctx);
            Ok(Draft::on(id.subject(), Step { events: vec![ended], notice: Some(notice) }))
        }
        Stage::Ended { .. } => Ok(Draft::default()),
        Stage::Open => Err(Denied::DoesNotFit("the change was never authorized")),
    }
}

/// Something was done that nothing allowed.
pub(super) fn incident(view: &View, subject: &Subject, mut events: Vec<Event>, kind: ChangeKind, ctx: Context<'_>) -> Draft {
    events.push(Event::Incident { kind });
    let mut told = notice(view, Message::Incident { kind }, None, subject, ctx);
    if matches!(kind, ChangeKind::SimSwap | ChangeKind::PortOut) {
        // An SMS to the line now reaches whoever has it.
        let line = line_contact();
        told.to.iter_mut().filter(|to| Some(&to.contact) == line.as_ref()).for_each(|to| to.counts = false);
    }
    let mut draft = Draft::on(subject, Step { events, notice: Some(told) });
    let locked =
        view.account.as_ref().is_some_and(|a| a.state.protections.0.get(&Protection::AccountLockdown) == Some(&Mode::Block));
    if view.account.is_some() && !locked {
        let on = Event::ProtectionOn { protection: Protection::AccountLockdown, mode: Mode::Block };
        draft.account.get_or_insert_default().events.push(on);
    }
    draft
}
