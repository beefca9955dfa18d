//! `lean-copilot trace`: every tactic step of Lean files, as JSON Lines.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::{Context, needs};
use crate::error::{Failure, FailureKind};
use crate::lean::toolchain;
use crate::trace::{TraceOptions, trace_files};

/// Arguments of `trace`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lean-copilot trace Foo.lean                       steps on standard output
  lean-copilot trace examples --out steps.jsonl     all .lean files below a folder
  lean-copilot trace src --exclude src/old --jobs 4")]
pub struct Args {
    /// Lean files, or folders with Lean files below them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Write here instead of on standard output (replaced when all is done).
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// Leave out files at or below this path; may be given several times.
    #[arg(long)]
    exclude: Vec<PathBuf>,
    /// Lean processes at once, about a gigabyte each [default: half of the cores]
    #[arg(long)]
    jobs: Option<usize>,
}

/// Runs the command.
pub fn trace(args: Args, context: Context) -> Result<()> {
    let files = lean_files(&args.paths, &args.exclude)?;
    let folder = files.first().and_then(|f| f.parent()).unwrap_or(Path::new("."));
    needs::lean(&context, folder)?;
    let lean = toolchain::batch_command(&context.dirs, folder)?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let options = TraceOptions { lean, jobs: args.jobs.unwrap_or(cores.div_ceil(2)).max(1) };

    let bar = ProgressBar::new(files.len() as u64);
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} files, {msg}, {eta} left")
            .expect("a valid template"),
    );
    let reports = Mutex::new(Vec::new());
    let total = Mutex::new(0usize);
    let started = std::time::Instant::now();
    trace_files(&files, &options, &AtomicBool::new(false), |report| {
        if let Some(problem) = &report.problem {
            let first = problem.lines().next().unwrap_or("");
            bar.suspend(|| anstream::eprintln!("warning: `{}`: {first}", report.file.display()));
        }
        let mut total = total.lock().expect("no panic holds the count");
        *total += report.steps.len();
        bar.set_message(format!("{total} steps"));
        bar.inc(1);
        reports.lock().expect("no panic holds the reports").push(report);
    })?;
    bar.finish_and_clear();

    let mut reports = reports.into_inner().expect("no panic holds the reports");
    reports.sort_by(|a, b| a.file.cmp(&b.file));
    let mut text = Vec::new();
    for step in reports.iter().flat_map(|r| &r.steps) {
        serde_json::to_writer(&mut text, step)?;
        text.push(b'\n');
    }
    match &args.out {
        None => std::io::stdout().write_all(&text)?,
        Some(out) => {
            let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let mut file = tempfile::NamedTempFile::new_in(folder)
                .with_context(|| format!("cannot write in `{}`", folder.display()))?;
            file.write_all(&text).with_context(|| format!("cannot write `{}`", out.display()))?;
            file.persist(out).with_context(|| format!("cannot write `{}`", out.display()))?;
            let steps: usize = reports.iter().map(|r| r.steps.len()).sum();
            let seconds = started.elapsed().as_secs_f64();
            anstream::eprintln!(
                "{steps} steps of {} files in {seconds:.1} s ({:.0} steps/s)",
                reports.len(),
                steps as f64 / seconds
            );
        }
    }
    Ok(())
}

/// The Lean files among and below the paths, sorted.
pub(super) fn lean_files(paths: &[PathBuf], exclude: &[PathBuf]) -> Result<Vec<PathBuf>> {
    fn walk(path: &Path, exclude: &[PathBuf], out: &mut Vec<PathBuf>) -> Result<()> {
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
                    if child.is_dir() || child.extension().is_some_and(|x| x == "lean") {
                        walk(&child, exclude, out)?;
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
        walk(path, exclude, &mut out)?;
    }
    out.sort();
    out.dedup();
    if out.is_empty() {
        return Err(Failure::new(FailureKind::Usage, "no Lean files at the given paths").into());
    }
    Ok(out)
}
