//! `lean-copilot bench policy`: time from a goal's tokens to K candidates.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::ValueEnum as _;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::cli::{Context, needs};
use crate::config::DeviceChoice;
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::{self, Bundle, BundleWriter, Family, LlamaConfig};
use crate::policy::prompt::{self, Limits};
use crate::policy::sampling::{GenerationParams, Method};
use crate::policy::session::{Cancel, Compute, PolicySession};
use crate::policy::tokenizer::Tokenizer;
use crate::policy::weights::Weights;
use crate::proof::Goal;
use crate::runtime::locate;
use crate::train::dataset::read_steps;

/// Arguments of `bench policy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A bundle (name or folder); by default the one in use.
    #[arg(long, conflicts_with = "shape")]
    bundle: Option<String>,
    /// Instead of a bundle, random weights of this shape which never end a tactic: the longest time that a
    /// model of this size can take.
    #[arg(long, value_name = "LAYERSxHIDDEN")]
    shape: Option<String>,
    /// Where and how to compute, separated by commas. Default: `cpu-int8,cpu`; `cpu` for an exported graph.
    #[arg(long, value_delimiter = ',')]
    device: Vec<Engine>,
    /// Compare logits and candidates of the other engines with `cpu` on some held-out goals.
    #[arg(long, conflicts_with = "shape")]
    compare: bool,
    /// Time a plain loop of Python's `onnxruntime` on the same graph in the same run, with this interpreter
    /// (`scripts/plain_loop.py`).
    #[arg(long, value_name = "PYTHON", conflicts_with = "shape")]
    beside_python: Option<PathBuf>,
    /// Numbers of threads to measure on the CPU.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,
    /// Candidates.
    #[arg(long, default_value_t = 8)]
    k: usize,
    /// Longest candidate, in tokens.
    #[arg(long, default_value_t = 24)]
    tokens: usize,
    /// Length of the prompt with `--shape`, in tokens.
    #[arg(long, default_value_t = 96)]
    prompt: usize,
    /// Runs after one for warming up; the median counts.
    #[arg(long, default_value_t = 20)]
    runs: usize,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Where and how to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Engine {
    /// What `serve` uses: CUDA where it works, otherwise the CPU with weights of 8 bits.
    Auto,
    /// The CPU in single precision.
    Cpu,
    /// The CPU with weights of 8 bits.
    CpuInt8,
    /// CUDA in half precision.
    Cuda,
}

impl Engine {
    /// As on the command line.
    fn name(self) -> String {
        self.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
    }

    fn load(self, bundle: &Bundle, place: &Place, threads: Option<usize>) -> Result<PolicySession> {
        let (library, cache) = (&place.library, &place.cache);
        match self {
            Engine::Auto => PolicySession::load_fast(bundle, library, cache, DeviceChoice::Auto, threads),
            Engine::Cpu => PolicySession::open(bundle, library, Compute::Cpu, threads),
            Engine::CpuInt8 => PolicySession::open_int8(bundle, library, cache, threads),
            Engine::Cuda => PolicySession::open(bundle, library, Compute::Cuda, threads),
        }
    }
}

/// What sessions are loaded with.
struct Place {
    library: PathBuf,
    cache: PathBuf,
}

