//! `lean-copilot trace`: every tactic step of Lean files, as JSON Lines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::neighbours::project_root;
use super::{Context, needs};
use crate::candidates::neighbours::{ProjectIndex, learned};
use crate::error::{Failure, FailureKind};
use crate::proof::ProofStep;
use crate::trace::TraceOptions;
use crate::trace::journal::{Entry, Journal};
use crate::trace::run::{FileReport, Sources, read_sources, trace_sources};

/// Arguments of `trace`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file with errors is reported and traced as far as it goes. With `--out`, a run that was broken off, or
whose files have changed since, is continued: `F.files` beside the output says what is done. With the embedded
Lean, which has no Lake, what the files import of their project is compiled into the cache (`--lib`).
With `--index`, suggestions in the project come from its own proofs as well; run it again when they have changed.

Examples:
  lean-copilot trace Foo.lean                       steps on standard output
  lean-copilot trace examples --out steps.jsonl     all .lean files below a folder
  lean-copilot trace src --exclude src/old --jobs 4
  lean-copilot trace iris/src --lib quote4 --out iris.jsonl
  lean-copilot trace . --index                      for suggestions in this project
  lean-copilot trace book/chapters --fenced         the Lean code in the documents' fences")]
pub struct Args {
    /// Lean files, or folders with Lean files below them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Write here instead of on standard output, file by file.
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// Keep the steps in the index of the project that the first path belongs to (`lean-copilot neighbours`); files
    /// that it has and that are unchanged are passed over, and nothing goes to standard output.
    #[arg(long)]
    index: bool,
    /// Leave out files at or below this path; may be given several times.
    #[arg(long)]
    exclude: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// How Lean reads the files.
#[derive(Debug, clap::Args)]
pub(super) struct Reading {
    /// Lean processes at once, about a gigabyte each [default: half of the cores, as far as memory goes]
    #[arg(long)]
    jobs: Option<usize>,
    /// Longest time for one file, in seconds.
    #[arg(long, default_value_t = crate::trace::run::LONGEST.as_secs())]
    timeout: u64,
    /// The files are documents (Markdown, Verso): what counts is the code in their ```lean fences.
    #[arg(long)]
    fenced: bool,
}

impl Reading {
    /// What reads the files below a folder.
    pub(super) fn options(&self, context: &Context, folder: &Path) -> Result<TraceOptions> {
        let jobs = self.jobs.unwrap_or_else(jobs);
        let options = TraceOptions::new(&context.dirs, folder, &context.libs, jobs)?;
        Ok(TraceOptions { longest: Duration::from_secs(self.timeout), fenced: self.fenced, ..options })
    }
}

/// Runs the command.
pub fn trace(args: Args, context: Context) -> Result<()> {
    let extensions: &[&str] = if args.reading.fenced { &["lean", "md"] } else { &["lean"] };
    let files = files_below(&args.paths, &args.exclude, extensions)?;
    let first = std::path::absolute(&files[0])?;
    let folder = first.parent().unwrap_or(Path::new("."));
    needs::lean(&context, folder)?;
    let options = args.reading.options(&context, folder)?;
    let sources = read_sources(&files, &options)?;
    for problem in sources.problems() {
        anstream::eprintln!("warning: {problem}");
    }

    let names: Vec<String> = files.iter().map(|f| f.to_string_lossy().replace('\\', "/")).collect();
    let keys: BTreeMap<String, String> =
        names.iter().cloned().zip(sources.files.iter().map(|s| s.key.clone())).collect();
    let mut output = Output {
        journal: args.out.as_deref().map(|out| Journal::open(out, &keys)).transpose()?,
        index: args.index.then(|| index_of(&args.paths[0], &context)).transpose()?,
        entries: Vec::new(),
        reports: Vec::new(),
    };
    let done = output.done(&files, &sources)?;
    let wanted: Vec<usize> = (0..files.len()).filter(|i| !done.contains(&names[*i])).collect();
    let kept = files.len() - wanted.len();

    let bar = ProgressBar::new(wanted.len() as u64);
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} files, {msg}, {eta} left")
            .expect("a valid template"),
    );
    let compiling = super::modules::progress_bar();
    let output = Mutex::new(output);
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
        output.lock().expect("no panic holds the output").add(&sources.files[i].key, report)
    };
    let progress = super::modules::shows(&compiling);
    trace_sources(&sources, &wanted, &options, &AtomicBool::new(false), &progress, report)?;
    compiling.finish_and_clear();
    bar.finish_and_clear();

    let traced = traced.into_inner().expect("no panic holds the count");
    let spent = children_cpu().zip(cpu).map(|(after, before)| after - before);
    let Output { journal, index, entries, reports } = output.into_inner().expect("no panic holds the output");
    let entries = match (journal, &index) {
        (None, None) => return print_steps(reports),
        (Some(journal), _) => journal.finish()?,
        (None, Some(_)) => entries,
    };
    summary(&entries, kept, traced, started.elapsed().as_secs_f64(), spent);
    if let Some(mut index) = index {
        let missing = index.forget_missing()?;
        let gone = if missing > 0 {
            format!("; {missing} files that are gone are forgotten")
        } else {
            String::new()
        };
        anstream::eprintln!(
            "the project's index has {} steps of {} files{gone}",
            index.len()?,
            index.files()?.len()
        );
    }
    Ok(())
}

/// Where what is traced goes, file by file.
struct Output {
    journal: Option<Journal>,
    index: Option<ProjectIndex>,
    /// What is traced in this run, where there is only the index.
    entries: Vec<Entry>,
    /// What goes to standard output.
    reports: Vec<FileReport>,
}

impl Output {
    /// The files that need not be traced again. What the journal has of them and the index not is learnt.
    fn done(&mut self, files: &[PathBuf], sources: &Sources) -> Result<BTreeSet<String>> {
        let Output { journal, index, .. } = self;
        match (journal, index) {
            (None, None) => Ok(BTreeSet::new()),
            (Some(journal), index) => {
                if let Some(index) = index {
                    journal.read(|entry, steps| learn(index, Path::new(&entry.file), &steps, &entry.key))?;
                }
                Ok(journal.entries.iter().map(|e| e.file.clone()).collect())
            }
            (None, Some(index)) => {
                let mut done = BTreeSet::new();
                for (file, source) in files.iter().zip(&sources.files) {
                    if index.key_of(&index.name_of(file))?.as_deref() == Some(&source.key) {
                        done.insert(file.to_string_lossy().replace('\\', "/"));
                    }
                }
                Ok(done)
            }
        }
    }

    fn add(&mut self, key: &str, report: FileReport) -> Result<()> {
        if let Some(index) = &mut self.index {
            learn(index, &report.file, &report.steps, key)?;
        }
        match (&mut self.journal, &self.index) {
            (Some(journal), _) => journal.add(key, &report)?,
            (None, Some(_)) => self.entries.push(Entry::new(key, &report)),
            (None, None) => self.reports.push(report),
        }
        Ok(())
    }
}

/// Puts a file's steps into the index, where they are not there already.
fn learn(index: &mut ProjectIndex, file: &Path, steps: &[ProofStep], key: &str) -> Result<()> {
    let name = index.name_of(file);
    if index.key_of(&name)?.as_deref() == Some(key) {
        return Ok(());
    }
    index.learn(&name, &learned(steps), key)
}

/// The index of the project that a path belongs to.
fn index_of(path: &Path, context: &Context) -> Result<ProjectIndex> {
    let path = std::path::absolute(path)?;
    let folder = if path.is_dir() { &path } else { path.parent().unwrap_or(&path) };
    ProjectIndex::open(&context.dirs, &project_root(folder))
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
