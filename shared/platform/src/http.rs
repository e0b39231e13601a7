//! HTTP as the functions see it: a [`Request`] read once, a [`Reply`] or a [`Problem`] written once.
//!
//! Contract: nothing of a request is echoed in an answer except ids that the caller may know. Every
//! answer is `Cache-Control: no-store` unless it says otherwise, and every request is counted under `ok`
//! or its problem's name. A panic is answered too, as `internal`.

use std::fmt;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use aws_lambda_events::http::header::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::batch::{Panicked, guard};
use crate::problem::{Problem, ProblemKind};
use crate::telemetry::{self, Metric};

/// The largest body that is read, in bytes.
pub const BODY_LIMIT: usize = 16 * 1024;

/// Reads the request, lets `handle` answer it, counts it, and writes the answer.
///
/// ```ignore
/// service_fn(|event: LambdaEvent<_>| async { Ok(http::serve(event.payload, |r| app.route(r)).await) })
/// ```
pub async fn serve<F, Fut>(event: ApiGatewayV2httpRequest, handle: F) -> ApiGatewayV2httpResponse
where
    F: FnOnce(Request) -> Fut,
    Fut: Future<Output = Result<Reply, Problem>>,
{
    let id = event.request_context.request_id.clone().unwrap_or_default();
    let result = match Request::read(event) {
        Ok(request) => guard(async { handle(request).await })
            .await
            .unwrap_or_else(|Panicked| Err(Problem::new(ProblemKind::Internal, "the function panicked"))),
        Err(problem) => Err(problem),
    };
    let reply = match result {
        Ok(reply) => {
            telemetry::count(Metric::Request, "ok");
            reply
        }
        Err(problem) => {
            telemetry::count(Metric::Request, problem.kind.name());
            if problem.kind.status() >= 500 {
                tracing::error!(request = id, problem = problem.kind.name(), detail = problem.detail, "request failed");
            }
            Reply::problem(&problem, &id)
        }
    };
    reply.into()
}

/// A request, checked for form and size.
pub struct Request {
    id: String,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Vec<u8>,
    source: Option<String>,
    claims: Option<Claims>,
}

/// What API Gateway's authorizer says about the caller.
pub(crate) type Claims = std::collections::HashMap<String, String>;

impl Request {
    /// Reads the event of an HTTP API (payload 2.0).
    ///
    /// # Errors
    /// `too-large` beyond [`BODY_LIMIT`]; `malformed` for a body that is not the base64 it claims to be.
    pub fn read(event: ApiGatewayV2httpRequest) -> Result<Self, Problem> {
        let body = body(event.body.unwrap_or_default(), event.is_base64_encoded)?;
        let context = event.request_context;
        let path = event.raw_path.unwrap_or_default();
        let mut query: Vec<(String, String)> = Vec::new();
        for (name, value) in event.query_string_parameters.iter() {
            match query.iter_mut().find(|(known, _)| known == name) {
                // As API Gateway joins what is repeated. No id holds a comma, so a repeated one is no id.
                Some((_, values)) => *values = format!("{values},{value}"),
                None => query.push((name.to_owned(), value.to_owned())),
            }
        }
        Ok(Self {
            id: context.request_id.unwrap_or_default(),
            method: context.http.method.as_str().to_owned(),
            path: without_stage(&path, context.stage.as_deref()).to_owned(),
            query,
            headers: event.headers,
            body,
            source: context.http.source_ip,
            claims: context.authorizer.and_then(|authorizer| authorizer.jwt).map(|jwt| jwt.claims),
        })
    }

