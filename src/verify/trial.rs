//! Trying tactics at one place: the steps between the actor's queue and the servers behind it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use dashmap::DashMap;
use tokio::sync::mpsc;

use super::attempts::Attempts;
use super::batch::{self, no_progress};
use super::confirm::confirm;
use super::lane::{Lane, OPEN_LIMIT};
use super::prepared::{Key, Prepared, error_verdict};
use super::probe::{Found, Probe};
use super::scratch::{Scratch, holes_at};
use super::shadow::Trouble;
use super::{Place, judge, lean_search};
use crate::error::{Failure, FailureKind};
use crate::lean::LeanCommand;
use crate::lsp::position;
use crate::proof::{Goal, Offer, Verdict, VerdictKind, same_state};

/// Places whose goals are remembered.
const PREPARED: usize = 8;
/// Answers of Lean's search that are remembered.
const SEARCHES: usize = 64;
/// Verdicts that are remembered; a long day makes more, and they hold goals.
const VERDICTS: usize = 10_000;

/// What is known of a tactic at a place.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// Its verdict.
    Verdict(Verdict),
    /// Triage accepted it; all goals that it leaves. It was not confirmed.
    Passed(Vec<Goal>),
}

/// What is known by all that Lean saw, shared by all tasks of the process.
pub type VerdictCache = Arc<DashMap<Key, Known>>;

/// The servers with the places that they were last used at.
pub struct Trial {
    limit: Duration,
    cache: VerdictCache,
    /// The second server: its document is the user's text with what is tried, and nothing else.
    lane: Lane,
    probe: Probe,
    /// The last one used last.
    prepared: VecDeque<Arc<Prepared>>,
    searches: HashMap<Key, Vec<String>>,
}

impl Trial {
    /// Nothing is started yet.
    pub fn new(command: LeanCommand, limit: Duration, cache: VerdictCache) -> Trial {
        Trial {
            limit,
            cache,
            lane: Lane::new(command.clone()),
            probe: Probe::new(command),
            prepared: VecDeque::new(),
            searches: HashMap::new(),
        }
    }

    /// The longest time for one candidate.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Ends the servers.
    pub fn stop(&mut self) {
        self.lane.stop();
        self.probe.stop();
        self.prepared.clear();
    }

    /// Whether the second server runs.
    pub fn is_running(&self) -> bool {
        self.lane.is_running()
    }

    /// Why the second server had to be started again, the last time that it had.
    pub fn restarted(&self) -> Option<&str> {
        self.lane.restarted()
    }

    /// How many of Lean's processes had to be replaced so far: they died, or did not come back from a tactic.
    pub fn replaced(&self) -> u64 {
        self.lane.replaced() + self.probe.replaced()
    }

    /// Whether candidates are sifted inside Lean.
    pub fn has_probe(&self) -> bool {
        self.probe.is_live()
    }

    /// Why candidates cannot be sifted inside Lean, where that was tried.
    pub fn probe_refusal(&self) -> Option<String> {
        self.probe.refusal().map(str::to_owned)
    }

    /// Uses a pause: the probe is started for the place that was looked at last.
    pub async fn pause(&mut self) {
        if let (true, Some(at)) = (self.lane.is_running(), self.prepared.back()) {
            self.probe.warm(&at.clone()).await;
        }
    }

    /// Reads the goals at a place; `None` where there is no proof state.
    pub async fn prepare(&mut self, place: &Place) -> Result<Option<Arc<Prepared>>> {
        let offset = position::offset(&place.text, place.position);
        for hole in holes_at(&place.text, offset) {
            let scratch = Scratch::new(&place.text, hole);
            // An edit that Lean would not see here changes nothing.
            let known = self.prepared.iter().position(|p| p.uri == place.uri && p.scratch == scratch);
            if let Some(p) = known.and_then(|i| self.prepared.remove(i)) {
                self.prepared.push_back(p.clone());
                return Ok(Some(p));
            }
            let block = scratch.baseline_block();
            let started = Instant::now();
            // Both processes read what was edited, at the same time.
            self.probe.follow(&place.uri, &scratch);
            let said = self.lane.read(&place.uri, &scratch.with(&block)).await?;
            let baseline = match said {
                Ok(diagnostics) => diagnostics,
                Err(Trouble::Died(failure)) => return Err(failure.into()),
                Err(Trouble::Slow(_)) => {
                    self.stop();
                    return Err(unreadable(place).into());
                }
            };
            let Some(goals) = judge::traced_goals(&baseline, scratch.block_line()) else { continue };
            let prepared = Arc::new(Prepared {
                uri: place.uri.clone(),
                baseline_lines: scratch.lines_of(&block),
                scratch,
                goals,
                baseline,
                // The first reading takes the imports, which no later one does.
                cost: started.elapsed().min(self.limit),
            });
            if self.prepared.len() == PREPARED {
                self.prepared.pop_front();
            }
            self.prepared.push_back(prepared.clone());
            return Ok(Some(prepared));
        }
        Ok(None)
    }

