//! The checkpoint: what an export holds, signed.

use std::fmt;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use linekeeper_domain::digest::Digest;
use linekeeper_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// `typ` of a signed checkpoint. Nothing else that is signed can stand in for one.
pub const TYP: &str = "linekeeper-checkpoint+jwt";

/// Name of a file of an export: plain, in the export's folder. What a document names is never a path out of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// Why a text is not a file of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file of an export is named by 1 to 64 ASCII letters, digits, `-` and `.`, and begins with none of the last two")]
pub struct FileNameError;

impl TryFrom<String> for FileName {
    type Error = FileNameError;
    fn try_from(text: String) -> Result<Self, FileNameError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if plain && begins && text.len() <= 64 { Ok(Self(text)) } else { Err(FileNameError) }
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl FileName {
    /// Name of a page of entries.
    #[must_use]
    pub fn page(number: usize) -> Self {
        Self(format!("entries-{number:05}.jsonl"))
    }

    /// Name of the file of heads.
    #[must_use]
    pub fn heads() -> Self {
        Self("heads.jsonl".to_owned())
    }

    /// Name of the checkpoint.
    #[must_use]
    pub fn checkpoint() -> Self {
        Self("checkpoint.jws".to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file as the checkpoint names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its name.
    pub file: FileName,
    /// SHA-256 of its bytes, as `sha256sum` prints it.
    pub sha256: Digest,
    /// How many lines it has.
    pub lines: u64,
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Version of this form.
    pub v: u32,
    /// Whose ledger: the issuer of its authorizations.
    pub iss: String,
    /// When it was exported.
    pub iat: Timestamp,
    /// How many entries.
    pub entries: u64,
    /// Of how many ledgers.
    pub ledgers: u64,
    /// The heads of all of them. Its digest stands for every entry.
    pub heads: Named,
    /// The pages, in the order in which they are read.
    pub pages: Vec<Named>,
}

/// Why a text is no checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a JWS of this type.
    #[error("it is no signed checkpoint")]
    Form,
    /// None of the given keys.
    #[error("it names the key `{kid}`, which is none of the given ones")]
    UnknownKey {
        /// The key's id.
        kid: String,
    },
    /// The signature is not by the key that it names.
    #[error("its signature is not by the key `{kid}` that it names: it was changed, or forged")]
    Forged {
        /// The key's id.
        kid: String,
    },
    /// Of a version that this program does not know.
    #[error("it has version {v}, and this program knows version {}", Checkpoint::VERSION)]
    Version {
        /// Its version.
        v: u32,
    },
}

/// The public keys that checkpoints are verified with.
#[derive(Clone, Debug)]
pub struct Keys(JwkSet);

/// Not a set of keys.
#[derive(Debug, thiserror::Error)]
#[error("not a JWK set (RFC 7517): {0}")]
pub struct KeysError(#[from] serde_json::Error);

impl Keys {
    /// Reads a JWK set (RFC 7517). Older keys stay in it: they signed older checkpoints.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn read(json: &str) -> Result<Self, KeysError> {
        Ok(Self(serde_json::from_str(json)?))
    }
}

impl Checkpoint {
    /// Version of the form that is written.
    pub const VERSION: u32 = 1;

    /// Signs it with a key that is at hand.
    ///
    /// # Errors
    /// Where the key is not one of P-256.
    pub fn sign(&self, key: &EncodingKey, kid: &str) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(TYP.to_owned());
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, self, key)
    }

    /// Reads a signed checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn read(jws: &str, keys: &Keys) -> Result<Self, CheckpointError> {
        let jws = jws.trim_ascii_end();
        let header = jsonwebtoken::decode_header(jws).map_err(|_| CheckpointError::Form)?;
        let kid = header.kid.filter(|_| header.typ.as_deref() == Some(TYP)).ok_or(CheckpointError::Form)?;
        let jwk = keys.0.find(&kid).ok_or_else(|| CheckpointError::UnknownKey { kid: kid.clone() })?;
        let forged = || CheckpointError::Forged { kid: kid.clone() };
        let key = DecodingKey::from_jwk(jwk).map_err(|_| forged())?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_required_spec_claims(&["iss"]);
        // It says what was; that does not expire.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = jsonwebtoken::decode::<serde_json::Value>(jws, &key, &validation).map_err(|_| forged())?.claims;
        match claims.get("v").and_then(serde_json::Value::as_u64).and_then(|v| u32::try_from(v).ok()) {
            Some(Self::VERSION) => serde_json::from_value(claims).map_err(|_| CheckpointError::Form),
            Some(v) => Err(CheckpointError::Version { v }),
            None => Err(CheckpointError::Form),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leads_out_of_the_folder() {
        for wrong in ["../entries-00000.jsonl", "/etc/passwd", "a/b", "a\\b", ".", "..", ".hidden", "", "-rf", "a b", "a\0"] {
            assert!(FileName::try_from(wrong.to_owned()).is_err(), "{wrong:?}");
        }
        for right in [FileName::page(7), FileName::heads(), FileName::checkpoint()] {
            assert_eq!(FileName::try_from(right.as_str().to_owned()).unwrap(), right);
        }
        assert_eq!(FileName::page(7).as_str(), "entries-00007.jsonl");
    }
}
