//! Drives Lean over files and turns what it prints into [`ProofStep`]s.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::action::{Block, action};
use super::raw::{RawFile, RawLine, RawStep};
use crate::error::{Failure, FailureKind};
use crate::lean::LeanCommand;
use crate::proof::{Goal, Origin, ProofStep, StepRange};

/// The program that Lean runs to read steps and to try tactics at them.
const PROGRAM: &str = include_str!("steps.lean");
/// Files that one Lean process takes, at most: its start costs as much as tracing a file or two, and the
/// environments of its imports are shared.
const FILES_PER_PROCESS: usize = 64;

/// How to trace.
#[derive(Debug, Clone)]
pub struct TraceOptions {
    /// A `lean` to which arguments are appended.
    pub lean: LeanCommand,
    /// Lean processes at once; each takes about a gigabyte.
    pub jobs: usize,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileReport {
    /// The file.
    pub file: PathBuf,
    /// Its steps, in source order.
    pub steps: Vec<ProofStep>,
    /// Number of errors that Lean reported.
    pub errors: usize,
    /// The first error, or why nothing could be traced.
    pub problem: Option<String>,
}

/// Traces files. `report` is called once a file, in the order in which they are done; setting `stop`
/// ends the work early. An error means that Lean could not be run at all.
pub fn trace_files(
    files: &[PathBuf],
    options: &TraceOptions,
    stop: &AtomicBool,
    report: impl Fn(FileReport) + Sync,
) -> Result<()> {
    let program = program_file()?;
    let jobs = options.jobs.clamp(1, files.len().max(1));
    let share = files.len().div_ceil(jobs).clamp(1, FILES_PER_PROCESS);
    let queue = Mutex::new(files.chunks(share).rev().map(<[PathBuf]>::to_vec).collect::<Vec<_>>());
    let failure: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Some(mut batch) = queue.lock().expect("no panic holds the queue").pop() else {
                        break;
                    };
                    while !batch.is_empty() && !stop.load(Ordering::Relaxed) {
                        match trace_batch(&batch, program.path(), options, stop, &report) {
                            // Lean died in a file: that one is reported, the rest gets a new process.
                            Ok(done) => drop(batch.drain(..done)),
                            Err(e) => {
                                failure.lock().expect("no panic holds the failure").get_or_insert(e);
                                stop.store(true, Ordering::Relaxed);
                            }
                        }
                    }
                }
            });
        }
    });
    failure.into_inner().expect("no panic holds the failure").map_or(Ok(()), Err)
}

/// Traces files with one process and returns how many were dealt with: all, or those up to and with the
/// one in which Lean died.
fn trace_batch(
    files: &[PathBuf],
    program: &Path,
    options: &TraceOptions,
    stop: &AtomicBool,
    report: &(impl Fn(FileReport) + Sync),
) -> Result<usize> {
    let mut child = spawn(trace_args(files)?, program, &options.lean)?;
    let stdout = child.0.stdout.take().expect("stdout is piped");
    let mut raw = Vec::new();
    let mut done = 0;
    for line in BufReader::new(stdout).lines() {
        let line = line.context("cannot read what Lean prints")?;
        if stop.load(Ordering::Relaxed) {
            return Ok(done);
        }
        // The traced file's own `#eval` may print anything between our lines.
        match serde_json::from_str::<RawLine>(&line) {
            Ok(RawLine::Step(step)) => raw.push(step),
            Ok(RawLine::File(end)) if done < files.len() => {
                report(file_report(&files[done], std::mem::take(&mut raw), &end)?);
                done += 1;
            }
            _ => {}
        }
    }
    let status = child.0.wait().context("cannot wait for Lean")?;
    if done < files.len() {
        if done == 0 && raw.is_empty() && files.len() > 1 {
            // Nothing at all was printed: the file alone tells whether it or Lean is at fault.
            return trace_batch(&files[..1], program, options, stop, report);
        }
        let end = RawFile {
            file: files[done].display().to_string(),
            steps: raw.len(),
            errors: 1,
            first_error: None,
            failed: Some(format!("Lean ended ({status}) while elaborating the file")),
        };
        report(file_report(&files[done], raw, &end)?);
        done += 1;
    }
    Ok(done)
}

/// The Lean program in a temporary file, removed on drop.
pub(super) fn program_file() -> Result<tempfile::NamedTempFile> {
    let file = tempfile::Builder::new().prefix("lean-copilot-").suffix(".lean").tempfile()?;
    std::fs::write(file.path(), PROGRAM).context("cannot write the step reader to a temporary file")?;
    Ok(file)
}

