//! What is kept of an account and its lines: one item each, replaced as a whole by [`Evolve`](crate::ledger::Evolve).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::change::{AccountSeen, Address, Change, Details};
use crate::config::Settings;
use crate::desk::Desk;
use crate::digest::Digest;
use crate::factors::{Credential, Enrolled, PasskeyKey, limit};
use crate::fraud::Case;
use crate::ids::{AccountId, ChallengeId, ChangeId, ContactId, FactorId, LineId, Subject};
use crate::kinds::{ChangeKind, Enrollable, Factor, Jurisdiction, Locale, Mode, Protection};
use crate::notice::Untold;
use crate::numbers::{Eid, Iccid, Imei, Msisdn};
use crate::policy::Cover;
use crate::porting::fields::Pon;
use crate::proof::Taint;
use crate::risk::profile::{PinRecord, Stamp};
use crate::risk::velocity::Meetings;
use crate::risk::{KeyShown, Profile};
use crate::signals::{DeviceProof, Signal};
use crate::time::{Span, Timestamp, Window};

/// How many changes that are over a subject remembers, for status reads and repeats.
pub const REMEMBERED: usize = 3;
/// How many changes may be open for one subject at a time.
pub const OPEN_CHANGES: usize = 3;
/// How many contacts an account may have.
pub const CONTACTS: usize = 8;

/// A state with its place in its ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<S> {
    /// Number of the ledger entry that made it; 0 before the first.
    pub seq: u64,
    /// Hash of that entry.
    pub head: Digest,
    /// The state.
    pub state: S,
    /// Guesses claimed, which are counted outside the ledger; a claimed guess's outcome follows in it.
    pub tally: Tally,
}

/// Guesses claimed on one subject. Only the store's conditional writes change it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// When the day's count began.
    pub since: Timestamp,
    /// Guesses since then, over all challenges, right or wrong.
    pub guesses: u32,
    /// When the last one was claimed.
    #[serde(default)]
    pub last: Timestamp,
    /// Guesses at each open challenge.
    pub tries: BTreeMap<ChallengeId, u32>,
}

/// One way to reach the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Where.
    pub address: Address,
    /// Since when.
    pub added_at: Timestamp,
    /// Until when, if it was removed. It is told of everything for a while after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// Whether the customer says that it is not hers: it proves nothing, and is still told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
    /// When the carrier last had an answer from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
}

/// Protections that are on, each with its mode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Protections(pub BTreeMap<Protection, Mode>);

/// What a line and an account have in common: their changes, notices and budgets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Open changes, and the last ones that are over.
    pub changes: BTreeMap<ChangeId, Change>,
    /// Notices not recorded as sent, by the number of their ledger entry.
    pub untold: BTreeMap<String, Untold>,
    /// Codes sent.
    pub codes: Window,
    /// Changes asked for.
    pub requests: Window,
    /// When a protection was last switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection_off_at: Option<Timestamp>,
}

/// A customer of the carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Whose rules apply.
    pub jurisdiction: Jurisdiction,
    /// Which language the customer reads.
    #[serde(default, skip_serializing_if = "Locale::is_default")]
    pub locale: Locale,
    /// Ways to reach the customer.
    pub contacts: Vec<Contact>,
    /// Protections for all lines, and lockdown.
    pub protections: Protections,
    /// What she has enrolled to prove herself with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<Enrolled>,
    /// When the account was last recovered: its sign-in was reset, or a recovery code was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_at: Option<Timestamp>,
    /// The case of fraud that is open, and the last one that is closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<Case>,
    /// When she was last told which protections are on offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reminded_at: Option<Timestamp>,
    /// What ports are compared with, where the carrier told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<Billing>,
    /// Since when.
    pub opened_at: Timestamp,
    /// Until when, if it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// What the care desk does for her.
    #[serde(default, skip_serializing_if = "Desk::is_empty")]
    pub desk: Desk,
    /// Changes, notices, budgets.
    pub book: Book,
}

