//! `cargo local redrive`: what lies in the dead-letter queues of a stack, and the way back.
//!
//! It shows before it moves, and moves only what it showed: one by one, each deleted here only after it was taken there.
//! So a move that breaks off leaves a message in both places at worst, and whoever reads one twice counts it once.
//!
//! | queue | what lies in it | the way back |
//! |---|---|---|
//! | `provisioning-rejected`, `behaviour-rejected` | what a feed refused or gave up | the queue it came from |
//! | `porting-rejected` | the same of the gateway, and of `port-events` | the one of the two that it came from |
//! | `notice-failed` | a place in the ledger's stream | the entry itself, handed to `change-notify` with `again` |
//! | `undelivered` | an event that SNS could not put into a queue | every queue whose filter lets it through |

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cli::{self, Deployed};
use crate::ledger::Entry;
use crate::mask;
use crate::terminal::{Paint, paint, wrap};
use crate::workspace::Workspace;

/// So many messages of one queue are shown at once, and moved.
const AT_ONCE: usize = 100;
/// How long what is shown stays invisible to others, in seconds: long enough to move all of it.
const HELD_SECONDS: u64 = 600;
/// How often a queue may answer that it has nothing before it is believed: SQS asks only some of its servers.
const SILENCES: usize = 2;

/// A dead-letter queue of the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parked {
    /// What provisioning-feed refused or gave up.
    ProvisioningRejected,
    /// What risk-scoring refused or gave up.
    BehaviourRejected,
    /// What port-feed refused or gave up.
    PortingRejected,
    /// Entries of the ledger that change-notify gave up.
    NoticeFailed,
    /// Events that SNS could not put into a queue.
    Undelivered,
}

impl Parked {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::ProvisioningRejected, Self::BehaviourRejected, Self::PortingRejected, Self::NoticeFailed, Self::Undelivered];

    /// Its name, as the end of the queue's.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::ProvisioningRejected => "provisioning-rejected",
            Self::BehaviourRejected => "behaviour-rejected",
            Self::PortingRejected => "porting-rejected",
            Self::NoticeFailed => "notice-failed",
            Self::Undelivered => "undelivered",
        }
    }

    /// Its name in the template.
    pub(crate) const fn logical(self) -> &'static str {
        match self {
            Self::ProvisioningRejected => "ProvisioningRejectedQueue",
            Self::BehaviourRejected => "BehaviourRejectedQueue",
            Self::PortingRejected => "PortingRejectedQueue",
            Self::NoticeFailed => "NoticeFailedQueue",
            Self::Undelivered => "UndeliveredQueue",
        }
    }
}

/// A queue that something goes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// The carrier's systems.
    Provisioning,
    /// Customers' behaviour.
    Behaviour,
    /// The porting gateway.
    Porting,
    /// What port-feed hears of `line-events`.
    PortEvents,
    /// What a person must look at.
    FraudDesk,
    /// Signed authorizations.
    Authorizations,
}

impl Door {
    const fn word(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Behaviour => "behaviour",
            Self::Porting => "porting",
            Self::PortEvents => "port-events",
            Self::FraudDesk => "fraud-desk",
            Self::Authorizations => "authorizations",
        }
    }

    const fn logical(self) -> &'static str {
        match self {
            Self::Provisioning => "ProvisioningQueue",
            Self::Behaviour => "BehaviourQueue",
            Self::Porting => "PortingQueue",
            Self::PortEvents => "PortEventsQueue",
            Self::FraudDesk => "FraudDeskQueue",
            Self::Authorizations => "AuthorizationsQueue",
        }
    }
}

/// Where a message can go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Way {
    /// Back to these queues.
    Queues(Vec<Door>),
    /// These records of the ledger's stream, to be told again.
    Tell(Vec<Value>),
    /// Back by `--even-refused` only: as it is, it would be refused again. With the reason.
    Refused(&'static str, Vec<Door>),
    /// Nowhere, with the reason.
    Nowhere(String),
}

/// A message as it lies there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Letter {
    id: String,
    receipt: String,
    body: String,
    sent_at: Option<Timestamp>,
    /// Where SQS moved it from, where SQS did.
    moved_from: Option<String>,
    attributes: Map<String, Value>,
}

