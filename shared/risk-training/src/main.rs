//! `risk-eval`: replays an events file through the production risk code.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use linekeeper_domain::kinds::{Band, Reason};
use linekeeper_domain::risk::background::{Background, Census};
use linekeeper_domain::risk::model::{Model, Score};
use linekeeper_domain::signals::Signal;
use linekeeper_domain::time::{Span, Timestamp};
use risk_training::MODEL;
use risk_training::columns::Columns;
use risk_training::drift::{Page, Side};
use risk_training::events::{self, Stop, Tally};
use risk_training::parse::Understood;
use risk_training::parts::{Part, Stage};
use risk_training::replay::{Marked, Marking, World};
use risk_training::{bins, labels, laws};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

const USAGE: &str = "risk-eval background --events FILE --out FILE [--until DAY]
    counts what is usual in the population until a day (180), counted from the first event's
risk-eval evidence --events FILE --background FILE --out DIRECTORY [--sign-ins] [--without-round-trips]
    writes the evidence of every privileged event, with --sign-ins that of sign-ins too, with --without-round-trips as
    if none had ever been measured
risk-eval score --events FILE --out FILE [--model FILE]
    scores every privileged event by a model (the project's, from wherever this is run)
risk-eval drift --events FILE --out FILE [--from DAY] [--split DAY] [--model FILE] [--shadow FILE]
    one page: how evidence, missing values and scores since a day (220) differ from those before it, from another
    day (30) on; and what a second model would have said
risk-eval bins --events FILE --out FILE [--from DAY] [--model FILE]
    one page: how scores spread over the bins that production counts, and how CloudWatch compares
risk-eval labels --ledger FILE --out FILE [--now RFC3339] [--quiet DAYS]
    who asked, as far as exported ledger entries (one a line) tell at a time (now), where nobody complained for so
    many days (30)
risk-eval laws [--cases N] [--seed N] [--model FILE]
    tries the laws on so many random cases (1000000): on random models, and on the project's where there is one
risk-eval bench [--model FILE]
    times each part of a score, and counts its instructions where valgrind is installed
";

/// Why a command could not be carried out.
#[derive(Debug)]
enum Failure {
    /// It was not understood.
    Usage(String),
    /// A file could not be read or written.
    File(PathBuf, io::Error),
    /// A file is not what it should be.
    Contents(PathBuf, String),
    /// The project's own model is not there.
    NoModel(PathBuf),
    /// A law does not hold.
    Broken,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usage(problem) => write!(f, "{problem}\n{USAGE}"),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Contents(path, problem) => write!(f, "{}: {problem}", path.display()),
            Self::Broken => write!(f, "a law is broken"),
            Self::NoModel(path) => {
                let train = concat!(env!("CARGO_MANIFEST_DIR"), "/train.py");
                write!(f, "{}: no model there; `python3 {train}` makes it, or name another by --model", path.display())
            }
        }
    }
}

/// `--name value` and `--flag`.
#[derive(Debug, Default)]
struct Arguments {
    named: Vec<(String, String)>,
    flags: Vec<String>,
}

