//! A whole run: data and base bundle in, a new bundle in use out.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::Device;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::batch::{Sequence, encode};
use super::checkpoint::{self, Constants};
use super::dataset::{HeldOut, LabelledRow, LeftOut, Step};
use super::learn::{self, Evaluation, Event, Knobs, Run};
use super::model::{self, Llama};
use super::objective::Objective;
use super::optimizer::Optimizer;
use super::publish::{self, Beams};
use super::stream::{Data, Judged, Stream};
use super::{card, compute, curve, dataset};
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::{Bundle, BundleWriter, Family, LlamaConfig};
use crate::policy::prompt::{self, Limits};
use crate::policy::tokenizer::Tokenizer;
use crate::proof::{Goal, ProofStep};

/// Where a run begins.
#[derive(Debug, Clone)]
pub enum Base {
    /// Fresh weights and a tokenizer learnt from the data.
    Scratch(Shape),
    /// A bundle, which is also KTO's reference.
    Bundle(PathBuf),
}

/// The shape of a fresh model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Entries of the tokenizer's vocabulary.
    pub vocab: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Blocks.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Heads of keys and values; divides `heads`. Fewer of them make the cache and the model smaller.
    pub kv_heads: usize,
    /// Width of the gated MLP.
    pub mlp: usize,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { vocab: 1500, hidden: 256, layers: 5, heads: 8, kv_heads: 8, mlp: 640 }
    }
}

