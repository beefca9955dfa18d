//! `config.json`: the shape of a decoder of Llama's family under Hugging Face's standard names.

use anyhow::Result;
use serde_json::{Value, json};

use crate::error::{Failure, FailureKind};
use crate::policy::tokenizer::SpecialIds;

/// Which of Llama's near relations a model is; they differ in their biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `LlamaForCausalLM`.
    Llama {
        /// Biases on the projections of attention.
        attention_bias: bool,
        /// Biases on the projections of the MLP.
        mlp_bias: bool,
    },
    /// `MistralForCausalLM`, without its sliding window.
    Mistral,
    /// `Qwen2ForCausalLM`: biases on queries, keys and values.
    Qwen2,
}

impl Family {
    /// The family that a `config.json` names.
    pub fn of(config: &Value) -> Option<Family> {
        let on = |key: &str| config[key] == true;
        match config["model_type"].as_str()? {
            "llama" => Some(Family::Llama { attention_bias: on("attention_bias"), mlp_bias: on("mlp_bias") }),
            "mistral" => Some(Family::Mistral),
            "qwen2" => Some(Family::Qwen2),
            _ => None,
        }
    }

    /// `model_type` in `config.json`.
    fn model_type(self) -> &'static str {
        match self {
            Family::Llama { .. } => "llama",
            Family::Mistral => "mistral",
            Family::Qwen2 => "qwen2",
        }
    }

    /// The class in `transformers`.
    fn architecture(self) -> &'static str {
        match self {
            Family::Llama { .. } => "LlamaForCausalLM",
            Family::Mistral => "MistralForCausalLM",
            Family::Qwen2 => "Qwen2ForCausalLM",
        }
    }
}

impl Default for Family {
    fn default() -> Family {
        Family::Llama { attention_bias: false, mlp_bias: false }
    }
}

/// The shape of a decoder. Sizes are counts of elements; names are those of `LlamaConfig` in `transformers`.
#[derive(Debug, Clone, PartialEq)]
pub struct LlamaConfig {
    /// Rows of the embedding; at least the tokenizer's vocabulary.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the gated MLP.
    pub intermediate_size: usize,
    /// Decoder blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides `num_attention_heads`.
    pub num_key_value_heads: usize,
    /// Width of a head; even.
    pub head_dim: usize,
    /// Base of the rotary frequencies: `theta^(-2i / head_dim)`.
    pub rope_theta: f64,
    /// Added to the mean square before its root.
    pub rms_norm_eps: f64,
    /// Longest sequence, prompt and tactic together, in tokens.
    pub max_position_embeddings: usize,
    /// Whether the output projection is the embedding.
    pub tie_word_embeddings: bool,
    /// The family, which decides where there are biases.
    pub family: Family,
}

/// Names of a decoder block's tensors, `model.layers.{i}.` before and `.weight` behind.
const NORM_IN: &str = "input_layernorm";
const NORM_POST: &str = "post_attention_layernorm";

impl LlamaConfig {
    /// Whether a block's projection (`self_attn.q_proj`) has a bias.
    pub fn has_bias(&self, projection: &str) -> bool {
        let (part, name) = projection.split_once('.').unwrap_or(("", projection));
        match (self.family, part) {
            (Family::Llama { attention_bias, .. }, "self_attn") => attention_bias,
            (Family::Llama { mlp_bias, .. }, "mlp") => mlp_bias,
            (Family::Qwen2, "self_attn") => name != "o_proj",
            _ => false,
        }
    }

