//! How a request for a change looks as an observation.

use super::event::{self, Act, Care, CareReason, Device, Observation, Origin, Shown, Target};
use crate::change::{Actor, Details};
use crate::kinds::{ChangeKind, Channel};
use crate::signals::{DeviceName, RequestSignals, Signal};
use crate::state::View;
use crate::time::Timestamp;

/// Whether the request was signed by a key of the customer's own device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyShown {
    /// She has no such key that counts yet.
    #[default]
    NoneEnrolled,
    /// By one of hers.
    Yes,
    /// She has one, and this is not it: another device, or a session that was carried off.
    No,
}

/// A request for a change.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Which kind of change.
    pub kind: ChangeKind,
    /// What is wanted exactly, where that is known.
    pub details: Option<&'a Details>,
    /// Who asks.
    pub actor: &'a Actor,
    /// Through which channel.
    pub channel: Channel,
    /// What is known of the request.
    pub signals: &'a RequestSignals,
    /// Whether her device's key signed it.
    pub key: KeyShown,
}

/// What the model was trained on comes nearest to a kind of change. It knows six; what it does not know is
/// taken for the one that opens the same door to a thief.
const fn act(kind: ChangeKind) -> Act {
    match kind {
        ChangeKind::SimSwap | ChangeKind::NumberChange | ChangeKind::Ownership | ChangeKind::DeviceUpgrade => Act::SimSwap,
        ChangeKind::PortOut => Act::PortOut,
        ChangeKind::PortPin => Act::PortPin,
        ChangeKind::ContactChange | ChangeKind::CredentialReset | ChangeKind::AuthorizedUser | ChangeKind::AddLine => {
            Act::EmailChange
        }
        ChangeKind::ProtectionOff | ChangeKind::FactorRemove => Act::LockRemove,
        ChangeKind::FactorAdd => Act::PasskeyAdd,
    }
}

const fn channel(channel: Channel) -> event::Channel {
    match channel {
        Channel::Pwa => event::Channel::Web,
        Channel::Chat | Channel::Email | Channel::Phone | Channel::Store => event::Channel::Care,
        Channel::Porting => event::Channel::Partner,
    }
}

/// Network and device of what was observed.
#[must_use]
pub fn source(signals: &RequestSignals, proven: Signal<bool>) -> (Origin<'_>, Device<'_>) {
    let (network, device) = (&signals.network, &signals.device);
    let origin = Origin {
        address: network.address,
        asn: network.asn,
        country: text(&network.country),
        region: text(&network.region),
        position: network.position,
        // The edge does not measure it.
        round_trip: Signal::Absent,
    };
    let device = Device {
        cookie: device.name.as_ref().map(DeviceName::as_str),
        proven,
        model: text(&device.model),
        system: text(&device.system),
        browser: text(&device.browser),
        language: text(&device.language),
        zone: device.utc_offset,
    };
    (origin, device)
}

fn text(signal: &Signal<String>) -> Signal<&str> {
    signal.as_ref().map(String::as_str)
}

impl<'a> Asked<'a> {
    /// As an observation made at `now`. The account's and the line's ages come from what was read.
    #[must_use]
    pub fn seen(self, view: &View, now: Timestamp) -> Observation<'a> {
        let since = view.line.as_ref().map(|line| line.state.opened_at);
        let since = since.or_else(|| view.account.as_ref().map(|account| account.state.opened_at));
        let (origin, device) = source(self.signals, Signal::Present(self.key == KeyShown::Yes));
        let rep = match self.actor {
            Actor::Representative(rep) => Signal::Present(rep.as_str()),
            Actor::Customer | Actor::Gateway | Actor::Provisioning | Actor::Partner | Actor::System => Signal::Absent,
        };
        let lost = matches!(self.details, Some(Details::SimSwap { phone_lost: true, .. }));
        let channel = channel(self.channel);
        let care = Care {
            rep,
            reason: Signal::Present(if lost { CareReason::Lost } else { CareReason::Sim }),
            // What the care desk does not tell weighs as unread.
            failed: Signal::Unavailable,
            inbound: Signal::Unavailable,
            own_line: Signal::Unavailable,
        };
        Observation {
            at: now,
            channel,
            act: act(self.kind),
            succeeded: true,
            // The token says that a session is open. What opened it was told when it was.
            shown: if channel == event::Channel::Web { Signal::Present(Shown::Session) } else { Signal::Unavailable },
            tenure_days: since.map(|at| super::num::days(now.since(at))).into(),
            origin,
            device,
            line: Signal::Absent,
            care: if channel == event::Channel::Care { Signal::Present(care) } else { Signal::Absent },
            target: self.details.map(target).unwrap_or_default(),
        }
    }
}

fn target(details: &Details) -> Target<'_> {
    match details {
        Details::SimSwap { sim, .. } => Target {
            // An eSIM's chip is the handset's own.
            handset: sim.eid.as_ref().map(|eid| eid.as_str()).into(),
            sim: Signal::Present(sim.iccid.as_str()),
            carrier: Signal::Absent,
        },
        Details::DeviceUpgrade { imei } => {
            Target { handset: Signal::Present(imei.as_str()), sim: Signal::Absent, carrier: Signal::Absent }
        }
        Details::PortOut { carrier, .. } => {
            Target { handset: Signal::Absent, sim: Signal::Absent, carrier: Signal::Present(carrier.as_str()) }
        }
        Details::PortPin {}
        | Details::NumberChange {}
        | Details::ContactChange { .. }
        | Details::CredentialReset {}
        | Details::ProtectionOff { .. }
        | Details::AuthorizedUser { .. }
        | Details::Ownership {}
        | Details::AddLine {}
        | Details::FactorAdd { .. }
        | Details::FactorRemove { .. } => Target::default(),
    }
}
