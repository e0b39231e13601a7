//! What is not the caller's looks like what does not exist, and costs the same calls.

use linekeeper_tests::people::{ANA, BEA, Person};
use linekeeper_tests::{Call, Session, World, iccid};
use serde_json::{Value, json};

use crate::stage::{ana, opened, sent};

/// What an answer looks like from outside, all but what the caller sent: status, problem, calls made, body.
type Seen = (u16, String, Vec<Call>, Value);

async fn look(world: &World, session: &Session, method: &str, path: &str, body: Option<&Value>) -> Seen {
    world.tap.begin(None);
    let answer = world.send_plain(session, method, path, &[("idempotency-key", "\"e\"")], body).await;
    let mut body = answer.body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("instance");
    }
    (answer.status, answer.problem().to_owned(), world.tap.calls(), body)
}

const NOBODY: Person = Person { account: "acct-none", line: "line-none", ..ANA };

#[tokio::test]
async fn an_unknown_account_line_or_change_and_a_foreign_one_look_the_same_and_cost_the_same() {
    let world = ana().await;
    world.customer(&BEA).await;
    let hers = Session::at_home(&BEA);
    let foreign = opened(&world, &hers, "k", &BEA.sim_swap(&iccid(2))).await;
    let (challenge, code) = sent(&world, &hers, &foreign, "push_otp").await;
    let own = opened(&world, &Session::at_home(&ANA), "own", &ANA.sim_swap(&iccid(1))).await;
    let unknown = own.replace(ANA.line, "line-none");
    let never = format!("{}0", &own[..own.len() - 1]);
    let cases = [
        ("a foreign line", Session::at_home(&ANA), BEA.line, foreign.clone()),
        ("an unknown line", Session::at_home(&ANA), "line-none", unknown.clone()),
        ("an unknown account", Session::at_home(&NOBODY), "line-none", unknown),
        ("an unknown account, a line of somebody's", Session::at_home(&NOBODY), BEA.line, foreign.clone()),
    ];
    let mut seen: Vec<Vec<Seen>> = Vec::new();
    for (what, session, line, change) in &cases {
        let swap = json!({"kind": "sim_swap", "line_id": line, "sim": {"iccid": iccid(3)}});
        let path = format!("/v1/changes/{change}");
        let requests: [(&str, String, Option<Value>); 6] = [
            ("POST", "/v1/changes".to_owned(), Some(swap)),
            ("GET", path.clone(), None),
            ("POST", format!("{path}/cancel"), None),
            ("POST", format!("{path}/challenges"), Some(json!({"factor": "push_otp"}))),
            ("POST", format!("{path}/challenges/{challenge}/answer"), Some(json!({"code": code}))),
            ("POST", format!("{path}/challenges/{challenge}/answer"), Some(json!({"code": "ABCD-EFGH-JKLM-NPQR"}))),
        ];
        let mut looks = Vec::new();
        for (method, path, body) in &requests {
            let got = look(&world, session, method, path, body.as_ref()).await;
            assert_eq!((got.0, got.2.len()), (404, 1), "{what}: {method} {path}: {got:?}");
            looks.push(got);
        }
        seen.push(looks);
    }
    for (n, looks) in seen.iter().enumerate() {
        assert_eq!(looks, &seen[0], "{}", cases[n].0);
    }
    // A change that her own line never had.
    let got = look(&world, &Session::at_home(&ANA), "GET", &format!("/v1/changes/{never}"), None).await;
    assert!(never == own || got == seen[0][1], "{got:?}");
}

#[tokio::test]
async fn a_factor_that_she_does_not_have_and_one_that_is_no_help_are_refused_alike_at_the_same_cost() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let own = opened(&world, &home, "own", &ANA.sim_swap(&iccid(1))).await;
    let path = format!("/v1/changes/{own}/challenges");
    let mut seen = Vec::new();
    for factor in ["passkey", "totp", "recovery_code", "device_key", "sms_otp", "email_otp"] {
        let got = look(&world, &home, "POST", &path, Some(&json!({"factor": factor}))).await;
        assert_eq!((got.1.as_str(), got.2.len()), ("factor-not-offered", 1), "{factor}: {got:?}");
        seen.push(got);
    }
    assert!(seen.iter().all(|got| *got == seen[0]), "{seen:#?}");
}
