//! Other tactics at the steps of a file: the environment that a learner plays against.
//!
//! Lean elaborates each file once and runs the given tactics on the main goal of each step, in the context
//! that the step saw (`steps.lean`, mode `try`): a few milliseconds a tactic, and no edit of any document.
//! What it accepts has not been confirmed in a document; only [`crate::lean`]'s server shows that.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::run::{LineIndex, TraceOptions};
use crate::error::{Failure, FailureKind};
use crate::lean::modules::Broken;
use crate::lean::modules::worker::Worker;
use crate::proof::{Goal, StepRange};

/// Tactics to run at one step of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The step, as traced.
    pub range: StepRange,
    /// What to run at it, each on the state before it.
    pub tactics: Vec<String>,
}

/// What a tactic made of the main goal.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The goals that it leaves.
    Goals(Vec<Goal>),
    /// Lean's refusal.
    Error(String),
}

#[derive(Serialize)]
struct Spec<'a> {
    #[serde(rename = "maxHeartbeats")]
    max_heartbeats: u64,
    options: serde_json::Value,
    files: Vec<SpecFile<'a>>,
}

#[derive(Serialize)]
struct SpecFile<'a> {
    file: String,
    tries: Vec<SpecTry<'a>>,
}

#[derive(Serialize)]
struct SpecTry<'a> {
    start: usize,
    end: usize,
    tactics: &'a [String],
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Tried { start: usize, end: usize, results: Vec<RawAnswer> },
    File { file: String },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawAnswer {
    Goals { goals: Vec<String> },
    Error { error: String },
}

/// Runs the attempts of a file in one Lean and returns the answers, attempt by attempt in the given
/// order; `None` for an attempt at what is no step of the file, or that Lean did not live to answer.
/// `max_heartbeats` bounds each tactic (Lean's option of that name, in thousands of allocations).
pub fn try_tactics(
    file: &Path,
    attempts: &[Attempt],
    max_heartbeats: u64,
    options: &TraceOptions,
) -> Result<Vec<Option<Vec<Answer>>>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let index = LineIndex::new(&text);
    let path: PathBuf = std::path::absolute(file)?;
    let mut places = HashMap::new();
    let mut tries = Vec::new();
    for (i, attempt) in attempts.iter().enumerate() {
        if let (Some(start), Some(end)) = (index.byte(attempt.range.start), index.byte(attempt.range.end)) {
            places.insert((start, end), i);
            tries.push(SpecTry { start, end, tactics: &attempt.tactics });
        }
    }
    let own =
        options.modules.as_ref().map_or(serde_json::json!({}), |m| serde_json::json!(m.options_of(&path)));
    let spec = Spec {
        max_heartbeats,
        options: own,
        files: vec![SpecFile { file: path.display().to_string(), tries }],
    };
    let spec_file = tempfile::Builder::new().prefix("lean-copilot-").suffix(".json").tempfile()?;
    serde_json::to_writer(spec_file.as_file(), &spec).context("cannot write a temporary file")?;

    if let Some(modules) = &options.modules {
        let plan = modules.plan_for([(file, text.as_str())]);
        modules.build(&plan, options.jobs, Broken::Keep, &AtomicBool::new(false), |_, _, _| {})?;
    }
    let program = options.program()?;
    let args = ["try", &spec_file.path().display().to_string()];
    let worker = Worker::start(&options.lean, &program, &args, &options.lean_path())?;
    let mut out: Vec<Option<Vec<Answer>>> = vec![None; attempts.len()];
    let mut finished = false;
    let ended = worker.read_to_end(|line| match serde_json::from_str::<Line>(line) {
        Ok(Line::Tried { start, end, results }) => {
            if let Some(i) = places.get(&(start, end)) {
                out[*i] = Some(results.into_iter().map(answer).collect());
            }
        }
        Ok(Line::File { file }) => finished = finished || file == path.display().to_string(),
        // The file's own `#eval` may print anything.
        Err(_) => {}
    });
    if !finished && out.iter().all(Option::is_none) {
        return Err(Failure::new(
            FailureKind::Lean,
            format!("Lean ended ({ended}) before it could try anything in `{}`", file.display()),
        )
        .into());
    }
    Ok(out)
}

fn answer(raw: RawAnswer) -> Answer {
    match raw {
        RawAnswer::Goals { goals } => Answer::Goals(goals.iter().map(|g| Goal::parse(g)).collect()),
        RawAnswer::Error { error } => Answer::Error(error),
    }
}
