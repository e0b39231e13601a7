//! A role permits exactly the calls that its function makes (I12): every permission of the deployed roles is held against
//! what the local cloud's trail shows of whatever was played before. One that nothing used fails, and so does a call that
//! was denied.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::acts;
use crate::api::Caller;
use crate::aws::{Aws, xml_text};
use crate::binaries::FUNCTIONS;
use crate::carrier::{Inbox, from, open_accounts, with};
use crate::people::{Customer, LOS_ANGELES, iccid};
use crate::scene::Scene;
use crate::stack::{Message, Stack, event, uuid, wait_for};

/// Calls of one page of the trail.
const PAGE: usize = 50;
/// Pages that are looked through for one permission.
const PAGES: usize = 60;

/// What Lambda itself does with a function's role, outside of the function: it reads the function's queue or stream and
/// writes its log. The local cloud does it without the role, so the trail has nothing of it.
const BY_LAMBDA: [&str; 9] = [
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
];

impl Permission {
    /// Whether Lambda itself needs it: `failed` is the queue of what it could not deliver.
    fn is_for_lambda(&self, failed: &str) -> bool {
        let to_failed =
            self.action == "sqs:SendMessage" && self.resource.as_ref().is_some_and(|resource| resource.ends_with(failed));
        to_failed || BY_LAMBDA.contains(&self.action.as_str())
    }
}

/// Begins to record every call.
pub(crate) fn record(aws: &Aws) -> Result<()> {
    aws.post("cloudtrail", "/_ministack/config", &json!({ "cloudtrail._recording_enabled": "true" }))?;
    Ok(())
}

/// One permission of a role.
#[derive(Debug)]
struct Permission {
    action: String,
    /// The ARN; for what is permitted on everything but something, nothing.
    resource: Option<String>,
}

/// Holds every role against the trail.
pub(crate) fn check(stack: &Stack, _: &[Customer; 2], scene: &mut Scene) -> Result<()> {
    // Of their own: the others' accounts are frozen by now, for a port that nobody confirmed.
    let customers: [Customer; 2] = open_accounts(stack, &["Paula", "Rita"])?.try_into().ok().context("two customers")?;
    what_else_there_is(stack, &customers)?;
    for function in FUNCTIONS {
        let name = format!("linekeeper-{function}");
        let read = stack.aws.get("lambda", &format!("/2015-03-31/functions/{name}/configuration"))?;
        let text = |name: &str| read.get(name).and_then(Value::as_str).with_context(|| format!("{function} has no {name}"));
        let (arn, role) = (text("FunctionArn")?, text("Role")?);
        // Nothing calls it but by its alias: for some callers the local cloud makes the session of that, for others of the
        // version that it points to.
        let alias = stack.aws.get("lambda", &format!("/2015-03-31/functions/{name}/aliases/live"))?;
        let version = alias.get("FunctionVersion").and_then(Value::as_str).context("an alias without a version")?;
        let sessions = ["live", version].map(|qualifier| session_of(&format!("{arn}:{qualifier}"), role));
        let role = role.rsplit('/').next().unwrap_or_default();
        let permissions = permissions(&stack.aws, role, function)?;
        let fed = sources(&stack.aws, &name)?;
        let failed = stack.output("NoticeFailedQueueUrl")?.rsplit('/').next().unwrap_or_default().to_owned();

        let (by_lambda, own): (Vec<_>, Vec<_>) = permissions.iter().partition(|permission| permission.is_for_lambda(&failed));
        let mut unused = Vec::new();
        for permission in &own {
            let used = match permission.action.as_str() {
                // The trail has no e-mails; one that arrived was permitted.
                "ses:SendEmail" => wrote(stack, &customers, function)?,
                _ => {
                    let [alias, version] = &sessions;
                    was_used(&stack.aws, alias, permission)? || was_used(&stack.aws, version, permission)?
                }
            };
            if !used {
                unused.push(format!("{} on {}", permission.action, permission.resource.as_deref().unwrap_or("the rest")));
            }
        }
        let said = if unused.is_empty() { String::new() } else { format!("; nothing used {}", unused.join(", ")) };
        scene.claim(
            &format!("{function}: each of {} permissions was used{said}", own.len()),
            unused.is_empty() && !own.is_empty(),
        );

        let reads = |permission: &&&Permission| !permission.action.starts_with("logs:");
        let strange = by_lambda
            .iter()
            .filter(reads)
            .find(|permission| permission.resource.as_ref().is_none_or(|resource| !fed.contains(resource)));
        scene.claim(&format!("{function}: Lambda may read for it what triggers it, and nothing else"), strange.is_none());

        let log = stack.log_of(&name)?;
        let denied = log
            .lines()
            .find(|line| ["AccessDenied", "AuthorizationError", "not authorized"].iter().any(|word| line.contains(word)));
        scene.claim(&format!("{function}: none of its calls was denied"), denied.is_none());
    }
    Ok(())
}

