//! The simulator's day, driven through the functions in one process: every honest port is answered inside its interval,
//! every thief alarmed, and nobody falsely stopped.

use std::collections::BTreeMap;
use std::sync::Arc;

use linekeeper_domain::porting::monitor;
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::people::{AT_HOME, Person};
use linekeeper_tests::world::{Answer, customer};
use linekeeper_tests::{World, iccid};
use serde_json::{Value, json};

use crate::plan::{Day, LineOf, Message, Says, What};
use crate::score::{Alarmed, Answered, Score, Sent};

/// A household in the world: one person for each of its lines.
fn people(day: &Day) -> Vec<Vec<Person>> {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let mut n = 0;
    let mut household = |(place, of): (usize, &crate::plan::Household)| {
        let account = leak(format!("acct-{place}"));
        let person = |(line, number): (usize, &String)| {
            n += 1;
            Person {
                account,
                line: leak(format!("line-{place}-{line}")),
                msisdn: leak(number.clone()),
                iccid: leak(iccid(n)),
                email: leak(format!("h{place}@example.com")),
                push: leak(format!("arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/h{place}")),
            }
        };
        of.numbers.iter().enumerate().map(person).collect::<Vec<_>>()
    };
    day.households.iter().enumerate().map(&mut household).collect()
}

/// Where a household is at home: a network address and a device of its own.
pub(crate) struct Home {
    device: String,
    address: String,
}

pub(crate) fn home(person: &Person) -> Home {
    let place: usize = person.account.strip_prefix("acct-").unwrap().parse().unwrap();
    Home { device: format!("laptop-of-household-{place}"), address: format!("73.{}.{}.7", place / 200 + 20, place % 200) }
}

impl Home {
    pub(crate) fn sign_in(&self, account: &str, at: &str) -> Value {
        json!({"id": at, "at": at, "type": "sign_in", "account_id": account, "ok": true, "device": self.device,
            "system": "Windows", "browser": "Chrome", "language": "en-US", "utc_offset": -300, "network": {"address": self.address,
            "asn": 7922, "country": "US", "region": "Florida", "city": "Miami", "latitude": 25.77, "longitude": -80.19}})
    }

    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let own =
            [("x-linekeeper-device", self.device.clone()), ("cloudfront-viewer-address", format!("{}:46532", self.address))];
        let others = AT_HOME.iter().filter(|(name, _)| own.iter().all(|(own, _)| own != name));
        others.map(|(name, value)| (*name, (*value).to_owned())).chain(own.clone()).collect()
    }
}

/// Delivers the ledger's stream until nothing is left, with one look at the table for all that is there.
pub(crate) async fn deliver(world: &World) {
    loop {
        let records = world.undelivered().await;
        if records.is_empty() {
            return;
        }
        for (pk, seq, event) in records {
            world.risk.handle(risk_scoring::Incoming::Stream(event.clone())).await.unwrap();
            world.notify.handle(event).await.unwrap();
            world.mark(&pk, seq).await;
        }
        world.hear().await;
    }
}

struct Stage {
    world: World,
    day: Day,
    people: Vec<Vec<Person>>,
    midnight: Timestamp,
    pins: BTreeMap<LineOf, String>,
    swaps: u32,
    sent: Vec<Sent>,
    alarmed: Vec<Alarmed>,
    answered: Vec<Answered>,
}

impl Stage {
    async fn open(seed: u64, honest: usize) -> Self {
        let day = Day::plan(seed, honest);
        let mut world = World::new().await;
        // A carrier of which so many leave in a day.
        let lines = u32::try_from(honest).unwrap() * 3_500;
        world.ports.monitor = Arc::new(monitor::Settings { lines: lines.max(50_000), ..Default::default() }.check().unwrap());
        let people = people(&day);
        let mut records = Vec::new();
        for (household, lines) in day.households.iter().zip(&people) {
            let now = world.now();
            let opening = lines
                .iter()
                .enumerate()
                .flat_map(|(place, person)| person.opening(&now).into_iter().skip(usize::from(place > 0)));
            records.extend(opening);
            records.push(json!({"id": "b", "at": now, "type": "billing_known", "account_id": lines[0].account,
                "account_number": household.account_number, "zip": household.zip}));
        }
        for some in records.chunks(1_000) {
            let imported = world.feed.handle(provisioning_feed::Incoming::Import { import: some.to_vec() }).await.unwrap();
            assert_eq!(serde_json::to_value(imported).unwrap()["failed"], json!([]));
        }
        world.clock.advance(Span::hours(30 * 24 + 9));
        for lines in &people {
            // At all hours that people are up.
            let import: Vec<Value> = (1..=27_u32)
                .map(|day| home(&lines[0]).sign_in(lines[0].account, &world.ago(Span::hours(day * 24 - 8 - day * 5 % 15))))
                .collect();
            let days = import.len();
            let imported = world.risk.handle(risk_scoring::Incoming::Import { import }).await.unwrap();
            assert_eq!(serde_json::to_value(imported).unwrap(), json!({"done": days, "failed": []}));
        }
        let midnight = world.clock.now();
        assert_eq!(midnight.as_second() % 86_400, 0);
        let stage = Self {
            world,
            day,
            people,
            midnight,
            pins: BTreeMap::new(),
            swaps: 10_000,
            sent: vec![],
            alarmed: vec![],
            answered: vec![],
        };
        stage.deliver().await;
        stage.world.inbox.clear();
        stage.history(seed, honest).await;
        stage
    }

