//! A folder that Optimum exported: `model.onnx` or `decoder_model_merged.onnx`, with an encoder `encoder_model.onnx`;
//! `config.json`, and `tokenizer.json` unless the model reads bytes. The graphs may lie in `onnx/` beside these.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use prost::Message;
use serde_json::Value;

use super::bundle::{BYTES, CONFIG, Exported, Kind, TOKENIZER, end_token};
use super::onnx::pb::{self, tensor_proto::DataType};
use super::prompt::{GOAL, Limits};
use super::tokenizer::Tokenizer;
use crate::error::{Failure, FailureKind};

const DECODER: &str = "model.onnx";
const MERGED: &str = "decoder_model_merged.onnx";
const ENCODER: &str = "encoder_model.onnx";
/// Names the class of the tokenizer.
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// Where the end stands if `config.json` does not name it.
const GENERATION: &str = "generation_config.json";

/// Types of weights of 8 bits and fewer.
const SMALL: [DataType; 4] = [DataType::Int8, DataType::Uint8, DataType::Int4, DataType::Uint4];

/// Longest prompt and tactic in bytes, of a model over bytes: about what the tokens of others hold.
const BYTE_LIMITS: Limits = Limits { prompt_tokens: 512, tactic_tokens: 128 };

/// An exported model on disk.
#[derive(Debug)]
pub struct Foreign {
    /// What `bundle.json` will say of it.
    pub exported: Exported,
    /// All its files: graphs, their weights, `config.json`, the tokenizer.
    pub files: Vec<PathBuf>,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// Longest prompt and tactic: what is usual, and less where the model has fewer positions.
    pub limits: Limits,
    /// `model_type` of `config.json`.
    pub family: String,
    /// Whether weights take 8 bits or fewer: what a pass computes then depends a little on all that it computes.
    pub quantised: bool,
}

impl Foreign {
    /// Whether a folder has graphs.
    pub fn is_in(dir: &Path) -> bool {
        graphs(dir).is_some()
    }

    /// Reads the folder. `prompt`: the text of a prompt with [`GOAL`] in it; without one a model with an encoder gets the
    /// goal alone, and a decoder's tokenizer needs our marks. Errors name the file or the key that is missing or wrong.
    pub fn read(dir: &Path, prompt: Option<&str>) -> Result<Foreign> {
        let Some((kind, decoder, encoder)) = graphs(dir) else {
            return Err(Failure::new(FailureKind::Usage, format!("`{}` has no graph", dir.display())).into());
        };
        if kind == Kind::EncoderDecoder && !decoder.is_file() {
            let message =
                format!("`{}` is missing: there is an encoder without a merged decoder", decoder.display());
            return Err(Failure::new(FailureKind::Usage, message)
                .hint("export it with `optimum-cli export onnx --task text2text-generation-with-past`")
                .into());
        }
        let config = json(&dir.join(CONFIG))?.ok_or_else(|| {
            Failure::new(FailureKind::Usage, format!("`{}` is missing", dir.join(CONFIG).display()))
        })?;
        let family = config["model_type"].as_str().unwrap_or("unknown").to_owned();
        let generation = json(&dir.join(GENERATION))?.unwrap_or_default();
        let end = end_token(&config).or_else(|e| end_token(&generation).map_err(|_| e))?;
        let start = match kind {
            Kind::Decoder => None,
            Kind::EncoderDecoder => {
                let of = |v: &Value| v["decoder_start_token_id"].as_u64().and_then(|t| u32::try_from(t).ok());
                let start = of(&config).or_else(|| of(&generation));
                Some(start.ok_or_else(|| corrupt(format!("`{CONFIG}` names no `decoder_start_token_id`")))?)
            }
        };
        let positions = ["max_position_embeddings", "n_positions"].iter().find_map(|k| config[*k].as_u64());
        // T5 counts relative positions; what older configurations say is what it was trained with.
        let positions = positions.filter(|_| !family.ends_with("t5")).and_then(|p| usize::try_from(p).ok());
        let mut files = vec![dir.join(CONFIG)];
        let (mut parameters, mut quantised) = (0, false);
        for graph in [Some(&decoder), encoder.as_ref()].into_iter().flatten() {
            let weights = Weights::of(graph)?;
            parameters += weights.elements;
            quantised |= weights.quantised;
            files.push(graph.clone());
            files.extend(weights.files);
        }
        files.sort();
        files.dedup();
        let (tokenizer_name, usual) = match tokenizer_of(dir, &config)? {
            None => (BYTES, BYTE_LIMITS),
            Some(file) => {
                files.push(file);
                (TOKENIZER, Limits::default())
            }
        };
        let name = |file: &Path| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let exported = Exported {
            kind,
            decoder: name(&decoder),
            encoder: encoder.as_deref().map(name),
            tokenizer: tokenizer_name.to_owned(),
            end,
            start,
            positions,
            parameters,
        };
        let prompt = prompt.or((kind == Kind::EncoderDecoder).then_some(GOAL));
        if let Some(text) = prompt.filter(|text| !text.contains(GOAL)) {
            return Err(Failure::new(FailureKind::Usage, format!("the prompt `{text}` has no {GOAL}"))
                .hint(format!("{GOAL} says where the goal stands"))
                .into());
        }
        let tokenizer = exported.tokenizer(dir, prompt).map_err(|e| match prompt {
            Some(_) => e,
            None => e.context(format!("a model with another prompt needs `--prompt TEXT` with {GOAL} in it")),
        })?;
        let limits = exported.room().map_or(usual, |room| usual.within(room));
        Ok(Foreign { exported, files, tokenizer, limits, family, quantised })
    }
}

