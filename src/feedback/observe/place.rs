//! One round in a document: the place where it was offered, and what has become of it.

use std::ops::Range;
use std::sync::Arc;

use super::seen::{Change, Facts, is_complete, region_of, result_of};
use super::text::{Moved, begins_with, canonical, first_step, follow, is_answer, is_keystroke};
use super::{Offer, Offered, Report};
use crate::feedback::record::{Evidence, Outcome};
use crate::proof::{GoalKey, OutcomeKind};

/// An acceptance that is taken back within this time is `undone`, saved or not.
const UNDO_MS: i64 = 60_000;

/// An acceptance whose declaration was not completed is followed for this time.
const UNFINISHED_MS: i64 = 3_600_000;

/// An announced acceptance is expected in the text within this time.
const ANNOUNCED_MS: i64 = 10_000;

/// How far a round has come.
#[derive(Debug)]
pub enum Phase {
    /// Nothing decided.
    Open,
    /// Accepted; followed until it is kept and can no longer be undone.
    Taken(Taken),
    /// Nothing more to find out.
    Done,
}

/// An accepted suggestion. The place's region then holds exactly its text.
#[derive(Debug)]
pub struct Taken {
    suggestion: usize,
    at_ms: i64,
    /// The region's text after acceptance, canonical, and what it replaced.
    text: String,
    base: String,
    /// The whole text before, for an undo that takes back more than this.
    before: Option<Arc<str>>,
    saved: bool,
    complete: bool,
    kept: bool,
}

#[derive(Debug)]
struct Shown {
    offered: Offered,
    /// The region's text that its edit makes, canonical.
    result: String,
    /// What stood in the region behind the edit's range.
    tail: String,
    /// When a client announced an acceptance that the text does not show yet.
    announced_ms: Option<i64>,
    reports: Vec<Report>,
    shown: bool,
}

/// A round at its place.
#[derive(Debug)]
pub struct Place {
    pub round: String,
    pub phase: Phase,
    /// Where the tactic is to stand; grows with what is typed there.
    pub region: Range<usize>,
    version: i32,
    asked: bool,
    goals: Vec<GoalKey>,
    suggestions: Vec<Shown>,
    /// The region's text at the offer, and its first tactic.
    base: String,
    base_step: String,
    /// The region's text is a part of this suggestion, inserted as a whole.
    part: Option<usize>,
    /// Nobody is typing there at the moment.
    settled: bool,
    /// The person has answered in a way that rules out `ignored`.
    answered: bool,
}

impl Place {
    /// `None` for an offer without suggestions: nothing to follow.
    pub fn new(offer: Offer, text: &str) -> Option<Place> {
        let region = region_of(text, &offer.suggestions)?;
        let base = text[region.clone()].to_owned();
        let base_step = first_step(text, &region).map_or(String::new(), |s| canonical(&s.tactic));
        let Offer { round, version, goals, asked, suggestions, .. } = offer;
        let shown = |offered: Offered| Shown {
            result: result_of(text, &region, &offered),
            tail: text[offered.range.end..region.end].to_owned(),
            offered,
            announced_ms: None,
            reports: Vec::new(),
            shown: asked,
        };
        Some(Place {
            round,
            phase: Phase::Open,
            version,
            asked,
            goals,
            suggestions: suggestions.into_iter().map(shown).collect(),
            region,
            base,
            base_step,
            part: None,
            settled: false,
            answered: false,
        })
    }

    /// More suggestions of the same round, or the same ones in a later version.
    pub fn offered_again(&mut self, mut offer: Offer, text: &str) {
        let same_version = offer.version == self.version && matches!(self.phase, Phase::Open);
        if matches!(self.phase, Phase::Taken(_))
            || matches!(self.phase, Phase::Open) && !same_version && !self.untouched(text)
        {
            return;
        }
        offer.asked |= self.asked && same_version;
        let old = std::mem::take(&mut self.suggestions);
        let was_shown = |id: &str| old.iter().any(|o| o.offered.id == id && o.shown);
        if same_version {
            let known = |s: &Offered| offer.suggestions.iter().any(|n| n.id == s.id);
            let rest: Vec<Offered> = old.iter().map(|o| o.offered.clone()).filter(|s| !known(s)).collect();
            offer.suggestions.extend(rest);
        }
        let answered = self.answered && same_version;
        if let Some(mut place) = Place::new(offer, text) {
            for s in &mut place.suggestions {
                s.shown |= was_shown(&s.offered.id);
                if let Some(o) = old.iter().find(|o| o.offered.id == s.offered.id) {
                    (s.reports, s.announced_ms) = (o.reports.clone(), o.announced_ms);
                }
            }
            place.answered = answered;
            *self = place;
        } else {
            self.suggestions = old;
        }
    }

