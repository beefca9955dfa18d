//! Opening the SQLite databases that several processes share.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use rusqlite::{Connection, ErrorCode};

/// The pause before an opening that found the database busy is tried again.
const AGAIN: Duration = Duration::from_millis(5);

/// Opens or makes a database with a write-ahead log, waiting up to `patience` for others, and has it prepared (pragmas,
/// schema). `prepare` may run several times and must leave nothing half done where it fails.
///
/// The whole opening is tried again, since SQLite does not call its busy handler where waiting could be a deadlock
/// (<https://sqlite.org/c3ref/busy_handler.html>): whoever finds another connection switching a new file to its
/// write-ahead log is refused at once, whatever its `busy_timeout`.
///
/// # Errors
/// SQLite's own, and those of `prepare`; [`is_busy`] tells those that time may heal.
pub fn open_shared(
    path: &Path,
    patience: Duration,
    mut prepare: impl FnMut(&mut Connection) -> Result<()>,
) -> Result<Connection> {
    let begun = Instant::now();
    let mut open = || -> Result<Connection> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(patience)?;
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        tracing::debug!(path = %path.display(), mode, "database");
        prepare(&mut connection)?;
        Ok(connection)
    };
    loop {
        match open() {
            Err(error) if is_busy(&error) && begun.elapsed() < patience => std::thread::sleep(AGAIN),
            done => return done,
        }
    }
}

/// What SQLite said, where the error is its own.
pub fn code_of(error: &anyhow::Error) -> Option<ErrorCode> {
    error.chain().find_map(|e| e.downcast_ref::<rusqlite::Error>()).and_then(|e| e.sqlite_error_code())
}

/// Whether another connection was in the way.
pub fn is_busy(error: &anyhow::Error) -> bool {
    matches!(code_of(error), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether the file is not a database, or no longer one.
pub fn is_corrupt(error: &anyhow::Error) -> bool {
    matches!(code_of(error), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn many_may_begin_the_same_database_at_once() {
        const OPENERS: usize = 4;
        for _ in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("new.db");
            let start = Barrier::new(OPENERS);
            std::thread::scope(|scope| {
                for _ in 0..OPENERS {
                    scope.spawn(|| {
                        start.wait();
                        open_shared(&path, Duration::from_secs(20), |connection| {
                            connection.execute_batch("CREATE TABLE IF NOT EXISTS t (x)")?;
                            Ok(())
                        })
                        .unwrap()
                    });
                }
            });
        }
    }
}
