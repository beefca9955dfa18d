//! Losses and gradients of a step's shards, and figures on steps that are not learnt from: on the CPU by
//! [`Net`], on other devices by burn's tensors.

use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};

use super::batch::{Sequence, Table, plan, table};
use super::learn::{Evaluation, Knobs, Shard};
use super::model::{Dropout, Llama, TokenBatch, host};
use super::native::Net;
use super::objective;

/// What computes.
pub enum Engine {
    /// Slices, forward and backward by hand.
    Native(Net),
    /// burn's tensors, with a graph for the gradients.
    Burn(Llama),
}

impl Engine {
    /// The engine for the device that a model is on, with the model's present weights.
    pub fn of(model: &Llama) -> Result<Engine> {
        match model.is_on_cpu() {
            true => Engine::native(model),
            false => Ok(Engine::burn(model)),
        }
    }

    /// Slices, whatever the device.
    pub fn native(model: &Llama) -> Result<Engine> {
        let tensors = model.tensors().into_iter().map(|t| host(t.clone())).collect::<Result<_>>()?;
        Ok(Engine::Native(Net::new(&model.config, tensors)))
    }

    /// burn's tensors, whatever the device.
    pub fn burn(model: &Llama) -> Engine {
        Engine::Burn(model.frozen())
    }

    /// Log-probability of the target at each place of a batch, and the likeliest token there.
    fn log_probs(&self, batch: &TokenBatch) -> Result<(Vec<f32>, Vec<u32>)> {
        match self {
            Engine::Native(net) => {
                let pass = net.forward(batch, None);
                Ok((pass.log_probs, pass.choices))
            }
            Engine::Burn(model) => {
                let (log_probs, logits) = model.target_log_probs(batch);
                let choices = logits.argmax(1).into_data().convert::<i64>().try_into_vec::<i64>();
                let choices = choices.map_err(|e| anyhow::anyhow!("reading a tensor: {e:?}"))?;
                Ok((host(log_probs)?, choices.into_iter().map(|c| c as u32).collect()))
            }
        }
    }

    /// Log-probability of each row's completion.
    fn sequence_log_probs(&self, t: &Table) -> Result<Vec<f32>> {
        Ok(by_row(t, &self.log_probs(&t.batch)?.0))
    }

    /// A shard's part of the step's loss, and its gradients in the order of the model's tensors.
    fn shard(&self, shard: &Shard, knobs: &Knobs, dropout: Option<Dropout>) -> Result<(f64, Vec<Tensor<2>>)> {
        match self {
            Engine::Native(net) => {
                let (loss, all) = native_shard(self, net, shard, knobs, dropout)?;
                let on = |(dims, values)| Tensor::from_data(TensorData::new(values, dims), &Device::flex());
                Ok((loss, net.dims().zip(all).map(on).collect()))
            }
            Engine::Burn(model) => {
                let replica = model.replica();
                let loss = burn_loss(self, &replica, shard, knobs, dropout)?;
                let value = f64::from(host(loss.clone())?[0]);
                let mut all = loss.backward();
                let zero = |t: &Tensor<2>| t.clone().inner().zeros_like();
                let tensors = replica.tensors();
                let of = |t: &Tensor<2>| t.grad_remove(&mut all).unwrap_or_else(|| zero(t));
                Ok((value, tensors.into_iter().map(of).collect()))
            }
        }
    }

    /// Loss and gradients of a step, the latter in the order of the model's tensors: a thread for each shard, the
    /// sum in the shards' order.
    pub fn step(&self, shards: &[Shard], knobs: &Knobs, step: u64) -> Result<(f64, Vec<Tensor<2>>)> {
        let numbered: Vec<(u64, &Shard)> = (0..).zip(shards).collect();
        let parts = in_threads(&numbered, |(number, shard)| {
            let seed = knobs.seed ^ (step << 20) ^ (number << 8);
            self.shard(shard, knobs, Dropout::new(knobs.dropout, seed))
        })?;
        let (mut total, mut sum) = (0.0, Vec::new());
        for (value, all) in parts {
            total += value;
            sum = if sum.is_empty() { all } else { sum.into_iter().zip(all).map(|(a, b)| a + b).collect() };
        }
        anyhow::ensure!(total.is_finite(), "the loss is not finite: the learning rate is too high");
        Ok((total, sum))
    }
}

fn native_shard(
    engine: &Engine,
    net: &Net,
    shard: &Shard,
    knobs: &Knobs,
    dropout: Option<Dropout>,
) -> Result<(f64, Vec<Vec<f32>>)> {
    match shard {
        Shard::Supervised { table, weights } => {
            let pass = net.forward(&table.batch, dropout);
            let loss = pass.log_probs.iter().zip(weights).map(|(l, w)| -f64::from(l * w)).sum();
            let slopes: Vec<f32> = weights.iter().map(|w| -w).collect();
            Ok((loss, pass.backward(&slopes)))
        }
        Shard::Kto { judged, reference, labels, mismatched, mismatched_reference } => {
            let elsewhere = engine.sequence_log_probs(mismatched)?;
            let z0 = objective::reference_point(&elsewhere, mismatched_reference);
            let pass = net.forward(&judged.batch, None);
            let rows = by_row(judged, &pass.log_probs);
            let (loss, by_row) = objective::kto_slopes(&rows, reference, labels, z0, knobs.kto)?;
            let slope = |(row, inside): (&usize, &bool)| if *inside { by_row[*row] } else { 0.0 };
            let slopes: Vec<f32> = judged.rows.iter().zip(&judged.completion).map(slope).collect();
            Ok((loss, pass.backward(&slopes)))
        }
    }
}

