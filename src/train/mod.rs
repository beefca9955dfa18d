//! Proof steps and feedback → a better bundle.
//!
//! [`Finetune`] is the whole run; `docs/training.md` explains the objectives and the data's preparation.

pub mod augment;
pub mod batch;
mod card;
pub mod checkpoint;
pub mod compute;
pub mod curve;
pub mod dataset;
mod finetune;
pub mod learn;
pub mod model;
pub mod native;
pub mod objective;
pub mod optimizer;
pub mod publish;
pub mod split;
pub mod stream;
pub mod tokens;

pub use finetune::{Base, Finetune, FinetuneReport, Finished, Shape, checkpoint_file};
