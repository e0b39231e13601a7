//! KMS: MACs of codes, signatures, and the keys that anyone may verify with.
//!
//! Narrow traits, because functions have narrow permissions: who issues codes cannot check them, who checks
//! cannot issue, neither signs, and who scores can do none of it.

use std::sync::Arc;

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{MacAlgorithmSpec, MessageType, SigningAlgorithmSpec};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use linekeeper_domain::change::{Authorization, Change, Details};
use linekeeper_domain::digest::Digest;
use linekeeper_domain::ids::{AccountId, ChangeId, LineId, Subject};
use linekeeper_domain::kinds::ChangeKind;
use linekeeper_domain::time::{Span, Timestamp};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::DecodePublicKey as _;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::store::Error;

/// Makes the MAC of a code.
pub trait CodeMac: Send + Sync {
    /// The MAC, in hexadecimal.
    fn mac<'a>(&'a self, input: &'a Digest) -> BoxFuture<'a, Result<String, Error>>;
}

/// Derives the key of the profiles' hashes: the MAC of a constant, so that it is stored nowhere and the same in
/// every process.
pub trait ProfileKey: Send + Sync {
    /// The key. One call of KMS.
    fn derive(&self) -> BoxFuture<'_, Result<Zeroizing<[u8; 32]>, Error>>;
}

/// Compares a code with a MAC, inside KMS.
pub trait CodeCheck: Send + Sync {
    /// Whether the MAC is of that input.
    fn check<'a>(&'a self, input: &'a Digest, mac: &'a str) -> BoxFuture<'a, Result<bool, Error>>;
}

/// Signs.
pub trait Signer: Send + Sync {
    /// An ES256 signature (RFC 7518): 64 bytes.
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>>;

    /// The id of the key, as published.
    fn key_id(&self) -> &str;
}

/// The public halves of the signing keys.
pub trait Published: Send + Sync {
    /// The keys as a set (RFC 7517): by any of them what was signed is good.
    fn jwks(&self) -> BoxFuture<'_, Result<Jwks, Error>>;
}

/// Keys of one use. What any of them made is good, so that a key can be changed while things made by it are in
/// flight; which one makes is said elsewhere.
#[derive(Clone, Debug)]
pub struct Ring<K> {
    /// The one in use: asked first, so that the others cost nothing where they are not needed.
    first: K,
    /// The next one, or those from before.
    others: Vec<K>,
}

impl<K> Ring<K> {
    /// The keys of a list of ARNs, parted by commas.
    pub fn read(arns: &str, key: impl Fn(&str) -> K) -> Self {
        let (first, others) = arns.split_once(',').unwrap_or((arns, ""));
        Self { first: key(first), others: others.split(',').filter(|arn| !arn.is_empty()).map(key).collect() }
    }

    /// The key in use and the others.
    pub fn new(first: K, others: Vec<K>) -> Self {
        Self { first, others }
    }

    fn all(&self) -> impl Iterator<Item = &K> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl<K: CodeCheck + ?Sized> CodeCheck for Arc<K> {
    fn check<'a>(&'a self, input: &'a Digest, mac: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        self.as_ref().check(input, mac)
    }
}

impl<K: Published + ?Sized> Published for Arc<K> {
    fn jwks(&self) -> BoxFuture<'_, Result<Jwks, Error>> {
        self.as_ref().jwks()
    }
}

impl<K: CodeCheck> CodeCheck for Ring<K> {
    /// One call where the first key made it, one more for each other that has to be asked.
    fn check<'a>(&'a self, input: &'a Digest, mac: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            for key in self.all() {
                if key.check(input, mac).await? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}

impl<K: Published> Published for Ring<K> {
    /// All of them or none: a key that is left out would void what it signed.
    fn jwks(&self) -> BoxFuture<'_, Result<Jwks, Error>> {
        Box::pin(async move {
            let mut keys = Vec::new();
            for key in self.all() {
                keys.extend(key.jwks().await?.keys);
            }
            Ok(Jwks { keys })
        })
    }
}

