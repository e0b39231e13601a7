//! A change as its requester sees it: where it stands and what to do next, and none of the reasons that
//! would help a thief.

use serde::Serialize;

use crate::change::{Change, Details, Gate};
use crate::config::Settings;
use crate::decide::{Choice, Context, choices};
use crate::ids::{ChangeId, LineId, Subject};
use crate::kinds::{ChangeKind, Enrollable, Factor, Status, WhyNot};
use crate::proof::Factors;
use crate::state::View;
use crate::time::Timestamp;

/// A factor that would move a change on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FactorView {
    /// Which.
    pub factor: Factor,
}

/// A factor that would not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotOffered {
    /// Which.
    pub factor: Factor,
    /// Why.
    pub why: WhyNot,
}

/// A change, as its requester sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeView {
    /// Its id.
    pub change_id: ChangeId,
    /// What is wanted.
    pub kind: ChangeKind,
    /// The line, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_id: Option<LineId>,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for, RFC 3339.
    pub requested_at: String,
    /// From when on it can no longer be proven.
    pub expires_at: String,
    /// When its hold is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_until: Option<String>,
    /// What may be answered next, strongest first.
    pub factors: Vec<FactorView>,
    /// What may not, and why; where the account was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_offered: Vec<NotOffered>,
    /// The factor that has to be set up yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_up: Option<Enrollable>,
    /// Whether the customer has been told.
    pub told: bool,
    /// What happens next, in plain words.
    pub message: String,
}

impl ChangeView {
    /// The view of a change. What she has is known where the account was read.
    #[must_use]
    pub fn of(change: &Change, view: &View, now: Timestamp, settings: &Settings) -> Self {
        let status = change.status(now);
        let subject = change.id.subject();
        let line_id = match subject {
            Subject::Line(id) => Some(id.clone()),
            Subject::Account => None,
        };
        // Where the account was not read, the codes that most have. Which of them she has is said where one is
        // asked for.
        let most_have = || {
            let wanted = change.wanted().and(Factors::of(&[Factor::SmsOtp, Factor::PushOtp]));
            wanted.iter().map(|factor| Choice { factor, why_not: None }).collect()
        };
        let proving = status.is_open() && change.open_gates(now).contains(&Gate::Proof);
        let choices = match proving {
            true => choices(view, change, Context { now, settings }).unwrap_or_else(most_have),
            false => Vec::new(),
        };
        let offered = choices.iter().filter(|choice| choice.why_not.is_none());
        let factors: Vec<FactorView> = offered.map(|choice| FactorView { factor: choice.factor }).collect();
        let why_not = |choice: &Choice| choice.why_not.map(|why| NotOffered { factor: choice.factor, why });
        let not_offered = choices.iter().filter_map(why_not).collect();
        let set_up = match &change.details {
            Details::FactorAdd { factor } if status.is_open() && change.enrols.is_none() => Some(*factor),
            Details::FactorAdd { .. }
            | Details::FactorRemove { .. }
            | Details::SimSwap { .. }
            | Details::PortOut { .. }
            | Details::PortPin {}
            | Details::NumberChange {}
            | Details::ContactChange { .. }
            | Details::CredentialReset {}
            | Details::ProtectionOff { .. }
            | Details::AuthorizedUser { .. }
            | Details::Ownership {}
            | Details::AddLine {}
            | Details::DeviceUpgrade { .. } => None,
        };
        let message = message(change, status, proving && factors.is_empty(), now);
        Self {
            change_id: change.id.clone(),
            kind: change.kind(),
            line_id,
            status,
            requested_at: change.request.requested_at.to_string(),
            expires_at: change.expires_at.to_string(),
            hold_until: change.hold_until.map(|until| until.to_string()),
            factors,
            not_offered,
            set_up,
            told: change.told_at.is_some(),
            message,
        }
    }
}

fn message(change: &Change, status: Status, nothing_offered: bool, now: Timestamp) -> String {
    match status {
        Status::StepUpRequired if nothing_offered => {
            "You have no factor that counts for this now. Add one in the app, or visit a store with an identity document."
                .to_owned()
        }
        Status::StepUpRequired if !change.open_gates(now).contains(&Gate::Proof) => {
            "Confirmed. Now set the new factor up and show that it works.".to_owned()
        }
        Status::StepUpRequired => match change.hold_until {
            Some(until) => format!("Confirm with one of the factors. It is then carried out after {until} at the earliest."),
            None => "Confirm with one of the factors.".to_owned(),
        },
        Status::OnHold => match change.hold_until {
            Some(until) => format!("Confirmed. It is carried out after {until}; you can stop it until then."),
            None => "Confirmed. It waits; you can stop it until then.".to_owned(),
        },
        Status::InReview => "A person looks at it.".to_owned(),
        Status::Verified => "Confirmed. It goes ahead once we have told you on your own channels.".to_owned(),
        Status::Authorized => "It is being carried out.".to_owned(),
        Status::Completed => "Done.".to_owned(),
        Status::Lapsed => "It was not carried out in time. Ask again.".to_owned(),
        Status::Expired => "It was not confirmed in time. Ask again.".to_owned(),
        Status::Cancelled => "It was stopped. Nothing changed.".to_owned(),
        Status::Refused => crate::words::what_to_do(change.need.refused).to_owned(),
        Status::Failed => "It could not be carried out. Nothing changed.".to_owned(),
    }
}