    /// The carrier tells of six past weeks.
    async fn history(&self, seed: u64, honest: usize) {
        let mut hours: BTreeMap<(Timestamp, &str), (u32, u32)> = BTreeMap::new();
        for back in 1..=41_u32 {
            for left in Day::past(seed, u64::from(back), honest) {
                let hour = self.midnight - Span::days(back) + Span::hours(left.at / 3_600);
                let count = hours.entry((hour, left.carrier)).or_default();
                count.0 += 1;
                count.1 += u32::from(left.failed);
            }
        }
        let past: Vec<Value> = hours
            .into_iter()
            .map(|((at, spid), (accounts, failed))| json!({"at": at.to_string(), "spid": spid, "accounts": accounts, "failed": failed}))
            .collect();
        let event = serde_json::from_value(json!({ "port_history": past })).unwrap();
        self.world.ports.handle(event).await.unwrap();
    }

    async fn deliver(&self) {
        deliver(&self.world).await;
    }

    fn seconds(&self) -> f64 {
        f64::from(self.world.clock.now().since(self.midnight).as_seconds())
    }

    /// Takes note of what came out.
    fn look(&mut self) {
        let at = self.seconds();
        let answers = self.world.gateway.all();
        for event in &answers[self.answered.len()..] {
            let data = &event["data"];
            let due = Timestamp::parse(data["must"]["by"].as_str().unwrap()).unwrap();
            self.answered.push(Answered {
                pon: data["purchase_order_number"].as_str().unwrap().to_owned(),
                version: data["version"].as_str().and_then(|version| version.parse().ok()),
                answer: data["answer"].as_str().unwrap().to_owned(),
                reasons: data["codes"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|code| code["reason"].as_str().unwrap().to_owned())
                    .collect(),
                at,
                due: f64::from(due.since(self.midnight).as_seconds()),
            });
        }
        for incident in &self.world.topic.incidents()[self.alarmed.len()..] {
            let line = |id: &str| {
                let mut parts = id.strip_prefix("line-").unwrap().split('-').map(|part| part.parse().unwrap());
                LineOf { household: parts.next().unwrap(), line: parts.next().unwrap() }
            };
            let lines = incident.lines.iter().map(|of| line(of.line_id.as_str())).collect();
            self.alarmed.push(Alarmed {
                incident: incident.incident_id.clone(),
                pattern: incident.pattern.word().to_owned(),
                lines,
                at,
            });
        }
    }

    fn message(&self, order: usize, message: &Message) -> Value {
        let order = &self.day.orders[order];
        let household = &self.day.households[order.line.household];
        let person = &self.people[order.line.household][order.line.line];
        let said = |says: &Says, right: &str| match says {
            Says::Right => json!(right),
            Says::This(text) => json!(text),
            Says::Nothing => Value::Null,
        };
        let about = |kind, more: &Value| linekeeper_tests::ports::about(&self.world, person, kind, &order.pon, more);
        match message {
            Message::Ask { version, account_number, zip, pin } => {
                let mut asked = linekeeper_tests::ports::order(&self.world, person, &order.pon, *version);
                let data = asked["data"].as_object_mut().unwrap();
                data.insert("new_network_service_provider".into(), json!(order.carrier));
                data.insert("account_number".into(), said(account_number, &household.account_number));
                data.insert("zip".into(), said(zip, &household.zip));
                // Who was not given one has none to say.
                let drawn = self.pins.get(&order.line);
                let pin = said(pin, drawn.map_or("", String::as_str));
                if pin.as_str().is_some_and(|pin| !pin.is_empty()) {
                    data.insert("passcode".into(), pin);
                }
                asked
            }
            Message::Later { version } => {
                let due = self.world.clock.now() + Span::hours(30);
                about(
                    "supplement",
                    &json!({"version": version.to_string(), "supplement": "due_date", "desired_due_date": due.to_string()}),
                )
            }
            Message::Cancel => about("cancellation", &json!({})),
        }
    }

