//! Lean files to proof steps.
//!
//! Lean itself prints the steps (`steps.lean`, run by `lean --run`, nothing imported by the traced
//! files); [`action`] turns a tactic with blocks into the action that leads to where its blocks begin;
//! [`run`] drives Lean over many files; [`attempt`] runs other tactics at traced steps, many a second.

pub mod action;
pub mod attempt;
pub mod overlap;
mod raw;
pub mod run;

pub use run::{FileReport, TraceOptions, trace_files};