/// Plays what nobody did before, and what somebody has a permission for.
fn what_else_there_is(stack: &Stack, [olga, vera]: &[Customer; 2]) -> Result<()> {
    // A transfer PIN and an order with it, one for a number that is nobody's, and no order at all.
    let (home, change) = proven(stack, olga, &json!({ "kind": "port_pin", "line_id": olga.line_id }))?;
    let drawn = wait_for("her to be told, and then the PIN", || {
        let drawn = stack.api.call(&home, "POST", &format!("/v1/changes/{change}/pin")).send()?;
        Ok((drawn.status == 201).then_some(drawn))
    })?;
    let with_pin = with(acts::order(&olga.msisdn, "6X21", "PON-PIN"), json!({ "passcode": drawn.text("/pin") }));
    acts::gateway(stack, "port_request", &with_pin)?;
    acts::gateway(stack, "port_request", &acts::order("+13105550199", "6X21", "PON-NOBODY"))?;
    stack.send(stack.output("PortingQueueUrl")?, "no order")?;
    wait_for("the order", || {
        let entries = stack.ledger(&olga.account_id, Some(&olga.line_id))?;
        Ok(entries.iter().any(|entry| entry.bytes.contains("port_out")).then_some(()))
    })?;
    let rejected = stack.output("PortingRejectedQueueUrl")?;
    wait_for("what is no order", || Ok((!stack.take(rejected)?.is_empty()).then_some(())))?;

    // An authenticator app.
    let (home, change) = proven(stack, vera, &json!({ "kind": "factor_add", "factor": "totp" }))?;
    let path = format!("/v1/changes/{change}/challenges");
    let opened = stack.api.call(&home, "POST", &path).json(&json!({ "factor": "totp", "enrol": true })).send()?.expect(201)?;
    let app = totp_rs::Totp::from_url(opened.text("/totp/uri")).context("no seed")?;
    acts::answer(
        stack,
        &home,
        &change,
        opened.text("/challenge_id"),
        &app.generate(u64::try_from(Timestamp::now().as_second())?).to_string(),
    )?
    .expect(200)?;

    // A lost phone, for which e-mail stands in; and what is learnt of somebody else meanwhile.
    let lost = json!({ "kind": "sim_swap", "line_id": vera.line_id, "sim": { "iccid": iccid() }, "phone_lost": true });
    let asked = stack.api.call(&home, "POST", "/v1/changes").idempotency_key(&uuid()).json(&lost).send()?.expect(201)?;
    let change = asked.text("/change_id");
    let path = format!("/v1/changes/{change}/challenges");
    let opened = stack.api.call(&home, "POST", &path).json(&json!({ "factor": "email_otp" })).send()?.expect(201)?;
    let mail = wait_for("a code by e-mail", || {
        let mails = stack.mails(&vera.email)?;
        Ok(mails.iter().rev().find_map(|mail| mail.code().map(str::to_owned)))
    })?;
    acts::answer(stack, &home, change, opened.text("/challenge_id"), &mail)?.expect(200)?;
    // Days later.
    let sweep = stack.output("DeadlineSweepFunction")?;
    stack.end_hold(vera, change)?;
    wait_for("the sweep to end the wait", || {
        stack.aws.invoke(sweep, &json!({}))?;
        let read = stack.api.call(&home, "GET", &format!("/v1/changes/{change}")).send()?.expect(200)?;
        Ok((read.text("/status") == "authorized").then_some(()))
    })?;
    let home = acts::caller_at_home(stack, olga)?;
    let swap = json!({ "kind": "sim_swap", "line_id": olga.line_id, "sim": { "iccid": iccid() }, "phone_lost": false });
    stack.api.call(&home, "POST", "/v1/changes").idempotency_key(&uuid()).json(&swap).send()?.expect(201)?;
    let before = stack.ledger(&olga.account_id, Some(&olga.line_id))?.len();
    let thief = with(from(&LOS_ANGELES, "phone-of-a-thief"), json!({ "account_id": olga.account_id, "ok": true }));
    stack.behaviour(&event("sign_in", Timestamp::now(), thief))?;
    wait_for("a higher bar", || Ok((stack.ledger(&olga.account_id, Some(&olga.line_id))?.len() > before).then_some(())))
}

