//! `lean-copilot finetune`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{Failure, FailureKind};
use crate::feedback::export;
use crate::feedback::store::Store;
use crate::policy::bundle;
use crate::runtime::progress::for_stderr;
use crate::runtime::{Component, install, locate};
use crate::train::dataset::{HeldOut, LabelledRow, read_lines, read_steps};
use crate::train::learn::{Event, Knobs, Until};
use crate::train::objective::Objective;
use crate::train::tokens::Amount;
use crate::train::{Base, Finetune, FinetuneReport, Shape, checkpoint_file};

/// How progress is told on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressKind {
    /// A bar on a terminal, a line now and then elsewhere.
    Text,
    /// One JSON object a line.
    Json,
    /// Nothing.
    None,
}

/// Arguments of `finetune`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  lean-copilot finetune                                  learn from what was recorded
  lean-copilot finetune --objective sft --data mine.jsonl --minutes 10
  lean-copilot finetune --from scratch --objective sft --minutes 20 --name mine
  lean-copilot finetune --from scratch --data steps.jsonl --write-dataset tokens/   train elsewhere")]
pub struct Args {
    /// Bundle to start from (a name or a folder), or `scratch`. Default: the bundle in use.
    #[arg(long, value_name = "BUNDLE")]
    from: Option<String>,
    /// What is minimised. Default: `kto` where there is feedback to learn from, `sft` with `--from scratch`.
    #[arg(long)]
    objective: Option<Objective>,
    /// Steps written by `lean-copilot trace`. Default: the shipped examples.
    #[arg(long, value_name = "STEPS.jsonl", num_args = 1..)]
    data: Vec<PathBuf>,
    /// Steps to measure by. Default: the shipped held-out examples.
    #[arg(long, value_name = "STEPS.jsonl", num_args = 1..)]
    held_out: Vec<PathBuf>,
    /// Judged tactics to learn from instead of the feedback store (`export-feedback --format kto`).
    #[arg(long, value_name = "KTO.jsonl")]
    feedback: Option<PathBuf>,
    /// Name of the new bundle. Default: `tuned`.
    #[arg(long, default_value = "tuned")]
    name: String,
    /// Folder for the new bundle; it is then not put into use. Default: the user's models.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Stop after this many optimiser steps.
    #[arg(long, group = "until")]
    steps: Option<u64>,
    /// Stop after this many passes over the data.
    #[arg(long, group = "until")]
    epochs: Option<f64>,
    /// Stop after this much time.
    #[arg(long, group = "until")]
    minutes: Option<f64>,
    /// Highest learning rate. Default: 1e-3 from scratch, 5e-5 from a bundle.
    #[arg(long)]
    lr: Option<f64>,
    /// Tokens of an optimiser step.
    #[arg(long)]
    batch_tokens: Option<usize>,
    /// Threads (default: one per core, at most 8).
    #[arg(long)]
    threads: Option<usize>,
    /// KTO: how closely the policy stays with its base.
    #[arg(long, default_value_t = 0.1)]
    beta: f64,
    /// KTO: weight of the supervised rehearsal.
    #[arg(long, default_value_t = 1.0)]
    rehearsal: f64,
    /// Weight of predicting the goal as well. Default: 0.1 from scratch, 0 from a bundle.
    #[arg(long)]
    prompt_weight: Option<f64>,
    /// Probability that an example's local names are changed in a pass.
    #[arg(long)]
    rename: Option<f64>,
    /// Probability that an example's constants are renamed in a pass.
    #[arg(long)]
    rename_constants: Option<f64>,
    /// Decoupled weight decay.
    #[arg(long)]
    weight_decay: Option<f64>,
    /// Share of hidden values dropped in training. Default: 0.1 from scratch, 0 from a bundle.
    #[arg(long)]
    dropout: Option<f64>,
    /// Most held-out steps that are evaluated, evenly chosen; 0 means all.
    #[arg(long)]
    held_out_rows: Option<usize>,
    /// Order, names and fresh weights follow from it.
    #[arg(long)]
    seed: Option<u64>,
    /// From scratch: entries of the vocabulary.
    #[arg(long, default_value_t = Shape::default().vocab)]
    vocab: usize,
    /// From scratch: width.
    #[arg(long, default_value_t = Shape::default().hidden)]
    hidden: usize,
    /// From scratch: blocks.
    #[arg(long, default_value_t = Shape::default().layers)]
    layers: usize,
    /// From scratch: attention heads.
    #[arg(long, default_value_t = Shape::default().heads)]
    heads: usize,
    /// From scratch: heads of keys and values. Default: as many as heads.
    #[arg(long)]
    kv_heads: Option<usize>,
    /// From scratch: width of the gated MLP.
    #[arg(long, default_value_t = Shape::default().mlp)]
    mlp: usize,
    /// Held-out steps to decode at the end with a beam of 8; 0: none.
    #[arg(long, default_value_t = 100)]
    beam_rows: usize,
    /// Where to train: `cpu`, or a GPU backend that the program was built with.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Go on with the interrupted run of this name.
    #[arg(long)]
    resume: bool,
    /// Put the new bundle into use even if the held-out loss rose.
    #[arg(long = "use", conflicts_with = "no_use")]
    use_: bool,
    /// Do not put the new bundle into use.
    #[arg(long)]
    no_use: bool,
    /// Write the list of all declarations of these traced steps (for `examples/heldout.json`) and stop.
    #[arg(long, value_name = "STEPS.jsonl")]
    list_held_out: Option<PathBuf>,
    /// Write the examples as token ids for a trainer elsewhere (`scripts/train_torch.py`), and stop.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    write_dataset: Option<PathBuf>,
    /// With `--write-dataset`: how often each step is written, each time under other names.
    #[arg(long, default_value_t = 8, requires = "write_dataset")]
    passes: u64,
    /// With `--write-dataset`: one step in so many is kept to choose among runs by, in whole files where there are
    /// several, else in whole declarations; 0 keeps none.
    #[arg(long, default_value_t = 25, requires = "write_dataset")]
    validation_one_in: u64,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// How progress is told on stderr.
    #[arg(long, value_enum, default_value_t = ProgressKind::Text)]
    progress: ProgressKind,
}

