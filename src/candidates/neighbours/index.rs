//! Steps that were done, found again by the goals that they were done at: a full-text index of SQLite.
//!
//! Every goal is a row of hashed terms ([`super::terms`]). A question takes the goal's rarest terms, so many that at
//! most a few hundred rows hold one, has the index find those rows, the newest first where a term alone has more,
//! and weighs them by the rarity of what they share. How many rows hold a term is counted as they are learnt: the
//! full-text index would read all of them to say so. What is added is found by the next question, by other
//! processes as well.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::terms::{Term, terms};
use crate::database::{is_busy, open_shared};
use crate::proof::Goal;

/// Version of the schema and of the terms: an index of another version is made anew.
const VERSION: i64 = 2;
/// Rows that a question weighs, at most: it bounds the time of an answer.
const REACH: u64 = 600;
/// Terms of a question.
const TERMS: usize = 24;
/// Rows of an answer.
const ANSWERED: usize = 48;
/// How long a process waits for another one's write.
const BUSY: Duration = Duration::from_secs(2);
/// The database's pages that a connection keeps, in KiB.
const PAGES_KIB: i64 = 16 * 1024;

// The terms stand before the texts, so that weighing a row does not read those. `key` is a hash of origin, goal and
// tactic: an index over the texts would hold all of them a second time.
const SCHEMA: &str = "
    CREATE TABLE origins (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL) STRICT;
    CREATE TABLE steps (
        id INTEGER PRIMARY KEY,
        origin INTEGER NOT NULL,
        key INTEGER NOT NULL UNIQUE,
        terms BLOB NOT NULL,
        tactic TEXT NOT NULL,
        goal TEXT NOT NULL
    ) STRICT;
    CREATE INDEX steps_by_origin ON steps (origin);
    CREATE TABLE counts (term INTEGER PRIMARY KEY, rows INTEGER NOT NULL) STRICT;
    CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1, detail=none, tokenize='ascii');";

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
    opened: Identity,
}

