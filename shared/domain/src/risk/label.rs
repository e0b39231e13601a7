//! What became of a request, as far as it says who asked: a label, which training and a fraud desk take for the
//! truth. It comes late, and most requests never get one.
//!
//! Evidence is only what a thief could not have arranged. That the customer says that it was not her, on a channel
//! that was hers before; that the same was done past Linekeeper after it did not get through; that a change was
//! carried out on a passkey or on two proofs that fail independently, and nobody complained for a month. What the fraud
//! desk found out in a case stands above all of these. A change
//! that expired, was stopped without a word or went through on one code says something of neither, and is counted
//! apart: a model trained on it would learn who gives up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::change::{Change, Ending};
use crate::fraud::CaseOutcome;
use crate::ids::{AccountId, ChangeId, Subject};
use crate::kinds::{Band, ChangeKind, Channel, vocabulary};
use crate::ledger::{Entry, Event};
use crate::proof::{Assurance, Factors};
use crate::time::{Span, Timestamp};

/// How long nobody may complain before a change is taken for the customer's own. Who travels or is ill hears of a
/// stolen number late.
pub const QUIET: Span = Span::days(30);
/// What is done past Linekeeper within this after a request that did not get through is the same attempt.
const SAME_ATTEMPT: Span = Span::days(7);

vocabulary! {
    /// What is evidence.
    Why {
        /// The customer said that it was not her.
        Disputed = "disputed",
        /// The same was then done without an authorization.
        Incident = "incident",
        /// Carried out on strong proof, and nothing was disputed for long enough.
        ProvenAndQuiet = "proven_and_quiet",
        /// A case of fraud that named it was closed: as fraud, or as none.
        Case = "case",
    }
}

vocabulary! {
    /// Why a change has no label.
    Unlabelled {
        /// It is not over.
        Open = "open",
        /// Carried out on strong proof; the time for complaints runs.
        Pending = "pending",
        /// Carried out on strong proof, and something else of the account was disputed since: who was it?
        Clouded = "clouded",
        /// A case that named it was closed, and it could not be said.
        Unclear = "unclear",
        /// Carried out on what a thief may have had too.
        Weak = "weak",
        /// Not proven, after wrong guesses.
        Guessed = "guessed",
        /// Not proven.
        Expired = "expired",
        /// Stopped without a word why.
        Cancelled = "cancelled",
        /// Refused by the policy, which is no evidence of who asked.
        Refused = "refused",
        /// Authorized and not carried out in time.
        Lapsed = "lapsed",
        /// Provisioning could not do it.
        Failed = "failed",
    }
}

vocabulary! {
    /// What one entry of the ledger says of a request that was scored, as it is counted in production: an attack by
    /// the band that it had (what a model missed, and what it caught); what may turn out genuine, by the band (what
    /// customers were troubled for); and what is no evidence.
    Heard {
        /// Disputed; it was low.
        AttackLow = "attack_low",
        /// Disputed; it was elevated.
        AttackElevated = "attack_elevated",
        /// Disputed; there had been no score.
        AttackUnavailable = "attack_unavailable",
        /// Disputed; it was high.
        AttackHigh = "attack_high",
        /// Disputed; it was severe.
        AttackSevere = "attack_severe",
        /// Carried out on strong proof; it was low.
        GenuinePendingLow = "genuine_pending_low",
        /// Carried out on strong proof; it was elevated.
        GenuinePendingElevated = "genuine_pending_elevated",
        /// Carried out on strong proof; there had been no score.
        GenuinePendingUnavailable = "genuine_pending_unavailable",
        /// Carried out on strong proof; it was high.
        GenuinePendingHigh = "genuine_pending_high",
        /// Carried out on strong proof; it was severe.
        GenuinePendingSevere = "genuine_pending_severe",
        /// A case was closed: it was fraud.
        CaseFraud = "case_fraud",
        /// A case was closed: it was none.
        CaseNoFraud = "case_no_fraud",
        /// A case was closed, and it could not be said.
        CaseUnclear = "case_unclear",
        /// Something was done without an authorization.
        Incident = "incident",
        /// Carried out on what a thief may have had too.
        Weak = "weak",
        /// Not proven in time.
        Unproven = "unproven",
        /// Stopped without a word why.
        Cancelled = "cancelled",
    }
}

