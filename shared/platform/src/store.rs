//! DynamoDB: one read, one transaction, every condition named.
//!
//! | item | pk | sk |
//! |---|---|---|
//! | account | `v1#<account>` | `ACCOUNT` |
//! | line | `v1#<account>` | `LINE#<line>` |
//! | profile | `v1#<account>` | `PROFILE` |
//! | number | `v1#NUMBER#<msisdn>` | `NUMBER` |
//! | contact of the care desk | `v1#CARE#<contact>` | `CARE` |
//! | counter | `v1#MEET#<kind>#<mark>#<part>` | `MEET` |
//! | quota | `v1#QUOTA#<kind>#<digest>` | `QUOTA` |
//! | window of the porting monitor | `v1#WINDOW#<kind>#<mark>#<part>` | `WINDOW` |
//! | its incident | `v1#INCIDENT#<group>` | `INCIDENT` |
//! | a line by its mark | `v1#MARK#<mark>` | `MARK` |
//! | heartbeat | `v1#GATEWAYS` | `GATEWAY#<mark>` |
//! | ledger entry | `v1#<account>#ACCOUNT`, `v1#<account>#LINE#<line>` | number |
//!
//! A line lives under its account: a caller can only ever name keys of its own account, so another's line
//! is not found, like one that does not exist (I9). The `v1` is the schema's version. Who knows a number and no
//! account, the porting gateway, finds its line in the directory of numbers, which moves in the same transactions.
//!
//! Concurrency contract: a state item changes only in a transaction that appends the ledger entry after
//! the one it was read at. Two writers of one subject cannot both succeed; the loser gets the items as
//! they stand, and decides again. Guesses (`tally`) change only by [`Store::claim`], outside of it.

