//! The invariants of the design, each by name.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::BoxFuture;
use linekeeper_domain::change::{Address, Change, Details, Ending, Stage};
use linekeeper_domain::config::Settings;
use linekeeper_domain::decide::{self, Release};
use linekeeper_domain::digest::Digest;
use linekeeper_domain::ids::{AccountId, ChangeId};
use linekeeper_domain::kinds::Band;
use linekeeper_domain::ledger::{EventName, replay};
use linekeeper_domain::notice::recipients;
use linekeeper_domain::policy::Requirement;
use linekeeper_domain::risk::profile::Stamp;
use linekeeper_domain::state::Line;
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_platform::keys::{CodeCheck, Signer};
use linekeeper_platform::store::Error;
use linekeeper_tests::people::{ANA, AT_HOME, BEA, IN_CALIFORNIA, LAPTOP};
use linekeeper_tests::race::apart;
use linekeeper_tests::world::{ISSUER, STATE, customer, representative};
use linekeeper_tests::{Answer, Call, Keys, World, iccid};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::audit::audit;

async fn ana() -> World {
    ana_with(Settings::default()).await
}

async fn ana_with(settings: Settings) -> World {
    // Guesses that have to wait for one another have tests of their own.
    let world = World::with(Settings { guess_waits: [Span::default(); 2], ..settings }).await;
    world.customer(&ANA).await;
    world
}

async fn status(world: &World, change: &str) -> Value {
    world.change(&ANA, change).await["status"].clone()
}

/// Where the change has come to in the ledger, whatever a view says of it.
async fn stage(world: &World, change: &str) -> Stage {
    let whole = world.whole(&ANA).await;
    let account = whole.account.unwrap().state.book;
    let books = whole.lines.into_iter().map(|line| line.state.book).chain([account]);
    books.flat_map(|book| book.changes.into_values()).find(|known| known.id.as_str() == change).unwrap().stage
}

async fn is_open(world: &World, change: &str) -> bool {
    stage(world, change).await == Stage::Open
}

// ---- I1: no authorization without every gate closed, whatever the interleaving ----

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Proof,
    Hold,
    Told,
}

/// Closes a gate, and no other: no record of the stream is delivered but for `Told`.
async fn close(world: &World, change: &str, gate: Gate) {
    match gate {
        Gate::Proof => assert_eq!(world.prove(&ANA, change, "push_otp").await.status, 200),
        Gate::Hold => {
            world.clock.advance(Span::hours(24));
            world.sweep.handle().await.unwrap();
        }
        Gate::Told => assert!(world.pump().await),
    }
}

#[tokio::test]
async fn i1_every_order_of_closing_the_gates_authorizes_with_the_last_one_and_not_before() {
    use Gate::{Hold, Proof, Told};
    let orders = [
        [Proof, Hold, Told],
        [Proof, Told, Hold],
        [Hold, Proof, Told],
        [Hold, Told, Proof],
        [Told, Proof, Hold],
        [Told, Hold, Proof],
    ];
    for order in orders {
        let world = ana().await;
        let change = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        for gate in order {
            assert!(is_open(&world, &change).await, "{order:?}: authorized before {gate:?}");
            close(&world, &change, gate).await;
            audit(&world, &ANA).await;
        }
        assert!(!is_open(&world, &change).await, "{order:?}: not authorized after the last");
        world.pump().await;
        assert_eq!(world.topic.authorizations().len(), 1, "{order:?}");
        audit(&world, &ANA).await;
    }
}

#[tokio::test]
async fn i1_without_proof_nothing_is_authorized() {
    let world = ana().await;
    let change = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.clock.advance(Span::hours(47));
    world.tick().await;
    assert!(is_open(&world, &change).await);
    // SMS alone is not the proof that this asks for.
    assert_eq!(world.challenge(&ANA, &change, "sms_otp").await.problem(), "factor-not-offered");
    world.clock.advance(Span::hours(1));
    world.tick().await;
    assert_eq!(status(&world, &change).await, "expired");
    assert!(world.topic.authorizations().is_empty());
    audit(&world, &ANA).await;
}

#[tokio::test]
async fn i1_before_the_hold_is_over_nothing_is_authorized() {
    let world = ana().await;
    let change = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "on_hold");
    world.clock.advance(Span::seconds(86_399));
    world.tick().await;
    assert!(is_open(&world, &change).await);
    world.clock.advance(Span::seconds(1));
    world.tick().await;
    assert_eq!(status(&world, &change).await, "authorized");
    audit(&world, &ANA).await;
}

#[tokio::test]
async fn i1_before_the_customer_was_told_nothing_is_authorized() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "verified");
    world.inbox.down(&["email", "push", "sms"]);
    for _ in 0..3 {
        world.clock.advance(Span::minutes(2));
        world.tick().await;
        assert!(is_open(&world, &change).await, "nobody was told");
    }
    world.inbox.down(&["email", "push"]);
    world.clock.advance(Span::minutes(2));
    world.tick().await;
    assert_eq!(status(&world, &change).await, "authorized", "one channel is enough");
    audit(&world, &ANA).await;
}

#[tokio::test]
async fn i1_a_channel_added_after_the_wish_does_not_count_as_told() {
    let world = ana().await;
    // Hers: told, proven and done. It is younger than the SIM swap below asks for.
    let swap = world.ask(&ANA, "swap", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let add = json!({"kind": "contact_change", "add": {"email": "new@example.com"}});
    let added = world.ask(&ANA, "add", &add).await.text("change_id");
    world.inbox.down(&["sms"]);
    authorize_account_change(&world, &added).await;
    let signed = audit(&world, &ANA).await.authorizations;
    let done = json!({"id": "1", "at": world.now(), "type": "change_done", "account_id": ANA.account, "change_id": added,
                      "authorization_id": signed[0]["jti"]});
    assert!(!world.feed(done).await, "{:?}", world.dead.all());
    let notice = world.account(&ANA).await.state;
    assert_eq!(notice.contacts.len(), 3);
    let view = world.shell.store.read(&notice.id, &World::subject(&ANA)).await.unwrap();
    let known = view.change(&ChangeId::parse(&swap).unwrap()).unwrap();
    // Nor once it has ripened: it was not hers when the swap was asked for.
    for later in [Span::default(), Span::days(8)] {
        let now = world.clock.now() + later;
        let to = recipients(&view, &World::subject(&ANA), Some(known), now, &world.shell.settings);
        let counts: Vec<(String, bool)> = to.iter().map(|to| (to.address.masked(), to.counts)).collect();
        assert_eq!(counts.len(), 4);
        assert_eq!(
            counts.iter().filter(|(_, counts)| !counts).map(|(address, _)| address.as_str()).collect::<Vec<_>>(),
            ["n***@example.com"],
            "{later:?} later"
        );
    }
}

/// Tells, proves by push and waits until the account's change is authorized and its signature is out.
async fn authorize_account_change(world: &World, change: &str) {
    world.pump().await;
    let proven = world.prove(&ANA, change, "push_otp").await;
    assert_eq!(proven.status, 200, "{}", proven.body);
    world.clock.advance(Span::hours(1));
    world.tick().await;
    assert!(matches!(stage(world, change).await, Stage::Released(_)), "{:?}", stage(world, change).await);
}

#[tokio::test]
async fn i1_a_change_that_has_expired_is_neither_proven_nor_authorized() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.clock.advance(Span::minutes(24 * 60 - 1));
    let challenge = world.challenge(&ANA, &change, "push_otp").await.text("challenge_id");
    let code = world.inbox.code();
    world.clock.advance(Span::minutes(2));
    assert_eq!(status(&world, &change).await, "expired");
    let late = world.answer(&ANA, &change, &challenge, &code).await;
    assert_eq!(late.status, 409, "{}", late.body);
    assert_eq!(audit(&world, &ANA).await.count(EventName::Proven), 0);

    // The other way round: proven in time, told too late.
    let again = world.ask(&ANA, "k2", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    assert_eq!(world.prove(&ANA, &again, "push_otp").await.body["status"], "verified");
    world.clock.advance(Span::hours(24));
    world.pump().await;
    assert!(world.topic.authorizations().is_empty());
    assert_eq!(audit(&world, &ANA).await.count(EventName::Authorized), 0);
}

// One step of a random story.
#[derive(Clone, Debug)]
enum Step {
    Ask {
        kind: u8,
        far: bool,
    },
    Challenge {
        nth: u8,
        factor: u8,
    },
    Answer {
        nth: u8,
        right: bool,
    },
    Pump,
    /// The next record of the stream, twice.
    Twice,
    Tick,
    Advance(u32),
    Cancel(u8),
    NotMe,
    Lock {
        protection: u8,
        step_up: bool,
        line: bool,
    },
    LockOff {
        protection: u8,
        line: bool,
    },
    Report(u8),
    Stolen,
    SignIn {
        far: bool,
    },
    Down(u8),
}

fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..6_u8, any::<bool>()).prop_map(|(kind, far)| Step::Ask { kind, far }),
        5 => (0..3_u8, 0..3_u8).prop_map(|(nth, factor)| Step::Challenge { nth, factor }),
        6 => (0..3_u8, prop::bool::weighted(0.8)).prop_map(|(nth, right)| Step::Answer { nth, right }),
        5 => Just(Step::Pump),
        2 => Just(Step::Twice),
        4 => Just(Step::Tick),
        4 => prop_oneof![Just(60_u32), Just(900), Just(3_600), Just(86_400)].prop_map(Step::Advance),
        1 => (0..3_u8).prop_map(Step::Cancel),
        1 => Just(Step::NotMe),
        1 => (0..3_u8, any::<bool>(), any::<bool>()).prop_map(|(protection, step_up, line)| Step::Lock { protection, step_up, line }),
        2 => (0..3_u8, any::<bool>()).prop_map(|(protection, line)| Step::LockOff { protection, line }),
        3 => (0..3_u8).prop_map(Step::Report),
        1 => Just(Step::Stolen),
        1 => any::<bool>().prop_map(|far| Step::SignIn { far }),
        1 => (0..8_u8).prop_map(Step::Down),
    ];
    prop::collection::vec(step, count)
}

