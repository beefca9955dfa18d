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

impl Limits {
    /// The same where they fit into so many positions, else less of both.
    pub fn within(self, positions: usize) -> Limits {
        let tactic_tokens = self.tactic_tokens.min(positions / 4);
        Limits { prompt_tokens: self.prompt_tokens.min(positions - tactic_tokens), tactic_tokens }
    }
}

/// The goal as the policy reads it: one line for the target, one for each hypothesis, nearest first.
/// The case tag is left out: it says how the goal came about, not what it is.
pub fn goal_text(goal: &Goal) -> String {
    lines(goal).join("\n")
}

/// Bytes of text that are looked at for each token that there is room for. A token of Lean text has two to four; what lies
/// beyond would not fit, and encoding it would cost time on a goal of many pages.
const BYTES_A_TOKEN: usize = 16;

/// Hypotheses that did not fit after which no farther one is tried.
const MISSES: usize = 64;

/// The prompt, `<s>` and `<tac>` included, at most `limits.prompt_tokens` long. The target is kept (its
/// beginning, where it alone is too long); a hypothesis that does not fit is left out whole.
pub fn encode(tokenizer: &Tokenizer, goal: &Goal, limits: Limits) -> Vec<u32> {
    if let Layout::Text(template) = tokenizer.layout() {
        return encode_text(tokenizer, template, goal, limits);
    }
    let special = tokenizer.special();
    let room = limits.prompt_tokens.saturating_sub(1);
    let mut ids = vec![special.bos];
    let mut misses = 0;
    for (i, line) in lines(goal).into_iter().enumerate() {
        let left = room.saturating_sub(ids.len());
        // A line break is a piece of its own for the tokenizer, so the parts encode like the whole.
        let line = if i == 0 { prefix(&line, left * BYTES_A_TOKEN).to_owned() } else { format!("\n{line}") };
        let short = line.len() <= left * BYTES_A_TOKEN;
        let mut part = if short { tokenizer.encode(&line) } else { Vec::new() };
        if i == 0 {
            part.truncate(left);
        }
        if short && part.len() <= left {
            ids.extend(part);
        } else {
            misses += 1;
        }
        if misses == MISSES {
            break;
        }
    }
    ids.push(special.tactic);
    ids
}

/// The prompt by a text, around which nothing is cut: of the goal, the beginning of its target stays, and of the lines
/// before as many of the nearest as fit.
fn encode_text(tokenizer: &Tokenizer, template: &str, goal: &Goal, limits: Limits) -> Vec<u32> {
    let most = limits.prompt_tokens;
    let ids_of = |text: &str| tokenizer.encode_prompt(&template.replace(GOAL, text));
    let whole = goal.text.as_str();
    if whole.len() <= most * BYTES_A_TOKEN {
        let ids = ids_of(whole);
        if ids.len() <= most {
            return ids;
        }
    }
    let at = if whole.starts_with('⊢') { 0 } else { whole.rfind("\n⊢").map_or(0, |at| at + 1) };
    let (before, target) = whole.split_at(at);
    let target = longest_prefix(target, most * BYTES_A_TOKEN, |text| ids_of(text).len() <= most);
    let mut room = most.saturating_sub(ids_of(target).len());
    let mut kept = at;
    for begin in hypotheses(before).into_iter().rev() {
        let line = &before[begin..kept];
        if line.len() > room * BYTES_A_TOKEN {
            break;
        }
        let tokens = tokenizer.encode(line).len();
        if tokens > room {
            break;
        }
        (room, kept) = (room - tokens, begin);
    }
    // Pieces may encode otherwise together than apart.
    for begin in hypotheses(before).into_iter().filter(|b| *b >= kept).chain([at]) {
        let ids = ids_of(&format!("{}{target}", &before[begin..]));
        if ids.len() <= most {
            return ids;
        }
    }
    let mut ids = ids_of(target);
    ids.truncate(most);
    ids
}

/// Where each hypothesis begins; a line that is indented goes on with the one before.
fn hypotheses(text: &str) -> Vec<usize> {
    let mut at = 0;
    let begins = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line)
    });
    begins.filter(|(at, line)| *at == 0 || !line.starts_with(' ')).map(|(at, _)| at).collect()
}

/// The longest beginning of a text of at most so many bytes that `fits`, or nearly so: longer ones are taken to fit less.
fn longest_prefix(text: &str, bytes: usize, fits: impl Fn(&str) -> bool) -> &str {
    let text = prefix(text, bytes);
    if fits(text) {
        return text;
    }
    let (mut least, mut most) = (0, text.len());
    while most - least > 1 {
        let middle = (least + most) / 2;
        if fits(prefix(text, middle)) { least = middle } else { most = middle }
    }
    prefix(text, least)
}

/// The beginning of a text, at most so many bytes.
fn prefix(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
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
    /// A goal as printed: 20,000 characters of hypotheses, then a target.
    fn long(target: &str) -> Goal {
        let before: String =
            (0..500).map(|i| format!("h{i} : xs{i}.length = ys{i}.length +\n    zs{i}\n")).collect();
        Goal::parse(&format!("{before}⊢ {target}"))
    }

    #[test]
    fn a_goal_of_many_pages_keeps_target_and_nearest_hypotheses() {
        let limits = Limits { prompt_tokens: 200, tactic_tokens: 8 };
        let text = "[GOAL]{goal}[STEP]";
        let other = Tokenizer::other(tokenizer().to_json().unwrap().as_bytes(), 2, text).unwrap();
        for (t, open, close) in
            [(Tokenizer::bytes(text), "[GOAL]", "[STEP]"), (other, "[GOAL]", "[STEP]"), (tokenizer(), "", "")]
        {
            let short = encode(&t, &long("q ∧ p"), limits);
            assert!(short.len() <= 200 && short.len() > 130, "{}", short.len());
            let read = t.decode(&short);
            let inside = read
                .strip_prefix(open)
                .and_then(|r| r.strip_suffix(close))
                .unwrap_or_else(|| panic!("{read}"));
            assert!(inside.contains("⊢ q ∧ p") && inside.contains("h499 : xs499"), "{read}");
            assert!(!inside.contains("h400 :") && !inside.starts_with(' '), "{read}");
            // A target that alone is too long: its beginning stays, and so does all around the goal.
            let target = encode(&t, &long(&"f (a, b) ∧ ".repeat(2000)), limits);
            assert!(target.len() <= 200 && target.len() > 190, "{}", target.len());
            let read = t.decode(&target);
            assert!(read.starts_with(&format!("{open}⊢ f (a, b)")) && read.ends_with(close), "{read}");
        }
    }

    #[test]
    fn what_does_not_fit_costs_no_time() {
        // 16 million characters: encoding them, or a line at a time again and again, takes from seconds to hours.
        let target = "f (a, b) ∧ ".repeat(1_000_000);
        let before: String = (0..100_000).map(|i| format!("h{i} : xs{i} = ys{i}\n")).collect();
        let goal = Goal::parse(&format!("{before}⊢ {target}"));
        let other = Tokenizer::other(tokenizer().to_json().unwrap().as_bytes(), 2, "{goal}\n").unwrap();
        let begun = std::time::Instant::now();
        for t in [tokenizer(), other, Tokenizer::bytes("{goal}")] {
            encode(&t, &goal, Limits::default());
        }
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
