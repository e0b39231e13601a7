//! The model: for each door an additive one of curves and a few named pairs (a generalised additive model
//! with interactions), read from a file that says what it must be.
//!
//! Every term is a whole number of millionths of log-odds, looked up by comparing `f32`s, so that training
//! and production add the same integers. The file is `{"sha256":"…","model":…}`: the hash is that of the
//! model's text, byte for byte. Laws are checked when it is read: where a piece of evidence has a
//! direction, no curve and no pair goes against it, and a missing value never lies under the typical one,
//! which is the same in all terms of a door.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::Value;
use sha2::{Digest as _, Sha256};

use super::background::Background;
use super::bands::Bands;
use super::drift::Histogram;
use super::event::Door;
use super::evidence::{DIRECTIONS, Direction, Evidence, NAMES, REASONS};
use super::reasons::{Tally, Weighted};
use crate::kinds::{Band, Reason};

/// The format that this code reads.
const FORMAT: u32 = 1;
/// Terms beyond this are no log-odds.
const LARGEST_TERM: i64 = 1_000_000_000_000;

/// Why a model file is not used. No assessment is made without one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It does not begin and end as it should: cut short, or another file.
    #[error("no model file, or cut short")]
    Envelope,
    /// It was changed after it was written.
    #[error("the model's hash is not the one in the file")]
    Hash,
    /// It cannot be read.
    #[error("the model cannot be read: {0}")]
    Json(String),
    /// Another format.
    #[error("model of format {0}, not {FORMAT}")]
    Format(u32),
    /// A door has no model.
    #[error("no model for {0}")]
    Door(&'static str),
    /// Evidence of another version.
    #[error("there is no evidence named {0}")]
    Feature(String),
    /// Numbers that do not fit each other.
    #[error("{0}: cuts, values or bins that do not fit each other")]
    Shape(String),
    /// It goes against a direction.
    #[error("{0}: goes against its direction")]
    Direction(String),
    /// It rewards what is missing.
    #[error("{0}: a missing value counts less than the typical one")]
    Missing(String),
    /// The calibration or the bands do not ascend.
    #[error("{0}: calibration or bands that do not ascend")]
    Order(&'static str),
}

/// A curve in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CurveFile {
    feature: String,
    /// Ascending. A value lies in the bin whose number is that of the cuts below it.
    cuts: Vec<f32>,
    /// One more than cuts.
    values: Vec<i64>,
    missing: i64,
    /// The bin of the median genuine request.
    typical: usize,
    /// The mean over genuine requests.
    mean: i64,
}

/// A pair in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PairFile {
    features: [String; 2],
    cuts: [Vec<f32>; 2],
    /// Rows for the first, columns for the second; the last of either is for a missing value.
    values: Vec<Vec<i64>>,
    typical: [usize; 2],
    mean: i64,
}

/// Raw scores and the log-odds that they stand for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calibration {
    at: Vec<i64>,
    log_odds: Vec<i64>,
}

/// A door in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DoorFile {
    base: i64,
    curves: Vec<CurveFile>,
    pairs: Vec<PairFile>,
    calibration: Calibration,
    bands: Bands,
}

/// The file without its hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    format: u32,
    version: String,
    /// How it came about; for people.
    trained: Value,
    background: Background,
    /// From the share of attacks in training to the real one, in millionths of log-odds.
    prior_shift: i64,
    channels: BTreeMap<String, DoorFile>,
}

/// The values of one piece of evidence, in bins.
#[derive(Clone, Debug)]
struct Axis {
    /// Its place in [`NAMES`].
    feature: usize,
    direction: Direction,
    reason: Reason,
    cuts: Vec<f32>,
}

impl Axis {
    fn new(name: &str, cuts: &[f32]) -> Result<Self, ModelError> {
        let feature = NAMES.iter().position(|known| *known == name).ok_or_else(|| ModelError::Feature(name.to_owned()))?;
        let (Some(&direction), Some(&reason)) = (DIRECTIONS.get(feature), REASONS.get(feature)) else {
            return Err(ModelError::Feature(name.to_owned()));
        };
        if cuts.iter().any(|cut| cut.is_nan()) || !cuts.is_sorted_by(|a, b| a < b) {
            return Err(ModelError::Shape(name.to_owned()));
        }
        Ok(Self { feature, direction, reason, cuts: cuts.to_vec() })
    }

