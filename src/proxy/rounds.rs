//! Rounds of suggestions: one place in one version of a document, what was found, who waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lsp_types::{Position, Range};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::event::AskError;
use crate::lsp::message::code;
use crate::lsp::protocol::{DocumentId, SuggestResult, SuggestionsParams, Tried};
use crate::proof::{Goal, same_state};
use crate::suggest::{Suggestion, Update, rank};

/// Finished rounds of the current versions that are kept for code actions and later questions.
const KEPT: usize = 16;

/// Somebody who asked for suggestions.
#[derive(Debug)]
pub struct Waiting {
    /// Where the answer goes.
    pub reply: oneshot::Sender<Result<SuggestResult, AskError>>,
    /// Most suggestions wanted.
    pub limit: usize,
    /// Whether refused candidates are wanted too.
    pub tried: bool,
    /// When the answer is due; none: with the first suggestion.
    pub due: Option<Instant>,
}

/// A round.
#[derive(Debug)]
pub struct Round {
    /// Its id in the feedback store.
    pub record: String,
    /// When it began, in milliseconds since 1970.
    pub began_ms: i64,
    /// The bundle that proposed, once known.
    pub bundle: Option<String>,
    /// Its number; news of a round that is not in the list any more is discarded.
    pub id: u64,
    /// The document.
    pub uri: String,
    /// The version for which everything in here holds.
    pub version: i32,
    /// That version's text.
    pub text: Arc<str>,
    /// Where a tactic is wanted.
    pub position: Position,
    /// The goals there; empty until known.
    pub goals: Vec<Goal>,
    /// Verified, best first.
    pub suggestions: Vec<Suggestion>,
    /// Every answered candidate with Lean's answer, refusals too.
    pub answers: Vec<Tried>,
    /// Candidates that were given to Lean and are not yet answered.
    pub pending: usize,
    /// Whether it has ended.
    pub done: bool,
    /// Whether a person asked for it: such a round is not given up for a cursor that moves.
    pub explicit: bool,
    /// Who waits.
    pub waiting: Vec<Waiting>,
    /// When it began.
    pub started: Instant,
    /// How long it took, once it has ended.
    pub took: Option<Duration>,
    /// The task that carries its news.
    pub task: Option<AbortHandle>,
}

impl Round {
    /// Whether its suggestions are for this part of this version.
    pub fn covers(&self, uri: &str, version: i32, range: Range) -> bool {
        let lines = |r: Range| r.start.line <= range.end.line && range.start.line <= r.end.line;
        self.uri == uri
            && self.version == version
            && (lines(Range { start: self.position, end: self.position })
                || self.suggestions.iter().any(|s| lines(s.edit.range)))
    }

    /// Whether a cursor there wants what this round gives.
    pub fn is_at(&self, uri: &str, version: i32, position: Position) -> bool {
        self.uri == uri && self.version == version && self.position == position
    }

    /// Whether another place of the same line shows the same goals: then nothing new is to be found.
    pub fn same_goals(&self, uri: &str, version: i32, position: Position, goals: &[Goal]) -> bool {
        self.uri == uri
            && self.version == version
            && self.position.line == position.line
            && same_state(&self.goals, goals)
    }

    /// Takes news in; whether the list of suggestions changed or the round ended.
    pub fn take(&mut self, update: Update) -> bool {
        match update {
            Update::Goals(goals) => self.goals = goals,
            Update::Checking(n) => self.pending += n,
            Update::Left(n) => self.pending = self.pending.saturating_sub(n),
            Update::Verdict { candidate, verdict } => {
                let known = self.answers.iter_mut().find(|t| t.candidate.tactic == candidate.tactic);
                let answer = Tried { candidate, verdict };
                match known {
                    Some(old) => *old = answer,
                    None => {
                        self.pending = self.pending.saturating_sub(1);
                        self.answers.push(answer);
                    }
                }
            }
            Update::Suggestion(suggestion) => {
                match self.suggestions.iter_mut().find(|s| s.id == suggestion.id) {
                    Some(old) => *old = suggestion,
                    None => self.suggestions.push(suggestion),
                }
                rank(&mut self.suggestions);
                return true;
            }
            Update::Done { bundle, .. } => {
                self.bundle = bundle;
                return self.end();
            }
        }
        false
    }

