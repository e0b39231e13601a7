//! `cargo local ports`: a day of a carrier's porting, played to the deployed stack: honest customers with their typing
//! errors, a gateway with its repeats, and three thieves. It ends with what was answered, alarmed, missed and falsely
//! stopped.

mod drive;
pub(crate) mod flood;
mod plan;
mod score;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::stack::Stack;
use crate::terminal::{Paint, paint};
use plan::Day;
use score::Score;

/// A carrier of which one household leaves in a day has about so many lines.
const LINES_PER_LEAVER: usize = 3_500;

/// What the command was asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Options {
    /// Which day.
    pub(crate) seed: u64,
    /// How many times faster than it was.
    pub(crate) speed: f64,
    /// How many honest households leave.
    pub(crate) ports: usize,
}

impl Options {
    /// From `--seed N`, `--speed X` and `--ports N`, each of which may be left out.
    pub(crate) fn read(arguments: &[&str]) -> Result<Self> {
        let mut options = Self { seed: 1, speed: drive::speed_of(4), ports: 120 };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { bail!("{} needs a value", pair.concat()) };
            let wrong = || format!("{name} {value}");
            match *name {
                "--seed" => options.seed = value.parse().with_context(wrong)?,
                "--speed" => options.speed = value.parse().with_context(wrong)?,
                "--ports" => options.ports = value.parse().with_context(wrong)?,
                other => bail!("`cargo local ports` does not know {other}"),
            }
        }
        if !(1.0..=100_000.0).contains(&options.speed) || !(1..=1_500).contains(&options.ports) {
            bail!("--speed is 1 to 100000, --ports 1 to 1500");
        }
        Ok(options)
    }

    /// The monitor's limits for a carrier of this size.
    pub(crate) fn monitor(self) -> String {
        json!({ "lines": (self.ports * LINES_PER_LEAVER).max(50_000) }).to_string()
    }
}

/// Plays a day and prints what became of it. Whether it went as it should.
pub(crate) fn play(stack: &Stack, options: Options) -> Result<bool> {
    let stage = drive::Stage::open(stack, Day::plan(options.seed, options.ports), options.speed)?;
    let score = stage.play(options.seed, options.ports)?;
    print(options, &score);
    Ok(score.holds())
}

fn print(options: Options, score: &Score) {
    println!("\n{}", paint(Paint::Bold, format!("Seed {}, {} households leave", options.seed, options.ports)));
    for (label, value) in score.rows() {
        let value = if value.starts_with("MISSED") { paint(Paint::Red, value) } else { value };
        println!("  {} {value}", paint(Paint::Cyan, format!("{label:<48}")));
    }
    let verdict = if score.holds() {
        paint(Paint::Green, "Everything was answered in time, every thief was seen, nobody was falsely stopped.")
    } else {
        paint(Paint::Red, "The day did not go as it should.")
    };
    println!("\n{verdict}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_default_and_what_is_wrong_is_named() {
        let read = |arguments: &[&str]| Options::read(arguments);
        assert_eq!(read(&[]).unwrap().seed, 1);
        assert_eq!(read(&["--ports", "40", "--seed", "7"]).unwrap(), Options { seed: 7, ports: 40, ..read(&[]).unwrap() });
        for wrong in [&["--seed"][..], &["--seed", "x"], &["--speed", "0"], &["--ports", "0"], &["--days", "1"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
