//! What is read in messages that pass: documents, the cursor, questions for goals and their answers.

use std::time::{Duration, Instant};

use lsp_types::Position;
use serde::Deserialize;
use serde_json::json;

use super::actions::ActionParams;
use super::completions::At;
use super::documents::document_uri;
use super::goals::{GoalForm, read_goals};
use super::route::{Seen, Watched, cancelled};
use super::state::{ActionQuestion, Client, Cursor, GoalQuestion, HOLD, Phase, Spot, State};
use crate::lsp::codec::Frame;
use crate::lsp::message::{Envelope, RequestId};
use crate::lsp::protocol::DocumentId;

/// A question for goals elsewhere within this time of a sign of the cursor does not move the cursor:
/// an infoview that was pinned, or is still loading, asks for its own place.
const STEADY: Duration = Duration::from_millis(300);

#[derive(Deserialize)]
struct RpcCall {
    params: At,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InitializeParams {
    #[serde(default)]
    capabilities: serde_json::Value,
    #[serde(default)]
    initialization_options: serde_json::Value,
}

impl State {
    /// Reads a message that has been passed on.
    pub(super) fn observe(&mut self, seen: Seen, frame: &Frame) {
        let Ok(envelope) = Envelope::parse(frame.body()) else { return };
        let params = envelope.params.map_or("null", |p| p.get());
        match seen {
            Seen::Initialize => self.sees_initialize(&envelope),
            Seen::Initialized => {
                self.phase = Phase::Running;
                self.report_status();
            }
            Seen::Shutdown => self.phase = Phase::Ending,
            Seen::Opened => {
                if let Some(uri) = self.documents.did_open(params) {
                    self.leaves(&uri);
                    self.health.forget(&uri);
                    self.health.broken = None;
                    if let Some(document) = self.documents.get_mut(&uri) {
                        let (version, text) = (document.version, document.snapshot());
                        self.engine.recorder.opened(&uri, version, text);
                    }
                    self.engine.warm();
                }
            }
            Seen::Changed => self.sees_change(params),
            Seen::Closed => {
                if let Some(uri) = self.documents.did_close(params) {
                    self.leaves(&uri);
                    self.health.forget(&uri);
                    self.engine.recorder.closed(&uri);
                }
            }
            Seen::Saved => {
                if let Some(uri) = document_uri(params) {
                    self.engine.recorder.saved(&uri);
                }
            }
            Seen::AsksGoals(form) => self.sees_goal_question(&envelope, form),
            Seen::Goals => {
                if let Some(id) = envelope.request_id() {
                    self.summary.watched.remove(&id);
                    self.goals_answered(&id, &envelope);
                }
            }
            Seen::AsksActions => self.sees_action_question(&envelope),
            Seen::PointsAt => {
                // Where the editor asks for goals by itself, a hover is where the mouse is.
                let mouse = envelope.method() == "textDocument/hover" && self.editor_asks_goals;
                if let Ok(at) = envelope.params_as::<At>()
                    && !mouse
                {
                    self.interest(at.text_document.uri, at.position);
                }
            }
            Seen::AsksCompletions => {
                if let (Some(id), Ok(at)) = (envelope.request_id(), envelope.params_as::<At>()) {
                    self.sees_completion_question(id, at);
                }
            }
            Seen::Registers(offered) => self.sees_registration(&envelope, offered),
            Seen::Cancels => {
                if let Some(id) = cancelled(&envelope) {
                    self.release_one(&id);
                }
            }
            Seen::Diagnostics => {
                let uri = self.engine.recorder.published(params);
                self.check(uri);
            }
            Seen::Progress => {
                if let Some((uri, fatal)) = self.engine.recorder.progress(params) {
                    self.check(Some(uri.clone()));
                    self.sees_progress(uri, fatal);
                }
            }
        }
    }

