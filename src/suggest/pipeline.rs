//! One request. The sources run beside each other and none waits for another: the quick ones make the first list
//! that Lean is given; the policy, the neighbours and Lean's own search add theirs as they come.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::mpsc;

use super::{Edit, SuggestRequest, Suggestion, Update, rank};
use crate::candidates::{Effort, Neighbours, lookahead, merge, portfolio};
use crate::config::{Dirs, Settings};
use crate::lean::LeanCommand;
use crate::lsp::position;
use crate::policy::{PolicyHandle, Proposals};
use crate::proof::{Candidate, Goal, Offer, Source, Verdict, VerdictKind, tactic};
use crate::verify::scratch::Hole;
use crate::verify::{Filter, Place, State, VerdictCache, VerifierHandle, no_goal};

/// Finished steps that are enough.
pub const FINISHED: usize = 2;

/// How long the first list waits for the policy and the neighbours.
const SOON: Duration = Duration::from_millis(60);

/// The sources and the verifier of one Lean; clones share them.
#[derive(Debug, Clone)]
pub struct Pipeline {
    policy: PolicyHandle,
    neighbours: Neighbours,
    verifier: VerifierHandle,
    settings: Settings,
}

impl Pipeline {
    /// Starts the actors; the second Lean server and the bundle are started and loaded by the first
    /// request. Needs a Tokio runtime.
    pub fn new(dirs: Dirs, settings: Settings, command: LeanCommand) -> Result<Pipeline> {
        let neighbours = Neighbours::of_project(&dirs, &command.cwd);
        let policy = PolicyHandle::spawn(dirs, settings.clone())?;
        let verifier = VerifierHandle::spawn_with_cache(command, &settings, VerdictCache::default());
        Ok(Pipeline { policy, neighbours, verifier, settings })
    }

    /// Takes new settings; they hold for what begins from here on.
    pub fn configure(&mut self, settings: &Settings) {
        self.policy.configure(settings);
        self.verifier.configure(settings);
        self.settings = settings.clone();
    }

    /// The policy.
    pub fn policy(&self) -> &PolicyHandle {
        &self.policy
    }

    /// The verifier.
    pub fn verifier(&self) -> &VerifierHandle {
        &self.verifier
    }

    /// Starts a request; dropping the receiver cancels it.
    pub fn suggest(&self, request: SuggestRequest) -> mpsc::UnboundedReceiver<Update> {
        let (updates, receiver) = mpsc::unbounded_channel();
        let pipeline = self.clone();
        tokio::spawn(async move {
            let watch = updates.clone();
            let started = Instant::now();
            let budget = request.budget;
            let mut run = Run {
                pipeline,
                request,
                updates,
                started,
                tried: HashMap::new(),
                sent: 0,
                closed: false,
                finished: false,
                offer: None,
                bundle: None,
                problems: Vec::new(),
            };
            let in_time = async {
                match budget {
                    Some(limit) => _ = tokio::time::timeout(limit, run.all()).await,
                    None => run.all().await,
                }
            };
            tokio::select! {
                () = in_time => run.done(),
                () = watch.closed() => {}
            }
        });
        receiver
    }
}

/// A candidate of this request and what became of it.
#[derive(Clone)]
struct Tried {
    candidate: Candidate,
    verdict: Verdict,
    /// The suggestion's id, where it became one.
    id: Option<String>,
}

impl Tried {
    /// The suggestion that it became.
    fn suggestion(&self, place: &Place, state: &State) -> Option<Suggestion> {
        let edit = edit_of(place, &state.hole, &self.candidate.tactic);
        let (candidate, verdict) = (self.candidate.clone(), self.verdict.clone());
        Some(Suggestion { id: self.id.clone()?, candidate, verdict, edit })
    }
}

/// One request on its way.
struct Run {
    pipeline: Pipeline,
    request: SuggestRequest,
    updates: mpsc::UnboundedSender<Update>,
    started: Instant,
    /// What was tried, by normal form.
    tried: HashMap<String, Tried>,
    sent: usize,
    /// Whether one of those that were sent closes the goal.
    closed: bool,
    /// Whether a step was finished. Lean's search goes on all the same: one lemma is better than an induction.
    finished: bool,
    /// What the names at the goal offer.
    offer: Option<Offer>,
    bundle: Option<String>,
    problems: Vec<String>,
}

