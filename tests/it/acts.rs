//! The acts of the story, and what else customers, staff and provisioning do: each with its reasons, as the
//! ledger has them.

use linekeeper_domain::change::{Actor, Ending, Stage};
use linekeeper_domain::ids::Subject;
use linekeeper_domain::kinds::{Band, Mode, Outcome, Protection, Reason};
use linekeeper_domain::ledger::{Entry, Event, EventName};
use linekeeper_domain::time::Span;
use linekeeper_tests::people::{ANA, IN_CALIFORNIA};
use linekeeper_tests::world::representative;
use linekeeper_tests::{Answer, World, iccid};
use serde_json::{Value, json};

use crate::audit::{Audit, audit, claims};

async fn ana() -> World {
    let world = World::new().await;
    world.customer(&ANA).await;
    world
}

/// Why a change was decided as it was, when it was asked for.
async fn reasons(world: &World, change: &str) -> Vec<Reason> {
    audit(world, &ANA).await.requested(change).decision.reasons.clone()
}

/// Why a change ended.
async fn ended(world: &World, change: &str) -> (Ending, Option<Reason>) {
    let ends = |event: &Event| match event {
        Event::Ended { change: of, how, reason } if of.as_str() == change => Some((*how, *reason)),
        _ => None,
    };
    audit(world, &ANA).await.events().filter_map(ends).last().expect("it has not ended")
}

/// What was asked for last.
fn last_asked(audit: &Audit) -> String {
    let asked = |entry: &Entry| {
        let change = entry.events.iter().find_map(|event| match event {
            Event::Requested { change } => Some(change.id.to_string()),
            _ => None,
        });
        change.map(|change| (entry.at, entry.seq, change))
    };
    audit.line.iter().chain(&audit.account).filter_map(asked).max().expect("nothing was asked for").2
}

/// What a representative does for Ana.
async fn staff(world: &World, channel: &str, method: &str, path: &str, body: &Value) -> Answer {
    let path = format!("{path}?account_id={}", ANA.account);
    let headers = [("idempotency-key", "\"staff\"")];
    world.call(Some(&representative(channel)), method, &path, &headers, Some(body)).await
}

/// What she was sent since the inbox was last cleared, each text once, with how many channels got it.
fn read(world: &World) -> Vec<(String, usize)> {
    let mut read: Vec<(String, usize)> = Vec::new();
    for mail in world.inbox.all() {
        let text = mail.text.short.split(" Not you?").next().unwrap().to_owned();
        match read.iter_mut().find(|(known, _)| *known == text) {
            Some((_, count)) => *count += 1,
            None => read.push((text, 1)),
        }
    }
    world.inbox.clear();
    read
}

fn names(events: &[Event]) -> Vec<EventName> {
    events.iter().map(Event::name).collect()
}

/// The id of the authorization of a change, as provisioning was given it.
fn authorization(world: &World, change: &str) -> String {
    let signed = world.topic.authorizations();
    let of = signed.iter().map(|jws| claims(world, jws)).find(|claims| claims["change_id"] == change);
    of.expect("it was never signed")["jti"].as_str().unwrap().to_owned()
}

fn sim_changed(world: &World, n: u32, authorization: Option<&str>) -> Value {
    json!({"id": "r", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(n), "authorization_id": authorization})
}

fn done(world: &World, change: &str, what: &str) -> Value {
    json!({"id": "r", "at": world.now(), "type": what, "account_id": ANA.account, "change_id": change, "authorization_id": authorization(world, change)})
}

/// Moves Ana's line to another SIM, all the way, and ends with an empty inbox.
async fn swapped(world: &World, n: u32) -> String {
    let change = world.ask(&ANA, &format!("swap{n}"), &ANA.sim_swap(&iccid(n))).await.text("change_id");
    world.pump().await;
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "authorized");
    world.pump().await;
    assert!(!world.feed(sim_changed(world, n, Some(&authorization(world, &change)))).await);
    world.pump().await;
    world.inbox.clear();
    change
}

// ---- The five acts ----

#[tokio::test]
async fn act_1_at_home_on_her_laptop_one_code_moves_her_to_a_new_sim_and_she_was_told_first() {
    let world = ana().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    let change = asked.text("change_id");
    world.pump().await;
    assert_eq!(
        read(&world),
        [(
            format!("Someone asked from Miami, US in the app to move your number to another SIM (ending {}).", &iccid(1)[15..]),
            3
        )]
    );
    world.prove(&ANA, &change, "push_otp").await;
    world.pump().await;
    assert!(!world.feed(sim_changed(&world, 1, Some(&authorization(&world, &change)))).await);
    world.pump().await;
    assert_eq!(world.change(&ANA, &change).await["status"], "completed");
    assert_eq!(
        read(&world).last().unwrap(),
        &(format!("Done: your number moved to another SIM (ending {}).", &iccid(1)[15..]), 3)
    );

    let audit = audit(&world, &ANA).await;
    let decision = &audit.requested(&change).decision;
    assert_eq!((decision.outcome, decision.band, decision.reasons.as_slice()), (Outcome::StepUp, Band::Low, &[][..]));
    use EventName::{Authorized, ChallengeOpened, Completed, LineOpened, Proven, Released, Requested, SimChanged, Told};
    let story: Vec<Vec<EventName>> = audit.line.iter().map(|entry| names(&entry.events)).collect();
    assert_eq!(
        story,
        [
            vec![LineOpened],
            vec![Requested],
            vec![Told],
            vec![ChallengeOpened],
            vec![Proven, Authorized],
            vec![Released],
            vec![SimChanged, Completed],
            vec![Told]
        ]
    );
    let published: Vec<EventName> =
        world.topic.all().iter().filter(|event| event.account_id.as_str() == ANA.account).map(|event| event.event).collect();
    assert_eq!(published, [LineOpened, Requested, Released, SimChanged]);
}

