//! Once a year a customer is told which protections are on offer.

use linekeeper_domain::ids::Subject;
use linekeeper_domain::ledger::{Entry, Event};
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::World;
use linekeeper_tests::people::ANA;
use serde_json::json;

const SAID: &str = "you can lock your number";

async fn reminded(world: &World) -> Vec<Timestamp> {
    let ledger = world.ledger(&ANA, &Subject::Account).await;
    let entries = ledger.iter().map(|json| serde_json::from_str::<Entry>(json).unwrap());
    entries.filter(|entry| entry.events.contains(&Event::Reminded)).map(|entry| entry.at).collect()
}

async fn ana() -> World {
    let world = World::new().await;
    world.customer(&ANA).await;
    world.pump().await;
    world.inbox.clear();
    world
}

#[tokio::test]
async fn she_is_told_once_a_year_however_often_the_sweep_runs() {
    let world = ana().await;
    let opened = world.clock.now();
    for year in 1..=3 {
        let due = world.account(&ANA).await.state.reminder_due().unwrap();
        world.clock.advance((due - Span::seconds(1)).since(world.clock.now()));
        world.tick().await;
        assert_eq!(reminded(&world).await.len(), year - 1, "not before its day");
        world.clock.advance(Span::seconds(1));
        for _ in 0..50 {
            world.tick().await;
            world.clock.advance(Span::hours(6));
        }
        assert_eq!(reminded(&world).await.len(), year);
        let told = world.inbox.all().iter().filter(|mail| mail.text.short.contains(SAID)).count();
        assert_eq!(told, 2 * year, "push and e-mail");
    }
    let times = reminded(&world).await;
    assert!(times[0].since(opened) < Span::days(366));
    assert!(times.windows(2).all(|pair| pair[1].since(pair[0]) >= Span::days(365)));
    assert!(world.inbox.all().iter().any(|mail| mail.text.long.contains("Account Lockdown: nothing of your account")));
}

#[tokio::test]
async fn a_closed_account_is_not_reminded_and_one_without_a_channel_wakes_nobody() {
    let world = ana().await;
    world.feed(json!({"id": "c", "at": world.now(), "type": "account_closed", "account_id": ANA.account})).await;
    world.clock.advance(Span::days(400));
    world.tick().await;
    assert!(reminded(&world).await.is_empty());

    let world = World::new().await;
    let opened = json!({"id": "1", "at": world.now(), "type": "account_opened", "account_id": ANA.account, "jurisdiction": "us"});
    assert!(!world.feed(opened).await);
    world.clock.advance(Span::days(400));
    for _ in 0..20 {
        world.tick().await;
        world.clock.advance(Span::hours(1));
    }
    assert_eq!(reminded(&world).await.len(), 1, "that it was due is on record");
    assert!(world.topic.all().iter().all(|event| !event.page));
}