impl Run {
    async fn all(&mut self) {
        // The policy thinks while the second server reads the file, where the goal is known before.
        let early = self.request.goals.as_ref().and_then(|g| g.first()).cloned();
        let thinking = early.map(|goal| self.think(goal));
        let state = match self.pipeline.verifier.state(&self.request.place).await {
            Ok(Some(state)) => state,
            Ok(None) => return self.problems.push(no_goal(&self.request.place).message),
            Err(e) => return self.problems.push(format!("{e:#}")),
        };
        self.send(Update::Goals(state.goals.clone()));
        self.note("the goals are read", state.goals.len());
        let Some(goal) = state.goals.first().cloned() else { return };
        let thinking = match thinking {
            // What was known may be older than the text.
            Some((known, answer)) if known.key() == goal.key() => answer,
            _ => self.think(goal.clone()).1,
        };
        let mut sources = Sources::of(thinking, self.remember(&goal));
        // What is quick when it is warm makes one list with the portfolio.
        let mut first = vec![Vec::new(), Vec::new(), portfolio(&goal)];
        let _ = tokio::time::timeout(SOON, async {
            while sources.policy.is_some() || sources.near.is_some() {
                match sources.next().await {
                    Some(Found::Policy(answer)) => first[0] = self.proposed(answer),
                    Some(Found::Near(answer)) => first[1] = self.near(answer),
                    Some(Found::Offer(_) | Found::Search(_)) | None => return,
                }
            }
        })
        .await;
        self.verify(&state, merge(first)).await;
        if self.pipeline.settings.scope {
            sources.offer = Some(self.survey());
        }
        let mut ahead = false;
        if sources.is_quiet() {
            ahead = true;
            self.look_ahead(&state, Effort::Little).await;
        }
        if self.pipeline.settings.lean_search && !self.is_full() {
            self.note("Lean's search is asked", self.sent);
            sources.search = Some(self.pipeline.verifier.search(&self.request.place));
        }
        while let Some(found) = sources.next().await {
            let candidates = match found {
                Found::Policy(answer) => self.proposed(answer),
                Found::Near(answer) => self.near(answer),
                Found::Offer(answer) => self.offered(answer),
                Found::Search(candidates) => candidates,
            };
            self.verify(&state, candidates).await;
            if sources.is_quiet() && !std::mem::replace(&mut ahead, true) {
                self.look_ahead(&state, Effort::Little).await;
            }
            if self.is_full() {
                sources.search = None;
            }
        }
        self.look_ahead(&state, Effort::Much).await;
    }

    /// Asks the policy, in a task of its own.
    fn think(&self, goal: Goal) -> (Goal, Task<Proposals>) {
        let policy = self.pipeline.policy.clone();
        let k = self.pipeline.settings.candidates;
        let asked = goal.clone();
        let task = tokio::spawn(async move { policy.propose(&asked, k).await });
        (goal, Task(task))
    }

    /// Looks for what was done at similar goals, where it may wait for the disk.
    fn remember(&self, goal: &Goal) -> Task<Vec<Candidate>> {
        let (neighbours, goal) = (self.pipeline.neighbours.clone(), goal.clone());
        let k = if self.pipeline.settings.neighbours { self.pipeline.settings.candidates } else { 0 };
        Task(tokio::task::spawn_blocking(
            move || if k == 0 { Ok(Vec::new()) } else { neighbours.propose(&goal, k) },
        ))
    }

    /// Asks Lean what the names at the goal offer.
    fn survey(&self) -> Task<Option<Offer>> {
        let (verifier, place) = (self.pipeline.verifier.clone(), self.request.place.clone());
        let patient = self.request.patient;
        Task(tokio::spawn(async move { verifier.offer(&place, patient).await }))
    }

    fn offered(&mut self, answer: Result<Option<Offer>>) -> Vec<Candidate> {
        self.offer = answer.unwrap_or_else(|e| {
            self.problems.push(format!("Lean does not say what is in scope: {e:#}"));
            None
        });
        let candidates = self.offer.as_ref().map(Offer::candidates).unwrap_or_default();
        self.note("what is in scope is known", candidates.len());
        candidates
    }

    fn near(&mut self, answer: Result<Vec<Candidate>>) -> Vec<Candidate> {
        answer.unwrap_or_else(|e| {
            self.problems.push(format!("similar goals cannot be looked up: {e:#}"));
            Vec::new()
        })
    }

    fn proposed(&mut self, answer: Result<Proposals>) -> Vec<Candidate> {
        match answer {
            Ok(proposals) => {
                self.note("the policy has answered", proposals.candidates.len());
                self.bundle = Some(proposals.bundle);
                proposals.candidates
            }
            Err(e) => {
                self.problems.push(format!("the policy does not work: {e:#}"));
                Vec::new()
            }
        }
    }

