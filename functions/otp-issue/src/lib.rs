//! Opens a challenge: a fresh code, its MAC recorded, the code sent; or what a passkey or an authenticator app
//! has to answer; or what sets a new factor up. Shows a number transfer PIN, once. It can make a code's MAC and seal a seed, and can neither
//! check the one nor open the other.

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use linekeeper_domain::change::{Actor, Address, Challenge, Change, Demand};
use linekeeper_domain::decide::{self, Offer};
use linekeeper_domain::digest::Digest;
use linekeeper_domain::factors::{PasskeyKey, RECOVERY_CODES, RecoveryCodes};
use linekeeper_domain::ids::{AccountId, ChallengeId, ChangeId};
use linekeeper_domain::kinds::{Enrollable, Factor, Reason, Status};
use linekeeper_domain::secret::{OtpCode, RecoveryCode};
use linekeeper_domain::state::View;
use linekeeper_domain::words;
use linekeeper_platform::config::{Var, door, relying_party};
use linekeeper_platform::door::Door;
use linekeeper_platform::http::{Reply, Request, serve};
use linekeeper_platform::keys::{CodeMac, KmsMac};
use linekeeper_platform::messages::{Aws, Messenger};
use linekeeper_platform::passkey::RelyingParty;
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::seal::{KmsSeal, Sealer};
use linekeeper_platform::shell::{Shell, owner};
use linekeeper_platform::start;
use linekeeper_platform::telemetry::{self, Metric};
use linekeeper_platform::totp::Seed;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

/// What the function works with.
pub struct App {
    /// Store, settings, clock, randomness.
    pub shell: Shell,
    /// Who calls, and from where.
    pub door: Door,
    /// Makes MACs.
    pub mac: Arc<dyn CodeMac>,
    /// Seals seeds.
    pub sealer: Arc<dyn Sealer>,
    /// Whom passkeys are for.
    pub relying_party: RelyingParty,
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
    /// Whether to set up the factor that the change adds.
    #[serde(default)]
    enrol: bool,
}

/// What the app needs to answer. What is shown once is never stored as it is.
#[derive(Serialize)]
struct Opened {
    challenge_id: ChallengeId,
    factor: Factor,
    expires_at: String,
    #[serde(flatten)]
    needs: Needs,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Needs {
    /// A code that was sent there.
    Sent { sent_to: String },
    /// Options of `navigator.credentials.get()` or `.create()`.
    Passkey { passkey: Value },
    /// What an authenticator app is set up with, shown once.
    App { totp: AppView },
    /// Ten codes for paper, shown once; one of them confirms that they were kept.
    Paper { recovery_codes: Vec<Zeroizing<String>> },
    /// Nothing but the answer.
    Nothing {},
}

/// A number transfer PIN, shown once.
#[derive(Serialize)]
struct Drawn {
    pin: Zeroizing<String>,
    expires_at: String,
}

#[derive(Serialize)]
struct AppView {
    uri: Zeroizing<String>,
    secret: Zeroizing<String>,
}

/// A challenge in the making: what an answer is held against, what the app needs, and what is to be sent.
struct Demanded {
    demand: Demand,
    needs: Needs,
    send: Option<(Address, OtpCode)>,
}

impl App {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let needed = [Var::MacKey, Var::SealKey, Var::Issuer, Var::SenderEmail, Var::PwaOrigin];
        let config = start::configure(env!("CARGO_PKG_NAME"), &needed)?;
        let door = door(config.get(Var::Issuer), |name| std::env::var(name).ok())?;
        let relying_party = relying_party(&config)?;
        let aws = start::aws().await?;
        let kms = aws_sdk_kms::Client::new(&aws);
        let mac = KmsMac::new(kms.clone(), config.get(Var::MacKey));
        let sealer = KmsSeal::new(kms, config.get(Var::SealKey));
        let messenger = Aws::new(aws_sdk_sns::Client::new(&aws), aws_sdk_sesv2::Client::new(&aws), config.get(Var::SenderEmail));
        let host = config.pwa_host().to_owned();
        Ok(Self {
            shell: start::shell(&config, &aws),
            door,
            mac: Arc::new(mac),
            sealer: Arc::new(sealer),
            relying_party,
            messenger: Arc::new(messenger),
            host,
        })
    }

