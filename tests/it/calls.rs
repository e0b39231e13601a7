//! What an operation costs: calls that leave, counted. Fewer is better, more is a defect.

use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::enrol::{add_key, add_paper, add_passkey, add_totp, adding, days_pass};
use linekeeper_tests::people::ANA;
use linekeeper_tests::world::ORIGIN;
use linekeeper_tests::{App, Call, DeviceKey, Phone, Session, World, iccid};
use serde_json::json;

/// DynamoDB, KMS, messages, events.
fn counts(world: &World) -> [usize; 4] {
    [Call::Dynamo, Call::Kms, Call::Send, Call::Publish].map(|call| world.tap.count(call))
}

async fn customer() -> World {
    let world = World::new().await;
    world.customer(&ANA).await;
    world
}

/// Delivers the one record that waits, and counts.
async fn deliver(world: &World) -> [usize; 4] {
    let (pk, seq, event) = world.undelivered().await.into_iter().next().expect("nothing waits");
    world.tap.begin(None);
    world.notify.handle(event).await.unwrap();
    world.mark(&pk, seq).await;
    counts(world)
}

#[tokio::test]
async fn every_operation_of_a_change_makes_the_calls_of_the_table_and_no_more() {
    let world = customer().await;

    world.tap.begin(None);
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.status, 201);
    assert_eq!(counts(&world), [2, 0, 0, 0], "decide a change");
    let change = asked.text("change_id");

    world.tap.begin(None);
    assert_eq!(world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.status, 200);
    assert_eq!(counts(&world), [1, 0, 0, 0], "a repeat");

    assert_eq!(deliver(&world).await, [1, 1, 3, 1], "a notice on three channels, with a signed link");

    world.tap.begin(None);
    let challenge = world.challenge(&ANA, &change, "push_otp").await;
    assert_eq!(counts(&world), [2, 1, 1, 0], "issue a challenge");
    let (challenge, code) = (challenge.text("challenge_id"), world.inbox.code());

    world.tap.begin(None);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(world.answer(&ANA, &change, &challenge, wrong).await.problem(), "code-wrong");
    assert_eq!(counts(&world), [2, 1, 0, 0], "a wrong answer");

    world.tap.begin(None);
    assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.status, 200);
    assert_eq!(counts(&world), [2, 1, 0, 0], "a right answer, which authorizes");

    world.tap.begin(None);
    assert_eq!(world.answer(&ANA, &change, &challenge, &code).await.problem(), "challenge-over");
    assert_eq!(counts(&world), [1, 0, 0, 0], "a guess that is refused");

    assert_eq!(deliver(&world).await, [1, 1, 0, 1], "signing");

    world.tap.begin(None);
    assert_eq!(world.change(&ANA, &change).await["status"], "authorized");
    assert_eq!(counts(&world), [1, 0, 0, 0], "a status read");

    let id = world.line(&ANA).await.state.book.changes.values().next().unwrap().authorization().unwrap().id.to_string();
    world.tap.begin(None);
    world
        .feed(json!({"id": "1", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(1), "authorization_id": id}))
        .await;
    assert_eq!(counts(&world), [2, 0, 0, 0], "a report of provisioning");
}

