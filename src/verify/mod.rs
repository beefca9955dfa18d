//! Candidate to verdict, in a second Lean server that the user never sees.
//!
//! Two stages: candidates are tried many at once, each on a copy of the goal ([`judge::Batch`]); each
//! survivor is confirmed by the edit that the user would make ([`judge::Comparison`]).

use std::sync::Arc;

mod actor;
mod declaration;
mod hole;
pub mod judge;
pub mod lean_search;
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
