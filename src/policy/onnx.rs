//! Writes the ONNX graph of a decoder of Llama's family whose weights stay in `model.safetensors`.
//!
//! Every weight is an initializer with external data: a byte range of the checkpoint beside the graph. They
//! are half precision and `[out, in]`, as in `transformers`; Cast and Transpose nodes make of them what the
//! operators want, and ONNX Runtime folds both at load.
//!
//! | input | shape | |
//! |---|---|---|
//! | `input_ids` | `[batch, sequence]` int64 | |
//! | `logit_positions` | `[n]` int64 | positions in `sequence` whose logits are wanted |
//! | `seqlens_k` | `[batch]` int32 | valid cache entries after the step, less one |
//! | `total_sequence_length` | scalar int32 | the greatest of those, plus one |
//! | `past_key_values.{i}.key`, `.value` | `[batch, kv_heads, cache, head_dim]` | |
//!
//! In half precision there is one more input, `cache_rows` `[batch]` int64: row `i` goes on where row
//! `cache_rows[i]` of the past was. Where the cache lies in a GPU's memory, nobody else could rearrange it.
//!
//! Outputs are `logits` `[batch, n, vocab]` in single precision and `present.{i}.key`, `.value`. A past and
//! its present may be one buffer, longer than what is valid in it: GroupQueryAttention then writes in place.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use half::f16;
use prost::Message;
use safetensors::tensor::Dtype;

use super::bundle::{LlamaConfig, WEIGHTS};
use super::weights::{Place, Weights};

/// The protocol buffers of `proto/onnx.proto`.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub(super) mod pb {
    include!(concat!(env!("OUT_DIR"), "/onnx.rs"));
}

use pb::attribute_proto::AttributeType;
use pb::tensor_proto::{DataLocation, DataType};

/// Element type of computation and cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Single precision: what the CPU kernels take.
    Single,
    /// Half precision: what the CUDA kernel of GroupQueryAttention takes.
    Half,
    /// Single precision, with matrix products over weights and activations of 8 bits.
    Int8,
}

