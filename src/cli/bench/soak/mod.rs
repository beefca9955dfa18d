//! `lean-copilot bench soak`: a long day of an editor in a few minutes, through a real `serve` with the real
//! policy and store. What `serve` holds at the end is compared with what it held after a tenth of it.
//!
//! Lean, the user's and the second one, is played by [`server`], which answers at once: what leaks would
//! leak with any Lean, and elaboration would make a minute's traffic of a day's. [`prover`] knows enough of one
//! theorem that candidates are sifted, confirmed, shown and taken as with Lean.

mod prover;
mod server;

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use lsp_types::{Position, Range, TextDocumentContentChangeEvent};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::{Context, needs};
use crate::config::Dirs;
use crate::error::{Failure, FailureKind};
use crate::lean::process::StderrTail;
use crate::lean::{LeanClient, LeanCommand, ServerProcess};
use crate::lsp::position;
use crate::lsp::protocol::{SuggestResult, method};

/// Arguments of `bench soak`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Fails where the sidecar holds more than 1.1 times the memory, or more open files or threads, at the end.

Examples:
  lean-copilot bench soak                              a long day: 100,000 messages
  lean-copilot bench soak --messages 4000 --json       a short one")]
pub struct Args {
    /// Messages that the editor sends.
    #[arg(long, default_value_t = 100_000)]
    messages: usize,
    /// After how many of them the first look is taken; a tenth where absent.
    #[arg(long)]
    first: Option<usize>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Play the Lean server on stdin and stdout.
    #[arg(long, hide = true)]
    play_lean: bool,
}

/// Most that memory may grow between the two looks.
const GROWTH: f64 = 1.1;
/// An answer that takes longer will not come.
const LIMIT: Duration = Duration::from_secs(60);
/// Messages between two pauses of the person.
const BURST: usize = 50;
/// Bursts between two questions for suggestions.
const ASK_EVERY: usize = 5;
/// Bursts after which the document is closed and another opened.
const TURN_EVERY: usize = 40;

/// What `serve` holds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Held {
    messages: usize,
    memory_bytes: u64,
    files: usize,
    threads: usize,
}

#[derive(Debug, Serialize)]
struct Report {
    messages: usize,
    suggestions: usize,
    accepted: usize,
    seconds: f64,
    first: Held,
    last: Held,
    growth: f64,
}

/// Plays the day and compares.
pub fn soak(args: &Args, context: &Context) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if args.play_lean {
        return runtime.block_on(server::play());
    }
    needs::policy(context)?;
    let own = tempfile::tempdir()?;
    let dirs = Dirs::below(own.path(), context.dirs.share.clone(), context.dirs.cache.clone());
    let first = args.first.unwrap_or(args.messages / 10);
    let report = runtime.block_on(async {
        let mut day = Day::begin(own.path(), &dirs).await?;
        let result = day.play(first, args.messages).await;
        result.with_context(|| format!("the session broke{}", day.said()))
    })?;
    if args.json {
        println!("{}", json!(report));
    } else {
        print(&report);
    }
    judge(&report)
}

fn print(report: &Report) {
    let Report { messages, suggestions, accepted, seconds, first, last, growth } = report;
    println!("{messages} messages in {seconds:.0} s, {suggestions} suggestions, {accepted} accepted");
    println!("{:>10} {:>12} {:>8} {:>8}", "messages", "memory", "files", "threads");
    for h in [first, last] {
        let megabytes = h.memory_bytes as f64 / 1e6;
        println!("{:>10} {megabytes:>9.1} MB {:>8} {:>8}", h.messages, h.files, h.threads);
    }
    println!("memory at the end is {growth:.3} times that of the first look");
}

fn judge(report: &Report) -> Result<()> {
    let Report { first, last, growth, .. } = report;
    let mut grown = Vec::new();
    if *growth > GROWTH {
        grown.push(format!("memory grew to {growth:.2} times"));
    }
    if last.files > first.files {
        grown.push(format!("open files grew from {} to {}", first.files, last.files));
    }
    if last.threads > first.threads {
        grown.push(format!("threads grew from {} to {}", first.threads, last.threads));
    }
    match grown.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(FailureKind::Other, grown.join("; ")).into()),
    }
}

