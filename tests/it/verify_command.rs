//! `lean-copilot verify` as a program uses it: a JSON list on standard input, one JSON object out.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support;

/// Runs `verify` with a text on standard input.
fn verify(args: &[&str], input: &str) -> Output {
    let mut child = support::program()
        .arg("verify")
        .args(args)
        .env("LEAN_COPILOT_VERIFY_TIMEOUT_MS", "30000")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // It may have ended already, for a reason that its output tells.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().expect("the program ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_json_list_is_answered_tactic_by_tactic() {
    let folder = support::scratch("verify-json");
    let file = folder.join("Λ.lean");
    let text = "-- ∀ before\nmacro \"cheat\" : tactic => `(tactic| sorry)\n\
                theorem t (p q r : Prop) (hp : p) (hq : q) (hr : r) : p ∧ q ∧ r := by\n  constructor\n  · exact hp\n  · sorry\n\n\
                def two : Nat := by\n  sorry\nexample : two = 2 := by decide\n";
    std::fs::write(&file, text).unwrap();
    let _permit = support::permit().await;
    let at = |place: &str| format!("{}:{place}", file.display());
    let tactics = json!([
        "constructor\n· exact hq\n· exact hr",
        "exact ⟨hq, hr⟩",
        "rfl",
        "exact ⟨hq, hr⟩",
        "constructor",
        "refine ⟨?_, by cheat⟩",
        "",
        "first | exact ⟨hq, hr⟩ | sorry"
    ]);
    let out = tokio::task::block_in_place(|| verify(&[&at("6:5"), "--json"], &tactics.to_string()));
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let out: Value = serde_json::from_slice(&out.stdout).expect("one JSON object");
    assert_eq!(out["goal"]["target"], "q ∧ r");
    assert!(out["elapsed_ms"].as_f64().unwrap() > 0.0);
    let verdicts = out["verdicts"].as_array().unwrap();
    let given: Vec<&Value> = verdicts.iter().map(|v| &v["tactic"]).collect();
    assert_eq!(given, tactics.as_array().unwrap().iter().collect::<Vec<_>>(), "each, as given, in order");
    let said: Vec<(&str, bool)> = verdicts
        .iter()
        .map(|v| (v["verdict"]["kind"].as_str().unwrap(), v["verdict"]["completes"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("closes", true),
            ("closes", true),
            ("error", false),
            ("closes", true),
            ("progress", false),
            ("error", false),
            ("error", false),
            ("closes", true),
        ],
        "{verdicts:#?}"
    );
    assert!(verdicts[5]["verdict"]["message"].as_str().unwrap().contains("sorry"), "{}", verdicts[5]);

    // What follows a definition counts.
    let out = tokio::task::block_in_place(|| verify(&[&at("9:3"), "--json", "exact 2", "exact 3"], ""));
    let out: Value = serde_json::from_slice(&out.stdout).expect("one JSON object");
    let completes: Vec<&Value> =
        out["verdicts"].as_array().unwrap().iter().map(|v| &v["verdict"]["completes"]).collect();
    assert_eq!(completes, [true, false], "{out:#}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "the file is as it was");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing else is written beside it");
}

#[test]
fn a_list_that_is_none_is_refused_before_lean_starts() {
    let folder = support::scratch("verify-stdin");
    let file = folder.join("A.lean");
    std::fs::write(&file, "theorem t : True := by\n  sorry\n").unwrap();
    let place = format!("{}:2:3", file.display());
    for (args, input) in
        [(vec!["-"], "simp"), (vec![], "[1]"), (vec![], ""), (vec!["-"], "{\"tactics\": []}")]
    {
        let out = verify(&[&[place.as_str()][..], &args].concat(), input);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{input:?}: {said}");
        assert!(said.contains("not a JSON list of strings") && said.contains("hint: "), "{said}");
        assert!(out.stdout.is_empty());
    }
    let help = verify(&["--help"], "");
    assert!(String::from_utf8_lossy(&help.stdout).contains("Examples:"));
}
