//! Passkeys (WebAuthn): what a browser is asked for, and whether its answer is good.
//!
//! No ceremony is stored. A challenge is a digest that the caller derives, of a random challenge id and of
//! the change that is to be proven, and derives again when the answer comes: an answer made for another
//! change, or for nothing, is one to another challenge.
//!
//! Contract: the user is verified (by finger, face or PIN), the origin is exactly the PWA's, a counter
//! that does not rise is refused, synchronised passkeys are taken. What an authenticator says of its make
//! is not asked for and not looked at. Nothing a browser can send panics.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linekeeper_domain::digest::Digest;
use linekeeper_domain::factors::PasskeyKey;
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};
use url::{Host, Url};
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::error::WebauthnError;
use webauthn_rs_core::proto::{
    AttestationFormat, AuthenticationExtensionsClientOutputs, AuthenticationState, AuthenticatorAssertionResponseRaw,
    AuthenticatorAttestationResponseRaw, COSEAlgorithm, COSEKey, COSEKeyType, Credential, ECDSACurve, ParsedAttestation,
    PublicKeyCredential, RegisterPublicKeyCredential, RegisteredExtensions, RegistrationExtensionsClientOutputs,
    RegistrationState, UserVerificationPolicy,
};

/// The largest response that is looked at, in bytes of JSON.
pub const RESPONSE_LIMIT: usize = 8 * 1024;
/// The longest credential id that is kept, in bytes. WebAuthn allows 1023; what authenticators make has 16
/// to 128, and an account's item has room for a few passkeys only.
pub const CREDENTIAL_LIMIT: usize = 255;
/// How long the browser lets the user take. A hint to the browser; the challenge's own end is ours.
const TIMEOUT: Duration = Duration::from_secs(300);
/// COSE numbers of the algorithms that are asked for, best first. The library verifies ES384 too, which no
/// authenticator offers alone, and no EdDSA. RS256 is for Windows Hello on older machines.
const ALGORITHMS: [i64; 2] = [-7, -257];

/// Why a response is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    /// Over [`RESPONSE_LIMIT`], or a credential id over [`CREDENTIAL_LIMIT`].
    #[error("the response is too large")]
    TooLarge,
    /// Not a response, or one whose parts cannot be read.
    #[error("the response cannot be read")]
    Malformed,
    /// An assertion where a registration was asked for, or the reverse.
    #[error("the response is of another ceremony")]
    WrongCeremony,
    /// Made on another page.
    #[error("the response was made for another origin")]
    WrongOrigin,
    /// Made in a frame of another page.
    #[error("the response was made in another site's frame")]
    CrossOrigin,
    /// Made for another relying party.
    #[error("the response was made for another relying party")]
    WrongRelyingParty,
    /// Made for another challenge, or for one that is none.
    #[error("the response answers another challenge")]
    WrongChallenge,
    /// Nobody was there.
    #[error("the user was not present")]
    NotPresent,
    /// Somebody was there, and it could have been anyone.
    #[error("the user was not verified")]
    NotVerified,
    /// None of the passkeys that were asked for.
    #[error("the credential is not one of those asked for")]
    UnknownCredential,
    /// Not signed by the passkey it names.
    #[error("the signature is not the credential's")]
    BadSignature,
    /// The counter did not rise: there may be a copy.
    #[error("the credential's counter did not rise")]
    CounterBack,
    /// It changed whether it can be synchronised, or is synchronised although it cannot be.
    #[error("the credential contradicts itself about its synchronisation")]
    BackupFlags,
    /// An algorithm or a kind of key that was not asked for.
    #[error("the credential's algorithm was not asked for")]
    Unsupported,
    /// A key of ours cannot be read back, or the library does not take our state: our fault.
    #[error("what is kept of the credential cannot be used")]
    Unusable,
}

impl From<WebauthnError> for PasskeyError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list is long, and most of it is one to us")]
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::InvalidClientDataType => Self::WrongCeremony,
            WebauthnError::MismatchedChallenge => Self::WrongChallenge,
            WebauthnError::InvalidRPOrigin => Self::WrongOrigin,
            WebauthnError::CredentialCrossOrigin => Self::CrossOrigin,
            WebauthnError::InvalidRPIDHash => Self::WrongRelyingParty,
            WebauthnError::UserNotPresent => Self::NotPresent,
            WebauthnError::UserNotVerified => Self::NotVerified,
            WebauthnError::CredentialNotFound => Self::UnknownCredential,
            WebauthnError::AuthenticationFailure | WebauthnError::SignatureInvalid => Self::BadSignature,
            WebauthnError::CredentialPossibleCompromise => Self::CounterBack,
            WebauthnError::CredentialBackupEligibilityInconsistent | WebauthnError::CredentialMayNotBeHardwareBound => {
                Self::BackupFlags
            }
            WebauthnError::COSEKeyInvalidType
            | WebauthnError::COSEKeyInvalidAlgorithm
            | WebauthnError::COSEKeyEDUnsupported
            | WebauthnError::SshPublicKeyEDUnsupported
            | WebauthnError::COSEKeyECDSAInvalidCurve
            | WebauthnError::COSEKeyEDDSAInvalidCurve
            | WebauthnError::CredentialAlteredAlgFromRequest => Self::Unsupported,
            _ => Self::Malformed,
        }
    }
}

/// What a good assertion says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// Which passkey, by its id in base64url.
    pub credential: String,
    /// Its counter now, to be kept.
    pub counter: u32,
    /// Whether it is synchronised now, to be kept.
    pub backed_up: bool,
}

/// The PWA, as browsers and authenticators know it.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    id: String,
    name: String,
    core: WebauthnCore,
}

impl RelyingParty {
    /// The PWA at this origin, `https://` with a domain name, or `http://localhost` for developers, with
    /// its name as customers know it. Nothing where it is no such origin.
    #[must_use]
    pub fn new(pwa_origin: &str, name: &str) -> Option<Self> {
        let origin = Url::parse(pwa_origin).ok()?;
        let Host::Domain(host) = origin.host()? else { return None };
        // The one origin without TLS that browsers allow.
        let trustworthy = origin.scheme() == "https" || (origin.scheme() == "http" && host == "localhost");
        let bare = Url::parse(&origin.origin().ascii_serialization()).is_ok_and(|alone| alone == origin);
        let id = host.to_owned();
        (trustworthy && bare).then(|| Self {
            // Neither its subdomains nor its other ports.
            core: WebauthnCore::new_unsafe_experts_only(name, &id, vec![origin], TIMEOUT, Some(false), Some(false)),
            id,
            name: name.to_owned(),
        })
    }

