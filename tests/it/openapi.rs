//! The HTTP API's document, `infra/openapi.yaml`, holds the functions: what they answer is what it says,
//! no more and no less, and what it calls a problem changes nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: what does not hold must stop the test"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use jsonschema::{Draft, Validator};
use linekeeper_domain::checkup::{Finding, Goal, Part, Step, StepState, Thing, Worth};
use linekeeper_domain::config::Settings;
use linekeeper_domain::desk::{DocumentKind, Field, Purpose};
use linekeeper_domain::ids::{AccountId, ChangeId, Subject};
use linekeeper_domain::kinds::{ChangeKind, Enrollable, Factor, Mode, Protection, Status, WhyNot};
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::keys::{Jwks, Published, sign_not_me};
use linekeeper_platform::problem::ProblemKind;
use linekeeper_platform::store::Error;
use linekeeper_tests::desk::{staff, with_claim};
use linekeeper_tests::people::{ANA, AT_HOME, BEA};
use linekeeper_tests::world::{ISSUER, LEDGER, STATE, customer, representative};
use linekeeper_tests::{Answer, Fault, Keys, Tap, World, iccid};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};

// ---------------------------------------------------------------- the document

/// Problems that are recorded. All others change nothing.
const RECORDED: [&str; 5] = ["refused", "code-wrong", "number-wrong", "signature-wrong", "delivery-failed"];

/// What only a race gives: the factor is removed between the reading and the writing of its answer.
const RACED: [(&str, u16, &str); 1] = [("answerChallenge", 422, "factor-not-offered")];

/// Headers that say something of one answer: the document names them where they come.
const TELLING: [&str; 4] = ["allow", "location", "retry-after", "www-authenticate"];

struct Document(Value);

struct Operation<'a> {
    id: &'a str,
    method: String,
    path: &'a str,
    shape: &'a Value,
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

impl Document {
    fn read() -> Self {
        Self(yaml(include_str!("../../infra/openapi.yaml")))
    }

    /// A part of the document, or what it refers to.
    fn at<'a>(&'a self, part: &'a Value) -> &'a Value {
        match part["$ref"].as_str() {
            Some(place) => self.0.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("{place} leads nowhere")),
            None => part,
        }
    }

    fn operations(&self) -> Vec<Operation<'_>> {
        let of_path = |(path, item)| {
            members(item).filter(|(method, _)| *method != "parameters").map(move |(method, shape)| Operation {
                id: shape["operationId"].as_str().unwrap(),
                method: method.to_uppercase(),
                path,
                shape,
            })
        };
        members(&self.0["paths"]).flat_map(of_path).collect()
    }

    fn operation(&self, method: &str, path: &str) -> Operation<'_> {
        let fits = |template: &str| {
            let (wanted, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
            wanted.len() == given.len() && wanted.iter().zip(given).all(|(w, g)| w.starts_with('{') || *w == g)
        };
        let found = self.operations().into_iter().find(|one| one.method == method && fits(one.path));
        found.unwrap_or_else(|| panic!("{method} {path} is no operation"))
    }

    /// Validates against a schema that may refer to others of the document.
    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = schema.clone();
        schema["components"] = self.0["components"].clone();
        jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true).build(&schema).unwrap()
    }

    /// The problems that a schema allows: names and statuses.
    fn problems<'a>(&'a self, schema: &'a Value) -> Vec<(&'a str, u64)> {
        let schema = self.at(schema);
        match schema["oneOf"].as_array() {
            Some(some) => some.iter().flat_map(|one| self.problems(one)).collect(),
            None => {
                let urn = schema["properties"]["type"]["const"].as_str().unwrap();
                vec![(
                    urn.strip_prefix("urn:linekeeper:problem:").unwrap(),
                    schema["properties"]["status"]["const"].as_u64().unwrap(),
                )]
            }
        }
    }

    /// Every answer that an operation documents: status, and the problem's name where it is one.
    fn answers(&self, id: &str) -> BTreeSet<(u16, String)> {
        let operations = self.operations();
        let operation = operations.iter().find(|one| one.id == id).unwrap();
        let of_status = |(status, response)| {
            let status: u16 = str::parse(status).unwrap();
            let problem = &self.at(response)["content"]["application/problem+json"]["schema"];
            let names: Vec<String> = if problem.is_null() {
                vec![String::new()]
            } else {
                self.problems(problem).into_iter().map(|(name, _)| name.to_owned()).collect()
            };
            names.into_iter().map(move |name| (status, name))
        };
        members(&operation.shape["responses"]).flat_map(of_status).collect()
    }

    /// The schema of an operation's body.
    fn body(&self, operation: &Operation<'_>) -> Option<Validator> {
        let schema = &operation.shape["requestBody"]["content"]["application/json"]["schema"];
        (!schema.is_null()).then(|| self.validator(schema))
    }
}

impl Operation<'_> {
    /// Whether it looks at the proof of a device's key.
    fn proven(&self, document: &Document) -> bool {
        self.shape["parameters"].as_array().into_iter().flatten().any(|one| document.at(one)["name"] == "DPoP")
    }

    /// Whether a token with this scope may call it.
    fn lets(&self, document: &Document, scope: &str) -> bool {
        let security = self.shape.get("security").unwrap_or(&document.0["security"]);
        security.as_array().unwrap().iter().any(|one| texts(&one["token"]).contains(&scope))
    }
}

// ---------------------------------------------------------------- the bench

#[derive(Clone)]
struct Request {
    claims: Option<Value>,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Request {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        let headers = AT_HOME.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { claims: Some(customer(&ANA)), method, path: path.into(), headers, body: None }
    }

    fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path)
    }

    fn by(mut self, claims: Option<Value>) -> Self {
        self.claims = claims;
        self
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn key(self, key: &str) -> Self {
        self.header("idempotency-key", &format!("\"{key}\""))
    }

    fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    fn text(mut self, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self
    }

    fn naming(mut self, account: &str) -> Self {
        self.path = format!("{}?account_id={account}", self.path);
        self
    }
}

type Items = BTreeMap<String, HashMap<String, AttributeValue>>;

/// Calls functions, and holds every answer to the document.
struct Bench {
    world: World,
    document: Document,
    seen: BTreeMap<String, BTreeSet<(u16, String)>>,
    /// Whether what is called now counts as a guess, whatever comes of it.
    guessing: bool,
}

