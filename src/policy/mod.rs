//! The learned policy: a bundle on disk, a session in ONNX Runtime, candidates for a goal.

pub mod bundle;
pub mod onnx;
pub mod prompt;
pub mod sampling;
pub mod session;
pub mod tokenizer;
pub mod weights;