/// A public key of P-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    kty: String,
    crv: String,
    #[serde(rename = "use")]
    usage: String,
    alg: String,
    /// Its id.
    pub kid: String,
    x: String,
    y: String,
}

/// The keys that anyone may verify with.
#[derive(Clone, Debug, Serialize)]
pub struct Jwks {
    /// All of them.
    pub keys: Vec<Jwk>,
}

impl Jwk {
    /// From a public key as KMS gives it (SubjectPublicKeyInfo, DER).
    ///
    /// # Errors
    /// Where it is no key of P-256.
    pub fn from_der(der: &[u8], kid: &str) -> Result<Self, Error> {
        let key = p256::PublicKey::from_public_key_der(der).map_err(|error| Error::aws("kms:GetPublicKey", error))?;
        let point = key.to_sec1_point(false);
        let (Some(x), Some(y)) = (point.x(), point.y()) else {
            return Err(Error::Corrupt("the signing key has no coordinates"));
        };
        Ok(Self {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            usage: "sig".to_owned(),
            alg: "ES256".to_owned(),
            kid: kid.to_owned(),
            x: URL_SAFE_NO_PAD.encode(x),
            y: URL_SAFE_NO_PAD.encode(y),
        })
    }
}

/// The id under which a key is published: says nothing of the account it lives in.
#[must_use]
pub fn key_id(arn: &str) -> String {
    Digest::of(&["linekeeper signing key 1", arn]).short().to_owned()
}

/// The MAC key in KMS.
#[derive(Clone, Debug)]
pub struct KmsMac {
    client: aws_sdk_kms::Client,
    key: String,
}

impl KmsMac {
    /// The key with this ARN.
    #[must_use]
    pub fn new(client: aws_sdk_kms::Client, key: &str) -> Self {
        Self { client, key: key.to_owned() }
    }

    async fn generate(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let message = Blob::new(message);
        let call = self.client.generate_mac().key_id(&self.key).mac_algorithm(MacAlgorithmSpec::HmacSha256).message(message);
        let answer = call.send().await.map_err(|error| Error::aws("kms:GenerateMac", error.into_service_error()))?;
        answer.mac().map(|mac| mac.as_ref().to_vec()).ok_or(Error::Corrupt("KMS gave no MAC"))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that hexadecimal digits stand for.
pub(crate) fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hexadecimal.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    Some(digits?.chunks_exact(2).filter_map(|pair| if let [high, low] = pair { Some(high << 4 | low) } else { None }).collect())
}

impl CodeMac for KmsMac {
    fn mac<'a>(&'a self, input: &'a Digest) -> BoxFuture<'a, Result<String, Error>> {
        Box::pin(async move { Ok(hexadecimal(&self.generate(input.as_str().as_bytes()).await?)) })
    }
}

impl ProfileKey for KmsMac {
    fn derive(&self) -> BoxFuture<'_, Result<Zeroizing<[u8; 32]>, Error>> {
        Box::pin(async move {
            let mac = Zeroizing::new(self.generate(b"linekeeper profile key 1").await?);
            let key = <[u8; 32]>::try_from(mac.as_slice()).map_err(|_| Error::Corrupt("KMS gave no MAC of 32 bytes"))?;
            Ok(Zeroizing::new(key))
        })
    }
}

impl CodeCheck for KmsMac {
    fn check<'a>(&'a self, input: &'a Digest, mac: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let mac = bytes(mac).ok_or(Error::Corrupt("a stored MAC is not hexadecimal"))?;
            let call = self
                .client
                .verify_mac()
                .key_id(&self.key)
                .mac_algorithm(MacAlgorithmSpec::HmacSha256)
                .message(Blob::new(input.as_str().as_bytes()))
                .mac(Blob::new(mac));
            match call.send().await.map_err(aws_sdk_kms::error::SdkError::into_service_error) {
                Ok(answer) => Ok(answer.mac_valid()),
                Err(error) if error.is_kms_invalid_mac_exception() => Ok(false),
                Err(error) => Err(Error::aws("kms:VerifyMac", error)),
            }
        })
    }
}

