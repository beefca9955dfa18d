//! Proves the open declaration of a document through `serve`, as a person would: look at what is
//! suggested, take the best, go back where nothing more is suggested.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use super::hole::first_hole;
use crate::cli::editor::{Editor, errors};
use crate::lsp::position;
use crate::lsp::protocol::{SuggestResult, Suggestion};
use crate::proof::{Candidate, Goal, GoalKey, Source, Verdict};

/// Suggestions looked at in one place.
const LIMIT: usize = 8;
/// Longest proof that is tried before another way is.
const DEPTH: usize = 12;
/// Longest wait for one round.
const ROUND: Duration = Duration::from_secs(45);

/// A candidate, and the step at which it was proposed.
#[derive(Debug, Clone, Serialize)]
pub struct CandidateRow {
    /// Number of the look at a goal, from 1.
    pub step: usize,
    /// Tactic, sources, log-probability.
    #[serde(flatten)]
    pub candidate: Candidate,
}

/// Lean's answer to a candidate.
#[derive(Debug, Clone, Serialize)]
pub struct VerdictRow {
    /// Number of the look at a goal, from 1.
    pub step: usize,
    /// The tactic.
    pub tactic: String,
    /// Lean's answer.
    pub verdict: Verdict,
}

/// A suggestion that stands in the proof.
#[derive(Debug, Clone, Serialize)]
pub struct AcceptedRow {
    /// Number of the look at a goal, from 1.
    pub step: usize,
    /// The tactic.
    pub tactic: String,
    /// The proposer that ranked it best.
    pub source: Source,
    /// All proposers.
    pub sources: Vec<Source>,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Played {
    /// The first goal.
    pub goal: Option<Goal>,
    /// Everything proposed.
    pub candidates: Vec<CandidateRow>,
    /// Everything that Lean answered.
    pub verdicts: Vec<VerdictRow>,
    /// What stands in the proof at the end.
    pub accepted: Vec<AcceptedRow>,
    /// Whether the declaration stands without error and `sorry`.
    pub proof_complete: bool,
}

/// What happens, for whoever shows it.
pub enum Happening<'a> {
    /// Suggestions at a goal.
    Look { step: usize, result: &'a SuggestResult },
    /// A suggestion was taken.
    Took(&'a AcceptedRow),
    /// Nothing more to try there: the last step is undone.
    WentBack,
}

/// A place where a suggestion was taken, with those that were not yet.
struct Frame {
    before: String,
    at: usize,
    left: VecDeque<Suggestion>,
    step: usize,
}

/// Proves the declaration around the first hole; looks at goals at most `looks` times.
pub async fn play(editor: &mut Editor, looks: usize, mut tell: impl FnMut(Happening)) -> Result<Played> {
    let mut played = Played::default();
    let Some(mut at) = first_hole(&editor.text) else { return Ok(played) };
    let mut seen: HashSet<Vec<GoalKey>> = HashSet::new();
    let mut path: Vec<Frame> = Vec::new();
    for step in 1..=looks {
        let result = editor.suggest(at, LIMIT, ROUND).await?;
        played.record(step, &result);
        tell(Happening::Look { step, result: &result });
        for s in &result.suggestions {
            editor.event(&s.id, "shown")?;
        }
        if !result.goals.is_empty() {
            seen.insert(state_key(&result.goals));
        }
        let mut left: VecDeque<Suggestion> = result.suggestions.into();
        if path.len() >= DEPTH {
            left.retain(|s| s.verdict.completes);
        }
        path.push(Frame { before: editor.text.clone(), at, left, step });
        // Take the best that leads to a state not seen yet; go back where there is none.
        let taken = loop {
            let Some(frame) = path.last_mut() else { break None };
            match frame.left.pop_front() {
                Some(s) if s.verdict.completes || !seen.contains(&state_key(&s.verdict.goals)) => {
                    break Some(s);
                }
                Some(_) => {}
                None => {
                    path.pop();
                    played.accepted.pop();
                    if let Some(previous) = path.last() {
                        tell(Happening::WentBack);
                        editor.revert(&previous.before).await?;
                    }
                }
            }
        };
        let (Some(s), Some(frame)) = (taken, path.last()) else { return Ok(played) };
        let row = AcceptedRow {
            step: frame.step,
            tactic: s.candidate.tactic.clone(),
            source: s.candidate.source,
            sources: s.candidate.sources.clone(),
        };
        tell(Happening::Took(&row));
        played.accepted.push(row);
        let from = frame.at;
        let diagnostics = editor.replace(s.edit.range, &s.edit.new_text).await?;
        if s.verdict.completes {
            played.proof_complete = errors(&diagnostics).is_empty();
            editor.saved()?;
            return Ok(played);
        }
        at = next_place(editor, &s, from).await?;
    }
    Ok(played)
}

/// Where the proof goes on: a fresh line below the tactic while goals remain in its block, the next hole
/// of the document otherwise.
async fn next_place(editor: &mut Editor, taken: &Suggestion, from: usize) -> Result<usize> {
    if taken.verdict.goals.is_empty()
        && let Some(hole) = first_hole(&editor.text)
    {
        return Ok(hole);
    }
    let start = position::offset(&editor.text, taken.edit.range.start);
    let end = start + taken.edit.new_text.len();
    let first_line = taken.candidate.tactic.lines().next().unwrap_or("");
    let tactic_at = editor.text[start..end].find(first_line).map_or(from.min(end), |i| start + i);
    let line_start = editor.text[..tactic_at].rfind('\n').map_or(0, |i| i + 1);
    let column = editor.text[line_start..tactic_at].chars().count();
    let break_ = format!("\n{}", " ".repeat(column));
    let place = position::position(&editor.text, end);
    editor.replace(lsp_types::Range::new(place, place), &break_).await?;
    Ok(end + break_.len())
}

fn state_key(goals: &[Goal]) -> Vec<GoalKey> {
    goals.iter().map(Goal::key).collect()
}

impl Played {
    fn record(&mut self, step: usize, result: &SuggestResult) {
        if self.goal.is_none() {
            self.goal = result.goal.clone();
        }
        let suggested = result.suggestions.iter().map(|s| (&s.candidate, &s.verdict));
        let tried = result.tried.iter().map(|t| (&t.candidate, &t.verdict));
        for (candidate, verdict) in suggested.chain(tried) {
            self.candidates.push(CandidateRow { step, candidate: candidate.clone() });
            let row = VerdictRow { step, tactic: candidate.tactic.clone(), verdict: verdict.clone() };
            self.verdicts.push(row);
        }
    }
}
