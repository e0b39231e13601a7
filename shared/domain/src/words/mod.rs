//! What the customer reads, in the language of the account: which text goes with which message. The
//! sentences of a language are in one file: `en.rs`, `es.rs`.

pub(crate) mod checkup;
mod en;
mod es;
#[cfg(test)]
mod tests;

use crate::change::{Address, Change, Details};
use crate::desk::Purpose;
use crate::fraud::{Case, CaseId, CaseOutcome};
use crate::kinds::{ChangeKind, Channel, Locale, Protection, Reason};
use crate::notice::Message;
use crate::secret::OtpCode;
use crate::time::{Span, Timestamp};

/// A text for every channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Subject of the e-mail, title of the push message.
    pub subject: String,
    /// One or two sentences, in letters that an SMS carries: SMS and push.
    pub short: String,
    /// The e-mail.
    pub long: String,
}

/// Every sentence of a language. One that is missing does not compile.
///
/// Write each with its accents: [`seven_bit`] takes off those that an SMS cannot carry.
trait Language {
    /// A change, in the forms that the sentences below need. Names where it goes.
    fn act(&self, details: &Details) -> Act;
    /// The same for a change that is not remembered any more.
    fn forgotten_act(&self) -> Act;
    /// A protection as customers know it.
    fn protection(&self, protection: Protection) -> &'static str;
    /// How long something takes: `24 hours`.
    fn duration(&self, count: u32, unit: Unit) -> String;

    /// Subject of the e-mail with a code.
    fn code_subject(&self) -> &'static str;
    /// The code by SMS and push: what it does, and that nobody will ever ask for it.
    fn code_short(&self, code: &str, act: &Act) -> String;
    /// The code by e-mail: the same, and what to do.
    fn code_long(&self, code: &str, act: &Act) -> String;

    /// [`Message::Asked`].
    fn asked(&self, act: &Act, door: &Door<'_>, wait: Option<&str>) -> Said;
    /// [`Message::Refused`].
    fn refused(&self, act: &Act, door: &Door<'_>, why: Option<Why>) -> Said;
    /// [`Message::Raised`].
    fn raised(&self, act: &Act, wait: Option<&str>) -> Said;
    /// [`Message::Cancelled`].
    fn cancelled(&self, act: &Act) -> Said;
    /// [`Message::Completed`].
    fn completed(&self, act: &Act) -> Said;
    /// [`Message::Failed`].
    fn failed(&self, act: &Act) -> Said;
    /// [`Message::ProtectionOn`].
    fn protection_on(&self, name: &str) -> Said;
    /// [`Message::ProtectionOff`].
    fn protection_off(&self, name: &str) -> Said;
    /// [`Message::RecoveryCodeUsed`].
    fn recovery_code_used(&self, left: u8) -> Said;
    /// [`Message::PinIssued`].
    fn pin_issued(&self) -> Said;
    /// [`Message::Incident`].
    fn incident(&self, kind: ChangeKind) -> Said;
    /// [`Message::CareAsked`].
    fn care_asked(&self, by: &str, purpose: Purpose) -> Said;
    /// [`Message::Checked`]: `by` are the names of those who looked.
    fn checked(&self, act: &Act, by: &[&str], wait: Option<&str>) -> Said;

    /// [`Message::Reminder`].
    fn reminder(&self) -> Said;
    /// What follows it by e-mail: what each protection does.
    fn on_offer(&self) -> String;
    /// [`Message::LineEnded`].
    fn line_ended(&self, tail: u16) -> Said;
    /// [`Message::FraudReported`].
    fn fraud_reported(&self, case: CaseId) -> Said;
    /// [`Message::FraudRemedied`].
    fn fraud_remedied(&self, case: CaseId) -> Said;
    /// [`Message::FraudClosed`].
    fn fraud_closed(&self, case: CaseId, outcome: CaseOutcome) -> Said;
    /// The documentation of a case, for the e-mail: what was reported when and by which way, and what was done. Names
    /// no number and no address.
    fn statement(&self, case: &Case) -> String;

    /// A notice about a case by e-mail, with its documentation.
    fn letter_of_case(&self, said: &str, statement: &str) -> String;

    /// What follows a notice by SMS and push: the link that stops it.
    fn tap(&self, link: &str) -> String;
    /// A notice by e-mail, with the link that stops it.
    fn letter_with_link(&self, said: &str, link: &str) -> String;
    /// A notice by e-mail, where there is nothing to stop.
    fn letter(&self, said: &str) -> String;
}

/// A change in words.
struct Act {
    /// The end of "someone asked …" and of "the request …".
    asked: String,
    /// The end of "your code …"; short, since all of it has to fit one SMS.
    code: String,
    /// What is so once it is done, as a sentence without its capital and its full stop.
    done: String,
}

/// What a notice says.
struct Said {
    subject: &'static str,
    text: String,
}

/// Where a wish came from.
struct Door<'a> {
    channel: Channel,
    place: Option<&'a str>,
    /// Who served the customer in a store.
    served_by: Option<&'a str>,
}

/// Why something was refused, of what the customer may know.
#[derive(Clone, Copy)]
enum Why {
    UseTheApp,
    Locked,
    CoolingOff,
    Order,
}

/// What durations are counted in.
#[derive(Clone, Copy)]
enum Unit {
    Minute,
    Hour,
    Day,
}

fn language(locale: Locale) -> &'static dyn Language {
    match locale {
        Locale::En => &en::English,
        Locale::Es => &es::Spanish,
    }
}

