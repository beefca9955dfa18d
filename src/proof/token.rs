//! Lean's tokens, as far as they matter for a tactic's text.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An identifier or keyword with its dots: `Nat.succ`, `exact?`, `«a b»`. The number of a projection,
    /// `h.1`, is a token of its own, as in Lean: `sorry.1` is a `sorry`.
    Word,
    /// A number.
    Number,
    /// A string with its quotes: plain, raw or interpolated (without the `s!`).
    String,
    /// A character with its quotes.
    Char,
    /// A comment with its marks.
    Comment,
    /// One character of anything else.
    Symbol,
    /// A string, quoted name or comment without an end.
    Unterminated,
}

/// A token and its place in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// Its text.
    pub text: &'a str,
    /// Where it begins.
    pub start: usize,
}

impl Token<'_> {
    /// The byte behind its last.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this word or symbol.
    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, TokenKind::Word | TokenKind::Symbol) && self.text == text
    }
}

/// The tokens of Lean source, comments included, white space left out. Every byte that is no white
/// space belongs to exactly one token.
pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = source[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let rest = &source[at..];
        let (kind, length) = scan(rest, c);
        out.push(Token { kind, text: &rest[..length], start: at });
        at += length;
    }
    out
}

/// The kind and length of the first token of `rest`, which begins with `c`.
fn scan(rest: &str, c: char) -> (TokenKind, usize) {
    if rest.starts_with("--") {
        return (TokenKind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/-") {
        return end_of_comment(rest)
            .map_or((TokenKind::Unterminated, rest.len()), |n| (TokenKind::Comment, n));
    }
    if c == '"' {
        return end_of_string(rest).map_or((TokenKind::Unterminated, rest.len()), |n| (TokenKind::String, n));
    }
    if c == 'r' {
        let hashes = rest[1..].bytes().take_while(|b| *b == b'#').count();
        if rest[1 + hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = 2 + hashes;
            return rest[body..].find(&close).map_or((TokenKind::Unterminated, rest.len()), |n| {
                (TokenKind::String, body + n + close.len())
            });
        }
    }
    if c == '\'' {
        if let Some(n) = end_of_char(rest) {
            return (TokenKind::Char, n);
        }
        return (TokenKind::Symbol, 1);
    }
    if c.is_ascii_digit() {
        return (TokenKind::Number, end_of_number(rest));
    }
    if starts_word(c) {
        return end_of_word(rest).map_or((TokenKind::Unterminated, rest.len()), |n| (TokenKind::Word, n));
    }
    (TokenKind::Symbol, c.len_utf8())
}

/// The length of a number. It ends where Lean ends it: `1sorry` is a number and a `sorry`.
fn end_of_number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let run = |from: usize, digit: &dyn Fn(u8) -> bool| {
        let mut at = from;
        // A `_` belongs to the number only between digits.
        while at < bytes.len()
            && (digit(bytes[at])
                || (bytes[at] == b'_' && at > from && bytes.get(at + 1).copied().is_some_and(digit)))
        {
            at += 1;
        }
        at
    };
    if let [b'0', b'x' | b'X' | b'b' | b'B' | b'o' | b'O', ..] = bytes {
        return run(2, &|b| match bytes[1] {
            b'x' | b'X' => b.is_ascii_hexdigit(),
            b'b' | b'B' => matches!(b, b'0' | b'1'),
            _ => matches!(b, b'0'..=b'7'),
        });
    }
    let whole = run(0, &|b| b.is_ascii_digit());
    if matches!(bytes.get(whole), Some(b'e' | b'E')) {
        let signed = whole + 1 + usize::from(matches!(bytes.get(whole + 1), Some(b'+' | b'-')));
        if bytes.get(signed).is_some_and(u8::is_ascii_digit) {
            return run(signed, &|b| b.is_ascii_digit());
        }
    }
    whole
}

/// Lean's `isIdFirst`, and the quote that opens any name.
fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == '«' || is_letter_like(c)
}

/// Lean's `isIdRest`.
fn continues_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '\'' | '!' | '?') || is_letter_like(c) || is_subscript(c)
}

/// Lean's `isLetterLike`. What lies outside is a token of its own there, so that `Aᵀsorry` is three.
pub fn is_letter_like(c: char) -> bool {
    matches!(c,
        'α'..='κ' | 'μ'..='ω' | 'Α'..='Ο' | 'Ρ' | 'Τ'..='Ω' | 'ϊ'..='ϻ'
        | 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ſ'
        | '\u{1f00}'..='\u{1ffe}' | '\u{2100}'..='\u{214f}' | '\u{1d49c}'..='\u{1d59f}')
}

fn is_subscript(c: char) -> bool {
    matches!(c, '₀'..='₉' | '\u{2090}'..='\u{209c}' | '\u{1d62}'..='\u{1d6a}' | '\u{2c7c}')
}

