//! A place whose goals are known, with what Lean says about it when nothing is tried.

use std::time::Duration;

use lsp_types::Diagnostic;
use sha2::{Digest, Sha256};

use super::judge::{self, Comparison};
use super::scratch::Scratch;
use crate::lean::LeanCommand;
use crate::proof::{Goal, Verdict, VerdictKind};

/// Toolchain, document without the hole, tactic.
pub type Key = [u8; 32];

/// A place whose goals are known.
pub struct Prepared {
    /// The document.
    pub uri: String,
    /// The document with its hole.
    pub scratch: Scratch,
    /// The goals, main goal first.
    pub goals: Vec<Goal>,
    /// What Lean says with a block that only closes the goals.
    pub baseline: Vec<Diagnostic>,
    /// The lines of that block.
    pub baseline_lines: u32,
    /// How long Lean may need for the document with nothing tried.
    pub cost: Duration,
}

impl Prepared {
    /// What Lean says with a candidate against what it says without; `delta` as in [`Comparison`].
    pub fn compare<'a>(&'a self, trial: &'a [Diagnostic], delta: i64) -> Comparison<'a> {
        Comparison { baseline: &self.baseline, trial, line: self.scratch.block_line(), delta }
    }

    /// The declaration's lines in the document with a block.
    pub fn lines(&self, block: &str) -> std::ops::Range<u32> {
        let d = &self.scratch.declaration;
        d.start..d.end + self.scratch.lines_of(block)
    }

    /// The document with nothing tried.
    pub fn easy(&self) -> String {
        self.scratch.with(&self.scratch.baseline_block())
    }

    /// What a verdict about a tactic here depends on.
    pub fn key(&self, command: &LeanCommand, tactic: &str) -> Key {
        let mut hash = Sha256::new();
        let hole = &self.scratch.hole;
        let column = hole.column.to_string();
        let parts = [
            command.label.as_str(),
            &command.cwd.to_string_lossy(),
            &self.uri,
            &self.scratch.before,
            &self.scratch.after,
            &hole.lead,
            &column,
            tactic,
        ];
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}

/// The verdict on an error message of Lean's.
pub fn error_verdict(message: &str, ms: f64) -> Verdict {
    let kind = if judge::is_exhaustion(message) { VerdictKind::Timeout } else { VerdictKind::Error };
    judge::refused(kind, message, ms)
}
