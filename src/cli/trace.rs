//! `lean-copilot trace`.

/// Arguments of `trace`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn trace(_args: Args, _context: super::Context) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
