//! Bearer tokens, which we verify where no authorizer stands in front, and the token of a "this was not me" link.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use linekeeper_domain::ids::{AccountId, ChangeId};
use linekeeper_domain::time::Timestamp;
use linekeeper_platform::http::Request;
use linekeeper_platform::identity::{CUSTOMER_SCOPE, Caller, Identity, REPRESENTATIVE_SCOPE, Verifier};
use linekeeper_platform::keys::{NOT_ME_TYP, NotMe, read_not_me};
use linekeeper_platform::problem::ProblemKind;
use serde_json::{Value, json};

use super::{at_layer, event, in_lines, layer, lines, part, with};
use crate::DeviceKey;
use crate::doubles::Keys;
use crate::frozen::SEED;
use crate::people::ANA;
use crate::tap::Tap;
use crate::world::ISSUER;

const AUDIENCE: &str = "linekeeper";
/// The year 2100: these tokens are judged by the machine's clock.
const LATE: i64 = 4_102_444_800;
const NOW: i64 = 1_795_336_033;

fn identity() -> Identity {
    let mut jwk = DeviceKey::new(SEED).jwk();
    jwk["kid"] = json!("k1");
    Identity::new(Some(Verifier::new(ISSUER, AUDIENCE, &json!({"keys": [jwk]}).to_string()).unwrap()))
}

/// An `Authorization` header (layer 0), or head and claims of its token, signed by the issuer's key (layer 1).
#[must_use]
pub fn bearer(data: &[u8]) -> bool {
    let key = DeviceKey::new(SEED);
    let header = match layer(data, 2) {
        Some((0, rest)) => String::from_utf8_lossy(rest).into_owned(),
        Some((_, rest)) => {
            let (head, claims) = lines(rest);
            format!("Bearer {}", key.sign(head, claims))
        }
        None => return false,
    };
    let Some(event) = event("GET", "/v1/account", &json!({"authorization": header}), None, false) else { return false };
    let request = Request::read(serde_json::from_value::<ApiGatewayV2httpRequest>(event).unwrap()).unwrap();
    let identity = identity();
    let result = identity.caller(&request);
    assert_eq!(result, identity.caller(&request));
    assert_eq!(Identity::default().caller(&request).unwrap_err().kind, ProblemKind::Unauthenticated);
    let caller = match result {
        Ok(caller) => caller,
        Err(problem) => {
            assert!(matches!(problem.kind, ProblemKind::Unauthenticated | ProblemKind::Forbidden));
            return false;
        }
    };

    let (_, token) = header.split_once(' ').unwrap();
    let token = token.trim();
    assert!(key.signed(token));
    let (head, claims) = (part(token, 0), part(token, 1));
    assert_eq!((&head["alg"], &head["kid"]), (&json!("ES256"), &json!("k1")));
    let names =
        |claim: &Value, name: &str| claim == name || claim.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    assert!(names(&claims["iss"], ISSUER) && names(&claims["aud"], AUDIENCE));
    assert!(claims["exp"].as_f64().unwrap() > 0.0);
    let scopes: Vec<&str> = claims["scope"].as_str().unwrap().split(' ').collect();
    let (subject, scope, other) = match &caller {
        Caller::Customer { account_id } => (account_id.as_str(), CUSTOMER_SCOPE, REPRESENTATIVE_SCOPE),
        Caller::Representative { id, .. } => (id.as_str(), REPRESENTATIVE_SCOPE, CUSTOMER_SCOPE),
    };
    assert!(claims["sub"] == subject && scopes.contains(&scope) && !scopes.contains(&other));
    true
}

/// The token of a link (layer 0), or its head and claims, signed by our key (layer 1).
#[must_use]
pub fn not_me(data: &[u8]) -> bool {
    let (key, jwk) = (DeviceKey::new(SEED), Keys::of(SEED, Tap::default()).public());
    let token = match layer(data, 2) {
        Some((0, rest)) => String::from_utf8_lossy(rest).into_owned(),
        Some((_, rest)) => {
            let (head, claims) = lines(rest);
            key.sign(head, claims)
        }
        None => return false,
    };
    let at = |seconds: i64| read_not_me(&token, &jwk, ISSUER, Timestamp::from_second(seconds));
    let result = at(NOW);
    assert_eq!(result, at(NOW));
    let Some(link) = result else { return false };

    assert!(key.signed(&token));
    let (head, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&head["alg"], &head["typ"], &head["kid"]), (&json!("ES256"), &json!(NOT_ME_TYP), &json!("test-key")));
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["sub"], link.account_id.as_str());
    assert_eq!(claims["chg"], link.change_id.as_str());
    assert_eq!(serde_json::from_value::<NotMe>(serde_json::to_value(&link).unwrap()).unwrap(), link);
    assert_eq!(AccountId::parse(link.account_id.as_str()).as_ref(), Ok(&link.account_id));
    assert_eq!(ChangeId::parse(link.change_id.as_str()).as_ref(), Ok(&link.change_id));

    let end = claims["exp"].as_i64().unwrap();
    assert!(NOW < end && at(end).is_none());
    assert_eq!(read_not_me(&token, &jwk, "https://another.example", Timestamp::from_second(NOW)), None);
    let other = Keys::of(1, Tap::default()).public();
    assert_eq!(read_not_me(&token, &other, ISSUER, Timestamp::from_second(NOW)), None);
    true
}

