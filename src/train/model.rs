//! A decoder of Llama's architecture (RMSNorm, rotary positions, grouped-query attention, gated MLP)
//! on burn's tensors, with the parameter names and layouts of Hugging Face's `LlamaForCausalLM`.
//!
//! Sequences are padded on the right: under the causal mask no real token sees padding, so no other
//! mask is needed, and what is computed at padding is never read.

use anyhow::{Result, bail};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::policy::bundle::LlamaConfig;
use crate::policy::weights::{self, Weights};

/// A projection `x · wᵀ + b`; the weight is `[out, in]`, the bias `[1, out]`.
#[derive(Debug, Clone)]
struct Projection {
    weight: Tensor<2>,
    bias: Option<Tensor<2>>,
}

impl Projection {
    fn apply(&self, x: Tensor<2>) -> Tensor<2> {
        let product = linear(x, &self.weight);
        match &self.bias {
            Some(bias) => product + bias.clone(),
            None => product,
        }
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor<2>> {
        std::iter::once(&self.weight).chain(&self.bias)
    }

    fn tensors_mut(&mut self) -> impl Iterator<Item = &mut Tensor<2>> {
        std::iter::once(&mut self.weight).chain(&mut self.bias)
    }
}

/// One block's parameters; norm weights are `[1, hidden]`.
#[derive(Debug, Clone)]
struct Block {
    input_norm: Tensor<2>,
    q: Projection,
    k: Projection,
    v: Projection,
    o: Projection,
    post_norm: Tensor<2>,
    gate: Projection,
    up: Projection,
    down: Projection,
}

/// The model: its configuration and all of its parameters, in fp32.
#[derive(Debug, Clone)]
pub struct Llama {
    /// Shapes and constants, as in `config.json`.
    pub config: LlamaConfig,
    embed: Tensor<2>,
    blocks: Vec<Block>,
    norm: Tensor<2>,
    /// Absent where the embedding is tied to it.
    head: Option<Tensor<2>>,
}

/// Fresh parameters: normal with deviation 0.02 (Llama's `initializer_range`), the projections into
/// the residual stream smaller by √(2·layers) as in GPT-2, norms 1.
pub fn initial(config: &LlamaConfig, seed: u64) -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let residual = 0.02 / (2.0 * config.num_hidden_layers as f32).sqrt();
    let mut weights = Weights::default();
    for (name, shape) in config.tensors() {
        let n: usize = shape.iter().product();
        let std = if name.contains("o_proj") || name.contains("down_proj") { residual } else { 0.02 };
        let data = match shape.len() {
            1 if name.ends_with("bias") => vec![0.0; n],
            1 => vec![1.0; n],
            _ => (0..n).map(|_| std * normal(&mut rng)).collect(),
        };
        weights.insert(name, shape, data);
    }
    weights
}

/// A standard normal variable (Box and Muller, 1958).
fn normal(rng: &mut ChaCha8Rng) -> f32 {
    let (u, v): (f32, f32) = (rng.random(), rng.random());
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}

/// Tokens of equally long rows, padded on the right, and the places whose successor is asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TokenBatch {
    /// Number of rows.
    pub rows: usize,
    /// Columns of the padded table.
    pub width: usize,
    /// `rows × width` tokens.
    pub tokens: Vec<u32>,
    /// Flat indices (`row × width + column`) of the places that predict.
    pub places: Vec<u32>,
    /// The token that follows each place.
    pub targets: Vec<u32>,
}

/// Dropout (Srivastava et al. 2014) of the embedding and of what each block adds. The masks come from a
/// generator of its own, so that a run can be repeated.
#[derive(Debug)]
pub struct Dropout {
    rng: ChaCha8Rng,
    /// Values below it, of 256, are dropped.
    threshold: u8,
}

impl Dropout {
    /// Drops about this share of the values; none where it is zero.
    pub fn new(share: f64, seed: u64) -> Option<Dropout> {
        let threshold = (share * 256.0).round().clamp(0.0, 255.0) as u8;
        (threshold > 0).then(|| Dropout { rng: ChaCha8Rng::seed_from_u64(seed), threshold })
    }