/// Whatever the answer: the machine did not fail.
fn fine(step: &Step, answer: &Answer) {
    let log = linekeeper_tests::log::written();
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
    assert!(answer.status < 500 || answer.problem() == "delivery-failed", "{step:?}: {}\n{:?}", answer.body, errors.last());
}

/// A story under way: what its people remember.
struct Story {
    world: World,
    /// Change and, where one was sent, challenge and code.
    changes: Vec<(String, Option<(String, String)>)>,
    asked: u32,
}

const PROTECTIONS: [&str; 3] = ["never_sim_swap", "no_port_out", "account_lockdown"];

impl Story {
    async fn begin() -> Self {
        let settings = Settings {
            changes_per_day: 100,
            codes_per_day: 50,
            guesses_per_day: 100,
            resend_after: Span::seconds(0),
            ..Settings::default()
        };
        Self { world: ana_with(settings).await, changes: Vec::new(), asked: 0 }
    }

    /// One of the last three changes, the newest first.
    fn nth(&self, nth: u8) -> Option<usize> {
        self.changes.len().checked_sub(1 + usize::from(nth))
    }

    /// Does a step. Whatever is answered is fine but a failure of the machine.
    async fn step(&mut self, step: &Step) {
        let world = &self.world;
        match step {
            Step::Ask { kind, far } => {
                self.asked += 1;
                let body = match kind {
                    0 | 1 => ANA.sim_swap(&iccid(self.asked)),
                    2 => json!({"kind": "number_change", "line_id": ANA.line}),
                    3 => json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "490154203237518"}),
                    4 => json!({"kind": "contact_change", "add": {"email": format!("a{}@example.com", self.asked)}}),
                    _ => json!({"kind": "credential_reset"}),
                };
                let asked =
                    world.ask_from(&ANA, if *far { IN_CALIFORNIA } else { AT_HOME }, &format!("k{}", self.asked), &body).await;
                fine(step, &asked);
                if asked.status == 201 {
                    self.changes.push((asked.text("change_id"), None));
                }
            }
            Step::Challenge { nth, factor } => {
                let Some(at) = self.nth(*nth) else { return };
                let factor = ["sms_otp", "push_otp", "email_otp"][usize::from(*factor)];
                let sent = world.challenge(&ANA, &self.changes[at].0, factor).await;
                fine(step, &sent);
                if sent.status == 201 {
                    self.changes[at].1 = Some((sent.text("challenge_id"), world.inbox.code()));
                }
            }
            Step::Answer { nth, right } => {
                let Some(at) = self.nth(*nth) else { return };
                let (change, Some((challenge, code))) = &self.changes[at] else { return };
                let wrong = if code == "000000" { "000001" } else { "000000" };
                let answered = world.answer(&ANA, change, challenge, if *right { code } else { wrong }).await;
                fine(step, &answered);
            }
            Step::Pump => assert!(world.pump().await),
            Step::Twice => {
                if let Some((pk, seq, event)) = world.undelivered().await.into_iter().next() {
                    world.notify.handle(event.clone()).await.unwrap();
                    world.notify.handle(event).await.unwrap();
                    world.mark(&pk, seq).await;
                }
            }
            Step::Tick => assert_eq!(world.sweep.handle().await.unwrap().failed, 0),
            Step::Advance(seconds) => world.clock.advance(Span::seconds(*seconds)),
            Step::Cancel(nth) => {
                if let Some(at) = self.nth(*nth) {
                    fine(step, &world.cancel(&ANA, &self.changes[at].0).await);
                }
            }
            Step::NotMe => {
                if world.inbox.all().iter().any(|mail| mail.text.short.contains("/not-me#")) {
                    let tapped = world.not_me(&world.inbox.link_token()).await;
                    assert!(tapped.status == 200 || tapped.status == 401, "{}", tapped.body);
                }
            }
            Step::Lock { protection, step_up, line } => {
                let mode = if *step_up { "step_up" } else { "block" };
                let locked = world.protect(&ANA, PROTECTIONS[usize::from(*protection)], mode, line.then_some(ANA.line)).await;
                fine(step, &locked);
            }
            Step::LockOff { protection, line } => {
                self.asked += 1;
                let mut body = json!({"kind": "protection_off", "protection": PROTECTIONS[usize::from(*protection)]});
                if *line {
                    body["line_id"] = json!(ANA.line);
                }
                let asked = world.ask(&ANA, &format!("k{}", self.asked), &body).await;
                fine(step, &asked);
                if asked.status == 201 {
                    self.changes.push((asked.text("change_id"), None));
                }
            }
            Step::Report(nth) => {
                let Some(at) = self.nth(*nth) else { return };
                let change = ChangeId::parse(&self.changes[at].0).unwrap();
                let view = world.shell.store.read(&AccountId::parse(ANA.account).unwrap(), change.subject()).await.unwrap();
                let Some(known) = view.change(&change) else { return };
                let report = match &known.details {
                    Details::SimSwap { sim, .. } => {
                        json!({"type": "sim_changed", "line_id": ANA.line, "iccid": sim.iccid})
                    }
                    _ => json!({"type": "change_done", "change_id": change, "msisdn": "+13055550199"}),
                };
                let mut report = report;
                for (name, value) in [
                    ("id", json!("r")),
                    ("at", json!(world.now())),
                    ("account_id", json!(ANA.account)),
                    ("authorization_id", json!(known.authorization().map_or("au_none", |granted| granted.id.as_str()))),
                ] {
                    report[name] = value;
                }
                assert!(!world.feed(report).await);
            }
            Step::Stolen => {
                self.asked += 1;
                let stolen = json!({"id": "s", "at": world.now(), "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(self.asked)});
                assert!(!world.feed(stolen).await);
            }
            Step::SignIn { far } => {
                let now = world.now();
                let sign_in = if *far { ANA.sign_in_of_a_thief(&now) } else { ANA.sign_in_at_home(&now) };
                assert!(!world.behaviour(sign_in).await);
            }
            Step::Down(which) => {
                let all = ["email", "sms", "push"];
                let down: Vec<&str> =
                    all.into_iter().enumerate().filter(|(n, _)| which & (1 << n) != 0).map(|(_, name)| name).collect();
                world.inbox.down(&down);
            }
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, max_shrink_iters: 64, ..ProptestConfig::default() })]

    /// After each step of any story: whatever was authorized or released had every gate closed (I1), nothing
    /// went against a lock or past an end (I2), no code won twice or was guessed at too often (I3), and the
    /// ledger alone makes the state (I5).
    #[test]
    fn i1_i5_whatever_the_interleaving_the_ledger_shows_every_gate_closed_and_makes_the_state(steps in steps(60)) {
        block_on(async {
            let mut story = Story::begin().await;
            for (n, step) in steps.iter().enumerate() {
                story.step(step).await;
                // The ledger keeps what each step did; the state is compared every few.
                if n % 10 == 9 {
                    audit(&story.world, &ANA).await;
                }
            }
            story.world.inbox.down(&[]);
            story.world.pump().await;
            story.world.tick().await;
            audit(&story.world, &ANA).await;
        });
    }
}

