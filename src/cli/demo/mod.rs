//! `lean-copilot demo`: an editor's whole session with `serve`, from the first goal to a better policy.
//!
//! Nothing of the proof stands here: the demo opens a file with an open proof, asks `serve`, takes what is
//! suggested best, and goes on until Lean says that the proof is complete.

mod hole;
mod play;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::editor::Editor;
use super::place::read_text;
use super::{Context, needs};
use crate::config::Dirs;
use crate::error::{Failure, FailureKind};
use crate::feedback::store::Store;
use crate::proof::Goal;
use hole::first_hole;
use play::{AcceptedRow, CandidateRow, Happening, Played, VerdictRow, play};

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nothing of yours is touched: the file is read and never written, and what is recorded and learnt goes into a
folder of the demo's own (removed at the end unless --keep is given). Only the downloads of the runtime are
kept, in the cache.

Examples:
  lean-copilot demo
  lean-copilot demo --file Mine.lean        the first theorem in it whose proof is `sorry` or empty
  lean-copilot demo --json > session.json")]
pub struct Args {
    /// A Lean file with an open proof [default: the shipped example]
    #[arg(long)]
    file: Option<PathBuf>,
    /// Keep the demo's folder, and say where it is.
    #[arg(long)]
    keep: bool,
    /// Most looks at a goal before the proof is given up.
    #[arg(long, default_value_t = 30)]
    looks: usize,
    /// Optimiser steps of the fine-tune.
    #[arg(long, default_value_t = 20)]
    steps: u64,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    goal: Option<Goal>,
    candidates: Vec<CandidateRow>,
    verdicts: Vec<VerdictRow>,
    accepted: Vec<AcceptedRow>,
    file_before: String,
    file_after: String,
    proof_complete: bool,
    feedback_rows: usize,
    finetune: Value,
    bundle_in_use: Option<String>,
    elapsed_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
}

/// Runs the command.
pub fn demo(args: Args, context: Context) -> Result<()> {
    let started = Instant::now();
    let shipped = context.dirs.share.join("examples/demo/Plus.lean");
    let file = std::path::absolute(args.file.clone().unwrap_or(shipped))?;
    let text = read(&file)?;
    let folder = file.parent().unwrap_or(Path::new("/"));
    needs::lean_and_policy(&context, folder)?;

    let own = tempfile::Builder::new().prefix("lean-copilot-demo-").tempdir()?;
    let dirs = Dirs::below(own.path(), context.dirs.share.clone(), context.dirs.cache.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(session(&args, &file, text, &dirs));
    let kept = match (args.keep, &report) {
        (true, _) => Some(own.keep()),
        (false, _) => None,
    };
    let mut report = report?;
    report.elapsed_ms = started.elapsed().as_secs_f64() * 1000.0;
    report.folder = kept;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        if let Some(folder) = &report.folder {
            anstream::println!("\nkept in `{}`", folder.display());
        }
        anstream::println!("\ndone in {:.0} s", report.elapsed_ms / 1000.0);
    }
    Ok(())
}

async fn session(args: &Args, file: &Path, text: String, dirs: &Dirs) -> Result<Report> {
    let say = |line: String| {
        if !args.json {
            anstream::println!("{line}");
        }
    };
    let bold = anstyle::Style::new().bold();
    let title = |t: &str| say(format!("\n{bold}{t}{bold:#}"));
    title(&format!("Opening {} through `lean-copilot serve`", file.display()));
    let mut editor = Editor::open(file, text.clone(), dirs).await?;
    if args.file.is_none() {
        // It would prove the example in one step, of which nobody sees how a proof comes about.
        editor.configure(&json!({"lookahead": false, "scope": false}))?;
        say("  (lookahead and scope are off for this example: they would prove it in one step)".to_owned());
    }
    let played = play(&mut editor, args.looks, |h| {
        for line in describe(&h) {
            say(line);
        }
    })
    .await?;
    let file_after = editor.text.clone();
    title(if played.proof_complete { "The proof is complete" } else { "The proof could not be completed" });
    say(changed_part(&text, &file_after));

    title("What was recorded");
    let feedback = recorded(&editor, dirs).await?;
    say(feedback.text.clone());

    title("Learning from it");
    let finetune = finetune(args, dirs)?;
    for (name, before, after) in
        [("loss", "loss_before", "loss_after"), ("held-out loss", "heldout_before", "heldout_after")]
    {
        say(format!("  {name}: {:.4} → {:.4}", number(&finetune, before), number(&finetune, after)));
    }
    say(format!(
        "  largest difference between trainer and ONNX Runtime: {:.1e}",
        number(&finetune, "parity_max_abs_diff")
    ));
    say(format!(
        "  {} → {}",
        finetune["bundle_before"].as_str().unwrap_or("none"),
        finetune["bundle"].as_str().unwrap_or("none")
    ));

    title("The running server with the new bundle");
    editor.revert(&text).await?;
    let bundle_in_use = bundle_in_use(&mut editor, dirs, finetune["bundle"].as_str()).await?;
    say(match &bundle_in_use {
        Some(bundle) => format!("  proposals now come from {bundle}, without a restart"),
        None => "  no proposal came from a bundle".to_owned(),
    });
    editor.close().await?;
    let Played { goal, candidates, verdicts, accepted, proof_complete } = played;
    Ok(Report {
        goal,
        candidates,
        verdicts,
        accepted,
        file_before: text,
        file_after,
        proof_complete,
        feedback_rows: feedback.rows,
        finetune,
        bundle_in_use,
        elapsed_ms: 0.0,
        folder: None,
    })
}