impl Foreign {
    /// The text of `card.md`.
    pub fn card(&self, name: &str, limits: Limits) -> String {
        let what = match self.exported.kind {
            Kind::Decoder => "a decoder",
            Kind::EncoderDecoder => "an encoder and a decoder",
        };
        format!(
            "# {name}\n\n\
             A tactic policy for Lean 4: it reads a goal and proposes the next tactic. Graphs of {what} (`{}`), {:.2} M \
             elements of weights, exported elsewhere and added by `lean-copilot model add` as they were. Prompts of at most \
             {} tokens, tactics of at most {}{}. What it was trained on, and how good it is, is not known here: \
             `lean-copilot eval` measures it.\n",
            self.family,
            self.exported.parameters as f64 / 1e6,
            limits.prompt_tokens,
            limits.tactic_tokens,
            if self.exported.tokenizer == BYTES { ", in bytes" } else { "" },
        )
    }
}

/// Kind and files of the graphs in a folder; the merged decoder need not be there.
fn graphs(dir: &Path) -> Option<(Kind, PathBuf, Option<PathBuf>)> {
    [dir.to_owned(), dir.join("onnx")].into_iter().find_map(|folder| {
        let [decoder, merged, encoder] = [DECODER, MERGED, ENCODER].map(|name| folder.join(name));
        match (encoder.is_file(), merged.is_file(), decoder.is_file()) {
            (true, _, _) => Some((Kind::EncoderDecoder, merged, Some(encoder))),
            (_, true, _) => Some((Kind::Decoder, merged, None)),
            (_, _, true) => Some((Kind::Decoder, decoder, None)),
            _ => None,
        }
    })
}

/// The tokenizer's file; none for a model over bytes.
fn tokenizer_of(dir: &Path, config: &Value) -> Result<Option<PathBuf>> {
    let file = dir.join(TOKENIZER);
    if file.is_file() {
        return Ok(Some(file));
    }
    let own = json(&dir.join(TOKENIZER_CONFIG))?.unwrap_or_default();
    let class = [&own, config].iter().find_map(|v| v["tokenizer_class"].as_str().map(str::to_owned));
    match class.as_deref() {
        Some("ByT5Tokenizer") => Ok(None),
        other => {
            let class = other.map_or(String::new(), |c| format!("; its class is `{c}`"));
            let message = format!("`{}` is missing{class}", file.display());
            Err(Failure::new(FailureKind::Usage, message)
                .hint(
                    "`AutoTokenizer.from_pretrained(MODEL).save_pretrained(FOLDER)` of `transformers` writes it; only \
                     `ByT5Tokenizer` has none",
                )
                .into())
        }
    }
}

/// What a graph says of its weights.
struct Weights {
    /// Elements of all tensors, those of branches included.
    elements: usize,
    /// Whether there are some of 8 bits or fewer.
    quantised: bool,
    /// Files beside the graph that hold tensors.
    files: Vec<PathBuf>,
}

impl Weights {
    fn of(file: &Path) -> Result<Weights> {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        let model = pb::ModelProto::decode(&*bytes)
            .map_err(|e| corrupt(format!("`{}` is not an ONNX model: {e}", file.display())))?;
        let mut weights = Weights { elements: 0, quantised: false, files: Vec::new() };
        let mut graphs: Vec<&pb::GraphProto> = model.graph.iter().collect();
        while let Some(graph) = graphs.pop() {
            for tensor in &graph.initializer {
                let dims = tensor.dims.iter().map(|d| usize::try_from(*d).unwrap_or(0));
                weights.elements += dims.product::<usize>();
                // Zero points and the like have one dimension at most.
                weights.quantised |=
                    tensor.dims.len() > 1 && SMALL.map(|t| Some(t as i32)).contains(&tensor.data_type);
                let location = tensor.external_data.iter().find(|e| e.key.as_deref() == Some("location"));
                if let Some(place) = location.and_then(|l| l.value.as_deref()) {
                    if place.is_empty() || place.contains(['/', '\\']) || place.starts_with('.') {
                        let message = format!("`{}` has weights in `{place}`, not beside it", file.display());
                        return Err(corrupt(message).into());
                    }
                    weights.files.push(file.with_file_name(place));
                }
            }
            let attributes = graph.node.iter().flat_map(|n| &n.attribute);
            graphs.extend(attributes.flat_map(|a| a.g.iter().chain(&a.graphs)));
        }
        weights.files.sort();
        weights.files.dedup();
        Ok(weights)
    }
}

/// A file of JSON; none where there is no such file.
fn json(file: &Path) -> Result<Option<Value>> {
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| corrupt(format!("`{}` is not JSON: {e}", file.display())).into()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("cannot read `{}`", file.display())),
    }
}

fn corrupt(message: String) -> Failure {
    Failure::new(FailureKind::Corrupt, message).hint("export the model anew")
}