/// The message that carries a code: what it authorizes, that nobody asks for it, and the origin-bound last
/// line `@host #code` that a browser fills in on that host alone.
#[must_use]
pub fn code(locale: Locale, change: &Change, code: &OtpCode, host: &str) -> Text {
    let (language, code) = (language(locale), code.expose());
    let act = language.act(&change.details);
    Text {
        subject: language.code_subject().to_owned(),
        short: seven_bit(&format!("{}\n\n@{host} #{code}", language.code_short(code, &act))),
        long: format!("{}\n\n@{host} #{code}", language.code_long(code, &act)),
    }
}

/// A notice. `link` is the one-tap "this was not me"; `change` and `case` as they stand.
#[must_use]
pub fn notice(
    locale: Locale,
    message: &Message,
    change: Option<&Change>,
    case: Option<&Case>,
    link: Option<&str>,
    now: Timestamp,
) -> Text {
    let language = language(locale);
    let act = change.map_or_else(|| language.forgotten_act(), |change| language.act(&change.details));
    let visit = change.and_then(|change| change.request.store.as_deref());
    let door = change.map_or(Door { channel: Channel::Pwa, place: None, served_by: None }, |change| Door {
        channel: change.request.channel,
        place: change.request.place.as_deref(),
        served_by: visit.map(|visit| visit.maker.name.as_str()),
    });
    let wait = change.and_then(|change| change.hold_until).filter(|until| *until > now);
    let wait = wait.map(|until| about(language, until.since(now)));
    let Said { subject, text } = match message {
        Message::Asked => language.asked(&act, &door, wait.as_deref()),
        Message::Refused => language.refused(&act, &door, change.and_then(why)),
        Message::Raised => language.raised(&act, wait.as_deref()),
        Message::Cancelled => language.cancelled(&act),
        Message::Completed => language.completed(&act),
        Message::Failed => language.failed(&act),
        Message::ProtectionOn { protection } => language.protection_on(language.protection(*protection)),
        Message::ProtectionOff { protection } => language.protection_off(language.protection(*protection)),
        Message::RecoveryCodeUsed { left } => language.recovery_code_used(*left),
        Message::PinIssued => language.pin_issued(),
        Message::Reminder => language.reminder(),
        Message::LineEnded { tail } => language.line_ended(*tail),
        Message::FraudReported { case } => language.fraud_reported(*case),
        Message::FraudRemedied { case } => language.fraud_remedied(*case),
        Message::FraudClosed { case, outcome } => language.fraud_closed(*case, *outcome),
        Message::Incident { kind } => language.incident(*kind),
        Message::CareAsked { by, purpose } => language.care_asked(by.as_str(), *purpose),
        Message::Checked => {
            let looked = visit.into_iter().flat_map(|visit| std::iter::once(&visit.maker).chain(visit.checker.as_deref()));
            let names: Vec<&str> = looked.map(|staff| staff.name.as_str()).collect();
            language.checked(&act, &names, wait.as_deref())
        }
    };
    let (short, long) = match (link, case) {
        (Some(link), _) => (format!("{text} {}", language.tap(link)), language.letter_with_link(&text, link)),
        (None, Some(case)) => (text.clone(), language.letter_of_case(&text, &language.statement(case))),
        (None, None) if *message == Message::Reminder => (text.clone(), format!("{text}\n\n{}", language.on_offer())),
        (None, None) => (text.clone(), language.letter(&text)),
    };
    Text { subject: subject.to_owned(), short: seven_bit(&short), long }
}