    /// The id that finds the request in the logs.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The method, in capitals.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The segments of the path, without the stage: `["v1", "changes"]`. To be matched as a slice.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        self.path.strip_prefix('/').unwrap_or(&self.path).split('/').collect()
    }

    /// The path as it was asked for, without the stage: `/v1/changes`.
    #[must_use]
    pub fn path_text(&self) -> &str {
        &self.path
    }

    /// A parameter of the query; one that is repeated comes joined by commas.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A header by its name in lower case, if it is there and printable.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Every value of a header by its name in lower case, printable or not.
    pub(crate) fn header_values(&self, name: &str) -> impl Iterator<Item = &HeaderValue> {
        self.headers.get_all(name).iter()
    }

    /// The network address that reached API Gateway: the edge's, where there is one.
    pub(crate) fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The claims that API Gateway's authorizer verified, where one stood in front.
    pub(crate) fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// The body.
    ///
    /// # Errors
    /// `unsupported-media-type` unless it is declared as `application/json`; `malformed` if it is not JSON
    /// or not of the expected form, with the place and never the value.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let declared = self.header("content-type").unwrap_or_default();
        let media_type = declared.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(ProblemKind::UnsupportedMediaType, "Send the body as application/json."));
        }
        serde_json::from_slice(&self.body).map_err(|error| Problem::new(ProblemKind::Malformed, misfit(&error)))
    }

    /// The `Idempotency-Key` header: 1 to 128 visible ASCII characters, as a structured-field string
    /// (`"…"`, as draft-ietf-httpapi-idempotency-key-header says) or bare.
    ///
    /// # Errors
    /// `idempotency-key-missing`, or `malformed`.
    pub fn idempotency_key(&self) -> Result<String, Problem> {
        let Some(value) = self.headers.get("idempotency-key") else {
            return Err(Problem::new(
                ProblemKind::IdempotencyKeyMissing,
                "Send an Idempotency-Key that is new for every change and the same for every retry of it.",
            ));
        };
        value.to_str().ok().and_then(|text| sf_string(text.trim())).ok_or_else(|| {
            Problem::new(ProblemKind::Malformed, "The Idempotency-Key has 1 to 128 visible ASCII characters in double quotes.")
        })
    }
}

// Neither headers nor body: they hold tokens, codes and numbers.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("id", &self.id).field("method", &self.method).finish_non_exhaustive()
    }
}

fn body(text: String, is_base64: bool) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::new(ProblemKind::TooLarge, format!("A body has at most {BODY_LIMIT} bytes."));
    // Base64 takes four characters for three bytes: what cannot fit is not decoded.
    if text.len() > BODY_LIMIT.div_ceil(3) * 4 {
        return Err(too_large());
    }
    let bytes = match is_base64 {
        true => STANDARD.decode(text).map_err(|_| Problem::new(ProblemKind::Malformed, "The body is not valid base64."))?,
        false => text.into_bytes(),
    };
    if bytes.len() > BODY_LIMIT { Err(too_large()) } else { Ok(bytes) }
}

fn without_stage<'a>(path: &'a str, stage: Option<&str>) -> &'a str {
    match stage {
        None | Some("" | "$default") => path,
        Some(stage) => match path.strip_prefix('/').and_then(|path| path.strip_prefix(stage)) {
            Some(rest) if rest.starts_with('/') => rest,
            Some("") => "/",
            _ => path,
        },
    }
}

/// Where JSON does not fit. `serde_json` quotes values in its messages, so only the place is taken.
#[must_use]
pub fn misfit(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Syntax => "is not JSON",
        Category::Eof => "ends too early",
        Category::Data | Category::Io => "does not have the expected form",
    };
    match error.line() {
        0 => format!("The body {what}."),
        line => format!("The body {what} (line {line}, column {}).", error.column()),
    }
}

/// A string of RFC 9651, section 3.3.3, of visible characters only; or the same without quotes.
fn sf_string(text: &str) -> Option<String> {
    let key = match text.strip_prefix('"') {
        None => text.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\,;".contains(&b)).then(|| text.to_owned())?,
        Some(quoted) => {
            let mut key = String::new();
            let mut characters = quoted.strip_suffix('"')?.chars();
            while let Some(character) = characters.next() {
                key.push(match character {
                    '"' => return None,
                    '\\' => characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?,
                    visible if visible.is_ascii_graphic() => visible,
                    _ => return None,
                });
            }
            key
        }
    };
    (1..=128).contains(&key.len()).then_some(key)
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Option<String>,
}

