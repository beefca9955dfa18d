//! What is kept of a session: rounds with Lean's answers, and what the person did, found by the observer
//! in the documents' changes. Nothing here waits: the store is an actor of its own.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use lsp_types::Position;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::documents::{Changed, Document};
use super::engine::Problem;
use super::event::AskError;
use super::rounds::Round;
use crate::config::{Dirs, Settings};
use crate::error::Failure;
use crate::feedback::export;
use crate::feedback::observe::{Observer, Offer, Offered, Report};
use crate::feedback::record::{self, Outcome, now_ms};
use crate::feedback::store::{Deletion, Select, Store, StoreHandle};
use crate::lsp::message::code;
use crate::lsp::position;
use crate::lsp::protocol::{EventKind, EventParams, FeedbackKind, FeedbackParams};
use crate::policy::prompt;
use crate::proof::Goal;
use crate::proof::declaration::named_at;

/// Rows that `feedback` lists where the client names no number.
const LISTED: usize = 100;

/// What Lean has said about a version of a document.
#[derive(Debug, Default)]
struct Heard {
    version: Option<i32>,
    diagnostics: Vec<lsp_types::Diagnostic>,
    read_to_end: bool,
}

/// The store and the observer of a session.
#[derive(Debug, Default)]
pub struct Recorder {
    store: Option<StoreHandle>,
    /// The database file, which exports read on a thread of their own.
    path: PathBuf,
    recording: bool,
    project: String,
    lean: String,
    observer: Observer,
    heard: HashMap<String, Heard>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    uri: String,
    version: Option<i32>,
    diagnostics: Vec<lsp_types::Diagnostic>,
    #[serde(default)]
    is_incremental: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    text_document: ProgressOn,
    processing: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    /// 1: in work, 2: given up.
    #[serde(default)]
    kind: Option<u8>,
}

#[derive(Deserialize)]
struct ProgressOn {
    uri: String,
    version: Option<i32>,
}

impl Recorder {
    /// Opens the user's store, on its own thread; rows are tagged with the project.
    pub fn start(dirs: &Dirs, settings: &Settings, project: PathBuf, lean: String) -> Recorder {
        let path = Store::path_in(dirs);
        Recorder {
            store: Some(StoreHandle::spawn(path.clone())),
            path,
            recording: settings.recording,
            project: project.to_string_lossy().into_owned(),
            lean,
            ..Recorder::default()
        }
    }

    /// Takes new settings.
    pub fn configure(&mut self, settings: &Settings) {
        self.recording = settings.recording;
    }

    /// Why nothing is written at present, and what mends it; or that a broken database was kept aside,
    /// which a person must hear although there is nothing to mend.
    pub fn problem(&self) -> Option<Problem> {
        let status = self.store.as_ref()?.status();
        match status.problem {
            Some(problem) => Some(Problem::new("store", problem.message, problem.remedy)),
            None => status.notice.map(|notice| Problem::over("store replaced", notice)),
        }
    }

    /// Forgets what is open and what was offered, because it may not be right any more.
    pub fn forget(&mut self) {
        self.observer = Observer::default();
        self.heard.clear();
    }

    /// A document was opened.
    pub fn opened(&mut self, uri: &str, version: i32, text: Arc<str>) {
        self.heard.remove(uri);
        self.observer.opened(uri, version, text);
    }

    /// A document changed.
    pub fn changed(&mut self, changed: &Changed, version: i32, after: Arc<str>) {
        let outcomes = self.observer.changed(&changed.uri, version, after, &changed.changes, now_ms());
        self.keep(outcomes);
    }

    /// A document was saved.
    pub fn saved(&mut self, uri: &str) {
        let outcomes = self.observer.saved(uri, now_ms());
        self.keep(outcomes);
    }

    /// A document was closed.
    pub fn closed(&mut self, uri: &str) {
        self.heard.remove(uri);
        let outcomes = self.observer.closed(uri, now_ms());
        self.keep(outcomes);
    }

    /// The cursor is at a place.
    pub fn cursor(&mut self, uri: &str, text: &str, at: Position) {
        let outcomes = self.observer.cursor(uri, position::offset(text, at), now_ms());
        self.keep(outcomes);
    }

    /// Lean showed these goals at a place of the present version.
    pub fn goals_seen(&mut self, uri: &str, document: &Document, at: Position, goals: &[Goal]) {
        let keys: Vec<_> = goals.iter().map(Goal::key).collect();
        let offset = position::offset(document.text(), at);
        let outcomes = self.observer.goals_seen(uri, document.version, offset, &keys, now_ms());
        self.keep(outcomes);
    }

    /// A round's suggestions were offered, or shown to a person who asked.
    pub fn offered(&mut self, round: &Round, asked: bool) {
        if round.suggestions.is_empty() {
            return;
        }
        let offered = |s: &crate::suggest::Suggestion| Offered {
            id: s.id.clone(),
            tactic: s.candidate.tactic.clone(),
            range: position::byte_range(&round.text, s.edit.range),
            new_text: s.edit.new_text.clone(),
        };
        let offer = Offer {
            round: round.record.clone(),
            uri: round.uri.clone(),
            version: round.version,
            goals: round.goals.iter().map(Goal::key).collect(),
            asked,
            suggestions: round.suggestions.iter().map(offered).collect(),
        };
        let outcomes = self.observer.offered(offer, now_ms());
        self.keep(outcomes);
    }