mod windows;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, KeysAndAttributes, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use linekeeper_domain::config::Settings;
use linekeeper_domain::decide::{Claim, Denied};
use linekeeper_domain::desk::CareContact;
use linekeeper_domain::digest::Digest;
use linekeeper_domain::ids::{AccountId, CareContactId, ChallengeId, LineId, Subject};
use linekeeper_domain::ledger::{Append, Entry, Follow, Owner, SealError, Transaction};
use linekeeper_domain::numbers::Msisdn;
use linekeeper_domain::quota::Quota;
use linekeeper_domain::risk::Profile;
use linekeeper_domain::risk::marks::WideMark;
use linekeeper_domain::risk::velocity::{Counter, KEPT_FOR, Meeting, Meetings};
use linekeeper_domain::signals::Signal;
use linekeeper_domain::state::{Account, Line, Versioned, View};
use linekeeper_domain::time::{Span, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::telemetry::{self, Metric};

pub use windows::{Gateway, Named, Stands};

/// Into how many parts the index of due times is spread.
pub const DUE_SHARDS: u32 = 8;
/// How often a counter that others write too is tried.
const COUNT_ATTEMPTS: usize = 8;
/// How long a read waits before it asks again for what DynamoDB had no time for: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));
/// How long a contact of the care desk is found after its time: what comes late is told so.
const CONTACT_KEPT: Span = Span::days(1);
/// How long a state that is over is kept for late messages, before it is dropped.
const AFTERLIFE: Span = Span::days(90);

type Item = HashMap<String, AttributeValue>;

/// What AWS or a stored item did not do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call failed. It may or may not have happened.
    #[error("{operation} failed")]
    Aws {
        /// Which.
        operation: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something stored or answered is not what it should be.
    #[error("{0}")]
    Corrupt(&'static str),
    /// An item cannot be read or written.
    #[error("an item does not fit its form")]
    Form(#[from] serde_dynamo::Error),
    /// A step of the domain cannot be written.
    #[error("a step cannot be written")]
    Seal(#[from] SealError),
    /// Others were faster, again and again.
    #[error("too many others wrote at the same time")]
    Busy,
}

impl Error {
    /// A failed call.
    pub fn aws(operation: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Aws { operation, source: source.into() }
    }
}

/// Every condition that a write can lose by; the label of the metric `Conflicts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The ledger has no entry of that number yet.
    LedgerNew,
    /// The state is the one that was read.
    StateUnmoved,
    /// The account is the one that was relied on.
    AccountUnmoved,
    /// The challenge is open, both budgets have a guess left, and the last guess was long enough ago.
    GuessLeft,
    /// A limit beside the state has room.
    QuotaLeft,
    /// The profile is the one that was read.
    ProfileUnmoved,
    /// The counter is the one that was read.
    CounterUnmoved,
    /// The window is the one that was read.
    WindowUnmoved,
    /// There is no such incident yet.
    IncidentNew,
    /// The incident is the one that was read.
    IncidentUnmoved,
    /// The heartbeat is later than the last.
    BeatLater,
    /// The state is the one whose due time was found stale.
    DueUnmoved,
    /// The transfer PIN is the one that was read, and both budgets have a guess left.
    PinGuessLeft,
    /// No later tenure holds the number.
    NumberFree,
    /// There is no such contact of the care desk yet.
    ContactNew,
}

impl Condition {
    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LedgerNew => "ledger-new",
            Self::StateUnmoved => "state-unmoved",
            Self::AccountUnmoved => "account-unmoved",
            Self::GuessLeft => "guess-left",
            Self::QuotaLeft => "quota-left",
            Self::ProfileUnmoved => "profile-unmoved",
            Self::CounterUnmoved => "counter-unmoved",
            Self::WindowUnmoved => "window-unmoved",
            Self::IncidentNew => "incident-new",
            Self::IncidentUnmoved => "incident-unmoved",
            Self::BeatLater => "beat-later",
            Self::DueUnmoved => "due-unmoved",
            Self::PinGuessLeft => "pin-guess-left",
            Self::NumberFree => "number-free",
            Self::ContactNew => "contact-new",
        }
    }

    fn lost(self) {
        telemetry::count(Metric::Conflict, self.name());
    }
}

/// How a write ended.
#[derive(Debug)]
pub enum Committed {
    /// All of it is there.
    Done,
    /// None of it is; the items as they stand, where DynamoDB gave them.
    Lost(Box<View>),
    /// None of it is: a limit has no room. Trying again does not help.
    Full(Denied),
}

/// How a claim ended.
#[derive(Debug)]
pub enum Claimed {
    /// One guess was counted; the subject as it stands now.
    Yes(Box<View>),
    /// None was; the subject as it stands.
    No(Box<View>),
}

/// Everything of an account.
#[derive(Debug, Default)]
pub struct Whole {
    /// The account.
    pub account: Option<Versioned<Account>>,
    /// Its lines, by id.
    pub lines: Vec<Versioned<Line>>,
    /// How it behaves.
    pub profile: Signal<Profile>,
    /// Version of the profile; 0 where there is none.
    pub profile_seq: u64,
}

impl Whole {
    /// What a command about one subject needs of it.
    #[must_use]
    pub fn view(&self, subject: &Subject) -> View {
        let line = match subject {
            Subject::Account => None,
            Subject::Line(id) => self.lines.iter().find(|line| line.state.id == *id).cloned(),
        };
        View { account: self.account.clone(), line, profile: self.profile.clone(), meetings: Meetings::default() }
    }
}

/// The tables.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    state: String,
    ledger: String,
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn partition(account: &AccountId) -> String {
    format!("v1#{account}")
}

fn sort(subject: &Subject) -> String {
    match subject {
        Subject::Account => "ACCOUNT".to_owned(),
        Subject::Line(line) => format!("LINE#{line}"),
    }
}

fn state_key(account: &AccountId, subject: &Subject) -> Item {
    Item::from([("pk".to_owned(), text(partition(account))), ("sk".to_owned(), text(sort(subject)))])
}

fn number_key(msisdn: &Msisdn) -> Item {
    Item::from([("pk".to_owned(), text(format!("v1#NUMBER#{}", msisdn.as_str()))), ("sk".to_owned(), text("NUMBER"))])
}

fn contact_key(contact: &CareContactId) -> Item {
    Item::from([("pk".to_owned(), text(format!("v1#CARE#{contact}"))), ("sk".to_owned(), text("CARE"))])
}

fn profile_key(account: &AccountId) -> Item {
    Item::from([("pk".to_owned(), text(partition(account))), ("sk".to_owned(), text("PROFILE"))])
}

fn counter_key(meeting: Meeting, mark: WideMark, part: u8) -> Item {
    let key = format!("v1#MEET#{}#{mark}#{part}", meeting.word());
    Item::from([("pk".to_owned(), text(key)), ("sk".to_owned(), text("MEET"))])
}

/// Which counter an item is.
fn counted_at(item: &Item) -> Option<(Meeting, WideMark)> {
    let mut parts = item.get("pk")?.as_s().ok()?.strip_prefix("v1#MEET#")?.split('#');
    let (word, mark) = (parts.next()?, parts.next()?);
    let meeting = Meeting::ALL.into_iter().find(|meeting| meeting.word() == word)?;
    Some((meeting, WideMark(u64::from_str_radix(mark, 16).ok()?)))
}

/// All parts of these counters.
fn counter_keys(counters: &BTreeMap<Meeting, WideMark>) -> impl Iterator<Item = Item> {
    counters.iter().flat_map(|(&meeting, &mark)| (0..meeting.parts()).map(move |part| counter_key(meeting, mark, part)))
}

fn stored(item: &Item, name: &str) -> Vec<u8> {
    item.get(name).and_then(|value| value.as_b().ok()).map(|blob| blob.as_ref().to_vec()).unwrap_or_default()
}

fn ledger_partition(owner: &Owner) -> String {
    format!("{}#{}", partition(&owner.account_id), sort(&owner.subject))
}

fn due_shard(owner: &Owner) -> String {
    let digest = Digest::of(&[&ledger_partition(owner)]);
    let spread = digest.as_str().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0);
    format!("v1#{}", spread % DUE_SHARDS)
}

