//! SHA-256 over texts, each with its length, so that no two lists of texts give the same input.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 value, written as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// What a ledger's first entry names as the one before it.
    #[must_use]
    pub fn genesis() -> Self {
        Self("0".repeat(64))
    }

    /// The digest of a list of texts.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hexadecimal(&hash.finalize()))
    }

    /// The digest as it was stored. A text that is no digest equals none, which is all that the
    /// comparison needs.
    #[must_use]
    pub fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// All 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 26 digits (104 bits): enough for an identifier nobody can choose to collide.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..26).unwrap_or(&self.0)
    }
}

/// The SHA-256 of bytes as they come, without their lengths: what `sha256sum` prints of a file.
#[derive(Clone, Debug, Default)]
pub struct Running(Sha256);

impl Running {
    /// With these bytes after the ones before.
    #[must_use]
    pub fn and(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// The digest of all of them.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(hexadecimal(&self.0.finalize()))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_boundary_changes_the_digest() {
        assert_ne!(Digest::of(&["ab", "c"]), Digest::of(&["a", "bc"]));
        assert_ne!(Digest::of(&["a", ""]), Digest::of(&["a"]));
        assert_eq!(Digest::of(&["a"]).as_str().len(), 64);
    }

    #[test]
    fn running_bytes_give_what_sha256sum_prints() {
        let sum = Running::default().and(b"a").and(b"bc").finish();
        assert_eq!(sum.as_str(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
