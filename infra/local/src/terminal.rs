//! What the program writes: restrained colour, progress on long work, plain lines otherwise.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A colour of the terminal; none is used when the output is no terminal or `NO_COLOR` is set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paint {
    Bold,
    Dim,
    Green,
    Red,
    Cyan,
}

/// `text` in that colour, where colour is wanted.
pub(crate) fn paint(paint: Paint, text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    if !colour_wanted() {
        return text.to_owned();
    }
    let code = match paint {
        Paint::Bold => "1",
        Paint::Dim => "2",
        Paint::Green => "32",
        Paint::Red => "31",
        Paint::Cyan => "36",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

fn colour_wanted() -> bool {
    std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Time since `since` in one decimal, as progress and timelines show it.
pub(crate) fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}

/// One piece of work that takes a while: a live line with elapsed seconds on a terminal,
/// a line at the start, at every half minute and at the end elsewhere. It writes to standard error, so
/// that `--json` keeps standard output for itself.
pub(crate) struct Progress {
    title: String,
    started: Instant,
    detail: Arc<Mutex<String>>,
    running: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
    ended: bool,
}

impl Progress {
    /// Shows that `title` has begun.
    pub(crate) fn start(title: impl Into<String>) -> Self {
        let title = title.into();
        let live = std::io::stderr().is_terminal();
        let started = Instant::now();
        let detail = Arc::new(Mutex::new(String::new()));
        let running = Arc::new(AtomicBool::new(true));
        if !live {
            eprintln!("  … {title}");
        }
        let ticker = {
            let (title, detail, running) = (title.clone(), Arc::clone(&detail), Arc::clone(&running));
            thread::spawn(move || tick(&title, started, &detail, &running, live))
        };
        Self { title, started, detail, running, ticker: Some(ticker), ended: false }
    }

    /// The last thing heard from the work, shown behind the title.
    pub(crate) fn detail(&self, text: &str) {
        let mut detail = locked(&self.detail);
        detail.clear();
        detail.extend(text.chars().filter(|c| !c.is_control()).take(60));
    }

    /// Ends with success, and says in a few words with what.
    pub(crate) fn done(mut self, outcome: &str) {
        let elapsed = seconds(self.started);
        let outcome = if outcome.is_empty() { String::new() } else { format!("  {outcome}") };
        let line = format!(
            "  {} {}{}  {}",
            paint(Paint::Green, "✓"),
            self.title,
            paint(Paint::Dim, outcome),
            paint(Paint::Dim, elapsed)
        );
        self.end(&line);
    }

    fn end(&mut self, line: &str) {
        self.running.store(false, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            // A ticker that panicked has nothing left to show.
            let _ = ticker.join();
        }
        eprintln!("{line}");
        self.ended = true;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.ended {
            let line = format!("  {} {}  {}", paint(Paint::Red, "✗"), self.title, paint(Paint::Dim, seconds(self.started)));
            self.end(&line);
        }
    }
}

fn tick(title: &str, started: Instant, detail: &Mutex<String>, running: &AtomicBool, live: bool) {
    const FRAMES: [&str; 8] = ["⠋", "⠙", "⠸", "⠴", "⠦", "⠧", "⠇", "⠏"];
    let pause = if live { Duration::from_millis(120) } else { Duration::from_secs(30) };
    for frame in FRAMES.iter().cycle() {
        if live {
            let line = format!("  {frame} {title}  {} s  {}", started.elapsed().as_secs(), locked(detail));
            // A terminal that went away is no reason to stop the work.
            let _ = write!(std::io::stderr(), "\r\x1b[2K{}", paint(Paint::Cyan, line));
            let _ = std::io::stderr().flush();
        }
        thread::park_timeout(pause);
        if !running.load(Ordering::Relaxed) {
            break;
        }
        if !live {
            eprintln!("    {title}: {} s  {}", started.elapsed().as_secs(), locked(detail));
        }
    }
    if live {
        let _ = write!(std::io::stderr(), "\r\x1b[2K");
    }
}

/// The lock's content, also after a thread died holding it: everything kept here is display text or a
/// list of process groups, which is never left half-written.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `text` broken into lines of at most `width` characters at blanks.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn a_long_message_is_broken_at_blanks() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn a_word_longer_than_the_line_stays_whole() {
        assert_eq!(wrap("https://pay.example/not-me#abcdef", 10), ["https://pay.example/not-me#abcdef"]);
    }

    #[test]
    fn paragraphs_stay_and_trailing_blank_lines_go() {
        assert_eq!(wrap("a\n\nb\n\n", 10), ["a", "", "b"]);
    }
}
