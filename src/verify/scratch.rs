//! The place where a tactic goes, and the text in which it is tried. Pure.

use std::ops::Range;

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
    let start = previous
        .filter(|p| p.is("exact") && text[p.end()..token.start].trim_matches(' ').is_empty())
        .map_or(token.start, |p| p.start);
    let column = column_of(text, start);
    let next = code.get(i + 1);
    let followed = next.is_some_and(|n| line_starts_at(text, n) && column_of(text, n.start) == column);
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

/// The document of the second server: the user's text with one hole, cut behind the declaration where
/// nothing behind it can depend on what is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scratch {
    /// Text before the hole.
    pub before: String,
    /// Text behind the hole, as far as it matters.
    pub after: String,
    /// The hole; its range is that in the user's document.
    pub hole: Hole,
    /// First and last line (exclusive) of the hole's declaration in the user's document, from 0.
    pub declaration: Range<u32>,
    /// Whether the declaration holds another `sorry` or `admit` than the hole.
    pub other_sorry: bool,
    /// Whether the text ends with the declaration.
    pub cut: bool,
}

impl Scratch {
    /// Prepares a document for trying tactics in a hole of it.
    pub fn new(text: &str, hole: Hole) -> Scratch {
        let declaration = declaration_at(text, hole.range.start);
        let end = if declaration.independent { declaration.bytes.end } else { text.len() };
        let mut after = text[hole.range.end..end.max(hole.range.end)].to_owned();
        let cut = end < text.len();
        if cut && !after.ends_with('\n') {
            after.push('\n');
        }
        let line = |at: usize| text[..at].matches('\n').count() as u32;
        let inside = |t: &Token<'_>| {
            let at = declaration.bytes.start + t.start;
            (t.is("sorry") || t.is("admit")) && !hole.range.contains(&at)
        };
        let other_sorry = tokens(&text[declaration.bytes.clone()]).iter().any(inside);
        let lines = line(declaration.bytes.start)..line(declaration.bytes.end.saturating_sub(1)) + 1;
        Scratch {
            before: text[..hole.range.start].to_owned(),
            after,
            hole,
            declaration: lines,
            other_sorry,
            cut,
        }
    }

    /// The text with a block of tactics in the hole.
    pub fn with(&self, block: &str) -> String {
        [&self.before, self.hole.insertion(block).as_str(), &self.after].concat()
    }

    /// What hides the declaration from Lean's search, which must not propose it for its own proof.
    pub fn hidden(&self) -> Option<String> {
        let start =
            self.before.split_inclusive('\n').take(self.declaration.start as usize).map(str::len).sum();
        super::lean_search::hide_self(self.before.get(start..)?)
    }

    /// The line of the block's first line in [`with`](Scratch::with), from 0.
    pub fn block_line(&self) -> u32 {
        (self.before.matches('\n').count() + self.hole.lead.matches('\n').count()) as u32
    }

    /// The number of lines that `with(block)` has more than the text with an empty hole.
    pub fn lines_of(&self, block: &str) -> u32 {
        self.hole.insertion(block).matches('\n').count() as u32
    }
}

/// Where the declaration around a byte begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its bytes, from its first keyword to the next command.
    pub bytes: Range<usize>,
    /// Whether what follows cannot depend on its body: a theorem, lemma or example outside `mutual`.
    pub independent: bool,
}

const KINDS: &[&str] = &[
    "theorem",
    "lemma",
    "example",
    "def",
    "abbrev",
    "instance",
    "structure",
    "inductive",
    "class",
    "opaque",
    "axiom",
];

const COMMANDS: &[&str] = &[
    "namespace",
    "section",
    "end",
    "mutual",
    "variable",
    "universe",
    "attribute",
    "open",
    "export",
    "private",
    "protected",
    "public",
    "noncomputable",
    "partial",
    "unsafe",
    "macro",
    "macro_rules",
    "syntax",
    "notation",
    "elab",
    "elab_rules",
    "infix",
    "infixl",
    "infixr",
    "prefix",
    "postfix",
    "local",
    "scoped",
    "initialize",
    "run_cmd",
    "include",
    "omit",
    "set_option",
    "deriving",
    "nonrec",
];

