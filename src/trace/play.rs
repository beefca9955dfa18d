//! Tactics at the steps of a file, and at the states that they lead to: the environment that eval measures in and
//! that a learner may play against.
//!
//! Lean elaborates the file once and runs tactics on the main goal of a step in the context that the step saw
//! (`play.lean`): a few milliseconds each, and no edit of any document. A state is a step and the tactics that led
//! on from there, so that it can be reached again in another Lean. What is accepted here has not been confirmed
//! in a document; [`Player::check`] compiles a whole text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::run::{LineIndex, TraceOptions};
use crate::error::{Failure, FailureKind};
use crate::lean::modules::Broken;
use crate::lean::modules::worker::{End, Lost, Program, Worker};
use crate::lean::scope::SCOPE;
use crate::proof::{Goal, Offer, StepRange};

/// What runs tactics. Answers of Lean's to tactics depend on nothing else of ours.
pub(crate) const PLAY: &str = include_str!("play.lean");

/// The program that Lean runs.
fn program_text() -> String {
    let (doc, rest) = PLAY.split_once("import Lean\n").expect("`play.lean` imports Lean");
    [doc, "import Lean\n", SCOPE, rest, include_str!("play_main.lean")].concat()
}

/// A range of bytes of a file.
pub type Bytes = (usize, usize);

/// What a tactic made of a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// Lean's answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// What it cost Lean, as its option `maxHeartbeats` counts.
    #[serde(default)]
    pub heartbeats: u64,
    /// Time that Lean took, in milliseconds: by the clock, or the processor's (to ten milliseconds) where that is
    /// less, as it is when other programs keep Lean waiting.
    #[serde(default)]
    pub ms: f64,
    /// What it said beside: the proposals of a search tactic.
    #[serde(default)]
    pub messages: Vec<String>,
}

/// Lean's answer to a tactic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// Accepted.
    Goals {
        /// The goals that it makes of the main goal, as Lean prints them.
        goals: Vec<String>,
        /// The goals that the tactics before it left open beside the main goal.
        others: Vec<String>,
    },
    /// Refused.
    Error {
        /// Why.
        error: String,
    },
    /// Lean did not live to answer, or was stopped by the clock.
    Lost {
        /// How that came.
        lost: String,
    },
}

impl Ran {
    /// The goals that it made of the main goal, where it was accepted.
    pub fn goals(&self) -> Option<Vec<Goal>> {
        match &self.answer {
            Answer::Goals { goals, .. } => Some(goals.iter().map(|g| Goal::parse(g)).collect()),
            _ => None,
        }
    }

    /// Whether it closed the main goal.
    pub fn closes(&self) -> bool {
        matches!(&self.answer, Answer::Goals { goals, .. } if goals.is_empty())
    }

    /// Whether nothing is left to prove after it.
    pub fn completes(&self) -> bool {
        matches!(&self.answer, Answer::Goals { goals, others } if goals.is_empty() && others.is_empty())
    }
}

/// What the names at a state offer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Surveyed {
    /// The proposals.
    #[serde(flatten)]
    pub offer: Offer,
    /// Time that Lean took, in milliseconds, as in [`Ran`].
    #[serde(default)]
    pub ms: f64,
}

/// Where a step stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The outermost tactic block around it.
    pub block: Bytes,
    /// The command around it.
    pub command: Bytes,
}

/// What elaborating a file came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Opened {
    /// The steps asked for that the file has.
    #[serde(skip)]
    pub places: BTreeMap<Bytes, Standing>,
    /// The lines, from 1, of errors and of warnings of a `sorry`.
    pub lines: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Place { place: Bytes, block: Bytes, command: Bytes },
    Lines { lines: Vec<u32> },
}

/// Lean, ready to play on the files of a project.
#[derive(Debug)]
pub struct Table {
    options: TraceOptions,
    program: Program,
    lean_path: Vec<PathBuf>,
}

impl Table {
    /// Compiles what the files import of their project.
    pub fn new(files: &[PathBuf], options: &TraceOptions) -> Result<Table> {
        let program = match &options.modules {
            Some(modules) => modules.program("LeanCopilotPlay", &program_text())?,
            None => Program::from_text(&program_text())?,
        };
        if let Some(modules) = &options.modules {
            let mut texts = Vec::with_capacity(files.len());
            for file in files {
                let text = std::fs::read_to_string(file);
                texts.push(text.with_context(|| format!("cannot read `{}`", file.display()))?);
            }
            let plan = modules.plan_for(files.iter().zip(&texts).map(|(f, t)| (f.as_path(), t.as_str())));
            modules.build(&plan, options.jobs, Broken::Keep, &AtomicBool::new(false), |_, _, _| {})?;
        }
        let lean_path = options.lean_path();
        Ok(Table { options: options.clone(), program, lean_path })
    }

    /// A player of a file; Lean is started by its first question.
    pub fn player(&self, file: &Path) -> Result<Player<'_>> {
        let path = std::path::absolute(file)?;
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        Ok(Player { table: self, path, text, places: Vec::new(), worker: None, ready: false, starts: 0 })
    }
}

/// Lean at the steps of one file.
pub struct Player<'a> {
    table: &'a Table,
    path: PathBuf,
    text: String,
    places: Vec<Bytes>,
    /// Running; it remembers what it imported.
    worker: Option<Worker>,
    /// Whether it has the steps of the file.
    ready: bool,
    /// Processes started so far.
    pub starts: usize,
}