/// The signing key in KMS.
#[derive(Clone, Debug)]
pub struct KmsSigner {
    client: aws_sdk_kms::Client,
    key: String,
    id: String,
    jwk: Arc<OnceCell<Jwk>>,
}

impl KmsSigner {
    /// The key with this ARN.
    #[must_use]
    pub fn new(client: aws_sdk_kms::Client, key: &str) -> Self {
        Self { client, key: key.to_owned(), id: key_id(key), jwk: Arc::default() }
    }
}

impl Signer for KmsSigner {
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            let call = self
                .client
                .sign()
                .key_id(&self.key)
                .signing_algorithm(SigningAlgorithmSpec::EcdsaSha256)
                .message_type(MessageType::Raw)
                .message(Blob::new(message));
            let answer = call.send().await.map_err(|error| Error::aws("kms:Sign", error.into_service_error()))?;
            let der = answer.signature().ok_or(Error::Corrupt("KMS gave no signature"))?;
            let signature = p256::ecdsa::Signature::from_der(der.as_ref()).map_err(|error| Error::aws("kms:Sign", error))?;
            Ok(signature.to_bytes().to_vec())
        })
    }

    fn key_id(&self) -> &str {
        &self.id
    }
}

impl Published for KmsSigner {
    /// Asks KMS once in the life of the process.
    fn jwks(&self) -> BoxFuture<'_, Result<Jwks, Error>> {
        Box::pin(async move {
            let ask = || async {
                let call = self.client.get_public_key().key_id(&self.key);
                let answer = call.send().await.map_err(|error| Error::aws("kms:GetPublicKey", error.into_service_error()))?;
                let der = answer.public_key().ok_or(Error::Corrupt("KMS gave no public key"))?;
                Jwk::from_der(der.as_ref(), &self.id)
            };
            Ok(Jwks { keys: vec![self.jwk.get_or_try_init(ask).await?.clone()] })
        })
    }
}

/// `typ` of a signed authorization.
pub const AUTHORIZATION_TYP: &str = "linekeeper-authorization+jwt";
/// `typ` of the token behind "this was not me". One cannot stand in for the other.
pub const NOT_ME_TYP: &str = "linekeeper-not-me+jwt";
/// How long a "this was not me" link works.
const NOT_ME_LIFE: Span = Span::days(7);

/// What provisioning acts on: one change of one line or account, once, before `exp`.
#[derive(Clone, Debug, Serialize)]
struct AuthorizationClaims<'a> {
    iss: &'a str,
    jti: &'a str,
    iat: i64,
    exp: i64,
    account_id: &'a AccountId,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_id: Option<&'a LineId>,
    change_id: &'a ChangeId,
    kind: ChangeKind,
    change: &'a Details,
}

/// What a "this was not me" link says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotMe {
    iss: String,
    iat: i64,
    exp: i64,
    /// Whose account.
    #[serde(rename = "sub")]
    pub account_id: AccountId,
    /// Which change.
    #[serde(rename = "chg")]
    pub change_id: ChangeId,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

/// A JWS in compact form (RFC 7515). Only the assembly is ours: no library lets a remote key sign without
/// holding it, and reading goes through one.
async fn jws(signer: &dyn Signer, typ: &'static str, claims: &impl Serialize) -> Result<String, Error> {
    let part = |json: Result<Vec<u8>, serde_json::Error>| {
        json.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).map_err(|e| Error::aws("jws", e))
    };
    let header = part(serde_json::to_vec(&Header { alg: "ES256", typ, kid: signer.key_id() }))?;
    let body = part(serde_json::to_vec(claims))?;
    let input = format!("{header}.{body}");
    let signature = signer.sign(input.as_bytes()).await?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Signs an authorization. Its content is fixed in the ledger: signing twice says the same twice (I2).
