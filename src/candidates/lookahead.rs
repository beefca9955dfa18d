//! Tactics that take a step and finish what it leaves. A case split or an induction that leaves only what Lean does by
//! itself is worth more than one of which nobody knows where it leads. Pure.

use crate::proof::tactic::{REACHING, TokenKind, tokens};
use crate::proof::{Candidate, Goal, Hypothesis, Offer, Source};

/// How much time finishers may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A tenth of a second or two, so that Lean's search does not wait.
    Little,
    /// Up to a second each, where they fail: when nothing else has closed the goal.
    Much,
}

/// What is tried on all goals that a step leaves. `simp_all!` unfolds the definitions that it meets; what it leaves
/// may be arithmetic, or a matter for `grind`.
fn finishers(goal: &Goal, help: &Offer, effort: Effort) -> Vec<String> {
    let (mut likely, mut other) = ("simp_all!", "simp_all! +arith");
    if super::mentions(goal, &[" + ", " * ", " - ", " ≤ ", " < ", "Nat", "Int"]) {
        (likely, other) = (other, likely);
    }
    let offered = |word| help.finishers.iter().find(|f| f.starts_with(word)).cloned();
    match (effort, offered("grind"), offered("simp_all")) {
        (Effort::Little, ..) => vec![likely.to_owned()],
        (Effort::Much, None, simp) => {
            let usual = vec![other.into(), "grind".into(), "(try simp_all!) <;> grind".into()];
            usual.into_iter().chain(simp).collect()
        }
        // What names definitions and theorems is the stronger.
        (Effort::Much, Some(grind), simp) => {
            let both = format!("(try simp_all!) <;> {grind}");
            [grind, other.into(), both].into_iter().chain(simp).collect()
        }
    }
}

/// Steps of others that are looked behind.
fn steps_of(effort: Effort) -> usize {
    match effort {
        Effort::Little => 2,
        Effort::Much => 4,
    }
}

/// Variables by which induction is tried.
const VARIABLES: usize = 2;

/// Steps with a finisher behind each, in the order in which they should be tried: each finisher behind all steps
/// before the next one. `steps` are the ones that Lean accepts at the goal, best first; inductions come with them: those
/// of `help`, where it has some, or else what the goal's variables suggest. A candidate's sources are those of its step.
pub fn lookahead(goal: &Goal, steps: &[Candidate], help: Option<&Offer>, effort: Effort) -> Vec<Candidate> {
    let nothing = Offer::default();
    let help = help.unwrap_or(&nothing);
    let own: Vec<Candidate> = match help.inductions.is_empty() {
        true => Candidate::ranked(inductions(goal), Source::Portfolio),
        false => Candidate::ranked(&help.inductions, Source::Scope),
    };
    let given = steps.iter().filter(|c| may_be_followed(&c.tactic)).take(steps_of(effort)).cloned();
    let mut all: Vec<Candidate> = Vec::new();
    for step in given.chain(own) {
        if !all.iter().any(|known| known.tactic == step.tactic) {
            all.push(step);
        }
    }
    let behind = |finisher: &String| {
        let finisher = finisher.clone();
        all.iter().map(move |step| Candidate {
            tactic: format!("{} <;> {finisher}", bracketed(step.tactic.trim())),
            // What is known of the step's probability is not that of the whole.
            log_prob: None,
            ..step.clone()
        })
    };
    finishers(goal, help, effort).iter().flat_map(behind).collect()
}

/// Whether a tactic can be the left side of `<;>` as one step: it does not pick other goals.
fn may_be_followed(tactic: &str) -> bool {
    let first = tokens(tactic).into_iter().find(|t| t.kind != TokenKind::Comment);
    let picks = |text| ["·", "."].contains(&text) || REACHING.contains(&text);
    first.is_some_and(|t| !picks(t.text)) && !tactic.contains("--")
}

/// The tactic in brackets where `<;>` behind it could be read as a part of it.
fn bracketed(tactic: &str) -> String {
    let open = |t: &str| ["|", ";", "by", "fun", "λ", "at", "with", "using", "in"].contains(&t);
    match tactic.contains('\n') || tactic.contains("=>") || tokens(tactic).iter().any(|t| open(t.text)) {
        true => format!("({tactic})"),
        false => tactic.to_owned(),
    }
}

/// Inductions by the variables that the target speaks of most often, with the others general.
fn inductions(goal: &Goal) -> Vec<String> {
    let target = tokens(&goal.target);
    let count = |name: &str| {
        // `t.height` speaks of `t`.
        target
            .iter()
            .filter(|t| t.text == name || t.text.strip_prefix(name).is_some_and(|r| r.starts_with('.')))
            .count()
    };
    let variables: Vec<(&str, &Hypothesis)> = goal
        .hypotheses
        .iter()
        .filter(|h| h.value.is_none() && !is_sort(&h.type_))
        .flat_map(|h| h.names.iter().map(move |n| (n.as_str(), h)))
        .filter(|(n, _)| !n.contains('✝') && count(n) > 0)
        .collect();
    let mut by: Vec<(&str, &Hypothesis)> =
        variables.iter().filter(|(_, h)| is_data(&h.type_, goal)).copied().collect();
    // The sort keeps the order of the context among equals.
    by.sort_by_key(|(n, _)| std::cmp::Reverse(count(n)));
    let mut out = Vec::new();
    for (name, hypothesis) in by.into_iter().take(VARIABLES) {
        let needed = tokens(&hypothesis.type_);
        let others: Vec<&str> = variables
            .iter()
            .map(|(n, _)| *n)
            .filter(|n| *n != name && !needed.iter().any(|t| t.text == *n))
            .collect();
        // An induction that assumes more than is needed does no harm to what finishes.
        out.push(match others.is_empty() {
            true => format!("induction {name}"),
            false => format!("induction {name} generalizing {}", others.join(" ")),
        });
    }
    out
}

