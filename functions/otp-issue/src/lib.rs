//! Opens a challenge: a fresh code, its MAC recorded, the code sent. It can make a code's MAC and cannot
//! check one.

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use linekeeper_domain::change::{Actor, Challenge};
use linekeeper_domain::decide;
use linekeeper_domain::ids::{ChallengeId, ChangeId};
use linekeeper_domain::kinds::Factor;
use linekeeper_domain::words;
use linekeeper_platform::config::{Var, door};
use linekeeper_platform::http::{Reply, Request, serve};
use linekeeper_platform::identity::{Caller, Identity};
use linekeeper_platform::keys::{CodeMac, KmsMac};
use linekeeper_platform::messages::{Aws, Messenger};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::shell::{Shell, owner};
use linekeeper_platform::start;
use linekeeper_platform::telemetry::{self, Metric};
use serde::{Deserialize, Serialize};

/// What the function works with.
pub struct App {
    /// Store, settings, clock, randomness.
    pub shell: Shell,
    /// Who calls.
    pub identity: Identity,
    /// Makes MACs.
    pub mac: Arc<dyn CodeMac>,
    /// Sends codes.
    pub messenger: Arc<dyn Messenger>,
    /// The host that codes are bound to.
    pub host: String,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("shell", &self.shell).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    factor: Factor,
}

#[derive(Serialize)]
struct Sent {
    challenge_id: ChallengeId,
    factor: Factor,
    sent_to: String,
    expires_at: String,
}

impl App {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let config = start::configure(env!("CARGO_PKG_NAME"), &[Var::MacKey, Var::SenderEmail, Var::PwaOrigin])?;
        let (identity, _) = door(|name| std::env::var(name).ok())?;
        let aws = start::aws().await;
        let mac = KmsMac::new(aws_sdk_kms::Client::new(&aws), config.get(Var::MacKey));
        let messenger = Aws::new(aws_sdk_sns::Client::new(&aws), aws_sdk_sesv2::Client::new(&aws), config.get(Var::SenderEmail));
        let host = config.pwa_host().to_owned();
        Ok(Self { shell: start::shell(&config, &aws), identity, mac: Arc::new(mac), messenger: Arc::new(messenger), host })
    }

    /// Answers one request.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(event, async |request| match (request.method(), request.path().as_slice()) {
            ("POST", ["v1", "changes", id, "challenges"]) => self.issue(&request, id).await,
            (_, ["v1", "changes", _, "challenges"]) => Err(Problem::method_not_allowed("POST")),
            _ => Err(ProblemKind::NotFound.into()),
        })
        .await
    }

    async fn issue(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let caller = self.identity.caller(request)?;
        let Caller::Customer { .. } = caller else { return Err(ProblemKind::Forbidden.into()) };
        let account = caller.account(request)?;
        let id = ChangeId::parse(id).map_err(|_| ProblemKind::NotFound)?;
        let Wish { factor } = request.json()?;

        let view = self.shell.store.read(&account, id.subject()).await?;
        let context = self.shell.context();
        let offer = decide::offer(&view, &id, factor, context)?;
        let change = view.change(&id).ok_or(ProblemKind::NotFound)?.clone();
        let locale = view.locale();
        let code = self.shell.entropy.code();
        let challenge_id = self.shell.entropy.challenge().ok_or(ProblemKind::Internal)?;
        let mac = self.mac.mac(&decide::mac_input(&account, &change, &challenge_id, factor, &code)).await?;
        let expires_at = context.now + self.shell.settings.code_life;
        let challenge = Challenge { id: challenge_id.clone(), factor, mac, opened_at: context.now, expires_at };
        let owner = owner(&account, id.subject());
        self.shell.command(&owner, &Actor::Customer, view, |view, ctx| decide::issue(view, &id, &challenge, ctx)).await?;

        // Recorded first: a code that reaches the customer is one that counts. One that was recorded and
        // does not reach her costs one of the day's codes, and she asks again.
        if let Err(error) = self.messenger.send(&offer.to, &words::code(locale, &change, &code, &self.host)).await {
            tracing::warn!(error = telemetry::chain(&error), factor = factor.word(), "the code could not be sent");
            telemetry::count(Metric::Challenge, "undelivered");
            return Err(Problem::new(
                ProblemKind::DeliveryFailed,
                "The code could not be sent. Try another factor, or again in a moment.",
            ));
        }
        telemetry::count(Metric::Challenge, factor.word());
        let sent = Sent { challenge_id, factor, sent_to: offer.to.masked(), expires_at: expires_at.to_string() };
        Reply::json(201, &sent)
    }
}
