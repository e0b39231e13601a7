//! Windows, incidents and heartbeats of the porting monitor.
//!
//! A window changes by replacing what was read at its version, so that no sighting is lost to another writer. What it
//! holds is a set: folding the same sightings in again after a crash changes nothing, and is not written. The parts of
//! a window are judged after they are written: of two writers of two parts, the later one sees both.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use linekeeper_domain::ids::{AccountId, LineId};
use linekeeper_domain::porting::monitor::{
    self, Alarm, Incident, Key, Kind, News, Settings, Sighting, Window, follow_ups, judge, watched_since,
};
use linekeeper_domain::risk::marks::WideMark;
use linekeeper_domain::time::{Span, Timestamp};

use super::{Condition, Error, Item, Store, field, number, stored, text};

/// How often a window that others write too is tried.
const ATTEMPTS: u32 = 12;
/// How much longer the second attempt waits than the first.
const PAUSE: Duration = Duration::from_millis(7);
/// Keys of one read.
const KEYS: usize = 100;
/// Writes at the same time.
const WRITES: usize = 16;
/// How long an incident is kept.
const INCIDENT_KEPT: Span = Span::days(90);
/// How long a line is known by its mark: as long as an alarm can name it.
const NAME_KEPT: Span = Span::days(7);
/// How long a gateway that fell silent is missed.
const GATEWAY_KEPT: Span = Span::days(7);

/// The part of a window.
type Part = (Key, u8);

/// Whose line a mark is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The account.
    pub account_id: AccountId,
    /// The line.
    pub line_id: LineId,
}

/// An incident as it stands.
#[derive(Clone, Debug, Default)]
pub struct Stands {
    /// The incident; nothing where there was none.
    pub incident: Option<Incident>,
    /// Version of the item; 0 where there is none.
    seq: u64,
}

/// A gateway that sent a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Its mark.
    pub mark: WideMark,
    /// When it last did.
    pub last: Timestamp,
}

