//! Which tokens come next: beam search and sampling over rows of logits. Pure; knows no model.
//!
//! A [`Search`] holds the unfinished sequences. The caller computes a row of logits for each (for the prompt
//! alone at first), and [`Search::advance`] says which rows go on: each new row with the row that it grew from.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How sequences are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// The K likeliest sequences that a beam of width K finds; deterministic.
    Beam,
    /// K sequences drawn from the model.
    Sample {
        /// The same seed draws the same sequences.
        seed: u64,
        /// Divides the logits before drawing; the log-probability stays the model's own. Positive.
        temperature: f32,
    },
}

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GenerationParams {
    /// Number of sequences wanted; at least 1.
    pub k: usize,
    /// Longest sequence, its end mark included.
    pub max_tokens: usize,
    /// How they are chosen.
    pub method: Method,
}

/// A sequence of tokens without its end mark.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// Sum of the natural logarithms of the tokens' probabilities; the end mark's included when finished.
    pub log_prob: f64,
}

/// The sequences in the making.
#[derive(Debug)]
pub struct Search {
    k: usize,
    max_tokens: usize,
    end: u32,
    /// Tokens that never come next, in ascending order; ids from `vocabulary` on are none either.
    banned: Vec<u32>,
    vocabulary: usize,
    /// One generator a row; none for the beam.
    draw: Option<(f32, Vec<ChaCha8Rng>)>,
    active: Vec<Sequence>,
    finished: Vec<Sequence>,
}

impl Search {
    /// A search from the prompt on. `end` finishes a sequence, but no empty one; `banned` tokens and ids from `vocabulary` on
    /// are never chosen (their probability is not given to others).
    pub fn new(params: &GenerationParams, end: u32, banned: &[u32], vocabulary: usize) -> Search {
        let draw = match params.method {
            Method::Beam => None,
            Method::Sample { seed, temperature } => {
                let row = |i: u64| {
                    let mut rng = ChaCha8Rng::seed_from_u64(seed);
                    rng.set_stream(i);
                    rng
                };
                Some((temperature.max(1e-4), (0..params.k.max(1) as u64).map(row).collect()))
            }
        };
        let mut banned = banned.to_vec();
        banned.sort_unstable();
        Search {
            k: params.k.max(1),
            max_tokens: params.max_tokens,
            end,
            banned,
            vocabulary,
            draw,
            active: vec![Sequence { tokens: Vec::new(), log_prob: 0.0 }],
            finished: Vec::new(),
        }
    }

