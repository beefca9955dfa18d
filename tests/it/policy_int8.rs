//! Weights of 8 bits: made once, kept by hash, and close to single precision on real goals.

use lean_copilot::policy::bundle::Bundle;
use lean_copilot::policy::prompt;
use lean_copilot::policy::sampling::{GenerationParams, Method};
use lean_copilot::policy::session::{Cancel, Compute, PolicySession};
use lean_copilot::runtime::locate::onnxruntime;
use lean_copilot::train::dataset::read_steps;

use super::support;

#[test]
fn the_shipped_bundle_proposes_nearly_the_same_with_8_bits() {
    let bundle = Bundle::open(&support::root().join("models/core-small")).unwrap();
    let library = onnxruntime(support::dirs()).unwrap();
    let cache = support::scratch("int8");
    let mut small = PolicySession::open_int8(&bundle, &library, &cache, Some(1)).unwrap();
    let mut single = PolicySession::open(&bundle, &library, Compute::Cpu, Some(1)).unwrap();
    let steps = read_steps(&[support::root().join("examples/heldout/steps.jsonl")]).unwrap();
    let goals: Vec<_> =
        steps.iter().step_by(steps.len() / 24).filter_map(|s| s.state_before.first()).collect();
    let (mut same_token, mut tokens, mut shared, mut all) = (0, 0, 0, 0);
    for goal in &goals {
        let prompt = prompt::encode(&bundle.tokenizer, goal, bundle.limits());
        let (a, b) = (single.logits(&prompt).unwrap(), small.logits(&prompt).unwrap());
        let first = |row: ndarray::ArrayView1<f32>| (0..row.len()).max_by(|i, j| row[*i].total_cmp(&row[*j]));
        tokens += a.nrows();
        same_token += (0..a.nrows()).filter(|i| first(a.row(*i)) == first(b.row(*i))).count();
        let params = GenerationParams { k: 8, max_tokens: 24, method: Method::Beam };
        let (a, b) = (
            single.generate(&prompt, &params, &Cancel::default()).unwrap(),
            small.generate(&prompt, &params, &Cancel::default()).unwrap(),
        );
        all += a.len();
        shared += a.iter().filter(|x| b.iter().any(|y| x.text == y.text)).count();
    }
    assert!(same_token as f64 > 0.9 * tokens as f64, "{same_token} of {tokens} likeliest tokens");
    assert!(shared as f64 > 0.75 * f64::from(all as u32), "{shared} of {all} candidates");
}

#[test]
fn the_graph_is_made_once_and_named_by_the_bundle() {
    let bundle = Bundle::open(&support::root().join("models/core-small")).unwrap();
    let library = onnxruntime(support::dirs()).unwrap();
    let cache = support::scratch("int8-cache");
    let files = || -> Vec<_> {
        let entries = std::fs::read_dir(cache.join("policy")).unwrap().map(Result::unwrap);
        entries.map(|e| (e.file_name(), e.metadata().unwrap().modified().unwrap())).collect()
    };
    PolicySession::open_int8(&bundle, &library, &cache, Some(1)).unwrap();
    let made = files();
    assert!(made.len() == 1 && made[0].0.to_string_lossy().starts_with(bundle.sha256()), "{made:?}");
    PolicySession::open_int8(&bundle, &library, &cache, Some(1)).unwrap();
    assert_eq!(files(), made);
}
