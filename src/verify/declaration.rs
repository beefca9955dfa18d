//! The declaration around a place, found by the keywords that begin lines, and the header of a file. Pure.

use std::ops::Range;

use crate::proof::tactic::{Token, TokenKind, tokens};

/// Where the declaration around a byte begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its bytes, from its first keyword to the next command.
    pub bytes: Range<usize>,
    /// Whether what follows cannot depend on its body: a theorem, lemma or example outside `mutual`.
    pub independent: bool,
}

/// What begins a declaration.
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
pub(super) fn begins_command(text: &str, code: &[Token<'_>], token: &Token<'_>) -> bool {
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

/// The byte where a file's first command begins, behind `module`, `prelude` and the imports.
pub fn first_command(text: &str) -> usize {
    // A comment is no command, but a command's documentation belongs to it.
    let is_code = |t: &Token<'_>| {
        t.kind != TokenKind::Comment || t.text.starts_with("/--") || t.text.starts_with("/-!")
    };
    let code: Vec<Token<'_>> = tokens(text).into_iter().filter(is_code).collect();
    let is = |i: usize, words: &[&str]| code.get(i).is_some_and(|t| words.iter().any(|w| t.is(w)));
    let mut i = 0;
    while is(i, &["module", "prelude"]) {
        i += 1;
    }
    loop {
        let mut at = i;
        while is(at, &["public", "private", "meta"]) {
            at += 1;
        }
        if !is(at, &["import"]) {
            break;
        }
        at += 1;
        while is(at, &["all", "runtime"]) {
            at += 1;
        }
        i = at + 1;
    }
    code.get(i).map_or(text.len(), |t| t.start)
}

pub(super) fn line_range(text: &str, offset: usize) -> Range<usize> {
    let start = text[..offset].rfind('\n').map_or(0, |i| i + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |i| offset + i);
    start..end
}

pub(super) fn column_of(text: &str, offset: usize) -> usize {
    text[line_range(text, offset).start..offset].chars().count()
}

pub(super) fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

pub(super) fn line_starts_at(text: &str, token: &Token<'_>) -> bool {
    text[line_range(text, token.start).start..token.start].trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_command_stands_behind_the_imports() {
        let rest = |text: &str| text[first_command(text)..].to_owned();
        assert_eq!(rest("theorem a : p := b"), "theorem a : p := b");
        assert_eq!(rest("-- c\nimport A\nimport all B.C -- d\n\nopen A"), "open A");
        assert_eq!(rest("module\npublic import A\npublic meta import B\npublic section"), "public section");
        assert_eq!(rest("import A /- x\n y -/\n/-- d -/\ndef x := 1"), "/-- d -/\ndef x := 1");
    }
}
