//! Trying tactics at one place: the steps between the actor's queue and the second server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use dashmap::DashMap;
use lsp_types::Diagnostic;
use sha2::{Digest, Sha256};

use super::judge::{self, Batch, Comparison, Triage};
use super::scratch::{Scratch, holes_at};
use super::shadow::{Shadow, Trouble};
use super::{Place, lean_search};
use crate::error::{Failure, FailureKind};
use crate::lean::LeanCommand;
use crate::lsp::position;
use crate::proof::tactic::{Token, TokenKind, names_sorry, tokens};
use crate::proof::{Goal, Verdict, VerdictKind, same_state};

/// Candidates tried in one elaboration: few, so that the first answers come early.
const BATCH: usize = 8;
/// Limit for reading a document for the first time, with all that it imports.
const OPEN_LIMIT: Duration = Duration::from_secs(180);
/// With so many tactics that did not end, the server is started again.
const RUNAWAYS: u32 = 3;

/// Toolchain, document without the hole, tactic.
type CacheKey = [u8; 32];

/// Verdicts by all that Lean saw, shared by all tasks of the process.
pub type VerdictCache = Arc<DashMap<CacheKey, Verdict>>;

/// The second server with the place that it was last used at.
pub struct Trial {
    command: LeanCommand,
    limit: Duration,
    cache: VerdictCache,
    shadow: Option<Shadow>,
    prepared: Option<Arc<Prepared>>,
    /// Why the server had to be started again, the last time that it had.
    restarted: Option<String>,
    /// Tactics that the running server was left with: one that never looks whether it was cancelled goes
    /// on in its thread, unseen.
    runaways: u32,
}

/// A place whose goals are known.
pub struct Prepared {
    place: Place,
    /// The document with its hole.
    pub scratch: Scratch,
    /// The goals, main goal first.
    pub goals: Vec<Goal>,
    baseline: Vec<Diagnostic>,
    baseline_lines: u32,
    /// How long Lean may need for the document with nothing tried.
    cost: Duration,
}

impl Trial {
    /// Nothing is started yet.
    pub fn new(command: LeanCommand, limit: Duration, cache: VerdictCache) -> Trial {
        Trial { command, limit, cache, shadow: None, prepared: None, restarted: None, runaways: 0 }
    }

    /// Ends the server.
    pub fn stop(&mut self) {
        self.shadow = None;
        self.prepared = None;
    }

    /// Whether the server runs.
    pub fn is_running(&self) -> bool {
        self.shadow.is_some()
    }

    /// Why the server had to be started again, the last time that it had.
    pub fn restarted(&self) -> Option<&str> {
        self.restarted.as_deref()
    }

    /// Reads the goals at a place; `None` where there is no proof state.
    pub async fn prepare(&mut self, place: &Place) -> Result<Option<Arc<Prepared>>> {
        if let Some(p) = self.prepared.as_ref().filter(|p| p.place == *place) {
            return Ok(Some(p.clone()));
        }
        self.prepared = None;
        let offset = position::offset(&place.text, place.position);
        for hole in holes_at(&place.text, offset) {
            let scratch = Scratch::new(&place.text, hole);
            let block = scratch.baseline_block();
            let started = Instant::now();
            let said = self.elaborate(&place.uri, &scratch.with(&block), OPEN_LIMIT).await?;
            let baseline = match said {
                Ok(diagnostics) => diagnostics,
                Err(Trouble::Died(failure)) => return Err(failure.into()),
                Err(Trouble::Slow(_)) => {
                    self.stop();
                    return Err(Failure::new(
                        FailureKind::Lean,
                        format!(
                            "Lean did not finish reading `{}` within {} s",
                            place.uri,
                            OPEN_LIMIT.as_secs()
                        ),
                    )
                    .hint("look for a declaration that does not end, or shorten what stands before the goal")
                    .into());
                }
            };
            if let Some(goals) = judge::traced_goals(&baseline, scratch.block_line()) {
                let prepared = Arc::new(Prepared {
                    place: place.clone(),
                    baseline_lines: scratch.lines_of(&block),
                    scratch,
                    goals,
                    baseline,
                    // The first reading takes the imports, which no later one does.
                    cost: started.elapsed().min(self.limit),
                });
                self.prepared = Some(prepared.clone());
                return Ok(Some(prepared));
            }
        }
        Ok(None)
    }

