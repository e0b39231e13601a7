//! What the acts do not show, asserted on the deployed stack.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::acts::caller_at_home;
use crate::aftercare;
use crate::api::{Answer, Caller};
use crate::aws::{Aws, Refusal, xml_text};
use crate::carrier::open_accounts;
use crate::people::{Customer, iccid};
use crate::permissions;
use crate::scene::{Claim, Scene, Show};
use crate::stack::{Stack, event, uuid, wait_for};
use crate::terminal::Progress;

type Check = fn(&Stack, &[Customer; 2], &mut Scene) -> Result<()>;

const CHECKS: [(&str, Check); 9] = [
    ("Accounts are separate", separate_accounts),
    ("Tokens", tokens),
    ("Bodies and keys", bodies),
    ("Batches", batches),
    ("Smoke", aftercare::smoke_test),
    ("Dead letters", aftercare::dead_letters),
    // Before roles are tried for what they may not.
    ("Permissions", permissions::check),
    ("Roles", roles),
    ("Logs", logs),
];

/// Runs them all.
pub(crate) fn run(stack: &Stack) -> Result<Vec<Claim>> {
    let progress = Progress::start("Opening two more accounts");
    let customers: [Customer; 2] = open_accounts(stack, &["Olga", "Vera"])?.try_into().ok().context("two customers")?;
    progress.done("");
    let mut claims = Vec::new();
    for (title, check) in CHECKS {
        let mut scene = Scene::open(title, "", Show::Claims);
        let ended = check(stack, &customers, &mut scene);
        claims.extend(scene.close(ended));
    }
    Ok(claims)
}

/// A change asked for by its owner.
pub(crate) fn ask(stack: &Stack, caller: &Caller, customer: &Customer, key: &str, iccid: &str) -> Result<Answer> {
    let body = json!({ "kind": "sim_swap", "line_id": customer.line_id, "sim": { "iccid": iccid }, "phone_lost": false });
    stack.api.call(caller, "POST", "/v1/changes").idempotency_key(key).json(&body).send()
}

/// What tells an answer from another: all but the request's own id.
fn looks(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("instance");
    }
    (answer.status, body)
}

/// Another's, an unknown and a malformed id look the same (I9).
fn separate_accounts(stack: &Stack, [olga, vera]: &[Customer; 2], scene: &mut Scene) -> Result<()> {
    let (at_olgas, at_veras) = (caller_at_home(stack, olga)?, caller_at_home(stack, vera)?);
    let asked = ask(stack, &at_olgas, olga, &uuid(), &iccid())?.expect(201)?;
    let change = asked.text("/change_id");

    let ids = [change.to_owned(), format!("line.{}.{}", olga.line_id, "0".repeat(26)), "no-such-id".to_owned()];
    for (method, suffix, body) in
        [("GET", "", None), ("POST", "/cancel", None), ("POST", "/challenges", Some(json!({ "factor": "push_otp" })))]
    {
        let mut answers = Vec::new();
        for id in &ids {
            let path = format!("/v1/changes/{id}{suffix}");
            let mut call = stack.api.call(&at_veras, method, &path);
            if let Some(body) = &body {
                call = call.json(body);
            }
            answers.push(looks(&call.send()?));
        }
        let same = answers.windows(2).all(|pair| pair.first() == pair.last());
        let missing = answers.first().is_some_and(|(status, _)| *status == 404);
        scene.claim(
            &format!("{method} …{suffix}: another's, an unknown and a malformed id are 404, and look the same"),
            same && missing,
        );
    }
    let own_list = stack.api.call(&at_veras, "GET", "/v1/changes").send()?.expect(200)?;
    scene.claim("a list holds nobody else's changes", !own_list.body.to_string().contains(change));
    let account = stack.api.call(&at_veras, "GET", "/v1/account").send()?.expect(200)?;
    scene.claim("an overview holds nobody else's line", !account.body.to_string().contains(&olga.line_id));
    let path = format!("/v1/account?account_id={}", olga.account_id);
    let named = stack.api.call(&at_veras, "GET", &path).send()?;
    scene.claim("naming another's account gives nothing of it", !named.body.to_string().contains(&olga.line_id));
    let theirs = ask(stack, &at_veras, olga, &uuid(), &iccid())?;
    scene.claim("another's line cannot be asked for", theirs.status == 404);

    let cancelled = stack.api.call(&at_olgas, "POST", &format!("/v1/changes/{change}/cancel")).send()?;
    scene.claim("its owner can stop it", cancelled.status == 200 && cancelled.text("/status") == "cancelled");
    Ok(())
}

