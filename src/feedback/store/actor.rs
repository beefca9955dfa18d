//! The actor that owns the database for a running server: callers never wait for a disk.
//!
//! A panic costs the rows in hand; the database is opened again. While the disk does not answer, rows wait
//! and the status says so.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use anyhow::Result;
use rusqlite::ErrorCode;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};

use super::{Deletion, Select, Stats, Store, not_writable};
use crate::database::{code_of, is_corrupt};
use crate::error::{Failure, FailureKind};
use crate::feedback::record::{Outcome, Recorded, Round};

/// Rows that wait to be written at most; then the oldest is dropped.
const CAPACITY: usize = 1024;

/// Questions that wait at most; then a new one is refused.
const QUESTIONS: usize = 64;

/// Pause between two attempts while the database cannot be written.
const RETRY: Duration = Duration::from_secs(3);

/// A thread that has been busy for so long hangs, and a question that waits for it is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why recording pauses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong, naming the file.
    pub message: String,
    /// What mends it.
    pub remedy: String,
}

/// How the store is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatus {
    /// Why nothing is written at present; rows wait in memory and are written once it is mended.
    pub problem: Option<Problem>,
    /// What a person should know: a broken database was kept aside.
    pub notice: Option<String>,
    /// Rows lost because too many waited, or because the database refused them.
    pub dropped: u64,
}

/// A handle on the actor; clones share it. When the last one goes, what waits is written and the thread ends.
#[derive(Debug, Clone)]
pub struct StoreHandle {
    path: PathBuf,
    patience: Duration,
    shared: Arc<Shared>,
    status: watch::Receiver<StoreStatus>,
    _alive: Arc<Alive>,
}

#[derive(Debug)]
enum Row {
    Round(Box<Round>),
    Outcome(Box<Outcome>),
}

#[derive(Debug)]
enum Question {
    Stats(oneshot::Sender<Result<Stats>>),
    List(Select, oneshot::Sender<Result<Vec<Recorded>>>),
    Delete(Deletion, oneshot::Sender<Result<u64>>),
    Flush(oneshot::Sender<Result<()>>),
    /// What no question can be made to do from outside: fail, or hang.
    #[cfg(test)]
    Run(Hidden, oneshot::Sender<Result<()>>),
}

/// A test's closure.
#[cfg(test)]
struct Hidden(Box<dyn FnOnce() + Send>);

#[cfg(test)]
impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden")
    }
}

