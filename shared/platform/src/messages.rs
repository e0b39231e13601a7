//! What leaves: SMS and push by SNS, e-mail by SES, events on the topic `line-events`.

use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as Mail};
use aws_sdk_sns::types::MessageAttributeValue;
use futures_util::future::BoxFuture;
use linekeeper_domain::change::Address;
use linekeeper_domain::digest::Digest;
use linekeeper_domain::fraud::{Case, CaseId, CaseOutcome, Concern, Concerned, Through};
use linekeeper_domain::ids::{AccountId, ChangeId, LineId, Subject};
use linekeeper_domain::kinds::{ChangeKind, Status};
use linekeeper_domain::ledger::{Entry, Event, EventName};
use linekeeper_domain::porting::monitor::{Incident, News, Pattern, Severity};
use linekeeper_domain::words::Text;
use serde::{Deserialize, Serialize};

use crate::store::Error;

/// Hands a message to a provider.
pub trait Messenger: Send + Sync {
    /// Sends. `Ok` means that the provider accepted it.
    fn send<'a>(&'a self, to: &'a Address, text: &'a Text) -> BoxFuture<'a, Result<(), Error>>;
}

/// Publishes events.
pub trait Publisher: Send + Sync {
    /// Publishes. `Ok` means that the topic took it.
    fn publish<'a>(&'a self, event: &'a LineEvent) -> BoxFuture<'a, Result<(), Error>>;

    /// Publishes an incident of the porting monitor.
    fn report<'a>(&'a self, event: &'a IncidentEvent) -> BoxFuture<'a, Result<(), Error>>;
}

/// What others hear of an incident of the porting monitor: ids and words, no number, no address, and nothing of what
/// the lines met at but its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncidentEvent {
    /// Unique for what it says; a repeat has the same.
    pub id: String,
    /// When the latest of it happened, RFC 3339.
    pub at: String,
    /// What subscribers filter on: `porting_incident`.
    pub event: &'static str,
    /// The incident. One that grows keeps it.
    pub incident_id: String,
    /// `opened` or `grown`.
    pub news: &'static str,
    /// Which rule.
    pub pattern: Pattern,
    /// How many were counted.
    pub count: u32,
    /// How many are too many.
    pub limit: u32,
    /// When it began, RFC 3339.
    pub since: String,
    /// How much it matters.
    pub severity: Severity,
    /// Whether a person has to look at it at once.
    pub page: bool,
    /// Lines that belong to it, as far as an incident names them.
    pub lines: Vec<ConcernedLine>,
}

/// A line in an incident.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ConcernedLine {
    /// Whose.
    pub account_id: AccountId,
    /// Which.
    pub line_id: LineId,
}

impl IncidentEvent {
    /// Of an incident whose lines were found.
    #[must_use]
    pub fn of(incident: &Incident, news: News, mut lines: Vec<ConcernedLine>) -> Self {
        lines.sort();
        let said: Vec<&str> = lines.iter().map(|line| line.line_id.as_str()).collect();
        let what = Digest::of(&[&incident.count.to_string(), incident.severity.word(), &said.join(" ")]);
        Self {
            id: format!("{}:{}", incident.id, what.short()),
            at: incident.until.to_string(),
            event: INCIDENT,
            incident_id: incident.id.clone(),
            news: match news {
                News::Opened => "opened",
                News::Grown | News::GoesOn => "grown",
            },
            pattern: incident.pattern,
            count: incident.count,
            limit: incident.limit,
            since: incident.since.to_string(),
            severity: incident.severity,
            page: incident.severity == Severity::Severe,
            lines,
        }
    }
}

/// What an incident's event is filtered by.
const INCIDENT: &str = "porting_incident";

