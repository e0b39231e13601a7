use anyhow::Result;
use serde_json::{Value, json};

use super::{Act, Stage, status_of};
use crate::api::{Answer, Caller};
use crate::people::{ending, iccid};

pub(super) const ACT: Act = Act {
    title: "Act 8  The bribed representative",
    subtitle: "Somebody pays Dan of the care desk for Julia's number. First his screen, then hers; and then a call that she really made.",
    play,
};

fn play(stage: &mut Stage<'_, '_>) -> Result<()> {
    let dan = Caller { token: Some(stage.stack.issuer.representative("rep-dan", "Dan", "phone")?), device: None, place: None };
    let home = stage.at_home()?;
    // Two, each read from here on: what is told of Dan and of what he asks for may come in either order, or at once.
    let (mut inbox, mut asked_for) = (stage.inbox()?, stage.inbox()?);

    let begun = begin(stage, &dan, "lost_phone")?.expect(201)?;
    let contact = begun.text("/contact_id").to_owned();
    stage.scene.row("Dan's screen", &format!("begins a contact about {}", ending(&stage.customer.msisdn)));
    stage.scene.note(&begun.body.to_string());
    let hidden = [&stage.customer.account_id, &stage.customer.line_id, &stage.customer.msisdn, &stage.customer.email];
    stage.scene.claim(
        "a line is there, and nothing else is shown",
        !hidden.iter().any(|word| begun.body.to_string().contains(word.as_str())),
    );
    let view = on(stage, &dan, "POST", &contact, "view", &json!({}))?;
    stage.scene.row("Dan's screen", &format!("tries to see it anyway: {}  {}", view.status, status_of(&view)));
    stage.scene.claim("the wall is hers to open", view.status == 403 && view.problem() == "wall-closed");
    let swap = json!({ "kind": "sim_swap", "sim": { "iccid": iccid() }, "phone_lost": true });
    let refused = on(stage, &dan, "POST", &contact, "changes", &swap)?;
    stage.scene.row("Dan's screen", &format!("asks to move the number: {}  {}", refused.status, status_of(&refused)));
    stage.scene.claim("no change by phone, whoever asks", refused.status == 403 && refused.problem() == "refused");

    let asked = inbox.wait_on(&["push"], "Dan at our care desk")?;
    if let Some(notice) = asked.first() {
        stage.scene.message("Julia's app", notice);
    }
    let told = asked_for.wait_on(&["push", "SMS", "e-mail"], "/not-me#")?;
    if let Some(notice) = told.first() {
        stage.scene.message("Julia's app, and the same by SMS and e-mail", notice);
    }
    let care = stage.stack.api.call(&home, "GET", "/v1/care").send()?.expect(200)?;
    stage.scene.row("Julia's app", "shows who says that he talks to her, and what he would see");
    stage.scene.note(&care.body.pointer("/contacts/0").map(Value::to_string).unwrap_or_default());
    stage.scene.claim(
        "it names Dan, and not the number he would say",
        care.text("/contacts/0/by") == "Dan" && care.body.pointer("/contacts/0/say").is_none(),
    );
    let shut = stage.stack.api.call(&home, "POST", &format!("/v1/care/{contact}/not-me")).send()?.expect(200)?;
    stage.scene.row("Julia", &format!("talks to nobody: the wall is {}", shut.text("/wall")));
    let number = begun.text("/say").parse::<u32>().unwrap_or_default();
    let late =
        stage.stack.api.call(&home, "POST", &format!("/v1/care/{contact}/open")).json(&json!({ "number": number })).send()?;
    stage.scene.claim("this contact stays shut, even with the right number", late.problem() == "contact-over");

    // The call that she made.
    let sam = Caller { token: Some(stage.stack.issuer.representative("rep-sam", "Sam", "phone")?), device: None, place: None };
    let begun = begin(stage, &sam, "status")?.expect(201)?;
    let contact = begun.text("/contact_id").to_owned();
    let number = begun.text("/say").parse::<u32>().unwrap_or_default();
    let (path, heard) = (format!("/v1/care/{contact}/open"), json!({ "number": number }));
    let opened = stage.stack.api.call(&home, "POST", &path).json(&heard).send()?.expect(200)?;
    stage.scene.row("Julia", &format!("calls, hears “{}” from Sam and enters it: {}", begun.text("/say"), opened.text("/wall")));
    let view = on(stage, &sam, "POST", &contact, "view", &json!({}))?.expect(200)?;
    stage.scene.row("Sam's screen", "sees where her changes stand");
    stage.scene.note(&view.body.to_string());
    stage.scene.claim(
        "what he sees names no factor and no reason",
        !["push_otp", "USE_THE_APP", "band"].iter().any(|word| view.body.to_string().contains(word)),
    );
    let other = on(stage, &dan, "POST", &contact, "view", &json!({}))?;
    stage.scene.claim("Sam's contact is nothing to Dan", other.problem() == "not-found");
    let frozen = on(stage, &sam, "PUT", &contact, "protections", &json!({ "protection": "account_lockdown" }))?;
    stage.scene.row("Sam's screen", &format!("freezes the account on her word: {}", frozen.status));
    stage.scene.claim("freezing works by phone, at once", frozen.status == 200);
    let entries = stage.stack.ledger(&stage.customer.account_id, None)?;
    stage.scene.claim("what was seen stands in the ledger", entries.iter().any(|entry| entry.bytes.contains("care_viewed")));
    stage.scene.ledger("of the account", &entries);
    Ok(())
}

/// A representative begins a contact about the customer's line.
pub(super) fn begin(stage: &Stage<'_, '_>, caller: &Caller, purpose: &str) -> Result<Answer> {
    let body = json!({ "number": stage.customer.msisdn, "purpose": purpose });
    stage.stack.api.call(caller, "POST", "/desk/contacts").json(&body).send()
}

/// A representative goes on with a contact.
pub(super) fn on(
    stage: &Stage<'_, '_>,
    caller: &Caller,
    method: &str,
    contact: &str,
    what: &str,
    body: &Value,
) -> Result<Answer> {
    let path = format!("/desk/contacts/{contact}/{what}");
    stage.stack.api.call(caller, method, &path).idempotency_key(&crate::stack::uuid()).json(body).send()
}
