//! The messages of a porting gateway (CloudEvents 1.0, structured JSON), parsed once.
//!
//! A message that is not right is a [`Fault`]: it names every field that is wrong, not the first alone, and
//! never repeats a value. Where the order could still be read the fault carries it, so that the gateway gets
//! an answer; where not, the message is a dead letter.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::answer::{Answer, Reason};
use super::fields::{
    AccountNumber, Activity, Agency, Ccna, CompanyCode, Direction, Field, FieldError, Passcode, Pon, PortVersion, Requisition,
    Spid, Zip,
};
use crate::digest::Digest;
use crate::kinds::vocabulary;
use crate::numbers::Msisdn;
use crate::time::Timestamp;

/// The largest message that is read, in bytes.
pub const LIMIT: usize = 65_536;

vocabulary! {
    /// What a message is.
    MessageKind {
        /// A number is asked for.
        PortRequest = "port_request",
        /// An order is cancelled, moved or corrected.
        Supplement = "supplement",
        /// An order is taken back.
        Cancellation = "cancellation",
        /// The number was activated at its new network.
        Activation = "activation",
        /// A concurrence timer runs.
        Timer = "timer",
        /// The gateway is alive.
        Heartbeat = "heartbeat",
    }
}

impl MessageKind {
    /// The `type` of its envelope.
    #[must_use]
    pub fn event_type(self) -> String {
        format!("linekeeper.porting.{}.v1", self.word())
    }

    /// The kind with this `type`.
    #[must_use]
    pub fn of_type(event_type: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.event_type() == event_type)
    }

    /// The fields that its data may have.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::PortRequest => &[
                Field::PortedNumber,
                Field::AccountNumber,
                Field::Zip,
                Field::CompanyCode,
                Field::NewNetworkServiceProvider,
                Field::DesiredDueDate,
                Field::PurchaseOrderNumber,
                Field::Version,
                Field::PortabilityDirection,
                Field::CustomerCarrierName,
                Field::RequisitionType,
                Field::Activity,
                Field::InitiatorNumber,
                Field::AgencyAuthority,
                Field::Passcode,
            ],
            Self::Supplement => &[
                Field::PortedNumber,
                Field::PurchaseOrderNumber,
                Field::Version,
                Field::Supplement,
                Field::DesiredDueDate,
                Field::AccountNumber,
                Field::Zip,
                Field::Passcode,
            ],
            Self::Cancellation => &[Field::PortedNumber, Field::PurchaseOrderNumber],
            Self::Activation => {
                &[Field::PortedNumber, Field::PurchaseOrderNumber, Field::NewNetworkServiceProvider, Field::ActivatedAt]
            }
            Self::Timer => &[Field::PortedNumber, Field::PurchaseOrderNumber, Field::Timer, Field::ExpiresAt],
            Self::Heartbeat => &[Field::Gateway],
        }
    }
}

/// One order: a number and the purchase order number under which it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Order {
    /// The number.
    pub number: Msisdn,
    /// The purchase order number.
    pub pon: Pon,
}

/// Who sent a message and when, as it says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The sender's id of the message. Of no weight: number, order and version decide what is a repeat.
    pub id: String,
    /// The sender.
    pub source: String,
    /// When it was sent, by the sender's clock.
    pub time: Timestamp,
}

/// What a gateway says.
#[derive(Clone)]
pub enum Message {
    /// A number is asked for.
    PortRequest(Box<PortRequest>),
    /// An order is cancelled, moved or corrected.
    Supplement(Box<Supplement>),
    /// An order is taken back.
    Cancellation(Order),
    /// The number was activated at its new network.
    Activation(Activation),
    /// A concurrence timer runs.
    Timer(Timer),
    /// The gateway is alive.
    Heartbeat(Heartbeat),
}

/// A number is asked for.
#[derive(Clone)]
pub struct PortRequest {
    /// Number and purchase order.
    pub order: Order,
    /// The version of the order.
    pub version: PortVersion,
    /// The network that the number is to go to.
    pub gaining: Spid,
    /// When.
    pub due: Timestamp,
    /// The customer's account number. Always there, but for a wholesale carrier's web-hook, which has none.
    pub account: Option<AccountNumber>,
    /// The ZIP of her billing address; as with `account`.
    pub zip: Option<Zip>,
    /// The rest of the form; as with `account`.
    pub form: Option<Form>,
    /// Her passcode, where she has one.
    pub passcode: Option<Passcode>,
}

/// The fields of a request that no decision of ours rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Who sends the order.
    pub company: CompanyCode,
    /// Wireline or wireless on each side.
    pub direction: Direction,
    /// The carrier's abbreviated name.
    pub customer_carrier: Ccna,
    /// What is ordered.
    pub requisition: Requisition,
    /// What is done to the account.
    pub activity: Activity,
    /// Who may be called about the order.
    pub initiator: Msisdn,
    /// Whether the customer's authority is on file.
    pub agency: Agency,
}

/// A change of an order that was sent before. Supplement types 1 to 3 of the ordering guides: cancel, new due
/// date, other \[V2: a large carrier's ordering guide\].
#[derive(Clone)]
pub struct Supplement {
    /// Number and purchase order.
    pub order: Order,
    /// Higher than every version of the order before.
    pub version: PortVersion,
    /// What changes.
    pub change: Correction,
}

/// What a supplement changes.
#[derive(Clone)]
pub enum Correction {
    /// The order is cancelled.
    Cancel,
    /// Another due date.
    DueDate(Timestamp),
    /// Any of these.
    Other {
        /// Another account number.
        account: Option<AccountNumber>,
        /// Another ZIP.
        zip: Option<Zip>,
        /// Another passcode.
        passcode: Option<Passcode>,
    },
}

/// The number was activated at its new network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Number and purchase order.
    pub order: Order,
    /// The network that it went to. Not held to the list of known ones: that it happened is what matters.
    pub gaining: Spid,
    /// When.
    pub at: Timestamp,
}

/// A concurrence timer runs: what is not answered when it ends may go ahead without us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// Number and purchase order.
    pub order: Order,
    /// Which of the two.
    pub which: WhichTimer,
    /// When it runs out.
    pub expires_at: Timestamp,
}

vocabulary! {
    /// The two concurrence timers, one after the other.
    WhichTimer {
        /// The first.
        T1 = "t1",
        /// The last: after it silence counts as concurrence.
        T2 = "t2",
    }
}

vocabulary! {
    /// The kinds of supplement.
    SupplementKind {
        /// Type 1.
        Cancel = "cancel",
        /// Type 2.
        DueDate = "due_date",
        /// Type 3.
        Other = "other",
    }
}

/// The gateway is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Which one.
    pub gateway: String,
}

