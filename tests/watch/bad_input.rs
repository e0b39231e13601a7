//! What cannot be: it is unavailable and counted, nothing panics, and it never lowers what a request needs (I4).

use std::sync::Arc;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use linekeeper_domain::change::Change;
use linekeeper_domain::kinds::{Band, Reason};
use linekeeper_domain::risk::model::seal;
use linekeeper_domain::time::Span;
use linekeeper_platform::risk::Risk;
use linekeeper_tests::people::{ANA, AT_HOME, IN_CALIFORNIA};
use linekeeper_tests::world::{STATE, customer, representative};
use linekeeper_tests::{World, iccid, log};
use serde_json::{Value, json};

use crate::{alone, ana, counted, stored, with};

/// A SIM swap asked for with these headers, as it was decided. It is stopped again.
async fn asked(world: &World, key: &str, headers: &[(&str, &str)]) -> Change {
    let asked = world.ask_from(&ANA, headers, key, &ANA.sim_swap(&iccid(1))).await;
    let change = stored(world, &asked).await;
    assert_eq!(world.cancel(&ANA, &asked.text("change_id")).await.status, 200);
    change
}

/// What is needed is no less; where there is a score, neither its band nor its probability is lower.
fn assert_no_lower(change: &Change, benign: &Change, what: &str) {
    let (this, that) = (&change.decision, &benign.decision);
    assert!(change.need.at_least(&benign.need), "{what}: {:?} under {:?}", change.need, benign.need);
    assert!(this.band == Band::Unavailable || this.band >= that.band, "{what}: {this:?} under {that:?}");
    if let (Some(ppm), Some(least)) = (this.probability_ppm, that.probability_ppm) {
        assert!(ppm >= least, "{what}: {ppm} under {least}");
    }
}

#[tokio::test]
async fn headers_that_cannot_be_are_missing_counted_and_never_lower_the_score() {
    let _alone = alone().await;
    let long = "x".repeat(10_240);
    let quoted = format!("\"{long}\"");
    let brands = format!("\"{long}\";v=\"1\"");
    let many = format!("\"{}\";v=\"1\", ", "y").repeat(1_000);
    let (latitude, longitude) = ("cloudfront-viewer-latitude", "cloudfront-viewer-longitude");
    let cases: [(&str, &[(&str, &str)]); 19] = [
        ("position", &[(latitude, "95")]),
        ("position", &[(longitude, "-180.01")]),
        ("position", &[(latitude, "NaN"), (longitude, "inf")]),
        ("position", &[(latitude, "1e400")]),
        ("position", &[(latitude, "")]),
        ("address", &[("cloudfront-viewer-address", "999.1.1.1:80")]),
        ("address", &[("cloudfront-viewer-address", "null")]),
        ("asn", &[("cloudfront-viewer-asn", "-1")]),
        ("asn", &[("cloudfront-viewer-asn", "null")]),
        ("asn", &[("cloudfront-viewer-asn", "99999999999999999999")]),
        ("country", &[("cloudfront-viewer-country", &long)]),
        ("region", &[("cloudfront-viewer-country-region-name", &long)]),
        ("browser", &[("sec-ch-ua", &brands)]),
        ("browser", &[("sec-ch-ua", &long)]),
        ("system", &[("sec-ch-ua-platform", &quoted)]),
        ("language", &[("accept-language", &long)]),
        ("utc_offset", &[("x-linekeeper-utc-offset", "100000")]),
        ("utc_offset", &[("x-linekeeper-utc-offset", "null")]),
        ("device", &[("x-linekeeper-device", &long)]),
    ];
    let world = ana().await;
    let benign = asked(&world, "benign", AT_HOME).await;
    for (n, (missing, changed)) in cases.into_iter().enumerate() {
        let mark = log::mark();
        let change = asked(&world, &format!("k{n}"), &with(AT_HOME, changed)).await;
        assert_eq!(counted(mark, "MissingSignals").get(missing), Some(&1), "{missing} {n}");
        assert_no_lower(&change, &benign, &format!("{missing} {n}"));
    }
    // The browser's own line is not looked at, however long.
    for (n, changed) in [("user-agent", &long), ("sec-ch-ua", &many)].into_iter().enumerate() {
        let change = asked(&world, &format!("ua{n}"), &with(AT_HOME, &[(changed.0, changed.1.as_str())])).await;
        assert_no_lower(&change, &benign, changed.0);
    }
}

