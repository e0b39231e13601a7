//! The HTTP API as a PWA calls it, with CloudFront's part played: its origin secret and its viewer facts.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::people::Place;

/// The deployed HTTP API.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    agent: Agent,
    base: String,
    host: String,
    edge_secret: String,
}

/// Who calls, from which device and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Caller {
    /// The bearer token.
    pub(crate) token: Option<String>,
    /// The id that the PWA keeps on the device.
    pub(crate) device: Option<String>,
    /// Where the request comes from.
    pub(crate) place: Option<Place>,
}

/// What the API answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The JSON body, null when there was none.
    pub(crate) body: Value,
}

/// A request being put together.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    api: &'a Api,
    caller: &'a Caller,
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Api {
    /// An API behind `base` whose requests must name `host`.
    pub(crate) fn new(base: &str, host: &str, edge_secret: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .max_idle_connections(256)
            .max_idle_connections_per_host(256)
            .proxy(None)
            .build()
            .into();
        Self { agent, base: base.to_owned(), host: host.to_owned(), edge_secret: edge_secret.to_owned() }
    }

    /// Begins a request.
    pub(crate) fn call<'a>(&'a self, caller: &'a Caller, method: &'a str, path: &'a str) -> Call<'a> {
        Call { api: self, caller, method, path, headers: Vec::new(), body: Vec::new() }
    }

    /// The headers that CloudFront adds for a viewer at `place`.
    pub(crate) fn edge_headers(&self, place: &Place) -> Vec<(&'static str, String)> {
        let (latitude, longitude) = place.position;
        [
            ("x-linekeeper-edge", self.edge_secret.as_str()),
            ("cloudfront-viewer-address", place.address),
            ("cloudfront-viewer-asn", place.asn),
            ("cloudfront-viewer-country", "US"),
            ("cloudfront-viewer-country-region-name", place.region),
            ("cloudfront-viewer-city", place.city),
            ("cloudfront-viewer-latitude", latitude),
            ("cloudfront-viewer-longitude", longitude),
        ]
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
    }

    /// The HTTP client behind it.
    pub(crate) fn agent(&self) -> &Agent {
        &self.agent
    }

    /// What makes network facts believed.
    pub(crate) fn edge_secret(&self) -> &str {
        &self.edge_secret
    }

    /// The address that requests are sent to.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The host that requests must name.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl Call<'_> {
    /// Adds a header.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Names the wish, so that a repeat is recognised.
    pub(crate) fn idempotency_key(self, key: &str) -> Self {
        self.header("idempotency-key", &format!("\"{key}\""))
    }

    /// Sends JSON.
    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string().into_bytes())
    }

    /// Sends anything.
    pub(crate) fn raw(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.body = body;
        self.header("content-type", content_type)
    }

    /// Sends the request.
    pub(crate) fn send(self) -> Result<Answer> {
        let Self { api, caller, method, path, headers, body } = self;
        let mut request = Request::builder().method(method).uri(format!("{}{path}", api.base)).header("host", &api.host);
        if let Some(token) = &caller.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(device) = &caller.device {
            request = request.header("x-linekeeper-device", device);
        }
        if let Some(place) = &caller.place {
            for (name, value) in api.edge_headers(place).into_iter().chain(place.app_headers()) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut response = api.agent.run(request.body(body)?).with_context(|| format!("no answer to {method} {path}"))?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// The text at a JSON pointer, empty when there is none.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The problem's short name, empty when this is none.
    pub(crate) fn problem(&self) -> &str {
        self.text("/type").strip_prefix("urn:linekeeper:problem:").unwrap_or_default()
    }

    /// The factors that may still be answered, strongest first.
    pub(crate) fn factors(&self) -> Vec<&str> {
        let factors = self.body.get("factors").and_then(Value::as_array);
        factors.into_iter().flatten().filter_map(|factor| factor.get("factor")?.as_str()).collect()
    }

    /// This answer, if its status is the one wanted.
    pub(crate) fn expect(self, status: u16) -> Result<Self> {
        ensure!(self.status == status, "wanted {status}, got {}: {}", self.status, self.body);
        Ok(self)
    }
}
