//! Sources of tactics beside the policy, and the order in which candidates are tried.

use std::collections::HashMap;

use crate::proof::{Candidate, Goal, Source, tactic};

pub mod lookahead;
pub mod neighbours;
pub mod portfolio;

pub use lookahead::{Effort, lookahead};
pub use neighbours::Neighbours;
pub use portfolio::portfolio;

/// Makes one list of several: equal tactics become one candidate that keeps all its sources and takes
/// its name from the one that ranked it best. The lists are best first; the result is in the order in
/// which candidates should be tried, so that a first verified one comes early.
pub fn merge(lists: Vec<Vec<Candidate>>) -> Vec<Candidate> {
    let mut best: HashMap<String, usize> = HashMap::new();
    let mut out: Vec<(usize, Candidate)> = Vec::new();
    for list in lists {
        for (rank, candidate) in list.into_iter().enumerate() {
            let key = tactic::normalise(&candidate.tactic);
            match best.get(&key) {
                Some(&at) => absorb(&mut out[at], rank, candidate),
                None => {
                    best.insert(key, out.len());
                    out.push((rank, candidate));
                }
            }
        }
    }
    // Each source's best before any source's second best; the sort is stable.
    out.sort_by_key(|(rank, _)| *rank);
    out.into_iter().map(|(_, c)| c).collect()
}

fn absorb(known: &mut (usize, Candidate), rank: usize, new: Candidate) {
    if rank < known.0 {
        known.0 = rank;
        known.1.source = new.source;
    }
    known.1.log_prob = known.1.log_prob.or(new.log_prob);
    for source in new.sources {
        if !known.1.sources.contains(&source) {
            known.1.sources.push(source);
        }
    }
    known.1.sources.sort_unstable();
}

/// How promising a candidate is before Lean has seen it: its probability by the policy, or a constant
/// of its source, less for what its source puts behind others.
pub fn prior(candidate: &Candidate) -> f64 {
    let of_source = match candidate.source {
        Source::Lean => -1.0,
        Source::Scope => -1.5,
        Source::Neighbours => -2.0,
        Source::Portfolio => -3.0,
        Source::Policy => -4.0,
    };
    candidate.log_prob.unwrap_or(of_source - 0.1 * f64::from(candidate.place))
}

/// Whether a goal is one that a tactic of the portfolio can be ruled out for by its text alone.
pub(crate) fn mentions(goal: &Goal, words: &[&str]) -> bool {
    words.iter().any(|w| goal.text.contains(w))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn c(tactic: &str, source: Source, log_prob: Option<f64>) -> Candidate {
        Candidate::new(tactic, source, log_prob)
    }

    #[test]
    fn equal_tactics_become_one_with_all_sources() {
        let policy =
            vec![c("intro h", Source::Policy, Some(-0.5)), c("simp [a,b]", Source::Policy, Some(-1.0))];
        let other = vec![c("simp  [a, b]", Source::Portfolio, None), c("rfl", Source::Portfolio, None)];
        let merged = merge(vec![policy, other]);
        let shown: Vec<_> = merged.iter().map(|c| (c.tactic.as_str(), c.source, c.sources.len())).collect();
        assert_eq!(
            shown,
            [
                ("intro h", Source::Policy, 1),
                ("simp [a,b]", Source::Portfolio, 2),
                ("rfl", Source::Portfolio, 1)
            ]
        );
        assert_eq!(merged[1].log_prob, Some(-1.0));
        assert_eq!(merged[1].sources, [Source::Policy, Source::Portfolio]);
    }
}
