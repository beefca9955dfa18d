//! Candidate to verdict, in a second Lean server that the user never sees.
//!
//! Two stages. Triage tries many candidates at little cost: by a method inside Lean in a scratch document
//! ([`probe`]), or, where that is not to be had, many in one edit, each on a copy of the goal
//! ([`judge::Batch`]). Each survivor that is to be shown is confirmed by the edit that the user would make
//! ([`judge::Comparison`]). The two run beside each other in two processes.
//!
//! Who moves on waits for nothing that was asked for before: [`queue`] puts the youngest place first, and the
//! actor interrupts what runs for an older one.

use std::sync::Arc;

mod actor;
mod attempts;
mod batch;
mod confirm;
mod hole;
pub mod judge;
mod lane;
pub mod lean_search;
mod prepared;
mod probe;
mod queue;
pub mod scratch;
mod shadow;
mod trial;

pub use actor::{Filter, State, VerifierHandle, VerifierStatus, no_goal};
pub use trial::VerdictCache;

/// A position in a version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The document, as the editor names it.
    pub uri: String,
    /// Its version.
    pub version: i32,
    /// Its text in that version.
    pub text: Arc<str>,
    /// The cursor.
    pub position: lsp_types::Position,
}
