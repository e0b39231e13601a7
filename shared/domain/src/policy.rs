//! How much assurance a change needs: one total function over a finite table, made of floors that are
//! joined by `max`, so that nothing can lower what another demands.
//!
//! The floors are the product and cannot be tuned away; periods can, above their own floors
//! ([`crate::config`]). [`table`] prints the function for a compliance officer.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::kinds::{ActorKind, Band, ChangeKind, Channel, Factor, Jurisdiction, Outcome, Reason, vocabulary};
use crate::proof::{Assurance, Factors, Taint};

/// Which policy decided; raised with every change of this file that changes an answer.
pub const POLICY_VERSION: &str = "4";

vocabulary! {
    /// What the protections say of a change, weakest first.
    Cover {
        /// None covers it.
        Open = "open",
        /// One in mode `step_up` does.
        StepUp = "step_up",
        /// One in mode `block` does.
        Block = "block",
        /// One is being switched off and its cooling-off period runs.
        CoolingOff = "cooling_off",
    }
}

vocabulary! {
    /// How long a change waits, shortest first. Lengths are the carrier's, above floors.
    Wait {
        /// Not at all.
        None = "none",
        /// The shortest cooling-off period (default 1 hour, at least 15 minutes).
        Short = "short",
        /// The usual one (default 24 hours, at least 15 minutes).
        Standard = "standard",
        /// The longest one (default 72 hours, at least 24 hours).
        Long = "long",
    }
}

/// What the policy is asked. Every field is a finite set, so the whole table can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// What someone wants done.
    pub kind: ChangeKind,
    /// Where the wish came from.
    pub channel: Channel,
    /// Who asks.
    pub actor: ActorKind,
    /// What the protections say.
    pub cover: Cover,
    /// What the scorer says.
    pub band: Band,
    /// Channels that prove nothing for now.
    pub taint: Taint,
    /// Whose rules apply.
    pub jurisdiction: Jurisdiction,
}

/// What has to happen before a change may be authorized, besides telling the customer first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// Where set, the change is refused, for this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Reason>,
    /// How much proof.
    pub assurance: Assurance,
    /// Factors that count.
    pub accepted: Factors,
    /// Whether e-mail may stand in for a lost phone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email_stands_in: bool,
    /// How long to wait.
    pub wait: Wait,
    /// Whether a person has to look at it. No row asks for it before the fraud desk has its door.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub review: bool,
}

/// A requirement, and which floors asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// What is required.
    pub need: Requirement,
    /// Why, in the order of the floors.
    pub reasons: Vec<Reason>,
}

impl Ruling {
    fn nothing() -> Self {
        Self { need: Requirement::nothing(), reasons: Vec::new() }
    }

    pub(crate) fn refusal(reason: Reason) -> Self {
        Self { need: Requirement { refused: Some(reason), ..Requirement::nothing() }, reasons: vec![reason] }
    }

    fn ask(assurance: Assurance, wait: Wait, reason: Option<Reason>) -> Self {
        Self { need: Requirement { assurance, wait, ..Requirement::nothing() }, reasons: reason.into_iter().collect() }
    }

    pub(crate) fn join(mut self, other: Self) -> Self {
        self.need = self.need.join(other.need);
        for reason in other.reasons {
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
        self
    }
}

impl Requirement {
    /// Nothing but telling the customer.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            refused: None,
            assurance: Assurance::Session,
            accepted: Factors::ALL,
            email_stands_in: false,
            wait: Wait::None,
            review: false,
        }
    }

    /// Both demands at once: at least as strict as either.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            refused: self.refused.or(other.refused),
            assurance: self.assurance.max(other.assurance),
            accepted: self.accepted.and(other.accepted),
            email_stands_in: self.email_stands_in || other.email_stands_in,
            wait: self.wait.max(other.wait),
            review: self.review || other.review,
        }
    }

    /// Whether this asks for at least what the other one does.
    #[must_use]
    pub fn at_least(&self, other: &Self) -> bool {
        self.refused.is_some()
            || (other.refused.is_none()
                && self.assurance >= other.assurance
                && self.accepted.without(other.accepted) == Factors::NONE
                && self.wait >= other.wait
                && (self.review || !other.review))
    }

    /// The decision in one word.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        if self.refused.is_some() {
            Outcome::Refuse
        } else if self.review {
            Outcome::Review
        } else if self.wait > Wait::None {
            Outcome::Hold
        } else if self.assurance > Assurance::Session {
            Outcome::StepUp
        } else {
            Outcome::Authorize
        }
    }
}