fn read(file: &Path) -> Result<String> {
    let name = file.display();
    let text = read_text(file)?;
    match first_hole(&text) {
        Some(_) => Ok(text),
        None => Err(Failure::new(FailureKind::Usage, format!("`{name}` has no open proof"))
            .hint("the demo wants a theorem whose proof is `sorry`, or a `by` with nothing behind it")
            .into()),
    }
}

/// A happening for people.
fn describe(happening: &Happening) -> Vec<String> {
    let (dim, good) = (anstyle::Style::new().dimmed(), anstyle::AnsiColor::Green.on_default());
    match happening {
        Happening::WentBack => vec!["  nothing more to try here: one step back".to_owned()],
        Happening::Took(row) => {
            vec![format!("  {good}took{good:#}  {}", row.tactic.replace('\n', "\n        "))]
        }
        Happening::Look { step, result } => {
            let goal = result.goal.as_ref().map_or("no goal", |g| g.text.as_str());
            let mut lines = vec![format!("\n{step}.")];
            lines.extend(goal.lines().map(|l| format!("  {l}")));
            for s in &result.suggestions {
                let sources: Vec<&str> = s.candidate.sources.iter().map(|s| s.name()).collect();
                let tactic = s.candidate.tactic.lines().next().unwrap_or("");
                lines.push(format!(
                    "    {good}✓{good:#} {tactic}  {dim}{} [{}]{dim:#}",
                    s.verdict.kind.name(),
                    sources.join(", ")
                ));
            }
            lines.push(format!(
                "    {dim}{} more were tried and are not shown, {:.1} s{dim:#}",
                result.tried.len(),
                result.elapsed_ms / 1000.0
            ));
            lines
        }
    }
}

/// The lines that differ, as they stand at the end.
fn changed_part(before: &str, after: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let tail = a[same..].iter().rev().zip(b[same..].iter().rev()).take_while(|(x, y)| x == y).count();
    let from = same.saturating_sub(1);
    b[from..b.len() - tail].iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")
}

fn number(report: &Value, key: &str) -> f64 {
    report[key].as_f64().unwrap_or(f64::NAN)
}

struct Feedback {
    rows: usize,
    text: String,
}

/// What the running server has recorded, read from the store as another process would.
async fn recorded(editor: &Editor, dirs: &Dirs) -> Result<Feedback> {
    // The answer to a request comes behind all that was handed to the store before it.
    let stats = editor.feedback(json!({"kind": "stats"})).await?;
    let store = Store::open(&Store::path_in(dirs))?;
    let rounds = store.list(&Default::default())?;
    let rows = rounds.iter().map(|r| r.round.candidates.len()).sum();
    let mut lines =
        vec![format!("  {} looks at goals, {rows} candidates with Lean's verdicts", rounds.len())];
    let mut counts = std::collections::BTreeMap::new();
    for o in rounds.iter().flat_map(|r| &r.outcomes) {
        *counts.entry(o.kind.name()).or_insert(0) += 1;
    }
    let counts: Vec<String> = counts.into_iter().map(|(k, n)| format!("{n} {k}")).collect();
    lines.push(format!("  outcomes: {}", if counts.is_empty() { "none".into() } else { counts.join(", ") }));
    tracing::debug!("stats: {stats}");
    Ok(Feedback { rows, text: lines.join("\n") })
}

/// Runs `lean-copilot finetune` on what was recorded, as a person would.
fn finetune(args: &Args, dirs: &Dirs) -> Result<Value> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["finetune", "--json", "--name", "demo", "--steps", &args.steps.to_string()]);
    // The demo shows that it learns; what beams find is told by `finetune` itself.
    command.args(["--beam-rows", "0"]);
    if args.json {
        command.args(["--progress", "none"]);
    }
    for (key, dir) in [
        ("CONFIG", &dirs.config),
        ("DATA", &dirs.data),
        ("CACHE", &dirs.cache),
        ("STATE", &dirs.state),
        ("SHARE", &dirs.share),
    ] {
        command.env(format!("LEAN_COPILOT_{key}_DIR"), dir);
    }
    let output =
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot run `finetune`")?;
    if !output.status.success() {
        return Err(Failure::new(FailureKind::Other, "the fine-tune failed").into());
    }
    serde_json::from_slice(&output.stdout).context("`finetune --json` printed something else than its report")
}

/// The bundle that the server's newest proposals came from; asks again until it is `wanted`, for the server
/// looks for a new bundle when it is asked.
async fn bundle_in_use(editor: &mut Editor, dirs: &Dirs, wanted: Option<&str>) -> Result<Option<String>> {
    let at = first_hole(&editor.text).context("the file has an open proof")?;
    let mut newest = None;
    for _ in 0..3 {
        editor.suggest(at, 8, Duration::from_secs(20)).await?;
        editor.feedback(json!({"kind": "stats"})).await?;
        let store = Store::open(&Store::path_in(dirs))?;
        let mut rounds = store.list(&Default::default())?;
        rounds.sort_by_key(|r| r.round.time_ms);
        newest = rounds.pop().and_then(|r| r.round.bundle);
        if newest.as_deref() == wanted {
            break;
        }
    }
    Ok(newest)
}
