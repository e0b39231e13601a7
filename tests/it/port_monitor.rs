//! The porting monitor over the store: repeats, races, crashes, silence.

use std::sync::Arc;

use linekeeper_domain::digest::Digest;
use linekeeper_domain::kinds::Band;
use linekeeper_domain::porting::monitor::{Pattern, Places, Seen, Settings, Sighting};
use linekeeper_domain::risk::marks::WideMark;
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::World;
use linekeeper_tests::people::ANA;
use linekeeper_tests::ports::{customer, order, with_pin};
use serde_json::json;

fn mark(kind: &str, n: usize) -> WideMark {
    let digest = Digest::of(&[kind, &n.to_string()]);
    WideMark(u64::from_str_radix(&digest.as_str()[..16], 16).unwrap())
}

fn port(n: usize, at: Timestamp) -> Sighting {
    let met = Places { carrier: Some(mark("carrier", 1)), ..Places::default() };
    Sighting { at, account: mark("account", n), line: Some(mark("line", n)), seen: Seen::Asked, met }
}

#[tokio::test]
async fn many_writers_of_one_window_lose_nothing_and_the_last_of_them_sees_the_pattern() {
    let world = World::new().await;
    let now = world.clock.now();
    let folds = (0..32).map(|n| {
        let store = world.shell.store.clone();
        tokio::spawn(async move { store.fold(&[port(n, now)], &Settings::default()).await.unwrap() })
    });
    let mut most = 0;
    for fold in folds.collect::<Vec<_>>() {
        let alarms = fold.await.unwrap();
        most = alarms
            .iter()
            .filter(|alarm| alarm.pattern == Pattern::CarrierBurst)
            .map(|alarm| alarm.count)
            .max()
            .unwrap_or(0)
            .max(most);
    }
    assert_eq!(most, 32);
    // The same again changes nothing and says the same.
    let again = world.shell.store.fold(&[port(3, now)], &Settings::default()).await.unwrap();
    assert!(again.iter().any(|alarm| alarm.pattern == Pattern::CarrierBurst && alarm.count == 32));
}

#[tokio::test]
async fn pins_tried_on_one_number_are_an_incident_told_once_that_names_the_line() {
    let world = World::new().await;
    customer(&world, &ANA).await;
    for n in 0..5 {
        let tried = with_pin(order(&world, &ANA, &format!("LK-{n}"), 0), &format!("1234567{n}"));
        assert!(!world.from_gateway(&tried).await);
        assert!(!world.from_gateway(&tried).await, "a repeat");
        world.clock.advance(Span::minutes(2));
    }
    let incidents = world.topic.incidents();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!((incidents[0].pattern, incidents[0].news), (Pattern::ManyPins, "opened"));
    assert_eq!(incidents[0].lines.iter().map(|line| line.line_id.as_str()).collect::<Vec<_>>(), [ANA.line]);
    assert!(!serde_json::to_string(&incidents[0]).unwrap().contains("1305555"), "no number");
}

#[tokio::test]
async fn with_hold_an_incident_makes_the_open_ports_of_its_lines_wait_and_without_it_does_not() {
    for hold in [false, true] {
        let mut world = World::new().await;
        world.ports.monitor = Arc::new(Settings { hold, ..Settings::default() });
        customer(&world, &ANA).await;
        assert!(!world.from_gateway(&order(&world, &ANA, "LK-0", 0)).await);
        let now = world.clock.now();
        let band = |line: &linekeeper_domain::state::Line| {
            let open: Vec<Band> = line.book.open(now).map(|change| change.decision.band).collect();
            assert_eq!(open.len(), 1, "one port is open");
            open[0]
        };
        let before = band(&world.line(&ANA).await.state);
        for n in 1..=5 {
            assert!(!world.from_gateway(&with_pin(order(&world, &ANA, &format!("LK-{n}"), 0), &format!("1234567{n}"))).await);
        }
        assert_eq!(world.topic.incidents().len(), 1);
        let after = band(&world.line(&ANA).await.state);
        assert_eq!((before < Band::Severe, after == Band::Severe), (true, hold), "{before:?} {after:?}");
    }
}

#[tokio::test]
async fn a_gateway_that_falls_silent_is_an_incident_and_one_that_beats_is_none() {
    let world = World::new().await;
    let listen = || serde_json::from_value(json!({"listen": true})).unwrap();
    let beat = |gateway: &str| {
        json!({"specversion": "1.0", "id": "h", "source": format!("/gateways/{gateway}"), "type": "linekeeper.porting.heartbeat.v1",
            "time": world.now(), "datacontenttype": "application/json", "data": {"gateway": gateway}})
    };
    for minute in 0..10 {
        assert!(!world.from_gateway(&beat("a")).await);
        if minute < 5 {
            assert!(!world.from_gateway(&beat("b")).await);
        }
        world.ports.handle(listen()).await.unwrap();
        let patterns: Vec<Pattern> = world.topic.incidents().iter().map(|incident| incident.pattern).collect();
        assert!(patterns.iter().all(|pattern| *pattern == Pattern::FeedSilent));
        assert_eq!(patterns.is_empty(), minute < 8, "{minute}");
        world.clock.advance(Span::minutes(1));
    }
}

#[tokio::test]
async fn a_window_that_cannot_be_read_begins_anew() {
    use aws_sdk_dynamodb::primitives::Blob;
    use aws_sdk_dynamodb::types::AttributeValue;

    let world = World::new().await;
    let now = world.clock.now();
    world.shell.store.fold(&[port(1, now)], &Settings::default()).await.unwrap();
    for item in world.items(linekeeper_tests::world::STATE).await {
        if item["sk"].as_s().unwrap() == "WINDOW" {
            let put = world.client.put_item().table_name(linekeeper_tests::world::STATE).set_item(Some(item));
            put.item("body", AttributeValue::B(Blob::new([9; 40]))).send().await.unwrap();
        }
    }
    let sightings: Vec<Sighting> = (0..40).map(|n| port(n, now)).collect();
    let alarms = world.shell.store.fold(&sightings, &Settings::default()).await.unwrap();
    assert!(alarms.iter().any(|alarm| alarm.pattern == Pattern::CarrierBurst));
}
