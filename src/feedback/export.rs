//! What was recorded, as rows of data sets.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::record::{Outcome, Recorded};
use super::store::{Select, Store};
use crate::proof::{Goal, OutcomeKind, Source, Verdict, VerdictKind};

/// What is exported, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which rounds.
    pub select: Select,
    /// Share of declarations in the split `test`, from 0 to 1.
    pub test_fraction: f64,
    /// The prompt of a goal: as Lean prints it, unless a model reads it in another form.
    pub prompt: fn(&Goal) -> String,
}

impl Default for Options {
    fn default() -> Options {
        Options { select: Select::default(), test_fraction: 0.1, prompt: |goal| goal.text.clone() }
    }
}

/// The part of a data set in which a row lies; all rows of a declaration lie in the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// To learn from.
    Train,
    /// To measure with.
    Test,
}

/// Everything about one candidate; a round without candidates is one row without a tactic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventRow {
    /// The round's id.
    pub round: String,
    /// Version of the recorded data.
    pub format: u32,
    /// Milliseconds since 1970 (UTC).
    pub time_ms: i64,
    /// Root folder of the project.
    pub project: String,
    /// The document.
    pub uri: String,
    /// Its version.
    pub version: i32,
    /// The enclosing declaration.
    pub declaration: Option<String>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1 in Unicode code points.
    pub column: u32,
    /// The main goal.
    pub goal: Goal,
    /// All goals.
    pub goals: Vec<Goal>,
    /// Key of the main goal.
    pub goal_key: String,
    /// SHA-256 of the document.
    pub document_sha256: String,
    /// SHA-256 of its header.
    pub header_sha256: String,
    /// The Lean that answered.
    pub lean: String,
    /// The bundle that proposed.
    pub bundle: Option<String>,
    /// The candidate's place among those of its round, from 0.
    pub rank: Option<u32>,
    /// The tactic.
    pub tactic: Option<String>,
    /// Its best-ranked proposer.
    pub source: Option<Source>,
    /// All its proposers.
    pub sources: Vec<Source>,
    /// Logarithm of the policy's probability.
    pub log_prob: Option<f64>,
    /// Lean's answer.
    pub verdict: Option<Verdict>,
    /// The suggestion's id, if it was offered.
    pub suggestion: Option<String>,
    /// What the person did with it, and at its goal.
    pub outcomes: Vec<Outcome>,
    /// Part of the data set.
    pub split: Split,
}

/// A prompt, a completion and whether it is wanted: one row for each tactic at each goal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KtoRow {
    /// The goal as text.
    pub prompt: String,
    /// The tactic.
    pub completion: String,
    /// Whether it is wanted.
    pub label: bool,
    /// Where the label comes from: the kind of an outcome or of a verdict.
    pub reason: String,
    /// The round.
    pub round: String,
    /// The suggestion, if it was offered.
    pub suggestion: Option<String>,
    /// Key of the goal.
    pub goal_key: String,
    /// The enclosing declaration.
    pub declaration: Option<String>,
    /// Root folder of the project.
    pub project: String,
    /// The bundle that proposed.
    pub bundle: Option<String>,
    /// Best-ranked proposer.
    pub source: Source,
    /// Part of the data set.
    pub split: Split,
    /// The goal itself, for the trainer; `prompt` stands for it in files.
    #[serde(skip)]
    pub goal: Goal,
}

/// All candidates with their rounds, verdicts and outcomes, oldest first.
pub fn events(store: &Store, options: &Options) -> Result<Vec<EventRow>> {
    let mut rows = Vec::new();
    for Recorded { round, outcomes } in oldest_first(store, options)? {
        let split = split_of(&round.project, round.declaration.as_deref(), &round.uri, options.test_fraction);
        let mut candidates: Vec<_> = round.candidates.iter().map(Some).collect();
        if candidates.is_empty() {
            candidates.push(None);
        }
        for tried in candidates {
            let suggestion = tried.and_then(|t| t.suggestion.clone());
            let concerns = |o: &&Outcome| o.suggestion.is_none() || o.suggestion == suggestion;
            rows.push(EventRow {
                round: round.id.clone(),
                format: round.format,
                time_ms: round.time_ms,
                project: round.project.clone(),
                uri: round.uri.clone(),
                version: round.version,
                declaration: round.declaration.clone(),
                line: round.line,
                column: round.column,
                goal: round.goal.clone(),
                goals: round.goals.clone(),
                goal_key: round.goal_key.clone(),
                document_sha256: round.document_sha256.clone(),
                header_sha256: round.header_sha256.clone(),
                lean: round.lean.clone(),
                bundle: round.bundle.clone(),
                rank: tried.map(|t| t.rank),
                tactic: tried.map(|t| t.candidate.tactic.clone()),
                source: tried.map(|t| t.candidate.source),
                sources: tried.map(|t| t.candidate.sources.clone()).unwrap_or_default(),
                log_prob: tried.and_then(|t| t.candidate.log_prob),
                verdict: tried.and_then(|t| t.verdict.clone()),
                outcomes: outcomes.iter().filter(concerns).cloned().collect(),
                suggestion,
                split,
            });
        }
    }
    Ok(rows)
}

