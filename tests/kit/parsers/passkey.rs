//! What `navigator.credentials` gave: JSON around CBOR around bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linekeeper_domain::digest::Digest;
use linekeeper_domain::factors::PasskeyKey;
use linekeeper_platform::passkey::{CREDENTIAL_LIMIT, PasskeyError, RESPONSE_LIMIT};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{at_layer, layer, with};
use crate::Phone;
use crate::frozen::SEED;
use crate::world::{ORIGIN, relying_party};

const RP_ID: &str = "my.carrier.example";
/// User present, user verified, can be synchronised, is synchronised.
const FLAGS: [u8; 4] = [0x01, 0x04, 0x08, 0x10];

fn challenge(what: &str) -> Digest {
    Digest::of(&["fuzz", what])
}

fn client(kind: &str, what: &str) -> Value {
    let options = relying_party().request_options(&challenge(what), &[]);
    json!({"type": kind, "challenge": options["challenge"], "origin": ORIGIN, "crossOrigin": false})
}

fn decoded(response: &Value, member: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(response.pointer(member).unwrap().as_str().unwrap()).unwrap()
}

/// What the browser says is what was asked for.
fn check_client(response: &Value, kind: &str) {
    let said: Value = serde_json::from_slice(&decoded(response, "/response/clientDataJSON")).unwrap();
    assert_eq!(said["type"], kind);
    // As an address: a browser writes it in one way, and what else reads as it is as much it.
    let origin = |text: &str| Url::parse(text).unwrap().origin();
    assert_eq!(origin(said["origin"].as_str().unwrap()), origin(ORIGIN));
    assert!(matches!(said["crossOrigin"], Value::Null | Value::Bool(false)) && said["topOrigin"].is_null());
}

/// The flags are in order, and those of a credential agree with what is kept of it.
fn check_flags(data: &[u8], eligible: bool, backed_up: bool) {
    let [present, verified, can_be, is] = FLAGS.map(|flag| data[32] & flag != 0);
    assert!(present && verified && data[..32] == *Sha256::digest(RP_ID));
    assert_eq!((can_be, is), (eligible, backed_up));
    assert!(eligible || !backed_up);
}

/// A response to `create()`: whole JSON (layer 0); or only its client data (1), attestation object (2),
/// authenticator data (3) or public key in COSE (4), all else being right.
#[must_use]
pub fn passkey_register(data: &[u8]) -> bool {
    let mut phone = Phone::new(SEED);
    let said = client("webauthn.create", "create").to_string();
    let (response, authenticator) = match layer(data, 5) {
        // Longer than any body.
        Some((_, rest)) if rest.len() > 16 * 1024 => return false,
        Some((0, rest)) => match serde_json::from_slice(rest) {
            Ok(response) => (response, None),
            Err(_) => return false,
        },
        Some((1, rest)) => {
            let made = phone.attested(RP_ID, &phone.cose());
            (phone.registration(rest, &Phone::object(&made)), Some(made))
        }
        Some((2, rest)) => (phone.registration(said.as_bytes(), rest), None),
        Some((3, rest)) => (with_id_of(rest, phone.registration(said.as_bytes(), &Phone::object(rest))), Some(rest.to_vec())),
        Some((_, rest)) => {
            let made = phone.attested(RP_ID, rest);
            (phone.registration(said.as_bytes(), &Phone::object(&made)), Some(made))
        }
        None => return false,
    };
    let party = relying_party();
    let result = party.register(&challenge("create"), &response);
    assert_eq!(result, party.register(&challenge("create"), &response));
    assert_ne!(result, Err(PasskeyError::Unusable));
    let Ok(kept) = result else { return false };

    assert!(response.to_string().len() <= RESPONSE_LIMIT);
    check_client(&response, "webauthn.create");
    if let Some(data) = &authenticator {
        check_flags(data, kept.backup_eligible, kept.backed_up);
    }
    // One id, and little to keep.
    let id = URL_SAFE_NO_PAD.decode(&kept.credential).unwrap();
    assert!((1..=CREDENTIAL_LIMIT).contains(&id.len()) && id == decoded(&response, "/rawId"));
    let text = serde_json::to_string(&kept).unwrap();
    assert!(text.len() <= 1_024, "{} bytes are kept", text.len());
    assert_eq!(serde_json::from_str::<PasskeyKey>(&text).unwrap(), kept);

    // Good for this challenge and this app only.
    assert_eq!(party.register(&challenge("another"), &response), Err(PasskeyError::WrongChallenge));
    let elsewhere = linekeeper_platform::passkey::RelyingParty::new("https://another.example", "x").unwrap();
    assert!(elsewhere.register(&challenge("create"), &response).is_err());

    // What was taken can be used: an answer by another key is refused for its signature, and for no fault of ours.
    let said = client("webauthn.get", "get").to_string();
    let flags = 0x05 | if kept.backup_eligible { 0x08 } else { 0 } | if kept.backed_up { 0x10 } else { 0 };
    let data = [Sha256::digest(RP_ID).as_slice(), &[flags], &kept.counter.saturating_add(1).to_be_bytes()].concat();
    for signature in [decoded(&Phone::new(1).sign(said.as_bytes(), &data), "/response/signature"), vec![0; 256], vec![1; 256]] {
        let forged = with(&Phone::new(1).assertion(said.as_bytes(), &data, &signature), "rawId", json!(kept.credential));
        assert_eq!(party.assert(&challenge("get"), &[&kept], &forged), Err(PasskeyError::BadSignature));
    }
    true
}

