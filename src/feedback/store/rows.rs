//! Rounds and outcomes as rows, and back.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params, params_from_iter};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Deletion, Select, Stats};
use crate::feedback::record::{Outcome, Recorded, Round, Tried};
use crate::proof::Candidate;

/// Ids in one statement; SQLite allows 32766.
const CHUNK: usize = 10_000;

pub fn write_round(transaction: &Transaction, round: &Round) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO rounds (id, format, time_ms, project, uri, version, declaration, line,
             col, goal, goals, goal_key, document_sha256, header_sha256, lean, bundle)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            round.id,
            round.format,
            round.time_ms,
            round.project,
            round.uri,
            round.version,
            round.declaration,
            round.line,
            round.column,
            json(&round.goal)?,
            json(&round.goals)?,
            round.goal_key,
            round.document_sha256,
            round.header_sha256,
            round.lean,
            round.bundle,
        ])?;
    transaction.prepare_cached("DELETE FROM candidates WHERE round = ?1")?.execute([&round.id])?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO candidates (round, rank, tactic, source, sources, log_prob, verdict, suggestion)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (i, tried) in round.candidates.iter().enumerate() {
        let c = &tried.candidate;
        insert.execute(params![
            round.id,
            // The order in the list is the key: two of one rank must not undo each other.
            i as i64,
            c.tactic,
            name(&c.source)?,
            json(&c.sources)?,
            c.log_prob,
            tried.verdict.as_ref().map(json).transpose()?,
            tried.suggestion,
        ])?;
    }
    Ok(())
}

pub fn write_outcome(transaction: &Transaction, o: &Outcome) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO outcomes (round, suggestion, kind, time_ms, reason, tactic, evidence, shown)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            o.round,
            o.suggestion,
            o.kind.name(),
            o.time_ms,
            o.reason,
            o.tactic,
            o.evidence.name(),
            o.shown
        ])?;
    Ok(())
}

/// Rounds newest first, each with its candidates in order and its outcomes oldest first.
pub fn list(connection: &Connection, select: &Select) -> Result<Vec<Recorded>> {
    // One transaction: what another process writes meanwhile is seen in whole rounds or not at all.
    let transaction = connection.unchecked_transaction()?;
    let mut wheres = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    let conditions = [
        ("project = ?", select.project.clone().map(Value::from)),
        ("time_ms >= ?", select.since_ms.map(Value::from)),
        ("goal_key = ?", select.goal_key.clone().map(Value::from)),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            wheres.push(condition);
            values.push(value);
        }
    }
    let wheres = if wheres.is_empty() { String::new() } else { format!("WHERE {}", wheres.join(" AND ")) };
    let limit = select.limit.map_or(String::new(), |n| format!("LIMIT {n}"));
    let sql = format!("SELECT * FROM rounds {wheres} ORDER BY time_ms DESC, rowid DESC {limit}");
    let mut statement = transaction.prepare(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Recorded { round: read_round(row)?, outcomes: Vec::new() });
    }
    let index: HashMap<String, usize> =
        found.iter().enumerate().map(|(i, r)| (r.round.id.clone(), i)).collect();
    let ids: Vec<String> = found.iter().map(|r| r.round.id.clone()).collect();
    for ids in ids.chunks(CHUNK) {
        let marks = marks(ids.len());
        let sql = format!("SELECT * FROM candidates WHERE round IN ({marks}) ORDER BY round, rank");
        let mut statement = transaction.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(ids))?;
        while let Some(row) = rows.next()? {
            let round: String = row.get("round")?;
            found[index[&round]].round.candidates.push(read_tried(row)?);
        }
        // An outcome that names only its suggestion belongs to that suggestion's round.
        let sql = format!(
            "SELECT o.*, coalesce(o.round, c.round) AS of FROM outcomes o
             LEFT JOIN candidates c ON o.round IS NULL AND c.suggestion = o.suggestion
             WHERE coalesce(o.round, c.round) IN ({marks}) ORDER BY o.time_ms, o.id"
        );
        let mut statement = transaction.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(ids))?;
        while let Some(row) = rows.next()? {
            let round: String = row.get("of")?;
            found[index[&round]].outcomes.push(read_outcome(row)?);
        }
    }
    Ok(found)
}