impl Bench {
    /// With Ana, and Bea who is somebody else.
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        let world = World::with(settings).await;
        world.customer(&BEA).await;
        world.customer(&ANA).await;
        Self { world, document: Document::read(), seen: BTreeMap::new(), guessing: false }
    }

    async fn stored(&self) -> Items {
        let mut stored = Items::new();
        for table in [STATE, LEDGER] {
            for item in self.world.items(table).await {
                stored.insert(format!("{table} {:?} {:?}", item["pk"], item.get("sk").or(item.get("seq"))), item);
            }
        }
        stored
    }

    async fn call(&mut self, request: &Request) -> Answer {
        let headers: Vec<(&str, &str)> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (before, sent) = (self.stored().await, self.world.inbox.all());
        let answer =
            self.world.call_raw(request.claims.as_ref(), request.method, &request.path, &headers, request.body.clone()).await;
        let path = request.path.split('?').next().unwrap();
        let operation = self.document.operation(request.method, path);
        self.holds(&operation, &answer);

        if answer.status < 300
            && let (Some(schema), Some(body)) = (self.document.body(&operation), &request.body)
        {
            let body: Value = serde_json::from_str(body).unwrap();
            assert!(schema.is_valid(&body), "{} took a body that the document does not allow: {body}", operation.id);
        }
        // Too many contacts of one representative call the fraud desk, once.
        let insider = operation.id == "beginContact" && answer.problem() == "too-many-requests";
        let recorded = self.guessing || insider || RECORDED.contains(&answer.problem());
        if request.method == "GET" || (answer.status >= 400 && !recorded) {
            assert_eq!(self.stored().await, before, "{} answered {} and changed something", operation.id, answer.body);
            assert_eq!(self.world.inbox.all(), sent, "{} answered {} and sent something", operation.id, answer.body);
        }
        let id = operation.id.to_owned();
        self.seen.entry(id).or_default().insert((answer.status, answer.problem().to_owned()));
        answer
    }

    /// The answer is one that the document knows, to the last member.
    fn holds(&self, operation: &Operation<'_>, answer: &Answer) {
        let what = format!("{} answered {} {}", operation.id, answer.status, answer.body);
        let response = self.document.at(&operation.shape["responses"][answer.status.to_string()]);
        assert!(response.is_object(), "{what}: the status is not documented");
        let schema = &response["content"][&answer.headers["content-type"]]["schema"];
        assert!(schema.is_object(), "{what}: its media type is not documented");
        let validator = self.document.validator(schema);
        let faults: Vec<String> = validator.iter_errors(&answer.body).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{what}: {faults:#?}");
        for (name, header) in members(&response["headers"]) {
            let header = self.document.at(header);
            let value = answer.headers.get(&name.to_lowercase());
            assert!(value.is_some() || header["required"] != true, "{what}: no {name}");
            let schema = self.document.validator(&header["schema"]);
            assert!(value.is_none_or(|value| schema.is_valid(&json!(value))), "{what}: {name} is {value:?}");
        }
        for name in TELLING.iter().filter(|name| answer.headers.contains_key(**name)) {
            let mut documented = members(&response["headers"]);
            assert!(documented.any(|(known, _)| known.eq_ignore_ascii_case(name)), "{what}: {name} is not documented");
        }
        if !members(&response["headers"]).any(|(name, _)| name == "Cache-Control") {
            assert_eq!(answer.headers["cache-control"], "no-store", "{what}");
        }
    }

    async fn gives(&mut self, status: u16, problem: &str, request: &Request) -> Answer {
        // In a box: a test awaits dozens of these, and each would have room of its own on the stack.
        let answer = Box::pin(self.call(request)).await;
        assert_eq!((answer.status, answer.problem()), (status, problem), "{} {}: {}", request.method, request.path, answer.body);
        answer
    }

    /// Bodies that cannot be read. The document does not allow those that are JSON either.
    async fn malformed(&mut self, good: &Request, bodies: &[Value]) {
        for body in bodies {
            self.gives(400, "malformed", &good.clone().json(body)).await;
            let operation = self.document.operation(good.method, good.path.split('?').next().unwrap());
            assert!(!self.document.body(&operation).unwrap().is_valid(body), "the document allows {body}");
        }
    }

    /// What every operation answers to whoever may not call it, to what is too large or no JSON, and where
    /// a table does not answer or holds nonsense. `good` is a request that would do otherwise.
    async fn common(&mut self, good: &Request) {
        let operation = self.document.operation(good.method, good.path.split('?').next().unwrap());
        let body = self.document.body(&operation);
        let proven = operation.proven(&self.document);
        let answers = operation.id == "answerChallenge";
        // Nothing is named, and all is meant.
        let all = ["viewCustomer", "deskStop", "deskReport"].contains(&operation.id);
        let representatives = operation.lets(&self.document, "linekeeper:representative");
        let customers = operation.lets(&self.document, "linekeeper:customer");

        self.gives(413, "too-large", &good.clone().text(&"x".repeat(16 * 1024 + 1))).await;
        if customers {
            self.gives(401, "unauthenticated", &good.clone().by(None)).await;
            self.gives(401, "unauthenticated", &good.clone().by(Some(json!({"scope": "linekeeper:customer"})))).await;
            let no_id = json!({"sub": "+13055550123", "scope": "linekeeper:customer"});
            self.gives(401, "unauthenticated", &good.clone().by(Some(no_id))).await;
            for scope in ["", "openid", "linekeeper:customer linekeeper:representative"] {
                self.gives(403, "forbidden", &good.clone().by(Some(json!({"sub": ANA.account, "scope": scope})))).await;
            }
            self.gives(403, "forbidden", &good.clone().by(Some(representative("porting"))).naming(ANA.account)).await;
            for account in [BEA.account, "acct-nobody", "+13055550123", ""] {
                self.gives(404, "not-found", &good.clone().naming(account)).await;
            }
            for channel in ["phone", "chat", "email", "store"] {
                self.gives(403, "forbidden", &good.clone().by(Some(representative(channel))).naming(ANA.account)).await;
            }
        }
        if representatives {
            self.gives(401, "unauthenticated", &good.clone().by(None)).await;
            self.gives(403, "forbidden", &good.clone().by(Some(customer(&ANA)))).await;
            let staff = good.claims.clone().unwrap();
            for claim in ["role", "name", "place", "sid", "device_id", "contact_channel"] {
                self.gives(403, "forbidden", &good.clone().by(Some(with_claim(staff.clone(), claim, None)))).await;
            }
        }
        if proven {
            for proof in ["", "nonsense", "a.b.c", "a.b.c,a.b.c"] {
                self.gives(401, "proof-invalid", &good.clone().header("dpop", proof)).await;
            }
        }
        if let Some(schema) = body {
            for media_type in ["text/plain", "", "application/x-www-form-urlencoded", "application/jsonp"] {
                self.gives(415, "unsupported-media-type", &good.clone().header("content-type", media_type)).await;
            }
            for text in ["", "{", "nonsense", "{\"a\":1}{}", &"[".repeat(10_000)] {
                self.gives(400, "malformed", &good.clone().text(text)).await;
            }
            let mut more: Value = serde_json::from_str(good.body.as_ref().unwrap()).unwrap();
            more["more"] = json!(true);
            self.malformed(good, &[more, json!([]), json!(null), json!("text"), json!(5)]).await;
            if !all {
                self.gives(400, "malformed", &good.clone().json(&json!({}))).await;
            }
            // Nothing is an answer where a proof comes along.
            assert_eq!(schema.is_valid(&json!({})), answers || all);
        }

        self.world.tap.begin(Some(Fault::Before(1)));
        self.gives(503, "try-again", good).await;
        self.world.tap.begin(None);
        let kept = self.world.items(STATE).await;
        for item in &kept {
            self.put(item, |item| item.insert("body".to_owned(), AttributeValue::S("nonsense".to_owned()))).await;
        }
        self.gives(500, "internal", good).await;
        for item in &kept {
            self.put(item, |_| None).await;
        }
    }

    async fn put(
        &self,
        item: &HashMap<String, AttributeValue>,
        change: impl FnOnce(&mut HashMap<String, AttributeValue>) -> Option<AttributeValue>,
    ) {
        let mut item = item.clone();
        change(&mut item);
        self.world.client.put_item().table_name(STATE).set_item(Some(item)).send().await.unwrap();
    }

    /// Ana asks for a change; its id.
    async fn change(&mut self, key: &str, body: &Value) -> String {
        self.gives(201, "", &ask(key, body)).await.text("change_id")
    }

    /// Everything that the document says of an operation was answered.
    fn complete(&self, id: &str) {
        let raced = RACED.iter().filter(|(one, ..)| *one == id).map(|(_, status, problem)| (*status, (*problem).to_owned()));
        let seen: BTreeSet<_> = self.seen[id].iter().cloned().chain(raced).collect();
        assert_eq!(seen, self.document.answers(id), "left: what {id} answered; right: what is documented");
    }
}

fn ask(key: &str, body: &Value) -> Request {
    Request::post("/v1/changes").key(key).json(body)
}

fn challenge(change: &str, factor: &str) -> Request {
    Request::post(format!("/v1/changes/{change}/challenges")).json(&json!({"factor": factor}))
}

fn answer(change: &str, challenge: &str, code: &str) -> Request {
    Request::post(format!("/v1/changes/{change}/challenges/{challenge}/answer")).json(&json!({"code": code}))
}

fn set_up(change: &str, factor: &str) -> Request {
    Request::post(format!("/v1/changes/{change}/challenges")).json(&json!({"factor": factor, "enrol": true}))
}

fn answer_with(change: &str, challenge: &str, body: &Value) -> Request {
    Request::post(format!("/v1/changes/{change}/challenges/{challenge}/answer")).json(body)
}

fn factor_add(key: &str, factor: &str) -> Request {
    ask(key, &json!({"kind": "factor_add", "factor": factor}))
}

/// A request with the proof of a device's key.
fn proven(request: Request, now: Timestamp, jti: &str) -> Request {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": text(point.x().unwrap()), "y": text(point.y().unwrap())});
    let head = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
    let path = request.path.split('?').next().unwrap();
    let claims = json!({"jti": jti, "htm": request.method, "htu": format!("{ISSUER}{path}"), "iat": now.as_second()});
    let input = format!("{}.{}", text(head.to_string().as_bytes()), text(claims.to_string().as_bytes()));
    let signature: Signature = key.sign(input.as_bytes());
    let proof = format!("{input}.{}", text(&signature.to_bytes()));
    request.header("dpop", &proof)
}

/// Bea asks for what a protection of hers blocks: a refusal.
async fn locked(world: &World, key: &str) -> Request {
    world.protect(&BEA, "no_port_out", "block", Some(BEA.line)).await;
    ask(key, &json!({"kind": "port_pin", "line_id": BEA.line})).by(Some(customer(&BEA)))
}

fn cancel(change: &str) -> Request {
    Request::post(format!("/v1/changes/{change}/cancel"))
}

/// Another code than this one.
fn wrong(code: &str) -> String {
    code.chars().map(|c| if c == '0' { '1' } else { '0' }).collect()
}