    /// The last token of every row, in order.
    pub fn last_tokens(&self) -> impl Iterator<Item = u32> + '_ {
        self.active.iter().filter_map(|s| s.tokens.last().copied())
    }

    /// Takes one row of logits for each active sequence (before the first token: the prompt's only row) and
    /// returns, for each row that goes on, the row it grew from. Empty when all is done.
    pub fn advance(&mut self, rows: &[&[f32]]) -> Vec<usize> {
        debug_assert_eq!(rows.len(), self.active.len());
        let log_probs: Vec<Vec<f32>> = rows.iter().map(|row| log_softmax(row)).collect();
        // Only the end mark fits into the last place.
        let length = self.active.first().map_or(0, |s| s.tokens.len());
        let last_place = length + 1 >= self.max_tokens;
        if self.draw.is_some() {
            self.advance_drawing(&log_probs, last_place)
        } else {
            self.advance_beam(&log_probs, last_place)
        }
    }

    /// The finished sequences, likeliest first.
    pub fn into_finished(mut self) -> Vec<Sequence> {
        sort(&mut self.finished);
        self.finished
    }

    fn allowed(&self, token: usize) -> bool {
        token < self.vocabulary && self.banned.binary_search(&(token as u32)).is_err()
    }

    fn advance_beam(&mut self, log_probs: &[Vec<f32>], last_place: bool) -> Vec<usize> {
        for (sequence, row) in self.active.iter().zip(log_probs) {
            if let Some(p) = row.get(self.end as usize).filter(|_| !sequence.tokens.is_empty()) {
                let log_prob = sequence.log_prob + f64::from(*p);
                self.finished.push(Sequence { tokens: sequence.tokens.clone(), log_prob });
            }
        }
        sort(&mut self.finished);
        self.finished.truncate(self.k);
        if last_place {
            self.active.clear();
            return Vec::new();
        }
        // A sequence only loses probability as it grows: what is below the worst of K finished ones is lost.
        let full = self.finished.len() == self.k;
        let floor = if full { self.finished[self.k - 1].log_prob } else { f64::NEG_INFINITY };
        let mut grown: Vec<(f64, usize, u32)> = Vec::new();
        for (parent, (sequence, row)) in self.active.iter().zip(log_probs).enumerate() {
            for (token, p) in row.iter().enumerate() {
                let log_prob = sequence.log_prob + f64::from(*p);
                if log_prob > floor && token != self.end as usize && self.allowed(token) {
                    grown.push((log_prob, parent, token as u32));
                }
            }
        }
        let order = |a: &(f64, usize, u32), b: &(f64, usize, u32)| {
            b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2))
        };
        if grown.len() > self.k {
            grown.select_nth_unstable_by(self.k - 1, order);
            grown.truncate(self.k);
        }
        grown.sort_unstable_by(order);
        self.active = grown
            .iter()
            .map(|(log_prob, parent, token)| {
                let mut tokens = self.active[*parent].tokens.clone();
                tokens.push(*token);
                Sequence { tokens, log_prob: *log_prob }
            })
            .collect();
        grown.into_iter().map(|(_, parent, _)| parent).collect()
    }

    fn advance_drawing(&mut self, log_probs: &[Vec<f32>], last_place: bool) -> Vec<usize> {
        let Some((temperature, mut generators)) = self.draw.take() else { return Vec::new() };
        let begins = self.active.len() == 1 && self.active[0].tokens.is_empty();
        let (mut active, mut parents, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (i, mut rng) in generators.drain(..).enumerate() {
            // The prompt's row is everybody's first.
            let parent = if begins { 0 } else { i };
            let row = &log_probs[parent];
            let allowed = |token| self.allowed(token) && !(begins && token == self.end as usize);
            let drawn = draw(row, temperature, &mut rng, allowed);
            let Some(token) = drawn else { continue };
            let mut sequence = self.active[parent].clone();
            sequence.log_prob += f64::from(row[token]);
            if token == self.end as usize {
                self.finished.push(sequence);
            } else if !last_place {
                sequence.tokens.push(token as u32);
                active.push(sequence);
                parents.push(parent);
                kept.push(rng);
            }
        }
        self.active = active;
        self.draw = Some((temperature, kept));
        parents
    }
}

/// Natural logarithms of the probabilities that a row of logits stands for.
pub fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|x| f64::from(x - max).exp()).sum();
    let log_sum = f64::from(max) + sum.ln();
    logits.iter().map(|x| (f64::from(*x) - log_sum) as f32).collect()
}

/// Draws a token from `p^(1/temperature)`, normalised over the allowed ones; none if there are none.
fn draw(
    log_probs: &[f32],
    temperature: f32,
    rng: &mut impl Rng,
    allowed: impl Fn(usize) -> bool,
) -> Option<usize> {
    let max = log_probs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |token: usize| {
        if allowed(token) { f64::from((log_probs[token] - max) / temperature).exp() } else { 0.0 }
    };
    let total: f64 = (0..log_probs.len()).map(weight).sum();
    let mut left = rng.random::<f64>() * total;
    let mut last = None;
    for token in 0..log_probs.len() {
        let w = weight(token);
        if w > 0.0 {
            last = Some(token);
            left -= w;
            if left < 0.0 {
                break;
            }
        }
    }
    last
}

