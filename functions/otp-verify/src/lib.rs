//! Holds an answer against its challenge, consumes the challenge and moves the change on. What can be guessed
//! is claimed first and compared through KMS. It can check a code's MAC and open a seed, and can make neither.

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use linekeeper_domain::change::{Actor, Challenge, Change, Demand};
use linekeeper_domain::decide::{self, Answer, Claim, Context, Denied};
use linekeeper_domain::factors::{Credential, PasskeyKey};
use linekeeper_domain::ids::{AccountId, ChallengeId, ChangeId};
use linekeeper_domain::kinds::Factor;
use linekeeper_domain::secret::{OtpCode, RecoveryCode};
use linekeeper_domain::signals::DeviceProof;
use linekeeper_domain::state::View;
use linekeeper_domain::view::ChangeView;
use linekeeper_platform::config::{Var, door, relying_party};
use linekeeper_platform::door::Door;
use linekeeper_platform::http::{Reply, Request, serve};
use linekeeper_platform::keys::{CodeCheck, KmsMac, Ring};
use linekeeper_platform::passkey::{Asserted, PasskeyError, RelyingParty};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::seal::{KmsSeal, Unsealer};
use linekeeper_platform::shell::{Shell, owner};
use linekeeper_platform::start;
use linekeeper_platform::store::Claimed;
use linekeeper_platform::telemetry::{self, Metric};
use linekeeper_platform::totp::Seed;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

/// What the function works with.
pub struct App {
    /// Store, settings, clock.
    pub shell: Shell,
    /// Who calls, and from where.
    pub door: Door,
    /// Checks MACs.
    pub check: Arc<dyn CodeCheck>,
    /// Opens seeds.
    pub unsealer: Arc<dyn Unsealer>,
    /// Whom passkeys are for.
    pub relying_party: RelyingParty,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("shell", &self.shell).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// A code: six digits, or one from paper.
    code: Option<Zeroizing<String>>,
    /// What `navigator.credentials` gave.
    passkey: Option<Value>,
}

/// An answer, by what it is.
enum Given {
    /// Six digits: can be guessed.
    Code(OtpCode),
    /// From paper.
    Paper(RecoveryCode),
    /// By a passkey.
    Passkey(Value),
    /// The request's own proof, by the device's key.
    Key(DeviceProof),
}

impl Given {
    fn read(body: Body, key: Option<&DeviceProof>) -> Result<Self, Problem> {
        let malformed = |detail: &str| Problem::new(ProblemKind::Malformed, detail);
        match (body.code, body.passkey, key) {
            (Some(code), None, _) => OtpCode::parse(&code)
                .map(Self::Code)
                .or_else(|| RecoveryCode::parse(&code).map(Self::Paper))
                .ok_or_else(|| malformed("A code has six digits; a recovery code has sixteen letters and digits.")),
            (None, Some(passkey), _) => Ok(Self::Passkey(passkey)),
            (None, None, Some(key)) => Ok(Self::Key(key.clone())),
            (None, None, None) | (Some(_), Some(_), _) => {
                Err(malformed("Answer with `code` or with `passkey`, or sign the request by the device's key."))
            }
        }
    }
}

impl App {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let config = start::configure(env!("CARGO_PKG_NAME"), &[Var::MacKey, Var::SealKey, Var::Issuer, Var::PwaOrigin])?;
        let door = door(config.get(Var::Issuer), |name| std::env::var(name).ok())?;
        let relying_party = relying_party(&config)?;
        let aws = start::aws().await?;
        let kms = aws_sdk_kms::Client::new(&aws);
        let check = Arc::new(Ring::read(config.get(Var::MacKey), |arn| KmsMac::new(kms.clone(), arn)));
        let unsealer = Arc::new(KmsSeal::new(kms, config.get(Var::SealKey)));
        Ok(Self { shell: start::shell(&config, &aws), door, check, unsealer, relying_party })
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
        let context = self.shell.context();
        let customer = self.door.customer(request, context.now)?;
        let account = &customer.account;
        let change = ChangeId::parse(id).map_err(|_| ProblemKind::NotFound)?;
        // A malformed id is looked for like any other that no challenge has: both look the same.
        let challenge =
            ChallengeId::parse(challenge).or_else(|_| ChallengeId::parse("none")).map_err(|_| ProblemKind::NotFound)?;
        let given = Given::read(request.json()?, customer.key.as_ref())?;
        let claim = Claim { change, challenge };

