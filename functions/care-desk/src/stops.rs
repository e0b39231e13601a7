//! What may never be hard: stopping, reporting fraud, and switching protections on. Works with the wall sealed, on the customer's word;
//! the answers say nothing of what was there.

use linekeeper_domain::decide::{self, Denied, ProtectionOn, ReportFraud};
use linekeeper_domain::desk::{Act, Wall};
use linekeeper_domain::fraud::{Concerned, Through};
use linekeeper_domain::ids::{ChangeId, Subject};
use linekeeper_domain::kinds::{Mode, Protection};
use linekeeper_platform::http::{Reply, Request};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::shell::{Failure, owner};
use serde::{Deserialize, Serialize};

use crate::{App, object};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stop {
    /// One that was seen behind the wall; everything that is under way where none is named.
    change_id: Option<String>,
}

#[derive(Serialize)]
struct Stopped {
    stopped: bool,
    message: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    /// Whether the phone is said to be out of the customer's hands.
    #[serde(default)]
    phone_lost: bool,
}

#[derive(Serialize)]
struct Reported {
    locked: bool,
    message: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    protection: Protection,
    /// For all lines of the account, and not for this one alone.
    #[serde(default)]
    all_lines: bool,
}

#[derive(Serialize)]
struct On {
    protection: Protection,
    message: &'static str,
}

impl App {
    pub(crate) async fn stop(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let stop: Stop = object(request)?;
        let attended = self.attended(request, id, Act::Stop).await?;
        let context = self.shell.context();
        let changes = match &stop.change_id {
            // Whether it is there is something to see.
            Some(_) if attended.contact.wall != Wall::Open => return Err(Denied::WallClosed.into()),
            Some(named) => {
                let named = ChangeId::parse(named).map_err(|_| ProblemKind::NotFound)?;
                attended.view.change(&named).ok_or(ProblemKind::NotFound)?;
                vec![named]
            }
            None => {
                let of = |subject| decide::under_way(&attended.view, subject, context);
                [of(&Subject::Account), of(&attended.line)].concat()
            }
        };
        let mut view = attended.view.clone();
        for change in changes {
            let owner = owner(&attended.account, change.subject());
            let cancel = |view: &_, ctx: decide::Context<'_>| decide::cancel(view, &change, ctx);
            match self.shell.command(&owner, &attended.actor(), view.clone(), cancel).await {
                Ok(outcome) => view = outcome.view,
                // It ended in the meantime: that is what was wished for, or nothing stops it any more.
                Err(Failure::Denied(Denied::ChangeClosed)) if stop.change_id.is_none() => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        let message = "What was under way for the line is stopped. The customer is told of each.";
        Reply::json(200, &Stopped { stopped: true, message })
    }

    /// Fraud on the contact's line. The case, and what is in it, is the customer's and the fraud desk's to know.
    pub(crate) async fn report(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let Report { phone_lost } = object(request)?;
        let attended = self.attended(request, id, Act::Report).await?;
        let actor = attended.actor();
        let account = &attended.view.account.as_ref().ok_or(ProblemKind::NotFound)?.state;
        let named = [Concerned::Line(attended.contact.line.clone())];
        let report = ReportFraud::naming(account, attended.view.line.as_slice(), &named, Through::Care, phone_lost)?;
        let decide = |view: &_, ctx: decide::Context<'_>| decide::report_fraud(view, &report, ctx);
        self.shell.command(&owner(&attended.account, &attended.line), &actor, attended.view, decide).await?;
        let message = "The account is locked, and the fraud desk has the case. The customer gets it in writing.";
        Reply::json(200, &Reported { locked: true, message })
    }

    /// Always in its strict form. Account Lockdown is the freeze.
    pub(crate) async fn protect(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let Wish { protection, all_lines } = object(request)?;
        let attended = self.attended(request, id, Act::Protect).await?;
        let subject = match all_lines || protection == Protection::AccountLockdown {
            true => Subject::Account,
            false => attended.line.clone(),
        };
        let actor = attended.actor();
        let on = ProtectionOn { subject: subject.clone(), protection, mode: Mode::Block, actor: actor.clone() };
        let protect = |view: &_, ctx: decide::Context<'_>| decide::protect(view, &on, ctx);
        self.shell.command(&owner(&attended.account, &subject), &actor, attended.view, protect).await?;
        Reply::json(200, &On { protection, message: "It is on. Only the customer can switch it off, in the app." })
    }
}
