//! Ports: another carrier's order for a line of ours.

use std::sync::Arc;

use linekeeper_domain::ids::Subject;
use linekeeper_domain::kinds::{ChangeKind, Mode, Protection, Status};
use linekeeper_domain::ledger::replay;
use linekeeper_domain::state::Line;
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::people::{ANA, BEA};
use linekeeper_tests::ports::{about, activation, bill, customer, draw, order, pin, pin_change, with_pin};
use linekeeper_tests::race::{CALLERS, together};
use linekeeper_tests::{Call, Fault, World, iccid};
use serde_json::{Value, json};

async fn world() -> World {
    let world = World::new().await;
    customer(&world, &ANA).await;
    world
}

/// Ana under other rules.
async fn abroad(jurisdiction: &str) -> World {
    let world = World::new().await;
    for mut record in ANA.opening(&world.now()) {
        if record["type"] == "account_opened" {
            record["jurisdiction"] = json!(jurisdiction);
        }
        world.feed(record).await;
    }
    world.clock.advance(Span::days(30));
    world.known_at_home(&ANA).await;
    bill(&world, &ANA).await;
    world
}

/// The words of the answer's reasons.
fn reasons(data: &Value) -> Vec<String> {
    data["codes"].as_array().unwrap().iter().map(|code| code["reason"].as_str().unwrap().to_owned()).collect()
}

/// How many changes of the line are ports, and where the last one stands.
async fn port(world: &World) -> Option<Status> {
    let line = world.line(&ANA).await.state;
    let ports = line.book.changes.values().filter(|change| change.kind() == ChangeKind::PortOut);
    ports.max_by_key(|change| (change.request.requested_at, !change.has_ended())).map(|change| change.status(world.clock.now()))
}

async fn is_frozen(world: &World) -> bool {
    world.account(&ANA).await.state.protections.0.get(&Protection::AccountLockdown) == Some(&Mode::Block)
}

/// Orders and has the port confirmed.
async fn confirmed(world: &World, pon: &str) -> String {
    let pin = pin(world, &ANA, &format!("pin-for-{pon}")).await;
    assert!(!world.from_gateway(&with_pin(order(world, &ANA, pon, 0), &pin)).await);
    assert!(world.pump().await);
    assert_eq!(world.gateway.words().last().map(String::as_str), Some("confirm"));
    pin
}

#[tokio::test]
async fn a_port_with_its_pin_is_confirmed_by_a_signed_authorization_once_the_customer_was_told() {
    let world = world().await;
    let pin = pin(&world, &ANA, "pin").await;
    world.inbox.clear();
    assert!(!world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 0), &pin)).await);
    assert_eq!(world.gateway.words(), [""; 0], "nobody has been told yet");
    assert!(world.pump().await);
    assert!(!world.inbox.all().is_empty());

    let answer = world.gateway.last();
    assert_eq!(answer["answer"], "confirm", "{answer}");
    let claims = crate::audit::claims(&world, answer["authorization"].as_str().unwrap());
    assert_eq!(claims["kind"], "port_out");
    assert_eq!(claims["change"]["number"], ANA.msisdn);
    assert_eq!(claims["change"]["carrier"], "6X21");
    assert_eq!(port(&world).await, Some(Status::Authorized));

    world.clock.advance(Span::hours(3));
    assert!(!world.from_gateway(&activation(&world, &ANA, "LK-1")).await);
    let line = world.line(&ANA).await.state;
    assert!(line.ended_at.is_some(), "the tenure ends with the port");
    assert_eq!(port(&world).await, Some(Status::Completed));
    assert!(!is_frozen(&world).await);
}

