//! Scores on demand for other systems; folds behaviour into the profile; slows sign-ins down after
//! failures; makes an open change harder when new evidence asks for it. It can never authorize.

mod record;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use linekeeper_domain::change::{Actor, Change};
use linekeeper_domain::decide;
use linekeeper_domain::ids::{AccountId, ChangeId, LineId, Subject};
use linekeeper_domain::kinds::Band;
use linekeeper_domain::policy::POLICY_VERSION;
use linekeeper_domain::risk::{Assessment, Behaviour, Profile, assess};
use linekeeper_domain::signals::{RequestSignals, Signal};
use linekeeper_domain::state::View;
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::batch::{self, Failure, SqsDeadLetters};
use linekeeper_platform::config::Var;
use linekeeper_platform::shell::{self, Shell, owner};
use linekeeper_platform::start;
use linekeeper_platform::store::Whole;
use linekeeper_platform::telemetry::{self, Metric};
use serde::{Deserialize, Serialize};

pub use record::{Origin, Record, What};

/// How far another system's clock may be ahead.
const AHEAD: Span = Span::minutes(5);
/// How old a signal may be: what is older says nothing of how a customer behaves.
const OLDEST: Span = Span::days(90);
/// How often a profile that others write too is tried.
const ATTEMPTS: usize = 6;

/// What the function works with.
#[derive(Debug)]
pub struct App<D> {
    /// Store, settings, clock.
    pub shell: Shell,
    /// Where records go that can never succeed.
    pub dead: Arc<D>,
}

/// What comes in.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Incoming {
    /// A question about a request that some other system has.
    Score {
        /// The request.
        score: Score,
    },
    /// Whether a sign-in may be tried now.
    SignIn {
        /// Whose.
        sign_in: SignIn,
    },
    /// A batch of the queue `behaviour`.
    Queue(SqsEvent),
}

/// A request to be scored.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Whose.
    pub account_id: AccountId,
    /// Which line, where it is about one.
    pub line_id: Option<LineId>,
    /// From where.
    #[serde(default)]
    pub from: Origin,
}

/// A sign-in that is about to be tried.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Whose.
    pub account_id: AccountId,
}

/// What goes out.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outgoing {
    /// Which records of the batch have to come again.
    Queue(SqsBatchResponse),
    /// A score.
    Scored {
        /// The assessment.
        #[serde(flatten)]
        assessment: Assessment,
        /// Which policy it feeds.
        policy: &'static str,
    },
    /// How long a sign-in has to wait.
    SignIn {
        /// Seconds; 0: not at all.
        wait_seconds: u32,
    },
}

impl App<SqsDeadLetters> {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let config = start::configure(env!("CARGO_PKG_NAME"), &[Var::DeadLetterQueue])?;
        let aws = start::aws().await;
        let dead = SqsDeadLetters::new(aws_sdk_sqs::Client::new(&aws), config.get(Var::DeadLetterQueue));
        Ok(Self { shell: start::shell(&config, &aws), dead: Arc::new(dead) })
    }
}

impl<D: batch::DeadLetters> App<D> {
    /// Answers a question, or handles a batch.
    ///
    /// # Errors
    /// Where a question cannot be answered: the caller takes that for the highest risk.
    pub async fn handle(&self, incoming: Incoming) -> Result<Outgoing, start::Error> {
        match incoming {
            Incoming::Queue(event) => {
                Ok(Outgoing::Queue(batch::sqs(event, self.dead.as_ref(), |record| self.record(record)).await))
            }
            Incoming::Score { score } => {
                let whole = self.shell.store.read_whole(&score.account_id).await?;
                let subject = score.line_id.map_or(Subject::Account, Subject::Line);
                let assessment = self.assess(&whole, &whole.profile, &subject, &score.from.signals(&score.account_id));
                Ok(Outgoing::Scored { assessment, policy: POLICY_VERSION })
            }
            Incoming::SignIn { sign_in } => {
                let whole = self.shell.store.read_whole(&sign_in.account_id).await?;
                let wait =
                    whole.profile.present().map_or(Span::default(), |profile| profile.sign_in_wait(self.shell.clock.now()));
                telemetry::count(Metric::SignIn, if wait == Span::default() { "free" } else { "throttled" });
                Ok(Outgoing::SignIn { wait_seconds: wait.as_seconds() })
            }
        }
    }

