//! A model on disk: a folder that is a Hugging Face checkpoint and an ONNX model at once.
//!
//! `bundle.json` lists every file with its SHA-256, so the hash of `bundle.json` identifies the whole bundle.

mod config;
mod exported;
mod place;
mod writer;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::onnx::{self, Precision};
use super::prompt::{self, Limits};
use super::tokenizer::Tokenizer;
use super::weights::{self, Weights};
use crate::error::{Failure, FailureKind};

pub use config::{Family, LlamaConfig};
pub use exported::{BYTES, Exported, ExportedWriter, Kind};
pub use place::{activate, all, remove, resolve, user_bundles};
pub use writer::BundleWriter;

/// The list of files with their hashes, limits and origin.
pub const MANIFEST: &str = "bundle.json";
/// The architecture, Hugging Face's names.
pub const CONFIG: &str = "config.json";
/// The weights, half precision, Hugging Face's names.
pub const WEIGHTS: &str = "model.safetensors";
/// The graph; its initializers are external data inside [`WEIGHTS`].
pub const GRAPH: &str = "model.onnx";
/// The tokenizer.
pub const TOKENIZER: &str = "tokenizer.json";
/// What a person should know about the model.
pub const CARD: &str = "card.md";
/// The losses over the run, as a picture; not every bundle has it.
pub const CURVE: &str = "loss.svg";

/// What a bundle with a graph of ours holds besides [`MANIFEST`].
const FILES: [&str; 5] = [CARD, CONFIG, GRAPH, WEIGHTS, TOKENIZER];
/// Format of [`MANIFEST`].
const FORMAT: u32 = 1;

/// A file's size and hash as [`MANIFEST`] states them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

impl FileEntry {
    /// Of a file as it is now.
    fn of(file: &Path) -> Result<FileEntry> {
        let mut open = File::open(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let bytes = open.metadata()?.len();
        Ok(FileEntry { bytes, sha256: hash_of(&mut open, file)? })
    }
}

/// The content of `bundle.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this layout.
    pub format: u32,
    /// The bundle's name; with the hash it makes the id.
    pub name: String,
    /// The prompt's layout, [`prompt::TEMPLATE`] or [`prompt::TEXT_TEMPLATE`].
    pub prompt_template: String,
    /// The text of [`prompt::TEXT_TEMPLATE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_text: Option<String>,
    /// Texts that are left out of answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// The graphs of a model that was exported elsewhere; none for a checkpoint with a graph of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exported: Option<Exported>,
    /// Longest prompt and tactic.
    pub limits: Limits,
    /// Id of the bundle from which training went on.
    pub base: Option<String>,
    /// What training did, for people: data, steps, losses.
    pub training: serde_json::Value,
    /// Every other file of the folder that belongs to the bundle.
    pub files: BTreeMap<String, FileEntry>,
}

impl Manifest {
    /// Of a bundle with this tokenizer's prompt, nothing said about where it comes from.
    fn of(name: &str, tokenizer: &Tokenizer, limits: Limits, files: BTreeMap<String, FileEntry>) -> Manifest {
        let (template, prompt_text) = match tokenizer.layout() {
            prompt::Layout::GoalFirst => (prompt::TEMPLATE, None),
            prompt::Layout::Text(text) => (prompt::TEXT_TEMPLATE, Some(text.clone())),
        };
        Manifest {
            format: FORMAT,
            name: name.to_owned(),
            prompt_template: template.to_owned(),
            prompt_text,
            marks: tokenizer.marks().to_vec(),
            exported: None,
            limits,
            base: None,
            training: serde_json::Value::Null,
            files,
        }
    }
}

/// An opened bundle: everything but the weights is in memory, and every file is what `bundle.json` says.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The folder.
    pub dir: PathBuf,
    /// `bundle.json`.
    pub manifest: Manifest,
    /// What computes.
    pub model: Model,
    /// The tokenizer, with the prompt's layout.
    pub tokenizer: Tokenizer,
    sha256: String,
}

/// What a bundle computes with.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// A decoder of Llama's family, whose graph is ours.
    Llama(LlamaConfig),
    /// Graphs that were exported elsewhere.
    Exported(Exported),
}

impl Bundle {
    /// Opens a bundle and checks it: every file with size and hash, the configuration against the tensors,
    /// the vocabulary against the embedding. Errors name the file or the tensor.
    pub fn open(dir: &Path) -> Result<Bundle> {
        Bundle::open_checked(dir).with_context(|| format!("the bundle `{}` cannot be used", dir.display()))
    }

