//! Fraud in the porting feed, as a pattern while it happens.
//!
//! A [`Sighting`] is one thing that the ledger's stream shows. It is folded into the [`Window`]s of what it met:
//! the gaining carrier, the PIN, the address, the device, the destination's handset, the representative, the account,
//! the line, and the feed as a whole. Then the rules look at those windows, and say an [`Alarm`] for each pattern that
//! the sighting belongs to.
//!
//! A window is a function of the set of sightings: a repeat changes nothing, and their order does not matter, as long
//! as none is over three hours late. A window is at most 4,000 bytes. Where more happens than it holds, it counts by
//! a fair sample, or says "many".
//!
//! | kind | what is counted | compared with |
//! |---|---|---|
//! | carriers, feed, address, representative, PIN | accounts in an hour or in six | the same hours of six past weeks |
//! | reasons | their shares of the rejects of six hours | their shares in the past weeks |
//! | device, handset, account, line | what happened in a day | a fixed limit: few honest people share one |
//!
//! *Usual* is the median of the same hours of past weeks and its deviation the median absolute deviation (neither is
//! moved by one bad week), never less than chance and an eighth. Before there is history, a limit is what a carrier
//! of this size can have honestly.

mod bytes;
mod incident;
mod mix;
mod ring;
mod series;
mod settings;
mod shows;
mod silence;
mod table;

use serde::{Deserialize, Serialize};

use crate::kinds::vocabulary;
use crate::risk::marks::WideMark;
use crate::time::{Span, Timestamp};

pub use incident::{Alarm, Incident, News, Pattern, Severity};
pub use settings::Settings;
pub use shows::{of_event, of_order, of_stray};
pub use silence::silent;

use bytes::Reader;
use mix::Mix;
use ring::{Added, Met};
use series::{Limit, Parts, Series, TooMany};
use settings::OneIn;
use table::{Did, Row, Table};

/// The stored form that this code reads and writes.
const VERSION: u8 = 1;
/// Hours of the shorter and the longer window, the last of which is not over.
const HOUR: u32 = 1;
const SIX_HOURS: u32 = 7;

vocabulary! {
    /// Why a port request failed, as far as the monitor tells reasons apart.
    Failing {
        /// The account number is another.
        AccountNumber = "account_number",
        /// The ZIP is another.
        Zip = "zip",
        /// The passcode is wrong.
        Passcode = "passcode",
        /// There is no passcode where one is needed.
        PasscodeMissing = "passcode_missing",
        /// The passcode is over.
        PasscodeExpired = "passcode_expired",
        /// The number is none of ours, or not in service.
        Number = "number",
        /// A code of a company does not fit.
        Company = "company",
        /// The due date cannot be met.
        DueDate = "due_date",
        /// Another order for the number is open, or this one's version goes back.
        Order = "order",
        /// A protection is on, or the line changed too lately.
        Protected = "protected",
        /// A field is missing or has the wrong form.
        Form = "form",
        /// Anything else.
        Other = "other",
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// A port was asked for, and passed validation.
    Asked,
    /// A port was asked for, and failed.
    Failed(Failing),
    /// A port was confirmed. It was asked for before, and counts there.
    Confirmed,
    /// A port that had passed validation was refused later: by the policy, or by the customer.
    Refused,
    /// A protection was switched off.
    Unlocked,
    /// A contact was added, removed or replaced.
    ContactChanged,
    /// The sign-in was set anew.
    PasswordReset,
    /// Another SIM is in the line.
    SimSwapped,
    /// A transfer PIN was drawn, or another SIM asked for: not a port yet, and what a thief of many accounts does from
    /// one place.
    Prepared,
    /// A port was asked for soon after an unlock or a reset. Made by the monitor itself: [`follow_ups`].
    SoonAfter,
    /// The same after a contact or the SIM changed: the customer may not hear of it.
    Rerouted,
}

/// Where it met others. Nothing where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Places {
    /// The gaining carrier.
    pub carrier: Option<WideMark>,
    /// The PIN that was tried.
    pub pin: Option<WideMark>,
    /// The network address.
    pub address: Option<WideMark>,
    /// The device.
    pub device: Option<WideMark>,
    /// The handset that the number goes to.
    pub handset: Option<WideMark>,
    /// The representative.
    pub rep: Option<WideMark>,
}

