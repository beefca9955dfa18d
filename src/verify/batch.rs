//! Triage without the probe: many candidates in one elaboration of the second server's document.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::attempts::Attempts;
use super::confirm::confirm;
use super::judge::{self, Batch, Triage};
use super::lane::Lane;
use super::prepared::Prepared;
use super::shadow::Trouble;
use crate::proof::tactic::{REACHING, Token, TokenKind, tokens};
use crate::proof::{Verdict, VerdictKind, same_state};

/// Candidates tried in the first elaboration: few, so that a first answer comes early.
const FIRST: usize = 3;
/// Candidates tried in each further elaboration.
const BATCH: usize = 8;

/// Tries the first of the waiting candidates, one or a batch; hands back the verdicts that this gives. The
/// survivors wait to be confirmed.
pub async fn triage(
    lane: &mut Lane,
    limit: Duration,
    at: &Prepared,
    attempts: &mut Attempts,
    first: bool,
) -> Result<Vec<(usize, Verdict)>> {
    let size = if first { FIRST } else { BATCH };
    let waiting: Vec<(usize, String)> =
        attempts.waiting().take(size).map(|(i, t)| (i, t.to_owned())).collect();
    let fits = waiting.iter().take_while(|(_, t)| can_be_batched(at, t)).count();
    if fits < 2 {
        let Some((i, tactic)) = waiting.into_iter().next() else { return Ok(Vec::new()) };
        return Ok(vec![(i, confirm(lane, limit, at, &tactic, None, 0.0).await?)]);
    }
    let tried = &waiting[..fits];
    let texts: Vec<&str> = tried.iter().map(|(_, t)| t.as_str()).collect();
    let batch = Batch::new(&texts, at.goals.len() > 1);
    let started = Instant::now();
    let said = lane.elaborate(&at.uri, &at.scratch.with(&batch.block), limit + at.cost).await?;
    let (diagnostics, ended) = match said {
        Ok(d) => (d, true),
        Err(Trouble::Slow(d)) => (d, false),
        // Which one it was, the single tries will show.
        Err(Trouble::Died(_)) => (Vec::new(), false),
    };
    let share = started.elapsed().as_secs_f64() * 1000.0 / tried.len() as f64;
    let results = batch.read(&diagnostics, at.scratch.block_line());
    tracing::debug!(n = tried.len(), ended, ms = share * tried.len() as f64, "triage by a batch");
    let culprit = results.iter().position(|r| matches!(r, Triage::Unfinished(_)));
    let mut verdicts = Vec::new();
    // Behind a candidate that ended the batch nothing is known; those wait for the next one.
    let known = culprit.map_or(tried.len(), |c| c + 1);
    for (result, (i, tactic)) in results.iter().zip(tried).take(known) {
        let verdict = match result {
            Triage::Refused(m) if !judge::is_exhaustion(m) => {
                judge::refused(VerdictKind::Error, m.clone(), share)
            }
            Triage::Accepted(left) if same_state(left, &at.goals[..1]) => no_progress(at, share),
            Triage::Accepted(left) => {
                attempts.pass(*i, left.iter().chain(&at.goals[1..]).cloned().collect());
                continue;
            }
            // It does not parse, or stopped everything: Lean's own words, where the batch came to an end.
            Triage::Unfinished(Some(m)) if ended && !judge::is_exhaustion(m) => {
                judge::refused(VerdictKind::Error, m.clone(), share)
            }
            // What exhausts a limit may do so because it ran among others.
            Triage::Refused(_) | Triage::Unfinished(_) => {
                confirm(lane, limit, at, tactic, None, share).await?
            }
        };
        verdicts.push((*i, verdict));
    }
    Ok(verdicts)
}

/// The verdict on a tactic that leaves everything as it was.
pub fn no_progress(at: &Prepared, ms: f64) -> Verdict {
    let goals = at.goals.clone();
    Verdict { kind: VerdictKind::NoProgress, completes: false, goals, message: None, elapsed_ms: ms }
}

/// Whether a tactic means the same on a copy of the main goal: it does not reach for other goals or
/// case tags, and the goal shares no metavariable with others.
fn can_be_batched(at: &Prepared, tactic: &str) -> bool {
    let Some(main) = at.goals.first() else { return false };
    let reaches = |t: &Token<'_>| REACHING.contains(&t.text);
    !has_metavariable(&main.text) && !tokens(tactic).iter().any(reaches)
}

/// Whether a printed goal holds a metavariable, `?a` or `?m.12`; `xs.head?` and `xs[i]?` are none.
fn has_metavariable(goal: &str) -> bool {
    let all = tokens(goal);
    all.windows(2).any(|w| w[0].is("?") && w[1].kind == TokenKind::Word && w[0].end() == w[1].start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_is_not_always_a_metavariable() {
        assert!(has_metavariable("⊢ ?a < b") && has_metavariable("h : p ?m.12\n⊢ q"));
        assert!(!has_metavariable("⊢ xs.head? = xs[0]?") && !has_metavariable("⊢ xs[i]?.getD 0 = l.find? p"));
    }
}
