//! The ledger: what happened, how it changes the state, and the entries that hold it.
//!
//! `evolve` is the only way a state changes, so that replaying a ledger gives the state (I5). An entry
//! names the hash of the one before it, and its own hash is over the exact bytes stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chain::Head;
use crate::change::{Actor, Answered, Authorization, Challenge, Change, Decision, Ending, PortOrder, Stage};
use crate::desk::{CareContact, Field, Insider, Prepared, Shut, Staff, Wall};
use crate::digest::Digest;
use crate::factors::{Credential, Enrolled};
use crate::fraud::{Case, CaseId, CaseOutcome, Concern, Concerned, Through};
use crate::ids::{
    AccountId, AuthorizationId, CareContactId, ChallengeId, ChangeId, ContactId, FactorId, LineId, RepresentativeId, Subject,
};
use crate::kinds::{ChangeKind, Jurisdiction, Locale, Mode, Protection, Reason, vocabulary};
use crate::notice::{Delivery, Message, Notice, Untold};
use crate::numbers::{Imei, Msisdn};
use crate::policy::Requirement;
use crate::porting::answer::{Answer, Outgoing};
use crate::porting::fields::PortVersion;
use crate::porting::message::Order;
use crate::porting::order as porting;
use crate::proof::Proof;
use crate::quota::Quota;
use crate::risk::marks::WideMark;
use crate::risk::velocity::Meeting;
use crate::signals::Signal;
use crate::state::{Account, Billing, Book, Contact, Line, Protections, REMEMBERED, Sim, Tally, TransferPin, Versioned, View};
use crate::time::{Span, Timestamp};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// The carrier took a customer on.
    AccountOpened {
        /// Whose rules apply.
        jurisdiction: Jurisdiction,
        /// Which language the customer reads.
        #[serde(default, skip_serializing_if = "Locale::is_default")]
        locale: Locale,
        /// Ways to reach the customer.
        contacts: Vec<Contact>,
    },
    /// The customer left.
    AccountClosed,
    /// A line's tenure began.
    LineOpened {
        /// The number.
        msisdn: Msisdn,
        /// The first SIM.
        sim: Sim,
        /// The handset.
        imei: Option<Imei>,
    },
    /// The line's tenure is over; the number may be given to someone else.
    LineEnded,
    /// A protection was switched on, or made stricter.
    ProtectionOn {
        /// Which.
        protection: Protection,
        /// How it works.
        mode: Mode,
    },
    /// A protection was switched off.
    ProtectionOff {
        /// Which.
        protection: Protection,
    },
    /// A change was asked for, and decided.
    Requested {
        /// The change, as decided.
        change: Box<Change>,
    },
    /// A change needs more than before.
    Raised {
        /// Which.
        change: ChangeId,
        /// What it needs besides what it needed.
        need: Requirement,
        /// How it is decided now.
        decision: Decision,
        /// When its hold is over.
        hold_until: Option<Timestamp>,
        /// From when on it can no longer be proven.
        expires_at: Timestamp,
    },
    /// A factor was demanded.
    ChallengeOpened {
        /// For which change.
        change: ChangeId,
        /// The demand.
        challenge: Challenge,
    },
    /// A wrong answer.
    GuessFailed {
        /// For which change.
        change: ChangeId,
        /// To which demand.
        challenge: ChallengeId,
    },
    /// A right answer, once.
    Proven {
        /// For which change.
        change: ChangeId,
        /// What was proven.
        proof: Proof,
    },
    /// The factor that a change adds was shown to work.
    SetUp {
        /// By which change.
        change: ChangeId,
        /// What it is known by.
        credential: Credential,
    },
    /// A factor was enrolled. What is used up of its kind makes room.
    FactorAdded {
        /// Which.
        factor: Enrolled,
    },
    /// A factor is the customer's no longer.
    FactorRemoved {
        /// Which.
        factor: FactorId,
    },
    /// A recovery code was used up.
    RecoveryCodeUsed {
        /// Of which set.
        factor: FactorId,
        /// Its place in the set.
        place: u8,
    },
    /// A passkey that counts was used.
    PasskeyUsed {
        /// Which.
        factor: FactorId,
        /// Its counter now.
        counter: u32,
        /// Whether it is synchronised to other devices now.
        backed_up: bool,
    },
    /// A notice was handed to its channels.
    Told {
        /// Number of the entry that carried the notice.
        notice: u64,
        /// The change that it was about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<ChangeId>,
        /// What became of it.
        deliveries: Vec<Delivery>,
        /// Whether a channel that counts accepted it.
        counted: bool,
    },
    /// A notice is tried again where it has not been accepted. It moves to this entry.
    Retried {
        /// Number of the entry that carried it before.
        notice: u64,
        /// When it is tried next.
        retry_at: Timestamp,
    },
    /// A notice was given up. Where no channel that counts accepted it, a person is paged (I6).
    GivenUp {
        /// Number of the entry that carried it.
        notice: u64,
        /// What it says.
        message: Message,
        /// Whether the customer was told on some channel.
        accepted: bool,
    },
    /// Every gate has closed: the one authorization of the change, fixed (I1, I2).
    Authorized {
        /// Which.
        change: ChangeId,
        /// The permission.
        authorization: Authorization,
    },
    /// The signature is out. What commits later than this comes too late to stop it by itself.
    Released {
        /// Which.
        change: ChangeId,
    },
    /// A change is over.
    Ended {
        /// Which.
        change: ChangeId,
        /// How.
        how: Ending,
        /// Why, where there is more to say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// The customer said that a change was not hers, whatever had become of it. Once for a change.
    Disputed {
        /// Which.
        change: ChangeId,
    },
    /// The customer reports fraud: a case is opened, or the one that is open takes in more. On the account's ledger;
    /// who says so is the entry's actor. The account is frozen in the same write, or was.
    FraudReported {
        /// Which case; new where the account has none of that number.
        case: CaseId,
        /// How the report came in.
        through: Through,
        /// Whether she says that the phone is out of her hands.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        phone_lost: bool,
        /// What it names that the case did not name before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        concerns: Vec<Concern>,
    },
    /// Something of a case was put back: the time to remedy is from the case's first report until `at`.
    FraudRemedied {
        /// Which case.
        case: CaseId,
        /// What of it.
        what: Concerned,
        /// When it was done.
        at: Timestamp,
    },
    /// A case is closed. Nothing is unfrozen by it: that is the customer's alone.
    FraudClosed {
        /// Which.
        case: CaseId,
        /// How it came out.
        outcome: CaseOutcome,
        /// The changes that it named: the outcome is their label.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<ChangeId>,
    },
    /// The customer is told which protections are on offer: once a year.
    Reminded,
    /// Another SIM is in the line.
    SimChanged {
        /// Which.
        sim: Sim,
        /// The authorization that it was done with; none is an incident.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authorization: Option<AuthorizationId>,
    },
    /// The line has another number.
    NumberChanged {
        /// Which.
        msisdn: Msisdn,
    },
    /// Another handset is on the line.
    DeviceChanged {
        /// Which.
        imei: Imei,
    },
    /// A notice channel was added.
    ContactAdded {
        /// Which.
        contact: Contact,
    },
    /// A notice channel was removed.
    ContactRemoved {
        /// Which.
        contact: ContactId,
    },
    /// The carrier had an answer from a notice channel: it is hers, and is read.
    ContactVerified {
        /// Which.
        contact: ContactId,
        /// When.
        at: Timestamp,
    },
    /// Something was done without an authorization. A person is paged.
    Incident {
        /// What.
        kind: ChangeKind,
    },
    /// A number transfer PIN was drawn; another one that was there is void.
    PinIssued {
        /// By which change.
        change: ChangeId,
        /// What is kept of it.
        pin: TransferPin,
    },
    /// A wrong transfer PIN came with an order.
    PinFailed {
        /// Which one was to be guessed.
        pin: ChallengeId,
    },
    /// A transfer PIN was used up: each is good for one order.
    PinUsed {
        /// Which.
        pin: ChallengeId,
    },
    /// What the account's orders are compared with.
    BillingKnown {
        /// The digests.
        billing: Billing,
    },
    /// An order was answered: from here on the answer cannot be lost.
    PortAnswered {
        /// Which port.
        change: ChangeId,
        /// Whose number and order it is about.
        order: Order,
        /// Which version of the order.
        version: PortVersion,
        /// What.
        answer: Answer,
        /// Until when the gaining carrier must have it.
        answer_by: Timestamp,
    },
    /// Another version of an order took the place of the one before.
    PortSupplemented {
        /// Which port.
        change: ChangeId,
        /// The version.
        version: PortVersion,
        /// What it says.
        content: Digest,
        /// When the line is to move.
        due_at: Timestamp,
    },
    /// The gateway reported that the line has moved.
    PortActivated {
        /// Which port.
        change: ChangeId,
        /// When it moved.
        at: Timestamp,
    },
    /// A representative began a contact; its wall is sealed.
    CareBegun {
        /// The contact.
        contact: Box<CareContact>,
    },
    /// The customer opened the wall of a contact.
    WallOpened {
        /// Which.
        contact: CareContactId,
        /// Until when.
        until: Timestamp,
    },
    /// The wall of a contact stays shut.
    WallShut {
        /// Which.
        contact: CareContactId,
        /// Why.
        why: Shut,
    },
    /// A representative was shown fields, right after this was written.
    CareViewed {
        /// In which contact.
        contact: CareContactId,
        /// Which.
        fields: Vec<Field>,
    },
    /// A change was written down for the customer to ask for.
    CarePrepared {
        /// In which contact.
        contact: CareContactId,
        /// What.
        prepared: Box<Prepared>,
    },
    /// A representative ended a contact.
    CareEnded {
        /// Which.
        contact: CareContactId,
    },
    /// A member of staff does what people who mean no harm do not. The fraud desk is called.
    CareAlarm {
        /// What.
        insider: Insider,
        /// Who; for what all of them did together, the last.
        representative: RepresentativeId,
    },
    /// A second member of staff looked at a customer's document in a store.
    DocumentChecked {
        /// For which change.
        change: ChangeId,
        /// Who.
        checker: Box<Staff>,
        /// What that proves.
        proof: Proof,
    },
}

