//! The decoder of [`super::model`] on the CPU, forward and backward by hand: what burn's tensors compute there
//! with a graph, in less than half of the time. A test holds both to the same numbers.
//!
//! Why by hand: rows are packed, so nothing is computed for padding or behind the last place asked for; what is
//! computed element by element is a single pass instead of a tensor for each operation; and no graph is built.

use std::ops::Range;

use super::model::{Dropout, TokenBatch};
use crate::policy::bundle::LlamaConfig;

mod kernels;
mod memory;
#[cfg(test)]
mod tests;

use kernels::{Rotary, Target, View, product};

/// Numbers of a projection's tensors in the order of [`LlamaConfig::tensors`].
#[derive(Clone, Copy)]
struct Projection {
    weight: usize,
    bias: Option<usize>,
    /// Columns of the weight: width of what goes in.
    inner: usize,
}

/// Numbers of a block's tensors.
struct Block {
    input_norm: usize,
    q: Projection,
    k: Projection,
    v: Projection,
    o: Projection,
    post_norm: usize,
    gate: Projection,
    up: Projection,
    down: Projection,
}

/// A model's parameters on the host.
pub struct Net {
    config: LlamaConfig,
    tensors: Vec<Vec<f32>>,
    blocks: Vec<Block>,
    norm: usize,
    head: Projection,
}

/// What a block keeps for its gradient; rows are packed.
struct Kept {
    x: Vec<f32>,
    normed: Vec<f32>,
    factors: Vec<f32>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    /// Of each row, head by head.
    attention: Vec<Vec<f32>>,
    mixed: Vec<f32>,
    attention_mask: Option<Vec<f32>>,
    middle: Vec<f32>,
    middle_normed: Vec<f32>,
    middle_factors: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    mlp_mask: Option<Vec<f32>>,
}

/// A pass over a batch: log-probabilities, and what their gradient needs.
pub struct Pass<'a> {
    net: &'a Net,
    /// Log-probability of the target at each of the batch's places.
    pub log_probs: Vec<f32>,
    /// The likeliest token at each place.
    pub choices: Vec<u32>,
    rows: Vec<Range<usize>>,
    tokens: Vec<u32>,
    places: Vec<usize>,
    targets: Vec<u32>,
    rotary: Rotary,
    embedding_mask: Option<Vec<f32>>,
    kept: Vec<Kept>,
    last: Vec<f32>,
    last_normed: Vec<f32>,
    last_factors: Vec<f32>,
    logits: Vec<f32>,
    sums: Vec<f32>,
}

impl Net {
    /// A model from its tensors in the order of [`LlamaConfig::tensors`].
    pub fn new(config: &LlamaConfig, tensors: Vec<Vec<f32>>) -> Net {
        memory::keep();
        let sizes = config.tensors().into_iter().map(|(_, shape)| shape.iter().product::<usize>());
        assert!(sizes.eq(tensors.iter().map(Vec::len)), "tensors of another model");
        let mut next = 1..;
        let mut next = || next.next().unwrap_or_default();
        let project = |name: &str, inner: usize, next: &mut dyn FnMut() -> usize| Projection {
            weight: next(),
            bias: config.has_bias(name).then(next),
            inner,
        };
        let (h, mlp) = (config.hidden_size, config.intermediate_size);
        let heads = config.num_attention_heads * config.head_dim;
        let blocks = (0..config.num_hidden_layers)
            .map(|_| Block {
                input_norm: next(),
                q: project("self_attn.q_proj", h, &mut next),
                k: project("self_attn.k_proj", h, &mut next),
                v: project("self_attn.v_proj", h, &mut next),
                o: project("self_attn.o_proj", heads, &mut next),
                post_norm: next(),
                gate: project("mlp.gate_proj", h, &mut next),
                up: project("mlp.up_proj", h, &mut next),
                down: project("mlp.down_proj", mlp, &mut next),
            })
            .collect();
        let norm = next();
        let weight = if config.tie_word_embeddings { 0 } else { next() };
        let head = Projection { weight, bias: None, inner: h };
        Net { config: config.clone(), tensors, blocks, norm, head }
    }

    /// Rows and columns of each tensor; a vector is one row.
    pub fn dims(&self) -> impl Iterator<Item = [usize; 2]> {
        let dims = |shape: Vec<usize>| if let [n] = shape[..] { [1, n] } else { [shape[0], shape[1]] };
        self.config.tensors().into_iter().map(move |(_, shape)| dims(shape))
    }

