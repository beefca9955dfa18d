//! Comparing texts: what changed, where a place went, which tactic stands there. Pure; offsets in bytes.

use std::ops::Range;

/// One replacement in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What was replaced, in the text before this change.
    pub range: Range<usize>,
    /// By what.
    pub text: String,
}

/// What two texts share at their beginning and at their end. The two parts may overlap: where the same
/// text repeats, a difference has no single place.
#[derive(Debug, Clone, Copy)]
pub struct Difference {
    prefix: usize,
    suffix: usize,
    before: usize,
    after: usize,
}

impl Difference {
    /// Compares two texts.
    pub fn between(before: &str, after: &str) -> Difference {
        let (b, a) = (before.as_bytes(), after.as_bytes());
        let prefix = b.iter().zip(a).take_while(|(x, y)| x == y).count();
        let suffix = b.iter().rev().zip(a.iter().rev()).take_while(|(x, y)| x == y).count();
        let prefix = before.floor_char_boundary(prefix).min(after.floor_char_boundary(prefix));
        let cut = |text: &str| text.len() - text.ceil_char_boundary(text.len() - suffix);
        let suffix = cut(before).min(cut(after));
        Difference { prefix, suffix, before: before.len(), after: after.len() }
    }

    /// Where a region of the text before lies now, if everything outside of it is as it was. The
    /// region may hold anything. This judges by the result, whatever the shape of the edit was.
    pub fn region(&self, region: &Range<usize>) -> Option<Range<usize>> {
        let tail = self.before - region.end;
        let fits = region.start <= self.prefix && tail <= self.suffix && region.start + tail <= self.after;
        fits.then(|| region.start..self.after - tail)
    }

    /// The smallest single change with this result.
    pub fn change(&self, after: &str) -> Change {
        let suffix = self.suffix.min(self.before.min(self.after) - self.prefix);
        // The end of the shared beginning and the start of the shared end may fall into one character.
        let end = after.ceil_char_boundary(self.after - suffix);
        let suffix = self.after - end;
        Change { range: self.prefix..self.before - suffix, text: after[self.prefix..end].to_owned() }
    }
}

/// Where a region went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// The change lies outside; the region moved with its text.
    Outside(Range<usize>),
    /// The change lies inside, or adds at an edge.
    Inside(Range<usize>),
    /// The change crosses an edge.
    Across,
}

/// Follows a region through one change. An insertion at an edge belongs to it if it is `open`.
pub fn follow(region: &Range<usize>, change: &Change, open: bool) -> Moved {
    let Range { start, end } = change.range;
    let moved = |at: usize| at - (end - start) + change.text.len();
    let at_edge = start == end && (start == region.start || start == region.end);
    if at_edge && open || !at_edge && start >= region.start && end <= region.end {
        Moved::Inside(region.start..moved(region.end))
    } else if end <= region.start {
        Moved::Outside(moved(region.start)..moved(region.end))
    } else if start >= region.end {
        Moved::Outside(region.clone())
    } else {
        Moved::Across
    }
}

/// A text without comments and without the white space that separates nothing: equal for two texts
/// that differ in layout only.
pub fn canonical(text: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '!' | '?' | '✝');
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in without_comments(text).chars() {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if gap && word(c) && out.chars().next_back().is_some_and(word) {
            out.push(' ');
        }
        gap = false;
        out.push(c);
    }
    out
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("--").into_iter().chain(rest.find("/-")).min() {
        out.push_str(&rest[..at]);
        let (end, skip) = match rest[at..].starts_with("--") {
            true => (rest[at..].find('\n'), 0),
            false => (rest[at..].find("-/"), 2),
        };
        match end {
            Some(end) => rest = &rest[at + end + skip..],
            None => return out,
        }
        out.push(' ');
    }
    out.push_str(rest);
    out
}