    async fn record(&self, record: Record) -> Result<(), Failure> {
        let at = Timestamp::parse(&record.at).ok_or_else(|| Failure::reject("malformed", "`at` is not RFC 3339"))?;
        let now = self.shell.clock.now();
        if at > now + AHEAD {
            return Err(Failure::reject("from-the-future", "`at` lies more than five minutes ahead"));
        }
        if at + OLDEST < now {
            return Err(Failure::reject("too-old", "`at` lies more than 90 days back"));
        }
        let behaviour = record.what.behaviour(&record.account_id);
        let (whole, profile) = self.learn(&record.account_id, &behaviour, at).await?;
        self.watch(&record.account_id, &whole, profile, &behaviour).await
    }

    /// Folds what happened into the profile. Other signals of the account may come at the same time: each
    /// is folded into what stands.
    async fn learn(&self, account: &AccountId, behaviour: &Behaviour, at: Timestamp) -> Result<(Whole, Profile), Failure> {
        for _ in 0..ATTEMPTS {
            let whole = self.shell.store.read_whole(account).await?;
            if whole.account.is_none() {
                return Err(shell::Failure::Denied(decide::Denied::NotFound).into());
            }
            // A profile that cannot be read is started again: it cannot vouch for anyone.
            let before = whole.profile.present().cloned().unwrap_or_default();
            let profile = before.with(behaviour, at);
            if self.shell.store.write_profile(account, &profile, whole.profile_seq).await? {
                return Ok((whole, profile));
            }
        }
        Err(Failure::retry("the profile is being written by others"))
    }

    /// Looks at the account's open changes with what is known now.
    async fn watch(&self, account: &AccountId, whole: &Whole, profile: Profile, behaviour: &Behaviour) -> Result<(), Failure> {
        let signals = match behaviour {
            Behaviour::SignIn { signals, .. } | Behaviour::DeviceSeen { signals } => Some(signals),
            Behaviour::PasswordReset | Behaviour::CareContact => None,
        };
        let now = self.shell.clock.now();
        let lines = whole.lines.iter().map(|line| Subject::Line(line.state.id.clone()));
        for subject in std::iter::once(Subject::Account).chain(lines) {
            let view = whole.view(&subject);
            let open: Vec<ChangeId> =
                view.book(&subject).map(|book| book.open(now).map(|c: &Change| c.id.clone()).collect()).unwrap_or_default();
            for id in open {
                let assessment = self.evidence(whole, &profile, &subject, signals);
                if assessment.band <= Band::Elevated {
                    continue;
                }
                let raise =
                    |view: &View, ctx: decide::Context<'_>| Ok(decide::reassess(view, &id, &assessment, ctx).unwrap_or_default());
                self.shell.command(&owner(account, &subject), &Actor::System, view.clone(), raise).await?;
            }
        }
        Ok(())
    }

    /// The risk of a change that is open while this happens: as if it were asked for from there.
    fn evidence(&self, whole: &Whole, profile: &Profile, subject: &Subject, signals: Option<&RequestSignals>) -> Assessment {
        let known = Signal::Present(profile.clone());
        match signals {
            Some(signals) => self.assess(whole, &known, subject, signals),
            None => self.assess(whole, &known, subject, &RequestSignals::default()),
        }
    }

    fn assess(&self, whole: &Whole, profile: &Signal<Profile>, subject: &Subject, signals: &RequestSignals) -> Assessment {
        assess(profile, signals, &whole.view(subject).lately(), self.shell.clock.now(), &self.shell.settings)
    }
}