/// Sign-ins as no system sends them, from where the thief is.
fn odd_sign_ins(world: &World) -> Vec<(&'static str, Value)> {
    let long = "x".repeat(10_240);
    let record = |change: &dyn Fn(&mut Value)| {
        let mut record = ANA.sign_in_of_a_thief(&world.now());
        change(&mut record);
        record
    };
    let mut cases = vec![
        (
            "nulls",
            record(&|record| {
                for name in ["device", "system", "browser", "language", "utc_offset", "network"] {
                    record[name] = Value::Null;
                }
            }),
        ),
        (
            "nulls in the network",
            record(&|record| {
                record["network"].as_object_mut().unwrap().values_mut().for_each(|value| *value = Value::Null);
            }),
        ),
        ("no shown", record(&|record| record["shown"] = Value::Null)),
    ];
    for (latitude, longitude) in
        [(json!(95), json!(0)), (json!(0), json!(-181)), (json!(1e300), json!(-1e300)), (json!(25.7), Value::Null)]
    {
        cases.push((
            "impossible coordinates",
            record(&|record| {
                record["network"]["latitude"] = latitude.clone();
                record["network"]["longitude"] = longitude.clone();
            }),
        ));
    }
    for name in ["device", "system", "browser", "model", "language"] {
        cases.push(("ten kilobytes", record(&|record| record[name] = json!(long))));
    }
    cases.push(("an address of nowhere", record(&|record| record["network"]["address"] = json!("1.2.3.4.5"))));
    cases.push(("a clock of nowhere", record(&|record| record["utc_offset"] = json!(100_000))));
    cases
}

#[tokio::test]
async fn behaviour_that_cannot_be_is_taken_for_what_can_and_never_lowers_what_a_thief_needs() {
    let _alone = alone().await;
    for at in 0..odd_sign_ins(&World::new().await).len() {
        let world = ana().await;
        let benign = asked(&world, "benign", IN_CALIFORNIA).await;
        let (what, record) = odd_sign_ins(&world).swap_remove(at);
        let mark = log::mark();
        assert!(!world.behaviour(record).await, "{what} {at}");
        assert_eq!(counted(mark, "Records").get("done"), Some(&1), "{what} {at}");
        assert!(world.whole(&ANA).await.profile.present().is_some());
        // A sign-in has shown a password, which may move the probability within its band; what is needed it may not.
        let change = asked(&world, "k", IN_CALIFORNIA).await;
        assert!(change.need.at_least(&benign.need), "{what}: {:?} under {:?}", change.need, benign.need);
        assert!(change.decision.band >= benign.decision.band, "{what}: {:?}", change.decision);
    }
}

#[tokio::test]
async fn behaviour_of_an_unknown_channel_or_type_is_put_aside_named_and_counted() {
    let _alone = alone().await;
    let world = ana().await;
    let seq = world.whole(&ANA).await.profile_seq;
    for (record, reason) in [
        (json!({"id": "1", "at": world.now(), "account_id": ANA.account, "type": "telepathy", "ok": true}), "malformed"),
        (
            json!({"id": "1", "at": world.now(), "account_id": ANA.account, "type": "sign_in", "ok": true, "shown": "charm"}),
            "malformed",
        ),
        (json!({"id": "1", "at": world.now(), "account_id": ANA.account, "type": null}), "malformed"),
        (json!({"id": "1", "at": (world.ago(Span::days(200))), "account_id": ANA.account, "type": "device_seen"}), "too-old"),
    ] {
        let mark = log::mark();
        assert!(!world.behaviour(record).await);
        assert_eq!(counted(mark, "Records").get(reason), Some(&1), "{reason}");
    }
    assert_eq!(world.dead.all().len(), 4);
    assert_eq!(world.whole(&ANA).await.profile_seq, seq, "nothing was learnt");
}

#[tokio::test]
async fn who_comes_by_an_unknown_channel_is_turned_away_and_not_scored() {
    let _alone = alone().await;
    let world = ana().await;
    let entries = world.ledger(&ANA, &World::subject(&ANA)).await.len();
    let contact = world.desk_begin(&representative("phone"), &ANA, "change").await.text("contact_id");
    let mark = log::mark();
    for channel in ["fax", "", "pwa", "porting", "PHONE", "phone ", &"p".repeat(10_240)] {
        let asked = world.desk(&representative(channel), &contact, "changes", &json!({"kind": "number_change"})).await;
        assert_eq!(asked.problem(), "forbidden", "{channel}: {}", asked.body);
    }
    assert!(counted(mark, "Scores").is_empty());
    assert_eq!(world.ledger(&ANA, &World::subject(&ANA)).await.len(), entries);
}

/// The machine that wrote the profile was ahead, or this one was corrected.
#[tokio::test]
async fn a_clock_that_runs_backwards_never_lowers_what_is_needed() {
    let _alone = alone().await;
    for back in [Span::seconds(1), Span::minutes(4), Span::hours(6), Span::days(20)] {
        for headers in [AT_HOME, IN_CALIFORNIA] {
            let world = ana().await;
            let benign = asked(&world, "benign", headers).await;
            world.pump().await;
            world.clock.set_back(back);
            assert_no_lower(&asked(&world, "k", headers).await, &benign, &format!("{back} back"));
        }
    }
    // And what is heard in the wrong order: the older last, and again.
    let world = ana().await;
    let benign = asked(&world, "benign", IN_CALIFORNIA).await;
    for hours in [1, 30, 2, 80, 1] {
        assert!(!world.behaviour(ANA.sign_in_at_home(&world.ago(Span::hours(hours)))).await);
    }
    assert_no_lower(&asked(&world, "k", IN_CALIFORNIA).await, &benign, "out of order");
}