vocabulary! {
    /// The name of an event on the topic `line-events`, for subscribers to filter on.
    EventName {
        /// See [`Event::AccountOpened`].
        AccountOpened = "account_opened",
        /// See [`Event::AccountClosed`].
        AccountClosed = "account_closed",
        /// See [`Event::LineOpened`].
        LineOpened = "line_opened",
        /// See [`Event::LineEnded`].
        LineEnded = "line_ended",
        /// See [`Event::ProtectionOn`].
        ProtectionOn = "protection_on",
        /// See [`Event::ProtectionOff`].
        ProtectionOff = "protection_off",
        /// See [`Event::Requested`].
        Requested = "requested",
        /// A change was refused when it was asked for.
        Refused = "refused",
        /// See [`Event::Raised`].
        Raised = "raised",
        /// See [`Event::ChallengeOpened`].
        ChallengeOpened = "challenge_opened",
        /// See [`Event::GuessFailed`].
        GuessFailed = "guess_failed",
        /// See [`Event::Proven`].
        Proven = "proven",
        /// See [`Event::SetUp`].
        SetUp = "set_up",
        /// See [`Event::FactorAdded`].
        FactorAdded = "factor_added",
        /// See [`Event::FactorRemoved`].
        FactorRemoved = "factor_removed",
        /// See [`Event::RecoveryCodeUsed`].
        RecoveryCodeUsed = "recovery_code_used",
        /// See [`Event::PasskeyUsed`].
        PasskeyUsed = "passkey_used",
        /// See [`Event::Told`].
        Told = "told",
        /// See [`Event::Retried`].
        Retried = "retried",
        /// See [`Event::GivenUp`].
        GivenUp = "given_up",
        /// See [`Event::Authorized`].
        Authorized = "authorized",
        /// The signed authorization is attached.
        Released = "released",
        /// A change was carried out.
        Completed = "completed",
        /// A change was not carried out in time.
        Lapsed = "lapsed",
        /// A change was not proven in time.
        Expired = "expired",
        /// A change was stopped. Provisioning that has not acted yet must not.
        Cancelled = "cancelled",
        /// A change could not be carried out.
        Failed = "failed",
        /// See [`Event::Disputed`].
        Disputed = "disputed",
        /// See [`Event::FraudReported`]. What has to be put back stands in it.
        FraudReported = "fraud_reported",
        /// See [`Event::FraudRemedied`].
        FraudRemedied = "fraud_remedied",
        /// See [`Event::FraudClosed`].
        FraudClosed = "fraud_closed",
        /// See [`Event::Reminded`].
        Reminded = "reminded",
        /// See [`Event::SimChanged`].
        SimChanged = "sim_changed",
        /// See [`Event::NumberChanged`].
        NumberChanged = "number_changed",
        /// See [`Event::DeviceChanged`].
        DeviceChanged = "device_changed",
        /// See [`Event::ContactAdded`].
        ContactAdded = "contact_added",
        /// See [`Event::ContactRemoved`].
        ContactRemoved = "contact_removed",
        /// See [`Event::ContactVerified`].
        ContactVerified = "contact_verified",
        /// See [`Event::Incident`].
        Incident = "incident",
        /// See [`Event::PinIssued`].
        PinIssued = "pin_issued",
        /// See [`Event::PinFailed`].
        PinFailed = "pin_failed",
        /// See [`Event::PinUsed`].
        PinUsed = "pin_used",
        /// See [`Event::BillingKnown`].
        BillingKnown = "billing_known",
        /// See [`Event::PortAnswered`].
        PortAnswered = "port_answered",
        /// See [`Event::PortSupplemented`].
        PortSupplemented = "port_supplemented",
        /// See [`Event::PortActivated`].
        PortActivated = "port_activated",
        /// See [`Event::CareBegun`].
        CareBegun = "care_begun",
        /// See [`Event::WallOpened`].
        WallOpened = "wall_opened",
        /// See [`Event::WallShut`].
        WallShut = "wall_shut",
        /// See [`Event::CareViewed`].
        CareViewed = "care_viewed",
        /// See [`Event::CarePrepared`].
        CarePrepared = "care_prepared",
        /// See [`Event::CareEnded`].
        CareEnded = "care_ended",
        /// See [`Event::CareAlarm`].
        CareAlarm = "care_alarm",
        /// See [`Event::DocumentChecked`].
        DocumentChecked = "document_checked",
    }
}

