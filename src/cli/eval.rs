//! `lean-copilot eval`: sources of tactics measured on the proofs of files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::trace::lean_files;
use super::{Context, needs};
use crate::error::{Failure, FailureKind};
use crate::eval::score::{StepScore, main_goal, theorems};
use crate::eval::{Interval, Proposed, Scores, commonest, measure, paired_difference};
use crate::policy::PolicyHandle;
use crate::proof::ProofStep;
use crate::trace::{TraceOptions, trace_files};

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
At each tactic step of the proofs, each source proposes K tactics, and Lean runs them on the state that the
author saw. Shares of steps at which one of them
  closes      closes the main goal
  progress    closes or changes it
  same_state  leads to the very state that the author's tactic leads to
  exact       is the author's tactic

Examples:
  lean-copilot eval examples/heldout
  lean-copilot eval Foo.lean --k 1 --json")]
pub struct Args {
    /// Lean files, or folders with Lean files below them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Candidates of each source at each step.
    #[arg(long, default_value_t = 8)]
    k: usize,
    /// Sources to measure.
    #[arg(long, value_delimiter = ',', default_value = "policy,commonest")]
    sources: Vec<EvalSource>,
    /// Steps from which the commonest tactics are counted [default: the shipped examples]
    #[arg(long)]
    train: Option<PathBuf>,
    /// Model bundle [default: the one in use]
    #[arg(long)]
    bundle: Option<String>,
    /// Bound of each tactic, as Lean's option `maxHeartbeats`.
    #[arg(long, default_value_t = 50_000)]
    max_heartbeats: u64,
    /// Seed of the bootstrap.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
enum EvalSource {
    /// The policy in use.
    Policy,
    /// The commonest tactics of the training steps, the same at every step.
    Commonest,
}

#[derive(Serialize)]
struct Report {
    steps: usize,
    theorems: usize,
    k: usize,
    unanswered: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
    sources: BTreeMap<String, Scores>,
    /// `same_state` of the policy less that of the commonest tactics: the paired interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_over_commonest: Option<Interval>,
}

/// Runs the command.
pub fn eval(args: Args, context: Context) -> Result<()> {
    let files = lean_files(&args.paths, &[])?;
    let folder = files.first().and_then(|f| f.parent()).unwrap_or(Path::new("."));
    needs::lean(&context, folder)?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let options = TraceOptions::new(&context.dirs, folder, &context.libs, cores.div_ceil(2))?;

    let steps = traced(&files, &options)?;
    let mut proposed = Vec::new();
    let mut bundle = None;
    for source in &args.sources {
        proposed.push(match source {
            EvalSource::Commonest => {
                let file =
                    args.train.clone().unwrap_or_else(|| context.dirs.share.join("examples/steps.jsonl"));
                let tactics = commonest(&read_steps(&file)?, args.k);
                Proposed { name: "commonest".into(), candidates: vec![tactics; steps.len()] }
            }
            EvalSource::Policy => {
                needs::policy(&context)?;
                let (candidates, id) = ask_policy(&steps, &args, &context)?;
                bundle = Some(id);
                Proposed { name: "policy".into(), candidates }
            }
        });
    }
    let bar = progress_bar(steps.len(), "steps tried");
    let measured = measure(&steps, &proposed, args.max_heartbeats, &options, |n| bar.inc(n as u64))?;
    bar.finish_and_clear();

    // Only steps that Lean answered for every source count, so that sources stay comparable.
    let answered: Vec<usize> =
        (0..steps.len()).filter(|i| measured.values().all(|scores| scores[*i].is_some())).collect();
    let scores_of = |name: &str| -> Option<Vec<StepScore>> {
        measured.get(name).map(|s| answered.iter().filter_map(|i| s[*i]).collect())
    };
    let sources = measured
        .keys()
        .filter_map(|name| scores_of(name).map(|s| (name.clone(), Scores::of(&s, args.seed))))
        .collect();
    let same = |name: &str| -> Option<Vec<f64>> {
        scores_of(name).map(|s| s.iter().map(|s| f64::from(u8::from(s.same_state))).collect())
    };
    let policy_over_commonest =
        same("policy").zip(same("commonest")).map(|(p, c)| paired_difference(&p, &c, args.seed));
    let report = Report {
        steps: answered.len(),
        theorems: theorems(&steps),
        k: args.k,
        unanswered: steps.len() - answered.len(),
        bundle,
        sources,
        policy_over_commonest,
    };
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => print_table(&report),
    }
    Ok(())
}

