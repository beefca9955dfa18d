//! What was found, as data: the same for people and for programs.

use serde::Serialize;

use crate::error::Failure;

/// The version of the JSON; a change that breaks a reader raises it.
pub const FORMAT: u32 = 1;

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It works.
    Ok,
    /// It is not there or not in use, and need not be.
    Off,
    /// It works in part, or will not for long.
    Warn,
    /// It is needed and does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name, stable: `lean`, `bundle`, `editor.vscode`.
    pub id: String,
    /// How it stands.
    pub state: State,
    /// What was found, one line.
    pub found: String,
    /// What mends it.
    pub remedy: Option<String>,
    /// Where it lies, where that is one place.
    pub path: Option<String>,
    /// Its version, where it has one.
    pub version: Option<String>,
}

impl Check {
    /// A check without remedy, place and version.
    pub fn new(id: impl Into<String>, state: State, found: impl Into<String>) -> Check {
        Check { id: id.into(), state, found: found.into(), remedy: None, path: None, version: None }
    }

    /// The check of something that failed; the remedy is the failure's.
    pub fn failed(id: impl Into<String>, state: State, error: &anyhow::Error) -> Check {
        let remedy = Failure::of(error).and_then(|f| f.hint.clone());
        Check { remedy, ..Check::new(id, state, format!("{error:#}")) }
    }

    /// Adds the remedy.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Check {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds the place.
    pub fn path(mut self, path: &std::path::Path) -> Check {
        self.path = Some(path.display().to_string());
        self
    }

    /// Adds the version.
    pub fn version(mut self, version: impl Into<String>) -> Check {
        self.version = Some(version.into());
        self
    }
}

/// Everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// This program's version.
    pub version: String,
    /// Whether all that is needed works.
    pub ok: bool,
    /// The checks, in the order in which they are shown.
    pub checks: Vec<Check>,
}

impl Report {
    /// The report of these checks.
    pub fn new(checks: Vec<Check>) -> Report {
        let ok = checks.iter().all(|c| c.state != State::Fail);
        Report { format: FORMAT, version: env!("CARGO_PKG_VERSION").to_owned(), ok, checks }
    }
}
