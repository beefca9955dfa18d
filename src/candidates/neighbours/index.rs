//! Steps that were done, found again by the goals that they were done at: a full-text index of SQLite.
//!
//! Every goal is a row of hashed terms ([`super::terms`]). A question takes the goal's rarest terms, so many
//! that at most a few hundred rows hold one, lets the index find the likest of them (Okapi BM25, as SQLite
//! computes it), and weighs those again by the rarity of what they share. What is added is found by the next
//! question, by other processes as well.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::terms::{Term, terms};
use crate::proof::Goal;

/// Version of the schema and of the terms: an index of another version is made anew.
const VERSION: i64 = 1;
/// Rows that the terms of a question may lead to, about: it bounds the time of an answer.
const REACH: u64 = 600;
/// Terms of a question.
const TERMS: usize = 24;
/// Rows weighed again.
const WEIGHED: usize = 48;
/// How long a process waits for another one's write.
const BUSY: Duration = Duration::from_secs(2);

const SCHEMA: &str = "
    CREATE TABLE steps (
        id INTEGER PRIMARY KEY,
        origin TEXT NOT NULL,
        goal TEXT NOT NULL,
        tactic TEXT NOT NULL,
        words TEXT NOT NULL,
        UNIQUE (origin, goal, tactic)
    ) STRICT;
    CREATE TABLE origins (name TEXT PRIMARY KEY NOT NULL, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1, detail=none, tokenize='ascii');
    CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row);";

/// A step to learn.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// The main goal.
    pub goal: Goal,
    /// The tactic that was right there.
    pub tactic: String,
}

/// A step at a like goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// The goal that it was done at.
    pub goal: Goal,
    /// What was done.
    pub tactic: String,
    /// Who did it: an origin that was given to [`Index::learn`].
    pub origin: String,
    /// Likeness of the goals, 0 to 1: the shared terms' share of all, weighted by rarity.
    pub likeness: f64,
}

/// An open index; one writer and many readers, in one process or several.
#[derive(Debug)]
pub struct Index {
    connection: Connection,
    path: PathBuf,
}

impl Index {
    /// Opens an index, or begins one; one that is broken or of another version is begun anew, since all of
    /// it can be learnt again.
    pub fn open(path: &Path) -> Result<Index> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot create `{}`", folder.display()))?;
        }
        match connect(path) {
            Ok(connection) => Ok(Index { connection, path: path.to_owned() }),
            Err(error) => {
                tracing::info!("the index of steps is made anew: {error:#}");
                for suffix in ["", "-wal", "-shm"] {
                    let mut name = path.as_os_str().to_owned();
                    name.push(suffix);
                    match std::fs::remove_file(&name) {
                        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
                        _ => {}
                    }
                }
                let connection =
                    connect(path).with_context(|| format!("cannot open `{}`", path.display()))?;
                Ok(Index { connection, path: path.to_owned() })
            }
        }
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds steps of an origin (known ones are passed over) and notes how far it has been read: all or none.
    pub fn learn(&mut self, origin: &str, steps: &[Learned], state: &str) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut row = transaction.prepare_cached(
                "INSERT OR IGNORE INTO steps (origin, goal, tactic, words) VALUES (?1, ?2, ?3, ?4)",
            )?;
            let mut text = transaction.prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?;
            for step in steps {
                let words: Vec<String> = terms(&step.goal).keys().map(|t| t.word()).collect();
                let words = words.join(" ");
                if row.execute(params![origin, step.goal.text, step.tactic, words])? > 0 {
                    text.execute(params![transaction.last_insert_rowid(), words])?;
                }
            }
        }
        transaction.execute(
            "INSERT INTO origins VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET state = ?2",
            params![origin, state],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Forgets all steps of an origin.
    pub fn forget(&mut self, origin: &str) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction
            .execute("DELETE FROM words WHERE rowid IN (SELECT id FROM steps WHERE origin = ?1)", [origin])?;
        transaction.execute("DELETE FROM steps WHERE origin = ?1", [origin])?;
        transaction.execute("DELETE FROM origins WHERE name = ?1", [origin])?;
        transaction.commit()?;
        Ok(())
    }

    /// How far an origin has been read, as [`Index::learn`] was told.
    pub fn state(&self, origin: &str) -> Result<Option<String>> {
        let mut read = self.connection.prepare_cached("SELECT state FROM origins WHERE name = ?1")?;
        Ok(read.query_row([origin], |r| r.get(0)).optional()?)
    }

    /// Number of steps.
    pub fn len(&self) -> Result<u64> {
        let count: i64 = self.connection.query_row("SELECT count(*) FROM steps", [], |r| r.get(0))?;
        Ok(count as u64)
    }

    /// Whether nothing has been learnt.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Steps at the likest goals, the likest first.
    pub fn similar(&self, goal: &Goal) -> Result<Vec<Neighbour>> {
        let asked = terms(goal);
        let total =
            self.connection.query_row("SELECT max(id) FROM steps", [], |r| r.get::<_, Option<i64>>(0))?;
        let Some(total) = total else { return Ok(Vec::new()) };
        let counts = self.counts(asked.keys())?;
        let rarity = |term: &Term| {
            let holding = counts.get(term).copied().unwrap_or(0) as f64;
            ((total as f64 + 1.0) / (holding + 0.5)).ln().max(0.0)
        };
        let question = question(&counts);
        if question.is_empty() {
            return Ok(Vec::new());
        }
        let mut find = self
            .connection
            .prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rank LIMIT ?2")?;
        let rows: Vec<i64> =
            find.query_map(params![question, WEIGHED as i64], |r| r.get(0))?.collect::<Result<_, _>>()?;
        let mut read =
            self.connection.prepare_cached("SELECT goal, tactic, origin, words FROM steps WHERE id = ?1")?;
        let whole: f64 = asked.iter().map(|(t, w)| w * rarity(t)).sum();
        let mut found = Vec::with_capacity(rows.len());
        for id in rows {
            let row = read.query_row([id], |r| {
                Ok((
                    r.get::<_, String>(0)?,
                    r.get::<_, String>(1)?,
                    r.get::<_, String>(2)?,
                    r.get::<_, String>(3)?,
                ))
            });
            // Deleted by another process meanwhile.
            let Some((goal, tactic, origin, words)) = row.optional()? else { continue };
            let theirs: Vec<Term> = words.split(' ').filter_map(Term::from_word).collect();
            let shared: f64 = theirs.iter().filter_map(|t| asked.get(t).map(|w| w * rarity(t))).sum();
            // Terms that only the other goal has make it less like; their rarity is not looked up.
            let foreign = theirs.iter().filter(|t| !asked.contains_key(t)).count() as f64;
            let likeness = shared / (whole + 0.5 * foreign).max(f64::MIN_POSITIVE);
            found.push(Neighbour { goal: Goal::parse(&goal), tactic, origin, likeness });
        }
        found.sort_by(|a, b| b.likeness.total_cmp(&a.likeness).then_with(|| a.tactic.cmp(&b.tactic)));
        Ok(found)
    }

    /// How many rows hold each term; terms that none holds are left out.
    fn counts<'a>(&self, terms: impl Iterator<Item = &'a Term>) -> Result<HashMap<Term, u64>> {
        let mut count = self.connection.prepare_cached("SELECT doc FROM vocabulary WHERE term = ?1")?;
        let mut out = HashMap::new();
        for term in terms {
            let rows: Option<i64> = count.query_row([term.word()], |r| r.get(0)).optional()?;
            if let Some(rows) = rows.filter(|n| *n > 0) {
                out.insert(*term, rows as u64);
            }
        }
        Ok(out)
    }
}

