//! Examples → tables of tokens: rows of like length together, so that little is padding.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use super::model::TokenBatch;
use crate::policy::prompt::{self, Limits};
use crate::policy::tokenizer::Tokenizer;
use crate::proof::Goal;

/// An example as tokens: `<s> goal <tac>` and, from `prompt` on, `tactic </s>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// All tokens.
    pub tokens: Vec<u32>,
    /// Number of those that belong to the prompt.
    pub prompt: usize,
}

/// Encodes a goal and a tactic; none where the tactic is longer than the limit, since what is cut off
/// would teach a wrong tactic.
pub fn encode(tokenizer: &Tokenizer, goal: &Goal, tactic: &str, limits: Limits) -> Option<Sequence> {
    let completion = prompt::encode_tactic(tokenizer, tactic);
    if completion.len() > limits.tactic_tokens || completion.len() < 2 {
        return None;
    }
    let mut tokens = prompt::encode(tokenizer, goal, limits);
    let prompt = tokens.len();
    tokens.extend(completion);
    Some(Sequence { tokens, prompt })
}

/// Groups of indices for one pass over examples of the given lengths: each group fills at most `budget`
/// tokens, padding included. Lengths are blurred by `rng`, so that groups differ from pass to pass.
pub fn plan(lengths: &[usize], budget: usize, rng: &mut impl Rng) -> Vec<Vec<usize>> {
    let mut order: Vec<(usize, usize)> =
        lengths.iter().enumerate().map(|(i, &n)| (n + rng.random_range(0..=n / 8 + 2), i)).collect();
    order.shuffle(rng);
    order.sort_by_key(|(blurred, _)| *blurred);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let (mut group, mut widest) = (Vec::new(), 0);
    for (_, i) in order {
        let width = widest.max(lengths[i]);
        if !group.is_empty() && width * (group.len() + 1) > budget {
            groups.push(std::mem::take(&mut group));
            widest = 0;
        }
        widest = widest.max(lengths[i]);
        group.push(i);
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups
}

/// A padded table, and for each place that predicts: its row and whether its target is in the completion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Tokens, places and targets.
    pub batch: TokenBatch,
    /// Row of each place.
    pub rows: Vec<usize>,
    /// Whether the place's target belongs to the completion.
    pub completion: Vec<bool>,
}

/// Puts sequences in a table. Places of the prompt are listed only `with_prompt`.
pub fn table(sequences: &[&Sequence], pad: u32, with_prompt: bool) -> Table {
    let width = sequences.iter().map(|s| s.tokens.len()).max().unwrap_or(0);
    let mut t = Table {
        batch: TokenBatch { rows: sequences.len(), width, ..TokenBatch::default() },
        ..Table::default()
    };
    for (row, s) in sequences.iter().enumerate() {
        t.batch.tokens.extend(&s.tokens);
        t.batch.tokens.resize((row + 1) * width, pad);
        let first = if with_prompt { 1 } else { s.prompt };
        for (i, &target) in s.tokens.iter().enumerate().skip(first) {
            t.batch.places.push((row * width + i - 1) as u32);
            t.batch.targets.push(target);
            t.rows.push(row);
            t.completion.push(i >= s.prompt);
        }
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_pass_takes_every_example_once_with_little_padding() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let lengths: Vec<usize> = (0..1000).map(|i| 20 + (i * 37) % 150).collect();
        let groups = plan(&lengths, 2048, &mut rng);
        let mut all: Vec<usize> = groups.concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
        let padded: usize =
            groups.iter().map(|g| g.len() * g.iter().map(|&i| lengths[i]).max().unwrap()).sum();
        assert!(groups.iter().all(|g| g.len() * g.iter().map(|&i| lengths[i]).max().unwrap() <= 2048));
        assert!((padded as f64) < 1.15 * lengths.iter().sum::<usize>() as f64, "{padded}");
    }

    #[test]
    fn places_predict_their_successors() {
        let a = Sequence { tokens: vec![1, 7, 3, 9, 2], prompt: 3 };
        let b = Sequence { tokens: vec![1, 3, 8, 2], prompt: 2 };
        let t = table(&[&a, &b], 0, false);
        assert_eq!(t.batch.tokens, [1, 7, 3, 9, 2, 1, 3, 8, 2, 0]);
        assert_eq!(t.batch.places, [2, 3, 6, 7]);
        assert_eq!(t.batch.targets, [9, 2, 8, 2]);
        assert_eq!(t.rows, [0, 0, 1, 1]);
        let all = table(&[&a, &b], 0, true);
        assert_eq!((all.batch.places.len(), all.completion.iter().filter(|c| **c).count()), (7, 4));
    }
}
