//! The policy's own thread: goals in, candidates out, the bundle reloaded between two requests.
//!
//! A panic costs the request and the session that it happened in. A thread that hangs, in a driver or on a
//! disk that does not answer, is left behind and another takes its place.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::sync::{mpsc, oneshot};

use super::bundle::{self, Bundle, MANIFEST};
use super::prompt;
use super::sampling::{GenerationParams, Method};
use super::session::{Cancel, PolicySession};
use crate::config::{DeviceChoice, Dirs, Settings};
use crate::error::{Failure, FailureKind};
use crate::proof::{Candidate, Goal, Source};
use crate::runtime::locate;

/// Requests that may wait; more wait in [`PolicyHandle::propose`] itself.
const QUEUE: usize = 16;
/// A bundle that could not be loaded is tried again after this time, even if nothing about it changed:
/// ONNX Runtime may have been installed meanwhile.
const RETRY: Duration = Duration::from_secs(2);

/// A thread that has been busy with one request for so long hangs.
const PATIENCE: Duration = Duration::from_secs(120);
/// Threads that may be left behind, hanging; each holds what it had loaded.
const LEFT_BEHIND: u64 = 2;

/// What the policy proposes for a goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposals {
    /// Whole tactics, likeliest first, without repetition; each with its log-probability.
    pub candidates: Vec<Candidate>,
    /// Id of the bundle that proposed them.
    pub bundle: String,
}

/// What is in use and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyStatus {
    /// Id of the loaded bundle; none before the first request and where none could be loaded.
    pub bundle: Option<String>,
    /// Where it runs, for people; empty before the first load.
    pub device: String,
    /// What is wrong and what mends it. With a bundle beside it, that bundle stays in use.
    pub problem: Option<(String, String)>,
}

/// The policy's handle; clones speak to the same thread, which ends with the last of them.
#[derive(Debug, Clone)]
pub struct PolicyHandle {
    front: Arc<Front>,
    shared: Arc<Shared>,
}

/// Where requests go: to the thread that works now.
#[derive(Debug)]
struct Front {
    dirs: Dirs,
    patience: Duration,
    requests: Mutex<mpsc::Sender<Request>>,
}

#[derive(Debug)]
struct Shared {
    settings: Mutex<Settings>,
    status: Mutex<PolicyStatus>,
    work: Mutex<Work>,
}

/// Which thread works, and on what since when.
#[derive(Debug, Default)]
struct Work {
    /// The number of the thread; one with another number was left behind.
    thread: u64,
    since: Option<Instant>,
}

#[cfg_attr(not(test), derive(Debug))]
enum Request {
    Propose {
        goal: Goal,
        k: usize,
        cancel: Cancel,
        reply: oneshot::Sender<Result<Proposals>>,
    },
    Warm,
    /// What no request can be made to do from outside: fail, or hang.
    #[cfg(test)]
    Run(Box<dyn FnOnce() + Send>, oneshot::Sender<Result<Proposals>>),
}

/// What `Request` shows of a test's closure.
#[cfg(test)]
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request")
    }
}

