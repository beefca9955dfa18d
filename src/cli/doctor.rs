//! `lean-copilot doctor`: what is there, what works, and what to do about the rest.

use std::io::Write as _;

use anyhow::{Context as _, Result};

use crate::config::{Dirs, Settings};
use crate::doctor::{self, Report, State};
use crate::error::{Failure, FailureKind};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Starts Lean, loads the bundle and reads the store to see that they work; installs nothing, repairs nothing and
never uses the network. Exit code 0 if all that is needed works, 1 if not.

Examples:
  lean-copilot doctor            in a project's folder: its toolchain is looked at
  lean-copilot doctor --json     for programs and for bug reports")]
pub struct Args {
    /// For programs: one JSON object.
    #[arg(long)]
    json: bool,
    /// Load the bundle and say what came of it: a process of its own, since a broken library can end it.
    #[arg(long, hide = true)]
    probe: bool,
}

/// Runs the command; it needs no directories and no valid settings.
pub fn doctor(args: Args) -> Result<()> {
    if args.probe {
        let dirs = Dirs::from_env()?;
        let settings = Settings::load(&dirs).unwrap_or_default();
        let probe = doctor::policy::probe(&dirs, &settings);
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&probe)?)?;
        return Ok(());
    }
    let folder = std::env::current_dir().context("the working directory is gone")?;
    let report = doctor::examine(&folder);
    let mut out = anstream::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        show(&report, &mut out)?;
    }
    out.flush()?;
    let failed: Vec<&str> =
        report.checks.iter().filter(|c| c.state == State::Fail).map(|c| c.id.as_str()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let message = format!("needed and not working: {}", failed.join(", "));
    Err(Failure::new(FailureKind::Other, message).into())
}

fn show(report: &Report, out: &mut impl std::io::Write) -> Result<()> {
    use anstyle::{AnsiColor, Style};
    let dim = Style::new().dimmed();
    for check in &report.checks {
        let (word, style) = match check.state {
            State::Ok => ("ok", AnsiColor::Green.on_default()),
            State::Off => ("-", dim),
            State::Warn => ("warn", AnsiColor::Yellow.on_default().bold()),
            State::Fail => ("FAIL", AnsiColor::Red.on_default().bold()),
        };
        let version = check.version.as_deref().map(|v| format!("{v}: ")).unwrap_or_default();
        // A version that the line says itself is not said twice.
        let version =
            if check.found.contains(version.trim_end_matches(": ")) { String::new() } else { version };
        writeln!(out, "{style}{word:5}{style:#}{:17} {version}{}", check.id, check.found)?;
        if let Some(path) = check.path.as_deref().filter(|p| !check.found.contains(p)) {
            writeln!(out, "{:23}{dim}{path}{dim:#}", "")?;
        }
        if let Some(remedy) = &check.remedy {
            writeln!(out, "{:23}→ {remedy}", "")?;
        }
    }
    Ok(())
}
