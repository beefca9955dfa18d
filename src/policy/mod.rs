//! The learned policy: a bundle on disk, a session in ONNX Runtime, candidates for a goal.

pub mod bundle;
pub mod prompt;
pub mod tokenizer;
pub mod weights;
