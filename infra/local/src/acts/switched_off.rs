use anyhow::{Context as _, Result};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Act, Stage, status_of};
use crate::people::{ending, iccid};

pub(super) const ACT: Act = Act {
    title: "Act 4  NeverSIMSwap off",
    subtitle: "Elena switches her own protection off: a strong factor, a cooling-off period, and everybody told. Somebody is quicker, in vain.",
    play,
};

fn play(stage: &mut Stage<'_, '_>) -> Result<()> {
    let home = stage.at_home()?;
    let mut inbox = stage.inbox()?;
    let protection = json!({ "protection": "never_sim_swap", "mode": "block", "line_id": stage.customer.line_id });
    stage.stack.api.call(&home, "PUT", "/v1/protections").json(&protection).send()?.expect(200)?;
    stage.scene.row("Elena", "has NeverSIMSwap on");
    inbox.wait_on(&["push", "e-mail"], "NeverSIMSwap")?;

    stage.scene.row("Elena", "asks to switch it off");
    let off = json!({ "kind": "protection_off", "protection": "never_sim_swap", "line_id": stage.customer.line_id });
    let asked = stage.ask(&home, &off)?.expect(201)?;
    let change = asked.text("/change_id").to_owned();
    stage.show_decision(&asked)?;
    stage.scene.claim("a strong factor is asked for: the app before all", asked.factors().first() == Some(&"push_otp"));
    let until: Timestamp = asked.text("/hold_until").parse().context("no cooling-off")?;
    let wait = until.duration_since(Timestamp::now());
    stage.scene.claim("a cooling-off of at least 15 minutes runs", wait > SignedDuration::from_mins(14));

    let told = inbox.wait_on(&["push", "SMS", "e-mail"], "/not-me#")?;
    if let Some(notice) = told.first() {
        stage.scene.message("Elena's app, and the same by SMS and e-mail", notice);
    }
    stage.scene.claim("every channel is told", told.len() == 3);

    let challenge = stage.challenge(&home, &change, "push_otp")?.expect(201)?;
    let messages = inbox.wait_on(&["push"], " #")?;
    let code = messages.first().and_then(|message| message.code()).context("no code")?;
    let answered = stage.answer(&home, &change, challenge.text("/challenge_id"), code)?;
    stage.scene.row("Elena", &format!("proves herself by a code in her app: {}  {}", answered.status, status_of(&answered)));
    stage.scene.must(
        "proven, and on hold until the cooling-off is over",
        answered.status == 200 && answered.text("/status") == "on_hold",
    )?;

    let sim = iccid();
    stage.scene.row("somebody", &format!("tries a swap of {} to SIM {} inside it", ending(&stage.customer.msisdn), ending(&sim)));
    let swap = stage.ask_for_sim(&home, &sim)?;
    stage.show_decision(&swap)?;
    stage.scene.claim("refused: the protection is on until the period ends", swap.status == 403 && swap.problem() == "refused");

    let cancelled = stage.stack.api.call(&home, "POST", &format!("/v1/changes/{change}/cancel")).send()?;
    stage.scene.row("Elena", &format!("thinks again and cancels: {}  {}", cancelled.status, status_of(&cancelled)));
    stage.scene.claim("cancelling takes one call", cancelled.status == 200 && cancelled.text("/status") == "cancelled");
    let entries = stage.stack.ledger(&stage.customer.account_id, Some(&stage.customer.line_id))?;
    stage.scene.ledger("of the line", &entries);
    Ok(())
}