const fn attack(band: Band) -> Heard {
    match band {
        Band::Low => Heard::AttackLow,
        Band::Elevated => Heard::AttackElevated,
        Band::Unavailable => Heard::AttackUnavailable,
        Band::High => Heard::AttackHigh,
        Band::Severe => Heard::AttackSevere,
    }
}

const fn genuine_pending(band: Band) -> Heard {
    match band {
        Band::Low => Heard::GenuinePendingLow,
        Band::Elevated => Heard::GenuinePendingElevated,
        Band::Unavailable => Heard::GenuinePendingUnavailable,
        Band::High => Heard::GenuinePendingHigh,
        Band::Severe => Heard::GenuinePendingSevere,
    }
}

/// Whether these prove the customer, and not somebody who has her password and her phone's messages.
fn is_strong(proven: Factors) -> bool {
    proven.satisfy(Assurance::Strong, false)
}

impl Heard {
    /// What an entry says, from itself alone: it carries the change that it is about.
    pub fn of(entry: &Entry) -> impl Iterator<Item = Self> {
        let about = |id: &ChangeId| entry.after.as_deref().filter(|change| change.id == *id);
        // She says so of this very change: not a second time as a change stopped without a word.
        let disputed =
            |id: &ChangeId| entry.events.iter().any(|event| matches!(event, Event::Disputed { change } if change == id));
        let of_ended = move |change: &ChangeId, how: Ending| match how {
            Ending::Completed => {
                let strong = about(change).filter(|change| is_strong(change.proven()));
                Some(strong.map_or(Self::Weak, |change| genuine_pending(change.decision.band)))
            }
            Ending::Expired => Some(Self::Unproven),
            Ending::Cancelled => Some(Self::Cancelled),
            Ending::Refused | Ending::Lapsed | Ending::Failed => None,
        };
        entry.events.iter().filter_map(move |event| {
            if let Event::Disputed { change } = event {
                Some(attack(about(change).map_or(Band::Unavailable, |change| change.decision.band)))
            } else if let Event::FraudClosed { outcome, .. } = event {
                Some(match outcome {
                    CaseOutcome::Fraud => Self::CaseFraud,
                    CaseOutcome::NoFraud => Self::CaseNoFraud,
                    CaseOutcome::Unclear => Self::CaseUnclear,
                })
            } else if let Event::Incident { .. } = event {
                Some(Self::Incident)
            } else if let Event::Ended { change, how, .. } = event
                && !disputed(change)
            {
                of_ended(change, *how)
            } else {
                None
            }
        })
    }
}

/// What is known of who asked for a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Which change.
    pub change: ChangeId,
    /// 1: an attack. 0: the customer.
    pub y: u8,
    /// By what evidence.
    pub why: Why,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When the label was known: training on what was known then must not see it earlier.
    pub known_at: Timestamp,
    /// How long that took.
    pub delay_seconds: Span,
    /// The probability of an attack that the model gave when it was asked for, in millionths; nothing where it could not say.
    pub ppm: Option<u32>,
    /// The band that it gave.
    pub band: Band,
    /// Which model that was.
    pub model: String,
    /// Whose account.
    pub account: AccountId,
    /// What was asked for.
    pub kind: ChangeKind,
    /// Through which channel.
    pub channel: Channel,
}

/// What a change's entries said. Each is a fact that no other entry takes back, so that they may come in any order
/// and more than once: an export of a table has none.
#[derive(Clone, Debug, Default)]
struct Facts {
    asked: Option<Box<Change>>,
    proofs: Vec<crate::proof::Proof>,
    accepted: Option<Factors>,
    granted: bool,
    guessed: bool,
    completed: Option<Timestamp>,
    ended: Option<(Timestamp, Ending)>,
    disputed: Option<Timestamp>,
    /// The last word of a case that named it.
    case: Option<(Timestamp, CaseOutcome)>,
}