/// What a change needs. Total, and monotone: a worse band, a stricter cover or one more tainted channel
/// never asks for less.
#[must_use]
pub fn required(q: &Question) -> Ruling {
    if let Some(reason) = wrong_door(q) {
        return Ruling::refusal(reason);
    }
    let joined = [kind_floor(q), cover_floor(q), band_floor(q), jurisdiction_floor(q), store_floor(q), lost_phone(q)]
        .into_iter()
        .fold(Ruling::nothing(), Ruling::join);
    restrict(q, joined)
}

/// Who may ask for what, where (floors 1 and 2).
fn wrong_door(q: &Question) -> Option<Reason> {
    match (q.channel, q.actor) {
        (Channel::Phone | Channel::Chat | Channel::Email, _) => Some(Reason::UseTheApp),
        (Channel::Pwa, ActorKind::Customer) | (Channel::Store, ActorKind::Representative) if q.kind == ChangeKind::PortOut => {
            Some(Reason::WrongDoor)
        }
        (Channel::Store, ActorKind::Representative) if q.kind == ChangeKind::ProtectionOff => Some(Reason::StaffMayNot),
        (Channel::Pwa, ActorKind::Customer) | (Channel::Store, ActorKind::Representative) => None,
        (Channel::Porting, ActorKind::Gateway) if q.kind == ChangeKind::PortOut => None,
        (Channel::Porting, _) => Some(Reason::WrongDoor),
        (
            Channel::Pwa | Channel::Store,
            ActorKind::Customer
            | ActorKind::Representative
            | ActorKind::Gateway
            | ActorKind::Provisioning
            | ActorKind::Partner
            | ActorKind::System,
        ) => Some(Reason::NotYours),
    }
}

/// What the kind asks for, however low the risk (floors 2 and 4).
fn kind_floor(q: &Question) -> Ruling {
    let (assurance, wait) = match q.kind {
        ChangeKind::SimSwap
        | ChangeKind::PortOut
        | ChangeKind::NumberChange
        | ChangeKind::CredentialReset
        | ChangeKind::AuthorizedUser
        // What is added proves nothing for a while anyway.
        | ChangeKind::FactorAdd => (Assurance::OneFactor, Wait::None),
        // A new mailbox is how a theft begins, and a missing passkey how it goes on: there is an hour to object.
        ChangeKind::ContactChange | ChangeKind::FactorRemove => (Assurance::OneFactor, Wait::Short),
        // The PIN speaks for her at another carrier, so it is given to who proved more than a message.
        ChangeKind::PortPin => (Assurance::BeyondMessages, Wait::None),
        ChangeKind::Ownership | ChangeKind::ProtectionOff => (Assurance::BeyondMessages, Wait::Standard),
        ChangeKind::AddLine | ChangeKind::DeviceUpgrade => (Assurance::Session, Wait::None),
    };
    Ruling::ask(assurance, wait, None)
}

/// What the protections ask for (floor 3).
fn cover_floor(q: &Question) -> Ruling {
    match q.cover {
        Cover::Open => Ruling::nothing(),
        // A transfer PIN is a key to the door that is locked: first the lock goes off, with its wait.
        Cover::StepUp if q.kind == ChangeKind::PortPin => Ruling::refusal(Reason::Locked),
        Cover::StepUp => Ruling::ask(Assurance::Strong, Wait::Short, Some(Reason::Protected)),
        Cover::Block => Ruling::refusal(Reason::Locked),
        Cover::CoolingOff => Ruling::refusal(Reason::CoolingOff),
    }
}

