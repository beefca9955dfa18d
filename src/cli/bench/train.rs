//! `lean-copilot bench train`: tokens a second of the trainer, beside PyTorch on the same model and batches.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::cli::Context;
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::{self, Bundle, LlamaConfig};
use crate::policy::tokenizer::SpecialIds;
use crate::policy::weights::Weights;
use crate::train::Shape;
use crate::train::compute::Engine;
use crate::train::dataset::{self, HeldOut, read_steps};
use crate::train::learn::{Knobs, Shard, device};
use crate::train::model::{Llama, initial};
use crate::train::optimizer::Optimizer;
use crate::train::stream::{Data, Stream};

/// Arguments of `bench train`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lean-copilot bench train
  lean-copilot bench train --shape 5x256 --engine native,burn --threads 1,2
  lean-copilot bench train --beside-python python3         PyTorch, on the same batches and weights")]
pub struct Args {
    /// Shape of the model, with fresh weights.
    #[arg(long, value_name = "LAYERSxHIDDEN", default_value = "6x384")]
    shape: String,
    /// What computes the gradients, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "native")]
    engine: Vec<Kind>,
    /// Numbers of threads to measure; a step has a shard for each.
    #[arg(long, value_delimiter = ',', default_value = "2")]
    threads: Vec<usize>,
    /// Tokens of a step, padding included.
    #[arg(long, default_value_t = 4096)]
    batch_tokens: usize,
    /// Steps after one for warming up; the median counts.
    #[arg(long, default_value_t = 8)]
    steps: usize,
    /// Weight of predicting the prompt as well; 0 leaves its tokens out of the vocabulary's product.
    #[arg(long, default_value_t = Knobs::default().prompt_weight)]
    prompt_weight: f64,
    /// Train the same model on the same batches with PyTorch in the same run, with this interpreter
    /// (`scripts/bench_torch.py`), and compare the losses.
    #[arg(long, value_name = "PYTHON")]
    beside_python: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// What computes the gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// What `finetune` uses on the CPU.
    Native,
    /// burn's tensors with a graph, what `finetune` uses on a GPU.
    Burn,
}

/// One measurement.
struct Measured {
    tokens_per_second: f64,
    /// Share of the time that the optimiser took.
    optimizer_share: f64,
    losses: Vec<f64>,
}

/// The learning rate: small, so that the losses of two trainers stay comparable.
const LR: f64 = 1e-4;

/// Runs the benchmark.
pub fn train(args: &Args, context: &Context) -> Result<()> {
    let wanted = context.settings.bundle.as_deref();
    let tokenizer = Bundle::open(&bundle::resolve(&context.dirs, wanted)?)?.tokenizer;
    let steps = read_steps(&[context.dirs.share.join("examples/steps.jsonl")])?;
    let limits = Default::default();
    let config = shape(&args.shape)?.config(&tokenizer, limits)?;
    // Rounded as they are written for PyTorch.
    let mut weights = initial(&config, 1);
    weights.round();
    let special = tokenizer.special();
    let data = Data {
        steps: dataset::collect(&steps, &HeldOut::default())?.0,
        judged: Vec::new(),
        held_out: Vec::new(),
        pad: special.pad,
        tokenizer,
        limits,
    };
    for &threads in &args.threads {
        let knobs = Knobs {
            batch_tokens: args.batch_tokens,
            shards: threads.max(1),
            prompt_weight: args.prompt_weight,
            dropout: 0.0,
            ..Knobs::default()
        };
        let mut stream = Stream::default();
        let batches: Vec<Vec<Shard>> =
            (0..=args.steps.max(1)).map(|_| stream.next_step(&data, &knobs)).collect::<Result<_>>()?;
        let mut best: Option<Measured> = None;
        for &kind in &args.engine {
            let m = measure(&config, &weights, &batches, &knobs, kind)?;
            let name = format!("{kind:?}").to_lowercase();
            if args.json {
                let line = json!({
                    "engine": name, "parameters": config.parameters(), "threads": threads,
                    "batch_tokens": args.batch_tokens, "tokens_per_second": m.tokens_per_second,
                    "optimizer_share": m.optimizer_share, "losses": m.losses,
                });
                anstream::println!("{line}");
            } else {
                anstream::println!(
                    "{name}, {:.1} M parameters, {threads} threads, steps of {} tokens: {:.0} tokens/s, {:.0} % of \
                     the time in the optimiser",
                    config.parameters() as f64 / 1e6,
                    args.batch_tokens,
                    m.tokens_per_second,
                    100.0 * m.optimizer_share
                );
            }
            if best.as_ref().is_none_or(|b| m.tokens_per_second > b.tokens_per_second) {
                best = Some(m);
            }
        }
        if let (Some(python), Some(ours)) = (&args.beside_python, best) {
            let model = (&config, &weights, special);
            beside_python(args, context, python, model, &batches, threads, &ours)?;
        }
    }
    Ok(())
}