impl Letter {
    fn read(message: &Value) -> Self {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let sent = text("/Attributes/SentTimestamp").and_then(|millis| Timestamp::from_millisecond(millis.parse().ok()?).ok());
        Self {
            id: text("/MessageId").unwrap_or_default(),
            receipt: text("/ReceiptHandle").unwrap_or_default(),
            body: text("/Body").unwrap_or_default(),
            sent_at: sent,
            moved_from: text("/Attributes/DeadLetterQueueSourceArn"),
            attributes: message.get("MessageAttributes").and_then(Value::as_object).cloned().unwrap_or_default(),
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.get("StringValue")?.as_str()
    }

    /// Why it lies there, as the function said.
    fn reason(&self) -> &str {
        self.attribute("reason").unwrap_or_default()
    }

    /// Why Lambda gave it up, as Lambda says: `RetryAttemptsExhausted`.
    fn condition(&self) -> Option<String> {
        let object = self.object()?;
        let condition = object.get("requestContext")?.get("condition")?.as_str()?;
        (condition.len() <= 40 && condition.chars().all(|c| c.is_ascii_alphabetic())).then(|| condition.to_owned())
    }

    /// The body where it is a JSON object, without the envelope that SNS may have put around it.
    fn object(&self) -> Option<Map<String, Value>> {
        let parsed: Value = serde_json::from_str(&self.body).ok()?;
        let inner = match (parsed.get("Type").and_then(Value::as_str), parsed.get("Message").and_then(Value::as_str)) {
            (Some("Notification"), Some(message)) => serde_json::from_str(message).ok()?,
            _ => parsed,
        };
        inner.as_object().cloned()
    }
}

/// A dead-letter queue and what was found in it.
#[derive(Debug)]
pub(crate) struct Found {
    /// Which.
    pub(crate) queue: Parked,
    url: String,
    /// How many messages can be read in it now.
    pub(crate) count: usize,
    /// How many others somebody reads at the moment.
    in_flight: usize,
    /// The first of them, oldest first, each with where it can go.
    pub(crate) letters: Vec<(Letter, Way)>,
}

/// What the command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Options {
    stack: Option<String>,
    queue: Option<Parked>,
    go: bool,
    even_refused: bool,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn read(arguments: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "--stack" => options.stack = Some((*rest.next().context("--stack needs a name")?).to_owned()),
                "--queue" => {
                    let word = *rest.next().context("--queue needs a name")?;
                    let known = Parked::ALL.into_iter().find(|queue| queue.word() == word);
                    let names = Parked::ALL.map(Parked::word).join(", ");
                    options.queue = Some(known.with_context(|| format!("no queue `{word}`; there are {names}"))?);
                }
                "--move" => options.go = true,
                "--even-refused" => options.even_refused = true,
                unknown => bail!("redrive does not know `{unknown}`"),
            }
        }
        ensure!(!options.go || options.queue.is_some(), "--move needs --queue NAME: one queue at a time, after a look at it");
        Ok(options)
    }
}

/// Shows what lies in the queues and, where it was asked for, moves it. False where something could not be moved.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let stack = cli::find(workspace, options.stack.as_deref())?;
    let mut all_went = true;
    for queue in Parked::ALL {
        if options.queue.is_some_and(|only| only != queue) {
            continue;
        }
        let found = look(&stack, queue)?;
        for line in shown(&found) {
            println!("{line}");
        }
        if options.go {
            let moved = go(&stack, &found, options.even_refused, |line| println!("{line}"))?;
            all_went &= moved.failed == 0;
        } else {
            release(&stack, &found)?;
        }
    }
    if !options.go {
        println!(
            "\n{}",
            paint(Paint::Dim, "Nothing was moved. To send one queue's back: cargo local redrive --queue NAME --move")
        );
    }
    Ok(all_went)
}

