//! The verifier at speed: triage inside Lean, what is confirmed of it, and who waits for whom.

use std::time::{Duration, Instant};

use lean_copilot::config::Settings;
use lean_copilot::lsp::position;
use lean_copilot::proof::{Verdict, VerdictKind};
use lean_copilot::verify::{Filter, Place, VerifierHandle};
use tokio::sync::SemaphorePermit;

use crate::support;

/// Lean's kernel is given a proof by cases that takes days, and does not look whether it was cancelled.
const ENDLESS: &str = "have : ∀ a b c d e : Fin 100, a.val + b.val + c.val + d.val + e.val = \
    e.val + d.val + c.val + b.val + a.val := by decide +kernel";

/// A verifier over the embedded Lean in a folder of its own.
struct Bench {
    verifier: VerifierHandle,
    _permit: SemaphorePermit<'static>,
}

impl Bench {
    async fn start(settings: &Settings) -> Bench {
        let (verifier, permit) = support::verifier("verify-fast", settings).await;
        Bench { verifier, _permit: permit }
    }

    /// The verdicts by the tactics' numbers; `None` for those that were left without one.
    async fn verdicts(&self, at: &Place, tactics: &[&str], wanted: Option<usize>) -> Vec<Option<Verdict>> {
        let list = tactics.iter().map(|t| (*t).to_owned()).collect();
        let answers = match wanted {
            Some(n) => self.verifier.verify_best(at, list, Filter::Off, n),
            None => self.verifier.verify(at, list, Filter::Off),
        };
        let out = support::all_verdicts(answers, tactics).await;
        assert_eq!(self.verifier.status().problem, None);
        out
    }

    async fn kinds(&self, at: &Place, tactics: &[&str]) -> Vec<(String, Option<VerdictKind>, bool)> {
        let verdicts = self.verdicts(at, tactics, None).await;
        let named = tactics.iter().zip(verdicts);
        named
            .map(|(t, v)| ((*t).to_owned(), v.as_ref().map(|v| v.kind), v.is_some_and(|v| v.completes)))
            .collect()
    }

    /// Waits until triage runs inside Lean for the document of a place.
    async fn probe(&self, at: &Place) {
        let began = Instant::now();
        let mut n = 0;
        while !self.verifier.status().probe {
            assert!(began.elapsed() < Duration::from_secs(400), "the probe does not start");
            n += 1;
            self.verdicts(at, &[&format!("skip -- {n}")], None).await;
            tokio::time::sleep(Duration::from_millis(1300)).await;
        }
    }
}

/// The place of `¦` in a version of `A.lean`.
fn place(version: i32, marked: &str) -> Place {
    let at = marked.find('¦').expect("a marker");
    let text = marked.replacen('¦', "", 1);
    let position = position::position(&text, at);
    Place { uri: "file:///work/A.lean".into(), version, text: text.into(), position }
}

