//! Rounds of suggestions: when they begin, and what their news leads to.

use std::time::{Duration, Instant};

use lsp_types::Position;
use serde_json::Value;

use super::engine::Job;
use super::event::{Ask, AskError, Event};
use super::rounds::{Round, Waiting};
use super::state::State;
use crate::feedback::record;
use crate::lsp::message::code;
use crate::lsp::protocol::{EventKind, EventParams, SuggestParams, SuggestResult, method};
use crate::suggest::Update;

impl State {
    /// A handler of ours has a question.
    pub(super) fn ask(&mut self, ask: Ask) {
        match ask {
            Ask::Suggest(params, reply) => self.suggest(params, reply),
            Ask::Feedback(params, reply) => self.engine.feedback(params, reply),
            Ask::Event(params) => self.engine.recorder.event(params),
            Ask::Configure(settings) => {
                // Where another program holds the editor's end (VS Code's official extension), nobody can
                // announce us in `initialize`: who sends this knows us all the same.
                self.client.knows_us = true;
                self.configure(&settings);
            }
        }
    }

    fn suggest(
        &mut self,
        params: SuggestParams,
        reply: tokio::sync::oneshot::Sender<Result<SuggestResult, AskError>>,
    ) {
        let uri = params.text_document.uri;
        let Some(version) = self.documents.get(&uri).map(|d| d.version) else {
            let message = format!("`{uri}` is not open");
            // A request that was cancelled meanwhile has nobody at the other end.
            let _ = reply.send(Err(AskError { code: code::INVALID_PARAMS, message }));
            return;
        };
        let found = self.rounds.iter().find(|r| r.is_at(&uri, version, params.position)).map(|r| r.id);
        let Some(id) = found.or_else(|| self.start_round(&uri, params.position, true)) else {
            let reason = self.engine.problems().first().map(|p| format!(": {}", p.text()));
            let message = format!("no suggestions can be made{}", reason.unwrap_or_default());
            let _ = reply.send(Err(AskError { code: code::INTERNAL_ERROR, message }));
            return;
        };
        let now = Instant::now();
        if let Some(round) = self.rounds.get_mut(id) {
            round.explicit = true;
            round.waiting.push(Waiting {
                reply,
                limit: params.limit.unwrap_or(self.settings.limit),
                tried: params.tried,
                due: params.wait_ms.map(|ms| now + Duration::from_millis(ms)),
            });
            round.answer_due(now);
            self.engine.recorder.offered(round, true);
        }
    }

    /// Begins a round at a place, in the place of one that the editor's cursor began; its number. `None`
    /// where there is nothing to make suggestions with.
    pub(super) fn start_round(&mut self, uri: &str, position: Position, explicit: bool) -> Option<u64> {
        let document = self.documents.get_mut(uri)?;
        let (version, text) = (document.version, document.snapshot());
        let at_cursor = |c: &&super::state::Cursor| {
            c.spot.uri == uri && c.spot.version == version && c.spot.position == position
        };
        let goals = self.cursor.as_ref().filter(at_cursor).and_then(|c| c.goals.clone());
        let goals = goals.filter(|g| !g.is_empty());
        let limit = self.settings.limit;
        let job = Job { uri: uri.to_owned(), version, text: text.clone(), position, goals, limit };
        for round in self.rounds.give_up_automatic() {
            self.engine.recorder.round(&round);
        }
        let mut news = self.engine.suggest(job)?;
        let id = self.number();
        let events = self.events.clone();
        let task = tokio::spawn(async move {
            while let Some(update) = news.recv().await {
                if events.send(Event::Update(id, update)).is_err() {
                    return;
                }
            }
            let _ = events.send(Event::Ended(id));
        });
        tracing::debug!(uri, version, ?position, explicit, "a round begins");
        self.rounds.add(Round {
            record: record::new_id("r"),
            began_ms: record::now_ms(),
            bundle: None,
            id,
            uri: uri.to_owned(),
            version,
            text,
            position,
            goals: Vec::new(),
            suggestions: Vec::new(),
            answers: Vec::new(),
            pending: 0,
            done: false,
            explicit,
            waiting: Vec::new(),
            started: Instant::now(),
            took: None,
            task: Some(task.abort_handle()),
        });
        self.report_status();
        Some(id)
    }

    /// The cursor rests at a place whose goals are known: a round begins, unless one is there already, a
    /// person waits for another, or nothing is to be proved.
    pub(super) fn suggest_at_cursor(&mut self) {
        let Some(cursor) = &self.cursor else { return };
        let Some(goals) = &cursor.goals else { return };
        let spot = cursor.spot.clone();
        let known = self.rounds.iter().any(|r| {
            r.is_at(&spot.uri, spot.version, spot.position)
                || r.same_goals(&spot.uri, spot.version, spot.position, goals)
        });
        let busy = self.rounds.iter().any(|r| !r.waiting.is_empty());
        let hole = || {
            let text = self.documents.get(&spot.uri).map_or("", |d| d.text());
            super::engine::touches_hole(text, spot.position)
        };
        if self.settings.auto_suggest && !known && !busy && (!goals.is_empty() || hole()) {
            self.start_round(&spot.uri, spot.position, false);
        }
    }

    /// News of a round; of one that was given up they are discarded.
    pub(super) fn update(&mut self, id: u64, update: Update) {
        let Some(round) = self.rounds.get_mut(id) else { return };
        let done = matches!(update, Update::Done { .. });
        if let Update::Done { problems, .. } = &update {
            for problem in problems {
                tracing::info!("a source of suggestions is missing: {problem}");
            }
        }
        if round.take(update) {
            self.round_changed(id);
        }
        if done || self.rounds.get_mut(id).is_some_and(|r| r.explicit && r.waiting.is_empty()) {
            self.round_over();
        }
        self.report_status();
    }

    /// A round's task is over, with `Done` or without.
    pub(super) fn ended(&mut self, id: u64) {
        if self.rounds.get_mut(id).is_some_and(Round::end) {
            self.round_changed(id);
            self.round_over();
            self.report_status();
        }
    }

    /// A round's list changed, or it ended: those who wait are answered, the client is told.
    fn round_changed(&mut self, id: u64) {
        let limit = self.settings.limit;
        let now = Instant::now();
        let Some(round) = self.rounds.get_mut(id) else { return };
        round.answer_due(now);
        let notice = round.notice(limit);
        self.engine.recorder.offered(round, round.explicit);
        if round.done {
            self.engine.recorder.round(round);
        }
        if self.client.knows_us {
            self.notify_editor(method::SUGGESTIONS, &notice);
        }
        self.release_due();
    }

    /// What waited for a person to be answered may begin.
    pub(super) fn round_over(&mut self) {
        if self.cursor.as_ref().is_some_and(|c| c.due.is_none()) {
            self.suggest_at_cursor();
        }
    }

    /// An action of ours was resolved, which editors do when a person looks at it.
    pub(super) fn shown(&mut self, id: String) {
        self.engine.recorder.event(EventParams { id, kind: EventKind::Shown, reason: None });
    }

    /// Settings from the client; what does not fit is logged and changes nothing.
    pub(super) fn configure(&mut self, given: &Value) {
        match self.settings.merge(given) {
            Ok(unknown) if unknown.is_empty() => {}
            Ok(unknown) => tracing::warn!("not settings: {}", unknown.join(", ")),
            Err(e) => return tracing::warn!("the client's settings: {e:#}"),
        }
        self.engine.configure(&self.settings);
        self.report_status();
    }
}
