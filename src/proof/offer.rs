//! What the names at a goal offer.

use serde::{Deserialize, Serialize};

use super::{Candidate, Source};

/// What Lean reads off the names at a goal (`src/lean/scope.lean`): the constructors of its variables' types, the
/// definitions that it speaks of, the project's theorems that fit. Nothing of it is verified.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offer {
    /// Tactics, best first.
    pub steps: Vec<String>,
    /// Inductions without the names of their cases, for what follows with `<;>`.
    pub inductions: Vec<String>,
    /// What may finish the goals that a step leaves.
    pub finishers: Vec<String>,
}

impl Offer {
    /// The tactics as candidates.
    pub fn candidates(&self) -> Vec<Candidate> {
        Candidate::ranked(&self.steps, Source::Scope)
    }
}
