//! Plays a planned day to the deployed stack, through the queues and the API alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::plan::{DAY, Day, LineOf, Message, Says, What};
use super::score::{Alarmed, Answered, Score, Sent};
use crate::api::Caller;
use crate::carrier::{days_ago, from, with};
use crate::people::{MIAMI, Place, PushDevice, iccid, suffix};
use crate::stack::{Message as Told, Stack, event, uuid, wait_for};
use crate::terminal::{Progress, locked};

/// How many customers use the app at the same time.
const WORKERS: usize = 6;
/// Records of one import.
const IMPORT: usize = 500;
/// How long after the last message answers and alarms are waited for.
const AFTERMATH: Duration = Duration::from_secs(20);
/// How often what came out is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Days of the past that the carrier tells of.
const PAST_DAYS: u64 = 35;

/// A household as the carrier knows it, with a network address of its own.
struct Household {
    account_id: String,
    lines: Vec<Line>,
    device: String,
    address: &'static str,
}

struct Line {
    line_id: String,
    iccid: String,
}

/// A day on stage.
pub(super) struct Stage<'a> {
    stack: &'a Stack,
    day: Arc<Day>,
    households: Vec<Household>,
    /// Each household's phone, and whether it is in use.
    phones: Vec<(PushDevice, Mutex<()>)>,
    pins: Mutex<BTreeMap<LineOf, String>>,
    speed: f64,
}

impl<'a> Stage<'a> {
    /// Opens every account of the day, long enough ago.
    pub(super) fn open(stack: &'a Stack, day: Day, speed: f64) -> Result<Self> {
        let run = suffix();
        // Each its own: nobody gets more than so many codes a day.
        let progress = Progress::start("Giving every household a phone");
        let phone = |n| Ok((stack.push_device(&format!("{run}-{n}"))?, Mutex::default()));
        let phones = (0..day.households.len()).map(phone).collect::<Result<Vec<_>>>()?;
        progress.done("");
        let household = |(place, of): (usize, &super::plan::Household)| Household {
            account_id: format!("acct-{run}-{place}"),
            lines: (0..of.numbers.len())
                .map(|line| Line { line_id: format!("line-{run}-{place}-{line}"), iccid: iccid() })
                .collect(),
            device: format!("laptop-{run}-of-household-{place}"),
            address: Box::leak(format!("73.{}.{}.7:46532", 20 + place / 200, place % 200).into_boxed_str()),
        };
        let households: Vec<Household> = day.households.iter().enumerate().map(household).collect();
        let stage = Self { stack, day: Arc::new(day), households, phones, pins: Mutex::default(), speed };
        stage.introduce()?;
        Ok(stage)
    }

    fn phone(&self, household: usize) -> Result<&(PushDevice, Mutex<()>)> {
        self.phones.get(household).context("no phone")
    }

    /// Accounts, lines and bills, then how everyone signed in: by import, as a carrier that begins would.
    fn introduce(&self) -> Result<()> {
        let progress = Progress::start(format!("Opening {} accounts by import", self.households.len()));
        let (mut records, mut signs) = (Vec::new(), Vec::new());
        for (place, (known, of)) in self.households.iter().zip(&self.day.households).enumerate() {
            let contacts = json!([{ "id": "app", "push": self.phone(place)?.0.arn }, { "id": "mail", "email": format!("h{place}@mail.example") }]);
            let account = &known.account_id;
            let year_ago = days_ago(365);
            records.push(event(
                "account_opened",
                year_ago,
                json!({ "account_id": account, "jurisdiction": "us", "contacts": contacts }),
            ));
            for (line, number) in known.lines.iter().zip(&of.numbers) {
                let fields = json!({ "account_id": account, "line_id": line.line_id, "msisdn": number, "iccid": line.iccid });
                records.push(event("line_opened", year_ago, fields));
            }
            let bill = json!({ "account_id": account, "account_number": of.account_number, "zip": of.zip });
            records.push(event("billing_known", year_ago, bill));
            for day in 1..=20_i64 {
                let at = days_ago(day).saturating_add(SignedDuration::from_hours((day * 5) % 12 - 6)).unwrap_or(Timestamp::MIN);
                let at = at.min(Timestamp::now());
                let home = with(from(&self.home(known), &known.device), json!({ "account_id": account, "ok": true }));
                signs.push(event("sign_in", at, home));
            }
        }
        for (function, records) in [("ProvisioningFeedFunction", records), ("RiskScoringFunction", signs)] {
            let function = self.stack.output(function)?;
            for (n, some) in records.chunks(IMPORT).enumerate() {
                progress.detail(&format!("{} of {}", n * IMPORT, records.len()));
                let imported = self.stack.aws.invoke(function, &json!({ "import": some }))?;
                let failed = imported.get("failed").and_then(Value::as_array).map_or(0, Vec::len);
                ensure!(failed == 0, "an import failed: {imported}");
            }
        }
        progress.done(&format!("{} records", self.day.households.len() * 24));
        Ok(())
    }

