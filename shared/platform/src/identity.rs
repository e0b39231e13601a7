//! Who calls: a customer or a representative, from verified claims only.
//!
//! Contract: where API Gateway's JWT authorizer stands in front, its claims are taken; they cannot be
//! set over HTTP. Where none does, the bearer token is verified here against the configured issuer's
//! keys; where no issuer is configured either, nobody is authenticated. A missing or bad token is
//! `unauthenticated`, a good one without exactly one scope of ours is `forbidden`.

use std::collections::HashMap;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use linekeeper_domain::desk::{Role, Staff, StaffName};
use linekeeper_domain::ids::{AccountId, PlaceId, RepresentativeId};
use linekeeper_domain::kinds::Channel;
use serde::Deserialize;

use crate::http::Request;
use crate::problem::{Problem, ProblemKind};

/// The scope of a customer's token.
pub const CUSTOMER_SCOPE: &str = "linekeeper:customer";
/// The scope of a representative's token.
pub const REPRESENTATIVE_SCOPE: &str = "linekeeper:representative";

/// Seconds by which clocks may differ.
const LEEWAY: u64 = 60;
/// How a token may come: the second where it is bound to a device's key (RFC 9449, section 7.1).
const SCHEMES: [&str; 2] = ["bearer", "dpop"];
/// The longest token that is looked at.
const TOKEN_LIMIT: usize = 8 * 1024;

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The holder of an account.
    Customer {
        /// The token's subject.
        account_id: AccountId,
    },
    /// A member of staff, serving some account.
    Representative {
        /// The token's subject.
        id: RepresentativeId,
        /// How the customer talks to them: chat, e-mail, phone or store.
        channel: Channel,
    },
}

impl Caller {
    /// The customer's own account: staff have a door of their own, the care desk, and see nothing here (I11).
    ///
    /// # Errors
    /// `not-found` for a customer who names another account by `?account_id=` and for what is no id (they look the
    /// same, I9); `forbidden` for a representative.
    pub fn account(&self, request: &Request) -> Result<AccountId, Problem> {
        let named = request.query("account_id");
        match self {
            Self::Customer { account_id } => match named {
                Some(other) if other != account_id.as_str() => Err(ProblemKind::NotFound.into()),
                _ => Ok(account_id.clone()),
            },
            Self::Representative { .. } => Err(Problem::new(ProblemKind::Forbidden, "Staff work through the care desk.")),
        }
    }
}

/// Tells who calls.
#[derive(Debug, Default)]
pub struct Identity {
    verifier: Option<Verifier>,
}

impl Identity {
    /// `verifier` stands in where no authorizer is in front (`cargo lambda watch`).
    #[must_use]
    pub const fn new(verifier: Option<Verifier>) -> Self {
        Self { verifier }
    }

    /// The caller of a request.
    ///
    /// # Errors
    /// `unauthenticated` or `forbidden`.
    pub fn caller(&self, request: &Request) -> Result<Caller, Problem> {
        self.claims(request)?.caller()
    }

    /// The member of staff who calls the care desk, and whether the customer called them: the token names the
    /// conversation that was routed to them.
    ///
    /// # Errors
    /// `unauthenticated`; `forbidden` for a customer, and for a token that does not say all of who they are: role, name,
    /// store or team, session and device. What cannot be told apart cannot be the second pair of eyes.
    pub fn staff(&self, request: &Request) -> Result<(Staff, bool), Problem> {
        let claims = self.claims(request)?;
        match claims.caller()? {
            Caller::Customer { .. } => Err(ProblemKind::Forbidden.into()),
            Caller::Representative { id, channel } => claims.staff(id, channel),
        }
    }

    fn claims(&self, request: &Request) -> Result<Claims, Problem> {
        match (request.claims(), &self.verifier) {
            (Some(verified), _) => Claims::from_authorizer(verified),
            (None, Some(verifier)) => verifier.verify(bearer(request)?),
            (None, None) => Err(ProblemKind::Unauthenticated.into()),
        }
    }
}