/// Runs the command.
pub fn finetune(args: Args, context: super::Context) -> Result<()> {
    if let Some(file) = &args.list_held_out {
        let list = HeldOut::of(&read_steps(&[file])?);
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(());
    }
    if let Some(folder) = &args.write_dataset {
        return write_dataset(&args, folder, &context);
    }
    // The new bundle is compared with what ONNX Runtime computes: better missing now than after training.
    let progress = for_stderr(args.progress == ProgressKind::Json);
    install::ensure(&context.dirs, &[Component::OnnxRuntime], context.offline, &*progress)?;
    let mut job = job(&args, &context)?;
    job.ort_library = locate::onnxruntime(&context.dirs)?;
    let stop = on_interrupt()?;
    let mut progress = Progress::new(args.progress);
    let finished = job.run(&stop, &mut |event| progress.tell(&event));
    progress.finish();
    let finished = finished?;
    let mut report = finished.report;
    let wanted = (finished.good || args.use_) && !args.no_use && args.out.is_none();
    if wanted {
        bundle::activate(&context.dirs, &args.name)?;
        report.in_use = true;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print_report(&report);
    }
    if !finished.good {
        let rise = 100.0 * (report.heldout_after / report.heldout_before - 1.0);
        let done = if report.in_use { "it is in use all the same" } else { "it is not put into use" };
        anstream::eprintln!("warning: the held-out loss rose by {rise:.1} %; {done}");
        if !report.in_use {
            anstream::eprintln!("hint: `--use` puts it into use, a lower `--lr` changes less");
        }
    }
    Ok(())
}

/// `--write-dataset`.
fn write_dataset(args: &Args, folder: &Path, context: &super::Context) -> Result<()> {
    if args.objective == Some(Objective::Kto) {
        return Err(Failure::new(FailureKind::Usage, "only supervised examples are written as tokens")
            .hint("`lean-copilot export-feedback --format kto` writes judged tactics")
            .into());
    }
    let mut job = job(&Args { objective: Some(Objective::Sft), ..args.clone() }, context)?;
    job.knobs = knobs(args, matches!(job.base, Base::Scratch(_)), Objective::Sft);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let amount = Amount {
        passes: args.passes.max(1),
        validation_one_in: args.validation_one_in,
        threads: args.threads.unwrap_or(cores),
    };
    let m = job.write_tokens(folder, amount)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&m)?);
        return Ok(());
    }
    println!("data set      {}", display(&m.folder));
    println!("steps         {} of {} declarations, {} times", m.steps, m.declarations, m.passes);
    for (name, (rows, tokens)) in ["train", "validation", "held out"].iter().zip(m.rows.iter().zip(m.tokens))
    {
        println!("{name:13} {rows} examples, {tokens} tokens");
    }
    println!("model         {:.2} M parameters", m.parameters as f64 / 1e6);
    Ok(())
}

