//! Scores on demand for other systems; folds behaviour into the profile; counts where accounts meet; slows
//! sign-ins down after failures; makes an open change harder when new evidence asks for it. It can never
//! authorize.

mod record;

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lambda_events::event::dynamodb::Event as StreamEvent;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use linekeeper_domain::change::{Actor, Change};
use linekeeper_domain::decide;
use linekeeper_domain::ids::{AccountId, LineId, Subject};
use linekeeper_domain::kinds::{Band, ChangeKind, Channel};
use linekeeper_domain::ledger::Entry;
use linekeeper_domain::policy::POLICY_VERSION;
use linekeeper_domain::risk::request::Asked;
use linekeeper_domain::risk::velocity::Meetings;
use linekeeper_domain::risk::{Assessment, KeyShown, Profile, bins};
use linekeeper_domain::signals::{RequestSignals, Signal};
use linekeeper_domain::state::View;
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::batch::{self, Failure, Imported, SqsDeadLetters};
use linekeeper_platform::config::Var;
use linekeeper_platform::risk::Risk;
use linekeeper_platform::shell::{self, Shell, owner};
use linekeeper_platform::start;
use linekeeper_platform::store::{self, Whole};
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
    /// What scores.
    pub risk: Arc<Risk>,
}

/// What comes in.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Incoming {
    /// A question about a request that some other system has.
    Score {
        /// The request.
        score: Box<Score>,
    },
    /// Whether a sign-in may be tried now.
    SignIn {
        /// Whose.
        sign_in: SignIn,
    },
    /// How accounts behaved before they came here: many records at once, each as it would stand in the queue, in
    /// any order. Only for accounts that nothing is known of: a profile that is there is left as it is.
    Import {
        /// The records.
        import: Vec<serde_json::Value>,
    },
    /// Requests of the ledger's stream, to be counted.
    Stream(StreamEvent),
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
    /// Which kind of change; one of the line's SIM, or of the account's contacts, where it is not said.
    pub kind: Option<ChangeKind>,
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
    /// What became of an import.
    Import(Imported),
    /// All was counted.
    Counted {},
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
        let config = start::configure(env!("CARGO_PKG_NAME"), &[Var::DeadLetterQueue, Var::ProfileKey])?;
        let aws = start::aws().await?;
        let dead = SqsDeadLetters::new(aws_sdk_sqs::Client::new(&aws), config.get(Var::DeadLetterQueue));
        let risk = Arc::new(start::risk(&config, &aws));
        Ok(Self { shell: start::shell(&config, &aws), dead: Arc::new(dead), risk })
    }
}

impl<D: batch::DeadLetters> App<D> {
    /// Answers a question, or handles a batch.
    ///
    /// # Errors
    /// Where a question cannot be answered: the caller takes that for the highest risk. Where requests cannot be
    /// counted: the stream brings them again.
    pub async fn handle(&self, incoming: Incoming) -> Result<Outgoing, start::Error> {
        match incoming {
            Incoming::Queue(event) => {
                Ok(Outgoing::Queue(batch::sqs(event, self.dead.as_ref(), |record| self.record(record)).await))
            }
            Incoming::Import { import } => Ok(Outgoing::Import(self.import(import).await)),
            Incoming::Stream(event) => {
                self.count(&event).await?;
                Ok(Outgoing::Counted {})
            }
            Incoming::Score { score } => Ok(Outgoing::Scored { assessment: self.score(&score).await?, policy: POLICY_VERSION }),
            Incoming::SignIn { sign_in } => {
                let whole = self.shell.store.read_whole(&sign_in.account_id).await?;
                let wait =
                    whole.profile.present().map_or(Span::default(), |profile| profile.sign_in_wait(self.shell.clock.now()));
                telemetry::count(Metric::SignIn, if wait == Span::default() { "free" } else { "throttled" });
                Ok(Outgoing::SignIn { wait_seconds: wait.as_seconds() })
            }
        }
    }

