//! `cargo local package`: every function as a zip that Lambda takes, the same bytes for the same commit.
//!
//! What would differ from one build to the next is taken out: paths of the checkout and of cargo's home are written as
//! `/linekeeper` and `/cargo`, the linker adds no id of its own, and the zip has one file, with fixed time and rights. What
//! has to be the same is the commit, the compiler (`rust-toolchain.toml`), the target, and the system that links (its C
//! library and linker). So whoever builds the commit again can compare with what runs: Lambda's `CodeSha256` is the zip's
//! SHA-256.

use std::ffi::OsString;
use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::binaries::{self, FUNCTIONS};
use crate::process;
use crate::sbom::Bills;
use crate::terminal::Progress;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;

/// Lambda's arm64, as Rust names it.
const ARM64: &str = "aarch64-unknown-linux-gnu";
/// The C library of `provided.al2023`. A binary that was linked against a newer one may not start there.
const GLIBC: (u32, u32) = (2, 34);
/// What a zip's entry says of itself: nobody's clock.
const EPOCH: (u16, u8, u8) = (1980, 1, 1);
/// Executable for all, writable by its owner.
const RIGHTS: u32 = 0o755;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    arm64: bool,
    profile: String,
    only: Option<&'static str>,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn read(arguments: &[&str]) -> Result<Self> {
        let mut options = Self { arm64: false, profile: "release".to_owned(), only: None };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "--arm64" => options.arm64 = true,
                "--profile" => options.profile = (*rest.next().context("--profile needs a name")?).to_owned(),
                "--function" => {
                    let name = *rest.next().context("--function needs a name")?;
                    let known = FUNCTIONS.into_iter().find(|function| *function == name);
                    options.only = Some(known.with_context(|| format!("no function `{name}`"))?);
                }
                unknown => bail!("package does not know `{unknown}`"),
            }
        }
        Ok(options)
    }

    fn functions(&self) -> Vec<&'static str> {
        FUNCTIONS.into_iter().filter(|function| self.only.is_none_or(|only| only == *function)).collect()
    }

    fn target(&self) -> String {
        let here = if cfg!(target_arch = "aarch64") { ARM64 } else { "x86_64-unknown-linux-gnu" };
        if self.arm64 { ARM64 } else { here }.to_owned()
    }
}

/// Builds, zips, and says what is in it. False where it cannot be done here, with what is missing.
pub(crate) fn run(workspace: &Workspace, options: Options) -> Result<bool> {
    tools::need_c_compiler()?;
    let cross = options.arm64 && !cfg!(target_arch = "aarch64");
    if cross && !has_target(ARM64) {
        println!(
            "SKIPPED: nothing was built. The standard library for arm64 is missing; with it this works:\n\
             \n    rustup target add {ARM64}\n\
             \nOr build without --arm64, and deploy with the parameter Architecture=x86_64."
        );
        return Ok(false);
    }
    let built = build(workspace, &options, cross)?;
    let bills = Bills::read(workspace, &options.target())?;
    let out = workspace.lambda();
    fs::create_dir_all(&out)?;
    let mut sums = String::new();
    let mut sum = |name: &str, bytes: &[u8]| {
        let line = format!("{}  {name}\n", hex(&Sha256::digest(bytes)));
        print!("{line}");
        sums.push_str(&line);
    };
    for function in options.functions() {
        let from = built.iter().find(|(name, _)| name == function).with_context(|| format!("no binary {function}"))?;
        let bytes = fs::read(&from.1).with_context(|| format!("cannot read {}", from.1.display()))?;
        if let Some(needs) = newest_glibc(&bytes).filter(|needs| *needs > GLIBC) {
            println!("  {function} needs the C library {}.{}: provided.al2023 has {}.{}", needs.0, needs.1, GLIBC.0, GLIBC.1);
        }
        let zip = zipped(&bytes)?;
        let name = format!("{function}.zip");
        fs::write(out.join(&name), &zip)?;
        sum(&name, &zip);
        let bill = bills.of(function)?;
        let name = format!("{function}.cdx.json");
        fs::write(out.join(&name), &bill)?;
        sum(&name, bill.as_bytes());
    }
    let template = template(&fs::read_to_string(workspace.template())?)?;
    fs::write(out.join("template.yaml"), &template)?;
    sum("template.yaml", template.as_bytes());
    fs::write(out.join("SHA256SUMS"), sums)?;
    Ok(true)
}