    /// Tries tactics in their order; `report` gets each verdict once, as soon as it is known.
    pub async fn verify(
        &mut self,
        at: &Arc<Prepared>,
        tactics: &[(usize, String)],
        report: &mut (impl FnMut(usize, Verdict) + Send),
    ) -> Result<()> {
        let mut waiting: Vec<(usize, &str)> = Vec::new();
        for (i, tactic) in tactics {
            match self.cache.get(&self.key(at, tactic)).map(|v| v.clone()) {
                Some(known) => report(*i, Verdict { elapsed_ms: 0.0, ..known }),
                None => waiting.push((*i, tactic)),
            }
        }
        while !waiting.is_empty() {
            let fits = waiting.iter().take(BATCH).take_while(|(_, t)| can_be_batched(at, t)).count();
            if fits < 2 {
                let (i, tactic) = waiting.remove(0);
                let verdict = self.confirm(at, tactic, None, 0.0).await?;
                self.report(at, i, tactic, verdict, report);
                continue;
            }
            let batch: Vec<(usize, &str)> = waiting.drain(..fits).collect();
            let again = self.triage(at, &batch, report).await?;
            waiting.splice(0..0, again);
        }
        Ok(())
    }

    /// One elaboration for many candidates, then one for each survivor. What has to be tried again, the
    /// candidate that ended the batch excepted, is returned.
    async fn triage<'t>(
        &mut self,
        at: &Arc<Prepared>,
        tactics: &[(usize, &'t str)],
        report: &mut (impl FnMut(usize, Verdict) + Send),
    ) -> Result<Vec<(usize, &'t str)>> {
        let texts: Vec<&str> = tactics.iter().map(|(_, t)| *t).collect();
        let batch = Batch::new(&texts, at.goals.len() > 1);
        let started = Instant::now();
        let text = at.scratch.with(&batch.block);
        let said = self.elaborate(&at.place.uri, &text, self.limit + at.cost).await?;
        let (diagnostics, ended) = match said {
            Ok(d) => (d, true),
            Err(Trouble::Slow(d)) => (d, false),
            // Which one it was, the single tries will show.
            Err(Trouble::Died(_)) => (Vec::new(), false),
        };
        let share = started.elapsed().as_secs_f64() * 1000.0 / tactics.len() as f64;
        let results = batch.read(&diagnostics, at.scratch.block_line());
        tracing::debug!(n = tactics.len(), ended, ms = share * tactics.len() as f64, "triage");
        let culprit = results.iter().position(|r| matches!(r, Triage::Unfinished(_)));
        for (r, (i, tactic)) in results.iter().zip(tactics).take(culprit.unwrap_or(results.len())) {
            let verdict = match r {
                Triage::Refused(m) if !judge::is_exhaustion(m) => {
                    judge::refused(VerdictKind::Error, m.clone(), share)
                }
                Triage::Accepted(left) if same_state(left, &at.goals[..1]) => Verdict {
                    kind: VerdictKind::NoProgress,
                    completes: false,
                    goals: at.goals.clone(),
                    message: None,
                    elapsed_ms: share,
                },
                Triage::Accepted(left) => self.confirm(at, tactic, Some(left), share).await?,
                _ => self.confirm(at, tactic, None, share).await?,
            };
            self.report(at, *i, tactic, verdict, report);
        }
        let Some(n) = culprit else { return Ok(Vec::new()) };
        let (i, tactic) = tactics[n];
        let verdict = match &results[n] {
            // It does not parse, or stopped everything: Lean's own words, where the batch came to an end.
            Triage::Unfinished(Some(m)) if ended && !judge::is_exhaustion(m) => {
                judge::refused(VerdictKind::Error, m.clone(), share)
            }
            _ => self.confirm(at, tactic, None, share).await?,
        };
        self.report(at, i, tactic, verdict, report);
        Ok(tactics[n + 1..].to_vec())
    }

    /// Tries one tactic by the edit that the user would make. `left` is what triage saw.
    async fn confirm(
        &mut self,
        at: &Arc<Prepared>,
        tactic: &str,
        left: Option<&[Goal]>,
        spent: f64,
    ) -> Result<Verdict> {
        let started = Instant::now();
        let ms = || spent + started.elapsed().as_secs_f64() * 1000.0;
        let followed = at.scratch.hole.followed;
        let expected_last = left.is_some_and(<[Goal]>::is_empty) && at.goals.len() == 1;
        let mut goals = Vec::new();
        if !expected_last || followed {
            let block = at.scratch.block_behind(tactic);
            let (diagnostics, comparison_delta) = match self.try_block(at, &block).await? {
                Ok(d) => d,
                Err(verdict) => return Ok(Verdict { elapsed_ms: ms(), ..verdict }),
            };
            if let Some(error) = at.compare(&diagnostics, comparison_delta).new_error() {
                return Ok(at.error_verdict(error, ms()));
            }
            let line = at.scratch.block_line() + tactic.trim_end().lines().count() as u32;
            let Some(after) = judge::traced_goals(&diagnostics, line) else {
                let message = "the tactic did not hand its goals on to what follows";
                return Ok(judge::refused(VerdictKind::Error, message, ms()));
            };
            if let Some(w) = at.compare(&diagnostics, comparison_delta).new_sorry() {
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
        let (diagnostics, delta) = match self.try_block(at, tactic).await? {
            Ok(d) => d,
            Err(verdict) => return Ok(Verdict { elapsed_ms: ms(), ..verdict }),
        };
        if let Some(error) = at.compare(&diagnostics, delta).new_error() {
            return Ok(at.error_verdict(error, ms()));
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

    /// Elaborates the document with a block; a verdict where Lean did not finish.
    async fn try_block(
        &mut self,
        at: &Arc<Prepared>,
        block: &str,
    ) -> Result<Result<(Vec<Diagnostic>, i64), Verdict>> {
        let text = at.scratch.with(block);
        let delta = i64::from(at.scratch.lines_of(block)) - i64::from(at.baseline_lines);
        Ok(match self.elaborate(&at.place.uri, &text, self.limit + at.cost).await? {
            Ok(d) => Ok((d, delta)),
            Err(Trouble::Slow(_)) => {
                let message = format!("no answer within {} ms", self.limit.as_millis());
                self.recover(at).await?;
                Err(judge::refused(VerdictKind::Timeout, message, 0.0))
            }
            Err(Trouble::Died(failure)) => Err(judge::refused(VerdictKind::Error, failure.message, 0.0)),
        })
    }

    /// Asks Lean for something easy after a tactic that did not end; kills the server where it is not
    /// given.
    async fn recover(&mut self, at: &Arc<Prepared>) -> Result<()> {
        let text = at.scratch.with(&at.scratch.baseline_block());
        let said = self.elaborate(&at.place.uri, &text, self.limit + at.cost).await?;
        self.runaways += 1;
        if said.is_err() || self.runaways >= RUNAWAYS {
            tracing::info!("the second Lean server does not come back from a tactic; it is started again");
            self.shadow = None;
            self.runaways = 0;
        }
        Ok(())
    }

    /// What Lean's own search proposes at a place with one of its commands.
    pub async fn search(&mut self, at: &Arc<Prepared>, command: &str) -> Result<Vec<String>> {
        let command = match at.scratch.hidden() {
            Some(hide) => format!("{hide}\n{command}"),
            None => command.to_owned(),
        };
        let line = at.scratch.block_line() + command.matches('\n').count() as u32;
        let block = match at.scratch.hole.followed {
            true => command,
            false => format!("{command}\n{}", at.scratch.filler()),
        };
        let text = at.scratch.with(&block);
        let said = self.elaborate(&at.place.uri, &text, self.limit * 2 + at.cost).await?;
        match said {
            Ok(d) => Ok(lean_search::proposals(&d, line)),
            Err(Trouble::Slow(d)) => {
                self.recover(at).await?;
                Ok(lean_search::proposals(&d, line))
            }
            Err(Trouble::Died(_)) => Ok(Vec::new()),
        }
    }

    /// Elaborates in a running server; one that died is started again, once.
    async fn elaborate(
        &mut self,
        uri: &str,
        text: &str,
        limit: Duration,
    ) -> Result<Result<Vec<Diagnostic>, Trouble>> {
        for last in [false, true] {
            if let Some(why) = self.shadow.as_ref().and_then(Shadow::end) {
                self.restarted = Some(format!("the second Lean server {why}; it was started again"));
                self.shadow = None;
            }
            let shadow = match &mut self.shadow {
                Some(s) => s,
                none => none.insert(Shadow::start(&self.command).await?),
            };
            let limit = if shadow.is_open(uri) { limit } else { limit.max(OPEN_LIMIT) };
            match shadow.elaborate(uri, text, limit).await {
                Err(Trouble::Died(failure)) if !last => {
                    tracing::info!("{failure}; trying again");
                    self.restarted = Some(format!("{failure}; it was started again"));
                    continue;
                }
                answer => return Ok(answer),
            }
        }
        // The second round always returns.
        Ok(Err(Trouble::Died(Failure::new(FailureKind::Lean, "the Lean server ended"))))
    }

    fn report(
        &self,
        at: &Prepared,
        i: usize,
        tactic: &str,
        verdict: Verdict,
        report: &mut (impl FnMut(usize, Verdict) + Send),
    ) {
        // What did not finish may do so on a quieter machine.
        if verdict.kind != VerdictKind::Timeout {
            self.cache.insert(self.key(at, tactic), verdict.clone());
        }
        report(i, verdict);
    }

    fn key(&self, at: &Prepared, tactic: &str) -> CacheKey {
        let mut hash = Sha256::new();
        let hole = &at.scratch.hole;
        let column = hole.column.to_string();
        let parts = [
            self.command.label.as_str(),
            &self.command.cwd.to_string_lossy(),
            &at.place.uri,
            &at.scratch.before,
            &at.scratch.after,
            &hole.lead,
            &column,
            tactic,
        ];
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}

impl Prepared {
    fn compare<'a>(&'a self, trial: &'a [Diagnostic], delta: i64) -> Comparison<'a> {
        Comparison { baseline: &self.baseline, trial, line: self.scratch.block_line(), delta }
    }

    fn error_verdict(&self, error: &Diagnostic, ms: f64) -> Verdict {
        let kind =
            if judge::is_exhaustion(&error.message) { VerdictKind::Timeout } else { VerdictKind::Error };
        judge::refused(kind, error.message.clone(), ms)
    }

    /// The declaration's lines in the document with a block.
    fn lines(&self, block: &str) -> std::ops::Range<u32> {
        let d = &self.scratch.declaration;
        d.start..d.end + self.scratch.lines_of(block)
    }
}

/// Whether a tactic means the same on a copy of the main goal: it does not reach for other goals or
/// case tags, and the goal shares no metavariable with others.
fn can_be_batched(at: &Prepared, tactic: &str) -> bool {
    const REACH: &[&str] = &[
        "case",
        "case'",
        "next",
        "all_goals",
        "any_goals",
        "rotate_left",
        "rotate_right",
        "swap",
        "pick_goal",
        "on_goal",
        "done",
    ];
    let Some(main) = at.goals.first() else { return false };
    let reaches = |t: &Token<'_>| REACH.contains(&t.text);
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
