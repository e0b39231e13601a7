//! The whole product on one machine: real binaries, the production template, real protocols.
//!
//! `cargo local demo | attack | ports | flood | bench | records | up [--json] | watch | test | down`, and for a stack that is deployed,
//! here or in an AWS account: `package | smoke | redrive`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod acts;
mod aftercare;
mod api;
mod attacks;
mod aws;
mod bench;
mod binaries;
mod browser;
mod carrier;
mod checks;
mod cli;
mod cloud;
mod commands;
mod device_key;
mod edge;
mod issuer;
mod ledger;
mod mask;
mod package;
mod people;
mod permissions;
mod ports;
mod process;
mod records;
mod redrive;
mod sbom;
mod scene;
mod smoke;
mod stack;
mod terminal;
mod tools;
mod workspace;

use std::process::ExitCode;

use terminal::{Paint, paint};

const USAGE: &str = "\
The whole product on one machine, without Docker, root or an account.

    cargo local demo          from nothing to the end: eight acts on the deployed stack
    cargo local attack        ten attacks on step-up, against the deployed stack
    cargo local ports         a day of a carrier's porting, with three thieves in it; [--seed N] [--speed X] [--ports N]
    cargo local flood         many port orders at once: does it keep up; [--per-minute N] [--seconds N]
    cargo local bench         what the functions cost in time and memory, beside what they are compared with; [--rounds N] [--binaries FOLDER]
    cargo local records       a month's records, of the stack that is up or of an export: --month YYYY-MM [--out DIR]
                              [--export DIR --keys FILE] [--binds us=2027-03-01]
    cargo local up [--json]   the same stack, and it stays; Ctrl-C or `down` stops it
    cargo local watch         the functions by `cargo lambda watch`, rebuilt as you save
    cargo local test          every test: workspace, template, deployed stack
    cargo local down          stops what an `up` left

To ship it, and to look after it. Without --stack they mean what `up` left; with it, the AWS account of the environment.

    cargo local package       every function as a zip, the same bytes for the same commit, and what is in it; [--arm64]
    cargo local smoke         whether a deployed stack lives; [--stack NAME] [--api URL]
    cargo local redrive       what lies in the dead-letter queues, and the way back; [--stack NAME] [--queue NAME]
                              [--move] sends one queue's back, [--even-refused] also what would be refused again
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments.as_slice() {
        ["demo"] => commands::demo(),
        ["attack"] => commands::attack(),
        ["ports", options @ ..] => ports::Options::read(options).and_then(commands::ports),
        ["flood", options @ ..] => ports::flood::Options::read(options).and_then(commands::flood),
        ["bench", options @ ..] => bench::Options::read(options).and_then(commands::bench),
        ["records", options @ ..] => records::Options::read(options).and_then(|options| records::make(&options)),
        ["up"] => commands::up(false),
        ["up", "--json"] => commands::up(true),
        ["watch"] => commands::watch(),
        ["test"] => commands::test(),
        ["down"] => commands::down(),
        ["package", options @ ..] => package::Options::read(options).and_then(commands::package),
        ["smoke", options @ ..] => smoke::Options::read(options).and_then(|options| commands::smoke(&options)),
        ["redrive", options @ ..] => redrive::Options::read(options).and_then(|options| commands::redrive(&options)),
        ["help" | "--help" | "-h"] | [] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        unknown => {
            eprint!("cargo local does not know `{}`.\n\n{USAGE}", unknown.join(" "));
            return ExitCode::from(2);
        }
    };
    process::end_quietly_if_interrupted();
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\n{} {error:#}", paint(Paint::Red, "error:"));
            ExitCode::FAILURE
        }
    }
}