/// The SIM that is in a line now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sim {
    /// The card or profile.
    pub iccid: Iccid,
    /// The chip, for an eSIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<Eid>,
    /// Since when.
    pub since: Timestamp,
}

/// A number transfer PIN that waits for its port: what is stored reveals nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferPin {
    /// Its id; guesses are counted under it.
    pub id: ChallengeId,
    /// The change that it was drawn by.
    pub change: ChangeId,
    /// Its MAC under a KMS key.
    pub mac: String,
    /// When it was asked for, and how.
    pub asked_at: Timestamp,
    /// See [`Change::pin_record`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<PinRecord>,
    /// Since when.
    pub issued_at: Timestamp,
    /// From when on it is worthless.
    pub expires_at: Timestamp,
}

/// What an order is compared with: digests, since nothing else is done with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billing {
    /// Of the account number.
    pub account_number: Digest,
    /// Of the ZIP or postal code.
    pub zip: Digest,
}

/// One phone number held by one account for one tenure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its id.
    pub id: LineId,
    /// Whose it is.
    pub account_id: AccountId,
    /// The number.
    pub msisdn: Msisdn,
    /// The SIM.
    pub sim: Sim,
    /// Whether the SIM was ever changed in this tenure: the first one is no change.
    pub sim_changed: bool,
    /// The SIM before this one, where it was in this tenure: what a reversal puts back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sim_before: Option<Iccid>,
    /// The handset, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imei: Option<Imei>,
    /// Protections of this line alone.
    pub protections: Protections,
    /// The number transfer PIN, where one was drawn and not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<TransferPin>,
    /// Since when.
    pub opened_at: Timestamp,
    /// Until when, if the tenure is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Changes, notices, budgets.
    pub book: Book,
}

/// Everything that one read brings. Where a function has not read the account, what the change remembers
/// of it stands in, and the write checks that it still holds.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The account, where it was read and exists.
    pub account: Option<Versioned<Account>>,
    /// The line, where it was read and exists.
    pub line: Option<Versioned<Line>>,
    /// How the account behaves.
    pub profile: Signal<Profile>,
    /// Where others met at what the request has.
    pub meetings: Meetings,
}

impl Protections {
    fn cover(&self, kind: ChangeKind, except: Option<Protection>) -> Cover {
        self.0
            .iter()
            .filter(|&(&protection, _)| protection.covers(kind) && Some(protection) != except)
            .map(|(_, mode)| match mode {
                Mode::StepUp => Cover::StepUp,
                Mode::Block => Cover::Block,
            })
            .max()
            .unwrap_or(Cover::Open)
    }
}

impl Book {
    /// Changes that are not over at `now`.
    pub fn open(&self, now: Timestamp) -> impl Iterator<Item = &Change> {
        self.changes.values().filter(move |change| change.status(now).is_open())
    }

    /// The challenges that are open.
    pub fn challenges(&self) -> impl Iterator<Item = &ChallengeId> {
        self.changes.values().filter_map(|change| change.challenge.as_ref()).map(|challenge| &challenge.id)
    }

    /// The next instant at which something is due.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        let changes = self.changes.values().filter_map(|change| change.due(now));
        changes.chain(self.untold.values().map(|untold| untold.retry_at)).min()
    }

    /// Whether a covering protection is on its way off: it is stricter for that time.
    fn cooling_off(&self, kind: ChangeKind, except: Option<Protection>, now: Timestamp) -> Cover {
        let cooling = self.open(now).any(|change| match &change.details {
            Details::ProtectionOff { protection } => protection.covers(kind) && Some(*protection) != except,
            Details::SimSwap { .. }
            | Details::PortOut { .. }
            | Details::PortPin {}
            | Details::NumberChange {}
            | Details::ContactChange { .. }
            | Details::CredentialReset {}
            | Details::AuthorizedUser { .. }
            | Details::Ownership {}
            | Details::AddLine {}
            | Details::DeviceUpgrade { .. }
            | Details::FactorAdd { .. }
            | Details::FactorRemove { .. } => false,
        });
        if cooling { Cover::CoolingOff } else { Cover::Open }
    }
}

