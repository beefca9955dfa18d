//! A tactic that somebody proposes for a goal.

use serde::{Deserialize, Serialize};

/// Who proposed a tactic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The learned policy.
    Policy,
    /// The fixed list of closing tactics.
    Portfolio,
    /// Lean's own search: `try?`, `exact?`, `simp?`.
    Lean,
    /// What was done on similar goals.
    Neighbours,
    /// What the names at the goal offer: constructors, definitions, the project's theorems.
    Scope,
}

/// A proposed tactic. `source` is the best-ranked proposer, `sources` lists all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The tactic as it would be typed at column 0: continuation lines are indented relative to it.
    pub tactic: String,
    /// The proposer that ranked it best.
    pub source: Source,
    /// Every proposer, in the order of [`Source`], without repetition.
    pub sources: Vec<Source>,
    /// Natural logarithm of the policy's probability of the whole tactic.
    pub log_prob: Option<f64>,
    /// Its place among what its source proposed, from 0. Not told outside.
    #[serde(skip)]
    pub place: u32,
}

impl Candidate {
    /// A candidate with one proposer.
    pub fn new(tactic: impl Into<String>, source: Source, log_prob: Option<f64>) -> Candidate {
        Candidate { tactic: tactic.into(), source, sources: vec![source], log_prob, place: 0 }
    }

    /// What a source proposes that gives no probabilities, best first: each knows its place.
    pub fn ranked<T: Into<String>>(tactics: impl IntoIterator<Item = T>, source: Source) -> Vec<Candidate> {
        let placed = tactics.into_iter().zip(0..);
        placed.map(|(t, place)| Candidate { place, ..Candidate::new(t, source, None) }).collect()
    }
}

impl Source {
    /// The name used in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Source::Policy => "policy",
            Source::Portfolio => "portfolio",
            Source::Lean => "lean",
            Source::Neighbours => "neighbours",
            Source::Scope => "scope",
        }
    }
}
