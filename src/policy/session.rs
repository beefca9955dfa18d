//! A bundle in ONNX Runtime: generation with a key–value cache, and plain logits. The one file that names
//! `ort`.
//!
//! The prompt is computed once; its cache rows become K rows, which then decode together: on the CPU in single
//! precision with a cache that is written in place ([`in_place`]), on CUDA in half precision with a cache that
//! stays on the device ([`gathered`]).

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use ndarray::Array2;
use ort::environment::Environment;
use ort::ep;
use ort::memory::Allocator;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use super::bundle::{Bundle, GRAPH, LlamaConfig, WEIGHTS};
use super::onnx::{self, CACHE_ROWS, Precision, past_name, present_name};
use super::prompt::Limits;
use super::sampling::{GenerationParams, Search, Sequence};
use super::tokenizer::Tokenizer;
use super::weights;
use crate::config::DeviceChoice;
use crate::error::{Failure, FailureKind};

mod cuda;
mod gathered;
mod in_place;
mod int8;

pub use cuda::LIBRARY_DIRS;
use gathered::Gathered;
use in_place::InPlace;

/// Stops a generation from another thread, within one step. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks for the stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A whole tactic that the model wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// Its tokens, without the end mark.
    pub tokens: Vec<u32>,
    /// Its text.
    pub text: String,
    /// Natural logarithm of its probability, the end mark included. Of several encodings of the same text
    /// that were found, the probabilities are added.
    pub log_prob: f64,
}

/// A model ready to run.
#[derive(Debug)]
pub struct PolicySession {
    session: Session,
    config: LlamaConfig,
    tokenizer: Tokenizer,
    limits: Limits,
    compute: Compute,
    device: String,
}

/// Where and how a session computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compute {
    /// On the CPU in single precision.
    Cpu,
    /// On the CPU with weights of 8 bits.
    CpuInt8,
    /// The half-precision graph on the CPU: slow, and there to check the graph where there is no GPU.
    CpuHalf,
    /// On CUDA's first device in half precision.
    Cuda,
}

impl PolicySession {
    /// Loads a bundle. `threads`: none means half of the cores, at least one. With [`DeviceChoice::Cuda`] a
    /// missing GPU is an error that says why; with [`DeviceChoice::Auto`] the CPU is used and
    /// [`PolicySession::device`] says why.
    pub fn load(
        bundle: &Bundle,
        ort_library: &Path,
        device: DeviceChoice,
        threads: Option<usize>,
    ) -> Result<PolicySession> {
        let open = |compute| PolicySession::open(bundle, ort_library, compute, threads);
        match device {
            DeviceChoice::Cpu => open(Compute::Cpu),
            DeviceChoice::Cuda => open(Compute::Cuda),
            DeviceChoice::Auto => open(Compute::Cuda).or_else(|e| without_cuda(open(Compute::Cpu)?, &e)),
        }
    }

    /// As [`PolicySession::load`], with weights of 8 bits where it is the CPU that computes. Their graph is made at
    /// the first load and kept in `cache`, named by the bundle's hash.
    pub fn load_fast(
        bundle: &Bundle,
        ort_library: &Path,
        cache: &Path,
        device: DeviceChoice,
        threads: Option<usize>,
    ) -> Result<PolicySession> {
        let cpu = || PolicySession::open_int8(bundle, ort_library, cache, threads);
        match device {
            DeviceChoice::Cpu => cpu(),
            DeviceChoice::Cuda => PolicySession::open(bundle, ort_library, Compute::Cuda, threads),
            DeviceChoice::Auto => PolicySession::open(bundle, ort_library, Compute::Cuda, threads)
                .or_else(|e| without_cuda(cpu()?, &e)),
        }
    }