/// Cancels when its request's future is dropped.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl PolicyHandle {
    /// Starts the thread. Nothing is loaded before the first request.
    pub fn spawn(dirs: Dirs, settings: Settings) -> Result<PolicyHandle> {
        PolicyHandle::with_patience(dirs, settings, PATIENCE)
    }

    fn with_patience(dirs: Dirs, settings: Settings, patience: Duration) -> Result<PolicyHandle> {
        let shared = Arc::new(Shared {
            settings: Mutex::new(settings),
            status: Mutex::default(),
            work: Mutex::default(),
        });
        let requests = Mutex::new(start(dirs.clone(), shared.clone(), 0)?);
        Ok(PolicyHandle { front: Arc::new(Front { dirs, patience, requests }), shared })
    }

    /// The way to a thread that works: one that hangs is left behind.
    fn requests(&self) -> mpsc::Sender<Request> {
        let mut requests = lock(&self.front.requests);
        let mut work = lock(&self.shared.work);
        let hangs = work.since.is_some_and(|since| since.elapsed() >= self.front.patience);
        if hangs && work.thread < LEFT_BEHIND {
            tracing::error!("the policy's thread hangs; another one takes its place");
            match start(self.front.dirs.clone(), self.shared.clone(), work.thread + 1) {
                Ok(fresh) => {
                    *work = Work { thread: work.thread + 1, since: None };
                    *requests = fresh;
                }
                Err(e) => tracing::error!("{e:#}"),
            }
        }
        if hangs {
            let message = format!("the policy did not answer for {} s", self.front.patience.as_secs());
            let remedy = match work.since {
                None => "it is loaded again with the next goal",
                Some(_) => "restart Lean's server from the editor; other suggestions go on",
            };
            lock(&self.shared.status).problem = Some((message, remedy.to_owned()));
        }
        requests.clone()
    }

    /// Up to `k` tactics for a goal. Loads the bundle first where that is needed. Dropping the future stops
    /// the work within one step. Errors carry a [`Failure`] with its remedy.
    pub async fn propose(&self, goal: &Goal, k: usize) -> Result<Proposals> {
        let cancel = Cancel::default();
        let guard = CancelOnDrop(cancel.clone());
        let (reply, answer) = oneshot::channel();
        let request = Request::Propose { goal: goal.clone(), k, cancel, reply };
        let proposals = self.ask(request, answer).await;
        drop(guard);
        proposals
    }

    async fn ask(&self, request: Request, answer: oneshot::Receiver<Result<Proposals>>) -> Result<Proposals> {
        let gone = || anyhow!("the policy's thread has ended");
        let work = async {
            self.requests().send(request).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        };
        // What waits behind a request that hangs gives up soon after that is known.
        let limit = self.front.patience + Duration::from_millis(100);
        match tokio::time::timeout(limit, work).await {
            Ok(proposals) => proposals,
            Err(_) => {
                drop(self.requests());
                let seconds = self.front.patience.as_secs();
                Err(anyhow!("the policy did not answer within {seconds} s"))
            }
        }
    }

    /// Loads the bundle ahead of the first goal; skipped where work is already waiting.
    pub fn warm(&self) {
        // A full queue will load it anyway.
        let _ = self.requests().try_send(Request::Warm);
    }

    /// What is in use and what is wrong.
    pub fn status(&self) -> PolicyStatus {
        drop(self.requests());
        lock(&self.shared.status).clone()
    }

    /// Takes new settings; bundle, device and threads hold from the next request on.
    pub fn configure(&self, settings: &Settings) {
        *lock(&self.shared.settings) = settings.clone();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept under these locks is replaced whole, so a panic elsewhere leaves it usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread; it ends when nobody can send to it any more.
fn start(dirs: Dirs, shared: Arc<Shared>, thread: u64) -> Result<mpsc::Sender<Request>> {
    let (requests, inbox) = mpsc::channel(QUEUE);
    let actor = Actor { dirs, shared, thread, loaded: None, failed: None };
    std::thread::Builder::new()
        .name("policy".to_owned())
        .spawn(move || actor.run(inbox))
        .context("the policy's thread cannot be started")?;
    Ok(requests)
}

struct Actor {
    dirs: Dirs,
    shared: Arc<Shared>,
    thread: u64,
    loaded: Option<Loaded>,
    failed: Option<Failed>,
}

struct Loaded {
    stamp: Stamp,
    bundle: Bundle,
    session: PolicySession,
}

/// The last attempt to load, if it failed.
struct Failed {
    stamp: Option<Stamp>,
    at: Instant,
    kind: FailureKind,
    message: String,
    remedy: String,
}

/// What a loaded session depends on; another stamp means another session.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    dir: PathBuf,
    files: u64,
    device: DeviceChoice,
    threads: Option<usize>,
}