    /// The bin of a value: how many cuts lie below it. After the last bin comes that for a missing value.
    fn bin(&self, evidence: &[f32; NAMES.len()]) -> usize {
        let value = evidence.get(self.feature).copied().unwrap_or(f32::NAN);
        if value.is_nan() { self.missing() } else { self.cuts.partition_point(|cut| *cut < value) }
    }

    const fn missing(&self) -> usize {
        self.cuts.len() + 1
    }

    /// Whether values along it, without the missing one, go its way.
    fn goes(&self, mut values: impl Iterator<Item = i64>) -> bool {
        let Some(mut last) = values.next() else { return true };
        for value in values {
            let fits = match self.direction {
                Direction::Up => value >= last,
                Direction::Down => value <= last,
                Direction::Free => true,
            };
            if !fits {
                return false;
            }
            last = value;
        }
        true
    }
}

/// One term of the sum.
#[derive(Clone, Debug)]
struct Term {
    first: Axis,
    /// Nothing for a curve.
    second: Option<Axis>,
    /// By the first's bin, then by the second's.
    values: Vec<i64>,
    mean: i64,
}

impl Term {
    fn curve(file: &CurveFile) -> Result<Self, ModelError> {
        let axis = Axis::new(&file.feature, &file.cuts)?;
        let name = || file.feature.clone();
        let Some(&typical) = file.values.get(file.typical) else { return Err(ModelError::Shape(name())) };
        let values: Vec<i64> = file.values.iter().copied().chain([file.missing]).collect();
        if file.values.len() != axis.missing() || !are_terms(&values) {
            return Err(ModelError::Shape(name()));
        }
        if !axis.goes(file.values.iter().copied()) {
            return Err(ModelError::Direction(name()));
        }
        if file.missing < typical {
            return Err(ModelError::Missing(name()));
        }
        Ok(Self { first: axis, second: None, values, mean: file.mean })
    }

    fn pair(file: &PairFile) -> Result<Self, ModelError> {
        let [one, two] = &file.features;
        let [cuts_one, cuts_two] = &file.cuts;
        let [typical_one, typical_two] = file.typical;
        let name = format!("{one} with {two}");
        let (first, second) = (Axis::new(one, cuts_one)?, Axis::new(two, cuts_two)?);
        let (rows, columns) = (first.missing() + 1, second.missing() + 1);
        let fits = file.values.len() == rows
            && file.values.iter().all(|row| row.len() == columns && are_terms(row))
            && typical_one < first.missing()
            && typical_two < second.missing();
        if !fits {
            return Err(ModelError::Shape(name));
        }
        let values: Vec<i64> = file.values.iter().flatten().copied().collect();
        let at = |row: usize, column: usize| values.get(row * columns + column).copied().unwrap_or(LARGEST_TERM);
        for column in 0..columns {
            if !first.goes((0..first.missing()).map(|row| at(row, column))) {
                return Err(ModelError::Direction(name));
            }
            if at(first.missing(), column) < at(typical_one, column) {
                return Err(ModelError::Missing(name));
            }
        }
        for row in 0..rows {
            if !second.goes((0..second.missing()).map(|column| at(row, column))) {
                return Err(ModelError::Direction(name));
            }
            if at(row, second.missing()) < at(row, typical_two) {
                return Err(ModelError::Missing(name));
            }
        }
        Ok(Self { first, second: Some(second), values, mean: file.mean })
    }

    fn value(&self, evidence: &[f32; NAMES.len()]) -> i64 {
        let row = self.first.bin(evidence);
        let index = match &self.second {
            None => row,
            Some(second) => row * (second.missing() + 1) + second.bin(evidence),
        };
        // Cannot be out of range: the shapes were checked.
        self.values.get(index).copied().unwrap_or(LARGEST_TERM)
    }

    /// Why: what could not be had is no word about the customer.
    fn reason(&self, evidence: &[f32; NAMES.len()]) -> Reason {
        let known = |axis: &Axis| evidence.get(axis.feature).is_some_and(|value| !value.is_nan());
        if known(&self.first) && self.second.as_ref().is_none_or(known) { self.first.reason } else { Reason::SignalMissing }
    }
}

