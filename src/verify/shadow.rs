//! The second Lean server: started when it is needed, its documents, restarted when it dies.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use lsp_types::Diagnostic;

use crate::error::{Failure, FailureKind};
use crate::lean::client::{LeanClient, LeanError, initialize_params};
use crate::lean::process::StderrTail;
use crate::lean::{LeanCommand, ServerProcess};
use crate::lsp::message::code;

/// Documents that stay open at once: each costs a process with everything that it imports.
const OPEN_DOCUMENTS: usize = 2;
/// The time in work after which a server is asked whether it is there, and the time that it has to say so:
/// for a document that is open, and for one that a new process has to read.
const PULSE: [(Duration, Duration); 2] =
    [(Duration::from_secs(4), Duration::from_secs(10)), (Duration::from_secs(30), Duration::from_secs(30))];
/// Limit for the first answer of a server.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running second server.
pub struct Shadow {
    client: LeanClient,
    stderr: StderrTail,
    /// The most recently used one last.
    open: VecDeque<Document>,
    /// Why it cannot be used any more.
    useless: Option<&'static str>,
    // Below the client, so that the server's input is closed before its group is killed.
    _process: ServerProcess,
}

struct Document {
    uri: String,
    version: i32,
    text: String,
    /// How long Lean took to read it for the first time, with all that it imports; none before.
    reading: Option<Duration>,
    /// Whether Lean was left at work on it.
    abandoned: bool,
}

/// How an elaboration ended without diagnostics.
#[derive(Debug)]
pub enum Trouble {
    /// Not within the limit; what was published so far.
    Slow(Vec<Diagnostic>),
    /// The server, or its process for the document, ended.
    Died(Failure),
}