#[derive(Debug, Default)]
struct Queue {
    rows: VecDeque<Row>,
    questions: VecDeque<Question>,
    dropped: u64,
    closed: bool,
    /// Since when the thread has been at work.
    busy: Option<Instant>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// Says to the thread that no handle is left.
#[derive(Debug)]
struct Alive(Arc<Shared>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wake.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it holds the lock; if something did, the queue is whole all the same.
        self.queue.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl StoreHandle {
    /// Starts the actor. The database is opened on its thread; whether that worked is in the status.
    pub fn spawn(path: PathBuf) -> StoreHandle {
        let shared = Arc::new(Shared::default());
        let (sender, status) = watch::channel(StoreStatus::default());
        let actor = Actor { path: path.clone(), store: None, shared: shared.clone(), status: sender };
        let spawned = std::thread::Builder::new().name("feedback".into()).spawn(move || actor.run());
        if let Err(error) = spawned {
            tracing::error!(%error, "the feedback thread could not be started; nothing is recorded");
            shared.lock().closed = true;
        }
        StoreHandle { path, patience: PATIENCE, _alive: Arc::new(Alive(shared.clone())), shared, status }
    }

    /// Hands a round over to be written. Never waits.
    pub fn record_round(&self, round: Round) {
        self.push(Row::Round(Box::new(round)));
    }

    /// Hands an outcome over to be written. Never waits.
    pub fn record_outcome(&self, outcome: Outcome) {
        self.push(Row::Outcome(Box::new(outcome)));
    }

    fn push(&self, row: Row) {
        let mut queue = self.shared.lock();
        if queue.rows.len() >= CAPACITY {
            queue.rows.pop_front();
            queue.dropped += 1;
        }
        queue.rows.push_back(row);
        drop(queue);
        self.shared.wake.notify_all();
    }

    /// Counts over everything that was recorded before.
    pub async fn stats(&self) -> Result<Stats> {
        self.ask(Question::Stats).await
    }

    /// Rounds with outcomes, newest first.
    pub async fn list(&self, select: Select) -> Result<Vec<Recorded>> {
        self.ask(|reply| Question::List(select, reply)).await
    }

    /// Deletes rows, those that still wait included; how many rounds.
    pub async fn delete(&self, what: Deletion) -> Result<u64> {
        self.ask(|reply| Question::Delete(what, reply)).await
    }

    /// Returns when all that was recorded before is on disk; fails if it cannot be written now.
    pub async fn flush(&self) -> Result<()> {
        self.ask(Question::Flush).await
    }

    async fn ask<T>(&self, question: impl FnOnce(oneshot::Sender<Result<T>>) -> Question) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        {
            let mut queue = self.shared.lock();
            if queue.questions.len() >= QUESTIONS {
                return Err(Failure::new(
                    FailureKind::Other,
                    "too many questions to the feedback store wait",
                )
                .hint("ask again when they are answered")
                .into());
            }
            queue.questions.push_back(question(reply));
        }
        self.shared.wake.notify_all();
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(answer)) => answer,
            // Given up, or lost with the request before it.
            _ => Err(Failure::new(FailureKind::Other, "the feedback store does not answer")
                .hint(DISK_HANGS)
                .into()),
        }
    }

    /// How the store is now.
    pub fn status(&self) -> StoreStatus {
        let mut status = self.status.borrow().clone();
        let queue = self.shared.lock();
        status.dropped += queue.dropped;
        if queue.busy.is_some_and(|since| since.elapsed() >= self.patience) {
            let message =
                format!("the feedback store `{}` does not answer; recording pauses", self.path.display());
            status.problem.get_or_insert(Problem { message, remedy: DISK_HANGS.to_owned() });
        }
        status
    }

    /// Wakes its owner whenever the problem or the notice changes.
    pub fn watch(&self) -> watch::Receiver<StoreStatus> {
        self.status.clone()
    }
}

/// The remedy for a disk that does not answer.
const DISK_HANGS: &str =
    "look whether its disk is full or does not respond, and whether another process holds it";

struct Actor {
    path: PathBuf,
    store: Option<Store>,
    shared: Arc<Shared>,
    status: watch::Sender<StoreStatus>,
}

impl Actor {
    fn run(mut self) {
        let mut paused = !self.guarded(0, |actor| actor.open().is_ok()).unwrap_or(false);
        loop {
            let (rows, questions, closed) = self.next(paused);
            let in_hand = rows.len() as u64;
            paused = self.guarded(in_hand, |actor| actor.keep(rows)).unwrap_or(true);
            for question in questions {
                paused |= self.guarded(0, |actor| actor.answer(question)).is_none();
            }
            self.shared.lock().busy = None;
            if closed && (paused || self.shared.lock().rows.is_empty()) {
                return;
            }
        }
    }

