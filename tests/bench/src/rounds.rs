//! The rounds: a line is moved from the wish to the report, with every operation on the way, each customer once.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::Plan;
use crate::customers::{Customer, Edge, days_ago, queued};
use crate::runtime::{Function, Program};
use crate::wire::Wire;

/// One operation, as often as it was measured.
#[derive(Debug, Default)]
pub(crate) struct Operation {
    /// By a process that is warm.
    pub(crate) warm: Vec<Duration>,
    /// The sum of its calls, made by a plain client, and how many they were.
    pub(crate) bare: Vec<Duration>,
    pub(crate) calls: Vec<usize>,
    /// From the start of a process until it asked for work, and until its first answer.
    pub(crate) ready: Vec<Duration>,
    pub(crate) first: Vec<Duration>,
    /// The most memory of a process that did this once, in bytes.
    pub(crate) peak: Vec<u64>,
}

/// What was measured.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// By operation: its function and its name.
    pub(crate) operations: BTreeMap<(String, &'static str), Operation>,
    /// The most memory of each process that did it all, in bytes.
    pub(crate) peaks: BTreeMap<String, u64>,
}

/// How a round's operations are carried out.
enum Way {
    /// By processes that live on.
    Warm(BTreeMap<String, Function>),
    /// The same behind the wire.
    Wired(BTreeMap<String, Function>, Wire),
    /// Each by a process of its own.
    Cold(BTreeMap<String, Program>),
}

struct Stage<'a> {
    plan: &'a Plan,
    way: Way,
    dynamo: &'a aws_sdk_dynamodb::Client,
    sqs: &'a aws_sdk_sqs::Client,
    edge: Edge,
    measured: &'a mut Measured,
    /// Whether what happens counts.
    counts: bool,
}

/// Measures everything.
pub(crate) async fn play(plan: &Plan) -> Result<Measured> {
    let programs = plan.programs()?;
    let wire = Wire::to(&plan.endpoint).await?;
    let aws = aws(&plan.endpoint).await;
    let (dynamo, sqs) = (aws_sdk_dynamodb::Client::new(&aws), aws_sdk_sqs::Client::new(&aws));
    let run = std::process::id().to_string();
    let mut measured = Measured::default();

    let at = |endpoint: &str| -> BTreeMap<String, Program> {
        let mut all = programs.clone();
        all.values_mut().for_each(|program| {
            program.environment.insert("AWS_ENDPOINT_URL".to_owned(), endpoint.to_owned());
        });
        all
    };
    let mut ways = vec![
        Way::Warm(started(&at(&plan.endpoint), plan).await?),
        Way::Wired(started(&at(&wire.endpoint), plan).await?, wire),
        Way::Cold(at(&plan.endpoint)),
    ];
    // By turns, so that what else the machine does falls on each way alike. The first round of each only warms up.
    for round in 0..=plan.rounds {
        let mut next = Vec::new();
        for (number, way) in ways.into_iter().enumerate() {
            let edge = Edge { secret: plan.edge_secret.clone() };
            let (dynamo, sqs, measured, counts) = (&dynamo, &sqs, &mut measured, round > 0);
            let mut stage = Stage { plan, way, dynamo, sqs, edge, measured, counts };
            let place = round * 3 + number;
            let customer = Customer::new(&run, place, plan.phones.get(place).context("no phone is left")?);
            stage.round(&customer).await.with_context(|| format!("round {round}"))?;
            if plan.node.is_some() {
                stage.node_round(&customer).await.with_context(|| format!("Node.js, round {round}"))?;
            }
            next.push(stage.way);
        }
        ways = next;
        eprintln!("round {round} of {}", plan.rounds);
    }
    for way in &ways {
        if let Way::Warm(functions) = way {
            for (name, function) in functions {
                measured.peaks.insert(name.clone(), function.peak()?);
            }
        }
    }
    Ok(measured)
}

async fn aws(endpoint: &str) -> aws_config::SdkConfig {
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint)
        .load()
        .await
}

async fn started(programs: &BTreeMap<String, Program>, plan: &Plan) -> Result<BTreeMap<String, Function>> {
    let mut functions = BTreeMap::new();
    for (name, program) in programs {
        functions.insert(name.clone(), Function::start(program, &plan.logs).await?);
    }
    Ok(functions)
}