    /// Ends the round; whether it had not ended before.
    pub fn end(&mut self) -> bool {
        self.pending = 0;
        self.took.get_or_insert(self.started.elapsed());
        !std::mem::replace(&mut self.done, true)
    }

    /// The answer to a `suggest`.
    pub fn result(&self, limit: usize, tried: bool) -> SuggestResult {
        SuggestResult {
            goal: self.goals.first().cloned(),
            goals: self.goals.clone(),
            suggestions: self.best(limit),
            pending: self.unanswered(),
            tried: if tried { self.refused() } else { Vec::new() },
            elapsed_ms: self.took.unwrap_or_else(|| self.started.elapsed()).as_secs_f64() * 1e3,
        }
    }

    /// The notification about this round.
    pub fn notice(&self, limit: usize) -> SuggestionsParams {
        SuggestionsParams {
            text_document: DocumentId { uri: self.uri.clone() },
            version: self.version,
            position: self.position,
            goal: self.goals.first().cloned(),
            suggestions: self.best(limit),
            pending: self.unanswered(),
        }
    }

    /// The best suggestions, in the form that travels.
    fn best(&self, limit: usize) -> Vec<Suggestion> {
        self.suggestions.iter().take(limit).cloned().collect()
    }

    /// Candidates that may not be inserted.
    fn refused(&self) -> Vec<Tried> {
        self.answers.iter().filter(|t| !t.verdict.kind.is_success()).cloned().collect()
    }

    /// While a round runs at least one answer is awaited, known or not.
    fn unanswered(&self) -> usize {
        if self.done { 0 } else { self.pending.max(1) }
    }

    /// Answers those whose time has come.
    pub fn answer_due(&mut self, now: Instant) {
        let ready = |w: &Waiting| match w.due {
            _ if self.done => true,
            Some(due) => due <= now,
            None => !self.suggestions.is_empty(),
        };
        let (due, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().partition(ready);
        self.waiting = waiting;
        for w in due {
            // A request that was cancelled has nobody at the other end.
            let _ = w.reply.send(Ok(self.result(w.limit, w.tried)));
        }
    }

    /// Gives the round up: whoever waits is told that the document changed.
    fn abandon(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        for w in self.waiting.drain(..) {
            let message = "the document changed meanwhile".to_owned();
            let _ = w.reply.send(Err(AskError { code: code::CONTENT_MODIFIED, message }));
        }
    }
}

/// The rounds of the documents' current versions.
#[derive(Debug, Default)]
pub struct Rounds {
    list: Vec<Round>,
}

impl Rounds {
    /// All rounds.
    pub fn iter(&self) -> impl Iterator<Item = &Round> {
        self.list.iter()
    }

    /// All rounds.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Round> {
        self.list.iter_mut()
    }

    /// The round of a number, unless it was given up.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut Round> {
        self.list.iter_mut().find(|r| r.id == id)
    }

    /// Adds a round; the oldest finished ones go.
    pub fn add(&mut self, round: Round) {
        self.list.push(round);
        while self.list.len() > KEPT
            && let Some(oldest) = self.list.iter().position(|r| r.done)
        {
            self.list.remove(oldest);
        }
    }

    /// Gives up rounds that run, without a person behind them; they are handed back.
    pub fn give_up_automatic(&mut self) -> Vec<Round> {
        let mut gone: Vec<Round> = self.list.extract_if(.., |r| !r.done && !r.explicit).collect();
        gone.iter_mut().for_each(Round::abandon);
        gone
    }

    /// Gives up all rounds of a document: it changed, or is gone. Those that ran are handed back.
    pub fn forget(&mut self, uri: &str) -> Vec<Round> {
        let mut gone: Vec<Round> = self.list.extract_if(.., |r| r.uri == uri).collect();
        gone.iter_mut().for_each(Round::abandon);
        gone.retain(|r| !r.done);
        gone
    }

    /// Forgets those who do not wait any more, their requests cancelled. A round that nobody is left behind
    /// may be given up; whether there is one.
    pub fn desert(&mut self) -> bool {
        let mut deserted = false;
        for round in self.list.iter_mut().filter(|r| !r.waiting.is_empty()) {
            round.waiting.retain(|w| !w.reply.is_closed());
            if round.waiting.is_empty() {
                round.explicit = false;
                deserted = true;
            }
        }
        deserted
    }

    /// When the next answer is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.list.iter().flat_map(|r| &r.waiting).filter_map(|w| w.due).min()
    }
}