/// An editor's day: documents, one after another, typed into and asked about.
struct Day {
    client: LeanClient,
    process: ServerProcess,
    stderr: Option<StderrTail>,
    /// How many documents were opened so far.
    opened: usize,
    version: i32,
    text: String,
    sent: usize,
    suggestions: usize,
    accepted: usize,
}

/// A document as it stands when it is opened: [`HOLES`] theorems are open in it, which no other has, so that
/// nothing about them is remembered.
fn document(number: usize) -> String {
    let theorem = |i| format!("theorem t{number}_{i} (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  sorry\n\n");
    (0..HOLES).map(theorem).collect()
}

const HOLES: usize = 40;

impl Day {
    async fn begin(folder: &Path, dirs: &Dirs) -> Result<Day> {
        let exe = std::env::current_exe().context("the path of this program is not known")?;
        let env = [
            ("CONFIG", &dirs.config),
            ("DATA", &dirs.data),
            ("CACHE", &dirs.cache),
            ("STATE", &dirs.state),
            ("SHARE", &dirs.share),
        ]
        .map(|(key, dir)| (OsString::from(format!("LEAN_COPILOT_{key}_DIR")), dir.clone().into_os_string()));
        let mut args: Vec<OsString> = vec!["serve".into(), "--".into(), exe.clone().into()];
        args.extend(["bench", "soak", "--play-lean"].map(OsString::from));
        let label = "lean-copilot serve".into();
        let command = LeanCommand {
            program: exe,
            args,
            env: env.to_vec(),
            cwd: folder.into(),
            label,
            takes_options: false,
            confined: None,
        };
        let mut process = ServerProcess::spawn(&command)?;
        let stderr = process.stderr.take().map(StderrTail::follow);
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        let client = LeanClient::start(stdout.context("a piped output")?, stdin.context("a piped input")?);
        client
            .initialize(json!({
                "processId": std::process::id(), "rootUri": null,
                "capabilities": {"experimental": {"leanCopilot": {}}},
                "initializationOptions": {"leanCopilot": {"pause_ms": 20}},
            }))
            .await
            .map_err(|e| e.into_failure())?;
        let mut day = Day {
            client,
            process,
            stderr,
            opened: 0,
            version: 0,
            text: String::new(),
            sent: 2,
            suggestions: 0,
            accepted: 0,
        };
        day.open()?;
        Ok(day)
    }

    /// The document that is open.
    fn uri(&self) -> String {
        format!("file:///Soak{}.lean", self.opened)
    }

    /// Opens the next document.
    fn open(&mut self) -> Result<()> {
        self.opened += 1;
        self.text = document(self.opened);
        self.version = 1;
        self.sent += 1;
        Ok(self.client.open(&self.uri(), 1, &self.text).map_err(|e| e.into_failure())?)
    }

    fn said(&self) -> String {
        self.stderr.as_ref().map(|s| format!(": {}", s.text())).unwrap_or_default()
    }