    /// Verifies candidates that have not been before, and sends what comes of it.
    async fn verify(&mut self, state: &State, candidates: Vec<Candidate>) {
        let mut fresh = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            match self.tried.get_mut(&tactic::normalise(&candidate.tactic)) {
                None => fresh.push(candidate),
                Some(known) => {
                    // Another source found it as well: what was sent is sent again with all sources.
                    known.candidate = merge(vec![vec![known.candidate.clone()], vec![candidate]]).remove(0);
                    let known = known.clone();
                    self.send_tried(state, &known);
                }
            }
        }
        if fresh.is_empty() {
            return;
        }
        let refused = |c: &Candidate| {
            // Our own list is not filtered: nobody else wrote it.
            let foreign = !c.sources.contains(&Source::Portfolio);
            foreign.then(|| tactic::refusal(&c.tactic)).flatten()
        };
        let mut tried = Vec::with_capacity(fresh.len());
        for c in fresh {
            match refused(&c) {
                None => tried.push(c),
                Some(why) => {
                    let message = format!("not tried: {why}");
                    let verdict = crate::verify::judge::refused(VerdictKind::Error, message, 0.0);
                    self.send(Update::Verdict { candidate: c, verdict });
                }
            }
        }
        self.send(Update::Checking(tried.len()));
        let tactics = tried.iter().map(|c| c.tactic.clone()).collect();
        let verifier = &self.pipeline.verifier;
        let mut verdicts =
            verifier.verify_best(&self.request.place, tactics, Filter::Off, self.request.limit);
        let mut answered = 0;
        while let Some((i, verdict)) = verdicts.recv().await {
            answered += 1;
            let Some(candidate) = tried.get(i).cloned() else { continue };
            self.report(state, candidate, verdict);
        }
        if answered < tried.len() {
            match self.pipeline.verifier.status().problem {
                Some((message, _)) => self.problems.push(message),
                None => self.send(Update::Left(tried.len() - answered)),
            }
        }
    }

    /// Where nothing closes the goal, looks whether Lean finishes what the best steps leave. Only what does is told: that
    /// a step cannot be finished at once says nothing against it.
    async fn look_ahead(&mut self, state: &State, effort: Effort) {
        let Some(goal) = state.goals.first() else { return };
        // Inside a finished proof the tactics that follow want goals.
        let wanted = !state.hole.followed || state.goals.len() > 1;
        if self.closed || self.finished || !wanted || !self.pipeline.settings.lookahead {
            return;
        }
        let mut steps: Vec<Suggestion> =
            self.tried.values().filter_map(|t| t.suggestion(&self.request.place, state)).collect();
        steps.sort_by(|a, b| a.candidate.tactic.cmp(&b.candidate.tactic));
        rank(&mut steps);
        let steps: Vec<Candidate> = steps.into_iter().map(|s| s.candidate).collect();
        let mut tried = lookahead(goal, &steps, self.offer.as_ref(), effort);
        tried.retain(|c| !self.tried.contains_key(&tactic::normalise(&c.tactic)));
        if tried.is_empty() {
            return;
        }
        self.send(Update::Checking(tried.len()));
        let tactics = tried.iter().map(|c| c.tactic.clone()).collect();
        let verifier = self.pipeline.verifier.clone();
        let others = state.goals.len() - 1;
        let place = &self.request.place;
        let mut verdicts = verifier.verify_closing(place, tactics, Filter::Off, FINISHED, others);
        let (mut answered, mut found) = (0, 0);
        while let Some((i, verdict)) = verdicts.recv().await {
            answered += 1;
            match verdict.kind {
                VerdictKind::Closes => {
                    self.tell(state, tried[i].clone(), verdict);
                    self.finished = true;
                    found += 1;
                }
                _ => self.send(Update::Left(1)),
            }
            if found == FINISHED {
                break;
            }
        }
        self.send(Update::Left(tried.len() - answered));
    }

    fn report(&mut self, state: &State, candidate: Candidate, verdict: Verdict) {
        self.closed |= verdict.kind == VerdictKind::Closes;
        self.tell(state, candidate, verdict);
    }

    fn tell(&mut self, state: &State, candidate: Candidate, verdict: Verdict) {
        let id = verdict.kind.is_success().then(new_id);
        if id.is_some() {
            self.note(
                if self.sent == 0 { "the first suggestion" } else { "another suggestion" },
                self.sent + 1,
            );
            self.sent += 1;
        }
        let tried = Tried { candidate, verdict, id };
        self.send_tried(state, &tried);
        self.tried.insert(tactic::normalise(&tried.candidate.tactic), tried);
    }

    fn send_tried(&self, state: &State, tried: &Tried) {
        self.send(Update::Verdict { candidate: tried.candidate.clone(), verdict: tried.verdict.clone() });
        if let Some(suggestion) = tried.suggestion(&self.request.place, state) {
            self.send(Update::Suggestion(suggestion));
        }
    }

    /// Whether more would not help: a list of steps is worth less than the one tactic that closes the goal, so
    /// Lean's search goes on until there is one.
    fn is_full(&self) -> bool {
        self.closed && self.sent >= self.request.limit
    }

    /// For the log: what a request's time goes to.
    fn note(&self, what: &str, n: usize) {
        tracing::debug!(ms = self.started.elapsed().as_millis() as u64, n, "{what}");
    }

    fn send(&self, update: Update) {
        // Nobody waits any more: the request is about to be cancelled.
        let _ = self.updates.send(update);
    }

    fn done(mut self) {
        let elapsed_ms = self.started.elapsed().as_secs_f64() * 1000.0;
        let problems = std::mem::take(&mut self.problems);
        self.send(Update::Done { elapsed_ms, bundle: self.bundle.clone(), problems });
    }
}

