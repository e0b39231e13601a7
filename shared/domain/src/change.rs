//! A change: what someone wants done, what it needs, and how far it has come.

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::desk::StoreVisit;
use crate::digest::Digest;
use crate::factors::{Credential, RecoveryCodes};
use crate::ids::{
    AccountId, AuthorizationId, ChallengeId, ChangeId, ContactId, FactorId, LineId, RepresentativeId, Subject, UserId,
};
use crate::kinds::{
    ActorKind, ChangeKind, Channel, Enrollable, Factor, Jurisdiction, Outcome, Protection, Reason, Status, vocabulary,
};
use crate::ledger::Event;
use crate::numbers::{Eid, Email, Iccid, Imei, Msisdn, PushEndpoint};
use crate::policy::{Cover, Requirement};
use crate::porting::answer::{Answer, Reason as Fault};
use crate::porting::fields::{Pon, PortVersion, Spid};
use crate::porting::message::Order;
use crate::proof::{Assurance, Factors, Proof, Taint};
use crate::risk::marks::WideMark;
use crate::risk::profile::PinRecord;
use crate::risk::scorer::Shadow;
use crate::signals::Holder;
use crate::time::Timestamp;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Actor {
    /// The holder of the account.
    Customer,
    /// A member of staff.
    Representative(RepresentativeId),
    /// The porting gateway.
    Gateway,
    /// The systems that carry changes out.
    Provisioning,
    /// A bank or another partner.
    Partner,
    /// Linekeeper itself: a deadline passed, a message was sent.
    System,
}

impl Actor {
    /// Who it is, without saying which one.
    #[must_use]
    pub const fn kind(&self) -> ActorKind {
        match self {
            Self::Customer => ActorKind::Customer,
            Self::Representative(_) => ActorKind::Representative,
            Self::Gateway => ActorKind::Gateway,
            Self::Provisioning => ActorKind::Provisioning,
            Self::Partner => ActorKind::Partner,
            Self::System => ActorKind::System,
        }
    }
}

/// Why a request does not say what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// The change is about a line.
    #[error("`line_id` is missing: this change is about one line")]
    LineMissing,
    /// The change is about the account.
    #[error("`line_id` does not belong here: this change is about the account")]
    NotAboutALine,
}

/// The SIM that a line is to move to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSim {
    /// The card or profile.
    pub iccid: Iccid,
    /// The chip, for an eSIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<Eid>,
}

/// Where a notice can go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    /// A mailbox.
    Email(Email),
    /// A phone.
    Sms(Msisdn),
    /// The customer's app on one device.
    Push(PushEndpoint),
}

impl Address {
    /// The address as it may be shown.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Email(email) => email.masked(),
            Self::Sms(msisdn) => msisdn.masked(),
            Self::Push(endpoint) => endpoint.masked(),
        }
    }
}

/// What is wanted, with everything that provisioning needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Details {
    /// See [`ChangeKind::SimSwap`].
    SimSwap {
        /// Where the line goes.
        sim: NewSim,
        /// Whether the customer says that the phone is out of her hands.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        phone_lost: bool,
    },
    /// See [`ChangeKind::PortOut`]. Says all that the authorization is for; when it is due may still change.
    PortOut {
        /// The number that leaves.
        number: Msisdn,
        /// The gaining carrier's order.
        order: Pon,
        /// Who gains it.
        carrier: Spid,
    },
    /// See [`ChangeKind::PortPin`].
    PortPin {},
    /// See [`ChangeKind::NumberChange`]. The carrier picks the number.
    NumberChange {},
    /// See [`ChangeKind::ContactChange`].
    ContactChange {
        /// A channel to add.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        add: Option<Address>,
        /// A channel to remove.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remove: Option<ContactId>,
    },
    /// See [`ChangeKind::CredentialReset`].
    CredentialReset {},
    /// See [`ChangeKind::ProtectionOff`].
    ProtectionOff {
        /// Which one.
        protection: Protection,
    },
    /// See [`ChangeKind::AuthorizedUser`].
    AuthorizedUser {
        /// The carrier's reference of the other person; no name.
        user: UserId,
    },
    /// See [`ChangeKind::Ownership`].
    Ownership {},
    /// See [`ChangeKind::AddLine`].
    AddLine {},
    /// See [`ChangeKind::DeviceUpgrade`].
    DeviceUpgrade {
        /// The new handset.
        imei: Imei,
    },
    /// See [`ChangeKind::FactorAdd`]. What it is comes once it is set up ([`Change::enrols`]).
    FactorAdd {
        /// Of which kind.
        factor: Enrollable,
    },
    /// See [`ChangeKind::FactorRemove`].
    FactorRemove {
        /// Of which kind, as the customer reads it.
        factor: Enrollable,
        /// Which one.
        id: FactorId,
    },
}