/// Ids of no change of Ana's: malformed, unknown, and Bea's own.
async fn not_hers(world: &World) -> Vec<String> {
    let of_bea = world.ask(&BEA, "bea", &json!({"kind": "number_change", "line_id": BEA.line})).await;
    assert_eq!(of_bea.status, 201, "{}", of_bea.body);
    let mut ids: Vec<String> =
        ["x", "account.", "line..x", "other.x", "line.line-ana.x", "account.x", "line.line-nobody.x", "account.a%2Fb"]
            .map(str::to_owned)
            .to_vec();
    ids.push(format!("line.{}.x", "l".repeat(65)));
    ids.push(of_bea.text("change_id"));
    ids
}

// ---------------------------------------------------------------- the document and what stands beside it

struct Route {
    method: String,
    path: String,
    function: String,
    with_token: bool,
}

/// The routes of the template, each with the function that it is integrated with.
fn routes() -> Vec<Route> {
    let template = yaml(include_str!("../../infra/template.yaml"));
    let of_type = |wanted: &'static str| members(&template["Resources"]).filter(move |(_, one)| one["Type"] == wanted);
    let function = |target: &str| {
        let integration = target.strip_prefix("integrations/${").and_then(|rest| rest.strip_suffix('}')).unwrap();
        let (_, integration) = of_type("AWS::ApiGatewayV2::Integration").find(|(name, _)| *name == integration).unwrap();
        integration["Properties"]["IntegrationUri"].as_str().unwrap().strip_suffix(".Alias").unwrap().to_owned()
    };
    let route = |(_, route): (_, &Value)| {
        let properties = &route["Properties"];
        let (method, path) = properties["RouteKey"].as_str().unwrap().split_once(' ').unwrap();
        Route {
            method: method.to_owned(),
            path: path.to_owned(),
            function: function(properties["Target"].as_str().unwrap()),
            with_token: properties["AuthorizationType"] == "JWT",
        }
    };
    of_type("AWS::ApiGatewayV2::Route").map(route).collect()
}

const FUNCTIONS: [&str; 4] = ["RequestIntake", "CareDesk", "OtpIssue", "OtpVerify"];

/// Calls one function past the router: status, problem, and the methods it names.
async fn past(world: &World, function: &str, method: &str, path: &str) -> (u64, String, String) {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {}, "isBase64Encoded": false,
        "requestContext": {"stage": "$default", "requestId": "request-1", "timeEpoch": 1,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "test"}},
    });
    let event = serde_json::from_value(event).unwrap();
    let answer = match function {
        "RequestIntake" => world.intake.handle(event).await,
        "CareDesk" => world.desk.handle(event).await,
        "OtpIssue" => world.issue.handle(event).await,
        "OtpVerify" => world.verify.handle(event).await,
        other => panic!("{other} has no routes"),
    };
    let answer = serde_json::to_value(answer).unwrap();
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    let document = Document::read();
    if answer["statusCode"] != 200 {
        assert!(document.validator(&json!({"$ref": "#/components/schemas/Problem"})).is_valid(&body), "{body}");
    }
    let problem = body["type"].as_str().and_then(|urn| urn.rsplit(':').next()).unwrap_or_default().to_owned();
    (answer["statusCode"].as_u64().unwrap(), problem, answer["headers"]["allow"].as_str().unwrap_or_default().to_owned())
}

/// A path with ids in place of its parameters.
fn concrete(path: &str) -> String {
    path.replace("{change_id}", "line.line-ana.x").replace("{challenge_id}", "ch-1").replace("{contact_id}", "cc-1")
}

#[test]
fn every_route_of_the_template_is_an_operation_of_the_document_and_the_reverse() {
    let document = Document::read();
    let documented: BTreeSet<(String, String, bool)> = document
        .operations()
        .iter()
        .map(|one| {
            let with_token = ["linekeeper:customer", "linekeeper:representative"].iter().any(|scope| one.lets(&document, scope));
            (one.method.clone(), one.path.to_owned(), with_token)
        })
        .collect();
    let routed = routes().into_iter().map(|route| (route.method, route.path, route.with_token)).collect();
    assert_eq!(documented, routed, "method, path, and whether a token is asked for");
}