    /// Ends the watch over an acceptance that can change no more, or that Lean never found complete.
    pub fn expire(&mut self, now_ms: i64) {
        if let Phase::Taken(t) = &self.phase
            && now_ms - t.at_ms > if t.kept { UNDO_MS } else { UNFINISHED_MS }
        {
            self.phase = Phase::Done;
        }
    }

    /// Whether an id names this round or one of its suggestions.
    pub fn has(&self, id: &str) -> bool {
        self.round == id || self.suggestions.iter().any(|s| s.offered.id == id)
    }

    /// Whether any of it was before the person's eyes.
    pub fn was_shown(&self) -> bool {
        self.suggestions.iter().any(|s| s.shown)
    }

    /// Key of the goal to which the suggestions belong.
    pub fn main_goal(&self) -> Option<GoalKey> {
        self.goals.first().copied()
    }

    fn untouched(&self, text: &str) -> bool {
        canonical(&text[self.region.clone()]) == canonical(&self.base)
    }

    /// The suggestion whose edit makes the text that this change made.
    pub fn accepts(&self, change: &Change) -> Option<usize> {
        let Phase::Open = self.phase else { return None };
        let region = change.difference.region(&self.region)?;
        let (was, is) = (canonical(&change.before[self.region.clone()]), canonical(&change.after[region]));
        if was == is {
            return None;
        }
        let fresh = was.is_empty() || was == canonical(&self.base);
        let key = is_keystroke(change.before, change.whole);
        self.suggestions.iter().position(|s| {
            let announced = s.announced_ms.is_some_and(|t| change.now_ms - t <= ANNOUNCED_MS);
            let rest = s.result.strip_prefix(was.as_str()).map_or(0, |r| r.chars().count());
            let part = self.part.is_some_and(|p| self.suggestions[p].result == s.result);
            // Ghost text may be taken after its first letters were typed; the last letters that arrive
            // together are not enough for that.
            let at_once = fresh || part || s.shown && rest >= 4;
            s.result == is && (announced || !key && at_once)
        })
    }

    /// Notes that a suggestion was accepted by a change.
    pub fn take(&mut self, suggestion: usize, change: &Change, out: &mut Vec<Outcome>) {
        if let Some(region) = change.difference.region(&self.region) {
            self.region = region;
        }
        let announced = self.suggestions[suggestion].announced_ms.take().is_some();
        if !announced {
            out.push(self.outcome(Some(suggestion), OutcomeKind::Accepted, change.now_ms));
        }
        self.begin_taken(suggestion, change.after, Some(change.before.into()), change.now_ms);
    }

    fn begin_taken(&mut self, suggestion: usize, text: &str, before: Option<Arc<str>>, at_ms: i64) {
        // From here on the region is the accepted text alone: what comes around it is not part of it.
        let tail = self.suggestions[suggestion].tail.as_str();
        let inner = &text[self.region.clone()];
        let inner = inner.strip_suffix(tail).unwrap_or(inner);
        let base = canonical(self.base.strip_suffix(tail).unwrap_or(&self.base));
        let start = self.region.start + (inner.len() - inner.trim_start().len());
        self.region = start..start + inner.trim().len();
        let text = canonical(inner);
        let (saved, complete, kept) = (false, false, false);
        self.phase = Phase::Taken(Taken { suggestion, at_ms, text, base, before, saved, complete, kept });
        self.part = None;
        self.answered = true;
    }

    /// Follows the place through a change that it did not accept.
    pub fn changed(&mut self, change: &Change, out: &mut Vec<Outcome>) {
        match self.phase {
            Phase::Done => {}
            Phase::Taken(_) => self.changed_taken(change, out),
            Phase::Open => self.changed_open(change, out),
        }
    }

    fn changed_open(&mut self, change: &Change, out: &mut Vec<Outcome>) {
        let was_fresh = self.untouched(change.before) || change.before[self.region.clone()].trim().is_empty();
        if let Some(region) = change.difference.region(&self.region) {
            self.region = region;
            self.settled = false;
            self.follow_parts(change, was_fresh, out);
            return;
        }
        let at = self.region.start;
        let goal_changed = change.whole.range.end <= at && change.declaration().contains(&at);
        let moved = self.moved(change, true);
        let still =
            moved.as_ref().is_some_and(|r| change.after[r.clone()] == change.before[self.region.clone()]);
        if still || moved.is_none() {
            self.left(change.before, change.now_ms, out);
        }
        match moved {
            Some(region) if !goal_changed => self.region = region,
            other => {
                self.region = other.unwrap_or(0..0);
                self.phase = Phase::Done;
            }
        }
    }

