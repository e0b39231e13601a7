//! What was made for one thing, used for another; and new challenges asked for to guess on.

use linekeeper_domain::config::Settings;
use linekeeper_domain::time::Span;
use linekeeper_tests::people::{ANA, BEA};
use linekeeper_tests::world::ORIGIN;
use linekeeper_tests::{Phone, Session, iccid};
use serde_json::json;

use crate::stage::{add_passkey, ana, ana_with, days_pass, opened, sent};

#[tokio::test]
async fn a_code_for_one_change_factor_or_account_is_wrong_at_another() {
    let world = ana_with(Settings { resend_after: Span::seconds(0), ..Settings::default() }).await;
    world.customer(&BEA).await;
    for day in 1..=4 {
        world.behaviour(ANA.sign_in_at_home(&world.ago(Span::days(day)))).await;
    }
    let (home, hers) = (Session::at_home(&ANA), Session::at_home(&BEA));
    let swap = opened(&world, &home, "swap", &ANA.sim_swap(&iccid(1))).await;
    let reset = opened(&world, &home, "reset", &json!({"kind": "credential_reset"})).await;
    let bea = opened(&world, &hers, "bea", &BEA.sim_swap(&iccid(2))).await;
    let number = opened(&world, &home, "number", &json!({"kind": "number_change", "line_id": ANA.line})).await;
    let mut at = Vec::new();
    for (session, change) in [(&home, &swap), (&home, &reset), (&hers, &bea), (&home, &number)] {
        let (challenge, code) = sent(&world, session, change, "push_otp").await;
        at.push((session, change, challenge, code));
    }
    let mut differing = 0;
    for from in [0, 2, 3] {
        let (session, change, challenge, code) = &at[(from + 1) % 4];
        if at[from].3 == *code {
            continue;
        }
        differing += 1;
        let answer = world.answer_as(session, change, challenge, &json!({"code": at[from].3})).await;
        assert_eq!(answer.problem(), "code-wrong", "{}", answer.body);
    }
    assert!(differing > 0);
    // A challenge under another change's address, and under another account's token.
    let (_, _, challenge, code) = &at[0];
    let body = json!({"code": code});
    assert_eq!(world.answer_as(&home, &number, challenge, &body).await.problem(), "challenge-over");
    assert_eq!(world.answer_as(&hers, &swap, challenge, &body).await.status, 404);
    // A newer challenge of the same change, by another factor, kills the older one with its code.
    let again = world.challenge_as(&home, &reset, "push_otp").await;
    let (_, _, old, code) = &at[1];
    assert_eq!(world.answer_as(&home, &reset, old, &json!({"code": code})).await.problem(), "challenge-over");
    let now = world.inbox.code();
    if now != *code {
        let answer = world.answer_as(&home, &reset, &again.text("challenge_id"), &json!({"code": code})).await;
        assert_eq!(answer.problem(), "code-wrong");
    }
}

#[tokio::test]
async fn a_signature_for_one_change_or_page_is_wrong_at_another() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let mut phone = Phone::new(1);
    add_passkey(&world, &home, &mut phone).await;
    days_pass(&world, &ANA, 8).await;
    let cheap = opened(&world, &home, "a", &json!({"kind": "number_change", "line_id": ANA.line})).await;
    let dear = opened(&world, &home, "b", &ANA.sim_swap(&iccid(1))).await;
    let first = world.challenge_as(&home, &cheap, "passkey").await;
    let second = world.challenge_as(&home, &dear, "passkey").await;
    for made in [
        phone.get(&first.body["passkey"], ORIGIN),
        phone.get(&second.body["passkey"], "https://my.carrier.example.evil.example"),
        phone.get(&second.body["passkey"], "https://carrier.example"),
        Phone::new(2).get(&second.body["passkey"], ORIGIN),
    ] {
        let answer = world.answer_as(&home, &dear, &second.text("challenge_id"), &json!({"passkey": made})).await;
        assert_eq!((answer.status, answer.problem()), (422, "signature-wrong"), "{}", answer.body);
    }
    let made = json!({"passkey": phone.get(&second.body["passkey"], ORIGIN)});
    assert_eq!(world.answer_as(&home, &dear, &second.text("challenge_id"), &made).await.status, 200);
}

#[tokio::test]
async fn what_sets_a_factor_up_does_not_prove_the_change_that_adds_it() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let change = opened(&world, &home, "k", &json!({"kind": "factor_add", "factor": "passkey"})).await;
    let asked = world.set_up_as(&home, &change, "passkey").await;
    let made = json!({"passkey": Phone::new(1).create(&asked.body["passkey"], ORIGIN)});
    let answer = world.answer_as(&home, &change, &asked.text("challenge_id"), &made).await;
    assert_eq!((answer.status, answer.text("status").as_str()), (200, "step_up_required"), "{}", answer.body);
    assert!(world.account(&ANA).await.state.factors.is_empty());
    // Nor is one of its kind set up on a change that adds nothing.
    let swap = opened(&world, &home, "swap", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(world.set_up_as(&home, &swap, "passkey").await.problem(), "factor-not-offered");
}

#[tokio::test]
async fn a_new_challenge_brings_no_new_guesses() {
    let world = ana_with(Settings { guesses_per_day: 8, resend_after: Span::seconds(0), ..Settings::default() }).await;
    let home = Session::at_home(&ANA);
    let mut counted = 0;
    for n in 0..6 {
        let change = opened(&world, &home, &format!("k{n}"), &ANA.sim_swap(&iccid(1))).await;
        let asked = world.challenge_as(&home, &change, "push_otp").await;
        if asked.status == 201 {
            for _ in 0..5 {
                world.clock.advance(Span::seconds(if counted < 5 { 0 } else { 61 }));
                let guess = json!({"code": crate::stage::wrong(&world.inbox.code())});
                let answer = world.answer_as(&home, &change, &asked.text("challenge_id"), &guess).await;
                counted += u32::from(answer.problem() == "code-wrong");
            }
        } else {
            assert_eq!(asked.problem(), "too-many-attempts");
        }
        world.cancel(&ANA, &change).await;
    }
    assert_eq!((counted, world.line(&ANA).await.tally.guesses), (8, 8));
}