// ---- I2: one authorization, and what commits before it wins ----

/// What may come first.
#[derive(Clone, Copy, Debug)]
enum First {
    LineLock,
    LineLockStepUp,
    AccountLock,
    AccountLockStepUp,
    Lockdown,
    Cancel,
    NotMe,
    LineEnded,
    AccountClosed,
}

const FIRST: [First; 9] = [
    First::LineLock,
    First::LineLockStepUp,
    First::AccountLock,
    First::AccountLockStepUp,
    First::Lockdown,
    First::Cancel,
    First::NotMe,
    First::LineEnded,
    First::AccountClosed,
];

impl First {
    async fn happen(self, world: &World, change: &str) {
        let line = Some(ANA.line);
        let status = match self {
            Self::LineLock => world.protect(&ANA, "never_sim_swap", "block", line).await.status,
            Self::LineLockStepUp => world.protect(&ANA, "never_sim_swap", "step_up", line).await.status,
            Self::AccountLock => world.protect(&ANA, "never_sim_swap", "block", None).await.status,
            Self::AccountLockStepUp => world.protect(&ANA, "never_sim_swap", "step_up", None).await.status,
            Self::Lockdown => world.protect(&ANA, "account_lockdown", "block", None).await.status,
            Self::Cancel => world.cancel(&ANA, change).await.status,
            Self::NotMe => world.not_me(&world.inbox.link_token()).await.status,
            Self::LineEnded => {
                let ended =
                    json!({"id": "e", "at": world.now(), "type": "line_ended", "account_id": ANA.account, "line_id": ANA.line});
                if world.feed(ended).await { 500 } else { 200 }
            }
            Self::AccountClosed => {
                let closed = json!({"id": "c", "at": world.now(), "type": "account_closed", "account_id": ANA.account});
                if world.feed(closed).await { 500 } else { 200 }
            }
        };
        assert_eq!(status, 200, "{self:?}");
    }
}

/// A change whose authorization is granted and not yet signed.
async fn granted() -> (World, String) {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    assert!(world.pump().await);
    assert_eq!(world.prove(&ANA, &change, "push_otp").await.body["status"], "authorized");
    (world, change)
}

/// Nothing left, nothing was recorded as out, and the change is over.
async fn assert_withheld(world: &World, change: &str, first: First) {
    assert!(world.topic.authorizations().is_empty(), "{first:?} came first, and a signature left");
    assert_eq!(audit(world, &ANA).await.count(EventName::Released), 0, "{first:?}");
    assert!(matches!(stage(world, change).await, Stage::Ended { how: Ending::Refused | Ending::Cancelled, .. }), "{first:?}");
}

#[tokio::test]
async fn i2_what_commits_between_the_authorization_and_its_signature_wins() {
    for first in FIRST {
        let (world, change) = granted().await;
        first.happen(&world, &change).await;
        world.pump().await;
        assert_withheld(&world, &change, first).await;
    }
}

/// Keys that let something happen while KMS works.
struct Meanwhile<F> {
    keys: Arc<Keys>,
    act: F,
}

impl<F: Fn() -> BoxFuture<'static, ()> + Send + Sync> Signer for Meanwhile<F> {
    fn sign<'a>(&'a self, message: &'a [u8]) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(async move {
            let signature = self.keys.sign(message).await;
            (self.act)().await;
            signature
        })
    }

    fn key_id(&self) -> &str {
        self.keys.key_id()
    }
}

impl<F: Fn() -> BoxFuture<'static, ()> + Send + Sync> CodeCheck for Meanwhile<F> {
    fn check<'a>(&'a self, input: &'a Digest, mac: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let right = self.keys.check(input, mac).await;
            (self.act)().await;
            right
        })
    }
}

/// Keys while whose work something comes first.
fn meanwhile(
    world: &Arc<World>,
    change: &str,
    first: First,
) -> Arc<Meanwhile<impl Fn() -> BoxFuture<'static, ()> + Send + Sync + use<>>> {
    let (keys, world, change) = (world.keys.clone(), world.clone(), change.to_owned());
    let act = move || -> BoxFuture<'static, ()> {
        let (world, change) = (world.clone(), change.clone());
        Box::pin(async move { apart(move || async move { first.happen(&world, &change).await }).await.unwrap() })
    };
    Arc::new(Meanwhile { keys, act })
}

#[tokio::test]
async fn i2_what_commits_while_kms_signs_wins() {
    for first in FIRST {
        let (world, change) = granted().await;
        let world = Arc::new(world);
        let notify = change_notify::App {
            shell: world.shell.clone(),
            signer: meanwhile(&world, &change, first),
            messenger: Arc::new(world.inbox.clone()),
            publisher: Arc::new(world.topic.clone()),
            answers: Arc::new(world.gateway.clone()),
            issuer: ISSUER.to_owned(),
            origin: "https://my.carrier.example".to_owned(),
        };
        let (pk, seq, event) = world.undelivered().await.into_iter().next().unwrap();
        notify.handle(event).await.unwrap();
        world.mark(&pk, seq).await;
        assert_withheld(&world, &change, first).await;
    }
}

