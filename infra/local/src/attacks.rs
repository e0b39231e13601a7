//! Attacks on step-up, played against the deployed stack: each a short story that must fail. The whole suite,
//! with enrolled factors and a clock that can be moved, is `tests/attacks`.

use std::sync::Barrier;
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};

use crate::acts::{answer, caller_at_home};
use crate::api::{Answer, Caller};
use crate::carrier::{Inbox, open_accounts};
use crate::device_key::DeviceKey;
use crate::people::{Customer, LOS_ANGELES, iccid, suffix};
use crate::scene::{Claim, Scene, Show};
use crate::stack::{Stack, uuid};
use crate::terminal::{Paint, Progress, paint};

/// One attack: what the thief tries, and how it is played. It gives back what the thief got.
struct Attack {
    name: &'static str,
    play: fn(&Target<'_>, &mut Scene) -> Result<String>,
}

const ATTACKS: [Attack; 10] = [
    Attack { name: "thirty-two guesses at once", play: parallel_guessing },
    Attack { name: "a new code for a new budget", play: budget_reset },
    Attack { name: "a code for one thing used for another", play: another_purpose },
    Attack { name: "a code read out to a second session", play: relay },
    Attack { name: "a device's proof, used twice", play: replayed_proof },
    Attack { name: "a proof for another request", play: proof_for_another },
    Attack { name: "a proof signed by nobody", play: unsigned_proof },
    Attack { name: "a flood of pushes", play: push_fatigue },
    Attack { name: "recovery codes added, then used at once", play: young_factor },
    Attack { name: "a code by SMS to the SIM that is to move", play: sms_to_the_sim },
];

/// What an attack is played on: a customer of its own.
struct Target<'a> {
    stack: &'a Stack,
    customer: &'a Customer,
}

/// Plays them all, and shows a table at the end. Returns what was claimed.
pub(crate) fn play(stack: &Stack, show: Show) -> Result<Vec<Claim>> {
    let progress = Progress::start("Opening an account for every attack");
    let names: Vec<&'static str> = ATTACKS.iter().map(|_| "Luz").collect();
    let customers = open_accounts(stack, &names)?;
    progress.done("");
    let mut claims = Vec::new();
    let mut rows = Vec::new();
    for (attack, customer) in ATTACKS.iter().zip(&customers) {
        let mut scene = Scene::open(attack.name, "", show);
        let (got, ended) = match (attack.play)(&Target { stack, customer }, &mut scene) {
            Ok(got) => (got, Ok(())),
            Err(error) => (format!("{error:#}"), Err(error)),
        };
        let of_attack = scene.close(ended);
        rows.push((attack.name, got, of_attack.iter().all(|claim| claim.held)));
        claims.extend(of_attack);
    }
    if show == Show::Everything {
        println!();
        for (name, got, failed) in rows {
            let verdict = if failed { paint(Paint::Green, "failed") } else { paint(Paint::Red, "SUCCEEDED") };
            println!("  {name:<42} {verdict}  {}", paint(Paint::Dim, got));
        }
    }
    Ok(claims)
}

impl Target<'_> {
    fn home(&self) -> Result<Caller> {
        caller_at_home(self.stack, self.customer)
    }

    fn ask(&self, caller: &Caller, body: &Value) -> Result<Answer> {
        self.stack.api.call(caller, "POST", "/v1/changes").idempotency_key(&uuid()).json(body).send()?.expect(201)
    }

    fn ask_for_sim(&self, caller: &Caller) -> Result<String> {
        let body = json!({ "kind": "sim_swap", "line_id": self.customer.line_id, "sim": { "iccid": iccid() } });
        Ok(self.ask(caller, &body)?.text("/change_id").to_owned())
    }

    fn challenge(&self, caller: &Caller, change: &str, body: &Value) -> Result<Answer> {
        self.stack.api.call(caller, "POST", &format!("/v1/changes/{change}/challenges")).json(body).send()
    }

    /// Asks for a code in the app, and reads it there.
    fn code(&self, caller: &Caller, change: &str) -> Result<(String, String)> {
        let mut inbox = Inbox::of(self.stack, self.customer)?;
        let challenge = self.challenge(caller, change, &json!({ "factor": "push_otp" }))?.expect(201)?;
        let messages = inbox.wait_on(&["push"], " #")?;
        let code = messages.iter().find_map(|message| message.code()).context("no code")?.to_owned();
        Ok((challenge.text("/challenge_id").to_owned(), code))
    }

    fn answer(&self, caller: &Caller, change: &str, challenge: &str, code: &str) -> Result<Answer> {
        answer(self.stack, caller, change, challenge, code)
    }

    fn guesses(&self) -> Result<usize> {
        self.stack.guesses(&self.customer.account_id, &self.customer.line_id)
    }
}

