//! Writing a bundle: all files into a folder beside the target, then one rename.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::*;

/// Everything that a new bundle is made of. Weights are rounded to half precision; the graph is written
/// here.
#[derive(Debug)]
pub struct BundleWriter<'a> {
    /// The bundle's name (letters, digits, `.`, `-`, `_`).
    pub name: &'a str,
    /// The architecture.
    pub config: &'a LlamaConfig,
    /// The tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The checkpoint's tensors.
    pub weights: &'a Weights,
    /// Longest prompt and tactic.
    pub limits: Limits,
    /// Id of the bundle from which training went on.
    pub base: Option<String>,
    /// What training did.
    pub training: serde_json::Value,
    /// The text of `card.md`.
    pub card: &'a str,
    /// The content of `loss.svg`.
    pub curve: Option<&'a str>,
}

impl BundleWriter<'_> {
    /// Writes the bundle as the folder `target`, which appears whole or not at all; one that was there is
    /// replaced. Returns it opened and checked.
    pub fn write(&self, target: &Path) -> Result<Bundle> {
        self.write_files(target)
            .with_context(|| format!("the bundle `{}` could not be written", target.display()))?;
        Bundle::open(target)
    }

    fn write_files(&self, target: &Path) -> Result<()> {
        check_name(self.name)?;
        self.config.check().map_err(|e| Failure::new(FailureKind::Usage, e))?;
        self.weights.check(self.config)?;
        check_parts(self.config, self.tokenizer, self.limits)?;

        let target = std::path::absolute(target)?;
        let temporary = beside(&target)?;

        let weights = self.weights.to_safetensors()?;
        let config = serde_json::to_vec_pretty(&self.config.to_json(self.tokenizer.special()))?;
        let graph = onnx::graph(self.config, &weights::places(&weights)?, Precision::Single)?;
        let contents = [
            (CARD, self.card.as_bytes().to_vec()),
            (CONFIG, config),
            (TOKENIZER, self.tokenizer.to_json()?.into_bytes()),
            (GRAPH, graph),
            (WEIGHTS, weights),
        ];
        let curve = self.curve.map(|svg| (CURVE, svg.as_bytes().to_vec()));
        let mut files = BTreeMap::new();
        for (name, content) in contents.into_iter().chain(curve) {
            write_file(&temporary.path().join(name), &content)?;
            let entry = FileEntry { bytes: content.len() as u64, sha256: hex(&Sha256::digest(&content)) };
            files.insert(name.to_owned(), entry);
        }
        let manifest = Manifest {
            base: self.base.clone(),
            training: self.training.clone(),
            ..Manifest::of(self.name, self.tokenizer, self.limits, files)
        };
        write_file(&temporary.path().join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)?;
        put(temporary, &target)
    }
}

/// A folder in the target's, so that the rename stays within one file system; removed on every error.
pub(super) fn beside(target: &Path) -> Result<tempfile::TempDir> {
    let parent = target.parent().context("a bundle needs a folder to stand in")?;
    std::fs::create_dir_all(parent)?;
    Ok(tempfile::Builder::new().prefix(".bundle-").tempdir_in(parent)?)
}

pub(super) fn write_file(file: &Path, content: &[u8]) -> Result<()> {
    let context = || format!("cannot write `{}`", file.display());
    let mut open = File::create(file).with_context(context)?;
    open.write_all(content).with_context(context)?;
    open.sync_all().with_context(context)
}

/// Renames the finished folder to its place; one that is there already changes places with it.
pub(super) fn put(temporary: tempfile::TempDir, target: &Path) -> Result<()> {
    // A temporary folder is private; a bundle is as readable as its neighbours.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(temporary.path(), std::fs::Permissions::from_mode(0o755))?;
    }
    let context = || format!("cannot put the bundle at `{}`", target.display());
    if !target.exists() {
        std::fs::rename(temporary.path(), target).with_context(context)?;
        // Its content has moved: there is nothing left to remove.
        let _ = temporary.keep();
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, temporary.path(), CWD, target, RenameFlags::EXCHANGE).is_ok() {
            // The old bundle now has the temporary name and goes with it.
            return temporary.close().context("cannot remove the replaced bundle");
        }
    }
    // Without an exchanging rename there is a moment without the bundle; the running sidecar keeps the one
    // that it has loaded.
    let parent = target.parent().context("a bundle needs a folder to stand in")?;
    let aside = tempfile::Builder::new().prefix(".old-").tempdir_in(parent)?;
    let old = aside.path().join("bundle");
    std::fs::rename(target, &old).with_context(context)?;
    if let Err(e) = std::fs::rename(temporary.path(), target) {
        std::fs::rename(&old, target).with_context(context)?;
        return Err(e).with_context(context);
    }
    let _ = temporary.keep();
    aside.close().context("cannot remove the replaced bundle")
}