#[tokio::test]
async fn i2_what_commits_while_kms_compares_the_last_code_wins() {
    for first in FIRST {
        let world = Arc::new(ana().await);
        let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        world.pump().await;
        let challenge = world.challenge(&ANA, &change, "push_otp").await.text("challenge_id");
        let check = meanwhile(&world, &change, first);
        let verify = otp_verify::App {
            shell: world.shell.clone(),
            door: linekeeper_tests::world::door(),
            check,
            unsealer: world.keys.clone(),
            relying_party: linekeeper_tests::world::relying_party(),
        };
        let path = format!("/v1/changes/{change}/challenges/{challenge}/answer");
        let event = json!({"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {"content-type": "application/json", "x-linekeeper-device": LAPTOP},
            "isBase64Encoded": false, "body": json!({"code": world.inbox.code()}).to_string(),
            "requestContext": {"stage": "$default", "requestId": "r", "time": "t", "timeEpoch": 1, "authorizer": {"jwt": {"claims": customer(&ANA), "scopes": null}},
                "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "test"}}});
        verify.handle(serde_json::from_value(event).unwrap()).await;
        let audit = audit(&world, &ANA).await;
        // A lock in mode `step_up` asks for more; every other one ends it.
        assert_eq!(audit.count(EventName::Authorized), 0, "{first:?} came first");
        world.pump().await;
        assert!(world.topic.authorizations().is_empty(), "{first:?}");
    }
}

#[tokio::test]
async fn i2_what_commits_after_the_signature_keeps_a_repeat_of_it_in() {
    for first in FIRST {
        let (world, change) = granted().await;
        let (pk, seq, event) = world.undelivered().await.into_iter().next().unwrap();
        world.notify.handle(event.clone()).await.unwrap();
        world.mark(&pk, seq).await;
        assert_eq!(world.topic.authorizations().len(), 1);
        first.happen(&world, &change).await;
        world.notify.handle(event).await.unwrap();
        assert_eq!(world.topic.authorizations().len(), 1, "{first:?}: it left once more");
        audit(&world, &ANA).await;
    }
}

#[tokio::test]
async fn i2_every_signature_is_of_one_and_the_same_authorization_and_none_is_made_after_its_end() {
    let (world, _) = granted().await;
    let (_, _, event) = world.undelivered().await.into_iter().next().unwrap();
    for _ in 0..5 {
        world.notify.handle(event.clone()).await.unwrap();
        world.clock.advance(Span::minutes(3));
    }
    assert_eq!(world.topic.authorizations().len(), 5);
    // At the fifteenth minute it is too old.
    world.notify.handle(event).await.unwrap();
    let audit = audit(&world, &ANA).await;
    assert_eq!(audit.authorizations.len(), 5);
    assert!(audit.authorizations.windows(2).all(|two| two[0] == two[1]), "{:#?}", audit.authorizations);
    assert_eq!((audit.count(EventName::Authorized), audit.count(EventName::Released)), (1, 1));
}

#[tokio::test]
async fn i2_an_authorization_whose_time_is_over_does_not_leave_for_the_first_time_either() {
    let (world, change) = granted().await;
    world.clock.advance(Span::minutes(15));
    world.pump().await;
    assert!(world.topic.authorizations().is_empty());
    assert_eq!(audit(&world, &ANA).await.count(EventName::Released), 0);

    // Decided on what stands, a second before its end and at it.
    let view = world.shell.store.read(&world.account(&ANA).await.state.id, &World::subject(&ANA)).await.unwrap();
    let id = ChangeId::parse(&change).unwrap();
    let granted = view.change(&id).unwrap().authorization().unwrap().clone();
    let release = |now| decide::release(&view, &id, &granted, decide::Context { now, ..world.shell.context() }).unwrap();
    assert!(matches!(release(granted.expires_at - Span::seconds(1)), Release::Now(_)));
    assert!(matches!(release(granted.expires_at), Release::Never(_)));
}

#[tokio::test]
async fn i2_a_key_used_again_after_its_change_is_forgotten_never_gives_the_same_authorization_another_content() {
    let world = ana().await;
    let first = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &first, "push_otp").await;
    world.pump().await;
    assert_eq!(world.cancel(&ANA, &first).await.status, 200);
    for n in 0..6 {
        let other = world.ask(&ANA, &format!("other{n}"), &ANA.sim_swap(&iccid(1))).await.text("change_id");
        world.clock.advance(Span::seconds(1));
        world.cancel(&ANA, &other).await;
    }
    world.pump().await;
    let again = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(2))).await;
    if again.status == 201 {
        world.pump().await;
        world.prove(&ANA, &again.text("change_id"), "push_otp").await;
        world.pump().await;
    }
    let signed: Vec<Value> = world.topic.authorizations().iter().map(|jws| crate::audit::claims(&world, jws)).collect();
    assert!(signed.len() < 2 || signed[0]["jti"] != signed[1]["jti"], "{signed:#?}");
}

#[tokio::test]
async fn i3_the_mac_of_a_code_covers_account_change_content_challenge_factor_and_code() {
    use linekeeper_domain::decide::mac_input;
    use linekeeper_domain::ids::ChallengeId;
    use linekeeper_domain::kinds::Factor;
    use linekeeper_domain::secret::OtpCode;

    let world = ana().await;
    let id = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let swap = stored(&world, &id).await;
    let other_sim = Change {
        details: serde_json::from_value(json!({"kind": "sim_swap", "sim": {"iccid": iccid(2)}})).unwrap(),
        ..swap.clone()
    };
    let other_change = Change { id: ChangeId::parse(&format!("line.{}.other", ANA.line)).unwrap(), ..swap.clone() };
    let account = |id: &str| AccountId::parse(id).unwrap();
    let challenge = |id: &str| ChallengeId::parse(id).unwrap();
    let mut inputs = vec![
        mac_input(&account(ANA.account), &swap, &challenge("ch_1"), Factor::SmsOtp, &OtpCode::from_number(1)),
        mac_input(&account(BEA.account), &swap, &challenge("ch_1"), Factor::SmsOtp, &OtpCode::from_number(1)),
        mac_input(&account(ANA.account), &other_sim, &challenge("ch_1"), Factor::SmsOtp, &OtpCode::from_number(1)),
        mac_input(&account(ANA.account), &other_change, &challenge("ch_1"), Factor::SmsOtp, &OtpCode::from_number(1)),
        mac_input(&account(ANA.account), &swap, &challenge("ch_2"), Factor::SmsOtp, &OtpCode::from_number(1)),
        mac_input(&account(ANA.account), &swap, &challenge("ch_1"), Factor::PushOtp, &OtpCode::from_number(1)),
        mac_input(&account(ANA.account), &swap, &challenge("ch_1"), Factor::SmsOtp, &OtpCode::from_number(2)),
    ];
    inputs.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    inputs.dedup();
    assert_eq!(inputs.len(), 7);
}

// ---- I4: losing or delaying any input never lowers the requirement ----

/// What the newest change of the line needs.
async fn needed(world: &World, asked: &Answer) -> Requirement {
    assert_eq!(asked.status, 201, "{}", asked.body);
    let id = asked.text("change_id");
    let line = world.line(&ANA).await.state;
    line.book.changes.into_values().find(|change| change.id.as_str() == id).unwrap().need
}

/// What a SIM swap asked for with these headers needs. It is stopped again.
async fn need_of(world: &World, key: &str, headers: &[(&str, &str)]) -> Requirement {
    let asked = world.ask_from(&ANA, headers, key, &ANA.sim_swap(&iccid(1))).await;
    let need = needed(world, &asked).await;
    assert_eq!(world.cancel(&ANA, &asked.text("change_id")).await.status, 200);
    need
}

fn often() -> Settings {
    Settings { changes_per_day: 100, ..Settings::default() }
}

#[tokio::test]
async fn i4_a_lost_or_broken_header_never_lowers_what_the_same_request_needs() {
    let world = ana_with(often()).await;
    let benign = need_of(&world, "benign", AT_HOME).await;
    let mut n = 0;
    for (lost, _) in AT_HOME {
        for broken in [None, Some(""), Some("999999999999"), Some("not what it should be; DROP TABLE")] {
            let headers: Vec<(&str, &str)> = AT_HOME
                .iter()
                .filter_map(
                    |(name, value)| if name == lost { broken.map(|broken| (*name, broken)) } else { Some((*name, *value)) },
                )
                .collect();
            n += 1;
            let need = need_of(&world, &format!("k{n}"), &headers).await;
            assert!(need.at_least(&benign), "{lost} as {broken:?}: {need:?}");
        }
    }
    // All but one, and none at all.
    for kept in 0..=AT_HOME.len() {
        let headers: Vec<(&str, &str)> =
            AT_HOME.iter().copied().enumerate().filter_map(|(at, header)| (at == kept).then_some(header)).collect();
        let need = need_of(&world, &format!("only{kept}"), &headers).await;
        assert!(need.at_least(&benign), "only {headers:?}: {need:?}");
    }
}