impl Actor {
    fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        while let Some(request) = inbox.blocking_recv() {
            if !self.begins() {
                return;
            }
            // Nobody waits any more for an answer when its future was dropped.
            match request {
                Request::Warm => drop(self.guarded(|s| s.current().map(drop))),
                Request::Propose { cancel, .. } if cancel.is_cancelled() => {}
                Request::Propose { goal, k, cancel, reply } => {
                    let _ = reply.send(self.guarded(|s| s.propose(&goal, k, &cancel)));
                }
                #[cfg(test)]
                Request::Run(work, reply) => {
                    let done = || Proposals { candidates: Vec::new(), bundle: String::new() };
                    let _ = reply.send(self.guarded(|_| {
                        work();
                        Ok(done())
                    }));
                }
            }
            if !self.ended() {
                return;
            }
        }
    }

    /// Work begins; `false` for a thread that was left behind.
    fn begins(&self) -> bool {
        let mut work = lock(&self.shared.work);
        work.since = if work.thread == self.thread { Some(Instant::now()) } else { work.since };
        work.thread == self.thread
    }

    fn ended(&self) -> bool {
        let mut work = lock(&self.shared.work);
        work.since = if work.thread == self.thread { None } else { work.since };
        work.thread == self.thread
    }

    /// Changes the status, unless the thread was left behind.
    fn say(&self, change: impl FnOnce(&mut PolicyStatus)) {
        if lock(&self.shared.work).thread == self.thread {
            change(&mut lock(&self.shared.status));
        }
    }

    /// Does something; a panic becomes an error, and whatever state the session is in, the next request
    /// gets a new one.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Actor) -> Result<T>) -> Result<T> {
        catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or_else(|_| {
            (self.loaded, self.failed) = (None, None);
            let message = "the policy failed on a goal".to_owned();
            let remedy =
                "it is loaded again with the next; the log, `serve.log` in the state directory, says more";
            self.say(|s| s.problem = Some((message.clone(), remedy.to_owned())));
            Err(anyhow!(message))
        })
    }

    fn propose(&mut self, goal: &Goal, k: usize, cancel: &Cancel) -> Result<Proposals> {
        let loaded = self.current()?;
        let limits = loaded.bundle.limits();
        let ids = prompt::encode(&loaded.bundle.tokenizer, goal, limits);
        let params = GenerationParams { k, max_tokens: limits.tactic_tokens, method: Method::Beam };
        let generated = loaded.session.generate(&ids, &params, cancel)?;
        let bundle = loaded.bundle.id();
        if self.failed.is_none() {
            // What was wrong with a request before is over.
            self.say(|s| s.problem = None);
        }
        let candidates =
            generated.into_iter().map(|g| Candidate::new(g.text, Source::Policy, Some(g.log_prob)));
        Ok(Proposals { candidates: candidates.collect(), bundle })
    }

    /// The session of the bundle that is to be used now. Where that cannot be loaded, the one loaded before
    /// stays, and the status says what is wrong.
    fn current(&mut self) -> Result<&mut Loaded> {
        let settings = lock(&self.shared.settings).clone();
        let stamp = bundle::resolve(&self.dirs, settings.bundle.as_deref()).map(|dir| Stamp {
            files: files(&dir),
            dir,
            device: settings.device,
            threads: settings.threads,
        });
        let wanted = stamp.as_ref().ok().cloned();
        let up_to_date = matches!((&self.loaded, &wanted), (Some(l), Some(w)) if l.stamp == *w);
        if up_to_date {
            if self.failed.take().is_some() {
                self.say(|s| s.problem = None);
            }
        } else if !self.failed.as_ref().is_some_and(|f| f.stamp == wanted && f.at.elapsed() < RETRY) {
            match stamp.and_then(|stamp| self.load(stamp)) {
                Ok(loaded) => {
                    self.failed = None;
                    let bundle = Some(loaded.bundle.id());
                    let device = loaded.session.device().to_owned();
                    self.say(|s| *s = PolicyStatus { bundle, device, problem: None });
                    tracing::info!("policy: {} on {}", loaded.bundle.id(), loaded.session.device());
                    self.loaded = Some(loaded);
                }
                Err(e) => {
                    let failed = Failed::new(wanted, &e);
                    tracing::warn!("policy: {}", failed.message);
                    self.say(|s| s.problem = Some((failed.message.clone(), failed.remedy.clone())));
                    self.failed = Some(failed);
                }
            }
        }
        match (&mut self.loaded, &self.failed) {
            (Some(loaded), _) => Ok(loaded),
            (None, Some(f)) => Err(Failure::new(f.kind, &f.message).hint(&f.remedy).into()),
            (None, None) => Err(anyhow!("no bundle is loaded")),
        }
    }

    fn load(&self, stamp: Stamp) -> Result<Loaded> {
        // Quick to look for, and without it hashing the bundle would be in vain.
        let library = locate::onnxruntime(&self.dirs)?;
        let bundle = Bundle::open(&stamp.dir)?;
        let session =
            PolicySession::load_fast(&bundle, &library, &self.dirs.cache, stamp.device, stamp.threads)?;
        Ok(Loaded { stamp, bundle, session })
    }
}

