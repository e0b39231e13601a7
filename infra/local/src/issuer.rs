//! A tiny OpenID Connect issuer on loopback: the carrier's identity provider, as far as Linekeeper sees it.

use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use tiny_http::{Response, Server};

/// The audience that Linekeeper's tokens name.
pub(crate) const AUDIENCE: &str = "linekeeper";

const KEY_ID: &str = "local-1";
/// What API Gateway's JWT authorizer takes: RSA only.
const KEY_BITS: usize = 2048;
const HALF_DAY: i64 = 12 * 3600;

/// Mints tokens, and serves the keys to check them with.
pub(crate) struct Issuer {
    url: String,
    jwks: Value,
    key: EncodingKey,
    server: Arc<Server>,
}

impl Issuer {
    /// Makes a key and listens on a free loopback port.
    pub(crate) fn start() -> Result<Self> {
        let server = Server::http("127.0.0.1:0").map_err(|error| anyhow!("the issuer cannot listen: {error}"))?;
        let address = server.server_addr().to_ip().context("the issuer listens on no IP address")?;
        let url = format!("http://{address}");
        let (key, jwks) = make_key()?;
        let server = Arc::new(server);
        let configuration = json!({
            "issuer": url,
            "jwks_uri": format!("{url}/jwks.json"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        {
            let (server, jwks) = (Arc::clone(&server), jwks.clone());
            thread::spawn(move || serve(&server, &configuration, &jwks));
        }
        Ok(Self { url, jwks, key, server })
    }

    /// The `iss` of its tokens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The JWKS document, for functions that check tokens themselves.
    pub(crate) fn jwks(&self) -> &Value {
        &self.jwks
    }

    /// A customer's access token, good for half a day.
    pub(crate) fn customer(&self, account_id: &str) -> Result<String> {
        self.mint(&json!({ "sub": account_id, "scope": "linekeeper:customer" }), HALF_DAY)
    }

    /// A representative's access token, good for half a day; `channel` is where the customer reached them. Each has a
    /// session and a device of their own.
    pub(crate) fn representative(&self, id: &str, name: &str, channel: &str) -> Result<String> {
        let (role, place) = if channel == "store" { ("store_agent", "store-12") } else { ("agent", "team-3") };
        let claims = json!({
            "sub": id, "scope": "linekeeper:representative", "contact_channel": channel, "role": role, "name": name, "place": place,
            "sid": format!("session-of-{id}"), "device_id": format!("device-of-{id}"), "conversation": "call-1",
        });
        self.mint(&claims, HALF_DAY)
    }

    /// A token with these claims over the usual ones, that expires in so many seconds (or did).
    pub(crate) fn mint(&self, claims: &Value, expires_in: i64) -> Result<String> {
        let now = Timestamp::now().as_second();
        let mut all =
            json!({ "iss": self.url, "aud": AUDIENCE, "iat": now - HALF_DAY, "nbf": now - HALF_DAY, "exp": now + expires_in });
        if let (Some(all), Some(claims)) = (all.as_object_mut(), claims.as_object()) {
            all.extend(claims.clone());
        }
        let header = Header { kid: Some(KEY_ID.into()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, &all, &self.key).context("cannot sign a token")
    }

    /// Another issuer's key under this one's name: what a forger would have.
    pub(crate) fn forger(&self) -> Result<Self> {
        let (key, jwks) = make_key()?;
        Ok(Self { url: self.url.clone(), jwks, key, server: Arc::clone(&self.server) })
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.unblock();
    }
}

fn make_key() -> Result<(EncodingKey, Value)> {
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, KEY_BITS).context("cannot make the issuer's key")?;
    let part = |number: &rsa::BigUint| URL_SAFE_NO_PAD.encode(number.to_bytes_be());
    let jwks = json!({ "keys": [{
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": part(key.n()), "e": part(key.e()),
    }]});
    let der = key.to_pkcs1_der().context("cannot write the issuer's key")?;
    Ok((EncodingKey::from_rsa_der(der.as_bytes()), jwks))
}

fn serve(server: &Server, configuration: &Value, jwks: &Value) {
    for request in server.incoming_requests() {
        let document = match request.url() {
            "/.well-known/openid-configuration" => configuration,
            "/jwks.json" | "/.well-known/jwks.json" => jwks,
            _ => {
                let _ = request.respond(Response::empty(404));
                continue;
            }
        };
        let mut response = Response::from_string(document.to_string());
        if let Ok(header) = tiny_http::Header::from_bytes("Content-Type", "application/json") {
            response.add_header(header);
        }
        // A caller that left is no trouble of ours.
        let _ = request.respond(response);
    }
}
