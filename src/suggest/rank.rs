//! The order in which suggestions are shown. Pure.

use super::Suggestion;
use crate::candidates::prior;
use crate::proof::VerdictKind;

/// Sorts suggestions, best first: what completes the declaration, then what closes the goal, then what
/// makes progress; among equals the likelier, then what leaves fewer goals, then the shorter.
pub fn rank(suggestions: &mut [Suggestion]) {
    suggestions.sort_by(|a, b| {
        let class = |s: &Suggestion| match s.verdict.kind {
            VerdictKind::Closes if s.verdict.completes => 0,
            VerdictKind::Closes => 1,
            _ => 2,
        };
        let length = |s: &Suggestion| s.candidate.tactic.chars().count();
        class(a)
            .cmp(&class(b))
            // Among steps the policy's word counts for more than the number of goals: `constructor` may
            // be right where `simp` leaves one goal that cannot be proved.
            .then(prior(&b.candidate).total_cmp(&prior(&a.candidate)))
            .then(a.verdict.goals.len().cmp(&b.verdict.goals.len()))
            .then(length(a).cmp(&length(b)))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Candidate, Source, Verdict};
    use crate::suggest::Edit;

    fn suggestion(tactic: &str, kind: VerdictKind, completes: bool, log_prob: Option<f64>) -> Suggestion {
        let verdict = Verdict { kind, completes, goals: vec![], message: None, elapsed_ms: 1.0 };
        let source = if log_prob.is_some() { Source::Policy } else { Source::Portfolio };
        let edit = Edit { range: lsp_types::Range::default(), new_text: tactic.into() };
        let candidate = Candidate::new(tactic, source, log_prob);
        Suggestion { id: tactic.into(), candidate, verdict, edit }
    }

    #[test]
    fn what_ends_the_proof_comes_first() {
        use VerdictKind::{Closes, Progress};
        let mut all = vec![
            suggestion("intro", Progress, false, Some(-0.1)),
            suggestion("simp_all", Closes, true, None),
            suggestion("rfl", Closes, true, None),
            suggestion("exact h", Closes, false, Some(-0.2)),
            suggestion("exact g", Closes, true, Some(-2.0)),
        ];
        rank(&mut all);
        let order: Vec<_> = all.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(order, ["exact g", "rfl", "simp_all", "exact h", "intro"]);
    }
}