    fn sees_initialize(&mut self, envelope: &Envelope) {
        if let Some(id) = envelope.request_id() {
            self.summary.watched.insert(id, Watched::Initialize);
        }
        let Ok(params) = envelope.params_as::<InitializeParams>() else { return };
        let at = |pointer: &str| params.capabilities.pointer(pointer);
        self.client = Client {
            knows_us: at("/experimental/leanCopilot").is_some_and(|v| !v.is_null() && v != &json!(false)),
        };
        if let Some(settings) = params.initialization_options.get("leanCopilot") {
            self.configure(settings);
        }
    }

    /// Lean takes over a method, or gives it back: what it offers is not for us to answer.
    fn sees_registration(&mut self, envelope: &Envelope, offered: bool) {
        #[derive(Deserialize)]
        struct Params {
            // The misspelt name is LSP's.
            #[serde(alias = "unregisterations")]
            registrations: Vec<Registration>,
        }
        #[derive(Deserialize)]
        struct Registration {
            method: String,
        }
        let Ok(params) = envelope.params_as::<Params>() else { return };
        if let Some(offers) = &mut self.summary.offers {
            params.registrations.iter().for_each(|r| offers.registered(&r.method, offered));
        }
    }

    fn sees_completion_question(&mut self, id: RequestId, at: At) {
        let At { text_document: DocumentId { uri }, position } = at;
        self.interest(uri.clone(), position);
        if let Some(version) = self.documents.get(&uri).map(|d| d.version) {
            self.summary.watched.insert(id.clone(), Watched::Completions);
            self.completion_questions.insert(id, Spot { uri, version, position });
        }
    }

    fn check(&mut self, uri: Option<String>) {
        if let Some((uri, document)) = uri.and_then(|u| self.documents.get(&u).map(|d| (u, d))) {
            self.engine.recorder.check(&uri, document);
        }
    }

    fn sees_change(&mut self, params: &str) {
        let Some(changed) = self.documents.did_change(params) else {
            if let Some(uri) = document_uri(params) {
                self.leaves(&uri);
            }
            return;
        };
        self.leaves(&changed.uri);
        if let Some(document) = self.documents.get_mut(&changed.uri) {
            let (version, text) = (document.version, document.snapshot());
            self.engine.recorder.changed(&changed, version, text);
        }
        if let Some(position) = changed.cursor {
            self.interest(changed.uri, position);
        }
        self.report_status();
    }

    /// What was known about a document's text holds no more.
    fn leaves(&mut self, uri: &str) {
        for round in self.rounds.forget(uri) {
            self.engine.recorder.round(&round);
        }
        self.cursor.take_if(|c| c.spot.uri == uri);
        // A document that is closed and opened again may begin with the same version.
        self.goal_questions.retain(|_, q| q.spot.uri != uri);
        self.release_of(uri);
    }

    fn sees_goal_question(&mut self, envelope: &Envelope, form: GoalForm) {
        let at = match form {
            GoalForm::Plain => envelope.params_as::<At>().ok(),
            GoalForm::Interactive => envelope.params_as::<RpcCall>().ok().map(|c| c.params),
        };
        let (Some(at), Some(id)) = (at, envelope.request_id()) else { return };
        self.editor_asks_goals = true;
        let Some(document) = self.documents.get(&at.text_document.uri) else { return };
        let spot = Spot { uri: at.text_document.uri, version: document.version, position: at.position };
        let elsewhere = self.cursor.as_ref().is_some_and(|c| {
            c.spot.version == spot.version && c.spot.position != spot.position && c.since.elapsed() < STEADY
        });
        if !elsewhere {
            self.interest(spot.uri.clone(), spot.position);
        }
        self.watch_goals(id, GoalQuestion { spot, form, ours: false });
    }

    /// Remembers that an answer will tell the goals at a place.
    fn watch_goals(&mut self, id: RequestId, question: GoalQuestion) {
        if let Some(cursor) = self.cursor.as_mut().filter(|c| c.spot == question.spot) {
            cursor.asked += 1;
        }
        if !question.ours {
            self.summary.watched.insert(id.clone(), Watched::Goals);
        }
        self.goal_questions.insert(id, question);
    }

