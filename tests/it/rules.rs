//! The invariants that are about what goes missing, what is malformed, and who asks: I4, I6, I7, I9, I10;
//! and the rules of protections, told as short stories.

use linekeeper_domain::config::Settings;
use linekeeper_domain::kinds::{Band, Protection};
use linekeeper_domain::ledger::replay;
use linekeeper_domain::policy::Requirement;
use linekeeper_domain::state::Line;
use linekeeper_domain::time::Span;
use linekeeper_tests::people::{ANA, AT_HOME, BEA};
use linekeeper_tests::world::{customer, representative};
use linekeeper_tests::{Answer, World, iccid};
use serde_json::{Value, json};

async fn ana() -> World {
    let world = World::new().await;
    world.customer(&ANA).await;
    world
}

/// What a SIM swap needs when asked for with these headers, and the band it was given.
async fn need(world: &World, key: &str, headers: &[(&str, &str)]) -> (Requirement, Band) {
    let asked = world.ask_from(&ANA, headers, key, &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let line = world.line(&ANA).await;
    let change = line.state.book.changes.values().find(|change| change.id.as_str() == asked.text("change_id")).unwrap();
    let found = (change.need, change.decision.band);
    world.cancel(&ANA, &asked.text("change_id")).await;
    found
}

#[tokio::test]
async fn i4_losing_any_signal_never_lowers_what_is_asked_for() {
    let world = ana().await;
    let (at_home, band) = need(&world, "home", AT_HOME).await;
    assert_eq!(band, Band::Low);
    for lost in 0..AT_HOME.len() {
        let headers: Vec<_> = AT_HOME.iter().enumerate().filter(|(n, _)| *n != lost).map(|(_, header)| *header).collect();
        let (without, band) = need(&world, &format!("lost{lost}"), &headers).await;
        assert!(without.at_least(&at_home) && band >= Band::Low, "without {}", AT_HOME[lost].0);
    }
    // All of it: no edge in front at all.
    let (without, band) = need(&world, "none", &[]).await;
    assert!(without.at_least(&at_home) && band > Band::Low, "{band}");
    // Claimed without the edge's secret: not believed.
    let forged: Vec<_> = AT_HOME.iter().filter(|(name, _)| *name != "x-linekeeper-edge").copied().collect();
    assert!(need(&world, "forged", &forged).await.1 > Band::Low);
}

#[tokio::test]
async fn i4_a_profile_that_cannot_be_read_holds_what_moves_the_line() {
    let world = ana().await;
    use aws_sdk_dynamodb::types::AttributeValue as A;
    world
        .client
        .update_item()
        .table_name(linekeeper_tests::world::STATE)
        .key("pk", A::S(format!("v1#{}", ANA.account)))
        .key("sk", A::S("PROFILE".to_owned()))
        .update_expression("SET body = :nonsense")
        .expression_attribute_values(":nonsense", A::S("nonsense".to_owned()))
        .send()
        .await
        .unwrap();
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    assert!(asked.body["hold_until"].is_string(), "{}", asked.body);
    let line = world.line(&ANA).await;
    assert_eq!(line.state.book.changes.values().next().unwrap().decision.band, Band::Unavailable);
}

#[tokio::test]
async fn i6_a_notice_that_no_channel_accepts_is_tried_again_and_then_a_person_is_paged() {
    let world = ana().await;
    world.inbox.down(&["email", "sms", "push"]);
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    for _ in 0..Settings::default().notice_attempts + 1 {
        world.clock.advance(Span::minutes(3));
        world.tick().await;
    }
    let pages: Vec<_> = world.topic.all().into_iter().filter(|event| event.page).collect();
    assert_eq!(pages.len(), 1, "{pages:#?}");
    assert_eq!(pages[0].event.word(), "given_up");
    assert!(world.line(&ANA).await.state.book.untold.is_empty());
    // And an untold change cannot go on.
    world.inbox.down(&[]);
    assert_ne!(world.prove(&ANA, &asked.text("change_id"), "push_otp").await.body["status"], "authorized");
}

#[tokio::test]
async fn i6_a_failure_on_one_channel_is_made_up_for_without_telling_the_others_twice() {
    let world = ana().await;
    world.inbox.down(&["email"]);
    world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    assert_eq!(world.inbox.all().len(), 2);
    world.inbox.down(&[]);
    world.clock.advance(Span::minutes(3));
    world.tick().await;
    let mails = world.inbox.all();
    assert_eq!(mails.len(), 3, "{mails:#?}");
    assert_eq!(mails[2].to.masked(), "a***@example.com");
    world.clock.advance(Span::minutes(3));
    world.tick().await;
    assert_eq!(world.inbox.all().len(), 3, "everybody knows");
}

#[tokio::test]
async fn i6_a_record_that_the_stream_loses_is_found_by_the_schedule() {
    let world = ana().await;
    world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    let (pk, seq, _) = world.undelivered().await.into_iter().next().unwrap();
    world.mark(&pk, seq).await;
    world.clock.advance(Span::minutes(3));
    world.tick().await;
    assert_eq!(world.inbox.all().len(), 3);
}

#[tokio::test]
async fn i7_stopping_works_while_every_budget_is_used_up() {
    let world = ana().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    let change = asked.text("change_id");
    world.pump().await;
    let token = world.inbox.link_token();
    // Guesses, codes, requests, sign-ins.
    for n in 0..4 {
        world.clock.advance(Span::seconds(31));
        let sent = world.challenge(&ANA, &change, "push_otp").await;
        let code: u32 = world.inbox.code().parse().unwrap();
        for guess in 1..=5 {
            world.answer(&ANA, &change, &sent.text("challenge_id"), &format!("{:06}", (code + guess + n) % 1_000_000)).await;
        }
    }
    world.clock.advance(Span::seconds(31));
    assert_eq!(world.challenge(&ANA, &change, "push_otp").await.problem(), "too-many-attempts");
    for n in 0..25 {
        let other = world.ask(&ANA, &format!("other{n}"), &json!({"kind": "number_change", "line_id": ANA.line})).await;
        if other.status == 429 {
            break;
        }
        world.cancel(&ANA, &other.text("change_id")).await;
    }
    assert_eq!(world.ask(&ANA, "more", &json!({"kind": "ownership", "line_id": ANA.line})).await.problem(), "too-many-requests");
    for n in 0..20 {
        world
            .behaviour(json!({"id": n.to_string(), "at": world.now(), "type": "sign_in", "account_id": ANA.account, "ok": false}))
            .await;
    }
    assert_eq!(world.cancel(&ANA, &change).await.body["status"], "cancelled");
    assert_eq!(world.not_me(&token).await.status, 200);
    assert!(world.account(&ANA).await.state.protections.0.contains_key(&Protection::AccountLockdown));
    assert_eq!(world.protect(&ANA, "no_port_out", "block", Some(ANA.line)).await.status, 200);
}

#[tokio::test]
async fn i9_unknown_foreign_and_malformed_look_the_same_and_cost_the_same() {
    let world = ana().await;
    world.customer(&BEA).await;
    let hers = world.ask(&BEA, "k", &BEA.sim_swap(&iccid(3))).await.text("change_id");
    let sent = world.challenge(&BEA, &hers, "push_otp").await;
    let her_challenge = sent.text("challenge_id");
    let claims = customer(&ANA);
    let unknown = format!("line.{}.{}", BEA.line, "0".repeat(26));
    let answers = |answers: Vec<(Answer, usize)>| {
        let (first, calls) = &answers[0];
        assert_eq!(first.problem(), "not-found", "{}", first.body);
        for (answer, others) in &answers {
            assert_eq!((answer.status, &answer.body, others), (first.status, &first.body, calls));
        }
    };
    let mut seen = Vec::new();
    for id in [hers.as_str(), unknown.as_str(), "line.nobody.abc"] {
        for (method, path) in [("GET", ""), ("POST", "/cancel")] {
            world.tap.begin(None);
            let answer = world.call(Some(&claims), method, &format!("/v1/changes/{id}{path}"), &[], None).await;
            seen.push((answer, world.tap.calls().len()));
        }
        world.tap.begin(None);
        let answer = world.challenge(&ANA, id, "push_otp").await;
        seen.push((answer, world.tap.calls().len()));
        world.tap.begin(None);
        let answer = world.answer(&ANA, id, &her_challenge, &world.inbox.code()).await;
        seen.push((answer, world.tap.calls().len()));
    }
    answers(seen);
    for malformed in ["x", "line.a.b.c", "account.", "%00"] {
        let answer = world.call(Some(&claims), "GET", &format!("/v1/changes/{malformed}"), &[], None).await;
        assert_eq!(answer.problem(), "not-found");
    }
    let swap = |line: &str| json!({"kind": "sim_swap", "line_id": line, "sim": {"iccid": iccid(4)}});
    for (n, line) in [BEA.line, "nobody", "not an id!"].into_iter().enumerate() {
        assert_eq!(world.ask(&ANA, &format!("k{n}"), &swap(line)).await.problem(), "not-found", "{line}");
    }
    // Naming another's account is no way round.
    let named = world.call(Some(&claims), "GET", &format!("/v1/account?account_id={}", BEA.account), &[], None).await;
    assert_eq!(named.problem(), "not-found");
    assert_eq!(world.change(&BEA, &hers).await["status"], "step_up_required");
}

#[tokio::test]
async fn i10_what_is_wrong_with_one_message_is_no_business_of_its_neighbours() {
    let world = ana().await;
    let good = |n: u32| json!({"id": n.to_string(), "at": world.now(), "type": "account_opened", "account_id": format!("good{n}"), "jurisdiction": "us"});
    let sim = |at: String, iccid: &str| json!({"id": "s", "at": at, "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid});
    let bodies = vec![
        good(1).to_string(),
        "{".to_owned(),
        format!("{{\"pad\":\"{}\"}}", "x".repeat(70_000)),
        json!({"id": "u", "at": world.now(), "type": "unheard_of", "account_id": "a"}).to_string(),
        sim(world.ago(Span::days(400)), &iccid(5)).to_string(),
        sim((world.shell.clock.now() + Span::hours(1)).to_string(), &iccid(5)).to_string(),
        json!({"id": "t", "at": "yesterday", "type": "account_closed", "account_id": ANA.account}).to_string(),
        json!({"id": "d", "at": world.now(), "type": "account_opened", "account_id": "good1", "jurisdiction": "uk"}).to_string(),
        good(1).to_string(),
        good(2).to_string(),
    ];
    let again = world.feed_raw(bodies).await;
    assert!(again.iter().all(|again| !again), "{again:?}");
    let reasons: Vec<String> = world.dead.all().into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, ["malformed", "too-large", "malformed", "does-not-fit", "from-the-future", "malformed", "does-not-fit"]);
    let opened = |n: u32| linekeeper_tests::Person { account: if n == 1 { "good1" } else { "good2" }, ..ANA };
    assert_eq!((world.account(&opened(1)).await.seq, world.account(&opened(2)).await.seq), (1, 1));
    assert_eq!(world.line(&ANA).await.state.sim.iccid.as_str(), ANA.iccid);
}

#[tokio::test]
async fn i10_a_signal_that_cannot_be_used_is_put_aside_with_its_reason() {
    let world = ana().await;
    for (record, reason) in [
        (json!({"id": "1", "at": world.ago(Span::days(100)), "type": "password_reset", "account_id": ANA.account}), "too-old"),
        (json!({"id": "1", "at": "soon", "type": "password_reset", "account_id": ANA.account}), "malformed"),
        (json!({"id": "1", "at": world.now(), "type": "rumour", "account_id": ANA.account}), "malformed"),
    ] {
        assert!(!world.behaviour(record).await);
        assert_eq!(world.dead.all().last().unwrap().1, reason);
    }
    // Its account may still be on its way: the queue brings it again.
    assert!(world.behaviour(json!({"id": "1", "at": world.now(), "type": "password_reset", "account_id": "later"})).await);
}

async fn by_staff(world: &World, channel: &str, key: &str, body: &Value) -> Answer {
    let quoted = format!("\"{key}\"");
    let path = format!("/v1/changes?account_id={}", ANA.account);
    world.call(Some(&representative(channel)), "POST", &path, &[("idempotency-key", &quoted)], Some(body)).await
}

#[tokio::test]
async fn no_one_talks_a_representative_into_a_change_and_the_customer_hears_of_it() {
    for channel in ["phone", "chat", "email"] {
        let world = ana().await;
        let refused = by_staff(&world, channel, "k", &ANA.sim_swap(&iccid(1))).await;
        assert_eq!((refused.status, refused.problem()), (403, "refused"));
        assert!(refused.text("detail").contains("in the app"));
        world.pump().await;
        assert_eq!(world.inbox.all().len(), 3, "told: {:#?}", world.inbox.all());

        let on = json!({"protection": "never_sim_swap", "line_id": ANA.line});
        let path = format!("/v1/protections?account_id={}", ANA.account);
        assert_eq!(world.call(Some(&representative(channel)), "PUT", &path, &[], Some(&on)).await.status, 200);
        let off = json!({"kind": "protection_off", "protection": "never_sim_swap", "line_id": ANA.line});
        assert_eq!(by_staff(&world, channel, "off", &off).await.problem(), "refused");
        assert!(world.line(&ANA).await.state.protections.0.contains_key(&Protection::NeverSimSwap));
        // Staff see nothing.
        let read = format!("/v1/account?account_id={}", ANA.account);
        assert_eq!(world.call(Some(&representative(channel)), "GET", &read, &[], None).await.problem(), "forbidden");
    }
}

#[tokio::test]
async fn a_store_visit_takes_the_customers_own_app_and_an_hour() {
    let world = ana().await;
    let asked = by_staff(&world, "store", "k", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    assert!(asked.body["hold_until"].is_string());
    let off = json!({"kind": "protection_off", "protection": "account_lockdown"});
    world.protect(&ANA, "account_lockdown", "block", None).await;
    assert_eq!(by_staff(&world, "store", "off", &off).await.problem(), "refused");
}

#[tokio::test]
async fn a_locked_line_cannot_be_moved_even_with_a_valid_code() {
    let world = ana().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    let sent = world.challenge(&ANA, &asked.text("change_id"), "push_otp").await;
    let code = world.inbox.code();
    world.protect(&ANA, "account_lockdown", "block", None).await;
    let answered = world.answer(&ANA, &asked.text("change_id"), &sent.text("challenge_id"), &code).await;
    assert_eq!(answered.body["status"], "refused", "{}", answered.body);
    world.pump().await;
    assert!(world.topic.authorizations().is_empty());
}

#[tokio::test]
async fn a_protection_goes_off_only_after_a_strong_factor_and_a_day_and_everybody_hears_of_it() {
    let world = ana().await;
    world.protect(&ANA, "never_sim_swap", "block", Some(ANA.line)).await;
    let off =
        world.ask(&ANA, "off", &json!({"kind": "protection_off", "protection": "never_sim_swap", "line_id": ANA.line})).await;
    assert_eq!(off.body["factors"], json!([{"factor": "push_otp"}, {"factor": "sms_otp"}]));
    world.pump().await;
    let change = off.text("change_id");
    assert_eq!(world.prove(&ANA, &change, "sms_otp").await.body["status"], "step_up_required", "SMS alone lifts nothing");
    world.clock.advance(Span::seconds(31));
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "on_hold");
    let inside = world.ask(&ANA, "inside", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(inside.problem(), "refused");
    world.clock.advance(Span::hours(23));
    world.tick().await;
    assert_eq!(world.change(&ANA, &change).await["status"], "on_hold");
    world.inbox.clear();
    world.clock.advance(Span::hours(1));
    world.tick().await;
    assert_eq!(world.change(&ANA, &change).await["status"], "completed");
    assert!(world.line(&ANA).await.state.protections.0.is_empty());
    assert_eq!(world.inbox.all().iter().filter(|mail| mail.text.short.contains("NeverSIMSwap is off")).count(), 3);
    // Just removed: the next swap is looked at harder.
    let after = world.ask(&ANA, "after", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(after.status, 201);
    let line = world.line(&ANA).await;
    let reasons = &line.state.book.changes.values().find(|c| c.id.as_str() == after.text("change_id")).unwrap().decision.reasons;
    assert!(reasons.contains(&linekeeper_domain::kinds::Reason::LockJustRemoved), "{reasons:?}");
}

#[tokio::test]
async fn a_lost_phone_is_replaced_by_email_and_three_days() {
    let world = ana().await;
    let body = json!({"kind": "sim_swap", "line_id": ANA.line, "sim": {"iccid": iccid(1)}, "phone_lost": true});
    let asked = world.ask(&ANA, "k", &body).await;
    assert_eq!(asked.body["factors"], json!([{"factor": "email_otp"}]), "{}", asked.body);
    world.pump().await;
    let change = asked.text("change_id");
    assert_eq!(world.prove(&ANA, &change, "email_otp").await.body["status"], "on_hold");
    world.clock.advance(Span::hours(71));
    world.tick().await;
    assert!(world.topic.authorizations().is_empty());
    world.clock.advance(Span::hours(1));
    world.tick().await;
    assert_eq!(world.topic.authorizations().len(), 1);
}

#[tokio::test]
async fn an_old_channel_hears_of_its_own_removal_and_a_new_one_proves_nothing_for_a_week() {
    let world = ana().await;
    let asked =
        world.ask(&ANA, "k", &json!({"kind": "contact_change", "add": {"email": "thief@example.com"}, "remove": "email"})).await;
    world.pump().await;
    let change = asked.text("change_id");
    world.prove(&ANA, &change, "push_otp").await;
    world.clock.advance(Span::hours(1));
    world.tick().await;
    let id = serde_json::to_value(world.account(&ANA).await.state.book.changes.values().next().unwrap().authorization().unwrap())
        .unwrap()["id"]
        .clone();
    world.feed(json!({"id": "d", "at": world.now(), "type": "change_done", "account_id": ANA.account, "change_id": change, "authorization_id": id})).await;
    world.inbox.clear();
    world.pump().await;
    assert!(world.inbox.all().iter().any(|mail| mail.to.masked() == "a***@example.com"));
    // A week's taint: the new mailbox is told, and counts for nothing.
    world.inbox.clear();
    let lost = world
        .ask(&ANA, "lost", &json!({"kind": "sim_swap", "line_id": ANA.line, "sim": {"iccid": iccid(1)}, "phone_lost": true}))
        .await;
    assert_eq!(lost.body["factors"], json!([]), "{}", lost.body);
    world.pump().await;
    let told: Vec<String> = world.inbox.all().iter().map(|mail| mail.to.masked()).collect();
    assert!(told.contains(&"a***@example.com".to_owned()) && told.contains(&"t***@example.com".to_owned()), "{told:?}");
}

#[tokio::test]
async fn a_late_report_of_what_was_done_in_time_completes_and_of_what_was_not_is_an_incident() {
    for (minutes, completed) in [(10, true), (20, false)] {
        let world = ana().await;
        let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
        world.pump().await;
        world.prove(&ANA, &asked.text("change_id"), "push_otp").await;
        world.pump().await;
        let id = world.line(&ANA).await.state.book.changes.values().next().unwrap().id.authorization().to_string();
        let effect = world.shell.clock.now() + Span::minutes(minutes);
        world.clock.advance(Span::minutes(30));
        world.tick().await;
        assert_eq!(world.change(&ANA, &asked.text("change_id")).await["status"], "lapsed");
        world
            .feed(
                json!({"id": "r", "at": effect.to_string(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line,
                         "iccid": iccid(1), "authorization_id": id}),
            )
            .await;
        let locked = world.account(&ANA).await.state.protections.0.contains_key(&Protection::AccountLockdown);
        assert_eq!(locked, !completed);
        let status = world.change(&ANA, &asked.text("change_id")).await["status"].clone();
        assert_eq!(status == "completed", completed, "{status}");
    }
}

#[tokio::test]
async fn a_sim_that_nothing_allowed_locks_the_account_tells_and_pages() {
    let world = ana().await;
    world
        .feed(json!({"id": "r", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(66)}))
        .await;
    world.pump().await;
    assert!(world.account(&ANA).await.state.protections.0.contains_key(&Protection::AccountLockdown));
    let pages: Vec<_> = world.topic.all().into_iter().filter(|event| event.page).collect();
    assert_eq!(pages.len(), 1);
    assert!(world.inbox.all().iter().any(|mail| mail.text.short.contains("without your confirmation")));
}

#[tokio::test]
async fn what_needs_no_proof_still_waits_until_the_customer_was_told() {
    let world = ana().await;
    let asked = world.ask(&ANA, "k", &json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "490154203237518"})).await;
    assert_eq!(asked.body["status"], "verified", "{}", asked.body);
    assert!(world.topic.authorizations().is_empty());
    world.pump().await;
    assert_eq!(world.topic.authorizations().len(), 1);
}

#[tokio::test]
async fn new_evidence_puts_an_open_change_on_hold_and_the_customer_hears_of_it() {
    let world = ana().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    assert!(asked.body["hold_until"].is_null());
    world.pump().await;
    world.inbox.clear();
    world
        .behaviour(json!({"id": "1", "at": world.now(), "type": "sign_in", "account_id": ANA.account, "ok": true, "device": "device-of-the-thief",
            "network": {"asn": 209, "country": "US", "city": "Los Angeles", "latitude": 34.05, "longitude": -118.24, "time_zone": "America/Los_Angeles"}}))
        .await;
    world.pump().await;
    assert!(world.change(&ANA, &asked.text("change_id")).await["hold_until"].is_string());
    assert!(world.inbox.all().iter().any(|mail| mail.text.short.contains("does not look like you")));
}

#[tokio::test]
async fn i5_a_ledger_that_was_touched_anywhere_no_longer_leads_to_its_state() {
    let world = ana().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    world.prove(&ANA, &asked.text("change_id"), "push_otp").await;
    world.pump().await;
    let (line, entries) = (world.line(&ANA).await, world.ledger(&ANA, &World::subject(&ANA)).await);
    let leads_there = |entries: &[String]| {
        replay::<Line>(entries.iter().map(String::as_str))
            .is_ok_and(|(seq, head, state)| seq == line.seq && head == line.head && state == line.state)
    };
    assert!(leads_there(&entries));
    for n in 0..entries.len() {
        let mut touched = entries.clone();
        touched[n] = touched[n].replacen("\"actor\":{", "\"actor\": {", 1);
        assert!(!leads_there(&touched), "one space in entry {}", n + 1);
        let mut missing = entries.clone();
        missing.remove(n);
        assert!(!leads_there(&missing), "without entry {}", n + 1);
        if n > 0 {
            let mut swapped = entries.clone();
            swapped.swap(n, n - 1);
            assert!(!leads_there(&swapped), "entries {n} and {} swapped", n + 1);
        }
    }
}