    /// Loads a bundle with weights of 8 bits on the CPU.
    pub fn open_int8(
        bundle: &Bundle,
        ort_library: &Path,
        cache: &Path,
        threads: Option<usize>,
    ) -> Result<PolicySession> {
        let environment = environment(ort_library)?;
        let file = int8::file(bundle, cache)?;
        let threads = threads.unwrap_or_else(default_threads).max(1);
        let session = builder(&environment, threads)
            .and_then(|mut b| Ok(b.commit_from_file(&file)?))
            .with_context(|| format!("ONNX Runtime cannot load `{}`", file.display()))?;
        PolicySession::checked(session, bundle, Compute::CpuInt8, threads)
    }

    /// Loads a bundle for a way of computing, which works or is an error.
    pub fn open(
        bundle: &Bundle,
        ort_library: &Path,
        compute: Compute,
        threads: Option<usize>,
    ) -> Result<PolicySession> {
        let environment = environment(ort_library)?;
        let threads = threads.unwrap_or_else(default_threads).max(1);
        let session = match compute {
            Compute::Cpu => {
                let file = bundle.dir.join(GRAPH);
                builder(&environment, threads)
                    .and_then(|mut b| Ok(b.commit_from_file(&file)?))
                    .with_context(|| format!("ONNX Runtime cannot load `{}`", file.display()))?
            }
            Compute::CpuInt8 => bail!("weights of 8 bits need a cache: `open_int8`"),
            Compute::CpuHalf => open_half(builder(&environment, threads)?, bundle)?,
            Compute::Cuda => {
                cuda::prepare(ort_library).map_err(no_cuda)?;
                let provider = ep::CUDA::default().with_device_id(0).build().error_on_failure();
                let builder = builder(&environment, threads)?.with_execution_providers([provider]);
                let builder = builder.map_err(|e| no_cuda(e.to_string()))?;
                open_half(builder, bundle).map_err(|e| no_cuda(format!("{e:#}")))?
            }
        };
        PolicySession::checked(session, bundle, compute, threads)
    }

    fn checked(session: Session, bundle: &Bundle, compute: Compute, threads: usize) -> Result<PolicySession> {
        let plural = if threads == 1 { "" } else { "s" };
        let mut loaded = PolicySession {
            session,
            config: bundle.config.clone(),
            tokenizer: bundle.tokenizer.clone(),
            limits: bundle.limits(),
            compute,
            device: match compute {
                Compute::Cpu => format!("cpu, {threads} thread{plural}"),
                Compute::CpuInt8 => format!("cpu, 8 bits, {threads} thread{plural}"),
                Compute::CpuHalf => format!("cpu, half precision, {threads} thread{plural}"),
                Compute::Cuda => "cuda, half precision".to_owned(),
            },
        };
        loaded.check_graph().with_context(|| format!("in the graph of `{}`", bundle.dir.display()))?;
        if compute == Compute::Cuda {
            // A device without code for it, or without memory, shows only when it computes.
            let begin = loaded.tokenizer.special().bos;
            loaded.logits(&[begin]).map_err(|e| no_cuda(format!("the first run failed: {e:#}")))?;
        }
        Ok(loaded)
    }

    /// Bytes that a weight takes in the memory that steps read.
    pub fn bytes_per_weight(&self) -> f64 {
        match self.compute {
            Compute::Cpu => 4.0,
            Compute::CpuInt8 => 1.0,
            Compute::CpuHalf | Compute::Cuda => 2.0,
        }
    }