#[tokio::test]
async fn act_2_a_thief_with_her_password_is_held_and_one_tap_ends_it() {
    let world = ana().await;
    let asked = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(2))).await;
    let change = asked.text("change_id");
    assert_eq!(asked.body["factors"], json!([{"factor": "push_otp"}]), "SMS is no longer enough");
    assert_eq!(asked.body["hold_until"], (world.shell.clock.now() + Span::hours(24)).to_string());
    let decision = audit(&world, &ANA).await.requested(&change).decision.clone();
    assert_eq!((decision.outcome, decision.band), (Outcome::Hold, Band::High));
    assert_eq!(decision.reasons, [Reason::NewNetwork, Reason::SessionMoved, Reason::NoHistory, Reason::NewDevice]);
    assert!(decision.probability_ppm.is_some_and(|ppm| ppm > 1_000), "{decision:?}");
    world.pump().await;
    let told = read_with_links(&world);
    assert!(
        told.iter().all(|text| text.starts_with("Someone asked from Los Angeles, US in the app to move your number")
            && text.contains("Nothing happens for 24 hours.")),
        "{told:#?}"
    );
    let link = told[0].split_once("/not-me#").unwrap().1.to_owned();

    let tapped = world.not_me(&link).await;
    assert_eq!((tapped.status, &tapped.body["locked"]), (200, &json!(true)));
    assert_eq!(ended(&world, &change).await, (Ending::Cancelled, None));
    world.pump().await;
    assert!(read(&world)[0].0.contains("your account is locked (case 2). Only you can unlock it, in the app."));
    // The change is dead for good.
    world.clock.advance(Span::hours(25));
    world.tick().await;
    assert_eq!(world.challenge(&ANA, &change, "push_otp").await.problem(), "change-closed");

    let again = world.ask_from(&ANA, IN_CALIFORNIA, "k2", &ANA.sim_swap(&iccid(2))).await;
    assert_eq!((again.status, again.problem()), (403, "refused"));
    assert_eq!(reasons(&world, &again.text("change_id")).await[0], Reason::Locked);
    world.pump().await;
    assert!(read(&world).iter().any(|(text, channels)| text.contains("We refused.") && *channels == 3));
    assert!(world.topic.authorizations().is_empty());
}

/// Everything that was sent, whole; forgets it.
fn read_with_links(world: &World) -> Vec<String> {
    let texts = world.inbox.all().into_iter().map(|mail| mail.text.short).collect();
    world.inbox.clear();
    texts
}

#[tokio::test]
async fn act_3_staff_by_phone_chat_or_email_are_refused_and_she_is_told() {
    for channel in ["phone", "chat", "email"] {
        let world = ana().await;
        for (n, body) in [
            ANA.sim_swap(&iccid(3)),
            json!({"kind": "credential_reset"}),
            json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "490154203237518"}),
        ]
        .iter()
        .enumerate()
        {
            let asked = world.desk_asks(&representative(channel), &ANA, &n.to_string(), body).await;
            assert_eq!((asked.status, asked.problem()), (403, "refused"), "{}", asked.body);
            assert!(asked.text("detail").contains("in the app"));
            let audit = audit(&world, &ANA).await;
            let change = last_asked(&audit);
            let requested = audit.requested(&change);
            assert_eq!((requested.decision.outcome, requested.need.refused), (Outcome::Refuse, Some(Reason::UseTheApp)));
            assert!(matches!(&requested.request.actor, Actor::Representative(id) if id.as_str() == "rep-7"));
            world.pump().await;
            let told = read(&world);
            let by = if channel == "email" {
                "by e-mail"
            } else if channel == "chat" {
                "by chat"
            } else {
                "by phone"
            };
            let channels = if body["line_id"].is_string() { 3 } else { 2 };
            assert!(
                told.len() == 1
                    && told[0].0.contains(by)
                    && told[0].0.contains("can only be asked for in the app")
                    && told[0].1 == channels,
                "{told:?}"
            );
        }
    }
}

