//! A code that is read out or copied to another session.

use linekeeper_tests::people::ANA;
use linekeeper_tests::world::ORIGIN;
use linekeeper_tests::{DeviceKey, Phone, Session, iccid};
use serde_json::json;

use crate::stage::{add_paper, add_passkey, ana, days_pass, opened, sent};

#[tokio::test]
async fn a_code_answered_from_another_session_is_worthless_there_and_the_guess_counts() {
    let world = ana().await;
    let key = DeviceKey::new(1);
    let home = Session::at_home(&ANA);
    let copied = Session::stolen(&ANA).with("x-linekeeper-device", linekeeper_tests::people::LAPTOP);
    // Who asked, and who answers in her stead.
    let pairs = [
        ("another device", home.clone(), Session::stolen(&ANA)),
        ("no device", home.clone(), home.clone().without("x-linekeeper-device")),
        ("a device with a key, copied name", home.clone().signed_by(&key), copied.clone()),
        ("another key, copied name", home.clone().signed_by(&key), copied.signed_by(&DeviceKey::new(2))),
        ("a new key", home.clone(), Session::stolen(&ANA).signed_by(&DeviceKey::new(3))),
    ];
    for (n, (who, asks, answers)) in pairs.iter().enumerate() {
        // Two guesses each: the rising wait begins at five.
        if n == 2 {
            world.clock.advance(linekeeper_domain::time::Span::hours(25));
        }
        let change = opened(&world, asks, &format!("k{n}"), &ANA.sim_swap(&iccid(1))).await;
        let (challenge, code) = sent(&world, asks, &change, "push_otp").await;
        let guesses = world.line(&ANA).await.tally.guesses;
        let relayed = world.answer_as(answers, &change, &challenge, &json!({"code": code})).await;
        assert_eq!((relayed.status, relayed.problem()), (409, "challenge-over"), "{who}: {}", relayed.body);
        assert_eq!(world.line(&ANA).await.tally.guesses, guesses + 1, "{who}");
        assert_eq!(world.change(&ANA, &change).await["status"], "step_up_required", "{who}");
        if n == 2 {
            world.clock.advance(linekeeper_domain::time::Span::hours(25));
        } else {
            world.cancel(&ANA, &change).await;
        }
    }
}

#[tokio::test]
async fn a_signature_or_a_recovery_code_from_another_session_is_worthless_too() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let mut phone = Phone::new(1);
    add_passkey(&world, &home, &mut phone).await;
    let paper = add_paper(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    let asked = world.challenge_as(&home, &change, "passkey").await;
    let made = json!({"passkey": phone.get(&asked.body["passkey"], ORIGIN)});
    let relayed = world.answer_as(&Session::stolen(&ANA), &change, &asked.text("challenge_id"), &made).await;
    assert_eq!((relayed.status, relayed.problem()), (409, "challenge-over"));
    let asked = world.challenge_as(&home, &change, "recovery_code").await;
    let code = json!({"code": paper[0]});
    let relayed = world.answer_as(&Session::stolen(&ANA), &change, &asked.text("challenge_id"), &code).await;
    assert_eq!((relayed.status, relayed.problem()), (409, "challenge-over"));
    assert_eq!(world.change(&ANA, &change).await["status"], "step_up_required");
    // Her own session is the one that may.
    let answer = world.answer_as(&home, &change, &asked.text("challenge_id"), &code).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