/// What the thief was told.
fn told(answer: &Answer) -> String {
    let word = if answer.problem().is_empty() { answer.text("/status") } else { answer.problem() };
    format!("{} {word}", answer.status)
}

fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

fn parallel_guessing(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let change = target.ask_for_sim(&home)?;
    let (challenge, code) = target.code(&home, &change)?;
    let start = Barrier::new(32);
    let answers = thread::scope(|scope| {
        let callers: Vec<_> = (0..32)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    target.answer(&home, &change, &challenge, wrong(&code))
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().map_err(|_| anyhow!("a guess died"))?).collect::<Result<Vec<_>>>()
    })?;
    let looked_at = answers.iter().filter(|answer| answer.problem() == "code-wrong").count();
    let counted = target.guesses()?;
    scene.claim(&format!("five were counted ({counted}), no more were looked at ({looked_at})"), counted == 5 && looked_at <= 5);
    let late = target.answer(&home, &change, &challenge, &code)?;
    scene.claim("the right code comes too late", late.status == 429);
    let stopped = target.stack.api.call(&home, "POST", &format!("/v1/changes/{change}/cancel")).send()?;
    scene.claim("the customer can still stop it", stopped.status == 200);
    Ok(format!("{looked_at} looked at; then {}", told(&late)))
}

fn budget_reset(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let change = target.ask_for_sim(&home)?;
    let (challenge, code) = target.code(&home, &change)?;
    for _ in 0..5 {
        target.answer(&home, &change, &challenge, wrong(&code))?;
    }
    let again = target.challenge(&home, &change, &json!({ "factor": "push_otp" }))?;
    scene.claim("a new code waits for half a minute", again.problem() == "too-many-codes");
    // The next change of the same line has the same budget.
    let body = json!({ "kind": "number_change", "line_id": target.customer.line_id });
    let other = target.ask(&home, &body)?.text("/change_id").to_owned();
    let (challenge, code) = target.code(&home, &other)?;
    let sixth = target.answer(&home, &other, &challenge, wrong(&code))?;
    scene.claim("the sixth guess of the day has to wait, whatever code it is at", sixth.problem() == "too-many-attempts");
    Ok(told(&sixth))
}

fn another_purpose(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let harmless = target.ask(&home, &json!({ "kind": "add_line" }))?;
    scene.claim("what asks for no proof gives no code", harmless.factors().is_empty());
    let first = target.ask(&home, &json!({ "kind": "factor_add", "factor": "recovery_code" }))?.text("/change_id").to_owned();
    let (_, code) = target.code(&home, &first)?;
    let swap = target.ask_for_sim(&home)?;
    let (challenge, own) = target.code(&home, &swap)?;
    if own == code {
        return Ok("one code in a million was drawn twice".to_owned());
    }
    let got = target.answer(&home, &swap, &challenge, &code)?;
    scene.claim("the code that adds recovery codes moves no number", got.problem() == "code-wrong");
    Ok(told(&got))
}

fn relay(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let change = target.ask_for_sim(&home)?;
    let (challenge, code) = target.code(&home, &change)?;
    let thief = Caller { device: Some(format!("phone-{}{}", suffix(), suffix())), place: Some(LOS_ANGELES), ..home };
    let got = target.answer(&thief, &change, &challenge, &code)?;
    scene.claim("the right code is worth nothing on a device that did not ask for it", got.problem() == "challenge-over");
    Ok(told(&got))
}

