//! After a panic in what is ours: whoever waits is answered, what we know of the session is forgotten, and
//! the relay goes on. What we knew may be wrong by now, and a wrong text would make wrong suggestions:
//! a document counts again when it is opened again. Who fails too often stays off.

use lsp_types::Range;

use super::documents::Documents;
use super::engine::Problem;
use super::event::Side;
use super::rounds::Rounds;
use super::service::Methods;
use super::state::State;
use crate::lsp::message::{self, code};

impl State {
    /// Answers and forgets; tells the client.
    pub(super) fn recover(&mut self) {
        for held in std::mem::take(&mut self.held) {
            match held.answer {
                Some((frame, permit)) => self.pass(Side::Lean, &frame, permit),
                None => {
                    self.summary.ours.remove(&held.id);
                    self.to_editor(message::response(&held.id, &Vec::<Range>::new()));
                }
            }
        }
        for (_, id) in std::mem::take(&mut self.calls) {
            self.summary.ours.remove(&id);
            self.to_editor(message::error_response(&id, code::INTERNAL_ERROR, "the sidecar failed"));
        }
        // Dropping a round's task ends its work; its news, if any is on the way, is discarded.
        for round in std::mem::replace(&mut self.rounds, Rounds::default()).iter() {
            if let Some(task) = &round.task {
                task.abort();
            }
        }
        self.goal_questions.clear();
        self.action_questions.clear();
        self.cursor = None;
        self.documents = Documents::default();
        self.engine.recorder.forget();
        self.methods = Methods::new();
        let off = self.switched_off;
        let (message, remedy) = match off {
            false => (
                "a part of the sidecar failed; there are no suggestions for the files that are open now",
                "close a file and open it again; the log, `serve.log` in the state directory, says what failed",
            ),
            true => (
                "the sidecar failed again and is off; Lean goes on",
                "restart Lean's server from the editor; the log, `serve.log` in the state directory, says what failed",
            ),
        };
        self.health.broken =
            Some(Problem { cause: format!("failure {off}"), ..Problem::new("", message, remedy) });
        // The last word of a part that is off.
        self.switched_off = false;
        self.report_status();
        self.switched_off = off;
    }
}
