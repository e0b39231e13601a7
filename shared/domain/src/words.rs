//! What the customer reads. English; each text says what happens, what to do, and that nobody will ever
//! ask for a code.

use crate::change::{Address, Change, Details};
use crate::kinds::{ChangeKind, Enrollable, Channel, Protection, Reason};
use crate::notice::Message;
use crate::secret::OtpCode;
use crate::time::{Span, Timestamp};

/// A text for every channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Subject of the e-mail, title of the push message.
    pub subject: String,
    /// One or two sentences: SMS and push.
    pub short: String,
    /// The e-mail.
    pub long: String,
}

/// What a change does, as the end of "someone asked ...": names the act and where it goes.
#[must_use]
pub fn act(details: &Details) -> String {
    match details {
        Details::SimSwap { sim, .. } => format!("to move your number to another SIM (ending {})", tail(sim.iccid.as_str())),
        Details::NumberChange {} => "to give your line another phone number".to_owned(),
        Details::ContactChange { add: Some(address), remove: None } => format!("to add {} to your contacts", shown(address)),
        Details::ContactChange { add: None, .. } => "to remove one of your contacts".to_owned(),
        Details::ContactChange { add: Some(address), .. } => format!("to replace one of your contacts by {}", shown(address)),
        Details::CredentialReset {} => "to reset your sign-in".to_owned(),
        Details::ProtectionOff { protection } => format!("to switch {} off", protection_name(*protection)),
        Details::AuthorizedUser { .. } => "to let someone else act for your account".to_owned(),
        Details::Ownership {} => "to give your line to another owner".to_owned(),
        Details::AddLine {} => "to add a line to your account".to_owned(),
        Details::DeviceUpgrade { imei } => format!("to put a new phone (ending {}) on your line", tail(imei.as_str())),
        Details::FactorAdd { factor } => format!("to add {} to your account", factor_name(*factor)),
        Details::FactorRemove { factor, .. } => format!("to remove {} from your account", factor_name(*factor)),
    }
}

fn shown(address: &Address) -> String {
    match address {
        Address::Email(email) => email.masked(),
        Address::Sms(msisdn) => msisdn.masked(),
        Address::Push(_) => "a new device".to_owned(),
    }
}

fn tail(digits: &str) -> &str {
    digits.get(digits.len().saturating_sub(4)..).unwrap_or(digits)
}

/// What a code does, as the end of "your code ...".
fn purpose(details: &Details) -> String {
    match details {
        Details::SimSwap { sim, .. } => format!("moves your number to another SIM (ending {})", tail(sim.iccid.as_str())),
        Details::NumberChange {} => "gives your line another number".to_owned(),
        Details::ContactChange { .. } => "changes your contacts".to_owned(),
        Details::CredentialReset {} => "resets your sign-in".to_owned(),
        Details::ProtectionOff { protection } => format!("switches {} off", protection_name(*protection)),
        Details::AuthorizedUser { .. } => "lets someone act for you".to_owned(),
        Details::Ownership {} => "gives your line away".to_owned(),
        Details::AddLine {} => "adds a line".to_owned(),
        Details::DeviceUpgrade { imei } => format!("puts a phone (ending {}) on your line", tail(imei.as_str())),
        Details::FactorAdd { factor } => format!("adds {} to your account", factor_name(*factor)),
        Details::FactorRemove { factor, .. } => format!("removes {}", factor_name(*factor)),
    }
}

/// What a change has done.
fn done(details: &Details) -> String {
    match details {
        Details::SimSwap { sim, .. } => format!("your number moved to another SIM (ending {})", tail(sim.iccid.as_str())),
        Details::NumberChange {} => "your line has another phone number".to_owned(),
        Details::ContactChange { .. } => "your contacts changed".to_owned(),
        Details::CredentialReset {} => "your sign-in was reset".to_owned(),
        Details::ProtectionOff { protection } => format!("{} was switched off", protection_name(*protection)),
        Details::AuthorizedUser { .. } => "someone else may act for your account".to_owned(),
        Details::Ownership {} => "your line has another owner".to_owned(),
        Details::AddLine {} => "a line was added to your account".to_owned(),
        Details::DeviceUpgrade { imei } => format!("a new phone (ending {}) is on your line", tail(imei.as_str())),
        Details::FactorAdd { factor } => format!("{} was added to your account", factor_name(*factor)),
        Details::FactorRemove { factor, .. } => format!("{} was removed from your account", factor_name(*factor)),
    }
}

