//! The care desk: people who can help and cannot harm.
//!
//! A representative works within a *contact*: one conversation of one member of staff about one line, for one purpose,
//! a quarter of an hour long. Between them and the customer's data stands a *wall*:
//!
//! - **Sealed** (from the start): they see that the line exists, and nothing else. They can still stop what is under way
//!   and switch protections on, since that may never be harder than starting something (I7), and the answers to it say
//!   nothing of what was there.
//! - **Open**: the customer opened it, from her own signed-in app, for this contact. They see what [`Purpose::shows`], masked.
//! - **Shut**: she entered the wrong number, or said that she talks to nobody. This contact stays shut for good.
//!
//! How the wall opens. The app shows who asks (the name in the representative's token), where from, for what and what
//! they are about to see. The representative's screen shows a number of two digits; they say it, and the customer enters
//! it in the app. Why in this direction: a code that she reads out would be one more code that "an employee asks for",
//! which is the sentence that every code of ours warns of, and a representative could use it. The number is worth
//! nothing: it says which contact is meant, so that a tired customer cannot confirm one that she is not having
//! (NIST SP 800-63B-4 sec. 3, ASVS 6.6.4: no approve-only push). What authorizes is her session, and all that it
//! authorizes is that staff see less than the session itself shows. So a thief who relays the number between the desk
//! and the customer wins a masked number and three dates.
//!
//! Wrong numbers are counted on the account, whoever the representatives were; a success does not wipe them, a day does.
//! So are walls that nobody opened in their time or that she shut: they raise an alarm, and block nothing, or a stranger
//! could lock her out by calling.

use serde::{Deserialize, Serialize};

use crate::change::{Change, Details};
use crate::digest::Digest;
use crate::ids::{CareContactId, ChangeId, LineId, PlaceId, RepresentativeId, Subject};
use crate::kinds::{ChangeKind, Channel, Mode, Protection, Status, vocabulary};
use crate::state::{Account, Line};
use crate::time::{Span, Timestamp, Window};

/// How long a contact lives, and how long a wall stays open: 15 minutes.
pub const CONTACT_LIFE: Span = Span::minutes(15);
/// How many contacts of an account may run at a time; another one takes the place of the oldest
/// that is not open.
pub const OPEN_CONTACTS: usize = 3;
/// How many numbers of two digits there are.
pub const NUMBERS: u32 = 100;

vocabulary! {
    /// What a member of staff is. A higher role can never do more to a line: what differs is what they are there for.
    Role {
        /// Answers calls, chats and e-mails.
        Agent = "agent",
        /// Serves customers in a store.
        StoreAgent = "store_agent",
        /// Leads agents. Lifts nothing that they cannot.
        Supervisor = "supervisor",
        /// Works on fraud, without the customer: stops and freezes, and has nothing to look at here.
        FraudAnalyst = "fraud_analyst",
    }
}

vocabulary! {
    /// What a contact is about. It says what may be seen.
    Purpose {
        /// Where a change stands.
        Status = "status",
        /// To switch protections on.
        Protect = "protect",
        /// The customer wants something changed.
        Change = "change",
        /// The phone is out of her hands.
        LostPhone = "lost_phone",
        /// Something happened that was not her.
        Fraud = "fraud",
    }
}

vocabulary! {
    /// What staff may see of a line, each recorded when it is seen.
    Field {
        /// The number, masked.
        Number = "number",
        /// The protections that are on.
        Protections = "protections",
        /// Changes that are under way.
        OpenChanges = "open_changes",
        /// Changes that ended lately.
        PastChanges = "past_changes",
    }
}

vocabulary! {
    /// What staff can be asked to do. Every route of the desk is one of these.
    Act {
        /// Begin a contact.
        Open = "open",
        /// See whether the wall is open; end the contact.
        Attend = "attend",
        /// See fields.
        View = "view",
        /// Stop what is under way.
        Stop = "stop",
        /// Switch a protection on, freeze the account.
        Protect = "protect",
        /// Take a report of fraud.
        Report = "report",
        /// Prepare a change that the customer asks for herself, in the app.
        Prepare = "prepare",
        /// Ask for a change. By phone, chat and e-mail it is refused, whoever asks; in a store it needs a document.
        Ask = "ask",
        /// Be the second person at a store's change.
        Check = "check",
    }
}

