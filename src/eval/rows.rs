//! What a measurement saw, case by case: a line of JSON for each step and each theorem, to read where sources fail.
//! Pure.

use serde_json::{Map, Value, json};

use super::look::{Decision, Shown};
use super::run::{Measured, Plan, StepRow, TheoremRow};
use crate::proof::{Goal, ProofStep, same_state};

/// A suggestion that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The tactic.
    pub tactic: String,
    /// Who proposed it.
    pub sources: Vec<&'static str>,
    /// Goals that it leaves.
    pub goals: usize,
    /// Whether it leads to the author's next state.
    pub same_state: bool,
}

/// What a set showed at a step.
pub fn lines(step: &ProofStep, shown: &Shown) -> Vec<Line> {
    let line = |s: &crate::suggest::Suggestion| Line {
        tactic: s.candidate.tactic.clone(),
        sources: s.candidate.sources.iter().map(|s| s.name()).collect(),
        goals: s.verdict.goals.len(),
        same_state: same_state(&s.verdict.goals, &step.states_after),
    };
    shown.suggestions.iter().map(line).collect()
}

/// The lines of a measurement: objects with `kind` `step` or `theorem`, in the order of the files.
pub fn rows(measured: &Measured, plan: &Plan) -> Vec<Value> {
    let steps = measured.steps.iter().map(|s| step_row(s, plan));
    let theorems = measured.theorems.iter().map(|t| theorem_row(t, plan));
    steps.chain(theorems).collect()
}

fn step_row(row: &StepRow, plan: &Plan) -> Value {
    let decision = row.decision.map(|d| match d {
        Decision::Closed => "closed",
        Decision::Hard => "hard",
        Decision::Undecided => "undecided",
    });
    let shown: Map<String, Value> = plan
        .sets
        .iter()
        .zip(&row.shown)
        .map(|(set, lines)| {
            let lines = lines.iter().map(|l| {
                json!({"tactic": l.tactic, "sources": l.sources, "goals": l.goals, "same_state": l.same_state})
            });
            (set.name.clone(), lines.collect())
        })
        .collect();
    json!({
        "kind": "step", "file": row.file, "decl": row.decl, "goal": row.goal.text, "author": row.author,
        "after": row.after.iter().map(|g: &Goal| &g.text).collect::<Vec<_>>(), "decision": decision, "shown": shown,
    })
}

fn theorem_row(row: &TheoremRow, plan: &Plan) -> Value {
    let named = |of: &dyn Fn(usize) -> Option<Value>| -> Map<String, Value> {
        plan.sets.iter().enumerate().filter_map(|(i, s)| Some((s.name.clone(), of(i)?))).collect()
    };
    json!({
        "kind": "theorem", "file": row.file, "decl": row.decl, "goal": row.goal.text,
        "finished": named(&|i| row.finished.get(&i).map(|f| json!(f))),
        "played": named(&|i| row.played.get(&i).map(|p| json!(p))),
    })
}
