//! Many guess at once, at one code and at several, on one line and on several.

use std::collections::BTreeMap;
use std::sync::Arc;

use linekeeper_domain::config::Settings;
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::people::ANA;
use linekeeper_tests::{App, Session, World, iccid};
use serde_json::json;

use crate::stage::{CALLERS, add_totp, ana, ana_with, days_pass, opened, sent, tally, together, wrong};

#[tokio::test(flavor = "multi_thread")]
async fn of_32_guesses_at_an_apps_code_five_count_and_the_right_one_comes_too_late() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let app = add_totp(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    let challenge = world.challenge_as(&home, &change, "totp").await.text("challenge_id");
    let (of, at, guess) = (change.clone(), challenge.clone(), app.wrong(world.clock.now()));
    let answers = together(CALLERS, &world, move |world, _| {
        let (of, at, guess) = (of.clone(), at.clone(), guess.clone());
        async move { world.answer(&ANA, &of, &at, &guess).await }
    })
    .await;
    assert_eq!(tally(&answers), BTreeMap::from([("code-wrong".to_owned(), 5), ("too-many-attempts".to_owned(), CALLERS - 5)]));
    // Not even after the wait.
    world.clock.advance(Span::seconds(61));
    let right = json!({"code": app.code(world.clock.now())});
    assert_eq!(world.answer_as(&home, &change, &challenge, &right).await.problem(), "too-many-attempts");
    assert_eq!(world.line(&ANA).await.tally.guesses, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_over_three_challenges_at_once_count_together_and_then_wait_longer_and_longer() {
    let world = ana_with(Settings { resend_after: Span::seconds(0), ..Settings::default() }).await;
    let home = Session::at_home(&ANA);
    let mut open = Vec::new();
    let bodies = [
        ANA.sim_swap(&iccid(1)),
        json!({"kind": "number_change", "line_id": ANA.line}),
        json!({"kind": "ownership", "line_id": ANA.line}),
    ];
    for (n, body) in bodies.iter().enumerate() {
        let change = opened(&world, &home, &format!("k{n}"), body).await;
        let (challenge, code) = sent(&world, &home, &change, "push_otp").await;
        open.push((change, challenge, code));
    }
    let targets = open.clone();
    let answers = together(CALLERS, &world, move |world, n| {
        let (change, challenge, code) = targets[n % 3].clone();
        async move { world.answer(&ANA, &change, &challenge, wrong(&code)).await }
    })
    .await;
    assert_eq!(tally(&answers), BTreeMap::from([("code-wrong".to_owned(), 5), ("too-many-attempts".to_owned(), CALLERS - 5)]));
    assert_eq!(world.line(&ANA).await.tally.guesses, 5);
    for (change, challenge, code) in &open {
        assert_eq!(world.answer(&ANA, change, challenge, code).await.problem(), "too-many-attempts");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_guesses_in_a_day_the_next_waits_a_minute_and_after_ten_it_waits_ten_and_twenty_are_all() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let app = add_totp(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    for counted in 0..20 {
        let wait = [0, 60, 600][usize::from(counted >= 5) + usize::from(counted >= 10)];
        if wait > 0 {
            world.clock.advance(Span::seconds(wait - 1));
            let early = world.challenge_as(&home, &change, "totp").await.text("challenge_id");
            let code = json!({"code": app.code(world.clock.now())});
            let answer = world.answer_as(&home, &change, &early, &code).await;
            assert_eq!((answer.problem(), answer.headers["retry-after"].as_str()), ("too-many-attempts", "1"), "{counted}");
            world.clock.advance(Span::seconds(1));
        }
        let challenge = world.challenge_as(&home, &change, "totp").await.text("challenge_id");
        let code = json!({"code": app.wrong(world.clock.now())});
        assert_eq!(world.answer_as(&home, &change, &challenge, &code).await.problem(), "code-wrong", "{counted}");
    }
    assert_eq!(world.challenge_as(&home, &change, "totp").await.problem(), "too-many-attempts");
    assert_eq!(world.line(&ANA).await.tally.guesses, 20);
}

/// More lines of Ana's, and an authenticator app that counts.
async fn with_lines(settings: Settings, lines: usize) -> (Arc<World>, App, Vec<(String, String)>) {
    let world = ana_with(settings).await;
    let home = Session::at_home(&ANA);
    let app = add_totp(&world, &home).await;
    for n in 0..lines {
        world
            .feed(json!({"id": "2", "at": world.now(), "type": "line_opened", "account_id": ANA.account, "line_id": format!("line-{n}"),
                         "msisdn": format!("+1305555{:04}", 200 + n), "iccid": iccid(600 + u32::try_from(n).unwrap())}))
            .await;
    }
    days_pass(&world, &ANA, 8).await;
    let mut open = Vec::new();
    for n in 0..lines {
        let body = json!({"kind": "number_change", "line_id": format!("line-{n}")});
        let change = opened(&world, &home, &format!("k{n}"), &body).await;
        open.push((change, String::new()));
    }
    (world, app, open)
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_answers_on_many_lines_use_up_the_accounts_budget_whatever_each_line_has_left() {
    let settings = Settings { guesses_per_day: 6, failures_per_account: 12, ..Settings::default() };
    let (world, app, open) = with_lines(settings, 6).await;
    let home = Session::at_home(&ANA);
    let mut counted = 0;
    for (change, _) in &open {
        let challenge = world.challenge_as(&home, change, "totp").await;
        if challenge.status != 201 {
            assert_eq!(challenge.problem(), "too-many-attempts");
            assert_eq!(counted, 15, "asked before each five: twelve are not reached within two");
            continue;
        }
        for _ in 0..5 {
            let code = json!({"code": app.wrong(world.clock.now())});
            let answer = world.answer_as(&home, change, &challenge.text("challenge_id"), &code).await;
            assert_eq!(answer.problem(), "code-wrong");
            counted += 1;
        }
    }
    assert_eq!(counted, 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn challenges_opened_beforehand_on_many_lines_bring_no_win_beyond_the_accounts_budget() {
    let settings = Settings { guesses_per_day: 6, failures_per_account: 12, ..Settings::default() };
    let (world, app, mut open) = with_lines(settings, 6).await;
    let home = Session::at_home(&ANA);
    for (change, challenge) in &mut open {
        *challenge = world.challenge_as(&home, change, "totp").await.text("challenge_id");
    }
    let code = json!({"code": app.wrong(world.clock.now())});
    for (change, challenge) in open.iter().take(5) {
        for _ in 0..5 {
            world.answer_as(&home, change, challenge, &code).await;
        }
    }
    // 25 wrong ones where twelve are the account's.
    let right = json!({"code": app.code(world.clock.now())});
    let (change, challenge) = &open[5];
    assert_eq!(world.answer_as(&home, change, challenge, &right).await.problem(), "too-many-attempts");
}
