//! Lean files to proof steps, and other tactics at them, by the real Lean.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lean_copilot::proof::ProofStep;
use lean_copilot::trace::play::{Answer, Table};
use lean_copilot::trace::{FileReport, TraceOptions, trace_files};

use crate::support;

fn options(folder: &Path) -> TraceOptions {
    TraceOptions::new(support::dirs(), folder, &[], 1).expect("a Lean")
}

fn trace(files: &[PathBuf]) -> Vec<FileReport> {
    let _permit = support::permits_blocking(1);
    let reports = Mutex::new(Vec::new());
    let folder = files[0].parent().unwrap();
    trace_files(files, &options(folder), &AtomicBool::new(false), |r| reports.lock().unwrap().push(r))
        .unwrap();
    let mut reports = reports.into_inner().unwrap();
    reports.sort_by(|a, b| a.file.cmp(&b.file));
    reports
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, text).unwrap();
    file
}

const NESTED: &str = "\
theorem t (p q : Prop) (h : p ∨ q) : q ∨ p := by
  have k : p ∨ q := by
    exact h
  cases k with
  | inl hp =>
    right
    exact hp
  | inr hq => exact Or.inl hq

theorem both (a b : Nat) (h : a = b) : b = a ∧ a + 0 = b := by
  constructor <;> simp [h, Nat.add_comm]

theorem chain (a b c : Nat) (h : a = b) (k : b = c) : a + 1 = c + 1 := by
  calc a + 1 = b + 1 := by rw [h]
    _ = c + 1 := by rw [k, Nat.add_comm]

theorem broken : 1 = 2 := by
  omega
";

#[test]
fn blocks_become_actions_with_holes() {
    let folder = tempfile::tempdir().unwrap();
    let report = trace(&[write(folder.path(), "Nested.lean", NESTED)]).remove(0);
    let find = |tactic: &str| -> &ProofStep {
        report
            .steps
            .iter()
            .find(|s| s.tactic == tactic)
            .unwrap_or_else(|| panic!("{tactic}: {:#?}", report.steps))
    };
    let have = find("have k : p ∨ q := ?_");
    assert_eq!(have.states_after.len(), 2, "the statement and what follows");
    assert_eq!(find("exact h").parent, Some(have.step));
    let cases = find("cases k with | inl hp => ?_ | inr hq => ?_");
    let targets: Vec<&str> = cases.states_after.iter().map(|g| g.target.as_str()).collect();
    assert_eq!(targets, ["q ∨ p", "q ∨ p"]);
    assert_eq!((cases.range.start, cases.decl.as_str()), ((4, 3), "t"));
    assert_eq!(find("right").states_after[0].target, "p");

    // Both sides of `<;>` are steps of their own below the whole.
    let whole = find("constructor <;> simp [h, Nat.add_comm]");
    assert_eq!((whole.parent, whole.states_after.len()), (None, 0));
    let constructor = find("constructor");
    assert_eq!((constructor.parent, constructor.states_after.len()), (Some(whole.step), 2));
    let simp: Vec<&ProofStep> =
        report.steps.iter().filter(|s| s.tactic == "simp [h, Nat.add_comm]").collect();
    assert_eq!(simp.len(), 2, "once a goal");
    assert!(simp.iter().all(|s| s.parent == Some(whole.step)));
    let calc = report.steps.iter().find(|s| s.tactic.starts_with("calc")).unwrap();
    assert_eq!(calc.states_after.len(), 2, "{}", calc.tactic);

    // What a step rests on, by the names that a person would cite.
    assert_eq!(find("rw [k, Nat.add_comm]").premises, ["Nat.add_comm"]);
    assert_eq!(find("exact Or.inl hq").premises, Vec::<String>::new());
    assert_eq!(calc.premises, Vec::<String>::new(), "what its steps rest on is theirs");

    // A file with an error is traced as far as it goes, and said to have one.
    assert_eq!((report.declarations, report.clean), (4, 3));
    assert_eq!(report.errors, 1);
    assert!(report.problem.is_some());
    assert!(find("omega").error.is_some());
}

#[test]
fn other_tactics_are_tried_at_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "Nested.lean", NESTED);
    let report = trace(std::slice::from_ref(&file)).remove(0);
    let cases = report.steps.iter().find(|s| s.tactic.starts_with("cases")).unwrap();
    let _permit = support::permits_blocking(1);
    let table = Table::new(std::slice::from_ref(&file), &options(folder.path())).unwrap();
    let mut player = table.player(&file).unwrap();
    let at = player.bytes(cases.range).unwrap();
    player.open(vec![at]).unwrap();
    let mut run = |tactic: &str| player.run(at, &[], tactic, 20_000, Duration::from_secs(60)).unwrap();
    let led = run(&cases.tactic).goals();
    assert_eq!(led, Some(cases.states_after.clone()), "the author's own tactic leads where it led");
    assert!(run("exact Or.symm k").closes());
    for refused in ["omega", "not a tactic", "sorry"] {
        let answer = run(refused).answer;
        assert!(matches!(answer, Answer::Error { .. }), "{refused}: {answer:?}");
    }
}

#[test]
fn the_shipped_steps_are_those_of_the_shipped_files() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let files = ["ListReverse.lean", "Parity.lean"].map(|f| examples.join(f));
    let text = std::fs::read_to_string(examples.join("steps.jsonl")).unwrap();
    let shipped: Vec<ProofStep> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    for report in trace(&files) {
        let name = report.file.file_name().unwrap().to_string_lossy().into_owned();
        let ours: Vec<&ProofStep> = shipped.iter().filter(|s| s.file == format!("examples/{name}")).collect();
        assert!(ours.len() > 20, "{name}");
        assert_eq!(report.steps.len(), ours.len(), "{name}");
        for (new, old) in report.steps.iter().zip(ours) {
            assert_eq!(
                (&new.decl, &new.tactic, &new.states_after),
                (&old.decl, &old.tactic, &old.states_after)
            );
        }
    }
}
