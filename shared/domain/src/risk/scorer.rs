//! The scorer as the product uses it: profile, request and counters in, an assessment out; what was observed in,
//! a profile out. In memory, in microseconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Observation;
use super::evidence::Evidence;
use super::marks::{Marker, Marks, WideMark, WideMarks};
use super::model::Model;
use super::profile::{PinRecord, Profile, Stamp};
use super::reasons::Weighted;
use super::velocity::{Meeting, Meetings};
use crate::ids::AccountId;
use crate::kinds::{Band, Reason};
use crate::signals::Signal;
use crate::time::{Span, Timestamp};

/// How far the clock of what was observed may be off.
const CLOCK_SLACK: Span = Span::minutes(5);
/// So many reasons are kept, the heaviest; none where nothing stands out.
const REASONS: usize = 4;
/// Fewer visit days than this, or fewer days, and nothing is known of the customer.
const COLD_VISITS: u32 = 2;
/// See [`COLD_VISITS`].
const COLD_HOURS: u32 = 7 * 24;

/// What a scorer works with. Where a part cannot be had nothing can be said, and that is what it says:
/// neither low nor a reason to refuse.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scorer<'a> {
    /// The model that counts.
    pub model: Option<&'a Model>,
    /// A second one, which is only recorded.
    pub shadow: Option<&'a Model>,
    /// The keyed hashes.
    pub marker: Option<&'a Marker>,
}

/// What the scorer says of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// The band; [`Band::Unavailable`] where nothing could be said.
    pub band: Band,
    /// The probability of an attack in millionths; nothing where nothing could be said.
    pub probability_ppm: Option<u32>,
    /// Why, the heaviest first.
    pub reasons: Vec<Weighted>,
    /// Which model said so.
    pub model: String,
    /// What another model would have said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
}

/// What a model says that decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// Its band.
    pub band: Band,
    /// Its probability, in millionths.
    pub probability_ppm: u32,
    /// Which model.
    pub model: String,
}

impl Assessment {
    /// Nothing can be said.
    #[must_use]
    pub fn unavailable(model: Option<&Model>) -> Self {
        Self {
            band: Band::Unavailable,
            probability_ppm: None,
            reasons: vec![Weighted { reason: Reason::ScoreUnavailable, weight: 0 }],
            model: model.map_or("none", Model::version).to_owned(),
            shadow: None,
        }
    }

    /// The assessment with a band that is no lower, and why.
    #[must_use]
    pub fn at_least(mut self, band: Band, reason: Reason) -> Self {
        self.band = self.band.max(band);
        if self.reasons.iter().all(|weighted| weighted.reason != reason) {
            self.reasons.push(Weighted { reason, weight: 0 });
        }
        self
    }
}

