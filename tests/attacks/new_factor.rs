//! A thief adds what is his, or has hers removed: it must be of no use to him for a week, and she hears.

use std::sync::Arc;

use linekeeper_domain::change::Address;
use linekeeper_domain::time::Span;
use linekeeper_tests::people::ANA;
use linekeeper_tests::world::ORIGIN;
use linekeeper_tests::{Phone, Session, World, iccid};
use serde_json::{Value, json};

use crate::stage::{add_paper, add_passkey, add_totp, ana, days_pass, factor_id, opened, proven, set_up, why_not};

/// Has an authorized change carried out by the carrier.
async fn carried_out(world: &World, change: &str) {
    let granted = world.account(&ANA).await.state.book.changes.into_values().find(|known| known.id.as_str() == change).unwrap();
    let id = granted.authorization().expect("not authorized").id.to_string();
    let done = json!({"id": "d", "at": world.now(), "type": "change_done", "account_id": ANA.account, "change_id": change, "authorization_id": id});
    world.feed(done).await;
    world.pump().await;
    assert_eq!(world.change(&ANA, change).await["status"], "completed");
}

fn told(world: &World, address: &str) -> usize {
    world.inbox.all().iter().filter(|mail| at(&mail.to) == address).count()
}

fn at(to: &Address) -> &str {
    match to {
        Address::Email(email) => email.as_str(),
        Address::Sms(msisdn) => msisdn.as_str(),
        Address::Push(endpoint) => endpoint.as_str(),
    }
}

#[tokio::test]
async fn a_mailbox_added_by_a_thief_proves_nothing_for_a_week_and_the_old_one_hears_of_it() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let body = json!({"kind": "contact_change", "add": {"email": "thief@example.net"}});
    let change = opened(&world, &home, "mail", &body).await;
    assert!(told(&world, ANA.email) > 0 && told(&world, "thief@example.net") == 0);
    proven(&world, &home, &change, "push_otp").await;
    assert_eq!(world.change(&ANA, &change).await["status"], "on_hold", "an hour to object");
    world.clock.advance(Span::hours(1));
    world.tick().await;
    carried_out(&world, &change).await;
    world.inbox.clear();
    // The phone is "lost": e-mail stands in, and it is the old one.
    let lost = json!({"kind": "sim_swap", "line_id": ANA.line, "sim": {"iccid": iccid(1)}, "phone_lost": true});
    let swap = opened(&world, &home, "swap", &lost).await;
    let asked = world.challenge_as(&home, &swap, "email_otp").await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let with_code: Vec<String> =
        world.inbox.all().iter().filter(|mail| mail.code().is_some()).map(|mail| at(&mail.to).to_owned()).collect();
    assert_eq!(with_code, [ANA.email]);
    world.cancel(&ANA, &swap).await;
    // With the old one removed nothing is left that proves by e-mail.
    let change = opened(&world, &home, "remove", &json!({"kind": "contact_change", "remove": "email"})).await;
    proven(&world, &home, &change, "push_otp").await;
    world.clock.advance(Span::hours(1));
    world.tick().await;
    carried_out(&world, &change).await;
    world.inbox.clear();
    let swap = opened(&world, &home, "swap2", &lost).await;
    assert!(told(&world, ANA.email) > 0, "the removed one still hears");
    assert_eq!(world.challenge_as(&home, &swap, "email_otp").await.problem(), "factor-not-offered");
    assert_ne!(why_not(&world, &ANA, &swap, "email_otp").await, "");
}

#[tokio::test]
async fn a_passkey_proves_nothing_until_it_is_a_week_old() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let mut phone = Phone::new(1);
    add_passkey(&world, &home, &mut phone).await;
    let at_once = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(why_not(&world, &ANA, &at_once, "passkey").await, "too_new");
    assert_eq!(world.challenge_as(&home, &at_once, "passkey").await.problem(), "factor-not-offered");
    world.cancel(&ANA, &at_once).await;
    world.clock.advance(Span::days(7));
    let ripe = opened(&world, &home, "ripe", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(why_not(&world, &ANA, &ripe, "passkey").await, "");
    // His own, beside hers: the challenge is open, and takes none that is too new.
    let mut his = Phone::new(2);
    add_passkey(&world, &home, &mut his).await;
    let asked = world.challenge_as(&home, &ripe, "passkey").await;
    let made = json!({"passkey": his.get(&asked.body["passkey"], ORIGIN)});
    assert_eq!(world.answer_as(&home, &ripe, &asked.text("challenge_id"), &made).await.problem(), "signature-wrong");
}

