//! A run on disk: one safetensors file that describes itself (weights, moments, and in its header the
//! knobs, the place in the data, the tokenizer and the history), replaced as a whole.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::Device;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::learn::{Evaluation, Knobs, Run};
use super::model::Llama;
use super::optimizer::Optimizer;
use super::stream::Stream;
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::LlamaConfig;
use crate::policy::prompt::Limits;
use crate::policy::tokenizer::Tokenizer;
use crate::policy::weights::Weights;

const FORMAT: u32 = 1;

/// What a checkpoint says beside its tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    format: u32,
    /// The run's knobs.
    pub knobs: Knobs,
    /// `config.json` of the model.
    pub config: Value,
    /// `tokenizer.json` of the model.
    pub tokenizer: String,
    /// Longest prompt and tactic.
    pub limits: Limits,
    /// Id of the bundle that the run began with; none from scratch.
    pub base: Option<String>,
    /// SHA-256 over the training data.
    pub data_sha256: String,
    /// Losses before the run: on what it learns from, and held out.
    pub before: (f64, f64),
    step: u64,
    seconds: f64,
    tokens: u64,
    epoch: u64,
    index: usize,
    adam_steps: usize,
    losses: Vec<f32>,
    evaluations: Vec<(u64, Evaluation)>,
}

/// What stays the same over a run.
pub struct Constants<'a> {
    /// The knobs.
    pub knobs: &'a Knobs,
    /// The tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Longest prompt and tactic.
    pub limits: Limits,
    /// Id of the base bundle.
    pub base: Option<&'a str>,
    /// SHA-256 over the training data.
    pub data_sha256: &'a str,
    /// Losses before the run.
    pub before: (f64, f64),
}

/// Writes the run beside its place and renames it there.
pub fn save(file: &Path, run: &Run, c: &Constants<'_>) -> Result<()> {
    let names: Vec<String> = run.model.config.tensors().into_iter().map(|(name, _)| name).collect();
    let (mut tensors, adam_steps) = run.optimizer.moments(&names)?;
    for (name, (_, data)) in run.model.weights()?.tensors {
        tensors.insert(format!("w.{name}"), data);
    }
    let header = Header {
        format: FORMAT,
        knobs: c.knobs.clone(),
        config: run.model.config.to_json(c.tokenizer.special()),
        tokenizer: c.tokenizer.to_json()?,
        limits: c.limits,
        base: c.base.map(str::to_owned),
        data_sha256: c.data_sha256.to_owned(),
        before: c.before,
        step: run.step,
        seconds: run.seconds,
        tokens: run.tokens,
        epoch: run.stream.epoch,
        index: run.stream.index,
        adam_steps,
        losses: run.losses.clone(),
        evaluations: run.evaluations.clone(),
    };
    let bytes: Vec<(String, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, data)| (name, data.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let views = bytes.iter().map(|(name, b)| Ok((name, TensorView::new(Dtype::F32, vec![b.len() / 4], b)?)));
    let views: Vec<_> = views.collect::<Result<_>>()?;
    let metadata = [("run".to_owned(), serde_json::to_string(&header)?)].into();
    let content = safetensors::serialize(views, Some(metadata)).context("writing a checkpoint")?;
    let context = || format!("cannot write the checkpoint `{}`", file.display());
    let folder = file.parent().context("a checkpoint needs a folder")?;
    std::fs::create_dir_all(folder).with_context(context)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder).with_context(context)?;
    temporary.write_all(&content).with_context(context)?;
    temporary.as_file().sync_all().with_context(context)?;
    temporary.persist(file).with_context(context)?;
    Ok(())
}

/// Reads a run back.
pub fn load(file: &Path, device: &Device) -> Result<(Header, Tokenizer, Run)> {
    let broken = |what: String| {
        Failure::new(FailureKind::Corrupt, format!("the checkpoint `{}`: {what}", file.display()))
            .hint("remove it and start the run again")
    };
    let bytes = std::fs::read(file).map_err(|e| {
        Failure::new(FailureKind::Usage, format!("no checkpoint can be read at `{}`: {e}", file.display()))
            .hint("start the run without `--resume`")
    })?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| broken(e.to_string()))?;
    let text = metadata.metadata().as_ref().and_then(|m| m.get("run"));
    let text = text.ok_or_else(|| broken("it has no description".into()))?;
    let header: Header = serde_json::from_str(text).map_err(|e| broken(e.to_string()))?;
    if header.format != FORMAT {
        return Err(broken(format!("it has format {}, this program reads {FORMAT}", header.format)).into());
    }
    let all = SafeTensors::deserialize(&bytes).map_err(|e| broken(e.to_string()))?;
    let mut tensors: BTreeMap<String, Vec<f32>> = all
        .iter()
        .map(|(name, view)| {
            let data = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            (name.to_owned(), data)
        })
        .collect();
    let config = LlamaConfig::from_json(&header.config)?;
    let mut weights = Weights::default();
    let mut names = Vec::new();
    for (name, shape) in config.tensors() {
        let data =
            tensors.remove(&format!("w.{name}")).ok_or_else(|| broken(format!("`{name}` is missing")))?;
        if data.len() != shape.iter().product::<usize>() {
            return Err(broken(format!("`{name}` has another size")).into());
        }
        weights.insert(name.clone(), shape, data);
        names.push(name);
    }
    let model = Llama::new(&config, &weights, device)?;
    let mut optimizer = Optimizer::new(&header.knobs.optimizer, names.len());
    optimizer.restore(&model, &names, tensors, header.adam_steps, device)?;
    let run = Run {
        model,
        optimizer,
        step: header.step,
        seconds: header.seconds,
        tokens: header.tokens,
        stream: Stream::at(header.epoch, header.index),
        losses: header.losses.clone(),
        evaluations: header.evaluations.clone(),
    };
    let tokenizer = Tokenizer::from_bytes(header.tokenizer.as_bytes())?;
    Ok((header, tokenizer, run))
}