impl Message {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::PortRequest(_) => MessageKind::PortRequest,
            Self::Supplement(_) => MessageKind::Supplement,
            Self::Cancellation(_) => MessageKind::Cancellation,
            Self::Activation(_) => MessageKind::Activation,
            Self::Timer(_) => MessageKind::Timer,
            Self::Heartbeat(_) => MessageKind::Heartbeat,
        }
    }

    /// The order that it is about.
    #[must_use]
    pub const fn order(&self) -> Option<&Order> {
        match self {
            Self::PortRequest(request) => Some(&request.order),
            Self::Supplement(supplement) => Some(&supplement.order),
            Self::Cancellation(order) => Some(order),
            Self::Activation(activation) => Some(&activation.order),
            Self::Timer(timer) => Some(&timer.order),
            Self::Heartbeat(_) => None,
        }
    }

    /// The version that it carries.
    #[must_use]
    pub const fn version(&self) -> Option<PortVersion> {
        match self {
            Self::PortRequest(request) => Some(request.version),
            Self::Supplement(supplement) => Some(supplement.version),
            Self::Cancellation(_) | Self::Activation(_) | Self::Timer(_) | Self::Heartbeat(_) => None,
        }
    }

    /// The passcode that it carries.
    #[must_use]
    pub fn passcode(&self) -> Option<&Passcode> {
        match self {
            Self::PortRequest(request) => request.passcode.as_ref(),
            Self::Supplement(supplement) => match &supplement.change {
                Correction::Other { passcode, .. } => passcode.as_ref(),
                Correction::Cancel | Correction::DueDate(_) => None,
            },
            Self::Cancellation(_) | Self::Activation(_) | Self::Timer(_) | Self::Heartbeat(_) => None,
        }
    }

    /// The digest of what it says: two messages with one content have one digest, whatever envelope they came
    /// in. The passcode is not in it: the digest is stored, and a PIN of eight digits could be found from it by
    /// trying. So an order that comes again with another passcode is a repeat, and no other guess.
    #[must_use]
    pub fn content(&self) -> Digest {
        let texts = self.texts();
        let mut parts = vec!["linekeeper port content 1", self.kind().word()];
        for (field, text) in texts.iter().filter(|(field, _)| *field != Field::Passcode) {
            parts.extend([field.word(), text]);
        }
        Digest::of(&parts)
    }

    /// Its data, field by field.
    fn texts(&self) -> Texts {
        let mut texts = Texts::default();
        if let Some(order) = self.order() {
            texts.put(Field::PortedNumber, order.number.as_str());
            texts.put(Field::PurchaseOrderNumber, order.pon.as_str());
        }
        if let Some(version) = self.version() {
            texts.put(Field::Version, &version.to_string());
        }
        match self {
            Self::PortRequest(request) => {
                texts.put(Field::NewNetworkServiceProvider, request.gaining.as_str());
                texts.put(Field::DesiredDueDate, &request.due.to_string());
                texts.maybe(Field::AccountNumber, request.account.as_ref().map(AccountNumber::as_str));
                texts.maybe(Field::Zip, request.zip.as_ref().map(Zip::as_str));
                if let Some(form) = &request.form {
                    texts.put(Field::CompanyCode, form.company.as_str());
                    texts.put(Field::PortabilityDirection, form.direction.as_str());
                    texts.put(Field::CustomerCarrierName, form.customer_carrier.as_str());
                    texts.put(Field::RequisitionType, form.requisition.as_str());
                    texts.put(Field::Activity, form.activity.as_str());
                    texts.put(Field::InitiatorNumber, form.initiator.as_str());
                    texts.put(Field::AgencyAuthority, form.agency.as_str());
                }
                texts.maybe(Field::Passcode, request.passcode.as_ref().map(Passcode::expose));
            }
            Self::Supplement(supplement) => match &supplement.change {
                Correction::Cancel => texts.put(Field::Supplement, SupplementKind::Cancel.word()),
                Correction::DueDate(due) => {
                    texts.put(Field::Supplement, SupplementKind::DueDate.word());
                    texts.put(Field::DesiredDueDate, &due.to_string());
                }
                Correction::Other { account, zip, passcode } => {
                    texts.put(Field::Supplement, SupplementKind::Other.word());
                    texts.maybe(Field::AccountNumber, account.as_ref().map(AccountNumber::as_str));
                    texts.maybe(Field::Zip, zip.as_ref().map(Zip::as_str));
                    texts.maybe(Field::Passcode, passcode.as_ref().map(Passcode::expose));
                }
            },
            Self::Cancellation(_) => {}
            Self::Activation(activation) => {
                texts.put(Field::NewNetworkServiceProvider, activation.gaining.as_str());
                texts.put(Field::ActivatedAt, &activation.at.to_string());
            }
            Self::Timer(timer) => {
                texts.put(Field::Timer, timer.which.word());
                texts.put(Field::ExpiresAt, &timer.expires_at.to_string());
            }
            Self::Heartbeat(heartbeat) => texts.put(Field::Gateway, &heartbeat.gateway),
        }
        texts
    }
}

impl fmt::Debug for Message {
    /// What it is and of which order; nothing else of it belongs in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Message");
        shown.field("kind", &self.kind()).field("order", &self.order());
        shown.field("version", &self.version()).finish_non_exhaustive()
    }
}

impl fmt::Debug for PortRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PortRequest");
        shown.field("order", &self.order).field("version", &self.version).field("gaining", &self.gaining);
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for Supplement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Supplement");
        shown.field("order", &self.order).field("version", &self.version).field("change", &self.change).finish()
    }
}

impl fmt::Debug for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancel => "Cancel",
            Self::DueDate(_) => "DueDate",
            Self::Other { .. } => "Other",
        })
    }
}

/// Fields and their texts, wiped when dropped.
#[derive(Default)]
struct Texts(Vec<(Field, Zeroizing<String>)>);

impl Texts {
    fn put(&mut self, field: Field, text: &str) {
        self.0.push((field, Zeroizing::new(text.to_owned())));
    }

    fn maybe(&mut self, field: Field, text: Option<&str>) {
        if let Some(text) = text {
            self.put(field, text);
        }
    }

    fn iter(&self) -> impl Iterator<Item = &(Field, Zeroizing<String>)> {
        self.0.iter()
    }
}

/// A message that is not right: every field at fault, and what of it can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it meant to be.
    pub kind: Option<MessageKind>,
    /// The order, where number and purchase order could be read.
    pub order: Option<Order>,
    /// The version, where it could be read.
    pub version: Option<PortVersion>,
    /// Every field at fault and why, in the order of the fields. Never empty.
    pub faults: Vec<(Field, Reason)>,
}