impl Details {
    /// Which kind of change it is.
    #[must_use]
    pub const fn kind(&self) -> ChangeKind {
        match self {
            Self::SimSwap { .. } => ChangeKind::SimSwap,
            Self::PortOut { .. } => ChangeKind::PortOut,
            Self::PortPin {} => ChangeKind::PortPin,
            Self::NumberChange {} => ChangeKind::NumberChange,
            Self::ContactChange { .. } => ChangeKind::ContactChange,
            Self::CredentialReset {} => ChangeKind::CredentialReset,
            Self::ProtectionOff { .. } => ChangeKind::ProtectionOff,
            Self::AuthorizedUser { .. } => ChangeKind::AuthorizedUser,
            Self::Ownership {} => ChangeKind::Ownership,
            Self::AddLine {} => ChangeKind::AddLine,
            Self::DeviceUpgrade { .. } => ChangeKind::DeviceUpgrade,
            Self::FactorAdd { .. } => ChangeKind::FactorAdd,
            Self::FactorRemove { .. } => ChangeKind::FactorRemove,
        }
    }

    /// The gaining carrier's order, for a port.
    #[must_use]
    pub fn order(&self) -> Option<Order> {
        if let Self::PortOut { number, order, .. } = self {
            Some(Order { number: number.clone(), pon: order.clone() })
        } else {
            None
        }
    }

    /// What it is about. A protection is switched off for one line, or for the account.
    ///
    /// # Errors
    /// A line is missing, or named where none belongs.
    pub fn subject(&self, line: Option<LineId>) -> Result<Subject, SubjectError> {
        match (self.kind(), line) {
            (ChangeKind::ProtectionOff, line) => Ok(line.map_or(Subject::Account, Subject::Line)),
            (kind, Some(line)) if kind.is_about_a_line() => Ok(Subject::Line(line)),
            (kind, None) if !kind.is_about_a_line() => Ok(Subject::Account),
            (_, None) => Err(SubjectError::LineMissing),
            (_, Some(_)) => Err(SubjectError::NotAboutALine),
        }
    }

    /// What the policy's table cannot see, since it knows only the kind: a device's key speaks for itself ever
    /// after, so it is added on a visit that proved more than a message.
    #[must_use]
    pub const fn floor(&self) -> Assurance {
        match self {
            Self::FactorAdd { factor: Enrollable::DeviceKey } => Assurance::BeyondMessages,
            Self::SimSwap { .. }
            | Self::PortOut { .. }
            | Self::PortPin {}
            | Self::NumberChange {}
            | Self::ContactChange { .. }
            | Self::CredentialReset {}
            | Self::ProtectionOff { .. }
            | Self::AuthorizedUser { .. }
            | Self::Ownership {}
            | Self::AddLine {}
            | Self::DeviceUpgrade { .. }
            | Self::FactorAdd { .. }
            | Self::FactorRemove { .. } => Assurance::Session,
        }
    }

    /// What the request itself says of channels that no longer prove anything.
    #[must_use]
    pub const fn taint(&self) -> Taint {
        let phone_lost = matches!(self, Self::SimSwap { phone_lost: true, .. });
        Taint { sms: phone_lost, device: phone_lost, email: false }
    }
}

/// What the account had to say of a change when it was last looked at, and at which of its entries. A
/// write that relies on it checks that the account has not moved on since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSeen {
    /// The account's sequence number then.
    pub seq: u64,
    /// What its protections said of the change.
    pub cover: Cover,
    /// Which of its channels proved nothing.
    pub taint: Taint,
    /// Whether it was open for business.
    pub open: bool,
}

