//! What a bundle says about its training: `card.md` for people, the summary in `bundle.json` for programs.

use serde_json::{Value, json};

use super::finetune::FinetuneReport;
use super::learn::{Evaluation, Knobs};

const PICTURE: &str = "![Losses over the run](loss.svg)\n\n";

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
    if let Some(b) = &r.heldout_beams {
        card.push_str(&format!(
            "Beam search of 8 on {} held-out steps writes the author's tactic first in {:.1} %, among its eight in \
             {:.1} %.\n\n",
            b.steps,
            100.0 * b.exact_at_1,
            100.0 * b.exact_at_8
        ));
    }
    card.push_str(PICTURE);
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

/// The text of `card.md` for a checkpoint from elsewhere, as far as its `training.json` says.
pub fn imported(name: &str, parameters: usize, t: &Value, curve: bool) -> String {
    let mut card = format!(
        "# {name}\n\n\
         A tactic policy for Lean 4: it reads a goal and proposes the next tactic. A decoder of Llama's \
         architecture with {:.2} M parameters, trained elsewhere and added by `lean-copilot model add`; the folder \
         is also an ordinary Hugging Face checkpoint.\n\n",
        parameters as f64 / 1e6
    );
    if t.is_null() {
        card.push_str("The checkpoint says nothing about its training.\n\n");
    } else {
        let word = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        let number = |v: &Value| v.as_f64().unwrap_or(f64::NAN);
        let lines = [
            ("Base", t["base"].as_str().unwrap_or("none: trained from scratch").to_owned()),
            ("Trainer", word(&t["trainer"])),
            ("Hardware", word(&t["hardware"])),
            (
                "Data",
                format!(
                    "{} proof steps, {} passes, each under other names (left out: {} unusable, {} repeated, {} \
                     restating held-out statements)",
                    t["proof_steps"],
                    t["passes"],
                    t["left_out"]["unusable"],
                    t["left_out"]["repeated"],
                    t["left_out"]["near_held_out"]
                ),
            ),
            (
                "Training",
                format!(
                    "{} steps, {} tokens, {:.1} minutes at {:.0} tokens/s; kept are the weights of step {}, chosen \
                     by the loss on the validation steps",
                    t["steps"],
                    t["tokens"],
                    number(&t["seconds"]) / 60.0,
                    number(&t["tokens_per_second"]),
                    t["best_step"]
                ),
            ),
        ];
        let teachers = t["knobs"]["distil"].as_u64().filter(|n| *n > 0);
        let taught = teachers
            .map(|n| ("Teachers", format!("the mean prediction of {n} runs, beside the author's tactics")));
        let cooled = t["temperature"].as_f64().map(|x| {
            (
                "Temperature",
                format!("the validation loss is least at {x}, which is folded into the last norm"),
            )
        });
        for (what, text) in lines.into_iter().chain(taught).chain(cooled) {
            card.push_str(&format!("- {what}: {text}\n"));
        }
        card.push_str("\n| steps | loss per token | tokens right | exact | beam: first | beam: among 8 |\n");
        card.push_str("|---|---|---|---|---|---|\n");
        for (split, what) in [("validation", "validation"), ("heldout", "held out")] {
            let f = &t["figures"][split];
            if f.is_null() {
                continue;
            }
            let share = |key: &str| match f[key].as_f64() {
                Some(x) => format!("{:.1} %", 100.0 * x),
                None => "–".to_owned(),
            };
            card.push_str(&format!(
                "| {what} ({}) | {:.4} | {} | {} | {} | {} |\n",
                f["steps"],
                number(&f["loss"]),
                share("token_accuracy"),
                share("exact"),
                share("beam_exact_at_1"),
                share("beam_exact_at_8")
            ));
        }
        card.push('\n');
    }
    if curve {
        card.push_str(PICTURE);
    }
    card.push_str(&format!(
        "Proposals are guesses: nothing from this model is shown before Lean has accepted it.\n\n\
         Licence: {}.\n",
        t["license"].as_str().unwrap_or("that of the checkpoint")
    ));
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
        "heldout_beams": r.heldout_beams,
        "history": history.iter().map(|(step, e)| json!([step, e.loss])).collect::<Vec<_>>(),
    })
}
