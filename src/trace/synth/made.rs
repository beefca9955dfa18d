//! What Lean made up at a file's steps, as steps (pure).

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::work::{FileWork, Item};
use crate::proof::{Goal, Origin, ProofStep, variant_name};
use crate::trace::play::Bytes;
use crate::trace::run::header_hash;

/// One variant in so many of those kept may have a trivial proof.
const TRIVIAL_ONE_IN: usize = 5;

/// What the work on files came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Pieces of work that were not done: the file has changed since, Lean did not find the place, or the time was up.
    pub not_done: usize,
    /// States at which Lean was asked.
    pub states: usize,
    /// Those of them with an answer that was kept.
    pub answered: usize,
    /// Steps of answers.
    pub answers: usize,
    /// Variants of statements that were tried.
    pub variants: usize,
    /// Those for which no proof was found.
    pub unproved: usize,
    /// Those with a trivial proof, of one `rfl`, `simp` or the like …
    pub trivial: usize,
    /// … that were left out, because there were too many.
    pub trivial_left_out: usize,
    /// Steps of variants' proofs.
    pub variant_steps: usize,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, o: Counts) {
        self.not_done += o.not_done;
        self.states += o.states;
        self.answered += o.answered;
        self.answers += o.answers;
        self.variants += o.variants;
        self.unproved += o.unproved;
        self.trivial += o.trivial;
        self.trivial_left_out += o.trivial_left_out;
        self.variant_steps += o.variant_steps;
    }
}

#[derive(Deserialize)]
struct Step {
    before: Vec<String>,
    tactic: String,
    after: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Began { began: usize },
    Variant { variants: Bytes, kind: String, steps: Option<Vec<Step>> },
    Answers { answers: Bytes, steps: Vec<Step> },
}

/// How a variant was made, and its proof, where one was found.
type Proof = (String, Option<Vec<Step>>);

/// The number of the item that Lean says to begin with.
pub(super) fn began(line: &str) -> Option<usize> {
    match serde_json::from_str(line).ok()? {
        Line::Began { began } => Some(began),
        _ => None,
    }
}

/// The steps, in the order of the file's items.
pub(super) fn collect(work: &FileWork, text: &str, lines: &[String]) -> (Vec<ProofStep>, Counts) {
    let mut answers: HashMap<Bytes, Vec<Step>> = HashMap::new();
    let mut variants: HashMap<Bytes, Vec<Proof>> = HashMap::new();
    for line in lines {
        // The file's own `#eval` may print anything.
        match serde_json::from_str(line) {
            Ok(Line::Answers { answers: at, steps }) => drop(answers.insert(at, steps)),
            Ok(Line::Variant { variants: at, kind, steps }) => {
                variants.entry(at).or_default().push((kind, steps))
            }
            Ok(Line::Began { .. }) | Err(_) => {}
        }
    }
    let header_sha256 = header_hash(text);
    let make = |item: &Item, decl: String, n: u32, step: &Step, origin: Origin| {
        let goals = |all: &[String]| all.iter().map(|g| Goal::parse(g)).collect();
        ProofStep {
            file: work.file.clone(),
            decl,
            step: n,
            parent: None,
            range: item.place().0,
            state_before: goals(&step.before),
            tactic: step.tactic.clone(),
            source: step.tactic.clone(),
            states_after: goals(&step.after),
            error: None,
            premises: Vec::new(),
            header_sha256: header_sha256.clone(),
            origin,
        }
    };
    let mut counts = Counts::default();
    let mut out = Vec::new();
    let (mut kept, mut trivial) = (0, 0);
    for item in &work.items {
        let Some(at) = item.bytes(text) else {
            counts.not_done += 1;
            continue;
        };
        match item {
            Item::Answers { of: (decl, n), .. } => {
                let Some(steps) = answers.get(&at) else {
                    counts.not_done += 1;
                    continue;
                };
                counts.states += 1;
                counts.answered += usize::from(!steps.is_empty());
                counts.answers += steps.len();
                out.extend(steps.iter().map(|s| make(item, decl.clone(), *n, s, Origin::Search)));
            }
            Item::Variants { decl, .. } => {
                let mut named: BTreeMap<&str, usize> = BTreeMap::new();
                for (kind, steps) in variants.get(&at).into_iter().flatten() {
                    counts.variants += 1;
                    let Some(steps) = steps else {
                        counts.unproved += 1;
                        continue;
                    };
                    if is_trivial(steps) {
                        counts.trivial += 1;
                        if (trivial + 1) * TRIVIAL_ONE_IN > kept + TRIVIAL_ONE_IN {
                            counts.trivial_left_out += 1;
                            continue;
                        }
                        trivial += 1;
                    }
                    kept += 1;
                    let n = named.entry(kind).or_default();
                    *n += 1;
                    let name = variant_name(decl, &format!("{kind}{n}"));
                    counts.variant_steps += steps.len();
                    let step =
                        |(i, s): (usize, &Step)| make(item, name.clone(), i as u32, s, Origin::Variant);
                    out.extend(steps.iter().enumerate().map(step));
                }
            }
        }
    }
    (out, counts)
}