/// The claims that matter.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: String,
    contact_channel: Option<String>,
    /// One of [`Role`].
    role: Option<String>,
    /// As customers read it.
    name: Option<String>,
    /// The store or team.
    place: Option<String>,
    /// The session (OpenID Connect front-channel logout 1.0, section 3).
    sid: Option<String>,
    /// The device that staff work at.
    device_id: Option<String>,
    /// The conversation that was routed to them; none where nobody called.
    conversation: Option<String>,
}

impl Claims {
    fn from_authorizer(claims: &HashMap<String, String>) -> Result<Self, Problem> {
        Ok(Self {
            sub: claims.get("sub").cloned().ok_or(ProblemKind::Unauthenticated)?,
            scope: claims.get("scope").cloned().unwrap_or_default(),
            contact_channel: claims.get("contact_channel").cloned(),
            role: claims.get("role").cloned(),
            name: claims.get("name").cloned(),
            place: claims.get("place").cloned(),
            sid: claims.get("sid").cloned(),
            device_id: claims.get("device_id").cloned(),
            conversation: claims.get("conversation").cloned(),
        })
    }

    fn caller(&self) -> Result<Caller, Problem> {
        let has = |scope| self.scope.split(' ').any(|one| one == scope);
        match (has(CUSTOMER_SCOPE), has(REPRESENTATIVE_SCOPE)) {
            (true, false) => AccountId::parse(&self.sub)
                .map(|account_id| Caller::Customer { account_id })
                .map_err(|_| ProblemKind::Unauthenticated.into()),
            (false, true) => Ok(Caller::Representative {
                id: RepresentativeId::parse(&self.sub).map_err(|_| ProblemKind::Unauthenticated)?,
                channel: self.channel()?,
            }),
            (false, false) => Err(Problem::new(ProblemKind::Forbidden, "The token has no scope of this service.")),
            // Whether `sub` is an account or a member of staff could not be told.
            (true, true) => Err(Problem::new(ProblemKind::Forbidden, "The token has two scopes of this service.")),
        }
    }

    fn staff(&self, id: RepresentativeId, channel: Channel) -> Result<(Staff, bool), Problem> {
        let lacks = |what: &str| Problem::new(ProblemKind::Forbidden, format!("The token has no known {what}."));
        let told = |claim: &Option<String>| claim.clone().filter(|value| (1..=256).contains(&value.len()));
        let staff = Staff {
            id,
            name: self.name.as_deref().and_then(|name| StaffName::parse(name).ok()).ok_or_else(|| lacks("name"))?,
            role: Role::ALL
                .iter()
                .copied()
                .find(|role| Some(role.word()) == self.role.as_deref())
                .ok_or_else(|| lacks("role"))?,
            channel,
            place: self.place.as_deref().and_then(|place| PlaceId::parse(place).ok()).ok_or_else(|| lacks("place"))?,
            session: Staff::mark(&told(&self.sid).ok_or_else(|| lacks("sid"))?),
            device: Staff::mark(&told(&self.device_id).ok_or_else(|| lacks("device_id"))?),
        };
        Ok((staff, told(&self.conversation).is_some()))
    }

    /// A representative's channel; the app and the porting gateway are none.
    fn channel(&self) -> Result<Channel, Problem> {
        match self.contact_channel.as_deref() {
            Some("phone") => Ok(Channel::Phone),
            Some("chat") => Ok(Channel::Chat),
            Some("email") => Ok(Channel::Email),
            Some("store") => Ok(Channel::Store),
            _ => Err(Problem::new(ProblemKind::Forbidden, "The token has no known contact_channel.")),
        }
    }
}

