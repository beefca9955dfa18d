//! A project's own modules for the embedded Lean, which has no Lake.
//!
//! A file that imports its neighbours needs their compiled forms. With a native Lean, Lake makes them; for the
//! embedded one this room does: [`lakefile`] and [`project`] say which file is which module, [`header`] what it
//! imports, [`plan`] in which order to go and what stands in the way, [`schedule`] and [`worker`] run Lean, and
//! [`store`] keeps the result in the cache, found by `LEAN_PATH`. Only what changed, or imports what changed,
//! is compiled again. Nothing is written into the project, and nothing is fetched.

pub mod header;
mod lakefile;
pub mod plan;
pub mod project;
pub mod schedule;
pub mod store;
pub mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Result;

use self::header::Header;
use self::plan::{Plan, Planner, Problem, Unit};
use self::project::Project;
use self::schedule::{Limits, Task};
use self::store::{PackageStore, Stamp};
use self::worker::{Lost, Program, Worker};
use super::LeanCommand;
use super::toolchain;
use crate::config::Dirs;
use crate::runtime::locate;

/// The Lean program that compiles modules.
const PROGRAM: &str = include_str!("compile.lean");
/// Longest time for one module. The slowest that we know of real projects takes two minutes.
const LONGEST: Duration = Duration::from_secs(1200);

/// A module of our own, which our scratch documents import and which is compiled apart.
pub const PROBE_MODULE: &str = "LeanCopilotProbe";

/// The modules of a project and the Lean that they are compiled for.
#[derive(Debug, Clone)]
pub struct Modules {
    /// The project.
    pub project: Project,
    /// The embedded `lean`, without a search path.
    pub lean: LeanCommand,
    /// Names the embedded Lean's build; part of every key.
    pub toolchain: String,
    cache: PathBuf,
    stores: Vec<PackageStore>,
    core: PathBuf,
}

/// What happens to a module with errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It cannot be imported, as Lake has it.
    Refuse,
    /// It is kept apart with what it does declare, for those who only read proofs.
    Keep,
}

/// What a build came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Built {
    /// Modules compiled now.
    pub compiled: usize,
    /// Modules that were there already.
    pub fresh: usize,
    /// What stands in the way of others: problems of the plan, and modules that Lean refused.
    pub problems: Vec<Problem>,
}

impl Modules {
    /// The modules of the project that a folder belongs to; `None` where a native Lean serves it, whose Lake
    /// compiles them. Fails where the embedded Lean is not installed.
    pub fn of(dirs: &Dirs, folder: &Path, libs: &[PathBuf]) -> Result<Option<Modules>> {
        if !toolchain::is_embedded(folder) {
            return Ok(None);
        }
        let embedded = locate::embedded_lean(dirs)?;
        let project = Project::discover(folder, libs)?;
        // The folder's name holds the version and the hash of what was installed.
        let build = embedded.prefix().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stores =
            project.packages.iter().map(|p| PackageStore::new(&dirs.cache, &p.root, &build)).collect();
        let invocation = embedded.lean(&[]);
        let lean = LeanCommand {
            program: invocation.program,
            args: invocation.args,
            env: invocation.env,
            cwd: project.packages[0].root.clone(),
            label: format!("embedded Lean {}", embedded.version()),
            takes_options: true,
            confined: None,
        };
        let core = embedded.prefix().join("lib").join("lean");
        Ok(Some(Modules { project, lean, toolchain: build, cache: dirs.cache.clone(), stores, core }))
    }

    /// The folders of compiled modules; with [`Broken::Keep`] those that have modules with errors as well.
    pub fn lean_path(&self, broken: Broken) -> Vec<PathBuf> {
        let folder = match broken {
            Broken::Refuse => PackageStore::lib,
            Broken::Keep => PackageStore::all,
        };
        self.stores.iter().map(folder).collect()
    }

    /// The options of the package that a file belongs to: those of its lakefile.
    pub fn options_of(&self, file: &Path) -> &BTreeMap<String, serde_json::Value> {
        let module = self.project.module_of(file).and_then(|m| self.project.source(&m));
        &self.project.packages[module.map_or(0, |s| s.package)].options
    }

