//! What a source's candidates are worth at a step (pure).

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::interval::{Interval, bootstrap};
use crate::proof::{Goal, ProofStep, same_state};
use crate::trace::attempt::Answer;

/// Whether any of a source's candidates did it, at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StepScore {
    /// Closed the main goal.
    pub closes: bool,
    /// Closed it or changed it.
    pub progress: bool,
    /// Led to the very state that the author's tactic leads to.
    pub same_state: bool,
    /// Was the author's tactic, white space aside.
    pub exact: bool,
}

/// Shares of steps, between 0 and 1, with their 95 % bootstrap intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Share of steps at which a candidate closed the main goal.
    pub closes: f64,
    /// Share at which one closed or changed it.
    pub progress: f64,
    /// Share at which one led to the author's next state.
    pub same_state: f64,
    /// Share at which one was the author's tactic.
    pub exact: f64,
    /// Interval of `same_state`.
    pub same_state_interval: Interval,
}

/// Scores candidates and Lean's answers to them (same length) at a step.
pub fn score_step(step: &ProofStep, candidates: &[String], answers: &[Answer]) -> StepScore {
    let mut score = StepScore::default();
    let author = words(&step.tactic);
    for (tactic, answer) in candidates.iter().zip(answers) {
        score.exact |= words(tactic) == author;
        let Answer::Goals(goals) = answer else { continue };
        score.closes |= goals.is_empty();
        score.progress |= !same_state(goals, step.state_before.get(..1).unwrap_or_default());
        score.same_state |= same_state(goals, &step.states_after);
    }
    score
}

fn words(tactic: &str) -> Vec<&str> {
    tactic.split_whitespace().collect()
}

impl Scores {
    /// The shares over some steps; the seed is the bootstrap's.
    pub fn of(steps: &[StepScore], seed: u64) -> Scores {
        let share = |f: fn(&StepScore) -> bool| {
            steps.iter().filter(|s| f(s)).count() as f64 / steps.len().max(1) as f64
        };
        let same: Vec<f64> = steps.iter().map(|s| f64::from(u8::from(s.same_state))).collect();
        Scores {
            closes: share(|s| s.closes),
            progress: share(|s| s.progress),
            same_state: share(|s| s.same_state),
            exact: share(|s| s.exact),
            same_state_interval: bootstrap(&same, seed),
        }
    }
}

/// The k commonest tactics of some steps, the commonest first; equal counts in alphabetical order.
pub fn commonest(steps: &[ProofStep], k: usize) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for s in steps {
        *counts.entry(s.tactic.as_str()).or_default() += 1;
    }
    let mut all: Vec<(&str, usize)> = counts.into_iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    all.into_iter().take(k).map(|(t, _)| t.to_owned()).collect()
}

/// Number of theorems among steps.
pub fn theorems(steps: &[ProofStep]) -> usize {
    steps.iter().map(|s| (&s.file, &s.decl)).collect::<BTreeSet<_>>().len()
}

/// The main goal of a step, which every traced tactic step has.
pub fn main_goal(step: &ProofStep) -> Option<&Goal> {
    step.state_before.first()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Origin, StepRange};

    fn step(before: &str, tactic: &str, after: &[&str]) -> ProofStep {
        ProofStep {
            file: "A.lean".into(),
            decl: "a".into(),
            step: 0,
            parent: None,
            range: StepRange { start: (1, 1), end: (1, 2) },
            state_before: vec![Goal::parse(before)],
            tactic: tactic.into(),
            source: tactic.into(),
            states_after: after.iter().map(|g| Goal::parse(g)).collect(),
            error: None,
            header_sha256: String::new(),
            premises: vec![],
            origin: Origin::Written,
        }
    }

    #[test]
    fn states_are_compared_and_not_texts() {
        let s =
            step("p q : Prop\n⊢ p ∧ q", "constructor", &["case left\np q : Prop\n⊢ p", "p q : Prop\n⊢ q"]);
        let goals = |t: &[&str]| Answer::Goals(t.iter().map(|g| Goal::parse(g)).collect());
        let tried = ["refine ⟨?_, ?_⟩".to_owned(), "skip".to_owned(), "rfl".to_owned()];
        let answers = [
            goals(&["p q : Prop\n⊢ q", "p q : Prop\n⊢ p"]),
            goals(&["p q : Prop\n⊢ p ∧ q"]),
            Answer::Error("no".into()),
        ];
        let all = score_step(&s, &tried, &answers);
        assert_eq!(all, StepScore { closes: false, progress: true, same_state: true, exact: false });
        assert_eq!(score_step(&s, &tried[1..], &answers[1..]), StepScore::default(), "`skip` is no progress");
        assert!(score_step(&s, &["constructor ".into()], &[Answer::Error("x".into())]).exact);
    }

    #[test]
    fn the_commonest_come_first() {
        let steps: Vec<ProofStep> = ["b", "a", "c", "c"].iter().map(|t| step("⊢ True", t, &[])).collect();
        assert_eq!(commonest(&steps, 2), ["c", "a"]);
    }
}
