//! English.

use super::{Act, Door, Language, Said, Unit, Why, about, minute, shown, tail};
use crate::change::Details;
use crate::desk::Purpose;
use crate::fraud::{Case, CaseId, CaseOutcome, Concerned, Through};
use crate::kinds::{ChangeKind, Channel, Enrollable, Protection};

pub(super) struct English;

impl Language for English {
    fn act(&self, details: &Details) -> Act {
        match details {
            Details::SimSwap { sim, .. } => {
                let tail = tail(sim.iccid.as_str());
                Act {
                    asked: format!("to move your number to another SIM (ending {tail})"),
                    code: format!("moves your number to another SIM (ending {tail})"),
                    done: format!("your number moved to another SIM (ending {tail})"),
                }
            }
            Details::PortOut { .. } => Act {
                asked: "to move your number to another carrier".into(),
                code: "moves your number to another carrier".into(),
                done: "your number left for another carrier".into(),
            },
            Details::PortPin {} => Act {
                asked: "for the PIN that moves your number away".into(),
                code: "shows the PIN that moves your number away".into(),
                done: "the PIN that moves your number away was shown".into(),
            },
            Details::NumberChange {} => Act {
                asked: "to give your line another phone number".into(),
                code: "gives your line another number".into(),
                done: "your line has another phone number".into(),
            },
            Details::ContactChange { add, remove } => {
                let added = add.as_ref().map(|address| shown(address, "a new device"));
                Act {
                    asked: match (added, remove) {
                        (Some(added), None) => format!("to add {added} to your contacts"),
                        (Some(added), Some(_)) => format!("to replace one of your contacts by {added}"),
                        (None, _) => "to remove one of your contacts".into(),
                    },
                    code: "changes your contacts".into(),
                    done: "your contacts changed".into(),
                }
            }
            Details::CredentialReset {} => Act {
                asked: "to reset your sign-in".into(),
                code: "resets your sign-in".into(),
                done: "your sign-in was reset".into(),
            },
            Details::ProtectionOff { protection } => {
                let name = self.protection(*protection);
                Act {
                    asked: format!("to switch {name} off"),
                    code: format!("switches {name} off"),
                    done: format!("{name} was switched off"),
                }
            }
            Details::AuthorizedUser { .. } => Act {
                asked: "to let someone else act for your account".into(),
                code: "lets someone act for you".into(),
                done: "someone else may act for your account".into(),
            },
            Details::Ownership {} => Act {
                asked: "to give your line to another owner".into(),
                code: "gives your line away".into(),
                done: "your line has another owner".into(),
            },
            Details::AddLine {} => Act {
                asked: "to add a line to your account".into(),
                code: "adds a line".into(),
                done: "a line was added to your account".into(),
            },
            Details::DeviceUpgrade { imei } => {
                let tail = tail(imei.as_str());
                Act {
                    asked: format!("to put a new phone (ending {tail}) on your line"),
                    code: format!("puts a phone (ending {tail}) on your line"),
                    done: format!("a new phone (ending {tail}) is on your line"),
                }
            }
            Details::FactorAdd { factor } => {
                let factor = factor_name(*factor);
                Act {
                    asked: format!("to add {factor} to your account"),
                    code: format!("adds {factor} to your account"),
                    done: format!("{factor} was added to your account"),
                }
            }
            Details::FactorRemove { factor, .. } => {
                let factor = factor_name(*factor);
                Act {
                    asked: format!("to remove {factor} from your account"),
                    code: format!("removes {factor} from your account"),
                    done: format!("{factor} was removed from your account"),
                }
            }
        }
    }

    fn forgotten_act(&self) -> Act {
        Act {
            asked: "to change your account".into(),
            code: "changes your account".into(),
            done: "your account was changed".into(),
        }
    }

