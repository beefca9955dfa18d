//! The actor that owns the servers behind the verifier, and its handle.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::sync::{mpsc, watch};

use super::attempts::{Attempts, Wanted};
use super::queue::{Class, Queue};
use super::trial::{Trial, VerdictCache};
use super::{Place, lean_search};
use crate::config::Settings;
use crate::error::{Failure, FailureKind};
use crate::lean::LeanCommand;
use crate::lean::sandbox::Limits;
use crate::proof::{Candidate, Goal, Offer, Source, Verdict, VerdictKind, tactic};

/// Requests that wait at most; a caller that is not awaited waits for a place.
const QUEUE: usize = 32;
/// After so long without work, what the next work will be quicker with is started.
const PAUSE: Duration = Duration::from_secs(1);

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
    /// Whether candidates are sifted inside Lean; else it is done by edits, which takes longer.
    pub probe: bool,
    /// Why they cannot be, where that was tried.
    pub unsifted: Option<String>,
    /// Why the last request failed, with the remedy.
    pub problem: Option<(String, Option<String>)>,
    /// Why it had to be started again, the last time that it had.
    pub restarted: Option<String>,
    /// How many of Lean's processes had to be replaced: they died, or did not come back from a tactic.
    pub replaced: u64,
}

/// Where a hole is, for making edits of tactics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The goals, main goal first.
    pub goals: Vec<Goal>,
    /// The hole that Lean has goals at.
    pub hole: super::scratch::Hole,
}

/// What the actor is told about times.
#[derive(Debug, Clone, Copy)]
struct Times {
    candidate: Duration,
    idle: Duration,
}

impl Times {
    fn of(settings: &Settings) -> Times {
        Times {
            candidate: Duration::from_millis(settings.verify_timeout_ms),
            idle: Duration::from_secs(settings.idle_stop_s.max(1)),
        }
    }
}

/// A request, as far as it was not done yet.
enum Job {
    State(mpsc::UnboundedSender<Result<Option<State>>>),
    Verify(Attempts, mpsc::UnboundedSender<(usize, Verdict)>),
    Offer { answer: mpsc::UnboundedSender<Result<Option<Offer>>>, patient: bool },
    Search { commands: VecDeque<&'static str>, seen: Vec<String>, found: mpsc::UnboundedSender<Candidate> },
}

/// A handle; clones speak to the same actor, which ends with the last.
#[derive(Debug, Clone)]
pub struct VerifierHandle {
    jobs: mpsc::Sender<(Place, Job)>,
    limits: watch::Sender<Times>,
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
        let (jobs, inbox) = mpsc::channel(QUEUE);
        let status = VerifierStatus { label: command.label.clone(), ..Default::default() };
        let status = Arc::new(Mutex::new(status));
        let (limits, told) = watch::channel(Times::of(settings));
        let trial = Trial::new(command, Times::of(settings).candidate, cache);
        let actor = Actor { inbox, queue: Queue::default(), trial, limits: told, status: status.clone() };
        tokio::spawn(actor.run());
        VerifierHandle { jobs, limits, status }
    }

    /// Takes new settings; they hold from the next request on.
    pub fn configure(&self, settings: &Settings) {
        self.limits.send_replace(Times::of(settings));
    }

    /// The goals at a place, main goal first; `None` where there is no tactic state.
    pub async fn goals(&self, place: &Place) -> Result<Option<Vec<Goal>>> {
        Ok(self.state(place).await?.map(|s| s.goals))
    }

    /// The goals at a place and its hole. This makes the place the youngest: work at others waits.
    pub async fn state(&self, place: &Place) -> Result<Option<State>> {
        let (answer, mut received) = mpsc::unbounded_channel();
        let gone = || anyhow!("the verifier has ended");
        self.jobs.send((place.clone(), Job::State(answer))).await.map_err(|_| gone())?;
        received.recv().await.ok_or_else(gone)?
    }

    /// Tries tactics; each verdict comes with the tactic's number as soon as it is known. Dropping the
    /// receiver cancels. It ends early where Lean fails: [`status`](VerifierHandle::status) says why.
    pub fn verify(
        &self,
        place: &Place,
        tactics: Vec<String>,
        filter: Filter,
    ) -> mpsc::UnboundedReceiver<(usize, Verdict)> {
        self.submit_tactics(place, tactics, filter, Wanted::All)
    }

    /// The same for tactics to choose from, likeliest first: of those that triage accepts, only the best are
    /// confirmed, until `wanted` are, and few that lead to the same goals. The others get no verdict.
    pub fn verify_best(
        &self,
        place: &Place,
        tactics: Vec<String>,
        filter: Filter,
        wanted: usize,
    ) -> mpsc::UnboundedReceiver<(usize, Verdict)> {
        self.submit_tactics(place, tactics, filter, Wanted::Best(wanted))
    }

