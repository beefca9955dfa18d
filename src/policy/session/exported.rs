//! Graphs that Optimum exported, in ONNX Runtime: a decoder with past, or an encoder with a decoder.
//!
//! | input | shape | |
//! |---|---|---|
//! | `input_ids` | `[batch, sequence]` int64 | |
//! | `attention_mask` | `[batch, past + sequence]` int64 | where there is one |
//! | `position_ids` | `[batch, sequence]` int64 | where there is one |
//! | `past_key_values.{i}.key`, `.value` | `[batch, heads, past, width]` | `{i}.decoder.key` beside an encoder |
//! | `past_key_values.{i}.encoder.key`, `.value` | `[batch, heads, prompt, width]` | beside an encoder |
//! | `encoder_hidden_states`, `encoder_attention_mask` | `[batch, prompt, …]` | beside an encoder |
//! | `use_cache_branch` | `[1]` bool | in merged graphs: whether there is a past |
//!
//! Outputs are `logits` `[batch, sequence, vocabulary]` and `present.…` for each past: the past and what is new, in a
//! buffer of its own. The keys and values of the encoder come out of the first pass and stay.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ndarray::Array2;
use ort::ep;
use ort::memory::Allocator;
use ort::session::{IoBinding, Session, SessionOutputs};
use ort::value::{Outlet, Tensor, TensorElementType, TensorValueType, ValueType};

use super::environment::{builder, environment, no_cuda};
use super::{Compute, Halt, Shape, Steps, cuda};
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::{Bundle, Exported as About, Kind};

const IDS: &str = "input_ids";
const MASK: &str = "attention_mask";
const POSITIONS: &str = "position_ids";
const BRANCH: &str = "use_cache_branch";
const STATES: &str = "encoder_hidden_states";
const STATES_MASK: &str = "encoder_attention_mask";
const LOGITS: &str = "logits";
const ENCODED: &str = "last_hidden_state";
const PAST: &str = "past_key_values.";
const PRESENT: &str = "present.";

/// What helps where a graph is another one than is needed.
const EXPORT_ANEW: &str = "export it with `optimum-cli export onnx --model MODEL --task TASK FOLDER`, where TASK is \
     `text-generation-with-past` or, with an encoder, `text2text-generation-with-past`";

/// An exported model.
#[derive(Debug)]
pub(super) struct Exported {
    decoder: Session,
    encoder: Option<Session>,
    signature: Signature,
    start: u32,
    positions: Option<usize>,
}

/// What a decoder's graph takes and gives.
#[derive(Debug, Clone)]
struct Signature {
    mask: bool,
    positions: bool,
    branch: bool,
    /// The caches that grow, then those of the encoder.
    caches: Vec<Cache>,
    vocabulary: usize,
}

/// A cache: `name` is its input's without `past_key_values.`, its output's without `present.`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cache {
    name: String,
    heads: usize,
    width: usize,
    /// Of the encoder: computed once.
    fixed: bool,
}

impl Exported {
    /// Loads the graphs and reads what they take and give; one that is not as above is an error which names what it
    /// lacks or has too much.
    pub fn open(
        bundle: &Bundle,
        about: &About,
        library: &Path,
        compute: Compute,
        threads: usize,
    ) -> Result<Exported> {
        ensure!(compute != Compute::CpuHalf, "an exported graph has the precision that it has");
        let environment = environment(library)?;
        if compute == Compute::Cuda {
            cuda::prepare(library).map_err(no_cuda)?;
        }
        let load = |name: &str| -> Result<Session> {
            let file = bundle.dir.join(name);
            let mut builder = builder(&environment, threads)?;
            if compute == Compute::Cuda {
                let provider = ep::CUDA::default().with_device_id(0).build().error_on_failure();
                let with = builder.with_execution_providers([provider]);
                builder = with.map_err(|e| no_cuda(e.to_string()))?;
            }
            builder
                .commit_from_file(&file)
                .with_context(|| format!("ONNX Runtime cannot load `{}`", file.display()))
        };
        let decoder = load(&about.decoder)?;
        let encoder = about.encoder.as_deref().map(load).transpose()?;
        let signature =
            Signature::read(&decoder, about.kind).with_context(|| format!("in `{}`", about.decoder))?;
        if let Some(encoder) = &encoder {
            let name = about.encoder.as_deref().unwrap_or_default();
            check_encoder(encoder).with_context(|| format!("in `{name}`"))?;
        }
        let start = about.start.unwrap_or(about.end);
        Ok(Exported { decoder, encoder, signature, start, positions: about.positions })
    }