fn tokens(stack: &Stack, [olga, _]: &[Customer; 2], scene: &mut Scene) -> Result<()> {
    let claims = json!({ "sub": olga.account_id, "scope": "linekeeper:customer" });
    let with = |name: &str, value: &str| {
        let mut claims = claims.clone();
        if let Some(claims) = claims.as_object_mut() {
            claims.insert(name.into(), value.into());
        }
        stack.issuer.mint(&claims, 3600)
    };
    let good = stack.issuer.customer(&olga.account_id)?;
    let mut tampered = good.clone();
    tampered.truncate(good.len() - 8);
    tampered.push_str("AAAAAAAA");
    let cases = [
        ("no token", None, 401),
        ("an expired token", Some(stack.issuer.mint(&claims, -60)?), 401),
        ("a token of another issuer's", Some(with("iss", "https://login.example")?), 401),
        ("a token for another audience", Some(with("aud", "somebody-else")?), 401),
        ("a token by a forger's key", Some(stack.issuer.forger()?.customer(&olga.account_id)?), 401),
        ("a token whose signature was changed", Some(tampered), 401),
        ("no token at all, only text", Some("let-me-in".to_owned()), 401),
        ("a token without a scope of ours", Some(with("scope", "openid")?), 403),
        ("a representative's token without a channel", Some(with("scope", "linekeeper:representative")?), 403),
        ("a good token", Some(good), 200),
    ];
    for (what, token, status) in cases {
        let caller = Caller { token, ..Caller::default() };
        let answer = stack.api.call(&caller, "GET", "/v1/account").send()?;
        scene.claim(&format!("{what}: {status}"), answer.status == status);
    }
    let tapped = stack.api.call(&Caller::default(), "POST", "/v1/not-me").json(&json!({ "token": "a.b.c" })).send()?;
    scene.claim("a forged “not me” link stops nothing", (400..500).contains(&tapped.status));
    Ok(())
}

