//! The `DPoP` header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::dpop::{DpopError, Expected, PROOF_LIMIT, read};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{at_layer, in_lines, layer, lines, part, with};
use crate::DeviceKey;
use crate::frozen::SEED;
use crate::world::ISSUER;

const NOW: i64 = 1_795_336_033;

fn url() -> String {
    format!("{ISSUER}/v1/changes")
}

/// A `DPoP` header (layer 0), or its head and claims, signed by the right key (layer 1).
#[must_use]
pub fn dpop(data: &[u8]) -> bool {
    let (key, url, now) = (DeviceKey::new(SEED), url(), Timestamp::from_second(NOW));
    let proof = match layer(data, 2) {
        Some((0, header)) => match std::str::from_utf8(header) {
            Ok(header) => header.to_owned(),
            Err(_) => return false,
        },
        Some((_, rest)) => {
            let (head, claims) = lines(rest);
            key.sign(head, claims)
        }
        None => return false,
    };
    let (token, thumbprint) = (key.bound_token(), key.thumbprint());
    let expected = Expected { method: "POST", url: &url, access_token: Some(&token), bound_to: Some(&thumbprint) };
    let result = read(&proof, &expected, now);
    assert_eq!(result, read(&proof, &expected, now));
    let Ok(good) = result else { return false };

    // It was the key's, and says all that a proof has to say.
    assert!(key.signed(&proof) && proof.len() <= PROOF_LIMIT);
    assert_eq!(good.thumbprint, thumbprint);
    let (head, claims) = (part(&proof, 0), part(&proof, 1));
    assert_eq!((&head["typ"], &head["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    assert!(head["crit"].is_null() && head["jwk"].get("d").is_none());
    for member in ["kty", "crv", "x", "y"] {
        assert_eq!(head["jwk"][member], key.jwk()[member]);
    }
    assert_eq!(claims["htm"], "POST");
    assert_eq!(claims["ath"], ath(&token));
    let made = claims["iat"].as_i64().unwrap();
    assert!((NOW - 60..=NOW + 30).contains(&made));
    assert_eq!(good.until, Timestamp::from_second(made + 61));
    let id = claims["jti"].as_str().unwrap();
    assert!((8..=128).contains(&id.len()) && good.once.len() <= 64);

    // And it is good for nothing else.
    let other = |expected: Expected<'_>, now| read(&proof, &expected, now).unwrap_err();
    let elsewhere = format!("{url}/x");
    assert_eq!(other(Expected { method: "GET", ..expected }, now), DpopError::WrongMethod);
    assert_eq!(other(Expected { url: &elsewhere, ..expected }, now), DpopError::WrongUrl);
    assert_eq!(other(Expected { url: "http://linekeeper.carrier.example/v1/changes", ..expected }, now), DpopError::WrongUrl);
    assert_eq!(other(Expected { access_token: Some("another"), ..expected }, now), DpopError::WrongToken);
    assert_eq!(other(Expected { bound_to: Some("another"), ..expected }, now), DpopError::WrongKey);
    assert_eq!(other(expected, now + Span::seconds(91)), DpopError::TooOld);
    assert_eq!(other(expected, now - Span::seconds(91)), DpopError::TooEarly);
    true
}

fn ath(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}

pub(super) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let key = DeviceKey::new(SEED);
    let head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk()});
    let claims = json!({"jti": "0123456789abcdef", "htm": "POST", "htu": url(), "iat": NOW, "ath": ath(&key.bound_token())});
    let whole = |head: &Value, claims: &Value| key.sign(head.to_string().as_bytes(), claims.to_string().as_bytes());
    let good = whole(&head, &claims);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let no_algorithm = whole(&with(&head, "alg", json!("none")), &claims);
    let of_another_key = DeviceKey::new(1).sign(head.to_string().as_bytes(), claims.to_string().as_bytes());
    let private = with(&head, "jwk", with(&key.jwk(), "d", json!("AQ")));
    let other_curve = with(&head, "jwk", with(&key.jwk(), "crv", json!("P-384")));
    let off_curve = with(&head, "jwk", with(&key.jwk(), "y", key.jwk()["x"].clone()));
    let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
    vec![
        ("good-whole", at_layer(0, &good)),
        ("good-parts", in_lines(&head, &claims)),
        ("good-with-a-query", in_lines(&head, &with(&claims, "htu", json!(format!("{}?a=b#c", url()))))),
        ("good-a-minute-old", in_lines(&head, &with(&claims, "iat", json!(NOW - 60)))),
        ("bad-empty", at_layer(0, "")),
        ("bad-dots", at_layer(0, "..")),
        ("bad-unsigned", at_layer(0, format!("{input}."))),
        ("bad-alg-none", at_layer(0, format!("{}.", no_algorithm.rsplit_once('.').unwrap().0))),
        ("bad-alg-none-signed", in_lines(&with(&head, "alg", json!("none")), &claims)),
        ("bad-alg-hs256", in_lines(&with(&head, "alg", json!("HS256")), &claims)),
        ("bad-alg-rs256", in_lines(&with(&head, "alg", json!("RS256")), &claims)),
        ("bad-signature-zero", at_layer(0, format!("{input}.{}", URL_SAFE_NO_PAD.encode([0; 64])))),
        ("bad-signature-short", at_layer(0, format!("{input}.{}", &signature[..40]))),
        ("bad-of-another-key", at_layer(0, of_another_key)),
        ("bad-two-joined", at_layer(0, format!("{good},{good}"))),
        ("bad-oversized", at_layer(0, whole(&head, &with(&claims, "padding", json!("x".repeat(2_800)))))),
        ("bad-typ", in_lines(&with(&head, "typ", json!("JWT")), &claims)),
        ("bad-crit", in_lines(&with(&head, "crit", json!(["b64"])), &claims)),
        ("bad-key-private", in_lines(&private, &claims)),
        ("bad-key-p-384", in_lines(&other_curve, &claims)),
        ("bad-key-off-curve", in_lines(&off_curve, &claims)),
        ("bad-key-rsa", in_lines(&with(&head, "jwk", rsa), &claims)),
        ("bad-key-missing", in_lines(&with(&head, "jwk", Value::Null), &claims)),
        ("bad-method", in_lines(&head, &with(&claims, "htm", json!("GET")))),
        ("bad-url", in_lines(&head, &with(&claims, "htu", json!("https://evil.example/v1/changes")))),
        ("bad-past", in_lines(&head, &with(&claims, "iat", json!(NOW - 61)))),
        ("bad-future", in_lines(&head, &with(&claims, "iat", json!(NOW + 31)))),
        ("bad-time-extreme", in_lines(&head, &with(&claims, "iat", json!(i64::MIN)))),
        ("bad-id-short", in_lines(&head, &with(&claims, "jti", json!("0123456")))),
        ("bad-token", in_lines(&head, &with(&claims, "ath", json!(ath("another"))))),
    ]
}