    /// The same where only what closes the main goal matters: until `wanted` do; `others` is the number of goals beside
    /// it.
    pub fn verify_closing(
        &self,
        place: &Place,
        tactics: Vec<String>,
        filter: Filter,
        wanted: usize,
        others: usize,
    ) -> mpsc::UnboundedReceiver<(usize, Verdict)> {
        self.submit_tactics(place, tactics, filter, Wanted::Closing { wanted, others })
    }

    fn submit_tactics(
        &self,
        place: &Place,
        tactics: Vec<String>,
        filter: Filter,
        wanted: Wanted,
    ) -> mpsc::UnboundedReceiver<(usize, Verdict)> {
        let (verdicts, receiver) = mpsc::unbounded_channel();
        let mut tried = Vec::with_capacity(tactics.len());
        for (i, t) in tactics.into_iter().enumerate() {
            let refusal = match filter {
                Filter::Apply => tactic::refusal(&t),
                Filter::Off if t.trim().is_empty() => Some("it is empty".to_owned()),
                Filter::Off => None,
            };
            match refusal {
                Some(why) => {
                    let message = format!("not tried: {why}");
                    // The receiver is in our hands.
                    let _ = verdicts.send((i, super::judge::refused(VerdictKind::Error, message, 0.0)));
                }
                None => tried.push((i, t)),
            }
        }
        self.submit(place, Job::Verify(Attempts::new(tried, wanted), verdicts));
        receiver
    }

    /// What the names at a place offer, unverified; `None` where no probe runs that Lean could be asked by, which
    /// [`status`](VerifierHandle::status) tells. Who is `patient` has it started and waits for that, and hears why not.
    pub async fn offer(&self, place: &Place, patient: bool) -> Result<Option<Offer>> {
        let (answer, mut received) = mpsc::unbounded_channel();
        self.submit(place, Job::Offer { answer, patient });
        // Where Lean cannot even read the place, the status says why.
        received.recv().await.unwrap_or(Ok(None))
    }

    /// What Lean's own search proposes, unverified. Dropping the receiver cancels.
    pub fn search(&self, place: &Place) -> mpsc::UnboundedReceiver<Candidate> {
        let (found, receiver) = mpsc::unbounded_channel();
        let commands = lean_search::COMMANDS.iter().copied().collect();
        self.submit(place, Job::Search { commands, seen: Vec::new(), found });
        receiver
    }

    /// How the second server is.
    pub fn status(&self) -> VerifierStatus {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn submit(&self, place: &Place, job: Job) {
        let jobs = self.jobs.clone();
        if let Err(mpsc::error::TrySendError::Full(job)) = self.jobs.try_send((place.clone(), job)) {
            // Dropping a closed channel's job ends its receiver; a full one is waited for.
            tokio::spawn(async move { jobs.send(job).await });
        }
    }
}

/// How a job's turn ended.
enum Outcome {
    /// It is done, or failed.
    Done(Result<()>),
    /// Nobody waits for it any more.
    Unwanted,
    /// Something that goes first has come.
    Interrupted,
}

struct Actor {
    inbox: mpsc::Receiver<(Place, Job)>,
    queue: Queue<(Place, Job)>,
    trial: Trial,
    limits: watch::Receiver<Times>,
    status: Arc<Mutex<VerifierStatus>>,
}

impl Actor {
    async fn run(mut self) {
        loop {
            while let Ok((place, job)) = self.inbox.try_recv() {
                self.queue.add(&place.clone(), job.class(), (place, job));
            }
            let Some((turn, (place, mut job))) = self.queue.next() else {
                match self.rest().await {
                    Some((place, job)) => _ = self.queue.add(&place.clone(), job.class(), (place, job)),
                    None => return,
                }
                continue;
            };
            self.trial.set_limit(self.limits.borrow().candidate);
            let Actor { inbox, queue, trial, .. } = &mut self;
            let watch = job.watch();
            let outcome = {
                // Dropped in the middle where it breaks off; the next edit cancels what Lean is still at.
                let work = job.work(trial, &place);
                tokio::pin!(work);
                // Who still waits for an answer gets it, when the last handle is gone.
                let mut open = true;
                loop {
                    tokio::select! {
                        biased;
                        result = &mut work => break Outcome::Done(result),
                        () = watch.closed() => break Outcome::Unwanted,
                        new = inbox.recv(), if open => match new {
                            None => open = false,
                            Some((at, other)) => {
                                let class = other.class();
                                if queue.add(&at.clone(), class, (at, other)).interrupts(&turn) {
                                    break Outcome::Interrupted;
                                }
                            }
                        },
                    }
                }
            };
            match outcome {
                Outcome::Done(result) => self.done(result),
                Outcome::Unwanted => {}
                Outcome::Interrupted => self.queue.put_back(turn, (place, job)),
            }
        }
    }