    async fn play(&mut self, first: usize, messages: usize) -> Result<Report> {
        let started = Instant::now();
        let mut early = None;
        let mut bursts = 0;
        while self.sent < messages {
            if early.is_none() && self.sent >= first {
                early = Some(self.held().await?);
            }
            bursts += 1;
            self.burst(bursts).await?;
            if bursts % ASK_EVERY == 0 {
                self.asks(bursts).await?;
            }
            if bursts % TURN_EVERY == 0 {
                self.turn()?;
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        let last = self.held().await?;
        let first = early.unwrap_or(last);
        let growth = last.memory_bytes as f64 / first.memory_bytes as f64;
        self.client.shutdown(LIMIT).await.map_err(|e| e.into_failure())?;
        let Day { sent, suggestions, accepted, .. } = *self;
        Ok(Report { messages: sent, suggestions, accepted, seconds, first, last, growth })
    }

    /// What a person types, and what their editor asks meanwhile; every tenth question is cancelled.
    async fn burst(&mut self, number: usize) -> Result<()> {
        let at = position::position(&self.text, self.hole(number)?);
        let document = json!({"uri": self.uri()});
        let place = json!({"textDocument": document, "position": at});
        let range = json!({"start": at, "end": at});
        let actions = json!({"textDocument": document, "range": range,
            "context": {"diagnostics": [], "triggerKind": 2}});
        let call = json!({"textDocument": document, "position": at, "sessionId": "1",
            "method": "Lean.Widget.getInteractiveGoals", "params": place});
        let mut answers = Vec::new();
        for i in 0..BURST {
            let (method, params) = match i % 8 {
                0 | 4 => {
                    // A word is typed behind the hole, and taken back.
                    let end = Position { line: at.line, character: at.character + "sorry".len() as u32 };
                    let typed = Position { character: end.character + 2, ..end };
                    let (range, text) = match i % 8 {
                        0 => (Range { start: end, end }, " x"),
                        _ => (Range { start: end, end: typed }, ""),
                    };
                    self.replace(range, text)?;
                    continue;
                }
                1 => ("textDocument/documentHighlight", &place),
                2 | 6 => ("$/lean/rpc/call", &call),
                3 => ("textDocument/codeAction", &actions),
                5 => ("textDocument/completion", &place),
                _ => ("textDocument/inlineCompletion", &place),
            };
            let answer = self.client.request::<Value>(method, params);
            self.sent += 1;
            match i % 10 {
                9 => drop(answer),
                _ => answers.push(answer),
            }
        }
        // An odd number of edits in a burst would leave a word behind.
        for answer in answers {
            let answer = tokio::time::timeout(LIMIT, answer).await.context("no answer in time")?;
            answer.map_err(|e| e.into_failure())?;
        }
        if let Some(typed) = self.text.find("sorry x") {
            let start = position::position(&self.text, typed + "sorry".len());
            self.replace(Range { start, end: Position { character: start.character + 2, ..start } }, "")?;
        }
        Ok(())
    }

    /// Asks for suggestions at a hole; the best is taken and saved.
    async fn asks(&mut self, number: usize) -> Result<()> {
        let at = self.hole(number)?;
        let params = json!({"textDocument": {"uri": self.uri()}, "position": position::position(&self.text, at),
            "wait_ms": 5000, "tried": true});
        let answer = self.client.request_within(method::SUGGEST, &params, LIMIT).await;
        let result: SuggestResult = answer.map_err(|e| e.into_failure())?;
        self.sent += 1;
        self.suggestions += result.suggestions.len();
        let Some(best) = result.suggestions.first() else { return Ok(()) };
        self.replace(best.edit.range, &best.edit.new_text)?;
        self.accepted += 1;
        let saved = json!({"textDocument": {"uri": self.uri()}});
        self.client.notify("textDocument/didSave", &saved).map_err(|e| e.into_failure())?;
        self.sent += 1;
        Ok(())
    }

    fn hole(&self, number: usize) -> Result<usize> {
        let holes: Vec<usize> = self.text.match_indices("sorry").map(|(at, _)| at).collect();
        holes.get(number % holes.len().max(1)).copied().context("no hole is left in the document")
    }

    fn replace(&mut self, range: Range, text: &str) -> Result<()> {
        let change =
            TextDocumentContentChangeEvent { range: Some(range), range_length: None, text: text.into() };
        position::apply_change(&mut self.text, &change);
        self.version += 1;
        self.sent += 1;
        Ok(self.client.change(&self.uri(), self.version, &[change]).map_err(|e| e.into_failure())?)
    }

    /// Closes the document and goes on with another.
    fn turn(&mut self) -> Result<()> {
        self.client.close(&self.uri()).map_err(|e| e.into_failure())?;
        self.sent += 1;
        self.open()
    }

    /// What `serve` holds once it has come to rest.
    async fn held(&self) -> Result<Held> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let pid = self.process.id().context("`serve` has ended")?;
        let unknown = || {
            Failure::new(FailureKind::Other, "what a process holds is not known on this system")
                .hint("`bench soak` reads `/proc`, which Linux has")
        };
        let count = |what: &str| std::fs::read_dir(format!("/proc/{pid}/{what}")).map(Iterator::count);
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(|_| unknown())?;
        let kilobytes = status
            .lines()
            .find_map(|l| l.strip_prefix("VmRSS:"))
            .and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
            .ok_or_else(unknown)?;
        Ok(Held {
            messages: self.sent,
            memory_bytes: kilobytes * 1024,
            files: count("fd")?,
            threads: count("task")?,
        })
    }
}