/// With the credential id that stands in authenticator data.
fn with_id_of(data: &[u8], response: Value) -> Value {
    let id = data.get(53..55).and_then(|it| data.get(55..55 + usize::from(it[0]) * 256 + usize::from(it[1])));
    id.map_or(response.clone(), |id| with(&response, "rawId", json!(URL_SAFE_NO_PAD.encode(id))))
}

/// A response to `get()`: whole JSON (layer 0); or only its signature (1), client data (2) or authenticator data
/// (3), all else being right, and the last two well signed.
#[must_use]
pub fn passkey_assert(data: &[u8]) -> bool {
    let (mut phone, party) = (Phone::new(SEED), relying_party());
    let created = phone.attested(RP_ID, &phone.cose());
    let said = client("webauthn.create", "create").to_string();
    let kept = party.register(&challenge("create"), &phone.registration(said.as_bytes(), &Phone::object(&created))).unwrap();
    let said = client("webauthn.get", "get").to_string();
    let right = right_data(2);
    let response = match layer(data, 4) {
        Some((0, rest)) => match serde_json::from_slice(rest) {
            Ok(response) => response,
            Err(_) => return false,
        },
        Some((1, rest)) => phone.assertion(said.as_bytes(), &right, rest),
        Some((2, rest)) => phone.sign(rest, &right),
        Some((_, rest)) => phone.sign(said.as_bytes(), rest),
        None => return false,
    };
    let result = party.assert(&challenge("get"), &[&kept], &response);
    assert_eq!(result, party.assert(&challenge("get"), &[&kept], &response));
    assert_ne!(result, Err(PasskeyError::Unusable));
    let Ok(good) = result else { return false };

    // It was the right key, over these very bytes.
    let [client, data, signature] =
        ["clientDataJSON", "authenticatorData", "signature"].map(|member| decoded(&response, &format!("/response/{member}")));
    assert!(phone.signed(&client, &data, &signature));
    assert!(response.to_string().len() <= RESPONSE_LIMIT);
    check_client(&response, "webauthn.get");
    check_flags(&data, kept.backup_eligible, good.backed_up);
    assert_eq!(good.credential, kept.credential);
    assert_eq!(good.counter.to_be_bytes(), data[33..37]);
    assert!(good.counter > kept.counter);

    // And it is good for nothing else.
    let other = |what: &str, keys: &[&PasskeyKey]| party.assert(&challenge(what), keys, &response).unwrap_err();
    assert_eq!(other("another", &[&kept]), PasskeyError::WrongChallenge);
    assert_eq!(other("get", &[]), PasskeyError::UnknownCredential);
    let used = PasskeyKey { counter: good.counter, ..kept.clone() };
    assert_eq!(other("get", &[&used]), PasskeyError::CounterBack);
    true
}

