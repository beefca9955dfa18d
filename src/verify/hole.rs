//! The place where a tactic goes, read from the text around a position. Pure.

use std::ops::Range;

use crate::proof::declaration::{begins_command, column_of, indentation, line_range, line_starts_at};
use crate::proof::tactic::{Token, TokenKind, tokens};

/// What stands where the tactic is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoleKind {
    /// A `sorry` or `admit`, which is replaced.
    Sorry,
    /// Nothing, behind `by`, `=>` or `·`.
    EmptyBlock,
    /// A blank line.
    BlankLine,
    /// A tactic; the new one goes before it.
    BeforeTactic,
}

/// The place of a tactic in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// What stands there.
    pub kind: HoleKind,
    /// The bytes that the tactic replaces.
    pub range: Range<usize>,
    /// The column of the tactic's first character, in code points; further lines are indented to it.
    pub column: usize,
    /// What is written before the tactic: a space, a line break with indentation, or `by `.
    pub lead: String,
    /// What is written behind it: a line break with indentation where a tactic follows on the line.
    pub trail: String,
    /// Whether tactics of the same block follow, which go on with the goals that are left.
    pub followed: bool,
}

/// The readings of a position, the likeliest first; Lean decides which one has a proof state.
pub fn holes_at(text: &str, offset: usize) -> Vec<Hole> {
    let all = tokens(text);
    let code: Vec<Token<'_>> = all.iter().filter(|t| t.kind != TokenKind::Comment).copied().collect();
    if all.iter().any(|t| t.kind == TokenKind::Comment && t.start < offset && offset < t.end()) {
        return Vec::new();
    }
    if let Some(i) = sorry_at(text, &code, offset) {
        return sorry_holes(text, &code, i);
    }
    let before = code.iter().rposition(|t| t.end() <= offset);
    let next = code.get(before.map_or(0, |i| i + 1));
    let inside = next.is_some_and(|t| t.start < offset);
    let after = next.filter(|_| !inside);
    let opener = before.filter(|i| !inside && opens_block(&code, *i)).map(|i| code[i]);
    if let Some(hole) = opener.and_then(|o| behind_opener(text, offset, &o, after)) {
        return vec![hole];
    }
    let line = line_range(text, offset);
    if text[line.clone()].trim().is_empty() {
        return vec![blank_line(text, &line, before.map(|i| code[i]), after)];
    }
    before_tactic(text, &code, offset, &line).into_iter().collect()
}

