//! A bundle in ONNX Runtime: generation with a key–value cache, and plain logits. Only this folder names `ort`.
//!
//! The prompt is computed once; its cache rows become K rows, which then decode together. Graphs of our own are
//! [`own`]'s, with two ways to keep the cache; those that Optimum exported are [`exported`]'s.

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Result, bail, ensure};
use ndarray::{Array2, s};
use ort::session::RunOptions;

use super::bundle::{Bundle, Model};
use super::prompt::Limits;
use super::sampling::{GenerationParams, Search, Sequence};
use super::tokenizer::Tokenizer;
use crate::config::DeviceChoice;
use crate::error::{Failure, FailureKind};

mod cuda;
mod environment;
mod exported;
mod gathered;
mod in_place;
mod int8;
mod own;

pub use cuda::LIBRARY_DIRS;
use environment::{default_threads, no_cuda};
use exported::Exported;
use own::Own;

/// Stops a generation from another thread, within one step: the step itself is given up between two of the graph's
/// operators. Clones share the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    flag: AtomicBool,
    /// What runs under this flag; none before the first run.
    halt: OnceLock<Halt>,
}

impl Cancel {
    /// Asks for the stop.
    pub fn cancel(&self) {
        self.0.flag.store(true, Ordering::SeqCst);
        if let Some(halt) = self.0.halt.get() {
            // Without it the stop comes at the end of the step.
            let _ = halt.terminate();
        }
    }

    /// Whether it was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.flag.load(Ordering::SeqCst)
    }

    /// What runs have to be started with.
    fn halt(&self) -> Result<Halt> {
        let halt = match self.0.halt.get() {
            Some(halt) => halt.clone(),
            None => self
                .0
                .halt
                .get_or_init({
                    let fresh = Halt::new()?;
                    || fresh
                })
                .clone(),
        };
        if self.is_cancelled() {
            halt.terminate()?;
        }
        Ok(halt)
    }
}

/// The options of runs which are to end together.
#[derive(Clone)]
struct Halt(Arc<RunOptions>);

impl std::fmt::Debug for Halt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Halt")
    }
}

impl Halt {
    fn new() -> Result<Halt> {
        Ok(Halt(Arc::new(RunOptions::new()?)))
    }
}

impl Deref for Halt {
    type Target = RunOptions;

    fn deref(&self) -> &RunOptions {
        &self.0
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
    engine: Engine,
    shape: Shape,
    tokenizer: Tokenizer,
    limits: Limits,
    device: String,
}

/// Whose graph it is.
#[derive(Debug)]
enum Engine {
    Own(Own),
    Exported(Exported),
}

/// What a model can take and gives.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// Tokens that have an embedding; the width of a row of logits.
    vocabulary: usize,
    /// Longest sequence; none where there is no limit.
    positions: Option<usize>,
    /// Whether the prompt and the tactic are sequences of their own.
    prompt_apart: bool,
}

/// The steps of one generation: the prompt in one row, then all rows together.
trait Steps {
    /// The logits behind the prompt.
    fn prefill(&mut self, prompt: &[u32]) -> Result<&[f32]>;

    /// The logits of all rows behind one more token each; row `i` goes on where `parents[i]` was. `tokens` has one
    /// for every row; of the rows from `parents.len()` on, the logits mean nothing.
    fn decode(&mut self, parents: &[usize], tokens: &[u32]) -> Result<&[f32]>;
}

/// How far logits that were computed with a cache are from those without.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheError {
    /// The largest difference of a logit.
    pub difference: f64,
    /// From the lowest logit to the highest.
    pub range: f64,
}

impl CacheError {
    /// The difference as a share of the range.
    pub fn share(&self) -> f64 {
        self.difference / self.range
    }
}

