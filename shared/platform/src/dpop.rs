//! Proofs of a device's key (DPoP, RFC 9449): that whoever sends a request holds the key, now, for this
//! request.
//!
//! Contract: the algorithm is ES256 and the key comes with the proof, public only; what counts is its
//! thumbprint, which an account remembers and a token may be bound to. A proof is good for a minute, and
//! that it is good once is the caller's: [`DeviceProof::once`] is to be kept until [`DeviceProof::until`].
//! A token that is bound to a key proves nothing without its proof, so one that comes without is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use linekeeper_domain::digest::Digest;
use linekeeper_domain::signals::DeviceProof;
use linekeeper_domain::time::{Span, Timestamp};
use p256::elliptic_curve::sec1::Sec1Point;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::http::Request;

/// The largest proof that is looked at, in bytes.
pub const PROOF_LIMIT: usize = 4 * 1024;
/// The header that carries a proof.
pub const PROOF_HEADER: &str = "dpop";
/// `typ` of a proof.
const TYP: &str = "dpop+jwt";
/// How old a proof may be.
const PAST: Span = Span::seconds(60);
/// How far a device's clock may be ahead.
const FUTURE: Span = Span::seconds(30);

/// What a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// `https://host/path`, without a query.
    pub url: &'a str,
    /// The token that came with it.
    pub access_token: Option<&'a str>,
    /// The key that the token is bound to (`cnf.jkt`).
    pub bound_to: Option<&'a str>,
}

/// Why a proof is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// The token is bound to a key, and no proof of it came.
    #[error("the token is bound to a key and came without its proof")]
    Missing,
    /// More than one proof.
    #[error("there is more than one proof")]
    Repeated,
    /// Over [`PROOF_LIMIT`].
    #[error("the proof is too large")]
    TooLarge,
    /// No JWT, or without what every proof has.
    #[error("the proof cannot be read")]
    Malformed,
    /// A JWT of another kind.
    #[error("the token is not a proof")]
    NotAProof,
    /// Not ES256.
    #[error("the proof is not signed by ES256")]
    WrongAlgorithm,
    /// Not a public key of P-256.
    #[error("the proof's key is no public key of P-256")]
    BadKey,
    /// Not signed by the key it names.
    #[error("the signature is not the key's")]
    BadSignature,
    /// For another method.
    #[error("the proof is for another method")]
    WrongMethod,
    /// For another address.
    #[error("the proof is for another address")]
    WrongUrl,
    /// Older than a minute.
    #[error("the proof is too old: make one for each request, by a clock that is right")]
    TooOld,
    /// From a clock that is too far ahead.
    #[error("the proof is from the future: the device's clock is ahead")]
    TooEarly,
    /// Not 8 to 128 visible characters.
    #[error("the proof's id does not have 8 to 128 visible characters")]
    BadId,
    /// For another token, or for none.
    #[error("the proof is for another token")]
    WrongToken,
    /// By another key than the token's.
    #[error("the proof is by another key than the token is bound to")]
    WrongKey,
}

/// The members of a proof's header that matter. A member that comes twice is an error of the parser.
#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: Option<String>,
    jwk: Option<PublicKey>,
    /// Extensions that must be understood (RFC 7515, section 4.1.11); none is.
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct PublicKey {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// The private half: whoever sends it has given the key away.
    #[serde(default, deserialize_with = "present")]
    d: bool,
}

/// That a member is there, be it `null`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
}

/// Reads the proof that came with a request, if one did. `base_url` is where the API is reached
/// (`https://host`, with a stage if there is one).
///
/// The token in `Authorization` was verified before, by the authorizer or by
/// [`Identity`](crate::identity::Identity); here it is only read, for the key it is bound to.
///
/// # Errors
/// Why the proof is not good, or that a bound token has none.
pub fn from_request(request: &Request, base_url: &str, now: Timestamp) -> Result<Option<DeviceProof>, DpopError> {
    let token = access_token(request);
    let bound_to = token.and_then(binding);
    let mut proofs = request.header_values(PROOF_HEADER);
    let Some(proof) = proofs.next() else {
        return if bound_to.is_some() { Err(DpopError::Missing) } else { Ok(None) };
    };
    let proof = proof.to_str().map_err(|_| DpopError::Malformed)?;
    // API Gateway joins repeated headers by commas, and no JWT holds one.
    if proofs.next().is_some() || proof.contains(',') {
        return Err(DpopError::Repeated);
    }
    let url = format!("{}{}", base_url.trim_end_matches('/'), request.path_text());
    let expected = Expected { method: request.method(), url: &url, access_token: token, bound_to: bound_to.as_deref() };
    read(proof, &expected, now).map(Some)
}