/// The first tactic of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it stands in the document, trailing white space left out.
    pub range: Range<usize>,
    /// The tactic as it would be typed at column 0.
    pub tactic: String,
    /// Whether a line break follows inside the region: the person is done with it.
    pub ended: bool,
}

/// The first tactic that begins in a region: its line, and the lines below that belong to it.
pub fn first_step(text: &str, region: &Range<usize>) -> Option<Step> {
    let start = first_word(text, region)?;
    let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
    let lead = &text[line_start..start];
    let indent = |line: &str| line.chars().take_while(|c| *c == ' ' || *c == '\t').count();
    let column = lead.chars().count();
    // After a bullet the block's column is that of its first tactic; behind other words, the line's.
    let own_line = lead.chars().all(|c| c.is_whitespace() || matches!(c, '·' | '.'));
    let base = if own_line { column } else { indent(lead) };
    let mut end = region.start;
    let mut tactic: Vec<&str> = Vec::new();
    let mut at = start;
    let mut held = Vec::new();
    for line in text[start..region.end].split_inclusive('\n') {
        let content = line.trim_end();
        let (deep, word) = (indent(content), content.trim_start());
        let goes_on = match own_line {
            true => deep > base || deep == base && word.starts_with(['|', ')', ']', '⟩', '}', '<']),
            false => deep > base && deep != column,
        };
        if content.is_empty() {
            held.push("");
        } else if at == start || goes_on {
            tactic.append(&mut held);
            let cut = if at == start { 0 } else { deep.min(base) };
            tactic.push(&content[cut..]);
            end = at + content.len();
        } else {
            break;
        }
        at += line.len();
    }
    let ended = text[end..region.end].contains('\n');
    Some(Step { range: start..end, tactic: tactic.join("\n"), ended })
}

/// The first character of a region that is neither white space nor in a line comment.
fn first_word(text: &str, region: &Range<usize>) -> Option<usize> {
    let mut at = region.start;
    for line in text[region.clone()].split_inclusive('\n') {
        let word = line.trim_start();
        if !word.is_empty() && !word.starts_with("--") {
            return Some(at + line.len() - word.len());
        }
        at += line.len();
    }
    None
}

/// Whether a region begins with a text, up to the end of a line and not before the end of its first
/// tactic; then, whether a line break follows inside the region.
pub fn begins_with(text: &str, region: &Range<usize>, step: &Step, wanted: &str) -> Option<bool> {
    let mut at = step.range.start;
    for line in text[step.range.start..region.end].split_inclusive('\n') {
        at += line.len();
        let end = step.range.start + text[step.range.start..at].trim_end().len();
        if end < step.range.end {
            continue;
        }
        let found = canonical(&text[step.range.start..end]);
        if found == wanted {
            return Some(text[end..region.end].contains('\n'));
        } else if found.len() > wanted.len() {
            return None;
        }
    }
    None
}

/// Whether a change is what one key does: a character, a bracket with its partner, an abbreviation
/// replaced, a line break with its indentation, a deletion.
pub fn is_keystroke(before: &str, change: &Change) -> bool {
    const PAIRS: [&str; 7] = ["()", "[]", "{}", "⟨⟩", "⟮⟯", "\"\"", "«»"];
    let removed = &before[change.range.clone()];
    let inserted = change.text.as_str();
    inserted.chars().count() <= 1
        || inserted.trim().is_empty()
        || removed.is_empty() && PAIRS.contains(&inserted)
        || removed.starts_with('\\') && inserted.chars().count() <= 3
}

/// A tactic that answers a goal: no placeholder, and no question to Lean (`exact?`).
pub fn is_answer(tactic: &str) -> bool {
    let head = tactic.split(|c: char| c.is_whitespace() || c == '[').next().unwrap_or("");
    let words = tactic.split(|c: char| !c.is_alphanumeric() && c != '_');
    !canonical(tactic).is_empty()
        && !head.ends_with('?')
        && !words.into_iter().any(|w| w == "sorry" || w == "admit")
}