fn field<T: DeserializeOwned>(item: &mut Item, name: &str) -> Result<T, Error> {
    let value = item.remove(name).ok_or(Error::Corrupt("an item lacks an attribute"))?;
    Ok(serde_dynamo::from_attribute_value(value)?)
}

fn versioned<S: DeserializeOwned>(mut item: Item) -> Result<Versioned<S>, Error> {
    Ok(Versioned {
        seq: field(&mut item, "seq")?,
        head: field(&mut item, "head")?,
        state: field(&mut item, "body")?,
        tally: field(&mut item, "tally")?,
    })
}

/// Puts one item where it belongs.
fn place(whole: &mut Whole, mut item: Item) -> Result<(), Error> {
    let kind = item.get("sk").and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    match kind.as_str() {
        "ACCOUNT" => whole.account = Some(versioned(item)?),
        "PROFILE" => {
            whole.profile_seq = field(&mut item, "seq")?;
            // A profile that cannot be read is no reason to be blind to everything else: it weighs as
            // "unavailable" (I4).
            whole.profile = Profile::decode(&stored(&item, "body")).map_or(Signal::Unavailable, Signal::Present);
        }
        line if line.starts_with("LINE#") => whole.lines.push(versioned(item)?),
        _ => {}
    }
    Ok(())
}

fn view(mut whole: Whole, meetings: Meetings) -> View {
    View { account: whole.account, line: whole.lines.pop(), profile: whole.profile, meetings }
}

/// The items that a lost write came with.
fn stands(items: impl IntoIterator<Item = Item>) -> Result<Box<View>, Error> {
    let mut whole = Whole::default();
    for item in items {
        place(&mut whole, item)?;
    }
    Ok(Box::new(view(whole, Meetings::default())))
}

fn build<T>(built: Result<T, aws_sdk_dynamodb::error::BuildError>) -> Result<T, Error> {
    built.map_err(|error| Error::aws("dynamodb", error))
}

impl Store {
    /// Over these two tables.
    #[must_use]
    pub fn new(client: Client, state: &str, ledger: &str) -> Self {
        Self { client, state: state.to_owned(), ledger: ledger.to_owned() }
    }

    /// The one read of a command: the account, the line if one is named, and the profile; consistent.
    ///
    /// # Errors
    /// [`Error`]. A missing item is no error.
    pub async fn read(&self, account: &AccountId, subject: &Subject) -> Result<View, Error> {
        self.read_with(account, subject, &BTreeMap::new()).await
    }

