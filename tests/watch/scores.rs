//! Scores as they are counted: band, bin, and the signals that stayed out.

use linekeeper_domain::kinds::Band;
use linekeeper_domain::risk::bins;
use linekeeper_domain::risk::event::Door;
use linekeeper_tests::people::{ANA, AT_HOME, IN_CALIFORNIA};
use linekeeper_tests::{iccid, log};
use serde_json::json;

use crate::{alone, ana, counted, once, stored, with};

#[tokio::test]
async fn every_scored_request_is_counted_once_by_band_and_by_bin() {
    let _alone = alone().await;
    let world = ana().await;
    let mut bands = Vec::new();
    for (key, headers) in [("home", AT_HOME), ("california", IN_CALIFORNIA)] {
        let mark = log::mark();
        let asked = world.ask_from(&ANA, headers, key, &ANA.sim_swap(&iccid(1))).await;
        // The same again is the same request.
        world.ask_from(&ANA, headers, key, &ANA.sim_swap(&iccid(1))).await;
        let decision = stored(&world, &asked).await.decision;
        assert_eq!(counted(mark, "Scores"), once(&[decision.band.word()]));
        let bin = bins::word(Door::Online, decision.probability_ppm);
        assert_eq!(counted(mark, "ScoreBins"), once(&[bin]));
        assert_eq!(counted(mark, "OnlineRequests"), once(&["online"]));
        bands.push((decision.band, bin));
        world.cancel(&ANA, &asked.text("change_id")).await;
    }
    assert!(bands[0].0 < bands[1].0 && bands[0].1 < bands[1].1, "{bands:?}");
}

#[tokio::test]
async fn what_the_care_desk_asks_for_has_its_own_bins_and_misses_no_signals() {
    let _alone = alone().await;
    let world = ana().await;
    let mark = log::mark();
    let store = linekeeper_tests::world::representative("store");
    world.desk_asks(&store, &ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    let bins = counted(mark, "ScoreBins");
    assert!(bins.len() == 1 && bins.keys().all(|bin| bin.starts_with("care_")), "{bins:?}");
    assert!(counted(mark, "OnlineRequests").is_empty() && counted(mark, "MissingSignals").is_empty());
}

#[tokio::test]
async fn a_score_for_another_system_is_counted_too() {
    let _alone = alone().await;
    let world = ana().await;
    let mark = log::mark();
    let question = json!({"score": {"account_id": ANA.account, "line_id": ANA.line}});
    let score = world.risk.handle(serde_json::from_value(question).unwrap()).await.unwrap();
    let band = serde_json::to_value(score).unwrap()["band"].as_str().unwrap().to_owned();
    assert_eq!(counted(mark, "Scores"), once(&[band.as_str()]));
    assert_eq!(counted(mark, "ScoreBins").len(), 1);
}

#[tokio::test]
async fn a_signal_that_stays_out_is_counted_by_its_name_and_an_edge_that_is_not_believed_by_all_of_its_own() {
    let _alone = alone().await;
    let world = ana().await;
    let without = |lost: &str| AT_HOME.iter().copied().filter(|(name, _)| *name != lost).collect::<Vec<_>>();
    let edge = ["address", "asn", "country", "position", "region"];
    for (key, headers, missing) in [
        ("whole", AT_HOME.to_vec(), &[][..]),
        ("asn", without("cloudfront-viewer-asn"), &["asn"]),
        ("device", without("x-linekeeper-device"), &["device"]),
        ("clock", with(AT_HOME, &[("x-linekeeper-utc-offset", "noon")]), &["utc_offset"]),
        ("edge", without("x-linekeeper-edge"), &edge),
    ] {
        let mark = log::mark();
        let asked = world.ask_from(&ANA, &headers, key, &ANA.sim_swap(&iccid(1))).await;
        assert_eq!(counted(mark, "MissingSignals"), once(missing), "{key}");
        let is_edge = key == "edge";
        assert_eq!(stored(&world, &asked).await.decision.band == Band::Unavailable, is_edge);
        assert_eq!(counted(mark, "ScoreBins").contains_key("online_none"), is_edge);
        world.cancel(&ANA, &asked.text("change_id")).await;
    }
}
