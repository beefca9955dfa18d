//! How the parts are, and who is told: a client that knows us by `status` whenever that changes, any other
//! by one message for each cause and run.
//!
//! The parts say themselves what is wrong with them ([`Engine::problems`](super::engine::Engine::problems)).
//! Two things are found here: a Lean that has fallen silent, and a process of Lean's for a document that
//! died. Both are asked for before they are said, and both only after a sign: an idle session is quiet.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use serde_json::json;

use super::engine::Problem;
use super::state::{Phase, State};
use crate::lsp::message::{Envelope, RequestId, code};
use crate::lsp::protocol::{StatusParams, StatusState, method};

/// The time between two looks at the parts.
const LOOK: Duration = Duration::from_secs(1);

/// A document that is never open: Lean's server refuses questions about it at once and by itself, whatever
/// its processes are busy with.
const NOWHERE: &str = "file:///lean-copilot/is/Lean/there.lean";

/// What is known about the health of editor's session, and what was said about it.
#[derive(Debug, Default)]
pub struct Health {
    /// When the parts are looked at next; none before `initialized`.
    pub(super) due: Option<Instant>,
    /// Since when the editor waits: the first message to Lean behind which Lean has not said anything.
    waiting: Option<Instant>,
    /// The question whether Lean is there, and when it was asked.
    pulse: Option<(RequestId, Instant)>,
    silent: bool,
    /// Questions whether the process of a document lives.
    asked: Vec<(RequestId, String)>,
    dead: BTreeSet<String>,
    /// A part of the loop itself failed.
    pub(super) broken: Option<Problem>,
    status: Option<StatusParams>,
    /// The causes that were said by `window/showMessage`.
    said: HashSet<String>,
}

impl Health {
    /// The editor sent Lean something.
    pub(super) fn editor_spoke(&mut self) {
        if self.waiting.is_none() {
            self.waiting = Some(Instant::now());
        }
    }

    /// Lean said something: it is there.
    pub(super) fn lean_spoke(&mut self) {
        self.waiting = None;
        if self.pulse.take().is_some() && std::mem::take(&mut self.silent) {
            tracing::info!("Lean answers again");
            self.due = Some(Instant::now());
        }
    }

    /// A document is new, or gone.
    pub(super) fn forget(&mut self, uri: &str) {
        self.dead.remove(uri);
        self.asked.retain(|(_, of)| of != uri);
    }

    fn problems(&self) -> Vec<Problem> {
        let mut all = Vec::new();
        if self.silent {
            all.push(Problem::new(
                "lean",
                "Lean's server does not answer",
                "wait, or restart Lean's server from the editor",
            ));
        }
        for uri in &self.dead {
            let name = uri.rsplit('/').next().unwrap_or(uri);
            let message = format!("Lean's process for `{name}` has died");
            let remedy = "Lean starts it again with the next edit of the file, or when the file is restarted";
            all.push(Problem { cause: format!("worker {uri}"), ..Problem::new("", message, remedy) });
        }
        all.extend(self.broken.clone());
        all
    }
}

impl State {
    /// Looks at the parts, and at Lean where it has been silent for long.
    pub(super) fn look(&mut self) {
        let now = Instant::now();
        self.health.due = Some(now + LOOK);
        let limit = Duration::from_secs(self.settings.lean_silence_s.max(1));
        match &self.health.pulse {
            Some((_, asked)) => {
                let silent = now.duration_since(*asked) >= limit;
                if silent && !std::mem::replace(&mut self.health.silent, true) {
                    tracing::warn!("Lean does not answer");
                }
            }
            None if self.health.waiting.is_some_and(|since| now.duration_since(since) >= limit) => {
                let place =
                    json!({"textDocument": {"uri": NOWHERE}, "position": {"line": 0, "character": 0}});
                let id = self.ask_lean("$/lean/plainGoal", &place);
                self.health.pulse = id.map(|id| (id, now));
            }
            None => {}
        }
        self.report_status();
    }

    /// Lean says how far it is with a document: `fatal` where it says that it cannot go on, because the
    /// imports cannot be read or because its process died. Only in the second case it refuses questions.
    pub(super) fn sees_progress(&mut self, uri: String, fatal: bool) {
        if !fatal {
            if self.health.dead.remove(&uri) {
                self.report_status();
            }
            return;
        }
        if self.documents.get(&uri).is_none() || self.health.dead.contains(&uri) {
            return;
        }
        let place = json!({"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}});
        if let Some(id) = self.ask_lean("$/lean/plainGoal", &place) {
            self.health.asked.push((id, uri));
        }
    }

    /// Lean answered a question of ours: whether it was one of these.
    pub(super) fn health_answered(&mut self, id: &RequestId, envelope: &Envelope) -> bool {
        #[derive(serde::Deserialize)]
        struct Refusal {
            code: i64,
        }
        let Some(at) = self.health.asked.iter().position(|(asked, _)| asked == id) else { return false };
        let (_, uri) = self.health.asked.remove(at);
        let refusal = envelope.error.and_then(|e| serde_json::from_str::<Refusal>(e.get()).ok());
        if refusal.is_some_and(|r| matches!(r.code, code::WORKER_CRASHED | code::WORKER_EXITED)) {
            tracing::warn!(uri, "Lean's process for the document has died");
            self.health.dead.insert(uri);
            self.report_status();
        }
        true
    }

    /// Tells the client how the sidecar is, if that changed; a client that does not know us hears of
    /// each cause once.
    pub(super) fn report_status(&mut self) {
        if self.phase != Phase::Running {
            return;
        }
        self.health.due.get_or_insert_with(|| Instant::now() + LOOK);
        let mut problems = self.health.problems();
        problems.extend(self.engine.problems());
        if !self.client.knows_us {
            for problem in problems {
                if self.health.said.insert(problem.cause.clone()) {
                    // 2 is a warning.
                    let params = json!({"type": 2, "message": format!("lean-copilot: {}", problem.text())});
                    self.notify_editor("window/showMessage", &params);
                }
            }
            return;
        }
        let live = self.rounds.iter().find(|r| !r.done);
        let degraded = problems.iter().any(|p| !p.over);
        let state = match live {
            Some(round) if round.pending > 0 => StatusState::Checking,
            Some(_) => StatusState::Thinking,
            None if degraded => StatusState::Degraded,
            None if !self.settings.auto_suggest => StatusState::Paused,
            None => StatusState::Ready,
        };
        // What is wrong now weighs more than what was.
        problems.sort_by_key(|p| p.over);
        let (message, remedy) = problems.into_iter().next().map(|p| (p.message, p.remedy)).unzip();
        let (device, bundle) = self.engine.policy();
        let remedy = remedy.filter(|r| !r.is_empty());
        let status = StatusParams { state, message, remedy, device, bundle, lean: self.engine.lean() };
        if self.health.status.as_ref() != Some(&status) {
            self.notify_editor(method::STATUS, &status);
            self.health.status = Some(status);
        }
    }
}