/// Runs the benchmark.
pub fn policy(mut args: Args, context: Context) -> Result<()> {
    needs::policy(&context)?;
    let folder = tempfile::tempdir()?;
    let place = Place {
        library: locate::onnxruntime(&context.dirs)?,
        // A model that lives as long as this run leaves nothing behind.
        cache: if args.shape.is_some() { folder.path().to_owned() } else { context.dirs.cache.clone() },
    };
    let (bundle, prompt) = match &args.shape {
        Some(shape) => {
            let bundle = random_bundle(shape, &folder.path().join("random"))?;
            let prompt = (0..args.prompt.max(2) as u32).map(|i| 4 + i * 7 % 250).collect();
            (bundle, prompt)
        }
        None => {
            let wanted = args.bundle.as_deref().or(context.settings.bundle.as_deref());
            let bundle = Bundle::open(&bundle::resolve(&context.dirs, wanted)?)?;
            let goal = Goal::parse(
                "xs ys : List Nat\nh : xs.length = ys.length\n⊢ (xs ++ ys).length = 2 * xs.length",
            );
            let prompt = prompt::encode(&bundle.tokenizer, &goal, bundle.limits());
            (bundle, prompt)
        }
    };
    let ours = bundle.llama().is_ok();
    if args.device.is_empty() {
        args.device = if ours { vec![Engine::CpuInt8, Engine::Cpu] } else { vec![Engine::Cpu] };
    }
    if !ours && (args.beside_python.is_some() || args.device.contains(&Engine::CpuInt8)) {
        let message = format!("`{}` is an exported graph", bundle.id());
        return Err(Failure::new(FailureKind::Usage, message)
            .hint("it has its own precision, and the plain loop reads graphs of ours: use `--device cpu`, `cuda` or `auto`")
            .into());
    }
    let mut measured = Vec::new();
    for engine in &args.device {
        // A GPU's speed does not hang on the CPU's threads.
        let counted = if *engine == Engine::Cuda { 1 } else { args.threads.len() };
        for threads in args.threads.iter().take(counted) {
            let ms = measure(&args, &bundle, &place, *engine, *threads, &prompt)?;
            measured.push((*engine, *threads, ms));
        }
    }
    if let Some(python) = &args.beside_python {
        for threads in &args.threads {
            let ours = measured.iter().filter(|(e, t, _)| t == threads && *e != Engine::Cuda);
            let ours: Vec<(Engine, f64)> = ours.map(|(e, _, ms)| (*e, *ms)).collect();
            beside_python(&args, &context, &bundle, python, *threads, &ours)?;
        }
    }
    if args.compare {
        for engine in args.device.iter().filter(|e| **e != Engine::Cpu) {
            compare(&args, &context, &bundle, &place, *engine)?;
        }
    }
    Ok(())
}

/// Times a plain loop in Python, in single precision; `ours`: the medians of ours with as many threads, in milliseconds.
fn beside_python(
    args: &Args,
    context: &Context,
    bundle: &Bundle,
    python: &Path,
    threads: usize,
    ours: &[(Engine, f64)],
) -> Result<()> {
    let script = context.dirs.share.join("scripts/plain_loop.py");
    let numbers = [threads, args.k, args.tokens, args.runs].map(|n| n.to_string());
    let out = Command::new(python)
        .arg(&script)
        .arg(&bundle.dir)
        .args(["--threads", &numbers[0], "--k", &numbers[1], "--tokens", &numbers[2], "--runs", &numbers[3]])
        .output()
        .with_context(|| format!("`{}` cannot be run", python.display()))?;
    if !out.status.success() {
        let message = String::from_utf8_lossy(&out.stderr).trim().to_owned();
        return Err(Failure::new(FailureKind::Other, format!("`{}` failed: {message}", script.display()))
            .hint("it needs `onnxruntime`, `numpy` and `tokenizers`")
            .into());
    }
    let mut line: Value = serde_json::from_slice(&out.stdout).context("what the script printed")?;
    let theirs = line["median_ms"].as_f64().unwrap_or(f64::NAN);
    let ratios: serde_json::Map<String, Value> =
        ours.iter().map(|(engine, ms)| (engine.name(), json!(theirs / ms))).collect();
    if args.json {
        line["ratios"] = Value::Object(ratios);
        anstream::println!("{line}");
    } else {
        let version = line["onnxruntime"].as_str().unwrap_or_default();
        let times: Vec<String> = ours
            .iter()
            .map(|(engine, ms)| format!("{:.2} times ours ({})", theirs / ms, engine.name()))
            .collect();
        anstream::println!(
            "plain loop, Python's onnxruntime {version}, single precision, {threads} thread{}: median {theirs:.1} ms, {}",
            if threads == 1 { "" } else { "s" },
            times.join(", ")
        );
    }
    Ok(())
}

/// Bytes of weights that a step reads from memory; not known of a graph that was exported.
fn bytes_of_weights(bundle: &Bundle, session: &PolicySession) -> Option<f64> {
    let c = bundle.llama().ok()?;
    // Of the embedding a step reads a few rows; as the output projection, all.
    let head = c.vocab_size * c.hidden_size;
    let read = c.parameters() - if c.tie_word_embeddings { 0 } else { head };
    Some(read as f64 * session.bytes_per_weight()?)
}

