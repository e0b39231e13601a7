//! One right answer, entered many times at once.

use std::sync::Arc;

use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::people::ANA;
use linekeeper_tests::world::ORIGIN;
use linekeeper_tests::{Phone, Session, World};
use serde_json::{Value, json};

use crate::stage::{CALLERS, add_paper, add_passkey, add_totp, ana, days_pass, opened, sent, tally, together};

/// 32 callers enter the same; each at one of the challenges (change and challenge).
async fn all_enter(world: &Arc<World>, at: Vec<(String, String)>, body: Value) -> Vec<linekeeper_tests::Answer> {
    together(CALLERS, world, move |world, n| {
        let ((change, challenge), body) = (at[n % at.len()].clone(), body.clone());
        async move { world.answer_as(&Session::at_home(&ANA), &change, &challenge, &body).await }
    })
    .await
}

fn wins(answers: &[linekeeper_tests::Answer]) -> usize {
    tally(answers).get("200").copied().unwrap_or(0)
}

async fn number_change(world: &World, key: &str) -> String {
    opened(world, &Session::at_home(&ANA), key, &json!({"kind": "number_change", "line_id": ANA.line})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_who_enter_one_right_answer_of_any_kind_one_wins() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let mut phone = Phone::new(1);
    add_passkey(&world, &home, &mut phone).await;
    let app = add_totp(&world, &home).await;
    let paper = add_paper(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    for factor in ["push_otp", "totp", "recovery_code", "passkey"] {
        let change = number_change(&world, factor).await;
        let (challenge, body) = if factor == "push_otp" {
            let (challenge, code) = sent(&world, &home, &change, factor).await;
            (challenge, json!({"code": code}))
        } else {
            let asked = world.challenge_as(&home, &change, factor).await;
            assert_eq!(asked.status, 201, "{factor}: {}", asked.body);
            let body = match factor {
                "totp" => json!({"code": app.code(world.clock.now())}),
                "passkey" => json!({"passkey": phone.get(&asked.body["passkey"], ORIGIN)}),
                _ => json!({"code": paper[0]}),
            };
            (asked.text("challenge_id"), body)
        };
        let answers = all_enter(&world, vec![(change.clone(), challenge)], body).await;
        assert_eq!(wins(&answers), 1, "{factor}: {:?}", tally(&answers));
        world.cancel(&ANA, &change).await;
        world.clock.advance(linekeeper_domain::time::Span::hours(25));
        world.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_step_of_an_app_is_good_for_one_of_two_changes() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let app = add_totp(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    let mut at = Vec::new();
    for change in [number_change(&world, "a").await, opened(&world, &home, "b", &json!({"kind": "credential_reset"})).await] {
        let challenge = world.challenge_as(&home, &change, "totp").await.text("challenge_id");
        at.push((change, challenge));
    }
    let body = json!({"code": app.code(world.clock.now())});
    let answers = all_enter(&world, at.clone(), body.clone()).await;
    assert_eq!(wins(&answers), 1, "{:?}", tally(&answers));
    // And so it is a little later, at the one that is left.
    for (change, _) in &at {
        if world.change(&ANA, change).await["status"] == "step_up_required" {
            world.clock.advance(linekeeper_domain::time::Span::seconds(61));
            let challenge = world.challenge_as(&home, change, "totp").await.text("challenge_id");
            let answer = world.answer_as(&home, change, &challenge, &body).await;
            assert_ne!(answer.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_recovery_code_is_good_for_one_of_three_changes() {
    for round in 0..4 {
        let world = ana().await;
        let home = Session::at_home(&ANA);
        let paper = add_paper(&world, &home).await;
        days_pass(&world, &ANA, 8).await;
        let mut at = Vec::new();
        let line = json!({"kind": "ownership", "line_id": ANA.line});
        for change in [
            number_change(&world, "a").await,
            opened(&world, &home, "b", &json!({"kind": "credential_reset"})).await,
            opened(&world, &home, "c", &line).await,
        ] {
            let challenge = world.challenge_as(&home, &change, "recovery_code").await.text("challenge_id");
            at.push((change, challenge));
        }
        let answers = all_enter(&world, at, json!({"code": paper[0]})).await;
        assert_eq!(wins(&answers), 1, "round {round}: {:?}", tally(&answers));
    }
}

#[tokio::test]
async fn a_recovery_code_that_was_used_is_used_for_good() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let paper = add_paper(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    for (n, (change, right)) in [
        (number_change(&world, "a").await, true),
        (opened(&world, &home, "b", &json!({"kind": "credential_reset"})).await, false),
    ]
    .into_iter()
    .enumerate()
    {
        let challenge = world.challenge_as(&home, &change, "recovery_code").await.text("challenge_id");
        let answer = world.answer_as(&home, &change, &challenge, &json!({"code": paper[0]})).await;
        assert_eq!(answer.status == 200, right, "{n}: {}", answer.body);
    }
}
