//! What the stories share: a customer with everything enrolled, callers on a barrier, counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use linekeeper_domain::config::Settings;
use linekeeper_tests::World;
pub(crate) use linekeeper_tests::enrol::{
    add_key, add_paper, add_passkey, add_totp, days_pass, factor_id, opened, proven, sent, set_up,
};
use linekeeper_tests::people::{ANA, Person};
pub(crate) use linekeeper_tests::race::{CALLERS, tally, together};
use linekeeper_tests::world::STATE;

/// How many codes were sent.
pub(crate) fn codes(world: &World) -> usize {
    world.inbox.all().iter().filter(|mail| mail.code().is_some()).count()
}

/// A code that is not this one.
pub(crate) fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

fn shown(value: &AttributeValue) -> String {
    match (value.as_m(), value.as_l()) {
        (Ok(map), _) => {
            let sorted: BTreeMap<&String, String> = map.iter().map(|(name, value)| (name, shown(value))).collect();
            format!("{sorted:?}")
        }
        (_, Ok(list)) => format!("{:?}", list.iter().map(shown).collect::<Vec<_>>()),
        (Err(_), Err(_)) => format!("{value:?}"),
    }
}

/// Everything stored, to see that nothing moved.
pub(crate) async fn stored(world: &World) -> Vec<String> {
    let items = world.items(STATE).await.into_iter();
    let mut all: Vec<String> = items.map(|item| shown(&AttributeValue::M(item))).collect();
    all.sort();
    all
}

/// A world with a customer in it.
pub(crate) async fn ana_with(settings: Settings) -> Arc<World> {
    let world = World::with(settings).await;
    world.customer(&ANA).await;
    Arc::new(world)
}

pub(crate) async fn ana() -> Arc<World> {
    ana_with(Settings::default()).await
}

/// Why a factor is not offered for a change; nothing where it is.
pub(crate) async fn why_not(world: &World, person: &Person, change: &str, factor: &str) -> String {
    let view = world.change(person, change).await;
    let not_offered = view["not_offered"].as_array().cloned().unwrap_or_default();
    let found = not_offered.iter().find(|not| not["factor"] == factor).map(|not| not["why"].as_str().unwrap().to_owned());
    let offered = view["factors"].as_array().unwrap().iter().any(|offered| offered["factor"] == factor);
    assert!(offered != found.is_some(), "{view}");
    found.unwrap_or_default()
}

/// A customer like Ana under another name: as many as needed.
pub(crate) fn somebody(n: usize, msisdn: String) -> Person {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let push = format!("arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/some{n}");
    Person {
        account: leak(format!("acct-{n}")),
        line: leak(format!("line-{n}")),
        msisdn: leak(msisdn),
        iccid: leak(linekeeper_tests::iccid(u32::try_from(500 + n).unwrap())),
        email: leak(format!("some{n}@example.com")),
        push: leak(push),
    }
}
