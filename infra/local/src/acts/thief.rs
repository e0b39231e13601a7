use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::json;

use super::{Act, Stage, status_of};
use crate::api::Caller;
use crate::carrier::{from, with};
use crate::people::{LOS_ANGELES, ending, iccid, suffix};
use crate::stack::event;

pub(super) const ACT: Act = Act {
    title: "Act 2  A thief with the password",
    subtitle: "Someone in Los Angeles has signed in as Sofia, on a phone that nobody has seen, and wants her number on his SIM.",
    play,
};

fn play(stage: &mut Stage<'_, '_>) -> Result<()> {
    let device = format!("phone-{}{}", suffix(), suffix());
    let signed_in = with(from(&LOS_ANGELES, &device), json!({ "account_id": stage.customer.account_id, "ok": true }));
    stage.stack.behaviour(&event("sign_in", Timestamp::now(), signed_in))?;
    let thief = Caller {
        token: Some(stage.stack.issuer.customer(&stage.customer.account_id)?),
        device: Some(device),
        place: Some(LOS_ANGELES),
    };
    let mut inbox = stage.inbox()?;
    let sim = iccid();

    stage.scene.row("thief", &format!("asks to move {} to SIM {}", ending(&stage.customer.msisdn), ending(&sim)));
    stage.scene.note(&format!("from {}, Chrome on an unknown phone", LOS_ANGELES.describe()));
    let asked = stage.ask_for_sim(&thief, &sim)?.expect(201)?;
    let change = asked.text("/change_id").to_owned();
    stage.show_decision(&asked)?;
    let decided = stage.ledger_of(&change)?.iter().find_map(|entry| entry.decision()).context("no decision")?;
    stage.scene.claim(
        "the learned model says why: network and device are not hers",
        decided.contains("NEW_NETWORK") && decided.contains("NEW_DEVICE"),
    );
    stage.scene.must("the bar rises: a hold starts", !asked.text("/hold_until").is_empty())?;

    let told = inbox.wait_on(&["push", "SMS", "e-mail"], "/not-me#")?;
    let mail = told.last().context("no e-mail")?;
    stage.scene.message("Sofia, and the same by push and SMS", mail);
    stage.scene.claim("she is told on every channel she had", told.len() == 3);
    stage.scene.claim("and from where it was asked for", told.iter().all(|message| message.text.contains(LOS_ANGELES.city)));
    let token = mail.not_me_token().context("no link")?;

    // No session: one tap, from wherever she reads her mail.
    let tapped = stage.stack.api.call(&Caller::default(), "POST", "/v1/not-me").json(&json!({ "token": token })).send()?;
    stage.scene.row("Sofia", &format!("taps “this was not me”: {}", tapped.status));
    stage.scene.must("one tap is enough", tapped.status == 200)?;

    let home = stage.at_home()?;
    let read = stage.read(&home, &change)?.expect(200)?;
    stage.scene.claim("the change is dead", read.text("/status") == "cancelled");
    let account = stage.stack.api.call(&home, "GET", "/v1/account").send()?.expect(200)?;
    stage.scene.claim("account lockdown is on", account.body.to_string().contains("account_lockdown"));

    let code = stage.challenge(&thief, &change, "sms_otp")?;
    stage.scene.row("thief", &format!("asks for a code all the same: {}  {}", code.status, status_of(&code)));
    stage.scene.claim("no code is sent for a dead change", code.status == 409);
    let again = stage.ask_for_sim(&thief, &sim)?;
    stage.scene.row("thief", "asks once more");
    stage.show_decision(&again)?;
    stage.scene.claim("lockdown refuses it", again.status == 403 && again.problem() == "refused");
    let second_tap = stage.stack.api.call(&Caller::default(), "POST", "/v1/not-me").json(&json!({ "token": token })).send()?;
    stage.scene.claim("a second tap does no harm", second_tap.status == 200);

    stage.scene.claim("nothing was ever signed", !stage.provisioning.was_authorized(&change)?);
    let entries = stage.ledger_of(&change)?;
    stage.scene.ledger("of the line", &entries);
    let account = stage.stack.ledger(&stage.customer.account_id, None)?;
    stage.scene.ledger("of the account", &account);
    Ok(())
}
