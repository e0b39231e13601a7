//! A device's key, and the proofs that a PWA makes with it (RFC 9449).

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::stack::uuid;

/// A key that never leaves its device.
pub(crate) struct DeviceKey(SigningKey);

impl DeviceKey {
    /// A fresh one.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(SigningKey::from_slice(&rand::random::<[u8; 32]>())?))
    }

    /// A proof for one request, with an id of its own.
    pub(crate) fn proof(&self, method: &str, url: &str, token: Option<&str>) -> Result<String> {
        let point = self.0.verifying_key().to_sec1_point(false);
        let coordinate = |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.unwrap_or_default());
        let jwk = json!({
            "kty": "EC",
            "crv": "P-256",
            "x": coordinate(point.x().map(|x| x.as_slice())),
            "y": coordinate(point.y().map(|y| y.as_slice())),
        });
        let input = input("ES256", &jwk, method, url, token);
        let signature: Signature = self.0.sign(input.as_bytes());
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
    }

    /// What claims to be a proof and is signed by nobody.
    pub(crate) fn unsigned(method: &str, url: &str, token: Option<&str>) -> String {
        format!("{}.", input("none", &json!({ "kty": "EC", "crv": "P-256" }), method, url, token))
    }
}

fn input(algorithm: &str, jwk: &Value, method: &str, url: &str, token: Option<&str>) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "typ": "dpop+jwt", "alg": algorithm, "jwk": jwk });
    let mut claims = json!({ "jti": uuid(), "htm": method, "htu": url, "iat": Timestamp::now().as_second() });
    if let (Some(token), Some(claims)) = (token, claims.as_object_mut()) {
        claims.insert("ath".to_owned(), Value::from(URL_SAFE_NO_PAD.encode(Sha256::digest(token))));
    }
    format!("{}.{}", part(header), part(claims))
}
