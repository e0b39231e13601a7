//! What a function that scores has: the models, and the key of the profiles' hashes.

use std::sync::{Arc, OnceLock};

use linekeeper_domain::change::Decision;
use linekeeper_domain::kinds::Channel;
use linekeeper_domain::risk::marks::Marker;
use linekeeper_domain::risk::model::Model;
use linekeeper_domain::risk::{Scorer, bins};
use tokio::sync::OnceCell;

use crate::keys::ProfileKey;
use crate::telemetry::{self, Metric};

/// The model that was built in: what `shared/risk-training` made last.
const BUILT_IN: &str = include_str!("../../risk-training/model/model.json");

/// Names the file of the model that decides.
const MODEL: &str = "RISK_MODEL";
/// Names the file of a model that is only recorded.
const SHADOW: &str = "RISK_SHADOW_MODEL";

/// Models and key. What is wrong with any of them is no reason not to start: stopping a change needs none of
/// them, and a score that cannot be had is one that is unavailable (I4).
pub struct Risk {
    /// The one that a variable names is read at start, so that what is wrong with it is said then. The one that is
    /// built in is read for the first score: it takes as long as all else that a function does before it asks for
    /// work, and stopping a change needs no score.
    model: OnceLock<Option<Model>>,
    shadow: Option<Model>,
    key: Arc<dyn ProfileKey>,
    marker: OnceCell<Marker>,
}

impl std::fmt::Debug for Risk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let version = |model: &Option<Model>| model.as_ref().map(|model| model.version().to_owned());
        f.debug_struct("Risk")
            .field("model", &self.model.get().and_then(version))
            .field("shadow", &version(&self.shadow))
            .finish_non_exhaustive()
    }
}

/// A model that cannot be used, in one sentence that says what to change.
#[derive(Debug, thiserror::Error)]
#[error(
    "a risk model cannot be used, and every score of it is unavailable: {reason}; name a sound file in {variable}, or {otherwise}"
)]
struct Unusable {
    variable: &'static str,
    reason: String,
    otherwise: &'static str,
}

/// A model's file, checked.
fn read(file: Result<String, std::io::Error>, variable: &'static str) -> Result<Model, Unusable> {
    let otherwise = match variable {
        SHADOW => "take the variable away",
        _ => "take the variable away for the model that was built in",
    };
    let model = match file {
        Ok(text) => Model::read(&text).map_err(|error| telemetry::chain(&error)),
        Err(error) => Err(telemetry::chain(&error)),
    };
    model.map_err(|reason| Unusable { variable, reason, otherwise })
}

/// The same, with a line in the log.
fn told(file: Result<String, std::io::Error>, variable: &'static str) -> Option<Model> {
    match read(file, variable) {
        Ok(model) => {
            tracing::info!(variable, version = model.version(), "a risk model");
            Some(model)
        }
        Err(error) => {
            tracing::error!("{error}");
            None
        }
    }
}

impl Risk {
    /// With the model built in, or that of the file that `RISK_MODEL` names; and the one that `RISK_SHADOW_MODEL`
    /// names, which is only recorded. `lookup` is `std::env::var` in production.
    #[must_use]
    pub fn new(key: Arc<dyn ProfileKey>, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let named = |name: &str| lookup(name).filter(|path| !path.is_empty()).map(std::fs::read_to_string);
        Self {
            model: named(MODEL).map_or_else(OnceLock::new, |file| told(file, MODEL).into()),
            shadow: named(SHADOW).and_then(|file| told(file, SHADOW)),
            key,
            marker: OnceCell::new(),
        }
    }

    /// The scorer. The key is fetched once in a process's life; where KMS does not give it, the next request
    /// tries again.
    pub async fn scorer(&self) -> Scorer<'_> {
        let marker = self.marker.get_or_try_init(|| async { self.key.derive().await.map(|key| Marker::new(&key)) }).await;
        if let Err(error) = &marker {
            tracing::error!(error = telemetry::chain(error), "no key of the profiles: scores are unavailable");
        }
        let model = self.model.get_or_init(|| told(Ok(BUILT_IN.to_owned()), MODEL));
        Scorer { model: model.as_ref(), shadow: self.shadow.as_ref(), marker: marker.ok() }
    }
}

