//! The chain of a ledger: each entry has the next number and names the hash of the one before it.
//!
//! Whoever may write could make a chain anew from its first entry; that it is still the same one is known only
//! against heads that were noted before ([`Heads`], which a checkpoint signs).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Running};
use crate::ids::{AccountId, Subject};
use crate::ledger::{Entry, Owner};

/// How far a ledger goes: its last entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The entry's number; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

/// What an entry says of its place, whatever else is in it: entries of later versions of the events verify too.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Link {
    /// Version of the entry's form.
    pub v: u32,
    /// Whose ledger.
    pub account_id: AccountId,
    /// The account itself, or one of its lines.
    pub subject: Subject,
    /// Its number.
    pub seq: u64,
    /// The hash of the one before it.
    pub prev: Digest,
}

impl Link {
    /// Whose ledger it belongs to.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner { account_id: self.account_id.clone(), subject: self.subject.clone() }
    }
}

/// Why an entry does not follow the one before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// Numbers are missing.
    #[error("expected entry {expected} and found entry {found}: {} missing", entries(*.expected, *.found))]
    Missing {
        /// The number that was to come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// A number comes again, or too late.
    #[error("expected entry {expected} and found entry {found}: it stands out of order, or twice")]
    OutOfOrder {
        /// The number that was to come.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The entry before it is not the one that it names.
    #[error(
        "entry {seq} names {named} as the hash of the entry before it, whose hash is {found}: one of the two was changed or put in"
    )]
    Hash {
        /// Its number.
        seq: u64,
        /// The hash that it names.
        named: Digest,
        /// The hash of the entry before it.
        found: Digest,
    },
}

fn entries(expected: u64, found: u64) -> String {
    match found.saturating_sub(expected) {
        1 => "1 entry is".to_owned(),
        n => format!("{n} entries are"),
    }
}

impl Head {
    /// Before the first entry.
    #[must_use]
    pub fn genesis() -> Self {
        Self { seq: 0, hash: Digest::genesis() }
    }

    /// The head after the entry of that number, which names `prev` and is stored as `json`.
    ///
    /// # Errors
    /// [`Break`]: it does not follow this one.
    pub fn follow(&self, seq: u64, prev: &Digest, json: &str) -> Result<Self, Break> {
        let expected = self.seq.saturating_add(1);
        if seq > expected {
            return Err(Break::Missing { expected, found: seq });
        }
        if seq < expected {
            return Err(Break::OutOfOrder { expected, found: seq });
        }
        if *prev != self.hash {
            return Err(Break::Hash { seq, named: prev.clone(), found: self.hash.clone() });
        }
        Ok(Self { seq, hash: Entry::hash(json) })
    }
}

/// The heads of many ledgers: what a checkpoint signs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads(BTreeMap<(AccountId, Subject), Head>);

/// One head as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadLine {
    /// Whose ledger.
    pub account_id: AccountId,
    /// The account itself, or one of its lines.
    pub subject: Subject,
    /// Number of its last entry.
    pub seq: u64,
    /// Hash of its last entry.
    pub hash: Digest,
}

impl Heads {
    /// Takes the next entry of its ledger.
    ///
    /// # Errors
    /// [`Break`]: it does not follow the last one taken. Nothing has changed then.
    pub fn follow(&mut self, link: &Link, json: &str) -> Result<Head, Break> {
        let key = (link.account_id.clone(), link.subject.clone());
        match self.0.get_mut(&key) {
            Some(head) => {
                *head = head.follow(link.seq, &link.prev, json)?;
                Ok(head.clone())
            }
            None => {
                let head = Head::genesis().follow(link.seq, &link.prev, json)?;
                self.0.insert(key, head.clone());
                Ok(head)
            }
        }
    }

    /// Notes the head of a ledger, whatever was known of it.
    pub fn note(&mut self, owner: &Owner, head: Head) {
        self.0.insert((owner.account_id.clone(), owner.subject.clone()), head);
    }

    /// The head of a ledger.
    #[must_use]
    pub fn get(&self, account: &AccountId, subject: &Subject) -> Option<&Head> {
        self.0.get(&(account.clone(), subject.clone()))
    }

    /// How many ledgers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each ledger with its head, by account and subject.
    pub fn iter(&self) -> impl Iterator<Item = HeadLine> {
        self.0.iter().map(|((account_id, subject), head)| HeadLine {
            account_id: account_id.clone(),
            subject: subject.clone(),
            seq: head.seq,
            hash: head.hash.clone(),
        })
    }

    /// The heads as they are written: one JSON a line, by account and subject. The same heads give the same bytes.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        // A head holds nothing that JSON cannot say.
        self.iter().map(|head| serde_json::to_string(&head).unwrap_or_default() + "\n")
    }

    /// The SHA-256 of [`Heads::lines`]: one value that stands for every entry of every ledger.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.lines().fold(Running::default(), |sum, line| sum.and(line.as_bytes())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(seq: u64, prev: &Digest) -> Link {
        Link { v: 1, account_id: AccountId::parse("a").unwrap(), subject: Subject::Account, seq, prev: prev.clone() }
    }

    #[test]
    fn an_entry_follows_the_one_that_it_names() {
        let mut heads = Heads::default();
        let first = heads.follow(&link(1, &Digest::genesis()), "one").unwrap();
        let second = heads.follow(&link(2, &first.hash), "two").unwrap();
        assert_eq!(heads.get(&AccountId::parse("a").unwrap(), &Subject::Account), Some(&second));
    }

    #[test]
    fn what_does_not_follow_says_why_and_changes_nothing() {
        let mut heads = Heads::default();
        let first = heads.follow(&link(1, &Digest::genesis()), "one").unwrap();
        let before = heads.clone();
        let missing = heads.follow(&link(4, &first.hash), "four").unwrap_err();
        assert_eq!(missing.to_string(), "expected entry 2 and found entry 4: 2 entries are missing");
        let again = heads.follow(&link(1, &Digest::genesis()), "one").unwrap_err();
        assert_eq!(again, Break::OutOfOrder { expected: 2, found: 1 });
        let other = Digest::of(&["another"]);
        let named = heads.follow(&link(2, &other), "two").unwrap_err();
        assert_eq!(named, Break::Hash { seq: 2, named: other, found: first.hash });
        assert_eq!(heads, before);
    }

    #[test]
    fn one_digest_stands_for_all_heads_in_whatever_order_they_came() {
        let owner = |name: &str| Owner { account_id: AccountId::parse(name).unwrap(), subject: Subject::Account };
        let head = |seq| Head { seq, hash: Digest::of(&["h"]) };
        let (mut one, mut other) = (Heads::default(), Heads::default());
        one.note(&owner("a"), head(1));
        one.note(&owner("b"), head(2));
        other.note(&owner("b"), head(2));
        other.note(&owner("a"), head(1));
        assert_eq!(one.digest(), other.digest());
        other.note(&owner("a"), head(2));
        assert_ne!(one.digest(), other.digest());
    }
}
