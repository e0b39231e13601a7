//! The deployed stack: its names, its queues in, and what comes out of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::Api;
use crate::aws::{self, Aws, xml_text};
use crate::carrier::days_ago;
use crate::cli::Cli;
use crate::cloud::Cloud;
use crate::issuer::{AUDIENCE, Issuer};
use crate::ledger::Entry;
use crate::people::{Customer, PushDevice, suffix};
use crate::terminal::locked;

const SNS: (&str, &str) = ("sns", "2010-03-31");
const POLL: Duration = Duration::from_millis(60);

/// How long anything asynchronous may take before the story gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The stack, with the issuer whose tokens it takes.
#[derive(Debug)]
pub(crate) struct Stack {
    /// The HTTP API.
    pub(crate) api: Api,
    /// Calls of the cloud as its root.
    pub(crate) aws: Aws,
    /// The same by the AWS command line.
    pub(crate) cli: Cli,
    /// The identity provider.
    pub(crate) issuer: Issuer,
    /// Where the carrier's PWA lives.
    pub(crate) pwa_origin: String,
    outputs: Value,
    /// What was taken off the devices' queues: a queue keeps nothing that was read.
    pushes: Mutex<BTreeMap<String, Vec<Message>>>,
}

/// A message as the customer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// `push`, `SMS` or `e-mail`.
    pub(crate) channel: &'static str,
    /// The subject, of an e-mail.
    pub(crate) subject: Option<String>,
    /// The text.
    pub(crate) text: String,
}

impl Stack {
    /// Deploys the template to `cloud`. `base` is where callers will reach the API: proofs of devices' keys are
    /// for it. `monitor` is the porting monitor's limits, empty for the defaults.
    pub(crate) fn deploy(cloud: &Cloud, base: &str, monitor: &str) -> Result<Self> {
        let issuer = Issuer::start()?;
        let edge_secret = format!("{}{}{}{}", suffix(), suffix(), suffix(), suffix());
        let aws = cloud.aws().clone();
        aws.post("ses", "/v2/email/identities", &json!({ "EmailIdentity": SENDER }))
            .context("the sender's address is refused")?;
        let outputs = cloud.deploy(&parameters(&issuer, &edge_secret, base, monitor))?;
        let api_id = outputs.get("ApiId").and_then(Value::as_str).context("the template has no output ApiId")?;
        let port = cloud.endpoint().rsplit(':').next().unwrap_or_default();
        let api = Api::new(cloud.endpoint(), &format!("{api_id}.execute-api.localhost:{port}"), &edge_secret);
        Ok(Self {
            api,
            aws,
            cli: cloud.cli(),
            issuer,
            pwa_origin: pwa_origin(base).to_owned(),
            outputs,
            pushes: Mutex::default(),
        })
    }

