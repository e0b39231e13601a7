//! `smoke` and `redrive`, checked on the deployed stack: green where all is well, red where something is off; and a message
//! of every dead-letter queue shown masked, moved, and handled.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::acts::{caller_at_home, gateway};
use crate::checks::ask;
use crate::cli::Deployed;
use crate::cloud::STACK;
use crate::people::{Customer, iccid};
use crate::redrive::{self, Found, Moved, Parked};
use crate::scene::Scene;
use crate::smoke;
use crate::stack::{Stack, event, uuid, wait_for};

/// What may be shown nowhere.
const SECRET: &str = "open-sesame-482913";
/// How far ahead of the clock a record lies that a feed refuses now and takes a little later.
const AHEAD: SignedDuration = SignedDuration::from_secs(5 * 60 + 10);
/// How much later.
const LATER: Duration = Duration::from_secs(12);

/// Green on a stack that lives; what is off, is named.
pub(crate) fn smoke_test(stack: &Stack, _: &[Customer; 2], scene: &mut Scene) -> Result<()> {
    let deployed = Deployed::find(stack.cli.clone(), STACK)?;
    // What the acts and the checks before left there on purpose.
    for queue in Parked::ALL {
        stack.take(deployed.physical(queue.logical())?)?;
    }
    let began = Instant::now();
    let checks = smoke::all(&deployed, None)?;
    let wrong: Vec<String> = checks.iter().filter_map(|c| Some(format!("{}: {}", c.words, c.wrong.as_deref()?))).collect();
    scene.claim(&format!("smoke finds all {} things so{}", checks.len(), list(&wrong)), wrong.is_empty() && checks.len() >= 10);
    scene.claim("and needs less than 30 s", began.elapsed() < Duration::from_secs(30));

    let mapping = json!({ "UUID": deployed.physical("ProvisioningToFeed")?, "Enabled": false });
    stack.cli.call("lambda", "update-event-source-mapping", &mapping)?;
    stack.send(deployed.physical(Parked::Undelivered.logical())?, "{}")?;
    let checks = smoke::all(&deployed, None)?;
    let mapping = json!({ "UUID": deployed.physical("ProvisioningToFeed")?, "Enabled": true });
    stack.cli.call("lambda", "update-event-source-mapping", &mapping)?;
    stack.take(deployed.physical(Parked::Undelivered.logical())?)?;
    let wrong: Vec<&str> = checks.iter().filter_map(|check| check.wrong.as_deref()).collect();
    let named = |word: &str| wrong.iter().any(|wrong| wrong.contains(word));
    scene.claim("a mapping that is off turns it red, by name", named("ProvisioningToFeed is Disabled"));
    scene.claim("so does a message among the undelivered, and nothing else does", named("1 in undelivered") && wrong.len() == 2);

    let alarm =
        json!({ "AlarmName": deployed.physical("SweepSilentAlarm")?, "StateValue": "ALARM", "StateReason": "stack test" });
    stack.cli.call("cloudwatch", "set-alarm-state", &alarm)?;
    let rings = smoke::all(&deployed, None)?;
    let alarm = json!({ "AlarmName": deployed.physical("SweepSilentAlarm")?, "StateValue": "OK", "StateReason": "stack test" });
    stack.cli.call("cloudwatch", "set-alarm-state", &alarm)?;
    let rings = rings.iter().any(|check| check.wrong.as_deref() == Some("SweepSilentAlarm rings"));
    scene.claim("so does an alarm that rings", rings);
    Ok(())
}

fn list(wrong: &[String]) -> String {
    if wrong.is_empty() { String::new() } else { format!(" ({})", wrong.join("; ")) }
}

