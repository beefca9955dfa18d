//! The training loop. All knobs on top, each with its reason; then one step, and the loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::augment::RenameKnobs;
use super::batch::{Sequence, Table, plan, table};
use super::model::{Dropout, Llama, host};
use super::objective::{self, KtoKnobs, Objective};
use super::optimizer::{Optimizer, OptimizerKnobs};
use super::stream::{Data, Stream};

/// Everything that decides how a run goes; kept in its checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Knobs {
    /// What is minimised.
    pub objective: Objective,
    /// When to stop.
    pub until: Until,
    /// Tokens of a step, padding included, over all shards. Few: 300 steps of 1,024 tokens reached a lower
    /// held-out loss than 200 of 4,096.
    pub batch_tokens: usize,
    /// Parts of a step computed at the same time, each by a thread: the elementwise operations of the CPU
    /// backend use one core each. The sum does not depend on which thread finishes first.
    pub shards: usize,
    /// Weight of predicting the prompt as well: with little data it teaches what goals look like.
    pub prompt_weight: f64,
    /// Share of values dropped in supervised shards: with a few thousand steps a model otherwise learns
    /// them by heart long before it has learnt to prove.
    pub dropout: f64,
    /// Learning rate and its like.
    pub optimizer: OptimizerKnobs,
    /// Renaming of each example anew in every pass.
    pub rename: RenameKnobs,
    /// KTO's constants.
    pub kto: KtoKnobs,
    /// Weight of the supervised rehearsal beside KTO, which keeps it from forgetting.
    pub rehearsal: f64,
    /// Order, names and fresh weights follow from it.
    pub seed: u64,
    /// Steps between evaluations on held-out steps.
    pub eval_every: u64,
    /// At most so many held-out steps are evaluated, evenly chosen: all of them take longer than a short run.
    pub eval_rows: usize,
    /// Seconds between checkpoints.
    pub save_every_s: u64,
}

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs {
            objective: Objective::Sft,
            until: Until::Epochs(10.0),
            batch_tokens: 1024,
            shards: 2,
            prompt_weight: 0.1,
            dropout: 0.1,
            optimizer: OptimizerKnobs::default(),
            rename: RenameKnobs::default(),
            kto: KtoKnobs::default(),
            rehearsal: 1.0,
            seed: 1,
            eval_every: 100,
            eval_rows: 400,
            save_every_s: 45,
        }
    }
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// This many optimiser steps.
    Steps(u64),
    /// This many passes over the data.
    Epochs(f64),
    /// This much time; the learning rate's course follows the clock.
    Minutes(f64),
}

/// One part of a step.
#[derive(Debug, Clone)]
pub enum Shard {
    /// Cross-entropy; the weights of all shards of a step sum to one for the completions.
    Supervised {
        /// Tokens.
        table: Table,
        /// Weight of each place.
        weights: Vec<f32>,
    },
    /// KTO over whole completions.
    Kto {
        /// The judged completions.
        judged: Table,
        /// Log-probabilities of their completions under the base bundle.
        reference: Vec<f32>,
        /// +1 or −1 for each row.
        labels: Vec<f32>,
        /// Completions of other rows at these prompts, for the reference point.
        mismatched: Table,
        /// Their log-probabilities under the base bundle.
        mismatched_reference: Vec<f32>,
    },
}

/// What the loop tells while it runs.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A step is done.
    Step {
        /// Steps so far.
        step: u64,
        /// Passes over the data so far.
        epoch: u64,
        /// Share of the run that lies behind, 0..=1.
        done: f64,
        /// The step's loss.
        loss: f64,
        /// Learning rate.
        lr: f64,
        /// Global norm of the gradients before clipping.
        gradient_norm: f64,
        /// Tokens a second, padding left out, over the last steps.
        tokens_per_second: f64,
        /// Estimated seconds to the end.
        seconds_left: f64,
    },
    /// Held-out steps were evaluated.
    Evaluated {
        /// Steps so far.
        step: u64,
        /// The figures.
        #[serde(flatten)]
        evaluation: Evaluation,
    },
    /// A checkpoint was written.
    Saved {
        /// Steps so far.
        step: u64,
    },
    /// Something worth saying.
    Note {
        /// The text.
        message: String,
    },
}

/// Figures on steps that were not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Cross-entropy per token of the tactics, in nats.
    pub loss: f64,
    /// Share of tactic tokens that are the model's first choice.
    pub token_accuracy: f64,
    /// Share of tactics all of whose tokens are: what greedy decoding would write.
    pub exact: f64,
    /// Number of steps.
    pub steps: usize,
}

/// A run's state; a checkpoint holds all of it.
pub struct Run {
    /// The model.
    pub model: Llama,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Steps taken.
    pub step: u64,
    /// Seconds of training so far, over all sittings.
    pub seconds: f64,
    /// Tokens trained on, padding left out.
    pub tokens: u64,
    /// Place in the data.
    pub stream: Stream,
    /// Loss of each step.
    pub losses: Vec<f32>,
    /// Evaluations by step.
    pub evaluations: Vec<(u64, Evaluation)>,
}

