//! AdamW with clipping of the gradients' global norm, and the learning rate's course.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use burn::optim::{AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, Optimizer as _};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::model::{Llama, host};

/// The optimiser's knobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizerKnobs {
    /// Highest learning rate, reached after the warm-up.
    pub lr: f64,
    /// Share of it that is left at the end.
    pub final_share: f64,
    /// Steps of linear warm-up.
    pub warmup: u64,
    /// β₁ of Adam.
    pub beta1: f32,
    /// β₂ of Adam.
    pub beta2: f32,
    /// Decoupled weight decay, on matrices only.
    pub weight_decay: f32,
    /// Largest global norm of the gradients.
    pub clip: f64,
}

impl Default for OptimizerKnobs {
    fn default() -> OptimizerKnobs {
        OptimizerKnobs {
            lr: 1e-3,
            final_share: 0.05,
            warmup: 40,
            beta1: 0.9,
            beta2: 0.98,
            weight_decay: 0.1,
            clip: 1.0,
        }
    }
}

impl OptimizerKnobs {
    /// The learning rate at a step, when `done` (0..=1) of the run lies behind: linear warm-up, then half
    /// a cosine (Loshchilov and Hutter, arXiv:1608.03983).
    pub fn rate(&self, step: u64, done: f64) -> f64 {
        let warm = ((step + 1) as f64 / self.warmup.max(1) as f64).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done.clamp(0.0, 1.0)).cos());
        self.lr * warm * (self.final_share + (1.0 - self.final_share) * cosine)
    }
}

/// AdamW over all parameters of a model.
pub struct Optimizer {
    knobs: OptimizerKnobs,
    decayed: AdamW,
    plain: AdamW,
    states: Vec<Option<AdamWState<2>>>,
}

impl Optimizer {
    /// A fresh optimiser for a model with this number of parameter tensors.
    pub fn new(knobs: &OptimizerKnobs, tensors: usize) -> Optimizer {
        let config = |decay: f32| {
            AdamWConfig::new()
                .with_beta_1(knobs.beta1)
                .with_beta_2(knobs.beta2)
                .with_epsilon(1e-8)
                .with_weight_decay(decay)
                .build()
        };
        Optimizer {
            knobs: knobs.clone(),
            decayed: config(knobs.weight_decay),
            plain: config(0.0),
            states: vec![None; tensors],
        }
    }

    /// One step down the gradients; returns their global norm before clipping.
    pub fn step(&mut self, model: &mut Llama, gradients: Vec<Tensor<2>>, lr: f64) -> Result<f64> {
        let squares: Vec<Tensor<1>> = gradients.iter().map(|g| (g.clone() * g.clone()).sum()).collect();
        let norm = f64::from(host(Tensor::cat(squares, 0).sum())?[0]).sqrt();
        anyhow::ensure!(norm.is_finite(), "the gradients are not finite: the learning rate is too high");
        let scale = (self.knobs.clip / norm.max(1e-12)).min(1.0);
        for ((weight, gradient), state) in
            model.tensors_mut().into_iter().zip(gradients).zip(&mut self.states)
        {
            let adam = if weight.dims()[0] == 1 { &self.plain } else { &self.decayed };
            let gradient = gradient.mul_scalar(scale);
            let (next, next_state) = adam.step(lr, weight.clone().inner(), gradient, state.take());
            *weight = next;
            *state = next_state;
        }
        Ok(norm)
    }

    /// The moments on the host, by name, and the number of steps taken.
    pub fn moments(&self, names: &[String]) -> Result<(BTreeMap<String, Vec<f32>>, usize)> {
        let mut all = BTreeMap::new();
        let mut time = 0;
        for (name, state) in names.iter().zip(&self.states) {
            if let Some(s) = state {
                all.insert(format!("m.{name}"), host(s.momentum.moment_1.clone())?);
                all.insert(format!("v.{name}"), host(s.momentum.moment_2.clone())?);
                time = s.momentum.time;
            }
        }
        Ok((all, time))
    }

    /// Puts saved moments back.
    pub fn restore(
        &mut self,
        model: &Llama,
        names: &[String],
        mut moments: BTreeMap<String, Vec<f32>>,
        time: usize,
        device: &Device,
    ) -> Result<()> {
        for ((name, weight), state) in names.iter().zip(model.tensors()).zip(&mut self.states) {
            let mut take = |kind: &str| -> Result<Tensor<2>> {
                let key = format!("{kind}.{name}");
                let data = moments.remove(&key).with_context(|| format!("the checkpoint lacks `{key}`"))?;
                let [rows, columns] = weight.dims();
                anyhow::ensure!(data.len() == rows * columns, "the checkpoint's `{key}` has another size");
                Ok(Tensor::from_data(TensorData::new(data, [rows, columns]), device))
            };
            *state = match time {
                0 => None,
                _ => Some(AdamWState::new(AdaptiveMomentumState::new(time, take("m")?, take("v")?))),
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_warms_up_then_falls_to_its_end() {
        let k = OptimizerKnobs { lr: 1.0, final_share: 0.1, warmup: 10, ..OptimizerKnobs::default() };
        assert!(k.rate(0, 0.0) <= 0.1 + 1e-9);
        assert!((k.rate(9, 0.0) - 1.0).abs() < 1e-9);
        assert!((k.rate(500, 1.0) - 0.1).abs() < 1e-9);
        assert!(k.rate(100, 0.3) > k.rate(200, 0.6));
    }
}