/// What the risk asks for; the scorer's own reasons stand in the decision. The model's strongest word is
/// a hold: a refusal is never its alone.
fn band_floor(q: &Question) -> Ruling {
    match q.band {
        Band::Low => Ruling::nothing(),
        Band::Elevated => Ruling::ask(Assurance::BeyondMessages, Wait::None, None),
        Band::Unavailable => {
            let wait = if q.kind.moves_the_line() { Wait::Standard } else { Wait::None };
            Ruling::ask(Assurance::BeyondMessages, wait, Some(Reason::ScoreUnavailable))
        }
        Band::High => Ruling::ask(Assurance::BeyondMessages, Wait::Standard, None),
        Band::Severe => Ruling::ask(Assurance::Strong, Wait::Long, None),
    }
}

/// What the law of the place asks for. Australia: multi-factor authentication for high-risk acts, the
/// session being the first factor (Customer Identity Authentication Determination 2022).
fn jurisdiction_floor(q: &Question) -> Ruling {
    match (q.jurisdiction, q.kind) {
        (Jurisdiction::Au, ChangeKind::SimSwap | ChangeKind::Ownership | ChangeKind::AddLine | ChangeKind::DeviceUpgrade) => {
            Ruling::ask(Assurance::OneFactor, Wait::None, Some(Reason::Jurisdiction))
        }
        (Jurisdiction::Us | Jurisdiction::Uk | Jurisdiction::Au | Jurisdiction::In | Jurisdiction::Br | Jurisdiction::Ca, _) => {
            Ruling::nothing()
        }
    }
}

/// A store visit is no bypass. An identity document is looked at, always; besides, the customer's app confirms and she
/// has time to object, or, where her phone is out of her hands, a second member of staff looks too ([`by_document`]) and
/// the longest hold runs.
fn store_floor(q: &Question) -> Ruling {
    match q.channel {
        Channel::Store => Ruling::ask(Assurance::BeyondMessages, Wait::Short, None),
        Channel::Pwa | Channel::Chat | Channel::Email | Channel::Phone | Channel::Porting => Ruling::nothing(),
    }
}

/// Without a phone, e-mail may stand in for a new SIM, under the longest hold (floor 5). SMS to the line is
/// what the new SIM is for, so what counts is whether anything of the device is left.
fn lost_phone(q: &Question) -> Ruling {
    if q.kind != ChangeKind::SimSwap || !q.taint.device {
        return Ruling::nothing();
    }
    let mut ruling = Ruling::ask(Assurance::OneFactor, Wait::Long, Some(Reason::PhoneLost));
    ruling.need.email_stands_in = true;
    ruling
}

/// What a change itself would take away: it proves nothing for that change.
#[must_use]
pub fn moved_by(kind: ChangeKind) -> Factors {
    if kind.moves_the_line() { Factors::of(&[Factor::SmsOtp]) } else { Factors::NONE }
}

/// Whether a document that two members of staff looked at in a store counts: for a new SIM where nothing of the device is
/// left, which [`lost_phone`] puts under the longest hold. It is never strong: no protection yields to it.
const fn by_document(q: &Question) -> bool {
    matches!((q.kind, q.channel, q.actor), (ChangeKind::SimSwap, Channel::Store, ActorKind::Representative)) && q.taint.device
}

/// Which factors count, once everything else is known (floors 5 and 6). A transfer PIN is for a port alone.
fn restrict(q: &Question, mut ruling: Ruling) -> Ruling {
    if q.kind != ChangeKind::PortOut {
        ruling.need.accepted = ruling.need.accepted.without(Factors::of(&[Factor::TransferPin]));
    }
    if !by_document(q) {
        ruling.need.accepted = ruling.need.accepted.without(Factors::of(&[Factor::Document]));
    }
    ruling.need.accepted = ruling.need.accepted.without(q.taint.spoils()).without(moved_by(q.kind));
    if q.taint != Taint::default() {
        ruling.reasons.push(Reason::TaintedChannel);
    }
    if !ruling.need.email_stands_in {
        ruling.need.accepted = ruling.need.accepted.without(Factors::of(&[Factor::EmailOtp]));
    }
    ruling
}

