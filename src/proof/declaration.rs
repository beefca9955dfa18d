//! The declaration around a place, found by the keywords that begin lines: there before Lean has read the file, and
//! good enough to cut a text behind it and to group rows by its name. And the header of a file. Pure.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::tactic::{Token, TokenKind, tokens};

/// Where the declaration around a byte begins and ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its bytes, from its first keyword to the next command.
    pub bytes: Range<usize>,
    /// Whether what follows cannot depend on its body: a theorem, lemma or example outside `mutual`.
    pub independent: bool,
}

/// A declaration with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name with its namespaces; `example#1a2b3c4d` (a hash of the statement) where it has none.
    pub name: String,
    /// `theorem`, `def`, …
    pub keyword: String,
    /// From its first line (modifiers included) to the next command, in bytes.
    pub range: Range<usize>,
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

/// What may stand between a declaration's first token and its keyword.
const MODIFIERS: &[&str] = &[
    "private",
    "protected",
    "public",
    "noncomputable",
    "partial",
    "unsafe",
    "nonrec",
    "meta",
    "local",
    "scoped",
];

/// Commands that hold others, or go before them: what stands deeper behind one is a command of its own.
const AROUND: &[&str] = &[
    "namespace",
    "section",
    "end",
    "mutual",
    "open",
    "variable",
    "universe",
    "set_option",
    "omit",
    "include",
];

fn looks_like_command(t: &Token<'_>, next: Option<&Token<'_>>) -> bool {
    let word = t.kind == TokenKind::Word && (KINDS.contains(&t.text) || COMMANDS.contains(&t.text));
    word || t.is("#") || (t.is("@") && next.is_some_and(|n| n.is("[")))
}

/// Whether a token begins a command, by itself or as the start of the declaration's line.
pub fn begins_command(text: &str, code: &[Token<'_>], token: &Token<'_>) -> bool {
    let i = code.iter().position(|t| t.start == token.start);
    // `open`, `set_option` and the like also begin tactics, which stand deeper than column 0.
    let shallow = column_of(text, token.start) == 0 || KINDS.contains(&token.text);
    shallow && i.is_some_and(|i| looks_like_command(token, code.get(i + 1)))
}

/// What was found around a byte.
struct Around<'a> {
    /// Where the last command at or before it begins; none where there is none.
    begin: Option<usize>,
    /// The keyword of a declaration on that command's line.
    kind: Option<Token<'a>>,
    /// Whether that command is a declaration, with nothing but modifiers before its keyword.
    declares: bool,
    /// Whether the byte lies in the documentation of what follows.
    left: bool,
    /// Where the next command begins that is no part of it.
    end: usize,
    mutual: bool,
    /// The open namespaces; empty words for sections.
    scopes: Vec<&'a str>,
}

fn around(text: &str, offset: usize) -> Around<'_> {
    let all = tokens(text);
    let mut found = Around {
        begin: None,
        kind: None,
        declares: false,
        left: false,
        end: text.len(),
        mutual: false,
        scopes: Vec::new(),
    };
    // Whether the last command is one that others stand deeper behind.
    let mut holds = true;
    for (i, t) in all.iter().enumerate() {
        if !line_starts_at(text, t) {
            continue;
        }
        let doc = t.kind == TokenKind::Comment && (t.text.starts_with("/--") || t.text.starts_with("/-!"));
        if !(doc || looks_like_command(t, all.get(i + 1))) {
            continue;
        }
        let column = column_of(text, t.start);
        let own = found.begin.map_or(0, |at| column_of(text, at));
        if t.start > offset {
            if column <= own || holds {
                found.end = t.start;
                break;
            }
            continue;
        }
        found.mutual = (found.mutual || t.is("mutual")) && !t.is("end");
        // A keyword inside the declaration (`instance` in a term, say) stands deeper than its start.
        if found.begin.is_some() && !holds && column > own {
            continue;
        }
        if doc {
            found.left = true;
            continue;
        }
        let line = line_range(text, t.start);
        let words: Vec<Token<'_>> = all[i..].iter().take_while(|k| k.start < line.end).copied().collect();
        // The keyword may stand behind modifiers and attributes on the same line.
        let at = words.iter().position(|k| k.kind == TokenKind::Word && KINDS.contains(&k.text));
        found.kind = at.map(|at| words[at]);
        found.declares = at.is_some_and(|at| leads_to_declaration(&words[..at]));
        (found.begin, found.left) = (Some(t.start), false);
        holds = at.is_none() && (AROUND.contains(&t.text) || words.iter().any(|w| w.is("section")));
        match t.text {
            "namespace" => found.scopes.push(words.get(1).map_or("", |w| w.text)),
            "end" => drop(found.scopes.pop()),
            "mutual" => found.scopes.push(""),
            _ if at.is_none() && words.iter().any(|w| w.is("section")) => found.scopes.push(""),
            _ => {}
        }
    }
    found
}

