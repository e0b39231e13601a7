//! What happens at the care desk. See [`crate::desk`] for the wall.

use super::{Context, Denied, advance, find, notice, step};
use crate::change::{Address, Details};
use crate::desk::{
    CONTACT_LIFE, CareContact, Desk, DeskView, Field, Insider, NUMBERS, Prepared, Purpose, Shut, Staff, StoreVisit, Wall,
};
use crate::ids::{CareContactId, ChangeId, LineId, Subject};
use crate::kinds::{Channel, Factor};
use crate::ledger::{Draft, Event, Step};
use crate::notice::{Message, Notice};
use crate::proof::Proof;
use crate::quota::{Quota, QuotaKind};
use crate::state::{Account, View};

/// A contact that a representative begins.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Its id.
    pub id: CareContactId,
    /// About which line.
    pub line: LineId,
    /// Whose.
    pub staff: Staff,
    /// What for.
    pub purpose: Purpose,
    /// Whether the customer called.
    pub inbound: bool,
    /// The number on the representative's screen, 0 to 99.
    pub number: u32,
}

fn account(view: &View) -> Result<&Account, Denied> {
    let account = view.account.as_ref().map(|account| &account.state);
    account.filter(|account| account.closed_at.is_none()).ok_or(Denied::NotFound)
}

fn on_account(events: Vec<Event>, notice: Option<Notice>) -> Draft {
    Draft::on(&Subject::Account, Step { events, notice })
}

/// Begins a contact, with its wall sealed, and asks the customer in her app.
///
/// It is never refused for what others did: a customer on the phone must be able to have things stopped. Each
/// representative has a share of the day.
///
/// # Errors
/// [`Denied::NotFound`] for a line that is not there, has ended, or whose account is closed: all look the same.
pub fn begin(view: &View, beginning: &Beginning, ctx: Context<'_>) -> Result<Draft, Denied> {
    let desk = &account(view)?.desk;
    let line = view.line.as_ref().map(|line| &line.state).filter(|line| line.id == beginning.line && line.ended_at.is_none());
    line.ok_or(Denied::NotFound)?;
    if desk.contact(&beginning.id).is_some() {
        return Ok(Draft::default());
    }
    let Beginning { id, line, staff, purpose, inbound, number } = beginning.clone();
    let asked = Message::CareAsked { by: staff.name.clone(), purpose };
    let share = Quota::of_day(
        QuotaKind::ContactsOfStaff,
        staff.id.as_str(),
        ctx.settings.contacts_of_staff,
        ctx.now,
        Denied::TooManyRequests,
    );
    let contact = CareContact {
        id,
        line,
        staff,
        purpose,
        inbound,
        number: number % NUMBERS,
        opened_at: ctx.now,
        expires_at: ctx.now + CONTACT_LIFE,
        wall: Wall::Sealed,
        viewed: Vec::new(),
        prepared: None,
    };
    let mut quotas = vec![share];
    if !contact.inbound {
        let limit = ctx.settings.uninvited_of_staff;
        let of = contact.staff.id.as_str();
        quotas.push(Quota::of_day(QuotaKind::UninvitedOfStaff, of, limit, ctx.now, Denied::TooManyRequests));
    }
    let mut after = desk.clone();
    after.begin(contact.clone(), ctx.now);
    let alarm = in_vain(desk, &after, &contact.staff, ctx);
    // Only she can open it, and only in the app; where she has none, nobody is disturbed by what she cannot answer.
    let mut asked = notice(view, asked, None, &Subject::Account, ctx);
    asked.to.retain(|recipient| matches!(recipient.address, Address::Push(_)));
    let asked = (!asked.to.is_empty()).then_some(asked);
    let mut events = vec![Event::CareBegun { contact: Box::new(contact) }];
    events.extend(alarm);
    Ok(Draft { quotas, ..on_account(events, asked) })
}

/// The alarm about walls that stay closed, where this makes them too many: once for each time that it is reached.
fn in_vain(before: &Desk, after: &Desk, staff: &Staff, ctx: Context<'_>) -> Option<Event> {
    let limit = ctx.settings.in_vain_of_desk;
    let reached = before.in_vain(ctx.now) < limit && after.in_vain(ctx.now) >= limit;
    reached.then(|| Event::CareAlarm { insider: Insider::InVain, representative: staff.id.clone() })
}

