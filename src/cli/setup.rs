//! `lean-copilot setup`: puts this program before Lean's server in an editor, and takes it out again.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::error::{Failure, FailureKind};
use crate::setup::places::{self, Surroundings};
use crate::setup::{self, Change, Editor, Need, Plan};
use crate::standin::folder;

use super::Context;

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --write and --undo, it prints what would be written. Files that cannot be understood, or in which you
have set the same thing otherwise, are left alone; it then prints what to add by hand. --undo gives back every
byte, or, where you changed the file since, takes out only what --write put in.

Examples:
  lean-copilot setup vscode                     what VS Code needs, and where
  lean-copilot setup vscode --write             for every VS Code, VSCodium, Cursor, … that you use
  lean-copilot setup helix --write --workspace  for the project in this folder only
  lean-copilot setup emacs --undo --dry-run     what undoing would change")]
pub struct Args {
    /// The editor.
    editor: Editor,
    /// Write it.
    #[arg(long, conflicts_with = "undo")]
    write: bool,
    /// Take out what `--write` put in.
    #[arg(long)]
    undo: bool,
    /// Only show the difference.
    #[arg(long)]
    dry_run: bool,
    /// The settings file, where it is not found by itself.
    #[arg(long, value_name = "FILE", conflicts_with = "workspace")]
    settings: Option<PathBuf>,
    /// The settings of the project in this folder (vscode, helix, zed).
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = ".")]
    workspace: Option<PathBuf>,
    /// For programs: one JSON object.
    #[arg(long)]
    json: bool,
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
struct Report {
    editor: Editor,
    /// `write`, `undo`; what would be written counts as `write`.
    action: &'static str,
    /// Whether the files were touched.
    done: bool,
    /// The folder for PATH, where the editor finds us by the names `lake` and `lean`.
    stand_ins: Option<PathBuf>,
    files: Vec<File>,
}

/// A file in it.
#[derive(Debug, Serialize)]
struct File {
    /// `VS Code`, `Cursor`, …
    variant: String,
    file: PathBuf,
    /// `unchanged`, `change`, `create`, `delete`, `blocked`.
    state: &'static str,
    /// The difference as a unified diff.
    diff: String,
    /// Why it is left alone.
    reason: Option<String>,
    /// What to add by hand then.
    by_hand: Option<String>,
}

/// Runs the command.
pub fn setup(args: Args, context: Context) -> Result<()> {
    let dirs = &context.dirs;
    let need = setup::need(args.editor, &program()?, &folder::root(dirs));
    let mut plans = Vec::new();
    for (variant, file) in files(&args)? {
        let plan = match args.undo {
            true => setup::plan_undo(dirs, args.editor, &file, &need)?,
            false => setup::plan_write(args.editor, &file, &need)?,
        };
        plans.push((variant, plan));
    }
    let done = !args.dry_run && (args.write || args.undo);
    for (_, plan) in plans.iter().filter(|_| done) {
        match args.undo {
            true => setup::undo(dirs, plan)?,
            false => setup::write(dirs, plan)?,
        }
    }
    let report = Report {
        editor: args.editor,
        action: if args.undo { "undo" } else { "write" },
        done,
        stand_ins: args.editor.needs_stand_ins().then(|| folder::bin(dirs)),
        files: plans.iter().map(|(variant, plan)| describe(variant, plan, &need)).collect(),
    };
    if args.json {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        show(&report)?;
    }
    match report.files.iter().find(|f| f.state == "blocked") {
        None => Ok(()),
        Some(file) => {
            let reason = file.reason.as_deref().unwrap_or_default();
            let message = format!("`{}` is left alone: {reason}", file.file.display());
            let hint = match args.undo {
                true => "take out by hand what stands there of:",
                false => "put in by hand, as it fits:",
            };
            let failure = Failure::new(FailureKind::Corrupt, message);
            Err(failure.hint(format!("{hint}\n{}", need.by_hand().trim_end())).into())
        }
    }
}

