//! A tactic with blocks as an action: the tactic up to its blocks, each block a `?_`.
//!
//! `induction n with | zero => … | succ n ih => …` is one step to a person, but what is decided there is
//! only the case split; the blocks are decided later, goal by goal. The action
//! `induction n with | zero => ?_ | succ n ih => ?_` is valid Lean and leads to the goals in which the
//! blocks begin, so that a proof is a chain of small decisions.

use std::ops::Range;

/// A block of a tactic, in bytes of the tactic's own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Where it stands.
    pub range: Range<usize>,
    /// Whether it is a term `by …`.
    pub by: bool,
}

/// The action of a tactic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its text, as it would be typed at column 0.
    pub text: String,
    /// For each block of the tactic, whether the action leaves it as a goal.
    pub opened: Vec<bool>,
}

/// Kinds of syntax whose `by` blocks may be left as goals.
const OPENS_BY: [&str; 12] = [
    "tacticHave",
    "tacticLet",
    "tacticSuffices",
    "tacticShow",
    "obtain",
    "rcases",
    "refine",
    "calc",
    "exact",
    "tacticHaveI",
    "tacticRefine_lift",
    "replace",
];

/// Kinds whose alternatives may be left as goals (`=> ?_`).
const OPENS_ALTERNATIVES: [&str; 5] = ["cases", "induction", "funInduction", "funCases", "match"];

/// The action of a tactic. `text` is the tactic as it stands in the file, `column` the column of its
/// first character, `kind` the kind of its syntax node.
pub fn action(text: &str, column: usize, kind: &str, blocks: &[Block]) -> Action {
    let name = kind.rsplit('.').next().unwrap_or(kind).trim_matches(['«', '»']);
    let is = |list: &[&str]| list.iter().any(|k| name.starts_with(k));
    let mut opened = Vec::with_capacity(blocks.len());
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for block in blocks {
        let body = &text[block.range.clone()];
        // A short `by` in a term that is handed over whole is part of the term.
        let whole = name == "exact" && !body.contains('\n');
        let open = if block.by { is(&OPENS_BY) && !whole } else { is(&OPENS_ALTERNATIVES) };
        opened.push(open);
        if open {
            out.push_str(&text[at..block.range.start]);
            // `suffices h : t by …` has no `:=` before its block.
            let needs_from = name.starts_with("tacticSuffices") && !out.trim_end().ends_with("from");
            out.push_str(if needs_from || name.starts_with("tacticShow") { "from ?_" } else { "?_" });
            at = block.range.end;
        }
    }
    out.push_str(&text[at..]);
    let out = without_comments(&out);
    let out = match out.strip_prefix("exact ") {
        Some(rest) if opened.contains(&true) => format!("refine {rest}"),
        _ => out,
    };
    let kept_block = blocks.iter().zip(&opened).any(|(b, o)| !o && text[b.range.clone()].contains('\n'));
    let text = if kept_block || name.starts_with("calc") { dedent(&out, column) } else { one_line(&out) };
    Action { text, opened }
}

/// Without comments, which are no part of a decision; strings keep what looks like one.
pub fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        if in_string {
            let n =
                if c == '\\' { 1 + rest[1..].chars().next().map_or(0, char::len_utf8) } else { c.len_utf8() };
            in_string = c != '"';
            out.push_str(&rest[..n]);
            rest = &rest[n..];
        } else if rest.starts_with("--") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/-") {
            rest = &rest[block_comment(rest)..];
        } else {
            in_string = c == '"';
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Length of the comment that the text starts with; block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut i) = (0usize, 0);
    while i < text.len() {
        if text[i..].starts_with("/-") {
            depth += 1;
            i += 2;
        } else if text[i..].starts_with("-/") {
            depth -= 1;
            i += 2;
            if depth == 0 {
                return i;
            }
        } else {
            i += text[i..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text with its continuation lines moved left by the column of the first.
fn dedent(text: &str, column: usize) -> String {
    let mut lines = text.lines();
    let mut out = lines.next().unwrap_or("").trim_end().to_owned();
    for line in lines.filter(|l| !l.trim().is_empty()) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        out.push('\n');
        out.push_str(line[indent.min(column)..].trim_end());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, kind: &str, blocks: &[(&str, bool)], expected: &str) {
        let blocks: Vec<Block> = blocks
            .iter()
            .map(|(b, by)| {
                let start = text.find(b).expect("the block is in the text");
                Block { range: start..start + b.len(), by: *by }
            })
            .collect();
        assert_eq!(action(text, 2, kind, &blocks).text, expected);
    }

    #[test]
    fn case_splits_leave_their_alternatives_as_goals() {
        check(
            "induction xs generalizing acc with\n  | nil => rfl\n  | cons x xs ih =>\n    -- why\n    simp\n    exact ih",
            "Lean.Parser.Tactic.induction",
            &[("rfl", false), ("simp\n    exact ih", false)],
            "induction xs generalizing acc with | nil => ?_ | cons x xs ih => ?_",
        );
    }

    #[test]
    fn statements_leave_their_proofs_as_goals() {
        let have = "Lean.Parser.Tactic.tacticHave__";
        check("have h : a ≤ b := by\n    omega", have, &[("by\n    omega", true)], "have h : a ≤ b := ?_");
        check(
            "suffices h : p by exact h",
            "tacticSuffices_",
            &[("by exact h", true)],
            "suffices h : p from ?_",
        );
        check("show p by simp", "tacticShow__", &[("by simp", true)], "show p from ?_");
    }

    #[test]
    fn terms_keep_their_short_proofs() {
        let exact = "Lean.Parser.Tactic.exact";
        check("exact ⟨a, by simp⟩", exact, &[("by simp", true)], "exact ⟨a, by simp⟩");
        check("exact f (by\n    simp\n    rfl)", exact, &[("by\n    simp\n    rfl", true)], "refine f (?_)");
        check("rw [f (by omega)]", "Lean.Parser.Tactic.rwSeq", &[("by omega", true)], "rw [f (by omega)]");
    }

    #[test]
    fn line_breaks_stay_only_where_they_mean_something() {
        check("simp only [a,\n    b] -- so", "Lean.Parser.Tactic.simp", &[], "simp only [a, b]");
        check(
            "calc a = b := by simp\n    _ = c := h",
            "Lean.calcTactic",
            &[("by simp", true)],
            "calc a = b := ?_\n  _ = c := h",
        );
    }

    #[test]
    fn comments_go_and_strings_stay() {
        assert_eq!(without_comments("a /- x /- y -/ -/ b -- c\nd \"-- e\""), "a  b \nd \"-- e\"");
    }
}