/// Every question there is.
pub fn domain() -> impl Iterator<Item = Question> {
    ChangeKind::ALL.iter().flat_map(|&kind| {
        Channel::ALL.iter().flat_map(move |&channel| {
            ActorKind::ALL.iter().flat_map(move |&actor| {
                Cover::ALL.iter().flat_map(move |&cover| {
                    Band::ALL.iter().flat_map(move |&band| {
                        Taint::ALL.iter().flat_map(move |&taint| {
                            Jurisdiction::ALL.iter().map(move |&jurisdiction| Question {
                                kind,
                                channel,
                                actor,
                                cover,
                                band,
                                taint,
                                jurisdiction,
                            })
                        })
                    })
                })
            })
        })
    })
}

/// The policy as a Markdown document.
#[must_use]
pub fn table() -> String {
    let mut out = String::from(
        "# What a change needs\n\nPrinted by `cargo run -q -p linekeeper-domain --example policy`; a test says when it is stale. Policy version ",
    );
    let _ = writeln!(
        out,
        "{POLICY_VERSION}.\n\n\
         Each cell: how much proof, then how long to wait. Besides that the customer is always told first.\n\
         `session` the session is enough; `one_factor` one fresh factor; `beyond_messages` one that is not SMS or e-mail alone;\n\
         `strong` a phishing-resistant one, or two that fail independently. The waits are the carrier's, above floors:\n\
         `short` 1 hour, `standard` 24 hours, `long` 72 hours by default.\n"
    );
    let base = Question {
        kind: ChangeKind::SimSwap,
        channel: Channel::Pwa,
        actor: ActorKind::Customer,
        cover: Cover::Open,
        band: Band::Low,
        taint: Taint::default(),
        jurisdiction: Jurisdiction::Us,
    };
    let bands: Vec<&str> = Band::ALL.iter().map(|b| b.word()).collect();
    for (title, channel, actor) in [
        ("In the app, by the customer", Channel::Pwa, ActorKind::Customer),
        ("In a store, by a representative", Channel::Store, ActorKind::Representative),
        ("By the porting gateway", Channel::Porting, ActorKind::Gateway),
    ] {
        let _ =
            writeln!(out, "## {title}\n\n| change | cover | {} |\n|---|---|{}", bands.join(" | "), "---|".repeat(bands.len()));
        let through = |kind: &&ChangeKind| channel != Channel::Porting || **kind == ChangeKind::PortOut;
        for &kind in ChangeKind::ALL.iter().filter(through) {
            for &cover in Cover::ALL {
                let cells: Vec<String> = Band::ALL
                    .iter()
                    .map(|&band| cell(&required(&Question { kind, channel, actor, cover, band, ..base }).need))
                    .collect();
                let _ = writeln!(out, "| {kind} | {cover} | {} |", cells.join(" | "));
            }
        }
        out.push('\n');
    }
    out.push_str("## By other doors\n\n| channel | actor | every significant change |\n|---|---|---|\n");
    for &channel in Channel::ALL {
        for &actor in ActorKind::ALL {
            let answers: Vec<String> = ChangeKind::ALL
                .iter()
                .map(|&kind| required(&Question { kind, channel, actor, ..base }))
                .map(|ruling| ruling.need.refused.map_or_else(|| "as above".to_owned(), |reason| format!("refused, {reason}")))
                .collect();
            let mut distinct = answers.clone();
            distinct.dedup();
            if let [one] = distinct.as_slice() {
                let _ = writeln!(out, "| {channel} | {actor} | {one} |");
            } else {
                let each: Vec<String> = ChangeKind::ALL
                    .iter()
                    .zip(&answers)
                    .filter(|(_, answer)| {
                        answer.as_str() != "as above" && !(channel == Channel::Porting && answer.contains("WRONG_DOOR"))
                    })
                    .map(|(kind, answer)| format!("{kind}: {answer}"))
                    .collect();
                let rest = if channel == Channel::Porting {
                    "port_out: by kind and band; every other: refused, WRONG_DOOR".to_owned()
                } else {
                    each.join("; ")
                };
                let _ = writeln!(out, "| {channel} | {actor} | {rest} |");
            }
        }
    }
    let store = Question { channel: Channel::Store, actor: ActorKind::Representative, ..base };
    let sections = Taint::ALL.map(|taint| ("## Tainted channels", Question { taint, ..base }));
    let in_store = Taint::ALL.map(|taint| ("## Tainted channels, in a store", Question { taint, ..store }));
    let mut before = "";
    for (title, question) in sections.into_iter().chain(in_store) {
        if title != before {
            let _ = writeln!(
                out,
                "\n{title}\n\n| tainted | factors that still count for a SIM swap at low risk | proof, wait |\n|---|---|---|"
            );
            before = title;
        }
        let (taint, need) = (question.taint, required(&question).need);
        let names: Vec<&str> = [("sms", taint.sms), ("device", taint.device), ("email", taint.email)]
            .into_iter()
            .filter_map(|(name, tainted)| tainted.then_some(name))
            .collect();
        let accepted: Vec<&str> = need.accepted.iter().map(Factor::word).collect();
        let none = |texts: &[&str]| if texts.is_empty() { "none".to_owned() } else { texts.join(", ") };
        let _ = writeln!(out, "| {} | {} | {} |", none(&names), none(&accepted), cell(&need));
    }
    out.push_str("\n## What a jurisdiction adds\n\n| jurisdiction | change | proof, wait at low risk |\n|---|---|---|\n");
    for &jurisdiction in Jurisdiction::ALL {
        for &kind in ChangeKind::ALL {
            let Ruling { need, reasons } = required(&Question { kind, jurisdiction, ..base });
            if reasons.contains(&Reason::Jurisdiction) {
                let _ = writeln!(out, "| {jurisdiction} | {kind} | {} |", cell(&need));
            }
        }
    }
    out
}

