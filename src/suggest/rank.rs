//! The order in which suggestions are shown. Pure.

use super::Suggestion;
use crate::candidates::prior;
use crate::proof::tactic::tokens;
use crate::proof::{Source, VerdictKind, same_state};

/// Beyond so many characters a line is a long one.
const LONG: usize = 60;

/// Sorts suggestions, best first, by what a person at the goal wants of them, in this order:
///
/// 1. **what it does**: completes the declaration, closes the goal, makes progress;
/// 2. **how simple it looks**: a line before a long line (over 60 characters) before several lines. A proof of
///    eight lines that `exact?` or `try?` wrote is for those who find nothing shorter;
/// 3. where it ends the goal, **fewer tokens**: `omega` before `simp [a, b]` before a chain of lemmas. A long name
///    is one token, as it is one thing to read;
/// 4. **how likely it is**: the policy's word, or a constant of its source ([`prior`]);
/// 5. fewer goals left, then fewer characters.
///
/// **Steps** of one form come by turns: two of the policy, one of what is in scope, one of the neighbours, one of the
/// portfolio, one of Lean's search, each source's likeliest first. Their words cannot be compared: how sure the policy is
/// differs from project to project, and the others say nothing of it. What is likely counts for more than the number of
/// goals: `constructor` may be right where `simp` leaves one goal that cannot be proved.
///
/// Steps that lead to the very state of a better one come behind all that lead elsewhere.
pub fn rank(suggestions: &mut [Suggestion]) {
    suggestions.sort_by(|a, b| {
        let (x, y) = (Looks::of(a), Looks::of(b));
        (x.class, x.form, x.tokens)
            .cmp(&(y.class, y.form, y.tokens))
            .then(prior(&b.candidate).total_cmp(&prior(&a.candidate)))
            .then((x.goals, x.characters).cmp(&(y.goals, y.characters)))
    });
    let first = suggestions.partition_point(|s| s.verdict.kind == VerdictKind::Closes);
    by_turns(&mut suggestions[first..]);
    repeated_last(&mut suggestions[first..]);
}

/// The order of sources in a round, and how many of its steps each gives.
const TURNS: [(Source, usize); 5] = [
    (Source::Policy, 2),
    (Source::Scope, 1),
    (Source::Neighbours, 1),
    (Source::Portfolio, 1),
    (Source::Lean, 1),
];

/// Mixes steps, sorted likeliest first, so that each source has its turn. What several propose comes by the first of
/// its turns.
fn by_turns(steps: &mut [Suggestion]) {
    let mut given = [0usize; TURNS.len()];
    let mut form = None;
    let mut order = Vec::with_capacity(steps.len());
    for step in &*steps {
        let own = Looks::of(step).form;
        if form.replace(own) != Some(own) {
            given = [0; TURNS.len()];
        }
        let mut turn = (usize::MAX, 0);
        for (at, (source, share)) in TURNS.iter().enumerate() {
            if step.candidate.sources.contains(source) {
                turn = turn.min((given[at] / share, at));
                given[at] += 1;
            }
        }
        order.push((own, turn));
    }
    sort_by_keys(steps, order);
}

/// Moves steps that lead where a better one leads behind those that lead elsewhere, each group in its order. Of what
/// ends the goal another text is another choice.
fn repeated_last(steps: &mut [Suggestion]) {
    let repeats = |i: usize| steps[..i].iter().any(|s| same_state(&s.verdict.goals, &steps[i].verdict.goals));
    let order = (0..steps.len()).map(repeats).collect();
    sort_by_keys(steps, order);
}

/// Sorts by keys that were made of the old order: one for each. Equal ones stay as they are.
fn sort_by_keys<K: Ord>(steps: &mut [Suggestion], keys: Vec<K>) {
    let mut order: Vec<(K, &Suggestion)> = keys.into_iter().zip(&*steps).collect();
    order.sort_by(|a, b| a.0.cmp(&b.0));
    let sorted: Vec<Suggestion> = order.into_iter().map(|(_, s)| s.clone()).collect();
    steps.clone_from_slice(&sorted);
}

/// What the order looks at.
struct Looks {
    class: u8,
    form: u8,
    /// Of what ends the goal; of a step 0.
    tokens: usize,
    goals: usize,
    characters: usize,
}

impl Looks {
    fn of(s: &Suggestion) -> Looks {
        let tactic = s.candidate.tactic.trim();
        let class = match s.verdict.kind {
            VerdictKind::Closes if s.verdict.completes => 0,
            VerdictKind::Closes => 1,
            _ => 2,
        };
        let characters = tactic.chars().count();
        let form = match () {
            () if tactic.contains('\n') => 2,
            () if characters > LONG => 1,
            () => 0,
        };
        let tokens = if class < 2 { tokens(tactic).len() } else { 0 };
        Looks { class, form, tokens, goals: s.verdict.goals.len(), characters }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Candidate, Goal, Verdict};
    use crate::suggest::Edit;

