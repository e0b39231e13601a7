//! `linekeeper-verify`: whether an export of the ledger holds. Talks to nobody.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use linekeeper_records::checkpoint::Keys;
use linekeeper_records::verify::{Fault, Verifier};

const USAGE: &str = "\
Verifies an export of Linekeeper's ledger, without asking anybody.

    linekeeper-verify EXPORT --keys KEYS [--since EARLIER]

    EXPORT     the folder: checkpoint.jws, heads.jsonl, entries-*.jsonl
    KEYS       a JWK set (RFC 7517) with the public keys that sign checkpoints; got from elsewhere than the export
    EARLIER    an earlier export, of which checkpoint.jws and heads.jsonl are enough: what was then must still be so

Ends with 0 where all of it holds; 1 where it does not, with the first thing that is broken; 2 where it cannot be read.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [export, "--keys", keys] => run(export, keys, None),
        [export, "--keys", keys, "--since", earlier] | [export, "--since", earlier, "--keys", keys] => {
            run(export, keys, Some(earlier))
        }
        ["--help" | "-h" | "help"] => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(export: &str, keys: &str, since: Option<&str>) -> ExitCode {
    let started = Instant::now();
    let read = std::fs::read_to_string(keys).map_err(|error| error.to_string());
    let known = match read.and_then(|json| Keys::read(&json).map_err(|error| error.to_string())) {
        Ok(known) => known,
        Err(error) => {
            eprintln!("linekeeper-verify: {keys}: {error}");
            return ExitCode::from(2);
        }
    };
    let verifier = Verifier::new(Path::new(export), &known);
    let verifier = since.map_or(verifier.clone(), |earlier| verifier.since(Path::new(earlier)));
    let outcome = verifier.verify();
    let took = started.elapsed().as_secs_f64();
    match outcome {
        Ok(held) => {
            println!("All of it holds: {} entries of {} ledgers in {} pages", held.entries, held.ledgers, held.pages);
            println!("exported {} by {}", held.at, held.issuer);
            if let Some(since) = held.since {
                println!("and nothing from before {since} was written anew");
            }
            println!("heads {}  {took:.1} s", held.heads);
            ExitCode::SUCCESS
        }
        Err(Fault::Broken(broken)) => {
            println!("BROKEN: {broken}  {took:.1} s");
            ExitCode::from(1)
        }
        Err(fault @ Fault::Unreadable { .. }) => {
            eprintln!("linekeeper-verify: {fault}");
            ExitCode::from(2)
        }
    }
}
