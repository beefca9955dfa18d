//! What is ours: requests made to us, our requests' answers, and the answers of Lean that we add to.

use std::time::Instant;

use lsp_types::Range;
use serde_json::{Value, json};

use super::actions::{self, ActionParams};
use super::completions::{At, completion_item};
use super::event::{Event, Side};
use super::route::{Own, cancelled};
use super::splice;
use super::state::{ActionQuestion, Held, Spot, State};
use crate::lsp::codec::Frame;
use crate::lsp::message::{self, Envelope, RequestId, code};
use crate::lsp::protocol::DocumentId;

impl State {
    /// Takes a message that does not pass as it is. Every request in here is answered exactly once: at
    /// once, by [`answered`](State::answered), or by the release of what is held.
    pub(super) fn own(&mut self, own: Own, frame: Frame) {
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
            (Own::InitializeAnswer, Some(id)) => self.initialize_answer(&id, &frame),
            (Own::ActionsAnswer, Some(id)) => {
                self.summary.watched.remove(&id);
                match self.action_questions.remove(&id) {
                    Some(question) => self.hold(Held { id, answer: Some(frame), question }),
                    None => self.pass(Side::Lean, &frame),
                }
            }
            (Own::CompletionsAnswer, Some(id)) => {
                self.summary.watched.remove(&id);
                let mut merged = None;
                if let Some(spot) = self.completion_questions.remove(&id) {
                    self.guarded(|s| {
                        let items = s.completion_items(&spot);
                        merged =
                            (!items.is_empty()).then(|| splice::completions(frame.body(), &items)).flatten();
                    });
                }
                match merged {
                    Some(body) => self.pass(Side::Lean, &Frame::from_body(body)),
                    None => self.pass(Side::Lean, &frame),
                }
            }
            (Own::Completions, Some(id)) => {
                let mut items = Vec::new();
                self.guarded(|s| items = s.completions(&envelope));
                self.tell_editor(message::response(&id, &items));
            }
            (Own::Resolve, Some(id)) => {
                if let Some(suggestion) = super::route::mark_of_ours(&envelope) {
                    self.guarded(|s| s.shown(suggestion));
                }
                self.tell_editor(message::response(&id, &envelope.params));
            }
            (Own::Actions, Some(id)) => match envelope.params_as::<ActionParams>() {
                Ok(params) => {
                    self.summary.ours.insert(id.clone());
                    let mut question = ActionQuestion { place: None, invoked: false, until: None };
                    self.guarded(|s| question = s.action_question(&params));
                    self.hold(Held { id, answer: None, question });
                }
                Err(e) => self.tell_editor(message::error_response(&id, code::INVALID_PARAMS, e.to_string())),
            },
            (Own::Inline, Some(id)) => {
                let mut items = Vec::new();
                self.guarded(|s| items = s.inline_completions(&envelope));
                self.tell_editor(message::response(&id, &json!({"items": items})));
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
                self.tell_editor(message::error_response(&id, code::INTERNAL_ERROR, message));
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
            return self.tell_editor(message::error_response(&id, -32600, message));
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
        self.guarded(|s| {
            // It may have been cancelled: the cursor's place is next.
            if s.rounds.desert() {
                s.round_over();
            }
        });
        let failed = || message::error_response(&id, code::INTERNAL_ERROR, "the sidecar failed to answer");
        self.tell_editor(frame.unwrap_or_else(failed));
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

    fn initialize_answer(&mut self, id: &RequestId, frame: &Frame) {
        self.summary.watched.remove(id);
        let mut merged = None;
        self.guarded(|_| merged = splice::initialize(frame.body(), env!("CARGO_PKG_VERSION")));
        match merged {
            Some((body, offers)) => {
                self.summary.offers = Some(offers);
                self.pass(Side::Lean, &Frame::from_body(body));
            }
            None => self.pass(Side::Lean, frame),
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
                self.tell_editor(message::response(&held.id, &ours));
            }
            Some(frame) => {
                let merged = if ours.is_empty() { None } else { splice::code_actions(frame.body(), &ours) };
                match merged {
                    Some(body) => self.pass(Side::Lean, &Frame::from_body(body)),
                    None => self.pass(Side::Lean, &frame),
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

    /// Our items where Lean completes nothing.
    fn completions(&mut self, envelope: &Envelope) -> Vec<Value> {
        let Ok(At { text_document: DocumentId { uri }, position }) = envelope.params_as() else {
            return Vec::new();
        };
        self.interest(uri.clone(), position);
        let version = self.documents.get(&uri).map(|d| d.version);
        version.map_or_else(Vec::new, |version| self.completion_items(&Spot { uri, version, position }))
    }

    /// What is verified at a place by now, as completion items; none once its document has changed.
    fn completion_items(&mut self, spot: &Spot) -> Vec<Value> {
        let Spot { uri, version, position } = spot;
        let Some(document) = self.documents.get(uri).filter(|d| d.version == *version) else {
            return Vec::new();
        };
        let here = Range { start: *position, end: *position };
        let mut items: Vec<Value> = Vec::new();
        for round in self.rounds.iter().filter(|r| r.covers(uri, *version, here)) {
            for suggestion in round.suggestions.iter().take(self.settings.limit) {
                let item = completion_item(*position, document.text(), items.len(), suggestion);
                items.extend(item.filter(|i| items.iter().all(|known| known["textEdit"] != i["textEdit"])));
            }
            // Editors complete on their own while a person types: nobody has asked.
            self.engine.recorder.offered(round, false);
        }
        items
    }

    fn inline_completions(&mut self, envelope: &Envelope) -> Vec<Value> {
        let Ok(At { text_document: DocumentId { uri }, position }) = envelope.params_as() else {
            return Vec::new();
        };
        self.interest(uri.clone(), position);
        let Some(document) = self.documents.get(&uri) else { return Vec::new() };
        let here = Range { start: position, end: position };
        let rounds = self.rounds.iter().filter(|r| r.covers(&uri, document.version, here));
        let item = |s| actions::inline_completion(position, document.text(), s);
        rounds.flat_map(|r| &r.suggestions).filter_map(item).collect()
    }
}
