//! Fraud as a pattern, while it happens: orders and events become sightings, sightings are folded into windows, and what
//! a window says is published as an incident.
//!
//! Each step is safe to do again: windows are sets, an incident grows by what is new alone, and it is published before it
//! is written, so that a crash can repeat an event (with the same id) and lose none.

use std::collections::{BTreeMap, BTreeSet};

use linekeeper_domain::change::{Actor, Change};
use linekeeper_domain::decide;
use linekeeper_domain::ids::{AccountId, ChangeId, LineId, Subject};
use linekeeper_domain::kinds::{Band, ChangeKind, Reason};
use linekeeper_domain::ledger::EventName;
use linekeeper_domain::porting::message::PortRequest;
use linekeeper_domain::porting::monitor::{self, Alarm, Incident, Key, Kind, News, Settings, Sighting};
use linekeeper_domain::risk::Assessment;
use linekeeper_domain::risk::marks::{Marker, WideMark};
use linekeeper_domain::state::View;
use linekeeper_domain::time::Timestamp;
use linekeeper_platform::messages::{ConcernedLine, IncidentEvent, LineEvent, Publisher};
use linekeeper_platform::risk::Risk;
use linekeeper_platform::shell::{Failure, Shell, owner};
use linekeeper_platform::store::{Error, Named};
use linekeeper_platform::telemetry::{self, Metric};
use serde::Deserialize;

use crate::App;

/// Marks are made with it.
const NO_KEY: Error = Error::Corrupt("no key of the profiles");
/// How often an incident that others write too is tried.
const ATTEMPTS: usize = 8;
/// The most hours, each of one carrier, that are remembered at once.
const HOURS_OF_AN_IMPORT: usize = 20_000;

/// What watches.
pub(crate) struct Watch<'a> {
    shell: &'a Shell,
    risk: &'a Risk,
    publisher: &'a dyn Publisher,
    settings: &'a Settings,
}

impl<D> App<D> {
    /// The part that watches.
    pub(crate) fn watch(&self) -> Watch<'_> {
        Watch { shell: &self.shell, risk: &self.risk, publisher: self.publisher.as_ref(), settings: &self.monitor }
    }
}

/// How many accounts left for a gaining carrier in an hour, by the carrier's own records.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastHour {
    /// The hour; any time within it (RFC 3339).
    pub at: String,
    /// The gaining carrier (SPID).
    pub spid: String,
    /// How many.
    pub accounts: u32,
    /// How many of them failed validation at first, where that is known.
    pub failed: Option<u32>,
}