    /// An output of the template.
    pub(crate) fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).and_then(Value::as_str).with_context(|| format!("the template has no output {name}"))
    }

    /// All outputs of the template.
    pub(crate) fn outputs(&self) -> &Value {
        &self.outputs
    }

    /// Sends the carrier's news to the provisioning queue.
    pub(crate) fn provisioning(&self, event: &Value) -> Result<()> {
        self.send(self.output("ProvisioningQueueUrl")?, &event.to_string())
    }

    /// Sends what was seen of a customer to the behaviour queue.
    pub(crate) fn behaviour(&self, event: &Value) -> Result<()> {
        self.send(self.output("BehaviourQueueUrl")?, &event.to_string())
    }

    /// Sends one message to a queue.
    pub(crate) fn send(&self, queue: &str, body: &str) -> Result<()> {
        self.aws.json("sqs", "AmazonSQS.SendMessage", &json!({ "QueueUrl": queue, "MessageBody": body }))?;
        Ok(())
    }

    /// Sends messages to a queue in one call, so that they can arrive in one batch.
    pub(crate) fn send_batch(&self, queue: &str, bodies: &[String]) -> Result<()> {
        let entries: Vec<Value> =
            bodies.iter().enumerate().map(|(n, body)| json!({ "Id": n.to_string(), "MessageBody": body })).collect();
        self.aws.json("sqs", "AmazonSQS.SendMessageBatch", &json!({ "QueueUrl": queue, "Entries": entries }))?;
        Ok(())
    }

    /// All that a function has logged, one event a line.
    pub(crate) fn log_of(&self, function: &str) -> Result<String> {
        let mut lines = String::new();
        let mut request = json!({ "logGroupName": format!("/aws/lambda/{function}") });
        loop {
            let found = self.aws.json("logs", "Logs_20140328.FilterLogEvents", &request)?;
            for event in found.get("events").and_then(Value::as_array).into_iter().flatten() {
                lines.push_str(&string(event, "message"));
                lines.push('\n');
            }
            match (found.get("nextToken"), request.as_object_mut()) {
                (Some(next), Some(request)) if next.is_string() => request.insert("nextToken".into(), next.clone()),
                _ => return Ok(lines),
            };
        }
    }

    /// All messages of a queue, taken off it.
    pub(crate) fn take(&self, queue: &str) -> Result<Vec<Value>> {
        let mut taken = Vec::new();
        loop {
            let request =
                json!({ "QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0, "MessageAttributeNames": ["All"] });
            let answer = self.aws.json("sqs", "AmazonSQS.ReceiveMessage", &request)?;
            let messages = answer.get("Messages").and_then(Value::as_array).cloned().unwrap_or_default();
            if messages.is_empty() {
                return Ok(taken);
            }
            for message in messages {
                let request = json!({ "QueueUrl": queue, "ReceiptHandle": message.get("ReceiptHandle") });
                self.aws.json("sqs", "AmazonSQS.DeleteMessage", &request)?;
                taken.push(message);
            }
        }
    }

    /// Makes a queue that `topic` delivers to as it is, without an envelope.
    pub(crate) fn listen(&self, name: &str, topic: &str) -> Result<String> {
        let made = self.aws.json("sqs", "AmazonSQS.CreateQueue", &json!({ "QueueName": name }))?;
        let queue = made.get("QueueUrl").and_then(Value::as_str).context("no QueueUrl")?.to_owned();
        let request = json!({ "QueueUrl": queue, "AttributeNames": ["QueueArn"] });
        let attributes = self.aws.json("sqs", "AmazonSQS.GetQueueAttributes", &request)?;
        let arn = attributes.pointer("/Attributes/QueueArn").and_then(Value::as_str).context("no QueueArn")?;
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": { "ArnEquals": { "aws:SourceArn": topic } },
        }]});
        let request = json!({ "QueueUrl": queue, "Attributes": { "Policy": policy.to_string() } });
        self.aws.json("sqs", "AmazonSQS.SetQueueAttributes", &request)?;
        let subscription = [
            ("TopicArn", topic),
            ("Protocol", "sqs"),
            ("Endpoint", arn),
            ("Attributes.entry.1.key", "RawMessageDelivery"),
            ("Attributes.entry.1.value", "true"),
        ];
        self.aws.query(SNS.0, SNS.1, "Subscribe", &subscription)?;
        Ok(queue)
    }

    /// Lets the local cloud's root use the keys. Their policies name the functions' roles alone; by
    /// `cargo lambda watch` the functions run outside the cloud and have no role.
    pub(crate) fn open_keys_to_developers(&self) -> Result<()> {
        let policy = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "kms:*", "Resource": "*" },
        ]});
        for key in ["MacKeyArn", "ProfileKeyArn", "SealKeyArn", "SigningKeyArn"] {
            let request = json!({ "KeyId": self.output(key)?, "PolicyName": "default", "Policy": policy.to_string() });
            self.aws.json("kms", "TrentService.PutKeyPolicy", &request)?;
        }
        Ok(())
    }

    /// A phone with the carrier's app.
    pub(crate) fn push_device(&self, name: &str) -> Result<PushDevice> {
        let made = self.aws.query(SNS.0, SNS.1, "CreateTopic", &[("Name", &format!("{PUSH_PREFIX}{name}"))])?;
        let arn = xml_text(&made, "TopicArn")?.to_owned();
        let queue = self.listen(&format!("{PUSH_PREFIX}{name}"), &arn)?;
        Ok(PushDevice { arn, queue })
    }

    /// Every text message that this number ever got, oldest first.
    pub(crate) fn texts(&self, msisdn: &str) -> Result<Vec<Message>> {
        Ok(self.every_text()?.remove(msisdn).unwrap_or_default())
    }

    /// Every text message that was ever sent, by number.
    pub(crate) fn every_text(&self) -> Result<BTreeMap<String, Vec<Message>>> {
        let sent = self.inspect("sns/sms-messages")?;
        let by_number = sent.get("sms_messages").and_then(Value::as_object);
        let message = |text: &Value| Message { channel: "SMS", subject: None, text: string(text, "Message") };
        let messages = |texts: &Value| texts.as_array().into_iter().flatten().map(message).collect();
        Ok(by_number.into_iter().flatten().map(|(number, texts)| (number.clone(), messages(texts))).collect())
    }

    /// Every e-mail that this address ever got, oldest first.
    pub(crate) fn mails(&self, address: &str) -> Result<Vec<Message>> {
        let sent = self.inspect("ses/messages")?;
        let accounts = sent.get("messages").and_then(Value::as_object);
        let mails = accounts.into_iter().flatten().filter_map(|(_, mails)| mails.as_array()).flatten();
        let to_address =
            |mail: &&Value| mail.get("To").and_then(Value::as_array).is_some_and(|to| to.iter().any(|to| to == address));
        let message =
            |mail: &Value| Message { channel: "e-mail", subject: Some(string(mail, "Subject")), text: string(mail, "BodyText") };
        Ok(mails.filter(to_address).map(message).collect())
    }

    /// Every push that a device ever got, oldest first.
    pub(crate) fn pushes(&self, device: &PushDevice) -> Result<Vec<Message>> {
        let taken = self.take(&device.queue)?;
        let mut pushes = locked(&self.pushes);
        let of_device = pushes.entry(device.queue.clone()).or_default();
        of_device.extend(taken.iter().map(|push| Message { channel: "push", subject: None, text: string(push, "Body") }));
        Ok(of_device.clone())
    }

    /// Every code that was sent so far.
    pub(crate) fn codes(&self) -> Result<BTreeSet<String>> {
        let pushes = locked(&self.pushes);
        let texts = self.every_text()?;
        let messages = pushes.values().chain(texts.values()).flatten();
        Ok(messages.filter_map(|message| message.code().map(str::to_owned)).collect())
    }

    /// The ledger of an account (`line_id` none) or of a line, from its first entry.
    pub(crate) fn ledger(&self, account_id: &str, line_id: Option<&str>) -> Result<Vec<Entry>> {
        let subject = line_id.map_or_else(|| "ACCOUNT".to_owned(), |line| format!("LINE#{line}"));
        let request = json!({
            "TableName": self.output("LedgerTable")?,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": format!("v1#{account_id}#{subject}") } },
            "ConsistentRead": true,
        });
        let found = self.aws.json("dynamodb", "DynamoDB_20120810.Query", &request)?;
        let items = found.get("Items").and_then(Value::as_array).context("no Items")?;
        items.iter().map(Entry::read).collect()
    }

    /// How many guesses at codes were claimed on a line in the last day.
    pub(crate) fn guesses(&self, account_id: &str, line_id: &str) -> Result<usize> {
        let key = json!({ "pk": { "S": format!("v1#{account_id}") }, "sk": { "S": format!("LINE#{line_id}") } });
        let request = json!({ "TableName": self.output("StateTable")?, "Key": key, "ConsistentRead": true });
        let found = self.aws.json("dynamodb", "DynamoDB_20120810.GetItem", &request)?;
        let guesses = found.pointer("/Item/tally/M/guesses/N").and_then(Value::as_str).context("a line without a tally")?;
        Ok(guesses.parse()?)
    }

    /// Lets the wait of a change on a line be over: what is stored of it says so, as it would days later.
    pub(crate) fn end_hold(&self, customer: &Customer, change_id: &str) -> Result<()> {
        let past = json!({ "N": days_ago(0).as_second().to_string() });
        let request = json!({
            "TableName": self.output("StateTable")?,
            "Key": { "pk": { "S": format!("v1#{}", customer.account_id) }, "sk": { "S": format!("LINE#{}", customer.line_id) } },
            "UpdateExpression": "SET body.book.changes.#change.hold_until = :past, due_at = :past",
            "ConditionExpression": "attribute_exists(body.book.changes.#change.hold_until)",
            "ExpressionAttributeNames": { "#change": change_id },
            "ExpressionAttributeValues": { ":past": past },
        });
        self.aws.json("dynamodb", "DynamoDB_20120810.UpdateItem", &request)?;
        Ok(())
    }

    fn inspect(&self, what: &str) -> Result<Value> {
        let url = format!("{}/_ministack/{what}", self.aws.endpoint());
        let text = aws::agent().get(&url).call()?.body_mut().with_config().limit(64 << 20).read_to_string()?;
        Ok(serde_json::from_str(&text)?)
    }
}