#[tokio::test]
async fn every_route_is_served_by_the_function_it_is_integrated_with_and_by_no_other() {
    let world = World::new().await;
    for route in routes() {
        for function in FUNCTIONS {
            let (status, problem, _) = past(&world, function, &route.method, &concrete(&route.path)).await;
            let served = !["not-found", "method-not-allowed"].contains(&problem.as_str());
            assert_eq!(served, function == route.function, "{} {} by {function}: {status} {problem}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_not_found_and_a_wrong_method_is_told_the_right_ones() {
    let world = World::new().await;
    for function in FUNCTIONS {
        for path in [
            "/",
            "",
            "/v1",
            "/v1/",
            "/v2/changes",
            "/v1/changes/a/b",
            "/v1/changes/a/cancel/",
            "/v1/protections/x",
            "/v1/Changes",
        ] {
            for method in ["GET", "POST", "PUT"] {
                let (status, problem, _) = past(&world, function, method, path).await;
                assert_eq!((status, problem.as_str()), (404, "not-found"), "{method} {path} by {function}");
            }
        }
    }
    for route in routes() {
        let right: BTreeSet<String> = routes().into_iter().filter(|one| one.path == route.path).map(|one| one.method).collect();
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            if !right.contains(method) {
                let (status, problem, allow) = past(&world, &route.function, method, &concrete(&route.path)).await;
                assert_eq!((status, problem.as_str()), (405, "method-not-allowed"), "{method} {}", route.path);
                assert_eq!(allow.split(", ").map(str::to_owned).collect::<BTreeSet<_>>(), right, "{}", route.path);
            }
        }
    }
}

#[test]
fn the_document_lists_every_problem_with_its_title_and_status_and_no_other() {
    let document = Document::read();
    let list = document.0["components"]["schemas"]["Problem"]["oneOf"].as_array().unwrap();
    let one = |problem| {
        let member = |name: &str| document.at(problem)["properties"][name]["const"].clone();
        (member("type").to_string(), member("title").to_string(), member("status").to_string())
    };
    let documented: BTreeSet<_> = list.iter().map(one).collect();
    let known: BTreeSet<_> = ProblemKind::ALL
        .iter()
        .map(|kind| (json!(kind.type_uri()).to_string(), json!(kind.title()).to_string(), kind.status().to_string()))
        .collect();
    assert_eq!(documented, known);
    assert_eq!(list.len(), ProblemKind::ALL.len());
}

#[test]
fn a_problem_stands_under_its_own_status() {
    let document = Document::read();
    for operation in document.operations() {
        for (status, response) in members(&operation.shape["responses"]) {
            let problems = &document.at(response)["content"]["application/problem+json"]["schema"];
            for (name, own) in if problems.is_null() { Vec::new() } else { document.problems(problems) } {
                assert_eq!(own.to_string(), status, "{name} in {}", operation.id);
            }
        }
    }
}

#[test]
fn the_documents_words_are_the_domains() {
    let document = Document::read();
    let words = |name: &str| -> Vec<String> {
        texts(&document.0["components"]["schemas"][name]["enum"]).into_iter().map(str::to_owned).collect()
    };
    macro_rules! of { ($($kind:ident),+) => { $(assert_eq!(words(stringify!($kind)), $kind::ALL.iter().map(|one| one.word()).collect::<Vec<_>>());)+ } }
    of!(ChangeKind, Status, Factor, Enrollable, WhyNot, Protection, Mode, Purpose, Field, DocumentKind);

    let schemas = &document.0["components"]["schemas"];
    let protections: BTreeSet<&str> = members(&schemas["Protections"]["properties"]).map(|(name, _)| name).collect();
    assert_eq!(protections, Protection::ALL.iter().map(|one| one.word()).collect());
    let asked: BTreeSet<&str> = schemas["ChangeRequest"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["properties"]["kind"]["const"].as_str().unwrap())
        .collect();
    let in_the_app = ChangeKind::ALL.iter().filter(|kind| **kind != ChangeKind::PortOut);
    assert_eq!(asked, in_the_app.map(|one| one.word()).collect());
}

#[test]
fn every_object_of_the_document_is_closed() {
    fn walk(place: &str, schema: &Value) {
        if schema["properties"].is_object() && !place.ends_with("/ProblemMembers") {
            let closed = schema["additionalProperties"] == false || schema["unevaluatedProperties"] == false;
            assert!(closed, "{place} lets unknown members in");
        }
        match schema {
            Value::Object(all) => all.iter().for_each(|(name, one)| walk(&format!("{place}/{name}"), one)),
            Value::Array(all) => all.iter().enumerate().for_each(|(n, one)| walk(&format!("{place}/{n}"), one)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    walk("", &Document::read().0["components"]["schemas"]);
}

#[test]
fn every_operation_has_examples_and_they_fit() {
    let document = Document::read();
    let fitting = |what: &str, media: &Value| -> usize {
        let validator = document.validator(&media["schema"]);
        members(&media["examples"])
            .map(|(name, example)| {
                let value = &document.at(example)["value"];
                let faults: Vec<String> = validator.iter_errors(value).map(|fault| fault.to_string()).collect();
                assert!(!value.is_null() && faults.is_empty(), "{what}, example {name}: {faults:#?}");
            })
            .count()
    };
    for operation in document.operations() {
        let own = operation.shape["parameters"].as_array().into_iter().flatten();
        let shared = document.0["paths"][operation.path]["parameters"].as_array().into_iter().flatten();
        for parameter in own.chain(shared).map(|parameter| document.at(parameter)) {
            assert!(fitting(operation.id, parameter) > 0, "{} has no example", parameter["name"]);
        }
        for (media_type, media) in members(&operation.shape["requestBody"]["content"]) {
            assert!(
                fitting(&format!("{} takes {media_type}", operation.id), media) > 0,
                "{} has no example of a body",
                operation.id
            );
        }
        for (status, response) in members(&operation.shape["responses"]) {
            for (media_type, media) in members(&document.at(response)["content"]) {
                let examples = fitting(&format!("{} gives {status} {media_type}", operation.id), media);
                assert!(examples > 0 || !status.starts_with('2'), "{} has no example of {status}", operation.id);
            }
        }
    }
}

// ---------------------------------------------------------------- the functions

#[tokio::test]
async fn asking_for_a_change_is_answered_as_documented() {
    let mut bench = Bench::new().await;
    let swap = ANA.sim_swap(&iccid(1));
    let good = ask("k1", &swap);
    bench.common(&good).await;

    let mut keyless = good.clone();
    keyless.headers.retain(|(name, _)| name != "idempotency-key");
    bench.gives(400, "idempotency-key-missing", &keyless).await;
    for key in ["", "\"\"", "\"open", "a,b", "with space", &"k".repeat(129)] {
        bench.gives(400, "malformed", &good.clone().header("idempotency-key", key)).await;
    }
    let sim = |sim: Value| json!({"kind": "sim_swap", "line_id": ANA.line, "sim": sim});
    bench
        .malformed(
            &good,
            &[
                json!({"kind": "sim_swapp", "line_id": ANA.line}),
                json!({"kind": 1}),
                json!({"kind": "sim_swap", "line_id": ANA.line}),
                json!({"kind": "sim_swap", "sim": {"iccid": iccid(1)}}),
                json!({"kind": "add_line", "line_id": ANA.line}),
                json!({"kind": "credential_reset", "password": "x"}),
                json!({"kind": "number_change", "line_id": ANA.line, "msisdn": "+13055550199"}),
                json!({"kind": "ownership", "line_id": ANA.line, "to": "x"}),
                json!({"kind": "authorized_user"}),
                json!({"kind": "authorized_user", "user": "Ann Example"}),
                json!({"kind": "protection_off", "protection": "everything"}),
                json!({"kind": "protection_off"}),
                json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "12345"}),
                json!({"kind": "contact_change", "add": {"fax": "1"}}),
                json!({"kind": "contact_change", "add": {"email": "not an address"}}),
                json!({"kind": "contact_change", "add": {"sms": "305 555 0123"}}),
                json!({"kind": "contact_change", "add": {"email": "a@example.com", "sms": "+13055550123"}}),
                json!({"kind": "contact_change", "add": {}}),
                json!({"kind": "factor_add"}),
                json!({"kind": "factor_add", "factor": "sms_otp"}),
                json!({"kind": "factor_add", "factor": "passkey", "id": "fc_1"}),
                json!({"kind": "factor_remove", "factor": "passkey"}),
                json!({"kind": "factor_remove", "factor": "passkey", "id": "a b"}),
                sim(json!({})),
                sim(json!("8901")),
                sim(json!({"iccid": "8901"})),
                sim(json!({"iccid": 8_901})),
                sim(json!({"iccid": iccid(1), "eid": "89"})),
                sim(json!({"iccid": iccid(1), "pin": "0000"})),
                json!({"kind": "sim_swap", "line_id": ANA.line, "sim": {"iccid": iccid(1)}, "phone_lost": "yes"}),
                json!({"kind": "sim_swap", "line_id": ANA.line, "sim": {"iccid": iccid(1)}, "account_id": BEA.account}),
            ],
        )
        .await;
    // Check digits: a schema cannot say them.
    for body in [
        sim(json!({"iccid": "8901260222193581235"})),
        sim(json!({"iccid": iccid(1), "eid": "89049032123451234512345678901236"})),
        json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "490154203237519"}),
        json!({"kind": "contact_change", "add": {"sms": "+10000000000"}}),
    ] {
        bench.gives(400, "malformed", &good.clone().json(&body)).await;
    }
    for line in [json!(BEA.line), json!("line-nobody"), json!("+13055550123"), json!(""), json!(5), Value::Null] {
        bench.gives(404, "not-found", &good.clone().json(&json!({"kind": "number_change", "line_id": line}))).await;
    }
    bench.gives(404, "not-found", &good.clone().by(Some(json!({"sub": "acct-nobody", "scope": "linekeeper:customer"})))).await;
    bench.gives(422, "kind-not-offered", &good.clone().json(&json!({"kind": "port_out", "line_id": ANA.line}))).await;
    for idle in [
        ANA.sim_swap(bench.world.line(&ANA).await.state.sim.iccid.as_str()),
        json!({"kind": "protection_off", "protection": "never_sim_swap", "line_id": ANA.line}),
        json!({"kind": "contact_change"}),
        json!({"kind": "contact_change", "remove": "unknown"}),
        json!({"kind": "factor_remove", "factor": "passkey", "id": "fc_unknown"}),
    ] {
        bench.gives(422, "nothing-to-change", &good.clone().json(&idle)).await;
    }

    let asked = bench.gives(201, "", &good).await;
    assert_eq!(asked.headers["location"], format!("/v1/changes/{}", asked.text("change_id")));
    let before = bench.stored().await;
    let again = bench.gives(200, "", &good).await;
    assert_eq!(again.body, asked.body);
    bench.gives(200, "", &good.clone().header("idempotency-key", "k1")).await;
    assert_eq!(bench.stored().await, before, "a repeat changed something");
    bench.gives(422, "idempotency-key-reused", &ask("k1", &ANA.sim_swap(&iccid(2)))).await;
    bench.gives(409, "change-already-open", &ask("k2", &swap)).await;

    let locked = locked(&bench.world, "k3").await;
    let refused = bench.gives(403, "refused", &locked).await;
    let before = bench.stored().await;
    assert_eq!(bench.gives(403, "refused", &locked).await.body, refused.body);
    assert_eq!(bench.stored().await, before, "a repeat changed something");

    bench.change("k4", &json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "490154203237518"})).await;
    bench.change("k5", &json!({"kind": "number_change", "line_id": ANA.line})).await;
    bench.gives(429, "too-many-requests", &ask("k6", &json!({"kind": "ownership", "line_id": ANA.line}))).await;
    bench.complete("createChange");
}

#[tokio::test]
async fn every_kind_that_is_offered_is_taken_with_every_member_that_it_has() {
    let mut bench = Bench::new().await;
    bench.world.protect(&BEA, "never_sim_swap", "step_up", Some(BEA.line)).await;
    for (n, (by, body)) in [
        (Some(customer(&ANA)), json!({"kind": "sim_swap", "line_id": ANA.line, "sim": {"iccid": iccid(1), "eid": "89049032123451234512345678901235"}, "phone_lost": true})),
        (Some(customer(&ANA)), json!({"kind": "number_change", "line_id": ANA.line})),
        (Some(customer(&ANA)), json!({"kind": "ownership", "line_id": ANA.line})),
        (Some(customer(&ANA)), json!({"kind": "contact_change", "add": {"push": "arn:aws:sns:us-east-1:000000000000:endpoint/x"}, "remove": "app"})),
        (Some(customer(&ANA)), json!({"kind": "credential_reset"})),
        (Some(customer(&ANA)), json!({"kind": "authorized_user", "user": "us_31"})),
        (Some(customer(&BEA)), json!({"kind": "factor_add", "factor": "totp"})),
        (Some(customer(&BEA)), json!({"kind": "device_upgrade", "line_id": BEA.line, "imei": "490154203237518"})),
        (Some(customer(&BEA)), json!({"kind": "add_line"})),
        (Some(customer(&BEA)), json!({"kind": "contact_change", "add": {"sms": "+13055550188"}})),
        (Some(customer(&BEA)), json!({"kind": "protection_off", "protection": "never_sim_swap", "line_id": BEA.line})),
    ]
    .into_iter()
    .enumerate()
    {
        let request = ask(&format!("k{n}"), &body).by(by);
        let answer = bench.gives(201, "", &request).await;
        assert_eq!(answer.body["kind"], body["kind"]);
        assert_eq!(answer.body.get("line_id"), body.get("line_id"));
    }
}

