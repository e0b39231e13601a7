//! Fraud that is reported: the account is frozen and a case is opened; what was put back is recorded; the case is
//! closed. Reporting is stopping (I7): it is never throttled, and asks for no more than "this was not me" does.

use super::stop::{Stoppable, ended, stoppable};
use super::{Context, Denied, notice};
use crate::change::{Change, Details, Ending, Stage};
use crate::fraud::{CONCERNS, CaseId, CaseOutcome, Concern, Concerned, Through};
use crate::ids::{ChangeId, ContactId, FactorId, Subject};
use crate::kinds::{ChangeKind, Mode, Protection};
use crate::ledger::{Draft, Event, Step};
use crate::notice::{Message, Notice, line_contact};
use crate::state::{Account, Book, Line, Versioned, View};
use crate::time::Timestamp;

/// A report of fraud.
#[derive(Clone, Debug)]
pub struct ReportFraud {
    /// How it came in.
    pub through: Through,
    /// Whether the phone is said to be out of the customer's hands.
    pub phone_lost: bool,
    /// What it names; nothing where no more is said than that something is wrong: then all of the account is meant.
    pub concerns: Vec<Concern>,
}

impl ReportFraud {
    /// A report that names things of an account, looked up where they are. Whatever is not there, or another's, is not
    /// found (I9).
    ///
    /// # Errors
    /// [`Denied::NotFound`]; [`Denied::TooManyConcerns`] for more than [`CONCERNS`] of them.
    pub fn naming(
        account: &Account,
        lines: &[Versioned<Line>],
        named: &[Concerned],
        through: Through,
        phone_lost: bool,
    ) -> Result<Self, Denied> {
        if named.len() > CONCERNS {
            return Err(Denied::TooManyConcerns);
        }
        let line = |subject: &Subject| match subject {
            Subject::Line(id) => lines.iter().map(|line| &line.state).find(|line| line.id == *id),
            Subject::Account => None,
        };
        let concern = |what: &Concerned| match what {
            Concerned::Line(id) => line(&Subject::Line(id.clone())).map(Concern::of_line),
            Concerned::Factor(id) => account.factors.iter().find(|known| known.id == *id).map(Concern::of_factor),
            Concerned::Contact(id) => account.contact(id).map(Concern::of_contact),
            Concerned::Change(id) => {
                let book = match id.subject() {
                    Subject::Account => &account.book,
                    subject @ Subject::Line(_) => &line(subject)?.book,
                };
                book.changes.get(id).map(Concern::of_change)
            }
        };
        let concerns = named.iter().map(|what| concern(what).ok_or(Denied::NotFound)).collect::<Result<_, _>>()?;
        Ok(Self { through, phone_lost, concerns })
    }

    /// Whether it is about a subject: named itself, by one of its changes, or by naming nothing at all. What is open
    /// for it is then stopped. What is open for the account always is.
    #[must_use]
    pub fn is_about(&self, subject: &Subject) -> bool {
        let names = |concern: &Concern| match &concern.what {
            Concerned::Line(id) => *subject == Subject::Line(id.clone()),
            Concerned::Change(id) => id.subject() == subject,
            Concerned::Factor(_) | Concerned::Contact(_) => false,
        };
        *subject == Subject::Account || self.concerns.is_empty() || self.concerns.iter().any(names)
    }

    fn names(&self, id: &ChangeId) -> bool {
        self.concerns.iter().any(|concern| concern.what == Concerned::Change(id.clone()))
    }
}