/// From arguments to a job: files are read here.
fn job(args: &Args, context: &super::Context) -> Result<Finetune> {
    let examples = context.dirs.share.join("examples");
    let scratch = args.from.as_deref() == Some("scratch");
    let base = if scratch {
        Base::Scratch(Shape {
            vocab: args.vocab,
            hidden: args.hidden,
            layers: args.layers,
            heads: args.heads,
            kv_heads: args.kv_heads.unwrap_or(args.heads),
            mlp: args.mlp,
        })
    } else {
        let wanted = args.from.as_deref().or(context.settings.bundle.as_deref());
        Base::Bundle(bundle::resolve(&context.dirs, wanted)?)
    };
    let objective = args.objective.unwrap_or(if scratch { Objective::Sft } else { Objective::Kto });
    let data = if args.data.is_empty() { vec![examples.join("steps.jsonl")] } else { args.data.clone() };
    let measured = examples.join("heldout/steps.jsonl");
    let held_out = match (args.held_out.is_empty(), measured.is_file()) {
        (false, _) => args.held_out.clone(),
        (true, true) => vec![measured],
        (true, false) => Vec::new(),
    };
    let list = examples.join("heldout.json");
    let judged: Vec<LabelledRow> = match (&args.feedback, objective) {
        (Some(file), _) => read_lines(file, "`lean-copilot export-feedback` writes such files")?,
        (None, Objective::Kto) => recorded(context)?,
        (None, Objective::Sft) => Vec::new(),
    };
    let target = args.out.clone().unwrap_or_else(|| bundle::user_bundles(&context.dirs).join(&args.name));
    Ok(Finetune {
        base,
        knobs: knobs(args, scratch, objective),
        steps: read_steps(&data)?,
        held_out: read_steps(&held_out)?,
        held_out_list: if list.is_file() { HeldOut::read(&list)? } else { HeldOut::default() }
            .with_projects(&examples.join("heldout-projects.json"))?,
        judged,
        name: args.name.clone(),
        target,
        checkpoint: checkpoint_file(&context.dirs.data, &args.name),
        beam_rows: args.beam_rows,
        resume: args.resume,
        device: args.device.clone(),
        // Only a run needs it.
        ort_library: PathBuf::new(),
    })
}

fn knobs(args: &Args, scratch: bool, objective: Objective) -> Knobs {
    let mut k = Knobs { objective, ..Knobs::default() };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    k.shards = args.threads.unwrap_or(cores.min(8)).max(1);
    k.until = match (args.steps, args.epochs, args.minutes) {
        (Some(n), _, _) => Until::Steps(n),
        (_, Some(e), _) => Until::Epochs(e),
        (_, _, Some(m)) => Until::Minutes(m),
        _ if scratch => Until::Minutes(20.0),
        _ => Until::Epochs(if objective == Objective::Kto { 8.0 } else { 2.0 }),
    };
    if !scratch {
        k.prompt_weight = 0.0;
        k.dropout = 0.0;
        k.optimizer.lr = 5e-5;
        k.optimizer.warmup = 5;
        k.optimizer.weight_decay = 0.01;
    }
    k.kto.beta = args.beta;
    k.rehearsal = args.rehearsal;
    k.optimizer.lr = args.lr.unwrap_or(k.optimizer.lr);
    k.optimizer.weight_decay = args.weight_decay.map_or(k.optimizer.weight_decay, |w| w as f32);
    k.prompt_weight = args.prompt_weight.unwrap_or(k.prompt_weight);
    k.batch_tokens = args.batch_tokens.unwrap_or(k.batch_tokens).max(64);
    k.rename.locals = args.rename.unwrap_or(k.rename.locals).clamp(0.0, 1.0);
    k.rename.constants = args.rename_constants.unwrap_or(k.rename.constants).clamp(0.0, 1.0);
    k.eval_rows = match args.held_out_rows {
        Some(0) => usize::MAX,
        rows => rows.unwrap_or(k.eval_rows),
    };
    k.dropout = args.dropout.unwrap_or(k.dropout).clamp(0.0, 0.9);
    k.seed = args.seed.unwrap_or(k.seed);
    k
}

