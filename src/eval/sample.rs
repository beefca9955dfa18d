//! A sample of steps and theorems where all of them would take too long. Pure.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

/// Draws `n` of items that fall into strata of these sizes, each stratum its share (largest remainders first), without
/// replacement. Returns the drawn items of each stratum by index, in ascending order; all of them where `n` is none
/// or more than there are.
pub fn stratified(sizes: &[usize], n: Option<usize>, seed: u64) -> Vec<Vec<usize>> {
    let total: usize = sizes.iter().sum();
    let n = n.unwrap_or(total).min(total);
    let mut shares: Vec<usize> = sizes.iter().map(|s| s * n / total.max(1)).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    // Stable, so that equal remainders go to the first strata.
    order.sort_by_key(|i| std::cmp::Reverse(sizes[*i] * n % total.max(1)));
    let left = n - shares.iter().sum::<usize>();
    for i in order.into_iter().take(left) {
        shares[i] += 1;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    sizes
        .iter()
        .zip(shares)
        .map(|(size, share)| {
            let mut all: Vec<usize> = (0..*size).collect();
            all.shuffle(&mut rng);
            all.truncate(share);
            all.sort_unstable();
            all
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_gives_its_share_and_the_seed_decides() {
        let drawn = stratified(&[100, 50, 0, 7], Some(20), 1);
        let sizes: Vec<usize> = drawn.iter().map(Vec::len).collect();
        assert_eq!(sizes, [13, 6, 0, 1]);
        assert_eq!(drawn, stratified(&[100, 50, 0, 7], Some(20), 1));
        assert_ne!(drawn, stratified(&[100, 50, 0, 7], Some(20), 2));
        assert!(drawn[0].is_sorted() && drawn[0].iter().all(|i| *i < 100));
        assert_eq!(stratified(&[2, 1], None, 1), [vec![0, 1], vec![0]]);
        assert_eq!(stratified(&[2, 1], Some(9), 1), [vec![0, 1], vec![0]]);
    }
}
