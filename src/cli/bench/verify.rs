//! `lean-copilot bench verify`: candidates verified per second, ours against one edit per candidate.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use crate::cli::{Context, needs, place};
use crate::config::Settings;
use crate::lean::client::{LeanClient, initialize_params};
use crate::lean::{LeanCommand, ServerProcess, process::StderrTail, toolchain};
use crate::lsp::position;
use crate::proof::{Goal, same_state};
use crate::verify::judge::{is_error, traced_goals};
use crate::verify::{Filter, Place, VerifierHandle};

/// Arguments of `bench verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Goals tried; each is new to Lean, five more before them warm it up.
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
}

/// Tactics of every kind: they fail early and late, do not parse, change nothing, step, close.
const CANDIDATES: &[&str] = &[
    "rfl",
    "exact ⟨hq, hp⟩",
    "assumption",
    "omega",
    "simp",
    "constructor",
    "intro x",
    "exact hp",
    "simp [hp, hq]",
    "cases hp with | intro a b => exact a",
    "exact And.intro hq hp",
    "contradiction",
    "have h : p := by\n  exact hp",
    "decide",
    "not a tactic",
    "refine ⟨?_, hp⟩",
    "apply And.intro\n· exact hq\n· exact hp",
    "rw [hp]",
    "skip",
    "exact missing_name hp",
];

/// Rounds that are not counted: the first ones run in code that is not compiled yet.
const WARM_UP: usize = 5;

/// One round: milliseconds, milliseconds until the first accepted candidate, accepted candidates.
type Round = (f64, f64, usize);

/// What a way of trying them costs.
#[derive(Default)]
struct Measured {
    /// Milliseconds of each round.
    rounds: Vec<f64>,
    /// Milliseconds until the first accepted candidate, of each round.
    first: Vec<f64>,
    /// Accepted candidates of each round, which must agree.
    accepted: Vec<usize>,
}

/// Runs the benchmark.
pub fn verify(args: &Args, context: &Context) -> Result<()> {
    let folder = tempfile::tempdir()?;
    needs::lean(context, folder.path())?;
    let command = toolchain::server_command(&context.dirs, folder.path())?;
    let label = command.label.clone();
    let rounds = args.rounds.max(1);
    let (ours, plain) = place::run(async move {
        let verifier = VerifierHandle::spawn(command.clone(), &Settings::default());
        let mut plain = OneByOne::start(&command).await?;
        let (mut a, mut b) = (Measured::default(), Measured::default());
        for round in 0..rounds + WARM_UP {
            // In turn, so that what else the machine does falls on both.
            let (of_ours, of_plain) = (ours(&verifier, round).await?, plain.round(round).await?);
            if round >= WARM_UP {
                a.add(of_ours);
                b.add(of_plain);
            }
        }
        Ok((a, b))
    })?;
    let n = CANDIDATES.len() as f64;
    let per_second = |m: &Measured| n * 1000.0 / median(&m.rounds);
    if args.json {
        let show = |m: &Measured| {
            json!({
                "round_ms": m.rounds, "median_ms": median(&m.rounds), "candidates_per_second": per_second(m),
                "first_ms": m.first, "median_first_ms": median(&m.first), "accepted": m.accepted,
            })
        };
        let out = json!({
            "lean": label, "candidates": CANDIDATES.len(), "rounds": rounds,
            "verifier": show(&ours), "one_edit_each": show(&plain),
            "speedup": per_second(&ours) / per_second(&plain),
        });
        anstream::println!("{out}");
        return Ok(());
    }
    anstream::println!(
        "{label}, {} candidates, {rounds} goals after {WARM_UP} for warming up\n",
        CANDIDATES.len()
    );
    for (name, m) in [("verifier, survivors confirmed", &ours), ("one edit per candidate", &plain)] {
        anstream::println!(
            "{name:30} {:7.1} candidates/s   median {:6.0} ms   first accepted after {:5.0} ms   {} accepted",
            per_second(m),
            median(&m.rounds),
            median(&m.first),
            m.accepted.first().copied().unwrap_or(0),
        );
    }
    Ok(())
}

fn text(round: usize) -> String {
    // Another name each time: nothing of an earlier round can be used again.
    format!("theorem bench_{round} (p q : Prop) (hp : p) (hq : q) : q ∧ p := by\n  sorry\n")
}

const URI: &str = "file:///bench/Bench.lean";

async fn ours(verifier: &VerifierHandle, round: usize) -> Result<Round> {
    let text = text(round);
    let at = text.find("sorry").unwrap_or_default();
    let position = position::position(&text, at);
    let place = Place { uri: URI.into(), version: round as i32, text: text.into(), position };
    let started = Instant::now();
    let tactics = CANDIDATES.iter().map(|t| (*t).to_owned()).collect();
    let mut verdicts = verifier.verify(&place, tactics, Filter::Off);
    let (mut first, mut accepted, mut answered) = (None, 0, 0);
    while let Some((_, v)) = verdicts.recv().await {
        answered += 1;
        if v.kind.is_success() {
            accepted += 1;
            first.get_or_insert_with(|| ms(started));
        }
    }
    anyhow::ensure!(answered == CANDIDATES.len(), "the verifier failed: {:?}", verifier.status().problem);
    Ok((ms(started), first.unwrap_or_else(|| ms(started)), accepted))
}

/// The plain way: the candidate in the text, wait, look for errors.
struct OneByOne {
    client: LeanClient,
    version: i32,
    _process: ServerProcess,
}

const LIMIT: Duration = Duration::from_secs(120);

impl OneByOne {
    async fn start(command: &LeanCommand) -> Result<OneByOne> {
        let command = command.clone().with_lean_options(&["-Dserver.reportDelayMs=0"]);
        let mut process = ServerProcess::spawn(&command)?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else { anyhow::bail!("no pipes") };
        StderrTail::follow(stderr);
        let client = LeanClient::start(stdout, stdin);
        client.initialize(initialize_params()).await?;
        client.open(URI, 1, "")?;
        client.barrier(URI, 1, LIMIT).await?;
        Ok(OneByOne { client, version: 1, _process: process })
    }

    async fn round(&mut self, round: usize) -> Result<Round> {
        let text = text(round);
        let before = [Goal::parse("p q : Prop\nhp : p\nhq : q\n⊢ q ∧ p")];
        let started = Instant::now();
        let (mut first, mut accepted) = (None, 0);
        for tactic in CANDIDATES {
            self.version += 1;
            // What remains is closed and what changed is printed, as a verdict needs it.
            let block = format!("{}\n  trace_state\n  all_goals sorry", tactic.replace('\n', "\n  "));
            self.client.replace(URI, self.version, &text.replace("sorry", &block))?;
            let said = self.client.barrier(URI, self.version, LIMIT).await?;
            let line = 1 + tactic.lines().count() as u32;
            let changed = traced_goals(&said, line).is_some_and(|after| !same_state(&after, &before));
            if changed && !said.iter().any(is_error) {
                accepted += 1;
                first.get_or_insert_with(|| ms(started));
            }
        }
        Ok((ms(started), first.unwrap_or_else(|| ms(started)), accepted))
    }
}

impl Measured {
    fn add(&mut self, (round, first, accepted): Round) {
        self.rounds.push(round);
        self.first.push(first);
        self.accepted.push(accepted);
    }
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}