fn replayed_proof(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let key = DeviceKey::new()?;
    let body = json!({ "kind": "number_change", "line_id": target.customer.line_id });
    let proof = key.proof("POST", &format!("{}/v1/changes", target.stack.output("ApiUrl")?), home.token.as_deref())?;
    let send = |body: &Value| {
        let call = target.stack.api.call(&home, "POST", "/v1/changes").idempotency_key(&uuid());
        call.header("dpop", &proof).json(body).send()
    };
    let first = send(&body)?;
    scene.claim("a proof is good for one request", first.status == 201);
    let swap = json!({ "kind": "sim_swap", "line_id": target.customer.line_id, "sim": { "iccid": iccid() } });
    let got = send(&swap)?;
    scene.claim("and for no other, although its method, address and token are right", got.problem() == "proof-invalid");
    Ok(told(&got))
}

fn proof_for_another(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let key = DeviceKey::new()?;
    let base = target.stack.output("ApiUrl")?;
    let token = home.token.as_deref();
    let mut last = String::new();
    for (what, proof) in [
        ("method", key.proof("GET", &format!("{base}/v1/changes"), token)?),
        ("address", key.proof("POST", &format!("{base}/v1/protections"), token)?),
        ("token", key.proof("POST", &format!("{base}/v1/changes"), Some("another"))?),
    ] {
        let call = target.stack.api.call(&home, "POST", "/v1/changes").idempotency_key(&uuid()).header("dpop", &proof);
        let got = call.json(&json!({ "kind": "add_line" })).send()?;
        scene.claim(&format!("a proof for another {what} is refused"), got.problem() == "proof-invalid");
        last = told(&got);
    }
    Ok(last)
}

fn unsigned_proof(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let proof = DeviceKey::unsigned("POST", &format!("{}/v1/changes", target.stack.output("ApiUrl")?), home.token.as_deref());
    let call = target.stack.api.call(&home, "POST", "/v1/changes").idempotency_key(&uuid()).header("dpop", &proof);
    let got = call.json(&json!({ "kind": "add_line" })).send()?;
    scene.claim("algorithm `none` proves nothing", got.problem() == "proof-invalid");
    Ok(told(&got))
}

fn push_fatigue(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let change = target.ask_for_sim(&home)?;
    let mut sent = 0;
    let mut last = String::new();
    for _ in 0..20 {
        let got = target.challenge(&home, &change, &json!({ "factor": "push_otp" }))?;
        sent += usize::from(got.status == 201);
        last = told(&got);
    }
    scene.claim(&format!("of twenty asks in a row one sends a code ({sent})"), sent == 1);
    Ok(format!("{sent} sent; then {last}"))
}

fn young_factor(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let adding = target.ask(&home, &json!({ "kind": "factor_add", "factor": "recovery_code" }))?.text("/change_id").to_owned();
    let (challenge, code) = target.code(&home, &adding)?;
    target.answer(&home, &adding, &challenge, &code)?.expect(200)?;
    let shown = target.challenge(&home, &adding, &json!({ "factor": "recovery_code", "enrol": true }))?.expect(201)?;
    let paper = shown.text("/recovery_codes/0").to_owned();
    target.answer(&home, &adding, shown.text("/challenge_id"), &paper)?.expect(200)?;
    let swap = target.ask_for_sim(&home)?;
    let got = target.challenge(&home, &swap, &json!({ "factor": "recovery_code" }))?;
    scene.claim("a factor that was just added proves nothing for a week", got.problem() == "factor-not-offered");
    Ok(told(&got))
}

fn sms_to_the_sim(target: &Target<'_>, scene: &mut Scene) -> Result<String> {
    let home = target.home()?;
    let swap = target.ask_for_sim(&home)?;
    let got = target.challenge(&home, &swap, &json!({ "factor": "sms_otp" }))?;
    scene.claim("a code by SMS cannot prove what moves the SIM", got.problem() == "factor-not-offered");
    Ok(told(&got))
}