impl Facts {
    fn accept(&mut self, accepted: Factors) {
        self.accepted = Some(self.accepted.map_or(accepted, |known| known.and(accepted)));
    }

    fn take(&mut self, event: &Event, at: Timestamp) {
        if let Event::Requested { change } = event {
            self.proofs.extend(&change.proofs);
            self.accept(change.need.accepted);
            if change.has_ended() {
                self.ended = self.ended.max(Some((at, Ending::Refused)));
            }
            self.asked = Some(change.clone());
        } else if let Event::Raised { need, .. } = event {
            self.accept(need.accepted);
        } else if let Event::Proven { proof, .. } = event {
            self.proofs.push(*proof);
        } else if let Event::GuessFailed { .. } = event {
            self.guessed = true;
        } else if let Event::Authorized { .. } = event {
            self.granted = true;
        } else if let Event::Disputed { .. } = event {
            self.disputed = earlier(self.disputed, at);
        } else if let Event::Ended { how: Ending::Completed, .. } = event {
            self.completed = earlier(self.completed, at);
        } else if let Event::Ended { how, .. } = event {
            self.ended = self.ended.max(Some((at, *how)));
        }
    }

    fn proven(&self) -> Factors {
        let factors: Vec<_> = self.proofs.iter().map(|proof| proof.factor).collect();
        Factors::of(&factors).and(self.accepted.unwrap_or(Factors::NONE))
    }
}

fn earlier(known: Option<Timestamp>, at: Timestamp) -> Option<Timestamp> {
    Some(known.map_or(at, |known| known.min(at)))
}

/// One account: trouble on one of its lines is trouble on all.
#[derive(Clone, Debug, Default)]
struct History {
    changes: BTreeMap<ChangeId, Facts>,
    incidents: Vec<(Timestamp, Subject, ChangeKind)>,
}

impl History {
    fn take(&mut self, entry: &Entry) {
        let of_customer = entry.events.iter().any(|event| matches!(event, Event::Disputed { .. }));
        for event in &entry.events {
            if let Event::Incident { kind } = event
                // Where she says so herself, she says of which change.
                && !of_customer
            {
                self.incidents.push((entry.at, entry.owner.subject.clone(), *kind));
            }
            if let Event::FraudClosed { changes, outcome, .. } = event {
                for id in changes {
                    let facts = self.changes.entry(id.clone()).or_default();
                    facts.case = facts.case.max(Some((entry.at, *outcome)));
                }
            }
            let Some(id) = event.change() else { continue };
            let facts = self.changes.entry(id.clone()).or_default();
            facts.take(event, entry.at);
        }
    }

    /// Whether anything of the account was disputed or done without an authorization, then or later.
    fn is_troubled(&self, from: Timestamp, until: Timestamp) -> bool {
        let disputes = self.changes.values().filter_map(|facts| facts.disputed);
        disputes.chain(self.incidents.iter().map(|(at, ..)| *at)).any(|at| from <= at && at <= until)
    }