/// A factor as customers know it.
const fn factor_name(factor: Enrollable) -> &'static str {
    match factor {
        Enrollable::RecoveryCode => "a set of recovery codes",
        Enrollable::Totp => "an authenticator app",
        Enrollable::Passkey => "a passkey",
        Enrollable::DeviceKey => "the key of a device",
    }
}

/// A protection as customers know it.
#[must_use]
pub const fn protection_name(protection: Protection) -> &'static str {
    match protection {
        Protection::NeverSimSwap => "NeverSIMSwap",
        Protection::NoPortOut => "No Port Out",
        Protection::AccountLockdown => "Account Lockdown",
    }
}

/// The message that carries a code: what it authorizes, that nobody asks for it, and the origin-bound last
/// line `@host #code` that a browser fills in on that host alone.
#[must_use]
pub fn code(change: &Change, code: &OtpCode, host: &str) -> Text {
    let short = format!(
        "Your code {} {}. Nobody from us will ever ask for it. Not you? Do not share it.\n\n@{host} #{}",
        code.expose(),
        purpose(&change.details),
        code.expose()
    );
    let long = format!(
        "Somebody asked {}.\n\nIf it was you, enter this code where you asked for it: {}\n\nNobody who works for us will ever ask you for this code. If it was not you, do nothing with it and tell us in the app.\n\n@{host} #{}",
        act(&change.details),
        code.expose(),
        code.expose()
    );
    Text { subject: "Your code".to_owned(), short, long }
}

/// A notice. `link` is the one-tap "this was not me"; `change` as it stands.
#[must_use]
pub fn notice(message: Message, change: Option<&Change>, link: Option<&str>, now: Timestamp) -> Text {
    let what = change.map_or_else(|| "to change your account".to_owned(), |change| act(&change.details));
    let from =
        change.and_then(|change| change.request.place.as_deref()).map(|place| format!(" from {place}")).unwrap_or_default();
    let by = change.map_or("in the app", |change| channel_words(change.request.channel));
    let wait = change.and_then(|change| change.hold_until).filter(|until| *until > now).map(|until| until.since(now));
    let (subject, said) = match message {
        Message::Asked => {
            let then = wait.map_or_else(String::new, |wait| format!(" Nothing happens for {}.", about(wait)));
            ("Someone asked for a change", format!("Someone asked{from} {by} {what}.{then}"))
        }
        Message::Raised => {
            let wait =
                wait.map_or_else(|| "more proof is given".to_owned(), |wait| format!("at least {} have passed", about(wait)));
            ("A change was put on hold", format!("Something does not look like you, so the request {what} waits until {wait}."))
        }
        Message::Refused => {
            let why = change.map_or("", |change| refusal(change.decision.reasons.first().copied()));
            ("A change was refused", format!("Someone asked{from} {by} {what}. We refused.{why}"))
        }
        Message::Cancelled => ("A change was stopped", format!("The request {what} was stopped. Nothing changed.")),
        Message::Completed => (
            "A change was made",
            format!("Done: {}.", change.map_or_else(|| "your account was changed".to_owned(), |change| done(&change.details))),
        ),
        Message::Failed => ("A change did not work", format!("The request {what} could not be carried out. Nothing changed.")),
        Message::ProtectionOn { protection } => (
            "A protection was switched on",
            format!("{} is on. Only you can switch it off, in the app.", protection_name(protection)),
        ),
        Message::ProtectionOff { protection } => (
            "A protection was switched off",
            format!(
                "{} is off now. You can switch it on again at any time, in the app or by phone.",
                protection_name(protection)
            ),
        ),
        Message::RecoveryCodeUsed { left } => {
            ("A recovery code was used", format!("One of your recovery codes was used; {left} are left."))
        }
        Message::Incident { kind } => (
            "Your line may be in danger",
            format!(
                "{} without your confirmation. We have locked your account and are looking into it. Change your password, then your e-mail's.",
                match kind {
                    ChangeKind::SimSwap => "Your number was moved to another SIM",
                    ChangeKind::PortOut
                    | ChangeKind::NumberChange
                    | ChangeKind::ContactChange
                    | ChangeKind::CredentialReset
                    | ChangeKind::ProtectionOff
                    | ChangeKind::PortPin
                    | ChangeKind::AuthorizedUser
                    | ChangeKind::Ownership
                    | ChangeKind::AddLine
                    | ChangeKind::DeviceUpgrade
                    | ChangeKind::FactorAdd
                    | ChangeKind::FactorRemove => "A change was made to your account",
                }
            ),
        ),
    };
    let tap = link.map(|link| format!(" Not you? Stop it with one tap: {link}")).unwrap_or_default();
    let long = match link {
        Some(link) => format!(
            "{said}\n\nIf this was you, there is nothing to do.\n\nIf it was not you, stop it with one tap. It cancels the request and locks your account:\n{link}\n\nThen change your password. Nobody who works for us will ever ask you for a code."
        ),
        None => format!("{said}\n\nIf this surprises you, open the app and lock your account, then change your password."),
    };
    Text { subject: subject.to_owned(), short: format!("{said}{tap}"), long }
}

