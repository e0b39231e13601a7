//! A file of events, in order: read and understood by as many threads as there are, a batch each, and handed over by
//! one at a time.
//!
//! A thread takes the next batch from the file, understands it while others are at theirs, then waits for its turn to
//! hand it over. The turn is a message from the batch before: so the order is the file's however many threads there are,
//! and where one stops, those after it hear that no turn will come.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::parse::{self, Faults, Understood};

/// Bytes of a batch, more or less: some hundred events.
const BATCH: u64 = 1 << 18;

/// What a pass over a file met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines that are JSON objects.
    pub events: u64,
    /// Lines that are not, and neither empty.
    pub not_json: u64,
    /// The first of those: their numbers, and what is wrong with them.
    pub first: Vec<(u64, String)>,
    /// What could not be understood.
    pub faults: Faults,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Why a pass ended early.
#[derive(Debug)]
pub enum Stop<E> {
    /// The file cannot be read.
    File(io::Error),
    /// By what was done with an event.
    Done(E),
}

/// What goes from batch to batch.
struct Turn<F> {
    tally: Tally,
    line: u64,
    f: F,
}

struct Batch<F> {
    bytes: Vec<u8>,
    turn: Receiver<Turn<F>>,
    next: SyncSender<Turn<F>>,
}

/// The file, and the turn of whoever reads from it next.
struct Source<R, F> {
    file: BufReader<R>,
    sha: Sha256,
    turn: Receiver<Turn<F>>,
}

impl<R: Read, F> Source<R, F> {
    /// The next lines, all of them whole; nothing at the end.
    fn batch(&mut self) -> io::Result<Option<Batch<F>>> {
        let mut bytes = Vec::new();
        self.file.by_ref().take(BATCH).read_to_end(&mut bytes)?;
        if bytes.last().is_some_and(|&byte| byte != b'\n') {
            self.file.read_until(b'\n', &mut bytes)?;
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        self.sha.update(&bytes);
        let (next, turn) = sync_channel(1);
        Ok(Some(Batch { bytes, turn: std::mem::replace(&mut self.turn, turn), next }))
    }
}

/// Hands every event of a file to `f`, in order, with what `prepare` made of it: `prepare` runs on several threads,
/// `f` on one at a time. Whatever is in the file, it is read to the end, unless `f` fails.
///
/// # Errors
///
/// Where the file cannot be read, or the first error of `f`.
pub fn each<R, P, E, F>(file: R, prepare: impl Fn(&Understood<'_>) -> P + Sync, f: F) -> Result<Tally, Stop<E>>
where
    R: Read + Send,
    P: Send,
    E: Send,
    F: FnMut(Understood<'_>, P) -> Result<(), E> + Send,
{
    let (first, turn) = sync_channel(1);
    // There is room for one, and the receiver is there.
    let _ = first.send(Turn { tally: Tally::default(), line: 0, f });
    let source = Mutex::new(Source { file: BufReader::with_capacity(1 << 16, file), sha: Sha256::new(), turn });
    let work = || {
        loop {
            let batch = source.lock().unwrap_or_else(PoisonError::into_inner).batch();
            match batch.map_err(Stop::File)? {
                Some(batch) => hand_over(&batch, &prepare)?,
                None => return Ok(()),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            // It has told why on stderr already.
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let Source { sha, turn, .. } = source.into_inner().unwrap_or_else(PoisonError::into_inner);
    let tally = turn.recv().map(|turn| turn.tally).unwrap_or_default();
    Ok(Tally { sha256: sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), ..tally })
}

fn hand_over<P, E, F>(batch: &Batch<F>, prepare: impl Fn(&Understood<'_>) -> P) -> Result<(), Stop<E>>
where
    F: FnMut(Understood<'_>, P) -> Result<(), E>,
{
    let text = String::from_utf8_lossy(&batch.bytes);
    let lines: Vec<_> = text.lines().map(|line| (!line.trim().is_empty()).then(|| parse::event(line))).collect();
    let mut faults = Faults::default();
    let understood = lines.iter().map(|line| {
        line.as_ref().map(|event| {
            event.as_ref().map(|event| {
                let event = event.understand(&mut faults);
                let prepared = prepare(&event);
                (event, prepared)
            })
        })
    });
    let understood: Vec<_> = understood.collect();
    // Nothing comes where a batch before this one was the last.
    let Ok(mut turn) = batch.turn.recv() else { return Ok(()) };
    for line in understood {
        turn.line += 1;
        match line {
            None => {}
            Some(Ok((event, prepared))) => {
                turn.tally.events += 1;
                (turn.f)(event, prepared).map_err(Stop::Done)?;
            }
            Some(Err(problem)) => {
                turn.tally.not_json += 1;
                if turn.tally.first.len() < 10 {
                    turn.tally.first.push((turn.line, problem.clone()));
                }
            }
        }
    }
    turn.tally.faults.add(&faults);
    // Nobody waits for it only where all others have stopped.
    let _ = batch.next.send(turn);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// Some thousand lines: many batches.
    fn file(lines: u64) -> String {
        let mut text = String::new();
        for id in 0..lines {
            let line = format!(r#"{{"id":{id},"ts":1767225600,"line":"L{}","ch":"web","act":"view","lat":99}}"#, id % 7);
            writeln!(text, "{}", if id % 1_000 == 999 { "no JSON" } else { &line }).unwrap();
        }
        text
    }

    fn id(event: &Understood<'_>) -> u64 {
        match event {
            Understood::Observed { id, .. } | Understood::Unavailable { id, .. } => id.unwrap(),
        }
    }

    #[test]
    fn events_come_in_the_order_of_the_file() {
        let (text, mut seen) = (file(20_000), Vec::new());
        let tally = each(text.as_bytes(), id, |event, prepared| {
            seen.push((id(&event), prepared));
            Ok::<(), ()>(())
        });
        let tally = tally.unwrap();
        let expected: Vec<_> = (0..20_000).filter(|id| id % 1_000 != 999).map(|id| (id, id)).collect();
        assert_eq!(seen, expected);
        assert_eq!((tally.events, tally.not_json, tally.first[0].0, tally.first.len()), (19_980, 20, 1_000, 10));
        assert_eq!(tally.faults.0.values().sum::<u64>(), 19_980, "{:?}", tally.faults);
        let sha: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(tally.sha256, sha);
    }

    #[test]
    fn the_first_failure_ends_it() {
        let mut seen = 0;
        let stopped = each(
            file(20_000).as_bytes(),
            |_| (),
            |event, ()| {
                seen += 1;
                if id(&event) == 4_321 { Err("enough") } else { Ok(()) }
            },
        );
        assert!(matches!(stopped, Err(Stop::Done("enough"))), "{stopped:?}");
        assert_eq!(seen, 4_322 - 4);
    }

    #[test]
    fn whatever_is_in_the_file_it_is_read_to_the_end() {
        for bytes in [&b""[..], b"\n\n  \n", b"\xff\xfe\n{}", b"{\"id\":1}\r\n[1]\n\"x\"\n", &[b'x'; 600_000]] {
            each(bytes, |_| (), |_, ()| Ok::<(), ()>(())).unwrap();
        }
    }
}