    /// The same, with the counters that concern a request: still one read.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub async fn read_with(
        &self,
        account: &AccountId,
        subject: &Subject,
        counters: &BTreeMap<Meeting, WideMark>,
    ) -> Result<View, Error> {
        let mut wanted = vec![state_key(account, &Subject::Account), profile_key(account)];
        if let Subject::Line(_) = subject {
            wanted.push(state_key(account, subject));
        }
        wanted.extend(counter_keys(counters));
        let mut whole = Whole { profile: Signal::Absent, ..Whole::default() };
        let mut meetings = Meetings::asked(counters.keys().copied());
        for item in self.batch(wanted).await? {
            match counted_at(&item) {
                Some((meeting, _)) => meetings.add(meeting, &stored(&item, "body")),
                None => place(&mut whole, item)?,
            }
        }
        Ok(view(whole, meetings))
    }

    /// The items of these keys that there are, consistent.
    async fn batch(&self, mut wanted: Vec<Item>) -> Result<Vec<Item>, Error> {
        let mut found = Vec::new();
        let mut pause = Duration::ZERO;
        while !wanted.is_empty() {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).clamp(PAUSES.0, PAUSES.1);
            let keys = build(KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build())?;
            let call = self.client.batch_get_item().request_items(&self.state, keys);
            let mut answer =
                call.send().await.map_err(|error| Error::aws("dynamodb:BatchGetItem", error.into_service_error()))?;
            found.extend(answer.responses.as_mut().and_then(|tables| tables.remove(&self.state)).unwrap_or_default());
            // What DynamoDB had no time for is asked for again, after a pause: a missing item must mean that there is
            // none. The function's own time ends it.
            wanted = answer
                .unprocessed_keys
                .and_then(|mut tables| tables.remove(&self.state))
                .map(|rest| rest.keys)
                .unwrap_or_default();
        }
        Ok(found)
    }

    /// Everything of an account in one read: for lists and for evidence about all of its lines. At most
    /// a megabyte, about 300 lines; `after` names the line to go on from.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn read_whole(&self, account: &AccountId) -> Result<Whole, Error> {
        let mut whole = Whole { profile: Signal::Absent, ..Whole::default() };
        let mut from = None;
        loop {
            let call = self
                .client
                .query()
                .table_name(&self.state)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(partition(account)))
                .set_exclusive_start_key(from)
                .consistent_read(true);
            let answer = call.send().await.map_err(|error| Error::aws("dynamodb:Query", error.into_service_error()))?;
            for item in answer.items.unwrap_or_default() {
                place(&mut whole, item)?;
            }
            from = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if from.is_none() {
                return Ok(whole);
            }
        }
    }

    /// Writes a transaction: entries, states, and what they rely on; all or nothing.
    ///
    /// # Errors
    /// [`Error`]; the write may have happened where the call failed. Doing the command again is safe: it
    /// finds what it did.
    pub async fn commit(&self, transaction: &Transaction, now: Timestamp) -> Result<Committed, Error> {
        let mut writes = Writes::default();
        if let Some(append) = &transaction.account {
            let over = append.after.state.closed_at;
            self.append(&mut writes, append, append.after.state.due(now), over, transaction.roll_tally)?;
            if let Some(contact) = &append.contact {
                self.contact(&mut writes, &append.after.state.id, contact)?;
            }
        }
        if let Some(append) = &transaction.line {
            let over = append.after.state.ended_at;
            self.append(&mut writes, append, append.after.state.book.due(now), over, transaction.roll_tally)?;
            if let Some(number) = &append.number {
                self.number(&mut writes, number, &append.after.state, append.entry.at)?;
            }
        }
        if let Some((account, seq)) = &transaction.account_unmoved {
            self.account_unmoved(&mut writes, account, *seq)?;
        }
        if let (true, Some(append)) = (transaction.profile_ends, &transaction.account) {
            self.profile_ends(&mut writes, append)?;
        }
        for quota in &transaction.quotas {
            self.quota(&mut writes, quota)?;
        }
        self.write(writes).await
    }

    /// Writes the entry that follows another one at once, without a read: the state must be the one that
    /// the other entry left.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn follow(&self, follow: &Follow) -> Result<Committed, Error> {
        let mut writes = Writes::default();
        let owner = &follow.entry.owner;
        self.entry(&mut writes, &follow.entry, &follow.json, &follow.head)?;
        let mut expression = "SET seq = :seq, head = :head".to_owned();
        let mut update = Update::builder()
            .table_name(&self.state)
            .set_key(Some(state_key(&owner.account_id, &owner.subject)))
            .condition_expression("seq = :before")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .expression_attribute_values(":seq", number(follow.entry.seq))
            .expression_attribute_values(":before", number(follow.entry.seq.saturating_sub(1)))
            .expression_attribute_values(":head", text(follow.head.as_str()));
        if let Some(change) = &follow.change {
            expression.push_str(", body.book.changes.#change = :change");
            update = update
                .expression_attribute_names("#change", change.id.as_str())
                .expression_attribute_values(":change", serde_dynamo::to_attribute_value(change)?);
        }
        if let Some((notice, rest)) = &follow.notice {
            update = update.expression_attribute_names("#untold", notice.to_string());
            match rest {
                Some(rest) => {
                    expression.push_str(", body.book.untold.#untold = :untold");
                    update = update.expression_attribute_values(":untold", serde_dynamo::to_attribute_value(rest)?);
                }
                None => expression.push_str(" REMOVE body.book.untold.#untold"),
            }
        }
        writes.push(
            Condition::StateUnmoved,
            TransactWriteItem::builder().update(build(update.update_expression(expression).build())?).build(),
        );
        if let Some(seq) = follow.relies_on_account {
            self.account_unmoved(&mut writes, &owner.account_id, seq)?;
        }
        self.write(writes).await
    }

    /// Counts one guess, if the challenge is open, both budgets have one left and the last one was long enough
    /// ago, in one conditional write before anything is compared (I3). However many callers: never more than
    /// the budgets.
    ///
    /// # Errors
    /// [`Error`]; a guess may have been counted where the call failed.
    pub async fn claim(&self, account: &AccountId, claim: &Claim, now: Timestamp, settings: &Settings) -> Result<Claimed, Error> {
        let mut condition = "body.book.changes.#change.challenge.id = :challenge \
                             AND body.book.changes.#change.challenge.expires_at > :now \
                             AND tally.tries.#challenge < :each AND tally.guesses < :day"
            .to_owned();
        let mut call = self.client.update_item();
        for (n, (from, wait)) in settings.rising_waits().into_iter().enumerate() {
            condition.push_str(&format!(" AND (tally.guesses < :from{n} OR tally.#last <= :since{n})"));
            call = call
                .expression_attribute_values(format!(":from{n}"), number(from))
                .expression_attribute_values(format!(":since{n}"), number((now - wait).as_second()));
        }
        let call = call
            .table_name(&self.state)
            .set_key(Some(state_key(account, claim.change.subject())))
            .update_expression(
                "SET tally.tries.#challenge = tally.tries.#challenge + :one, tally.guesses = tally.guesses + :one, \
                 tally.#last = :now",
            )
            .condition_expression(condition)
            .expression_attribute_names("#last", "last")
            .expression_attribute_names("#challenge", claim.challenge.as_str())
            .expression_attribute_names("#change", claim.change.as_str())
            .expression_attribute_values(":challenge", text(claim.challenge.as_str()))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":each", number(settings.guesses_per_challenge))
            .expression_attribute_values(":day", number(settings.guesses_per_day));
        guess(call, Condition::GuessLeft).await
    }

    /// Counts one guess at a line's transfer PIN, if it is still that PIN and both budgets have one left: under the
    /// PIN and under the line's day, whichever gateway it came through. Never more, however many callers (I3).
    ///
    /// # Errors
    /// [`Error`]; a guess may have been counted where the call failed.
    pub async fn claim_pin(
        &self,
        account: &AccountId,
        line: &LineId,
        pin: &ChallengeId,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Claimed, Error> {
        let call = self
            .client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(state_key(account, &Subject::Line(line.clone()))))
            .update_expression(
                "SET tally.tries.#pin = tally.tries.#pin + :one, tally.guesses = tally.guesses + :one, tally.#last = :now",
            )
            .condition_expression(
                "body.pin.id = :pin AND body.pin.expires_at > :now AND tally.tries.#pin < :each AND tally.guesses < :day",
            )
            .expression_attribute_names("#last", "last")
            .expression_attribute_names("#pin", pin.as_str())
            .expression_attribute_values(":pin", text(pin.as_str()))
            .expression_attribute_values(":now", number(now.as_second()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":each", number(settings.guesses_per_challenge))
            .expression_attribute_values(":day", number(settings.guesses_per_day));
        guess(call, Condition::PinGuessLeft).await
    }

    /// Whose a number is now, or was last; nothing where it never was one of ours.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn find_number(&self, msisdn: &Msisdn) -> Result<Option<(AccountId, LineId)>, Error> {
        let mut found = self.batch(vec![number_key(msisdn)]).await?;
        let Some(mut item) = found.pop() else { return Ok(None) };
        Ok(Some((field(&mut item, "account")?, field(&mut item, "line")?)))
    }

    /// Which line a contact of the care desk is about; nothing where there is none, or it was so long ago that it does
    /// not matter.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn find_contact(&self, contact: &CareContactId) -> Result<Option<(AccountId, LineId)>, Error> {
        let mut found = self.batch(vec![contact_key(contact)]).await?;
        let Some(mut item) = found.pop() else { return Ok(None) };
        Ok(Some((field(&mut item, "account")?, field(&mut item, "line")?)))
    }

    /// Replaces a profile that was read at version `seq` (0: there was none). Returns whether it did.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn write_profile(&self, account: &AccountId, profile: &Profile, seq: u64) -> Result<bool, Error> {
        self.replace(profile_key(account), profile.encode(), seq, None, Condition::ProfileUnmoved).await
    }

    /// What was counted where something is counted, all lines together.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn read_counters(&self, counters: &BTreeMap<Meeting, WideMark>) -> Result<Meetings, Error> {
        let mut meetings = Meetings::asked(counters.keys().copied());
        let wanted: Vec<Item> = counter_keys(counters).collect();
        for item in if wanted.is_empty() { Vec::new() } else { self.batch(wanted).await? } {
            if let Some((meeting, _)) = counted_at(&item) {
                meetings.add(meeting, &stored(&item, "body"));
            }
        }
        Ok(meetings)
    }

    /// Counts a line once more in each of these counters. One that has just counted it is left as it is, so
    /// that what thousands meet at is not written at every visit. Counting the same again after a crash adds
    /// a little to what is usual there, and no line.
    ///
    /// # Errors
    /// [`Error`]. [`Error::Busy`] where others were faster, again and again.
    pub async fn count(&self, counters: &BTreeMap<Meeting, WideMark>, line: WideMark, at: Timestamp) -> Result<(), Error> {
        let mut left = counters.clone();
        for _ in 0..COUNT_ATTEMPTS {
            let keys = left.iter().map(|(meeting, mark)| counter_key(*meeting, *mark, meeting.part_of(line)));
            let found: HashMap<Meeting, Item> = match left.is_empty() {
                true => return Ok(()),
                false => {
                    self.batch(keys.collect()).await?.into_iter().filter_map(|item| Some((counted_at(&item)?.0, item))).collect()
                }
            };
            for (meeting, mark) in std::mem::take(&mut left) {
                let mut seq = 0;
                let mut counter = Counter::default();
                if let Some(mut item) = found.get(&meeting).cloned() {
                    seq = field(&mut item, "seq")?;
                    // What cannot be read is begun again.
                    counter = Counter::decode(&stored(&item, "body")).unwrap_or_default();
                }
                if counter.has_just_seen(line, at) {
                    continue;
                }
                counter.add(line, at);
                let (key, until) = (counter_key(meeting, mark, meeting.part_of(line)), counter.touched() + KEPT_FOR);
                if !self.replace(key, counter.encode(), seq, Some(until), Condition::CounterUnmoved).await? {
                    left.insert(meeting, mark);
                }
            }
        }
        if left.is_empty() { Ok(()) } else { Err(Error::Busy) }
    }

    /// Replaces bytes that were read at version `seq` (0: there were none). Returns whether it did.
    async fn replace(
        &self,
        key: Item,
        body: Vec<u8>,
        seq: u64,
        until: Option<Timestamp>,
        otherwise: Condition,
    ) -> Result<bool, Error> {
        let gone = if until.is_some() { ", expires_at = :until" } else { "" };
        let condition = if seq == 0 { "attribute_not_exists(pk)" } else { "seq = :before" };
        let mut call = self
            .client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(key))
            .update_expression(format!("SET body = :body, seq = :seq{gone}"))
            .condition_expression(condition)
            .expression_attribute_values(":body", AttributeValue::B(Blob::new(body)))
            .expression_attribute_values(":seq", number(seq.saturating_add(1)));
        if seq > 0 {
            call = call.expression_attribute_values(":before", number(seq));
        }
        if let Some(until) = until {
            call = call.expression_attribute_values(":until", number(until.as_second()));
        }
        match call.send().await.map_err(SdkError::into_service_error) {
            Ok(_) => Ok(true),
            Err(UpdateItemError::ConditionalCheckFailedException(_)) => {
                otherwise.lost();
                Ok(false)
            }
            Err(error) => Err(Error::aws("dynamodb:UpdateItem", error)),
        }
    }

    /// The subjects of one shard for which something may be due, the longest due first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn due(&self, shard: u32, now: Timestamp, limit: i32) -> Result<Vec<Owner>, Error> {
        let call = self
            .client
            .query()
            .table_name(&self.state)
            .index_name("due")
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", text(format!("v1#{shard}")))
            .expression_attribute_values(":now", number(now.as_second()))
            .limit(limit);
        let answer = call.send().await.map_err(|error| Error::aws("dynamodb:Query", error.into_service_error()))?;
        Ok(answer.items.unwrap_or_default().iter().filter_map(owner).collect())
    }

    /// Sets a due time that was found too early: nothing else changes, so it has no ledger entry.
    ///
    /// # Errors
    /// [`Error`]. Where the subject has moved on, its own write has set the time.
    pub async fn reschedule(&self, owner: &Owner, seq: u64, due: Option<Timestamp>) -> Result<(), Error> {
        let mut call = self
            .client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(state_key(&owner.account_id, &owner.subject)))
            .condition_expression("seq = :before")
            .expression_attribute_values(":before", number(seq));
        call = match due {
            Some(at) => call.update_expression("SET due_at = :due").expression_attribute_values(":due", number(at.as_second())),
            None => call.update_expression("REMOVE due_shard, due_at"),
        };
        match call.send().await.map_err(SdkError::into_service_error) {
            Ok(_) => Ok(()),
            Err(UpdateItemError::ConditionalCheckFailedException(_)) => {
                Condition::DueUnmoved.lost();
                Ok(())
            }
            Err(error) => Err(Error::aws("dynamodb:UpdateItem", error)),
        }
    }

    fn entry(&self, writes: &mut Writes, entry: &Entry, json: &str, hash: &Digest) -> Result<(), Error> {
        let mut put = Put::builder()
            .table_name(&self.ledger)
            .item("pk", text(ledger_partition(&entry.owner)))
            .item("seq", number(entry.seq))
            .item("entry", text(json))
            .item("hash", text(hash.as_str()))
            .condition_expression("attribute_not_exists(pk)");
        if entry.relays() {
            put = put.item("relay", text("yes"));
        }
        if !entry.met.is_empty() {
            put = put.item("met", text("yes"));
        }
        writes.push(Condition::LedgerNew, TransactWriteItem::builder().put(build(put.build())?).build());
        Ok(())
    }

    fn append<S: Serialize>(
        &self,
        writes: &mut Writes,
        append: &Append<S>,
        due: Option<Timestamp>,
        over: Option<Timestamp>,
        roll_tally: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.entry(writes, &append.entry, &append.json, &append.after.head)?;
        let owner = &append.entry.owner;
        let mut set = vec!["body = :body".to_owned(), "seq = :seq".to_owned(), "head = :head".to_owned()];
        let mut remove: Vec<String> = Vec::new();
        let mut conditions: Vec<&str> = Vec::new();
        let mut update = Update::builder()
            .table_name(&self.state)
            .set_key(Some(state_key(&owner.account_id, &owner.subject)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .expression_attribute_values(":body", serde_dynamo::to_attribute_value(&append.after.state)?)
            .expression_attribute_values(":seq", number(append.after.seq))
            .expression_attribute_values(":head", text(append.after.head.as_str()));
        if append.before_seq == 0 {
            conditions.push("attribute_not_exists(pk)");
            set.push("tally = :tally".to_owned());
            update = update.expression_attribute_values(":tally", serde_dynamo::to_attribute_value(&append.after.tally)?);
        } else {
            conditions.push("seq = :before");
            update = update.expression_attribute_values(":before", number(append.before_seq));
            update = tries(update, &append.opened, &append.closed, &mut set, &mut remove);
            if let Some(since) = roll_tally {
                // Named besides `seq`, which a claim does not move.
                conditions.push("tally.since = :since");
                set.push("tally.since = :today".to_owned());
                set.push("tally.guesses = :zero".to_owned());
                update = update
                    .expression_attribute_values(":since", number(since.as_second()))
                    .expression_attribute_values(":today", number(append.entry.at.as_second()))
                    .expression_attribute_values(":zero", number(0));
            }
        }
        match due {
            Some(at) => {
                set.push("due_shard = :shard".to_owned());
                set.push("due_at = :due".to_owned());
                update = update
                    .expression_attribute_values(":shard", text(due_shard(owner)))
                    .expression_attribute_values(":due", number(at.as_second()));
            }
            None => remove.extend(["due_shard".to_owned(), "due_at".to_owned()]),
        }
        if let Some(over) = over {
            set.push("expires_at = :gone".to_owned());
            update = update.expression_attribute_values(":gone", number((over + AFTERLIFE).as_second()));
        }
        let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        let update =
            update.update_expression(format!("SET {}{remove}", set.join(", "))).condition_expression(conditions.join(" AND "));
        writes.push(Condition::StateUnmoved, TransactWriteItem::builder().update(build(update.build())?).build());
        Ok(())
    }

    /// The number's place in the directory: its line's, unless a later tenure holds it already.
    fn number(&self, writes: &mut Writes, msisdn: &Msisdn, line: &Line, since: Timestamp) -> Result<(), Error> {
        let update = Update::builder()
            .table_name(&self.state)
            .set_key(Some(number_key(msisdn)))
            .update_expression("SET account = :account, line = :line, since = :since")
            .condition_expression("attribute_not_exists(pk) OR since <= :since")
            .expression_attribute_values(":account", text(line.account_id.as_str()))
            .expression_attribute_values(":line", text(line.id.as_str()))
            .expression_attribute_values(":since", number(since.as_second()));
        writes.push(Condition::NumberFree, TransactWriteItem::builder().update(build(update.build())?).build());
        writes.full.push(Denied::DoesNotFit("a later tenure holds the number"));
        Ok(())
    }

    /// The profile goes when the closed account does. It was read: there is one.
    fn profile_ends(&self, writes: &mut Writes, append: &Append<Account>) -> Result<(), Error> {
        let update = Update::builder()
            .table_name(&self.state)
            .set_key(Some(profile_key(&append.entry.owner.account_id)))
            .update_expression("SET expires_at = :gone")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":gone", number((append.entry.at + AFTERLIFE).as_second()));
        writes.push(Condition::ProfileUnmoved, TransactWriteItem::builder().update(build(update.build())?).build());
        Ok(())
    }

    /// Where a contact of the care desk is found by its id, which says nothing of whose line it is about.
    fn contact(&self, writes: &mut Writes, account: &AccountId, contact: &CareContact) -> Result<(), Error> {
        let update = Update::builder()
            .table_name(&self.state)
            .set_key(Some(contact_key(&contact.id)))
            .update_expression("SET account = :account, line = :line, expires_at = :until")
            .condition_expression("attribute_not_exists(pk)")
            .expression_attribute_values(":account", text(account.as_str()))
            .expression_attribute_values(":line", text(contact.line.as_str()))
            .expression_attribute_values(":until", number((contact.expires_at + CONTACT_KEPT).as_second()));
        writes.push(Condition::ContactNew, TransactWriteItem::builder().update(build(update.build())?).build());
        Ok(())
    }

    fn account_unmoved(&self, writes: &mut Writes, account: &AccountId, seq: u64) -> Result<(), Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.state)
            .set_key(Some(state_key(account, &Subject::Account)))
            .condition_expression("seq = :seq")
            .expression_attribute_values(":seq", number(seq))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        writes.push(Condition::AccountUnmoved, TransactWriteItem::builder().condition_check(build(check)?).build());
        Ok(())
    }

    /// One more of what is limited, or the question whether there is room: a condition of the transaction.
    fn quota(&self, writes: &mut Writes, quota: &Quota) -> Result<(), Error> {
        let key = Item::from([
            ("pk".to_owned(), text(format!("v1#QUOTA#{}#{}", quota.kind, quota.of))),
            ("sk".to_owned(), text("QUOTA")),
        ]);
        let room = "attribute_not_exists(pk) OR taken < :limit";
        let item = if quota.takes {
            let update = Update::builder()
                .table_name(&self.state)
                .set_key(Some(key))
                .update_expression("SET taken = if_not_exists(taken, :none) + :one, expires_at = :until")
                .condition_expression(room)
                .expression_attribute_values(":limit", number(quota.limit))
                .expression_attribute_values(":none", number(0))
                .expression_attribute_values(":one", number(1))
                .expression_attribute_values(":until", number(quota.until.as_second()));
            TransactWriteItem::builder().update(build(update.build())?).build()
        } else {
            let check = ConditionCheck::builder()
                .table_name(&self.state)
                .set_key(Some(key))
                .condition_expression(room)
                .expression_attribute_values(":limit", number(quota.limit));
            TransactWriteItem::builder().condition_check(build(check.build())?).build()
        };
        writes.push(Condition::QuotaLeft, item);
        writes.full.push(quota.otherwise);
        Ok(())
    }

    async fn write(&self, mut writes: Writes) -> Result<Committed, Error> {
        let items = std::mem::take(&mut writes.items);
        let call = self.client.transact_write_items().set_transact_items(Some(items));
        match call.send().await.map_err(SdkError::into_service_error) {
            Ok(_) => Ok(Committed::Done),
            Err(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                lost(&writes, cancelled.cancellation_reasons)
            }
            Err(error) if error.is_transaction_in_progress_exception() => Ok(Committed::Lost(Box::default())),
            Err(error) => Err(Error::aws("dynamodb:TransactWriteItems", error)),
        }
    }
}