/// The rarest terms as a question to the index, at least one.
fn question(counts: &HashMap<Term, u64>) -> String {
    let by_count: BTreeMap<(u64, Term), ()> = counts.iter().map(|(t, n)| ((*n, *t), ())).collect();
    let mut words: Vec<String> = Vec::new();
    let mut reached = 0;
    for (count, term) in by_count.into_keys() {
        if !words.is_empty() && (reached + count > REACH || words.len() == TERMS) {
            break;
        }
        reached += count;
        words.push(term.word());
    }
    words.join(" OR ")
}

fn connect(path: &Path) -> Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // What a person deletes from the feedback store must not lie in free pages here.
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let version = |c: &Connection| c.pragma_query_value(None, "user_version", |r| r.get::<_, i64>(0));
    if version(&connection)? == 0 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have made it meanwhile.
        if version(&transaction)? == 0 {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()?;
    }
    let found = version(&connection)?;
    anyhow::ensure!(found == VERSION, "it has version {found}, this program's is {VERSION}");
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(goal: &str, tactic: &str) -> Learned {
        Learned { goal: Goal::parse(goal), tactic: tactic.into() }
    }

    fn tactics(index: &Index, goal: &str) -> Vec<String> {
        index.similar(&Goal::parse(goal)).unwrap().into_iter().map(|n| n.tactic).collect()
    }

    #[test]
    fn the_likest_goal_comes_first_and_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/steps.db");
        let mut index = Index::open(&path).unwrap();
        assert_eq!(tactics(&index, "⊢ True"), Vec::<String>::new());
        let steps = [
            step("xs : List Nat\n⊢ (xs ++ []).length = xs.length", "simp"),
            step("xs ys : List Nat\n⊢ (xs ++ ys).reverse = ys.reverse ++ xs.reverse", "induction xs"),
            step("a b : Nat\n⊢ a + b = b + a", "omega"),
        ];
        index.learn("corpus", &steps, "all").unwrap();
        index.learn("corpus", &steps, "all").unwrap();
        assert_eq!(index.len().unwrap(), 3, "what is known is not learnt twice");
        drop(index);
        let mut index = Index::open(&path).unwrap();
        assert_eq!(tactics(&index, "c d : Nat\n⊢ c + d = d + c")[0], "omega");
        assert_eq!(
            tactics(&index, "as bs : List Nat\n⊢ (as ++ bs).reverse = bs.reverse ++ as.reverse")[0],
            "induction xs"
        );
        assert_eq!(index.state("corpus").unwrap().as_deref(), Some("all"));
        index.forget("corpus").unwrap();
        assert!(index.is_empty().unwrap() && index.state("corpus").unwrap().is_none());
        assert!(tactics(&index, "c d : Nat\n⊢ c + d = d + c").is_empty());
    }

    #[test]
    fn what_is_learnt_is_found_at_once_by_another_reader() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("steps.db");
        let (mut writer, reader) = (Index::open(&path).unwrap(), Index::open(&path).unwrap());
        writer.learn("history", &[step("h : p ∧ q\n⊢ q ∧ p", "exact ⟨h.2, h.1⟩")], "1").unwrap();
        assert_eq!(tactics(&reader, "g : a ∧ b\n⊢ b ∧ a"), ["exact ⟨h.2, h.1⟩"]);
    }

    #[test]
    fn a_file_that_is_no_index_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("steps.db");
        std::fs::write(&path, "not a database, but long enough to be read as one".repeat(40)).unwrap();
        assert!(Index::open(&path).unwrap().is_empty().unwrap());
    }
}
