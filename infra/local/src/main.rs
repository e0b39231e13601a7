//! The whole product on one machine: real binaries, the production template, real protocols.
//!
//! `cargo local demo | attack | ports | flood | up [--json] | watch | test | down`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod acts;
mod api;
mod attacks;
mod aws;
mod binaries;
mod browser;
mod carrier;
mod checks;
mod cloud;
mod commands;
mod device_key;
mod edge;
mod issuer;
mod ledger;
mod people;
mod permissions;
mod ports;
mod process;
mod scene;
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
    cargo local up [--json]   the same stack, and it stays; Ctrl-C or `down` stops it
    cargo local watch         the functions by `cargo lambda watch`, rebuilt as you save
    cargo local test          every test: workspace, template, deployed stack
    cargo local down          stops what an `up` left
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments.as_slice() {
        ["demo"] => commands::demo(),
        ["attack"] => commands::attack(),
        ["ports", options @ ..] => ports::Options::read(options).and_then(commands::ports),
        ["flood", options @ ..] => ports::flood::Options::read(options).and_then(commands::flood),
        ["up"] => commands::up(false),
        ["up", "--json"] => commands::up(true),
        ["watch"] => commands::watch(),
        ["test"] => commands::test(),
        ["down"] => commands::down(),
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
