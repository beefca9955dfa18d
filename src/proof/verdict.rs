//! Lean's answer to a candidate.

use serde::{Deserialize, Serialize};

use super::Goal;

/// What Lean did with a tactic at a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// The main goal is gone and no new one came in its place.
    Closes,
    /// Accepted; other goals than before remain.
    Progress,
    /// Accepted, but the goals are the same as before.
    NoProgress,
    /// Accepted at the goal, but what follows in the document then fails. It says nothing against the tactic
    /// at this goal: the place is inside a finished proof.
    BreaksRest,
    /// Refused.
    Error,
    /// No answer within the limit.
    Timeout,
}

/// Lean's answer, with what the tactic leaves behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The kind of answer.
    pub kind: VerdictKind,
    /// Whether the whole declaration then stands without error or `sorry`.
    pub completes: bool,
    /// All goals that remain in the tactic block after the tactic (empty unless Lean accepted it there).
    pub goals: Vec<Goal>,
    /// Lean's error message, or a warning worth knowing.
    pub message: Option<String>,
    /// Time that Lean took, in milliseconds; a share of it where many were tried at once.
    pub elapsed_ms: f64,
}

impl VerdictKind {
    /// Whether a tactic with this verdict may be shown.
    pub fn is_success(self) -> bool {
        matches!(self, VerdictKind::Closes | VerdictKind::Progress)
    }

    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            VerdictKind::Closes => "closes",
            VerdictKind::Progress => "progress",
            VerdictKind::NoProgress => "no_progress",
            VerdictKind::BreaksRest => "breaks_rest",
            VerdictKind::Error => "error",
            VerdictKind::Timeout => "timeout",
        }
    }
}
