//! Batches of records, one record at a time.
//!
//! Contract (I10): one record never decides about another. Of each record exactly one of these is true
//! when the function returns:
//! - it was handled;
//! - it is in the dead-letter queue with the reason (it can never succeed);
//! - it is reported as failed, and comes again.
//!
//! Records of a batch are handled in their order. A panic counts as a failure of its record alone.
//! Delivery is at least once, and a crash between the dead-letter queue and the report puts a record
//! there twice: handlers and readers of that queue are idempotent.

use std::panic::AssertUnwindSafe;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use aws_sdk_sqs::types::MessageAttributeValue;
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::misfit;
use crate::telemetry::{self, Metric, chain};

/// The largest message body that is read, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// How often a message is tried: the queues' `maxReceiveCount`.
pub const TRIES: u32 = 5;

/// Anything that can go wrong and be retried.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Why a record was not handled.
#[derive(Debug)]
pub enum Failure {
    /// It can never succeed: to the dead-letter queue.
    Reject {
        /// The stable word, also the metric's outcome.
        reason: &'static str,
        /// What exactly; no value of the record.
        detail: String,
    },
    /// It may succeed when it comes again.
    Retry(Error),
}

impl Failure {
    /// A record that can never succeed.
    #[must_use]
    pub fn reject(reason: &'static str, detail: impl Into<String>) -> Self {
        Self::Reject { reason, detail: detail.into() }
    }

    /// A record that may succeed later.
    #[must_use]
    pub fn retry(error: impl Into<Error>) -> Self {
        Self::Retry(error.into())
    }
}

/// What goes to the dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadLetter<'a> {
    /// The record as it came.
    pub body: &'a str,
    /// The stable word.
    pub reason: &'static str,
    /// What exactly.
    pub detail: &'a str,
    /// The id of the message or stream record.
    pub source: &'a str,
}

/// Where records go that can never succeed.
pub trait DeadLetters {
    /// Puts a record there. It is there when this returns `Ok`.
    fn put(&self, letter: DeadLetter<'_>) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The dead-letter queue in SQS. The body is the record's own; `reason`, `detail` and `source` are
/// message attributes.
#[derive(Clone, Debug)]
pub struct SqsDeadLetters {
    client: aws_sdk_sqs::Client,
    queue_url: String,
}

impl SqsDeadLetters {
    /// The queue with this URL.
    #[must_use]
    pub fn new(client: aws_sdk_sqs::Client, queue_url: impl Into<String>) -> Self {
        Self { client, queue_url: queue_url.into() }
    }
}

impl DeadLetters for SqsDeadLetters {
    async fn put(&self, letter: DeadLetter<'_>) -> Result<(), Error> {
        // SQS takes neither an empty body nor an empty attribute.
        let body = if letter.body.is_empty() { "(empty)" } else { letter.body };
        let mut message = self.client.send_message().queue_url(&self.queue_url).message_body(body);
        for (name, value) in [("reason", letter.reason), ("detail", letter.detail), ("source", letter.source)] {
            if !value.is_empty() {
                let value = MessageAttributeValue::builder().data_type("String").string_value(value).build()?;
                message = message.message_attributes(name, value);
            }
        }
        message.send().await.map_err(aws_sdk_sqs::error::SdkError::into_service_error)?;
        Ok(())
    }
}

/// Handles the messages of a queue, each parsed from its body.
///
/// Rejected by itself: `too-large` beyond [`BODY_LIMIT`] and `malformed` for what is no `T` (whether
/// unknown members are refused is for `T` to say).
pub async fn sqs<T, F, Fut>(event: SqsEvent, dead: &impl DeadLetters, handle: F) -> SqsBatchResponse
where
    T: DeserializeOwned,
    F: Fn(T) -> Fut,
    Fut: Future<Output = Result<(), Failure>>,
{
    texts(event, dead, async |body| handle(parse(&body)?).await).await
}

/// The same, for messages that have a form of their own: each is handed over as it came, whatever its size.
pub async fn texts<F>(event: SqsEvent, dead: &impl DeadLetters, handle: F) -> SqsBatchResponse
where
    F: AsyncFn(String) -> Result<(), Failure>,
{
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        let id = message.message_id.unwrap_or_default();
        let body = message.body.unwrap_or_default();
        let tries = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1_u32);
        let result = guard(handle(body.clone())).await;
        if settle(last_try(result, tries), dead, &body, &id).await.is_err() {
            response.add_failure(id);
        }
    }
    response
}

