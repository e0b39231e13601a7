//! What the ledger shows: a lock of a whole account takes back the ports of its lines, and the monitor watches.

use aws_lambda_events::event::dynamodb::Event as StreamEvent;
use linekeeper_domain::change::Actor;
use linekeeper_domain::decide;
use linekeeper_domain::ids::{ChangeId, Subject};
use linekeeper_domain::kinds::ChangeKind;
use linekeeper_domain::ledger::{Entry, Event};
use linekeeper_domain::state::View;
use linekeeper_platform::batch;
use linekeeper_platform::shell::{Failure, owner};
use linekeeper_platform::store::Error;

use crate::App;

impl<D: batch::DeadLetters> App<D> {
    /// Handles entries in order and stops at the first that fails: the stream brings it again.
    pub(crate) async fn follow(&self, event: &StreamEvent) -> Result<(), Failure> {
        let mut entries = Vec::new();
        for record in &event.records {
            let image = record.change.new_image.clone().into_inner();
            let Some(serde_dynamo::AttributeValue::S(json)) = image.get("entry") else { continue };
            let entry: Entry = serde_json::from_str(json).map_err(|_| Error::Corrupt("a ledger entry cannot be read"))?;
            if locks_lines(&entry) {
                self.take_back(&entry).await?;
            }
            entries.push(entry);
        }
        self.watch().entries(&entries).await
    }

    /// The lines' own ledgers say nothing of a lock of the account: whoever is on the way out is looked at.
    async fn take_back(&self, entry: &Entry) -> Result<(), Failure> {
        let account = &entry.owner.account_id;
        let whole = self.shell.store.read_whole(account).await?;
        let now = self.shell.clock.now();
        for line in &whole.lines {
            let ports = line.state.book.open(now).filter(|change| change.kind() == ChangeKind::PortOut);
            let ports: Vec<ChangeId> = ports.map(|change| change.id.clone()).collect();
            for id in ports {
                let subject = Subject::Line(line.state.id.clone());
                let again = |view: &View, ctx: decide::Context<'_>| Ok(decide::recheck(view, &id, ctx).unwrap_or_default());
                self.shell.command(&owner(account, &subject), &Actor::System, whole.view(&subject), again).await?;
            }
        }
        Ok(())
    }
}

/// Whether an entry of an account forbids what its lines may be about to do.
fn locks_lines(entry: &Entry) -> bool {
    entry.owner.subject == Subject::Account
        && entry.events.iter().any(|event| match event {
            Event::ProtectionOn { protection, .. } => protection.covers(ChangeKind::PortOut),
            Event::AccountClosed => true,
            _ => false,
        })
}
