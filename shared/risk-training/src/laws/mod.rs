//! The laws, tried on random lines, random requests and random models.
//!
//! Each case is a random past of at most 40 observations ([`lines`]), a request, and a model: a random one
//! of every shape that the reader accepts ([`models`]), and the committed one where there is one. A law that
//! is about evidence is tried on the evidence itself, column by column in its direction, which is stronger
//! than on any model; and then on the models' raw scores and log-odds.
//!
//! - **Dominance.** A strictly better match never scores riskier: two requests that differ in one thing,
//!   which is hers in one and a stranger's in the other (`BETTER` names the things), all else equal.
//! - **More history.** Another visit with the same things never makes a match weaker, beyond the rounding of
//!   weights to 1/256 of a visit.
//! - **Missing.** A signal that cannot be read leaves each piece of evidence missing or no less risky; and
//!   no request scores less with evidence missing than with the model's typical values in its place
//!   ([`Model::typical`]). `surprise`, a sum, counts what is missing as 0, like no history.
//! - **No history is neutral.** Against an empty profile every match is exactly 0.
//! - **Shadow.** A second model that scores too changes neither the score nor a byte of the profile.
//! - **Itself.** Learning a request changes no evidence in its favour: what counts only when ripe stays to
//!   the bit, and what counts at once (odd visits, stamps, failures) goes up. Within the day that it takes to
//!   ripen no match speaks more for her by it, nor less against her, beyond rounding; tried on a past of three
//!   observations, because a full table makes room by forgetting its faintest row, and where that one was about to
//!   ripen too, all else there weighs more a day later by that one visit.
//! - **Determinism.** A profile is at most 1,024 bytes, survives its stored form, and scores the same from it.

pub mod freeman;
pub mod lines;
pub mod models;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use linekeeper_domain::risk::event::{Act, Care, Line, Shown};
use linekeeper_domain::risk::evidence::{DIRECTIONS, Direction, Evidence, NAMES};
use linekeeper_domain::risk::model::{Model, ModelError};
use linekeeper_domain::risk::profile::{MAX_BYTES, Profile};
use linekeeper_domain::risk::velocity::Meeting;
use linekeeper_domain::signals::Signal;
use linekeeper_domain::time::Span;

use crate::chance::Chance;
use freeman::Freeman;
use lines::{Counters, NOW, Scene, Seen};

/// Cases that share their random models.
const CASES_A_MODEL: u64 = 500;
/// Evidence from which random models take their cuts.
const POOL: usize = 60;

/// What the rounding of weights can move a match by.
const ROUNDING: f32 = 0.01;

/// What that and the rounding of times to the hour can move the match of a faint row by: far less than a quarter visit.
const HOUR: f32 = 0.1;

/// The matches: no history is 0, more of the same never more.
const MATCHES: [&str; 13] = [
    "network",
    "network_settled",
    "asn",
    "place",
    "country",
    "device",
    "device_settled",
    "model",
    "browser",
    "agent",
    "locale",
    "zone",
    "hour",
];
/// What learning a request changes at once.
const AT_ONCE: [&str; 10] = [
    "odd_past",
    "odd_recent",
    "since_reset",
    "since_email",
    "since_passkey",
    "since_unlock",
    "since_swap",
    "since_pin",
    "failures",
    "same_handset",
];

/// How often a law was tried and broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Cases to which it applies.
    pub cases: u64,
    /// Cases that break it.
    pub broken: u64,
    /// What the first of them was.
    pub first: Option<String>,
}

impl Tried {
    fn record(&mut self, case: u64, result: Result<(), String>) {
        self.cases += 1;
        if let Err(problem) = result {
            self.broken += 1;
            self.first.get_or_insert(format!("case {case}: {problem}"));
        }
    }

    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.broken += other.broken;
        self.first = self.first.take().or(other.first);
    }
}

/// Results by name, and those of the published score on the same pairs of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// The laws, and dominance thing by thing.
    pub ours: BTreeMap<&'static str, Tried>,
    /// Freeman's dominance, thing by thing.
    pub freeman: BTreeMap<&'static str, Tried>,
}

