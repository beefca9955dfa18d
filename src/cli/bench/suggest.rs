//! `lean-copilot bench suggest`: from a goal that appears to the first verified suggestion that is shown, through a real
//! `serve`, and what the sidecar keeps in memory.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::cli::editor::Editor;
use crate::cli::place::read_text;
use crate::cli::{Context, needs};
use crate::config::{Dirs, Settings};
use crate::lsp::position;
use crate::lsp::protocol::Suggestion;
use crate::proof::ProofStep;

/// Arguments of `bench suggest`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Goals looked at in each way, none of which was looked at before.
    #[arg(long, default_value_t = 20)]
    moves: usize,
    /// Sessions opened anew for the cold figure: the first goal of a session starts the second Lean.
    #[arg(long, default_value_t = 3)]
    cold: usize,
    /// Keep the log of the sessions in this file: with LEAN_COPILOT_LOG=lean_copilot=debug it says what the time
    /// of each request goes to.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
}

/// How long a session rests after its first goal: the probe is started in a pause, and reads `Lean`.
const WARM_UP: Duration = Duration::from_secs(20);

/// Held-out files with small goals; each proof is taken out of them and is a place to suggest at.
pub(super) const FILES: [&str; 2] = ["PropPuzzles", "Signals"];

/// How long the cursor stays where suggestions were seen. A question for goals elsewhere within 0.3 s is taken for that
/// of an infoview which was pinned.
const STAY: Duration = Duration::from_millis(400);
/// Slower answers are named.
const SLOW_MS: f64 = 1000.0;

/// How a first suggestion came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The cursor was put at a goal.
    Moved,
    /// A line was typed before the goal.
    Edited,
    /// `$/leanCopilot/suggest` was asked.
    Asked,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Moved => "cursor moved",
            Way::Edited => "line typed",
            Way::Asked => "asked",
        }
    }
}

/// One goal that was looked at.
struct Look {
    way: Way,
    theorem: String,
    /// Milliseconds from the sign of the editor, the pause included, to the first verified suggestion.
    first: Option<(f64, Suggestion)>,
}

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
    let (mut cold, mut looks, mut memory) = (Vec::new(), Vec::new(), None);
    runtime.block_on(async {
        // Each way has a session of its own, so that nothing is known of its goals.
        let mut ways = [Way::Asked, Way::Edited, Way::Moved].into_iter().rev().collect::<Vec<_>>();
        for _ in 0..args.cold.max(ways.len()) {
            let mut editor = Editor::open(&file, text.clone(), &dirs).await?;
            cold.extend(look(&mut editor, Way::Asked, places[0]).await?.first.map(|(ms, _)| ms));
            if let Some(way) = ways.pop() {
                // What the first goal left to be done, the probe's start as well, is the cold figure's.
                tokio::time::sleep(WARM_UP).await;
                for n in 1..places.len().min(args.moves + 1) {
                    // An edit moves the places behind it.
                    let Some((at, _)) = editor.text.match_indices(HOLE).nth(n) else { continue };
                    looks.push(look(&mut editor, way, at).await?);
                    tokio::time::sleep(STAY).await;
                }
                tokio::time::sleep(Duration::from_secs(2)).await;
                memory = editor.server_memory();
            }
            editor.close().await?;
        }
        anyhow::Ok(())
    })?;
    if let Some(kept) = &args.log {
        let log = dirs.log().join("serve.log");
        std::fs::copy(&log, kept)
            .with_context(|| format!("cannot copy `{}` to `{}`", log.display(), kept.display()))?;
    }
    print(args, &mut cold, &looks, memory);
    Ok(())
}

fn print(args: &Args, cold: &mut [f64], looks: &[Look], memory: Option<u64>) {
    let of = |way: Way| looks.iter().filter(move |l| l.way == way);
    let times = |way: Way| of(way).filter_map(|l| l.first.as_ref().map(|f| f.0)).collect::<Vec<f64>>();
    let cold_ms = quantile(cold, 0.5);
    if args.json {
        let ways: Vec<Value> = [Way::Moved, Way::Edited, Way::Asked]
            .into_iter()
            .map(|way| {
                let mut ms = times(way);
                json!({
                    "way": way.name(), "looks": of(way).count(), "answered": ms.len(),
                    "median_ms": quantile(&mut ms, 0.5), "p95_ms": quantile(&mut ms, 0.95),
                    "each": of(way).map(Look::json).collect::<Vec<_>>(),
                })
            })
            .collect();
        let pause = Settings::default().pause_ms;
        let out = json!({
            "cold_ms": cold_ms, "cold_sessions": cold.len(), "pause_ms": pause, "ways": ways,
            "idle_memory_bytes": memory,
        });
        anstream::println!("{out}");
        return;
    }
    let pause = Settings::default().pause_ms;
    anstream::println!("first verified suggestion at a goal, through `serve`");
    anstream::println!(
        "  cold          {cold_ms:>6.0} ms  median of {} sessions (the second Lean starts)",
        cold.len()
    );
    for way in [Way::Moved, Way::Edited, Way::Asked] {
        let mut ms = times(way);
        let (median, p95) = (quantile(&mut ms, 0.5), quantile(&mut ms, 0.95));
        let note = if way == Way::Asked { String::new() } else { format!(" (with the pause of {pause} ms)") };
        let name = way.name();
        anstream::println!(
            "  {name:13} {median:>6.0} ms  median, p95 {p95:.0} ms, {} of {} goals{note}",
            ms.len(),
            of(way).count()
        );
    }
    for l in looks {
        match &l.first {
            None => anstream::println!("    {}: nothing for `{}`", l.way.name(), l.theorem),
            Some((ms, s)) if *ms > SLOW_MS => anstream::println!(
                "    {}: {ms:.0} ms for `{}`, by {}: {}",
                l.way.name(),
                l.theorem,
                s.candidate.source.name(),
                s.candidate.tactic.lines().next().unwrap_or_default()
            ),
            Some(_) => {}
        }
    }
    match memory {
        Some(bytes) => {
            anstream::println!(
                "  memory        {:>6.0} MB  the sidecar alone, idle, bundle loaded",
                bytes as f64 / 1e6
            )
        }
        None => anstream::println!("  memory is not known on this platform"),
    }
}

impl Look {
    fn json(&self) -> Value {
        let first = self.first.as_ref();
        json!({
            "theorem": self.theorem, "ms": first.map(|f| f.0),
            "tactic": first.map(|f| &f.1.candidate.tactic), "source": first.map(|f| f.1.candidate.source),
        })
    }
}

/// Looks at the goal of a hole; the document may be edited for it.
async fn look(editor: &mut Editor, way: Way, at: usize) -> Result<Look> {
    let before = &editor.text[..at];
    let name = before.rfind("theorem ").and_then(|d| before[d..].split_whitespace().nth(1));
    let theorem = name.unwrap_or_default().to_owned();
    let started = Instant::now();
    let first = match way {
        Way::Asked => editor.first_suggestions(at).await?.suggestions.into_iter().next(),
        Way::Moved => editor.first_by_itself(None, at).await?,
        Way::Edited => {
            let place = position::position(&editor.text, at);
            // The same goal, and a document that Lean has not seen.
            let line = format!("skip\n{}", " ".repeat(place.character as usize));
            let range = lsp_types::Range::new(place, place);
            editor.first_by_itself(Some((range, &line)), at + line.len()).await?
        }
    };
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    Ok(Look { way, theorem, first: first.map(|s| (ms, s)) })
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