impl Fault {
    pub(super) fn whole(reason: Reason) -> Self {
        Self { kind: None, order: None, version: None, faults: vec![(Field::Message, reason)] }
    }

    /// What the gateway is told; `by` is until when a supplement would help. Nothing where the order cannot be
    /// read, and nothing to what is told to us rather than asked: an activation or a timer is a dead letter,
    /// and a person looks at it. An activation whose order can be read is an incident whatever else is wrong
    /// with it.
    #[must_use]
    pub fn answer(&self, by: Timestamp) -> Option<Answer> {
        self.order.as_ref()?;
        let mut reasons: Vec<Reason> = Vec::new();
        for (_, reason) in &self.faults {
            if !reasons.contains(reason) {
                reasons.push(*reason);
            }
        }
        match self.kind? {
            MessageKind::PortRequest | MessageKind::Cancellation => Some(Answer::Reject { reasons }),
            MessageKind::Supplement => Some(Answer::to_an_early_supplement(&reasons, by)),
            MessageKind::Activation | MessageKind::Timer | MessageKind::Heartbeat => None,
        }
    }
}

impl fmt::Display for Fault {
    /// The fields and the reasons, for the dead letter: `zip: field_malformed; version: field_missing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (field, reason)) in self.faults.iter().enumerate() {
            let between = if n == 0 { "" } else { "; " };
            write!(f, "{between}{field}: {reason}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

/// Reads a message. `known` is the carrier's list of companies and networks, where it has one.
///
/// # Errors
/// The [`Fault`], with every field that is not right.
pub fn parse(json: &str, known: Option<&BTreeSet<Spid>>) -> Result<Message, Fault> {
    open(json, known).map(|(_, message)| message)
}

/// Reads a message with its envelope.
///
/// # Errors
/// The [`Fault`], with every field that is not right.
pub fn open(json: &str, known: Option<&BTreeSet<Spid>>) -> Result<(Envelope, Message), Fault> {
    if json.len() > LIMIT {
        return Err(Fault::whole(Reason::TooLarge));
    }
    let Ok(Node::Object(members)) = serde_json::from_str(json) else {
        return Err(Fault::whole(Reason::FieldMalformed));
    };
    let mut top = Reader::new(&members);
    let version = top.text(Field::SpecVersion);
    if version.is_some_and(|version| version != "1.0") {
        top.fault(Field::SpecVersion, Reason::FieldMalformed);
    }
    let id = top.required(Field::Id, visible);
    let source = top.required(Field::Source, visible);
    let kind = top.required(Field::Type, |text| MessageKind::of_type(text).ok_or(Reason::FieldMalformed));
    let time = top.required(Field::Time, instant);
    top.optional(Field::ContentType, |text| if text == "application/json" { Ok(()) } else { Err(Reason::FieldMalformed) });
    let data = match top.node(Field::Data) {
        Some(Node::Object(data)) => Some(data),
        Some(Node::Text(_) | Node::Whole(_) | Node::List(_) | Node::Null | Node::Else) => {
            top.fault(Field::Data, Reason::FieldMalformed);
            None
        }
        None => {
            top.fault(Field::Data, Reason::FieldMissing);
            None
        }
    };
    let read = match (kind, data) {
        (Some(kind), Some(data)) => Some(read(kind, data, known)),
        (None, _) | (_, None) => None,
    };
    let (mut fault, message) = match read {
        Some(Ok(message)) => {
            let (order, version) = (message.order().cloned(), message.version());
            (Fault { kind, order, version, faults: Vec::new() }, Some(message))
        }
        Some(Err(fault)) => (fault, None),
        None => (Fault { kind, order: None, version: None, faults: Vec::new() }, None),
    };
    match (id, source, time, message) {
        (Some(id), Some(source), Some(time), Some(message)) if top.faults.is_empty() => {
            Ok((Envelope { id, source, time }, message))
        }
        (_, _, _, _) => {
            fault.faults.extend(top.faults);
            fault.faults.sort_unstable();
            fault.faults.dedup();
            Err(fault)
        }
    }
}

/// Writes a message as a gateway would. It holds the passcode in plain text: for the way to the queue only.
#[must_use]
pub fn write(envelope: &Envelope, message: &Message) -> Zeroizing<String> {
    let mut data = Map::new();
    for (field, text) in message.texts().iter() {
        data.insert(field.word().to_owned(), json!(text.as_str()));
    }
    let event = json!({
        "specversion": "1.0",
        "id": envelope.id,
        "source": envelope.source,
        "type": message.kind().event_type(),
        "time": envelope.time.to_string(),
        "datacontenttype": "application/json",
        "data": Value::Object(data),
    });
    Zeroizing::new(event.to_string())
}

/// Reads the data of a message.
pub(super) fn read(kind: MessageKind, members: &Members, known: Option<&BTreeSet<Spid>>) -> Result<Message, Fault> {
    let mut reader = Reader::new(members);
    let order = match kind {
        MessageKind::Heartbeat => None,
        MessageKind::PortRequest
        | MessageKind::Supplement
        | MessageKind::Cancellation
        | MessageKind::Activation
        | MessageKind::Timer => {
            let number = reader.required(Field::PortedNumber, msisdn);
            let pon = reader.required(Field::PurchaseOrderNumber, of(Pon::parse));
            number.zip(pon).map(|(number, pon)| Order { number, pon })
        }
    };
    let version = match kind {
        MessageKind::PortRequest | MessageKind::Supplement => reader.required(Field::Version, of(PortVersion::parse)),
        MessageKind::Cancellation | MessageKind::Activation | MessageKind::Timer | MessageKind::Heartbeat => None,
    };
    let message = match kind {
        MessageKind::PortRequest => port_request(&mut reader, order.clone(), version, known),
        MessageKind::Supplement => supplement(&mut reader, order.clone(), version),
        MessageKind::Cancellation => order.clone().map(Message::Cancellation),
        MessageKind::Activation => {
            let gaining = reader.required(Field::NewNetworkServiceProvider, of(Spid::parse));
            let at = reader.required(Field::ActivatedAt, instant);
            order
                .clone()
                .zip(gaining)
                .zip(at)
                .map(|((order, gaining), at)| Message::Activation(Activation { order, gaining, at }))
        }
        MessageKind::Timer => {
            let which = reader.required(Field::Timer, |text| word(WhichTimer::ALL, WhichTimer::word, text));
            let expires_at = reader.required(Field::ExpiresAt, instant);
            order
                .clone()
                .zip(which)
                .zip(expires_at)
                .map(|((order, which), expires_at)| Message::Timer(Timer { order, which, expires_at }))
        }
        MessageKind::Heartbeat => {
            let gateway = reader.required(Field::Gateway, |text| {
                let fits =
                    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
                if fits { Ok(text.to_owned()) } else { Err(Reason::FieldMalformed) }
            });
            gateway.map(|gateway| Message::Heartbeat(Heartbeat { gateway }))
        }
    };
    // What asks for something is held to its form. What stops a port, or tells us of something that happened, is
    // taken with more in it than we know: stopping is never harder than starting, and an incident is one
    // whatever stands beside it.
    let asks = match &message {
        Some(Message::PortRequest(_)) => true,
        Some(Message::Supplement(supplement)) => !matches!(supplement.change, Correction::Cancel),
        Some(Message::Cancellation(_) | Message::Activation(_) | Message::Timer(_) | Message::Heartbeat(_)) => false,
        None => matches!(kind, MessageKind::PortRequest | MessageKind::Supplement),
    };
    if asks {
        reader.nothing_else(kind.fields());
    }
    match message {
        Some(message) if reader.faults.is_empty() => Ok(message),
        Some(_) | None => Err(reader.failed(kind, order, version)),
    }
}

fn port_request(
    reader: &mut Reader<'_>,
    order: Option<Order>,
    version: Option<PortVersion>,
    known: Option<&BTreeSet<Spid>>,
) -> Option<Message> {
    let account = reader.required(Field::AccountNumber, of(AccountNumber::parse));
    let zip = reader.required(Field::Zip, of(Zip::parse));
    let gaining = reader.required(Field::NewNetworkServiceProvider, of(Spid::parse));
    let due = reader.required(Field::DesiredDueDate, instant);
    let company = reader.required(Field::CompanyCode, of(CompanyCode::parse));
    let direction = reader.required(Field::PortabilityDirection, of(Direction::parse));
    let customer_carrier = reader.required(Field::CustomerCarrierName, of(Ccna::parse));
    let requisition = reader.required(Field::RequisitionType, of(Requisition::parse));
    let activity = reader.required(Field::Activity, of(Activity::parse));
    let initiator = reader.required(Field::InitiatorNumber, msisdn);
    let agency = reader.required(Field::AgencyAuthority, of(Agency::parse));
    let passcode = reader.optional(Field::Passcode, of(Passcode::parse));
    reader.known(gaining.as_ref(), known);
    if let (Some(known), Some(company)) = (known, &company)
        && !known.iter().any(|spid| spid.as_str() == company.as_str())
    {
        reader.fault(Field::CompanyCode, Reason::UnknownCompany);
    }
    let form = Form {
        company: company?,
        direction: direction?,
        customer_carrier: customer_carrier?,
        requisition: requisition?,
        activity: activity?,
        initiator: initiator?,
        agency: agency?,
    };
    Some(Message::PortRequest(Box::new(PortRequest {
        order: order?,
        version: version?,
        gaining: gaining?,
        due: due?,
        account: Some(account?),
        zip: Some(zip?),
        form: Some(form),
        passcode,
    })))
}

/// Reads a request of a wholesale carrier's web-hook: it has no account number and no form, and the version is
/// not told.
pub(super) fn read_wholesale(members: &Members, known: Option<&BTreeSet<Spid>>) -> Result<Message, Fault> {
    let mut reader = Reader::new(members);
    let number = reader.required(Field::PortedNumber, msisdn);
    let pon = reader.required(Field::PurchaseOrderNumber, of(Pon::parse));
    let order = number.zip(pon).map(|(number, pon)| Order { number, pon });
    let gaining = reader.required(Field::NewNetworkServiceProvider, of(Spid::parse));
    let due = reader.required(Field::DesiredDueDate, instant);
    let zip = reader.optional(Field::Zip, of(Zip::parse));
    let passcode = reader.optional(Field::Passcode, of(Passcode::parse));
    reader.known(gaining.as_ref(), known);
    let version = PortVersion::default();
    match (order.clone(), gaining, due) {
        (Some(order), Some(gaining), Some(due)) if reader.faults.is_empty() => {
            let (account, form) = (None, None);
            let request = PortRequest { order, version, gaining, due, account, zip, form, passcode };
            Ok(Message::PortRequest(Box::new(request)))
        }
        (_, _, _) => Err(reader.failed(MessageKind::PortRequest, order, Some(version))),
    }
}

fn supplement(reader: &mut Reader<'_>, order: Option<Order>, version: Option<PortVersion>) -> Option<Message> {
    let what = reader.required(Field::Supplement, |text| word(SupplementKind::ALL, SupplementKind::word, text))?;
    let correcting = [Field::AccountNumber, Field::Zip, Field::Passcode];
    let change = match what {
        SupplementKind::Cancel => Correction::Cancel,
        SupplementKind::DueDate => {
            reader.none_of(&correcting);
            Correction::DueDate(reader.required(Field::DesiredDueDate, instant)?)
        }
        SupplementKind::Other => {
            reader.none_of(&[Field::DesiredDueDate]);
            let account = reader.optional(Field::AccountNumber, of(AccountNumber::parse));
            let zip = reader.optional(Field::Zip, of(Zip::parse));
            let passcode = reader.optional(Field::Passcode, of(Passcode::parse));
            Correction::Other { account, zip, passcode }
        }
    };
    Some(Message::Supplement(Box::new(Supplement { order: order?, version: version?, change })))
}

/// A time of RFC 3339 with its zone, from 2000 to 2099.
pub(super) fn instant(text: &str) -> Result<Timestamp, Reason> {
    if text.len() > 64 {
        return Err(Reason::FieldMalformed);
    }
    // The library reads more than RFC 3339 has: names of zones in brackets, spaces, offsets without minutes.
    let date_and_time = text.get(10..11).is_some_and(|t| t.eq_ignore_ascii_case("t")) && text.len() >= 19;
    let bare = date_and_time && text.bytes().skip(11).all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
    let offset = text.len().checked_sub(6).and_then(|from| text.get(from..)).is_some_and(|offset| {
        let (sign, digits) = offset.split_at_checked(1).unwrap_or_default();
        matches!(sign, "+" | "-") && digits.get(2..3) == Some(":") && digits.bytes().filter(u8::is_ascii_digit).count() == 4
    });
    let zoned = offset || text.ends_with(['Z', 'z']);
    match (date_and_time && zoned).then(|| Timestamp::parse(text)).flatten() {
        Some(at) if (FIRST..LAST).contains(&at) => Ok(at),
        Some(_) => Err(Reason::FieldMalformed),
        None if bare && text.parse::<jiff::civil::DateTime>().is_ok() => Err(Reason::TimeWithoutZone),
        None => Err(Reason::FieldMalformed),
    }
}

/// 2000-01-01T00:00:00Z.
const FIRST: Timestamp = Timestamp::from_second(946_684_800);
/// 2100-01-01T00:00:00Z.
const LAST: Timestamp = Timestamp::from_second(4_102_444_800);

fn msisdn(text: &str) -> Result<Msisdn, Reason> {
    Msisdn::parse(text).map_err(|_| Reason::FieldMalformed)
}

fn visible(text: &str) -> Result<String, Reason> {
    let fits = (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err(Reason::FieldMalformed) }
}

fn word<T: Copy>(all: &[T], of: impl Fn(T) -> &'static str, text: &str) -> Result<T, Reason> {
    all.iter().copied().find(|one| of(*one) == text).ok_or(Reason::FieldMalformed)
}

fn of<T>(parse: impl Fn(&str) -> Result<T, FieldError>) -> impl Fn(&str) -> Result<T, Reason> {
    move |text| parse(text).map_err(|_| Reason::FieldMalformed)
}

/// Reads the members of an object and gathers what is wrong with them.
struct Reader<'a> {
    members: &'a Members,
    faults: Vec<(Field, Reason)>,
}

impl<'a> Reader<'a> {
    fn new(members: &'a Members) -> Self {
        Self { members, faults: Vec::new() }
    }