/// A message of every queue is listed, shown masked, moved, and handled; what cannot be, stays and says why.
pub(crate) fn dead_letters(stack: &Stack, [olga, vera]: &[Customer; 2], scene: &mut Scene) -> Result<()> {
    let deployed = Deployed::find(stack.cli.clone(), STACK)?;
    let began = Instant::now();
    let line = |n: u8| format!("{}-{n}", olga.line_id);
    let opened = |n: u8, at: Timestamp, number: &str| {
        let fields = json!({ "account_id": olga.account_id, "line_id": line(n), "msisdn": number, "iccid": iccid() });
        event("line_opened", at, fields)
    };
    let ahead = Timestamp::now().saturating_add(AHEAD).unwrap_or(Timestamp::MAX);

    // Parked by the functions themselves.
    let bad = format!("no JSON, but {} and {} and {SECRET}", olga.msisdn, olga.email);
    let mut misfit = opened(6, Timestamp::now(), "+13055550196");
    if let Some(fields) = misfit.as_object_mut() {
        fields.insert("imei".into(), json!(SECRET));
    }
    let bodies = [opened(8, ahead, "+13055550198").to_string(), bad, misfit.to_string()];
    stack.send_batch(stack.output("ProvisioningQueueUrl")?, &bodies)?;
    let seen = json!({ "account_id": olga.account_id, "ok": true, "device": SECRET });
    stack.send(stack.output("BehaviourQueueUrl")?, &event("sign_in", ahead, seen).to_string())?;
    let moved = json!({
        "ported_number": "+13055550197", "purchase_order_number": "PON-7", "new_network_service_provider": "6X21",
        "activated_at": Timestamp::now().to_string(),
    });
    gateway(stack, "activation", &moved)?;
    for (queue, count) in [(Parked::ProvisioningRejected, 3), (Parked::BehaviourRejected, 1), (Parked::PortingRejected, 1)] {
        wait_for(queue.word(), || Ok((redrive::waiting(&deployed, queue)? >= count).then_some(())))?;
    }

    provisioning(&deployed, stack, scene, (olga, &line(8)), began)?;

    let found = look(
        &deployed,
        scene,
        Parked::BehaviourRejected,
        &["from-the-future", "type sign_in", "back to behaviour"],
        [olga, vera],
    )?;
    went(&deployed, scene, &found, Moved { done: 1, ..Moved::default() })?;
    settled(&deployed, scene, Parked::BehaviourRejected, stack.output("BehaviourQueueUrl")?, 0)?;

    // The number is ours by now; and what the other of its two queues had.
    stack.provisioning(&opened(7, Timestamp::now(), "+13055550197"))?;
    wait_for("a line", || Ok((!stack.ledger(&olga.account_id, Some(&line(7)))?.is_empty()).then_some(())))?;
    let heard = json!({
        "id": uuid(), "at": Timestamp::now().to_string(), "account_id": olga.account_id, "line_id": line(7),
        "event": "protection_on", "events": ["protection_on"], "page": false,
    });
    stack.send(stack.output("PortingRejectedQueueUrl")?, &heard.to_string())?;
    let shown = ["number-not-ours", "data.ported_number …0197", "back to porting", "event protection_on", "back to port-events"];
    let found = look(&deployed, scene, Parked::PortingRejected, &shown, [olga, vera])?;
    went(&deployed, scene, &found, Moved { done: 2, ..Moved::default() })?;
    wait_for("the activation", || {
        let entries = stack.ledger(&olga.account_id, Some(&line(7)))?;
        Ok(entries.iter().any(|entry| entry.count("incident") == 1).then_some(()))
    })?;
    scene.claim("the port that nobody confirmed is in the ledger, as an incident", true);
    settled(&deployed, scene, Parked::PortingRejected, deployed.physical("PortEventsQueue")?, 0)?;

    notices(&deployed, stack, scene, [olga, vera])?;
    undelivered(&deployed, stack, scene, [olga, vera])
}

fn provisioning(
    deployed: &Deployed,
    stack: &Stack,
    scene: &mut Scene,
    (olga, line): (&Customer, &str),
    began: Instant,
) -> Result<()> {
    let shown = [
        "from-the-future",
        "type line_opened",
        &olga.account_id,
        "malformed",
        "no JSON, ",
        "back to provisioning",
        "stays: it cannot be read",
    ];
    let found = look(deployed, scene, Parked::ProvisioningRejected, &shown, [olga, olga])?;
    thread::sleep(LATER.saturating_sub(began.elapsed()));
    went(deployed, scene, &found, Moved { done: 1, kept: 2, failed: 0 })?;
    wait_for("the line", || Ok((!stack.ledger(&olga.account_id, Some(line))?.is_empty()).then_some(())))?;
    scene.claim("the line is open", stack.ledger(&olga.account_id, Some(line))?.len() == 1);
    settled(deployed, scene, Parked::ProvisioningRejected, stack.output("ProvisioningQueueUrl")?, 2)?;

    let found = redrive::look(deployed, Parked::ProvisioningRejected)?;
    let moved = redrive::go(deployed, &found, true, |_| ())?;
    scene.claim("what would be refused again goes only when told to", moved == Moved { done: 2, kept: 0, failed: 0 });
    wait_for("the refused", || Ok((redrive::waiting(deployed, Parked::ProvisioningRejected)? == 2).then_some(())))?;
    scene.claim("and is refused again, and lost nowhere", true);
    stack.take(deployed.physical(Parked::ProvisioningRejected.logical())?)?;
    Ok(())
}

