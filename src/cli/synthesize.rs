//! `lean-copilot synthesize`: more steps than people wrote, made up by Lean at traced ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

use super::trace::Reading;
use super::{Context, needs};
use crate::error::{Failure, FailureKind};
use crate::proof::ProofStep;
use crate::trace::journal::Journal;
use crate::trace::run::FileReport;
use crate::trace::synth::made::Counts;
use crate::trace::synth::work::{Amount, Bounds, work};
use crate::trace::synth::{Plan, synthesize as make};
use crate::train::dataset::{HeldOut, read_steps, statement_hash, statements};

/// What is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// What Lean's searches answer at the states of the steps.
    Answers,
    /// Proofs of variants of the theorems' statements.
    Variants,
}

/// Arguments of `synthesize`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Answers: at each state what `simp?`, `simp_all?`, `exact?`, `grind?` and `try?` propose, where Lean takes it, it gets
on, and the author did not write it (`\"origin\": \"search\"`). Variants: statements with sides swapped, hypotheses
dropped, variables specialised, constants generalised, operations exchanged, theorems chained, which a search can
prove; their proofs step by step (`\"origin\": \"variant\"`). Lean is bounded by heartbeats and attempts, so the same
steps come out on every machine. Held-out declarations are no sources. A run that was broken off is continued:
`F.files` beside the output says what is done.

Examples:
  lean-copilot synthesize examples/steps.jsonl --out more.jsonl
  lean-copilot synthesize steps.jsonl --kinds answers --states 50 --out answers.jsonl
  lean-copilot synthesize train.jsonl --at leanprover-community/iris-lean=iris-lean --lib quote4 --out iris.jsonl
  lean-copilot finetune --objective sft --data steps.jsonl more.jsonl")]
pub struct Args {
    /// Steps as `lean-copilot trace` writes them.
    #[arg(required = true)]
    steps: Vec<PathBuf>,
    /// Where the new steps go, file by file.
    #[arg(long, short)]
    out: PathBuf,
    /// What is made up.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Answers, Kind::Variants])]
    kinds: Vec<Kind>,
    /// Only steps whose file begins with PREFIX; these files lie in DIR.
    #[arg(long, value_name = "PREFIX=DIR")]
    at: Option<String>,
    /// Answers kept at a state, the shorter ones first.
    #[arg(long, default_value_t = 2)]
    answers: usize,
    /// States of a file that are asked about, at most.
    #[arg(long, default_value_t = 10_000)]
    states: usize,
    /// Variants tried of a theorem, at most.
    #[arg(long, default_value_t = 6)]
    variants: usize,
    /// Heartbeats of one search tactic, as Lean's option `maxHeartbeats`.
    #[arg(long, default_value_t = 20_000)]
    search_heartbeats: u64,
    /// Heartbeats of any other tactic.
    #[arg(long, default_value_t = 5_000)]
    max_heartbeats: u64,
    /// Tactics tried for the proof of one variant.
    #[arg(long, default_value_t = 120)]
    attempts: usize,
    #[command(flatten)]
    reading: Reading,
    /// Write what it came to as one JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn synthesize(args: Args, context: Context) -> Result<()> {
    let (prefix, folder) = place(args.at.as_deref())?;
    let mut steps = read_steps(&args.steps)?;
    steps.retain(|s| s.file.starts_with(&prefix));
    let examples = context.dirs.share.join("examples");
    let list = examples.join("heldout.json");
    let held_out = if list.is_file() { HeldOut::read(&list)? } else { HeldOut::default() }
        .with_projects(&examples.join("heldout-projects.json"))?;
    let refused = refused(&steps, &held_out);
    let wants = |kind| args.kinds.contains(&kind);
    let amount = Amount {
        answers: if wants(Kind::Answers) { args.answers } else { 0 },
        states: args.states,
        variants: if wants(Kind::Variants) { args.variants } else { 0 },
    };
    let bounds =
        Bounds { search: args.search_heartbeats, tactic: args.max_heartbeats, attempts: args.attempts };
    let files = work(&steps, amount, |s| !refused.contains(&(s.file.clone(), s.decl.clone())));
    if files.is_empty() {
        return Err(Failure::new(FailureKind::Usage, "there is nothing to make steps of in these files")
            .hint("give steps of `lean-copilot trace` that are not held out; `--at PREFIX=DIR` names what they begin with")
            .into());
    }
    let path_of =
        |file: &str| folder.join(file.strip_prefix(prefix.as_str()).unwrap_or(file).trim_start_matches('/'));
    let first = std::path::absolute(path_of(&files[0].file))?;
    let parent = first.parent().unwrap_or(Path::new("."));
    needs::lean(&context, parent)?;
    let options = args.reading.options(&context, parent)?;
    let plan = Plan::new(files, path_of, bounds, &options)?;