/// Authenticator data as it should be.
fn right_data(counter: u32) -> Vec<u8> {
    [Sha256::digest(RP_ID).as_slice(), &[0x05], &counter.to_be_bytes()].concat()
}

/// Over the limit, once its numbers are written out.
fn oversized(response: &Value) -> String {
    let whole = response.to_string();
    format!("{},\"padding\":[{}0]}}", whole.strip_suffix('}').unwrap(), "1E15,".repeat(500))
}

/// A map in CBOR, of what is written already.
fn cose(members: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0xa0 | u8::try_from(members.len()).unwrap()];
    members.iter().for_each(|(key, value)| bytes.extend([*key, *value].concat()));
    bytes
}

pub(super) fn register_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut phone = Phone::new(SEED);
    let said = client("webauthn.create", "create");
    let said_by = |other: Value| at_layer(1, other.to_string());
    let key = phone.cose();
    let data = phone.attested(RP_ID, &key);
    let object = Phone::object(&data);
    let whole = phone.registration(said.to_string().as_bytes(), &object);
    let flagged = |flags: u8| at_layer(3, [&data[..32], &[flags], &data[33..]].concat());
    let (x, y) = (&key[8..42], &key[43..]);
    let rsa = |n: usize| {
        let modulus = [&[0x59][..], &u16::try_from(n).unwrap().to_be_bytes(), &[0xb3], &vec![0x55; n - 2], &[0x01]].concat();
        at_layer(
            4,
            cose(&[
                (&[0x01], &[0x03]),
                (&[0x03], &[0x39, 0x01, 0x00]),
                (&[0x20], &modulus),
                (&[0x21], &[0x43, 0x01, 0x00, 0x01]),
            ]),
        )
    };
    let ec = |kind: u8, algorithm: &[u8], curve: u8, x: &[u8], y: &[u8]| {
        at_layer(4, cose(&[(&[0x01], &[kind]), (&[0x03], algorithm), (&[0x20], &[curve]), (&[0x21], x), (&[0x22], y)]))
    };
    let long = [&[0x58, 0x30][..], &[7; 48]].concat();
    vec![
        ("good-whole", at_layer(0, whole.to_string())),
        ("good-client", at_layer(1, said.to_string())),
        ("good-object", at_layer(2, &object)),
        ("good-data", at_layer(3, &data)),
        ("good-data-synchronised", flagged(0x5d)),
        ("good-key", at_layer(4, &key)),
        ("good-key-rsa", rsa(256)),
        ("bad-cbor", at_layer(2, [0xa3, 0x63, b'f', b'm'])),
        ("bad-cbor-deep", at_layer(2, vec![0x81; 2_000])),
        ("bad-cbor-endless", at_layer(2, [0xbf, 0x68, b'a', b'u', b't', b'h', b'D', b'a', b't', b'a', 0x5f, 0x41, 0x00])),
        (
            "bad-cbor-huge-length",
            at_layer(
                2,
                [
                    0xa1, 0x68, b'a', b'u', b't', b'h', b'D', b'a', b't', b'a', 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                    0xff,
                ],
            ),
        ),
        ("bad-cbor-trailing", at_layer(2, [object.as_slice(), &[0x00]].concat())),
        ("bad-challenge", said_by(with(&said, "challenge", json!("AAAA")))),
        ("bad-origin", said_by(with(&said, "origin", json!("https://my.carrier.example.evil.example")))),
        ("bad-frame", said_by(with(&said, "crossOrigin", json!(true)))),
        ("bad-ceremony", said_by(with(&said, "type", json!("webauthn.get")))),
        ("bad-relying-party", at_layer(3, phone.attested("evil.example", &key))),
        ("bad-not-present", flagged(0x44)),
        ("bad-not-verified", flagged(0x41)),
        ("bad-backup-flags", flagged(0x55)),
        ("bad-extensions", flagged(0xc5)),
        ("bad-key-off-curve", ec(0x02, &[0x26], 0x01, x, x)),
        ("bad-key-p-384", ec(0x02, &[0x26], 0x02, &long, &long)),
        ("bad-key-es384", ec(0x02, &[0x38, 0x22], 0x02, &long, &long)),
        ("bad-key-ed25519", ec(0x01, &[0x27], 0x06, x, y)),
        ("bad-key-no-algorithm", ec(0x02, &[0x00], 0x01, x, y)),
        ("bad-key-rsa-short", rsa(128)),
        ("bad-key-rsa-ps256", at_layer(4, cose(&[(&[0x01], &[0x03]), (&[0x03], &[0x38, 0x24])]))),
        ("bad-oversized", at_layer(0, oversized(&whole))),
    ]
}

