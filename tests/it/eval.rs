//! `lean-copilot eval` on a few theorems whose figures are worked out by hand, by the real Lean.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lean_copilot::trace::TraceOptions;
use lean_copilot::trace::play::{Answer, Table};
use serde_json::Value;

use crate::support;

/// Ten steps. `unbounded` has the three hard ones: `have`, `intro`, and the last, which must find the number.
const THEOREMS: &str = "\
theorem both (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor
  · exact hp
  · exact hq

@[simp] theorem turned (a b : Nat) (h : a = b) : b = a := by
  exact h.symm

theorem unbounded (f : Nat → Nat) (h : ∀ n, f n < f (n + 1)) : ∃ n, 1000 < f n := by
  have grows : ∀ n, n ≤ f n := by
    intro n
    induction n with
    | zero => exact Nat.zero_le _
    | succ n ih => exact Nat.lt_of_le_of_lt ih (h n)
  exact ⟨1001, grows 1001⟩
";

fn write(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("Measured.lean");
    std::fs::write(&file, text).unwrap();
    file
}

/// The report as JSON, without what differs from run to run, and that.
fn eval(file: &Path, args: &[&str]) -> (Value, Value) {
    let dirs = support::dirs();
    let output = Command::new(env!("CARGO_BIN_EXE_lean-copilot"))
        .arg("eval")
        .arg(file)
        .args(["--json", "--budget", "100s"])
        .args(args)
        .env("LEAN_COPILOT_CACHE_DIR", &dirs.cache)
        .env("LEAN_COPILOT_DATA_DIR", &dirs.data)
        .env("LEAN_COPILOT_CONFIG_DIR", &dirs.config)
        .env("LEAN_COPILOT_STATE_DIR", &dirs.state)
        .env("LEAN_COPILOT_SHARE_DIR", &dirs.share)
        .output()
        .expect("eval runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let mut report: Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
    let times = report.as_object_mut().unwrap().remove("times").expect("times");
    (report, times)
}

#[test]
fn shares_are_what_a_person_counts_and_come_out_the_same() {
    let _permit = support::permits_blocking(1);
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), THEOREMS);
    let plots = folder.path().join("plots");
    let rows = folder.path().join("rows.jsonl");
    let args = [
        "--finish",
        "portfolio,baseline,all",
        "--plot",
        plots.to_str().unwrap(),
        "--rows",
        rows.to_str().unwrap(),
    ];
    // The cache is that of every run on this machine.
    let (report, times) = eval(&file, &[&args[..], &["--fresh"]].concat());
    let share = |set: &str, metric: &str| report["sources"][set][metric].as_f64().unwrap();
    let near = |value: f64, wanted: f64| assert!((value - wanted).abs() < 1e-9, "{value}: {report:#}");

    let counts = |r: &Value| ["steps", "theorems", "k"].map(|name| r[name].as_u64().unwrap());
    assert_eq!(counts(&report), [10, 3, 8]);
    // Not: `have`, `intro`, `induction`, the last `exact`.
    near(share("portfolio", "closes"), 0.6);
    // `constructor` and `intro n` are in it, and where the author closes the goal any way of closing counts.
    near(share("portfolio", "same_state"), 0.7);
    near(share("portfolio", "exact"), 0.2);
    // `try?` finds the induction, once the number has a name.
    near(share("baseline", "closes"), 0.7);
    near(share("portfolio", "finished"), 2.0 / 3.0);
    near(share("baseline", "finished"), 2.0 / 3.0);
    assert!(share("all", "closes") >= share("baseline", "closes"), "{report:#}");
    assert!(share("all", "finished") >= share("baseline", "finished"), "{report:#}");
    assert_eq!(report["sources"]["policy"].get("finished"), None, "it did not play");

    let hard = &report["hard"];
    assert_eq!((hard["steps"].as_u64(), hard["undecided"].as_u64()), (Some(3), Some(0)), "{report:#}");
    assert_eq!(hard["sources"]["baseline"]["closes"], 0.0);
    assert!(hard["sources"]["policy"]["same_state"].is_f64());
    assert!(
        report["paired"].as_array().unwrap().iter().any(|p| p["of"] == "all" && p["metric"] == "finished")
    );
    for plot in ["same-state.svg", "hard-same-state.svg", "finished.svg"] {
        assert!(std::fs::read_to_string(plots.join(plot)).unwrap().contains("<svg"), "{plot}");
    }
    assert!(times["ran"].as_u64().unwrap() > 100);

    // Case by case: what was shown at each step, and the proofs as they were played.
    let text = std::fs::read_to_string(&rows).unwrap();
    let cases: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(cases.len(), 13);
    let first = &cases[0];
    assert_eq!((first["decl"].as_str(), first["author"].as_str()), (Some("both"), Some("constructor")));
    let shown = first["shown"]["portfolio"].as_array().unwrap();
    assert!(shown.iter().any(|l| l["tactic"] == "constructor" && l["same_state"] == true), "{first:#}");
    let both = cases.iter().find(|c| c["kind"] == "theorem" && c["decl"] == "both").unwrap();
    assert_eq!((&both["finished"]["all"], both["finished"].get("policy")), (&Value::Bool(true), None));
    assert!(!both["played"]["all"].as_array().unwrap().is_empty(), "{both:#}");

    let (again, times) = eval(&file, &args);
    assert_eq!(again.to_string(), report.to_string());
    assert_eq!(times["ran"], 0, "all of it was known: {times}");

    let draw = ["--sample", "4", "--theorems", "1", "--seed", "3", "--finish", "baseline"];
    let (drawn, times) = eval(&file, &draw);
    assert_eq!(counts(&drawn), [4, 1, 8]);
    assert_eq!(times["ran"], 0, "what is drawn was measured before: {times}");
}

