//! From proof steps and feedback to a bundle that ONNX Runtime computes alike.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lean_copilot::error::{Failure, FailureKind};
use lean_copilot::policy::bundle::{Bundle, BundleWriter, Family, LlamaConfig, activate, resolve};
use lean_copilot::policy::prompt::Limits;
use lean_copilot::policy::tokenizer::Tokenizer;
use lean_copilot::proof::{Goal, Origin, ProofStep, StepRange};
use lean_copilot::runtime::locate::onnxruntime;
use lean_copilot::train::compute::completion_log_probs;
use lean_copilot::train::dataset::{HeldOut, LabelledRow};
use lean_copilot::train::learn::{Event, Knobs, Until, device};
use lean_copilot::train::model::{Llama, initial};
use lean_copilot::train::objective::Objective;
use lean_copilot::train::{Base, Finetune, FinetuneReport, Shape, batch, publish};

use super::support;

fn step(decl: &str, goal: &str, tactic: &str) -> ProofStep {
    ProofStep {
        file: "Tiny.lean".into(),
        decl: decl.into(),
        step: 0,
        parent: None,
        range: StepRange { start: (1, 1), end: (1, 2) },
        state_before: vec![Goal::parse(goal)],
        tactic: tactic.into(),
        source: tactic.into(),
        states_after: Vec::new(),
        error: None,
        header_sha256: String::new(),
        premises: vec![],
        origin: Origin::Written,
    }
}

fn steps() -> Vec<ProofStep> {
    vec![
        step("Tiny.a", "p q : Prop\nh : p ∧ q\n⊢ q ∧ p", "exact ⟨h.2, h.1⟩"),
        step("Tiny.b", "p : Prop\nh : p\n⊢ p", "exact h"),
        step("Tiny.c", "n m : Nat\n⊢ n + m = m + n", "omega"),
        step("Tiny.d", "p q : Prop\n⊢ p → q → p", "intro hp hq"),
        step("Tiny.e", "xs : List Nat\n⊢ xs ++ [] = xs", "simp"),
        step("Tiny.f", "n : Nat\n⊢ n = n", "rfl"),
    ]
}

/// A run on the six steps with a model of some thousand parameters.
fn job(folder: &Path, until: u64) -> Finetune {
    let mut knobs = Knobs { until: Until::Steps(until), batch_tokens: 256, ..Knobs::default() };
    knobs.optimizer.lr = 1e-2;
    knobs.optimizer.warmup = 2;
    knobs.rename.locals = 0.0;
    knobs.rename.constants = 0.0;
    knobs.dropout = 0.0;
    Finetune {
        base: Base::Scratch(Shape { vocab: 300, hidden: 32, layers: 2, heads: 2, kv_heads: 2, mlp: 48 }),
        knobs,
        steps: steps(),
        held_out: vec![step("Held.a", "q : Prop\nh : q\n⊢ q", "exact h")],
        held_out_list: HeldOut::default(),
        judged: Vec::new(),
        name: "tiny".into(),
        target: folder.join("models/tiny"),
        checkpoint: folder.join("tiny.checkpoint"),
        beam_rows: 10,
        resume: false,
        device: "cpu".into(),
        ort_library: onnxruntime(support::dirs()).expect("ONNX Runtime is installed"),
    }
}

fn run(job: &Finetune) -> (FinetuneReport, Vec<f64>) {
    let mut losses = Vec::new();
    let mut tell = |event| {
        if let Event::Step { loss, .. } = event {
            losses.push(loss);
        }
    };
    let finished = job.run(&AtomicBool::new(false), &mut tell).unwrap_or_else(|e| panic!("{e:#}"));
    (finished.report, losses)
}