async fn is_new_for(world: &Arc<World>, days: u32) {
    let home = Session::at_home(&ANA);
    days_pass(world, &ANA, days - 1).await;
    let change = opened(world, &home, "early", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(why_not(world, &ANA, &change, "passkey").await, "too_new");
    world.cancel(&ANA, &change).await;
    days_pass(world, &ANA, 1).await;
    let change = opened(world, &home, "late", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(why_not(world, &ANA, &change, "passkey").await, "");
}

#[tokio::test]
async fn a_passkey_added_within_a_week_of_a_reset_proves_nothing_for_thirty_days() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let reset = opened(&world, &home, "reset", &json!({"kind": "credential_reset"})).await;
    assert_eq!(proven(&world, &home, &reset, "push_otp").await.status, 200);
    world.tick().await;
    carried_out(&world, &reset).await;
    world.clock.advance(Span::days(6));
    add_passkey(&world, &home, &mut Phone::new(1)).await;
    is_new_for(&world, 30).await;
}

/// A passkey whose adding is proven by a recovery code: set up `first`, or proven first.
async fn added_by_paper(set_up_first: bool) -> Arc<World> {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let paper = add_paper(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    let change = opened(&world, &home, "add", &json!({"kind": "factor_add", "factor": "passkey"})).await;
    let mut phone = Phone::new(1);
    for step in [set_up_first, !set_up_first] {
        let (challenge, body): (String, Value) = if step {
            let asked = set_up(&world, &home, &change, "passkey").await;
            (asked.text("challenge_id"), json!({"passkey": phone.create(&asked.body["passkey"], ORIGIN)}))
        } else {
            let asked = world.challenge_as(&home, &change, "recovery_code").await;
            (asked.text("challenge_id"), json!({"code": paper[0]}))
        };
        assert_eq!(world.answer_as(&home, &change, &challenge, &body).await.status, 200);
    }
    assert_eq!(world.change(&ANA, &change).await["status"], "completed");
    world
}

#[tokio::test]
async fn a_passkey_added_by_a_recovery_code_proves_nothing_for_thirty_days() {
    is_new_for(&added_by_paper(false).await, 30).await;
}

#[tokio::test]
async fn a_passkey_added_by_a_recovery_code_proves_nothing_for_thirty_days_whichever_came_first() {
    is_new_for(&added_by_paper(true).await, 30).await;
}

#[tokio::test]
async fn removing_a_factor_waits_an_hour_and_tells_everyone_and_what_is_added_instead_is_too_new() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    add_passkey(&world, &home, &mut Phone::new(1)).await;
    days_pass(&world, &ANA, 8).await;
    let id = factor_id(&world, &ANA, "passkey").await;
    let remove = opened(&world, &home, "remove", &json!({"kind": "factor_remove", "factor": "passkey", "id": id})).await;
    assert!(told(&world, ANA.email) > 0 && told(&world, ANA.push) > 0, "{:?}", world.inbox.all());
    proven(&world, &home, &remove, "push_otp").await;
    assert_eq!(world.change(&ANA, &remove).await["status"], "on_hold");
    world.clock.advance(Span::minutes(59));
    world.tick().await;
    assert_eq!(world.account(&ANA).await.state.factors.len(), 1);
    world.clock.advance(Span::minutes(1));
    world.tick().await;
    assert!(world.account(&ANA).await.state.factors.is_empty());
    add_passkey(&world, &home, &mut Phone::new(1)).await;
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    assert_eq!(why_not(&world, &ANA, &change, "passkey").await, "too_new");
}

#[tokio::test]
async fn adding_an_app_does_not_take_hers_away_faster_than_removing_it_would() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    add_totp(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    let hers = factor_id(&world, &ANA, "totp").await;
    add_totp(&world, &home).await;
    assert!(world.account(&ANA).await.state.factors.iter().any(|known| known.id.as_str() == hers));
}
