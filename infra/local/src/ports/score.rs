//! What became of a day: what was answered, alarmed, missed and falsely stopped.
//!
//! Pure: whoever drove the day hands over what was sent, answered and alarmed, with the seconds at which it was, on one
//! clock.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::{CAMPAIGNS, Day, LineOf, Message, What, Who};

/// A message that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Place in [`Day::steps`].
    pub(crate) step: usize,
    /// When, in seconds.
    pub(crate) at: f64,
}

/// An answer that the gateway got.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// Purchase order number.
    pub(crate) pon: String,
    /// Version, where it has one.
    pub(crate) version: Option<u8>,
    /// `confirm`, `reject`, …
    pub(crate) answer: String,
    /// The reasons' words.
    pub(crate) reasons: Vec<String>,
    /// When it was seen, in seconds.
    pub(crate) at: f64,
    /// Until when it was due, in seconds on the same clock.
    pub(crate) due: f64,
}

/// An alarm that was published.
#[derive(Clone, Debug)]
pub(crate) struct Alarmed {
    /// The incident.
    pub(crate) incident: String,
    /// Which rule.
    pub(crate) pattern: String,
    /// Lines that it names.
    pub(crate) lines: Vec<LineOf>,
    /// When it was seen, in seconds.
    pub(crate) at: f64,
}

/// What became of the honest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Honest {
    /// Orders.
    pub(crate) orders: usize,
    /// Messages of all.
    pub(crate) messages: usize,
    /// Versions that ask for a port.
    pub(crate) asked: usize,
    /// Of these, answered.
    pub(crate) answered: usize,
    /// Of these, before the answer was due.
    pub(crate) in_time: usize,
    /// Orders that were right in the end.
    pub(crate) right: usize,
    /// Of these, confirmed.
    pub(crate) confirmed: usize,
    /// Of these, stopped: their purchase order numbers, and what was said last.
    pub(crate) stopped: Vec<(String, String)>,
}

/// What became of a thief.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thief {
    /// What he did.
    pub(crate) name: &'static str,
    /// Lines that he went for.
    pub(crate) lines: usize,
    /// Lines that he had asked for when the first alarm came.
    pub(crate) asked_at_alarm: usize,
    /// Lines whose port was confirmed.
    pub(crate) confirmed: usize,
    /// Lines that an alarm named.
    pub(crate) named: usize,
    /// The patterns that caught him.
    pub(crate) patterns: BTreeSet<String>,
    /// Seconds from the message that completed the pattern, the last of a named line before it, to the first alarm.
    pub(crate) after: Option<f64>,
}

/// The whole.
#[derive(Clone, Debug)]
pub(crate) struct Score {
    /// The honest.
    pub(crate) honest: Honest,
    /// The thieves.
    pub(crate) thieves: Vec<Thief>,
    /// Incidents that name no victim: pattern and lines.
    pub(crate) false_alarms: Vec<(String, usize)>,
}

/// Whether a message, if it is the last, asks for what the carrier should confirm.
fn is_right(message: &Message) -> bool {
    use super::plan::Says::Right;
    matches!(message, Message::Ask { account_number: Right, zip: Right, pin: Right, .. })
}

impl Score {
    /// Of a day.
    pub(crate) fn of(day: &Day, sent: &[Sent], answered: &[Answered], alarmed: &[Alarmed]) -> Self {
        let mut answers: BTreeMap<&str, Vec<&Answered>> = BTreeMap::new();
        for answer in answered {
            answers.entry(&answer.pon).or_default().push(answer);
        }
        let thieves = (0..CAMPAIGNS.len()).map(|thief| campaign(day, thief, sent, &answers, alarmed)).collect();
        let victims: BTreeSet<LineOf> =
            day.orders.iter().filter(|order| matches!(order.who, Who::Thief(_))).map(|order| order.line).collect();
        let mut incidents: BTreeMap<&str, (&str, BTreeSet<LineOf>)> = BTreeMap::new();
        for alarm in alarmed {
            incidents.entry(&alarm.incident).or_insert((&alarm.pattern, BTreeSet::new())).1.extend(&alarm.lines);
        }
        let false_alarms = incidents
            .into_values()
            .filter(|(_, lines)| lines.is_disjoint(&victims))
            .map(|(pattern, lines)| (pattern.to_owned(), lines.len()))
            .collect();
        Self { honest: honest(day, sent, &answers), thieves, false_alarms }
    }