/// Records a report: freezes the account, opens a case or adds to the one that is open, and stops what is open for the
/// account and for the line that was read. Of an account with more lines, the others' open changes are frozen with it;
/// the caller asks once for each line that the report is about, to stop them as well.
///
/// What is reported again adds nothing: no event, no notice, no growth.
///
/// # Errors
/// [`Denied::NotFound`] where the account does not exist.
pub fn report_fraud(view: &View, report: &ReportFraud, ctx: Context<'_>) -> Result<Draft, Denied> {
    let account = view.account.as_ref().ok_or(Denied::NotFound)?;
    let mut draft = Draft::default();
    let line = view.line.as_ref().map(|line| &line.state);
    let subject = line.map_or(Subject::Account, |line| Subject::Line(line.id.clone()));
    if let Some(line) = line.filter(|_| report.is_about(&subject)) {
        let events = stopped(&line.book, report);
        draft.line = (!events.is_empty()).then_some(Step { events, notice: None });
    }
    let case = reported(account, report);
    let frozen = account.state.protections.0.get(&Protection::AccountLockdown) == Some(&Mode::Block);
    let protection = Protection::AccountLockdown;
    let message = match &case {
        Some((id, _)) => Some(Message::FraudReported { case: *id }),
        None if !frozen => Some(Message::ProtectionOn { protection }),
        None => None,
    };
    // The report leads: it is what others hear of the entry.
    let mut events: Vec<Event> = case.map(|(_, event)| event).into_iter().collect();
    events.extend(stopped(&account.state.book, report));
    if !frozen {
        events.push(Event::ProtectionOn { protection, mode: Mode::Block });
    }
    if !events.is_empty() {
        let notice = message.map(|message| told(view, message, &subject, report, ctx));
        draft.account = Some(Step { events, notice });
    }
    Ok(draft)
}

/// What happens to a subject's changes: what is open is stopped, and what is named is disputed; once. The named ones
/// come first: the entry is about them.
fn stopped(book: &Book, report: &ReportFraud) -> Vec<Event> {
    let mut changes: Vec<&Change> = book.changes.values().collect();
    changes.sort_by_key(|change| !report.names(&change.id));
    let mut events = Vec::new();
    for change in changes {
        let first = report.names(&change.id) && change.disputed_at.is_none();
        match (stoppable(change), &change.stage) {
            (Stoppable::Yes, _) => events.push(ended(change)),
            (Stoppable::TooLate, Stage::Ended { how: Ending::Completed, .. }) if first => {
                events.push(Event::Incident { kind: change.kind() });
            }
            (Stoppable::Already | Stoppable::TooLate, _) => {}
        }
        if first {
            events.push(Event::Disputed { change: change.id.clone() });
        }
    }
    events
}

/// The case that a report opens or adds to; nothing where it says nothing new.
fn reported(account: &Versioned<Account>, report: &ReportFraud) -> Option<(CaseId, Event)> {
    let state = &account.state;
    let open = state.open_case();
    let room = open.map_or(CONCERNS, |case| CONCERNS.saturating_sub(case.concerns.len()));
    // A line can be in danger again, and what was found to be hers can be doubted again. A change is what it was: it is
    // in one case.
    let known = |what: &Concerned| match what {
        Concerned::Line(_) => open.is_some_and(|case| case.concern(what).is_some()),
        Concerned::Factor(_) | Concerned::Contact(_) => state.is_disputed(what),
        Concerned::Change(_) => state.cases.iter().any(|case| case.concern(what).is_some()),
    };
    let mut fresh: Vec<Concern> = report.concerns.iter().flat_map(|concern| with_what_it_added(state, concern)).collect();
    fresh.retain(|concern| !known(&concern.what));
    fresh.dedup_by(|a, b| a.what == b.what);
    // Where a case is full, a factor or a contact can still be said not to be hers.
    let mut left = room;
    fresh.retain(|concern| {
        let fits = left > 0;
        left = left.saturating_sub(1);
        fits || matches!(concern.what, Concerned::Factor(_) | Concerned::Contact(_))
    });
    let lost = report.phone_lost && !open.is_some_and(|case| case.phone_lost);
    let opens = open.is_none() && (report.concerns.is_empty() || report.phone_lost);
    if fresh.is_empty() && !(lost && open.is_some()) && !opens {
        return None;
    }
    let case = open.map_or(CaseId(account.seq.saturating_add(1)), |case| case.id);
    let (through, phone_lost) = (report.through, report.phone_lost);
    Some((case, Event::FraudReported { case, through, phone_lost, concerns: fresh }))
}