#[tokio::test]
async fn no_operation_grows_whatever_factor_it_is_about() {
    let world = customer().await;
    let (home, mut phone, key) = (Session::at_home(&ANA), Phone::new(1), DeviceKey::new(1));
    add_passkey(&world, &home, &mut phone).await;
    let app = add_totp(&world, &home).await;
    let paper = add_paper(&world, &home).await;
    add_key(&world, &home, &key).await;
    days_pass(&world, &ANA, 8).await;

    let signed = home.clone().signed_by(&key);
    for factor in ["passkey", "totp", "recovery_code", "push_otp"] {
        world.tap.begin(None);
        let asked = world.ask_as(&signed, factor, &ANA.sim_swap(&iccid(1))).await;
        assert_eq!((asked.status, counts(&world)), (201, [2, 0, 0, 0]), "{}", asked.body);
        let change = asked.text("change_id");

        world.tap.begin(None);
        let opened = world.challenge_as(&signed, &change, factor).await;
        assert_eq!(opened.status, 201, "{}", opened.body);
        let sends = usize::from(factor == "push_otp");
        assert_eq!(counts(&world), [2, sends, sends, 0], "a challenge: {factor}");

        let answer = match factor {
            "passkey" => json!({"passkey": phone.get(&opened.body["passkey"], ORIGIN)}),
            "totp" => json!({"code": app.code(world.clock.now())}),
            "recovery_code" => json!({"code": paper[0]}),
            _ => json!({"code": world.inbox.code()}),
        };
        world.tap.begin(None);
        let answered = world.answer_as(&signed, &change, &opened.text("challenge_id"), &answer).await;
        assert_eq!(answered.status, 200, "{}", answered.body);
        let kms = usize::from(matches!(factor, "totp" | "push_otp"));
        assert_eq!(counts(&world), [2, kms, 0, 0], "an answer: {factor}");
        world.pump().await;
        world.cancel(&ANA, &change).await;
        world.pump().await;
    }
    let account =
        world.items(linekeeper_tests::world::STATE).await.into_iter().find(|item| item["sk"].as_s().unwrap() == "ACCOUNT");
    let size = size(&aws_sdk_dynamodb::types::AttributeValue::M(account.unwrap()));
    assert!(size < 4_096, "an account with one of each has {size} bytes");
}

#[tokio::test]
async fn setting_a_factor_up_costs_no_more_than_a_code() {
    let world = customer().await;
    let home = Session::at_home(&ANA);
    for factor in ["passkey", "totp", "recovery_code"] {
        let change = adding(&world, &home, factor).await;
        world.tap.begin(None);
        let opened = world.set_up_as(&home, &change, factor).await;
        let kms = usize::from(factor == "totp");
        assert_eq!((opened.status, counts(&world)), (201, [2, kms, 0, 0]), "{factor}: {}", opened.body);
        let answer = match factor {
            "passkey" => json!({"passkey": Phone::new(1).create(&opened.body["passkey"], ORIGIN)}),
            "totp" => json!({"code": App::new(opened.body["totp"]["secret"].as_str().unwrap()).code(world.clock.now())}),
            _ => json!({"code": opened.body["recovery_codes"][3]}),
        };
        world.tap.begin(None);
        let done = world.answer_as(&home, &change, &opened.text("challenge_id"), &answer).await;
        assert_eq!((done.status, counts(&world)), (200, [2, kms, 0, 0]), "{factor}: {}", done.body);
    }
}

#[tokio::test]
async fn what_protects_and_stops_costs_one_read_and_one_write() {
    let world = customer().await;
    world.tap.begin(None);
    assert_eq!(world.protect(&ANA, "no_port_out", "block", Some(ANA.line)).await.status, 200);
    assert_eq!(counts(&world), [2, 0, 0, 0], "a protection on");
    assert_eq!(deliver(&world).await, [1, 0, 3, 1], "a notice without a link");

    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.tap.begin(None);
    assert_eq!(world.cancel(&ANA, &asked.text("change_id")).await.status, 200);
    assert_eq!(counts(&world), [2, 0, 0, 0], "a cancel");

    world.pump().await;
    world.tap.begin(None);
    assert_eq!(world.not_me(&world.inbox.link_token()).await.status, 200);
    assert_eq!(counts(&world), [2, 0, 0, 0], "a tap on `this was not me`");
}