    fn open_checked(dir: &Path) -> Result<Bundle> {
        let (manifest, sha256) = read_manifest(dir)?;
        let needed = manifest.exported.as_ref().map_or(FILES.to_vec(), Exported::files);
        for name in needed {
            if !manifest.files.contains_key(name) {
                return Err(corrupt(format!("`{MANIFEST}` does not list `{name}`")).into());
            }
        }
        for (name, entry) in &manifest.files {
            check_file(dir, name, entry)?;
        }
        if let Some(exported) = &manifest.exported {
            let tokenizer = exported.tokenizer(dir, manifest.prompt_text.as_deref())?;
            let tokenizer = tokenizer.with_marks(manifest.marks.clone());
            check_limits(exported.room(), manifest.limits)?;
            let model = Model::Exported(exported.clone());
            return Ok(Bundle { dir: dir.to_owned(), manifest, model, tokenizer, sha256 });
        }
        let read = |name: &str| {
            let file = dir.join(name);
            std::fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))
        };
        let json: serde_json::Value =
            serde_json::from_slice(&read(CONFIG)?).map_err(|e| corrupt(format!("`{CONFIG}`: {e}")))?;
        let config = LlamaConfig::from_json(&json)?;
        let places = weights::places(&read(WEIGHTS)?)?;
        let shapes = places.into_iter().map(|(name, place)| (name, place.shape)).collect();
        weights::check_shapes(&config, &shapes)?;
        let tokenizer = match &manifest.prompt_text {
            None => Tokenizer::load(&dir.join(TOKENIZER))?,
            Some(text) => Tokenizer::other(&read(TOKENIZER)?, end_token(&json)?, text)?,
        };
        check_parts(&config, &tokenizer, manifest.limits)?;
        let tokenizer = tokenizer.with_marks(manifest.marks.clone());
        Ok(Bundle { dir: dir.to_owned(), manifest, model: Model::Llama(config), tokenizer, sha256 })
    }

    /// The architecture of a model whose graph is ours, which alone can be trained here.
    pub fn llama(&self) -> Result<&LlamaConfig> {
        match &self.model {
            Model::Llama(config) => Ok(config),
            Model::Exported(_) => {
                let message = format!("`{}` is an exported graph and cannot be trained here", self.id());
                Err(Failure::new(FailureKind::Usage, message)
                    .hint("train it where it came from, on what `lean-copilot export-feedback` writes")
                    .into())
            }
        }
    }

    /// Number of parameters; of graphs that were exported, elements of their weights.
    pub fn parameters(&self) -> usize {
        match &self.model {
            Model::Llama(config) => config.parameters(),
            Model::Exported(exported) => exported.parameters,
        }
    }

    /// `name@` and the first 12 digits of the bundle's SHA-256.
    pub fn id(&self) -> String {
        format!("{}@{}", self.manifest.name, &self.sha256[..12])
    }

    /// SHA-256 of `bundle.json`, which lists the hashes of all else.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Longest prompt and tactic.
    pub fn limits(&self) -> Limits {
        self.manifest.limits
    }

    /// Reads the weights, in single precision.
    pub fn weights(&self) -> Result<Weights> {
        Weights::read(&self.dir.join(WEIGHTS))
    }
}

/// The token that ends a text, from `config.json`; the first where there are several.
pub fn end_token(config: &serde_json::Value) -> Result<u32> {
    let end = &config["eos_token_id"];
    let first = end.as_u64().or_else(|| end[0].as_u64()).and_then(|id| u32::try_from(id).ok());
    first.ok_or_else(|| corrupt(format!("`{CONFIG}` names no `eos_token_id`: tactics would not end")).into())
}