const fn channel_words(channel: Channel) -> &'static str {
    match channel {
        Channel::Pwa => "in the app",
        Channel::Chat => "by chat",
        Channel::Email => "by e-mail",
        Channel::Phone => "by phone",
        Channel::Store => "in a store",
        Channel::Porting => "through another carrier",
    }
}

fn about(span: Span) -> String {
    let seconds = span.as_seconds();
    let rounded = if seconds >= 7_200 { Span::hours(seconds.div_ceil(3_600)) } else { Span::minutes(seconds.div_ceil(60)) };
    rounded.to_string()
}

fn refusal(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::UseTheApp) => " Such changes can only be asked for in the app.",
        Some(Reason::Locked) => " A protection that you switched on covers it.",
        Some(Reason::CoolingOff) => " A protection is being switched off, and its cooling-off period runs.",
        Some(_) | None => "",
    }
}

/// What a requester is told to do about a refusal, without the reasons that would help a thief.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::test_change;

    #[test]
    fn a_code_says_what_it_authorizes_and_ends_in_its_origin() {
        let text = code(&test_change(), &OtpCode::from_number(123_456), "my.carrier.example");
        insta::assert_snapshot!(text.short, @r"
        Your code 123456 moves your number to another SIM (ending 3586). Nobody from us will ever ask for it. Not you? Do not share it.

        @my.carrier.example #123456
        ");
        assert!(text.short.is_ascii() && text.short.len() <= 160, "{} characters do not fit one SMS", text.short.len());
    }

    #[test]
    fn every_code_fits_one_sms_whatever_it_is_for() {
        let details = [
            r#"{"kind":"sim_swap","sim":{"iccid":"8901260222193583586"}}"#,
            r#"{"kind":"number_change"}"#,
            r#"{"kind":"contact_change","add":{"email":"a.rather.long.name@a.rather.long.domain.example.com"}}"#,
            r#"{"kind":"credential_reset"}"#,
            r#"{"kind":"protection_off","protection":"account_lockdown"}"#,
            r#"{"kind":"authorized_user","user":"u"}"#,
            r#"{"kind":"ownership"}"#,
            r#"{"kind":"add_line"}"#,
            r#"{"kind":"device_upgrade","imei":"490154203237518"}"#,
        ];
        for json in details {
            let change = Change { details: serde_json::from_str(json).unwrap(), ..test_change() };
            let text = code(&change, &OtpCode::from_number(7), "my.carrier.example").short;
            assert!(text.is_ascii() && text.len() <= 160, "{text}");
            assert!(text.ends_with("\n\n@my.carrier.example #000007"), "{text}");
        }
    }

    #[test]
    fn a_notice_says_what_where_and_how_to_stop_it() {
        let text =
            notice(Message::Asked, Some(&test_change()), Some("https://my.carrier.example/not-me#t"), Timestamp::from_second(0));
        insta::assert_snapshot!(text.short, @"Someone asked from Los Angeles, US in the app to move your number to another SIM (ending 3586). Not you? Stop it with one tap: https://my.carrier.example/not-me#t");
    }
}