    let keys: BTreeMap<String, String> =
        plan.files.iter().map(|f| f.file.clone()).zip(plan.keys.iter().cloned()).collect();
    let journal = Journal::open(&args.out, &keys)?;
    let done: BTreeSet<String> = journal.entries.iter().map(|e| e.file.clone()).collect();
    let wanted: Vec<usize> = (0..plan.files.len()).filter(|i| !done.contains(&plan.files[*i].file)).collect();
    let bar = ProgressBar::new(wanted.iter().map(|i| plan.files[*i].items.len() as u64).sum());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} states and theorems, {msg}, {eta} left");
    bar.set_style(style.expect("a valid template"));
    let compiling = super::modules::progress_bar();
    let total = Mutex::new((journal, Counts::default()));
    let begun = Instant::now();
    let report = |i: usize, report: FileReport, counts: Counts| -> Result<()> {
        if let Some(problem) = &report.problem {
            let first = problem.lines().next().unwrap_or("");
            bar.suspend(|| anstream::eprintln!("warning: `{}`: {first}", report.file.display()));
        }
        let mut total = total.lock().expect("no panic holds the output");
        total.1 += counts;
        total.0.add(&plan.keys[i], &report)?;
        bar.inc(plan.files[i].items.len() as u64);
        bar.set_message(format!("{} steps", total.1.answers + total.1.variant_steps));
        Ok(())
    };
    let progress = super::modules::shows(&compiling);
    make(&plan, &wanted, bounds, &options, &AtomicBool::new(false), &progress, report)?;
    compiling.finish_and_clear();
    bar.finish_and_clear();

    let (journal, c) = total.into_inner().expect("no panic holds the output");
    let entries = journal.finish()?;
    let all: usize = entries.iter().map(|e| e.steps).sum();
    if args.json {
        let summary = serde_json::json!({
            "steps": all, "files": entries.len(), "done_before": done.len(),
            "held_out": refused.len(), "counts": c, "seconds": begun.elapsed().as_secs_f64(),
        });
        println!("{summary}");
        return Ok(());
    }
    anstream::eprintln!("{all} steps of {} files, {} of them done before", entries.len(), done.len());
    anstream::eprintln!(
        "{} answers at {} of {} states; {} steps of {} variants, {} more without a proof, {} left out as trivial",
        c.answers,
        c.answered,
        c.states,
        c.variant_steps,
        c.variants - c.unproved - c.trivial_left_out,
        c.unproved,
        c.trivial_left_out
    );
    for (n, what) in [
        (refused.len(), "declarations are held out"),
        (c.not_done, "pieces of work were not done: the file has changed, or its time was up"),
    ] {
        if n > 0 {
            anstream::eprintln!("{n} {what}");
        }
    }
    Ok(())
}

/// `PREFIX=DIR`.
fn place(at: Option<&str>) -> Result<(String, PathBuf)> {
    match at.map(|a| a.split_once('=').filter(|(prefix, _)| !prefix.is_empty())) {
        None => Ok((String::new(), PathBuf::new())),
        Some(Some((prefix, folder))) => Ok((prefix.trim_end_matches('/').to_owned() + "/", folder.into())),
        Some(None) => {
            let message = "`--at` takes what the steps' files begin with and the folder where they lie";
            Err(Failure::new(FailureKind::Usage, message)
                .hint("for example `--at iris-lean=../iris-lean`")
                .into())
        }
    }
}

/// The declarations that are held out, by name or statement.
fn refused(steps: &[ProofStep], held_out: &HeldOut) -> BTreeSet<(String, String)> {
    statements(steps)
        .into_iter()
        .filter(|((_, decl), goal)| held_out.has_name(decl) || held_out.has_statement(&statement_hash(goal)))
        .map(|((file, decl), _)| (file.to_owned(), decl.to_owned()))
        .collect()
}