fn cell(need: &Requirement) -> String {
    match (need.refused, need.wait) {
        (Some(reason), _) => format!("refused, {reason}"),
        (None, Wait::None) => need.assurance.word().to_owned(),
        (None, wait) => format!("{}, {wait}", need.assurance),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Floors are checked over every question there is.
    fn for_all(check: impl Fn(&Question, &Requirement) -> bool) {
        let mut count = 0_u32;
        for question in domain() {
            let need = required(&question).need;
            assert!(check(&question, &need), "{question:?}\n{need:?}");
            count += 1;
        }
        assert_eq!(count, 13 * 6 * 6 * 4 * 5 * 8 * 6);
    }

    #[test]
    fn floor_1_no_significant_change_by_phone_chat_or_email_whoever_asks() {
        for_all(|q, need| !matches!(q.channel, Channel::Phone | Channel::Chat | Channel::Email) || need.refused.is_some());
    }

    #[test]
    fn floor_2_staff_cannot_switch_a_protection_off() {
        for_all(|q, need| q.kind != ChangeKind::ProtectionOff || q.actor == ActorKind::Customer || need.refused.is_some());
    }

    #[test]
    fn floor_2_off_needs_more_than_messages_and_a_cooling_off_period() {
        for_all(|q, need| {
            q.kind != ChangeKind::ProtectionOff
                || need.refused.is_some()
                || (need.assurance >= Assurance::BeyondMessages && need.wait >= Wait::Standard && !need.email_stands_in)
        });
    }

    #[test]
    fn floor_3_block_refuses_and_step_up_asks_for_strong_proof_and_a_hold() {
        for_all(|q, need| match q.cover {
            Cover::Open => true,
            Cover::StepUp => need.refused.is_some() || (need.assurance == Assurance::Strong && need.wait > Wait::None),
            Cover::Block | Cover::CoolingOff => need.refused.is_some(),
        });
    }

    #[test]
    fn floor_4_a_sim_swap_or_port_out_needs_a_fresh_factor_however_low_the_risk() {
        for_all(|q, need| {
            !matches!(q.kind, ChangeKind::SimSwap | ChangeKind::PortOut)
                || need.refused.is_some()
                || need.assurance >= Assurance::OneFactor
        });
    }

    #[test]
    fn floor_5_email_counts_only_for_a_lost_phone_and_only_under_the_longest_hold() {
        for_all(|q, need| {
            need.refused.is_some()
                || !need.accepted.has(Factor::EmailOtp)
                || (q.kind == ChangeKind::SimSwap && q.taint.device && need.wait == Wait::Long)
        });
    }

    #[test]
    fn a_document_counts_only_in_a_store_for_a_lost_phone_under_the_longest_hold_and_never_against_a_protection() {
        let document = Factors::of(&[Factor::Document]);
        for_all(|q, need| {
            need.refused.is_some()
                || !need.accepted.has(Factor::Document)
                || (q.kind == ChangeKind::SimSwap
                    && q.channel == Channel::Store
                    && q.actor == ActorKind::Representative
                    && q.taint.device
                    && need.wait == Wait::Long
                    && (q.cover == Cover::Open
                        || !document.or(Factors::of(&[Factor::EmailOtp])).satisfy(need.assurance, need.email_stands_in)))
        });
    }

    #[test]
    fn floor_6_a_tainted_channel_proves_nothing() {
        for_all(|q, need| need.refused.is_some() || need.accepted.and(q.taint.spoils()) == Factors::NONE);
    }

    #[test]
    fn a_transfer_pin_proves_a_port_and_nothing_else_and_is_not_given_out_under_a_lock() {
        for_all(|q, need| need.refused.is_some() || !need.accepted.has(Factor::TransferPin) || q.kind == ChangeKind::PortOut);
        for_all(|q, need| q.kind != ChangeKind::PortPin || q.cover == Cover::Open || need.refused.is_some());
    }

    #[test]
    fn what_a_change_would_move_proves_nothing_for_it() {
        for_all(|q, need| need.refused.is_some() || need.accepted.and(moved_by(q.kind)) == Factors::NONE);
        assert!(moved_by(ChangeKind::SimSwap).has(Factor::SmsOtp));
    }

    #[test]
    fn floor_7_no_score_weighs_more_than_a_benign_one_and_holds_what_moves_the_line() {
        for_all(|q, need| {
            q.band != Band::Unavailable
                || need.refused.is_some()
                || (need.at_least(&required(&Question { band: Band::Elevated, ..*q }).need)
                    && (!q.kind.moves_the_line() || need.wait >= Wait::Standard))
        });
    }

    #[test]
    fn floor_8_nothing_lowers_what_another_demands() {
        for_all(|q, need| {
            let worse = |set: &[Question]| set.iter().all(|w| required(w).need.at_least(need));
            let bands: Vec<_> = Band::ALL.iter().filter(|&&b| b >= q.band).map(|&band| Question { band, ..*q }).collect();
            let covers: Vec<_> = Cover::ALL.iter().filter(|&&c| c >= q.cover).map(|&cover| Question { cover, ..*q }).collect();
            worse(&bands) && worse(&covers)
        });
    }

    #[test]
    fn more_taint_accepts_no_factor_that_less_taint_did_not_but_the_lost_phones_email_and_document() {
        for_all(|q, need| {
            Taint::ALL.iter().all(|&more| {
                let tainted = required(&Question { taint: q.taint.or(more), ..*q }).need;
                let gained = tainted.accepted.without(need.accepted);
                tainted.refused.is_some()
                    || (tainted.assurance >= need.assurance
                        && tainted.wait >= need.wait
                        && (gained == Factors::NONE
                            || (gained.without(Factors::of(&[Factor::EmailOtp, Factor::Document])) == Factors::NONE
                                && tainted.wait == Wait::Long)))
            })
        });
    }

    #[test]
    fn the_score_alone_never_refuses() {
        for_all(|q, need| need.refused.is_none() || required(&Question { band: Band::Low, ..*q }).need.refused.is_some());
    }

    #[test]
    fn a_customer_in_the_app_is_never_refused_without_a_protection() {
        for_all(|q, need| {
            q.channel != Channel::Pwa
                || q.actor != ActorKind::Customer
                || q.cover > Cover::StepUp
                || (q.kind == ChangeKind::PortPin && q.cover == Cover::StepUp)
                || q.kind == ChangeKind::PortOut
                || need.refused.is_none()
        });
    }

    #[test]
    fn the_printed_policy_is_the_policy() {
        let printed = include_str!("../POLICY.md");
        assert!(
            printed == table(),
            "shared/domain/POLICY.md is stale: run `cargo run -q -p linekeeper-domain --example policy > shared/domain/POLICY.md`"
        );
    }
}