    /// Answers one request.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(event, async |request| match (request.method(), request.path().as_slice()) {
            ("POST", ["v1", "changes", id, "challenges"]) => self.issue(&request, id).await,
            ("POST", ["v1", "changes", id, "pin"]) => self.draw(&request, id).await,
            (_, ["v1", "changes", _, "challenges" | "pin"]) => Err(Problem::method_not_allowed("POST")),
            _ => Err(ProblemKind::NotFound.into()),
        })
        .await
    }

    async fn issue(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let context = self.shell.context();
        let customer = self.door.customer(request, context.now)?;
        let account = &customer.account;
        let id = ChangeId::parse(id).map_err(|_| ProblemKind::NotFound)?;
        let Wish { factor, enrol } = request.json()?;

        let view = self.shell.store.read(account, id.subject()).await?;
        let offer = decide::offer(&view, &id, factor, enrol, context)?;
        let change = view.change(&id).ok_or(ProblemKind::NotFound)?.clone();
        let locale = view.locale();
        let challenge_id = self.shell.entropy.challenge().ok_or(ProblemKind::Internal)?;
        let Demanded { demand, needs, send } = self.demanded(account, &change, &challenge_id, factor, offer).await?;
        let expires_at = context.now + self.shell.settings.code_life;
        let holder = customer.holder.clone();
        let challenge =
            Challenge { id: challenge_id.clone(), factor, demand, enrols: enrol, holder, opened_at: context.now, expires_at };
        let sender = customer.sender();
        let open = |view: &View, ctx: decide::Context<'_>| {
            let mut draft = decide::issue(view, &id, &challenge, &sender, ctx)?;
            draft.quotas.extend(customer.key.iter().map(decide::spent));
            Ok(draft)
        };
        self.shell.command(&owner(account, id.subject()), &Actor::Customer, view, open).await?;

        if let Some((to, code)) = send {
            self.send(factor, &to, &words::code(locale, &change, &code, &self.host)).await?;
        }
        telemetry::count(Metric::Challenge, factor.word());
        Reply::json(201, &Opened { challenge_id, factor, expires_at: expires_at.to_string(), needs })
    }

    /// Draws a number transfer PIN. It is shown in this answer and never again: where the answer is lost, the customer
    /// asks for another one.
    async fn draw(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let context = self.shell.context();
        let customer = self.door.customer(request, context.now)?;
        let account = &customer.account;
        let change = ChangeId::parse(id).map_err(|_| ProblemKind::NotFound)?;
        let view = self.shell.store.read(account, change.subject()).await?;
        decide::may_draw(&view, &change, context)?;
        let (id, code) = (self.shell.entropy.challenge().ok_or(ProblemKind::Internal)?, self.shell.entropy.transfer_pin());
        let mac = self.mac.mac(&decide::pin_input(account, &change, &id, &code)).await?;
        let pin = decide::drawn(&view, &change, id, mac, context)?;
        let draw = |view: &View, ctx: decide::Context<'_>| {
            let mut draft = decide::draw(view, &pin, ctx)?;
            draft.quotas.extend(customer.key.iter().map(decide::spent));
            Ok(draft)
        };
        let outcome = self.shell.command(&owner(account, change.subject()), &Actor::Customer, view, draw).await?;
        let drawn = outcome.view.change(&change).ok_or(ProblemKind::TryAgain)?;
        if drawn.status(context.now) != Status::Completed {
            return Err(Problem::new(ProblemKind::Refused, words::what_to_do(Some(Reason::Locked))).about(change.as_str()));
        }
        telemetry::count(Metric::Challenge, "transfer_pin");
        Reply::json(201, &Drawn { pin: Zeroizing::new(code.expose().to_owned()), expires_at: pin.expires_at.to_string() })
    }

    /// What an answer will be held against.
    async fn demanded(
        &self,
        account: &AccountId,
        change: &Change,
        id: &ChallengeId,
        factor: Factor,
        offer: Offer,
    ) -> Result<Demanded, Problem> {
        let unsent = |demand, needs| Demanded { demand, needs, send: None };
        let signed = change.signed_by(account, id);
        Ok(match offer {
            Offer::Send(to) => {
                let code = self.shell.entropy.code();
                let mac = self.mac.mac(&decide::mac_input(account, change, id, factor, &code)).await?;
                Demanded { demand: Demand::Mac(mac), needs: Needs::Sent { sent_to: to.masked() }, send: Some((to, code)) }
            }
            Offer::Totp(seed) => unsent(Demand::Seed(seed), Needs::Nothing {}),
            Offer::RecoveryCode => unsent(Demand::Paper, Needs::Nothing {}),
            Offer::Passkeys(keys) => {
                let keys: Vec<&PasskeyKey> = keys.iter().collect();
                unsent(Demand::Signature, Needs::Passkey { passkey: self.relying_party.request_options(&signed, &keys) })
            }
            Offer::SetUp(Enrollable::Passkey, known) => {
                let known: Vec<&PasskeyKey> = known.iter().collect();
                let handle = Digest::of(&["linekeeper user handle 1", account.as_str()]);
                let passkey = self.relying_party.creation_options(&signed, handle.short(), account.as_str(), &known);
                unsent(Demand::Signature, Needs::Passkey { passkey })
            }
            Offer::SetUp(Enrollable::DeviceKey, _) => unsent(Demand::Signature, Needs::Nothing {}),
            Offer::SetUp(Enrollable::Totp, _) => {
                let seed = Seed::from_bytes(Zeroizing::new(std::array::from_fn(|_| self.shell.entropy.byte())));
                let sealed = self.sealer.seal(account, seed.expose()).await?;
                let totp = AppView { uri: seed.uri(&self.host, account.as_str()), secret: seed.base32() };
                unsent(Demand::Seed(sealed), Needs::App { totp })
            }
            Offer::SetUp(Enrollable::RecoveryCode, _) => {
                let codes: Vec<RecoveryCode> = (0..RECOVERY_CODES).map(|_| self.shell.entropy.recovery_code()).collect();
                let set = RecoveryCodes::of(account, id.as_str().to_owned(), &codes);
                let recovery_codes = codes.iter().map(RecoveryCode::shown).collect();
                unsent(Demand::Codes(set), Needs::Paper { recovery_codes })
            }
        })
    }

    /// Recorded first: a code that reaches the customer is one that counts. One that was recorded and does not
    /// reach her costs one of the day's codes, and she asks again.
    async fn send(&self, factor: Factor, to: &Address, text: &words::Text) -> Result<(), Problem> {
        let Err(error) = self.messenger.send(to, text).await else { return Ok(()) };
        tracing::warn!(error = telemetry::chain(&error), factor = factor.word(), "the code could not be sent");
        telemetry::count(Metric::Challenge, "undelivered");
        let what_to_do = "The code could not be sent. Try another factor, or again in a moment.";
        Err(Problem::new(ProblemKind::DeliveryFailed, what_to_do))
    }
}