#[test]
fn a_tiny_model_learns_its_steps_by_heart_and_its_bundle_computes_alike() {
    let folder = support::scratch("train");
    let mut job = job(&folder, 60);
    // What it has learnt by heart is what its beams must find.
    job.held_out = steps()[1..2].to_vec();
    let (report, losses) = run(&job);
    assert!(report.loss_before > 5.0 && report.loss_after < 0.2, "{report:?}");
    assert!(losses[59] < 0.3 * losses[0]);
    assert!(report.parity_max_abs_diff < 1e-3, "{report:?}");
    let bundle = Bundle::open(&folder.join("models/tiny")).unwrap();
    assert_eq!(bundle.id(), report.bundle);
    let card = std::fs::read_to_string(bundle.dir.join("card.md")).unwrap();
    assert!(card.contains("from scratch") && card.contains("6 rows"), "{card}");
    let beams = report.heldout_beams.unwrap();
    assert_eq!((beams.exact_at_8, beams.steps), (1.0, 1), "{card}");
    assert!(card.contains("](loss.svg)") && card.contains("among its eight in 100.0 %"), "{card}");
    let curve = std::fs::read_to_string(bundle.dir.join("loss.svg")).unwrap();
    assert!(curve.starts_with("<svg") && curve.contains("held-out loss per token"), "{curve}");
    assert!(!folder.join("tiny.checkpoint").exists(), "a finished run leaves no checkpoint");
}

#[test]
fn kto_raises_what_was_wanted_and_lowers_what_was_refused() {
    let folder = support::scratch("kto");
    run(&job(&folder, 40));
    let base = folder.join("models/tiny");
    let row = |prompt: &str, completion: &str, label| LabelledRow {
        prompt: prompt.into(),
        completion: completion.into(),
        label,
    };
    let judged = vec![
        row("p q : Prop\nh : p ∧ q\n⊢ q ∧ p", "simp", false),
        row("n : Nat\n⊢ n = n", "simp", true),
        row("p : Prop\nh : p\n⊢ p", "omega", false),
        row("p : Prop\nh : p\n⊢ p", "exact h", true),
    ];
    let mut kto = job(&folder, 30);
    kto.base = Base::Bundle(base.clone());
    kto.knobs.objective = Objective::Kto;
    kto.knobs.optimizer.lr = 1e-3;
    kto.judged = judged.clone();
    kto.name = "tuned".into();
    kto.target = folder.join("models/tuned");
    let (report, _) = run(&kto);
    assert!(report.loss_after < report.loss_before, "{report:?}");
    assert_eq!((report.rows, report.proof_steps), (4, 6));

    let log_probs = |dir: &Path| {
        let b = Bundle::open(dir).unwrap();
        let model = Llama::new(b.llama().unwrap(), &b.weights().unwrap(), &device("cpu").unwrap()).unwrap();
        let rows: Vec<_> = judged
            .iter()
            .map(|r| batch::encode(&b.tokenizer, &Goal::parse(&r.prompt), &r.completion, b.limits()).unwrap())
            .collect();
        completion_log_probs(&model, &rows, b.tokenizer.special().pad).unwrap()
    };
    let (before, after) = (log_probs(&base), log_probs(&folder.join("models/tuned")));
    for (i, row) in judged.iter().enumerate() {
        // What the base was already sure of has nowhere to rise.
        let risen = after[i] > before[i] || (row.label && after[i] > -0.1);
        assert_eq!(risen, row.label, "{row:?}: {} → {}", before[i], after[i]);
    }
}

#[test]
fn an_interrupted_run_resumes_exactly() {
    let folder = support::scratch("resume");
    let mut whole = job(&folder, 12);
    // Renaming and order must go on as well.
    whole.knobs.rename.locals = 1.0;
    whole.knobs.batch_tokens = 96;
    whole.knobs.dropout = 0.2;
    let (report, losses) = run(&whole);
    let straight = Bundle::open(&whole.target).unwrap().weights().unwrap();

    let mut parts = whole.clone();
    parts.target = folder.join("models/parts");
    parts.name = "parts".into();
    let stop = AtomicBool::new(false);
    let mut first = Vec::new();
    let mut tell = |event| {
        if let Event::Step { loss, step, .. } = event {
            first.push(loss);
            stop.store(step == 5, Ordering::Relaxed);
        }
    };
    let Err(error) = parts.run(&stop, &mut tell) else { panic!("the run was not interrupted") };
    assert_eq!(Failure::of(&error).unwrap().kind, FailureKind::Interrupted);
    assert!(!parts.target.exists(), "nothing is published");
    parts.resume = true;
    let (resumed, rest) = run(&parts);
    assert_eq!([first, rest].concat(), losses);
    assert_eq!(Bundle::open(&parts.target).unwrap().weights().unwrap(), straight);
    assert_eq!((resumed.loss_before, resumed.loss_after), (report.loss_before, report.loss_after));

    parts.steps.pop();
    let Err(error) = parts.run(&AtomicBool::new(false), &mut |_| ()) else { panic!("no checkpoint is left") };
    assert!(format!("{error:#}").contains("no checkpoint"), "{error:#}");
}

