//! The care desk's door, for a carrier's CRM: representatives begin contacts, help, and see of a customer what she
//! opens ([`linekeeper_domain::desk`]).
//!
//! It never sends, signs, or touches codes: it cannot finish a change, lift or shorten a hold, switch a protection off
//! or change where notices go, because none of that is here to be asked for. What it writes is told by the ledger's
//! stream, like everything else.

mod changes;
mod contacts;
mod stops;

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use linekeeper_domain::change::Actor;
use linekeeper_domain::decide;
use linekeeper_domain::desk::{Act, CareContact, Staff};
use linekeeper_domain::ids::{AccountId, CareContactId, Subject};
use linekeeper_domain::state::View;
use linekeeper_platform::config::{Var, door};
use linekeeper_platform::door::Door;
use linekeeper_platform::http::{Reply, Request, misfit, serve};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::risk::Risk;
use linekeeper_platform::shell::Shell;
use linekeeper_platform::start;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What the function works with.
pub struct App {
    /// Store, settings, clock, randomness.
    pub shell: Shell,
    /// Who calls.
    pub door: Door,
    /// What scores.
    pub risk: Arc<Risk>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("shell", &self.shell).finish_non_exhaustive()
    }
}

/// A contact that its own representative goes on with: everything that was read of it.
struct Attended {
    staff: Staff,
    id: CareContactId,
    account: AccountId,
    line: Subject,
    view: View,
    contact: CareContact,
}

impl App {
    /// The function over the real world.
    ///
    /// # Errors
    /// Where the configuration does not do.
    pub async fn start() -> Result<Self, start::Error> {
        let config = start::configure(env!("CARGO_PKG_NAME"), &[Var::Issuer, Var::ProfileKey])?;
        let door = door(config.get(Var::Issuer), |name| std::env::var(name).ok())?;
        let aws = start::aws().await?;
        Ok(Self { shell: start::shell(&config, &aws), door, risk: Arc::new(start::risk(&config, &aws)) })
    }

    /// Answers one request.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        serve(event, async |request| self.route(&request).await).await
    }

    async fn route(&self, request: &Request) -> Result<Reply, Problem> {
        match (request.method(), request.path().as_slice()) {
            ("POST", ["desk", "contacts"]) => self.begin(request).await,
            ("GET", ["desk", "contacts", id]) => self.stands(request, id).await,
            ("POST", ["desk", "contacts", id, "view"]) => self.look(request, id).await,
            ("POST", ["desk", "contacts", id, "end"]) => self.end(request, id).await,
            ("POST", ["desk", "contacts", id, "stop"]) => self.stop(request, id).await,
            ("POST", ["desk", "contacts", id, "report"]) => self.report(request, id).await,
            ("PUT", ["desk", "contacts", id, "protections"]) => self.protect(request, id).await,
            ("POST", ["desk", "contacts", id, "prepare"]) => self.prepare(request, id).await,
            ("POST", ["desk", "contacts", id, "changes"]) => self.ask(request, id).await,
            ("POST", ["desk", "contacts", id, "check"]) => self.check(request, id).await,
            (_, ["desk", "contacts", _]) => Err(Problem::method_not_allowed("GET")),
            (_, ["desk", "contacts", _, "protections"]) => Err(Problem::method_not_allowed("PUT")),
            (
                _,
                ["desk", "contacts"]
                | ["desk", "contacts", _, "view" | "end" | "stop" | "report" | "prepare" | "changes" | "check"],
            ) => Err(Problem::method_not_allowed("POST")),
            _ => Err(ProblemKind::NotFound.into()),
        }
    }

    /// The member of staff who calls, where their role is there for that.
    fn staff(&self, request: &Request, act: Act) -> Result<(Staff, bool), Problem> {
        let (staff, inbound) = self.door.identity.staff(request)?;
        if staff.role.may(act) { Ok((staff, inbound)) } else { Err(ProblemKind::Forbidden.into()) }
    }

    /// The contact that a request goes on with. Another's, an unknown one and no id look the same.
    async fn attended(&self, request: &Request, id: &str, act: Act) -> Result<Attended, Problem> {
        let (staff, _) = self.staff(request, act)?;
        let id = CareContactId::parse(id).map_err(|_| ProblemKind::NotFound)?;
        let (account, line) = self.shell.store.find_contact(&id).await?.ok_or(ProblemKind::NotFound)?;
        let line = Subject::Line(line);
        let view = self.shell.store.read(&account, &line).await?;
        let contact = decide::attended(&view, &id, &staff, self.shell.context())?.clone();
        Ok(Attended { staff, id, account, line, view, contact })
    }
}

/// A body that is an object. Without this, `[]` would pass for one whose members can all be left out.
fn object<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let body: Map<String, Value> = request.json()?;
    serde_json::from_value(Value::Object(body)).map_err(|error| Problem::new(ProblemKind::Malformed, misfit(&error)))
}

impl Attended {
    fn actor(&self) -> Actor {
        Actor::Representative(self.staff.id.clone())
    }
}