/// How fast `threads` threads read memory, in bytes a second: the best of some sweeps over more than caches hold.
fn read_speed(threads: usize) -> f64 {
    const WORDS: usize = 16 << 20;
    let data: Vec<Vec<u64>> = (0..threads).map(|i| vec![i as u64; WORDS]).collect();
    let sweep = || {
        let begin = Instant::now();
        let sum: u64 = std::thread::scope(|scope| {
            let parts: Vec<_> = data
                .iter()
                .map(|d| {
                    scope.spawn(|| {
                        d.chunks_exact(8).fold([0u64; 8], |a, c| std::array::from_fn(|i| a[i] ^ c[i]))
                    })
                })
                .collect();
            parts.into_iter().map(|p| p.join().map_or(0, |a| a[0])).sum()
        });
        std::hint::black_box(sum);
        (threads * WORDS * 8) as f64 / begin.elapsed().as_secs_f64()
    };
    (0..4).map(|_| sweep()).fold(0.0, f64::max)
}

/// Times generations of one device.
fn measure(
    args: &Args,
    bundle: &Bundle,
    place: &Place,
    engine: Engine,
    threads: usize,
    prompt: &[u32],
) -> Result<f64> {
    let parameters = bundle.parameters() as f64 / 1e6;
    let begin = Instant::now();
    let mut session = engine.load(bundle, place, Some(threads))?;
    let load_ms = begin.elapsed().as_secs_f64() * 1e3;
    let params = GenerationParams { k: args.k, max_tokens: args.tokens, method: Method::Beam };
    let mut times = Vec::with_capacity(args.runs);
    for run in 0..=args.runs.max(1) {
        let begin = Instant::now();
        session.generate(prompt, &params, &Cancel::default())?;
        if run > 0 {
            times.push(begin.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let (median, least, most) = (times[times.len() / 2], times[0], times[times.len() - 1]);
    let per_second = 1e3 * args.k as f64 / median;
    // Every step reads all weights once, whatever the number of candidates.
    let bound = match engine {
        Engine::Cuda | Engine::Auto => None,
        _ => bytes_of_weights(bundle, &session)
            .map(|bytes| 1e3 * args.tokens as f64 * bytes / read_speed(threads)),
    };
    if args.json {
        let line = json!({
            "bundle": bundle.id(), "parameters_m": parameters, "device": session.device(), "threads": threads,
            "k": args.k, "tokens": args.tokens, "prompt": prompt.len(), "load_ms": load_ms,
            "median_ms": median, "least_ms": least, "most_ms": most, "candidates_per_second": per_second,
            "memory_bound_ms": bound,
        });
        anstream::println!("{line}");
    } else {
        anstream::println!(
            "{} ({parameters:.1} M), {}, prompt {}, K = {}, up to {} tokens: median {median:.1} ms \
             ({least:.1} to {most:.1}), {per_second:.0} candidates/s, load {load_ms:.0} ms{}",
            bundle.id(),
            session.device(),
            prompt.len(),
            args.k,
            args.tokens,
            bound.map_or(String::new(), |b| format!(
                ", reading the weights from memory alone takes {b:.1} ms"
            ))
        );
    }
    Ok(median)
}

/// Goals that two devices are compared on.
const COMPARED: usize = 100;

/// Logits and candidates of a device beside those of the CPU in single precision.
fn compare(args: &Args, context: &Context, bundle: &Bundle, place: &Place, engine: Engine) -> Result<()> {
    let steps = read_steps(&[context.dirs.share.join("examples/heldout/steps.jsonl")])?;
    let goals = steps.iter().step_by((steps.len() / COMPARED).max(1)).filter_map(|s| s.state_before.first());
    let prompts: Vec<Vec<u32>> =
        goals.take(COMPARED).map(|g| prompt::encode(&bundle.tokenizer, g, bundle.limits())).collect();
    let mut here = Engine::Cpu.load(bundle, place, None)?;
    let mut there = engine.load(bundle, place, None)?;
    let params = GenerationParams { k: args.k, max_tokens: args.tokens, method: Method::Beam };
    let (mut worst, mut rows, mut same_first) = (0.0f32, 0usize, 0usize);
    let (mut same_best, mut same_set, mut common, mut all) = (0usize, 0usize, 0usize, 0usize);
    for prompt in &prompts {
        let (a, b) = (here.logits(prompt)?, there.logits(prompt)?);
        for (x, y) in a.rows().into_iter().zip(b.rows()) {
            let first = |row: &ndarray::ArrayView1<f32>| {
                row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i)
            };
            same_first += usize::from(first(&x) == first(&y));
            rows += 1;
            // A logit that is no number must not pass as equal.
            let differences = x.iter().zip(y).map(|(x, y)| (x - y).abs());
            worst = differences.fold(worst, |w, d| if d.is_nan() { f32::INFINITY } else { w.max(d) });
        }
        let texts = |session: &mut PolicySession| -> Result<Vec<String>> {
            let found = session.generate(prompt, &params, &Cancel::default())?;
            Ok(found.into_iter().map(|g| g.text).collect())
        };
        let (a, b) = (texts(&mut here)?, texts(&mut there)?);
        same_best += usize::from(a.first() == b.first());
        let shared = a.iter().filter(|t| b.contains(t)).count();
        same_set += usize::from(shared == a.len() && a.len() == b.len());
        (common, all) = (common + shared, all + a.len());
    }
    let share = |n: usize, of: usize| n as f64 / of.max(1) as f64;
    let line = json!({
        "compared": [here.device(), there.device()], "goals": prompts.len(), "logits_max_abs_diff": worst,
        "same_likeliest_token": share(same_first, rows), "same_best_candidate": share(same_best, prompts.len()),
        "same_candidates": share(same_set, prompts.len()), "candidates_in_common": share(common, all),
    });
    if args.json {
        anstream::println!("{line}");
        return Ok(());
    }
    anstream::println!("{} beside {}, on {} goals:", there.device(), here.device(), prompts.len());
    anstream::println!("  largest difference of a logit        {worst:.2e}");
    for (what, share) in [
        ("likeliest token the same", share(same_first, rows)),
        ("best candidate the same", share(same_best, prompts.len())),
        ("all candidates the same", share(same_set, prompts.len())),
        ("candidates in common", share(common, all)),
    ] {
        anstream::println!("  {what:36} {:.1} %", 100.0 * share);
    }
    Ok(())
}

/// A bundle of random weights, `4x256`: heads of 64, gated MLP of 8/3 of the width, vocabulary of 1,536.
fn random_bundle(shape: &str, dir: &std::path::Path) -> Result<Bundle> {
    let parsed = shape.split_once('x').and_then(|(l, h)| Some((l.parse().ok()?, h.parse().ok()?)));
    let (layers, hidden): (usize, usize) = parsed
        .filter(|(l, h)| (1..=64).contains(l) && (64..=4096).contains(h) && h % 64 == 0)
        .ok_or_else(|| {
            Failure::new(FailureKind::Usage, format!("`{shape}` is no shape"))
                .hint("write it like `4x256`: layers, and a width in multiples of 64")
        })?;
    let config = LlamaConfig {
        vocab_size: 1536,
        hidden_size: hidden,
        intermediate_size: (hidden * 8 / 3).next_multiple_of(32),
        num_hidden_layers: layers,
        num_attention_heads: hidden / 64,
        num_key_value_heads: hidden / 64,
        head_dim: 64,
        rope_theta: 10_000.0,
        rms_norm_eps: 1e-5,
        max_position_embeddings: 1024,
        tie_word_embeddings: false,
        family: Family::default(),
    };
    let tokenizer = Tokenizer::train(["exact h"].iter(), 260)?;
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut weights = Weights::default();
    for (name, shape) in config.tensors() {
        let n: usize = shape.iter().product();
        let norm = shape.len() == 1;
        let mut draw = || if norm { 1.0 } else { 0.2 * rng.random::<f32>() - 0.1 };
        let mut data: Vec<f32> = (0..n).map(|_| draw()).collect();
        // A constant runs through the residual stream and speaks against the end mark.
        if name == "model.embed_tokens.weight" {
            data.iter_mut().step_by(hidden).for_each(|x| *x = 1.0);
        } else if name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight") {
            data[..shape[1]].fill(0.0);
        } else if name == "lm_head.weight" {
            data[tokenizer.special().eos as usize * hidden] = -100.0;
        }
        weights.insert(name, shape, data);
    }
    let writer = BundleWriter {
        name: "random",
        config: &config,
        tokenizer: &tokenizer,
        weights: &weights,
        limits: Limits { prompt_tokens: 512, tactic_tokens: 256 },
        base: None,
        training: serde_json::Value::Null,
        card: "Random weights.\n",
        curve: None,
    };
    writer.write(dir).context("the random bundle")
}