    /// Tries what waits, likeliest first; `report` gets each verdict once, as soon as it is known. When the
    /// future is dropped, `attempts` says how far it came, and another call goes on from there.
    pub async fn verify(
        &mut self,
        at: &Arc<Prepared>,
        attempts: &mut Attempts,
        report: &mut (impl FnMut(usize, Verdict) + Send),
    ) -> Result<()> {
        self.recall(at, attempts, report);
        if attempts.waiting().nth(1).is_some() && self.probe.attend(at).await {
            self.verify_in_lanes(at, attempts, report).await?;
        }
        settle(&mut self.lane, at).await?;
        let mut first = true;
        loop {
            self.confirm_survivors(at, attempts, report).await?;
            if attempts.waiting().next().is_none() {
                return Ok(());
            }
            let verdicts = batch::triage(&mut self.lane, self.limit, at, attempts, first).await?;
            first = false;
            let ledger = Ledger { cache: &self.cache, command: self.lane.command(), at };
            for (i, verdict) in verdicts {
                ledger.report(attempts, i, verdict, report);
            }
        }
    }

    /// Takes from the cache what is known.
    fn recall(
        &self,
        at: &Prepared,
        attempts: &mut Attempts,
        report: &mut (impl FnMut(usize, Verdict) + Send),
    ) {
        let waiting: Vec<(usize, String)> = attempts.waiting().map(|(i, t)| (i, t.to_owned())).collect();
        for (i, tactic) in waiting {
            let known = self.cache.get(&at.key(self.lane.command(), &tactic)).map(|k| k.clone());
            match known {
                Some(Known::Verdict(v)) => {
                    let verdict = Verdict { elapsed_ms: 0.0, ..v };
                    report(attempts.done(i, &verdict), verdict);
                }
                Some(Known::Passed(after)) => attempts.pass(i, after),
                None => {}
            }
        }
    }

    async fn confirm_survivors(
        &mut self,
        at: &Prepared,
        attempts: &mut Attempts,
        report: &mut (impl FnMut(usize, Verdict) + Send),
    ) -> Result<()> {
        while let Some(i) = attempts.next_survivor() {
            let (tactic, after) = (attempts.tactic(i).to_owned(), attempts.passed(i).map(<[Goal]>::to_vec));
            let verdict = confirm(&mut self.lane, self.limit, at, &tactic, after.as_deref(), 0.0).await?;
            Ledger { cache: &self.cache, command: self.lane.command(), at }
                .report(attempts, i, verdict, report);
        }
        Ok(())
    }

    /// Both stages at once: the probe tries the next candidates while a survivor is confirmed. What the
    /// probe leaves without a result waits on.
    async fn verify_in_lanes(
        &mut self,
        at: &Prepared,
        attempts: &mut Attempts,
        report: &mut (impl FnMut(usize, Verdict) + Send),
    ) -> Result<()> {
        let Trial { limit, cache, lane, probe, .. } = self;
        let limit = *limit;
        let waiting: Vec<(usize, String)> = attempts.waiting().map(|(i, t)| (i, t.to_owned())).collect();
        let (found, mut results) = mpsc::unbounded_channel();
        let started = Instant::now();
        let n = waiting.len();
        let triage = async {
            if let Err(why) = probe.triage(at, waiting, limit, &found).await {
                tracing::info!("triage goes on by edits: {why}");
            }
            tracing::debug!(n, ms = started.elapsed().as_millis() as u64, "triage in Lean");
            drop(found);
        };
        let confirming = async {
            settle(lane, at).await?;
            loop {
                let survivor = attempts.next_survivor();
                // What triage has found meanwhile is reported between two edits.
                let result = match survivor {
                    Some(_) => results.try_recv().ok(),
                    None => match results.recv().await {
                        Some(r) => Some(r),
                        None => return Ok(()),
                    },
                };
                let ledger = Ledger { cache, command: &lane.command().clone(), at };
                if let Some((i, result, ms)) = result {
                    let verdict = match result {
                        Found::Left(after) if same_state(&after, &at.goals) => no_progress(at, ms),
                        Found::Left(after) => {
                            ledger.remember(attempts.tactic(i), Known::Passed(after.clone()));
                            attempts.pass(i, after);
                            continue;
                        }
                        Found::Refused(message) => error_verdict(&message, ms),
                        Found::Endless => endless(limit, ms),
                    };
                    ledger.report(attempts, i, verdict, report);
                } else if let Some(i) = survivor {
                    let tactic = attempts.tactic(i).to_owned();
                    let after = attempts.passed(i).map(<[Goal]>::to_vec);
                    let verdict = confirm(lane, limit, at, &tactic, after.as_deref(), 0.0).await?;
                    ledger.report(attempts, i, verdict, report);
                }
            }
        };
        let ((), confirmed): ((), Result<()>) = tokio::join!(triage, confirming);
        confirmed
    }

