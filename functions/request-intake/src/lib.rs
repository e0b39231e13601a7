//! Takes changes, decides and records them; switches protections on; stops changes; says where they stand.
//!
//! It never sends and never signs: what follows from a decision follows from the ledger's stream.

mod care;
mod changes;
mod checkup;
mod fraud;
mod not_me;
mod overview;
mod protections;

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use linekeeper_platform::config::{Var, door};
use linekeeper_platform::door::Door;
use linekeeper_platform::http::{Reply, Request, serve};
use linekeeper_platform::keys::{KmsSigner, Published, Ring};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::risk::Risk;
use linekeeper_platform::shell::Shell;
use linekeeper_platform::start;

/// What the function works with.
pub struct App {
    /// Store, settings, clock.
    pub shell: Shell,
    /// Who calls, and from where.
    pub door: Door,
    /// The keys that authorizations and links are verified with.
    pub key: Arc<dyn Published>,
    /// `iss` of what was signed.
    pub issuer: String,
    /// What scores.
    pub risk: Arc<Risk>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("shell", &self.shell).finish_non_exhaustive()
    }
}

impl App {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let config = start::configure(env!("CARGO_PKG_NAME"), &[Var::SigningKey, Var::Issuer, Var::ProfileKey])?;
        let door = door(config.get(Var::Issuer), |name| std::env::var(name).ok())?;
        let aws = start::aws().await?;
        let kms = aws_sdk_kms::Client::new(&aws);
        let key = Ring::read(config.get(Var::SigningKey), |arn| KmsSigner::new(kms.clone(), arn));
        let issuer = config.get(Var::Issuer).to_owned();
        let risk = Arc::new(start::risk(&config, &aws));
        Ok(Self { shell: start::shell(&config, &aws), door, key: Arc::new(key), issuer, risk })
    }

    /// Answers one request.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(event, async |request| self.route(&request).await).await
    }

    async fn route(&self, request: &Request) -> Result<Reply, Problem> {
        match (request.method(), request.path().as_slice()) {
            ("POST", ["v1", "changes"]) => self.create(request).await,
            ("GET", ["v1", "changes"]) => self.list(request).await,
            ("GET", ["v1", "changes", id]) => self.read(request, id).await,
            ("POST", ["v1", "changes", id, "cancel"]) => self.cancel(request, id).await,
            ("GET", ["v1", "account"]) => self.overview(request).await,
            ("GET", ["v1", "check-up"]) => self.check_up(request).await,
            ("PUT", ["v1", "protections"]) => self.protect(request).await,
            ("POST", ["v1", "not-me"]) => self.not_me(request).await,
            ("POST", ["v1", "fraud-reports"]) => self.report_fraud(request).await,
            ("GET", ["v1", "care"]) => self.care(request).await,
            ("POST", ["v1", "care", id, "open"]) => self.open_wall(request, id).await,
            ("POST", ["v1", "care", id, "not-me"]) => self.shut_wall(request, id).await,
            ("GET", [".well-known", "jwks.json"]) => self.jwks().await,
            (_, ["v1", "changes"]) => Err(Problem::method_not_allowed("GET, POST")),
            (_, ["v1", "changes", _] | ["v1", "account" | "check-up" | "care"] | [".well-known", "jwks.json"]) => {
                Err(Problem::method_not_allowed("GET"))
            }
            (_, ["v1", "changes", _, "cancel"] | ["v1", "not-me" | "fraud-reports"] | ["v1", "care", _, "open" | "not-me"]) => {
                Err(Problem::method_not_allowed("POST"))
            }
            (_, ["v1", "protections"]) => Err(Problem::method_not_allowed("PUT")),
            _ => Err(ProblemKind::NotFound.into()),
        }
    }

    async fn jwks(&self) -> Result<Reply, Problem> {
        Ok(Reply::json(200, &self.key.jwks().await?)?.with("cache-control", "public, max-age=300"))
    }
}