    /// The score that a change would get if it were asked for now, from there.
    async fn score(&self, score: &Score) -> Result<Assessment, store::Error> {
        let account = &score.account_id;
        let whole = self.shell.store.read_whole(account).await?;
        let subject = score.line_id.clone().map_or(Subject::Account, Subject::Line);
        let kind = score.kind.unwrap_or(match subject {
            Subject::Account => ChangeKind::ContactChange,
            Subject::Line(_) => ChangeKind::SimSwap,
        });
        let signals = score.from.signals();
        let asked = Asked {
            kind,
            details: None,
            actor: &Actor::Customer,
            channel: Channel::Pwa,
            signals: &signals,
            key: score.from.key(),
        };
        let (scorer, view, now) = (self.risk.scorer().await, whole.view(&subject), self.shell.clock.now());
        let seen = asked.seen(&view, now);
        let meetings = self.shell.store.read_counters(&scorer.meets(account, &seen)).await?;
        let assessment = scorer.assess(account, &whole.profile, &view.lately(), &meetings, &seen, now);
        telemetry::count(Metric::Score, assessment.band.word());
        telemetry::count(Metric::ScoreBin, bins::word(seen.channel.door(), assessment.probability_ppm));
        Ok(assessment)
    }

    /// Counts where each request met others.
    async fn count(&self, event: &StreamEvent) -> Result<(), store::Error> {
        for record in &event.records {
            let image = record.change.new_image.clone().into_inner();
            let Some(serde_dynamo::AttributeValue::S(json)) = image.get("entry") else { continue };
            let entry: Entry = serde_json::from_str(json).map_err(|_| store::Error::Corrupt("a ledger entry cannot be read"))?;
            let Some(mark) = self.risk.scorer().await.mark(&entry.owner.account_id) else {
                return Err(store::Error::Corrupt("no key of the profiles"));
            };
            self.shell.store.count(&entry.met, mark, entry.at).await?;
            telemetry::count(Metric::Record, "done");
        }
        Ok(())
    }

    /// When it happened.
    fn time_of(&self, record: &Record) -> Result<Timestamp, Failure> {
        let at = Timestamp::parse(&record.at).ok_or_else(|| Failure::reject("malformed", "`at` is not RFC 3339"))?;
        let now = self.shell.clock.now();
        if at > now + AHEAD {
            return Err(Failure::reject("from-the-future", "`at` lies more than five minutes ahead"));
        }
        if at + OLDEST < now {
            return Err(Failure::reject("too-old", "`at` lies more than 90 days back"));
        }
        Ok(at)
    }

    async fn import(&self, records: Vec<serde_json::Value>) -> Imported {
        let mut imported = Imported::default();
        let mut accounts: BTreeMap<AccountId, Vec<(Timestamp, usize, Record)>> = BTreeMap::new();
        for (place, record) in batch::import::<Record>(records, &mut imported) {
            match self.time_of(&record) {
                Ok(at) => accounts.entry(record.account_id.clone()).or_default().push((at, place, record)),
                Err(failure) => imported.took(place, &Err(failure)),
            }
        }
        for (account, mut past) in accounts {
            past.sort_by_key(|&(at, place, _)| (at, place));
            let result = self.begin(&account, &past).await;
            for (_, place, _) in past {
                imported.took(place, &result);
            }
        }
        imported
    }

    /// Folds an account's past into a profile, where there is none.
    async fn begin(&self, account: &AccountId, past: &[(Timestamp, usize, Record)]) -> Result<(), Failure> {
        let whole = self.shell.store.read_whole(account).await?;
        if whole.account.is_none() {
            return Err(shell::Failure::Denied(decide::Denied::NotFound).into());
        }
        if whole.profile != Signal::Absent {
            return Ok(());
        }
        let (scorer, nothing) = (self.risk.scorer().await, RequestSignals::default());
        let mut profile = Profile::default();
        for (at, _, record) in past {
            let signals = record.what.from().map(Origin::signals);
            let seen = record.what.seen(signals.as_ref().unwrap_or(&nothing), *at);
            let learnt = scorer.learn(account, profile, &Meetings::default(), &seen);
            profile = learnt.ok_or_else(|| Failure::retry("no key of the profiles"))?;
        }
        // Whoever was faster has begun it.
        self.shell.store.write_profile(account, &profile, 0).await?;
        Ok(())
    }

