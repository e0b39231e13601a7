//! A clock that is wrong, and items that outlive their time.

use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::people::ANA;
use linekeeper_tests::world::STATE;
use linekeeper_tests::{Session, iccid};
use serde_json::json;

use crate::stage::{add_totp, ana, codes, days_pass, opened, sent};

#[tokio::test]
async fn an_apps_code_of_two_steps_ago_or_ahead_is_wrong() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let app = add_totp(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    let now = world.clock.now();
    for (at, good) in
        [(now - Span::seconds(60), false), (now + Span::seconds(60), false), (now - Span::days(1), false), (now, true)]
    {
        let challenge = world.challenge_as(&home, &change, "totp").await.text("challenge_id");
        let answer = world.answer_as(&home, &change, &challenge, &json!({"code": app.code(at)})).await;
        assert_eq!(answer.status == 200, good, "{at}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_challenge_is_over_on_time_although_it_is_still_stored() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    let (challenge, code) = sent(&world, &home, &change, "push_otp").await;
    world.clock.advance(Span::minutes(5));
    let answer = world.answer_as(&home, &change, &challenge, &json!({"code": code})).await;
    assert_eq!(answer.problem(), "challenge-over");
    let stored = world.line(&ANA).await.state.book.changes.into_values().next().unwrap();
    assert!(stored.challenge.is_some(), "the story needs it to be there");
}

#[tokio::test]
async fn limits_of_yesterday_that_are_still_stored_do_not_bind_today_and_those_of_today_bind_until_midnight() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    for day in 0..2 {
        for n in 0..10 {
            let change = opened(&world, &home, &format!("{day}-{n}"), &ANA.sim_swap(&iccid(1))).await;
            assert_eq!(world.challenge_as(&home, &change, "push_otp").await.status, 201, "{day} {n}");
            world.cancel(&ANA, &change).await;
        }
        let before = codes(&world);
        let change = opened(&world, &home, &format!("{day}-more"), &ANA.sim_swap(&iccid(1))).await;
        assert_eq!(world.challenge_as(&home, &change, "push_otp").await.problem(), "too-many-codes");
        assert_eq!(codes(&world), before);
        world.cancel(&ANA, &change).await;
        world.clock.advance(Span::hours(24));
    }
    let quotas = world.items(STATE).await.into_iter().filter(|item| item["sk"].as_s().unwrap() == "QUOTA").count();
    assert!(quotas > 0, "the story needs them to be there");
}
