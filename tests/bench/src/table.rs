//! The table.

use std::fmt::Write as _;
use std::time::Duration;

use crate::Plan;
use crate::rounds::{Measured, Operation};

/// What the others are compared with.
const MINIMAL: &str = "minimal";
/// The two operations that there are in Node.js too.
const IN_NODE: [(&str, &str); 2] = [("otp-issue", "node-issue"), ("otp-verify", "node-verify")];

/// The whole table, in Markdown.
pub(crate) fn render(plan: &Plan, measured: &Measured) -> String {
    let mut table = String::new();
    // Writing to a String cannot fail.
    let _ = cold(&mut table, plan, measured);
    let _ = warm(&mut table, measured);
    let _ = binaries(&mut table, plan);
    table
}

/// Cold starts: a process for each operation.
fn cold(table: &mut String, plan: &Plan, measured: &Measured) -> std::fmt::Result {
    writeln!(table, "### Cold start: from the start of the process, medians of {} in ms\n", plan.rounds)?;
    writeln!(table, "Own is the first answer without what its calls of the cloud take when they are made by a plain client.\n")?;
    writeln!(table, "| | operation | asks for work | first answer | own | own, × minimal | memory, MB |")?;
    writeln!(table, "|---|---|--:|--:|--:|--:|--:|")?;
    let least = measured.operations.iter().find(|((function, _), _)| function == MINIMAL).map(|(_, it)| own(it));
    for ((function, name), operation) in &measured.operations {
        let ratio = least.map_or(0.0, |least| own(operation) / least);
        writeln!(
            table,
            "| `{function}` | {name} | {:.1} | {:.1} | {:.1} | {ratio:.2} | {:.1} |",
            median(&operation.ready),
            median(&operation.first),
            own(operation),
            megabytes(middle(&operation.peak).unwrap_or_default()),
        )?;
    }
    writeln!(table)?;
    for (ours, theirs) in IN_NODE {
        let find = |function: &str, name: &str| {
            measured.operations.iter().find(|((f, n), _)| f == function && (name.is_empty() || *n == name)).map(|(_, it)| it)
        };
        let Some(node) = find(theirs, "") else { continue };
        let name = if ours == "otp-issue" { "challenge" } else { "right answer" };
        if let Some(ours_measured) = find(ours, name) {
            writeln!(
                table,
                "Node.js, `{ours}`: first answer after {:.1} times as long, {:.1} times the memory; warm {:.1} times as long.",
                median(&node.first) / median(&ours_measured.first),
                megabytes(middle(&node.peak).unwrap_or_default()) / megabytes(middle(&ours_measured.peak).unwrap_or(1)),
                median(&node.warm) / median(&ours_measured.warm),
            )?;
        }
    }
    writeln!(table)
}

/// Warm operations beside the bare sum of their calls.
fn warm(table: &mut String, measured: &Measured) -> std::fmt::Result {
    writeln!(table, "### Warm: medians in ms\n")?;
    writeln!(table, "| | operation | calls | took | bare sum | over it | over it, % | most memory, MB |")?;
    writeln!(table, "|---|---|--:|--:|--:|--:|--:|--:|")?;
    for ((function, name), operation) in &measured.operations {
        let (took, bare) = (median(&operation.warm), median(&operation.bare));
        let share = if bare > 0.0 { 100.0 * (took - bare) / bare } else { 0.0 };
        writeln!(
            table,
            "| `{function}` | {name} | {} | {took:.2} | {bare:.2} | {:.2} | {share:.0} | {:.1} |",
            middle(&operation.calls).unwrap_or_default(),
            took - bare,
            megabytes(measured.peaks.get(function).copied().unwrap_or_default()),
        )?;
    }
    writeln!(table)
}

/// Sizes of what is deployed.
fn binaries(table: &mut String, plan: &Plan) -> std::fmt::Result {
    writeln!(table, "### Binaries\n")?;
    writeln!(table, "| | MB |")?;
    writeln!(table, "|---|--:|")?;
    let node = plan.node.iter().flat_map(|node| [("node-issue", &node.issue), ("node-verify", &node.verify)]);
    let functions = plan.functions.iter().map(|(name, deployed)| (name.as_str(), &deployed.binary));
    for (name, path) in functions.chain([(MINIMAL, &plan.minimal.binary)]).chain(node) {
        let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
        writeln!(table, "| `{name}` | {:.2} |", megabytes(bytes))?;
    }
    writeln!(table)
}

/// The first answer without the bare sum of its calls, in ms.
fn own(operation: &Operation) -> f64 {
    median(&operation.first) - median(&operation.bare)
}

/// In ms; 0 where nothing was measured.
fn median(times: &[Duration]) -> f64 {
    middle(times).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

fn middle<T: Copy + Ord>(values: &[T]) -> Option<T> {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
