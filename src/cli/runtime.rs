//! `lean-copilot runtime`.

/// Arguments of `runtime`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn runtime(_args: Args, _context: super::Context) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
