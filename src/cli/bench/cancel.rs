//! How long Lean takes to be free again when tactics that do not end are cancelled: part of `bench verify`.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::suggest::quantile;
use crate::lsp::position;
use crate::verify::{Filter, Place, VerifierHandle};

/// Tactics that do not end, or not soon: loops, searches, rewriting and reduction that explode.
const ENDLESS: &[&str] = &[
    "repeat (first | skip | skip)",
    "iterate 100000000 (skip)",
    "repeat (have := hp)",
    "all_goals (repeat (refine id ?_))",
    "exact absurd (by decide : (List.range 100000).length = 0) (by simp)",
    "exact absurd (rfl : (List.range 3000).foldl (· + ·) 0 = 1) (by simp)",
    "have : (2 ^ 20000 : Nat) % 7 = 3 := by decide\nskip",
    "have h : ∀ a b c d e f g x y z : Bool, (a && b && c && d && e && f && g && x && y && z) = \
     (z && y && x && g && f && e && d && c && b && a) := by decide\nskip",
    "simp [Nat.pow_succ, Nat.mul_comm, Nat.add_comm, Nat.mul_left_comm, Nat.add_left_comm, Nat.mul_add, \
     Nat.add_mul]",
    "grind (splits := 100000) (ematch := 100000)",
];

/// No limits of Lean's own, and goals that give search and rewriting much to do.
const TEXT: &str = "set_option maxHeartbeats 0\nset_option maxRecDepth 100000\n\
    theorem cancelled (a b c d : Nat) (p q : Prop) (hp : p) (hq : q) :\n    \
    (a + b + c + d) * (a * b * c + d) * (b + c * a) = (d + c + b + a) * (d + c * b * a) * (a * c + b) ∨ q ∧ p := by\n  sorry\n";

/// How long a tactic runs before it is cancelled.
const RUNS: Duration = Duration::from_millis(300);

/// What was measured in one stage.
pub struct Freed {
    stage: &'static str,
    runs: usize,
    /// Milliseconds from the cancelling to the verdict on an easy tactic.
    median: f64,
    p95: f64,
    worst: f64,
    /// The easy tactic's own median, nothing being cancelled.
    quiet: f64,
}

impl Freed {
    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "stage": self.stage, "runs": self.runs, "median_ms": self.median, "p95_ms": self.p95,
            "worst_ms": self.worst, "quiet_median_ms": self.quiet,
        })
    }
}

impl fmt::Display for Freed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "free again after cancelling, {:14} median {:4.0} ms, p95 {:5.0}, worst {:5.0} of {} runs (an easy tactic alone: {:3.0} ms)",
            self.stage, self.median, self.p95, self.worst, self.runs, self.quiet
        )
    }
}

/// Cancels tactics that do not end, in both stages; each time the next tactic's verdict shows that Lean is
/// free again.
pub async fn measure(verifier: &VerifierHandle, runs: usize) -> Result<Vec<Freed>> {
    if runs == 0 {
        return Ok(Vec::new());
    }
    let at = TEXT.find("sorry").unwrap_or_default();
    let position = position::position(TEXT, at);
    let place = Place { uri: "file:///bench/Bench.lean".into(), version: 1, text: TEXT.into(), position };
    let mut run = Runner { verifier, place, number: 0 };
    let mut out = Vec::new();
    // One tactic alone is tried by an edit; several are tried in the probe first.
    for (stage, copies) in [("an edit", 1), ("in the probe", 2)] {
        let mut quiet = Vec::new();
        for _ in 0..10 {
            quiet.push(run.easy(copies).await?);
        }
        let mut times = Vec::new();
        for n in 0..runs {
            run.cancel(ENDLESS[n % ENDLESS.len()], copies).await;
            times.push(run.easy(copies).await?);
        }
        out.push(Freed {
            stage,
            runs,
            median: quantile(&mut times, 0.5),
            p95: quantile(&mut times, 0.95),
            worst: quantile(&mut times, 1.0),
            quiet: quantile(&mut quiet, 0.5),
        });
    }
    Ok(out)
}

struct Runner<'a> {
    verifier: &'a VerifierHandle,
    place: Place,
    number: usize,
}

impl Runner<'_> {
    /// Milliseconds until the verdicts on tactics that work, new to Lean each time.
    async fn easy(&mut self, copies: usize) -> Result<f64> {
        let tactics = (0..copies).map(|_| {
            self.number += 1;
            format!("exact Or.inr ⟨hq, hp⟩ -- {}", self.number)
        });
        let tactics: Vec<String> = tactics.collect();
        let started = Instant::now();
        let mut verdicts = self.verifier.verify_best(&self.place, tactics, Filter::Off, 1);
        let first = verdicts.recv().await;
        ensure!(
            first.as_ref().is_some_and(|(_, v)| v.completes),
            "an easy tactic was not accepted: {first:?}, {:?}",
            self.verifier.status()
        );
        Ok(started.elapsed().as_secs_f64() * 1000.0)
    }

    /// Begins something that does not end and drops it.
    async fn cancel(&mut self, endless: &str, copies: usize) {
        let tactics = (0..copies).map(|_| {
            self.number += 1;
            format!("{endless} -- {}", self.number)
        });
        let mut verdicts = self.verifier.verify(&self.place, tactics.collect(), Filter::Off);
        // Where Lean answers sooner there is nothing to cancel, which is no harm.
        let _ = tokio::time::timeout(RUNS, verdicts.recv()).await;
    }
}