fn bearer(request: &Request) -> Result<&str, Problem> {
    request
        .header("authorization")
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, token)| SCHEMES.iter().any(|ours| scheme.eq_ignore_ascii_case(ours)) && token.len() <= TOKEN_LIMIT)
        .map(|(_, token)| token.trim())
        .ok_or_else(|| ProblemKind::Unauthenticated.into())
}

/// Why a verifier cannot be made of its configuration.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// Empty issuer or audience.
    #[error("the identity issuer and audience must not be empty")]
    Empty,
    /// Not a JSON Web Key Set.
    #[error("the identity key set is not a JWKS")]
    NotJwks,
    /// Two keys with one `kid`.
    #[error("the identity key set has two keys with the same kid")]
    Ambiguous,
    /// A key whose numbers do not make a key.
    #[error("the identity key set has a key that cannot be read")]
    BadKey,
    /// No key for RS256 or ES256 with a `kid`.
    #[error("the identity key set has no RS256 or ES256 key with a kid")]
    NoKey,
}

/// Verifies bearer tokens of one issuer.
///
/// The algorithm belongs to the key, never to the token: a key of the set verifies RS256 or ES256 and
/// nothing else, and symmetric keys are not taken, so neither `none` nor HS256 can be made to pass.
#[derive(Debug)]
pub struct Verifier {
    keys: HashMap<String, Key>,
}

struct Key {
    key: DecodingKey,
    validation: Validation,
}

// The key is public, but no use in a log.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").field(&self.validation.algorithms).finish()
    }
}

impl Verifier {
    /// A verifier for tokens of `issuer` meant for `audience`; `jwks` is the key set itself, in JSON.
    ///
    /// # Errors
    /// Says what is wrong with the configuration. Keys of other kinds are passed over.
    pub fn new(issuer: &str, audience: &str, jwks: &str) -> Result<Self, VerifierError> {
        if issuer.is_empty() || audience.is_empty() {
            return Err(VerifierError::Empty);
        }
        let set: JwkSet = serde_json::from_str(jwks).map_err(|_| VerifierError::NotJwks)?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            let (Some(kid), Some(algorithm)) = (jwk.common.key_id.clone(), algorithm(jwk)) else { continue };
            let key = DecodingKey::from_jwk(jwk).map_err(|_| VerifierError::BadKey)?;
            if keys.insert(kid, Key { key, validation: validation(algorithm, issuer, audience) }).is_some() {
                return Err(VerifierError::Ambiguous);
            }
        }
        if keys.is_empty() { Err(VerifierError::NoKey) } else { Ok(Self { keys }) }
    }

    fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let refused = |reason: &str| {
            tracing::info!(reason, "bearer token refused");
            Problem::from(ProblemKind::Unauthenticated)
        };
        let header = decode_header(token).map_err(|_| refused("not a JWT"))?;
        let key = header.kid.and_then(|kid| self.keys.get(&kid)).ok_or_else(|| refused("unknown key"))?;
        decode::<Claims>(token, &key.key, &key.validation).map(|data| data.claims).map_err(|error| refused(reason(&error)))
    }
}

/// What a key may verify: the one algorithm of ours that its type allows.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Some(Algorithm::RS256),
        (AlgorithmParameters::EllipticCurve(key), None | Some(KeyAlgorithm::ES256)) if key.curve == EllipticCurve::P256 => {
            Some(Algorithm::ES256)
        }
        _ => None,
    }
}

fn validation(algorithm: Algorithm, issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY;
    validation
}

