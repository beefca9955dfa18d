//! Steps of real projects → what is trained on and what is measured on, and nothing nearly the same on both sides.
//!
//! Whole files are held out, chosen by a hash of their path, so that the choice is the same on every machine and
//! does not move when files are added. Training steps whose state is that of a held-out step, or nearly so, are
//! left out: *near* is [`NEAR`] by the trigrams of `trace::overlap`, local names numbered. All pairs are compared,
//! by an index over the rarest trigrams of each held-out state: of two sets that share a share `t` of their union,
//! each has one of the other's among its `(1 − t)` rarest.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::dataset::{HashedList, hashed, statement_hash, statements};
use crate::proof::{Goal, Origin, ProofStep, StepRange};
use crate::trace::overlap::{NEAR, Statement};

/// One file in so many is held out.
pub const ONE_IN: u64 = 11;
/// Steps that one place in a file gives, at most: the right side of `<;>` runs on every goal, and fifty times the
/// same tactic would count more than it teaches.
const MOST_PER_PLACE: usize = 4;
/// Goes into the hash of a path: the first seed that takes a file of each of the large projects.
const SEED: u32 = 0;

/// Two sides and the list that keeps them apart.
#[derive(Debug, Default)]
pub struct Split {
    /// To train on.
    pub train: Vec<ProofStep>,
    /// To measure on.
    pub held_out: Vec<ProofStep>,
    /// What no training may see, as hashes.
    pub list: HashedList,
    /// What became of the steps.
    pub counts: Counts,
}

/// Numbers of steps, and of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Steps read.
    pub steps: usize,
    /// Steps with an error, without a goal, or with `sorry`.
    pub unusable: usize,
    /// Steps whose goal and tactic stood on the same side before.
    pub repeated: usize,
    /// Steps at a place that has given [`MOST_PER_PLACE`].
    pub crowded: usize,
    /// Training steps whose state is a held-out one or nearly so.
    pub near_held_out: usize,
    /// Steps that were made up of a held-out file or declaration: nobody is measured by them.
    pub made_up_of_held_out: usize,
    /// Files.
    pub files: usize,
    /// Files held out.
    pub held_out_files: usize,
}

/// Whether a file is held out. `/` between the parts of its path; one in [`ONE_IN`] files is.
pub fn is_held_out(file: &str) -> bool {
    let digest = Sha256::digest(format!("{SEED}:{file}"));
    let n = u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
    n % ONE_IN == 0
}

/// Splits steps by file. `usable` says which can be learnt from.
pub fn split_by_file(steps: Vec<ProofStep>, usable: impl Fn(&ProofStep) -> bool) -> Split {
    let files: BTreeSet<&str> = steps.iter().map(|s| s.file.as_str()).collect();
    let mut split = Split::default();
    split.counts.steps = steps.len();
    split.counts.files = files.len();
    split.counts.held_out_files = files.iter().filter(|f| is_held_out(f)).count();
    let (mut held_out, mut train): (Vec<ProofStep>, Vec<ProofStep>) =
        steps.into_iter().partition(|s| is_held_out(&s.file));
    // Of the same step made up and written, the written one stays.
    train.sort_by_key(|s| s.origin != Origin::Written);
    let before = held_out.len();
    held_out.retain(|s| s.origin == Origin::Written);
    split.counts.made_up_of_held_out = before - held_out.len();
    split.list = HashedList {
        declarations: held_out.iter().filter(|s| is_named(&s.decl)).map(|s| hashed(&s.decl)).collect(),
        statements: statements(&held_out).into_values().map(|g| statement_hash(g)[..16].to_owned()).collect(),
    };

    let counts = &mut split.counts;
    let mut distinct = |steps: Vec<ProofStep>| -> Vec<ProofStep> {
        let mut seen = HashSet::new();
        // What was made up at a place is not what stands there: each declaration, variants too, counts by itself.
        let mut places: HashMap<(String, String, StepRange), usize> = HashMap::new();
        let mut kept = Vec::with_capacity(steps.len());
        for step in steps {
            match step.state_before.first().filter(|_| usable(&step)) {
                None => counts.unusable += 1,
                Some(goal) if !seen.insert((goal.normal_form(), step.tactic.trim().to_owned())) => {
                    counts.repeated += 1;
                }
                Some(_) => {
                    let place = (step.file.clone(), step.decl.clone(), step.range);
                    let here = places.entry(place).or_default();
                    *here += usize::from(step.origin == Origin::Written);
                    if *here <= MOST_PER_PLACE { kept.push(step) } else { counts.crowded += 1 }
                }
            }
        }
        kept
    };
    let train = distinct(train);
    split.held_out = distinct(held_out);
    let index = NearIndex::new(split.held_out.iter().filter_map(|s| s.state_before.first()));
    let before = train.len();
    // Many steps share a state; each is looked up once.
    let mut known: HashMap<String, bool> = HashMap::new();
    split.train = train
        .into_iter()
        .filter(|s| {
            let goal = &s.state_before[0];
            !*known.entry(goal.normal_form()).or_insert_with(|| index.has_near(goal))
        })
        .collect();
    // A declaration of a held-out name would be refused by the trainer, wherever it stands.
    split.train.retain(|s| !split.list.declarations.contains(&hashed(s.written_decl())));
    split.counts.near_held_out = before - split.train.len();
    split
}

