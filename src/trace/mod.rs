//! Lean files to proof steps.
//!
//! Lean itself prints the steps (`printer.lean`, run by `lean --run`, nothing imported by the traced
//! files); [`action`] turns a tactic with blocks into the action that leads to where its blocks begin;
//! [`run`] drives Lean over many files.

pub mod action;
mod raw;
pub mod run;

pub use run::{FileReport, TraceOptions, trace_files};