impl Event {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> EventName {
        match self {
            Self::AccountOpened { .. } => EventName::AccountOpened,
            Self::AccountClosed => EventName::AccountClosed,
            Self::LineOpened { .. } => EventName::LineOpened,
            Self::LineEnded => EventName::LineEnded,
            Self::ProtectionOn { .. } => EventName::ProtectionOn,
            Self::ProtectionOff { .. } => EventName::ProtectionOff,
            Self::Requested { change } if change.has_ended() => EventName::Refused,
            Self::Requested { .. } => EventName::Requested,
            Self::Raised { .. } => EventName::Raised,
            Self::ChallengeOpened { .. } => EventName::ChallengeOpened,
            Self::GuessFailed { .. } => EventName::GuessFailed,
            Self::Proven { .. } => EventName::Proven,
            Self::SetUp { .. } => EventName::SetUp,
            Self::FactorAdded { .. } => EventName::FactorAdded,
            Self::FactorRemoved { .. } => EventName::FactorRemoved,
            Self::RecoveryCodeUsed { .. } => EventName::RecoveryCodeUsed,
            Self::PasskeyUsed { .. } => EventName::PasskeyUsed,
            Self::Told { .. } => EventName::Told,
            Self::Retried { .. } => EventName::Retried,
            Self::GivenUp { .. } => EventName::GivenUp,
            Self::Authorized { .. } => EventName::Authorized,
            Self::Released { .. } => EventName::Released,
            Self::Ended { how, .. } => match how {
                Ending::Completed => EventName::Completed,
                Ending::Lapsed => EventName::Lapsed,
                Ending::Expired => EventName::Expired,
                Ending::Cancelled => EventName::Cancelled,
                Ending::Refused => EventName::Refused,
                Ending::Failed => EventName::Failed,
            },
            Self::Disputed { .. } => EventName::Disputed,
            Self::FraudReported { .. } => EventName::FraudReported,
            Self::FraudRemedied { .. } => EventName::FraudRemedied,
            Self::FraudClosed { .. } => EventName::FraudClosed,
            Self::Reminded => EventName::Reminded,
            Self::SimChanged { .. } => EventName::SimChanged,
            Self::NumberChanged { .. } => EventName::NumberChanged,
            Self::DeviceChanged { .. } => EventName::DeviceChanged,
            Self::ContactAdded { .. } => EventName::ContactAdded,
            Self::ContactRemoved { .. } => EventName::ContactRemoved,
            Self::ContactVerified { .. } => EventName::ContactVerified,
            Self::Incident { .. } => EventName::Incident,
            Self::PinIssued { .. } => EventName::PinIssued,
            Self::PinFailed { .. } => EventName::PinFailed,
            Self::PinUsed { .. } => EventName::PinUsed,
            Self::BillingKnown { .. } => EventName::BillingKnown,
            Self::PortAnswered { .. } => EventName::PortAnswered,
            Self::PortSupplemented { .. } => EventName::PortSupplemented,
            Self::PortActivated { .. } => EventName::PortActivated,
            Self::CareBegun { .. } => EventName::CareBegun,
            Self::WallOpened { .. } => EventName::WallOpened,
            Self::WallShut { .. } => EventName::WallShut,
            Self::CareViewed { .. } => EventName::CareViewed,
            Self::CarePrepared { .. } => EventName::CarePrepared,
            Self::CareEnded { .. } => EventName::CareEnded,
            Self::CareAlarm { .. } => EventName::CareAlarm,
            Self::DocumentChecked { .. } => EventName::DocumentChecked,
        }
    }

