//! What the loop asks of the rest of the house, and what comes back.

use std::sync::Arc;

use lsp_types::Position;
use tokio::sync::{mpsc, oneshot};

use super::documents::{Changed, Documents};
use super::event::AskError;
use super::rounds::Round;
use super::state::Spot;
use crate::config::{Dirs, Settings};
use crate::lean::LeanCommand;
use crate::lsp::protocol::{EventParams, FeedbackParams, Suggestion};
use crate::proof::{Candidate, Goal, Verdict};

/// News of a round.
#[derive(Debug)]
pub enum Update {
    /// The goals at the place, first of all.
    Goals(Vec<Goal>),
    /// How many candidates have no answer yet.
    Pending(usize),
    /// Lean's answer to a candidate, a refusal too.
    Verdict(Candidate, Verdict),
    /// A confirmed suggestion.
    Suggestion(Suggestion),
    /// The end.
    Done {
        /// The bundle that the policy used.
        bundle: Option<String>,
        /// What was missing.
        problems: Vec<String>,
    },
}

/// A place at which suggestions are wanted.
#[derive(Debug, Clone)]
pub struct Job {
    /// The document.
    pub uri: String,
    /// Its version.
    pub version: i32,
    /// Its text.
    pub text: Arc<str>,
    /// Where.
    pub position: Position,
    /// Most suggestions wanted.
    pub limit: usize,
}

/// The pipeline, policy and store behind the proxy; each may be missing, and the relay works without.
#[derive(Debug, Default)]
pub struct Engine {
    /// What the user's Lean is called.
    pub lean: String,
    /// What is missing as a whole, and what mends it.
    pub missing: Option<(String, String)>,
}

impl Engine {
    /// Everything that there is, for a session with this Lean.
    pub fn start(_dirs: &Dirs, _settings: &Settings, command: &LeanCommand) -> Engine {
        Engine { lean: command.label.clone(), missing: None }
    }

    /// What is left where there is no Lean: the message that says so, and its remedy.
    pub fn without_lean(message: String, remedy: String) -> Engine {
        Engine { lean: "none".into(), missing: Some((message, remedy)) }
    }

    /// Starts a round; dropping the receiver cancels it.
    pub fn suggest(&self, _job: Job) -> Option<mpsc::Receiver<Update>> {
        None
    }

    /// Settings have changed.
    pub fn configure(&self, _settings: &Settings) {}

    /// What is missing, and what mends it.
    pub fn problem(&self) -> Option<(String, String)> {
        self.missing.clone()
    }

    /// Where the policy runs, and its bundle.
    pub fn policy(&self) -> (String, Option<String>) {
        (String::new(), None)
    }

    /// What the user's Lean is called.
    pub fn lean(&self) -> String {
        self.lean.clone()
    }

    /// A document was opened.
    pub fn opened(&mut self, _uri: &str, _documents: &mut Documents) {}
    /// A document changed.
    pub fn changed(&mut self, _changed: &Changed, _documents: &mut Documents) {}
    /// A document was closed.
    pub fn closed(&mut self, _uri: &str) {}
    /// A document was saved.
    pub fn saved(&mut self, _uri: &str) {}
    /// Goals at a place became known.
    pub fn goals_at(&mut self, _spot: &Spot, _goals: Option<&[Goal]>) {}
    /// Lean published diagnostics.
    pub fn diagnostics(&mut self, _params: &str) {}
    /// A code action of ours was resolved.
    pub fn resolved(&mut self, _suggestion: &str) {}
    /// A round's suggestions were shown to a person who asked.
    pub fn shown(&mut self, _round: &Round) {}
    /// The client says what the person did.
    pub fn event(&mut self, _params: EventParams) {}
    /// News of a round, to be recorded.
    pub fn records(&mut self, _round: &Round, _update: &Update) {}

    /// A question about what was recorded.
    pub fn feedback(
        &self,
        _params: FeedbackParams,
        _reply: oneshot::Sender<Result<serde_json::Value, AskError>>,
    ) {
    }
}

/// Best first.
pub fn rank(suggestions: &mut [Suggestion]) {
    suggestions.sort_by_key(|s| (!s.verdict.completes, s.verdict.goals.len()));
}

/// Whether a position stands at a `sorry` or its like.
pub fn touches_hole(_text: &str, _position: Position) -> bool {
    false
}