/// Where and how a session computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compute {
    /// On the CPU in single precision; a graph that was exported, in its own.
    Cpu,
    /// On the CPU with weights of 8 bits.
    CpuInt8,
    /// The half-precision graph on the CPU: slow, and there to check the graph where there is no GPU.
    CpuHalf,
    /// On CUDA's first device in half precision; a graph that was exported, in its own.
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

    /// Loads a bundle with weights of 8 bits on the CPU; a graph that was exported keeps its precision.
    pub fn open_int8(
        bundle: &Bundle,
        ort_library: &Path,
        cache: &Path,
        threads: Option<usize>,
    ) -> Result<PolicySession> {
        PolicySession::open_in(bundle, ort_library, Compute::CpuInt8, Some(cache), threads)
    }

    /// Loads a bundle for a way of computing, which works or is an error.
    pub fn open(
        bundle: &Bundle,
        ort_library: &Path,
        compute: Compute,
        threads: Option<usize>,
    ) -> Result<PolicySession> {
        PolicySession::open_in(bundle, ort_library, compute, None, threads)
    }

    fn open_in(
        bundle: &Bundle,
        library: &Path,
        compute: Compute,
        cache: Option<&Path>,
        threads: Option<usize>,
    ) -> Result<PolicySession> {
        let threads = threads.unwrap_or_else(default_threads).max(1);
        let (engine, shape) = match &bundle.model {
            Model::Llama(config) => {
                let own = Own::open(bundle, config, library, compute, cache, threads)?;
                let positions = Some(config.max_position_embeddings);
                let shape = Shape { vocabulary: config.vocab_size, positions, prompt_apart: false };
                (Engine::Own(own), shape)
            }
            Model::Exported(about) => {
                let exported = Exported::open(bundle, about, library, compute, threads)?;
                let shape = exported.shape();
                (Engine::Exported(exported), shape)
            }
        };
        let plural = if threads == 1 { "" } else { "s" };
        let exported = matches!(engine, Engine::Exported(_));
        let device = match compute {
            Compute::Cuda if exported => "cuda".to_owned(),
            Compute::Cuda => "cuda, half precision".to_owned(),
            Compute::CpuInt8 if !exported => format!("cpu, 8 bits, {threads} thread{plural}"),
            Compute::CpuHalf => format!("cpu, half precision, {threads} thread{plural}"),
            Compute::Cpu | Compute::CpuInt8 => format!("cpu, {threads} thread{plural}"),
        };
        let (tokenizer, limits) = (bundle.tokenizer.clone(), bundle.limits());
        ensure!(
            tokenizer.vocab_size() <= shape.vocabulary,
            Failure::new(
                FailureKind::Corrupt,
                format!(
                    "the tokenizer has {} tokens, the model only {}",
                    tokenizer.vocab_size(),
                    shape.vocabulary
                )
            )
            .hint("graph and tokenizer must come from the same model")
        );
        let mut loaded = PolicySession { engine, shape, tokenizer, limits, device };
        if compute == Compute::Cuda {
            // A device without code for it, or without memory, shows only when it computes.
            let begin = loaded.tokenizer.special().bos;
            let first = loaded.logits_behind(&[begin], &[]);
            first.map_err(|e| no_cuda(format!("the first run failed: {e:#}")))?;
        }
        Ok(loaded)
    }

    /// Bytes that a weight takes in the memory that steps read; none where a graph that was exported decides that.
    pub fn bytes_per_weight(&self) -> Option<f64> {
        match &self.engine {
            Engine::Own(own) => Some(own.bytes_per_weight()),
            Engine::Exported(_) => None,
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
        self.check(prompt, 0)?;
        let prompt_length = if self.shape.prompt_apart { 0 } else { prompt.len() };
        let room = self.shape.positions.map_or(usize::MAX, |p| p - prompt_length);
        let max_tokens = params.max_tokens.min(self.limits.tactic_tokens).min(room);
        let params = GenerationParams { max_tokens, ..*params };
        let special = self.tokenizer.special();
        let mut search =
            Search::new(&params, special.eos, self.tokenizer.never(), self.tokenizer.vocab_size());

        // The end mark is never fed back.
        let capacity = prompt.len() + max_tokens.max(1) - 1;
        let rows = params.k.max(1);
        let mut steps = self.engine.steps(cancel.halt()?, rows, prompt.len(), capacity)?;
        let mut logits = steps.prefill(prompt);
        let mut active = 1;
        let mut tokens = vec![special.pad; rows];
        loop {
            // A run that was given up fails.
            if cancel.is_cancelled() {
                break;
            }
            let by_row: Vec<&[f32]> = logits?.chunks_exact(self.shape.vocabulary).take(active).collect();
            if by_row.iter().any(|row| row.iter().any(|x| x.is_nan() || *x == f32::INFINITY)) {
                bail!("the model computed what is no number");
            }
            let parents = search.advance(&by_row);
            if parents.is_empty() {
                break;
            }
            active = parents.len();
            tokens.fill(special.pad);
            for (slot, token) in tokens.iter_mut().zip(search.last_tokens()) {
                *slot = token;
            }
            logits = steps.decode(&parents, &tokens);
        }
        drop(steps);
        Ok(self.texts(search.into_finished()))
    }

    /// The logits behind every token of a sequence, `[tokens, vocabulary]`, computed without a cache. Not for a
    /// model that reads its prompt apart.
    pub fn logits(&mut self, tokens: &[u32]) -> Result<Array2<f32>> {
        ensure!(!self.shape.prompt_apart, "a model with an encoder has no logits behind its prompt");
        self.check(tokens, 0)?;
        match &mut self.engine {
            Engine::Own(own) => own.logits(tokens),
            Engine::Exported(exported) => exported.logits(&[], tokens),
        }
    }

    /// The logits behind the prompt and behind every token of a tactic's beginning, `[1 + tokens, vocabulary]`,
    /// computed without a cache.
    pub fn logits_behind(&mut self, prompt: &[u32], tactic: &[u32]) -> Result<Array2<f32>> {
        self.check(prompt, tactic.len())?;
        if let (Engine::Exported(exported), true) = (&mut self.engine, self.shape.prompt_apart) {
            return exported.logits(prompt, tactic);
        }
        let all = self.logits(&[prompt, tactic].concat())?;
        Ok(all.slice_move(s![prompt.len() - 1.., ..]))
    }

    /// The largest difference of a logit between steps with a cache, whose rows change places, and passes without
    /// one: what shows whether a graph from elsewhere keeps its cache as it is used here.
    pub fn cache_error(&mut self, prompt: &[u32]) -> Result<CacheError> {
        let n = self.tokenizer.vocab_size() as u32;
        let usual: Vec<u32> = (0..n).filter(|t| self.tokenizer.never().binary_search(t).is_err()).collect();
        let token = |i: usize| usual[(i * 97 + 13) % usual.len()];
        // Two rows that go on, then change places, then both go on from the second one.
        let plan =
            [([0, 0], [token(0), token(1)]), ([1, 0], [token(2), token(3)]), ([1, 1], [token(4), token(5)])];
        let mut texts: [Vec<u32>; 2] = Default::default();
        let mut found: Vec<(Vec<u32>, Vec<f32>)> = Vec::new();
        let mut steps = self.engine.steps(Halt::new()?, 2, prompt.len(), prompt.len() + plan.len())?;
        found.push((Vec::new(), steps.prefill(prompt)?.to_vec()));
        for (parents, tokens) in plan {
            let logits = steps.decode(&parents, &tokens)?;
            texts = std::array::from_fn(|i| [&texts[parents[i]][..], &tokens[i..=i]].concat());
            let rows = texts.iter().cloned().zip(logits.chunks_exact(self.shape.vocabulary));
            found.extend(rows.map(|(text, row)| (text, row.to_vec())));
        }
        drop(steps);
        let (mut difference, mut low, mut high) = (0.0f64, f64::INFINITY, f64::NEG_INFINITY);
        for (text, cached) in found {
            let plain = self.logits_behind(prompt, &text)?;
            for (a, b) in plain.row(text.len()).iter().zip(cached) {
                let d = f64::from((a - b).abs());
                // A logit that is no number must not pass as equal.
                difference = if d.is_nan() { f64::INFINITY } else { difference.max(d) };
                (low, high) = (low.min(f64::from(*a)), high.max(f64::from(*a)));
            }
        }
        Ok(CacheError { difference, range: high - low })
    }

    /// Whether the model can read a prompt and so many tokens behind it.
    fn check(&self, prompt: &[u32], behind: usize) -> Result<()> {
        let apart = self.shape.prompt_apart;
        if let Some(most) = self.shape.positions {
            let fits =
                if apart { prompt.len() <= most && behind < most } else { prompt.len() + behind < most };
            ensure!(
                !prompt.is_empty() && fits,
                "a prompt has 1 to {} tokens, not {}",
                most - 1,
                prompt.len()
            );
        }
        ensure!(!prompt.is_empty(), "a prompt has at least 1 token");
        let outside = prompt.iter().find(|t| **t as usize >= self.shape.vocabulary);
        match outside {
            Some(token) => bail!("token {token} is outside of the vocabulary of {}", self.shape.vocabulary),
            None => Ok(()),
        }
    }

    fn texts(&self, finished: Vec<Sequence>) -> Vec<Generated> {
        let decoded = finished.into_iter().map(|s| {
            let text = self.tokenizer.tactic(&s.tokens);
            Generated { tokens: s.tokens, text, log_prob: s.log_prob }
        });
        merge(decoded.collect())
    }
}

impl Engine {
    /// The steps of a generation in `rows` rows behind a prompt, to sequences of at most `capacity` tokens.
    fn steps(
        &mut self,
        halt: Halt,
        rows: usize,
        prompt: usize,
        capacity: usize,
    ) -> Result<Box<dyn Steps + '_>> {
        match self {
            Engine::Own(own) => own.steps(halt, rows, prompt, capacity),
            Engine::Exported(exported) => exported.steps(halt, rows),
        }
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

/// Key and value of every layer.
fn parts(layers: usize) -> impl Iterator<Item = (usize, &'static str)> {
    (0..layers).flat_map(|i| [(i, "key"), (i, "value")])
}

/// The session in use where CUDA could not be had, which its device says.
fn without_cuda(mut session: PolicySession, why: &anyhow::Error) -> Result<PolicySession> {
    let reason = Failure::of(why).map_or_else(|| format!("{why:#}"), |f| f.message.clone());
    session.device = format!("{} ({reason})", session.device);
    Ok(session)
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