/// Why a token was refused, for the logs; the caller is not told.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list is open, and most of it is one to us")]
fn reason(error: &jsonwebtoken::errors::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ExpiredSignature => "expired",
        ErrorKind::ImmatureSignature => "not valid yet",
        ErrorKind::InvalidIssuer => "another issuer",
        ErrorKind::InvalidAudience => "another audience",
        ErrorKind::InvalidAlgorithm => "another algorithm",
        ErrorKind::InvalidSignature => "bad signature",
        ErrorKind::MissingRequiredClaim(_) => "a claim is missing",
        _ => "not valid",
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
    use p256::ecdsa::SigningKey;
    use p256::pkcs8::EncodePrivateKey;
    use serde_json::{Value, json};

    use super::*;
    use crate::http::tests::request;

    const ISSUER: &str = "https://id.example";
    const AUDIENCE: &str = "linekeeper";

    fn signing_key(seed: u8) -> SigningKey {
        SigningKey::from_slice(&[seed; 32]).unwrap()
    }

    fn jwk(seed: u8, kid: &str) -> Value {
        let point = signing_key(seed).verifying_key().to_sec1_point(false);
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256",
            "x": coordinate(point.x().unwrap()), "y": coordinate(point.y().unwrap()),
        })
    }

    fn verifier() -> Verifier {
        let jwks = json!({ "keys": [jwk(1, "k1"), jwk(2, "k2")] }).to_string();
        Verifier::new(ISSUER, AUDIENCE, &jwks).unwrap()
    }

    fn good() -> Value {
        json!({ "sub": "ac_1", "iss": ISSUER, "aud": AUDIENCE, "exp": get_current_timestamp() + 300, "scope": CUSTOMER_SCOPE })
    }

    fn with(member: &str, value: Value) -> Value {
        let mut claims = good();
        claims[member] = value;
        claims
    }

    fn token(seed: u8, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = kid.map(str::to_owned);
        let der = p256::SecretKey::from(signing_key(seed)).to_pkcs8_der().unwrap();
        encode(&header, claims, &EncodingKey::from_ec_der(der.as_bytes())).unwrap()
    }

    fn by_token(token: &str) -> Result<Caller, ProblemKind> {
        let request = request(|event| event["headers"]["Authorization"] = json!(format!("Bearer {token}")));
        Identity::new(Some(verifier())).caller(&request).map_err(|problem| problem.kind)
    }

    fn by_authorizer(claims: Value) -> Result<Caller, ProblemKind> {
        let request =
            request(|event| event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } }));
        Identity::default().caller(&request).map_err(|problem| problem.kind)
    }

    fn customer() -> Caller {
        Caller::Customer { account_id: AccountId::parse("ac_1").unwrap() }
    }

    #[test]
    fn claims_of_the_authorizer_tell_who_calls() {
        assert_eq!(by_authorizer(json!({ "sub": "ac_1", "scope": "openid linekeeper:customer", "exp": "1" })), Ok(customer()));
        assert_eq!(
            by_authorizer(json!({ "sub": "rep-7", "scope": REPRESENTATIVE_SCOPE, "contact_channel": "phone" })),
            Ok(Caller::Representative { id: RepresentativeId::parse("rep-7").unwrap(), channel: Channel::Phone })
        );
    }

    #[test]
    fn a_subject_that_is_no_id_is_unauthenticated() {
        for claims in [
            json!({ "scope": CUSTOMER_SCOPE }),
            json!({ "sub": "a b", "scope": CUSTOMER_SCOPE }),
            json!({ "sub": "", "scope": CUSTOMER_SCOPE }),
        ] {
            assert_eq!(by_authorizer(claims), Err(ProblemKind::Unauthenticated));
        }
    }

    #[test]
    fn a_token_without_exactly_one_scope_of_ours_is_forbidden() {
        for scope in
            ["", "openid", "linekeeper:customers", "Linekeeper:customer", "linekeeper:customer linekeeper:representative"]
        {
            let claims = json!({ "sub": "ac_1", "scope": scope, "contact_channel": "phone" });
            assert_eq!(by_authorizer(claims), Err(ProblemKind::Forbidden), "{scope}");
        }
    }

    #[test]
    fn a_representative_cannot_pretend_to_be_the_app_or_the_gateway() {
        for channel in [json!("pwa"), json!("porting"), json!("PHONE"), json!("")] {
            let claims = json!({ "sub": "r", "scope": REPRESENTATIVE_SCOPE, "contact_channel": channel });
            assert_eq!(by_authorizer(claims), Err(ProblemKind::Forbidden));
        }
        assert_eq!(by_authorizer(json!({ "sub": "r", "scope": REPRESENTATIVE_SCOPE })), Err(ProblemKind::Forbidden));
    }

    #[test]
    fn where_nothing_is_configured_nobody_is_authenticated() {
        let request =
            request(|event| event["headers"]["Authorization"] = json!(format!("Bearer {}", token(1, Some("k1"), &good()))));
        assert_eq!(Identity::default().caller(&request).unwrap_err().kind, ProblemKind::Unauthenticated);
    }

    #[test]
    fn a_token_of_the_issuer_is_good_by_any_of_its_keys() {
        assert_eq!(by_token(&token(1, Some("k1"), &good())), Ok(customer()));
        assert_eq!(by_token(&token(2, Some("k2"), &with("aud", json!(["other", AUDIENCE])))), Ok(customer()));
    }

    #[test]
    fn clocks_may_differ_by_a_minute_and_no_more() {
        let now = get_current_timestamp();
        assert!(by_token(&token(1, Some("k1"), &with("exp", json!(now - 30)))).is_ok());
        assert!(by_token(&token(1, Some("k1"), &with("nbf", json!(now + 30)))).is_ok());
        assert_eq!(by_token(&token(1, Some("k1"), &with("exp", json!(now - 90)))), Err(ProblemKind::Unauthenticated));
        assert_eq!(by_token(&token(1, Some("k1"), &with("nbf", json!(now + 90)))), Err(ProblemKind::Unauthenticated));
    }

    #[test]
    fn a_foreign_unsigned_or_incomplete_token_is_unauthenticated() {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let none = format!("{}.{}.", part(&json!({ "alg": "none", "kid": "k1" })), part(&good()));
        let mut hs_header = Header::new(Algorithm::HS256);
        hs_header.kid = Some("k1".to_owned());
        let hs = encode(&hs_header, &good(), &EncodingKey::from_secret(jwk(1, "k1").to_string().as_bytes())).unwrap();
        let sound = token(1, Some("k1"), &good());
        let (head, signature) = sound.rsplit_once('.').unwrap();
        let header = head.split('.').next().unwrap();
        let other_claims = format!("{header}.{}.{signature}", part(&with("sub", json!("ac_2"))));
        let mut missing = Vec::new();
        for member in ["sub", "iss", "aud", "exp"] {
            missing.push(token(1, Some("k1"), &with(member, Value::Null)));
        }
        for bad in [
            none,
            hs,
            other_claims,
            format!("{head}."),
            token(1, None, &good()),
            token(1, Some("k2"), &good()),
            token(1, Some("k3"), &good()),
            token(3, Some("k1"), &good()),
            token(1, Some("k1"), &with("iss", json!("https://evil.example"))),
            token(1, Some("k1"), &with("aud", json!("another"))),
            token(1, Some("k1"), &with("exp", json!("tomorrow"))),
            String::new(),
            "a.b.c".to_owned(),
            "x".repeat(TOKEN_LIMIT + 1),
        ]
        .into_iter()
        .chain(missing)
        {
            assert_eq!(by_token(&bad), Err(ProblemKind::Unauthenticated), "{bad}");
        }
    }

    #[test]
    fn only_the_bearer_scheme_carries_a_token() {
        let token = token(1, Some("k1"), &good());
        for (value, ok) in [(format!("bearer {token}"), true), (format!("Basic {token}"), false), (token.clone(), false)] {
            let request = request(|event| event["headers"]["Authorization"] = json!(value));
            assert_eq!(Identity::new(Some(verifier())).caller(&request).is_ok(), ok, "{value}");
        }
    }

    #[test]
    fn a_key_set_is_checked_at_start() {
        let set = |keys: &[Value]| json!({ "keys": keys }).to_string();
        let mut p384 = jwk(1, "k");
        p384["alg"] = json!("ES384");
        let mut encryption = jwk(1, "k");
        encryption["use"] = json!("enc");
        let symmetric = json!({ "kty": "oct", "kid": "k", "k": "c2VjcmV0" });
        let rsa = json!({ "kty": "RSA", "kid": "r", "n": URL_SAFE_NO_PAD.encode([0xc1; 256]), "e": "AQAB" });
        let new = |jwks: &str| Verifier::new(ISSUER, AUDIENCE, jwks);
        assert!(matches!(new("{"), Err(VerifierError::NotJwks)));
        assert!(matches!(new(&set(&[])), Err(VerifierError::NoKey)));
        assert!(matches!(new(&set(&[p384, encryption, symmetric])), Err(VerifierError::NoKey)));
        assert!(matches!(new(&set(&[jwk(1, "k"), jwk(2, "k")])), Err(VerifierError::Ambiguous)));
        assert!(matches!(Verifier::new("", AUDIENCE, &set(&[jwk(1, "k")])), Err(VerifierError::Empty)));
        assert_eq!(new(&set(&[rsa])).unwrap().keys["r"].validation.algorithms, [Algorithm::RS256]);
    }

    #[test]
    fn a_customer_sees_only_their_own_account() {
        let asking = |query: Value| {
            customer().account(&request(|event| event["queryStringParameters"] = query)).map_err(|problem| problem.kind)
        };
        let own = AccountId::parse("ac_1").unwrap();
        assert_eq!(asking(json!({})), Ok(own.clone()));
        assert_eq!(asking(json!({ "account_id": "ac_1" })), Ok(own));
        for other in ["ac_2", "", "a b", "ac_1,ac_1"] {
            assert_eq!(asking(json!({ "account_id": other })), Err(ProblemKind::NotFound), "{other}");
        }
    }

    #[test]
    fn a_representative_has_no_account_here_whichever_they_name() {
        let caller = Caller::Representative { id: RepresentativeId::parse("r").unwrap(), channel: Channel::Chat };
        for query in [json!({}), json!({ "account_id": "ac_2" }), json!({ "account_id": "a b" })] {
            let asked = caller.account(&request(|event| event["queryStringParameters"] = query));
            assert_eq!(asked.map_err(|problem| problem.kind), Err(ProblemKind::Forbidden));
        }
    }

    #[test]
    fn a_member_of_staff_is_known_by_everything_that_tells_them_apart_or_not_at_all() {
        let claims = json!({
            "sub": "rep-7", "scope": REPRESENTATIVE_SCOPE, "contact_channel": "store", "role": "store_agent", "name": "Kim",
            "place": "store-12", "sid": "s", "device_id": "d",
        });
        let staff = |claims: &Value| {
            let request =
                request(|event| event["requestContext"]["authorizer"] = json!({ "jwt": { "claims": claims, "scopes": null } }));
            Identity::default().staff(&request).map_err(|problem| problem.kind)
        };
        let (kim, inbound) = staff(&claims).unwrap();
        assert_eq!((kim.name.as_str(), kim.role, inbound), ("Kim", Role::StoreAgent, false));
        assert!(kim.session != kim.device && !format!("{kim:?}").contains("\"s\""), "digests");
        for claim in ["role", "name", "place", "sid", "device_id", "contact_channel"] {
            for bad in [Value::Null, json!(""), json!("https://x.example/?a=b")] {
                if ["sid", "device_id"].contains(&claim) && bad != json!("") && !bad.is_null() {
                    continue;
                }
                let mut less = claims.clone();
                match bad.is_null() {
                    true => drop(less.as_object_mut().unwrap().remove(claim)),
                    false => less[claim] = bad,
                }
                assert_eq!(staff(&less).err(), Some(ProblemKind::Forbidden), "{claim}");
            }
        }
    }
}