    /// `PublicKeyCredentialCreationOptionsJSON`. The user's handle is theirs for ever, and says nothing of
    /// them to others: the authenticator shows it to whoever uses it. `known` are not registered twice.
    #[must_use]
    pub fn creation_options(&self, challenge: &Digest, user_handle: &str, label: &str, known: &[&PasskeyKey]) -> Value {
        json!({
            "rp": { "id": self.id, "name": self.name },
            "user": { "id": URL_SAFE_NO_PAD.encode(user_handle), "name": label, "displayName": label },
            "challenge": challenge_text(challenge),
            "pubKeyCredParams": ALGORITHMS.map(|number| json!({ "type": "public-key", "alg": number })),
            "timeout": timeout(),
            "excludeCredentials": descriptors(known),
            "authenticatorSelection": {
                "residentKey": "preferred", "requireResidentKey": false, "userVerification": "required",
            },
            "attestation": "none",
        })
    }

    /// `PublicKeyCredentialRequestOptionsJSON`.
    #[must_use]
    pub fn request_options(&self, challenge: &Digest, allowed: &[&PasskeyKey]) -> Value {
        json!({
            "rpId": self.id,
            "challenge": challenge_text(challenge),
            "timeout": timeout(),
            "allowCredentials": descriptors(allowed),
            "userVerification": "required",
        })
    }

    /// The passkey that a `RegistrationResponseJSON` registers. Whether it is registered already, here or
    /// by another customer, the caller knows.
    ///
    /// # Errors
    /// Why it is none.
    pub fn register(&self, challenge: &Digest, response: &Value) -> Result<PasskeyKey, PasskeyError> {
        check_form(response)?;
        let attestation = part(response, "/response/attestationObject")?;
        let sent = RegisterPublicKeyCredential {
            id: String::new(),
            raw_id: part(response, "/rawId")?,
            response: AuthenticatorAttestationResponseRaw {
                attestation_object: without_statement(&attestation).ok_or(PasskeyError::Malformed)?,
                client_data_json: part(response, "/response/clientDataJSON")?,
                transports: None,
            },
            type_: String::new(),
            extensions: RegistrationExtensionsClientOutputs::default(),
        };
        let made = self.core.register_credential(&sent, &registration_state(challenge)?, None)?;
        check_frame(&sent.response.client_data_json)?;
        if made.cred_id != sent.raw_id || made.cred_id.is_empty() {
            return Err(PasskeyError::Malformed);
        }
        if made.cred_id.len() > CREDENTIAL_LIMIT {
            return Err(PasskeyError::TooLarge);
        }
        Ok(PasskeyKey {
            credential: URL_SAFE_NO_PAD.encode(&made.cred_id),
            key: URL_SAFE_NO_PAD.encode(cose_bytes(&made.cred)?),
            counter: made.counter,
            backup_eligible: made.backup_eligible,
            backed_up: made.backup_state,
        })
    }

    /// What an `AuthenticationResponseJSON` asserts, by one of the passkeys `allowed`.
    ///
    /// # Errors
    /// Why it asserts nothing.
    pub fn assert(&self, challenge: &Digest, allowed: &[&PasskeyKey], response: &Value) -> Result<Asserted, PasskeyError> {
        check_form(response)?;
        let raw_id = part(response, "/rawId")?;
        let id = URL_SAFE_NO_PAD.encode(&raw_id);
        let known = allowed.iter().find(|key| key.credential == id).ok_or(PasskeyError::UnknownCredential)?;
        let credential = credential(known, raw_id.clone()).ok_or(PasskeyError::Unusable)?;
        let sent = PublicKeyCredential {
            id: String::new(),
            raw_id,
            response: AuthenticatorAssertionResponseRaw {
                authenticator_data: part(response, "/response/authenticatorData")?,
                client_data_json: part(response, "/response/clientDataJSON")?,
                signature: part(response, "/response/signature")?,
                // Whose passkey it is, the caller's list says.
                user_handle: None,
            },
            extensions: AuthenticationExtensionsClientOutputs::default(),
            type_: String::new(),
        };
        let state = authentication_state(challenge)?;
        let result = self.core.authenticate_single_credential(&sent, &state, &credential)?;
        check_frame(&sent.response.client_data_json)?;
        Ok(Asserted { credential: id, counter: result.counter(), backed_up: result.backup_state() })
    }
}

fn timeout() -> u64 {
    TIMEOUT.as_secs() * 1_000
}

fn descriptors(keys: &[&PasskeyKey]) -> Vec<Value> {
    keys.iter().map(|key| json!({ "type": "public-key", "id": key.credential })).collect()
}

/// The challenge as it crosses the wire. A digest that is none gives an empty one, which no answer meets.
fn challenge_text(challenge: &Digest) -> String {
    URL_SAFE_NO_PAD.encode(challenge_bytes(challenge).unwrap_or_default())
}

fn challenge_bytes(challenge: &Digest) -> Option<Vec<u8>> {
    crate::keys::bytes(challenge.as_str()).filter(|bytes| bytes.len() == 32)
}

// The library makes its states itself, each with a random challenge, and expects them to be stored between
// the two halves of a ceremony. We store none and derive the challenge, so the state is made again when the
// answer comes; its members are private, and its serialised form is the one way in. A release that changes
// that form is found by the first test.

fn registration_state(challenge: &Digest) -> Result<RegistrationState, PasskeyError> {
    challenge_bytes(challenge).ok_or(PasskeyError::WrongChallenge)?;
    serde_json::from_value(json!({
        "policy": UserVerificationPolicy::Required,
        "exclude_credentials": [],
        "challenge": challenge_text(challenge),
        "credential_algorithms": [COSEAlgorithm::ES256, COSEAlgorithm::RS256],
        "require_resident_key": false,
        "authenticator_attachment": null,
        "extensions": {},
        "allow_synchronised_authenticators": true,
    }))
    .map_err(|_| PasskeyError::Unusable)
}