impl Results {
    /// Adds those of other cases.
    pub fn add(&mut self, other: Self) {
        for (mine, theirs) in [(&mut self.ours, other.ours), (&mut self.freeman, other.freeman)] {
            for (name, tried) in theirs {
                mine.entry(name).or_default().add(tried);
            }
        }
    }

    /// Whether no law was broken.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.ours.values().all(|tried| tried.broken == 0)
    }
}

/// Tries the laws on cases `0..cases` of a seed, and on the model too where one is given. `tick` is told how many cases
/// are done.
///
/// # Errors
///
/// Where the reader refuses a model that keeps to its documentation.
pub fn run(seed: u64, cases: u64, model: Option<&Model>, tick: &(dyn Fn(u64) + Sync)) -> Result<Results, ModelError> {
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        let (scene, mut results) = (Scene::default(), Results::default());
        loop {
            let first = next.fetch_add(CASES_A_MODEL, Ordering::Relaxed);
            if first >= cases {
                return Ok(results);
            }
            let count = CASES_A_MODEL.min(cases - first);
            let mut models = random_models(seed, first, &scene)?;
            models.extend(model.cloned());
            for case in first..first + count {
                try_case(case, &mut Chance::of(seed, case), &scene, &models, &mut results);
            }
            tick(done.fetch_add(count, Ordering::Relaxed) + count);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = Results::default();
        for worker in workers {
            // A worker that panicked has told why on stderr already.
            match worker.join() {
                Ok(results) => all.add(results?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(all)
    })
}

/// Two random models for the cases from `first` on.
fn random_models(seed: u64, first: u64, scene: &Scene) -> Result<Vec<Model>, ModelError> {
    let chance = &mut Chance::of(seed ^ 0x6d6f_6465_6c73, first);
    let pool: Vec<Evidence> = (0..POOL)
        .map(|_| {
            let profile = scene.profile(&lines::past(chance));
            scene.weigh(&profile, &lines::observation(chance, NOW, true), &Counters::random(chance))
        })
        .collect();
    (0..2).map(|_| models::random(chance, &pool, scene.background())).collect()
}

/// One case: what all laws start from.
struct Case<'a> {
    scene: &'a Scene,
    models: &'a [Model],
    past: Vec<Seen>,
    profile: Profile,
    counters: Counters,
    seen: Seen,
}

fn try_case(number: u64, chance: &mut Chance, scene: &Scene, models: &[Model], results: &mut Results) {
    let past = lines::past(chance);
    let case = Case {
        scene,
        models,
        profile: scene.profile(&past),
        past,
        counters: Counters::random(chance),
        seen: lines::observation(chance, NOW, true),
    };
    let mut ours = |law, result| results.ours.entry(law).or_default().record(number, result);
    if let Some((law, result)) = case.missing(chance) {
        ours(law, result);
    }
    ours("no history is neutral", case.no_history());
    ours("shadow", case.shadow());
    ours("itself", case.itself());
    ours("determinism and size", case.determinism());
    if let Some(result) = case.more_history(chance) {
        ours("more history", result);
    }
    let later = &mut chance.clone();
    ours("itself, within the day", case.within_the_day(later));
    let (name, better) = chance.pick(&BETTER);
    if let Some(pair) = better(&case, chance) {
        if let Some(result) = case.dominance(&pair) {
            ours("dominance", result.clone());
            ours(name, result);
        }
        let freeman = Freeman::of(pair.past.as_ref().unwrap_or(&case.past));
        if let Some((better, worse)) = freeman.score(&pair.better).zip(freeman.score(&pair.worse))
            && better.to_bits() != worse.to_bits()
        {
            let result = if better > worse { Err(format!("{better:.3} over {worse:.3}")) } else { Ok(()) };
            results.freeman.entry(name).or_default().record(number, result);
        }
    }
}

/// The first column in which `better` is riskier than `worse`, or cannot be compared with it.
fn riskier(better: &Evidence, worse: &Evidence) -> Result<(), String> {
    for (((name, direction), better), worse) in NAMES.iter().zip(DIRECTIONS).zip(better.values()).zip(worse.values()) {
        let fine = match direction {
            _ if better.is_nan() || worse.is_nan() => better.is_nan() == worse.is_nan(),
            Direction::Up => better <= worse,
            Direction::Down => better >= worse,
            Direction::Free => better.to_bits() == worse.to_bits(),
        };
        if !fine {
            return Err(format!("{name} {better} over {worse}"));
        }
    }
    Ok(())
}

fn column(evidence: &Evidence, name: &str) -> f32 {
    NAMES.iter().position(|known| *known == name).and_then(|i| evidence.values().get(i).copied()).unwrap_or(f32::NAN)
}

/// Two requests, one strictly better than the other.
#[derive(Debug)]
struct Pair {
    better: Seen,
    worse: Seen,
    /// The better one's past, where that is the difference.
    past: Option<Vec<Seen>>,
    /// The worse one's counters, where they are the difference.
    counters: Option<Counters>,
    /// Columns that must agree, or the two differ in more than the thing.
    equal: &'static [&'static str],
    /// Columns that must be 0 in the better one, or the thing is not hers yet.
    hers: &'static [&'static str],
}