    /// Computes a batch. What lies behind a row's last place changes nothing and is not computed.
    pub fn forward(&self, batch: &TokenBatch, mut dropout: Option<Dropout>) -> Pass<'_> {
        let c = &self.config;
        let (h, eps) = (c.hidden_size, c.rms_norm_eps as f32);
        let packed = pack(batch);
        let rotary = Rotary::new(c.rope_theta, c.head_dim, batch.width);
        let mut x = Vec::with_capacity(packed.tokens.len() * h);
        for &token in &packed.tokens {
            x.extend_from_slice(&self.tensors[0][token as usize * h..][..h]);
        }
        let mut drop = |x: &mut [f32]| {
            let mask = dropout.as_mut().map(|d| d.mask(x.len()));
            if let Some(mask) = &mask {
                times(x, mask);
            }
            mask
        };
        let embedding_mask = drop(&mut x);
        let mut kept = Vec::with_capacity(self.blocks.len());
        for b in &self.blocks {
            let (normed, factors) = kernels::rms_norm(&x, &self.tensors[b.input_norm], eps);
            let (mut q, mut k) = (self.apply(b.q, &normed), self.apply(b.k, &normed));
            let v = self.apply(b.v, &normed);
            turn(&rotary, &packed.rows, &mut q, c.num_attention_heads * c.head_dim, 1.0);
            turn(&rotary, &packed.rows, &mut k, c.num_key_value_heads * c.head_dim, 1.0);
            let (mixed, attention) = self.attend(&packed.rows, &q, &k, &v);
            let mut added = self.apply(b.o, &mixed);
            let attention_mask = drop(&mut added);
            let middle: Vec<f32> = x.iter().zip(&added).map(|(x, a)| x + a).collect();
            let (middle_normed, middle_factors) = kernels::rms_norm(&middle, &self.tensors[b.post_norm], eps);
            let (gate, up) = (self.apply(b.gate, &middle_normed), self.apply(b.up, &middle_normed));
            let mut added = self.apply(b.down, &kernels::gated(&gate, &up));
            let mlp_mask = drop(&mut added);
            added.iter_mut().zip(&middle).for_each(|(a, m)| *a += m);
            let x = std::mem::replace(&mut x, added);
            kept.push(Kept {
                x,
                normed,
                factors,
                q,
                k,
                v,
                attention,
                mixed,
                attention_mask,
                middle,
                middle_normed,
                middle_factors,
                gate,
                up,
                mlp_mask,
            });
        }
        let last: Vec<f32> = packed.places.iter().flat_map(|&p| &x[p * h..][..h]).copied().collect();
        let (last_normed, last_factors) = kernels::rms_norm(&last, &self.tensors[self.norm], eps);
        let logits = self.apply(self.head, &last_normed);
        let (mut log_probs, mut choices, mut sums) = (Vec::new(), Vec::new(), Vec::new());
        for (row, &target) in logits.chunks_exact(c.vocab_size).zip(&batch.targets) {
            let sum = kernels::log_sum_exp(row);
            log_probs.push(row[target as usize] - sum);
            sums.push(sum);
            let best = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b]).then(b.cmp(a)));
            choices.push(best.unwrap_or_default() as u32);
        }
        Pass {
            net: self,
            log_probs,
            choices,
            rows: packed.rows,
            tokens: packed.tokens,
            places: packed.places,
            targets: batch.targets.clone(),
            rotary,
            embedding_mask,
            kept,
            last,
            last_normed,
            last_factors,
            logits,
            sums,
        }
    }

    /// `x · wᵀ + b`.
    fn apply(&self, p: Projection, x: &[f32]) -> Vec<f32> {
        let weight = &self.tensors[p.weight];
        let (outer, n) = (weight.len() / p.inner, x.len() / p.inner);
        let mut y = match p.bias {
            Some(bias) => self.tensors[bias].repeat(n),
            None => vec![0.0; n * outer],
        };
        let add = p.bias.is_some();
        product(Target::new(&mut y, outer), View::new(x, p.inner), View::new(weight, p.inner).t(), 1.0, add);
        y
    }

    /// Adds the gradient of [`Net::apply`] for what went in.
    fn input_back(&self, p: Projection, dy: &[f32], dx: &mut [f32]) {
        let weight = &self.tensors[p.weight];
        let dy = View::new(dy, weight.len() / p.inner);
        product(Target::new(dx, p.inner), dy, View::new(weight, p.inner), 1.0, true);
    }

    /// Adds the gradient of [`Net::apply`] for weight and bias.
    fn weight_back(&self, p: Projection, x: &[f32], dy: &[f32], grads: &mut [Vec<f32>]) {
        let outer = self.tensors[p.weight].len() / p.inner;
        let target = Target::new(&mut grads[p.weight], p.inner);
        product(target, View::new(dy, outer).t(), View::new(x, p.inner), 1.0, true);
        if let Some(bias) = p.bias {
            for row in dy.chunks_exact(outer) {
                grads[bias].iter_mut().zip(row).for_each(|(g, d)| *g += d);
            }
        }
    }

    /// Attention of each row within itself; the mixed values and the probabilities.
    fn attend(
        &self,
        rows: &[Range<usize>],
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
    ) -> (Vec<f32>, Vec<Vec<f32>>) {
        let heads = Heads::new(&self.config);
        let (q, k) = (View::new(queries, heads.wide), View::new(keys, heads.narrow));
        let v = View::new(values, heads.narrow);
        let mut mixed = vec![0.0; queries.len()];
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            let t = row.len();
            let mut scores = vec![0.0; heads.count * t * t];
            // A row without a place is empty.
            for (head, scores) in scores.chunks_exact_mut((t * t).max(1)).enumerate() {
                let (own, shared) = heads.columns(head);
                let keys = k.part(row.clone(), shared.clone());
                let queries = q.part(row.clone(), own.clone());
                product(Target::new(scores, t), queries, keys.t(), heads.scale, false);
                kernels::causal_softmax(scores, t);
                let out = Target::part(&mut mixed, heads.wide, row.clone(), own);
                product(out, View::new(scores, t), v.part(row.clone(), shared), 1.0, false);
            }
            all.push(scores);
        }
        (mixed, all)
    }
}

