//! Evidence on disk, column by column: Python reads it with numpy and nothing else.
//!
//! `evidence.json` names the columns; `columns.f32` holds them one after the other, little-endian, NaN for
//! missing; `ids.u64`, `line.u64`, `ts.i64`, `channel.u8` and `act.u8` tell the rows apart.

use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use linekeeper_domain::risk::event::{Act, Door, Observation};
use linekeeper_domain::risk::evidence::{DIRECTIONS, Direction, Evidence, NAMES, REASONS};
use serde_json::json;

/// Rows in memory.
#[derive(Debug, Default)]
pub struct Columns {
    rows: Vec<[f32; NAMES.len()]>,
    ids: Vec<u64>,
    lines: Vec<u64>,
    times: Vec<i64>,
    doors: Vec<u8>,
    acts: Vec<u8>,
}

fn place<T: PartialEq>(all: &[T], member: &T) -> u8 {
    all.iter().position(|m| m == member).and_then(|i| u8::try_from(i).ok()).unwrap_or(u8::MAX)
}

impl Columns {
    /// One row.
    pub fn push(&mut self, id: u64, line: u64, seen: &Observation<'_>, evidence: &Evidence) {
        self.rows.push(evidence.values());
        self.ids.push(id);
        self.lines.push(line);
        self.times.push(seen.at.as_second());
        self.doors.push(place(Door::ALL, &seen.channel.door()));
        self.acts.push(place(Act::ALL, &seen.act));
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes all files into a directory.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written.
    pub fn write(&self, directory: &Path, source: &str, background: &str) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let mut columns = BufWriter::new(fs::File::create(directory.join("columns.f32"))?);
        for column in 0..NAMES.len() {
            for row in &self.rows {
                columns.write_all(&row.get(column).copied().unwrap_or(f32::NAN).to_le_bytes())?;
            }
        }
        columns.flush()?;
        fs::write(directory.join("ids.u64"), self.ids.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>())?;
        fs::write(directory.join("line.u64"), self.lines.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>())?;
        fs::write(directory.join("ts.i64"), self.times.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>())?;
        fs::write(directory.join("channel.u8"), &self.doors)?;
        fs::write(directory.join("act.u8"), &self.acts)?;
        let directions = DIRECTIONS.iter().map(|direction| match direction {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Free => "free",
        });
        let about = json!({
            "rows": self.rows.len(),
            "columns": NAMES,
            "directions": directions.collect::<Vec<_>>(),
            "reasons": REASONS.iter().map(|reason| reason.word()).collect::<Vec<_>>(),
            "channels": Door::ALL.iter().map(|door| door.word()).collect::<Vec<_>>(),
            "acts": Act::ALL.iter().map(|act| act.word()).collect::<Vec<_>>(),
            "events_sha256": source,
            "background_sha256": background,
        });
        fs::write(directory.join("evidence.json"), format!("{about:#}\n"))
    }
}