/// One thing that the ledger's stream or the feed shows. Two that are equal are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sighting {
    /// When.
    pub at: Timestamp,
    /// Whose.
    pub account: WideMark,
    /// Which line, where it is about one.
    pub line: Option<WideMark>,
    /// What.
    pub seen: Seen,
    /// Where.
    pub met: Places,
}

vocabulary! {
    /// What windows are kept of.
    Kind {
        /// Ports to a gaining carrier.
        CarrierPorts = "carrier_ports",
        /// Failures for a gaining carrier.
        CarrierFailures = "carrier_failures",
        /// Reasons of a gaining carrier's failures.
        CarrierReasons = "carrier_reasons",
        /// Ports to a gaining carrier soon after another change.
        CarrierSoon = "carrier_soon",
        /// All ports.
        FeedPorts = "feed_ports",
        /// Reasons of all failures.
        FeedReasons = "feed_reasons",
        /// All ports soon after another change.
        FeedSoon = "feed_soon",
        /// Ports to a gaining carrier soon after a contact or the SIM changed.
        CarrierRerouted = "carrier_rerouted",
        /// All ports soon after a contact or the SIM changed.
        FeedRerouted = "feed_rerouted",
        /// Ports from an address.
        Address = "address",
        /// Ports by a representative.
        Rep = "rep",
        /// Ports soon after a change by a representative.
        RepSoon = "rep_soon",
        /// Ports with a PIN.
        Pin = "pin",
        /// Ports from a device.
        Device = "device",
        /// Ports to a handset.
        Handset = "handset",
        /// What happens to an account.
        Account = "account",
        /// Ports of a line.
        Line = "line",
    }
}

impl Kind {
    /// Into how many parts its windows are spread by the account, so that many can write at once: a feed of ten
    /// thousand messages a minute, most of them to one carrier, does not meet in one item.
    #[must_use]
    pub const fn parts(self) -> u8 {
        match self {
            Self::CarrierPorts | Self::CarrierFailures | Self::CarrierReasons | Self::FeedPorts | Self::FeedReasons => 8,
            Self::CarrierSoon | Self::FeedSoon | Self::Address | Self::Pin => 4,
            Self::CarrierRerouted | Self::FeedRerouted => 2,
            Self::Rep | Self::RepSoon | Self::Device | Self::Handset | Self::Account | Self::Line => 1,
        }
    }

    fn empty(self) -> Inner {
        match self {
            Self::CarrierPorts
            | Self::CarrierFailures
            | Self::CarrierSoon
            | Self::FeedPorts
            | Self::FeedSoon
            | Self::CarrierRerouted
            | Self::FeedRerouted
            | Self::Address
            | Self::Rep
            | Self::RepSoon
            | Self::Pin => Inner::Series(Box::default()),
            Self::CarrierReasons | Self::FeedReasons => Inner::Mix(Box::default()),
            Self::Device | Self::Handset | Self::Account | Self::Line => Inner::Table(Box::default()),
        }
    }