/// Trains until the end or until `stop`; true if the end was reached. `save` writes a checkpoint.
pub fn learn(
    run: &mut Run,
    data: &Data,
    knobs: &Knobs,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Event),
    save: &mut dyn FnMut(&Run) -> Result<()>,
) -> Result<bool> {
    let mut clock = Instant::now();
    let mut saved = Instant::now();
    let (mut window_tokens, mut window_seconds) = (0u64, 0.0f64);
    loop {
        let done = run.done(knobs, data);
        if done >= 1.0 {
            return Ok(true);
        }
        if stop.load(Ordering::Relaxed) {
            save(run)?;
            return Ok(false);
        }
        let shards = run.stream.next_step(data, knobs)?;
        let (loss, gradients) = gradients(&run.model, &shards, knobs, run.step)?;
        let lr = knobs.optimizer.rate(run.step, done);
        let gradient_norm = run.optimizer.step(&mut run.model, gradients, lr)?;

        let tokens: u64 = shards.iter().map(Shard::tokens).sum();
        let seconds = clock.elapsed().as_secs_f64();
        clock = Instant::now();
        (run.step, run.tokens, run.seconds) = (run.step + 1, run.tokens + tokens, run.seconds + seconds);
        run.losses.push(loss as f32);
        (window_tokens, window_seconds) = (window_tokens + tokens, window_seconds + seconds);
        let done = run.done(knobs, data).min(1.0);
        tell(Event::Step {
            step: run.step,
            epoch: run.stream.epoch,
            done,
            loss,
            lr,
            gradient_norm,
            tokens_per_second: window_tokens as f64 / window_seconds,
            seconds_left: run.seconds / done.max(1e-9) * (1.0 - done),
        });
        if run.step.is_multiple_of(20) {
            (window_tokens, window_seconds) = (0, 0.0);
        }
        if run.step.is_multiple_of(knobs.eval_every) && done < 1.0 && !data.held_out.is_empty() {
            let evaluation = evaluate(&run.model, &data.held_out, data.pad, knobs.shards)?;
            run.evaluations.push((run.step, evaluation));
            tell(Event::Evaluated { step: run.step, evaluation });
            // Evaluating is no training time: `--minutes` counts it, the speed does not.
            run.seconds += clock.elapsed().as_secs_f64();
            clock = Instant::now();
        }
        if saved.elapsed() >= Duration::from_secs(knobs.save_every_s) {
            save(run)?;
            saved = Instant::now();
            tell(Event::Saved { step: run.step });
        }
    }
}

impl Run {
    /// Share of the run that lies behind.
    fn done(&self, knobs: &Knobs, data: &Data) -> f64 {
        match knobs.until {
            Until::Steps(n) => self.step as f64 / n.max(1) as f64,
            Until::Minutes(m) => self.seconds / (60.0 * m).max(1e-9),
            Until::Epochs(e) => self.stream.epochs_done(data) / e.max(1e-9),
        }
    }
}

impl Shard {
    /// Tokens that are no padding; both passes of KTO count.
    fn tokens(&self) -> u64 {
        let real = |t: &Table| t.batch.tokens.iter().filter(|t| **t != 0).count() as u64;
        match self {
            Shard::Supervised { table, .. } => real(table),
            Shard::Kto { judged, mismatched, .. } => real(judged) + real(mismatched),
        }
    }

    /// The shard's part of the step's loss.
    fn loss(&self, model: &Llama, knobs: &Knobs, dropout: Option<Dropout>) -> Result<Tensor<1>> {
        match self {
            Shard::Supervised { table, weights } => {
                let (log_probs, _) = model.target_log_probs_with(&table.batch, dropout);
                let weights = Tensor::<1>::from_data(weights.as_slice(), &model.device());
                Ok(objective::cross_entropy(log_probs, weights))
            }
            Shard::Kto { judged, reference, labels, mismatched, mismatched_reference } => {
                let elsewhere = host(sequence_log_probs(&model.frozen(), mismatched))?;
                let z0 = objective::reference_point(&elsewhere, mismatched_reference);
                let policy = sequence_log_probs(model, judged);
                let reference = Tensor::<1>::from_data(reference.as_slice(), &model.device());
                Ok(objective::kto(policy, reference, labels, z0, knobs.kto).mean())
            }
        }
    }
}

/// Log-probability of each row's completion, `[rows]`.
pub fn sequence_log_probs(model: &Llama, t: &Table) -> Tensor<1> {
    let (log_probs, _) = model.target_log_probs(&t.batch);
    let (rows, places) = (t.batch.rows, t.rows.len());
    let mut member = vec![0.0f32; rows * places];
    for (place, row) in t.rows.iter().enumerate() {
        member[row * places + place] = f32::from(u8::from(t.completion[place]));
    }
    let member = Tensor::<2>::from_data(TensorData::new(member, [rows, places]), &model.device());
    member.matmul(log_probs.unsqueeze_dim(1)).squeeze_dim(1)
}

