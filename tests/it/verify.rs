//! Candidates and verdicts, by the real Lean.

use std::time::Duration;

use lean_copilot::config::Settings;
use lean_copilot::lsp::position;
use lean_copilot::proof::{Verdict, VerdictKind};
use lean_copilot::verify::{Filter, Place, VerifierHandle};
use tokio::sync::SemaphorePermit;

use crate::support;

/// A verifier over the embedded Lean in a folder of its own.
struct Bench {
    verifier: VerifierHandle,
    _permit: SemaphorePermit<'static>,
}

impl Bench {
    async fn start(settings: &Settings) -> Bench {
        let (verifier, permit) = support::verifier("verify", settings).await;
        Bench { verifier, _permit: permit }
    }

    /// The targets at `¦` in a text; `None` where there is no state.
    async fn targets(&self, marked: &str) -> Option<Vec<String>> {
        let goals = self.verifier.goals(&place("A", marked)).await.expect("Lean works");
        goals.map(|g| g.into_iter().map(|g| g.target).collect())
    }

    async fn verdicts(&self, at: &Place, tactics: &[&str]) -> Vec<Verdict> {
        let list = tactics.iter().map(|t| (*t).to_owned()).collect();
        let answers = self.verifier.verify(at, list, Filter::Off);
        let out = support::all_verdicts(answers, tactics).await;
        let named = tactics.iter().zip(out);
        named
            .map(|(t, v)| v.unwrap_or_else(|| panic!("{t} has no verdict: {:?}", self.verifier.status())))
            .collect()
    }
}

/// The place of `¦` in a text that is the content of `<name>.lean`.
fn place(name: &str, marked: &str) -> Place {
    let at = marked.find('¦').expect("a marker");
    let text = marked.replacen('¦', "", 1);
    let position = position::position(&text, at);
    Place { uri: format!("file:///work/{name}.lean"), version: 1, text: text.into(), position }
}

fn message(v: &Verdict) -> &str {
    v.message.as_deref().unwrap_or("")
}