    /// The rules of a kind that is compared with its past.
    fn limits(self, settings: &Settings) -> Vec<(Pattern, Limit)> {
        let over = |hours, floor, one_in| Limit { hours, floor, cold: Some(settings.cold(floor, one_in)) };
        // What only a past can say is not said without one.
        let known = |hours, floor| Limit { hours, floor, cold: None };
        match self {
            Self::CarrierPorts => vec![
                (Pattern::CarrierBurst, over(SIX_HOURS, settings.carrier_ports, OneIn::Ports)),
                (Pattern::CarrierRate, known(HOUR, settings.carrier_ports)),
            ],
            Self::CarrierFailures => vec![(Pattern::CarrierFailures, over(SIX_HOURS, settings.carrier_failures, OneIn::Some))],
            Self::CarrierSoon => vec![(Pattern::SoonCarrier, over(SIX_HOURS, settings.soon_carrier, OneIn::Some))],
            Self::FeedPorts => vec![(Pattern::FeedRate, known(HOUR, settings.feed_ports))],
            Self::FeedSoon => vec![(Pattern::SoonFeed, over(SIX_HOURS, settings.soon_feed, OneIn::SomeOfAll))],
            Self::CarrierRerouted => {
                vec![(Pattern::ReroutedCarrier, over(SIX_HOURS, settings.rerouted_carrier, OneIn::Few))]
            }
            Self::FeedRerouted => vec![(Pattern::ReroutedFeed, over(SIX_HOURS, settings.rerouted_feed, OneIn::Few))],
            Self::Address => vec![(Pattern::Address, over(SIX_HOURS, settings.address_ports, OneIn::Few))],
            Self::Rep => vec![(Pattern::Representative, over(SIX_HOURS, settings.rep_ports, OneIn::Few))],
            Self::RepSoon => {
                let limit = Limit { hours: SIX_HOURS, floor: settings.soon_rep, cold: Some(settings.soon_rep) };
                vec![(Pattern::SoonRep, limit)]
            }
            Self::Pin => vec![(Pattern::OnePin, over(SIX_HOURS, settings.one_pin, OneIn::Few))],
            Self::CarrierReasons | Self::FeedReasons | Self::Device | Self::Handset | Self::Account | Self::Line => Vec::new(),
        }
    }
}

/// What a window is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// What kind of thing.
    pub kind: Kind,
    /// Which one; 0 for the feed.
    pub mark: WideMark,
}

impl Key {
    /// The feed as a whole: its first hour says from when on what was not seen did not happen.
    pub const FEED: Self = Self { kind: Kind::FeedPorts, mark: WideMark(0) };

    /// The part of its window that an account is counted in.
    #[must_use]
    pub fn part_of(self, account: WideMark) -> u8 {
        u8::try_from(account.0 % u64::from(self.kind.parts())).unwrap_or(0)
    }
}

/// One part of what is remembered of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Window(Inner);

#[derive(Clone, Debug, PartialEq)]
enum Inner {
    /// Counts by the hour.
    Series(Box<Series>),
    /// Reasons by the hour.
    Mix(Box<Mix>),
    /// One by one.
    Table(Box<Table>),
}

