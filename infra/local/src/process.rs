//! Child processes, each the head of its own process group, so that stopping one stops all it started.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use crate::terminal::{Progress, locked};

/// The groups that live now: what Ctrl-C must stop.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How long a group may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(4);

/// Stops every group on Ctrl-C, on SIGTERM and on a closed terminal, and ends the program.
pub(crate) fn stop_all_on_interrupt(and_then: impl Fn() + Send + 'static) -> Result<()> {
    ctrlc::set_handler(move || {
        INTERRUPTED.store(true, Ordering::SeqCst);
        let groups = locked(&GROUPS).clone();
        for group in &groups {
            signal(*group, Signal::SIGTERM);
        }
        for group in groups {
            stop_group(group);
        }
        and_then();
        eprintln!("\nStopped.");
        std::process::exit(130);
    })
    .context("cannot listen for Ctrl-C")
}

/// After an interrupt everything fails, because everything is being stopped. Nobody needs to hear of that:
/// this waits for the end of the program instead.
pub(crate) fn end_quietly_if_interrupted() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// A running child and all that it starts; dropped, they are stopped.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    id: i32,
}

impl Group {
    /// Starts `command` at the head of a new process group.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        // Held while the child is born: an interrupt in between would not know of it.
        let mut groups = locked(&GROUPS);
        let child = command.process_group(0).spawn().with_context(|| format!("cannot start {program}"))?;
        let id = i32::try_from(child.id()).context("a process id beyond i32")?;
        groups.insert(id);
        Ok(Self { child, id })
    }

    /// The group's id, which is its first process's.
    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    /// The exit code text of the first process, when it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<String>> {
        Ok(self.child.try_wait()?.map(|status| status.to_string()))
    }

    /// Waits until the first process ends; true when it succeeded.
    pub(crate) fn wait(&mut self) -> Result<bool> {
        Ok(self.child.wait()?.success())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if signal(self.id, Signal::SIGTERM) {
            let until = Instant::now() + GRACE;
            while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
                thread::sleep(Duration::from_millis(20));
            }
            // The head is gone; whatever it left behind in its group goes now.
            signal(self.id, Signal::SIGKILL);
        }
        let _ = self.child.wait();
        locked(&GROUPS).remove(&self.id);
    }
}

/// Asks a group to end, and after a while makes it.
pub(crate) fn stop_group(id: i32) {
    let until = Instant::now() + GRACE;
    let mut alive = signal(id, Signal::SIGTERM);
    while alive && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
        alive = group_is_alive(id);
    }
    signal(id, Signal::SIGKILL);
}

/// Whether any process of that group is left.
pub(crate) fn group_is_alive(id: i32) -> bool {
    killpg(Pid::from_raw(id), None).is_ok()
}

/// Whether that one process lives.
pub(crate) fn is_alive(process: i32) -> bool {
    kill(Pid::from_raw(process), None).is_ok()
}

/// Asks one process to end, and waits a while for it; true when it has.
pub(crate) fn ask_to_end(process: i32) -> bool {
    let until = Instant::now() + GRACE * 2;
    let mut alive = kill(Pid::from_raw(process), Signal::SIGTERM).is_ok();
    while alive && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
        alive = is_alive(process);
    }
    !alive
}

/// Sends a signal to a whole group; false when nobody is left in it.
fn signal(id: i32, signal: Signal) -> bool {
    killpg(Pid::from_raw(id), signal) != Err(Errno::ESRCH)
}

/// Runs `command` to its end with its output in `log` and its last line behind the progress title.
/// Every line also goes to `each`. Fails with the end of the output when the command fails.
pub(crate) fn run(progress: &Progress, command: &mut Command, log: &Path, mut each: impl FnMut(&str)) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let (reader, writer) = std::io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut group = Group::start(command)?;
    // The command still holds the pipe's writing ends: without this the reading would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut tail = std::collections::VecDeque::with_capacity(TAIL);
    for line in BufReader::new(reader).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        each(line);
        if line.starts_with(MACHINE_READABLE) {
            continue;
        }
        writeln!(file, "{line}")?;
        progress.detail(line.trim_start());
        if tail.len() == TAIL {
            tail.pop_front();
        }
        tail.push_back(line.to_owned());
    }
    if group.wait()? {
        return Ok(());
    }
    bail!("{program} failed. The end of its output ({}):\n\n{}", log.display(), Vec::from(tail).join("\n"))
}

const TAIL: usize = 200;

/// What cargo says to programs, not to people.
const MACHINE_READABLE: &str = "{\"reason\":";

/// A `cargo` command in the workspace, free of what `cargo run` left in the environment: some build
/// scripts look at it and would build everything anew.
pub(crate) fn cargo(root: &Path) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let of_this_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        if of_this_package.iter().any(|prefix| text.starts_with(prefix)) || text == "OUT_DIR" {
            command.env_remove(&name);
        }
    }
    command.current_dir(root);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_group_takes_its_grandchildren_with_it() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & sleep 60"]);
        let group = Group::start(&mut command).unwrap();
        let id = group.id();
        assert!(group_is_alive(id));
        drop(group);
        let until = Instant::now() + Duration::from_secs(2);
        // The orphan is reaped by init, a moment later.
        while group_is_alive(id) && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        assert!(!group_is_alive(id));
    }

    #[test]
    fn a_failed_command_says_what_it_printed() {
        let log = std::env::temp_dir().join(format!("linekeeper-local-{}.log", std::process::id()));
        let progress = Progress::start("a command that fails");
        let mut command = Command::new("sh");
        command.args(["-c", "echo reason; exit 3"]);
        let error = run(&progress, &mut command, &log, |_| ()).unwrap_err();
        assert!(error.to_string().contains("reason"));
        std::fs::remove_file(log).unwrap();
    }
}
