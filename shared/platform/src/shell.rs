//! Around every command: decide in memory, write once, and where another was first, decide again on what
//! stands now.

use std::sync::Arc;
use std::time::Duration;

use linekeeper_domain::change::Actor;
use linekeeper_domain::config::Settings;
use linekeeper_domain::decide::{Context, Denied};
use linekeeper_domain::ids::Subject;
use linekeeper_domain::ledger::{Draft, Owner, Transaction};
use linekeeper_domain::state::View;

use crate::batch;
use crate::clock::{Clock, Entropy};
use crate::problem::{Problem, ProblemKind};
use crate::store::{Committed, Error, Store};

/// How often a command decides again before it gives up: enough for dozens of writers at one line.
const ATTEMPTS: u32 = 12;

/// Why a command did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The domain says no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// AWS did not do it.
    #[error(transparent)]
    Error(#[from] Error),
}

/// A command that was carried out.
#[derive(Debug)]
pub struct Outcome {
    /// What stands now.
    pub view: View,
    /// What was written; nothing where there was nothing to do.
    pub written: Option<Transaction>,
}

/// What every function has.
#[derive(Clone)]
pub struct Shell {
    /// The tables.
    pub store: Store,
    /// The carrier's settings.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shell").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Shell {
    /// The context of a decision made now.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        Context { now: self.clock.now(), settings: &self.settings }
    }

    /// Decides and writes. `decide` is asked again for every time that another was first, each time on
    /// what stands then; it must not do anything but decide.
    ///
    /// # Errors
    /// [`Failure`]. [`Error::Busy`] after a dozen lost races.
    pub async fn command(
        &self,
        owner: &Owner,
        actor: &Actor,
        mut view: View,
        decide: impl Fn(&View, Context<'_>) -> Result<Draft, Denied>,
    ) -> Result<Outcome, Failure> {
        for attempt in 0..ATTEMPTS {
            let context = self.context();
            let draft = decide(&view, context)?;
            if draft.is_empty() {
                return Ok(Outcome { view, written: None });
            }
            let transaction = draft.seal(&view, owner, actor, context.now).map_err(Error::from)?;
            match self.store.commit(&transaction, context.now).await? {
                Committed::Done => {
                    if let Some(account) = &transaction.account {
                        view.account = Some(account.after.clone());
                    }
                    if let Some(line) = &transaction.line {
                        view.line = Some(line.after.clone());
                    }
                    return Ok(Outcome { view, written: Some(transaction) });
                }
                Committed::Full(denied) => return Err(denied.into()),
                Committed::Lost(stands) => {
                    self.pause(attempt).await;
                    // Where DynamoDB gave nothing back, two transactions met and neither may have won: what
                    // was read is tried again, and if it is stale the next refusal brings what stands.
                    view.account = stands.account.or(view.account);
                    view.line = stands.line.or(view.line);
                }
            }
        }
        Err(Error::Busy.into())
    }

    /// Waits a little longer every time, each caller another while, so that those who lost do not meet again.
    async fn pause(&self, attempt: u32) {
        let ceiling = 8_u32.saturating_mul(1 << attempt.min(6));
        let wait = self.entropy.below(ceiling);
        tokio::time::sleep(Duration::from_millis(u64::from(wait))).await;
    }
}

/// Whose ledger a command writes.
#[must_use]
pub fn owner(account: &linekeeper_domain::ids::AccountId, subject: &Subject) -> Owner {
    Owner { account_id: account.clone(), subject: subject.clone() }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let kind = match denied {
            Denied::NotFound => return ProblemKind::NotFound.into(),
            Denied::Forbidden => ProblemKind::Forbidden,
            Denied::AlreadyOpen => ProblemKind::ChangeAlreadyOpen,
            Denied::KeyReused => ProblemKind::IdempotencyKeyReused,
            Denied::ChangeClosed => ProblemKind::ChangeClosed,
            Denied::NothingToChange => ProblemKind::NothingToChange,
            Denied::TooManyContacts | Denied::TooManyRequests => ProblemKind::TooManyRequests,
            Denied::TooManyCodes => ProblemKind::TooManyCodes,
            Denied::TooManyAttempts => ProblemKind::TooManyAttempts,
            Denied::Wait(span) => return Self::new(ProblemKind::TooManyAttempts, denied.to_string()).after(span.as_seconds()),
            Denied::CountryNotServed => ProblemKind::FactorNotOffered,
            Denied::TooManyConcerns => ProblemKind::Malformed,
            Denied::CaseClosed => ProblemKind::NothingToChange,
            Denied::TooManyFactors => ProblemKind::NothingToChange,
            Denied::CodeUsed => ProblemKind::CodeWrong,
            Denied::ProofReplayed => ProblemKind::ProofInvalid,
            Denied::FactorNotOffered => ProblemKind::FactorNotOffered,
            Denied::ChallengeOver | Denied::AnotherDevice => ProblemKind::ChallengeOver,
            Denied::ContactOver => ProblemKind::ContactOver,
            Denied::WallClosed => ProblemKind::WallClosed,
            Denied::SamePerson => ProblemKind::AnotherPersonNeeded,
            Denied::NoSuchNumber | Denied::DoesNotFit(_) => ProblemKind::Malformed,
        };
        Self::new(kind, denied.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::error!(error = crate::telemetry::chain(&error), "a call failed");
        match error {
            Error::Aws { .. } | Error::Busy => Self::from(ProblemKind::TryAgain).after(1),
            Error::Corrupt(_) | Error::Form(_) | Error::Seal(_) => ProblemKind::Internal.into(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(denied) => denied.into(),
            Failure::Error(error) => error.into(),
        }
    }
}

impl From<Failure> for batch::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(denied) => denied.into(),
            Failure::Error(error) => error.into(),
        }
    }
}

impl From<Denied> for batch::Failure {
    fn from(denied: Denied) -> Self {
        let reason = match denied {
            // Its account or line may be on its way: order is not to be trusted. The queue's own limit of
            // attempts ends it.
            Denied::NotFound => return Self::retry(denied),
            Denied::DoesNotFit(_) => "does-not-fit",
            Denied::TooManyContacts => "too-many-contacts",
            Denied::NoSuchNumber => "no-such-number",
            Denied::Forbidden
            | Denied::AlreadyOpen
            | Denied::KeyReused
            | Denied::ChangeClosed
            | Denied::NothingToChange
            | Denied::TooManyRequests
            | Denied::TooManyCodes
            | Denied::TooManyAttempts
            | Denied::Wait(_)
            | Denied::CountryNotServed
            | Denied::TooManyFactors
            | Denied::TooManyConcerns
            | Denied::CaseClosed
            | Denied::CodeUsed
            | Denied::ProofReplayed
            | Denied::AnotherDevice
            | Denied::FactorNotOffered
            | Denied::ContactOver
            | Denied::WallClosed
            | Denied::SamePerson
            | Denied::ChallengeOver => "denied",
        };
        Self::reject(reason, denied.to_string())
    }
}

impl From<Error> for batch::Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Corrupt(_) | Error::Form(_) | Error::Seal(_) | Error::Aws { .. } | Error::Busy => Self::retry(error),
        }
    }
}
