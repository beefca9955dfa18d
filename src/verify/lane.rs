//! One Lean server in the background: started when it is needed, and again when it died.

use std::time::Duration;

use anyhow::Result;
use lsp_types::Diagnostic;
use tokio::task::JoinHandle;

use super::shadow::{Shadow, Trouble};
use crate::error::{Failure, FailureKind};
use crate::lean::LeanCommand;

/// Limit for reading a document for the first time, with all that it imports.
pub const OPEN_LIMIT: Duration = Duration::from_secs(180);
/// With so many tactics that did not end in one process, it is replaced.
const RUNAWAYS: u32 = 3;

/// A server, or what it takes to start one.
pub struct Lane {
    command: LeanCommand,
    shadow: Option<Shadow>,
    /// A start that goes on when the one who asked for it has moved on.
    starting: Option<JoinHandle<Result<Shadow>>>,
    /// Tactics that the document's process was left with: one that never looks whether it was cancelled
    /// goes on in its thread, unseen.
    runaways: u32,
    /// Why the server had to be started again, the last time that it had.
    restarted: Option<String>,
    /// Processes that were replaced.
    replaced: u64,
}

impl Lane {
    /// Nothing is started yet.
    pub fn new(command: LeanCommand) -> Lane {
        Lane { command, shadow: None, starting: None, runaways: 0, restarted: None, replaced: 0 }
    }

    /// Which Lean it is, and where it runs.
    pub fn command(&self) -> &LeanCommand {
        &self.command
    }

    /// Ends the server.
    pub fn stop(&mut self) {
        self.shadow = None;
        self.runaways = 0;
        if let Some(start) = self.starting.take() {
            start.abort();
        }
    }

    /// Whether the server runs.
    pub fn is_running(&self) -> bool {
        self.shadow.is_some()
    }

    /// Why the server had to be started again, the last time that it had.
    pub fn restarted(&self) -> Option<&str> {
        self.restarted.as_deref()
    }

    /// How many processes were replaced: they died, or did not come back from a tactic.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Makes `text` the content of a document and waits until Lean has said all about it, at most `limit`;
    /// a document that is opened has more time, for its imports. A server that died is started again, once.
    pub async fn elaborate(
        &mut self,
        uri: &str,
        text: &str,
        limit: Duration,
    ) -> Result<Result<Vec<Diagnostic>, Trouble>> {
        for last in [false, true] {
            let shadow = self.running().await?;
            let limit = if shadow.reading(uri).is_some() { limit } else { limit.max(OPEN_LIMIT) };
            match shadow.elaborate(uri, text, limit).await {
                Err(Trouble::Died(failure)) if !last => {
                    (self.runaways, self.replaced) = (0, self.replaced + 1);
                    tracing::info!("{failure}; trying again");
                    self.restarted = Some(format!("{failure}; it was started again"));
                }
                answer => return Ok(answer),
            }
        }
        // The second round always returns.
        Ok(Err(Trouble::Died(Failure::new(FailureKind::Lean, "the Lean server ended"))))
    }

    /// The same for a text with nothing tried in it. After work that was broken off, Lean gets as long to
    /// come back as it takes to begin anew; then the document's process is replaced.
    pub async fn read(&mut self, uri: &str, text: &str) -> Result<Result<Vec<Diagnostic>, Trouble>> {
        let shadow = self.running().await?;
        if let (true, Some(patience)) = (shadow.is_abandoned(uri), shadow.reading(uri)) {
            match self.elaborate(uri, text, patience).await? {
                Err(Trouble::Slow(_)) => {
                    tracing::info!(
                        "Lean does not come back from what was broken off; its process is replaced"
                    );
                    self.replace(uri);
                }
                answer => return Ok(answer),
            }
        }
        self.elaborate(uri, text, OPEN_LIMIT).await
    }

    /// Whether Lean was left at work on a document.
    pub fn is_abandoned(&self, uri: &str) -> bool {
        self.shadow.as_ref().is_some_and(|s| s.is_abandoned(uri))
    }

    /// Asks for something easy after a tactic that did not end. Where Lean does not come back within
    /// `limit`, or has been left with too many such tactics, the document's process is replaced.
    pub async fn recover(&mut self, uri: &str, easy: &str, limit: Duration) -> Result<()> {
        let said = self.elaborate(uri, easy, limit).await?;
        self.runaways += 1;
        if said.is_err() || self.runaways >= RUNAWAYS {
            tracing::info!("Lean does not come back from a tactic; its process is replaced");
            self.replace(uri);
        }
        Ok(())
    }

    /// Ends a document's process; the next use starts another, from the server's spare where it has one.
    pub fn replace(&mut self, uri: &str) {
        (self.runaways, self.replaced) = (0, self.replaced + 1);
        if let Some(shadow) = &mut self.shadow {
            shadow.close(uri);
        }
    }

    /// The running server.
    async fn running(&mut self) -> Result<&mut Shadow> {
        if let Some(why) = self.shadow.as_ref().and_then(Shadow::end) {
            self.restarted = Some(format!("the second Lean server {why}; it was started again"));
            self.shadow = None;
            self.replaced += 1;
        }
        if self.shadow.is_none() {
            let command = self.command.clone();
            // In a task of its own: who asks may be interrupted, and the start is not to be for nothing.
            let start = self
                .starting
                .get_or_insert_with(|| tokio::spawn(async move { Shadow::start(&command).await }));
            let started = start.await;
            self.starting = None;
            self.runaways = 0;
            self.shadow = Some(started??);
        }
        self.shadow.as_mut().ok_or_else(|| Failure::new(FailureKind::Lean, "the Lean server ended").into())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.stop();
    }
}
