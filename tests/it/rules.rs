//! The rules of protections, staff, lost phones and late reports, told as short stories.

use linekeeper_domain::kinds::Protection;
use linekeeper_domain::time::Span;
use linekeeper_tests::people::ANA;
use linekeeper_tests::world::representative;
use linekeeper_tests::{Answer, World, iccid};
use serde_json::{Value, json};

async fn ana() -> World {
    let world = World::new().await;
    world.customer(&ANA).await;
    world
}

async fn by_staff(world: &World, channel: &str, key: &str, body: &Value) -> Answer {
    world.desk_asks(&representative(channel), &ANA, key, body).await
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

        let contact = world.desk_begin(&representative(channel), &ANA, "protect").await.text("contact_id");
        let on = json!({"protection": "never_sim_swap"});
        assert_eq!(world.desk(&representative(channel), &contact, "protections", &on).await.status, 200);
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
    assert_eq!(off.body["factors"], json!([{"factor": "push_otp"}]));
    world.pump().await;
    let change = off.text("change_id");
    assert_eq!(world.challenge(&ANA, &change, "sms_otp").await.problem(), "factor-not-offered", "SMS lifts nothing");
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
        let id = world.line(&ANA).await.state.book.changes.values().next().unwrap().authorization().unwrap().id.to_string();
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
    world.behaviour(ANA.sign_in_of_a_thief(&world.now())).await;
    world.pump().await;
    assert!(world.change(&ANA, &asked.text("change_id")).await["hold_until"].is_string());
    assert!(world.inbox.all().iter().any(|mail| mail.text.short.contains("does not look like you")));
}

/// The README's section on the customer who is locked out without a phone, sentence by sentence.
mod without_a_phone {
    use linekeeper_tests::enrol::{add_paper, add_passkey, days_pass, opened};
    use linekeeper_tests::world::ORIGIN;
    use linekeeper_tests::{Phone, Session};

    use super::*;

    fn lost() -> Value {
        json!({"kind": "sim_swap", "line_id": ANA.line, "sim": {"iccid": iccid(1)}, "phone_lost": true})
    }

    #[tokio::test]
    async fn with_a_passkey_or_paper_from_a_good_day_she_does_not_wait_at_home() {
        for factor in ["passkey", "recovery_code"] {
            let world = ana().await;
            let home = Session::at_home(&ANA);
            let mut key = Phone::new(1);
            let mut paper = Vec::new();
            match factor {
                "passkey" => add_passkey(&world, &home, &mut key).await,
                _ => paper = add_paper(&world, &home).await,
            }
            days_pass(&world, &ANA, 8).await;
            let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
            let challenge = world.challenge_as(&home, &change, factor).await;
            let body = match factor {
                "passkey" => json!({"passkey": key.get(&challenge.body["passkey"], ORIGIN)}),
                _ => json!({"code": paper[0]}),
            };
            let answer = world.answer_as(&home, &change, &challenge.text("challenge_id"), &body).await;
            assert_eq!(answer.text("status"), "authorized", "{factor}: {}", answer.body);
        }
    }

    #[tokio::test]
    async fn without_her_email_stands_in_and_every_channel_hears_until_when_she_waits() {
        let world = ana().await;
        let asked = world.ask(&ANA, "k", &lost()).await;
        let until = (world.shell.clock.now() + Span::hours(72)).to_string();
        assert_eq!((asked.text("hold_until"), &asked.body["factors"]), (until, &json!([{"factor": "email_otp"}])));
        world.pump().await;
        assert_eq!(world.inbox.all().len(), 3, "her app, her mailbox and the line");
        let change = asked.text("change_id");
        assert_eq!(world.prove(&ANA, &change, "email_otp").await.text("status"), "on_hold");

        // Nobody on staff shortens it or proves for her, at whatever door.
        for channel in ["phone", "chat", "email", "store"] {
            let again = by_staff(&world, channel, channel, &lost()).await;
            assert!((400..500).contains(&again.status), "{channel}: {}", again.body);
            let path = format!("/v1/changes/{change}/challenges?account_id={}", ANA.account);
            let body = json!({"factor": "email_otp"});
            let code = world.call(Some(&representative(channel)), "POST", &path, &[], Some(&body)).await;
            assert_eq!(code.problem(), "forbidden", "{channel}");
        }
        world.clock.advance(Span::minutes(72 * 60 - 1));
        world.tick().await;
        assert_eq!(world.change(&ANA, &change).await["status"], "on_hold");
        world.clock.advance(Span::minutes(1));
        world.tick().await;
        assert_eq!(world.topic.authorizations().len(), 1);
    }

    #[tokio::test]
    async fn with_neither_no_factor_is_offered_and_the_answer_says_where_to_go() {
        let world = ana().await;
        let home = Session::at_home(&ANA);
        let out = json!({"kind": "contact_change", "remove": "email"});
        let change = opened(&world, &home, "out", &out).await;
        world.prove(&ANA, &change, "push_otp").await;
        world.clock.advance(Span::hours(1));
        world.tick().await;
        let id = world.account(&ANA).await.state.book.changes.values().next().unwrap().authorization().unwrap().id.to_string();
        world
            .feed(json!({"id": "d", "at": world.now(), "type": "change_done", "account_id": ANA.account, "change_id": change,
                         "authorization_id": id}))
            .await;
        let asked = world.ask(&ANA, "k", &lost()).await;
        assert_eq!(asked.body["factors"], json!([]), "{}", asked.body);
        assert!(asked.body.to_string().contains("visit a store with an identity document"), "{}", asked.body);
    }

    #[tokio::test]
    async fn a_store_moves_nothing_that_a_protection_blocks() {
        let world = ana().await;
        assert_eq!(world.protect(&ANA, "never_sim_swap", "block", Some(ANA.line)).await.status, 200);
        assert_eq!(by_staff(&world, "store", "k", &lost()).await.problem(), "refused");
        let off = json!({"kind": "protection_off", "protection": "never_sim_swap", "line_id": ANA.line});
        assert_eq!(by_staff(&world, "store", "off", &off).await.problem(), "refused");
    }

    #[tokio::test]
    async fn if_it_was_not_her_a_tap_the_app_or_a_call_stops_it() {
        for how in ["tap", "app", "call"] {
            let world = ana().await;
            let change = world.ask(&ANA, "k", &lost()).await.text("change_id");
            world.pump().await;
            let stopped = match how {
                "tap" => world.not_me(&world.inbox.link_token()).await,
                "app" => world.cancel(&ANA, &change).await,
                _ => {
                    let contact = world.desk_begin(&representative("phone"), &ANA, "fraud").await.text("contact_id");
                    world.desk(&representative("phone"), &contact, "stop", &json!({})).await
                }
            };
            assert_eq!(stopped.status, 200, "{how}: {}", stopped.body);
            assert_eq!(world.change(&ANA, &change).await["status"], "cancelled", "{how}");
        }
    }
}