/// What others hear of a ledger entry: ids and words, no number, no address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineEvent {
    /// Unique for the entry; a repeat has the same.
    pub id: String,
    /// When it happened, RFC 3339.
    pub at: String,
    /// Whose account.
    pub account_id: AccountId,
    /// Which line, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_id: Option<LineId>,
    /// The leading event, which subscribers filter on.
    pub event: EventName,
    /// Every public event of the entry.
    pub events: Vec<EventName>,
    /// The change that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeSummary>,
    /// The case of fraud that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseSummary>,
    /// Whether a person has to look at it at once.
    pub page: bool,
    /// The signed authorization, with `released`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<String>,
}

/// A change in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSummary {
    /// Its id.
    pub change_id: ChangeId,
    /// What is wanted.
    pub kind: ChangeKind,
    /// Where it stands.
    pub status: Status,
}

/// A case of fraud in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSummary {
    /// Its number, within the account.
    pub case_id: CaseId,
    /// How it was reported.
    pub through: Through,
    /// What the carrier's systems have to put back and have not: each is answered with `fraud_remedied`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reverse: Vec<Reverse>,
    /// How it came out, once it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CaseOutcome>,
}

/// One thing that has to be put back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reverse {
    /// What.
    #[serde(flatten)]
    pub what: Concerned,
    /// The kind of change that it was, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ChangeKind>,
}

impl CaseSummary {
    fn of(case: &Case) -> Self {
        let reverse = |concern: &Concern| Reverse { what: concern.what.clone(), kind: concern.asked.map(|asked| asked.kind) };
        Self {
            case_id: case.id,
            through: case.through,
            reverse: case.outstanding().map(reverse).collect(),
            outcome: case.outcome,
        }
    }
}

impl LineEvent {
    /// The event of an entry, or nothing where others do not hear of it.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        let leading = entry.public()?;
        let events = entry.events.iter().map(Event::name).filter(|name| name.is_public()).collect();
        Some(Self::new(entry, leading.name(), events, entry.events.iter().any(Event::pages)))
    }

    /// The event that carries a signed authorization.
    #[must_use]
    pub fn released(entry: &Entry, jws: String) -> Self {
        let event = Self::new(entry, EventName::Released, vec![EventName::Released], false);
        Self { id: format!("{}:released", event.id), authorization: Some(jws), ..event }
    }

    fn new(entry: &Entry, event: EventName, events: Vec<EventName>, page: bool) -> Self {
        let (line_id, subject) = match &entry.owner.subject {
            Subject::Line(id) => (Some(id.clone()), id.as_str()),
            Subject::Account => (None, "account"),
        };
        let summary = |change: &linekeeper_domain::change::Change| ChangeSummary {
            change_id: change.id.clone(),
            kind: change.kind(),
            status: change.status(entry.at),
        };
        Self {
            id: format!("{}:{subject}:{}", entry.owner.account_id, entry.seq),
            at: entry.at.to_string(),
            account_id: entry.owner.account_id.clone(),
            line_id,
            event,
            events,
            change: entry.after.as_deref().map(summary),
            case: entry.case.as_deref().map(CaseSummary::of),
            page,
            authorization: None,
        }
    }
}

/// Answers the porting gateway.
pub trait Answers: Send + Sync {
    /// Sends one answer, a CloudEvent as JSON. `Ok` means that the queue took it. A repeat has the same id.
    fn answer<'a>(&'a self, json: &'a str) -> BoxFuture<'a, Result<(), Error>>;
}

/// The queue `port-answers`.
#[derive(Clone, Debug)]
pub struct AnswerQueue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl AnswerQueue {
    /// The queue with this URL.
    #[must_use]
    pub fn new(client: aws_sdk_sqs::Client, url: &str) -> Self {
        Self { client, url: url.to_owned() }
    }
}

impl Answers for AnswerQueue {
    fn answer<'a>(&'a self, json: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let send = self.client.send_message().queue_url(&self.url).message_body(json);
            send.send().await.map_err(|error| Error::aws("sqs:SendMessage", error.into_service_error()))?;
            Ok(())
        })
    }
}