    /// Words of a suggestion that were inserted as a whole, one after the other.
    fn follow_parts(&mut self, change: &Change, was_fresh: bool, out: &mut Vec<Outcome>) {
        let inner = change.after[self.region.clone()].trim();
        let is_part = |s: &Shown| {
            let rest = s.offered.new_text.trim().strip_prefix(inner);
            let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'');
            rest.is_some_and(|r| {
                let cut = r.starts_with(word) && inner.ends_with(word);
                !inner.is_empty() && !r.is_empty() && !cut
            })
        };
        let by_hand = is_keystroke(change.before, change.whole);
        let next = match self.part {
            Some(i) if is_part(&self.suggestions[i]) && !by_hand => Some(i),
            None if was_fresh && !by_hand => self.suggestions.iter().position(|s| s.shown && is_part(s)),
            _ => None,
        };
        if let (Some(i), None) = (self.part, next)
            && canonical(inner) != canonical(&self.base)
        {
            self.report_part(i, change.now_ms, out);
        }
        self.part = next;
    }

    fn report_part(&mut self, i: usize, now_ms: i64, out: &mut Vec<Outcome>) {
        self.answered = true;
        if !self.suggestions[i].reports.contains(&Report::AcceptedPart) {
            self.suggestions[i].reports.push(Report::AcceptedPart);
            out.push(self.outcome(Some(i), OutcomeKind::AcceptedPart, now_ms));
        }
    }

    fn changed_taken(&mut self, change: &Change, out: &mut Vec<Outcome>) {
        let Phase::Taken(taken) = &self.phase else { return };
        let reversed = change.difference.region(&self.region).is_some_and(|r| {
            let inner = canonical(&change.after[r]);
            inner == taken.base || inner.is_empty()
        });
        let moved = self.moved(change, false);
        let gone = moved.as_ref().is_none_or(|r| change.after[r.clone()].trim().is_empty());
        // A reformatted or replaced text may still hold the tactic.
        let elsewhere = moved.is_none() && canonical(&change.whole.text).contains(&taken.text);
        let whole = taken.before.as_deref() == Some(&**change.after);
        let in_time = !taken.saved || change.now_ms - taken.at_ms <= UNDO_MS;
        if whole || reversed || gone && !elsewhere {
            if in_time {
                out.push(self.outcome(Some(taken.suggestion), OutcomeKind::Undone, change.now_ms));
            }
            match change.difference.region(&self.region).filter(|_| reversed) {
                // Back where it was offered: it may be accepted again.
                Some(region) => (self.region, self.phase) = (region, Phase::Open),
                None => (self.region, self.phase) = (moved.unwrap_or(0..0), Phase::Done),
            }
        } else {
            match moved {
                Some(region) => self.region = region,
                None => self.phase = Phase::Done,
            }
        }
    }

    /// Where the region is after the change; none if the change crosses an edge of it.
    fn moved(&self, change: &Change, open: bool) -> Option<Range<usize>> {
        let moved = change.parts.iter().try_fold(self.region.clone(), |region, part| {
            if part.range.start > part.range.end {
                return None;
            }
            match follow(&region, part, open) {
                Moved::Outside(r) | Moved::Inside(r) => Some(r),
                Moved::Across => None,
            }
        });
        // Parts that do not lead to the text they claim to lead to must not lead us out of it.
        moved.filter(|r| change.after.get(r.clone()).is_some())
    }

    /// The person is elsewhere now.
    pub fn left(&mut self, text: &str, now_ms: i64, out: &mut Vec<Outcome>) {
        let Phase::Open = self.phase else { return };
        self.settled = true;
        if let Some(i) = self.part.take() {
            self.report_part(i, now_ms, out);
        }
        if self.untouched(text) && self.was_shown() && !self.answered {
            self.answered = true;
            out.push(self.outcome(None, OutcomeKind::Ignored, now_ms));
        }
    }

    pub fn saved(&mut self, text: &str, now_ms: i64, out: &mut Vec<Outcome>) {
        if let Phase::Taken(taken) = &mut self.phase {
            taken.saved = true;
        } else {
            self.settled = true;
            if let Some(i) = self.part.take() {
                self.report_part(i, now_ms, out);
            }
        }
        self.keep(text, now_ms, out);
    }

    pub fn checked(&mut self, text: &str, facts: &Facts, now_ms: i64, out: &mut Vec<Outcome>) {
        let complete = is_complete(text, &self.region, facts);
        if let Phase::Taken(taken) = &mut self.phase {
            taken.complete = complete;
        }
        self.keep(text, now_ms, out);
    }

    /// `kept`: saved and complete, with the accepted text still there.
    fn keep(&mut self, text: &str, now_ms: i64, out: &mut Vec<Outcome>) {
        let region = self.region.clone();
        let Phase::Taken(taken) = &mut self.phase else { return };
        if taken.saved && taken.complete && !taken.kept && canonical(&text[region]) == taken.text {
            taken.kept = true;
            let suggestion = taken.suggestion;
            out.push(self.outcome(Some(suggestion), OutcomeKind::Kept, now_ms));
        }
    }

    /// Whether a tactic was typed by hand, and which; true if that closes the round.
    pub fn typed(&mut self, text: &str, facts: &Facts, now_ms: i64, out: &mut Vec<Outcome>) -> bool {
        if !matches!(self.phase, Phase::Open) || self.part.is_some() || self.untouched(text) {
            return false;
        }
        let Some(step) = first_step(text, &self.region) else { return false };
        let same = self.suggestions.iter().enumerate().find_map(|(i, s)| {
            let tactic = canonical(&s.offered.tactic);
            let ended = begins_with(text, &self.region, &step, &tactic)
                .or_else(|| begins_with(text, &self.region, &step, &s.result))?;
            Some((i, ended))
        });
        if let Some((i, ended)) = same {
            let part = self.suggestions[i].reports.contains(&Report::AcceptedPart);
            let known = self.suggestions[i].reports.contains(&Report::Accepted);
            if !(ended || self.settled) {
                return false;
            }
            if !part && !known {
                let mut outcome = self.outcome(Some(i), OutcomeKind::TypedSame, now_ms);
                outcome.tactic = Some(self.suggestions[i].offered.tactic.clone());
                out.push(outcome);
            }
        } else {
            let other = canonical(&step.tactic);
            let settled = step.ended || self.settled;
            if !settled || other == self.base_step || !is_answer(&step.tactic) {
                return false;
            }
            if !self.lean_took(text, &step.range, facts) {
                return false;
            }
            let mut outcome = self.outcome(None, OutcomeKind::TypedOther, now_ms);
            outcome.tactic = Some(step.tactic);
            out.push(outcome);
        }
        self.phase = Phase::Done;
        true
    }

    /// No error begins in the tactic, and the goals after it are others, or the declaration stands.
    fn lean_took(&self, text: &str, step: &Range<usize>, facts: &Facts) -> bool {
        let Some((errors, _)) = &facts.checked else { return false };
        let fails = errors.iter().any(|e| e.start >= step.start && e.start <= step.end);
        let behind = facts.goals.as_ref().is_some_and(|(at, goals)| {
            *at >= step.end
                && text.get(step.end..*at).is_some_and(|t| t.trim().is_empty())
                && *goals != self.goals
        });
        !fails && (behind || is_complete(text, step, facts))
    }

    /// What the client says.
    pub fn reported(
        &mut self,
        id: &str,
        report: Report,
        reason: Option<String>,
        text: &str,
        now_ms: i64,
        out: &mut Vec<Outcome>,
    ) {
        let one = self.suggestions.iter().position(|s| s.offered.id == id);
        for (i, s) in self.suggestions.iter_mut().enumerate() {
            s.shown |= one.is_none_or(|one| one == i);
        }
        let Some(kind) = report.outcome() else { return };
        self.answered = true;
        let again = one.is_some_and(|i| self.suggestions[i].reports.contains(&report));
        let taken = matches!(&self.phase, Phase::Taken(t) if Some(t.suggestion) == one);
        if again && report != Report::Accepted || taken && report == Report::Accepted {
            return;
        }
        if let Some(i) = one {
            self.suggestions[i].reports.push(report);
        }
        let mut outcome = self.outcome(one, kind, now_ms);
        outcome.reason = reason;
        outcome.evidence = Evidence::Reported;
        out.push(outcome);
        match (report, one) {
            (Report::Accepted, Some(i)) if matches!(self.phase, Phase::Open) => {
                if canonical(&text[self.region.clone()]) == self.suggestions[i].result {
                    self.begin_taken(i, text, None, now_ms);
                } else {
                    self.suggestions[i].announced_ms = Some(now_ms);
                }
            }
            (Report::AcceptedPart, _) => self.part = None,
            _ => {}
        }
    }

    fn outcome(&self, suggestion: Option<usize>, kind: OutcomeKind, time_ms: i64) -> Outcome {
        let one = suggestion.map(|i| &self.suggestions[i]);
        Outcome {
            round: Some(self.round.clone()),
            suggestion: one.map(|s| s.offered.id.clone()),
            kind,
            time_ms,
            reason: None,
            tactic: None,
            evidence: Evidence::Observed,
            shown: one.map_or_else(|| self.was_shown(), |s| s.shown),
        }
    }
}
