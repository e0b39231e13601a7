//! Proofs of a device's key: replayed, or made for something else.

use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::dpop::For;
use linekeeper_tests::people::ANA;
use linekeeper_tests::world::ISSUER;
use linekeeper_tests::{DeviceKey, Session, World, iccid};
use serde_json::{Value, json};

use crate::stage::{CALLERS, ana, opened, stored, tally, together};

const CHANGES: &str = "/v1/changes";

/// Asks for a number change of Ana's under a key of its own, with just this proof.
async fn ask(world: &World, session: &Session, key: &str, proof: &str) -> linekeeper_tests::Answer {
    let (quoted, body) = (format!("\"{key}\""), json!({"kind": "number_change", "line_id": ANA.line}));
    world.send_plain(session, "POST", CHANGES, &[("idempotency-key", &quoted), ("dpop", proof)], Some(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_good_for_one_change_one_challenge_or_one_answer() {
    let world = ana().await;
    let session = Session::at_home(&ANA).signed_by(&DeviceKey::new(1));
    // A change.
    let proof = world.proof(&session, "POST", CHANGES).unwrap();
    let asked = ask(&world, &session, "one", &proof).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let change = asked.text("change_id");
    world.cancel(&ANA, &change).await;
    let before = stored(&world).await;
    let again = ask(&world, &session, "two", &proof).await;
    assert_eq!((again.status, again.problem()), (401, "proof-invalid"), "{}", again.body);
    assert_eq!(stored(&world).await, before);
    // A challenge.
    let change = opened(&world, &session, "three", &ANA.sim_swap(&iccid(1))).await;
    let path = format!("/v1/changes/{change}/challenges");
    let proof = world.proof(&session, "POST", &path).unwrap();
    let body = json!({"factor": "push_otp"});
    let first = world.send_plain(&session, "POST", &path, &[("dpop", &proof)], Some(&body)).await;
    assert_eq!(first.status, 201, "{}", first.body);
    world.clock.advance(Span::seconds(31));
    let (before, sent) = (stored(&world).await, world.inbox.all().len());
    let again = world.send_plain(&session, "POST", &path, &[("dpop", &proof)], Some(&body)).await;
    assert_eq!((again.status, again.problem()), (401, "proof-invalid"), "{}", again.body);
    assert_eq!((stored(&world).await, world.inbox.all().len()), (before, sent));
    // An answer: even the right one, with the proof of a wrong one.
    let (challenge, code) = (first.text("challenge_id"), world.inbox.code());
    let path = format!("/v1/changes/{change}/challenges/{challenge}/answer");
    let proof = world.proof(&session, "POST", &path).unwrap();
    let wrong = json!({"code": crate::stage::wrong(&code)});
    let first = world.send_plain(&session, "POST", &path, &[("dpop", &proof)], Some(&wrong)).await;
    assert_eq!(first.problem(), "code-wrong");
    let seq = world.line(&ANA).await.seq;
    for body in [json!({"code": code}), wrong] {
        let again = world.send_plain(&session, "POST", &path, &[("dpop", &proof)], Some(&body)).await;
        assert_eq!((again.status, again.problem()), (401, "proof-invalid"), "the same for the right code: {}", again.body);
    }
    assert_eq!(world.line(&ANA).await.seq, seq, "nothing was recorded");
    assert_eq!(world.change(&ANA, &change).await["status"], "step_up_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_requests_with_one_proof_one_is_taken() {
    let world = ana().await;
    let session = Session::at_home(&ANA).signed_by(&DeviceKey::new(1));
    for round in 0..3 {
        let proof = world.proof(&session, "POST", CHANGES).unwrap();
        let all = session.clone();
        let answers = together(CALLERS, &world, move |world, n| {
            let (session, proof) = (all.clone(), proof.clone());
            let kinds = ["number_change", "ownership", "add_line", "credential_reset"];
            async move {
                let kind = kinds[n % 4];
                let mut body = json!({"kind": kind});
                if n % 4 < 2 {
                    body["line_id"] = json!(ANA.line);
                }
                let key = format!("\"r{round}-{n}\"");
                let headers = [("idempotency-key", key.as_str()), ("dpop", proof.as_str())];
                world.send_plain(&session, "POST", CHANGES, &headers, Some(&body)).await
            }
        })
        .await;
        let won: Vec<&str> =
            answers.iter().filter(|answer| answer.status == 201).map(|a| a.body["change_id"].as_str().unwrap()).collect();
        assert_eq!(won.len(), 1, "{:?}", tally(&answers));
        let others = answers.iter().filter(|answer| answer.status != 201);
        assert!(
            others.into_iter().all(|a| ["proof-invalid", "change-already-open", "try-again"].contains(&a.problem())),
            "{:?}",
            tally(&answers)
        );
        world.cancel(&ANA, won[0]).await;
        world.clock.advance(Span::minutes(2));
    }
}

#[tokio::test]
async fn a_proof_for_another_method_address_token_time_or_key_opens_nothing_and_writes_nothing() {
    let world = ana().await;
    let (key, other) = (DeviceKey::new(1), DeviceKey::new(2));
    let token = key.bound_token();
    let session = Session::at_home(&ANA).bearing(&token);
    let url = format!("{ISSUER}{CHANGES}");
    let now = world.clock.now();
    let good = For { method: "POST", url: &url, token: Some(&token), at: now };
    let elsewhere = [
        format!("{ISSUER}/v1/changes/"),
        format!("{ISSUER}/v1/protections"),
        "https://other.example/v1/changes".to_owned(),
        "http://linekeeper.carrier.example/v1/changes".to_owned(),
        "https://linekeeper.carrier.example:8443/v1/changes".to_owned(),
    ];
    let mut bad: Vec<String> = vec![
        key.proof(&For { method: "GET", ..good }),
        key.proof(&For { method: "PUT", ..good }),
        key.proof(&For { token: Some("another.token.here"), ..good }),
        key.proof(&For { token: None, ..good }),
        key.proof(&For { at: now - Span::seconds(61), ..good }),
        key.proof(&For { at: now + Span::seconds(31), ..good }),
        key.proof(&For { at: now + Span::days(365), ..good }),
        other.proof(&good),
        format!("{},{}", key.proof(&good), key.proof(&good)),
        "none".to_owned(),
        String::new(),
    ];
    bad.extend(elsewhere.iter().map(|url| key.proof(&For { url, ..good })));
    let before = stored(&world).await;
    for (n, proof) in bad.iter().enumerate() {
        let answer = ask(&world, &session, &format!("k{n}"), proof).await;
        assert_eq!((answer.status, answer.problem()), (401, "proof-invalid"), "{n}: {}", answer.body);
    }
    assert_eq!(stored(&world).await, before);
    let taken = ask(&world, &session, "good", &key.proof(&good)).await;
    assert_eq!(taken.status, 201, "{}", taken.body);
}

/// Where a bound token may be shown, and how.
async fn without_proof(world: &World, authorization: &str) -> Vec<(u16, String)> {
    let session = Session::at_home(&ANA).with("authorization", authorization);
    let mut answers = Vec::new();
    let requests: [(&str, &str, Option<Value>); 4] = [
        ("POST", CHANGES, Some(ANA.sim_swap(&iccid(1)))),
        ("GET", CHANGES, None),
        ("GET", "/v1/account", None),
        ("POST", "/v1/changes/line.line-ana.0/challenges", Some(json!({"factor": "push_otp"}))),
    ];
    for (method, path, body) in requests {
        let answer = world.send_plain(&session, method, path, &[("idempotency-key", "\"k\"")], body.as_ref()).await;
        answers.push((answer.status, answer.problem().to_owned()));
    }
    answers
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_is_worth_nothing_without_its_proof() {
    let world = ana().await;
    let token = DeviceKey::new(1).bound_token();
    let before = stored(&world).await;
    for scheme in ["Bearer", "bearer", "DPoP"] {
        for answer in without_proof(&world, &format!("{scheme} {token}")).await {
            assert_eq!(answer, (401, "proof-invalid".to_owned()), "{scheme}");
        }
    }
    assert_eq!(stored(&world).await, before);
}

/// API Gateway's authorizer takes the token alone, without a scheme, too.
#[tokio::test]
async fn a_bound_token_without_a_scheme_is_worth_nothing_without_its_proof() {
    let world = ana().await;
    let token = DeviceKey::new(1).bound_token();
    for answer in without_proof(&world, &token).await {
        assert_eq!(answer, (401, "proof-invalid".to_owned()));
    }
}