    /// What it can take and gives.
    pub fn shape(&self) -> Shape {
        Shape {
            vocabulary: self.signature.vocabulary,
            positions: self.positions,
            prompt_apart: self.encoder.is_some(),
        }
    }

    /// The steps of a generation in `rows` rows.
    pub fn steps(&mut self, halt: Halt, rows: usize) -> Result<Box<dyn Steps + '_>> {
        Ok(Box::new(Growing::new(self, halt, rows)?))
    }

    /// The logits behind every token of `tokens`, computed in one pass without a past; beside an encoder, which reads
    /// the prompt, behind the decoder's first token as well.
    pub fn logits(&mut self, prompt: &[u32], tokens: &[u32]) -> Result<Array2<f32>> {
        let vocabulary = self.signature.vocabulary;
        let begun = self.encoder.is_some().then_some(self.start);
        let tokens: Vec<u32> = begun.into_iter().chain(tokens.iter().copied()).collect();
        let mut steps = Growing::new(self, Halt::new()?, 1)?;
        if steps.model.encoder.is_some() {
            steps.encode(prompt)?;
        }
        steps.run(&tokens, 1)?;
        Ok(Array2::from_shape_vec((tokens.len(), vocabulary), steps.logits()?.to_vec())?)
    }
}

impl Signature {
    fn read(decoder: &Session, kind: Kind) -> Result<Signature> {
        let beside_encoder = kind == Kind::EncoderDecoder;
        let has = |name: &str| decoder.inputs().iter().any(|i| i.name() == name);
        for name in [IDS].into_iter().chain(beside_encoder.then_some(STATES)) {
            if !has(name) {
                return Err(unfit(format!("the graph has no input `{name}`")));
            }
        }
        let mut caches = Vec::new();
        for input in decoder.inputs() {
            let name = input.name();
            if let Some(cache) = name.strip_prefix(PAST) {
                caches.push(Cache::read(input, cache)?);
                continue;
            }
            let known = match name {
                IDS | POSITIONS => TensorElementType::Int64,
                MASK if !beside_encoder => TensorElementType::Int64,
                STATES_MASK if beside_encoder => TensorElementType::Int64,
                STATES if beside_encoder => TensorElementType::Float32,
                BRANCH => TensorElementType::Bool,
                _ => return Err(unfit(format!("the graph has an input `{name}`, which is not known"))),
            };
            element_of(input, known)?;
        }
        if caches.is_empty() {
            let message = format!("the graph has no past: no input begins with `{PAST}`");
            return Err(unfit(message));
        }
        let out = |name: &str| {
            let found = decoder.outputs().iter().find(|o| o.name() == name);
            found.ok_or_else(|| unfit(format!("the graph has no output `{name}`")))
        };
        for cache in &caches {
            element_of(out(&format!("{PRESENT}{}", cache.name))?, TensorElementType::Float32)?;
        }
        let logits = out(LOGITS)?;
        element_of(logits, TensorElementType::Float32)?;
        let vocabulary = dimension(logits, 3, 2)?;
        caches.sort_by_key(|c| c.fixed);
        let (mask, positions, branch) = (has(MASK), has(POSITIONS), has(BRANCH));
        if caches.iter().any(|c| c.fixed) && !branch {
            // Such a graph goes on from the encoder's keys and values, and another one makes them.
            return Err(unfit(format!("the graph has no input `{BRANCH}`: it is no merged decoder")));
        }
        Ok(Signature { mask, positions, branch, caches, vocabulary })
    }
}

impl Cache {
    fn read(input: &Outlet, name: &str) -> Result<Cache> {
        let parts: Vec<&str> = name.split('.').collect();
        let fixed = match parts[..] {
            [layer, "key" | "value"] | [layer, "decoder", "key" | "value"] if number(layer) => false,
            [layer, "encoder", "key" | "value"] if number(layer) => true,
            _ => return Err(unfit(format!("the graph has an input `{}`, which is not known", input.name()))),
        };
        element_of(input, TensorElementType::Float32)?;
        let (heads, width) = (dimension(input, 4, 1)?, dimension(input, 4, 3)?);
        Ok(Cache { name: name.to_owned(), heads, width, fixed })
    }
}

fn number(text: &str) -> bool {
    text.parse::<usize>().is_ok()
}