#[tokio::test]
async fn listing_changes_is_answered_as_documented() {
    let mut bench = Bench::new().await;
    let good = Request::get("/v1/changes");
    bench.common(&good).await;
    let id = bench.change("k1", &json!({"kind": "add_line"})).await;
    bench.change("k2", &ANA.sim_swap(&iccid(1))).await;
    bench.gives(200, "", &cancel(&id)).await;
    let listed = bench.gives(200, "", &good.clone().naming(ANA.account)).await;
    assert_eq!(listed.body["changes"].as_array().unwrap().len(), 2);
    let of_bea = bench.gives(200, "", &good.by(Some(customer(&BEA)))).await;
    assert_eq!(of_bea.body, json!({"changes": []}));
    bench.complete("listChanges");
}

#[tokio::test]
async fn reading_a_change_is_answered_as_documented() {
    let mut bench = Bench::new().await;
    let id = bench.change("k1", &ANA.sim_swap(&iccid(1))).await;
    let good = Request::get(format!("/v1/changes/{id}"));
    bench.common(&good).await;
    for id in not_hers(&bench.world).await {
        bench.gives(404, "not-found", &Request::get(format!("/v1/changes/{id}"))).await;
    }
    bench.gives(404, "not-found", &good.clone().by(Some(customer(&BEA)))).await;

    // As it stands in every state that a customer can bring it to.
    let mut stands = vec![bench.gives(200, "", &good).await.text("status")];
    let issued = bench.gives(201, "", &challenge(&id, "push_otp")).await;
    let code = bench.world.inbox.code();
    bench.gives(200, "", &answer(&id, &issued.text("challenge_id"), &code)).await;
    stands.push(bench.gives(200, "", &good).await.text("status"));
    bench.world.pump().await;
    stands.push(bench.gives(200, "", &good).await.text("status"));
    bench.world.clock.advance(Span::hours(1));
    stands.push(bench.gives(200, "", &good).await.text("status"));
    let refused = locked(&bench.world, "k2").await;
    let refused = bench.gives(403, "refused", &refused).await.text("change_id");
    let of_bea = Request::get(format!("/v1/changes/{refused}")).by(Some(customer(&BEA)));
    stands.push(bench.gives(200, "", &of_bea).await.text("status"));
    let reset = bench.change("k3", &json!({"kind": "credential_reset"})).await;
    bench.world.clock.advance(Span::days(2));
    stands.push(bench.gives(200, "", &Request::get(format!("/v1/changes/{reset}"))).await.text("status"));
    assert_eq!(stands, ["step_up_required", "verified", "authorized", "lapsed", "refused", "expired"]);
    bench.complete("readChange");
}

#[tokio::test]
async fn stopping_a_change_is_answered_as_documented() {
    let mut bench = Bench::new().await;
    let id = bench.change("k1", &ANA.sim_swap(&iccid(1))).await;
    bench.common(&cancel(&id)).await;
    assert!(!bench.document.operation("POST", &format!("/v1/changes/{id}/cancel")).proven(&bench.document));
    for id in not_hers(&bench.world).await {
        bench.gives(404, "not-found", &cancel(&id)).await;
    }
    bench.gives(404, "not-found", &cancel(&id).by(Some(customer(&BEA)))).await;

    let stopped = bench.gives(200, "", &cancel(&id)).await;
    assert_eq!(stopped.body["status"], "cancelled");
    let before = bench.stored().await;
    // Whatever came of the device's key, stopping works.
    bench.gives(200, "", &cancel(&id).header("dpop", "nonsense")).await;
    assert_eq!(bench.stored().await, before, "a repeat changed something");

    let refused = locked(&bench.world, "k2").await;
    let refused = bench.gives(403, "refused", &refused).await.text("change_id");
    bench.gives(409, "change-closed", &cancel(&refused).by(Some(customer(&BEA)))).await;
    bench.complete("cancelChange");
}

#[tokio::test]
async fn asking_for_a_challenge_is_answered_as_documented() {
    let mut bench = Bench::with(Settings { guesses_per_day: 1, ..Settings::default() }).await;
    let id = bench.change("k1", &ANA.sim_swap(&iccid(1))).await;
    let good = challenge(&id, "push_otp");
    bench.common(&good).await;
    let bodies = [
        json!({"factor": "face"}),
        json!({"factor": ["sms_otp"]}),
        json!({"factor": null}),
        json!({"enrol": true}),
        json!({"factor": "passkey", "enrol": "yes"}),
    ];
    bench.malformed(&good, &bodies).await;
    for factor in ["sms_otp", "email_otp", "recovery_code", "totp", "passkey", "device_key"] {
        bench.gives(422, "factor-not-offered", &challenge(&id, factor)).await;
        bench.gives(422, "factor-not-offered", &set_up(&id, factor)).await;
    }
    for id in not_hers(&bench.world).await {
        bench.gives(404, "not-found", &challenge(&id, "push_otp")).await;
    }
    bench.gives(404, "not-found", &good.clone().by(Some(customer(&BEA)))).await;
    let refused = locked(&bench.world, "k2").await;
    let refused = bench.gives(403, "refused", &refused).await.text("change_id");
    bench.gives(409, "change-closed", &challenge(&refused, "push_otp").by(Some(customer(&BEA)))).await;

    // Whatever a customer sets up, by what she needs for it.
    for (factor, needs) in [("passkey", "passkey"), ("totp", "totp"), ("recovery_code", "recovery_codes"), ("device_key", "")] {
        let adds = bench.gives(201, "", &factor_add(factor, factor)).await;
        assert_eq!(adds.body["set_up"], factor);
        let adds = adds.text("change_id");
        let other = if factor == "totp" { "passkey" } else { "totp" };
        bench.gives(422, "factor-not-offered", &set_up(&adds, other)).await;
        let opened = bench.gives(201, "", &set_up(&adds, factor)).await;
        let more: Vec<&str> = members(&opened.body).map(|(name, _)| name).collect();
        assert!(needs.is_empty() || more.contains(&needs), "{factor}: {more:?}");
        assert_eq!(more.len(), 3 + usize::from(!needs.is_empty()), "{factor}: {more:?}");
        let now = bench.world.shell.clock.now();
        let again = proven(set_up(&adds, factor), now, &format!("proof-for-{factor}"));
        bench.gives(201, "", &again).await;
        bench.gives(401, "proof-invalid", &again).await;
        bench.gives(200, "", &cancel(&adds)).await;
    }

    bench.world.inbox.down(&["push"]);
    bench.gives(502, "delivery-failed", &good).await;
    bench.world.inbox.down(&[]);
    bench.gives(429, "too-many-codes", &good).await;
    bench.world.clock.advance(Span::minutes(1));
    let issued = bench.gives(201, "", &good).await;
    let code = wrong(&bench.world.inbox.code());
    bench.gives(422, "code-wrong", &answer(&id, &issued.text("challenge_id"), &code)).await;
    bench.world.clock.advance(Span::minutes(1));
    bench.gives(429, "too-many-attempts", &good).await;
    bench.complete("createChallenge");
}