/// Reads `bundle.json` and its SHA-256 (hexadecimal).
pub(super) fn read_manifest(dir: &Path) -> Result<(Manifest, String)> {
    let file = dir.join(MANIFEST);
    let bytes = std::fs::read(&file).map_err(|e| {
        let failure = match e.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Failure::new(
                FailureKind::Missing,
                format!("`{}` is not a bundle: it has no `{MANIFEST}`", dir.display()),
            ),
            _ => Failure::new(FailureKind::Other, format!("cannot read `{}`: {e}", file.display())),
        };
        failure.hint("name a folder that `lean-copilot finetune` wrote, or leave `bundle` unset")
    })?;
    let format = serde_json::from_slice::<serde_json::Value>(&bytes)
        .map_err(|e| corrupt(format!("`{}` is not JSON: {e}", file.display())))?["format"]
        .as_u64();
    if format != Some(u64::from(FORMAT)) {
        let found = format.map_or("none".to_owned(), |f| f.to_string());
        let message = format!("`{}`: the format is {found}, this program reads {FORMAT}", file.display());
        return Err(Failure::new(FailureKind::Corrupt, message)
            .hint("use the version of lean-copilot that wrote the bundle, or write it anew")
            .into());
    }
    let manifest: Manifest = serde_json::from_slice(&bytes)
        .map_err(|e| corrupt(format!("`{}` is not a bundle's: {e}", file.display())))?;
    check_name(&manifest.name)?;
    let known = match &manifest.prompt_text {
        None => prompt::TEMPLATE,
        Some(_) => prompt::TEXT_TEMPLATE,
    };
    if manifest.prompt_template != known {
        let message = format!(
            "the bundle was trained on the prompt layout `{}`, this program writes `{}`",
            manifest.prompt_template, known
        );
        return Err(Failure::new(FailureKind::Corrupt, message).hint("train it anew").into());
    }
    Ok((manifest, hex(&Sha256::digest(&bytes))))
}

/// A name is one path component of letters, digits and `.`, `-`, `_`, not hidden: it is a folder's name too.
fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(plain) {
        return Err(Failure::new(FailureKind::Usage, format!("`{name}` cannot be a bundle's name"))
            .hint("use letters, digits, `.`, `-` and `_`")
            .into());
    }
    Ok(())
}

fn check_file(dir: &Path, name: &str, entry: &FileEntry) -> Result<()> {
    if Path::new(name).components().count() != 1 || name.contains(['/', '\\']) || name.starts_with('.') {
        return Err(corrupt(format!("`{MANIFEST}` lists `{name}`, which is no plain file name")).into());
    }
    let file = dir.join(name);
    let mut open = File::open(&file).map_err(|e| {
        let kind = match e.kind() {
            std::io::ErrorKind::NotFound => FailureKind::Missing,
            _ => FailureKind::Other,
        };
        Failure::new(kind, format!("`{}` cannot be read: {e}", file.display())).hint(REMEDY)
    })?;
    let bytes = open.metadata()?.len();
    if bytes != entry.bytes {
        let message = format!("`{}` has {bytes} bytes, `{MANIFEST}` says {}", file.display(), entry.bytes);
        return Err(corrupt(message).into());
    }
    let found = hash_of(&mut open, &file)?;
    if !found.eq_ignore_ascii_case(&entry.sha256) {
        let message =
            format!("`{}` has the SHA-256 {found}, `{MANIFEST}` says {}", file.display(), entry.sha256);
        return Err(corrupt(message).into());
    }
    Ok(())
}

/// SHA-256 of what is left of an open file, in hexadecimal digits.
fn hash_of(open: &mut File, file: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match open.read(&mut buffer).with_context(|| format!("cannot read `{}`", file.display()))? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// Vocabulary, limits and positions must fit together.
fn check_parts(config: &LlamaConfig, tokenizer: &Tokenizer, limits: Limits) -> Result<()> {
    if tokenizer.vocab_size() > config.vocab_size {
        let message = format!(
            "`{TOKENIZER}` has {} tokens, the embedding of `{CONFIG}` only {}",
            tokenizer.vocab_size(),
            config.vocab_size
        );
        return Err(corrupt(message).into());
    }
    check_limits(Some(config.max_position_embeddings), limits)
}

/// Limits leave room for something, and fit into the positions of a model that has a limit on them.
fn check_limits(positions: Option<usize>, limits: Limits) -> Result<()> {
    if limits.prompt_tokens < 8 || limits.tactic_tokens < 2 {
        return Err(
            corrupt(format!("`{MANIFEST}`: the limits leave no room for a prompt or a tactic")).into()
        );
    }
    let both = limits.prompt_tokens.saturating_add(limits.tactic_tokens);
    if let Some(positions) = positions.filter(|p| both > *p) {
        let message = format!(
            "prompt ({}) and tactic ({}) together are longer than the model's {positions} positions",
            limits.prompt_tokens, limits.tactic_tokens
        );
        return Err(corrupt(message).into());
    }
    Ok(())
}

const REMEDY: &str =
    "the bundle is damaged: fetch or train it anew, or name another with the setting `bundle`";

fn corrupt(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Corrupt, message).hint(REMEDY)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