    /// The change that it is about.
    #[must_use]
    pub fn change(&self) -> Option<&ChangeId> {
        match self {
            Self::Requested { change } => Some(&change.id),
            Self::Raised { change, .. }
            | Self::ChallengeOpened { change, .. }
            | Self::GuessFailed { change, .. }
            | Self::Proven { change, .. }
            | Self::SetUp { change, .. }
            | Self::Authorized { change, .. }
            | Self::Released { change }
            | Self::PinIssued { change, .. }
            | Self::PortAnswered { change, .. }
            | Self::PortSupplemented { change, .. }
            | Self::PortActivated { change, .. }
            | Self::DocumentChecked { change, .. }
            | Self::Ended { change, .. }
            | Self::Disputed { change } => Some(change),
            Self::Told { change, .. } => change.as_ref(),
            Self::AccountOpened { .. }
            | Self::AccountClosed
            | Self::LineOpened { .. }
            | Self::LineEnded
            | Self::ProtectionOn { .. }
            | Self::ProtectionOff { .. }
            | Self::Retried { .. }
            | Self::GivenUp { .. }
            | Self::FraudReported { .. }
            | Self::FraudRemedied { .. }
            | Self::FraudClosed { .. }
            | Self::Reminded
            | Self::SimChanged { .. }
            | Self::NumberChanged { .. }
            | Self::DeviceChanged { .. }
            | Self::ContactAdded { .. }
            | Self::ContactRemoved { .. }
            | Self::ContactVerified { .. }
            | Self::FactorAdded { .. }
            | Self::FactorRemoved { .. }
            | Self::RecoveryCodeUsed { .. }
            | Self::PasskeyUsed { .. }
            | Self::PinFailed { .. }
            | Self::PinUsed { .. }
            | Self::BillingKnown { .. }
            | Self::CareBegun { .. }
            | Self::WallOpened { .. }
            | Self::WallShut { .. }
            | Self::CareViewed { .. }
            | Self::CarePrepared { .. }
            | Self::CareEnded { .. }
            | Self::CareAlarm { .. }
            | Self::Incident { .. } => None,
        }
    }

    /// Whether a person has to look at it at once.
    #[must_use]
    pub fn pages(&self) -> bool {
        if let Self::FraudReported { concerns, .. } = self {
            return concerns.iter().any(|concern| concern.reverse);
        }
        if let Self::GivenUp { message, accepted, .. } = self {
            // Nobody is woken for what is told once a year.
            return !accepted && *message != Message::Reminder;
        }
        matches!(self, Self::Incident { .. } | Self::CareAlarm { .. })
    }

    /// The case that it is about.
    #[must_use]
    pub fn case(&self) -> Option<CaseId> {
        if let Self::FraudReported { case, .. } | Self::FraudRemedied { case, .. } | Self::FraudClosed { case, .. } = self {
            Some(*case)
        } else {
            None
        }
    }
}

impl EventName {
    /// Whether others hear of it. What they do not hear of is bookkeeping, or is published by the step
    /// that follows: an authorization is heard of when it is signed.
    #[must_use]
    pub const fn is_public(self) -> bool {
        match self {
            Self::AccountOpened
            | Self::ChallengeOpened
            | Self::GuessFailed
            | Self::Proven
            | Self::SetUp
            | Self::PasskeyUsed
            | Self::Told
            | Self::Retried
            | Self::Authorized
            | Self::ContactVerified
            | Self::Reminded
            | Self::PinFailed
            | Self::PinUsed
            | Self::BillingKnown
            | Self::PortAnswered
            | Self::PortSupplemented
            | Self::PortActivated
            | Self::CareBegun
            | Self::WallOpened
            | Self::WallShut
            | Self::CareViewed
            | Self::CarePrepared
            | Self::CareEnded
            | Self::DocumentChecked
            | Self::Released => false,
            Self::AccountClosed
            | Self::LineOpened
            | Self::LineEnded
            | Self::ProtectionOn
            | Self::ProtectionOff
            | Self::Requested
            | Self::Refused
            | Self::Raised
            | Self::GivenUp
            | Self::Completed
            | Self::Lapsed
            | Self::Expired
            | Self::Cancelled
            | Self::Failed
            | Self::Disputed
            | Self::FraudReported
            | Self::FraudRemedied
            | Self::FraudClosed
            | Self::SimChanged
            | Self::NumberChanged
            | Self::DeviceChanged
            | Self::ContactAdded
            | Self::ContactRemoved
            | Self::FactorAdded
            | Self::FactorRemoved
            | Self::RecoveryCodeUsed
            | Self::PinIssued
            | Self::CareAlarm
            | Self::Incident => true,
        }
    }
}

impl Book {
    fn change_mut(&mut self, id: &ChangeId, f: impl FnOnce(&mut Change)) {
        if let Some(change) = self.changes.get_mut(id) {
            f(change);
        }
    }

    fn port_mut(&mut self, id: &ChangeId, f: impl FnOnce(&mut PortOrder)) {
        if let Some(port) = self.changes.get_mut(id).and_then(|change| change.port.as_deref_mut()) {
            f(port);
        }
    }

