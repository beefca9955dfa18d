//! The order in which a run sees its data: a pure function of the seed and the place, so that a resumed
//! run goes on exactly.

use anyhow::{Result, bail};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::augment::augment;
use super::batch::{Sequence, encode, plan, table};
use super::dataset::Step;
use super::learn::{Knobs, Shard};
use super::objective::Objective;
use crate::policy::prompt::Limits;
use crate::policy::tokenizer::Tokenizer;

/// What a run learns from and is measured by.
pub struct Data {
    /// Goals and tactics, renamed anew in every pass.
    pub steps: Vec<Step>,
    /// Judged completions, for KTO.
    pub judged: Vec<Judged>,
    /// Sequences for evaluation, never trained on.
    pub held_out: Vec<Sequence>,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// Longest prompt and tactic.
    pub limits: Limits,
    /// Filler of tables.
    pub pad: u32,
}

/// A judged completion with what KTO needs to know about it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Goal and tactic.
    pub sequence: Sequence,
    /// The goal with another row's tactic.
    pub mismatched: Sequence,
    /// Wanted or not.
    pub label: bool,
    /// Log-probability of the tactic under the base bundle.
    pub reference: f32,
    /// Log-probability of the other tactic under the base bundle.
    pub mismatched_reference: f32,
}

/// A place in the data.
#[derive(Default)]
pub struct Stream {
    /// Passes over the data that are finished.
    pub epoch: u64,
    /// Steps of the present pass that are finished.
    pub index: usize,
    plan: Option<Vec<Vec<Vec<usize>>>>,
    sequences: Vec<Option<Sequence>>,
}

/// Judged rows of one step.
const JUDGED_ROWS: usize = 16;

impl Stream {
    /// The stream at a saved place.
    pub fn at(epoch: u64, index: usize) -> Stream {
        Stream { epoch, index, ..Stream::default() }
    }

    /// Passes done, the present one in part.
    pub fn epochs_done(&self, _data: &Data) -> f64 {
        let length = self.plan.as_ref().map_or(0, Vec::len);
        self.epoch as f64 + if length == 0 { 0.0 } else { self.index as f64 / length as f64 }
    }

    /// The shards of the next step.
    pub fn next_step(&mut self, data: &Data, knobs: &Knobs) -> Result<Vec<Shard>> {
        if self.plan.is_none() {
            self.begin_pass(data, knobs)?;
        }
        let plan = self.plan.as_ref().expect("just begun");
        let shards = match knobs.objective {
            Objective::Sft => self.supervised(&plan[self.index], data, knobs, 1.0),
            Objective::Kto => {
                let mut shards = vec![judged(&plan[self.index][0], data)];
                if let Some(rehearsed) = plan[self.index].get(1..).filter(|r| !r.is_empty()) {
                    shards.extend(self.supervised(rehearsed, data, knobs, knobs.rehearsal));
                }
                shards
            }
        };
        self.index += 1;
        if self.index >= plan.len() {
            (self.epoch, self.index, self.plan) = (self.epoch + 1, 0, None);
        }
        Ok(shards)
    }

    /// Renames, encodes and groups everything for a pass.
    fn begin_pass(&mut self, data: &Data, knobs: &Knobs) -> Result<()> {
        let mut rng;
        (self.sequences, rng) = pass(&data.steps, &data.tokenizer, data.limits, knobs, self.epoch);
        let present: Vec<usize> = (0..data.steps.len()).filter(|&i| self.sequences[i].is_some()).collect();
        let lengths: Vec<usize> =
            present.iter().map(|&i| self.sequences[i].as_ref().map_or(0, |s| s.tokens.len())).collect();
        let budget = knobs.batch_tokens / knobs.shards.max(1);
        let groups: Vec<Vec<usize>> = plan(&lengths, budget, &mut rng)
            .into_iter()
            .map(|g| g.into_iter().map(|i| present[i]).collect())
            .collect();
        let mut steps: Vec<Vec<Vec<usize>>> = match knobs.objective {
            // Neighbours have like lengths, so the shards of a step finish together.
            Objective::Sft => groups.chunks(knobs.shards.max(1)).map(<[_]>::to_vec).collect(),
            Objective::Kto => {
                let mut rows: Vec<usize> = (0..data.judged.len()).collect();
                rows.shuffle(&mut rng);
                let mut groups = groups;
                groups.shuffle(&mut rng);
                let mut rehearsed = groups.into_iter();
                rows.chunks(JUDGED_ROWS)
                    .map(|r| std::iter::once(r.to_vec()).chain(rehearsed.next()).collect())
                    .collect()
            }
        };
        steps.shuffle(&mut rng);
        if steps.is_empty() {
            bail!("there is nothing to learn from");
        }
        self.index = self.index.min(steps.len() - 1);
        self.plan = Some(steps);
        Ok(())
    }

    /// Supervised shards whose completion weights sum to `scale` over all of them.
    fn supervised(&self, groups: &[Vec<usize>], data: &Data, knobs: &Knobs, scale: f64) -> Vec<Shard> {
        let tables: Vec<_> = groups
            .iter()
            .map(|g| {
                let rows: Vec<&Sequence> = g.iter().filter_map(|&i| self.sequences[i].as_ref()).collect();
                table(&rows, data.pad, knobs.prompt_weight > 0.0)
            })
            .collect();
        let count = |kind: bool| tables.iter().flat_map(|t| &t.completion).filter(|c| **c == kind).count();
        let completion = (scale / count(true).max(1) as f64) as f32;
        let prompt = (scale * knobs.prompt_weight / count(false).max(1) as f64) as f32;
        tables
            .into_iter()
            .map(|table| {
                let weights = table.completion.iter().map(|&c| if c { completion } else { prompt }).collect();
                Shard::Supervised { table, weights }
            })
            .collect()
    }
}

/// The examples of a pass, renamed anew: a pure function of the seed and the pass. None where the tactic is
/// too long. The generator goes on to decide the order.
pub fn pass(
    steps: &[Step],
    tokenizer: &Tokenizer,
    limits: Limits,
    knobs: &Knobs,
    epoch: u64,
) -> (Vec<Option<Sequence>>, ChaCha8Rng) {
    let mut rng = ChaCha8Rng::seed_from_u64(knobs.seed.wrapping_mul(0x9E37_79B9).wrapping_add(epoch));
    let sequences = steps.iter().map(|s| {
        let (goal, tactic) = augment(&s.goal, &s.tactic, knobs.rename, &mut rng);
        encode(tokenizer, &goal, &tactic, limits)
    });
    (sequences.collect(), rng)
}

/// The KTO shard of some judged rows.
fn judged(rows: &[usize], data: &Data) -> Shard {
    let of = |pick: fn(&Judged) -> &Sequence| -> Vec<&Sequence> {
        rows.iter().map(|&i| pick(&data.judged[i])).collect()
    };
    Shard::Kto {
        judged: table(&of(|j| &j.sequence), data.pad, false),
        mismatched: table(&of(|j| &j.mismatched), data.pad, false),
        labels: rows.iter().map(|&i| if data.judged[i].label { 1.0 } else { -1.0 }).collect(),
        reference: rows.iter().map(|&i| data.judged[i].reference).collect(),
        mismatched_reference: rows.iter().map(|&i| data.judged[i].mismatched_reference).collect(),
    }
}
