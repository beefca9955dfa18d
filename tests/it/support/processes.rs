//! The processes of a session, found through `/proc` by a mark in their environment.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const VARIABLE: &str = "LEAN_COPILOT_TEST_SESSION";

/// A mark that a session's processes inherit.
#[derive(Debug, Clone)]
pub struct Mark(String);

/// A process that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent's.
    pub parent: i32,
    /// Its words, as it shows them.
    pub words: String,
    /// The name of its program.
    pub program: String,
}

impl Mark {
    /// One that no other session has.
    pub fn new() -> Mark {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Mark(format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The environment variable that carries it.
    pub fn variable(&self) -> (&'static str, &str) {
        (VARIABLE, &self.0)
    }

    /// All processes that live with it; a zombie is dead.
    pub fn processes(&self) -> Vec<Process> {
        let wanted = format!("{VARIABLE}={}", self.0);
        let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
        let mut found: Vec<Process> = entries
            .filter_map(|e| {
                let pid: i32 = e.file_name().to_str()?.parse().ok()?;
                let environment = std::fs::read(e.path().join("environ")).ok()?;
                environment.split(|b| *b == 0).any(|v| v == wanted.as_bytes()).then_some(())?;
                process(pid)
            })
            .collect();
        found.sort_by_key(|p| p.pid);
        found
    }

    /// The second server, if it runs: it alone is told not to delay its reports.
    pub fn second(&self) -> Option<Process> {
        self.processes().into_iter().find(|p| p.words.contains("-Dserver.reportDelayMs=0"))
    }

    /// The server of the editor's, if it runs.
    pub fn first(&self) -> Option<Process> {
        let is_it = |p: &Process| p.words.contains("server.js") && !p.words.contains("reportDelayMs");
        self.processes().into_iter().find(|p| is_it(p) && !p.is_ours())
    }

    /// The processes that a server started.
    pub fn below(&self, server: &Process) -> Vec<Process> {
        self.processes().into_iter().filter(|p| p.parent == server.pid).collect()
    }

    /// Kills what is left.
    pub fn kill_all(&self) {
        for p in self.processes() {
            p.signal(Signal::KILL);
        }
    }
}

impl Process {
    /// Sends a signal; whether the process was there.
    pub fn signal(&self, signal: Signal) -> bool {
        Pid::from_raw(self.pid).is_some_and(|pid| kill_process(pid, signal).is_ok())
    }

    /// Whether it lives.
    pub fn lives(&self) -> bool {
        process(self.pid).is_some_and(|p| p.parent == self.parent || p.words == self.words)
    }

    /// Processor time used so far, in clock ticks.
    pub fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        let rest = stat.rsplit(") ").next().unwrap_or_default();
        rest.split(' ').skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum()
    }

    /// Whether it is `lean-copilot`.
    pub fn is_ours(&self) -> bool {
        self.program == "lean-copilot"
    }
}

fn process(pid: i32) -> Option<Process> {
    let folder = Path::new("/proc").join(pid.to_string());
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    let mut rest = stat.rsplit(") ").next()?.split(' ');
    let state = rest.next()?;
    let parent = rest.next()?.parse().ok()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    let words = std::fs::read(folder.join("cmdline")).ok()?;
    let words = String::from_utf8_lossy(&words).replace('\0', " ");
    // Between `fork` and `exec` a child of ours looks like us.
    let program = std::fs::read_link(folder.join("exe")).ok()?;
    let program = program.file_name()?.to_string_lossy().into_owned();
    Some(Process { pid, parent, words, program })
}

/// Resident memory of a process, in bytes.
pub fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

/// Waits until something holds.
pub fn wait_until(limit: Duration, what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < until, "it is not so that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