/// What to do, decided by the command line.
#[derive(Debug, Clone)]
pub struct Finetune {
    /// The beginning.
    pub base: Base,
    /// How to learn.
    pub knobs: Knobs,
    /// Traced steps to learn from, or to rehearse.
    pub steps: Vec<ProofStep>,
    /// Traced steps to measure by; none: about every twelfth step of `steps` is kept for that, in whole files where
    /// there are several, else in whole declarations.
    pub held_out: Vec<ProofStep>,
    /// Declarations that no training may see.
    pub held_out_list: HeldOut,
    /// Judged tactics, for KTO.
    pub judged: Vec<LabelledRow>,
    /// The new bundle's name.
    pub name: String,
    /// The new bundle's folder.
    pub target: PathBuf,
    /// The checkpoint's file.
    pub checkpoint: PathBuf,
    /// Held-out steps to decode with beams at the end; 0: none.
    pub beam_rows: usize,
    /// Go on where the checkpoint ends.
    pub resume: bool,
    /// `cpu`, or a GPU backend that the program was built with.
    pub device: String,
    /// ONNX Runtime's shared library, for the parity check.
    pub ort_library: PathBuf,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct FinetuneReport {
    /// The objective.
    pub objective: Objective,
    /// The objective's loss on the rows learnt from, before.
    pub loss_before: f64,
    /// And after.
    pub loss_after: f64,
    /// Cross-entropy per token on held-out steps, before.
    pub heldout_before: f64,
    /// And after, with the published weights.
    pub heldout_after: f64,
    /// Share of held-out tactics that greedy decoding writes exactly.
    pub heldout_exact: f64,
    /// What a beam search of eight finds on some of them; none where that was not asked for.
    pub heldout_beams: Option<Beams>,
    /// Number of held-out steps.
    pub heldout_steps: usize,
    /// Largest difference of logits between trainer and ONNX Runtime.
    pub parity_max_abs_diff: f64,
    /// Id of the bundle that the run began with.
    pub bundle_before: Option<String>,
    /// Id of the new bundle.
    pub bundle: String,
    /// Its folder.
    pub path: PathBuf,
    /// Whether it is in use now.
    pub in_use: bool,
    /// Rows of the objective: judged tactics, or steps.
    pub rows: usize,
    /// Steps of the rehearsal, or the same as `rows`.
    pub proof_steps: usize,
    /// What was left out of the data.
    pub left_out: LeftOut,
    /// Optimiser steps.
    pub steps: u64,
    /// Tokens trained on, padding left out.
    pub tokens: u64,
    /// Tokens a second.
    pub tokens_per_second: f64,
    /// Parameters of the model.
    pub parameters: usize,
    /// Time of the whole run, in milliseconds.
    pub elapsed_ms: f64,
}

/// The end of a run that was not interrupted.
pub struct Finished {
    /// The figures; `in_use` is still false.
    pub report: FinetuneReport,
    /// Whether the held-out loss rose by no more than 2 %.
    pub good: bool,
}

impl Finetune {
    /// Runs to the end and publishes the bundle, or saves and fails with `Interrupted` when `stop` is set.
    /// Nothing is put into use here.
    pub fn run(&self, stop: &AtomicBool, tell: &mut dyn FnMut(Event)) -> Result<Finished> {
        let begun = Instant::now();
        let device = learn::device(&self.device)?;
        let (mut train, left_out) = dataset::collect(&self.steps, &self.held_out_list)?;
        let held_out = match self.held_out.is_empty() {
            false => dataset::collect(&self.held_out, &HeldOut::default())?.0,
            true => {
                let (kept, measured) = dataset::split(train, 12);
                train = kept;
                measured
            }
        };
        let sha256 = fingerprint(&train, &self.judged);

        let (mut run, tokenizer, limits, base, knobs, saved) = if self.resume {
            let (header, tokenizer, run) = checkpoint::load(&self.checkpoint, &device)?;
            if header.data_sha256 != sha256 {
                return Err(Failure::new(
                    FailureKind::Usage,
                    format!("the data are not those of the checkpoint `{}`", self.checkpoint.display()),
                )
                .hint("give the same `--data`, or start the run without `--resume`")
                .into());
            }
            (run, tokenizer, header.limits, header.base, header.knobs, Some(header.before))
        } else {
            let (model, tokenizer, limits, base) = self.begin(&train, &device)?;
            let optimizer = Optimizer::new(&self.knobs.optimizer, model.tensors().len());
            let run = Run {
                model,
                optimizer,
                step: 0,
                seconds: 0.0,
                tokens: 0,
                stream: Stream::default(),
                losses: Vec::new(),
                evaluations: Vec::new(),
            };
            (run, tokenizer, limits, base, self.knobs.clone(), None)
        };

        // A resumed run's reference is its base bundle, not the weights of the checkpoint.
        let reference = match &self.base {
            Base::Bundle(dir) if self.resume => {
                let bundle = Bundle::open(dir)?;
                Llama::new(bundle.llama()?, &bundle.weights()?, &device)?
            }
            _ => run.model.clone(),
        };
        let data = prepare(train, &held_out, &self.judged, tokenizer, limits, &knobs, &reference)?;
        let learnt_from = sample(&data.steps, knobs.eval_rows, &data.tokenizer, limits);
        let objective_loss = |model: &Llama| match knobs.objective {
            Objective::Sft => compute::evaluate(model, &learnt_from, data.pad, knobs.shards).map(|e| e.loss),
            Objective::Kto => publish::judged_loss(model, &data, knobs.kto),
        };
        let before = match saved {
            Some(before) => before,
            None => (objective_loss(&run.model)?, self.measure(&run.model, &data, &knobs)?.loss),
        };
        tell(Event::Note {
            message: format!(
                "{} steps, {} judged tactics, {} held-out steps; {:.2} M parameters; held-out loss {:.3}",
                data.steps.len(),
                data.judged.len(),
                data.held_out.len(),
                run.model.config.parameters() as f64 / 1e6,
                before.1
            ),
        });

        let constants = Constants {
            knobs: &knobs,
            tokenizer: &data.tokenizer,
            limits,
            base: base.as_deref(),
            data_sha256: &sha256,
            before,
        };
        let mut save = |run: &Run| checkpoint::save(&self.checkpoint, run, &constants);
        if !learn::learn(&mut run, &data, &knobs, stop, tell, &mut save)? {
            return Err(Failure::new(
                FailureKind::Interrupted,
                format!("stopped after step {}; the bundle in use is the old one", run.step),
            )
            .hint(format!("the same command with `--resume` goes on from `{}`", self.checkpoint.display()))
            .into());
        }

        let mut weights = run.model.weights()?;
        weights.round();
        let rounded = Llama::new(&run.model.config, &weights, &device)?;
        let (loss_after, after) = (objective_loss(&rounded)?, self.measure(&rounded, &data, &knobs)?);
        run.evaluations.push((run.step, after));
        let mut report = FinetuneReport {
            objective: knobs.objective,
            loss_before: before.0,
            loss_after,
            heldout_before: before.1,
            heldout_after: after.loss,
            heldout_exact: after.exact,
            heldout_beams: None,
            heldout_steps: after.steps,
            parity_max_abs_diff: f64::NAN,
            bundle_before: base.clone(),
            bundle: String::new(),
            path: self.target.clone(),
            in_use: false,
            rows: if knobs.objective == Objective::Kto { data.judged.len() } else { data.steps.len() },
            proof_steps: data.steps.len(),
            left_out,
            steps: run.step,
            tokens: run.tokens,
            tokens_per_second: run.tokens as f64 / run.seconds.max(1e-9),
            parameters: run.model.config.parameters(),
            elapsed_ms: 0.0,
        };
        let writer = BundleWriter {
            name: &self.name,
            config: &run.model.config,
            tokenizer: &data.tokenizer,
            weights: &weights,
            limits,
            base,
            training: serde_json::Value::Null,
            card: "",
            curve: None,
        };
        let prompts = publish::parity_prompts(&data, 6);
        let staged = publish::stage(&writer, &self.target, &prompts, &device, &self.ort_library)?;
        report.parity_max_abs_diff = staged.difference;
        let stride = data.held_out.len().div_ceil(self.beam_rows.max(1)).max(1);
        let some: Vec<&Sequence> = data.held_out.iter().step_by(stride).take(self.beam_rows).collect();
        if !some.is_empty() {
            tell(Event::Note { message: format!("decoding {} held-out steps", some.len()) });
            report.heldout_beams = Some(publish::beams(&staged.bundle, &some, &self.ort_library)?);
        }
        let card = card::text(&self.name, &report, &knobs, &run.evaluations, &self.device);
        let curve = curve::svg(&self.name, &curve::lines(&run, before.1))?;
        let training = card::summary(&report, &knobs, &run.evaluations);
        let bundle =
            BundleWriter { training, card: &card, curve: curve.as_deref(), ..writer }.write(&self.target)?;
        // The run is in the bundle now; a leftover checkpoint would only invite to resume it.
        if let Err(e) = std::fs::remove_file(&self.checkpoint)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            return Err(e).with_context(|| format!("cannot remove `{}`", self.checkpoint.display()));
        }
        report.bundle = bundle.id();
        report.elapsed_ms = begun.elapsed().as_secs_f64() * 1e3;
        let good = report.heldout_after <= 1.02 * report.heldout_before || data.held_out.is_empty();
        Ok(Finished { report, good })
    }

