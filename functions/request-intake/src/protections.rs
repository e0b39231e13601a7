//! Protections: switched on here, free and at once. Switching one off is a change.

use linekeeper_domain::change::Actor;
use linekeeper_domain::decide::{self, ProtectionOn};
use linekeeper_domain::ids::{LineId, Subject};
use linekeeper_domain::kinds::{Mode, Protection};
use linekeeper_platform::http::{Reply, Request};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::shell::owner;
use serde::{Deserialize, Serialize};

use crate::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    protection: Protection,
    #[serde(default = "block")]
    mode: Mode,
    line_id: Option<String>,
}

const fn block() -> Mode {
    Mode::Block
}

/// What is on now.
#[derive(Serialize)]
struct On {
    protection: Protection,
    mode: Mode,
    message: &'static str,
}

impl App {
    pub(crate) async fn protect(&self, request: &Request) -> Result<Reply, Problem> {
        let account = self.door.identity.caller(request)?.account(request)?;
        let wish: Wish = request.json()?;
        let subject = match wish.line_id {
            None => Subject::Account,
            Some(id) => Subject::Line(LineId::parse(&id).map_err(|_| ProblemKind::NotFound)?),
        };
        let actor = Actor::Customer;
        let on = ProtectionOn { subject: subject.clone(), protection: wish.protection, mode: wish.mode, actor: actor.clone() };
        let view = self.shell.store.read(&account, &subject).await?;
        let outcome =
            self.shell.command(&owner(&account, &subject), &actor, view, |view, ctx| decide::protect(view, &on, ctx)).await?;
        let protections = match &subject {
            Subject::Account => outcome.view.account.as_ref().map(|account| &account.state.protections),
            Subject::Line(_) => outcome.view.line.as_ref().map(|line| &line.state.protections),
        };
        let mode = protections.and_then(|on| on.0.get(&wish.protection)).copied().unwrap_or(wish.mode);
        let message = "It is on. Only the customer can switch it off, in the app.";
        Reply::json(200, &On { protection: wish.protection, mode, message })
    }
}