/// Calls the fraud desk about one representative, once a day.
///
/// # Errors
/// [`Denied::NotFound`] without the account; [`Denied::NothingToChange`] where it was called today.
pub fn alarm(view: &View, insider: Insider, staff: &Staff, ctx: Context<'_>) -> Result<Draft, Denied> {
    account(view)?;
    let once = format!("{insider} {}", staff.id);
    let once = Quota::of_day(QuotaKind::AlarmsOfStaff, &once, 1, ctx.now, Denied::NothingToChange);
    let alarm = Event::CareAlarm { insider, representative: staff.id.clone() };
    Ok(Draft { quotas: vec![once], ..on_account(vec![alarm], None) })
}

/// What the customer says of a contact in her app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The number that she heard.
    Number(u32),
    /// That she talks to nobody.
    NotMe,
}

/// The customer opens the wall, or shuts it for good. One number, once: a guess has a chance of one in a hundred, and a
/// day has room for few. Saying that it is not her is always possible.
///
/// # Errors
/// [`Denied::NotFound`]; [`Denied::ContactOver`] where its time is over or it was shut; [`Denied::TooManyAttempts`].
pub fn answer_contact(view: &View, id: &CareContactId, said: Said, ctx: Context<'_>) -> Result<Draft, Denied> {
    let desk = &account(view)?.desk;
    let contact = desk.contact(id).ok_or(Denied::NotFound)?;
    let shut = |why| {
        let mut after = desk.clone();
        match why {
            Shut::WrongNumber => after.failed(ctx.now),
            Shut::NotMe => after.not_met(ctx.now),
        }
        let mut events = vec![Event::WallShut { contact: id.clone(), why }];
        events.extend(in_vain(desk, &after, &contact.staff, ctx));
        Ok(on_account(events, None))
    };
    match (said, contact.wall) {
        _ if ctx.now >= contact.expires_at => Err(Denied::ContactOver),
        (Said::NotMe, Wall::Shut(Shut::NotMe)) => Ok(Draft::default()),
        (Said::NotMe, Wall::Sealed | Wall::Open | Wall::Shut(Shut::WrongNumber)) => shut(Shut::NotMe),
        (Said::Number(_), Wall::Shut(_)) => Err(Denied::ContactOver),
        (Said::Number(number), Wall::Open) if number == contact.number => Ok(Draft::default()),
        (Said::Number(_), Wall::Open) => Err(Denied::ContactOver),
        (Said::Number(_), Wall::Sealed) if desk.failures(ctx.now) >= ctx.settings.failures_of_desk => {
            Err(Denied::TooManyAttempts)
        }
        (Said::Number(number), Wall::Sealed) if number != contact.number => shut(Shut::WrongNumber),
        (Said::Number(_), Wall::Sealed) => {
            let opened = Event::WallOpened { contact: id.clone(), until: ctx.now + CONTACT_LIFE };
            Ok(on_account(vec![opened], None))
        }
    }
}

/// The contact with that id, where it is this representative's, in the session and at the device that began it, and runs.
///
/// # Errors
/// [`Denied::NotFound`] for another's, which looks like none; [`Denied::ContactOver`].
pub fn attended<'a>(view: &'a View, id: &CareContactId, staff: &Staff, ctx: Context<'_>) -> Result<&'a CareContact, Denied> {
    let contact = account(view)?.desk.contact(id).filter(|contact| contact.staff == *staff).ok_or(Denied::NotFound)?;
    if ctx.now >= contact.expires_at { Err(Denied::ContactOver) } else { Ok(contact) }
}

/// Records what a representative is about to see. What they see is made of the view that this leads to.
///
/// # Errors
/// As [`attended`]; [`Denied::WallClosed`] while the customer has not opened the wall; [`Denied::Forbidden`] for what
/// the contact's purpose does not show.
pub fn viewed(view: &View, id: &CareContactId, staff: &Staff, fields: &[Field], ctx: Context<'_>) -> Result<Draft, Denied> {
    seen(view, id, staff, fields, ctx)?;
    Ok(on_account(vec![Event::CareViewed { contact: id.clone(), fields: fields.to_vec() }], None))
}

