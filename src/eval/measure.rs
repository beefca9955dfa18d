//! Runs the candidates of several sources at the steps of files and scores them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::Result;

use super::score::{StepScore, score_step};
use crate::proof::ProofStep;
use crate::trace::TraceOptions;
use crate::trace::attempt::{Attempt, try_tactics};

/// A source and what it proposes at each step, in the order of the steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposed {
    /// The source's name.
    pub name: String,
    /// Its candidates, step by step.
    pub candidates: Vec<Vec<String>>,
}

/// The scores of each source at each step, in the order of the steps; `None` where Lean gave no answer.
pub type Measured = BTreeMap<String, Vec<Option<StepScore>>>;

/// Runs every source's candidates at every step, each tactic once a step. `max_heartbeats` bounds each
/// tactic; `progress` is told the number of steps of each file that is done.
pub fn measure(
    steps: &[ProofStep],
    sources: &[Proposed],
    max_heartbeats: u64,
    options: &TraceOptions,
    progress: impl Fn(usize),
) -> Result<Measured> {
    let mut measured: Measured = sources.iter().map(|s| (s.name.clone(), vec![None; steps.len()])).collect();
    let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, step) in steps.iter().enumerate() {
        by_file.entry(&step.file).or_default().push(i);
    }
    for (file, indices) in by_file {
        let attempts: Vec<Attempt> = indices
            .iter()
            .map(|i| {
                let mut tactics: Vec<String> = Vec::new();
                for t in sources.iter().flat_map(|s| &s.candidates[*i]) {
                    if !tactics.contains(t) {
                        tactics.push(t.clone());
                    }
                }
                Attempt { range: steps[*i].range, tactics }
            })
            .collect();
        let answers = try_tactics(Path::new(file), &attempts, max_heartbeats, options)?;
        for ((i, attempt), answers) in indices.iter().zip(&attempts).zip(answers) {
            let Some(answers) = answers else { continue };
            let of: HashMap<&String, _> = attempt.tactics.iter().zip(&answers).collect();
            for source in sources {
                let candidates = &source.candidates[*i];
                let theirs: Vec<_> = candidates.iter().map(|t| of[t].clone()).collect();
                let slots = measured.get_mut(&source.name).expect("every source has its row");
                slots[*i] = Some(score_step(&steps[*i], candidates, &theirs));
            }
        }
        progress(indices.len());
    }
    Ok(measured)
}
