//! One act being played: its timeline as it is shown, and the claims that it checks.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::ledger::Entry;
use crate::stack::Message;
use crate::terminal::{Paint, paint, wrap};

/// Width of the text beside the timeline's columns.
const WIDTH: usize = 88;
/// Where that text begins.
const INDENT: usize = 24;

/// How much of a word is shown.
const LONGEST_WORD: usize = 44;

/// Where the timeline goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// Line by line, as it happens.
    Everything,
    /// Only the claims; the timeline only when one of them does not hold.
    Claims,
}

/// What an act claims of what it showed.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// In words.
    pub(crate) words: String,
    /// Whether it held.
    pub(crate) held: bool,
}

/// An act on stage.
#[derive(Debug)]
pub(crate) struct Scene {
    show: Show,
    started: Instant,
    kept: String,
    claims: Vec<Claim>,
}

impl Scene {
    /// Raises the curtain.
    pub(crate) fn open(title: &str, subtitle: &str, show: Show) -> Self {
        if show == Show::Claims {
            println!("\n  {title}");
        }
        let mut scene = Self { show, started: Instant::now(), kept: String::new(), claims: Vec::new() };
        scene.line(&format!("\n{}", paint(Paint::Bold, title)));
        for line in wrap(subtitle, WIDTH) {
            scene.line(&paint(Paint::Dim, line));
        }
        scene.line("");
        scene
    }

    /// `who` does or says `what`, now.
    pub(crate) fn row(&mut self, who: &str, what: &str) {
        let time = format!("{:6.2} s", self.started.elapsed().as_secs_f64());
        let mut lines = wrap(what, WIDTH).into_iter();
        let first = lines.next().unwrap_or_default();
        self.line(&format!("{}  {} {first}", paint(Paint::Dim, time), paint(Paint::Cyan, format!("{who:<13}"))));
        for line in lines {
            self.line(&format!("{:INDENT$}{line}", ""));
        }
    }

    /// More on the row above.
    pub(crate) fn note(&mut self, text: &str) {
        for line in wrap(text, WIDTH) {
            self.line(&format!("{:INDENT$}{}", "", paint(Paint::Dim, line)));
        }
    }

    /// A message as the customer reads it.
    pub(crate) fn message(&mut self, to: &str, message: &Message) {
        self.row(message.channel, &format!("to {to}"));
        let subject = message.subject.iter().flat_map(|subject| wrap(subject, WIDTH - 2)).map(|line| paint(Paint::Bold, line));
        let text = wrap(&shortened(&message.text), WIDTH - 2);
        for line in subject.chain(text).collect::<Vec<_>>() {
            self.line(&format!("{:INDENT$}{} {line}", "", paint(Paint::Dim, "│")));
        }
    }

    /// The ledger's entries, one a line.
    pub(crate) fn ledger(&mut self, of: &str, entries: &[Entry]) {
        self.row("ledger", of);
        for entry in entries {
            let hash = entry.hash.get(..8).unwrap_or_default();
            let left = paint(Paint::Dim, format!("{:>3}  {hash}  {:<14}", entry.seq, entry.actor()));
            self.line(&format!("{:INDENT$}{left} {}", "", entry.summary()));
        }
    }

    /// States a claim, and whether it holds.
    pub(crate) fn claim(&mut self, words: &str, held: bool) {
        let (mark, colour) = if held { ("✓", Paint::Green) } else { ("✗", Paint::Red) };
        let line = format!("{:INDENT$}{} {words}", "", paint(colour, mark));
        match self.show {
            Show::Everything => self.line(&line),
            Show::Claims => println!("    {} {words}", paint(colour, mark)),
        }
        self.claims.push(Claim { words: words.to_owned(), held });
    }

    /// States a claim without which the act cannot go on.
    pub(crate) fn must(&mut self, words: &str, held: bool) -> Result<()> {
        self.claim(words, held);
        if held {
            return Ok(());
        }
        bail!("the act cannot go on: {words}")
    }

    /// Lowers the curtain: the claims, one more among them when the act broke off.
    pub(crate) fn close(mut self, ended: Result<()>) -> Vec<Claim> {
        if let Err(error) = ended {
            let line = format!("  {} {error:#}", paint(Paint::Red, "broke off:"));
            self.line(&line);
            if self.show == Show::Claims {
                println!("{line}");
            }
            self.claims.push(Claim { words: format!("{error:#}"), held: false });
        }
        let failed = self.claims.iter().filter(|claim| !claim.held).count();
        if failed > 0 && self.show == Show::Claims {
            println!("{}", self.kept);
        }
        self.claims
    }

    fn line(&mut self, line: &str) {
        match self.show {
            Show::Everything => {
                println!("{line}");
                // A reader that went away is no reason to stop.
                let _ = std::io::stdout().flush();
            }
            Show::Claims => {
                // Writing to a String cannot fail.
                let _ = writeln!(self.kept, "{line}");
            }
        }
    }
}

/// The text with the middle left out of words that no person reads: the token of a link.
fn shortened(text: &str) -> String {
    let word = |word: &str| match (word.get(..LONGEST_WORD), word.get(word.len().saturating_sub(6)..)) {
        (Some(head), Some(tail)) if word.len() > LONGEST_WORD + 6 => format!("{head}…{tail}"),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn only_what_nobody_reads_is_left_out() {
        let link = format!("https://my.mobile.example/not-me#{}abcdef", "x".repeat(400));
        assert_eq!(
            shortened(&format!("Tap: {link}\n\nBye.")),
            "Tap: https://my.mobile.example/not-me#xxxxxxxxxxx…abcdef\n\nBye."
        );
        assert_eq!(shortened("@my.mobile.example #042917"), "@my.mobile.example #042917");
    }
}