#[tokio::test]
async fn an_answer_is_answered_as_documented() {
    let mut bench = Bench::with(Settings { guesses_per_challenge: 3, ..Settings::default() }).await;
    let id = bench.change("k1", &ANA.sim_swap(&iccid(1))).await;
    let first = bench.gives(201, "", &challenge(&id, "push_otp")).await.text("challenge_id");
    let code = bench.world.inbox.code();
    let good = answer(&id, &first, &code);
    bench.common(&good).await;
    let codes = [
        "",
        "12345",
        "1234567",
        "12345a",
        "１２３４５６",
        "1 2 3 4 5 6 7",
        "                  123456",
        "ABCD-EFGH-JKLM-NPQ",
        "ABCD-EFGH-JKLM-NPQ0",
        "ABCD_EFGH_JKLM_NPQR",
        "  A-B-C-D  E-F-G-H  J-K-L-M  N-P-Q-R-----",
    ];
    bench.malformed(&good, &codes.map(|code| json!({"code": code}))).await;
    bench.malformed(&good, &[json!({"code": 123_456}), json!({"code": null}), json!({"passkey": null})]).await;
    bench.malformed(&good, &[json!({"code": "123456", "passkey": {"id": "x"}})]).await;
    for id in not_hers(&bench.world).await {
        bench.gives(404, "not-found", &answer(&id, &first, &code)).await;
    }
    for malformed in ["a.b", "+13055550123", &"c".repeat(65)] {
        bench.gives(409, "challenge-over", &answer(&id, malformed, &code)).await;
    }
    bench.gives(404, "not-found", &good.clone().by(Some(customer(&BEA)))).await;
    bench.gives(409, "challenge-over", &answer(&id, "unknown", &code)).await;

    // Of another change, replaced, expired, used up, of a change that was stopped, answered.
    let other = bench.change("k2", &json!({"kind": "number_change", "line_id": ANA.line})).await;
    bench.gives(409, "challenge-over", &answer(&other, &first, &code)).await;
    bench.world.clock.advance(Span::minutes(1));
    let second = bench.gives(201, "", &challenge(&id, "push_otp")).await.text("challenge_id");
    bench.gives(409, "challenge-over", &good).await;
    bench.world.clock.advance(Span::minutes(5));
    let code = bench.world.inbox.code();
    bench.gives(409, "challenge-over", &answer(&id, &second, &code)).await;
    let third = bench.gives(201, "", &challenge(&id, "push_otp")).await.text("challenge_id");
    let code = bench.world.inbox.code();
    for _ in 0..3 {
        bench.gives(422, "code-wrong", &answer(&id, &third, &wrong(&code))).await;
    }
    bench.gives(429, "too-many-attempts", &answer(&id, &third, &code)).await;
    bench.world.clock.advance(Span::minutes(1));
    let fourth = bench.gives(201, "", &challenge(&id, "push_otp")).await.text("challenge_id");
    let code = bench.world.inbox.code();
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    assert_eq!(bench.gives(200, "", &answer(&id, &fourth, &spaced)).await.body["status"], "verified");
    bench.gives(409, "challenge-over", &answer(&id, &fourth, &code)).await;

    // From another device than asked, which counts; and then too fast.
    let fifth = bench.gives(201, "", &challenge(&other, "push_otp")).await.text("challenge_id");
    let good = answer(&other, &fifth, &bench.world.inbox.code());
    bench.guessing = true;
    bench.gives(409, "challenge-over", &good.clone().header("x-linekeeper-device", "device-of-the-thief")).await;
    bench.guessing = false;
    let waits = bench.gives(429, "too-many-attempts", &good).await;
    assert_eq!(waits.headers["retry-after"], "60");
    bench.world.clock.advance(Span::minutes(1));
    bench.gives(200, "", &good).await;

    let reset = bench.change("k3", &json!({"kind": "credential_reset"})).await;
    let sixth = bench.gives(201, "", &challenge(&reset, "push_otp")).await.text("challenge_id");
    let code = bench.world.inbox.code();
    bench.gives(200, "", &cancel(&reset)).await;
    bench.gives(409, "challenge-over", &answer(&reset, &sixth, &code)).await;

    recovery_codes(&mut bench).await;
    passkey(&mut bench).await;
    device_key(&mut bench).await;
    bench.complete("answerChallenge");
}

/// Ten codes for paper, of which one confirms them; listed, and removed again.
async fn recovery_codes(bench: &mut Bench) {
    let adds = bench.gives(201, "", &factor_add("paper", "recovery_code")).await.text("change_id");
    let opened = bench.gives(201, "", &set_up(&adds, "recovery_code")).await;
    let id = opened.text("challenge_id");
    for body in [json!({"code": "ABCD-EFGH-JKLM-NPQR"}), json!({"passkey": {"type": "public-key"}})] {
        bench.gives(422, "code-wrong", &answer_with(&adds, &id, &body)).await;
    }
    let typed = opened.body["recovery_codes"][3].as_str().unwrap().to_lowercase().replace('-', " ");
    let set = bench.gives(200, "", &answer(&adds, &id, &typed)).await;
    assert!(set.body.get("set_up").is_none(), "{}", set.body);
    bench.world.prove(&ANA, &adds, "push_otp").await;
    bench.world.pump().await;
    let account = bench.gives(200, "", &Request::get("/v1/account")).await;
    let held = &account.body["factors"][0];
    assert_eq!((&held["factor"], &held["left"]), (&json!("recovery_code"), &json!(10)));
    let removes = json!({"kind": "factor_remove", "factor": "recovery_code", "id": held["id"]});
    let removes = bench.gives(201, "", &ask("away", &removes)).await;
    assert!(removes.body["hold_until"].is_string(), "{}", removes.body);
}

/// What is no signature, and a signature that comes too late.
async fn passkey(bench: &mut Bench) {
    let adds = bench.gives(201, "", &factor_add("touch", "passkey")).await.text("change_id");
    let id = bench.gives(201, "", &set_up(&adds, "passkey")).await.text("challenge_id");
    let nonsense = answer_with(&adds, &id, &json!({"passkey": {"id": "x", "type": "public-key"}}));
    bench.gives(422, "signature-wrong", &nonsense).await;
    bench.gives(200, "", &cancel(&adds)).await;
    bench.gives(409, "change-closed", &nonsense).await;
}

/// The proof of the request is the answer.
async fn device_key(bench: &mut Bench) {
    let now = bench.world.shell.clock.now();
    let adds = bench.gives(201, "", &factor_add("key", "device_key")).await.text("change_id");
    let id = bench.gives(201, "", &proven(set_up(&adds, "device_key"), now, "to-be-set-up")).await.text("challenge_id");
    let nothing = answer_with(&adds, &id, &json!({}));
    bench.gives(400, "malformed", &nothing).await;
    let set = bench.gives(200, "", &proven(nothing, now, "is-set-up")).await;
    assert!(set.body.get("set_up").is_none(), "{}", set.body);
}

#[tokio::test]
async fn reading_the_account_is_answered_as_documented() {
    let mut bench = Bench::new().await;
    let good = Request::get("/v1/account");
    bench.common(&good).await;
    bench.gives(404, "not-found", &good.clone().by(Some(json!({"sub": "acct-nobody", "scope": "linekeeper:customer"})))).await;
    bench.world.protect(&ANA, "never_sim_swap", "step_up", Some(ANA.line)).await;
    bench.world.protect(&ANA, "no_port_out", "block", None).await;
    let account = bench.gives(200, "", &good).await;
    assert_eq!(account.body["protections"], json!({"no_port_out": "block"}));
    assert_eq!(account.body["lines"][0]["protections"], json!({"never_sim_swap": "step_up"}));
    let shown = account.body.to_string();
    for full in [ANA.msisdn, ANA.email, ANA.iccid, ANA.push] {
        assert!(!shown.contains(full), "{full} is shown in full");
    }
    bench.complete("readAccount");
}

#[tokio::test]
async fn the_check_up_is_answered_as_documented() {
    let mut bench = Bench::new().await;
    let good = Request::get("/v1/check-up");
    bench.common(&good).await;
    bench.gives(404, "not-found", &good.clone().by(Some(json!({"sub": "acct-nobody", "scope": "linekeeper:customer"})))).await;
    let before = bench.gives(200, "", &good).await.body;
    bench.world.protect(&ANA, "no_port_out", "block", None).await;
    let after = bench.gives(200, "", &good).await.body;
    assert_eq!(after["score"].as_u64().unwrap(), before["score"].as_u64().unwrap() + 20);
    assert_eq!(before["after_fraud"], Value::Null);
    let report = json!({"lines": [ANA.line], "contacts": ["app"], "phone_lost": true});
    bench.gives(200, "", &Request::post("/v1/fraud-reports").json(&report)).await;
    let whole = bench.gives(200, "", &good).await.body;
    assert_eq!(whole["after_fraud"]["steps"][0]["step"], "password");
    for full in [ANA.msisdn, ANA.email, ANA.iccid, ANA.push] {
        assert!(!whole.to_string().contains(full), "{full} is shown in full");
    }
    let of =
        |path: &str| texts(bench.document.0.pointer(&format!("/components/schemas/CheckUp/properties/{path}/enum")).unwrap());
    for (path, known) in [
        ("parts/items/properties/part", Part::ALL.iter().map(|one| one.word()).collect::<Vec<_>>()),
        ("next/items/properties/finding", Finding::ALL.iter().map(|one| one.word()).collect()),
        ("attacker/items/properties/goal", Goal::ALL.iter().map(|one| one.word()).collect()),
        ("holdings/items/properties/thing", Thing::ALL.iter().map(|one| one.word()).collect()),
        ("holdings/items/properties/worth", Worth::ALL.iter().map(|one| one.word()).collect()),
        ("after_fraud/properties/steps/items/properties/step", Step::ALL.iter().map(|one| one.word()).collect()),
        ("after_fraud/properties/steps/items/properties/state", StepState::ALL.iter().map(|one| one.word()).collect()),
    ] {
        assert_eq!(of(path), known, "{path}");
    }
    bench.complete("checkUp");
}