fn patient() -> Settings {
    // A loaded machine must not turn slow candidates into timeouts.
    Settings { verify_timeout_ms: 20_000, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goals_are_found_in_holes_of_every_kind() {
    let bench = Bench::start(&patient()).await;
    let head = "theorem t (p q : Prop) (hp : p) (hq : q) : p ∧ q := ";
    let both = Some(vec!["p".to_owned(), "q".to_owned()]);
    let whole = Some(vec!["p ∧ q".to_owned()]);
    for (tail, goals) in [
        ("by\n  sor¦ry\n", &whole),
        ("by sorry¦\n", &whole),
        ("by\n  exact sor¦ry\n", &whole),
        ("¦sorry\n", &whole),
        ("by¦\n", &whole),
        ("by¦", &whole),
        ("by\n  ¦\n", &whole),
        ("by\n  constructor\n  ¦\n", &both),
        ("by\n  constructor\n  ¦\n\ntheorem u : True := trivial\n", &both),
        ("by\n  constructor\n  ·¦\n  · exact hq\n", &Some(vec!["p".to_owned()])),
        ("by\n  constructor\n  ex¦act hp\n  exact hq\n", &both),
        ("by\n  have h : p := by\n    ¦\n  exact ⟨h, hq⟩\n", &Some(vec!["p".to_owned()])),
        ("by exact ⟨hp, hq⟩\n\ndef x¦ := 1\n", &None),
    ] {
        let found = bench.targets(&format!("{head}{tail}")).await;
        assert_eq!(found, *goals, "{tail:?}");
    }
    let alternatives =
        "theorem t (n : Nat) : 0 + n = n := by\n  induction n with\n  | zero =>¦\n  | succ n ih => sorry\n";
    assert_eq!(bench.targets(alternatives).await, Some(vec!["0 + 0 = 0".to_owned()]));
    assert_eq!(bench.targets("def x : Nat := 1¦\n").await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_verdict_is_given() {
    let bench = Bench::start(&patient()).await;
    let at = place(
        "A",
        "macro \"cheat\" : tactic => `(tactic| sorry)\n\
         theorem a (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  sorry¦\n\n\
         theorem b : 1 + 1 = 2 := by\n  sorry\n",
    );
    let tactics = [
        "rfl",
        "constructor",
        "constructor\n· exact hq\n· exact hp",
        "exact nothing_of_that_name",
        "exact ⟨hq, hp⟩",
        "skip",
        "this does not parse",
        "exact (hq",
        "sorry",
        "cheat",
        "exact a p q hp hq",
        "have h : p := by\n  exact hp",
        "exact ⟨hq, _⟩",
        "case _ => exact ⟨hq, hp⟩",
        "",
        "exact ⟨hq, hp⟩ -- with a comment",
    ];
    let v = bench.verdicts(&at, &tactics).await;
    let kinds: Vec<_> = tactics.iter().zip(&v).map(|(t, v)| (*t, v.kind, v.completes)).collect();
    use VerdictKind::{Closes, Error, NoProgress, Progress};
    assert_eq!(
        kinds,
        [
            ("rfl", Error, false),
            ("constructor", Progress, false),
            ("constructor\n· exact hq\n· exact hp", Closes, true),
            ("exact nothing_of_that_name", Error, false),
            ("exact ⟨hq, hp⟩", Closes, true),
            ("skip", NoProgress, false),
            ("this does not parse", Error, false),
            ("exact (hq", Error, false),
            ("sorry", Error, false),
            ("cheat", Error, false),
            ("exact a p q hp hq", Error, false),
            ("have h : p := by\n  exact hp", Progress, false),
            ("exact ⟨hq, _⟩", Error, false),
            ("case _ => exact ⟨hq, hp⟩", Closes, true),
            ("", Error, false),
            ("exact ⟨hq, hp⟩ -- with a comment", Closes, true),
        ]
    );
    let targets: Vec<_> = v[1].goals.iter().map(|g| (g.case.as_deref(), g.target.as_str())).collect();
    assert_eq!(targets, [(Some("left"), "q"), (Some("right"), "p")], "as the user would see them");
    assert!(message(&v[3]).contains("nothing_of_that_name"), "Lean's own words are kept");
    assert!(message(&v[6]).contains("unknown tactic") || message(&v[6]).contains("expected"), "{:?}", v[6]);
    assert!(message(&v[10]).contains("termination"), "{:?}", v[10]);

    // What was found out is not asked again.
    let again = bench.verdicts(&at, &tactics[..2]).await;
    assert_eq!((again[1].kind, again[1].elapsed_ms), (Progress, 0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_around_the_hole_is_heeded() {
    let bench = Bench::start(&patient()).await;
    use VerdictKind::{BreaksRest, Closes, Error, Progress};

    // Two goals: the main one is closed, the other stays.
    let two = place("A", "theorem t (p q : Prop) (hp : p) (hq : q) : p ∧ q := by\n  constructor\n  ¦\n");
    let v = bench.verdicts(&two, &["exact hp", "all_goals assumption", "exact hq"]).await;
    assert_eq!((v[0].kind, v[0].completes, v[0].goals.len()), (Closes, false, 1));
    assert!(v[1].completes, "{:?}", v[1]);
    assert_eq!(v[2].kind, Error);

    // Tactics that follow must still work; where they do not, that is not the tactic's own error.
    let before = place("A", "theorem t (p q : Prop) (hp : p) (h : p → q) : q := by\n  ¦exact h hp\n");
    let tactics = ["have h2 := h hp", "exact h hp", "clear hp", "exact hp", "(exact h hp"];
    let v = bench.verdicts(&before, &tactics).await;
    let kinds: Vec<_> = v.iter().map(|v| (v.kind, v.goals.len())).collect();
    // Nothing is left for `exact`, or it misses `hp`.
    assert_eq!(kinds, [(Progress, 1), (BreaksRest, 0), (BreaksRest, 1), (Error, 0), (Error, 0)], "{v:#?}");
    assert!(v[..3].iter().all(|v| !v.kind.is_success() || v.completes) && !message(&v[1]).is_empty());

    // An error that was there before is not the candidate's; another `sorry` keeps the proof open.
    let broken = place(
        "A",
        "theorem x : 1 = 2 := by rfl\ntheorem t (n : Nat) : n + 0 = n ∧ 0 + n = n := by\n  constructor\n  · sorry¦\n  · sorry\n",
    );
    let v = bench.verdicts(&broken, &["simp", "rfl"]).await;
    assert!(v.iter().all(|v| v.kind == Closes && !v.completes), "{v:?}");

    // A definition by tactics: what follows may depend on it.
    let def = place("A", "def two : Nat := by\n  sorry¦\nexample : two = 2 := by decide\n");
    let v = bench.verdicts(&def, &["exact 2", "exact 3"]).await;
    assert_eq!((v[0].kind, v[0].completes), (Closes, true), "{v:?}");
    assert_eq!((v[1].kind, v[1].completes), (BreaksRest, false), "{v:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tactic_that_does_not_end_costs_only_itself() {
    let settings = Settings { verify_timeout_ms: 8000, ..Settings::default() };
    let bench = Bench::start(&settings).await;
    // It never looks whether it was cancelled.
    let at = place(
        "A",
        "import Lean\nopen Lean Elab Tactic\n\
         partial def spin (n : Nat) : IO Nat := do\n  if n = 0 then return 0\n  spin (n + 1)\n\
         elab \"spin!\" : tactic => do\n  let n ← spin 1\n  throwError \"no {n}\"\n\
         theorem a (p : Prop) (hp : p) : p := by\n  ¦\n",
    );
    let v = bench.verdicts(&at, &["rfl", "spin!", "exact hp", "skip"]).await;
    assert_eq!(v[0].kind, VerdictKind::Error);
    assert_eq!(v[1].kind, VerdictKind::Timeout, "{:?}", v[1]);
    assert_eq!((v[2].kind, v[2].completes), (VerdictKind::Closes, true), "{:?}", v[2]);
    assert_eq!(v[3].kind, VerdictKind::NoProgress);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_documents_take_turns_and_a_killed_server_is_started_again() {
    let bench = Bench::start(&patient()).await;
    let a = place("A", "theorem a (p : Prop) (hp : p) : p := by\n  ¦\n");
    let b = place("B", "theorem b : 2 + 2 = 4 := by\n  ¦\n");
    for turn in 0..2 {
        let tactic = ["exact hp", "assumption"][turn];
        assert!(bench.verdicts(&a, &[tactic]).await[0].completes);
        assert!(bench.verdicts(&b, &[["rfl", "decide"][turn]]).await[0].completes);
    }
    // A tactic that ends the process: nothing is lost but itself.
    let killer = place(
        "C",
        "import Lean\nopen Lean Elab Tactic\n\
         elab \"die!\" : tactic => do\n  let _ ← (IO.Process.exit 1 : IO Unit)\n\
         theorem c (p : Prop) (hp : p) : p := by\n  ¦\n",
    );
    let v = bench.verdicts(&killer, &["die!", "exact hp"]).await;
    assert_eq!(v[0].kind, VerdictKind::Error, "{:?}", v[0]);
    assert!(message(&v[0]).contains("stopped"), "it did end the process: {:?}", v[0]);
    assert!(v[1].completes, "{:?}", v[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leans_search_proposes_and_its_proposals_hold() {
    let bench = Bench::start(&patient()).await;
    let at = place("A", "theorem t (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  ¦\n");
    let mut found = bench.verifier.search(&at);
    let mut tactics = Vec::new();
    while let Some(c) = found.recv().await {
        tactics.push(c.tactic);
    }
    assert!(tactics.iter().any(|t| t == "exact ⟨hq, hp⟩"), "{tactics:?}");
    let list: Vec<&str> = tactics.iter().map(String::as_str).collect();
    let verdicts = bench.verdicts(&at, &list).await;
    assert!(verdicts.iter().any(|v| v.completes), "{tactics:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_request_makes_way_for_the_next() {
    let bench = Bench::start(&patient()).await;
    let at = place("A", "set_option maxHeartbeats 0\ntheorem t (p : Prop) (hp : p) : p := by\n  ¦\n");
    assert_eq!(bench.verifier.goals(&at).await.unwrap().unwrap().len(), 1);
    let slow = vec!["exact absurd (by decide : (List.range 100000).length = 0) (by simp)".to_owned()];
    drop(bench.verifier.verify(&at, slow, Filter::Off));
    let answer = bench.verdicts(&at, &["exact hp"]);
    let v = tokio::time::timeout(Duration::from_secs(60), answer).await.expect("the next one is served");
    assert!(v[0].completes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_filter_keeps_what_runs_code_from_lean() {
    let bench = Bench::start(&patient()).await;
    let at = place("A", "theorem t (p : Prop) (hp : p) : p := by\n  ¦\n");
    let tactics = vec!["run_tac pure ()".to_owned(), "exact hp".to_owned()];
    let mut answers = bench.verifier.verify(&at, tactics, Filter::Apply);
    let mut seen = Vec::new();
    while let Some((i, v)) = answers.recv().await {
        seen.push((i, v.kind, message(&v).to_owned()));
    }
    seen.sort_by_key(|s| s.0);
    assert_eq!(seen[0].1, VerdictKind::Error);
    assert!(seen[0].2.starts_with("not tried:"), "{seen:?}");
    assert_eq!(seen[1].1, VerdictKind::Closes);
}