/// Lean gives `example`s no name.
fn is_named(decl: &str) -> bool {
    decl != "[anonymous]" && !decl.ends_with("._example") && decl != "_example"
}

/// Finds out whether a state is nearly one of a set.
#[derive(Debug)]
pub struct NearIndex {
    /// Trigrams of each state, rarest first.
    states: Vec<Vec<u64>>,
    /// States by each of their rarest trigrams.
    by_trigram: HashMap<u64, Vec<u32>>,
    /// How many states have a trigram.
    frequency: HashMap<u64, u32>,
}

impl NearIndex {
    /// An index of these states.
    pub fn new<'g>(goals: impl IntoIterator<Item = &'g Goal>) -> NearIndex {
        let distinct: BTreeMap<String, &Goal> = goals.into_iter().map(|g| (g.normal_form(), g)).collect();
        let mut states: Vec<Vec<u64>> =
            distinct.into_values().map(|g| Statement::new(g).trigram_hashes()).collect();
        let mut frequency: HashMap<u64, u32> = HashMap::new();
        for t in states.iter().flatten() {
            *frequency.entry(*t).or_default() += 1;
        }
        let mut by_trigram: HashMap<u64, Vec<u32>> = HashMap::new();
        for (i, state) in states.iter_mut().enumerate() {
            state.sort_by_key(|t| (frequency[t], *t));
            for t in &state[..rarest(state.len())] {
                by_trigram.entry(*t).or_default().push(i as u32);
            }
        }
        NearIndex { states, by_trigram, frequency }
    }

    /// Whether a state shares [`NEAR`] of its trigrams with one of the set.
    pub fn has_near(&self, goal: &Goal) -> bool {
        let mut state = Statement::new(goal).trigram_hashes();
        state.sort_by_key(|t| (self.frequency.get(t).copied().unwrap_or(0), *t));
        let own: HashSet<u64> = state.iter().copied().collect();
        let mut compared = HashSet::new();
        state[..rarest(state.len())].iter().filter_map(|t| self.by_trigram.get(t)).flatten().any(|i| {
            let other = &self.states[*i as usize];
            let (a, b) = (own.len() as f64, other.len() as f64);
            compared.insert(*i) && a >= NEAR * b && b >= NEAR * a && {
                let common = other.iter().filter(|t| own.contains(t)).count() as f64;
                common / (a + b - common) >= NEAR
            }
        })
    }
}