impl Scorer<'_> {
    /// The counters that concern what was observed.
    #[must_use]
    pub fn meets(&self, account: &AccountId, seen: &Observation<'_>) -> BTreeMap<Meeting, WideMark> {
        let Some(marker) = self.marker else { return BTreeMap::new() };
        let wide = WideMarks::of(marker, account.as_str(), seen);
        Meeting::ALL.into_iter().filter_map(|meeting| Some((meeting, meeting.mark(&wide)?))).collect()
    }

    /// The counters in which it is counted.
    #[must_use]
    pub fn counted(&self, account: &AccountId, seen: &Observation<'_>) -> BTreeMap<Meeting, WideMark> {
        let mut meets = self.meets(account, seen);
        meets.retain(|meeting, _| meeting.counts(seen));
        meets
    }

    /// An account, as the counters know it.
    #[must_use]
    pub fn mark(&self, account: &AccountId) -> Option<WideMark> {
        self.marker.map(|marker| marker.of_account(account.as_str()))
    }

    /// Weighs what was observed at an account. `profile` is absent for one never heard of and unavailable where
    /// it cannot be read; `lately` is what the ledger knows to have happened; `now` is when this is asked.
    #[must_use]
    pub fn assess(
        &self,
        account: &AccountId,
        profile: &Signal<Profile>,
        lately: &[(Stamp, Timestamp)],
        meetings: &Meetings,
        seen: &Observation<'_>,
        now: Timestamp,
    ) -> Assessment {
        let (Some(model), Some(marker)) = (self.model, self.marker) else { return Assessment::unavailable(self.model) };
        let mut profile = match profile {
            Signal::Present(profile) => profile.clone(),
            Signal::Absent => Profile::default(),
            Signal::Unavailable => return Assessment::unavailable(self.model),
        };
        if now.since(seen.at) > CLOCK_SLACK || seen.at.since(now) > CLOCK_SLACK || profile.is_ahead_of(now + CLOCK_SLACK) {
            return Assessment::unavailable(self.model);
        }
        for &(stamp, at) in lately {
            profile.heed(stamp, at);
        }
        let (marks, wide) = marks(marker, account, seen);
        let score = |model: &Model| {
            let evidence = Evidence::of(&profile, seen, &marks, &wide, &meetings.velocity(), model.background());
            model.score(seen.channel.door(), &evidence)
        };
        let scored = score(model);
        let shadow = self.shadow.map(|model| {
            let shadow = score(model);
            Shadow { band: shadow.band, probability_ppm: shadow.probability_ppm(), model: model.version().to_owned() }
        });
        let probability_ppm = Some(scored.probability_ppm());
        let mut reasons = scored.reasons;
        reasons.truncate(if scored.band == Band::Low { 0 } else { REASONS });
        let mut assessment =
            Assessment { band: scored.band, probability_ppm, reasons, model: model.version().to_owned(), shadow };
        // The app names its device and the edge its network: who comes without either hides something, and the
        // median that the model takes for what is missing would reward it (I4).
        if seen.is_online() && (seen.device.cookie.present().is_none() || seen.origin.asn.present().is_none()) {
            assessment = assessment.at_least(Band::Elevated, Reason::SignalMissing);
        }
        // What the ledger knows is said, whatever the model makes of it.
        for (stamp, at) in lately {
            if let Some((reason, within)) = worth_saying(*stamp)
                && now < *at + within
            {
                assessment = assessment.at_least(Band::Low, reason);
            }
        }
        let known = profile.visit_days(now) >= COLD_VISITS && profile.age_hours(now).is_some_and(|hours| hours >= COLD_HOURS);
        if known { assessment } else { assessment.at_least(Band::Elevated, Reason::NoHistory) }
    }

    /// How a number transfer PIN is asked for, to be held against the port that it comes with; nothing where that
    /// cannot be told.
    #[must_use]
    pub fn pin_record(
        &self,
        account: &AccountId,
        profile: &Signal<Profile>,
        meetings: &Meetings,
        seen: &Observation<'_>,
    ) -> Option<PinRecord> {
        let (model, marker) = (self.model?, self.marker?);
        let nothing = Profile::default();
        let profile = match profile {
            Signal::Present(profile) => profile,
            Signal::Absent => &nothing,
            Signal::Unavailable => return None,
        };
        let (marks, wide) = marks(marker, account, seen);
        Some(PinRecord::of(&Evidence::of(profile, seen, &marks, &wide, &meetings.velocity(), model.background())))
    }

    /// Whether the model has a share of port-outs for a gaining carrier. Of others it cannot say how rare they are.
    #[must_use]
    pub fn knows_carrier(&self, carrier: &str) -> bool {
        self.model.is_some_and(|model| model.background().carriers.contains_key(carrier))
    }

    /// The profile after what was observed; nothing without the keyed hashes. What comes late or twice adds
    /// nothing that was not there.
    #[must_use]
    pub fn learn(
        &self,
        account: &AccountId,
        mut profile: Profile,
        meetings: &Meetings,
        seen: &Observation<'_>,
    ) -> Option<Profile> {
        let (marks, wide) = marks(self.marker?, account, seen);
        let evidence = self.model.map_or_else(Evidence::default, |model| {
            Evidence::of(&profile, seen, &marks, &wide, &meetings.velocity(), model.background())
        });
        profile.learn(seen, &marks, &evidence);
        Some(profile)
    }
}

