//! The database's tables and how an older file becomes a newer one.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Failure, FailureKind};

/// Each step makes the next schema version of the one before; published steps never change.
const MIGRATIONS: &[&str] = &[
    // 1: rounds, what was tried in them, what came of it. No foreign keys: an outcome may be written
    // before its round is over, by another process too.
    "CREATE TABLE rounds (
        id TEXT PRIMARY KEY NOT NULL,
        format INTEGER NOT NULL,
        time_ms INTEGER NOT NULL,
        project TEXT NOT NULL,
        uri TEXT NOT NULL,
        version INTEGER NOT NULL,
        declaration TEXT,
        line INTEGER NOT NULL,
        col INTEGER NOT NULL,
        goal TEXT NOT NULL,
        goals TEXT NOT NULL,
        goal_key TEXT NOT NULL,
        document_sha256 TEXT NOT NULL,
        header_sha256 TEXT NOT NULL,
        lean TEXT NOT NULL,
        bundle TEXT
    ) STRICT;
    CREATE TABLE candidates (
        round TEXT NOT NULL,
        rank INTEGER NOT NULL,
        tactic TEXT NOT NULL,
        source TEXT NOT NULL,
        sources TEXT NOT NULL,
        log_prob REAL,
        verdict TEXT,
        suggestion TEXT,
        PRIMARY KEY (round, rank)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE outcomes (
        id INTEGER PRIMARY KEY,
        round TEXT,
        suggestion TEXT,
        kind TEXT NOT NULL,
        time_ms INTEGER NOT NULL,
        reason TEXT,
        tactic TEXT,
        evidence TEXT NOT NULL
    ) STRICT;
    CREATE INDEX candidates_suggestion ON candidates (suggestion) WHERE suggestion IS NOT NULL;
    CREATE INDEX outcomes_round ON outcomes (round);
    CREATE INDEX outcomes_suggestion ON outcomes (suggestion);",
    // 2: whether a person saw it; reading by time, by project and by goal.
    "ALTER TABLE outcomes ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX rounds_time ON rounds (time_ms);
    CREATE INDEX rounds_project ON rounds (project, time_ms);
    CREATE INDEX rounds_goal ON rounds (goal_key);",
];

/// The schema that this program writes.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings a connection's database to [`VERSION`]. A newer one is left as it is and refused.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    let version = |c: &Connection| c.pragma_query_value(None, "user_version", |r| r.get::<_, i64>(0));
    if version(connection)? != VERSION {
        // Another process may migrate at the same time: look again with the write lock in hand.
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = version(&transaction)?;
        if found > VERSION {
            return Err(newer(path, found).into());
        }
        for (number, step) in MIGRATIONS.iter().enumerate().skip(found.max(0) as usize) {
            transaction.execute_batch(step).with_context(|| format!("schema step {}", number + 1))?;
        }
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The refusal of a database that a newer version wrote.
pub fn newer(path: &Path, found: i64) -> Failure {
    Failure::new(
        FailureKind::Corrupt,
        format!(
            "`{}` was written by a newer lean-copilot (schema {found}; this one knows {VERSION})",
            path.display()
        ),
    )
    .hint("update lean-copilot, or move the file away: a new one is then begun")
}
