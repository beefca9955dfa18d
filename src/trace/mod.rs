//! Lean files to proof steps.
//!
//! Lean itself prints the steps (`steps.lean`, nothing of it imported by the traced files); [`action`] turns a
//! tactic with blocks into the action that leads to where its blocks begin; [`run`] drives Lean over many files
//! and, with the embedded Lean, compiles in the same elaboration what others of them import; [`journal`] keeps
//! what is done, so that a run can be continued; [`fenced`] reads documents; [`play`] runs other tactics at
//! traced steps and goes on from there; [`synth`] has Lean make up more steps; [`overlap`] tells what is nearly the
//! same.

pub mod action;
pub mod fenced;
pub mod journal;
pub mod overlap;
pub mod play;
mod raw;
pub mod run;
pub mod synth;

pub use run::{FileReport, TraceOptions, trace_files};