pub fn stats(connection: &Connection) -> Result<Stats> {
    let counts = |sql: &str| -> Result<BTreeMap<String, i64>> {
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    let mut stats = connection.query_row(
        "SELECT count(*), count(DISTINCT project), min(time_ms), max(time_ms) FROM rounds",
        [],
        |r| {
            Ok(Stats {
                rounds: r.get(0)?,
                projects: r.get(1)?,
                first_ms: r.get(2)?,
                last_ms: r.get(3)?,
                ..Stats::default()
            })
        },
    )?;
    stats.verdicts = counts(
        "SELECT coalesce(json_extract(verdict, '$.kind'), 'none'), count(*) FROM candidates GROUP BY 1",
    )?;
    stats.outcomes = counts("SELECT kind, count(*) FROM outcomes GROUP BY 1")?;
    Ok(stats)
}

pub fn delete(connection: &mut Connection, what: &Deletion) -> Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (sql, values) = match what {
        Deletion::All => ("SELECT id FROM rounds".to_owned(), vec![]),
        Deletion::Project(p) => ("SELECT id FROM rounds WHERE project = ?".to_owned(), vec![p.clone()]),
        Deletion::Ids(ids) => (
            "SELECT value FROM json_each(?1)
             UNION SELECT round FROM candidates WHERE suggestion IN (SELECT value FROM json_each(?1))"
                .to_owned(),
            vec![json(ids)?],
        ),
    };
    transaction.execute_batch("CREATE TEMP TABLE gone (id TEXT PRIMARY KEY)")?;
    transaction.execute(&format!("INSERT INTO gone {sql}"), params_from_iter(values))?;
    transaction.execute(
        "DELETE FROM outcomes WHERE round IN (SELECT id FROM gone) OR suggestion IN (SELECT id FROM gone)
         OR suggestion IN (SELECT suggestion FROM candidates WHERE round IN (SELECT id FROM gone))",
        [],
    )?;
    transaction.execute("DELETE FROM candidates WHERE round IN (SELECT id FROM gone)", [])?;
    let deleted = transaction.execute("DELETE FROM rounds WHERE id IN (SELECT id FROM gone)", [])?;
    if *what == Deletion::All {
        // Outcomes whose round was never recorded have no other way out.
        transaction.execute("DELETE FROM outcomes", [])?;
    }
    transaction.execute_batch("DROP TABLE gone")?;
    transaction.commit()?;
    Ok(deleted as u64)
}

fn read_round(row: &Row) -> Result<Round> {
    Ok(Round {
        id: row.get("id")?,
        format: row.get("format")?,
        time_ms: row.get("time_ms")?,
        project: row.get("project")?,
        uri: row.get("uri")?,
        version: row.get("version")?,
        declaration: row.get("declaration")?,
        line: row.get("line")?,
        column: row.get("col")?,
        goal: column(row, "goal")?,
        goals: column(row, "goals")?,
        goal_key: row.get("goal_key")?,
        document_sha256: row.get("document_sha256")?,
        header_sha256: row.get("header_sha256")?,
        lean: row.get("lean")?,
        bundle: row.get("bundle")?,
        candidates: Vec::new(),
    })
}

fn read_tried(row: &Row) -> Result<Tried> {
    let verdict: Option<String> = row.get("verdict")?;
    Ok(Tried {
        candidate: Candidate {
            tactic: row.get("tactic")?,
            source: parse_name(&row.get::<_, String>("source")?)?,
            sources: column(row, "sources")?,
            log_prob: row.get("log_prob")?,
            place: 0,
        },
        rank: row.get("rank")?,
        verdict: verdict.map(|v| serde_json::from_str(&v).context("a verdict in the store")).transpose()?,
        suggestion: row.get("suggestion")?,
    })
}

fn read_outcome(row: &Row) -> Result<Outcome> {
    Ok(Outcome {
        round: row.get("of")?,
        suggestion: row.get("suggestion")?,
        kind: parse_name(&row.get::<_, String>("kind")?)?,
        time_ms: row.get("time_ms")?,
        reason: row.get("reason")?,
        tactic: row.get("tactic")?,
        evidence: parse_name(&row.get::<_, String>("evidence")?)?,
        shown: row.get("shown")?,
    })
}

fn marks(n: usize) -> String {
    vec!["?"; n].join(",")
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).context("a row as JSON")
}

fn column<T: DeserializeOwned>(row: &Row, name: &str) -> Result<T> {
    let text: String = row.get(name)?;
    serde_json::from_str(&text).with_context(|| format!("the column `{name}` of a recorded round"))
}

/// The name of an enum's variant, without quotes.
fn name<T: Serialize>(value: &T) -> Result<String> {
    Ok(json(value)?.trim_matches('"').to_owned())
}

fn parse_name<T: DeserializeOwned>(name: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(name.to_owned()))
        .with_context(|| format!("`{name}` in a recorded row"))
}
