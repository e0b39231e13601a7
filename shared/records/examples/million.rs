//! Tampers with an export of a million entries, in each way that there is, and says what the verifier finds and when.
//!
//!     cargo run --release -p linekeeper-records --example million [ENTRIES]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a measurement: what does not hold must stop it"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;
use std::time::Instant;

use common::{Signing, changed, invented_after, lines, link, made_anew, middle, rewrite};
use linekeeper_domain::records::{ComplianceDates, Month};
use linekeeper_records::checkpoint::{Checkpoint, FileName};
use linekeeper_records::verify::Verifier;
use linekeeper_records::{export, records, render};

/// A way to tamper with a page.
type Tamper = (&'static str, fn(&mut Vec<String>));

const TAMPERED: &[Tamper] = &[
    ("changed", |page| {
        let at = middle(page, 20);
        page[at] = changed(&page[at]);
    }),
    ("removed", |page| {
        let at = middle(page, 20);
        page.remove(at);
    }),
    ("reordered", |page| {
        let at = middle(page, 20);
        page.swap(at, at + 1);
    }),
    ("invented", |page| {
        let at = middle(page, 20);
        page.insert(at + 1, invented_after(&page[at]));
    }),
    ("made anew from there", |page| {
        let at = middle(page, 20);
        page[at] = changed(&page[at]);
        made_anew(page, at);
    }),
    ("invented at an end", |page| {
        let last = (0..page.len() - 1).rfind(|&n| link(&page[n + 1]).seq == 1).unwrap();
        page.insert(last + 1, invented_after(&page[last]));
    }),
    ("cut off at an end", |page| {
        let last = (0..page.len() - 1).rfind(|&n| link(&page[n + 1]).seq == 1 && link(&page[n]).seq > 3).unwrap();
        page.drain(last - 1..=last);
    }),
];

fn main() {
    let entries = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (path, signing) = (folder.path(), Signing::of(1));
    let checkpoint = timed("made and exported", || {
        let checkpoint = common::write(path, &signing, export::PAGE, |take| common::entries(entries, 7, take));
        let bytes: u64 = fs::read_dir(path).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        let said = format!("{} entries of {} ledgers, {} MB", checkpoint.entries, checkpoint.ledgers, bytes >> 20);
        (said, checkpoint)
    });
    let verified = || match Verifier::new(path, &signing.keys()).verify() {
        Ok(held) => format!("holds: {} entries, {} pages", held.entries, held.pages),
        Err(fault) => fault.to_string(),
    };
    timed("as it is", || (verified(), ()));
    timed("a month's records", || {
        let (records, _) = records(path, &signing.keys(), Month::parse("2026-06").unwrap()).unwrap();
        let csv = render::csv(&records, &ComplianceDates::default()).unwrap();
        (format!("{} lines of CSV, from {} entries up to then", csv.lines().count(), records.entries), ())
    });
    // Three quarters through.
    let page = &checkpoint.pages[checkpoint.pages.len() * 3 / 4].file;
    for (name, tamper) in TAMPERED {
        let before = lines(path, page);
        let mut after = before.clone();
        tamper(&mut after);
        rewrite(path, page, &after);
        timed(name, || (verified(), ()));
        rewrite(path, page, &before);
    }
    let (hidden, file) = (path.join("hidden"), path.join(page.as_str()));
    fs::rename(&file, &hidden).unwrap();
    timed("a missing page", || (verified(), ()));
    fs::rename(&hidden, &file).unwrap();
    forged(path, &signing, &checkpoint);
    timed("a forged checkpoint", || (verified(), ()));
}

fn forged(path: &Path, signing: &Signing, checkpoint: &Checkpoint) {
    let other = Signing { kid: signing.kid.clone(), ..Signing::of(2) };
    fs::write(path.join(FileName::checkpoint().as_str()), other.sign(checkpoint)).unwrap();
}

fn timed<T>(name: &str, what: impl FnOnce() -> (String, T)) -> T {
    let started = Instant::now();
    let (said, made) = what();
    println!("{name:<22} {:>6.2} s  {said}", started.elapsed().as_secs_f64());
    made
}