fn check_encoder(encoder: &Session) -> Result<()> {
    for input in encoder.inputs() {
        match input.name() {
            IDS | MASK => element_of(input, TensorElementType::Int64)?,
            name => return Err(unfit(format!("the graph has an input `{name}`, which is not known"))),
        }
    }
    let states = encoder.outputs().iter().find(|o| o.name() == ENCODED);
    let states = states.ok_or_else(|| unfit(format!("the graph has no output `{ENCODED}`")))?;
    element_of(states, TensorElementType::Float32)
}

fn element_of(outlet: &Outlet, wanted: TensorElementType) -> Result<()> {
    match outlet.dtype() {
        ValueType::Tensor { ty, .. } if *ty == wanted => Ok(()),
        other => Err(unfit(format!("`{}` is {other}, not a tensor of {wanted}", outlet.name()))),
    }
}

/// A dimension that the graph fixes; `of` is how many there are.
fn dimension(outlet: &Outlet, of: usize, which: usize) -> Result<usize> {
    let shape = outlet.dtype().tensor_shape().map(|s| s.to_vec()).unwrap_or_default();
    let fixed = shape.get(which).and_then(|d| usize::try_from(*d).ok()).filter(|d| *d > 0);
    fixed.filter(|_| shape.len() == of).ok_or_else(|| {
        let name = outlet.name();
        unfit(format!(
            "the shape of `{name}` is {shape:?}, in which dimension {which} of {of} should be a number"
        ))
    })
}

fn unfit(message: String) -> anyhow::Error {
    Failure::new(FailureKind::Corrupt, message).hint(EXPORT_ANEW).into()
}

/// The steps of one generation over caches that grow by being copied, as these graphs do it.
struct Growing<'a> {
    model: &'a mut Exported,
    halt: Halt,
    rows: usize,
    binding: IoBinding,
    /// `[rows, sequence, vocabulary]`, of the last pass.
    logits: Option<Tensor<f32>>,
    /// What grows from pass to pass, `[rows, heads, length, width]`; none before the first.
    caches: Vec<Tensor<f32>>,
    /// Tokens behind the beginning of the decoder's sequence.
    length: usize,
    prompt: usize,
    /// What the encoder made of the prompt, `[rows, prompt, width]`.
    states: Option<Tensor<f32>>,
    /// Its keys and values in the decoder.
    fixed: Vec<Tensor<f32>>,
}