    /// Factors of the next `n` values: 0, or what keeps the mean.
    pub fn mask(&mut self, n: usize) -> Vec<f32> {
        let mut bytes = vec![0u8; n];
        self.rng.fill_bytes(&mut bytes);
        let kept = 256.0 / (256.0 - f32::from(self.threshold));
        bytes.iter().map(|b| if *b < self.threshold { 0.0 } else { kept }).collect()
    }

    fn apply(&mut self, x: Tensor<2>) -> Tensor<2> {
        let [rows, columns] = x.dims();
        let mask = self.mask(rows * columns);
        let device = x.device().inner();
        x * Tensor::<2>::from_data(TensorData::new(mask, [rows, columns]), &device)
    }
}

fn dropped(x: Tensor<2>, dropout: &mut Option<Dropout>) -> Tensor<2> {
    match dropout {
        Some(d) => d.apply(x),
        None => x,
    }
}

impl Llama {
    /// A model from the parameters that its configuration names.
    pub fn new(config: &LlamaConfig, weights: &Weights, device: &Device) -> Result<Llama> {
        let shapes = weights.tensors.iter().map(|(n, (shape, _))| (n.clone(), shape.clone())).collect();
        weights::check_shapes(config, &shapes)?;
        let mut loaded = Vec::new();
        for (name, shape) in config.tensors() {
            let Some((_, data)) = weights.tensors.get(&name) else { bail!("the weights lack `{name}`") };
            let dims = if shape.len() == 1 { [1, shape[0]] } else { [shape[0], shape[1]] };
            loaded.push(Tensor::<2>::from_data(TensorData::new(data.clone(), dims), device));
        }
        let mut it = loaded.into_iter();
        let mut next = || it.next().expect("`LlamaConfig::tensors` lists as many as are taken here");
        let embed = next();
        let mut blocks = Vec::with_capacity(config.num_hidden_layers);
        for _ in 0..config.num_hidden_layers {
            let project = |name: &str, next: &mut dyn FnMut() -> Tensor<2>| {
                let weight = next();
                Projection { weight, bias: config.has_bias(name).then(next) }
            };
            blocks.push(Block {
                input_norm: next(),
                q: project("self_attn.q_proj", &mut next),
                k: project("self_attn.k_proj", &mut next),
                v: project("self_attn.v_proj", &mut next),
                o: project("self_attn.o_proj", &mut next),
                post_norm: next(),
                gate: project("mlp.gate_proj", &mut next),
                up: project("mlp.up_proj", &mut next),
                down: project("mlp.down_proj", &mut next),
            });
        }
        let norm = next();
        let head = (!config.tie_word_embeddings).then(&mut next);
        Ok(Llama { config: config.clone(), embed, blocks, norm, head })
    }

    /// All parameters, in the order of [`LlamaConfig::tensors`].
    pub fn tensors(&self) -> Vec<&Tensor<2>> {
        let mut all = vec![&self.embed];
        for b in &self.blocks {
            all.push(&b.input_norm);
            all.extend([&b.q, &b.k, &b.v, &b.o].into_iter().flat_map(Projection::tensors));
            all.push(&b.post_norm);
            all.extend([&b.gate, &b.up, &b.down].into_iter().flat_map(Projection::tensors));
        }
        all.push(&self.norm);
        all.extend(&self.head);
        all
    }

    /// The same for changing them.
    pub fn tensors_mut(&mut self) -> Vec<&mut Tensor<2>> {
        let mut all = vec![&mut self.embed];
        for b in &mut self.blocks {
            all.push(&mut b.input_norm);
            let attention = [&mut b.q, &mut b.k, &mut b.v, &mut b.o];
            all.extend(attention.into_iter().flat_map(Projection::tensors_mut));
            all.push(&mut b.post_norm);
            let mlp = [&mut b.gate, &mut b.up, &mut b.down];
            all.extend(mlp.into_iter().flat_map(Projection::tensors_mut));
        }
        all.push(&mut self.norm);
        all.extend(&mut self.head);
        all
    }

    /// Copies all parameters to the host.
    pub fn weights(&self) -> Result<Weights> {
        let mut weights = Weights::default();
        for ((name, shape), t) in self.config.tensors().into_iter().zip(self.tensors()) {
            weights.insert(name, shape, host(t.clone())?);
        }
        Ok(weights)
    }

