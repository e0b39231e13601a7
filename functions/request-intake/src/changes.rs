//! Changes: asked for, read, listed, stopped.

use linekeeper_domain::change::{Actor, Change, Decision, Details};
use linekeeper_domain::decide::{self, Ask};
use linekeeper_domain::ids::{ChangeId, LineId, Subject};
use linekeeper_domain::kinds::{ChangeKind, Channel, Status};
use linekeeper_domain::risk::KeyShown;
use linekeeper_domain::state::View;
use linekeeper_domain::view::ChangeView;
use linekeeper_domain::words;
use linekeeper_platform::http::{Reply, Request, misfit};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::risk;
use linekeeper_platform::shell::owner;
use linekeeper_platform::telemetry::{self, Metric};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::App;

/// A list of changes, as their requester sees them.
#[derive(Serialize)]
struct ChangeList {
    changes: Vec<ChangeView>,
}

impl App {
    pub(crate) async fn create(&self, request: &Request) -> Result<Reply, Problem> {
        let account = self.door.identity.caller(request)?.account(request)?;
        let key = request.idempotency_key()?;
        let (details, line) = wanted(request.json()?)?;
        let subject = details.subject(line).map_err(|error| Problem::new(ProblemKind::Malformed, error.to_string()))?;
        let id = ChangeId::derive(&account, subject.clone(), &key);
        let key = self.door.proof(request, self.shell.clock.now())?;
        let (actor, channel) = (Actor::Customer, Channel::Pwa);
        let signals = self.door.edge.signals(request);
        let ask = Ask { id: id.clone(), details, actor: actor.clone(), channel, signals, key, store: None };

        let scorer = self.risk.scorer().await;
        let meets = scorer.meets(&account, &ask.asked(KeyShown::default()).seen(&View::default(), self.shell.clock.now()));
        let view = self.shell.store.read_with(&account, &subject, &meets).await?;
        let owner = owner(&account, &subject);
        let outcome = self.shell.command(&owner, &actor, view, |view, ctx| decide::request(view, &ask, scorer, ctx)).await?;
        let change = outcome.view.change(&id).ok_or(ProblemKind::TryAgain)?;
        if outcome.written.is_some() {
            count(&change.decision, &ask);
        }
        let status = if outcome.written.is_some() { 201 } else { 200 };
        self.answer(status, change, &outcome.view)
    }

    pub(crate) async fn read(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let account = self.door.identity.caller(request)?.account(request)?;
        self.door.proof(request, self.shell.clock.now())?;
        let id = ChangeId::parse(id).map_err(|_| ProblemKind::NotFound)?;
        let view = self.shell.store.read(&account, id.subject()).await?;
        let change = view.change(&id).ok_or(ProblemKind::NotFound)?;
        Reply::json(200, &self.view(change, &view))
    }

    pub(crate) async fn list(&self, request: &Request) -> Result<Reply, Problem> {
        let account = self.door.identity.caller(request)?.account(request)?;
        self.door.proof(request, self.shell.clock.now())?;
        let whole = self.shell.store.read_whole(&account).await?;
        let lines = whole.lines.iter().map(|line| Subject::Line(line.state.id.clone()));
        let mut changes = Vec::new();
        for subject in std::iter::once(Subject::Account).chain(lines) {
            let view = whole.view(&subject);
            let book = view.book(&subject).map(|book| book.changes.values().collect::<Vec<_>>()).unwrap_or_default();
            changes.extend(book.into_iter().map(|change| self.view(change, &view)));
        }
        changes.sort_by(|a, b| b.requested_at.cmp(&a.requested_at));
        Reply::json(200, &ChangeList { changes })
    }

    /// Stops a change: whoever owns the account can, without any proof of a key.
    pub(crate) async fn cancel(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let account = self.door.identity.caller(request)?.account(request)?;
        let id = ChangeId::parse(id).map_err(|_| ProblemKind::NotFound)?;
        let view = self.shell.store.read(&account, id.subject()).await?;
        let owner = owner(&account, id.subject());
        let outcome = self.shell.command(&owner, &Actor::Customer, view, |view, ctx| decide::cancel(view, &id, ctx)).await?;
        let change = outcome.view.change(&id).ok_or(ProblemKind::NotFound)?;
        Reply::json(200, &self.view(change, &outcome.view))
    }

    /// A refusal is a problem that says what to do; anything else is the change.
    fn answer(&self, status: u16, change: &Change, view: &View) -> Result<Reply, Problem> {
        let now = self.shell.clock.now();
        if change.status(now) == Status::Refused {
            return Err(Problem::new(ProblemKind::Refused, words::what_to_do(change.need.refused)).about(change.id.as_str()));
        }
        let reply = Reply::json(status, &self.view(change, view))?;
        Ok(reply.with("location", &format!("/v1/changes/{}", change.id)))
    }

    fn view(&self, change: &Change, view: &View) -> ChangeView {
        ChangeView::of(change, view, self.shell.clock.now(), &self.shell.settings)
    }
}

/// What a fraud desk watches: decisions and scores, and signals that stay out. A header that gets lost looks like a wave of attacks.
fn count(decision: &Decision, ask: &Ask) {
    risk::count(decision, ask.channel);
    telemetry::count(Metric::Looked, "online");
    ask.signals.missing().for_each(|name| telemetry::count(Metric::Missing, name));
}

/// What a body asks for: the line it names, and the rest of it, which must fit its kind exactly.
fn wanted(mut body: Map<String, Value>) -> Result<(Details, Option<LineId>), Problem> {
    let malformed = |detail: &str| Problem::new(ProblemKind::Malformed, detail);
    let kind = body.get("kind").cloned().and_then(|kind| serde_json::from_value::<ChangeKind>(kind).ok());
    match kind {
        Some(ChangeKind::PortOut) => {
            return Err(Problem::new(ProblemKind::KindNotOffered, "A port is asked for by the carrier that gains the number."));
        }
        None => return Err(malformed("`kind` must name a kind of change.")),
        Some(_) => {}
    }
    let line = match body.remove("line_id") {
        None => None,
        // A malformed id and an unknown one look the same.
        Some(id) => Some(serde_json::from_value::<LineId>(id).map_err(|_| ProblemKind::NotFound)?),
    };
    let details = serde_json::from_value(Value::Object(body)).map_err(|error| malformed(&misfit(&error)))?;
    Ok((details, line))
}
