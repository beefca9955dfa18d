//! Putting this program before Lean's server in an editor's settings, and taking it out again.
//!
//! ```text
//! places    which files an editor reads, by platform        pure
//! need      what must stand in the file; add and remove     pure, over json · toml · block
//! record    the difference that `--write` made, for an exact `--undo`
//! mod       reading, planning, writing
//! ```
//!
//! What a person wrote is theirs: a file is edited in the one place, a file that cannot be understood or that
//! sets the same thing otherwise is left alone, and `--undo` gives back every byte, or, where the file was
//! changed since, takes out our part only.

mod block;
mod json;
mod need;
pub mod places;
pub mod record;
mod toml;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::config::Dirs;
use crate::standin::folder;

pub use need::{Need, Obstacle, of as need};
use record::Record;

/// The editors that can be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Editor {
    /// Visual Studio Code and its relatives, with the Lean 4 extension.
    Vscode,
    /// Neovim, with lean.nvim or nvim-lspconfig.
    Neovim,
    /// Emacs, with lean4-mode.
    Emacs,
    /// Helix.
    Helix,
    /// Zed, with its Lean 4 extension.
    Zed,
}

impl Editor {
    /// All of them.
    pub const ALL: [Editor; 5] = [Editor::Vscode, Editor::Neovim, Editor::Emacs, Editor::Helix, Editor::Zed];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Editor::Vscode => "vscode",
            Editor::Neovim => "neovim",
            Editor::Emacs => "emacs",
            Editor::Helix => "helix",
            Editor::Zed => "zed",
        }
    }

    /// Whether it finds us by the names `lake` and `lean`, since its command cannot be set.
    pub fn needs_stand_ins(self) -> bool {
        matches!(self, Editor::Vscode | Editor::Neovim | Editor::Emacs)
    }
}

/// What is to be done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it is as it should be.
    None,
    /// Its text becomes this one.
    Text(String),
    /// It goes: we made it, and nothing else is in it.
    Delete,
    /// It is left alone, and why.
    Blocked(Obstacle),
}

/// A file and what is to be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The editor.
    pub editor: Editor,
    /// The file, as the editor names it.
    pub file: PathBuf,
    /// Its text; none where it is not there.
    pub before: Option<String>,
    /// What is to be done.
    pub change: Change,
}

impl Plan {
    /// The text after the change.
    pub fn after(&self) -> &str {
        match &self.change {
            Change::Text(text) => text,
            Change::Delete => "",
            Change::None | Change::Blocked(_) => self.before.as_deref().unwrap_or_default(),
        }
    }

    /// The difference as a unified diff; empty where nothing changes.
    pub fn diff(&self) -> String {
        let before = self.before.as_deref().unwrap_or_default();
        let name = self.file.display().to_string();
        let (old, new) = match (&self.before, &self.change) {
            (None, _) => ("/dev/null", name.as_str()),
            (_, Change::Delete) => (name.as_str(), "/dev/null"),
            _ => (name.as_str(), name.as_str()),
        };
        let diff = similar::TextDiff::from_lines(before, self.after());
        diff.unified_diff().header(old, new).to_string()
    }
}

/// Reads a file's text; the outer error is one of the system's.
fn read(file: &Path) -> Result<Result<Option<String>, Obstacle>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| Obstacle::Unreadable("it is not UTF-8 text".to_owned()))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Ok(None)),
        Err(e) => Err(e).with_context(|| format!("cannot read `{}`", file.display())),
    }
}

/// What `--write` would do with a file.
pub fn plan_write(editor: Editor, file: &Path, need: &Need) -> Result<Plan> {
    let (before, change) = match read(file)? {
        Err(obstacle) => (None, Change::Blocked(obstacle)),
        Ok(before) => {
            let change = match need.add(before.as_deref().unwrap_or_default()) {
                Ok(Some(text)) => Change::Text(text),
                Ok(None) => Change::None,
                Err(obstacle) => Change::Blocked(obstacle),
            };
            (before, change)
        }
    };
    Ok(Plan { editor, file: file.to_owned(), before, change })
}

/// What `--undo` would do with a file.
pub fn plan_undo(dirs: &Dirs, editor: Editor, file: &Path, need: &Need) -> Result<Plan> {
    let plan = |before, change| Plan { editor, file: file.to_owned(), before, change };
    let before = match read(file)? {
        Err(obstacle) => return Ok(plan(None, Change::Blocked(obstacle))),
        Ok(None) => return Ok(plan(None, Change::None)),
        Ok(Some(text)) => text,
    };
    let record = record::find(dirs, editor, file);
    let created = record.as_ref().is_some_and(|r| r.created);
    let text = match record.and_then(|r| r.turned_back(&before)) {
        Some(text) => Ok(Some(text)),
        None => need.remove(&before),
    };
    let change = match text {
        Ok(None) => Change::None,
        Ok(Some(text)) if created && need.is_blank(&text) => Change::Delete,
        Ok(Some(text)) => Change::Text(text),
        Err(obstacle) => Change::Blocked(obstacle),
    };
    Ok(plan(Some(before), change))
}

/// Writes what `--write` planned, with the stand-ins that the editor needs, and remembers it.
pub fn write(dirs: &Dirs, plan: &Plan) -> Result<()> {
    if plan.editor.needs_stand_ins() && !matches!(plan.change, Change::Blocked(_)) {
        folder::create(dirs)?;
    }
    if let Change::Text(text) = &plan.change {
        // First the record: without it the edit could still be undone, but not to the byte.
        record::keep(dirs, &Record::new(plan.editor, &plan.file, plan.before.as_deref(), text))?;
        replace(&plan.file, text)?;
    }
    Ok(())
}

/// Writes what `--undo` planned; the stand-ins go with the last editor that needed them.
pub fn undo(dirs: &Dirs, plan: &Plan) -> Result<()> {
    match &plan.change {
        Change::Text(text) => replace(&plan.file, text)?,
        Change::Delete => std::fs::remove_file(&plan.file)
            .with_context(|| format!("cannot remove `{}`", plan.file.display()))?,
        Change::None => {}
        Change::Blocked(_) => return Ok(()),
    }
    record::forget(dirs, plan.editor, &plan.file);
    if plan.editor.needs_stand_ins() && !record::all(dirs).iter().any(|r| r.editor.needs_stand_ins()) {
        folder::remove(dirs)?;
    }
    Ok(())
}

/// Replaces a file's text in one step, where a link leads and with the permissions that it had.
fn replace(file: &Path, text: &str) -> Result<()> {
    let context = || format!("cannot write `{}`", file.display());
    // Settings are often a link into a folder under version control: the link stays.
    let target = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(context)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lean-copilot");
    // A new file gets what the person's umask leaves, not a temporary file's 0600.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut temporary = builder.tempfile_in(folder).with_context(context)?;
    temporary.write_all(text.as_bytes()).with_context(context)?;
    if let Ok(metadata) = std::fs::metadata(&target) {
        temporary.as_file().set_permissions(metadata.permissions()).with_context(context)?;
    }
    temporary.as_file().sync_all().with_context(context)?;
    temporary.persist(&target).map(drop).with_context(context)
}
