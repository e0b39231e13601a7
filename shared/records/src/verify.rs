//! Verifying an export: the checkpoint's signature, that every file is there, every chain of hashes from its first entry to
//! the head that was signed, and every file's digest.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use linekeeper_domain::chain::{Break, Head, HeadLine, Heads, Link};
use linekeeper_domain::digest::{Digest, Running};
use linekeeper_domain::ids::{AccountId, Subject};
use linekeeper_domain::ledger::{Entry, Owner};
use linekeeper_domain::time::Timestamp;

use crate::checkpoint::{Checkpoint, CheckpointError, FileName, Keys, Named};
use crate::export::name;

/// The longest line that is read, in bytes: more than an item of DynamoDB (400 KB) can hold.
const LONGEST_LINE: u64 = 512 << 10;
/// The longest checkpoint that is read: some hundred thousand pages.
const LONGEST_CHECKPOINT: u64 = 64 << 20;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which file.
    pub file: FileName,
    /// On which line, from 1.
    pub line: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} line {}", self.file, self.line)
    }
}

/// The first thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// There is no checkpoint.
    #[error("{file} is missing: without it nobody can say what should be here")]
    NoCheckpoint {
        /// Its name.
        file: FileName,
    },
    /// The checkpoint does not hold.
    #[error("the checkpoint does not hold: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A file that the checkpoint names is not there.
    #[error("{file} is missing: the checkpoint names it, with {lines} lines")]
    Missing {
        /// Its name.
        file: FileName,
        /// How many lines it had.
        lines: u64,
    },
    /// A page that the checkpoint does not name.
    #[error("{file} is not of this export: the checkpoint does not name it")]
    NotNamed {
        /// Its name.
        file: FileName,
    },
    /// A file's bytes are not those that were signed, though every chain in it holds.
    #[error("{file} was changed: its SHA-256 is {found}, and the checkpoint has {signed}")]
    Changed {
        /// Its name.
        file: FileName,
        /// What was signed.
        signed: Digest,
        /// What is there.
        found: Digest,
    },
    /// A line is no entry.
    #[error("{place}: {why}")]
    Unreadable {
        /// Where.
        place: Place,
        /// What is wrong with it; nothing of what it says.
        why: String,
    },
    /// An entry does not follow the one before it.
    #[error("{place}, {}: {broken}", name(.owner))]
    Link {
        /// Where.
        place: Place,
        /// Whose ledger.
        owner: Box<Owner>,
        /// Why.
        broken: Break,
    },
    /// A chain holds, and ends otherwise than was signed.
    #[error("{}{}: {}", .place.as_ref().map(|place| format!("{place}, ")).unwrap_or_default(), name(.owner), ends(.signed.as_ref(), .found.as_ref()))]
    Head {
        /// Where its last entry stands, if it has one.
        place: Option<Place>,
        /// Whose ledger.
        owner: Box<Owner>,
        /// The head that was signed.
        signed: Option<Head>,
        /// The head that was found.
        found: Option<Head>,
    },
    /// An earlier checkpoint knows the ledger otherwise.
    #[error(
        "{place}, {}: entry {seq} has the hash {found}, and the earlier checkpoint has {signed}: what was before was written anew",
        name(.owner)
    )]
    Rewritten {
        /// Where.
        place: Place,
        /// Whose ledger.
        owner: Box<Owner>,
        /// The entry's number.
        seq: u64,
        /// What was signed before.
        signed: Digest,
        /// What is there.
        found: Digest,
    },
    /// An earlier checkpoint knows more.
    #[error("{}: it ends at entry {found}, and the earlier checkpoint has {signed} entries", name(.owner))]
    Shorter {
        /// Whose ledger.
        owner: Box<Owner>,
        /// How many entries were signed before.
        signed: u64,
        /// How many there are.
        found: u64,
    },
}

