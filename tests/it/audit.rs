//! What holds of every ledger at every moment, checked without the code that is to keep it so: from the
//! entries as stored, by rules of their own.

use std::collections::{BTreeMap, BTreeSet};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use linekeeper_domain::change::{Change, Ending, Stage};
use linekeeper_domain::ids::{ChangeId, Subject};
use linekeeper_domain::kinds::{Factor, Mode};
use linekeeper_domain::ledger::{Entry, Event, EventName, Evolve, replay};
use linekeeper_domain::proof::Assurance;
use linekeeper_domain::state::{Account, Line, Protections, Versioned};
use linekeeper_domain::time::Timestamp;
use linekeeper_tests::{Person, World};
use serde_json::Value;

/// The ledgers of a person, and what was published of them.
#[derive(Debug)]
pub(crate) struct Audit {
    /// The account's entries, in order.
    pub(crate) account: Vec<Entry>,
    /// The line's entries, in order.
    pub(crate) line: Vec<Entry>,
    /// The claims of each authorization that left, in order.
    pub(crate) authorizations: Vec<Value>,
}

/// What one ledger says, followed entry by entry.
#[derive(Default)]
struct Follower {
    notices: BTreeMap<u64, (Option<ChangeId>, Vec<String>)>,
    told: BTreeSet<ChangeId>,
    authorized: BTreeSet<ChangeId>,
    released: BTreeSet<ChangeId>,
    ended: BTreeSet<ChangeId>,
    answers: BTreeMap<String, u32>,
    wins: BTreeMap<String, u32>,
}

/// Checks everything that holds at every moment, and returns what was read.
pub(crate) async fn audit(world: &World, person: &Person) -> Audit {
    let whole = world.whole(person).await;
    let account = world.ledger(person, &Subject::Account).await;
    let line = world.ledger(person, &World::subject(person)).await;
    matches_stored(&account, &whole.account.unwrap());
    for stored in whole.lines {
        if stored.state.id.as_str() == person.line {
            matches_stored(&line, &stored);
        }
    }
    let authorizations = world.topic.authorizations().iter().map(|jws| claims(world, jws)).collect();
    let audit = Audit { account: parsed(&account), line: parsed(&line), authorizations };
    follow::<Account>(&audit.account);
    follow::<Line>(&audit.line);
    audit.signatures(person);
    audit
}

fn parsed(ledger: &[String]) -> Vec<Entry> {
    ledger.iter().map(|json| serde_json::from_str(json).unwrap()).collect()
}

/// I5: the ledger alone makes the state that is stored.
fn matches_stored<S: Evolve + PartialEq + std::fmt::Debug>(ledger: &[String], stored: &Versioned<S>) {
    let (seq, head, state) = replay::<S>(ledger.iter().map(String::as_str)).unwrap();
    assert_eq!((seq, &head), (stored.seq, &stored.head), "I5: the state is of another entry than the last one");
    assert_eq!(state, stored.state, "I5: the state is not what its ledger makes of it");
}

trait Guarded {
    fn change(&self, id: &ChangeId) -> Option<&Change>;
    fn protections(&self) -> &Protections;
    fn is_over(&self) -> bool;
}

impl Guarded for Account {
    fn change(&self, id: &ChangeId) -> Option<&Change> {
        self.book.changes.get(id)
    }
    fn protections(&self) -> &Protections {
        &self.protections
    }
    fn is_over(&self) -> bool {
        self.closed_at.is_some()
    }
}

impl Guarded for Line {
    fn change(&self, id: &ChangeId) -> Option<&Change> {
        self.book.changes.get(id)
    }
    fn protections(&self) -> &Protections {
        &self.protections
    }
    fn is_over(&self) -> bool {
        self.ended_at.is_some()
    }
}

