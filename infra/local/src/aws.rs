//! Signed calls to the local cloud, or to AWS itself: JSON and query protocols over AWS's own signer.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

/// The only region the local cloud is asked for.
pub(crate) const REGION: &str = "us-east-1";

/// A call that the service refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The service's name for the refusal, such as `AccessDeniedException`.
    pub(crate) code: String,
    /// The rest of what it said.
    pub(crate) body: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.status, self.body)
    }
}

impl std::error::Error for Refusal {}

/// One set of credentials at one endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Aws {
    agent: Agent,
    endpoint: String,
    credentials: Credentials,
}

impl Aws {
    /// The local cloud's root.
    pub(crate) fn root(endpoint: &str) -> Self {
        Self { agent: agent(), endpoint: endpoint.to_owned(), credentials: Credentials::from_keys("test", "test", None) }
    }

    /// The endpoint that is called.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The same endpoint as someone else.
    pub(crate) fn with_credentials(&self, key: &str, secret: &str, token: &str) -> Self {
        Self { credentials: Credentials::from_keys(key, secret, Some(token.to_owned())), ..self.clone() }
    }

    /// A call of a service that speaks JSON 1.0 or 1.1, such as `DynamoDB_20120810.Query`.
    pub(crate) fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let version = if matches!(service, "kms" | "logs") { "1.1" } else { "1.0" };
        let headers = [("content-type", format!("application/x-amz-json-{version}")), ("x-amz-target", target.to_owned())];
        let answer = self.signed("POST", service, "/", &headers, body.to_string())?;
        parse(&answer)
    }

    /// A call of a service that speaks the older query protocol; the answer is XML.
    pub(crate) fn query(&self, service: &str, version: &str, action: &str, parameters: &[(&str, &str)]) -> Result<String> {
        let mut body = format!("Action={action}&Version={version}");
        for (name, value) in parameters {
            body.push('&');
            body.push_str(name);
            body.push('=');
            body.push_str(&form_encoded(value));
        }
        self.signed("POST", service, "/", &[("content-type", "application/x-www-form-urlencoded".to_owned())], body)
    }

    /// Invokes a function with one event and returns what it answered.
    pub(crate) fn invoke(&self, function: &str, event: &Value) -> Result<Value> {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        self.post("lambda", &path, event)
    }

    /// A call of a service that speaks REST and answers JSON.
    pub(crate) fn get(&self, service: &str, path: &str) -> Result<Value> {
        parse(&self.signed("GET", service, path, &[], String::new())?)
    }

    /// A call as another protocol needs it: a path and a JSON body.
    pub(crate) fn post(&self, service: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = self.signed("POST", service, path, &[("content-type", "application/json".to_owned())], body.to_string())?;
        parse(&answer)
    }

    /// The same to replace something.
    pub(crate) fn put(&self, service: &str, path: &str, body: &Value) -> Result<Value> {
        let answer = self.signed("PUT", service, path, &[("content-type", "application/json".to_owned())], body.to_string())?;
        parse(&answer)
    }

    fn signed(&self, method: &str, service: &str, path: &str, headers: &[(&str, String)], body: String) -> Result<String> {
        let url = format!("{}{path}", self.endpoint);
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .context("incomplete signing parameters")?
            .into();
        let pairs = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable = SignableRequest::new(method, &url, pairs, SignableBody::Bytes(body.as_bytes()))?;
        let (signature, _) = sign(signable, &parameters)?.into_parts();

        let mut request = Request::builder().method(method).uri(&url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(body)?;
        signature.apply_to_request_http1x(&mut request);

        let mut response = self.agent.run(request).with_context(|| format!("no answer from {service} at {}", self.endpoint))?;
        let answer = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
        if response.status().is_success() {
            return Ok(answer);
        }
        Err(Refusal { status: response.status().as_u16(), code: code_of(&answer), body: answer }.into())
    }
}

/// An HTTP client that leaves statuses to its caller.
pub(crate) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .max_redirects(0)
        .proxy(None)
        .build()
        .into()
}

/// What lies between `<tag>` and `</tag>`.
pub(crate) fn xml_text<'a>(xml: &'a str, tag: &str) -> Result<&'a str> {
    let find = || {
        let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0)
    };
    find().ok_or_else(|| anyhow!("the answer has no {tag}"))
}

fn parse(answer: &str) -> Result<Value> {
    if answer.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(answer).context("the answer is no JSON")
}

fn code_of(answer: &str) -> String {
    if let Ok(code) = xml_text(answer, "Code") {
        return code.to_owned();
    }
    let json: Value = serde_json::from_str(answer).unwrap_or_default();
    let code = json.get("__type").or_else(|| json.get("code")).and_then(Value::as_str).unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().to_owned()
}

fn form_encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_found_in_either_protocol() {
        assert_eq!(code_of("<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"), "AccessDenied");
        assert_eq!(code_of(r#"{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}"#), "AccessDeniedException");
        assert_eq!(code_of("gateway down"), "");
    }

    #[test]
    fn a_form_value_survives() {
        assert_eq!(form_encoded(r#"{"a": "+1"}"#), "%7B%22a%22%3A%20%22%2B1%22%7D");
    }
}