/// Where the weights of a graph are.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// In `model.safetensors`, half precision.
    Places(&'a BTreeMap<String, Place>),
    /// In memory; what the graph needs of them becomes part of it.
    Memory(&'a Weights),
}

/// Input of the half-precision graph: the past's row that each row goes on from.
pub const CACHE_ROWS: &str = "cache_rows";

/// The bytes of `model.onnx` for a checkpoint whose tensors stand at `places` in `model.safetensors`.
/// Fails on tensors that are no half precision.
pub fn graph(
    config: &LlamaConfig,
    places: &BTreeMap<String, Place>,
    precision: Precision,
) -> Result<Vec<u8>> {
    build(config, Source::Places(places), precision)
}

/// The bytes of a graph that stands alone, with weights of 8 bits: a quarter of the memory to read in each step.
///
/// Each output of a product has a scale of its own. Weights take 7 of the 8 bits: processors without dot product
/// instructions add pairs of products in 16 bits, which 8 bits would overflow. Embedding and norms stay as
/// they are.
pub fn int8_graph(config: &LlamaConfig, weights: &Weights) -> Result<Vec<u8>> {
    build(config, Source::Memory(weights), Precision::Int8)
}

fn build(config: &LlamaConfig, source: Source<'_>, precision: Precision) -> Result<Vec<u8>> {
    let mut g = Graph { source, precision, nodes: Vec::new(), initializers: Vec::new() };
    let half_head = config.head_dim / 2;
    let (cos, sin) = rotary(config);
    g.constant("cos_cache", vec![config.max_position_embeddings, half_head], &cos);
    g.constant("sin_cache", vec![config.max_position_embeddings, half_head], &sin);

    g.external("model.embed_tokens.weight")?;
    g.node("Gather", "", &["model.embed_tokens.weight", "input_ids"], &["embedded.half"], vec![]);
    let mut residual = "embedded.half".to_owned();
    if precision != Precision::Half {
        g.node("Cast", "", &[&residual], &["embedded"], vec![int("to", DataType::Float as i64)]);
        residual = "embedded".to_owned();
    }
    // What the block before adds to the residual stream; none before the first.
    let mut delta: Option<String> = None;
    for i in 0..config.num_hidden_layers {
        let at = |name: &str| format!("model.layers.{i}.{name}");
        let normed = g.norm(config, &at("input_layernorm"), &mut residual, delta.take())?;
        let project = |g: &mut Graph<'_>, name: &str, x: &str| -> Result<String> {
            let product = g.linear(&at(name), x)?;
            if config.has_bias(name) { g.bias(&at(name), &product) } else { Ok(product) }
        };
        let q = project(&mut g, "self_attn.q_proj", &normed)?;
        let k = project(&mut g, "self_attn.k_proj", &normed)?;
        let v = project(&mut g, "self_attn.v_proj", &normed)?;
        let past = ["key", "value"].map(|part| g.past(i, part));
        let present = [present_name(i, "key"), present_name(i, "value")];
        let attended = at("self_attn");
        g.node(
            "GroupQueryAttention",
            "com.microsoft",
            &[&q, &k, &v, &past[0], &past[1], "seqlens_k", "total_sequence_length", "cos_cache", "sin_cache"],
            &[&attended, &present[0], &present[1]],
            vec![
                int("num_heads", config.num_attention_heads as i64),
                int("kv_num_heads", config.num_key_value_heads as i64),
                int("do_rotary", 1),
                // Halves of a head are rotated against each other, as `transformers` does.
                int("rotary_interleaved", 0),
            ],
        );
        let attention = project(&mut g, "self_attn.o_proj", &attended)?;
        let normed = g.norm(config, &at("post_attention_layernorm"), &mut residual, Some(attention))?;
        let gate = project(&mut g, "mlp.gate_proj", &normed)?;
        let up = project(&mut g, "mlp.up_proj", &normed)?;
        let (sigmoid, silu, gated) = (at("mlp.sigmoid"), at("mlp.silu"), at("mlp.gated"));
        g.node("Sigmoid", "", &[&gate], &[&sigmoid], vec![]);
        g.node("Mul", "", &[&gate, &sigmoid], &[&silu], vec![]);
        g.node("Mul", "", &[&silu, &up], &[&gated], vec![]);
        delta = Some(project(&mut g, "mlp.down_proj", &gated)?);
    }
    // Only the wanted positions reach the vocabulary: the logits of a whole prompt would be far larger than
    // all else.
    let normed = g.norm(config, "model.norm", &mut residual, delta.take())?;
    g.node("Gather", "", &[&normed, "logit_positions"], &["last"], vec![int("axis", 1)]);
    let head = if config.tie_word_embeddings { "model.embed_tokens" } else { "lm_head" };
    let logits = g.linear(head, "last")?;
    match precision {
        Precision::Single | Precision::Int8 => {
            g.node("Identity", "", &[&logits], &["logits"], vec![]);
        }
        Precision::Half => {
            g.node("Cast", "", &[&logits], &["logits"], vec![int("to", DataType::Float as i64)])
        }
    }
    Ok(g.finish(config))
}

/// `past_key_values.{layer}.key` and its like.
pub fn past_name(layer: usize, part: &str) -> String {
    format!("past_key_values.{layer}.{part}")
}

/// `present.{layer}.key` and its like.
pub fn present_name(layer: usize, part: &str) -> String {
    format!("present.{layer}.{part}")
}

/// Cosines and sines, `[position, head_dim / 2]`.
fn rotary(config: &LlamaConfig) -> (Vec<f32>, Vec<f32>) {
    let half_head = config.head_dim / 2;
    let angles = (0..config.max_position_embeddings).flat_map(|position| {
        (0..half_head).map(move |i| {
            position as f64 * config.rope_theta.powf(-((2 * i) as f64) / config.head_dim as f64)
        })
    });
    angles.map(|a| (a.cos() as f32, a.sin() as f32)).unzip()
}