    /// Every tensor of the checkpoint with its shape; linear weights are `[out, in]`, as in `transformers`.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let h = self.hidden_size;
        let q = self.num_attention_heads * self.head_dim;
        let kv = self.num_key_value_heads * self.head_dim;
        let mlp = self.intermediate_size;
        let mut all = vec![("model.embed_tokens.weight".to_owned(), vec![self.vocab_size, h])];
        for i in 0..self.num_hidden_layers {
            let mut add = |name: &str, shape: Vec<usize>| {
                let bias = self.has_bias(name).then(|| vec![shape[0]]);
                all.push((format!("model.layers.{i}.{name}.weight"), shape));
                all.extend(bias.map(|shape| (format!("model.layers.{i}.{name}.bias"), shape)));
            };
            add(NORM_IN, vec![h]);
            add("self_attn.q_proj", vec![q, h]);
            add("self_attn.k_proj", vec![kv, h]);
            add("self_attn.v_proj", vec![kv, h]);
            add("self_attn.o_proj", vec![h, q]);
            add(NORM_POST, vec![h]);
            add("mlp.gate_proj", vec![mlp, h]);
            add("mlp.up_proj", vec![mlp, h]);
            add("mlp.down_proj", vec![h, mlp]);
        }
        all.push(("model.norm.weight".to_owned(), vec![h]));
        if !self.tie_word_embeddings {
            all.push(("lm_head.weight".to_owned(), vec![self.vocab_size, h]));
        }
        all
    }

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        self.tensors().iter().map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }

    /// The content of `config.json`.
    pub fn to_json(&self, special: SpecialIds) -> Value {
        json!({
            "architectures": [self.family.architecture()],
            "model_type": self.family.model_type(),
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "head_dim": self.head_dim,
            "hidden_act": "silu",
            "attention_bias": matches!(self.family, Family::Llama { attention_bias: true, .. }),
            "mlp_bias": matches!(self.family, Family::Llama { mlp_bias: true, .. }),
            "attention_dropout": 0.0,
            "rope_theta": self.rope_theta,
            "rope_scaling": null,
            "rms_norm_eps": self.rms_norm_eps,
            "max_position_embeddings": self.max_position_embeddings,
            "tie_word_embeddings": self.tie_word_embeddings,
            "bos_token_id": special.bos,
            "eos_token_id": special.eos,
            "pad_token_id": special.pad,
            "initializer_range": 0.02,
            "use_cache": true,
            "torch_dtype": "float16",
        })
    }

    /// Reads `config.json`. What our graph cannot compute (biases, scaled rotary, another activation) is
    /// refused by name.
    pub fn from_json(config: &Value) -> Result<LlamaConfig> {
        let wrong = |what: String| Failure::new(FailureKind::Corrupt, format!("`config.json`: {what}"));
        let size = |key: &str| {
            let n = config[key].as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
            n.ok_or_else(|| wrong(format!("`{key}` is missing or no positive number")))
        };
        let size_or = |key: &str, default: usize| if config[key].is_null() { Ok(default) } else { size(key) };
        let Some(family) = Family::of(config) else {
            return Err(wrong(format!("`model_type` is {}", config["model_type"]))
                .hint(
                    "only for the families `llama`, `mistral` and `qwen2` is the graph written here; export others with \
                     `optimum-cli export onnx --model MODEL --task text-generation-with-past FOLDER` and add that folder",
                )
                .into());
        };
        // A window as long as all positions is none.
        let window = config["sliding_window"].as_u64().filter(|_| config["use_sliding_window"] != false);
        if window.is_some_and(|w| config["max_position_embeddings"].as_u64().is_none_or(|p| w < p)) {
            return Err(wrong(format!(
                "`sliding_window` is {}, which is not supported",
                config["sliding_window"]
            ))
            .hint("set `max_position_embeddings` to it: prompt and tactic together are shorter")
            .into());
        }
        for (key, plain) in [("hidden_act", json!("silu")), ("rope_scaling", Value::Null)] {
            if !config[key].is_null() && config[key] != plain {
                return Err(wrong(format!("`{key}` is {}, which is not supported", config[key])).into());
            }
        }
        // `transformers` 5 moved the base of the rotary frequencies into `rope_parameters`.
        let rope = &config["rope_parameters"];
        if !rope["rope_type"].is_null() && rope["rope_type"] != "default" {
            return Err(wrong(format!("`rope_type` is {}, which is not supported", rope["rope_type"])).into());
        }
        let hidden_size = size("hidden_size")?;
        let num_attention_heads = size("num_attention_heads")?;
        let read = LlamaConfig {
            vocab_size: size("vocab_size")?,
            hidden_size,
            intermediate_size: size("intermediate_size")?,
            num_hidden_layers: size("num_hidden_layers")?,
            num_attention_heads,
            num_key_value_heads: size_or("num_key_value_heads", num_attention_heads)?,
            head_dim: size_or("head_dim", hidden_size / num_attention_heads)?,
            rope_theta: rope["rope_theta"].as_f64().or(config["rope_theta"].as_f64()).unwrap_or(10_000.0),
            rms_norm_eps: config["rms_norm_eps"].as_f64().unwrap_or(1e-6),
            max_position_embeddings: size("max_position_embeddings")?,
            tie_word_embeddings: config["tie_word_embeddings"].as_bool().unwrap_or(false),
            family,
        };
        read.check().map_err(wrong)?;
        Ok(read)
    }

    /// What makes the sizes impossible together, if anything does.
    pub fn check(&self) -> Result<(), String> {
        // What GroupQueryAttention asks for where it applies the rotary embedding itself.
        if self.head_dim == 0 || !self.head_dim.is_multiple_of(16) {
            return Err(format!("`head_dim` is {}, not a multiple of 16", self.head_dim));
        }
        if self.num_key_value_heads == 0 || !self.num_attention_heads.is_multiple_of(self.num_key_value_heads)
        {
            return Err(format!(
                "`num_key_value_heads` ({}) does not divide `num_attention_heads` ({})",
                self.num_key_value_heads, self.num_attention_heads
            ));
        }
        if !(self.rope_theta > 0.0 && self.rms_norm_eps > 0.0) {
            return Err("`rope_theta` and `rms_norm_eps` must be positive".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny() -> LlamaConfig {
        LlamaConfig {
            vocab_size: 300,
            hidden_size: 32,
            intermediate_size: 64,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: 16,
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-5,
            max_position_embeddings: 64,
            tie_word_embeddings: true,
            family: Family::default(),
        }
    }

    #[test]
    fn a_config_survives_its_json() {
        let special = SpecialIds { pad: 0, bos: 1, eos: 2, tactic: 3 };
        assert_eq!(LlamaConfig::from_json(&tiny().to_json(special)).unwrap(), tiny());
        assert_eq!(
            tiny().parameters(),
            300 * 32 + 2 * (2 * 32 + 2 * 64 * 32 + 2 * 32 * 32 + 3 * 64 * 32) + 32
        );
    }

    #[test]
    fn what_the_graph_cannot_compute_is_refused_by_name() {
        let special = SpecialIds { pad: 0, bos: 1, eos: 2, tactic: 3 };
        for (key, value) in [
            ("sliding_window", json!(8)),
            ("rope_scaling", json!({"type": "linear", "factor": 2.0})),
            ("hidden_act", json!("gelu")),
            ("model_type", json!("t5")),
            ("hidden_size", json!(-1)),
            ("num_key_value_heads", json!(3)),
        ] {
            let mut config = tiny().to_json(special);
            config[key] = value;
            let error = LlamaConfig::from_json(&config).unwrap_err().to_string();
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