/// Push "devices" of this program carry names that the template's parameter `PushTargets` lets the functions publish to.
const PUSH_PREFIX: &str = "linekeeper-push-";

/// Where the carrier's PWA lives in the story.
const PWA_ORIGIN: &str = "https://my.mobile.example";

/// Where it lives by `base`: what is served at localhost serves the sample client too.
fn pwa_origin(base: &str) -> &str {
    if base.starts_with("http://localhost:") { base } else { PWA_ORIGIN }
}

/// Who codes and notices come from.
pub(crate) const SENDER: &str = "care@mobile.example";

/// The shortest that the template takes: the local cloud knows no other end to a stream's retries.
const NOTICE_RETRY_SECONDS: &str = "60";

/// The template's parameters for a local stack: no CloudFront in front, no TLS and no alarm by metric
/// math, all else as in production.
fn parameters(issuer: &Issuer, edge_secret: &str, base: &str, monitor: &str) -> Vec<(&'static str, String)> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    vec![
        ("IdentityIssuer", issuer.url().to_owned()),
        ("IdentityAudience", AUDIENCE.to_owned()),
        ("PwaOrigin", pwa_origin(base).to_owned()),
        ("SenderEmail", SENDER.to_owned()),
        ("Edge", "none".to_owned()),
        ("EdgeSecret", edge_secret.to_owned()),
        ("Issuer", base.to_owned()),
        ("Transport", "any".to_owned()),
        ("SmsAlarmCodes", "0".to_owned()),
        ("MissingSignalsPercent", "0".to_owned()),
        ("UnavailableScoresPercent", "0".to_owned()),
        ("Monitor", monitor.to_owned()),
        ("NoticeRetrySeconds", NOTICE_RETRY_SECONDS.to_owned()),
        ("Architecture", architecture.to_owned()),
        ("PushTargets", format!("arn:aws:sns:{}:*:{PUSH_PREFIX}*", aws::REGION)),
    ]
}

fn string(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An event for one of the queues, with the id and time that every event has.
pub(crate) fn event(kind: &str, at: Timestamp, mut fields: Value) -> Value {
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("id".into(), json!(uuid()));
        fields.insert("at".into(), json!(at.to_string()));
        fields.insert("type".into(), json!(kind));
    }
    fields
}

/// A random version 4 UUID.
pub(crate) fn uuid() -> String {
    let bits: u128 = rand::random();
    let bits = bits & !(0xf << 76) | (4 << 76);
    let bits = bits & !(0b11 << 62) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// Asks again and again until there is something, or patience ends.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask()? {
            return Ok(found);
        }
        if Instant::now() >= until {
            bail!("{what}: nothing within {} s", PATIENCE.as_secs());
        }
        thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.chars().nth(14), Some('4'));
        assert!(id.chars().nth(19).is_some_and(|c| "89ab".contains(c)));
    }
}