#[tokio::test]
async fn act_3_staff_switch_a_protection_on_by_phone_and_can_never_switch_it_off() {
    let world = ana().await;
    let contact = world.desk_begin(&representative("phone"), &ANA, "protect").await.text("contact_id");
    world.pump().await;
    world.inbox.clear();
    let on = json!({"protection": "never_sim_swap"});
    assert_eq!(world.desk(&representative("phone"), &contact, "protections", &on).await.status, 200);
    assert_eq!(world.line(&ANA).await.state.protections.0, [(Protection::NeverSimSwap, Mode::Block)].into());
    world.pump().await;
    assert_eq!(read(&world), [("NeverSIMSwap is on. Only you can switch it off, in the app.".to_owned(), 3)]);
    let entry =
        audit(&world, &ANA).await.line.into_iter().find(|entry| entry.events[0].name() == EventName::ProtectionOn).unwrap();
    assert!(matches!(entry.actor, Actor::Representative(_)));

    let off = json!({"kind": "protection_off", "protection": "never_sim_swap", "line_id": ANA.line});
    for (channel, reason) in
        [("phone", Reason::UseTheApp), ("chat", Reason::UseTheApp), ("email", Reason::UseTheApp), ("store", Reason::StaffMayNot)]
    {
        let asked = world.desk_asks(&representative(channel), &ANA, &format!("off-{channel}"), &off).await;
        assert_eq!((asked.status, asked.problem()), (403, "refused"), "{channel}");
        let change = last_asked(&audit(&world, &ANA).await);
        assert_eq!(reasons(&world, &change).await[0], reason, "{channel}");
    }
    // Neither do weaker modes undo it, whoever asks; and staff's are never weaker.
    assert_eq!(world.protect(&ANA, "never_sim_swap", "step_up", Some(ANA.line)).await.body["mode"], "block");
    let weaker = json!({"protection": "never_sim_swap", "mode": "step_up"});
    assert_eq!(world.desk(&representative("phone"), &contact, "protections", &weaker).await.problem(), "malformed");
    assert_eq!(world.ask(&ANA, "k", &ANA.sim_swap(&iccid(4))).await.problem(), "refused");
    // Staff neither prove nor read a change.
    let change = world.ask(&ANA, "off", &off).await.text("change_id");
    assert_eq!(
        staff(&world, "store", "POST", &format!("/v1/changes/{change}/challenges"), &json!({"factor": "push_otp"}))
            .await
            .problem(),
        "forbidden"
    );
    assert_eq!(staff(&world, "store", "GET", &format!("/v1/changes/{change}"), &json!({})).await.problem(), "forbidden");
}

#[tokio::test]
async fn act_4_a_protection_goes_off_by_a_strong_factor_a_day_and_notices_to_old_and_new_channels() {
    let world = ana().await;
    // She changes her mailbox first; the old one is told for a week.
    let change = world
        .ask(&ANA, "contact", &json!({"kind": "contact_change", "add": {"email": "new@example.com"}, "remove": "email"}))
        .await
        .text("change_id");
    world.pump().await;
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "on_hold");
    world.clock.advance(Span::hours(1));
    world.tick().await;
    assert!(!world.feed(done(&world, &change, "change_done")).await, "{:?}", world.dead.all());
    world.protect(&ANA, "never_sim_swap", "block", Some(ANA.line)).await;
    world.pump().await;
    world.inbox.clear();

    let off = json!({"kind": "protection_off", "protection": "never_sim_swap", "line_id": ANA.line});
    let asked = world.ask(&ANA, "off", &off).await;
    let change = asked.text("change_id");
    assert_eq!(asked.body["factors"], json!([{"factor": "push_otp"}]), "neither SMS nor e-mail alone");
    assert_eq!(asked.body["hold_until"], (world.shell.clock.now() + Span::hours(24)).to_string());
    world.pump().await;
    let to: Vec<String> = world.inbox.all().iter().map(|mail| mail.to.masked()).collect();
    assert_eq!(to.len(), 4, "{to:?}");
    assert!(to.contains(&"a***@example.com".to_owned()) && to.contains(&"n***@example.com".to_owned()), "{to:?}");
    world.inbox.clear();
    assert_eq!(world.challenge(&ANA, &change, "sms_otp").await.problem(), "factor-not-offered");
    assert_eq!(world.challenge(&ANA, &change, "email_otp").await.problem(), "factor-not-offered");
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "on_hold");

    let inside = world.ask(&ANA, "swap", &ANA.sim_swap(&iccid(4))).await;
    assert_eq!((inside.status, inside.problem()), (403, "refused"));
    assert_eq!(reasons(&world, &inside.text("change_id")).await[0], Reason::CoolingOff);
    world.clock.advance(Span::seconds(86_399));
    world.tick().await;
    assert!(world.line(&ANA).await.state.protections.0.contains_key(&Protection::NeverSimSwap));
    world.inbox.clear();
    world.clock.advance(Span::seconds(1));
    world.tick().await;
    assert!(world.line(&ANA).await.state.protections.0.is_empty());
    assert_eq!(ended(&world, &change).await, (Ending::Completed, None));
    assert_eq!(
        read(&world),
        [("NeverSIMSwap is off now. You can switch it on again at any time, in the app or by phone.".to_owned(), 4)]
    );
    assert!(
        world.topic.authorizations().iter().all(|jws| claims(&world, jws)["kind"] != "protection_off"),
        "there is nothing to carry out"
    );

    // What follows is weighed as what it is.
    let swap = world.ask(&ANA, "swap2", &ANA.sim_swap(&iccid(4))).await;
    assert_eq!(swap.status, 201);
    let reasons = reasons(&world, &swap.text("change_id")).await;
    assert!(reasons.contains(&Reason::LockJustRemoved) && reasons.contains(&Reason::RecentContactChange), "{reasons:?}");
}