/// Reads what lies in one queue. It stays there, and nobody else sees it until [`release`] or ten minutes later.
pub(crate) fn look(stack: &Deployed, queue: Parked) -> Result<Found> {
    let url = stack.physical(queue.logical())?.to_owned();
    let (count, in_flight) = counts(stack, &url)?;
    let mut letters: Vec<Letter> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut silences = 0;
    while silences < SILENCES && letters.len() < AT_ONCE {
        let request = json!({
            "QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": HELD_SECONDS, "WaitTimeSeconds": 1,
            "AttributeNames": ["All"], "MessageAttributeNames": ["All"],
        });
        let answer = stack.cli.call("sqs", "receive-message", &request)?;
        let messages = answer.get("Messages").and_then(Value::as_array).cloned().unwrap_or_default();
        silences = if messages.is_empty() { silences + 1 } else { 0 };
        letters.extend(messages.iter().map(Letter::read).filter(|letter| seen.insert(letter.id.clone())));
        if count == 0 && messages.is_empty() {
            break;
        }
    }
    letters.sort_by_key(|letter| letter.sent_at);
    let filters = if queue == Parked::Undelivered && !letters.is_empty() { filters(stack)? } else { Vec::new() };
    let letters = letters
        .into_iter()
        .map(|letter| {
            let way = way(queue, &letter, &filters, Timestamp::now(), |place| record(stack, place));
            (letter, way)
        })
        .collect();
    Ok(Found { queue, url, count, in_flight, letters })
}

/// Lets others see again what was looked at.
pub(crate) fn release(stack: &Deployed, found: &Found) -> Result<()> {
    for letters in found.letters.chunks(10) {
        let entries: Vec<Value> = letters
            .iter()
            .enumerate()
            .map(|(n, (letter, _))| json!({ "Id": n.to_string(), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0 }))
            .collect();
        let request = json!({ "QueueUrl": found.url, "Entries": entries });
        stack.cli.call("sqs", "change-message-visibility-batch", &request)?;
    }
    Ok(())
}

/// What was found, in lines for a person: no secret, no full number, no address (I8).
pub(crate) fn shown(found: &Found) -> Vec<String> {
    let oldest = found.letters.iter().filter_map(|(letter, _)| letter.sent_at).min();
    let mut head = format!("\n{}  {}", paint(Paint::Bold, found.queue.word()), counted(found.count.max(found.letters.len())));
    if let Some(oldest) = oldest {
        head.push_str(&format!(", the oldest for {}", age(oldest)));
    }
    if found.in_flight > 0 {
        head.push_str(&format!(", and {} that somebody reads now", found.in_flight));
    }
    if found.count > found.letters.len() {
        head.push_str(&format!("; the first {}", found.letters.len()));
    }
    let mut lines = vec![head];
    for (n, (letter, way)) in found.letters.iter().enumerate() {
        let reason = match (letter.reason(), letter.condition()) {
            ("", None) => "no reason given".to_owned(),
            ("", Some(condition)) => condition,
            (reason, _) => mask::words(reason),
        };
        let detail = letter.attribute("detail").map(|detail| format!(": {}", mask::words(detail))).unwrap_or_default();
        let since = letter.sent_at.map(|at| format!("{at:.0}")).unwrap_or_default();
        lines.push(format!("  {:>3}  {since}  {}  {reason}{detail}", n + 1, letter.id));
        let body = match (found.queue, Place::of(letter)) {
            (Parked::NoticeFailed, Some(place)) => format!("an entry of the ledger, of {}", place.time()),
            _ => mask::message(&letter.body),
        };
        lines.extend(wrap(&body, 100).into_iter().map(|line| format!("       {}", paint(Paint::Dim, line))));
        lines.push(format!("       → {}", describe(way)));
    }
    lines
}

fn describe(way: &Way) -> String {
    let names = |doors: &[Door]| doors.iter().map(|door| door.word()).collect::<Vec<_>>().join(" and ");
    match way {
        Way::Queues(doors) => format!("back to {}", names(doors)),
        Way::Tell(records) => {
            format!("told again by change-notify: {}", records.iter().map(entry).collect::<Vec<_>>().join("; "))
        }
        Way::Refused(why, doors) => format!("stays: {why}. (--even-refused sends it back to {} all the same)", names(doors)),
        Way::Nowhere(why) => format!("cannot be sent back: {why}"),
    }
}

/// What became of a move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// So many went.
    pub(crate) done: usize,
    /// So many stay, for a reason that was shown.
    pub(crate) kept: usize,
    /// So many should have gone.
    pub(crate) failed: usize,
}