fn authentication_state(challenge: &Digest) -> Result<AuthenticationState, PasskeyError> {
    challenge_bytes(challenge).ok_or(PasskeyError::WrongChallenge)?;
    serde_json::from_value(json!({
        "credentials": [],
        "policy": UserVerificationPolicy::Required,
        "challenge": challenge_text(challenge),
        "appid": null,
        "allow_backup_eligible_upgrade": false,
    }))
    .map_err(|_| PasskeyError::Unusable)
}

/// The passkey as the library wants it.
fn credential(kept: &PasskeyKey, cred_id: Vec<u8>) -> Option<Credential> {
    let bytes = URL_SAFE_NO_PAD.decode(&kept.key).ok()?;
    let key: Cbor = serde_cbor_2::from_slice(&bytes).ok()?;
    Some(Credential {
        cred_id,
        cred: COSEKey::try_from(&key).ok()?,
        counter: kept.counter,
        transports: None,
        user_verified: true,
        backup_eligible: kept.backup_eligible,
        backup_state: kept.backed_up,
        registration_policy: UserVerificationPolicy::Required,
        extensions: RegisteredExtensions::none(),
        attestation: ParsedAttestation::default(),
        attestation_format: AttestationFormat::None,
    })
}

/// Size first, before anything is decoded; then that it is a credential at all.
fn check_form(response: &Value) -> Result<(), PasskeyError> {
    let text = serde_json::to_string(response).map_err(|_| PasskeyError::Malformed)?;
    if text.len() > RESPONSE_LIMIT {
        return Err(PasskeyError::TooLarge);
    }
    let is_credential = response.get("type").and_then(Value::as_str) == Some("public-key");
    if is_credential { Ok(()) } else { Err(PasskeyError::Malformed) }
}

/// That the page was not in another site's frame. The library checks this of registrations only.
fn check_frame(client_data: &[u8]) -> Result<(), PasskeyError> {
    let data: Value = serde_json::from_slice(client_data).map_err(|_| PasskeyError::Malformed)?;
    let alone = matches!(data.get("crossOrigin"), None | Some(Value::Null | Value::Bool(false)));
    if alone && data.get("topOrigin").is_none_or(Value::is_null) { Ok(()) } else { Err(PasskeyError::CrossOrigin) }
}

/// A member in base64url, decoded.
fn part(response: &Value, pointer: &str) -> Result<Vec<u8>, PasskeyError> {
    let text = response.pointer(pointer).and_then(Value::as_str).ok_or(PasskeyError::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| PasskeyError::Malformed)
}

/// The attestation object without its statement. None was asked for, and authenticators that send one all
/// the same would have the library parse certificates that nobody relies on.
fn without_statement(object: &[u8]) -> Option<Vec<u8>> {
    let Cbor::Map(mut members) = serde_cbor_2::from_slice(object).ok()? else { return None };
    let data = members.remove(&Cbor::Text("authData".to_owned()))?;
    let bare = BTreeMap::from([
        (Cbor::Text("fmt".to_owned()), Cbor::Text("none".to_owned())),
        (Cbor::Text("attStmt".to_owned()), Cbor::Map(BTreeMap::new())),
        (Cbor::Text("authData".to_owned()), data),
    ]);
    serde_cbor_2::to_vec(&Cbor::Map(bare)).ok()
}

