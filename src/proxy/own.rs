//! What is ours: requests made to us, our requests' answers, and the two answers of Lean that we add to.

use std::time::Instant;

use lsp_types::Position;
use serde::Deserialize;
use serde_json::{Value, json};

use super::actions::{self, ActionParams};
use super::event::{Event, Permit, Side};
use super::route::{Own, cancelled};
use super::splice;
use super::state::{ActionQuestion, Held, State};
use crate::lsp::codec::Frame;
use crate::lsp::message::{self, Envelope, RequestId, code};
use crate::lsp::protocol::DocumentId;

impl State {
    /// Takes a message that does not pass as it is. Every request in here is answered exactly once: at
    /// once, by [`answered`](State::answered), or by the release of what is held.
    pub(super) fn own(&mut self, own: Own, frame: Frame, permit: Permit) {
        let Ok(envelope) = Envelope::parse(frame.body()) else { return };
        let id = envelope.request_id();
        match (own, id) {
            (Own::Method, id) => self.call(id, &envelope),
            (Own::Cancel, _) => self.cancel(&envelope),
            (Own::Answer, Some(id)) => {
                self.summary.asked.remove(&id);
                self.guarded(|s| {
                    if !s.health_answered(&id, &envelope) {
                        s.goals_answered(&id, &envelope);
                    }
                });
            }
            (Own::InitializeAnswer, Some(id)) => self.initialize_answer(&id, &frame, permit),
            (Own::ActionsAnswer, Some(id)) => {
                self.summary.watched.remove(&id);
                match self.action_questions.remove(&id) {
                    Some(question) => self.hold(Held { id, answer: Some((frame, permit)), question }),
                    None => self.pass(Side::Lean, &frame, permit),
                }
            }
            (Own::Resolve, Some(id)) => {
                if let Some(suggestion) = super::route::action_of_ours(&envelope) {
                    self.guarded(|s| s.shown(suggestion));
                }
                self.to_editor(message::response(&id, &envelope.params));
            }
            (Own::Actions, Some(id)) => match envelope.params_as::<ActionParams>() {
                Ok(params) => {
                    self.summary.ours.insert(id.clone());
                    let mut question = ActionQuestion { place: None, invoked: false, until: None };
                    self.guarded(|s| question = s.action_question(&params));
                    self.hold(Held { id, answer: None, question });
                }
                Err(e) => self.to_editor(message::error_response(&id, code::INVALID_PARAMS, e.to_string())),
            },
            (Own::Inline, Some(id)) => {
                let mut items = Vec::new();
                self.guarded(|s| items = s.inline_completions(&envelope));
                self.to_editor(message::response(&id, &json!({"items": items})));
            }
            (_, None) => {}
        }
    }

    /// `$/leanCopilot/*`: the handlers run in a task of their own and put their questions to the loop.
    fn call(&mut self, id: Option<RequestId>, envelope: &Envelope) {
        let params = envelope.params.and_then(|p| serde_json::from_str::<Value>(p.get()).ok());
        let number = self.number() as i64;
        if self.switched_off {
            if let Some(id) = id {
                let message = "the sidecar failed; restart Lean's server";
                self.to_editor(message::error_response(&id, code::INTERNAL_ERROR, message));
            }
            return;
        }
        let Some(id) = id else {
            let method = envelope.method().to_owned();
            return self.guarded(|s| {
                drop(s.methods.call(None, &method, params));
                s.take_asks();
            });
        };
        // An id that is in use would get two answers; the editor's fault is the editor's to see.
        if !self.summary.ours.insert(id.clone()) {
            let message = format!("the id {id} is in use");
            return self.to_editor(message::error_response(&id, -32600, message));
        }
        self.calls.insert(number, id.clone());
        let method = envelope.method().to_owned();
        self.guarded(|s| {
            let call = tokio::spawn(s.methods.call(Some(number), &method, params));
            let events = s.events.clone();
            tokio::spawn(async move {
                let frame = match call.await {
                    Ok(Ok(Some(response))) => Some(match response.into_parts().1 {
                        Ok(result) => message::response(&id, &result),
                        Err(e) => message::error_response(&id, e.code.code(), e.message),
                    }),
                    // The service says nothing about methods of this prefix that it does not know.
                    Ok(_) => Some(message::error_response(
                        &id,
                        code::METHOD_NOT_FOUND,
                        format!("`{method}` is unknown"),
                    )),
                    Err(e) => {
                        tracing::error!("answering `{method}`: {e}");
                        None
                    }
                };
                // A loop that is over has no editor to answer.
                let _ = events.send(Event::Answered(number, frame));
            });
            s.take_asks();
        });
    }

    fn take_asks(&mut self) {
        while let Some(ask) = self.methods.next_ask() {
            self.ask(ask);
        }
    }