    fn protection(&self, protection: Protection) -> &'static str {
        match protection {
            Protection::NeverSimSwap => "NeverSIMSwap",
            Protection::NoPortOut => "No Port Out",
            Protection::AccountLockdown => "Account Lockdown",
        }
    }

    fn duration(&self, count: u32, unit: Unit) -> String {
        match (unit, count) {
            (Unit::Minute, 1) => "1 minute".into(),
            (Unit::Minute, _) => format!("{count} minutes"),
            (Unit::Hour, 1) => "1 hour".into(),
            (Unit::Hour, _) => format!("{count} hours"),
            (Unit::Day, 1) => "1 day".into(),
            (Unit::Day, _) => format!("{count} days"),
        }
    }

    fn code_subject(&self) -> &'static str {
        "Your code"
    }

    fn code_short(&self, code: &str, act: &Act) -> String {
        format!("Your code {code} {}. Nobody from us will ever ask for it. Not you? Do not share it.", act.code)
    }

    fn code_long(&self, code: &str, act: &Act) -> String {
        let asked = &act.asked;
        format!(
            "Somebody asked {asked}. This code confirms it: {code}\n\n\
             If it was you, enter the code where you asked.\n\n\
             Nobody who works for us will ever ask you for this code. If it was not you, do nothing with it and tell \
             us in the app."
        )
    }

    fn asked(&self, act: &Act, door: &Door<'_>, wait: Option<&str>) -> Said {
        let then = wait.map_or_else(String::new, |wait| format!(" Nothing happens for {wait}."));
        Said { subject: "Someone asked for a change", text: format!("{}{then}", someone_asked(act, door)) }
    }

    fn refused(&self, act: &Act, door: &Door<'_>, why: Option<Why>) -> Said {
        let why = match why {
            Some(Why::UseTheApp) => " Such changes can only be asked for in the app.",
            Some(Why::Locked) => " A protection that you switched on covers it.",
            Some(Why::CoolingOff) => " A protection is being switched off and still holds.",
            Some(Why::Order) => " What the other carrier sent does not fit your account.",
            None => "",
        };
        Said { subject: "A change was refused", text: format!("{} We refused.{why}", someone_asked(act, door)) }
    }

    fn raised(&self, act: &Act, wait: Option<&str>) -> Said {
        let asked = &act.asked;
        let until = wait.map_or_else(|| "more proof is given".into(), |wait| format!("at least {wait} have passed"));
        Said {
            subject: "A change was put on hold",
            text: format!("Something does not look like you, so the request {asked} waits until {until}."),
        }
    }

    fn cancelled(&self, act: &Act) -> Said {
        let asked = &act.asked;
        Said { subject: "A change was stopped", text: format!("The request {asked} was stopped. Nothing changed.") }
    }

    fn completed(&self, act: &Act) -> Said {
        Said { subject: "A change was made", text: format!("Done: {}.", act.done) }
    }

    fn failed(&self, act: &Act) -> Said {
        let asked = &act.asked;
        Said { subject: "A change did not work", text: format!("The request {asked} could not be carried out. Nothing changed.") }
    }

    fn protection_on(&self, name: &str) -> Said {
        Said { subject: "A protection was switched on", text: format!("{name} is on. Only you can switch it off, in the app.") }
    }

    fn protection_off(&self, name: &str) -> Said {
        Said {
            subject: "A protection was switched off",
            text: format!("{name} is off now. You can switch it on again at any time, in the app or by phone."),
        }
    }

    fn recovery_code_used(&self, left: u8) -> Said {
        Said { subject: "A recovery code was used", text: format!("One of your recovery codes was used. You have {left} left.") }
    }

    fn pin_issued(&self) -> Said {
        Said {
            subject: "Your transfer PIN was shown",
            text: "The PIN that moves your number to another carrier was shown in the app. Only your new carrier needs it."
                .into(),
        }
    }

    fn incident(&self, kind: ChangeKind) -> Said {
        let what = match kind {
            ChangeKind::SimSwap => "Your number was moved to another SIM",
            ChangeKind::PortOut => "Your number left for another carrier",
            ChangeKind::NumberChange
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
        };
        Said {
            subject: "Your line may be in danger",
            text: format!(
                "{what} without your confirmation. We have locked your account and are looking into it. Change your \
                 password, then your e-mail's."
            ),
        }
    }

    fn care_asked(&self, by: &str, purpose: Purpose) -> Said {
        let what = match purpose {
            Purpose::Status => "a change that is under way",
            Purpose::Protect => "your protections",
            Purpose::Change => "a change",
            Purpose::LostPhone => "a lost phone",
            Purpose::Fraud => "something that was not you",
        };
        Said {
            subject: "Are you talking to us?",
            text: format!(
                "{by} at our care desk talks to you about {what}? Open the app and enter the number that they say. If not, \
                 say so there."
            ),
        }
    }

    fn reminder(&self) -> Said {
        Said {
            subject: "You can lock your number",
            text: "Once a year we tell you: you can lock your number, free of charge, against other SIMs and carriers. The app \
                   shows what is on."
                .into(),
        }
    }

    fn on_offer(&self) -> String {
        "- NeverSIMSwap: your number goes to no other SIM.\n\
         - No Port Out: your number goes to no other carrier.\n\
         - Account Lockdown: nothing of your account can be changed at all.\n\n\
         Each is on at once, in the app, by phone, by chat or by e-mail. Only you can switch it off, in the app, and that takes \
         a strong proof and some time. The check-up in the app shows what protects you now and what would help most."
            .into()
    }

    fn line_ended(&self, tail: u16) -> Said {
        Said {
            subject: "A number is no longer yours",
            text: format!(
                "Your number ending in {tail:04} is no longer yours. Its protections ended with it, and who gets it next gets \
                 nothing of yours. Change it where you sign in by it."
            ),
        }
    }

    fn checked(&self, act: &Act, by: &[&str], wait: Option<&str>) -> Said {
        let (asked, by) = (&act.asked, by.join(" and "));
        let then = wait.map_or_else(String::new, |wait| format!(" Nothing happens for {wait}."));
        Said {
            subject: "An identity document was checked",
            text: format!("In a store, {by} checked an identity document for the request {asked}.{then}"),
        }
    }

    fn fraud_reported(&self, case: CaseId) -> Said {
        Said {
            subject: "Your account is locked",
            text: format!(
                "You reported fraud: your account is locked (case {case}). Only you can unlock it, in the app. Change your \
                 password, then your e-mail's."
            ),
        }
    }

    fn fraud_remedied(&self, case: CaseId) -> Said {
        Said {
            subject: "Something was put back",
            text: format!("Case {case}: we put back what was changed. Your account stays locked until you unlock it in the app."),
        }
    }

    fn fraud_closed(&self, case: CaseId, outcome: CaseOutcome) -> Said {
        let found = match outcome {
            CaseOutcome::Fraud => "It was fraud, and not you.",
            CaseOutcome::NoFraud => "We found no fraud.",
            CaseOutcome::Unclear => "We could not find out who it was.",
        };
        Said { subject: "Your case is closed", text: format!("Case {case} is closed. {found} Only you can unlock your account.") }
    }

    fn statement(&self, case: &Case) -> String {
        let through = match case.through {
            Through::App => "in the app",
            Through::Notice => "by one tap in a notice",
            Through::Care => "to our care desk",
        };
        let mut lines = vec![
            format!("What we have on record. Please keep this letter: it is your documentation of case {}.", case.id),
            format!("- You reported fraud on {}, {through}. We locked your account at once.", minute(case.reported_at)),
        ];
        if case.phone_lost {
            lines.push("- You said that your phone is out of your hands. What is on it confirms nothing now.".into());
        }
        for concern in &case.concerns {
            let what = match (&concern.what, concern.asked) {
                (Concerned::Change(_), Some(asked)) => {
                    let became = if asked.done { "had been carried out" } else { "was not carried out" };
                    let (kind, door) = (kind(asked.kind), door(asked.channel));
                    format!("{kind}, asked for {door} on {}, {became}.", minute(asked.at))
                }
                (Concerned::Change(_), None) => "A change that lies longer back.".into(),
                (Concerned::Line(_), _) => "One of your lines.".into(),
                (Concerned::Factor(_), _) => "A sign-in key that is not yours. It confirms nothing any more.".into(),
                (Concerned::Contact(_), _) => "A device or an address that is not yours. No code goes there any more.".into(),
            };
            let then = match (concern.reverse, concern.remedied_at) {
                (_, Some(at)) => format!(" It was put back on {}.", minute(at)),
                (true, None) => " We are having it put back.".into(),
                (false, None) => String::new(),
            };
            lines.push(format!("- {what}{then}"));
        }
        if let Some(span) = case.time_to_remedy() {
            lines.push(format!("- From your report until all was put back: {}.", about(self, span)));
        }
        if let Some(at) = case.closed_at {
            lines.push(format!("- Closed on {}.", minute(at)));
        }
        lines.join("\n")
    }

    fn letter_of_case(&self, said: &str, statement: &str) -> String {
        format!(
            "{said}\n\n\
             {statement}\n\n\
             The app shows you what to do next, step by step. Nobody who works for us will ever ask you for a code. If you did \
             not report anything, tell us in the app."
        )
    }

    fn tap(&self, link: &str) -> String {
        format!("Not you? Stop it with one tap: {link}")
    }

    fn letter_with_link(&self, said: &str, link: &str) -> String {
        format!(
            "{said}\n\n\
             If this was you, there is nothing to do.\n\n\
             If it was not you, stop it with one tap. It cancels the request and locks your account:\n{link}\n\n\
             Then change your password. Nobody who works for us will ever ask you for a code."
        )
    }

    fn letter(&self, said: &str) -> String {
        format!(
            "{said}\n\n\
             If this surprises you, open the app and lock your account, then change your password."
        )
    }
}

