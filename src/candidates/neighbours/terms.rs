//! What a goal is found again by: hashed terms for its constants, its shape and its context (pure).
//!
//! Local names say nothing about another goal, so each stands as one placeholder. What the target says
//! counts apart from what the hypotheses say: the same constant is another term in each.

use std::collections::{BTreeMap, HashSet};

use crate::proof::Goal;
use crate::proof::tactic::{Token, TokenKind, tokens};

/// A term: a kind and a hash that is the same in every build and on every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term(u64);

/// How much a term says beside its rarity: the target's shape more than the context's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The whole target, local names apart.
    Target,
    /// Three tokens of the target in a row.
    TargetShape,
    /// A constant, number or symbol of the target.
    TargetWord,
    /// A whole hypothesis, local names apart.
    Hypothesis,
    /// A constant, number or symbol of a hypothesis.
    ContextWord,
}

impl Kind {
    fn weight(self) -> f64 {
        match self {
            Kind::Target => 2.0,
            Kind::TargetShape | Kind::TargetWord => 1.0,
            Kind::Hypothesis => 0.7,
            Kind::ContextWord => 0.3,
        }
    }
}

/// The terms of a goal with the weight of their kind, each once.
pub fn terms(goal: &Goal) -> BTreeMap<Term, f64> {
    let locals = locals(goal);
    let mut out = BTreeMap::new();
    let mut add = |kind: Kind, text: &str| {
        out.insert(Term::new(kind, text), kind.weight());
    };
    let target = shape(&goal.target, &locals);
    add(Kind::Target, &target.concat_with(' '));
    for window in target.windows(3) {
        add(Kind::TargetShape, &window.concat_with(' '));
    }
    for word in target.iter().filter(|w| w.as_str() != LOCAL) {
        add(Kind::TargetWord, word);
    }
    for h in &goal.hypotheses {
        let shape = shape(&h.type_, &locals);
        add(Kind::Hypothesis, &shape.concat_with(' '));
        for word in shape.iter().filter(|w| w.as_str() != LOCAL) {
            add(Kind::ContextWord, word);
        }
    }
    out
}

/// Stands for every local name.
const LOCAL: &str = "·";

/// The tokens of a printed expression, with each local name replaced; `xs.length` is a local name and a
/// field.
pub(super) fn shape(expression: &str, locals: &HashSet<&str>) -> Vec<String> {
    let mut out = Vec::new();
    for token in tokens(expression) {
        match token.kind {
            TokenKind::Word => {
                let (head, rest) = split_head(&token);
                if locals.contains(head) || head.contains('✝') {
                    out.push(LOCAL.to_owned());
                    if !rest.is_empty() {
                        out.push(rest.to_owned());
                    }
                } else {
                    out.push(token.text.to_owned());
                }
            }
            TokenKind::Comment => {}
            _ => out.push(token.text.to_owned()),
        }
    }
    out
}

/// A dotted name as its first part and the rest with its dot.
pub(super) fn split_head<'a>(token: &Token<'a>) -> (&'a str, &'a str) {
    match token.text.find('.') {
        Some(at) if !token.text.starts_with('«') => token.text.split_at(at),
        _ => (token.text, ""),
    }
}

/// The names of the context.
pub(super) fn locals(goal: &Goal) -> HashSet<&str> {
    goal.hypotheses.iter().flat_map(|h| h.names.iter().map(String::as_str)).collect()
}

trait ConcatWith {
    fn concat_with(&self, between: char) -> String;
}

impl ConcatWith for [String] {
    fn concat_with(&self, between: char) -> String {
        let mut out = String::new();
        for (i, part) in self.iter().enumerate() {
            if i > 0 {
                out.push(between);
            }
            out.push_str(part);
        }
        out
    }
}

impl Term {
    fn new(kind: Kind, text: &str) -> Term {
        Term::hash([kind as u8].into_iter().chain(text.bytes()))
    }

    /// The hash of any text.
    pub(super) fn of_text(text: &str) -> Term {
        Term::hash(text.bytes())
    }

    fn hash(bytes: impl Iterator<Item = u8>) -> Term {
        // FNV-1a, 64 bits: stable for ever, which the hashes of the standard library are not.
        Term(bytes.fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// The term as SQLite keeps it.
    pub(super) fn number(self) -> i64 {
        self.0.cast_signed()
    }

    /// Terms as bytes, eight each.
    pub(super) fn write_all(terms: &[Term]) -> Vec<u8> {
        terms.iter().flat_map(|t| t.0.to_le_bytes()).collect()
    }

    /// Reads the bytes of [`Term::write_all`].
    pub(super) fn read_all(bytes: &[u8]) -> impl Iterator<Item = Term> {
        bytes.as_chunks::<8>().0.iter().map(|b| Term(u64::from_le_bytes(*b)))
    }

    /// The term as a word that every full-text tokenizer leaves whole.
    pub fn word(self) -> String {
        format!("t{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(a: &str, b: &str) -> f64 {
        let (a, b) = (terms(&Goal::parse(a)), terms(&Goal::parse(b)));
        a.iter().filter(|(t, _)| b.contains_key(t)).map(|(_, w)| w).sum()
    }

    #[test]
    fn local_names_do_not_matter_and_constants_do() {
        let a = "xs ys : List Nat\n⊢ (xs ++ ys).length = xs.length + ys.length";
        let b = "as bs : List Nat\n⊢ (as ++ bs).length = as.length + bs.length";
        let c = "as bs : List Nat\n⊢ (as ++ bs).sum = as.sum + bs.sum";
        assert_eq!(terms(&Goal::parse(a)), terms(&Goal::parse(b)));
        assert!(shared(a, c) < shared(a, b) && shared(a, c) > shared(a, "⊢ True"));
    }

    #[test]
    fn terms_survive_their_bytes() {
        let all: Vec<Term> = terms(&Goal::parse("h : p ∧ q\n⊢ q ∧ p")).into_keys().collect();
        assert_eq!(Term::read_all(&Term::write_all(&all)).collect::<Vec<_>>(), all);
    }
}
