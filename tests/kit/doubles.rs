//! What stands behind the narrow traits in tests: real cryptography with local keys, an inbox, a topic, a
//! clock that moves when told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use hmac::{Hmac, Mac};
use linekeeper_domain::change::Address;
use linekeeper_domain::digest::Digest;
use linekeeper_domain::ids::AccountId;
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_domain::words::Text;
use linekeeper_platform::batch::{self, DeadLetter, DeadLetters};
use linekeeper_platform::clock::Clock;
use linekeeper_platform::keys::{CodeCheck, CodeMac, Jwk, Jwks, ProfileKey, Published, Signer};
use linekeeper_platform::messages::{Answers, IncidentEvent, LineEvent, Messenger, Publisher};
use linekeeper_platform::seal::{Sealer, Unsealer};
use linekeeper_platform::store::Error;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::EncodePublicKey as _;
use serde_json::Value;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::tap::{Call, Tap};

/// A clock that moves when told to.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// Standing at an instant.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Moves on.
    pub fn advance(&self, span: Span) {
        let mut now = self.0.lock().unwrap();
        *now = *now + span;
    }

    /// Is set back: another machine's clock, or this one's after it was corrected.
    pub fn set_back(&self, span: Span) {
        let mut now = self.0.lock().unwrap();
        *now = *now - span;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// KMS's three keys, held here.
pub struct Keys {
    mac: [u8; 32],
    sealing: [u8; 32],
    signing: p256::ecdsa::SigningKey,
    signed: AtomicUsize,
    id: &'static str,
    tap: Tap,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Fresh keys.
    #[must_use]
    pub fn new(tap: Tap) -> Self {
        let signing = loop {
            if let Ok(key) = p256::ecdsa::SigningKey::from_slice(&rand::random::<[u8; 32]>()) {
                break key;
            }
        };
        Self { mac: rand::random(), sealing: rand::random(), signing, signed: AtomicUsize::new(0), id: "test-key", tap }
    }

    /// The same keys under another id.
    #[must_use]
    pub fn named(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    /// The same ones for the same number, from 1.
    #[must_use]
    pub fn of(seed: u8, tap: Tap) -> Self {
        let signing = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        Self { mac: [seed; 32], sealing: [seed; 32], signing, signed: AtomicUsize::new(0), id: "test-key", tap }
    }

    /// How often something was signed.
    #[must_use]
    pub fn signatures(&self) -> usize {
        self.signed.load(Ordering::Relaxed)
    }

    fn hmac(&self, input: &Digest) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.mac).unwrap();
        mac.update(input.as_str().as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> Jwk {
        let der = p256::PublicKey::from(self.signing.verifying_key()).to_public_key_der().unwrap();
        Jwk::from_der(der.as_bytes(), self.id).unwrap()
    }
}

impl ProfileKey for Keys {
    fn derive(&self) -> BoxFuture<'_, Result<Zeroizing<[u8; 32]>, Error>> {
        // Asked for once in a process's life: not a call of an operation.
        Box::pin(async move { Ok(Zeroizing::new(self.mac)) })
    }
}

impl CodeMac for Keys {
    fn mac<'a>(&'a self, input: &'a Digest) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async move { self.tap.through(Call::Kms, || Ok(self.hmac(input))) })
    }
}

impl CodeCheck for Keys {
    fn check<'a>(&'a self, input: &'a Digest, mac: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move { self.tap.through(Call::Kms, || Ok(self.hmac(input) == mac)) })
    }
}

impl Signer for Keys {
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            self.tap.through(Call::Kms, || {
                self.signed.fetch_add(1, Ordering::Relaxed);
                let signature: p256::ecdsa::Signature = self.signing.sign(message);
                Ok(signature.to_bytes().to_vec())
            })
        })
    }

    fn key_id(&self) -> &str {
        self.id
    }
}

impl Published for Keys {
    fn jwks(&self) -> BoxFuture<'_, Result<Jwks, Error>> {
        // Asked for once in a process's life: not a call of an operation.
        Box::pin(async move { Ok(Jwks { keys: vec![self.public()] }) })
    }
}

/// Bytes of the nonce that a seal begins with.
const NONCE: usize = 12;

impl Sealer for Keys {
    fn seal<'a>(&'a self, context: &'a AccountId, secret: &'a [u8]) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async move {
            self.tap.through(Call::Kms, || {
                let nonce: [u8; NONCE] = rand::random();
                let payload = Payload { msg: secret, aad: context.as_str().as_bytes() };
                let sealed = Aes256Gcm::new(&self.sealing.into()).encrypt(&Nonce::from(nonce), payload).unwrap();
                Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
            })
        })
    }
}

impl Unsealer for Keys {
    fn unseal<'a>(&'a self, context: &'a AccountId, sealed: &'a str) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, Error>> {
        Box::pin(async move {
            self.tap.through(Call::Kms, || {
                let refused = || Error::Corrupt("KMS does not open this");
                let bytes = STANDARD.decode(sealed).map_err(|_| refused())?;
                let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or_else(refused)?;
                let payload = Payload { msg: sealed, aad: context.as_str().as_bytes() };
                let secret = Aes256Gcm::new(&self.sealing.into()).decrypt(&Nonce::from(*nonce), payload);
                secret.map(Zeroizing::new).map_err(|_| refused())
            })
        })
    }
}

/// One message that a provider accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Where to.
    pub to: Address,
    /// What.
    pub text: Text,
}

