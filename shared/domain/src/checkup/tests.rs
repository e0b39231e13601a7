use std::collections::BTreeMap;

use super::*;
use crate::config::Settings;
use crate::digest::Digest;
use crate::factors::{PasskeyKey, RecoveryCodes};
use crate::fraud::{CaseOutcome, Concern, Through};
use crate::ids::{AccountId, ContactId, FactorId};
use crate::kinds::{Jurisdiction, Locale};
use crate::ledger::{Event, Evolve, Owner};
use crate::numbers::{Email, Iccid, Msisdn, PushEndpoint};
use crate::state::{Sim, Tally};

const NOW: Timestamp = Timestamp::from_second(1_790_000_000);
const LONG_AGO: Timestamp = Timestamp::from_second(1_760_000_000);

/// A customer, made of events like everyone.
#[derive(Clone)]
struct Customer {
    account: Account,
    lines: Vec<Line>,
}

fn owner(subject: Subject) -> Owner {
    Owner { account_id: AccountId::parse("a").unwrap(), subject }
}

fn contact(id: &str, address: Address) -> Contact {
    let id = ContactId::parse(id).unwrap();
    Contact { id, address, added_at: LONG_AGO, removed_at: None, disputed: false, verified_at: None }
}

fn email() -> Contact {
    contact("email", Address::Email(Email::parse("ana@example.com").unwrap()))
}

fn app() -> Contact {
    let endpoint = PushEndpoint::parse("arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/ana").unwrap();
    contact("app", Address::Push(endpoint))
}

fn phone(number: &str) -> Contact {
    contact("phone", Address::Sms(Msisdn::parse(number).unwrap()))
}

fn verified(contact: Contact, at: Timestamp) -> Contact {
    Contact { verified_at: Some(at), ..contact }
}

fn on(protection: Protection, mode: Mode) -> Event {
    Event::ProtectionOn { protection, mode }
}

fn factor(kind: Enrollable, n: u32, added_at: Timestamp) -> Event {
    let credential = match kind {
        Enrollable::RecoveryCode => {
            Credential::RecoveryCode(RecoveryCodes { salt: String::new(), codes: vec!["d".to_owned(); 10] })
        }
        Enrollable::Totp => Credential::Totp("s".to_owned()),
        Enrollable::DeviceKey => Credential::DeviceKey(format!("t{n}")),
        Enrollable::Passkey => Credential::Passkey(PasskeyKey {
            credential: format!("c{n}"),
            key: "k".to_owned(),
            counter: 0,
            backup_eligible: true,
            backed_up: true,
        }),
    };
    let id = FactorId::parse(&format!("{}_{n}", kind.word())).unwrap();
    Event::FactorAdded { factor: Enrolled::new(id, credential, None, added_at, &Settings::default()) }
}

impl Customer {
    fn with(contacts: Vec<Contact>) -> Self {
        let opened = Event::AccountOpened { jurisdiction: Jurisdiction::Us, locale: Locale::En, contacts };
        let account = Account::evolve(None, &owner(Subject::Account), &opened, 1, LONG_AGO).unwrap();
        Self { account, lines: Vec::new() }.line("line-1", "+13055550123")
    }

    fn line(mut self, id: &str, number: &str) -> Self {
        let sim = Sim { iccid: Iccid::parse("8901260222193583586").unwrap(), eid: None, since: LONG_AGO };
        let opened = Event::LineOpened { msisdn: Msisdn::parse(number).unwrap(), sim, imei: None };
        let owner = owner(Subject::Line(LineId::parse(id).unwrap()));
        self.lines.push(Line::evolve(None, &owner, &opened, 1, LONG_AGO).unwrap());
        self
    }

    fn at(mut self, event: &Event, at: Timestamp) -> Self {
        self.account = Account::evolve(Some(self.account), &owner(Subject::Account), event, 7, at).unwrap();
        self
    }

    fn then(self, event: &Event) -> Self {
        self.at(event, LONG_AGO)
    }

    fn on_line(mut self, n: usize, event: &Event, at: Timestamp) -> Self {
        let line = self.lines[n].clone();
        let owner = owner(Subject::Line(line.id.clone()));
        self.lines[n] = Line::evolve(Some(line), &owner, event, 7, at).unwrap();
        self
    }

    fn versioned<S>(state: S) -> Versioned<S> {
        Versioned { seq: 9, head: Digest::genesis(), state, tally: Tally::default() }
    }