    /// Lean answered a question for goals, the editor's or ours.
    pub(super) fn goals_answered(&mut self, id: &RequestId, envelope: &Envelope) {
        let Some(question) = self.goal_questions.remove(id) else { return };
        let Some(cursor) = self.cursor.as_mut().filter(|c| c.spot == question.spot) else { return };
        cursor.asked = cursor.asked.saturating_sub(1);
        let failed = envelope.result.is_none();
        if !failed {
            let goals = envelope.result.and_then(|r| read_goals(question.form, r.get()));
            tracing::debug!(spot = ?question.spot, goals = goals.as_ref().map_or(0, Vec::len), "goals heard");
            if let (Some(goals), Some(document)) = (&goals, self.documents.get(&question.spot.uri)) {
                let Spot { uri, position, .. } = &question.spot;
                self.engine.recorder.goals_seen(uri, document, *position, goals);
            }
            cursor.goals = Some(goals.unwrap_or_default());
        }
        // The pause is over already: what it waited for has come, or will not.
        if self.cursor.as_ref().is_some_and(|c| c.due.is_none()) && !(failed && question.ours) {
            self.pause_over();
        }
    }

    fn sees_action_question(&mut self, envelope: &Envelope) {
        let (Some(id), Ok(params)) = (envelope.request_id(), envelope.params_as::<ActionParams>()) else {
            return;
        };
        let question = self.action_question(&params);
        self.summary.watched.insert(id.clone(), Watched::Actions);
        self.action_questions.insert(id, question);
    }

    /// What a code action request means for us: a sign of the cursor, and a person who waits or not.
    pub(super) fn action_question(&mut self, params: &ActionParams) -> ActionQuestion {
        let uri = &params.text_document.uri;
        let version = self.documents.get(uri).map(|d| d.version);
        let place = version.filter(|_| params.wants_quick_fixes()).map(|v| (uri.clone(), v, params.range));
        // A range that is not empty may be a diagnostic's under the mouse.
        if params.range.start == params.range.end || !self.editor_asks_goals {
            self.interest(uri.clone(), params.range.start);
        }
        let mut until = None;
        if let Some((uri, version, range)) = place.as_ref().filter(|_| params.invoked()) {
            if !self.rounds.iter().any(|r| r.covers(uri, *version, *range)) {
                self.start_round(uri, range.start, false);
            }
            until = Some(Instant::now() + HOLD);
        }
        ActionQuestion { place, invoked: params.invoked(), until }
    }

    /// The editor shows interest in a place: the pause begins, unless it runs for that place already.
    pub(super) fn interest(&mut self, uri: String, position: Position) {
        let Some(version) = self.documents.get(&uri).map(|d| d.version) else { return };
        let spot = Spot { uri, version, position };
        let now = Instant::now();
        if let Some(cursor) = self.cursor.as_mut().filter(|c| c.spot == spot) {
            cursor.since = now;
            return;
        }
        if let Some(document) = self.documents.get(&spot.uri) {
            self.engine.recorder.cursor(&spot.uri, document.text(), spot.position);
        }
        let due = Some(now + Duration::from_millis(self.settings.pause_ms));
        self.cursor = Some(Cursor { spot, due, since: now, goals: None, asked: 0 });
    }

    /// The pause at the cursor is over: suggest, or ask for the goal first.
    pub(super) fn pause_over(&mut self) {
        let Some(cursor) = self.cursor.as_mut() else { return };
        cursor.due = None;
        if cursor.goals.is_some() {
            self.suggest_at_cursor();
        } else if cursor.asked == 0 {
            let spot = cursor.spot.clone();
            let params = json!({"textDocument": {"uri": spot.uri}, "position": spot.position});
            if let Some(id) = self.ask_lean("$/lean/plainGoal", &params) {
                self.watch_goals(id, GoalQuestion { spot, form: GoalForm::Plain, ours: true });
            }
        }
    }
}
