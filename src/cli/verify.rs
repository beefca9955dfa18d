//! `lean-copilot verify`.

use std::io::{IsTerminal, Read};
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::place::{PlaceArgs, explain};
use crate::error::{Failure, FailureKind};
use crate::proof::Verdict;
use crate::verify::{Filter, VerifierHandle, no_goal};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lean-copilot verify Foo.lean:12:3 simp omega 'exact h.symm'
  lean-copilot verify --json Foo.lean:12:3 $'constructor\\n· exact hp\\n· exact hq'
  echo '[\"simp\", \"omega\"]' | lean-copilot verify --json Foo.lean:12:3

The place is a `sorry`, an empty block behind `by`, `=>` or `·`, a blank line, or a tactic, before which the
given ones are tried. Each is tried alone, in a second Lean server; the file is not touched. Further lines of a
tactic are indented to the column of its first. Nothing is filtered: a tactic may run code.

`completes` says that the whole declaration then stands, without an error or `sorry`, and that nothing behind
it has a new error.")]
pub struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    /// Tactics to try; without any, or with `-`, a JSON list of strings is read from standard input.
    #[arg(value_name = "TACTIC")]
    tactics: Vec<String>,
    /// Write one JSON object: `goal`, `goals`, `verdicts` (in the order given, each with its `tactic`), `elapsed_ms`.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn verify(args: Args, context: super::Context) -> Result<()> {
    let tactics = if args.tactics.is_empty() || args.tactics == ["-"] { from_stdin()? } else { args.tactics };
    let (place, command) = args.place.resolve(&context)?;
    let settings = context.settings;
    super::place::run(async move {
        let started = Instant::now();
        let verifier = VerifierHandle::spawn(command, &settings);
        let goals = verifier.goals(&place).await?.ok_or_else(|| no_goal(&place))?;
        if !args.json {
            let main = goals.first().map_or("no goals", |g| g.text.as_str());
            anstream::println!("{main}\n");
        }
        let mut verdicts: Vec<Option<Verdict>> = vec![None; tactics.len()];
        let mut answers = verifier.verify(&place, tactics.clone(), Filter::Off);
        while let Some((i, verdict)) = answers.recv().await {
            if !args.json {
                anstream::println!("{}", explain(&tactics[i], &verdict));
            }
            verdicts[i] = Some(verdict);
        }
        if let Some((message, hint)) = verifier.status().problem {
            let failure = Failure::new(FailureKind::Lean, message);
            return Err(hint.into_iter().fold(failure, Failure::hint).into());
        }
        if args.json {
            let verdicts: Vec<_> = tactics
                .iter()
                .zip(&verdicts)
                .map(|(tactic, verdict)| json!({"tactic": tactic, "verdict": verdict}))
                .collect();
            let elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
            let out = json!({
                "goal": goals.first(), "goals": goals, "verdicts": verdicts, "elapsed_ms": elapsed_ms,
            });
            anstream::println!("{out}");
        }
        Ok(())
    })
}

fn from_stdin() -> Result<Vec<String>> {
    if std::io::stdin().is_terminal() {
        return Err(Failure::new(FailureKind::Usage, "no tactic is given")
            .hint("for example: lean-copilot verify FILE:LINE:COLUMN simp 'exact h'")
            .into());
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("cannot read the tactics from standard input")?;
    serde_json::from_str(&text).map_err(|e| {
        Failure::new(FailureKind::Usage, format!("standard input is not a JSON list of strings: {e}"))
            .hint("for example: echo '[\"simp\", \"omega\"]' | lean-copilot verify FILE:LINE:COLUMN -")
            .into()
    })
}
