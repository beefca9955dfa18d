//! The pipeline over policy, other candidates and the verifier, once, for proxy, command line and eval.

mod pipeline;
mod rank;

use std::time::Duration;

use crate::proof::{Candidate, Goal, Verdict};
use crate::verify::Place;

pub use crate::lsp::protocol::{Edit, Suggestion};
pub use pipeline::{FINISHED, Pipeline, edit_of};
pub use rank::rank;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct SuggestRequest {
    /// Where.
    pub place: Place,
    /// The goals there, if they are known; they are asked for anyway, so that candidates need not wait.
    pub goals: Option<Vec<Goal>>,
    /// With so many suggestions no further source is asked. Those asked may bring more: the best of all
    /// are the first of them after [`rank`].
    pub limit: usize,
    /// When to stop, counted from the request.
    pub budget: Option<Duration>,
    /// Whether to wait for the probe, which a session has from its first pause on: without it nothing is known to be in
    /// scope. For one who asks once.
    pub patient: bool,
}

/// What comes of it, in this order: goals once, then the others as they become known, `Done` last.
///
/// Where a second source finds a tactic that was tried before, its verdict and its suggestion come again
/// with all sources: a suggestion replaces the one with the same id.
#[derive(Debug, Clone)]
pub enum Update {
    /// The goals, main goal first. Empty where the proof is complete.
    Goals(Vec<Goal>),
    /// So many more candidates were given to Lean; each gets a verdict, unless Lean fails or it is left.
    Checking(usize),
    /// So many candidates were left without a verdict: Lean would probably take them, but enough others are
    /// confirmed. They are not shown.
    Left(usize),
    /// A candidate's verdict, failures included.
    Verdict {
        /// What was tried.
        candidate: Candidate,
        /// Lean's answer.
        verdict: Verdict,
    },
    /// A confirmed candidate; may be shown.
    Suggestion(Suggestion),
    /// The end.
    Done {
        /// Time from the request on.
        elapsed_ms: f64,
        /// The bundle that proposed, where one did.
        bundle: Option<String>,
        /// What did not work, for people; the rest did.
        problems: Vec<String>,
    },
}
