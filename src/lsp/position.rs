//! Positions: LSP's UTF-16 columns, byte offsets, and the command line's code points; edits on text.
//!
//! A line ends with `\n` alone, as in Lean's own `FileMap`; a `\r` before it belongs to the line break
//! and is never part of a column. Positions outside the text are moved to the nearest place in it,
//! as Lean does, because a peer's numbers are no reason to fail.

use lsp_types::{Position, Range, TextDocumentContentChangeEvent};

/// The byte offset of a position, moved into the text where it points outside or between the halves
/// of a surrogate pair.
pub fn offset(text: &str, position: Position) -> usize {
    let Some(start) = line_start(text, position.line) else { return text.len() };
    let mut units = 0u32;
    for (i, c) in line_at(text, start).char_indices() {
        if units + c.len_utf16() as u32 > position.character {
            return start + i;
        }
        units += c.len_utf16() as u32;
    }
    start + line_at(text, start).len()
}

/// The position of a byte offset, which is moved to the start of its character and into the text.
pub fn position(text: &str, offset: usize) -> Position {
    let offset = text.floor_char_boundary(offset);
    let before = &text.as_bytes()[..offset];
    let line = memchr::memchr_iter(b'\n', before).count() as u32;
    let start = memchr::memrchr(b'\n', before).map_or(0, |i| i + 1);
    let column = &text[start..offset.min(start + line_at(text, start).len())];
    Position { line, character: column.chars().map(|c| c.len_utf16() as u32).sum() }
}

/// A position from the command line's numbers: line and column from 1, the column in code points.
/// `None` where the text has no such line or the column lies behind the line's end.
pub fn from_line_column(text: &str, line: u32, column: u32) -> Option<Position> {
    let start = line_start(text, line.checked_sub(1)?)?;
    let content = line_at(text, start);
    let skipped = column.checked_sub(1)? as usize;
    if skipped > content.chars().count() {
        return None;
    }
    let character = content.chars().take(skipped).map(|c| c.len_utf16() as u32).sum();
    Some(Position { line: line - 1, character })
}

/// The command line's numbers of a position: line and column from 1, the column in code points.
pub fn line_column(text: &str, position: Position) -> (u32, u32) {
    let Some(start) = line_start(text, position.line) else {
        let end = self::position(text, text.len());
        return (end.line + 1, 1 + text[line_start(text, end.line).unwrap_or(0)..].chars().count() as u32);
    };
    let at = offset(text, position);
    (position.line + 1, text[start..at].chars().count() as u32 + 1)
}

/// The byte range of an LSP range; an end before the start counts as the start.
pub fn byte_range(text: &str, range: Range) -> std::ops::Range<usize> {
    let start = offset(text, range.start);
    start..offset(text, range.end).max(start)
}

/// The byte offset of the start of a line (from 0), if the text has that line.
pub fn line_start(text: &str, line: u32) -> Option<usize> {
    match line {
        0 => Some(0),
        n => memchr::memchr_iter(b'\n', text.as_bytes()).nth(n as usize - 1).map(|i| i + 1),
    }
}

/// The line that starts at a byte offset, without its line break.
fn line_at(text: &str, start: usize) -> &str {
    let rest = &text[start..];
    match memchr::memchr(b'\n', rest.as_bytes()) {
        Some(end) => rest[..end].strip_suffix('\r').unwrap_or(&rest[..end]),
        None => rest,
    }
}

/// Applies one change of a `textDocument/didChange`: a range replaced, or the whole text.
pub fn apply_change(text: &mut String, change: &TextDocumentContentChangeEvent) {
    match change.range {
        Some(range) => text.replace_range(byte_range(text, range), &change.text),
        None => change.text.clone_into(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a𝔸b\r\nλx\n";

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn offsets_and_positions_are_inverse_at_every_character() {
        for (i, _) in TEXT.char_indices().filter(|(_, c)| !matches!(c, '\n')) {
            assert_eq!(offset(TEXT, position(TEXT, i)), i, "at byte {i}");
        }
        assert_eq!(position(TEXT, TEXT.len()), at(2, 0));
        assert_eq!(position(TEXT, 5), at(0, 3), "𝔸 is two units");
    }

    #[test]
    fn places_outside_the_text_are_moved_into_it() {
        assert_eq!(offset(TEXT, at(0, 2)), 1, "between the halves of a pair");
        assert_eq!(offset(TEXT, at(0, 99)), 6, "before the carriage return");
        assert_eq!(offset(TEXT, at(9, 0)), TEXT.len());
        assert_eq!(position(TEXT, 999), at(2, 0));
        assert_eq!(position(TEXT, 3), at(0, 1), "inside a character");
    }

    #[test]
    fn the_command_line_counts_code_points_from_one() {
        assert_eq!(from_line_column(TEXT, 1, 3), Some(at(0, 3)));
        assert_eq!(line_column(TEXT, at(0, 3)), (1, 3));
        assert_eq!(from_line_column(TEXT, 1, 5), None);
        assert_eq!(from_line_column(TEXT, 4, 1), None);
        assert_eq!(from_line_column(TEXT, 0, 1), None);
        assert_eq!(line_column("ab", at(7, 7)), (1, 3));
    }

    #[test]
    fn changes_apply_in_utf16_and_keep_line_endings() {
        let change = |range: Option<(Position, Position)>, new: &str| TextDocumentContentChangeEvent {
            range: range.map(|(start, end)| Range { start, end }),
            range_length: None,
            text: new.into(),
        };
        let mut text = TEXT.to_owned();
        apply_change(&mut text, &change(Some((at(0, 3), at(1, 1))), "∧\r\n"));
        assert_eq!(text, "a𝔸∧\r\nx\n");
        apply_change(&mut text, &change(Some((at(1, 1), at(0, 0))), "!"));
        assert_eq!(text, "a𝔸∧\r\nx!\n", "an end before the start inserts at the start");
        apply_change(&mut text, &change(None, "new"));
        assert_eq!(text, "new");
    }
}