fn parse<T: DeserializeOwned>(body: &str) -> Result<T, Failure> {
    if body.len() > BODY_LIMIT {
        return Err(Failure::reject("too-large", format!("A message has at most {BODY_LIMIT} bytes.")));
    }
    serde_json::from_str(body).map_err(|error| Failure::reject("malformed", misfit(&error)))
}

/// The record has to come again.
struct Again;

/// A record that failed for the last time goes to the dead-letter queue by our hand: the queue itself would
/// move it without saying why.
fn last_try(result: Result<Result<(), Failure>, Panicked>, tries: u32) -> Result<Result<(), Failure>, Panicked> {
    match result {
        Ok(Err(Failure::Retry(error))) if tries >= TRIES => Ok(Err(Failure::reject("gave-up", chain(&*error)))),
        Err(Panicked) if tries >= TRIES => Ok(Err(Failure::reject("panic", ""))),
        other => other,
    }
}

/// Counts and logs how a record ended, and puts a rejected one into the dead-letter queue.
async fn settle(
    result: Result<Result<(), Failure>, Panicked>,
    dead: &impl DeadLetters,
    body: &str,
    source: &str,
) -> Result<(), Again> {
    let (outcome, settled) = match result {
        Ok(Ok(())) => ("done", Ok(())),
        Ok(Err(Failure::Reject { reason, detail })) => {
            tracing::warn!(source, reason, detail, "record rejected");
            match dead.put(DeadLetter { body, reason, detail: &detail, source }).await {
                Ok(()) => (reason, Ok(())),
                Err(error) => {
                    tracing::error!(source, error = chain(&*error), "dead-letter queue did not take the record");
                    ("undeliverable", Err(Again))
                }
            }
        }
        Ok(Err(Failure::Retry(error))) => {
            tracing::warn!(source, error = chain(&*error), "record will come again");
            ("retry", Err(Again))
        }
        Err(Panicked) => {
            tracing::error!(source, "record made the function panic");
            ("panic", Err(Again))
        }
    };
    telemetry::count(Metric::Record, outcome);
    settled
}

/// The future panicked; the panic hook has logged where.
#[derive(Debug)]
pub(crate) struct Panicked;

/// Runs a future whose panic ends only itself. Unwinding is safe here because the future is dropped and
/// whatever it shared is behind calls that are atomic.
pub(crate) async fn guard<F: Future>(future: F) -> Result<F::Output, Panicked> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|_| Panicked)
}

/// How many records one import takes.
pub const IMPORT_LIMIT: usize = 1_000;

/// What became of an import by direct invocation. Importing again is safe: what is there already counts as done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Records that are in.
    pub done: usize,
    /// Records that are not, by their place from 0, with the reason.
    pub failed: Vec<(usize, String)>,
}

impl Imported {
    /// What became of the record at a place.
    pub fn took(&mut self, place: usize, result: &Result<(), Failure>) {
        match result {
            Ok(()) => self.done = self.done.saturating_add(1),
            Err(Failure::Reject { reason, detail }) => self.failed.push((place, format!("{reason}: {detail}"))),
            Err(Failure::Retry(error)) => self.failed.push((place, format!("try again: {error}"))),
        }
    }
}

