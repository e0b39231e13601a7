//! The scorer in its place: what is remembered, what is counted, and what is said when it cannot be had.

use std::collections::BTreeMap;
use std::sync::Arc;

use linekeeper_domain::ids::AccountId;
use linekeeper_domain::kinds::{Band, Reason};
use linekeeper_domain::risk::marks::WideMark;
use linekeeper_domain::risk::model::seal;
use linekeeper_domain::risk::velocity::{Counter, Meeting};
use linekeeper_domain::signals::Signal;
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_platform::risk::Risk;
use linekeeper_tests::people::{ANA, AT_HOME, BEA, IN_CALIFORNIA, Person};
use linekeeper_tests::race::{CALLERS, together};
use linekeeper_tests::{World, iccid};
use serde_json::{Value, json};

use crate::audit::audit;

async fn ana() -> World {
    let world = World::new().await;
    world.customer(&ANA).await;
    world
}

/// The same headers with some of them changed.
fn with<'a>(headers: &[(&'a str, &'a str)], changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = headers.iter().filter(|(name, _)| changed.iter().all(|(other, _)| other != name));
    kept.chain(changed).copied().collect()
}

/// Her phone in the carrier's own mobile network, which the look-up places in Miami one day and in Dallas the next.
#[tokio::test]
async fn a_mobile_customer_placed_in_another_state_by_her_own_carriers_network_is_asked_for_no_more_than_at_home() {
    let world = World::new().await;
    for record in ANA.opening(&world.now()) {
        world.feed(record).await;
    }
    world.clock.advance(Span::days(30));
    for day in [27, 24, 21, 18, 15, 12, 9, 6, 3, 2] {
        let mut sign_in = ANA.sign_in_at_home(&world.ago(Span::days(day)));
        sign_in["system"] = json!("iOS");
        sign_in["network"]["asn"] = json!(21_928);
        assert!(!world.behaviour(sign_in).await);
    }
    world.pump().await;
    let phone = with(AT_HOME, &[("cloudfront-viewer-asn", "21928"), ("sec-ch-ua-platform", r#""iOS""#)]);
    let dallas = with(
        &phone,
        &[
            ("cloudfront-viewer-address", "198.18.44.5:4000"),
            ("cloudfront-viewer-country-region-name", "Texas"),
            ("cloudfront-viewer-city", "Dallas"),
            ("cloudfront-viewer-latitude", "32.78"),
            ("cloudfront-viewer-longitude", "-96.80"),
        ],
    );
    let mut decisions = Vec::new();
    for (key, headers) in [("home", &phone), ("dallas", &dallas)] {
        let asked = world.ask_from(&ANA, headers, key, &ANA.sim_swap(&iccid(1))).await;
        assert_eq!(asked.status, 201, "{}", asked.body);
        let change = asked.text("change_id");
        let requested = audit(&world, &ANA).await.requested(&change).clone();
        assert_eq!(requested.decision.band, Band::Low, "{key}: {:?}", requested.decision);
        decisions.push(requested.need);
        world.cancel(&ANA, &change).await;
    }
    assert_eq!(decisions[0], decisions[1]);
}

async fn probability(world: &World, change: &str) -> u32 {
    audit(world, &ANA).await.requested(change).decision.probability_ppm.unwrap()
}

#[tokio::test]
async fn a_request_is_counted_where_others_are_and_weighs_in_the_next_one() {
    let world = ana().await;
    world.customer(&BEA).await;
    let eid = "89049032123451234512345678901235";
    let swap = |person: &Person, n| json!({"kind": "sim_swap", "line_id": person.line, "sim": {"iccid": iccid(n), "eid": eid}});
    let first = world.ask(&ANA, "first", &swap(&ANA, 1)).await.text("change_id");
    let alone = probability(&world, &first).await;
    world.cancel(&ANA, &first).await;
    world.ask_from(&BEA, IN_CALIFORNIA, "bea", &swap(&BEA, 2)).await;
    world.pump().await;
    let second = world.ask(&ANA, "second", &swap(&ANA, 1)).await.text("change_id");
    let after = probability(&world, &second).await;
    assert!(after > alone, "another line goes to the same chip: {after} after {alone}");
    let counters = world.items(linekeeper_tests::world::STATE).await;
    assert!(counters.iter().any(|item| item["pk"].as_s().unwrap().starts_with("v1#MEET#handset#")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_accounts_counted_at_once_at_one_address_none_is_lost() {
    let world = Arc::new(World::new().await);
    let met = BTreeMap::from([(Meeting::Address, WideMark(7)), (Meeting::Device, WideMark(8))]);
    let these = met.clone();
    let count = move |world: Arc<World>, n: usize| {
        let met = these.clone();
        async move {
            let line = WideMark(u64::try_from(n).unwrap());
            // Where others were faster the queue or the stream brings it again.
            while world.shell.store.count(&met, line, world.clock.now()).await.is_err() {}
        }
    };
    together(CALLERS, &world, count).await;
    let counted = world.shell.store.read_counters(&met).await.unwrap();
    let others = |meeting| match counted.of(meeting) {
        Signal::Present(counter) => Counter::others(counter, WideMark(999), world.clock.now(), Span::hours(1)),
        Signal::Absent | Signal::Unavailable => panic!("{meeting:?} is unread"),
    };
    assert_eq!(others(Meeting::Address), u32::try_from(CALLERS).unwrap());
    assert_eq!(others(Meeting::Device), 24, "a part tells so many apart");
}

#[tokio::test]
async fn i4_with_a_model_that_cannot_be_used_what_moves_the_line_waits_and_what_stops_it_does_not() {
    let mut world = ana().await;
    let benign = world.ask(&ANA, "benign", &ANA.sim_swap(&iccid(1))).await;
    assert!(benign.body["hold_until"].is_null(), "{}", benign.body);
    world.cancel(&ANA, &benign.text("change_id")).await;
    let gone = |name: &str| (name == "RISK_MODEL").then(|| "no/such/model.json".to_owned());
    world.intake.risk = Arc::new(Risk::new(world.keys.clone(), gone));
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    assert!(asked.body["hold_until"].is_string(), "{}", asked.body);
    let change = asked.text("change_id");
    let decision = audit(&world, &ANA).await.requested(&change).decision.clone();
    assert_eq!((decision.band, decision.probability_ppm, decision.model.as_str()), (Band::Unavailable, None, "none"));
    assert!(decision.reasons.contains(&Reason::ScoreUnavailable));
    assert_eq!(world.cancel(&ANA, &change).await.status, 200);
}

#[tokio::test]
async fn i4_past_the_edge_nothing_is_scored_and_what_moves_the_line_waits() {
    let world = ana().await;
    let past = with(AT_HOME, &[("x-linekeeper-edge", "guessed")]);
    let asked = world.ask_from(&ANA, &past, "k", &ANA.sim_swap(&iccid(1))).await;
    assert!(asked.body["hold_until"].is_string(), "{}", asked.body);
    let decision = audit(&world, &ANA).await.requested(&asked.text("change_id")).decision.clone();
    assert_eq!((decision.band, decision.probability_ppm), (Band::Unavailable, None));
}

#[tokio::test]
async fn a_second_model_is_recorded_and_decides_nothing() {
    let mut world = ana().await;
    // One that takes everything for an attack.
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/risk-training/model/model.json");
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(committed).unwrap()).unwrap();
    file["model"]["channels"]["online"]["bands"] =
        json!([-1_000_000_000_000_i64, -1_000_000_000_000_i64, -1_000_000_000_000_i64]);
    let alarmed = std::env::temp_dir().join(format!("linekeeper-shadow-{}.json", std::process::id()));
    std::fs::write(&alarmed, seal(&file["model"].to_string())).unwrap();
    let path = alarmed.display().to_string();
    let shadow = |name: &str| (name == "RISK_SHADOW_MODEL").then(|| path.clone());
    let mut told = Vec::new();
    for (key, risk) in [("alone", None), ("watched", Some(shadow))] {
        if let Some(shadow) = risk {
            world.intake.risk = Arc::new(Risk::new(world.keys.clone(), shadow));
        }
        let change = world.ask(&ANA, key, &ANA.sim_swap(&iccid(1))).await.text("change_id");
        told.push(audit(&world, &ANA).await.requested(&change).decision.clone());
        world.cancel(&ANA, &change).await;
    }
    let [alone, watched] = &told[..] else { panic!("two were asked for") };
    let shadow = watched.shadow.clone().expect("it was recorded");
    assert_eq!((shadow.band, watched.band), (Band::Severe, Band::Low));
    assert_eq!((alone.shadow.is_none(), alone.outcome, alone.band), (true, watched.outcome, watched.band));
    std::fs::remove_file(alarmed).unwrap();
}

/// An analyst's reasons would teach a thief what to hide.
#[tokio::test]
async fn who_asks_sees_neither_probability_nor_reasons() {
    let world = ana().await;
    let asked = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await;
    let change = asked.text("change_id");
    let decision = audit(&world, &ANA).await.requested(&change).decision.clone();
    assert!(!decision.reasons.is_empty() && decision.probability_ppm.is_some());
    let list = world.call(Some(&linekeeper_tests::world::customer(&ANA)), "GET", "/v1/changes", AT_HOME, None).await.body;
    for shown in [asked.body, world.change(&ANA, &change).await, list] {
        assert_eq!(said(&shown, &decision.reasons), Vec::<&str>::new(), "{shown}");
    }
}

fn said<'a>(shown: &Value, reasons: &[Reason]) -> Vec<&'a str> {
    let text = shown.to_string();
    let words = reasons.iter().map(|reason| reason.word()).chain(["ppm", "probability", "ga2m", "\"band\""]);
    words.filter(|word| text.contains(word)).collect()
}

#[tokio::test]
async fn a_profile_holds_hashes_and_no_address_device_or_place() {
    let world = ana().await;
    world.behaviour(ANA.sign_in_at_home(&world.now())).await;
    let account = AccountId::parse(ANA.account).unwrap();
    let profile = world.whole(&ANA).await.profile;
    let bytes = profile.present().unwrap().encode();
    assert!(bytes.len() <= 1_024, "{}", bytes.len());
    for text in ["laptop-of", "Florida", "Windows", "en-US", account.as_str()] {
        assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
    }
    assert!(!bytes.windows(4).any(|window| window == [198, 51, 100, 7] || window == 7_922_u32.to_le_bytes()));
    let again = World::new().await;
    again.customer(&ANA).await;
    assert_ne!(again.whole(&ANA).await.profile, profile, "another key, other hashes");
}
