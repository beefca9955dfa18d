//! The training loop. All knobs on top, each with its reason; then one step, and the loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::augment::RenameKnobs;
use super::batch::Table;
use super::compute::{Engine, evaluate};
use super::model::Llama;
use super::objective::{KtoKnobs, Objective};
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
        let (loss, gradients) = Engine::of(&run.model)?.step(&shards, knobs, run.step)?;
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
    pub fn tokens(&self) -> u64 {
        let real = |t: &Table| t.batch.tokens.iter().filter(|t| **t != 0).count() as u64;
        match self {
            Shard::Supervised { table, .. } => real(table),
            Shard::Kto { judged, mismatched, .. } => real(judged) + real(mismatched),
        }
    }
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