    /// Does something; after a panic the database is opened again, and the rows in hand are lost.
    fn guarded<T>(&mut self, in_hand: u64, work: impl FnOnce(&mut Actor) -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(|| work(self))).ok();
        if done.is_none() {
            self.store = None;
            self.shared.lock().dropped += in_hand;
            let message = format!("the feedback store `{}` failed; it is opened again", self.path.display());
            let remedy = "the log, `serve.log` in the state directory, says what failed".to_owned();
            self.status.send_modify(|s| s.problem = Some(Problem { message, remedy }));
        }
        done
    }

    /// Writes rows; those that cannot be written now wait again. Whether they have to.
    fn keep(&mut self, rows: Vec<Row>) -> bool {
        let Err(rows) = self.write(rows) else { return false };
        let mut queue = self.shared.lock();
        for row in rows.into_iter().rev() {
            queue.rows.push_front(row);
        }
        while queue.rows.len() > CAPACITY {
            queue.rows.pop_front();
            queue.dropped += 1;
        }
        true
    }

    /// Waits for work; while paused, for a question, the end or the time of the next attempt.
    fn next(&self, paused: bool) -> (Vec<Row>, Vec<Question>, bool) {
        let mut queue = self.shared.lock();
        if paused {
            let idle = |q: &mut Queue| q.questions.is_empty() && !q.closed;
            let waited = self.shared.wake.wait_timeout_while(queue, RETRY, idle);
            queue = waited.unwrap_or_else(|e| e.into_inner()).0;
        } else {
            let idle = |q: &mut Queue| q.rows.is_empty() && q.questions.is_empty() && !q.closed;
            queue = self.shared.wake.wait_while(queue, idle).unwrap_or_else(|e| e.into_inner());
        }
        queue.busy = Some(Instant::now());
        (queue.rows.drain(..).collect(), queue.questions.drain(..).collect(), queue.closed)
    }

    fn open(&mut self) -> Result<&mut Store> {
        if self.store.is_none() {
            match Store::open(&self.path) {
                Ok(store) => {
                    let notice = store.notice().map(str::to_owned);
                    self.status.send_if_modified(|s| {
                        let changed = s.problem.take().is_some() || notice.is_some();
                        s.notice = notice.or(s.notice.take());
                        changed
                    });
                    self.store = Some(store);
                }
                Err(error) => {
                    self.pause(&error);
                    return Err(error);
                }
            }
        }
        Ok(self.store.as_mut().expect("just opened"))
    }

    /// Writes rows in one transaction; gives them back if the database cannot be written now.
    fn write(&mut self, rows: Vec<Row>) -> Result<(), Vec<Row>> {
        if rows.is_empty() {
            return if self.open().is_ok() { Ok(()) } else { Err(rows) };
        }
        for attempt in 0..2 {
            let Ok(store) = self.open() else { return Err(rows) };
            let error = match write_all(store, &rows) {
                Ok(()) => {
                    self.status.send_if_modified(|s| s.problem.take().is_some());
                    return Ok(());
                }
                Err(error) => error,
            };
            tracing::warn!(error = format!("{error:#}"), "rows could not be written");
            if is_corrupt(&error) && attempt == 0 {
                // Opening again finds the damage, keeps the file aside and begins a new one.
                self.store = None;
            } else if is_passing(&error) || is_corrupt(&error) {
                self.store = None;
                self.pause(&error);
                return Err(rows);
            } else {
                self.write_singly(rows);
                return Ok(());
            }
        }
        Err(rows)
    }

    /// One row at a time, for a batch in which the database refuses a row for what it is.
    fn write_singly(&mut self, rows: Vec<Row>) {
        for row in rows {
            let Ok(store) = self.open() else { return };
            if let Err(error) = write_all(store, std::slice::from_ref(&row)) {
                tracing::error!(error = format!("{error:#}"), "a row was refused by the feedback store");
                self.shared.lock().dropped += 1;
            }
        }
    }

    fn pause(&self, error: &anyhow::Error) {
        let problem = problem_of(&self.path, error);
        self.status.send_if_modified(|s| s.problem.replace(problem.clone()).as_ref() != Some(&problem));
    }

    fn answer(&mut self, question: Question) {
        // Nobody may be waiting any more for an answer: that is no error, and each would wait for the disk.
        let given_up = match &question {
            Question::Stats(reply) => reply.is_closed(),
            Question::List(_, reply) => reply.is_closed(),
            _ => false,
        };
        if given_up {
            return;
        }
        match question {
            Question::Stats(reply) => drop(reply.send(self.open().and_then(|s| s.stats()))),
            Question::List(select, reply) => drop(reply.send(self.open().and_then(|s| s.list(&select)))),
            Question::Delete(what, reply) => {
                self.forget(&what);
                drop(reply.send(self.open().and_then(|s| s.delete(&what))));
            }
            #[cfg(test)]
            Question::Run(work, reply) => {
                (work.0)();
                drop(reply.send(Ok(())));
            }
            Question::Flush(reply) => {
                let problem = self.status.borrow().problem.clone();
                drop(reply.send(match problem {
                    None => Ok(()),
                    Some(p) => Err(Failure::new(FailureKind::Other, p.message).hint(p.remedy).into()),
                }));
            }
        }
    }

    /// Rows that wait because the database cannot be written must not come back after a deletion.
    fn forget(&self, what: &Deletion) {
        let named = |ids: &[String], id: &Option<String>| id.as_ref().is_some_and(|id| ids.contains(id));
        let mut queue = self.shared.lock();
        let mut gone: Vec<String> = if let Deletion::Ids(ids) = what { ids.clone() } else { Vec::new() };
        queue.rows.retain(|row| {
            let Row::Round(round) = row else { return true };
            let goes = match what {
                Deletion::All => true,
                Deletion::Project(project) => round.project == *project,
                Deletion::Ids(ids) => {
                    ids.contains(&round.id) || round.candidates.iter().any(|c| named(ids, &c.suggestion))
                }
            };
            if goes {
                gone.push(round.id.clone());
                gone.extend(round.candidates.iter().filter_map(|c| c.suggestion.clone()));
            }
            !goes
        });
        queue.rows.retain(|row| match row {
            Row::Outcome(o) => {
                *what != Deletion::All && !named(&gone, &o.round) && !named(&gone, &o.suggestion)
            }
            Row::Round(_) => true,
        });
    }
}

