//! The actor that owns the second server, and its handle.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::sync::{mpsc, oneshot};

use super::trial::{Trial, VerdictCache};
use super::{Place, lean_search};
use crate::config::Settings;
use crate::error::{Failure, FailureKind};
use crate::lean::LeanCommand;
use crate::lean::sandbox::Limits;
use crate::proof::{Candidate, Goal, Source, Verdict, VerdictKind, tactic};

/// Requests that wait at most; a caller that is not awaited waits for a place.
const QUEUE: usize = 32;

/// Whether tactics pass through the text filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// What nobody at the keyboard wrote: from the policy, neighbours, "Try this".
    Apply,
    /// Our own portfolio, and the command `verify`.
    Off,
}

/// How the second server is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifierStatus {
    /// Which Lean it is.
    pub label: String,
    /// Whether it runs now.
    pub running: bool,
    /// Why the last request failed, with the remedy.
    pub problem: Option<(String, Option<String>)>,
    /// Why it had to be started again, the last time that it had.
    pub restarted: Option<String>,
}

/// Where a hole is, for making edits of tactics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The goals, main goal first.
    pub goals: Vec<Goal>,
    /// The hole that Lean has goals at.
    pub hole: super::scratch::Hole,
}

enum Job {
    State(Place, oneshot::Sender<Result<Option<State>>>),
    Verify(Place, Vec<String>, Filter, mpsc::UnboundedSender<(usize, Verdict)>),
    Search(Place, mpsc::UnboundedSender<Candidate>),
}

/// A handle; clones speak to the same actor, which ends with the last.
#[derive(Debug, Clone)]
pub struct VerifierHandle {
    jobs: mpsc::Sender<Job>,
    status: Arc<Mutex<VerifierStatus>>,
}

impl VerifierHandle {
    /// Starts the actor; the server starts with the first request. Needs a Tokio runtime.
    pub fn spawn(command: LeanCommand, settings: &Settings) -> VerifierHandle {
        VerifierHandle::spawn_with_cache(command, settings, VerdictCache::default())
    }

    /// The same with a cache of verdicts that others share.
    pub fn spawn_with_cache(
        command: LeanCommand,
        settings: &Settings,
        cache: VerdictCache,
    ) -> VerifierHandle {
        let command = match settings.sandbox {
            true => command.confined(Limits::new(settings.verify_memory_mb)),
            false => command,
        };
        let (jobs, queue) = mpsc::channel(QUEUE);
        let status = VerifierStatus { label: command.label.clone(), ..Default::default() };
        let status = Arc::new(Mutex::new(status));
        let trial = Trial::new(command, Duration::from_millis(settings.verify_timeout_ms), cache);
        let idle = Duration::from_secs(settings.idle_stop_s.max(1));
        tokio::spawn(run(queue, trial, idle, status.clone()));
        VerifierHandle { jobs, status }
    }

    /// The goals at a place, main goal first; `None` where there is no tactic state.
    pub async fn goals(&self, place: &Place) -> Result<Option<Vec<Goal>>> {
        Ok(self.state(place).await?.map(|s| s.goals))
    }

    /// The goals at a place and its hole.
    pub async fn state(&self, place: &Place) -> Result<Option<State>> {
        let (answer, received) = oneshot::channel();
        let gone = || anyhow!("the verifier has ended");
        self.jobs.send(Job::State(place.clone(), answer)).await.map_err(|_| gone())?;
        received.await.map_err(|_| gone())?
    }

    /// Tries tactics; each verdict comes with the tactic's number as soon as it is known. Dropping the
    /// receiver cancels. It ends early where Lean fails: [`status`](VerifierHandle::status) says why.
    pub fn verify(
        &self,
        place: &Place,
        tactics: Vec<String>,
        filter: Filter,
    ) -> mpsc::UnboundedReceiver<(usize, Verdict)> {
        let (verdicts, receiver) = mpsc::unbounded_channel();
        self.submit(Job::Verify(place.clone(), tactics, filter, verdicts));
        receiver
    }

    /// What Lean's own search proposes, unverified. Dropping the receiver cancels.
    pub fn search(&self, place: &Place) -> mpsc::UnboundedReceiver<Candidate> {
        let (found, receiver) = mpsc::unbounded_channel();
        self.submit(Job::Search(place.clone(), found));
        receiver
    }

    /// How the second server is.
    pub fn status(&self) -> VerifierStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn submit(&self, job: Job) {
        let jobs = self.jobs.clone();
        if let Err(mpsc::error::TrySendError::Full(job)) = self.jobs.try_send(job) {
            // Dropping a closed channel's job ends its receiver; a full one is waited for.
            tokio::spawn(async move { jobs.send(job).await });
        }
    }
}

