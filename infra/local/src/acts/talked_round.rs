use anyhow::Result;
use serde_json::{Value, json};

use super::{Act, Stage, status_of};
use crate::api::{Answer, Caller};
use crate::people::{ending, iccid};

pub(super) const ACT: Act = Act {
    title: "Act 3  Talked round",
    subtitle: "A caller who says he is Rosa's husband talks a representative into helping him. The representative may do less than Rosa could.",
    play,
};

fn play(stage: &mut Stage<'_, '_>) -> Result<()> {
    let representative =
        Caller { token: Some(stage.stack.issuer.representative("rep-dan", "phone")?), device: None, place: None };
    let sim = iccid();

    let mut inbox = stage.inbox()?;
    stage.scene.row("Dan (phone)", &format!("asks to move {} to SIM {}", ending(&stage.customer.msisdn), ending(&sim)));
    let swap = json!({ "kind": "sim_swap", "line_id": stage.customer.line_id, "sim": { "iccid": sim }, "phone_lost": true });
    let refused = for_customer(stage, &representative, "POST", "/v1/changes", &swap)?;
    stage.show_decision(&refused)?;
    stage.scene.claim("refused by phone, whoever asks", refused.status == 403 && refused.problem() == "refused");
    stage.scene.claim("and the reply says to use the app", refused.text("/detail").to_lowercase().contains("app"));

    let told = inbox.wait_on(&["push", "SMS", "e-mail"], "/not-me#")?;
    if let Some(notice) = told.first() {
        stage.scene.message("Rosa's app, and the same by SMS and e-mail", notice);
    }

    let on = json!({ "protection": "never_sim_swap", "mode": "block", "line_id": stage.customer.line_id });
    let switched = for_customer(stage, &representative, "PUT", "/v1/protections", &on)?;
    stage.scene.row("Dan (phone)", &format!("switches NeverSIMSwap on for her: {}", switched.status));
    stage.scene.must("switching on works by phone, at once", switched.status == 200)?;
    let told = inbox.wait_on(&["push", "e-mail"], "NeverSIMSwap")?;
    if let Some(notice) = told.first() {
        stage.scene.message("Rosa's app, and the same by e-mail", notice);
    }

    let off = json!({ "kind": "protection_off", "protection": "never_sim_swap", "line_id": stage.customer.line_id });
    let refused = for_customer(stage, &representative, "POST", "/v1/changes", &off)?;
    stage.scene.row("Dan (phone)", &format!("is asked to switch it off again: {}  {}", refused.status, status_of(&refused)));
    stage.scene.note(&format!("“{}”", refused.text("/detail")));
    stage.scene.claim("switching off does not, for no role of staff", refused.status == 403);

    let home = stage.at_home()?;
    let account = stage.stack.api.call(&home, "GET", "/v1/account").send()?.expect(200)?;
    stage.scene.claim("NeverSIMSwap is still on", account.body.to_string().contains("never_sim_swap"));
    let entries = stage.stack.ledger(&stage.customer.account_id, Some(&stage.customer.line_id))?;
    stage.scene.ledger("of the line", &entries);
    Ok(())
}

/// A call that names the account it serves.
fn for_customer(stage: &Stage<'_, '_>, caller: &Caller, method: &str, path: &str, body: &Value) -> Result<Answer> {
    let path = format!("{path}?account_id={}", stage.customer.account_id);
    stage.stack.api.call(caller, method, &path).idempotency_key(&crate::stack::uuid()).json(body).send()
}
