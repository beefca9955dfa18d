//! `lean-copilot split`: traced steps into those to train on and those to measure on.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Context;
use crate::proof::ProofStep;
use crate::train::dataset::{is_usable, read_steps};
use crate::train::split::split_by_file;

/// Arguments of `split`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Files are held out whole, one in eleven, by a hash of their path. Training steps whose state is a held-out one
or nearly so (80 % of their trigrams) are left out; so are repetitions, steps with errors, and what was made up
(`lean-copilot synthesize`) of held-out files. The list holds
hashes only; `finetune` refuses what is on `examples/heldout-projects.json`.

Examples:
  lean-copilot split steps/*.jsonl --train train.jsonl --held-out heldout.jsonl
  lean-copilot split steps/*.jsonl --train t.jsonl --held-out h.jsonl --list heldout-projects.json")]
pub struct Args {
    /// Steps as `lean-copilot trace` writes them.
    #[arg(required = true)]
    steps: Vec<PathBuf>,
    /// Where the steps to train on go.
    #[arg(long)]
    train: PathBuf,
    /// Where the steps to measure on go.
    #[arg(long)]
    held_out: PathBuf,
    /// Where the list of what is held out goes, as hashes.
    #[arg(long)]
    list: Option<PathBuf>,
    /// Write the counts as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn split(args: Args, _context: Context) -> Result<()> {
    let split = split_by_file(read_steps(&args.steps)?, is_usable);
    write_steps(&args.train, &split.train)?;
    write_steps(&args.held_out, &split.held_out)?;
    if let Some(list) = &args.list {
        let text = serde_json::to_string_pretty(&split.list)? + "\n";
        std::fs::write(list, text).with_context(|| format!("cannot write `{}`", list.display()))?;
    }
    let counts = serde_json::json!({
        "train": split.train.len(), "held_out": split.held_out.len(), "counts": split.counts,
    });
    if args.json {
        println!("{counts}");
    } else {
        let c = split.counts;
        anstream::eprintln!(
            "{} steps to train on, {} to measure on ({} of {} files); left out: {} unusable, {} repeated, {} \
             crowded, {} near a held-out state, {} made up of what is held out",
            split.train.len(),
            split.held_out.len(),
            c.held_out_files,
            c.files,
            c.unusable,
            c.repeated,
            c.crowded,
            c.near_held_out,
            c.made_up_of_held_out
        );
    }
    Ok(())
}

fn write_steps(path: &Path, steps: &[ProofStep]) -> Result<()> {
    let write = || -> Result<()> {
        let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
        for step in steps {
            serde_json::to_writer(&mut out, step)?;
            out.write_all(b"\n")?;
        }
        Ok(out.flush()?)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}