/// A proof by one tactic that says nothing about what it proves.
fn is_trivial(steps: &[Step]) -> bool {
    let plain = ["rfl", "simp", "simp_all", "omega", "grind", "assumption", "decide", "trivial"];
    matches!(steps, [only] if plain.contains(&only.tactic.as_str()) || only.tactic.starts_with("simp "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::StepRange;

    fn file(most: usize) -> FileWork {
        let at = StepRange { start: (1, 1), end: (1, 4) };
        let item = Item::Variants { at, source: "rfl".into(), decl: "A.t".into(), given: vec![], most };
        FileWork { file: "A.lean".into(), items: vec![item] }
    }

    fn line(kind: &str, tactics: Option<&[&str]>) -> String {
        let step = |t: &&str| serde_json::json!({"before": ["⊢ True"], "tactic": t, "after": []});
        let steps: Option<Vec<_>> = tactics.map(|all| all.iter().map(step).collect());
        serde_json::json!({"variants": [0, 3], "kind": kind, "steps": steps}).to_string()
    }

    #[test]
    fn trivial_proofs_stay_a_small_share_and_what_is_not_proved_is_counted() {
        let mut lines = vec![line("swapped", None)];
        lines.extend((0..6).map(|_| line("dropped", Some(&["simp"]))));
        lines.extend((0..9).map(|_| line("chained", Some(&["intro h", "exact h.1"]))));
        lines.extend((0..6).map(|_| line("sibling", Some(&["rfl"]))));
        let (steps, counts) = collect(&file(22), "rfl", &lines);
        assert_eq!((counts.variants, counts.unproved, counts.trivial), (22, 1, 12));
        let one_step = steps.iter().filter(|s| ["simp", "rfl"].contains(&s.tactic.as_str())).count();
        assert_eq!((one_step, counts.trivial_left_out), (3, 9), "{counts:?}");
        assert_eq!(counts.variant_steps, steps.len());
    }

    #[test]
    fn a_variants_steps_bear_a_name_of_their_own_and_that_of_what_was_written() {
        let lines =
            [line("swapped", Some(&["intro h", "exact h"])), line("swapped", Some(&["intro h", "exact h"]))];
        let (steps, _) = collect(&file(2), "rfl", &lines);
        let names: Vec<(&str, u32)> = steps.iter().map(|s| (s.decl.as_str(), s.step)).collect();
        assert_eq!(
            names,
            [("A.t~swapped1", 0), ("A.t~swapped1", 1), ("A.t~swapped2", 0), ("A.t~swapped2", 1)]
        );
        assert!(steps.iter().all(|s| s.written_decl() == "A.t" && s.origin == Origin::Variant));
    }
}