/// What a fraud desk watches of a decision: its outcome, its band, how scores spread, the second model beside the first.
pub fn count(decision: &Decision, channel: Channel) {
    telemetry::count(Metric::Decision, decision.outcome.word());
    telemetry::count(Metric::Score, decision.band.word());
    telemetry::count(Metric::ScoreBin, bins::word(bins::door(channel), decision.probability_ppm));
    if let Some(shadow) = &decision.shadow {
        telemetry::count(Metric::Shadow, if shadow.band == decision.band { "agrees" } else { "differs" });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;
    use zeroize::Zeroizing;

    use super::*;
    use crate::store::Error;

    struct Key;

    impl ProfileKey for Key {
        fn derive(&self) -> BoxFuture<'_, Result<Zeroizing<[u8; 32]>, Error>> {
            Box::pin(async { Ok(Zeroizing::new([7; 32])) })
        }
    }

    struct NoKey;

    impl ProfileKey for NoKey {
        fn derive(&self) -> BoxFuture<'_, Result<Zeroizing<[u8; 32]>, Error>> {
            Box::pin(async { Err(Error::Corrupt("KMS is away")) })
        }
    }

    #[tokio::test]
    async fn the_model_that_is_built_in_is_what_was_trained() {
        let risk = Risk::new(Arc::new(Key), |_| None);
        let scorer = risk.scorer().await;
        assert!(scorer.model.is_some() && scorer.shadow.is_none() && scorer.marker.is_some());
    }

    #[tokio::test]
    async fn a_model_that_was_cut_or_altered_is_no_model() {
        let directory = std::env::temp_dir();
        let altered = BUILT_IN.replacen('1', "2", 1);
        for (n, file) in ["", &BUILT_IN[..BUILT_IN.len() / 2], altered.as_str()].into_iter().enumerate() {
            let path = directory.join(format!("linekeeper-model-{}-{n}.json", std::process::id()));
            std::fs::write(&path, file).unwrap();
            for name in ["RISK_MODEL", "RISK_SHADOW_MODEL"] {
                let risk = Risk::new(Arc::new(Key), |asked| (asked == name).then(|| path.display().to_string()));
                let scorer = risk.scorer().await;
                assert_eq!((scorer.model.is_some(), scorer.shadow.is_some()), (name == "RISK_SHADOW_MODEL", false));
            }
            std::fs::remove_file(&path).unwrap();
        }
        let risk = Risk::new(Arc::new(Key), |_| Some("/no/such/file".to_owned()));
        assert!(risk.scorer().await.model.is_none());
    }

    #[test]
    fn a_model_that_cannot_be_used_says_what_to_change_in_one_sentence() {
        let altered = BUILT_IN.replacen("0.1", "0.2", 1);
        assert_ne!(altered, BUILT_IN);
        let said = |file, variable| read(file, variable).unwrap_err().to_string();
        assert_eq!(
            said(Ok(altered), MODEL),
            "a risk model cannot be used, and every score of it is unavailable: the model's hash is not the one in the file; \
             name a sound file in RISK_MODEL, or take the variable away for the model that was built in"
        );
        let none = Err(std::io::Error::from(std::io::ErrorKind::NotFound));
        assert_eq!(
            said(none, SHADOW),
            "a risk model cannot be used, and every score of it is unavailable: entity not found; \
             name a sound file in RISK_SHADOW_MODEL, or take the variable away"
        );
    }

    #[tokio::test]
    async fn without_the_key_there_is_a_scorer_that_cannot_say_anything() {
        let scorer = Risk::new(Arc::new(NoKey), |_| None);
        assert!(scorer.scorer().await.marker.is_none());
    }
}