    fn fault(&mut self, field: Field, reason: Reason) {
        self.faults.push((field, reason));
    }

    /// The one member of this name. Two of them are none: readers of JSON differ on which one counts, and
    /// what was checked elsewhere must be what is read here.
    fn node(&mut self, field: Field) -> Option<&'a Node> {
        let mut found = self.members.0.iter().filter(|(name, _)| name == field.word()).map(|(_, node)| node);
        let first = found.next();
        if found.next().is_some() {
            self.fault(field, Reason::FieldOutOfPlace);
        }
        first.filter(|node| !matches!(node, Node::Null))
    }

    fn given(&mut self, field: Field) -> Option<Zeroizing<String>> {
        match self.node(field)? {
            Node::Text(text) => Some(text.clone()),
            // A version is often sent as a number.
            Node::Whole(number) if field == Field::Version => Some(Zeroizing::new(number.to_string())),
            Node::Whole(_) | Node::Object(_) | Node::List(_) | Node::Null | Node::Else => {
                self.fault(field, Reason::FieldMalformed);
                None
            }
        }
    }

    fn text(&mut self, field: Field) -> Option<String> {
        self.required(field, |text| Ok(text.to_owned()))
    }

    fn required<T>(&mut self, field: Field, parse: impl Fn(&str) -> Result<T, Reason>) -> Option<T> {
        let before = self.faults.len();
        let value = self.optional(field, parse);
        if value.is_none() && self.faults.len() == before {
            self.fault(field, Reason::FieldMissing);
        }
        value
    }

