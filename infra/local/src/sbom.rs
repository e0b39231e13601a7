//! What a function is made of, as a CycloneDX 1.5 document: every package of its dependency tree with version, licence,
//! checksum and package URL, by the lock file. The same bytes for the same commit: no time, no serial number, sorted.
//!
//! `required` is what is linked into the function; `excluded`, in CycloneDX's words, is what only builds it: build scripts,
//! macros and what they need. Features are those of the whole workspace together, so there may be a package too many,
//! and never one too few.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, ensure};
use cargo_lock::Lockfile;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId, TargetKind};
use serde_json::{Value, json};

use crate::workspace::Workspace;

/// What the documents are made from: one resolution of the whole workspace, for one target.
#[derive(Debug)]
pub(crate) struct Bills {
    metadata: Metadata,
    lock: Lockfile,
    target: String,
}

impl Bills {
    /// Asks cargo, and reads the lock file.
    pub(crate) fn read(workspace: &Workspace, target: &str) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(workspace.root().join("Cargo.toml"))
            .other_options(["--locked", "--filter-platform", target].map(str::to_owned))
            .exec()
            .context("cargo metadata failed")?;
        let lock = Lockfile::load(workspace.root().join("Cargo.lock"))?;
        Ok(Self { metadata, lock, target: target.to_owned() })
    }

    /// The document of one function.
    pub(crate) fn of(&self, function: &str) -> Result<String> {
        let document = document(&self.metadata, &self.lock, function, &self.target)?;
        Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
    }
}

/// The packages, their edges, and which of them are linked in.
struct Tree<'a> {
    packages: BTreeMap<&'a PackageId, &'a Package>,
    nodes: BTreeMap<&'a PackageId, &'a Node>,
}

impl<'a> Tree<'a> {
    fn of(metadata: &'a Metadata) -> Result<Self> {
        let nodes = &metadata.resolve.as_ref().context("cargo metadata resolved nothing")?.nodes;
        Ok(Self {
            packages: metadata.packages.iter().map(|package| (&package.id, package)).collect(),
            nodes: nodes.iter().map(|node| (&node.id, node)).collect(),
        })
    }

    fn package(&self, id: &PackageId) -> Result<&'a Package> {
        self.packages.get(id).copied().with_context(|| format!("no package {id}"))
    }

    /// What a package needs to be built: all but what only its tests do.
    fn needs(&self, id: &PackageId) -> Vec<(&'a PackageId, bool)> {
        let deps = self.nodes.get(id).map(|node| node.deps.as_slice()).unwrap_or_default();
        let kinds = deps.iter().filter_map(|dep| {
            let is = |kind| dep.dep_kinds.iter().any(|dep| dep.kind == kind);
            let (normal, build) = (is(DependencyKind::Normal), is(DependencyKind::Build));
            (normal || build).then_some((&dep.pkg, normal))
        });
        kinds.collect()
    }

    /// All that is reached from a package, and of it what is linked in.
    fn reach(&self, root: &'a PackageId) -> Result<(BTreeSet<&'a PackageId>, BTreeSet<&'a PackageId>)> {
        let (mut all, mut linked) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec![(root, true)];
        while let Some((id, links)) = open.pop() {
            let links = links && !self.package(id)?.targets.iter().any(|target| target.kind.contains(&TargetKind::ProcMacro));
            let new = all.insert(id);
            // Once more where it was known as a tool only.
            if new || (links && !linked.contains(id)) {
                open.extend(self.needs(id).into_iter().map(|(needed, normal)| (needed, links && normal)));
            }
            if links {
                linked.insert(id);
            }
        }
        all.remove(root);
        linked.remove(root);
        Ok((all, linked))
    }
}

fn document(metadata: &Metadata, lock: &Lockfile, function: &str, target: &str) -> Result<Value> {
    let tree = Tree::of(metadata)?;
    let root = metadata.packages.iter().find(|package| package.name.as_str() == function);
    let root = root.with_context(|| format!("no package {function}"))?;
    let (all, linked) = tree.reach(&root.id)?;

    let mut components = BTreeMap::new();
    let mut dependencies = BTreeMap::new();
    for id in all.iter().copied().chain([&root.id]) {
        let package = tree.package(id)?;
        if id != &root.id {
            let scope = if linked.contains(id) { "required" } else { "excluded" };
            components.insert(reference(package), component(package, lock, scope)?);
        }
        let needed: Result<BTreeSet<String>> = tree.needs(id).iter().map(|(id, _)| Ok(reference(tree.package(id)?))).collect();
        dependencies.insert(reference(package), needed?);
    }
    let dependencies: Vec<Value> = dependencies.into_iter().map(|(from, to)| json!({ "ref": from, "dependsOn": to })).collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application", "bom-ref": reference(root), "name": function, "version": root.version.to_string(),
                "licenses": licences(root),
            },
            "properties": [{ "name": "cargo:target", "value": target }],
        },
        "components": components.into_values().collect::<Vec<_>>(),
        "dependencies": dependencies,
    }))
}