impl Shadow {
    /// Starts the server and greets it.
    pub async fn start(command: &LeanCommand) -> Result<Shadow> {
        let command = command.clone().with_lean_options(&["-Dserver.reportDelayMs=0"]);
        let mut process = ServerProcess::spawn(&command)?;
        let pipes = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Failure::new(FailureKind::Lean, "the Lean server was started without pipes").into());
        };
        let stderr = StderrTail::follow(stderr);
        let client = LeanClient::start(stdout, stdin);
        let greeting = tokio::time::timeout(START_LIMIT, client.initialize(initialize_params())).await;
        let problem = match greeting {
            Ok(Ok(_)) => {
                return Ok(Shadow {
                    client,
                    stderr,
                    open: VecDeque::new(),
                    useless: None,
                    _process: process,
                });
            }
            Ok(Err(e)) => e.to_string(),
            Err(_) => format!("no answer to `initialize` within {} s", START_LIMIT.as_secs()),
        };
        // What it printed last usually says why.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let failure = Failure::new(
            FailureKind::Lean,
            format!("`{}` does not work as a language server: {problem}{}", command.label, said(&stderr)),
        );
        Err(failure.hint("try the command by itself, or name another: `--lean-command`").into())
    }

    /// Makes `text` the content of a document and waits until Lean has said all about it.
    pub async fn elaborate(
        &mut self,
        uri: &str,
        text: &str,
        limit: Duration,
    ) -> Result<Vec<Diagnostic>, Trouble> {
        let started = Instant::now();
        let known = self.open.iter().any(|d| d.uri == uri && imports(&d.text).eq(imports(text)));
        let pulse = PULSE[usize::from(!known)];
        let version = self.set_text(uri, text).map_err(|e| self.died(uri, e))?;
        let answer = tokio::select! {
            answer = self.client.barrier(uri, version, limit) => answer,
            why = self.useless(uri, pulse) => {
                self.useless = Some(why);
                let message = format!("the second Lean server {why}");
                return Err(Trouble::Died(Failure::new(FailureKind::Lean, message)));
            }
        };
        match answer {
            Ok(diagnostics) => {
                if let Some(document) = self.open.iter_mut().find(|d| d.uri == uri) {
                    document.abandoned = false;
                    document.reading.get_or_insert(started.elapsed());
                }
                Ok(diagnostics)
            }
            Err(LeanError::Timeout { .. }) => Err(Trouble::Slow(self.client.diagnostics(uri, version))),
            Err(e) => Err(self.died(uri, e)),
        }
    }

    /// How long Lean took to read a document for the first time; none where that is still to be done. Later
    /// only what changed is elaborated.
    pub fn reading(&self, uri: &str) -> Option<Duration> {
        self.open.iter().find(|d| d.uri == uri).and_then(|d| d.reading)
    }

    /// Whether Lean was left at work on a document, by somebody who did not wait to the end.
    pub fn is_abandoned(&self, uri: &str) -> bool {
        self.open.iter().any(|d| d.uri == uri && d.abandoned)
    }

    /// The client, for questions beside elaboration.
    pub fn client(&self) -> &LeanClient {
        &self.client
    }

    /// Closes a document, which ends its process.
    pub fn close(&mut self, uri: &str) {
        self.open.retain(|d| d.uri != uri);
        // A server that is gone as well is noticed by the next request.
        let _ = self.client.close(uri);
    }

    /// Whether the server is of no use any more, and why.
    pub fn end(&self) -> Option<&'static str> {
        self.useless.or_else(|| self.client.is_closed().then_some("died"))
    }

    /// Returns why the server cannot be used any more: it prints without end, or it, or its process for the
    /// document, does not take questions. Lean answers this one beside whatever it elaborates.
    async fn useless(&self, uri: &str, (pause, limit): (Duration, Duration)) -> &'static str {
        const LOOK: Duration = Duration::from_secs(1);
        let mut next = tokio::time::Instant::now() + pause;
        loop {
            tokio::time::sleep(LOOK).await;
            if self.client.is_flooded(uri) {
                return "flooded its output";
            }
            if tokio::time::Instant::now() < next {
                continue;
            }
            let asked = serde_json::json!({"uri": uri});
            let answer = self.client.request_within::<serde_json::Value>("$/lean/rpc/connect", &asked, limit);
            match answer.await {
                Err(LeanError::Timeout { .. }) => return "hung",
                // What waits for the elaboration hears of it as well, and says more.
                Err(LeanError::Closed) => std::future::pending().await,
                // A refusal is an answer, too.
                _ => next = tokio::time::Instant::now() + pause,
            }
        }
    }

    /// Makes `text` the content of a document, without waiting; its version.
    pub fn set_text(&mut self, uri: &str, text: &str) -> Result<i32, LeanError> {
        if let Some(i) = self.open.iter().position(|d| d.uri == uri) {
            // The position was just found.
            let Some(mut document) = self.open.remove(i) else { return Err(LeanError::Closed) };
            if document.text != text {
                document.version += 1;
                document.text = text.to_owned();
                self.client.replace(uri, document.version, text)?;
                document.abandoned = true;
            }
            let version = document.version;
            self.open.push_back(document);
            return Ok(version);
        }
        if self.open.len() >= OPEN_DOCUMENTS
            && let Some(oldest) = self.open.pop_front()
        {
            self.client.close(&oldest.uri)?;
        }
        self.client.open(uri, 1, text)?;
        let (uri, text) = (uri.to_owned(), text.to_owned());
        self.open.push_back(Document { uri, version: 1, text, reading: None, abandoned: false });
        Ok(1)
    }

    fn died(&mut self, uri: &str, error: LeanError) -> Trouble {
        // The document's process crashed and the server lives: the document is opened anew, and given the
        // time to read its imports again.
        if matches!(error.code(), Some(code::WORKER_CRASHED | code::WORKER_EXITED)) {
            self.close(uri);
        }
        let failure = error.into_failure();
        let message = format!("{}{}", failure.message, said(&self.stderr));
        Trouble::Died(Failure { message, ..failure })
    }
}

/// What a text imports: with other imports a new process reads it.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|l| l.starts_with("import") || l.starts_with("public import") || l.starts_with("module"))
}

fn said(stderr: &StderrTail) -> String {
    let text = stderr.text();
    if text.trim().is_empty() { String::new() } else { format!("; it printed: {}", text.trim()) }
}