fn are_terms(values: &[i64]) -> bool {
    values.iter().all(|value| (-LARGEST_TERM..=LARGEST_TERM).contains(value))
}

impl Calibration {
    fn ascends(&self) -> bool {
        !self.at.is_empty()
            && self.at.len() == self.log_odds.len()
            && self.at.is_sorted_by(|a, b| a < b)
            && self.log_odds.is_sorted()
            && are_terms(&self.at)
            && are_terms(&self.log_odds)
    }

    /// Straight between two points, level beyond the ends, rounded down.
    fn log_odds(&self, score: i64) -> i64 {
        let above = self.at.partition_point(|at| *at <= score);
        let point = |index: usize| self.at.get(index).copied().zip(self.log_odds.get(index).copied());
        let below = above.checked_sub(1).and_then(point);
        match (below, point(above)) {
            (Some((x0, y0)), Some((x1, y1))) => {
                let rise = i128::from(y1 - y0) * i128::from(score - x0);
                y0 + i64::try_from(rise.div_euclid(i128::from(x1 - x0))).unwrap_or(0)
            }
            (Some((_, y)), None) | (None, Some((_, y))) => y,
            (None, None) => 0,
        }
    }
}

/// One value for each piece of evidence that terms ask for, in the typical bin of every one of them; NaN for
/// the rest.
fn typical(curves: &[CurveFile], pairs: &[PairFile]) -> Result<Evidence, ModelError> {
    let mut ranges: BTreeMap<&str, (f32, f32)> = BTreeMap::new();
    let of_curves = curves.iter().map(|curve| (&curve.feature, &curve.cuts, curve.typical));
    let of_pairs = pairs.iter().flat_map(|pair| pair.features.iter().zip(&pair.cuts).zip(pair.typical));
    for (feature, cuts, bin) in of_curves.chain(of_pairs.map(|((feature, cuts), bin)| (feature, cuts, bin))) {
        let (above, until) = ranges.entry(feature).or_insert((f32::NEG_INFINITY, f32::INFINITY));
        *above = bin.checked_sub(1).and_then(|below| cuts.get(below)).map_or(*above, |cut| above.max(*cut));
        *until = cuts.get(bin).map_or(*until, |cut| until.min(*cut));
        if *above >= *until {
            return Err(ModelError::Shape(feature.clone()));
        }
    }
    let mut values = [f32::NAN; NAMES.len()];
    for (value, name) in values.iter_mut().zip(NAMES) {
        *value = match ranges.get(name) {
            None => f32::NAN,
            Some(&(above, f32::INFINITY)) => above.next_up().max(0.0),
            Some(&(_, until)) => until,
        };
    }
    Ok(Evidence::from_values(values))
}

/// The model of one door.
#[derive(Clone, Debug)]
struct DoorModel {
    base: i64,
    terms: Vec<Term>,
    /// How each piece of evidence is cut first, for drift.
    axes: Vec<Axis>,
    typical: Evidence,
    calibration: Calibration,
    bands: Bands,
}

impl DoorModel {
    fn new(name: &'static str, file: &DoorFile) -> Result<Self, ModelError> {
        let curves = file.curves.iter().map(Term::curve);
        let pairs = file.pairs.iter().map(Term::pair);
        let terms = curves.chain(pairs).collect::<Result<Vec<Term>, _>>()?;
        let mut axes: Vec<Axis> = Vec::new();
        for axis in terms.iter().flat_map(|term| [Some(&term.first), term.second.as_ref()]).flatten() {
            if axes.iter().all(|known| known.feature != axis.feature) {
                axes.push(axis.clone());
            }
        }
        let typical = typical(&file.curves, &file.pairs)?;
        if !file.calibration.ascends() || !file.bands.ascend() || !are_terms(&[file.base]) {
            return Err(ModelError::Order(name));
        }
        Ok(Self { base: file.base, terms, axes, typical, calibration: file.calibration.clone(), bands: file.bands })
    }
}

/// A model that was checked.
#[derive(Clone, Debug)]
pub struct Model {
    version: String,
    background: Background,
    prior_shift: i64,
    online: DoorModel,
    care: DoorModel,
    partner: DoorModel,
}

/// What a model says of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// The sum of all terms, in millionths of log-odds, before calibration.
    pub raw: i64,
    /// The calibrated log-odds at the real share of attacks, in millionths.
    pub log_odds: i64,
    /// The band.
    pub band: Band,
    /// Why, the heaviest first.
    pub reasons: Vec<Weighted>,
}