    /// Whether the day went as it should.
    pub(crate) fn holds(&self) -> bool {
        let honest = &self.honest;
        honest.in_time == honest.asked
            && honest.stopped.len() * 1_000 <= honest.right
            && self.thieves.iter().all(|thief| thief.after.is_some_and(|after| after <= 5.0))
    }

    /// Lines of a table: label and value.
    pub(crate) fn rows(&self) -> Vec<(String, String)> {
        let honest = &self.honest;
        let mut rows = vec![
            ("honest orders".to_owned(), format!("{}, {} messages", honest.orders, honest.messages)),
            ("asked versions answered".to_owned(), format!("{} of {}", honest.answered, honest.asked)),
            ("inside their interval".to_owned(), format!("{} of {}", honest.in_time, honest.asked)),
            ("right orders confirmed".to_owned(), format!("{} of {}", honest.confirmed, honest.right)),
            ("falsely stopped".to_owned(), format!("{} of {}", honest.stopped.len(), honest.right)),
        ];
        rows.extend(honest.stopped.iter().take(5).map(|(pon, why)| (format!("  {pon}"), why.clone())));
        for thief in &self.thieves {
            let patterns = thief.patterns.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let caught = match thief.after {
                Some(after) => {
                    format!(
                        "alarm {after:.2} s after the message that completes it, at line {} of {}: {patterns}",
                        thief.asked_at_alarm, thief.lines
                    )
                }
                None => format!("MISSED, {} lines", thief.lines),
            };
            rows.push((thief.name.to_owned(), caught));
            rows.push((String::new(), format!("{} lines named, {} ports confirmed", thief.named, thief.confirmed)));
        }
        let alarms: Vec<String> = self.false_alarms.iter().map(|(pattern, lines)| format!("{pattern} ({lines} lines)")).collect();
        let alarms = if alarms.is_empty() { "none".to_owned() } else { alarms.join(", ") };
        rows.push(("alarms without a thief".to_owned(), alarms));
        rows
    }
}

fn honest(day: &Day, sent: &[Sent], answers: &BTreeMap<&str, Vec<&Answered>>) -> Honest {
    let mut honest = Honest::default();
    let mut messages: BTreeMap<usize, Vec<&Message>> = BTreeMap::new();
    for message in sent {
        if let Some(What::Send { order, message }) = day.steps.get(message.step).map(|step| &step.what) {
            messages.entry(*order).or_default().push(message);
        }
    }
    for (place, order) in day.orders.iter().enumerate() {
        let Some(messages) = messages.get(&place).filter(|_| !matches!(order.who, Who::Thief(_))) else { continue };
        let answers = answers.get(order.pon.as_str()).map(Vec::as_slice).unwrap_or_default();
        honest.orders += 1;
        honest.messages += messages.len();
        let asked: BTreeSet<u8> = messages
            .iter()
            .filter_map(|message| match message {
                Message::Ask { version, .. } => Some(*version),
                Message::Later { .. } | Message::Cancel => None,
            })
            .collect();
        for version in &asked {
            // What a later version overtook is answered with that one.
            let answer = answers.iter().filter(|answer| answer.version.is_none_or(|answered| answered >= *version));
            let first = answer.min_by(|a, b| a.at.total_cmp(&b.at));
            honest.asked += 1;
            honest.answered += usize::from(first.is_some());
            honest.in_time += usize::from(first.is_some_and(|first| first.at <= first.due));
        }
        if order.who == Who::Honest && messages.iter().any(|message| is_right(message)) {
            honest.right += 1;
            if answers.iter().any(|answer| answer.answer == "confirm") {
                honest.confirmed += 1;
            } else {
                let last = answers.iter().max_by(|a, b| a.at.total_cmp(&b.at));
                let why =
                    last.map_or_else(|| "no answer".to_owned(), |last| format!("{} {}", last.answer, last.reasons.join(" ")));
                honest.stopped.push((order.pon.clone(), why));
            }
        }
    }
    honest
}