    async fn record(&self, record: Record) -> Result<(), Failure> {
        let at = self.time_of(&record)?;
        let signals = record.what.from().map(Origin::signals);
        let (whole, profile) = self.learn(&record, signals.as_ref(), at).await?;
        self.watch(&record, &whole, profile, signals.as_ref()).await
    }

    /// Folds what happened into the profile, and counts where it happened. Other signals of the account may come
    /// at the same time: each is folded into what stands.
    async fn learn(&self, record: &Record, signals: Option<&RequestSignals>, at: Timestamp) -> Result<(Whole, Profile), Failure> {
        let nothing = RequestSignals::default();
        let (account, scorer) = (&record.account_id, self.risk.scorer().await);
        let seen = record.what.seen(signals.unwrap_or(&nothing), at);
        for _ in 0..ATTEMPTS {
            let whole = self.shell.store.read_whole(account).await?;
            if whole.account.is_none() {
                return Err(shell::Failure::Denied(decide::Denied::NotFound).into());
            }
            // A profile that cannot be read is started again: it cannot vouch for anyone.
            let before = whole.profile.present().cloned().unwrap_or_default();
            // Who else is there weighs a request; what is learnt of a visit does not need it.
            let profile = scorer.learn(account, before, &Meetings::default(), &seen);
            let (Some(profile), Some(mark)) = (profile, scorer.mark(account)) else {
                return Err(Failure::retry("no key of the profiles"));
            };
            if self.shell.store.write_profile(account, &profile, whole.profile_seq).await? {
                self.shell.store.count(&scorer.counted(account, &seen), mark, at).await?;
                return Ok((whole, profile));
            }
        }
        Err(Failure::retry("the profile is being written by others"))
    }

    /// Looks at the account's open changes with what is known now: as if each were asked for from there.
    async fn watch(
        &self,
        record: &Record,
        whole: &Whole,
        profile: Profile,
        signals: Option<&RequestSignals>,
    ) -> Result<(), Failure> {
        let (account, now, profile) = (&record.account_id, self.shell.clock.now(), Signal::Present(profile));
        let (scorer, nothing) = (self.risk.scorer().await, RequestSignals::default());
        let key = record.what.from().map_or_else(KeyShown::default, Origin::key);
        let lines = whole.lines.iter().map(|line| Subject::Line(line.state.id.clone()));
        for subject in std::iter::once(Subject::Account).chain(lines) {
            let view = whole.view(&subject);
            let open: Vec<Change> = view.book(&subject).map(|book| book.open(now).cloned().collect()).unwrap_or_default();
            for change in open {
                let asked = Asked {
                    kind: change.kind(),
                    details: Some(&change.details),
                    actor: &Actor::Customer,
                    channel: Channel::Pwa,
                    signals: signals.unwrap_or(&nothing),
                    key,
                };
                let seen = asked.seen(&view, now);
                let meetings = self.shell.store.read_counters(&scorer.meets(account, &seen)).await?;
                let assessment = scorer.assess(account, &profile, &view.lately(), &meetings, &seen, now);
                if assessment.band <= Band::Elevated {
                    continue;
                }
                let raise = |view: &View, ctx: decide::Context<'_>| {
                    Ok(decide::reassess(view, &change.id, &assessment, ctx).unwrap_or_default())
                };
                self.shell.command(&owner(account, &subject), &Actor::System, view.clone(), raise).await?;
            }
        }
        Ok(())
    }
}
