use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

use super::{Act, Stage, answer, status_of};
use crate::carrier::Inbox;
use crate::people::{ending, iccid};
use crate::stack::wait_for;

pub(super) const ACT: Act = Act {
    title: "Act 5  Two hundred guesses, and a second use",
    subtitle: "A bot that rides on Ana's session guesses at one code from 200 connections at once. Then Maria's used authorization comes back.",
    play,
};

const GUESSES: u32 = 200;
/// What a challenge allows.
const BUDGET: usize = 5;

fn play(stage: &mut Stage<'_, '_>) -> Result<()> {
    guess(stage)?;
    replay(stage)
}

fn guess(stage: &mut Stage<'_, '_>) -> Result<()> {
    let home = stage.at_home()?;
    let mut inbox = stage.inbox()?;
    let sim = iccid();
    let asked = stage.ask_for_sim(&home, &sim)?.expect(201)?;
    stage.scene.row("bot", &format!("asks to move {} to SIM {}, and for a code", ending(&stage.customer.msisdn), ending(&sim)));
    let change = asked.text("/change_id").to_owned();
    let challenge = stage.challenge(&home, &change, "push_otp")?.expect(201)?;
    let challenge_id = challenge.text("/challenge_id").to_owned();
    let messages = inbox.wait_on(&["push"], " #")?;
    let code = messages.iter().find_map(|message| message.code()).context("no code")?.to_owned();
    stage.scene.row("push", "brings the code to Ana's app, where the bot cannot read it");

    // Every guess is wrong: what counts is how many are looked at.
    let wrong: Vec<String> = (0..1_000_000_u32).step_by(4999).map(|n| format!("{n:06}")).filter(|guess| *guess != code).collect();
    let guesses = wrong.iter().cycle().take(usize::try_from(GUESSES)?);
    stage.scene.row("bot", &format!("sends {GUESSES} guesses at once"));
    let start = Barrier::new(usize::try_from(GUESSES)?);
    let stack = stage.stack;
    let answers = thread::scope(|scope| {
        let callers: Vec<_> = guesses
            .map(|guess| {
                let (start, home, change, challenge_id) = (&start, &home, &change, &challenge_id);
                scope.spawn(move || {
                    start.wait();
                    answer(stack, home, change, challenge_id, guess)
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().map_err(|_| anyhow!("a guess died"))?).collect::<Result<Vec<_>>>()
    })?;

    let mut outcomes = BTreeMap::<String, usize>::new();
    for answer in &answers {
        *outcomes.entry(format!("{} {}", answer.status, status_of(answer))).or_default() += 1;
    }
    for (outcome, count) in &outcomes {
        stage.scene.note(&format!("{count:>4} × {outcome}"));
    }
    let counted = stage.stack.guesses(&stage.customer.account_id, &stage.customer.line_id)?;
    stage.scene.claim(&format!("exactly five guesses were counted ({counted})"), counted == BUDGET);
    let looked_at = answers.iter().filter(|answer| answer.problem() == "code-wrong" || answer.status == 200).count();
    stage.scene.claim(&format!("no more were looked at ({looked_at})"), looked_at <= BUDGET);
    stage.scene.claim("none of them won", answers.iter().all(|answer| answer.status != 200));
    stage.scene.claim("each was turned away by name", answers.iter().all(|answer| !answer.problem().is_empty()));
    let recorded: usize = stage.ledger_of(&change)?.iter().map(|entry| entry.count("guess_failed")).sum();
    stage.scene.claim(&format!("the ledger tells of those looked at ({recorded})"), (looked_at..=BUDGET).contains(&recorded));
    let late = stage.answer(&home, &change, &challenge_id, &code)?;
    stage.scene.row("bot", &format!("has the right code at last: {}  {}", late.status, status_of(&late)));
    stage.scene.claim("too late: not even the right code counts", late.status != 200);
    let cancelled = stage.stack.api.call(&home, "POST", &format!("/v1/changes/{change}/cancel")).send()?;
    stage.scene.row("Ana", &format!("stops it: {}  {}", cancelled.status, status_of(&cancelled)));
    stage.scene.claim("stopping it works while guessing is locked", cancelled.status == 200);
    let entries = stage.ledger_of(&change)?;
    stage.scene.ledger("of Ana's line", &entries);
    Ok(())
}

fn replay(stage: &mut Stage<'_, '_>) -> Result<()> {
    let spent = stage.spent.clone().context("the first act left no authorization")?;
    let first = stage.first;
    let mut inbox = Inbox::of(stage.stack, first)?;
    let desk = stage.stack.output("FraudDeskQueueUrl")?;
    stage.stack.take(desk)?;

    let sim = iccid();
    stage.scene.row("insider", &format!("moves Maria's line to SIM {} with her used authorization {spent}", ending(&sim)));
    let text = |text: &str| Value::from(text);
    stage.provisioning.report_sim(&text(&first.account_id), &text(&first.line_id), &text(&sim), Some(&spent))?;
    let pages = wait_for("a page to the fraud desk", || {
        let pages = stage.stack.take(desk)?;
        Ok((!pages.is_empty()).then_some(pages))
    })?;
    let page: Value = serde_json::from_str(pages.first().and_then(|page| page.get("Body")?.as_str()).unwrap_or_default())?;
    stage.scene.row("fraud desk", &format!("is paged: {}", page.get("events").map(Value::to_string).unwrap_or_default()));
    stage.scene.claim("an incident, for this line", page.get("line_id") == Some(&text(&first.line_id)));
    stage.scene.claim("with no authorization in it", page.get("authorization").is_none());
    let told = inbox.wait_on(&["push", "e-mail"], "")?;
    if let Some(notice) = told.first() {
        stage.scene.message("Maria's app, and the same by e-mail", notice);
    }
    let entries = stage.stack.ledger(&first.account_id, Some(&first.line_id))?;
    stage.scene.ledger("of Maria's line", entries.get(entries.len().saturating_sub(4)..).unwrap_or_default());
    stage.scene.claim("the chain of hashes verifies", crate::ledger::verifies(&entries));
    Ok(())
}
