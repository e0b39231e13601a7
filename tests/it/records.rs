//! The records of a simulated month: made from the ledger alone, and held against what the simulation itself did.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jsonwebtoken::EncodingKey;
use linekeeper_domain::change::{Actor, Ending};
use linekeeper_domain::decide::close_case;
use linekeeper_domain::fraud::CaseOutcome;
use linekeeper_domain::ids::{AccountId, Subject};
use linekeeper_domain::kinds::{Factor, Jurisdiction};
use linekeeper_domain::records::{Act, ComplianceDates, Counts, Month, Records};
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::clock::Clock as _;
use linekeeper_platform::shell::owner;
use linekeeper_records::checkpoint::{Checkpoint, FileName, Keys};
use linekeeper_records::export::{self, Writer};
use linekeeper_records::render;
use linekeeper_records::verify::Verifier;
use linekeeper_tests::ports::{activation, bill, order, with_pin};
use linekeeper_tests::world::{ISSUER, LEDGER, customer, representative};
use linekeeper_tests::{Answer, Person, World, iccid};
use p256::pkcs8::EncodePrivateKey as _;
use serde_json::{Value, json};

use crate::audit::claims;
use crate::port_day::{deliver, home};

/// What becomes of a customer in that month.
#[derive(Clone, Copy, Debug)]
enum Story {
    Swapped,
    SwapExpires,
    SwapIsStopped,
    SwapLapses,
    SwapFails,
    AskedByPhone,
    SwapStolenAndPutBack,
    SwapTakenPastUs,
    Ported,
    PortOfAThief,
    PortWithAWrongNumber,
}

const STORIES: [Story; 11] = [
    Story::Swapped,
    Story::SwapExpires,
    Story::SwapIsStopped,
    Story::SwapLapses,
    Story::SwapFails,
    Story::AskedByPhone,
    Story::SwapStolenAndPutBack,
    Story::SwapTakenPastUs,
    Story::Ported,
    Story::PortOfAThief,
    Story::PortWithAWrongNumber,
];

const PLACES: [Jurisdiction; 3] = [Jurisdiction::Us, Jurisdiction::Uk, Jurisdiction::Ca];

/// All functions, and what the simulation knows because it did it.
struct Simulation {
    world: World,
    did: BTreeMap<(Month, Jurisdiction, Act), Counts>,
    swaps: u32,
}

fn person(n: usize) -> Person {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    Person {
        account: leak(format!("acct-{n}")),
        line: leak(format!("line-{n}")),
        msisdn: leak(format!("+130555501{n:02}")),
        iccid: leak(iccid(u32::try_from(n).unwrap() + 1)),
        email: leak(format!("p{n}@example.com")),
        push: leak(format!("arn:aws:sns:us-east-1:000000000000:endpoint/APNS/app/p{n}")),
    }
}

fn place(n: usize) -> Jurisdiction {
    PLACES[n % PLACES.len()]
}

