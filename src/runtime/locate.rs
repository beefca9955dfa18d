//! Finding what is installed, and how it is run.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::Result;

use super::Component;
use super::manifest::{self, Manifest, Package, Way};
use crate::config::Dirs;
use crate::error::{Failure, FailureKind};

/// The file that makes a component's folder a complete one: the way it was installed, as JSON.
pub(super) const STAMP: &str = "installed.json";

/// The oldest Node whose V8 runs the embedded Lean.
pub const OLDEST_NODE: u32 = 20;

/// The installed components below a cache directory, and the manifest that says what belongs there.
#[derive(Debug, Clone)]
pub struct Store {
    /// `<cache>/runtime`.
    pub root: PathBuf,
    /// `<share>/runtime`.
    pub runtime: PathBuf,
    /// The pinned packages.
    pub manifest: Manifest,
    /// This machine's platform.
    pub platform: String,
    /// What Lean's set-up consists of: part of the identity of an installed Lean.
    set_up: Vec<u8>,
}

impl Store {
    /// Reads the manifest; touches nothing.
    pub fn open(dirs: &Dirs) -> Result<Store> {
        let runtime = dirs.share.join("runtime");
        let manifest = Manifest::load(&runtime)?;
        let mut scripts: Vec<PathBuf> = std::fs::read_dir(runtime.join("lean").join("setup"))
            .map(|entries| entries.flatten().map(|e| e.path()).collect())
            .unwrap_or_default();
        scripts.sort();
        let mut set_up = Vec::new();
        for script in scripts {
            set_up.extend(std::fs::read(&script).unwrap_or_default());
        }
        let platform = manifest::platform();
        Ok(Store { root: dirs.cache.join("runtime"), runtime, manifest, platform, set_up })
    }

    /// Where a component lies when it was installed this way.
    pub fn folder(&self, component: Component, way: &Way) -> PathBuf {
        let set_up = if component == Component::Lean { self.set_up.as_slice() } else { &[] };
        self.root.join(way.folder(component, set_up))
    }

    /// The way and the folder of an installed component.
    pub fn find(&self, component: Component) -> Option<(&Way, PathBuf)> {
        let ways = self.manifest.ways(component, &self.platform);
        ways.map(|w| (w, self.folder(component, w)))
            .find(|(w, folder)| folder.join(STAMP).is_file() && folder.join(&w.entry).is_file())
    }

    /// Whether a folder belongs to a component, of this or any other version.
    pub(super) fn is_folder_of(&self, path: &Path, component: Component) -> bool {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        // `onnxruntime-1.32.0-…`, not `onnxruntime-cuda-1.31.1-…`.
        let rest = name.strip_prefix(component.key()).and_then(|r| r.strip_prefix('-'));
        rest.is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Where a fetched archive is kept until it is unpacked.
    pub(super) fn archive(&self, package: &Package) -> PathBuf {
        let ending = match package.client {
            manifest::ClientKind::Npm => "tgz",
            manifest::ClientKind::Pip => "whl",
        };
        // Two platforms' wheels have one name and version.
        let tag = package.wheel.as_ref().map(|w| format!("-{}", w.platform)).unwrap_or_default();
        let name = package.name.replace(['/', '@'], "_");
        self.root.join("archives").join(format!("{name}-{}{tag}.{ending}", package.version))
    }
}

fn not_installed(component: Component) -> anyhow::Error {
    Failure::new(FailureKind::Missing, format!("{component} is not installed"))
        .hint("run `lean-copilot runtime install`")
        .into()
}

/// A program with its arguments, and what it needs in its environment beside what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables to set.
    pub env: Vec<(OsString, OsString)>,
}

impl Invocation {
    /// As a command of the standard library, pipes and directory still to be chosen.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.env.iter().map(|(k, v)| (k, v)));
        command
    }
}

/// The installed embedded Lean.
#[derive(Debug, Clone)]
pub struct EmbeddedLean {
    node: PathBuf,
    scripts: PathBuf,
    folder: PathBuf,
    version: String,
}

impl EmbeddedLean {
    /// The language server on standard input and output, as `lean --server` would be; `args` are Lean's
    /// options, such as `-DmaxRecDepth=1000`.
    pub fn server(&self, args: &[&str]) -> Invocation {
        self.script("server.js", args)
    }