/// The judged tactics of the feedback store, all of them: what is measured by is held out elsewhere.
fn recorded(context: &super::Context) -> Result<Vec<LabelledRow>> {
    let path = Store::path_in(&context.dirs);
    let rows = match path.is_file() {
        true => {
            export::kto(&Store::open(&path)?, &export::Options { test_fraction: 0.0, ..Default::default() })?
        }
        false => Vec::new(),
    };
    if rows.is_empty() {
        return Err(Failure::new(FailureKind::Usage, "there is no feedback to learn from yet")
            .hint(
                "prove something through `lean-copilot serve`, give rows with `--feedback FILE`, or learn from \
                 steps with `--objective sft`",
            )
            .into());
    }
    let row = |r: export::KtoRow| LabelledRow { prompt: r.prompt, completion: r.completion, label: r.label };
    Ok(rows.into_iter().map(row).collect())
}

/// A flag that Ctrl-C sets; a second Ctrl-C ends the program at once.
fn on_interrupt() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("signals")?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                if flag.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(FailureKind::Interrupted.exit_code()));
                }
                anstream::eprintln!("saving; press Ctrl-C again to stop at once");
            }
        });
    });
    Ok(stop)
}

fn print_report(r: &FinetuneReport) {
    println!("bundle        {} ({})", r.bundle, display(&r.path));
    println!("learnt from   {} rows, {} steps, {:.0} tokens/s", r.rows, r.steps, r.tokens_per_second);
    println!("loss          {:.4} → {:.4}", r.loss_before, r.loss_after);
    println!("held out      {:.4} → {:.4} ({} steps)", r.heldout_before, r.heldout_after, r.heldout_steps);
    if let Some(b) = &r.heldout_beams {
        let (first, among) = (100.0 * b.exact_at_1, 100.0 * b.exact_at_8);
        println!(
            "beam of 8     author's tactic first {first:.1} %, among 8 {among:.1} % ({} steps)",
            b.steps
        );
    }
    println!("parity        {:.1e} (largest difference of a logit)", r.parity_max_abs_diff);
    println!("in use        {}", if r.in_use { "yes" } else { "no" });
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

/// Progress on stderr.
struct Progress {
    kind: ProgressKind,
    bar: Option<ProgressBar>,
    last: std::time::Instant,
}

impl Progress {
    fn new(kind: ProgressKind) -> Progress {
        let bar = (kind == ProgressKind::Text && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:30} {percent:>3} % {msg}");
            ProgressBar::new(1000).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Progress { kind, bar, last: std::time::Instant::now() }
    }

    fn tell(&mut self, event: &Event) {
        if self.kind == ProgressKind::None {
            return;
        }
        if self.kind == ProgressKind::Json {
            if let Ok(line) = serde_json::to_string(event) {
                anstream::eprintln!("{line}");
            }
            return;
        }
        let text = match event {
            Event::Step { step, done, loss, lr, tokens_per_second, seconds_left, .. } => {
                let text = format!(
                    "step {step}  loss {loss:.3}  lr {lr:.1e}  {tokens_per_second:.0} tokens/s  {} left",
                    clock(*seconds_left)
                );
                if let Some(bar) = &self.bar {
                    bar.set_position((done * 1000.0) as u64);
                    bar.set_message(text);
                    return;
                }
                // Without a terminal a line every few seconds is enough.
                if self.last.elapsed().as_secs() < 10 {
                    return;
                }
                self.last = std::time::Instant::now();
                text
            }
            Event::Evaluated { step, evaluation: e } => format!(
                "step {step}  held-out loss {:.3}, tokens right {:.1} %, tactics exact {:.1} %",
                e.loss,
                100.0 * e.token_accuracy,
                100.0 * e.exact
            ),
            Event::Note { message } => message.clone(),
            Event::Saved { .. } => return,
        };
        match &self.bar {
            Some(bar) => bar.println(text),
            None => anstream::eprintln!("{text}"),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn clock(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    format!("{}:{:02}", s / 60, s % 60)
}