impl Score {
    /// The probability of an attack.
    #[must_use]
    pub fn probability(&self) -> f64 {
        probability(self.log_odds)
    }

    /// The same in millionths.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "0 to a million: rounds to a whole number, which is what is wanted")]
    pub fn probability_ppm(&self) -> u32 {
        (self.probability() * 1e6).round() as u32
    }
}

#[expect(clippy::as_conversions, reason = "exact up to 2^53, far beyond the largest term")]
fn probability(log_odds: i64) -> f64 {
    1.0 / (1.0 + libm::exp(-(log_odds as f64) / 1e6))
}

const HEAD: &str = "{\"sha256\":\"";
const MIDDLE: &str = "\",\"model\":";
const TAIL: &str = "}\n";

fn hex_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file that holds a model's text.
#[must_use]
pub fn seal(model: &str) -> String {
    format!("{HEAD}{}{MIDDLE}{model}{TAIL}", hex_of(model))
}

impl Model {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// Where it is not exactly what was trained, or breaks a law.
    pub fn read(file: &str) -> Result<Self, ModelError> {
        let rest = file.strip_prefix(HEAD).ok_or(ModelError::Envelope)?;
        let (hash, rest) = rest.split_once(MIDDLE).ok_or(ModelError::Envelope)?;
        let text = rest.strip_suffix(TAIL).ok_or(ModelError::Envelope)?;
        if hex_of(text) != hash {
            return Err(ModelError::Hash);
        }
        let file: ModelFile = serde_json::from_str(text).map_err(|error| ModelError::Json(error.to_string()))?;
        if file.format != FORMAT {
            return Err(ModelError::Format(file.format));
        }
        let door = |door: Door| {
            let name = door.word();
            DoorModel::new(name, file.channels.get(name).ok_or(ModelError::Door(name))?)
        };
        if !are_terms(&[file.prior_shift]) {
            return Err(ModelError::Order("prior_shift"));
        }
        Ok(Self {
            online: door(Door::Online)?,
            care: door(Door::Care)?,
            partner: door(Door::Partner)?,
            version: file.version,
            background: file.background,
            prior_shift: file.prior_shift,
        })
    }

    /// Its name.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The population that it was trained on.
    #[must_use]
    pub const fn background(&self) -> &Background {
        &self.background
    }

    const fn at(&self, door: Door) -> &DoorModel {
        match door {
            Door::Online => &self.online,
            Door::Care => &self.care,
            Door::Partner => &self.partner,
        }
    }

    /// The typical genuine request at a door, as far as its terms ask; NaN for the rest. No piece of evidence,
    /// and no set of them, scores less missing than with these values.
    #[must_use]
    pub const fn typical(&self, door: Door) -> &Evidence {
        &self.at(door).typical
    }

    /// The names of the evidence that a door's terms ask for, and an empty histogram of the bins of each.
    #[must_use]
    pub fn histograms(&self, door: Door) -> Vec<(&'static str, Histogram)> {
        let name = |axis: &Axis| NAMES.get(axis.feature).copied().unwrap_or_default();
        self.at(door).axes.iter().map(|axis| (name(axis), Histogram::new(axis.missing() + 1))).collect()
    }

