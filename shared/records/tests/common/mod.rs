//! A ledger of any size, the same for the same seed, and an export of it that can be tampered with.

use std::fs;
use std::path::Path;

use jsonwebtoken::EncodingKey;
use linekeeper_domain::chain::{Head, Link};
use linekeeper_domain::digest::Digest;
use linekeeper_domain::ledger::Entry;
use linekeeper_domain::time::{Span, Timestamp};
use linekeeper_records::checkpoint::{Checkpoint, FileName, Keys};
use linekeeper_records::export::{self, Writer};
use p256::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://line.carrier.example";

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers from the same seed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// One ledger in the making.
struct Ledger {
    account: String,
    subject: Value,
    head: Head,
    now: Timestamp,
}

impl Ledger {
    fn append(&mut self, events: Value, take: &mut impl FnMut(&str)) {
        let entry: Entry = serde_json::from_value(json!({"v": 1, "account_id": self.account, "subject": self.subject,
            "seq": self.head.seq + 1, "at": self.now.as_second(), "actor": {"kind": "customer"}, "events": events,
            "prev": self.head.hash.as_str()}))
        .unwrap();
        let (json, hash) = entry.seal().unwrap();
        self.head = Head { seq: entry.seq, hash };
        take(&json);
    }
}

/// Makes so many entries: accounts with a line or two, and SIM changes as they come about.
pub(crate) fn entries(count: u64, seed: u64, mut take: impl FnMut(&str)) {
    let mut chance = Chance(seed);
    let mut made = 0;
    let mut account = 0_u64;
    while made < count {
        let mut take = |json: &str| {
            if made < count {
                take(json);
            }
            made += 1;
        };
        let opened_at = Timestamp::parse("2026-01-01T00:00:00Z").unwrap() + Span::seconds(chance.below(8_000_000) as u32);
        let name = format!("acct-{account:07}");
        let of = |subject: Value| Ledger { account: name.clone(), subject, head: Head::genesis(), now: opened_at };
        let place = ["us", "us", "us", "uk", "au", "ca"][chance.below(6) as usize];
        of(json!("account")).append(
            json!([{"event": "account_opened", "jurisdiction": place, "contacts": [
            {"id": "email", "address": {"email": "someone@example.com"}, "added_at": opened_at.as_second()}]}]),
            &mut take,
        );
        for line in 0..1 + chance.below(2) {
            let id = format!("line-{account:07}-{line}");
            let mut ledger = of(json!({"line": id}));
            ledger.append(
                json!([{"event": "line_opened", "msisdn": "+13055550123", "imei": null,
                "sim": {"iccid": "8901260222193581234", "since": opened_at.as_second()}}]),
                &mut take,
            );
            for n in 0..1 + chance.below(4) {
                ledger.now = ledger.now + Span::seconds(3_600 + chance.below(5_000_000) as u32);
                change(&mut ledger, &format!("line.{id}.{n:026x}"), &mut chance, &mut take);
            }
        }
        account += 1;
    }
}

fn change(ledger: &mut Ledger, id: &str, chance: &mut Chance, take: &mut impl FnMut(&str)) {
    let at = ledger.now.as_second();
    let told = |notice: u64| {
        json!([{"event": "told", "notice": notice, "change": id, "counted": true,
        "deliveries": [{"contact": "email", "accepted": true}]}])
    };
    ledger.append(json!([{"event": "requested", "change": {
        "id": id, "details": {"kind": "sim_swap", "sim": {"iccid": "8901260222193587777"}},
        "request": {"actor": {"kind": "customer"}, "channel": "pwa", "requested_at": at, "place": "Miami, US"},
        "decision": {"outcome": "step_up", "band": "low", "ppm": 41, "reasons": [], "model": "2026-11-20", "policy": "3", "at": at},
        "need": {"refused": null, "assurance": "one_factor", "accepted": 255, "email_stands_in": false, "wait": "none", "review": false},
        "seen": {"seq": 1, "cover": "open", "taint": 0, "open": true}, "expires_at": at + 86_400, "stage": "open"}}]), take);
    let notice = ledger.head.seq;
    ledger.append(told(notice), take);
    if chance.below(4) > 0 {
        ledger.append(
            json!([{"event": "proven", "change": id, "proof": {"factor": "push_otp", "at": at}}, {"event": "authorized",
            "change": id, "authorization": {"id": "au_1", "granted_at": at, "expires_at": at + 900}}]),
            take,
        );
        ledger.append(json!([{"event": "released", "change": id}]), take);
        ledger.append(
            json!([{"event": "sim_changed", "sim": {"iccid": "8901260222193587777", "since": at}, "authorization": "au_1"},
            {"event": "ended", "change": id, "how": "completed"}]),
            take,
        );
    } else {
        ledger.append(json!([{"event": "ended", "change": id, "how": "expired"}]), take);
    }
}

