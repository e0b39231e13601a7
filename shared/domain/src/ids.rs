//! Identifiers: opaque texts, parsed once at the edge.
//!
//! None of them is personal data: a phone number is an [`Msisdn`](crate::numbers::Msisdn), a line has
//! a [`LineId`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::time::Timestamp;

/// Why a text is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty, or over 64 characters.
    #[error("an identifier has 1 to 64 characters")]
    Length,
    /// A character other than ASCII letters, digits, `-` and `_`.
    #[error("an identifier consists of ASCII letters, digits, `-` and `_`")]
    Character,
    /// Not `line.<line id>.<digest>` or `account.<digest>`.
    #[error("a change id reads `line.<line id>.<digest>` or `account.<digest>`")]
    Form,
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() || text.len() > 64 {
        return Err(IdError::Length);
    }
    match text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
        true => Ok(()),
        false => Err(IdError::Character),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses 1 to 64 ASCII letters, digits, `-` and `_`.
            ///
            /// # Errors
            /// Says which of the two was broken.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                check(text).map(|()| Self(text.to_owned()))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A customer of the carrier.
    AccountId
}
id! {
    /// One phone number held by one account for one tenure.
    LineId
}
id! {
    /// One way to reach the customer.
    ContactId
}
id! {
    /// A member of the carrier's staff.
    RepresentativeId
}
id! {
    /// One conversation of a member of staff about one line. Says nothing of whose line it is.
    CareContactId
}
id! {
    /// A store, or a team of the care desk.
    PlaceId
}
id! {
    /// Another person who may act for an account, by the carrier's own reference.
    UserId
}
id! {
    /// One demand for one factor.
    ChallengeId
}
id! {
    /// One signed permission for one change; the `jti` of the authorization.
    AuthorizationId
}

id! {
    /// One factor that a customer enrolled.
    FactorId
}

impl FactorId {
    /// The factor that a change adds.
    #[must_use]
    pub fn of(change: &Digest) -> Self {
        Self(format!("fc_{}", Digest::of(&["linekeeper factor id 1", change.as_str()]).short()))
    }
}

impl ContactId {
    /// The contact that a change adds.
    #[must_use]
    pub fn of(change: &ChangeId) -> Self {
        Self(Digest::of(&["linekeeper contact 1", change.as_str()]).short().to_owned())
    }
}

impl AuthorizationId {
    /// The one authorization that a change can ever have (I2), by the change's digest and when it was asked
    /// for: a key used again after its change was forgotten names another one.
    #[must_use]
    pub fn of(change: &Digest, requested_at: Timestamp) -> Self {
        let at = requested_at.as_second().to_string();
        Self(format!("au_{}", Digest::of(&["linekeeper authorization id 1", change.as_str(), &at]).short()))
    }
}

/// What a change is about: a line, or the account itself. Each has its own ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The account itself.
    Account,
    /// One of its lines.
    Line(LineId),
}

/// A change's identifier. It says whose it is, so that a change is found by keys and not by a search:
/// `line.<line id>.<digest>` or `account.<digest>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChangeId {
    text: String,
    subject: Subject,
}

impl ChangeId {
    /// The id that belongs to an account's `Idempotency-Key`. The same key gives the same id: a repeat
    /// finds the first one's result without any record of its own.
    #[must_use]
    pub fn derive(account: &AccountId, subject: Subject, idempotency_key: &str) -> Self {
        let digest = Digest::of(&["linekeeper change id 1", account.as_str(), idempotency_key]);
        let digest = digest.short();
        let text = match &subject {
            Subject::Account => format!("account.{digest}"),
            Subject::Line(line) => format!("line.{line}.{digest}"),
        };
        Self { text, subject }
    }

    /// Parses an id as it came in a path.
    ///
    /// # Errors
    /// [`IdError::Form`], or what is wrong with its parts.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let parts: Vec<&str> = text.split('.').collect();
        let subject = match parts.as_slice() {
            ["account", digest] => check(digest).map(|()| Subject::Account)?,
            ["line", line, digest] => check(digest).and_then(|()| LineId::parse(line)).map(Subject::Line)?,
            _ => return Err(IdError::Form),
        };
        Ok(Self { text: text.to_owned(), subject })
    }

    /// What the change is about.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl TryFrom<String> for ChangeId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<ChangeId> for String {
    fn from(id: ChangeId) -> Self {
        id.text
    }
}

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_of_the_same_account_gives_the_same_change() {
        let (a, b) = (AccountId::parse("a").unwrap(), AccountId::parse("b").unwrap());
        let line = || Subject::Line(LineId::parse("l").unwrap());
        assert_eq!(ChangeId::derive(&a, line(), "k"), ChangeId::derive(&a, line(), "k"));
        assert_ne!(ChangeId::derive(&a, line(), "k"), ChangeId::derive(&b, line(), "k"));
        assert_ne!(ChangeId::derive(&a, line(), "k"), ChangeId::derive(&a, line(), "j"));
    }

    #[test]
    fn a_change_id_reads_back_and_knows_its_subject() {
        let line = LineId::parse("ln_1").unwrap();
        let id = ChangeId::derive(&AccountId::parse("a").unwrap(), Subject::Line(line.clone()), "k");
        let back = ChangeId::parse(id.as_str()).unwrap();
        assert_eq!(back, id);
        assert_eq!(back.subject(), &Subject::Line(line));
    }

    #[test]
    fn a_malformed_id_is_refused() {
        for text in ["", "line", "line.x", "account.", "account.a.b.c", "line.a b.c", "account.a/b", "other.x"] {
            assert!(ChangeId::parse(text).is_err(), "{text}");
        }
        assert_eq!(LineId::parse(&"x".repeat(65)), Err(IdError::Length));
        assert_eq!(LineId::parse("+13055550123"), Err(IdError::Character));
    }
}
