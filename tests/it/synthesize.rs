//! Steps that Lean makes up, by the real Lean.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use lean_copilot::proof::{Origin, ProofStep};
use lean_copilot::trace::TraceOptions;
use lean_copilot::trace::play::Table;
use lean_copilot::train::dataset::read_steps;

use crate::support;

/// `twice` and its theorems; most variants of the second are false.
const FILE: &str = "\
namespace Made

def twice : List α → List α
  | [] => []
  | x :: xs => x :: x :: twice xs

theorem twice_append (xs ys : List α) : twice (xs ++ ys) = twice xs ++ twice ys := by
  induction xs with
  | nil => rfl
  | cons x xs ih => simp [twice, ih]

theorem bound (a b c : Nat) (h : a < b) (k : b < c) : a + 1 < c := by
  omega

end Made
";

fn synthesize(folder: &Path, args: &[&str]) -> Output {
    let mut command = support::program();
    let output = command.current_dir(folder).arg("synthesize").args(args).output().expect("the program runs");
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn answers_and_variants_are_steps_that_lean_takes() {
    let folder = support::scratch("synthesize");
    std::fs::write(folder.join("Made.lean"), FILE).unwrap();
    let _permit = support::permits_blocking(1);
    let traced =
        support::program().current_dir(&folder).args(["trace", "Made.lean", "--out", "steps.jsonl"]).output();
    assert!(traced.unwrap().status.success());
    let args = ["steps.jsonl", "--out", "more.jsonl", "--json", "--variants", "4", "--jobs", "1"];
    let output = synthesize(&folder, &args);
    assert!(output.status.success());
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let written = read_steps(&[folder.join("steps.jsonl")]).unwrap();
    let made = read_steps(&[folder.join("more.jsonl")]).unwrap();
    let of = |origin| -> Vec<&ProofStep> { made.iter().filter(|s| s.origin == origin).collect() };
    let (answers, variants) = (of(Origin::Search), of(Origin::Variant));
    assert_eq!(summary["counts"]["answers"], answers.len(), "{summary}");
    assert_eq!(summary["counts"]["variant_steps"], variants.len(), "{summary}");
    assert!(!answers.is_empty() && !variants.is_empty(), "{summary}");
    assert!(summary["counts"]["unproved"].as_u64() > Some(0), "some variants are false: {summary}");

    // Answers: not what was written, and Lean takes them at that place with that result.
    let options = TraceOptions::new(support::dirs(), &folder, &[], 1).unwrap();
    let file = folder.join("Made.lean");
    let table = Table::new(std::slice::from_ref(&file), &options).unwrap();
    let mut player = table.player(&file).unwrap();
    let places: Vec<_> = answers.iter().map(|s| player.bytes(s.range).unwrap()).collect();
    player.open(places.clone()).unwrap();
    for (s, at) in answers.iter().zip(places) {
        let here = |w: &&ProofStep| w.state_before[0].normal_form() == s.state_before[0].normal_form();
        assert!(written.iter().filter(here).all(|w| w.tactic != s.tactic), "`{}` is the author's", s.tactic);
        let led = player.run(at, &[], &s.tactic, 20_000, Duration::from_secs(60)).unwrap();
        assert_eq!(led.goals().as_ref(), Some(&s.states_after), "`{}`", s.tactic);
        assert_ne!(s.states_after, s.state_before, "`{}` gets on", s.tactic);
    }

    // Variants: each proof begins with a statement that is not the theorem's, and its steps follow on each other.
    let names: BTreeSet<&str> = variants.iter().map(|s| s.decl.as_str()).collect();
    for name in names {
        let proof: Vec<&&ProofStep> = variants.iter().filter(|s| s.decl == name).collect();
        let original = written.iter().find(|w| w.decl == proof[0].written_decl() && w.step == 0).unwrap();
        assert_ne!(proof[0].state_before[0].normal_form(), original.state_before[0].normal_form(), "{name}");
        for pair in proof.windows(2) {
            let rest = pair[0].state_before[1..].iter();
            let left: Vec<_> = pair[0].states_after.iter().chain(rest).map(|g| g.text.as_str()).collect();
            let next: Vec<_> = pair[1].state_before.iter().map(|g| g.text.as_str()).collect();
            assert_eq!(left, next, "{name}: `{}` is followed by `{}`", pair[0].tactic, pair[1].tactic);
        }
        let last = proof.last().unwrap();
        assert!(last.states_after.is_empty() && last.state_before.len() == 1, "{name} is proved");
    }

    // What is done is not done again.
    let before = std::fs::read(folder.join("more.jsonl")).unwrap();
    let output = synthesize(&folder, &args);
    let again: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&again["done_before"], &again["steps"]), (&1.into(), &summary["steps"]));
    assert_eq!(std::fs::read(folder.join("more.jsonl")).unwrap(), before);
}

#[test]
fn nothing_is_made_of_held_out_declarations() {
    let folder = support::scratch("synthesize-held-out");
    let steps = support::root().join("examples/heldout/steps.jsonl");
    let output = synthesize(&folder, &[steps.to_str().unwrap(), "--out", "more.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to make steps of"));
    assert!(!folder.join("more.jsonl").exists());
}