#[tokio::test]
async fn account_number_and_zip_alone_never_move_a_line() {
    let world = world().await;
    assert!(!world.from_gateway(&order(&world, &ANA, "LK-1", 0)).await);
    world.pump().await;
    let answer = world.gateway.last();
    assert_eq!((answer["answer"].as_str(), reasons(&answer)), (Some("delay"), vec!["not_confirmed_by_customer".to_owned()]));
    assert!(!world.inbox.all().is_empty(), "she is told of the attempt");

    // She does not answer: in the end the order is refused.
    world.clock.advance(Span::days(2));
    world.tick().await;
    assert_eq!(world.gateway.words(), ["delay", "reject"]);
    assert_eq!(port(&world).await, Some(Status::Expired));
    assert!(world.topic.authorizations().is_empty());
}

#[tokio::test]
async fn without_a_pin_she_may_confirm_in_the_app_by_a_factor_and_never_by_a_tap() {
    let world = world().await;
    world.from_gateway(&order(&world, &ANA, "LK-1", 0)).await;
    world.pump().await;
    let line = world.line(&ANA).await.state;
    let change = line.book.changes.keys().next().unwrap().to_string();
    world.prove(&ANA, &change, "push_otp").await;
    world.pump().await;
    // Without a PIN the order looks like nobody's: it waits all the same, and then it goes.
    assert!(!world.gateway.words().contains(&"confirm".to_owned()));
    let until = world.line(&ANA).await.state.book.changes.values().find_map(|change| change.hold_until).expect("a hold");
    world.clock.advance(until.since(world.clock.now()));
    world.tick().await;
    assert_eq!(world.gateway.words().last().map(String::as_str), Some("confirm"));
}

#[tokio::test]
async fn where_the_place_asks_for_a_token_there_is_no_port_without_it() {
    let world = abroad("uk").await;
    world.from_gateway(&order(&world, &ANA, "LK-1", 0)).await;
    world.pump().await;
    let answer = world.gateway.last();
    assert_eq!((answer["answer"].as_str(), reasons(&answer)), (Some("reject"), vec!["passcode_missing".to_owned()]));
}

#[tokio::test]
async fn what_an_order_gets_wrong_is_said_at_once_and_a_right_pin_survives_a_typing_error() {
    let world = world().await;
    let pin = pin(&world, &ANA, "pin").await;
    let mut wrong = with_pin(order(&world, &ANA, "LK-1", 0), &pin);
    wrong["data"]["account_number"] = json!("987-655");
    wrong["data"]["zip"] = json!("33109");
    assert!(!world.from_gateway(&wrong).await);
    world.pump().await;
    assert_eq!(reasons(&world.gateway.last()), ["account_number_wrong", "zip_wrong"]);

    assert!(!world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 1), &pin)).await);
    world.pump().await;
    assert_eq!(world.gateway.last()["answer"], "confirm");
}

#[tokio::test]
async fn a_locked_line_cannot_be_ported_even_with_a_valid_pin() {
    for (protection, line) in [("no_port_out", Some(ANA.line)), ("no_port_out", None), ("account_lockdown", None)] {
        let world = world().await;
        let pin = pin(&world, &ANA, "pin").await;
        assert_eq!(world.protect(&ANA, protection, "block", line).await.status, 200);
        world.pump().await;
        assert!(!world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 0), &pin)).await);
        world.pump().await;
        assert_eq!(reasons(&world.gateway.last()), ["port_locked"], "{protection} {line:?}");
        assert!(world.topic.authorizations().is_empty());
    }
}

#[tokio::test]
async fn a_pin_is_not_given_out_under_a_lock_or_while_one_is_cooling_off() {
    let world = world().await;
    assert_eq!(world.protect(&ANA, "no_port_out", "step_up", Some(ANA.line)).await.status, 200);
    let wish = json!({"kind": "port_pin", "line_id": ANA.line});
    assert_eq!(world.ask(&ANA, "locked", &wish).await.problem(), "refused");
    let off = json!({"kind": "protection_off", "protection": "no_port_out", "line_id": ANA.line});
    let off = world.ask(&ANA, "off", &off).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &off, "push_otp").await;
    assert_eq!(world.ask(&ANA, "cooling", &wish).await.problem(), "refused");
}