    fn evolve(&mut self, event: &Event, seq: u64, at: Timestamp) {
        match event {
            Event::Requested { change } => {
                self.requests = self.requests.take(at, u32::MAX, Span::days(1)).unwrap_or(self.requests);
                self.changes.insert(change.id.clone(), (**change).clone());
            }
            Event::Raised { change, need, decision, hold_until, expires_at } => self.change_mut(change, |change| {
                change.need = *need;
                change.decision = decision.clone();
                change.hold_until = *hold_until;
                change.expires_at = *expires_at;
            }),
            Event::ChallengeOpened { change, challenge } => {
                if challenge.is_sent() {
                    self.codes = self.codes.take(at, u32::MAX, Span::days(1)).unwrap_or(self.codes);
                }
                self.change_mut(change, |change| {
                    change.code_sent_at = if challenge.is_sent() { Some(at) } else { change.code_sent_at };
                    change.challenge = Some(challenge.clone());
                });
            }
            Event::Proven { change, proof } => self.change_mut(change, |change| {
                change.challenge = None;
                // Whoever has read one code may have the next at once.
                change.code_sent_at = None;
                change.proofs.push(*proof);
            }),
            Event::SetUp { change, credential } => self.change_mut(change, |change| {
                change.challenge = None;
                change.enrols = Some(credential.clone());
            }),
            Event::Told { notice, change, deliveries, counted } => {
                if let Some(untold) = self.untold.remove(&notice.to_string())
                    && let Some(rest) = untold.after(deliveries, *counted)
                {
                    self.untold.insert(notice.to_string(), rest);
                }
                if let (Some(change), true) = (change, counted) {
                    self.change_mut(change, |change| change.told_at = change.told_at.or(Some(at)));
                }
            }
            Event::Retried { notice, retry_at } => {
                if let Some(untold) = self.untold.remove(&notice.to_string()) {
                    let again = Untold { attempts: untold.attempts.saturating_add(1), retry_at: *retry_at, ..untold };
                    self.untold.insert(seq.to_string(), again);
                }
            }
            Event::GivenUp { notice, .. } => {
                self.untold.remove(&notice.to_string());
            }
            Event::Authorized { change, authorization } => self.change_mut(change, |change| {
                change.challenge = None;
                change.stage = Stage::Authorized(authorization.clone());
            }),
            Event::Released { change } => self.change_mut(change, |change| *change = change.clone().released(at)),
            Event::PortAnswered { change, version, answer, .. } => self.port_mut(change, |port| {
                port.answered(Answered { version: *version, answer: answer.clone(), at });
            }),
            Event::PortSupplemented { change, version, content, due_at } => self.port_mut(change, |port| {
                port.version = *version;
                port.content = content.clone();
                port.due_at = *due_at;
            }),
            Event::PortActivated { change, at } => self.port_mut(change, |port| port.activated_at = Some(*at)),
            Event::Ended { change, how, .. } => {
                self.change_mut(change, |change| {
                    change.challenge = None;
                    change.enrols = None;
                    change.stage = Stage::Ended { how: *how, at, authorization: change.authorization().cloned() };
                });
            }
            Event::Disputed { change } => {
                self.change_mut(change, |change| change.disputed_at = change.disputed_at.or(Some(at)));
            }
            Event::ProtectionOff { .. } => self.protection_off_at = Some(at),
            Event::DocumentChecked { change, checker, proof } => self.change_mut(change, |change| {
                if let Some(visit) = &mut change.request.store {
                    visit.checker = Some(checker.clone());
                }
                change.proofs.push(*proof);
            }),
            Event::AccountOpened { .. }
            | Event::AccountClosed
            | Event::LineOpened { .. }
            | Event::LineEnded
            | Event::ProtectionOn { .. }
            | Event::GuessFailed { .. }
            | Event::FraudReported { .. }
            | Event::FraudRemedied { .. }
            | Event::FraudClosed { .. }
            | Event::Reminded
            | Event::SimChanged { .. }
            | Event::NumberChanged { .. }
            | Event::DeviceChanged { .. }
            | Event::ContactAdded { .. }
            | Event::ContactRemoved { .. }
            | Event::ContactVerified { .. }
            | Event::FactorAdded { .. }
            | Event::FactorRemoved { .. }
            | Event::RecoveryCodeUsed { .. }
            | Event::PasskeyUsed { .. }
            | Event::PinIssued { .. }
            | Event::PinFailed { .. }
            | Event::PinUsed { .. }
            | Event::BillingKnown { .. }
            | Event::CareBegun { .. }
            | Event::WallOpened { .. }
            | Event::WallShut { .. }
            | Event::CareViewed { .. }
            | Event::CarePrepared { .. }
            | Event::CareEnded { .. }
            | Event::CareAlarm { .. }
            | Event::Incident { .. } => {}
        }
        self.forget(event.change());
    }

    /// Drops the oldest changes that are over, beyond those remembered; never the one that this is about,
    /// however many ended in the same second.
    fn forget(&mut self, about: Option<&ChangeId>) {
        let mut over: Vec<(bool, Timestamp, ChangeId)> = self
            .changes
            .values()
            .filter_map(|change| match change.stage {
                Stage::Ended { at, .. } => Some((Some(&change.id) == about, at, change.id.clone())),
                Stage::Open | Stage::Authorized(_) | Stage::Released(_) => None,
            })
            .collect();
        over.sort();
        let surplus = over.len().saturating_sub(REMEMBERED);
        for (_, _, id) in over.into_iter().take(surplus) {
            self.changes.remove(&id);
        }
    }
}

impl Protections {
    fn evolve(&mut self, event: &Event) {
        if let Event::ProtectionOn { protection, mode } = event {
            self.0.insert(*protection, *mode);
        } else if let Event::ProtectionOff { protection } = event {
            self.0.remove(protection);
        }
    }
}

/// A state that a ledger makes.
pub trait Evolve: Sized {
    /// The state after an event, or nothing where the event does not belong to it. `before` is nothing
    /// before the first event.
    #[must_use]
    fn evolve(before: Option<Self>, owner: &Owner, event: &Event, seq: u64, at: Timestamp) -> Option<Self>;

    /// What it has in common with other states.
    fn book_mut(&mut self) -> &mut Book;

    /// A case of fraud of it that is remembered. Only an account has any.
    fn case(&self, _id: CaseId) -> Option<&Case> {
        None
    }

    /// What can be guessed at it now: the challenges that are open, and a transfer PIN.
    fn guessable(&mut self) -> Vec<ChallengeId> {
        self.book_mut().challenges().cloned().collect()
    }
}

/// Whose ledger it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// The account.
    pub account_id: AccountId,
    /// The account itself, or one of its lines.
    pub subject: Subject,
}

