//! Where a file wants a proof: its first `sorry` or empty block (pure).

/// Byte offset at which the first open proof of a text wants a tactic: at its first `sorry`, or behind the
/// first `by` that nothing follows. Comments and strings do not count.
pub fn first_hole(text: &str) -> Option<usize> {
    let code = blank_comments(text);
    let sorry = words(&code).find(|(_, w)| *w == "sorry").map(|(at, _)| at);
    let empty = words(&code).filter(|(_, w)| *w == "by").map(|(at, w)| at + w.len()).find(|end| {
        let indent = indent_of(&code, *end);
        is_empty_block(&code[*end..], indent)
    });
    match (sorry, empty) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Whether nothing stands in the block that starts here: the next line with text is not indented deeper
/// than the line of the block's `by`.
fn is_empty_block(rest: &str, indent: usize) -> bool {
    let mut lines = rest.split('\n');
    if !lines.next().unwrap_or("").trim().is_empty() {
        return false;
    }
    lines.find(|l| !l.trim().is_empty()).is_none_or(|l| l.len() - l.trim_start().len() <= indent)
}

fn indent_of(text: &str, at: usize) -> usize {
    let line = &text[text[..at].rfind('\n').map_or(0, |i| i + 1)..];
    line.len() - line.trim_start_matches(' ').len()
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '.' | '!' | '?');
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(is_word)?;
        let rest = &text[start..];
        at = start + rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        Some((start, &text[start..at]))
    })
}

/// The text with comments and strings blanked out, byte for byte as long.
fn blank_comments(text: &str) -> String {
    let mut out: Vec<u8> = text.as_bytes().to_vec();
    let bytes = text.as_bytes();
    let mut blank = |from: usize, to: usize| {
        for b in &mut out[from..to] {
            if *b != b'\n' {
                *b = b' ';
            }
        }
    };
    let mut i = 0;
    while i < bytes.len() {
        let start = i;
        if bytes[i..].starts_with(b"--") {
            i = text[i..].find('\n').map_or(bytes.len(), |n| i + n);
            blank(start, i);
        } else if bytes[i..].starts_with(b"/-") {
            let mut depth = 0usize;
            while i < bytes.len() {
                if bytes[i..].starts_with(b"/-") {
                    depth += 1;
                    i += 2;
                } else if bytes[i..].starts_with(b"-/") {
                    depth -= 1;
                    i += 2;
                    if depth == 0 {
                        break;
                    }
                } else {
                    i += 1;
                }
            }
            blank(start, i.min(bytes.len()));
        } else if bytes[i] == b'"' {
            i += 1;
            while i < bytes.len() && bytes[i] != b'"' {
                i += if bytes[i] == b'\\' { 2 } else { 1 };
            }
            i = (i + 1).min(bytes.len());
            blank(start, i);
        } else {
            i += 1;
        }
    }
    // Whole characters were blanked, so what is left is UTF-8.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
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
