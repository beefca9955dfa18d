//! `lean-copilot suggest`.

/// Arguments of `suggest`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn suggest(_args: Args, _context: super::Context) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
