//! Configuration from the environment, checked at start: a function that lacks something says all that it
//! lacks and does not come up.

use std::collections::BTreeMap;

use linekeeper_domain::config::Settings;
use linekeeper_domain::porting::monitor;

use crate::door::Door;
use crate::identity::{Identity, Verifier};
use crate::network::Edge;
use crate::passkey::RelyingParty;

/// What a function may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Var {
    /// Name of the table of accounts, lines and profiles.
    StateTable,
    /// Name of the append-only table.
    LedgerTable,
    /// ARN of the KMS key for codes' MACs; who compares takes several, parted by commas ([`crate::keys::Ring`]).
    MacKey,
    /// ARN of the KMS key that seals the seeds of authenticator apps.
    SealKey,
    /// ARN of the KMS key that the key of the profiles' hashes is derived from.
    ProfileKey,
    /// ARN of the KMS key that signs; who verifies takes several, parted by commas.
    SigningKey,
    /// ARN of the topic `line-events`.
    EventsTopic,
    /// Where e-mail comes from.
    SenderEmail,
    /// `https://host` of the carrier's app, or `http://localhost:port` on a developer's machine.
    PwaOrigin,
    /// Where the API is reached, `https://host`: `iss` of what is signed, and what device proofs are for.
    Issuer,
    /// URL of the queue for what can never succeed.
    DeadLetterQueue,
    /// URL of the queue of answers to the porting gateway.
    PortAnswersQueue,
    /// ARN of a function's queue of `line-events`.
    LineEventsQueue,
}

impl Var {
    /// Its name in the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StateTable => "STATE_TABLE",
            Self::LedgerTable => "LEDGER_TABLE",
            Self::MacKey => "MAC_KEY",
            Self::SealKey => "SEAL_KEY",
            Self::ProfileKey => "PROFILE_KEY",
            Self::SigningKey => "SIGNING_KEY",
            Self::EventsTopic => "EVENTS_TOPIC",
            Self::SenderEmail => "SENDER_EMAIL",
            Self::PwaOrigin => "PWA_ORIGIN",
            Self::Issuer => "ISSUER",
            Self::DeadLetterQueue => "DEAD_LETTER_QUEUE",
            Self::PortAnswersQueue => "PORT_ANSWERS_QUEUE",
            Self::LineEventsQueue => "LINE_EVENTS_QUEUE",
        }
    }
}

/// A configuration that does not do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Variables are missing or empty.
    #[error("set these environment variables: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// A variable cannot be used.
    #[error("environment variable {name}: {reason}")]
    Invalid {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

/// The limits of the porting monitor, from `MONITOR` (JSON); defaults where it is not set.
///
/// # Errors
/// Where they cannot be used.
pub fn monitor(lookup: impl Fn(&str) -> Option<String>) -> Result<monitor::Settings, ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid { name: "MONITOR", reason };
    let settings = match lookup("MONITOR").filter(|value| !value.is_empty()) {
        Some(json) => serde_json::from_str(&json).map_err(|error| invalid(error.to_string()))?,
        None => monitor::Settings::default(),
    };
    settings.check().map_err(|error| invalid(error.to_string()))
}

/// The environment of one function.
#[derive(Clone, Debug)]
pub struct Config {
    values: BTreeMap<Var, String>,
    /// The carrier's settings, from `POLICY` (JSON); defaults where it is not set.
    pub settings: Settings,
}

impl Config {
    /// Reads what a function needs. `lookup` is `std::env::var` in production.
    ///
    /// # Errors
    /// [`ConfigError`]: every missing variable at once, or the first that cannot be used.
    pub fn read(needed: &[Var], lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let found = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let values: BTreeMap<Var, String> = needed.iter().filter_map(|&var| Some((var, found(var.name())?))).collect();
        let missing: Vec<&'static str> = needed.iter().filter(|var| !values.contains_key(var)).map(|var| var.name()).collect();
        if !missing.is_empty() {
            return Err(ConfigError::Missing(missing));
        }
        if values.get(&Var::PwaOrigin).is_some_and(|origin| !is_origin(origin)) {
            return Err(ConfigError::Invalid { name: "PWA_ORIGIN", reason: "must read `https://host`".to_owned() });
        }
        let invalid = |reason: String| ConfigError::Invalid { name: "POLICY", reason };
        let settings: Settings = match found("POLICY") {
            Some(json) => serde_json::from_str(&json).map_err(|error| invalid(error.to_string()))?,
            None => Settings::default(),
        };
        Ok(Self { values, settings: settings.check().map_err(|error| invalid(error.to_string()))? })
    }