/// A change that is asked for and proven by a code in the app.
fn proven(stack: &Stack, customer: &Customer, wish: &Value) -> Result<(Caller, String)> {
    let home = acts::caller_at_home(stack, customer)?;
    let mut inbox = Inbox::of(stack, customer)?;
    let asked = stack.api.call(&home, "POST", "/v1/changes").idempotency_key(&uuid()).json(wish).send()?.expect(201)?;
    let change = asked.text("/change_id").to_owned();
    let path = format!("/v1/changes/{change}/challenges");
    let opened = stack.api.call(&home, "POST", &path).json(&json!({ "factor": "push_otp" })).send()?.expect(201)?;
    let told = inbox.wait_on(&["push"], " #")?;
    let code = told.first().and_then(Message::code).context("no code")?;
    acts::answer(stack, &home, &change, opened.text("/challenge_id"), code)?.expect(200)?;
    Ok((home, change))
}

/// Whether an e-mail of a function's arrived: `otp-issue` sends codes, `change-notify` the rest.
fn wrote(stack: &Stack, customers: &[Customer; 2], function: &str) -> Result<bool> {
    let of_codes = function == "otp-issue";
    for customer in customers {
        if stack.mails(&customer.email)?.iter().any(|mail| mail.code().is_some() == of_codes) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The key by which the local cloud knows a function's session: it makes it of the function and its role.
fn session_of(function: &str, role: &str) -> String {
    let digest = Sha256::digest(format!("{function}:{role}"));
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02X}")).collect();
    format!("ASIA{hex}")
}

/// What a role's policy permits, action by action and resource by resource.
fn permissions(aws: &Aws, role: &str, policy: &str) -> Result<Vec<Permission>> {
    let got = aws.query("iam", "2010-05-08", "GetRolePolicy", &[("RoleName", role), ("PolicyName", policy)])?;
    let document: Value = serde_json::from_str(&plain(xml_text(&got, "PolicyDocument")?)).context("a policy that is no JSON")?;
    let mut permissions = Vec::new();
    for statement in document.get("Statement").and_then(Value::as_array).context("a policy without statements")? {
        let resources: Vec<Option<String>> = match statement.get("Resource") {
            Some(resources) => each(resources).into_iter().map(Some).collect(),
            None => vec![None],
        };
        for action in each(statement.get("Action").unwrap_or(&Value::Null)) {
            permissions
                .extend(resources.iter().map(|resource| Permission { action: action.clone(), resource: resource.clone() }));
        }
    }
    Ok(permissions)
}

/// What triggers a function, by ARN, and where Lambda puts what it could not do.
fn sources(aws: &Aws, function: &str) -> Result<Vec<String>> {
    let listed = aws.get("lambda", &format!("/2015-03-31/event-source-mappings/?FunctionName={function}"))?;
    let mappings = listed.get("EventSourceMappings").and_then(Value::as_array).context("no event source mappings")?;
    let named =
        |pointer: &'static str| mappings.iter().filter_map(move |mapping| Some(mapping.pointer(pointer)?.as_str()?.to_owned()));
    Ok(named("/EventSourceArn").chain(named("/DestinationConfig/OnFailure/Destination")).collect())
}

fn each(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => many.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// Whether a session made a call that needs a permission.
fn was_used(aws: &Aws, session: &str, permission: &Permission) -> Result<bool> {
    let (service, operation) = permission.action.split_once(':').context("an action without a service")?;
    let names: Vec<&str> = match (service, operation) {
        ("dynamodb", "PutItem" | "UpdateItem" | "DeleteItem") => vec!["TransactWriteItems", operation],
        ("dynamodb", "ConditionCheckItem") => vec!["TransactWriteItems"],
        // The trail names these by their protocol; what was asked stands in the parameters.
        ("sns", _) => vec!["POST.sns"],
        _ => vec![operation],
    };
    for name in names {
        let mut until = f64::MAX;
        for _ in 0..PAGES {
            let mut request = json!({
                "MaxResults": PAGE,
                "LookupAttributes": [
                    { "AttributeKey": "AccessKeyId", "AttributeValue": session },
                    { "AttributeKey": "EventName", "AttributeValue": name },
                ],
            });
            if let Some(request) = request.as_object_mut().filter(|_| until < f64::MAX) {
                request.insert("EndTime".into(), json!(until));
            }
            let found = aws.json("cloudtrail", "CloudTrail_20131101.LookupEvents", &request)?;
            let calls = found.get("Events").and_then(Value::as_array).cloned().unwrap_or_default();
            if calls.iter().any(|call| needs(call, permission, service, operation)) {
                return Ok(true);
            }
            let times = calls.iter().filter_map(|call| call.get("EventTime")?.as_f64());
            until = times.fold(until, f64::min) - 1e-6;
            if calls.len() < PAGE {
                break;
            }
        }
    }
    Ok(false)
}

/// Whether a call of the trail needs a permission.
fn needs(call: &Value, permission: &Permission, service: &str, operation: &str) -> bool {
    let Some(event) = call.get("CloudTrailEvent").and_then(Value::as_str) else { return false };
    let event: Value = serde_json::from_str(event).unwrap_or_default();
    let asked = event.get("requestParameters").cloned().unwrap_or_default();
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    let resource = permission.resource.as_deref().unwrap_or_default();
    let last = resource.rsplit([':', '/']).next().unwrap_or_default();
    match service {
        "dynamodb" => {
            // table/NAME, or table/NAME/index/INDEX
            let path: Vec<&str> = resource.split('/').collect();
            let (table, index) = (path.get(1).copied(), path.get(3).copied());
            let part = match operation {
                "PutItem" => "Put",
                "UpdateItem" => "Update",
                "DeleteItem" => "Delete",
                _ => "ConditionCheck",
            };
            let within = asked.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
            let mut within = within.filter_map(|item| item.get(part)?.get("TableName")?.as_str());
            let batch = asked.get("RequestItems").zip(table).is_some_and(|(items, table)| items.get(table).is_some());
            within.any(|name| Some(name) == table) || batch || (text("TableName") == table && text("IndexName") == index)
        }
        "kms" => text("KeyId").is_some_and(|key| key == resource || key == last),
        "sqs" => text("QueueUrl").is_some_and(|url| url.rsplit('/').next() == Some(last)),
        "sns" => match permission.resource.as_deref() {
            None => text("PhoneNumber").is_some(),
            // A pattern of push endpoints.
            Some(pattern) if pattern.contains('*') => {
                let (head, tail) = pattern.split_once('*').unwrap_or_default();
                let name = tail.trim_start_matches('*').trim_end_matches('*');
                text("TargetArn").is_some_and(|to| to.starts_with(head) && to.contains(name))
            }
            Some(topic) => text("TopicArn") == Some(topic),
        },
        _ => false,
    }
}

/// A policy as it was before it was made fit for a URL, or for XML.
fn plain(text: &str) -> String {
    percent_decode_str(&text.replace("&quot;", "\"").replace("&amp;", "&")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(asked: &Value) -> Value {
        json!({ "CloudTrailEvent": json!({ "requestParameters": asked }).to_string() })
    }

    fn used(action: &str, resource: Option<&str>, asked: &Value) -> bool {
        let permission = Permission { action: action.to_owned(), resource: resource.map(str::to_owned) };
        let (service, operation) = action.split_once(':').unwrap();
        needs(&call(asked), &permission, service, operation)
    }

    #[test]
    fn a_call_uses_the_permission_on_what_it_touches_and_on_nothing_else() {
        let state = Some("arn:aws:dynamodb:us-east-1:1:table/state");
        let write = json!({ "TransactItems": [{ "Update": { "TableName": "state" } }, { "Put": { "TableName": "ledger" } }] });
        assert!(used("dynamodb:UpdateItem", state, &write));
        assert!(!used("dynamodb:PutItem", state, &write) && !used("dynamodb:ConditionCheckItem", state, &write));
        let due = Some("arn:aws:dynamodb:us-east-1:1:table/state/index/due");
        let query = json!({ "TableName": "state", "IndexName": "due" });
        assert!(used("dynamodb:Query", due, &query) && !used("dynamodb:Query", state, &query));
        assert!(used("dynamodb:BatchGetItem", state, &json!({ "RequestItems": { "state": {} } })));
        assert!(!used("dynamodb:BatchGetItem", state, &json!({ "RequestItems": { "ledger": {} } })));
        let key = Some("arn:aws:kms:us-east-1:1:key/k1");
        assert!(used("kms:Sign", key, &json!({ "KeyId": "k1" })) && !used("kms:Sign", key, &json!({ "KeyId": "k2" })));
        let queue = Some("arn:aws:sqs:us-east-1:1:answers");
        assert!(used("sqs:SendMessage", queue, &json!({ "QueueUrl": "http://x/1/answers" })));
        assert!(!used("sqs:SendMessage", queue, &json!({ "QueueUrl": "http://x/1/other" })));
        assert!(used("sns:Publish", None, &json!({ "PhoneNumber": "+1" })));
        assert!(!used("sns:Publish", Some("arn:aws:sns:us-east-1:1:events"), &json!({ "PhoneNumber": "+1" })));
    }

    #[test]
    fn a_policy_is_read_from_a_url_or_from_xml() {
        assert_eq!(plain("%7B%22a%22%3A1%7D"), r#"{"a":1}"#);
        assert_eq!(plain("{&quot;a&quot;:1}"), r#"{"a":1}"#);
    }
}
