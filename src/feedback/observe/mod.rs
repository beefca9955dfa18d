//! Finds out what a person did with what was offered, from the document's changes.
//!
//! A state machine without a clock, a file or a server of its own: it is told what happened, and when,
//! and answers with outcomes. The proxy hands them to the store. What must hold is in `docs/feedback.md`.

mod place;
mod seen;
mod text;

#[cfg(test)]
mod play;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::feedback::record::{Evidence, Outcome};
use crate::proof::{GoalKey, OutcomeKind};

use place::{Phase, Place};
use seen::{Change as Edit, Facts};
pub use text::Change;
use text::{Difference, lines_of};

/// Rounds that are followed in one document; the oldest is then forgotten.
const ROUNDS: usize = 64;

/// Closed documents whose rounds wait for the document to come back.
const CLOSED: usize = 16;

/// Suggestions at a goal, as they were put before a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The round's id.
    pub round: String,
    /// The document.
    pub uri: String,
    /// The version for which the edits hold; an offer for another one than the present is ignored.
    pub version: i32,
    /// All goals at the place, the main one first.
    pub goals: Vec<GoalKey>,
    /// Whether a person asked: what is offered is then shown. What an editor asks for by itself is only
    /// offered until a `shown` event comes.
    pub asked: bool,
    /// What is offered; a later offer of the same round adds to it.
    pub suggestions: Vec<Offered>,
}

/// A suggestion of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The suggestion's id.
    pub id: String,
    /// The tactic.
    pub tactic: String,
    /// What its edit replaces, in bytes.
    pub range: Range<usize>,
    /// By what.
    pub new_text: String,
}

/// What a client says about a suggestion; the kinds of `$/leanCopilot/event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Report {
    /// The person could see it.
    Shown,
    /// Inserted.
    Accepted,
    /// Inserted in part.
    AcceptedPart,
    /// Refused by name.
    Rejected,
    /// Closed without a choice.
    Dismissed,
}

/// Follows all open documents.
#[derive(Debug, Default)]
pub struct Observer {
    documents: HashMap<String, Document>,
    /// Order in which documents were closed, oldest first.
    closed: Vec<String>,
}

#[derive(Debug)]
struct Document {
    version: i32,
    text: Arc<str>,
    open: bool,
    /// Oldest first.
    places: Vec<Place>,
    facts: Facts,
}

impl Observer {
    /// Nothing known yet.
    pub fn new() -> Observer {
        Observer::default()
    }

    /// A document was opened. If it was closed before with the same text (an editor's way to restart
    /// Lean on it), what was followed in it goes on.
    pub fn opened(&mut self, uri: &str, version: i32, text: Arc<str>) {
        self.closed.retain(|u| u != uri);
        let known = self.documents.remove(uri).filter(|d| d.text == text);
        let places = known.map(|d| d.places).unwrap_or_default();
        let facts = Facts::default();
        self.documents.insert(uri.into(), Document { version, text, open: true, places, facts });
    }

    /// A document changed: one `didChange`. `changes` are its parts, each in bytes of the text that the
    /// ones before it made; empty where they are not known, the texts are then compared.
    pub fn changed(
        &mut self,
        uri: &str,
        version: i32,
        after: Arc<str>,
        changes: &[Change],
        now_ms: i64,
    ) -> Vec<Outcome> {
        let Some(document) = self.documents.get_mut(uri) else { return Vec::new() };
        document.version = version;
        document.facts = Facts::default();
        let before = std::mem::replace(&mut document.text, after.clone());
        if before == after {
            return Vec::new();
        }
        let difference = Difference::between(&before, &after);
        let whole = difference.change(&after);
        let parts = if changes.is_empty() { std::slice::from_ref(&whole) } else { changes };
        let declaration = OnceCell::new();
        let edit =
            Edit { before: &before, after: &after, difference, whole: &whole, parts, now_ms, declaration };

        let mut out = Vec::new();
        let places = &mut document.places;
        // The newest round that this change may have come from; the older ones at its place then have
        // nothing more to say.
        let taken = places.iter().enumerate().rev().find_map(|(i, p)| p.accepts(&edit).map(|s| (i, s)));
        if let Some((i, suggestion)) = taken {
            let region = places[i].region.clone();
            places[i].take(suggestion, &edit, &mut out);
            close_others(places, i, |p| touches(&p.region, &region));
        }
        for (i, place) in places.iter_mut().enumerate() {
            if taken.is_none_or(|(t, _)| t != i) {
                place.changed(&edit, &mut out);
            }
        }
        document.judge(now_ms, &mut out);
        out
    }

    /// A document was saved.
    pub fn saved(&mut self, uri: &str, now_ms: i64) -> Vec<Outcome> {
        let mut out = Vec::new();
        if let Some(document) = self.documents.get_mut(uri) {
            for place in &mut document.places {
                place.saved(&document.text, now_ms, &mut out);
            }
            document.judge(now_ms, &mut out);
        }
        out
    }

    /// A document was closed: whoever looked at a goal in it has left.
    pub fn closed(&mut self, uri: &str, now_ms: i64) -> Vec<Outcome> {
        let mut out = Vec::new();
        if let Some(document) = self.documents.get_mut(uri).filter(|d| d.open) {
            for place in &mut document.places {
                place.left(&document.text, now_ms, &mut out);
            }
            document.judge(now_ms, &mut out);
            document.open = false;
            self.closed.push(uri.to_owned());
        }
        if self.closed.len() > CLOSED {
            let oldest = self.closed.remove(0);
            self.documents.remove(&oldest);
        }
        out
    }