/// Whether the tokens before a keyword leave it the beginning of a declaration: modifiers, attributes, `open … in`.
fn leads_to_declaration(before: &[Token<'_>]) -> bool {
    let Some(first) = before.first() else { return true };
    first.is("@") || MODIFIERS.contains(&first.text) || before.iter().any(|t| t.is("in"))
}

/// Finds the declaration around a byte by the keywords that begin lines. Where there is none: the whole command, or
/// the text before the first one.
pub fn declaration_at(text: &str, offset: usize) -> Declaration {
    let found = around(text, offset);
    let independent =
        !found.mutual && found.kind.is_some_and(|k| matches!(k.text, "theorem" | "lemma" | "example"));
    Declaration { bytes: found.begin.unwrap_or(0)..found.end, independent }
}

/// The nearest declaration that begins at or above a byte, if the byte lies inside it.
pub fn named_at(text: &str, offset: usize) -> Option<Named> {
    let found = around(text, offset);
    let (begin, kind) = (found.begin?, found.kind?);
    if found.left || !found.declares {
        return None;
    }
    let name = name_of(kind.text, &text[kind.end()..], &found.scopes);
    let range = line_range(text, begin).start..found.end;
    Some(Named { name, keyword: kind.text.to_owned(), range })
}

/// The full name, or a name made of the statement where the declaration has none.
fn name_of(keyword: &str, body: &str, scopes: &[&str]) -> String {
    let word = body.split('\n').next().unwrap_or("").split_whitespace().next().unwrap_or("");
    let name: &str = match word.find(['(', '{', '[', ':', '⦃', '|']) {
        Some(0) => "",
        Some(at) => &word[..at],
        None => word,
    };
    let is_name = name.chars().next().is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '«'));
    if keyword == "example" || !is_name {
        let statement = body.split(":=").next().unwrap_or(body);
        let normal = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let digest = Sha256::digest(normal.as_bytes());
        let hash: String = digest[..4].iter().map(|b| format!("{b:02x}")).collect();
        return format!("{keyword}#{hash}");
    }
    if let Some(root) = name.strip_prefix("_root_.") {
        return root.to_owned();
    }
    scopes.iter().filter(|s| !s.is_empty()).copied().chain([name]).collect::<Vec<_>>().join(".")
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

/// The line around a byte, without its end.
pub fn line_range(text: &str, offset: usize) -> Range<usize> {
    let start = text[..offset].rfind('\n').map_or(0, |i| i + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |i| offset + i);
    start..end
}

/// The column of a byte in code points, from 0.
pub fn column_of(text: &str, offset: usize) -> usize {
    text[line_range(text, offset).start..offset].chars().count()
}

/// The spaces that a line begins with.
pub fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

/// Whether a token is the first of its line.
pub fn line_starts_at(text: &str, token: &Token<'_>) -> bool {
    text[line_range(text, token.start).start..token.start].trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "import A\n\nnamespace N\nsection\n\n/-- About\ntheorem no : x -/\n@[simp] private theorem a.b (n : Nat) : n = n := by\n  rfl\n\nend\nexample : True := by\n  trivial\n\ndef f : Nat → Nat\n| 0 => 1\n| _ => 2\ntermination_by x => x\n\nend N\nopen Nat in\nlemma c: 1 = 1 := rfl\n#eval 1\n";

    fn at(needle: &str) -> Option<Named> {
        named_at(TEXT, TEXT.find(needle).unwrap())
    }

    #[test]
    fn names_carry_their_namespaces_and_comments_are_passed_over() {
        let d = at("rfl\n").unwrap();
        assert_eq!((d.name.as_str(), d.keyword.as_str()), ("N.a.b", "theorem"));
        assert!(TEXT[d.range.clone()].starts_with("@[simp]") && TEXT[d.range].ends_with("rfl\n\n"));
        assert_eq!(at("| _").unwrap().name, "N.f");
        assert_eq!(at("termination_by").unwrap().name, "N.f");
        assert_eq!(at("1 = 1").unwrap().name, "c");
        assert_eq!(at("1 = 1").unwrap().keyword, "lemma");
    }

    #[test]
    fn an_example_is_named_by_its_statement() {
        let d = at("trivial").unwrap();
        assert!(d.name.starts_with("example#") && d.name.len() == 16, "{}", d.name);
        let moved = named_at("example :  True := by\n  skip", 24).unwrap();
        assert_eq!(moved.name, d.name, "white space and the proof are not part of it");
    }

    #[test]
    fn outside_of_declarations_there_is_none() {
        assert_eq!(at("import A"), None);
        assert_eq!(at("#eval"), None);
        assert_eq!(at("namespace"), None);
        assert_eq!(named_at("", 0), None);
    }

    #[test]
    fn the_place_right_behind_a_proof_belongs_to_it() {
        let text = "theorem t : p := by\n  simp\n  ";
        assert_eq!(named_at(text, text.len()).unwrap().name, "t");
        let anonymous = named_at("instance : Inhabited Nat := ⟨1⟩", 20).unwrap();
        assert!(anonymous.name.starts_with("instance#"));
    }

    #[test]
    fn what_stands_deeper_in_a_namespace_is_a_declaration() {
        let text = "namespace N\n  theorem a : p := by\n    sorry\n  theorem b : p := by\n    sorry\nend N\n";
        let d = declaration_at(text, text.find("sorry").unwrap());
        assert_eq!(&text[d.bytes], "theorem a : p := by\n    sorry\n  ");
        assert!(d.independent);
        assert_eq!(named_at(text, text.rfind("sorry").unwrap()).unwrap().name, "N.b");
        let text = "def f : T :=\n  instance x\n  sorry\nattribute [instance] f\n";
        assert_eq!(named_at(text, text.find("sorry").unwrap()).unwrap().name, "f");
        assert_eq!(named_at(text, text.find("] f").unwrap()), None);
        let text = "theorem a : p := q\n\n/-- About b. -/\ntheorem b : p := q\n";
        assert_eq!(named_at(text, text.find("About").unwrap()), None);
    }

    #[test]
    fn the_first_command_stands_behind_the_imports() {
        let rest = |text: &str| text[first_command(text)..].to_owned();
        assert_eq!(rest("theorem a : p := b"), "theorem a : p := b");
        assert_eq!(rest("-- c\nimport A\nimport all B.C -- d\n\nopen A"), "open A");
        assert_eq!(rest("module\npublic import A\npublic meta import B\npublic section"), "public section");
        assert_eq!(rest("import A /- x\n y -/\n/-- d -/\ndef x := 1"), "/-- d -/\ndef x := 1");
    }
}
