//! The text in which a tactic is tried. Pure.

use std::ops::Range;

pub use super::hole::{Hole, HoleKind, holes_at};
use crate::proof::declaration::{declaration_at, first_command};
use crate::proof::tactic::{Token, tokens};

/// Closes any goal, where a `sorry` would hide that the tactic before it used one. Lean's search passes over
/// names that begin with `_`.
const AXIOM: &str = "axiom _lean_copilot_open.{_lean_copilot_u} {α : Sort _lean_copilot_u} : α";

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
    /// Whether the filler is a `sorry`, behind which another cannot be seen.
    filled_by_sorry: bool,
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
        let mut before = text[..hole.range.start].to_owned();
        // The axiom goes on a line that is there, so that all lines keep their numbers; not on the hole's own,
        // whose columns matter. From an axiom no code can be made, and in `mutual` none may stand.
        let first = first_command(text);
        let apart = before.get(first..).is_some_and(|t| t.contains('\n'));
        let filled_by_sorry = !declaration.independent || !apart;
        if !filled_by_sorry {
            before.insert_str(first, &format!("{AXIOM} "));
        }
        Scratch { before, after, hole, declaration: lines, other_sorry, cut, filled_by_sorry }
    }

    /// The tactic that closes what a candidate leaves, so that only its own errors count.
    pub fn filler(&self) -> &'static str {
        if self.filled_by_sorry { "all_goals sorry" } else { "all_goals exact _root_._lean_copilot_open" }
    }

    /// The block that shows the goals of the hole, and leaves the rest as it is in the user's document: what is
    /// said with a candidate is compared with what is said with this.
    pub fn baseline_block(&self) -> String {
        let closed = match (self.hole.followed, self.hole.kind) {
            (false, _) => self.filler(),
            // The tactics that follow go on behind the `sorry`, and may well fail there.
            (true, HoleKind::Sorry) if self.filled_by_sorry => "sorry",
            (true, HoleKind::Sorry) => "exact _root_._lean_copilot_open",
            (true, _) => return "trace_state".to_owned(),
        };
        format!("trace_state\n{closed}")
    }

    /// The block that shows the goals behind a tactic, and closes them where nothing follows.
    pub fn block_behind(&self, tactic: &str) -> String {
        let tactic = tactic.trim_end();
        match self.hole.followed {
            true => format!("{tactic}\ntrace_state"),
            false => format!("{tactic}\ntrace_state\n{}", self.filler()),
        }
    }

    /// Whether Lean's warning does not tell whether a tactic that leaves goals uses `sorry`: the declaration uses
    /// one anyway, or the file asks for no warning.
    pub fn masks_sorry(&self) -> bool {
        self.filled_by_sorry || self.other_sorry || self.before.contains("warn.sorry")
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

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(
            s.with("x\ny").replacen(&format!("{AXIOM} "), "", 1),
            "/-- d -/\n@[simp] theorem a : p := by\n  x\n  y\n  -- theorem x\n\n"
        );
        assert_eq!((s.block_line(), s.lines_of("x\ny")), (2, 1));
        let text = "def f : T := by\n  sorry\ndef g := 1\n";
        assert!(!Scratch::new(text, holes_at(text, 19).remove(0)).cut);
        let text = "mutual\ntheorem f : T := by\n  sorry\ntheorem g : T := by\n  sorry\nend\n";
        let s = Scratch::new(text, holes_at(text, 30).remove(0));
        assert!(!s.cut && !s.other_sorry);
    }

    #[test]
    fn the_filler_is_an_axiom_where_it_may_be_one() {
        let scratch = |text: &str| Scratch::new(text, holes_at(text, text.find("sorry").unwrap()).remove(0));
        let s = scratch("import A -- c\ntheorem a : p := by\n  sorry\n");
        assert_eq!(s.before, format!("import A -- c\n{AXIOM} theorem a : p := by\n  "));
        assert!(!s.masks_sorry() && s.baseline_block().ends_with("_lean_copilot_open"));
        let s = scratch("theorem a : p := by\n  sorry\n  exact h\n");
        assert_eq!(s.baseline_block(), "trace_state\nexact _root_._lean_copilot_open");
        assert_eq!(s.block_behind("x\n"), "x\ntrace_state");
        let s = scratch("def a : Nat := by\n  sorry\n");
        assert!(s.masks_sorry() && s.filler() == "all_goals sorry" && !s.before.contains("axiom"));
    }
}