fn bodies(stack: &Stack, [olga, _]: &[Customer; 2], scene: &mut Scene) -> Result<()> {
    let home = caller_at_home(stack, olga)?;
    let before = stack.ledger(&olga.account_id, Some(&olga.line_id))?.len();
    let swap = |extra: Value| {
        let mut body = json!({ "kind": "sim_swap", "line_id": olga.line_id, "sim": { "iccid": iccid() }, "phone_lost": false });
        if let (Some(body), Some(extra)) = (body.as_object_mut(), extra.as_object()) {
            body.extend(extra.clone());
        }
        body.to_string().into_bytes()
    };
    let cases: [(&str, &str, Vec<u8>, u16, &str); 9] = [
        ("no JSON", "application/json", b"{".to_vec(), 400, "malformed"),
        ("no text", "application/json", vec![0xff, 0xfe, 0x00], 400, "malformed"),
        ("an empty body", "application/json", Vec::new(), 400, "malformed"),
        ("an unknown field", "application/json", swap(json!({ "approved": true })), 400, "malformed"),
        ("an unknown kind", "application/json", swap(json!({ "kind": "free_phone" })), 400, "malformed"),
        (
            "a SIM with a wrong check digit",
            "application/json",
            swap(json!({ "sim": { "iccid": "8901410000000000000" } })),
            400,
            "malformed",
        ),
        ("a form", "application/x-www-form-urlencoded", b"kind=sim_swap".to_vec(), 415, "unsupported-media-type"),
        ("a megabyte", "application/json", swap(json!({ "padding": "x".repeat(1 << 20) })), 413, "too-large"),
        ("nesting without end", "application/json", "[".repeat(2000).into_bytes(), 400, "malformed"),
    ];
    for (what, content_type, body, status, problem) in cases {
        let answer = stack.api.call(&home, "POST", "/v1/changes").idempotency_key(&uuid()).raw(content_type, body).send()?;
        scene.claim(&format!("{what}: {status} {problem}"), answer.status == status && answer.problem() == problem);
    }
    let unnamed = stack.api.call(&home, "POST", "/v1/changes").raw("application/json", swap(json!({}))).send()?;
    scene.claim("no Idempotency-Key: 400", unnamed.status == 400 && unnamed.problem() == "idempotency-key-missing");
    let after = stack.ledger(&olga.account_id, Some(&olga.line_id))?.len();
    scene.claim("none of these left a trace in the ledger", before == after);

    let (key, sim) = (uuid(), iccid());
    let first = ask(stack, &home, olga, &key, &sim)?.expect(201)?;
    let again = ask(stack, &home, olga, &key, &sim)?;
    scene.claim(
        "a repeat finds the first one's change: 200",
        again.status == 200 && again.text("/change_id") == first.text("/change_id"),
    );
    let other = ask(stack, &home, olga, &key, &iccid())?;
    scene.claim("the same key for another wish: 422", other.status == 422 && other.problem() == "idempotency-key-reused");
    stack.api.call(&home, "POST", &format!("/v1/changes/{}/cancel", first.text("/change_id"))).send()?.expect(200)?;
    let unknown = stack.api.call(&home, "GET", "/v2/anything").send()?;
    scene.claim("an unknown path: 404", unknown.status == 404);
    Ok(())
}

/// A bad message lands among the rejected with its reason, and its neighbours are processed (I10).
fn batches(stack: &Stack, [olga, _]: &[Customer; 2], scene: &mut Scene) -> Result<()> {
    let line = |n: u8| format!("{}-{n}", olga.line_id);
    let open = |n: u8| {
        let fields =
            json!({ "account_id": olga.account_id, "line_id": line(n), "msisdn": format!("+1305555019{n}"), "iccid": iccid() });
        event("line_opened", Timestamp::now(), fields).to_string()
    };
    let twice = open(3);
    let bad = event("sim_changed", Timestamp::now(), json!({ "account_id": olga.account_id, "line_id": 7 })).to_string();
    let queue = stack.output("ProvisioningQueueUrl")?;
    let rejected = stack.output("ProvisioningRejectedQueueUrl")?;
    stack.take(rejected)?;
    stack.send_batch(queue, &[open(1), "no JSON at all".to_owned(), bad, open(2), twice.clone(), twice])?;
    for n in 1..=3 {
        wait_for("a neighbour", || Ok((!stack.ledger(&olga.account_id, Some(&line(n)))?.is_empty()).then_some(())))?;
    }
    scene.claim("the good messages around a bad one are processed", true);
    let mut found = Vec::new();
    wait_for("the rejected messages", || {
        found.extend(stack.take(rejected)?);
        Ok((found.len() >= 2).then_some(()))
    })?;
    let reasons = found.iter().filter(|message| message.pointer("/MessageAttributes/reason/StringValue").is_some()).count();
    scene.claim("each bad one lands among the rejected, with its reason", found.len() == 2 && reasons == 2);
    scene.claim("a message that comes twice counts once", stack.ledger(&olga.account_id, Some(&line(3)))?.len() == 1);

    let behaviour = stack.output("BehaviourQueueUrl")?;
    let rejected = stack.output("BehaviourRejectedQueueUrl")?;
    stack.take(rejected)?;
    let fields = json!({ "account_id": olga.account_id, "ok": true });
    stack.send_batch(behaviour, &[event("sign_in", Timestamp::now(), fields).to_string(), "{}".to_owned()])?;
    let found = wait_for("a rejected behaviour", || {
        let found = stack.take(rejected)?;
        Ok((!found.is_empty()).then_some(found))
    })?;
    let reason = found.first().and_then(|message| message.pointer("/MessageAttributes/reason/StringValue"));
    scene.claim("behaviour is held to the same", found.len() == 1 && reason.is_some());
    Ok(())
}

