//! Writing an export.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use linekeeper_domain::chain::{Break, Heads, Link};
use linekeeper_domain::digest::Running;
use linekeeper_domain::ids::{AccountId, Subject};
use linekeeper_domain::ledger::Owner;
use linekeeper_domain::time::Timestamp;

use crate::checkpoint::{Checkpoint, FileName, Named};

/// So many entries are in a page, if nobody says otherwise: some ten megabytes.
pub const PAGE: u64 = 10_000;

/// An export in the making. Entries of one ledger come in their order; a chain that does not hold is not exported.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    page_lines: u64,
    heads: Heads,
    entries: u64,
    pages: Vec<Named>,
    open: Option<Page>,
}

#[derive(Debug)]
struct Page {
    name: FileName,
    file: BufWriter<File>,
    sum: Running,
    lines: u64,
}

/// Why an export cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file cannot be written.
    #[error("the export cannot be written")]
    Io(#[from] io::Error),
    /// A text is no entry.
    #[error("a text of the ledger is no entry: {0}")]
    NoEntry(serde_json::Error),
    /// The ledger itself is broken.
    #[error("the ledger does not hold: {}: {broken}", name(.owner))]
    Chain {
        /// Whose.
        owner: Owner,
        /// Where.
        broken: Break,
    },
}

/// A ledger's name for people.
#[must_use]
pub fn name(owner: &Owner) -> String {
    named(&owner.account_id, &owner.subject)
}

pub(crate) fn named(account: &AccountId, subject: &Subject) -> String {
    match subject {
        Subject::Account => format!("account {account}"),
        Subject::Line(line) => format!("line {line} of account {account}"),
    }
}

impl Page {
    fn create(folder: &Path, name: FileName) -> io::Result<Self> {
        let file = BufWriter::new(File::create_new(folder.join(name.as_str()))?);
        Ok(Self { name, file, sum: Running::default(), lines: 0 })
    }

    fn line(mut self, line: &str) -> io::Result<Self> {
        self.file.write_all(line.as_bytes())?;
        self.file.write_all(b"\n")?;
        self.sum = self.sum.and(line.as_bytes()).and(b"\n");
        self.lines = self.lines.saturating_add(1);
        Ok(self)
    }

    fn close(mut self) -> io::Result<Named> {
        self.file.flush()?;
        Ok(Named { file: self.name, sha256: self.sum.finish(), lines: self.lines })
    }
}

impl Writer {
    /// Into a folder, which is made. Files that are there are not written over.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn create(folder: &Path, page_lines: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.to_owned();
        let page_lines = page_lines.max(1);
        Ok(Self { folder, page_lines, heads: Heads::default(), entries: 0, pages: Vec::new(), open: None })
    }

    /// Takes the next entry of its ledger, as it is stored.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn push(&mut self, json: &str) -> Result<(), WriteError> {
        let link: Link = serde_json::from_str(json).map_err(WriteError::NoEntry)?;
        self.heads.follow(&link, json).map_err(|broken| WriteError::Chain { owner: link.owner(), broken })?;
        let page = match self.open.take() {
            Some(page) => page,
            None => Page::create(&self.folder, FileName::page(self.pages.len()))?,
        };
        let page = page.line(json)?;
        self.entries = self.entries.saturating_add(1);
        if page.lines >= self.page_lines {
            self.pages.push(page.close()?);
        } else {
            self.open = Some(page);
        }
        Ok(())
    }

    /// Writes the heads, and gives what is to be signed. [`put`] puts the signed text beside them.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn finish(mut self, issuer: &str, at: Timestamp) -> io::Result<Checkpoint> {
        if let Some(page) = self.open.take() {
            self.pages.push(page.close()?);
        }
        let mut heads = Page::create(&self.folder, FileName::heads())?;
        for line in self.heads.lines() {
            heads = heads.line(line.trim_ascii_end())?;
        }
        Ok(Checkpoint {
            v: Checkpoint::VERSION,
            iss: issuer.to_owned(),
            iat: at,
            entries: self.entries,
            ledgers: u64::try_from(self.heads.len()).unwrap_or(u64::MAX),
            heads: heads.close()?,
            pages: self.pages,
        })
    }
}

/// Puts the signed checkpoint into its export: from here on it is one.
///
/// # Errors
/// Where it cannot be written, or one is there.
pub fn put(folder: &Path, jws: &str) -> io::Result<()> {
    File::create_new(folder.join(FileName::checkpoint().as_str()))?.write_all(jws.as_bytes())
}
