//! Drives Lean over files and turns what it prints into [`ProofStep`]s.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::action::{Block, action};
use super::fenced;
use super::raw::RawStep;
use crate::config::Dirs;
use crate::lean::modules::plan::{Plan, Problem, Unit};
use crate::lean::modules::schedule::{self, Done, Limits, Task};
use crate::lean::modules::worker::{Program, Worker};
use crate::lean::modules::{Broken, Modules, problem_of};
use crate::lean::{LeanCommand, toolchain};
use crate::proof::{Goal, Origin, ProofStep, StepRange};

/// The program that Lean runs to read steps and to try tactics at them.
const PROGRAM: &str = include_str!("steps.lean");
/// Longest time for one file, unless told.
pub const LONGEST: Duration = Duration::from_secs(900);

/// How to trace.
#[derive(Debug, Clone)]
pub struct TraceOptions {
    /// A `lean` to which arguments are appended.
    pub lean: LeanCommand,
    /// The project's modules, where the embedded Lean is to compile them.
    pub modules: Option<Modules>,
    /// Lean processes at once; each takes about a gigabyte.
    pub jobs: usize,
    /// Longest time for one file.
    pub longest: Duration,
    /// The files are documents: what is traced is the Lean code in their fences ([`fenced`]).
    pub fenced: bool,
}

impl TraceOptions {
    /// The Lean of a folder, with its modules where it is the embedded one; `libs` are folders of further
    /// modules.
    pub fn new(dirs: &Dirs, folder: &Path, libs: &[PathBuf], jobs: usize) -> Result<TraceOptions> {
        let modules = Modules::of(dirs, folder, libs)?;
        let lean = match &modules {
            Some(modules) => modules.lean.clone(),
            None => toolchain::batch_command(dirs, folder)?,
        };
        Ok(TraceOptions { lean, modules, jobs, longest: LONGEST, fenced: false })
    }

    /// The program that reads steps, for this Lean.
    pub(super) fn program(&self) -> Result<Program> {
        match &self.modules {
            Some(modules) => modules.program("LeanCopilotTrace", PROGRAM),
            None => Program::from_text(PROGRAM),
        }
    }

    /// Where Lean looks for the project's modules.
    pub(super) fn lean_path(&self) -> Vec<PathBuf> {
        self.modules.as_ref().map_or_else(Vec::new, |m| m.lean_path(Broken::Keep))
    }
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
    /// Declarations with tactics.
    pub declarations: usize,
    /// Those of them with steps and without errors.
    pub clean: usize,
}

/// A file that is to be traced, with what its steps depend on.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file as given.
    pub file: PathBuf,
    /// SHA-256 of all that its steps depend on, as far as it can be known without Lean: its text, the modules of
    /// the project that it imports, Lean, and the program that reads the steps.
    pub key: String,
    pub(super) text: String,
    /// Its module, where it is one of the project that others may import.
    unit: Option<Unit>,
    /// The modules of the project that it imports.
    imports: Vec<String>,
}

/// Files read and put in relation to each other.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The files, in the given order.
    pub files: Vec<Source>,
    plan: Plan,
}

impl Sources {
    /// What keeps modules of the project from being imported.
    pub fn problems(&self) -> &[Problem] {
        &self.plan.problems
    }
}

