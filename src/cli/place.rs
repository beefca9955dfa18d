//! `FILE:LINE:COLUMN`, the Lean that serves it, and verdicts on a terminal: what `suggest` and `verify`
//! share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Context, needs};
use crate::error::{Failure, FailureKind};
use crate::lean::{LeanCommand, toolchain, uri};
use crate::lsp::position;
use crate::proof::{Verdict, VerdictKind};
use crate::verify::Place;

/// Where, and with which Lean.
#[derive(Debug, clap::Args)]
pub struct PlaceArgs {
    /// FILE:LINE:COLUMN, both from 1; columns count characters (Unicode code points).
    #[arg(value_name = "FILE:LINE:COLUMN")]
    place: OsString,
    /// The command of the Lean language server, split at spaces; by default the one of the file's folder.
    #[arg(long, value_name = "COMMAND")]
    lean_command: Option<String>,
}

impl PlaceArgs {
    /// Reads the file and finds the Lean that serves its folder.
    pub fn resolve(&self, context: &Context) -> Result<(Place, LeanCommand)> {
        let (file, line, column) = parse(&self.place.to_string_lossy())?;
        let place = read(&file, line, column)?;
        // The folder exists, or the file could not have been read.
        let folder = std::path::absolute(&file)?.parent().map_or_else(PathBuf::new, Path::to_owned);
        let command = match &self.lean_command {
            Some(words) => {
                let words = words.split_whitespace().map(OsString::from).collect();
                LeanCommand::from_words(words, folder)?
            }
            None => {
                needs::lean(context, &folder)?;
                super::modules::ready(context, &folder, &[(file, place.text.to_string())])?;
                toolchain::server_command_with(&context.dirs, &folder, &context.libs)?
            }
        };
        Ok((place, command))
    }
}

/// Splits `FILE:LINE:COLUMN`; the file's name may hold colons.
fn parse(text: &str) -> Result<(PathBuf, u32, u32)> {
    let mut parts = text.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    let number = |s: Option<&str>| s.and_then(|s| s.parse::<u32>().ok()).filter(|n| *n > 0);
    match (file.filter(|f| !f.is_empty()), number(line), number(column)) {
        (Some(file), Some(line), Some(column)) => Ok((file.into(), line, column)),
        _ => Err(Failure::new(FailureKind::Usage, format!("`{text}` is not FILE:LINE:COLUMN"))
            .hint("line and column count from 1, for example `Foo.lean:12:3`")
            .into()),
    }
}

/// The text of a Lean file.
pub fn read_text(file: &Path) -> Result<String> {
    let name = file.display();
    let bytes = std::fs::read(file)
        .map_err(|e| Failure::new(FailureKind::Usage, format!("cannot read `{name}`: {e}")))?;
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Failure::new(FailureKind::Corrupt, format!("`{name}` is not UTF-8 (byte {at})"))
            .hint("Lean reads UTF-8 only; convert the file")
            .into()
    })
}

fn read(file: &Path, line: u32, column: u32) -> Result<Place> {
    let name = file.display();
    let text = read_text(file)?;
    let Some(position) = position::from_line_column(&text, line, column) else {
        let lines = text.split('\n').count();
        let length =
            text.split('\n').nth(line as usize - 1).map(|l| l.trim_end_matches('\r').chars().count());
        let message = match length {
            Some(n) => format!("`{name}` has {n} characters in line {line}; column {column} lies outside"),
            None => format!("`{name}` has {lines} lines; line {line} lies outside"),
        };
        return Err(Failure::new(FailureKind::Usage, message).hint("line and column count from 1").into());
    };
    Ok(Place { uri: uri::from_path(file)?, version: 1, text: text.into(), position })
}

/// Runs a future on a runtime of its own.
pub fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(work);
    // A server that does not end in time is killed with the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}

/// A tactic and its verdict in a few lines for a terminal.
pub fn explain(tactic: &str, verdict: &Verdict) -> String {
    let green = anstyle::AnsiColor::Green.on_default();
    let red = anstyle::AnsiColor::Red.on_default();
    let (style, word) = match verdict.kind {
        VerdictKind::Closes if verdict.completes => (green, "completes the proof"),
        VerdictKind::Closes => (green, "closes the goal"),
        VerdictKind::Progress => (green, "makes progress"),
        VerdictKind::NoProgress => (red, "changes nothing"),
        VerdictKind::BreaksRest => (red, "breaks what follows"),
        VerdictKind::Error => (red, "refused"),
        VerdictKind::Timeout => (red, "out of time"),
    };
    let mut out = format!("{style}{word}{style:#}  {}", tactic.replace('\n', "\n  "));
    if verdict.kind == VerdictKind::Progress {
        for goal in &verdict.goals {
            out.push_str(&format!("\n    ⊢ {}", goal.target));
        }
    }
    if let Some(first) = verdict.message.as_deref().and_then(|m| m.lines().next()) {
        out.push_str(&format!("\n    {first}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_from_its_end() {
        assert_eq!(parse("a:b.lean:3:4").unwrap(), ("a:b.lean".into(), 3, 4));
        for bad in ["a.lean", "a.lean:3", "a.lean:0:1", "a.lean:x:1", ":1:1"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("A.lean");
        let says = |line, column| read(&file, line, column).unwrap_err().to_string();
        assert!(says(1, 1).contains("cannot read"));
        std::fs::write(&file, b"ok\n\xff").unwrap();
        assert!(says(1, 1).contains("not UTF-8 (byte 3)"));
        std::fs::write(&file, "αβ\n").unwrap();
        assert!(says(1, 4).contains("has 2 characters in line 1"));
        assert!(says(7, 1).contains("line 7 lies outside"));
        assert_eq!(read(&file, 1, 3).unwrap().position.character, 2);
    }
}