impl<'a> Growing<'a> {
    fn new(model: &'a mut Exported, halt: Halt, rows: usize) -> Result<Growing<'a>> {
        let binding = model.decoder.create_binding()?;
        let (caches, fixed) = (Vec::new(), Vec::new());
        let (logits, states) = (None, None);
        Ok(Growing { model, halt, rows, binding, logits, caches, length: 0, prompt: 0, states, fixed })
    }

    /// Has the encoder read the prompt.
    fn encode(&mut self, prompt: &[u32]) -> Result<()> {
        let Some(encoder) = &mut self.model.encoder else { bail!("the model has no encoder") };
        let ids: Vec<i64> = prompt.iter().map(|t| i64::from(*t)).collect();
        let mut binding = encoder.create_binding()?;
        binding.bind_input(IDS, &Tensor::from_array(([1, ids.len()], ids))?)?;
        if encoder.inputs().iter().any(|i| i.name() == MASK) {
            binding.bind_input(MASK, &ones(1, prompt.len())?)?;
        }
        binding.bind_output_to_device(ENCODED, Allocator::default().memory_info())?;
        let mut out = encoder.run_binding_with_options(&binding, &self.halt)?;
        self.states = Some(take(&mut out, ENCODED)?);
        self.prompt = prompt.len();
        Ok(())
    }

    /// One pass of the decoder over `rows` rows of tokens, behind the caches that the last pass gave.
    fn run(&mut self, tokens: &[u32], rows: usize) -> Result<()> {
        let signature = &self.model.signature;
        let width = tokens.len() / rows;
        let past = self.length;
        let ids: Vec<i64> = tokens.iter().map(|t| i64::from(*t)).collect();
        let binding = &mut self.binding;
        binding.bind_input(IDS, &Tensor::from_array(([rows, width], ids))?)?;
        if signature.mask {
            binding.bind_input(MASK, &ones(rows, past + width)?)?;
        }
        if signature.positions {
            let positions: Vec<i64> = (0..rows).flat_map(|_| past as i64..(past + width) as i64).collect();
            binding.bind_input(POSITIONS, &Tensor::from_array(([rows, width], positions))?)?;
        }
        if signature.branch {
            binding.bind_input(BRANCH, &Tensor::from_array(([1], vec![past > 0]))?)?;
        }
        if let Some(states) = &self.states {
            binding.bind_input(STATES, states)?;
            if self.model.decoder.inputs().iter().any(|i| i.name() == STATES_MASK) {
                binding.bind_input(STATES_MASK, &ones(rows, self.prompt)?)?;
            }
        }
        let allocator = Allocator::default();
        let (mut caches, mut fixed) = (self.caches.iter(), self.fixed.iter());
        for cache in &signature.caches {
            let input = format!("{PAST}{}", cache.name);
            match if cache.fixed { fixed.next() } else { caches.next() } {
                Some(known) => binding.bind_input(input, known)?,
                // Before the first pass there is nothing in it.
                None => {
                    let empty = Tensor::<f32>::new(&allocator, [rows, cache.heads, 0, cache.width])?;
                    binding.bind_input(input, &empty)?;
                }
            }
            binding.bind_output_to_device(format!("{PRESENT}{}", cache.name), allocator.memory_info())?;
        }
        binding.bind_output_to_device(LOGITS, allocator.memory_info())?;
        let mut out = self.model.decoder.run_binding_with_options(binding, &self.halt)?;
        self.logits = Some(take(&mut out, LOGITS)?);
        self.caches.clear();
        for cache in &signature.caches {
            let present = take(&mut out, &format!("{PRESENT}{}", cache.name))?;
            match cache.fixed {
                false => self.caches.push(present),
                // Later passes give something that means nothing.
                true if past == 0 => self.fixed.push(present),
                true => {}
            }
        }
        self.length += width;
        Ok(())
    }

    fn logits(&self) -> Result<&[f32]> {
        Ok(self.logits.as_ref().context("nothing was computed")?.extract_tensor().1)
    }
}

impl Steps for Growing<'_> {
    fn prefill(&mut self, prompt: &[u32]) -> Result<&[f32]> {
        if self.model.encoder.is_some() {
            self.encode(prompt)?;
            let start = self.model.start;
            self.run(&[start], 1)?;
        } else {
            self.run(prompt, 1)?;
        }
        let vocabulary = self.model.signature.vocabulary;
        let all = self.logits()?;
        Ok(&all[all.len() - vocabulary..])
    }

    fn decode(&mut self, parents: &[usize], tokens: &[u32]) -> Result<&[f32]> {
        let mut order = parents.to_vec();
        order.resize(self.rows, 0);
        // The prompt's one row becomes all rows; what the encoder gave is the same in all of them for good.
        let first = self.logits.as_ref().is_some_and(|l| l.shape()[0] != self.rows as i64);
        if first {
            for tensor in self.fixed.iter_mut().chain(&mut self.states) {
                *tensor = taken(tensor, &vec![0; self.rows])?;
            }
        }
        for cache in &mut self.caches {
            if !in_order(&order, cache.shape()[0]) {
                *cache = taken(cache, &order)?;
            }
        }
        self.run(tokens, self.rows)?;
        self.logits()
    }
}

/// Whether taking these rows changes nothing.
fn in_order(order: &[usize], rows: i64) -> bool {
    order.len() as i64 == rows && order.iter().enumerate().all(|(i, row)| i == *row)
}

/// The rows of a tensor in another order.
fn taken(from: &Tensor<f32>, order: &[usize]) -> Result<Tensor<f32>> {
    let (shape, data) = from.extract_tensor();
    let mut dims: Vec<usize> = shape.iter().map(|d| usize::try_from(*d)).collect::<Result<_, _>>()?;
    let row: usize = dims[1..].iter().product();
    dims[0] = order.len();
    let mut rows = Vec::with_capacity(order.len() * row);
    for i in order {
        rows.extend_from_slice(&data[i * row..(i + 1) * row]);
    }
    Ok(Tensor::from_array((dims, rows))?)
}

/// An output of a run.
fn take(out: &mut SessionOutputs<'_>, name: &str) -> Result<Tensor<f32>> {
    let value = out.remove(name).with_context(|| format!("the graph gave no `{name}`"))?;
    Ok(value.downcast::<TensorValueType<f32>>()?)
}

/// A mask that hides nothing.
fn ones(rows: usize, width: usize) -> Result<Tensor<i64>> {
    Ok(Tensor::from_array(([rows, width], vec![1i64; rows * width]))?)
}