/// change-notify is kept from its stream, as when it had given up an entry; the entry is told all the same.
fn notices(deployed: &Deployed, stack: &Stack, scene: &mut Scene, customers: [&Customer; 2]) -> Result<()> {
    let [_, vera] = customers;
    let mapping = |enabled: bool| {
        let request = json!({ "UUID": deployed.physical("LedgerToNotify")?, "Enabled": enabled });
        stack.cli.call("lambda", "update-event-source-mapping", &request).map(|_| ())
    };
    mapping(false)?;
    // A batch that was on its way.
    thread::sleep(Duration::from_secs(2));
    let before = stack.pushes(&vera.push)?.len();
    ask(stack, &caller_at_home(stack, vera)?, vera, &uuid(), &iccid())?.expect(201)?;
    let seq = stack.ledger(&vera.account_id, Some(&vera.line_id))?.len();
    let (stream, shard, sequence) = place(stack, &format!("v1#{}#LINE#{}", vera.account_id, vera.line_id), seq)?;
    let lost = |sequence: &str| {
        json!({ "requestContext": { "condition": "RetryAttemptsExhausted" }, "version": "1.0", "DDBStreamBatchInfo": {
            "shardId": shard, "startSequenceNumber": sequence, "endSequenceNumber": sequence, "batchSize": 1, "streamArn": stream,
            "approximateArrivalOfFirstRecord": "2026-11-01T00:00:00Z",
        }})
        .to_string()
    };
    let queue = stack.output("NoticeFailedQueueUrl")?;
    stack.send(queue, &lost(&sequence))?;
    stack.send(queue, &lost(&sequence))?;
    stack.send(queue, &lost("000000000000000000000001"))?;
    let shown = [
        "RetryAttemptsExhausted",
        "told again by change-notify: requested",
        &vera.line_id,
        "cannot be sent back: the stream keeps a day",
    ];
    let found = look(deployed, scene, Parked::NoticeFailed, &shown, customers)?;
    went(deployed, scene, &found, Moved { done: 2, kept: 1, failed: 0 })?;
    let told = stack.pushes(&vera.push)?.len();
    scene.claim("she is told, and once, though two messages named the entry", told == before + 1);
    let entries = stack.ledger(&vera.account_id, Some(&vera.line_id))?;
    scene.claim("and it is in the ledger", entries.iter().filter(|entry| entry.count("told") == 1).count() >= 1);
    mapping(true)?;
    stack.take(queue)?;
    Ok(())
}