/// Loss and gradients of a step, in the order of the model's tensors; a thread and a graph per shard.
fn gradients(model: &Llama, shards: &[Shard], knobs: &Knobs, step: u64) -> Result<(f64, Vec<Tensor<2>>)> {
    let numbered: Vec<(u64, &Shard)> = (0..).zip(shards).collect();
    let parts = in_threads(&numbered, |(number, shard)| {
        let replica = model.replica();
        let seed = knobs.seed ^ (step << 20) ^ (number << 8);
        let loss = shard.loss(&replica, knobs, Dropout::new(knobs.dropout, seed))?;
        let value = f64::from(host(loss.clone())?[0]);
        let mut grads = loss.backward();
        let zero = |t: &Tensor<2>| t.clone().inner().zeros_like();
        let all: Vec<Tensor<2>> =
            replica.tensors().iter().map(|t| t.grad_remove(&mut grads).unwrap_or_else(|| zero(t))).collect();
        Ok((value, all))
    })?;
    let (mut total, mut sum) = (0.0, Vec::new());
    for (value, all) in parts {
        total += value;
        sum = if sum.is_empty() { all } else { sum.into_iter().zip(all).map(|(a, b)| a + b).collect() };
    }
    anyhow::ensure!(total.is_finite(), "the loss is not finite: the learning rate is too high");
    Ok((total, sum))
}

/// Applies `f` to each item in a thread of its own; results in the items' order.
fn in_threads<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    if let [only] = items {
        return Ok(vec![f(only)?]);
    }
    std::thread::scope(|scope| {
        let handles: Vec<_> = items.iter().map(|item| scope.spawn(|| f(item))).collect();
        handles
            .into_iter()
            .map(|h| h.join().map_err(|_| anyhow::anyhow!("a training thread failed"))?)
            .collect()
    })
}

/// Loss and accuracy on sequences, without gradients.
pub fn evaluate(model: &Llama, sequences: &[Sequence], pad: u32, threads: usize) -> Result<Evaluation> {
    let model = model.frozen();
    let groups = groups(sequences);
    let parts: Vec<&[Vec<usize>]> = groups.chunks(groups.len().div_ceil(threads.max(1)).max(1)).collect();
    let sums = in_threads(&parts, |part| {
        let (mut loss, mut right, mut exact, mut tokens) = (0.0, 0, 0, 0);
        for group in *part {
            let rows: Vec<&Sequence> = group.iter().map(|&i| &sequences[i]).collect();
            let t = table(&rows, pad, false);
            let (log_probs, logits) = model.target_log_probs(&t.batch);
            loss -= host(log_probs)?.iter().map(|&x| f64::from(x)).sum::<f64>();
            let chosen: Vec<i64> = logits
                .argmax(1)
                .into_data()
                .convert::<i64>()
                .try_into_vec()
                .map_err(|e| anyhow::anyhow!("reading a tensor: {e:?}"))?;
            let mut wrong = vec![false; t.batch.rows];
            for ((choice, target), row) in chosen.iter().zip(&t.batch.targets).zip(&t.rows) {
                match *choice == i64::from(*target) {
                    true => right += 1,
                    false => wrong[*row] = true,
                }
            }
            exact += wrong.iter().filter(|w| !**w).count();
            tokens += t.rows.len();
        }
        Ok((loss, right, exact, tokens))
    })?;
    let (loss, right, exact, tokens) =
        sums.into_iter().fold((0.0, 0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2, a.3 + b.3));
    let n = tokens.max(1) as f64;
    Ok(Evaluation {
        loss: loss / n,
        token_accuracy: right as f64 / n,
        exact: exact as f64 / sequences.len().max(1) as f64,
        steps: sequences.len(),
    })
}

/// Log-probability of each sequence's completion.
pub fn completion_log_probs(model: &Llama, sequences: &[Sequence], pad: u32) -> Result<Vec<f32>> {
    let model = model.frozen();
    let mut all = vec![0.0; sequences.len()];
    for group in groups(sequences) {
        let rows: Vec<&Sequence> = group.iter().map(|&i| &sequences[i]).collect();
        let values = host(sequence_log_probs(&model, &table(&rows, pad, false)))?;
        for (i, value) in group.into_iter().zip(values) {
            all[i] = value;
        }
    }
    Ok(all)
}

fn groups(sequences: &[Sequence]) -> Vec<Vec<usize>> {
    use rand::SeedableRng;
    let lengths: Vec<usize> = sequences.iter().map(|s| s.tokens.len()).collect();
    plan(&lengths, 2048, &mut rand_chacha::ChaCha8Rng::seed_from_u64(0))
}

/// The device of a name: `cpu`, or a GPU backend that this program was built with.
pub fn device(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(0)),
        #[cfg(feature = "vulkan")]
        "vulkan" => Ok(Device::vulkan(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "metal")]
        "metal" => Ok(Device::metal(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        other => Err(crate::error::Failure::new(
            crate::error::FailureKind::Usage,
            format!("this program cannot train on `{other}`"),
        )
        .hint(format!("build it with `--features {other}`, or use `--device cpu`")))
        .context("choosing the device"),
    }
}
