//! What Lean and the policy answered before, in the cache directory: a report can be made again without them.
//!
//! A row is found by all that the answer depends on (for a tactic: Lean, the file with what it imports, the step,
//! the tactics since, the tactic, the heartbeats), so that nothing has to be forgotten when something changes.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::database::open_shared;

/// How long a process waits for another one's write.
const BUSY: Duration = Duration::from_secs(10);

/// Changes when the meaning of rows does.
const VERSION: &str = "2";

/// What a row is found by.
pub type Key = [u8; 32];

/// The key of an answer of a kind that depends on these parts.
pub fn key(kind: &str, parts: &[&str]) -> Key {
    let mut hash = Sha256::new();
    for part in [VERSION, kind].iter().chain(parts) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The store; several processes may share its file.
#[derive(Debug)]
pub struct Cache {
    connection: Mutex<Connection>,
    /// Where nothing of before counts: the keys found out since.
    fresh: Option<Mutex<HashSet<Key>>>,
}

impl Cache {
    /// Opens or makes the file. With `fresh` all is found out again.
    pub fn open(file: &Path, fresh: bool) -> Result<Cache> {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        let connection = open_shared(file, BUSY, |connection| {
            // It can all be found out again.
            connection.pragma_update(None, "synchronous", "OFF")?;
            connection.execute_batch(
                "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, answer TEXT NOT NULL) STRICT, WITHOUT ROWID",
            )?;
            Ok(())
        })
        .with_context(|| {
            format!("cannot open `{}`; it may be removed, and is then made anew", file.display())
        })?;
        Ok(Cache { connection: Mutex::new(connection), fresh: fresh.then(Mutex::default) })
    }

    /// The answer of before.
    pub fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        if let Some(fresh) = &self.fresh
            && !fresh.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
        {
            return Ok(None);
        }
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let text: Option<String> = connection
            .prepare_cached("SELECT answer FROM answers WHERE key = ?1")?
            .query_row([key.as_slice()], |row| row.get(0))
            .optional()?;
        // What cannot be read is found out again.
        Ok(text.and_then(|t| serde_json::from_str(&t).ok()))
    }

    /// Remembers an answer.
    pub fn put<T: Serialize>(&self, key: &Key, answer: &T) -> Result<()> {
        let text = serde_json::to_string(answer)?;
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection
            .prepare_cached("INSERT OR REPLACE INTO answers (key, answer) VALUES (?1, ?2)")?
            .execute(params![key.as_slice(), text])?;
        if let Some(fresh) = &self.fresh {
            fresh.lock().unwrap_or_else(PoisonError::into_inner).insert(*key);
        }
        Ok(())
    }

    /// The answer of before, or the one that `find` gives now, which is remembered.
    pub fn or<T: Serialize + DeserializeOwned>(
        &self,
        key: &Key,
        find: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if let Some(known) = self.get(key)? {
            return Ok(known);
        }
        let found = find()?;
        self.put(key, &found)?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_is_known_to_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("eval.db");
        let (a, b) = (key("tactic", &["x", "yz"]), key("tactic", &["xy", "z"]));
        let first = Cache::open(&file, false).unwrap();
        assert_eq!(first.or(&a, || Ok(1.5f64)).unwrap(), 1.5);
        let second = Cache::open(&file, false).unwrap();
        assert_eq!(second.or::<f64>(&a, || panic!("it is known")).unwrap(), 1.5);
        assert_eq!(second.get::<f64>(&b).unwrap(), None, "where parts end matters");
        let third = Cache::open(&file, true).unwrap();
        assert_eq!(third.or(&a, || Ok(2.5)).unwrap(), 2.5, "found out again");
        assert_eq!(third.or::<f64>(&a, || panic!("once")).unwrap(), 2.5);
    }
}