/// What one look at a tactic says about it, and how weighty that is: people before Lean, then the latest.
type Signal = (bool, i64, Option<bool>, &'static str);

/// One row for each goal and tactic that a person or Lean has judged, in the order in which they were
/// first seen. Where signals contradict each other the latest human one counts, and without any, Lean's
/// latest verdict.
pub fn kto(store: &Store, options: &Options) -> Result<Vec<KtoRow>> {
    let mut judged: BTreeMap<(String, String), (usize, Signal, KtoRow)> = BTreeMap::new();
    for Recorded { round, outcomes } in oldest_first(store, options)? {
        let split = split_of(&round.project, round.declaration.as_deref(), &round.uri, options.test_fraction);
        for tried in &round.candidates {
            let human = outcomes
                .iter()
                .filter(|o| o.suggestion.is_some() && o.suggestion == tried.suggestion)
                .filter_map(|o| Some((true, o.time_ms, Some(label_of(o.kind)?), o.kind.name())))
                // Of two at the same time the later recorded one counts.
                .max_by_key(|s| s.1);
            let lean = tried.verdict.as_ref().and_then(|v| lean_signal(v.kind, round.time_ms));
            let Some(signal) = human.or(lean) else { continue };
            let count = judged.len();
            let row = KtoRow {
                prompt: (options.prompt)(&round.goal),
                completion: tried.candidate.tactic.clone(),
                label: signal.2.unwrap_or_default(),
                reason: signal.3.to_owned(),
                round: round.id.clone(),
                suggestion: tried.suggestion.clone(),
                goal_key: round.goal_key.clone(),
                declaration: round.declaration.clone(),
                project: round.project.clone(),
                bundle: round.bundle.clone(),
                source: tried.candidate.source,
                split,
                goal: round.goal.clone(),
            };
            let tactic = tried.candidate.tactic.split_whitespace().collect::<Vec<_>>().join(" ");
            let slot = judged.entry((round.goal_key.clone(), tactic));
            let entry = slot.or_insert_with(|| (count, signal, row.clone()));
            if (signal.0, signal.1) >= (entry.1.0, entry.1.1) {
                (entry.1, entry.2) = (signal, row);
            }
        }
    }
    let mut rows: Vec<_> = judged.into_values().filter(|(_, signal, _)| signal.2.is_some()).collect();
    rows.sort_by_key(|(seen, _, _)| *seen);
    Ok(rows.into_iter().map(|(_, _, row)| row).collect())
}

/// What an outcome says for KTO; none says nothing about the tactic itself.
fn label_of(kind: OutcomeKind) -> Option<bool> {
    match kind {
        OutcomeKind::Accepted | OutcomeKind::TypedSame | OutcomeKind::Kept => Some(true),
        OutcomeKind::Rejected | OutcomeKind::Undone => Some(false),
        OutcomeKind::AcceptedPart
        | OutcomeKind::TypedOther
        | OutcomeKind::Dismissed
        | OutcomeKind::Ignored => None,
    }
}

/// What Lean's verdict says: success has no label of its own, but outdates an older refusal.
fn lean_signal(kind: VerdictKind, time_ms: i64) -> Option<Signal> {
    match kind {
        VerdictKind::Error | VerdictKind::NoProgress => Some((false, time_ms, Some(false), kind.name())),
        // What breaks the rest of a finished proof was accepted at its goal all the same.
        VerdictKind::Closes | VerdictKind::Progress | VerdictKind::BreaksRest => {
            Some((false, time_ms, None, kind.name()))
        }
        VerdictKind::Timeout => None,
    }
}

fn oldest_first(store: &Store, options: &Options) -> Result<Vec<Recorded>> {
    let mut rounds = store.list(&options.select)?;
    rounds.reverse();
    Ok(rounds)
}

/// The split of a declaration: the same on every machine, in every export, whatever else is in it.
pub fn split_of(project: &str, declaration: Option<&str>, uri: &str, test_fraction: f64) -> Split {
    let name = declaration.unwrap_or(uri);
    // The project's place on this machine is no part of what it is; its folder's name is.
    let folder = project.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or("");
    let digest = Sha256::digest(format!("{folder}\0{name}").as_bytes());
    let number = u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
    if (number as f64) < test_fraction * 2f64.powi(64) { Split::Test } else { Split::Train }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_stays_in_its_split_as_the_fraction_grows() {
        let split = |i: usize, f: f64| split_of("/home/a/p", Some(&format!("t{i}")), "", f);
        let test = |f: f64| (0..1000).filter(|&i| split(i, f) == Split::Test).count();
        assert_eq!((test(0.0), test(1.0)), (0, 1000));
        assert!((60..140).contains(&test(0.1)), "{}", test(0.1));
        assert!((0..1000).all(|i| split(i, 0.1) == Split::Train || split(i, 0.3) == Split::Test));
        assert_eq!(split(7, 0.5), split_of("/elsewhere/p/", Some("t7"), "file:///x", 0.5));
    }
}