    fn checkup(&self) -> CheckUp {
        let settings = Settings::default();
        let account = Self::versioned(self.account.clone());
        let lines: Vec<_> = self.lines.iter().cloned().map(Self::versioned).collect();
        CheckUp::of(&account, &lines, &Signal::Absent, Context { now: NOW, settings: &settings })
    }

    fn points(&self) -> u8 {
        let lines: Vec<_> = self.lines.iter().cloned().map(Self::versioned).collect();
        let lines: Vec<&Versioned<Line>> = lines.iter().collect();
        Part::ALL.iter().map(|&part| scored(part, &self.account, &lines, NOW).points).sum()
    }

    fn found(&self) -> Vec<Finding> {
        self.checkup().findings.iter().map(|found| found.finding).collect()
    }
}

/// Nothing but what she signed up with.
fn plain() -> Customer {
    Customer::with(vec![email()])
}

/// The app, a mailbox that she reads, and nothing else.
fn usual() -> Customer {
    Customer::with(vec![verified(email(), NOW - Span::days(100)), app()])
}

/// One who did everything.
fn careful() -> Customer {
    usual()
        .then(&factor(Enrollable::Passkey, 1, LONG_AGO))
        .then(&factor(Enrollable::RecoveryCode, 1, LONG_AGO))
        .then(&on(Protection::NeverSimSwap, Mode::Block))
        .then(&on(Protection::NoPortOut, Mode::Block))
}

/// Two lines, one of them half protected; a mailbox of long ago; a number to be told at that is the line's own.
fn halfway() -> Customer {
    Customer::with(vec![verified(email(), LONG_AGO - Span::days(500)), app(), phone("+13055550123")])
        .line("line-2", "+13055550188")
        .on_line(0, &on(Protection::NeverSimSwap, Mode::StepUp), LONG_AGO)
        .then(&on(Protection::NeverSimSwap, Mode::StepUp))
        .on_line(1, &on(Protection::NoPortOut, Mode::Block), LONG_AGO)
        .then(&factor(Enrollable::Totp, 1, NOW - Span::days(2)))
}

/// Her number was moved, she reported it, and a passkey was added by nobody she knows.
fn robbed() -> Customer {
    let sim = Sim { iccid: Iccid::parse("8901260222193581234").unwrap(), eid: None, since: NOW - Span::hours(5) };
    let robbed = usual().at(&factor(Enrollable::Passkey, 1, NOW - Span::hours(6)), NOW - Span::hours(6)).on_line(
        0,
        &Event::SimChanged { sim, authorization: None },
        NOW - Span::hours(5),
    );
    let concerns = vec![Concern::of_line(&robbed.lines[0])];
    let case = CaseId(8);
    let reported = Event::FraudReported { case, through: Through::App, phone_lost: false, concerns };
    robbed.at(&reported, NOW - Span::hours(4)).at(&on(Protection::AccountLockdown, Mode::Block), NOW - Span::hours(4))
}

/// The same two days later: put back, closed, unlocked.
fn recovered() -> Customer {
    let robbed = robbed();
    let what = Concerned::Line(robbed.lines[0].id.clone());
    let remedied = Event::FraudRemedied { case: CaseId(8), what, at: NOW - Span::hours(3) };
    let closed = Event::FraudClosed { case: CaseId(8), outcome: CaseOutcome::Fraud, changes: Vec::new() };
    let passkey = robbed.account.factors[0].id.clone();
    robbed
        .at(&remedied, NOW - Span::hours(3))
        .at(&Event::FactorRemoved { factor: passkey }, NOW - Span::hours(2))
        .at(&closed, NOW - Span::hours(2))
        .at(&Event::ProtectionOff { protection: Protection::AccountLockdown }, NOW - Span::hours(1))
}

fn page(customer: &Customer, locale: Locale) -> String {
    let view = CheckUpView::of(&customer.checkup(), locale, &Settings::default());
    let mut lines = vec![format!("{}/100  {}", view.score, view.text), String::new()];
    lines.extend(view.parts.iter().map(|part| format!("  {:>2}/{}  {}", part.points, part.of, part.text)));
    lines.push(String::new());
    let urgent = |urgent: bool| if urgent { "!" } else { " " };
    lines.extend(view.next.iter().map(|next| format!("{} +{:<2} {}", urgent(next.urgent), next.gain, next.text)));
    lines.push(String::new());
    let line = |id: &Option<LineId>| id.as_ref().map(|id| format!("[{id}] ")).unwrap_or_default();
    lines.extend(view.protections.iter().map(|on| format!("{}{}", line(&on.line_id), on.text)));
    lines.extend(view.attacker.iter().map(|attack| format!("{}{}", line(&attack.line_id), attack.text)));
    lines.push(String::new());
    lines.extend(view.lately.iter().map(|happened| format!("{} {}{}", happened.at, line(&happened.line_id), happened.text)));
    lines.extend(view.holdings.iter().map(|holding| format!("{} {}", holding.added_at, holding.text)));
    if let Some(guidance) = &view.after_fraud {
        lines.push(String::new());
        lines.extend(guidance.steps.iter().map(|step| format!("[{}] {}", step.state_text, step.text)));
    }
    lines.join("\n")
}