fn campaign(day: &Day, thief: usize, sent: &[Sent], answers: &BTreeMap<&str, Vec<&Answered>>, alarmed: &[Alarmed]) -> Thief {
    let orders: Vec<_> = day.orders.iter().filter(|order| order.who == Who::Thief(thief)).collect();
    let lines: BTreeSet<LineOf> = orders.iter().map(|order| order.line).collect();
    // An alarm about many is of who most of them are.
    let is_of_him = |alarm: &&Alarmed| alarm.lines.iter().filter(|line| lines.contains(line)).count() * 2 > alarm.lines.len();
    let hits: Vec<&Alarmed> = alarmed.iter().filter(is_of_him).collect();
    let first = hits.iter().min_by(|a, b| a.at.total_cmp(&b.at));
    let sends = |line: &LineOf| {
        let line = *line;
        let of_line = |sent: &&Sent| {
            day.steps.get(sent.step).is_some_and(|step| step.line == line && matches!(step.what, What::Send { .. }))
        };
        sent.iter().filter(of_line).map(|sent| sent.at).collect::<Vec<_>>()
    };
    let after = first.and_then(|alarm| {
        let of_named = alarm.lines.iter().filter(|line| lines.contains(line)).flat_map(sends);
        let last = of_named.filter(|at| *at <= alarm.at).max_by(f64::total_cmp)?;
        Some(alarm.at - last)
    });
    let asked_at_alarm =
        first.map_or(0, |alarm| lines.iter().filter(|line| sends(line).iter().any(|at| *at <= alarm.at)).count());
    let is_confirmed = |pon: &str| answers.get(pon).is_some_and(|all| all.iter().any(|answer| answer.answer == "confirm"));
    let named: BTreeSet<LineOf> =
        hits.iter().flat_map(|alarm| &alarm.lines).copied().filter(|line| lines.contains(line)).collect();
    Thief {
        name: CAMPAIGNS.get(thief).copied().unwrap_or_default(),
        lines: lines.len(),
        asked_at_alarm,
        confirmed: orders.iter().filter(|order| is_confirmed(&order.pon)).count(),
        named: named.len(),
        patterns: hits.iter().map(|alarm| alarm.pattern.clone()).collect(),
        after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_sent(day: &Day) -> Vec<Sent> {
        let steps = day.steps.iter().enumerate().filter(|(_, step)| matches!(step.what, What::Send { .. }));
        steps.map(|(step, of)| Sent { step, at: f64::from(of.at) }).collect()
    }

    fn answer(pon: &str, version: u8, answer: &str, at: f64) -> Answered {
        let (pon, answer, reasons) = (pon.to_owned(), answer.to_owned(), Vec::new());
        Answered { pon, version: Some(version), answer, reasons, at, due: at + 60.0 }
    }

    #[test]
    fn a_day_that_nobody_answered_and_nobody_watched_is_a_day_lost() {
        let day = Day::plan(1, 40);
        let score = Score::of(&day, &all_sent(&day), &[], &[]);
        assert!(!score.holds());
        assert_eq!((score.honest.answered, score.honest.stopped.len()), (0, score.honest.right));
        assert!(score.thieves.iter().all(|thief| thief.after.is_none()));
    }

    #[test]
    fn a_day_well_answered_and_watched_holds_and_one_late_answer_shows() {
        let day = Day::plan(1, 40);
        let sent = all_sent(&day);
        let mut answers = Vec::new();
        for sent in &sent {
            if let What::Send { order, message: message @ Message::Ask { version, .. } } = &day.steps[sent.step].what {
                let word = if is_right(message) { "confirm" } else { "reject" };
                answers.push(answer(&day.orders[*order].pon, *version, word, sent.at + 2.0));
            }
        }
        let alarm = |thief| {
            let lines: Vec<LineOf> =
                day.orders.iter().filter(|order| order.who == Who::Thief(thief)).map(|order| order.line).collect();
            let of_them = sent.iter().filter(|sent| lines.contains(&day.steps[sent.step].line));
            let last = of_them.map(|sent| sent.at).max_by(f64::total_cmp).unwrap();
            Alarmed { incident: format!("i{thief}"), pattern: "p".into(), lines, at: last + 1.5 }
        };
        let alarms: Vec<Alarmed> = (0..3).map(alarm).collect();
        let score = Score::of(&day, &sent, &answers, &alarms);
        assert!(score.holds(), "{:#?}", score.rows());
        assert!(score.thieves.iter().all(|thief| thief.after.is_some_and(|after| (1.4..1.6).contains(&after))));
        assert!(score.false_alarms.is_empty());
        for late in &mut answers {
            late.due = late.at - 1.0;
        }
        assert!(!Score::of(&day, &sent, &answers, &alarms).holds());
        let noise = Alarmed { incident: "n".into(), pattern: "address".into(), lines: vec![day.orders[0].line], at: 1.0 };
        assert_eq!(Score::of(&day, &sent, &answers, &[noise]).false_alarms, [("address".to_owned(), 1)]);
    }
}
