//! Changes that staff have a hand in: written down for the customer, asked for in a store, checked by a second person.

use linekeeper_domain::change::Details;
use linekeeper_domain::decide::{self, Ask, Denied};
use linekeeper_domain::desk::{Act, DeskChange, DocumentKind, StoreVisit, Wall};
use linekeeper_domain::ids::{ChangeId, LineId, Subject};
use linekeeper_domain::kinds::{ChangeKind, Channel, Protection, Reason, Status};
use linekeeper_domain::risk::KeyShown;
use linekeeper_domain::signals::RequestSignals;
use linekeeper_domain::state::View;
use linekeeper_domain::words;
use linekeeper_platform::http::{Reply, Request, misfit};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::risk;
use linekeeper_platform::shell::{Failure, owner};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{App, Attended};

/// What a refusal in a store says before the wall is open.
const NOT_HERE: &str = "It cannot be done here. The customer sees more in the app, and in what we tell them.";

#[derive(Serialize)]
struct PreparedView {
    prepared: ChangeKind,
    message: &'static str,
}

impl App {
    /// Written down, and no more: the customer asks for it in the app.
    pub(crate) async fn prepare(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let body: Map<String, Value> = request.json()?;
        let attended = self.attended(request, id, Act::Prepare).await?;
        let (details, subject) = wanted(body, &attended.line)?;
        let actor = attended.actor();
        let Attended { staff, id, account, view, .. } = attended;
        let prepare = |view: &_, ctx: decide::Context<'_>| decide::prepare(view, &id, &staff, &details, &subject, ctx);
        self.shell.command(&owner(&account, &Subject::Account), &actor, view, prepare).await?;
        let message = "The customer finds it in the app, and asks for it there. Nothing happens before that.";
        Reply::json(201, &PreparedView { prepared: details.kind(), message })
    }

    /// Asked for at the desk itself: by phone, chat and e-mail the policy refuses, whoever asks, and the customer is
    /// told. In a store it needs a document, and then what the policy says.
    pub(crate) async fn ask(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let mut body: Map<String, Value> = request.json()?;
        let key = request.idempotency_key()?;
        let attended = self.attended(request, id, Act::Ask).await?;
        let document = body.remove("document").map(serde_json::from_value::<DocumentKind>).transpose();
        let document = document.map_err(|_| Problem::new(ProblemKind::Malformed, "`document` must name a kind of document."))?;
        let (details, subject) = wanted(body, &attended.line)?;
        let staff = attended.staff.clone();
        let store = match (staff.channel, document) {
            (Channel::Store, None) => {
                return Err(Problem::new(ProblemKind::Malformed, "In a store, look at an identity document: `document`."));
            }
            // Whoever can be the second person can be the first.
            (Channel::Store, Some(_)) if !staff.role.may(Act::Check) => return Err(ProblemKind::Forbidden.into()),
            (Channel::Store, Some(document)) => Some(Box::new(StoreVisit { document, maker: staff.clone(), checker: None })),
            (Channel::Pwa | Channel::Chat | Channel::Email | Channel::Phone | Channel::Porting, _) => None,
        };
        let actor = attended.actor();
        // A key of staff's own: it can never stand for one of the customer's.
        let id = ChangeId::derive(&attended.account, subject.clone(), &format!("desk {} {key}", staff.id));
        let signals = RequestSignals::default();
        let ask = Ask { id: id.clone(), details, actor: actor.clone(), channel: staff.channel, signals, key: None, store };

        let scorer = self.risk.scorer().await;
        let meets =
            scorer.meets(&attended.account, &ask.asked(KeyShown::default()).seen(&View::default(), self.shell.clock.now()));
        let view = self.shell.store.read_with(&attended.account, &attended.line, &meets).await?;
        let request = |view: &_, ctx: decide::Context<'_>| decide::request(view, &ask, scorer, ctx);
        // What is so, and what is wrong with it, is behind the wall; by phone, chat and e-mail there is nothing to know.
        let sealed = attended.contact.wall != Wall::Open;
        let refused = |told: &str| Problem::new(ProblemKind::Refused, told);
        let here = if staff.channel == Channel::Store { NOT_HERE } else { words::what_to_do(Some(Reason::UseTheApp)) };
        let outcome = match self.shell.command(&owner(&attended.account, &subject), &actor, view, request).await {
            Ok(outcome) => outcome,
            Err(Failure::Denied(denied)) if sealed && !matches!(denied, Denied::KeyReused | Denied::Forbidden) => {
                return Err(refused(here));
            }
            Err(failure) => return Err(failure.into()),
        };
        let change = outcome.view.change(&id).ok_or(ProblemKind::TryAgain)?;
        if outcome.written.is_some() {
            risk::count(&change.decision, staff.channel);
        }
        if change.status(self.shell.clock.now()) == Status::Refused {
            let told = if sealed { here } else { words::what_to_do(change.need.refused) };
            return Err(refused(told));
        }
        let status = if outcome.written.is_some() { 201 } else { 200 };
        Reply::json(status, &DeskChange::of(change, &attended.contact, self.shell.clock.now()))
    }

    /// The second person at the change that their store asked for, in a contact of their own about the same line.
    pub(crate) async fn check(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let attended = self.attended(request, id, Act::Check).await?;
        if attended.staff.channel != Channel::Store {
            return Err(Denied::Forbidden.into());
        }
        let change = decide::unchecked(&attended.view, &attended.line, self.shell.context()).ok_or(ProblemKind::NotFound)?;
        let actor = attended.actor();
        let Attended { staff, account, line, view, contact, .. } = attended;
        let check = |view: &_, ctx: decide::Context<'_>| decide::check(view, &change, &staff, ctx);
        let outcome = self.shell.command(&owner(&account, &line), &actor, view, check).await?;
        let change = outcome.view.change(&change).ok_or(ProblemKind::TryAgain)?;
        Reply::json(200, &DeskChange::of(change, &contact, self.shell.clock.now()))
    }
}

/// What a body asks for, about the line of the contact or its account.
fn wanted(body: Map<String, Value>, line: &Subject) -> Result<(Details, Subject), Problem> {
    let malformed = |detail: &str| Problem::new(ProblemKind::Malformed, detail);
    let kind = body.get("kind").cloned().and_then(|kind| serde_json::from_value::<ChangeKind>(kind).ok());
    let kind = kind.ok_or_else(|| malformed("`kind` must name a kind of change."))?;
    if kind == ChangeKind::PortOut {
        return Err(Problem::new(ProblemKind::KindNotOffered, "A port is asked for by the carrier that gains the number."));
    }
    let details: Details = serde_json::from_value(Value::Object(body)).map_err(|error| malformed(&misfit(&error)))?;
    let lockdown = matches!(details, Details::ProtectionOff { protection: Protection::AccountLockdown });
    let of_line: Option<LineId> = match line {
        Subject::Line(id) if kind.is_about_a_line() || (kind == ChangeKind::ProtectionOff && !lockdown) => Some(id.clone()),
        Subject::Line(_) | Subject::Account => None,
    };
    let subject = details.subject(of_line).map_err(|error| malformed(&error.to_string()))?;
    Ok((details, subject))
}