impl Arguments {
    fn parse(words: impl Iterator<Item = String>, known: &[&str], flags: &[&str]) -> Result<Self, Failure> {
        let mut arguments = Self::default();
        let mut words = words;
        while let Some(word) = words.next() {
            if flags.contains(&word.as_str()) {
                arguments.flags.push(word);
            } else if known.contains(&word.as_str()) {
                let value = words.next().ok_or_else(|| Failure::Usage(format!("{word} needs a value")))?;
                arguments.named.push((word, value));
            } else {
                return Err(Failure::Usage(format!("{word}?")));
            }
        }
        Ok(arguments)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.named.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        self.get(name).map(PathBuf::from).ok_or_else(|| Failure::Usage(format!("{name} is missing")))
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|f| f == flag)
    }
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let result = match words.next().as_deref() {
        Some("background") => background(words),
        Some("evidence") => evidence(words),
        Some("score") => score(words),
        Some("drift") => drift(words),
        Some("bins") => bins(words),
        Some("labels") => labels(words),
        Some("laws") => laws(words),
        Some("bench") => bench(words),
        Some(other) => Err(Failure::Usage(format!("{other}?"))),
        None => Err(Failure::Usage("which command?".to_owned())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

/// A line for the person at the terminal. Nothing can be done where even that fails.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Every event of a file, in order.
fn each_event<P: Send>(
    path: &Path,
    prepare: impl Fn(&Understood<'_>) -> P + Sync,
    f: impl FnMut(Understood<'_>, P) -> Result<(), Failure> + Send,
) -> Result<Tally, Failure> {
    let broken = |error| Failure::File(path.to_owned(), error);
    let tally = events::each(File::open(path).map_err(broken)?, prepare, f).map_err(|stop| match stop {
        Stop::File(error) => broken(error),
        Stop::Done(failure) => failure,
    })?;
    for (number, problem) in &tally.first {
        tell(&format!("{}:{number}: {problem}", path.display()));
    }
    Ok(tally)
}

fn report(tally: &Tally, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let rate = std::time::Duration::from_secs(1).as_secs_f64() / seconds.max(1e-9);
    let events = u32::try_from(tally.events).map_or(f64::INFINITY, f64::from);
    tell(&format!(
        "{} events in {seconds:.1} s, {:.0} a second; {} lines that are no JSON",
        tally.events,
        events * rate,
        tally.not_json
    ));
    for (what, times) in &tally.faults.0 {
        tell(&format!("unavailable: {what}, {times} times"));
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::File(path.to_owned(), error))
}

fn read_file(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::File(path.to_owned(), error))
}

fn background(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["--events", "--out", "--until"], &[])?;
    let (events, out) = (arguments.path("--events")?, arguments.path("--out")?);
    let until = arguments.get("--until").unwrap_or("180");
    let until: u32 = until.parse().map_err(|_| Failure::Usage(format!("--until {until} is no day")))?;
    let (started, mut census, mut end) = (Instant::now(), Census::default(), None);
    let tally = each_event(
        &events,
        |_| (),
        |understood, ()| {
            if let Understood::Observed { seen, .. } = understood {
                let midnight = Timestamp::from_second(seen.at.as_second().div_euclid(86_400) * 86_400);
                if seen.at < *end.get_or_insert(midnight + Span::days(until)) {
                    census.add(&seen);
                }
            }
            Ok(())
        },
    )?;
    let text = serde_json::to_string(&census.finish()).map_err(|error| Failure::Contents(events, error.to_string()))?;
    write_file(&out, &(text + "\n"))?;
    report(&tally, started);
    Ok(())
}

fn evidence(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["--events", "--out", "--background"], &["--sign-ins", "--without-round-trips"])?;
    let (events, out, usual) = (arguments.path("--events")?, arguments.path("--out")?, arguments.path("--background")?);
    let text = read_file(&usual)?;
    let background: Background = serde_json::from_str(&text).map_err(|error| Failure::Contents(usual, error.to_string()))?;
    let usual: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let (sign_ins, without_round_trips) = (arguments.has("--sign-ins"), arguments.has("--without-round-trips"));
    let (started, mut world, mut columns) = (Instant::now(), World::default(), Columns::default());
    let (marking, mut largest) = (Marking::default(), 0);
    let marked = |understood: &Understood<'_>| marking.of(understood);
    let tally = each_event(&events, marked, |understood, marked| {
        if let (Understood::Observed { id, line, mut seen }, Some(marked)) = (understood, marked) {
            if without_round_trips {
                seen.origin.round_trip = Signal::Absent;
            }
            let weighed = world.observe(line, &seen, &marked, &background);
            largest = largest.max(weighed.profile_bytes);
            let wanted = seen.act.is_privileged() || (sign_ins && seen.act == linekeeper_domain::risk::event::Act::SignIn);
            if wanted
                && let Some(id) = id
                && let Signal::Present(evidence) = &weighed.evidence
            {
                columns.push(id, weighed.line, &seen, evidence);
            }
        }
        Ok(())
    })?;
    columns.write(&out, &tally.sha256, &usual).map_err(|error| Failure::File(out, error))?;
    report(&tally, started);
    tell(&format!(
        "{} rows; {} profiles, the largest {largest} bytes; {} counters",
        columns.len(),
        world.profiles().0,
        world.counters()
    ));
    Ok(())
}

/// Reads the model that was named, or else the project's.
fn read_model(named: Option<&str>) -> Result<Model, Failure> {
    let path = PathBuf::from(named.unwrap_or(MODEL));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => return Err(Failure::NoModel(path)),
        Err(error) => return Err(Failure::File(path, error)),
    };
    Model::read(&text).map_err(|error| Failure::Contents(path, error.to_string()))
}