#[test]
fn each_customer_reads_what_was_reviewed() {
    for (name, customer) in [
        ("plain", plain()),
        ("usual", usual()),
        ("careful", careful()),
        ("halfway", halfway()),
        ("robbed", robbed()),
        ("recovered", recovered()),
    ] {
        for &locale in Locale::ALL {
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("{name}_{locale}"), page(&customer, locale));
            });
        }
    }
}

#[test]
fn the_score_is_the_sum_of_its_parts_and_a_hundred_can_be_reached() {
    assert_eq!(Part::ALL.iter().map(|part| part.of()).sum::<u8>(), 100);
    assert_eq!((careful().checkup().score(), careful().found()), (100, vec![]));
    for customer in [plain(), usual(), halfway(), robbed(), recovered()] {
        let checkup = customer.checkup();
        assert_eq!(checkup.score(), customer.points());
        assert!(checkup.parts.iter().all(|scored| scored.points <= scored.part.of()));
    }
}

/// Customers with every combination of what counts.
fn everyone() -> Vec<Customer> {
    let modes = [None, Some(Mode::StepUp), Some(Mode::Block)];
    let mut all = Vec::new();
    for told in 0..8_u8 {
        let contacts = [verified(email(), NOW), app(), phone("+13055550199")];
        let contacts = contacts.into_iter().enumerate().filter(|(n, _)| told & (1 << n) != 0).map(|(_, contact)| contact);
        let base = Customer::with(contacts.collect());
        for factors in 0..16_u8 {
            let kinds = Enrollable::ALL.iter().enumerate().filter(|(n, _)| factors & (1 << n) != 0);
            let with = kinds.fold(base.clone(), |customer, (_, kind)| customer.then(&factor(*kind, 1, LONG_AGO)));
            for sim in modes {
                for port in modes {
                    let locks = [(Protection::NeverSimSwap, sim), (Protection::NoPortOut, port)];
                    let locks = locks.into_iter().filter_map(|(protection, mode)| Some(on(protection, mode?)));
                    all.push(locks.fold(with.clone(), |customer, event| customer.on_line(0, &event, LONG_AGO)));
                }
            }
        }
    }
    all
}

#[test]
fn switching_a_protection_on_never_lowers_the_score() {
    for before in everyone() {
        for &protection in Protection::ALL {
            for &mode in Mode::ALL {
                assert!(before.clone().then(&on(protection, mode)).points() >= before.points());
                let known = before.lines[0].protections.0.get(&protection);
                if known.is_none_or(|known| *known <= mode) {
                    assert!(before.clone().on_line(0, &on(protection, mode), LONG_AGO).points() >= before.points());
                }
            }
        }
    }
}

#[test]
fn adding_a_factor_new_or_old_never_lowers_the_score() {
    for before in everyone() {
        for &kind in Enrollable::ALL {
            for added_at in [LONG_AGO, NOW] {
                assert!(before.clone().then(&factor(kind, 2, added_at)).points() >= before.points(), "{kind}");
            }
        }
    }
}

#[test]
fn a_finding_says_what_the_score_gains_and_the_greatest_gain_comes_first() {
    let findings = plain().checkup().findings;
    assert!(findings.windows(2).all(|pair| pair[0].gain >= pair[1].gain), "{findings:?}");
    let gains: BTreeMap<Finding, u8> = findings.iter().map(|found| (found.finding, found.gain)).collect();
    for (finding, event) in [
        (Finding::NoSimLock, on(Protection::NeverSimSwap, Mode::Block)),
        (Finding::NoPortLock, on(Protection::NoPortOut, Mode::Block)),
        (Finding::SmsOnly, factor(Enrollable::Passkey, 1, LONG_AGO)),
        (Finding::NoSpare, factor(Enrollable::RecoveryCode, 1, LONG_AGO)),
        (Finding::NoApp, Event::ContactAdded { contact: app() }),
    ] {
        let after = plain().then(&event);
        let app_proves_too = u8::from(finding == Finding::NoApp) * 10;
        assert_eq!(after.points() - plain().points(), gains[&finding] + app_proves_too, "{finding}");
        assert!(!after.found().contains(&finding), "{finding}");
    }
}

