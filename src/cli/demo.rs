//! `lean-copilot demo`.

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn demo(_args: Args, _context: super::Context) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
