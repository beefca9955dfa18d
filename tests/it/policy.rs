//! Bundles and sessions against the real ONNX Runtime: what it computes is what a naive forward computes.

use std::path::Path;

use lean_copilot::config::{DeviceChoice, Dirs, Settings};
use lean_copilot::error::{Failure, FailureKind};
use lean_copilot::policy::PolicyHandle;
use lean_copilot::policy::bundle::{Bundle, BundleWriter, Family, LlamaConfig, activate, user_bundles};
use lean_copilot::policy::prompt::{self, Limits};
use lean_copilot::policy::sampling::{GenerationParams, Method, log_softmax};
use lean_copilot::policy::session::{Cancel, Compute, Generated, PolicySession};
use lean_copilot::policy::tokenizer::Tokenizer;
use lean_copilot::policy::weights::Weights;
use lean_copilot::proof::Goal;
use lean_copilot::runtime::locate::onnxruntime;
use ndarray::{Array1, Array2, ArrayView2, Axis, s};
use rand::{RngExt, SeedableRng};

use crate::support;

/// Two query heads to a key head, and widths that are all different, so that no mix-up goes unseen.
pub(super) fn tiny(tie_word_embeddings: bool) -> LlamaConfig {
    LlamaConfig {
        vocab_size: 300,
        hidden_size: 48,
        intermediate_size: 80,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 16,
        rope_theta: 10_000.0,
        rms_norm_eps: 1e-5,
        max_position_embeddings: 96,
        tie_word_embeddings,
        family: Family::default(),
    }
}

fn goal() -> Goal {
    Goal::parse("p q : Prop\nh : p ∧ q\n⊢ q ∧ p")
}

fn tokenizer() -> Tokenizer {
    let texts = [prompt::goal_text(&goal()), "exact ⟨h.2, h.1⟩".to_owned(), "simp [h]".to_owned()];
    Tokenizer::train(texts.iter().cycle().take(12), 290).unwrap()
}

/// Weights drawn from a seed, already rounded; norms around one.
fn random_weights(config: &LlamaConfig, seed: u64, scale: f32) -> Weights {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut weights = Weights::default();
    for (name, shape) in config.tensors() {
        let norm = shape.len() == 1;
        let n = shape.iter().product::<usize>();
        let data = (0..n).map(|_| {
            let x = rng.random::<f32>() * 2.0 - 1.0;
            if norm { 1.0 + 0.3 * x } else { scale * x }
        });
        let data = data.collect();
        weights.insert(name, shape, data);
    }
    weights.round();
    weights
}

/// Random weights that nevertheless write text: a constant in the residual stream serves as a bias for
/// plain characters and, with the weight `end`, for the end mark. The sharper, the longer are the likeliest
/// texts.
pub(super) fn talkative_weights(config: &LlamaConfig, seed: u64, sharpness: f32, end: f32) -> Weights {
    let tokenizer = tokenizer();
    let mut weights = random_weights(config, seed, 0.25);
    let hidden = config.hidden_size;
    for (name, (shape, data)) in &mut weights.tensors {
        if name == "model.embed_tokens.weight" {
            data.iter_mut().step_by(hidden).for_each(|x| *x = 3.0);
        } else if name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight") {
            data[..shape[1]].fill(0.0);
        } else if name == "lm_head.weight" {
            for (token, row) in data.chunks_exact_mut(hidden).enumerate() {
                let text = tokenizer.decode(&[token as u32]);
                let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
                row.iter_mut().for_each(|x| *x *= sharpness);
                let ends = token == tokenizer.special().eos as usize;
                row[0] = if ends {
                    end
                } else if plain {
                    1.0
                } else {
                    -8.0
                };
            }
        }
    }
    weights.round();
    weights
}

fn write(dir: &Path, name: &str, config: &LlamaConfig, seed: u64) -> Bundle {
    let weights = if config.tie_word_embeddings {
        random_weights(config, seed, 0.25)
    } else {
        talkative_weights(config, seed, 5.0, 1.0)
    };
    write_weights(dir, name, config, seed, &weights)
}

fn write_weights(dir: &Path, name: &str, config: &LlamaConfig, seed: u64, weights: &Weights) -> Bundle {
    write_limits(dir, name, config, seed, weights, Limits { prompt_tokens: 64, tactic_tokens: 24 })
}

