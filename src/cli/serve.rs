//! `lean-copilot serve`.

use std::ffi::OsString;
use std::process::exit;

use anyhow::Context as _;

use crate::lean::{LeanCommand, toolchain};
use crate::proxy;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a command: `lake serve --` in a Lake project, `lean --server` elsewhere, and the embedded Lean
where the machine has neither. The log is `log/serve.log` in the state directory; LEAN_COPILOT_LOG sets
its level (`debug`). The exit code is Lean's.

Examples:
  lean-copilot serve                        in your editor's settings, in the place of `lake serve`
  lean-copilot serve -- lake serve --       with a command of your own")]
pub struct Args {
    /// The command that starts Lean's language server.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Serves on stdin and stdout; ends the process with Lean's exit code.
pub fn serve(args: Args, context: super::Context) -> anyhow::Result<()> {
    proxy::log::start(&context.dirs.log());
    let cwd = std::env::current_dir().context("the working directory is gone")?;
    let command = if args.command.is_empty() {
        toolchain::server_command_with(&context.dirs, &cwd, &context.libs)
    } else {
        LeanCommand::from_words(args.command, cwd)
    };
    let code = proxy::serve::run(context.dirs, context.settings, command)?;
    exit(i32::from(code))
}
