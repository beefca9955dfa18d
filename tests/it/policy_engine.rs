//! The engine under way: it stops within a step, and a goal of many pages costs no more than a page.

use std::time::{Duration, Instant};

use lean_copilot::policy::bundle::{Bundle, LlamaConfig};
use lean_copilot::policy::prompt::{self, Limits};
use lean_copilot::policy::sampling::{GenerationParams, Method};
use lean_copilot::policy::session::{Cancel, PolicySession};
use lean_copilot::proof::Goal;
use lean_copilot::runtime::locate::onnxruntime;

use super::policy::{prompt_of, session, talkative_weights, tiny, write_limits};
use super::support;

/// A model of some 3 million parameters, so that a step takes milliseconds.
fn slow() -> (Bundle, PolicySession) {
    let config = LlamaConfig {
        hidden_size: 256,
        intermediate_size: 704,
        num_hidden_layers: 4,
        max_position_embeddings: 320,
        ..tiny(false)
    };
    let mut weights = talkative_weights(&config, 5, 1.0, 1.0);
    // In so wide a model what the layers add would drown what makes it talk.
    for (name, (_, data)) in &mut weights.tensors {
        if name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight") {
            data.iter_mut().for_each(|x| *x *= 0.05);
        }
    }
    weights.round();
    let dir = support::scratch("slow").join("slow");
    let limits = Limits { prompt_tokens: 64, tactic_tokens: 160 };
    let bundle = write_limits(&dir, "slow", &config, 5, &weights, limits);
    let session = session(&bundle);
    (bundle, session)
}

#[test]
fn a_generation_stops_within_a_step_and_keeps_what_is_finished() {
    let (bundle, mut session) = slow();
    let prompt = prompt_of(&bundle);
    // Drawn, so that nothing ends the search early.
    let params =
        GenerationParams { k: 8, max_tokens: 160, method: Method::Sample { seed: 1, temperature: 1.0 } };
    let begun = Instant::now();
    let whole = session.generate(&prompt, &params, &Cancel::default()).unwrap();
    let full = begun.elapsed();
    assert!(whole.len() > 3, "{whole:?}");
    // Other work on the machine may hold up a single try.
    let stopped = (0..5).any(|_| {
        let cancel = Cancel::default();
        let begun = Instant::now();
        let found = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(full / 5);
                cancel.cancel();
            });
            session.generate(&prompt, &params, &cancel).unwrap()
        });
        let elapsed = begun.elapsed();
        for one in &found {
            assert!(whole.iter().any(|w| w.text == one.text), "finished, as it would have been: {one:?}");
        }
        elapsed >= full / 5 && elapsed < full / 2
    });
    assert!(stopped, "of {full:?}, a fifth was allowed");
    let again = session.generate(&prompt, &params, &Cancel::default()).unwrap();
    assert_eq!(again, whole, "a stopped run leaves no harm");
}

#[test]
fn a_goal_of_many_pages_costs_no_more_than_one_that_fits() {
    let bundle = Bundle::open(&support::root().join("models/core-small")).unwrap();
    let library = onnxruntime(support::dirs()).unwrap();
    let mut session =
        PolicySession::open_int8(&bundle, &library, &support::scratch("long"), Some(1)).unwrap();
    let params = GenerationParams { k: 1, max_tokens: 2, method: Method::Beam };
    let mut best = |goal: &Goal| -> (usize, Duration) {
        let runs = (0..5).map(|_| {
            let begun = Instant::now();
            let prompt = prompt::encode(&bundle.tokenizer, goal, bundle.limits());
            session.generate(&prompt, &params, &Cancel::default()).unwrap();
            (prompt.len(), begun.elapsed())
        });
        runs.min_by_key(|(_, elapsed)| *elapsed).unwrap()
    };
    let goal = |hypotheses: usize, terms: usize| {
        let before: String =
            (0..hypotheses).map(|i| format!("h{i} : xs{i}.length = ys{i}.length\n")).collect();
        Goal::parse(&format!("{before}⊢ {}", vec!["f (a + b) = g c"; terms].join(" ∧ ")))
    };
    // All fill their prompt.
    let (page, usual) = best(&goal(20, 1));
    for long in [goal(700, 1), goal(0, 1200), goal(350, 600)] {
        assert!(long.text.chars().count() > 20_000, "{}", long.text.chars().count());
        let (tokens, elapsed) = best(&long);
        println!(
            "{page} tokens in {usual:?}, {tokens} tokens of {} characters in {elapsed:?}",
            long.text.len()
        );
        assert!(tokens <= bundle.limits().prompt_tokens);
        assert!(elapsed < 4 * usual + Duration::from_millis(20), "{elapsed:?} against {usual:?}");
    }
}
