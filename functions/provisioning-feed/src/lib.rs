//! Records what the carrier's systems did: accounts and lines begin and end, a SIM changed, a change is done
//! or failed. The same records come one by one from the queue, or many at once as a bulk import.

mod record;

use std::sync::Arc;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use linekeeper_domain::change::{Actor, NewSim};
use linekeeper_domain::decide::{self, Opening, Report};
use linekeeper_domain::fraud::Concerned;
use linekeeper_domain::ids::{AccountId, LineId, Subject};
use linekeeper_domain::ledger::Draft;
use linekeeper_domain::state::{Billing, Sim, View};
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_platform::batch::{self, Failure, Imported, SqsDeadLetters};
use linekeeper_platform::config::Var;
use linekeeper_platform::shell::{Shell, owner};
use linekeeper_platform::start;
use serde::{Deserialize, Serialize};

pub use record::{Record, What};

/// How far a carrier's clock may be ahead.
const AHEAD: Span = Span::minutes(5);

/// What the function works with.
#[derive(Debug)]
pub struct App<D> {
    /// Store, settings, clock.
    pub shell: Shell,
    /// Where records go that can never succeed.
    pub dead: Arc<D>,
}

/// What comes in: a batch of the queue, or an import by direct invocation.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Incoming {
    /// Many records at once, each as it would stand in the queue.
    Import {
        /// The records.
        import: Vec<serde_json::Value>,
    },
    /// A batch of the queue.
    Queue(SqsEvent),
}

/// What goes out.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outgoing {
    /// Which records of the batch have to come again.
    Queue(SqsBatchResponse),
    /// What became of an import.
    Import(Imported),
}

impl App<SqsDeadLetters> {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let config = start::configure(env!("CARGO_PKG_NAME"), &[Var::DeadLetterQueue])?;
        let aws = start::aws().await?;
        let dead = SqsDeadLetters::new(aws_sdk_sqs::Client::new(&aws), config.get(Var::DeadLetterQueue));
        Ok(Self { shell: start::shell(&config, &aws), dead: Arc::new(dead) })
    }
}

impl<D: batch::DeadLetters> App<D> {
    /// Handles a batch or an import.
    ///
    /// # Errors
    /// None: what fails is in the answer.
    pub async fn handle(&self, incoming: Incoming) -> Result<Outgoing, start::Error> {
        match incoming {
            Incoming::Queue(event) => {
                Ok(Outgoing::Queue(batch::sqs(event, self.dead.as_ref(), |record| self.record(record)).await))
            }
            Incoming::Import { import } => Ok(Outgoing::Import(self.import(import).await)),
        }
    }

    async fn import(&self, records: Vec<serde_json::Value>) -> Imported {
        let mut imported = Imported::default();
        for (place, record) in batch::import(records, &mut imported) {
            imported.took(place, &self.record(record).await);
        }
        imported
    }

    async fn record(&self, record: Record) -> Result<(), Failure> {
        let effect = Timestamp::parse(&record.at).ok_or_else(|| Failure::reject("malformed", "`at` is not RFC 3339"))?;
        if effect > self.shell.clock.now() + AHEAD {
            return Err(Failure::reject("from-the-future", "`at` lies more than five minutes ahead"));
        }
        match record.what {
            What::AccountOpened { account_id, jurisdiction, locale, contacts } => {
                let contacts: Vec<_> = contacts.into_iter().map(|contact| (contact.id, contact.address)).collect();
                self.write(&account_id, &Subject::Account, |view, ctx| {
                    decide::open_account(view, jurisdiction, locale, &contacts, ctx)
                })
                .await
            }
            What::BillingKnown { account_id, account_number, zip } => {
                let billing = Billing::of(&account_id, &account_number, &zip);
                self.write(&account_id, &Subject::Account, |view, _| decide::set_billing(view, &billing)).await
            }
            What::ContactVerified { account_id, contact_id } => {
                self.write(&account_id, &Subject::Account, |view, _| decide::verify_contact(view, &contact_id, effect)).await
            }
            What::AccountClosed { account_id } => {
                self.write(&account_id, &Subject::Account, |view, _| decide::close_account(view)).await
            }
            What::LineOpened { account_id, line_id, msisdn, iccid, eid, imei } => {
                let opening = Opening { msisdn, sim: Sim { iccid, eid, since: effect }, imei };
                self.write(&account_id, &line(line_id), |view, _| decide::open_line(view, &opening)).await
            }
            What::LineEnded { account_id, line_id } => self.write(&account_id, &line(line_id), decide::end_line).await,
            What::SimChanged { account_id, line_id, iccid, eid, authorization_id } => {
                let report = Report::SimChanged { sim: NewSim { iccid, eid }, authorization: authorization_id };
                self.write(&account_id, &line(line_id), |view, ctx| decide::report(view, &report, effect, ctx)).await
            }
            What::ChangeDone { account_id, change_id, authorization_id, msisdn } => {
                let subject = change_id.subject().clone();
                let report = Report::Done { change: change_id, authorization: authorization_id, msisdn };
                self.write(&account_id, &subject, |view, ctx| decide::report(view, &report, effect, ctx)).await
            }
            What::FraudRemedied { account_id, case_id, line, change } => {
                let what = match (line, change) {
                    (Some(line), None) => Concerned::Line(line),
                    (None, Some(change)) => Concerned::Change(change),
                    (None, None) | (Some(_), Some(_)) => {
                        return Err(Failure::reject("malformed", "name either the `line` or the `change` that was put back"));
                    }
                };
                let decide = |view: &View, ctx: decide::Context<'_>| decide::record_remedy(view, case_id, &what, effect, ctx);
                self.write(&account_id, &Subject::Account, decide).await
            }
            What::ChangeFailed { account_id, change_id, authorization_id, reason: _ } => {
                let subject = change_id.subject().clone();
                let report = Report::Failed { change: change_id, authorization: authorization_id };
                self.write(&account_id, &subject, |view, ctx| decide::report(view, &report, effect, ctx)).await
            }
        }
    }

    async fn write(
        &self,
        account: &AccountId,
        subject: &Subject,
        decide: impl Fn(&View, decide::Context<'_>) -> Result<Draft, decide::Denied>,
    ) -> Result<(), Failure> {
        let view = self.shell.store.read(account, subject).await?;
        self.shell.command(&owner(account, subject), &Actor::Provisioning, view, decide).await?;
        Ok(())
    }
}

const fn line(id: LineId) -> Subject {
    Subject::Line(id)
}
