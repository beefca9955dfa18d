//! Sources of tactics measured on real proofs.
//!
//! At each step of the proofs in the given files a source proposes k tactics for the main goal; Lean runs
//! them on the state that the author saw ([`crate::trace::attempt`]), and [`score`] compares what they lead
//! to with where the author's tactic leads.

pub mod interval;
pub mod measure;
pub mod score;

pub use interval::{Interval, bootstrap, paired_difference};
pub use measure::{Measured, Proposed, measure};
pub use score::{Scores, StepScore, commonest, score_step};