impl Evolve for Account {
    fn evolve(before: Option<Self>, owner: &Owner, event: &Event, seq: u64, at: Timestamp) -> Option<Self> {
        if let Event::AccountOpened { jurisdiction, locale, contacts } = event {
            return Some(Self {
                id: owner.account_id.clone(),
                jurisdiction: *jurisdiction,
                locale: *locale,
                contacts: contacts.clone(),
                protections: Protections::default(),
                factors: Vec::new(),
                recovered_at: None,
                cases: Vec::new(),
                reminded_at: None,
                billing: None,
                opened_at: at,
                closed_at: None,
                desk: crate::desk::Desk::default(),
                book: Book::default(),
            });
        }
        let mut account = before?;
        account.book.evolve(event, seq, at);
        account.protections.evolve(event);
        if let Event::ContactAdded { contact } = event {
            account.contacts.push(contact.clone());
        } else if let Event::ContactRemoved { contact } = event {
            for known in account.contacts.iter_mut().filter(|known| known.id == *contact) {
                known.removed_at = known.removed_at.or(Some(at));
            }
        } else if let Event::ContactVerified { contact, at } = event {
            for known in account.contacts.iter_mut().filter(|known| known.id == *contact) {
                known.verified_at = known.verified_at.max(Some(*at));
            }
        } else if *event == Event::Reminded {
            account.reminded_at = Some(at);
        } else if *event == Event::AccountClosed {
            account.closed_at = Some(at);
        } else if let Event::BillingKnown { billing } = event {
            account.billing = Some(billing.clone());
        }
        account.evolve_factors(event, at);
        account.evolve_cases(event, at);
        account.evolve_desk(event, at);
        Some(account)
    }

    fn book_mut(&mut self) -> &mut Book {
        &mut self.book
    }

    fn case(&self, id: CaseId) -> Option<&Case> {
        Self::case(self, id)
    }
}

impl Account {
    fn evolve_factors(&mut self, event: &Event, at: Timestamp) {
        if let Event::FactorAdded { factor } = event {
            let kind = factor.credential.kind();
            self.factors.retain(|known| known.credential.kind() != kind || known.credential.is_usable());
            self.factors.push(factor.clone());
        } else if let Event::FactorRemoved { factor } = event {
            self.factors.retain(|known| known.id != *factor);
        } else if let Event::RecoveryCodeUsed { factor, place } = event {
            self.recovered_at = Some(at);
            if let Some(Credential::RecoveryCode(set)) = self.credential_mut(factor)
                && let Some(code) = set.codes.get_mut(usize::from(*place))
            {
                code.clear();
            }
        } else if let Event::PasskeyUsed { factor, counter, backed_up } = event {
            if let Some(Credential::Passkey(passkey)) = self.credential_mut(factor) {
                passkey.counter = *counter;
                passkey.backed_up = *backed_up;
            }
        } else if let Event::Ended { change, how: Ending::Completed, .. } = event
            && self.book.changes.get(change).is_some_and(|change| change.kind() == ChangeKind::CredentialReset)
        {
            self.recovered_at = Some(at);
        }
    }

    fn evolve_desk(&mut self, event: &Event, at: Timestamp) {
        if let Event::CareBegun { contact } = event {
            self.desk.begin((**contact).clone(), at);
        } else if let Event::WallOpened { contact, until } = event {
            if let Some(contact) = self.desk.contact_mut(contact) {
                contact.wall = Wall::Open;
                contact.expires_at = *until;
            }
        } else if let Event::WallShut { contact, why } = event {
            if let Some(contact) = self.desk.contact_mut(contact) {
                contact.wall = Wall::Shut(*why);
            }
            match why {
                Shut::WrongNumber => self.desk.failed(at),
                Shut::NotMe => self.desk.not_met(at),
            }
        } else if let Event::CareViewed { contact, fields } = event {
            if let Some(contact) = self.desk.contact_mut(contact) {
                contact.viewed.extend(fields);
                contact.viewed.sort();
                contact.viewed.dedup();
            }
        } else if let Event::CarePrepared { contact, prepared } = event {
            if let Some(contact) = self.desk.contact_mut(contact) {
                contact.prepared = Some(prepared.clone());
            }
        } else if let Event::CareEnded { contact } = event
            && let Some(contact) = self.desk.contact_mut(contact)
        {
            contact.expires_at = at;
        }
    }

    fn credential_mut(&mut self, id: &FactorId) -> Option<&mut Credential> {
        self.factors.iter_mut().find(|known| known.id == *id).map(|known| &mut known.credential)
    }
}

impl Evolve for Line {
    fn evolve(before: Option<Self>, owner: &Owner, event: &Event, seq: u64, at: Timestamp) -> Option<Self> {
        if let (Event::LineOpened { msisdn, sim, imei }, Subject::Line(id)) = (event, &owner.subject) {
            return Some(Self {
                id: id.clone(),
                account_id: owner.account_id.clone(),
                msisdn: msisdn.clone(),
                sim: sim.clone(),
                sim_changed: false,
                sim_before: None,
                imei: imei.clone(),
                protections: Protections::default(),
                pin: None,
                opened_at: at,
                ended_at: None,
                book: Book::default(),
            });
        }
        let mut line = before?;
        line.book.evolve(event, seq, at);
        line.protections.evolve(event);
        if let Event::SimChanged { sim, .. } = event {
            line.sim_before = Some(std::mem::replace(&mut line.sim, sim.clone()).iccid);
            line.sim_changed = true;
        } else if let Event::NumberChanged { msisdn } = event {
            line.msisdn = msisdn.clone();
        } else if let Event::DeviceChanged { imei } = event {
            line.imei = Some(imei.clone());
        } else if *event == Event::LineEnded {
            line.ended_at = Some(at);
            line.protections = Protections::default();
            line.pin = None;
        } else if let Event::PinIssued { pin, .. } = event {
            line.pin = Some(pin.clone());
        } else if let Event::PinUsed { pin } = event {
            line.pin = line.pin.take().filter(|known| known.id != *pin);
        } else if let Event::ProtectionOn { protection, .. } = event
            && protection.covers(ChangeKind::PortPin)
        {
            line.pin = None;
        }
        Some(line)
    }

    fn book_mut(&mut self) -> &mut Book {
        &mut self.book
    }

    fn guessable(&mut self) -> Vec<ChallengeId> {
        self.book.challenges().chain(self.pin.as_ref().map(|pin| &pin.id)).cloned().collect()
    }
}