#[tokio::test]
async fn act_4_lockdown_covers_switching_any_other_protection_off_and_goes_off_itself() {
    let world = ana().await;
    world.protect(&ANA, "never_sim_swap", "block", None).await;
    world.protect(&ANA, "account_lockdown", "block", None).await;
    let other = world.ask(&ANA, "other", &json!({"kind": "protection_off", "protection": "never_sim_swap"})).await;
    assert_eq!(other.problem(), "refused");
    assert_eq!(reasons(&world, &other.text("change_id")).await[0], Reason::Locked);
    let off =
        world.ask(&ANA, "off", &json!({"kind": "protection_off", "protection": "account_lockdown"})).await.text("change_id");
    world.pump().await;
    assert_eq!(world.prove(&ANA, &off, "push_otp").await.body["status"], "on_hold");
    let inside = world.ask(&ANA, "inside", &json!({"kind": "add_line"})).await;
    assert_eq!(reasons(&world, &inside.text("change_id")).await[0], Reason::CoolingOff);
    world.clock.advance(Span::hours(24));
    world.tick().await;
    assert_eq!(world.account(&ANA).await.state.protections.0, [(Protection::NeverSimSwap, Mode::Block)].into());
}

#[tokio::test]
async fn act_4_a_protection_that_is_not_on_or_is_of_another_subject_is_nothing_to_switch_off() {
    let world = ana().await;
    world.protect(&ANA, "never_sim_swap", "block", Some(ANA.line)).await;
    for body in [
        json!({"kind": "protection_off", "protection": "never_sim_swap"}),
        json!({"kind": "protection_off", "protection": "no_port_out", "line_id": ANA.line}),
        json!({"kind": "protection_off", "protection": "account_lockdown", "line_id": ANA.line}),
    ] {
        assert_eq!(world.ask(&ANA, &body.to_string().len().to_string(), &body).await.problem(), "nothing-to-change", "{body}");
    }
}

#[tokio::test]
async fn act_5_an_authorization_that_is_used_again_moves_nothing_and_raises_the_alarm() {
    let world = ana().await;
    let change = swapped(&world, 1).await;
    let replayed = authorization(&world, &change);
    // The very same report once more is a duplicate.
    let entries = world.line(&ANA).await.seq;
    assert!(!world.feed(sim_changed(&world, 1, Some(&replayed))).await);
    assert_eq!(world.line(&ANA).await.seq, entries);
    // The same authorization for another SIM was never given.
    world.clock.advance(Span::minutes(1));
    assert!(!world.feed(sim_changed(&world, 5, Some(&replayed))).await);
    world.pump().await;
    let page = world.topic.all().into_iter().find(|event| event.page).unwrap();
    assert!(page.events.contains(&EventName::Incident));
    assert_eq!(world.account(&ANA).await.state.protections.0.get(&Protection::AccountLockdown), Some(&Mode::Block));
    assert_eq!(world.topic.authorizations().len(), 1);
}

// ---- Other paths of a change ----

#[tokio::test]
async fn a_lost_phone_is_proven_by_email_under_the_longest_hold() {
    let world = ana().await;
    let body = json!({"kind": "sim_swap", "line_id": ANA.line, "sim": {"iccid": iccid(1)}, "phone_lost": true});
    let asked = world.ask(&ANA, "k", &body).await;
    let change = asked.text("change_id");
    assert_eq!(asked.body["factors"], json!([{"factor": "email_otp"}]));
    assert_eq!(asked.body["hold_until"], (world.shell.clock.now() + Span::hours(72)).to_string());
    assert_eq!(reasons(&world, &change).await, [Reason::PhoneLost, Reason::TaintedChannel]);
    // A phone that is lost accepts messages; that tells nobody.
    world.inbox.down(&["email"]);
    world.pump().await;
    assert_eq!(world.change(&ANA, &change).await["told"], false);
    world.inbox.down(&[]);
    world.clock.advance(Span::minutes(2));
    world.tick().await;
    assert_eq!(world.change(&ANA, &change).await["told"], true);
    for factor in ["sms_otp", "push_otp"] {
        assert_eq!(world.challenge(&ANA, &change, factor).await.problem(), "factor-not-offered");
    }
    assert_eq!(world.prove(&ANA, &change, "email_otp").await.body["status"], "on_hold");
    world.clock.advance(Span::minutes(72 * 60 - 3));
    world.tick().await;
    assert!(world.topic.authorizations().is_empty());
    world.clock.advance(Span::minutes(1));
    world.tick().await;
    assert_eq!(world.topic.authorizations().len(), 1);
}