    /// The same parameters as leaves of a new autodiff graph; several threads may each have one.
    pub fn replica(&self) -> Llama {
        let mut copy = self.clone();
        for t in copy.tensors_mut() {
            *t = t.clone().inner().autodiff().require_grad();
        }
        copy
    }

    /// The same parameters outside of any graph.
    pub fn frozen(&self) -> Llama {
        let mut copy = self.clone();
        for t in copy.tensors_mut() {
            *t = t.clone().inner();
        }
        copy
    }

    /// Where the parameters are.
    pub fn device(&self) -> Device {
        self.embed.device().inner()
    }

    /// Whether they are in the program's own memory.
    pub fn is_on_cpu(&self) -> bool {
        self.device() == Device::flex()
    }

    /// Hidden states after the last norm, `[rows × width, hidden]`.
    pub fn hidden(&self, batch: &TokenBatch) -> Tensor<2> {
        self.hidden_with(batch, &mut None)
    }

    fn hidden_with(&self, batch: &TokenBatch, dropout: &mut Option<Dropout>) -> Tensor<2> {
        let (c, device) = (&self.config, self.device());
        let n = batch.rows * batch.width;
        let rotary = Rotary::new(c, batch.rows, batch.width, &device);
        let mask = causal_mask(batch.width, &device);
        let mut x = dropped(self.embed.clone().select(0, indices(&batch.tokens, &device)), dropout);
        for b in &self.blocks {
            let h = rms_norm(x.clone(), &b.input_norm, c.rms_norm_eps);
            x = x + dropped(self.attention(b, h, batch, &rotary, &mask), dropout);
            let h = rms_norm(x.clone(), &b.post_norm, c.rms_norm_eps);
            let gated = activation::silu(b.gate.apply(h.clone())) * b.up.apply(h);
            x = x + dropped(b.down.apply(gated), dropout);
        }
        debug_assert_eq!(x.dims(), [n, c.hidden_size]);
        rms_norm(x, &self.norm, c.rms_norm_eps)
    }

    fn attention(
        &self,
        b: &Block,
        h: Tensor<2>,
        batch: &TokenBatch,
        rotary: &Rotary,
        mask: &Tensor<4>,
    ) -> Tensor<2> {
        let c = &self.config;
        let (heads, kv, hd) = (c.num_attention_heads, c.num_key_value_heads, c.head_dim);
        let split = |x: Tensor<2>, n: usize| x.reshape([batch.rows, batch.width, n, hd]).swap_dims(1, 2);
        let scale = 1.0 / (hd as f64).sqrt();
        let q = split(rotary.apply(b.q.apply(h.clone()), heads).mul_scalar(scale), heads);
        let k = split(rotary.apply(b.k.apply(h.clone()), kv), kv);
        let v = split(b.v.apply(h), kv);
        let (k, v) = (repeat_heads(k, heads / kv), repeat_heads(v, heads / kv));
        let scores = q.matmul(k.swap_dims(2, 3)) + mask.clone();
        let mixed = activation::softmax(scores, 3).matmul(v);
        let joined = mixed.swap_dims(1, 2).reshape([batch.rows * batch.width, heads * hd]);
        b.o.apply(joined)
    }

    /// Logits of given hidden states, `[n, vocabulary]`.
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        linear(hidden, self.head.as_ref().unwrap_or(&self.embed))
    }

    /// Log-probability of the target at each of the batch's places, `[places]`, and the logits there.
    /// Only these places go through the vocabulary.
    pub fn target_log_probs(&self, batch: &TokenBatch) -> (Tensor<1>, Tensor<2>) {
        self.target_log_probs_with(batch, None)
    }

    /// The same with dropout, for training.
    pub fn target_log_probs_with(
        &self,
        batch: &TokenBatch,
        mut dropout: Option<Dropout>,
    ) -> (Tensor<1>, Tensor<2>) {
        let device = self.device();
        let at = self.hidden_with(batch, &mut dropout).select(0, indices(&batch.places, &device));
        let logits = self.logits(at);
        let targets: Tensor<2, Int> = indices(&batch.targets, &device).unsqueeze_dim(1);
        let picked = activation::log_softmax(logits.clone(), 1).gather(1, targets);
        (picked.squeeze_dim(1), logits)
    }
}

