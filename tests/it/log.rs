//! What is logged. That no test logs a secret is checked where every [`World`] ends.

use linekeeper_tests::log::{leak, written};
use linekeeper_tests::people::ANA;
use linekeeper_tests::{World, iccid};

#[tokio::test]
async fn a_whole_path_is_logged_and_counted_without_a_secret() {
    let world = World::new().await;
    world.customer(&ANA).await;
    world.inbox.down(&["sms"]);
    let asked = world.ask(&ANA, "k1", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    world.prove(&ANA, &asked.text("change_id"), "push_otp").await;
    world.pump().await;
    let log = written();
    assert!(log.contains("\"Decisions\":1") && log.contains("a channel did not accept a notice"), "{log}");
}

#[tokio::test]
async fn what_slips_into_a_log_line_is_masked_by_the_last_line_of_defence() {
    let world = World::new().await;
    tracing::warn!(number = ANA.msisdn, mail = ANA.email, text = "your code\n\n@my.carrier.example #123456", "careless");
    let log = written();
    assert!(log.contains("careless"));
    let secrets = [ANA.msisdn, ANA.email, "123456"].map(str::to_owned);
    assert_eq!(leak(&log, &secrets), None, "{log}");
    drop(world);
}

#[test]
fn the_search_finds_what_it_is_for() {
    let secrets = ["123456".to_owned(), ANA.msisdn.to_owned()];
    assert_eq!(leak("code 123456.", &secrets), Some("123456"));
    assert_eq!(leak("at 1234567890", &secrets), None);
    assert_eq!(leak("to +13055550123", &secrets), Some(ANA.msisdn));
}