/// One entry of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Version of this form.
    pub v: u32,
    /// Whose ledger.
    #[serde(flatten)]
    pub owner: Owner,
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What happened.
    pub events: Vec<Event>,
    /// Who has to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// The change that it is about, as this entry leaves it: what the next step needs to go on without a
    /// read. Only where something follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<Change>>,
    /// The case of fraud that it is about, as this entry leaves it: what has to be put back, and what the customer is
    /// told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<Box<Case>>,
    /// What the request has that others may have too, in keyed hashes: where it is counted across accounts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub met: BTreeMap<Meeting, WideMark>,
    /// The hash of the entry before it.
    pub prev: Digest,
}

impl Entry {
    /// Version of the form that is written.
    pub const VERSION: u32 = 1;

    /// Whether the ledger's stream has something to do for it.
    #[must_use]
    pub fn relays(&self) -> bool {
        self.notice.is_some() || self.grants() || self.public().is_some() || self.answers().next().is_some()
    }

    /// Whether it grants an authorization, which is then signed. That a transfer PIN may be drawn is nobody else's
    /// business.
    #[must_use]
    pub fn grants(&self) -> bool {
        let for_others = self.after.as_ref().is_none_or(|change| change.kind() != ChangeKind::PortPin);
        for_others && self.events.iter().any(|event| matches!(event, Event::Authorized { .. }))
    }

    /// What it answers to orders of ports.
    pub fn answers(&self) -> impl Iterator<Item = Outgoing<'_>> {
        self.events.iter().filter_map(|event| {
            let Event::PortAnswered { order, version, answer, answer_by, .. } = event else { return None };
            let (version, answer_by) = (Some(*version), *answer_by);
            Some(Outgoing { order, version, answer, faults: &[], at: self.at, answer_by, authorization: None })
        })
    }

    /// The event that others hear of, the one that pages first.
    #[must_use]
    pub fn public(&self) -> Option<&Event> {
        let paging = self.events.iter().find(|event| event.pages());
        paging.or_else(|| self.events.iter().find(|event| event.name().is_public()))
    }

    /// The bytes that are stored, and their hash.
    ///
    /// # Errors
    /// Where it cannot be written as JSON, which no entry made here is.
    pub fn seal(&self) -> Result<(String, Digest), serde_json::Error> {
        let json = serde_json::to_string(self)?;
        let hash = Self::hash(&json);
        Ok((json, hash))
    }

    /// The hash of an entry as stored.
    #[must_use]
    pub fn hash(json: &str) -> Digest {
        Digest::of(&["linekeeper ledger entry 1", json])
    }
}

/// What a step of the domain adds to one ledger.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// What happened.
    pub events: Vec<Event>,
    /// Who has to be told.
    pub notice: Option<Notice>,
}

/// What a command leads to: nothing, or entries in one ledger or two, written in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// For the line.
    pub line: Option<Step>,
    /// For the account.
    pub account: Option<Step>,
    /// The account's sequence number that it relies on, where the account is only read.
    pub relies_on_account: Option<u64>,
    /// Whether the day's guesses are counted from now.
    pub roll_tally: bool,
    /// What it needs room for besides.
    pub quotas: Vec<Quota>,
    /// Where a request is counted across accounts.
    pub met: BTreeMap<Meeting, WideMark>,
}

/// One entry with the state it leads to.
#[derive(Clone, Debug)]
pub struct Append<S> {
    /// The state and its place in the ledger before; number 0 before the first.
    pub before_seq: u64,
    /// The entry.
    pub entry: Entry,
    /// Its bytes.
    pub json: String,
    /// The state after.
    pub after: Versioned<S>,
    /// Challenges that it opens.
    pub opened: Vec<ChallengeId>,
    /// Challenges that it closes.
    pub closed: Vec<ChallengeId>,
    /// The number that belongs to the subject from here on: what the directory of numbers is told.
    pub number: Option<Msisdn>,
    /// A contact of the care desk that begins: what the directory of contacts is told.
    pub contact: Option<CareContact>,
}

/// One transaction: everything in it happens, or nothing does.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// For the account.
    pub account: Option<Append<Account>>,
    /// For the line.
    pub line: Option<Append<Line>>,
    /// The account's sequence number must still be this one.
    pub account_unmoved: Option<(AccountId, u64)>,
    /// Where the day's guesses are counted anew: the start of the day before.
    pub roll_tally: Option<Timestamp>,
    /// What it needs room for besides.
    pub quotas: Vec<Quota>,
    /// Whether the account's behaviour profile ends with it.
    pub profile_ends: bool,
}

/// A step that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The state it belongs to was not read.
    #[error("the subject of the step was not read")]
    NoState,
    /// JSON could not be written.
    #[error("the entry cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl Draft {
    /// Whether nothing happens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.line.is_none() && self.account.is_none()
    }

    /// A step for one subject.
    #[must_use]
    pub fn on(subject: &Subject, step: Step) -> Self {
        match subject {
            Subject::Account => Self { account: Some(step), ..Self::default() },
            Subject::Line(_) => Self { line: Some(step), ..Self::default() },
        }
    }

    /// Turns what happened into entries and states. `owner` names the line where it is new.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(self, view: &View, owner: &Owner, actor: &Actor, now: Timestamp) -> Result<Transaction, SealError> {
        let account_owner = Owner { account_id: owner.account_id.clone(), subject: Subject::Account };
        let line_owner = |id: &LineId| Owner { account_id: owner.account_id.clone(), subject: Subject::Line(id.clone()) };
        let roll_tally = if self.roll_tally { view.tally(&owner.subject).map(|tally| tally.since) } else { None };
        let (of_account, of_line) = match owner.subject {
            Subject::Account => (self.met, BTreeMap::new()),
            Subject::Line(_) => (BTreeMap::new(), self.met),
        };
        let account = match self.account {
            Some(step) => Some(append(view.account.as_ref(), step, of_account, account_owner, actor, now)?),
            None => None,
        };
        let line = match (self.line, view.line.as_ref(), &owner.subject) {
            (Some(step), Some(line), _) => Some(append(Some(line), step, of_line, line_owner(&line.state.id), actor, now)?),
            (Some(step), None, Subject::Line(id)) => Some(append(None, step, of_line, line_owner(id), actor, now)?),
            (Some(_), None, Subject::Account) => return Err(SealError::NoState),
            (None, _, _) => None,
        };
        let account_unmoved = match (&account, self.relies_on_account) {
            (None, Some(seq)) => Some((owner.account_id.clone(), seq)),
            (Some(_), _) | (None, None) => None,
        };
        let closes = |append: &Append<Account>| append.entry.events.contains(&Event::AccountClosed);
        let profile_ends = account.as_ref().is_some_and(closes) && view.profile != Signal::Absent;
        Ok(Transaction { account, line, account_unmoved, roll_tally, quotas: self.quotas, profile_ends })
    }
}