    fn optional<T>(&mut self, field: Field, parse: impl Fn(&str) -> Result<T, Reason>) -> Option<T> {
        let text = self.given(field)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.fault(field, reason);
                None
            }
        }
    }

    fn known(&mut self, gaining: Option<&Spid>, known: Option<&BTreeSet<Spid>>) {
        if let (Some(known), Some(gaining)) = (known, gaining)
            && !known.contains(gaining)
        {
            self.fault(Field::NewNetworkServiceProvider, Reason::UnknownCompany);
        }
    }

    fn failed(self, kind: MessageKind, order: Option<Order>, version: Option<PortVersion>) -> Fault {
        let mut faults = self.faults;
        faults.sort_unstable();
        faults.dedup();
        Fault { kind: Some(kind), order, version, faults }
    }

    fn none_of(&mut self, fields: &[Field]) {
        for field in fields {
            if self.node(*field).is_some() {
                self.fault(*field, Reason::FieldOutOfPlace);
            }
        }
    }

    fn nothing_else(&mut self, fields: &[Field]) {
        if self.members.0.iter().any(|(name, _)| fields.iter().all(|field| field.word() != name)) {
            self.fault(Field::Unknown, Reason::FieldOutOfPlace);
        }
    }
}

/// The members of an object, repeated names and all.
#[derive(Clone)]
pub(super) struct Members(pub(super) Vec<(String, Node)>);

/// A JSON value, as far as a message has any.
#[derive(Clone)]
pub(super) enum Node {
    Text(Zeroizing<String>),
    Whole(u64),
    Object(Members),
    /// Our own messages have none; a carrier's web-hook has.
    List(Vec<Node>),
    Null,
    /// A fraction, a negative number, a truth value: no field has any.
    Else,
}

