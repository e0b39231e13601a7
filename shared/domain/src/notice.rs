//! Telling the customer: of what, on which channels, and whether it was accepted.

use serde::{Deserialize, Serialize};

use crate::change::{Address, Change};
use crate::config::Settings;
use crate::desk::{Purpose, StaffName};
use crate::fraud::{CaseId, CaseOutcome};
use crate::ids::{ChangeId, ContactId, Subject};
use crate::kinds::{ChangeKind, Locale, Protection};
use crate::state::{Account, View};
use crate::time::Timestamp;

/// What a notice says. The words are in [`crate::words`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "about")]
pub enum Message {
    /// A change was asked for.
    Asked,
    /// A change was asked for and refused.
    Refused,
    /// New evidence put a change on hold, or raised what it needs.
    Raised,
    /// A change was stopped.
    Cancelled,
    /// A change was carried out.
    Completed,
    /// A change could not be carried out.
    Failed,
    /// A protection was switched on.
    ProtectionOn {
        /// Which.
        protection: Protection,
    },
    /// A protection was switched off.
    ProtectionOff {
        /// Which.
        protection: Protection,
    },
    /// A recovery code was used.
    RecoveryCodeUsed {
        /// How many are left.
        left: u8,
    },
    /// A number transfer PIN was drawn.
    PinIssued,
    /// Which protections are on offer; once a year.
    Reminder,
    /// A line's tenure is over: the number goes to someone else, and nothing with it.
    LineEnded {
        /// The last four digits of the number.
        tail: u16,
    },
    /// Fraud was reported: the account is frozen, a case is open.
    FraudReported {
        /// Which.
        case: CaseId,
    },
    /// Something of a case was put back.
    FraudRemedied {
        /// Which.
        case: CaseId,
    },
    /// A case is closed: the customer's documentation of it.
    FraudClosed {
        /// Which.
        case: CaseId,
        /// How it came out.
        outcome: CaseOutcome,
    },
    /// The line moved to another SIM, or another change was made, without an authorization.
    Incident {
        /// What was done.
        kind: ChangeKind,
    },
    /// A member of staff talks to someone who says to be her, and asks to see something.
    CareAsked {
        /// Who.
        by: StaffName,
        /// What for.
        purpose: Purpose,
    },
    /// Two members of staff looked at an identity document for a change.
    Checked,
}

impl Message {
    /// Whether the notice carries the one-tap "this was not me" link.
    #[must_use]
    pub const fn has_link(&self) -> bool {
        match self {
            Self::Asked | Self::Raised | Self::Completed | Self::Refused | Self::PinIssued | Self::Checked => true,
            Self::Cancelled
            | Self::Failed
            | Self::ProtectionOn { .. }
            | Self::ProtectionOff { .. }
            | Self::RecoveryCodeUsed { .. }
            | Self::Reminder
            | Self::LineEnded { .. }
            | Self::FraudReported { .. }
            | Self::FraudRemedied { .. }
            | Self::FraudClosed { .. }
            | Self::CareAsked { .. }
            | Self::Incident { .. } => false,
        }
    }

    /// The case of fraud that it is about.
    #[must_use]
    pub const fn case(&self) -> Option<CaseId> {
        match self {
            Self::FraudReported { case } | Self::FraudRemedied { case } | Self::FraudClosed { case, .. } => Some(*case),
            Self::Asked
            | Self::Refused
            | Self::Raised
            | Self::Cancelled
            | Self::Completed
            | Self::Failed
            | Self::ProtectionOn { .. }
            | Self::ProtectionOff { .. }
            | Self::RecoveryCodeUsed { .. }
            | Self::PinIssued
            | Self::Reminder
            | Self::LineEnded { .. }
            | Self::CareAsked { .. }
            | Self::Checked
            | Self::Incident { .. } => None,
        }
    }
}

/// One channel that has to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The contact; `line` for the line itself.
    pub contact: ContactId,
    /// Where.
    pub address: Address,
    /// Whether acceptance here means that the customer was told: a channel that was hers long before.
    pub counts: bool,
}

