//! Models from elsewhere: checkpoints that `transformers` wrote become bundles with the same logits.
//!
//! `scripts/tiny_models.py` makes `tests/data/models/`, `scripts/transformers_logits.py` the reference of the
//! shipped bundle.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lean_copilot::config::DeviceChoice;
use lean_copilot::policy::bundle::Bundle;
use lean_copilot::policy::prompt;
use lean_copilot::policy::session::PolicySession;
use lean_copilot::proof::Goal;
use lean_copilot::runtime::locate::onnxruntime;
use serde_json::Value;

use super::support;

/// `lean-copilot model …` with user directories of its own.
fn model(home: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
    command.arg("--offline").arg("model").args(args).current_dir(support::root());
    command.env("LEAN_COPILOT_CACHE_DIR", &support::dirs().cache);
    command.env("LEAN_COPILOT_SHARE_DIR", support::root());
    for kind in ["CONFIG", "DATA", "STATE"] {
        command.env(format!("LEAN_COPILOT_{kind}_DIR"), home.join(kind.to_lowercase()));
    }
    command.output().unwrap()
}

pub(super) fn done(home: &Path, args: &[&str]) -> String {
    let out = model(home, args);
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

pub(super) fn fails(home: &Path, args: &[&str]) -> (Option<i32>, String) {
    let out = model(home, args);
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

pub(super) fn data(name: &str) -> PathBuf {
    support::root().join("tests/data/models").join(name)
}

pub(super) fn json(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn session(bundle: &Bundle) -> PolicySession {
    let library = onnxruntime(support::dirs()).unwrap();
    PolicySession::load(bundle, &library, DeviceChoice::Cpu, Some(1)).unwrap()
}

pub(super) fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

#[test]
fn a_checkpoint_becomes_a_bundle_with_the_same_logits() {
    let home = support::scratch("model");
    // Shards and an output projection; biases everywhere; Qwen's biases. All with shared key and value heads.
    for name in ["llama", "llama-biased", "qwen2"] {
        let folder = data(name);
        let added: Value = serde_json::from_str(&done(
            &home,
            &["add", folder.to_str().unwrap(), "--prompt", "{goal}", "--json"],
        ))
        .unwrap();
        let bundle = Bundle::open(Path::new(added["path"].as_str().unwrap())).unwrap();
        let mut session = session(&bundle);
        for row in json(&folder.join("reference.json"))["rows"].as_array().unwrap() {
            let goal = Goal::parse(row["goal"].as_str().unwrap());
            let tokens = prompt::encode(&bundle.tokenizer, &goal, bundle.limits());
            let expected: Vec<u32> = numbers(&row["tokens"]).iter().map(|x| *x as u32).collect();
            assert_eq!(tokens, expected, "{name}");
            let logits = session.logits(&tokens).unwrap();
            let last = row["logits"].as_array().unwrap();
            for (ours, theirs) in logits.rows().into_iter().skip(tokens.len() - last.len()).zip(last) {
                for (a, b) in ours.iter().zip(numbers(theirs)) {
                    assert!((a - b).abs() < 1e-3, "{name}: {a} {b}");
                }
            }
        }
    }
}

#[test]
fn bundles_are_listed_shown_used_and_removed() {
    let home = support::scratch("model-use");
    let folder = data("qwen2");
    let add = ["add", folder.to_str().unwrap(), "--prompt", "{goal}", "--name", "mine"];
    done(&home, &[&add[..], &["--use"]].concat());
    let listed = || -> Vec<(String, bool)> {
        let list: Value = serde_json::from_str(&done(&home, &["list", "--json"])).unwrap();
        let row = |b: &Value| (b["name"].as_str().unwrap().to_owned(), b["in_use"] == true);
        list["bundles"].as_array().unwrap().iter().map(row).collect()
    };
    assert_eq!(listed(), [("mine".to_owned(), true), ("core-small".to_owned(), false)]);
    assert!(done(&home, &["show"]).contains("# mine"));
    let shown: Value = serde_json::from_str(&done(&home, &["show", "mine", "--json"])).unwrap();
    assert_eq!(shown["prompt_text"], "{goal}");

    let (code, message) = fails(&home, &["remove", "mine"]);
    assert!(
        code == Some(2) && message.contains("in use") && message.contains("model use core-small"),
        "{message}"
    );
    done(&home, &["use", "core-small"]);
    done(&home, &["remove", "mine"]);
    assert_eq!(listed(), [("core-small".to_owned(), true)]);
    let (code, message) = fails(&home, &["use", "mine"]);
    assert!(code == Some(3) && message.contains("`mine`"), "{message}");
}

#[test]
fn what_cannot_be_computed_is_refused_by_name() {
    let home = support::scratch("model-refused");
    let folder = support::scratch("checkpoint");
    for entry in std::fs::read_dir(data("llama-biased")).unwrap() {
        let from = entry.unwrap().path();
        std::fs::copy(&from, folder.join(from.file_name().unwrap())).unwrap();
    }
    let add = ["add", folder.to_str().unwrap(), "--name", "odd"];
    let with_prompt = [&add[..], &["--prompt", "{goal}"]].concat();
    let (code, message) = fails(&home, &add);
    assert!(code == Some(4) && message.contains("--prompt"), "{message}");

    let plain = json(&folder.join("config.json"));
    for (key, value) in [
        ("rope_parameters", serde_json::json!({"rope_type": "llama3", "factor": 8.0, "rope_theta": 1e4})),
        ("model_type", "gpt2".into()),
        ("hidden_act", "gelu".into()),
    ] {
        let mut config = plain.clone();
        config[key] = value;
        std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
        let (code, message) = fails(&home, &with_prompt);
        let named = message.contains(key) || message.contains("rope_type");
        assert!(code == Some(4) && named, "{key}: {message}");
    }
    std::fs::write(folder.join("config.json"), plain.to_string()).unwrap();
    std::fs::remove_file(folder.join("model.safetensors")).unwrap();
    let (code, message) = fails(&home, &with_prompt);
    assert!(code.is_some_and(|c| c != 0) && message.contains("model.safetensors"), "{message}");
    assert!(!home.join("data/models/odd").exists());
}

/// The shipped bundle loads in `transformers` as it stands, with these logits.
#[test]
fn the_shipped_bundle_computes_what_transformers_computes() {
    let reference = json(&support::root().join("tests/data/core-small-logits.json"));
    let bundle = Bundle::open(&support::root().join("models/core-small")).unwrap();
    assert_eq!(
        bundle.manifest.files["model.safetensors"].sha256,
        reference["model_safetensors_sha256"].as_str().unwrap(),
        "other weights: run scripts/transformers_logits.py again"
    );
    let mut session = session(&bundle);
    for example in reference["examples"].as_array().unwrap() {
        let tokens: Vec<u32> = numbers(&example["tokens"]).iter().map(|x| *x as u32).collect();
        let special = bundle.tokenizer.special();
        let goal = bundle.tokenizer.encode(example["goal"].as_str().unwrap());
        let tactic = bundle.tokenizer.encode(example["tactic"].as_str().unwrap());
        let ours = [&[special.bos][..], &goal, &[special.tactic], &tactic, &[special.eos]].concat();
        assert_eq!(ours, tokens, "both encode alike");
        let logits = session.logits(&tokens).unwrap();
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-3, "{a} {b}");
        for (i, row) in logits.rows().into_iter().enumerate() {
            let best = example["best"][i].as_u64().unwrap() as usize;
            close(row[best], example["best_logits"][i].as_f64().unwrap() as f32);
            close(row[7], example["logits_of_7"][i].as_f64().unwrap() as f32);
        }
        let behind = numbers(&example["behind_prompt"]);
        logits.row(goal.len() + 1).iter().zip(behind).for_each(|(a, b)| close(*a, b));
    }
}