/// Reads a proof.
///
/// # Errors
/// Why it is not good.
pub fn read(proof: &str, expected: &Expected<'_>, now: Timestamp) -> Result<DeviceProof, DpopError> {
    if proof.len() > PROOF_LIMIT {
        return Err(DpopError::TooLarge);
    }
    let header = header(proof).ok_or(DpopError::Malformed)?;
    if header.typ.as_deref() != Some(TYP) {
        return Err(DpopError::NotAProof);
    }
    if header.alg.as_deref() != Some("ES256") {
        return Err(DpopError::WrongAlgorithm);
    }
    if header.crit.is_some() {
        return Err(DpopError::Malformed);
    }
    let (key, thumbprint) = header.jwk.as_ref().and_then(public_key).ok_or(DpopError::BadKey)?;
    let claims = verified(proof, &key)?;
    if claims.htm != expected.method {
        return Err(DpopError::WrongMethod);
    }
    if !same_address(&claims.htu, expected.url) {
        return Err(DpopError::WrongUrl);
    }
    let issued = Timestamp::from_second(claims.iat);
    if now > issued + PAST {
        return Err(DpopError::TooOld);
    }
    if issued > now + FUTURE {
        return Err(DpopError::TooEarly);
    }
    if !(8..=128).contains(&claims.jti.len()) || !claims.jti.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(DpopError::BadId);
    }
    if let Some(token) = expected.access_token
        && claims.ath != Some(URL_SAFE_NO_PAD.encode(Sha256::digest(token)))
    {
        return Err(DpopError::WrongToken);
    }
    if expected.bound_to.is_some_and(|key| key != thumbprint) {
        return Err(DpopError::WrongKey);
    }
    Ok(DeviceProof {
        once: Digest::of(&["linekeeper device proof 1", &thumbprint, &claims.jti]).as_str().to_owned(),
        until: issued + PAST + Span::seconds(1),
        thumbprint,
    })
}

