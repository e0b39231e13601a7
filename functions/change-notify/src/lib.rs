//! Follows the ledger: tells the customer, closes the notice gate, signs authorizations, publishes
//! `line-events`.
//!
//! One record of the stream is one ledger entry. Each step is safe to do again: what was recorded as told is
//! not told again, a second signature is of the same authorization, and events have ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lambda_events::event::dynamodb::{Event, EventRecord};
use linekeeper_domain::change::{Actor, Change};
use linekeeper_domain::decide::{self, Release};
use linekeeper_domain::digest::Digest;
use linekeeper_domain::ledger::{Draft, Entry};
use linekeeper_domain::notice::{Delivery, Notice};
use linekeeper_domain::porting::answer::{self, Answer as PortAnswer, Outgoing};
use linekeeper_domain::risk::label::Heard;
use linekeeper_domain::state::View;
use linekeeper_domain::words;
use linekeeper_platform::config::Var;
use linekeeper_platform::keys::{KmsSigner, Signer, sign_authorization, sign_not_me};
use linekeeper_platform::messages::{AnswerQueue, Answers, Aws, LineEvent, Messenger, Publisher, Topic};
use linekeeper_platform::shell::{Failure, Shell};
use linekeeper_platform::start;
use linekeeper_platform::store::{Committed, Error};
use linekeeper_platform::telemetry::{self, Metric};
use serde::Deserialize;

/// What comes in: entries of the ledger, as its stream brings them.
#[derive(Clone, Debug, Deserialize)]
pub struct Incoming {
    /// Each an entry.
    #[serde(rename = "Records")]
    pub records: Vec<EventRecord>,
    /// Whether they were given up once and somebody has them told again, from the queue `notice-failed`.
    #[serde(default)]
    pub again: bool,
}

impl From<Event> for Incoming {
    fn from(event: Event) -> Self {
        Self { records: event.records, again: false }
    }
}

