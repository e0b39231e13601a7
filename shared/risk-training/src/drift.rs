//! One page: whether requests, and what the model says of them, are still what they were.

use std::fmt::Write as _;

use linekeeper_domain::kinds::Band;
use linekeeper_domain::risk::drift::{Drift, Histogram};
use linekeeper_domain::risk::event::Door;
use linekeeper_domain::risk::evidence::Evidence;
use linekeeper_domain::risk::model::Model;

/// Scores are counted by whole log-odds, from this one up,
const LOWEST: i64 = -14;
/// in so many bins; the last is for those that are unavailable.
const SCORES: usize = 26;
/// The bands that a score can have, mildest first.
const BANDS: [Band; 4] = [Band::Low, Band::Elevated, Band::High, Band::Severe];

/// Before or after the day that parts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Then.
    Before,
    /// Now.
    After,
}

/// Both sides of one thing.
#[derive(Clone, Debug)]
struct Both<T>([T; 2]);

impl<T> Both<T> {
    const fn of(&mut self, side: Side) -> &mut T {
        let Self([before, after]) = self;
        match side {
            Side::Before => before,
            Side::After => after,
        }
    }
}

/// One door.
#[derive(Clone, Debug)]
struct Spread {
    evidence: Vec<(&'static str, Histogram)>,
    scores: Histogram,
    bands: [u32; BANDS.len()],
}

impl Spread {
    fn new(model: &Model, door: Door) -> Self {
        Self { evidence: model.histograms(door), scores: Histogram::new(SCORES), bands: [0; BANDS.len()] }
    }
}

/// What a second model says beside the first.
#[derive(Clone, Debug, Default)]
struct Beside {
    /// Rows by the model's band, columns by the shadow's.
    bands: [[u32; BANDS.len()]; BANDS.len()],
    /// Sum of the differences of log-odds, in millionths, without their signs.
    apart: i128,
}

/// Everything that goes on the page.
#[derive(Debug)]
pub struct Page<'a> {
    model: &'a Model,
    shadow: Option<&'a Model>,
    doors: Vec<(Door, Both<Spread>)>,
    beside: Beside,
}

fn percent(part: u32, all: u32) -> f64 {
    100.0 * f64::from(part) / f64::from(all.max(1))
}

const fn word(drift: Drift) -> &'static str {
    match drift {
        Drift::TooFew => "too few",
        Drift::Stable => "stable",
        Drift::Moving => "moving",
        Drift::Moved => "**moved**",
        Drift::Missing => "**missing**",
    }
}

fn band_index(band: Band) -> usize {
    BANDS.iter().position(|known| *known == band).unwrap_or(BANDS.len())
}

fn add(count: Option<&mut u32>) {
    if let Some(count) = count {
        *count = count.saturating_add(1);
    }
}

impl<'a> Page<'a> {
    /// An empty page.
    #[must_use]
    pub fn new(model: &'a Model, shadow: Option<&'a Model>) -> Self {
        let spreads = |door| Both([Spread::new(model, door), Spread::new(model, door)]);
        Self { model, shadow, doors: Door::ALL.iter().map(|&door| (door, spreads(door))).collect(), beside: Beside::default() }
    }

    /// Counts a request; without evidence it could not be scored.
    pub fn count(&mut self, side: Side, door: Door, evidence: Option<&Evidence>) {
        let Some((_, both)) = self.doors.iter_mut().find(|(known, _)| *known == door) else { return };
        let spread = both.of(side);
        let Some(evidence) = evidence else { return spread.scores.add(SCORES - 1) };
        self.model.count(door, evidence, &mut spread.evidence);
        let score = self.model.score(door, evidence);
        let bin = usize::try_from(score.log_odds.div_euclid(1_000_000) - LOWEST).unwrap_or(0).min(SCORES - 2);
        spread.scores.add(bin);
        add(spread.bands.get_mut(band_index(score.band)));
        if let Some(shadow) = self.shadow {
            let other = shadow.score(door, evidence);
            self.beside.apart += i128::from(score.log_odds.abs_diff(other.log_odds));
            add(self.beside.bands.get_mut(band_index(score.band)).and_then(|row| row.get_mut(band_index(other.band))));
        }
    }

