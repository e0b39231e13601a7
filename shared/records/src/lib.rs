//! The ledger as it leaves the product: for who verifies it, and for who counts it.
//!
//! An **export** is a folder: pages of entries, one a line, each line the exact bytes that were stored; the heads of all
//! ledgers, one a line; and a **checkpoint**, a signed document that names each of these files with its SHA-256. Nothing
//! else is needed to verify all of it, and the program that does it (`linekeeper-verify`) talks to nobody.
//!
//! ```text
//! checkpoint.jws          JWS (RFC 7515, ES256), type linekeeper-checkpoint+jwt
//! heads.jsonl             {"account_id": …, "subject": …, "seq": 9, "hash": …}, by account and subject
//! entries-00000.jsonl     each ledger in its order; ledgers in any order, and mixed
//! ```
//!
//! A chain of hashes alone says that nobody changed a part of it. Who may write could make all of it anew: that nobody did
//! is said by a checkpoint from before. So checkpoints are kept elsewhere, and a later export is verified against an
//! earlier one ([`verify::Verifier::since`]).
//!
//! | module | what it holds |
//! |---|---|
//! | [`checkpoint`] | what is signed, and reading it back |
//! | [`export`] | writing an export |
//! | [`verify`] | verifying one, entry by entry, with memory for the heads only |
//! | [`render`] | the records of a month as CSV and as a page |

pub mod checkpoint;
pub mod export;
pub mod render;
pub mod verify;

use std::path::Path;

use linekeeper_domain::ledger::Entry;
use linekeeper_domain::records::{Fold, Month, Records, Unplaced};

use crate::checkpoint::Keys;
use crate::verify::{Broken, Fault, Verified, Verifier};

/// Why there are no records.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The export does not verify.
    #[error(transparent)]
    Export(#[from] Fault),
    /// It verifies, and is not all of the ledger.
    #[error(transparent)]
    Unplaced(#[from] Unplaced),
}

/// The records of a month, from an export that is verified on the way. Where it does not verify there are none.
///
/// # Errors
/// [`RecordsError`].
pub fn records(export: &Path, keys: &Keys, month: Month) -> Result<(Records, Verified), RecordsError> {
    let mut fold = Fold::new(month);
    let verified = Verifier::new(export, keys).each(|here| {
        let entry: Entry = serde_json::from_str(here.json)
            .map_err(|error| Broken::Unreadable { place: here.place(), why: format!("not an entry of this version: {error}") })?;
        fold.take(&entry, &here.head.hash);
        Ok(())
    })?;
    Ok((fold.records()?, verified))
}
