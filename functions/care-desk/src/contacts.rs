//! Contacts: begun, attended, looked through, ended.

use linekeeper_domain::change::Actor;
use linekeeper_domain::decide::{self, Beginning, Denied};
use linekeeper_domain::desk::{Act, CareContact, Field, Insider, Purpose};
use linekeeper_domain::ids::{CareContactId, Subject};
use linekeeper_domain::numbers::Msisdn;
use linekeeper_platform::http::{Reply, Request};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::shell::{Failure, owner};
use serde::{Deserialize, Serialize};

use crate::{App, Attended, object};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    /// What the customer says that her number is.
    number: String,
    purpose: Purpose,
}

/// A contact as its representative sees it: nothing of the customer.
#[derive(Serialize)]
struct ContactView {
    contact_id: CareContactId,
    purpose: Purpose,
    wall: &'static str,
    expires_at: String,
    /// The number to say to the customer, as two digits.
    say: String,
    /// What an open wall shows.
    shows: &'static [Field],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Look {
    /// All that the purpose shows, where none is named.
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Ended {
    ended: bool,
}

impl ContactView {
    fn of(contact: &CareContact) -> Self {
        Self {
            contact_id: contact.id.clone(),
            purpose: contact.purpose,
            wall: contact.wall.word(),
            expires_at: contact.expires_at.to_string(),
            say: format!("{:02}", contact.number),
            shows: contact.purpose.shows(),
        }
    }
}

impl App {
    /// A line that is there gives a contact, and says no more than that it is there. One that is not, that has ended and
    /// what is no number look the same.
    pub(crate) async fn begin(&self, request: &Request) -> Result<Reply, Problem> {
        let (staff, inbound) = self.staff(request, Act::Open)?;
        let begin: Begin = request.json()?;
        let number = Msisdn::parse(&begin.number).map_err(|_| ProblemKind::NotFound)?;
        let (account, line) = self.shell.store.find_number(&number).await?.ok_or(ProblemKind::NotFound)?;
        let subject = Subject::Line(line.clone());
        let view = self.shell.store.read(&account, &subject).await?;
        let has_number = view.line.as_ref().is_some_and(|line| line.state.msisdn == number);
        if !has_number {
            return Err(ProblemKind::NotFound.into());
        }
        let id = self.shell.entropy.contact().ok_or(ProblemKind::Internal)?;
        let actor = Actor::Representative(staff.id.clone());
        let number = self.shell.entropy.contact_number();
        let beginning = Beginning { id: id.clone(), line, staff, purpose: begin.purpose, inbound, number };
        let begin = |view: &_, ctx: decide::Context<'_>| decide::begin(view, &beginning, ctx);
        let owner = owner(&account, &Subject::Account);
        let outcome = match self.shell.command(&owner, &actor, view.clone(), begin).await {
            Ok(outcome) => outcome,
            Err(Failure::Denied(Denied::TooManyRequests)) => {
                let insider = if inbound { Insider::TooManyContacts } else { Insider::Uninvited };
                let alarm = |view: &_, ctx: decide::Context<'_>| decide::alarm(view, insider, &beginning.staff, ctx);
                match self.shell.command(&owner, &actor, view, alarm).await {
                    Ok(_) | Err(Failure::Denied(_)) => {}
                    Err(failure) => return Err(failure.into()),
                }
                return Err(Denied::TooManyRequests.into());
            }
            Err(failure) => return Err(failure.into()),
        };
        let contact = outcome.view.account.as_ref().and_then(|account| account.state.desk.contact(&id));
        Reply::json(201, &ContactView::of(contact.ok_or(ProblemKind::TryAgain)?))
    }

    pub(crate) async fn stands(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let attended = self.attended(request, id, Act::Attend).await?;
        Reply::json(200, &ContactView::of(&attended.contact))
    }

    /// Recorded first, then shown: what was seen and not recorded does not exist.
    pub(crate) async fn look(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let look: Look = object(request)?;
        let attended = self.attended(request, id, Act::View).await?;
        let mut fields = match look.fields.is_empty() {
            true => attended.contact.purpose.shows().to_vec(),
            false => look.fields,
        };
        fields.sort();
        fields.dedup();
        let actor = attended.actor();
        let Attended { staff, id, account, view, .. } = attended;
        let viewed = |view: &_, ctx: decide::Context<'_>| decide::viewed(view, &id, &staff, &fields, ctx);
        let outcome = self.shell.command(&owner(&account, &Subject::Account), &actor, view, viewed).await?;
        Reply::json(200, &decide::seen(&outcome.view, &id, &staff, &fields, self.shell.context())?)
    }

    pub(crate) async fn end(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let attended = self.attended(request, id, Act::Attend).await?;
        let actor = attended.actor();
        let Attended { staff, id, account, view, .. } = attended;
        let end = |view: &_, ctx: decide::Context<'_>| decide::end_contact(view, &id, &staff, ctx);
        self.shell.command(&owner(&account, &Subject::Account), &actor, view, end).await?;
        Reply::json(200, &Ended { ended: true })
    }
}