impl Failed {
    fn new(stamp: Option<Stamp>, error: &anyhow::Error) -> Failed {
        let failure = Failure::of(error);
        let remedy = failure.and_then(|f| f.hint.clone());
        Failed {
            stamp,
            at: Instant::now(),
            kind: failure.map_or(FailureKind::Other, |f| f.kind),
            message: format!("{error:#}"),
            remedy: remedy.unwrap_or_else(|| "`lean-copilot doctor` says more".to_owned()),
        }
    }
}

/// Changes with the content of `bundle.json` and with the length and time of every file beside it.
fn files(dir: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    std::fs::read(dir.join(MANIFEST)).ok().hash(&mut hasher);
    let mut entries: Vec<_> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            let about = entry.metadata().ok();
            (entry.file_name(), about.map(|m| (m.len(), m.modified().ok())))
        })
        .collect();
    entries.sort();
    entries.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A policy without a bundle, whose requests are the test's.
    fn policy(patience: Duration) -> PolicyHandle {
        let none = std::env::temp_dir().join("lean-copilot-nothing-is-here");
        let dirs = Dirs::below(&none, none.clone(), none.clone());
        PolicyHandle::with_patience(dirs, Settings::default(), patience).unwrap()
    }

    async fn run(policy: &PolicyHandle, work: impl FnOnce() + Send + 'static) -> Result<Proposals> {
        let (reply, answer) = oneshot::channel();
        policy.ask(Request::Run(Box::new(work), reply), answer).await
    }

    #[tokio::test]
    async fn a_panic_costs_one_request_and_is_told() {
        let policy = policy(PATIENCE);
        let error = run(&policy, || panic!("the test's")).await.unwrap_err();
        assert!(error.to_string().contains("failed on a goal"), "{error}");
        let (message, remedy) = policy.status().problem.unwrap();
        assert!(message.contains("failed") && remedy.contains("loaded again"), "{message}: {remedy}");
        run(&policy, || ()).await.expect("the thread goes on");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_thread_that_hangs_is_replaced_and_what_it_says_later_is_not_heard() {
        let policy = policy(Duration::from_millis(200));
        let (free, hold) = std::sync::mpsc::channel::<()>();
        let stuck = run(&policy, move || _ = hold.recv()).await.unwrap_err();
        assert!(stuck.to_string().contains("did not answer"), "{stuck}");
        assert!(policy.status().problem.unwrap().0.contains("did not answer"));
        run(&policy, || ()).await.expect("another thread answers");
        drop(free);
        tokio::time::sleep(Duration::from_millis(50)).await;
        run(&policy, || ()).await.expect("and goes on when the first one comes back");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn threads_that_hang_do_not_pile_up() {
        let policy = policy(Duration::from_millis(50));
        let (free, hold) = std::sync::mpsc::channel::<()>();
        let hold = Arc::new(Mutex::new(hold));
        for _ in 0..5 {
            let hold = hold.clone();
            run(&policy, move || _ = lock(&hold).recv()).await.unwrap_err();
        }
        assert_eq!(lock(&policy.shared.work).thread, LEFT_BEHIND);
        assert!(policy.status().problem.unwrap().1.contains("restart"));
        drop(free);
        let started = Instant::now();
        while lock(&policy.shared.work).since.is_some() && started.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        run(&policy, || ()).await.expect("the last one is still in use");
    }
}