        let view = match given {
            Given::Code(_) => match self.shell.store.claim(account, &claim, context.now, &self.shell.settings).await? {
                Claimed::Yes(view) => *view,
                Claimed::No(view) => return Err(decide::why_not_claimed(&view, &claim, context).into()),
            },
            // Cannot be guessed: needs no claim, and what the customer has enrolled.
            Given::Paper(_) | Given::Passkey(_) | Given::Key(_) => self.shell.store.read(account, claim.change.subject()).await?,
        };
        let judged = match decide::answered(&view, &claim, customer.holder.as_ref(), context) {
            Ok(open) => self.judge(account, &view, &claim, open, given).await?,
            // Counted like any wrong one: somebody else is answering.
            Err(Denied::AnotherDevice) => Err(Denied::AnotherDevice.into()),
            Err(denied) => return Err(denied.into()),
        };
        let answer = judged.as_ref().unwrap_or(&Answer::Wrong);
        telemetry::count(Metric::Answer, if *answer == Answer::Wrong { "wrong" } else { "right" });

        let record = |view: &View, ctx: Context<'_>| {
            let mut draft = decide::answer(view, &claim, answer, ctx)?;
            draft.quotas.extend(customer.key.iter().map(decide::spent));
            Ok(draft)
        };
        let owner = owner(account, claim.change.subject());
        let outcome = self.shell.command(&owner, &Actor::Customer, view, record).await?;
        judged?;
        let change = outcome.view.change(&claim.change).ok_or(ProblemKind::NotFound)?;
        Reply::json(200, &ChangeView::of(change, &outcome.view, self.shell.clock.now(), &self.shell.settings))
    }

    /// What an answer turned out to be; the inner error is what the caller is told of a wrong one.
    async fn judge(
        &self,
        account: &AccountId,
        view: &View,
        claim: &Claim,
        open: &Challenge,
        given: Given,
    ) -> Result<Result<Answer, Problem>, Problem> {
        let change = view.change(&claim.change).ok_or(ProblemKind::NotFound)?;
        let answer = match (&open.demand, given) {
            (Demand::Mac(mac), Given::Code(code)) => {
                let input = decide::mac_input(account, change, &claim.challenge, open.factor, &code);
                self.check.check(&input, mac).await?.then_some(Answer::Code)
            }
            (Demand::Seed(sealed), Given::Code(code)) => {
                let seed = self.unsealer.unseal(account, sealed).await?;
                let seed = Seed::read(&seed).ok_or(ProblemKind::Internal)?;
                seed.step(&code, self.shell.clock.now()).map(|step| match open.enrols {
                    true => Answer::SetUp(Credential::Totp(sealed.clone())),
                    false => Answer::Totp(step),
                })
            }
            (Demand::Codes(set), Given::Paper(code)) => {
                set.find(account, &code).map(|_| Answer::SetUp(Credential::RecoveryCode(set.clone())))
            }
            (Demand::Paper, Given::Paper(code)) => decide::recovery_code(view, &code, self.shell.context()),
            (Demand::Signature, Given::Passkey(response)) if open.factor == Factor::Passkey => {
                return Ok(self.by_passkey(account, view, change, open, &response));
            }
            (Demand::Signature, Given::Key(key)) if open.factor == Factor::DeviceKey && open.enrols => {
                Some(Answer::SetUp(Credential::DeviceKey(key.thumbprint)))
            }
            (Demand::Mac(_) | Demand::Seed(_) | Demand::Codes(_) | Demand::Paper | Demand::Signature, _) => None,
        };
        let what_to_do = "This is not the code. Check the latest message, or ask for a new one.";
        Ok(answer.ok_or_else(|| Problem::new(ProblemKind::CodeWrong, what_to_do)))
    }

    fn by_passkey(
        &self,
        account: &AccountId,
        view: &View,
        change: &Change,
        open: &Challenge,
        response: &Value,
    ) -> Result<Answer, Problem> {
        let wrong = |error: PasskeyError| {
            tracing::info!(reason = %error, "a passkey's answer does not hold");
            Problem::new(ProblemKind::SignatureWrong, error.to_string())
        };
        let signed = change.signed_by(account, &open.id);
        let held = view.account.as_ref().map(|account| &account.state).ok_or(ProblemKind::NotFound)?;
        if open.enrols {
            let key = self.relying_party.register(&signed, response).map_err(wrong)?;
            // The browser was told which ones not to make again; a page that asks all the same gains nothing.
            if held.passkey(&key.credential).is_some() {
                return Err(Problem::new(ProblemKind::SignatureWrong, "this passkey is enrolled already"));
            }
            return Ok(Answer::SetUp(Credential::Passkey(key)));
        }
        let ripe: Vec<&PasskeyKey> = held.ripe_passkeys(self.shell.clock.now()).collect();
        let Asserted { credential, counter, backed_up } = self.relying_party.assert(&signed, &ripe, response).map_err(wrong)?;
        Ok(Answer::Passkey { credential, counter, backed_up })
    }
}
