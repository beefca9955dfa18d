//! The policy's own thread: goals in, candidates out, the bundle reloaded between two requests.

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
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Mutex<Settings>,
    status: Mutex<PolicyStatus>,
}

#[derive(Debug)]
enum Request {
    Propose { goal: Goal, k: usize, cancel: Cancel, reply: oneshot::Sender<Result<Proposals>> },
    Warm,
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
        let (requests, inbox) = mpsc::channel(QUEUE);
        let shared =
            Arc::new(Shared { settings: Mutex::new(settings), status: Mutex::new(PolicyStatus::default()) });
        let actor = Actor { dirs, shared: shared.clone(), loaded: None, failed: None };
        std::thread::Builder::new()
            .name("policy".to_owned())
            .spawn(move || actor.run(inbox))
            .context("the policy's thread cannot be started")?;
        Ok(PolicyHandle { requests, shared })
    }

    /// Up to `k` tactics for a goal. Loads the bundle first where that is needed. Dropping the future stops
    /// the work within one step. Errors carry a [`Failure`] with its remedy.
    pub async fn propose(&self, goal: &Goal, k: usize) -> Result<Proposals> {
        let cancel = Cancel::default();
        let guard = CancelOnDrop(cancel.clone());
        let (reply, answer) = oneshot::channel();
        let request = Request::Propose { goal: goal.clone(), k, cancel, reply };
        self.requests.send(request).await.map_err(|_| anyhow!("the policy's thread has ended"))?;
        let proposals = answer.await.map_err(|_| anyhow!("the policy's thread has ended"))?;
        drop(guard);
        proposals
    }

    /// Loads the bundle ahead of the first goal; skipped where work is already waiting.
    pub fn warm(&self) {
        // A full queue will load it anyway.
        let _ = self.requests.try_send(Request::Warm);
    }

    /// What is in use and what is wrong.
    pub fn status(&self) -> PolicyStatus {
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

struct Actor {
    dirs: Dirs,
    shared: Arc<Shared>,
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
            match request {
                Request::Warm => {
                    let _ = catch_unwind(AssertUnwindSafe(|| self.current().map(drop)));
                }
                Request::Propose { cancel, .. } if cancel.is_cancelled() => {}
                Request::Propose { goal, k, cancel, reply } => {
                    let answer = catch_unwind(AssertUnwindSafe(|| self.propose(&goal, k, &cancel)))
                        .unwrap_or_else(|_| {
                            // Whatever state the session is in, the next request gets a new one.
                            self.loaded = None;
                            Err(anyhow!("the policy failed on this goal"))
                        });
                    // Nobody waits any more when the future was dropped.
                    let _ = reply.send(answer);
                }
            }
        }
    }

    fn propose(&mut self, goal: &Goal, k: usize, cancel: &Cancel) -> Result<Proposals> {
        let loaded = self.current()?;
        let limits = loaded.bundle.limits();
        let ids = prompt::encode(&loaded.bundle.tokenizer, goal, limits);
        let params = GenerationParams { k, max_tokens: limits.tactic_tokens, method: Method::Beam };
        let generated = loaded.session.generate(&ids, &params, cancel)?;
        let candidates =
            generated.into_iter().map(|g| Candidate::new(g.text, Source::Policy, Some(g.log_prob)));
        Ok(Proposals { candidates: candidates.collect(), bundle: loaded.bundle.id() })
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
                lock(&self.shared.status).problem = None;
            }
        } else if !self.failed.as_ref().is_some_and(|f| f.stamp == wanted && f.at.elapsed() < RETRY) {
            match stamp.and_then(|stamp| self.load(stamp)) {
                Ok(loaded) => {
                    self.failed = None;
                    *lock(&self.shared.status) = PolicyStatus {
                        bundle: Some(loaded.bundle.id()),
                        device: loaded.session.device().to_owned(),
                        problem: None,
                    };
                    tracing::info!("policy: {} on {}", loaded.bundle.id(), loaded.session.device());
                    self.loaded = Some(loaded);
                }
                Err(e) => {
                    let failed = Failed::new(wanted, &e);
                    tracing::warn!("policy: {}", failed.message);
                    lock(&self.shared.status).problem = Some((failed.message.clone(), failed.remedy.clone()));
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