    fn home(&self, household: &Household) -> Place {
        Place { address: household.address, ..MIAMI }
    }

    /// Tells what is usual: honest days of the past, squeezed into hours as this one will be.
    fn tell_the_past(&self, seed: u64, honest: usize, midnight: Timestamp) -> Result<()> {
        let mut hours: BTreeMap<(Timestamp, &str), (u32, u32)> = BTreeMap::new();
        // Each week of the past is as long a day in the same hours.
        for day in 1..=PAST_DAYS / 7 {
            for left in Day::past(seed, day, honest) {
                let at = self.moment(midnight, left.at) - SignedDuration::from_hours(i64::try_from(day).unwrap_or(1) * 168);
                let count = hours.entry((hour_of(at), left.carrier)).or_default();
                count.0 += 1;
                count.1 += u32::from(left.failed);
            }
        }
        let past = hours.into_iter().map(|((at, spid), (accounts, failed))| {
            json!({ "at": at.to_string(), "spid": spid, "accounts": accounts, "failed": failed })
        });
        self.stack.aws.invoke(self.stack.output("PortFeedFunction")?, &json!({ "port_history": past.collect::<Vec<_>>() }))?;
        Ok(())
    }

    fn moment(&self, midnight: Timestamp, at: u32) -> Timestamp {
        let seconds = f64::from(at) / self.speed;
        midnight.saturating_add(SignedDuration::from_secs_f64(seconds)).unwrap_or(midnight)
    }

    /// Draws every transfer PIN beforehand and swaps nothing yet: an app at a few seconds a customer cannot keep up with
    /// a day that passes in minutes. What was drawn when stays: before the order.
    fn draw_pins(&self) -> Result<()> {
        let steps = self.day.steps.iter().filter(|step| step.what == What::DrawPin).map(|step| step.line);
        let mut queues: Vec<VecDeque<LineOf>> = vec![VecDeque::new(); WORKERS];
        let mut count = 0;
        for line in steps.collect::<BTreeSet<_>>() {
            if let Some(queue) = queues.get_mut(line.household % WORKERS) {
                queue.push_back(line);
                count += 1;
            }
        }
        let (done, held) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let progress = Progress::start(format!("{count} customers draw a transfer PIN in the app"));
        thread::scope(|scope| {
            let workers: Vec<_> = queues
                .into_iter()
                .map(|queue| {
                    scope.spawn(|| -> Result<()> {
                        for line in queue {
                            match self.draw_pin(line)? {
                                Some(pin) => {
                                    locked(&self.pins).insert(line, pin);
                                }
                                None => {
                                    held.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                            progress.detail(&bar(done.fetch_add(1, Ordering::Relaxed) + 1, count));
                        }
                        Ok(())
                    })
                })
                .collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| anyhow::bail!("a worker died")))
        })?;
        let held = held.into_inner();
        progress.done(&if held == 0 { String::new() } else { format!("{held} have to wait for theirs") });
        Ok(())
    }

    fn caller(&self, household: &Household) -> Result<Caller> {
        Ok(Caller {
            token: Some(self.stack.issuer.customer(&household.account_id)?),
            device: Some(household.device.clone()),
            place: Some(self.home(household)),
        })
    }