/// The reason in something that happened, and for how long it is one.
const fn worth_saying(stamp: Stamp) -> Option<(Reason, Span)> {
    match stamp {
        Stamp::Reset => Some((Reason::RecentReset, Span::days(3))),
        Stamp::Email => Some((Reason::RecentContactChange, Span::days(7))),
        Stamp::Unlock => Some((Reason::LockJustRemoved, Span::days(7))),
        Stamp::Swap => Some((Reason::RecentSimChange, Span::days(30))),
        Stamp::Passkey | Stamp::Pin | Stamp::Contact | Stamp::FailedContact => None,
    }
}

fn marks(marker: &Marker, account: &AccountId, seen: &Observation<'_>) -> (Marks, WideMarks) {
    (Marks::of(&marker.of_line(account.as_str()), seen), WideMarks::of(marker, account.as_str(), seen))
}

#[cfg(test)]
mod tests {
    use super::super::event::Act;
    use super::super::trial::{NOW, at_home, stranger};
    use super::*;

    /// The committed one.
    fn model() -> Model {
        Model::read(include_str!("../../../risk-training/model/model.json")).unwrap()
    }

    /// One that takes everything online for an attack.
    fn alarmed() -> Model {
        let file = include_str!("../../../risk-training/model/model.json");
        let mut file: serde_json::Value = serde_json::from_str(file).unwrap();
        file["model"]["channels"]["online"]["bands"] = vec![-1_000_000_000_000_i64; 3].into();
        Model::read(&super::super::model::seal(&file["model"].to_string())).unwrap()
    }

    fn account() -> AccountId {
        AccountId::parse("ac_1").unwrap()
    }

    fn with<T>(shadow: bool, f: impl FnOnce(Scorer<'_>) -> T) -> T {
        let (model, alarmed, marker) = (model(), alarmed(), Marker::new(&[1; 32]));
        f(Scorer { model: Some(&model), shadow: shadow.then_some(&alarmed), marker: Some(&marker) })
    }

    fn visited(scorer: Scorer<'_>, days_ago: impl DoubleEndedIterator<Item = u32>) -> Signal<Profile> {
        let visit = |profile, days| {
            let seen = Observation { at: NOW - Span::days(days), ..at_home() };
            scorer.learn(&account(), profile, &Meetings::default(), &seen).unwrap()
        };
        Signal::Present(days_ago.rev().fold(Profile::default(), visit))
    }

    fn swap() -> Observation<'static> {
        Observation { act: Act::SimSwap, ..at_home() }
    }

    fn asked(scorer: Scorer<'_>, profile: &Signal<Profile>, seen: &Observation<'_>, now: Timestamp) -> Assessment {
        let meetings = Meetings::asked(scorer.meets(&account(), seen).into_keys());
        scorer.assess(&account(), profile, &[], &meetings, seen, now)
    }

    #[test]
    fn she_is_low_at_home_and_a_stranger_is_not() {
        with(false, |scorer| {
            let profile = visited(scorer, 2..60);
            assert_eq!(asked(scorer, &profile, &swap(), NOW).band, Band::Low);
            let stranger = asked(scorer, &profile, &Observation { act: Act::SimSwap, ..stranger() }, NOW);
            assert!(stranger.band >= Band::High && stranger.reasons.len() > 2, "{stranger:?}");
        });
    }

    #[test]
    fn an_unreadable_profile_a_wrong_clock_no_model_and_no_key_are_unavailable_and_never_low() {
        with(false, |scorer| {
            let profile = visited(scorer, 2..60);
            assert_eq!(asked(scorer, &Signal::Unavailable, &swap(), NOW), Assessment::unavailable(scorer.model));
            for now in [NOW + Span::seconds(301), NOW - Span::seconds(301)] {
                assert_eq!(asked(scorer, &profile, &swap(), now).band, Band::Unavailable);
            }
            assert_eq!(asked(scorer, &profile, &swap(), NOW + Span::minutes(5)).band, Band::Low);
            for broken in [Scorer { model: None, ..scorer }, Scorer { marker: None, ..scorer }] {
                assert_eq!(asked(broken, &profile, &swap(), NOW).band, Band::Unavailable);
            }
        });
    }