impl Watch<'_> {
    /// Folds an order that was decided, and publishes what completes a pattern.
    ///
    /// # Errors
    /// Where something could not be read, written or published: whatever brought it brings it again.
    pub(crate) async fn order(&self, account: &AccountId, line: &LineId, change: &Change) -> Result<(), Failure> {
        let scorer = self.risk.scorer().await;
        let marker = scorer.marker.ok_or(NO_KEY)?;
        let Some(seen) = monitor::of_order(account, line, change, marker) else { return Ok(()) };
        let named = Named { account_id: account.clone(), line_id: line.clone() };
        self.see(&[seen], &BTreeMap::from([(marker.line(line), named)])).await
    }

    /// Folds an order for a number that is none of ours.
    ///
    /// # Errors
    /// As [`Watch::order`].
    pub(crate) async fn stray(&self, request: &PortRequest, at: Timestamp) -> Result<(), Failure> {
        let scorer = self.risk.scorer().await;
        let marker = scorer.marker.ok_or(NO_KEY)?;
        let seen = monitor::of_stray(&request.order.number, &request.gaining, request.passcode.as_ref(), at, marker);
        self.see(&[seen], &BTreeMap::new()).await
    }

    /// Folds something else that happened to an account or a line.
    ///
    /// # Errors
    /// As [`Watch::order`].
    pub(crate) async fn event(&self, event: &LineEvent) -> Result<(), Failure> {
        let scorer = self.risk.scorer().await;
        let marker = scorer.marker.ok_or(NO_KEY)?;
        let at = Timestamp::parse(&event.at).ok_or(Error::Corrupt("a line event without its time"))?;
        let change = event.change.as_ref().map(|change| change.kind);
        let show = |name: &EventName| monitor::of_event(&event.account_id, event.line_id.as_ref(), *name, change, at, marker);
        let seen: BTreeSet<Sighting> = event.events.iter().filter_map(show).collect();
        self.see(&seen.into_iter().collect::<Vec<_>>(), &BTreeMap::new()).await
    }

    async fn see(&self, seen: &[Sighting], names: &BTreeMap<WideMark, Named>) -> Result<(), Failure> {
        if seen.is_empty() {
            return Ok(());
        }
        // Before the alarm, so that it can name them.
        self.shell.store.name_lines(names, self.shell.clock.now()).await?;
        let alarms = self.shell.store.fold(seen, self.settings).await?;
        self.raise(&alarms).await
    }

    /// A gateway is alive.
    ///
    /// # Errors
    /// Where it could not be written.
    pub(crate) async fn beat(&self, gateway: &str, sent_at: Timestamp) -> Result<(), Failure> {
        let scorer = self.risk.scorer().await;
        let marker: &Marker = scorer.marker.ok_or(NO_KEY)?;
        // By the earlier of two clocks: one that is ahead would keep a silent gateway alive.
        let at = sent_at.min(self.shell.clock.now());
        Ok(self.shell.store.beat(marker.gateway(gateway), at).await?)
    }

    /// Looks for silence, once a minute.
    ///
    /// # Errors
    /// As [`Watch::order`].
    pub(crate) async fn listen(&self) -> Result<(), Failure> {
        let alarms = self.shell.store.silences(self.shell.clock.now(), self.settings).await?;
        self.raise(&alarms).await
    }

    /// Remembers how many left in past hours, so that there is something usual from the first day on. How many of
    /// the hours could be used is not said: those that are too old or not over are left out.
    ///
    /// # Errors
    /// Where something could not be written. Telling it again is safe.
    pub(crate) async fn remember(&self, past: &[PastHour]) -> Result<(), Failure> {
        let scorer = self.risk.scorer().await;
        let marker = scorer.marker.ok_or(NO_KEY)?;
        let mut by_key: BTreeMap<Key, BTreeMap<Timestamp, u32>> = BTreeMap::new();
        for hour in past.iter().take(HOURS_OF_AN_IMPORT) {
            let Some(at) = Timestamp::parse(&hour.at) else { continue };
            let key = Key { kind: Kind::CarrierPorts, mark: marker.carrier(&hour.spid) };
            let failures = Key { kind: Kind::CarrierFailures, ..key };
            let counts = [(key, Some(hour.accounts)), (Key::FEED, Some(hour.accounts)), (failures, hour.failed)];
            for (key, accounts) in counts {
                let Some(accounts) = accounts else { continue };
                let count = by_key.entry(key).or_default().entry(at).or_default();
                *count = count.saturating_add(accounts);
            }
        }
        let now = self.shell.clock.now();
        for (key, hours) in by_key {
            let hours: Vec<(Timestamp, u32)> = hours.into_iter().collect();
            self.shell.store.remember(key, &hours, now).await?;
        }
        Ok(())
    }

    /// Opens and grows incidents.
    async fn raise(&self, alarms: &[Alarm]) -> Result<(), Failure> {
        let mut groups: BTreeMap<String, Vec<&Alarm>> = BTreeMap::new();
        for alarm in alarms {
            groups.entry(alarm.group()).or_default().push(alarm);
        }
        for alarms in groups.values() {
            self.incident(alarms).await?;
        }
        Ok(())
    }

    /// Takes alarms of one pattern at one thing into its incident.
    async fn incident(&self, alarms: &[&Alarm]) -> Result<(), Failure> {
        let Some(first) = alarms.first() else { return Ok(()) };
        for _ in 0..ATTEMPTS {
            let stood = self.shell.store.incident(first).await?;
            let Some((after, news)) = taken(stood.incident.as_ref(), alarms, self.settings) else { return Ok(()) };
            if news != News::GoesOn {
                let named = self.shell.store.named_lines(&after.lines).await?;
                if self.settings.hold {
                    self.hold(named.values()).await?;
                }
                let lines =
                    named.into_values().map(|named| ConcernedLine { account_id: named.account_id, line_id: named.line_id });
                self.publisher.report(&IncidentEvent::of(&after, news, lines.collect())).await?;
            }
            if self.shell.store.write_incident(first, &after, news, &stood).await? {
                if news == News::Opened {
                    telemetry::count(Metric::Incident, after.pattern.word());
                }
                return Ok(());
            }
        }
        Err(Error::Busy.into())
    }

    /// Makes the open ports of lines harder, as new evidence does.
    async fn hold(&self, lines: impl Iterator<Item = &Named>) -> Result<(), Failure> {
        let now = self.shell.clock.now();
        let evidence = Assessment::unavailable(None).at_least(Band::Severe, Reason::ManyLinesOneTarget);
        for named in lines {
            let subject = Subject::Line(named.line_id.clone());
            let view = self.shell.store.read(&named.account_id, &subject).await?;
            let ports = view.book(&subject).map(|book| book.open(now).filter(|change| change.kind() == ChangeKind::PortOut));
            let ports: Vec<ChangeId> = ports.into_iter().flatten().map(|change| change.id.clone()).collect();
            for id in ports {
                let raise =
                    |view: &View, ctx: decide::Context<'_>| Ok(decide::reassess(view, &id, &evidence, ctx).unwrap_or_default());
                self.shell.command(&owner(&named.account_id, &subject), &Actor::System, view.clone(), raise).await?;
            }
        }
        Ok(())
    }
}

/// An incident with alarms in it, and the greatest news among theirs.
fn taken(before: Option<&Incident>, alarms: &[&Alarm], settings: &Settings) -> Option<(Incident, News)> {
    alarms.iter().fold(None, |taken: Option<(Incident, News)>, alarm| {
        let stands = taken.as_ref().map(|(incident, _)| incident).or(before);
        match (Incident::take(stands, alarm, settings), &taken) {
            (Some((after, news)), Some((_, earlier))) => Some((after, news.min(*earlier))),
            (Some(next), None) => Some(next),
            (None, _) => taken,
        }
    })
}
