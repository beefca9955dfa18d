//! The shipped examples: what is held out is held out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lean_copilot::proof::ProofStep;
use lean_copilot::trace::overlap::{NEAR, Statement};
use lean_copilot::train::dataset::HeldOut;

fn steps(file: &str) -> Vec<ProofStep> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|l| serde_json::from_str(l).expect("a step a line")).collect()
}

/// The first goal of each declaration.
fn statements(steps: &[ProofStep]) -> BTreeMap<&str, Statement> {
    steps
        .iter()
        .filter(|s| s.step == 0)
        .map(|s| (s.decl.as_str(), Statement::new(&s.state_before[0])))
        .collect()
}

#[test]
fn no_held_out_statement_is_an_instance_of_a_training_one() {
    let (train, held) = (steps("steps.jsonl"), steps("heldout/steps.jsonl"));
    let (train, held) = (statements(&train), statements(&held));
    assert!(train.len() > 500 && held.len() > 100, "{} and {} theorems", train.len(), held.len());
    let mut bad = Vec::new();
    for (name, h) in &held {
        for (other, t) in &train {
            if h.is_instance_of(t) {
                bad.push(format!("{name} is an instance of {other}"));
            } else if h.similarity(t) >= NEAR {
                bad.push(format!("{name} is nearly {other} ({:.2})", h.similarity(t)));
            }
        }
    }
    assert!(bad.is_empty(), "{} pairs: {bad:#?}", bad.len());
}

#[test]
fn training_and_held_out_files_are_different_files() {
    let files = |s: &[ProofStep]| s.iter().map(|s| s.file.clone()).collect::<BTreeSet<_>>();
    let (train, held) = (files(&steps("steps.jsonl")), files(&steps("heldout/steps.jsonl")));
    assert!(held.iter().all(|f| f.contains("heldout/")), "{held:?}");
    assert!(train.iter().all(|f| !f.contains("heldout")), "{train:?}");
}

#[test]
fn the_committed_list_names_every_held_out_declaration() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/heldout.json");
    let listed = HeldOut::read(&file).expect("the list is readable");
    let traced = HeldOut::of(&steps("heldout/steps.jsonl"));
    assert_eq!(
        listed, traced,
        "write it anew: lean-copilot finetune --list-held-out examples/heldout/steps.jsonl > examples/heldout.json"
    );
}
