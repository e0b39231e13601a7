//! The acts, each played on the deployed stack and each checking what it shows.

mod bribed;
mod burst;
mod guesses;
mod no_pin;
mod own_swap;
mod switched_off;
mod talked_round;
mod thief;

pub(crate) use no_pin::{gateway, order};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::api::{Answer, Caller};
use crate::carrier::{Inbox, Provisioning, open_accounts};
use crate::ledger::Entry;
use crate::people::{Customer, MIAMI};
use crate::scene::{Claim, Scene, Show};
use crate::stack::{Stack, uuid};
use crate::terminal::Progress;

/// One act: title, subtitle, and how it is played.
struct Act {
    title: &'static str,
    subtitle: &'static str,
    play: fn(&mut Stage<'_, '_>) -> Result<()>,
}

const ACTS: [Act; 8] =
    [own_swap::ACT, thief::ACT, talked_round::ACT, switched_off::ACT, guesses::ACT, no_pin::ACT, burst::ACT, bribed::ACT];

/// Who plays in which act; the fifth goes back to the first's too.
const CAST: [&str; 8] = ["Maria", "Sofia", "Rosa", "Elena", "Ana", "Lucia", "Nora", "Julia"];

/// What an act plays on.
struct Stage<'p, 'a> {
    stack: &'a Stack,
    scene: Scene,
    provisioning: &'p mut Provisioning<'a>,
    customer: &'a Customer,
    first: &'a Customer,
    /// The authorization that the first act used up.
    spent: &'p mut Option<String>,
}

/// Plays all acts and returns their claims.
pub(crate) fn play(stack: &Stack, show: Show) -> Result<Vec<Claim>> {
    let progress = Progress::start("Opening eight accounts through the provisioning queue, with weeks of sign-ins from Miami");
    let customers = open_accounts(stack, &CAST)?;
    progress.done("");
    let mut provisioning = Provisioning::start(stack)?;
    let first = customers.first().context("an empty cast")?;
    let mut spent = None;
    let mut claims = Vec::new();
    for (act, customer) in ACTS.iter().zip(&customers) {
        let scene = Scene::open(act.title, act.subtitle, show);
        let mut stage = Stage { stack, scene, provisioning: &mut provisioning, customer, first, spent: &mut spent };
        let ended = (act.play)(&mut stage);
        claims.extend(stage.scene.close(ended));
    }
    Ok(claims)
}

impl<'a> Stage<'_, 'a> {
    /// The customer at home, on her own laptop.
    fn at_home(&self) -> Result<Caller> {
        caller_at_home(self.stack, self.customer)
    }

    /// Her inboxes from here on.
    fn inbox(&self) -> Result<Inbox<'a>> {
        Inbox::of(self.stack, self.customer)
    }

    /// Asks for a change.
    fn ask(&self, caller: &Caller, body: &Value) -> Result<Answer> {
        self.stack.api.call(caller, "POST", "/v1/changes").idempotency_key(&uuid()).json(body).send()
    }

    /// Asks to move the customer's line to `iccid`.
    fn ask_for_sim(&self, caller: &Caller, iccid: &str) -> Result<Answer> {
        self.ask(
            caller,
            &json!({ "kind": "sim_swap", "line_id": self.customer.line_id, "sim": { "iccid": iccid }, "phone_lost": false }),
        )
    }

    /// Reads a change.
    fn read(&self, caller: &Caller, change_id: &str) -> Result<Answer> {
        self.stack.api.call(caller, "GET", &format!("/v1/changes/{change_id}")).send()
    }

    /// Asks for a code.
    fn challenge(&self, caller: &Caller, change_id: &str, factor: &str) -> Result<Answer> {
        let path = format!("/v1/changes/{change_id}/challenges");
        self.stack.api.call(caller, "POST", &path).json(&json!({ "factor": factor })).send()
    }

    /// Answers with a code.
    fn answer(&self, caller: &Caller, change_id: &str, challenge_id: &str, code: &str) -> Result<Answer> {
        answer(self.stack, caller, change_id, challenge_id, code)
    }

    /// Shows what was decided, with the reasons that the ledger keeps.
    fn show_decision(&mut self, answer: &Answer) -> Result<()> {
        let change_id = answer.text("/change_id");
        let entries = self.ledger_of(change_id)?;
        let decided = entries.iter().rev().find_map(Entry::decision);
        self.scene.row("Linekeeper", &format!("{}  {}", answer.status, status_of(answer)));
        if let Some(decided) = decided {
            self.scene.note(&decided);
        }
        let words =
            [answer.text("/message"), answer.text("/detail")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        self.scene.note(&format!("“{words}”"));
        Ok(())
    }

    /// The ledger that a change is written in.
    fn ledger_of(&self, change_id: &str) -> Result<Vec<Entry>> {
        let line = change_id.starts_with("line.").then_some(self.customer.line_id.as_str());
        self.stack.ledger(&self.customer.account_id, line)
    }
}

/// A customer at home, on her own laptop.
pub(crate) fn caller_at_home(stack: &Stack, customer: &Customer) -> Result<Caller> {
    Ok(Caller {
        token: Some(stack.issuer.customer(&customer.account_id)?),
        device: Some(customer.device.clone()),
        place: Some(MIAMI),
    })
}

/// Answers a challenge with a code.
pub(crate) fn answer(stack: &Stack, caller: &Caller, change_id: &str, challenge_id: &str, code: &str) -> Result<Answer> {
    let path = format!("/v1/changes/{change_id}/challenges/{challenge_id}/answer");
    stack.api.call(caller, "POST", &path).json(&json!({ "code": code })).send()
}

/// The status of a change, or the name of the problem.
fn status_of(answer: &Answer) -> &str {
    [answer.text("/status"), answer.problem()].into_iter().find(|text| !text.is_empty()).unwrap_or("?")
}
