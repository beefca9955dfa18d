//! Steps with the cache in the machine's own memory. Past and present of a layer are one preallocated buffer,
//! bound as input and output, so that a step writes its one new entry in place. When a beam takes over
//! another's place only the generated entries move: the prompt's are the same in all rows.

use anyhow::Result;
use ort::memory::Allocator;
use ort::session::{IoBinding, Session};
use ort::value::Tensor;

use super::own::bind_step;
use super::{Halt, Steps, parts};
use crate::policy::bundle::LlamaConfig;
use crate::policy::onnx::{past_name, present_name};

/// The steps of one generation: the prompt in one row, then all rows together.
pub(super) struct InPlace<'a> {
    session: &'a mut Session,
    halt: Halt,
    config: LlamaConfig,
    rows: usize,
    capacity: usize,
    prompt: usize,
    length: usize,
    step: Step,
}

impl<'a> InPlace<'a> {
    /// For a prompt of this length, and sequences of at most `capacity` entries in the cache.
    pub fn new(
        session: &'a mut Session,
        halt: Halt,
        config: &LlamaConfig,
        rows: usize,
        prompt: usize,
        capacity: usize,
    ) -> Result<InPlace<'a>> {
        let step = Step::new(session, config, 1, prompt, capacity)?;
        Ok(InPlace { session, halt, config: config.clone(), rows, capacity, prompt, length: 0, step })
    }
}

impl Steps for InPlace<'_> {
    fn prefill(&mut self, prompt: &[u32]) -> Result<&[f32]> {
        self.length = prompt.len();
        self.step.run(self.session, &self.halt, prompt, 0)
    }

    fn decode(&mut self, parents: &[usize], tokens: &[u32]) -> Result<&[f32]> {
        if self.length == self.prompt {
            let mut decode = Step::new(self.session, &self.config, self.rows, 1, self.capacity)?;
            decode.fill_rows(&self.step, self.prompt);
            self.step = decode;
        } else {
            self.step.move_rows(parents, self.prompt, self.length);
        }
        let logits = self.step.run(self.session, &self.halt, tokens, self.length)?;
        self.length += 1;
        Ok(logits)
    }
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
    fn run(&mut self, session: &mut Session, halt: &Halt, tokens: &[u32], length: usize) -> Result<&[f32]> {
        bind_step(&mut self.binding, tokens, self.rows, length, vec![self.width as i64 - 1])?;
        session.run_binding_with_options(&self.binding, halt)?;
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
