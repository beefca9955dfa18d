//! The graphs that `onnx.rs` writes, in ONNX Runtime: on the CPU in single precision or with weights of 8 bits and a
//! cache that is written in place ([`super::in_place`]), on CUDA in half precision with a cache that stays on the
//! device ([`super::gathered`]).

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use ndarray::Array2;
use ort::ep;
use ort::memory::Allocator;
use ort::session::builder::SessionBuilder;
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use super::environment::{builder, environment, no_cuda};
use super::gathered::Gathered;
use super::in_place::InPlace;
use super::{Compute, Halt, Steps, cuda, int8, parts};
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::{Bundle, GRAPH, LlamaConfig, WEIGHTS};
use crate::policy::onnx::{self, CACHE_ROWS, Precision, past_name, present_name};
use crate::policy::weights;

/// A decoder of Llama's family.
#[derive(Debug)]
pub(super) struct Own {
    session: Session,
    config: LlamaConfig,
    compute: Compute,
}

impl Own {
    /// Loads the graph for a way of computing. `cache`: where graphs with weights of 8 bits are kept.
    pub fn open(
        bundle: &Bundle,
        config: &LlamaConfig,
        library: &Path,
        compute: Compute,
        cache: Option<&Path>,
        threads: usize,
    ) -> Result<Own> {
        let environment = environment(library)?;
        let from_file = |file: &Path| {
            builder(&environment, threads)
                .and_then(|mut b| Ok(b.commit_from_file(file)?))
                .with_context(|| format!("ONNX Runtime cannot load `{}`", file.display()))
        };
        let session = match compute {
            Compute::Cpu => from_file(&bundle.dir.join(GRAPH))?,
            Compute::CpuInt8 => match cache {
                Some(cache) => from_file(&int8::file(bundle, config, cache)?)?,
                None => bail!("weights of 8 bits need a cache: `open_int8`"),
            },
            Compute::CpuHalf => open_half(builder(&environment, threads)?, bundle, config)?,
            Compute::Cuda => {
                cuda::prepare(library).map_err(no_cuda)?;
                let provider = ep::CUDA::default().with_device_id(0).build().error_on_failure();
                let builder = builder(&environment, threads)?.with_execution_providers([provider]);
                let builder = builder.map_err(|e| no_cuda(e.to_string()))?;
                open_half(builder, bundle, config).map_err(|e| no_cuda(format!("{e:#}")))?
            }
        };
        let own = Own { session, config: config.clone(), compute };
        own.check_graph().with_context(|| format!("in the graph of `{}`", bundle.dir.display()))?;
        Ok(own)
    }

    /// Bytes that a weight takes in the memory that steps read.
    pub fn bytes_per_weight(&self) -> f64 {
        match self.compute {
            Compute::Cpu => 4.0,
            Compute::CpuInt8 => 1.0,
            Compute::CpuHalf | Compute::Cuda => 2.0,
        }
    }

    /// The steps of a generation in `rows` rows behind a prompt, to sequences of at most `capacity` tokens.
    pub fn steps(
        &mut self,
        halt: Halt,
        rows: usize,
        prompt: usize,
        capacity: usize,
    ) -> Result<Box<dyn Steps + '_>> {
        let in_place = self.in_place();
        let (session, config) = (&mut self.session, &self.config);
        Ok(if in_place {
            Box::new(InPlace::new(session, halt, config, rows, prompt, capacity)?)
        } else {
            let cuda = self.compute == Compute::Cuda;
            Box::new(Gathered::new(session, halt, config, cuda, rows, capacity)?)
        })
    }

    /// The logits behind every token of a sequence, `[tokens, vocabulary]`, computed without a cache.
    pub fn logits(&mut self, tokens: &[u32]) -> Result<Array2<f32>> {
        let n = tokens.len();
        if !self.in_place() {
            let cuda = self.compute == Compute::Cuda;
            return Gathered::new(&mut self.session, Halt::new()?, &self.config, cuda, 1, n)?.logits(tokens);
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
}

/// The half-precision graph, made here over the bundle's weights; nothing is written.
fn open_half(builder: SessionBuilder, bundle: &Bundle, config: &LlamaConfig) -> Result<Session> {
    let file = bundle.dir.join(WEIGHTS);
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let graph = onnx::graph(config, &weights::places(&bytes)?, Precision::Half)?;
    let builder = builder.with_external_initializer_file_in_memory(WEIGHTS, bytes.into());
    let mut builder = builder.map_err(|e| anyhow!("{e}"))?;
    builder.commit_from_memory(&graph).context("ONNX Runtime cannot load the half-precision graph")
}

/// Binds all inputs but the cache: `tokens` are `rows` sequences of equal length at the positions from
/// `length` on.
pub(super) fn bind_step(
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
