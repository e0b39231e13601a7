//! What every `main` does: telemetry, configuration, clients, and the loop of the Lambda runtime.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::tls::{Provider, TlsContext, rustls_provider::CryptoMode};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::{SystemClock, SystemEntropy};
use crate::config::{Config, ConfigError, Var};
use crate::keys::KmsMac;
use crate::risk::Risk;
use crate::shell::Shell;
use crate::store::Store;
use crate::trust;

/// What a function that cannot start, or an event that cannot be handled, says.
pub type Error = lambda_runtime::Error;

/// AWS as every function uses it: one HTTP client, short time-outs, few retries, so that a dependency that
/// hangs is an answer to the customer and not the function's own time-out.
///
/// # Errors
/// Where what AWS's certificates are held against cannot be read.
pub async fn aws() -> Result<SdkConfig, Error> {
    Ok(patient(aws_config::defaults(BehaviorVersion::latest()))?.load().await)
}

/// What every client of ours keeps to.
fn patient(aws: ConfigLoader) -> Result<ConfigLoader, Error> {
    let trusted = TlsContext::builder().with_trust_store(trust::store(|name| std::env::var(name).ok())?).build()?;
    let provider = Provider::Rustls(CryptoMode::Ring);
    let client = aws_smithy_http_client::Builder::new().tls_provider(provider).tls_context(trusted).build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(7))
        .build();
    Ok(aws.http_client(client).timeout_config(timeouts).retry_config(RetryConfig::standard().with_max_attempts(3)))
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use aws_sdk_dynamodb::config::{Credentials, Region};
    use linekeeper_domain::change::Address;
    use linekeeper_domain::numbers::PushEndpoint;
    use linekeeper_domain::words::Text;

    use super::*;
    use crate::messages::{Aws, Messenger as _};

    /// A provider that takes connections and says nothing: a slow one, to whoever waits for it.
    #[tokio::test]
    async fn a_provider_that_hangs_is_given_up_well_within_a_functions_time() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"));
        let aws = patient(loader).unwrap().load().await;
        let messenger = Aws::new(aws_sdk_sns::Client::new(&aws), aws_sdk_sesv2::Client::new(&aws), "care@carrier.example");
        let app = Address::Push(PushEndpoint::parse("arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/1").unwrap());
        let text = Text { subject: "s".into(), short: "t".into(), long: "t".into() };
        let began = Instant::now();
        assert!(messenger.send(&app, &text).await.is_err(), "what is not accepted is not told");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}
