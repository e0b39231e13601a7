//! What an account keeps of the factors that its customer registered.

use serde::{Deserialize, Serialize};

/// The public half of a passkey, as small as it can be kept: about 200 bytes in JSON with a key of P-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyKey {
    /// The credential's id, base64url.
    #[serde(rename = "c")]
    pub credential: String,
    /// The COSE key (RFC 9052), base64url.
    #[serde(rename = "k")]
    pub key: String,
    /// How often the authenticator says it has signed; 0 where it does not count.
    #[serde(rename = "n")]
    pub counter: u32,
    /// Whether it may be synchronised to other devices. Never changes.
    #[serde(rename = "e")]
    pub backup_eligible: bool,
    /// Whether it is synchronised now.
    #[serde(rename = "b")]
    pub backed_up: bool,
}
