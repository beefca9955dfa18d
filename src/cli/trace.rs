//! `lean-copilot trace`: every tactic step of Lean files, as JSON Lines.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Context, needs};
use crate::error::{Failure, FailureKind};
use crate::trace::TraceOptions;
use crate::trace::journal::{Entry, Journal};
use crate::trace::run::{FileReport, read_sources, trace_sources};

/// Arguments of `trace`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file with errors is reported and traced as far as it goes. With `--out`, a run that was broken off, or
whose files have changed since, is continued: `F.files` beside the output says what is done. With the embedded
Lean, which has no Lake, what the files import of their project is compiled into the cache (`--lib`).

Examples:
  lean-copilot trace Foo.lean                       steps on standard output
  lean-copilot trace examples --out steps.jsonl     all .lean files below a folder
  lean-copilot trace src --exclude src/old --jobs 4
  lean-copilot trace iris/src --lib quote4 --out iris.jsonl
  lean-copilot trace book/chapters --fenced         the Lean code in the documents' fences")]
pub struct Args {
    /// Lean files, or folders with Lean files below them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Write here instead of on standard output, file by file.
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// Leave out files at or below this path; may be given several times.
    #[arg(long)]
    exclude: Vec<PathBuf>,
    /// Lean processes at once, about a gigabyte each [default: half of the cores, as far as memory goes]
    #[arg(long)]
    jobs: Option<usize>,
    /// Longest time for one file, in seconds.
    #[arg(long, default_value_t = crate::trace::run::LONGEST.as_secs())]
    timeout: u64,
    /// The files are documents (Markdown, Verso): trace the code in their ```lean fences.
    #[arg(long)]
    fenced: bool,
}

/// Runs the command.
pub fn trace(args: Args, context: Context) -> Result<()> {
    let extensions: &[&str] = if args.fenced { &["lean", "md"] } else { &["lean"] };
    let files = files_below(&args.paths, &args.exclude, extensions)?;
    let first = std::path::absolute(&files[0])?;
    let folder = first.parent().unwrap_or(Path::new("."));
    needs::lean(&context, folder)?;
    let mut options =
        TraceOptions::new(&context.dirs, folder, &context.libs, args.jobs.unwrap_or_else(jobs))?;
    options.longest = Duration::from_secs(args.timeout);
    options.fenced = args.fenced;
    let sources = read_sources(&files, &options)?;
    for problem in sources.problems() {
        anstream::eprintln!("warning: {problem}");
    }

    let names: Vec<String> = files.iter().map(|f| f.to_string_lossy().replace('\\', "/")).collect();
    let keys: BTreeMap<String, String> =
        names.iter().cloned().zip(sources.files.iter().map(|s| s.key.clone())).collect();
    let journal = args.out.as_deref().map(|out| Journal::open(out, &keys)).transpose()?;
    let done: Vec<&str> = journal.iter().flat_map(|j| &j.entries).map(|e| e.file.as_str()).collect();
    let wanted: Vec<usize> = (0..files.len()).filter(|i| !done.contains(&names[*i].as_str())).collect();
    let kept = files.len() - wanted.len();

    let bar = ProgressBar::new(wanted.len() as u64);
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} files, {msg}, {eta} left")
            .expect("a valid template"),
    );
    let compiling = super::modules::progress_bar();
    let output = Mutex::new((journal, Vec::<FileReport>::new()));
    let traced = Mutex::new(0usize);
    let (started, cpu) = (Instant::now(), children_cpu());
    let report = |i: usize, report: FileReport| -> Result<()> {
        if let Some(problem) = &report.problem {
            let first = problem.lines().next().unwrap_or("");
            bar.suspend(|| anstream::eprintln!("warning: `{}`: {first}", report.file.display()));
        }
        let mut traced = traced.lock().expect("no panic holds the count");
        *traced += report.steps.len();
        bar.set_message(format!("{traced} steps, {:.0}/s", *traced as f64 / started.elapsed().as_secs_f64()));
        bar.inc(1);
        let (journal, reports) = &mut *output.lock().expect("no panic holds the output");
        match journal {
            Some(journal) => journal.add(&sources.files[i].key, &report)?,
            None => reports.push(report),
        }
        Ok(())
    };
    let progress = |n: usize, all: usize, module: &str| {
        compiling.set_length(all as u64);
        compiling.set_position(n as u64);
        compiling.set_message(module.to_owned());
    };
    trace_sources(&sources, &wanted, &options, &AtomicBool::new(false), &progress, report)?;
    compiling.finish_and_clear();
    bar.finish_and_clear();

    let (journal, reports) = output.into_inner().expect("no panic holds the output");
    match journal {
        None => print_steps(reports)?,
        Some(journal) => {
            let traced = traced.into_inner().expect("no panic holds the count");
            let spent = children_cpu().zip(cpu).map(|(after, before)| after - before);
            summary(&journal.finish()?, kept, traced, started.elapsed().as_secs_f64(), spent);
        }
    }
    Ok(())
}

