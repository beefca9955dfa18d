//! Models that Optimum exported: bundles of their graphs compute what PyTorch computes.
//!
//! `scripts/optimum_models.py` makes `tests/data/models/optimum-*` with their references.

use std::path::{Path, PathBuf};

use lean_copilot::config::{DeviceChoice, Dirs, Settings};
use lean_copilot::error::{Failure, FailureKind};
use lean_copilot::policy::PolicyHandle;
use lean_copilot::policy::bundle::{Bundle, activate};
use lean_copilot::policy::prompt;
use lean_copilot::policy::sampling::{GenerationParams, Method};
use lean_copilot::policy::session::{Cancel, PolicySession};
use lean_copilot::proof::Goal;
use lean_copilot::runtime::locate::onnxruntime;
use serde_json::Value;

use super::model::{data, done, fails, json, numbers};
use super::support;

/// Each with its prompt; the model with an encoder needs none.
const MODELS: [(&str, &str, Option<&str>); 3] = [
    ("optimum-gpt2", "exported decoder", Some("{goal}")),
    ("optimum-bloom-merged", "exported decoder", Some("{goal}")),
    ("optimum-byt5", "exported encoder and decoder", None),
];

fn add(home: &Path, folder: &Path, more: &[&str]) -> Value {
    let args = [&["add", folder.to_str().unwrap(), "--json"], more].concat();
    serde_json::from_str(&done(home, &args)).unwrap()
}

fn open(added: &Value) -> (Bundle, PolicySession) {
    let bundle = Bundle::open(Path::new(added["path"].as_str().unwrap())).unwrap();
    let library = onnxruntime(support::dirs()).unwrap();
    let session = PolicySession::load(&bundle, &library, DeviceChoice::Cpu, Some(1)).unwrap();
    (bundle, session)
}

fn ids(value: &Value) -> Vec<u32> {
    numbers(value).iter().map(|x| *x as u32).collect()
}