/// A change that is not hers, and what it added to the account: that is not hers either.
fn with_what_it_added(account: &Account, concern: &Concern) -> Vec<Concern> {
    let mut all = vec![concern.clone()];
    if let Concerned::Change(id) = &concern.what
        && let Some(change) = account.book.changes.get(id)
    {
        let factor = FactorId::of(&change.digest());
        let contact = ContactId::of(&change.id);
        if matches!(change.details, Details::FactorAdd { .. }) {
            all.extend(account.factors.iter().find(|known| known.id == factor).map(Concern::of_factor));
        } else if matches!(change.details, Details::ContactChange { .. }) {
            all.extend(account.contact(&contact).map(Concern::of_contact));
        }
    }
    all
}

/// The notice of a report. Where the line may be in other hands, an SMS to it is no way to tell her.
fn told(view: &View, message: Message, subject: &Subject, report: &ReportFraud, ctx: Context<'_>) -> Notice {
    let mut told = notice(view, message, None, subject, ctx);
    let moved = |concern: &Concern| {
        let kind = concern.asked.filter(|asked| asked.done).map(|asked| asked.kind);
        matches!(concern.what, Concerned::Line(_)) || kind.is_some_and(ChangeKind::moves_the_line)
    };
    if report.phone_lost || report.concerns.is_empty() || report.concerns.iter().any(moved) {
        let line = line_contact();
        told.to.iter_mut().filter(|to| Some(&to.contact) == line.as_ref()).for_each(|to| to.counts = false);
    }
    told
}

/// Records that something of a case was put back at `effect`. The same again is recorded already.
///
/// # Errors
/// [`Denied::NotFound`] where there is no such case, or it does not name that.
pub fn record_remedy(view: &View, case: CaseId, what: &Concerned, effect: Timestamp, ctx: Context<'_>) -> Result<Draft, Denied> {
    let account = &view.account.as_ref().ok_or(Denied::NotFound)?.state;
    let concern = account.case(case).and_then(|case| case.concern(what)).ok_or(Denied::NotFound)?;
    if concern.remedied_at.is_some() {
        return Ok(Draft::default());
    }
    let events = vec![Event::FraudRemedied { case, what: what.clone(), at: effect }];
    let notice = notice(view, Message::FraudRemedied { case }, None, &Subject::Account, ctx);
    Ok(Draft { account: Some(Step { events, notice: Some(notice) }), ..Draft::default() })
}

/// What an open case asks to be put back on a line, where a SIM that goes in is the one that was in before.
pub(super) fn reversal(view: &View, line: &Line, sim: &crate::numbers::Iccid) -> Option<(CaseId, Vec<Concerned>)> {
    let case = view.account.as_ref()?.state.open_case()?;
    let of_line = |concern: &&Concern| match &concern.what {
        Concerned::Line(id) => *id == line.id,
        Concerned::Change(id) => {
            let kind = concern.asked.map(|asked| asked.kind);
            *id.subject() == Subject::Line(line.id.clone()) && kind.is_none_or(|kind| kind == ChangeKind::SimSwap)
        }
        Concerned::Factor(_) | Concerned::Contact(_) => false,
    };
    let what: Vec<Concerned> = case.outstanding().filter(of_line).map(|concern| concern.what.clone()).collect();
    (line.sim_before.as_ref() == Some(sim) && !what.is_empty()).then_some((case.id, what))
}