/// I1, I2, I3 within one ledger.
fn follow<S: Evolve + Guarded>(ledger: &[Entry]) {
    let mut follower = Follower::default();
    let mut state: Option<S> = None;
    for entry in ledger {
        for event in &entry.events {
            if let Some(before) = &state {
                follower.check(before, entry, event);
            }
            state = S::evolve(state, &entry.owner, event, entry.seq, entry.at);
        }
        if let (Some(notice), Some(state)) = (&entry.notice, state.as_mut()) {
            let counts = notice.to.iter().filter(|to| to.counts).map(|to| to.contact.to_string()).collect();
            follower.notices.insert(entry.seq, (notice.change.clone(), counts));
            // As a replay does, so that what follows finds it.
            let untold = linekeeper_domain::notice::Untold::first(notice);
            state.book_mut().untold.entry(entry.seq.to_string()).or_insert(untold);
        }
    }
}

impl Follower {
    fn check(&mut self, state: &impl Guarded, entry: &Entry, event: &Event) {
        let here = format!("entry {} of {:?}", entry.seq, entry.owner.subject);
        match event {
            Event::Told { notice, deliveries, .. } => {
                let (change, counts) = &self.notices[notice];
                let accepted = deliveries.iter().any(|d| d.accepted && counts.contains(&d.contact.to_string()));
                if let (Some(change), true) = (change, accepted) {
                    self.told.insert(change.clone());
                }
            }
            Event::GuessFailed { challenge, .. } => {
                let answers = self.answers.entry(challenge.to_string()).or_default();
                *answers += 1;
                assert!(*answers <= 5, "I3: {here} is the {answers}th guess at one code");
            }
            Event::Proven { change, .. } => {
                let open = state.change(change).and_then(|change| change.challenge.as_ref());
                let open = open.unwrap_or_else(|| panic!("I3: {here} proves by no open challenge")).id.to_string();
                let wins = self.wins.entry(open.clone()).or_default();
                *wins += 1;
                assert_eq!(*wins, 1, "I3: {here}: one code won twice");
                let answers = self.answers.entry(open).or_default();
                *answers += 1;
                assert!(*answers <= 5, "I3: {here} is the {answers}th guess at one code");
                assert!(!self.ended.contains(change), "{here} proves a change that is over");
            }
            Event::Authorized { change: id, authorization } => {
                let change = state.change(id).unwrap_or_else(|| panic!("{here} authorizes an unknown change"));
                assert_eq!(open_gates(change, entry.at, self.told.contains(id)), Vec::<&str>::new(), "I1: {here}");
                assert_unlocked(state, change, &here);
                assert!(self.authorized.insert(id.clone()), "I2: {here} is a second authorization");
                assert!(!self.ended.contains(id), "I2: {here} authorizes a change that is over");
                assert!(entry.at < change.expires_at, "{here} authorizes a change that has expired");
                assert_eq!(authorization.granted_at, entry.at);
            }
            Event::Released { change: id } => {
                let change = state.change(id).unwrap();
                let Stage::Authorized(authorization) = &change.stage else { panic!("I2: {here} releases {:?}", change.stage) };
                assert_eq!(open_gates(change, entry.at, self.told.contains(id)), Vec::<&str>::new(), "I1: {here}");
                assert_unlocked(state, change, &here);
                assert!(self.authorized.contains(id), "I2: {here} releases what was never authorized");
                assert!(self.released.insert(id.clone()), "I2: {here} is a second release");
                assert!(!self.ended.contains(id), "I2: {here} comes after the end of the change");
                assert!(entry.at < authorization.expires_at, "I2: {here} releases what is too old");
            }
            // Something else than time and notices took the protection off.
            Event::ProtectionOff { .. } => {
                let ended = entry.events.iter().find_map(|event| match event {
                    Event::Ended { change, .. } => Some(change),
                    _ => None,
                });
                let change = state.change(ended.unwrap()).unwrap();
                assert_eq!(open_gates(change, entry.at, self.told.contains(&change.id)), Vec::<&str>::new(), "I1: {here}");
            }
            Event::Ended { change, how, .. } => {
                // A report that comes late tells of what was done in time.
                let lapsed = matches!(state.change(change).unwrap().stage, Stage::Ended { how: Ending::Lapsed, .. });
                let told_late = lapsed && *how == Ending::Completed;
                assert!(
                    self.ended.insert(change.clone()) || told_late,
                    "{here} ends a change twice: {:?}, now {how:?} {:?}",
                    state.change(change).unwrap().stage,
                    entry.events
                );
            }
            _ => {}
        }
    }
}

