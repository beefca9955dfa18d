//! Steps that Lean makes up, in the form of traced ones: what its searches answer at the states of traced steps, and
//! proofs that a search finds for variants of traced theorems' statements.
//!
//! One Lean elaborates a file and does all of the file's work (`main.lean`, behind the states of `play.lean`):
//! `search.lean` asks and proves, `variants.lean` makes statements. What is to be done is planned here from the traced
//! steps ([`work`]), and what comes back becomes steps ([`made`]); both are pure.

pub mod made;
pub mod work;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use self::made::{Counts, collect};
use self::work::{Bounds, FileWork};
use super::play;
use super::run::{FileReport, Sources, TraceOptions, hex, read_sources};
use crate::lean::modules::Broken;
use crate::lean::modules::problem_of;
use crate::lean::modules::schedule::{self, Done, Limits, Task};
use crate::lean::modules::worker::{Lost, Program, Worker};

const PARTS: [&str; 3] =
    [include_str!("variants.lean"), include_str!("search.lean"), include_str!("main.lean")];
/// Runs of Lean that one file gets, at most: where one dies, the next leaves out what it died of.
const MOST_RUNS: usize = 5;

/// The program that Lean runs: `play.lean` with another `main`.
fn program_text() -> String {
    play::PLAY.to_owned() + &PARTS.concat()
}

/// Files with the work to be done on them.
#[derive(Debug)]
pub struct Plan {
    /// The work, a file each.
    pub files: Vec<FileWork>,
    /// For each file the SHA-256 of all that its steps depend on.
    pub keys: Vec<String>,
    sources: Sources,
    paths: Vec<PathBuf>,
}

impl Plan {
    /// Reads the files. `path_of` says where a file of the steps lies.
    pub fn new(
        files: Vec<FileWork>,
        path_of: impl Fn(&str) -> PathBuf,
        bounds: Bounds,
        options: &TraceOptions,
    ) -> Result<Plan> {
        let paths: Vec<PathBuf> = files.iter().map(|f| path_of(&f.file)).collect();
        let sources = read_sources(&paths, options)?;
        let program = program_text();
        let mut keys = Vec::with_capacity(files.len());
        for (source, work) in sources.files.iter().zip(&files) {
            let mut hash = Sha256::new();
            let work = serde_json::to_string(&(work, bounds))?;
            for part in [&program, &source.key, &work] {
                hash.update(part);
                hash.update([0]);
            }
            keys.push(hex(&hash.finalize()));
        }
        Ok(Plan { files, keys, sources, paths })
    }
}

