//! Trained weights → a bundle: rounded, written, opened again, and compared with what ONNX Runtime
//! computes from the very files.

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::Device;
use serde::Serialize;

use super::batch::Sequence;
use super::model::{Llama, TokenBatch, host};
use super::stream::Data;
use crate::config::DeviceChoice;
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::{Bundle, BundleWriter};
use crate::policy::checkpoint::Checkpoint;
use crate::policy::sampling::{GenerationParams, Method};
use crate::policy::session::{Cancel, PolicySession};

/// Largest difference of a logit between trainer and ONNX Runtime at which a bundle is published.
pub const PARITY_LIMIT: f64 = 1e-3;

/// A bundle that passed the parity check, in a place of its own beside its target: a bundle in use is never replaced by
/// one that fails.
pub struct Staged {
    /// The bundle.
    pub bundle: Bundle,
    /// The largest difference of a logit that was found.
    pub difference: f64,
    _folder: tempfile::TempDir,
}

/// Writes a bundle to `target`, which appears only if it passes the parity check. Returns it with the
/// largest difference found.
pub fn publish(
    writer: &BundleWriter<'_>,
    target: &Path,
    prompts: &[Vec<u32>],
    device: &Device,
    ort_library: &Path,
) -> Result<(Bundle, f64)> {
    let staged = stage(writer, target, prompts, device, ort_library)?;
    Ok((writer.write(target)?, staged.difference))
}

/// Writes a bundle beside `target` and checks it there.
pub fn stage(
    writer: &BundleWriter<'_>,
    target: &Path,
    prompts: &[Vec<u32>],
    device: &Device,
    ort_library: &Path,
) -> Result<Staged> {
    let target = std::path::absolute(target)?;
    let parent = target.parent().context("a bundle needs a folder to stand in")?;
    std::fs::create_dir_all(parent).with_context(|| format!("cannot make `{}`", parent.display()))?;
    let staging = tempfile::Builder::new().prefix(".publish-").tempdir_in(parent)?;
    let staged = writer.write(&staging.path().join("bundle"))?;
    let difference = parity(&staged, prompts, device, ort_library)?;
    // Written so that a difference that is no number fails too.
    let agrees = difference < PARITY_LIMIT;
    if !agrees {
        return Err(Failure::new(
            FailureKind::Other,
            format!(
                "the new bundle was not published: ONNX Runtime's logits differ from the trainer's by \
                 {difference:.2e}, the limit is {PARITY_LIMIT:.0e}"
            ),
        )
        .hint("the bundle in use stays; please report this with `lean-copilot runtime status`")
        .into());
    }
    Ok(Staged { bundle: staged, difference, _folder: staging })
}

/// What a beam search of eight finds of the author's tactics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Beams {
    /// Share of steps whose tactic is the likeliest found.
    pub exact_at_1: f64,
    /// Share of steps whose tactic is among the eight.
    pub exact_at_8: f64,
    /// Number of steps.
    pub steps: usize,
}

/// Decodes some of the sequences' prompts with the bundle as it is used, in ONNX Runtime on the CPU; tactics are
/// compared as texts.
pub fn beams(bundle: &Bundle, some: &[&Sequence], ort_library: &Path) -> Result<Beams> {
    let mut session = PolicySession::load(bundle, ort_library, DeviceChoice::Cpu, None)?;
    let params = GenerationParams { k: 8, max_tokens: bundle.limits().tactic_tokens, method: Method::Beam };
    let (mut first, mut among) = (0, 0);
    for s in some {
        let (prompt, tactic) = s.tokens.split_at(s.prompt);
        let wanted = bundle.tokenizer.decode(tactic);
        let found = session.generate(prompt, &params, &Cancel::default())?;
        let place = found.iter().position(|g| g.text.trim_end() == wanted.trim_end());
        first += usize::from(place == Some(0));
        among += usize::from(place.is_some());
    }
    let share = |n: usize| n as f64 / some.len().max(1) as f64;
    Ok(Beams { exact_at_1: share(first), exact_at_8: share(among), steps: some.len() })
}

