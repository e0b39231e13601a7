//! All functions over one database.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use linekeeper_domain::config::Settings;
use linekeeper_domain::ids::{AccountId, LineId, Subject};
use linekeeper_domain::state::{Account, Line, Versioned};
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::clock::{Clock, SystemEntropy};
use linekeeper_platform::door::Door;
use linekeeper_platform::identity::Identity;
use linekeeper_platform::network::Edge;
use linekeeper_platform::passkey::RelyingParty;
use linekeeper_platform::risk::Risk;
use linekeeper_platform::shell::Shell;
use linekeeper_platform::store::{Store, Whole};
use serde_json::{Value, json};

use crate::doubles::{Dead, Gateway, Inbox, Keys, ManualClock, Topic};
use crate::log;
use crate::people::{AT_HOME, Person};
use crate::tap::{Fault, Tap};

/// Name of the state table.
pub const STATE: &str = "linekeeper-state";
/// Name of the ledger.
pub const LEDGER: &str = "linekeeper-ledger";
/// `iss` of what is signed.
pub const ISSUER: &str = "https://linekeeper.carrier.example";
/// The queue by which port-feed hears `line-events`.
pub const LINE_EVENTS: &str = "arn:aws:sqs:us-east-1:000000000000:linekeeper-port-events";
/// Origin of the app.
pub const ORIGIN: &str = "https://my.carrier.example";

/// All functions over one database of their own.
#[derive(Debug)]
pub struct World {
    /// The time.
    pub clock: ManualClock,
    /// Every call that leaves.
    pub tap: Tap,
    /// What customers were sent.
    pub inbox: Inbox,
    /// What was published.
    pub topic: Topic,
    /// What was rejected.
    pub dead: Dead,
    /// The keys.
    pub keys: Arc<Keys>,
    /// Store, settings, clock, as the functions have them.
    pub shell: Shell,
    /// A client besides the tap, for tests to look with.
    pub client: aws_sdk_dynamodb::Client,
    /// The function.
    pub desk: care_desk::App,
    /// The function.
    pub intake: request_intake::App,
    /// The function.
    pub issue: otp_issue::App,
    /// The function.
    pub verify: otp_verify::App,
    /// The function.
    pub notify: change_notify::App,
    /// The function.
    pub feed: provisioning_feed::App<Dead>,
    /// The function.
    pub risk: risk_scoring::App<Dead>,
    /// The function.
    pub sweep: deadline_sweep::App,
    /// The function.
    pub ports: port_feed::App<Dead>,
    /// What the porting gateway was answered.
    pub gateway: Gateway,
    shown: Mutex<Vec<String>>,
    delivered: tokio::sync::Mutex<BTreeMap<String, u64>>,
    heard: Mutex<usize>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Drop for World {
    /// Every test ends with a search of all that was logged (I8).
    fn drop(&mut self) {
        if !std::thread::panicking()
            && let Some(secret) = log::leak(&log::written(), &log::secrets(&self.inbox, &self.topic, &self.shown.lock().unwrap()))
        {
            panic!("{secret} was logged");
        }
    }
}

/// What an HTTP function answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Value,
}

impl Answer {
    /// The last part of the problem's type.
    #[must_use]
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|t| t.rsplit(':').next()).unwrap_or("")
    }

    /// A text of the body.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {}", self.body)).to_owned()
    }
}

/// The door of every HTTP function: an authorizer in front, and an edge that is known by its secret.
#[must_use]
pub fn door() -> Door {
    Door { identity: Identity::default(), edge: Edge::new(Some("edge-secret".to_owned())), base: ISSUER.to_owned() }
}

/// Whom passkeys are for.
#[must_use]
pub fn relying_party() -> RelyingParty {
    RelyingParty::new(ORIGIN, "my.carrier.example").unwrap()
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
}

