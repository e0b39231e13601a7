//! The porting gateway's messages: looks the number up, decides, and answers by the ledger. Hears of `line-events` too:
//! where a lock or a freeze of a whole account stands against a port that is on its way, it takes the port back. It can
//! compare a transfer PIN and can neither make one nor sign.
//!
//! Order and duplicates are not to be trusted: number, purchase order and version decide. Each message ends in an
//! answer, in the dead-letter queue with its reason, or in both.

mod heard;
mod watch;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use linekeeper_domain::change::{Actor, Details};
use linekeeper_domain::decide::{self, Denied, PinShown, PortAsk, Reply, Says, Supplement};
use linekeeper_domain::digest::Digest;
use linekeeper_domain::ids::{AccountId, LineId, Subject};
use linekeeper_domain::ledger::Draft;
use linekeeper_domain::porting::answer::{self, Answer, Outgoing, Reason};
use linekeeper_domain::porting::fields::PortVersion;
use linekeeper_domain::porting::message::{self, Correction, Message, Order, PortRequest};
use linekeeper_domain::porting::monitor;
use linekeeper_domain::secret::TransferPinCode;
use linekeeper_domain::signals::RequestSignals;
use linekeeper_domain::state::View;
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::batch::{self, Failure, SqsDeadLetters};
use linekeeper_platform::config::{self, Var};
use linekeeper_platform::keys::{CodeCheck, KmsMac, Ring};
use linekeeper_platform::messages::{AnswerQueue, Answers, Publisher, Topic};
use linekeeper_platform::risk::Risk;
use linekeeper_platform::shell::{self, Outcome, Shell, owner};
use linekeeper_platform::start;
use linekeeper_platform::store::Claimed;
use linekeeper_platform::telemetry::{self, Metric};
use serde::{Deserialize, Serialize};

pub use watch::PastHour;

/// How soon the gateway passes on what was answered to the message alone: there is no interval of a line's to keep to.
const PASSED_ON_WITHIN: Span = Span::minutes(5);

/// What the function works with.
pub struct App<D> {
    /// Store, settings, clock.
    pub shell: Shell,
    /// Compares transfer PINs.
    pub check: Arc<dyn CodeCheck>,
    /// What scores.
    pub risk: Arc<Risk>,
    /// Tells the gateway what concerns no line of ours, and what it was told before.
    pub answers: Arc<dyn Answers>,
    /// Tells everyone of incidents.
    pub publisher: Arc<dyn Publisher>,
    /// The limits of the monitor.
    pub monitor: Arc<monitor::Settings>,
    /// Where messages go that can never succeed.
    pub dead: Arc<D>,
    /// ARN of the queue that hears `line-events`; every other one is the gateway's.
    pub line_events: String,
}

impl<D> std::fmt::Debug for App<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("shell", &self.shell).finish_non_exhaustive()
    }
}

/// What comes in.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Incoming {
    /// The schedule: whether the feed is silent.
    Listen {
        /// Nothing of meaning.
        listen: serde::de::IgnoredAny,
    },
    /// How many left in past hours, by the carrier's own records: what is usual from the first day on.
    Past {
        /// Hour by hour.
        port_history: Vec<PastHour>,
    },
    /// A batch of a queue: the gateway's messages, or what is heard of `line-events`.
    Queue(SqsEvent),
}

/// What goes out.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcomes {
    /// Which messages of the batch have to come again.
    Queue(SqsBatchResponse),
    /// All of it was done.
    Done {},
}

