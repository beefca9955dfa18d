//! Whether one statement is an instance of another, or nearly the same (pure).
//!
//! Held-out figures mean nothing if a held-out theorem is a training theorem in other words. A statement is
//! compared as the first goal of its proof. *Instance*: the training statement's local names are pattern
//! variables; if one substitution makes its target the held-out target and each of its hypotheses one of the
//! held-out hypotheses, the held-out theorem follows by `exact`. *Near*: with local names numbered by first
//! use, the two share most of their token trigrams. Both read what Lean prints, so notation hides nothing,
//! but neither sees through definitions.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::proof::Goal;

/// Share of trigrams (Jaccard index) from which two statements count as nearly the same.
pub const NEAR: f64 = 0.8;
/// Steps of the matcher before it gives up on a pair and calls it no instance.
const MATCH_FUEL: usize = 20_000;

/// A statement, cut into tokens.
#[derive(Debug, Clone)]
pub struct Statement {
    target: Vec<String>,
    /// Types of the hypotheses that nothing else mentions: those that are assumptions, not data.
    assumptions: Vec<Vec<String>>,
    locals: HashSet<String>,
    trigrams: BTreeSet<[String; 3]>,
}

impl Statement {
    /// The statement that a proof starts from.
    pub fn new(goal: &Goal) -> Statement {
        let locals: HashSet<String> = goal.hypotheses.iter().flat_map(|h| h.names.iter().cloned()).collect();
        let target = tokens(&goal.target);
        let types: Vec<Vec<String>> = goal.hypotheses.iter().map(|h| tokens(&h.type_)).collect();
        let mentioned: HashSet<&String> = types.iter().flatten().chain(&target).collect();
        let assumptions: Vec<Vec<String>> = goal
            .hypotheses
            .iter()
            .zip(&types)
            .filter(|(h, _)| h.names.iter().all(|n| !mentioned.contains(n)))
            .map(|(_, t)| t.clone())
            .collect();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut renamed: Vec<String> = Vec::new();
        for token in assumptions.iter().flatten().chain(&target) {
            // `xs.length` is a local name and a field.
            let (head, field) = token.split_at(token.find('.').unwrap_or(token.len()));
            if locals.contains(token) {
                let next = numbers.len();
                renamed.push(format!("#{}", numbers.entry(token).or_insert(next)));
            } else if locals.contains(head) {
                let next = numbers.len();
                renamed.push(format!("#{}", numbers.entry(head).or_insert(next)));
                renamed.push(field.to_owned());
            } else {
                renamed.push(token.clone());
            }
        }
        let padded: Vec<String> =
            ["^".to_owned()].into_iter().chain(renamed).chain(["$".to_owned()]).collect();
        let trigrams = padded.windows(3).map(|w| [w[0].clone(), w[1].clone(), w[2].clone()]).collect();
        Statement { target, assumptions, locals, trigrams }
    }

    /// The trigrams as numbers, each once, in no particular order.
    pub fn trigram_hashes(&self) -> Vec<u64> {
        use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        self.trigrams.iter().map(|t| hasher.hash_one(t)).collect()
    }

    /// Jaccard index of the trigrams, 1 for statements equal up to local names.
    pub fn similarity(&self, other: &Statement) -> f64 {
        let common = self.trigrams.intersection(&other.trigrams).count();
        let all = self.trigrams.len() + other.trigrams.len() - common;
        common as f64 / all.max(1) as f64
    }

    /// Whether this statement is an instance of `general`.
    pub fn is_instance_of(&self, general: &Statement) -> bool {
        // A target that is a bare variable matches anything and says nothing.
        if general.target.iter().all(|t| general.locals.contains(t)) && general.assumptions.is_empty() {
            return false;
        }
        let mut fuel = MATCH_FUEL;
        let mut binding = HashMap::new();
        matches(
            &general.target,
            &self.target,
            &general.locals,
            &mut binding,
            &mut fuel,
            &mut |binding, fuel| {
                all_found(&general.assumptions, &self.assumptions, &general.locals, binding, fuel)
            },
        )
    }
}