    /// What must be compiled for files that Lean is to elaborate: what their headers import, not the files.
    pub fn plan_for<'f>(&self, files: impl IntoIterator<Item = (&'f Path, &'f str)>) -> Plan {
        self.plan([], files)
    }

    /// What must be compiled for these modules, themselves included, and for what these files import.
    pub fn plan<'f>(
        &self,
        modules: impl IntoIterator<Item = &'f str>,
        files: impl IntoIterator<Item = (&'f Path, &'f str)>,
    ) -> Plan {
        let is_core = |module: &str| self.is_core(module);
        let mut planner = Planner::new(&self.project, &is_core, &self.toolchain);
        for module in modules {
            planner.module(module);
        }
        for (file, text) in files {
            planner.imports_of(file, &Header::read(text));
        }
        planner.finish()
    }

    fn is_core(&self, module: &str) -> bool {
        if module == PROBE_MODULE {
            return true;
        }
        let below: PathBuf = module.split('.').collect();
        let mut path = self.core.join(below).into_os_string();
        path.push(".olean");
        Path::new(&path).is_file()
    }

    /// One of our Lean programs, compiled once for this Lean.
    pub fn program(&self, name: &str, text: &str) -> Result<Program> {
        Program::compiled(&self.cache, &self.lean, &self.toolchain, name, text)
    }

    /// The stamp of a unit that is up to date; with [`Broken::Refuse`] also that of one known to be broken.
    pub fn fresh(&self, unit: &Unit, broken: Broken) -> Option<Stamp> {
        let stamp = self.stores[unit.package].stamp(&unit.module)?;
        let usable = stamp.compiled || broken == Broken::Refuse || stamp.problem.is_none();
        (stamp.key == unit.key && usable).then_some(stamp)
    }

    /// The request that compiles a unit, for our programs.
    pub fn request(&self, unit: &Unit, broken: Broken) -> serde_json::Value {
        serde_json::json!({
            "file": unit.file.display().to_string(),
            "module": unit.module,
            // Moved to `all` where it turns out to have errors.
            "olean": self.stores[unit.package].olean(&unit.module, false),
            "options": self.project.packages[unit.package].options,
            "keep": broken == Broken::Keep,
        })
    }

    /// Forgets a unit before it is compiled again.
    pub fn forget(&self, unit: &Unit) -> Result<()> {
        self.stores[unit.package].forget(&unit.module)
    }

    /// Keeps other processes from compiling this project until the handles are dropped.
    fn lock(&self) -> Result<Vec<std::fs::File>> {
        // Always in the same order, so that two processes cannot wait for each other.
        let mut stores: Vec<&PackageStore> = self.stores.iter().collect();
        stores.sort_by_key(|s| s.lib());
        stores.into_iter().map(PackageStore::lock).collect()
    }

    /// Compiles what of a plan is not up to date. `progress` is told before each module how many are done,
    /// how many there are, and its name.
    pub fn build(
        &self,
        plan: &Plan,
        jobs: usize,
        broken: Broken,
        stop: &AtomicBool,
        progress: impl Fn(usize, usize, &str) + Sync,
    ) -> Result<Built> {
        if plan.units.is_empty() {
            return Ok(Built { problems: plan.problems.clone(), ..Built::default() });
        }
        let _locks = self.lock()?;
        let mut stamps: BTreeMap<&str, Stamp> = BTreeMap::new();
        let mut stale: Vec<&Unit> = Vec::new();
        for unit in &plan.units {
            match self.fresh(unit, broken) {
                Some(stamp) => drop(stamps.insert(&unit.module, stamp)),
                None => stale.push(unit),
            }
        }
        let fresh = stamps.len();
        let stamps = Mutex::new(stamps);
        if !stale.is_empty() {
            let program = self.program("LeanCopilotCompile", PROGRAM)?;
            let index: BTreeMap<&str, usize> =
                stale.iter().enumerate().map(|(i, u)| (u.module.as_str(), i)).collect();
            let mut tasks = Vec::new();
            for unit in &stale {
                self.forget(unit)?;
                let after = unit.imports.iter().filter_map(|i| index.get(i.as_str()).copied()).collect();
                let file = unit.file.display().to_string();
                tasks.push(Task { file, request: self.request(unit, broken), after, last: unit.initializes });
            }
            let done = Mutex::new(0usize);
            let lean_path = self.lean_path(broken);
            let stamp_of =
                |module: &str| stamps.lock().expect("no panic holds the stamps").get(module).cloned();
            schedule::run(
                &tasks,
                Limits { jobs, longest: LONGEST, memory: Some(schedule::EMBEDDED_MEMORY) },
                stop,
                || Worker::start(&self.lean, &program, &[], &lean_path),
                |i| {
                    progress(*done.lock().expect("no panic holds the count"), stale.len(), &stale[i].module);
                    let importable = |m: &String| {
                        stamp_of(m).is_some_and(|s| s.compiled && (broken == Broken::Keep || !s.partial))
                    };
                    stale[i].imports.iter().all(importable)
                },
                |i, answer| {
                    *done.lock().expect("no panic holds the count") += 1;
                    let unit = stale[i];
                    let tainted = unit.imports.iter().any(|m| stamp_of(m).is_some_and(|s| s.partial));
                    let stamp = self.settle(unit, tainted, problem_of(&answer.end))?;
                    stamps.lock().expect("no panic holds the stamps").insert(&unit.module, stamp);
                    Ok(())
                },
            )?;
        }
        let stamps = stamps.into_inner().expect("no panic holds the stamps");
        let mut problems = plan.problems.clone();
        let refused = plan.units.iter().filter_map(|u| {
            let why = stamps.get(u.module.as_str())?.problem.clone()?;
            Some(Problem::Refused { file: u.file.clone(), why })
        });
        problems.extend(refused);
        Ok(Built { compiled: stamps.len() - fresh, fresh, problems })
    }

    /// Puts a compiled form in its place and notes how it came about.
    pub fn settle(&self, unit: &Unit, tainted: bool, problem: Option<String>) -> Result<Stamp> {
        let store = &self.stores[unit.package];
        let partial = tainted || problem.is_some();
        let compiled = store.olean(&unit.module, false).is_file();
        if compiled {
            store.place(&unit.module, partial)?;
        }
        let stamp = Stamp { key: unit.key.clone(), problem, compiled, partial };
        store.set_stamp(&unit.module, &stamp)?;
        Ok(stamp)
    }
}

/// What was wrong with a module, in one line.
pub fn problem_of(end: &Result<worker::End, Lost>) -> Option<String> {
    match end {
        Ok(end) => end.failed.clone().or_else(|| end.first_error.clone()),
        Err(Lost::Ended(how)) => Some(format!("Lean ended ({how}) while elaborating the file")),
        Err(Lost::TooLong(time)) => Some(format!("Lean took longer than {} s", time.as_secs())),
    }
}