/// Sends what was shown back, one by one.
pub(crate) fn go(stack: &Deployed, found: &Found, even_refused: bool, mut say: impl FnMut(String)) -> Result<Moved> {
    let mut moved = Moved::default();
    let mut staying = Vec::new();
    for (n, (letter, way)) in found.letters.iter().enumerate() {
        let n = n + 1;
        let went = match way {
            Way::Refused(_, doors) if even_refused => send(stack, letter, doors),
            Way::Queues(doors) => send(stack, letter, doors),
            Way::Tell(records) => tell(stack, records),
            Way::Refused(..) | Way::Nowhere(_) => {
                moved.kept += 1;
                staying.push(letter);
                continue;
            }
        };
        let deleted = went.and_then(|()| {
            let request = json!({ "QueueUrl": found.url, "ReceiptHandle": letter.receipt });
            stack.cli.call("sqs", "delete-message", &request).map(|_| ())
        });
        match deleted {
            Ok(()) => {
                moved.done += 1;
                say(format!("  {} {n:>3}  {}  went", paint(Paint::Green, "✓"), letter.id));
            }
            Err(error) => {
                moved.failed += 1;
                staying.push(letter);
                say(format!("  {} {n:>3}  {}  stays: {error:#}", paint(Paint::Red, "✗"), letter.id));
            }
        }
    }
    for letter in staying {
        let request = json!({ "QueueUrl": found.url, "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0 });
        stack.cli.call("sqs", "change-message-visibility", &request)?;
    }
    let (after, _) = counts(stack, &found.url)?;
    say(format!(
        "  {}: {} before, {after} after; {} went, {} stay, {} failed",
        found.queue.word(),
        found.count,
        moved.done,
        moved.kept,
        moved.failed
    ));
    Ok(moved)
}

/// Puts a message into queues as it came, without what was attached to it here.
fn send(stack: &Deployed, letter: &Letter, doors: &[Door]) -> Result<()> {
    let attached = ["reason", "detail", "source"];
    let attributes: Map<String, Value> = letter
        .attributes
        .iter()
        .filter(|(name, _)| !attached.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for door in doors {
        let mut request = json!({ "QueueUrl": stack.physical(door.logical())?, "MessageBody": letter.body });
        if let (false, Some(request)) = (attributes.is_empty(), request.as_object_mut()) {
            request.insert("MessageAttributes".into(), Value::Object(attributes.clone()));
        }
        stack.cli.call("sqs", "send-message", &request)?;
    }
    Ok(())
}

/// Has change-notify handle entries again. It asks first whether the notice was told since.
fn tell(stack: &Deployed, records: &[Value]) -> Result<()> {
    stack.cli.invoke(stack.physical("ChangeNotify")?, &json!({ "Records": records, "again": true }))
}

/// A place in the ledger's stream, as Lambda names it in `notice-failed`.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    stream: String,
    shard: String,
    first: String,
    last: String,
    at: Option<Timestamp>,
}

impl Place {
    fn of(letter: &Letter) -> Option<Self> {
        let object = letter.object()?;
        let info = object.get("DDBStreamBatchInfo")?;
        let text = |name: &str| info.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            stream: text("streamArn")?,
            shard: text("shardId")?,
            first: text("startSequenceNumber")?,
            last: text("endSequenceNumber")?,
            at: text("approximateArrivalOfFirstRecord").and_then(|at| at.parse().ok()),
        })
    }

    fn time(&self) -> String {
        self.at.map_or_else(|| "an unknown time".to_owned(), |at: Timestamp| at.to_string())
    }
}

/// Where a letter can go. `records` reads a place of the stream; nothing where the stream has it no more.
pub(crate) fn way(
    queue: Parked,
    letter: &Letter,
    filters: &[(Door, Value)],
    now: Timestamp,
    records: impl FnOnce(&Place) -> Result<Option<Vec<Value>>>,
) -> Way {
    match queue {
        Parked::ProvisioningRejected => fed(letter, Door::Provisioning),
        Parked::BehaviourRejected => fed(letter, Door::Behaviour),
        Parked::PortingRejected => fed(letter, ported(letter)),
        Parked::NoticeFailed => match Place::of(letter).map(|place| (records(&place), place)) {
            None => Way::Nowhere("it names no place in the ledger's stream".to_owned()),
            Some((Ok(Some(records)), _)) => Way::Tell(records),
            Some((Ok(None), place)) => Way::Nowhere(format!(
                "the stream keeps a day, and this entry of {} is gone from it; look for it in the ledger by that time and see \
                 to the customer",
                place.time()
            )),
            Some((Err(error), _)) => Way::Nowhere(format!("the stream cannot be read: {error:#}")),
        },
        Parked::Undelivered => undelivered(letter, filters, now),
    }
}

