//! What a caller did wrong, or what went wrong for them: a closed list, rendered as RFC 9457 problem
//! documents.
//!
//! Contract: a new kind takes a name, a status and a title before it compiles. `detail` tells the
//! caller what to do next; it is masked on its way out like a log line, and whoever writes one puts no
//! value of the request, no secret and no personal datum in it.

use serde::Serialize;

use crate::telemetry::masked;

/// Every problem this API can answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    /// The request cannot be read.
    Malformed,
    /// A change was asked for without `Idempotency-Key`.
    IdempotencyKeyMissing,
    /// No valid token.
    Unauthenticated,
    /// The proof of the device's key (RFC 9449) does not hold.
    ProofInvalid,
    /// A valid token that does not permit this.
    Forbidden,
    /// The change was decided against.
    Refused,
    /// Unknown, someone else's, or not even an id: all three look the same.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Another change of the same kind and subject is under way.
    ChangeAlreadyOpen,
    /// The change has ended.
    ChangeClosed,
    /// The challenge was answered, replaced or has expired.
    ChallengeOver,
    /// The body exceeds its limit.
    TooLarge,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The same `Idempotency-Key` came with another request.
    IdempotencyKeyReused,
    /// This factor cannot prove this change.
    FactorNotOffered,
    /// A wrong code.
    CodeWrong,
    /// What the passkey or the device's key gave does not hold.
    SignatureWrong,
    /// This kind of change cannot be asked for here.
    KindNotOffered,
    /// It is as asked for already.
    NothingToChange,
    /// Too many requests.
    TooManyRequests,
    /// No guesses left.
    TooManyAttempts,
    /// No codes left.
    TooManyCodes,
    /// The customer has not opened the wall of this contact.
    WallClosed,
    /// The contact's time is over, or its wall stays shut.
    ContactOver,
    /// Not the number on the representative's screen.
    NumberWrong,
    /// Somebody else has to look at it.
    AnotherPersonNeeded,
    /// Our fault.
    Internal,
    /// The message could not be handed over.
    DeliveryFailed,
    /// Something we depend on did not answer, or others were faster: try again.
    TryAgain,
}

impl ProblemKind {
    /// All of them, for tests that hold the API's document to this list.
    pub const ALL: [Self; 29] = [
        Self::Malformed,
        Self::IdempotencyKeyMissing,
        Self::Unauthenticated,
        Self::ProofInvalid,
        Self::Forbidden,
        Self::Refused,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::ChangeAlreadyOpen,
        Self::ChangeClosed,
        Self::ChallengeOver,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::IdempotencyKeyReused,
        Self::FactorNotOffered,
        Self::CodeWrong,
        Self::SignatureWrong,
        Self::KindNotOffered,
        Self::NothingToChange,
        Self::TooManyRequests,
        Self::TooManyAttempts,
        Self::TooManyCodes,
        Self::WallClosed,
        Self::ContactOver,
        Self::NumberWrong,
        Self::AnotherPersonNeeded,
        Self::Internal,
        Self::DeliveryFailed,
        Self::TryAgain,
    ];

    /// The stable word: last part of the type, and the metric's outcome.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::IdempotencyKeyMissing => "idempotency-key-missing",
            Self::Unauthenticated => "unauthenticated",
            Self::ProofInvalid => "proof-invalid",
            Self::Forbidden => "forbidden",
            Self::Refused => "refused",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::ChangeAlreadyOpen => "change-already-open",
            Self::ChangeClosed => "change-closed",
            Self::ChallengeOver => "challenge-over",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::IdempotencyKeyReused => "idempotency-key-reused",
            Self::FactorNotOffered => "factor-not-offered",
            Self::CodeWrong => "code-wrong",
            Self::SignatureWrong => "signature-wrong",
            Self::KindNotOffered => "kind-not-offered",
            Self::NothingToChange => "nothing-to-change",
            Self::TooManyRequests => "too-many-requests",
            Self::TooManyAttempts => "too-many-attempts",
            Self::TooManyCodes => "too-many-codes",
            Self::WallClosed => "wall-closed",
            Self::ContactOver => "contact-over",
            Self::NumberWrong => "number-wrong",
            Self::AnotherPersonNeeded => "another-person-needed",
            Self::Internal => "internal",
            Self::DeliveryFailed => "delivery-failed",
            Self::TryAgain => "try-again",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::IdempotencyKeyMissing => 400,
            Self::Unauthenticated | Self::ProofInvalid => 401,
            Self::Forbidden | Self::Refused | Self::WallClosed | Self::AnotherPersonNeeded => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::ChangeAlreadyOpen | Self::ChangeClosed | Self::ChallengeOver | Self::ContactOver => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::IdempotencyKeyReused
            | Self::FactorNotOffered
            | Self::CodeWrong
            | Self::SignatureWrong
            | Self::KindNotOffered
            | Self::NumberWrong
            | Self::NothingToChange => 422,
            Self::TooManyRequests | Self::TooManyAttempts | Self::TooManyCodes => 429,
            Self::Internal => 500,
            Self::DeliveryFailed => 502,
            Self::TryAgain => 503,
        }
    }

    /// The summary for people, the same on every occurrence.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request could not be read",
            Self::IdempotencyKeyMissing => "The Idempotency-Key header is missing",
            Self::Unauthenticated => "A valid token is needed",
            Self::ProofInvalid => "The proof of the device's key does not hold",
            Self::Forbidden => "The token does not permit this",
            Self::Refused => "The change was refused",
            Self::NotFound => "There is nothing here",
            Self::MethodNotAllowed => "The method is not allowed here",
            Self::ChangeAlreadyOpen => "Such a change is already under way",
            Self::ChangeClosed => "The change has ended",
            Self::ChallengeOver => "The challenge is over",
            Self::TooLarge => "The request is too large",
            Self::UnsupportedMediaType => "The body is not JSON",
            Self::IdempotencyKeyReused => "The Idempotency-Key was used for another request",
            Self::FactorNotOffered => "This factor is not offered for this change",
            Self::CodeWrong => "The code is wrong",
            Self::SignatureWrong => "The signature does not hold",
            Self::KindNotOffered => "This kind of change is not offered here",
            Self::NothingToChange => "There is nothing to change",
            Self::TooManyRequests => "Too many requests",
            Self::TooManyAttempts => "Too many attempts",
            Self::TooManyCodes => "Too many codes",
            Self::WallClosed => "The customer has not opened this contact",
            Self::ContactOver => "The contact is over",
            Self::NumberWrong => "The number is wrong",
            Self::AnotherPersonNeeded => "Somebody else has to look at it",
            Self::Internal => "Something went wrong on our side",
            Self::DeliveryFailed => "The message could not be delivered",
            Self::TryAgain => "Please try again",
        }
    }

    /// The type: `urn:linekeeper:problem:<name>`.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("urn:linekeeper:problem:{}", self.name())
    }
}

