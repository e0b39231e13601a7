//! Which factors a customer is offered for a change, and why not the others: a function of the change, its
//! decision, what she has and how long she has had it.

use super::Context;
use crate::change::Change;
use crate::ids::Subject;
use crate::kinds::{Factor, WhyNot};
use crate::policy::moved_by;
use crate::proof::Factors;
use crate::state::{Account, View};

/// One factor, and what speaks against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which.
    pub factor: Factor,
    /// Why it is not offered; nothing where it is.
    pub why_not: Option<WhyNot>,
}

/// Every factor, strongest first. Nothing where the account was not read: what she has is then not known.
#[must_use]
pub fn choices(view: &View, change: &Change, ctx: Context<'_>) -> Option<Vec<Choice>> {
    let account = &view.account.as_ref()?.state;
    let wanted = change.wanted();
    let choice = |factor: Factor| Choice { factor, why_not: why_not(view, account, change, wanted, factor, ctx) };
    // A transfer PIN comes with an order: nobody is asked for one here.
    let asked_for = Factor::ALL.iter().rev().filter(|&&factor| !matches!(factor, Factor::TransferPin | Factor::Document));
    Some(asked_for.map(|&factor| choice(factor)).collect())
}

/// The first reason that stands against a factor.
fn why_not(view: &View, account: &Account, change: &Change, wanted: Factors, factor: Factor, ctx: Context<'_>) -> Option<WhyNot> {
    let subject = change.id.subject();
    if factor == Factor::DeviceKey {
        return Some(WhyNot::Silent);
    }
    let (held, proves) = has(view, account, subject, factor, ctx);
    if !held {
        return Some(WhyNot::NotEnrolled);
    }
    // A channel may prove its own removal: whoever holds it gives it up. What moves to other hands may not.
    if moved_by(change.kind()).has(factor) {
        return Some(WhyNot::MovedByTheChange);
    }
    if change.details.taint().spoils().has(factor) {
        return Some(WhyNot::PhoneLost);
    }
    if factor == Factor::SmsOtp && subject_taint(view, subject, ctx) {
        return Some(WhyNot::SimChanged);
    }
    if factor == Factor::EmailOtp && !change.need.email_stands_in {
        return Some(WhyNot::OnlyForALostPhone);
    }
    if !proves || !change.need.accepted.has(factor) {
        return Some(WhyNot::TooNew);
    }
    (!wanted.has(factor)).then_some(WhyNot::NoHelp)
}

/// Whether she has a factor, and whether it proves something.
fn has(view: &View, account: &Account, subject: &Subject, factor: Factor, ctx: Context<'_>) -> (bool, bool) {
    match factor {
        Factor::TransferPin | Factor::Document => (false, false),
        Factor::Totp | Factor::Passkey | Factor::DeviceKey | Factor::RecoveryCode => (
            account.factors.iter().any(|known| known.is(factor) && known.credential.is_usable()),
            account.proves(factor, ctx.now),
        ),
        Factor::SmsOtp | Factor::EmailOtp | Factor::PushOtp => {
            let destination = view.destination(subject, factor, ctx.now, ctx.settings);
            (view.reaches(subject, factor, ctx.now), destination.is_some())
        }
    }
}

/// The factors that prove something for a subject now, whatever it is that is to be proven.
pub(crate) fn proving(view: &View, account: &Account, subject: &Subject, ctx: Context<'_>) -> Factors {
    let proves = |factor: &&Factor| has(view, account, subject, **factor, ctx).1;
    Factor::ALL.iter().filter(proves).fold(Factors::NONE, |set, &factor| set.or(Factors::of(&[factor])))
}

