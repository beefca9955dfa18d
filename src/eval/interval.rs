//! Bootstrap intervals, seeded: percentile method (Efron 1979), resampling clusters (Davison and Hinkley 1997, §3.8).
//!
//! Steps of one proof are not independent, so whole declarations are drawn, with replacement; a share is the sum
//! over what was drawn, divided by its size.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Resamples drawn for an interval.
const RESAMPLES: usize = 2000;

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The 2.5 % quantile.
    pub low: f64,
    /// The 97.5 % quantile.
    pub high: f64,
}

/// The interval of the mean of values that fall into clusters; zero where there are none.
pub fn bootstrap(clusters: &[Vec<f64>], seed: u64) -> Interval {
    let sums: Vec<(f64, f64)> = clusters.iter().map(|c| (c.iter().sum(), c.len() as f64)).collect();
    if sums.iter().all(|(_, n)| *n == 0.0) {
        return Interval { low: 0.0, high: 0.0 };
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..sums.len()).map(|_| sums[rng.random_range(0..sums.len())]);
            let (sum, n) = drawn.fold((0.0, 0.0), |(s, n), (a, b)| (s + a, n + b));
            if n == 0.0 { 0.0 } else { sum / n }
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |q: f64| means[((RESAMPLES - 1) as f64 * q).round() as usize];
    Interval { low: at(0.025), high: at(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_mean_and_repeats_with_its_seed() {
        let single: Vec<Vec<f64>> = (0..200).map(|i| vec![f64::from(i % 4 == 0)]).collect();
        let i = bootstrap(&single, 7);
        assert!(i.low < 0.25 && 0.25 < i.high && i.high - i.low < 0.15, "{i:?}");
        assert_eq!(i, bootstrap(&single, 7));
        assert_eq!(bootstrap(&[], 7), Interval { low: 0.0, high: 0.0 });
    }

    #[test]
    fn what_hangs_together_counts_as_one() {
        // Twenty proofs of ten steps that succeed or fail as a whole know less than two hundred steps.
        let together: Vec<Vec<f64>> = (0..20).map(|i| vec![f64::from(i % 4 == 0); 10]).collect();
        let i = bootstrap(&together, 7);
        assert!(i.high - i.low > 0.25, "{i:?}");
    }
}