    /// Waits for work; starts what helps in a pause, and stops the servers after a long one.
    async fn rest(&mut self) -> Option<(Place, Job)> {
        let began = Instant::now();
        if let Ok(job) = tokio::time::timeout(PAUSE, self.inbox.recv()).await {
            return job;
        }
        self.trial.pause().await;
        loop {
            let idle = self.limits.borrow_and_update().idle;
            tokio::select! {
                job = self.inbox.recv() => return job,
                () = tokio::time::sleep(idle.saturating_sub(began.elapsed())), if self.trial.is_running() => {
                    self.trial.stop();
                    set(&self.status, |s| (s.running, s.probe) = (false, false));
                }
                // With the last sender the inbox ends, too.
                Ok(()) = self.limits.changed() => {}
            }
        }
    }

    fn done(&mut self, result: Result<()>) {
        let problem = result.err().map(|e| {
            tracing::warn!("verifier: {e:#}");
            (format!("{e:#}"), Failure::of(&e).and_then(|f| f.hint.clone()))
        });
        let (running, probe) = (self.trial.is_running(), self.trial.has_probe());
        let restarted = self.trial.restarted().map(str::to_owned);
        let (replaced, unsifted) = (self.trial.replaced(), self.trial.probe_refusal());
        set(&self.status, |s| {
            (s.running, s.probe, s.problem, s.restarted) = (running, probe, problem, restarted);
            (s.replaced, s.unsifted) = (replaced, unsifted);
        });
    }
}

fn set(status: &Mutex<VerifierStatus>, change: impl FnOnce(&mut VerifierStatus)) {
    change(&mut status.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Tells whether somebody waits for a job.
enum Watch {
    State(mpsc::UnboundedSender<Result<Option<State>>>),
    Verify(mpsc::UnboundedSender<(usize, Verdict)>),
    Offer(mpsc::UnboundedSender<Result<Option<Offer>>>),
    Search(mpsc::UnboundedSender<Candidate>),
}

impl Watch {
    async fn closed(&self) {
        match self {
            Watch::State(s) => s.closed().await,
            Watch::Verify(s) => s.closed().await,
            Watch::Offer(s) => s.closed().await,
            Watch::Search(s) => s.closed().await,
        }
    }
}

impl Job {
    fn class(&self) -> Class {
        match self {
            Job::State(_) => Class::State,
            Job::Verify(..) | Job::Offer { .. } => Class::Verify,
            Job::Search { .. } => Class::Search,
        }
    }

    fn watch(&self) -> Watch {
        match self {
            Job::State(s) => Watch::State(s.clone()),
            Job::Verify(_, s) => Watch::Verify(s.clone()),
            Job::Offer { answer, .. } => Watch::Offer(answer.clone()),
            Job::Search { found, .. } => Watch::Search(found.clone()),
        }
    }

    /// Does what is left of the job. When the future is dropped, the job knows how far it came.
    async fn work(&mut self, trial: &mut Trial, place: &Place) -> Result<()> {
        // A send fails when nobody waits any more, and then this future is about to be dropped.
        match self {
            Job::State(answer) => {
                let result = trial.prepare(place).await;
                let seen = result.as_ref().map(drop).map_err(copy);
                let state = |p: Arc<super::prepared::Prepared>| State {
                    goals: p.goals.clone(),
                    hole: p.scratch.hole.clone(),
                };
                let _ = answer.send(result.map(|p| p.map(state)));
                seen
            }
            Job::Verify(attempts, verdicts) => {
                let at = trial.prepare(place).await?.ok_or_else(|| no_goal(place))?;
                trial.verify(&at, attempts, &mut |i, v| _ = verdicts.send((i, v))).await
            }
            Job::Offer { answer, patient } => {
                let at = trial.prepare(place).await?.ok_or_else(|| no_goal(place))?;
                if *patient {
                    trial.start_probe(&at).await;
                }
                let offer = match trial.probe_refusal().filter(|_| *patient) {
                    Some(why) => Err(anyhow!("it refuses the probe: {why}")),
                    None => trial.offer(&at).await,
                };
                let _ = answer.send(offer);
                Ok(())
            }
            Job::Search { commands, seen, found } => {
                let at = trial.prepare(place).await?.ok_or_else(|| no_goal(place))?;
                while let Some(command) = commands.front() {
                    for proposal in trial.search(&at, command).await? {
                        let normal = tactic::normalise(&proposal);
                        if !seen.contains(&normal) {
                            let place = seen.len() as u32;
                            seen.push(normal);
                            let candidate = Candidate::new(proposal, Source::Lean, None);
                            let _ = found.send(Candidate { place, ..candidate });
                        }
                    }
                    commands.pop_front();
                }
                Ok(())
            }
        }
    }
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
