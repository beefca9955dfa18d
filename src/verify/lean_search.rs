//! Lean's own search tactics: what they are, and their proposals read from messages. Pure.

use lsp_types::{Diagnostic, DiagnosticSeverity};

/// The search tactics, the quickest first.
pub const COMMANDS: &[&str] = &["simp?", "exact?", "try?"];

/// A tactic that hides the theorem being proved from Lean's search, which otherwise proposes the theorem
/// itself (Lean takes that for a recursive call until it looks for what decreases) and then looks no
/// further. `declaration` is the text from its first keyword on; `None` where there is nothing to hide.
pub fn hide_self(declaration: &str) -> Option<String> {
    let mut words = declaration.split_whitespace().skip_while(|w| !matches!(*w, "theorem" | "lemma"));
    let name = words.nth(1)?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'' | '!' | '?' | '«' | '»');
    let name = &name[..name.find(|c| !is_name(c)).unwrap_or(name.len())];
    (!name.is_empty()).then(|| format!("try clear {name}"))
}

/// The tactics that "Try this" messages on a line propose, in their order, each at column 0.
pub fn proposals(diagnostics: &[Diagnostic], line: u32) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for d in diagnostics {
        if d.severity == Some(DiagnosticSeverity::INFORMATION) && d.range.start.line == line {
            for tactic in read_message(&d.message) {
                if !out.contains(&tactic) {
                    out.push(tactic);
                }
            }
        }
    }
    out
}

/// Reads one message: `Try this: t` (Lean before 4.26), or `Try this:` / `Try these:` with an entry a
/// line, marked `[apply]` or `•`, whose further lines are indented. None for other messages.
pub fn read_message(message: &str) -> Vec<String> {
    let Some((head, rest)) =
        ["Try this:", "Try these:"].iter().find_map(|h| message.strip_prefix(h).map(|rest| (*h, rest)))
    else {
        return Vec::new();
    };
    if head == "Try this:" && !rest.starts_with('\n') && !rest.trim_start().starts_with("[apply]") {
        return dedent(rest.trim_start_matches(' ')).into_iter().collect();
    }
    let mut entries: Vec<String> = Vec::new();
    for line in rest.trim_start_matches('\n').lines() {
        let inner = line.trim_start();
        let marked = ["[apply]", "•"].iter().find_map(|m| inner.strip_prefix(m));
        match (marked, entries.last_mut()) {
            (Some(text), _) => entries.push(text.strip_prefix(' ').unwrap_or(text).to_owned()),
            (None, Some(entry)) => {
                entry.push('\n');
                entry.push_str(line);
            }
            (None, None) if !inner.is_empty() => entries.push(inner.to_owned()),
            (None, None) => {}
        }
    }
    entries.iter().filter_map(|e| dedent(e)).collect()
}

/// Moves the lines behind the first to the left by their common indentation, so that a block that
/// begins at column 0 stays one; a continuation keeps two spaces.
fn dedent(text: &str) -> Option<String> {
    let text = text.trim_end();
    let mut lines = text.lines();
    let first = lines.next().filter(|l| !l.trim().is_empty())?.trim_end();
    let rest: Vec<&str> = lines.collect();
    let indent = |l: &&str| l.len() - l.trim_start_matches(' ').len();
    let margin = rest.iter().filter(|l| !l.trim().is_empty()).map(indent).min().unwrap_or(0);
    // Lean prints an entry at column 2; what stands there or before begins a line of its own.
    let cut = margin.min(2);
    let mut out = first.to_owned();
    for line in rest {
        out.push('\n');
        out.push_str(line.get(cut.min(indent(&line))..).unwrap_or("").trim_end());
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_theorems_are_hidden_from_the_search() {
        let hidden = |d| hide_self(d);
        assert_eq!(hidden("private theorem A.foo' (n : Nat) :").as_deref(), Some("try clear A.foo'"));
        assert_eq!(hidden("theorem foo: p").as_deref(), Some("try clear foo"));
        assert_eq!(hidden("example : p := by"), None);
        assert_eq!(hidden("theorem"), None);
    }

    #[test]
    fn every_form_of_the_message_is_read() {
        assert_eq!(read_message("Try this: exact h"), ["exact h"]);
        assert_eq!(read_message("Try this:\n  [apply] simp only [a, b]"), ["simp only [a, b]"]);
        assert_eq!(read_message("Try these:\n  [apply] grind\n  [apply] simp_all"), ["grind", "simp_all"]);
        assert_eq!(read_message("Try these:\n• grind\n• rfl"), ["grind", "rfl"]);
        assert_eq!(
            read_message("Try this:\n  [apply] simp only [a,\n    b]"),
            ["simp only [a,\n  b]"],
            "a continuation stays deeper than its tactic"
        );
        assert_eq!(read_message("Try this:\n  [apply] intro x\n  exact x"), ["intro x\nexact x"]);
        assert!(read_message("linter: something").is_empty());
    }
}