pub(super) fn write_limits(
    dir: &Path,
    name: &str,
    config: &LlamaConfig,
    seed: u64,
    weights: &Weights,
    limits: Limits,
) -> Bundle {
    let writer = BundleWriter {
        name,
        config,
        tokenizer: &tokenizer(),
        weights,
        limits,
        base: None,
        training: serde_json::json!({"seed": seed}),
        card: "# A model of the tests\n",
        curve: None,
    };
    writer.write(dir).unwrap()
}

pub(super) fn session(bundle: &Bundle) -> PolicySession {
    let library = onnxruntime(support::dirs()).unwrap();
    PolicySession::load(bundle, &library, DeviceChoice::Cpu, Some(1)).unwrap()
}

pub(super) fn prompt_of(bundle: &Bundle) -> Vec<u32> {
    prompt::encode(&bundle.tokenizer, &goal(), bundle.limits())
}

/// The decoder written out plainly, `[tokens, vocabulary]`: no cache, no fusion, one head at a time.
fn naive_logits(config: &LlamaConfig, weights: &Weights, tokens: &[u32]) -> Array2<f32> {
    let matrix = |name: &str| {
        let (shape, data) = &weights.tensors[name];
        ArrayView2::from_shape((shape[0], shape[1]), data).unwrap()
    };
    let norm = |x: &Array2<f32>, name: &str| {
        let scale = Array1::from(weights.tensors[name].1.clone());
        let mut y = x.clone();
        for mut row in y.rows_mut() {
            let mean = row.iter().map(|v| v * v).sum::<f32>() / row.len() as f32;
            row *= 1.0 / (mean + config.rms_norm_eps as f32).sqrt();
            row *= &scale;
        }
        y
    };
    let (n, hd) = (tokens.len(), config.head_dim);
    let rotate = |x: &mut Array2<f32>| {
        for (position, mut row) in x.rows_mut().into_iter().enumerate() {
            for i in 0..hd / 2 {
                let angle = position as f64 * config.rope_theta.powf(-2.0 * i as f64 / hd as f64);
                let (sin, cos) = (angle.sin() as f32, angle.cos() as f32);
                let (a, b) = (row[i], row[i + hd / 2]);
                row[i] = a * cos - b * sin;
                row[i + hd / 2] = b * cos + a * sin;
            }
        }
    };
    let embedding = matrix("model.embed_tokens.weight");
    let mut x = Array2::zeros((n, config.hidden_size));
    for (i, t) in tokens.iter().enumerate() {
        x.row_mut(i).assign(&embedding.row(*t as usize));
    }
    for layer in 0..config.num_hidden_layers {
        let at = |name: &str| format!("model.layers.{layer}.{name}.weight");
        let h = norm(&x, &at("input_layernorm"));
        let [q, k, v] = ["q", "k", "v"].map(|p| h.dot(&matrix(&at(&format!("self_attn.{p}_proj"))).t()));
        let mut attended = Array2::zeros((n, config.num_attention_heads * hd));
        for head in 0..config.num_attention_heads {
            let kv = head / (config.num_attention_heads / config.num_key_value_heads);
            let mut q = q.slice(s![.., head * hd..(head + 1) * hd]).to_owned();
            let mut k = k.slice(s![.., kv * hd..(kv + 1) * hd]).to_owned();
            rotate(&mut q);
            rotate(&mut k);
            let scores = q.dot(&k.t()) / (hd as f32).sqrt();
            for i in 0..n {
                let seen: Vec<f32> = scores.slice(s![i, ..=i]).to_vec();
                let p: Vec<f32> = log_softmax(&seen).into_iter().map(f32::exp).collect();
                let value = Array1::from(p).dot(&v.slice(s![..=i, kv * hd..(kv + 1) * hd]));
                attended.slice_mut(s![i, head * hd..(head + 1) * hd]).assign(&value);
            }
        }
        x = x + attended.dot(&matrix(&at("self_attn.o_proj")).t());
        let h = norm(&x, &at("post_attention_layernorm"));
        let gate = h.dot(&matrix(&at("mlp.gate_proj")).t()).mapv(|g| g / (1.0 + (-g).exp()));
        let up = h.dot(&matrix(&at("mlp.up_proj")).t());
        x = x + (gate * up).dot(&matrix(&at("mlp.down_proj")).t());
    }
    let head = if config.tie_word_embeddings { "model.embed_tokens.weight" } else { "lm_head.weight" };
    norm(&x, "model.norm.weight").dot(&matrix(head).t())
}