/// How a decision came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// In one word.
    pub outcome: Outcome,
    /// The scorer's band, as text of its vocabulary.
    pub band: crate::kinds::Band,
    /// The scorer's probability of an attack, in millionths; nothing where it could not say.
    #[serde(rename = "ppm", default, skip_serializing_if = "Option::is_none")]
    pub probability_ppm: Option<u32>,
    /// Why: the policy's floors first, then the scorer's reasons.
    pub reasons: Vec<Reason>,
    /// Which model scored.
    pub model: String,
    /// What another model said, which decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// Which policy decided.
    pub policy: String,
    /// When it was last evaluated.
    pub at: Timestamp,
}

/// What an answer to a challenge is held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// A code that was sent: its MAC, hexadecimal, which reveals nothing without the key.
    Mac(String),
    /// A code of an authenticator app: its seed, sealed by KMS.
    Seed(String),
    /// One of a new set of recovery codes.
    Codes(RecoveryCodes),
    /// One of the recovery codes that the account has.
    Paper,
    /// A signature over what the challenge's id and the change give: by a passkey, or a device's key.
    Signature,
}

/// One demand for one factor. At most one is open for a change: a new one kills the older.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Its id.
    pub id: ChallengeId,
    /// Which factor.
    pub factor: Factor,
    /// What an answer is held against.
    pub demand: Demand,
    /// Whether it sets up the factor that the change adds, and proves nothing for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enrols: bool,
    /// Who asked for it: nobody else can answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// From when on no answer counts.
    pub expires_at: Timestamp,
}

impl Challenge {
    /// Whether it costs a message: a code that was sent.
    #[must_use]
    pub const fn is_sent(&self) -> bool {
        matches!(self.demand, Demand::Mac(_))
    }
}

/// A permission to carry out a change. Fixed when it is granted: whoever signs, signs this (I2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    /// Its id; one for each change.
    pub id: AuthorizationId,
    /// When every gate had closed.
    pub granted_at: Timestamp,
    /// From when on provisioning must not act on it.
    pub expires_at: Timestamp,
}

vocabulary! {
    /// How a change ended.
    Ending {
        /// Carried out.
        Completed = "completed",
        /// Authorized, but not carried out in time.
        Lapsed = "lapsed",
        /// Not proven in time.
        Expired = "expired",
        /// Stopped by the customer, or on the customer's word.
        Cancelled = "cancelled",
        /// Not allowed, from the start or since a protection was switched on.
        Refused = "refused",
        /// Provisioning could not do it.
        Failed = "failed",
    }
}

/// How far a change has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Gates are open.
    Open,
    /// Every gate is closed; the authorization is fixed and not yet out.
    Authorized(Authorization),
    /// The signed authorization is out: provisioning may act.
    Released(Authorization),
    /// Over.
    Ended {
        /// How.
        how: Ending,
        /// When.
        at: Timestamp,
        /// The authorization that it had, if it came so far.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authorization: Option<Authorization>,
    },
}

/// A change of a line or an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its id.
    pub id: ChangeId,
    /// What is wanted.
    pub details: Details,
    /// How it was asked for.
    pub request: Request,
    /// How it was decided.
    pub decision: Decision,
    /// What it needs.
    pub need: Requirement,
    /// What the account said of it.
    pub seen: AccountSeen,
    /// What was proven for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// The open demand for a factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// When a code was last sent for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_sent_at: Option<Timestamp>,
    /// The factor that it adds, once that was shown to work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrols: Option<Credential>,
    /// The gaining carrier's order, for a port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Box<PortOrder>>,
    /// How a number transfer PIN was asked for: the port that it comes with is weighed by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_record: Option<PinRecord>,
    /// When its hold is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_until: Option<Timestamp>,
    /// When the customer had been told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// When the customer said that it was not hers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disputed_at: Option<Timestamp>,
    /// From when on it can no longer be proven.
    pub expires_at: Timestamp,
    /// How far it has come.
    pub stage: Stage,
}