impl Mail {
    /// The code that it carries in its origin-bound last line, `@host #code`, in whatever language.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        let (_, code) = self.text.short.lines().last()?.strip_prefix('@')?.split_once(" #")?;
        Some(code)
    }
}

/// Everything that customers were sent.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    mails: Arc<Mutex<Vec<Mail>>>,
    down: Arc<Mutex<Vec<&'static str>>>,
    tap: Tap,
}

impl Inbox {
    /// Behind a tap.
    #[must_use]
    pub fn new(tap: Tap) -> Self {
        Self { tap, ..Self::default() }
    }

    /// Everything accepted so far.
    #[must_use]
    pub fn all(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Forgets what was accepted.
    pub fn clear(&self) {
        self.mails.lock().unwrap().clear();
    }

    /// The channels (`email`, `sms`, `push`) whose provider refuses from now on.
    pub fn down(&self, channels: &[&'static str]) {
        *self.down.lock().unwrap() = channels.to_vec();
    }

    /// The code in the newest message that has one.
    #[must_use]
    pub fn code(&self) -> String {
        self.all().iter().rev().find_map(Mail::code).expect("no code was sent").to_owned()
    }

    /// The token of the newest "this was not me" link.
    #[must_use]
    pub fn link_token(&self) -> String {
        let newest = self
            .all()
            .into_iter()
            .rev()
            .find_map(|mail| mail.text.short.split_once("/not-me#").map(|(_, token)| token.to_owned()));
        newest.expect("no notice carries a link")
    }
}

impl Messenger for Inbox {
    fn send<'a>(&'a self, to: &'a Address, text: &'a Text) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.tap.through(Call::Send, || {
                let channel = match to {
                    Address::Email(_) => "email",
                    Address::Sms(_) => "sms",
                    Address::Push(_) => "push",
                };
                if self.down.lock().unwrap().contains(&channel) {
                    return Err(Error::Corrupt("the provider refuses"));
                }
                self.mails.lock().unwrap().push(Mail { to: to.clone(), text: text.clone() });
                Ok(())
            })
        })
    }
}

/// Everything that was published.
#[derive(Clone, Debug, Default)]
pub struct Topic {
    events: Arc<Mutex<Vec<LineEvent>>>,
    incidents: Arc<Mutex<Vec<IncidentEvent>>>,
    tap: Tap,
}

impl Topic {
    /// Behind a tap.
    #[must_use]
    pub fn new(tap: Tap) -> Self {
        Self { tap, ..Self::default() }
    }

    /// Everything published so far.
    #[must_use]
    pub fn all(&self) -> Vec<LineEvent> {
        self.events.lock().unwrap().clone()
    }

    /// Every incident of the porting monitor so far, each time that it was told.
    #[must_use]
    pub fn incidents(&self) -> Vec<IncidentEvent> {
        self.incidents.lock().unwrap().clone()
    }

    /// The signed authorizations among it.
    #[must_use]
    pub fn authorizations(&self) -> Vec<String> {
        self.all().into_iter().filter_map(|event| event.authorization).collect()
    }
}

impl Publisher for Topic {
    fn publish<'a>(&'a self, event: &'a LineEvent) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.tap.through(Call::Publish, || {
                self.events.lock().unwrap().push(event.clone());
                Ok(())
            })
        })
    }

    fn report<'a>(&'a self, event: &'a IncidentEvent) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.tap.through(Call::Publish, || {
                self.incidents.lock().unwrap().push(event.clone());
                Ok(())
            })
        })
    }
}

/// The porting gateway's side of the queue of answers.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    answers: Arc<Mutex<Vec<Value>>>,
    tap: Tap,
}

impl Gateway {
    /// Behind a tap.
    #[must_use]
    pub fn new(tap: Tap) -> Self {
        Self { tap, ..Self::default() }
    }

    /// Everything that it was sent, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Value> {
        self.answers.lock().unwrap().clone()
    }

    /// The answers' words.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.all().iter().map(|event| event["data"]["answer"].as_str().unwrap().to_owned()).collect()
    }

    /// The last answer's data.
    #[must_use]
    pub fn last(&self) -> Value {
        self.all().last().expect("nothing was answered")["data"].clone()
    }

    /// Forgets.
    pub fn clear(&self) {
        self.answers.lock().unwrap().clear();
    }
}

impl Answers for Gateway {
    fn answer<'a>(&'a self, json: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.tap.through(Call::Publish, || {
                self.answers.lock().unwrap().push(serde_json::from_str(json).unwrap());
                Ok(())
            })
        })
    }
}

/// A dead-letter queue: bodies and reasons.
#[derive(Clone, Debug, Default)]
pub struct Dead {
    letters: Arc<Mutex<Vec<(String, String)>>>,
    tap: Tap,
}

impl Dead {
    /// Behind a tap.
    #[must_use]
    pub fn new(tap: Tap) -> Self {
        Self { tap, ..Self::default() }
    }

    /// What is in it: body and reason.
    #[must_use]
    pub fn all(&self) -> Vec<(String, String)> {
        self.letters.lock().unwrap().clone()
    }

    /// Forgets what is in it.
    pub fn clear(&self) {
        self.letters.lock().unwrap().clear();
    }
}

impl DeadLetters for Dead {
    async fn put(&self, letter: DeadLetter<'_>) -> Result<(), batch::Error> {
        self.tap.through(Call::DeadLetter, || {
            self.letters.lock().unwrap().push((letter.body.to_owned(), letter.reason.to_owned()));
            Ok(())
        })?;
        Ok(())
    }
}
