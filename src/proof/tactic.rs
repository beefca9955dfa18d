//! Tactics as text: their tokens, the filter, a normal form.

pub use super::filter::refusal;
pub use super::token::{Token, TokenKind, tokens};

/// Words by which a tactic reaches for goals beside the main one, or for their tags.
pub const REACHING: &[&str] = &[
    "case",
    "case'",
    "next",
    "all_goals",
    "any_goals",
    "rotate_left",
    "rotate_right",
    "swap",
    "pick_goal",
    "on_goal",
    "done",
];

/// Whether a tactic's tokens name a way to leave a proof open.
pub fn names_sorry(tactic: &str) -> bool {
    tokens(tactic).iter().any(|t| {
        t.kind == TokenKind::Word
            && (matches!(t.text, "sorry" | "admit" | "stop") || t.text.ends_with("sorryAx"))
    })
}

/// A form in which tactics that differ only in white space and comments are equal. Lines that begin at
/// the first column stay lines: they are steps of their own.
pub fn normalise(tactic: &str) -> String {
    let tactic = tactic.trim_end();
    let base = tactic.lines().find(|l| !l.trim().is_empty()).map_or(0, indentation);
    let mut out = String::with_capacity(tactic.len());
    let mut end = None;
    for token in tokens(tactic).into_iter().filter(|t| t.kind != TokenKind::Comment) {
        let Some(before) = end.replace(token.end()) else {
            out.push_str(token.text);
            continue;
        };
        let gap = &tactic[before..token.start];
        let line_start = tactic[..token.start].rfind('\n').map_or(0, |i| i + 1);
        let opens = out.ends_with(['(', '[', '{', '⟨']);
        let closes = matches!(token.text, ")" | "]" | "}" | "⟩" | ",");
        if gap.contains('\n') && token.start - line_start <= base {
            out.push('\n');
        } else if out.ends_with(',') || (!gap.is_empty() && !opens && !closes) {
            out.push(' ');
        }
        out.push_str(token.text);
    }
    out
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_comments_do_not_matter_lines_do() {
        assert_eq!(normalise("simp  [a,b ]  -- c"), "simp [a, b]");
        assert_eq!(normalise("exact foo\n    bar"), "exact foo bar");
        assert_eq!(normalise("constructor\n·  simp\n"), "constructor\n· simp");
        assert_ne!(normalise("f a [i]"), normalise("f a[i]"));
        assert_ne!(normalise("simp\nsimp"), normalise("simp simp"));
    }
}