fn settings(verify_timeout_ms: u64) -> Settings {
    Settings { verify_timeout_ms, ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn triage_inside_lean_ends_in_the_same_verdicts() {
    use VerdictKind::{BreaksRest, Closes, Error, NoProgress, Progress};
    // A loaded machine must not turn slow candidates into timeouts.
    let bench = Bench::start(&settings(30_000)).await;
    let head = "macro \"cheat\" : tactic => `(tactic| sorry)\n\
        theorem a (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  sorry¦\n\n";
    let at = place(1, &format!("{head}theorem b : 1 + 1 = 2 := by\n  sorry\n"));
    bench.probe(&at).await;
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
        "exact ⟨hq, hp⟩ -- with a comment",
        "grind",
        "exact ⟨hq, hp⟩\nskip",
        // Lean's own metaprograms are in reach of the probe, not of the user.
        "run_tac Lean.Elab.Tactic.evalTactic (← `(tactic| exact ⟨hq, hp⟩))",
    ];
    let kinds = [
        (Error, false),
        (Progress, false),
        (Closes, true),
        (Error, false),
        (Closes, true),
        (NoProgress, false),
        (Error, false),
        (Error, false),
        (Error, false),
        (Error, false),
        (Error, false),
        (Progress, false),
        (Error, false),
        (Closes, true),
        (Closes, true),
        (Closes, true),
        // `skip` does not mind that there is no goal left.
        (Closes, true),
        (Error, false),
    ];
    let expected: Vec<_> =
        tactics.iter().zip(kinds).map(|(t, (k, c))| ((*t).to_owned(), Some(k), c)).collect();
    assert_eq!(bench.kinds(&at, &tactics).await, expected);
    assert!(bench.verifier.status().probe, "the probe has done it");
    let known = bench.verdicts(&at, &tactics, None).await;
    let message = |i: usize| known[i].as_ref().and_then(|v| v.message.clone()).unwrap_or_default();
    assert!(message(3).contains("nothing_of_that_name"), "Lean's own words are kept: {}", message(3));
    assert!(message(6).contains("unknown tactic") || message(6).contains("expected"), "{}", message(6));

    // Another place of the same text, and other kinds of places: the goals are the ones there.
    let later = place(1, "theorem a (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  constructor\n  ¦\n");
    assert_eq!(
        bench.kinds(&later, &["exact hq", "all_goals assumption", "exact hp"]).await,
        [
            ("exact hq".into(), Some(Closes), false),
            ("all_goals assumption".into(), Some(Progress), true),
            ("exact hp".into(), Some(Error), false)
        ]
    );
    let term = place(2, "theorem ä (p : Prop) (hp : p) : p ∧ True := ⟨¦sorry, trivial⟩\n");
    let found = bench.kinds(&term, &["exact hp", "trivial", "rfl"]).await;
    assert_eq!(found.iter().map(|f| f.1).collect::<Vec<_>>(), [Some(Closes), Some(Closes), Some(Error)]);
    let before = place(3, "theorem t (p q : Prop) (hp : p) (h : p → q) : q := by\n  ¦exact h hp\n");
    let found = bench.kinds(&before, &["have h2 := h hp", "exact h hp", "clear hp", "exact hp"]).await;
    let kinds: Vec<_> = found.iter().filter_map(|f| f.1).collect();
    // The second and the third are right at the goal; it is what follows that fails.
    assert_eq!(kinds, [Progress, BreaksRest, BreaksRest, Error]);
    assert!(bench.verifier.status().probe, "the probe has done all of it");

    // Of many that lead to the same few are confirmed, and what is refused is known all the same.
    let choice = place(4, "theorem t (p : Prop) (hp : p) : p := by\n  ¦\n");
    let many = ["exact hp", "rfl", "assumption", "simpa", "trivial", "simp_all", "grind", "have h := hp"];
    let answers = bench.verdicts(&choice, &many, Some(8)).await;
    let completing = answers.iter().flatten().filter(|v| v.completes).count();
    assert_eq!(completing, 3, "{answers:?}");
    assert!(answers[0].as_ref().is_some_and(|v| v.completes), "the likeliest one is among them");
    assert_eq!(answers[1].as_ref().map(|v| v.kind), Some(Error));
    assert_eq!(answers[7].as_ref().map(|v| v.kind), Some(Progress), "another state is something to choose");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn complaint_11_a_timed_out_tactic_does_not_poison_the_next() {
    let bench = Bench::start(&settings(60_000)).await;
    let text = |n: u32| {
        format!("set_option maxHeartbeats 0\ntheorem t{n} (p : Prop) (hp : p) : p ∧ True := by\n  ¦\n")
    };
    // Once by edits, once with triage inside Lean.
    for stage in 0..2 {
        let at = place(stage as i32 + 1, &text(stage));
        assert_eq!(bench.verifier.goals(&at).await.unwrap().unwrap().len(), 1);
        if stage == 1 {
            bench.probe(&at).await;
        }
        // Settings that change hold at once.
        bench.verifier.configure(&settings(8_000));
        let tactics = ["exact ⟨hp, trivial⟩", ENDLESS, "constructor", "rfl"];
        let verdicts = bench.verdicts(&at, &tactics, None).await;
        let kinds: Vec<_> = verdicts.iter().map(|v| v.as_ref().map(|v| v.kind)).collect();
        use VerdictKind::{Closes, Error, Progress, Timeout};
        assert_eq!(kinds, [Some(Closes), Some(Timeout), Some(Progress), Some(Error)], "stage {stage}");
        let said = verdicts[1].as_ref().and_then(|v| v.message.clone()).unwrap_or_default();
        assert!(said.contains("8000 ms"), "{said}");
        bench.verifier.configure(&settings(60_000));
        let next = bench.verdicts(&at, &["exact And.intro hp trivial", "omega"], None).await;
        assert!(next[0].as_ref().is_some_and(|v| v.completes), "stage {stage}: {next:?}");
        assert_eq!(next[1].as_ref().map(|v| v.kind), Some(Error), "stage {stage}: {next:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn complaint_05_an_edit_during_a_search_neither_crashes_nor_blocks() {
    let bench = Bench::start(&settings(60_000)).await;
    let slow =
        "set_option maxHeartbeats 0\ntheorem t (a b : Nat) (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  ";
    let at = place(1, &format!("{slow}¦\n"));
    assert_eq!(bench.verifier.goals(&at).await.unwrap().unwrap().len(), 1);
    let mut search = bench.verifier.search(&at);
    let endless = vec![ENDLESS.to_owned()];
    let mut stuck = bench.verifier.verify(&at, endless, Filter::Off);
    tokio::time::sleep(Duration::from_millis(500)).await;

    // The person types on: what is asked about the new text is answered while the old work still waits.
    let edited = place(2, &format!("{slow}constructor\n  ¦\n"));
    let began = Instant::now();
    let state = bench.verifier.state(&edited).await.unwrap().expect("goals");
    assert_eq!(state.goals.len(), 2);
    let verdicts = bench.verdicts(&edited, &["exact hq", "exact hp"], None).await;
    assert_eq!(verdicts[0].as_ref().map(|v| v.kind), Some(VerdictKind::Closes));
    assert_eq!(verdicts[1].as_ref().map(|v| v.kind), Some(VerdictKind::Error));
    assert!(stuck.try_recv().is_err(), "the older work is not done: the newer did not wait for it");
    assert!(began.elapsed() < Duration::from_secs(50), "{:?}", began.elapsed());

    // Given up, the stuck one makes way; the search, which somebody still waits for, is taken up again.
    drop(stuck);
    let mut found = Vec::new();
    while let Some(c) = search.recv().await {
        found.push(c.tactic);
    }
    assert!(found.iter().any(|t| t == "exact ⟨hq, hp⟩"), "{found:?}");
}