#[tokio::test]
async fn switching_a_protection_on_is_answered_as_documented() {
    let mut bench = Bench::new().await;
    let put = |body: &Value| Request::new("PUT", "/v1/protections").json(body);
    let good = put(&json!({"protection": "never_sim_swap", "mode": "step_up", "line_id": ANA.line}));
    bench.common(&good).await;
    bench
        .malformed(
            &good,
            &[
                json!({"protection": "everything"}),
                json!({"protection": "never_sim_swap", "mode": "off"}),
                json!({"protection": "never_sim_swap", "mode": null}),
                json!({"protection": "never_sim_swap", "line_id": 5}),
                json!({"mode": "block"}),
            ],
        )
        .await;
    for line in [BEA.line, "line-nobody", "+13055550123", ""] {
        bench.gives(404, "not-found", &put(&json!({"protection": "never_sim_swap", "line_id": line}))).await;
    }
    bench.gives(422, "nothing-to-change", &put(&json!({"protection": "account_lockdown", "line_id": ANA.line}))).await;

    assert_eq!(bench.gives(200, "", &good).await.body["mode"], "step_up");
    let whole = put(&json!({"protection": "account_lockdown"}));
    assert_eq!(bench.gives(200, "", &whole).await.body["mode"], "block");
    let before = bench.stored().await;
    let weaker = put(&json!({"protection": "account_lockdown", "mode": "step_up"}));
    assert_eq!(bench.gives(200, "", &weaker).await.body["mode"], "block");
    assert_eq!(bench.stored().await, before, "what is on was weakened");
    bench.complete("switchProtectionOn");
}

#[tokio::test]
async fn one_tap_is_answered_as_documented() {
    let mut bench = Bench::new().await;
    let id = bench.change("k1", &ANA.sim_swap(&iccid(1))).await;
    bench.world.pump().await;
    let token = bench.world.inbox.link_token();
    let tap = |token: &str| Request::post("/v1/not-me").by(None).json(&json!({"token": token}));
    bench.common(&tap(&token)).await;
    bench.malformed(&tap(&token), &[json!({"token": 5}), json!({"token": null}), json!({"token": [token]})]).await;

    let (id, now) = (ChangeId::parse(&id).unwrap(), bench.world.shell.clock.now());
    let (ana, nobody) = (AccountId::parse(ANA.account).unwrap(), AccountId::parse("acct-nobody").unwrap());
    let keys = bench.world.keys.clone();
    let foreign = sign_not_me(&Keys::new(Tap::default()), ISSUER, &ana, &id, now).await.unwrap();
    let issuer = sign_not_me(&*keys, "https://elsewhere.example", &ana, &id, now).await.unwrap();
    let late = sign_not_me(&*keys, ISSUER, &ana, &id, now - Span::days(8)).await.unwrap();
    let unsigned = format!("{}.", &token[..token.rfind('.').unwrap()]);
    for bad in ["", "nonsense", "a.b.c", foreign.as_str(), issuer.as_str(), late.as_str(), unsigned.as_str()] {
        bench.gives(401, "unauthenticated", &tap(bad)).await;
    }
    let unknown = sign_not_me(&*keys, ISSUER, &nobody, &ChangeId::derive(&nobody, Subject::Account, "k"), now).await.unwrap();
    bench.gives(404, "not-found", &tap(&unknown)).await;

    bench.gives(200, "", &tap(&token)).await;
    let before = bench.stored().await;
    bench.gives(200, "", &tap(&token)).await;
    assert_eq!(bench.stored().await, before, "a second tap changed something");
    bench.complete("notMe");
}

#[tokio::test]
async fn a_report_of_fraud_is_answered_as_documented() {
    let mut bench = Bench::new().await;
    let id = bench.change("k1", &ANA.sim_swap(&iccid(1))).await;
    let report = |body: &Value| Request::post("/v1/fraud-reports").json(body);
    let good = report(&json!({"lines": [ANA.line], "changes": [id]}));
    bench.common(&good).await;
    bench
        .malformed(
            &good,
            &[
                json!({"lines": ANA.line}),
                json!({"lines": [5]}),
                json!({"phone_lost": "yes"}),
                json!({"changes": vec![id.as_str(); 7]}),
                json!({"lines": [], "case_id": 1}),
            ],
        )
        .await;
    for foreign in [BEA.line, "line-nobody", "+13055550123", ""] {
        bench.gives(404, "not-found", &report(&json!({"lines": [foreign]}))).await;
        bench.gives(404, "not-found", &report(&json!({"lines": [ANA.line], "factors": [foreign]}))).await;
        bench.gives(404, "not-found", &report(&json!({"contacts": [foreign]}))).await;
    }
    for foreign in [id.replace(ANA.line, BEA.line), format!("line.{}.none", ANA.line), "account.none".to_owned(), "x".to_owned()]
    {
        bench.gives(404, "not-found", &report(&json!({"changes": [foreign]}))).await;
    }

    let case = bench.gives(200, "", &good).await.body["case_id"].clone();
    let before = bench.stored().await;
    assert_eq!(bench.gives(200, "", &good).await.body["case_id"], case);
    assert_eq!(bench.stored().await, before, "a second report changed something");
    bench.gives(200, "", &report(&json!({"lines": []}))).await;
    assert_eq!(bench.stored().await, before, "so did one that says less");
    bench.complete("reportFraud");
}

#[tokio::test]
async fn an_authorization_is_no_link() {
    let mut bench = Bench::new().await;
    let id = bench.change("k1", &ANA.sim_swap(&iccid(1))).await;
    bench.world.prove(&ANA, &id, "push_otp").await;
    bench.world.pump().await;
    let [authorization] = bench.world.topic.authorizations().try_into().unwrap();
    bench.gives(401, "unauthenticated", &Request::post("/v1/not-me").by(None).json(&json!({"token": authorization}))).await;
}

#[tokio::test]
async fn reading_the_keys_is_answered_as_documented() {
    struct Kms(fn() -> Error);
    impl Published for Kms {
        fn jwks(&self) -> BoxFuture<'_, Result<Jwks, Error>> {
            Box::pin(async { Err((self.0)()) })
        }
    }
    let mut bench = Bench::new().await;
    let good = Request::get("/.well-known/jwks.json").by(None);
    bench.gives(413, "too-large", &good.clone().text(&"x".repeat(16 * 1024 + 1))).await;
    bench.gives(200, "", &good).await;
    bench.world.intake.key = Arc::new(Kms(|| Error::aws("kms:GetPublicKey", std::io::Error::other("no answer"))));
    bench.gives(503, "try-again", &good).await;
    bench.world.intake.key = Arc::new(Kms(|| Error::Corrupt("no key of P-256")));
    bench.gives(500, "internal", &good).await;
    bench.complete("readKeys");
}

// ---------------------------------------------------------------- the care desk

fn sam() -> Value {
    staff("rep-sam", "Sam", "agent", "phone")
}

fn kim() -> Value {
    staff("rep-kim", "Kim", "store_agent", "store")
}

fn begin(by: Value, purpose: &str) -> Request {
    Request::post("/desk/contacts").by(Some(by)).json(&json!({"number": ANA.msisdn, "purpose": purpose}))
}

fn on(by: Value, contact: &str, what: &str, body: &Value) -> Request {
    let method = if what == "protections" { "PUT" } else { "POST" };
    Request::new(method, format!("/desk/contacts/{contact}/{what}")).by(Some(by)).key("desk").json(body)
}

impl Bench {
    /// A contact, and the number to say.
    async fn begun(&mut self, by: Value, purpose: &str) -> (String, u32) {
        let begun = self.gives(201, "", &begin(by, purpose)).await;
        (begun.text("contact_id"), begun.text("say").parse().unwrap())
    }

    /// One whose wall is open.
    async fn opened(&mut self, by: Value, purpose: &str) -> String {
        let (contact, number) = self.begun(by, purpose).await;
        let open = Request::post(format!("/v1/care/{contact}/open")).json(&json!({"number": number}));
        self.gives(200, "", &open).await;
        contact
    }

    /// What every operation within a contact says of another's, an unknown one, and one whose time is over.
    async fn within(&mut self, good: &Request, contact: &str) {
        self.common(good).await;
        for other in [staff("rep-max", "Max", "agent", "phone"), with_claim(sam(), "sid", Some("another"))] {
            let role = good.claims.as_ref().unwrap()["role"].as_str().map(str::to_owned);
            let channel = good.claims.as_ref().unwrap()["contact_channel"].as_str().map(str::to_owned);
            let other = with_claim(with_claim(other, "role", role.as_deref()), "contact_channel", channel.as_deref());
            self.gives(404, "not-found", &good.clone().by(Some(other))).await;
        }
        for id in ["cc_unknown", "x%2Fy", &"c".repeat(65)] {
            let mut unknown = good.clone();
            unknown.path = good.path.replace(contact, id);
            self.gives(404, "not-found", &unknown).await;
        }
    }
}