impl App<SqsDeadLetters> {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let needed =
            [Var::DeadLetterQueue, Var::MacKey, Var::ProfileKey, Var::PortAnswersQueue, Var::LineEventsQueue, Var::EventsTopic];
        let config = start::configure(env!("CARGO_PKG_NAME"), &needed)?;
        let aws = start::aws().await?;
        let (sqs, kms) = (aws_sdk_sqs::Client::new(&aws), aws_sdk_kms::Client::new(&aws));
        Ok(Self {
            shell: start::shell(&config, &aws),
            check: Arc::new(Ring::read(config.get(Var::MacKey), |arn| KmsMac::new(kms.clone(), arn))),
            risk: Arc::new(start::risk(&config, &aws)),
            answers: Arc::new(AnswerQueue::new(sqs.clone(), config.get(Var::PortAnswersQueue))),
            publisher: Arc::new(Topic::new(aws_sdk_sns::Client::new(&aws), config.get(Var::EventsTopic))),
            monitor: Arc::new(config::monitor(|name| std::env::var(name).ok())?),
            dead: Arc::new(SqsDeadLetters::new(sqs, config.get(Var::DeadLetterQueue))),
            line_events: config.get(Var::LineEventsQueue).to_owned(),
        })
    }
}

/// A line that a message is about, as it stands.
struct Found {
    account: AccountId,
    line: LineId,
    view: View,
}

impl<D: batch::DeadLetters> App<D> {
    /// Handles a batch of one queue, a turn of the schedule, or a past that is told.
    ///
    /// # Errors
    /// Where the feed cannot be listened to or a past cannot be written; what of a batch has to come again is in the
    /// answer.
    pub async fn handle(&self, incoming: Incoming) -> Result<Outcomes, start::Error> {
        let event = match incoming {
            Incoming::Listen { .. } => {
                self.watch().listen().await?;
                return Ok(Outcomes::Done {});
            }
            Incoming::Past { port_history } => {
                self.watch().remember(&port_history).await?;
                return Ok(Outcomes::Done {});
            }
            Incoming::Queue(event) => event,
        };
        let from = event.records.first().and_then(|message| message.event_source_arn.as_deref());
        if from == Some(self.line_events.as_str()) {
            return Ok(Outcomes::Queue(batch::sqs(event, self.dead.as_ref(), async |event| self.heard(&event).await).await));
        }
        Ok(Outcomes::Queue(batch::texts(event, self.dead.as_ref(), async |body| self.message(&body).await).await))
    }