fn print_steps(mut reports: Vec<FileReport>) -> Result<()> {
    reports.sort_by(|a, b| a.file.cmp(&b.file));
    let mut text = Vec::new();
    for step in reports.iter().flat_map(|r| &r.steps) {
        serde_json::to_writer(&mut text, step)?;
        text.push(b'\n');
    }
    std::io::stdout().write_all(&text).context("cannot write to standard output")
}

/// What a run came to, in two lines. `traced` steps took `seconds`, `cpu` of them of processor time.
fn summary(entries: &[Entry], kept: usize, traced: usize, seconds: f64, cpu: Option<f64>) {
    let sum = |of: fn(&Entry) -> usize| entries.iter().map(of).sum::<usize>();
    anstream::eprintln!(
        "{} steps of {} files, {kept} of them traced before; {} of {} declarations with tactics have steps and no error",
        sum(|e| e.steps),
        entries.len(),
        sum(|e| e.clean),
        sum(|e| e.declarations)
    );
    if traced > 0 {
        let per_cpu = cpu.filter(|c| *c > 0.0).map(|c| format!(", {:.0} per CPU second", traced as f64 / c));
        let per_cpu = per_cpu.unwrap_or_default();
        anstream::eprintln!(
            "{traced} steps in {seconds:.1} s ({:.0} steps/s{per_cpu})",
            traced as f64 / seconds
        );
    }
}

/// Half of the cores, and a gigabyte and a half for each.
fn jobs() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    cores.div_ceil(2).min(available_memory().map_or(usize::MAX, |m| (m >> 30) as usize * 2 / 3)).max(1)
}

/// Memory that can be had without swapping, in bytes, where the system says.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}

/// Processor time of the child processes that have ended, in seconds, where the system says.
fn children_cpu() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // `cutime` and `cstime`, the 16th and 17th field; the second may hold spaces and ends with `)`.
    let mut fields = text.rsplit(')').next()?.split_whitespace().skip(13);
    let ticks = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
    // Linux counts in hundredths of a second for every program.
    Some(ticks / 100.0)
}

/// The Lean files among and below the paths, sorted.
pub(super) fn lean_files(paths: &[PathBuf], exclude: &[PathBuf]) -> Result<Vec<PathBuf>> {
    files_below(paths, exclude, &["lean"])
}

/// The files among the paths, and those below them with one of these extensions, sorted.
fn files_below(paths: &[PathBuf], exclude: &[PathBuf], extensions: &[&str]) -> Result<Vec<PathBuf>> {
    fn walk(path: &Path, exclude: &[PathBuf], extensions: &[&str], out: &mut Vec<PathBuf>) -> Result<()> {
        if exclude.iter().any(|e| path.starts_with(e)) {
            return Ok(());
        }
        if path.is_dir() {
            let entries =
                std::fs::read_dir(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            for entry in entries {
                let entry = entry?;
                if !entry.file_name().to_string_lossy().starts_with('.') {
                    let child = entry.path();
                    if child.is_dir() || child.extension().is_some_and(|x| extensions.iter().any(|e| x == *e))
                    {
                        walk(&child, exclude, extensions, out)?;
                    }
                }
            }
            return Ok(());
        }
        if !path.is_file() {
            return Err(Failure::new(FailureKind::Usage, format!("`{}` is not there", path.display())).into());
        }
        out.push(path.to_owned());
        Ok(())
    }
    let mut out = Vec::new();
    for path in paths {
        walk(path, exclude, extensions, &mut out)?;
    }
    out.sort();
    out.dedup();
    if out.is_empty() {
        return Err(Failure::new(FailureKind::Usage, "no Lean files at the given paths").into());
    }
    Ok(out)
}
