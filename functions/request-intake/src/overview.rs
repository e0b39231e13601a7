//! What a customer has: lines, protections, ways to be reached.

use linekeeper_domain::factors::{Credential, Enrolled};
use linekeeper_domain::ids::{AccountId, ContactId, FactorId, LineId};
use linekeeper_domain::kinds::Enrollable;
use linekeeper_domain::state::Protections;
use linekeeper_domain::time::Timestamp;
use linekeeper_platform::http::{Reply, Request};
use linekeeper_platform::problem::{Problem, ProblemKind};
use serde::Serialize;

use crate::App;

#[derive(Serialize)]
struct Overview {
    account_id: AccountId,
    protections: Protections,
    contacts: Vec<ContactView>,
    factors: Vec<EnrolledView>,
    lines: Vec<LineView>,
}

#[derive(Serialize)]
struct ContactView {
    id: ContactId,
    address: String,
}

/// A factor that she enrolled.
#[derive(Serialize)]
struct EnrolledView {
    id: FactorId,
    factor: Enrollable,
    added_at: String,
    /// From when on it proves something; nothing where it does already.
    #[serde(skip_serializing_if = "Option::is_none")]
    ripe_at: Option<String>,
    /// How many recovery codes are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<usize>,
}

fn enrolled(known: &Enrolled, now: Timestamp) -> EnrolledView {
    EnrolledView {
        id: known.id.clone(),
        factor: known.credential.kind(),
        added_at: known.added_at.to_string(),
        ripe_at: (known.ripe_at > now).then(|| known.ripe_at.to_string()),
        left: match &known.credential {
            Credential::RecoveryCode(set) => Some(set.left()),
            Credential::Passkey(_) | Credential::Totp(_) | Credential::DeviceKey(_) => None,
        },
    }
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
        let account = self.door.identity.caller(request)?.account(request)?;
        let now = self.shell.clock.now();
        self.door.proof(request, now)?;
        let whole = self.shell.store.read_whole(&account).await?;
        let account = whole.account.ok_or(ProblemKind::NotFound)?.state;
        let held = account.contacts.iter().filter(|contact| contact.removed_at.is_none());
        let contacts = held.map(|contact| ContactView { id: contact.id.clone(), address: contact.address.masked() }).collect();
        let factors = account.factors.iter().map(|known| enrolled(known, now)).collect();
        let lines = whole.lines.into_iter().filter(|line| line.state.ended_at.is_none()).map(|line| LineView {
            line_id: line.state.id,
            number: line.state.msisdn.masked(),
            sim: line.state.sim.iccid.masked(),
            protections: line.state.protections,
        });
        let (account_id, protections) = (account.id, account.protections);
        Reply::json(200, &Overview { account_id, protections, contacts, factors, lines: lines.collect() })
    }
}