/// The protection that a change switches off, which does not stand in its own way.
const fn own(details: &Details) -> Option<Protection> {
    match details {
        Details::ProtectionOff { protection } => Some(*protection),
        Details::SimSwap { .. }
        | Details::PortOut { .. }
        | Details::PortPin {}
        | Details::NumberChange {}
        | Details::ContactChange { .. }
        | Details::CredentialReset {}
        | Details::AuthorizedUser { .. }
        | Details::Ownership {}
        | Details::AddLine {}
        | Details::DeviceUpgrade { .. }
        | Details::FactorAdd { .. }
        | Details::FactorRemove { .. } => None,
    }
}

impl Contact {
    /// Whether it was held at an instant.
    #[must_use]
    pub fn held(&self, at: Timestamp) -> bool {
        self.added_at <= at && self.removed_at.is_none_or(|removed| at < removed)
    }

    /// Whether it still has to be told at an instant: held, or removed so lately that the removal may be
    /// the theft.
    #[must_use]
    pub fn told(&self, now: Timestamp, settings: &Settings) -> bool {
        self.added_at <= now && self.removed_at.is_none_or(|removed| now < removed + settings.taint)
    }
}

/// How often a customer is told which protections are on offer.
const YEARLY: Span = Span::days(365);
/// The first time is so many days after the account was opened, at least.
const FIRST_AFTER: u32 = 30;