fn ends(signed: Option<&Head>, found: Option<&Head>) -> String {
    match (signed, found) {
        (Some(signed), Some(found)) if found.seq < signed.seq => {
            format!("it ends at entry {}, and the checkpoint has {} entries: the last ones were removed", found.seq, signed.seq)
        }
        (Some(signed), Some(found)) if found.seq > signed.seq => {
            format!("it ends at entry {}, and the checkpoint has {} entries: the last ones were put in", found.seq, signed.seq)
        }
        (Some(signed), Some(found)) => {
            let (seq, found, signed) = (found.seq, &found.hash, &signed.hash);
            format!(
                "its last entry {seq} has the hash {found}, and the checkpoint has {signed}: it was changed, or all made anew"
            )
        }
        (Some(signed), None) => format!("none of its {} entries is here", signed.seq),
        (None, Some(found)) => format!("the checkpoint does not know it: all of its {} entries were put in", found.seq),
        (None, None) => "nothing is known of it".to_owned(),
    }
}

/// Why an export was not verified.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It does not hold.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It cannot be read.
    #[error("{} cannot be read: {error}", .path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// What was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whose ledger.
    pub issuer: String,
    /// When it was exported.
    pub at: Timestamp,
    /// How many pages.
    pub pages: u64,
    /// How many entries.
    pub entries: u64,
    /// How many ledgers.
    pub ledgers: u64,
    /// The digest of their heads.
    pub heads: Digest,
    /// When the earlier checkpoint was made that it also holds against.
    pub since: Option<Timestamp>,
}

/// An entry that follows those before it.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// Its bytes.
    pub json: &'a str,
    /// The head of its ledger with it.
    pub head: &'a Head,
    file: &'a FileName,
    line: u64,
}

impl Here<'_> {
    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { file: self.file.clone(), line: self.line }
    }
}

/// Verifies one export.
#[derive(Clone, Debug)]
pub struct Verifier<'a> {
    export: &'a Path,
    keys: &'a Keys,
    since: Option<&'a Path>,
}

impl<'a> Verifier<'a> {
    /// Of an export, by these keys.
    #[must_use]
    pub const fn new(export: &'a Path, keys: &'a Keys) -> Self {
        Self { export, keys, since: None }
    }

    /// Also against an earlier export, of which checkpoint and heads are enough: that what was then is still so.
    #[must_use]
    pub const fn since(self, earlier: &'a Path) -> Self {
        Self { since: Some(earlier), ..self }
    }

    /// Verifies all of it.
    ///
    /// # Errors
    /// [`Fault`]: the first thing that does not hold.
    pub fn verify(&self) -> Result<Verified, Fault> {
        self.each(|_| Ok(()))
    }

