//! Claims a guess, compares it through KMS, consumes the challenge and moves the change on. It can check a
//! code's MAC and cannot make one.

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use linekeeper_domain::change::Actor;
use linekeeper_domain::decide::{self, Answer, Claim};
use linekeeper_domain::ids::{ChallengeId, ChangeId};
use linekeeper_domain::secret::OtpCode;
use linekeeper_domain::view::ChangeView;
use linekeeper_platform::config::{Var, door};
use linekeeper_platform::http::{Reply, Request, serve};
use linekeeper_platform::identity::{Caller, Identity};
use linekeeper_platform::keys::{CodeCheck, KmsMac};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::shell::{Shell, owner};
use linekeeper_platform::start;
use linekeeper_platform::store::Claimed;
use linekeeper_platform::telemetry::{self, Metric};
use serde::Deserialize;
use zeroize::Zeroizing;

/// What the function works with.
pub struct App {
    /// Store, settings, clock.
    pub shell: Shell,
    /// Who calls.
    pub identity: Identity,
    /// Checks MACs.
    pub check: Arc<dyn CodeCheck>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("shell", &self.shell).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Guess {
    code: Zeroizing<String>,
}

impl App {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let config = start::configure(env!("CARGO_PKG_NAME"), &[Var::MacKey])?;
        let (identity, _) = door(|name| std::env::var(name).ok())?;
        let aws = start::aws().await;
        let check = KmsMac::new(aws_sdk_kms::Client::new(&aws), config.get(Var::MacKey));
        Ok(Self { shell: start::shell(&config, &aws), identity, check: Arc::new(check) })
    }

    /// Answers one request.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(event, async |request| match (request.method(), request.path().as_slice()) {
            ("POST", ["v1", "changes", id, "challenges", challenge, "answer"]) => self.answer(&request, id, challenge).await,
            (_, ["v1", "changes", _, "challenges", _, "answer"]) => Err(Problem::method_not_allowed("POST")),
            _ => Err(ProblemKind::NotFound.into()),
        })
        .await
    }

    async fn answer(&self, request: &Request, id: &str, challenge: &str) -> Result<Reply, Problem> {
        let caller = self.identity.caller(request)?;
        let Caller::Customer { .. } = caller else { return Err(ProblemKind::Forbidden.into()) };
        let account = caller.account(request)?;
        let change = ChangeId::parse(id).map_err(|_| ProblemKind::NotFound)?;
        // A malformed id is looked for like any other that no challenge has: both look the same.
        let challenge =
            ChallengeId::parse(challenge).or_else(|_| ChallengeId::parse("none")).map_err(|_| ProblemKind::NotFound)?;
        let guess: Guess = request.json()?;
        let code = OtpCode::parse(&guess.code).ok_or_else(|| Problem::new(ProblemKind::Malformed, "A code has six digits."))?;

        let claim = Claim { change, challenge };
        let context = self.shell.context();
        let view = match self.shell.store.claim(&account, &claim, context.now, &self.shell.settings).await? {
            Claimed::Yes(view) => *view,
            Claimed::No(view) => return Err(decide::why_not_claimed(&view, &claim, context).into()),
        };
        let open = view.change(&claim.change).ok_or(ProblemKind::NotFound)?;
        let demand = open.challenge.as_ref().ok_or(ProblemKind::ChallengeOver)?;
        let input = decide::mac_input(&account, open, &claim.challenge, demand.factor, &code);
        let answer = if self.check.check(&input, &demand.mac).await? { Answer::Right } else { Answer::Wrong };
        telemetry::count(Metric::Answer, if answer == Answer::Right { "right" } else { "wrong" });

        let owner = owner(&account, claim.change.subject());
        let outcome =
            self.shell.command(&owner, &Actor::Customer, view, |view, ctx| decide::answer(view, &claim, answer, ctx)).await?;
        match answer {
            Answer::Wrong => {
                Err(Problem::new(ProblemKind::CodeWrong, "This is not the code. Check the latest message, or ask for a new one."))
            }
            Answer::Right => {
                let change = outcome.view.change(&claim.change).ok_or(ProblemKind::NotFound)?;
                Reply::json(200, &ChangeView::of(change, &outcome.view, self.shell.clock.now(), &self.shell.settings))
            }
        }
    }
}