///
/// # Errors
/// Where KMS does not sign.
pub async fn sign_authorization(
    signer: &dyn Signer,
    issuer: &str,
    account_id: &AccountId,
    change: &Change,
    authorization: &Authorization,
) -> Result<String, Error> {
    let line_id = match change.id.subject() {
        Subject::Line(id) => Some(id),
        Subject::Account => None,
    };
    let claims = AuthorizationClaims {
        iss: issuer,
        jti: authorization.id.as_str(),
        iat: authorization.granted_at.as_second(),
        exp: authorization.expires_at.as_second(),
        account_id,
        line_id,
        change_id: &change.id,
        kind: change.kind(),
        change: &change.details,
    };
    jws(signer, AUTHORIZATION_TYP, &claims).await
}

/// Signs the token of a "this was not me" link.
///
/// # Errors
/// Where KMS does not sign.
pub async fn sign_not_me(
    signer: &dyn Signer,
    issuer: &str,
    account: &AccountId,
    change: &ChangeId,
    now: Timestamp,
) -> Result<String, Error> {
    let claims = NotMe {
        iss: issuer.to_owned(),
        iat: now.as_second(),
        exp: (now + NOT_ME_LIFE).as_second(),
        account_id: account.clone(),
        change_id: change.clone(),
    };
    jws(signer, NOT_ME_TYP, &claims).await
}

/// Reads the token of a "this was not me" link. Nothing where it is not one of ours, or too old.
#[must_use]
pub fn read_not_me(token: &str, jwk: &Jwk, issuer: &str, now: Timestamp) -> Option<NotMe> {
    let header = jsonwebtoken::decode_header(token).ok()?;
    if header.typ.as_deref() != Some(NOT_ME_TYP) || header.kid.as_deref() != Some(jwk.kid.as_str()) {
        return None;
    }
    let key = DecodingKey::from_ec_components(&jwk.x, &jwk.y).ok()?;
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["iss", "exp", "sub"]);
    // Against the clock that was handed in, below.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<NotMe>(token, &key, &validation).ok()?.claims;
    (now.as_second() < claims.exp).then_some(claims)
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::config::http::{HttpRequest, HttpResponse};
    use aws_sdk_kms::config::retry::RetryConfig;
    use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_types::body::SdkBody;
    use serde_json::json;

    use super::*;
    use crate::telemetry;

    /// KMS as it answers a caller whose clock is ten minutes behind.
    #[derive(Debug)]
    struct Ahead;

    impl HttpConnector for Ahead {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let answer = json!({
                "__type": "InvalidSignatureException",
                "message": "Signature expired: 20261125T091000Z is now earlier than 20261125T091500Z (20261125T092000Z - 5 min.)",
            });
            HttpConnectorFuture::ready(Ok(HttpResponse::new(400.try_into().unwrap(), SdkBody::from(answer.to_string()))))
        }
    }

    #[tokio::test]
    async fn what_aws_says_of_a_clock_that_is_ten_minutes_off_reaches_the_log() {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(|_: &HttpConnectorSettings, _| SharedHttpConnector::new(Ahead)))
            .build();
        let error = KmsSigner::new(aws_sdk_kms::Client::from_conf(config), "arn:key").sign(b"x").await.unwrap_err();
        let line = telemetry::chain(&error);
        assert!(line.starts_with("kms:Sign failed") && line.contains("is now earlier than 20261125T091500Z"), "{line}");
    }

    #[test]
    fn a_ring_is_read_of_a_list() {
        for (list, all) in [("a", &["a"][..]), ("a,b", &["a", "b"]), ("a,b,c", &["a", "b", "c"]), ("a,", &["a"])] {
            assert_eq!(Ring::read(list, str::to_owned).all().collect::<Vec<_>>(), all);
        }
    }
}