vocabulary! {
    /// A document that says who someone is.
    DocumentKind {
        /// A passport.
        Passport = "passport",
        /// A national identity card.
        IdentityCard = "identity_card",
        /// A driving licence.
        DrivingLicence = "driving_licence",
    }
}

vocabulary! {
    /// Why a wall stays shut.
    Shut {
        /// The number was not the one on the representative's screen.
        WrongNumber = "wrong_number",
        /// The customer talks to nobody.
        NotMe = "not_me",
    }
}

vocabulary! {
    /// What the fraud desk is called for, about a member of staff. Their own supervisor is not told.
    Insider {
        /// Walls of one customer stayed closed again and again in a day, over all representatives.
        InVain = "in_vain",
        /// One representative begins more contacts than a day has.
        TooManyContacts = "too_many_contacts",
        /// One representative begins contacts that nobody called for.
        Uninvited = "uninvited",
    }
}

impl Role {
    /// Whether the role is there for an act.
    #[must_use]
    pub const fn may(self, act: Act) -> bool {
        match self {
            Self::Agent => !matches!(act, Act::Check),
            Self::StoreAgent | Self::Supervisor => true,
            Self::FraudAnalyst => matches!(act, Act::Open | Act::Attend | Act::Stop | Act::Protect | Act::Report),
        }
    }
}

impl Purpose {
    /// What an open wall shows for it.
    #[must_use]
    pub const fn shows(self) -> &'static [Field] {
        match self {
            Self::Status => &[Field::OpenChanges, Field::PastChanges],
            Self::Protect => &[Field::Number, Field::Protections],
            Self::Change | Self::LostPhone => &[Field::Number, Field::Protections, Field::OpenChanges],
            Self::Fraud => Field::ALL,
        }
    }
}

/// Why a text is no staff name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 24 letters, spaces, dots, hyphens and apostrophes")]
pub struct NameError;

/// The name of a member of staff as customers read it, from the token. Letters only: it goes into notices, and no one
/// shall write a link or a number into them by being called so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StaffName(String);

impl StaffName {
    /// Parses 1 to 24 letters of Latin, spaces, dots, hyphens and apostrophes.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let letter = |c: char| (c.is_alphabetic() && c < '\u{250}') || matches!(c, ' ' | '.' | '-' | '\'');
        let text = text.trim();
        match (1..=24).contains(&text.chars().count()) && text.chars().all(letter) && text.chars().any(char::is_alphabetic) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for StaffName {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<StaffName> for String {
    fn from(name: StaffName) -> Self {
        name.0
    }
}

/// A member of staff, as their token says. Two of them are two people where nothing below is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staff {
    /// Who.
    pub id: RepresentativeId,
    /// The name that customers read.
    pub name: StaffName,
    /// What they are.
    pub role: Role,
    /// How customers talk to them.
    pub channel: Channel,
    /// Their store or team.
    pub place: PlaceId,
    /// Their session, as a digest.
    pub session: String,
    /// The device that they work at, as a digest.
    pub device: String,
}

impl Staff {
    /// A session's or device's digest, which is all that is kept of it.
    #[must_use]
    pub fn mark(what: &str) -> String {
        Digest::of(&["linekeeper staff mark 1", what]).short().to_owned()
    }

    /// Whether the other one can be the second pair of eyes: another person, in a session and at a device of their own.
    #[must_use]
    pub fn is_another(&self, other: &Self) -> bool {
        self.id != other.id && self.session != other.session && self.device != other.device
    }
}

/// What stands between staff and the customer's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wall {
    /// Nobody has opened it.
    Sealed,
    /// The customer did.
    Open,
    /// It stays shut.
    Shut(Shut),
}

impl Wall {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Open => "open",
            Self::Shut(Shut::WrongNumber | Shut::NotMe) => "shut",
        }
    }
}