/// The heads' places in a row of queries, keys or values.
struct Heads {
    count: usize,
    dim: usize,
    group: usize,
    wide: usize,
    narrow: usize,
    scale: f32,
}

impl Heads {
    fn new(c: &LlamaConfig) -> Heads {
        Heads {
            count: c.num_attention_heads,
            dim: c.head_dim,
            group: c.num_attention_heads / c.num_key_value_heads,
            wide: c.num_attention_heads * c.head_dim,
            narrow: c.num_key_value_heads * c.head_dim,
            scale: 1.0 / (c.head_dim as f32).sqrt(),
        }
    }

    /// Columns of a head's queries, and of the keys and values that it shares.
    fn columns(&self, head: usize) -> (Range<usize>, Range<usize>) {
        let shared = head / self.group;
        (head * self.dim..(head + 1) * self.dim, shared * self.dim..(shared + 1) * self.dim)
    }
}

impl Pass<'_> {
    /// Gradients of `Σ slopes · log_probs`, in the order of the model's tensors.
    pub fn backward(mut self, slopes: &[f32]) -> Vec<Vec<f32>> {
        let net = self.net;
        let (c, tensors) = (&net.config, &net.tensors);
        let h = c.hidden_size;
        let mut grads: Vec<Vec<f32>> = tensors.iter().map(|t| vec![0.0; t.len()]).collect();

        let rows = self.logits.chunks_exact_mut(c.vocab_size).zip(&self.targets);
        for (((row, &target), &sum), &slope) in rows.zip(&self.sums).zip(slopes) {
            row.iter_mut().for_each(|v| *v = -slope * (*v - sum).exp());
            row[target as usize] += slope;
        }
        let mut dlast = vec![0.0; self.last.len()];
        net.input_back(net.head, &self.logits, &mut dlast);
        net.weight_back(net.head, &self.last_normed, &self.logits, &mut grads);
        let mut at_places = vec![0.0; self.last.len()];
        let norm = &mut grads[net.norm];
        let factors = &self.last_factors;
        kernels::rms_norm_back(&self.last, &tensors[net.norm], factors, &dlast, &mut at_places, norm);
        let mut dx = vec![0.0; self.tokens.len() * h];
        for (row, &p) in at_places.chunks_exact(h).zip(&self.places) {
            dx[p * h..][..h].iter_mut().zip(row).for_each(|(d, r)| *d += r);
        }

        for (b, mut k) in net.blocks.iter().zip(std::mem::take(&mut self.kept)).rev() {
            let dadded = masked(&dx, &k.mlp_mask);
            let mut dgated = vec![0.0; k.gate.len()];
            net.input_back(b.down, &dadded, &mut dgated);
            // From here on `gate` holds what went into the projection, `up` and `dgated` the slopes.
            kernels::gated_back(&mut k.gate, &mut k.up, &mut dgated);
            net.weight_back(b.down, &k.gate, &dadded, &mut grads);
            let mut dnormed = vec![0.0; dx.len()];
            net.input_back(b.gate, &dgated, &mut dnormed);
            net.weight_back(b.gate, &k.middle_normed, &dgated, &mut grads);
            net.input_back(b.up, &k.up, &mut dnormed);
            net.weight_back(b.up, &k.middle_normed, &k.up, &mut grads);
            let (w, g) = (&tensors[b.post_norm], &mut grads[b.post_norm]);
            kernels::rms_norm_back(&k.middle, w, &k.middle_factors, &dnormed, &mut dx, g);

            let dadded = masked(&dx, &k.attention_mask);
            let mut dmixed = vec![0.0; k.mixed.len()];
            net.input_back(b.o, &dadded, &mut dmixed);
            net.weight_back(b.o, &k.mixed, &dadded, &mut grads);
            let (mut dq, mut dk, dv) = self.attend_back(&k, &dmixed);
            turn(&self.rotary, &self.rows, &mut dq, c.num_attention_heads * c.head_dim, -1.0);
            turn(&self.rotary, &self.rows, &mut dk, c.num_key_value_heads * c.head_dim, -1.0);
            dnormed.fill(0.0);
            net.input_back(b.q, &dq, &mut dnormed);
            net.weight_back(b.q, &k.normed, &dq, &mut grads);
            net.input_back(b.k, &dk, &mut dnormed);
            net.weight_back(b.k, &k.normed, &dk, &mut grads);
            net.input_back(b.v, &dv, &mut dnormed);
            net.weight_back(b.v, &k.normed, &dv, &mut grads);
            let (w, g) = (&tensors[b.input_norm], &mut grads[b.input_norm]);
            kernels::rms_norm_back(&k.x, w, &k.factors, &dnormed, &mut dx, g);
        }
        if let Some(mask) = &self.embedding_mask {
            times(&mut dx, mask);
        }
        for (row, &token) in dx.chunks_exact(h).zip(&self.tokens) {
            grads[0][token as usize * h..][..h].iter_mut().zip(row).for_each(|(g, d)| *g += d);
        }
        grads
    }

    /// Gradients of [`Net::attend`] for queries, keys and values.
    fn attend_back(&self, kept: &Kept, dmixed: &[f32]) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let heads = Heads::new(&self.net.config);
        let dmixed = View::new(dmixed, heads.wide);
        let (q, k) = (View::new(&kept.q, heads.wide), View::new(&kept.k, heads.narrow));
        let v = View::new(&kept.v, heads.narrow);
        let mut dq = vec![0.0; kept.q.len()];
        let (mut dk, mut dv) = (vec![0.0; kept.k.len()], vec![0.0; kept.v.len()]);
        for (row, attention) in self.rows.iter().zip(&kept.attention) {
            let t = row.len();
            let mut slopes = vec![0.0; t * t];
            for (head, p) in attention.chunks_exact((t * t).max(1)).enumerate() {
                let (own, shared) = heads.columns(head);
                let out = dmixed.part(row.clone(), own.clone());
                let values = Target::part(&mut dv, heads.narrow, row.clone(), shared.clone());
                product(values, View::new(p, t).t(), out, 1.0, true);
                let wide = v.part(row.clone(), shared.clone());
                product(Target::new(&mut slopes, t), out, wide.t(), 1.0, false);
                kernels::causal_softmax_back(p, &mut slopes, t);
                let s = View::new(&slopes, t);
                let queries = Target::part(&mut dq, heads.wide, row.clone(), own.clone());
                product(queries, s, k.part(row.clone(), shared.clone()), heads.scale, false);
                let keys = Target::part(&mut dk, heads.narrow, row.clone(), shared);
                product(keys, s.t(), q.part(row.clone(), own), heads.scale, true);
            }
        }
        (dq, dk, dv)
    }
}

