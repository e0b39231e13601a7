//! The API: an event of API Gateway, through the functions' own doors.

use std::collections::BTreeSet;
use std::sync::Mutex;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use linekeeper_domain::change::Details;
use linekeeper_domain::ledger::Entry;
use linekeeper_domain::secret::OtpCode;
use linekeeper_platform::http::Request;
use linekeeper_platform::problem::ProblemKind;
use serde_json::{Map, Value, json};

use super::{Stage, event, stage};
use crate::dpop::For;
use crate::frozen::{Frozen, SEED};
use crate::log::{leak, mark, since};
use crate::people::{ANA, AT_HOME};
use crate::tap::Call;
use crate::world::{ISSUER, LEDGER, ORIGIN, customer, representative};
use crate::{DeviceKey, iccid};

/// A request, written as HTTP is: a line with method and target, headers, an empty line, the body. A line
/// `:as customer`, `:as staff phone` or `:as {…}` gives the claims of the authorizer; `:base64` says that the body
/// is. What begins with `{` is a whole event instead.
///
/// It is taken where the answer is no problem.
#[must_use]
pub fn http(data: &[u8]) -> bool {
    let event = if data.starts_with(b"{") { serde_json::from_slice(data).ok() } else { written(data) };
    let event = event.and_then(|event| serde_json::from_value::<ApiGatewayV2httpRequest>(event).ok());
    let Some(event) = event else { return false };
    // What cannot be read is answered all the same, below.
    let request = Request::read(event.clone()).ok();
    let body = request.as_ref().and_then(|request| request.json::<Value>().ok()).unwrap_or_default();
    if let Some(request) = &request {
        read(request, &body);
    }

    let stage = stage();
    stage.frozen.taken();
    let begun = mark();
    let answer = Answer::of(&stage, event);
    let (calls, writes) = (stage.frozen.world.tap.calls(), stage.frozen.taken());
    nothing_is_revealed(&stage.frozen, &answer, &since(begun));
    written_well(&writes);
    if let Some(problem) = answer.problem() {
        // Refusals and wrong answers are recorded. Whatever else goes wrong has changed nothing and told nobody.
        let recorded = ["refused", "code-wrong", "signature-wrong", "challenge-over", "too-many-attempts"].contains(&problem);
        assert!(recorded || (writes.is_empty() && !calls.contains(&Call::Send)), "{problem} changed something");
        let kind = ProblemKind::ALL.into_iter().find(|kind| kind.name() == problem).unwrap();
        assert_eq!((kind.status(), kind.title()), (answer.status, answer.body["title"].as_str().unwrap()));
        return false;
    }
    assert!([200, 201].contains(&answer.status), "{}", answer.status);
    let request = request.unwrap();
    right_key(&stage.frozen, &request, &body);
    true
}

/// The event of a request that is written as HTTP is.
fn written(data: &[u8]) -> Option<Value> {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((data, None), |end| (&data[..end], Some(&data[end + 2..])));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let (mut headers, mut claims, mut is_base64) = (Map::new(), None, false);
    for line in lines {
        match line.split_once(' ') {
            Some((":as", "customer")) => claims = Some(customer(&ANA)),
            Some((":as", who)) => {
                claims = who.strip_prefix("staff ").map(representative).or_else(|| serde_json::from_str(who).ok())
            }
            _ if line == ":base64" => is_base64 = true,
            _ => {
                let (name, value) = line.split_once(':')?;
                headers.insert(name.to_owned(), json!(value.trim()));
            }
        }
    }
    // API Gateway sends in base64 what is no text.
    let body = body.map(|body| match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            is_base64 = true;
            STANDARD.encode(body)
        }
    });
    let mut event = event(method, target, &Value::Object(headers), body.as_deref(), is_base64)?;
    if let Some(claims) = claims {
        event["requestContext"]["authorizer"] = json!({"jwt": {"claims": claims, "scopes": null}});
    }
    Some(event)
}

/// What is read of a request, by itself.
fn read(request: &Request, body: &Value) {
    if let Ok(key) = request.idempotency_key() {
        assert!((1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()));
    }
    assert!(format!("{request:?}").len() <= 3 * (request.id().len() + request.method().len()) + 64);
    if let Ok(details) = serde_json::from_value::<Details>(body.clone()) {
        let again = serde_json::to_value(&details).unwrap();
        assert_eq!(serde_json::from_value::<Details>(again).unwrap(), details);
    }
}

/// What came back.
struct Answer {
    status: u16,
    text: String,
    body: Value,
    headers: Value,
}