/// I1: what is still open, by rules that are written down a second time here.
fn open_gates(change: &Change, at: Timestamp, told: bool) -> Vec<&'static str> {
    let proven = |factor: Factor| change.proofs.iter().any(|proof| proof.factor == factor) && change.need.accepted.has(factor);
    let sim = proven(Factor::SmsOtp);
    let mail = proven(Factor::EmailOtp);
    let device = proven(Factor::PushOtp) || (mail && change.need.email_stands_in);
    let enough = match change.need.assurance {
        Assurance::Session => true,
        Assurance::OneFactor => sim || mail || device,
        Assurance::BeyondMessages => device,
        Assurance::Strong => device && (sim || (mail && proven(Factor::PushOtp))),
    };
    let holds = change.hold_until.is_some_and(|until| at < until);
    [
        (!enough, "proof"),
        (holds, "hold"),
        (!told, "told"),
        (change.need.review, "review"),
        (change.need.refused.is_some(), "refused"),
    ]
    .into_iter()
    .filter_map(|(open, name)| open.then_some(name))
    .collect()
}

/// I2, as far as the subject's own ledger can say: nothing on it that blocks the change.
fn assert_unlocked(state: &impl Guarded, change: &Change, here: &str) {
    let blocked = state.protections().0.iter().find(|(p, mode)| p.covers(change.kind()) && **mode == Mode::Block);
    assert_eq!(blocked, None, "I2: {here} goes against a lock");
    assert!(!state.is_over(), "I2: {here} is of a subject that is over");
}

/// The claims of an authorization, its signature verified with the published key.
pub(crate) fn claims(world: &World, jws: &str) -> Value {
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(serde_json::to_value(world.keys.public()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_issuer(&[linekeeper_tests::world::ISSUER]);
    // The clock of these tests is not the machine's.
    validation.validate_exp = false;
    let token = jsonwebtoken::decode::<Value>(jws, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).unwrap();
    assert_eq!(token.header.typ.as_deref(), Some("linekeeper-authorization+jwt"));
    token.claims
}

impl Audit {
    /// Every entry, the account's first.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.account.iter().chain(&self.line)
    }

    /// Every event, the account's first.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.entries().flat_map(|entry| &entry.events)
    }

    /// How many events have a name.
    pub(crate) fn count(&self, name: EventName) -> usize {
        self.events().filter(|event| event.name() == name).count()
    }

    /// The change as it was asked for.
    pub(crate) fn requested(&self, id: &str) -> &Change {
        let asked = self.events().find_map(|event| match event {
            Event::Requested { change } if change.id.as_str() == id => Some(change),
            _ => None,
        });
        asked.unwrap_or_else(|| panic!("{id} was never asked for"))
    }

    /// I2: what left was granted by the ledger, and is the same each time.
    fn signatures(&self, person: &Person) {
        let mut by_change: BTreeMap<&str, &Value> = BTreeMap::new();
        for claims in self.authorizations.iter().filter(|claims| claims["account_id"] == person.account) {
            let id = claims["change_id"].as_str().unwrap();
            let first = by_change.entry(id).or_insert(claims);
            assert_eq!(*first, claims, "I2: two authorizations of one change");
            let granted = self.events().find_map(|event| match event {
                Event::Authorized { change, authorization } if change.as_str() == id => Some(authorization),
                _ => None,
            });
            let granted = granted.unwrap_or_else(|| panic!("I1: {id} was signed and never authorized"));
            assert_eq!(claims["jti"], granted.id.as_str());
            assert_eq!(claims["exp"], granted.expires_at.as_second());
            assert_eq!(claims["change"], serde_json::to_value(&self.requested(id).details).unwrap());
            let out = self.events().any(|event| matches!(event, Event::Released { change } if change.as_str() == id));
            assert!(out, "I2: {id} left without its entry");
        }
        let mut ids: Vec<&Value> = by_change.values().map(|claims| &claims["jti"]).collect();
        ids.sort_by_key(|id| id.as_str());
        ids.dedup();
        assert_eq!(ids.len(), by_change.len(), "I2: two changes share an authorization's id");
    }
}