    /// Counts evidence in [`Model::histograms`] of its door.
    pub fn count(&self, door: Door, evidence: &Evidence, histograms: &mut [(&'static str, Histogram)]) {
        let values = evidence.values();
        for (axis, (_, histogram)) in self.at(door).axes.iter().zip(histograms) {
            histogram.add(axis.bin(&values));
        }
    }

    /// The score of evidence at a door.
    #[must_use]
    pub fn score(&self, door: Door, evidence: &Evidence) -> Score {
        let model = self.at(door);
        let values = evidence.values();
        let (mut raw, mut tally) = (model.base, Tally::default());
        for term in &model.terms {
            let value = term.value(&values);
            raw = raw.saturating_add(value);
            tally.add(term.reason(&values), value.saturating_sub(term.mean));
        }
        let log_odds = model.calibration.log_odds(raw).saturating_add(self.prior_shift);
        Score { raw, log_odds, band: model.bands.of(raw), reasons: tally.against() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::background;
    use super::*;

    fn curve(feature: &str, cuts: &[f32], values: &[i64], missing: i64, typical: usize) -> CurveFile {
        CurveFile { feature: feature.to_owned(), cuts: cuts.to_vec(), values: values.to_vec(), missing, typical, mean: 100_000 }
    }

    fn pair(features: [&str; 2], values: &[[i64; 3]; 3]) -> PairFile {
        PairFile {
            features: features.map(str::to_owned),
            cuts: [vec![0.5], vec![0.5]],
            values: values.iter().map(|row| row.to_vec()).collect(),
            typical: [0, 0],
            mean: 0,
        }
    }

    fn door() -> DoorFile {
        DoorFile {
            base: -4_000_000,
            curves: vec![
                curve("network", &[0.0, 2.0], &[-1_000_000, 500_000, 2_000_000], 600_000, 0),
                curve("device_days", &[0.5, 30.0], &[1_500_000, 200_000, -700_000], 200_000, 1),
                curve("idle", &[1.0], &[300_000, -300_000], 0, 1),
            ],
            pairs: vec![pair(
                ["hosting", "visit_opened"],
                &[[0, 100_000, 100_000], [200_000, 900_000, 900_000], [0, 100_000, 100_000]],
            )],
            calibration: Calibration { at: vec![-6_000_000, 0, 2_000_000], log_odds: vec![-5_000_000, -1_000_000, 3_000_000] },
            bands: Bands([-3_000_000, -1_000_000, 1_000_000]),
        }
    }

    fn file() -> ModelFile {
        ModelFile {
            format: FORMAT,
            version: "test".to_owned(),
            trained: Value::Null,
            background: background(),
            prior_shift: -250_000,
            channels: Door::ALL.iter().map(|kind| (kind.word().to_owned(), door())).collect(),
        }
    }

    fn sealed(file: &ModelFile) -> String {
        seal(&serde_json::to_string(file).unwrap())
    }

    /// What is said of a file with this change at the care desk.
    fn refused(change: impl FnOnce(&mut DoorFile)) -> ModelError {
        let mut file = file();
        change(file.channels.get_mut("care").unwrap());
        Model::read(&sealed(&file)).unwrap_err()
    }

    fn named(what: &str) -> String {
        what.to_owned()
    }

    #[test]
    fn a_score_is_the_sum_of_its_terms_and_tells_them_by_reason() {
        let model = Model::read(&sealed(&file())).unwrap();
        let evidence = Evidence { network: 2.5, device_days: 0.0, hosting: 1.0, idle: 3.0, ..Evidence::default() };
        let score = model.score(Door::Online, &evidence);
        // base, network, days, idle, and the pair with the visit missing.
        assert_eq!(score.raw, -4_000_000 + 2_000_000 + 1_500_000 - 300_000 + 900_000);
        assert_eq!(score.log_odds, -1_000_000 + 200_000 - 250_000);
        assert_eq!(score.band, Band::High);
        let reasons: Vec<_> = score.reasons.iter().map(|weighted| (weighted.reason, weighted.weight)).collect();
        assert_eq!(reasons, [(Reason::NewNetwork, 1_900_000), (Reason::NewDevice, 1_400_000), (Reason::SignalMissing, 900_000)]);
    }

    #[test]
    fn a_value_at_a_cut_lies_below_it() {
        let model = Model::read(&sealed(&file())).unwrap();
        let raw = |network: f32| model.score(Door::Care, &Evidence { network, ..Evidence::default() }).raw;
        assert_eq!(raw(2.0) + 1_500_000, raw(2.000_000_2));
        assert_eq!(raw(f32::NAN) - raw(2.0), 100_000);
    }

    #[test]
    fn a_file_cut_short_or_with_one_changed_byte_is_never_accepted() {
        let file = sealed(&file());
        assert!(Model::read(&file).is_ok());
        for length in 0..file.len() {
            let refused = Model::read(&file[..length]).unwrap_err();
            assert!(matches!(refused, ModelError::Envelope | ModelError::Hash), "{length}: {refused:?}");
        }
        for at in 0..file.len() {
            let mut bytes = file.clone().into_bytes();
            // Seven bits, so that the text stays one.
            bytes[at] ^= 1 << (at % 7);
            let refused = Model::read(&String::from_utf8(bytes).unwrap()).unwrap_err();
            assert!(matches!(refused, ModelError::Envelope | ModelError::Hash), "{at}: {refused:?}");
        }
        assert_eq!(Model::read("").unwrap_err(), ModelError::Envelope);
        assert_eq!(Model::read(&(file + "\n")).unwrap_err(), ModelError::Envelope);
    }

    #[test]
    fn what_is_no_model_is_refused_by_name() {
        let other = ModelFile { format: 2, ..file() };
        assert_eq!(Model::read(&sealed(&other)).unwrap_err(), ModelError::Format(2));
        let mut none = file();
        none.channels.remove("partner");
        assert_eq!(Model::read(&sealed(&none)).unwrap_err(), ModelError::Door("partner"));
        assert!(matches!(Model::read(&seal("{\"format\":1}")), Err(ModelError::Json(_))));
        assert!(matches!(Model::read(&seal("[]")), Err(ModelError::Json(_))));
        assert_eq!(refused(|door| door.curves[0].feature = named("hat")), ModelError::Feature(named("hat")));
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused_by_name() {
        let shape = ModelError::Shape(named("network"));
        assert_eq!(refused(|door| door.curves[0].cuts = vec![2.0, 0.0]), shape);
        assert_eq!(refused(|door| door.curves[0].cuts = vec![0.0, 0.0]), shape);
        assert_eq!(refused(|door| door.curves[0].cuts = vec![0.0]), shape);
        assert_eq!(refused(|door| door.curves[0].typical = 3), shape);
        assert_eq!(refused(|door| door.curves[0].values[2] = i64::MAX), shape);
        let of_pair = ModelError::Shape(named("hosting with visit_opened"));
        assert_eq!(refused(|door| door.pairs[0].values[1] = vec![0, 0]), of_pair);
        assert_eq!(refused(|door| door.pairs[0].typical = [0, 2]), of_pair);
        assert_eq!(refused(|door| door.calibration.at = vec![0, 0, 1]), ModelError::Order("care"));
        assert_eq!(refused(|door| door.calibration.log_odds = vec![0, 2, 1]), ModelError::Order("care"));
        assert_eq!(refused(|door| door.calibration = Calibration { at: vec![], log_odds: vec![] }), ModelError::Order("care"));
        assert_eq!(refused(|door| door.bands = Bands([0, 2, 1])), ModelError::Order("care"));
    }

    #[test]
    fn a_term_against_its_direction_is_refused() {
        assert_eq!(refused(|door| door.curves[0].values = vec![0, -1, 2]), ModelError::Direction(named("network")));
        assert_eq!(refused(|door| door.curves[1].values = vec![0, 1, -2]), ModelError::Direction(named("device_days")));
        let of_pair = ModelError::Direction(named("hosting with visit_opened"));
        assert_eq!(refused(|door| door.pairs[0].values[1][0] = -1), of_pair, "down a column");
        assert_eq!(refused(|door| door.pairs[0].values[1][1] = 150_000), of_pair, "along a row");
        let along = refused(|door| door.pairs[0].values[2] = vec![150_000, 100_000, 200_000]);
        assert_eq!(along, of_pair, "along the row of what is missing");
    }

    #[test]
    fn a_term_that_rewards_what_is_missing_is_refused() {
        assert_eq!(refused(|door| door.curves[0].missing = -1_000_001), ModelError::Missing(named("network")));
        let of_pair = ModelError::Missing(named("hosting with visit_opened"));
        assert_eq!(refused(|door| door.pairs[0].values[2] = vec![-1, 100_000, 100_000]), of_pair);
        assert_eq!(refused(|door| door.pairs[0].values[1][2] = 199_999), of_pair);
    }

    /// Else no one value would be the typical one, and "missing" could be less than any.
    #[test]
    fn typical_bins_that_share_no_value_are_refused() {
        let again = |door: &mut DoorFile| door.curves.push(curve("network", &[1.0], &[0, 1], 1, 1));
        assert_eq!(refused(again), ModelError::Shape(named("network")));
        let model = Model::read(&sealed(&file())).unwrap();
        let typical = model.typical(Door::Care);
        assert_eq!((typical.network, typical.device_days, typical.hosting), (0.0, 30.0, 0.5));
        assert!(typical.idle > 1.0 && typical.place.is_nan());
    }
}