#[test]
fn held_out_declarations_are_refused_before_anything_is_trained() {
    let folder = support::scratch("refuse");
    let mut job = job(&folder, 5);
    job.held_out_list = HeldOut::of(&steps()[2..3]);
    let Err(error) = job.run(&AtomicBool::new(false), &mut |_| ()) else { panic!("it was trained on") };
    assert!(error.to_string().contains("`Tiny.c`"), "{error:#}");
    assert!(!job.target.exists());
}

#[test]
fn grouped_queries_and_an_untied_head_compute_alike_too() {
    let folder = support::scratch("parity");
    let tokenizer = Tokenizer::train(["⊢ p ∧ q → q ∧ p", "exact h"].iter().cycle().take(20), 300).unwrap();
    for (kv, tied) in [(1, true), (2, false), (4, false)] {
        let config = LlamaConfig {
            vocab_size: tokenizer.vocab_size().next_multiple_of(8),
            hidden_size: 64,
            intermediate_size: 96,
            num_hidden_layers: 3,
            num_attention_heads: 4,
            num_key_value_heads: kv,
            head_dim: 16,
            rope_theta: 5_000.0,
            rms_norm_eps: 1e-5,
            max_position_embeddings: 128,
            tie_word_embeddings: tied,
            family: Family::default(),
        };
        let mut weights = initial(&config, 7);
        // Larger than fresh weights, so that a wrong rotation or mask shows.
        weights.tensors.values_mut().for_each(|(_, data)| data.iter_mut().for_each(|x| *x *= 5.0));
        let limits = Limits { prompt_tokens: 96, tactic_tokens: 32 };
        let writer = BundleWriter {
            name: "wide",
            config: &config,
            tokenizer: &tokenizer,
            weights: &weights,
            limits,
            base: None,
            training: serde_json::Value::Null,
            card: "# wide\n",
            curve: None,
        };
        let prompts: Vec<Vec<u32>> =
            [1u32, 9, 60].map(|n| (0..n).map(|i| 1 + (i * 37) % 250).collect()).to_vec();
        let ort = onnxruntime(support::dirs()).unwrap();
        let (bundle, difference) =
            publish::publish(&writer, &folder.join("wide"), &prompts, &device("cpu").unwrap(), &ort).unwrap();
        assert!(difference > 0.0 && difference < 1e-3, "{kv} {tied}: {difference}");
        weights.round();
        assert_eq!(bundle.weights().unwrap(), weights, "what is on disk is the rounded weights");
    }
}

