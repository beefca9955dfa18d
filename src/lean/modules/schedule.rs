//! Files to Lean processes: each as soon as what it imports is done, several at once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use anyhow::Result;

use super::worker::{End, Lost, Worker};

/// Files that one Lean process takes, at most: each imports anew, and nothing of that is given back.
const FILES_PER_PROCESS: usize = 12;
/// Memory at which a process of the embedded Lean takes no more files. WebAssembly can address two gigabytes;
/// shortly before they are full, a file that takes 15 seconds takes minutes.
pub const EMBEDDED_MEMORY: u64 = 1_400_000_000;

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The file, as the closing line names it.
    pub file: String,
    /// What Lean is told.
    pub request: serde_json::Value,
    /// Tasks that must be done before, by index.
    pub after: Vec<usize>,
    /// No other file goes to the process that took this one ([`initializes`]).
    pub last: bool,
}

/// Whether a module has code that Lean runs when the module is imported: attributes, options, simp sets. A
/// process that has elaborated such a module does not run that code any more when it imports it afterwards.
pub fn initializes(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|w| w == "initialize" || w.starts_with("register_") || w.ends_with("_rule_sets"))
}

/// What came of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// The lines of the answer.
    pub lines: Vec<String>,
    /// How it ended.
    pub end: Result<End, Lost>,
}

struct State {
    ready: VecDeque<usize>,
    waiting: Vec<usize>,
    left: usize,
    failure: Option<anyhow::Error>,
}

/// Limits of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Lean processes at once.
    pub jobs: usize,
    /// Longest time for one file.
    pub longest: Duration,
    /// Memory of a process, in bytes, above which it takes no more files.
    pub memory: Option<u64>,
}

/// Runs all tasks, but those that are not `wanted` when their turn comes. `start` makes a Lean process; `done`
/// is told of each task as it ends, from several threads; setting `stop` ends the work early. An error means
/// that Lean could not be started at all.
pub fn run(
    tasks: &[Task],
    limits: Limits,
    stop: &AtomicBool,
    start: impl Fn() -> Result<Worker> + Sync,
    wanted: impl Fn(usize) -> bool + Sync,
    done: impl Fn(usize, Done) -> Result<()> + Sync,
) -> Result<()> {
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (i, task) in tasks.iter().enumerate() {
        task.after.iter().for_each(|a| dependents[*a].push(i));
    }
    let waiting: Vec<usize> = tasks.iter().map(|t| t.after.len()).collect();
    let ready = (0..tasks.len()).filter(|i| waiting[*i] == 0).collect();
    let state = Mutex::new(State { ready, waiting, left: tasks.len(), failure: None });
    let changed = Condvar::new();
    let next = || -> Option<usize> {
        let mut s = state.lock().expect("no panic holds the state");
        loop {
            if s.left == 0 || s.failure.is_some() || stop.load(Ordering::Relaxed) {
                return None;
            }
            if let Some(task) = s.ready.pop_front() {
                return Some(task);
            }
            // With a limit, so that `stop` is seen.
            s = changed.wait_timeout(s, Duration::from_millis(200)).expect("no panic holds the state").0;
        }
    };
    let finish = |task: usize, result: Result<()>| {
        let mut s = state.lock().expect("no panic holds the state");
        s.left -= 1;
        if let Err(e) = result {
            s.failure.get_or_insert(e);
        }
        for d in &dependents[task] {
            s.waiting[*d] -= 1;
            if s.waiting[*d] == 0 {
                s.ready.push_back(*d);
            }
        }
        changed.notify_all();
    };
    std::thread::scope(|scope| {
        for _ in 0..limits.jobs.clamp(1, tasks.len().max(1)) {
            scope.spawn(|| {
                let mut worker: Option<Worker> = None;
                while let Some(i) = next() {
                    let result = match wanted(i) {
                        true => one(&tasks[i], limits, &mut worker, &start).and_then(|d| done(i, d)),
                        false => Ok(()),
                    };
                    finish(i, result);
                }
            });
        }
    });
    state.into_inner().expect("no panic holds the state").failure.map_or(Ok(()), Err)
}

/// One task in the given process, or in a new one. Where a process dies that has done other work before,
/// the file alone in a new one tells whether it is at fault.
fn one(
    task: &Task,
    limits: Limits,
    worker: &mut Option<Worker>,
    start: &impl Fn() -> Result<Worker>,
) -> Result<Done> {
    let is_full = |w: &Worker| limits.memory.zip(w.memory()).is_some_and(|(limit, used)| used > limit);
    if worker.as_ref().is_some_and(|w| w.answered >= FILES_PER_PROCESS || w.answered > 0 && is_full(w)) {
        *worker = None;
    }
    loop {
        let running = match worker {
            Some(w) => w,
            None => worker.insert(start()?),
        };
        let mut lines = Vec::new();
        let end = running.request(&task.file, &task.request, limits.longest, |l| lines.push(l.to_owned()));
        if end.is_ok() {
            if task.last {
                *worker = None;
            }
            return Ok(Done { lines, end });
        }
        let again = running.answered > 0 && matches!(end, Err(Lost::Ended(_)));
        *worker = None;
        if !again {
            return Ok(Done { lines, end });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_runs_at_import_is_seen_by_its_command() {
        assert!(initializes("public meta section\ninitialize ext : Ext ← register"));
        assert!(initializes("/-- doc -/ register_option a.b : Bool := {}"));
        assert!(!initializes("theorem initialized : True := trivial"));
    }
}
