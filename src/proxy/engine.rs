//! What the loop asks of the rest of the house: suggestions, the state of the parts, what is recorded.
//!
//! Every part may be missing or fail; the relay works without, and [`Engine::problem`] says what to do.

use std::path::PathBuf;
use std::sync::Arc;

use lsp_types::Position;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::event::AskError;
use super::recorder::Recorder;
use crate::config::{Dirs, Settings};
use crate::error::Failure;
use crate::lean::LeanCommand;
use crate::lsp::position;
use crate::lsp::protocol::FeedbackParams;
use crate::suggest::{Pipeline, SuggestRequest, Update};
use crate::verify::Place;
use crate::verify::scratch;

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
    /// The goals, where they were heard.
    pub goals: Option<Vec<crate::proof::Goal>>,
    /// Most suggestions wanted.
    pub limit: usize,
}

/// What does not work, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What a client that does not know us hears of once.
    pub cause: String,
    /// What is wrong.
    pub message: String,
    /// What mends it; may be empty.
    pub remedy: String,
    /// It has mended itself: a person should know, and nothing is missing.
    pub over: bool,
}

impl Problem {
    /// Something that is wrong now.
    pub fn new(cause: &str, message: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem { cause: cause.to_owned(), message: message.into(), remedy: remedy.into(), over: false }
    }

    /// Something to know and nothing to mend: it was wrong and is not any more, or costs no more than it says.
    pub fn over(cause: &str, message: impl Into<String>) -> Problem {
        Problem { over: true, ..Problem::new(cause, message, "") }
    }

    /// For a person: what is wrong, and what mends it.
    pub fn text(&self) -> String {
        if self.remedy.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.message, self.remedy)
        }
    }
}

/// The pipeline and the store behind the proxy.
#[derive(Debug, Default)]
pub struct Engine {
    pipeline: Option<Pipeline>,
    /// What was offered and what became of it.
    pub recorder: Recorder,
    lean: String,
    /// The runtime that the parts run on.
    workers: Option<Handle>,
    /// What is missing as a whole, and what mends it.
    missing: Option<Problem>,
}

impl Engine {
    /// Everything that there is, for a session with this Lean. Nothing is loaded or started before the
    /// first goal. Needs a Tokio runtime, on which the parts then run.
    pub fn start(dirs: &Dirs, settings: &Settings, command: &LeanCommand) -> Engine {
        let (pipeline, missing) = match Pipeline::new(dirs.clone(), settings.clone(), command.clone()) {
            Ok(pipeline) => (Some(pipeline), None),
            Err(error) => {
                let remedy = Failure::of(&error).and_then(|f| f.hint.clone()).unwrap_or_default();
                (None, Some(Problem::new("policy", format!("{error:#}"), remedy)))
            }
        };
        let recorder = Recorder::start(dirs, settings, project_of(command), command.label.clone());
        let workers = Handle::try_current().ok();
        Engine { pipeline, recorder, lean: command.label.clone(), workers, missing }
    }

    /// What is left where there is no Lean: the message that says so, and its remedy.
    pub fn without_lean(message: String, remedy: String) -> Engine {
        Engine {
            lean: "none".into(),
            missing: Some(Problem::new("lean", message, remedy)),
            ..Engine::default()
        }
    }

    /// The runtime that the parts run on; none where nothing was started.
    pub fn workers(&self) -> Option<Handle> {
        self.workers.clone()
    }

    /// Starts a round; dropping the receiver cancels it.
    pub fn suggest(&self, job: Job) -> Option<mpsc::UnboundedReceiver<Update>> {
        let Job { uri, version, text, position, goals, limit } = job;
        let place = Place { uri, version, text, position };
        let request = SuggestRequest { place, goals, limit, budget: None, patient: false };
        Some(self.pipeline.as_ref()?.suggest(request))
    }

    /// Loads what the first goal will need.
    pub fn warm(&self) {
        if let Some(pipeline) = &self.pipeline {
            pipeline.policy().warm();
        }
    }

    /// Settings have changed.
    pub fn configure(&mut self, settings: &Settings) {
        if let Some(pipeline) = &mut self.pipeline {
            pipeline.configure(settings);
        }
        self.recorder.configure(settings);
    }

    /// What is wrong, the weightiest first.
    pub fn problems(&self) -> Vec<Problem> {
        let mut all: Vec<Problem> = self.missing.iter().cloned().collect();
        if let Some(pipeline) = &self.pipeline {
            let checking = pipeline.verifier().status();
            all.extend(checking.problem.map(|(m, r)| Problem::new("verifier", m, r.unwrap_or_default())));
            all.extend(pipeline.policy().status().problem.map(|(m, r)| Problem::new("policy", m, r)));
            all.extend(checking.restarted.map(|m| Problem::over("verifier restarted", m)));
            // Nothing that anyone has to see to: what is shown is verified all the same.
            all.extend(checking.unsifted.map(|why| Problem::over("probe", unsifted(&why))));
        }
        all.extend(self.recorder.problem());
        all
    }

    /// Where the policy runs, and its bundle.
    pub fn policy(&self) -> (String, Option<String>) {
        let status = self.pipeline.as_ref().map(|p| p.policy().status()).unwrap_or_default();
        (status.device, status.bundle)
    }

    /// What the user's Lean is called.
    pub fn lean(&self) -> String {
        self.lean.clone()
    }

    /// A question about what was recorded; answered from a task of its own.
    pub fn feedback(
        &self,
        params: FeedbackParams,
        reply: oneshot::Sender<Result<serde_json::Value, AskError>>,
    ) {
        self.recorder.feedback(params, reply);
    }
}

fn unsifted(why: &str) -> String {
    format!(
        "tactics take longer to check and names in scope are not proposed, because Lean refuses the probe: {why}"
    )
}

/// The project that rows are tagged with: the folder that Lean runs in.
fn project_of(command: &LeanCommand) -> PathBuf {
    // Without links, so that the same project has one name however it is reached (`export-feedback --project`).
    std::fs::canonicalize(&command.cwd)
        .or_else(|_| std::path::absolute(&command.cwd))
        .unwrap_or_else(|_| command.cwd.clone())
}

/// Whether a position stands at a `sorry` or its like, where a goal is open although Lean shows none
/// behind it.
pub fn touches_hole(text: &str, position: Position) -> bool {
    let offset = position::offset(text, position);
    let open = |h: &scratch::Hole| matches!(h.kind, scratch::HoleKind::Sorry | scratch::HoleKind::EmptyBlock);
    scratch::holes_at(text, offset).iter().any(open)
}