/// `Type`, `Prop`, `Sort u`, `Type u_1`.
fn is_sort(type_: &str) -> bool {
    ["Type", "Prop", "Sort"].contains(&type_.split_whitespace().next().unwrap_or(""))
}

/// Whether a type may be one of data with constructors: no function, no variable, nothing that is said.
fn is_data(type_: &str, goal: &Goal) -> bool {
    let said = ["→", "∀", "∃", "=", "≠", "<", ">", "≤", "≥", "∈", "∉", "∧", "∨", "↔", "¬", "∣", "⊆"];
    let head = type_.split_whitespace().next().unwrap_or("");
    let variable = goal.hypotheses.iter().any(|h| h.names.iter().any(|n| n == head));
    !variable && !tokens(type_).iter().any(|t| said.contains(&t.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(goal: &str, steps: &[&str], effort: Effort) -> Vec<String> {
        let steps: Vec<Candidate> =
            steps.iter().map(|t| Candidate::new((*t).to_owned(), Source::Policy, Some(-1.0))).collect();
        lookahead(&Goal::parse(goal), &steps, None, effort).into_iter().map(|c| c.tactic).collect()
    }

    #[test]
    fn a_step_is_followed_by_what_finishes() {
        let steps = ["cases h", "rw [f] at h", "cases h with | inl a => ?_ | inr b => ?_"];
        let goal = "p q : Prop\nh : p ∨ q\n⊢ q ∨ p";
        assert_eq!(
            texts(goal, &steps, Effort::Little),
            ["cases h <;> simp_all!", "(rw [f] at h) <;> simp_all!"]
        );
        let much = texts(goal, &steps, Effort::Much);
        assert_eq!(much[2], "(cases h with | inl a => ?_ | inr b => ?_) <;> simp_all! +arith");
        assert_eq!(
            (much[3].as_str(), much.len()),
            ("cases h <;> grind", 9),
            "nothing here is data: {much:?}"
        );
        let step = Candidate::new("intro h", Source::Policy, Some(-1.0));
        let list = lookahead(&Goal::parse("⊢ n + 0 = n"), &[step], None, Effort::Little);
        assert_eq!(list[0].tactic, "intro h <;> simp_all! +arith", "it is about numbers");
        assert!(list.iter().all(|c| c.log_prob.is_none() && c.sources == [Source::Policy]));
    }

    #[test]
    fn what_is_in_scope_says_by_what_and_with_what() {
        let list = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect();
        let help = Offer {
            steps: vec![],
            inductions: list(&["induction b generalizing k"]),
            finishers: list(&["grind [size, size_add]", "simp_all [size]", "grind [size]"]),
        };
        let goal = Goal::parse("k : Nat\nb : Book\n⊢ size k b = 0");
        let of = |effort| -> Vec<String> {
            lookahead(&goal, &[], Some(&help), effort).into_iter().map(|c| c.tactic).collect()
        };
        assert_eq!(of(Effort::Little), ["induction b generalizing k <;> simp_all! +arith"]);
        let behind = [
            "grind [size, size_add]",
            "simp_all!",
            "(try simp_all!) <;> grind [size, size_add]",
            "simp_all [size]",
        ];
        let expected: Vec<String> =
            behind.iter().map(|f| format!("induction b generalizing k <;> {f}")).collect();
        assert_eq!(of(Effort::Much), expected);
        assert!(
            lookahead(&goal, &[], Some(&help), Effort::Much).iter().all(|c| c.sources == [Source::Scope])
        );
    }

    #[test]
    fn what_reaches_for_other_goals_is_not_followed() {
        assert!(
            texts("⊢ p", &["· intro h", "case inl => skip", "all_goals skip", "skip -- why"], Effort::Much)
                .is_empty()
        );
    }

    #[test]
    fn inductions_are_by_what_the_target_speaks_of() {
        let goal = "α : Type u_1\nf : α → α\nxs acc : List α\nn : Nat\nx : α\nh : n = 0\n⊢ rev xs acc = xs.reverse ++ acc";
        assert_eq!(
            inductions(&Goal::parse(goal)),
            ["induction xs generalizing acc", "induction acc generalizing xs"]
        );
        // What the type is made of cannot be general.
        assert_eq!(
            inductions(&Goal::parse("n : Nat\nv : Vec n\n⊢ v.len = n")).last().unwrap(),
            "induction v"
        );
    }
}
