//! What proves the customer, how much of it is asked for, and what has become worthless.

use serde::{Deserialize, Serialize};

use crate::kinds::{Factor, vocabulary};
use crate::time::Timestamp;

vocabulary! {
    /// How much proof a change asks for beyond the session, weakest first.
    Assurance {
        /// The session is enough.
        Session = "session",
        /// One accepted factor, fresher than the session.
        OneFactor = "one_factor",
        /// One that is not SMS or e-mail alone.
        BeyondMessages = "beyond_messages",
        /// A phishing-resistant one, or two that fail independently.
        Strong = "strong",
    }
}

/// A set of factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Factors(u16);

/// What a factor hangs on. Two factors of one class fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum HangsOn {
    Sim,
    Mailbox,
    Device,
    /// Held by an authenticator that verifies its user, so that a lost phone does not lose it.
    Key,
    Paper,
    /// Drawn in the app behind a step-up, for one port.
    Pin,
    /// The eyes of two members of staff: strong against a stranger, nothing against the two of them.
    Staff,
}

const fn bit(factor: Factor) -> u16 {
    match factor {
        Factor::SmsOtp => 1,
        Factor::EmailOtp => 2,
        Factor::PushOtp => 4,
        Factor::Totp => 8,
        Factor::Passkey => 16,
        Factor::DeviceKey => 32,
        Factor::RecoveryCode => 64,
        Factor::TransferPin => 128,
        Factor::Document => 256,
    }
}

const fn hangs_on(factor: Factor) -> HangsOn {
    match factor {
        Factor::SmsOtp => HangsOn::Sim,
        Factor::EmailOtp => HangsOn::Mailbox,
        Factor::PushOtp | Factor::Totp | Factor::DeviceKey => HangsOn::Device,
        Factor::Passkey => HangsOn::Key,
        Factor::RecoveryCode => HangsOn::Paper,
        Factor::TransferPin => HangsOn::Pin,
        Factor::Document => HangsOn::Staff,
    }
}

impl Factors {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every factor.
    pub const ALL: Self = Self(511);

    /// The set of these.
    #[must_use]
    pub fn of(factors: &[Factor]) -> Self {
        Self(factors.iter().fold(0, |set, &f| set | bit(f)))
    }

    /// Whether the set holds a factor.
    #[must_use]
    pub const fn has(self, factor: Factor) -> bool {
        self.0 & bit(factor) != 0
    }

    /// Those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The factors, strongest first.
    pub fn iter(self) -> impl Iterator<Item = Factor> {
        Factor::ALL.iter().rev().copied().filter(move |&f| self.has(f))
    }

    fn class(self, class: HangsOn) -> bool {
        self.iter().any(|f| hangs_on(f) == class)
    }

    /// Whether these, proven, give that much assurance. Where `email_stands_in` (a lost phone, under a
    /// hold), e-mail counts like a factor of the device.
    #[must_use]
    pub fn satisfy(self, needed: Assurance, email_stands_in: bool) -> bool {
        // A device's key speaks for itself with every request: alone it is no fresher than the session.
        let asked = self.without(Self::of(&[Factor::DeviceKey])) != Self::NONE;
        let hers = [HangsOn::Device, HangsOn::Key, HangsOn::Paper, HangsOn::Pin].iter().any(|&c| self.class(c))
            || (email_stands_in && self.class(HangsOn::Mailbox));
        let beyond = hers || self.class(HangsOn::Staff);
        // What staff saw makes nothing stronger: a protection yields to what is hers alone.
        let all = [HangsOn::Sim, HangsOn::Mailbox, HangsOn::Device, HangsOn::Key, HangsOn::Paper, HangsOn::Pin];
        let classes = all.iter().filter(|&&c| self.class(c)).count();
        match needed {
            Assurance::Session => true,
            Assurance::OneFactor => asked,
            Assurance::BeyondMessages => asked && beyond,
            Assurance::Strong => self.has(Factor::Passkey) || (asked && hers && classes >= 2),
        }
    }

    /// The smallest sets of these that, proven, give that much assurance: nothing can be left out of any.
    #[must_use]
    pub fn smallest(self, needed: Assurance, email_stands_in: bool) -> Vec<Self> {
        let enough: Vec<Self> = (0..=Self::ALL.0)
            .map(Self)
            .filter(|some| some.without(self) == Self::NONE && some.satisfy(needed, email_stands_in))
            .collect();
        let spare = |set: &Self| enough.iter().any(|other| other != set && other.without(*set) == Self::NONE);
        enough.iter().filter(|set| !spare(set)).copied().collect()
    }

    /// Those of this set that bring `proven` nearer to that much assurance, alone or with others of the set.
    #[must_use]
    pub fn that_help(self, proven: Self, needed: Assurance, email_stands_in: bool) -> Self {
        let helps = |factor: Factor| {
            let with = (0..=Self::ALL.0).map(|some| Self(some).and(self).or(proven));
            with.into_iter().any(|others| {
                !others.satisfy(needed, email_stands_in) && others.or(Self::of(&[factor])).satisfy(needed, email_stands_in)
            })
        };
        self.iter().filter(|&factor| helps(factor)).fold(Self::NONE, |set, factor| set.or(Self::of(&[factor])))
    }
}

