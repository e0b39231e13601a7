//! "Something is wrong": the customer reports fraud. It freezes the account and opens a case; it asks for no proof of a
//! device's key and is never throttled by what was asked for before.

use linekeeper_domain::change::Actor;
use linekeeper_domain::decide::{self, ReportFraud};
use linekeeper_domain::fraud::{CaseId, Concerned, Through};
use linekeeper_domain::ids::{ChangeId, ContactId, FactorId, LineId, Subject};
use linekeeper_platform::http::{Reply, Request};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::shell::owner;
use serde::{Deserialize, Serialize};

use crate::App;

/// What she says is not hers, or in danger. Nothing named: the whole account.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    #[serde(default)]
    lines: Option<Vec<String>>,
    #[serde(default)]
    changes: Option<Vec<String>>,
    #[serde(default)]
    factors: Option<Vec<String>>,
    #[serde(default)]
    contacts: Option<Vec<String>>,
    #[serde(default)]
    phone_lost: Option<bool>,
}

#[derive(Serialize)]
struct Reported {
    /// The case; nothing where all that is named was in one that is closed and forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    case_id: Option<CaseId>,
    locked: bool,
    message: &'static str,
}

impl Report {
    /// Whether a body says anything: `{}` is more likely an error than an alarm.
    const fn is_empty(&self) -> bool {
        self.lines.is_none()
            && self.changes.is_none()
            && self.factors.is_none()
            && self.contacts.is_none()
            && self.phone_lost.is_none()
    }

    /// A malformed id and an unknown one look the same.
    fn named(self) -> Result<Vec<Concerned>, Problem> {
        let lines = self.lines.into_iter().flatten().map(|id| LineId::parse(&id).map(Concerned::Line));
        let changes = self.changes.into_iter().flatten().map(|id| ChangeId::parse(&id).map(Concerned::Change));
        let factors = self.factors.into_iter().flatten().map(|id| FactorId::parse(&id).map(Concerned::Factor));
        let contacts = self.contacts.into_iter().flatten().map(|id| ContactId::parse(&id).map(Concerned::Contact));
        let all = lines.chain(changes).chain(factors).chain(contacts);
        all.collect::<Result<_, _>>().map_err(|_| ProblemKind::NotFound.into())
    }
}

impl App {
    pub(crate) async fn report_fraud(&self, request: &Request) -> Result<Reply, Problem> {
        let caller = self.door.identity.caller(request)?;
        let id = caller.account(request)?;
        let body: Report = request.json()?;
        if body.is_empty() {
            return Err(Problem::new(
                ProblemKind::Malformed,
                "Name what it is about, or an empty list of `lines` for everything.",
            ));
        }
        let phone_lost = body.phone_lost.unwrap_or(false);
        let named = body.named()?;

        let whole = self.shell.store.read_whole(&id).await?;
        let account = &whole.account.as_ref().ok_or(ProblemKind::NotFound)?.state;
        let report = ReportFraud::naming(account, &whole.lines, &named, Through::App, phone_lost)?;
        // The first write freezes the account: from then on nothing goes through. The others stop what is frozen.
        let lines = whole.lines.iter().map(|line| Subject::Line(line.state.id.clone()));
        let mut subjects: Vec<Subject> = lines.filter(|line| report.is_about(line)).collect();
        if subjects.is_empty() {
            subjects.push(Subject::Account);
        }
        let mut frozen = whole.account.clone();
        for subject in subjects {
            let mut view = whole.view(&subject);
            view.account.clone_from(&frozen);
            let decide = |view: &_, ctx: decide::Context<'_>| decide::report_fraud(view, &report, ctx);
            frozen = self.shell.command(&owner(&id, &subject), &Actor::Customer, view, decide).await?.view.account;
        }
        let case = frozen.as_ref().and_then(|account| account.state.open_case().or(account.state.cases.last()));
        let message =
            "Account Lockdown is on: nothing can be changed until you switch it off in the app. Change your password now.";
        Reply::json(200, &Reported { case_id: case.map(|case| case.id), locked: true, message })
    }
}