fn command(home: &Path, extra: &[&str]) -> Command {
    let data = home.join("steps.jsonl");
    let lines: Vec<String> = steps().iter().map(|s| serde_json::to_string(s).unwrap()).collect();
    std::fs::write(&data, lines.join("\n")).unwrap();
    let mut c = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
    c.args(["finetune", "--objective", "sft", "--progress", "json", "--json", "--data"]);
    c.arg(&data).arg("--held-out").arg(&data).args(extra);
    c.env("LEAN_COPILOT_CACHE_DIR", &support::dirs().cache)
        .env("LEAN_COPILOT_SHARE_DIR", support::root())
        .env("LEAN_COPILOT_DATA_DIR", home.join("data"))
        .env("LEAN_COPILOT_CONFIG_DIR", home.join("config"))
        .env("LEAN_COPILOT_STATE_DIR", home.join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    c
}

const TINY: [&str; 10] = ["--vocab", "300", "--hidden", "32", "--layers", "1", "--heads", "2", "--mlp", "48"];

#[test]
#[cfg(unix)]
fn an_interrupt_saves_and_leaves_the_old_bundle_in_use() {
    let home = support::scratch("interrupt");
    let dirs =
        lean_copilot::config::Dirs::below(&home, support::root().into(), support::dirs().cache.clone());
    let old = job(&home, 2);
    let old = Finetune { target: dirs.data.join("models/tiny"), ..old };
    run(&old);
    activate(&dirs, "tiny").unwrap();

    let mut args = vec!["--from", "scratch", "--steps", "1000000", "--name", "next"];
    args.extend(TINY);
    let mut child = command(&home, &args).spawn().unwrap();
    // The first step is told when training runs.
    let stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut lines = std::io::BufRead::lines(stderr);
    let begun = Instant::now();
    while !lines.next().expect("the run ended early").unwrap().contains("\"event\":\"step\"") {
        assert!(begun.elapsed() < Duration::from_secs(120));
    }
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    for line in lines {
        line.unwrap();
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(resolve(&dirs, None).unwrap(), dirs.data.join("models/tiny"));
    assert!(!dirs.data.join("models/next").exists());
    assert!(dirs.data.join("training/next.checkpoint").is_file());
}

#[test]
fn a_better_bundle_comes_into_use_and_a_worse_one_only_when_asked() {
    let home = support::scratch("use");
    let report = |args: &[&str]| -> (serde_json::Value, String) {
        let out = command(&home, args).output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{stderr}");
        (serde_json::from_slice(&out.stdout).unwrap(), stderr)
    };
    let plain = ["--rename", "0", "--rename-constants", "0", "--dropout", "0"];
    let mut scratch = vec!["--from", "scratch", "--steps", "60", "--lr", "0.01", "--name", "good"];
    scratch.extend(TINY);
    scratch.extend(plain);
    let (good, _) = report(&scratch);
    assert_eq!(good["in_use"], true, "{good}");
    let active = || -> PathBuf {
        let text = std::fs::read_to_string(home.join("data/models/active.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["bundle"].as_str().unwrap().into()
    };
    assert_eq!(active(), PathBuf::from("good"));

    // A learning rate that destroys what was learnt.
    let worse = [&["--steps", "12", "--lr", "0.3", "--name", "worse"], &plain[..]].concat();
    let (report_worse, stderr) = report(&worse);
    assert_eq!(report_worse["in_use"], false, "{report_worse}");
    assert_eq!(report_worse["bundle_before"], good["bundle"]);
    assert!(stderr.contains("the held-out loss rose"), "{stderr}");
    assert_eq!(active(), PathBuf::from("good"));
    let (forced, _) = report(&[&worse[..], &["--use"]].concat());
    assert_eq!(forced["in_use"], true);
    assert_eq!(active(), PathBuf::from("worse"));
}

#[test]
fn both_engines_of_the_benchmark_take_the_same_steps() {
    let home = support::scratch("bench-train");
    let mut c = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
    c.args(["bench", "train", "--json", "--shape", "1x64", "--steps", "2", "--batch-tokens", "512"])
        .args(["--engine", "native,burn"])
        .env("LEAN_COPILOT_SHARE_DIR", support::root())
        .env("LEAN_COPILOT_CACHE_DIR", &support::dirs().cache)
        .env("LEAN_COPILOT_DATA_DIR", home.join("data"))
        .env("LEAN_COPILOT_CONFIG_DIR", home.join("config"))
        .env("LEAN_COPILOT_STATE_DIR", home.join("state"));
    let out = c.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let lines: Vec<serde_json::Value> =
        String::from_utf8(out.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((&lines[0]["engine"], &lines[1]["engine"]), (&"native".into(), &"burn".into()), "{lines:?}");
    let losses = |i: usize| -> Vec<f64> {
        lines[i]["losses"].as_array().unwrap().iter().map(|l| l.as_f64().unwrap()).collect()
    };
    assert_eq!(losses(0).len(), 3);
    for (ours, graph) in losses(0).iter().zip(losses(1)) {
        assert!((ours - graph).abs() < 1e-4 * graph, "{lines:?}");
    }
    assert!(lines.iter().all(|l| l["tokens_per_second"].as_f64().unwrap() > 0.0), "{lines:?}");
}