    /// A handler is done: its answer goes out, or an error in its place.
    pub(super) fn answered(&mut self, number: i64, frame: Option<Frame>) {
        let Some(id) = self.calls.remove(&number) else { return };
        self.summary.ours.remove(&id);
        let failed = || message::error_response(&id, code::INTERNAL_ERROR, "the sidecar failed to answer");
        self.to_editor(frame.unwrap_or_else(failed));
    }

    fn cancel(&mut self, envelope: &Envelope) {
        let Some(id) = cancelled(envelope) else { return };
        if let Some((number, _)) = self.calls.iter().find(|(_, i)| **i == id) {
            let number = *number;
            self.guarded(|s| s.methods.cancel(number));
        } else {
            self.release_one(&id);
        }
    }

    fn initialize_answer(&mut self, id: &RequestId, frame: &Frame, permit: Permit) {
        self.summary.watched.remove(id);
        let mut merged = None;
        self.guarded(|_| merged = splice::initialize(frame.body(), env!("CARGO_PKG_VERSION")));
        match merged {
            Some((body, offers)) => {
                self.summary.offers = Some(offers);
                self.pass(Side::Lean, &Frame::from_body(body), permit);
            }
            None => self.pass(Side::Lean, frame, permit),
        }
    }

    /// Keeps an answer back while a person may still get a first suggestion, or lets it go at once.
    fn hold(&mut self, held: Held) {
        if self.is_worth_holding(&held) {
            self.held.push(held);
        } else {
            self.release(held);
        }
    }

    /// Whether something verified may still come in time, and nothing has yet.
    fn is_worth_holding(&self, held: &Held) -> bool {
        let (Some((uri, version, range)), Some(until)) = (&held.question.place, held.question.until) else {
            return false;
        };
        let rounds = || self.rounds.iter().filter(|r| r.covers(uri, *version, *range));
        until > Instant::now() && rounds().any(|r| !r.done) && rounds().all(|r| r.suggestions.is_empty())
    }

    /// Lets go what need not wait any longer.
    pub(super) fn release_due(&mut self) {
        for held in std::mem::take(&mut self.held) {
            self.hold(held);
        }
    }

    /// Lets go the answer to one request.
    pub(super) fn release_one(&mut self, id: &RequestId) {
        if let Some(at) = self.held.iter().position(|h| &h.id == id) {
            let held = self.held.remove(at);
            self.release(held);
        } else if let Some(question) = self.action_questions.get_mut(id) {
            question.until = None;
        }
    }

    /// Lets go the answers about one document: it changed.
    pub(super) fn release_of(&mut self, uri: &str) {
        for held in std::mem::take(&mut self.held) {
            match &held.question.place {
                Some((of, ..)) if of == uri => self.release(held),
                _ => self.held.push(held),
            }
        }
    }

    /// Lets everything go.
    pub(super) fn release_all(&mut self) {
        for held in std::mem::take(&mut self.held) {
            self.release(held);
        }
    }

    fn release(&mut self, held: Held) {
        let mut ours = Vec::new();
        self.guarded(|s| ours = s.actions_for(&held.question));
        match held.answer {
            None => {
                self.summary.ours.remove(&held.id);
                self.to_editor(message::response(&held.id, &ours));
            }
            Some((frame, permit)) => {
                let merged = if ours.is_empty() { None } else { splice::code_actions(frame.body(), &ours) };
                match merged {
                    Some(body) => self.pass(Side::Lean, &Frame::from_body(body), permit),
                    None => self.pass(Side::Lean, &frame, permit),
                }
            }
        }
    }

    /// Our code actions for a place; none once its document has changed.
    fn actions_for(&mut self, question: &ActionQuestion) -> Vec<Value> {
        let Some((uri, version, range)) = &question.place else { return Vec::new() };
        if self.documents.get(uri).map(|d| d.version) != Some(*version) {
            return Vec::new();
        }
        let mut actions: Vec<Value> = Vec::new();
        for round in self.rounds.iter().filter(|r| r.covers(uri, *version, *range)) {
            for suggestion in round.suggestions.iter().take(self.settings.limit) {
                let action = actions::code_action(uri, *version, suggestion);
                if actions.iter().all(|a| a["edit"] != action["edit"]) {
                    actions.push(action);
                }
            }
            self.engine.recorder.offered(round, question.invoked);
        }
        actions
    }

    fn inline_completions(&mut self, envelope: &Envelope) -> Vec<Value> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Params {
            text_document: DocumentId,
            position: Position,
        }
        let Ok(Params { text_document: DocumentId { uri }, position }) = envelope.params_as() else {
            return Vec::new();
        };
        self.interest(uri.clone(), position);
        let Some(version) = self.documents.get(&uri).map(|d| d.version) else { return Vec::new() };
        let here = lsp_types::Range { start: position, end: position };
        let rounds = self.rounds.iter().filter(|r| r.covers(&uri, version, here));
        rounds.flat_map(|r| &r.suggestions).filter_map(|s| actions::inline_completion(position, s)).collect()
    }
}
