//! Keys that are changed while things made by the one before are in flight: codes, links and authorizations stay good.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use linekeeper_platform::keys::Ring;
use linekeeper_tests::people::{ANA, IN_CALIFORNIA};
use linekeeper_tests::world::ISSUER;
use linekeeper_tests::{Call, Keys, World, iccid};
use serde_json::Value;

/// A key that is given up and the one that takes its place, and what is to be done with them.
struct Change {
    old: Arc<Keys>,
    new: Arc<Keys>,
}

impl Change {
    /// Makes with the old key; nothing knows of the new one yet.
    async fn begin() -> (World, Self) {
        let mut world = World::new().await;
        let old = Arc::new(Keys::new(world.tap.clone()).named("old"));
        let new = Arc::new(Keys::new(world.tap.clone()).named("new"));
        world.rekey(&old);
        world.customer(&ANA).await;
        (world, Self { old, new })
    }

    fn ring(&self) -> Arc<Ring<Arc<Keys>>> {
        Arc::new(Ring::new(self.new.clone(), vec![self.old.clone()]))
    }

    /// The new key makes, and what the old one made is good.
    fn happens(&self, world: &mut World) {
        world.issue.mac = self.new.clone();
        world.verify.check = self.ring();
        world.ports.check = self.ring();
        world.notify.signer = self.new.clone();
        world.intake.key = self.ring();
    }
}

/// A SIM swap asked for at home with a code on its way: change, challenge, code.
async fn sent(world: &World, key: &str) -> (String, String, String) {
    let asked = world.ask(&ANA, key, &ANA.sim_swap(&iccid(1))).await;
    let change = asked.text("change_id");
    let challenge = world.challenge(&ANA, &change, "push_otp").await;
    assert_eq!(challenge.status, 201, "{}", challenge.body);
    (change, challenge.text("challenge_id"), world.inbox.code())
}

#[tokio::test]
async fn a_code_sent_before_the_mac_key_changed_still_works() {
    let (mut world, change) = Change::begin().await;
    let (id, challenge, code) = sent(&world, "k").await;
    change.happens(&mut world);
    world.tap.begin(None);
    assert_eq!(world.answer(&ANA, &id, &challenge, &code).await.status, 200);
    assert_eq!(world.tap.count(Call::Kms), 2, "the key in use, and then the one before");
}

#[tokio::test]
async fn a_code_of_the_new_key_costs_one_call_while_keys_change_and_a_wrong_one_stays_wrong() {
    let (mut world, change) = Change::begin().await;
    change.happens(&mut world);
    let (id, challenge, code) = sent(&world, "k").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(world.answer(&ANA, &id, &challenge, wrong).await.problem(), "code-wrong");
    world.tap.begin(None);
    assert_eq!(world.answer(&ANA, &id, &challenge, &code).await.status, 200);
    assert_eq!(world.tap.count(Call::Kms), 1);
}

#[tokio::test]
async fn a_code_of_a_key_that_is_gone_is_wrong() {
    let (mut world, change) = Change::begin().await;
    let (id, challenge, code) = sent(&world, "k").await;
    world.verify.check = Arc::new(Ring::new(change.new.clone(), Vec::new()));
    assert_eq!(world.answer(&ANA, &id, &challenge, &code).await.problem(), "code-wrong");
}

#[tokio::test]
async fn a_link_signed_by_the_previous_key_still_stops_the_change() {
    let (mut world, change) = Change::begin().await;
    let asked = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(2))).await;
    world.pump().await;
    let link = world.inbox.link_token();
    change.happens(&mut world);
    let tapped = world.not_me(&link).await;
    assert_eq!(tapped.status, 200, "{}", tapped.body);
    assert_eq!(world.change(&ANA, &asked.text("change_id")).await["status"], "cancelled");
    // Once it is gone for good, the link says to use the app.
    world.intake.key = change.new.clone();
    assert_eq!(world.not_me(&link).await.problem(), "unauthenticated");
}

#[tokio::test]
async fn an_authorization_of_the_previous_key_verifies_by_the_published_keys() {
    let (mut world, change) = Change::begin().await;
    let mut signed = Vec::new();
    for (key, done) in [("before", false), ("after", true)] {
        if done {
            change.happens(&mut world);
        }
        let asked = world.ask(&ANA, key, &ANA.sim_swap(&iccid(1))).await;
        let id = asked.text("change_id");
        world.prove(&ANA, &id, "push_otp").await;
        world.pump().await;
        let authorization = world.topic.authorizations().pop().unwrap();
        world.cancel(&ANA, &id).await;
        signed.push((if done { "new" } else { "old" }, authorization));
    }
    assert_ne!(signed[0].1, signed[1].1);

    let published = world.call(None, "GET", "/.well-known/jwks.json", &[], None).await;
    assert_eq!(published.status, 200, "{}", published.body);
    let set: JwkSet = serde_json::from_value(published.body).unwrap();
    assert_eq!(set.keys.len(), 2);
    for (kid, authorization) in signed {
        let header = jsonwebtoken::decode_header(&authorization).unwrap();
        assert_eq!(header.kid.as_deref(), Some(kid));
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[ISSUER]);
        // The clock of these tests is not the machine's.
        validation.validate_exp = false;
        let key = DecodingKey::from_jwk(set.find(kid).unwrap()).unwrap();
        jsonwebtoken::decode::<Value>(&authorization, &key, &validation).unwrap();
    }
}
