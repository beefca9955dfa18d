//! The one place that turns a goal into prompt tokens and a tactic into completion tokens, for inference
//! and training alike: `<s> goal text <tac> tactic </s>`.
//!
//! Models from elsewhere have a layout of their own, a text with the goal as Lean prints it ([`Layout::Text`]).
//!
//! The goal text names the target first, then the hypotheses, the nearest first, so that cutting it to a
//! limit loses what matters least.

use serde::{Deserialize, Serialize};

use super::tokenizer::Tokenizer;
use crate::proof::Goal;

/// Name and version of this layout, kept in `bundle.json`: a bundle trained on another one is refused.
pub const TEMPLATE: &str = "goal-first/1";

/// Name and version of the layout by a text.
pub const TEXT_TEMPLATE: &str = "text/1";

/// Where the goal stands in the text of [`Layout::Text`].
pub const GOAL: &str = "{goal}";

/// How a goal becomes a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Layout {
    /// `<s> goal text <tac>`: what the trainer here writes.
    #[default]
    GoalFirst,
    /// A text in which [`GOAL`] is replaced by the goal as Lean prints it; the tokenizer adds what it adds at
    /// the beginning and the end of a text.
    Text(String),
}

/// Longest prompt and tactic, in tokens, special tokens included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Of the prompt, from `<s>` to `<tac>`.
    pub prompt_tokens: usize,
    /// Of the tactic, with its `</s>`.
    pub tactic_tokens: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { prompt_tokens: 256, tactic_tokens: 64 }
    }
}

/// The goal as the policy reads it: one line for the target, one for each hypothesis, nearest first.
/// The case tag is left out: it says how the goal came about, not what it is.
pub fn goal_text(goal: &Goal) -> String {
    lines(goal).join("\n")
}

/// The prompt, `<s>` and `<tac>` included, at most `limits.prompt_tokens` long. The target is kept (its
/// beginning, where it alone is too long); a hypothesis that does not fit is left out whole.
pub fn encode(tokenizer: &Tokenizer, goal: &Goal, limits: Limits) -> Vec<u32> {
    if let Layout::Text(template) = tokenizer.layout() {
        return encode_text(tokenizer, template, goal, limits);
    }
    let special = tokenizer.special();
    let room = limits.prompt_tokens.saturating_sub(1);
    let mut ids = vec![special.bos];
    for (i, line) in lines(goal).into_iter().enumerate() {
        // A line break is a piece of its own for the tokenizer, so the parts encode like the whole.
        let mut part = tokenizer.encode(&if i == 0 { line } else { format!("\n{line}") });
        if i == 0 {
            part.truncate(room.saturating_sub(ids.len()));
        }
        if ids.len() + part.len() <= room {
            ids.extend(part);
        }
    }
    ids.push(special.tactic);
    ids
}

/// The prompt by a text; lines of the goal that do not fit are left out, the farthest first.
fn encode_text(tokenizer: &Tokenizer, template: &str, goal: &Goal, limits: Limits) -> Vec<u32> {
    let mut text = goal.text.as_str();
    loop {
        let mut ids = tokenizer.encode_prompt(&template.replace(GOAL, text));
        if ids.len() <= limits.prompt_tokens {
            return ids;
        }
        match text.split_once('\n') {
            Some((_, nearer)) => text = nearer,
            None => {
                ids.truncate(limits.prompt_tokens);
                return ids;
            }
        }
    }
}

/// The completion: the tactic's tokens and `</s>`.
pub fn encode_tactic(tokenizer: &Tokenizer, tactic: &str) -> Vec<u32> {
    let mut ids = tokenizer.encode(tactic.trim());
    ids.push(tokenizer.special().eos);
    ids
}

fn lines(goal: &Goal) -> Vec<String> {
    let one_line = |s: &str| s.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = vec![format!("⊢ {}", one_line(&goal.target))];
    for h in goal.hypotheses.iter().rev() {
        let mut line = format!("{} : {}", h.names.join(" "), one_line(&h.type_));
        if let Some(value) = &h.value {
            line.push_str(" := ");
            line.push_str(&one_line(value));
        }
        out.push(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal() -> Goal {
        Goal::parse("case inl\np q : Prop\nn : Nat := 5\nh : p ∧\n    q\n⊢ q ∧ p")
    }

    fn tokenizer() -> Tokenizer {
        Tokenizer::train([goal_text(&goal())].iter().cycle().take(9), 320).unwrap()
    }

    #[test]
    fn the_target_comes_first_and_the_nearest_hypothesis_next() {
        assert_eq!(goal_text(&goal()), "⊢ q ∧ p\nh : p ∧ q\nn : Nat := 5\np q : Prop");
    }

    #[test]
    fn the_parts_encode_like_the_whole() {
        let t = tokenizer();
        let ids = encode(&t, &goal(), Limits::default());
        assert_eq!(ids[1..ids.len() - 1], t.encode(&goal_text(&goal())));
        assert_eq!((ids[0], ids[ids.len() - 1]), (1, 3));
    }

    #[test]
    fn a_short_limit_keeps_the_target_and_what_is_near() {
        let t = tokenizer();
        let whole = encode(&t, &goal(), Limits::default());
        for prompt_tokens in 2..whole.len() {
            let ids = encode(&t, &goal(), Limits { prompt_tokens, tactic_tokens: 8 });
            assert!(ids.len() <= prompt_tokens && ids.ends_with(&[3]));
        }
        let near = encode(&t, &goal(), Limits { prompt_tokens: whole.len() - 1, tactic_tokens: 8 });
        let text = t.decode(&near);
        assert!(text.starts_with("⊢ q ∧ p\nh : p ∧ q\nn : Nat") && !text.contains("Prop"), "{text}");
    }

    #[test]
    fn a_tactic_ends_with_its_mark() {
        let t = tokenizer();
        assert_eq!(encode_tactic(&t, " exact h\n").last(), Some(&2));
        assert_eq!(t.decode(&encode_tactic(&t, " exact h\n")), "exact h");
    }
}