#[tokio::test]
async fn email_is_no_factor_where_the_phone_is_at_hand() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    assert_eq!(world.challenge(&ANA, &change, "email_otp").await.problem(), "factor-not-offered");
}

#[tokio::test]
async fn a_sim_swap_takes_no_code_by_sms_to_the_sim_that_it_moves() {
    let world = ana().await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.body["factors"], json!([{"factor": "push_otp"}]));
    assert_eq!(
        asked.body["not_offered"],
        json!([
            {"factor": "device_key", "why": "silent"},
            {"factor": "passkey", "why": "not_enrolled"},
            {"factor": "totp", "why": "not_enrolled"},
            {"factor": "recovery_code", "why": "not_enrolled"},
            {"factor": "email_otp", "why": "only_for_a_lost_phone"},
            {"factor": "sms_otp", "why": "moved_by_the_change"},
        ])
    );
    assert_eq!(world.challenge(&ANA, &asked.text("change_id"), "sms_otp").await.problem(), "factor-not-offered");
}

#[tokio::test]
async fn after_a_sim_change_sms_proves_nothing_for_a_week() {
    let world = ana().await;
    swapped(&world, 1).await;
    world.protect(&ANA, "account_lockdown", "step_up", None).await;
    let sms = |asked: &Answer| asked.body["not_offered"].as_array().unwrap().iter().find(|f| f["factor"] == "sms_otp").cloned();
    let asked = world.ask(&ANA, "k", &upgrade()).await;
    let change = asked.text("change_id");
    assert_eq!(sms(&asked).unwrap()["why"], "sim_changed", "{}", asked.body);
    let reasons = reasons(&world, &change).await;
    assert!(reasons.contains(&Reason::TaintedChannel) && reasons.contains(&Reason::RecentSimChange), "{reasons:?}");
    assert_eq!(world.challenge(&ANA, &change, "sms_otp").await.problem(), "factor-not-offered");
    world.cancel(&ANA, &change).await;
    world.clock.advance(Span::days(7));
    assert_eq!(world.ask(&ANA, "k2", &upgrade()).await.body["factors"], json!([{"factor": "push_otp"}, {"factor": "sms_otp"}]));
}

/// Something that does not move the line, so that a code by SMS to it counts.
fn upgrade() -> Value {
    json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "490154203237518"})
}

#[tokio::test]
async fn in_mode_step_up_two_independent_factors_and_an_hour_are_needed() {
    let world = ana().await;
    world.protect(&ANA, "account_lockdown", "step_up", None).await;
    let asked = world.ask(&ANA, "k", &upgrade()).await;
    let change = asked.text("change_id");
    assert_eq!(reasons(&world, &change).await, [Reason::Protected]);
    world.pump().await;
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "step_up_required");
    assert_eq!(
        world.challenge(&ANA, &change, "push_otp").await.problem(),
        "factor-not-offered",
        "the same once more proves nothing"
    );
    assert_eq!(world.prove(&ANA, &change, "sms_otp").await.body["status"], "on_hold");
    world.clock.advance(Span::hours(1));
    world.tick().await;
    assert_eq!(world.change(&ANA, &change).await["status"], "authorized");
}

#[tokio::test]
async fn a_lock_that_is_switched_on_while_a_change_is_open_ends_it() {
    for (line, protection) in [(Some(ANA.line), "never_sim_swap"), (None, "never_sim_swap"), (None, "account_lockdown")] {
        let world = ana().await;
        let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        world.pump().await;
        world.protect(&ANA, protection, "block", line).await;
        let challenge = world.challenge(&ANA, &change, "push_otp").await;
        if challenge.status == 201 {
            world.answer(&ANA, &change, &challenge.text("challenge_id"), &world.inbox.code()).await;
        }
        assert_eq!(ended(&world, &change).await, (Ending::Refused, Some(Reason::Locked)), "{protection} of {line:?}");
        world.pump().await;
        assert!(world.topic.authorizations().is_empty());
    }
}

#[tokio::test]
async fn a_step_up_lock_that_is_switched_on_while_a_change_is_open_raises_it() {
    for line in [Some(ANA.line), None] {
        let world = ana().await;
        let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        world.pump().await;
        world.protect(&ANA, "never_sim_swap", "step_up", line).await;
        let proven = world.prove(&ANA, &change, "push_otp").await;
        assert_eq!(proven.body["status"], "step_up_required", "{line:?}: {}", proven.body);
        assert!(proven.body["hold_until"].is_string());
        world.pump().await;
        assert!(world.topic.authorizations().is_empty());
        assert_eq!(audit(&world, &ANA).await.count(EventName::Raised), 1);
    }
}

