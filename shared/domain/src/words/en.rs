//! English.

use super::{Act, Door, Language, Said, Unit, Why, shown, tail};
use crate::change::Details;
use crate::desk::Purpose;
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

    fn checked(&self, act: &Act, by: &[&str], wait: Option<&str>) -> Said {
        let (asked, by) = (&act.asked, by.join(" and "));
        let then = wait.map_or_else(String::new, |wait| format!(" Nothing happens for {wait}."));
        Said {
            subject: "An identity document was checked",
            text: format!("In a store, {by} checked an identity document for the request {asked}.{then}"),
        }
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

fn someone_asked(act: &Act, door: &Door<'_>) -> String {
    let through = match door.channel {
        Channel::Pwa => "in the app",
        Channel::Chat => "by chat",
        Channel::Email => "by e-mail",
        Channel::Phone => "by phone",
        Channel::Store => "in a store",
        Channel::Porting => "through another carrier",
    };
    let asked = &act.asked;
    let through = door.served_by.map_or_else(|| through.to_owned(), |name| format!("{through} (served by {name})"));
    match door.place {
        Some(place) => format!("Someone asked from {place} {through} {asked}."),
        None => format!("Someone asked {through} {asked}."),
    }
}