impl Index {
    /// Opens an index, or begins one; one that is broken or of another version is begun anew, since all of
    /// it can be learnt again.
    pub fn open(path: &Path) -> Result<Index> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot create `{}`", folder.display()))?;
        }
        let connection = match connect(path) {
            Ok(connection) => connection,
            // Others are at work on it: it is whole, and theirs.
            Err(error) if is_busy(&error) => {
                return Err(error.context(format!("cannot open `{}`", path.display())));
            }
            Err(error) => {
                tracing::info!("the index of steps is made anew: {error:#}");
                delete(path).with_context(|| format!("cannot remove `{}`", path.display()))?;
                connect(path).with_context(|| format!("cannot open `{}`", path.display()))?
            }
        };
        Ok(Index { connection, path: path.to_owned(), opened: identity(path) })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file that was opened is the one in its place, and not one that was thrown away.
    pub fn is_in_place(&self) -> bool {
        self.opened.is_some() && identity(&self.path) == self.opened
    }

    /// Adds steps of an origin (known ones are passed over) and notes how far it has been read: all or none.
    pub fn learn(&mut self, origin: &str, steps: &[Learned], state: &str) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        add(&transaction, origin, steps, state)?;
        Ok(transaction.commit()?)
    }

    /// Puts steps in the place of all that is known of an origin: all or none.
    pub fn replace(&mut self, origin: &str, steps: &[Learned], state: &str) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        remove(&transaction, origin)?;
        add(&transaction, origin, steps, state)?;
        Ok(transaction.commit()?)
    }

    /// Forgets all steps of an origin.
    pub fn forget(&mut self, origin: &str) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        remove(&transaction, origin)?;
        Ok(transaction.commit()?)
    }

    /// How far an origin has been read, as [`Index::learn`] was told.
    pub fn state(&self, origin: &str) -> Result<Option<String>> {
        let mut read = self.connection.prepare_cached("SELECT state FROM origins WHERE name = ?1")?;
        Ok(read.query_row([origin], |r| r.get(0)).optional()?)
    }

    /// The origins, by name.
    pub fn origins(&self) -> Result<Vec<String>> {
        let mut read = self.connection.prepare_cached("SELECT name FROM origins ORDER BY name")?;
        Ok(read.query_map([], |r| r.get(0))?.collect::<Result<_, _>>()?)
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
        // Weight times rarity of each term that was asked for.
        let weights: HashMap<Term, f64> = asked
            .iter()
            .map(|(term, weight)| {
                let holding = counts.get(term).copied().unwrap_or(0) as f64;
                (*term, weight * ((total as f64 + 1.0) / (holding + 0.5)).ln().max(0.0))
            })
            .collect();
        let question = question(&counts);
        if question.is_empty() {
            return Ok(Vec::new());
        }
        let whole: f64 = weights.values().sum();
        let mut found = self.weighed(&question, &weights, whole)?;
        // Among equals the newest.
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
        found.truncate(ANSWERED);
        let mut read = self.connection.prepare_cached(
            "SELECT goal, tactic, name FROM steps JOIN origins ON origins.id = steps.origin WHERE steps.id = ?1",
        )?;
        let mut out = Vec::with_capacity(found.len());
        for (likeness, id) in found {
            let row =
                read.query_row([id], |r| Ok((r.get::<_, String>(0)?, r.get(1)?, r.get(2)?))).optional()?;
            // Deleted by another process meanwhile.
            let Some((goal, tactic, origin)) = row else { continue };
            out.push(Neighbour { goal: Goal::parse(&goal), tactic, origin, likeness });
        }
        Ok(out)
    }

    /// The rows that answer a question, with their likeness to what was asked for.
    fn weighed(&self, question: &str, weights: &HashMap<Term, f64>, whole: f64) -> Result<Vec<(f64, i64)>> {
        let mut find = self
            .connection
            .prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid DESC LIMIT ?2")?;
        let rows: Vec<i64> =
            find.query_map(params![question, REACH as i64], |r| r.get(0))?.collect::<Result<_, _>>()?;
        let mut read = self.connection.prepare_cached("SELECT terms FROM steps WHERE id = ?1")?;
        let mut found = Vec::with_capacity(rows.len());
        for id in rows {
            let weigh = |r: &rusqlite::Row<'_>| {
                let (mut shared, mut foreign) = (0.0, 0usize);
                for term in Term::read_all(r.get_ref(0)?.as_blob()?) {
                    match weights.get(&term) {
                        Some(weight) => shared += weight,
                        None => foreign += 1,
                    }
                }
                // Terms that only the other goal has make it less like; their rarity is not looked up.
                Ok(shared / (whole + 0.5 * foreign as f64).max(f64::MIN_POSITIVE))
            };
            found.extend(read.query_row([id], weigh).optional()?.map(|likeness| (likeness, id)));
        }
        Ok(found)
    }

    /// How many rows hold each term; terms that none holds are left out.
    fn counts<'a>(&self, terms: impl Iterator<Item = &'a Term>) -> Result<HashMap<Term, u64>> {
        let mut count = self.connection.prepare_cached("SELECT rows FROM counts WHERE term = ?1")?;
        let mut out = HashMap::new();
        for term in terms {
            let rows: Option<i64> = count.query_row([term.number()], |r| r.get(0)).optional()?;
            if let Some(rows) = rows.filter(|n| *n > 0) {
                out.insert(*term, rows as u64);
            }
        }
        Ok(out)
    }
}

