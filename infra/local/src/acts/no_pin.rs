use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Act, Stage};
use crate::api::Caller;
use crate::people::ending;
use crate::stack::{Stack, event, uuid, wait_for};

pub(super) const ACT: Act = Act {
    title: "Act 6  Another carrier asks",
    subtitle: "A thief has Lucia's bill out of her mailbox: account number and ZIP are right. At another carrier he orders her number. Her transfer PIN he does not have, and nobody needs to be talked into giving it.",
    play,
};

/// As it stands on her bill.
const ACCOUNT_NUMBER: &str = "8841-2207";
const ZIP: &str = "33127";
/// The carrier where the thief orders.
const GAINING: &str = "6X21";

fn play(stage: &mut Stage<'_, '_>) -> Result<()> {
    let bill = json!({ "account_id": stage.customer.account_id, "account_number": ACCOUNT_NUMBER, "zip": ZIP });
    stage.stack.provisioning(&event("billing_known", Timestamp::now(), bill))?;
    wait_for("her bill", || {
        let entries = stage.stack.ledger(&stage.customer.account_id, None)?;
        Ok(entries.iter().any(|entry| entry.count("billing_known") == 1).then_some(()))
    })?;
    let mut inbox = stage.inbox()?;
    let answers = stage.stack.output("PortAnswersQueueUrl")?;
    stage.stack.take(answers)?;

    let order = format!("PON-{}", ending(&stage.customer.msisdn).trim_start_matches('…'));
    let request = self::order(&stage.customer.msisdn, GAINING, &order);
    stage.scene.row("gateway", &format!("asks for {} on behalf of {GAINING}, order {order}", ending(&stage.customer.msisdn)));
    stage.scene.note("account number right, ZIP right, no transfer PIN");
    gateway(stage.stack, "port_request", &request)?;
    let first = answer(stage, answers)?;
    show(stage, &first);
    stage.scene.claim("account number and ZIP alone do not move a line", word(&first) == "delay");

    let told = inbox.wait_on(&["push", "SMS", "e-mail"], "/not-me#")?;
    let mail = told.last().context("no e-mail")?;
    stage.scene.message("Lucia, and the same by push and SMS", mail);
    let token = mail.not_me_token().context("no link")?.to_owned();
    let tapped = stage.stack.api.call(&Caller::default(), "POST", "/v1/not-me").json(&json!({ "token": token })).send()?;
    stage.scene.row("Lucia", &format!("taps “this was not me”: {}", tapped.status));
    let second = answer(stage, answers)?;
    show(stage, &second);
    stage.scene.claim("one tap, and the other carrier is told no", word(&second) == "reject");

    let desk = stage.stack.output("FraudDeskQueueUrl")?;
    stage.stack.take(desk)?;
    stage.scene.row("gateway", "reports the number as moved all the same");
    let moved = json!({
        "ported_number": stage.customer.msisdn, "purchase_order_number": order, "new_network_service_provider": GAINING,
        "activated_at": Timestamp::now().to_string(),
    });
    gateway(stage.stack, "activation", &moved)?;
    let page = wait_for("a page to the fraud desk", || Ok(stage.stack.take(desk)?.into_iter().next()))?;
    let page: Value = serde_json::from_str(page.get("Body").and_then(Value::as_str).unwrap_or_default())?;
    stage.scene.row("fraud desk", &format!("is paged: {}", page.get("events").map(Value::to_string).unwrap_or_default()));
    stage.scene.claim("a port that nobody confirmed pages a person", page.get("page") == Some(&Value::Bool(true)));

    let entries = stage.stack.ledger(&stage.customer.account_id, Some(&stage.customer.line_id))?;
    stage.scene.ledger("of Lucia's line", &entries);
    stage.scene.claim("nothing was ever signed", entries.iter().all(|entry| entry.count("released") == 0));
    stage.scene.claim("the chain of hashes verifies", crate::ledger::verifies(&entries));
    Ok(())
}

/// What a carrier that gains a number orders, its transfer PIN left out.
pub(crate) fn order(msisdn: &str, gaining: &str, order: &str) -> Value {
    let due = Timestamp::now().saturating_add(SignedDuration::from_hours(3)).unwrap_or(Timestamp::MAX);
    json!({
        "ported_number": msisdn, "account_number": ACCOUNT_NUMBER, "zip": ZIP, "company_code": "987H",
        "new_network_service_provider": gaining, "desired_due_date": due.to_string(), "purchase_order_number": order,
        "version": "0", "portability_direction": "C", "customer_carrier_name": "ZZZ", "requisition_type": "CB",
        "activity": "V", "initiator_number": "+12125550199", "agency_authority": "Y",
    })
}

/// One message of the porting gateway: a CloudEvent on the queue `porting`.
pub(crate) fn gateway(stack: &Stack, kind: &str, data: &Value) -> Result<()> {
    let message = json!({
        "specversion": "1.0", "id": uuid(), "source": "/gateways/demo", "type": format!("linekeeper.porting.{kind}.v1"),
        "time": Timestamp::now().to_string(), "datacontenttype": "application/json", "data": data,
    });
    stack.send(stack.output("PortingQueueUrl")?, &message.to_string())
}

/// The next answer on the queue `port-answers`.
fn answer(stage: &Stage<'_, '_>, queue: &str) -> Result<Value> {
    let message = wait_for("an answer to the gateway", || Ok(stage.stack.take(queue)?.into_iter().next()))?;
    Ok(serde_json::from_str(message.get("Body").and_then(Value::as_str).unwrap_or_default())?)
}

fn word(answer: &Value) -> &str {
    answer.pointer("/data/answer").and_then(Value::as_str).unwrap_or_default()
}

fn show(stage: &mut Stage<'_, '_>, answer: &Value) {
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    stage.scene.row("Linekeeper", &format!("answers {}: “{}”", word(answer), text("/data/codes/0/text")));
    stage.scene.note(&format!("the gateway must {} by {}", text("/data/must/do").replace('_', " "), text("/data/must/by")));
}
