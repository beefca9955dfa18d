//! What the names at a goal offer, as the real Lean reads it off: in a file's steps, and in a session.

use std::time::{Duration, Instant};

use lean_copilot::config::Settings;
use lean_copilot::lsp::position;
use lean_copilot::proof::{Offer, Source};
use lean_copilot::suggest::{Pipeline, SuggestRequest, Update};
use lean_copilot::trace::TraceOptions;
use lean_copilot::trace::play::Table;
use lean_copilot::verify::Place;

use crate::support;

const BOOKS: &str = "\
namespace Books

inductive Book where
  | empty : Book
  | post (k : Nat) (z : Int) (b : Book) : Book

open Book

def balance (k : Nat) : Book → Int
  | empty => 0
  | post m z b => (if m = k then z else 0) + balance k b

def merge : Book → Book → Book
  | empty, c => c
  | post k z b, c => post k z (merge b c)

inductive Touches (k : Nat) : Book → Prop
  | here (z : Int) (b : Book) : Touches k (post k z b)
  | later (m : Nat) (z : Int) (b : Book) : Touches k b → Touches k (post m z b)

def Leaves (m r n : Nat) : Prop := ∃ k, n = m * k + r ∧ r < m

theorem balance_merge (k : Nat) (b c : Book) : balance k (merge b c) = balance k b + balance k c := by
  skip <;> sorry

theorem touched (k : Nat) (b c : Book) (h : Touches k b) : Touches k b ∨ Touches k c := by
  exact Or.inl h

theorem twice (k : Nat) (b : Book) : balance k (merge b b) = balance k b + balance k b := by
  exact balance_merge k b b

theorem leaves_step (m r n : Nat) (h : Leaves m r n) : Leaves m r (n + m) := by
  first | sorry

theorem later (k m : Nat) (z : Int) (b : Book) (h : Touches k b) : Touches k (post m z b) := by
  exact Touches.later m z b h
";

