//! What is minimised. Pure: tensors in, a scalar out.
//!
//! **Supervised**: cross-entropy of the author's tactic, `−Σ wₜ log π(yₜ | x, y₍<t₎)`.
//!
//! **KTO** (Ethayarajh et al. 2024, <https://arxiv.org/abs/2402.01306>, equations 7 and 8): with
//! `r = log π(y|x) − log π_ref(y|x)` and the reference point `z₀ = KL(π ‖ π_ref)`,
//!
//! ```text
//! L = mean( λ_D · (1 − σ(β (r − z₀))) )   where the tactic was wanted
//!     mean( λ_U · (1 − σ(β (z₀ − r))) )   where it was refused or failed
//! ```
//!
//! `z₀` is estimated as in the paper and in TRL from completions that belong to other prompts,
//! `max(0, mean(log π(y'|x) − log π_ref(y'|x)))`, and no gradient flows through it.

use anyhow::{Context, Result};
use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};

use super::model::host;

/// Which objective a run learns by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Cross-entropy of the author's tactics.
    Sft,
    /// Kahneman–Tversky optimisation on labelled tactics, with supervised rehearsal.
    Kto,
}

/// KTO's constants, as TRL names them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KtoKnobs {
    /// β: how far the policy may move from the reference; smaller is further.
    pub beta: f64,
    /// λ_D, the weight of wanted tactics.
    pub desirable: f64,
    /// λ_U, the weight of refused and failed ones.
    pub undesirable: f64,
}

impl Default for KtoKnobs {
    fn default() -> KtoKnobs {
        KtoKnobs { beta: 0.1, desirable: 1.0, undesirable: 1.0 }
    }
}

/// `−Σ wᵢ · log pᵢ` over target log-probabilities `[n]` and weights `[n]`.
pub fn cross_entropy(log_probs: Tensor<1>, weights: Tensor<1>) -> Tensor<1> {
    (log_probs * weights).sum().neg()
}

/// KTO's loss of each row, `[rows]`, from the sequences' log-probabilities under the policy and the
/// reference, `[rows]` each, and `labels` of +1 (wanted) or −1 (refused).
pub fn kto(policy: Tensor<1>, reference: Tensor<1>, labels: &[f32], z0: f64, knobs: KtoKnobs) -> Tensor<1> {
    let device = policy.device().inner();
    let signs = Tensor::<1>::from_data(labels, &device);
    let weights: Vec<f32> = labels
        .iter()
        .map(|&l| if l > 0.0 { knobs.desirable as f32 } else { knobs.undesirable as f32 })
        .collect();
    let margin = (policy - reference).sub_scalar(z0).mul_scalar(knobs.beta) * signs;
    let value = activation::sigmoid(margin);
    value.neg().add_scalar(1.0) * Tensor::<1>::from_data(weights.as_slice(), &device)
}

/// The mean of [`kto`] over rows, and its slope along each row's log-probability under the policy.
pub fn kto_slopes(
    policy: &[f32],
    reference: &[f32],
    labels: &[f32],
    z0: f64,
    knobs: KtoKnobs,
) -> Result<(f64, Vec<f32>)> {
    let vector = |v: &[f32]| Tensor::<1>::from_data(v, &Device::flex());
    let policy = vector(policy).autodiff().require_grad();
    let loss = kto(policy.clone(), vector(reference), labels, z0, knobs).mean();
    let value = f64::from(host(loss.clone())?[0]);
    let slopes = policy.grad(&loss.backward()).context("KTO depends on the policy")?;
    Ok((value, host(slopes)?))
}

/// `z₀` from the log-probabilities of mismatched completions under policy and reference.
pub fn reference_point(policy: &[f32], reference: &[f32]) -> f64 {
    if policy.is_empty() {
        return 0.0;
    }
    let sum: f64 = policy.iter().zip(reference).map(|(p, r)| f64::from(p - r)).sum();
    (sum / policy.len() as f64).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(values: &[f32]) -> Tensor<1> {
        Tensor::from_data(values, &Device::flex())
    }

    #[test]
    fn cross_entropy_is_the_weighted_negative_sum() {
        let loss = cross_entropy(vector(&[-1.0, -2.0, -4.0]), vector(&[0.5, 0.25, 0.0]));
        assert_eq!(host(loss).unwrap(), [1.0]);
    }

    #[test]
    fn kto_agrees_with_the_paper_on_numbers_worked_by_hand() {
        let knobs = KtoKnobs { beta: 0.5, desirable: 2.0, undesirable: 1.0 };
        let loss = kto(vector(&[-1.0, -1.0]), vector(&[-3.0, -3.0]), &[1.0, -1.0], 1.0, knobs);
        let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
        let expected = [2.0 * (1.0 - sigma(0.5)), 1.0 - sigma(-0.5)];
        for (got, want) in host(loss).unwrap().iter().zip(expected) {
            assert!((f64::from(*got) - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    fn kto_raises_what_was_wanted_and_lowers_what_was_refused() {
        let policy = vector(&[-2.0, -2.0]).autodiff().require_grad();
        let loss = kto(policy.clone(), vector(&[-2.0, -2.0]), &[1.0, -1.0], 0.0, KtoKnobs::default());
        let slope = host(policy.grad(&loss.sum().backward()).unwrap()).unwrap();
        assert!(slope[0] < 0.0 && slope[1] > 0.0, "{slope:?}");
    }

    #[test]
    fn the_reference_point_is_never_negative() {
        assert_eq!(reference_point(&[-3.0], &[-1.0]), 0.0);
        assert_eq!(reference_point(&[-1.0, -1.0], &[-2.0, -4.0]), 2.0);
        assert_eq!(reference_point(&[], &[]), 0.0);
    }
}