/// One conversation of one member of staff about one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CareContact {
    /// Its id.
    pub id: CareContactId,
    /// About which line.
    pub line: LineId,
    /// Whose.
    pub staff: Staff,
    /// What for.
    pub purpose: Purpose,
    /// Whether the customer called: the token names the conversation that was routed to the representative.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inbound: bool,
    /// What the representative says and the customer enters, 0 to 99. No secret: see the module.
    pub number: u32,
    /// Since when.
    pub opened_at: Timestamp,
    /// Until when: 15 minutes from its beginning, and from when the wall was opened.
    pub expires_at: Timestamp,
    /// The wall.
    pub wall: Wall,
    /// What was seen so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub viewed: Vec<Field>,
    /// What was prepared for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Box<Prepared>>,
}

/// A change that a representative wrote down for the customer. It does nothing: she asks for it herself in the app, and
/// then it is her change like any other, with her factors, waits and notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// What would be asked for.
    pub details: Details,
    /// About what.
    pub subject: Subject,
}

/// What an account keeps of the desk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    /// Contacts; those that are over are dropped when the next one begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<CareContact>,
    /// Wrong numbers of a day, over all representatives.
    #[serde(default, skip_serializing_if = "is_unused")]
    pub failures: Window,
    /// Walls of a day that nobody opened, or that she shut: someone else may be calling in her name. They alarm, and
    /// block nothing, or strangers could lock her out by calling.
    #[serde(default, skip_serializing_if = "is_unused")]
    pub unmet: Window,
}

fn within_a_day(window: Window, now: Timestamp) -> u32 {
    if now < window.since + Span::days(1) { window.count } else { 0 }
}

fn is_unused(window: &Window) -> bool {
    *window == Window::default()
}

impl Desk {
    /// Whether there is nothing to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Wrong numbers within the day before `now`.
    #[must_use]
    pub fn failures(&self, now: Timestamp) -> u32 {
        within_a_day(self.failures, now)
    }

    /// Everything that did not authenticate her within the day before `now`.
    #[must_use]
    pub fn in_vain(&self, now: Timestamp) -> u32 {
        self.failures(now).saturating_add(within_a_day(self.unmet, now))
    }

    /// The contact with an id.
    #[must_use]
    pub fn contact(&self, id: &CareContactId) -> Option<&CareContact> {
        self.contacts.iter().find(|contact| contact.id == *id)
    }

    pub(crate) fn contact_mut(&mut self, id: &CareContactId) -> Option<&mut CareContact> {
        self.contacts.iter_mut().find(|contact| contact.id == *id)
    }

    pub(crate) fn failed(&mut self, at: Timestamp) {
        self.failures = self.failures.take(at, u32::MAX, Span::days(1)).unwrap_or(self.failures);
    }

    pub(crate) fn not_met(&mut self, at: Timestamp) {
        self.unmet = self.unmet.take(at, u32::MAX, Span::days(1)).unwrap_or(self.unmet);
    }

    /// Another contact begins: what is over goes, one that nobody opened is counted, and so is one that has to make room
    /// or that its own representative begins anew.
    pub(crate) fn begin(&mut self, contact: CareContact, at: Timestamp) {
        let mut unopened = 0_u32;
        let mut goes = |known: &CareContact| {
            unopened = unopened.saturating_add(u32::from(known.wall == Wall::Sealed));
            false
        };
        self.contacts.retain(|known| {
            let stays = at < known.expires_at && known.staff.id != contact.staff.id;
            stays || goes(known)
        });
        if self.contacts.len() >= OPEN_CONTACTS {
            // The one that she let in stays while any other can go.
            let unopened = self.contacts.iter().position(|known| known.wall != Wall::Open);
            let oldest = self.contacts.remove(unopened.unwrap_or(0));
            goes(&oldest);
        }
        for _ in 0..unopened {
            self.not_met(at);
        }
        self.contacts.push(contact);
    }
}

/// A visit to a store, as it stands in the change that it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreVisit {
    /// What was shown.
    pub document: DocumentKind,
    /// Who looked at it.
    pub maker: Staff,
    /// Who looked at it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checker: Option<Box<Staff>>,
}

