//! The sample client in a real browser: `browser/test.py` drives a headless Chromium on the deployed stack.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::Result;

use crate::carrier::open_account_told_by_sms;
use crate::edge::Edge;
use crate::process;
use crate::scene::{Claim, Scene, Show};
use crate::stack::Stack;
use crate::terminal::Progress;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// Names that a Chromium goes by.
const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// A Chromium in PATH.
pub(crate) fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|program| program.is_file())
}

/// Plays its story on the stack behind `edge`, whose sample client it uses.
pub(crate) fn run(workspace: &Workspace, stack: &Arc<Stack>, edge: Edge) -> Result<Vec<Claim>> {
    let Some(chromium) = find() else {
        println!(
            "\n  SKIPPED: the sample client in a browser, for there is no Chromium in PATH. \
             Debian and Ubuntu: sudo apt-get install chromium"
        );
        return Ok(Vec::new());
    };
    let progress = Progress::start("Opening an account for the browser");
    let lucia = open_account_told_by_sms(stack, "Lucia")?;
    progress.done("");
    let base = edge.base().to_owned();
    edge.serve(workspace, stack, std::slice::from_ref(&lucia));

    let mut scene = Scene::open("The sample client in a browser", "", Show::Claims);
    let ended = play(workspace, stack, &chromium, &base, lucia.name, &mut scene);
    Ok(scene.close(ended))
}

fn play(workspace: &Workspace, stack: &Stack, chromium: &Path, base: &str, name: &str, scene: &mut Scene) -> Result<()> {
    let tools = Tools::install(workspace)?;
    let mut command = Command::new(tools.path("python"));
    command.arg(workspace.root().join("infra/local/browser/test.py")).arg("--chromium").arg(chromium);
    command.args(["--base", base, "--aws", stack.aws.endpoint(), "--table", stack.output("StateTable")?, "--name", name]);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let progress = Progress::start("Chromium, headless, with a virtual authenticator");
    let mut claims: Vec<(String, bool)> = Vec::new();
    let ran = process::run(&progress, &mut command, &workspace.log("browser"), |line| claims.extend(claim(line)));
    // What it says of the claims comes below.
    progress.done("");
    let broken = claims.iter().any(|(_, held)| !held);
    for (words, held) in &claims {
        scene.claim(words, *held);
    }
    // It fails when a claim does not hold, which is counted already.
    if broken { Ok(()) } else { ran }
}

/// A line of the script's that is a claim.
fn claim(line: &str) -> Option<(String, bool)> {
    let refuted = line.strip_prefix("not ok ").map(|words| (words.to_owned(), false));
    refuted.or_else(|| line.strip_prefix("ok ").map(|words| (words.to_owned(), true)))
}

#[cfg(test)]
mod tests {
    use super::claim;

    #[test]
    fn only_lines_that_claim_something_are_claims() {
        assert_eq!(claim("ok she signs in"), Some(("she signs in".to_owned(), true)));
        assert_eq!(claim("not ok she signs in"), Some(("she signs in".to_owned(), false)));
        assert_eq!(claim("Traceback (most recent call last):"), None);
    }
}