#[tokio::test]
async fn a_contact_is_replaced_by_what_provisioning_reports_and_the_new_one_proves_nothing_for_a_week() {
    let world = ana().await;
    let body = json!({"kind": "contact_change", "add": {"push": "arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/new"}, "remove": "app"});
    let asked = world.ask(&ANA, "k", &body).await;
    let change = asked.text("change_id");
    assert_eq!(asked.body["hold_until"], (world.shell.clock.now() + Span::hours(1)).to_string());
    assert!(asked.body.get("line_id").is_none());
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    world.clock.advance(Span::hours(1));
    world.tick().await;
    let signed = claims(&world, &world.topic.authorizations()[0]);
    assert_eq!((&signed["kind"], &signed["change_id"], signed.get("line_id")), (&json!("contact_change"), &json!(change), None));
    world.inbox.clear();
    assert!(!world.feed(done(&world, &change, "change_done")).await, "{:?}", world.dead.all());
    world.pump().await;
    assert_eq!(world.change(&ANA, &change).await["status"], "completed");
    assert_eq!(read(&world), [("Done: your contacts changed.".to_owned(), 2)], "the mailbox and the old app");
    let contacts = world.account(&ANA).await.state.contacts;
    assert_eq!(contacts.iter().filter(|contact| contact.removed_at.is_none()).count(), 2);
    assert!(!world.feed(done(&world, &change, "change_done")).await);
    assert_eq!(world.account(&ANA).await.state.contacts, contacts, "the same report again changes nothing");

    let swap = world.ask(&ANA, "swap", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(swap.body["factors"], json!([{"factor": "email_otp"}]), "the new device proves nothing yet: {}", swap.body);
    world.pump().await;
    assert_eq!(world.inbox.all().len(), 4, "the removed device is told, too");
    world.cancel(&ANA, &swap.text("change_id")).await;
    world.pump().await;
    world.inbox.clear();
    world.clock.advance(Span::days(7));
    let later = world.ask(&ANA, "later", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(later.body["factors"][0], json!({"factor": "push_otp"}));
    world.pump().await;
    assert_eq!(world.inbox.all().len(), 3, "the removed device is forgotten");
}

#[tokio::test]
async fn a_number_is_changed_by_what_provisioning_reports() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &json!({"kind": "number_change", "line_id": ANA.line})).await.text("change_id");
    world.pump().await;
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "authorized");
    world.pump().await;
    assert!(!world.feed(done(&world, &change, "change_done")).await);
    assert_eq!(world.dead.all()[0].1, "does-not-fit", "the new number is missing");
    assert_eq!(world.change(&ANA, &change).await["status"], "authorized");
    let mut report = done(&world, &change, "change_done");
    report["msisdn"] = json!("+13055550188");
    assert!(!world.feed(report).await);
    let line = world.line(&ANA).await.state;
    assert_eq!((line.msisdn.as_str(), world.change(&ANA, &change).await["status"].as_str()), ("+13055550188", Some("completed")));
}

#[tokio::test]
async fn a_new_handset_needs_the_session_and_a_notice_and_is_recorded_when_done() {
    let world = ana().await;
    let asked = world.ask(&ANA, "k", &json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "490154203237518"})).await;
    let change = asked.text("change_id");
    assert_eq!((&asked.body["status"], &asked.body["factors"]), (&json!("verified"), &json!([])));
    assert!(world.topic.authorizations().is_empty());
    world.pump().await;
    assert_eq!(world.topic.authorizations().len(), 1, "told, and so authorized");
    assert!(!world.feed(done(&world, &change, "change_done")).await);
    assert_eq!(world.line(&ANA).await.state.imei.unwrap().as_str(), "490154203237518");
    assert_eq!(ended(&world, &change).await, (Ending::Completed, None));
}

#[tokio::test]
async fn every_kind_of_change_goes_the_same_way() {
    let line = |kind: &str| json!({"kind": kind, "line_id": ANA.line});
    let bodies = [
        ANA.sim_swap(&iccid(1)),
        line("number_change"),
        line("ownership"),
        json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "490154203237518"}),
        json!({"kind": "contact_change", "add": {"sms": "+13055550199"}}),
        json!({"kind": "credential_reset"}),
        json!({"kind": "authorized_user", "user": "friend-1"}),
        json!({"kind": "add_line"}),
    ];
    for body in bodies {
        let world = ana().await;
        let asked = world.ask(&ANA, "k", &body).await;
        assert_eq!(asked.status, 201, "{}", asked.body);
        let change = asked.text("change_id");
        world.pump().await;
        if asked.body["status"] == "step_up_required" {
            assert_eq!(world.prove(&ANA, &change, "push_otp").await.status, 200);
        }
        if asked.body["hold_until"].is_string() {
            world.clock.advance(Span::hours(24));
            world.tick().await;
        }
        world.pump().await;
        let signed: Vec<Value> = world.topic.authorizations().iter().map(|jws| claims(&world, jws)).collect();
        assert_eq!(signed.len(), 1, "{body}");
        assert_eq!(
            (&signed[0]["kind"], signed[0]["exp"].as_i64().unwrap() - signed[0]["iat"].as_i64().unwrap()),
            (&body["kind"], 900)
        );
        let mut report = done(&world, &change, "change_done");
        report["msisdn"] = json!("+13055550188");
        if body["kind"] == "sim_swap" {
            report = sim_changed(&world, 1, Some(&authorization(&world, &change)));
        }
        assert!(!world.feed(report).await);
        world.pump().await;
        assert_eq!(world.change(&ANA, &change).await["status"], "completed", "{body}: {:?}", world.dead.all());
        assert!(world.topic.all().iter().all(|event| !event.page));
        audit(&world, &ANA).await;
    }
}