#[tokio::test]
async fn i4_facts_of_the_network_are_believed_only_with_the_edges_secret() {
    let world = ana_with(often()).await;
    let benign = need_of(&world, "benign", AT_HOME).await;
    for (n, secret) in [None, Some(""), Some("guessed"), Some("edge-secret-and-more")].into_iter().enumerate() {
        let facts = AT_HOME.iter().copied().filter(|(name, _)| *name != "x-linekeeper-edge");
        let headers: Vec<(&str, &str)> = facts.chain(secret.map(|secret| ("x-linekeeper-edge", secret))).collect();
        let need = need_of(&world, &format!("k{n}"), &headers).await;
        assert!(need.at_least(&benign) && need != benign, "{secret:?}: {need:?}");
    }
}

/// Puts something else into the stored profile, or takes it away.
async fn corrupt_profile(world: &World, body: Option<AttributeValue>) {
    let key = |name: &str| AttributeValue::S(name.to_owned());
    let pk = key(&format!("v1#{}", ANA.account));
    match body {
        Some(body) => {
            let call = world.client.update_item().table_name(STATE).key("pk", pk).key("sk", key("PROFILE"));
            call.update_expression("SET body = :body").expression_attribute_values(":body", body).send().await.unwrap();
        }
        None => {
            world.client.delete_item().table_name(STATE).key("pk", pk).key("sk", key("PROFILE")).send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn i4_a_lost_or_unreadable_profile_never_lowers_what_the_same_request_needs() {
    let broken = [
        None,
        Some(AttributeValue::S("no profile".to_owned())),
        Some(AttributeValue::Null(true)),
        Some(AttributeValue::M([("devices".to_owned(), AttributeValue::Bool(true))].into())),
    ];
    for (n, body) in broken.into_iter().enumerate() {
        let world = ana().await;
        let benign = need_of(&world, "benign", AT_HOME).await;
        corrupt_profile(&world, body.clone()).await;
        let asked = world.ask(&ANA, &format!("k{n}"), &ANA.sim_swap(&iccid(1))).await;
        let need = needed(&world, &asked).await;
        assert!(need.at_least(&benign) && need != benign, "{body:?}: {need:?}");
        // And it does not stand in the way of what never waits.
        assert_eq!(world.cancel(&ANA, &asked.text("change_id")).await.status, 200);
    }
}

#[tokio::test]
async fn i4_an_unreadable_profile_holds_what_moves_the_line() {
    let world = ana().await;
    corrupt_profile(&world, Some(AttributeValue::S("no profile".to_owned()))).await;
    let asked = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    assert!(asked.body["hold_until"].is_string(), "{}", asked.body);
    let change = asked.text("change_id");
    assert_eq!(audit(&world, &ANA).await.requested(&change).decision.band, Band::Unavailable);
    // SMS alone does not count then.
    assert_eq!(world.challenge(&ANA, &change, "sms_otp").await.problem(), "factor-not-offered");
}

#[tokio::test]
async fn i4_behaviour_that_never_arrives_never_lowers_what_a_request_needs() {
    let heard = ana_with(often()).await;
    let deaf = World::with(often()).await;
    for record in ANA.opening(&deaf.now()) {
        deaf.feed(record).await;
    }
    deaf.clock.advance(Span::days(30));
    for (n, headers) in [AT_HOME, IN_CALIFORNIA].into_iter().enumerate() {
        let (known, unknown) =
            (need_of(&heard, &format!("k{n}"), headers).await, need_of(&deaf, &format!("k{n}"), headers).await);
        if n == 0 {
            assert!(unknown.at_least(&known), "{unknown:?}");
        }
        assert!(unknown.at_least(&need_of(&heard, &format!("home{n}"), AT_HOME).await), "{unknown:?}");
    }
}

#[tokio::test]
async fn i4_what_is_learnt_late_raises_an_open_change_and_nothing_lowers_it_again() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let before = stored(&world, &change).await.need;
    assert!(!world.behaviour(ANA.sign_in_of_a_thief(&world.now())).await);
    let raised = stored(&world, &change).await;
    assert!(raised.need.at_least(&before) && raised.need != before, "{:?}", raised.need);
    assert!(raised.hold_until.is_some());
    // A friendly sign-in, later, takes nothing back; neither does proving what was asked for first.
    assert!(!world.behaviour(ANA.sign_in_at_home(&world.now())).await);
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    let after = stored(&world, &change).await;
    assert_eq!((after.need, after.hold_until, after.stage), (raised.need, raised.hold_until, Stage::Open));
    audit(&world, &ANA).await;
}

async fn stored(world: &World, change: &str) -> Change {
    let line = world.line(&ANA).await.state;
    line.book.changes.into_values().find(|known| known.id.as_str() == change).unwrap()
}

// ---- I5: every change of state has its entry, and the chain verifies ----

#[tokio::test]
async fn i5_changing_any_byte_of_any_entry_breaks_the_chain() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    world.prove(&ANA, &change, "push_otp").await;
    world.pump().await;
    let ledger = world.ledger(&ANA, &World::subject(&ANA)).await;
    let head = world.line(&ANA).await.head;
    let holds = |ledger: &[String]| replay::<Line>(ledger.iter().map(String::as_str)).is_ok_and(|(_, found, _)| found == head);
    assert!(ledger.len() >= 6 && holds(&ledger));
    let mut broken = 0;
    for entry in 0..ledger.len() {
        // Every byte of one entry in seven, so that every kind of place is met in every entry.
        for at in (entry % 7..ledger[entry].len()).step_by(7) {
            let mut changed = ledger.clone();
            let byte = changed[entry].as_bytes()[at];
            let other = if byte == b'1' { "2" } else { "1" };
            changed[entry].replace_range(at..=at, other);
            assert!(!holds(&changed), "byte {at} of entry {entry} can be changed");
            broken += 1;
        }
    }
    assert!(broken > 500, "{broken}");
    for entry in 0..ledger.len() {
        let mut shorter = ledger.clone();
        shorter.remove(entry);
        assert!(!holds(&shorter), "entry {entry} can be left out");
        let mut doubled = ledger.clone();
        doubled.insert(entry, ledger[entry].clone());
        assert!(!holds(&doubled), "entry {entry} can be doubled");
        if entry > 0 {
            let mut swapped = ledger.clone();
            swapped.swap(entry - 1, entry);
            assert!(!holds(&swapped), "entries {entry} and the one before can change places");
        }
    }
}

#[tokio::test]
async fn i5_no_entry_is_ever_written_over_even_where_the_state_has_gone_back() {
    let world = ana().await;
    let item = |item: &std::collections::HashMap<String, AttributeValue>| item["sk"].as_s().unwrap().starts_with("LINE#");
    let old = world.items(STATE).await.into_iter().find(item).unwrap();
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    let before = world.ledger(&ANA, &World::subject(&ANA)).await;
    // As if the state had been restored from an older copy, and the ledger not.
    world.client.put_item().table_name(STATE).set_item(Some(old)).send().await.unwrap();
    let again = world.ask(&ANA, "k2", &ANA.sim_swap(&iccid(2))).await;
    assert_eq!(again.problem(), "try-again", "{}", again.body);
    assert_eq!(world.ledger(&ANA, &World::subject(&ANA)).await, before, "{change}");
}

// ---- I6: every notice is accepted by a channel or escalated to a person ----

/// How often each channel accepted a notice that begins so.
fn accepted(world: &World, beginning: &str) -> [usize; 3] {
    let all = world.inbox.all();
    let on = |is: fn(&Address) -> bool| all.iter().filter(|mail| is(&mail.to) && mail.text.short.starts_with(beginning)).count();
    [on(|to| matches!(to, Address::Email(_))), on(|to| matches!(to, Address::Push(_))), on(|to| matches!(to, Address::Sms(_)))]
}

const ASKED: &str = "Someone asked";

async fn later(world: &World) {
    world.clock.advance(Span::minutes(2));
    world.tick().await;
}

#[tokio::test]
async fn i6_where_every_channel_is_down_it_is_tried_again_and_then_a_person_is_paged() {
    let world = ana().await;
    world.inbox.down(&["email", "push", "sms"]);
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    for _ in 0..4 {
        later(&world).await;
        assert!(world.topic.all().iter().all(|event| !event.page), "paged too early");
    }
    later(&world).await;
    let pages: Vec<_> = world.topic.all().into_iter().filter(|event| event.page).collect();
    assert_eq!(pages.iter().map(|event| event.event).collect::<Vec<_>>(), [EventName::GivenUp]);
    for _ in 0..3 {
        later(&world).await;
    }
    let audit = audit(&world, &ANA).await;
    assert_eq!((audit.count(EventName::Retried), audit.count(EventName::GivenUp)), (4, 1));
    assert_eq!(world.topic.all().iter().filter(|event| event.page).count(), 1, "one page is enough");
    assert!(is_open(&world, &change).await, "nobody was told");
}

#[tokio::test]
async fn i6_where_one_channel_is_down_the_others_tell_and_it_alone_is_tried_again() {
    for (channel, first, healed) in
        [("email", [0, 1, 1], [1, 1, 1]), ("push", [1, 0, 1], [1, 1, 1]), ("sms", [1, 1, 0], [1, 1, 1])]
    {
        let world = ana().await;
        world.inbox.down(&[channel]);
        let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        world.pump().await;
        assert_eq!(accepted(&world, ASKED), first);
        assert_eq!(world.change(&ANA, &change).await["told"], true);
        later(&world).await;
        later(&world).await;
        assert_eq!(accepted(&world, ASKED), first);
        world.inbox.down(&[]);
        later(&world).await;
        later(&world).await;
        assert_eq!(accepted(&world, ASKED), healed, "{channel}");
        let audit = audit(&world, &ANA).await;
        assert_eq!((audit.count(EventName::Retried), audit.count(EventName::GivenUp)), (3, 0));
    }
}

#[tokio::test]
async fn i6_a_channel_that_never_comes_back_is_given_up_without_waking_anyone() {
    let world = ana().await;
    world.inbox.down(&["email"]);
    world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await;
    world.pump().await;
    for _ in 0..6 {
        later(&world).await;
    }
    assert_eq!(accepted(&world, ASKED), [0, 1, 1]);
    assert_eq!(audit(&world, &ANA).await.count(EventName::GivenUp), 1);
    assert!(world.topic.all().iter().all(|event| !event.page));
    assert!(world.line(&ANA).await.state.book.untold.is_empty());
}

#[tokio::test]
async fn i6_a_record_of_the_stream_that_is_lost_is_told_by_the_sweep() {
    let world = ana().await;
    let change = world.ask(&ANA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    for (pk, seq, _) in world.undelivered().await {
        world.mark(&pk, seq).await;
    }
    world.pump().await;
    assert_eq!(accepted(&world, ASKED), [0, 0, 0]);
    later(&world).await;
    assert_eq!(accepted(&world, ASKED), [1, 1, 1]);
    assert_eq!(world.change(&ANA, &change).await["told"], true);
    later(&world).await;
    assert_eq!(accepted(&world, ASKED), [1, 1, 1], "it was told once");
    assert_eq!(audit(&world, &ANA).await.count(EventName::GivenUp), 0);
}

#[tokio::test]
async fn i6_however_the_channels_fail_each_accepts_a_notice_once() {
    let world = ana_with(often()).await;
    assert_eq!(world.protect(&ANA, "never_sim_swap", "block", Some(ANA.line)).await.status, 200);
    world.pump().await;
    let channels = ["email", "push", "sms"];
    let down = |set: usize| {
        channels.iter().enumerate().filter_map(|(n, name)| (set & (1 << n) != 0).then_some(*name)).collect::<Vec<_>>()
    };
    for first in 0..8 {
        for second in [0, 3, 5, 6, 7] {
            world.inbox.clear();
            world.inbox.down(&down(first));
            assert_eq!(world.ask(&ANA, &format!("k{first}{second}"), &ANA.sim_swap(&iccid(1))).await.problem(), "refused");
            world.pump().await;
            world.inbox.down(&down(second));
            later(&world).await;
            world.inbox.down(&[]);
            later(&world).await;
            later(&world).await;
            assert_eq!(accepted(&world, ASKED), [1, 1, 1], "{first} then {second}");
        }
    }
    assert!(world.line(&ANA).await.state.book.untold.is_empty());
    audit(&world, &ANA).await;
}

// ---- I7: stopping works while anything is throttled, and needs one owned channel ----

/// A world in which every budget of the line is used up, with one change open and released.
async fn exhausted() -> (World, String, String) {
    let world = ana_with(Settings { resend_after: Span::seconds(0), ..Settings::default() }).await;
    let change = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
    world.pump().await;
    let link = world.inbox.link_token();
    let mut challenge = String::new();
    for _ in 0..4 {
        challenge = world.challenge(&ANA, &change, "push_otp").await.text("challenge_id");
        let wrong = if world.inbox.code() == "000000" { "000001" } else { "000000" };
        for _ in 0..5 {
            assert_eq!(world.answer(&ANA, &change, &challenge, wrong).await.problem(), "code-wrong");
        }
    }
    assert_eq!(world.answer(&ANA, &change, &challenge, "000000").await.problem(), "too-many-attempts");
    assert_eq!(world.challenge(&ANA, &change, "push_otp").await.problem(), "too-many-attempts");
    for n in 1..20 {
        world.ask(&ANA, &format!("k{n}"), &json!({"kind": "number_change", "line_id": ANA.line})).await;
        let view = world.line(&ANA).await.state;
        for open in view
            .book
            .changes
            .values()
            .filter(|open| open.kind() != linekeeper_domain::kinds::ChangeKind::SimSwap && open.stage == Stage::Open)
        {
            world.cancel(&ANA, open.id.as_str()).await;
        }
    }
    assert_eq!(
        world.ask(&ANA, "last", &json!({"kind": "number_change", "line_id": ANA.line})).await.problem(),
        "too-many-requests"
    );
    for n in 0..10 {
        world
            .behaviour(json!({"id": n.to_string(), "at": world.now(), "type": "sign_in", "account_id": ANA.account, "ok": false}))
            .await;
    }
    (world, change, link)
}

#[tokio::test]
async fn i7_cancelling_works_while_every_budget_is_used_up() {
    let (world, change, _) = exhausted().await;
    let stopped = world.cancel(&ANA, &change).await;
    assert_eq!((stopped.status, stopped.body["status"].as_str()), (200, Some("cancelled")), "{}", stopped.body);
    // Again and again, as often as she likes.
    for _ in 0..30 {
        assert_eq!(world.cancel(&ANA, &change).await.status, 200);
    }
    audit(&world, &ANA).await;
}

#[tokio::test]
async fn i7_one_tap_works_while_every_budget_is_used_up_and_again_after() {
    let (world, change, link) = exhausted().await;
    for _ in 0..30 {
        assert_eq!(world.not_me(&link).await.status, 200);
    }
    assert_eq!(status(&world, &change).await, "cancelled");
    assert_eq!(world.ask(&ANA, "after", &ANA.sim_swap(&iccid(3))).await.status, 429);
    let account = world.account(&ANA).await.state;
    assert!(account.protections.0.contains_key(&linekeeper_domain::kinds::Protection::AccountLockdown));
    audit(&world, &ANA).await;
}

#[tokio::test]
async fn i7_one_channel_of_hers_is_enough_to_stop_it_whichever_it_is() {
    for only in ["email", "push", "sms"] {
        let world = ana().await;
        let others: Vec<&str> = ["email", "push", "sms"].into_iter().filter(|channel| *channel != only).collect();
        world.inbox.down(&others);
        let change = world.ask_from(&ANA, IN_CALIFORNIA, "k", &ANA.sim_swap(&iccid(1))).await.text("change_id");
        world.pump().await;
        assert_eq!(world.inbox.all().len(), 1);
        assert_eq!(world.not_me(&world.inbox.link_token()).await.status, 200);
        assert_eq!(status(&world, &change).await, "cancelled", "{only}");
    }
}

#[tokio::test]
async fn i7_protections_go_on_and_staff_stop_a_change_while_every_budget_is_used_up() {
    let (world, change, _) = exhausted().await;
    let contact = world.desk_begin(&representative("phone"), &ANA, "fraud").await.text("contact_id");
    assert_eq!(world.desk(&representative("phone"), &contact, "stop", &json!({})).await.status, 200);
    assert_eq!(world.change(&ANA, &change).await["status"], "cancelled");
    assert_eq!(world.protect(&ANA, "never_sim_swap", "block", Some(ANA.line)).await.status, 200);
}

// ---- I9: unknown, another's and malformed look the same ----

#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    body: Value,
    headers: Vec<(String, String)>,
    calls: Vec<Call>,
}

/// What a caller can see of an answer, and what it cost.
async fn seen(world: &World, method: &str, path: &str, body: Option<&Value>) -> Seen {
    world.tap.begin(None);
    let headers: Vec<(&str, &str)> = AT_HOME.iter().copied().chain([("idempotency-key", "\"probe\"")]).collect();
    let answer = world.call(Some(&customer(&ANA)), method, path, &headers, body).await;
    Seen { status: answer.status, body: answer.body, headers: answer.headers.into_iter().collect(), calls: world.tap.calls() }
}

/// Ana and Bea, each with an open change and an open challenge: Ana's ids, then Bea's.
async fn two() -> (World, [String; 2], [String; 2]) {
    let world = ana().await;
    world.customer(&BEA).await;
    let mut ids = Vec::new();
    for person in [ANA, BEA] {
        let person: &'static linekeeper_tests::Person = if person.account == ANA.account { &ANA } else { &BEA };
        let change = world.ask(person, "k", &person.sim_swap(&iccid(1))).await.text("change_id");
        let challenge = world.challenge(person, &change, "push_otp").await.text("challenge_id");
        ids.push([change, challenge]);
    }
    let bea = ids.pop().unwrap();
    (world, ids.pop().unwrap(), bea)
}

/// Paths in which a change's id stands.
fn about(change: &str, challenge: &str) -> [(&'static str, String, Option<Value>); 4] {
    [
        ("GET", format!("/v1/changes/{change}"), None),
        ("POST", format!("/v1/changes/{change}/cancel"), None),
        ("POST", format!("/v1/changes/{change}/challenges"), Some(json!({"factor": "push_otp"}))),
        ("POST", format!("/v1/changes/{change}/challenges/{challenge}/answer"), Some(json!({"code": "123456"}))),
    ]
}

#[tokio::test]
async fn i9_a_change_that_is_unknown_anothers_or_malformed_looks_the_same() {
    let (world, [ana, _], [bea, challenge]) = two().await;
    let before = world.ledger(&BEA, &World::subject(&BEA)).await;
    let digest = "f".repeat(26);
    let unknown = [format!("line.{}.{digest}", ANA.line), format!("account.{digest}"), format!("line.nobody.{digest}")];
    let malformed = [
        "x".to_owned(),
        "line.".to_owned(),
        "account.".to_owned(),
        "line.a b.c".to_owned(),
        ana.replace('.', ".."),
        "y".repeat(300),
        "%00".to_owned(),
    ];
    for at in 0..4 {
        let (method, path, body) = &about(&bea, &challenge)[at];
        let another = seen(&world, method, path, body.as_ref()).await;
        assert_eq!(another.status, 404, "{method} {path}: {}", another.body);
        assert_eq!(another.calls.len(), 1);
        for id in &unknown {
            let (method, path, body) = &about(id, &challenge)[at];
            assert_eq!(seen(&world, method, path, body.as_ref()).await, another, "{method} {path}");
        }
        for id in &malformed {
            let (method, path, body) = &about(id, &challenge)[at];
            let seen = seen(&world, method, path, body.as_ref()).await;
            // What is no id is known to be none by whoever sent it: no read is spent on it.
            assert_eq!(
                (seen.status, &seen.body, &seen.headers),
                (another.status, &another.body, &another.headers),
                "{method} {path}"
            );
            assert!(seen.calls.is_empty(), "{method} {path}");
        }
    }
    assert_eq!(world.ledger(&BEA, &World::subject(&BEA)).await, before, "nothing of hers was touched");
}

#[tokio::test]
async fn i9_a_challenge_that_is_unknown_anothers_or_malformed_looks_the_same() {
    let (world, [ana, own], [_, bea]) = two().await;
    let answer = |challenge: &str| format!("/v1/changes/{ana}/challenges/{challenge}/answer");
    let guess = json!({"code": "123456"});
    let another = seen(&world, "POST", &answer(&bea), Some(&guess)).await;
    assert_eq!(another.status, 409);
    for challenge in ["ch_000000000000000000000000000000", "x", "a b", "%00", &"y".repeat(300)] {
        assert_eq!(seen(&world, "POST", &answer(challenge), Some(&guess)).await, another, "{challenge}");
    }
    let tries = world.line(&ANA).await.tally;
    assert_eq!((tries.guesses, tries.tries.values().sum::<u32>()), (0, 0), "none of these was a guess");
    assert_eq!(world.answer(&ANA, &ana, &own, "000000").await.status / 100, 4);
    let hers = world.line(&BEA).await.tally;
    assert_eq!(hers.guesses, 0);
}

#[tokio::test]
async fn i9_a_line_that_is_unknown_anothers_or_malformed_looks_the_same() {
    let (world, ..) = two().await;
    let bodies = |line: Value| {
        [
            ("POST", "/v1/changes", json!({"kind": "sim_swap", "line_id": line, "sim": {"iccid": iccid(9)}})),
            ("POST", "/v1/changes", json!({"kind": "protection_off", "line_id": line, "protection": "never_sim_swap"})),
            ("PUT", "/v1/protections", json!({"protection": "never_sim_swap", "mode": "block", "line_id": line})),
        ]
    };
    for at in 0..3 {
        let (method, path, body) = &bodies(json!(BEA.line))[at];
        let another = seen(&world, method, path, Some(body)).await;
        assert_eq!((another.status, another.calls.len()), (404, 1), "{body}");
        for line in [json!("line-of-nobody"), json!("LINE-BEA")] {
            let (method, path, body) = &bodies(line)[at];
            assert_eq!(seen(&world, method, path, Some(body)).await, another, "{body}");
        }
        for line in [json!(""), json!("a b"), json!("line#bea"), json!("z".repeat(300))] {
            let (method, path, body) = &bodies(line)[at];
            let seen = seen(&world, method, path, Some(body)).await;
            assert_eq!(
                (seen.status, seen.body, seen.headers),
                (another.status, another.body.clone(), another.headers.clone()),
                "{body}"
            );
        }
    }
    assert!(world.line(&BEA).await.state.protections.0.is_empty());
}

#[tokio::test]
async fn i9_naming_another_account_finds_nothing_and_touches_nothing() {
    let (world, [ana, challenge], _) = two().await;
    let before = (world.account(&BEA).await, world.line(&BEA).await);
    let mut routes: Vec<(&str, String, Option<Value>)> = about(&ana, &challenge).into();
    routes.push(("GET", "/v1/changes".to_owned(), None));
    routes.push(("GET", "/v1/account".to_owned(), None));
    routes.push(("POST", "/v1/changes".to_owned(), Some(json!({"kind": "add_line"}))));
    routes.push(("PUT", "/v1/protections".to_owned(), Some(json!({"protection": "no_port_out"}))));
    for (method, path, body) in routes {
        let mut answers = Vec::new();
        for account in [BEA.account, "nobody", "not%20an%20id", "", &"q".repeat(200)] {
            answers.push(seen(&world, method, &format!("{path}?account_id={account}"), body.as_ref()).await);
        }
        assert_eq!(answers[0].status, 404, "{method} {path}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {path}: {answers:#?}");
    }
    assert_eq!((world.account(&BEA).await, world.line(&BEA).await), before);
}

#[tokio::test]
async fn i9_lists_and_overviews_hold_nothing_of_anyone_else() {
    let (world, ..) = two().await;
    for path in ["/v1/changes", "/v1/account"] {
        let text = seen(&world, "GET", path, None).await.body.to_string();
        assert!(text.contains(ANA.line) && !text.contains("bea"), "{text}");
    }
}

// ---- I10: a bad message loses nothing ----

/// A batch of a queue, by texts: which of them have to come again.
async fn batch(world: &World, behaviour: bool, bodies: &[String]) -> Vec<String> {
    let records: Vec<Value> =
        bodies.iter().enumerate().map(|(n, body)| json!({"messageId": format!("m{n}"), "body": body})).collect();
    let event = serde_json::from_value(json!({"Records": records})).unwrap();
    let answer = if behaviour {
        serde_json::to_value(world.risk.handle(risk_scoring::Incoming::Queue(event)).await.unwrap()).unwrap()
    } else {
        serde_json::to_value(world.feed.handle(provisioning_feed::Incoming::Queue(event)).await.unwrap()).unwrap()
    };
    let failures = answer["batchItemFailures"].as_array().cloned().unwrap_or_default();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn i10_bad_messages_of_provisioning_are_put_aside_with_their_reasons_and_their_neighbours_processed() {
    let world = ana().await;
    let entries = world.items(linekeeper_tests::world::LEDGER).await.len();
    let [account, line]: [Value; 2] = BEA.opening(&world.now()).try_into().unwrap();
    let mut contact = account.clone();
    contact["contacts"][0]["email"] = json!("other@example.com");
    let mut nobody = line.clone();
    (nobody["account_id"], nobody["line_id"]) = (json!("acct-nobody"), json!("line-nobody"));
    let mut padded = account.clone();
    padded["padding"] = json!("x".repeat(70_000));
    let swapped = |id: &str, at: String, n: u32| json!({"id": id, "at": at, "type": "sim_changed", "account_id": ANA.account, "line_id": ANA.line, "iccid": iccid(n)});
    let bodies: Vec<(Value, &str)> = vec![
        (account.clone(), ""),
        (json!("no JSON"), "malformed"),
        (padded, "too-large"),
        (json!({"id": "1", "at": world.now(), "type": "sim_melted", "account_id": ANA.account}), "malformed"),
        (account.clone(), ""),
        (contact, "does-not-fit"),
        (swapped("old", world.ago(Span::days(60)), 7), "does-not-fit"),
        (swapped("future", (world.clock.now() + Span::minutes(6)).to_string(), 8), "from-the-future"),
        (json!({"id": "1", "at": "yesterday", "type": "account_closed", "account_id": ANA.account}), "malformed"),
        (json!({"id": "1", "at": world.now(), "type": "account_closed", "account_id": "not an id"}), "malformed"),
        (nobody, "again"),
        (
            json!({"id": "d", "at": world.now(), "type": "change_done", "account_id": ANA.account, "change_id": "line.line-ana.0", "authorization_id": "au_0"}),
            "again",
        ),
        (line.clone(), ""),
        (line, ""),
    ];
    let texts: Vec<String> = bodies
        .iter()
        .map(|(body, reason)| if *reason == "malformed" && body.is_string() { "{no JSON".to_owned() } else { body.to_string() })
        .collect();
    let again = batch(&world, false, &texts).await;
    let expected_again: Vec<String> = (0..bodies.len()).filter(|n| bodies[*n].1 == "again").map(|n| format!("m{n}")).collect();
    assert_eq!(again, expected_again);
    let expected: Vec<(String, String)> = texts
        .iter()
        .zip(&bodies)
        .filter(|(_, (_, reason))| !reason.is_empty() && *reason != "again")
        .map(|(text, (_, reason))| (text.clone(), (*reason).to_owned()))
        .collect();
    assert_eq!(world.dead.all(), expected);
    assert_eq!(world.line(&BEA).await.state.msisdn.as_str(), BEA.msisdn, "the neighbours are in");
    assert_eq!(world.items(linekeeper_tests::world::LEDGER).await.len(), entries + 2, "once each");
    assert_eq!(world.line(&ANA).await.state.sim.iccid.as_str(), ANA.iccid);
    // Out of order: what waited for its account is taken when it comes again.
    let mut late = BEA.opening(&world.now());
    (late[0]["account_id"], late[1]["account_id"], late[1]["line_id"]) =
        (json!("acct-late"), json!("acct-late"), json!("line-late"));
    let texts = [late[1].to_string(), late[0].to_string()];
    assert_eq!(batch(&world, false, &texts).await, ["m0"]);
    assert!(batch(&world, false, &texts[..1]).await.is_empty());
}

#[tokio::test]
async fn i10_bad_messages_of_behaviour_are_put_aside_with_their_reasons_and_their_neighbours_processed() {
    let world = ana().await;
    let good = |hours: u32| ANA.sign_in_at_home(&world.ago(Span::hours(hours)));
    let with = |name: &str, value: Value| {
        let mut record = good(1);
        record[name] = value;
        record
    };
    let bodies: Vec<(String, &str)> = vec![
        (good(3).to_string(), ""),
        ("[1,".to_owned(), "malformed"),
        (String::new(), "malformed"),
        (with("padding", json!("x".repeat(70_000))).to_string(), "too-large"),
        (with("type", json!("sign_in_twice")).to_string(), "malformed"),
        (with("ok", json!("yes")).to_string(), "malformed"),
        (with("at", json!("noon")).to_string(), "malformed"),
        (with("at", json!((world.clock.now() + Span::minutes(6)).to_string())).to_string(), "from-the-future"),
        (with("at", json!(world.ago(Span::days(91)))).to_string(), "too-old"),
        (with("account_id", json!("acct-nobody")).to_string(), "again"),
        (with("account_id", json!("not an id")).to_string(), "malformed"),
        (good(3).to_string(), ""),
        (good(20).to_string(), ""),
        (json!({"id": "c", "at": world.now(), "type": "care_contact", "account_id": ANA.account}).to_string(), ""),
    ];
    let before = world.whole(&ANA).await;
    let texts: Vec<String> = bodies.iter().map(|(body, _)| body.clone()).collect();
    let again = batch(&world, true, &texts).await;
    let expected_again: Vec<String> = (0..bodies.len()).filter(|n| bodies[*n].1 == "again").map(|n| format!("m{n}")).collect();
    assert_eq!(again, expected_again);
    let expected: Vec<(String, String)> = bodies
        .iter()
        .filter(|(_, reason)| !reason.is_empty() && *reason != "again")
        .map(|(body, reason)| (body.clone(), (*reason).to_owned()))
        .collect();
    assert_eq!(world.dead.all(), expected);
    let after = world.whole(&ANA).await;
    assert_eq!(after.profile_seq, before.profile_seq + 4, "the neighbours are folded in");
    assert_eq!(after.profile.present().unwrap().since(Stamp::Contact, world.clock.now()), Some(0));
    assert_eq!((after.account, after.lines), (before.account, before.lines));
}

/// Found by chance in the interleavings: the sweep lapses what provisioning, whose clock is a little behind, has done
/// in time.
#[tokio::test]
async fn i1_i5_a_report_within_the_clocks_tolerance_completes_what_has_lapsed() {
    let mut story = Story::begin().await;
    for step in [
        Step::Ask { kind: 0, far: false },
        Step::Pump,
        Step::Challenge { nth: 0, factor: 1 },
        Step::Answer { nth: 0, right: true },
        Step::Pump,
        Step::Advance(900),
        Step::Tick,
        Step::Report(0),
    ] {
        story.step(&step).await;
    }
    audit(&story.world, &ANA).await;
}
