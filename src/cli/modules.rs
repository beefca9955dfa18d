//! `lean-copilot modules`: compiles what Lean files import, for the embedded Lean.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::trace::lean_files;
use super::{Context, needs};
use crate::error::{Failure, FailureKind};
use crate::lean::modules::{Broken, Built, Modules};

/// Arguments of `modules`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The embedded Lean has no Lake. Every command, and `serve` when a file is opened, compiles what is needed by
itself; this command does so ahead of time. The compiled modules lie in the cache directory, never in the
project, and nothing is fetched: dependencies are what the lakefile requires by path, what `lake` has put into
`.lake/packages`, and the folders given by `--lib`. Where Lean is installed, Lake compiles, and there is
nothing to do here.

Examples:
  lean-copilot modules src/Main.lean            what Main.lean imports, directly or not
  lean-copilot modules . --lib ../batteries     what any file of the project imports")]
pub struct Args {
    /// Lean files, or folders with Lean files below them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Lean processes at once, about a gigabyte each.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Write JSON, one object a line: `progress` (done, all, module), at the end `compiled`, `problems`,
    /// `options`.
    #[arg(long)]
    json: bool,
    /// Take the text of the one file from standard input, as an editor has it.
    #[arg(long)]
    stdin: bool,
}

/// Runs the command.
pub fn modules(args: Args, context: Context) -> Result<()> {
    let files = if args.stdin { args.paths.clone() } else { lean_files(&args.paths, &[])? };
    let first = std::path::absolute(&files[0])?;
    let folder = first.parent().unwrap_or(Path::new("."));
    if !args.json {
        needs::lean(&context, folder)?;
    }
    let Some(modules) = Modules::of(&context.dirs, folder, &context.libs)? else {
        match args.json {
            true => println!("{}", json!({"compiled": 0, "problems": [], "options": {}})),
            false => anstream::eprintln!("nothing to do: Lean is installed, and `lake build` compiles"),
        }
        return Ok(());
    };
    let mut texts = Vec::new();
    for file in &files {
        texts.push(if args.stdin {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
            text
        } else {
            super::place::read_text(file)?
        });
    }
    let sources = files.iter().map(PathBuf::as_path).zip(texts.iter().map(String::as_str));
    if args.json {
        let plan = modules.plan_for(sources);
        let built =
            modules.build(&plan, args.jobs, Broken::Refuse, &AtomicBool::new(false), |n, all, m| {
                // Whoever asked may be gone; the work is worth finishing all the same.
                let _ = writeln!(std::io::stdout(), "{}", json!({"progress": [n, all, m]}));
            })?;
        let problems: Vec<String> = built.problems.iter().map(ToString::to_string).collect();
        let options = modules.options_of(&first);
        println!("{}", json!({"compiled": built.compiled, "problems": problems, "options": options}));
        return Ok(());
    }
    let built = build(&modules, sources, args.jobs)?;
    anstream::eprintln!("{} compiled, {} up to date", count(built.compiled), built.fresh);
    match built.problems.len() {
        0 => Ok(()),
        _ => Err(Failure::new(FailureKind::Unsuccessful, "not every module could be compiled")
            .hint("`--lib DIR` names the folder of a dependency; the messages above say what else is wrong")
            .into()),
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 module".into() } else { format!("{n} modules") }
}

/// Compiles what files import before a command hands them to the embedded Lean; problems are warnings, for
/// Lean says more about them at the import.
pub fn ready(context: &Context, folder: &Path, sources: &[(PathBuf, String)]) -> Result<()> {
    let Some(modules) = Modules::of(&context.dirs, folder, &context.libs)? else { return Ok(()) };
    let sources = sources.iter().map(|(file, text)| (file.as_path(), text.as_str()));
    build(&modules, sources, 1).map(drop)
}

/// Compiles with a progress bar, and prints the problems.
fn build<'a>(
    modules: &Modules,
    sources: impl IntoIterator<Item = (&'a Path, &'a str)>,
    jobs: usize,
) -> Result<Built> {
    let plan = modules.plan_for(sources);
    let bar = progress_bar();
    let built = modules.build(&plan, jobs, Broken::Refuse, &AtomicBool::new(false), shows(&bar))?;
    bar.finish_and_clear();
    for problem in &built.problems {
        anstream::eprintln!("warning: {problem}");
    }
    Ok(built)
}

/// A bar that shows itself with the first module.
pub(super) fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    bar.set_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} modules, compiling {msg}")
            .expect("a valid template"),
    );
    bar
}

/// Shows in such a bar how many modules are compiled, and which one is at work.
pub(super) fn shows(bar: &ProgressBar) -> impl Fn(usize, usize, &str) + Sync + '_ {
    |n, all, module| {
        bar.set_length(all as u64);
        bar.set_position(n as u64);
        bar.set_message(module.to_owned());
    }
}