#[tokio::test]
async fn a_lock_between_the_proof_and_the_drawing_wins() {
    let world = world().await;
    let change = pin_change(&world, &ANA, "pin").await;
    assert_eq!(world.protect(&ANA, "account_lockdown", "block", None).await.status, 200);
    assert_eq!(draw(&world, &ANA, &change).await.problem(), "refused");
    assert!(world.line(&ANA).await.state.pin.is_none());
}

#[tokio::test]
async fn a_pin_is_shown_once_told_on_every_channel_and_used_once() {
    let world = world().await;
    let change = pin_change(&world, &ANA, "pin").await;
    world.inbox.clear();
    let drawn = draw(&world, &ANA, &change).await;
    assert_eq!(drawn.status, 201, "{}", drawn.body);
    world.pump().await;
    assert_eq!(world.inbox.all().len(), 3, "app, mailbox and line");
    assert_eq!(draw(&world, &ANA, &change).await.problem(), "change-closed");

    let pin = drawn.text("pin");
    assert!(!world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 0), &pin)).await);
    world.pump().await;
    assert_eq!(world.gateway.last()["answer"], "confirm");
    assert!(!world.from_gateway(&about(&world, &ANA, "cancellation", "LK-1", &json!({}))).await);
    world.pump().await;
    assert!(!world.from_gateway(&with_pin(order(&world, &ANA, "LK-2", 0), &pin)).await);
    world.pump().await;
    // Told as a wrong one: whether it was right once is nobody's business.
    assert_eq!(reasons(&world.gateway.last()), ["passcode_wrong"]);
}

#[tokio::test]
async fn a_pin_that_was_drawn_before_a_lock_is_void_after_it() {
    let world = world().await;
    let pin = pin(&world, &ANA, "pin").await;
    assert_eq!(world.protect(&ANA, "no_port_out", "block", None).await.status, 200);
    let off = json!({"kind": "protection_off", "protection": "no_port_out"});
    let off = world.ask(&ANA, "off", &off).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &off, "push_otp").await;
    world.clock.advance(Span::hours(25));
    world.tick().await;
    assert!(!world.account(&ANA).await.state.protections.0.contains_key(&Protection::NoPortOut));
    assert!(!world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 0), &pin)).await);
    world.pump().await;
    assert_eq!(reasons(&world.gateway.last()), ["passcode_wrong"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_guesses_at_a_pin_never_exceed_their_budget_however_many_gateways_try() {
    let world = Arc::new(world().await);
    let pin = pin(&world, &ANA, "pin").await;
    together(CALLERS, &world, |world, n| async move {
        let order = with_pin(order(&world, &ANA, &format!("LK-{n}"), 0), &format!("{n:08}"));
        for _ in 0..20 {
            if !world.from_gateway(&order).await {
                return;
            }
        }
    })
    .await;
    let tally = world.line(&ANA).await.tally;
    assert_eq!(tally.tries.values().copied().max(), Some(5), "{tally:?}");
    // Now the right one is worth nothing either.
    assert!(!world.from_gateway(&with_pin(order(&world, &ANA, "LK-right", 0), &pin)).await);
    world.pump().await;
    assert!(!world.gateway.words().contains(&"confirm".to_owned()));
    assert!(world.topic.authorizations().is_empty());
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_time_and_other_content_or_an_older_version_is_named() {
    let world = world().await;
    let first = order(&world, &ANA, "LK-1", 3);
    world.from_gateway(&first).await;
    world.pump().await;
    let entries = world.ledger(&ANA, &World::subject(&ANA)).await.len();
    world.clock.advance(Span::minutes(3));
    world.from_gateway(&first).await;
    world.pump().await;
    let answers = world.gateway.all();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0], answers[1], "the same message to the letter");
    assert_eq!(world.ledger(&ANA, &World::subject(&ANA)).await.len(), entries, "nothing was decided again");

    let mut other = first.clone();
    other["data"]["zip"] = json!("33102");
    world.from_gateway(&other).await;
    assert_eq!(reasons(&world.gateway.last()), ["other_content"]);
    world.from_gateway(&order(&world, &ANA, "LK-1", 2)).await;
    assert_eq!(reasons(&world.gateway.last()), ["version_went_back"]);
}

#[tokio::test]
async fn a_repeat_of_a_confirmed_order_is_confirmed_again_by_the_same_authorization() {
    let world = world().await;
    let pin = pin(&world, &ANA, "pin").await;
    let first = with_pin(order(&world, &ANA, "LK-1", 0), &pin);
    world.from_gateway(&first).await;
    world.pump().await;
    world.from_gateway(&first).await;
    world.pump().await;
    assert_eq!(world.gateway.words(), ["confirm", "confirm"]);
    let ids: Vec<Value> = world
        .gateway
        .all()
        .iter()
        .map(|event| crate::audit::claims(&world, event["data"]["authorization"].as_str().unwrap())["jti"].clone())
        .collect();
    assert_eq!(ids[0], ids[1], "I2");
}

#[tokio::test]
async fn a_due_date_supplement_never_starts_a_port_that_was_not_confirmed() {
    let world = world().await;
    let pin = pin(&world, &ANA, "pin").await;
    world.inbox.down(&["push", "sms", "email"]);
    world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 0), &pin)).await;
    world.pump().await;
    let due = (world.clock.now() + Span::hours(4)).to_string();
    let supplement = |version: u8, due: &str| {
        about(
            &world,
            &ANA,
            "supplement",
            "LK-1",
            &json!({"version": version.to_string(), "supplement": "due_date", "desired_due_date": due}),
        )
    };
    world.from_gateway(&supplement(1, &due)).await;
    world.pump().await;
    let answer = world.gateway.last();
    assert_eq!((answer["answer"].as_str(), answer["codes"][0]["code"].as_str()), (Some("resolution_required"), Some("1N")));
    assert!(!world.gateway.words().contains(&"confirm".to_owned()));

    // Once she is told it is confirmed, for the new date.
    world.inbox.down(&[]);
    world.clock.advance(Span::minutes(3));
    world.tick().await;
    let answer = world.gateway.last();
    assert_eq!((answer["answer"].as_str(), answer["due_at"].as_str()), (Some("confirm"), Some(due.as_str())));
}

