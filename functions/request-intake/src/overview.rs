//! What a customer has: lines, protections, ways to be reached.

use linekeeper_domain::ids::{AccountId, ContactId, LineId};
use linekeeper_domain::state::Protections;
use linekeeper_platform::http::{Reply, Request};
use linekeeper_platform::problem::{Problem, ProblemKind};
use serde::Serialize;

use crate::{App, customers_only};

#[derive(Serialize)]
struct Overview {
    account_id: AccountId,
    protections: Protections,
    contacts: Vec<ContactView>,
    lines: Vec<LineView>,
}

#[derive(Serialize)]
struct ContactView {
    id: ContactId,
    address: String,
}

#[derive(Serialize)]
struct LineView {
    line_id: LineId,
    number: String,
    sim: String,
    protections: Protections,
}

impl App {
    pub(crate) async fn overview(&self, request: &Request) -> Result<Reply, Problem> {
        let caller = self.identity.caller(request)?;
        customers_only(&caller)?;
        let whole = self.shell.store.read_whole(&caller.account(request)?).await?;
        let account = whole.account.ok_or(ProblemKind::NotFound)?.state;
        let held = account.contacts.iter().filter(|contact| contact.removed_at.is_none());
        let contacts = held.map(|contact| ContactView { id: contact.id.clone(), address: contact.address.masked() }).collect();
        let lines = whole.lines.into_iter().filter(|line| line.state.ended_at.is_none()).map(|line| LineView {
            line_id: line.state.id,
            number: line.state.msisdn.masked(),
            sim: line.state.sim.iccid.masked(),
            protections: line.state.protections,
        });
        Reply::json(200, &Overview { account_id: account.id, protections: account.protections, contacts, lines: lines.collect() })
    }
}
