//! What a score costs, part by part, on random lines: for the benchmark and for `risk-eval bench`.

use std::hint::black_box;

use linekeeper_domain::risk::evidence::Evidence;
use linekeeper_domain::risk::marks::{Marks, WideMarks};
use linekeeper_domain::risk::model::{Model, ModelError};
use linekeeper_domain::risk::profile::{Profile, ProfileError};

use crate::chance::Chance;
use crate::laws::lines::{self, Counters, NOW, Scene, Seen};
use crate::laws::models;

/// Different requests of different lines.
const REQUESTS: u64 = 128;

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The stored profile is read.
    Decode,
    /// What was observed is hashed under the keys of line and deployment.
    Marks,
    /// Evidence from profile, marks and counters.
    Evidence,
    /// The model's sum, calibration, band and reasons.
    Score,
    /// All of these: a request scored with its reasons.
    Whole,
    /// The observation is learnt and the profile written.
    Fold,
}

impl Part {
    /// Every part, in order.
    pub const ALL: [Self; 6] = [Self::Decode, Self::Marks, Self::Evidence, Self::Score, Self::Whole, Self::Fold];

    /// As it is called.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Marks => "marks",
            Self::Evidence => "evidence",
            Self::Score => "score",
            Self::Whole => "whole",
            Self::Fold => "fold",
        }
    }
}

/// A request as it stands before its score.
#[derive(Debug)]
struct Request {
    stored: Vec<u8>,
    profile: Profile,
    seen: Seen,
    counters: Counters,
    marks: (Marks, WideMarks),
    evidence: Evidence,
}

/// Random lines and requests.
#[derive(Debug)]
pub struct Stage {
    scene: Scene,
    model: Model,
    requests: Vec<Request>,
}

impl Stage {
    /// With a model, or else a random one.
    ///
    /// # Errors
    ///
    /// Where the reader refuses a model that keeps to its documentation.
    pub fn new(model: Option<Model>) -> Result<Self, ModelError> {
        let (scene, mut requests) = (Scene::default(), Vec::new());
        for number in 0..REQUESTS {
            let chance = &mut Chance::of(1, number);
            let profile = scene.profile(&lines::past(chance));
            let (seen, counters) = (lines::observation(chance, NOW, true), Counters::random(chance));
            let evidence = scene.weigh(&profile, &seen, &counters);
            requests.push(Request { stored: profile.encode(), marks: scene.marks(&seen), profile, seen, counters, evidence });
        }
        let model = match model {
            Some(model) => model,
            None => {
                let pool: Vec<_> = requests.iter().map(|request| request.evidence.clone()).collect();
                models::random(&mut Chance::of(2, 0), &pool, scene.background())?
            }
        };
        Ok(Self { scene, model, requests })
    }

    /// Does a part of the work once, on one of the requests.
    ///
    /// # Errors
    ///
    /// Never: the profiles were written by this code.
    pub fn run(&self, part: Part, number: usize) -> Result<(), ProfileError> {
        let Some(request) = self.requests.get(number % self.requests.len().max(1)) else { return Ok(()) };
        let weigh = |profile: &Profile, (marks, wide): &(Marks, WideMarks)| {
            Evidence::of(profile, &request.seen, marks, wide, &request.counters.velocity(), self.model.background())
        };
        let score = |evidence: &Evidence| self.model.score(request.seen.channel.door(), evidence);
        match part {
            Part::Decode => {
                black_box(Profile::decode(black_box(&request.stored))?);
            }
            Part::Marks => {
                black_box(self.scene.marks(black_box(&request.seen)));
            }
            Part::Evidence => {
                black_box(weigh(black_box(&request.profile), &request.marks));
            }
            Part::Score => {
                black_box(score(black_box(&request.evidence)));
            }
            Part::Whole => {
                let profile = Profile::decode(black_box(&request.stored))?;
                black_box(score(&weigh(&profile, &self.scene.marks(&request.seen))));
            }
            Part::Fold => {
                let mut profile = black_box(&request.profile).clone();
                profile.learn(&request.seen, &request.marks.0, &request.evidence);
                black_box(profile.encode());
            }
        }
        Ok(())
    }
}