    /// A call from home.
    async fn call(&self, person: &Person, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Answer {
        let mut headers = home(person).headers();
        headers.extend(key.map(|key| ("idempotency-key", format!("\"{key}\""))));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Box::pin(self.world.call(Some(&customer(person)), method, path, &headers, body)).await
    }

    /// Asks for a change and proves it by the app; its id where it is authorized then.
    async fn proven(&self, person: &Person, key: &str, wish: &Value) -> Option<String> {
        self.world.behaviour(home(person).sign_in(person.account, &self.world.now())).await;
        let asked = self.call(person, "POST", "/v1/changes", Some(key), Some(wish)).await;
        assert_eq!(asked.status, 201, "{}", asked.body);
        let change = asked.text("change_id");
        self.deliver().await;
        let path = format!("/v1/changes/{change}/challenges");
        let challenge = self.call(person, "POST", &path, None, Some(&json!({"factor": "push_otp"}))).await;
        assert_eq!(challenge.status, 201, "{} {}", asked.body, challenge.body);
        let code = json!({"code": self.world.inbox.code()});
        let path = format!("{path}/{}/answer", challenge.text("challenge_id"));
        let answered = self.call(person, "POST", &path, None, Some(&code)).await;
        self.deliver().await;
        if answered.body["status"] != "authorized" {
            let line = self.world.line(person).await.state;
            let decision =
                line.book.changes.values().find(|known| known.id.to_string() == change).map(|known| known.decision.clone());
            println!("  {key}: {decision:?} {}", answered.body["status"]);
            return None;
        }
        Some(change)
    }

    async fn play(mut self) -> Score {
        for place in 0..self.day.steps.len() {
            let step = self.day.steps[place].clone();
            // The schedule runs on in the meantime.
            let at = self.midnight + Span::seconds(step.at);
            while self.world.clock.now() + Span::minutes(20) < at {
                self.world.clock.advance(Span::minutes(20));
                self.world.sweep.handle().await.unwrap();
                self.deliver().await;
                self.look();
            }
            self.world.clock.advance(at.since(self.world.clock.now()));
            let person = self.people[step.line.household][step.line.line];
            match &step.what {
                What::DrawPin => {
                    let wish = json!({"kind": "port_pin", "line_id": person.line});
                    if let Some(change) = self.proven(&person, &format!("pin-{place}"), &wish).await {
                        let drawn = self.call(&person, "POST", &format!("/v1/changes/{change}/pin"), None, None).await;
                        assert_eq!(drawn.status, 201, "{}", drawn.body);
                        self.pins.insert(step.line, drawn.text("pin"));
                    }
                }
                What::SwapSim => {
                    self.swaps += 1;
                    let wish = person.sim_swap(&iccid(self.swaps));
                    if self.proven(&person, &format!("swap-{place}"), &wish).await.is_some() {
                        let claims = crate::audit::claims(&self.world, self.world.topic.authorizations().last().unwrap());
                        let report = json!({"id": "r", "at": self.world.now(), "type": "sim_changed", "account_id": person.account,
                            "line_id": person.line, "iccid": iccid(self.swaps), "authorization_id": claims["jti"]});
                        assert!(!self.world.feed(report).await);
                    }
                }
                What::Send { order, message } => {
                    let body = self.message(*order, message);
                    self.sent.push(Sent { step: place, at: self.seconds() });
                    if self.world.from_gateway(&body).await {
                        // Its order is on its way: the queue brings it again.
                        self.deliver().await;
                        self.world.from_gateway(&body).await;
                    }
                }
            }
            self.deliver().await;
            self.look();
        }
        self.world.clock.advance(Span::hours(1));
        self.world.sweep.handle().await.unwrap();
        self.deliver().await;
        self.look();
        Score::of(&self.day, &self.sent, &self.answered, &self.alarmed)
    }
}

/// Plays a day, on a stack of its own: without optimisation the functions' futures are large.
fn day(seed: u64, honest: usize) -> Score {
    let play = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { Stage::open(seed, honest).await.play().await })
    };
    let score = std::thread::Builder::new().stack_size(64 << 20).spawn(play).unwrap().join().unwrap();
    println!("seed {seed}, {honest} households leave");
    for (label, value) in score.rows() {
        println!("  {label:<48} {value}");
    }
    score
}

#[test]
fn a_day_of_ports_is_answered_in_time_and_its_thieves_are_seen() {
    let score = day(1, 24);
    assert!(score.holds());
    assert_eq!(score.false_alarms, []);
}

#[test]
#[ignore = "many minutes"]
fn three_days_of_ports_are_answered_in_time_and_their_thieves_are_seen() {
    for seed in 1..=3 {
        let score = day(seed, 60);
        assert!(score.holds(), "{seed}");
        assert_eq!(score.false_alarms, [], "{seed}");
    }
}
