//! `lean-copilot neighbours`: the index of a project's own proofs, from which suggestions in the project come.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Context;
use crate::candidates::neighbours::{ProjectIndex, learned};
use crate::error::{Failure, FailureKind};
use crate::lean::toolchain;
use crate::proof::ProofStep;
use crate::train::dataset::read_steps;

/// Arguments of `neighbours`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A project's index lies in the cache, never in the project. `lean-copilot trace PROJECT --index` fills it
and brings it up to date; `add` takes steps that were traced elsewhere or before, those of a dependency
for example. A running `serve` proposes from what is added at once.

Examples:
  lean-copilot trace . --index                    index the proofs of the project in this folder
  lean-copilot neighbours add ../iris/steps.jsonl proofs of another project as well
  lean-copilot neighbours show
  lean-copilot neighbours remove --project ../iris")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Add steps that `lean-copilot trace` wrote; steps of a file replace those that it had before.
    Add {
        /// Steps, JSON Lines.
        #[arg(required = true)]
        steps: Vec<PathBuf>,
        #[command(flatten)]
        which: Which,
    },
    /// Say what the index holds and where it lies.
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Throw the index away.
    Remove {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The project's folder, or one in it.
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
}

/// The folder by which a project's index is named, the one that its Lean server runs in: the nearest one with a
/// lakefile at or above this one, otherwise this one.
pub(super) fn project_root(folder: &Path) -> PathBuf {
    toolchain::lake_project(folder).unwrap_or_else(|| folder.to_owned())
}

/// Runs the command.
pub fn neighbours(args: Args, context: Context) -> Result<()> {
    match args.action {
        Action::Add { steps, which } => {
            let root = which.root()?;
            let mut index = ProjectIndex::open(&context.dirs, &root)?;
            let changed = add(&mut index, read_steps(&steps)?)?;
            let what = json!({ "files_changed": changed });
            report(&which, &root, &index, what, &format!("{changed} files changed; "))
        }
        Action::Show { which } => {
            let root = which.root()?;
            if !ProjectIndex::path_in(&context.dirs, &root).is_file() {
                return Err(none_yet(&root));
            }
            report(&which, &root, &ProjectIndex::open(&context.dirs, &root)?, json!({}), "")
        }
        Action::Remove { which } => {
            let root = which.root()?;
            let removed = ProjectIndex::remove(&context.dirs, &root)?;
            if which.json {
                println!("{}", json!({ "project": root, "removed": removed }));
            } else if removed {
                anstream::eprintln!("the index of `{}` is removed", root.display());
            } else {
                anstream::eprintln!("`{}` has no index", root.display());
            }
            Ok(())
        }
    }
}

impl Which {
    fn root(&self) -> Result<PathBuf> {
        let folder = std::fs::canonicalize(&self.project).map_err(|e| {
            let message = format!("the project's folder `{}` cannot be opened: {e}", self.project.display());
            Failure::new(FailureKind::Usage, message).hint("`--project DIR` names it")
        })?;
        Ok(project_root(&folder))
    }
}

fn none_yet(root: &Path) -> anyhow::Error {
    Failure::new(FailureKind::Usage, format!("`{}` has no index", root.display()))
        .hint(format!("`lean-copilot trace {} --index` makes one", root.display()))
        .into()
}

/// Adds steps file by file, those of unchanged files left alone; returns how many files changed.
fn add(index: &mut ProjectIndex, steps: Vec<ProofStep>) -> Result<usize> {
    let mut by_file: BTreeMap<String, Vec<ProofStep>> = BTreeMap::new();
    for step in steps {
        by_file.entry(step.file.clone()).or_default().push(step);
    }
    let mut changed = 0;
    for (file, steps) in by_file {
        let mut hash = Sha256::new();
        for step in &steps {
            step.state_before.iter().for_each(|g| hash.update(&g.text));
            hash.update(&step.tactic);
            hash.update([0]);
        }
        let hash: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        let key = format!("{}{hash}", ProjectIndex::ADDED);
        let file = index.name_of(Path::new(&file));
        if index.key_of(&file)?.as_deref() != Some(&key) {
            index.learn(&file, &learned(&steps), &key)?;
            changed += 1;
        }
    }
    Ok(changed)
}

fn report(
    which: &Which,
    root: &Path,
    index: &ProjectIndex,
    more: serde_json::Value,
    before: &str,
) -> Result<()> {
    let (steps, files) = (index.len()?, index.files()?.len());
    let path = index.path();
    let bytes = std::fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?.len();
    if which.json {
        let mut out =
            json!({ "project": root, "index": path, "steps": steps, "files": files, "bytes": bytes });
        if let (Some(out), Some(more)) = (out.as_object_mut(), more.as_object()) {
            out.extend(more.clone());
        }
        println!("{out}");
    } else {
        let (root, path, size) = (root.display(), path.display(), bytes as f64 / 1e6);
        let held =
            format!("the index of `{root}` has {steps} steps of {files} files ({size:.1} MB, `{path}`)");
        match before {
            "" => anstream::println!("{held}"),
            done => anstream::eprintln!("{done}{held}"),
        }
    }
    Ok(())
}
