//! `lean-copilot eval`: sources of tactics measured on the proofs of files.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::trace::lean_files;
use super::{Context, needs};
use crate::error::{Failure, FailureKind};
use crate::eval::arena::Bound;
use crate::eval::cache::{Cache, key};
use crate::eval::look::Rules;
use crate::eval::rows::rows;
use crate::eval::run::{Event, Plan, Traced, run};
use crate::eval::score::main_goal;
use crate::eval::sources::{Asker, Precision, Set, sets};
use crate::eval::{commonest, plot, report};
use crate::proof::{ProofStep, Source};
use crate::runtime::locate;
use crate::trace::TraceOptions;
use crate::trace::play::{PLAY, Table};
use crate::trace::run::{read_sources, trace_sources};

mod table;

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
At each tactic step of the proofs, each source proposes tactics, and Lean runs them on the state that the author
saw. Of what Lean accepts the best K are shown. Shares of steps at which one of them
  closes      closes the main goal
  progress    closes or changes it
  same_state  leads to the very state that the author's tactic leads to
  exact       is the author's tactic
and of theorems
  finished    proved by taking the best suggestion again and again
`baseline` is portfolio and lean, `all` all of the sources. Hard steps are those that the baseline does not close.
docs/evaluation.md says more. Answers are kept in the cache directory: a run that was broken off goes on.

Examples:
  lean-copilot eval examples/heldout --sample 300 --theorems 60
  lean-copilot eval Foo.lean --k 1 --sources policy,portfolio --json
  lean-copilot --lib batteries eval cedar-lean/Cedar/Thm/Data --train steps.jsonl --plot plots")]
pub struct Args {
    /// Lean files, or folders with Lean files below them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Suggestions shown of each set of sources.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=64))]
    k: u64,
    /// Proposals of each source, of which Lean refuses some [default: K]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=64))]
    candidates: Option<u64>,
    /// Sources to measure, alone and together.
    #[arg(long, value_delimiter = ',', default_value = "policy,portfolio,lean,neighbours,scope")]
    sources: Vec<EvalSource>,
    /// Lean's time for each set of sources at each state: `2s`, `500ms`.
    #[arg(long, default_value = "2s", value_parser = duration)]
    budget: Duration,
    /// Sets of sources that prove whole theorems, of those in the table; `none` for none.
    #[arg(long, value_delimiter = ',', default_value = "policy,baseline,baseline+lookahead,all")]
    finish: Vec<String>,
    /// Most tactics of such a proof.
    #[arg(long, default_value_t = 12)]
    steps: usize,
    /// Measure so many steps, drawn over the files [default: all]
    #[arg(long)]
    sample: Option<usize>,
    /// Prove so many theorems, drawn over the files [default: all]
    #[arg(long)]
    theorems: Option<usize>,
    /// Seed of the draw and of the bootstrap.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Steps from which commonest tactics and neighbours come [default: the shipped examples]
    #[arg(long)]
    train: Option<PathBuf>,
    /// Model bundle [default: the one in use]
    #[arg(long)]
    bundle: Option<String>,
    /// Measure the policy with weights of this precision, too; may be given several times.
    #[arg(long, value_delimiter = ',')]
    precision: Vec<Precision>,
    /// Bound of each candidate, as Lean's option `maxHeartbeats`.
    #[arg(long, default_value_t = 5_000)]
    max_heartbeats: u64,
    /// Bound of each of Lean's searches, and of what decides whether a step is hard.
    #[arg(long, default_value_t = 100_000)]
    decide_heartbeats: u64,
    /// Lean processes at once, about a gigabyte each [default: half of the cores]
    #[arg(long)]
    jobs: Option<usize>,
    /// Find everything out again instead of taking what is remembered.
    #[arg(long)]
    fresh: bool,
    /// Draw the figures into this folder, as SVG.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// Write what each set showed at each step, and how it played each theorem, as lines of JSON into this file.
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum EvalSource {
    /// The policy in use.
    Policy,
    /// The closing tactics, and the steps that a goal's shape asks for.
    Portfolio,
    /// Lean's own search.
    Lean,
    /// What was done at similar goals of the training steps.
    Neighbours,
    /// What the names at a goal offer.
    Scope,
}

/// For what no heartbeat stops: a candidate, and what decides.
const LONGEST: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(60)];