/// `x · wᵀ` for a weight of `[out, in]`.
fn linear(x: Tensor<2>, weight: &Tensor<2>) -> Tensor<2> {
    x.matmul(weight.clone().transpose())
}

/// `x / √(mean(x²) + ε) · weight` along the last dimension (Zhang and Sennrich, arXiv:1910.07467).
fn rms_norm(x: Tensor<2>, weight: &Tensor<2>, eps: f64) -> Tensor<2> {
    let scale = (x.clone() * x.clone()).mean_dim(1).add_scalar(eps).sqrt().recip();
    x * scale * weight.clone()
}

/// Rotary embeddings (Su et al., arXiv:2104.09864) in Hugging Face's convention: the two halves of a
/// head form the pairs, `x·cos + rotate_half(x)·sin`.
struct Rotary {
    head_dim: usize,
    /// `[rows × width, head_dim]`, the same for every head.
    cos: Tensor<3>,
    sin: Tensor<3>,
    /// `x · turn` is `rotate_half(x)`: a product is far cheaper here than slices and their gradients.
    turn: Tensor<2>,
}

impl Rotary {
    fn new(c: &LlamaConfig, rows: usize, width: usize, device: &Device) -> Rotary {
        let (hd, half) = (c.head_dim, c.head_dim / 2);
        let mut angles = Vec::with_capacity(width * hd);
        for position in 0..width {
            for i in 0..hd {
                let frequency = c.rope_theta.powf(-2.0 * (i % half) as f64 / hd as f64);
                angles.push(position as f64 * frequency);
            }
        }
        let table = |f: fn(f64) -> f64| {
            let once: Vec<f32> = angles.iter().map(|&a| f(a) as f32).collect();
            Tensor::<3>::from_data(TensorData::new(once.repeat(rows), [rows * width, 1, hd]), device)
        };
        let mut turn = vec![0.0f32; hd * hd];
        for i in 0..half {
            turn[(i + half) * hd + i] = -1.0;
            turn[i * hd + i + half] = 1.0;
        }
        Rotary {
            head_dim: hd,
            cos: table(f64::cos),
            sin: table(f64::sin),
            turn: Tensor::from_data(TensorData::new(turn, [hd, hd]), device),
        }
    }

    fn apply(&self, x: Tensor<2>, heads: usize) -> Tensor<2> {
        let [n, d] = x.dims();
        let turned = x.clone().reshape([n * heads, self.head_dim]).matmul(self.turn.clone());
        let by_head = |t: Tensor<2>| t.reshape([n, heads, self.head_dim]);
        let turned = turned.reshape([n, heads, self.head_dim]);
        (by_head(x) * self.cos.clone() + turned * self.sin.clone()).reshape([n, d])
    }
}

/// `[rows, kv, width, hd]` with each head repeated for the queries that share it.
fn repeat_heads(x: Tensor<4>, times: usize) -> Tensor<4> {
    if times == 1 {
        return x;
    }
    let [b, kv, t, hd] = x.dims();
    x.unsqueeze_dim::<5>(2).repeat_dim(2, times).reshape([b, kv * times, t, hd])
}

/// 0 where a place may look, −1e9 where it may not, `[1, 1, width, width]`.
fn causal_mask(width: usize, device: &Device) -> Tensor<4> {
    let data: Vec<f32> =
        (0..width * width).map(|i| if i % width <= i / width { 0.0 } else { -1e9 }).collect();
    Tensor::from_data(TensorData::new(data, [1, 1, width, width]), device)
}

fn indices(values: &[u32], device: &Device) -> Tensor<1, Int> {
    let data: Vec<i32> = values.iter().map(|&v| v as i32).collect();
    Tensor::from_data(TensorData::new(data, [values.len()]), device)
}