/// The text of `card.md` for a checkpoint that was trained elsewhere, with or without a picture of its losses.
pub fn imported_card(name: &str, checkpoint: &Checkpoint, curve: bool) -> String {
    super::card::imported(name, checkpoint.config.parameters(), &checkpoint.training, curve)
}

/// The largest difference between the logits of the published, rounded weights in the trainer (fp32) and
/// those of ONNX Runtime.
pub fn parity(bundle: &Bundle, prompts: &[Vec<u32>], device: &Device, ort_library: &Path) -> Result<f64> {
    let model = Llama::new(bundle.llama()?, &bundle.weights()?, device)?;
    let mut session = PolicySession::load(bundle, ort_library, DeviceChoice::Cpu, None)
        .context("comparing the trainer with ONNX Runtime")?;
    let mut worst = 0.0f64;
    for prompt in prompts {
        let theirs = session.logits(prompt).context("comparing the trainer with ONNX Runtime")?;
        let ours = all_logits(&model, prompt)?;
        anyhow::ensure!(ours.len() == theirs.len(), "ONNX Runtime's logits have another shape");
        for (a, b) in ours.iter().zip(theirs.iter()) {
            let d = f64::from((a - b).abs());
            // A logit that is no number must not pass as equal.
            worst = if d.is_nan() { f64::INFINITY } else { worst.max(d) };
        }
    }
    Ok(worst)
}

/// The logits after every token of a sequence, row by row.
pub fn all_logits(model: &Llama, tokens: &[u32]) -> Result<Vec<f32>> {
    let batch = TokenBatch { rows: 1, width: tokens.len(), tokens: tokens.to_vec(), ..TokenBatch::default() };
    host(model.logits(model.hidden(&batch)))
}

/// Some sequences of different lengths to compare logits on.
pub fn parity_prompts(data: &Data, count: usize) -> Vec<Vec<u32>> {
    let mut all: Vec<&Sequence> =
        data.held_out.iter().chain(data.judged.iter().map(|j| &j.sequence)).collect();
    all.sort_by_key(|s| s.tokens.len());
    let stride = (all.len() / count.max(1)).max(1);
    // A session takes one token less than there are positions, so that it can write one.
    let room = data.limits.prompt_tokens + data.limits.tactic_tokens - 1;
    let prompt = |s: &&Sequence| s.tokens.iter().copied().take(room).collect();
    all.iter().rev().step_by(stride).take(count).map(prompt).collect()
}

/// The loss of KTO over all judged rows, with the reference point taken over all of them.
pub fn judged_loss(model: &Llama, data: &Data, knobs: super::objective::KtoKnobs) -> Result<f64> {
    use super::compute::completion_log_probs;
    let of = |pick: fn(&super::stream::Judged) -> &Sequence| -> Vec<Sequence> {
        data.judged.iter().map(|j| pick(j).clone()).collect()
    };
    let elsewhere = completion_log_probs(model, &of(|j| &j.mismatched), data.pad)?;
    let there: Vec<f32> = data.judged.iter().map(|j| j.mismatched_reference).collect();
    let z0 = super::objective::reference_point(&elsewhere, &there);
    let policy = completion_log_probs(model, &of(|j| &j.sequence), data.pad)?;
    let reference: Vec<f32> = data.judged.iter().map(|j| j.reference).collect();
    let labels: Vec<f32> = data.judged.iter().map(|j| if j.label { 1.0 } else { -1.0 }).collect();
    let vector = |v: &[f32]| burn::tensor::Tensor::<1>::from_data(v, &model.device());
    let loss = super::objective::kto(vector(&policy), vector(&reference), &labels, z0, knobs).mean();
    Ok(f64::from(host(loss)?[0]))
}