/// Counts a guess where its condition holds; either way the subject as it stands comes back in the same call.
async fn guess(call: UpdateItemFluentBuilder, condition: Condition) -> Result<Claimed, Error> {
    let call = call
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match call.send().await.map_err(SdkError::into_service_error) {
        Ok(answer) => Ok(Claimed::Yes(stands(answer.attributes)?)),
        Err(UpdateItemError::ConditionalCheckFailedException(refused)) => {
            condition.lost();
            Ok(Claimed::No(stands(refused.item)?))
        }
        Err(error) => Err(Error::aws("dynamodb:UpdateItem", error)),
    }
}

/// The parts of a transaction, each with the name of its condition.
#[derive(Default)]
struct Writes {
    items: Vec<TransactWriteItem>,
    conditions: Vec<Condition>,
    /// What is said where a quota is full or a number is taken, in the order of these.
    full: Vec<Denied>,
}

impl Writes {
    fn push(&mut self, condition: Condition, item: TransactWriteItem) {
        self.conditions.push(condition);
        self.items.push(item);
    }
}

/// Starts and drops the counts of challenges that open and close.
fn tries(
    mut update: aws_sdk_dynamodb::types::builders::UpdateBuilder,
    opened: &[ChallengeId],
    closed: &[ChallengeId],
    set: &mut Vec<String>,
    remove: &mut Vec<String>,
) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
    for (n, challenge) in opened.iter().enumerate() {
        set.push(format!("tally.tries.#opened{n} = :none"));
        update = update.expression_attribute_names(format!("#opened{n}"), challenge.as_str());
    }
    if !opened.is_empty() {
        update = update.expression_attribute_values(":none", number(0));
    }
    for (n, challenge) in closed.iter().enumerate() {
        remove.push(format!("tally.tries.#closed{n}"));
        update = update.expression_attribute_names(format!("#closed{n}"), challenge.as_str());
    }
    update
}

