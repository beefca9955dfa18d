//! `lean-copilot`: under which name it was called, arguments, exit code; nothing else.

use std::process::ExitCode;

use clap::Parser;
use lean_copilot::cli::{Cli, run};
use lean_copilot::{error, standin};

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    if let Some(tool) = args.next().and_then(|name| standin::Tool::called(&name)) {
        return standin::run(tool, args.collect());
    }
    // SAFETY: no thread has been started.
    unsafe { lean_copilot::runtime::forbid_telemetry() };
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(&error),
    }
}
