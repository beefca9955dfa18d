//! What was right at which goal, read off the outcomes: the steps that a person took and kept.

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension, params};

use super::Store;
use crate::proof::{Goal, OutcomeKind};

/// An outcome whose round is not written yet is waited for this long, in milliseconds: a round is written
/// when it ends.
const PATIENCE: i64 = 10 * 60 * 1000;

/// A tactic that a person accepted or typed, and Lean took.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The main goal.
    pub goal: Goal,
    /// The tactic.
    pub tactic: String,
    /// Root folder of the project.
    pub project: String,
}

/// How far the outcomes have been read. It no longer fits once one of those is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    last: i64,
    count: i64,
    times: i64,
}

impl Mark {
    /// As text, for keeping.
    pub fn to_text(self) -> String {
        format!("{} {} {}", self.last, self.count, self.times)
    }

    /// Reads [`Mark::to_text`].
    pub fn from_text(text: &str) -> Option<Mark> {
        let mut parts = text.split(' ').map(|p| p.parse().ok());
        Some(Mark { last: parts.next()??, count: parts.next()??, times: parts.next()?? })
    }
}

/// What is new since a mark.
#[derive(Debug, Clone, PartialEq)]
pub enum History {
    /// These steps came, oldest first; read on from the mark. The old mark where nothing has changed.
    More(Vec<Taken>, Mark),
    /// What was read before no longer holds (rows were deleted, an acceptance was undone): read anew,
    /// from no mark.
    Changed,
}

impl Store {
    /// What people took since `from`, at the time `now_ms`.
    pub fn taken(&self, from: Option<Mark>, now_ms: i64) -> Result<History> {
        // One transaction: mark and rows belong together.
        let transaction = self.connection.unchecked_transaction()?;
        if let Some(mark) = from
            && mark_at(&transaction, mark.last)? != mark
        {
            return Ok(History::Changed);
        }
        let after = from.map_or(0, |m| m.last);
        let newest: Option<i64> =
            transaction.query_row("SELECT max(id) FROM outcomes", [], |r| r.get(0)).optional()?.flatten();
        if newest.is_none_or(|n| n <= after) {
            return Ok(History::More(Vec::new(), from.unwrap_or(Mark { last: 0, count: 0, times: 0 })));
        }
        let undone = OutcomeKind::Undone.name();
        if from.is_some() {
            let undoes = "SELECT 1 FROM outcomes o WHERE o.id > ?1 AND o.kind = ?2 AND EXISTS
                (SELECT 1 FROM outcomes p WHERE p.id <= ?1 AND p.suggestion = o.suggestion)";
            if transaction.query_row(undoes, params![after, undone], |_| Ok(())).optional()?.is_some() {
                return Ok(History::Changed);
            }
        }
        let mut statement = transaction.prepare_cached(
            "SELECT o.id, o.time_ms, o.kind, coalesce(o.tactic, c.tactic), r.goal, r.project
             FROM outcomes o
             LEFT JOIN candidates c ON c.suggestion = o.suggestion
             LEFT JOIN rounds r ON r.id = coalesce(o.round, c.round)
             WHERE o.id > ?1 AND o.kind IN (?2, ?3, ?4, ?5)
               AND NOT EXISTS (SELECT 1 FROM outcomes u WHERE u.suggestion = o.suggestion AND u.kind = ?6)
             ORDER BY o.id",
        )?;
        let kinds =
            [OutcomeKind::Accepted, OutcomeKind::TypedSame, OutcomeKind::TypedOther, OutcomeKind::Kept];
        let [a, b, c, d] = kinds.map(OutcomeKind::name);
        let mut rows = statement.query(params![after, a, b, c, d, undone])?;
        let mut steps = Vec::new();
        let mut last = newest.unwrap_or(after);
        while let Some(row) = rows.next()? {
            let (id, time_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
            let tactic: Option<String> = row.get(3)?;
            let goal: Option<String> = row.get(4)?;
            let (Some(tactic), Some(goal)) = (tactic, goal) else {
                if now_ms - time_ms < PATIENCE {
                    // Its round is still to come: the next reading begins with it.
                    last = id - 1;
                    break;
                }
                continue;
            };
            if let Ok(goal) = serde_json::from_str(&goal) {
                steps.push(Taken { goal, tactic, project: row.get(5)? });
            }
        }
        Ok(History::More(steps, mark_at(&transaction, last)?))
    }
}

fn mark_at(connection: &Connection, last: i64) -> Result<Mark> {
    let mut read = connection
        .prepare_cached("SELECT count(*), coalesce(sum(time_ms), 0) FROM outcomes WHERE id <= ?1")?;
    // The sum of the times tells apart rows that were given the numbers of deleted ones.
    Ok(read.query_row([last], |r| Ok(Mark { last, count: r.get(0)?, times: r.get(1)? }))?)
}