    /// The client says what the person did.
    pub fn event(&mut self, event: EventParams) {
        let report = match event.kind {
            EventKind::Shown => Report::Shown,
            EventKind::Accepted => Report::Accepted,
            EventKind::AcceptedPart => Report::AcceptedPart,
            EventKind::Rejected => Report::Rejected,
            EventKind::Dismissed => Report::Dismissed,
        };
        let outcomes = self.observer.reported(&event.id, report, event.reason, now_ms());
        self.keep(outcomes);
    }

    /// `textDocument/publishDiagnostics`: the URI whose diagnostics changed.
    pub fn published(&mut self, params: &str) -> Option<String> {
        let p: Published = serde_json::from_str(params).ok()?;
        let heard = self.heard.entry(p.uri.clone()).or_default();
        if heard.version != p.version {
            *heard = Heard { version: p.version, ..Heard::default() };
        }
        if !p.is_incremental {
            heard.diagnostics.clear();
        }
        heard.diagnostics.extend(p.diagnostics);
        Some(p.uri)
    }

    /// `$/lean/fileProgress`: the URI that it is about, and whether Lean has given it up.
    pub fn progress(&mut self, params: &str) -> Option<(String, bool)> {
        let p: Progress = serde_json::from_str(params).ok()?;
        let on = p.text_document;
        let heard = self.heard.entry(on.uri.clone()).or_default();
        if heard.version != on.version {
            *heard = Heard { version: on.version, ..Heard::default() };
        }
        heard.read_to_end = p.processing.is_empty();
        Some((on.uri, p.processing.iter().any(|part| part.kind == Some(2))))
    }

    /// Tells the observer where errors and `sorry` are, once Lean has read the present version to its end.
    pub fn check(&mut self, uri: &str, document: &Document) {
        let Some(heard) = self.heard.get(uri) else { return };
        if !heard.read_to_end || heard.version.is_some_and(|v| v != document.version) {
            return;
        }
        let bytes = |d: &lsp_types::Diagnostic| position::byte_range(document.text(), d.range);
        let is_error = |d: &&lsp_types::Diagnostic| d.severity == Some(lsp_types::DiagnosticSeverity::ERROR);
        let is_sorry = |d: &&lsp_types::Diagnostic| {
            d.message.contains("declaration uses") && d.message.contains("sorry")
        };
        let errors: Vec<Range<usize>> = heard.diagnostics.iter().filter(is_error).map(bytes).collect();
        let sorries: Vec<Range<usize>> = heard.diagnostics.iter().filter(is_sorry).map(bytes).collect();
        let outcomes = self.observer.checked(uri, document.version, &errors, &sorries, now_ms());
        self.keep(outcomes);
    }

    /// Keeps a round that has ended or was given up, if its goals became known.
    pub fn round(&self, round: &Round) {
        let (Some(store), true) = (&self.store, self.recording) else { return };
        let Some(goal) = round.goals.first() else { return };
        let (line, column) = position::line_column(&round.text, round.position);
        let offset = position::offset(&round.text, round.position);
        store.record_round(record::Round {
            id: round.record.clone(),
            format: record::FORMAT,
            time_ms: round.began_ms,
            project: self.project.clone(),
            uri: round.uri.clone(),
            version: round.version,
            declaration: named_at(&round.text, offset).map(|d| d.name),
            line,
            column,
            goal: goal.clone(),
            goals: round.goals.clone(),
            goal_key: record::Round::key_of(goal),
            document_sha256: record::sha256_hex(&round.text),
            header_sha256: record::sha256_hex(record::header_of(&round.text)),
            lean: self.lean.clone(),
            bundle: round.bundle.clone(),
            candidates: candidates(round),
        });
    }

    /// Returns when everything is on disk, or cannot be written.
    pub async fn flush(&self) {
        if let Some(store) = &self.store
            && let Err(error) = store.flush().await
        {
            tracing::warn!("what was recorded last is not on disk: {error:#}");
        }
    }

    fn keep(&self, outcomes: Vec<Outcome>) {
        if let (Some(store), true) = (&self.store, self.recording) {
            for outcome in outcomes {
                tracing::debug!(?outcome, "outcome");
                store.record_outcome(outcome);
            }
        }
    }

    /// `$/leanCopilot/feedback`, answered from a task of its own.
    pub fn feedback(&self, params: FeedbackParams, reply: oneshot::Sender<Result<Value, AskError>>) {
        let (Some(store), path) = (self.store.clone(), self.path.clone()) else {
            let message = "there is no feedback store in this session".to_owned();
            // A request that was cancelled meanwhile has nobody at the other end.
            let _ = reply.send(Err(AskError { code: code::INTERNAL_ERROR, message }));
            return;
        };
        tokio::spawn(async move {
            let _ = reply.send(answer(&store, path, params).await);
        });
    }
}