fn greatest_difference(a: &Array2<f32>, b: &Array2<f32>) -> f32 {
    assert_eq!(a.dim(), b.dim());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

/// The log-probability of a tactic, from logits computed without a cache.
fn rescored(session: &mut PolicySession, prompt: &[u32], one: &Generated, end: u32) -> f64 {
    let completion: Vec<u32> = one.tokens.iter().copied().chain([end]).collect();
    let all: Vec<u32> = prompt.iter().chain(&completion).copied().collect();
    let logits = session.logits(&all[..all.len() - 1]).unwrap();
    let step = |(i, t): (usize, &u32)| {
        let row = logits.index_axis(Axis(0), prompt.len() - 1 + i).to_vec();
        f64::from(log_softmax(&row)[*t as usize])
    };
    completion.iter().enumerate().map(step).sum()
}

#[test]
fn onnx_runtime_computes_what_a_naive_forward_computes() {
    for tied in [true, false] {
        let config = tiny(tied);
        let dir = support::scratch("bundle").join("tiny");
        let bundle = write(&dir, "tiny", &config, 11);
        let mut session = session(&bundle);
        let tokens: Vec<u32> = (0..40).map(|i| (i * 37 + 5) % 290).collect();
        let weights = bundle.weights().unwrap();
        if tied {
            assert_eq!(weights, random_weights(&config, 11, 0.25), "the weights survive the disk");
        }
        let expected = naive_logits(&config, &weights, &tokens);
        assert!(expected.iter().any(|x| x.abs() > 1.0), "the logits are not all near zero");
        let difference = greatest_difference(&session.logits(&tokens).unwrap(), &expected);
        assert!(difference < 1e-4, "tied: {tied}, difference {difference}");
    }
}

#[test]
fn the_cached_batch_gives_the_log_probabilities_of_single_uncached_runs() {
    let beam = (Method::Beam, talkative_weights(&tiny(false), 5, 5.0, 1.0));
    let draw = (Method::Sample { seed: 3, temperature: 1.0 }, talkative_weights(&tiny(false), 5, 1.0, 3.0));
    for (method, weights) in [beam, draw] {
        let dir = support::scratch("bundle").join("tiny");
        let bundle = write_weights(&dir, "tiny", &tiny(false), 5, &weights);
        let mut session = session(&bundle);
        let prompt = prompt_of(&bundle);
        let end = bundle.tokenizer.special().eos;
        for k in [1, 3, 8, 64] {
            let params = GenerationParams { k, max_tokens: 24, method };
            let found = session.generate(&prompt, &params, &Cancel::default()).unwrap();
            assert!(found.len() <= k);
            if k == 64 {
                assert!(found.len() > 4, "{method:?}: only {}", found.len());
                assert!(found.iter().any(|g| g.tokens.len() > 2), "{method:?}: too short to say anything");
            }
            assert!(found.windows(2).all(|w| w[0].log_prob >= w[1].log_prob), "likeliest first");
            let mut exact = 0;
            for one in &found {
                let expected = rescored(&mut session, &prompt, one, end);
                let same = (one.log_prob - expected).abs() < 1e-3;
                exact += usize::from(same);
                // Several encodings of one text add up.
                assert!(same || one.log_prob > expected, "{method:?} k={k}: {one:?}, rescored {expected}");
            }
            assert!(exact * 2 >= found.len(), "{method:?} k={k}: {exact} of {} agree", found.len());
            let again = session.generate(&prompt, &params, &Cancel::default()).unwrap();
            assert_eq!(found, again, "the same request gives the same answer");
        }
    }
}

#[test]
fn a_beam_of_one_is_greedy_decoding() {
    let bundle = write(&support::scratch("bundle").join("tiny"), "tiny", &tiny(false), 5);
    let mut session = session(&bundle);
    let prompt = prompt_of(&bundle);
    let special = bundle.tokenizer.special();
    let mut greedy: Vec<u32> = Vec::new();
    loop {
        let all: Vec<u32> = prompt.iter().chain(&greedy).copied().collect();
        let logits = session.logits(&all).unwrap();
        let row = logits.index_axis(Axis(0), all.len() - 1);
        let allowed = |t: &usize| {
            let never = [special.pad, special.bos, special.tactic].contains(&(*t as u32));
            let empty = greedy.is_empty() && *t as u32 == special.eos;
            !never && !empty && *t < bundle.tokenizer.vocab_size()
        };
        let best = (0..row.len()).filter(allowed).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
        if best as u32 == special.eos || greedy.len() == 8 {
            break;
        }
        greedy.push(best as u32);
    }
    let params = GenerationParams { k: 1, max_tokens: 24, method: Method::Beam };
    let found = session.generate(&prompt, &params, &Cancel::default()).unwrap();
    // The likeliest whole text of a beam of one begins like greedy decoding, as far as it goes.
    assert_eq!(found.len(), 1);
    let shared = found[0].tokens.len().min(greedy.len());
    assert_eq!(found[0].tokens[..shared], greedy[..shared]);
}

#[test]
fn a_cancelled_generation_stops_within_a_step() {
    let bundle = write(&support::scratch("bundle").join("tiny"), "tiny", &tiny(false), 5);
    let mut session = session(&bundle);
    let cancel = Cancel::default();
    cancel.cancel();
    let params = GenerationParams { k: 8, max_tokens: 24, method: Method::Beam };
    let found = session.generate(&prompt_of(&bundle), &params, &cancel).unwrap();
    assert_eq!(found, [], "nothing is finished in the first step");
}

#[test]
fn prompts_that_the_model_cannot_read_are_refused() {
    let bundle = write(&support::scratch("bundle").join("tiny"), "tiny", &tiny(true), 5);
    let mut session = session(&bundle);
    for tokens in [vec![], vec![1; 96], vec![1, 300]] {
        assert!(session.logits(&tokens).is_err());
        let params = GenerationParams { k: 2, max_tokens: 4, method: Method::Beam };
        assert!(session.generate(&tokens, &params, &Cancel::default()).is_err());
    }
}

#[test]
fn a_bundle_that_is_not_what_it_says_is_refused_by_name() {
    let dir = support::scratch("bundle").join("tiny");
    let whole = write(&dir, "tiny", &tiny(true), 5);
    let id = whole.id();
    assert!(id.starts_with("tiny@") && id.len() == 17, "{id}");
    assert_eq!(Bundle::open(&dir).unwrap().id(), id);

    let refused = |kind: FailureKind, parts: &[&str]| {
        let error = Bundle::open(&dir).unwrap_err();
        let failure = Failure::of(&error).unwrap_or_else(|| panic!("no failure in {error:#}"));
        assert_eq!(failure.kind, kind, "{error:#}");
        assert!(failure.hint.is_some());
        for part in parts {
            assert!(format!("{error:#}").contains(part), "`{part}` is not in: {error:#}");
        }
    };
    let with = |file: &str, change: &dyn Fn(Vec<u8>) -> Option<Vec<u8>>, check: &dyn Fn()| {
        let path = dir.join(file);
        let before = std::fs::read(&path).unwrap();
        match change(before.clone()) {
            Some(after) => std::fs::write(&path, after).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        check();
        std::fs::write(&path, before).unwrap();
        Bundle::open(&dir).unwrap();
    };
    for file in ["model.safetensors", "model.onnx", "config.json", "tokenizer.json", "card.md"] {
        let flip = |mut bytes: Vec<u8>| {
            *bytes.last_mut().unwrap() ^= 1;
            Some(bytes)
        };
        with(file, &flip, &|| refused(FailureKind::Corrupt, &[file, "SHA-256"]));
        with(file, &|b| Some(b[..b.len() - 1].to_vec()), &|| refused(FailureKind::Corrupt, &[file, "bytes"]));
        with(file, &|_| None, &|| refused(FailureKind::Missing, &[file]));
    }
    with("bundle.json", &|_| None, &|| refused(FailureKind::Missing, &["is not a bundle"]));
    with("bundle.json", &|_| Some(b"{".to_vec()), &|| refused(FailureKind::Corrupt, &["bundle.json"]));
    let newer = |bytes: Vec<u8>| {
        Some(String::from_utf8(bytes).unwrap().replace("\"format\": 1", "\"format\": 9").into_bytes())
    };
    with("bundle.json", &newer, &|| refused(FailureKind::Corrupt, &["format is 9"]));

    // Hashes that are right for parts that do not fit together.
    let rewrite = |file: &str, from: &str, to: &str, check: &dyn Fn()| {
        let manifest = dir.join("bundle.json");
        let listed = std::fs::read(&manifest).unwrap();
        let change = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "{text}");
            let after = text.replace(from, to).into_bytes();
            let mut json: serde_json::Value = serde_json::from_slice(&listed).unwrap();
            json["files"][file]["bytes"] = after.len().into();
            json["files"][file]["sha256"] = sha256(&after).into();
            std::fs::write(&manifest, serde_json::to_vec_pretty(&json).unwrap()).unwrap();
            Some(after)
        };
        with(file, &change, &|| {
            check();
            std::fs::write(&manifest, &listed).unwrap();
        });
    };
    rewrite("config.json", "\"intermediate_size\": 80", "\"intermediate_size\": 64", &|| {
        refused(FailureKind::Corrupt, &["mlp.gate_proj.weight", "[80, 48]", "[64, 48]"])
    });
    rewrite("config.json", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2", &|| {
        refused(FailureKind::Corrupt, &["model.layers.2."])
    });
    rewrite("tokenizer.json", "\"<tac>\"", "\"<cat>\"", &|| {
        refused(FailureKind::Corrupt, &["tokenizer.json", "<tac>"])
    });
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn a_writer_refuses_what_does_not_fit_and_leaves_the_old_bundle() {
    let parent = support::scratch("bundle");
    let dir = parent.join("tiny");
    let old = write(&dir, "tiny", &tiny(true), 5).id();
    let mut weights = random_weights(&tiny(true), 6, 0.25);
    weights.tensors.get_mut("model.norm.weight").unwrap().1[3] = 1e6;
    let attempt = |config: &LlamaConfig, weights: &Weights, limits: Limits| {
        let writer = BundleWriter {
            name: "tiny",
            config,
            tokenizer: &tokenizer(),
            weights,
            limits,
            base: None,
            training: serde_json::Value::Null,
            card: "",
            curve: None,
        };
        format!("{:#}", writer.write(&dir).unwrap_err())
    };
    let limits = Limits { prompt_tokens: 64, tactic_tokens: 24 };
    assert!(attempt(&tiny(true), &weights, limits).contains("`model.norm.weight` holds 1000000"));
    let sound = random_weights(&tiny(true), 6, 0.25);
    let few = LlamaConfig { vocab_size: 280, ..tiny(true) };
    assert!(attempt(&few, &random_weights(&few, 6, 0.25), limits).contains("tokens, the embedding"));
    assert!(attempt(&tiny(false), &sound, limits).contains("lm_head.weight"));
    let long = Limits { prompt_tokens: 90, tactic_tokens: 24 };
    assert!(attempt(&tiny(true), &sound, long).contains("96 positions"));
    assert_eq!(Bundle::open(&dir).unwrap().id(), old);

    let new = write(&dir, "tiny", &tiny(true), 6).id();
    assert_ne!(new, old);
    assert_eq!(Bundle::open(&dir).unwrap().id(), new);
    assert_eq!(std::fs::read_dir(&parent).unwrap().count(), 1, "nothing is left beside the bundle");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_policy_takes_a_new_bundle_and_survives_a_broken_one() {
    let root = support::scratch("policy");
    let dirs = Dirs::below(&root, root.join("share"), support::dirs().cache.clone());
    // Components are looked up in the share directory's list.
    std::fs::create_dir_all(dirs.share.join("models")).unwrap();
    let runtime = support::dirs().share.join("runtime");
    std::fs::create_dir_all(dirs.share.join("runtime")).unwrap();
    std::fs::copy(runtime.join("packages.json"), dirs.share.join("runtime/packages.json")).unwrap();

    let settings = Settings { device: DeviceChoice::Cpu, threads: Some(1), ..Settings::default() };
    let policy = PolicyHandle::spawn(dirs.clone(), settings.clone()).unwrap();
    let error = policy.propose(&goal(), 4).await.unwrap_err();
    assert_eq!(Failure::of(&error).unwrap().kind, FailureKind::Missing, "{error:#}");
    let status = policy.status();
    assert!(status.bundle.is_none() && status.problem.unwrap().0.contains("core-small"));

    let user = user_bundles(&dirs);
    let first = write(&user.join("first"), "first", &tiny(false), 5).id();
    activate(&dirs, "first").unwrap();
    let proposals = policy.propose(&goal(), 4).await.unwrap();
    assert_eq!(proposals.bundle, first);
    assert!(!proposals.candidates.is_empty() && proposals.candidates.len() <= 4);
    assert!(proposals.candidates.iter().all(|c| c.log_prob.is_some_and(|p| p < 0.0)));
    let status = policy.status();
    assert_eq!((status.bundle.as_deref(), status.problem), (Some(first.as_str()), None));
    assert_eq!(status.device, "cpu, 8 bits, 1 thread");

    let second = write(&user.join("second"), "second", &tiny(false), 6).id();
    activate(&dirs, "second").unwrap();
    assert_eq!(policy.propose(&goal(), 4).await.unwrap().bundle, second);
    let replaced = write(&user.join("second"), "second", &tiny(false), 7).id();
    assert_ne!(replaced, second);
    assert_eq!(policy.propose(&goal(), 4).await.unwrap().bundle, replaced, "replaced in place");

    let weights = user.join("second/model.safetensors");
    let sound = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &sound[..sound.len() / 2]).unwrap();
    assert_eq!(policy.propose(&goal(), 4).await.unwrap().bundle, replaced, "the loaded one stays in use");
    let (message, remedy) = policy.status().problem.unwrap();
    assert!(message.contains("model.safetensors") && !remedy.is_empty(), "{message}");
    std::fs::write(&weights, &sound).unwrap();
    assert_eq!(policy.propose(&goal(), 4).await.unwrap().bundle, replaced);
    assert_eq!(policy.status().problem, None);

    policy.configure(&Settings { bundle: Some("first".to_owned()), ..settings });
    assert_eq!(policy.propose(&goal(), 4).await.unwrap().bundle, first);

    {
        let goal = goal();
        let mut dropped = std::pin::pin!(policy.propose(&goal, 64));
        assert!(futures_util::poll!(&mut dropped).is_pending());
    }
    assert_eq!(policy.propose(&goal(), 4).await.unwrap().bundle, first, "a dropped request leaves no harm");
}