/// One occurrence of a problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", kind.name())]
pub struct Problem {
    /// Which one.
    pub kind: ProblemKind,
    /// What the caller can do about it; may be empty.
    pub detail: String,
    /// The change it is about, where the caller may know it.
    pub change_id: Option<String>,
    /// Seconds to wait before trying again.
    pub retry_after: Option<u32>,
    /// The methods that are allowed instead.
    pub allow: Option<&'static str>,
}

impl Problem {
    /// A problem with its explanation.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), change_id: None, retry_after: None, allow: None }
    }

    /// The path is right and the method is not; `allow` lists those that are: `GET, POST`.
    #[must_use]
    pub fn method_not_allowed(allow: &'static str) -> Self {
        Self { allow: Some(allow), ..ProblemKind::MethodNotAllowed.into() }
    }

    /// Names the change it is about.
    #[must_use]
    pub fn about(mut self, change_id: impl Into<String>) -> Self {
        self.change_id = Some(change_id.into());
        self
    }

    /// Says how many seconds to wait.
    #[must_use]
    pub const fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The document. `instance` is the id of the request, which finds it in the logs.
    #[must_use]
    pub fn document<'a>(&'a self, instance: &'a str) -> impl Serialize + use<'a> {
        Document {
            type_uri: self.kind.type_uri(),
            title: self.kind.title(),
            status: self.kind.status(),
            detail: masked(&self.detail),
            instance,
            change_id: self.change_id.as_deref(),
        }
    }
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self::new(kind, "")
    }
}

/// RFC 9457, section 3, with one extension member.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    type_uri: String,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    change_id: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_problem_has_its_own_name_and_title_and_an_error_status() {
        let names: HashSet<_> = ProblemKind::ALL.iter().map(|kind| kind.name()).collect();
        let titles: HashSet<_> = ProblemKind::ALL.iter().map(|kind| kind.title()).collect();
        assert_eq!((names.len(), titles.len()), (ProblemKind::ALL.len(), ProblemKind::ALL.len()));
        assert!(ProblemKind::ALL.iter().all(|kind| (400..600).contains(&kind.status())));
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    }

    #[test]
    fn a_problem_is_written_as_rfc_9457_says() {
        let problem = Problem::new(ProblemKind::Refused, "Visit a store.").about("line.ln_1.abc").after(30);
        assert_eq!(
            serde_json::to_value(problem.document("req-1")).unwrap(),
            json!({
                "type": "urn:linekeeper:problem:refused",
                "title": "The change was refused",
                "status": 403,
                "detail": "Visit a store.",
                "instance": "req-1",
                "change_id": "line.ln_1.abc",
            })
        );
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let document = serde_json::to_value(Problem::from(ProblemKind::NotFound).document("r")).unwrap();
        let mut members: Vec<_> = document.as_object().unwrap().keys().cloned().collect();
        members.sort_unstable();
        assert_eq!(members, ["instance", "status", "title", "type"]);
    }

    #[test]
    fn a_detail_that_names_a_number_by_mistake_is_masked() {
        let problem = Problem::new(ProblemKind::DeliveryFailed, "no route to +13055550123 or ann@example.com");
        let document = serde_json::to_value(problem.document("r")).unwrap();
        assert_eq!(document["detail"], "no route to +1******0123 or a***@example.com");
    }
}
