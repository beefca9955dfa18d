//! After a panic in what is ours: whoever waits is answered, what we know of the session is forgotten, and
//! the relay goes on. What we knew may be wrong by now, and a wrong text would make wrong suggestions:
//! a document counts again when it is opened again. Who fails too often stays off.

use lsp_types::Range;

use super::documents::Documents;
use super::engine::Problem;
use super::event::Side;
use super::service::Methods;
use super::state::State;
use crate::lsp::message::{self, code};

impl State {
    /// Answers and forgets; tells the client.
    pub(super) fn recover(&mut self) {
        for held in std::mem::take(&mut self.held) {
            match held.answer {
                Some(frame) => self.pass(Side::Lean, &frame),
                None => {
                    self.summary.ours.remove(&held.id);
                    self.tell_editor(message::response(&held.id, &Vec::<Range>::new()));
                }
            }
        }
        for (_, id) in std::mem::take(&mut self.calls) {
            self.summary.ours.remove(&id);
            self.tell_editor(message::error_response(&id, code::INTERNAL_ERROR, "the sidecar failed"));
        }
        // Dropping a round's task ends its work; its news, if any is on the way, is discarded.
        for round in std::mem::take(&mut self.rounds).iter() {
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};
    use tokio::runtime::Handle;
    use tokio::sync::mpsc::{self, UnboundedReceiver};

    use super::*;
    use crate::config::Settings;
    use crate::lsp::codec::Frame;
    use crate::lsp::message::RequestId;
    use crate::proxy::engine::Engine;
    use crate::proxy::event::{Event, Incoming};
    use crate::proxy::state::{ActionQuestion, FAILURES, Held, Step};

    /// A session behind `initialized`, with both peers in the test's hands.
    struct Session {
        state: State,
        _events: UnboundedReceiver<Event>,
    }

    fn session() -> Session {
        let (events, inbox) = mpsc::unbounded_channel();
        let state = State::new(events, Handle::current(), Settings::default(), Engine::default());
        let mut s = Session { state, _events: inbox };
        s.says(Side::Editor, json!({"id": 0, "method": "initialize", "params": {"capabilities": {}}}));
        s.says(Side::Lean, json!({"id": 0, "result": {"capabilities": {"codeActionProvider": true}}}));
        s.says(Side::Editor, json!({"method": "initialized", "params": {}}));
        let text = json!({"uri": "file:///A.lean", "languageId": "lean4", "version": 1, "text": "x"});
        s.says(Side::Editor, json!({"method": "textDocument/didOpen", "params": {"textDocument": text}}));
        s.hears(Side::Editor);
        s.hears(Side::Lean);
        s
    }

    impl Session {
        fn says(&mut self, side: Side, body: Value) {
            let frame = Frame::from_body(body.to_string());
            match self.state.handle(Event::Incoming(side, Incoming::Frame(frame))) {
                Step::Next => {}
                Step::Read(side, frame) => self.state.read(side, &frame),
                Step::End => panic!("the session ended"),
            }
        }

        /// What a peer was sent meanwhile.
        fn hears(&mut self, side: Side) -> Vec<Value> {
            let parts = self.state.out.to(side).take();
            let bodies = parts.into_iter().map(|bytes| {
                let at = bytes.windows(4).position(|w| w == b"\r\n\r\n").expect("a frame") + 4;
                serde_json::from_slice(&bytes[at..]).expect("JSON")
            });
            bodies.collect()
        }

        fn passes(&mut self) {
            let (there, back) =
                (json!({"id": 1, "method": "x", "params": {}}), json!({"id": 1, "result": 1.5}));
            self.says(Side::Editor, there.clone());
            self.says(Side::Lean, back.clone());
            assert_eq!((self.hears(Side::Lean), self.hears(Side::Editor)), (vec![there], vec![back]));
        }
    }

    #[tokio::test]
    async fn a_panic_answers_whoever_waits_and_the_session_goes_on() {
        let mut s = session();
        // Lean's answer to a code action request is held back, a request is made to us, one by us.
        let answer = json!({"id": 5, "result": [{"title": "Lean's"}]});
        let question = ActionQuestion {
            place: None,
            invoked: true,
            until: Some(Instant::now() + Duration::from_secs(9)),
        };
        let id = RequestId::from(5u64);
        let frame = Frame::from_body(answer.to_string());
        s.state.held.push(Held { id, answer: Some(frame), question });
        s.state.calls.insert(3, RequestId::from(6u64));
        s.state.summary.ours.insert(RequestId::from(6u64));
        let asked = s.state.ask_lean("$/lean/plainGoal", &json!({})).expect("Lean may be asked");
        s.hears(Side::Lean);

        s.state.guarded(|_| panic!("the test's"));
        let heard = s.hears(Side::Editor);
        assert_eq!(heard[0], answer, "Lean's answer passes as it was");
        assert_eq!((&heard[1]["id"], &heard[1]["error"]["code"]), (&json!(6), &json!(-32603)));
        assert_eq!(heard[2]["method"], "window/showMessage");
        assert!(heard[2]["params"]["message"].as_str().unwrap().contains("close a file and open it again"));
        assert_eq!(heard.len(), 3, "{heard:#?}");
        s.passes();
        s.says(Side::Lean, json!({"id": asked, "result": null}));
        assert_eq!(s.hears(Side::Editor), Vec::<Value>::new(), "what we asked stays ours");
        // A text that may be wrong is not known any more, until it is opened again.
        assert!(s.state.documents.get("file:///A.lean").is_none());
        let text = json!({"uri": "file:///A.lean", "languageId": "lean4", "version": 2, "text": "y"});
        s.says(Side::Editor, json!({"method": "textDocument/didOpen", "params": {"textDocument": text}}));
        assert_eq!(s.state.documents.get("file:///A.lean").unwrap().text(), "y");
        assert!(s.state.health.broken.is_none(), "the part is back");
    }

    #[tokio::test]
    async fn what_fails_again_and_again_stays_off_and_what_was_ours_is_still_nobody_elses() {
        let mut s = session();
        let asked = s.state.ask_lean("$/lean/plainGoal", &json!({})).expect("Lean may be asked");
        for _ in 0..FAILURES {
            s.state.guarded(|_| panic!("the test's"));
        }
        let told: Vec<Value> = s.hears(Side::Editor);
        assert_eq!(told.len(), 2, "one message for each cause: {told:#?}");
        assert!(told[1]["params"]["message"].as_str().unwrap().contains("is off"));
        s.hears(Side::Lean);
        s.passes();
        s.says(Side::Lean, json!({"id": asked, "result": null}));
        assert_eq!(s.hears(Side::Editor), Vec::<Value>::new());
        let ours = json!({"title": "t", "data": {"leanCopilot": "s1"}});
        s.says(Side::Editor, json!({"id": 7, "method": "codeAction/resolve", "params": ours}));
        s.says(Side::Editor, json!({"id": 8, "method": "$/leanCopilot/suggest", "params": {}}));
        s.says(Side::Editor, json!({"method": "$/leanCopilot/event", "params": {}}));
        let heard = s.hears(Side::Editor);
        assert_eq!((&heard[0]["id"], &heard[0]["result"]), (&json!(7), &ours));
        assert_eq!((&heard[1]["id"], &heard[1]["error"]["code"]), (&json!(8), &json!(-32603)));
        assert_eq!(s.hears(Side::Lean), Vec::<Value>::new(), "Lean hears nothing of it");
    }
}