fn key(pk: String, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

fn window_key((of, part): &Part) -> Item {
    key(format!("v1#WINDOW#{}#{}#{part}", of.kind.word(), of.mark), "WINDOW")
}

fn name_key(mark: WideMark) -> Item {
    key(format!("v1#MARK#{mark}"), "MARK")
}

fn incident_key(alarm: &Alarm) -> Item {
    key(format!("v1#INCIDENT#{}", alarm.group()), "INCIDENT")
}

/// Which part of which window an item is.
fn part_of(item: &Item) -> Option<Part> {
    let mut parts = item.get("pk")?.as_s().ok()?.strip_prefix("v1#WINDOW#")?.split('#');
    let (word, mark, part) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = Kind::ALL.iter().copied().find(|kind| kind.word() == word)?;
    Some((Key { kind, mark: WideMark(u64::from_str_radix(mark, 16).ok()?) }, part.parse().ok()?))
}

fn mark_of(item: &Item, prefix: &str) -> Option<WideMark> {
    let mark = item.get("pk")?.as_s().ok()?.strip_prefix(prefix)?;
    u64::from_str_radix(mark, 16).ok().map(WideMark)
}

/// A part as it is stored, and its version. One that cannot be read begins anew from `at`.
fn read(part: &Part, item: Option<Item>, at: Timestamp) -> Result<(Window, u64), Error> {
    let Some(mut item) = item else { return Ok((Window::empty(part.0.kind), 0)) };
    let window = Window::decode(part.0.kind, &stored(&item, "body")).unwrap_or_else(|| {
        tracing::error!(window = part.0.kind.word(), "a window of the monitor cannot be read and begins anew");
        crate::telemetry::count(crate::telemetry::Metric::Record, "window-lost");
        Window::anew(part.0.kind, at)
    });
    Ok((window, field(&mut item, "seq")?))
}

impl Store {
    /// Folds sightings into their windows and asks every rule. Folding the same in again gives the same alarms.
    ///
    /// # Errors
    /// [`Error`]; some of it may have been written. [`Error::Busy`] where others were faster, again and again.
    pub async fn fold(&self, sightings: &[Sighting], settings: &Settings) -> Result<Vec<Alarm>, Error> {
        if sightings.is_empty() {
            return Ok(Vec::new());
        }
        let folded = self.fold_in(sightings).await?;
        let at_account = |sighting: &Sighting| {
            let key = Key { kind: Kind::Account, mark: sighting.account };
            folded.get(&(key, key.part_of(sighting.account))).map(|window| follow_ups(window, sighting, settings))
        };
        let soon: BTreeSet<Sighting> = sightings.iter().filter_map(at_account).flatten().collect();
        let soon: Vec<Sighting> = soon.into_iter().collect();
        let followed = self.fold_in(&soon).await?;

        let all = || sightings.iter().chain(&soon);
        let keys: BTreeSet<Key> = all().flat_map(Sighting::keys).chain([Key::FEED]).collect();
        let (one, many): (Vec<Key>, Vec<Key>) = keys.into_iter().partition(|key| key.kind.parts() == 1);
        let mut windows = self.read_windows(&many).await?;
        let known = folded.into_iter().chain(followed).filter(|((key, _), _)| one.contains(key));
        windows.extend(known);
        let parts = |key: Key| (0..key.kind.parts()).filter_map(|part| windows.get(&(key, part))).collect::<Vec<&Window>>();
        let watched = watched_since(parts(Key::FEED));
        let mut alarms = Vec::new();
        for sighting in all() {
            for key in sighting.keys() {
                for alarm in judge(key, &parts(key), sighting, watched, settings) {
                    if !alarms.contains(&alarm) {
                        alarms.push(alarm);
                    }
                }
            }
        }
        Ok(alarms)
    }

    /// All parts of the window of the whole feed.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn feed_window(&self) -> Result<Vec<Window>, Error> {
        Ok(self.read_windows(&[Key::FEED]).await?.into_values().collect())
    }

    /// Remembers what another system knows of past hours at one thing: how many accounts by hour.
    ///
    /// # Errors
    /// As [`Store::fold`].
    pub async fn remember(&self, of: Key, past: &[(Timestamp, u32)], now: Timestamp) -> Result<(), Error> {
        let parts = u32::from(of.kind.parts());
        let write = |window: &mut Window, part: u8| {
            let share = |accounts: u32| accounts / parts + u32::from(u32::from(part) < accounts % parts);
            past.iter().filter(|(hour, accounts)| window.remember(*hour, share(*accounts), now)).count() > 0
        };
        let wanted = (0..of.kind.parts()).map(|part| ((of, part), now)).collect();
        self.rewrite(wanted, |window, (_, part)| write(window, *part), now).await?;
        Ok(())
    }

    /// Folds sightings into the parts that count them; these parts as they stand then.
    async fn fold_in(&self, sightings: &[Sighting]) -> Result<BTreeMap<Part, Window>, Error> {
        let mut wanted: BTreeMap<Part, Timestamp> = BTreeMap::new();
        let mut of_part: BTreeMap<Part, Vec<&Sighting>> = BTreeMap::new();
        let mut latest = Timestamp::default();
        for sighting in sightings {
            for key in sighting.keys() {
                let part = (key, key.part_of(sighting.account));
                wanted.insert(part, sighting.at);
                of_part.entry(part).or_default().push(sighting);
            }
            latest = latest.max(sighting.at);
        }
        let add = |window: &mut Window, part: &Part| {
            let sightings = of_part.get(part).into_iter().flatten();
            // All of them, and not only until one changes something.
            sightings.filter(|sighting| window.add(part.0.kind, sighting)).count() > 0
        };
        self.rewrite(wanted, add, latest).await
    }

    /// Reads parts, changes them, and writes those that are other than before; those that others were faster with
    /// are read again.
    async fn rewrite(
        &self,
        mut left: BTreeMap<Part, Timestamp>,
        change: impl Fn(&mut Window, &Part) -> bool,
        now: Timestamp,
    ) -> Result<BTreeMap<Part, Window>, Error> {
        let mut done = BTreeMap::new();
        for attempt in 0..ATTEMPTS {
            if left.is_empty() {
                return Ok(done);
            }
            tokio::time::sleep(PAUSE * attempt).await;
            let mut found = self.read_items(left.keys().map(window_key).collect(), part_of).await?;
            let mut writes = Vec::new();
            for (part, at) in std::mem::take(&mut left) {
                let (mut window, seq) = read(&part, found.remove(&part), at)?;
                if change(&mut window, &part) {
                    writes.push((part, at, window, seq));
                } else {
                    done.insert(part, window);
                }
            }
            let mut writes = writes.into_iter().peekable();
            while writes.peek().is_some() {
                let some = writes.by_ref().take(WRITES).map(|(part, at, window, seq)| async move {
                    let until = Some(now.max(at) + window.kept_for());
                    let wrote = self.replace(window_key(&part), window.encode(), seq, until, Condition::WindowUnmoved).await;
                    (part, at, window, wrote)
                });
                for (part, at, window, wrote) in join_all(some).await {
                    if wrote? {
                        done.insert(part, window);
                    } else {
                        left.insert(part, at);
                    }
                }
            }
        }
        if left.is_empty() { Ok(done) } else { Err(Error::Busy) }
    }

    /// All parts of windows that there are.
    async fn read_windows(&self, keys: &[Key]) -> Result<BTreeMap<Part, Window>, Error> {
        let parts = keys.iter().flat_map(|key| (0..key.kind.parts()).map(|part| window_key(&(*key, part))));
        let found = self.read_items(parts.collect(), part_of).await?;
        // One that cannot be read is begun anew by who writes it; until then it is not there.
        let window = |(part, item): (Part, Item)| Some((part, Window::decode(part.0.kind, &stored(&item, "body"))?));
        Ok(found.into_iter().filter_map(window).collect())
    }

    async fn read_items<K: Ord>(&self, keys: Vec<Item>, of: impl Fn(&Item) -> Option<K>) -> Result<BTreeMap<K, Item>, Error> {
        let reads = keys.chunks(KEYS).map(|keys| self.batch(keys.to_vec()));
        let found = try_join_all(reads).await?.into_iter().flatten();
        Ok(found.filter_map(|item| Some((of(&item)?, item))).collect())
    }

    /// Remembers whose lines marks are, for alarms to name them.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn name_lines(&self, lines: &BTreeMap<WideMark, Named>, now: Timestamp) -> Result<(), Error> {
        let writes = lines.iter().map(|(mark, named)| {
            let call = self
                .client
                .update_item()
                .table_name(&self.state)
                .set_key(Some(name_key(*mark)))
                .update_expression("SET account = :account, line = :line, expires_at = :until")
                .expression_attribute_values(":account", text(named.account_id.as_str()))
                .expression_attribute_values(":line", text(named.line_id.as_str()))
                .expression_attribute_values(":until", number((now + NAME_KEPT).as_second()));
            async move {
                let answer = call.send().await;
                answer.map(|_| ()).map_err(|error| Error::aws("dynamodb:UpdateItem", error.into_service_error()))
            }
        });
        for wrote in join_all(writes).await {
            wrote?;
        }
        Ok(())
    }

    /// Whose lines marks are; those that are forgotten are left out.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn named_lines(&self, marks: &BTreeSet<WideMark>) -> Result<BTreeMap<WideMark, Named>, Error> {
        if marks.is_empty() {
            return Ok(BTreeMap::new());
        }
        let found = self.read_items(marks.iter().copied().map(name_key).collect(), |item| mark_of(item, "v1#MARK#")).await?;
        let named = |(mark, mut item): (WideMark, Item)| {
            Ok((mark, Named { account_id: field(&mut item, "account")?, line_id: field(&mut item, "line")? }))
        };
        found.into_iter().map(named).collect()
    }

    /// The incident that an alarm belongs to.
    ///
    /// # Errors
    /// [`Error`]. One that cannot be read counts as none: it is opened again.
    pub async fn incident(&self, alarm: &Alarm) -> Result<Stands, Error> {
        let Some(mut item) = self.batch(vec![incident_key(alarm)]).await?.pop() else { return Ok(Stands::default()) };
        let incident = serde_json::from_slice(&stored(&item, "body")).ok();
        Ok(Stands { incident, seq: field(&mut item, "seq")? })
    }

    /// Opens an incident, or grows it from how it stood. Whether it did: where another was faster, what stands is read
    /// and judged again.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn write_incident(&self, alarm: &Alarm, after: &Incident, news: News, stood: &Stands) -> Result<bool, Error> {
        let otherwise = match news {
            News::Opened => Condition::IncidentNew,
            News::Grown | News::GoesOn => Condition::IncidentUnmoved,
        };
        let body = serde_json::to_vec(after).map_err(|error| Error::aws("an incident", error))?;
        self.replace(incident_key(alarm), body, stood.seq, Some(after.until + INCIDENT_KEPT), otherwise).await
    }

    /// A gateway is alive.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn beat(&self, gateway: WideMark, at: Timestamp) -> Result<(), Error> {
        let call = self
            .client
            .update_item()
            .table_name(&self.state)
            .set_key(Some(key("v1#GATEWAYS".to_owned(), format!("GATEWAY#{gateway}"))))
            .update_expression("SET last_at = :at, expires_at = :until")
            // One that comes late says nothing new.
            .condition_expression("attribute_not_exists(pk) OR last_at < :at")
            .expression_attribute_values(":at", number(at.as_second()))
            .expression_attribute_values(":until", number((at + GATEWAY_KEPT).as_second()));
        match call.send().await.map_err(aws_sdk_dynamodb::error::SdkError::into_service_error) {
            Ok(_) => Ok(()),
            Err(error) if error.is_conditional_check_failed_exception() => {
                Condition::BeatLater.lost();
                Ok(())
            }
            Err(error) => Err(Error::aws("dynamodb:UpdateItem", error)),
        }
    }

    /// The gateways that sent heartbeats lately.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn gateways(&self, now: Timestamp) -> Result<Vec<Gateway>, Error> {
        let call = self
            .client
            .query()
            .table_name(&self.state)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text("v1#GATEWAYS"))
            .consistent_read(true);
        let answer = call.send().await.map_err(|error| Error::aws("dynamodb:Query", error.into_service_error()))?;
        let gateway = |mut item: Item| {
            let mark =
                item.get("sk").and_then(|sk| sk.as_s().ok()).and_then(|sk| sk.strip_prefix("GATEWAY#")).unwrap_or_default();
            let mark = u64::from_str_radix(mark, 16).map_err(|_| Error::Corrupt("a gateway without its mark"))?;
            Ok(Gateway { mark: WideMark(mark), last: field(&mut item, "last_at")? })
        };
        let all: Result<Vec<Gateway>, Error> = answer.items.unwrap_or_default().into_iter().map(gateway).collect();
        Ok(all?.into_iter().filter(|gateway| now < gateway.last + GATEWAY_KEPT).collect())
    }

    /// The alarms of gateways that are silent, and of a feed that brings far fewer ports than usual.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn silences(&self, now: Timestamp, settings: &Settings) -> Result<Vec<Alarm>, Error> {
        let gateways = self.gateways(now).await?;
        let feed = self.feed_window().await?;
        let silent = gateways.iter().filter_map(|gateway| monitor::silent(gateway.mark, gateway.last, now, settings));
        Ok(silent.chain(monitor::hushed(&feed.iter().collect::<Vec<_>>(), now, settings)).collect())
    }
}