#[tokio::test]
async fn a_report_costs_a_read_and_a_write_a_check_up_one_read() {
    let world = customer().await;
    world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    world.tap.begin(None);
    assert_eq!(world.check_up(&ANA).await.status, 200);
    assert_eq!(counts(&world), [1, 0, 0, 0], "a check-up");
    let report = json!({"lines": [ANA.line]});
    world.tap.begin(None);
    assert_eq!(world.report_fraud(&ANA, &report).await.status, 200);
    assert_eq!(counts(&world), [2, 0, 0, 0], "a report of fraud");
    world.tap.begin(None);
    assert_eq!(world.report_fraud(&ANA, &report).await.status, 200);
    assert_eq!(counts(&world), [1, 0, 0, 0], "the same again");
}

#[tokio::test]
async fn what_runs_in_the_background_costs_a_read_and_a_write_a_subject() {
    let world = customer().await;
    world.tap.begin(None);
    world.behaviour(ANA.sign_in_at_home(&world.now())).await;
    assert_eq!(counts(&world), [6, 0, 0, 0], "a sign-in: the profile, and three counters that it meets others at");
    world.tap.begin(None);
    world.behaviour(ANA.sign_in_at_home(&world.now())).await;
    assert_eq!(counts(&world), [3, 0, 0, 0], "another in the hour is counted already");

    world.tap.begin(None);
    world.sweep.handle().await.unwrap();
    assert_eq!(counts(&world), [8, 0, 0, 0], "a sweep with nothing due: one query a shard");

    world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    world.clock.advance(Span::hours(25));
    world.tap.begin(None);
    world.sweep.handle().await.unwrap();
    assert_eq!(counts(&world), [8 + 2, 0, 0, 0], "a sweep with one change expired");
}

/// Items stay under 4 KB, so that a read costs one unit.
#[tokio::test]
async fn a_line_with_all_it_can_have_open_stays_under_four_kilobytes() {
    let world = customer().await;
    world.protect(&ANA, "never_sim_swap", "step_up", Some(ANA.line)).await;
    for n in 0..8 {
        let asked = world.ask(&ANA, &format!("old{n}"), &ANA.sim_swap(&iccid(n))).await;
        world.pump().await;
        world.prove(&ANA, &asked.text("change_id"), "push_otp").await;
        world.cancel(&ANA, &asked.text("change_id")).await;
        world.clock.advance(Span::hours(3));
    }
    for body in [
        ANA.sim_swap(&iccid(1)),
        json!({"kind": "number_change", "line_id": ANA.line}),
        json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "490154203237518"}),
    ] {
        let asked = world.ask(&ANA, &body.to_string().replace('"', ""), &body).await;
        assert_eq!(asked.status, 201, "{}", asked.body);
        let factors = asked.body["factors"].as_array().map_or(0, Vec::len);
        if factors > 0 {
            world.clock.advance(Span::minutes(1));
            assert_eq!(world.challenge(&ANA, &asked.text("change_id"), "push_otp").await.status, 201);
        }
    }
    world.pump().await;
    for item in world.items(linekeeper_tests::world::STATE).await {
        let size = size(&aws_sdk_dynamodb::types::AttributeValue::M(item.clone()));
        assert!(size < 4_096, "{} has {size} bytes", item["sk"].as_s().unwrap());
    }
    for item in world.items(linekeeper_tests::world::LEDGER).await {
        let size = size(&aws_sdk_dynamodb::types::AttributeValue::M(item));
        assert!(size < 4_096, "an entry has {size} bytes");
    }
}

/// As DynamoDB counts: names and values in UTF-8, three bytes for a map or list and one for each element.
pub(crate) fn size(value: &aws_sdk_dynamodb::types::AttributeValue) -> usize {
    use aws_sdk_dynamodb::types::AttributeValue as A;
    match value {
        A::S(text) => text.len(),
        A::N(number) => number.len() / 2 + 2,
        A::M(map) => 3 + map.iter().map(|(name, value)| 1 + name.len() + size(value)).sum::<usize>(),
        A::L(list) => 3 + list.iter().map(|value| 1 + size(value)).sum::<usize>(),
        _ => 1,
    }
}