    /// Asks for a change and proves it by the app; its id where it is authorized then.
    fn proven(&self, line: LineOf, wish: &Value) -> Result<Option<(Caller, String)>> {
        let household = self.households.get(line.household).context("no household")?;
        let (caller, (phone, in_use)) = (self.caller(household)?, self.phone(line.household)?);
        // One at a time: a code does not say whose it is.
        let in_use = locked(in_use);
        let asked =
            self.stack.api.call(&caller, "POST", "/v1/changes").idempotency_key(&uuid()).json(wish).send()?.expect(201)?;
        let change = asked.text("/change_id").to_owned();
        let before = self.stack.pushes(phone)?.len();
        let path = format!("/v1/changes/{change}/challenges");
        let challenge = self.stack.api.call(&caller, "POST", &path).json(&json!({ "factor": "push_otp" })).send()?.expect(201)?;
        let code = wait_for("a code", || {
            let pushes = self.stack.pushes(phone)?;
            Ok(pushes.iter().skip(before).rev().find_map(Told::code).map(str::to_owned))
        })?;
        let answer = format!("{path}/{}/answer", challenge.text("/challenge_id"));
        drop(in_use);
        self.stack.api.call(&caller, "POST", &answer).json(&json!({ "code": code })).send()?.expect(200)?;
        if !asked.text("/hold_until").is_empty() {
            return Ok(None);
        }
        wait_for("told", || {
            let read = self.stack.api.call(&caller, "GET", &format!("/v1/changes/{change}")).send()?.expect(200)?;
            Ok(matches!(read.text("/status"), "authorized" | "completed").then_some(()))
        })?;
        Ok(Some((caller, change)))
    }

    fn line(&self, line: LineOf) -> Result<(&Household, &Line)> {
        let household = self.households.get(line.household).context("no household")?;
        Ok((household, household.lines.get(line.line).context("no line")?))
    }

    fn draw_pin(&self, line: LineOf) -> Result<Option<String>> {
        let (_, known) = self.line(line)?;
        let wish = json!({ "kind": "port_pin", "line_id": known.line_id });
        let Some((caller, change)) = self.proven(line, &wish)? else { return Ok(None) };
        let drawn = self.stack.api.call(&caller, "POST", &format!("/v1/changes/{change}/pin")).send()?.expect(201)?;
        Ok(Some(drawn.text("/pin").to_owned()))
    }

    /// Asks for another SIM, and has provisioning report it: by what the ledger says that it may.
    fn swap_sim(&self, line: LineOf) -> Result<()> {
        let (household, known) = self.line(line)?;
        let sim = iccid();
        let wish = json!({ "kind": "sim_swap", "line_id": known.line_id, "sim": { "iccid": sim }, "phone_lost": false });
        let Some((_, change)) = self.proven(line, &wish)? else { return Ok(()) };
        let events = || -> Result<Vec<Value>> {
            let ledger = self.stack.ledger(&household.account_id, Some(&known.line_id))?;
            let entries = ledger.iter().filter_map(|entry| serde_json::from_str::<Value>(&entry.bytes).ok());
            Ok(entries.filter_map(|entry| entry.get("events")?.as_array().cloned()).flatten().collect())
        };
        let named = |event: &Value, name: &str| event.get("event").and_then(Value::as_str) == Some(name);
        let of = |event: &Value| event.get("change").and_then(Value::as_str) == Some(change.as_str());
        // A carrier acts on what was signed, and not on what was only decided.
        let authorization = wait_for("a signed authorization", || {
            let events = events()?;
            let signed = events.iter().any(|event| of(event) && named(event, "released"));
            let granted = events.iter().filter(|event| of(event)).find_map(|event| event.pointer("/authorization/id")?.as_str());
            Ok(granted.filter(|_| signed).map(str::to_owned))
        })?;
        let moved = json!({ "account_id": household.account_id, "line_id": known.line_id, "iccid": sim, "authorization_id": authorization });
        self.stack.provisioning(&event("sim_changed", Timestamp::now(), moved))?;
        // Minutes pass before anybody orders, even where a day passes in two.
        wait_for("the report", || Ok(events()?.iter().any(|event| named(event, "sim_changed")).then_some(())))
    }

