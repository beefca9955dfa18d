//! `lean-copilot bench neighbours`: how long it takes to find what was done at similar goals, over an index of
//! many steps, and how long until a new step is found.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;

use super::suggest::quantile;
use crate::candidates::Neighbours;
use crate::candidates::neighbours::{Learned, ProjectIndex};
use crate::cli::Context;
use crate::config::Dirs;
use crate::proof::tactic::{TokenKind, tokens};
use crate::proof::{Goal, ProofStep};
use crate::train::dataset::{is_usable, read_steps};

/// Arguments of `bench neighbours`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Where the files hold fewer steps than `--rows`, they are taken again with other names for most of what
they speak of, until there are as many: what is common stays common, what is rare stays rare. The index
lies in a temporary folder.

Examples:
  lean-copilot bench neighbours                     the shipped steps, again and again
  lean-copilot bench neighbours cedar.jsonl iris.jsonl --rows 100000 --json")]
pub struct Args {
    /// Steps as `lean-copilot trace` writes them [default: the shipped ones]
    steps: Vec<PathBuf>,
    /// Steps in the index.
    #[arg(long, default_value_t = 100_000)]
    rows: usize,
    /// Goals asked for, spread over the steps.
    #[arg(long, default_value_t = 1000)]
    questions: usize,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
}

/// Steps that are learnt one by one and looked for at once.
const LEARNT: usize = 50;

/// Runs the benchmark.
pub fn neighbours(args: &Args, context: &Context) -> Result<()> {
    let files = match args.steps.as_slice() {
        [] => vec![context.dirs.share.join("examples/steps.jsonl")],
        given => given.to_vec(),
    };
    let steps: Vec<ProofStep> =
        read_steps(&files)?.into_iter().filter(|s| is_usable(s) && !s.state_before.is_empty()).collect();
    ensure!(!steps.is_empty(), "there is no step to learn in these files");
    let folder = tempfile::Builder::new().prefix("lean-copilot-").tempdir()?;
    let dirs = Dirs::below(folder.path(), context.dirs.share.clone(), folder.path().join("cache"));
    let project = folder.path().join("project");

    let started = Instant::now();
    let mut index = ProjectIndex::open(&dirs, &project)?;
    // A file's steps at a time, as a traced project gives them.
    let mut chunk: Vec<Learned> = Vec::new();
    for n in 0..args.rows {
        let (step, copy) = (&steps[n % steps.len()], n / steps.len());
        chunk.push(Learned {
            goal: renamed(&step.state_before[0], copy),
            tactic: renamed_text(&step.tactic, copy),
        });
        if chunk.len() == 500 || n + 1 == args.rows {
            index.learn(&format!("{n}.lean"), &chunk, "")?;
            chunk.clear();
        }
    }
    let built = started.elapsed();

    let neighbours = Neighbours::of_project(&dirs, &project);
    let asked: Vec<Goal> = (0..args.questions)
        .map(|i| {
            let n = i * args.rows / args.questions.max(1);
            renamed(&steps[n % steps.len()].state_before[0], n / steps.len())
        })
        .collect();
    // The first question reads the shipped steps, as it does once in a user's life.
    neighbours.propose(&asked[0], 8)?;
    let mut times = Vec::with_capacity(asked.len());
    let mut found = 0usize;
    for goal in &asked {
        let started = Instant::now();
        let candidates = neighbours.propose(goal, 8)?;
        times.push(ms(started.elapsed()));
        found += usize::from(!candidates.is_empty());
    }

    let mut learning = Vec::with_capacity(LEARNT);
    for i in 0..LEARNT {
        let goal = Goal::parse(&format!("n : Nat\n⊢ newlyDefined{i} n = n"));
        let tactic = format!("exact newlyProved{i} _");
        let started = Instant::now();
        index.learn(
            &format!("new{i}.lean"),
            &[Learned { goal: goal.clone(), tactic: tactic.clone() }],
            "",
        )?;
        let candidates = neighbours.propose(&goal, 8)?;
        learning.push(ms(started.elapsed()));
        ensure!(candidates.iter().any(|c| c.tactic == tactic), "a step that was just learnt is not found");
    }

    let bytes = std::fs::metadata(index.path()).map_or(0, |m| m.len());
    let [p50, p95, p99, longest] = [0.5, 0.95, 0.99, 1.0].map(|q| quantile(&mut times, q));
    let [learnt50, learnt95] = [0.5, 0.95].map(|q| quantile(&mut learning, q));
    let out = json!({
        "rows": index.len()?, "steps": steps.len(), "questions": times.len(), "answered": found,
        "ms": { "p50": p50, "p95": p95, "p99": p99, "max": longest },
        "learnt_and_found_ms": { "p50": learnt50, "p95": learnt95 },
        "built_s": built.as_secs_f64(), "megabytes": bytes as f64 / 1e6,
    });
    if args.json {
        anstream::println!("{out}");
        return Ok(());
    }
    anstream::println!(
        "{} steps in the index ({:.0} MB, built in {:.1} s), of {} traced ones",
        out["rows"],
        bytes as f64 / 1e6,
        built.as_secs_f64(),
        steps.len()
    );
    anstream::println!(
        "{} questions, {found} with an answer: p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms, longest {longest:.1} ms",
        times.len()
    );
    anstream::println!("a new step learnt and found: p50 {learnt50:.1} ms, p95 {learnt95:.1} ms");
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The goal with other names for what it speaks of, those of copy 0 being its own.
fn renamed(goal: &Goal, copy: usize) -> Goal {
    if copy == 0 { goal.clone() } else { Goal::parse(&renamed_text(&goal.text, copy)) }
}

/// Two of three names get a number; which, depends on the name alone.
fn renamed_text(text: &str, copy: usize) -> String {
    if copy == 0 {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut written = 0;
    for token in tokens(text).into_iter().filter(|t| t.kind == TokenKind::Word && t.text.len() > 3) {
        let sum = token.text.bytes().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(b.into()));
        if sum % 3 == 0 || token.text.contains('✝') {
            continue;
        }
        out.push_str(&text[written..token.end()]);
        out.push_str(&copy.to_string());
        written = token.end();
    }
    out.push_str(&text[written..]);
    out
}
