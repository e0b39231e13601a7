//! The pinned Python tools, in a virtual environment of their own under `.local/venv`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::terminal::Progress;
use crate::workspace::Workspace;

/// What every command needs: the local cloud, the AWS command line and the template's linter.
const TOOLS: &str = include_str!("../tools.txt");

/// What `watch` needs besides, and `package --arm64`. Its wheel asks for zig (half a gigabyte), which only cross-compiling uses:
/// installed without its dependencies.
const CARGO_LAMBDA: &str = "cargo-lambda==1.9.2";

/// The linker that cargo-lambda links arm64 with.
const ZIG: &str = "ziglang==0.17.1";

/// The oldest Python that the tools run on.
const PYTHON: (u32, u32) = (3, 11);

/// The installed tools.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    bin: PathBuf,
}

impl Tools {
    /// Installs what is missing; instant when nothing is.
    pub(crate) fn install(workspace: &Workspace) -> Result<Self> {
        let venv = workspace.state("venv");
        let tools = Self { bin: venv.join("bin") };
        let stamp = venv.join("linekeeper-tools.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == TOOLS) && tools.path("ministack").exists() {
            return Ok(tools);
        }

        let python = find_python()?;
        let progress = Progress::start("Installing the local cloud and the AWS command line (.local/venv)");
        let log = workspace.log("tools");
        if venv.exists() {
            fs::remove_dir_all(&venv).with_context(|| format!("cannot replace {}", venv.display()))?;
        }
        process::run(&progress, Command::new(python).args(["-m", "venv"]).arg(&venv), &log, |_| ()).context(
            "python3 cannot make a virtual environment.\n\
             On Debian and Ubuntu: sudo apt-get install python3-venv. On Fedora: sudo dnf install python3.",
        )?;
        let requirements = workspace.root().join("infra/local/tools.txt");
        let mut pip = tools.pip();
        pip.arg("--requirement").arg(requirements);
        process::run(&progress, &mut pip, &log, |_| ()).context(
            "pip could not install the tools. Is PyPI reachable (or PIP_INDEX_URL set)? Run the command again to retry.",
        )?;
        fs::write(stamp, TOOLS)?;
        progress.done("");
        Ok(tools)
    }

    /// Adds cargo-lambda, which only `watch` needs.
    pub(crate) fn with_cargo_lambda(self, workspace: &Workspace) -> Result<Self> {
        if !self.path("cargo-lambda").exists() {
            let progress = Progress::start("Installing cargo-lambda");
            let mut pip = self.pip();
            pip.args(["--no-deps", CARGO_LAMBDA]);
            process::run(&progress, &mut pip, &workspace.log("cargo-lambda"), |_| ())
                .context("pip could not install cargo-lambda")?;
            progress.done("");
        }
        Ok(self)
    }

    /// Adds cargo-lambda and zig, which only building for another architecture needs.
    pub(crate) fn with_cross_linker(self, workspace: &Workspace) -> Result<Self> {
        let tools = self.with_cargo_lambda(workspace)?;
        let has_zig = || Command::new(tools.path("python")).args(["-c", "import ziglang"]).stderr(Stdio::null()).status();
        if !has_zig().is_ok_and(|status| status.success()) {
            let progress = Progress::start("Installing zig, the linker for arm64 (half a gigabyte)");
            let mut pip = tools.pip();
            pip.arg(ZIG);
            process::run(&progress, &mut pip, &workspace.log("zig"), |_| ()).context("pip could not install zig")?;
            progress.done("");
        }
        Ok(tools)
    }

    /// The path of one tool.
    pub(crate) fn path(&self, tool: &str) -> PathBuf {
        self.bin.join(tool)
    }

    /// The folder to put in front of PATH.
    pub(crate) fn bin(&self) -> &Path {
        &self.bin
    }

    fn pip(&self) -> Command {
        let mut pip = Command::new(self.path("python"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]);
        pip
    }
}

/// A Python new enough, or an error that says how to get one.
fn find_python() -> Result<&'static str> {
    let (major, minor) = PYTHON;
    let check = format!("import sys; sys.exit(sys.version_info < ({major}, {minor}))");
    for python in ["python3", "python"] {
        let status = Command::new(python).args(["-c", &check]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if status.is_ok_and(|status| status.success()) {
            return Ok(python);
        }
    }
    bail!(
        "Python {major}.{minor} or newer is missing: the local cloud is written in it.\n\
         Debian and Ubuntu: sudo apt-get install python3 python3-venv. Fedora: sudo dnf install python3. macOS: brew install python."
    )
}

/// Fails with what to do when there is no C compiler: linking needs one.
pub(crate) fn need_c_compiler() -> Result<()> {
    let found = ["cc", "gcc", "clang"].iter().any(|compiler| {
        Command::new(compiler)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    if found {
        return Ok(());
    }
    bail!(
        "a C compiler is missing: Rust links with it.\n\
         Debian and Ubuntu: sudo apt-get install build-essential. Fedora: sudo dnf install gcc. macOS: xcode-select --install."
    )
}