    #[test]
    fn a_visit_of_a_moment_ago_lies_in_the_past_at_every_minute_of_the_hour() {
        with(false, |scorer| {
            for minute in 0..60 {
                let at = NOW + Span::minutes(minute);
                let Signal::Present(known) = visited(scorer, 2..60) else { panic!("no profile") };
                let visit = Observation { at, ..at_home() };
                let profile = Signal::Present(scorer.learn(&account(), known, &Meetings::default(), &visit).unwrap());
                let now = at + Span::seconds(20);
                let seen = Observation { at: now, ..swap() };
                assert_eq!(asked(scorer, &profile, &seen, now).band, Band::Low, "{minute}");
            }
        });
    }

    #[test]
    fn a_profile_that_knows_of_what_is_yet_to_happen_is_unavailable() {
        with(false, |scorer| {
            let profile = visited(scorer, 2..60);
            // Her last visit was two days before; of visits a day apart every other one is kept by the hour.
            for (back, band) in [(47, Band::Low), (24 * 4, Band::Unavailable), (24 * 30, Band::Unavailable)] {
                let back = Span::hours(back);
                let seen = Observation { at: NOW - back, ..swap() };
                assert_eq!(asked(scorer, &profile, &seen, NOW - back).band, band, "{back} back");
            }
        });
    }

    #[test]
    fn nobody_is_known_before_two_visits_and_seven_days() {
        with(false, |scorer| {
            let cold = |profile: &Signal<Profile>| {
                let assessment = asked(scorer, profile, &swap(), NOW);
                assessment.band >= Band::Elevated && assessment.reasons.iter().any(|why| why.reason == Reason::NoHistory)
            };
            assert!(cold(&Signal::Absent));
            assert!(cold(&visited(scorer, 2..5)), "three visits in four days");
            assert!(cold(&visited(scorer, 20..21)), "one visit long ago");
            assert!(!cold(&visited(scorer, 2..12)));
        });
    }

    #[test]
    fn who_hides_device_or_network_is_not_low() {
        with(false, |scorer| {
            let profile = visited(scorer, 2..60);
            for hide in [
                |seen: &mut Observation<'_>| seen.device.cookie = Signal::Absent,
                |seen: &mut Observation<'_>| seen.origin.asn = Signal::Unavailable,
            ] {
                let mut seen = swap();
                hide(&mut seen);
                assert!(asked(scorer, &profile, &seen, NOW).band >= Band::Elevated);
            }
        });
    }

    #[test]
    fn what_the_ledger_knows_counts_and_is_said() {
        with(false, |scorer| {
            let profile = visited(scorer, 2..60);
            let calm = asked(scorer, &profile, &swap(), NOW);
            for (stamp, reason) in [
                (Stamp::Reset, Reason::RecentReset),
                (Stamp::Email, Reason::RecentContactChange),
                (Stamp::Unlock, Reason::LockJustRemoved),
                (Stamp::Swap, Reason::RecentSimChange),
            ] {
                let meetings = Meetings::asked(scorer.meets(&account(), &swap()).into_keys());
                let lately = [(stamp, NOW - Span::hours(12))];
                let told = scorer.assess(&account(), &profile, &lately, &meetings, &swap(), NOW);
                assert!(told.reasons.iter().any(|why| why.reason == reason), "{stamp:?}: {told:?}");
                assert!(told.probability_ppm >= calm.probability_ppm, "{stamp:?}: {told:?}");
            }
        });
    }

    #[test]
    fn a_second_model_is_recorded_and_changes_nothing() {
        let alone = with(false, |scorer| asked(scorer, &visited(scorer, 2..60), &swap(), NOW));
        let watched = with(true, |scorer| asked(scorer, &visited(scorer, 2..60), &swap(), NOW));
        assert_eq!((watched.shadow.as_ref().map(|shadow| shadow.band), watched.band), (Some(Band::Severe), Band::Low));
        assert_eq!(Assessment { shadow: None, ..watched }, alone);
    }
}