fn append<S: Evolve + Clone>(
    before: Option<&Versioned<S>>,
    step: Step,
    met: BTreeMap<Meeting, WideMark>,
    owner: Owner,
    actor: &Actor,
    now: Timestamp,
) -> Result<Append<S>, SealError> {
    let (before_seq, prev) = before.map_or((0, Digest::genesis()), |b| (b.seq, b.head.clone()));
    let seq = before_seq.saturating_add(1);
    let mut entry = Entry {
        v: Entry::VERSION,
        owner,
        seq,
        at: now,
        actor: actor.clone(),
        events: step.events,
        notice: step.notice,
        after: None,
        case: None,
        met,
        prev,
    };
    let mut state = before.map(|b| b.state.clone());
    let open_before = state.as_mut().map(Evolve::guessable).unwrap_or_default();
    let mut state = apply(state, &entry).ok_or(SealError::NoState)?;
    // Whatever moves a port says so to the gaining carrier, in the same write.
    for answer in porting::answers_due(&entry.events, state.book_mut(), now) {
        state = S::evolve(Some(state), &entry.owner, &answer, seq, now).ok_or(SealError::NoState)?;
        entry.events.push(answer);
    }
    let open_after = state.guessable();
    let number = entry.events.iter().find_map(|event| {
        if let Event::LineOpened { msisdn, .. } | Event::NumberChanged { msisdn } = event { Some(msisdn.clone()) } else { None }
    });
    let contact = entry
        .events
        .iter()
        .find_map(|event| if let Event::CareBegun { contact } = event { Some((**contact).clone()) } else { None });
    if entry.relays() {
        let of_notice = entry.notice.as_ref().and_then(|notice| notice.change.as_ref());
        let about = of_notice.or_else(|| entry.events.iter().find_map(Event::change));
        entry.after = about.and_then(|id| state.book_mut().changes.get(id)).cloned().map(Box::new);
        let told = entry.notice.as_ref().and_then(|notice| notice.message.case());
        let case = told.or_else(|| entry.events.iter().find_map(Event::case));
        entry.case = case.and_then(|id| state.case(id)).cloned().map(Box::new);
    }
    let (json, head) = entry.seal()?;
    let opened = open_after.iter().filter(|id| !open_before.contains(id)).cloned().collect();
    let closed = open_before.iter().filter(|id| !open_after.contains(id)).cloned().collect();
    let tally = before.map_or_else(|| Tally { since: now, ..Tally::default() }, |b| b.tally.clone());
    Ok(Append { before_seq, entry, json, after: Versioned { seq, head, state, tally }, opened, closed, number, contact })
}

/// An entry that follows another one at once, and the parts of the state that it changes.
#[derive(Clone, Debug)]
pub struct Follow {
    /// The entry.
    pub entry: Entry,
    /// Its bytes.
    pub json: String,
    /// Their hash.
    pub head: Digest,
    /// The number of the notice that is recorded, and what is left of it.
    pub notice: Option<(u64, Option<Untold>)>,
    /// The change as it leaves it.
    pub change: Option<Change>,
    /// The account's sequence number that it relies on.
    pub relies_on_account: Option<u64>,
}

impl Follow {
    /// The entry after `entry`, whose hash is `hash`.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn after(
        entry: &Entry,
        hash: &Digest,
        events: Vec<Event>,
        change: Option<Change>,
        now: Timestamp,
    ) -> Result<Self, serde_json::Error> {
        let mut next = Entry {
            v: Entry::VERSION,
            owner: entry.owner.clone(),
            seq: entry.seq.saturating_add(1),
            at: now,
            actor: Actor::System,
            events,
            notice: None,
            after: None,
            case: None,
            met: BTreeMap::new(),
            prev: hash.clone(),
        };
        next.after = change.clone().filter(|_| next.relays()).map(Box::new);
        let (json, head) = next.seal()?;
        Ok(Self { entry: next, json, head, notice: None, change, relies_on_account: None })
    }
}

/// The state after an entry.
fn apply<S: Evolve>(before: Option<S>, entry: &Entry) -> Option<S> {
    let mut state =
        entry.events.iter().fold(before, |state, event| S::evolve(state, &entry.owner, event, entry.seq, entry.at))?;
    if let Some(notice) = &entry.notice {
        // A retry has moved the one that is there to this entry; a first attempt starts one.
        state.book_mut().untold.entry(entry.seq.to_string()).or_insert_with(|| Untold::first(notice));
    }
    Some(state)
}

/// Why a ledger does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// An entry is no JSON of this form.
    #[error("entry {seq} cannot be read")]
    Unreadable {
        /// Its place.
        seq: u64,
    },
    /// A number is missing, or an entry names another one as the one before it.
    #[error("entry {seq} does not follow the one before it")]
    Broken {
        /// Its place.
        seq: u64,
    },
    /// No entry makes a state.
    #[error("the ledger is empty")]
    Empty,
}

/// Verifies the chain of a ledger from its first entry, and gives the state that it makes (I5).
///
/// # Errors
/// [`ReplayError`].
pub fn replay<'a, S: Evolve>(entries: impl IntoIterator<Item = &'a str>) -> Result<(u64, Digest, S), ReplayError> {
    let mut head = Head::genesis();
    let mut state = None;
    for json in entries {
        let seq = head.seq.saturating_add(1);
        let entry: Entry = serde_json::from_str(json).map_err(|_| ReplayError::Unreadable { seq })?;
        head = head.follow(entry.seq, &entry.prev, json).map_err(|_| ReplayError::Broken { seq })?;
        state = apply(state, &entry);
    }
    state.map(|state| (head.seq, head.hash, state)).ok_or(ReplayError::Empty)
}
