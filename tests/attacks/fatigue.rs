//! Push fatigue and pumping: messages that nobody wanted.

use linekeeper_domain::config::Settings;
use linekeeper_domain::time::Span;
use linekeeper_tests::people::{ANA, Person};
use linekeeper_tests::{DeviceKey, Session, World, iccid};
use serde_json::json;

use crate::stage::{CALLERS, add_totp, ana, ana_with, codes, days_pass, opened, somebody, tally, together};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_asks_send_the_days_ten_codes_and_no_two_within_half_a_minute() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    let of = change.clone();
    let answers = together(CALLERS, &world, move |world, _| {
        let change = of.clone();
        async move { world.challenge(&ANA, &change, "push_otp").await }
    })
    .await;
    assert_eq!((tally(&answers).get("201"), codes(&world)), (Some(&1), 1), "{:?}", tally(&answers));
    for _ in 0..100 {
        world.clock.advance(Span::seconds(15));
        world.challenge_as(&home, &change, "push_otp").await;
    }
    assert_eq!(codes(&world), 10);
    // Neither a new change nor another kind of one brings more.
    world.cancel(&ANA, &change).await;
    for (n, body) in [ANA.sim_swap(&iccid(2)), json!({"kind": "number_change", "line_id": ANA.line})].iter().enumerate() {
        let change = opened(&world, &home, &format!("n{n}"), body).await;
        assert_eq!(world.challenge_as(&home, &change, "push_otp").await.problem(), "too-many-codes");
    }
    assert_eq!(codes(&world), 10);
}

#[tokio::test]
async fn a_challenge_that_sends_nothing_in_between_does_not_shorten_the_pause() {
    let world = ana().await;
    let home = Session::at_home(&ANA);
    add_totp(&world, &home).await;
    days_pass(&world, &ANA, 8).await;
    let change = opened(&world, &home, "k", &ANA.sim_swap(&iccid(1))).await;
    for _ in 0..5 {
        world.challenge_as(&home, &change, "push_otp").await;
        world.challenge_as(&home, &change, "totp").await;
    }
    assert_eq!(codes(&world), 1);
}

/// So many customers, each with a change that wants a code.
async fn crowd(world: &World, people: &[Person], session: impl Fn(&Person) -> Session) -> Vec<(Person, String)> {
    for person in people {
        for record in person.opening(&world.now()) {
            world.feed(record).await;
        }
    }
    world.pump().await;
    let mut open = Vec::new();
    for person in people {
        let session = session(person);
        let change = opened(world, &session, "k", &json!({"kind": "number_change", "line_id": person.line})).await;
        open.push((*person, change));
    }
    world.inbox.clear();
    open
}

fn people(n: usize) -> Vec<Person> {
    (0..n).map(|n| somebody(n, format!("+1305555{:04}", 200 + n))).collect()
}

async fn push_to_all(world: &World, open: &[(Person, String)], session: impl Fn(&Person) -> Session) -> usize {
    for (person, change) in open {
        let answer = world.challenge_as(&session(person), change, "push_otp").await;
        assert!(answer.status == 201 || answer.problem() == "too-many-codes", "{}", answer.body);
    }
    codes(world)
}

#[tokio::test]
async fn one_device_key_sends_no_more_than_its_own_share_over_many_accounts() {
    let world = World::with(Settings { codes_per_device: 4, ..Settings::default() }).await;
    let session = |person: &Person| Session::at_home(person).signed_by(&DeviceKey::new(1));
    let open = crowd(&world, &people(8), session).await;
    assert_eq!(push_to_all(&world, &open, session).await, 4);
}

#[tokio::test]
async fn one_device_name_sends_no_more_than_its_own_share_over_many_accounts() {
    let world = World::with(Settings { codes_per_device: 4, ..Settings::default() }).await;
    let open = crowd(&world, &people(8), Session::at_home).await;
    assert_eq!(push_to_all(&world, &open, Session::at_home).await, 4);
}

