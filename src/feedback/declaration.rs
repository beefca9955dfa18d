//! Which declaration a place belongs to, by the text alone: good enough to group rows, and there before
//! Lean has read the file.

use std::ops::Range;

use sha2::{Digest, Sha256};

/// A declaration found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The name with its namespaces; `example#1a2b3c4d` (a hash of the statement) where it has none.
    pub name: String,
    /// `theorem`, `def`, …
    pub keyword: String,
    /// From its first line (modifiers included) to the line before the next command, in bytes.
    pub range: Range<usize>,
}

const KEYWORDS: &[&str] = &[
    "theorem",
    "lemma",
    "def",
    "abbrev",
    "example",
    "instance",
    "opaque",
    "axiom",
    "structure",
    "class",
    "inductive",
];

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

/// The nearest declaration that begins at or above a byte offset, if the offset lies inside it.
pub fn declaration_at(text: &str, offset: usize) -> Option<Declaration> {
    let mut scopes: Vec<&str> = Vec::new();
    let mut found: Option<(usize, usize, Declaration)> = None;
    let (mut at, mut depth) = (0, 0usize);
    for line in text.split_inclusive('\n') {
        let (start, in_comment) = (at, depth > 0);
        at += line.len();
        depth = comment_depth(line, depth);
        let indent = line.len() - line.trim_start().len();
        let t = line.trim_end();
        if in_comment || t.trim().is_empty() || continues(t.trim_start()) {
            continue;
        }
        if let Some((_, column, d)) = &mut found
            && indent <= *column
        {
            // The next command ends the declaration; what lies before it belongs to it.
            if start > offset {
                d.range.end = start;
                break;
            }
            found = None;
        }
        if start > offset {
            break;
        }
        if found.is_some() {
            continue;
        }
        let words = t.trim_start();
        let mut parts = words.split_whitespace();
        match parts.next() {
            Some("namespace") => scopes.push(parts.next().unwrap_or("")),
            Some("section" | "mutual") => scopes.push(""),
            Some("public" | "noncomputable" | "meta") if words.ends_with("section") => scopes.push(""),
            Some("end") => drop(scopes.pop()),
            _ => {
                if let Some((keyword, rest)) = split_keyword(words) {
                    let body = start + indent + (words.len() - rest.len());
                    let name = name_of(keyword, rest, &text[body..], &scopes);
                    let range = start..text.len();
                    found = Some((start, indent, Declaration { name, keyword: keyword.into(), range }));
                }
            }
        }
    }
    found.map(|(_, _, d)| d).filter(|d| offset <= d.range.end)
}

/// How many block comments are open behind a line, given how many were open before it.
pub(super) fn comment_depth(line: &str, mut depth: usize) -> usize {
    let bytes = line.as_bytes();
    let mut i = 0;
    let mut in_string = false;
    while i < bytes.len() {
        let rest = &bytes[i..];
        if depth > 0 {
            match rest {
                [b'-', b'/', ..] => (depth, i) = (depth - 1, i + 1),
                [b'/', b'-', ..] => (depth, i) = (depth + 1, i + 1),
                _ => {}
            }
        } else if in_string {
            match rest {
                [b'\\', ..] => i += 1,
                [b'"', ..] => in_string = false,
                _ => {}
            }
        } else {
            match rest {
                [b'-', b'-', ..] => return depth,
                [b'/', b'-', ..] => (depth, i) = (depth + 1, i + 1),
                [b'"', ..] => in_string = true,
                _ => {}
            }
        }
        i += 1;
    }
    depth
}

/// Lines that may stand at a command's column without being one.
fn continues(line: &str) -> bool {
    let word = line.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    matches!(word, "where" | "termination_by" | "decreasing_by" | "deriving" | "with")
        || line.starts_with(['|', '·', ':', ')', ']', '⟩', '}', '<', '-'])
}

/// The keyword of a declaration and what follows it, modifiers and attributes skipped.
fn split_keyword(line: &str) -> Option<(&str, &str)> {
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        if let Some(attributes) = rest.strip_prefix("@[") {
            rest = &attributes[attributes.find(']')? + 1..];
            continue;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        if KEYWORDS.contains(&word) {
            return Some((word, tail));
        } else if MODIFIERS.contains(&word) {
            rest = tail;
        } else if matches!(word, "open" | "set_option" | "omit" | "include" | "variable") {
            rest = &tail[tail.find(" in ")? + 4..];
        } else {
            return None;
        }
    }
}

/// The full name, or a name made of the statement where the declaration has none.
fn name_of(keyword: &str, rest: &str, body: &str, scopes: &[&str]) -> String {
    let word = rest.split_whitespace().next().unwrap_or("");
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "import A\n\nnamespace N\nsection\n\n/-- About\ntheorem no : x -/\n@[simp] private theorem a.b (n : Nat) : n = n := by\n  rfl\n\nend\nexample : True := by\n  trivial\n\ndef f : Nat → Nat\n| 0 => 1\n| _ => 2\ntermination_by x => x\n\nend N\nopen Nat in\nlemma c: 1 = 1 := rfl\n#eval 1\n";

    fn at(needle: &str) -> Option<Declaration> {
        declaration_at(TEXT, TEXT.find(needle).unwrap())
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
        let moved = declaration_at("example :  True := by\n  skip", 24).unwrap();
        assert_eq!(moved.name, d.name, "white space and the proof are not part of it");
    }

    #[test]
    fn outside_of_declarations_there_is_none() {
        assert_eq!(at("import A"), None);
        assert_eq!(at("#eval"), None);
        assert_eq!(at("namespace"), None);
        assert_eq!(declaration_at("", 0), None);
    }

    #[test]
    fn the_place_right_behind_a_proof_belongs_to_it() {
        let text = "theorem t : p := by\n  simp\n  ";
        assert_eq!(declaration_at(text, text.len()).unwrap().name, "t");
        let anonymous = declaration_at("instance : Inhabited Nat := ⟨1⟩", 20).unwrap();
        assert!(anonymous.name.starts_with("instance#"));
    }
}
