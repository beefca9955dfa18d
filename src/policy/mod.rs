//! The learned policy: a bundle on disk, a session in ONNX Runtime, candidates for a goal.
//!
//! A bundle is a folder under `models/` (shipped) or `data/models/` (the user's own):
//!
//! | file | what it is |
//! |---|---|
//! | `bundle.json` | format, name, prompt layout, limits, base, training summary, SHA-256 of all other files |
//! | `config.json` | the architecture under Hugging Face's names (`LlamaForCausalLM`) |
//! | `model.safetensors` | the weights, half precision, `[out, in]`, Hugging Face's tensor names |
//! | `tokenizer.json` | byte-level byte-pair encoding, as `tokenizers` and `transformers` read it |
//! | `model.onnx` | a small graph; its weights are byte ranges of `model.safetensors` |
//! | `card.md` | what a person should know about the model |
//!
//! `config.json`, `model.safetensors` and `tokenizer.json` make it an ordinary Hugging Face checkpoint. `data/models/active.json`
//! (`{"bundle": "name"}`) says which of the user's bundles is in use; without it the shipped `core-small` is.
//!
//! A bundle of graphs that were exported elsewhere has those (`decoder_model_merged.onnx` and its like) in place of
//! `model.onnx` and `model.safetensors`, and no `tokenizer.json` where its tokens are bytes; `exported` in `bundle.json` says
//! so ([`bundle::Exported`]).
//!
//! ```text
//! Goal ──prompt──► tokens ──session──► logits ──sampling──► tokens ──tokenizer──► tactic, log-probability
//!                              ▲ bundle (hashes checked), graph by onnx
//! ```
//!
//! [`PolicyHandle`] owns all of it on a thread of its own and reloads the bundle between two requests.

mod actor;
pub mod bundle;
pub mod checkpoint;
pub mod foreign;
pub mod onnx;
pub mod prompt;
pub mod sampling;
pub mod session;
pub mod tokenizer;
pub mod weights;

pub use actor::{PolicyHandle, PolicyStatus, Proposals};
