//! What an export's verifier finds. Each way to tamper, at a place in the middle.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "what does not hold must stop the test"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Signing, changed, invented_after, lines, link, made_anew, middle, rewrite};
use linekeeper_domain::chain::Break;
use linekeeper_domain::records::Month;
use linekeeper_records::checkpoint::{Checkpoint, CheckpointError, FileName, Keys};
use linekeeper_records::verify::{Broken, Fault, Verified, Verifier};
use serde_json::{Value, json};
use tempfile::TempDir;

const ENTRIES: u64 = 600;
const PAGE: u64 = 50;

struct Export {
    folder: TempDir,
    signing: Signing,
    checkpoint: Checkpoint,
}

fn export() -> Export {
    let (folder, signing) = (tempfile::tempdir().unwrap(), Signing::of(1));
    let checkpoint = common::write(folder.path(), &signing, PAGE, |take| common::entries(ENTRIES, 7, take));
    Export { folder, signing, checkpoint }
}

impl Export {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn page(&self, number: usize) -> FileName {
        self.checkpoint.pages[number].file.clone()
    }

    fn verify(&self) -> Result<Verified, Fault> {
        Verifier::new(self.path(), &self.signing.keys()).verify()
    }

    fn broken(&self) -> Broken {
        broken(self.verify())
    }

    /// Changes the lines of a page.
    fn tamper(&self, number: usize, how: impl FnOnce(&mut Vec<String>)) {
        let page = self.page(number);
        let mut lines = lines(self.path(), &page);
        how(&mut lines);
        rewrite(self.path(), &page, &lines);
    }

    /// As someone would who may write the files and has the key: everything but what was signed before.
    fn written_anew(&self) -> Export {
        let folder = tempfile::tempdir().unwrap();
        let signing = Signing::of(1);
        let checkpoint = common::write(folder.path(), &signing, PAGE, |take| {
            for page in &self.checkpoint.pages {
                lines(self.path(), &page.file).iter().for_each(|line| take(line));
            }
        });
        Export { folder, signing, checkpoint }
    }
}

