//! A session: whose it is, from where, with which token and key.

use serde_json::{Value, json};

use crate::dpop::{DeviceKey, For};
use crate::people::{AT_HOME, IN_CALIFORNIA, Person};
use crate::world::{Answer, ISSUER, World, customer};

/// Whose requests they are, and what goes with each.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose token.
    pub person: Person,
    /// Headers of each request.
    pub headers: Vec<(String, String)>,
    /// The key that proves each request.
    pub key: Option<DeviceKey>,
    /// The token in `Authorization`.
    pub token: Option<String>,
}

impl Session {
    fn from(person: &Person, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { person: *person, headers, key: None, token: None }
    }

    /// On the customer's laptop at home.
    #[must_use]
    pub fn at_home(person: &Person) -> Self {
        Self::from(person, AT_HOME)
    }

    /// The same token in a thief's hands, far away.
    #[must_use]
    pub fn stolen(person: &Person) -> Self {
        Self::from(person, IN_CALIFORNIA)
    }

    /// With another value of a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// Each request proven by a key.
    #[must_use]
    pub fn signed_by(self, key: &DeviceKey) -> Self {
        Self { key: Some(key.clone()), ..self }
    }

    /// With a token that was read by the authorizer.
    #[must_use]
    pub fn bearing(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }
}

impl World {
    /// A fresh proof for a request of a session.
    #[must_use]
    pub fn proof(&self, session: &Session, method: &str, path: &str) -> Option<String> {
        use linekeeper_platform::clock::Clock as _;
        let url = format!("{ISSUER}{path}");
        let what = For { method, url: &url, token: session.token.as_deref(), at: self.clock.now() };
        session.key.as_ref().map(|key| key.proof(&what))
    }

    /// A request of a session, proven afresh where it has a key.
    pub async fn send(
        &self,
        session: &Session,
        method: &str,
        path: &str,
        extra: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let proof = self.proof(session, method, path);
        let proof = proof.as_ref().map(|proof| ("dpop", proof.as_str()));
        let all: Vec<(&str, &str)> = extra.iter().copied().chain(proof).collect();
        self.send_plain(session, method, path, &all, body).await
    }

    /// A request of a session with just these headers besides its own.
    pub async fn send_plain(
        &self,
        session: &Session,
        method: &str,
        path: &str,
        extra: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let token = session.token.as_ref().map(|token| format!("Bearer {token}"));
        let own = session.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let headers: Vec<(&str, &str)> =
            own.chain(token.as_ref().map(|token| ("authorization", token.as_str()))).chain(extra.iter().copied()).collect();
        self.call(Some(&customer(&session.person)), method, path, &headers, body).await
    }

    /// Asks for a change; `key` is the Idempotency-Key.
    pub async fn ask_as(&self, session: &Session, key: &str, body: &Value) -> Answer {
        let quoted = format!("\"{key}\"");
        self.send(session, "POST", "/v1/changes", &[("idempotency-key", &quoted)], Some(body)).await
    }

    /// Asks for a challenge, to prove.
    pub async fn challenge_as(&self, session: &Session, change: &str, factor: &str) -> Answer {
        let path = format!("/v1/changes/{change}/challenges");
        self.send(session, "POST", &path, &[], Some(&json!({"factor": factor}))).await
    }

    /// Asks for a challenge, to set the factor up.
    pub async fn set_up_as(&self, session: &Session, change: &str, factor: &str) -> Answer {
        let path = format!("/v1/changes/{change}/challenges");
        self.send(session, "POST", &path, &[], Some(&json!({"factor": factor, "enrol": true}))).await
    }

    /// Answers a challenge: `{"code": …}`, `{"passkey": …}` or `{}`.
    pub async fn answer_as(&self, session: &Session, change: &str, challenge: &str, body: &Value) -> Answer {
        let path = format!("/v1/changes/{change}/challenges/{challenge}/answer");
        self.send(session, "POST", &path, &[], Some(body)).await
    }

    /// What the account shows of itself to its holder.
    pub async fn overview(&self, person: &Person) -> Value {
        self.call(Some(&customer(person)), "GET", "/v1/account", &[], None).await.body
    }
}