fn subject_taint(view: &View, subject: &Subject, ctx: Context<'_>) -> bool {
    match (subject, &view.line) {
        (Subject::Line(_), Some(line)) => line.state.taint(ctx.now, ctx.settings).sms,
        (Subject::Line(_), None) | (Subject::Account, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{AccountSeen, Address, Details};
    use crate::config::Settings;
    use crate::decide::test_change;
    use crate::digest::Digest;
    use crate::factors::{Credential, Enrolled, PasskeyKey, RecoveryCodes};
    use crate::ids::{AccountId, ContactId, FactorId};
    use crate::kinds::{Enrollable, Jurisdiction, Locale};
    use crate::numbers::{Email, PushEndpoint};
    use crate::policy::{Cover, Requirement};
    use crate::proof::{Assurance, Taint};
    use crate::state::{Book, Contact, Protections, Tally, Versioned};
    use crate::time::{Span, Timestamp};

    const OPENED: Timestamp = Timestamp::from_second(1_780_000_000);
    const NOW: Timestamp = Timestamp::from_second(1_790_000_000);

    fn credential(kind: Enrollable) -> Credential {
        match kind {
            Enrollable::RecoveryCode => {
                Credential::RecoveryCode(RecoveryCodes { salt: "s".to_owned(), codes: vec!["digest".to_owned()] })
            }
            Enrollable::Totp => Credential::Totp("sealed".to_owned()),
            Enrollable::Passkey => Credential::Passkey(PasskeyKey {
                credential: "c".to_owned(),
                key: "k".to_owned(),
                counter: 0,
                backup_eligible: true,
                backed_up: true,
            }),
            Enrollable::DeviceKey => Credential::DeviceKey("t".to_owned()),
        }
    }

    /// An account that has everything, added `age` ago.
    fn account(age: Span) -> Account {
        let enrolled = |kind: &Enrollable| {
            let id = FactorId::parse(kind.word()).unwrap();
            Enrolled::new(id, credential(*kind), None, NOW - age, &Settings::default())
        };
        let contact = |id: &str, address| Contact {
            id: ContactId::parse(id).unwrap(),
            address,
            added_at: OPENED,
            removed_at: None,
            disputed: false,
            verified_at: None,
        };
        Account {
            id: AccountId::parse("a").unwrap(),
            jurisdiction: Jurisdiction::Us,
            locale: Locale::En,
            contacts: vec![
                contact("email", Address::Email(Email::parse("ana@example.com").unwrap())),
                contact(
                    "app",
                    Address::Push(PushEndpoint::parse("arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/ana").unwrap()),
                ),
            ],
            protections: Protections::default(),
            factors: Enrollable::ALL.iter().map(enrolled).collect(),
            recovered_at: None,
            cases: Vec::new(),
            reminded_at: None,
            billing: None,
            opened_at: OPENED,
            closed_at: None,
            desk: crate::desk::Desk::default(),
            book: Book::default(),
        }
    }

    fn chosen(account: Account, change: &Change) -> Vec<(Factor, Option<WhyNot>)> {
        let account = Versioned { seq: 1, head: Digest::genesis(), state: account, tally: Tally::default() };
        let view = View { account: Some(account), ..View::default() };
        let settings = Settings::default();
        let choices = choices(&view, change, Context { now: NOW, settings: &settings }).unwrap();
        choices.into_iter().map(|choice| (choice.factor, choice.why_not)).collect()
    }

    fn change(json: &str, assurance: Assurance) -> Change {
        let details: Details = serde_json::from_str(json).unwrap();
        let id = crate::ids::ChangeId::derive(&AccountId::parse("a").unwrap(), Subject::Account, "k");
        let accepted = Factors::ALL.without(Factors::of(&[Factor::EmailOtp])).without(moved_by(details.kind()));
        Change {
            id,
            need: Requirement { assurance, accepted, ..Requirement::nothing() },
            seen: AccountSeen { seq: 1, cover: Cover::Open, taint: Taint::default(), open: true },
            details,
            ..test_change()
        }
    }

    #[test]
    fn the_strongest_comes_first_and_a_devices_key_is_never_asked_for() {
        let all = chosen(account(Span::days(30)), &change(r#"{"kind":"credential_reset"}"#, Assurance::OneFactor));
        let offered: Vec<Factor> = all.iter().filter(|(_, why)| why.is_none()).map(|(factor, _)| *factor).collect();
        assert_eq!(offered, [Factor::Passkey, Factor::Totp, Factor::RecoveryCode, Factor::PushOtp]);
        assert!(all.contains(&(Factor::DeviceKey, Some(WhyNot::Silent))));
        assert!(all.contains(&(Factor::EmailOtp, Some(WhyNot::OnlyForALostPhone))));
        assert!(all.contains(&(Factor::SmsOtp, Some(WhyNot::NotEnrolled))));
    }

    #[test]
    fn what_was_added_lately_is_not_offered_and_says_so() {
        let all = chosen(account(Span::days(6)), &change(r#"{"kind":"credential_reset"}"#, Assurance::OneFactor));
        for factor in [Factor::Passkey, Factor::Totp, Factor::RecoveryCode] {
            assert!(all.contains(&(factor, Some(WhyNot::TooNew))), "{factor}: {all:?}");
        }
    }

    #[test]
    fn what_was_added_after_a_recovery_takes_a_month() {
        let settings = Settings::default();
        let after = |recovered| {
            let id = FactorId::parse("f").unwrap();
            Enrolled::new(id, credential(Enrollable::Passkey), recovered, NOW, &settings)
        };
        assert!(after(None).proves(Factor::Passkey, NOW + Span::days(7)));
        assert!(!after(Some(NOW - Span::days(6))).proves(Factor::Passkey, NOW + Span::days(29)));
        assert!(after(Some(NOW - Span::days(6))).proves(Factor::Passkey, NOW + Span::days(30)));
        assert!(after(Some(NOW - Span::days(7))).proves(Factor::Passkey, NOW + Span::days(7)));
    }

    #[test]
    fn a_set_of_recovery_codes_that_ran_out_is_no_factor() {
        let mut empty = account(Span::days(30));
        for enrolled in &mut empty.factors {
            if let Credential::RecoveryCode(set) = &mut enrolled.credential {
                set.codes = vec![String::new(); 10];
            }
        }
        let all = chosen(empty, &change(r#"{"kind":"credential_reset"}"#, Assurance::OneFactor));
        assert!(all.contains(&(Factor::RecoveryCode, Some(WhyNot::NotEnrolled))), "{all:?}");
    }
}