fn broken(verified: Result<Verified, Fault>) -> Broken {
    match verified {
        Err(Fault::Broken(broken)) => broken,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_export_as_it_was_written_holds() {
    let export = export();
    let held = export.verify().unwrap();
    assert_eq!((held.entries, held.pages), (ENTRIES, 12));
    assert_eq!(held.heads, export.checkpoint.heads.sha256);
    assert!(held.ledgers > 50);
}

#[test]
fn a_changed_entry_is_the_first_broken_link() {
    let export = export();
    let mut at = 0;
    export.tamper(5, |lines| {
        at = middle(lines, 20);
        lines[at] = changed(&lines[at]);
    });
    let Broken::Link { place, broken: Break::Hash { seq, .. }, .. } = export.broken() else { panic!("{}", export.broken()) };
    // The entry after it names the hash that was.
    assert_eq!(
        (place.file, place.line, seq),
        (export.page(5), at as u64 + 2, link(&lines(export.path(), &export.page(5))[at]).seq + 1)
    );
}

#[test]
fn a_removed_entry_is_a_number_that_is_missing() {
    let export = export();
    let mut was = None;
    export.tamper(5, |lines| {
        let at = middle(lines, 20);
        was = Some((at as u64 + 1, link(&lines[at]).seq));
        lines.remove(at);
    });
    let Broken::Link { place, broken, .. } = export.broken() else { panic!("{}", export.broken()) };
    let (line, seq) = was.unwrap();
    assert_eq!((place.line, broken), (line, Break::Missing { expected: seq, found: seq + 1 }));
}

#[test]
fn entries_out_of_order_are_found_at_the_first() {
    let export = export();
    let mut was = None;
    export.tamper(5, |lines| {
        let at = middle(lines, 20);
        was = Some((at as u64 + 1, link(&lines[at]).seq));
        lines.swap(at, at + 1);
    });
    let Broken::Link { place, broken, .. } = export.broken() else { panic!("{}", export.broken()) };
    let (line, seq) = was.unwrap();
    assert_eq!((place.line, broken), (line, Break::Missing { expected: seq, found: seq + 1 }));
}

#[test]
fn an_entry_twice_is_out_of_order() {
    let export = export();
    export.tamper(5, |lines| {
        let at = middle(lines, 20);
        lines.insert(at, lines[at].clone());
    });
    assert!(matches!(export.broken(), Broken::Link { broken: Break::OutOfOrder { .. }, .. }), "{}", export.broken());
}

#[test]
fn an_invented_entry_breaks_the_link_after_it_though_its_own_hash_fits() {
    let export = export();
    let mut line = 0;
    export.tamper(5, |lines| {
        let at = middle(lines, 20);
        line = at as u64 + 3;
        lines.insert(at + 1, invented_after(&lines[at]));
    });
    let Broken::Link { place, broken: Break::OutOfOrder { .. }, .. } = export.broken() else { panic!("{}", export.broken()) };
    assert_eq!(place.line, line);
}

#[test]
fn an_entry_invented_at_the_end_of_a_ledger_is_beyond_the_head_that_was_signed() {
    let export = export();
    let mut was = None;
    export.tamper(5, |lines| {
        let last = (0..lines.len() - 1).rfind(|&n| link(&lines[n + 1]).seq == 1).unwrap();
        lines.insert(last + 1, invented_after(&lines[last]));
        was = Some((last as u64 + 2, link(&lines[last])));
    });
    let Broken::Head { place, owner, signed, found } = export.broken() else { panic!("{}", export.broken()) };
    let (line, link) = was.unwrap();
    assert_eq!((place.unwrap().line, *owner), (line, link.owner()));
    assert_eq!((signed.unwrap().seq, found.unwrap().seq), (link.seq, link.seq + 1));
}

#[test]
fn an_invented_ledger_is_one_that_the_checkpoint_does_not_know() {
    let export = export();
    export.tamper(11, |lines| {
        let first = lines.iter().find(|line| link(line).seq == 1).unwrap();
        lines.push(first.replace("acct-", "acct-x"));
    });
    let Broken::Head { signed: None, found: Some(found), .. } = export.broken() else { panic!("{}", export.broken()) };
    assert_eq!(found.seq, 1);
}

#[test]
fn the_last_entries_of_a_ledger_are_missed_by_the_checkpoint_only() {
    let export = export();
    let mut was = None;
    export.tamper(5, |lines| {
        let last = (0..lines.len() - 1).rfind(|&n| link(&lines[n + 1]).seq == 1 && link(&lines[n]).seq > 3).unwrap();
        was = Some((last as u64 - 1, link(&lines[last])));
        lines.drain(last - 1..=last);
    });
    let Broken::Head { place, owner, signed, found } = export.broken() else { panic!("{}", export.broken()) };
    let (line, link) = was.unwrap();
    assert_eq!((place.unwrap().line, *owner), (line, link.owner()));
    assert_eq!((signed.unwrap().seq, found.unwrap().seq), (link.seq, link.seq - 2));
}

#[test]
fn a_ledger_that_is_gone_altogether_is_missed() {
    let export = export();
    export.tamper(5, |lines| {
        let alone = (1..lines.len() - 1).find(|&n| link(&lines[n]).seq == 1 && link(&lines[n + 1]).seq == 1).unwrap();
        lines.remove(alone);
    });
    assert!(matches!(export.broken(), Broken::Head { place: None, found: None, .. }), "{}", export.broken());
}

#[test]
fn a_chain_that_was_made_anew_ends_in_another_head() {
    let export = export();
    export.tamper(5, |lines| {
        let at = middle(lines, 20);
        lines[at] = changed(&lines[at]);
        made_anew(lines, at);
    });
    let Broken::Head { signed, found, .. } = export.broken() else { panic!("{}", export.broken()) };
    assert_eq!(signed.unwrap().seq, found.unwrap().seq);
}

#[test]
fn a_missing_page_has_its_name() {
    let export = export();
    fs::remove_file(export.path().join(export.page(3).as_str())).unwrap();
    let broken = export.broken();
    assert_eq!(broken, Broken::Missing { file: export.page(3), lines: PAGE });
    assert_eq!(broken.to_string(), "entries-00003.jsonl is missing: the checkpoint names it, with 50 lines");
    // And there are no records of what is left.
    let records = linekeeper_records::records(export.path(), &export.signing.keys(), Month::parse("2026-05").unwrap());
    assert_eq!(records.unwrap_err().to_string(), broken.to_string());
}

#[test]
fn a_page_that_was_not_signed_has_its_name() {
    let export = export();
    let page = FileName::page(12);
    fs::write(export.path().join(page.as_str()), "").unwrap();
    assert_eq!(export.broken(), Broken::NotNamed { file: page });
}

#[test]
fn a_page_whose_bytes_differ_where_no_chain_does_was_changed() {
    let export = export();
    // Whole ledgers, in another order: every chain holds.
    export.tamper(0, |lines| lines.rotate_left(1));
    assert!(matches!(export.broken(), Broken::Changed { file, .. } if file == export.page(0)), "{}", export.broken());
}

#[test]
fn heads_that_were_changed_are_not_believed() {
    let export = export();
    let heads = FileName::heads();
    let mut lines = lines(export.path(), &heads);
    lines.remove(7);
    rewrite(export.path(), &heads, &lines);
    assert!(matches!(export.broken(), Broken::Changed { file, .. } if file == heads));
    fs::remove_file(export.path().join(heads.as_str())).unwrap();
    assert!(matches!(export.broken(), Broken::Missing { file, .. } if file == heads));
}

fn checkpoint_path(export: &Export) -> PathBuf {
    export.path().join(FileName::checkpoint().as_str())
}

#[test]
fn a_forged_checkpoint_is_found_before_anything_else() {
    let export = export();
    let signed = fs::read_to_string(checkpoint_path(&export)).unwrap();
    // The content changed, the signature left.
    let parts: Vec<&str> = signed.split('.').collect();
    let fewer = Checkpoint { entries: ENTRIES - 1, ..export.checkpoint.clone() };
    let content = common::base64(serde_json::to_string(&fewer).unwrap().as_bytes());
    fs::write(checkpoint_path(&export), [parts[0], &content, parts[2]].join(".")).unwrap();
    let kid = export.signing.kid.clone();
    assert_eq!(export.broken(), Broken::Checkpoint(CheckpointError::Forged { kid: kid.clone() }));
    // Signed by another key that calls itself ours.
    let other = Signing { kid: kid.clone(), ..Signing::of(2) };
    fs::write(checkpoint_path(&export), other.sign(&export.checkpoint)).unwrap();
    assert_eq!(export.broken(), Broken::Checkpoint(CheckpointError::Forged { kid }));
    // Signed by a key of its own name.
    fs::write(checkpoint_path(&export), Signing::of(2).sign(&export.checkpoint)).unwrap();
    assert_eq!(export.broken(), Broken::Checkpoint(CheckpointError::UnknownKey { kid: "records-2".to_owned() }));
    // Not signed at all.
    let nothing =
        common::base64(json!({"alg": "none", "typ": "linekeeper-checkpoint+jwt", "kid": "records-1"}).to_string().as_bytes());
    fs::write(checkpoint_path(&export), format!("{nothing}.{}.", parts[1])).unwrap();
    assert_eq!(export.broken(), Broken::Checkpoint(CheckpointError::Form));
    for other in ["", "{}", "a.b.c"] {
        fs::write(checkpoint_path(&export), other).unwrap();
        assert_eq!(export.broken(), Broken::Checkpoint(CheckpointError::Form), "{other}");
    }
    fs::remove_file(checkpoint_path(&export)).unwrap();
    assert!(matches!(export.broken(), Broken::NoCheckpoint { .. }));
}

#[test]
fn what_the_key_signed_for_another_purpose_is_no_checkpoint() {
    let export = export();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    header.typ = Some("linekeeper-authorization+jwt".to_owned());
    header.kid = Some(export.signing.kid.clone());
    fs::write(checkpoint_path(&export), jsonwebtoken::encode(&header, &export.checkpoint, &export.signing.key).unwrap()).unwrap();
    assert_eq!(export.broken(), Broken::Checkpoint(CheckpointError::Form));
}

#[test]
fn a_checkpoint_of_a_later_form_says_so() {
    let export = export();
    fs::write(checkpoint_path(&export), export.signing.sign(&Checkpoint { v: 2, ..export.checkpoint.clone() })).unwrap();
    assert_eq!(export.broken(), Broken::Checkpoint(CheckpointError::Version { v: 2 }));
}

#[test]
fn what_is_no_entry_is_named_by_its_line_and_not_repeated() {
    let secret = "+13055550123";
    for (text, why) in [
        (secret.as_bytes().to_vec(), "not an entry of a ledger"),
        (b"{\"v\": \"\xff\"}".to_vec(), "not UTF-8"),
        (format!("{{\"v\":1,\"account_id\":\"{secret}\"}}").into_bytes(), "not an entry of a ledger"),
        (b"{\"v\":2,\"account_id\":\"a\",\"subject\":\"account\",\"seq\":1,\"prev\":\"0\"}".to_vec(), "an entry of version 2"),
        (vec![b'x'; 600 << 10], "cut off, or longer than any entry"),
    ] {
        let export = export();
        let path = export.path().join(export.page(0).as_str());
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend(&text);
        bytes.push(b'\n');
        fs::write(&path, bytes).unwrap();
        let broken = export.broken();
        assert!(matches!(&broken, Broken::Unreadable { place, .. } if place.line == PAGE + 1), "{broken}");
        let words = broken.to_string();
        assert!(words.contains(why) && !words.contains(secret), "{words}");
    }
    let export = export();
    let path = export.path().join(export.page(4).as_str());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    assert!(matches!(export.broken(), Broken::Unreadable { place, .. } if place.line == PAGE));
}

#[test]
fn what_was_written_anew_and_signed_again_is_found_by_an_earlier_checkpoint() {
    let earlier = export();
    let since = |later: &Export| Verifier::new(later.path(), &later.signing.keys()).since(earlier.path()).verify();
    assert!(since(&earlier.written_anew()).unwrap().since.is_some());

    let changing = export();
    changing.tamper(5, |lines| {
        let at = middle(lines, 20);
        lines[at] = changed(&lines[at]);
        made_anew(lines, at);
    });
    let anew = changing.written_anew();
    anew.verify().unwrap();
    assert!(matches!(broken(since(&anew)), Broken::Rewritten { .. }));

    let cutting = export();
    cutting.tamper(5, |lines| {
        let last = (0..lines.len() - 1).rfind(|&n| link(&lines[n + 1]).seq == 1 && link(&lines[n]).seq > 3).unwrap();
        lines.remove(last);
    });
    let shorter = cutting.written_anew();
    shorter.verify().unwrap();
    assert!(matches!(broken(since(&shorter)), Broken::Shorter { signed, found, .. } if found + 1 == signed));
}

#[test]
fn a_ledger_that_does_not_hold_is_not_exported() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = linekeeper_records::export::Writer::create(folder.path(), PAGE).unwrap();
    let mut all = Vec::new();
    common::entries(20, 7, |json| all.push(json.to_owned()));
    let at = middle(&all, 2);
    let outcome = all.iter().enumerate().filter(|(n, _)| *n != at).try_for_each(|(_, json)| writer.push(json));
    assert!(outcome.unwrap_err().to_string().contains("1 entry is missing"));
}

#[test]
fn what_is_not_there_is_no_fault_of_the_ledger() {
    let keys = Signing::of(1).keys();
    assert!(matches!(Verifier::new(Path::new("/nowhere/at/all"), &keys).verify(), Err(Fault::Unreadable { .. })));
    assert!(Keys::read("{}").is_err());
    assert!(Keys::read(&Value::Null.to_string()).is_err());
}