fn sort(sequences: &mut [Sequence]) {
    sequences.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob).then_with(|| a.tokens.cmp(&b.tokens)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four tokens, 0 the end: after `1` the end is likely, after `2` it is not, `3` is never allowed.
    fn logits_after(tokens: &[u32]) -> Vec<f32> {
        let p: [f32; 4] = match tokens.last() {
            None => [0.1, 0.5, 0.3, 0.1],
            Some(1) => [0.7, 0.1, 0.1, 0.1],
            _ => [0.2, 0.3, 0.4, 0.1],
        };
        p.iter().map(|x| x.ln() + 3.0).collect()
    }

    fn run(params: GenerationParams) -> Vec<Sequence> {
        let mut search = Search::new(&params, 0, &[3], 4);
        loop {
            let rows: Vec<Vec<f32>> = search.active.iter().map(|s| logits_after(&s.tokens)).collect();
            let before = search.active.clone();
            let parents = search.advance(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
            if parents.is_empty() {
                return search.into_finished();
            }
            for (row, parent) in search.active.iter().zip(parents) {
                assert_eq!(row.tokens[..row.tokens.len() - 1], before[parent].tokens);
            }
        }
    }

    fn log_prob(tokens: &[u32]) -> f64 {
        let all: Vec<u32> = tokens.iter().copied().chain([0]).collect();
        let step = |i: usize| f64::from(log_softmax(&logits_after(&all[..i]))[all[i] as usize]);
        (0..all.len()).map(step).sum()
    }

    /// Every sequence of one or two tokens, likeliest first.
    fn exhaustive() -> Vec<Sequence> {
        let all: [&[u32]; 6] = [&[1], &[2], &[1, 1], &[1, 2], &[2, 1], &[2, 2]];
        let mut all = all.map(|t| Sequence { tokens: t.to_vec(), log_prob: log_prob(t) }).to_vec();
        sort(&mut all);
        all
    }

    #[test]
    fn a_wide_beam_finds_the_likeliest_sequences() {
        let found = run(GenerationParams { k: 4, max_tokens: 3, method: Method::Beam });
        assert_eq!(found.len(), 4);
        for (a, b) in found.iter().zip(exhaustive()) {
            assert_eq!(a.tokens, b.tokens);
            assert!((a.log_prob - b.log_prob).abs() < 1e-6);
        }
    }

    #[test]
    fn a_narrow_beam_is_greedy_and_stops_early() {
        let found = run(GenerationParams { k: 1, max_tokens: 50, method: Method::Beam });
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].tokens, [1]);
    }

    #[test]
    fn what_does_not_end_in_time_is_dropped() {
        let found = run(GenerationParams { k: 8, max_tokens: 1, method: Method::Beam });
        assert_eq!(found, [], "an empty sequence is none");
        let seeds =
            GenerationParams { k: 64, max_tokens: 3, method: Method::Sample { seed: 1, temperature: 1.0 } };
        let found = run(seeds);
        assert!(!found.is_empty() && found.len() < 64);
        assert!(found.iter().all(|s| s.tokens.len() <= 2));
    }

    #[test]
    fn a_seed_draws_the_same_again_and_frequencies_follow_the_model() {
        let sample = |seed, temperature| {
            run(GenerationParams { k: 4000, max_tokens: 2, method: Method::Sample { seed, temperature } })
        };
        assert_eq!(sample(7, 1.0), sample(7, 1.0));
        assert_ne!(sample(7, 1.0), sample(8, 1.0));
        let ones = |found: &[Sequence]| found.iter().filter(|s| s.tokens == [1]).count();
        // Of what is allowed: 5/8 begin with 1, and 7/9 then end.
        let n = ones(&sample(7, 1.0));
        assert!((1820..2070).contains(&n), "{n}");
        // Squared: 25/34 and 49/51.
        let n = ones(&sample(7, 0.5));
        assert!((2710..2940).contains(&n), "{n}");
        let one = sample(7, 1.0).into_iter().find(|s| s.tokens == [1]).unwrap();
        assert!(
            (one.log_prob - log_prob(&[1])).abs() < 1e-6,
            "the temperature is not in the log-probability"
        );
    }
}
