//! Looking at a database without touching it, for `doctor`.

use std::path::Path;

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};

use super::{BUSY, schema};
use crate::database::is_corrupt;
use crate::error::{Failure, FailureKind};

/// What a database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The size of the file in bytes, its journal left out.
    pub bytes: u64,
    /// The version of its tables; 0 for an empty file.
    pub schema: i64,
    /// Rounds recorded.
    pub rounds: i64,
}

/// Reads a database through and counts; none where the file is not there. Nothing is repaired, migrated or
/// moved. A file that is no database, or whose schema is newer than ours, is an error with its remedy.
pub fn inspect(path: &Path) -> Result<Option<Inspection>> {
    let bytes = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).with_context(|| format!("cannot read `{}`", path.display())),
    };
    read(path, bytes).map(Some).map_err(|error| {
        if !is_corrupt(&error) {
            return error;
        }
        let message = format!("`{}` cannot be read as a feedback database", path.display());
        let hint = "the next `serve` keeps it under another name and begins a new one; restore it from a backup \
                    before that, if you have one";
        Failure::new(FailureKind::Corrupt, message).hint(hint).into()
    })
}

fn read(path: &Path, bytes: u64) -> Result<Inspection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let verdict: String = connection.pragma_query_value(None, "quick_check", |r| r.get(0))?;
    if verdict != "ok" {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(rusqlite::Error::SqliteFailure(code, Some(verdict)).into());
    }
    let schema: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if schema > schema::VERSION {
        return Err(schema::newer(path, schema).into());
    }
    let rounds = match schema {
        0 => 0,
        _ => connection.query_row("SELECT count(*) FROM rounds", [], |r| r.get(0))?,
    };
    Ok(Inspection { bytes, schema, rounds })
}
