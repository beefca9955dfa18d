//! The feedback store: one SQLite database per user, written and read by several processes at once.

mod actor;
mod history;
pub mod inspect;
mod rows;
mod schema;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::config::Dirs;
use crate::database::{is_corrupt, open_shared};
use crate::error::{Failure, FailureKind};
use crate::feedback::record::{Outcome, Recorded, Round, now_ms};

pub use actor::{Problem, StoreHandle, StoreStatus};
pub use history::{History, Mark, Taken};
pub use schema::VERSION as SCHEMA_VERSION;

/// How long a process waits for another one's write before it says that the store is busy.
const BUSY: Duration = Duration::from_secs(5);

/// A database larger than this is not read through when it is opened.
const CHECKED_BYTES: u64 = 64 << 20;

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    notice: Option<String>,
}

/// Which rows are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Select {
    /// Only this project (its root folder, as recorded).
    pub project: Option<String>,
    /// Only rounds at or after this time, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Only rounds of this main goal.
    pub goal_key: Option<String>,
    /// The newest so many; all where absent.
    pub limit: Option<usize>,
}

/// Which rows are deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deletion {
    /// Rounds by their ids; the id of a suggestion stands for its round.
    Ids(Vec<String>),
    /// Everything of a project (its root folder, as recorded).
    Project(String),
    /// Everything.
    All,
}

/// Something to write, in the order in which it was recorded.
enum Entry<'a> {
    Round(&'a Round),
    Outcome(&'a Outcome),
}

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// The database file.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Rounds.
    pub rounds: i64,
    /// Projects.
    pub projects: i64,
    /// Candidates by verdict; `none` for those that were not checked.
    pub verdicts: BTreeMap<String, i64>,
    /// Outcomes by kind.
    pub outcomes: BTreeMap<String, i64>,
    /// Time of the first round, in milliseconds since 1970.
    pub first_ms: Option<i64>,
    /// Time of the last round.
    pub last_ms: Option<i64>,
}

impl Store {
    /// Where the user's store lies.
    pub fn path_in(dirs: &Dirs) -> PathBuf {
        dirs.data.join("feedback.db")
    }

    /// Opens the database, or begins one. What cannot be read as a database is moved to
    /// `feedback.db.corrupt-<time>` and [`Store::notice`] says so. Fails for a schema newer than ours.
    pub fn open(path: &Path) -> Result<Store> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|e| not_writable(path, &e.to_string()))
                .with_context(|| format!("cannot create `{}`", folder.display()))?;
        }
        match connect(path) {
            Ok(connection) => Ok(Store { connection, path: path.to_path_buf(), notice: None }),
            Err(error) if is_corrupt(&error) => Store::replace(path),
            Err(error) => Err(error.context(format!("cannot open `{}`", path.display()))),
        }
    }

    /// Moves a broken database aside and begins a new one, one process at a time.
    fn replace(path: &Path) -> Result<Store> {
        let lock_path = beside(path, ".lock");
        let lock = std::fs::File::create(&lock_path)
            .with_context(|| format!("cannot create `{}`", lock_path.display()))?;
        lock.lock().with_context(|| format!("cannot lock `{}`", lock_path.display()))?;
        // Another process may have done it while this one waited.
        if let Ok(connection) = connect(path) {
            return Ok(Store { connection, path: path.to_path_buf(), notice: None });
        }
        let kept = beside(path, &format!(".corrupt-{}", now_ms()));
        std::fs::rename(path, &kept).with_context(|| format!("cannot move `{}` aside", path.display()))?;
        for suffix in ["-wal", "-shm"] {
            // The journal belongs to the broken file: a new database must not find it.
            let _ = std::fs::rename(beside(path, suffix), beside(&kept, suffix));
        }
        let connection = connect(path)?;
        let notice = format!(
            "`{}` could not be read as a feedback database; it is kept as `{}` and a new one was begun",
            path.display(),
            kept.display()
        );
        Ok(Store { connection, path: path.to_path_buf(), notice: Some(notice) })
    }

    /// What a person should know about how the store was opened.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes rounds (a known id is replaced) and outcomes, all or none.
    pub fn write(&mut self, rounds: &[Round], outcomes: &[Outcome]) -> Result<()> {
        let rounds = rounds.iter().map(Entry::Round);
        self.write_each(rounds.chain(outcomes.iter().map(Entry::Outcome)))
    }

    fn write_each<'a>(&mut self, entries: impl Iterator<Item = Entry<'a>>) -> Result<()> {
        let transaction =
            self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for entry in entries {
            match entry {
                Entry::Round(round) => rows::write_round(&transaction, round)?,
                Entry::Outcome(outcome) => rows::write_outcome(&transaction, outcome)?,
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Writes one round.
    pub fn record_round(&mut self, round: &Round) -> Result<()> {
        self.write(std::slice::from_ref(round), &[])
    }

    /// Writes one outcome.
    pub fn record_outcome(&mut self, outcome: &Outcome) -> Result<()> {
        self.write(&[], std::slice::from_ref(outcome))
    }

    /// Rounds with their outcomes, newest first.
    pub fn list(&self, select: &Select) -> Result<Vec<Recorded>> {
        rows::list(&self.connection, select)
    }

    /// Counts over everything.
    pub fn stats(&self) -> Result<Stats> {
        let mut stats = rows::stats(&self.connection)?;
        stats.path = self.path.display().to_string();
        stats.bytes = std::fs::metadata(&self.path).map_or(0, |m| m.len());
        Ok(stats)
    }

    /// Deletes rounds with all that belongs to them, from the file's free pages too; how many.
    pub fn delete(&mut self, what: &Deletion) -> Result<u64> {
        let deleted = rows::delete(&mut self.connection, what)?;
        // What is deleted should be gone from the journal too; a reader elsewhere may delay that.
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        Ok(deleted)
    }
}

/// Opens, checks and migrates a database file.
fn connect(path: &Path) -> Result<Connection> {
    open_shared(path, BUSY, |connection| {
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        if std::fs::metadata(path).map_or(0, |m| m.len()) <= CHECKED_BYTES {
            let verdict: String = connection.pragma_query_value(None, "quick_check", |r| r.get(0))?;
            if verdict != "ok" {
                return Err(rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                    Some(verdict),
                )
                .into());
            }
        }
        schema::migrate(connection, path)
    })
}

/// `feedback.db` → `feedback.db-wal` and its like.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn not_writable(path: &Path, why: &str) -> Failure {
    Failure::new(FailureKind::Other, format!("`{}` cannot be written: {why}", path.display()))
        .hint("make room on the disk or the folder writable, or set LEAN_COPILOT_DATA_DIR to another folder")
}