impl Reply {
    /// An answer in JSON.
    ///
    /// # Errors
    /// `internal` if the value cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> Result<Self, Problem> {
        let body = serde_json::to_string(value)
            .map_err(|error| Problem::new(ProblemKind::Internal, format!("an answer could not be written: {error}")))?;
        Ok(Self::new(status).with("content-type", "application/json").containing(body))
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(204)
    }

    /// The answer that says what went wrong. `instance` is the request's id.
    #[must_use]
    pub fn problem(problem: &Problem, instance: &str) -> Self {
        let mut reply = Self::new(problem.kind.status()).with("content-type", "application/problem+json");
        if problem.kind == ProblemKind::Unauthenticated {
            reply = reply.with("www-authenticate", "Bearer");
        }
        if problem.kind == ProblemKind::ProofInvalid {
            reply = reply.with("www-authenticate", "DPoP error=\"invalid_dpop_proof\", algs=\"ES256\"");
        }
        if let Some(methods) = problem.allow {
            reply = reply.with("allow", methods);
        }
        if let Some(seconds) = problem.retry_after {
            reply = reply.with("retry-after", &seconds.to_string());
        }
        // What exactly failed on our side is for the logs.
        let unexplained = Problem::from(ProblemKind::Internal);
        let shown = if problem.kind == ProblemKind::Internal { &unexplained } else { problem };
        let body = serde_json::to_string(&shown.document(instance));
        // Texts and numbers only: this cannot fail, and a problem without its document is still one.
        reply.containing(body.unwrap_or_default())
    }

    /// Sets a header, in place of an earlier one. A value that is no header value is left out.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    fn new(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), body: None }.with("cache-control", "no-store")
    }

    fn containing(mut self, body: String) -> Self {
        self.body = Some(body);
        self
    }
}