#[test]
fn the_names_at_a_goal_say_what_can_be_done() {
    let _permit = support::permits_blocking(1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Books.lean");
    std::fs::write(&file, BOOKS).unwrap();
    let options = TraceOptions::new(support::dirs(), folder.path(), &[], 1).expect("a Lean");
    let table = Table::new(std::slice::from_ref(&file), &options).unwrap();
    let mut player = table.player(&file).unwrap();
    let places =
        ["skip <;> sorry", "exact balance_merge k b b", "first | sorry", "exact Touches.later m z b h"]
            .map(|text| BOOKS.find(text).map(|start| (start, start + text.len())).unwrap());
    assert_eq!(player.open(places.to_vec()).unwrap().places.len(), 4);
    let mut offer = |place: usize, path: &[&str]| -> Offer {
        let path: Vec<String> = path.iter().map(|t| (*t).to_owned()).collect();
        player.offer(places[place], &path, 100_000, Duration::from_secs(60)).unwrap().offer
    };
    let has = |offer: &Offer, step: &str| {
        assert!(offer.steps.iter().any(|s| s == step), "no `{step}` in {:#?}", offer.steps);
    };

    let merged = offer(0, &[]);
    // What is recursed on, with its constructors; names that are taken are not given again.
    has(&merged, "induction b with | empty => ?_ | post n z b ih => ?_");
    has(&merged, "induction b generalizing k c with | empty => ?_ | post n z b ih => ?_");
    let of = |name: &str| merged.steps.iter().position(|s| s.starts_with(&format!("induction {name} with")));
    assert!(of("b").unwrap() < of("k").unwrap(), "nothing recurses on `k`: {:#?}", merged.steps);
    has(&merged, "simp only [balance, merge]");
    assert_eq!(merged.inductions[0], "induction b generalizing k c");
    assert_eq!(merged.finishers, ["simp_all [balance, merge]", "grind [balance, merge]"]);
    assert!(merged.steps.iter().all(|s| !s.contains("balance_merge")), "the theorem itself: {merged:#?}");

    let twice = offer(1, &[]);
    has(&twice, "rw [balance_merge]");
    assert!(twice.finishers[0].contains("balance_merge"), "{:?}", twice.finishers);

    let leaves = offer(2, &[]);
    has(&leaves, "obtain ⟨k, hk, h1⟩ := h");
    has(&leaves, "unfold Leaves");
    // A state that a tactic leads to has names of its own.
    has(&offer(2, &["obtain ⟨k, hk, hr⟩ := h"]), "refine ⟨k, ?_⟩");

    let later = offer(3, &[]);
    has(&later, "apply Touches.later");
    has(&later, "cases h with | here y b1 => ?_ | later n y b1 h => ?_");
    has(&later, "cases touched _ _ _ h with | inl h1 => ?_ | inr h1 => ?_");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_once_is_shown_what_the_names_offer() {
    let folder = support::scratch("scope-once");
    let file = folder.join("Books.lean");
    let text = BOOKS.replace("skip <;> sorry", "sorry");
    std::fs::write(&file, &text).unwrap();
    let line = 1 + text[..text.find("  sorry").unwrap()].matches('\n').count();
    let _permit = support::permit().await;
    let place = format!("{}:{line}:3", file.display());
    let mut command = support::program();
    command.args(["suggest", "--json", "--limit", "100", &place]).env("LEAN_COPILOT_LOOKAHEAD", "false");
    let output = tokio::task::block_in_place(|| command.output()).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let out: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
    let of_scope = |s: &&serde_json::Value| s["sources"].as_array().unwrap().contains(&"scope".into());
    let shown: Vec<&str> = out["suggestions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(of_scope)
        .filter_map(|s| s["tactic"].as_str())
        .collect();
    assert!(shown.contains(&"induction b with | empty => ?_ | post n z b ih => ?_"), "{shown:#?} {stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_shows_what_the_names_offer() {
    let folder = support::scratch("scope-session");
    let (dirs, command) =
        tokio::task::block_in_place(|| (support::dirs().clone(), support::server_command(&[], &folder)));
    let _permit = support::permit().await;
    let settings = Settings { lean_search: false, lookahead: false, ..Settings::default() };
    let pipeline = Pipeline::new(dirs, settings, command).unwrap();
    let cut = BOOKS.find("theorem touched").unwrap();
    let text = BOOKS[..cut].replace("skip <;> sorry", "sorry");
    let position = position::position(&text, text.rfind("sorry").unwrap());
    let place = |version| Place {
        uri: "file:///work/Books.lean".into(),
        version,
        text: text.as_str().into(),
        position,
    };
    let ask = async |version| {
        let request =
            SuggestRequest { place: place(version), goals: None, limit: 100, budget: None, patient: false };
        let mut updates = pipeline.suggest(request);
        let mut shown = Vec::new();
        while let Some(update) = updates.recv().await {
            if let Update::Suggestion(s) = update {
                shown.push(s);
            }
        }
        shown
    };
    // Lean is asked by a method, which is started in a pause.
    let began = Instant::now();
    let mut version = 1;
    ask(version).await;
    while !pipeline.verifier().status().probe {
        assert!(began.elapsed() < Duration::from_secs(400), "the probe does not start");
        tokio::time::sleep(Duration::from_millis(1300)).await;
        version += 1;
        pipeline.verifier().state(&place(version)).await.unwrap();
        let skip = vec![format!("skip -- {version}"), format!("skip --- {version}")];
        let mut verdicts =
            pipeline.verifier().verify(&place(version), skip, lean_copilot::verify::Filter::Off);
        while verdicts.recv().await.is_some() {}
    }
    let shown = ask(version + 1).await;
    let of_scope: Vec<&str> = shown
        .iter()
        .filter(|s| s.candidate.sources.contains(&Source::Scope))
        .map(|s| s.candidate.tactic.as_str())
        .collect();
    assert!(of_scope.contains(&"induction b with | empty => ?_ | post n z b ih => ?_"), "{of_scope:#?}");
    assert!(of_scope.iter().all(|t| !t.contains("LeanCopilot")), "{of_scope:#?}");
}
