//! English.

use super::Sentences;
use crate::checkup::{Finding, Goal, Part, Step, StepState, Thing, What, Worth};
use crate::kinds::{Enrollable, Factor, Mode, Status};
use crate::words::en::kind;

pub(super) struct English;

impl Sentences for English {
    fn headline(&self, score: u8) -> &'static str {
        match score {
            0..30 => "Your number is easy to steal. Begin with the first thing below.",
            30..60 => "Your number is partly protected. The first thing below helps most.",
            60..90 => "Your number is well protected.",
            90.. => "Your number is about as safe as it can be.",
        }
    }

    fn in_trouble(&self) -> &'static str {
        "Your account has been locked since you reported fraud. Before anything else, take the steps at the end of this page."
    }

    fn part(&self, part: Part) -> &'static str {
        match part {
            Part::SimLock => "No other SIM for your number",
            Part::PortLock => "No other carrier for your number",
            Part::Factor => "How you prove that it is you",
            Part::Spare => "What is left if your phone is gone",
            Part::Told => "Where we reach you",
        }
    }

    fn on(&self, name: &str, mode: Mode) -> String {
        match mode {
            Mode::Block => format!("{name} is on. It refuses, until you switch it off."),
            Mode::StepUp => format!("{name} is on. It asks for more proof."),
        }
    }

    fn finding(&self, finding: Finding) -> &'static str {
        match finding {
            Finding::Unlocking => "A protection is being switched off right now. If that is not you, stop it.",
            Finding::QuestionsFailed => {
                "Somebody could not answer our care desk's questions about you. If that was not you, lock your account."
            }
            Finding::SignInsFail => "Somebody tries to sign in as you, and fails. If that is not you, change your password.",
            Finding::PinOut => {
                "A PIN that moves your number away was shown and not used. If you are not changing carriers, switch No Port Out \
                 on: that voids it."
            }
            Finding::SmsOnly => {
                "SMS is all that proves you, and it goes wherever your number goes. Add a passkey, or sign in to our app."
            }
            Finding::NoSimLock => "Switch NeverSIMSwap on: your number then goes to no other SIM.",
            Finding::NoPortLock => "Switch No Port Out on: your number then goes to no other carrier.",
            Finding::NoPasskey => "Add a passkey: nobody can talk you out of it, and it works nowhere but with us.",
            Finding::NoSpare => {
                "If your phone is gone, nothing is left that proves you. Make a set of recovery codes and keep it on paper."
            }
            Finding::NoEmail => "Give us an e-mail address: you then hear of changes without your phone, too.",
            Finding::NoApp => "Sign in to our app on your phone: you then hear of changes at once.",
            Finding::FewCodes => "Few of your recovery codes are left. Make a new set.",
            Finding::SimLockCouldBlock => {
                "NeverSIMSwap only asks for more proof. Set it to refuse: no proof is then enough until you switch it off."
            }
            Finding::PortLockCouldBlock => {
                "No Port Out only asks for more proof. Set it to refuse: no proof is then enough until you switch it off."
            }
            Finding::EmailUnverified => "Your e-mail address was never verified: we do not know that you read it. Verify it.",
            Finding::EmailStale => {
                "You have not answered from your e-mail address for two years. If it is still yours, verify it again."
            }
            Finding::ContactOnTheLine => {
                "We would tell you by SMS to the very number that a thief would have. Add another phone or an e-mail address."
            }
        }
    }

    fn factor(&self, factor: Factor) -> &'static str {
        match factor {
            Factor::SmsOtp => "a code that we send by SMS",
            Factor::EmailOtp => "a code from your mailbox",
            Factor::PushOtp => "a code from our app on your phone",
            Factor::RecoveryCode => "one of your recovery codes",
            Factor::Totp => "a code from your authenticator app",
            Factor::Passkey => "your passkey",
            Factor::DeviceKey => "your own device",
            Factor::TransferPin => "your transfer PIN",
            Factor::Document => "an identity document, which two of our staff look at in a store",
        }
    }

    fn and(&self) -> &'static str {
        " and "
    }

    fn or(&self) -> &'static str {
        ", or "
    }

    fn or_else(&self) -> &'static str {
        "; or "
    }

    fn only_the_session(&self) -> &'static str {
        "nothing more"
    }

    fn with_wait(&self, ways: &str, wait: &str) -> String {
        format!("{ways}, and then {wait} in which you do not stop it")
    }

    fn attack(&self, goal: Goal, locked: bool, ways: Option<&str>) -> String {
        let who = match goal {
            Goal::SimSwap => "To move your number to another SIM, someone who is signed in as you",
            Goal::PortOut => "To take your number to another carrier, someone with that carrier's order",
            Goal::Takeover => "To reset your sign-in, someone who is signed in as you",
        };
        match (locked, ways) {
            (false, Some(ways)) => format!("{who} needs {ways}."),
            (true, Some(ways)) => format!("{who} first has to switch your protection off. That takes {ways}."),
            (_, None) => {
                format!("{who} finds no way as things are, and neither would you: your account has nothing that proves enough.")
            }
        }
    }

    fn told(&self, channels: usize) -> String {
        match channels {
            0 => "We have nowhere else to tell you than the number itself.".into(),
            1 => "We tell you first, in one place.".into(),
            _ => format!("We tell you first, in {channels} places."),
        }
    }

    fn happened(&self, what: What) -> String {
        match what {
            What::Change(change, status) => {
                let became = match status {
                    Status::StepUpRequired | Status::OnHold | Status::InReview | Status::Verified | Status::Authorized => "open",
                    Status::Completed => "done",
                    Status::Lapsed | Status::Expired => "came to nothing",
                    Status::Cancelled => "stopped",
                    Status::Refused => "refused",
                    Status::Failed => "did not work",
                };
                format!("{}: {became}.", kind(change))
            }
            What::SimChanged => "Your number moved to another SIM.".into(),
            What::ProtectionOff => "A protection was switched off.".into(),
            What::FactorAdded(factor) => match factor {
                Enrollable::Passkey => "A passkey was added.",
                Enrollable::Totp => "An authenticator app was added.",
                Enrollable::RecoveryCode => "A set of recovery codes was made.",
                Enrollable::DeviceKey => "A device was added.",
            }
            .into(),
            What::ContactAdded => "A contact was added.".into(),
            What::ContactRemoved => "A contact was removed.".into(),
            What::FraudReported => "You reported fraud.".into(),
            What::FraudClosed => "Your case was closed.".into(),
        }
    }

    fn thing(&self, thing: Thing) -> &'static str {
        match thing {
            Thing::Passkey => "Passkey",
            Thing::Totp => "Authenticator app",
            Thing::RecoveryCode => "Recovery codes",
            Thing::DeviceKey => "Device",
            Thing::App => "Our app on a device",
            Thing::Email => "E-mail address",
            Thing::Phone => "Phone for SMS",
        }
    }

    fn worth(&self, thing: Thing, worth: Worth) -> &'static str {
        match (thing, worth) {
            (Thing::App | Thing::Email | Thing::Phone, Worth::Counts) => "We tell you there what happens.",
            (Thing::App | Thing::Email | Thing::Phone, Worth::New) => {
                "We tell you there what happens. It is new: it proves nothing yet."
            }
            (Thing::RecoveryCode, Worth::Counts) => "Each of them proves once that it is you.",
            (Thing::RecoveryCode, Worth::New) => "They are new: they prove nothing yet.",
            (Thing::Passkey | Thing::Totp | Thing::DeviceKey, Worth::Counts) => "It proves that it is you.",
            (Thing::Passkey | Thing::Totp | Thing::DeviceKey, Worth::New) => "It is new: it proves nothing yet.",
            (_, Worth::UsedUp) => "None is left.",
            (_, Worth::NotHers) => "You said that this is not yours. It proves nothing.",
        }
    }

    fn step(&self, step: Step) -> &'static str {
        match step {
            Step::Password => "Change the password of your account, here and wherever else you use it.",
            Step::Mailbox => "Change the password of your mailbox: it opens everything else.",
            Step::Holdings => {
                "Look through your devices, passkeys and contacts. Tap \"this is not mine\" where you do not know one."
            }
            Step::PutBack => "We have what was changed put back, and write to you when it is done.",
            Step::Bank => "Tell your bank that your number was in other hands. Codes by SMS are worth nothing until it is back.",
            Step::Unlock => "When all of this is done, switch Account Lockdown off. It takes a strong proof and some time.",
            Step::Passkey => "Then add a passkey, so that it does not happen again.",
        }
    }

    fn state(&self, state: StepState) -> &'static str {
        match state {
            StepState::Todo => "To do",
            StepState::YoursToKnow => "For you to do: only you know when it is done",
            StepState::OursToDo => "We are on it",
            StepState::Done => "Done",
        }
    }
}