/// What a representative sees of a change: where it stands. No factors, no reasons, no scores, nothing of what it would
/// do: less than the customer herself reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeskChange {
    /// Its id, to stop it by; behind an open wall only, since it names the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_id: Option<ChangeId>,
    /// What is wanted.
    pub kind: ChangeKind,
    /// Where it stands.
    pub status: Status,
    /// When it was asked for, RFC 3339.
    pub requested_at: String,
    /// When its hold is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_until: Option<String>,
}

impl DeskChange {
    /// Of a change, in a contact.
    #[must_use]
    pub fn of(change: &Change, contact: &CareContact, now: Timestamp) -> Self {
        Self {
            change_id: (contact.wall == Wall::Open && now < contact.expires_at).then(|| change.id.clone()),
            kind: change.kind(),
            status: change.status(now),
            requested_at: change.request.requested_at.to_string(),
            hold_until: change.hold_until.filter(|until| *until > now).map(|until| until.to_string()),
        }
    }
}

/// A protection that is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeskProtection {
    /// Which.
    pub protection: Protection,
    /// How it works.
    pub mode: Mode,
}

/// What is behind the wall. There is no other way to one than an open contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeskView {
    /// [`Field::Number`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// [`Field::Protections`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protections: Option<Vec<DeskProtection>>,
    /// [`Field::OpenChanges`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_changes: Option<Vec<DeskChange>>,
    /// [`Field::PastChanges`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past_changes: Option<Vec<DeskChange>>,
}

impl DeskView {
    /// These fields of a line and its account; nothing where the contact's wall is not open or its purpose does not show
    /// all of them.
    #[must_use]
    pub fn of(contact: &CareContact, fields: &[Field], account: &Account, line: &Line, now: Timestamp) -> Option<Self> {
        let shown = contact.wall == Wall::Open && now < contact.expires_at && line.id == contact.line;
        if !shown || !fields.iter().all(|field| contact.purpose.shows().contains(field)) {
            return None;
        }
        let changes = |open: bool| {
            let all = account.book.changes.values().chain(line.book.changes.values());
            all.filter(|change| change.status(now).is_open() == open).map(|change| DeskChange::of(change, contact, now)).collect()
        };
        let mut view = Self::default();
        for field in fields {
            match field {
                Field::Number => view.number = Some(line.msisdn.masked()),
                Field::Protections => {
                    let on = account.protections.0.iter().chain(&line.protections.0);
                    let on = on.map(|(&protection, &mode)| DeskProtection { protection, mode });
                    view.protections = Some(on.collect());
                }
                Field::OpenChanges => view.open_changes = Some(changes(true)),
                Field::PastChanges => view.past_changes = Some(changes(false)),
            }
        }
        Some(view)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Someone in a store.
    pub(crate) fn staff(name: &str) -> Staff {
        of(name, name, name)
    }

    fn of(id: &str, session: &str, device: &str) -> Staff {
        Staff {
            id: RepresentativeId::parse(id).unwrap(),
            name: StaffName::parse(id).unwrap(),
            role: Role::StoreAgent,
            channel: Channel::Store,
            place: PlaceId::parse("store-1").unwrap(),
            session: Staff::mark(session),
            device: Staff::mark(device),
        }
    }

    #[test]
    fn a_staff_name_carries_no_link_and_no_number() {
        for good in ["Sam", "María-José", "O'Brien", "Dr. Lee"] {
            assert_eq!(StaffName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "  ", "..", "https://x.example", "call 555", "a@b", "Sam\nCode", "x\u{202e}y", "Анна", &"a".repeat(25)]
        {
            assert!(StaffName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_role_can_do_what_an_agent_cannot_but_be_the_second_person_in_a_store() {
        for &role in Role::ALL {
            for &act in Act::ALL {
                assert!(!role.may(act) || Role::Agent.may(act) || act == Act::Check, "{role} {act}");
            }
        }
    }

    #[test]
    fn whoever_shares_a_name_a_session_or_a_device_is_no_second_person() {
        let maker = of("a", "sa", "da");
        assert!(maker.is_another(&of("b", "sb", "db")));
        for same in [of("a", "sb", "db"), of("b", "sa", "db"), of("b", "sb", "da")] {
            assert!(!maker.is_another(&same));
        }
    }
}