/// What a feed refused goes back to it, unless it would be refused again.
fn fed(letter: &Letter, door: Door) -> Way {
    let why = match letter.reason() {
        "malformed" => "it cannot be read: whoever sent it corrects it and sends it again",
        "too-large" => "it is larger than a message may be",
        "too-old" => "it is older than what is still taken, and gets no younger",
        // Time, another message or a repair may have made these good; what SQS moved by itself says nothing.
        _ => return Way::Queues(vec![door]),
    };
    Way::Refused(why, vec![door])
}

/// Two queues feed port-feed: SQS says which, where it moved the message; else only what is heard of `line-events` has
/// the words of our own events.
fn ported(letter: &Letter) -> Door {
    let from = letter.moved_from.as_deref().unwrap_or_default();
    let ours = || letter.object().is_some_and(|body| body.contains_key("event") && body.contains_key("page"));
    if from.ends_with("-port-events") || (from.is_empty() && ours()) { Door::PortEvents } else { Door::Porting }
}

/// SNS says not which subscription it failed for: every queue whose filter lets the event through gets it, since an event
/// that comes twice has the same id.
fn undelivered(letter: &Letter, filters: &[(Door, Value)], now: Timestamp) -> Way {
    let Some(event) = letter.object() else {
        return Way::Nowhere("it is no event of ours".to_owned());
    };
    if let Some(token) = event.get("authorization").and_then(Value::as_str)
        && expiry(token).is_none_or(|at| at <= now)
    {
        return Way::Nowhere(
            "the authorization in it has run out: the change has lapsed, and the customer asks again".to_owned(),
        );
    }
    let doors: Vec<Door> = filters.iter().filter(|(_, filter)| lets_through(filter, &event)).map(|(door, _)| *door).collect();
    if doors.is_empty() { Way::Nowhere("no queue of this stack listens to such an event".to_owned()) } else { Way::Queues(doors) }
}

/// Until when a token is good, by its own word.
fn expiry(token: &str) -> Option<Timestamp> {
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

/// Whether a filter of the template's kind, exact words for attributes, lets an event through. The attributes repeat what
/// is in the event.
fn lets_through(filter: &Value, event: &Map<String, Value>) -> bool {
    let attribute = |name: &str| match event.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Bool(flag)) => Some(flag.to_string()),
        _ => None,
    };
    filter.as_object().is_some_and(|filter| {
        filter.iter().all(|(name, words)| {
            let words = words.as_array().into_iter().flatten().filter_map(Value::as_str);
            attribute(name).is_some_and(|value| words.into_iter().any(|word| word == value))
        })
    })
}

/// The subscriptions of the stack's queues, each with its filter.
fn filters(stack: &Deployed) -> Result<Vec<(Door, Value)>> {
    let subscribed = [
        (Door::FraudDesk, "FraudDeskSubscription"),
        (Door::Authorizations, "AuthorizationsSubscription"),
        (Door::PortEvents, "PortEventsSubscription"),
    ];
    subscribed
        .into_iter()
        .map(|(door, logical)| {
            let request = json!({ "SubscriptionArn": stack.physical(logical)? });
            let answer = stack.cli.call("sns", "get-subscription-attributes", &request)?;
            let filter =
                answer.pointer("/Attributes/FilterPolicy").and_then(Value::as_str).context("a subscription without a filter")?;
            Ok((door, serde_json::from_str(filter)?))
        })
        .collect()
}

