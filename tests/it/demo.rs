//! The main job, end to end, by the program that a person runs.

use std::process::Command;

use serde_json::Value;

use crate::support;

fn demo(arguments: &[&str]) -> Value {
    let dirs = support::dirs();
    let _permit = support::permits_blocking(1);
    let mut command = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
    command.args(["demo", "--json"]).args(arguments);
    command.env("LEAN_COPILOT_CACHE_DIR", &dirs.cache).env("LEAN_COPILOT_SHARE_DIR", &dirs.share);
    let output = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"))
}

fn sources(row: &Value) -> Vec<&str> {
    row["sources"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect()
}

#[test]
fn the_demo_goes_from_a_goal_to_a_better_policy() {
    let report = demo(&[]);
    assert_eq!(report["proof_complete"], true, "{report:#}");
    let accepted = report["accepted"].as_array().unwrap();
    assert!(
        accepted.iter().any(|a| sources(a) == ["policy"]),
        "a step that only the policy found: {accepted:#?}"
    );
    assert!(report["file_before"].as_str().unwrap().contains("sorry"));
    assert!(!report["file_after"].as_str().unwrap().contains("sorry"));

    // Every candidate has its verdict, and only what Lean took was taken.
    let verdicts = report["verdicts"].as_array().unwrap();
    assert_eq!(report["candidates"].as_array().unwrap().len(), verdicts.len());
    for a in accepted {
        let of = |v: &&Value| v["step"] == a["step"] && v["tactic"] == a["tactic"];
        let kind =
            verdicts.iter().find(of).expect("an accepted step has a verdict")["verdict"]["kind"].clone();
        assert!(kind == "closes" || kind == "progress", "{kind}");
    }
    assert!(report["feedback_rows"].as_u64().unwrap() >= verdicts.len() as u64);

    let tuned = &report["finetune"];
    assert!(tuned["loss_after"].as_f64() < tuned["loss_before"].as_f64(), "{tuned:#}");
    assert!(tuned["heldout_after"].as_f64().unwrap() < 1.02 * tuned["heldout_before"].as_f64().unwrap());
    assert!(tuned["parity_max_abs_diff"].as_f64().unwrap() < 1e-3);
    assert_ne!(tuned["bundle"], tuned["bundle_before"]);
    assert_eq!(report["bundle_in_use"], tuned["bundle"], "the running server took the new bundle up");
}

#[test]
fn a_file_of_ones_own_is_proved_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Mine.lean");
    let text = "theorem mine (p q r : Prop) (h : p ∧ q) (k : q → r) : r ∧ p := by\n";
    std::fs::write(&file, text).unwrap();
    let report = demo(&["--file", file.to_str().unwrap(), "--steps", "2"]);
    assert_eq!(report["proof_complete"], true, "{:#}", report["accepted"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "the file was touched");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left beside the file");
}

#[test]
fn a_file_without_an_open_proof_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Done.lean");
    std::fs::write(&file, "theorem t : True := trivial\n").unwrap();
    let dirs = support::dirs();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
    command.args(["demo", "--file"]).arg(&file).env("LEAN_COPILOT_CACHE_DIR", &dirs.cache);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no open proof"), "{output:?}");
}