    async fn message(&self, body: &str) -> Result<(), Failure> {
        let (envelope, message) = match message::open(body, None) {
            Ok(opened) => opened,
            Err(fault) => return self.unreadable(&fault).await,
        };
        telemetry::count(Metric::PortMessage, message.kind().word());
        let content = message.content();
        match &message {
            Message::PortRequest(request) => self.request(request, &content, envelope.time).await,
            Message::Supplement(supplement) => {
                let what = match &supplement.change {
                    Correction::Cancel => Supplement::Cancel,
                    Correction::DueDate(due) => Supplement::DueDate(*due),
                    Correction::Other { .. } => Supplement::Other,
                };
                let version = supplement.version;
                let take = |view: &View, ctx: decide::Context<'_>| {
                    decide::supplemented(view, &supplement.order.pon, version, &content, &what, ctx)
                };
                self.ordered(&supplement.order, Some(version), Some(&content), take).await
            }
            Message::Cancellation(order) => {
                self.ordered(order, None, None, |view, ctx| decide::cancelled(view, &order.pon, ctx)).await
            }
            Message::Timer(timer) => {
                let answer = |view: &View, _: decide::Context<'_>| {
                    let line = view.line.as_ref().ok_or(Denied::NotFound)?;
                    let change = line.state.port(&timer.order.pon).ok_or(Denied::NotFound)?;
                    decide::timed(view, &change.id)
                };
                self.ordered(&timer.order, None, None, answer).await
            }
            Message::Activation(activation) => {
                let Some(found) = self.find(&activation.order).await? else {
                    return Err(Failure::reject("number-not-ours", "the activated number is not one of ours"));
                };
                let activate = |view: &View, ctx: decide::Context<'_>| {
                    decide::activated(view, &activation.order.pon, &activation.gaining, activation.at, ctx)
                };
                self.command(&found, activate).await?;
                Ok(())
            }
            Message::Heartbeat(heartbeat) => Ok(self.watch().beat(&heartbeat.gateway, envelope.time).await?),
        }
    }

    /// What cannot be read is answered where it says which order it is; else a person reads it.
    async fn unreadable(&self, fault: &message::Fault) -> Result<(), Failure> {
        match (&fault.order, fault.answer(self.shell.clock.now())) {
            (Some(order), Some(answer)) => {
                let faults = &fault.faults;
                let now = self.shell.clock.now();
                let version = fault.version;
                self.send(&Outgoing { order, version, answer: &answer, faults, at: now, answer_by: now, authorization: None })
                    .await
            }
            (Some(_) | None, _) => Err(Failure::reject("malformed", fault.to_string())),
        }
    }

    async fn request(&self, request: &PortRequest, content: &Digest, sent_at: Timestamp) -> Result<(), Failure> {
        let (order, version, now) = (&request.order, Some(request.version), self.shell.clock.now());
        let reject = |reason| Answer::Reject { reasons: vec![reason] };
        let Some((account, line)) = self.shell.store.find_number(&order.number).await? else {
            self.reply(order, version, &reject(Reason::NumberNotOurs)).await?;
            return Ok(self.watch().stray(request, sent_at.min(now)).await?);
        };
        let scorer = self.risk.scorer().await;
        let details =
            Details::PortOut { number: order.number.clone(), order: order.pon.clone(), carrier: request.gaining.clone() };
        let signals = RequestSignals::default();
        let meets = scorer.meets(&account, &decide::asked(&details, &signals).seen(&View::default(), now));
        let subject = Subject::Line(line.clone());
        let view = self.shell.store.read_with(&account, &subject, &meets).await?;
        let held = view.line.as_ref().filter(|line| line.state.ended_at.is_none() && line.state.msisdn == order.number);
        if held.is_none() {
            return self.reply(order, version, &reject(Reason::NumberNotActive)).await;
        }
        let mut found = Found { account, line, view };
        let known = found.view.line.as_ref().and_then(|line| line.state.port(&order.pon));
        let decided = known.and_then(|change| change.port.as_deref()).is_some_and(|port| request.version <= port.version);
        let pin = if decided { PinShown::None } else { self.pin(&mut found, request, now).await? };
        let tried = request.passcode.as_ref().zip(scorer.marker).map(|(given, marker)| marker.passcode(given.expose()));
        let ask = PortAsk {
            tried,
            id: decide::port_id(&found.account, &found.line, &order.pon, request.version),
            number: order.number.clone(),
            order: order.pon.clone(),
            version: request.version,
            carrier: request.gaining.clone(),
            due_at: request.due,
            received_at: sent_at.min(now),
            content: content.clone(),
            says: Says::of(&found.account, request.account.as_ref(), request.zip.as_ref()),
            pin,
        };
        match self.command(&found, |view, ctx| decide::port(view, &ask, scorer, ctx)).await {
            Ok(outcome) => {
                self.repeat(&outcome, order, version, Some(content)).await?;
                // Whatever was written, and when: a message that comes again shows the same.
                let decided = outcome.view.line.as_ref().and_then(|line| line.state.book.changes.get(&ask.id));
                match decided {
                    Some(change) => Ok(self.watch().order(&found.account, &found.line, change).await?),
                    None => Ok(()),
                }
            }
            Err(shell::Failure::Denied(Denied::TooManyRequests)) => self.reply(order, version, &reject(Reason::TryAgain)).await,
            Err(failure) => Err(failure.into()),
        }
    }

    /// Compares the transfer PIN that came with an order, where the line has one that is worth something: a guess is
    /// claimed first, so that no number of gateways and orders gets more of them than the budgets hold (I3).
    async fn pin(&self, found: &mut Found, request: &PortRequest, now: Timestamp) -> Result<PinShown, Failure> {
        let Some(given) = &request.passcode else { return Ok(PinShown::None) };
        let subject = Subject::Line(found.line.clone());
        let Some(pin) = decide::claimable(&found.view, &subject, now) else { return Ok(PinShown::NoneIssued) };
        match self.shell.store.claim_pin(&found.account, &found.line, &pin.id, now, &self.shell.settings).await? {
            Claimed::No(_) => return Ok(PinShown::NoGuessLeft),
            Claimed::Yes(stands) => found.view.line = stands.line.or_else(|| found.view.line.take()),
        }
        let code = TransferPinCode::given(given.expose());
        let input: Digest = decide::pin_input(&found.account, &pin.change, &pin.id, &code);
        let right = self.check.check(&input, &pin.mac).await?;
        telemetry::count(Metric::Answer, if right { "right" } else { "wrong" });
        Ok(if right { PinShown::Right(pin.id) } else { PinShown::Wrong(pin.id) })
    }

    /// A message about an order that should be known.
    async fn ordered(
        &self,
        order: &Order,
        version: Option<PortVersion>,
        content: Option<&Digest>,
        decide: impl Fn(&View, decide::Context<'_>) -> Result<Draft, Denied>,
    ) -> Result<(), Failure> {
        let Some(found) = self.find(order).await? else {
            return self.reply(order, version, &Answer::Reject { reasons: vec![Reason::NumberNotOurs] }).await;
        };
        // An order that is not there may be on its way: the queue brings the message again, and at last it is put aside.
        let outcome = self.command(&found, decide).await?;
        self.repeat(&outcome, order, version, content).await
    }

    /// Where nothing was written, the message was handled before: it is answered as it was then.
    async fn repeat(
        &self,
        outcome: &Outcome,
        order: &Order,
        version: Option<PortVersion>,
        content: Option<&Digest>,
    ) -> Result<(), Failure> {
        let (None, Some(line)) = (&outcome.written, outcome.view.line.as_ref()) else { return Ok(()) };
        let known = line.state.port(&order.pon).and_then(|change| change.port.as_deref());
        let asked = version.or(known.map(|port| port.version));
        let Some(asked) = asked else { return Ok(()) };
        match decide::replied(&line.state, &order.pon, asked, content, self.shell.clock.now()) {
            None => Ok(()),
            Some(Reply { answer: Answer::Confirm { .. }, .. }) => {
                let found =
                    Found { account: line.state.account_id.clone(), line: line.state.id.clone(), view: outcome.view.clone() };
                let again = |view: &View, ctx: decide::Context<'_>| {
                    Ok(decide::confirmed_again(view, &order.pon, ctx).unwrap_or_default())
                };
                self.command(&found, again).await?;
                Ok(())
            }
            Some(Reply { answer, at, answer_by }) => {
                let version = Some(asked);
                self.send(&Outgoing { order, version, answer: &answer, faults: &[], at, answer_by, authorization: None }).await
            }
        }
    }

    async fn find(&self, order: &Order) -> Result<Option<Found>, Failure> {
        let Some((account, line)) = self.shell.store.find_number(&order.number).await? else { return Ok(None) };
        let view = self.shell.store.read(&account, &Subject::Line(line.clone())).await?;
        Ok(Some(Found { account, line, view }))
    }

    async fn command(
        &self,
        found: &Found,
        decide: impl Fn(&View, decide::Context<'_>) -> Result<Draft, Denied>,
    ) -> Result<Outcome, shell::Failure> {
        let owner = owner(&found.account, &Subject::Line(found.line.clone()));
        self.shell.command(&owner, &Actor::Gateway, found.view.clone(), decide).await
    }

    /// Answers what no line of ours remembers.
    async fn reply(&self, order: &Order, version: Option<PortVersion>, answer: &Answer) -> Result<(), Failure> {
        let at = self.shell.clock.now();
        let answer_by = at + PASSED_ON_WITHIN;
        self.send(&Outgoing { order, version, answer, faults: &[], at, answer_by, authorization: None }).await
    }

    async fn send(&self, answer: &Outgoing<'_>) -> Result<(), Failure> {
        let json = answer::out(answer).map_err(|_| Failure::reject("unsigned", "a confirmation needs its signature"))?;
        self.answers.answer(&json.to_string()).await?;
        telemetry::count(Metric::PortAnswer, answer.answer.word());
        Ok(())
    }
}
