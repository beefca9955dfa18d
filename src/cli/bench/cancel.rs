//! How long Lean takes to be free again when tactics that do not end are cancelled: part of `bench verify`.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::suggest::quantile;
use crate::lsp::position;
use crate::verify::{Filter, Place, VerifierHandle};

/// Tactics that do not end, or not soon: proofs by cases and reduction in the kernel, loops of rewriting and
/// simplification, recursion that explodes. Which of them are still running when they are to be cancelled is looked
/// at once; the others do not count.
const ENDLESS: &[&str] = &[
    "have : ∀ a b c d e : Fin 100, a.val + b.val + c.val + d.val + e.val = e.val + d.val + c.val + b.val + a.val := \
     by decide +kernel",
    "have : (3 ^ 16000000 : Nat) % 7 = 3 := by decide +kernel",
    "have : Nat.rec (motive := fun _ => Nat → Nat) Nat.succ (fun _ f n => Nat.rec (f 1) (fun _ y => f y) n) 5 5 = 0 \
     := by decide +kernel",
    "iterate 100000 rw [Nat.add_comm (a + b + c) d, Nat.add_comm d (a + b + c)]",
    "simp [Nat.pow_succ, Nat.mul_comm, Nat.add_comm, Nat.mul_left_comm, Nat.add_left_comm, Nat.mul_add, \
     Nat.add_mul]",
    "simp only [Nat.add_comm a, Nat.mul_comm, Nat.mul_add, Nat.add_mul, ← Nat.mul_assoc, Nat.mul_left_comm]",
    "simp +arith [Nat.mul_add, Nat.add_mul, Nat.mul_comm, Nat.mul_left_comm, Nat.mul_assoc]",
    "repeat (have := hp)",
    "grind (splits := 100000) (ematch := 100000)",
];

/// No limit of Lean's on time, and goals that give search and rewriting much to do.
const TEXT: &str = "set_option maxHeartbeats 0\n\
    theorem cancelled (a b c d : Nat) (p q : Prop) (hp : p) (hq : q) :\n    \
    (a + b + c + d) * (a * b * c + d) * (b + c * a) = (d + c + b + a) * (d + c * b * a) * (a * c + b) ∨ q ∧ p := by\n  sorry\n";

/// How long a tactic runs before it is cancelled.
const RUNS: Duration = Duration::from_millis(300);
/// How long it has to go on when it is looked whether it counts.
const LASTS: Duration = Duration::from_millis(900);

/// What was measured in one stage.
pub struct Freed {
    stage: &'static str,
    /// Milliseconds from the cancelling to the verdict on an easy tactic: where Lean came back by itself, and where
    /// its process had to be replaced.
    came_back: Vec<f64>,
    replaced: Vec<f64>,
    /// The easy tactic's own median, nothing being cancelled.
    quiet: f64,
    /// Tactics that had ended by then, which do not count.
    ended: Vec<&'static str>,
}

impl Freed {
    /// The runs by the way in which Lean became free.
    fn ways(&self) -> [(&'static str, Vec<f64>); 2] {
        [("Lean came back", self.came_back.clone()), ("process replaced", self.replaced.clone())]
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let ways: Vec<Value> = self
            .ways()
            .into_iter()
            .map(|(way, mut times)| {
                json!({
                    "way": way, "runs": times.len(), "median_ms": quantile(&mut times, 0.5),
                    "p95_ms": quantile(&mut times, 0.95), "worst_ms": quantile(&mut times, 1.0),
                })
            })
            .collect();
        json!({"stage": self.stage, "quiet_median_ms": self.quiet, "ways": ways, "not_counted": self.ended})
    }
}

impl fmt::Display for Freed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "free again after cancelling {} (an easy tactic alone: {:.0} ms)", self.stage, self.quiet)?;
        for (way, mut times) in self.ways() {
            if times.is_empty() {
                write!(f, "\n  {way:17} never")?;
                continue;
            }
            write!(
                f,
                "\n  {way:17} median {:5.0} ms, p95 {:5.0}, worst {:5.0} of {} runs",
                quantile(&mut times, 0.5),
                quantile(&mut times, 0.95),
                quantile(&mut times, 1.0),
                times.len()
            )?;
        }
        for tactic in &self.ended {
            write!(f, "\n  not counted, it ended within {} ms: {tactic}", LASTS.as_millis())?;
        }
        Ok(())
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
        let (mut lasting, mut ended) = (Vec::new(), Vec::new());
        for tactic in ENDLESS {
            match run.cancel(tactic, copies, LASTS).await {
                true => lasting.push(*tactic),
                false => ended.push(*tactic),
            }
            run.easy(copies).await?;
        }
        ensure!(!lasting.is_empty(), "every tactic ended within {} ms", LASTS.as_millis());
        let mut freed = Freed {
            stage,
            came_back: Vec::new(),
            replaced: Vec::new(),
            quiet: quantile(&mut quiet, 0.5),
            ended,
        };
        for tactic in lasting.iter().cycle().take(runs) {
            let before = verifier.status().replaced;
            run.cancel(tactic, copies, RUNS).await;
            let time = run.easy(copies).await?;
            match verifier.status().replaced == before {
                true => freed.came_back.push(time),
                false => freed.replaced.push(time),
            }
        }
        out.push(freed);
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
        let time = started.elapsed().as_secs_f64() * 1000.0;
        // The verifier's own word of how it went comes with the end.
        while verdicts.recv().await.is_some() {}
        Ok(time)
    }

    /// Begins something that does not end and drops it after a time; whether it was still running.
    async fn cancel(&mut self, endless: &str, copies: usize, runs: Duration) -> bool {
        let tactics = (0..copies).map(|_| {
            self.number += 1;
            format!("{endless} -- {}", self.number)
        });
        let mut verdicts = self.verifier.verify(&self.place, tactics.collect(), Filter::Off);
        tokio::time::timeout(runs, verdicts.recv()).await.is_err()
    }
}
