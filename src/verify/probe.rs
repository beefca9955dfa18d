//! Triage inside Lean: a scratch document that holds a method of ours beside the user's text, in a process of
//! its own, so that candidates are tried there while survivors are confirmed by edits elsewhere.
//!
//! What it finds good is only confirmed sooner; nothing is shown for its word. It is started in a pause, and
//! where it cannot be (an old Lean, an unusual header), [`super::batch`] does its work.

use std::time::Duration;

use anyhow::Result;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::prepared::Prepared;
use super::scratch::Scratch;
use crate::lean::LeanCommand;
use crate::proof::{Goal, Offer};

mod live;
mod method;

use live::{Live, user_text};
use method::head_of;

/// What triage says about a candidate.
#[derive(Debug)]
pub enum Found {
    /// Accepted; all goals that it leaves.
    Left(Vec<Goal>),
    /// Refused with Lean's message.
    Refused(String),
    /// No answer within the limit.
    Endless,
}

/// The scratch document and its server, as far as they are.
pub struct Probe {
    command: LeanCommand,
    phase: Phase,
    replaced: u64,
}

enum Phase {
    Idle,
    Starting(JoinHandle<Result<Live>>),
    Live(Box<Live>),
    /// It cannot be had for documents that begin like this one.
    Off {
        head: String,
        why: String,
    },
}

impl Probe {
    /// Nothing is started yet.
    pub fn new(command: LeanCommand) -> Probe {
        // One document, so no second process needs to wait for another.
        let mut command = command;
        command.env.push(("LEAN_COPILOT_LEAN_STANDBY".into(), "0".into()));
        Probe { command, phase: Phase::Idle, replaced: 0 }
    }

    /// Whether it runs.
    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live(_))
    }

    /// Why it cannot be had, where it was tried.
    pub fn refusal(&self) -> Option<&str> {
        match &self.phase {
            Phase::Off { why, .. } => Some(why),
            _ => None,
        }
    }

    /// How often it ended for a tactic that it was given.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Phase::Starting(start) = &self.phase {
            start.abort();
        }
        if !matches!(self.phase, Phase::Off { .. }) {
            self.phase = Phase::Idle;
        }
    }

    /// Starts it for the document of a place, in the background, where it is not running for it already.
    pub async fn warm(&mut self, at: &Prepared) {
        self.attend(at).await;
        let Some(head) = head_of(&at.scratch.before) else { return };
        let start = match &self.phase {
            Phase::Idle => true,
            Phase::Off { head: failed, .. } => failed != head,
            Phase::Starting(_) | Phase::Live(_) => false,
        };
        if start {
            let (command, uri, text) = (self.command.clone(), at.uri.clone(), user_text(&at.scratch));
            self.phase = Phase::Starting(tokio::spawn(Live::start(command, uri, head.to_owned(), text)));
        }
    }

    /// The same, and waits until it runs or cannot.
    pub async fn start(&mut self, at: &Prepared) {
        self.warm(at).await;
        self.settle(at).await;
    }

    /// Lets Lean read the text of a place, where it runs for that document: triage is going to ask for it.
    pub fn follow(&mut self, uri: &str, scratch: &Scratch) {
        if let Phase::Live(live) = &mut self.phase
            && live.is_for(uri, scratch)
        {
            // A server that is gone is noticed by the next question.
            let _ = live.attend(scratch);
        }
    }

    /// Whether it is ready to try candidates at a place. Does not wait for a start.
    pub async fn attend(&mut self, at: &Prepared) -> bool {
        self.take_start(at).await;
        let Phase::Live(live) = &mut self.phase else { return false };
        if !live.is_for(&at.uri, &at.scratch) || live.has_ended() {
            self.phase = Phase::Idle;
            return false;
        }
        !at.goals.is_empty()
    }

    /// Takes a start over that has ended; does not wait for one that has not.
    async fn take_start(&mut self, at: &Prepared) {
        if matches!(&self.phase, Phase::Starting(start) if start.is_finished()) {
            self.settle(at).await;
        }
    }

    /// Takes a start over when it ends.
    async fn settle(&mut self, at: &Prepared) {
        let Phase::Starting(start) = &mut self.phase else { return };
        self.phase = match start.await {
            Ok(Ok(live)) => Phase::Live(Box::new(live)),
            Ok(Err(e)) => {
                tracing::warn!("candidates are tried by edits only: {e:#}");
                let head = head_of(&at.scratch.before).unwrap_or_default().to_owned();
                Phase::Off { head, why: format!("{e:#}") }
            }
            Err(_) => Phase::Idle,
        };
    }

    /// What the names at a place offer; `None` where the probe does not run for it.
    pub async fn offer(&mut self, at: &Prepared, limit: Duration) -> Result<Option<Offer>, String> {
        if !self.attend(at).await {
            return Ok(None);
        }
        let Phase::Live(live) = &mut self.phase else { return Ok(None) };
        let answer = live.offer(at, limit).await;
        self.replace_if_lost(answer.is_err());
        answer.map(Some)
    }

    /// Tries candidates; `found` gets each result with the milliseconds that it took. Ends early, with the
    /// reason, where the probe fails: those without a result are to be tried in another way.
    pub async fn triage(
        &mut self,
        at: &Prepared,
        candidates: Vec<(usize, String)>,
        limit: Duration,
        found: &mpsc::UnboundedSender<(usize, Found, f64)>,
    ) -> Result<(), String> {
        let Phase::Live(live) = &mut self.phase else { return Err("it does not run".into()) };
        let answer = live.triage(at, candidates, limit, found).await;
        self.replace_if_lost(answer.is_err());
        answer
    }

    /// Gives a process up that has died, or does not come back from what it was asked.
    fn replace_if_lost(&mut self, failed: bool) {
        let Phase::Live(live) = &self.phase else { return };
        if failed && live.is_lost() {
            self.phase = Phase::Idle;
            self.replaced += 1;
        }
    }
}
