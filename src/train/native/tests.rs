//! By hand and by burn: the same values and gradients.

use burn::tensor::{Device, Tensor};

use super::*;
use crate::policy::bundle::Family;
use crate::train::model::{Llama, host, initial};

fn config(kv: usize, tied: bool, bias: bool) -> LlamaConfig {
    LlamaConfig {
        vocab_size: 24,
        hidden_size: 16,
        intermediate_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: kv,
        head_dim: 8,
        rope_theta: 10_000.0,
        rms_norm_eps: 1e-5,
        max_position_embeddings: 32,
        tie_word_embeddings: tied,
        family: Family::Llama { attention_bias: bias, mlp_bias: bias },
    }
}

/// The largest difference of the two, over their largest value.
fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let most = b.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
    a.iter().zip(b).fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / most
}

/// Log-probabilities, choices and gradients by hand and by burn.
fn check(config: &LlamaConfig, batch: &TokenBatch, dropout: f64) {
    let mut weights = initial(config, 3);
    // Large enough that every part of the model matters, biases too.
    for (i, (_, data)) in weights.tensors.values_mut().enumerate() {
        data.iter_mut().enumerate().for_each(|(j, x)| *x = *x * 6.0 + ((i * 7 + j) % 5) as f32 * 0.02);
    }
    let model = Llama::new(config, &weights, &Device::flex()).unwrap();
    let tensors = model.tensors().into_iter().map(|t| host(t.clone()).unwrap()).collect();
    let slopes: Vec<f32> = (0..batch.places.len()).map(|i| 0.5 - i as f32).collect();

    let replica = model.replica();
    let (log_probs, logits) = replica.target_log_probs_with(batch, Dropout::new(dropout, 5));
    let loss = (log_probs.clone() * Tensor::<1>::from_data(slopes.as_slice(), &model.device())).sum();
    let mut all = loss.backward();

    let net = Net::new(config, tensors);
    let pass = net.forward(batch, Dropout::new(dropout, 5));
    assert!(apart(&pass.log_probs, &host(log_probs).unwrap()) < 1e-5);
    let logits = host(logits).unwrap();
    for (choice, row) in pass.choices.iter().zip(logits.chunks(config.vocab_size)) {
        assert!(row.iter().all(|v| *v <= row[*choice as usize] + 1e-4));
    }
    let names = config.tensors();
    for ((gradient, t), (name, _)) in pass.backward(&slopes).iter().zip(replica.tensors()).zip(names) {
        let theirs = host(t.grad_remove(&mut all).unwrap()).unwrap();
        assert!(theirs.iter().any(|v| v.abs() > 1e-4), "{name} does not matter");
        assert!(apart(gradient, &theirs) < 1e-4, "{name}: {}", apart(gradient, &theirs));
    }
}

#[test]
fn values_and_gradients_are_those_of_burn() {
    let padded = TokenBatch {
        rows: 3,
        width: 5,
        tokens: vec![1, 5, 6, 7, 2, 1, 9, 3, 0, 0, 4, 4, 0, 0, 0],
        places: vec![1, 2, 3, 5, 6, 10],
        targets: vec![6, 7, 2, 9, 3, 4],
    };
    check(&config(2, true, false), &padded, 0.0);
    check(&config(4, false, true), &padded, 0.0);
}

#[test]
fn dropout_is_that_of_burn_where_nothing_is_padded() {
    let full = TokenBatch {
        rows: 2,
        width: 4,
        tokens: vec![1, 5, 6, 7, 1, 9, 3, 8],
        places: vec![1, 3, 4, 7],
        targets: vec![6, 7, 9, 3],
    };
    check(&config(1, true, false), &full, 0.3);
}

#[test]
fn a_row_without_a_place_costs_nothing() {
    let batch = TokenBatch {
        rows: 2,
        width: 4,
        tokens: vec![1, 5, 6, 7, 1, 9, 3, 8],
        places: vec![4, 5],
        targets: vec![9, 3],
    };
    let packed = pack(&batch);
    assert_eq!((packed.tokens, packed.places), (vec![1, 9], vec![0, 1]));
    check(&config(2, true, false), &batch, 0.0);
}