#[tokio::test]
async fn in_a_store_the_app_confirms_and_she_has_an_hour() {
    let world = ana().await;
    let asked = world.desk_asks(&representative("store"), &ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let change = last_asked(&audit(&world, &ANA).await);
    assert!(asked.body["hold_until"].is_string());
    let view = world.change(&ANA, &change).await;
    assert_eq!(view["factors"], json!([{"factor": "push_otp"}]));
    world.pump().await;
    assert!(read(&world)[0].0.contains("in a store"));
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "on_hold");
}

// ---- What time and provisioning do ----

#[tokio::test]
async fn an_authorization_that_is_not_used_lapses_after_a_quarter_of_an_hour() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    world.pump().await;
    world.clock.advance(Span::seconds(899));
    world.tick().await;
    assert_eq!(world.change(&ANA, &change).await["status"], "authorized");
    world.clock.advance(Span::seconds(1));
    assert_eq!(world.change(&ANA, &change).await["status"], "lapsed", "by the clock, before any sweep");
    world.tick().await;
    assert_eq!(ended(&world, &change).await, (Ending::Lapsed, None));
    assert!(world.topic.all().iter().any(|event| event.event == EventName::Lapsed));
    // She can ask again; a new change has a new authorization.
    let again = world.ask(&ANA, "k2", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &again, "push_otp").await;
    world.pump().await;
    assert_ne!(authorization(&world, &again), authorization(&world, &change));
}

#[tokio::test]
async fn a_late_report_of_what_was_done_in_time_still_completes() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    world.pump().await;
    world.clock.advance(Span::minutes(10));
    let report = sim_changed(&world, 1, Some(&authorization(&world, &change)));
    world.clock.advance(Span::hours(2));
    world.tick().await;
    assert_eq!(world.change(&ANA, &change).await["status"], "lapsed");
    assert!(!world.feed(report).await);
    world.pump().await;
    assert_eq!(world.change(&ANA, &change).await["status"], "completed");
    assert!(world.topic.all().iter().all(|event| !event.page));
}

#[tokio::test]
async fn what_was_done_after_the_authorization_ended_is_an_incident() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    world.pump().await;
    // Clocks may differ by a minute.
    world.clock.advance(Span::minutes(16));
    assert!(!world.feed(sim_changed(&world, 1, Some(&authorization(&world, &change)))).await);
    assert_eq!(audit(&world, &ANA).await.count(EventName::Incident), 1);
}

#[tokio::test]
async fn a_sim_that_changes_without_an_authorization_locks_the_account_tells_her_and_pages() {
    let world = ana().await;
    let open = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.inbox.clear();
    world.clock.advance(Span::minutes(1));
    assert!(!world.feed(sim_changed(&world, 6, None)).await);
    world.pump().await;
    let told = read(&world);
    assert!(
        told[0].0.starts_with("Your number was moved to another SIM without your confirmation.") && told[0].1 == 3,
        "{told:?}"
    );
    let page = world.topic.all().into_iter().find(|event| event.page).unwrap();
    assert_eq!(page.event, EventName::Incident);
    assert_eq!(page.line_id.unwrap().as_str(), ANA.line);
    assert_eq!(world.account(&ANA).await.state.protections.0.get(&Protection::AccountLockdown), Some(&Mode::Block));
    assert_eq!(world.line(&ANA).await.state.sim.iccid.as_str(), iccid(6), "recorded as it is");
    // What was open dies when it is next looked at.
    world.prove(&ANA, &open, "push_otp").await;
    assert_eq!(ended(&world, &open).await, (Ending::Refused, Some(Reason::Locked)));
    audit(&world, &ANA).await;
}

#[tokio::test]
async fn a_change_that_is_not_proven_expires() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.clock.advance(Span::hours(24));
    assert_eq!(world.change(&ANA, &change).await["status"], "expired");
    world.tick().await;
    assert_eq!(ended(&world, &change).await, (Ending::Expired, None));
    assert_eq!(world.challenge(&ANA, &change, "push_otp").await.problem(), "change-closed");
    assert_eq!(world.ask(&ANA, "k2", &ANA.sim_swap(&iccid(1))).await.status, 201);
}

