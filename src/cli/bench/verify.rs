//! `lean-copilot bench verify`: candidates verified per second, ours against one edit per candidate; and how
//! long Lean takes to be free again after a tactic that does not end.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::cancel;
use super::suggest::{FILES, HOLE, open_proofs, quantile};
use crate::candidates::portfolio;
use crate::cli::place::{self, read_text};
use crate::cli::{Context, needs};
use crate::config::Settings;
use crate::lean::client::{LeanClient, initialize_params};
use crate::lean::{LeanCommand, ServerProcess, process::StderrTail, toolchain};
use crate::lsp::position;
use crate::proof::{Goal, ProofStep, same_state, tactic};
use crate::verify::judge::{is_error, traced_goals};
use crate::verify::scratch::{Scratch, holes_at};
use crate::verify::{Filter, Place, VerdictCache, VerifierHandle};

/// Arguments of `bench verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Goals tried, of held-out proofs; each is new to Lean, five more before them warm it up.
    #[arg(long, default_value_t = 12)]
    rounds: usize,
    /// Candidates at each goal: what `suggest` tries there, then steps of other proofs.
    #[arg(long, default_value_t = 20)]
    candidates: usize,
    /// Tactics that do not end, of which each is cancelled.
    #[arg(long, default_value_t = 50)]
    cancels: usize,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
}

/// Rounds that are not counted: the first ones run in code that is not compiled yet.
const WARM_UP: usize = 5;
/// Longest wait for the probe, which is started in a pause.
const PROBE_LIMIT: Duration = Duration::from_secs(400);
/// Longest wait for one edit.
const LIMIT: Duration = Duration::from_secs(120);

/// The ways that are compared, as they are printed.
const WAYS: [&str; 4] =
    ["as `suggest` asks", "every survivor confirmed", "triage alone", "one edit per candidate"];

/// A goal with what is tried there.
struct Task {
    place: Place,
    candidates: Vec<String>,
}

/// One round of one way: milliseconds, milliseconds until the first accepted candidate, accepted ones.
type Round = (f64, Option<f64>, usize);

/// Runs the benchmark.
pub fn verify(args: &Args, context: &Context) -> Result<()> {
    let folder = context.dirs.share.join("examples/heldout");
    needs::lean(context, &folder)?;
    let command = toolchain::server_command(&context.dirs, &folder)?;
    let label = command.label.clone();
    let tasks = tasks(&folder, args)?;
    let cancels = args.cancels;
    let (ways, inside, freed) = place::run(async move {
        let cache = VerdictCache::default();
        // The machine's own speed is no timeout's business here.
        let settings = Settings { verify_timeout_ms: 20_000, ..Settings::default() };
        let verifier = VerifierHandle::spawn_with_cache(command.clone(), &settings, cache.clone());
        let inside = warm_up(&verifier, &tasks[..WARM_UP]).await?;
        let mut plain = OneByOne::start(&command, &tasks[0]).await?;
        for task in &tasks[..WARM_UP] {
            plain.round(task).await?;
        }
        let mut ways: [Vec<Round>; 4] = Default::default();
        for (n, task) in tasks[WARM_UP..].iter().enumerate() {
            // The goals are read before: all ways get them from the editor's Lean.
            verifier.state(&task.place).await?;
            // In turn, so that what else the machine does falls on all, and each is the first one sometimes.
            for i in 0..WAYS.len() {
                let way = (n + i) % WAYS.len();
                cache.clear();
                ways[way].push(match way {
                    0 => ours(&verifier, task, Some(settings.limit)).await?,
                    1 => ours(&verifier, task, None).await?,
                    2 => ours(&verifier, task, Some(0)).await?,
                    _ => plain.round(task).await?,
                });
            }
        }
        plain.end();
        let freed = cancel::measure(&verifier, cancels).await?;
        Ok((ways, inside, freed))
    })?;
    print(args, &label, inside, &ways, freed);
    Ok(())
}