/// The `sorry` or `admit` that the position touches, or that is its neighbour on the line.
fn sorry_at(text: &str, code: &[Token<'_>], offset: usize) -> Option<usize> {
    let is_sorry = |t: &Token<'_>| t.is("sorry") || t.is("admit");
    if let Some(i) = code.iter().position(|t| is_sorry(t) && t.start <= offset && offset <= t.end()) {
        return Some(i);
    }
    let next = code.iter().position(|t| t.start >= offset);
    let same_line = |a: usize, b: usize| !text[a..b].contains('\n') && text[a..b].trim().is_empty();
    if let Some(i) = next.filter(|i| is_sorry(&code[*i]) && same_line(offset, code[*i].start)) {
        return Some(i);
    }
    let last = code.iter().rposition(|t| t.end() <= offset)?;
    (is_sorry(&code[last]) && same_line(code[last].end(), offset)).then_some(last)
}

fn sorry_holes(text: &str, code: &[Token<'_>], i: usize) -> Vec<Hole> {
    let token = code[i];
    let previous = i.checked_sub(1).map(|p| code[p]);
    // `exact sorry` is one hole: no tactic can stand behind `exact`.
    let exact = previous
        .filter(|p| p.is("exact") && text[p.end()..token.start].trim_matches(' ').is_empty())
        .map(|p| p.start);
    let start = exact.unwrap_or(token.start);
    let first = i - usize::from(exact.is_some());
    // Behind `;` further lines stand where the block began.
    let behind = first > 0 && code[first - 1].is(";");
    let column = if behind { block_column(text, code, first) } else { column_of(text, start) };
    let next = code.get(i + 1);
    let below = |n: &Token<'_>| line_starts_at(text, n) && column_of(text, n.start) == column;
    let followed = next.is_some_and(|n| n.is(";") || below(n));
    let tactic = Hole {
        kind: HoleKind::Sorry,
        range: start..token.end(),
        column,
        lead: String::new(),
        trail: String::new(),
        followed,
    };
    let mut holes = vec![tactic.clone()];
    if token.is("sorry") && start == token.start {
        // A term: it becomes a tactic block.
        let lead = "by ".to_owned();
        holes.push(Hole { column: column + 3, lead, followed: false, ..tactic });
        if previous.is_some_and(|p| p.is("=") && p.start > 0 && text[..p.start].ends_with(':')) {
            holes.swap(0, 1);
        }
    }
    holes
}

/// The column of the block that holds a token, which stands on the line where the block begins or goes on.
fn block_column(text: &str, code: &[Token<'_>], i: usize) -> usize {
    let line = line_range(text, code[i].start);
    let (mut first, mut depth) = (i, 0);
    for j in (0..i).rev().take_while(|j| line.contains(&code[*j].start)) {
        match code[j].text {
            ")" | "]" | "}" | "⟩" => depth += 1,
            "(" | "[" | "{" | "⟨" if depth > 0 => depth -= 1,
            "(" | "[" | "{" | "⟨" => break,
            _ if depth == 0 && opens_block(code, j) => break,
            _ => {}
        }
        first = j;
    }
    column_of(text, code[first].start)
}

/// Whether a token opens a block of tactics: `by`, `·`, or the second character of `=>`.
fn opens_block(code: &[Token<'_>], i: usize) -> bool {
    let t = code[i];
    let arrow = t.is(">") && i > 0 && code[i - 1].is("=") && code[i - 1].end() == t.start;
    t.is("by") || t.is("·") || arrow
}

fn behind_opener(text: &str, offset: usize, opener: &Token<'_>, after: Option<&Token<'_>>) -> Option<Hole> {
    let line = line_range(text, opener.start);
    let indent = indentation(&text[line.clone()]);
    let deepest = if opener.is("·") { column_of(text, opener.start) } else { indent };
    if let Some(next) = after {
        if !line_starts_at(text, next) {
            return None;
        }
        if column_of(text, next.start) > deepest && !next.is("|") {
            // The block begins on a later line: before its first tactic.
            return (offset <= line.end).then(|| before_token(text, next));
        }
    }
    if offset > line.end {
        return None;
    }
    let inline = !opener.is("by");
    let column = if inline { column_of(text, opener.end()) + 1 } else { indent + 2 };
    let lead = if inline { " ".to_owned() } else { format!("\n{}", " ".repeat(column)) };
    let end = opener.end() + text[opener.end()..line.end].len()
        - text[opener.end()..line.end].trim_start_matches([' ', '\t', '\r']).len();
    Some(Hole {
        kind: HoleKind::EmptyBlock,
        range: opener.end()..end,
        column,
        lead,
        trail: String::new(),
        followed: false,
    })
}

fn blank_line(text: &str, line: &Range<usize>, before: Option<Token<'_>>, after: Option<&Token<'_>>) -> Hole {
    let own = text[line.clone()].trim_end_matches('\r').chars().count();
    let derived = before.map_or(0, |t| {
        let previous = line_range(text, t.start);
        let indent = indentation(&text[previous.clone()]);
        let last = text[previous].trim_end();
        let deeper = last.ends_with("by") || last.ends_with("=>");
        if deeper { indent + 2 } else { indent }
    });
    let column = if own > 0 { own } else { derived };
    let next = after.filter(|n| line_starts_at(text, n));
    Hole {
        kind: HoleKind::BlankLine,
        range: line.clone(),
        column,
        lead: " ".repeat(column),
        trail: String::new(),
        followed: next.is_some_and(|n| column > 0 && column_of(text, n.start) == column),
    }
}

fn before_tactic(text: &str, code: &[Token<'_>], offset: usize, line: &Range<usize>) -> Option<Hole> {
    let on_line: Vec<usize> = (0..code.len()).filter(|i| line.contains(&code[*i].start)).collect();
    let mut chosen = None;
    let mut begins = true;
    for i in on_line {
        let opens = opens_block(code, i);
        if begins && !opens && (chosen.is_none() || code[i].start <= offset) {
            chosen = Some(code[i]);
        }
        begins = opens || (begins && chosen.is_none());
    }
    // A command is no tactic: what is put before it would belong to the declaration above.
    chosen.filter(|t| !begins_command(text, code, t)).map(|t| before_token(text, &t))
}

fn before_token(text: &str, token: &Token<'_>) -> Hole {
    let column = column_of(text, token.start);
    Hole {
        kind: HoleKind::BeforeTactic,
        range: token.start..token.start,
        column,
        lead: String::new(),
        trail: format!("\n{}", " ".repeat(column)),
        followed: true,
    }
}

impl Hole {
    /// What replaces [`range`](Hole::range) when `tactic` goes here.
    pub fn insertion(&self, tactic: &str) -> String {
        let mut out = self.lead.clone();
        let margin = " ".repeat(self.column);
        for (i, line) in tactic.trim_end().lines().enumerate() {
            if i > 0 {
                out.push('\n');
                if !line.trim().is_empty() {
                    out.push_str(&margin);
                }
            }
            out.push_str(line.trim_end());
        }
        out.push_str(&self.trail);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts `a\nb` in the hole at `¦` and shows the text.
    fn fill(marked: &str) -> String {
        let offset = marked.find('¦').unwrap();
        let text = marked.replacen('¦', "", 1);
        let holes = holes_at(&text, offset);
        let hole = holes.first().expect("a hole");
        [&text[..hole.range.start], &hole.insertion("a\nb"), &text[hole.range.end..]].concat()
    }

    #[test]
    fn a_sorry_is_replaced_wherever_the_position_touches_it() {
        for marked in
            ["t := by\n  ¦sorry\n", "t := by\n  sor¦ry\n", "t := by\n  sorry¦\n", "t := by\n¦  sorry\n"]
        {
            assert_eq!(fill(marked), "t := by\n  a\n  b\n", "{marked:?}");
        }
        assert_eq!(fill("t := by sorr¦y\n"), "t := by a\n        b\n");
        assert_eq!(fill("t := by\n  exact sorr¦y"), "t := by\n  a\n  b");
        assert_eq!(fill("t : p := ¦sorry"), "t : p := by a\n            b");
        assert_eq!(fill("  · admi¦t\n  · x"), "  · a\n    b\n  · x");
        // Behind a semicolon the block's own column counts.
        assert_eq!(fill("t := by x (y; z); sor¦ry\n"), "t := by x (y; z); a\n        b\n");
        assert_eq!(fill("  x; exact sor¦ry; y\n"), "  x; a\n  b; y\n");
        assert_eq!(fill("  x <;> (y; sor¦ry)\n"), "  x <;> (y; a\n         b)\n");
    }

    #[test]
    fn an_empty_block_is_filled() {
        assert_eq!(fill("t := by¦"), "t := by\n  a\n  b");
        assert_eq!(fill("t := by¦\n\ntheorem u"), "t := by\n  a\n  b\n\ntheorem u");
        assert_eq!(fill("  ·¦\n  · x"), "  · a\n    b\n  · x");
        assert_eq!(fill("  | zero =>¦\n  | succ n => x"), "  | zero => a\n            b\n  | succ n => x");
    }

    #[test]
    fn a_blank_line_takes_the_tactic_at_its_indentation() {
        assert_eq!(fill("t := by\n  x\n  ¦\n"), "t := by\n  x\n  a\n  b\n");
        assert_eq!(fill("t := by\n¦\n"), "t := by\n  a\n  b\n");
        assert_eq!(fill("t := by\n  x\n¦"), "t := by\n  x\n  a\n  b");
    }

    #[test]
    fn an_existing_tactic_comes_after() {
        assert_eq!(fill("t := by\n  si¦mp\n"), "t := by\n  a\n  b\n  simp\n");
        assert_eq!(fill("t := by ¦simp\n"), "t := by a\n        b\n        simp\n");
        assert_eq!(fill("t := by¦\n  simp\n"), "t := by\n  a\n  b\n  simp\n");
        assert_eq!(fill("  · si¦mp\n"), "  · a\n    b\n    simp\n");
    }

    #[test]
    fn a_comment_holds_no_tactic() {
        assert!(holes_at("t := by\n  -- sorry\n", 14).is_empty());
        assert!(holes_at("t := by\n\ndef x := 1\n", 11).is_empty(), "a command is no tactic");
    }
}