#[test]
fn nothing_is_proved_by_itself_and_states_follow_from_states() {
    let _permit = support::permits_blocking(1);
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), THEOREMS);
    let options = TraceOptions::new(support::dirs(), folder.path(), &[], 1).expect("a Lean");
    let table = Table::new(std::slice::from_ref(&file), &options).unwrap();
    let mut player = table.player(&file).unwrap();
    let at = |text: &str| {
        let start = THEOREMS.find(text).unwrap();
        (start, start + text.len())
    };
    let places = [at("constructor"), at("exact h.symm")];
    let opened = player.open(places.to_vec()).unwrap();
    assert_eq!(opened.places.len(), 2);
    assert_eq!(opened.places[&places[0]].block.0, places[0].0, "it begins its proof");
    assert!(opened.lines.is_empty());
    let mut run = |place: usize, path: &[&str], tactic: &str, heartbeats: u64, seconds: u64| {
        let path: Vec<String> = path.iter().map(|t| (*t).to_owned()).collect();
        player.run(places[place], &path, tactic, heartbeats, Duration::from_secs(seconds)).unwrap()
    };

    // The environment that Lean keeps is the one after the theorem, and `turned` is a simp lemma there.
    for itself in ["exact turned a b h", "exact _root_.turned a b h", "apply turned; exact h"] {
        let ran = run(1, &[], itself, 5000, 60);
        assert!(matches!(&ran.answer, Answer::Error { .. }), "{itself}: {ran:?}");
    }
    let searched = run(1, &[], "exact?", 100_000, 120);
    let said = searched.messages.join("\n");
    assert!(searched.closes() && !said.contains("turned"), "{said}");

    let both = run(0, &[], "constructor", 5000, 60);
    assert_eq!(both.goals().unwrap().len(), 2);
    let left = run(0, &["constructor"], "exact hp", 5000, 60);
    assert!(left.closes() && !left.completes(), "the other one is open: {left:?}");
    let right = run(0, &["constructor", "exact hp"], "exact hq", 5000, 60);
    assert!(right.completes(), "{right:?}");
    let refused = run(0, &["constructor", "exact hq"], "exact hq", 5000, 60);
    assert!(matches!(refused.answer, Answer::Error { .. }), "the path does not exist");

    // What no heartbeat stops is stopped by the clock, and the next question is answered.
    let endless = "have : ∀ a b c d e : Fin 100, a.val + b.val + c.val + d.val + e.val = \
                   e.val + d.val + c.val + b.val + a.val := by decide +kernel";
    let stopped = run(0, &[], endless, 100_000_000, 5);
    assert!(matches!(&stopped.answer, Answer::Lost { .. }), "{stopped:?}");
    assert!(run(0, &["constructor"], "exact hp", 5000, 60).closes());

    let wrong = THEOREMS.replace("exact h.symm", "exact h").replace("exact hq", "sorry");
    let lines = player.check(&wrong).unwrap().lines;
    assert!(lines.contains(&1) && lines.contains(&7), "a `sorry` and an error: {lines:?}");
}
