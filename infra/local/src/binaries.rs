//! The functions' release binaries, where the template expects them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process;
use crate::terminal::Progress;
use crate::tools;
use crate::workspace::Workspace;

/// Every function of the template; the folder, the package, the binary and the role all carry the name.
pub(crate) const FUNCTIONS: [&str; 9] = [
    "care-desk",
    "request-intake",
    "risk-scoring",
    "otp-issue",
    "otp-verify",
    "change-notify",
    "provisioning-feed",
    "port-feed",
    "deadline-sweep",
];

/// Builds all functions for this machine and lays them out as `target/lambda/<name>/bootstrap`.
///
/// Plain cargo: the local cloud runs them on this very machine, so nothing is cross-compiled.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    tools::need_c_compiler()?;
    let progress = Progress::start("Building the functions (profile demo)");
    let built = cargo_build(workspace, &progress, "demo", &FUNCTIONS).context("the functions do not build")?;

    let mut bytes = 0;
    for function in FUNCTIONS {
        let from = built.get(function).with_context(|| format!("cargo built no binary named {function}"))?;
        let to = workspace.bootstrap(function);
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        // A running copy may not be written over, but may be replaced.
        let fresh = to.with_extension("new");
        bytes += fs::copy(from, &fresh).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
        fs::rename(&fresh, &to)?;
    }
    progress.done(&format!("{} binaries, {} MB", FUNCTIONS.len(), bytes / 1_000_000));
    Ok(())
}

/// Builds the binaries of some packages in one profile, and says where each is.
pub(crate) fn cargo_build(
    workspace: &Workspace,
    progress: &Progress,
    profile: &str,
    packages: &[&str],
) -> Result<BTreeMap<String, PathBuf>> {
    let mut cargo = process::cargo(workspace.root());
    cargo.args(["build", "--bins", "--profile", profile, "--message-format", "json-render-diagnostics"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    let mut built = BTreeMap::new();
    process::run(progress, &mut cargo, &workspace.log("build"), |line| built.extend(executable(line)))?;
    Ok(built)
}

/// The name and path in a line of cargo's, when it announces an executable.
pub(crate) fn executable(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message.get("reason")? != "compiler-artifact" {
        return None;
    }
    let name = message.pointer("/target/name")?.as_str()?;
    let path = message.get("executable")?.as_str()?;
    Some((name.to_owned(), path.into()))
}

#[cfg(test)]
mod tests {
    use super::executable;

    #[test]
    fn only_executables_count() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"otp-issue"},"executable":"/t/demo/otp-issue"}"#;
        assert_eq!(executable(line), Some(("otp-issue".into(), "/t/demo/otp-issue".into())));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}"#), None);
        assert_eq!(executable("   Compiling serde v1.0.0"), None);
    }
}