fn looks_like_command(t: &Token<'_>, next: Option<&Token<'_>>) -> bool {
    let word = t.kind == TokenKind::Word && (KINDS.contains(&t.text) || COMMANDS.contains(&t.text));
    word || t.is("#") || (t.is("@") && next.is_some_and(|n| n.is("[")))
}

/// Whether a token begins a command, by itself or as the start of the declaration's line.
fn begins_command(text: &str, code: &[Token<'_>], token: &Token<'_>) -> bool {
    let i = code.iter().position(|t| t.start == token.start);
    // `open`, `set_option` and the like also begin tactics, which stand deeper than column 0.
    let shallow = column_of(text, token.start) == 0 || KINDS.contains(&token.text);
    shallow && i.is_some_and(|i| looks_like_command(token, code.get(i + 1)))
}

/// Finds the declaration around a byte by the keywords that begin lines.
pub fn declaration_at(text: &str, offset: usize) -> Declaration {
    let all = tokens(text);
    let mut start = None;
    let mut mutual = false;
    let mut end = text.len();
    for (i, t) in all.iter().enumerate() {
        if !line_starts_at(text, t) {
            continue;
        }
        let doc = t.kind == TokenKind::Comment && (t.text.starts_with("/--") || t.text.starts_with("/-!"));
        if !(doc || looks_like_command(t, all.get(i + 1))) {
            continue;
        }
        let column = column_of(text, t.start);
        if t.start > offset {
            let own = start.map_or(0, |(at, _)| column_of(text, at));
            if column <= own {
                end = t.start;
                break;
            }
            continue;
        }
        mutual = (mutual || t.is("mutual")) && !t.is("end");
        // A keyword inside the declaration (`instance` in a term, say) stands deeper than its start.
        if doc || start.is_some_and(|(at, _)| column > column_of(text, at)) {
            continue;
        }
        // The keyword may stand behind modifiers and attributes on the same line.
        let line = line_range(text, t.start);
        let kind = all[i..]
            .iter()
            .take_while(|k| k.start < line.end)
            .find(|k| k.kind == TokenKind::Word && KINDS.contains(&k.text));
        start = Some((t.start, kind.map(|k| k.text)));
    }
    let (begin, kind) = start.unwrap_or((0, None));
    let independent = !mutual && kind.is_some_and(|k| matches!(k, "theorem" | "lemma" | "example"));
    Declaration { bytes: begin..end, independent }
}

fn line_range(text: &str, offset: usize) -> Range<usize> {
    let start = text[..offset].rfind('\n').map_or(0, |i| i + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |i| offset + i);
    start..end
}

fn column_of(text: &str, offset: usize) -> usize {
    text[line_range(text, offset).start..offset].chars().count()
}

fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

fn line_starts_at(text: &str, token: &Token<'_>) -> bool {
    text[line_range(text, token.start).start..token.start].trim().is_empty()
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

    #[test]
    fn a_theorem_is_cut_off_from_what_follows_a_definition_is_not() {
        let text = "/-- d -/\n@[simp] theorem a : p := by\n  sorry\n  -- theorem x\n\n/-- e -/\ntheorem b : p := by sorry\n";
        let at = text.find("sorry").unwrap();
        let d = declaration_at(text, at);
        assert_eq!(&text[d.bytes.clone()], "@[simp] theorem a : p := by\n  sorry\n  -- theorem x\n\n");
        assert!(d.independent);
        let s = Scratch::new(text, holes_at(text, at).remove(0));
        assert!(s.cut && !s.other_sorry);
        assert_eq!(s.declaration, 1..5);
        assert_eq!(s.with("x\ny"), "/-- d -/\n@[simp] theorem a : p := by\n  x\n  y\n  -- theorem x\n\n");
        assert_eq!((s.block_line(), s.lines_of("x\ny")), (2, 1));
        let text = "def f : T := by\n  sorry\ndef g := 1\n";
        assert!(!Scratch::new(text, holes_at(text, 19).remove(0)).cut);
        let text = "mutual\ntheorem f : T := by\n  sorry\ntheorem g : T := by\n  sorry\nend\n";
        let s = Scratch::new(text, holes_at(text, 30).remove(0));
        assert!(!s.cut && !s.other_sorry);
    }
}