impl Members {
    /// The first member of this name that is not null.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.0.iter().find(|(member, node)| member == name && !matches!(node, Node::Null)).map(|(_, node)| node)
    }

    /// The same, where it is an object.
    pub(super) fn object(&self, name: &str) -> Option<&Self> {
        match self.get(name)? {
            Node::Object(members) => Some(members),
            Node::Text(_) | Node::Whole(_) | Node::List(_) | Node::Null | Node::Else => None,
        }
    }

    /// The same, where it is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Node::Text(text) => Some(text),
            Node::Whole(_) | Node::Object(_) | Node::List(_) | Node::Null | Node::Else => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(text)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(Node::Whole(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Else)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Else)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Else)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            members.push(entry);
        }
        Ok(Node::Object(Members(members)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    const REQUEST: &str = r#"{"specversion":"1.0","id":"m-1","source":"/gateways/a",
        "type":"linekeeper.porting.port_request.v1","time":"2026-11-25T10:00:00Z","datacontenttype":"application/json",
        "data":{"ported_number":"+13055550123","account_number":"987-654","zip":"33101","company_code":"987H",
        "new_network_service_provider":"6X21","desired_due_date":"2026-11-25T15:00:00-05:00",
        "purchase_order_number":"LK-1","version":"0","portability_direction":"A","customer_carrier_name":"ZZZ",
        "requisition_type":"CB","activity":"V","initiator_number":"+12125550199","agency_authority":"Y",
        "passcode":"482913"}}"#;

    fn changed(path: &str, value: Value) -> String {
        let mut event: Value = serde_json::from_str(REQUEST).unwrap();
        match path.split_once('.') {
            Some((_, name)) => event["data"][name] = value,
            None => event[path] = value,
        }
        event.to_string()
    }

    fn event(kind: MessageKind, data: &Value) -> String {
        let mut event: Value = serde_json::from_str(REQUEST).unwrap();
        event["type"] = json!(kind.event_type());
        event["data"] = data.clone();
        event.to_string()
    }

    fn faults(json: &str) -> Vec<(Field, Reason)> {
        parse(json, None).unwrap_err().faults
    }

    #[test]
    fn a_port_request_is_read_whole() {
        let (envelope, message) = open(REQUEST, None).unwrap();
        assert_eq!((envelope.id.as_str(), envelope.source.as_str()), ("m-1", "/gateways/a"));
        let Message::PortRequest(request) = message else { panic!("no request") };
        assert_eq!(request.order.number.as_str(), "+13055550123");
        assert_eq!(request.order.pon.as_str(), "LK-1");
        assert_eq!(request.version.number(), 0);
        assert_eq!(request.gaining.as_str(), "6X21");
        assert_eq!(request.due, Timestamp::parse("2026-11-25T20:00:00Z").unwrap());
        assert_eq!(request.account.as_ref().unwrap().as_str(), "987654");
        assert_eq!(request.passcode.as_ref().unwrap().expose(), "482913");
        assert_eq!(request.form.as_ref().unwrap().company.as_str(), "987H");
    }

    /// The documented schema and example of each kind.
    const DOCUMENTED: [(MessageKind, &str, &str); 6] = [
        (
            MessageKind::PortRequest,
            include_str!("../../../../infra/porting/port_request.schema.json"),
            include_str!("../../../../infra/porting/port_request.example.json"),
        ),
        (
            MessageKind::Supplement,
            include_str!("../../../../infra/porting/supplement.schema.json"),
            include_str!("../../../../infra/porting/supplement.example.json"),
        ),
        (
            MessageKind::Cancellation,
            include_str!("../../../../infra/porting/cancellation.schema.json"),
            include_str!("../../../../infra/porting/cancellation.example.json"),
        ),
        (
            MessageKind::Activation,
            include_str!("../../../../infra/porting/activation.schema.json"),
            include_str!("../../../../infra/porting/activation.example.json"),
        ),
        (
            MessageKind::Timer,
            include_str!("../../../../infra/porting/timer.schema.json"),
            include_str!("../../../../infra/porting/timer.example.json"),
        ),
        (
            MessageKind::Heartbeat,
            include_str!("../../../../infra/porting/heartbeat.schema.json"),
            include_str!("../../../../infra/porting/heartbeat.example.json"),
        ),
    ];

    #[test]
    fn the_documented_examples_are_messages_of_their_kind() {
        assert_eq!(DOCUMENTED.map(|(kind, _, _)| kind), MessageKind::ALL);
        for (kind, _, example) in DOCUMENTED {
            assert_eq!(parse(example, None).unwrap().kind(), kind);
        }
    }

    #[test]
    fn the_schemas_have_the_fields_that_are_read() {
        for (kind, schema, _) in DOCUMENTED {
            let schema: Value = serde_json::from_str(schema).unwrap();
            assert_eq!(schema["properties"]["type"]["const"], kind.event_type());
            let data = &schema["properties"]["data"];
            let shapes = data["oneOf"].as_array().cloned().unwrap_or_else(|| vec![data.clone()]);
            let names: BTreeSet<String> =
                shapes.iter().flat_map(|shape| shape["properties"].as_object().unwrap().keys().cloned()).collect();
            let fields: BTreeSet<String> = kind.fields().iter().map(|field| field.word().to_owned()).collect();
            assert_eq!(names, fields, "{kind}");
            for shape in shapes {
                let asks = match kind {
                    MessageKind::PortRequest => true,
                    MessageKind::Supplement => shape["properties"]["supplement"]["const"] != "cancel",
                    MessageKind::Cancellation | MessageKind::Activation | MessageKind::Timer | MessageKind::Heartbeat => false,
                };
                assert_eq!(shape["additionalProperties"] == false, asks, "{kind}");
            }
        }
    }

    #[test]
    fn every_field_of_the_rule_is_required_and_the_passcode_is_not() {
        for field in Field::REQUIRED {
            let json = changed(&format!("data.{field}"), Value::Null);
            assert_eq!(faults(&json), [(field, Reason::FieldMissing)], "{field}");
        }
        assert!(parse(&changed("data.passcode", Value::Null), None).unwrap().passcode().is_none());
    }

    #[test]
    fn every_field_at_fault_is_named_and_the_order_is_still_answered() {
        let mut event: Value = serde_json::from_str(REQUEST).unwrap();
        event["data"]["zip"] = json!("zip-secret");
        event["data"]["account_number"] = json!("");
        event["data"]["desired_due_date"] = json!("2026-11-25T15:00:00");
        event["data"]["company_code"] = json!(7);
        event["data"]["shoe_size"] = json!("44");
        event["source"] = Value::Null;
        let fault = parse(&event.to_string(), None).unwrap_err();
        assert_eq!(
            fault.faults,
            [
                (Field::Source, Reason::FieldMissing),
                (Field::AccountNumber, Reason::FieldMalformed),
                (Field::Zip, Reason::FieldMalformed),
                (Field::CompanyCode, Reason::FieldMalformed),
                (Field::DesiredDueDate, Reason::TimeWithoutZone),
                (Field::Unknown, Reason::FieldOutOfPlace),
            ]
        );
        assert_eq!(fault.order.as_ref().unwrap().pon.as_str(), "LK-1");
        assert_eq!(fault.version, PortVersion::new(0).ok());
        let answer = fault.answer(Timestamp::from_second(0)).unwrap();
        assert_eq!(answer.word(), "reject");
        let shown = format!("{fault} {fault:?}");
        for value in ["zip-secret", "shoe_size", "44", "482913", "3055550123"] {
            assert!(!shown.contains(value), "{value}");
        }
    }

    #[test]
    fn an_envelope_that_is_not_cloudevents_1_0_is_a_fault() {
        for (field, value) in [
            (Field::SpecVersion, json!("0.3")),
            (Field::SpecVersion, json!(1.0)),
            (Field::Id, json!("")),
            (Field::Id, json!("a b")),
            (Field::Source, json!("x".repeat(257))),
            (Field::Type, json!("linekeeper.porting.port_request.v2")),
            (Field::Time, json!("yesterday")),
            (Field::ContentType, json!("text/xml")),
            (Field::Data, json!([])),
        ] {
            assert_eq!(faults(&changed(field.word(), value.clone())), [(field, Reason::FieldMalformed)], "{value}");
        }
        assert_eq!(faults(&changed("time", json!("2026-11-25T10:00:00"))), [(Field::Time, Reason::TimeWithoutZone)]);
    }

    #[test]
    fn a_message_of_an_unknown_type_is_a_dead_letter_only() {
        let fault = parse(&changed("type", json!("linekeeper.porting.gift.v1")), None).unwrap_err();
        assert_eq!((fault.kind, fault.order.clone()), (None, None));
        assert_eq!(fault.answer(Timestamp::from_second(0)), None);
    }

    #[test]
    fn a_message_over_the_limit_is_not_read() {
        let json = format!("{REQUEST}{}", " ".repeat(LIMIT));
        assert_eq!(faults(&json), [(Field::Message, Reason::TooLarge)]);
        let json = format!("{REQUEST}{}", " ".repeat(LIMIT - REQUEST.len()));
        assert!(parse(&json, None).is_ok());
    }

    #[test]
    fn half_a_message_and_nested_ones_are_faults() {
        for json in
            ["", "{", "null", "[]", "\u{feff}{}", &REQUEST[..REQUEST.len() / 2], &"[".repeat(60_000), &"{\"a\":".repeat(10_000)]
        {
            assert_eq!(faults(json), [(Field::Message, Reason::FieldMalformed)]);
        }
    }

    #[test]
    fn a_field_that_is_there_twice_is_a_fault_whichever_a_reader_would_take() {
        let json = REQUEST.replace("\"zip\":\"33101\"", "\"zip\":\"33101\",\"zip\":\"90210\"");
        assert_eq!(faults(&json), [(Field::Zip, Reason::FieldOutOfPlace)]);
        let json = REQUEST.replacen("\"data\":{", "\"data\":{},\"data\":{", 1);
        assert!(faults(&json).contains(&(Field::Data, Reason::FieldOutOfPlace)));
    }

    #[test]
    fn times_are_of_rfc_3339_with_a_zone() {
        for text in ["2026-11-25T10:00:00Z", "2026-11-25t10:00:00z", "2026-11-25T10:00:00.25+05:30", "2026-11-25T10:00:00-00:00"]
        {
            assert!(instant(text).is_ok(), "{text}");
        }
        for text in ["2026-11-25T10:00:00", "2026-11-25T10:00:00.5"] {
            assert_eq!(instant(text), Err(Reason::TimeWithoutZone), "{text}");
        }
        for text in [
            "",
            "2026-11-25",
            "2026-11-25 10:00:00Z",
            "2026-11-25T10:00:00+05",
            "2026-11-25T10:00:00-05:00[America/New_York]",
            "2026-13-25T10:00:00Z",
            "2026-11-25T25:00:00Z",
            "1999-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
            "-002026-11-25T10:00:00Z",
            "🕙026-11-25T10:00:00Z",
            "2026-11-25T10:00:0é+00",
        ] {
            assert_eq!(instant(text), Err(Reason::FieldMalformed), "{text}");
        }
    }

    #[test]
    fn an_unknown_company_is_named_where_the_carrier_has_a_list() {
        let known: BTreeSet<Spid> = [Spid::parse("987H").unwrap()].into();
        let fault = parse(REQUEST, Some(&known)).unwrap_err();
        assert_eq!(fault.faults, [(Field::NewNetworkServiceProvider, Reason::UnknownCompany)]);
        assert!(fault.order.is_some());
        let known: BTreeSet<Spid> = [Spid::parse("6X21").unwrap()].into();
        assert_eq!(parse(REQUEST, Some(&known)).unwrap_err().faults, [(Field::CompanyCode, Reason::UnknownCompany)]);
    }

    #[test]
    fn an_activation_is_read_wherever_the_number_went() {
        let data = json!({"ported_number":"+13055550123","purchase_order_number":"LK-1",
            "new_network_service_provider":"XXXX","activated_at":"2026-11-25T20:00:00Z"});
        let message = parse(&event(MessageKind::Activation, &data), Some(&BTreeSet::new())).unwrap();
        assert_eq!(message.kind(), MessageKind::Activation);
    }

    #[test]
    fn what_stops_a_port_or_tells_of_one_is_taken_with_more_in_it() {
        let order = json!({"ported_number":"+13055550123","purchase_order_number":"LK-1","shoe_size":"44","zip":"no zip"});
        let data = |more: Value| {
            let mut data = order.clone();
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            data
        };
        let activation = json!({"new_network_service_provider":"6X21","activated_at":"2026-11-25T20:00:00Z"});
        for (kind, more) in [
            (MessageKind::Cancellation, json!({})),
            (MessageKind::Supplement, json!({"version":"2","supplement":"cancel"})),
            (MessageKind::Activation, activation),
            (MessageKind::Timer, json!({"timer":"t1","expires_at":"2026-11-25T20:00:00Z"})),
            (MessageKind::Heartbeat, json!({"gateway":"a"})),
        ] {
            assert_eq!(parse(&event(kind, &data(more)), None).unwrap().kind(), kind);
        }
        let fault = parse(&event(MessageKind::Activation, &data(json!({"activated_at":"now"}))), None).unwrap_err();
        assert_eq!((fault.kind, fault.order.is_some()), (Some(MessageKind::Activation), true));
        assert_eq!(fault.answer(Timestamp::from_second(0)), None);
    }

    #[test]
    fn a_supplement_has_the_fields_of_its_kind_and_no_others() {
        let data = |more: Value| {
            let mut data = json!({"ported_number":"+13055550123","purchase_order_number":"LK-1","version":2});
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            event(MessageKind::Supplement, &data)
        };
        let good = [
            json!({"supplement":"cancel"}),
            json!({"supplement":"due_date","desired_due_date":"2026-11-26T20:00:00Z"}),
            json!({"supplement":"other"}),
            json!({"supplement":"other","zip":"33102","passcode":"111111","account_number":"1"}),
        ];
        for more in good {
            assert_eq!(parse(&data(more), None).unwrap().version(), PortVersion::new(2).ok());
        }
        let bad = [
            (json!({}), Field::Supplement, Reason::FieldMissing),
            (json!({"supplement":"later"}), Field::Supplement, Reason::FieldMalformed),
            (json!({"supplement":"due_date"}), Field::DesiredDueDate, Reason::FieldMissing),
            (json!({"supplement":"other","shoe_size":"44"}), Field::Unknown, Reason::FieldOutOfPlace),
            (
                json!({"supplement":"due_date","desired_due_date":"2026-11-26T20:00:00Z","zip":"33101"}),
                Field::Zip,
                Reason::FieldOutOfPlace,
            ),
            (
                json!({"supplement":"other","desired_due_date":"2026-11-26T20:00:00Z"}),
                Field::DesiredDueDate,
                Reason::FieldOutOfPlace,
            ),
        ];
        for (more, field, reason) in bad {
            let fault = parse(&data(more), None).unwrap_err();
            assert_eq!(fault.faults, [(field, reason)]);
            let answer = fault.answer(Timestamp::from_second(0)).unwrap();
            assert_eq!((answer.response_type(), answer.reasons()), (Some("R"), [Reason::Other].as_slice()));
        }
    }

    #[test]
    fn one_content_has_one_digest_which_says_nothing_of_the_passcode() {
        let content = |json: &str| parse(json, None).unwrap().content();
        let first = content(REQUEST);
        assert_eq!(content(&changed("id", json!("m-2"))), first);
        assert_eq!(content(&changed("time", json!("2026-11-25T10:05:00Z"))), first);
        assert_eq!(content(&changed("data.account_number", json!("987654"))), first);
        assert_eq!(content(&changed("data.desired_due_date", json!("2026-11-25T20:00:00Z"))), first);
        for passcode in [json!("482914"), Value::Null] {
            assert_eq!(content(&changed("data.passcode", passcode)), first, "a PIN is not found from what is stored");
        }
        for (field, value) in [
            ("zip", json!("33102")),
            ("version", json!("1")),
            ("activity", json!("W")),
            ("desired_due_date", json!("2026-11-25T20:00:01Z")),
        ] {
            assert_ne!(content(&changed(&format!("data.{field}"), value)), first, "{field}");
        }
    }

    #[test]
    fn debug_shows_no_secret_and_no_full_number() {
        let shown = format!("{:?}", parse(REQUEST, None).unwrap());
        for value in ["482913", "987654", "33101", "3055550123"] {
            assert!(!shown.contains(value), "{shown}");
        }
        assert!(shown.contains("LK-1"));
    }

    fn texts(pattern: &'static str) -> impl Strategy<Value = String> {
        proptest::string::string_regex(pattern).unwrap()
    }

    fn order() -> impl Strategy<Value = Order> {
        (texts("\\+[1-9][0-9]{4,14}"), texts("[A-Z0-9][A-Z0-9.-]{0,15}"))
            .prop_map(|(number, pon)| Order { number: Msisdn::parse(&number).unwrap(), pon: Pon::parse(&pon).unwrap() })
    }

    fn at() -> impl Strategy<Value = Timestamp> {
        (FIRST.as_second()..LAST.as_second()).prop_map(Timestamp::from_second)
    }

    fn version() -> impl Strategy<Value = PortVersion> {
        (0u8..=99).prop_map(|n| PortVersion::new(n).unwrap())
    }

    fn request() -> impl Strategy<Value = Message> {
        let form = (
            texts("[A-Z0-9]{4}"),
            texts("[A-Z]"),
            texts("[A-Z]{3}"),
            texts("[A-Z]{2}"),
            texts("[A-Z]"),
            texts("\\+[1-9][0-9]{4,14}"),
            texts("[YN]"),
        )
            .prop_map(|(company, direction, customer_carrier, requisition, activity, initiator, agency)| Form {
                company: CompanyCode::parse(&company).unwrap(),
                direction: Direction::parse(&direction).unwrap(),
                customer_carrier: Ccna::parse(&customer_carrier).unwrap(),
                requisition: Requisition::parse(&requisition).unwrap(),
                activity: Activity::parse(&activity).unwrap(),
                initiator: Msisdn::parse(&initiator).unwrap(),
                agency: Agency::parse(&agency).unwrap(),
            });
        let secret = proptest::option::of(texts("[A-Z0-9]{4,15}"));
        (order(), version(), texts("[A-Z0-9]{4}"), at(), texts("[A-Z0-9]{1,20}"), texts("[0-9]{5}([0-9]{4})?"), form, secret)
            .prop_map(|(order, version, gaining, due, account, zip, form, passcode)| {
                Message::PortRequest(Box::new(PortRequest {
                    order,
                    version,
                    gaining: Spid::parse(&gaining).unwrap(),
                    due,
                    account: AccountNumber::parse(&account).ok(),
                    zip: Zip::parse(&zip).ok(),
                    form: Some(form),
                    passcode: passcode.map(|code| Passcode::parse(&code).unwrap()),
                }))
            })
    }

    pub(in crate::porting) fn message() -> impl Strategy<Value = Message> {
        let correction = prop_oneof![
            Just(Correction::Cancel),
            at().prop_map(Correction::DueDate),
            (proptest::option::of(texts("[A-Z0-9]{1,20}")), proptest::option::of(texts("[0-9]{6}"))).prop_map(
                |(account, code)| {
                    Correction::Other {
                        account: account.map(|a| AccountNumber::parse(&a).unwrap()),
                        zip: None,
                        passcode: code.map(|c| Passcode::parse(&c).unwrap()),
                    }
                }
            ),
        ];
        prop_oneof![
            request(),
            (order(), version(), correction).prop_map(|(order, version, change)| Message::Supplement(Box::new(Supplement {
                order,
                version,
                change
            }))),
            order().prop_map(Message::Cancellation),
            (order(), texts("[A-Z0-9]{4}"), at()).prop_map(|(order, gaining, at)| {
                Message::Activation(Activation { order, gaining: Spid::parse(&gaining).unwrap(), at })
            }),
            (order(), prop_oneof![Just(WhichTimer::T1), Just(WhichTimer::T2)], at())
                .prop_map(|(order, which, expires_at)| Message::Timer(Timer { order, which, expires_at })),
            texts("[a-zA-Z0-9_-]{1,64}").prop_map(|gateway| Message::Heartbeat(Heartbeat { gateway })),
        ]
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&String::from_utf8_lossy(&bytes), None);
        }

        #[test]
        fn a_message_reads_back_as_it_was_written(message in message(), time in at()) {
            let envelope = Envelope { id: "m-1".to_owned(), source: "/gateways/a".to_owned(), time };
            let json = write(&envelope, &message);
            let (read_envelope, read) = open(&json, None).unwrap();
            prop_assert_eq!(read_envelope, envelope.clone());
            prop_assert_eq!(read.content(), message.content());
            let again = write(&envelope, &read);
            prop_assert_eq!(again.as_str(), json.as_str());
        }

        #[test]
        fn a_broken_message_is_a_fault_with_a_field_or_still_a_message(
            message in message(), cut in 0usize..600, byte in any::<u8>(), insert in any::<bool>(),
        ) {
            let envelope = Envelope { id: "m-1".to_owned(), source: "/g".to_owned(), time: FIRST };
            let mut bytes = write(&envelope, &message).as_bytes().to_vec();
            let place = cut % bytes.len();
            if insert { bytes.insert(place, byte) } else { bytes.truncate(place) }
            match parse(&String::from_utf8_lossy(&bytes), None) {
                Ok(_) => {}
                Err(fault) => {
                    prop_assert!(!fault.faults.is_empty());
                    prop_assert!(fault.faults.is_sorted());
                    if fault.answer(FIRST).is_some() { prop_assert!(fault.order.is_some()) }
                }
            }
        }
    }
}