/// What is to be told to whom. Stands in the ledger entry, so that what happened and who has to know are
/// one write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it says.
    pub message: Message,
    /// In which language. Whoever tells it does not read the account.
    #[serde(default, skip_serializing_if = "Locale::is_default")]
    pub locale: Locale,
    /// The change that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeId>,
    /// The channels.
    pub to: Vec<Recipient>,
    /// When it is tried again where nobody has recorded it as accepted by then.
    pub retry_at: Timestamp,
}

/// A notice that has not been accepted everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    /// What it says.
    pub message: Message,
    /// The change that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeId>,
    /// Channels that have not accepted it.
    pub pending: Vec<ContactId>,
    /// Whether a channel that counts has.
    pub accepted: bool,
    /// Attempts so far, the running one included.
    pub attempts: u32,
    /// When what is pending is tried again.
    pub retry_at: Timestamp,
}

/// What became of a notice on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The channel.
    pub contact: ContactId,
    /// Whether the provider accepted it.
    pub accepted: bool,
}

impl Untold {
    /// A notice that is on its way for the first time.
    #[must_use]
    pub fn first(notice: &Notice) -> Self {
        Self {
            message: notice.message.clone(),
            change: notice.change.clone(),
            pending: notice.to.iter().map(|r| r.contact.clone()).collect(),
            accepted: false,
            attempts: 1,
            retry_at: notice.retry_at,
        }
    }

    /// After deliveries were recorded; nothing once every channel has accepted.
    #[must_use]
    pub fn after(mut self, deliveries: &[Delivery], counted: bool) -> Option<Self> {
        self.pending.retain(|contact| !deliveries.iter().any(|d| d.accepted && d.contact == *contact));
        self.accepted |= counted;
        (!self.pending.is_empty()).then_some(self)
    }
}

/// The contact id that stands for the line itself.
#[must_use]
pub fn line_contact() -> Option<ContactId> {
    ContactId::parse("line").ok()
}

/// The channels to be told of something now: every one held, those removed lately, and the line itself while it is hers.
///
/// A channel counts for "the customer was told" where it proves something; where none does, each that
/// was held before the change was asked for.
#[must_use]
pub fn recipients(
    view: &View,
    subject: &Subject,
    change: Option<&Change>,
    now: Timestamp,
    settings: &Settings,
) -> Vec<Recipient> {
    let Some(account) = view.account.as_ref().map(|account| &account.state) else { return Vec::new() };
    let before = change.map_or(now, |change| change.request.requested_at);
    let taint = change.map(|change| change.details.taint()).unwrap_or_default();
    let mut to: Vec<(Recipient, bool)> = Vec::new();
    for contact in account.contacts.iter().filter(|contact| contact.told(now, settings)) {
        let said_lost = matches!(contact.address, Address::Push(_)) && taint.device;
        let ripe = account.is_ripe(contact, now, settings) && !said_lost;
        let counts = contact.added_at <= before;
        to.push((Recipient { contact: contact.id.clone(), address: contact.address.clone(), counts: ripe && counts }, counts));
    }
    if let (Subject::Line(id), Some(line), Some(contact)) = (subject, view.line.as_ref().map(|line| &line.state), line_contact())
        && line.id == *id
        && line.ended_at.is_none()
    {
        let counts = !line.taint(now, settings).or(taint).sms;
        to.push((Recipient { contact, address: Address::Sms(line.msisdn.clone()), counts }, true));
    }
    if !to.iter().any(|(recipient, _)| recipient.counts) {
        for (recipient, held_before) in &mut to {
            recipient.counts = *held_before;
        }
    }
    to.into_iter().map(|(recipient, _)| recipient).collect()
}

/// The same channels, less those that have accepted.
#[must_use]
pub fn still_pending(view: &View, subject: &Subject, untold: &Untold, now: Timestamp, settings: &Settings) -> Vec<Recipient> {
    let change = untold.change.as_ref().and_then(|id| view.change(id));
    let mut to = recipients(view, subject, change, now, settings);
    to.retain(|recipient| untold.pending.contains(&recipient.contact));
    to
}

impl Account {
    /// The contact with an id.
    #[must_use]
    pub fn contact(&self, id: &ContactId) -> Option<&crate::state::Contact> {
        self.contacts.iter().find(|contact| contact.id == *id)
    }
}