impl Player<'_> {
    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of a step; `None` where the text has changed since.
    pub fn bytes(&self, range: StepRange) -> Option<Bytes> {
        let index = LineIndex::new(&self.text);
        Some((index.byte(range.start)?, index.byte(range.end)?))
    }

    /// The line, from 1, of a byte of a text.
    pub fn line_of(text: &str, byte: usize) -> u32 {
        LineIndex::new(text).place(byte).0
    }

    /// Has Lean elaborate the file and keep these steps, those of before forgotten.
    pub fn open(&mut self, places: Vec<Bytes>) -> Result<Opened> {
        self.places = places;
        self.started()
    }

    /// Runs a tactic on the main goal of the state that `path` leads to from the step `at`, of those opened.
    /// `heartbeats` bounds it as Lean's option `maxHeartbeats` does; `longest` is for what no heartbeat stops.
    pub fn run(
        &mut self,
        at: Bytes,
        path: &[String],
        tactic: &str,
        heartbeats: u64,
        longest: Duration,
    ) -> Result<Ran> {
        let request = serde_json::json!({
            "file": "play", "at": at, "path": path, "tactic": tactic, "maxHeartbeats": heartbeats,
        });
        let (ended, ran) = self.ask::<Ran>(&request, longest)?;
        let lost = |why: String, ms: f64| Ran {
            answer: Answer::Lost { lost: why },
            heartbeats: 0,
            ms,
            messages: Vec::new(),
        };
        Ok(match (ended, ran) {
            (Ok(_), Some(ran)) => ran,
            (Ok(end), None) => {
                let error = end.failed.unwrap_or_else(|| "Lean gave no answer".to_owned());
                Ran { answer: Answer::Error { error }, heartbeats: 0, ms: 0.0, messages: Vec::new() }
            }
            (Err(Lost::TooLong(time)), _) => {
                lost(format!("no answer within {} s", time.as_secs()), time.as_secs_f64() * 1e3)
            }
            (Err(Lost::Ended(how)), _) => lost(format!("Lean ended ({how})"), 0.0),
        })
    }

    /// What the names at a state offer; nothing where Lean cannot say within the bounds.
    pub fn offer(
        &mut self,
        at: Bytes,
        path: &[String],
        heartbeats: u64,
        longest: Duration,
    ) -> Result<Surveyed> {
        let request = serde_json::json!({
            "file": "play", "at": at, "path": path, "offer": true, "maxHeartbeats": heartbeats,
        });
        let (ended, surveyed) = self.ask(&request, longest)?;
        Ok(ended.ok().and(surveyed).unwrap_or_default())
    }

    /// Asks about an opened file; the last line of the answer that can be read as a `T`.
    fn ask<T: DeserializeOwned>(
        &mut self,
        request: &serde_json::Value,
        longest: Duration,
    ) -> Result<(Result<End, Lost>, Option<T>)> {
        if !self.ready {
            self.started()?;
        }
        let worker = self.worker.as_mut().expect("it is ready");
        let mut answer = None;
        let ended = worker.request("play", request, longest, |line| {
            answer = serde_json::from_str(line).ok().or(answer.take());
        });
        if ended.is_err() {
            // It is busy or gone: the next question starts another one.
            (self.worker, self.ready) = (None, false);
        }
        Ok((ended, answer))
    }

    /// Elaborates another text in place of the file's. What was opened is forgotten.
    pub fn check(&mut self, text: &str) -> Result<Opened> {
        // Beside nothing of the user's: the module's name does not matter to what it imports.
        let file = tempfile::Builder::new().prefix("lean-copilot-").suffix(".lean").tempfile()?;
        std::fs::write(file.path(), text).context("cannot write a temporary file")?;
        self.ready = false;
        self.elaborate(file.path(), &[])
    }

    fn started(&mut self) -> Result<Opened> {
        let (path, places) = (self.path.clone(), self.places.clone());
        let opened = self.elaborate(&path, &places)?;
        self.ready = true;
        Ok(opened)
    }

    fn elaborate(&mut self, path: &Path, places: &[Bytes]) -> Result<Opened> {
        let Table { options, program, lean_path } = self.table;
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => {
                self.starts += 1;
                Worker::start(&options.lean, program, &[], lean_path)?
            }
        };
        let own = match &options.modules {
            Some(modules) => serde_json::json!(modules.options_of(&self.path)),
            None => serde_json::json!({}),
        };
        let request = serde_json::json!({
            "file": "open", "open": path.display().to_string(), "options": own, "places": places,
        });
        let mut opened = Opened::default();
        let ended = worker.request("open", &request, options.longest, |line| {
            // The file's own `#eval` may print anything.
            match serde_json::from_str::<Line>(line) {
                Ok(Line::Place { place, block, command }) => {
                    opened.places.insert(place, Standing { block, command });
                }
                Ok(Line::Lines { lines }) => opened.lines = lines,
                Err(_) => {}
            }
        });
        let failed =
            |why: String| Failure::new(FailureKind::Lean, format!("`{}`: {why}", self.path.display()));
        let end = ended.map_err(|lost| match lost {
            Lost::Ended(how) => failed(format!("Lean ended ({how}) while elaborating it")),
            Lost::TooLong(time) => failed(format!("Lean took longer than {} s", time.as_secs())),
        })?;
        if let Some(why) = end.failed {
            return Err(failed(why).into());
        }
        self.worker = Some(worker);
        Ok(opened)
    }
}
