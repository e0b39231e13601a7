//! What must hold of whatever bytes come from outside, one function for each parser of them.
//!
//! Each takes any bytes, panics where a law is broken, and says whether what it was given was taken. The fuzz
//! targets in `tests/fuzz` call these; so does `it/parsers.rs`, with their corpus and mutations of it.
//!
//! The first byte, a digit in the corpus, often chooses how deep the rest goes in: a whole proof, or a part of
//! one around which everything else is right and well signed. So no checksum and no signature stands
//! between a fuzzer and what comes after it.

mod dpop;
mod feeds;
mod http;
mod log;
mod numbers;
mod passkey;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard};

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use serde_json::{Value, json};

pub use dpop::dpop;
pub use feeds::{behaviour, provisioning};
pub use http::http;
pub use log::log;
pub use numbers::numbers;
pub use passkey::{passkey_assert, passkey_register};
pub use tokens::{bearer, not_me};

use crate::frozen::Frozen;

/// One of the functions.
pub type Parser = fn(&[u8]) -> bool;

/// All of them, by name.
pub const ALL: [(&str, Parser); 10] = [
    ("bearer", bearer),
    ("behaviour", behaviour),
    ("dpop", dpop),
    ("http", http),
    ("log", log),
    ("not_me", not_me),
    ("numbers", numbers),
    ("passkey_assert", passkey_assert),
    ("passkey_register", passkey_register),
    ("provisioning", provisioning),
];

/// Inputs made from what is valid, and the bad ones that one thinks of, each with its name. A name that begins
/// with `good` is one of an input that is taken.
#[must_use]
pub fn seeds(parser: &str) -> Vec<(&'static str, Vec<u8>)> {
    match parser {
        "bearer" => tokens::bearer_seeds(),
        "behaviour" => feeds::behaviour_seeds(),
        "dpop" => dpop::seeds(),
        "http" => http::seeds(),
        "log" => log::seeds(),
        "not_me" => tokens::not_me_seeds(),
        "numbers" => numbers::seeds(),
        "passkey_assert" => passkey::assert_seeds(),
        "passkey_register" => passkey::register_seeds(),
        "provisioning" => feeds::provisioning_seeds(),
        other => panic!("no parser is called {other}"),
    }
}

/// The functions over a database that stands still, with what runs them.
struct Stage {
    frozen: Frozen,
    runtime: tokio::runtime::Runtime,
}

/// The stage, for one at a time.
fn stage() -> MutexGuard<'static, Stage> {
    static STAGE: LazyLock<Mutex<Stage>> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let frozen = runtime.block_on(Frozen::new());
        Mutex::new(Stage { frozen, runtime })
    });
    STAGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The layer that the first byte names, of so many, and the rest.
fn layer(data: &[u8], layers: u8) -> Option<(u8, &[u8])> {
    data.split_first().map(|(first, rest)| (first.wrapping_sub(b'0') % layers, rest))
}

/// An input for a layer.
fn at_layer(layer: u8, rest: impl AsRef<[u8]>) -> Vec<u8> {
    [&[b'0' + layer], rest.as_ref()].concat()
}

/// Head and claims of a token that is to be signed: two lines.
fn lines(rest: &[u8]) -> (&[u8], &[u8]) {
    let mut lines = rest.splitn(2, |byte| *byte == b'\n');
    (lines.next().unwrap_or_default(), lines.next().unwrap_or_default())
}

/// An input of head and claims.
fn in_lines(head: &Value, claims: &Value) -> Vec<u8> {
    at_layer(1, format!("{head}\n{claims}"))
}

/// With another value of a member, or without it for `null`.
fn with(value: &Value, member: &str, other: Value) -> Value {
    let mut value = value.clone();
    value[member] = other;
    value.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    value
}

/// An event of API Gateway, if these can be parts of one.
fn event(method: &str, target: &str, headers: &Value, body: Option<&str>, is_base64: bool) -> Option<Value> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut parameters = BTreeMap::<&str, String>::new();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        // As API Gateway joins what is repeated.
        parameters.entry(name).and_modify(|all| *all = format!("{all},{value}")).or_insert_with(|| value.to_owned());
    }
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
        "queryStringParameters": parameters, "isBase64Encoded": is_base64, "body": body,
        "requestContext": {"stage": "$default", "requestId": "request-1", "time": "t", "timeEpoch": 1,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "fuzz"}},
    });
    serde_json::from_value::<ApiGatewayV2httpRequest>(event.clone()).ok().map(|_| event)
}

/// A part of a JWS in compact form, decoded.
fn part(jws: &str, n: usize) -> Value {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(jws.split('.').nth(n).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
