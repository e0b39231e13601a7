//! What else happens to accounts and lines, as the topic `line-events` has it: a lock of a whole account takes back the
//! ports of its lines, and the monitor sees what a thief may have prepared.

use linekeeper_domain::change::Actor;
use linekeeper_domain::decide;
use linekeeper_domain::ids::{ChangeId, Subject};
use linekeeper_domain::kinds::ChangeKind;
use linekeeper_domain::ledger::EventName;
use linekeeper_domain::state::View;
use linekeeper_platform::batch::{self, Failure};
use linekeeper_platform::messages::LineEvent;
use linekeeper_platform::shell::owner;

use crate::App;

impl<D: batch::DeadLetters> App<D> {
    /// Follows one event. Its order among others does not matter: what counts is how the account stands now.
    pub(crate) async fn heard(&self, event: &LineEvent) -> Result<(), Failure> {
        let locks = event.events.iter().any(|name| matches!(name, EventName::ProtectionOn | EventName::AccountClosed));
        if event.line_id.is_none() && locks {
            self.take_back(event).await?;
        }
        Ok(self.watch().event(event).await?)
    }

    /// The lines' own ledgers say nothing of a lock of the account: whoever is on the way out is looked at.
    async fn take_back(&self, event: &LineEvent) -> Result<(), Failure> {
        let account = &event.account_id;
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