/// One line of the scores file.
#[derive(Debug, Serialize)]
struct Scored {
    id: Option<u64>,
    /// Null where the score is unavailable, as the next two.
    p: Option<f64>,
    /// The sum of the model's terms, in millionths of log-odds.
    score: Option<i64>,
    /// Calibrated and at the real share of attacks, in millionths.
    log_odds: Option<i64>,
    band: Band,
    reasons: Vec<Reason>,
    profile_bytes: usize,
}

impl Scored {
    fn new(id: Option<u64>, score: Option<Score>, profile_bytes: usize) -> Self {
        match score {
            Some(score) => Self {
                id,
                p: Some(score.probability()),
                score: Some(score.raw),
                log_odds: Some(score.log_odds),
                band: score.band,
                reasons: score.reasons.iter().map(|weighted| weighted.reason).collect(),
                profile_bytes,
            },
            None => Self {
                id,
                p: None,
                score: None,
                log_odds: None,
                band: Band::Unavailable,
                reasons: vec![Reason::ScoreUnavailable],
                profile_bytes,
            },
        }
    }
}

fn score(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["--events", "--out", "--model"], &[])?;
    let (events, out) = (arguments.path("--events")?, arguments.path("--out")?);
    let model = read_model(arguments.get("--model"))?;
    let failed = |error| Failure::File(out.clone(), error);
    let mut file = BufWriter::new(File::create(&out).map_err(failed)?);
    let (started, mut world, marking) = (Instant::now(), World::default(), Marking::default());
    let (mut rows, mut unavailable, mut largest) = (0_u64, 0_u64, 0);
    let marked = |understood: &Understood<'_>| marking.of(understood);
    let tally = each_event(&events, marked, |understood, marked: Option<Marked>| {
        let scored = match understood {
            Understood::Observed { id, line, seen } => {
                let Some(marked) = marked else { return Ok(()) };
                let weighed = world.observe(line, &seen, &marked, model.background());
                largest = largest.max(weighed.profile_bytes);
                if !seen.act.is_privileged() {
                    return Ok(());
                }
                let score = weighed.evidence.present().map(|evidence| model.score(seen.channel.door(), evidence));
                Scored::new(id, score, weighed.profile_bytes)
            }
            Understood::Unavailable { id, privileged: true } => Scored::new(id, None, 0),
            Understood::Unavailable { privileged: false, .. } => return Ok(()),
        };
        rows += 1;
        unavailable += u64::from(scored.p.is_none());
        serde_json::to_writer(&mut file, &scored).map_err(|error| failed(error.into()))?;
        file.write_all(b"\n").map_err(failed)
    })?;
    file.flush().map_err(failed)?;
    report(&tally, started);
    tell(&format!(
        "{rows} scores, {unavailable} of them unavailable; {} profiles, the largest {largest} bytes",
        world.profiles().0
    ));
    Ok(())
}

/// A whole number from the arguments.
fn number(arguments: &Arguments, name: &str, otherwise: u64) -> Result<u64, Failure> {
    let Some(text) = arguments.get(name) else { return Ok(otherwise) };
    text.replace('_', "").parse().map_err(|_| Failure::Usage(format!("{name} {text} is no number")))
}

/// A day counted from the midnight before the first event.
fn day(arguments: &Arguments, name: &str, otherwise: u64) -> Result<Span, Failure> {
    let days = number(arguments, name, otherwise)?;
    u32::try_from(days).map(Span::days).map_err(|_| Failure::Usage(format!("{name} {days} is no day")))
}