impl Stage<'_> {
    /// One operation of one function.
    async fn does(&mut self, function: &str, operation: &'static str, event: &Value) -> Result<Value> {
        let known = || format!("no function {function}");
        let mut measured = Operation::default();
        let body = match &mut self.way {
            Way::Warm(functions) => {
                let answered = functions.get_mut(function).with_context(known)?.invoke(event).await?;
                measured.warm.push(answered.took);
                answered.body
            }
            Way::Wired(functions, wire) => {
                wire.taken();
                let answered = functions.get_mut(function).with_context(known)?.invoke(event).await?;
                let calls = wire.taken();
                measured.calls.push(calls.len());
                measured.bare.push(calls.iter().sum());
                answered.body
            }
            Way::Cold(programs) => {
                let mut process = Function::start(programs.get(function).with_context(known)?, &self.plan.logs).await?;
                let answered = process.invoke(event).await?;
                measured.ready.push(process.ready);
                measured.first.push(answered.since_start);
                measured.peak.push(process.peak()?);
                answered.body
            }
        };
        if self.counts {
            let all = self.measured.operations.entry((function.to_owned(), operation)).or_default();
            all.warm.append(&mut measured.warm);
            all.bare.append(&mut measured.bare);
            all.calls.append(&mut measured.calls);
            all.ready.append(&mut measured.ready);
            all.first.append(&mut measured.first);
            all.peak.append(&mut measured.peak);
        }
        Ok(body)
    }

    /// A request of the customer's that must be answered with `status`.
    async fn asks(&mut self, function: &str, operation: &'static str, event: &Value, status: u64) -> Result<Value> {
        let answer = self.does(function, operation, event).await?;
        let body = answer.get("body").and_then(Value::as_str).unwrap_or("null");
        let code = answer.get("statusCode").and_then(Value::as_u64);
        ensure!(code == Some(status), "{operation}: {code:?} {body}");
        Ok(serde_json::from_str(body)?)
    }

    /// Everything that happens to a line that moves.
    async fn round(&mut self, customer: &Customer) -> Result<()> {
        let edge = self.edge.clone();
        let imported = self.does("provisioning-feed", "import of three records", &json!({"import": customer.opening()})).await?;
        ensure!(imported.get("done") == Some(&json!(3)), "the account is not open: {imported}");
        let imported = self.does("risk-scoring", "import of eight sign-ins", &json!({"import": customer.past()})).await?;
        ensure!(imported.get("done") == Some(&json!(8)), "no past: {imported}");
        self.tells(customer, "the beginning told").await?;

        self.does("risk-scoring", "score", &customer.score()).await?;
        let sign_in = queued("arn:aws:sqs:us-east-1:000000000000:behaviour", &customer.sign_in(&days_ago(0)));
        settled(&self.does("risk-scoring", "sign-in", &sign_in).await?)?;

        let ask = customer.request(&edge, "POST", "/v1/changes", Some("first"), Some(&customer.sim_swap()));
        let asked = self.asks("request-intake", "decide a change", &ask, 201).await?;
        let change = text(&asked, "change_id")?;
        self.tells(customer, "notice on two channels").await?;
        let path = format!("/v1/changes/{change}");
        self.asks("request-intake", "status", &customer.request(&edge, "GET", &path, None, None), 200).await?;

        self.pushed(customer).await?;
        let wish = customer.request(&edge, "POST", &format!("{path}/challenges"), None, Some(&json!({"factor": "push_otp"})));
        let opened = self.asks("otp-issue", "challenge", &wish, 201).await?;
        let code = self.code(customer).await?;
        let answer = format!("{path}/challenges/{}/answer", text(&opened, "challenge_id")?);
        let answer = customer.request(&edge, "POST", &answer, None, Some(&json!({"code": code})));
        self.asks("otp-verify", "right answer", &answer, 200).await?;
        let entry = self.tells(customer, "authorization signed").await?;

        let entry: Value = serde_json::from_str(&entry)?;
        let authorization = authorization(&entry).context("nothing was authorized")?;
        let report = json!({"id": "report", "at": days_ago(0), "type": "sim_changed", "account_id": customer.account,
            "line_id": customer.line, "iccid": customer.next_sim(), "authorization_id": authorization});
        let report = queued("arn:aws:sqs:us-east-1:000000000000:provisioning", &report);
        settled(&self.does("provisioning-feed", "report of a moved SIM", &report).await?)?;
        self.tells(customer, "notice of what was done").await?;

        let order = queued("arn:aws:sqs:us-east-1:000000000000:porting", &customer.order());
        settled(&self.does("port-feed", "port order", &order).await?)?;
        self.tells(customer, "port answered").await?;

        let ask = customer.request(
            &edge,
            "PUT",
            "/v1/protections",
            None,
            Some(&json!({"protection": "account_lockdown", "mode": "block"})),
        );
        self.asks("request-intake", "protection on", &ask, 200).await?;
        self.does("deadline-sweep", "nothing is due", &json!({})).await?;
        self.does("minimal", "one read", &customer.request(&edge, "GET", "/v1/changes", None, None)).await?;
        Ok(())
    }

    /// Lets `change-notify` hear of the entries that it has not heard of. The last is measured, and returned.
    async fn tells(&mut self, customer: &Customer, operation: &'static str) -> Result<String> {
        let mut last = None;
        for subject in ["ACCOUNT".to_owned(), format!("LINE#{}", customer.line)] {
            let pk = format!("v1#{}#{subject}", customer.account);
            let found = self
                .dynamo
                .query()
                .table_name(self.variable("LEDGER_TABLE")?)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(pk.clone()))
                .consistent_read(true)
                .send()
                .await?;
            for item in found.items.unwrap_or_default() {
                let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
                let seq = item.get("seq").and_then(|seq| seq.as_n().ok()).context("no seq")?.clone();
                if let (Some(entry), Some(_)) = (text("entry"), text("relay")) {
                    last = Some((pk.clone(), seq, entry));
                }
            }
        }
        let (pk, seq, entry) = last.with_context(|| format!("{operation}: there is nothing to tell"))?;
        let image = json!({"pk": {"S": pk}, "seq": {"N": seq}, "entry": {"S": entry}, "relay": {"S": "yes"}});
        let event = json!({"Records": [{"eventID": format!("{pk}:{seq}"), "eventName": "INSERT", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/s",
            "dynamodb": {"ApproximateCreationDateTime": 1, "Keys": {"pk": {"S": pk}, "seq": {"N": seq}}, "NewImage": image,
                "SequenceNumber": seq, "SizeBytes": 1, "StreamViewType": "NEW_IMAGE"}}]});
        self.does("change-notify", operation, &event).await?;
        Ok(entry)
    }

    /// The same two operations in Node.js.
    async fn node_round(&mut self, customer: &Customer) -> Result<()> {
        let (account, line, change) = (&customer.account, &customer.line, "change-1");
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: &str| AttributeValue::N(value.to_owned());
        let table = self.variable("STATE_TABLE")?;
        let put =
            self.dynamo.put_item().table_name(&table).item("pk", text(&format!("node#{account}"))).item("sk", text("ACCOUNT"));
        put.item("seq", number("1")).item("push", text(&customer.phone.topic)).send().await?;
        let put = self
            .dynamo
            .put_item()
            .table_name(&table)
            .item("pk", text(&format!("node#{account}")))
            .item("sk", text(&format!("LINE#{line}")));
        put.item("seq", number("1")).item("sends", number("0")).item("change", text(change)).send().await?;

        self.pushed(customer).await?;
        let edge = self.edge.clone();
        let path = format!("/v1/lines/{line}/{change}/challenges");
        let wish = customer.request(&edge, "POST", &path, None, Some(&json!({"factor": "push_otp"})));
        let opened = self.asks("node-issue", "challenge", &wish, 201).await?;
        let code = self.code(customer).await?;
        let path = format!("{path}/{}", self::text(&opened, "challenge_id")?);
        let answer = customer.request(&edge, "POST", &path, None, Some(&json!({"code": code})));
        self.asks("node-verify", "right answer", &answer, 200).await?;
        Ok(())
    }

    fn variable(&self, name: &str) -> Result<String> {
        let intake = self.plan.functions.get("request-intake").context("no request-intake")?;
        intake.environment.get(name).cloned().with_context(|| format!("no {name}"))
    }

    /// What was pushed since, taken off the queue.
    async fn pushed(&self, customer: &Customer) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        loop {
            let taken = self.sqs.receive_message().queue_url(&customer.phone.queue).max_number_of_messages(10).send().await?;
            let messages = taken.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(texts);
            }
            for message in messages {
                let handle = message.receipt_handle.context("no handle")?;
                self.sqs.delete_message().queue_url(&customer.phone.queue).receipt_handle(handle).send().await?;
                texts.extend(message.body);
            }
        }
    }

    /// The code that was pushed.
    async fn code(&self, customer: &Customer) -> Result<String> {
        let texts = self.pushed(customer).await?;
        let code = texts.iter().rev().find_map(|text| text.rsplit_once(" #").map(|(_, code)| code.trim().to_owned()));
        code.context("no code was pushed")
    }
}

fn text(body: &Value, name: &str) -> Result<String> {
    Ok(body.get(name).and_then(Value::as_str).with_context(|| format!("no {name} in {body}"))?.to_owned())
}

/// The id of the authorization in an entry.
fn authorization(entry: &Value) -> Option<&str> {
    match entry {
        Value::Object(fields) => match fields.get("authorization").and_then(|it| it.get("id")?.as_str()) {
            Some(id) => Some(id),
            None => fields.values().find_map(authorization),
        },
        Value::Array(items) => items.iter().find_map(authorization),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Fails where a message of a batch has to come again.
fn settled(answer: &Value) -> Result<()> {
    let failed = answer.get("batchItemFailures").and_then(Value::as_array).map_or(0, Vec::len);
    ensure!(failed == 0, "a message has to come again: {answer}");
    Ok(())
}