fn component(package: &Package, lock: &Lockfile, scope: &str) -> Result<Value> {
    let mut component = json!({
        "type": "library", "bom-ref": reference(package), "name": package.name.as_str(), "version": package.version.to_string(),
        "scope": scope, "licenses": licences(package),
    });
    if package.source.is_some() {
        let locked = lock.packages.iter().find(|locked| {
            locked.name.as_str() == package.name.as_str() && locked.version == package.version && locked.source.is_some()
        });
        let checksum = locked.and_then(|locked| locked.checksum.as_ref());
        let checksum = checksum.with_context(|| format!("{} has no checksum in Cargo.lock", package.name))?.to_string();
        ensure!(checksum.len() == 64, "the checksum of {} is no SHA-256", package.name);
        if let Some(component) = component.as_object_mut() {
            component.insert("purl".into(), json!(reference(package)));
            component.insert("hashes".into(), json!([{ "alg": "SHA-256", "content": checksum }]));
        }
    }
    Ok(component)
}

/// A package URL. What is ours has none: a package of the same name in the registry would be somebody else's.
fn reference(package: &Package) -> String {
    let version = package.version.to_string().replace('+', "%2B");
    match package.source {
        Some(_) => format!("pkg:cargo/{}@{version}", package.name),
        None => format!("{}@{version}", package.name),
    }
}

fn licences(package: &Package) -> Value {
    match (&package.license, &package.license_file) {
        // The older way to write it.
        (Some(expression), _) => json!([{ "expression": expression.replace('/', " OR ") }]),
        (None, Some(_)) => json!([{ "license": { "name": "in a file of the package" } }]),
        (None, None) => json!([]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::binaries::FUNCTIONS;
    use crate::process;

    const TARGET: &str = if cfg!(target_arch = "aarch64") { "aarch64-unknown-linux-gnu" } else { "x86_64-unknown-linux-gnu" };

    /// Name and version of what `cargo tree` says, which resolves for itself.
    fn tree(workspace: &Workspace, function: &str, edges: &str) -> BTreeSet<(String, String)> {
        let mut cargo = process::cargo(workspace.root());
        cargo.args(["tree", "--locked", "--package", function, "--edges", edges, "--target", TARGET]);
        let output = cargo.args(["--prefix", "none", "--format", "{p}"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let packages = text.lines().filter(|line| !line.is_empty()).map(|line| {
            let mut words = line.split(' ');
            (words.next().unwrap().to_owned(), words.next().unwrap().trim_start_matches('v').to_owned())
        });
        packages.filter(|(name, _)| name != function).collect()
    }

    #[test]
    fn every_package_of_every_function_is_in_its_bill_with_version_licence_and_checksum() {
        let workspace = Workspace::find().unwrap();
        let lock = std::fs::read_to_string(workspace.root().join("Cargo.lock")).unwrap();
        let bills = Bills::read(&workspace, TARGET).unwrap();
        for function in FUNCTIONS {
            let bill: Value = serde_json::from_str(&bills.of(function).unwrap()).unwrap();
            let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
            let components = bill["components"].as_array().unwrap();
            let by_name: BTreeMap<_, _> = components.iter().map(|c| ((text(c, "name"), text(c, "version")), c)).collect();
            let built = tree(&workspace, function, "normal,build");
            let linked = tree(&workspace, function, "normal,no-proc-macro");
            assert!(linked.len() > 50, "{function} has a tree");
            for (name, version) in &built {
                let component = by_name.get(&(name.clone(), version.clone()));
                let component = component.unwrap_or_else(|| panic!("{function}: {name} {version} is missing"));
                let licence = component.pointer("/licenses/0/expression").and_then(Value::as_str).unwrap_or_default();
                assert!(!licence.is_empty(), "{name} has a licence");
                let theirs = lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\nsource = "));
                if theirs {
                    assert_eq!(text(component, "purl"), format!("pkg:cargo/{name}@{}", version.replace('+', "%2B")));
                    let checksum = component.pointer("/hashes/0/content").and_then(Value::as_str).unwrap();
                    let locked = format!(
                        "name = \"{name}\"\nversion = \"{version}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{checksum}\""
                    );
                    assert!(lock.contains(&locked), "{name} {version} has the lock file's checksum");
                } else {
                    assert!(component.get("purl").is_none(), "{name} is ours");
                }
                if linked.contains(&(name.clone(), version.clone())) {
                    assert_eq!(text(component, "scope"), "required", "{function}: {name} {version} is linked in");
                }
            }
            let too_many: Vec<_> = by_name.keys().filter(|package| !built.contains(package)).collect();
            assert!(too_many.len() <= built.len() / 20, "{function}: not in its tree: {too_many:?}");
        }
    }

    #[test]
    fn a_bill_is_the_same_each_time_and_its_edges_lead_somewhere() {
        let workspace = Workspace::find().unwrap();
        let bill = Bills::read(&workspace, TARGET).unwrap().of("change-notify").unwrap();
        assert_eq!(bill, Bills::read(&workspace, TARGET).unwrap().of("change-notify").unwrap());
        assert!(!bill.contains(&*workspace.root().to_string_lossy()), "no path of the checkout");
        let bill: Value = serde_json::from_str(&bill).unwrap();
        let components = bill["components"].as_array().unwrap().iter().chain([&bill["metadata"]["component"]]);
        let known: BTreeSet<&str> = components.map(|component| component["bom-ref"].as_str().unwrap()).collect();
        for dependency in bill["dependencies"].as_array().unwrap() {
            assert!(known.contains(dependency["ref"].as_str().unwrap()));
            for to in dependency["dependsOn"].as_array().unwrap() {
                assert!(known.contains(to.as_str().unwrap()), "{to}");
            }
        }
    }
}