/// A tensor's values on the host.
pub fn host<const D: usize>(t: Tensor<D>) -> Result<Vec<f32>> {
    let data = t.inner().try_into_data_as::<f32>().map_err(|e| anyhow::anyhow!("reading a tensor: {e}"))?;
    data.try_into_vec::<f32>().map_err(|e| anyhow::anyhow!("reading a tensor: {e:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny() -> LlamaConfig {
        LlamaConfig {
            vocab_size: 24,
            hidden_size: 16,
            intermediate_size: 24,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: 8,
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-5,
            max_position_embeddings: 32,
            tie_word_embeddings: true,
            family: crate::policy::bundle::Family::default(),
        }
    }

    fn batch() -> TokenBatch {
        TokenBatch {
            rows: 2,
            width: 4,
            tokens: vec![1, 5, 6, 7, 1, 9, 3, 0],
            places: vec![1, 2, 4, 5],
            targets: vec![6, 7, 9, 3],
        }
    }

    fn loss(weights: &Weights) -> f64 {
        let model = Llama::new(&tiny(), weights, &Device::flex()).unwrap();
        let (log_probs, _) = model.target_log_probs(&batch());
        -f64::from(host(log_probs.sum()).unwrap()[0])
    }

    /// Weights large enough that every part of the model matters.
    fn weights() -> Weights {
        let mut w = initial(&tiny(), 3);
        let matrices = w.tensors.values_mut().filter(|(shape, _)| shape.len() == 2);
        matrices.for_each(|(_, data)| data.iter_mut().for_each(|x| *x *= 8.0));
        w
    }

    #[test]
    fn gradients_agree_with_differences() {
        let base = weights();
        let model = Llama::new(&tiny(), &base, &Device::flex()).unwrap().replica();
        let (log_probs, _) = model.target_log_probs(&batch());
        let mut grads = log_probs.sum().neg().backward();
        for ((name, _), t) in tiny().tensors().into_iter().zip(model.tensors()) {
            let slope = host(t.grad_remove(&mut grads).unwrap()).unwrap();
            // The steepest direction of each tensor is the one that differences measure best.
            let at = (0..slope.len()).max_by(|a, b| slope[*a].abs().total_cmp(&slope[*b].abs())).unwrap();
            let moved = |by: f32| {
                let mut w = base.clone();
                w.tensors.get_mut(&name).unwrap().1[at] += by;
                loss(&w)
            };
            let difference = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            let error = (difference - f64::from(slope[at])).abs() / difference.abs().max(0.5);
            assert!(error < 0.05, "{name}[{at}]: {difference} {}", slope[at]);
        }
    }

    #[test]
    fn no_token_sees_what_comes_after_it() {
        let model = Llama::new(&tiny(), &weights(), &Device::flex()).unwrap();
        let hidden = |tokens: [u32; 4]| {
            let b = TokenBatch { rows: 1, width: 4, tokens: tokens.to_vec(), ..TokenBatch::default() };
            host(model.hidden(&b)).unwrap()
        };
        let (a, b) = (hidden([1, 5, 6, 7]), hidden([1, 5, 9, 0]));
        assert_eq!(a[..32], b[..32]);
        assert_ne!(a[32..48], b[32..48]);
    }

    #[test]
    fn dropout_keeps_the_mean_and_can_be_repeated() {
        let ones = Tensor::<2>::ones([64, 64], &Device::flex());
        let draw = |seed| host(Dropout::new(0.25, seed).unwrap().apply(ones.clone())).unwrap();
        let values = draw(1);
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!((mean - 1.0).abs() < 0.05 && values.contains(&0.0), "{mean}");
        assert_eq!(values, draw(1));
        assert_ne!(values, draw(2));
        assert!(Dropout::new(0.0, 1).is_none());
    }

    #[test]
    fn a_replica_learns_apart_and_weights_come_back() {
        let model = Llama::new(&tiny(), &weights(), &Device::flex()).unwrap();
        assert_eq!(model.replica().weights().unwrap(), weights());
        assert!(model.replica().tensors().iter().all(|t| t.is_require_grad()));
        assert!(model.replica().frozen().tensors().iter().all(|t| !t.is_autodiff()));
    }

    #[test]
    fn weights_of_another_shape_are_refused_by_name() {
        let mut w = weights();
        w.insert("model.norm.weight", vec![3], vec![0.0; 3]);
        let error = Llama::new(&tiny(), &w, &Device::flex()).unwrap_err();
        assert!(error.to_string().contains("model.norm.weight"), "{error}");
    }
}
