//! `lean-copilot`: arguments, logging, exit code; nothing else.

use std::process::ExitCode;

use clap::Parser;
use lean_copilot::cli::{Cli, run};
use lean_copilot::error::Failure;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {error:#}");
            let failure = Failure::of(&error);
            if let Some(hint) = failure.and_then(|f| f.hint.as_deref()) {
                anstream::eprintln!("hint: {hint}");
            }
            ExitCode::from(failure.map_or(1, |f| f.kind.exit_code()))
        }
    }
}