/// How an editor starts this program: by name, where PATH leads to it, else by its path.
fn program() -> Result<String> {
    let own = std::env::current_exe().and_then(std::fs::canonicalize).context("this program's own path")?;
    let name = format!("lean-copilot{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path).map(|f| f.join(&name)).find(|f| f.is_file());
    let by_name = first.is_some_and(|f| std::fs::canonicalize(f).is_ok_and(|f| f == own));
    Ok(if by_name { "lean-copilot".to_owned() } else { own.display().to_string() })
}

/// The files that the arguments mean, each with the name of its variant.
fn files(args: &Args) -> Result<Vec<(String, PathBuf)>> {
    let absolute = |p: &Path| std::path::absolute(p).with_context(|| format!("`{}`", p.display()));
    if let Some(file) = &args.settings {
        return Ok(vec![(args.editor.name().to_owned(), absolute(file)?)]);
    }
    if let Some(project) = &args.workspace {
        let project = absolute(project)?;
        if !project.is_dir() {
            let message = format!("`{}` is not a folder", project.display());
            return Err(Failure::new(FailureKind::Usage, message).into());
        }
        let Some(file) = places::of_project(args.editor, &project) else {
            let message = format!("{} has no settings of a project", args.editor.name());
            return Err(Failure::new(FailureKind::Usage, message).hint("leave out `--workspace`").into());
        };
        return Ok(vec![("project".to_owned(), file)]);
    }
    let Some(around) = Surroundings::from_env() else {
        let message = "the home directory is not known";
        return Err(Failure::new(FailureKind::Usage, message)
            .hint("set HOME, or name the file: `--settings FILE`")
            .into());
    };
    let found = places::in_use(args.editor, &around, Path::exists);
    Ok(found.into_iter().map(|p| (p.variant.to_owned(), p.file)).collect())
}

fn describe(variant: &str, plan: &Plan, need: &Need) -> File {
    let (state, reason) = match &plan.change {
        Change::None => ("unchanged", None),
        Change::Text(_) if plan.before.is_none() => ("create", None),
        Change::Text(_) => ("change", None),
        Change::Delete => ("delete", None),
        Change::Blocked(obstacle) => ("blocked", Some(obstacle.reason().to_owned())),
    };
    let by_hand = reason.is_some().then(|| need.by_hand());
    File { variant: variant.to_owned(), file: plan.file.clone(), state, diff: plan.diff(), reason, by_hand }
}

/// The differences are data, on standard output; what was done is said on standard error.
fn show(report: &Report) -> Result<()> {
    let mut out = anstream::stdout().lock();
    for file in &report.files {
        let name = format!("{} ({})", file.file.display(), file.variant);
        let undo = report.action == "undo";
        match (file.state, report.done) {
            ("blocked", _) => continue,
            ("unchanged", _) if undo => anstream::eprintln!("{name}: nothing of lean-copilot's is in it"),
            ("unchanged", _) => anstream::eprintln!("{name}: is set up already"),
            (_, false) => anstream::eprintln!("{name}: would be changed"),
            ("delete", true) => anstream::eprintln!("{name}: removed"),
            (_, true) => anstream::eprintln!("{name}: written"),
        }
        for line in file.diff.lines() {
            let style = match line.as_bytes().first() {
                _ if line.starts_with("---") || line.starts_with("+++") => anstyle::Style::new().bold(),
                Some(b'+') => anstyle::AnsiColor::Green.on_default(),
                Some(b'-') => anstyle::AnsiColor::Red.on_default(),
                Some(b'@') => anstyle::AnsiColor::Cyan.on_default(),
                _ => anstyle::Style::new(),
            };
            writeln!(out, "{style}{line}{style:#}")?;
        }
    }
    out.flush()?;
    if let (Some(folder), "write") = (&report.stand_ins, report.action) {
        let verb = if report.done { "lead" } else { "would lead" };
        anstream::eprintln!("`lake` and `lean` in `{}` {verb} to lean-copilot", folder.display());
    }
    if !report.done && !report.files.iter().all(|f| matches!(f.state, "unchanged" | "blocked")) {
        let flag = if report.action == "undo" { "--undo" } else { "--write" };
        anstream::eprintln!("`lean-copilot setup {} {flag}` writes this", report.editor.name());
    } else if report.done && report.action == "write" {
        anstream::eprintln!("restart the editor; `lean-copilot doctor` says whether all is in place");
    }
    Ok(())
}