fn traced(files: &[PathBuf], options: &TraceOptions) -> Result<Vec<ProofStep>> {
    let bar = progress_bar(files.len(), "files traced");
    let steps = Mutex::new(Vec::new());
    trace_files(files, options, &AtomicBool::new(false), |report| {
        if let Some(problem) = &report.problem {
            let first = problem.lines().next().unwrap_or("");
            bar.suspend(|| anstream::eprintln!("warning: `{}`: {first}", report.file.display()));
        }
        bar.inc(1);
        steps.lock().expect("no panic holds the steps").extend(report.steps);
    })?;
    bar.finish_and_clear();
    let mut steps = steps.into_inner().expect("no panic holds the steps");
    steps.retain(|s: &ProofStep| main_goal(s).is_some() && s.error.is_none());
    steps.sort_by(|a, b| (&a.file, a.range.start).cmp(&(&b.file, b.range.start)));
    if steps.is_empty() {
        return Err(Failure::new(FailureKind::Usage, "the files have no tactic steps to measure on").into());
    }
    Ok(steps)
}

fn ask_policy(steps: &[ProofStep], args: &Args, context: &Context) -> Result<(Vec<Vec<String>>, String)> {
    let mut settings = context.settings.clone();
    settings.bundle = args.bundle.clone().or(settings.bundle);
    let policy = PolicyHandle::spawn(context.dirs.clone(), settings)?;
    let bar = progress_bar(steps.len(), "goals read by the policy");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut id = String::new();
    let mut candidates = Vec::with_capacity(steps.len());
    for goal in steps.iter().filter_map(main_goal) {
        let proposals = runtime.block_on(policy.propose(goal, args.k))?;
        id = proposals.bundle;
        candidates.push(proposals.candidates.into_iter().map(|c| c.tactic).collect());
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((candidates, id))
}

fn read_steps(file: &Path) -> Result<Vec<ProofStep>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    text.lines()
        .enumerate()
        .map(|(i, line)| {
            serde_json::from_str(line).map_err(|e| {
                Failure::new(FailureKind::Corrupt, format!("`{}`, line {}: {e}", file.display(), i + 1))
                    .hint("`lean-copilot trace` writes such files")
                    .into()
            })
        })
        .collect()
}

fn progress_bar(length: usize, what: &str) -> ProgressBar {
    let template = format!("{{bar:30}} {{pos}}/{{len}} {what}, {{eta}} left");
    let bar = ProgressBar::new(length as u64);
    bar.set_style(ProgressStyle::with_template(&template).expect("a valid template"));
    bar
}

fn print_table(report: &Report) {
    anstream::println!(
        "{} steps of {} theorems, {} candidates of each source",
        report.steps,
        report.theorems,
        report.k
    );
    if report.unanswered > 0 {
        anstream::println!("{} more steps got no answer from Lean and are not counted", report.unanswered);
    }
    if let Some(bundle) = &report.bundle {
        anstream::println!("policy: {bundle}");
    }
    anstream::println!(
        "\n{:<12} {:>8} {:>8} {:>10} {:>17} {:>8}",
        "",
        "closes",
        "progress",
        "same state",
        "95 % interval",
        "exact"
    );
    for (name, s) in &report.sources {
        let interval =
            format!("{:.1}–{:.1} %", 100.0 * s.same_state_interval.low, 100.0 * s.same_state_interval.high);
        anstream::println!(
            "{name:<12} {:>6.1} % {:>6.1} % {:>8.1} % {interval:>17} {:>6.1} %",
            100.0 * s.closes,
            100.0 * s.progress,
            100.0 * s.same_state,
            100.0 * s.exact
        );
    }
    if let Some(d) = report.policy_over_commonest {
        anstream::println!(
            "\npolicy over commonest, same state: {:+.1} to {:+.1} points (95 %, paired)",
            100.0 * d.low,
            100.0 * d.high
        );
    }
}