/// Closes a case. What was said not to be hers goes, unless it turned out to be hers: then it is trusted again like a
/// new one. The account stays frozen until the customer says otherwise.
///
/// # Errors
/// [`Denied::NotFound`]; [`Denied::CaseClosed`] where it was closed with another outcome.
pub fn close_case(view: &View, case: CaseId, outcome: CaseOutcome, ctx: Context<'_>) -> Result<Draft, Denied> {
    let account = &view.account.as_ref().ok_or(Denied::NotFound)?.state;
    let known = account.case(case).ok_or(Denied::NotFound)?;
    match known.outcome {
        Some(said) if said == outcome => return Ok(Draft::default()),
        Some(_) => return Err(Denied::CaseClosed),
        None => {}
    }
    let named = |concern: &Concern| match &concern.what {
        Concerned::Change(id) => Some(id.clone()),
        Concerned::Line(_) | Concerned::Factor(_) | Concerned::Contact(_) => None,
    };
    let changes = known.concerns.iter().filter_map(named).collect();
    let mut events = vec![Event::FraudClosed { case, outcome, changes }];
    match outcome {
        CaseOutcome::NoFraud => {}
        CaseOutcome::Fraud | CaseOutcome::Unclear => {
            let factors = account.factors.iter().filter(|known| known.disputed);
            events.extend(factors.map(|known| Event::FactorRemoved { factor: known.id.clone() }));
            let contacts = account.contacts.iter().filter(|known| known.disputed && known.removed_at.is_none());
            events.extend(contacts.map(|known| Event::ContactRemoved { contact: known.id.clone() }));
        }
    }
    let notice = notice(view, Message::FraudClosed { case, outcome }, None, &Subject::Account, ctx);
    Ok(Draft { account: Some(Step { events, notice: Some(notice) }), ..Draft::default() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::change::{Actor, Address};
    use crate::config::Settings;
    use crate::decide::test_change;
    use crate::digest::Digest;
    use crate::factors::{Credential, Enrolled};
    use crate::fraud::CLOSED_CASES;
    use crate::ids::{AccountId, LineId};
    use crate::kinds::{Jurisdiction, Locale};
    use crate::ledger::{Evolve, Owner};
    use crate::numbers::{Email, Iccid, Msisdn};
    use crate::signals::Signal;
    use crate::state::{Contact, Sim, Tally};
    use crate::time::{Span, Timestamp};

    const OPENED: Timestamp = Timestamp::from_second(1_780_000_000);
    const NOW: Timestamp = Timestamp::from_second(1_790_000_000);

    fn owner(subject: Subject) -> Owner {
        Owner { account_id: AccountId::parse("a").unwrap(), subject }
    }

    fn line_id() -> LineId {
        LineId::parse("l").unwrap()
    }

    fn versioned<S>(state: S) -> Versioned<S> {
        Versioned { seq: 5, head: Digest::genesis(), state, tally: Tally::default() }
    }

    /// Ana with eight device keys and two mailboxes, a line whose SIM changed, and an open change of it.
    fn ana() -> View {
        let contact = |n: u32| Contact {
            id: ContactId::parse(&format!("c{n}")).unwrap(),
            address: Address::Email(Email::parse(&format!("ana{n}@example.com")).unwrap()),
            added_at: OPENED,
            removed_at: None,
            disputed: false,
            verified_at: None,
        };
        let opened =
            Event::AccountOpened { jurisdiction: Jurisdiction::Us, locale: Locale::En, contacts: vec![contact(1), contact(2)] };
        let mut account = Account::evolve(None, &owner(Subject::Account), &opened, 1, OPENED).unwrap();
        for n in 0..8 {
            let id = FactorId::parse(&format!("f{n}")).unwrap();
            account.factors.push(Enrolled::new(id, Credential::DeviceKey(format!("t{n}")), None, OPENED, &Settings::default()));
        }
        let sim = |iccid| Sim { iccid: Iccid::parse(iccid).unwrap(), eid: None, since: OPENED };
        let opened =
            Event::LineOpened { msisdn: Msisdn::parse("+13055550123").unwrap(), sim: sim("8901260222193583586"), imei: None };
        let of_line = owner(Subject::Line(line_id()));
        let line = Line::evolve(None, &of_line, &opened, 1, OPENED);
        let changed = Event::SimChanged { sim: sim("8901260222193581234"), authorization: None };
        let mut line = Line::evolve(line, &of_line, &changed, 2, OPENED).unwrap();
        line.book.changes.insert(test_change().id, test_change());
        View { account: Some(versioned(account)), line: Some(versioned(line)), profile: Signal::Absent, ..View::default() }
    }

    fn after(view: &View, draft: Draft, now: Timestamp) -> View {
        let sealed = draft.seal(view, &owner(Subject::Line(line_id())), &Actor::Customer, now).unwrap();
        let mut view = view.clone();
        view.account = sealed.account.map(|append| append.after).or(view.account);
        view.line = sealed.line.map(|append| append.after).or(view.line);
        view
    }

    /// What a report may name, by number.
    fn named(n: usize) -> Concerned {
        match n {
            0 => Concerned::Line(line_id()),
            1 => Concerned::Change(test_change().id),
            2 | 3 => Concerned::Contact(ContactId::parse(&format!("c{}", n - 1)).unwrap()),
            n => Concerned::Factor(FactorId::parse(&format!("f{}", n - 4)).unwrap()),
        }
    }

    fn reports() -> impl Strategy<Value = Vec<(Vec<usize>, bool, Option<usize>)>> {
        prop::collection::vec((prop::collection::vec(0_usize..12, 0..=6), any::<bool>(), prop::option::of(0_usize..3)), 1..12)
    }

    proptest! {
        #[test]
        fn a_report_freezes_and_stops_and_the_same_again_adds_nothing(reports in reports()) {
            let settings = Settings::default();
            let mut view = ana();
            let mut now = NOW;
            for (things, phone_lost, close) in reports {
                now = now + Span::hours(1);
                let ctx = Context { now, settings: &settings };
                let account = &view.account.as_ref().unwrap().state;
                let lines = [view.line.clone().unwrap()];
                let is_there = |what: &Concerned| {
                    ReportFraud::naming(account, &lines, std::slice::from_ref(what), Through::App, false).is_ok()
                };
                let things: Vec<Concerned> = things.into_iter().map(named).filter(is_there).collect();
                let report = ReportFraud::naming(account, &lines, &things, Through::App, phone_lost).unwrap();
                view = after(&view, report_fraud(&view, &report, ctx).unwrap(), now);
                prop_assert!(report_fraud(&view, &report, ctx).unwrap().is_empty(), "said twice");

                let account = &view.account.as_ref().unwrap().state;
                prop_assert_eq!(account.protections.0.get(&Protection::AccountLockdown), Some(&Mode::Block));
                let about = report.is_about(&Subject::Line(line_id()));
                prop_assert!(!about || view.line.as_ref().unwrap().state.book.open(now).next().is_none());
                for what in &things {
                    let disputable = matches!(what, Concerned::Factor(_) | Concerned::Contact(_));
                    prop_assert!(!disputable || account.is_disputed(what), "{:?}", what);
                }
                prop_assert!(account.cases.iter().filter(|case| case.is_open()).count() <= 1);
                prop_assert!(account.cases.iter().filter(|case| !case.is_open()).count() <= CLOSED_CASES);
                prop_assert!(account.cases.iter().all(|case| case.concerns.len() <= CONCERNS));

                if let (Some(outcome), Some(case)) = (close, account.open_case().map(|case| case.id)) {
                    let outcome = CaseOutcome::ALL[outcome];
                    view = after(&view, close_case(&view, case, outcome, ctx).unwrap(), now);
                    let account = &view.account.as_ref().unwrap().state;
                    prop_assert_eq!(account.protections.0.get(&Protection::AccountLockdown), Some(&Mode::Block));
                    prop_assert!(account.factors.iter().all(|known| !known.disputed), "in doubt for ever");
                }
            }
        }
    }

    #[test]
    fn whoever_is_not_found_is_not_reported_and_too_many_are_refused() {
        let view = ana();
        let (account, lines) = (&view.account.as_ref().unwrap().state, [view.line.clone().unwrap()]);
        let naming = |named: &[Concerned]| ReportFraud::naming(account, &lines, named, Through::App, false).map(|_| ());
        for foreign in [
            Concerned::Line(LineId::parse("another").unwrap()),
            Concerned::Factor(FactorId::parse("another").unwrap()),
            Concerned::Contact(ContactId::parse("another").unwrap()),
            Concerned::Change(ChangeId::derive(&account.id, Subject::Account, "another")),
            Concerned::Change(ChangeId::derive(&account.id, Subject::Line(LineId::parse("another").unwrap()), "k")),
        ] {
            assert_eq!(naming(&[named(0), foreign]), Err(Denied::NotFound));
        }
        assert_eq!(naming(&(0..7).map(named).collect::<Vec<_>>()), Err(Denied::TooManyConcerns));
        assert_eq!(naming(&(0..6).map(named).collect::<Vec<_>>()), Ok(()));
    }
}