    /// Reads it from the process's environment.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn from_env(needed: &[Var]) -> Result<Self, ConfigError> {
        Self::read(needed, |name| std::env::var(name).ok())
    }

    /// The value of a variable that was asked for at start; empty for one that was not.
    #[must_use]
    pub fn get(&self, var: Var) -> &str {
        self.values.get(&var).map(String::as_str).unwrap_or_default()
    }

    /// The host of the app, for the last line of a code's message. Without a port: a code is bound to a host.
    #[must_use]
    pub fn pwa_host(&self) -> &str {
        let origin = self.get(Var::PwaOrigin);
        let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
        authority.split(':').next().unwrap_or_default()
    }
}

/// Whether the carrier's app can live there: `https://host`, or `http://localhost:port` on a developer's
/// machine. Browsers take that for secure, since it does not leave the machine: passkeys and device keys
/// work there as they do at `https://`, and nowhere else without TLS.
fn is_origin(origin: &str) -> bool {
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    match (origin.strip_prefix("https://"), origin.strip_prefix("http://localhost:")) {
        (Some(host), _) => host.len() > 3 && !host.contains('/'),
        (None, port) => port.is_some_and(is_port),
    }
}

/// Who calls, and from where: for the functions with an HTTP door. `base` is where the API is reached.
///
/// # Errors
/// Where `IDENTITY_JWKS` is set and cannot be used, or the issuer and audience beside it are missing.
pub fn door(base: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Door, ConfigError> {
    let found = |name: &str| lookup(name).filter(|value| !value.is_empty());
    let verifier = match (found("IDENTITY_ISSUER"), found("IDENTITY_AUDIENCE"), found("IDENTITY_JWKS")) {
        (Some(issuer), Some(audience), Some(jwks)) => Some(
            Verifier::new(&issuer, &audience, &jwks)
                .map_err(|error| ConfigError::Invalid { name: "IDENTITY_JWKS", reason: error.to_string() })?,
        ),
        (_, _, None) => None,
        (_, _, Some(_)) => return Err(ConfigError::Missing(vec!["IDENTITY_ISSUER", "IDENTITY_AUDIENCE"])),
    };
    Ok(Door {
        identity: Identity::new(verifier),
        edge: Edge::new(found("EDGE_SECRET")).or(found("OTHER_EDGE_SECRET")),
        base: base.to_owned(),
    })
}

/// Whom passkeys are made for: the carrier's app.
///
/// # Errors
/// Where `PWA_ORIGIN` is no origin that browsers make passkeys for.
pub fn relying_party(config: &Config) -> Result<RelyingParty, ConfigError> {
    let reason = || "must be an origin that passkeys can be made for".to_owned();
    RelyingParty::new(config.get(Var::PwaOrigin), config.pwa_host())
        .ok_or_else(|| ConfigError::Invalid { name: "PWA_ORIGIN", reason: reason() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_says_everything_that_it_lacks() {
        let error = Config::read(&[Var::StateTable, Var::LedgerTable, Var::MacKey], |name| {
            (name == "LEDGER_TABLE").then(|| "l".to_owned())
        });
        assert_eq!(error.unwrap_err().to_string(), "set these environment variables: STATE_TABLE, MAC_KEY");
    }

    #[test]
    fn a_policy_below_its_floors_does_not_come_up() {
        let lookup = |name: &str| (name == "POLICY").then(|| r#"{"wait_short":60}"#.to_owned());
        let error = Config::read(&[], lookup).unwrap_err();
        assert_eq!(error.to_string(), "environment variable POLICY: setting `wait_short` must be at least 15 minutes");
    }

    #[test]
    fn a_code_is_bound_to_a_host_and_not_to_a_path() {
        let lookup = |value: &'static str| move |name: &str| (name == "PWA_ORIGIN").then(|| value.to_owned());
        assert!(Config::read(&[Var::PwaOrigin], lookup("http://my.carrier.example")).is_err());
        assert!(Config::read(&[Var::PwaOrigin], lookup("https://my.carrier.example/")).is_err());
        assert_eq!(
            Config::read(&[Var::PwaOrigin], lookup("https://my.carrier.example")).unwrap().pwa_host(),
            "my.carrier.example"
        );
    }

    #[test]
    fn without_tls_the_app_lives_on_localhost_and_nowhere_else() {
        let read = |origin: &'static str| {
            Config::read(&[Var::PwaOrigin], move |name: &str| (name == "PWA_ORIGIN").then(|| origin.to_owned()))
        };
        let config = read("http://localhost:8080").unwrap();
        assert_eq!(config.pwa_host(), "localhost");
        assert!(relying_party(&config).is_ok());
        for origin in [
            "http://localhost",
            "http://localhost:",
            "http://localhost:0",
            "http://localhost:+80",
            "http://localhost:99999",
            "http://localhost:8080/",
            "http://localhost.evil.example:80",
            "http://localhost:80@evil.example",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "HTTP://LOCALHOST:8080",
        ] {
            assert!(read(origin).is_err(), "{origin}");
        }
    }
}
