//! A bundle in ONNX Runtime: generation with a key–value cache, and plain logits. The one file that names
//! `ort`.
//!
//! The prompt is computed once; its cache rows are copied to K rows, which then decode together. Past and
//! present of a layer are one preallocated buffer, bound as input and output, so that a step writes its one
//! new entry in place. When a beam takes over another's place only the generated entries move: the prompt's
//! are the same in all rows.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use ndarray::Array2;
use ort::environment::Environment;
use ort::ep::{self, ExecutionProvider};
use ort::memory::Allocator;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use super::bundle::{Bundle, GRAPH, LlamaConfig};
use super::onnx::{past_name, present_name};
use super::prompt::Limits;
use super::sampling::{GenerationParams, Search, Sequence};
use super::tokenizer::Tokenizer;
use crate::config::DeviceChoice;
use crate::error::{Failure, FailureKind};

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
    device: String,
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
        let environment = environment(ort_library)?;
        let threads = threads.unwrap_or_else(default_threads).max(1);
        let device = choose_device(device, threads)?;
        let file = bundle.dir.join(GRAPH);
        let session = open(&environment, &file, threads)
            .with_context(|| format!("ONNX Runtime cannot load `{}`", file.display()))?;
        let loaded = PolicySession {
            session,
            config: bundle.config.clone(),
            tokenizer: bundle.tokenizer.clone(),
            limits: bundle.limits(),
            device,
        };
        loaded.check_graph().with_context(|| format!("in `{}`", file.display()))?;
        Ok(loaded)
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
        let banned = [special.pad, special.bos, special.tactic];
        let mut search = Search::new(&params, special.eos, &banned, self.tokenizer.vocab_size());

        // The end mark is never fed back.
        let capacity = prompt.len() + max_tokens.max(1) - 1;
        let mut prefill = Step::new(&self.session, &self.config, 1, prompt.len(), capacity)?;
        let logits = prefill.run(&mut self.session, prompt, 0)?;
        let mut parents = search.advance(&[logits]);
        if parents.is_empty() || cancel.is_cancelled() {
            return Ok(self.texts(search.into_finished()));
        }
        let rows = params.k.max(1);
        let mut decode = Step::new(&self.session, &self.config, rows, 1, capacity)?;
        decode.fill_rows(&prefill, prompt.len());
        drop(prefill);

        let mut length = prompt.len();
        let mut tokens = vec![special.pad; rows];
        while !parents.is_empty() && !cancel.is_cancelled() {
            decode.move_rows(&parents, prompt.len(), length);
            let active = parents.len();
            tokens.fill(special.pad);
            for (slot, token) in tokens.iter_mut().zip(search.last_tokens()) {
                *slot = token;
            }
            let logits = decode.run(&mut self.session, &tokens, length)?;
            length += 1;
            let by_row: Vec<&[f32]> = logits.chunks_exact(self.config.vocab_size).take(active).collect();
            parents = search.advance(&by_row);
        }
        Ok(self.texts(search.into_finished()))
    }

    /// The logits behind every token of a sequence, `[tokens, vocabulary]`, computed without a cache.
    pub fn logits(&mut self, tokens: &[u32]) -> Result<Array2<f32>> {
        self.check_prompt(tokens)?;
        let n = tokens.len();
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

/// A binding for steps of one shape: `rows` sequences, `width` new tokens each, logits of the last one.
struct Step {
    binding: IoBinding,
    /// Keys and values of each layer in turn, `[rows, kv_heads, capacity, head_dim]`.
    cache: Vec<Tensor<f32>>,
    /// `[rows, 1, vocabulary]`.
    logits: Tensor<f32>,
    rows: usize,
    width: usize,
    heads: usize,
    capacity: usize,
    head_dim: usize,
}

impl Step {
    fn new(
        session: &Session,
        config: &LlamaConfig,
        rows: usize,
        width: usize,
        capacity: usize,
    ) -> Result<Step> {
        let (heads, head_dim) = (config.num_key_value_heads, config.head_dim);
        let allocator = Allocator::default();
        let mut binding = session.create_binding()?;
        let mut cache = Vec::with_capacity(2 * config.num_hidden_layers);
        for (layer, part) in parts(config.num_hidden_layers) {
            let mut buffer = Tensor::<f32>::new(&allocator, [rows, heads, capacity, head_dim])?;
            binding.bind_input(past_name(layer, part), &buffer)?;
            binding.bind_output(present_name(layer, part), &mut buffer)?;
            cache.push(buffer);
        }
        let mut logits = Tensor::<f32>::new(&allocator, [rows, 1, config.vocab_size])?;
        binding.bind_output("logits", &mut logits)?;
        Ok(Step { binding, cache, logits, rows, width, heads, capacity, head_dim })
    }

    /// Computes `tokens` (`rows × width`) at the positions from `length` on.
    fn run(&mut self, session: &mut Session, tokens: &[u32], length: usize) -> Result<&[f32]> {
        bind_step(&mut self.binding, tokens, self.rows, length, vec![self.width as i64 - 1])?;
        session.run_binding(&self.binding)?;
        Ok(self.logits.extract_tensor().1)
    }

    /// Copies the first `length` entries of a one-row cache to every row.
    fn fill_rows(&mut self, from: &Step, length: usize) {
        let used = length * self.head_dim;
        let plane = self.capacity * self.head_dim;
        for (to, from) in self.cache.iter_mut().zip(&from.cache) {
            let (_, source) = from.extract_tensor();
            let (_, target) = to.extract_tensor_mut();
            for (i, plane_of_row) in target.chunks_exact_mut(plane).enumerate() {
                let head = i % self.heads;
                plane_of_row[..used].copy_from_slice(&source[head * plane..head * plane + used]);
            }
        }
    }

    /// Gives row `i` the entries `from..to` of row `parents[i]`.
    fn move_rows(&mut self, parents: &[usize], from: usize, to: usize) {
        if from == to || parents.iter().enumerate().all(|(i, p)| i == *p) {
            return;
        }
        let plane = self.capacity * self.head_dim;
        let row = self.heads * plane;
        let (begin, end) = (from * self.head_dim, to * self.head_dim);
        let mut moved: Vec<f32> = Vec::new();
        for tensor in &mut self.cache {
            let (_, data) = tensor.extract_tensor_mut();
            moved.clear();
            for parent in parents {
                for head in 0..self.heads {
                    let at = parent * row + head * plane;
                    moved.extend_from_slice(&data[at + begin..at + end]);
                }
            }
            let mut pieces = moved.chunks_exact(end - begin);
            for i in 0..parents.len() {
                for head in 0..self.heads {
                    let at = i * row + head * plane;
                    if let Some(piece) = pieces.next() {
                        data[at + begin..at + end].copy_from_slice(piece);
                    }
                }
            }
        }
    }
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

/// The device in words, or why it cannot be had.
fn choose_device(choice: DeviceChoice, threads: usize) -> Result<String> {
    let plural = if threads == 1 { "" } else { "s" };
    let cpu = format!("cpu, {threads} thread{plural}");
    if choice == DeviceChoice::Cpu {
        return Ok(cpu);
    }
    let reason = match ep::CUDA::is_available() {
        // The graph computes in single precision, for which the CUDA provider has no attention kernel.
        Ok(true) => "this version runs its models on the CPU only",
        Ok(false) => "this ONNX Runtime is built without CUDA",
        Err(_) => "ONNX Runtime does not say whether it has CUDA",
    };
    match choice {
        DeviceChoice::Cuda => Err(Failure::new(FailureKind::Missing, format!("no CUDA: {reason}"))
            .hint("set `device` to `auto` or `cpu`")
            .into()),
        _ => Ok(format!("{cpu} (no CUDA: {reason})")),
    }
}

fn open(environment: &Environment, file: &Path, threads: usize) -> Result<Session> {
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
    let mut builder = set!(builder.with_intra_op_spinning(false));
    Ok(set!(builder.commit_from_file(file)))
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
