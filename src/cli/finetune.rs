//! `lean-copilot finetune`.

/// Arguments of `finetune`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn finetune(_args: Args, _context: super::Context) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
