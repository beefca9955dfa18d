//! What a source's suggestions are worth at a step (pure).

use std::collections::HashMap;

use crate::proof::{Goal, ProofStep, same_state};
use crate::suggest::Suggestion;

/// Whether any of the suggestions did it, at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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

/// Scores what was shown at a step.
pub fn score_step(step: &ProofStep, shown: &[Suggestion]) -> StepScore {
    let author = words(&step.tactic);
    let mut score = StepScore { progress: !shown.is_empty(), ..StepScore::default() };
    for suggestion in shown {
        let goals = &suggestion.verdict.goals;
        score.exact |= words(&suggestion.candidate.tactic) == author;
        score.closes |= goals.is_empty();
        score.same_state |= same_state(goals, &step.states_after);
    }
    score
}

fn words(tactic: &str) -> Vec<&str> {
    tactic.split_whitespace().collect()
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

/// The main goal of a step, which every traced tactic step has.
pub fn main_goal(step: &ProofStep) -> Option<&Goal> {
    step.state_before.first()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Candidate, Source, Verdict, VerdictKind};
    use crate::suggest::Edit;

    fn step(before: &str, tactic: &str, after: &[&str]) -> ProofStep {
        let states_after = after.iter().map(|g| Goal::parse(g)).collect();
        ProofStep { states_after, ..ProofStep::sample("a", before, tactic) }
    }

    fn shown(tactic: &str, goals: &[&str]) -> Suggestion {
        let goals = goals.iter().map(|g| Goal::parse(g)).collect();
        let verdict =
            Verdict { kind: VerdictKind::Progress, completes: false, goals, message: None, elapsed_ms: 1.0 };
        let edit = Edit { range: lsp_types::Range::default(), new_text: tactic.into() };
        let candidate = Candidate::new(tactic, Source::Policy, None);
        Suggestion { id: String::new(), candidate, verdict, edit }
    }

    #[test]
    fn states_are_compared_and_not_texts() {
        let s =
            step("p q : Prop\n⊢ p ∧ q", "constructor", &["case left\np q : Prop\n⊢ p", "p q : Prop\n⊢ q"]);
        let other = shown("refine ⟨?_, ?_⟩", &["p q : Prop\n⊢ q", "p q : Prop\n⊢ p"]);
        let all = score_step(&s, &[shown("exfalso", &["⊢ False"]), other]);
        assert_eq!(all, StepScore { closes: false, progress: true, same_state: true, exact: false });
        assert!(score_step(&s, &[shown("constructor ", &["⊢ p"])]).exact);
        assert_eq!(score_step(&s, &[]), StepScore::default());
    }

    #[test]
    fn the_commonest_come_first() {
        let steps: Vec<ProofStep> = ["b", "a", "c", "c"].iter().map(|t| step("⊢ True", t, &[])).collect();
        assert_eq!(commonest(&steps, 2), ["c", "a"]);
    }
}