    fn message(&self, order: usize, message: &Message) -> Result<Value> {
        let order = self.day.orders.get(order).context("no order")?;
        let household = self.day.households.get(order.line.household).context("no household")?;
        let number = household.numbers.get(order.line.line).context("no line")?;
        let now = Timestamp::now();
        let later = |hours| now.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(now).to_string();
        let said = |says: &Says, right: &str| match says {
            Says::Right => Some(right.to_owned()),
            Says::This(text) => Some(text.clone()),
            Says::Nothing => None,
        };
        let mut data = json!({ "ported_number": number, "purchase_order_number": order.pon });
        let kind = match message {
            Message::Ask { version, account_number, zip, pin } => {
                data = with(
                    data,
                    json!({
                        "account_number": said(account_number, &household.account_number), "zip": said(zip, &household.zip),
                        "company_code": "987H", "new_network_service_provider": order.carrier, "desired_due_date": later(26),
                        "version": version.to_string(), "portability_direction": "C", "customer_carrier_name": "ZZZ",
                        "requisition_type": "CB", "activity": "V", "initiator_number": "+12125550199", "agency_authority": "Y",
                    }),
                );
                let drawn = locked(&self.pins).get(&order.line).cloned().unwrap_or_default();
                if let Some(pin) = said(pin, &drawn).filter(|pin| !pin.is_empty()) {
                    data = with(data, json!({ "passcode": pin }));
                }
                "port_request"
            }
            Message::Later { version } => {
                data = with(
                    data,
                    json!({ "version": version.to_string(), "supplement": "due_date", "desired_due_date": later(50) }),
                );
                "supplement"
            }
            Message::Cancel => "cancellation",
        };
        Ok(json!({
            "specversion": "1.0", "id": uuid(), "source": "/gateways/a", "type": format!("linekeeper.porting.{kind}.v1"),
            "time": now.to_string(), "datacontenttype": "application/json", "data": data,
        }))
    }

    /// Plays the day, and says what became of it.
    pub(super) fn play(&self, seed: u64, honest: usize) -> Result<Score> {
        let alarms =
            self.stack.listen(&format!("linekeeper-push-alarms-{}", suffix()), self.stack.output("LineEventsTopicArn")?)?;
        let answers = self.stack.output("PortAnswersQueueUrl")?;
        self.stack.take(answers)?;
        self.draw_pins()?;
        let (midnight, started) = (Timestamp::now(), Instant::now());
        self.tell_the_past(seed, honest, midnight)?;

        let sends = self.day.steps.iter().filter(|step| matches!(step.what, What::Send { .. })).count();
        let progress = Progress::start(format!("A day at {:.0} times its speed: {sends} messages", self.speed));
        let (over, heard) = (AtomicBool::new(false), Mutex::new((Vec::new(), Vec::new())));
        let sent: Mutex<Vec<Sent>> = Mutex::default();
        let send = |place: usize| -> Result<()> {
            let step = self.day.steps.get(place).context("no step")?;
            let What::Send { order, message } = &step.what else { return Ok(()) };
            thread::sleep(self.due(step.at).saturating_sub(started.elapsed()));
            let body = self.message(*order, message)?.to_string();
            let at = started.elapsed().as_secs_f64();
            self.stack.send(self.stack.output("PortingQueueUrl")?, &body)?;
            let mut sent = locked(&sent);
            sent.push(Sent { step: place, at });
            progress.detail(&format!("{}  {:02}:{:02}", bar(sent.len(), sends), step.at / 3_600, step.at / 60 % 60));
            Ok(())
        };
        thread::scope(|scope| -> Result<()> {
            let listener = scope.spawn(|| -> Result<()> {
                loop {
                    let is_last = over.load(Ordering::Relaxed);
                    let (answered, alarmed) = (self.stack.take(answers)?, self.stack.take(&alarms)?);
                    let at = started.elapsed().as_secs_f64();
                    let mut heard = locked(&heard);
                    heard.0.extend(answered.iter().filter_map(|message| self.answered(message, at, midnight)));
                    heard.1.extend(alarmed.iter().filter_map(|message| self.alarmed(message, at)));
                    drop(heard);
                    if is_last {
                        return Ok(());
                    }
                    thread::sleep(LOOK);
                }
            });
            let played = self.steps(scope, &send, started);
            thread::sleep(AFTERMATH);
            over.store(true, Ordering::Relaxed);
            let listened = listener.join().unwrap_or_else(|_| anyhow::bail!("the listener died"));
            played.and(listened)
        })?;
        let (answered, alarmed) = heard.into_inner().unwrap_or_default();
        let sent = sent.into_inner().unwrap_or_default();
        progress.done(&format!("{} answers, {} alarms", answered.len(), alarmed.len()));
        Ok(Score::of(&self.day, &sent, &answered, &alarmed))
    }