async fn profile(world: &World) -> Vec<u8> {
    let items = world.items(STATE).await;
    let item = items.into_iter().find(|item| item["sk"] == AttributeValue::S("PROFILE".to_owned())).unwrap();
    item["body"].as_b().unwrap().clone().into_inner()
}

async fn put_profile(world: &World, bytes: Vec<u8>) {
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let update = world.client.update_item().table_name(STATE).key("pk", key(&format!("v1#{}", ANA.account)));
    let update = update.key("sk", key("PROFILE")).update_expression("SET body = :body");
    update.expression_attribute_values(":body", AttributeValue::B(Blob::new(bytes))).send().await.unwrap();
}

#[tokio::test]
async fn a_profile_that_was_cut_or_altered_is_unavailable_and_holds_what_moves_the_line_and_nothing_else() {
    let _alone = alone().await;
    let world = ana().await;
    let whole = profile(&world).await;
    let benign = asked(&world, "benign", AT_HOME).await;
    let mut cases: Vec<Vec<u8>> = [0, 1, 4, whole.len() / 2, whole.len() - 1].map(|length| whole[..length].to_vec()).to_vec();
    for at in [0, 3, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        let mut altered = whole.clone();
        altered[at] ^= 1;
        cases.push(altered);
    }
    cases.push([whole.clone(), vec![0]].concat());
    cases.push(vec![0xff; 4_096]);
    for (n, bytes) in cases.into_iter().enumerate() {
        put_profile(&world, bytes).await;
        let mark = log::mark();
        let change = asked(&world, &format!("k{n}"), AT_HOME).await;
        assert_eq!((change.decision.band, change.decision.probability_ppm), (Band::Unavailable, None), "{n}");
        assert!(change.decision.reasons.contains(&Reason::ScoreUnavailable) && change.hold_until.is_some(), "{n}");
        assert_no_lower(&change, &benign, &n.to_string());
        assert_eq!(counted(mark, "Scores").get("unavailable"), Some(&1), "{n}");
    }
    // What can be undone is asked to be proven, and nobody is refused or left waiting.
    let body = json!({"kind": "authorized_user", "user": "u_1"});
    let reversible = world.ask(&ANA, "user", &body).await;
    assert!(reversible.status == 201 && reversible.body["hold_until"].is_null(), "{}", reversible.body);
    // The next visit begins another profile, which vouches for nobody yet.
    assert!(!world.behaviour(ANA.sign_in_at_home(&world.now())).await);
    assert!(asked(&world, "after", AT_HOME).await.decision.band >= Band::Elevated);
}

#[tokio::test]
async fn a_model_that_was_cut_altered_or_breaks_a_law_is_named_and_holds_what_moves_the_line() {
    let _alone = alone().await;
    let mut world = ana().await;
    let benign = asked(&world, "benign", AT_HOME).await;
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/risk-training/model/model.json");
    let text = std::fs::read_to_string(committed).unwrap();
    let mut lawless: Value = serde_json::from_str(&text).unwrap();
    lawless["model"]["channels"]["online"]["bands"] = json!([3, 2, 1]);
    let path = std::env::temp_dir().join(format!("linekeeper-bad-model-{}.json", std::process::id()));
    let named = path.display().to_string();
    for (n, (file, why)) in [
        (String::new(), "no model file, or cut short"),
        (text[..text.len() / 2].to_owned(), "no model file, or cut short"),
        (text[..text.len() - 1].to_owned(), "no model file, or cut short"),
        (text.replacen("ga2m", "ga2n", 1), "the model's hash is not the one in the file"),
        (text.replacen("\"base\":", "\"base\":1", 1), "the model's hash is not the one in the file"),
        (seal(&lawless["model"].to_string()), "calibration or bands that do not ascend"),
        (seal("{}"), "the model cannot be read"),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(&path, file).unwrap();
        let mark = log::mark();
        world.intake.risk = Arc::new(Risk::new(world.keys.clone(), |name| (name == "RISK_MODEL").then(|| named.clone())));
        let said = log::since(mark);
        assert!(said.contains("a risk model cannot be used") && said.contains(why), "{why}: {said}");
        let change = asked(&world, &format!("k{n}"), AT_HOME).await;
        assert_eq!((change.decision.band, change.decision.model.as_str()), (Band::Unavailable, "none"), "{why}");
        assert!(change.hold_until.is_some(), "{why}");
        assert_no_lower(&change, &benign, why);
        assert_eq!(counted(mark, "Scores").get("unavailable"), Some(&1), "{why}");
    }
    std::fs::remove_file(path).unwrap();
    // Neither who asks nor who is told hears of it.
    let shown = world.call(Some(&customer(&ANA)), "GET", "/v1/changes", &[], None).await.body.to_string();
    world.pump().await;
    let told: Vec<String> = world.inbox.all().into_iter().map(|mail| mail.text.long).collect();
    for text in told.iter().chain([&shown]) {
        assert!(!text.contains("SCORE_UNAVAILABLE") && !text.contains("model"), "{text}");
    }
}
