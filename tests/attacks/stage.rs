//! What the stories share: a customer with everything enrolled, callers on a barrier, counts.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use linekeeper_domain::config::Settings;
use linekeeper_domain::time::Span;
use linekeeper_tests::people::{ANA, Person};
use linekeeper_tests::world::{ORIGIN, STATE};
use linekeeper_tests::{Answer, App, DeviceKey, Phone, Session, World};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::Barrier;

/// How many callers a race has.
pub(crate) const CALLERS: usize = 32;

/// So many callers that start together, each on a thread of its own, and what each got.
pub(crate) async fn together<T: Send + 'static, F: Future<Output = T>>(
    callers: usize,
    world: &Arc<World>,
    work: impl Fn(Arc<World>, usize) -> F + Clone + Send + 'static,
) -> Vec<T> {
    let barrier = Arc::new(Barrier::new(callers));
    let started: Vec<_> = (0..callers)
        .map(|n| {
            let (world, barrier, work, runtime) = (world.clone(), barrier.clone(), work.clone(), Handle::current());
            tokio::task::spawn_blocking(move || {
                runtime.block_on(async move {
                    barrier.wait().await;
                    work(world, n).await
                })
            })
        })
        .collect();
    let mut results = Vec::new();
    for caller in started {
        results.push(caller.await.unwrap());
    }
    results
}

/// How often each answer was given.
pub(crate) fn tally(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let name = if answer.status < 300 { answer.status.to_string() } else { answer.problem().to_owned() };
        *tally.entry(name).or_insert(0) += 1;
    }
    tally
}

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

/// Asks for a change that must be taken, and has it told. Its id.
pub(crate) async fn opened(world: &World, session: &Session, key: &str, body: &Value) -> String {
    let asked = world.ask_as(session, key, body).await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    assert!(world.pump().await);
    asked.text("change_id")
}

/// Asks for a code that must be sent: challenge and code.
pub(crate) async fn sent(world: &World, session: &Session, change: &str, factor: &str) -> (String, String) {
    let challenge = world.challenge_as(session, change, factor).await;
    assert_eq!(challenge.status, 201, "{}", challenge.body);
    (challenge.text("challenge_id"), world.inbox.code())
}

/// Proves a change by a code that is sent.
pub(crate) async fn proven(world: &World, session: &Session, change: &str, factor: &str) -> Answer {
    let (challenge, code) = sent(world, session, change, factor).await;
    world.answer_as(session, change, &challenge, &json!({"code": code})).await
}

/// A change that adds a factor, told and proven by a code in the app; only the set-up is left.
pub(crate) async fn adding(world: &World, session: &Session, factor: &str) -> String {
    let body = json!({"kind": "factor_add", "factor": factor});
    let change = opened(world, session, &format!("add-{factor}-{}", world.now()), &body).await;
    let answer = proven(world, session, &change, "push_otp").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    change
}

/// Asks for what sets the factor up.
pub(crate) async fn set_up(world: &World, session: &Session, change: &str, factor: &str) -> Answer {
    let challenge = world.set_up_as(session, change, factor).await;
    assert_eq!(challenge.status, 201, "{}", challenge.body);
    challenge
}

async fn finished(world: &World, session: &Session, change: &str, challenge: &Answer, body: &Value) {
    let answer = world.answer_as(session, change, &challenge.text("challenge_id"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.text("status"), "completed", "{}", answer.body);
    world.pump().await;
}

/// Adds a passkey.
pub(crate) async fn add_passkey(world: &World, session: &Session, phone: &mut Phone) {
    let change = adding(world, session, "passkey").await;
    let challenge = set_up(world, session, &change, "passkey").await;
    let made = phone.create(&challenge.body["passkey"], ORIGIN);
    finished(world, session, &change, &challenge, &json!({"passkey": made})).await;
}

/// Adds an authenticator app.
pub(crate) async fn add_totp(world: &World, session: &Session) -> App {
    use linekeeper_platform::clock::Clock as _;
    let change = adding(world, session, "totp").await;
    let challenge = set_up(world, session, &change, "totp").await;
    let app = App::new(challenge.body["totp"]["secret"].as_str().unwrap());
    finished(world, session, &change, &challenge, &json!({"code": app.code(world.clock.now())})).await;
    app
}

/// Adds a set of recovery codes.
pub(crate) async fn add_paper(world: &World, session: &Session) -> Vec<String> {
    let change = adding(world, session, "recovery_code").await;
    let challenge = set_up(world, session, &change, "recovery_code").await;
    let codes: Vec<String> = serde_json::from_value(challenge.body["recovery_codes"].clone()).unwrap();
    finished(world, session, &change, &challenge, &json!({"code": codes[9]})).await;
    codes
}

/// Adds the key of a device.
pub(crate) async fn add_key(world: &World, session: &Session, key: &DeviceKey) {
    let session = session.clone().signed_by(key);
    let change = adding(world, &session, "device_key").await;
    let challenge = set_up(world, &session, &change, "device_key").await;
    finished(world, &session, &change, &challenge, &json!({})).await;
}

/// Days pass; the customer keeps signing in at home.
pub(crate) async fn days_pass(world: &World, person: &Person, days: u32) {
    world.clock.advance(Span::days(days));
    for day in 1..=3 {
        world.behaviour(person.sign_in_at_home(&world.ago(Span::days(day)))).await;
    }
    world.tick().await;
    world.inbox.clear();
}

/// The id of an enrolled factor.
pub(crate) async fn factor_id(world: &World, person: &Person, factor: &str) -> String {
    let overview = world.overview(person).await;
    let factors = overview["factors"].as_array().unwrap();
    factors.iter().rev().find(|known| known["factor"] == factor).unwrap()["id"].as_str().unwrap().to_owned()
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
