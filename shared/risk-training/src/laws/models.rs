//! Random models that a file may hold: every shape and direction that the reader accepts, cut where evidence
//! really lies.

use linekeeper_domain::risk::background::Background;
use linekeeper_domain::risk::event::Door;
use linekeeper_domain::risk::evidence::{DIRECTIONS, Direction, Evidence, NAMES};
use linekeeper_domain::risk::model::{Model, ModelError, seal};
use serde_json::{Value, json};

use crate::chance::Chance;

/// One piece of evidence in one term: where it is cut.
struct Axis {
    feature: usize,
    cuts: Vec<f32>,
    typical: usize,
}

impl Axis {
    /// `typical` is the customer's value: one for all terms of a door.
    fn random(chance: &mut Chance, typical: &Evidence, pool: &[Evidence]) -> Self {
        let feature = chance.index(NAMES.len());
        let value = |evidence: &Evidence| evidence.values().get(feature).copied().filter(|value| !value.is_nan());
        let mut cuts: Vec<f32> = (0..chance.below(9)).filter_map(|_| value(&chance.pick_of(pool)?)).collect();
        cuts.sort_unstable_by(f32::total_cmp);
        cuts.dedup_by(|a, b| *a == *b);
        let typical = value(typical).map_or(0, |value| cuts.partition_point(|cut| *cut < value));
        Self { feature, cuts, typical }
    }

    fn name(&self) -> &'static str {
        NAMES.get(self.feature).copied().unwrap_or_default()
    }

    /// Values along it made to go its way.
    fn straighten<'a>(&self, values: impl DoubleEndedIterator<Item = &'a mut i64>) {
        let mut last = i64::MIN;
        let raise = |value: &'a mut i64| {
            last = last.max(*value);
            *value = last;
        };
        match DIRECTIONS.get(self.feature) {
            Some(Direction::Up) => values.for_each(raise),
            Some(Direction::Down) => values.rev().for_each(raise),
            Some(Direction::Free) | None => {}
        }
    }
}

fn term(chance: &mut Chance) -> i64 {
    i64::from(chance.below(4_000_000)) - 2_000_000
}

/// What a missing value adds to the typical one's.
fn extra(chance: &mut Chance) -> i64 {
    if chance.happens(50) { 0 } else { i64::from(chance.below(1_000_000)) }
}

fn curve(chance: &mut Chance, axis: &Axis) -> Value {
    let mut values: Vec<i64> = (0..=axis.cuts.len()).map(|_| term(chance)).collect();
    axis.straighten(values.iter_mut());
    let missing = values.get(axis.typical).copied().unwrap_or(0) + extra(chance);
    json!({"feature": axis.name(), "cuts": axis.cuts, "values": values, "missing": missing, "typical": axis.typical, "mean": term(chance)})
}

fn pair(chance: &mut Chance, one: &Axis, two: &Axis) -> Value {
    let mut grid: Vec<Vec<i64>> = (0..=one.cuts.len()).map(|_| (0..=two.cuts.len()).map(|_| term(chance)).collect()).collect();
    for column in 0..=two.cuts.len() {
        one.straighten(grid.iter_mut().filter_map(|row| row.get_mut(column)));
    }
    for row in &mut grid {
        two.straighten(row.iter_mut());
    }
    let (more_one, more_two) = (extra(chance), extra(chance));
    let mut missing: Vec<i64> =
        grid.get(one.typical).map(|row| row.iter().map(|value| value + more_one).collect()).unwrap_or_default();
    for row in grid.iter_mut().chain([&mut missing]) {
        row.push(row.get(two.typical).copied().unwrap_or(0) + more_two);
    }
    grid.push(missing);
    json!({
        "features": [one.name(), two.name()], "cuts": [one.cuts, two.cuts], "values": grid,
        "typical": [one.typical, two.typical], "mean": term(chance),
    })
}

fn rising(chance: &mut Chance, count: u32, steepest: u32) -> Vec<i64> {
    let mut value = -i64::from(chance.below(20_000_000));
    let steps = (0..count).map(|_| {
        value += i64::from(1 + chance.below(steepest));
        value
    });
    steps.collect()
}

fn door(chance: &mut Chance, pool: &[Evidence]) -> Value {
    let typical = chance.pick_of(pool).unwrap_or_default();
    let curves: Vec<Value> = (0..30)
        .map(|_| {
            let axis = Axis::random(chance, &typical, pool);
            curve(chance, &axis)
        })
        .collect();
    let pairs: Vec<Value> = (0..16)
        .map(|_| {
            let (one, two) = (Axis::random(chance, &typical, pool), Axis::random(chance, &typical, pool));
            pair(chance, &one, &two)
        })
        .collect();
    json!({
        "base": term(chance), "curves": curves, "pairs": pairs,
        "calibration": {"at": rising(chance, 12, 4_000_000), "log_odds": rising(chance, 12, 2_000_000)},
        "bands": rising(chance, 3, 9_000_000),
    })
}

/// A random model; `pool` is evidence as it occurs.
///
/// # Errors
///
/// Never, unless the reader refuses what its documentation allows.
pub fn random(chance: &mut Chance, pool: &[Evidence], background: &Background) -> Result<Model, ModelError> {
    let channels: serde_json::Map<String, Value> =
        Door::ALL.iter().map(|kind| (kind.word().to_owned(), door(chance, pool))).collect();
    let model = json!({
        "format": 1, "version": "random", "trained": null, "background": background, "prior_shift": term(chance), "channels": channels,
    });
    Model::read(&seal(&model.to_string()))
}