/// What a cancelled transaction means: lost to another writer, or failed.
fn lost(writes: &Writes, reasons: Option<Vec<CancellationReason>>) -> Result<Committed, Error> {
    let mut items = Vec::new();
    let mut other = None;
    let mut moved = false;
    let mut full = None;
    let mut quotas = writes.full.iter();
    for (condition, reason) in writes.conditions.iter().zip(reasons.unwrap_or_default()) {
        let otherwise = if matches!(condition, Condition::QuotaLeft | Condition::NumberFree) { quotas.next() } else { None };
        match reason.code.as_deref() {
            None | Some("None") => {}
            Some("ConditionalCheckFailed") => {
                condition.lost();
                moved |= otherwise.is_none();
                full = full.or(otherwise.copied());
                // The ledger's own item is no state; whoever wrote it moved the state too.
                items.extend(reason.item.filter(|_| *condition != Condition::LedgerNew));
            }
            Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded") => {
                telemetry::count(Metric::Conflict, "transaction");
                moved = true;
            }
            Some(_) => other = Some(reason.message.unwrap_or_default()),
        }
    }
    match (other, full) {
        (Some(message), _) => Err(Error::aws("dynamodb:TransactWriteItems", message)),
        // Where the state has moved on too, what stands now is decided on first.
        (None, Some(denied)) if !moved => Ok(Committed::Full(denied)),
        (None, _) => Ok(Committed::Lost(stands(items)?)),
    }
}

/// Whose item a key of the index is.
fn owner(item: &Item) -> Option<Owner> {
    let account_id = AccountId::parse(item.get("pk")?.as_s().ok()?.strip_prefix("v1#")?).ok()?;
    let subject = match item.get("sk")?.as_s().ok()?.as_str() {
        "ACCOUNT" => Subject::Account,
        line => Subject::Line(LineId::parse(line.strip_prefix("LINE#")?).ok()?),
    };
    Some(Owner { account_id, subject })
}