/// Adds steps of an origin and notes its state.
fn add(transaction: &Transaction<'_>, origin: &str, steps: &[Learned], state: &str) -> Result<()> {
    let id: i64 = transaction.query_row(
        "INSERT INTO origins (name, state) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET state = ?2 RETURNING id",
        params![origin, state],
        |r| r.get(0),
    )?;
    let mut row = transaction.prepare_cached(
        "INSERT OR IGNORE INTO steps (origin, key, terms, tactic, goal) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut text = transaction.prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?;
    let mut counted: BTreeMap<Term, i64> = BTreeMap::new();
    for step in steps {
        let key = Term::of_text(&format!("{origin}\0{}\0{}", step.goal.text, step.tactic)).number();
        let terms: Vec<Term> = terms(&step.goal).into_keys().collect();
        if row.execute(params![id, key, Term::write_all(&terms), step.tactic, step.goal.text])? > 0 {
            let words: Vec<String> = terms.iter().map(|t| t.word()).collect();
            text.execute(params![transaction.last_insert_rowid(), words.join(" ")])?;
            terms.into_iter().for_each(|t| *counted.entry(t).or_default() += 1);
        }
    }
    count(transaction, &counted)
}

/// Removes an origin with its steps.
fn remove(transaction: &Transaction<'_>, origin: &str) -> Result<()> {
    let id: Option<i64> =
        transaction.query_row("SELECT id FROM origins WHERE name = ?1", [origin], |r| r.get(0)).optional()?;
    let Some(id) = id else { return Ok(()) };
    let mut counted: BTreeMap<Term, i64> = BTreeMap::new();
    let mut read = transaction.prepare_cached("SELECT terms FROM steps WHERE origin = ?1")?;
    let mut rows = read.query([id])?;
    while let Some(row) = rows.next()? {
        Term::read_all(row.get_ref(0)?.as_blob()?).for_each(|t| *counted.entry(t).or_default() -= 1);
    }
    count(transaction, &counted)?;
    transaction.execute("DELETE FROM counts WHERE rows <= 0", [])?;
    transaction.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM steps WHERE origin = ?1)", [id])?;
    transaction.execute("DELETE FROM steps WHERE origin = ?1", [id])?;
    transaction.execute("DELETE FROM origins WHERE id = ?1", [id])?;
    Ok(())
}

/// Changes how many rows hold each term.
fn count(transaction: &Transaction<'_>, by: &BTreeMap<Term, i64>) -> Result<()> {
    let mut change = transaction.prepare_cached(
        "INSERT INTO counts VALUES (?1, ?2) ON CONFLICT (term) DO UPDATE SET rows = rows + ?2",
    )?;
    for (term, n) in by {
        change.execute(params![term.number(), n])?;
    }
    Ok(())
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

/// Tells a file from another one that takes its place later.
type Identity = Option<(u64, u64)>;

/// The identity of a file, if it is there. Found without opening it: closing a file would drop the locks that SQLite
/// has on it in this process.
fn identity(path: &Path) -> Identity {
    let meta = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    return Some((std::os::unix::fs::MetadataExt::dev(&meta), std::os::unix::fs::MetadataExt::ino(&meta)));
    // Elsewhere nobody can remove a file that is open.
    #[cfg(not(unix))]
    return meta.is_file().then_some((0, 0));
}

/// Removes an index with what SQLite keeps beside it.
pub(super) fn delete(path: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

fn connect(path: &Path) -> Result<Connection> {
    open_shared(path, BUSY, prepare)
}

fn prepare(connection: &mut Connection) -> Result<()> {
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -PAGES_KIB)?;
    // What a person deletes from the feedback store must not lie in free pages here.
    connection.pragma_update(None, "secure_delete", "ON")?;
    let version = |c: &Connection| c.pragma_query_value(None, "user_version", |r| r.get::<_, i64>(0));
    if version(connection)? == 0 {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have made it meanwhile.
        if version(&transaction)? == 0 {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()?;
    }
    let found = version(connection)?;
    anyhow::ensure!(found == VERSION, "it has version {found}, this program's is {VERSION}");
    Ok(())
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
    fn of_more_rows_than_can_be_weighed_the_newest_are_and_what_is_replaced_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let mut index = Index::open(&dir.path().join("steps.db")).unwrap();
        let goal = "h : p\n⊢ p ∨ q";
        let old: Vec<Learned> = (0..REACH + 50).map(|n| step(goal, &format!("old {n}"))).collect();
        index.learn("old", &old, "").unwrap();
        index.learn("new", &[step(goal, "left")], "").unwrap();
        let found = tactics(&index, goal);
        assert_eq!((found.len(), found[0].as_str()), (ANSWERED, "left"));
        index.replace("old", &[step("⊢ True", "trivial")], "").unwrap();
        assert_eq!(tactics(&index, goal), ["left"]);
        // How many rows hold a term goes back with them.
        let counts = index.counts(terms(&Goal::parse(goal)).keys()).unwrap();
        assert!(!counts.is_empty() && counts.values().all(|n| *n == 1), "{counts:?}");
    }

    #[test]
    fn a_file_that_is_no_index_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("steps.db");
        std::fs::write(&path, "not a database, but long enough to be read as one".repeat(40)).unwrap();
        assert!(Index::open(&path).unwrap().is_empty().unwrap());
    }
}