/// SNS and SES.
#[derive(Clone, Debug)]
pub struct Aws {
    sns: aws_sdk_sns::Client,
    ses: aws_sdk_sesv2::Client,
    sender: String,
}

impl Aws {
    /// `sender` is the address that e-mail comes from.
    #[must_use]
    pub fn new(sns: aws_sdk_sns::Client, ses: aws_sdk_sesv2::Client, sender: &str) -> Self {
        Self { sns, ses, sender: sender.to_owned() }
    }

    async fn email(&self, to: &str, text: &Text) -> Result<(), Error> {
        let content = |data: &str| Content::builder().data(data).charset("UTF-8").build();
        let failed = |error: aws_sdk_sesv2::error::BuildError| Error::aws("ses:SendEmail", error);
        let body = Body::builder().text(content(&text.long).map_err(failed)?).build();
        let mail = Mail::builder().subject(content(&text.subject).map_err(failed)?).body(body).build();
        let send = self
            .ses
            .send_email()
            .from_email_address(&self.sender)
            .destination(Destination::builder().to_addresses(to).build())
            .content(EmailContent::builder().simple(mail).build());
        send.send().await.map_err(|error| Error::aws("ses:SendEmail", error.into_service_error()))?;
        Ok(())
    }
}

fn attribute(value: &str) -> Result<MessageAttributeValue, Error> {
    let built = MessageAttributeValue::builder().data_type("String").string_value(value).build();
    built.map_err(|error| Error::aws("sns:Publish", error))
}

impl Messenger for Aws {
    fn send<'a>(&'a self, to: &'a Address, text: &'a Text) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let publish = match to {
                Address::Email(email) => return self.email(email.as_str(), text).await,
                Address::Sms(msisdn) => self
                    .sns
                    .publish()
                    .phone_number(msisdn.as_str())
                    .message_attributes("AWS.SNS.SMS.SMSType", attribute("Transactional")?)
                    .message(&text.short),
                Address::Push(endpoint) => self.sns.publish().target_arn(endpoint.as_str()).message(&text.short),
            };
            publish.send().await.map_err(|error| Error::aws("sns:Publish", error.into_service_error()))?;
            Ok(())
        })
    }
}

/// The topic `line-events`.
#[derive(Clone, Debug)]
pub struct Topic {
    sns: aws_sdk_sns::Client,
    arn: String,
}

impl Topic {
    /// The topic with this ARN.
    #[must_use]
    pub fn new(sns: aws_sdk_sns::Client, arn: &str) -> Self {
        Self { sns, arn: arn.to_owned() }
    }
}

impl Publisher for Topic {
    fn publish<'a>(&'a self, event: &'a LineEvent) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let json = serde_json::to_string(event).map_err(|error| Error::aws("sns:Publish", error))?;
            let mut publish = self
                .sns
                .publish()
                .topic_arn(&self.arn)
                .message(json)
                .message_attributes("event", attribute(event.event.word())?)
                .message_attributes("page", attribute(if event.page { "true" } else { "false" })?);
            if let Some(change) = &event.change {
                publish = publish.message_attributes("kind", attribute(change.kind.word())?);
            }
            publish.send().await.map_err(|error| Error::aws("sns:Publish", error.into_service_error()))?;
            Ok(())
        })
    }

    fn report<'a>(&'a self, event: &'a IncidentEvent) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let json = serde_json::to_string(event).map_err(|error| Error::aws("sns:Publish", error))?;
            let publish = self
                .sns
                .publish()
                .topic_arn(&self.arn)
                .message(json)
                .message_attributes("event", attribute(event.event)?)
                .message_attributes("pattern", attribute(event.pattern.word())?)
                .message_attributes("page", attribute(if event.page { "true" } else { "false" })?);
            publish.send().await.map_err(|error| Error::aws("sns:Publish", error.into_service_error()))?;
            Ok(())
        })
    }
}
