//! Where things are in the checkout.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The checkout, and in it the one folder that this program writes to besides `target`.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout this program was built in.
    pub(crate) fn find() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here.ancestors().nth(2).context("infra/local lies two folders under the root")?;
        let workspace = Self { root: root.to_owned() };
        fs::create_dir_all(workspace.logs())?;
        Ok(workspace)
    }

    /// The root of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The production template.
    pub(crate) fn template(&self) -> PathBuf {
        self.root.join("infra/template.yaml")
    }

    /// The firewall in front of it, a template of its own.
    pub(crate) fn edge_template(&self) -> PathBuf {
        self.root.join("infra/edge.yaml")
    }

    /// The sample client.
    pub(crate) fn client(&self) -> PathBuf {
        self.root.join("infra/local/client")
    }

    /// Where the template expects `function`'s code.
    pub(crate) fn bootstrap(&self, function: &str) -> PathBuf {
        self.lambda().join(function).join("bootstrap")
    }

    /// The folder of all functions' code.
    pub(crate) fn lambda(&self) -> PathBuf {
        self.root.join("target/lambda")
    }

    /// A file or folder of this program's own state.
    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.root.join(".local").join(name)
    }

    /// The folder of logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.state("log")
    }

    /// One log file.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }
}