fn hour_of(at: Timestamp) -> u32 {
    seconds(at) / 3_600
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

fn upper(mark: WideMark) -> u32 {
    u32::try_from(mark.0 >> 32).unwrap_or(u32::MAX)
}

/// The whole number towards zero; the nearest end of the range beyond it, 0 for what is no number.
#[expect(clippy::as_conversions, reason = "saturates, which is what is wanted")]
const fn whole(x: f64) -> u32 {
    x as u32
}

impl Seen {
    const fn failing(self) -> Option<Failing> {
        match self {
            Self::Failed(failing) => Some(failing),
            Self::Refused => Some(Failing::Protected),
            Self::Asked
            | Self::Confirmed
            | Self::Unlocked
            | Self::ContactChanged
            | Self::PasswordReset
            | Self::SimSwapped
            | Self::Prepared
            | Self::SoonAfter
            | Self::Rerouted => None,
        }
    }
}

impl Sighting {
    /// The windows that it is folded into.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        let met = &self.met;
        let at = |kind, mark: Option<WideMark>| mark.map(|mark| Key { kind, mark });
        let feed = |kind| at(kind, Some(WideMark(0)));
        let failed = self.seen.failing().is_some();
        let keys: Vec<Option<Key>> = match self.seen {
            Seen::Asked | Seen::Failed(_) | Seen::Refused => vec![
                // The account first: what follows from it is folded next.
                at(Kind::Account, Some(self.account)),
                Some(Key::FEED),
                at(Kind::CarrierPorts, met.carrier),
                at(Kind::CarrierFailures, met.carrier.filter(|_| failed)),
                at(Kind::CarrierReasons, met.carrier.filter(|_| failed)),
                feed(Kind::FeedReasons).filter(|_| failed),
                at(Kind::Address, met.address),
                at(Kind::Rep, met.rep),
                at(Kind::Device, met.device),
                at(Kind::Handset, met.handset),
                at(Kind::Pin, met.pin),
                at(Kind::Line, self.line.filter(|_| met.pin.is_some())),
            ],
            Seen::Unlocked | Seen::ContactChanged | Seen::PasswordReset | Seen::SimSwapped => {
                vec![at(Kind::Account, Some(self.account))]
            }
            Seen::Prepared => {
                vec![at(Kind::Address, met.address), at(Kind::Device, met.device), at(Kind::Handset, met.handset)]
            }
            Seen::SoonAfter => {
                vec![at(Kind::CarrierSoon, met.carrier), feed(Kind::FeedSoon), at(Kind::RepSoon, met.rep)]
            }
            Seen::Rerouted => vec![
                at(Kind::CarrierSoon, met.carrier),
                feed(Kind::FeedSoon),
                at(Kind::RepSoon, met.rep),
                at(Kind::CarrierRerouted, met.carrier),
                feed(Kind::FeedRerouted),
            ],
            Seen::Confirmed => Vec::new(),
        };
        keys.into_iter().flatten().collect()
    }

    fn row(&self, kind: Kind) -> Row {
        let did = match self.seen {
            Seen::Failed(_) | Seen::Refused => Did::Failed,
            Seen::Asked | Seen::Prepared => Did::Asked,
            Seen::ContactChanged | Seen::SimSwapped => Did::Rerouted,
            Seen::Confirmed | Seen::Unlocked | Seen::PasswordReset | Seen::SoonAfter | Seen::Rerouted => Did::Changed,
        };
        let with = match (kind, did) {
            (Kind::Line, _) => self.met.pin,
            (Kind::Account, Did::Changed | Did::Rerouted) => self.met.rep,
            (Kind::Account, Did::Asked | Did::Failed) => self.met.carrier,
            _ => None,
        };
        let line = self.line.map_or(0, |line| line.0);
        Row { at: seconds(self.at), did, account: upper(self.account), line, with: with.map_or(0, |mark| mark.0) }
    }
}

impl Window {
    /// An empty one.
    #[must_use]
    pub fn empty(kind: Kind) -> Self {
        Self(kind.empty())
    }

    /// In the place of one that cannot be read: what happened before `at` is not known, and is not taken for nothing.
    #[must_use]
    pub fn anew(kind: Kind, at: Timestamp) -> Self {
        match kind.empty() {
            Inner::Series(_) => Self(Inner::Series(Box::new(Series::anew(hour_of(at))))),
            other @ (Inner::Mix(_) | Inner::Table(_)) => Self(other),
        }
    }

    /// Folds a sighting in; whether anything is other than before.
    pub fn add(&mut self, kind: Kind, sighting: &Sighting) -> bool {
        let (hour, line) = (hour_of(sighting.at), sighting.line.map_or(0, |line| line.0));
        let met = |tag| Met { account: upper(sighting.account), tag, line };
        match &mut self.0 {
            Inner::Series(series) => series.add(hour, met(0)) == Added::Changed,
            Inner::Mix(mix) => match sighting.seen.failing() {
                Some(failing) => mix.add(hour, met(failing.tag())) == Added::Changed,
                None => false,
            },
            Inner::Table(table) => table.add(sighting.row(kind)),
        }
    }

    /// Remembers how many accounts met here in an hour before `now`, as another system knows it; `accounts` is the
    /// share of this part. Whether it could.
    pub fn remember(&mut self, hour: Timestamp, accounts: u32, now: Timestamp) -> bool {
        match &mut self.0 {
            Inner::Series(series) => series.remember(hour_of(hour), accounts, hour_of(now)),
            Inner::Mix(_) | Inner::Table(_) => false,
        }
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        match &self.0 {
            Inner::Series(series) => series.write(&mut out),
            Inner::Mix(mix) => mix.write(&mut out),
            Inner::Table(table) => table.write(&mut out),
        }
        out
    }

