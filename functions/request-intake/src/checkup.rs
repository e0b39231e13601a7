//! The check-up: what protects her, what an attacker would need, what to do next, in one read.

use linekeeper_domain::checkup::{CheckUp, CheckUpView};
use linekeeper_domain::decide::Context;
use linekeeper_platform::http::{Reply, Request};
use linekeeper_platform::problem::{Problem, ProblemKind};

use crate::App;

impl App {
    pub(crate) async fn check_up(&self, request: &Request) -> Result<Reply, Problem> {
        let caller = self.door.identity.caller(request)?;
        let now = self.shell.clock.now();
        self.door.proof(request, now)?;
        let whole = self.shell.store.read_whole(&caller.account(request)?).await?;
        let account = whole.account.ok_or(ProblemKind::NotFound)?;
        let settings = &self.shell.settings;
        let checkup = CheckUp::of(&account, &whole.lines, &whole.profile, Context { now, settings });
        Reply::json(200, &CheckUpView::of(&checkup, account.state.locale, settings))
    }
}