/// What the function works with.
pub struct App {
    /// Store, settings, clock.
    pub shell: Shell,
    /// Signs.
    pub signer: Arc<dyn Signer>,
    /// Tells customers.
    pub messenger: Arc<dyn Messenger>,
    /// Tells everyone else.
    pub publisher: Arc<dyn Publisher>,
    /// Tells the porting gateway.
    pub answers: Arc<dyn Answers>,
    /// `iss` of what is signed.
    pub issuer: String,
    /// Where links lead.
    pub origin: String,
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
        let needed = [Var::SigningKey, Var::Issuer, Var::EventsTopic, Var::SenderEmail, Var::PwaOrigin, Var::PortAnswersQueue];
        let config = start::configure(env!("CARGO_PKG_NAME"), &needed)?;
        let aws = start::aws().await?;
        let sns = aws_sdk_sns::Client::new(&aws);
        Ok(Self {
            shell: start::shell(&config, &aws),
            signer: Arc::new(KmsSigner::new(aws_sdk_kms::Client::new(&aws), config.get(Var::SigningKey))),
            messenger: Arc::new(Aws::new(sns.clone(), aws_sdk_sesv2::Client::new(&aws), config.get(Var::SenderEmail))),
            publisher: Arc::new(Topic::new(sns, config.get(Var::EventsTopic))),
            answers: Arc::new(AnswerQueue::new(aws_sdk_sqs::Client::new(&aws), config.get(Var::PortAnswersQueue))),
            issuer: config.get(Var::Issuer).to_owned(),
            origin: config.get(Var::PwaOrigin).to_owned(),
        })
    }

    /// Handles records in order and stops at the first that fails: the stream brings it again. The mapping
    /// gives one record at a time, so that a crash can only repeat the one it was in.
    ///
    /// # Errors
    /// What failed.
    pub async fn handle(&self, incoming: impl Into<Incoming>) -> Result<(), start::Error> {
        let incoming = incoming.into();
        for record in incoming.records {
            match Box::pin(self.record(&record, incoming.again)).await {
                Ok(()) => telemetry::count(Metric::Record, "done"),
                Err(error) => {
                    telemetry::count(Metric::Record, "retry");
                    tracing::error!(
                        error = telemetry::chain(&error),
                        sequence = record.change.sequence_number,
                        "a ledger entry waits"
                    );
                    return Err(error.into());
                }
            }
        }
        Ok(())
    }

    async fn record(&self, record: &EventRecord, again: bool) -> Result<(), Failure> {
        let Some((entry, hash)) = read(record)? else { return Ok(()) };
        // Telling comes last: what is before it may fail and come again, and messages cannot be unsent.
        if let Some(event) = LineEvent::of(&entry) {
            if event.page {
                telemetry::count(Metric::Incident, event.event.word());
            }
            self.publisher.publish(&event).await?;
        }
        self.answer(&entry).await?;
        if entry.grants() {
            self.release(&entry, &hash).await?;
        }
        if let Some(notice) = &entry.notice
            && !(again && self.recorded(&entry).await?)
        {
            self.tell(&entry, &hash, notice).await?;
        }
        // Last, so that an entry that comes again is counted once.
        Heard::of(&entry).for_each(|heard| telemetry::count(Metric::Label, heard.word()));
        Ok(())
    }

    /// Answers the gaining carriers whose orders the entry is about. A confirmation that is asked for again is signed
    /// again, if it still stands.
    async fn answer(&self, entry: &Entry) -> Result<(), Failure> {
        for answer in entry.answers() {
            let authorization = match (answer.answer, entry.after.as_deref()) {
                (PortAnswer::Confirm { .. }, Some(change)) => match self.confirmation(entry, change).await? {
                    Some(jws) => Some(jws),
                    None => continue,
                },
                (PortAnswer::Confirm { .. }, None) => continue,
                _ => None,
            };
            self.send_answer(&Outgoing { authorization: authorization.as_deref(), ..answer }).await?;
        }
        Ok(())
    }

    /// The authorization of a port that is confirmed once more, where it still stands.
    async fn confirmation(&self, entry: &Entry, change: &Change) -> Result<Option<String>, Failure> {
        let Some(authorization) = change.authorization() else { return Ok(None) };
        let jws = sign_authorization(self.signer.as_ref(), &self.issuer, &entry.owner.account_id, change, authorization).await?;
        Ok(self.may_leave(entry, change, View::default()).await?.then_some(jws))
    }

    async fn send_answer(&self, answer: &Outgoing<'_>) -> Result<(), Failure> {
        let json = answer::out(answer).map_err(|_| Error::Corrupt("a confirmation without its authorization"))?;
        self.answers.answer(&json.to_string()).await?;
        telemetry::count(Metric::PortAnswer, answer.answer.word());
        Ok(())
    }

    /// Whether the sweep had an entry's notice told after all, or called a person instead: messages cannot be unsent, so
    /// what is told again long after asks first.
    async fn recorded(&self, entry: &Entry) -> Result<bool, Failure> {
        let view = self.shell.store.read(&entry.owner.account_id, &entry.owner.subject).await?;
        Ok(decide::recorded(&view, entry))
    }

    /// Tells every channel, then records what each accepted: one write, which also closes the notice gate.
    async fn tell(&self, entry: &Entry, hash: &Digest, notice: &Notice) -> Result<(), Failure> {
        let link = self.link(entry, notice).await;
        let change = entry.after.as_deref().filter(|change| notice.change.as_ref() == Some(&change.id));
        let text =
            words::notice(notice.locale, &notice.message, change, entry.case.as_deref(), link.as_deref(), self.shell.clock.now());
        let mut deliveries = Vec::new();
        for recipient in &notice.to {
            let accepted = match self.messenger.send(&recipient.address, &text).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(
                        error = telemetry::chain(&error),
                        contact = recipient.contact.as_str(),
                        "a channel did not accept a notice"
                    );
                    false
                }
            };
            telemetry::count(Metric::Notice, if accepted { "accepted" } else { "failed" });
            deliveries.push(Delivery { contact: recipient.contact.clone(), accepted });
        }

        let at_once =
            decide::told_at_once(entry, hash, notice, &deliveries, self.shell.context()).map_err(|e| Error::aws("ledger", e))?;
        let stands = match at_once {
            Some(follow) => match self.shell.store.follow(&follow).await? {
                Committed::Done => return Ok(()),
                Committed::Lost(stands) => *stands,
                Committed::Full(denied) => return Err(denied.into()),
            },
            None => View::default(),
        };
        let decide = |view: &View, ctx: decide::Context<'_>| decide::told(view, entry, notice, &deliveries, ctx);
        self.decide_on(entry, stands, decide).await
    }

    /// The one-tap link. A notice without it is worth more than none: where KMS does not sign, it goes out
    /// and says to open the app.
    async fn link(&self, entry: &Entry, notice: &Notice) -> Option<String> {
        let change = notice.change.as_ref().filter(|_| notice.message.has_link())?;
        let now = self.shell.clock.now();
        match sign_not_me(self.signer.as_ref(), &self.issuer, &entry.owner.account_id, change, now).await {
            Ok(token) => Some(format!("{}/not-me#{token}", self.origin)),
            Err(error) => {
                tracing::error!(error = telemetry::chain(&error), "a notice goes out without its link");
                None
            }
        }
    }

    /// Signs, then asks the state whether the signature may leave, in the write that records that it does.
    async fn release(&self, entry: &Entry, hash: &Digest) -> Result<(), Failure> {
        let Some(change) = entry.after.as_deref() else {
            return Err(Error::Corrupt("an authorization without its change").into());
        };
        let Some(authorization) = change.authorization() else { return Ok(()) };
        let jws = sign_authorization(self.signer.as_ref(), &self.issuer, &entry.owner.account_id, change, authorization).await?;

        let follow =
            decide::released_at_once(entry, hash, change, self.shell.context()).map_err(|error| Error::aws("ledger", error))?;
        let leaves = match follow {
            Some(follow) => match self.shell.store.follow(&follow).await? {
                Committed::Done => true,
                Committed::Lost(stands) => self.may_leave(entry, change, *stands).await?,
                Committed::Full(denied) => return Err(denied.into()),
            },
            None => false,
        };
        if leaves {
            telemetry::count(Metric::Authorization, "released");
            if let (Some(order), Some(port)) = (change.details.order(), change.port.as_deref()) {
                let answer = &PortAnswer::Confirm { due_at: port.due_at };
                let (order, version, authorization) = (&order, Some(port.version), Some(jws.as_str()));
                let confirm =
                    Outgoing { order, version, answer, faults: &[], at: entry.at, answer_by: port.answer_by, authorization };
                self.send_answer(&confirm).await?;
            }
            self.publisher.publish(&LineEvent::released(entry, jws)).await?;
        } else {
            telemetry::count(Metric::Authorization, "withheld");
        }
        Ok(())
    }

    /// Something happened since the entry: decides on what stands.
    async fn may_leave(&self, entry: &Entry, change: &Change, stands: View) -> Result<bool, Failure> {
        let Some(authorization) = change.authorization() else { return Ok(false) };
        let leaves = AtomicBool::new(false);
        let decide = |view: &View, ctx: decide::Context<'_>| {
            let (leave, draft) = match decide::release(view, &change.id, authorization, ctx)? {
                Release::Now(draft) => (true, draft),
                Release::Again => (true, Draft::default()),
                Release::Never(draft) => (false, draft),
            };
            leaves.store(leave, Ordering::Relaxed);
            Ok(draft)
        };
        self.decide_on(entry, stands, decide).await?;
        Ok(leaves.into_inner())
    }

    async fn decide_on(
        &self,
        entry: &Entry,
        stands: View,
        decide: impl Fn(&View, decide::Context<'_>) -> Result<Draft, decide::Denied>,
    ) -> Result<(), Failure> {
        let view = match stands.book(&entry.owner.subject) {
            Some(_) => stands,
            None => self.shell.store.read(&entry.owner.account_id, &entry.owner.subject).await?,
        };
        self.shell.command(&entry.owner, &Actor::System, view, decide).await?;
        Ok(())
    }
}

/// The ledger entry of a record; nothing for one that asks for nothing.
fn read(record: &EventRecord) -> Result<Option<(Entry, Digest)>, Error> {
    let image = record.change.new_image.clone().into_inner();
    let (Some(serde_dynamo::AttributeValue::S(json)), true) = (image.get("entry"), image.contains_key("relay")) else {
        return Ok(None);
    };
    let entry = serde_json::from_str(json).map_err(|_| Error::Corrupt("a ledger entry cannot be read"))?;
    Ok(Some((entry, Entry::hash(json))))
}
