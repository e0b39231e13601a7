//! The parsers of outside bytes, with the corpus of the fuzz targets (`tests/fuzz`) and mutations of it.

use std::fs;
use std::path::{Path, PathBuf};

use linekeeper_tests::parsers::{ALL, Parser, seeds};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Mutations of each parser's corpus.
const MUTATIONS: usize = 300;

fn directory(parser: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(parser)
}

/// The committed corpus of a parser: names and bytes, in the order of the names.
fn corpus(parser: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(directory(parser)).unwrap().map(|file| file.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = files.map(|path| (name(&path), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn of_the_corpus_the_good_is_taken_and_nothing_else() {
    let mut wrong = Vec::new();
    for (parser, take) in ALL {
        let corpus = corpus(parser);
        assert!(corpus.iter().any(|(name, _)| name.starts_with("good")), "{parser} has nothing good in its corpus");
        for (name, bytes) in corpus {
            let taken = std::panic::catch_unwind(|| take(&bytes));
            if !taken.as_ref().is_ok_and(|taken| *taken == name.starts_with("good")) {
                wrong.push((parser, name, taken.ok()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn whatever_bytes_come_no_parser_panics_and_none_takes_what_was_not_signed() {
    for (parser, take) in ALL {
        let corpus: Vec<Vec<u8>> = corpus(parser).into_iter().map(|(_, bytes)| bytes).collect();
        mutate(parser, take, &corpus);
    }
}

fn mutate(parser: &str, take: Parser, corpus: &[Vec<u8>]) {
    let mut random = StdRng::seed_from_u64(1);
    for n in 0..MUTATIONS {
        let mut bytes = corpus[random.random_range(0..corpus.len())].clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..=bytes.len());
            let to = random.random_range(at..=bytes.len().min(at + 32));
            match random.random_range(0..6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
                1 if at < bytes.len() => bytes[at] = random.random(),
                2 => drop(bytes.drain(at..to)),
                3 => bytes.truncate(at),
                4 => bytes.splice(at..at, bytes[at..to].to_vec()).for_each(drop),
                _ => {
                    let other = &corpus[random.random_range(0..corpus.len())];
                    let from = random.random_range(0..=other.len());
                    bytes.splice(at..to, other[from..other.len().min(from + 64)].to_vec()).for_each(drop);
                }
            }
        }
        let taken = std::panic::catch_unwind(|| take(&bytes));
        assert!(taken.is_ok(), "{parser}, mutation {n}: {}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn every_parser_has_its_fuzz_target_and_a_small_corpus() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    assert_eq!(manifest.matches("[[bin]]").count(), ALL.len());
    for (parser, _) in ALL {
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{parser}.rs"))).unwrap();
        assert!(target.contains(&format!("parsers::{parser}(data)")), "{parser}");
        assert!(manifest.contains(&format!("\"fuzz_targets/{parser}.rs\"")), "{parser}");
        let corpus = corpus(parser);
        assert!((10..=32).contains(&corpus.len()), "{parser} has {} files", corpus.len());
        for (name, bytes) in corpus {
            assert!(bytes.len() <= 4 * 1024 + 512, "{parser}/{name} has {} bytes", bytes.len());
        }
    }
}

/// `cargo test -p linekeeper-tests --test it -- --ignored the_corpus_is_made_anew`, where the form of what comes in
/// has changed. What fuzzing added stays.
#[test]
#[ignore = "writes the corpus"]
fn the_corpus_is_made_anew() {
    for (parser, _) in ALL {
        let directory = directory(parser);
        fs::create_dir_all(&directory).unwrap();
        for (name, bytes) in seeds(parser) {
            fs::write(directory.join(name), bytes).unwrap();
        }
    }
}