#[tokio::test]
async fn contacts_of_the_care_desk_are_answered_as_documented() {
    let mut bench = Bench::with(Settings { contacts_of_staff: 10, ..Settings::default() }).await;
    let good = begin(sam(), "status");
    bench.common(&good).await;
    let bodies =
        [json!({"number": ANA.msisdn}), json!({"number": 5, "purpose": "status"}), json!({"number": "+1", "purpose": "x"})];
    bench.malformed(&good, &bodies).await;
    for number in ["+13055550199", "nonsense", ""] {
        bench.gives(404, "not-found", &good.clone().json(&json!({"number": number, "purpose": "status"}))).await;
    }
    let (contact, number) = bench.begun(sam(), "fraud").await;
    let read = Request::get(format!("/desk/contacts/{contact}")).by(Some(sam()));
    bench.within(&read, &contact).await;
    assert_eq!(bench.gives(200, "", &read).await.text("wall"), "sealed");

    // What the customer sees of it, and says to it.
    let care = Request::get("/v1/care");
    bench.common(&care).await;
    let seen = bench.gives(200, "", &care).await.body["contacts"][0].clone();
    assert_eq!((&seen["by"], &seen["wall"]), (&json!("Sam"), &json!("sealed")));
    let open = |contact: &str, number: u32| Request::post(format!("/v1/care/{contact}/open")).json(&json!({"number": number}));
    let right = open(&contact, number);
    // Not before all the rest was tried: once is once.
    for bad in [json!({"number": "47"}), json!({"number": -1})] {
        bench.malformed(&right, &[bad]).await;
    }
    bench.gives(404, "not-found", &open("cc_unknown", number)).await;
    bench.gives(404, "not-found", &right.clone().by(Some(customer(&BEA)))).await;
    let view = on(sam(), &contact, "view", &json!({}));
    bench.gives(403, "wall-closed", &view).await;
    bench.gives(403, "wall-closed", &on(sam(), &contact, "prepare", &json!({"kind": "add_line"}))).await;
    bench.gives(403, "wall-closed", &on(sam(), &contact, "stop", &json!({"change_id": "line.line-ana.x"}))).await;
    bench.common(&right).await;
    bench.gives(200, "", &right).await;
    let other = staff("rep-pat", "Pat", "supervisor", "chat");
    let (second, number) = bench.begun(other.clone(), "status").await;
    bench.gives(422, "number-wrong", &open(&second, (number + 1) % 100)).await;
    bench.gives(409, "contact-over", &open(&second, number)).await;

    let change = bench.change("k1", &ANA.sim_swap(&iccid(1))).await;
    bench.within(&view, &contact).await;
    bench.malformed(&view, &[json!({"fields": ["name"]}), json!({"fields": "number"})]).await;
    bench.gives(200, "", &view).await;
    let analyst = staff("rep-fay", "Fay", "fraud_analyst", "phone");
    let (of_fay, _) = bench.begun(analyst.clone(), "fraud").await;
    bench.gives(403, "forbidden", &on(analyst, &of_fay, "view", &json!({}))).await;

    let stop = on(sam(), &contact, "stop", &json!({"change_id": change}));
    bench.within(&stop, &contact).await;
    bench.malformed(&stop, &[json!({"change_id": 5})]).await;
    bench.gives(404, "not-found", &on(sam(), &contact, "stop", &json!({"change_id": "nonsense"}))).await;
    bench.gives(200, "", &stop).await;
    bench.gives(200, "", &on(sam(), &contact, "stop", &json!({}))).await;
    let refused = locked(&bench.world, "k9").await;
    bench.gives(403, "refused", &refused).await;

    let protect = on(sam(), &contact, "protections", &json!({"protection": "never_sim_swap", "all_lines": true}));
    bench.within(&protect, &contact).await;
    bench.malformed(&protect, &[json!({"protection": "all"}), json!({"protection": "no_port_out", "mode": "step_up"})]).await;
    bench.gives(200, "", &protect).await;
    let ended = bench.change("k2", &json!({"kind": "add_line"})).await;
    bench.world.protect(&ANA, "account_lockdown", "block", None).await;
    bench.gives(409, "change-closed", &on(sam(), &contact, "stop", &json!({"change_id": ended}))).await;

    let shut = |contact: &str| Request::post(format!("/v1/care/{contact}/not-me"));
    bench.common(&shut(&contact)).await;
    bench.gives(404, "not-found", &shut("cc_unknown")).await;
    let (third, _) = bench.begun(staff("rep-lou", "Lou", "agent", "email"), "protect").await;
    assert_eq!(bench.gives(200, "", &shut(&third)).await.text("wall"), "shut");

    let report = on(sam(), &contact, "report", &json!({"phone_lost": true}));
    bench.within(&report, &contact).await;
    bench.malformed(&report, &[json!({"phone_lost": 5}), json!({"lines": []})]).await;
    bench.gives(200, "", &report).await;

    let end = on(sam(), &contact, "end", &json!({}));
    bench.gives(200, "", &end).await;
    for over in [&read, &view, &stop, &report, &protect, &end, &open(&contact, 0), &shut(&contact)] {
        bench.gives(409, "contact-over", over).await;
    }
    for n in 0..10 {
        bench.gives(if n < 10 - 1 { 201 } else { 429 }, if n < 10 - 1 { "" } else { "too-many-requests" }, &good).await;
    }
    for id in ["viewCustomer", "deskStop", "deskReport", "deskProtect"] {
        bench.complete(id);
    }
}

#[tokio::test]
async fn changes_at_the_care_desk_are_answered_as_documented() {
    let mut bench = Bench::new().await;
    let contact = bench.opened(sam(), "change").await;
    let prepare = on(sam(), &contact, "prepare", &json!({"kind": "number_change"}));
    bench.within(&prepare, &contact).await;
    let bodies = [json!({"kind": "x"}), json!({"kind": "number_change", "msisdn": "+13055550199"})];
    bench.malformed(&prepare, &bodies).await;
    bench.gives(422, "kind-not-offered", &on(sam(), &contact, "prepare", &json!({"kind": "port_out"}))).await;
    bench.gives(201, "", &prepare).await;
    let care = bench.gives(200, "", &Request::get("/v1/care")).await;
    let asked = bench.gives(201, "", &ask("hers", &care.body["contacts"][0]["prepared"])).await;
    assert_eq!(asked.text("kind"), "number_change");

    let by_phone = on(sam(), &contact, "changes", &json!({"kind": "device_upgrade", "imei": "490154203237518"}));
    bench.gives(403, "refused", &by_phone).await;
    bench
        .gives(409, "change-already-open", &on(sam(), &contact, "changes", &json!({"kind": "number_change"})).key("other"))
        .await;

    let lost = json!({"kind": "sim_swap", "sim": {"iccid": iccid(1)}, "phone_lost": true, "document": "passport"});
    let (of_kim, _) = bench.begun(kim(), "lost_phone").await;
    let at_the_store = on(kim(), &of_kim, "changes", &lost);
    bench.common(&at_the_store).await;
    let mut keyless = at_the_store.clone();
    keyless.headers.retain(|(name, _)| name != "idempotency-key");
    bench.gives(400, "idempotency-key-missing", &keyless).await;
    bench.gives(400, "malformed", &at_the_store.clone().json(&json!({"kind": "number_change"}))).await;
    assert_eq!(bench.gives(201, "", &at_the_store).await.body.get("change_id"), None, "the wall is sealed");
    bench.gives(200, "", &at_the_store).await;
    let other = json!({"kind": "sim_swap", "sim": {"iccid": iccid(2)}, "document": "passport"});
    bench.gives(422, "idempotency-key-reused", &on(kim(), &of_kim, "changes", &other)).await;

    let lee = staff("rep-lee", "Lee", "store_agent", "store");
    let (of_lee, _) = bench.begun(lee.clone(), "lost_phone").await;
    let check = on(lee, &of_lee, "check", &json!({}));
    bench.common(&check).await;
    bench.gives(403, "another-person-needed", &on(kim(), &of_kim, "check", &json!({}))).await;
    assert_eq!(bench.gives(200, "", &check).await.text("status"), "on_hold");
    bench.gives(200, "", &on(kim(), &of_kim, "stop", &json!({}))).await;
    bench.gives(404, "not-found", &check).await;
}
