//! A Hugging Face checkpoint that was made elsewhere: `config.json`, `model.safetensors` or its shards,
//! `tokenizer.json`, and what its trainer wrote about itself in `training.json`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::bundle::{CONFIG, Family, LlamaConfig, TOKENIZER, WEIGHTS, end_token};
use super::prompt::{self, GOAL, Limits};
use super::tokenizer::Tokenizer;
use super::weights::Weights;
use crate::error::{Failure, FailureKind};

/// Names the shard of each tensor, where there are several.
const INDEX: &str = "model.safetensors.index.json";
/// What the trainer wrote about itself.
const TRAINING: &str = "training.json";

/// Most positions that a bundle keeps of a model's.
const POSITIONS: usize = 1024;

/// A checkpoint in memory.
#[derive(Debug)]
pub struct Checkpoint {
    /// The architecture.
    pub config: LlamaConfig,
    /// All tensors, single precision.
    pub weights: Weights,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The content of `training.json`; null without one.
    pub training: Value,
}

impl Checkpoint {
    /// Whether a folder has weights of a family for which the graph is written here.
    pub fn is_in(dir: &Path) -> bool {
        let weights = dir.join(INDEX).is_file() || dir.join(WEIGHTS).is_file();
        weights && json(&dir.join(CONFIG)).is_ok_and(|config| Family::of(&config).is_some())
    }

    /// Reads the folder. `prompt`: the text of a prompt, with [`prompt::GOAL`] in it, for a model whose tokenizer
    /// has no marks of ours; without one such a tokenizer is an error. Errors name the file, the tensor or the key that is wrong ([`FailureKind::Corrupt`]),
    /// or the file that is missing ([`FailureKind::Usage`]).
    pub fn read(dir: &Path, prompt: Option<&str>) -> Result<Checkpoint> {
        let file = json(&dir.join(CONFIG))?;
        let mut config =
            LlamaConfig::from_json(&file).with_context(|| format!("in `{}`", dir.join(CONFIG).display()))?;
        // The graph has a table of angles for every position; prompts here are short.
        config.max_position_embeddings = config.max_position_embeddings.min(POSITIONS);
        let mut weights = Weights::default();
        for file in shards(dir)? {
            let shard = Weights::read(&dir.join(file))?;
            weights.tensors.extend(shard.tensors);
        }
        // Older checkpoints carry the rotary frequencies, which follow from the configuration.
        weights.tensors.retain(|name, _| !name.ends_with("rotary_emb.inv_freq"));
        if config.tie_word_embeddings {
            weights.tensors.remove("lm_head.weight");
        }
        let tokenizer = match prompt {
            None => Tokenizer::load(&dir.join(TOKENIZER)).map_err(|e| {
                e.context(format!("a model with another prompt needs `--prompt TEXT` with {GOAL} in it"))
            })?,
            Some(text) if text.contains(GOAL) => {
                let path = dir.join(TOKENIZER);
                let bytes =
                    std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
                Tokenizer::other(&bytes, end_token(&file)?, text)?
            }
            Some(text) => {
                return Err(Failure::new(FailureKind::Usage, format!("the prompt `{text}` has no {GOAL}"))
                    .hint(format!("{GOAL} says where the goal stands"))
                    .into());
            }
        };
        let training = match dir.join(TRAINING) {
            file if file.is_file() => json(&file)?,
            _ => Value::Null,
        };
        let layout = training["prompt_template"].as_str().unwrap_or(prompt::TEMPLATE);
        if layout != prompt::TEMPLATE {
            let message = format!(
                "the checkpoint was trained on the prompt layout `{layout}`, this program writes `{}`",
                prompt::TEMPLATE
            );
            return Err(Failure::new(FailureKind::Corrupt, message).hint("train it anew").into());
        }
        Ok(Checkpoint { config, weights, tokenizer, training })
    }

    /// Longest prompt and tactic: what it was trained with, else what its positions allow.
    pub fn limits(&self) -> Limits {
        let trained = serde_json::from_value(self.training["limits"].clone());
        trained.unwrap_or_else(|_| Limits::default().within(self.config.max_position_embeddings))
    }
}

/// The files that hold the tensors.
fn shards(dir: &Path) -> Result<BTreeSet<String>> {
    let index = dir.join(INDEX);
    if !index.is_file() {
        return Ok([WEIGHTS.to_owned()].into());
    }
    let map = json(&index)?["weight_map"].take();
    let files: BTreeSet<String> =
        map.as_object().into_iter().flatten().filter_map(|(_, f)| f.as_str().map(str::to_owned)).collect();
    let plain = |f: &String| Path::new(f).components().count() == 1 && !f.contains(['/', '\\']);
    if files.is_empty() || !files.iter().all(plain) {
        let message = format!("`{}` names no shards beside it", index.display());
        return Err(Failure::new(FailureKind::Corrupt, message).into());
    }
    Ok(files)
}

fn json(file: &Path) -> Result<Value> {
    let bytes = std::fs::read(file).map_err(|e| {
        Failure::new(FailureKind::Usage, format!("`{}` cannot be read: {e}", file.display())).hint(
            "a checkpoint has `config.json`, `tokenizer.json`, and `model.safetensors` or its shards with their \
             index; an export by Optimum has `model.onnx`, or `encoder_model.onnx` and `decoder_model_merged.onnx`",
        )
    })?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Failure::new(FailureKind::Corrupt, format!("`{}` is not JSON: {e}", file.display())).into()
    })
}