/// The records of an import that can be read, with their places; the others have failed.
pub fn import<R: DeserializeOwned>(records: Vec<serde_json::Value>, imported: &mut Imported) -> Vec<(usize, R)> {
    let mut readable = Vec::new();
    for (place, value) in records.into_iter().enumerate() {
        match serde_json::from_value(value) {
            _ if place >= IMPORT_LIMIT => {
                imported.failed.push((place, format!("an import has at most {IMPORT_LIMIT} records")));
            }
            Ok(record) => readable.push((place, record)),
            Err(error) => imported.failed.push((place, misfit(&error))),
        }
    }
    readable
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Mutex;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Default)]
    struct Dead {
        letters: Mutex<Vec<(String, &'static str, String)>>,
        broken: bool,
    }

    impl DeadLetters for Dead {
        async fn put(&self, letter: DeadLetter<'_>) -> Result<(), Error> {
            if self.broken {
                return Err("queue is away".into());
            }
            self.letters.lock().unwrap().push((letter.body.to_owned(), letter.reason, letter.source.to_owned()));
            Ok(())
        }
    }

    impl Dead {
        fn reasons(&self) -> Vec<(String, &'static str)> {
            self.letters.lock().unwrap().iter().map(|(_, reason, source)| (source.clone(), *reason)).collect()
        }
    }

    #[derive(Clone, Deserialize)]
    #[serde(rename_all = "snake_case", deny_unknown_fields)]
    enum Order {
        Fine(u32),
        Never,
        Later,
        Panic,
        PanicLater,
    }

    async fn obey(order: Order, seen: &RefCell<Vec<u32>>) -> Result<(), Failure> {
        match order {
            Order::Fine(number) => {
                seen.borrow_mut().push(number);
                Ok(())
            }
            Order::Never => Err(Failure::reject("unknown-line", "")),
            Order::Later => Err(Failure::retry("not now")),
            Order::Panic => panic!("at once"),
            Order::PanicLater => {
                tokio::task::yield_now().await;
                panic!("after a while")
            }
        }
    }

    fn event(bodies: &[&str]) -> SqsEvent {
        let records: Vec<Value> =
            bodies.iter().enumerate().map(|(index, body)| json!({ "messageId": format!("m{index}"), "body": body })).collect();
        serde_json::from_value(json!({ "Records": records })).unwrap()
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn run(bodies: &[&str], dead: &Dead) -> (Vec<String>, Vec<u32>) {
        let seen = RefCell::default();
        let response = block_on(sqs(event(bodies), dead, |order| obey(order, &seen)));
        let failed = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        (failed, seen.into_inner())
    }

    #[test]
    fn a_poison_record_takes_neither_its_neighbours_nor_the_batch_down() {
        let dead = Dead::default();
        let huge = format!("\"{}\"", "x".repeat(BODY_LIMIT));
        let bodies = [
            r#"{"fine":1}"#,
            "not json",
            r#"{"fine":2}"#,
            r#""never""#,
            r#"{"fine":3}"#,
            r#""later""#,
            r#"{"fine":4}"#,
            r#""panic""#,
            r#"{"fine":5}"#,
            r#""panic_later""#,
            r#"{"fine":6}"#,
            &huge,
            r#"{"fine":7}"#,
            "",
            r#"{"other":1}"#,
        ];
        let (failed, seen) = run(&bodies, &dead);
        assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(failed, ["m5", "m7", "m9"]);
        let reasons =
            [("m1", "malformed"), ("m3", "unknown-line"), ("m11", "too-large"), ("m13", "malformed"), ("m14", "malformed")];
        assert_eq!(dead.reasons(), reasons.map(|(id, reason)| (id.to_owned(), reason)));
        assert_eq!(dead.letters.lock().unwrap()[0].0, "not json");
    }

    #[test]
    fn a_rejected_record_that_the_dead_letter_queue_does_not_take_comes_again() {
        let dead = Dead { broken: true, ..Dead::default() };
        let (failed, seen) = run(&["not json", r#"{"fine":1}"#, r#""never""#], &dead);
        assert_eq!(failed, ["m0", "m2"]);
        assert_eq!(seen, [1]);
    }

    #[test]
    fn an_empty_batch_is_done() {
        assert_eq!(run(&[], &Dead::default()), (vec![], vec![]));
    }

    #[test]
    fn the_detail_of_a_malformed_record_shows_nothing_of_it() {
        let Err(Failure::Reject { reason, detail }) = parse::<Order>(r#"{"SECRET":1}"#) else { panic!("accepted") };
        assert_eq!(reason, "malformed");
        assert!(!detail.contains("SECRET"), "{detail}");
    }

    #[test]
    fn a_record_that_failed_for_the_last_time_says_why_it_lies_in_the_dead_letter_queue() {
        for (order, tries, failed, reason) in [
            (r#""later""#, TRIES - 1, 1, None),
            (r#""later""#, TRIES, 0, Some("gave-up")),
            (r#""panic""#, TRIES, 0, Some("panic")),
        ] {
            let dead = Dead::default();
            let mut event = event(&[order]);
            event.records[0].attributes.insert("ApproximateReceiveCount".to_owned(), tries.to_string());
            let seen = RefCell::default();
            let response = block_on(sqs(event, &dead, |order| obey(order, &seen)));
            assert_eq!(response.batch_item_failures.len(), failed, "{order} {tries}");
            assert_eq!(dead.reasons().first().map(|(_, reason)| *reason), reason);
        }
    }
}