    /// Where it runs, for people: `cpu, 1 thread`.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Generates up to `params.k` tactics for a prompt, likeliest first, without repetition; empty ones and
    /// those that do not end within `params.max_tokens` (or the bundle's limit) are left out. When cancelled,
    /// what is finished by then.
    pub fn generate(
        &mut self,
        prompt: &[u32],
        params: &GenerationParams,
        cancel: &Cancel,
    ) -> Result<Vec<Generated>> {
        self.check_prompt(prompt)?;
        let room = self.config.max_position_embeddings - prompt.len();
        let max_tokens = params.max_tokens.min(self.limits.tactic_tokens).min(room);
        let params = GenerationParams { max_tokens, ..*params };
        let special = self.tokenizer.special();
        // A model from elsewhere has no marks of ours.
        let marks = [special.pad, special.bos, special.tactic];
        let banned: Vec<u32> = marks.into_iter().filter(|t| *t != special.eos).collect();
        let mut search = Search::new(&params, special.eos, &banned, self.tokenizer.vocab_size());

        // The end mark is never fed back.
        let capacity = prompt.len() + max_tokens.max(1) - 1;
        let rows = params.k.max(1);
        let mut steps = self.steps(rows, prompt.len(), capacity)?;
        let mut parents = search.advance(&[steps.prefill(&mut self.session, prompt)?]);
        let mut tokens = vec![special.pad; rows];
        while !parents.is_empty() && !cancel.is_cancelled() {
            let active = parents.len();
            tokens.fill(special.pad);
            for (slot, token) in tokens.iter_mut().zip(search.last_tokens()) {
                *slot = token;
            }
            let logits = steps.decode(&mut self.session, &parents, &tokens)?;
            let by_row: Vec<&[f32]> = logits.chunks_exact(self.config.vocab_size).take(active).collect();
            parents = search.advance(&by_row);
        }
        Ok(self.texts(search.into_finished()))
    }

    fn steps(&self, rows: usize, prompt: usize, capacity: usize) -> Result<Steps> {
        let (session, config) = (&self.session, &self.config);
        Ok(match self.compute {
            Compute::Cpu | Compute::CpuInt8 => {
                Steps::InPlace(InPlace::new(session, config, rows, prompt, capacity)?)
            }
            other => {
                let cuda = other == Compute::Cuda;
                Steps::Gathered(Gathered::new(session, config, cuda, rows, capacity)?)
            }
        })
    }

    /// The logits behind every token of a sequence, `[tokens, vocabulary]`, computed without a cache.
    pub fn logits(&mut self, tokens: &[u32]) -> Result<Array2<f32>> {
        self.check_prompt(tokens)?;
        let n = tokens.len();
        if !self.in_place() {
            let cuda = self.compute == Compute::Cuda;
            return Gathered::new(&self.session, &self.config, cuda, 1, n)?.logits(&mut self.session, tokens);
        }
        let (layers, vocabulary) = (self.config.num_hidden_layers, self.config.vocab_size);
        let mut binding = self.session.create_binding()?;
        bind_step(&mut binding, tokens, 1, 0, (0..n as i64).collect())?;
        let empty = [1, self.config.num_key_value_heads, 0, self.config.head_dim];
        let allocator = Allocator::default();
        for (layer, part) in parts(layers) {
            let past = Tensor::<f32>::new(&allocator, empty)?;
            binding.bind_input(past_name(layer, part), &past)?;
            binding.bind_output_to_device(present_name(layer, part), allocator.memory_info())?;
        }
        let mut logits = Tensor::<f32>::new(&allocator, [1, n, vocabulary])?;
        binding.bind_output("logits", &mut logits)?;
        self.session.run_binding(&binding)?;
        let (_, data) = logits.extract_tensor();
        Ok(Array2::from_shape_vec((n, vocabulary), data.to_vec())?)
    }

    /// Whether the cache lies in the machine's own memory.
    fn in_place(&self) -> bool {
        matches!(self.compute, Compute::Cpu | Compute::CpuInt8)
    }

    fn check_prompt(&self, tokens: &[u32]) -> Result<()> {
        if tokens.is_empty() || tokens.len() >= self.config.max_position_embeddings {
            bail!(
                "a prompt has 1 to {} tokens, not {}",
                self.config.max_position_embeddings - 1,
                tokens.len()
            );
        }
        match tokens.iter().find(|t| **t as usize >= self.config.vocab_size) {
            Some(token) => bail!("token {token} is outside of the vocabulary of {}", self.config.vocab_size),
            None => Ok(()),
        }
    }