impl Account {
    /// The next instant at which something is due: of its book, or the yearly notice.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        self.book.due(now).into_iter().chain(self.reminder_due()).min()
    }

    /// When she is next told which protections are on offer; never, once the account is closed. The first time is within
    /// a year, on a day of the account's own: what was imported in one night must not come due in one.
    #[must_use]
    pub fn reminder_due(&self) -> Option<Timestamp> {
        if self.closed_at.is_some() {
            return None;
        }
        let own_day = || {
            let digest = Digest::of(&["linekeeper reminder 1", self.id.as_str()]);
            let spread = digest.as_str().get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0);
            self.opened_at + Span::days(FIRST_AFTER) + Span::seconds(spread % (YEARLY.as_seconds() - FIRST_AFTER * 86_400))
        };
        Some(self.reminded_at.map_or_else(own_day, |at| at + YEARLY))
    }

    /// What the account says of a change now.
    #[must_use]
    pub fn seen(this: &Versioned<Self>, details: &Details, now: Timestamp, settings: &Settings) -> AccountSeen {
        let account = &this.state;
        let kind = details.kind();
        AccountSeen {
            seq: this.seq,
            cover: account.protections.cover(kind, own(details)).max(account.book.cooling_off(kind, own(details), now)),
            taint: account.taint(now, settings),
            open: account.closed_at.is_none(),
        }
    }

    /// A class of channels is tainted where none of it has been held for long enough. An account that has
    /// just been opened has nothing better: its first contacts came with it. Where nothing of the device is
    /// left, e-mail may have to stand in, so a passkey counts here, although a lost phone does not spoil it.
    pub(crate) fn taint(&self, now: Timestamp, settings: &Settings) -> Taint {
        let ripe = |is: fn(&Address) -> bool| {
            self.contacts.iter().any(|contact| is(&contact.address) && self.is_ripe(contact, now, settings))
        };
        let phone_lost = self.open_case().is_some_and(|case| case.phone_lost);
        Taint {
            sms: phone_lost,
            device: phone_lost
                || !ripe(|address| matches!(address, Address::Push(_)))
                    && ![Factor::Totp, Factor::Passkey].iter().any(|&factor| self.proves(factor, now)),
            email: !ripe(|address| matches!(address, Address::Email(_))),
        }
    }

    /// Whether a contact proves something: held, and not added lately unless with the account itself.
    #[must_use]
    pub fn is_ripe(&self, contact: &Contact, now: Timestamp, settings: &Settings) -> bool {
        contact.held(now) && !contact.disputed && (now >= contact.added_at + settings.taint || contact.added_at <= self.opened_at)
    }

    /// Whether no more of a kind can be added.
    #[must_use]
    pub fn is_full(&self, kind: Enrollable) -> bool {
        let held = self.factors.iter().filter(|known| known.credential.kind() == kind && known.credential.is_usable());
        held.count() >= limit(kind)
    }

    /// The factors of a kind that prove something.
    pub fn ripe(&self, factor: Factor, now: Timestamp) -> impl Iterator<Item = &Enrolled> {
        self.factors.iter().filter(move |enrolled| enrolled.proves(factor, now))
    }

    /// The passkey with a credential's id.
    #[must_use]
    pub fn passkey(&self, credential: &str) -> Option<(&FactorId, &PasskeyKey)> {
        self.factors.iter().find_map(|enrolled| match &enrolled.credential {
            Credential::Passkey(key) if key.credential == credential => Some((&enrolled.id, key)),
            Credential::Passkey(_) | Credential::Totp(_) | Credential::DeviceKey(_) | Credential::RecoveryCode(_) => None,
        })
    }

    /// The passkeys that prove something.
    pub fn ripe_passkeys(&self, now: Timestamp) -> impl Iterator<Item = &PasskeyKey> {
        self.ripe(Factor::Passkey, now).filter_map(|enrolled| match &enrolled.credential {
            Credential::Passkey(key) => Some(key),
            Credential::Totp(_) | Credential::DeviceKey(_) | Credential::RecoveryCode(_) => None,
        })
    }

    /// How many recovery codes have not been used.
    #[must_use]
    pub fn recovery_codes_left(&self) -> usize {
        let left = |enrolled: &Enrolled| match &enrolled.credential {
            Credential::RecoveryCode(set) => set.left(),
            Credential::Passkey(_) | Credential::Totp(_) | Credential::DeviceKey(_) => 0,
        };
        self.factors.iter().map(left).sum()
    }

    /// Whether a factor that was enrolled proves something.
    #[must_use]
    pub fn proves(&self, factor: Factor, now: Timestamp) -> bool {
        self.ripe(factor, now).next().is_some()
    }

    /// Whether the device's key that signed a request is one that proves something, where there are any.
    #[must_use]
    pub fn key_shown(&self, proof: Option<&DeviceProof>, now: Timestamp) -> KeyShown {
        let thumbprints: Vec<&str> = self
            .ripe(Factor::DeviceKey, now)
            .filter_map(|enrolled| match &enrolled.credential {
                Credential::DeviceKey(thumbprint) => Some(thumbprint.as_str()),
                Credential::Passkey(_) | Credential::Totp(_) | Credential::RecoveryCode(_) => None,
            })
            .collect();
        match proof {
            _ if thumbprints.is_empty() => KeyShown::NoneEnrolled,
            Some(proof) if thumbprints.contains(&proof.thumbprint.as_str()) => KeyShown::Yes,
            Some(_) | None => KeyShown::No,
        }
    }

    /// When a contact was last added to the opened account, or removed.
    #[must_use]
    pub fn contact_changed_at(&self) -> Option<Timestamp> {
        let added = self.contacts.iter().map(|contact| contact.added_at).filter(|&at| at > self.opened_at);
        added.chain(self.contacts.iter().filter_map(|contact| contact.removed_at)).max()
    }
}

impl Line {
    /// SMS to the line proves nothing for a while after its SIM changed.
    #[must_use]
    pub fn taint(&self, now: Timestamp, settings: &Settings) -> Taint {
        Taint { sms: self.sim_changed && now < self.sim.since + settings.taint, device: false, email: false }
    }

    /// When the SIM last changed in this tenure.
    #[must_use]
    pub fn sim_changed_at(&self) -> Option<Timestamp> {
        self.sim_changed.then_some(self.sim.since)
    }