    fn measure(&self, model: &Llama, data: &Data, knobs: &Knobs) -> Result<Evaluation> {
        compute::evaluate(model, &data.held_out, data.pad, knobs.shards)
    }

    /// Model, tokenizer, limits and base id at the beginning.
    fn begin(&self, train: &[Step], device: &Device) -> Result<(Llama, Tokenizer, Limits, Option<String>)> {
        match &self.base {
            Base::Bundle(dir) => {
                let bundle = own(dir)?;
                let model = Llama::new(bundle.llama()?, &bundle.weights()?, device)?;
                Ok((model, bundle.tokenizer.clone(), bundle.limits(), Some(bundle.id())))
            }
            Base::Scratch(shape) => {
                let limits = Limits::default();
                let tokenizer = learn_tokenizer(train, shape.vocab, &self.knobs)?;
                let config = shape.config(&tokenizer, limits)?;
                let weights = model::initial(&config, self.knobs.seed);
                Ok((Llama::new(&config, &weights, device)?, tokenizer, limits, None))
            }
        }
    }
}

/// Opens a bundle that can be trained on: one whose prompts are ours.
pub(super) fn own(dir: &Path) -> Result<Bundle> {
    let bundle = Bundle::open(dir)?;
    if *bundle.tokenizer.layout() != prompt::Layout::GoalFirst {
        let message = format!("`{}` has a prompt of its own and cannot be trained here", bundle.id());
        return Err(Failure::new(FailureKind::Usage, message)
            .hint("train it where it came from, on what `lean-copilot export-feedback` writes")
            .into());
    }
    Ok(bundle)
}

impl Shape {
    /// The architecture of this shape for a tokenizer.
    pub fn config(&self, tokenizer: &Tokenizer, limits: Limits) -> Result<LlamaConfig> {
        let config = LlamaConfig {
            // A multiple of 8 keeps rows aligned; the rows above the vocabulary are never chosen.
            vocab_size: tokenizer.vocab_size().next_multiple_of(8),
            hidden_size: self.hidden,
            intermediate_size: self.mlp,
            num_hidden_layers: self.layers,
            num_attention_heads: self.heads,
            num_key_value_heads: self.kv_heads,
            head_dim: self.hidden / self.heads.max(1),
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-5,
            max_position_embeddings: limits.prompt_tokens + limits.tactic_tokens,
            tie_word_embeddings: true,
            family: Family::default(),
        };
        config.check().map_err(|e| Failure::new(FailureKind::Usage, e))?;
        Ok(config)
    }
}