#[tokio::test]
async fn silence_is_answered_before_the_interval_ends_and_never_by_a_yes() {
    let world = world().await;
    let pin = pin(&world, &ANA, "pin").await;
    world.inbox.down(&["push", "sms", "email"]);
    world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 0), &pin)).await;
    world.pump().await;
    assert!(world.gateway.all().is_empty());
    world.clock.advance(Span::days(4));
    world.tick().await;
    let words = world.gateway.words();
    assert!(!words.is_empty() && !words.contains(&"confirm".to_owned()), "{words:?}");
}

#[tokio::test]
async fn a_timer_that_runs_out_downstream_is_answered_at_once_where_nothing_was_confirmed() {
    let world = world().await;
    let pin = pin(&world, &ANA, "pin").await;
    world.inbox.down(&["push", "sms", "email"]);
    world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 0), &pin)).await;
    let timer = about(
        &world,
        &ANA,
        "timer",
        "LK-1",
        &json!({"timer": "t1", "expires_at": (world.clock.now() + Span::minutes(30)).to_string()}),
    );
    assert!(!world.from_gateway(&timer).await);
    world.pump().await;
    assert_eq!(world.gateway.last()["answer"], "resolution_required");
}

#[tokio::test]
async fn not_me_stops_a_port_and_takes_a_confirmation_back() {
    let world = world().await;
    confirmed(&world, "LK-1").await;
    assert_eq!(world.not_me(&world.inbox.link_token()).await.status, 200);
    world.pump().await;
    assert_eq!(world.gateway.last()["answer"], "withdraw");
    assert!(is_frozen(&world).await);
    // The gateway moved it all the same.
    world.from_gateway(&activation(&world, &ANA, "LK-1")).await;
    world.pump().await;
    assert!(world.topic.all().iter().any(|event| event.page), "a person is paged");
}