    fn suggestion(tactic: &str, kind: VerdictKind, completes: bool, log_prob: Option<f64>) -> Suggestion {
        // A step leads to a state of its own.
        let goals =
            if kind == VerdictKind::Progress { vec![Goal::parse(&format!("⊢ {tactic}"))] } else { vec![] };
        let verdict = Verdict { kind, completes, goals, message: None, elapsed_ms: 1.0 };
        let source = if log_prob.is_some() { Source::Policy } else { Source::Portfolio };
        let edit = Edit { range: lsp_types::Range::default(), new_text: tactic.into() };
        let candidate = Candidate::new(tactic, source, log_prob);
        Suggestion { id: tactic.into(), candidate, verdict, edit }
    }

    fn order(mut all: Vec<Suggestion>) -> Vec<String> {
        rank(&mut all);
        all.into_iter().map(|s| s.id).collect()
    }

    use VerdictKind::{Closes, Progress};

    #[test]
    fn what_ends_the_proof_comes_first() {
        let all = vec![
            suggestion("intro", Progress, false, Some(-0.1)),
            suggestion("simp_all", Closes, true, None),
            suggestion("exact h", Closes, false, Some(-0.2)),
            suggestion("exact g", Closes, true, Some(-2.0)),
        ];
        assert_eq!(order(all), ["simp_all", "exact g", "exact h", "intro"]);
    }

    #[test]
    fn what_is_short_comes_before_what_a_search_wrote() {
        let block = "induction n with\n| zero => rfl\n| succ n ih => simp [ih]";
        let long = "exact Iff.intro (fun h => h.elim (fun x => x) (fun y => y)) fun h => Or.inl h";
        let all = vec![
            suggestion(block, Closes, true, Some(-0.1)),
            suggestion(long, Closes, true, Some(-0.2)),
            suggestion("simp [Nat.add_comm, Nat.mul_comm]", Closes, true, Some(-0.3)),
            suggestion("exact Nat.a_lemma_with_a_long_name h", Closes, true, Some(-3.0)),
            suggestion("omega", Closes, true, None),
        ];
        let expected = [
            "omega",
            "exact Nat.a_lemma_with_a_long_name h",
            "simp [Nat.add_comm, Nat.mul_comm]",
            long,
            block,
        ];
        assert_eq!(order(all), expected);
    }

    #[test]
    fn among_steps_of_a_line_the_likelier_comes_first() {
        let block = "refine foo ?_ ?_ ?_\n  bar";
        let all = vec![
            suggestion(block, Progress, false, Some(-0.1)),
            suggestion("simp", Progress, false, None),
            suggestion("induction n with | zero => ?_ | succ n ih => ?_", Progress, false, Some(-0.5)),
        ];
        assert_eq!(order(all), ["induction n with | zero => ?_ | succ n ih => ?_", "simp", block]);
    }

    #[test]
    fn steps_that_lead_to_the_same_state_come_last() {
        let mut again = suggestion("refine ⟨?_, ?_⟩", Progress, false, Some(-0.2));
        let first = suggestion("constructor", Progress, false, Some(-0.1));
        again.verdict.goals = first.verdict.goals.clone();
        let all = vec![again, first, suggestion("left", Progress, false, Some(-3.0))];
        assert_eq!(order(all), ["constructor", "left", "refine ⟨?_, ?_⟩"]);
        let ends = ["omega", "rfl"].map(|t| suggestion(t, Closes, true, None));
        assert_eq!(order(ends.to_vec()), ["rfl", "omega"], "of what ends the goal each is a choice");
    }

    #[test]
    fn steps_come_by_turns_and_what_its_source_puts_first_comes_first() {
        let of_scope = |tactic: &str, place| {
            let mut s = suggestion(tactic, Progress, false, None);
            s.candidate = Candidate { place, ..Candidate::new(tactic, Source::Scope, None) };
            s
        };
        let policy = |tactic: &str, log_prob| suggestion(tactic, Progress, false, Some(log_prob));
        let all = vec![
            of_scope("rw [f]", 9),
            policy("cases h", -7.0),
            suggestion("simp", Progress, false, None),
            policy("intro x", -6.0),
            of_scope("unfold f", 1),
            policy("left", -8.0),
        ];
        assert_eq!(
            order(all),
            ["intro x", "cases h", "unfold f", "simp", "left", "rw [f]"],
            "by turns, however unsure the policy is"
        );
    }
}
