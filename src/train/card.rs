//! What a bundle says about its training: `card.md` for people, the summary in `bundle.json` for programs.

use serde_json::{Value, json};

use super::finetune::FinetuneReport;
use super::learn::{Evaluation, Knobs};

/// The text of `card.md`.
pub fn text(
    name: &str,
    r: &FinetuneReport,
    knobs: &Knobs,
    history: &[(u64, Evaluation)],
    device: &str,
) -> String {
    let base = r.bundle_before.as_deref().unwrap_or("none: trained from scratch");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let minutes = r.tokens as f64 / r.tokens_per_second.max(1e-9) / 60.0;
    let mut card = format!(
        "# {name}\n\n\
         A tactic policy for Lean 4: it reads a goal and proposes the next tactic. A decoder of Llama's \
         architecture with {:.2} M parameters; the folder is also an ordinary Hugging Face checkpoint.\n\n\
         - Base: {base}\n\
         - Objective: {}\n\
         - Data: {} rows ({} proof steps; left out: {} unusable, {} repeated, {} restating held-out statements)\n\
         - Training: {} steps, {} tokens, {minutes:.1} minutes at {:.0} tokens/s on {} ({cores} cores, {}, {})\n\
         - Loss on the rows learnt from: {:.4} before, {:.4} after\n\
         - Held-out loss per token ({} steps): {:.4} before, {:.4} after\n\
         - Held-out tactics written exactly by greedy decoding: {:.1} %\n\n",
        r.parameters as f64 / 1e6,
        match knobs.objective {
            super::objective::Objective::Sft => "supervised (cross-entropy)",
            super::objective::Objective::Kto => "KTO with supervised rehearsal",
        },
        r.rows,
        r.proof_steps,
        r.left_out.unusable,
        r.left_out.repeated,
        r.left_out.near_held_out,
        r.steps,
        r.tokens,
        r.tokens_per_second,
        device,
        std::env::consts::ARCH,
        std::env::consts::OS,
        r.loss_before,
        r.loss_after,
        r.heldout_steps,
        r.heldout_before,
        r.heldout_after,
        100.0 * r.heldout_exact,
    );
    card.push_str("| step | held-out loss | token accuracy | exact |\n|---|---|---|---|\n");
    for (step, e) in history {
        card.push_str(&format!("| {step} | {:.4} | {:.3} | {:.3} |\n", e.loss, e.token_accuracy, e.exact));
    }
    card.push_str(
        "\nProposals are guesses: nothing from this model is shown before Lean has accepted it.\n\n\
         Licence: Apache-2.0.\n",
    );
    card
}

/// The summary kept in `bundle.json`.
pub fn summary(r: &FinetuneReport, knobs: &Knobs, history: &[(u64, Evaluation)]) -> Value {
    json!({
        "knobs": knobs,
        "rows": r.rows,
        "proof_steps": r.proof_steps,
        "steps": r.steps,
        "tokens": r.tokens,
        "tokens_per_second": r.tokens_per_second,
        "loss_before": r.loss_before,
        "loss_after": r.loss_after,
        "heldout_before": r.heldout_before,
        "heldout_after": r.heldout_after,
        "heldout_exact": r.heldout_exact,
        "history": history.iter().map(|(step, e)| json!([step, e.loss])).collect::<Vec<_>>(),
    })
}
