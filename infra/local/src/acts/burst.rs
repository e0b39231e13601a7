use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::no_pin::{gateway, order};
use super::{Act, Stage};
use crate::carrier::days_ago;
use crate::people::{iccid, suffix};
use crate::stack::{event, uuid, wait_for};

pub(super) const ACT: Act = Act {
    title: "Act 7  A burst to one carrier",
    subtitle: "Somebody bought a list of bills. Within seconds fourteen numbers of fourteen customers are ordered by one small carrier that hardly anyone leaves for. Each order alone is only one without a PIN.",
    play,
};

/// How many customers' numbers are ordered.
const LINES: usize = 14;
/// The carrier where they are ordered.
const GAINING: &str = "7B07";

fn play(stage: &mut Stage<'_, '_>) -> Result<()> {
    let stack = stage.stack;
    let heard = stack.listen(&format!("linekeeper-push-burst-{}", suffix()), stack.output("LineEventsTopicArn")?)?;
    let victims: Vec<(String, String, String)> = (0..LINES)
        .map(|n| (format!("acct-{}", suffix()), format!("line-{}", suffix()), format!("+1786555{:04}", 100 + n)))
        .collect();
    for (account, _, _) in &victims {
        stack.provisioning(&event(
            "account_opened",
            days_ago(400),
            json!({ "account_id": account, "jurisdiction": "us", "contacts": [] }),
        ))?;
    }
    for (account, line, msisdn) in &victims {
        wait_for("an account", || Ok((!stack.ledger(account, None)?.is_empty()).then_some(())))?;
        let opened = json!({ "account_id": account, "line_id": line, "msisdn": msisdn, "iccid": iccid() });
        stack.provisioning(&event("line_opened", days_ago(400), opened))?;
    }
    for (account, line, _) in &victims {
        wait_for("a line", || Ok((!stack.ledger(account, Some(line))?.is_empty()).then_some(())))?;
    }
    stage.scene.row("gateway", &format!("asks for {LINES} numbers, one after the other, all on behalf of {GAINING}"));
    let began = std::time::Instant::now();
    for (_, _, msisdn) in &victims {
        let id = uuid();
        gateway(stack, "port_request", &order(msisdn, GAINING, id.get(..8).unwrap_or_default()))?;
    }
    let alarm = wait_for("an alarm", || {
        let events = stack.take(&heard)?;
        let bodies = events.iter().filter_map(|event| serde_json::from_str::<Value>(event.get("Body")?.as_str()?).ok());
        Ok(bodies.into_iter().find(|body| body.get("event") == Some(&json!("porting_incident"))))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    let text = |name: &str| {
        alarm.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
    };
    let lines = alarm.get("lines").and_then(Value::as_array).context("an alarm without lines")?;
    stage.scene.row(
        "fraud desk",
        &format!(
            "hears {seconds:.1} s after the first order: {} ({} of at most {})",
            text("pattern"),
            text("count"),
            text("limit")
        ),
    );
    stage.scene.note(&format!("{} lines, severity {}, since {}", lines.len(), text("severity"), text("since")));
    let ours = lines.iter().all(|line| victims.iter().any(|(_, id, _)| line.get("line_id") == Some(&json!(id))));
    stage.scene.claim("the pattern is seen while it happens, and names the lines", !lines.is_empty() && ours);
    stage.scene.claim("no number is in it", victims.iter().all(|(_, _, msisdn)| !alarm.to_string().contains(msisdn.as_str())));
    let signed = |(account, line, _): &(String, String, String)| -> Result<usize> {
        Ok(stack.ledger(account, Some(line))?.iter().map(|entry| entry.count("released")).sum())
    };
    let signed: usize = victims.iter().map(signed).sum::<Result<usize>>()?;
    stage.scene.claim("none of them was let go", signed == 0);
    Ok(())
}