    /// Verifies all of it, and shows each entry once it is known to follow those before it. Whether the export as a whole
    /// holds is known at the end only: what was made of its entries counts for nothing where this fails.
    ///
    /// # Errors
    /// [`Fault`]: the first thing that does not hold, or what `each` says.
    pub fn each(&self, mut each: impl FnMut(Here<'_>) -> Result<(), Broken>) -> Result<Verified, Fault> {
        let checkpoint = checkpoint(self.export, self.keys)?;
        self.all_there(&checkpoint)?;
        let earlier = match self.since {
            Some(folder) => {
                let then = self::checkpoint(folder, self.keys)?;
                Some((heads(folder, &then.heads)?, then.iat))
            }
            None => None,
        };
        let signed = heads(self.export, &checkpoint.heads)?;
        let (mut found, mut changed) = (Heads::default(), None);
        for page in &checkpoint.pages {
            let mut lines = Lines::open(self.export, &page.file)?;
            while let Some((line, text)) = lines.next()? {
                let (json, link) = read(text, &page.file, line)?;
                let place = || Place { file: page.file.clone(), line };
                let head = found.follow(&link, json).map_err(|broken| {
                    let (place, owner) = (place(), Box::new(link.owner()));
                    Broken::Link { place, owner, broken }
                })?;
                if let Some((earlier, _)) = &earlier {
                    still_so(earlier, &link, &head, place)?;
                }
                each(Here { json, head: &head, file: &page.file, line })?;
            }
            let sum = lines.sum.finish();
            if changed.is_none() && sum != page.sha256 {
                changed = Some(Broken::Changed { file: page.file.clone(), signed: page.sha256.clone(), found: sum });
            }
        }
        // A ledger that ends otherwise says more than a file that was changed.
        if let Some((owner, signed, found)) = first_difference(&signed, &found) {
            let place = self.last_of(&checkpoint.pages, &owner)?;
            return Err(Broken::Head { place, owner: Box::new(owner), signed, found }.into());
        }
        if let Some(changed) = changed {
            return Err(changed.into());
        }
        for head in earlier.iter().flat_map(|(earlier, _)| earlier.iter()) {
            let now = found.get(&head.account_id, &head.subject).map_or(0, |now| now.seq);
            if now < head.seq {
                let owner = Box::new(Owner { account_id: head.account_id, subject: head.subject });
                return Err(Broken::Shorter { owner, signed: head.seq, found: now }.into());
            }
        }
        Ok(Verified {
            issuer: checkpoint.iss,
            at: checkpoint.iat,
            pages: u64::try_from(checkpoint.pages.len()).unwrap_or(u64::MAX),
            entries: checkpoint.entries,
            ledgers: checkpoint.ledgers,
            heads: checkpoint.heads.sha256,
            since: earlier.map(|(_, at)| at),
        })
    }

    /// Every file that is named is there, and no page that is not.
    fn all_there(&self, checkpoint: &Checkpoint) -> Result<(), Fault> {
        for named in checkpoint.pages.iter().chain([&checkpoint.heads]) {
            if !self.export.join(named.file.as_str()).is_file() {
                return Err(Broken::Missing { file: named.file.clone(), lines: named.lines }.into());
            }
        }
        let named: BTreeSet<&str> = checkpoint.pages.iter().map(|page| page.file.as_str()).collect();
        let mut others = BTreeSet::new();
        for file in fs::read_dir(self.export).map_err(|error| unreadable(self.export, error))? {
            let file = file.map_err(|error| unreadable(self.export, error))?.file_name();
            let page = file.to_str().filter(|name| name.starts_with("entries-") && !named.contains(name));
            others.extend(page.and_then(|name| FileName::try_from(name.to_owned()).ok()));
        }
        match others.into_iter().next() {
            Some(file) => Err(Broken::NotNamed { file }.into()),
            None => Ok(()),
        }
    }

    /// Where the last entry of a ledger stands. Read once more for it: only who found a fault wants to know.
    fn last_of(&self, pages: &[Named], owner: &Owner) -> Result<Option<Place>, Fault> {
        let mut last = None;
        for page in pages {
            let mut lines = Lines::open(self.export, &page.file)?;
            while let Some((line, text)) = lines.next()? {
                let (_, link) = read(text, &page.file, line)?;
                if link.account_id == owner.account_id && link.subject == owner.subject {
                    last = Some(Place { file: page.file.clone(), line });
                }
            }
        }
        Ok(last)
    }
}

fn unreadable(path: &Path, error: io::Error) -> Fault {
    Fault::Unreadable { path: path.to_owned(), error }
}

/// The checkpoint of an export.
fn checkpoint(export: &Path, keys: &Keys) -> Result<Checkpoint, Fault> {
    let file = FileName::checkpoint();
    let path = export.join(file.as_str());
    let mut jws = String::new();
    match File::open(&path) {
        // A folder that is not there is no export that was broken.
        Err(error) if error.kind() == io::ErrorKind::NotFound && export.is_dir() => {
            return Err(Broken::NoCheckpoint { file }.into());
        }
        Err(error) => return Err(unreadable(&path, error)),
        Ok(open) => open.take(LONGEST_CHECKPOINT).read_to_string(&mut jws).map_err(|error| unreadable(&path, error))?,
    };
    Ok(Checkpoint::read(&jws, keys).map_err(Broken::Checkpoint)?)
}

/// The heads that were signed.
fn heads(export: &Path, named: &Named) -> Result<Heads, Fault> {
    let (mut heads, mut lines) = (Heads::default(), Lines::open(export, &named.file)?);
    let mut first_wrong = None;
    while let Some((line, text)) = lines.next()? {
        match std::str::from_utf8(text).ok().and_then(|text| serde_json::from_str::<HeadLine>(text).ok()) {
            Some(HeadLine { account_id, subject, seq, hash }) => heads.note(&Owner { account_id, subject }, Head { seq, hash }),
            None => first_wrong = first_wrong.or(Some(line)),
        }
    }
    let found = lines.sum.finish();
    if found != named.sha256 {
        return Err(Broken::Changed { file: named.file.clone(), signed: named.sha256.clone(), found }.into());
    }
    match first_wrong {
        Some(line) => {
            let place = Place { file: named.file.clone(), line };
            Err(Broken::Unreadable { place, why: "not a head of a ledger".to_owned() }.into())
        }
        None => Ok(heads),
    }
}

fn read<'t>(text: &'t [u8], file: &FileName, line: u64) -> Result<(&'t str, Link), Broken> {
    let wrong = |why: String| Broken::Unreadable { place: Place { file: file.clone(), line }, why };
    let json = std::str::from_utf8(text).map_err(|_| wrong("not UTF-8".to_owned()))?;
    // The library's own words may repeat what stands there.
    let link: Link = serde_json::from_str(json).map_err(|error| {
        wrong(format!("not an entry of a ledger ({:?} error at column {})", error.classify(), error.column()))
    })?;
    if link.v == Entry::VERSION {
        Ok((json, link))
    } else {
        Err(wrong(format!("an entry of version {}, and this program knows version {}", link.v, Entry::VERSION)))
    }
}

