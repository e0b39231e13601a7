//! A customer at one moment: every read finds her as she stands then, every write is taken down and changes
//! nothing. The same from run to run, and without a database, so that a request can be made a million times.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Entropy;
use linekeeper_platform::store::Store;
use serde_json::{Map, Value, json};

use crate::doubles::Keys;
use crate::people::ANA;
use crate::world::{LEDGER, STATE, World};
use crate::{Phone, Session, enrol, iccid};

/// The keys of this world, and of the device and the phone in it.
pub const SEED: u8 = 7;

/// Numbers in a row: the same codes and ids from run to run.
#[derive(Debug, Default)]
struct InARow(AtomicU32);

impl Entropy for InARow {
    fn below(&self, bound: u32) -> u32 {
        let n = self.0.fetch_add(1, Ordering::Relaxed);
        (n.wrapping_mul(2_654_435_761) >> 7) % bound.max(1)
    }
}

/// Ana, who has a passkey, in the middle of two changes.
pub struct Frozen {
    /// All functions; their database stands still.
    pub world: World,
    /// The path of the challenge that a code answers, and that code.
    pub by_code: (String, String),
    /// The path of the challenge that her passkey answers, and its options.
    pub by_passkey: (String, Value),
    /// The token of a "this was not me" link.
    pub link: String,
    /// Her phone.
    pub phone: Phone,
    writes: Arc<Mutex<Vec<Value>>>,
}

impl std::fmt::Debug for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frozen").finish_non_exhaustive()
    }
}

impl Frozen {
    /// Lives through what leads to the moment.
    pub async fn new() -> Self {
        let mut world = World::new().await;
        world.rekey(&Arc::new(Keys::of(SEED, world.tap.clone())));
        world.each_shell(|shell| shell.entropy = Arc::new(InARow::default()));
        world.customer(&ANA).await;
        let (home, mut phone) = (Session::at_home(&ANA), Phone::new(SEED));
        enrol::add_passkey(&world, &home, &mut phone).await;
        enrol::days_pass(&world, &ANA, 10).await;

        let reset = enrol::opened(&world, &home, "reset", &json!({"kind": "credential_reset"})).await;
        let challenge = world.challenge_as(&home, &reset, "passkey").await;
        let by_passkey = (path(&reset, &challenge.text("challenge_id")), challenge.body["passkey"].clone());
        let swap = enrol::opened(&world, &home, "swap", &ANA.sim_swap(&iccid(1))).await;
        let (challenge, code) = enrol::sent(&world, &home, &swap, "push_otp").await;
        let (by_code, link) = ((path(&swap, &challenge), code), world.inbox.link_token());
        // Long enough for another code.
        world.clock.advance(Span::minutes(1));

        let mut items = Vec::new();
        for item in world.items(STATE).await {
            items.push(Value::Object(written(&item)));
        }
        let writes = Arc::<Mutex<Vec<Value>>>::default();
        let store = Store::new(client(Standing { items, writes: writes.clone() }), STATE, LEDGER);
        world.each_shell(|shell| shell.store = store.clone());
        Self { world, by_code, by_passkey, link, phone, writes }
    }

    /// Forgets what was written, sent and published since the last time, and gives what was written.
    pub fn taken(&self) -> Vec<Value> {
        self.world.inbox.clear();
        self.world.dead.clear();
        self.world.tap.begin(None);
        std::mem::take(&mut *self.writes.lock().unwrap())
    }
}

fn path(change: &str, challenge: &str) -> String {
    format!("/v1/changes/{change}/challenges/{challenge}/answer")
}

/// An item as it crosses the wire.
#[expect(clippy::wildcard_enum_match_arm, reason = "the list is open")]
fn written(item: &HashMap<String, AttributeValue>) -> Map<String, Value> {
    fn value(it: &AttributeValue) -> Value {
        match it {
            AttributeValue::S(text) => json!({"S": text}),
            AttributeValue::N(number) => json!({"N": number}),
            AttributeValue::Bool(is) => json!({"BOOL": is}),
            AttributeValue::Null(is) => json!({"NULL": is}),
            AttributeValue::L(list) => json!({"L": list.iter().map(value).collect::<Vec<_>>()}),
            AttributeValue::M(members) => json!({"M": written(members)}),
            AttributeValue::B(bytes) => json!({"B": STANDARD.encode(bytes)}),
            other => panic!("{other:?} is stored nowhere"),
        }
    }
    item.iter().map(|(name, it)| (name.clone(), value(it))).collect()
}

fn client(standing: Standing) -> aws_sdk_dynamodb::Client {
    let credentials = aws_sdk_dynamodb::config::Credentials::new("test", "test", None, None, "test");
    let connector = SharedHttpConnector::new(standing);
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .endpoint_url("http://nowhere.invalid")
        .credentials_provider(credentials)
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .http_client(http_client_fn(move |_, _| connector.clone()));
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// DynamoDB with one table that stands still.
#[derive(Debug)]
struct Standing {
    items: Vec<Value>,
    writes: Arc<Mutex<Vec<Value>>>,
}

impl HttpConnector for Standing {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").and_then(|it| it.rsplit('.').next()).unwrap().to_owned();
        let asked = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let (status, answer) = self.answer(&operation, asked);
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(answer.to_string()))))
    }
}

impl Standing {
    fn answer(&self, operation: &str, asked: Value) -> (u16, Value) {
        match operation {
            "BatchGetItem" => {
                let keys = asked["RequestItems"][STATE]["Keys"].as_array().unwrap();
                let found: Vec<&Value> = keys.iter().filter_map(|key| self.item(key)).collect();
                (200, json!({"Responses": {STATE: found}, "UnprocessedKeys": {}}))
            }
            "Query" => {
                let pk = &asked["ExpressionAttributeValues"][":pk"];
                let found: Vec<&Value> = self.items.iter().filter(|item| item["pk"] == *pk).collect();
                (200, json!({"Items": found, "Count": found.len()}))
            }
            "UpdateItem" if asked["ExpressionAttributeValues"].get(":challenge").is_some() => self.claim(&asked),
            "UpdateItem" | "TransactWriteItems" => {
                self.writes.lock().unwrap().push(asked);
                (200, json!({}))
            }
            other => panic!("{other} is asked for by no function"),
        }
    }

    fn item(&self, key: &Value) -> Option<&Value> {
        self.items.iter().find(|item| item["pk"] == key["pk"] && item["sk"] == key["sk"])
    }

    /// One more guess at a challenge, if it is the one that is open.
    fn claim(&self, asked: &Value) -> (u16, Value) {
        let item = self.item(&asked["Key"]);
        let change = asked["ExpressionAttributeNames"]["#change"].as_str().unwrap();
        let open = item.map(|item| &item["body"]["M"]["book"]["M"]["changes"]["M"][change]["M"]["challenge"]["M"]["id"]);
        if open.is_some_and(|id| *id == asked["ExpressionAttributeValues"][":challenge"]) {
            return (200, json!({"Attributes": item}));
        }
        let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
        let mut refused = json!({"__type": kind, "message": "The conditional request failed"});
        if let Some(item) = item {
            refused["Item"] = item.clone();
        }
        (400, refused)
    }
}