    fn judge(&self, facts: &Facts, change: &Change, quiet: Span, now: Timestamp) -> Result<(u8, Why, Timestamp), Unlabelled> {
        let asked_at = change.request.requested_at;
        match facts.case {
            Some((at, CaseOutcome::Fraud)) => return Ok((1, Why::Case, at)),
            Some((at, CaseOutcome::NoFraud)) => return Ok((0, Why::Case, at)),
            Some((_, CaseOutcome::Unclear)) => return Err(Unlabelled::Unclear),
            None => {}
        }
        if let Some(at) = facts.disputed {
            return Ok((1, Why::Disputed, at));
        }
        if let Some(completed) = facts.completed {
            let known_at = completed + quiet;
            return match is_strong(facts.proven()) {
                false => Err(Unlabelled::Weak),
                true if self.is_troubled(asked_at, known_at) => Err(Unlabelled::Clouded),
                true if now < known_at => Err(Unlabelled::Pending),
                true => Ok((0, Why::ProvenAndQuiet, known_at)),
            };
        }
        // One that was authorized and is carried out too late is provisioning's fault, and nobody's attack.
        let same = |(at, subject, kind): &&(Timestamp, Subject, ChangeKind)| {
            *kind == change.kind() && subject == change.id.subject() && asked_at <= *at && *at <= asked_at + SAME_ATTEMPT
        };
        if let Some((at, ..)) = self.incidents.iter().filter(same).min_by_key(|(at, ..)| *at)
            && !facts.granted
        {
            return Ok((1, Why::Incident, *at));
        }
        Err(match facts.ended {
            None => Unlabelled::Open,
            Some((_, Ending::Expired)) if facts.guessed => Unlabelled::Guessed,
            Some((_, Ending::Expired)) => Unlabelled::Expired,
            Some((_, Ending::Cancelled)) => Unlabelled::Cancelled,
            Some((_, Ending::Refused)) => Unlabelled::Refused,
            Some((_, Ending::Lapsed)) => Unlabelled::Lapsed,
            Some((_, Ending::Failed)) => Unlabelled::Failed,
            Some((_, Ending::Completed)) => Unlabelled::Weak,
        })
    }
}

/// The entries of ledgers, as far as they tell who asked.
#[derive(Clone, Debug, Default)]
pub struct Ledgers(BTreeMap<AccountId, History>);

/// What ledgers tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The labels, in the order in which they were asked for.
    pub labels: Vec<Label>,
    /// Changes without a label, by why.
    pub unlabelled: BTreeMap<Unlabelled, u64>,
    /// Changes whose request is not among the entries: they cannot be placed.
    pub strangers: u64,
}

impl Ledgers {
    /// Takes an entry. In any order, any of them more than once.
    pub fn take(&mut self, entry: &Entry) {
        self.0.entry(entry.owner.account_id.clone()).or_default().take(entry);
    }

    /// What is known at `now`, where nobody may have complained for `quiet`. All entries have to be there: a dispute
    /// of one line clouds all of its account.
    #[must_use]
    pub fn labels(&self, quiet: Span, now: Timestamp) -> Told {
        let mut told = Told::default();
        for (account, history) in &self.0 {
            for facts in history.changes.values() {
                let Some(change) = facts.asked.as_deref() else {
                    told.strangers = told.strangers.saturating_add(1);
                    continue;
                };
                match history.judge(facts, change, quiet, now) {
                    Ok((y, why, known_at)) => told.labels.push(label(account, change, y, why, known_at)),
                    Err(why) => {
                        let count = told.unlabelled.entry(why).or_default();
                        *count = count.saturating_add(1);
                    }
                }
            }
        }
        told.labels.sort_by(|a, b| (a.asked_at, &a.change).cmp(&(b.asked_at, &b.change)));
        told
    }
}