/// A graph in the making; node and value names are those of the module that they compute.
struct Graph<'a> {
    source: Source<'a>,
    precision: Precision,
    nodes: Vec<pb::NodeProto>,
    initializers: Vec<pb::TensorProto>,
}

impl Graph<'_> {
    fn node(
        &mut self,
        op: &str,
        domain: &str,
        inputs: &[&str],
        outputs: &[&str],
        attribute: Vec<pb::AttributeProto>,
    ) {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        self.nodes.push(pb::NodeProto {
            name: Some(format!("{op}:{}", outputs[0])),
            op_type: Some(op.to_owned()),
            domain: Some(domain.to_owned()),
            input: owned(inputs),
            output: owned(outputs),
            attribute,
            ..Default::default()
        });
    }

    /// The name of a layer's past, with the rows that go on.
    fn past(&mut self, layer: usize, part: &str) -> String {
        let name = past_name(layer, part);
        match self.precision {
            Precision::Single | Precision::Int8 => name,
            Precision::Half => {
                let taken = format!("{name}.taken");
                self.node("Gather", "", &[&name, CACHE_ROWS], &[&taken], vec![int("axis", 0)]);
                taken
            }
        }
    }

    /// An initializer inside the checkpoint, half precision; once only.
    fn external(&mut self, name: &str) -> Result<()> {
        if self.initializers.iter().any(|t| t.name.as_deref() == Some(name)) {
            return Ok(());
        }
        let places = match self.source {
            Source::Places(places) => places,
            Source::Memory(weights) => {
                let Some((shape, data)) = weights.tensors.get(name) else {
                    bail!("there is no tensor `{name}`")
                };
                let raw = data.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect();
                self.raw(name, shape, DataType::Float16, raw);
                return Ok(());
            }
        };
        let Some(place) = places.get(name) else { bail!("`{WEIGHTS}` has no tensor `{name}`") };
        if place.dtype != Dtype::F16 {
            bail!("tensor `{name}` has elements of type {:?}, not F16", place.dtype);
        }
        let entry = |key: &str, value: String| pb::StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value),
        };
        self.initializers.push(pb::TensorProto {
            name: Some(name.to_owned()),
            dims: place.shape.iter().map(|d| *d as i64).collect(),
            data_type: Some(DataType::Float16 as i32),
            data_location: Some(DataLocation::External as i32),
            external_data: vec![
                entry("location", WEIGHTS.to_owned()),
                entry("offset", place.offset.to_string()),
                entry("length", place.length.to_string()),
            ],
            ..Default::default()
        });
        Ok(())
    }

    /// An initializer inside the graph, in the precision of computation.
    fn constant(&mut self, name: &str, dims: Vec<usize>, data: &[f32]) {
        match self.precision {
            Precision::Single | Precision::Int8 => {
                self.raw(name, &dims, DataType::Float, data.iter().flat_map(|x| x.to_le_bytes()).collect());
            }
            Precision::Half => {
                let raw = data.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect();
                self.raw(name, &dims, DataType::Float16, raw);
            }
        }
    }

    /// An initializer inside the graph.
    fn raw(&mut self, name: &str, dims: &[usize], element: DataType, raw: Vec<u8>) {
        self.initializers.push(pb::TensorProto {
            name: Some(name.to_owned()),
            dims: dims.iter().map(|d| *d as i64).collect(),
            data_type: Some(element as i32),
            raw_data: Some(raw),
            ..Default::default()
        });
    }

    /// A weight of the checkpoint in the precision of computation; the name of the value.
    fn weight(&mut self, name: &str) -> Result<String> {
        self.external(name)?;
        Ok(match self.precision {
            Precision::Half => name.to_owned(),
            Precision::Single | Precision::Int8 => {
                let cast = format!("{name}.single");
                self.node("Cast", "", &[name], &[&cast], vec![int("to", DataType::Float as i64)]);
                cast
            }
        })
    }

    /// `x · Wᵀ` with the module's weight `[out, in]`.
    fn linear(&mut self, module: &str, x: &str) -> Result<String> {
        if let (Precision::Int8, Source::Memory(weights)) = (self.precision, self.source) {
            return self.linear_int8(weights, module, x);
        }
        let weight = self.weight(&format!("{module}.weight"))?;
        let (transposed, out) = (format!("{module}.transposed"), format!("{module}.out"));
        self.node("Transpose", "", &[&weight], &[&transposed], vec![ints("perm", &[1, 0])]);
        self.node("MatMul", "", &[x, &transposed], &[&out], vec![]);
        Ok(out)
    }

    /// The same with a weight of 8 bits, made here.
    fn linear_int8(&mut self, weights: &Weights, module: &str, x: &str) -> Result<String> {
        let name = format!("{module}.weight");
        let Some((shape, data)) = weights.tensors.get(&name) else { bail!("there is no tensor `{name}`") };
        let (values, scales) = quantised(data, shape[0], shape[1]);
        let (weight, scale, out) =
            (format!("{module}.int8"), format!("{module}.scale"), format!("{module}.out"));
        self.raw(&weight, &[shape[1], shape[0]], DataType::Int8, values.iter().map(|v| *v as u8).collect());
        self.raw(&scale, &[shape[0]], DataType::Float, scales.iter().flat_map(|s| s.to_le_bytes()).collect());
        self.node("DynamicQuantizeMatMul", "com.microsoft", &[x, &weight, &scale], &[&out], vec![]);
        Ok(out)
    }

    /// Adds a projection's bias to its product.
    fn bias(&mut self, module: &str, product: &str) -> Result<String> {
        let bias = self.weight(&format!("{module}.bias"))?;
        let out = format!("{module}.biased");
        self.node("Add", "", &[product, &bias], &[&out], vec![]);
        Ok(out)
    }

    /// Adds `delta` to the residual stream and normalises the sum by its root mean square.
    fn norm(
        &mut self,
        config: &LlamaConfig,
        module: &str,
        residual: &mut String,
        delta: Option<String>,
    ) -> Result<String> {
        let weight = self.weight(&format!("{module}.weight"))?;
        let out = format!("{module}.out");
        let epsilon = float("epsilon", config.rms_norm_eps as f32);
        match delta {
            None => {
                let attributes = vec![epsilon, int("axis", -1), int("stash_type", 1)];
                self.node("SimplifiedLayerNormalization", "", &[residual, &weight], &[&out], attributes);
            }
            Some(delta) => {
                let sum = format!("{module}.residual");
                self.node(
                    "SkipSimplifiedLayerNormalization",
                    "com.microsoft",
                    &[residual, &delta, &weight],
                    &[&out, "", "", &sum],
                    vec![epsilon],
                );
                *residual = sum;
            }
        }
        Ok(out)
    }

    fn element(&self) -> i32 {
        match self.precision {
            Precision::Single | Precision::Int8 => DataType::Float as i32,
            Precision::Half => DataType::Float16 as i32,
        }
    }

    fn finish(self, config: &LlamaConfig) -> Vec<u8> {
        // What a past has in rows need not be what goes on.
        let past_rows = if self.precision == Precision::Half { "past_batch" } else { "batch" };
        let cache = |name: String, rows: &'static str, length: &'static str| {
            let (heads, width) = (config.num_key_value_heads as i64, config.head_dim as i64);
            let dims = [Dim::Any(rows), Dim::Is(heads), Dim::Any(length), Dim::Is(width)];
            value(&name, self.element(), &dims)
        };
        let layers = 0..config.num_hidden_layers;
        let parts = || layers.clone().flat_map(|i| [(i, "key"), (i, "value")]);
        let mut input = vec![
            value("input_ids", DataType::Int64 as i32, &[Dim::Any("batch"), Dim::Any("sequence")]),
            value("logit_positions", DataType::Int64 as i32, &[Dim::Any("wanted")]),
            value("seqlens_k", DataType::Int32 as i32, &[Dim::Any("batch")]),
            value("total_sequence_length", DataType::Int32 as i32, &[]),
        ];
        input.extend(parts().map(|(i, part)| cache(past_name(i, part), past_rows, "cache")));
        if self.precision == Precision::Half {
            input.push(value(CACHE_ROWS, DataType::Int64 as i32, &[Dim::Any("batch")]));
        }
        let vocabulary = Dim::Is(config.vocab_size as i64);
        let mut output = vec![value(
            "logits",
            DataType::Float as i32,
            &[Dim::Any("batch"), Dim::Any("wanted"), vocabulary],
        )];
        output.extend(parts().map(|(i, part)| cache(present_name(i, part), "batch", "cache")));
        let opset = |domain: &str, version| pb::OperatorSetIdProto {
            domain: Some(domain.to_owned()),
            version: Some(version),
        };
        let model = pb::ModelProto {
            ir_version: Some(9),
            opset_import: vec![opset("", 18), opset("com.microsoft", 1)],
            producer_name: Some("lean-copilot".to_owned()),
            graph: Some(pb::GraphProto {
                name: Some("llama".to_owned()),
                node: self.nodes,
                initializer: self.initializers,
                input,
                output,
                ..Default::default()
            }),
            ..Default::default()
        };
        model.encode_to_vec()
    }
}