/// The key in COSE (RFC 9053, RFC 8230), without what an authenticator may have added.
fn cose_bytes(key: &COSEKey) -> Result<Vec<u8>, PasskeyError> {
    let members = match (key.type_, &key.key) {
        // The library would take this algorithm with a key of any curve.
        (COSEAlgorithm::ES256, COSEKeyType::EC_EC2(point)) if point.curve == ECDSACurve::SECP256R1 => vec![
            (1, Cbor::Integer(2)),
            (3, Cbor::Integer(-7)),
            (-1, Cbor::Integer(1)),
            (-2, Cbor::Bytes(point.x.clone())),
            (-3, Cbor::Bytes(point.y.clone())),
        ],
        (COSEAlgorithm::RS256, COSEKeyType::RSA(rsa)) => vec![
            (1, Cbor::Integer(3)),
            (3, Cbor::Integer(-257)),
            (-1, Cbor::Bytes(rsa.n.clone())),
            (-2, Cbor::Bytes(rsa.e.to_vec())),
        ],
        _ => return Err(PasskeyError::Unsupported),
    };
    let map = members.into_iter().map(|(number, value)| (Cbor::Integer(number), value)).collect();
    serde_cbor_2::to_vec(&Cbor::Map(map)).map_err(|_| PasskeyError::Unusable)
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Signer as _;
    use p256::ecdsa::{Signature, SigningKey};
    use passkey::authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod};
    use passkey::client::{Client, DefaultClientData};
    use passkey::crypto::iana;
    use passkey::crypto::rust_crypto::RustCryptoBackend;
    use passkey::types::Passkey;
    use passkey::types::ctap2::{Aaguid, Ctap2Error};
    use passkey::types::webauthn::{CredentialCreationOptions, CredentialRequestOptions};
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;

    const ORIGIN: &str = "https://my.mobile.example";

    /// Whoever holds the phone; `verified` where their finger is the owner's.
    struct Holder {
        verified: bool,
    }

    #[async_trait::async_trait]
    impl UserValidationMethod for Holder {
        type PasskeyItem = Passkey;

        async fn check_user<'a>(&self, _: UiHint<'a, Passkey>, _: bool, _: bool) -> Result<UserCheck, Ctap2Error> {
            Ok(UserCheck { presence: true, verification: self.verified })
        }

        fn is_presence_enabled(&self) -> bool {
            true
        }

        fn is_verification_enabled(&self) -> Option<bool> {
            Some(true)
        }
    }

    /// A browser and the authenticator beside it.
    struct Phone {
        passkey: Option<Passkey>,
        verified: bool,
        counting: bool,
        algorithm: iana::Algorithm,
    }

    impl Phone {
        fn new() -> Self {
            Self { passkey: None, verified: true, counting: true, algorithm: iana::Algorithm::ES256 }
        }

        fn authenticator(&self) -> Authenticator<Option<Passkey>, Holder, RustCryptoBackend> {
            let holder = Holder { verified: self.verified };
            let mut made = Authenticator::new(Aaguid::new_empty(), self.passkey.clone(), holder, RustCryptoBackend);
            made.set_make_credentials_with_signature_counter(self.counting);
            made.set_algorithms(&[self.algorithm]).unwrap();
            made
        }

        /// `navigator.credentials.create()` on the page at `origin`.
        fn create(&mut self, origin: &str, options: Value) -> Value {
            let options: CredentialCreationOptions = serde_json::from_value(json!({ "publicKey": options })).unwrap();
            let mut client = Client::new(self.authenticator());
            let origin = Url::parse(origin).unwrap();
            let made = now(client.register(&origin, options, DefaultClientData)).unwrap();
            self.passkey = client.authenticator().store().clone();
            serde_json::to_value(made).unwrap()
        }

        /// `navigator.credentials.get()` on the page at `origin`.
        fn get(&mut self, origin: &str, options: Value) -> Value {
            let options: CredentialRequestOptions = serde_json::from_value(json!({ "publicKey": options })).unwrap();
            let mut client = Client::new(self.authenticator());
            let origin = Url::parse(origin).unwrap();
            let made = now(client.authenticate(&origin, options, DefaultClientData)).unwrap();
            self.passkey = client.authenticator().store().clone();
            serde_json::to_value(made).unwrap()
        }
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn party() -> RelyingParty {
        RelyingParty::new(ORIGIN, "My Mobile").unwrap()
    }

    fn challenge(what: &str) -> Digest {
        Digest::of(&["challenge", what])
    }

    fn creation(what: &str) -> Value {
        party().creation_options(&challenge(what), "u_1", "Maria", &[])
    }

    fn registered(phone: &mut Phone) -> PasskeyKey {
        let response = phone.create(ORIGIN, creation("create"));
        party().register(&challenge("create"), &response).unwrap()
    }

    /// A phone, its passkey as it is kept, and its answer to the challenge `get`.
    fn asserted() -> (Phone, PasskeyKey, Value) {
        let mut phone = Phone::new();
        let key = registered(&mut phone);
        let response = phone.get(ORIGIN, party().request_options(&challenge("get"), &[&key]));
        (phone, key, response)
    }

    /// Puts other bytes into a member.
    fn altered(response: &Value, pointer: &str, change: impl FnOnce(&mut Vec<u8>)) -> Value {
        let mut response = response.clone();
        let member = response.pointer_mut(pointer).unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(member.as_str().unwrap()).unwrap();
        change(&mut bytes);
        *member = json!(URL_SAFE_NO_PAD.encode(bytes));
        response
    }

    #[test]
    fn a_passkey_is_registered_and_asserts() {
        let (_, key, response) = asserted();
        assert_eq!(
            party().assert(&challenge("get"), &[&key], &response),
            Ok(Asserted { credential: key.credential.clone(), counter: 1, backed_up: true })
        );
    }

    #[test]
    fn what_is_kept_is_small() {
        let key = registered(&mut Phone::new());
        let text = serde_json::to_string(&key).unwrap();
        assert!(text.len() < 200, "{} bytes: {text}", text.len());
        let longest = PasskeyKey { credential: URL_SAFE_NO_PAD.encode([0; 64]), counter: u32::MAX, ..key };
        assert!(serde_json::to_string(&longest).unwrap().len() < 300);
    }

    #[test]
    fn the_browser_is_asked_for_a_verified_user_and_no_attestation() {
        let (mut phone, key, _) = asserted();
        let options = party().creation_options(&challenge("create"), "u_1", "Maria", &[&key]);
        let bytes = crate::keys::bytes(challenge("create").as_str()).unwrap();
        assert_eq!(options["challenge"], URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(options["rp"], json!({ "id": "my.mobile.example", "name": "My Mobile" }));
        assert_eq!(options["user"]["id"], URL_SAFE_NO_PAD.encode("u_1"));
        assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(options["authenticatorSelection"]["residentKey"], "preferred");
        assert_eq!(options["attestation"], "none");
        assert_eq!(options["pubKeyCredParams"][0], json!({ "type": "public-key", "alg": -7 }));
        assert_eq!(options["excludeCredentials"], json!([{ "type": "public-key", "id": key.credential }]));
        let options = party().request_options(&challenge("get"), &[&key]);
        assert_eq!(options["rpId"], "my.mobile.example");
        assert_eq!(options["userVerification"], "required");
        assert_eq!(options["allowCredentials"], json!([{ "type": "public-key", "id": key.credential }]));
        assert!(party().assert(&challenge("get"), &[&key], &phone.get(ORIGIN, options)).is_ok());
    }

    #[test]
    fn only_an_origin_is_a_relying_party() {
        for (origin, ok) in [
            ("https://my.mobile.example", true),
            ("https://my.mobile.example/", true),
            ("https://my.mobile.example:8443", true),
            ("http://localhost:3000", true),
            ("http://localhost", true),
            ("http://my.mobile.example", false),
            ("http://127.0.0.1:3000", false),
            ("https://192.0.2.1", false),
            ("https://my.mobile.example/app", false),
            ("https://my.mobile.example?a", false),
            ("https://ann@my.mobile.example", false),
            ("ftp://my.mobile.example", false),
            ("my.mobile.example", false),
            ("", false),
        ] {
            assert_eq!(RelyingParty::new(origin, "x").is_some(), ok, "{origin}");
        }
    }

    #[test]
    fn a_developers_page_is_one_port_of_localhost() {
        let party = RelyingParty::new("http://localhost:3000", "Dev").unwrap();
        let forger = Forger::new();
        let asserted = |origin: &str| {
            let response = forger.assertion(&party.id, 0x05, 1, &json!({ "origin": origin }));
            party.assert(&challenge("get"), &[&forger.kept()], &response).map(|_| ())
        };
        assert_eq!(asserted("http://localhost:3000"), Ok(()));
        assert_eq!(asserted("http://localhost:3001"), Err(PasskeyError::WrongOrigin));
        assert_eq!(asserted("https://localhost:3000"), Err(PasskeyError::WrongOrigin));
    }

    #[test]
    fn another_pages_answer_is_refused() {
        let subdomains = RelyingParty::new("https://mobile.example", "All").unwrap();
        let options = subdomains.creation_options(&challenge("create"), "u_1", "Maria", &[]);
        // A browser lets a subdomain use its parent's passkeys. We do not.
        let response = Phone::new().create(ORIGIN, options);
        assert_eq!(subdomains.register(&challenge("create"), &response), Err(PasskeyError::WrongOrigin));
        let (mut phone, key, _) = asserted();
        let evil = RelyingParty::new("https://evil.example", "Evil").unwrap();
        let response = phone.get("https://evil.example", evil.request_options(&challenge("get"), &[&key]));
        assert_eq!(party().assert(&challenge("get"), &[&key], &response), Err(PasskeyError::WrongOrigin));
    }

    #[test]
    fn another_relying_partys_passkey_is_refused() {
        let mut options = creation("create");
        options["rp"]["id"] = json!("mobile.example");
        let response = Phone::new().create(ORIGIN, options);
        assert_eq!(party().register(&challenge("create"), &response), Err(PasskeyError::WrongRelyingParty));
        let (mut phone, key, _) = asserted();
        let mut options = party().request_options(&challenge("get"), &[&key]);
        options["rpId"] = json!("mobile.example");
        let response = phone.get(ORIGIN, options);
        assert_eq!(party().assert(&challenge("get"), &[&key], &response), Err(PasskeyError::WrongRelyingParty));
    }

    #[test]
    fn an_answer_is_to_its_own_challenge_only() {
        let response = Phone::new().create(ORIGIN, creation("one change"));
        assert_eq!(party().register(&challenge("another change"), &response), Err(PasskeyError::WrongChallenge));
        let (_, key, response) = asserted();
        assert!(party().assert(&challenge("get"), &[&key], &response).is_ok());
        assert_eq!(party().assert(&challenge("replay"), &[&key], &response), Err(PasskeyError::WrongChallenge));
    }

    #[test]
    fn a_challenge_that_is_no_digest_is_answered_by_nothing() {
        for text in ["", "00", "no digest"] {
            let none = Digest::stored(text);
            let mut phone = Phone::new();
            let response = phone.create(ORIGIN, party().creation_options(&none, "u_1", "Maria", &[]));
            assert_eq!(party().register(&none, &response), Err(PasskeyError::WrongChallenge), "{text}");
            let key = registered(&mut phone);
            let response = phone.get(ORIGIN, party().request_options(&none, &[&key]));
            assert_eq!(party().assert(&none, &[&key], &response), Err(PasskeyError::WrongChallenge), "{text}");
        }
    }

    #[test]
    fn presence_without_verification_is_not_enough() {
        let mut phone = Phone { verified: false, ..Phone::new() };
        let mut options = creation("create");
        options["authenticatorSelection"]["userVerification"] = json!("discouraged");
        let response = phone.create(ORIGIN, options);
        assert_eq!(party().register(&challenge("create"), &response), Err(PasskeyError::NotVerified));
        let (mut phone, key, _) = asserted();
        phone.verified = false;
        let mut options = party().request_options(&challenge("get"), &[&key]);
        options["userVerification"] = json!("discouraged");
        let response = phone.get(ORIGIN, options);
        assert_eq!(party().assert(&challenge("get"), &[&key], &response), Err(PasskeyError::NotVerified));
    }

    #[test]
    fn a_passkey_that_was_not_asked_for_is_unknown() {
        let (_, key, response) = asserted();
        let other = registered(&mut Phone::new());
        assert_eq!(party().assert(&challenge("get"), &[&other], &response), Err(PasskeyError::UnknownCredential));
        assert_eq!(party().assert(&challenge("get"), &[], &response), Err(PasskeyError::UnknownCredential));
        assert!(party().assert(&challenge("get"), &[&other, &key], &response).is_ok());
    }

    #[test]
    fn one_passkey_does_not_sign_for_another() {
        let (_, key, response) = asserted();
        let other = PasskeyKey { key: registered(&mut Phone::new()).key, ..key };
        assert_eq!(party().assert(&challenge("get"), &[&other], &response), Err(PasskeyError::BadSignature));
    }

    #[test]
    fn a_tampered_signature_is_none() {
        let (_, key, response) = asserted();
        let last = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
        for bad in [
            altered(&response, "/response/signature", last),
            altered(&response, "/response/signature", Vec::clear),
            altered(&response, "/response/authenticatorData", last),
        ] {
            assert_eq!(party().assert(&challenge("get"), &[&key], &bad), Err(PasskeyError::BadSignature));
        }
    }

    #[test]
    fn a_counter_rises_or_is_always_zero() {
        let (mut phone, key, response) = asserted();
        let with = |counter| PasskeyKey { counter, ..key.clone() };
        let at = |counter| party().assert(&challenge("get"), &[&with(counter)], &response).map(|good| good.counter);
        assert_eq!((at(0), at(1), at(2)), (Ok(1), Err(PasskeyError::CounterBack), Err(PasskeyError::CounterBack)));
        let next = phone.get(ORIGIN, party().request_options(&challenge("get"), &[&key]));
        assert_eq!(party().assert(&challenge("get"), &[&with(1)], &next).unwrap().counter, 2);

        let mut synced = Phone { counting: false, ..Phone::new() };
        let key = registered(&mut synced);
        for _ in 0..2 {
            let response = synced.get(ORIGIN, party().request_options(&challenge("get"), &[&key]));
            assert_eq!(party().assert(&challenge("get"), &[&key], &response).unwrap().counter, 0);
        }
        let response = synced.get(ORIGIN, party().request_options(&challenge("get"), &[&key]));
        let counted = PasskeyKey { counter: 7, ..key };
        assert_eq!(party().assert(&challenge("get"), &[&counted], &response), Err(PasskeyError::CounterBack));
    }

    #[test]
    fn an_algorithm_that_was_not_asked_for_is_unsupported() {
        let mut options = creation("create");
        options["pubKeyCredParams"] = json!([{ "type": "public-key", "alg": -8 }]);
        let response = Phone { algorithm: iana::Algorithm::EdDSA, ..Phone::new() }.create(ORIGIN, options);
        assert_eq!(party().register(&challenge("create"), &response), Err(PasskeyError::Unsupported));

        let response = Phone::new().create(ORIGIN, creation("create"));
        let es256 = [0x01, 0x02, 0x03, 0x26];
        // ES384 with a key of P-256, ESP256, HMAC, an unassigned number.
        for number in [vec![0x38, 0x22], vec![0x28], vec![0x05], vec![0x3a, 0x7f, 0xff, 0xff, 0xff]] {
            let bad = reattested(&response, |data| {
                let at = data.windows(4).position(|window| window == es256).unwrap() + 3;
                data.splice(at..=at, number.clone());
            });
            assert_eq!(party().register(&challenge("create"), &bad), Err(PasskeyError::Unsupported), "{number:x?}");
        }
    }

    /// A registration with other authenticator data.
    fn reattested(response: &Value, change: impl FnOnce(&mut Vec<u8>)) -> Value {
        altered(response, "/response/attestationObject", |object| {
            let Ok(Cbor::Map(mut members)) = serde_cbor_2::from_slice(object) else { panic!("no attestation object") };
            let Some(Cbor::Bytes(data)) = members.get_mut(&Cbor::Text("authData".to_owned())) else { panic!("no data") };
            change(data);
            *object = serde_cbor_2::to_vec(&Cbor::Map(members)).unwrap();
        })
    }

    #[test]
    fn a_key_off_its_curve_is_malformed() {
        let response = Phone::new().create(ORIGIN, creation("create"));
        let bad = reattested(&response, |data| *data.last_mut().unwrap() ^= 1);
        assert_eq!(party().register(&challenge("create"), &bad), Err(PasskeyError::Malformed));
    }

    #[test]
    fn an_attestation_that_nobody_asked_for_is_not_looked_at() {
        let response = Phone::new().create(ORIGIN, creation("create"));
        for format in ["packed", "tpm", "apple", "android-key", "android-safetynet", "fido-u2f", "unheard-of"] {
            let attested = altered(&response, "/response/attestationObject", |object| {
                let Ok(Cbor::Map(mut members)) = serde_cbor_2::from_slice(object) else { panic!("no attestation object") };
                members.insert(Cbor::Text("fmt".to_owned()), Cbor::Text(format.to_owned()));
                let statement = BTreeMap::from([(Cbor::Text("x5c".to_owned()), Cbor::Array(vec![Cbor::Bytes(vec![0x30])]))]);
                members.insert(Cbor::Text("attStmt".to_owned()), Cbor::Map(statement));
                *object = serde_cbor_2::to_vec(&Cbor::Map(members)).unwrap();
            });
            assert!(party().register(&challenge("create"), &attested).is_ok(), "{format}");
        }
    }

    #[test]
    fn malformed_cbor_is_malformed() {
        let response = Phone::new().create(ORIGIN, creation("create"));
        let pointer = "/response/attestationObject";
        let deep = vec![0x81; 4_000];
        for bytes in
            [vec![], vec![0xff], vec![0xbf], vec![0xa1, 0x61], deep, vec![0x9b; 9], vec![0x5b; 9], vec![0x80], vec![0xa0]]
        {
            let bad = altered(&response, pointer, |object| *object = bytes);
            assert_eq!(party().register(&challenge("create"), &bad), Err(PasskeyError::Malformed));
        }
        let trailing = altered(&response, pointer, |object| object.push(0));
        assert_eq!(party().register(&challenge("create"), &trailing), Err(PasskeyError::Malformed));
        let truncated = reattested(&response, |data| data.truncate(60));
        assert_eq!(party().register(&challenge("create"), &truncated), Err(PasskeyError::Malformed));
    }

    #[test]
    fn too_large_a_response_is_not_read() {
        let (_, key, mut response) = asserted();
        response["padding"] = json!("x".repeat(RESPONSE_LIMIT));
        assert_eq!(party().assert(&challenge("get"), &[&key], &response), Err(PasskeyError::TooLarge));
        assert_eq!(party().register(&challenge("get"), &response), Err(PasskeyError::TooLarge));
    }

    #[test]
    fn too_long_a_credential_id_is_not_kept() {
        let response = Phone::new().create(ORIGIN, creation("create"));
        for (length, ok) in [(CREDENTIAL_LIMIT, Ok(())), (CREDENTIAL_LIMIT + 1, Err(PasskeyError::TooLarge))] {
            let id = vec![7; length];
            // After the hash, the flags, the counter and the AAGUID: two bytes of length, 16 of id.
            let longer = reattested(&response, |data| {
                let length = u16::try_from(length).unwrap().to_be_bytes();
                data.splice(53..71, length.into_iter().chain(id.clone()));
            });
            let longer = altered(&longer, "/rawId", |raw_id| *raw_id = id);
            assert_eq!(party().register(&challenge("create"), &longer).map(|_| ()), ok);
        }
    }

    #[test]
    fn a_credential_has_one_id() {
        let response = Phone::new().create(ORIGIN, creation("create"));
        let other = altered(&response, "/rawId", |raw_id| raw_id.push(0));
        assert_eq!(party().register(&challenge("create"), &other), Err(PasskeyError::Malformed));
    }

    #[test]
    fn one_ceremonys_answer_does_not_do_for_the_other() {
        let (mut phone, key, assertion) = asserted();
        assert_eq!(party().register(&challenge("get"), &assertion), Err(PasskeyError::Malformed));
        let registration = phone.create(ORIGIN, creation("create"));
        assert_eq!(party().assert(&challenge("create"), &[&key], &registration).unwrap_err(), PasskeyError::UnknownCredential);
    }

    #[test]
    fn a_key_of_ours_that_cannot_be_read_is_our_fault() {
        let (_, key, response) = asserted();
        for broken in ["", "not base64!", "AA"] {
            let broken = PasskeyKey { key: broken.to_owned(), ..key.clone() };
            assert_eq!(party().assert(&challenge("get"), &[&broken], &response), Err(PasskeyError::Unusable));
        }
    }

    /// Holds a good key and says what no honest browser and authenticator would.
    struct Forger(SigningKey);

    impl Forger {
        fn new() -> Self {
            Self(SigningKey::from_slice(&[1; 32]).unwrap())
        }

        fn kept(&self) -> PasskeyKey {
            let point = self.0.verifying_key().to_sec1_point(false);
            let members = BTreeMap::from([
                (Cbor::Integer(1), Cbor::Integer(2)),
                (Cbor::Integer(3), Cbor::Integer(-7)),
                (Cbor::Integer(-1), Cbor::Integer(1)),
                (Cbor::Integer(-2), Cbor::Bytes(point.x().unwrap().to_vec())),
                (Cbor::Integer(-3), Cbor::Bytes(point.y().unwrap().to_vec())),
            ]);
            PasskeyKey {
                credential: URL_SAFE_NO_PAD.encode([9; 16]),
                key: URL_SAFE_NO_PAD.encode(serde_cbor_2::to_vec(&Cbor::Map(members)).unwrap()),
                counter: 0,
                backup_eligible: false,
                backed_up: false,
            }
        }

        /// An assertion with these flags, well signed, with some members of its client data replaced.
        fn assertion(&self, rp_id: &str, flags: u8, counter: u32, client: &Value) -> Value {
            let mut data = json!({ "type": "webauthn.get", "challenge": challenge_text(&challenge("get")), "origin": ORIGIN });
            for (name, value) in client.as_object().unwrap() {
                data[name] = value.clone();
            }
            let client = data.to_string();
            let data = [Sha256::digest(rp_id).as_slice(), &[flags], &counter.to_be_bytes()].concat();
            let signature: Signature = self.0.sign(&[data.as_slice(), &Sha256::digest(&client)].concat());
            json!({
                "id": URL_SAFE_NO_PAD.encode([9; 16]), "rawId": URL_SAFE_NO_PAD.encode([9; 16]), "type": "public-key",
                "response": {
                    "clientDataJSON": URL_SAFE_NO_PAD.encode(client),
                    "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                    "signature": URL_SAFE_NO_PAD.encode(signature.to_der()),
                },
            })
        }
    }

    fn forged(eligible: bool, flags: u8, client: &Value) -> Result<bool, PasskeyError> {
        let forger = Forger::new();
        let kept = PasskeyKey { backup_eligible: eligible, ..forger.kept() };
        let response = forger.assertion("my.mobile.example", flags, 1, client);
        party().assert(&challenge("get"), &[&kept], &response).map(|good| good.backed_up)
    }

    #[test]
    fn what_is_signed_is_judged_all_the_same() {
        assert_eq!(forged(false, 0x05, &json!({})), Ok(false));
        assert_eq!(forged(false, 0x05, &json!({ "crossOrigin": false })), Ok(false));
        assert_eq!(forged(false, 0x05, &json!({ "crossOrigin": true })), Err(PasskeyError::CrossOrigin));
        assert_eq!(forged(false, 0x05, &json!({ "topOrigin": "https://evil.example" })), Err(PasskeyError::CrossOrigin));
        assert_eq!(forged(false, 0x05, &json!({ "type": "webauthn.create" })), Err(PasskeyError::WrongCeremony));
        assert_eq!(forged(false, 0x05, &json!({ "type": "payment.get" })), Err(PasskeyError::WrongCeremony));
        assert_eq!(forged(false, 0x04, &json!({})), Err(PasskeyError::NotPresent));
        assert_eq!(forged(false, 0x01, &json!({})), Err(PasskeyError::NotVerified));
        for origin in [
            "https://my.mobile.example:8443",
            "http://my.mobile.example",
            "https://a.my.mobile.example",
            "https://mobile.example",
            "https://my.mobile.example.evil.example",
            "android:apk-key-hash:AAAA",
        ] {
            assert_eq!(forged(false, 0x05, &json!({ "origin": origin })), Err(PasskeyError::WrongOrigin), "{origin}");
        }
    }

    #[test]
    fn a_framed_registration_is_refused() {
        let response = Phone::new().create(ORIGIN, creation("create"));
        for (name, value) in [("crossOrigin", json!(true)), ("topOrigin", json!("https://evil.example"))] {
            let framed = altered(&response, "/response/clientDataJSON", |bytes| {
                let mut data: Value = serde_json::from_slice(bytes).unwrap();
                data[name] = value;
                *bytes = data.to_string().into_bytes();
            });
            assert_eq!(party().register(&challenge("create"), &framed), Err(PasskeyError::CrossOrigin), "{name}");
        }
    }

    #[test]
    fn a_synchronised_passkey_stays_one() {
        let (eligible, backed_up) = (0x08, 0x10);
        assert_eq!(forged(true, 0x05 | eligible, &json!({})), Ok(false));
        assert_eq!(forged(true, 0x05 | eligible | backed_up, &json!({})), Ok(true));
        assert_eq!(forged(false, 0x05 | eligible, &json!({})), Err(PasskeyError::BackupFlags));
        assert_eq!(forged(true, 0x05, &json!({})), Err(PasskeyError::BackupFlags));
        assert_eq!(forged(false, 0x05 | backed_up, &json!({})), Err(PasskeyError::BackupFlags));
        let response = Phone::new().create(ORIGIN, creation("create"));
        let flagged = |flags: u8| {
            let response = reattested(&response, |data| data[32] = data[32] & !(eligible | backed_up) | flags);
            party().register(&challenge("create"), &response).map(|key| (key.backup_eligible, key.backed_up))
        };
        assert_eq!(flagged(eligible), Ok((true, false)));
        assert_eq!(flagged(eligible | backed_up), Ok((true, true)));
        assert_eq!(flagged(backed_up), Err(PasskeyError::BackupFlags));
    }

    // A ceremony by an authenticator with an RSA key of 2048 bits, made once for these tests.

    /// The attestation object.
    const RSA_ATTESTATION: &str = "\
        o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YVkBZ34TAhNzg4aWIziJ6nz4pEvd9jv6gO9_neVNiKsTrObDRQAAAAAAAAAAAAAAAAAAAAAAAAAA\
        ACAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH6QBAwM5AQAgWQEAs60nPaTgRpJzezNuitrDdnlhjtCSoztscpf23WvGRsrCF61atLTs\
        LzkBqyw7dELKCDrmTEVCw1QO_BO2zMMZJl5X70NJJTxrfJaHHw-gX8Q_pgs-vYRDLzjO1EAAmXccRsoV6NsTGwy2nEzMLDQcnXg4SmMSc4aO2dch\
        R9uhta88UNsre_OQyE6NtYbnK6IGvAUw03Un3WgYr65nIUfskzwH9I2AfEskm8jx62vhIrjrkJWsla98yOhLprBBLGP06M2_mNkrYk0i_YtmgtUK\
        MAM06ggt0JQ3wu25txB0SEagTBy8d-KovWcPpZJ1MdO84pJPjsyGgC8koLxvGl-AOyFDAQAB";
    /// Client data for the challenge of `rsa`, `create`.
    const RSA_CREATED: &str = "\
        eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIiwiY2hhbGxlbmdlIjoiSTJKbGJidWdPSGh3Y0JMSFdZbTZ1UG05NHZXNWk2UFpodWJTVk43X0J6byIs\
        Im9yaWdpbiI6Imh0dHBzOi8vbXkubW9iaWxlLmV4YW1wbGUiLCJjcm9zc09yaWdpbiI6ZmFsc2V9";
    /// Client data for the challenge of `rsa`, `get`.
    const RSA_GOT: &str = "\
        eyJ0eXBlIjoid2ViYXV0aG4uZ2V0IiwiY2hhbGxlbmdlIjoiZV9oQ0xndHM2WEZqbDZBSlNsRTZyRnpDSFM4N1hhcUZxVVdQZXJITGlUVSIsIm9y\
        aWdpbiI6Imh0dHBzOi8vbXkubW9iaWxlLmV4YW1wbGUiLCJjcm9zc09yaWdpbiI6ZmFsc2V9";
    /// Authenticator data.
    const RSA_DATA: &str = "\
        fhMCE3ODhpYjOInqfPikS932O_qA73-d5U2IqxOs5sMFAAAAAQ";
    /// The signature over the two.
    const RSA_SIGNATURE: &str = "\
        Qtsh9ZgnJrH3u9pKN4Hrmddjz7m7jYYlF3nhN9yXw_3HR6L8Oc2628cM1wFZUYuzW85catVkGLOIrDH0zzJatjYHQLGkeS563hLcg8F77Pvkm3z-\
        IG8AbHe1AWxenz5BssY9aZTHlN0mMyiZrAyjX1q4dVqMVWDDDLMsIC49Twa0pZ8twqG1ZPCDxiJ3L8ZYgrpypjAGbDGkvNHKgzBdmnRDIG0jVW6G\
        gzw9tcbVNJnnfdMgCe-EbIUcEVuygECWqAuT5XSJ7RWB6-2x3PUnxBoeG1urIb2UXOJBZo6A4V7HVmUj2oqon_MGiOCIkQPM1cRRoLiBE02Wk6yV\
        Up__Xg";

    #[test]
    fn an_rsa_key_is_good_too() {
        let id = URL_SAFE_NO_PAD.encode((0..32).collect::<Vec<u8>>());
        let created = json!({
            "id": id, "rawId": id, "type": "public-key",
            "response": { "attestationObject": RSA_ATTESTATION, "clientDataJSON": RSA_CREATED },
        });
        let key = party().register(&Digest::of(&["rsa", "create"]), &created).unwrap();
        let got = json!({
            "id": id, "rawId": id, "type": "public-key",
            "response": { "authenticatorData": RSA_DATA, "clientDataJSON": RSA_GOT, "signature": RSA_SIGNATURE },
        });
        assert_eq!(party().assert(&Digest::of(&["rsa", "get"]), &[&key], &got).unwrap().counter, 1);
        let bad = altered(&got, "/response/signature", |bytes| bytes[100] ^= 1);
        assert_eq!(party().assert(&Digest::of(&["rsa", "get"]), &[&key], &bad), Err(PasskeyError::BadSignature));
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            prop::collection::vec(any::<u8>(), 0..200).prop_map(|bytes| json!(URL_SAFE_NO_PAD.encode(bytes))),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            let name = prop_oneof![
                Just("rawId"),
                Just("type"),
                Just("response"),
                Just("clientDataJSON"),
                Just("attestationObject"),
                Just("authenticatorData"),
                Just("signature"),
                Just("id"),
            ];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(name.prop_map(str::to_owned), inner, 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    const ASSERTION: [&str; 4] = ["/rawId", "/response/clientDataJSON", "/response/authenticatorData", "/response/signature"];
    const REGISTRATION: [&str; 3] = ["/rawId", "/response/clientDataJSON", "/response/attestationObject"];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn no_json_panics(mut response in anything(), part in anything()) {
            prop_assert!(party().register(&challenge("create"), &response).is_err());
            prop_assert!(party().assert(&challenge("get"), &[&Forger::new().kept()], &response).is_err());
            if response.is_object() {
                response["type"] = json!("public-key");
                response["rawId"] = json!(Forger::new().kept().credential);
                response["response"] = part;
                prop_assert!(party().register(&challenge("create"), &response).is_err());
                prop_assert!(party().assert(&challenge("get"), &[&Forger::new().kept()], &response).is_err());
            }
        }

        #[test]
        fn each_bit_of_an_assertion_counts(member in prop::sample::select(ASSERTION.to_vec()), at: prop::sample::Index, bit in 0_u8..8) {
            let forger = Forger::new();
            let good = forger.assertion("my.mobile.example", 0x05, 1, &json!({}));
            let bad = altered(&good, member, |bytes| {
                let at = at.index(bytes.len());
                bytes[at] ^= 1_u8 << bit;
            });
            prop_assert!(party().assert(&challenge("get"), &[&forger.kept()], &bad).is_err());
        }

        #[test]
        fn no_half_of_an_assertion_is_one(member in prop::sample::select(ASSERTION.to_vec()), at: prop::sample::Index) {
            let forger = Forger::new();
            let good = forger.assertion("my.mobile.example", 0x05, 1, &json!({}));
            let bad = altered(&good, member, |bytes| bytes.truncate(at.index(bytes.len())));
            prop_assert!(party().assert(&challenge("get"), &[&forger.kept()], &bad).is_err());
        }

        #[test]
        fn no_damage_to_a_registration_panics(
            member in prop::sample::select(REGISTRATION.to_vec()),
            at: prop::sample::Index,
            bytes in prop::collection::vec(any::<u8>(), 0..8),
            shorter: bool,
        ) {
            let id = URL_SAFE_NO_PAD.encode((0..32).collect::<Vec<u8>>());
            let good = json!({
                "id": id, "rawId": id, "type": "public-key",
                "response": { "attestationObject": RSA_ATTESTATION, "clientDataJSON": RSA_CREATED },
            });
            let bad = altered(&good, member, |whole| {
                let at = at.index(whole.len());
                let end = if shorter { whole.len() } else { whole.len().min(at + bytes.len()) };
                whole.splice(at..end, bytes);
            });
            let _ = party().register(&Digest::of(&["rsa", "create"]), &bad);
        }
    }
}