/// The lines on which a region lies, line breaks at their ends left out.
pub fn lines_of(text: &str, region: &Range<usize>) -> Range<usize> {
    let start = text[..region.start].rfind('\n').map_or(0, |i| i + 1);
    start..text[region.end..].find('\n').map_or(text.len(), |i| region.end + i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_found_by_the_result_not_by_the_shape_of_the_edit() {
        let (before, after) = ("by\n  skip\n", "by\n  simp\n  skip\n");
        let d = Difference::between(before, after);
        // The smallest change is an insertion of `imp\n  s` behind the `s`.
        assert_eq!(d.change(after), Change { range: 6..6, text: "imp\n  s".into() });
        assert_eq!(d.region(&(5..5)), Some(5..12), "and yet it is an insertion before `skip`");
        assert_eq!(d.region(&(0..1)), None);
        let d = Difference::between("a∧b", "a∨b");
        assert_eq!(d.change("a∨b"), Change { range: 1..4, text: "∨".into() });
        let d = Difference::between("∧", "∧∧");
        assert_eq!(d.change("∧∧"), Change { range: 3..3, text: "∧".into() });
    }

    #[test]
    fn a_region_moves_with_its_text() {
        let change = |range: Range<usize>, text: &str| Change { range, text: text.into() };
        assert_eq!(follow(&(5..8), &change(0..2, "x"), true), Moved::Outside(4..7));
        assert_eq!(follow(&(5..8), &change(9..9, "x"), true), Moved::Outside(5..8));
        assert_eq!(follow(&(5..8), &change(8..8, "x"), true), Moved::Inside(5..9));
        assert_eq!(follow(&(5..8), &change(8..8, "x"), false), Moved::Outside(5..8));
        assert_eq!(follow(&(5..8), &change(5..5, "x"), false), Moved::Outside(6..9));
        assert_eq!(follow(&(5..8), &change(6..8, ""), false), Moved::Inside(5..6));
        assert_eq!(follow(&(5..8), &change(3..6, "x"), true), Moved::Across);
    }

    #[test]
    fn layout_and_comments_make_no_difference() {
        assert_eq!(canonical("exact  ⟨hp,hq⟩ -- done"), canonical("exact ⟨hp, hq⟩"));
        assert_eq!(canonical("simp /- a -/ [h]\n"), "simp[h]");
        assert_ne!(canonical("intro x"), canonical("introx"));
    }

    fn step(text: &str, from: &str) -> (String, bool) {
        let at = text.find(from).unwrap();
        let step = first_step(text, &(at..text.len())).unwrap();
        (step.tactic, step.ended)
    }

    #[test]
    fn a_tactic_ends_where_the_next_one_begins() {
        let text = "by\n  induction n with\n  | zero => rfl\n  | succ n ih =>\n    simp\n  rfl\n";
        let whole = "induction n with\n| zero => rfl\n| succ n ih =>\n  simp";
        assert_eq!(step(text, "induction"), (whole.into(), true));
        assert_eq!(step("by\n  simp [a,\n    b]", "simp"), ("simp [a,\n  b]".into(), false));
        assert_eq!(step("by\n  · simp\n    rfl", "simp"), ("simp".into(), true));
        assert_eq!(step("x := by simp [a,\n    b]\n", "simp"), ("simp [a,\n    b]".into(), true));
        assert_eq!(first_step("by\n  -- no\n  ", &(2..12)), None);
    }

    #[test]
    fn one_key_is_told_from_an_inserted_text() {
        let key = |before: &str, range: Range<usize>, text: &str| {
            is_keystroke(before, &Change { range, text: text.into() })
        };
        assert!(key("a", 1..1, "b") && key("a", 1..1, "()") && key("a\\and", 1..5, "∧"));
        assert!(key("a", 1..1, "\n  ") && key("abc", 1..3, ""));
        assert!(!key("a", 1..1, "bc") && !key("rfl", 0..3, "simp"));
    }
}