/// A key that signs, and the set of its public half.
pub(crate) struct Signing {
    pub(crate) key: EncodingKey,
    pub(crate) kid: String,
    pub(crate) jwks: String,
}

impl Signing {
    pub(crate) fn of(seed: u8) -> Self {
        let secret = p256::SecretKey::from_slice(&[seed; 32]).unwrap();
        let kid = format!("records-{seed}");
        let der = secret.public_key().to_public_key_der().unwrap();
        // An uncompressed point ends the key: a byte 4, then both coordinates.
        let (x, y) = der.as_bytes()[der.as_bytes().len() - 64..].split_at(32);
        let jwks = json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid,
            "x": base64(x), "y": base64(y)}]});
        Self { key: EncodingKey::from_ec_der(secret.to_pkcs8_der().unwrap().as_bytes()), kid, jwks: jwks.to_string() }
    }

    pub(crate) fn keys(&self) -> Keys {
        Keys::read(&self.jwks).unwrap()
    }

    pub(crate) fn sign(&self, checkpoint: &Checkpoint) -> String {
        checkpoint.sign(&self.key, &self.kid).unwrap()
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// Writes and signs an export.
pub(crate) fn write(folder: &Path, signing: &Signing, page: u64, all: impl FnOnce(&mut dyn FnMut(&str))) -> Checkpoint {
    let mut writer = Writer::create(folder, page).unwrap();
    all(&mut |json| writer.push(json).unwrap());
    let checkpoint = writer.finish(ISSUER, Timestamp::parse("2026-12-01T00:00:00Z").unwrap()).unwrap();
    export::put(folder, &signing.sign(&checkpoint)).unwrap();
    checkpoint
}

/// The lines of a page.
pub(crate) fn lines(folder: &Path, page: &FileName) -> Vec<String> {
    fs::read_to_string(folder.join(page.as_str())).unwrap().lines().map(str::to_owned).collect()
}

pub(crate) fn rewrite(folder: &Path, page: &FileName, lines: &[String]) {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.join(page.as_str()), text).unwrap();
}

pub(crate) fn link(json: &str) -> Link {
    serde_json::from_str(json).unwrap()
}

/// The place of an entry that has one before it and one after it of its own ledger beside it.
pub(crate) fn middle(lines: &[String], from: usize) -> usize {
    (from.max(1)..lines.len() - 1)
        .find(|&n| link(&lines[n]).seq > 1 && link(&lines[n + 1]).seq == link(&lines[n]).seq + 1)
        .unwrap()
}

/// An entry that says something else, as someone would change it who knows the form.
pub(crate) fn changed(json: &str) -> String {
    let mut entry: Value = serde_json::from_str(json).unwrap();
    entry["actor"] = json!({"kind": "system"});
    serde_json::to_string(&serde_json::from_value::<Entry>(entry).unwrap()).unwrap()
}

/// An entry as it would stand after another, with a hash that fits.
pub(crate) fn invented_after(json: &str) -> String {
    let mut entry: Entry = serde_json::from_str(json).unwrap();
    entry.seq += 1;
    entry.prev = Entry::hash(json);
    entry.events.clear();
    entry.seal().unwrap().0
}

/// The rest of a ledger from a place on, made anew so that its chain holds.
pub(crate) fn made_anew(lines: &mut [String], from: usize) {
    let owner = link(&lines[from]).owner();
    let mut before: Option<Digest> = None;
    for line in &mut lines[from..] {
        if link(line).owner() != owner {
            break;
        }
        if let Some(hash) = before {
            let mut entry: Entry = serde_json::from_str(line).unwrap();
            entry.prev = hash;
            *line = entry.seal().unwrap().0;
        }
        before = Some(Entry::hash(line));
    }
}