/// A call as a role makes it.
struct RoleCall {
    role: &'static str,
    service: &'static str,
    target: &'static str,
    body: Value,
    allowed: bool,
}

/// A role permits the calls that its function makes, and no other (I12).
fn roles(stack: &Stack, [olga, _]: &[Customer; 2], scene: &mut Scene) -> Result<()> {
    let (state, ledger) = (stack.output("StateTable")?, stack.output("LedgerTable")?);
    let (mac, seal, signing) = (stack.output("MacKeyArn")?, stack.output("SealKeyArn")?, stack.output("SigningKeyArn")?);
    let key = json!({ "pk": { "S": format!("v1#{}", olga.account_id) }, "sk": { "S": "ACCOUNT" } });
    let entry = json!({ "pk": { "S": format!("v1#{}#ACCOUNT", olga.account_id) }, "seq": { "N": "1" } });
    let (get, read) = ("DynamoDB_20120810.GetItem", "DynamoDB_20120810.BatchGetItem");
    let batch = json!({ "RequestItems": { state: { "Keys": [key] } } });
    let text = "bGluZWtlZXBlcg==";
    let make = json!({ "KeyId": mac, "MacAlgorithm": "HMAC_SHA_256", "Message": text });
    let hash = json!({ "KeyId": stack.output("ProfileKeyArn")?, "MacAlgorithm": "HMAC_SHA_256", "Message": text });
    let check = json!({ "KeyId": mac, "MacAlgorithm": "HMAC_SHA_256", "Message": text, "Mac": "AAAA" });
    let sign = json!({ "KeyId": signing, "SigningAlgorithm": "ECDSA_SHA_256", "Message": text, "MessageType": "RAW" });
    let public = json!({ "KeyId": signing });
    let account = json!({ "linekeeper:account": olga.account_id });
    let sealing = json!({ "KeyId": seal, "Plaintext": text, "EncryptionContext": account });
    let sealed = assume(&stack.aws, "otp-issue")?.json("kms", "TrentService.Encrypt", &sealing)?;
    let sealed = sealed.get("CiphertextBlob").context("nothing was sealed")?;
    let opening = json!({ "KeyId": seal, "CiphertextBlob": sealed, "EncryptionContext": account });
    let delete = json!({ "TableName": ledger, "Key": entry });
    let send = json!({ "QueueUrl": stack.output("ProvisioningQueueUrl")?, "MessageBody": "{}" });

    let call = |role, service, target, body: &Value, allowed| RoleCall { role, service, target, body: body.clone(), allowed };
    let calls = [
        call("request-intake", "dynamodb", read, &batch, true),
        call("request-intake", "kms", "TrentService.GetPublicKey", &public, true),
        call("request-intake", "kms", "TrentService.Sign", &sign, false),
        call("request-intake", "kms", "TrentService.GenerateMac", &make, false),
        call("request-intake", "kms", "TrentService.GenerateMac", &hash, true),
        call("request-intake", "kms", "TrentService.Encrypt", &sealing, false),
        call("request-intake", "kms", "TrentService.Decrypt", &opening, false),
        call("request-intake", "dynamodb", "DynamoDB_20120810.DeleteItem", &delete, false),
        call("care-desk", "dynamodb", read, &batch, true),
        call("care-desk", "kms", "TrentService.GenerateMac", &hash, true),
        call("care-desk", "kms", "TrentService.GenerateMac", &make, false),
        call("care-desk", "kms", "TrentService.VerifyMac", &check, false),
        call("care-desk", "kms", "TrentService.Sign", &sign, false),
        call("care-desk", "kms", "TrentService.Decrypt", &opening, false),
        call("care-desk", "sqs", "AmazonSQS.SendMessage", &send, false),
        call("care-desk", "dynamodb", "DynamoDB_20120810.DeleteItem", &delete, false),
        call("otp-issue", "kms", "TrentService.GenerateMac", &make, true),
        call("otp-issue", "kms", "TrentService.Encrypt", &sealing, true),
        call("otp-issue", "dynamodb", read, &batch, true),
        call("otp-issue", "kms", "TrentService.GenerateMac", &hash, false),
        call("otp-issue", "kms", "TrentService.VerifyMac", &check, false),
        call("otp-issue", "kms", "TrentService.Decrypt", &opening, false),
        call("otp-issue", "kms", "TrentService.Sign", &sign, false),
        call("otp-verify", "kms", "TrentService.Decrypt", &opening, true),
        call("otp-verify", "dynamodb", read, &batch, true),
        call("otp-verify", "kms", "TrentService.Encrypt", &sealing, false),
        call("otp-verify", "kms", "TrentService.GenerateMac", &make, false),
        call("otp-verify", "kms", "TrentService.Sign", &sign, false),
        call("otp-verify", "dynamodb", get, &json!({ "TableName": state, "Key": key }), false),
        call("risk-scoring", "kms", "TrentService.Sign", &sign, false),
        call("risk-scoring", "kms", "TrentService.GenerateMac", &hash, true),
        call("risk-scoring", "kms", "TrentService.GenerateMac", &make, false),
        call("risk-scoring", "sqs", "AmazonSQS.SendMessage", &send, false),
        call("provisioning-feed", "dynamodb", read, &batch, true),
        call("provisioning-feed", "kms", "TrentService.Sign", &sign, false),
        call("provisioning-feed", "kms", "TrentService.GenerateMac", &make, false),
        call("port-feed", "dynamodb", read, &batch, true),
        call("port-feed", "kms", "TrentService.VerifyMac", &check, true),
        call("port-feed", "kms", "TrentService.GenerateMac", &hash, true),
        call("port-feed", "kms", "TrentService.GenerateMac", &make, false),
        call("port-feed", "kms", "TrentService.Sign", &sign, false),
        call("port-feed", "kms", "TrentService.Decrypt", &opening, false),
        call("port-feed", "sqs", "AmazonSQS.SendMessage", &send, false),
        call("change-notify", "kms", "TrentService.Sign", &sign, true),
        call("change-notify", "dynamodb", read, &batch, true),
        call("change-notify", "kms", "TrentService.GenerateMac", &make, false),
        call("change-notify", "kms", "TrentService.Decrypt", &opening, false),
        call("change-notify", "dynamodb", "DynamoDB_20120810.DeleteItem", &delete, false),
        call("change-notify", "sqs", "AmazonSQS.SendMessage", &send, false),
        call("deadline-sweep", "dynamodb", read, &batch, true),
        call("deadline-sweep", "kms", "TrentService.Sign", &sign, false),
        call("deadline-sweep", "dynamodb", "DynamoDB_20120810.DeleteItem", &delete, false),
    ];
    for RoleCall { role, service, target, body, allowed } in calls {
        let aws = assume(&stack.aws, role)?;
        let refusal = aws.json(service, target, &body).err().and_then(|error| error.downcast::<Refusal>().ok());
        let denied = refusal.is_some_and(|refusal| refusal.code.starts_with("AccessDenied"));
        let action = target.rsplit('.').next().unwrap_or(target);
        scene.claim(&format!("{role} {} {service}:{action}", if allowed { "may" } else { "may not" }), denied != allowed);
    }
    for role in ["request-intake", "care-desk", "otp-verify", "risk-scoring", "provisioning-feed", "port-feed", "deadline-sweep"]
    {
        let aws = assume(&stack.aws, role)?;
        let message = [("PhoneNumber", olga.msisdn.as_str()), ("Message", "hello")];
        let refusal =
            aws.query("sns", "2010-03-31", "Publish", &message).err().and_then(|error| error.downcast::<Refusal>().ok());
        let denied = refusal.is_some_and(|refusal| refusal.code.starts_with("Auth") || refusal.code.starts_with("AccessDenied"));
        scene.claim(&format!("{role} may not sns:Publish to a phone"), denied);
    }
    Ok(())
}