    /// The transfer PIN, while it is worth something: not over, and no covering protection was on since. What was
    /// locked in the meantime has an unlock behind it, and that voids what was drawn before.
    #[must_use]
    pub fn live_pin(&self, account: &Account, now: Timestamp) -> Option<&TransferPin> {
        let unlocked = self.book.protection_off_at.max(account.book.protection_off_at);
        self.pin.as_ref().filter(|pin| now < pin.expires_at && unlocked.is_none_or(|at| at < pin.issued_at))
    }

    /// The port of an order, the latest version first.
    #[must_use]
    pub fn port(&self, order: &Pon) -> Option<&Change> {
        let ports = self.book.changes.values().filter(|change| change.details.order().is_some_and(|known| known.pon == *order));
        ports.max_by_key(|change| {
            (!change.has_ended(), change.port.as_ref().map(|port| port.version), change.request.requested_at)
        })
    }

    /// What the line's own protections say of a change.
    #[must_use]
    pub fn cover(&self, details: &Details, now: Timestamp) -> Cover {
        let kind = details.kind();
        self.protections.cover(kind, own(details)).max(self.book.cooling_off(kind, own(details), now))
    }
}

/// Whether a factor's codes go to an address.
const fn fits(factor: Factor, address: &Address) -> bool {
    match (factor, address) {
        (Factor::SmsOtp, Address::Sms(_)) | (Factor::EmailOtp, Address::Email(_)) | (Factor::PushOtp, Address::Push(_)) => true,
        (
            Factor::SmsOtp
            | Factor::EmailOtp
            | Factor::PushOtp
            | Factor::Totp
            | Factor::Passkey
            | Factor::DeviceKey
            | Factor::RecoveryCode
            | Factor::TransferPin
            | Factor::Document,
            Address::Sms(_) | Address::Email(_) | Address::Push(_),
        ) => false,
    }
}

impl View {
    /// The changes of a subject.
    #[must_use]
    pub fn book(&self, subject: &Subject) -> Option<&Book> {
        match subject {
            Subject::Account => self.account.as_ref().map(|account| &account.state.book),
            Subject::Line(id) => self.line.as_ref().filter(|line| line.state.id == *id).map(|line| &line.state.book),
        }
    }

    /// A change, wherever it is.
    #[must_use]
    pub fn change(&self, id: &ChangeId) -> Option<&Change> {
        self.book(id.subject())?.changes.get(id)
    }

    /// The guesses claimed on a subject.
    #[must_use]
    pub fn tally(&self, subject: &Subject) -> Option<&Tally> {
        match subject {
            Subject::Account => self.account.as_ref().map(|account| &account.tally),
            Subject::Line(_) => self.line.as_ref().map(|line| &line.tally),
        }
    }

    /// Which language the customer reads: what the account says, where it was read.
    #[must_use]
    pub fn locale(&self) -> Locale {
        self.account.as_ref().map(|account| account.state.locale).unwrap_or_default()
    }

    /// Where a code for a factor would go: a channel of the subject that proves something, or nothing.
    #[must_use]
    pub fn destination(&self, subject: &Subject, factor: Factor, now: Timestamp, settings: &Settings) -> Option<Address> {
        if let (Factor::SmsOtp, Subject::Line(_)) = (factor, subject) {
            return self.line.as_ref().map(|line| Address::Sms(line.state.msisdn.clone()));
        }
        let account = &self.account.as_ref()?.state;
        let ripe =
            account.contacts.iter().filter(|contact| fits(factor, &contact.address) && account.is_ripe(contact, now, settings));
        // The channel held longest is the one a thief is least likely to have added.
        ripe.min_by_key(|contact| contact.added_at).map(|contact| contact.address.clone())
    }

    /// Whether there is a channel at all that a factor's codes could be sent to.
    #[must_use]
    pub fn reaches(&self, subject: &Subject, factor: Factor, now: Timestamp) -> bool {
        if let (Factor::SmsOtp, Subject::Line(_)) = (factor, subject) {
            return self.line.is_some();
        }
        let contacts = self.account.as_ref().map(|account| account.state.contacts.as_slice()).unwrap_or_default();
        contacts.iter().any(|contact| contact.held(now) && fits(factor, &contact.address))
    }