fn drift(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["--events", "--out", "--from", "--split", "--model", "--shadow"], &[])?;
    let (events, out) = (arguments.path("--events")?, arguments.path("--out")?);
    let (from, split) = (day(&arguments, "--from", 30)?, day(&arguments, "--split", 220)?);
    let model = read_model(arguments.get("--model"))?;
    let shadow = arguments.get("--shadow").map(|named| read_model(Some(named))).transpose()?;
    let (started, mut world, mut first, marking) = (Instant::now(), World::default(), None, Marking::default());
    let mut page = Page::new(&model, shadow.as_ref());
    let marked = |understood: &Understood<'_>| marking.of(understood);
    let tally = each_event(&events, marked, |understood, marked| {
        if let (Understood::Observed { line, seen, .. }, Some(marked)) = (understood, marked) {
            let midnight = *first.get_or_insert(Timestamp::from_second(seen.at.as_second().div_euclid(86_400) * 86_400));
            let weighed = world.observe(line, &seen, &marked, model.background());
            if seen.act.is_privileged() && seen.at >= midnight + from {
                let side = if seen.at < midnight + split { Side::Before } else { Side::After };
                page.count(side, seen.channel.door(), weighed.evidence.present());
            }
        }
        Ok(())
    })?;
    let days = [from, split].map(|span| span.as_seconds() / 86_400);
    write_file(&out, &page.markdown(&events.display().to_string(), days))?;
    report(&tally, started);
    Ok(())
}

fn bins(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["--events", "--out", "--from", "--model"], &[])?;
    let (events, out) = (arguments.path("--events")?, arguments.path("--out")?);
    let (from, model) = (day(&arguments, "--from", 30)?, read_model(arguments.get("--model"))?);
    let (started, mut world, mut first, marking) = (Instant::now(), World::default(), None, Marking::default());
    let mut spread = bins::Spread::default();
    let marked = |understood: &Understood<'_>| marking.of(understood);
    let tally = each_event(&events, marked, |understood, marked| {
        if let (Understood::Observed { line, seen, .. }, Some(marked)) = (understood, marked) {
            let midnight = *first.get_or_insert(Timestamp::from_second(seen.at.as_second().div_euclid(86_400) * 86_400));
            let weighed = world.observe(line, &seen, &marked, model.background());
            if seen.act.is_privileged() && seen.at >= midnight + from {
                let score = weighed.evidence.present().map(|evidence| model.score(seen.channel.door(), evidence));
                spread.count(seen.channel.door(), score.map(|score| score.probability_ppm()));
            }
        }
        Ok(())
    })?;
    write_file(&out, &spread.markdown(&events.display().to_string(), model.version()))?;
    report(&tally, started);
    Ok(())
}

fn labels(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["--ledger", "--out", "--now", "--quiet"], &[])?;
    let (ledger, out) = (arguments.path("--ledger")?, arguments.path("--out")?);
    let quiet = day(&arguments, "--quiet", 30)?;
    let now = match arguments.get("--now") {
        Some(text) => Timestamp::parse(text).ok_or_else(|| Failure::Usage(format!("--now {text} is not RFC 3339")))?,
        None => {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_second(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
        }
    };
    let file = File::open(&ledger).map_err(|error| Failure::File(ledger.clone(), error))?;
    let read = labels::read(BufReader::with_capacity(1 << 20, file), quiet, now);
    let (told, read) = read.map_err(|error| Failure::File(ledger, error))?;
    let failed = |error| Failure::File(out.clone(), error);
    labels::write(&told, BufWriter::new(File::create(&out).map_err(failed)?)).map_err(failed)?;
    tell(&labels::summary(&told, &read));
    Ok(())
}