/// The stack's function `name` as itself. Its role trusts Lambda alone: here, in a stack of our own, it is made
/// to trust the account too, which leaves what it permits as it is.
fn assume(root: &Aws, name: &str) -> Result<Aws> {
    let camel: String = name
        .split('-')
        .flat_map(|part| part.get(..1).map(str::to_uppercase).into_iter().chain(part.get(1..).map(str::to_owned)))
        .collect();
    let described = root.query(
        "cloudformation",
        "2010-05-15",
        "DescribeStackResource",
        &[("StackName", crate::cloud::STACK), ("LogicalResourceId", &format!("{camel}Role"))],
    )?;
    let role = xml_text(&described, "PhysicalResourceId")?;
    let got = root.query("iam", "2010-05-08", "GetRole", &[("RoleName", role)])?;
    let arn = xml_text(&got, "Arn")?;
    let trust = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" },
        { "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole" },
    ]});
    root.query("iam", "2010-05-08", "UpdateAssumeRolePolicy", &[("RoleName", role), ("PolicyDocument", &trust.to_string())])?;
    let assumed = root.query("sts", "2011-06-15", "AssumeRole", &[("RoleArn", arn), ("RoleSessionName", "stack-test")])?;
    Ok(root.with_credentials(
        xml_text(&assumed, "AccessKeyId")?,
        xml_text(&assumed, "SecretAccessKey")?,
        xml_text(&assumed, "SessionToken")?,
    ))
}