/// Times steps of one engine from fresh weights.
fn measure(
    config: &LlamaConfig,
    weights: &Weights,
    batches: &[Vec<Shard>],
    knobs: &Knobs,
    kind: Kind,
) -> Result<Measured> {
    let mut model = Llama::new(config, weights, &device("cpu")?)?;
    let mut optimizer = Optimizer::new(&knobs.optimizer, model.tensors().len());
    let (mut speeds, mut losses) = (Vec::new(), Vec::new());
    let (mut all, mut optimizing) = (0.0, 0.0);
    for (i, shards) in batches.iter().enumerate() {
        let begin = Instant::now();
        let engine = match kind {
            Kind::Native => Engine::native(&model)?,
            Kind::Burn => Engine::burn(&model),
        };
        let (loss, gradients) = engine.step(shards, knobs, i as u64)?;
        let before = begin.elapsed().as_secs_f64();
        optimizer.step(&mut model, gradients, LR)?;
        let seconds = begin.elapsed().as_secs_f64();
        losses.push(loss);
        if i > 0 {
            speeds.push(shards.iter().map(Shard::tokens).sum::<u64>() as f64 / seconds);
            (all, optimizing) = (all + seconds, optimizing + seconds - before);
        }
    }
    speeds.sort_by(f64::total_cmp);
    Ok(Measured { tokens_per_second: speeds[speeds.len() / 2], optimizer_share: optimizing / all, losses })
}

/// `6x384` → six layers of width 384 with heads of 64 and an MLP of 8/3 of the width.
fn shape(text: &str) -> Result<Shape> {
    let number = |t: &str| t.parse::<usize>().ok();
    let parsed = text.split_once('x').and_then(|(l, h)| Some((number(l)?, number(h)?)));
    match parsed {
        Some((layers, hidden)) if layers > 0 && hidden >= 64 && hidden % 64 == 0 => {
            let (heads, mlp) = (hidden / 64, (hidden * 8 / 3).next_multiple_of(64));
            Ok(Shape { hidden, layers, heads, kv_heads: heads, mlp, ..Shape::default() })
        }
        _ => Err(Failure::new(FailureKind::Usage, format!("`{text}` is no shape"))
            .hint("for example `6x384`: layers and width, a multiple of 64")
            .into()),
    }
}

/// The same steps in PyTorch; a line with its speed, ours over it, and how far apart the losses are.
fn beside_python(
    args: &Args,
    context: &Context,
    python: &Path,
    (config, weights, special): (&LlamaConfig, &Weights, SpecialIds),
    batches: &[Vec<Shard>],
    threads: usize,
    ours: &Measured,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("model.safetensors"), weights.to_safetensors()?)?;
    let job = json!({ "config": config.to_json(special), "lr": LR, "batches": batches_json(batches)? });
    std::fs::write(folder.path().join("batches.json"), serde_json::to_vec(&job)?)?;
    let script = context.dirs.share.join("scripts/bench_torch.py");
    let out = Command::new(python)
        .arg(&script)
        .arg(folder.path())
        .args(["--threads", &threads.to_string()])
        .output()
        .with_context(|| format!("`{}` cannot be run", python.display()))?;
    if !out.status.success() {
        let message = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        return Err(Failure::new(FailureKind::Other, format!("`{}` failed: {message}", script.display()))
            .hint("it needs `torch`, `numpy` and `safetensors`")
            .into());
    }
    let mut line: Value = serde_json::from_slice(&out.stdout).context("what the script printed")?;
    let theirs = line["tokens_per_second"].as_f64().unwrap_or(f64::NAN);
    let losses = line["losses"].as_array().cloned().unwrap_or_default();
    let apart = |(a, b): (&f64, &Value)| (a - b.as_f64().unwrap_or(f64::NAN)).abs() / a.abs();
    let worst = ours.losses.iter().zip(&losses).map(apart).fold(0.0f64, |w, d| if d > w { d } else { w });
    anyhow::ensure!(losses.len() == ours.losses.len(), "the script took other steps");
    line["ratio"] = json!(ours.tokens_per_second / theirs);
    line["losses_apart"] = json!(worst);
    if args.json {
        anstream::println!("{line}");
    } else {
        let version = line["torch"].as_str().unwrap_or_default();
        anstream::println!(
            "PyTorch {version}, {threads} threads: {theirs:.0} tokens/s; ours is {:.2} times that; losses apart by at \
             most {worst:.1e} of their value",
            ours.tokens_per_second / theirs
        );
    }
    Ok(())
}

/// The shards of each step as one table, as PyTorch computes best: its threads share every operation.
fn batches_json(batches: &[Vec<Shard>]) -> Result<Vec<Value>> {
    let one = |shards: &Vec<Shard>| {
        let mut tables = Vec::new();
        for shard in shards {
            let Shard::Supervised { table, weights } = shard else { anyhow::bail!("a step of KTO") };
            tables.push((&table.batch, weights));
        }
        let width = tables.iter().map(|(b, _)| b.width).max().unwrap_or(0);
        let (mut tokens, mut places) = (Vec::new(), Vec::new());
        let (mut targets, mut all) = (Vec::<u32>::new(), Vec::<f32>::new());
        for (batch, weights) in tables {
            let first = tokens.len();
            for row in batch.tokens.chunks_exact(batch.width) {
                let mut row = row.to_vec();
                row.resize(width, 0);
                tokens.push(row);
            }
            let w = batch.width;
            places.extend(batch.places.iter().map(|&p| (first + p as usize / w) * width + p as usize % w));
            targets.extend(&batch.targets);
            all.extend(weights);
        }
        let real: u64 = shards.iter().map(Shard::tokens).sum();
        Ok(json!({ "tokens": tokens, "places": places, "targets": targets, "weights": all, "real": real }))
    };
    batches.iter().map(one).collect()
}