    /// Whether the graph has the inputs and outputs of `onnx.rs`.
    fn check_graph(&self) -> Result<()> {
        let layers = self.config.num_hidden_layers;
        let mut inputs: Vec<String> =
            ["input_ids", "logit_positions", "seqlens_k", "total_sequence_length"].map(str::to_owned).into();
        inputs.extend(parts(layers).map(|(i, part)| past_name(i, part)));
        if !self.in_place() {
            inputs.push(CACHE_ROWS.to_owned());
        }
        let mut outputs = vec!["logits".to_owned()];
        outputs.extend(parts(layers).map(|(i, part)| present_name(i, part)));
        let missing = |names: &[String], has: &dyn Fn(&str) -> bool, what: &str| {
            let name = names.iter().find(|n| !has(n))?;
            let message = format!("the graph has no {what} `{name}`, which `config.json` asks for");
            Some(Failure::new(FailureKind::Corrupt, message).hint("write the bundle anew"))
        };
        let has_input = |n: &str| self.session.inputs().iter().any(|i| i.name() == n);
        let has_output = |n: &str| self.session.outputs().iter().any(|o| o.name() == n);
        let lacking = missing(&inputs, &has_input, "input").or(missing(&outputs, &has_output, "output"));
        lacking.map_or(Ok(()), |failure| Err(failure.into()))
    }

    fn texts(&self, finished: Vec<Sequence>) -> Vec<Generated> {
        let decoded = finished.into_iter().map(|s| {
            let text = self.tokenizer.decode(&s.tokens).trim_end().to_owned();
            Generated { tokens: s.tokens, text, log_prob: s.log_prob }
        });
        merge(decoded.collect())
    }
}

/// Drops what is no text and merges what is the same text; likeliest first.
fn merge(all: Vec<Generated>) -> Vec<Generated> {
    let mut merged: Vec<Generated> = Vec::new();
    let mut seen: Vec<Vec<u32>> = Vec::new();
    for one in all {
        // Broken UTF-8 decodes to the replacement character.
        if one.text.trim().is_empty() || one.text.contains('\u{fffd}') || seen.contains(&one.tokens) {
            continue;
        }
        seen.push(one.tokens.clone());
        match merged.iter_mut().find(|m| m.text == one.text) {
            Some(same) => {
                let (high, low) = (same.log_prob.max(one.log_prob), same.log_prob.min(one.log_prob));
                same.log_prob = high + (low - high).exp().ln_1p();
            }
            None => merged.push(one),
        }
    }
    merged.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob));
    merged
}

/// Binds all inputs but the cache: `tokens` are `rows` sequences of equal length at the positions from
/// `length` on.
fn bind_step(
    binding: &mut IoBinding,
    tokens: &[u32],
    rows: usize,
    length: usize,
    wanted: Vec<i64>,
) -> Result<()> {
    let width = tokens.len() / rows;
    let ids: Vec<i64> = tokens.iter().map(|t| i64::from(*t)).collect();
    let total = i32::try_from(length + width)?;
    binding.bind_input("input_ids", &Tensor::from_array(([rows, width], ids))?)?;
    binding.bind_input("logit_positions", &Tensor::from_array(([wanted.len()], wanted))?)?;
    binding.bind_input("seqlens_k", &Tensor::from_array(([rows], vec![total - 1; rows]))?)?;
    let scalar: [usize; 0] = [];
    binding.bind_input("total_sequence_length", &Tensor::from_array((scalar, vec![total]))?)?;
    Ok(())
}

/// Key and value of every layer.
fn parts(layers: usize) -> impl Iterator<Item = (usize, &'static str)> {
    (0..layers).flat_map(|i| [(i, "key"), (i, "value")])
}

/// Half of the cores, at least one: Lean works beside us.
fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get() / 2).max(1)
}