#[tokio::test]
async fn one_address_sends_no_more_than_its_own_share_over_many_accounts_and_devices() {
    for address in ["198.51.100.7", "[2001:db8::1]"] {
        let world = World::with(Settings { codes_per_address: 3, ..Settings::default() }).await;
        let session = |person: &Person| {
            let port = 1_000 + person.account.len() + usize::from(person.account.as_bytes()[5]);
            Session::at_home(person)
                .with("x-linekeeper-device", &format!("device-of-{}-0123456", person.account))
                .with("cloudfront-viewer-address", &format!("{address}:{port}"))
        };
        let open = crowd(&world, &people(6), session).await;
        assert_eq!(push_to_all(&world, &open, session).await, 3, "{address}");
    }
}

#[tokio::test]
async fn whoever_goes_around_the_edge_is_counted_under_an_address_too() {
    let world = World::with(Settings { codes_per_address: 3, ..Settings::default() }).await;
    let session = |person: &Person| Session::at_home(person).without("x-linekeeper-edge").without("x-linekeeper-device");
    let open = crowd(&world, &people(6), session).await;
    assert_eq!(push_to_all(&world, &open, session).await, 3);
}

#[tokio::test]
async fn one_mailbox_or_app_gets_no_more_than_its_share_whoever_asks() {
    let world = World::with(Settings { codes_per_destination: 3, ..Settings::default() }).await;
    let shared: Vec<Person> = people(6).into_iter().map(|person| Person { push: ANA.push, ..person }).collect();
    let open = crowd(&world, &shared, Session::at_home).await;
    assert_eq!(push_to_all(&world, &open, Session::at_home).await, 3);
}

#[tokio::test]
async fn one_account_sends_no_more_than_its_share_over_many_lines() {
    let world = ana_with(Settings { codes_per_account: 4, codes_per_destination: 50, ..Settings::default() }).await;
    let home = Session::at_home(&ANA);
    for n in 0..8_u32 {
        let line = json!({"id": "2", "at": world.now(), "type": "line_opened", "account_id": ANA.account, "line_id": format!("l{n}"),
                          "msisdn": format!("+1305555{:04}", 300 + n), "iccid": iccid(700 + n)});
        world.feed(line).await;
        let change = opened(&world, &home, &format!("k{n}"), &json!({"kind": "number_change", "line_id": format!("l{n}")})).await;
        world.challenge_as(&home, &change, "push_otp").await;
    }
    assert_eq!(codes(&world), 4);
}

/// Asks for a code by SMS to each line, for a change that SMS does for.
async fn texts(settings: Settings, people: &[Person]) -> (usize, usize) {
    let world = World::with(settings).await;
    for person in people {
        world.customer(person).await;
    }
    let (mut asked, before) = (0, codes(&world));
    for person in people {
        for day in 1..=4 {
            world.behaviour(person.sign_in_at_home(&world.ago(Span::days(day)))).await;
        }
        let session =
            Session::at_home(person).with("cloudfront-viewer-asn", "64500").with("x-linekeeper-device", "another-device-of-hers");
        world.protect(person, "account_lockdown", "step_up", None).await;
        let body = json!({"kind": "device_upgrade", "line_id": person.line, "imei": "356938035643809"});
        let change = opened(&world, &session, "u", &body).await;
        let answer = world.challenge_as(&session, &change, "sms_otp").await;
        assert!(answer.status == 201 || ["too-many-codes", "factor-not-offered"].contains(&answer.problem()), "{}", answer.body);
        asked += 1;
    }
    (asked, codes(&world) - before)
}

#[tokio::test]
async fn sms_goes_to_no_country_that_is_not_on_the_list() {
    let abroad: Vec<Person> = ["+2348031234567", "+37061234567", "+96170123456"]
        .iter()
        .enumerate()
        .map(|(n, m)| somebody(n, (*m).to_owned()))
        .collect();
    assert_eq!(texts(Settings::default(), &abroad).await, (3, 0));
    let us = Settings { sms_countries: vec!["GB".to_owned()], ..Settings::default() };
    assert_eq!(texts(us, &people(2)).await, (2, 0));
    assert_eq!(texts(Settings::default(), &people(2)).await, (2, 2));
}

#[tokio::test]
async fn sms_to_one_country_ends_at_the_countrys_share() {
    // One for each sixteenth: of forty accounts at most sixteen get one.
    let (asked, sent) = texts(Settings { codes_per_country: 16, ..Settings::default() }, &people(40)).await;
    assert!(asked == 40 && (8..=16).contains(&sent), "{sent}");
}