impl Answer {
    fn of(stage: &Stage, event: ApiGatewayV2httpRequest) -> Self {
        let (world, path) = (&stage.frozen.world, event.raw_path.clone().unwrap_or_default());
        let response = stage.runtime.block_on(async {
            if path.ends_with("/answer") {
                Box::pin(world.verify.handle(event)).await
            } else if path.ends_with("/challenges") {
                Box::pin(world.issue.handle(event)).await
            } else {
                Box::pin(world.intake.handle(event)).await
            }
        });
        let response = serde_json::to_value(response).unwrap();
        let text = response["body"].as_str().unwrap().to_owned();
        Self {
            status: u16::try_from(response["statusCode"].as_u64().unwrap()).unwrap(),
            body: serde_json::from_str(&text).unwrap(),
            text,
            headers: response["headers"].clone(),
        }
    }

    fn problem(&self) -> Option<&str> {
        if self.headers["content-type"] != "application/problem+json" {
            return None;
        }
        Some(self.body["type"].as_str().unwrap().strip_prefix("urn:linekeeper:problem:").unwrap())
    }
}

/// Neither in the answer nor in the log is what the caller need not know, and a problem says one of few things:
/// nothing of the request.
fn nothing_is_revealed(frozen: &Frozen, answer: &Answer, log: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    assert!(answer.text.len() <= 16 * 1024 && answer.headers.to_string().len() <= 1_024);
    let secrets = [&frozen.by_code.1, &frozen.link].map(Clone::clone);
    let personal = [ANA.msisdn, ANA.email, ANA.iccid, ANA.push].map(str::to_owned);
    assert_eq!(leak(&answer.text, &secrets).or(leak(log, &secrets)).or(leak(log, &personal)), None);
    if answer.problem().is_some() {
        assert_eq!(leak(&answer.text, &personal), None);
        assert_ne!(answer.problem(), Some("internal"));
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        let mut said = SAID.lock().unwrap();
        said.insert(detail.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>().replace("00", "0"));
        assert!(detail.len() <= 200 && said.len() <= 128, "{said:?}");
    }
}

/// What is written is small, about Ana only, and reads back.
fn written_well(writes: &[Value]) {
    for write in writes {
        assert!(write.to_string().len() <= 64 * 1024);
        for part in write["TransactItems"].as_array().unwrap() {
            let (kind, part) = part.as_object().unwrap().iter().next().unwrap();
            let pk = part["Key"]["pk"]["S"].as_str().or(part["Item"]["pk"]["S"].as_str()).unwrap();
            assert!(pk.starts_with("v1#acct-ana") || pk.starts_with("v1#QUOTA#"), "{pk} is not hers");
            if kind == "Put" && part["TableName"] == LEDGER {
                let text = part["Item"]["entry"]["S"].as_str().unwrap();
                let entry: Entry = serde_json::from_str(text).unwrap();
                assert_eq!(serde_json::to_string(&entry).unwrap(), text);
            }
        }
    }
}

/// What is taken as proven is proven by the right code, passkey or link.
fn right_key(frozen: &Frozen, request: &Request, body: &Value) {
    if request.path_text().ends_with("/answer") && request.path_text() == frozen.by_passkey.0 {
        let part = |name: &str| URL_SAFE_NO_PAD.decode(body["passkey"]["response"][name].as_str().unwrap()).unwrap();
        assert!(frozen.phone.signed(&part("clientDataJSON"), &part("authenticatorData"), &part("signature")));
    } else if request.path_text().ends_with("/answer") {
        assert_eq!(request.path_text(), frozen.by_code.0);
        assert_eq!(OtpCode::parse(body["code"].as_str().unwrap()).unwrap().expose(), frozen.by_code.1);
    } else if request.path_text() == "/v1/not-me" {
        assert!(DeviceKey::new(SEED).signed(body["token"].as_str().unwrap()));
    }
}