/// Channels that prove nothing for now. Stored as one small number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "u8", into = "u8")]
pub struct Taint {
    /// SMS to the line: its SIM changed lately, or the phone is said to be lost.
    pub sms: bool,
    /// Push and what else lives on the device: added lately, or said to be lost.
    pub device: bool,
    /// E-mail: added lately.
    pub email: bool,
}

impl From<u8> for Taint {
    fn from(bits: u8) -> Self {
        Self { sms: bits & 1 != 0, device: bits & 2 != 0, email: bits & 4 != 0 }
    }
}

impl From<Taint> for u8 {
    fn from(taint: Taint) -> Self {
        Self::from(taint.sms) | Self::from(taint.device) << 1 | Self::from(taint.email) << 2
    }
}

impl Taint {
    /// Each combination.
    pub const ALL: [Self; 8] = {
        let mut all = [Self { sms: false, device: false, email: false }; 8];
        let mut n = 0;
        while n < 8 {
            #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, where an overrun is a build error")]
            {
                all[n] = Self { sms: n & 1 != 0, device: n & 2 != 0, email: n & 4 != 0 };
            }
            n += 1;
        }
        all
    };

    /// The factors that it makes worthless.
    #[must_use]
    pub fn spoils(self) -> Factors {
        let mut spoilt = Vec::new();
        for &factor in Factor::ALL {
            let tainted = match hangs_on(factor) {
                HangsOn::Sim => self.sms,
                HangsOn::Device => self.device,
                HangsOn::Mailbox => self.email,
                // Whether it is hers and old enough is looked at where it is offered.
                HangsOn::Key | HangsOn::Paper | HangsOn::Pin | HangsOn::Staff => false,
            };
            if tainted {
                spoilt.push(factor);
            }
        }
        Factors::of(&spoilt)
    }

    /// Both taken together.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self { sms: self.sms || other.sms, device: self.device || other.device, email: self.email || other.email }
    }
}

/// One factor that was proven for one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Which.
    pub factor: Factor,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_alone_never_lift_a_protection() {
        let both = Factors::of(&[Factor::SmsOtp, Factor::EmailOtp]);
        assert!(!both.satisfy(Assurance::BeyondMessages, false));
        assert!(!both.satisfy(Assurance::Strong, false));
        assert!(Factors::of(&[Factor::PushOtp]).satisfy(Assurance::BeyondMessages, false));
    }

    #[test]
    fn strong_is_a_passkey_or_two_that_fail_independently() {
        assert!(Factors::of(&[Factor::Passkey]).satisfy(Assurance::Strong, false));
        assert!(Factors::of(&[Factor::PushOtp, Factor::SmsOtp]).satisfy(Assurance::Strong, false));
        assert!(!Factors::of(&[Factor::PushOtp, Factor::Totp]).satisfy(Assurance::Strong, false));
        assert!(!Factors::of(&[Factor::PushOtp]).satisfy(Assurance::Strong, false));
    }

    #[test]
    fn only_what_brings_the_proof_nearer_helps() {
        let (sms, push, totp) = (Factors::of(&[Factor::SmsOtp]), Factors::of(&[Factor::PushOtp]), Factors::of(&[Factor::Totp]));
        let all = sms.or(push).or(totp);
        let help = |proven, needed| all.that_help(proven, needed, false);
        assert_eq!(help(Factors::NONE, Assurance::Session), Factors::NONE);
        assert_eq!(help(Factors::NONE, Assurance::OneFactor), all);
        assert_eq!(help(Factors::NONE, Assurance::BeyondMessages), push.or(totp));
        assert_eq!(help(Factors::NONE, Assurance::Strong), all);
        assert_eq!(help(push, Assurance::Strong), sms);
        assert_eq!(help(sms, Assurance::Strong), push.or(totp));
        assert_eq!(sms.that_help(push, Assurance::BeyondMessages, false), Factors::NONE);
    }

    #[test]
    fn proving_more_never_satisfies_less() {
        for small in 0..=Factors::ALL.0 {
            for more in 0..=Factors::ALL.0 {
                for &needed in Assurance::ALL {
                    for stands_in in [false, true] {
                        let (a, b) = (Factors(small), Factors(small | more));
                        assert!(!a.satisfy(needed, stands_in) || b.satisfy(needed, stands_in));
                    }
                }
            }
        }
    }

    #[test]
    fn what_satisfies_more_satisfies_less() {
        for set in 0..=Factors::ALL.0 {
            for pair in Assurance::ALL.windows(2) {
                let set = Factors(set);
                assert!(!set.satisfy(pair[1], false) || set.satisfy(pair[0], false));
            }
        }
    }
}