impl Simulation {
    /// So many customers, who have been with the carrier for a month.
    async fn open(people: usize) -> Self {
        let world = World::new().await;
        for n in 0..people {
            for mut record in person(n).opening(&world.now()) {
                if record["type"] == "account_opened" {
                    record["jurisdiction"] = json!(place(n));
                }
                assert!(!world.feed(record).await);
            }
        }
        world.clock.advance(Span::days(30));
        for n in 0..people {
            let person = person(n);
            let past = [27, 23, 19, 15, 11, 8, 5, 3, 2, 1];
            let import = past.map(|day| home(&person).sign_in(person.account, &world.ago(Span::days(day)))).to_vec();
            world.risk.handle(risk_scoring::Incoming::Import { import }).await.unwrap();
        }
        deliver(&world).await;
        Self { world, did: BTreeMap::new(), swaps: 5_000 }
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    async fn tick(&self) {
        self.world.sweep.handle().await.unwrap();
        deliver(&self.world).await;
    }

    /// Until then, with the schedule running.
    async fn until(&self, at: &str) {
        let at = Timestamp::parse(at).unwrap();
        assert!(self.now() <= at, "it is {} already", self.now());
        self.world.clock.advance(at.since(self.now()));
        self.tick().await;
    }

    async fn wait(&self, span: Span) {
        self.world.clock.advance(span);
        self.tick().await;
    }

    fn did(&mut self, n: usize, act: Act) -> &mut Counts {
        self.did.entry((Month::of(self.now()).unwrap(), place(n), act)).or_default()
    }

    fn ended(&mut self, n: usize, act: Act, how: Ending) {
        *self.did(n, act).endings.entry(how).or_default() += 1;
    }

    fn proved(&mut self, n: usize, act: Act, factor: Factor) {
        *self.did(n, act).methods.entry(factor).or_default() += 1;
    }

    /// A call from home.
    async fn call(&self, n: usize, method: &str, path: &str, key: Option<&str>, body: Option<&Value>) -> Answer {
        let person = person(n);
        let mut headers = home(&person).headers();
        headers.extend(key.map(|key| ("idempotency-key", format!("\"{key}\""))));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Box::pin(self.world.call(Some(&customer(&person)), method, path, &headers, body)).await
    }

    async fn ask(&self, n: usize, key: &str, wish: &Value) -> String {
        let person = person(n);
        self.world.inbox.clear();
        self.world.behaviour(home(&person).sign_in(person.account, &self.world.now())).await;
        let asked = self.call(n, "POST", "/v1/changes", Some(key), Some(wish)).await;
        assert_eq!(asked.status, 201, "{}", asked.body);
        deliver(&self.world).await;
        asked.text("change_id")
    }

    async fn prove(&self, n: usize, change: &str) {
        let path = format!("/v1/changes/{change}/challenges");
        let challenge = self.call(n, "POST", &path, None, Some(&json!({"factor": "push_otp"}))).await;
        assert_eq!(challenge.status, 201, "{}", challenge.body);
        let path = format!("{path}/{}/answer", challenge.text("challenge_id"));
        let answered = self.call(n, "POST", &path, None, Some(&json!({"code": self.world.inbox.code()}))).await;
        assert_eq!(answered.body["status"], "authorized", "{}", answered.body);
        deliver(&self.world).await;
    }

    fn authorization(&self, change: &str) -> String {
        let signed = self.world.topic.authorizations();
        let of = signed.iter().map(|jws| claims(&self.world, jws)).find(|claims| claims["change_id"] == change);
        of.unwrap()["jti"].as_str().unwrap().to_owned()
    }

    async fn swap_asked(&mut self, n: usize) -> String {
        self.swaps += 1;
        let wish = person(n).sim_swap(&iccid(self.swaps));
        let change = self.ask(n, &format!("swap-{}", self.swaps), &wish).await;
        self.did(n, Act::SimChange).requests += 1;
        change
    }

    async fn swap_proven(&mut self, n: usize) -> String {
        let change = self.swap_asked(n).await;
        self.prove(n, &change).await;
        self.proved(n, Act::SimChange, Factor::PushOtp);
        change
    }

    async fn sim_is(&self, n: usize, iccid: &str, authorization: Option<&str>) {
        let person = person(n);
        let report = json!({"id": "r", "at": self.world.now(), "type": "sim_changed", "account_id": person.account,
            "line_id": person.line, "iccid": iccid, "authorization_id": authorization});
        assert!(!self.world.feed(report).await);
        deliver(&self.world).await;
    }

    async fn swapped(&mut self, n: usize) -> String {
        let change = self.swap_proven(n).await;
        self.sim_is(n, &iccid(self.swaps), Some(&self.authorization(&change))).await;
        self.ended(n, Act::SimChange, Ending::Completed);
        change
    }

    /// She taps "this was not me" in the newest notice.
    async fn not_me(&mut self, n: usize, act: Act) {
        assert_eq!(self.world.not_me(&self.world.inbox.link_token()).await.status, 200);
        self.did(n, act).complaints += 1;
        deliver(&self.world).await;
    }

    /// The SIM that was stolen from her is put back so long after she said so.
    async fn put_back(&mut self, n: usize, after: Span) {
        self.wait(after).await;
        self.sim_is(n, person(n).iccid, None).await;
        let did = self.did(n, Act::SimChange);
        did.remedied += 1;
        did.remedy_seconds += u64::from(after.as_seconds());
    }

    /// The fraud desk closes her one case.
    async fn close(&mut self, n: usize, outcome: CaseOutcome) {
        let account = AccountId::parse(person(n).account).unwrap();
        let view = self.world.shell.store.read(&account, &Subject::Account).await.unwrap();
        let id = view.account.as_ref().unwrap().state.open_case().unwrap().id;
        let owner = owner(&account, &Subject::Account);
        let closed = self.world.shell.command(&owner, &Actor::System, view, |view, ctx| close_case(view, id, outcome, ctx)).await;
        assert!(closed.is_ok());
        let did = self.did(n, Act::SimChange);
        match outcome {
            CaseOutcome::Fraud => did.confirmed += 1,
            CaseOutcome::NoFraud => did.cleared += 1,
            CaseOutcome::Unclear => {}
        }
    }

    async fn play(&mut self, n: usize, story: Story) {
        let (person, pon) = (person(n), format!("PON-{n}"));
        match story {
            Story::Swapped => drop(self.swapped(n).await),
            Story::SwapExpires => {
                self.swap_asked(n).await;
                self.wait(Span::hours(25)).await;
                self.ended(n, Act::SimChange, Ending::Expired);
            }
            Story::SwapIsStopped => {
                let change = self.swap_asked(n).await;
                assert_eq!(self.call(n, "POST", &format!("/v1/changes/{change}/cancel"), None, None).await.status, 200);
                self.ended(n, Act::SimChange, Ending::Cancelled);
            }
            Story::SwapLapses => {
                self.swap_proven(n).await;
                self.wait(Span::minutes(20)).await;
                self.ended(n, Act::SimChange, Ending::Lapsed);
            }
            Story::SwapFails => {
                let change = self.swap_proven(n).await;
                let report = json!({"id": "r", "at": self.world.now(), "type": "change_failed", "account_id": person.account,
                    "change_id": change, "authorization_id": self.authorization(&change)});
                assert!(!self.world.feed(report).await);
                self.ended(n, Act::SimChange, Ending::Failed);
            }
            Story::AskedByPhone => {
                let wish = person.sim_swap(&iccid(9_000 + u32::try_from(n).unwrap()));
                let asked = self.world.desk_asks(&representative("phone"), &person, "staff", &wish).await;
                assert_eq!(asked.problem(), "refused");
                self.did(n, Act::SimChange).requests += 1;
                self.ended(n, Act::SimChange, Ending::Refused);
            }
            Story::SwapStolenAndPutBack => {
                self.swapped(n).await;
                self.wait(Span::hours(2)).await;
                self.not_me(n, Act::SimChange).await;
                self.did(n, Act::SimChange).fraudulent += 1;
                self.put_back(n, Span::hours(5)).await;
                let outcomes = [CaseOutcome::Fraud, CaseOutcome::NoFraud, CaseOutcome::Unclear];
                self.close(n, outcomes[n % outcomes.len()]).await;
            }
            Story::SwapTakenPastUs => {
                self.sim_is(n, &iccid(7_000 + u32::try_from(n).unwrap()), None).await;
                self.did(n, Act::SimChange).unauthorized += 1;
                self.did(n, Act::SimChange).fraudulent += 1;
            }
            Story::Ported => {
                bill(&self.world, &person).await;
                let drawn = self.ask(n, "pin", &json!({"kind": "port_pin", "line_id": person.line})).await;
                self.prove(n, &drawn).await;
                let pin = self.call(n, "POST", &format!("/v1/changes/{drawn}/pin"), None, None).await.text("pin");
                deliver(&self.world).await;
                assert!(!self.world.from_gateway(&with_pin(order(&self.world, &person, &pon, 0), &pin)).await);
                self.did(n, Act::PortOut).requests += 1;
                self.proved(n, Act::PortOut, Factor::TransferPin);
                deliver(&self.world).await;
                assert_eq!(self.world.gateway.words().last().map(String::as_str), Some("confirm"));
                assert!(!self.world.from_gateway(&activation(&self.world, &person, &pon)).await);
                self.ended(n, Act::PortOut, Ending::Completed);
            }
            Story::PortOfAThief | Story::PortWithAWrongNumber => {
                bill(&self.world, &person).await;
                self.world.inbox.clear();
                let mut ordered = order(&self.world, &person, &pon, 0);
                let wrong = matches!(story, Story::PortWithAWrongNumber);
                if wrong {
                    ordered["data"]["account_number"] = json!("111-111");
                }
                assert!(!self.world.from_gateway(&ordered).await);
                self.did(n, Act::PortOut).requests += 1;
                deliver(&self.world).await;
                // Where the token is asked for, an order without it is refused at once.
                if wrong || place(n) == Jurisdiction::Uk {
                    self.ended(n, Act::PortOut, Ending::Refused);
                } else {
                    self.not_me(n, Act::PortOut).await;
                    self.ended(n, Act::PortOut, Ending::Cancelled);
                }
            }
        }
        deliver(&self.world).await;
    }

    /// The ledger as an export. A scan promises no order: each ledger is brought into its own.
    async fn export(&self, folder: &Path, page: u64) -> Checkpoint {
        let mut ledger = BTreeMap::new();
        for item in self.world.items(LEDGER).await {
            let key = (item["pk"].as_s().unwrap().clone(), item["seq"].as_n().unwrap().parse::<u64>().unwrap());
            ledger.insert(key, item["entry"].as_s().unwrap().clone());
        }
        let mut writer = Writer::create(folder, page).unwrap();
        ledger.values().for_each(|entry| writer.push(entry).unwrap());
        let checkpoint = writer.finish(ISSUER, self.now()).unwrap();
        export::put(folder, &checkpoint.sign(&signing_key(), "records").unwrap()).unwrap();
        checkpoint
    }
}

fn signing_key() -> EncodingKey {
    let secret = p256::SecretKey::from_slice(&[9; 32]).unwrap();
    EncodingKey::from_ec_der(secret.to_pkcs8_der().unwrap().as_bytes())
}

fn keys() -> Keys {
    use p256::pkcs8::EncodePublicKey as _;
    let secret = p256::SecretKey::from_slice(&[9; 32]).unwrap();
    let der = secret.public_key().to_public_key_der().unwrap();
    let jwk = linekeeper_platform::keys::Jwk::from_der(der.as_bytes(), "records").unwrap();
    Keys::read(&json!({"keys": [jwk]}).to_string()).unwrap()
}

fn made(folder: &Path, month: Month) -> (Records, String, String) {
    let (records, _) = linekeeper_records::records(folder, &keys(), month).unwrap();
    let dates = ComplianceDates::default();
    let (csv, page) = (render::csv(&records, &dates).unwrap(), render::page(&records, &dates));
    (records, csv, page)
}

/// What the simulation knows; the policy and the model are not its business.
fn of_the_simulation(counts: &Counts) -> Counts {
    Counts { policies: BTreeMap::new(), began: BTreeMap::new(), ..counts.clone() }
}

/// Plays the month, and a few days of the next.
async fn play() {
    let mut simulation = Simulation::open(STORIES.len() * PLACES.len() + 2).await;
    let (late, early) = (STORIES.len() * PLACES.len(), STORIES.len() * PLACES.len() + 1);
    simulation.until("2026-12-31T23:50:00Z").await;
    let over_new_year = simulation.swap_proven(early).await;
    simulation.until("2027-01-01T00:01:00Z").await;
    simulation.sim_is(early, &iccid(simulation.swaps), Some(&simulation.authorization(&over_new_year))).await;
    simulation.ended(early, Act::SimChange, Ending::Completed);
    for n in 0..STORIES.len() * PLACES.len() {
        simulation.wait(Span::hours(9)).await;
        simulation.play(n, STORIES[n / PLACES.len()]).await;
    }
    simulation.until("2027-01-31T23:30:00Z").await;
    simulation.swapped(late).await;
    let january = Month::parse("2027-01").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let checkpoint = simulation.export(&first, 37).await;

    // What comes after the month changes nothing of it.
    simulation.until("2027-02-01T08:00:00Z").await;
    simulation.not_me(late, Act::SimChange).await;
    simulation.did(late, Act::SimChange).fraudulent += 1;
    simulation.put_back(late, Span::hours(30)).await;
    simulation.export(&second, 100).await;

    let (records, csv, page) = made(&first, january);
    assert_eq!(made(&second, january), (records.clone(), csv.clone(), page.clone()), "two productions, the same bytes");
    assert_eq!(records.heads, checkpoint.heads.sha256, "the record names the heads that the checkpoint at its end signed");
    Verifier::new(&second, &keys()).since(&first).verify().unwrap();

    let mut checked = 0;
    for (month, from) in [("2026-12", &first), ("2027-01", &first), ("2027-02", &second)] {
        let month = Month::parse(month).unwrap();
        let (records, ..) = made(from, month);
        for (&(place, act), counts) in &records.counts {
            let did = simulation.did.get(&(month, place, act)).cloned().unwrap_or_default();
            assert_eq!(of_the_simulation(counts), did, "{month} {place} {act}");
            checked += 1;
        }
    }
    assert_eq!(checked, 18);
    let sum = |count: fn(&Counts) -> u64| records.counts.values().map(count).sum::<u64>();
    println!(
        "January: {} requests, {} successful, {} failed, {} fraudulent, {} complaints, {} remedied; {} entries",
        sum(|counts| counts.requests),
        sum(Counts::successful),
        sum(Counts::failed),
        sum(|counts| counts.fraudulent),
        sum(|counts| counts.complaints),
        sum(|counts| counts.remedied),
        records.entries
    );
    assert!(csv.contains("2027-01,uk,port_out,failed_by_ending,refused,2\n") && page.contains("United Kingdom"));

    // A page that is missing has its name, and there are no records.
    fs::remove_file(first.join(FileName::page(2).as_str())).unwrap();
    let error = linekeeper_records::records(&first, &keys(), january).unwrap_err().to_string();
    assert_eq!(error, "entries-00002.jsonl is missing: the checkpoint names it, with 37 lines");
}

#[test]
fn a_months_records_are_made_twice_with_the_same_bytes_and_are_what_the_simulation_did() {
    let play = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(play());
    std::thread::Builder::new().stack_size(64 << 20).spawn(play).unwrap().join().unwrap();
}
