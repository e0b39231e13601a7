//! The invariants once more, for every factor that can be asked for.

use std::sync::Arc;

use linekeeper_domain::config::Settings;
use linekeeper_domain::time::Span;
use linekeeper_platform::clock::Clock as _;
use linekeeper_tests::enrol::{add_key, add_paper, add_passkey, add_totp, days_pass};
use linekeeper_tests::log::{leak, written};
use linekeeper_tests::people::{ANA, BEA};
use linekeeper_tests::race::{CALLERS, together};
use linekeeper_tests::world::{LEDGER, ORIGIN};
use linekeeper_tests::{Answer, App, DeviceKey, Phone, Session, World, iccid};
use serde_json::{Value, json};

/// Every factor that is asked for. The device's key is silent; SMS comes last, because its case locks the account.
const FACTORS: [&str; 6] = ["passkey", "totp", "recovery_code", "push_otp", "email_otp", "sms_otp"];

/// A customer with every factor, old enough to count.
struct Armed {
    world: Arc<World>,
    phone: Phone,
    app: App,
    paper: Vec<String>,
    key: DeviceKey,
}

/// A challenge that is open, and the session that asked for it.
struct Asked {
    factor: &'static str,
    session: Session,
    change: String,
    challenge: Answer,
}

impl Asked {
    fn id(&self) -> String {
        self.challenge.text("challenge_id")
    }
}

impl Armed {
    async fn new() -> Self {
        let settings = Settings { resend_after: Span::default(), guess_waits: [Span::default(); 2], ..Settings::default() };
        let world = Arc::new(World::with(settings).await);
        world.customer(&ANA).await;
        let (home, mut phone, key) = (Session::at_home(&ANA), Phone::new(1), DeviceKey::new(1));
        add_passkey(&world, &home, &mut phone).await;
        let app = add_totp(&world, &home).await;
        let paper = add_paper(&world, &home).await;
        add_key(&world, &home, &key).await;
        days_pass(&world, &ANA, 8).await;
        Self { world, phone, app, paper, key }
    }

    fn session(&self) -> Session {
        Session::at_home(&ANA).signed_by(&self.key)
    }

    /// A change that takes the factor.
    async fn body(&self, factor: &str) -> Value {
        match factor {
            // Stands in where the phone is lost.
            "email_otp" => json!({"kind": "sim_swap", "line_id": ANA.line, "sim": {"iccid": iccid(1)}, "phone_lost": true}),
            // Proves the SIM, so nothing that moves it; one of two where a protection asks for two.
            "sms_otp" => {
                assert_eq!(self.world.protect(&ANA, "account_lockdown", "step_up", None).await.status, 200);
                json!({"kind": "device_upgrade", "line_id": ANA.line, "imei": "356938035643809"})
            }
            _ => ANA.sim_swap(&iccid(1)),
        }
    }

    /// A change that takes the factor, told, with its challenge open.
    async fn ask(&self, factor: &'static str) -> Asked {
        let session = self.session();
        let asked = self.world.ask_as(&session, &format!("{factor}-{}", self.world.now()), &self.body(factor).await).await;
        assert_eq!(asked.status, 201, "{factor}: {}", asked.body);
        assert!(self.world.pump().await);
        let change = asked.text("change_id");
        let challenge = self.world.challenge_as(&session, &change, factor).await;
        assert_eq!(challenge.status, 201, "{factor}: {} {}", challenge.body, asked.body);
        Asked { factor, session, change, challenge }
    }

    fn right(&mut self, asked: &Asked) -> Value {
        match asked.factor {
            "passkey" => json!({"passkey": self.phone.get(&asked.challenge.body["passkey"], ORIGIN)}),
            "totp" => json!({"code": self.app.code(self.world.clock.now())}),
            "recovery_code" => json!({"code": self.paper.pop().unwrap()}),
            _ => json!({"code": self.world.inbox.code()}),
        }
    }

    fn wrong(&mut self, asked: &Asked) -> Value {
        match asked.factor {
            "passkey" => {
                let elsewhere = self.phone.get(&asked.challenge.body["passkey"], "https://elsewhere.example");
                json!({"passkey": elsewhere})
            }
            "totp" => json!({"code": self.app.wrong(self.world.clock.now())}),
            "recovery_code" => json!({"code": "AAAA-AAAA-AAAA-AAAA"}),
            _ if self.world.inbox.code() == "000000" => json!({"code": "000001"}),
            _ => json!({"code": "000000"}),
        }
    }

    async fn answer(&self, asked: &Asked, body: &Value) -> Answer {
        self.world.answer_as(&asked.session, &asked.change, &asked.id(), body).await
    }

    async fn status(&self, asked: &Asked) -> Value {
        self.world.change(&ANA, &asked.change).await["status"].clone()
    }