pub(super) fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    use linekeeper_platform::clock::Clock as _;
    let mut stage = stage();
    let (code_path, code) = stage.frozen.by_code.clone();
    let (passkey_path, options) = stage.frozen.by_passkey.clone();
    let passkey = stage.frozen.phone.get(&options, ORIGIN);
    let (link, now) = (stage.frozen.link.clone(), stage.frozen.world.clock.now());
    drop(stage);
    let challenges = code_path.rsplit_once('/').and_then(|(path, _)| path.rsplit_once('/')).unwrap().0.to_owned();
    let change = challenges.strip_suffix("/challenges").unwrap().to_owned();

    let home: String = AT_HOME.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let ask = |first: &str, extra: &str, body: &str| {
        let typed = if body.is_empty() { "" } else { "content-type: application/json\n" };
        format!("{first}\n{extra}{typed}\n{body}").into_bytes()
    };
    let by_customer = |first: &str, body: Value| ask(first, &format!(":as customer\n{home}"), &body.to_string());
    let wish =
        |body: Value| ask("POST /v1/changes", &format!(":as customer\nidempotency-key: \"k-1\"\n{home}"), &body.to_string());
    let about_line = |mut body: Value| {
        body["line_id"] = json!(ANA.line);
        wish(body)
    };
    let answer = |path: &str, body: Value| by_customer(&format!("POST {path}"), body);
    let proof = DeviceKey::new(SEED).proof(&For { method: "GET", url: &format!("{ISSUER}/v1/account"), token: None, at: now });
    let proven = |proof: &str| ask("GET /v1/account", &format!(":as customer\ndpop: {proof}\n"), "");
    vec![
        ("bad-sim-swap-open-already", wish(ANA.sim_swap(&iccid(2)))),
        ("good-number-change", about_line(json!({"kind": "number_change"}))),
        ("good-contact-change", wish(json!({"kind": "contact_change", "add": {"email": "ana@example.org"}, "remove": "email"}))),
        ("bad-protection-off-already", wish(json!({"kind": "protection_off", "protection": "account_lockdown"}))),
        ("good-authorized-user", wish(json!({"kind": "authorized_user", "user": "someone"}))),
        ("good-device-upgrade", about_line(json!({"kind": "device_upgrade", "imei": "490154203237518"}))),
        ("good-factor-add", wish(json!({"kind": "factor_add", "factor": "device_key"}))),
        ("good-protect", by_customer("PUT /v1/protections", json!({"protection": "never_sim_swap", "mode": "block", "line_id": ANA.line}))),
        ("good-protect-by-staff", ask("PUT /v1/protections?account_id=acct-ana", ":as staff phone\n", r#"{"protection":"account_lockdown"}"#)),
        ("good-challenge", answer(&challenges, json!({"factor": "push_otp"}))),
        ("good-answer-code", answer(&code_path, json!({"code": code}))),
        ("good-answer-passkey", answer(&passkey_path, json!({"passkey": passkey}))),
        ("good-cancel", ask(&format!("POST {change}/cancel"), ":as customer\n", "")),
        ("good-not-me", ask("POST /v1/not-me", "", &json!({"token": link}).to_string())),
        ("good-account-proven", proven(&proof)),
        ("good-list", ask("GET /v1/changes", ":as customer\n", "")),
        ("bad-answer-code", answer(&code_path, json!({"code": "000000"}))),
        ("bad-answer-recovery-code", answer(&code_path, json!({"code": "ABCD-EFGH-JKLM-NPQR"}))),
        ("bad-answer-elsewhere", answer("/v1/changes/line.line-ana.x/challenges/ch_1/answer", json!({"code": code}))),
        ("bad-answer-both", answer(&code_path, json!({"code": code, "passkey": {}}))),
        ("bad-nobody", ask("GET /v1/account", "", "")),
        ("bad-foreign-account", ask("GET /v1/account?account_id=acct-bea&account_id=acct-ana", ":as customer\n", "")),
        ("bad-staff", ask("POST /v1/changes?account_id=acct-ana", ":as staff phone\nidempotency-key: k\n", &ANA.sim_swap(&iccid(2)).to_string())),
        ("bad-claims", ask("GET /v1/account", ":as {\"sub\":\"acct-ana\",\"scope\":\"linekeeper:customer linekeeper:representative\"}\n", "")),
        ("bad-proof", proven("a.b.c")),
        ("bad-proof-twice", proven(&format!("{proof},{proof}"))),
        ("bad-path", ask("GET /v1/changes/..%2f..%2fline.x.y", ":as customer\n", "")),
        ("bad-body-cut", ask("POST /v1/changes", ":as customer\nidempotency-key: \"a\\\"b\"\n", "{\"kind\":\"sim_swap\",\"sim\":{")),
        ("bad-body-base64", ask("POST /v1/not-me", ":base64\n", "not base64!")),
        ("bad-event", json!({"version": "2.0", "rawPath": "/prod/v1/changes", "headers": {}, "requestContext": {"stage": "prod", "requestId": "r",
            "http": {"method": "DELETE", "path": "/", "protocol": "", "sourceIp": "::1", "userAgent": ""}}, "isBase64Encoded": false}).to_string().into_bytes()),
    ]
}