#[test]
fn the_graph_for_gpus_computes_the_same() {
    // Half precision with a cache that the graph itself rearranges; here on the CPU, which has its kernels too.
    let bundle = write(&support::scratch("half").join("talks"), "talks", &tiny(false), 6);
    let library = onnxruntime(support::dirs()).unwrap();
    let mut half = PolicySession::open(&bundle, &library, Compute::CpuHalf, Some(1)).unwrap();
    let mut single = session(&bundle);
    let prompt = prompt_of(&bundle);
    let (a, b) = (single.logits(&prompt).unwrap(), half.logits(&prompt).unwrap());
    let scale = a.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let worst = (&a - &b).iter().fold(0.0f32, |m, x| m.max(x.abs()));
    assert!(worst < 0.02 * scale, "{worst} of {scale}");
    for k in [1, 4] {
        let params = GenerationParams { k, max_tokens: 8, method: Method::Beam };
        let run = |s: &mut PolicySession| s.generate(&prompt, &params, &Cancel::default()).unwrap();
        let (a, b) = (run(&mut single), run(&mut half));
        assert!(!a.is_empty());
        let texts = |g: &[Generated]| g.iter().map(|g| g.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&a), texts(&b), "k = {k}");
        for (a, b) in a.iter().zip(&b) {
            assert!((a.log_prob - b.log_prob).abs() < 0.05 * a.log_prob.abs().max(1.0), "{a:?} {b:?}");
        }
    }
}

#[test]
fn asking_for_cuda_without_one_says_why() {
    let bundle = write(&support::scratch("bundle").join("tiny"), "tiny", &tiny(true), 5);
    let library = onnxruntime(support::dirs()).unwrap();
    let error = PolicySession::load(&bundle, &library, DeviceChoice::Cuda, None).unwrap_err();
    assert!(format!("{error:#}").contains("CUDA"), "{error:#}");
    let session = PolicySession::load(&bundle, &library, DeviceChoice::Auto, None).unwrap();
    assert!(session.device().starts_with("cpu") && session.device().contains("no CUDA"));
}