/// A shard's part of the step's loss as the end of a graph.
fn burn_loss(
    engine: &Engine,
    replica: &Llama,
    shard: &Shard,
    knobs: &Knobs,
    dropout: Option<Dropout>,
) -> Result<Tensor<1>> {
    match shard {
        Shard::Supervised { table, weights } => {
            let (log_probs, _) = replica.target_log_probs_with(&table.batch, dropout);
            let weights = Tensor::<1>::from_data(weights.as_slice(), &replica.device());
            Ok(objective::cross_entropy(log_probs, weights))
        }
        Shard::Kto { judged, reference, labels, mismatched, mismatched_reference } => {
            let elsewhere = engine.sequence_log_probs(mismatched)?;
            let z0 = objective::reference_point(&elsewhere, mismatched_reference);
            let (log_probs, _) = replica.target_log_probs(&judged.batch);
            let (rows, places) = (judged.batch.rows, judged.rows.len());
            let mut member = vec![0.0f32; rows * places];
            for (place, row) in judged.rows.iter().enumerate() {
                member[row * places + place] = f32::from(u8::from(judged.completion[place]));
            }
            let member = Tensor::<2>::from_data(TensorData::new(member, [rows, places]), &replica.device());
            let policy = member.matmul(log_probs.unsqueeze_dim(1)).squeeze_dim(1);
            let reference = Tensor::<1>::from_data(reference.as_slice(), &replica.device());
            Ok(objective::kto(policy, reference, labels, z0, knobs.kto).mean())
        }
    }
}

/// Sums of what belongs to the completions, row by row.
fn by_row(t: &Table, log_probs: &[f32]) -> Vec<f32> {
    let mut rows = vec![0.0; t.batch.rows];
    for ((row, inside), value) in t.rows.iter().zip(&t.completion).zip(log_probs) {
        rows[*row] += if *inside { *value } else { 0.0 };
    }
    rows
}

/// Applies `f` to each item in a thread of its own; results in the items' order.
fn in_threads<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    if let [only] = items {
        return Ok(vec![f(only)?]);
    }
    std::thread::scope(|scope| {
        let handles: Vec<_> = items.iter().map(|item| scope.spawn(|| f(item))).collect();
        handles
            .into_iter()
            .map(|h| h.join().map_err(|_| anyhow::anyhow!("a training thread failed"))?)
            .collect()
    })
}

/// Loss and accuracy on sequences, without gradients.
pub fn evaluate(model: &Llama, sequences: &[Sequence], pad: u32, threads: usize) -> Result<Evaluation> {
    let engine = Engine::of(model)?;
    let groups = groups(sequences);
    let parts: Vec<&[Vec<usize>]> = groups.chunks(groups.len().div_ceil(threads.max(1)).max(1)).collect();
    let sums = in_threads(&parts, |part| {
        let (mut loss, mut right, mut exact, mut tokens) = (0.0, 0, 0, 0);
        for group in *part {
            let rows: Vec<&Sequence> = group.iter().map(|&i| &sequences[i]).collect();
            let t = table(&rows, pad, false);
            let (log_probs, chosen) = engine.log_probs(&t.batch)?;
            loss -= log_probs.iter().map(|&x| f64::from(x)).sum::<f64>();
            let mut wrong = vec![false; t.batch.rows];
            for ((choice, target), row) in chosen.iter().zip(&t.batch.targets).zip(&t.rows) {
                match choice == target {
                    true => right += 1,
                    false => wrong[*row] = true,
                }
            }
            exact += wrong.iter().filter(|w| !**w).count();
            tokens += t.rows.len();
        }
        Ok((loss, right, exact, tokens))
    })?;
    let (loss, right, exact, tokens) =
        sums.into_iter().fold((0.0, 0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2, a.3 + b.3));
    let n = tokens.max(1) as f64;
    Ok(Evaluation {
        loss: loss / n,
        token_accuracy: right as f64 / n,
        exact: exact as f64 / sequences.len().max(1) as f64,
        steps: sequences.len(),
    })
}

/// Log-probability of each sequence's completion.
pub fn completion_log_probs(model: &Llama, sequences: &[Sequence], pad: u32) -> Result<Vec<f32>> {
    let engine = Engine::of(model)?;
    let mut all = vec![0.0; sequences.len()];
    for group in groups(sequences) {
        let rows: Vec<&Sequence> = group.iter().map(|&i| &sequences[i]).collect();
        let values = engine.sequence_log_probs(&table(&rows, pad, false))?;
        for (i, value) in group.into_iter().zip(values) {
            all[i] = value;
        }
    }
    Ok(all)
}

fn groups(sequences: &[Sequence]) -> Vec<Vec<usize>> {
    use rand::SeedableRng;
    let lengths: Vec<usize> = sequences.iter().map(|s| s.tokens.len()).collect();
    plan(&lengths, 2048, &mut rand_chacha::ChaCha8Rng::seed_from_u64(0))
}