fn print(args: &Args, label: &str, inside: bool, ways: &[Vec<Round>; 4], freed: Vec<cancel::Freed>) {
    let n = args.candidates as f64;
    let rows: Vec<Value> = WAYS.iter().zip(ways).map(|(way, rounds)| row(way, rounds, n)).collect();
    let rate = |i: usize| rows[i]["candidates_per_second"].as_f64().unwrap_or(f64::NAN);
    if args.json {
        let out = json!({
            "lean": label, "candidates": args.candidates, "rounds": args.rounds, "triage_inside_lean": inside,
            "ways": rows, "speedup": rate(0) / rate(3), "speedup_all_confirmed": rate(1) / rate(3),
            "cancel": freed.iter().map(cancel::Freed::json).collect::<Vec<_>>(),
        });
        anstream::println!("{out}");
        return;
    }
    let where_ = if inside { "inside Lean" } else { "by edits (Lean does not take the probe)" };
    anstream::println!(
        "{label}, {} candidates at each of {} goals after {WARM_UP} for warming up; triage {where_}\n",
        args.candidates,
        args.rounds
    );
    for (i, r) in rows.iter().enumerate() {
        let number = |key: &str| r[key].as_f64().unwrap_or(f64::NAN);
        anstream::println!(
            "{:26} {:6.1} candidates/s ({:.1}×)  round median {:5.0} ms, p95 {:5.0}  first accepted {:4.0} ms  {} accepted",
            WAYS[i],
            rate(i),
            rate(i) / rate(3),
            number("median_ms"),
            number("p95_ms"),
            number("median_first_ms"),
            r["accepted"],
        );
    }
    for f in &freed {
        anstream::println!("{f}");
    }
}

fn row(way: &str, rounds: &[Round], n: f64) -> Value {
    let mut times: Vec<f64> = rounds.iter().map(|r| r.0).collect();
    let mut first: Vec<f64> = rounds.iter().filter_map(|r| r.1).collect();
    let total: f64 = times.iter().sum();
    json!({
        "way": way, "candidates_per_second": n * times.len() as f64 * 1000.0 / total,
        "median_ms": quantile(&mut times, 0.5), "p95_ms": quantile(&mut times, 0.95),
        "median_first_ms": quantile(&mut first, 0.5),
        "accepted": rounds.iter().map(|r| r.2).sum::<usize>(),
    })
}

/// Goals of held-out proofs, each at the beginning of its proof, with candidates: the portfolio, the author's
/// own step, and steps of other proofs.
fn tasks(folder: &Path, args: &Args) -> Result<Vec<Task>> {
    let text = open_proofs(folder)?;
    let lines = read_text(&folder.join("steps.jsonl"))?;
    let steps: Vec<ProofStep> = lines.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let of_files = |s: &&ProofStep| FILES.iter().any(|f| s.file.ends_with(&format!("/{f}.lean")));
    // Lean names a step's declaration in full; the goal is that of its first step.
    let mut first: BTreeMap<&str, &ProofStep> = BTreeMap::new();
    for s in steps.iter().filter(of_files) {
        let known = first.entry(&s.decl).or_insert(s);
        if s.step < known.step {
            *known = s;
        }
    }
    let others: Vec<&str> =
        steps.iter().filter(|s| tactic::refusal(&s.tactic).is_none()).map(|s| s.tactic.as_str()).collect();
    let mut tasks = Vec::new();
    for (at, _) in text.match_indices(HOLE).take(args.rounds.max(1) + WARM_UP) {
        let declaration = text[..at].rfind("theorem ").context("a hole is a theorem's")?;
        let name = text[declaration..].split_whitespace().nth(1).unwrap_or_default();
        let own = first.iter().find(|(d, _)| d.rsplit('.').next() == Some(name)).map(|(_, s)| *s);
        let mut candidates: Vec<String> = Vec::new();
        if let Some(step) = own {
            let goal = step.state_before.first();
            candidates.extend(goal.map(portfolio).unwrap_or_default().into_iter().map(|c| c.tactic));
            candidates.insert(candidates.len().min(2), step.tactic.clone());
        }
        // Spread over the list, the same in each run.
        let mut i = tasks.len() * 37;
        while candidates.len() < args.candidates {
            let next = others[i % others.len()].to_owned();
            i += 101;
            if !candidates.contains(&next) {
                candidates.push(next);
            }
        }
        candidates.truncate(args.candidates);
        let position = position::position(&text, at);
        let place = Place { uri: URI.into(), version: 1, text: text.as_str().into(), position };
        tasks.push(Task { place, candidates });
    }
    anyhow::ensure!(tasks.len() > WARM_UP, "there are too few held-out proofs for a round");
    Ok(tasks)
}

const URI: &str = "file:///bench/Bench.lean";