fn still_so(earlier: &Heads, link: &Link, head: &Head, place: impl Fn() -> Place) -> Result<(), Broken> {
    match earlier.get(&link.account_id, &link.subject) {
        Some(then) if then.seq == head.seq && then.hash != head.hash => Err(Broken::Rewritten {
            place: place(),
            owner: Box::new(link.owner()),
            seq: head.seq,
            signed: then.hash.clone(),
            found: head.hash.clone(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// The first ledger, by account and subject, whose heads differ.
fn first_difference(signed: &Heads, found: &Heads) -> Option<(Owner, Option<Head>, Option<Head>)> {
    let all: BTreeSet<(AccountId, Subject)> =
        signed.iter().chain(found.iter()).map(|head| (head.account_id, head.subject)).collect();
    all.into_iter().find_map(|(account_id, subject)| {
        let (signed, found) = (signed.get(&account_id, &subject), found.get(&account_id, &subject));
        (signed != found).then(|| (Owner { account_id, subject }, signed.cloned(), found.cloned()))
    })
}

/// The lines of a file, one at a time.
struct Lines {
    path: PathBuf,
    file: FileName,
    reader: BufReader<File>,
    buffer: Vec<u8>,
    sum: Running,
    line: u64,
}

impl Lines {
    fn open(export: &Path, file: &FileName) -> Result<Self, Fault> {
        let path = export.join(file.as_str());
        let open = File::open(&path).map_err(|error| unreadable(&path, error))?;
        let reader = BufReader::with_capacity(1 << 16, open);
        Ok(Self { path, file: file.clone(), reader, buffer: Vec::new(), sum: Running::default(), line: 0 })
    }

    /// The next line: its number, and its text without the end.
    fn next(&mut self) -> Result<Option<(u64, &[u8])>, Fault> {
        self.buffer.clear();
        let read = self.reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut self.buffer);
        if read.map_err(|error| unreadable(&self.path, error))? == 0 {
            return Ok(None);
        }
        self.line = self.line.saturating_add(1);
        self.sum = std::mem::take(&mut self.sum).and(&self.buffer);
        match self.buffer.strip_suffix(b"\n") {
            Some(text) => Ok(Some((self.line, text))),
            None => {
                let place = Place { file: self.file.clone(), line: self.line };
                Err(Broken::Unreadable { place, why: "cut off, or longer than any entry".to_owned() }.into())
            }
        }
    }
}