    /// Has the probe started for a place, and waits until it runs or cannot.
    pub async fn start_probe(&mut self, at: &Prepared) {
        self.probe.start(at).await;
    }

    /// What the names at a place offer; `None` where Lean cannot be asked by a method.
    pub async fn offer(&mut self, at: &Prepared) -> Result<Option<Offer>> {
        self.probe.offer(at, self.limit + at.cost).await.map_err(anyhow::Error::msg)
    }

    /// What Lean's own search proposes at a place with one of its commands.
    pub async fn search(&mut self, at: &Prepared, command: &str) -> Result<Vec<String>> {
        let key = at.key(self.lane.command(), command);
        if let Some(known) = self.searches.get(&key) {
            return Ok(known.clone());
        }
        settle(&mut self.lane, at).await?;
        let block = match at.scratch.hidden() {
            Some(hide) => format!("{hide}\n{command}"),
            None => command.to_owned(),
        };
        let line = at.scratch.block_line() + block.matches('\n').count() as u32;
        let block = match at.scratch.hole.followed {
            true => block,
            false => format!("{block}\n{}", at.scratch.filler()),
        };
        let text = at.scratch.with(&block);
        let said = self.lane.elaborate(&at.uri, &text, self.limit * 2 + at.cost).await?;
        match said {
            Ok(d) => {
                let proposals = lean_search::proposals(&d, line);
                if self.searches.len() >= SEARCHES {
                    self.searches.clear();
                }
                self.searches.insert(key, proposals.clone());
                Ok(proposals)
            }
            Err(Trouble::Slow(d)) => {
                self.lane.recover(&at.uri, &at.easy(), self.limit + at.cost).await?;
                Ok(lean_search::proposals(&d, line))
            }
            Err(Trouble::Died(_)) => Ok(Vec::new()),
        }
    }
}

/// Gets Lean back from work that was broken off, so that its time is not the next candidate's.
async fn settle(lane: &mut Lane, at: &Prepared) -> Result<()> {
    if lane.is_abandoned(&at.uri) {
        // Where it ends in trouble, what comes next will tell.
        let _ = lane.read(&at.uri, &at.easy()).await?;
    }
    Ok(())
}

/// What happens when a candidate has its verdict.
struct Ledger<'a> {
    cache: &'a VerdictCache,
    command: &'a LeanCommand,
    at: &'a Prepared,
}

impl Ledger<'_> {
    fn report(
        &self,
        attempts: &mut Attempts,
        i: usize,
        verdict: Verdict,
        report: &mut (impl FnMut(usize, Verdict) + Send),
    ) {
        // What did not finish may do so on a quieter machine.
        if verdict.kind != VerdictKind::Timeout {
            self.remember(attempts.tactic(i), Known::Verdict(verdict.clone()));
        }
        report(attempts.done(i, &verdict), verdict);
    }

    fn remember(&self, tactic: &str, known: Known) {
        if self.cache.len() >= VERDICTS {
            self.cache.clear();
        }
        self.cache.insert(self.at.key(self.command, tactic), known);
    }
}

/// The verdict on a candidate that did not end.
pub fn endless(limit: Duration, ms: f64) -> Verdict {
    judge::refused(VerdictKind::Timeout, format!("no answer within {} ms", limit.as_millis()), ms)
}

fn unreadable(place: &Place) -> Failure {
    let message = format!("Lean did not finish reading `{}` within {} s", place.uri, OPEN_LIMIT.as_secs());
    Failure::new(FailureKind::Lean, message)
        .hint("look for a declaration that does not end, or shorten what stands before the goal")
}
