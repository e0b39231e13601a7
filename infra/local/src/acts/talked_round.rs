use anyhow::Result;
use serde_json::json;

use super::bribed::{begin, on};
use super::{Act, Stage, status_of};
use crate::api::Caller;
use crate::ledger::Entry;
use crate::people::{ending, iccid};

pub(super) const ACT: Act = Act {
    title: "Act 3  Talked round",
    subtitle: "A caller who says he is Rosa's husband talks a representative into helping him. The representative may do less than Rosa could.",
    play,
};

fn play(stage: &mut Stage<'_, '_>) -> Result<()> {
    let representative =
        Caller { token: Some(stage.stack.issuer.representative("rep-ivy", "Ivy", "phone")?), device: None, place: None };
    let sim = iccid();

    let mut inbox = stage.inbox()?;
    stage.scene.row("Ivy (phone)", &format!("asks to move {} to SIM {}", ending(&stage.customer.msisdn), ending(&sim)));
    let contact = begin(stage, &representative, "lost_phone")?.expect(201)?.text("/contact_id").to_owned();
    let swap = json!({ "kind": "sim_swap", "sim": { "iccid": sim }, "phone_lost": true });
    let refused = on(stage, &representative, "POST", &contact, "changes", &swap)?;
    stage.scene.row("Linekeeper", &format!("{}  {}", refused.status, status_of(&refused)));
    let entries = stage.stack.ledger(&stage.customer.account_id, Some(&stage.customer.line_id))?;
    if let Some(decided) = entries.iter().rev().find_map(Entry::decision) {
        stage.scene.note(&decided);
    }
    stage.scene.note(&format!("“{}”", refused.text("/detail")));
    stage.scene.claim("refused by phone, whoever asks", refused.status == 403 && refused.problem() == "refused");
    stage.scene.claim("and the reply says to use the app", refused.text("/detail").to_lowercase().contains("app"));

    let told = inbox.wait_on(&["push", "SMS", "e-mail"], "/not-me#")?;
    if let Some(notice) = told.first() {
        stage.scene.message("Rosa's app, and the same by SMS and e-mail", notice);
    }

    let switched = on(stage, &representative, "PUT", &contact, "protections", &json!({ "protection": "never_sim_swap" }))?;
    stage.scene.row("Ivy (phone)", &format!("switches NeverSIMSwap on for her: {}", switched.status));
    stage.scene.must("switching on works by phone, at once", switched.status == 200)?;
    let told = inbox.wait_on(&["push", "e-mail"], "NeverSIMSwap")?;
    if let Some(notice) = told.first() {
        stage.scene.message("Rosa's app, and the same by e-mail", notice);
    }

    let off = json!({ "kind": "protection_off", "protection": "never_sim_swap" });
    let refused = on(stage, &representative, "POST", &contact, "changes", &off)?;
    stage.scene.row("Ivy (phone)", &format!("is asked to switch it off again: {}  {}", refused.status, status_of(&refused)));
    stage.scene.note(&format!("“{}”", refused.text("/detail")));
    stage.scene.claim("switching off does not, for no role of staff", refused.status == 403);

    let home = stage.at_home()?;
    let account = stage.stack.api.call(&home, "GET", "/v1/account").send()?.expect(200)?;
    stage.scene.claim("NeverSIMSwap is still on", account.body.to_string().contains("never_sim_swap"));
    let entries = stage.stack.ledger(&stage.customer.account_id, Some(&stage.customer.line_id))?;
    stage.scene.ledger("of the line", &entries);
    Ok(())
}
