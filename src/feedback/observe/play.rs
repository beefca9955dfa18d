//! An editor for tests: it sends what editors send, and notes the outcomes.

use std::ops::Range;
use std::sync::Arc;

use super::{Change, Observer, Offer, Offered, Report};
use crate::feedback::record::{Evidence, Outcome};
use crate::proof::{Goal, GoalKey, OutcomeKind};

pub const URI: &str = "file:///p/A.lean";
pub const HOLE: &str = "theorem a : True := by\n  trivial\n\ntheorem t (hp : p) (hq : q) : p ∧ q := by\n  sorry\n\ntheorem z : True := by\n  trivial\n";
pub const BLANK: &str =
    "theorem t (hp : p) (hq : q) : p ∧ q := by\n  \n\ntheorem z : True := by\n  trivial\n";

/// An editor with one document, and what the observer made of it so far.
pub struct Play {
    pub observer: Observer,
    pub uri: String,
    pub text: String,
    pub version: i32,
    pub now: i64,
    pub outcomes: Vec<Outcome>,
}

pub fn key(target: &str) -> GoalKey {
    Goal::parse(&format!("⊢ {target}")).key()
}

impl Play {
    pub fn new(text: &str) -> Play {
        let mut observer = Observer::new();
        observer.opened(URI, 1, text.into());
        Play {
            observer,
            uri: URI.into(),
            text: text.into(),
            version: 1,
            now: 1_000_000,
            outcomes: Vec::new(),
        }
    }

    pub fn find(&self, needle: &str) -> usize {
        self.text.find(needle).unwrap_or_else(|| panic!("{needle:?} in {:?}", self.text))
    }

    /// Offers tactics in place of the first `hole`; the suggestions are `s0`, `s1`, ….
    pub fn offer(&mut self, round: &str, hole: &str, asked: bool, tactics: &[&str]) -> &mut Play {
        let at = self.find(hole);
        self.offer_at(round, at..at + hole.len(), asked, tactics)
    }

    pub fn offer_at(&mut self, round: &str, range: Range<usize>, asked: bool, tactics: &[&str]) -> &mut Play {
        let suggestions = tactics.iter().enumerate().map(|(i, t)| Offered {
            id: format!("{round}.s{i}"),
            tactic: (*t).to_owned(),
            range: range.clone(),
            new_text: t.replace('\n', "\n  "),
        });
        let offer = Offer {
            round: round.into(),
            uri: self.uri.clone(),
            version: self.version,
            goals: vec![key("p ∧ q")],
            asked,
            suggestions: suggestions.collect(),
        };
        let out = self.observer.offered(offer, self.now);
        self.note(out)
    }

    pub fn note(&mut self, out: Vec<Outcome>) -> &mut Play {
        self.outcomes.extend(out);
        self.now += 100;
        self
    }

    /// One `didChange` of one replacement.
    pub fn edit(&mut self, range: Range<usize>, new: &str) -> &mut Play {
        self.edits(&[(range, new)])
    }

    pub fn edits(&mut self, parts: &[(Range<usize>, &str)]) -> &mut Play {
        let mut changes = Vec::new();
        for (range, new) in parts {
            self.text.replace_range(range.clone(), new);
            changes.push(Change { range: range.clone(), text: (*new).to_owned() });
        }
        self.version += 1;
        let after: Arc<str> = self.text.as_str().into();
        let out = self.observer.changed(&self.uri, self.version, after, &changes, self.now);
        self.note(out)
    }

    /// Replaces the first `old` by `new` in one change.
    pub fn replace(&mut self, old: &str, new: &str) -> &mut Play {
        let at = self.find(old);
        self.edit(at..at + old.len(), new)
    }

    /// Types key by key from an offset on, with the brackets that editors close by themselves.
    pub fn type_at(&mut self, mut at: usize, keys: &str) -> &mut Play {
        for c in keys.chars() {
            let pair = match c {
                '(' => Some("()"),
                '[' => Some("[]"),
                _ => None,
            };
            match pair {
                Some(pair) => self.edit(at..at, pair),
                // The closing bracket is typed over the one that stands there.
                None if matches!(c, ')' | ']') && self.text[at..].starts_with(c) => {
                    self.edit(at..at + 1, &c.to_string())
                }
                None => self.edit(at..at, &c.to_string()),
            };
            at += c.len_utf8();
        }
        self
    }

    pub fn cursor(&mut self, needle: &str) -> &mut Play {
        let at = self.find(needle);
        let out = self.observer.cursor(&self.uri, at, self.now);
        self.note(out)
    }

    pub fn save(&mut self) -> &mut Play {
        let out = self.observer.saved(&self.uri, self.now);
        self.note(out)
    }

    /// Lean has read the text: errors at these places.
    pub fn checked(&mut self, errors: &[&str]) -> &mut Play {
        let errors: Vec<_> = errors.iter().map(|e| self.find(e)..self.find(e) + e.len()).collect();
        let sorries: Vec<_> = self.text.match_indices("sorry").map(|(i, s)| i..i + s.len()).collect();
        let out = self.observer.checked(&self.uri, self.version, &errors, &sorries, self.now);
        self.note(out)
    }

    pub fn goals_at(&mut self, at: usize, goals: &[&str]) -> &mut Play {
        let goals: Vec<_> = goals.iter().map(|g| key(g)).collect();
        let out = self.observer.goals_seen(&self.uri, self.version, at, &goals, self.now);
        self.note(out)
    }

    pub fn report(&mut self, id: &str, report: Report, reason: Option<&str>) -> &mut Play {
        let out = self.observer.reported(id, report, reason.map(str::to_owned), self.now);
        self.note(out)
    }

    pub fn wait(&mut self, ms: i64) -> &mut Play {
        self.now += ms;
        self
    }

    /// The outcomes since the last look: `kind id`, where the round stands for what has no suggestion.
    #[track_caller]
    pub fn expect(&mut self, expected: &[&str]) -> &mut Play {
        let found: Vec<String> = std::mem::take(&mut self.outcomes)
            .into_iter()
            .map(|o| {
                let id = o.suggestion.or(o.round).unwrap_or_default();
                let how = if o.evidence == Evidence::Reported { " reported" } else { "" };
                let tactic = if o.kind == OutcomeKind::TypedOther { o.tactic } else { None };
                let tactic = tactic.map(|t| format!(" `{t}`")).unwrap_or_default();
                format!("{} {id}{how}{tactic}", o.kind.name())
            })
            .collect();
        assert_eq!(found, expected, "in\n{}", self.text);
        self
    }
}
