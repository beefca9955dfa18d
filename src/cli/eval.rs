//! `lean-copilot eval`.

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn eval(_args: Args, _context: super::Context) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
