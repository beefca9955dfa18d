//! The text filter against two lists: tactics that run code or fake a proof, however they hide it
//! (`tests/filter/refused.jsonl`), and ordinary ones that look alike (`tests/filter/passed.jsonl`).

use std::time::Duration;

use lean_copilot::proof::tactic::refusal;
use lsp_types::DiagnosticSeverity;
use serde::Deserialize;

use crate::support::{Server, root};

#[derive(Debug, Deserialize)]
struct Entry {
    tactic: String,
    /// What the real Lean shows that it does: `fakes` (proves what is false), `runs` (code of its own).
    shows: Option<String>,
}

fn list(name: &str) -> Vec<Entry> {
    let text = std::fs::read_to_string(root().join("tests/filter").join(name)).expect("the list");
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}"))).collect()
}

#[test]
fn what_runs_code_or_fakes_a_proof_is_refused() {
    let refused = list("refused.jsonl");
    assert!(refused.len() >= 60, "{}", refused.len());
    let passed: Vec<&str> =
        refused.iter().map(|e| e.tactic.as_str()).filter(|t| refusal(t).is_none()).collect();
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn what_only_looks_dangerous_passes() {
    let ordinary = list("passed.jsonl");
    assert!(ordinary.len() >= 60, "{}", ordinary.len());
    let refused: Vec<(&str, String)> =
        ordinary.iter().filter_map(|e| Some((e.tactic.as_str(), refusal(&e.tactic)?))).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// A long tactic of a proof is no tactic of a person or a model.
#[test]
fn what_is_too_long_is_refused() {
    assert_eq!(refusal(&format!("simp [{}]", "a, ".repeat(300))), None);
    assert!(refusal(&"simp; ".repeat(1000)).is_some());
}

/// The list is no invention: what it says that Lean would do, Lean does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lean_would_have_taken_what_is_refused() {
    let server = Server::start(&["-Dserver.reportDelayMs=0"]).await;
    let uri = "file:///filter/A.lean";
    let mut wrong = Vec::new();
    let mut seen = 0;
    let shown = list("refused.jsonl").into_iter().filter_map(|e| Some((e.tactic, e.shows?)));
    for (version, (tactic, shows)) in (1..).zip(shown) {
        let target = if shows == "fakes" { "2 + 2 = 5" } else { "True" };
        let indented = tactic.replace('\n', "\n  ");
        let end = if shows == "runs" && !tactic.contains("trivial") { "\n  all_goals trivial" } else { "" };
        let text = format!("import Lean\ntheorem t : {target} := by\n  {indented}{end}\n");
        match version {
            1 => server.client.open(uri, version, &text).unwrap(),
            _ => server.client.replace(uri, version, &text).unwrap(),
        }
        let said = server.client.barrier(uri, version, Duration::from_secs(120)).await;
        let said = said.unwrap_or_else(|e| panic!("{tactic:?}: {e}"));
        let has = |severity, words: &str| {
            said.iter().any(|d| d.severity == Some(severity) && d.message.contains(words))
        };
        let as_said = match shows.as_str() {
            "fakes" => !has(DiagnosticSeverity::ERROR, ""),
            "runs" => has(DiagnosticSeverity::INFORMATION, "ran"),
            other => panic!("`{other}` is unknown"),
        };
        seen += 1;
        if !as_said {
            let said: Vec<&str> = said.iter().map(|d| d.message.as_str()).collect();
            wrong.push((tactic, shows, said.join(" / ")));
        }
    }
    assert!(seen >= 20, "only {seen} are shown");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