/// A weight `[out, in]` as 7-bit integers `[in, out]` and a scale for each output.
fn quantised(data: &[f32], out: usize, inner: usize) -> (Vec<i8>, Vec<f32>) {
    const MOST: f32 = 63.0;
    let (mut values, mut scales) = (vec![0i8; out * inner], vec![0.0f32; out]);
    for (o, row) in data.chunks_exact(inner).enumerate() {
        let largest = row.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        scales[o] = if largest > 0.0 { largest / MOST } else { 1.0 };
        for (i, x) in row.iter().enumerate() {
            values[i * out + o] = (x / scales[o]).round().clamp(-MOST, MOST) as i8;
        }
    }
    (values, scales)
}

fn int(name: &str, i: i64) -> pb::AttributeProto {
    attribute(name, AttributeType::Int, |a| a.i = Some(i))
}

fn ints(name: &str, values: &[i64]) -> pb::AttributeProto {
    attribute(name, AttributeType::Ints, |a| a.ints = values.to_vec())
}

fn float(name: &str, f: f32) -> pb::AttributeProto {
    attribute(name, AttributeType::Float, |a| a.f = Some(f))
}

fn attribute(
    name: &str,
    kind: AttributeType,
    set: impl FnOnce(&mut pb::AttributeProto),
) -> pb::AttributeProto {
    let mut attribute =
        pb::AttributeProto { name: Some(name.to_owned()), r#type: Some(kind as i32), ..Default::default() };
    set(&mut attribute);
    attribute
}

/// A dimension: fixed, or named and left open.
enum Dim {
    Is(i64),
    Any(&'static str),
}

fn value(name: &str, element: i32, dims: &[Dim]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |d: &Dim| Dimension {
        value: Some(match d {
            Dim::Is(n) => Value::DimValue(*n),
            Dim::Any(name) => Value::DimParam((*name).to_owned()),
        }),
        ..Default::default()
    };
    let tensor = pb::type_proto::Tensor {
        elem_type: Some(element),
        shape: Some(pb::TensorShapeProto { dim: dims.iter().map(dim).collect() }),
    };
    pb::ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(pb::TypeProto {
            value: Some(pb::type_proto::Value::TensorType(tensor)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_of_8_bits_is_close_and_keeps_its_zeros() {
        let data = [1.0, -0.5, 0.0, 0.25, 0.0, 0.0, 8.0, -4.0, 0.1];
        let (values, scales) = quantised(&data, 3, 3);
        for (o, scale) in scales.iter().enumerate() {
            for i in 0..3 {
                let again = f32::from(values[i * 3 + o]) * scale;
                assert!((again - data[o * 3 + i]).abs() <= scale / 2.0, "{again} {}", data[o * 3 + i]);
            }
        }
        assert_eq!((values[2 * 3], values[3 + 1]), (0, 0));
        assert!(values.iter().all(|v| v.unsigned_abs() < 64));
    }
}