    /// The page.
    #[must_use]
    pub fn markdown(&self, events: &str, [from, split]: [u32; 2]) -> String {
        let mut page = format!(
            "# Drift\n\n`{events}`, requests from day {split} on against those of days {from} to {split}; by the model {}. The \
             index is the population stability index: under .1 stable, over .25 moved. Missing: a signal's share of missing values \
             jumped.\n",
            self.model.version()
        );
        let _ = write!(page, "\n## Alarms\n\n{}", self.alarms());
        page += "\n## Scores\n\n| | requests | index | | unavailable % | low % | elevated % | high % | severe % |\n|---|---|---|---|---|---|---|---|---|\n";
        for (door, Both([before, after])) in &self.doors {
            let (index, drift) = (before.scores.stability(&after.scores), word(before.scores.drift(&after.scores)));
            for (when, spread, told) in [("then", before, String::new()), ("now", after, format!("{index:.3} | {drift}"))] {
                let told = if told.is_empty() { " | ".to_owned() } else { told };
                let all = spread.scores.total();
                let bands: Vec<String> = spread.bands.iter().map(|count| format!("{:.2}", percent(*count, all))).collect();
                let lost = 100.0 * spread.scores.missing();
                let _ = writeln!(page, "| {}, {when} | {all} | {told} | {lost:.2} | {} |", door.word(), bands.join(" | "));
            }
        }
        for (door, Both([before, after])) in &self.doors {
            let _ = write!(page, "\n## Evidence: {}\n\n{}", door.word(), evidence(before, after));
        }
        if let Some(shadow) = self.shadow {
            page += &self.beside(shadow);
        }
        page
    }

    fn alarms(&self) -> String {
        let mut alarms = String::new();
        for (door, Both([before, after])) in &self.doors {
            let scores = ("scores", &before.scores, &after.scores);
            let pairs = before.evidence.iter().zip(&after.evidence).map(|((name, then), (_, now))| (*name, then, now));
            for (name, then, now) in [scores].into_iter().chain(pairs) {
                if then.drift(now) >= Drift::Moved {
                    let (lost_then, lost) = (100.0 * then.missing(), 100.0 * now.missing());
                    let _ = writeln!(
                        alarms,
                        "- {}: `{name}` {}, index {:.3}, missing {lost_then:.1} % then, {lost:.1} % now",
                        door.word(),
                        word(then.drift(now)),
                        then.stability(now)
                    );
                }
            }
        }
        if alarms.is_empty() { "None.\n".to_owned() } else { alarms }
    }

    fn beside(&self, shadow: &Model) -> String {
        let counts = || self.beside.bands.iter().flatten();
        let all = counts().fold(0_u32, |sum, count| sum.saturating_add(*count));
        let same = self.beside.bands.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum::<u32>();
        let apart = self.beside.apart / i128::from(all.max(1)) / 1_000;
        let mut text = format!(
            "\n## Shadow\n\nThe model {} beside it: the same band for {:.2} % of {all} requests, log-odds {}.{:03} apart on average. Rows \
             by the model, columns by the shadow.\n\n| | low | elevated | high | severe |\n|---|---|---|---|---|\n",
            shadow.version(),
            percent(same, all),
            apart / 1_000,
            apart % 1_000
        );
        for (band, row) in BANDS.iter().zip(&self.beside.bands) {
            let row: Vec<String> = row.iter().map(u32::to_string).collect();
            let _ = writeln!(text, "| {} | {} |", band.word(), row.join(" | "));
        }
        text
    }
}

/// A door's evidence, what moved most first; what is stable by name only.
fn evidence(before: &Spread, after: &Spread) -> String {
    let mut rows: Vec<(f64, Drift, &str, f64, f64)> = before
        .evidence
        .iter()
        .zip(&after.evidence)
        .map(|((name, then), (_, now))| (then.stability(now), then.drift(now), *name, then.missing(), now.missing()))
        .collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(b.0.total_cmp(&a.0)));
    let mut text = String::from("| evidence | index | | missing then % | missing now % |\n|---|---|---|---|---|\n");
    for (index, drift, name, then, now) in rows.iter().filter(|(_, drift, ..)| *drift > Drift::Stable) {
        let _ = writeln!(text, "| `{name}` | {index:.3} | {} | {:.1} | {:.1} |", word(*drift), 100.0 * then, 100.0 * now);
    }
    for (drift, what) in [(Drift::Stable, "Stable"), (Drift::TooFew, "Too few to tell")] {
        let names: Vec<String> =
            rows.iter().filter(|row| row.1 == drift).map(|row| format!("`{}` {:.3}", row.2, row.0)).collect();
        if !names.is_empty() {
            let _ = writeln!(text, "\n{what}: {}.", names.join(", "));
        }
    }
    text
}
