//! `suggest` and `verify` as a person or a program uses them, and the pipeline under them.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use lean_copilot::config::Settings;
use lean_copilot::lsp::position;
use lean_copilot::proof::Source;
use lean_copilot::suggest::{Pipeline, SuggestRequest, Update};
use lean_copilot::verify::Place;
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::Value;

use crate::support;

const TEXT: &str =
    "theorem t (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  sorry\n\ntheorem u : 2 + 2 = 4 := by\n  rfl\n";

/// Runs the program in this test process's directories. One at a time: each starts a Lean.
fn run(args: &[&str]) -> Output {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(|e| e.into_inner());
    support::program()
        .args(args)
        .env("LEAN_COPILOT_VERIFY_TIMEOUT_MS", "20000")
        .output()
        .expect("the program starts")
}

fn file(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("Ä b.lean");
    std::fs::write(&path, text).unwrap();
    path
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object on standard output")
}

#[test]
fn suggest_gives_what_lean_accepts_best_first_and_leaves_the_file_alone() {
    let folder = support::scratch("suggest");
    let path = file(&folder, TEXT);
    let place = format!("{}:2:3", path.display());
    let out = json(&run(&["suggest", &place, "--json", "--tried"]));
    assert_eq!(out["goal"]["target"], "q ∧ p");
    assert_eq!(out["goals"].as_array().unwrap().len(), 1);
    let suggestions = out["suggestions"].as_array().unwrap();
    assert!(!suggestions.is_empty());
    assert_eq!(suggestions[0]["verdict"]["completes"], true);
    for s in suggestions {
        assert!(["closes", "progress"].contains(&s["verdict"]["kind"].as_str().unwrap()));
        assert!(s["id"].is_string() && s["edit"]["newText"].is_string());
        assert_eq!(s["edit"]["range"]["start"]["line"], 1);
    }
    let tried = out["tried"].as_array().unwrap();
    let rfl = tried.iter().find(|t| t["tactic"] == "rfl").expect("`rfl` was tried");
    assert!(rfl["verdict"]["message"].as_str().unwrap().contains("rfl"), "Lean's words are kept");
    assert!(out["elapsed_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(std::fs::read_to_string(path).unwrap(), TEXT);
}

#[test]
fn a_step_comes_with_what_finishes_it_where_nothing_closes_the_goal() {
    let text = "inductive Bin\n  | nil\n  | twice (b : Bin)\n  | twiceOne (b : Bin)\n\nnamespace Bin\n\n\
        def value : Bin → Nat\n  | nil => 0\n  | twice b => value b + value b\n  | twiceOne b => value b + value b + 1\n\n\
        def inc : Bin → Bin\n  | nil => twiceOne nil\n  | twice b => twiceOne b\n  | twiceOne b => twice (inc b)\n\n\
        theorem value_inc (b : Bin) : (inc b).value = b.value + 1 := by\n  sorry\n";
    let folder = support::scratch("suggest-ahead");
    let path = file(&folder, text);
    let place = format!("{}:19:3", path.display());
    let ask = |lookahead: &str| {
        let out = support::program()
            .args(["suggest", &place, "--json", "--tried"])
            .env("LEAN_COPILOT_VERIFY_TIMEOUT_MS", "20000")
            .env("LEAN_COPILOT_LEAN_SEARCH", "false")
            .env("LEAN_COPILOT_LOOKAHEAD", lookahead)
            .output()
            .expect("the program starts");
        json(&out)
    };
    let out = ask("true");
    let first = &out["suggestions"][0];
    let tactic = first["tactic"].as_str().unwrap();
    assert!(tactic.contains("induction") && tactic.contains("<;>"), "{out:#}");
    assert_eq!(first["verdict"]["completes"], true);
    // That a step cannot be finished at once is nobody's news.
    let tried = out["tried"].as_array().unwrap();
    assert!(tried.iter().all(|t| !t["tactic"].as_str().unwrap().ends_with("<;> simp_all!")), "{tried:#?}");
    let without = ask("false");
    let kinds = without["suggestions"].as_array().unwrap().iter().map(|s| &s["verdict"]["kind"]);
    assert!(kinds.clone().all(|k| k == "progress"), "{without:#}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

#[test]
fn verify_answers_in_the_order_of_the_tactics() {
    let folder = support::scratch("verify-cli");
    let place = format!("{}:2:3", file(&folder, TEXT).display());
    let out = json(&run(&["verify", &place, "--json", "rfl", "constructor", "exact ⟨hq, hp⟩"]));
    let kinds: Vec<&str> =
        out["verdicts"].as_array().unwrap().iter().map(|v| v["verdict"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["error", "progress", "closes"]);
    assert_eq!(out["verdicts"][2]["tactic"], "exact ⟨hq, hp⟩");
}

#[test]
fn what_is_wrong_is_said_with_its_exit_code() {
    let folder = support::scratch("suggest-wrong");
    let path = file(&folder, TEXT);
    let at = |rest: &str| format!("{}:{rest}", path.display());
    let bad = folder.join("bad.lean");
    std::fs::write(&bad, b"\xff\xfe").unwrap();
    let says = |args: &[&str], code: i32, words: &str| {
        let out = run(args);
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(words), "{args:?}: {stderr}");
        assert!(out.stdout.is_empty(), "standard output is for data");
    };
    says(&["suggest", "no-such-file.lean:1:1"], 2, "no-such-file.lean");
    says(&["suggest", &at("99:1")], 2, "line 99 lies outside");
    says(&["suggest", &at("2")], 2, "FILE:LINE:COLUMN");
    says(&["suggest", &format!("{}:1:1", bad.display())], 4, "not UTF-8");
    says(&["suggest", &at("1:1"), "--json"], 2, "no goal");
    says(&["verify", &at("1:1"), "--json", "rfl"], 2, "no goal");
    says(&["suggest", &at("2:3"), "--lean-command", "no-such-lean --server"], 5, "no-such-lean");
    says(&["suggest", &at("2:3"), "--lean-command", "true --server"], 5, "language server");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pipeline_sends_goals_first_and_done_last_and_keeps_its_budget() {
    let folder = support::scratch("pipeline");
    let (dirs, command) =
        tokio::task::block_in_place(|| (support::dirs().clone(), support::server_command(&[], &folder)));
    let _permit = support::permit().await;
    let settings = Settings { verify_timeout_ms: 20_000, ..Settings::default() };
    let pipeline = Pipeline::new(dirs, settings, command).unwrap();
    let text = TEXT.to_owned();
    let position = position::position(&text, text.find("sorry").unwrap());
    let place = Place { uri: "file:///work/A.lean".into(), version: 3, text: text.into(), position };
    let request =
        SuggestRequest { place: place.clone(), goals: None, limit: 4, budget: None, patient: false };
    let mut updates = pipeline.suggest(request);
    let mut all = Vec::new();
    while let Some(u) = updates.recv().await {
        all.push(u);
    }
    assert!(matches!(&all[0], Update::Goals(g) if g[0].target == "q ∧ p"), "{:?}", all.first());
    assert!(matches!(all.last(), Some(Update::Done { .. })));
    let mut verified = Vec::new();
    for u in &all {
        match u {
            Update::Verdict { candidate, .. } => verified.push(candidate.tactic.clone()),
            Update::Suggestion(s) => {
                assert!(verified.contains(&s.candidate.tactic), "nothing is shown before its verdict");
                assert_eq!(s.edit.new_text, s.candidate.tactic.replace('\n', "\n  "));
            }
            _ => {}
        }
    }
    assert!(
        all.iter()
            .any(|u| matches!(u, Update::Suggestion(s) if s.candidate.sources.contains(&Source::Portfolio)))
    );

    // The same place again: from the cache, within its budget.
    let budget = Some(Duration::from_millis(400));
    let started = Instant::now();
    let goals = None;
    let mut updates = pipeline.suggest(SuggestRequest { place, goals, limit: 100, budget, patient: false });
    let mut last = None;
    while let Some(u) = updates.recv().await {
        last = Some(u);
    }
    assert!(matches!(last, Some(Update::Done { .. })));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

/// A bundle with a file that is a pipe which nobody writes to: whoever opens it waits.
fn blocked_bundle() -> (PathBuf, PathBuf) {
    let folder = support::scratch("pipeline-blocked");
    let (bundle, pipe) = (folder.join("bundle"), folder.join("pipe"));
    std::fs::create_dir(&bundle).unwrap();
    for entry in std::fs::read_dir(support::root().join("models/core-small")).unwrap().flatten() {
        std::fs::copy(entry.path(), bundle.join(entry.file_name())).unwrap();
    }
    std::fs::remove_file(bundle.join("config.json")).unwrap();
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    std::fs::hard_link(&pipe, bundle.join("config.json")).unwrap();
    (bundle, pipe)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_does_not_answer_delays_neither_the_portfolio_nor_leans_search() {
    let folder = support::scratch("pipeline-search");
    let (dirs, command) =
        tokio::task::block_in_place(|| (support::dirs().clone(), support::server_command(&[], &folder)));
    let _permit = support::permit().await;
    let (bundle, pipe) = blocked_bundle();
    let bundle = Some(bundle.to_string_lossy().into_owned());
    let settings = Settings { verify_timeout_ms: 20_000, bundle, ..Settings::default() };
    let pipeline = Pipeline::new(dirs, settings, command).unwrap();
    let text = "theorem t (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  sorry\n";
    let position = position::position(text, text.find("sorry").unwrap());
    let place = Place { uri: "file:///work/A.lean".into(), version: 1, text: text.into(), position };
    let mut updates =
        pipeline.suggest(SuggestRequest { place, goals: None, limit: 100, budget: None, patient: false });
    let mut seen = Vec::new();
    loop {
        match updates.recv().await.expect("the round goes on: the policy has not answered") {
            Update::Done { problems, .. } => panic!("the round is over: {problems:?}"),
            Update::Suggestion(s) => {
                seen.push(s.candidate.sources.clone());
                if s.candidate.sources.contains(&Source::Lean) {
                    break;
                }
            }
            _ => {}
        }
    }
    assert!(seen.iter().any(|s| s.contains(&Source::Portfolio)), "{seen:?}");
    assert!(!seen.iter().any(|s| s.contains(&Source::Policy)), "{seen:?}");

    // The disk answers, with rubbish: the round ends and says what is missing.
    drop(std::fs::OpenOptions::new().write(true).open(&pipe).unwrap());
    loop {
        if let Update::Done { problems, .. } = updates.recv().await.expect("`Done`") {
            assert!(problems.iter().any(|p| p.contains("policy")), "{problems:?}");
            break;
        }
    }
}