const fn factor_name(factor: Enrollable) -> &'static str {
    match factor {
        Enrollable::RecoveryCode => "a set of recovery codes",
        Enrollable::Totp => "an authenticator app",
        Enrollable::Passkey => "a passkey",
        Enrollable::DeviceKey => "the key of a device",
    }
}

pub(super) const fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::SimSwap => "Your number on another SIM",
        ChangeKind::PortOut => "Your number to another carrier",
        ChangeKind::NumberChange => "Another phone number for your line",
        ChangeKind::ContactChange => "A change of your contacts",
        ChangeKind::CredentialReset => "A reset of your sign-in",
        ChangeKind::ProtectionOff => "A protection switched off",
        ChangeKind::PortPin => "A PIN to move your number away",
        ChangeKind::AuthorizedUser => "Someone else to act for your account",
        ChangeKind::Ownership => "Another owner for your line",
        ChangeKind::AddLine => "A new line on your account",
        ChangeKind::DeviceUpgrade => "A new phone on your line",
        ChangeKind::FactorAdd => "A new way to confirm that it is you",
        ChangeKind::FactorRemove => "One way less to confirm that it is you",
    }
}

const fn door(channel: Channel) -> &'static str {
    match channel {
        Channel::Pwa => "in the app",
        Channel::Chat => "by chat",
        Channel::Email => "by e-mail",
        Channel::Phone => "by phone",
        Channel::Store => "in a store",
        Channel::Porting => "through another carrier",
    }
}

fn someone_asked(act: &Act, door: &Door<'_>) -> String {
    let through = self::door(door.channel);
    let asked = &act.asked;
    let through = door.served_by.map_or_else(|| through.to_owned(), |name| format!("{through} (served by {name})"));
    match door.place {
        Some(place) => format!("Someone asked from {place} {through} {asked}."),
        None => format!("Someone asked {through} {asked}."),
    }
}