pub(super) fn assert_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let (phone, said, data) = (Phone::new(SEED), client("webauthn.get", "get"), right_data(2));
    let text = said.to_string();
    let whole = phone.sign(text.as_bytes(), &data);
    let signature = decoded(&whole, "/response/signature");
    let said_by = |other: Value| at_layer(2, other.to_string());
    let flagged = |flags: u8| at_layer(3, [&data[..32], &[flags], &data[33..]].concat());
    vec![
        ("good-whole", at_layer(0, whole.to_string())),
        ("good-signature", at_layer(1, &signature)),
        ("good-client", at_layer(2, &text)),
        ("good-data", at_layer(3, &data)),
        ("good-client-without-frame", said_by(with(&said, "crossOrigin", Value::Null))),
        ("bad-signature-of-another", at_layer(1, decoded(&Phone::new(1).sign(text.as_bytes(), &data), "/response/signature"))),
        ("bad-signature-empty", at_layer(1, "")),
        ("bad-signature-zero", at_layer(1, [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00])),
        ("bad-signature-half", at_layer(1, &signature[..30])),
        ("bad-credential", at_layer(0, with(&whole, "rawId", json!("AAAA")).to_string())),
        ("bad-not-a-credential", at_layer(0, with(&whole, "type", json!("password")).to_string())),
        ("bad-response-missing", at_layer(0, with(&whole, "response", Value::Null).to_string())),
        ("bad-oversized", at_layer(0, oversized(&whole))),
        ("bad-json", at_layer(0, &whole.to_string()[..60])),
        ("bad-challenge", said_by(with(&said, "challenge", json!("")))),
        ("bad-origin", said_by(with(&said, "origin", json!("https://evil.example")))),
        ("bad-origin-port", said_by(with(&said, "origin", json!("https://my.carrier.example:8443")))),
        ("bad-origin-plain", said_by(with(&said, "origin", json!("http://my.carrier.example")))),
        ("bad-frame", said_by(with(&said, "topOrigin", json!("https://evil.example")))),
        ("bad-ceremony", said_by(with(&said, "type", json!("webauthn.create")))),
        ("bad-ceremony-payment", said_by(with(&said, "type", json!("payment.get")))),
        ("bad-relying-party", at_layer(3, [Sha256::digest("evil.example").as_slice(), &[0x05, 0, 0, 0, 2]].concat())),
        ("bad-not-present", flagged(0x04)),
        ("bad-not-verified", flagged(0x01)),
        ("bad-synchronised", flagged(0x1d)),
        ("bad-counter-back", at_layer(3, right_data(1))),
        ("bad-counter-zero", at_layer(3, right_data(0))),
        ("bad-data-short", at_layer(3, &data[..36])),
        ("bad-data-extended", at_layer(3, [&data[..32], &[0x85], &data[33..], &[0xa1, 0x61]].concat())),
    ]
}