    fn due(&self, at: u32) -> Duration {
        Duration::from_secs_f64(f64::from(at) / self.speed)
    }

    /// Plays every step at its time. What follows a SIM swap on its line waits for it: at many times its speed a day is
    /// faster than an app.
    fn steps<'scope>(
        &'scope self,
        scope: &'scope thread::Scope<'scope, '_>,
        send: &'scope (impl Fn(usize) -> Result<()> + Sync),
        started: Instant,
    ) -> Result<()> {
        let swapped: BTreeSet<LineOf> =
            self.day.steps.iter().filter(|step| step.what == What::SwapSim).map(|step| step.line).collect();
        let mut apart = Vec::new();
        for (place, step) in self.day.steps.iter().enumerate() {
            match &step.what {
                What::DrawPin => {}
                What::SwapSim => {
                    thread::sleep(self.due(step.at).saturating_sub(started.elapsed()));
                    let line = step.line;
                    let later = self.day.steps.iter().enumerate().skip(place).filter(move |(_, step)| step.line == line);
                    apart.push(scope.spawn(move || {
                        self.swap_sim(line)?;
                        later.map(|(place, _)| place).try_for_each(send)
                    }));
                }
                What::Send { .. } if swapped.contains(&step.line) => {}
                What::Send { .. } => send(place)?,
            }
        }
        apart.into_iter().try_for_each(|line| line.join().unwrap_or_else(|_| anyhow::bail!("a line's thread died")))
    }

    fn answered(&self, message: &Value, at: f64, midnight: Timestamp) -> Option<Answered> {
        let event: Value = serde_json::from_str(message.get("Body")?.as_str()?).ok()?;
        let data = event.get("data")?;
        let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str);
        let due: Timestamp = text("/must/by")?.parse().ok()?;
        let reasons = data.get("codes").and_then(Value::as_array).into_iter().flatten();
        Some(Answered {
            pon: text("/purchase_order_number")?.to_owned(),
            version: text("/version").and_then(|version| version.parse().ok()),
            answer: text("/answer")?.to_owned(),
            reasons: reasons.filter_map(|code| Some(code.get("reason")?.as_str()?.to_owned())).collect(),
            at,
            due: due.duration_since(midnight).as_secs_f64(),
        })
    }

    fn alarmed(&self, message: &Value, at: f64) -> Option<Alarmed> {
        let event: Value = serde_json::from_str(message.get("Body")?.as_str()?).ok()?;
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        if text("event") != Some("porting_incident") {
            return None;
        }
        let lines = event.get("lines")?.as_array()?.iter().filter_map(|line| {
            let mut parts = line.get("line_id")?.as_str()?.rsplit('-').map(|part| part.parse().ok());
            let (line, household) = (parts.next()??, parts.next()??);
            Some(LineOf { household, line })
        });
        Some(Alarmed {
            incident: text("incident_id")?.to_owned(),
            pattern: text("pattern")?.to_owned(),
            lines: lines.collect(),
            at,
        })
    }
}

fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second() - at.as_second().rem_euclid(3_600)).unwrap_or(at)
}

/// How much of something is done.
fn bar(done: usize, of: usize) -> String {
    let full = (done * 24).checked_div(of).unwrap_or(0).min(24);
    format!("{}{} {done}/{of}", "━".repeat(full), "╌".repeat(24 - full))
}

/// How fast a day is played that takes about so long.
pub(super) fn speed_of(minutes: u32) -> f64 {
    f64::from(DAY) / f64::from(minutes.max(1) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_empty_at_first_and_full_in_the_end() {
        assert!(bar(0, 10).starts_with('╌') && bar(10, 10).starts_with(&"━".repeat(24)));
        assert!(bar(0, 0).ends_with("0/0"));
    }

    #[test]
    fn a_day_in_four_minutes_is_three_hundred_and_sixty_times_as_fast() {
        assert!((speed_of(4) - 360.0).abs() < 1e-9);
    }
}