/// A batch without padding.
struct Packed {
    rows: Vec<Range<usize>>,
    tokens: Vec<u32>,
    places: Vec<usize>,
}

/// Each row up to its last place, one after the other.
fn pack(batch: &TokenBatch) -> Packed {
    let mut lengths = vec![0; batch.rows];
    for &p in &batch.places {
        let (row, column) = (p as usize / batch.width, p as usize % batch.width);
        lengths[row] = lengths[row].max(column + 1);
    }
    let mut packed = Packed { rows: Vec::new(), tokens: Vec::new(), places: Vec::new() };
    for (row, length) in lengths.into_iter().enumerate() {
        let begin = packed.tokens.len();
        packed.tokens.extend_from_slice(&batch.tokens[row * batch.width..][..length]);
        packed.rows.push(begin..begin + length);
    }
    let place = |&p: &u32| packed.rows[p as usize / batch.width].start + p as usize % batch.width;
    packed.places = batch.places.iter().map(place).collect();
    packed
}

fn turn(rotary: &Rotary, rows: &[Range<usize>], x: &mut [f32], width: usize, sign: f32) {
    for row in rows {
        let part = &mut x[row.start * width..row.end * width];
        for (position, x) in part.chunks_exact_mut(width).enumerate() {
            rotary.turn(x, position, sign);
        }
    }
}

fn times(x: &mut [f32], mask: &[f32]) {
    x.iter_mut().zip(mask).for_each(|(x, m)| *x *= m);
}

fn masked(x: &[f32], mask: &Option<Vec<f32>>) -> Vec<f32> {
    let mut out = x.to_vec();
    if let Some(mask) = mask {
        times(&mut out, mask);
    }
    out
}