/// Runs the command.
pub fn eval(args: Args, context: Context) -> Result<()> {
    let began = Instant::now();
    let chosen: Vec<Source> = args
        .sources
        .iter()
        .map(|s| match s {
            EvalSource::Policy => Source::Policy,
            EvalSource::Portfolio => Source::Portfolio,
            EvalSource::Lean => Source::Lean,
            EvalSource::Neighbours => Source::Neighbours,
            EvalSource::Scope => Source::Scope,
        })
        .collect();
    let sets = sets(&chosen, &args.precision);
    let finish = players(&args.finish, &sets)?;
    let files = lean_files(&args.paths, &[])?;
    let first = std::path::absolute(&files[0])?;
    let folder = first.parent().unwrap_or(Path::new("."));
    needs::lean(&context, folder)?;
    let with_policy = chosen.contains(&Source::Policy);
    if with_policy {
        needs::policy(&context)?;
    }
    let jobs =
        args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from).div_ceil(2));
    let options = TraceOptions::new(&context.dirs, folder, &context.libs, jobs)?;
    let cache = Arc::new(Cache::open(&context.dirs.cache.join("eval").join("answers.db"), args.fresh)?);

    let traced = traced(&files, &options, &cache)?;
    let train = args.train.clone().unwrap_or_else(|| context.dirs.share.join("examples/steps.jsonl"));
    let k = args.k as usize;
    let candidates = args.candidates.unwrap_or(args.k) as usize;
    let list = commonest(&read_steps(&train)?, candidates);
    let settings = with_policy.then(|| {
        let mut settings = context.settings.clone();
        settings.bundle = args.bundle.clone().or(settings.bundle);
        settings
    });
    let library = with_policy.then(|| locate::onnxruntime(&context.dirs)).transpose()?;
    let asker =
        Asker::new(&context.dirs, cache.clone(), candidates, &train, list, settings.as_ref(), library)?;

    let bound = |heartbeats, longest| Bound { heartbeats, longest };
    let plan = Plan {
        sets,
        finish,
        steps_each: args.steps,
        rules: Rules {
            k,
            candidates,
            budget_ms: args.budget.as_secs_f64() * 1e3,
            bound: bound(args.max_heartbeats, LONGEST[0]),
            decide: bound(args.decide_heartbeats, LONGEST[1]),
        },
        sample: args.sample,
        theorems: args.theorems,
        seed: args.seed,
        jobs,
    };
    let table = Table::new(&files, &options)?;
    let bar = progress_bar(0, "steps and theorems");
    let measured = run(&traced, &plan, &table, &cache, &asker, &|event| match event {
        Event::Begins(n) => bar.set_length(n as u64),
        Event::Done => bar.inc(1),
        Event::Failed(why) => bar.suspend(|| anstream::eprintln!("warning: {why}")),
    })?;
    bar.finish_and_clear();

    if let Some(file) = &args.rows {
        let lines: String = rows(&measured, &plan).iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(file, lines).with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    let report = report(&measured, &plan, asker.bundle(), began.elapsed().as_secs_f64());
    let order: Vec<String> = plan.sets.iter().map(|s| s.name.clone()).collect();
    if let Some(folder) = &args.plot {
        for file in plot::plot(&report, &order, folder)? {
            anstream::eprintln!("drawn: `{}`", file.display());
        }
    }
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => table::print(&report, &order),
    }
    Ok(())
}

/// The sets that play, of those measured. The default names sets that a person may have left out.
fn players(named: &[String], sets: &[Set]) -> Result<Vec<String>> {
    let known: Vec<&str> = sets.iter().map(|s| s.name.as_str()).collect();
    let optional = ["policy", "baseline", "baseline+lookahead", "all", "none"];
    if let Some(name) = named.iter().find(|n| !known.contains(&n.as_str()) && !optional.contains(&n.as_str()))
    {
        return Err(Failure::new(FailureKind::Usage, format!("`--finish {name}`: no such set of sources"))
            .hint(format!("one of {}, or none", known.join(", ")))
            .into());
    }
    Ok(named.iter().filter(|n| known.contains(&n.as_str())).cloned().collect())
}

/// The steps of the files, of now or of before.
fn traced(files: &[PathBuf], options: &TraceOptions, cache: &Cache) -> Result<Vec<Traced>> {
    let sources = read_sources(files, options)?;
    for problem in sources.problems() {
        anstream::eprintln!("warning: {problem}");
    }
    let mut found: Vec<Option<Vec<ProofStep>>> = Vec::with_capacity(files.len());
    for source in &sources.files {
        let name = source.file.to_string_lossy();
        found.push(cache.get(&key("steps", &[&source.key, &name]))?);
    }
    let wanted: Vec<usize> = (0..files.len()).filter(|i| found[*i].is_none()).collect();
    let bar = progress_bar(wanted.len(), "files traced");
    let steps = Mutex::new(found);
    trace_sources(&sources, &wanted, options, &AtomicBool::new(false), &|_, _, _| {}, |i, report| {
        if let Some(problem) = &report.problem {
            let first = problem.lines().next().unwrap_or("");
            bar.suspend(|| anstream::eprintln!("warning: `{}`: {first}", report.file.display()));
        }
        bar.inc(1);
        let name = sources.files[i].file.to_string_lossy();
        cache.put(&key("steps", &[&sources.files[i].key, &name]), &report.steps)?;
        steps.lock().expect("no panic holds the steps")[i] = Some(report.steps);
        Ok(())
    })?;
    bar.finish_and_clear();
    let steps = steps.into_inner().expect("no panic holds the steps");
    let all: Vec<Traced> = sources
        .files
        .iter()
        .zip(steps)
        .map(|(source, steps)| Traced {
            file: source.file.clone(),
            world: key("world", &[&source.key, PLAY]).iter().map(|b| format!("{b:02x}")).collect(),
            steps: steps.unwrap_or_default(),
        })
        .collect();
    if !all.iter().flat_map(|t| &t.steps).any(|s| main_goal(s).is_some() && s.error.is_none()) {
        return Err(Failure::new(FailureKind::Usage, "the files have no tactic steps to measure on").into());
    }
    Ok(all)
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

/// `2s`, `500ms`, `1.5` (seconds).
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds = number.trim().parse::<f64>().map_err(|e| e.to_string())? * unit;
    Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())
}

fn progress_bar(length: usize, what: &str) -> ProgressBar {
    let template = format!("{{bar:30}} {{pos}}/{{len}} {what}, {{eta}} left");
    let bar = ProgressBar::new(length as u64);
    bar.set_style(ProgressStyle::with_template(&template).expect("a valid template"));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_has_a_unit() {
        let ms = |text| duration(text).map(|d| d.as_millis());
        assert_eq!((ms("2s"), ms("500ms"), ms("1.5")), (Ok(2000), Ok(500), Ok(1500)));
        assert!(ms("soon").is_err() && ms("-1s").is_err());
    }
}
