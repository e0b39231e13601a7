//! The check-up as the app shows it: each thing by its word, and in plain words of the customer's language.

use serde::Serialize;

use super::{Attack, CheckUp, Finding, Goal, Guidance, Happened, Holding, On, Part, Step, StepState, Thing, Way, Worth};
use crate::config::Settings;
use crate::fraud::{CaseId, Concerned};
use crate::ids::LineId;
use crate::kinds::{Factor, Locale, Mode, Protection};
use crate::words::checkup::{attack, on, sentences};

/// The check-up of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckUpView {
    /// Of a hundred: the sum of the parts' points.
    pub score: u8,
    /// What that means.
    pub text: &'static str,
    /// The parts of the score.
    pub parts: Vec<PartView>,
    /// What to do next, most effective first.
    pub next: Vec<NextView>,
    /// What is on.
    pub protections: Vec<OnView>,
    /// What an attacker would need.
    pub attacker: Vec<AttackView>,
    /// What happened, newest first.
    pub lately: Vec<HappenedView>,
    /// What proves and reaches her, each to be named in a report of fraud where it is not hers.
    pub holdings: Vec<HoldingView>,
    /// What to do about a case of fraud, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_fraud: Option<GuidanceView>,
}

/// A part of the score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartView {
    /// Which.
    pub part: Part,
    /// What it gives.
    pub points: u8,
    /// What it can give.
    pub of: u8,
    /// What it is about.
    pub text: &'static str,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NextView {
    /// What was found.
    pub finding: Finding,
    /// What the score gains.
    pub gain: u8,
    /// Whether it cannot wait.
    pub urgent: bool,
    /// What to do, and why.
    pub text: &'static str,
}

/// A protection that is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OnView {
    /// Which.
    pub protection: Protection,
    /// How it works.
    pub mode: Mode,
    /// For which line; left out, for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_id: Option<LineId>,
    /// The same in words.
    pub text: String,
}

/// What stands between an attacker and what he wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttackView {
    /// What he wants.
    pub goal: Goal,
    /// Of which line; left out, of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_id: Option<LineId>,
    /// Whether a protection has to go off first: the ways are then those of switching it off.
    pub locked: bool,
    /// What he can do it with.
    pub ways: Vec<WayView>,
    /// The same in words.
    pub text: String,
}

/// One way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WayView {
    /// All of these at once.
    pub factors: Vec<Factor>,
    /// And so many seconds during which she is told and can stop it.
    pub wait_seconds: u32,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HappenedView {
    /// When, RFC 3339.
    pub at: String,
    /// On which line; left out, on the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_id: Option<LineId>,
    /// What.
    pub text: String,
}

/// Something that proves her or reaches her.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HoldingView {
    /// How a report of fraud names it, under `factors` or `contacts`.
    #[serde(flatten)]
    pub what: Concerned,
    /// What it is.
    pub thing: Thing,
    /// Since when, RFC 3339.
    pub added_at: String,
    /// What it is worth.
    pub worth: Worth,
    /// The same in words.
    pub text: String,
}

/// What to do about a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GuidanceView {
    /// Which.
    pub case_id: CaseId,
    /// When it was reported, RFC 3339.
    pub reported_at: String,
    /// When it was closed, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
    /// The steps, in order.
    pub steps: Vec<StepView>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepView {
    /// Which.
    pub step: Step,
    /// How far it is.
    pub state: StepState,
    /// What to do.
    pub text: &'static str,
    /// How far it is, in words.
    pub state_text: &'static str,
}

impl CheckUpView {
    /// A check-up in a language.
    #[must_use]
    pub fn of(checkup: &CheckUp, locale: Locale, settings: &Settings) -> Self {
        let said = sentences(locale);
        let score = checkup.score();
        let in_trouble = checkup.guidance.as_ref().is_some_and(|guidance| guidance.closed_at.is_none());
        let part = |scored: &super::Scored| PartView {
            part: scored.part,
            points: scored.points,
            of: scored.part.of(),
            text: said.part(scored.part),
        };
        let next = |found: &super::Found| NextView {
            finding: found.finding,
            gain: found.gain,
            urgent: found.finding.is_urgent(),
            text: said.finding(found.finding),
        };
        let on_view = |one: &On| OnView {
            protection: one.protection,
            mode: one.mode,
            line_id: one.line.clone(),
            text: on(locale, one.protection, one.mode),
        };
        let attack_view = |one: &Attack| AttackView {
            goal: one.goal,
            line_id: one.line.clone(),
            locked: one.locked,
            ways: one.ways.iter().map(|way| way_view(way, settings)).collect(),
            text: attack(locale, one, checkup.channels, |way| settings.wait(way.wait)),
        };
        let happened =
            |one: &Happened| HappenedView { at: one.at.to_string(), line_id: one.line.clone(), text: said.happened(one.what) };
        let holding = |one: &Holding| HoldingView {
            what: one.what.clone(),
            thing: one.thing,
            added_at: one.added_at.to_string(),
            worth: one.worth,
            text: format!("{}. {}", said.thing(one.thing), said.worth(one.thing, one.worth)),
        };
        let after_fraud = |guidance: &Guidance| GuidanceView {
            case_id: guidance.case,
            reported_at: guidance.reported_at.to_string(),
            closed_at: guidance.closed_at.map(|at| at.to_string()),
            steps: guidance
                .steps
                .iter()
                .map(|&(step, state)| StepView { step, state, text: said.step(step), state_text: said.state(state) })
                .collect(),
        };
        Self {
            score,
            text: if in_trouble { said.in_trouble() } else { said.headline(score) },
            parts: checkup.parts.iter().map(part).collect(),
            next: checkup.findings.iter().map(next).collect(),
            protections: checkup.protections.iter().map(on_view).collect(),
            attacker: checkup.attacks.iter().map(attack_view).collect(),
            lately: checkup.lately.iter().map(happened).collect(),
            holdings: checkup.holdings.iter().map(holding).collect(),
            after_fraud: checkup.guidance.as_ref().map(after_fraud),
        }
    }
}

fn way_view(way: &Way, settings: &Settings) -> WayView {
    WayView { factors: way.factors.iter().collect(), wait_seconds: settings.wait(way.wait).as_seconds() }
}
