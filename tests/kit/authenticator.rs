//! What a customer proves herself with: a passkey on her phone, an authenticator app.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linekeeper_domain::time::{Span, Timestamp};
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use totp_rs::{Algorithm, Builder};

/// An authenticator with one passkey. Its user is always verified and its counter rises.
pub struct Phone {
    key: SigningKey,
    id: [u8; 16],
    counter: u32,
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phone")
    }
}

/// User present and verified.
const VERIFIED: u8 = 0x05;
/// A credential is attached.
const ATTACHED: u8 = 0x40;

impl Phone {
    /// Another one for every number from 1.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        Self { key: SigningKey::from_slice(&[seed; 32]).unwrap(), id: [seed; 16], counter: 0 }
    }

    /// The id of its passkey.
    #[must_use]
    pub fn credential(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.id)
    }

    fn data(&mut self, rp_id: &str, flags: u8) -> Vec<u8> {
        self.counter += 1;
        [Sha256::digest(rp_id).as_slice(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn client(kind: &str, options: &Value, origin: &str) -> String {
        json!({"type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false}).to_string()
    }

    fn response(&self, members: Value) -> Value {
        json!({"id": self.credential(), "rawId": self.credential(), "type": "public-key", "response": members})
    }

    /// Its public key in COSE: a map of five; kty EC2, alg ES256, crv P-256, x, y.
    #[must_use]
    pub fn cose(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_sec1_point(false);
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
        cose.extend(point.x().unwrap());
        cose.extend([0x22, 0x58, 0x20]);
        cose.extend(point.y().unwrap());
        cose
    }

    /// The authenticator data of a registration, with whatever key.
    pub fn attested(&mut self, rp_id: &str, cose: &[u8]) -> Vec<u8> {
        let mut data = self.data(rp_id, VERIFIED | ATTACHED);
        data.extend([0; 16]);
        data.extend(16_u16.to_be_bytes());
        data.extend(self.id);
        data.extend(cose);
        data
    }

    /// The attestation object without attestation around whatever authenticator data. CBOR: a map of three
    /// texts, the last one to bytes.
    #[must_use]
    pub fn object(data: &[u8]) -> Vec<u8> {
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x59");
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        object
    }

    /// A registration of whatever bytes.
    #[must_use]
    pub fn registration(&self, client: &[u8], object: &[u8]) -> Value {
        self.response(json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "attestationObject": URL_SAFE_NO_PAD.encode(object),
        }))
    }

    /// `navigator.credentials.create()` on a page of an origin, without attestation.
    pub fn create(&mut self, options: &Value, origin: &str) -> Value {
        let data = self.attested(options["rp"]["id"].as_str().unwrap(), &self.cose());
        self.registration(Self::client("webauthn.create", options, origin).as_bytes(), &Self::object(&data))
    }

    /// An assertion of whatever bytes, well signed.
    #[must_use]
    pub fn sign(&self, client: &[u8], data: &[u8]) -> Value {
        let signature: Signature = self.key.sign(&[data, &Sha256::digest(client)].concat());
        self.assertion(client, data, signature.to_der().as_bytes())
    }

    /// An assertion with whatever signature.
    #[must_use]
    pub fn assertion(&self, client: &[u8], data: &[u8], signature: &[u8]) -> Value {
        self.response(json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
        }))
    }

    /// Whether its passkey signed these bytes.
    #[must_use]
    pub fn signed(&self, client: &[u8], data: &[u8], signature: &[u8]) -> bool {
        let message = [data, &Sha256::digest(client)].concat();
        Signature::from_der(signature).is_ok_and(|it| self.key.verifying_key().verify(&message, &it).is_ok())
    }

    /// `navigator.credentials.get()` on a page of an origin.
    pub fn get(&mut self, options: &Value, origin: &str) -> Value {
        let data = self.data(options["rpId"].as_str().unwrap(), VERIFIED);
        self.sign(Self::client("webauthn.get", options, origin).as_bytes(), &data)
    }
}

/// An authenticator app that was set up.
#[derive(Clone)]
pub struct App(Vec<u8>);

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("App")
    }
}

impl App {
    /// By the secret that was shown, in base32.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
        for digit in secret.bytes() {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == digit).unwrap();
            held = (held << 5) | u32::try_from(value).unwrap();
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                bytes.push(u8::try_from((held >> bits) & 0xff).unwrap());
            }
        }
        Self(bytes)
    }

    /// The code that it shows.
    #[must_use]
    pub fn code(&self, now: Timestamp) -> String {
        let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_secret(self.0.clone());
        builder.build_noncompliant().generate(u64::try_from(now.as_second()).unwrap()).to_string()
    }

    /// A code that is none of those around now.
    #[must_use]
    pub fn wrong(&self, now: Timestamp) -> String {
        let near: Vec<String> = (0..5).map(|n| self.code(now - Span::seconds(60) + Span::seconds(30 * n))).collect();
        (0..10).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap()
    }
}
