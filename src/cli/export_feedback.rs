//! `lean-copilot export-feedback`.

/// Arguments of `export-feedback`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn export_feedback(_args: Args, _context: super::Context) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
