//! What is scored, and what is learnt from: one observation of a line, whoever was behind it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::kinds::vocabulary;
use crate::signals::{Position, Signal};
use crate::time::Timestamp;

vocabulary! {
    /// How it came in.
    Channel {
        /// A browser.
        Web = "web",
        /// The carrier's app.
        App = "app",
        /// A representative of the care desk.
        Care = "care",
        /// The gaining carrier, asking to validate a port-out.
        Partner = "partner",
    }
}

vocabulary! {
    /// What happened.
    Act {
        /// A sign-in.
        SignIn = "signin",
        /// Something was looked at.
        View = "view",
        /// A bill was paid.
        Pay = "pay",
        /// The plan was changed.
        Plan = "plan",
        /// The care desk was contacted.
        CareContact = "care_contact",
        /// The password was reset.
        PasswordReset = "password_reset",
        /// Another e-mail address.
        EmailChange = "email_change",
        /// A passkey was added.
        PasskeyAdd = "passkey_add",
        /// A lock was removed.
        LockRemove = "lock_remove",
        /// Another SIM.
        SimSwap = "sim_swap",
        /// A number transfer PIN was asked for.
        PortPin = "port_pin",
        /// The line is to leave for another carrier.
        PortOut = "port_out",
    }
}

vocabulary! {
    /// What was shown to get this far, weakest first as far as an order exists.
    Shown {
        /// A representative vouched, without a check.
        RepOverride = "rep_override",
        /// Answers to questions.
        Questions = "kba",
        /// A session that was open already.
        Session = "session",
        /// A password.
        Password = "password",
        /// A code sent by e-mail.
        OtpEmail = "otp_email",
        /// The account's PIN.
        Pin = "pin",
        /// A code sent by SMS.
        OtpSms = "otp_sms",
        /// A passkey.
        Passkey = "passkey",
    }
}

vocabulary! {
    /// The reason that the care desk wrote down.
    CareReason {
        /// Anything that is not about the SIM or the number.
        Other = "other",
        /// Another phone.
        Upgrade = "upgrade",
        /// The SIM itself.
        Sim = "sim",
        /// The line leaves.
        Port = "port",
        /// The phone is lost.
        Lost = "lost",
    }
}

vocabulary! {
    /// Which model judges it: each sees other signals.
    Door {
        /// Web or app.
        Online = "online",
        /// The care desk.
        Care = "care",
        /// The gaining carrier.
        Partner = "partner",
    }
}

impl Act {
    /// Whether it is decided on.
    #[must_use]
    pub const fn is_privileged(self) -> bool {
        match self {
            Self::EmailChange | Self::PasskeyAdd | Self::LockRemove | Self::SimSwap | Self::PortPin | Self::PortOut => true,
            Self::SignIn | Self::View | Self::Pay | Self::Plan | Self::CareContact | Self::PasswordReset => false,
        }
    }
}

impl Shown {
    /// How easily it is stolen, 0 to 5.
    #[must_use]
    pub const fn weakness(self) -> u8 {
        match self {
            Self::Passkey => 0,
            Self::OtpEmail | Self::OtpSms | Self::Pin => 1,
            Self::Password => 2,
            Self::Session => 3,
            Self::Questions => 4,
            Self::RepOverride => 5,
        }
    }
}

impl Channel {
    /// The model that judges it.
    #[must_use]
    pub const fn door(self) -> Door {
        match self {
            Self::Web | Self::App => Door::Online,
            Self::Care => Door::Care,
            Self::Partner => Door::Partner,
        }
    }
}

/// The network that it came from, as the edge's database has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin<'a> {
    /// The whole address.
    pub address: Signal<IpAddr>,
    /// Number of the autonomous system.
    pub asn: Signal<u32>,
    /// ISO 3166-1 alpha-2.
    pub country: Signal<&'a str>,
    /// State or province.
    pub region: Signal<&'a str>,
    /// Guessed position.
    pub position: Signal<Position>,
    /// Round trip, in milliseconds.
    pub round_trip: Signal<f32>,
}