impl Case<'_> {
    fn weigh(&self, seen: &Seen) -> Evidence {
        self.scene.weigh(&self.profile, seen, &self.counters)
    }

    /// No model scores `better` above `worse`.
    fn scores(&self, better: &Evidence, worse: &Evidence) -> Result<(), String> {
        self.models.iter().try_for_each(|model| self.score(model, better, worse))
    }

    /// This model does not.
    fn score(&self, model: &Model, better: &Evidence, worse: &Evidence) -> Result<(), String> {
        let door = self.seen.channel.door();
        let (better, worse) = (model.score(door, better), model.score(door, worse));
        if better.raw > worse.raw || better.log_odds > worse.log_odds || better.band > worse.band {
            return Err(format!("model {}: {} over {}", model.version(), better.raw, worse.raw));
        }
        Ok(())
    }

    fn dominance(&self, pair: &Pair) -> Option<Result<(), String>> {
        let profile = pair.past.as_ref().map(|past| self.scene.profile(past));
        let better = self.scene.weigh(profile.as_ref().unwrap_or(&self.profile), &pair.better, &self.counters);
        let worse = self.scene.weigh(&self.profile, &pair.worse, pair.counters.as_ref().unwrap_or(&self.counters));
        let equal = |name: &&str| column(&better, name).to_bits() == column(&worse, name).to_bits();
        let applies = pair.equal.iter().all(equal) && pair.hers.iter().all(|name| column(&better, name) == 0.0);
        applies.then(|| riskier(&better, &worse).and_then(|()| self.scores(&better, &worse)))
    }

    fn more_history(&self, chance: &mut Chance) -> Option<Result<(), String>> {
        // Among what is ripe, and after everything else: an earlier one would stand in for a later one.
        let last = self.past.last().map_or(0, |seen| NOW.since(seen.at).as_seconds());
        if !self.seen.is_online() || (!self.past.is_empty() && last < 73 * 3_600) {
            return None;
        }
        // Two days ago to the hour, so that the hour of day is the same.
        let again = Seen { at: NOW - Span::hours(48), succeeded: true, act: Act::View, ..self.seen.clone() };
        let again = if chance.happens(50) { Seen { shown: Signal::Present(Shown::Passkey), ..again } } else { again };
        let past: Vec<Seen> = self.past.iter().cloned().chain([again]).collect();
        let (before, after) = (self.weigh(&self.seen), self.scene.weigh(&self.scene.profile(&past), &self.seen, &self.counters));
        // A device that lost its key, or is on probation, is as one never seen: its visits are another's.
        let another = |name: &str| match name {
            "device" => after.device_share.is_nan() || after.device_share <= 0.0,
            "device_settled" => after.device_novelty != 0.0,
            _ => false,
        };
        let weaker = MATCHES.iter().find(|name| column(&after, name) > column(&before, name) + ROUNDING && !another(name));
        Some(weaker.map_or(Ok(()), |name| Err(format!("{name} {} over {}", column(&after, name), column(&before, name)))))
    }

    fn missing(&self, chance: &mut Chance) -> Option<(&'static str, Result<(), String>)> {
        let (signal, hide) = chance.pick(&HIDE);
        let (mut hidden, mut counters) = (self.seen.clone(), self.counters.clone());
        hide(&mut hidden, &mut counters, chance);
        let there = self.weigh(&self.seen);
        let less = self.scene.weigh(&self.profile, &hidden, &counters);
        if there.values().map(f32::to_bits) == less.values().map(f32::to_bits) {
            return None;
        }
        // Whatever is missing now, as it was before: the rest must have got no better.
        let merged = |from: &Evidence| {
            let mut values = less.values();
            for ((value, there), instead) in values.iter_mut().zip(there.values()).zip(from.values()) {
                if value.is_nan() && !there.is_nan() {
                    *value = instead;
                }
            }
            Evidence::from_values(values)
        };
        let restored = Evidence { surprise: there.surprise, ..merged(&there) };
        let rest = riskier(&there, &restored);
        let typical = self.models.iter().try_for_each(|model| {
            let typical = merged(model.typical(self.seen.channel.door()));
            self.score(model, &typical, &less)
        });
        Some(("missing", rest.and(typical).map_err(|problem| format!("without {signal}: {problem}"))))
    }

    fn no_history(&self) -> Result<(), String> {
        let evidence = self.scene.weigh(&Profile::default(), &self.seen, &self.counters);
        let strange = MATCHES.iter().find(|name| {
            let value = column(&evidence, name);
            !value.is_nan() && value.to_bits() != 0
        });
        strange.map_or(Ok(()), |name| Err(format!("{name} {}", column(&evidence, name))))
    }

    fn shadow(&self) -> Result<(), String> {
        let [model, shadow, ..] = self.models else { return Ok(()) };
        let door = self.seen.channel.door();
        let (mut alone, mut watched) = (self.profile.clone(), self.profile.clone());
        let evidence = self.weigh(&self.seen);
        let score = model.score(door, &evidence);
        self.scene.learn(&mut alone, &self.seen, &evidence);
        let beside = self.weigh(&self.seen);
        let _recorded = shadow.score(door, &beside);
        let again = model.score(door, &beside);
        self.scene.learn(&mut watched, &self.seen, &beside);
        if score == again && alone.encode() == watched.encode() { Ok(()) } else { Err("a second model shows".to_owned()) }
    }

    fn itself(&self) -> Result<(), String> {
        let before = self.weigh(&self.seen);
        let mut profile = self.profile.clone();
        self.scene.learn(&mut profile, &self.seen, &before);
        let after = self.scene.weigh(&profile, &self.seen, &self.counters);
        let changed = NAMES.iter().zip(before.values()).zip(after.values()).find(|((name, before), after)| {
            let same = before.to_bits() == after.to_bits() || (before.is_nan() && after.is_nan());
            !same && !AT_ONCE.contains(name)
        });
        if let Some(((name, before), after)) = changed {
            return Err(format!("{name} {before}, then {after}"));
        }
        // How recent a PIN is has no direction.
        let after = Evidence { since_pin: before.since_pin, ..after };
        riskier(&before, &after).and_then(|()| self.scores(&before, &after))
    }

    fn within_the_day(&self, chance: &mut Chance) -> Result<(), String> {
        let seen = Seen { at: NOW + Span::seconds(chance.below(23 * 3_600)), ..self.seen.clone() };
        let recent = self.past.get(self.past.len().saturating_sub(3)..).unwrap_or_default();
        let before = self.scene.profile(recent);
        let mut after = before.clone();
        self.scene.learn(&mut after, &self.seen, &self.scene.weigh(&before, &self.seen, &self.counters));
        let (without, with) = (self.scene.weigh(&before, &seen, &self.counters), self.scene.weigh(&after, &seen, &self.counters));
        let stronger = MATCHES.iter().find(|name| column(&with, name) < column(&without, name) - HOUR);
        stronger.map_or(Ok(()), |name| Err(format!("{name} {} over {}", column(&with, name), column(&without, name))))
    }

    fn determinism(&self) -> Result<(), String> {
        let bytes = self.profile.encode();
        if bytes.len() > MAX_BYTES {
            return Err(format!("{} bytes", bytes.len()));
        }
        let stored = Profile::decode(&bytes).map_err(|error| error.to_string())?;
        let (evidence, again) = (self.weigh(&self.seen), self.scene.weigh(&stored, &self.seen, &self.counters));
        let same = evidence.values().map(f32::to_bits) == again.values().map(f32::to_bits);
        let door = self.seen.channel.door();
        let scores = self.models.iter().all(|model| model.score(door, &evidence) == model.score(door, &again));
        if stored == self.profile && stored.encode() == bytes && same && scores { Ok(()) } else { Err("not the same".to_owned()) }
    }
}

