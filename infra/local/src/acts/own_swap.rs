use anyhow::{Context as _, Result};

use super::{Act, Stage};
use crate::people::{MIAMI, ending, iccid};
use crate::stack::wait_for;

pub(super) const ACT: Act = Act {
    title: "Act 1  At home: a new SIM",
    subtitle: "Maria, in Miami on her fixed line and her own laptop, moves her number to a new SIM.",
    play,
};

fn play(stage: &mut Stage<'_, '_>) -> Result<()> {
    let home = stage.at_home()?;
    let mut inbox = stage.inbox()?;
    let sim = iccid();

    stage.scene.row("Maria", &format!("asks to move {} to SIM {}", ending(&stage.customer.msisdn), ending(&sim)));
    stage.scene.note(&format!("from {}, Chrome on her own laptop", MIAMI.describe()));
    let asked = stage.ask_for_sim(&home, &sim)?.expect(201)?;
    let change = asked.text("/change_id").to_owned();
    stage.show_decision(&asked)?;
    stage.scene.must(
        "one factor is asked for, and no hold",
        asked.text("/status") == "step_up_required" && asked.text("/hold_until").is_empty(),
    )?;
    stage.scene.claim("a code in her app is offered first", asked.factors().first() == Some(&"push_otp"));

    let told = inbox.wait_on(&["push", "SMS", "e-mail"], "/not-me#")?;
    if let Some(notice) = told.first() {
        stage.scene.message("Maria's app, and the same by SMS and e-mail", notice);
    }
    let read = wait_for("told", || {
        let read = stage.read(&home, &change)?.expect(200)?;
        Ok((read.body.get("told") == Some(&true.into())).then_some(read))
    })?;
    stage.scene.claim("told first: nothing was authorized before", read.text("/status") == "step_up_required");

    let challenge = stage.challenge(&home, &change, "push_otp")?.expect(201)?;
    stage.scene.row("Maria", &format!("asks for a code, sent to {}", challenge.text("/sent_to")));
    let messages = inbox.wait_on(&["push"], " #")?;
    let message = messages.first().context("no push")?;
    stage.scene.message("Maria's app", message);
    let code = message.code().context("no code in the origin-bound last line")?;
    stage.scene.claim("the code is in no reply of the API", !challenge.body.to_string().contains(code));

    let answered = stage.answer(&home, &change, challenge.text("/challenge_id"), code)?;
    stage.scene.row("Maria", &format!("types it: {}  {}", answered.status, super::status_of(&answered)));
    stage.scene.must("the right code is taken", answered.status == 200)?;
    let again = stage.answer(&home, &change, challenge.text("/challenge_id"), code)?;
    stage.scene.claim("and works once", again.status != 200);

    let authorization = stage.provisioning.authorization(&change)?;
    stage.scene.row("provisioning", &format!("verifies authorization {} offline, by the published key", authorization.id));
    let of_this = |pointer: &str, value: &str| authorization.claims.pointer(pointer).is_some_and(|claim| claim == value);
    let same = of_this("/change_id", &change)
        && of_this("/line_id", &stage.customer.line_id)
        && authorization.claims.to_string().contains(&sim);
    stage.scene.must("it names this change, this line and this SIM", same)?;
    stage.provisioning.carry_out(&authorization)?;
    *stage.spent = Some(authorization.id.clone());

    wait_for("completed", || {
        let read = stage.read(&home, &change)?.expect(200)?;
        Ok((read.text("/status") == "completed").then_some(()))
    })?;
    stage.scene.row("provisioning", "moved the line and reported it");
    stage.scene.claim("the change is completed", true);
    let entries = stage.ledger_of(&change)?;
    stage.scene.ledger("of the line", &entries);
    stage.scene.claim("the chain of hashes verifies", crate::ledger::verifies(&entries));
    Ok(())
}