impl From<Reply> for ApiGatewayV2httpResponse {
    fn from(reply: Reply) -> Self {
        let mut response = Self::default();
        response.status_code = i64::from(reply.status);
        response.headers = reply.headers;
        response.body = reply.body.map(Body::Text);
        response
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    /// An event as API Gateway sends it, with some members replaced.
    pub(crate) fn event(change: impl FnOnce(&mut Value)) -> ApiGatewayV2httpRequest {
        let mut event = json!({
            "version": "2.0",
            "routeKey": "POST /v1/changes",
            "rawPath": "/v1/changes",
            "rawQueryString": "",
            "headers": { "Content-Type": "application/json; charset=utf-8", "Idempotency-Key": "\"k-1\"" },
            "requestContext": {
                "accountId": "123456789012",
                "stage": "$default",
                "requestId": "req-1",
                "http": { "method": "POST", "path": "/v1/changes", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x" },
                "timeEpoch": 1_583_348_638_390_i64
            },
            "body": "{\"kind\":\"sim_swap\"}",
            "isBase64Encoded": false
        });
        change(&mut event);
        serde_json::from_value(event).unwrap()
    }

    pub(crate) fn request(change: impl FnOnce(&mut Value)) -> Request {
        Request::read(event(change)).unwrap()
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Wish {
        kind: String,
    }

    #[test]
    fn a_request_is_read_as_api_gateway_sends_it() {
        let request = request(|event| event["queryStringParameters"] = json!({ "account_id": "ac_1" }));
        assert_eq!((request.id(), request.method()), ("req-1", "POST"));
        assert_eq!(request.path(), ["v1", "changes"]);
        assert_eq!(request.path_text(), "/v1/changes");
        assert_eq!(request.query("account_id"), Some("ac_1"));
        assert_eq!(request.idempotency_key().unwrap(), "k-1");
        assert_eq!(request.json::<Wish>().unwrap(), Wish { kind: "sim_swap".to_owned() });
    }

    #[test]
    fn a_stage_is_not_part_of_the_path() {
        for (path, stage, expected) in [
            ("/prod/v1/changes", "prod", vec!["v1", "changes"]),
            ("/prod/v1/changes", "$default", vec!["prod", "v1", "changes"]),
            ("/production/v1", "prod", vec!["production", "v1"]),
            ("/prod", "prod", vec![""]),
            ("/v1/changes", "prod", vec!["v1", "changes"]),
        ] {
            let request = request(|event| {
                event["rawPath"] = json!(path);
                event["requestContext"]["stage"] = json!(stage);
            });
            assert_eq!(request.path(), expected, "{path} on {stage}");
        }
    }

    #[test]
    fn a_repeated_parameter_is_no_id() {
        let request = request(|event| event["queryStringParameters"] = json!({ "account_id": "ac_1,ac_2" }));
        assert_eq!(request.query("account_id"), Some("ac_1,ac_2"));
    }

    #[test]
    fn a_body_in_base64_is_decoded() {
        let request = request(|event| {
            event["body"] = json!(STANDARD.encode("{\"kind\":\"x\"}"));
            event["isBase64Encoded"] = json!(true);
        });
        assert_eq!(request.json::<Wish>().unwrap().kind, "x");
    }

    #[test]
    fn a_body_that_is_not_the_base64_it_claims_to_be_is_malformed() {
        let event = event(|event| event["isBase64Encoded"] = json!(true));
        assert_eq!(Request::read(event).unwrap_err().kind, ProblemKind::Malformed);
    }

    #[test]
    fn a_body_over_the_limit_is_too_large_in_either_form() {
        for (size, fits) in [(BODY_LIMIT, true), (BODY_LIMIT + 1, false), (BODY_LIMIT * 3, false)] {
            let plain = "x".repeat(size);
            for (body, is_base64) in [(plain.clone(), false), (STANDARD.encode(&plain), true)] {
                let event = event(|event| {
                    event["body"] = json!(body);
                    event["isBase64Encoded"] = json!(is_base64);
                });
                let kind = Request::read(event).err().map(|problem| problem.kind);
                assert_eq!(kind, (!fits).then_some(ProblemKind::TooLarge), "{size} {is_base64}");
            }
        }
    }

    #[test]
    fn a_body_that_is_not_declared_as_json_is_an_unsupported_media_type() {
        for declared in ["text/plain", "application/jsonx", "application/x-www-form-urlencoded", ""] {
            let request = request(|event| event["headers"]["Content-Type"] = json!(declared));
            assert_eq!(request.json::<Wish>().unwrap_err().kind, ProblemKind::UnsupportedMediaType, "{declared}");
        }
    }

    #[test]
    fn a_misfit_tells_the_place_and_never_the_value() {
        for body in
            ["{\"kind\":\"SECRET", "{\"kind\":12345678}", "{\"SECRET\":1}", "SECRET", "", "{\"kind\":\"a\",\"kind\":\"SECRET\"}"]
        {
            let problem = request(|event| event["body"] = json!(body)).json::<Wish>().unwrap_err();
            assert_eq!(problem.kind, ProblemKind::Malformed);
            assert!(problem.detail.contains("line 1") && !problem.detail.contains("SECRET"), "{}", problem.detail);
            assert!(!problem.detail.contains("12345678"), "{}", problem.detail);
        }
    }

    #[test]
    fn an_idempotency_key_comes_quoted_or_bare() {
        let (longest, too_long) = ("k".repeat(128), "k".repeat(129));
        for (header, key) in [
            ("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", Some("8e03978e-40d5-43dd-bc93-6894a57f9324")),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", Some("8e03978e-40d5-43dd-bc93-6894a57f9324")),
            (" \"a\" ", Some("a")),
            (r#""a\"b\\c""#, Some(r#"a"b\c"#)),
            (longest.as_str(), Some(longest.as_str())),
            ("", None),
            ("\"\"", None),
            ("\"", None),
            ("\"a", None),
            ("a\"", None),
            ("\"a b\"", None),
            ("a b", None),
            ("a,b", None),
            ("\"a\",\"b\"", None),
            ("\"a\";p=1", None),
            (r#""a\n""#, None),
            (r#""a\""#, None),
            ("é", None),
            (too_long.as_str(), None),
        ] {
            let result = request(|event| event["headers"]["Idempotency-Key"] = json!(header)).idempotency_key();
            match key {
                Some(key) => assert_eq!(result.unwrap(), key),
                None => assert_eq!(result.unwrap_err().kind, ProblemKind::Malformed, "{header}"),
            }
        }
    }

    #[test]
    fn a_missing_idempotency_key_is_its_own_problem() {
        let request = request(|event| event["headers"] = json!({}));
        assert_eq!(request.idempotency_key().unwrap_err().kind, ProblemKind::IdempotencyKeyMissing);
    }

    #[test]
    fn a_request_prints_neither_its_headers_nor_its_body() {
        let request = request(|event| event["headers"]["Authorization"] = json!("Bearer SECRET"));
        assert_eq!(format!("{request:?}"), "Request { id: \"req-1\", method: \"POST\", .. }");
    }

    fn answer(result: Result<Reply, Problem>) -> ApiGatewayV2httpResponse {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(serve(event(|_| ()), |_| async { result }))
    }

    fn document(response: &ApiGatewayV2httpResponse) -> Value {
        serde_json::from_slice(response.body.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn an_answer_is_json_and_is_never_stored() {
        let response = answer(Reply::json(201, &json!({ "change_id": "c" })));
        assert_eq!(response.status_code, 201);
        assert_eq!(response.headers["content-type"], "application/json");
        assert_eq!(response.headers["cache-control"], "no-store");
        assert_eq!(document(&response), json!({ "change_id": "c" }));
    }

    #[test]
    fn an_answer_may_say_that_it_can_be_stored() {
        let response = answer(Reply::json(200, &json!({})).map(|reply| reply.with("cache-control", "public, max-age=300")));
        assert_eq!(response.headers["cache-control"], "public, max-age=300");
    }

    #[test]
    fn a_problem_names_the_request_and_when_to_come_back() {
        let response = answer(Err(Problem::new(ProblemKind::TooManyCodes, "Wait.").after(60)));
        assert_eq!(response.status_code, 429);
        assert_eq!(response.headers["content-type"], "application/problem+json");
        assert_eq!(response.headers["retry-after"], "60");
        assert_eq!(document(&response)["instance"], "req-1");
    }

    #[test]
    fn who_is_not_authenticated_is_told_how() {
        assert_eq!(answer(Err(ProblemKind::Unauthenticated.into())).headers["www-authenticate"], "Bearer");
    }

    #[test]
    fn what_failed_on_our_side_stays_on_our_side() {
        let response = answer(Err(Problem::new(ProblemKind::Internal, "table state: item too large")));
        assert_eq!(document(&response)["detail"], Value::Null);
    }

    #[test]
    fn a_method_that_is_not_allowed_names_those_that_are() {
        let response = answer(Err(Problem::method_not_allowed("GET, POST")));
        assert_eq!((response.status_code, &response.headers["allow"]), (405, &HeaderValue::from_static("GET, POST")));
    }

    #[test]
    fn a_panic_is_answered_as_a_problem() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(serve(event(|_| ()), |_| async { panic!("on purpose") }));
        assert_eq!(document(&response)["type"], "urn:linekeeper:problem:internal");
    }

    #[test]
    fn a_request_that_cannot_be_read_is_answered_without_the_handler() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let event = event(|event| event["isBase64Encoded"] = json!(true));
        let response = runtime.block_on(serve(event, |_| async { panic!("must not be called") }));
        assert_eq!(response.status_code, 400);
    }

    proptest! {
        #[test]
        fn every_key_reads_back_from_its_quoted_form(key in "[!-~]{1,128}") {
            let quoted = format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
            prop_assert_eq!(sf_string(&quoted), Some(key));
        }

        #[test]
        fn no_header_breaks_the_reading_of_a_key(text in any::<String>()) {
            if let Some(key) = sf_string(&text) {
                prop_assert!((1..=128).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