fn trace_args(files: &[PathBuf]) -> Result<Vec<OsString>> {
    let mut args = vec!["trace".into()];
    for f in files {
        args.push(std::path::absolute(f)?.into());
    }
    Ok(args)
}

/// A child that does not outlive its handle.
pub(super) struct Guard(pub(super) Child);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts Lean on the program with these arguments; both outputs are piped.
pub(super) fn spawn(args: Vec<OsString>, program: &Path, lean: &LeanCommand) -> Result<Guard> {
    let mut command = Command::new(&lean.program);
    command.args(&lean.args).arg("--run").arg(program).args(args);
    command.envs(lean.env.iter().map(|(k, v)| (k, v))).current_dir(&lean.cwd);
    // Lean's own messages on standard error are not ours to show, and nobody may have to read them for
    // Lean to go on.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let child = command.spawn().map_err(|e| {
        Failure::new(FailureKind::Lean, format!("cannot start Lean (`{}`): {e}", lean.program.display()))
            .hint("`lean-copilot runtime install` brings a Lean of its own")
    })?;
    Ok(Guard(child))
}

fn file_report(file: &Path, raw: Vec<RawStep>, end: &RawFile) -> Result<FileReport> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    Ok(FileReport {
        file: file.to_owned(),
        steps: proof_steps(&file.to_string_lossy().replace('\\', "/"), &text, raw),
        errors: end.errors,
        problem: end.failed.clone().or_else(|| end.first_error.clone()),
    })
}

/// What Lean printed about a file, as steps (pure).
fn proof_steps(file: &str, text: &str, mut raw: Vec<RawStep>) -> Vec<ProofStep> {
    let header_sha256 = header_hash(text);
    raw.sort_by_key(|s| (s.start, std::cmp::Reverse(s.end)));
    let lines = LineIndex::new(text);
    let mut counts: HashMap<String, u32> = HashMap::new();
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    let mut out = Vec::with_capacity(raw.len());
    for step in raw {
        let Some(source) = text.get(step.start..step.end) else { continue };
        let n = counts.entry(step.decl.clone()).or_default();
        numbers.insert(step.id, *n);
        let blocks: Vec<Block> = step
            .blocks
            .iter()
            .map(|b| Block { range: b.start - step.start..b.end - step.start, by: b.by })
            .collect();
        let column = lines.place(step.start).1 as usize - 1;
        let act = action(source, column, &step.kind, &blocks);
        let begins =
            step.blocks.iter().zip(&act.opened).filter(|(_, open)| **open).flat_map(|(b, _)| &b.goals);
        let states_after = begins.chain(&step.after).map(|g| Goal::parse(g)).collect();
        out.push(ProofStep {
            file: file.to_owned(),
            decl: step.decl,
            step: *n,
            parent: step.parent.and_then(|p| numbers.get(&p).copied()),
            range: StepRange { start: lines.place(step.start), end: lines.place(step.end) },
            state_before: step.before.iter().map(|g| Goal::parse(g)).collect(),
            tactic: act.text,
            source: source.to_owned(),
            states_after,
            error: step.error,
            header_sha256: header_sha256.clone(),
            origin: Origin::Written,
        });
        *n += 1;
    }
    out
}

/// SHA-256 of the import lines: two files with the same hash see the same library.
fn header_hash(text: &str) -> String {
    let imports: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| {
            ["import ", "public import ", "meta import ", "public meta import "]
                .iter()
                .any(|p| l.starts_with(p))
        })
        .collect();
    Sha256::digest(imports.join("\n").as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// Byte offsets to lines and columns, both from 1, columns in code points.
pub(super) struct LineIndex<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    pub(super) fn new(text: &'a str) -> LineIndex<'a> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        LineIndex { text, starts }
    }

    /// Line and column of a byte.
    pub(super) fn place(&self, byte: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|s| *s <= byte);
        let column = self.text[self.starts[line - 1]..byte].chars().count();
        (line as u32, column as u32 + 1)
    }

    /// Byte of a line and column; `None` behind the end of the file or line.
    pub(super) fn byte(&self, (line, column): (u32, u32)) -> Option<usize> {
        let start = *self.starts.get(line as usize - 1)?;
        let rest = &self.text[start..];
        let rest = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let ends = rest.char_indices().map(|(i, _)| i).chain([rest.len()]);
        ends.into_iter().nth(column as usize - 1).map(|i| start + i)
    }
}
