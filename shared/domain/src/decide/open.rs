//! Accounts and lines begin and end.

use super::{Context, Denied, exists, notice};
use crate::change::{Address, Ending, Stage};
use crate::ids::{ChangeId, ContactId, Subject};
use crate::kinds::{Jurisdiction, Locale, Reason};
use crate::ledger::{Draft, Event, Step};
use crate::notice::Message;
use crate::numbers::{Imei, Msisdn};
use crate::state::{Billing, CONTACTS, Contact, Line, Sim, View};
use crate::time::Timestamp;

/// A line that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The number.
    pub msisdn: Msisdn,
    /// The first SIM.
    pub sim: Sim,
    /// The handset.
    pub imei: Option<Imei>,
}

/// Opens an account. One that is open with the same contacts is open already: nothing happens.
///
/// # Errors
/// [`Denied::DoesNotFit`] where it is there with others, or was closed; [`Denied::TooManyContacts`].
pub fn open_account(
    view: &View,
    jurisdiction: Jurisdiction,
    locale: Locale,
    contacts: &[(ContactId, Address)],
    ctx: Context<'_>,
) -> Result<Draft, Denied> {
    if contacts.len() > CONTACTS {
        return Err(Denied::TooManyContacts);
    }
    contacts.iter().try_for_each(|(_, address)| exists(address))?;
    let contacts: Vec<Contact> = contacts
        .iter()
        .map(|(id, address)| {
            let (id, address) = (id.clone(), address.clone());
            Contact { id, address, added_at: ctx.now, removed_at: None, disputed: false, verified_at: None }
        })
        .collect();
    match view.account.as_ref().map(|account| &account.state) {
        None => Ok(Draft {
            account: Some(Step { events: vec![Event::AccountOpened { jurisdiction, locale, contacts }], notice: None }),
            ..Draft::default()
        }),
        Some(known) => {
            let same = known.closed_at.is_none()
                && known.jurisdiction == jurisdiction
                && known.locale == locale
                && contacts.iter().all(|new| known.contact(&new.id).is_some_and(|old| old.address == new.address));
            if same { Ok(Draft::default()) } else { Err(Denied::DoesNotFit("the account exists, and differs")) }
        }
    }
}

/// What an account's orders of ports are compared with, from now on.
///
/// # Errors
/// [`Denied::NotFound`] without an open account.
pub fn set_billing(view: &View, billing: &Billing) -> Result<Draft, Denied> {
    let account = view.account.as_ref().map(|account| &account.state).filter(|account| account.closed_at.is_none());
    if account.ok_or(Denied::NotFound)?.billing.as_ref() == Some(billing) {
        return Ok(Draft::default());
    }
    let events = vec![Event::BillingKnown { billing: billing.clone() }];
    Ok(Draft { account: Some(Step { events, notice: None }), ..Draft::default() })
}

/// Records that the carrier had an answer from a contact at `effect`. What is known to be later stays.
///
/// # Errors
/// [`Denied::NotFound`] where there is no such contact, or it was removed.
pub fn verify_contact(view: &View, id: &ContactId, effect: Timestamp) -> Result<Draft, Denied> {
    let account = view.account.as_ref().map(|account| &account.state).filter(|account| account.closed_at.is_none());
    let known = account.and_then(|account| account.contact(id)).filter(|known| known.removed_at.is_none());
    if known.ok_or(Denied::NotFound)?.verified_at.is_some_and(|at| at >= effect) {
        return Ok(Draft::default());
    }
    let events = vec![Event::ContactVerified { contact: id.clone(), at: effect }];
    Ok(Draft { account: Some(Step { events, notice: None }), ..Draft::default() })
}

/// Opens a line of an open account. The same line again is open already: nothing happens.
///
/// # Errors
/// [`Denied::NotFound`] without its account; [`Denied::DoesNotFit`] where it is there and differs.
pub fn open_line(view: &View, opening: &Opening) -> Result<Draft, Denied> {
    let account = view.account.as_ref().filter(|account| account.state.closed_at.is_none()).ok_or(Denied::NotFound)?;
    match view.line.as_ref().map(|line| &line.state) {
        None => {
            exists(&Address::Sms(opening.msisdn.clone()))?;
            let Opening { msisdn, sim, imei } = opening.clone();
            let events = vec![Event::LineOpened { msisdn, sim, imei }];
            Ok(Draft { line: Some(Step { events, notice: None }), relies_on_account: Some(account.seq), ..Draft::default() })
        }
        Some(known)
            if known.ended_at.is_none()
                && known.msisdn == opening.msisdn
                && (known.sim_changed || known.sim.iccid == opening.sim.iccid) =>
        {
            Ok(Draft::default())
        }
        Some(_) => Err(Denied::DoesNotFit("the line exists, and differs")),
    }
}

/// Ends a line's tenure: what is open for it is over, its protections end with it, and nothing of it passes to the
/// number's next owner. Where the number was also one of the account's contacts, it is that no longer: a code or a
/// notice would go to a stranger. The old owner is told, on her other channels.
///
/// # Errors
/// [`Denied::NotFound`].
pub fn end_line(view: &View, ctx: Context<'_>) -> Result<Draft, Denied> {
    let line = &view.line.as_ref().ok_or(Denied::NotFound)?.state;
    if line.ended_at.is_some() {
        return Ok(Draft::default());
    }
    let mut events: Vec<Event> = ended_with_the_line(line, None).collect();
    events.push(Event::LineEnded);
    let told = notice(view, Message::LineEnded { tail: line.msisdn.tail() }, None, &Subject::Account, ctx);
    let notice = Some(told).filter(|told| !told.to.is_empty());
    Ok(Draft { line: Some(Step { events, notice }), account: number_left(view, &line.msisdn), ..Draft::default() })
}

/// What a number that leaves the account takes from its contacts.
pub(super) fn number_left(view: &View, number: &Msisdn) -> Option<Step> {
    let contacts = &view.account.as_ref()?.state.contacts;
    let gone = contacts.iter().filter(|known| known.removed_at.is_none() && known.address == Address::Sms(number.clone()));
    let events: Vec<Event> = gone.map(|known| Event::ContactRemoved { contact: known.id.clone() }).collect();
    (!events.is_empty()).then_some(Step { events, notice: None })
}

/// What is open for a line ends with it; but for the change that ends it.
pub(super) fn ended_with_the_line(line: &Line, but: Option<&ChangeId>) -> impl Iterator<Item = Event> {
    let open = line.book.changes.values().filter(move |change| !change.has_ended() && Some(&change.id) != but);
    open.map(|change| Event::Ended { change: change.id.clone(), how: Ending::Refused, reason: Some(Reason::NotYours) })
}

/// Closes an account. Its lines end by messages of their own; no change of theirs can be authorized any more.
///
/// # Errors
/// [`Denied::NotFound`].
pub fn close_account(view: &View) -> Result<Draft, Denied> {
    let account = &view.account.as_ref().ok_or(Denied::NotFound)?.state;
    if account.closed_at.is_some() {
        return Ok(Draft::default());
    }
    let open = account.book.changes.values().filter(|change| !matches!(change.stage, Stage::Ended { .. }));
    let mut events: Vec<Event> = open
        .map(|change| Event::Ended { change: change.id.clone(), how: Ending::Refused, reason: Some(Reason::NotYours) })
        .collect();
    events.push(Event::AccountClosed);
    Ok(Draft { account: Some(Step { events, notice: None }), ..Draft::default() })
}
