//! What is to be made up at a file's traced steps (pure).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::proof::{Origin, ProofStep, StepRange};
use crate::trace::play::Bytes;
use crate::trace::run::LineIndex;

/// Tactics of the original's proof that the search for a variant's proof gets.
const MOST_GIVEN: usize = 10;

/// How far Lean goes, in heartbeats as its option `maxHeartbeats` counts them and in attempts: never by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bounds {
    /// Heartbeats of one search tactic.
    pub search: u64,
    /// Heartbeats of any other tactic.
    pub tactic: u64,
    /// Tactics tried for the proof of one variant.
    pub attempts: usize,
}

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Answers kept at a state; 0: none are asked for.
    pub answers: usize,
    /// States of a file that are asked about.
    pub states: usize,
    /// Variants tried of a theorem; 0: none.
    pub variants: usize,
}

/// A piece of work at a step's place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Item {
    /// Lean's searches at the state.
    Answers {
        /// The step.
        at: StepRange,
        /// Its text, by which a file that has changed since is told.
        source: String,
        /// The declaration, and the step's number there.
        of: (String, u32),
        /// What the author, or authors, did at this state.
        known: Vec<String>,
        /// Answers kept.
        most: usize,
    },
    /// Variants of the statement that the step begins to prove.
    Variants {
        /// The step.
        at: StepRange,
        /// Its text.
        source: String,
        /// The declaration.
        decl: String,
        /// Tactics of its proof.
        given: Vec<String>,
        /// Variants tried.
        most: usize,
    },
}

impl Item {
    /// Where it is done.
    pub fn place(&self) -> (StepRange, &str) {
        match self {
            Item::Answers { at, source, .. } | Item::Variants { at, source, .. } => (*at, source),
        }
    }

    /// The declaration.
    pub fn decl(&self) -> &str {
        match self {
            Item::Answers { of, .. } => &of.0,
            Item::Variants { decl, .. } => decl,
        }
    }

    /// The place in bytes of the text; none where the text has changed.
    pub fn bytes(&self, text: &str) -> Option<Bytes> {
        let (range, source) = self.place();
        let index = LineIndex::new(text);
        let bytes = (index.byte(range.start)?, index.byte(range.end)?);
        (text.get(bytes.0..bytes.1) == Some(source)).then_some(bytes)
    }

    /// What Lean is told; `id` is what it says as it begins.
    pub(super) fn request(&self, id: usize, text: &str) -> Option<(Bytes, serde_json::Value)> {
        let at = self.bytes(text)?;
        let request = match self {
            Item::Answers { known, most, .. } => {
                serde_json::json!({"id": id, "answers": at, "known": known, "most": most})
            }
            Item::Variants { given, most, .. } => {
                serde_json::json!({"id": id, "variants": at, "given": given, "most": most})
            }
        };
        Some((at, request))
    }
}

/// The work on one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileWork {
    /// As the steps name it.
    pub file: String,
    /// In the order of the file.
    pub items: Vec<Item>,
}

impl FileWork {
    /// Declarations that something is made of.
    pub fn declarations(&self) -> usize {
        self.items.iter().map(Item::decl).collect::<BTreeSet<_>>().len()
    }
}

/// The work at these traced steps. Steps that were made up are no sources, nor are those of a declaration for which
/// `may_use` says no (held-out ones).
pub fn work(steps: &[ProofStep], amount: Amount, may_use: impl Fn(&ProofStep) -> bool) -> Vec<FileWork> {
    let mut files: BTreeMap<&str, Vec<&ProofStep>> = BTreeMap::new();
    for s in steps {
        if s.origin == Origin::Written && s.error.is_none() && !s.state_before.is_empty() && may_use(s) {
            files.entry(&s.file).or_default().push(s);
        }
    }
    files
        .into_iter()
        .map(|(file, steps)| {
            let mut items = answers(&steps, amount);
            items.extend(variants(&steps, amount));
            // What is nearer to the beginning is done first; answers before variants.
            items.sort_by_key(|i| (i.place().0.start, matches!(i, Item::Variants { .. })));
            FileWork { file: file.to_owned(), items }
        })
        .filter(|f| !f.items.is_empty())
        .collect()
}

