//! A bundle of graphs that were exported elsewhere: they stay as they are, and `bundle.json` says what they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::writer::{beside, put, write_file};
use super::*;
use crate::policy::tokenizer::Tokenizer;

/// The name of the tokenizer that has no file.
pub const BYTES: &str = "bytes";

/// Which graphs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A decoder which reads the prompt and goes on with the tactic.
    Decoder,
    /// An encoder which reads the prompt, and a decoder which writes the tactic.
    EncoderDecoder,
}

/// `exported` in `bundle.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Which graphs there are.
    pub kind: Kind,
    /// The decoder's file.
    pub decoder: String,
    /// The encoder's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
    /// [`BYTES`], or the tokenizer's file.
    pub tokenizer: String,
    /// The token that ends a tactic.
    pub end: u32,
    /// The token that the decoder begins with, where it does not begin with the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<u32>,
    /// Longest sequence; none where there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<usize>,
    /// Elements of the graphs' weights.
    pub parameters: usize,
}

impl Exported {
    /// What the bundle has to hold besides `bundle.json`.
    pub fn files(&self) -> Vec<&str> {
        let tokenizer = Some(self.tokenizer.as_str()).filter(|t| *t != BYTES);
        let graphs = [Some(self.decoder.as_str()), self.encoder.as_deref(), tokenizer];
        [CARD, CONFIG].into_iter().chain(graphs.into_iter().flatten()).collect()
    }

    /// The tokenizer from a folder that has its file; `prompt` is the prompt's text.
    pub fn tokenizer(&self, dir: &Path, prompt: Option<&str>) -> Result<Tokenizer> {
        let file = dir.join(&self.tokenizer);
        match prompt {
            Some(text) if self.tokenizer == BYTES => Ok(Tokenizer::bytes(text)),
            None if self.tokenizer == BYTES => {
                Err(corrupt("a model over bytes has no prompt layout of ours").into())
            }
            None => Tokenizer::load(&file),
            Some(text) => {
                let bytes =
                    std::fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
                Tokenizer::other(&bytes, self.end, text)
            }
        }
    }

    /// The positions that prompt and tactic share, where there is a limit.
    pub fn room(&self) -> Option<usize> {
        self.positions.filter(|_| self.kind == Kind::Decoder)
    }
}

/// Everything that a bundle of exported graphs is made of.
#[derive(Debug)]
pub struct ExportedWriter<'a> {
    /// The bundle's name (letters, digits, `.`, `-`, `_`).
    pub name: &'a str,
    /// What it is.
    pub exported: &'a Exported,
    /// All files to take over: graphs, their weights, `config.json`, the tokenizer.
    pub files: &'a [PathBuf],
    /// The tokenizer, with the prompt's layout and the marks.
    pub tokenizer: &'a Tokenizer,
    /// Longest prompt and tactic.
    pub limits: Limits,
    /// The text of `card.md`.
    pub card: &'a str,
}

impl ExportedWriter<'_> {
    /// Writes the bundle as the folder `target`, which appears whole, and only if `check` finds nothing wrong with the
    /// bundle written; one that was there is replaced. Returns it opened, with what `check` said.
    pub fn write<T>(&self, target: &Path, check: impl FnOnce(&Bundle) -> Result<T>) -> Result<(Bundle, T)> {
        let target = std::path::absolute(target)?;
        self.write_files(&target, check)
            .with_context(|| format!("the bundle `{}` could not be written", target.display()))
    }

    fn write_files<T>(&self, target: &Path, check: impl FnOnce(&Bundle) -> Result<T>) -> Result<(Bundle, T)> {
        check_name(self.name)?;
        let temporary = beside(target)?;
        let mut files = BTreeMap::new();
        write_file(&temporary.path().join(CARD), self.card.as_bytes())?;
        files.insert(CARD.to_owned(), FileEntry::of(&temporary.path().join(CARD))?);
        for from in self.files {
            let name = from.file_name().and_then(|n| n.to_str()).context("a file without a name")?;
            let to = temporary.path().join(name);
            std::fs::copy(from, &to).with_context(|| format!("cannot copy `{}`", from.display()))?;
            files.insert(name.to_owned(), FileEntry::of(&to)?);
        }
        let manifest = Manifest {
            exported: Some(self.exported.clone()),
            ..Manifest::of(self.name, self.tokenizer, self.limits, files)
        };
        write_file(&temporary.path().join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)?;
        let written = Bundle::open_checked(temporary.path())?;
        let checked = check(&written)?;
        put(temporary, target)?;
        Ok((Bundle { dir: target.to_owned(), ..written }, checked))
    }
}