/// Reads files and finds out what they import. Nothing is run.
pub fn read_sources(files: &[PathBuf], options: &TraceOptions) -> Result<Sources> {
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        texts.push(if options.fenced { fenced::lean_of(&text) } else { text });
    }
    let module_of =
        |m: &Modules, file: &PathBuf| (!options.fenced).then(|| m.project.module_of(file)).flatten();
    let (plan, modules) = match &options.modules {
        None => (Plan::default(), vec![None; files.len()]),
        Some(m) => {
            let named: Vec<Option<String>> = files.iter().map(|f| module_of(m, f)).collect();
            let sources = files.iter().zip(&texts).map(|(f, t)| (f.as_path(), t.as_str()));
            let plan = m.plan(named.iter().flatten().map(String::as_str), sources);
            (plan, named)
        }
    };
    let by_module = plan.by_module();
    let mut sources = Vec::with_capacity(files.len());
    for ((file, text), module) in files.iter().zip(texts).zip(modules) {
        let unit = module.and_then(|m| by_module.get(m.as_str()).map(|u| (*u).clone()));
        let header = crate::lean::modules::header::Header::read(&text);
        let mut imports: Vec<String> = header
            .imports
            .iter()
            .filter(|i| by_module.contains_key(i.module.as_str()))
            .map(|i| i.module.clone())
            .collect();
        imports.dedup();
        let mut hash = Sha256::new();
        for part in [PROGRAM, &options.lean.label, &text] {
            hash.update(part);
            hash.update([0]);
        }
        imports.iter().for_each(|i| hash.update(&by_module[i.as_str()].key));
        let key = hex(&hash.finalize());
        sources.push(Source { file: file.clone(), key, text, unit, imports });
    }
    Ok(Sources { files: sources, plan })
}

/// Traces files. `report` is called once a file, in the order in which they are done, from several threads;
/// setting `stop` ends the work early. An error means that Lean could not be run at all.
pub fn trace_files(
    files: &[PathBuf],
    options: &TraceOptions,
    stop: &AtomicBool,
    report: impl Fn(FileReport) + Sync,
) -> Result<()> {
    let sources = read_sources(files, options)?;
    let all: Vec<usize> = (0..sources.files.len()).collect();
    trace_sources(&sources, &all, options, stop, &|_, _, _| {}, |_, r| {
        report(r);
        Ok(())
    })
}

/// Traces those `wanted` of the sources, by index. Modules that they import and that are not traced
/// themselves are compiled before; `compiling` is told of them (done, all, module).
pub fn trace_sources(
    sources: &Sources,
    wanted: &[usize],
    options: &TraceOptions,
    stop: &AtomicBool,
    compiling: &(dyn Fn(usize, usize, &str) + Sync),
    report: impl Fn(usize, FileReport) -> Result<()> + Sync,
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let mut traced: BTreeMap<&str, usize> = BTreeMap::new();
    for (n, i) in wanted.iter().enumerate() {
        if let Some(unit) = &sources.files[*i].unit {
            traced.insert(&unit.module, n);
        }
    }
    if let Some(modules) = &options.modules {
        let before = compiled_before(sources, wanted, &traced);
        for unit in &before.units {
            traced.remove(unit.module.as_str());
        }
        modules.build(&before, options.jobs, Broken::Keep, stop, compiling)?;
    }
    let program = options.program()?;
    let folder = tempfile::Builder::new().prefix("lean-copilot-").tempdir()?;
    let mut tasks = Vec::new();
    let mut compiles = vec![false; wanted.len()];
    for (n, i) in wanted.iter().enumerate() {
        let source = &sources.files[*i];
        let path = match options.fenced {
            true => {
                let path = folder.path().join(format!("Document{n}.lean"));
                std::fs::write(&path, &source.text).context("cannot write a temporary file")?;
                path
            }
            false => std::path::absolute(&source.file)?,
        };
        let own = source.unit.as_ref().filter(|u| traced.get(u.module.as_str()) == Some(&n));
        let mut request = match (&options.modules, own) {
            (Some(modules), Some(unit)) if modules.fresh(unit, Broken::Keep).is_none() => {
                compiles[n] = true;
                modules.request(unit, Broken::Keep)
            }
            (Some(modules), _) => serde_json::json!({ "options": modules.options_of(&source.file) }),
            (None, _) => serde_json::json!({}),
        };
        let file = path.display().to_string();
        request["file"] = file.clone().into();
        let after = source.imports.iter().filter_map(|m| traced.get(m.as_str()).copied()).collect();
        tasks.push(Task { file, request, after, last: schedule::initializes(&source.text) });
    }
    let units = sources.plan.by_module();
    let lean_path = options.lean_path();
    let memory = options.modules.as_ref().map(|_| schedule::EMBEDDED_MEMORY);
    let limits = Limits { jobs: options.jobs, longest: options.longest, memory };
    let forgotten = Mutex::new(None);
    schedule::run(
        &tasks,
        limits,
        stop,
        || Worker::start(&options.lean, &program, &["trace"], &lean_path),
        |n| {
            let source = &sources.files[wanted[n]];
            if let (true, Some(modules), Some(unit)) = (compiles[n], &options.modules, &source.unit)
                && let Err(e) = modules.forget(unit)
            {
                forgotten.lock().expect("no panic holds the error").get_or_insert(e);
                return false;
            }
            true
        },
        |n, done| {
            let source = &sources.files[wanted[n]];
            if let (true, Some(modules), Some(unit)) = (compiles[n], &options.modules, &source.unit) {
                let partial = |m: &String| {
                    let stamp = units.get(m.as_str()).and_then(|u| modules.fresh(u, Broken::Keep));
                    stamp.is_none_or(|s| s.partial)
                };
                let tainted = unit.imports.iter().any(partial);
                modules.settle(unit, tainted, problem_of(&done.end))?;
            }
            report(wanted[n], file_report(source, done))
        },
    )?;
    forgotten.into_inner().expect("no panic holds the error").map_or(Ok(()), Err)
}

