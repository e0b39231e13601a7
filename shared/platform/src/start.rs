//! What every `main` does: telemetry, configuration, clients, and the loop of the Lambda runtime.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::{SystemClock, SystemEntropy};
use crate::config::{Config, ConfigError, Var};
use crate::keys::KmsMac;
use crate::risk::Risk;
use crate::shell::Shell;
use crate::store::Store;

/// What a function that cannot start, or an event that cannot be handled, says.
pub type Error = lambda_runtime::Error;

/// AWS as every function uses it: one HTTP client, short time-outs, few retries, so that a dependency that
/// hangs is an answer to the customer and not the function's own time-out.
pub async fn aws() -> SdkConfig {
    let client = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(7))
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(client)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .load()
        .await
}

/// Logs, then the configuration: `needed` beside the two tables.
///
/// # Errors
/// [`ConfigError`].
pub fn configure(function: &'static str, needed: &[Var]) -> Result<Config, ConfigError> {
    crate::telemetry::init(function);
    let all: Vec<Var> = [Var::StateTable, Var::LedgerTable].into_iter().chain(needed.iter().copied()).collect();
    Config::from_env(&all)
}

/// The shell over the real world.
#[must_use]
pub fn shell(config: &Config, aws: &SdkConfig) -> Shell {
    Shell {
        store: Store::new(aws_sdk_dynamodb::Client::new(aws), config.get(Var::StateTable), config.get(Var::LedgerTable)),
        settings: Arc::new(config.settings.clone()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    }
}

/// What a function that scores has. The key is fetched for the first score and not now: stopping a change must not
/// wait for KMS in a cold start.
#[must_use]
pub fn risk(config: &Config, aws: &SdkConfig) -> Risk {
    let key = KmsMac::new(aws_sdk_kms::Client::new(aws), config.get(Var::ProfileKey));
    Risk::new(Arc::new(key), |name| std::env::var(name).ok())
}

/// Handles events until the environment is shut down. Every invocation writes what it has to before it
/// answers, so there is nothing to save at the end.
///
/// # Errors
/// Where the runtime's own interface fails.
pub async fn run<E, R, F, Fut>(handle: F) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
    F: Fn(E) -> Fut,
    Fut: Future<Output = Result<R, Error>>,
{
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        // Boxed: the futures of AWS calls are deep types, and the runtime wraps them deeper.
        ended = lambda_runtime::run(service_fn(|event: LambdaEvent<E>| Box::pin(handle(event.payload)))) => ended,
        _ = terminate.recv() => {
            tracing::info!("the environment is shut down");
            Ok(())
        }
    }
}
