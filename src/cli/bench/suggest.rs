//! `lean-copilot bench suggest`: from a cursor move to the first verified suggestion, through a real
//! `serve`, and what the sidecar keeps in memory.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::cli::editor::Editor;
use crate::cli::{Context, needs};
use crate::config::Dirs;
use crate::lsp::position;
use crate::proof::ProofStep;

/// Arguments of `bench suggest`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Cursor moves measured, each to a goal that was not looked at before.
    #[arg(long, default_value_t = 20)]
    moves: usize,
    /// Sessions opened anew for the cold figure: the first goal of a session starts the second Lean.
    #[arg(long, default_value_t = 3)]
    cold: usize,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
}

/// A held-out file whose goals are small and whose proofs are written out.
const FILE: &str = "PropPuzzles";

/// Runs the benchmark.
pub fn suggest(args: &Args, context: &Context) -> Result<()> {
    let folder = context.dirs.share.join("examples/heldout");
    let file = folder.join(format!("{FILE}.lean"));
    needs::lean_and_policy(context, &folder)?;
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let places = places(&folder.join("steps.jsonl"), &text)?;
    let own = tempfile::tempdir()?;
    let dirs = Dirs::below(own.path(), context.dirs.share.clone(), context.dirs.cache.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (mut cold, mut warm, mut memory) = (Vec::new(), Vec::new(), None);
    runtime.block_on(async {
        for session in 0..args.cold.max(1) {
            let mut editor = Editor::open(&file, text.clone(), &dirs).await?;
            cold.extend(first_suggestion(&mut editor, places[0]).await?);
            if session + 1 == args.cold.max(1) {
                for at in places.iter().skip(1).take(args.moves) {
                    warm.extend(first_suggestion(&mut editor, *at).await?);
                }
                tokio::time::sleep(Duration::from_secs(2)).await;
                memory = editor.server_memory();
            }
            editor.close().await?;
        }
        anyhow::Ok(())
    })?;
    let (cold_ms, warm_ms, p95) =
        (quantile(&mut cold, 0.5), quantile(&mut warm, 0.5), quantile(&mut warm, 0.95));
    if args.json {
        let out = json!({
            "cold_ms": cold_ms, "cold_sessions": args.cold, "warm_ms": warm_ms, "warm_p95_ms": p95,
            "moves": args.moves.min(places.len() - 1), "answered": warm.len(), "idle_memory_bytes": memory,
        });
        println!("{out}");
    } else {
        println!("first verified suggestion after a cursor move, through `serve`");
        println!("  cold   {cold_ms:>7.0} ms  median of {} sessions (the second Lean starts)", cold.len());
        println!("  warm   {warm_ms:>7.0} ms  median of {} moves, p95 {p95:.0} ms", warm.len());
        let moves = args.moves.min(places.len() - 1);
        if warm.len() < moves {
            println!("  {} of {moves} moves brought no suggestion", moves - warm.len());
        }
        match memory {
            Some(bytes) => {
                println!("  memory {:>7.0} MB  the sidecar alone, idle, bundle loaded", bytes as f64 / 1e6)
            }
            None => println!("  memory is not known on this platform"),
        }
    }
    Ok(())
}

/// Milliseconds from the question to the first verified suggestion; `None` where there was none.
async fn first_suggestion(editor: &mut Editor, at: usize) -> Result<Option<f64>> {
    let started = Instant::now();
    let result = editor.first_suggestions(at).await?;
    Ok((!result.suggestions.is_empty()).then(|| started.elapsed().as_secs_f64() * 1000.0))
}

/// Bytes at which the steps of the file begin, each declaration's first ones first, so that moves jump.
fn places(steps: &std::path::Path, text: &str) -> Result<Vec<usize>> {
    let lines =
        std::fs::read_to_string(steps).with_context(|| format!("cannot read `{}`", steps.display()))?;
    let mut steps: Vec<ProofStep> = lines.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    steps.retain(|s| s.file.ends_with(&format!("/{FILE}.lean")));
    steps.sort_by_key(|s| (s.step, s.range.start));
    let byte = |(line, column): (u32, u32)| {
        position::from_line_column(text, line, column).map(|p| position::offset(text, p))
    };
    let places: Vec<usize> = steps.iter().filter_map(|s| byte(s.range.start)).collect();
    anyhow::ensure!(places.len() > 1, "the shipped steps do not fit the shipped file `{FILE}.lean`");
    Ok(places)
}

fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(((values.len().max(1) - 1) as f64 * q).round() as usize).copied().unwrap_or(f64::NAN)
}