fn write_all(store: &mut Store, rows: &[Row]) -> Result<()> {
    store.write_each(rows.iter().map(|row| match row {
        Row::Round(round) => super::Entry::Round(round),
        Row::Outcome(outcome) => super::Entry::Outcome(outcome),
    }))
}

/// Whether the same rows may be written later.
fn is_passing(error: &anyhow::Error) -> bool {
    use ErrorCode::*;
    matches!(
        code_of(error),
        Some(
            DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | ReadOnly
                | SystemIoFailure
                | CannotOpen
                | PermissionDenied
                | OutOfMemory
                | FileLockingProtocolFailed
                | SchemaChanged
                | OperationInterrupted
        )
    )
}

fn problem_of(path: &Path, error: &anyhow::Error) -> Problem {
    use ErrorCode::*;
    let why = match code_of(error) {
        Some(DiskFull) => "the disk is full",
        Some(ReadOnly | PermissionDenied | CannotOpen) => "it or its folder is not writable",
        Some(DatabaseBusy | DatabaseLocked) => "another process holds it",
        Some(SystemIoFailure) => "the disk reports an error",
        _ => {
            let failure = Failure::of(error);
            let message = failure.map_or_else(|| format!("{error:#}"), |f| f.message.clone());
            let remedy = failure.and_then(|f| f.hint.clone());
            return Problem {
                message: format!("{message}; recording pauses"),
                remedy: remedy.unwrap_or_else(|| "move the file away: a new one is then begun".into()),
            };
        }
    };
    let failure = not_writable(path, why);
    Problem {
        message: format!("{}; recording pauses", failure.message),
        remedy: failure.hint.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(name: &str) -> (StoreHandle, tempfile::TempDir) {
        let folder = tempfile::Builder::new().prefix(name).tempdir().unwrap();
        (StoreHandle::spawn(folder.path().join("feedback.sqlite")), folder)
    }

    async fn run(store: &StoreHandle, work: impl FnOnce() + Send + 'static) -> Result<()> {
        store.ask(|reply| Question::Run(Hidden(Box::new(work)), reply)).await
    }

    #[tokio::test]
    async fn a_panic_costs_one_question_and_is_told_until_the_database_is_open_again() {
        let (store, _folder) = store("panic");
        let error = run(&store, || panic!("the test's")).await.unwrap_err();
        assert!(error.to_string().contains("does not answer"), "{error}");
        let started = Instant::now();
        while store.status().problem.is_none_or(|p| !p.message.contains("failed")) {
            assert!(started.elapsed() < RETRY, "{:?}", store.status());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(store.stats().await.unwrap().rounds, 0, "the next question is answered");
        let started = Instant::now();
        while store.status().problem.is_some() {
            assert!(started.elapsed() < RETRY * 5, "{:?}", store.status());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_thread_that_hangs_is_told_and_holds_up_no_caller() {
        let (store, _folder) = store("hang");
        let store = StoreHandle { patience: Duration::from_millis(200), ..store };
        let (free, hold) = std::sync::mpsc::channel::<()>();
        run(&store, move || _ = hold.recv()).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(store.status().problem.unwrap().message.contains("does not answer"));
        store.stats().await.unwrap_err();
        drop(free);
        let store = StoreHandle { patience: PATIENCE, ..store };
        store.stats().await.expect("it comes back");
        assert_eq!(store.status().problem, None);
    }
}