/// The model that was named, or the project's where there is one.
fn maybe_model(named: Option<&str>) -> Result<Option<Model>, Failure> {
    match read_model(named) {
        Ok(model) => Ok(Some(model)),
        Err(Failure::NoModel(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn laws(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["--cases", "--seed", "--model"], &[])?;
    let (cases, seed) = (number(&arguments, "--cases", 1_000_000)?, number(&arguments, "--seed", 1)?);
    let model = maybe_model(arguments.get("--model"))?;
    let started = Instant::now();
    let bar = |done: u64| {
        let filled = usize::try_from(done * 30 / cases.max(1)).unwrap_or(0);
        let seconds = started.elapsed().as_secs();
        let _ = write!(
            io::stderr(),
            "\r[{:.<30}] {:2}:{:02} {done} of {cases} cases",
            "#".repeat(filled),
            seconds / 60,
            seconds % 60
        );
    };
    let results = laws::run(seed, cases, model.as_ref(), &bar)
        .map_err(|error| Failure::Contents(PathBuf::from("a random model"), error.to_string()))?;
    let by = model.as_ref().map_or("no committed model".to_owned(), |model| format!("the model {}", model.version()));
    let mut table = format!("\n{cases} cases, seed {seed}, two random models each and {by}\n");
    table += &format!("{:<54}{:>10}{:>9}{:>12}{:>9}\n", "", "cases", "broken", "Freeman's", "broken");
    for (name, tried) in &results.ours {
        let theirs = results.freeman.get(name);
        table += &format!("{name:<54}{:>10}{:>9}", tried.cases, tried.broken);
        if let Some(theirs) = theirs {
            table += &format!("{:>12}{:>9}", theirs.cases, theirs.broken);
        }
        table += "\n";
    }
    for (whose, results) in [("", &results.ours), ("Freeman's: ", &results.freeman)] {
        for (name, first) in results.iter().filter_map(|(name, tried)| Some((name, tried.first.as_ref()?))) {
            table += &format!("{whose}{name}: {first}\n");
        }
    }
    tell(&table);
    if results.hold() { Ok(()) } else { Err(Failure::Broken) }
}

/// Each part is timed so often.
const TIMES: usize = 200_000;
/// Under valgrind, which is fifty times slower.
const COUNTED: usize = 2_000;

/// Times the parts of a score. With `--part` and `--times` it only does that part so often: what is run under
/// valgrind, once with 0 times, so that the difference is the part's own.
fn bench(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    let arguments = Arguments::parse(words, &["--model", "--part", "--times"], &[])?;
    let model = maybe_model(arguments.get("--model"))?;
    let broken = |error: String| Failure::Contents(PathBuf::from(MODEL), error);
    let by = model.as_ref().map_or("a random model".to_owned(), |model| format!("the model {}", model.version()));
    let stage = Stage::new(model).map_err(|error| broken(error.to_string()))?;
    let run = |part, number| stage.run(part, number).map_err(|error| broken(error.to_string()));
    if let Some(word) = arguments.get("--part") {
        let part = Part::ALL.into_iter().find(|part| part.word() == word);
        let part = part.ok_or_else(|| Failure::Usage(format!("--part {word}?")))?;
        return (0..number(&arguments, "--times", 0)?).try_for_each(|n| run(part, usize::try_from(n).unwrap_or(0)));
    }
    tell(&format!("by {by}, {TIMES} calls each, in nanoseconds\n\n| part | median | p99 | p99.9 | instructions |"));
    tell("|---|---|---|---|---|");
    for part in Part::ALL {
        let mut times = Vec::with_capacity(TIMES);
        for number in 0..TIMES {
            let started = Instant::now();
            run(part, number)?;
            times.push(started.elapsed().as_nanos());
        }
        times.sort_unstable();
        let at = |thousandths: usize| times.get(TIMES * thousandths / 1_000).copied().unwrap_or(0);
        let instructions = instructions(part, arguments.get("--model"));
        let counted = instructions.map_or("no valgrind".to_owned(), |count| count.to_string());
        tell(&format!("| {} | {} | {} | {} | {counted} |", part.word(), at(500), at(990), at(999)));
    }
    Ok(())
}

/// Instructions of one call of a part, by callgrind; nothing where that cannot be run.
fn instructions(part: Part, model: Option<&str>) -> Option<u64> {
    let count = |times: usize| -> Option<u64> {
        let mut valgrind = std::process::Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(std::env::current_exe().ok()?);
        valgrind.args(["bench", "--part", part.word(), "--times", &times.to_string()]);
        if let Some(model) = model {
            valgrind.args(["--model", model]);
        }
        let told = valgrind.output().ok()?;
        let told = String::from_utf8_lossy(&told.stderr);
        told.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
    };
    let (with, without) = (count(COUNTED)?, count(0)?);
    Some(with.saturating_sub(without) / u64::try_from(COUNTED).ok()?)
}