    /// Suggestions were offered. Offering at one place says that the person looks there.
    pub fn offered(&mut self, offer: Offer, now_ms: i64) -> Vec<Outcome> {
        let Some(document) = self.documents.get_mut(&offer.uri) else { return Vec::new() };
        let fits = |s: &Offered| {
            let Range { start, end } = s.range;
            start <= end && document.text.is_char_boundary(start) && document.text.is_char_boundary(end)
        };
        if !document.open || document.version != offer.version || !offer.suggestions.iter().all(fits) {
            return Vec::new();
        }
        document.places.iter_mut().for_each(|p| p.expire(now_ms));
        let known = document.places.iter().position(|p| p.round == offer.round);
        match known {
            Some(i) => document.places[i].offered_again(offer, &document.text),
            None => document.places.extend(Place::new(offer, &document.text)),
        }
        if document.places.len() > ROUNDS {
            // One whose acceptance is still followed is worth more than one that nobody answered.
            let followed = |p: &Place| matches!(p.phase, Phase::Taken(_));
            let oldest = document.places.iter().position(|p| !followed(p)).unwrap_or(0);
            document.places.remove(oldest);
        }
        match known.or(document.places.len().checked_sub(1)).map(|i| document.places[i].region.start) {
            Some(at) => document.cursor(at, now_ms),
            None => Vec::new(),
        }
    }

    /// The cursor is at a byte offset.
    pub fn cursor(&mut self, uri: &str, offset: usize, now_ms: i64) -> Vec<Outcome> {
        self.documents.get_mut(uri).map(|d| d.cursor(offset, now_ms)).unwrap_or_default()
    }

    /// Lean showed these goals (none: the proof is done there) at a byte offset of a version.
    pub fn goals_seen(
        &mut self,
        uri: &str,
        version: i32,
        offset: usize,
        goals: &[GoalKey],
        now_ms: i64,
    ) -> Vec<Outcome> {
        let mut out = Vec::new();
        if let Some(document) = self.documents.get_mut(uri).filter(|d| d.version == version) {
            document.facts.goals = Some((offset, goals.to_vec()));
            document.judge(now_ms, &mut out);
        }
        out
    }

    /// Lean has read a version to its end: where it reports errors, and where `sorry` (bytes).
    pub fn checked(
        &mut self,
        uri: &str,
        version: i32,
        errors: &[Range<usize>],
        sorries: &[Range<usize>],
        now_ms: i64,
    ) -> Vec<Outcome> {
        let mut out = Vec::new();
        if let Some(document) = self.documents.get_mut(uri).filter(|d| d.version == version) {
            document.facts.checked = Some((errors.to_vec(), sorries.to_vec()));
            for place in &mut document.places {
                place.checked(&document.text, &document.facts, now_ms, &mut out);
            }
            document.judge(now_ms, &mut out);
        }
        out
    }

    /// The client says what was done with a suggestion (or, refusing or closing all of them, a round).
    pub fn reported(
        &mut self,
        id: &str,
        report: Report,
        reason: Option<String>,
        now_ms: i64,
    ) -> Vec<Outcome> {
        let mut out = Vec::new();
        let owner = self
            .documents
            .values_mut()
            .find_map(|d| d.places.iter().rposition(|p| p.has(id)).map(|i| (d, i)));
        match owner {
            Some((document, i)) => {
                let text = document.text.clone();
                let region = document.places[i].region.clone();
                document.places[i].reported(id, report, reason, &text, now_ms, &mut out);
                if matches!(document.places[i].phase, Phase::Taken(_)) {
                    close_others(&mut document.places, i, |p| touches(&p.region, &region));
                }
            }
            // Forgotten here, but the store may know it.
            None => out.extend(report.outcome().map(|kind| Outcome {
                round: None,
                suggestion: Some(id.to_owned()),
                kind,
                time_ms: now_ms,
                reason,
                tactic: None,
                evidence: Evidence::Reported,
                shown: true,
            })),
        }
        out
    }
}

impl Report {
    /// The outcome that the report is, if it is one.
    pub fn outcome(self) -> Option<OutcomeKind> {
        match self {
            Report::Shown => None,
            Report::Accepted => Some(OutcomeKind::Accepted),
            Report::AcceptedPart => Some(OutcomeKind::AcceptedPart),
            Report::Rejected => Some(OutcomeKind::Rejected),
            Report::Dismissed => Some(OutcomeKind::Dismissed),
        }
    }
}

impl Document {
    fn cursor(&mut self, offset: usize, now_ms: i64) -> Vec<Outcome> {
        let mut out = Vec::new();
        // The region of a round that is done is no longer followed.
        for place in self.places.iter_mut().filter(|p| matches!(p.phase, Phase::Open)) {
            let lines = lines_of(&self.text, &place.region);
            if offset < lines.start || offset > lines.end {
                place.left(&self.text, now_ms, &mut out);
            }
        }
        self.judge(now_ms, &mut out);
        out
    }

    /// Asks each place what was typed there. Where several rounds lie at one place and goal, one of them
    /// answers: the one that was shown, or the oldest, which stood there before the typing began.
    fn judge(&mut self, now_ms: i64, out: &mut Vec<Outcome>) {
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        order.sort_by_key(|&i| !self.places[i].was_shown());
        for i in order {
            if self.places[i].typed(&self.text, &self.facts, now_ms, out) {
                let (goal, region) = (self.places[i].main_goal(), self.places[i].region.clone());
                close_others(&mut self.places, i, |p| p.main_goal() == goal && touches(&p.region, &region));
            }
        }
    }
}

fn close_others(places: &mut [Place], one: usize, at_place: impl Fn(&Place) -> bool) {
    for (i, place) in places.iter_mut().enumerate() {
        if i != one && matches!(place.phase, Phase::Open) && at_place(place) {
            place.phase = Phase::Done;
        }
    }
}

fn touches(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start <= b.end && b.start <= a.end
}