#[tokio::test]
async fn a_lock_of_the_account_takes_a_confirmation_of_its_line_back() {
    let world = world().await;
    confirmed(&world, "LK-1").await;
    assert_eq!(world.protect(&ANA, "no_port_out", "block", None).await.status, 200);
    world.pump().await;
    assert_eq!(world.gateway.last()["answer"], "withdraw");
    assert_eq!(port(&world).await, Some(Status::Refused));
}

#[tokio::test]
async fn an_activation_without_our_confirmation_or_against_a_lock_is_an_incident() {
    let unordered = world().await;
    unordered.from_gateway(&activation(&unordered, &ANA, "LK-9")).await;
    let unconfirmed = world().await;
    unconfirmed.from_gateway(&order(&unconfirmed, &ANA, "LK-9", 0)).await;
    unconfirmed.from_gateway(&activation(&unconfirmed, &ANA, "LK-9")).await;
    let locked = world().await;
    confirmed(&locked, "LK-9").await;
    assert_eq!(locked.protect(&ANA, "no_port_out", "block", None).await.status, 200);
    locked.from_gateway(&activation(&locked, &ANA, "LK-9")).await;
    let another = world().await;
    confirmed(&another, "LK-9").await;
    let mut to_another = activation(&another, &ANA, "LK-9");
    to_another["data"]["new_network_service_provider"] = json!("9999");
    another.from_gateway(&to_another).await;
    for (name, world) in [("unordered", unordered), ("unconfirmed", unconfirmed), ("locked", locked), ("another", another)] {
        world.inbox.clear();
        world.pump().await;
        let paged = world.topic.all().iter().filter(|event| event.page).count();
        assert_eq!(paged, 1, "{name}");
        assert!(is_frozen(&world).await, "{name}");
        assert!(world.line(&ANA).await.state.ended_at.is_none(), "{name}");
        assert!(!world.inbox.all().is_empty(), "{name}: she is told");
        // The same report once more changes nothing.
        let entries = world.ledger(&ANA, &World::subject(&ANA)).await.len();
        world.from_gateway(&activation(&world, &ANA, "LK-9")).await;
        assert_eq!(world.ledger(&ANA, &World::subject(&ANA)).await.len(), entries, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_a_lock_that_commits_before_an_activation_wins_in_every_race() {
    let world = Arc::new(world().await);
    confirmed(&world, "LK-1").await;
    together(CALLERS, &world, |world, n| async move {
        for _ in 0..40 {
            let again = if n % 2 == 0 {
                world.from_gateway(&activation(&world, &ANA, "LK-1")).await
            } else {
                let line = if n % 4 == 1 { Some(ANA.line) } else { None };
                world.protect(&ANA, "no_port_out", "block", line).await.status >= 500
            };
            if !again {
                return;
            }
        }
    })
    .await;
    let entries = world.ledger(&ANA, &World::subject(&ANA)).await;
    let (_, _, line): (_, _, Line) = replay(entries.iter().map(String::as_str)).unwrap();
    // Whichever was first: the line left before any lock, or it did not leave by right.
    let account = world.ledger(&ANA, &Subject::Account).await;
    let parsed: Vec<Value> = entries.iter().map(|entry| serde_json::from_str(entry).unwrap()).collect();
    let place =
        |name: &str| parsed.iter().position(|entry| entry["events"].as_array().unwrap().iter().any(|e| e["event"] == name));
    match place("line_ended") {
        Some(left) => {
            assert!(place("protection_on").is_none_or(|locked| left < locked));
            assert!(place("incident").is_none());
        }
        None => {
            assert!(place("incident").is_some());
            let locked_account = account.iter().any(|entry| entry.contains("protection_on"));
            assert!(place("protection_on").is_some() || locked_account);
            assert!(line.ended_at.is_none());
        }
    }
}

/// Every activation has read the line as it was, and writes only after the lock has committed.
#[tokio::test(flavor = "multi_thread")]
async fn i2_a_lock_of_the_line_or_of_the_account_between_an_activations_read_and_its_write_wins() {
    for locked in [Some(ANA.line), None] {
        let world = Arc::new(world().await);
        confirmed(&world, "LK-1").await;
        world.tap.hold(CALLERS);
        let activations = tokio::spawn({
            let world = world.clone();
            async move {
                together(CALLERS, &world, |world, _| async move {
                    // Whom all the others were faster than is told again, as the queue would.
                    for _ in 0..40 {
                        if !world.from_gateway(&activation(&world, &ANA, "LK-1")).await {
                            return true;
                        }
                    }
                    false
                })
                .await
            }
        });
        while world.tap.held() < CALLERS {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(world.protect(&ANA, "no_port_out", "block", locked).await.status, 200);
        world.tap.let_go();
        assert!(activations.await.unwrap().into_iter().all(|done| done), "{locked:?}");

        let entries = world.ledger(&ANA, &World::subject(&ANA)).await;
        assert!(!entries.iter().any(|entry| entry.contains(r#""event":"line_ended""#)), "{locked:?}: it left by right");
        let told = entries.iter().filter(|entry| entry.contains(r#""event":"incident""#)).count();
        assert_eq!(told, 1, "{locked:?}: one incident");
        assert!(world.line(&ANA).await.state.ended_at.is_none() && is_frozen(&world).await, "{locked:?}");
    }
}

#[tokio::test]
async fn i10_what_cannot_be_read_is_answered_or_put_aside_and_its_neighbours_go_on() {
    let world = world().await;
    let good = order(&world, &ANA, "LK-1", 0);
    let mut no_zone = order(&world, &ANA, "LK-2", 0);
    no_zone["data"]["desired_due_date"] = json!("2026-12-25T10:00:00");
    let mut not_ours = order(&world, &ANA, "LK-3", 0);
    not_ours["data"]["ported_number"] = json!("+13055550199");
    let bodies = vec![
        "not json".to_owned(),
        no_zone.to_string(),
        format!("{good}{}", " ".repeat(70_000)),
        not_ours.to_string(),
        json!({"specversion": "1.0"}).to_string(),
        good.to_string(),
        about(&world, &ANA, "heartbeat", "x", &json!({})).to_string(),
    ];
    let again = world.from_gateway_raw(bodies).await;
    assert!(!again.contains(&true));
    world.pump().await;
    let answered: Vec<(String, Vec<String>)> = world
        .gateway
        .all()
        .iter()
        .map(|event| (event["data"]["purchase_order_number"].as_str().unwrap().to_owned(), reasons(&event["data"])))
        .collect();
    let expected = [("LK-2", "time_without_zone"), ("LK-3", "number_not_ours"), ("LK-1", "not_confirmed_by_customer")];
    assert_eq!(answered, expected.map(|(pon, reason)| (pon.to_owned(), vec![reason.to_owned()])));
    assert_eq!(world.dead.all().len(), 4, "each with its reason");
}

#[tokio::test]
async fn i4_an_account_whose_number_and_zip_nobody_knows_is_held_and_never_let_go() {
    let world = World::new().await;
    world.customer(&ANA).await;
    let pin = pin(&world, &ANA, "pin").await;
    world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 0), &pin)).await;
    world.pump().await;
    assert_eq!(world.gateway.words(), ["delay"]);
    assert_eq!(port(&world).await, Some(Status::OnHold));
}

#[tokio::test]
async fn a_recycled_number_is_its_new_holders_and_an_old_order_does_not_find_the_old_one() {
    let world = world().await;
    confirmed(&world, "LK-1").await;
    world.from_gateway(&activation(&world, &ANA, "LK-1")).await;
    world.clock.advance(Span::days(90));
    let open = json!({"id": "1", "at": world.now(), "type": "account_opened", "account_id": BEA.account, "jurisdiction": "us",
        "contacts": [{"id": "email", "email": BEA.email}]});
    assert!(!world.feed(open).await);
    let line = json!({"id": "2", "at": world.now(), "type": "line_opened", "account_id": BEA.account, "line_id": BEA.line,
        "msisdn": ANA.msisdn, "iccid": BEA.iccid});
    assert!(!world.feed(line).await);
    world.from_gateway(&order(&world, &ANA, "LK-2", 0)).await;
    let ports = world.whole(&BEA).await.lines[0].state.book.changes.len();
    assert_eq!(ports, 1, "asked of the new holder");
}

#[tokio::test]
async fn a_sim_swap_within_the_places_wait_refuses_a_port() {
    let world = abroad("in").await;
    let pin = pin(&world, &ANA, "pin").await;
    world.feed(json!({"id": "s", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(9)})).await;
    world.pump().await;
    world.clock.advance(Span::hours(1));
    world.from_gateway(&with_pin(order(&world, &ANA, "LK-1", 0), &pin)).await;
    world.pump().await;
    assert_eq!(world.gateway.last()["answer"], "reject");
    assert!(world.topic.authorizations().is_empty());
}

#[tokio::test]
async fn a_message_of_the_gateway_makes_the_calls_of_the_table_and_no_more() {
    // What the monitor folds once the order is decided and its answer is in the ledger: a window more where a PIN came.
    const MONITOR: [usize; 2] = [6, 9];
    let world = world().await;
    let counts = |world: &World| [Call::Dynamo, Call::Kms, Call::Publish].map(|call| world.tap.count(call));
    world.tap.begin(None);
    world.from_gateway(&order(&world, &ANA, "LK-1", 0)).await;
    assert_eq!(counts(&world), [3 + MONITOR[0], 0, 0], "the number, one read, one write");
    let pin = pin(&world, &ANA, "pin").await;
    world.tap.begin(None);
    world.from_gateway(&with_pin(order(&world, &ANA, "LK-2", 0), &pin)).await;
    assert_eq!(counts(&world), [4 + MONITOR[1], 1, 0], "and a guess claimed and compared");
}

/// One effective answer for each request, whatever was lost on the way: every call of every invocation is made to fail,
/// before and after it happened, and the trigger does what the real one does.
#[tokio::test(flavor = "multi_thread")]
async fn i1_i6_under_crashes_at_every_call_each_request_has_exactly_one_effective_answer() {
    let undisturbed = story(None).await;
    assert_eq!(undisturbed.0, ["confirm", "confirm"], "and the same once more, where it was asked again");
    for step in 0..2 {
        for k in 1..=8 {
            for fault in [Fault::Before(k), Fault::After(k)] {
                let (answers, completed) = story(Some((step, fault))).await;
                let effective: std::collections::BTreeSet<String> = answers.iter().cloned().collect();
                assert!(completed == undisturbed.1 && effective.len() == 1, "step {step}, {fault:?}: {answers:?}");
                assert!(matches!(effective.first().map(String::as_str), Some("confirm" | "reject")), "{effective:?}");
            }
        }
    }
}

/// A port from order to activation; the order's or the stream's first invocation crashes. Returns the final answers that the
/// gateway has and whether all ended.
async fn story(crash: Option<(usize, Fault)>) -> (Vec<String>, bool) {
    let world = world().await;
    let pin = pin(&world, &ANA, "pin").await;
    world.gateway.clear();
    let order = with_pin(order(&world, &ANA, "LK-1", 0), &pin);
    world.tap.begin(crash.filter(|(step, _)| *step == 0).map(|(_, fault)| fault));
    for _ in 0..4 {
        let again = world.from_gateway(&order).await;
        world.tap.begin(None);
        if !again {
            break;
        }
    }
    let mut fault = crash.filter(|(step, _)| *step == 1).map(|(_, fault)| fault);
    for _ in 0..6 {
        if world.pump_with(fault.take()).await {
            break;
        }
    }
    // The gateway asks again, and hears the same.
    world.from_gateway(&order).await;
    world.pump().await;
    (world.gateway.words(), port(&world).await.is_some())
}

fn schema(kind: &str) -> jsonschema::Validator {
    let path = format!("{}/../infra/porting/{kind}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true).build(&schema).unwrap()
}

fn assert_fits(schema: &jsonschema::Validator, message: &Value) {
    let errors: Vec<String> = schema.iter_errors(message).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}\n{message}");
}

#[tokio::test]
async fn what_is_documented_is_what_is_read_and_what_is_answered() {
    for kind in ["port_request", "supplement", "cancellation", "activation", "timer", "heartbeat", "answer"] {
        let path = format!("{}/../infra/porting/{kind}.example.json", env!("CARGO_MANIFEST_DIR"));
        assert_fits(&schema(kind), &serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap());
    }
    let world = world().await;
    let mut sent = vec![order(&world, &ANA, "LK-0", 0)];
    world.from_gateway(&sent[0]).await;
    world.from_gateway(&about(&world, &ANA, "cancellation", "LK-0", &json!({}))).await;
    confirmed(&world, "LK-1").await;
    assert_eq!(world.protect(&ANA, "no_port_out", "block", None).await.status, 200);
    world.pump().await;
    sent.push(with_pin(order(&world, &ANA, "LK-2", 0), "12345678"));
    world.from_gateway(&sent[1]).await;
    world.pump().await;
    sent.iter().for_each(|message| assert_fits(&schema("port_request"), message));
    let answers = world.gateway.all();
    assert_eq!(world.gateway.words(), ["delay", "cancelled", "confirm", "withdraw", "reject"]);
    answers.iter().for_each(|answer| assert_fits(&schema("answer"), answer));
}

#[tokio::test]
async fn i7_a_port_is_stopped_by_who_owns_the_account_however_many_orders_came_and_whatever_is_used_up() {
    let world = world().await;
    for n in 0..25 {
        world.from_gateway(&with_pin(order(&world, &ANA, &format!("LK-{n}"), 0), "00000000")).await;
        world.from_gateway(&about(&world, &ANA, "cancellation", &format!("LK-{n}"), &json!({}))).await;
        world.pump().await;
    }
    assert_eq!(reasons(&world.gateway.last()), ["try_again"], "the day's requests are used up");
    world.clock.advance(Span::days(2));
    world.from_gateway(&order(&world, &ANA, "LK-last", 0)).await;
    world.pump().await;
    let open = |line: &Line| line.book.open(world.clock.now()).next().map(|change| change.id.to_string());
    let change = open(&world.line(&ANA).await.state).expect("an open port");
    for _ in 0..12 {
        world.challenge(&ANA, &change, "push_otp").await;
    }
    assert_eq!(world.cancel(&ANA, &change).await.status, 200);
    world.pump().await;
    assert_eq!(world.gateway.last()["answer"], "reject");
}

#[tokio::test]
async fn i8_neither_pin_nor_number_nor_what_stands_on_the_bill_reaches_an_event_or_a_log() {
    let world = world().await;
    let pin = confirmed(&world, "LK-1").await;
    world.from_gateway(&with_pin(order(&world, &ANA, "LK-2", 0), "31415926")).await;
    world.pump().await;
    let mut said = linekeeper_tests::log::written();
    for event in world.topic.all() {
        // The signed authorization names the number, for the gateway; whoever subscribes to other events does not get it.
        let event = linekeeper_platform::messages::LineEvent { authorization: None, ..event };
        said.push_str(&serde_json::to_string(&event).unwrap());
    }
    for secret in [pin.as_str(), "31415926", ANA.msisdn, "987654", "987-654"] {
        assert!(!said.contains(secret), "{secret}");
    }
    let kept = world.items(linekeeper_tests::world::STATE).await;
    let kept = format!("{kept:?}");
    for secret in [pin.as_str(), "31415926", "987654", "987-654", "\"33101\""] {
        assert!(!kept.contains(secret), "{secret} is stored");
    }
}