type Binding<'a> = HashMap<&'a str, &'a [String]>;

/// Whether each pattern matches one of the types under one extension of the binding.
fn all_found<'a>(
    patterns: &'a [Vec<String>],
    types: &'a [Vec<String>],
    variables: &HashSet<String>,
    binding: &mut Binding<'a>,
    fuel: &mut usize,
) -> bool {
    let Some((first, rest)) = patterns.split_first() else { return true };
    types.iter().any(|t| {
        let mut trial = binding.clone();
        matches(first, t, variables, &mut trial, fuel, &mut |b, fuel| {
            all_found(rest, types, variables, b, fuel)
        })
    })
}

/// Matches a pattern against tokens, variables against balanced runs, and asks `then` at each match.
fn matches<'a>(
    pattern: &'a [String],
    text: &'a [String],
    variables: &HashSet<String>,
    binding: &mut Binding<'a>,
    fuel: &mut usize,
    then: &mut dyn FnMut(&mut Binding<'a>, &mut usize) -> bool,
) -> bool {
    if *fuel == 0 {
        return false;
    }
    *fuel -= 1;
    let Some((head, rest)) = pattern.split_first() else {
        return text.is_empty() && then(binding, fuel);
    };
    if !variables.contains(head) {
        return text.first() == Some(head) && matches(rest, &text[1..], variables, binding, fuel, then);
    }
    if let Some(bound) = binding.get(head.as_str()).copied() {
        return text.starts_with(bound)
            && matches(rest, &text[bound.len()..], variables, binding, fuel, then);
    }
    let mut depth = 0i32;
    for n in 0..text.len() {
        match text[n].as_str() {
            "(" | "[" | "{" | "⟨" => depth += 1,
            ")" | "]" | "}" | "⟩" => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            break;
        }
        if depth == 0 {
            binding.insert(head, &text[..=n]);
            if matches(rest, &text[n + 1..], variables, binding, fuel, then) {
                return true;
            }
            binding.remove(head.as_str());
        }
    }
    false
}

/// Names, numbers and symbols, without white space.
fn tokens(text: &str) -> Vec<String> {
    let is_name =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'' | '✝' | '!' | '?' | '«' | '»');
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let end = if is_name(c) { rest.find(|c| !is_name(c)).unwrap_or(rest.len()) } else { c.len_utf8() };
        out.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(text: &str) -> Statement {
        Statement::new(&Goal::parse(text))
    }

    #[test]
    fn a_specialisation_is_an_instance_and_not_the_other_way_round() {
        let general = statement("a b : Nat\n⊢ a + b = b + a");
        let special = statement("x y : Nat\n⊢ x * y + 2 = 2 + x * y");
        assert!(special.is_instance_of(&general));
        assert!(!general.is_instance_of(&special));
        assert!(!statement("a b : Nat\n⊢ a + b = a + b + 0").is_instance_of(&general));
    }

    #[test]
    fn assumptions_must_be_there_too() {
        let general = statement("p q : Prop\nh : p ∧ q\n⊢ p");
        assert!(statement("r : Prop\nn : Nat\nh1 : n = 2 ∧ r\n⊢ n = 2").is_instance_of(&general));
        assert!(!statement("r s : Prop\nh1 : r ∨ s\n⊢ r").is_instance_of(&general));
    }

    #[test]
    fn other_names_are_no_difference() {
        let a = statement("xs ys : List Nat\nh : xs = ys\n⊢ rev xs = rev ys");
        let b = statement("as bs : List Nat\nh1 : as = bs\n⊢ rev as = rev bs");
        assert_eq!(a.similarity(&b), 1.0);
        assert!(a.similarity(&statement("n : Nat\n⊢ n + 0 = n")) < 0.2);
    }
}