/// The binaries, by function.
fn build(workspace: &Workspace, options: &Options, cross: bool) -> Result<Vec<(String, PathBuf)>> {
    let target_folder = workspace.root().join("target/package");
    let title = format!("Building {} for {} (profile {})", counted(options), options.target(), options.profile);
    let mut command = process::cargo(workspace.root());
    if cross {
        let tools = Tools::install(workspace)?.with_cross_linker(workspace)?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(tools.bin().to_owned()).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders)?);
        // By itself it would set some of the profile's settings; ours are in Cargo.toml. What it built it copies into a
        // folder of its own, which is not the one that `cargo local` runs from.
        command.args(["lambda", "build", "--arm64", "--disable-optimizations", "--lambda-dir"]).arg(target_folder.join("lambda"));
    } else {
        command.args(["build", "--message-format", "json-render-diagnostics"]);
    }
    command.args(["--locked", "--profile", &options.profile, "--target-dir"]).arg(&target_folder);
    for function in options.functions() {
        command.args(["--package", function, "--bin", function]);
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags(workspace.root())?);
    command.env("CARGO_INCREMENTAL", "0");
    command.env_remove("RUSTFLAGS");
    if let Some(epoch) = commit_time(workspace.root()) {
        command.env("SOURCE_DATE_EPOCH", epoch);
    }
    let progress = Progress::start(title);
    let mut built = Vec::new();
    process::run(&progress, &mut command, &workspace.log("package"), |line| {
        built.extend(binaries::executable(line).map(|(name, path)| (name, PathBuf::from(path))));
    })
    .context("the functions do not build")?;
    progress.done("");
    if cross {
        built = options
            .functions()
            .into_iter()
            .map(|function| (function.to_owned(), target_folder.join("lambda").join(function).join("bootstrap")))
            .collect();
    }
    Ok(built)
}

/// What the compiler is told, besides the profile: no path of this machine, no id by the linker.
fn flags(root: &Path) -> Result<OsString> {
    let home = match std::env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => PathBuf::from(std::env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?).join(".cargo"),
    };
    let mut flags = OsString::new();
    for (from, to) in [(home.as_path(), "/cargo"), (root, "/linekeeper")] {
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
        flags.push("\u{1f}");
    }
    flags.push("-Clink-arg=-Wl,--build-id=none");
    Ok(flags)
}

/// When the commit was made, for whatever wants to write a time.
fn commit_time(root: &Path) -> Option<String> {
    let log = Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root).output().ok()?;
    let time = String::from_utf8(log.stdout).ok()?.trim().to_owned();
    (!time.is_empty()).then_some(time)
}

fn has_target(target: &str) -> bool {
    let folder = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).stderr(Stdio::null()).output();
    let folder = folder.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    folder.is_some_and(|folder| fs::read_dir(folder.trim()).is_ok_and(|mut files| files.next().is_some()))
}

fn counted(options: &Options) -> String {
    match options.only {
        Some(function) => function.to_owned(),
        None => "the functions".to_owned(),
    }
}

/// The zip of a function: one file, `bootstrap`.
fn zipped(binary: &[u8]) -> Result<Vec<u8>> {
    let (year, month, day) = EPOCH;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::from_date_and_time(year, month, day, 0, 0, 0)?)
        .unix_permissions(RIGHTS);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
}

/// The production template with the zips beside it in the place of folders: what is deployed is then what was hashed,
/// and not what the AWS command line makes of a folder.
fn template(production: &str) -> Result<String> {
    let mut template = production.to_owned();
    for function in FUNCTIONS {
        let folder = format!("CodeUri: ../target/lambda/{function}\n");
        ensure!(template.matches(&folder).count() == 1, "the template does not name the folder of {function} once");
        template = template.replace(&folder, &format!("CodeUri: {function}.zip\n"));
    }
    Ok(template)
}

/// The newest version of the GNU C library that a binary names.
fn newest_glibc(binary: &[u8]) -> Option<(u32, u32)> {
    const NAME: &[u8] = b"GLIBC_";
    let named = binary.windows(NAME.len()).enumerate().filter(|(_, window)| *window == NAME).filter_map(|(at, _)| {
        let text: String = binary
            .get(at + NAME.len()..)?
            .iter()
            .map(|byte| char::from(*byte))
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        let mut parts = text.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    });
    named.max()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_zip_is_the_same_whenever_and_wherever_it_is_made() {
        let zip = zipped(b"\x7fELF and so on, and so on, and so on").unwrap();
        // Pinned: another version of the compressor, a time, a right or another order would show here.
        assert_eq!(hex(&Sha256::digest(&zip)), "da595c690a6649e1520778c2ed55be4a95f00a8da6bdb5806447b0a9a292050f");
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut file = archive.by_index(0).unwrap();
        assert_eq!(file.name().unwrap(), "bootstrap");
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(RIGHTS));
        let mut binary = Vec::new();
        file.read_to_end(&mut binary).unwrap();
        assert_eq!(binary, b"\x7fELF and so on, and so on, and so on");
    }

    #[test]
    fn the_packaged_template_names_a_zip_for_every_function() {
        let workspace = Workspace::find().unwrap();
        let template = template(&fs::read_to_string(workspace.template()).unwrap()).unwrap();
        assert!(!template.contains("../target"), "a path that leads out of the folder");
        assert_eq!(template.matches(".zip\n").count(), FUNCTIONS.len());
    }

    #[test]
    fn the_newest_c_library_is_found() {
        assert_eq!(newest_glibc(b"..GLIBC_2.9\0GLIBC_2.34\0GLIBC_2.4\0GLIBC_PRIVATE"), Some((2, 34)));
        assert_eq!(newest_glibc(b"static"), None);
    }

    #[test]
    fn no_flag_changes_with_the_checkout_but_what_takes_its_path_out() {
        let of = |root: &str| flags(Path::new(root)).unwrap().into_string().unwrap().replace(root, "ROOT");
        assert_eq!(of("/somewhere/deep"), of("/elsewhere"));
    }
}
