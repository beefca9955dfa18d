//! The vocabulary of the project: plain data and pure functions, known to every room.
//!
//! Proving is read as a Markov decision process: the state is a [`Goal`], the action a [`Candidate`]'s
//! tactic, the reward comes from Lean's [`Verdict`] and from the person's [`OutcomeKind`].
//! The JSON forms of these types are the same on the command line, in `$/leanCopilot/*`, in the
//! feedback store and in exports.

mod candidate;
pub mod declaration;
mod filter;
mod goal;
mod offer;
mod outcome;
mod step;
pub mod tactic;
mod token;
mod verdict;

pub use candidate::{Candidate, Source};
pub use goal::{Goal, GoalKey, Hypothesis, same_state};
pub use offer::Offer;
pub use outcome::OutcomeKind;
pub use step::{Origin, ProofStep, StepRange, variant_name};
pub use verdict::{Verdict, VerdictKind};