/// A round's candidates as rows: what was offered, best first, then the others as they were answered.
fn candidates(round: &Round) -> Vec<record::Tried> {
    let offered = round.suggestions.iter().map(|s| (&s.candidate, &s.verdict, Some(s.id.clone())));
    let is_offered = |tactic: &str| round.suggestions.iter().any(|s| s.candidate.tactic == tactic);
    let others = round.answers.iter().filter(|t| !is_offered(&t.candidate.tactic));
    let others = others.map(|t| (&t.candidate, &t.verdict, None));
    let row = |(rank, (candidate, verdict, suggestion)): (usize, _)| {
        let (candidate, verdict): (&crate::proof::Candidate, &crate::proof::Verdict) = (candidate, verdict);
        record::Tried {
            candidate: candidate.clone(),
            rank: rank as u32,
            verdict: Some(verdict.clone()),
            suggestion,
        }
    };
    offered.chain(others).enumerate().map(row).collect()
}

async fn answer(store: &StoreHandle, path: PathBuf, params: FeedbackParams) -> Result<Value, AskError> {
    let refused = |message: &str| AskError { code: code::INVALID_PARAMS, message: message.to_owned() };
    let text = |key: &str| params.options.get(key).and_then(Value::as_str).map(str::to_owned);
    let result = match params.kind {
        FeedbackKind::Stats => store.stats().await.map(|s| json!(s)),
        FeedbackKind::List => {
            let limit = params.options.get("limit").and_then(Value::as_u64).map_or(LISTED, |n| n as usize);
            let since_ms = params.options.get("since_ms").and_then(Value::as_i64);
            let select =
                Select { project: text("project"), since_ms, goal_key: text("goal_key"), limit: Some(limit) };
            store.list(select).await.map(|rows| json!(rows))
        }
        FeedbackKind::Delete => {
            let ids = params.options.get("ids").map(|ids| serde_json::from_value(ids.clone()));
            let what = match (ids, text("project"), params.options.get("all")) {
                (Some(Ok(ids)), None, None) => Deletion::Ids(ids),
                (None, Some(project), None) => Deletion::Project(project),
                (None, None, Some(Value::Bool(true))) => Deletion::All,
                _ => return Err(refused("`delete` wants one of `ids`, `project` and `all: true`")),
            };
            store.delete(what).await.map(|n| json!({"deleted": n}))
        }
        FeedbackKind::Export => {
            let select = Select { project: text("project"), ..Select::default() };
            let flavour = text("flavour").unwrap_or_else(|| "events".to_owned());
            if !matches!(flavour.as_str(), "events" | "kto") {
                return Err(refused("`flavour` is `events` or `kto`"));
            }
            export(store, path, select, &flavour).await
        }
    };
    result.map_err(|error| {
        let hint = Failure::of(&error).and_then(|f| f.hint.clone()).map(|h| format!(" ({h})"));
        let message = format!("{error:#}{}", hint.unwrap_or_default());
        AskError { code: code::INTERNAL_ERROR, message }
    })
}

/// The rows of a data set, read on a thread that may wait for the disk.
async fn export(store: &StoreHandle, path: PathBuf, select: Select, flavour: &str) -> anyhow::Result<Value> {
    store.flush().await?;
    let kto = flavour == "kto";
    let read = move || -> anyhow::Result<Value> {
        let store = Store::open(&path)?;
        let options = export::Options { select, prompt: prompt::goal_text, ..export::Options::default() };
        Ok(if kto { json!(export::kto(&store, &options)?) } else { json!(export::events(&store, &options)?) })
    };
    tokio::task::spawn_blocking(read).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lean from 4.31 sends what is new of a version instead of the whole list, where the client takes it.
    #[test]
    fn diagnostics_that_come_in_parts_make_the_whole_list() {
        let mut recorder = Recorder::default();
        let mut heard = |version: i32, incremental: Option<bool>, messages: &[&str]| {
            let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}});
            let list: Vec<Value> = messages.iter().map(|m| json!({"range": range, "message": m})).collect();
            let mut params = json!({"uri": "u", "version": version, "diagnostics": list});
            if let Some(incremental) = incremental {
                params["isIncremental"] = json!(incremental);
            }
            assert_eq!(recorder.published(&params.to_string()).as_deref(), Some("u"));
            recorder.heard["u"].diagnostics.iter().map(|d| d.message.clone()).collect::<Vec<_>>()
        };
        assert_eq!(heard(1, Some(false), &["a"]), ["a"]);
        assert_eq!(heard(1, Some(true), &["b", "c"]), ["a", "b", "c"]);
        assert_eq!(heard(1, Some(true), &[]), ["a", "b", "c"]);
        assert_eq!(heard(2, Some(true), &["d"]), ["d"], "what belongs to another text is no part of it");
        assert_eq!(heard(2, None, &["e"]), ["e"], "an older Lean sends the whole list each time");
        assert_eq!(heard(2, Some(false), &[]), Vec::<String>::new());
    }
}
