//! What a place is told: changes, what Lean said, and what the edits of an offer make.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use super::Offered;
use super::text::{Change as TextChange, Difference, canonical, lines_of};
use crate::proof::GoalKey;
use crate::proof::declaration::named_at;

/// One `didChange`, seen from all sides.
pub struct Change<'a> {
    pub before: &'a str,
    pub after: &'a Arc<str>,
    pub difference: Difference,
    /// The smallest single change with this result.
    pub whole: &'a TextChange,
    /// The parts, one after the other.
    pub parts: &'a [TextChange],
    pub now_ms: i64,
    pub declaration: OnceCell<Range<usize>>,
}

impl Change<'_> {
    /// The declaration in which the change lies, in the text before.
    pub fn declaration(&self) -> &Range<usize> {
        let find = || named_at(self.before, self.whole.range.start).map_or(0..0, |d| d.range);
        self.declaration.get_or_init(find)
    }
}

/// Places in the text, in bytes.
pub type Places = Vec<Range<usize>>;

/// What is known about the present version.
#[derive(Debug, Default)]
pub struct Facts {
    /// Errors and `sorry`s, once Lean has read it to its end.
    pub checked: Option<(Places, Places)>,
    /// Goals that Lean showed, and where.
    pub goals: Option<(usize, Vec<GoalKey>)>,
}

/// What the edits replace. A blank line counts as a whole (editors re-indent it), and an insertion
/// before other tactics takes the rest of the line in: whoever rewrites that answers the same goal.
pub fn region_of(text: &str, suggestions: &[Offered]) -> Option<Range<usize>> {
    let start = suggestions.iter().map(|s| s.range.start).min()?;
    let end = suggestions.iter().map(|s| s.range.end).max()?;
    let line = lines_of(text, &(start..end));
    if text[line.clone()].trim().is_empty() {
        return Some(line);
    }
    let rest = text[end..line.end].trim_end().len();
    Some(start..if start == end { end + rest } else { end })
}

pub fn result_of(text: &str, region: &Range<usize>, s: &Offered) -> String {
    let (head, tail) = (&text[region.start..s.range.start], &text[s.range.end..region.end]);
    canonical(&format!("{head}{}{tail}", s.new_text))
}

/// Whether Lean reports neither error nor `sorry` in the declaration.
pub fn is_complete(text: &str, at: &Range<usize>, facts: &Facts) -> bool {
    let Some((errors, sorries)) = &facts.checked else { return false };
    let Some(declaration) = named_at(text, at.start) else { return false };
    !errors.iter().chain(sorries).any(|e| declaration.range.contains(&e.start))
}