/// Where an entry lies in the ledger's stream.
fn place(stack: &Stack, pk: &str, seq: usize) -> Result<(String, String, String)> {
    let stream = stack.output("LedgerStream")?;
    let described = stack.cli.call("dynamodbstreams", "describe-stream", &json!({ "StreamArn": stream }))?;
    let shard = described.pointer("/StreamDescription/Shards/0/ShardId").and_then(Value::as_str).context("no shard")?.to_owned();
    let request = json!({ "StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    let mut iterator = stack.cli.call("dynamodbstreams", "get-shard-iterator", &request)?.get("ShardIterator").cloned();
    while let Some(next) = iterator {
        let answer = stack.cli.call("dynamodbstreams", "get-records", &json!({ "ShardIterator": next }))?;
        let records = answer.get("Records").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |record: &Value, pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_it = |record: &&Value| {
            text(record, "/dynamodb/Keys/pk/S") == pk && text(record, "/dynamodb/Keys/seq/N") == seq.to_string()
        };
        if let Some(found) = records.iter().find(is_it) {
            return Ok((stream.to_owned(), shard, text(found, "/dynamodb/SequenceNumber")));
        }
        anyhow::ensure!(!records.is_empty(), "the entry is not in the stream");
        iterator = answer.get("NextShardIterator").cloned();
    }
    anyhow::bail!("the entry is not in the stream")
}

fn undelivered(deployed: &Deployed, stack: &Stack, scene: &mut Scene, customers: [&Customer; 2]) -> Result<()> {
    let [olga, _] = customers;
    let queue = deployed.physical(Parked::Undelivered.logical())?;
    let desk = stack.output("FraudDeskQueueUrl")?;
    stack.take(desk)?;
    let id = uuid();
    let event = |id: &str, name: &str, page: bool, more: Value| {
        let mut event = json!({
            "id": id, "at": Timestamp::now().to_string(), "account_id": olga.account_id, "line_id": olga.line_id,
            "event": name, "events": [name], "page": page,
        });
        if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
            event.extend(more.clone());
        }
        event.to_string()
    };
    let claims = URL_SAFE_NO_PAD.encode(json!({ "exp": Timestamp::now().as_second() - 60 }).to_string());
    stack.send(queue, &event(&id, "incident", true, json!({})))?;
    stack.send(
        queue,
        &event(&uuid(), "released", false, json!({ "authorization": format!("eyJhbGciOiJFUzI1NiJ9.{claims}.AAAA") })),
    )?;
    let shown = ["event incident", "back to fraud-desk", "cannot be sent back: the authorization in it has run out"];
    let found = look(deployed, scene, Parked::Undelivered, &shown, customers)?;
    went(deployed, scene, &found, Moved { done: 1, kept: 1, failed: 0 })?;
    let pages = wait_for("the fraud desk", || {
        let pages = stack.take(desk)?;
        Ok((!pages.is_empty()).then_some(pages))
    })?;
    let bodies: Vec<&str> = pages.iter().filter_map(|page| page.get("Body")?.as_str()).collect();
    scene.claim("the fraud desk has it", bodies.iter().any(|body| body.contains(&id)));
    stack.take(queue)?;
    Ok(())
}

/// What lies there, as a person sees it: these words are in it, and nothing that may not be (I8).
fn look(deployed: &Deployed, scene: &mut Scene, queue: Parked, words: &[&str], customers: [&Customer; 2]) -> Result<Found> {
    let found = redrive::look(deployed, queue)?;
    let lines = redrive::shown(&found).join("\n");
    scene.note(&lines);
    let missing: Vec<&str> = words.iter().copied().filter(|word| !lines.contains(*word)).collect();
    scene.claim(&format!("{} is listed: how many, why, which, and where it goes", queue.word()), missing.is_empty());
    if !missing.is_empty() {
        scene.note(&format!("missing: {missing:?}"));
    }
    let mut hidden = vec![SECRET, "482913", "1305555", "eyJ", "8901"];
    for customer in customers {
        hidden.extend([customer.email.as_str(), customer.msisdn.trim_start_matches('+'), customer.iccid.as_str()]);
    }
    scene.claim("and no number, address, card, code or token of it", !hidden.iter().any(|secret| lines.contains(secret)));
    Ok(found)
}

fn went(deployed: &Deployed, scene: &mut Scene, found: &Found, expected: Moved) -> Result<()> {
    let mut said = String::new();
    let moved = redrive::go(deployed, found, false, |line| said.push_str(&line))?;
    let counts = format!("{} before, {} after", found.count, expected.kept);
    scene.note(&said);
    scene.claim(&format!("{}: {} went, {} stay; {counts}", found.queue.word(), moved.done, moved.kept), {
        moved == expected && said.contains(&counts)
    });
    Ok(())
}

/// The source has handled what came back, and did not refuse it again.
fn settled(deployed: &Deployed, scene: &mut Scene, parked: Parked, source: &str, kept: usize) -> Result<()> {
    wait_for("the queue it went to", || Ok((redrive::lying(deployed, source)? == 0).then_some(())))?;
    scene.claim("it was handled, and not refused again", redrive::waiting(deployed, parked)? == kept);
    Ok(())
}