#[tokio::test]
async fn a_code_is_worth_nothing_after_five_minutes_and_after_a_newer_one() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    let first = (world.challenge(&ANA, &change, "push_otp").await.text("challenge_id"), world.inbox.code());
    assert_eq!(world.challenge(&ANA, &change, "push_otp").await.problem(), "too-many-codes", "within half a minute");
    world.clock.advance(Span::seconds(30));
    let second = (world.challenge(&ANA, &change, "push_otp").await.text("challenge_id"), world.inbox.code());
    assert_eq!(world.answer(&ANA, &change, &first.0, &first.1).await.problem(), "challenge-over");
    world.clock.advance(Span::minutes(5));
    assert_eq!(world.answer(&ANA, &change, &second.0, &second.1).await.problem(), "challenge-over");
    assert_eq!(world.line(&ANA).await.tally.guesses, 0);
}

#[tokio::test]
async fn a_code_for_one_change_is_worthless_for_another() {
    let world = ana().await;
    let swap = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let number = world.ask(&ANA, "k2", &json!({"kind": "number_change", "line_id": ANA.line})).await.text("change_id");
    world.pump().await;
    world.challenge(&ANA, &number, "push_otp").await;
    let code_for_number = world.inbox.code();
    let challenge = world.challenge(&ANA, &swap, "push_otp").await.text("challenge_id");
    if code_for_number != world.inbox.code() {
        assert_eq!(world.answer(&ANA, &swap, &challenge, &code_for_number).await.problem(), "code-wrong");
    }
    assert_eq!(world.answer(&ANA, &number, &challenge, &world.inbox.code()).await.problem(), "challenge-over");
}

#[tokio::test]
async fn what_provisioning_could_not_do_is_over_and_she_is_told() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    world.pump().await;
    world.inbox.clear();
    let mut report = done(&world, &change, "change_failed");
    report["reason"] = json!("the SIM is unknown");
    assert!(!world.feed(report).await, "{:?}", world.dead.all());
    world.pump().await;
    assert_eq!(ended(&world, &change).await, (Ending::Failed, None));
    assert!(read(&world)[0].0.contains("could not be carried out"));
    // Whoever acts on it now acts without an authorization.
    assert!(!world.feed(sim_changed(&world, 1, Some(&authorization(&world, &change)))).await);
    assert_eq!(audit(&world, &ANA).await.count(EventName::Incident), 1);
}

#[tokio::test]
async fn what_ends_with_the_line_or_the_account_is_refused_for_good() {
    for what in ["line_ended", "account_closed"] {
        let world = ana().await;
        let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        world.pump().await;
        let challenge = world.challenge(&ANA, &change, "push_otp").await.text("challenge_id");
        world.feed(json!({"id": "e", "at": world.now(), "type": what, "account_id": ANA.account, "line_id": ANA.line})).await;
        world.answer(&ANA, &change, &challenge, &world.inbox.code()).await;
        world.pump().await;
        assert!(world.topic.authorizations().is_empty());
        assert_eq!(ended(&world, &change).await, (Ending::Refused, Some(Reason::NotYours)), "{what}");
        let again = world.ask(&ANA, "k2", &ANA.sim_swap(&iccid(1))).await;
        assert_eq!(again.status, 404, "{}", again.body);
    }
}

#[tokio::test]
async fn a_tap_on_a_change_that_is_done_pages_a_person_and_locks() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    world.pump().await;
    world.feed(sim_changed(&world, 1, Some(&authorization(&world, &change)))).await;
    world.pump().await;
    assert_eq!(world.not_me(&world.inbox.link_token()).await.status, 200);
    world.pump().await;
    assert!(world.topic.all().iter().any(|event| event.page && event.event == EventName::Incident));
    assert_eq!(world.account(&ANA).await.state.protections.0.get(&Protection::AccountLockdown), Some(&Mode::Block));
    assert_eq!(world.cancel(&ANA, &change).await.problem(), "change-closed");
    assert_eq!(world.ledger(&ANA, &Subject::Account).await.len(), 3, "opened, locked, told");
}

#[tokio::test]
async fn a_link_that_is_forged_too_old_or_of_another_kind_is_not_taken() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    let link = world.inbox.link_token();
    world.prove(&ANA, &change, "push_otp").await;
    world.pump().await;
    let authorization = world.topic.authorizations()[0].clone();
    let (head, rest) = link.split_at(link.len() - 4);
    let forged = format!("{head}{}", if rest == "AAAA" { "BBBB" } else { "AAAA" });
    for token in [forged.as_str(), authorization.as_str(), "", "a.b.c"] {
        assert_eq!(world.not_me(token).await.problem(), "unauthenticated", "{token}");
    }
    world.clock.advance(Span::days(7));
    assert_eq!(world.not_me(&link).await.problem(), "unauthenticated");
    assert!(world.account(&ANA).await.state.protections.0.is_empty());
    assert!(matches!(world.line(&ANA).await.state.book.changes.into_values().next().unwrap().stage, Stage::Released(_)));
}
