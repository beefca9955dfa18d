//! The lines that `steps.lean` writes.

use serde::Deserialize;

/// One tactic step; offsets are bytes of the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RawStep {
    /// Declaration, `[anonymous]` where Lean gives none.
    pub decl: String,
    /// First byte of the tactic.
    pub start: usize,
    /// First byte behind it.
    pub end: usize,
    /// Kind of its syntax node.
    pub kind: String,
    /// Number in its file.
    pub id: u32,
    /// The step that holds this one.
    pub parent: Option<u32>,
    /// Goals before.
    pub before: Vec<String>,
    /// Goals after, less the goals that the step did not touch.
    pub after: Vec<String>,
    /// Tactic blocks inside, outermost only.
    pub blocks: Vec<RawBlock>,
    /// Theorems and unfolded definitions in what the step proved of its main goal.
    #[serde(default)]
    pub premises: Vec<String>,
    /// Lean's error at this step.
    pub error: Option<String>,
}

/// A tactic block inside a step.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RawBlock {
    /// First byte (of `by`, where there is one).
    pub start: usize,
    /// First byte behind it.
    pub end: usize,
    /// Whether it is a term `by …` and not the right side of an alternative.
    pub by: bool,
    /// The goals that it begins with.
    pub goals: Vec<String>,
}