/// A copy of a model's folder, to change.
fn copy(name: &str) -> PathBuf {
    let folder = support::scratch("exported").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(data(name)).unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(&from, folder.join(from.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn what_optimum_exported_computes_what_pytorch_computes() {
    let home = support::scratch("exported-home");
    for (name, kind, prompt) in MODELS {
        let text: Vec<&str> = prompt.iter().flat_map(|p| ["--prompt", *p]).collect();
        let added = add(&home, &data(name), &text);
        assert_eq!(added["kind"], kind);
        assert!(added["parity_max_abs_diff"].as_f64().unwrap() < 1e-3, "{added}");
        let (bundle, mut session) = open(&added);
        let reference = json(&data(name).join("reference.json"));
        let max_tokens = reference["max_tokens"].as_u64().unwrap() as usize;
        for row in reference["rows"].as_array().unwrap() {
            let goal = Goal::parse(row["goal"].as_str().unwrap());
            let tokens = prompt::encode(&bundle.tokenizer, &goal, bundle.limits());
            assert_eq!(tokens, ids(&row["tokens"]), "{name}");
            let greedy = ids(&row["greedy"]);
            let logits = session.logits_behind(&tokens, &greedy[..2]).unwrap();
            let expected = row["logits"].as_array().unwrap();
            assert_eq!(logits.nrows(), expected.len());
            for (ours, theirs) in logits.rows().into_iter().zip(expected) {
                for (a, b) in ours.iter().zip(numbers(theirs)) {
                    assert!((a - b).abs() < 2e-3, "{name}: {a} {b}");
                }
            }
            let mut run = |k: usize, method: Method| {
                let params = GenerationParams { k, max_tokens, method };
                session.generate(&tokens, &params, &Cancel::default()).unwrap()
            };
            // Nothing but the likeliest token is ever drawn at no temperature.
            let drawn = run(1, Method::Sample { seed: 1, temperature: 0.0 });
            assert_eq!((drawn.len(), &drawn[0].tokens), (1, &greedy), "{name}");
            assert_eq!(drawn[0].text, row["greedy_text"].as_str().unwrap());

            let found = run(reference["k"].as_u64().unwrap() as usize, Method::Beam);
            let beam = row["beam"].as_array().unwrap();
            assert_eq!(found.len(), beam.len(), "{name}: {found:?} {beam:?}");
            for one in beam {
                let (text, log_prob) = (one[0].as_str().unwrap(), one[1].as_f64().unwrap());
                let ours =
                    found.iter().find(|f| f.text == text).unwrap_or_else(|| panic!("{text}: {found:?}"));
                assert!((ours.log_prob - log_prob).abs() < 1e-3, "{name}: {ours:?} {log_prob}");
            }
        }
    }
}

#[test]
fn marks_are_dropped_limits_hold_and_graphs_may_lie_in_a_folder() {
    let home = support::scratch("exported-marks");
    let row = json(&data("optimum-byt5").join("reference.json"))["rows"][0].take();
    let text = row["greedy_text"].as_str().unwrap();
    let folder = copy("optimum-byt5");
    std::fs::create_dir(folder.join("onnx")).unwrap();
    for graph in ["encoder_model.onnx", "decoder_model_merged.onnx"] {
        std::fs::rename(folder.join(graph), folder.join("onnx").join(graph)).unwrap();
    }
    let added =
        add(&home, &folder, &["--drop", &text[..1], "--prompt-tokens", "20", "--tactic-tokens", "24"]);
    let (bundle, mut session) = open(&added);
    assert_eq!((bundle.limits().prompt_tokens, bundle.limits().tactic_tokens), (20, 24));
    let goal = Goal::parse(row["goal"].as_str().unwrap());
    let prompt = prompt::encode(&bundle.tokenizer, &goal, bundle.limits());
    assert!(prompt.len() <= 20 && bundle.tokenizer.decode(&prompt) == "⊢ q ∧ p", "{prompt:?}");

    let params =
        GenerationParams { k: 1, max_tokens: 24, method: Method::Sample { seed: 1, temperature: 0.0 } };
    let found = session.generate(&ids(&row["tokens"]), &params, &Cancel::default()).unwrap();
    assert_eq!(found[0].text, text.replace(&text[..1], ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_model_is_a_bundle_like_others() {
    let home = support::scratch("exported-use");
    add(&home, &data("optimum-byt5"), &["--name", "bytes", "--use"]);
    let list: Value = serde_json::from_str(&done(&home, &["list", "--json"])).unwrap();
    let mine = &list["bundles"][0];
    assert_eq!((mine["name"].as_str(), mine["in_use"].as_bool()), (Some("bytes"), Some(true)), "{list}");
    assert!(
        mine["kind"] == "exported encoder and decoder" && mine["parameters"].as_u64() > Some(10_000),
        "{mine}"
    );
    assert!(done(&home, &["list"]).contains("exported encoder and decoder"));
    assert!(done(&home, &["show"]).contains("an encoder and a decoder (`t5`)"));
    let shown: Value = serde_json::from_str(&done(&home, &["show", "bytes", "--json"])).unwrap();
    assert_eq!((&shown["exported"]["tokenizer"], &shown["prompt_text"]), (&"bytes".into(), &"{goal}".into()));

    // The policy's thread takes it as any other.
    let dirs = Dirs { data: home.join("data"), ..support::dirs().clone() };
    activate(&dirs, "bytes").unwrap();
    let settings = Settings { device: DeviceChoice::Cpu, threads: Some(1), ..Settings::default() };
    let policy = PolicyHandle::spawn(dirs, settings).unwrap();
    let proposals = policy.propose(&Goal::parse("p q : Prop\nh : p ∧ q\n⊢ q ∧ p"), 4).await.unwrap();
    assert!(proposals.bundle.starts_with("bytes@") && !proposals.candidates.is_empty(), "{proposals:?}");
    assert_eq!(policy.status().device, "cpu, 1 thread");

    let bundle = Bundle::open(Path::new(mine["path"].as_str().unwrap())).unwrap();
    let error = bundle.llama().unwrap_err();
    assert!(Failure::of(&error).unwrap().hint.is_some() && error.to_string().contains("cannot be trained"));
    done(&home, &["use", "core-small"]);
    done(&home, &["remove", "bytes"]);
}

#[test]
fn a_bundle_of_graphs_that_changed_is_refused_by_name() {
    let home = support::scratch("exported-damaged");
    let added = add(&home, &data("optimum-gpt2"), &["--prompt", "{goal}"]);
    let dir = PathBuf::from(added["path"].as_str().unwrap());
    for file in ["model.onnx", "model.onnx_data", "tokenizer.json", "config.json"] {
        let sound = std::fs::read(dir.join(file)).unwrap();
        let mut other = sound.clone();
        *other.last_mut().unwrap() ^= 1;
        std::fs::write(dir.join(file), other).unwrap();
        let error = Bundle::open(&dir).unwrap_err();
        let said = format!("{error:#}");
        assert_eq!(Failure::of(&error).unwrap().kind, FailureKind::Corrupt, "{said}");
        assert!(said.contains(file) && said.contains("SHA-256"), "{said}");
        std::fs::write(dir.join(file), sound).unwrap();
    }
    Bundle::open(&dir).unwrap();
}

#[test]
fn what_does_not_fit_is_named() {
    let home = support::scratch("exported-refused");
    let refused = |folder: &Path, more: &[&str], code: i32, parts: &[&str]| {
        let args = [&["add", folder.to_str().unwrap(), "--name", "odd"], more].concat();
        let (exit, message) = fails(&home, &args);
        assert!(
            exit == Some(code) && parts.iter().all(|p| message.contains(p)),
            "{exit:?} {parts:?}: {message}"
        );
    };
    let prompt = ["--prompt", "{goal}"];
    let byt5 = data("optimum-byt5");

    let folder = copy("optimum-gpt2");
    refused(&folder, &[], 4, &["--prompt", "{goal}"]);
    refused(&folder, &["--prompt", "goal:"], 2, &["has no {goal}"]);
    refused(&folder, &[&prompt[..], &["--prompt-tokens", "190"]].concat(), 4, &["192 positions"]);
    let graph = std::fs::read(folder.join("model.onnx")).unwrap();
    // The first layer's keys come out as the second's: this graph's cache is not what it seems.
    let swapped = String::from_utf8_lossy(&graph).contains("present.0.key");
    assert!(swapped);
    std::fs::write(folder.join("model.onnx"), swap(&graph, b"present.0.key", b"present.1.key")).unwrap();
    refused(&folder, &prompt, 4, &["other logits with a cache than without"]);
    std::fs::write(folder.join("model.onnx"), &graph[..graph.len() / 2]).unwrap();
    refused(&folder, &prompt, 4, &["model.onnx", "is not an ONNX model"]);
    std::fs::copy(byt5.join("encoder_model.onnx"), folder.join("model.onnx")).unwrap();
    refused(&folder, &prompt, 4, &["the graph has no past", "text-generation-with-past"]);
    std::fs::copy(byt5.join("decoder_model_merged.onnx"), folder.join("model.onnx")).unwrap();
    refused(&folder, &prompt, 4, &["input `encoder_", "not known"]);
    std::fs::write(folder.join("model.onnx"), &graph).unwrap();
    std::fs::remove_file(folder.join("tokenizer.json")).unwrap();
    refused(&folder, &prompt, 2, &["tokenizer.json", "is missing", "save_pretrained"]);

    let folder = copy("optimum-byt5");
    let mut config = json(&folder.join("config.json"));
    config.as_object_mut().unwrap().remove("decoder_start_token_id");
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    refused(&folder, &[], 4, &["decoder_start_token_id"]);
    std::fs::remove_file(folder.join("decoder_model_merged.onnx")).unwrap();
    refused(&folder, &[], 2, &["decoder_model_merged.onnx", "text2text-generation-with-past"]);
    assert!(!home.join("data/models/odd").exists(), "nothing is left behind");
}

/// Bytes with two words of equal length in each other's places.
fn swap(bytes: &[u8], a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for at in 0..bytes.len().saturating_sub(a.len()) {
        let here = &bytes[at..at + a.len()];
        if here == a {
            out[at..at + a.len()].copy_from_slice(b);
        } else if here == b {
            out[at..at + a.len()].copy_from_slice(a);
        }
    }
    out
}