/// ONNX Runtime is loaded once for the process, from the first library that works; it is never unloaded,
/// because its threads may outlive every session.
fn environment(library: &Path) -> Result<Environment> {
    static LOADED: Mutex<Option<Environment>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*loaded {
        return Ok(environment.clone());
    }
    let builder = ort::init_from(library).map_err(|e| {
        Failure::new(FailureKind::Missing, format!("ONNX Runtime cannot be loaded: {e}"))
            .hint("`lean-copilot runtime install`")
    })?;
    let environment = builder.with_name("lean-copilot").with_telemetry(false).build()?;
    *loaded = Some(environment.clone());
    Ok(environment)
}

/// The session in use where CUDA could not be had, which its device says.
fn without_cuda(mut session: PolicySession, why: &anyhow::Error) -> Result<PolicySession> {
    let reason = Failure::of(why).map_or_else(|| format!("{why:#}"), |f| f.message.clone());
    session.device = format!("{} ({reason})", session.device);
    Ok(session)
}

/// Why CUDA cannot be had, and what helps.
fn no_cuda(reason: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Missing, format!("no CUDA: {reason}")).hint(format!(
        "`lean-copilot runtime install --cuda` brings what ONNX Runtime needs beside the driver, `{LIBRARY_DIRS}` \
         names folders that have it; or set `device` to `auto` or `cpu`"
    ))
}

fn builder(environment: &Environment, threads: usize) -> Result<SessionBuilder> {
    // The builder's errors carry the builder and are no plain errors.
    macro_rules! set {
        ($e:expr) => {
            $e.map_err(|e| anyhow!("{e}"))?
        };
    }
    let builder = set!(Session::builder(environment));
    let builder = set!(builder.with_optimization_level(GraphOptimizationLevel::All));
    let builder = set!(builder.with_intra_threads(threads));
    // A spinning worker that loses its core to Lean costs more than a sleeping one that is woken.
    Ok(set!(builder.with_intra_op_spinning(false)))
}

/// The half-precision graph, made here over the bundle's weights; nothing is written.
fn open_half(builder: SessionBuilder, bundle: &Bundle) -> Result<Session> {
    let file = bundle.dir.join(WEIGHTS);
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let graph = onnx::graph(&bundle.config, &weights::places(&bytes)?, Precision::Half)?;
    let builder = builder.with_external_initializer_file_in_memory(WEIGHTS, bytes.into());
    let mut builder = builder.map_err(|e| anyhow!("{e}"))?;
    builder.commit_from_memory(&graph).context("ONNX Runtime cannot load the half-precision graph")
}

/// The steps of one generation.
enum Steps {
    InPlace(InPlace),
    Gathered(Gathered),
}

impl Steps {
    fn prefill(&mut self, session: &mut Session, prompt: &[u32]) -> Result<&[f32]> {
        match self {
            Steps::InPlace(s) => s.prefill(session, prompt),
            Steps::Gathered(s) => s.prefill(session, prompt),
        }
    }

    fn decode(&mut self, session: &mut Session, parents: &[usize], tokens: &[u32]) -> Result<&[f32]> {
        match self {
            Steps::InPlace(s) => s.decode(session, parents, tokens),
            Steps::Gathered(s) => s.decode(session, parents, tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_merged_and_what_is_no_text_dropped() {
        let one = |tokens: &[u32], text: &str, p: f64| Generated {
            tokens: tokens.to_vec(),
            text: text.to_owned(),
            log_prob: p.ln(),
        };
        let merged = merge(vec![
            one(&[1], "simp", 0.4),
            one(&[1], "simp", 0.4),
            one(&[5], "rfl", 0.3),
            one(&[2, 3], "simp", 0.1),
            one(&[], "", 0.9),
            one(&[9], "a\u{fffd}", 0.9),
        ]);
        assert_eq!(merged.iter().map(|m| m.text.as_str()).collect::<Vec<_>>(), ["simp", "rfl"]);
        assert!((merged[0].log_prob - 0.5f64.ln()).abs() < 1e-12, "a repeated draw is not counted twice");
    }
}