/// The length of a dotted name; `None` for `«` without its `»`.
fn end_of_word(rest: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        if rest[at..].starts_with('«') {
            at += rest[at..].find('»')? + '»'.len_utf8();
        } else {
            at += rest[at..].find(|c| !continues_word(c)).unwrap_or(rest.len() - at);
        }
        let mut next = rest[at..].chars();
        match (next.next(), next.next()) {
            (Some('.'), Some(c)) if starts_word(c) => at += 1,
            _ => return Some(at),
        }
    }
}

/// The length of a block comment; they nest.
fn end_of_comment(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let (mut depth, mut i) = (0usize, 0);
    while i + 1 < bytes.len() {
        match &bytes[i..i + 2] {
            b"/-" => (depth, i) = (depth + 1, i + 2),
            b"-/" => {
                (depth, i) = (depth - 1, i + 2);
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => i += 1,
        }
    }
    None
}

fn end_of_string(rest: &str) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(i + 1),
            _ => {}
        }
    }
    None
}

fn end_of_char(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    match chars.next()?.1 {
        '\\' => {
            chars.next()?;
            chars.take(8).find(|(_, c)| *c == '\'').map(|(i, _)| i + 1)
        }
        '\'' => None,
        _ => chars.next().filter(|(_, c)| *c == '\'').map(|(i, _)| i + 1),
    }
}

/// The tokens where every string that holds `{` is taken for an interpolated one, and what stands in its holes
/// for code; strings and comments left out. Which strings are, only the macro before them knows.
pub fn interpolated(source: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    // The depths of braces in the holes that are open, outermost first.
    let mut holes: Vec<usize> = Vec::new();
    let mut in_string = false;
    let mut at = 0;
    while let Some(c) = source[at..].chars().next() {
        if in_string {
            match c {
                '\\' => at += source[at + 1..].chars().next().map_or(0, char::len_utf8),
                '"' => in_string = false,
                '{' => {
                    holes.push(0);
                    in_string = false;
                }
                _ => {}
            }
            at += c.len_utf8();
            continue;
        }
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        match (c, holes.last_mut()) {
            ('"', _) => {
                in_string = true;
                at += 1;
                continue;
            }
            ('}', Some(0)) => {
                holes.pop();
                in_string = true;
                at += 1;
                continue;
            }
            ('}', Some(depth)) => *depth -= 1,
            ('{', Some(depth)) => *depth += 1,
            _ => {}
        }
        let rest = &source[at..];
        let (kind, length) = scan(rest, c);
        if !matches!(kind, TokenKind::Comment | TokenKind::String) {
            out.push(Token { kind, text: &rest[..length], start: at });
        }
        at += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> String {
        tokens(source).iter().map(|t| format!("{:?}:{}|", t.kind, t.text)).collect()
    }

    #[test]
    fn tokens_of_every_kind() {
        assert_eq!(kinds("exact h.a -- x\n"), "Word:exact|Word:h.a|Comment:-- x|");
        assert_eq!(kinds("/- a /- b -/ -/ x'"), "Comment:/- a /- b -/ -/|Word:x'|");
        assert_eq!(kinds("'a' '\\n' f'"), "Char:'a'|Char:'\\n'|Word:f'|");
        assert_eq!(kinds("\"a\\\"-- b\" r#\"x\"y\"#"), "String:\"a\\\"-- b\"|String:r#\"x\"y\"#|");
        assert_eq!(kinds("«a b».c ⟨x, 0x1F⟩"), "Word:«a b».c|Symbol:⟨|Word:x|Symbol:,|Number:0x1F|Symbol:⟩|");
        assert_eq!(kinds("exact? l.head? ℕ₁"), "Word:exact?|Word:l.head?|Word:ℕ₁|");
        assert_eq!(kinds("/- open"), "Unterminated:/- open|");
    }

    #[test]
    fn words_and_numbers_end_where_lean_ends_them() {
        assert_eq!(kinds("sorry.1"), "Word:sorry|Symbol:.|Number:1|");
        assert_eq!(
            kinds("1sorry 0x1fsorry 1e5sorry 1_000 1_a"),
            "Number:1|Word:sorry|Number:0x1f|Word:sorry|Number:1e5|Word:sorry|Number:1_000|Number:1|Word:_a|"
        );
        assert_eq!(kinds("Aᵀsorry"), "Word:A|Symbol:ᵀ|Word:sorry|");
        assert_eq!(kinds("sorry%2"), "Word:sorry|Symbol:%|Number:2|");
        assert_eq!(kinds("xλsorry x₁ é"), "Word:x|Symbol:λ|Word:sorry|Word:x₁|Word:é|");
        assert_eq!(kinds("'\"' sorry '\"'"), "Char:'\"'|Word:sorry|Char:'\"'|");
    }

    #[test]
    fn the_holes_of_interpolated_strings_are_code() {
        let words = |s: &str| interpolated(s).iter().map(|t| t.text.to_owned()).collect::<Vec<_>>().join(" ");
        assert_eq!(words(r#"f s!"a {g "b" {x := 1} c} d" e"#), "f s! g { x : = 1 } c e");
        assert_eq!(words(r#"f "a \{b} c" d"#), "f d");
    }
}
