//! `lean-copilot bench suggest`: from a cursor move to the first verified suggestion, through a real
//! `serve`, and what the sidecar keeps in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use crate::cli::editor::Editor;
use crate::cli::place::read_text;
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

/// Held-out files with small goals; each proof is taken out of them and is a place to suggest at.
pub(super) const FILES: [&str; 2] = ["PropPuzzles", "Signals"];

/// Runs the benchmark.
pub fn suggest(args: &Args, context: &Context) -> Result<()> {
    let folder = context.dirs.share.join("examples/heldout");
    let file = folder.join("Bench.lean");
    needs::lean_and_policy(context, &folder)?;
    let text = open_proofs(&folder)?;
    let places: Vec<usize> = text.match_indices(HOLE).map(|(at, _)| at).collect();
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

/// What stands in the place of a proof.
pub(super) const HOLE: &str = "sorry";

/// The held-out files in one text, with each proof replaced by a hole.
pub(super) fn open_proofs(folder: &Path) -> Result<String> {
    let lines = read_text(&folder.join("steps.jsonl"))?;
    let steps: Vec<ProofStep> = lines.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let mut out = String::new();
    for name in FILES {
        let mut text = read_text(&folder.join(format!("{name}.lean")))?;
        let byte = |(line, column): (u32, u32)| {
            position::from_line_column(&text, line, column).map(|p| position::offset(&text, p))
        };
        // From the first step of a proof to the end of its last.
        let mut proofs: BTreeMap<&str, Range<usize>> = BTreeMap::new();
        for s in steps.iter().filter(|s| s.file.ends_with(&format!("/{name}.lean"))) {
            if let (Some(start), Some(end)) = (byte(s.range.start), byte(s.range.end)) {
                let proof = proofs.entry(&s.decl).or_insert(start..end);
                *proof = proof.start.min(start)..proof.end.max(end);
            }
        }
        let mut proofs: Vec<Range<usize>> = proofs.into_values().collect();
        proofs.sort_by_key(|p| std::cmp::Reverse(p.start));
        for proof in proofs {
            text.replace_range(proof, HOLE);
        }
        out.push_str(&text);
        out.push('\n');
    }
    anyhow::ensure!(out.matches(HOLE).count() > 1, "the shipped steps do not fit the shipped held-out files");
    Ok(out)
}

/// A quantile of values, which are sorted.
pub(super) fn quantile(values: &mut [f64], q: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(((values.len().max(1) - 1) as f64 * q).round() as usize).copied().unwrap_or(f64::NAN)
}