/// What the customer may know of why a change was refused: what helps her and no thief.
fn why(change: &Change) -> Option<Why> {
    match change.decision.reasons.first() {
        Some(Reason::UseTheApp) => Some(Why::UseTheApp),
        Some(Reason::Locked) => Some(Why::Locked),
        Some(Reason::CoolingOff) => Some(Why::CoolingOff),
        Some(Reason::PinMissing | Reason::PinWrong | Reason::AccountDataWrong) => Some(Why::Order),
        Some(_) | None => None,
    }
}

/// A wait, rounded up to what people count in.
fn about(language: &dyn Language, span: Span) -> String {
    let minutes = span.as_seconds().div_ceil(60);
    let hours = minutes.div_ceil(60);
    match (minutes, hours) {
        (0..=59 | 61..=119, _) => language.duration(minutes, Unit::Minute),
        (_, 48..) if hours.is_multiple_of(24) => language.duration(hours / 24, Unit::Day),
        _ => language.duration(hours, Unit::Hour),
    }
}

/// An instant as it is written in a letter, to the minute: `2026-11-25 14:02 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    let minute = text.get(..16).unwrap_or(&text).replacen('T', " ", 1);
    format!("{minute} UTC")
}

/// An address that is named in a text; `app` stands for a push endpoint, which nobody could read.
fn shown(address: &Address, app: &str) -> String {
    match address {
        Address::Email(email) => email.masked(),
        Address::Sms(msisdn) => msisdn.masked(),
        Address::Push(_) => app.to_owned(),
    }
}

/// The last four digits.
fn tail(digits: &str) -> &str {
    digits.get(digits.len().saturating_sub(4)..).unwrap_or(digits)
}

/// As an SMS carries it: one letter outside its 7-bit alphabet, and a segment holds 70 characters instead
/// of 160. é and ñ are within it. Addresses keep their letters, or one could pass for another.
fn seven_bit(text: &str) -> String {
    let unaccented = |letter: char| match letter {
        'á' => 'a',
        'í' => 'i',
        'ó' => 'o',
        'ú' => 'u',
        'Á' => 'A',
        'Í' => 'I',
        'Ó' => 'O',
        'Ú' => 'U',
        _ => letter,
    };
    let carried = |word: &str| {
        if word.contains(['@', '/']) { word.to_owned() } else { word.chars().map(unaccented).collect() }
    };
    text.split_inclusive(char::is_whitespace).map(carried).collect()
}

/// What a requester is told to do about a refusal, without the reasons that would help a thief. English: it
/// goes to the app, which has words of its own for each type of problem.
#[must_use]
pub const fn what_to_do(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::UseTheApp) => {
            "Changes of this kind are not taken by phone, chat or e-mail, whoever asks. The customer can ask for it in the app."
        }
        Some(Reason::Locked) => {
            "A protection covers this. The customer can switch it off in the app; that takes a strong factor and a cooling-off period."
        }
        Some(Reason::CoolingOff) => "A protection is being switched off. Ask again when its cooling-off period is over.",
        Some(Reason::StaffMayNot) => "Only the customer can switch a protection off, in the app.",
        Some(_) | None => "This cannot be asked for here. The customer can ask for it in the app.",
    }
}
