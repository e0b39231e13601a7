//! Ends holds and expiries whose time has come, and tries notices again that nobody recorded. It finds what
//! is due by an index, without a scan, and decides like everyone else: nothing is authorized here that is
//! not proven and told.

use linekeeper_domain::change::Actor;
use linekeeper_domain::decide;
use linekeeper_domain::ids::Subject;
use linekeeper_domain::ledger::{EventName, Owner, Transaction};
use linekeeper_domain::state::View;
use linekeeper_platform::shell::{Failure, Shell};
use linekeeper_platform::start;
use linekeeper_platform::store::DUE_SHARDS;
use linekeeper_platform::telemetry::{self, Metric};
use serde::Serialize;

/// How many subjects of one shard a single run takes on; the next run, a minute later, goes on.
const BATCH: i32 = 50;
/// How many things can be due for one subject: every change and notice of it, and more.
const STEPS: usize = 32;

/// What the function works with.
#[derive(Debug)]
pub struct App {
    /// Store, settings, clock.
    pub shell: Shell,
}

/// What a run did.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Subjects looked at.
    pub subjects: usize,
    /// Entries written.
    pub steps: usize,
    /// Subjects that have to wait for the next run.
    pub failed: usize,
}

impl App {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let config = start::configure(env!("CARGO_PKG_NAME"), &[])?;
        let aws = start::aws().await?;
        Ok(Self { shell: start::shell(&config, &aws) })
    }

    /// One run. A subject that fails does not hold up the others.
    ///
    /// # Errors
    /// Where the index cannot be read.
    pub async fn handle(&self) -> Result<Swept, start::Error> {
        let mut swept = Swept::default();
        for shard in 0..DUE_SHARDS {
            for owner in self.shell.store.due(shard, self.shell.clock.now(), BATCH).await? {
                swept.subjects = swept.subjects.saturating_add(1);
                match self.subject(&owner).await {
                    Ok(steps) => swept.steps = swept.steps.saturating_add(steps),
                    Err(error) => {
                        swept.failed = swept.failed.saturating_add(1);
                        tracing::error!(error = telemetry::chain(&error), account = %owner.account_id, "a deadline waits for the next run");
                    }
                }
            }
        }
        Ok(swept)
    }

    /// Everything that is due for one subject, one entry each.
    async fn subject(&self, owner: &Owner) -> Result<usize, Failure> {
        let mut view = self.shell.store.read(&owner.account_id, &owner.subject).await?;
        for done in 0..STEPS {
            let sweep = |view: &View, ctx: decide::Context<'_>| Ok(decide::sweep(view, &owner.subject, ctx).unwrap_or_default());
            let outcome = self.shell.command(owner, &Actor::System, view, sweep).await?;
            let Some(written) = outcome.written else {
                if done == 0 {
                    self.not_yet(owner, &outcome.view).await?;
                }
                return Ok(done);
            };
            count(&written);
            view = outcome.view;
        }
        Ok(STEPS)
    }

    /// The index said that something is due and nothing is: a due time may be early, never late.
    async fn not_yet(&self, owner: &Owner, view: &View) -> Result<(), Failure> {
        let now = self.shell.clock.now();
        let known = match &owner.subject {
            Subject::Account => view.account.as_ref().map(|account| (account.seq, account.state.due(now))),
            Subject::Line(_) => view.line.as_ref().map(|line| (line.seq, line.state.book.due(now))),
        };
        if let Some((seq, due)) = known {
            self.shell.store.reschedule(owner, seq, due).await?;
        }
        Ok(())
    }
}

fn count(written: &Transaction) {
    let entries = [written.account.as_ref().map(|a| &a.entry), written.line.as_ref().map(|l| &l.entry)];
    for event in entries.into_iter().flatten().flat_map(|entry| &entry.events) {
        let name: EventName = event.name();
        telemetry::count(Metric::Deadline, name.word());
    }
}
