//! One step of a proof as `lean-copilot trace` writes it: what models learn from.

use serde::{Deserialize, Serialize};

use super::Goal;

/// Where a step came from; what Lean made up is kept apart from what a person wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A person's proof.
    #[default]
    Written,
    /// Found by Lean's search on a traced state.
    Search,
    /// Of a proof that a search found for a variant of a theorem's statement.
    Variant,
}

/// Stands between the name of a theorem and what a variant of its statement is called; no name of Lean's has it.
const VARIANT: char = '~';

/// A range in a file: lines from 1, columns from 1 in Unicode code points, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StepRange {
    /// Line and column of the first character.
    pub start: (u32, u32),
    /// Line and column behind the last character.
    pub end: (u32, u32),
}

/// A tactic step of a proof, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProofStep {
    /// The file's path as given, `/` between its parts.
    pub file: String,
    /// Full name of the declaration; with `~` and the variant's name behind it where the step is one of
    /// [`Origin::Variant`].
    pub decl: String,
    /// Number of the step in its declaration, in source order, from 0.
    pub step: u32,
    /// The step whose block, or whose side of `<;>`, this one is.
    pub parent: Option<u32>,
    /// Where the tactic stands.
    pub range: StepRange,
    /// All goals before, the main goal first.
    pub state_before: Vec<Goal>,
    /// The action, as it would be typed at column 0. A tactic that holds blocks is written with each
    /// block as `?_` (`cases h with | inl h => ?_ | inr h => ?_`, `have h : p := ?_`), so that it leads
    /// to the states in which its blocks begin.
    pub tactic: String,
    /// The tactic with its blocks, as it stands in the file.
    pub source: String,
    /// The goals that the action makes of the main goal (for a block tactic: those its blocks begin with).
    pub states_after: Vec<Goal>,
    /// Lean's error at the step, if there was one.
    pub error: Option<String>,
    /// The theorems in what the step proved of its main goal, and the definitions that it unfolded, by the names
    /// under which they are cited; without the glue of every proof (`congrArg`, `Eq.mpr`, …).
    #[serde(default)]
    pub premises: Vec<String>,
    /// SHA-256 of the file's header (its imports), in hexadecimal.
    pub header_sha256: String,
    /// Who wrote the step.
    #[serde(default)]
    pub origin: Origin,
}

impl ProofStep {
    /// The declaration that somebody wrote: of a variant's step the one that the variant was made of.
    pub fn written_decl(&self) -> &str {
        self.decl.split(VARIANT).next().unwrap_or(&self.decl)
    }

    /// A written step of `A.lean` for unit tests, which change what they are about.
    #[cfg(test)]
    pub(crate) fn sample(decl: &str, goal: &str, tactic: &str) -> ProofStep {
        ProofStep {
            file: "A.lean".into(),
            decl: decl.into(),
            step: 0,
            parent: None,
            range: StepRange { start: (1, 1), end: (1, 2) },
            state_before: vec![Goal::parse(goal)],
            tactic: tactic.into(),
            source: tactic.into(),
            states_after: vec![],
            error: None,
            premises: vec![],
            header_sha256: String::new(),
            origin: Origin::Written,
        }
    }
}

/// What a variant of a declaration's statement is called.
pub fn variant_name(decl: &str, variant: &str) -> String {
    format!("{decl}{VARIANT}{variant}")
}