async fn run(
    mut queue: mpsc::Receiver<Job>,
    mut trial: Trial,
    idle: Duration,
    status: Arc<Mutex<VerifierStatus>>,
) {
    loop {
        let job = match tokio::time::timeout(idle, queue.recv()).await {
            Ok(Some(job)) => job,
            Ok(None) => return,
            Err(_) => {
                trial.stop();
                set(&status, |s| s.running = false);
                continue;
            }
        };
        let problem = work(&mut trial, job).await.err().map(|e| {
            tracing::warn!("verifier: {e:#}");
            (format!("{e:#}"), Failure::of(&e).and_then(|f| f.hint.clone()))
        });
        let running = trial.is_running();
        let restarted = trial.restarted().map(str::to_owned);
        set(&status, |s| (s.running, s.problem, s.restarted) = (running, problem, restarted));
    }
}

fn set(status: &Mutex<VerifierStatus>, change: impl FnOnce(&mut VerifierStatus)) {
    change(&mut status.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Does one job; stops in the middle when nobody waits for it any more. A change of the document then
/// cancels what Lean is still busy with.
async fn work(trial: &mut Trial, job: Job) -> Result<()> {
    match job {
        Job::State(place, mut answer) => {
            let result = tokio::select! {
                r = trial.prepare(&place) => r,
                () = answer.closed() => return Ok(()),
            };
            let seen = match &result {
                Err(e) => Err(copy(e)),
                Ok(_) => Ok(()),
            };
            let state = |p: Arc<super::trial::Prepared>| State {
                goals: p.goals.clone(),
                hole: p.scratch.hole.clone(),
            };
            // The caller may be gone by now.
            let _ = answer.send(result.map(|p| p.map(state)));
            seen
        }
        Job::Verify(place, tactics, filter, verdicts) => {
            let watch = verdicts.clone();
            tokio::select! {
                r = verify(trial, &place, tactics, filter, &verdicts) => r,
                () = watch.closed() => Ok(()),
            }
        }
        Job::Search(place, found) => {
            let watch = found.clone();
            tokio::select! {
                r = search(trial, &place, &found) => r,
                () = watch.closed() => Ok(()),
            }
        }
    }
}

async fn verify(
    trial: &mut Trial,
    place: &Place,
    tactics: Vec<String>,
    filter: Filter,
    verdicts: &mpsc::UnboundedSender<(usize, Verdict)>,
) -> Result<()> {
    let mut tried = Vec::new();
    for (i, t) in tactics.into_iter().enumerate() {
        let refusal = match filter {
            Filter::Apply => tactic::refusal(&t),
            Filter::Off if t.trim().is_empty() => Some("it is empty".to_owned()),
            Filter::Off => None,
        };
        match refusal {
            Some(why) => {
                let verdict = super::judge::refused(VerdictKind::Error, format!("not tried: {why}"), 0.0);
                let _ = verdicts.send((i, verdict));
            }
            None => tried.push((i, t)),
        }
    }
    let Some(at) = trial.prepare(place).await? else {
        return Err(no_goal(place).into());
    };
    // A send fails when nobody waits, and then this future is dropped.
    trial.verify(&at, &tried, &mut |i, v| _ = verdicts.send((i, v))).await
}

async fn search(trial: &mut Trial, place: &Place, found: &mpsc::UnboundedSender<Candidate>) -> Result<()> {
    let Some(at) = trial.prepare(place).await? else {
        return Err(no_goal(place).into());
    };
    let mut seen = HashSet::new();
    for command in lean_search::COMMANDS {
        for proposal in trial.search(&at, command).await? {
            if seen.insert(tactic::normalise(&proposal)) {
                let _ = found.send(Candidate::new(proposal, Source::Lean, None));
            }
        }
    }
    Ok(())
}

/// There is no proof state at a place.
pub fn no_goal(place: &Place) -> Failure {
    let (line, column) = crate::lsp::position::line_column(&place.text, place.position);
    Failure::new(FailureKind::Usage, format!("there is no goal at line {line}, column {column}"))
        .hint("place the position on a `sorry`, in an empty block behind `by`, or before a tactic")
}

fn copy(e: &anyhow::Error) -> anyhow::Error {
    match Failure::of(e) {
        Some(f) => Failure { kind: f.kind, message: f.message.clone(), hint: f.hint.clone() }.into(),
        None => anyhow!("{e:#}"),
    }
}