/// The sources that have not answered yet. One that has answered, or is not wanted any more, is none.
struct Sources {
    policy: Option<Task<Proposals>>,
    near: Option<Task<Vec<Candidate>>>,
    offer: Option<Task<Option<Offer>>>,
    search: Option<mpsc::UnboundedReceiver<Candidate>>,
}

/// What a source has found.
enum Found {
    Policy(Result<Proposals>),
    Near(Result<Vec<Candidate>>),
    Offer(Result<Option<Offer>>),
    Search(Vec<Candidate>),
}

impl Sources {
    fn of(policy: Task<Proposals>, near: Task<Vec<Candidate>>) -> Sources {
        Sources { policy: Some(policy), near: Some(near), offer: None, search: None }
    }

    /// Whether all that propose steps have answered.
    fn is_quiet(&self) -> bool {
        self.policy.is_none() && self.near.is_none() && self.offer.is_none()
    }

    /// What is found next, of whatever source; none when all have answered. May be dropped at any time.
    async fn next(&mut self) -> Option<Found> {
        loop {
            tokio::select! {
                biased;
                Some(answer) = opt(&mut self.policy) => {
                    self.policy = None;
                    return Some(Found::Policy(answer));
                }
                Some(answer) = opt(&mut self.near) => {
                    self.near = None;
                    return Some(Found::Near(answer));
                }
                Some(answer) = opt(&mut self.offer) => {
                    self.offer = None;
                    return Some(Found::Offer(answer));
                }
                Some(found) = proposal(&mut self.search) => match found {
                    Some(first) => {
                        // What one of Lean's commands proposes comes at once, and is tried together.
                        let more = self.search.iter_mut().flat_map(|s| std::iter::from_fn(|| s.try_recv().ok()));
                        return Some(Found::Search(std::iter::once(first).chain(more).collect()));
                    }
                    None => self.search = None,
                },
                else => return None,
            }
        }
    }
}

/// The answer of a task; none where there is no task.
async fn opt<T>(task: &mut Option<Task<T>>) -> Option<Result<T>> {
    match task {
        Some(task) => Some(task.await),
        None => None,
    }
}

/// The next proposal of a search, `Some(None)` at its end; none where there is no search.
async fn proposal(search: &mut Option<mpsc::UnboundedReceiver<Candidate>>) -> Option<Option<Candidate>> {
    match search {
        Some(search) => Some(search.recv().await),
        None => None,
    }
}

/// A running question; dropping it cancels.
struct Task<T>(tokio::task::JoinHandle<Result<T>>);

impl<T> Future for Task<T> {
    type Output = Result<T>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(cx).map(|r| r.unwrap_or_else(|e| Err(e.into())))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The change of the user's document that puts a tactic in a hole.
pub fn edit_of(place: &Place, hole: &Hole, tactic: &str) -> Edit {
    let at = |offset| position::position(&place.text, offset);
    Edit {
        range: lsp_types::Range::new(at(hole.range.start), at(hole.range.end)),
        new_text: hole.insertion(tactic),
    }
}

fn new_id() -> String {
    static RUN: std::sync::LazyLock<u32> = std::sync::LazyLock::new(rand::random);
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:08x}-{}", *RUN, NEXT.fetch_add(1, Ordering::Relaxed))
}