/// No secret and no personal datum in any line that a function logged so far (I8).
fn logs(stack: &Stack, _: &[Customer; 2], scene: &mut Scene) -> Result<()> {
    let texts = stack.every_text()?;
    let codes = stack.codes()?;
    scene.claim(&format!("{} codes were sent to look for", codes.len()), !codes.is_empty());
    for function in crate::binaries::FUNCTIONS {
        let lines = stack.log_of(&format!("linekeeper-{function}"))?;
        let holds = |secret: &str| lines.contains(secret);
        let clean = !holds("eyJ")
            && !holds("@mail.example")
            && !texts.keys().any(|number| holds(number.trim_start_matches('+')))
            && !codes.iter().any(|code| stands_alone(code, &lines));
        scene
            .claim(&format!("{function}: {} lines, and no code, number, address or token in them", lines.lines().count()), clean);
    }
    Ok(())
}

/// Whether a number stands in a text by itself, and not within a longer number, an id or a point in time.
fn stands_alone(number: &str, text: &str) -> bool {
    let within = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    text.match_indices(number).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + number.len()..).and_then(|tail| tail.chars().next());
        !before.is_some_and(within) && !after.is_some_and(within)
    })
}

#[cfg(test)]
mod tests {
    use super::stands_alone;

    #[test]
    fn a_code_is_found_by_itself_only() {
        assert!(stands_alone("123456", r#"{"code":"123456"}"#));
        assert!(stands_alone("123456", "@host #123456"));
        assert!(!stands_alone("123456", "2026-11-22T07:14:46.123456Z"));
        assert!(!stands_alone("123456", "id a0123456-77"));
    }
}