/// A tokenizer from the steps' texts, as written and once renamed, so that the names that renaming brings
/// in are not spelt letter by letter.
pub(super) fn learn_tokenizer(train: &[Step], vocab: usize, knobs: &Knobs) -> Result<Tokenizer> {
    use rand::SeedableRng;
    if train.is_empty() {
        return Err(Failure::new(FailureKind::Usage, "there are no steps to learn from")
            .hint("give files of `lean-copilot trace` with `--data`")
            .into());
    }
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(knobs.seed);
    let mut texts = Vec::new();
    for s in train {
        texts.extend([prompt::goal_text(&s.goal), s.tactic.clone()]);
        let (goal, tactic) = super::augment::augment(&s.goal, &s.tactic, knobs.rename, &mut rng);
        texts.extend([prompt::goal_text(&goal), tactic]);
    }
    Tokenizer::train(texts.into_iter(), vocab)
}

/// Encodes what is measured and judged; the steps are encoded anew in every pass.
fn prepare(
    steps: Vec<Step>,
    held_out: &[Step],
    rows: &[LabelledRow],
    tokenizer: Tokenizer,
    limits: Limits,
    knobs: &Knobs,
    reference: &Llama,
) -> Result<Data> {
    let pad = tokenizer.special().pad;
    let held_out = sample(held_out, knobs.eval_rows, &tokenizer, limits);
    let mut judged = Vec::new();
    if knobs.objective == Objective::Kto {
        let mut seen = HashSet::new();
        let usable: Vec<(Goal, &LabelledRow, Sequence)> = rows
            .iter()
            .filter(|r| seen.insert((&r.prompt, r.completion.trim(), r.label)))
            .filter_map(|r| {
                let goal = Goal::parse(&r.prompt);
                encode(&tokenizer, &goal, &r.completion, limits).map(|s| (goal, r, s))
            })
            .collect();
        if usable.is_empty() {
            return Err(Failure::new(FailureKind::Usage, "there is no feedback to learn from yet")
                .hint("work with suggestions first, or use `--objective sft --data steps.jsonl`")
                .into());
        }
        let mismatched: Vec<Sequence> = (0..usable.len())
            .map(|i| {
                let (goal, row, own) = &usable[i];
                // The next row with another tactic; with one tactic only there is no mismatch to be had.
                let other = (1..usable.len())
                    .map(|d| &usable[(i + d) % usable.len()].1.completion)
                    .find(|c| c.trim() != row.completion.trim());
                other.and_then(|c| encode(&tokenizer, goal, c, limits)).unwrap_or_else(|| own.clone())
            })
            .collect();
        let sequences: Vec<Sequence> = usable.iter().map(|(_, _, s)| s.clone()).collect();
        let there = compute::completion_log_probs(reference, &sequences, pad)?;
        let elsewhere = compute::completion_log_probs(reference, &mismatched, pad)?;
        for (i, (_, row, sequence)) in usable.iter().enumerate() {
            judged.push(Judged {
                sequence: sequence.clone(),
                mismatched: mismatched[i].clone(),
                label: row.label,
                reference: there[i],
                mismatched_reference: elsewhere[i],
            });
        }
    }
    Ok(Data { steps, judged, held_out, tokenizer, limits, pad })
}

/// At most so many of the steps, evenly chosen, as they are written.
fn sample(steps: &[Step], rows: usize, tokenizer: &Tokenizer, limits: Limits) -> Vec<Sequence> {
    let stride = steps.len().div_ceil(rows.max(1)).max(1);
    let some = steps.iter().step_by(stride);
    some.filter_map(|s| encode(tokenizer, &s.goal, &s.tactic, limits)).collect()
}

fn fingerprint(steps: &[Step], judged: &[LabelledRow]) -> String {
    let mut hash = Sha256::new();
    for s in steps {
        hash.update(s.goal.text.as_bytes());
        hash.update([0]);
        hash.update(s.tactic.as_bytes());
        hash.update([0]);
    }
    for r in judged {
        hash.update(r.prompt.as_bytes());
        hash.update([0, u8::from(r.label)]);
        hash.update(r.completion.as_bytes());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// The default file of a run's checkpoint.
pub fn checkpoint_file(data: &Path, name: &str) -> PathBuf {
    data.join("training").join(format!("{name}.checkpoint"))
}
