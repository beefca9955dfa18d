//! Sources of tactics measured on real proofs.
//!
//! At each step of the proofs in the given files [`sources`] propose tactics for the main goal; Lean runs them on the
//! state that the author saw ([`arena`], over [`crate::trace::play`]); [`look`] says what each set of sources would
//! show within its budget, and [`score`] compares where that leads with where the author's tactic leads. [`finish`]
//! proves whole theorems by the best suggestion, again and again, and has the file compiled with what was found.
//! [`run`] does so over files, [`report`] makes the figures, [`plot`] draws them, [`rows`] tells them case by case.
//!
//! Lean is bounded by heartbeats; every answer of Lean and of the policy is remembered in the [`cache`], from which a
//! report comes out the same without either.

pub mod arena;
pub mod cache;
pub mod finish;
pub mod interval;
pub mod look;
pub mod plot;
pub mod report;
pub mod rows;
pub mod run;
pub mod sample;
pub mod score;
pub mod sources;
pub mod theorem;

pub use interval::Interval;
pub use report::{Report, report};
pub use score::commonest;