/// The records at a place of the ledger's stream, as Lambda hands them to a function; nothing where they are gone.
fn record(stack: &Deployed, place: &Place) -> Result<Option<Vec<Value>>> {
    let request = json!({
        "StreamArn": place.stream, "ShardId": place.shard, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": place.first,
    });
    let iterator = match stack.cli.call("dynamodbstreams", "get-shard-iterator", &request) {
        Ok(answer) => answer.get("ShardIterator").cloned().context("no iterator")?,
        Err(error) if gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let answer = match stack.cli.call("dynamodbstreams", "get-records", &json!({ "ShardIterator": iterator, "Limit": 100 })) {
        Ok(answer) => answer,
        Err(error) if gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let records = answer.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
    let sequence =
        |record: &Value| record.pointer("/dynamodb/SequenceNumber").and_then(Value::as_str).unwrap_or_default().to_owned();
    let (Some(first), Some(last)) = (
        records.iter().position(|record| sequence(record) == place.first),
        records.iter().position(|record| sequence(record) == place.last),
    ) else {
        return Ok(None);
    };
    let wanted = records.into_iter().take(last + 1).skip(first).map(|mut record| {
        if let Some(change) = record.get_mut("dynamodb").and_then(Value::as_object_mut) {
            // The command line writes it as text, Lambda as a number; nobody reads it.
            change.insert("ApproximateCreationDateTime".into(), json!(0));
        }
        record
    });
    // The mapping's filter: entries that ask for nothing are not the function's.
    Ok(Some(wanted.filter(|record| record.pointer("/dynamodb/NewImage/relay").is_some()).collect()))
}

fn gone(error: &anyhow::Error) -> bool {
    let said = error.to_string();
    ["TrimmedDataAccess", "ResourceNotFound", "ExpiredIterator"].iter().any(|code| said.contains(code))
}

/// Which entry a record is, and what happened in it.
fn entry(record: &Value) -> String {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let read = record.pointer("/dynamodb/NewImage").map(Entry::read);
    let happened = match &read {
        Some(Ok(entry)) => entry.names().collect::<Vec<_>>().join("+"),
        Some(Err(_)) | None => "an entry that cannot be read".to_owned(),
    };
    format!("{happened}, entry {} of {}", text("/dynamodb/Keys/seq/N"), mask::id(text("/dynamodb/Keys/pk/S")))
}

fn counts(stack: &Deployed, url: &str) -> Result<(usize, usize)> {
    let request = json!({
        "QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    });
    let answer = stack.cli.call("sqs", "get-queue-attributes", &request)?;
    let number = |name: &str| {
        let text = answer.get("Attributes").and_then(|attributes| attributes.get(name)).and_then(Value::as_str);
        text.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    Ok((number("ApproximateNumberOfMessages"), number("ApproximateNumberOfMessagesNotVisible")))
}

/// How many messages lie in a queue for anybody to read, as `cargo local smoke` asks too.
pub(crate) fn waiting(stack: &Deployed, queue: Parked) -> Result<usize> {
    Ok(counts(stack, stack.physical(queue.logical())?)?.0)
}

/// How many messages lie in a queue, those that somebody reads included.
pub(crate) fn lying(stack: &Deployed, url: &str) -> Result<usize> {
    let (visible, in_flight) = counts(stack, url)?;
    Ok(visible + in_flight)
}

fn counted(count: usize) -> String {
    match count {
        0 => "empty".to_owned(),
        1 => "1 message".to_owned(),
        more => format!("{more} messages"),
    }
}

fn age(since: Timestamp) -> String {
    let seconds = Timestamp::now().as_second() - since.as_second();
    match seconds {
        ..120 => format!("{} s", seconds.max(0)),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(body: &str, reason: &str) -> Letter {
        let attributes = json!({ "reason": { "DataType": "String", "StringValue": reason } });
        let attributes = if reason.is_empty() { Map::new() } else { attributes.as_object().cloned().unwrap() };
        Letter { body: body.to_owned(), attributes, ..Letter::default() }
    }

    fn way_of(queue: Parked, letter: &Letter) -> Way {
        let filters = [
            (Door::FraudDesk, json!({ "page": ["true"] })),
            (Door::Authorizations, json!({ "event": ["released"] })),
            (Door::PortEvents, json!({ "event": ["protection_on", "sim_changed"] })),
        ];
        way(queue, letter, &filters, Timestamp::from_second(1_800_000_000).unwrap(), |_| Ok(None))
    }

    #[test]
    fn what_would_be_refused_again_stays_and_the_rest_goes_where_it_came_from() {
        for (queue, door) in [
            (Parked::ProvisioningRejected, Door::Provisioning),
            (Parked::BehaviourRejected, Door::Behaviour),
            (Parked::PortingRejected, Door::Porting),
        ] {
            for reason in ["malformed", "too-large", "too-old"] {
                assert!(matches!(way_of(queue, &letter("{}", reason)), Way::Refused(_, doors) if doors == [door]), "{reason}");
            }
            for reason in ["gave-up", "panic", "does-not-fit", "from-the-future", "number-not-ours", ""] {
                assert_eq!(way_of(queue, &letter("{}", reason)), Way::Queues(vec![door]), "{reason}");
            }
        }
    }

    #[test]
    fn of_two_queues_the_one_that_a_message_came_from_gets_it_back() {
        let heard = r#"{"event":"protection_on","page":false}"#;
        let sent = r#"{"specversion":"1.0","type":"linekeeper.porting.timer.v1"}"#;
        let moved = |body: &str, from: &str| Letter { moved_from: Some(from.to_owned()), ..letter(body, "") };
        for (letter, door) in [
            (letter(heard, "gave-up"), Door::PortEvents),
            (letter(sent, "gave-up"), Door::Porting),
            (letter("no JSON", "gave-up"), Door::Porting),
            (moved("no JSON", "arn:aws:sqs:us-east-1:0:x-port-events"), Door::PortEvents),
            (moved(heard, "arn:aws:sqs:us-east-1:0:x-porting"), Door::Porting),
        ] {
            assert_eq!(way_of(Parked::PortingRejected, &letter), Way::Queues(vec![door]), "{}", letter.body);
        }
    }

    #[test]
    fn an_event_goes_to_every_queue_that_listens_to_it_and_a_dead_authorization_to_none() {
        let token = |exp: i64| format!("x.{}.y", URL_SAFE_NO_PAD.encode(json!({ "exp": exp }).to_string()));
        let released = |exp: i64| json!({ "event": "released", "page": false, "authorization": token(exp) }).to_string();
        let wrapped = json!({ "Type": "Notification", "Message": r#"{"event":"sim_changed","page":false}"# }).to_string();
        for (body, doors) in [
            (r#"{"event":"sim_changed","page":true}"#.to_owned(), &[Door::FraudDesk, Door::PortEvents][..]),
            (wrapped, &[Door::PortEvents]),
            (released(1_800_000_001), &[Door::Authorizations]),
        ] {
            assert_eq!(way_of(Parked::Undelivered, &letter(&body, "")), Way::Queues(doors.to_vec()), "{body}");
        }
        for body in [released(1_800_000_000), r#"{"event":"requested","page":false}"#.to_owned(), "no JSON".to_owned()] {
            assert!(matches!(way_of(Parked::Undelivered, &letter(&body, "")), Way::Nowhere(_)), "{body}");
        }
    }

    #[test]
    fn a_notice_that_names_no_place_or_one_that_is_gone_says_so() {
        let info = json!({ "streamArn": "s", "shardId": "h", "startSequenceNumber": "1", "endSequenceNumber": "1" });
        for body in [json!({ "DDBStreamBatchInfo": info }).to_string(), "{}".to_owned()] {
            assert!(matches!(way_of(Parked::NoticeFailed, &letter(&body, "")), Way::Nowhere(_)));
        }
    }

    #[test]
    fn nothing_is_moved_without_naming_the_queue() {
        assert!(Options::read(&["--move"]).is_err());
        assert!(Options::read(&["--queue", "porting"]).is_err());
        let read = Options::read(&["--queue", "notice-failed", "--move", "--stack", "x"]).unwrap();
        assert_eq!((read.queue, read.go, read.even_refused), (Some(Parked::NoticeFailed), true, false));
    }

    #[test]
    fn every_dead_letter_queue_of_the_template_is_known() {
        let workspace = Workspace::find().unwrap();
        let template = std::fs::read_to_string(workspace.template()).unwrap();
        let mut named = BTreeSet::new();
        for (before, after) in [
            ("deadLetterTargetArn: !GetAtt ", ".Arn"),
            ("OnFailure: {Destination: !GetAtt ", ".Arn"),
            ("DEAD_LETTER_QUEUE: !Ref ", "\n"),
        ] {
            named.extend(template.split(before).skip(1).filter_map(|rest| rest.split(after).next()));
        }
        assert_eq!(named, Parked::ALL.iter().map(|queue| queue.logical()).collect());
        let doors = [Door::Provisioning, Door::Behaviour, Door::Porting, Door::PortEvents, Door::FraudDesk, Door::Authorizations];
        assert!(doors.iter().all(|door| template.contains(&format!("\n  {}:\n", door.logical()))));
    }
}