/// The same bytes with the signature taken off, for `none`.
fn unsigned(key: &DeviceKey, head: &Value, claims: &Value) -> String {
    let token = key.sign(with(head, "alg", json!("none")).to_string().as_bytes(), claims.to_string().as_bytes());
    format!("{}.", token.rsplit_once('.').unwrap().0)
}

pub(super) fn bearer_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let key = DeviceKey::new(SEED);
    let head = json!({"alg": "ES256", "typ": "JWT", "kid": "k1"});
    let claims = json!({"sub": ANA.account, "iss": ISSUER, "aud": AUDIENCE, "exp": LATE, "scope": "openid linekeeper:customer"});
    let token = key.sign(head.to_string().as_bytes(), claims.to_string().as_bytes());
    let staff = with(&with(&claims, "scope", json!(REPRESENTATIVE_SCOPE)), "contact_channel", json!("phone"));
    let hs256 = with(&head, "alg", json!("HS256"));
    let own_key = with(&with(&head, "jwk", DeviceKey::new(1).jwk()), "kid", json!("k1"));
    let forged = DeviceKey::new(1).sign(own_key.to_string().as_bytes(), claims.to_string().as_bytes());
    let claiming = |member: &str, value: Value| in_lines(&head, &with(&claims, member, value));
    vec![
        ("good-whole", at_layer(0, format!("Bearer {token}"))),
        ("good-dpop", at_layer(0, format!("DPoP {token}"))),
        ("good-parts", in_lines(&head, &claims)),
        ("good-staff", in_lines(&head, &staff)),
        ("bad-empty", at_layer(0, "")),
        ("bad-scheme", at_layer(0, format!("Basic {token}"))),
        ("bad-no-scheme", at_layer(0, &token)),
        ("bad-alg-none", at_layer(0, format!("Bearer {}", unsigned(&key, &head, &claims)))),
        ("bad-alg-hs256", in_lines(&hs256, &claims)),
        ("bad-key-of-its-own", at_layer(0, format!("Bearer {forged}"))),
        ("bad-kid", in_lines(&with(&head, "kid", json!("k2")), &claims)),
        ("bad-kid-missing", in_lines(&with(&head, "kid", Value::Null), &claims)),
        (
            "bad-signature-zero",
            at_layer(0, format!("Bearer {}.{}", token.rsplit_once('.').unwrap().0, URL_SAFE_NO_PAD.encode([0; 64]))),
        ),
        ("bad-oversized", at_layer(0, format!("Bearer {token}{}", "A".repeat(3_000)))),
        ("bad-past", claiming("exp", json!(NOW - 100_000_000))),
        ("bad-future", claiming("nbf", json!(LATE))),
        ("bad-issuer", claiming("iss", json!("https://evil.example"))),
        ("bad-audience", claiming("aud", json!("another"))),
        ("bad-two-scopes", claiming("scope", json!("linekeeper:customer linekeeper:representative"))),
        ("bad-no-scope", claiming("scope", Value::Null)),
        ("bad-subject", claiming("sub", json!("a b"))),
        ("bad-staff-in-the-app", in_lines(&head, &with(&staff, "contact_channel", json!("pwa")))),
    ]
}

pub(super) fn not_me_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let key = DeviceKey::new(SEED);
    let head = json!({"alg": "ES256", "typ": NOT_ME_TYP, "kid": "test-key"});
    let claims = json!({"iss": ISSUER, "iat": NOW - 100, "exp": NOW + 600_000, "sub": ANA.account, "chg": "line.line-ana.0123456789abcdef"});
    let token = key.sign(head.to_string().as_bytes(), claims.to_string().as_bytes());
    let of_another = DeviceKey::new(1).sign(head.to_string().as_bytes(), claims.to_string().as_bytes());
    let claiming = |member: &str, value: Value| in_lines(&head, &with(&claims, member, value));
    vec![
        ("good-whole", at_layer(0, &token)),
        ("good-parts", in_lines(&head, &claims)),
        ("good-account", claiming("chg", json!("account.0123456789abcdef"))),
        ("bad-empty", at_layer(0, "")),
        ("bad-half", at_layer(0, &token[..token.len() / 2])),
        ("bad-alg-none", at_layer(0, unsigned(&key, &head, &claims))),
        ("bad-alg-hs256", in_lines(&with(&head, "alg", json!("HS256")), &claims)),
        ("bad-of-another-key", at_layer(0, of_another)),
        ("bad-authorization", in_lines(&with(&head, "typ", json!("linekeeper-authorization+jwt")), &claims)),
        ("bad-kid", in_lines(&with(&head, "kid", json!("another")), &claims)),
        ("bad-past", claiming("exp", json!(NOW))),
        ("bad-time-extreme", claiming("exp", json!(i64::MIN))),
        ("bad-issuer", claiming("iss", json!("https://evil.example"))),
        ("bad-account", claiming("sub", json!("../acct-ana"))),
        ("bad-change", claiming("chg", json!("line..x"))),
        ("bad-change-missing", claiming("chg", Value::Null)),
        ("bad-signature-zero", at_layer(0, format!("{}.{}", token.rsplit_once('.').unwrap().0, URL_SAFE_NO_PAD.encode([0; 64])))),
    ]
}