/// What was answered to one version of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Which version.
    pub version: PortVersion,
    /// What.
    pub answer: Answer,
    /// When.
    pub at: Timestamp,
}

/// How many answers an order remembers: enough for every state that one version can pass through.
const ANSWERS: usize = 8;

/// Where the gaining carrier's order of a port stands. The order itself is in [`Details::PortOut`]; this is what
/// moves: supplements, answers, the activation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortOrder {
    /// The latest version.
    pub version: PortVersion,
    /// What it says, as a digest: a repeat has the same, and another content under the same version is an error.
    pub content: Digest,
    /// When the line is to move.
    pub due_at: Timestamp,
    /// Until when an answer is due; silence after it could be taken for consent downstream.
    pub answer_by: Timestamp,
    /// Whose rules apply.
    pub jurisdiction: Jurisdiction,
    /// The passcode that came with the order, as a keyed hash: the monitor sees one that is tried on many numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<WideMark>,
    /// What the order got wrong, in the field's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// What was answered, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answered>,
    /// When the confirmation left. What ends the change after that takes it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// When the gateway reported that the line has moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<Timestamp>,
}

impl PortOrder {
    /// The last answer to a version.
    #[must_use]
    pub fn answer_to(&self, version: PortVersion) -> Option<&Answered> {
        self.answers.iter().rev().find(|answered| answered.version == version)
    }

    pub(crate) fn answered(&mut self, answered: Answered) {
        if self.answers.len() >= ANSWERS {
            self.answers.remove(0);
        }
        self.answers.push(answered);
    }
}

/// How a change was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who asked.
    pub actor: Actor,
    /// Through which channel.
    pub channel: Channel,
    /// When.
    pub requested_at: Timestamp,
    /// From where, in words for a notice: `Los Angeles, US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The visit to a store that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<Box<StoreVisit>>,
}

/// A gate that is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// More proof is needed.
    Proof,
    /// The factor to be added has not been set up.
    SetUp,
    /// The hold runs.
    Hold,
    /// A person has to look.
    Review,
    /// The customer has not been told.
    Told,
}

impl Change {
    /// Which kind of change it is.
    #[must_use]
    pub const fn kind(&self) -> ChangeKind {
        self.details.kind()
    }