fn answers(steps: &[&ProofStep], amount: Amount) -> Vec<Item> {
    if amount.answers == 0 {
        return Vec::new();
    }
    let mut known: HashMap<String, (usize, Vec<String>)> = HashMap::new();
    for (i, s) in steps.iter().enumerate() {
        let (_, tactics) = known.entry(s.state_before[0].normal_form()).or_insert((i, Vec::new()));
        if !tactics.contains(&s.tactic) {
            tactics.push(s.tactic.clone());
        }
    }
    let mut states: Vec<(String, usize, Vec<String>)> =
        known.into_iter().map(|(g, (i, t))| (g, i, t)).collect();
    // Any of them, but always the same.
    states.sort_by_cached_key(|(goal, _, _)| Sha256::digest(goal.as_bytes()));
    states.truncate(amount.states);
    let item = |(_, i, known): (String, usize, Vec<String>)| {
        let s = steps[i];
        let (at, source) = (s.range, s.source.clone());
        Item::Answers { at, source, of: (s.decl.clone(), s.step), known, most: amount.answers }
    };
    states.into_iter().map(item).collect()
}

fn variants(steps: &[&ProofStep], amount: Amount) -> Vec<Item> {
    if amount.variants == 0 {
        return Vec::new();
    }
    let mut proofs: BTreeMap<&str, Vec<&ProofStep>> = BTreeMap::new();
    for s in steps {
        proofs.entry(&s.decl).or_default().push(s);
    }
    // Nothing can be made of what has no name: two of them could not be told apart.
    proofs.retain(|decl, _| *decl != "[anonymous]" && !decl.ends_with("_example"));
    let item = |(decl, proof): (&str, Vec<&ProofStep>)| {
        let first = proof.iter().min_by_key(|s| s.step)?;
        let mut given: Vec<String> = Vec::new();
        for s in &proof {
            if given.len() < MOST_GIVEN && !given.contains(&s.tactic) && !s.tactic.contains("sorry") {
                given.push(s.tactic.clone());
            }
        }
        let (at, source) = (first.range, first.source.clone());
        Some(Item::Variants { at, source, decl: decl.to_owned(), given, most: amount.variants })
    };
    proofs.into_iter().filter_map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(decl: &str, n: u32, goal: &str, tactic: &str) -> ProofStep {
        let range = StepRange { start: (n + 1, 1), end: (n + 1, 9) };
        ProofStep { step: n, range, ..ProofStep::sample(decl, goal, tactic) }
    }

    #[test]
    fn each_state_is_asked_about_once_and_each_theorem_varied_once() {
        let steps = [
            step("a", 0, "p : Prop\n⊢ p → p", "intro h"),
            step("a", 1, "p : Prop\nh : p\n⊢ p", "exact h"),
            step("[anonymous]", 2, "p : Prop\nh : p\n⊢ p", "assumption"),
        ];
        let work = work(&steps, Amount { answers: 2, states: 9, variants: 3 }, |_| true);
        let kinds: Vec<&str> = work[0].items.iter().map(Item::decl).collect();
        assert_eq!(kinds, ["a", "a", "a"], "{work:#?}");
        let known = work[0].items.iter().find_map(|i| match i {
            Item::Answers { known, of, .. } if of.1 == 1 => Some(known.clone()),
            _ => None,
        });
        assert_eq!(known.unwrap(), ["exact h", "assumption"]);
    }

    #[test]
    fn what_is_held_out_or_made_up_or_has_an_error_is_no_source() {
        let mut made_up = step("b", 0, "⊢ 1 = 1", "rfl");
        made_up.origin = Origin::Search;
        let mut wrong = step("c", 0, "⊢ 1 = 2", "rfl");
        wrong.error = Some("no".into());
        let steps = [step("Held.a", 0, "⊢ 2 = 2", "rfl"), made_up, wrong];
        let amount = Amount { answers: 1, states: 9, variants: 1 };
        assert!(work(&steps, amount, |s| s.decl != "Held.a").is_empty());
        assert_eq!(
            work(&steps, amount, |_| true)[0].items.len(),
            2,
            "the same steps give work where they may"
        );
    }

    #[test]
    fn a_text_that_has_changed_is_not_asked_about() {
        let s = step("a", 0, "⊢ True", "trivial ");
        let item = &work(&[s], Amount { answers: 1, states: 1, variants: 0 }, |_| true)[0].items[0];
        assert_eq!(item.bytes("trivial \n"), Some((0, 8)));
        assert_eq!(item.bytes("decide  \n"), None);
    }
}