/// Makes a signal unreadable.
type Hide = fn(&mut Seen, &mut Counters, &mut Chance);

fn line(seen: &mut Seen, change: impl FnOnce(&mut Line)) {
    if let Signal::Present(line) = &mut seen.line {
        change(line);
    }
}

fn care(seen: &mut Seen, change: impl FnOnce(&mut Care<'static>)) {
    if let Signal::Present(care) = &mut seen.care {
        change(care);
    }
}

const HIDE: [(&str, Hide); 28] = [
    ("shown", |seen, _, _| seen.shown = Signal::Unavailable),
    ("tenure", |seen, _, _| seen.tenure_days = Signal::Unavailable),
    ("address", |seen, _, _| seen.origin.address = Signal::Unavailable),
    ("asn", |seen, _, _| seen.origin.asn = Signal::Unavailable),
    ("country", |seen, _, _| seen.origin.country = Signal::Unavailable),
    ("region", |seen, _, _| seen.origin.region = Signal::Unavailable),
    ("position", |seen, _, _| seen.origin.position = Signal::Unavailable),
    ("round trip", |seen, _, _| seen.origin.round_trip = Signal::Unavailable),
    ("cookie", |seen, _, _| seen.device.cookie = Signal::Unavailable),
    ("proof", |seen, _, _| seen.device.proven = Signal::Unavailable),
    ("proof, withheld", |seen, _, _| seen.device.proven = Signal::Absent),
    ("model", |seen, _, _| seen.device.model = Signal::Unavailable),
    ("system", |seen, _, _| seen.device.system = Signal::Unavailable),
    ("browser", |seen, _, _| seen.device.browser = Signal::Unavailable),
    ("language", |seen, _, _| seen.device.language = Signal::Unavailable),
    ("zone", |seen, _, _| seen.device.zone = Signal::Unavailable),
    ("the carrier's network", |seen, _, _| seen.line = Signal::Unavailable),
    ("attachment", |seen, _, _| line(seen, |line| line.attached = Signal::Unavailable)),
    ("idle minutes", |seen, _, _| line(seen, |line| line.idle_minutes = Signal::Unavailable)),
    ("cell", |seen, _, _| line(seen, |line| line.cell = Signal::Unavailable)),
    ("handset's age", |seen, _, _| line(seen, |line| line.handset_days = Signal::Unavailable)),
    ("the care note", |seen, _, _| seen.care = Signal::Unavailable),
    ("care reason", |seen, _, _| care(seen, |care| care.reason = Signal::Unavailable)),
    ("care questions", |seen, _, _| care(seen, |care| care.failed = Signal::Unavailable)),
    ("inbound", |seen, _, _| care(seen, |care| care.inbound = Signal::Unavailable)),
    ("representative", |seen, _, _| care(seen, |care| care.rep = Signal::Unavailable)),
    ("target", |seen, _, _| seen.target = linekeeper_domain::risk::event::Target::default()),
    ("a counter", |_, counters, chance| {
        let index = chance.index(counters.0.len());
        if let Some(counter) = counters.0.get_mut(index) {
            *counter = Signal::Unavailable;
        }
    }),
];

/// Makes a strictly better and a worse request of a case's; nothing where the thing has no part in it.
type Better = fn(&Case<'_>, &mut Chance) -> Option<Pair>;

fn pair(better: Seen, worse: Seen) -> Option<Pair> {
    Some(Pair { better, worse, past: None, counters: None, equal: &[], hers: &[] })
}

/// Two online requests that `change` makes differ.
fn online(case: &Case<'_>, change: impl FnOnce(&mut Seen, &mut Seen)) -> Option<Pair> {
    both(case, case.seen.is_online(), change)
}

fn both(case: &Case<'_>, applies: bool, change: impl FnOnce(&mut Seen, &mut Seen)) -> Option<Pair> {
    let (mut better, mut worse) = (case.seen.clone(), case.seen.clone());
    change(&mut better, &mut worse);
    if applies { pair(better, worse) } else { None }
}

fn desk(case: &Case<'_>, change: impl FnOnce(&mut Care<'static>, &mut Care<'static>)) -> Option<Pair> {
    let Signal::Present(note) = &case.seen.care else { return None };
    let (mut good, mut bad) = (note.clone(), note.clone());
    change(&mut good, &mut bad);
    pair(Seen { care: Signal::Present(good), ..case.seen.clone() }, Seen { care: Signal::Present(bad), ..case.seen.clone() })
}

fn phone(case: &Case<'_>, change: impl FnOnce(&mut Line, &mut Line)) -> Option<Pair> {
    let Signal::Present(line) = &case.seen.line else { return None };
    let (mut good, mut bad) = (line.clone(), line.clone());
    change(&mut good, &mut bad);
    pair(Seen { line: Signal::Present(good), ..case.seen.clone() }, Seen { line: Signal::Present(bad), ..case.seen.clone() })
}

/// Columns of the visit that a device carries on.
const VISIT: &[&str] = &["visit_opened", "shown_visit"];

const BETTER: [(&str, Better); 22] = [
    ("dominance: her network", |case, chance| {
        let pair = online(case, |good, bad| lines::networks(chance, &mut good.origin, &mut bad.origin))?;
        Some(Pair { hers: &["asn_novelty"], ..pair })
    }),
    ("dominance: her /24 in a network", |case, chance| {
        online(case, |good, bad| lines::prefixes(chance, &mut good.origin, &mut bad.origin))
    }),
    ("dominance: her region", |case, chance| online(case, |good, bad| lines::places(chance, &mut good.origin, &mut bad.origin))),
    ("dominance: her city in a region", |case, chance| {
        online(case, |good, bad| {
            lines::places(chance, &mut good.origin, &mut bad.origin);
            (bad.origin.country, bad.origin.region) = (good.origin.country, good.origin.region);
        })
    }),
    ("dominance: her device", |case, chance| {
        let same_system = chance.happens(50);
        let pair = online(case, |good, bad| lines::devices(chance, &mut good.device, &mut bad.device, same_system))?;
        Some(Pair { equal: VISIT, ..pair })
    }),
    ("dominance: her device, another of its model", |case, chance| {
        let pair = online(case, |good, bad| {
            lines::devices(chance, &mut good.device, &mut bad.device, true);
            bad.device = linekeeper_domain::risk::event::Device { cookie: bad.device.cookie, ..good.device.clone() };
        })?;
        Some(Pair { equal: VISIT, ..pair })
    }),
    ("dominance: her phone after its update, a tablet", |case, chance| {
        let pair = online(case, |good, bad| lines::update(chance, &mut good.device, &mut bad.device))?;
        Some(Pair { equal: VISIT, ..pair })
    }),
    ("dominance: the device's key", |case, _| {
        online(case, |good, bad| {
            good.device.proven = Signal::Present(true);
            bad.device.proven = Signal::Present(false);
        })
    }),
    ("dominance: her browser", |case, chance| {
        online(case, |good, bad| lines::browsers(chance, &mut good.device, &mut bad.device))
    }),
    ("dominance: her zone", |case, chance| {
        let pair = online(case, |good, bad| lines::zones(chance, &mut good.device, &mut bad.device))?;
        Some(Pair { equal: &["night"], ..pair })
    }),
    ("dominance: her language", |case, chance| {
        online(case, |good, bad| lines::languages(chance, &mut good.device, &mut bad.device))
    }),
    ("dominance: a stronger proof shown", |case, chance| {
        let (one, two) = (chance.pick(Shown::ALL), chance.pick(Shown::ALL));
        let (good, bad) = if one.weakness() < two.weakness() { (one, two) } else { (two, one) };
        let pair = both(case, good.weakness() < bad.weakness(), |better, worse| {
            better.shown = Signal::Present(good);
            worse.shown = Signal::Present(bad);
        })?;
        Some(Pair { equal: &["visit_opened"], ..pair })
    }),
    ("dominance: a shorter round trip", |case, chance| {
        let short = 1.0 + f32::from(u8::try_from(chance.below(100)).unwrap_or(0));
        online(case, |good, bad| {
            good.origin.round_trip = Signal::Present(short);
            bad.origin.round_trip = Signal::Present(short + 90.0);
        })
    }),
    ("dominance: a longer tenure", |case, chance| {
        let days = f32::from(u8::try_from(chance.below(250)).unwrap_or(0));
        both(case, true, |good, bad| {
            good.tenure_days = Signal::Present(days + 9.0);
            bad.tenure_days = Signal::Present(days);
        })
    }),
    ("dominance: the customer called", |case, _| {
        desk(case, |good, bad| (good.inbound, bad.inbound) = (Signal::Present(true), Signal::Present(false)))
    }),
    ("dominance: from her own line", |case, _| {
        desk(case, |good, bad| (good.own_line, bad.own_line) = (Signal::Present(true), Signal::Present(false)))
    }),
    ("dominance: fewer questions failed", |case, chance| {
        let failed = chance.below(3);
        desk(case, |good, bad| (good.failed, bad.failed) = (Signal::Present(failed), Signal::Present(failed + 1)))
    }),
    ("dominance: the SIM is not in use", |case, _| {
        phone(case, |good, bad| {
            (good.attached, bad.attached) = (Signal::Present(false), Signal::Present(true));
            (good.idle_minutes, bad.idle_minutes) = (Signal::Present(900.0), Signal::Present(3.0));
        })
    }),
    ("dominance: the phone is where she is", |case, chance| {
        let mut pair = phone(case, |good, bad| (good.cell, bad.cell) = lines::cells(chance))?;
        // A round trip is weighed against the distance that it went.
        (pair.better.origin.round_trip, pair.worse.origin.round_trip) = (Signal::Absent, Signal::Absent);
        Some(pair)
    }),
    ("dominance: the handset of her last SIM", |case, chance| {
        both(case, case.seen.act == Act::SimSwap, |good, bad| lines::handsets(chance, &mut good.target, &mut bad.target))
    }),
    ("dominance: fewer lines met there", |case, chance| {
        let index = chance.index(Meeting::ALL.len());
        let mut more = case.counters.clone();
        let Some(Signal::Present(counter)) = more.0.get_mut(index) else { return None };
        lines::one_more(counter, chance);
        pair(case.seen.clone(), case.seen.clone()).map(|pair| Pair { counters: Some(more), ..pair })
    }),
    ("dominance: nothing was reset or changed", |case, chance| {
        let mut past = case.past.clone();
        let adverse = |seen: &&mut Seen| {
            matches!(seen.act, Act::PasswordReset | Act::EmailChange | Act::PasskeyAdd | Act::LockRemove) && seen.is_online()
        };
        let mut changes: Vec<&mut Seen> = past.iter_mut().filter(adverse).collect();
        let index = chance.index(changes.len());
        changes.get_mut(index)?.act = Act::View;
        pair(case.seen.clone(), case.seen.clone()).map(|pair| Pair { past: Some(past), ..pair })
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `risk-eval laws` tries a million; these few keep the suite quick.
    #[test]
    fn the_laws_hold_for_random_lines_requests_and_models() {
        let results = run(2, 600, None, &|_| {}).unwrap();
        let broken: Vec<_> = results.ours.iter().filter(|(_, tried)| tried.broken > 0).collect();
        assert!(broken.is_empty(), "{broken:#?}");
        assert!(results.ours.len() >= 8 + BETTER.len(), "{:?}", results.ours.keys());
        assert!(results.freeman.values().any(|tried| tried.broken > 0), "{:?}", results.freeman);
    }
}