#[test]
fn an_unverified_mailbox_a_stale_one_and_sms_alone_are_named() {
    assert!(plain().found().starts_with(&[Finding::SmsOnly]));
    assert!(plain().found().contains(&Finding::EmailUnverified));
    assert!(halfway().found().contains(&Finding::EmailStale) && halfway().found().contains(&Finding::ContactOnTheLine));
    assert!(!usual().found().contains(&Finding::EmailUnverified) && !usual().found().contains(&Finding::EmailStale));
}

#[test]
fn what_is_urgent_comes_before_all_that_scores() {
    let mut unlocking = plain();
    let mut change = crate::decide::test_change();
    change.details = crate::change::Details::ProtectionOff { protection: Protection::NoPortOut };
    change.expires_at = NOW + Span::days(1);
    unlocking.account.book.changes.insert(change.id.clone(), change);
    assert_eq!(unlocking.found()[0], Finding::Unlocking);
}

#[test]
fn what_an_attacker_needs_is_what_the_policy_asks_of_one_who_looks_like_her() {
    let attack = |customer: &Customer, goal| customer.checkup().attacks.into_iter().find(|attack| attack.goal == goal).unwrap();
    let ways = |customer: &Customer, goal| -> Vec<(Vec<Factor>, Wait)> {
        attack(customer, goal).ways.iter().map(|way| (way.factors.iter().collect(), way.wait)).collect()
    };
    // The app's code for the line; or her mailbox, where he says that the phone is lost and nobody objects.
    let swap = [(vec![Factor::PushOtp], Wait::None), (vec![Factor::EmailOtp], Wait::Long)];
    assert_eq!(ways(&usual(), Goal::SimSwap), swap);
    assert_eq!(ways(&usual(), Goal::PortOut), [(vec![Factor::PushOtp], Wait::None)]);
    assert_eq!(ways(&plain(), Goal::PortOut), [], "SMS to the number that leaves proves nothing");
    assert!(!attack(&usual(), Goal::SimSwap).locked && attack(&careful(), Goal::SimSwap).locked);
    let unlock = ways(&careful(), Goal::SimSwap);
    assert!(unlock.contains(&(vec![Factor::Passkey], Wait::Standard)), "{unlock:?}");
    assert!(unlock.iter().all(|(factors, wait)| *wait == Wait::Standard && *factors != [Factor::SmsOtp]));
}

#[test]
fn with_more_protection_an_attacker_never_needs_less() {
    for before in [plain(), usual(), halfway(), careful()] {
        for &protection in Protection::ALL {
            for &mode in Mode::ALL {
                if before.account.protections.0.get(&protection).is_some_and(|known| *known > mode) {
                    continue;
                }
                let after = before.clone().then(&on(protection, mode)).checkup().attacks;
                for (before, after) in before.checkup().attacks.iter().zip(&after) {
                    let harder = |way: &Way| {
                        before
                            .ways
                            .iter()
                            .any(|known| known.factors.without(way.factors) == Factors::NONE && known.wait <= way.wait)
                    };
                    assert!(after.locked >= before.locked);
                    // Switching a protection off takes a factor on top of what the goal itself takes then.
                    assert!(after.locked || after.ways.iter().all(harder), "{before:?} {after:?}");
                }
            }
        }
    }
}

#[test]
fn guidance_begins_with_the_password_and_its_state_follows_what_happens() {
    let steps = |customer: &Customer| customer.checkup().guidance.unwrap().steps;
    assert_eq!(usual().checkup().guidance, None);
    let first = steps(&robbed());
    assert_eq!(first[0], (Step::Password, StepState::YoursToKnow));
    assert!(first.contains(&(Step::PutBack, StepState::OursToDo)) && first.contains(&(Step::Unlock, StepState::Todo)));
    assert!(first.contains(&(Step::Holdings, StepState::YoursToKnow)));
    let then = steps(&recovered());
    assert!(then.contains(&(Step::PutBack, StepState::Done)) && then.contains(&(Step::Unlock, StepState::Done)));
}

#[test]
fn the_texts_have_no_hole_and_name_no_number_and_no_address() {
    for customer in [plain(), usual(), careful(), halfway(), robbed(), recovered()] {
        for &locale in Locale::ALL {
            let page = page(&customer, locale);
            assert!(!page.contains(['{', '}', '@']) && !page.contains("5550"), "{page}");
        }
    }
}
