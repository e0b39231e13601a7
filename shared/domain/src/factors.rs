//! What a customer has enrolled to prove herself with, beyond the ways to reach her.

use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::digest::Digest;
use crate::ids::{AccountId, FactorId};
use crate::kinds::{Enrollable, Factor};
use crate::secret::RecoveryCode;
use crate::time::Timestamp;

/// How many recovery codes make a set.
pub const RECOVERY_CODES: usize = 10;

/// How many of a kind an account may have.
#[must_use]
pub const fn limit(kind: Enrollable) -> usize {
    match kind {
        // The one in use, and the one that is to take its place and proves nothing yet.
        Enrollable::RecoveryCode | Enrollable::Totp => 2,
        Enrollable::Passkey => 5,
        Enrollable::DeviceKey => 4,
    }
}

/// The public half of a passkey, as small as it can be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyKey {
    /// Id of the credential, base64url.
    #[serde(rename = "id")]
    pub credential: String,
    /// The public key in COSE form, base64url.
    pub key: String,
    /// The authenticator's counter when it was last used; 0 where it has none.
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    pub counter: u32,
    /// Whether it can be synchronised to other devices.
    #[serde(rename = "be", default, skip_serializing_if = "std::ops::Not::not")]
    pub backup_eligible: bool,
    /// Whether it is.
    #[serde(rename = "bs", default, skip_serializing_if = "std::ops::Not::not")]
    pub backed_up: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A set of recovery codes: salted digests, which reveal nothing of codes of 80 random bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// Random; the same for the set.
    pub salt: String,
    /// A digest for each code that is left, by its place; used ones are empty.
    pub codes: Vec<String>,
}

impl RecoveryCodes {
    /// The set of these codes.
    #[must_use]
    pub fn of(account: &AccountId, salt: String, codes: &[RecoveryCode]) -> Self {
        let codes = codes.iter().map(|code| Self::digest(account, &salt, code)).collect();
        Self { salt, codes }
    }

    fn digest(account: &AccountId, salt: &str, code: &RecoveryCode) -> String {
        Digest::of(&["linekeeper recovery code 1", account.as_str(), salt, code.expose()]).short().to_owned()
    }

    /// The place of a code that has not been used.
    #[must_use]
    pub fn find(&self, account: &AccountId, code: &RecoveryCode) -> Option<u8> {
        let digest = Self::digest(account, &self.salt, code);
        let place = self.codes.iter().position(|known| *known == digest)?;
        u8::try_from(place).ok()
    }

    /// How many are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.codes.iter().filter(|code| !code.is_empty()).count()
    }
}

/// What a factor is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A passkey's public half.
    Passkey(PasskeyKey),
    /// The seed of an authenticator app, sealed by KMS.
    Totp(String),
    /// A device's key, by its thumbprint (RFC 7638).
    DeviceKey(String),
    /// What is left of a set of recovery codes.
    RecoveryCode(RecoveryCodes),
}

impl Credential {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Enrollable {
        match self {
            Self::Passkey(_) => Enrollable::Passkey,
            Self::Totp(_) => Enrollable::Totp,
            Self::DeviceKey(_) => Enrollable::DeviceKey,
            Self::RecoveryCode(_) => Enrollable::RecoveryCode,
        }
    }

    /// Whether it can prove anything at all: a set of recovery codes runs out.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        match self {
            Self::RecoveryCode(set) => set.left() > 0,
            Self::Passkey(_) | Self::Totp(_) | Self::DeviceKey(_) => true,
        }
    }
}

/// A factor that the customer enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Its id.
    pub id: FactorId,
    /// Since when.
    pub added_at: Timestamp,
    /// From when on it proves something: a thief's own passkey must be of no use to him.
    pub ripe_at: Timestamp,
    /// Whether the customer says that it is not hers: it proves nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
    /// What it is known by.
    pub credential: Credential,
}

impl Enrolled {
    /// A factor that is added now to an account that was last recovered at `recovered_at`.
    #[must_use]
    pub fn new(
        id: FactorId,
        credential: Credential,
        recovered_at: Option<Timestamp>,
        now: Timestamp,
        settings: &Settings,
    ) -> Self {
        let just_recovered = recovered_at.is_some_and(|at| now < at + settings.taint);
        let wait = if just_recovered { settings.taint_after_recovery } else { settings.taint };
        Self { id, added_at: now, ripe_at: now + wait, disputed: false, credential }
    }

    /// Whether it is of a factor, and can prove something at an instant.
    #[must_use]
    pub fn proves(&self, factor: Factor, now: Timestamp) -> bool {
        self.is(factor) && !self.disputed && self.credential.is_usable() && now >= self.ripe_at
    }

    /// Whether it is of a factor.
    #[must_use]
    pub fn is(&self, factor: Factor) -> bool {
        self.credential.kind().factor() == factor
    }
}
