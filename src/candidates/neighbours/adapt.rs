//! A tactic that was right at one goal, rewritten for another (pure).
//!
//! Names of the old context become names of the new one with a like type; constants that only the old
//! goal speaks of become those that only the new one does. A tactic with a name that has no counterpart is
//! dropped: it would fail, and checking it would cost Lean's time.

use std::collections::{HashMap, HashSet};

use super::terms::{locals, shape, split_head};
use crate::proof::tactic::{TokenKind, tokens};
use crate::proof::{Goal, Hypothesis};

/// Hypotheses less alike than this do not stand for each other: share of common tokens of their types.
const ALIKE: f64 = 0.5;

/// Rewrites `tactic` from the goal `from` for the goal `to`; `None` where a name finds no counterpart.
pub fn adapt(tactic: &str, from: &Goal, to: &Goal) -> Option<String> {
    let (old, new) = (locals(from), locals(to));
    let (old_words, new_words) = (constants(from, &old), constants(to, &new));
    let mut binders = Binders::default();
    let mut names: HashMap<&str, String> = HashMap::new();
    let mut taken: HashSet<String> = HashSet::new();
    let mut out = String::with_capacity(tactic.len());
    let mut written = 0;
    for token in tokens(tactic) {
        let (head, _) = split_head(&token);
        if binders.read(token.text, token.kind == TokenKind::Word) || token.kind != TokenKind::Word {
            continue;
        }
        let (word, replacement) = if old.contains(head) && !binders.bound.contains(head) {
            let replacement = match names.get(head) {
                Some(known) => known.clone(),
                None => {
                    let found = counterpart(head, from, to, &taken)?;
                    taken.insert(found.clone());
                    names.insert(head, found.clone());
                    found
                }
            };
            (head, replacement)
        } else if old_words.contains(token.text) && !new_words.contains(token.text) {
            // Spoken of there and not here: most likely a definition of that file.
            (token.text, other_constant(token.text, &old_words, &new_words)?)
        } else {
            continue;
        };
        out.push_str(&tactic[written..token.start]);
        out.push_str(&replacement);
        written = token.start + word.len();
    }
    out.push_str(&tactic[written..]);
    Some(out)
}

/// The constants that a goal speaks of.
fn constants<'a>(goal: &'a Goal, locals: &HashSet<&str>) -> HashSet<&'a str> {
    let types = goal.hypotheses.iter().map(|h| h.type_.as_str());
    types
        .chain([goal.target.as_str()])
        .flat_map(tokens)
        .filter(|t| t.kind == TokenKind::Word && !locals.contains(split_head(t).0))
        .map(|t| t.text)
        .collect()
}

/// Follows which names the tactic binds itself: behind `intro`, `with | inl`, `fun`, `obtain ⟨` and the like.
/// They stay as they are, and so do their later uses.
#[derive(Default)]
struct Binders<'a> {
    bound: HashSet<&'a str>,
    binding: bool,
    alternatives: bool,
}

impl<'a> Binders<'a> {
    /// Takes the next token; whether it belongs to a binder.
    fn read(&mut self, text: &'a str, is_word: bool) -> bool {
        match text {
            "intro" | "intros" | "rintro" | "fun" | "obtain" | "rename_i" | "next" | "ext" | "funext"
            | "have" | "let" | "generalize" => self.binding = true,
            "with" => (self.binding, self.alternatives) = (true, true),
            "|" => self.binding = self.alternatives,
            ":" | "=" | "↦" | ";" | "?" => self.binding = false,
            word if self.binding && is_word => _ = self.bound.insert(word),
            _ => return false,
        }
        true
    }
}

/// The name of the new context that stands for one of the old.
fn counterpart(name: &str, from: &Goal, to: &Goal, taken: &HashSet<String>) -> Option<String> {
    let (old, new) = (locals(from), locals(to));
    let of = |goal: &Goal, name: &str| -> Option<Hypothesis> {
        goal.hypotheses.iter().find(|h| h.names.iter().any(|n| n == name)).cloned()
    };
    let wanted = shape(&of(from, name)?.type_, &old);
    let mut best: Option<(f64, &str)> = None;
    // The nearest last, so that among equals it wins.
    for h in &to.hypotheses {
        let alike = likeness(&wanted, &shape(&h.type_, &new));
        for n in h.names.iter().filter(|n| !n.contains('✝') && !taken.contains(*n)) {
            let score = alike + if n == name { 0.25 } else { 0.0 };
            if alike >= ALIKE && best.is_none_or(|(known, _)| score >= known) {
                best = Some((score, n));
            }
        }
    }
    best.map(|(_, n)| n.to_owned())
}

/// Common tokens over all tokens (Jaccard), each as often as it stands.
fn likeness(a: &[String], b: &[String]) -> f64 {
    let mut left: Vec<&String> = b.iter().collect();
    let common =
        a.iter().filter(|t| left.iter().position(|u| u == t).map(|i| left.swap_remove(i)).is_some()).count();
    common as f64 / (a.len() + b.len() - common).max(1) as f64
}

/// The one constant that only the new goal speaks of, where the old one has only one of its own, too.
fn other_constant(name: &str, old: &HashSet<&str>, new: &HashSet<&str>) -> Option<String> {
    let capital =
        |w: &str| w.rsplit('.').next().and_then(|s| s.chars().next()).is_some_and(char::is_uppercase);
    let like = |w: &&&str| capital(w) == capital(name);
    let mut there = old.difference(new).filter(|w| capital(w) == capital(name));
    let mut here = new.difference(old).filter(like);
    match (there.next(), there.next(), here.next(), here.next()) {
        (Some(_), None, Some(only), None) => Some((*only).to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tactic: &str, from: &str, to: &str, expected: Option<&str>) {
        assert_eq!(adapt(tactic, &Goal::parse(from), &Goal::parse(to)).as_deref(), expected, "{tactic}");
    }

    #[test]
    fn names_of_the_context_are_replaced_by_names_of_like_type() {
        let from = "p q : Prop\nh : p ∧ q\n⊢ q ∧ p";
        let to = "a b : Prop\nhab : a ∧ b\n⊢ b ∧ a";
        check("exact ⟨h.2, h.1⟩", from, to, Some("exact ⟨hab.2, hab.1⟩"));
        check("cases h with | intro h g => ?_", from, to, Some("cases hab with | intro h g => ?_"));
        check("simp [And.comm]", from, to, Some("simp [And.comm]"));
    }

    #[test]
    fn a_name_without_a_counterpart_drops_the_tactic() {
        check("exact h", "h : a ≤ b\n⊢ a ≤ b", "n : Nat\n⊢ n = n", None);
        check("rw [ih]", "ih : f n = 0\n⊢ f n + 0 = 0", "x✝ : f n = 0\n⊢ f n = 0", None);
    }

    #[test]
    fn a_definition_of_the_other_file_becomes_ours_where_it_is_clear() {
        let from = "n : Nat\n⊢ plus n 0 = n";
        check("simp [plus]", from, "k : Nat\n⊢ times k 1 = k", Some("simp [times]"));
        check("simp [plus]", from, "k : Nat\n⊢ times k (pow k 0) = k", None);
        check("induction n", from, "k : Nat\n⊢ plus k 0 = k", Some("induction k"));
    }
}