    /// What makes this change this one and no other: covered by a code's MAC and by the comparison of a
    /// repeat with the first request.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(&self.id, &self.details)
    }

    /// What has been proven and still counts.
    #[must_use]
    pub fn proven(&self) -> Factors {
        let factors: Vec<Factor> = self.proofs.iter().map(|proof| proof.factor).collect();
        Factors::of(&factors).and(self.need.accepted)
    }

    /// The gates that are still open. Authorizing needs none to be (I1).
    #[must_use]
    pub fn open_gates(&self, now: Timestamp) -> Vec<Gate> {
        let mut gates = Vec::new();
        if !self.proven().satisfy(self.need.assurance, self.need.email_stands_in) {
            gates.push(Gate::Proof);
        }
        if matches!(self.details, Details::FactorAdd { .. }) && self.enrols.is_none() {
            gates.push(Gate::SetUp);
        }
        if self.need.review {
            gates.push(Gate::Review);
        }
        if self.hold_until.is_some_and(|until| now < until) {
            gates.push(Gate::Hold);
        }
        if self.told_at.is_none() {
            gates.push(Gate::Told);
        }
        gates
    }

    /// Where the change stands at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        match &self.stage {
            Stage::Open if now >= self.expires_at => Status::Expired,
            Stage::Open => match self.open_gates(now).first() {
                Some(Gate::Proof | Gate::SetUp) => Status::StepUpRequired,
                Some(Gate::Review) => Status::InReview,
                Some(Gate::Hold) => Status::OnHold,
                Some(Gate::Told) | None => Status::Verified,
            },
            Stage::Authorized(a) | Stage::Released(a) if now >= a.expires_at => Status::Lapsed,
            Stage::Authorized(_) | Stage::Released(_) => Status::Authorized,
            Stage::Ended { how, .. } => match how {
                Ending::Completed => Status::Completed,
                Ending::Lapsed => Status::Lapsed,
                Ending::Expired => Status::Expired,
                Ending::Cancelled => Status::Cancelled,
                Ending::Refused => Status::Refused,
                Ending::Failed => Status::Failed,
            },
        }
    }

    /// Whether it is over, whatever the time.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended { .. })
    }

    /// The authorization, once granted.
    #[must_use]
    pub const fn authorization(&self) -> Option<&Authorization> {
        match &self.stage {
            Stage::Open => None,
            Stage::Authorized(a) | Stage::Released(a) => Some(a),
            Stage::Ended { authorization, .. } => authorization.as_ref(),
        }
    }

    /// The factors that would still move it on, strongest first: accepted, and adding something to what
    /// is proven already.
    #[must_use]
    pub fn wanted(&self) -> Factors {
        match self.stage {
            // A device's key is never asked for: it helps where it has spoken already. A transfer PIN comes with the
            // order or not at all, a document is for staff to look at.
            Stage::Open => {
                let asked_for =
                    self.need.accepted.without(Factors::of(&[Factor::DeviceKey, Factor::TransferPin, Factor::Document]));
                asked_for.that_help(self.proven(), self.need.assurance, self.need.email_stands_in)
            }
            Stage::Authorized(_) | Stage::Released(_) | Stage::Ended { .. } => Factors::NONE,
        }
    }

    /// The event that answers the order of a port; nothing for what is none.
    #[must_use]
    pub fn answered(&self, version: PortVersion, answer: Answer) -> Option<Event> {
        let answer_by = self.port.as_deref()?.answer_by;
        Some(Event::PortAnswered { change: self.id.clone(), order: self.details.order()?, version, answer, answer_by })
    }

    /// The change with its authorization out.
    #[must_use]
    pub fn released(mut self, at: Timestamp) -> Self {
        if let Stage::Authorized(authorization) = &self.stage {
            self.stage = Stage::Released(authorization.clone());
            if let Some(port) = &mut self.port {
                port.confirmed_at = port.confirmed_at.or(Some(at));
            }
        }
        self
    }

    /// Until when its order has to be answered, while it was not.
    #[must_use]
    pub fn unanswered_until(&self) -> Option<Timestamp> {
        let port = self.port.as_deref().filter(|port| port.answer_to(port.version).is_none() && port.confirmed_at.is_none())?;
        Some(port.answer_by)
    }

    /// The next instant at which something is due for it.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.stage {
            Stage::Open => {
                let hold = self.hold_until.filter(|&until| until > now);
                let only_waits = self.open_gates(now).iter().all(|gate| *gate == Gate::Hold);
                let gates = match hold {
                    Some(until) if only_waits => until.min(self.expires_at),
                    None if only_waits => now,
                    Some(_) | None => self.expires_at,
                };
                Some(self.unanswered_until().map_or(gates, |until| gates.min(until)))
            }
            Stage::Authorized(a) | Stage::Released(a) => Some(a.expires_at),
            Stage::Ended { .. } => None,
        }
    }

    /// Raises what the change needs: never lowers it. The hold is counted from the request.
    pub(crate) fn raise(&mut self, need: Requirement, settings: &Settings) {
        self.need = self.need.join(need);
        let wait = settings.wait(self.need.wait);
        let until = self.request.requested_at + wait;
        if wait.as_seconds() > 0 && self.hold_until.is_none_or(|known| known < until) {
            self.hold_until = Some(until);
            self.expires_at = self.expires_at.max(until + settings.change_life);
        }
    }
}

impl Change {
    /// What a passkey signs for a challenge: the challenge's own random id, and everything that the change
    /// would do. Fresh and bound without a word more being stored.
    #[must_use]
    pub fn signed_by(&self, account: &AccountId, challenge: &ChallengeId) -> Digest {
        let digest = self.digest();
        Digest::of(&["linekeeper passkey challenge 1", account.as_str(), self.id.as_str(), digest.as_str(), challenge.as_str()])
    }
}

/// The digest of a change that is asked for.
#[must_use]
pub fn digest(id: &ChangeId, details: &Details) -> Digest {
    let details = serde_json::to_string(details).unwrap_or_default();
    Digest::of(&["linekeeper change 1", id.as_str(), &details])
}
