//! Where a file wants a proof: its first `sorry` or empty block (pure).

use crate::proof::tactic::{TokenKind, tokens};

/// Byte offset at which the first open proof of a text wants a tactic: at its first `sorry`, or behind the
/// first `by` that nothing follows. Comments and strings do not count.
pub fn first_hole(text: &str) -> Option<usize> {
    let code: Vec<_> = tokens(text).into_iter().filter(|t| t.kind != TokenKind::Comment).collect();
    code.iter().enumerate().find_map(|(i, t)| match (t.kind, t.text) {
        (TokenKind::Word, "sorry") => Some(t.start),
        (TokenKind::Word, "by") => {
            let end = t.start + t.text.len();
            is_empty_block(text, end, code.get(i + 1).map(|next| next.start)).then_some(end)
        }
        _ => None,
    })
}

/// Whether nothing stands in the block behind a `by` that ends at `by`: what comes next stands on a later
/// line that is not indented deeper than the line of the `by`.
fn is_empty_block(text: &str, by: usize, next: Option<usize>) -> bool {
    let Some(next) = next else { return true };
    text[by..next].contains('\n') && indent_of(text, next) <= indent_of(text, by)
}

/// Spaces at the beginning of the line of a byte.
fn indent_of(text: &str, at: usize) -> usize {
    let line = &text[text[..at].rfind('\n').map_or(0, |i| i + 1)..];
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text_with_mark: &str) {
        let at = text_with_mark.find('‸').expect("a mark");
        let text = text_with_mark.replace('‸', "");
        assert_eq!(first_hole(&text), Some(at), "{text}");
    }

    #[test]
    fn the_first_open_proof_is_found() {
        check("/- sorry -/\ntheorem a : 1 = 1 := by rfl -- sorry\ntheorem b : 2 = 2 := by\n  ‸sorry\n");
        check("theorem a : p := by\n  rfl\ntheorem b : p := by‸\n\ntheorem c : q := sorry");
        check("theorem a : p := by‸");
        check("theorem a : p := ‸sorry");
        check("example : p := by\n  cases h with\n  | inl h => ‸sorry\n");
    }

    #[test]
    fn finished_files_have_none() {
        assert_eq!(first_hole("theorem sorry_free : \"sorry\" = \"sorry\" := by\n  rfl\n"), None);
    }
}