    /// Reads the stored form of a kind; nothing where the bytes are none.
    #[must_use]
    pub fn decode(kind: Kind, bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        if from.u8()? != VERSION {
            return None;
        }
        let window = match kind.empty() {
            Inner::Series(_) => Inner::Series(Box::new(Series::read(&mut from)?)),
            Inner::Mix(_) => Inner::Mix(Box::new(Mix::read(&mut from)?)),
            Inner::Table(_) => Inner::Table(Box::new(Table::read(&mut from)?)),
        };
        from.is_at_the_end().then_some(Self(window))
    }

    /// How long it is of use after something was folded in.
    #[must_use]
    pub const fn kept_for(&self) -> Span {
        match &self.0 {
            Inner::Series(_) | Inner::Mix(_) => Span::hours(series::MEMORY),
            Inner::Table(_) => Span::days(4),
        }
    }
}

impl Failing {
    fn tag(self) -> u8 {
        let place = Self::ALL.iter().position(|&known| known == self).unwrap_or(0);
        u8::try_from(place).unwrap_or(0)
    }
}

/// What follows from a sighting at its account: ports that were asked for soon after something that helps a thief.
/// `account` is the account's window with the sighting in it. The ports come first or the changes do: what follows
/// is the same.
#[must_use]
pub fn follow_ups(account: &Window, sighting: &Sighting, settings: &Settings) -> Vec<Sighting> {
    let Inner::Table(table) = &account.0 else { return Vec::new() };
    let (row, soon) = (sighting.row(Kind::Account), settings.soon.as_seconds());
    let is_soon = |changed: &Row, port: &Row| (changed.at..=changed.at.saturating_add(soon)).contains(&port.at);
    let same_line = |changed: &Row, port: &Row| changed.line == 0 || changed.line == port.line;
    let pairs = table.rows().filter_map(|other| match (other.did.is_port(), row.did.is_port()) {
        (false, true) => Some((*other, row)),
        (true, false) => Some((row, *other)),
        (true, true) | (false, false) => None,
    });
    let mark = |mark: u64| (mark != 0).then_some(WideMark(mark));
    let mut follow: Vec<Sighting> = pairs
        .filter(|(changed, port)| is_soon(changed, port) && same_line(changed, port))
        .map(|(changed, port)| Sighting {
            at: Timestamp::from_second(i64::from(port.at)),
            account: sighting.account,
            line: mark(port.line),
            seen: if changed.did == Did::Rerouted { Seen::Rerouted } else { Seen::SoonAfter },
            met: Places { carrier: mark(port.with), rep: mark(changed.with), ..Places::default() },
        })
        .collect();
    follow.sort_unstable();
    follow.dedup();
    follow
}

/// Since when the feed is watched: what was not seen since then did not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// The first hour that something was seen in.
    pub seen: Option<Timestamp>,
    /// The first hour that another system told of. It told of ports to every gaining carrier, and of nothing else.
    pub told: Option<Timestamp>,
}

/// Since when the feed is watched. `feed` are the parts of [`Key::FEED`] that there are.
#[must_use]
pub fn watched_since<'a>(feed: impl IntoIterator<Item = &'a Window>) -> Watched {
    let time = |hour: u32| Timestamp::from_second(i64::from(hour) * 3_600);
    let earlier = |one: Option<Timestamp>, other: Option<u32>| one.into_iter().chain(other.map(time)).min();
    feed.into_iter().fold(Watched::default(), |watched, window| match &window.0 {
        Inner::Series(series) => {
            Watched { seen: earlier(watched.seen, series.first()), told: earlier(watched.told, series.told_from()) }
        }
        Inner::Mix(_) | Inner::Table(_) => watched,
    })
}

