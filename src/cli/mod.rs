//! The command line: a file per subcommand, one function named like the command.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{Dirs, Settings};

mod bench;
mod demo;
mod doctor;
mod editor;
mod eval;
mod export_feedback;
mod finetune;
mod model;
mod modules;
mod needs;
mod neighbours;
mod place;
mod runtime;
mod serve;
mod setup;
mod split;
mod suggest;
mod synthesize;
mod trace;
mod verify;

/// Tactic suggestions for Lean 4 that Lean has already accepted.
///
/// A sidecar between your editor and Lean's own server: it reads the goal at the cursor, asks a
/// local policy and Lean's search for tactics, checks each against Lean in the background, and
/// shows only what works.
#[derive(Debug, Parser)]
#[command(
    name = "lean-copilot",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  lean-copilot demo                         see all of it at work on a shipped example
  lean-copilot suggest Foo.lean:12:3        verified tactics for the goal at that place
  lean-copilot serve                        the language server for your editor
  lean-copilot setup vscode --write         puts it before Lean's server in an editor
  lean-copilot doctor                       what works here, and what to do about the rest
  lean-copilot runtime install              what `serve` needs, where Lean is not installed"
)]
pub struct Cli {
    /// Never download anything; fail with the remedy where something is missing.
    #[arg(long, global = true)]
    pub offline: bool,
    /// For the embedded Lean: a folder with modules that the project needs; may be given several times.
    #[arg(long = "lib", global = true, value_name = "DIR")]
    pub libs: Vec<PathBuf>,
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
// Parsed once a process: a box around the largest would buy nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The language server: a proxy between the editor and Lean.
    Serve(serve::Args),
    /// Verified tactics for the goal at a place in a file.
    Suggest(suggest::Args),
    /// Try given tactics at a place in a file, without touching it.
    Verify(verify::Args),
    /// Play an editor's session from first goal to better policy.
    Demo(demo::Args),
    /// Put this program before Lean's server in an editor, or take it out again.
    Setup(setup::Args),
    /// Say what is there, what works, and what to do about the rest.
    Doctor(doctor::Args),
    /// Install, list or remove the embedded Lean and ONNX Runtime.
    Runtime(runtime::Args),
    /// Write what was recorded as data sets.
    ExportFeedback(export_feedback::Args),
    /// Learn from feedback and proofs; publish a better bundle.
    Finetune(finetune::Args),
    /// Add models that were trained elsewhere; list, show, choose and remove bundles.
    Model(model::Args),
    /// Write every tactic step of Lean files as JSON Lines.
    Trace(trace::Args),
    /// Have Lean make up more steps at traced ones.
    Synthesize(synthesize::Args),
    /// Split traced steps into those to train on and those to measure on.
    Split(split::Args),
    /// The index of a project's own proofs, from which suggestions come.
    Neighbours(neighbours::Args),
    /// Compile what Lean files import, for the embedded Lean.
    Modules(modules::Args),
    /// Measure the sources of tactics on proofs.
    Eval(eval::Args),
    /// Measure speed.
    Bench(bench::Args),
}

/// What every subcommand gets.
#[derive(Debug, Clone)]
pub struct Context {
    /// User directories and the share directory.
    pub dirs: Dirs,
    /// Settings from file and environment.
    pub settings: Settings,
    /// `--offline`.
    pub offline: bool,
    /// `--lib`.
    pub libs: Vec<PathBuf>,
}

/// Runs a parsed command line.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    let command = match cli.command {
        // It must work where directories and settings do not.
        Command::Doctor(a) => return doctor::doctor(a),
        command => command,
    };
    let dirs = Dirs::from_env()?;
    let settings = Settings::load(&dirs)?;
    let context = Context { dirs, settings, offline: cli.offline, libs: cli.libs };
    match command {
        Command::Serve(a) => serve::serve(a, context),
        Command::Suggest(a) => suggest::suggest(a, context),
        Command::Verify(a) => verify::verify(a, context),
        Command::Demo(a) => demo::demo(a, context),
        Command::Setup(a) => setup::setup(a, context),
        Command::Doctor(a) => doctor::doctor(a),
        Command::Runtime(a) => runtime::runtime(a, context),
        Command::ExportFeedback(a) => export_feedback::export_feedback(a, context),
        Command::Finetune(a) => finetune::finetune(a, context),
        Command::Model(a) => model::model(a, context),
        Command::Trace(a) => trace::trace(a, context),
        Command::Synthesize(a) => synthesize::synthesize(a, context),
        Command::Split(a) => split::split(a, context),
        Command::Neighbours(a) => neighbours::neighbours(a, context),
        Command::Modules(a) => modules::modules(a, context),
        Command::Eval(a) => eval::eval(a, context),
        Command::Bench(a) => bench::bench(a, context),
    }
}