/// The device, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device<'a> {
    /// The opaque text that it keeps. Can be stolen or cleared.
    pub cookie: Signal<&'a str>,
    /// Whether a key bound to the device proved it.
    pub proven: Signal<bool>,
    /// The model.
    pub model: Signal<&'a str>,
    /// Operating system, with or without its version.
    pub system: Signal<&'a str>,
    /// Browser, with or without its version.
    pub browser: Signal<&'a str>,
    /// Language.
    pub language: Signal<&'a str>,
    /// Offset from UTC in minutes.
    pub zone: Signal<i32>,
}

/// What the carrier's own network knows of the line now.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Whether the SIM is attached.
    pub attached: Signal<bool>,
    /// Minutes since it was last used.
    pub idle_minutes: Signal<f32>,
    /// Where the cell is.
    pub cell: Signal<Position>,
    /// Days since the SIM came into this handset.
    pub handset_days: Signal<f32>,
}

/// What the care desk wrote down.
#[derive(Clone, Debug, PartialEq)]
pub struct Care<'a> {
    /// The representative.
    pub rep: Signal<&'a str>,
    /// Why.
    pub reason: Signal<CareReason>,
    /// Questions answered wrongly.
    pub failed: Signal<u32>,
    /// Whether the customer called or wrote.
    pub inbound: Signal<bool>,
    /// Whether from the line itself.
    pub own_line: Signal<bool>,
}

/// Where the line is to go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target<'a> {
    /// The handset of the new SIM.
    pub handset: Signal<&'a str>,
    /// The new SIM.
    pub sim: Signal<&'a str>,
    /// The gaining carrier.
    pub carrier: Signal<&'a str>,
}

/// One observation of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// How it came in.
    pub channel: Channel,
    /// What happened.
    pub act: Act,
    /// Whether the attempt itself succeeded (a sign-in: the password was right).
    pub succeeded: bool,
    /// What was shown so far.
    pub shown: Signal<Shown>,
    /// Days since the line was activated.
    pub tenure_days: Signal<f32>,
    /// The network.
    pub origin: Origin<'a>,
    /// The device.
    pub device: Device<'a>,
    /// The carrier's network; absent where there is no feed.
    pub line: Signal<Line>,
    /// The care desk.
    pub care: Signal<Care<'a>>,
    /// The destination.
    pub target: Target<'a>,
}

impl Observation<'_> {
    /// Whether it came from a browser or an app, so that network and device say something.
    #[must_use]
    pub const fn is_online(&self) -> bool {
        matches!(self.channel.door(), Door::Online)
    }
}

/// The network's narrowest part, after a byte that tells the versions apart: /24 of IPv4, /48 of IPv6.
#[must_use]
pub const fn prefix_of(address: IpAddr) -> [u8; 7] {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            [4, a, b, c, 0, 0, 0]
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, ..] = v6.octets();
            [6, a, b, c, d, e, f]
        }
    }
}

/// What counts as one address: all of IPv4, /64 of IPv6.
#[must_use]
pub const fn host_of(address: IpAddr) -> [u8; 9] {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            [4, a, b, c, d, 0, 0, 0, 0]
        }
        IpAddr::V6(v6) => {
            let [a, b, c, d, e, f, g, h, ..] = v6.octets();
            [6, a, b, c, d, e, f, g, h]
        }
    }
}

/// A name without its version: `iOS 26.1` is `iOS`. Whatever follows the first word that begins with a
/// digit goes too.
#[must_use]
pub fn family(name: &str) -> &str {
    let cut = name
        .match_indices(' ')
        .find(|(at, _)| name.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())));
    cut.and_then(|(at, _)| name.get(..at)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_have_no_versions() {
        assert_eq!(
            ["iOS 26.1", "Mobile Safari 26.1", "Windows", "Chrome 143", "", "7", "Pixel 9"].map(family),
            ["iOS", "Mobile Safari", "Windows", "Chrome", "", "7", "Pixel"]
        );
    }
}
