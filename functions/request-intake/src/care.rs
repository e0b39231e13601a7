//! Who of the care desk talks to her, or says so: she opens the wall, or shuts it.

use linekeeper_domain::change::{Actor, Details};
use linekeeper_domain::decide::{self, Said};
use linekeeper_domain::desk::{CareContact, Field, Purpose, Shut, Wall};
use linekeeper_domain::ids::{AccountId, CareContactId, LineId, PlaceId, Subject};
use linekeeper_domain::kinds::Channel;
use linekeeper_domain::signals::DeviceProof;
use linekeeper_platform::http::{Reply, Request};
use linekeeper_platform::problem::{Problem, ProblemKind};
use linekeeper_platform::shell::owner;
use serde::{Deserialize, Serialize};

use crate::App;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Heard {
    /// The number that the representative says.
    number: u32,
}

#[derive(Serialize)]
struct CareView {
    contacts: Vec<AskedView>,
}

/// A contact as the customer sees it. The number is not in it: she hears it.
#[derive(Serialize)]
struct AskedView {
    contact_id: CareContactId,
    /// The representative's name.
    by: String,
    /// Their store or team.
    place: PlaceId,
    channel: Channel,
    purpose: Purpose,
    line_id: LineId,
    opened_at: String,
    expires_at: String,
    wall: &'static str,
    /// What they see once it is open.
    will_see: &'static [Field],
    /// What they have seen.
    has_seen: Vec<Field>,
    /// What they wrote down, for her to ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    prepared: Option<PreparedView>,
}

#[derive(Serialize)]
struct PreparedView {
    #[serde(flatten)]
    details: Details,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_id: Option<LineId>,
}

impl AskedView {
    fn of(contact: &CareContact) -> Self {
        let prepared = contact.prepared.as_deref().map(|prepared| PreparedView {
            details: prepared.details.clone(),
            line_id: match &prepared.subject {
                Subject::Line(id) => Some(id.clone()),
                Subject::Account => None,
            },
        });
        Self {
            contact_id: contact.id.clone(),
            by: contact.staff.name.as_str().to_owned(),
            place: contact.staff.place.clone(),
            channel: contact.staff.channel,
            purpose: contact.purpose,
            line_id: contact.line.clone(),
            opened_at: contact.opened_at.to_string(),
            expires_at: contact.expires_at.to_string(),
            wall: contact.wall.word(),
            will_see: contact.purpose.shows(),
            has_seen: contact.viewed.clone(),
            prepared,
        }
    }
}

impl App {
    pub(crate) async fn care(&self, request: &Request) -> Result<Reply, Problem> {
        let now = self.shell.clock.now();
        let customer = self.door.customer(request, now)?;
        let view = self.shell.store.read(&customer.account, &Subject::Account).await?;
        let desk = &view.account.as_ref().ok_or(ProblemKind::NotFound)?.state.desk;
        Reply::json(200, &CareView { contacts: desk.contacts.iter().map(AskedView::of).collect() })
    }

    pub(crate) async fn open_wall(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let customer = self.door.customer(request, self.shell.clock.now())?;
        let Heard { number } = request.json()?;
        let (contact, written) = self.answer_care(&customer.account, customer.key.as_ref(), id, Said::Number(number)).await?;
        match contact.wall {
            Wall::Shut(Shut::WrongNumber) if written => {
                let what_to_do = "That is not the number on their screen. This contact stays shut; they can begin another one.";
                Err(Problem::new(ProblemKind::NumberWrong, what_to_do))
            }
            Wall::Sealed | Wall::Open | Wall::Shut(_) => Reply::json(200, &AskedView::of(&contact)),
        }
    }

    /// She talks to nobody: always possible, and with no proof of a key, like stopping anything else.
    pub(crate) async fn shut_wall(&self, request: &Request, id: &str) -> Result<Reply, Problem> {
        let caller = self.door.identity.caller(request)?;
        let account = caller.account(request)?;
        let (contact, _) = self.answer_care(&account, None, id, Said::NotMe).await?;
        Reply::json(200, &AskedView::of(&contact))
    }

    async fn answer_care(
        &self,
        account: &AccountId,
        key: Option<&DeviceProof>,
        id: &str,
        said: Said,
    ) -> Result<(CareContact, bool), Problem> {
        let id = CareContactId::parse(id).map_err(|_| ProblemKind::NotFound)?;
        let view = self.shell.store.read(account, &Subject::Account).await?;
        let answer = |view: &_, ctx: decide::Context<'_>| {
            let mut draft = decide::answer_contact(view, &id, said, ctx)?;
            draft.quotas.extend(key.map(decide::spent));
            Ok(draft)
        };
        let outcome = self.shell.command(&owner(account, &Subject::Account), &Actor::Customer, view, answer).await?;
        let contact = outcome.view.account.as_ref().and_then(|account| account.state.desk.contact(&id));
        Ok((contact.ok_or(ProblemKind::NotFound)?.clone(), outcome.written.is_some()))
    }
}