fn header(proof: &str) -> Option<Header> {
    let bytes = URL_SAFE_NO_PAD.decode(proof.split('.').next()?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The key and its thumbprint. Both coordinates have their one canonical form, so that a key has one
/// thumbprint.
fn public_key(jwk: &PublicKey) -> Option<(DecodingKey, String)> {
    let (Some("P-256"), Some(x), Some(y)) = (jwk.crv.as_deref(), jwk.x.as_deref(), jwk.y.as_deref()) else { return None };
    if jwk.kty != "EC" || jwk.d {
        return None;
    }
    let coordinate = |text: &str| <[u8; 32]>::try_from(URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    let point = Sec1Point::<p256::NistP256>::from_affine_coordinates(&coordinate(x)?.into(), &coordinate(y)?.into(), false);
    // Off the curve it is no key.
    p256::PublicKey::from_sec1_bytes(point.as_bytes()).ok()?;
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    Some((DecodingKey::from_ec_components(x, y).ok()?, URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))))
}

fn verified(proof: &str, key: &DecodingKey) -> Result<Claims, DpopError> {
    let mut validation = Validation::new(Algorithm::ES256);
    // A proof has none of the claims that the library looks for, and its time is judged by the clock that
    // was handed in.
    validation.set_required_spec_claims::<&str>(&[]);
    validation.validate_exp = false;
    validation.validate_aud = false;
    match jsonwebtoken::decode::<Claims>(proof, key, &validation) {
        Ok(data) => Ok(data.claims),
        Err(error) if matches!(error.kind(), jsonwebtoken::errors::ErrorKind::InvalidSignature) => Err(DpopError::BadSignature),
        Err(_) => Err(DpopError::Malformed),
    }
}

/// Whether two addresses are one, but for the query and the fragment (RFC 9449, section 4.3).
fn same_address(htu: &str, expected: &str) -> bool {
    let bare = |text: &str| {
        let mut url = Url::parse(text).ok().filter(|url| url.has_host())?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    bare(htu).is_some_and(|url| Some(url) == bare(expected))
}

/// The token in `Authorization`, whatever stands before it: API Gateway's authorizer takes one without a scheme.
fn access_token(request: &Request) -> Option<&str> {
    let value = request.header("authorization")?.trim();
    Some(value.rsplit(' ').next().unwrap_or(value))
}

/// `cnf.jkt` of a token that was verified before.
fn binding(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Bound {
        cnf: Option<Confirmation>,
    }
    #[derive(Deserialize)]
    struct Confirmation {
        jkt: Option<String>,
    }
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Bound>(&bytes).ok()?.cnf?.jkt
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::signature::Signer as _;
    use p256::ecdsa::{Signature, SigningKey};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::http::tests::request;

    const URL: &str = "https://line.carrier.example/v1/changes";
    const TOKEN: &str = "a.b.c";
    const NOW: i64 = 1_795_336_033;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_slice(&[seed; 32]).unwrap()
    }

    fn jwk(seed: u8) -> Value {
        let point = key(seed).verifying_key().to_sec1_point(false);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({ "kty": "EC", "crv": "P-256", "x": text(point.x().unwrap()), "y": text(point.y().unwrap()) })
    }

    fn head() -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk(1) })
    }

    fn claims() -> Value {
        json!({ "jti": "0123456789abcdef", "htm": "POST", "htu": URL, "iat": NOW, "ath": ath(TOKEN) })
    }

    fn ath(token: &str) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(token))
    }

    fn signed(head: &str, claims: &str) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
        let signature: Signature = key(1).sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn good() -> String {
        signed(&head().to_string(), &claims().to_string())
    }

    fn with_head(change: impl FnOnce(&mut Value)) -> String {
        let mut head = head();
        change(&mut head);
        signed(&head.to_string(), &claims().to_string())
    }

    /// With another value of a claim, or without it for `null`.
    fn with_claim(name: &str, value: Value) -> String {
        let mut claims = claims();
        claims[name] = value;
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        signed(&head().to_string(), &claims.to_string())
    }

    fn expected() -> Expected<'static> {
        Expected { method: "POST", url: URL, access_token: Some(TOKEN), bound_to: None }
    }

    fn reading(proof: &str) -> Result<DeviceProof, DpopError> {
        read(proof, &expected(), Timestamp::from_second(NOW))
    }

    fn thumbprint() -> String {
        reading(&good()).unwrap().thumbprint
    }

    #[test]
    fn a_proof_names_its_key() {
        let proof = reading(&good()).unwrap();
        assert_eq!(proof.until, Timestamp::from_second(NOW + 61));
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk(1)).unwrap();
        assert_eq!(proof.thumbprint, jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap());
    }

    #[test]
    fn the_proof_printed_in_rfc_9449_is_good() {
        // Section 4.1, figure 2, and section 7.1, figure 12; the thumbprint is that of section 6.1.
        let figure_2 = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
        let expected = Expected { method: "POST", url: "https://server.example.com/token", access_token: None, bound_to: None };
        let proof = read(figure_2, &expected, Timestamp::from_second(1_562_262_616)).unwrap();
        assert_eq!(proof.thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn only_a_proof_by_typ_is_a_proof() {
        for typ in [json!("JWT"), json!("DPOP+JWT"), json!("dpop+jwt "), json!("application/dpop+jwt"), Value::Null] {
            assert_eq!(reading(&with_head(|head| head["typ"] = typ.clone())), Err(DpopError::NotAProof), "{typ}");
        }
    }

    #[test]
    fn only_es256_signs() {
        for alg in ["none", "None", "HS256", "RS256", "PS256", "ES384", "ES256K", "EdDSA", "es256", ""] {
            assert_eq!(reading(&with_head(|head| head["alg"] = json!(alg))), Err(DpopError::WrongAlgorithm), "{alg}");
        }
        let unsigned = with_head(|head| head["alg"] = json!("none"));
        let unsigned = unsigned.rsplit_once('.').unwrap().0;
        assert_eq!(reading(&format!("{unsigned}.")), Err(DpopError::WrongAlgorithm));
        assert!(reading(&format!("{}.", good().rsplit_once('.').unwrap().0)).is_err());
    }

    #[test]
    fn an_extension_that_must_be_understood_is_not() {
        assert_eq!(reading(&with_head(|head| head["crit"] = json!(["b64"]))), Err(DpopError::Malformed));
    }

    #[test]
    fn only_a_public_key_of_p_256_signs() {
        type Change<'a> = &'a dyn Fn(&mut Value);
        let changed = |change: Change<'_>| reading(&with_head(|head| change(&mut head["jwk"])));
        let bad: [(&str, Change<'_>); 11] = [
            ("none", &|jwk| *jwk = Value::Null),
            ("private", &|jwk| jwk["d"] = json!(URL_SAFE_NO_PAD.encode([1; 32]))),
            ("private, null", &|jwk| jwk["d"] = Value::Null),
            ("another curve", &|jwk| jwk["crv"] = json!("P-384")),
            ("no curve", &|jwk| drop(jwk.as_object_mut().unwrap().remove("crv"))),
            ("another type", &|jwk| jwk["kty"] = json!("RSA")),
            ("symmetric", &|jwk| *jwk = json!({ "kty": "oct", "k": "c2VjcmV0" })),
            ("off the curve", &|jwk| jwk["y"] = jwk["x"].clone()),
            ("at infinity", &|jwk| {
                jwk["x"] = json!(URL_SAFE_NO_PAD.encode([0; 32]));
                jwk["y"] = jwk["x"].clone();
            }),
            ("longer", &|jwk| {
                let x = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
                jwk["x"] = json!(URL_SAFE_NO_PAD.encode([&[0], x.as_slice()].concat()));
            }),
            ("padded", &|jwk| jwk["x"] = json!(format!("{}=", jwk["x"].as_str().unwrap()))),
        ];
        for (what, change) in bad {
            assert_eq!(changed(change), Err(DpopError::BadKey), "{what}");
        }
    }

    #[test]
    fn a_key_has_one_thumbprint_whatever_else_its_jwk_says() {
        let decorated = with_head(|head| {
            head["jwk"]["kid"] = json!("mine");
            head["jwk"]["use"] = json!("sig");
        });
        assert_eq!(reading(&decorated).unwrap().thumbprint, thumbprint());
    }

    #[test]
    fn another_key_has_not_signed() {
        assert_eq!(reading(&with_head(|head| head["jwk"] = jwk(2))), Err(DpopError::BadSignature));
    }

    #[test]
    fn a_member_that_comes_twice_is_refused() {
        let twice = claims().to_string().replacen("{", "{\"htm\":\"GET\",", 1);
        assert_eq!(reading(&signed(&head().to_string(), &twice)), Err(DpopError::Malformed));
        let twice = head().to_string().replacen("{", "{\"alg\":\"none\",", 1);
        assert_eq!(reading(&signed(&twice, &claims().to_string())), Err(DpopError::Malformed));
    }

    #[test]
    fn a_proof_is_for_one_method_and_one_address() {
        for method in ["GET", "post", ""] {
            assert_eq!(reading(&with_claim("htm", json!(method))), Err(DpopError::WrongMethod), "{method}");
        }
        for (url, ok) in [
            ("https://line.carrier.example/v1/changes?a=b#c", true),
            ("HTTPS://LINE.Carrier.Example/v1/changes", true),
            ("https://line.carrier.example:443/v1/changes", true),
            ("http://line.carrier.example/v1/changes", false),
            ("https://line.carrier.example:8443/v1/changes", false),
            ("https://line.carrier.example.evil.example/v1/changes", false),
            ("https://ann@line.carrier.example/v1/changes", false),
            ("https://line.carrier.example/v1/changes/", false),
            ("https://line.carrier.example/V1/changes", false),
            ("https://line.carrier.example/v1", false),
            ("/v1/changes", false),
            ("mailto:ann", false),
            ("", false),
        ] {
            let result = reading(&with_claim("htu", json!(url)));
            assert_eq!(result.err(), (!ok).then_some(DpopError::WrongUrl), "{url}");
        }
    }

    #[test]
    fn a_proof_lasts_a_minute() {
        for (age, error) in [
            (0, None),
            (60, None),
            (61, Some(DpopError::TooOld)),
            (-30, None),
            (-31, Some(DpopError::TooEarly)),
            (i64::MAX, Some(DpopError::TooOld)),
        ] {
            assert_eq!(reading(&with_claim("iat", json!(NOW - age))).err(), error, "{age}");
        }
        assert_eq!(reading(&with_claim("iat", json!(i64::MIN))).err(), Some(DpopError::TooOld));
        assert_eq!(reading(&with_claim("iat", json!(i64::MAX))).err(), Some(DpopError::TooEarly));
    }

    #[test]
    fn the_librarys_clock_is_not_asked() {
        assert!(reading(&with_claim("exp", json!(1))).is_ok());
        assert!(reading(&with_claim("nbf", json!(u64::MAX))).is_ok());
        assert!(reading(&with_claim("aud", json!("someone"))).is_ok());
    }

    #[test]
    fn a_replay_is_the_same_once_until_it_is_too_old() {
        let first = reading(&good()).unwrap();
        assert_eq!(reading(&good()).unwrap().once, first.once);
        assert_ne!(reading(&with_claim("jti", json!("another id"))).map(|p| p.once), Ok(first.once.clone()));
        assert_ne!(reading(&with_claim("jti", json!("another-id"))).unwrap().once, first.once);
        let at = |at| read(&good(), &expected(), at);
        assert!(at(first.until - Span::seconds(1)).is_ok());
        assert_eq!(at(first.until), Err(DpopError::TooOld));
    }

    #[test]
    fn an_id_has_8_to_128_visible_characters() {
        for (id, ok) in [("x".repeat(7), false), ("x".repeat(8), true), ("x".repeat(128), true), ("x".repeat(129), false)] {
            assert_eq!(reading(&with_claim("jti", json!(id))).is_ok(), ok, "{id}");
        }
        for id in ["with space", "with\ttab", "umlaut-ä", ""] {
            assert_eq!(reading(&with_claim("jti", json!(id))), Err(DpopError::BadId), "{id}");
        }
    }

    #[test]
    fn a_proof_is_for_the_token_that_came_with_it() {
        for other in [json!(ath("another")), json!(format!("{}=", ath(TOKEN))), json!(""), Value::Null] {
            assert_eq!(reading(&with_claim("ath", other.clone())), Err(DpopError::WrongToken), "{other}");
        }
        let without = Expected { access_token: None, ..expected() };
        assert!(read(&with_claim("ath", Value::Null), &without, Timestamp::from_second(NOW)).is_ok());
    }

    #[test]
    fn a_bound_token_takes_its_own_key_only() {
        let own = thumbprint();
        for (bound_to, error) in [(own.as_str(), None), ("another", Some(DpopError::WrongKey)), ("", Some(DpopError::WrongKey))] {
            let expected = Expected { bound_to: Some(bound_to), ..expected() };
            assert_eq!(read(&good(), &expected, Timestamp::from_second(NOW)).err(), error, "{bound_to}");
        }
    }

    #[test]
    fn too_large_a_proof_is_not_read() {
        assert_eq!(reading(&"x".repeat(PROOF_LIMIT + 1)), Err(DpopError::TooLarge));
        assert_eq!(reading(&with_claim("htm", json!("x".repeat(PROOF_LIMIT)))), Err(DpopError::TooLarge));
    }

    fn with_headers(headers: Value) -> Result<Option<DeviceProof>, DpopError> {
        let request = request(|event| event["headers"] = headers);
        from_request(&request, "https://line.carrier.example/", Timestamp::from_second(NOW))
    }

    /// A token as an issuer would sign it; nobody looks at the signature here.
    fn bound(key: &str) -> String {
        let body = json!({ "sub": "ac_1", "cnf": { "jkt": key } }).to_string();
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(body))
    }

    #[test]
    fn the_proof_of_a_request_is_read_from_its_header() {
        for scheme in ["Bearer", "DPoP", "dpop"] {
            let headers = json!({ "DPoP": good(), "Authorization": format!("{scheme} {TOKEN}") });
            assert_eq!(with_headers(headers).unwrap().unwrap().thumbprint, thumbprint(), "{scheme}");
        }
        assert_eq!(with_headers(json!({ "Authorization": format!("Bearer {TOKEN}") })), Ok(None));
        assert_eq!(with_headers(json!({})), Ok(None));
        let other = json!({ "DPoP": good(), "Authorization": "Bearer other" });
        assert_eq!(with_headers(other), Err(DpopError::WrongToken));
    }

    #[test]
    fn a_request_has_one_proof() {
        let authorization = format!("Bearer {TOKEN}");
        let joined = json!({ "DPoP": format!("{},{}", good(), good()), "Authorization": authorization });
        assert_eq!(with_headers(joined), Err(DpopError::Repeated));
        assert_eq!(with_headers(json!({ "DPoP": "" })), Err(DpopError::Malformed));
        assert_eq!(with_headers(json!({ "DPoP": "é" })), Err(DpopError::Malformed));
        let event = crate::http::tests::event(|event| event["headers"] = json!({ "Authorization": authorization }));
        let mut twice = event;
        for _ in 0..2 {
            twice.headers.append(PROOF_HEADER, good().parse().unwrap());
        }
        let request = Request::read(twice).unwrap();
        let result = from_request(&request, "https://line.carrier.example", Timestamp::from_second(NOW));
        assert_eq!(result, Err(DpopError::Repeated));
    }

    #[test]
    fn a_bound_token_without_a_proof_is_refused() {
        let authorization = |token: &str| json!({ "Authorization": format!("Bearer {token}") });
        assert_eq!(with_headers(authorization(&bound(&thumbprint()))), Err(DpopError::Missing));
        let with_proof = |token: &str| {
            let mut headers = authorization(token);
            headers["DPoP"] = json!(with_claim("ath", json!(ath(token))));
            with_headers(headers)
        };
        assert!(with_proof(&bound(&thumbprint())).unwrap().is_some());
        assert_eq!(with_proof(&bound("another")), Err(DpopError::WrongKey));
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![any::<i64>().prop_map(Value::from), any::<bool>().prop_map(Value::from), ".*".prop_map(Value::from)]
    }

    proptest! {
        #[test]
        fn each_claim_changed_alone_is_refused(name in prop::sample::select(vec!["htm", "htu", "iat", "ath"]), value in value()) {
            let near = value.as_i64().is_some_and(|iat| (NOW - 60..=NOW + 30).contains(&iat));
            prop_assume!(claims()[name] != value && !(name == "iat" && near));
            prop_assert!(reading(&with_claim(name, value)).is_err());
        }

        #[test]
        fn each_character_of_a_proof_counts(at in any::<prop::sample::Index>(), other in "[A-Za-z0-9_.-]") {
            let good = good();
            let at = at.index(good.len());
            let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
            prop_assume!(changed != good);
            prop_assert!(reading(&changed).is_err());
        }

        #[test]
        fn no_text_panics(text in ".*", head in ".*", claims in ".*", json in value()) {
            let _ = reading(&text);
            let _ = reading(&signed(&head, &claims));
            let _ = reading(&with_head(|head| head["jwk"]["x"] = json.clone()));
            let _ = reading(&signed(&json.to_string(), &json.to_string()));
            let _ = with_headers(json!({ "DPoP": text.replace(char::is_control, ""), "Authorization": "DPoP x" }));
            let _ = binding(&text);
        }
    }
}
