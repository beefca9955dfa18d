//! The second stage: one tactic by the edit that the user would make.

use std::time::{Duration, Instant};

use anyhow::Result;
use lsp_types::Diagnostic;

use super::judge;
use super::lane::Lane;
use super::prepared::{Prepared, error_verdict};
use super::shadow::Trouble;
use super::trial::endless;
use crate::proof::tactic::names_sorry;
use crate::proof::{Goal, Verdict, VerdictKind};

/// Tries one tactic by the edit that the user would make. `expected` is what triage saw it leave; `spent`
/// the milliseconds that triage took.
pub async fn confirm(
    lane: &mut Lane,
    limit: Duration,
    at: &Prepared,
    tactic: &str,
    expected: Option<&[Goal]>,
    spent: f64,
) -> Result<Verdict> {
    let started = Instant::now();
    let ms = || spent + started.elapsed().as_secs_f64() * 1000.0;
    let followed = at.scratch.hole.followed;
    let expected_last = expected.is_some_and(<[Goal]>::is_empty);
    // The line behind the tactic's last one.
    let behind = at.scratch.block_line() + tactic.trim_end().lines().count() as u32;
    let mut goals = Vec::new();
    if !expected_last || followed {
        let block = at.scratch.block_behind(tactic);
        let (diagnostics, delta) = match try_block(lane, limit, at, &block).await? {
            Ok(d) => d,
            Err(verdict) => return Ok(Verdict { elapsed_ms: ms(), ..verdict }),
        };
        let traced = judge::traced_goals(&diagnostics, behind);
        if let Some(error) = at.compare(&diagnostics, delta).new_error() {
            return Ok(on_error(error, behind, traced, ms()));
        }
        let Some(after) = traced else {
            let message = "the tactic did not hand its goals on to what follows";
            return Ok(judge::refused(VerdictKind::Error, message, ms()));
        };
        if let Some(w) = at.compare(&diagnostics, delta).new_sorry() {
            return Ok(judge::refused(VerdictKind::Error, w.message.clone(), ms()));
        }
        if at.scratch.masks_sorry() && names_sorry(tactic) {
            let message = "it leaves a proof open (`sorry`)";
            return Ok(judge::refused(VerdictKind::Error, message, ms()));
        }
        let kind = judge::kind_of(&at.goals, &after);
        if !after.is_empty() || followed {
            let stands = followed && judge::stands(&diagnostics, &at.lines(&block));
            let completes = stands && !at.scratch.other_sorry;
            return Ok(Verdict { kind, completes, goals: after, message: None, elapsed_ms: ms() });
        }
        goals = after;
    }
    // The block is done: the user's text with the tactic and nothing of ours.
    let (diagnostics, delta) = match try_block(lane, limit, at, tactic).await? {
        Ok(d) => d,
        Err(verdict) => return Ok(Verdict { elapsed_ms: ms(), ..verdict }),
    };
    if let Some(error) = at.compare(&diagnostics, delta).new_error() {
        return Ok(on_error(error, behind, Some(goals), ms()));
    }
    let lines = at.lines(tactic);
    let sorry = judge::uses_sorry(&diagnostics, &lines);
    if (sorry && !at.scratch.other_sorry) || (at.scratch.masks_sorry() && names_sorry(tactic)) {
        return Ok(judge::refused(
            VerdictKind::Error,
            "it proves nothing: the declaration uses `sorry`",
            ms(),
        ));
    }
    let completes = judge::stands(&diagnostics, &lines) && !at.scratch.other_sorry;
    let kind = judge::kind_of(&at.goals, &goals);
    Ok(Verdict { kind, completes, goals, message: None, elapsed_ms: ms() })
}

/// The verdict where Lean says an error that it does not say without the tactic: the first one in the text.
/// `behind` is the line behind the tactic, `left` the goals that Lean had there, if it got so far.
fn on_error(error: &Diagnostic, behind: u32, left: Option<Vec<Goal>>, ms: f64) -> Verdict {
    let verdict = error_verdict(&error.message, ms);
    match left {
        // The tactic ran to its end, and no error stands in it or before it: only what follows does not go with
        // it. That must not count against the tactic at this goal.
        Some(goals) if error.range.start.line >= behind && verdict.kind == VerdictKind::Error => {
            Verdict { kind: VerdictKind::BreaksRest, goals, ..verdict }
        }
        _ => verdict,
    }
}

/// Elaborates the document with a block; a verdict where Lean did not finish.
async fn try_block(
    lane: &mut Lane,
    limit: Duration,
    at: &Prepared,
    block: &str,
) -> Result<Result<(Vec<Diagnostic>, i64), Verdict>> {
    let text = at.scratch.with(block);
    let delta = i64::from(at.scratch.lines_of(block)) - i64::from(at.baseline_lines);
    Ok(match lane.elaborate(&at.uri, &text, limit + at.cost).await? {
        Ok(d) => Ok((d, delta)),
        Err(Trouble::Slow(_)) => {
            lane.recover(&at.uri, &at.easy(), limit + at.cost).await?;
            Err(endless(limit, 0.0))
        }
        Err(Trouble::Died(failure)) => Err(judge::refused(VerdictKind::Error, failure.message, 0.0)),
    })
}
