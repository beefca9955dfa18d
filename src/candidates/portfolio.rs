//! The fixed list of tactics that often close a goal, and the few steps that its shape asks for.

use crate::proof::{Candidate, Goal, Source};

/// Closing tactics, by what they cost Lean: the cheap ones answer while the dear ones have yet to run.
const CLOSING: &[&str] =
    &["rfl", "assumption", "trivial", "contradiction", "decide", "omega", "simp", "simp_all", "grind"];

/// What is tried at a goal whatever it is, best first, with the steps that its shape asks for.
pub fn portfolio(goal: &Goal) -> Vec<Candidate> {
    let mut out: Vec<String> = CLOSING.iter().filter(|t| fits(t, goal)).map(|t| (*t).to_owned()).collect();
    out.extend(steps(goal));
    Candidate::ranked(out, Source::Portfolio)
}

/// Leaves out what cannot work; in doubt a tactic stays.
fn fits(tactic: &str, goal: &Goal) -> bool {
    match tactic {
        "assumption" | "contradiction" | "simp_all" => !goal.hypotheses.is_empty(),
        // Free variables of types leave nothing to compute; of `Prop` alone `decide` knows nothing.
        "decide" => !goal.target.contains('✝') && !super::mentions(goal, &[": Prop\n"]),
        _ => true,
    }
}

/// Steps for the head of the target.
fn steps(goal: &Goal) -> Vec<String> {
    let target = goal.target.as_str();
    let mut out = Vec::new();
    if let Some(rest) = target.strip_prefix('∀') {
        out.push(format!("intro {}", binders(rest)));
    } else if top_level(target, "→").is_some() {
        // `a → b` has no name to take over.
        out.push(format!("intro {}", free_name(goal)));
    } else if target.starts_with('¬') {
        out.push(format!("intro {}", free_name(goal)));
    } else if top_level(target, "∧").is_some() || top_level(target, "↔").is_some() {
        out.push("constructor".into());
    } else if top_level(target, "∨").is_some() {
        out.push("left".into());
        out.push("right".into());
    }
    out
}

/// The names bound by `∀ x y, …` and `∀ (x : α) (y : β), …`.
fn binders(rest: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let head = rest.split(',').next().unwrap_or("");
    if head.contains('(') || head.contains('{') {
        for group in head.split(['(', '{']).skip(1) {
            names.extend(group.split(':').next().unwrap_or("").split_whitespace());
        }
    } else {
        names.extend(head.split(':').next().unwrap_or("").split_whitespace());
    }
    names.retain(|n| n.chars().next().is_some_and(char::is_alphabetic) && !n.contains('✝'));
    if names.is_empty() { "x".into() } else { names.join(" ") }
}

fn free_name(goal: &Goal) -> String {
    let taken = |n: &str| goal.hypotheses.iter().any(|h| h.names.iter().any(|m| m == n));
    let mut name = "h".to_owned();
    let mut n = 0;
    while taken(&name) {
        n += 1;
        name = format!("h{n}");
    }
    name
}

/// The place of an operator outside of brackets.
fn top_level(target: &str, operator: &str) -> Option<usize> {
    let mut depth = 0i32;
    for (i, c) in target.char_indices() {
        match c {
            '(' | '[' | '{' | '⟨' => depth += 1,
            ')' | ']' | '}' | '⟩' => depth -= 1,
            _ if depth == 0 && target[i..].starts_with(operator) => return Some(i),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(goal: &str) -> Vec<String> {
        portfolio(&Goal::parse(goal)).into_iter().map(|c| c.tactic).collect()
    }

    #[test]
    fn the_shape_of_the_target_asks_for_steps() {
        let last = |goal: &str| at(goal).last().cloned().unwrap();
        assert_eq!(last("⊢ ∀ (x y : Nat) (h : x = y), y = x"), "intro x y h");
        assert_eq!(last("⊢ ∀ x, p x"), "intro x");
        assert_eq!(last("h : p\n⊢ (p → q) → q"), "intro h1");
        assert_eq!(last("⊢ p ∧ (q → r)"), "constructor", "the arrow is inside brackets");
    }

    #[test]
    fn a_tactic_that_needs_hypotheses_is_left_out_without() {
        assert!(!at("⊢ 1 = 1").contains(&"assumption".to_owned()));
        assert!(at("h : p\n⊢ p").contains(&"assumption".to_owned()));
    }
}