    /// `lean` with these arguments: elaborates files, compiles with `-o`, answers `--version`.
    pub fn lean(&self, args: &[&str]) -> Invocation {
        self.script("launcher.js", args)
    }

    fn script(&self, name: &str, args: &[&str]) -> Invocation {
        // Compiling lazily halves the time until Lean's `main` begins.
        let mut all = vec![OsString::from("--wasm-lazy-validation"), self.scripts.join(name).into()];
        all.extend(args.iter().map(OsString::from));
        let env = vec![(OsString::from("LEAN_COPILOT_LEAN"), self.folder.clone().into_os_string())];
        Invocation { program: self.node.clone(), args: all, env }
    }

    /// Lean's version, such as `4.28.0-pre`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The folder that takes the place of a toolchain: `lib/lean` holds the core library.
    pub fn prefix(&self) -> &Path {
        &self.folder
    }
}

/// The embedded Lean; [`FailureKind::Missing`] when it, or a Node to run it, is not there.
pub fn embedded_lean(dirs: &Dirs) -> Result<EmbeddedLean> {
    let store = Store::open(dirs)?;
    let (way, folder) = store.find(Component::Lean).ok_or_else(|| not_installed(Component::Lean))?;
    let version = way.version.clone();
    let node = node_in(&store)?.path;
    Ok(EmbeddedLean { node, scripts: store.runtime.join("lean"), folder, version })
}

/// Names a shared library of ONNX Runtime to use instead of an installed one, as elsewhere.
const OWN_ONNXRUNTIME: &str = "ORT_DYLIB_PATH";

/// The library that the person named in the environment.
pub fn own_onnxruntime() -> Option<PathBuf> {
    std::env::var_os(OWN_ONNXRUNTIME).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// ONNX Runtime's shared library: the one named by the person, else the one for CUDA if that is installed, else
/// the one for the CPU.
pub fn onnxruntime(dirs: &Dirs) -> Result<PathBuf> {
    if let Some(own) = own_onnxruntime() {
        return Ok(own);
    }
    let store = Store::open(dirs)?;
    let found = store.find(Component::OnnxRuntimeCuda).or_else(|| store.find(Component::OnnxRuntime));
    found.map(|(w, f)| f.join(&w.entry)).ok_or_else(|| not_installed(Component::OnnxRuntime))
}

/// A Node that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The program.
    pub path: PathBuf,
    /// What `node --version` says, without the `v`.
    pub version: String,
    /// Whether it is the system's, not an installed component.
    pub system: bool,
}

/// The system's Node if it is new enough, otherwise the installed one.
pub fn node(dirs: &Dirs) -> Result<Node> {
    node_in(&Store::open(dirs)?)
}

pub(super) fn node_in(store: &Store) -> Result<Node> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let name = if cfg!(windows) { "node.exe" } else { "node" };
    for folder in std::env::split_paths(&path).filter(|f| f.is_absolute()) {
        let candidate = folder.join(name);
        if let Some(version) = version_of(&candidate) {
            if major(&version) >= Some(OLDEST_NODE) {
                return Ok(Node { path: candidate, version, system: true });
            }
            // The first one on PATH is the one that the person means; an older one is not used.
            break;
        }
    }
    let (way, folder) = store.find(Component::Node).ok_or_else(|| not_installed(Component::Node))?;
    Ok(Node { path: folder.join(&way.entry), version: way.version.clone(), system: false })
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Asks a Node for its version, once in the life of this process for each path.
fn version_of(program: &Path) -> Option<String> {
    static KNOWN: Mutex<Option<HashMap<PathBuf, Option<String>>>> = Mutex::new(None);
    if !program.is_file() {
        return None;
    }
    let mut known = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
    let known = known.get_or_insert_with(HashMap::new);
    if let Some(version) = known.get(program) {
        return version.clone();
    }
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let version = output.ok().filter(|o| o.status.success()).and_then(|o| {
        let text = String::from_utf8(o.stdout).ok()?;
        Some(text.trim().strip_prefix('v')?.to_owned())
    });
    known.insert(program.to_path_buf(), version.clone());
    version
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_major_version_decides() {
        assert_eq!(major("20.20.2"), Some(20));
        assert_eq!(major("18.1.0").filter(|m| *m >= OLDEST_NODE), None);
        assert_eq!(major("nightly"), None);
    }
}
