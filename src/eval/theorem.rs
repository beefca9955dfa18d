//! Theorems whose whole proof is one block of tactics, and their text with another proof in it. Pure.

use std::collections::BTreeMap;

use crate::proof::{Goal, ProofStep};
use crate::trace::play::{Bytes, Standing};

/// A theorem that can be proved again from its beginning.
#[derive(Debug, Clone, PartialEq)]
pub struct Theorem {
    /// The declaration's name.
    pub decl: String,
    /// Its first step.
    pub first: Bytes,
    /// Where that stands.
    pub standing: Standing,
    /// What is to be proved.
    pub goal: Goal,
}

/// The first step of each declaration that may be a [`Theorem`]: that has a name and begins with one goal.
pub fn beginnings(steps: &[ProofStep]) -> BTreeMap<&str, usize> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, step) in steps.iter().enumerate() {
        let known = first.entry(step.decl.as_str()).or_insert(i);
        if steps[*known].range.start > step.range.start {
            *known = i;
        }
    }
    first.retain(|decl, i| *decl != "[anonymous]" && steps[*i].state_before.len() == 1);
    first
}

/// Whether a declaration's proof is one block of tactics: all of its steps stand in it, and its first step begins it.
/// `steps` are the places of all of the declaration's steps.
pub fn theorem(
    first: &ProofStep,
    at: Bytes,
    steps: &[Bytes],
    standings: &BTreeMap<Bytes, Standing>,
) -> Option<Theorem> {
    let standing = *standings.get(&at)?;
    let inside = |b: &Bytes| standing.block.0 <= b.0 && b.1 <= standing.block.1;
    let whole = standing.block.0 == at.0 && steps.iter().all(inside);
    let goal = first.state_before.first()?.clone();
    whole.then(|| Theorem { decl: first.decl.clone(), first: at, standing, goal })
}

/// A tactic of a found proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// As it would be typed at column 0.
    pub tactic: String,
    /// Whether goals beside the main goal were open.
    pub beside: bool,
}

/// The proof as lines at a column.
pub fn script(taken: &[Taken], column: usize) -> String {
    let margin = format!("\n{}", " ".repeat(column));
    let lines: Vec<String> = taken
        .iter()
        .map(|t| {
            // It was tried on the main goal alone.
            let reaches = ["all_goals", "any_goals", "case", "next", "rotate", "swap", "pick_goal"];
            match t.beside && reaches.iter().any(|w| t.tactic.contains(w)) {
                true => format!("focus\n  {}", t.tactic.replace('\n', "\n  ")),
                false => t.tactic.clone(),
            }
        })
        .map(|t| t.replace('\n', &margin))
        .collect();
    lines.join(&margin)
}

/// The text with other proofs of some theorems, given in the order of the text, and the lines, from 1, that the
/// commands of those theorems then take.
pub fn with_proofs(text: &str, proofs: &[(&Theorem, &[Taken])]) -> (String, Vec<(u32, u32)>) {
    let mut out = String::with_capacity(text.len());
    let mut spans = Vec::with_capacity(proofs.len());
    let mut done = 0;
    for (theorem, taken) in proofs {
        let Standing { block, command } = theorem.standing;
        out.push_str(&text[done..block.0]);
        let line = out.rfind('\n').map_or(0, |i| i + 1);
        let column = out[line..].chars().count();
        let begins = out.len() - (block.0 - command.0);
        out.push_str(&script(taken, column));
        done = block.1;
        let ends = out.len() + (command.1 - block.1);
        spans.push((begins, ends));
    }
    out.push_str(&text[done..]);
    let line = |byte: usize| out[..byte.min(out.len())].matches('\n').count() as u32 + 1;
    let lines = spans.into_iter().map(|(a, b)| (line(a), line(b))).collect();
    (out, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_found_proof_takes_the_place_of_the_authors() {
        let text = "theorem a : p ∧ q := by\n  simp\n  done\n\ntheorem b : r := by rfl -- end\n";
        let at = |s: &str| text.find(s).unwrap();
        let of = |decl: &str, command: Bytes, block: Bytes| Theorem {
            decl: decl.into(),
            first: block,
            standing: Standing { block, command },
            goal: Goal::parse("⊢ p"),
        };
        let a_ends = at("done") + 4;
        let a = of("a", (0, a_ends), (at("simp"), a_ends));
        let b = of("b", (at("theorem b"), at(" -- end")), (at("rfl"), at(" -- end")));
        let t = |tactic: &str, beside| Taken { tactic: tactic.into(), beside };
        let found_a = [t("constructor", false), t("exact f\n  x", true), t("all_goals simp", true)];
        let found_b = [t("intro", false), t("trivial", false)];
        let (new, lines) = with_proofs(text, &[(&a, &found_a[..]), (&b, &found_b[..])]);
        let wanted = "theorem a : p ∧ q := by\n  constructor\n  exact f\n    x\n  focus\n    all_goals simp\n\n\
                      theorem b : r := by intro\n                    trivial -- end\n";
        assert_eq!(new, wanted);
        assert_eq!(lines, [(1, 6), (8, 9)]);
    }
}
