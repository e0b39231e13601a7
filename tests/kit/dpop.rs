//! A device's key, and the proofs it makes (RFC 9449).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linekeeper_domain::time::Timestamp;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A key that never leaves its device.
#[derive(Clone)]
pub struct DeviceKey(SigningKey);

impl std::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceKey")
    }
}

/// What a proof is for. Whatever is not said is as it should be.
#[derive(Clone, Copy, Debug)]
pub struct For<'a> {
    /// The method.
    pub method: &'a str,
    /// The address, without a query.
    pub url: &'a str,
    /// The token that it goes with.
    pub token: Option<&'a str>,
    /// When it says it was made.
    pub at: Timestamp,
}

impl DeviceKey {
    /// Another key for every number from 1.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    fn coordinates(&self) -> (String, String) {
        let point = self.0.verifying_key().to_sec1_point(false);
        (URL_SAFE_NO_PAD.encode(point.x().unwrap()), URL_SAFE_NO_PAD.encode(point.y().unwrap()))
    }

    /// The public key (RFC 7517).
    #[must_use]
    pub fn jwk(&self) -> Value {
        let (x, y) = self.coordinates();
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    }

    /// The thumbprint (RFC 7638).
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let (x, y) = self.coordinates();
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)))
    }

    /// A token that is bound to the key. Whoever is in front has verified it: its signature is none.
    #[must_use]
    pub fn bound_token(&self) -> String {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(json!({"alg": "ES256"})), part(json!({"cnf": {"jkt": self.thumbprint()}})))
    }

    /// A proof, each with an id of its own.
    #[must_use]
    pub fn proof(&self, what: &For<'_>) -> String {
        let head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        let jti = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let mut claims = json!({"jti": jti, "htm": what.method, "htu": what.url, "iat": what.at.as_second()});
        if let Some(token) = what.token {
            claims["ath"] = json!(URL_SAFE_NO_PAD.encode(Sha256::digest(token)));
        }
        self.sign(head.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// A JWS over whatever head and claims, in compact form, well signed.
    #[must_use]
    pub fn sign(&self, head: &[u8], claims: &[u8]) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
        let signature: Signature = self.0.sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Whether a JWS in compact form is signed by this key.
    #[must_use]
    pub fn signed(&self, jws: &str) -> bool {
        let parts = jws.rsplit_once('.').and_then(|(input, signature)| Some((input, URL_SAFE_NO_PAD.decode(signature).ok()?)));
        parts.is_some_and(|(input, signature)| {
            Signature::from_slice(&signature).is_ok_and(|it| self.0.verifying_key().verify(input.as_bytes(), &it).is_ok())
        })
    }
}