/// What is behind the wall of a contact.
///
/// # Errors
/// As [`viewed`].
pub fn seen(view: &View, id: &CareContactId, staff: &Staff, fields: &[Field], ctx: Context<'_>) -> Result<DeskView, Denied> {
    let contact = attended(view, id, staff, ctx)?;
    if contact.wall != Wall::Open {
        return Err(Denied::WallClosed);
    }
    let line = view.line.as_ref().ok_or(Denied::NotFound)?;
    DeskView::of(contact, fields, account(view)?, &line.state, ctx.now).ok_or(Denied::Forbidden)
}

/// Writes a change down for the customer to ask for in the app. Nothing else happens, so nothing is checked of it that
/// is not checked when she asks.
///
/// # Errors
/// As [`attended`]; [`Denied::WallClosed`]: what she is to find in her app comes from whom she talks to.
pub fn prepare(
    view: &View,
    id: &CareContactId,
    staff: &Staff,
    details: &Details,
    subject: &Subject,
    ctx: Context<'_>,
) -> Result<Draft, Denied> {
    let contact = attended(view, id, staff, ctx)?;
    if contact.wall != Wall::Open {
        return Err(Denied::WallClosed);
    }
    let prepared = Box::new(Prepared { details: details.clone(), subject: subject.clone() });
    if contact.prepared.as_ref() == Some(&prepared) {
        return Ok(Draft::default());
    }
    Ok(on_account(vec![Event::CarePrepared { contact: id.clone(), prepared }], None))
}

/// The representative ends the contact: the wall closes behind them.
///
/// # Errors
/// As [`attended`].
pub fn end_contact(view: &View, id: &CareContactId, staff: &Staff, ctx: Context<'_>) -> Result<Draft, Denied> {
    attended(view, id, staff, ctx)?;
    Ok(on_account(vec![Event::CareEnded { contact: id.clone() }], None))
}

/// What is under way for one subject, to be stopped on the customer's word.
#[must_use]
pub fn under_way(view: &View, subject: &Subject, ctx: Context<'_>) -> Vec<ChangeId> {
    let open = view.book(subject).into_iter().flat_map(|book| book.open(ctx.now));
    open.map(|change| change.id.clone()).collect()
}

/// The change of a line that a store asked for and that a second member of staff is to look at.
#[must_use]
pub fn unchecked(view: &View, line: &Subject, ctx: Context<'_>) -> Option<ChangeId> {
    let mut from_a_store = view.book(line)?.open(ctx.now).filter(|change| change.request.store.is_some());
    from_a_store.next().map(|change| change.id.clone())
}

/// A second member of staff looked at the document too. Together they prove what nothing else of a customer without a
/// phone can, under the longest hold, and the customer reads both names.
///
/// # Errors
/// [`Denied::NotFound`]; [`Denied::ChangeClosed`]; [`Denied::FactorNotOffered`] where the change did not come from a
/// store or a document does not help it; [`Denied::SamePerson`] for the maker, or who shares a session or a device.
pub fn check(view: &View, id: &ChangeId, checker: &Staff, ctx: Context<'_>) -> Result<Draft, Denied> {
    let change = find(view, id)?;
    let visit = change.request.store.as_deref().filter(|_| change.request.channel == Channel::Store);
    // Who works elsewhere has nobody in front of them.
    let visit = visit.filter(|visit| visit.maker.place == checker.place).ok_or(Denied::NotFound)?;
    if !change.status(ctx.now).is_open() {
        return Err(Denied::ChangeClosed);
    }
    if !visit.maker.is_another(checker) {
        return Err(Denied::SamePerson);
    }
    if visit.checker.as_deref() == Some(checker) {
        return Ok(Draft::default());
    }
    if visit.checker.is_some() || !change.need.accepted.has(Factor::Document) {
        return Err(Denied::FactorNotOffered);
    }
    let mut after = change.clone();
    let proof = Proof { factor: Factor::Document, at: ctx.now };
    after.proofs.push(proof);
    after.request.store = Some(Box::new(StoreVisit { checker: Some(Box::new(checker.clone())), ..visit.clone() }));
    let checked = Event::DocumentChecked { change: id.clone(), checker: Box::new(checker.clone()), proof };
    let told = notice(view, Message::Checked, Some(&after), id.subject(), ctx);
    let (more, _, relies) = advance(view, &after, ctx);
    let mut events = vec![checked];
    events.extend(more);
    Ok(step(id, events, Some(told), relies))
}