    /// Cancels what can be, and another day begins.
    async fn over(&self, asked: &Asked) {
        self.world.cancel(&ANA, &asked.change).await;
        self.world.clock.advance(Span::hours(25));
        self.world.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_of_32_right_answers_of_each_factor_one_wins() {
    let mut armed = Armed::new().await;
    for factor in FACTORS {
        let asked = armed.ask(factor).await;
        let (of, at, body, session) = (asked.change.clone(), asked.id(), armed.right(&asked), asked.session.clone());
        let answers = together(CALLERS, &armed.world, move |world, _| {
            let (of, at, body, session) = (of.clone(), at.clone(), body.clone(), session.clone());
            async move { world.answer_as(&session, &of, &at, &body).await }
        })
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{factor}");
        // What was won once is over.
        let again = armed.right(&asked);
        assert_eq!(armed.answer(&asked, &again).await.status, 409, "{factor}");
        armed.over(&asked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_of_32_guesses_at_each_code_that_can_be_guessed_five_count_and_the_right_one_comes_too_late() {
    let mut armed = Armed::new().await;
    for factor in ["totp", "push_otp", "email_otp", "sms_otp"] {
        let asked = armed.ask(factor).await;
        let (of, at, body, session) = (asked.change.clone(), asked.id(), armed.wrong(&asked), asked.session.clone());
        let answers = together(CALLERS, &armed.world, move |world, _| {
            let (of, at, body, session) = (of.clone(), at.clone(), body.clone(), session.clone());
            async move { world.answer_as(&session, &of, &at, &body).await }
        })
        .await;
        assert_eq!(answers.iter().filter(|answer| answer.problem() == "code-wrong").count(), 5, "{factor}");
        let right = armed.right(&asked);
        assert_eq!(armed.answer(&asked, &right).await.problem(), "too-many-attempts", "{factor}");
        armed.over(&asked).await;
    }
}

#[tokio::test]
async fn i4_an_answer_that_lost_its_proof_and_its_device_is_worthless_whatever_the_factor() {
    let mut armed = Armed::new().await;
    for factor in FACTORS {
        let mut asked = armed.ask(factor).await;
        let right = armed.right(&asked);
        asked.session = Session::at_home(&ANA).without("x-linekeeper-device");
        let answer = armed.answer(&asked, &right).await;
        assert!((400..500).contains(&answer.status), "{factor}: {}", answer.body);
        assert_ne!(armed.status(&asked).await, "authorized", "{factor}");
        assert_ne!(armed.status(&asked).await, "on_hold", "{factor}");
        armed.over(&asked).await;
    }
}

#[tokio::test]
async fn i7_a_change_is_stopped_whatever_factor_it_waits_for_and_however_often_that_failed() {
    for (n, factor) in FACTORS.into_iter().enumerate() {
        let mut armed = Armed::new().await;
        let asked = armed.ask(factor).await;
        let link = armed.world.inbox.link_token();
        for _ in 0..8 {
            let wrong = armed.wrong(&asked);
            assert!((400..500).contains(&armed.answer(&asked, &wrong).await.status), "{factor}");
        }
        let right = armed.right(&asked);
        if n % 2 == 0 {
            let stopped = armed.world.cancel(&ANA, &asked.change).await;
            assert_eq!((stopped.status, &stopped.body["status"]), (200, &json!("cancelled")), "{factor}");
        } else {
            // Without a session, a key or a device.
            assert_eq!(armed.world.not_me(&link).await.status, 200, "{factor}");
            assert_eq!(armed.status(&asked).await, "cancelled", "{factor}");
        }
        assert!((400..500).contains(&armed.answer(&asked, &right).await.status), "{factor}: stopped is stopped");
    }
}

#[tokio::test]
async fn i8_no_factor_leaves_a_code_a_seed_or_a_proof_in_the_log_the_ledger_or_an_event() {
    let mut armed = Armed::new().await;
    let mut secrets: Vec<String> = armed.paper.iter().flat_map(|code| [code.clone(), code.replace('-', "")]).collect();
    for factor in FACTORS {
        let asked = armed.ask(factor).await;
        let path = format!("/v1/changes/{}/challenges/{}/answer", asked.change, asked.id());
        for body in [armed.wrong(&asked), armed.right(&asked)] {
            secrets.extend(body["code"].as_str().map(str::to_owned));
            secrets.extend(body["passkey"]["response"]["signature"].as_str().map(str::to_owned));
            let proof = armed.world.proof(&asked.session, "POST", &path).unwrap();
            armed.world.send_plain(&asked.session, "POST", &path, &[("dpop", &proof)], Some(&body)).await;
            secrets.push(proof);
        }
        secrets.push(armed.world.inbox.link_token());
        armed.world.pump().await;
        armed.over(&asked).await;
    }
    assert!(secrets.len() > 30, "{secrets:?}");
    let ledger = armed.world.items(LEDGER).await;
    let ledger: Vec<&String> = ledger.iter().filter_map(|item| item.get("entry")?.as_s().ok()).collect();
    assert!(ledger.len() > 20);
    for (place, text) in [
        ("log", written()),
        ("ledger", format!("{ledger:?}")),
        ("events", serde_json::to_string(&armed.world.topic.all()).unwrap()),
    ] {
        assert_eq!(leak(&text, &secrets), None, "in the {place}");
    }
}

#[tokio::test]
async fn i9_anothers_challenge_looks_like_none_whatever_its_factor_and_however_right_the_answer() {
    let mut armed = Armed::new().await;
    armed.world.customer(&BEA).await;
    let bea = Session::at_home(&BEA);
    for factor in FACTORS {
        let asked = armed.ask(factor).await;
        let right = armed.right(&asked);
        let foreign = armed.world.answer_as(&bea, &asked.change, &asked.id(), &right).await;
        let unknown = armed.world.answer_as(&bea, "line.nowhere.0123456789abcdef0123456789", &asked.id(), &right).await;
        let plain = |answer: &Answer| {
            let mut body = answer.body.clone();
            body["instance"] = Value::Null;
            (answer.status, body)
        };
        assert_eq!(plain(&foreign), plain(&unknown), "{factor}");
        assert_eq!(foreign.status, 404, "{factor}");
        assert_eq!(armed.world.challenge_as(&bea, &asked.change, factor).await.status, 404, "{factor}");
        // It took nothing from her: her answer is still good.
        assert_eq!(armed.answer(&asked, &right).await.status, 200, "{factor}");
        armed.over(&asked).await;
    }
}
