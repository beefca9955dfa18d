//! Steps with the cache in the device's memory, which the host cannot rearrange: the graph itself takes the rows
//! that go on (`cache_rows`) out of the past before it attends to them. Two sets of buffers take turns as past
//! and present; only tokens, row numbers and logits cross between host and device.

use anyhow::Result;
use half::f16;
use ndarray::Array2;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use super::own::bind_step;
use super::{Halt, Steps, parts};
use crate::policy::bundle::LlamaConfig;
use crate::policy::onnx::{CACHE_ROWS, past_name, present_name};

/// The steps of one generation: the prompt in one row, then all rows together.
pub(super) struct Gathered<'a> {
    session: &'a mut Session,
    halt: Halt,
    config: LlamaConfig,
    rows: usize,
    capacity: usize,
    length: usize,
    binding: IoBinding,
    /// Keys and values of each layer in turn, `[rows, kv_heads, capacity, head_dim]`: what the last step wrote.
    past: Vec<Tensor<f16>>,
    present: Vec<Tensor<f16>>,
    /// `[rows, 1, vocabulary]`, in the machine's own memory.
    logits: Tensor<f32>,
    // Last, so that it outlives its tensors.
    allocator: Allocator,
}

impl<'a> Gathered<'a> {
    /// For sequences of at most `capacity` entries in the cache.
    pub fn new(
        session: &'a mut Session,
        halt: Halt,
        config: &LlamaConfig,
        cuda: bool,
        rows: usize,
        capacity: usize,
    ) -> Result<Gathered<'a>> {
        let allocator = match cuda {
            true => Allocator::new(
                session,
                MemoryInfo::new(AllocationDevice::CUDA, 0, AllocatorType::Device, MemoryType::Default)?,
            )?,
            false => Allocator::default(),
        };
        let one = |allocator: &Allocator| buffers(allocator, config, 1, capacity);
        Ok(Gathered {
            binding: session.create_binding()?,
            session,
            halt,
            config: config.clone(),
            rows,
            capacity,
            length: 0,
            past: one(&allocator)?,
            present: one(&allocator)?,
            logits: logits(1, 1, config)?,
            allocator,
        })
    }

    /// The logits behind every token of a sequence, `[tokens, vocabulary]`.
    pub fn logits(mut self, tokens: &[u32]) -> Result<Array2<f32>> {
        self.logits = logits(1, tokens.len(), &self.config)?;
        self.run(tokens, &[0], (0..tokens.len() as i64).collect())?;
        let (_, data) = self.logits.extract_tensor();
        Ok(Array2::from_shape_vec((tokens.len(), self.config.vocab_size), data.to_vec())?)
    }

    fn run(&mut self, tokens: &[u32], cache_rows: &[i64], wanted: Vec<i64>) -> Result<()> {
        let rows = cache_rows.len();
        bind_step(&mut self.binding, tokens, rows, self.length, wanted)?;
        self.binding.bind_input(CACHE_ROWS, &Tensor::from_array(([rows], cache_rows.to_vec()))?)?;
        for (i, (layer, part)) in parts(self.config.num_hidden_layers).enumerate() {
            self.binding.bind_input(past_name(layer, part), &self.past[i])?;
            self.binding.bind_output(present_name(layer, part), &mut self.present[i])?;
        }
        self.binding.bind_output("logits", &mut self.logits)?;
        // Copies to the device are queued apart from the computation.
        self.binding.synchronize_inputs()?;
        self.session.run_binding_with_options(&self.binding, &self.halt)?;
        std::mem::swap(&mut self.past, &mut self.present);
        self.length += tokens.len() / rows;
        Ok(())
    }
}

impl Steps for Gathered<'_> {
    fn prefill(&mut self, prompt: &[u32]) -> Result<&[f32]> {
        self.run(prompt, &[0], vec![prompt.len() as i64 - 1])?;
        // The rows to come take the prompt's cache as their past.
        self.present = buffers(&self.allocator, &self.config, self.rows, self.capacity)?;
        Ok(self.logits.extract_tensor().1)
    }

    fn decode(&mut self, parents: &[usize], tokens: &[u32]) -> Result<&[f32]> {
        let width = self.past[0].shape()[0];
        if self.logits.shape()[0] != self.rows as i64 {
            self.logits = logits(self.rows, 1, &self.config)?;
        }
        let mut rows: Vec<i64> = parents.iter().map(|p| *p as i64).collect();
        rows.resize(self.rows, 0);
        self.run(tokens, &rows, vec![0])?;
        if width != self.rows as i64 {
            self.present = buffers(&self.allocator, &self.config, self.rows, self.capacity)?;
        }
        Ok(self.logits.extract_tensor().1)
    }
}

fn buffers(
    allocator: &Allocator,
    config: &LlamaConfig,
    rows: usize,
    capacity: usize,
) -> Result<Vec<Tensor<f16>>> {
    let shape = [rows, config.num_key_value_heads, capacity, config.head_dim];
    parts(config.num_hidden_layers).map(|_| Ok(Tensor::<f16>::new(allocator, shape)?)).collect()
}

fn logits(rows: usize, places: usize, config: &LlamaConfig) -> Result<Tensor<f32>> {
    Ok(Tensor::<f32>::new(&Allocator::default(), [rows, places, config.vocab_size])?)
}