/// Runs rounds until the code is warm and the probe is there; whether it is.
async fn warm_up(verifier: &VerifierHandle, tasks: &[Task]) -> Result<bool> {
    let started = Instant::now();
    loop {
        for task in tasks {
            ours(verifier, task, None).await?;
            if !verifier.status().probe {
                tokio::time::sleep(Duration::from_millis(1300)).await;
            }
        }
        if verifier.status().probe {
            // Once more, for the probe's own code.
            for task in tasks {
                ours(verifier, &Task { candidates: spaced(&task.candidates), ..task.copy() }, None).await?;
            }
            return Ok(true);
        }
        if started.elapsed() > PROBE_LIMIT {
            return Ok(false);
        }
    }
}

/// The same tactics in other words: nothing is known of them.
fn spaced(candidates: &[String]) -> Vec<String> {
    candidates.iter().map(|c| format!("{c} ")).collect()
}

impl Task {
    fn copy(&self) -> Task {
        Task { place: self.place.clone(), candidates: self.candidates.clone() }
    }
}

/// `wanted` as in `verify_best`; `None`: all survivors are confirmed.
async fn ours(verifier: &VerifierHandle, task: &Task, wanted: Option<usize>) -> Result<Round> {
    let started = Instant::now();
    let tactics = task.candidates.clone();
    let mut verdicts = match wanted {
        Some(n) => verifier.verify_best(&task.place, tactics, Filter::Off, n),
        None => verifier.verify(&task.place, tactics, Filter::Off),
    };
    let (mut first, mut accepted) = (None, 0);
    while let Some((_, v)) = verdicts.recv().await {
        if v.kind.is_success() {
            accepted += 1;
            first.get_or_insert_with(|| ms(started));
        }
    }
    if let Some((problem, _)) = verifier.status().problem {
        anyhow::bail!("the verifier failed: {problem}");
    }
    Ok((ms(started), first, accepted))
}

/// The plain way: the candidate in the text, wait, look for errors. The text is cut where ours is.
struct OneByOne {
    client: LeanClient,
    version: i32,
    process: ServerProcess,
}

impl OneByOne {
    async fn start(command: &LeanCommand, task: &Task) -> Result<OneByOne> {
        let command = command.clone().with_lean_options(&["-Dserver.reportDelayMs=0"]);
        let mut process = ServerProcess::spawn(&command)?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else { anyhow::bail!("no pipes") };
        StderrTail::follow(stderr);
        let client = LeanClient::start(stdout, stdin);
        client.initialize(initialize_params()).await?;
        client.open(URI, 1, &task.place.text)?;
        client.barrier(URI, 1, LIMIT).await?;
        Ok(OneByOne { client, version: 1, process })
    }

    async fn round(&mut self, task: &Task) -> Result<Round> {
        let offset = position::offset(&task.place.text, task.place.position);
        let hole = holes_at(&task.place.text, offset).into_iter().next().context("a hole")?;
        let scratch = Scratch::new(&task.place.text, hole);
        let block = |tactic: &str| format!("{tactic}\ntrace_state\nall_goals sorry");
        // The goals are known and the file is read up to here, as in the other ways.
        let said = self.edit(&scratch.with(&block("skip"))).await?;
        let before = traced_goals(&said, scratch.block_line() + 1).context("the goals")?;
        let started = Instant::now();
        let (mut first, mut accepted) = (None, 0);
        for tactic in &task.candidates {
            // What remains is closed and what changed is printed, as a verdict needs it.
            let said = self.edit(&scratch.with(&block(tactic.trim_end()))).await?;
            if changes(&said, &scratch, tactic, &before) {
                accepted += 1;
                first.get_or_insert_with(|| ms(started));
            }
        }
        Ok((ms(started), first, accepted))
    }

    async fn edit(&mut self, text: &str) -> Result<Vec<lsp_types::Diagnostic>> {
        self.version += 1;
        self.client.replace(URI, self.version, text)?;
        Ok(self.client.barrier(URI, self.version, LIMIT).await?)
    }

    /// Ends its Lean, so that what is measured next has the machine to itself.
    fn end(self) {
        drop(self.process);
    }
}

fn changes(said: &[lsp_types::Diagnostic], scratch: &Scratch, tactic: &str, before: &[Goal]) -> bool {
    let line = scratch.block_line() + tactic.trim_end().lines().count() as u32;
    let own = |d: &&lsp_types::Diagnostic| scratch.declaration.start <= d.range.start.line && is_error(d);
    let changed = traced_goals(said, line).is_some_and(|after| !same_state(&after, before));
    changed && said.iter().find(own).is_none()
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}