async fn tables(client: &aws_sdk_dynamodb::Client) {
    let due = GlobalSecondaryIndex::builder()
        .index_name("due")
        .key_schema(key("due_shard", KeyType::Hash))
        .key_schema(key("due_at", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
    client
        .create_table()
        .table_name(STATE)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_shard", ScalarAttributeType::S))
        .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
        .global_secondary_indexes(due.build().unwrap())
        .send()
        .await
        .unwrap();
    client
        .create_table()
        .table_name(LEDGER)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("seq", KeyType::Range))
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("seq", ScalarAttributeType::N))
        .send()
        .await
        .unwrap();
}

impl World {
    /// With the carrier's default settings.
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    /// With these settings.
    pub async fn with(settings: Settings) -> Self {
        log::capture();
        let database = dynoxide::Database::memory().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, async {
            let _ = stopped.await;
        }));

        let tap = Tap::default();
        let config = |tap: Option<Tap>| {
            let credentials = aws_sdk_dynamodb::config::Credentials::new("test", "test", None, None, "test");
            let mut config = aws_sdk_dynamodb::Config::builder()
                .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
                .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
                .endpoint_url(&url)
                .credentials_provider(credentials)
                .retry_config(aws_config::retry::RetryConfig::disabled())
                .http_client(aws_smithy_http_client::Builder::new().build_http());
            if let Some(tap) = tap {
                config = config.interceptor(tap);
            }
            aws_sdk_dynamodb::Client::from_conf(config.build())
        };
        let client = config(None);
        tables(&client).await;

        let clock = ManualClock::at(Timestamp::parse("2026-11-22T15:00:00Z").unwrap());
        let shell = Shell {
            store: Store::new(config(Some(tap.clone())), STATE, LEDGER),
            settings: Arc::new(settings.check().unwrap()),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SystemEntropy),
        };
        let keys = Arc::new(Keys::new(tap.clone()));
        let risk = Arc::new(Risk::new(keys.clone(), |_| None));
        let (inbox, topic, dead) = (Inbox::new(tap.clone()), Topic::new(tap.clone()), Dead::new(tap.clone()));
        let gateway = Gateway::new(tap.clone());

        Self {
            desk: care_desk::App { shell: shell.clone(), door: door(), risk: risk.clone() },
            intake: request_intake::App {
                shell: shell.clone(),
                door: door(),
                key: keys.clone(),
                issuer: ISSUER.to_owned(),
                risk: risk.clone(),
            },
            issue: otp_issue::App {
                shell: shell.clone(),
                door: door(),
                mac: keys.clone(),
                sealer: keys.clone(),
                relying_party: relying_party(),
                messenger: Arc::new(inbox.clone()),
                host: "my.carrier.example".to_owned(),
            },
            verify: otp_verify::App {
                shell: shell.clone(),
                door: door(),
                check: keys.clone(),
                unsealer: keys.clone(),
                relying_party: relying_party(),
            },
            notify: change_notify::App {
                shell: shell.clone(),
                signer: keys.clone(),
                messenger: Arc::new(inbox.clone()),
                publisher: Arc::new(topic.clone()),
                answers: Arc::new(gateway.clone()),
                issuer: ISSUER.to_owned(),
                origin: ORIGIN.to_owned(),
            },
            feed: provisioning_feed::App { shell: shell.clone(), dead: Arc::new(dead.clone()) },
            ports: port_feed::App {
                shell: shell.clone(),
                check: keys.clone(),
                risk: risk.clone(),
                answers: Arc::new(gateway.clone()),
                publisher: Arc::new(topic.clone()),
                monitor: Arc::default(),
                dead: Arc::new(dead.clone()),
                line_events: LINE_EVENTS.to_owned(),
            },
            gateway,
            risk: risk_scoring::App { shell: shell.clone(), dead: Arc::new(dead.clone()), risk },
            sweep: deadline_sweep::App { shell: shell.clone() },
            clock,
            tap,
            inbox,
            topic,
            dead,
            keys,
            shell,
            client,
            shown: Mutex::default(),
            delivered: tokio::sync::Mutex::default(),
            heard: Mutex::default(),
            _stop: stop,
        }
    }

    /// Gives every function other keys.
    pub fn rekey(&mut self, keys: &Arc<Keys>) {
        self.keys = keys.clone();
        self.intake.key = keys.clone();
        self.issue.mac = keys.clone();
        self.issue.sealer = keys.clone();
        self.verify.check = keys.clone();
        self.verify.unsealer = keys.clone();
        self.notify.signer = keys.clone();
        self.ports.check = keys.clone();
        let risk = Arc::new(Risk::new(keys.clone(), |_| None));
        self.intake.risk = risk.clone();
        self.desk.risk = risk.clone();
        self.ports.risk = risk.clone();
        self.risk.risk = risk;
    }

    /// Changes what every function has.
    pub fn each_shell(&mut self, change: impl Fn(&mut Shell)) {
        let functions = [
            &mut self.desk.shell,
            &mut self.intake.shell,
            &mut self.issue.shell,
            &mut self.verify.shell,
            &mut self.notify.shell,
            &mut self.feed.shell,
            &mut self.risk.shell,
            &mut self.sweep.shell,
            &mut self.ports.shell,
        ];
        functions.into_iter().chain([&mut self.shell]).for_each(change);
    }

    /// RFC 3339 of now.
    #[must_use]
    pub fn now(&self) -> String {
        self.clock.now().to_string()
    }

    /// RFC 3339 of so long ago.
    #[must_use]
    pub fn ago(&self, span: Span) -> String {
        (self.clock.now() - span).to_string()
    }

    /// A customer who has been with the carrier for a month and signs in at home every day. Notices of
    /// the beginning are delivered; the inbox is empty.
    pub async fn customer(&self, person: &Person) {
        for record in person.opening(&self.now()) {
            self.feed(record).await;
        }
        self.clock.advance(Span::days(30));
        self.known_at_home(person).await;
        self.pump().await;
        self.inbox.clear();
    }

    /// Imports the past of someone who signed in at home in the last four weeks.
    pub async fn known_at_home(&self, person: &Person) {
        let days = [27, 23, 19, 15, 11, 8, 5, 3, 2, 1];
        let import = days.map(|day| person.sign_in_at_home(&self.ago(Span::days(day)))).to_vec();
        let imported = self.risk.handle(risk_scoring::Incoming::Import { import }).await.unwrap();
        assert_eq!(serde_json::to_value(imported).unwrap(), json!({"done": days.len(), "failed": []}));
    }

    /// A request with an authorizer's claims.
    pub async fn call(
        &self,
        claims: Option<&Value>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        self.call_raw(claims, method, path, headers, body.map(Value::to_string)).await
    }

    /// The same with a body that need not be JSON.
    pub async fn call_raw(
        &self,
        claims: Option<&Value>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let (raw_path, query) = path.split_once('?').unwrap_or((path, ""));
        let parameters: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let mut all: BTreeMap<String, String> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if body.is_some() {
            all.entry("content-type".to_owned()).or_insert_with(|| "application/json".to_owned());
        }
        let mut event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": raw_path, "rawQueryString": query, "headers": all,
            "queryStringParameters": parameters, "isBase64Encoded": false, "body": body,
            "requestContext": {"stage": "$default", "requestId": "request-1", "time": "t", "timeEpoch": 1,
                "http": {"method": method, "path": raw_path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "test"}},
        });
        if let Some(claims) = claims {
            event["requestContext"]["authorizer"] = json!({"jwt": {"claims": claims, "scopes": null}});
        }
        let event = serde_json::from_value(event).unwrap();
        // Boxed: without optimisation these are large, and a story holds many.
        let response = if raw_path.starts_with("/desk/") {
            Box::pin(self.desk.handle(event)).await
        } else if raw_path.ends_with("/answer") {
            Box::pin(self.verify.handle(event)).await
        } else if raw_path.ends_with("/challenges") || raw_path.ends_with("/pin") {
            Box::pin(self.issue.handle(event)).await
        } else {
            Box::pin(self.intake.handle(event)).await
        };
        let response = serde_json::to_value(response).unwrap();
        let headers: BTreeMap<String, String> = response["headers"]
            .as_object()
            .map(|all| {
                all.iter().map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned())).collect()
            })
            .unwrap_or_default();
        let body: Value = response["body"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
        let once =
            body["recovery_codes"].as_array().into_iter().flatten().chain(body["totp"].get("secret")).chain(body.get("pin"));
        self.shown.lock().unwrap().extend(once.filter_map(Value::as_str).map(str::to_owned));
        Answer { status: u16::try_from(response["statusCode"].as_u64().unwrap()).unwrap(), headers, body }
    }

    /// The customer asks from home; `key` is the Idempotency-Key.
    pub async fn ask(&self, person: &Person, key: &str, body: &Value) -> Answer {
        self.ask_from(person, AT_HOME, key, body).await
    }

    /// The customer's token, from elsewhere.
    pub async fn ask_from(&self, person: &Person, from: &[(&str, &str)], key: &str, body: &Value) -> Answer {
        let quoted = format!("\"{key}\"");
        let headers: Vec<(&str, &str)> = from.iter().copied().chain([("idempotency-key", quoted.as_str())]).collect();
        self.call(Some(&customer(person)), "POST", "/v1/changes", &headers, Some(body)).await
    }

    /// Asks for a code.
    pub async fn challenge(&self, person: &Person, change: &str, factor: &str) -> Answer {
        let path = format!("/v1/changes/{change}/challenges");
        self.call(Some(&customer(person)), "POST", &path, AT_HOME, Some(&json!({"factor": factor}))).await
    }

    /// Answers a challenge.
    pub async fn answer(&self, person: &Person, change: &str, challenge: &str, code: &str) -> Answer {
        let path = format!("/v1/changes/{change}/challenges/{challenge}/answer");
        self.call(Some(&customer(person)), "POST", &path, AT_HOME, Some(&json!({"code": code}))).await
    }

    /// Asks for a code and answers it rightly.
    pub async fn prove(&self, person: &Person, change: &str, factor: &str) -> Answer {
        let challenge = self.challenge(person, change, factor).await;
        assert_eq!(challenge.status, 201, "{}", challenge.body);
        let code = self.inbox.code();
        self.answer(person, change, &challenge.text("challenge_id"), &code).await
    }

    /// Reads a change.
    pub async fn change(&self, person: &Person, change: &str) -> Value {
        self.call(Some(&customer(person)), "GET", &format!("/v1/changes/{change}"), &[], None).await.body
    }

    /// Stops a change.
    pub async fn cancel(&self, person: &Person, change: &str) -> Answer {
        self.call(Some(&customer(person)), "POST", &format!("/v1/changes/{change}/cancel"), &[], None).await
    }

    /// Switches a protection on.
    pub async fn protect(&self, person: &Person, protection: &str, mode: &str, line: Option<&str>) -> Answer {
        let body = json!({"protection": protection, "mode": mode, "line_id": line});
        self.call(Some(&customer(person)), "PUT", "/v1/protections", AT_HOME, Some(&body)).await
    }

    /// Taps a "this was not me" link.
    pub async fn not_me(&self, token: &str) -> Answer {
        self.call(None, "POST", "/v1/not-me", &[], Some(&json!({"token": token}))).await
    }

    /// The check-up.
    pub async fn check_up(&self, person: &Person) -> Answer {
        self.call(Some(&customer(person)), "GET", "/v1/check-up", AT_HOME, None).await
    }

    /// Reports fraud in the app.
    pub async fn report_fraud(&self, person: &Person, body: &Value) -> Answer {
        self.call(Some(&customer(person)), "POST", "/v1/fraud-reports", AT_HOME, Some(body)).await
    }

    /// One message of provisioning. Returns whether it has to come again.
    pub async fn feed(&self, record: Value) -> bool {
        self.feed_raw(vec![record.to_string()]).await.contains(&true)
    }

    /// A batch of provisioning, as texts. Returns for each whether it has to come again.
    pub async fn feed_raw(&self, bodies: Vec<String>) -> Vec<bool> {
        let count = bodies.len();
        let event = provisioning_feed::Incoming::Queue(sqs(bodies));
        let answer = serde_json::to_value(self.feed.handle(event).await.unwrap()).unwrap();
        failures(&answer, count)
    }

    /// One message of the porting gateway. Returns whether it has to come again.
    pub async fn from_gateway(&self, message: &Value) -> bool {
        self.from_gateway_raw(vec![message.to_string()]).await.contains(&true)
    }

    /// A batch of the porting gateway, as texts. Returns for each whether it has to come again.
    pub async fn from_gateway_raw(&self, bodies: Vec<String>) -> Vec<bool> {
        let count = bodies.len();
        let answer = Box::pin(self.ports.handle(port_feed::Incoming::Queue(sqs(bodies)))).await.unwrap();
        failures(&serde_json::to_value(answer).unwrap(), count)
    }

    /// One message of behaviour. Returns whether it has to come again.
    pub async fn behaviour(&self, record: Value) -> bool {
        let event = risk_scoring::Incoming::Queue(sqs(vec![record.to_string()]));
        let answer = serde_json::to_value(self.risk.handle(event).await.unwrap()).unwrap();
        failures(&answer, 1).contains(&true)
    }

    /// Entries of the ledger that the stream has not delivered yet, each as a record, oldest first.
    pub async fn undelivered(&self) -> Vec<(String, u64, aws_lambda_events::event::dynamodb::Event)> {
        let delivered = self.delivered.lock().await.clone();
        let mut records = Vec::new();
        for item in self.items(LEDGER).await {
            let (pk, seq) = (item["pk"].as_s().unwrap().clone(), item["seq"].as_n().unwrap().parse::<u64>().unwrap());
            if (item.contains_key("relay") || item.contains_key("met")) && seq > delivered.get(&pk).copied().unwrap_or(0) {
                let mut image =
                    json!({"entry": {"S": item["entry"].as_s().unwrap()}, "pk": {"S": pk}, "seq": {"N": seq.to_string()}});
                for mark in ["relay", "met"].into_iter().filter(|mark| item.contains_key(*mark)) {
                    image[mark] = json!({"S": "yes"});
                }
                let event = json!({"Records": [{"eventID": format!("{pk}:{seq}"), "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
                    "awsRegion": "us-east-1", "eventSourceARN": "arn:x",
                    "dynamodb": {"ApproximateCreationDateTime": 1, "Keys": {"pk": {"S": pk}, "seq": {"N": seq.to_string()}}, "NewImage": image,
                        "SequenceNumber": seq.to_string(), "SizeBytes": 1, "StreamViewType": "NEW_IMAGE"}}]});
                records.push((pk, seq, serde_json::from_value(event).unwrap()));
            }
        }
        records.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        records
    }

    /// Marks a record of the stream as done.
    pub async fn mark(&self, pk: &str, seq: u64) {
        self.delivered.lock().await.insert(pk.to_owned(), seq);
    }

    /// Delivers the stream until nothing is left, or a record fails (it stays first).
    pub async fn pump(&self) -> bool {
        self.pump_with(None).await
    }

    /// The same, the first record crashing at a fault.
    pub async fn pump_with(&self, mut fault: Option<Fault>) -> bool {
        loop {
            let Some((pk, seq, event)) = self.undelivered().await.into_iter().next() else { return true };
            // Two functions hear of it, each as its mapping's filter lets it.
            Box::pin(self.risk.handle(risk_scoring::Incoming::Stream(event.clone()))).await.unwrap();
            self.tap.begin(fault.take());
            if Box::pin(self.notify.handle(event)).await.is_err() {
                self.tap.begin(None);
                return false;
            }
            self.mark(&pk, seq).await;
            self.hear().await;
        }
    }

    /// What was published and port-feed has not heard of yet.
    pub async fn hear(&self) {
        let events = self.topic.all();
        let from = std::mem::replace(&mut *self.heard.lock().unwrap(), events.len());
        let bodies: Vec<String> = events[from..].iter().map(|event| serde_json::to_string(event).unwrap()).collect();
        if bodies.is_empty() {
            return;
        }
        let count = bodies.len();
        let mut batch = sqs(bodies);
        batch.records.iter_mut().for_each(|message| message.event_source_arn = Some(LINE_EVENTS.to_owned()));
        let answer = Box::pin(self.ports.handle(port_feed::Incoming::Queue(batch))).await.unwrap();
        assert!(!failures(&serde_json::to_value(answer).unwrap(), count).contains(&true));
    }

    /// One run of the schedule, then the stream.
    pub async fn tick(&self) {
        self.sweep.handle().await.unwrap();
        self.pump().await;
    }

    /// Everything of an account, as stored.
    pub async fn whole(&self, person: &Person) -> Whole {
        Store::new(self.client.clone(), STATE, LEDGER).read_whole(&AccountId::parse(person.account).unwrap()).await.unwrap()
    }

    /// The line, as stored.
    pub async fn line(&self, person: &Person) -> Versioned<Line> {
        self.whole(person).await.lines.into_iter().find(|line| line.state.id.as_str() == person.line).unwrap()
    }

    /// The account, as stored.
    pub async fn account(&self, person: &Person) -> Versioned<Account> {
        self.whole(person).await.account.unwrap()
    }

    /// The entries of a ledger, as stored, oldest first.
    pub async fn ledger(&self, person: &Person, subject: &Subject) -> Vec<String> {
        let pk = match subject {
            Subject::Account => format!("v1#{}#ACCOUNT", person.account),
            Subject::Line(line) => format!("v1#{}#LINE#{line}", person.account),
        };
        let mut entries: Vec<(u64, String)> = Vec::new();
        for item in self.items(LEDGER).await {
            if item["pk"].as_s().unwrap() == &pk {
                entries.push((item["seq"].as_n().unwrap().parse().unwrap(), item["entry"].as_s().unwrap().clone()));
            }
        }
        entries.sort();
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// The line as a subject.
    #[must_use]
    pub fn subject(person: &Person) -> Subject {
        Subject::Line(LineId::parse(person.line).unwrap())
    }

    /// Every item of a table.
    pub async fn items(&self, table: &str) -> Vec<std::collections::HashMap<String, AttributeValue>> {
        let mut items = Vec::new();
        let mut from = None;
        loop {
            let page = self.client.scan().table_name(table).set_exclusive_start_key(from).send().await.unwrap();
            items.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                return items;
            }
        }
    }
}

/// The claims of a customer's token.
#[must_use]
pub fn customer(person: &Person) -> Value {
    json!({"sub": person.account, "scope": "linekeeper:customer", "iss": "i", "aud": "a", "exp": "9999999999"})
}

/// The claims of a representative's token.
#[must_use]
pub fn representative(channel: &str) -> Value {
    let role = if channel == "store" { "store_agent" } else { "agent" };
    crate::desk::staff("rep-7", "Sam", role, channel)
}

fn sqs(bodies: Vec<String>) -> SqsEvent {
    let mut event = SqsEvent::default();
    for (n, body) in bodies.into_iter().enumerate() {
        let mut message = SqsMessage::default();
        message.message_id = Some(format!("m{n}"));
        message.body = Some(body);
        event.records.push(message);
    }
    event
}

fn failures(answer: &Value, count: usize) -> Vec<bool> {
    let failed: Vec<&str> = answer["batchItemFailures"]
        .as_array()
        .map(|all| all.iter().filter_map(|f| f["itemIdentifier"].as_str()).collect())
        .unwrap_or_default();
    (0..count).map(|n| failed.contains(&format!("m{n}").as_str())).collect()
}