    /// What the account says of a change: as read, else as remembered by the change.
    #[must_use]
    pub fn seen(
        &self,
        details: &Details,
        remembered: Option<&AccountSeen>,
        now: Timestamp,
        settings: &Settings,
    ) -> Option<AccountSeen> {
        match &self.account {
            Some(account) => Some(Account::seen(account, details, now, settings)),
            None => remembered.cloned(),
        }
    }

    /// The same, with the account recovered at `now`: what a recovery code's own step already counts with.
    #[must_use]
    pub fn recovered(&self, now: Timestamp) -> Self {
        let mut view = self.clone();
        if let Some(account) = &mut view.account {
            account.state.recovered_at = Some(now);
        }
        view
    }

    /// What the ledger knows to have happened, for the scorer.
    #[must_use]
    pub fn lately(&self) -> Vec<(Stamp, Timestamp)> {
        let account = self.account.as_ref().map(|account| &account.state);
        let line = self.line.as_ref().map(|line| &line.state);
        let unlocked = account.and_then(|a| a.book.protection_off_at).max(line.and_then(|l| l.book.protection_off_at));
        let passkeys = account.into_iter().flat_map(|account| &account.factors);
        let passkey =
            passkeys.filter(|enrolled| enrolled.credential.kind() == Enrollable::Passkey).map(|enrolled| enrolled.added_at);
        [
            (Stamp::Email, account.and_then(Account::contact_changed_at)),
            (Stamp::Unlock, unlocked),
            (Stamp::Passkey, passkey.max()),
            (Stamp::Reset, account.and_then(|account| account.recovered_at)),
            (Stamp::Swap, line.and_then(Line::sim_changed_at)),
        ]
        .into_iter()
        .filter_map(|(stamp, at)| Some((stamp, at?)))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_that_were_opened_in_one_night_are_not_reminded_in_one() {
        let old = r#"{"id":"a","jurisdiction":"us","contacts":[],"protections":{},"opened_at":1790000000,"book":{"changes":{},"untold":{},"codes":{"since":0,"count":0},"requests":{"since":0,"count":0}}}"#;
        let account: Account = serde_json::from_str(old).unwrap();
        let mut by_month = [0_u32; 13];
        for n in 0..1_200 {
            let account = Account { id: AccountId::parse(&format!("acct-{n}")).unwrap(), ..account.clone() };
            let after = account.reminder_due().unwrap().since(account.opened_at).as_seconds() / 86_400;
            assert!((30..365).contains(&after), "{after}");
            by_month[usize::try_from(after / 30).unwrap()] += 1;
        }
        assert!(by_month[1..12].iter().all(|&month| (60..160).contains(&month)), "{by_month:?}");
        let reminded = Account { reminded_at: Some(account.opened_at), ..account.clone() };
        assert_eq!(reminded.reminder_due(), Some(account.opened_at + Span::days(365)));
        assert_eq!(Account { closed_at: Some(account.opened_at), ..account }.reminder_due(), None);
    }

    #[test]
    fn an_account_from_before_there_were_locales_reads_as_english_and_is_written_as_it_was() {
        let old = r#"{"id":"a","jurisdiction":"us","contacts":[],"protections":{},"opened_at":1790000000,"book":{"changes":{},"untold":{},"codes":{"since":0,"count":0},"requests":{"since":0,"count":0}}}"#;
        let account: Account = serde_json::from_str(old).unwrap();
        assert_eq!(account.locale, Locale::En);
        assert_eq!(serde_json::to_string(&account).unwrap(), old);
        let spanish = serde_json::to_string(&Account { locale: Locale::Es, ..account }).unwrap();
        assert!(spanish.contains(r#""locale":"es""#), "{spanish}");
        assert_eq!(serde_json::from_str::<Account>(&spanish).unwrap().locale, Locale::Es);
    }
}