/// The alarms of the patterns at one thing that a sighting belongs to. `parts` are all parts of its window that there
/// are, with the sighting in them.
#[must_use]
pub fn judge(key: Key, parts: &[&Window], sighting: &Sighting, watched: Watched, settings: &Settings) -> Vec<Alarm> {
    let hour = hour_of(sighting.at);
    let in_hours = |hours: u32| Timestamp::from_second(i64::from(hours) * 3_600);
    let alarm = |pattern, many: TooMany, since, until| Alarm {
        pattern,
        key,
        severity: Alarm::severity(many.count, many.limit),
        lines: many.lines.into_iter().filter(|line| line.0 != 0).collect(),
        count: many.count,
        limit: many.limit,
        since,
        until,
    };
    let of_hours = |pattern, many: TooMany| {
        let (first, last) = many.hours;
        alarm(pattern, many, in_hours(first), in_hours(last.saturating_add(1)))
    };
    match key.kind.empty() {
        Inner::Series(_) => {
            let series = parts.iter().filter_map(|part| match &part.0 {
                Inner::Series(series) => Some(series.as_ref()),
                Inner::Mix(_) | Inner::Table(_) => None,
            });
            let told = watched.told.filter(|_| key.kind == Kind::CarrierPorts);
            let parts = Parts::of(series, watched.seen.into_iter().chain(told).min().map(hour_of));
            let limits = key.kind.limits(settings).into_iter();
            limits.filter_map(|(pattern, limit)| Some(of_hours(pattern, parts.judge(hour, limit, settings)?))).collect()
        }
        Inner::Mix(_) => {
            let mixes: Vec<&Mix> = parts
                .iter()
                .filter_map(|part| match &part.0 {
                    Inner::Mix(mix) => Some(mix.as_ref()),
                    Inner::Series(_) | Inner::Table(_) => None,
                })
                .collect();
            let pattern = if key.kind == Kind::FeedReasons { Pattern::FeedReasons } else { Pattern::CarrierReasons };
            let many = sighting.seen.failing().and_then(|failing| mix::judge(&mixes, hour, failing.tag(), settings));
            many.map(|many| of_hours(pattern, many)).into_iter().collect()
        }
        Inner::Table(_) => {
            let tables = parts.iter().filter_map(|part| match &part.0 {
                Inner::Table(table) => Some(table),
                Inner::Series(_) | Inner::Mix(_) => None,
            });
            let mut alarms = Vec::new();
            for table in tables {
                for (pattern, of, limit) in table::limits(key.kind, settings) {
                    if let Some(many) = table.judge(seconds(sighting.at), of, limit) {
                        let (from, to) = many.hours;
                        let time = |seconds: u32| Timestamp::from_second(i64::from(seconds));
                        alarms.push(alarm(pattern, many, time(from), time(to)));
                    }
                }
            }
            alarms
        }
    }
}

/// The alarm of a feed that brought far fewer ports in the last full hour than in the same hour of past weeks.
/// `feed` are all parts of [`Key::FEED`].
#[must_use]
pub fn hushed(feed: &[&Window], now: Timestamp, settings: &Settings) -> Option<Alarm> {
    let series: Vec<&Series> = feed
        .iter()
        .filter_map(|part| match &part.0 {
            Inner::Series(series) => Some(series.as_ref()),
            Inner::Mix(_) | Inner::Table(_) => None,
        })
        .collect();
    let this = hour_of(now);
    let newest = Parts::of(series.iter().copied(), None);
    let parts = Parts::at(&series, this.max(newest.newest()), None);
    let last = this.checked_sub(1)?;
    let (met, usual) = parts.is_hushed(last, settings)?;
    Some(Alarm {
        pattern: Pattern::FeedHushed,
        key: Key::FEED,
        lines: std::collections::BTreeSet::new(),
        count: usual.saturating_sub(met),
        limit: usual,
        since: Timestamp::from_second(i64::from(last) * 3_600),
        until: Timestamp::from_second(i64::from(this) * 3_600),
        severity: Severity::Severe,
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;