/// How many of a state's rarest trigrams must be looked up, that no near one is missed.
fn rarest(n: usize) -> usize {
    (n - (NEAR * n as f64).ceil() as usize + 1).min(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(file: &str, decl: &str, goal: &str, tactic: &str) -> ProofStep {
        // A place of its own for each declaration.
        let range = StepRange { start: (decl.bytes().map(u32::from).sum(), 1), end: (9999, 1) };
        ProofStep { file: file.into(), range, ..ProofStep::sample(decl, goal, tactic) }
    }

    fn a_file(held_out: bool) -> String {
        (0..).map(|i| format!("project/File{i}.lean")).find(|f| is_held_out(f) == held_out).unwrap()
    }

    #[test]
    fn about_one_file_in_eleven_is_held_out() {
        let n = (0..1100).filter(|i| is_held_out(&format!("p/{i}.lean"))).count();
        assert!((70..130).contains(&n), "{n}");
    }

    #[test]
    fn what_is_held_out_is_not_trained_on_under_other_names_or_nearly_so() {
        let (train, held) = (a_file(false), a_file(true));
        let long = "xs ys zs : List Nat\nh : xs ++ ys = zs\nh2 : ys ++ zs ++ ys = zs ++ xs\n⊢ (xs ++ ys).length + zs.length = 2 * (zs.length + 0)";
        let renamed = "as bs cs : List Nat\nk : as ++ bs = cs\nk2 : bs ++ cs ++ bs = cs ++ as\n⊢ (as ++ bs).length + cs.length = 2 * (cs.length + 0)";
        let nearly = renamed.replace("+ 0)", "+ 1)");
        let steps = vec![
            step(&held, "H.a", long, "simp"),
            step(&held, "[anonymous]", "n : Nat\n⊢ n + 0 = n", "rfl"),
            step(&train, "T.a", renamed, "omega"),
            step(&train, "T.b", &nearly, "omega"),
            step(&train, "T.c", "p q : Prop\nh : p ∧ q\n⊢ q", "exact h.2"),
            step(&train, "T.d", "p q : Prop\nh : p ∧ q\n⊢ q", "exact h.2"),
            step(&train, "[anonymous]", "p q : Prop\nh : p ∨ q\n⊢ q ∨ p", "exact h.symm"),
            step(&train, "H.a", "⊢ 1 < 2", "decide"),
        ];
        let split = split_by_file(steps, |_| true);
        let left: Vec<&str> = split.train.iter().map(|s| s.decl.as_str()).collect();
        assert_eq!(left, ["T.c", "[anonymous]"]);
        assert_eq!((split.held_out.len(), split.counts.repeated, split.counts.near_held_out), (2, 1, 3));
        assert_eq!(
            (split.list.declarations.len(), split.list.statements.len()),
            (1, 2),
            "an example has no name"
        );
    }

    #[test]
    fn what_was_made_up_obeys_the_same_rules_and_is_not_measured_by() {
        let (train, held) = (a_file(false), a_file(true));
        let made_up = |file: &str, decl: &str, goal: &str, origin| {
            let mut s = step(file, decl, goal, "simp");
            s.origin = origin;
            s
        };
        let state = "xs ys zs : List Nat\nh : xs ++ ys = zs\nh2 : ys ++ zs ++ ys = zs ++ xs\n⊢ (xs ++ ys).length + zs.length = 2 * (zs.length + 0)";
        let near = state.replace("+ 0)", "+ 1)").replace("xs", "as");
        let steps = vec![
            step(&held, "H.a", state, "omega"),
            made_up(&held, "H.a", state, Origin::Search),
            made_up(&held, "H.a~swapped1", "⊢ 2 = 1 + 1", Origin::Variant),
            made_up(&train, "T.a~swapped1", &near, Origin::Variant),
            made_up(&train, "T.a", state, Origin::Search),
            made_up(&train, "H.a~dropped1", "⊢ 3 = 2 + 1", Origin::Variant),
            made_up(&train, "T.a~dropped1", "⊢ 4 = 2 + 2", Origin::Variant),
        ];
        let split = split_by_file(steps, |_| true);
        assert_eq!(split.held_out.iter().map(|s| s.tactic.as_str()).collect::<Vec<_>>(), ["omega"]);
        assert_eq!(split.train.iter().map(|s| s.decl.as_str()).collect::<Vec<_>>(), ["T.a~dropped1"]);
        assert_eq!((split.counts.made_up_of_held_out, split.counts.near_held_out), (2, 3));
    }

    #[test]
    fn the_index_finds_what_comparing_all_pairs_finds() {
        // Goals that differ from each other in one place of many, by a fixed rule.
        let goals: Vec<Goal> = (0..60u32)
            .map(|i| {
                let part = |j: u32| match i % 4 {
                    3 => format!("h{i}_{} x", j % 5),
                    _ if j == i % 12 => format!("f{j} x"),
                    _ => format!("g{j} x"),
                };
                let sum: Vec<String> = (0..24 + i % 3).map(part).collect();
                Goal::parse(&format!("x : Nat\n⊢ {} = 0", sum.join(" + ")))
            })
            .collect();
        let (held, rest) = goals.split_at(20);
        let index = NearIndex::new(held);
        let mut near = 0;
        for goal in rest {
            let statement = Statement::new(goal);
            let by_pairs = held.iter().any(|h| statement.similarity(&Statement::new(h)) >= NEAR);
            assert_eq!(index.has_near(goal), by_pairs, "{goal:?}");
            near += usize::from(by_pairs);
        }
        assert!(near > 3 && near < 40, "{near}: the goals show both");
    }
}