fn label(account: &AccountId, change: &Change, y: u8, why: Why, known_at: Timestamp) -> Label {
    let asked_at = change.request.requested_at;
    Label {
        change: change.id.clone(),
        y,
        why,
        asked_at,
        known_at,
        delay_seconds: known_at.since(asked_at),
        ppm: change.decision.probability_ppm,
        band: change.decision.band,
        model: change.decision.model.clone(),
        account: account.clone(),
        kind: change.kind(),
        channel: change.request.channel,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::change::{Actor, Authorization};
    use crate::decide::test_change;
    use crate::digest::Digest;
    use crate::ids::{AuthorizationId, ChallengeId, LineId};
    use crate::kinds::{Factor, Mode, Protection};
    use crate::ledger::Owner;
    use crate::proof::Proof;

    const ASKED: Timestamp = Timestamp::from_second(1_790_000_000);
    const LATER: Span = Span::days(365);

    fn subject() -> Subject {
        Subject::Line(LineId::parse("l").unwrap())
    }

    fn change() -> Change {
        let mut change = test_change();
        change.need.accepted = Factors::ALL;
        change
    }

    fn entry(after: Span, events: Vec<Event>) -> Entry {
        Entry {
            v: 1,
            owner: Owner { account_id: AccountId::parse("a").unwrap(), subject: subject() },
            seq: 1,
            at: ASKED + after,
            actor: Actor::Customer,
            events,
            notice: None,
            after: None,
            case: None,
            met: BTreeMap::new(),
            prev: Digest::genesis(),
        }
    }

    fn requested() -> Entry {
        entry(Span::default(), vec![Event::Requested { change: Box::new(change()) }])
    }

    fn proven(factors: &[Factor]) -> Entry {
        let at = ASKED + Span::minutes(1);
        let event = |factor: &Factor| Event::Proven { change: change().id, proof: Proof { factor: *factor, at } };
        entry(Span::minutes(1), factors.iter().map(event).collect())
    }

    fn ended(after: Span, how: Ending) -> Entry {
        entry(after, vec![Event::Ended { change: change().id, how, reason: None }])
    }

    fn granted() -> Entry {
        let id = AuthorizationId::of(&change().digest(), ASKED);
        let authorization = Authorization { id, granted_at: ASKED, expires_at: ASKED + Span::minutes(15) };
        entry(Span::minutes(2), vec![Event::Authorized { change: change().id, authorization }])
    }

    fn incident(after: Span) -> Entry {
        Entry { actor: Actor::Provisioning, ..entry(after, vec![Event::Incident { kind: ChangeKind::SimSwap }]) }
    }

    fn disputed(after: Span) -> Entry {
        entry(after, vec![Event::Disputed { change: change().id }])
    }

    /// Something else of the same account, disputed.
    fn another_disputed(after: Span) -> Entry {
        let other = ChangeId::derive(&AccountId::parse("a").unwrap(), Subject::Account, "another");
        entry(after, vec![Event::Disputed { change: other }])
    }

    fn told(entries: &[Entry], now: Span) -> Told {
        let mut ledgers = Ledgers::default();
        entries.iter().for_each(|entry| ledgers.take(entry));
        ledgers.labels(QUIET, ASKED + now)
    }

    /// The one verdict on the one change.
    fn verdict(entries: &[Entry], now: Span) -> Result<(u8, Why, Span), Unlabelled> {
        let told = told(entries, now);
        match (&told.labels[..], told.unlabelled.iter().next()) {
            ([label], None) => Ok((label.y, label.why, label.delay_seconds)),
            ([], Some((why, 1))) => Err(*why),
            _ => panic!("{told:?}"),
        }
    }

    #[test]
    fn what_the_customer_disputes_is_an_attack_whatever_became_of_it() {
        let hour = Span::hours(1);
        for before in [
            vec![requested()],
            vec![requested(), ended(Span::minutes(5), Ending::Cancelled)],
            vec![requested(), ended(Span::minutes(5), Ending::Refused)],
            vec![requested(), proven(&[Factor::Passkey]), ended(Span::minutes(5), Ending::Completed)],
        ] {
            let all: Vec<Entry> = before.into_iter().chain([disputed(hour), disputed(Span::hours(2))]).collect();
            assert_eq!(verdict(&all, LATER), Ok((1, Why::Disputed, hour)), "known when she first said so");
        }
    }

    #[test]
    fn a_change_is_the_customers_own_after_strong_proof_and_thirty_quiet_days() {
        let done = |factors: &[Factor]| vec![requested(), proven(factors), ended(Span::days(1), Ending::Completed)];
        for strong in [&[Factor::Passkey][..], &[Factor::SmsOtp, Factor::PushOtp], &[Factor::RecoveryCode, Factor::EmailOtp]] {
            assert_eq!(verdict(&done(strong), Span::days(31)), Ok((0, Why::ProvenAndQuiet, Span::days(31))));
            let early = Span::seconds(31 * 86_400 - 1);
            assert_eq!(verdict(&done(strong), early), Err(Unlabelled::Pending));
        }
        for weak in [&[][..], &[Factor::SmsOtp], &[Factor::EmailOtp, Factor::SmsOtp], &[Factor::PushOtp], &[Factor::DeviceKey]] {
            assert_eq!(verdict(&done(weak), LATER), Err(Unlabelled::Weak), "{weak:?}");
        }
    }

    #[test]
    fn a_proof_that_the_change_did_not_accept_makes_no_label() {
        let mut asked = change();
        asked.need.accepted = Factors::of(&[Factor::SmsOtp]);
        let asked = entry(Span::default(), vec![Event::Requested { change: Box::new(asked) }]);
        let all = [asked, proven(&[Factor::Passkey, Factor::SmsOtp]), ended(Span::days(1), Ending::Completed)];
        assert_eq!(verdict(&all, LATER), Err(Unlabelled::Weak));
    }

    #[test]
    fn trouble_elsewhere_on_the_account_clouds_what_looked_genuine() {
        let done = || vec![requested(), proven(&[Factor::Passkey]), ended(Span::days(1), Ending::Completed)];
        for (trouble, expected) in [
            (incident(Span::days(20)), Err(Unlabelled::Clouded)),
            (incident(Span::days(32)), Ok((0, Why::ProvenAndQuiet, Span::days(31)))),
        ] {
            assert_eq!(verdict(&[done(), vec![trouble]].concat(), LATER), expected);
        }
        let clouded = told(&[done(), vec![another_disputed(Span::days(3))]].concat(), LATER);
        assert_eq!((clouded.labels.len(), clouded.unlabelled[&Unlabelled::Clouded], clouded.strangers), (0, 1, 1));
    }

    #[test]
    fn what_did_not_get_through_and_was_then_done_past_us_is_an_attack() {
        let refused = || vec![requested(), ended(Span::minutes(5), Ending::Refused)];
        let with = |more: Entry| verdict(&[refused(), vec![more]].concat(), LATER);
        assert_eq!(with(incident(Span::days(7))), Ok((1, Why::Incident, Span::days(7))));
        assert_eq!(with(incident(Span::seconds(7 * 86_400 + 1))), Err(Unlabelled::Refused));
        let mut other = incident(Span::days(1));
        other.events = vec![Event::Incident { kind: ChangeKind::NumberChange }];
        assert_eq!(with(other), Err(Unlabelled::Refused), "something else");
        let mut elsewhere = incident(Span::days(1));
        elsewhere.owner.subject = Subject::Line(LineId::parse("another").unwrap());
        assert_eq!(with(elsewhere), Err(Unlabelled::Refused), "another line");
    }

    #[test]
    fn what_was_authorized_and_carried_out_too_late_is_no_attack() {
        let late = [requested(), granted(), ended(Span::minutes(20), Ending::Lapsed), incident(Span::hours(1))];
        assert_eq!(verdict(&late, LATER), Err(Unlabelled::Lapsed));
    }

    #[test]
    fn what_the_fraud_desk_found_out_stands_above_what_she_said() {
        let closed = |after: Span, outcome| {
            let case = crate::fraud::CaseId(7);
            Entry {
                owner: Owner { subject: Subject::Account, ..entry(after, Vec::new()).owner },
                ..entry(after, vec![Event::FraudClosed { case, outcome, changes: vec![change().id] }])
            }
        };
        for (outcome, verdict_then) in [
            (CaseOutcome::Fraud, Ok((1, Why::Case, Span::days(3)))),
            (CaseOutcome::NoFraud, Ok((0, Why::Case, Span::days(3)))),
            (CaseOutcome::Unclear, Err(Unlabelled::Unclear)),
        ] {
            let closed = closed(Span::days(3), outcome);
            assert_eq!(verdict(&[requested(), disputed(Span::hours(1)), closed.clone()], LATER), verdict_then);
            assert_eq!(verdict(&[requested(), ended(Span::hours(1), Ending::Completed), closed.clone()], LATER), verdict_then);
            assert_eq!(verdict(&[closed, disputed(Span::hours(1)), requested()], LATER), verdict_then, "in any order");
        }
    }

    #[test]
    fn what_is_no_evidence_is_counted_apart() {
        let guess = || {
            let challenge = ChallengeId::parse("ch_1").unwrap();
            entry(Span::minutes(1), vec![Event::GuessFailed { change: change().id, challenge }])
        };
        for (entries, why) in [
            (vec![requested()], Unlabelled::Open),
            (vec![requested(), ended(Span::days(1), Ending::Expired)], Unlabelled::Expired),
            (vec![requested(), guess(), ended(Span::days(1), Ending::Expired)], Unlabelled::Guessed),
            (vec![requested(), ended(Span::days(1), Ending::Cancelled)], Unlabelled::Cancelled),
            (vec![requested(), ended(Span::days(1), Ending::Failed)], Unlabelled::Failed),
        ] {
            assert_eq!(verdict(&entries, LATER), Err(why));
        }
    }

    #[test]
    fn entries_may_come_in_any_order_and_twice() {
        let all = [requested(), proven(&[Factor::Passkey]), granted(), ended(Span::days(1), Ending::Completed)];
        let expected = told(&all, LATER);
        assert_eq!(expected.labels.len(), 1);
        for turn in 0..all.len() {
            let mut other = [all.clone(), all.clone()].concat();
            other.rotate_left(turn);
            assert_eq!(told(&other, LATER), expected);
            other.reverse();
            assert_eq!(told(&other, LATER), expected);
        }
    }

    #[test]
    fn a_label_says_what_the_model_said_when_it_was_asked() {
        let label = told(&[requested(), disputed(Span::hours(1))], LATER).labels.remove(0);
        let told = serde_json::to_value(&label).unwrap();
        let expected = serde_json::json!({
            "change": change().id, "y": 1, "why": "disputed", "asked_at": 1_790_000_000, "known_at": 1_790_003_600,
            "delay_seconds": 3_600, "ppm": 3, "band": "low", "model": "m", "account": "a", "kind": "sim_swap", "channel": "pwa",
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn an_entry_tells_by_the_band_what_was_missed_and_who_was_troubled() {
        let with = |mut entry: Entry, change: Change| {
            entry.after = Some(Box::new(change));
            Heard::of(&entry).collect::<Vec<_>>()
        };
        for &band in Band::ALL {
            let mut scored = change();
            scored.decision.band = band;
            assert_eq!(with(disputed(Span::hours(1)), scored.clone())[0].word(), format!("attack_{band}"));
            let done = || ended(Span::hours(1), Ending::Completed);
            assert_eq!(with(done(), scored.clone()), [Heard::Weak]);
            scored.proofs.push(Proof { factor: Factor::Passkey, at: ASKED });
            assert_eq!(with(done(), scored)[0].word(), format!("genuine_pending_{band}"));
        }
        for (how, heard) in [
            (Ending::Expired, vec![Heard::Unproven]),
            (Ending::Cancelled, vec![Heard::Cancelled]),
            (Ending::Refused, vec![]),
            (Ending::Lapsed, vec![]),
            (Ending::Failed, vec![]),
        ] {
            assert_eq!(with(ended(Span::hours(1), how), change()), heard);
        }
        let lock = Event::ProtectionOn { protection: Protection::AccountLockdown, mode: Mode::Block };
        let tap = [ended(Span::hours(1), Ending::Cancelled).events, disputed(Span::hours(1)).events, vec![lock]].concat();
        assert_eq!(with(entry(Span::hours(1), tap), change()), [Heard::AttackLow], "one tap is one label");
        let words: BTreeSet<&str> = Heard::ALL.iter().map(|heard| heard.word()).collect();
        assert_eq!(words.len(), Heard::ALL.len());
    }
}