/// Has Lean do the work of those `wanted` of the files, by index. Modules that they import are compiled before;
/// `compiling` is told of them (done, all, module). `report` is called once a file, from several threads, with the steps
/// that were made and what the work came to; setting `stop` ends it early.
pub fn synthesize(
    plan: &Plan,
    wanted: &[usize],
    bounds: Bounds,
    options: &TraceOptions,
    stop: &AtomicBool,
    compiling: &(dyn Fn(usize, usize, &str) + Sync),
    report: impl Fn(usize, FileReport, Counts) -> Result<()> + Sync,
) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let text = program_text();
    let program = match &options.modules {
        Some(modules) => modules.program("LeanCopilotSynth", &text)?,
        None => Program::from_text(&text)?,
    };
    if let Some(modules) = &options.modules {
        let files = wanted.iter().map(|i| (plan.paths[*i].as_path(), plan.sources.files[*i].text.as_str()));
        modules.build(&modules.plan_for(files), options.jobs, Broken::Keep, stop, compiling)?;
    }
    let folder = tempfile::Builder::new().prefix("lean-copilot-").tempdir()?;
    let runs: Vec<Mutex<Run>> = wanted
        .iter()
        .enumerate()
        .map(|(n, i)| {
            Ok(Mutex::new(Run::new(plan, *i, &folder.path().join(format!("Document{n}.lean")), options)?))
        })
        .collect::<Result<_>>()?;
    let memory = options.modules.as_ref().map(|_| schedule::EMBEDDED_MEMORY);
    let limits = Limits { jobs: options.jobs, longest: options.longest, memory };
    let lean_path = options.lean_path();
    let mut left: Vec<usize> = (0..runs.len()).collect();
    for n in 1..=MOST_RUNS {
        let tasks: Vec<Task> =
            left.iter().map(|r| runs[*r].lock().expect("no panic").task(bounds, options)).collect();
        let again = Mutex::new(Vec::new());
        schedule::run(
            &tasks,
            limits,
            stop,
            || Worker::start(&options.lean, &program, &[], &lean_path),
            |_| true,
            |t, done| {
                let mut run = runs[left[t]].lock().expect("no panic holds the run");
                if run.take(done) && n < MOST_RUNS {
                    again.lock().expect("no panic holds the list").push(left[t]);
                    return Ok(());
                }
                let (steps, counts) = collect(run.work, &run.text, &run.lines);
                let gave: std::collections::BTreeSet<&str> = steps.iter().map(|s| s.written_decl()).collect();
                let (clean, declarations) = (gave.len(), run.work.declarations());
                report(
                    wanted[left[t]],
                    FileReport {
                        file: PathBuf::from(&run.work.file),
                        errors: usize::from(run.problem.is_some()),
                        problem: run.problem.take(),
                        declarations,
                        clean,
                        steps,
                    },
                    counts,
                )
            },
        )?;
        left = again.into_inner().expect("no panic holds the list");
        if left.is_empty() || stop.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(())
}

/// One file's work under way.
struct Run<'p> {
    work: &'p FileWork,
    /// The Lean code; for a document what is in its fences.
    text: String,
    /// What Lean is to read.
    path: PathBuf,
    /// Items that Lean has begun with.
    begun: usize,
    lines: Vec<String>,
    problem: Option<String>,
    last: bool,
}

impl<'p> Run<'p> {
    fn new(plan: &'p Plan, i: usize, document: &Path, options: &TraceOptions) -> Result<Run<'p>> {
        let text = plan.sources.files[i].text.clone();
        let path = match options.fenced {
            true => {
                std::fs::write(document, &text).context("cannot write a temporary file")?;
                document.to_owned()
            }
            false => std::path::absolute(&plan.paths[i])?,
        };
        let last = schedule::initializes(&text);
        Ok(Run { work: &plan.files[i], text, path, begun: 0, lines: Vec::new(), problem: None, last })
    }

    fn task(&self, bounds: Bounds, options: &TraceOptions) -> Task {
        let own = match &options.modules {
            Some(modules) => serde_json::json!(modules.options_of(&self.path)),
            None => serde_json::json!({}),
        };
        let items: Vec<_> = self
            .work
            .items
            .iter()
            .enumerate()
            .skip(self.begun)
            .filter_map(|(n, i)| i.request(n, &self.text))
            .collect();
        let places: Vec<_> = items.iter().map(|(at, _)| at).collect();
        let work: Vec<_> = items.iter().map(|(_, request)| request).collect();
        let file = self.path.display().to_string();
        let request = serde_json::json!({
            "file": file, "open": file, "options": own, "places": places, "work": work, "bounds": bounds,
        });
        Task { file, request, after: Vec::new(), last: self.last }
    }

    /// Notes an answer; whether there is more to be done in another Lean.
    fn take(&mut self, done: Done) -> bool {
        let begun = done.lines.iter().rev().find_map(|l| made::began(l));
        self.lines.extend(done.lines.into_iter().filter(|l| made::began(l).is_none()));
        if let Some(problem) = problem_of(&done.end) {
            self.problem.get_or_insert(problem);
        }
        // Time is a file's, not a process's.
        let lost = matches!(done.end, Err(Lost::Ended(_)));
        match (lost, begun) {
            (true, Some(i)) => {
                self.begun = i + 1;
                self.begun < self.work.items.len()
            }
            _ => false,
        }
    }
}