/// The modules that must be compiled before any file is traced: those that are imported and not traced, with
/// all that they import in turn.
fn compiled_before(sources: &Sources, wanted: &[usize], traced: &BTreeMap<&str, usize>) -> Plan {
    let units = sources.plan.by_module();
    let mut todo: Vec<&str> =
        wanted.iter().flat_map(|i| &sources.files[*i].imports).map(String::as_str).collect();
    // Everything that the files import, directly or not …
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    while let Some(m) = todo.pop() {
        if let Some(unit) = units.get(m).filter(|_| needed.insert(m)) {
            todo.extend(unit.imports.iter().map(String::as_str));
        }
    }
    // … of that what is not traced, and what that imports.
    let mut before: BTreeSet<&str> = BTreeSet::new();
    todo = needed.into_iter().filter(|m| !traced.contains_key(m)).collect();
    while let Some(m) = todo.pop() {
        if let Some(unit) = units.get(m).filter(|_| before.insert(m)) {
            todo.extend(unit.imports.iter().map(String::as_str));
        }
    }
    let units = sources.plan.units.iter().filter(|u| before.contains(u.module.as_str())).cloned().collect();
    Plan { units, ..Plan::default() }
}

fn file_report(source: &Source, done: Done) -> FileReport {
    let problem = problem_of(&done.end);
    let raw = done.lines.iter().filter_map(|l| serde_json::from_str::<RawStep>(l).ok()).collect();
    let end = done.end.unwrap_or_default();
    FileReport {
        file: source.file.clone(),
        steps: proof_steps(&source.file.to_string_lossy().replace('\\', "/"), &source.text, raw),
        errors: if problem.is_some() { end.errors.max(1) } else { end.errors },
        problem,
        declarations: end.decls,
        clean: end.clean,
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
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
            premises: step.premises,
            header_sha256: header_sha256.clone(),
            origin: Origin::Written,
        });
        *n += 1;
    }
    out
}

/// SHA-256 of the import lines: two files with the same hash see the same library.
pub(super) fn header_hash(text: &str) -> String {
    let imports: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|l| {
            ["import ", "public import ", "meta import ", "public meta import "]
                .iter()
                .any(|p| l.starts_with(p))
        })
        .collect();
    hex(&Sha256::digest(imports.join("\n").as_bytes()))
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
