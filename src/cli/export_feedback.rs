//! `lean-copilot export-feedback`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::Serialize;

use crate::error::{Failure, FailureKind};
use crate::feedback::export::{self, Options};
use crate::feedback::store::{Select, Store};
use crate::policy::prompt;

/// Arguments of `export-feedback`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lean-copilot export-feedback                            everything, one candidate a line
  lean-copilot export-feedback --format kto --out k.jsonl prompts with wanted and unwanted tactics
  lean-copilot export-feedback --project . --since 2026-01-31")]
pub struct Args {
    /// What the rows are.
    #[arg(long, value_enum, default_value_t = Format::Events)]
    pub format: Format,
    /// Write to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only what was recorded in the project in this folder.
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Only what was recorded since this day (YYYY-MM-DD) or time (YYYY-MM-DDTHH:MM:SSZ), UTC.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    pub since: Option<i64>,
    /// Share of declarations that get `"split": "test"`, from 0 to 1.
    #[arg(long, value_name = "FRACTION", default_value = "0.1", value_parser = parse_fraction)]
    pub test_fraction: f64,
}

/// A flavour of data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Every candidate with its goal, Lean's verdict and what the person did.
    Events,
    /// `prompt`, `completion`, `label`: what KTO trainers read.
    Kto,
}

/// Runs the command.
pub fn export_feedback(args: Args, context: super::Context) -> Result<()> {
    let path = Store::path_in(&context.dirs);
    let project = args.project.as_deref().map(root_of).transpose()?;
    let options = Options {
        select: Select { project: project.clone(), since_ms: args.since, ..Select::default() },
        test_fraction: args.test_fraction,
        prompt: prompt::goal_text,
    };
    // Looking must not make a store where there is none.
    let store = if path.exists() { Some(Store::open(&path)?) } else { None };
    if let Some(notice) = store.as_ref().and_then(Store::notice) {
        anstream::eprintln!("warning: {notice}");
    }
    let (text, count) = match (&store, args.format) {
        (None, _) => (Vec::new(), 0),
        (Some(store), Format::Events) => json_lines(&export::events(store, &options)?)?,
        (Some(store), Format::Kto) => json_lines(&export::kto(store, &options)?)?,
    };
    match &args.out {
        Some(file) => write_whole(file, &text)?,
        None => match std::io::stdout().lock().write_all(&text) {
            // Whoever reads may stop early: `… | head`.
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            other => other.context("cannot write to standard output")?,
        },
    }
    let rows = if count == 1 { "row" } else { "rows" };
    match (&args.out, count) {
        (_, 0) => say_empty(&path, store.as_ref(), project.is_some() || args.since.is_some())?,
        (Some(file), n) => anstream::eprintln!("wrote {n} {rows} to `{}`", file.display()),
        (None, n) => anstream::eprintln!("{n} {rows}"),
    }
    Ok(())
}

/// Says why there are no rows: an empty store is no error, and no mystery either.
fn say_empty(path: &Path, store: Option<&Store>, selected: bool) -> Result<()> {
    let rounds = store.map(Store::stats).transpose()?.map_or(0, |s| s.rounds);
    if rounds == 0 {
        anstream::eprintln!("nothing has been recorded yet in `{}`", path.display());
        anstream::eprintln!(
            "hint: work in an editor through `lean-copilot serve`; the setting `recording` must be on"
        );
    } else if selected {
        anstream::eprintln!(
            "none of the {rounds} recorded rounds fits `--project` and `--since`, or none has a row"
        );
    } else {
        anstream::eprintln!("none of the {rounds} recorded rounds makes a row of this format yet");
    }
    Ok(())
}

fn json_lines<T: Serialize>(rows: &[T]) -> Result<(Vec<u8>, usize)> {
    let mut text = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut text, row).context("a row as JSON")?;
        text.push(b'\n');
    }
    Ok((text, rows.len()))
}

/// Replaces a file in one step: a reader sees the old content or the new.
fn write_whole(file: &Path, content: &[u8]) -> Result<()> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // A temporary file is private by default; an export is the user's file like any other.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut temporary = builder.prefix(".export-").tempfile_in(folder)?;
        temporary.write_all(content)?;
        temporary.persist(file).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|e| {
        Failure::new(FailureKind::Other, format!("cannot write `{}`: {e}", file.display()))
            .hint("name a file in a folder that exists and is writable, with room on its disk")
            .into()
    })
}

/// The project's root as it is recorded.
fn root_of(folder: &Path) -> Result<String> {
    let root = std::fs::canonicalize(folder).map_err(|e| {
        Failure::new(FailureKind::Usage, format!("cannot find the project `{}`: {e}", folder.display()))
            .hint("`--project` takes the root folder of a project")
    })?;
    Ok(root.display().to_string())
}

fn parse_fraction(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(f) if (0.0..=1.0).contains(&f) => Ok(f),
        _ => Err("a number from 0 to 1 is wanted".into()),
    }
}

/// Milliseconds since 1970 of a day or a time in UTC.
fn parse_date(text: &str) -> Result<i64, String> {
    let wrong = || "a day as YYYY-MM-DD or a time as YYYY-MM-DDTHH:MM:SSZ is wanted".to_owned();
    let (day, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
    let numbers = |s: &str, separator: char| -> Option<[i64; 3]> {
        let parts = s.split(separator).map(|p| p.parse().ok().filter(|n| *n >= 0));
        parts.collect::<Option<Vec<i64>>>()?.try_into().ok()
    };
    let [y, m, d] = numbers(day, '-').ok_or_else(wrong)?;
    let [hour, minute, second] = numbers(time.trim_end_matches('Z'), ':').ok_or_else(wrong)?;
    let leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    let length = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let fits = (1970..=9999).contains(&y)
        && (1..=12).contains(&m)
        && (1..=length[(m - 1) as usize]).contains(&d)
        && (hour < 24 && minute < 60 && second < 60);
    if !fits {
        return Err(wrong());
    }
    let leap_days = |y: i64| y / 4 - y / 100 + y / 400;
    let years = (y - 1970) * 365 + leap_days(y - 1) - leap_days(1969);
    let days = years + length[..(m - 1) as usize].iter().sum::<i64>() + d - 1;
    Ok(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_read_in_utc() {
        assert_eq!(parse_date("1970-01-01"), Ok(0));
        assert_eq!(parse_date("2000-03-01"), Ok(951_868_800_000));
        assert_eq!(parse_date("2026-11-24T11:42:32Z"), Ok(1_795_520_552_000));
        for wrong in ["2026-02-29", "2026-13-01", "yesterday", "2026-1", "2026-01-01T25:00:00Z", "1-2-3-4"] {
            assert!(parse_date(wrong).is_err(), "{wrong}");
        }
    }
}
