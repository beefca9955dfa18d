//! Tactics as text: tokens, the filter for tactics that nobody at the keyboard wrote, a normal form.
//!
//! A tactic is a program: it may run code as the user, or fake a proof. [`refusal`] guards what comes
//! from the policy, from neighbours and from Lean's "Try this". It reads tokens, so that a name or a
//! string which only looks dangerous passes, and it refuses what it knows to be wrong, never what it
//! does not know: the user's own macros pass.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An identifier or keyword with its dots: `Nat.succ`, `h.1`, `exact?`, `«a b»`, `eval%`.
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
        let n = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        return (TokenKind::Number, n);
    }
    if starts_word(c) {
        return end_of_word(rest).map_or((TokenKind::Unterminated, rest.len()), |n| (TokenKind::Word, n));
    }
    (TokenKind::Symbol, c.len_utf8())
}

fn starts_word(c: char) -> bool {
    c == '_' || c == '«' || (c.is_alphabetic() && !matches!(c, 'λ' | 'Π' | 'Σ'))
}

fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\'' | '!' | '?' | '₀'..='₉' | '✝')
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
            // A name goes on behind a dot, and so does a projection: `h.1`.
            (Some('.'), Some(c)) if starts_word(c) || c.is_ascii_digit() => at += 1,
            // `eval%` and its kind are one token.
            (Some('%'), _) => return Some(at + 1),
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

/// Words that fake a proof.
const FAKES: &[&str] = &["sorry", "admit", "stop", "native_decide"];

/// The last part of a constant's name that fakes a proof or trusts the compiler.
const FAKE_CONSTANTS: &[&str] =
    &["sorryAx", "lcProof", "lcAny", "lcUnreachable", "ofReduceBool", "ofReduceNat", "trustCompiler"];

/// Words that run code when the tactic is elaborated.
const RUNNERS: &[&str] = &[
    "run_tac",
    "run_meta",
    "run_elab",
    "run_cmd",
    "by_elab",
    "eval%",
    "unsafe",
    "implemented_by",
    "extern",
    "initialize",
    "builtin_initialize",
    "elab",
    "elab_rules",
    "macro",
    "macro_rules",
    "syntax",
    "notation",
    "simproc",
    "declare_syntax_cat",
];

/// Words that begin a command: a command may begin at any column, behind any tactic.
const COMMANDS: &[&str] = &[
    "import",
    "theorem",
    "lemma",
    "def",
    "abbrev",
    "example",
    "instance",
    "structure",
    "inductive",
    "class",
    "opaque",
    "axiom",
    "namespace",
    "section",
    "end",
    "mutual",
    "variable",
    "universe",
    "attribute",
    "export",
    "deriving",
    "private",
    "protected",
    "public",
    "noncomputable",
    "partial",
    "omit",
    "local",
    "scoped",
    "infix",
    "infixl",
    "infixr",
    "prefix",
    "postfix",
];

/// Tactics that search and only tell what they found: no suggestion.
const SEARCHES: &[&str] = &[
    "exact?",
    "apply?",
    "rw?",
    "try?",
    "simp?",
    "simp_all?",
    "simpa?",
    "dsimp?",
    "aesop?",
    "grind?",
    "show_term",
    "have?",
    "observe?",
    "rw_search",
    "hint",
];

/// Why a tactic must not reach Lean, in words for a log; `None` where it may.
pub fn refusal(tactic: &str) -> Option<String> {
    const LONGEST: usize = 4000;
    if tactic.trim().is_empty() {
        return Some("it is empty".into());
    }
    if tactic.len() > LONGEST {
        return Some(format!("it is longer than {LONGEST} bytes"));
    }
    if tactic.chars().any(|c| c.is_control() && c != '\n') {
        return Some("it holds a tab or control character".into());
    }
    let all = tokens(tactic);
    if let Some(t) = all.iter().find(|t| t.kind == TokenKind::Unterminated) {
        let start: String = t.text.chars().take(12).collect();
        return Some(format!("`{start}` has no end"));
    }
    let code: Vec<Token<'_>> = all.into_iter().filter(|t| t.kind != TokenKind::Comment).collect();
    if code.is_empty() {
        return Some("it is a comment".into());
    }
    unbalanced(&code).or_else(|| code.iter().enumerate().find_map(|(i, _)| refused_at(&code, i)))
}

fn refused_at(code: &[Token<'_>], i: usize) -> Option<String> {
    let token = code[i];
    let next = code.get(i + 1);
    let touches = |n: &Token<'_>| n.start == token.end();
    match token.kind {
        // An interpolated string holds terms, and a term may hold `by`.
        TokenKind::String if token.text.contains('{') => {
            let inner = token.text.trim_matches('"');
            let words = tokens(inner);
            words.iter().find_map(|t| refused_word(t.text)).map(|why| format!("{why} inside a string"))
        }
        TokenKind::Symbol if token.text == "#" => {
            let command = next.filter(|n| n.kind == TokenKind::Word && touches(n))?;
            let is_vector = command.text == "v" && code.get(i + 2).is_some_and(|t| t.is("["));
            (!is_vector).then(|| format!("`#{}` is a command", command.text))
        }
        TokenKind::Symbol if token.text == "@" && next.is_some_and(|n| n.is("[") && touches(n)) => {
            Some("`@[` sets an attribute".into())
        }
        TokenKind::Word => {
            let native =
                token.text == "native" && (i > 0 && code[i - 1].is("+") || next.is_some_and(|n| n.is(":")));
            if native {
                return Some("`native` trusts the compiler".into());
            }
            let option = next.filter(|_| token.text == "set_option");
            if let Some(name) =
                option.filter(|n| ["debug.", "warn.", "compiler."].iter().any(|p| n.text.starts_with(p)))
            {
                return Some(format!("`{}` switches a check off", name.text));
            }
            refused_word(token.text)
        }
        _ => None,
    }
}

fn refused_word(word: &str) -> Option<String> {
    let plain = word.replace(['«', '»'], "");
    let last = plain.rsplit('.').next().unwrap_or(&plain);
    if FAKES.contains(&word) || FAKE_CONSTANTS.contains(&last) {
        Some(format!("`{word}` fakes a proof"))
    } else if RUNNERS.contains(&word) {
        Some(format!("`{word}` runs code"))
    } else if COMMANDS.contains(&word) {
        Some(format!("`{word}` begins a command"))
    } else if SEARCHES.contains(&word) {
        Some(format!("`{word}` searches and proves nothing by itself"))
    } else {
        None
    }
}

fn unbalanced(code: &[Token<'_>]) -> Option<String> {
    const PAIRS: &[(&str, &str)] = &[("(", ")"), ("[", "]"), ("{", "}"), ("⟨", "⟩"), ("⦃", "⦄")];
    let mut open: Vec<&str> = Vec::new();
    for token in code.iter().filter(|t| t.kind == TokenKind::Symbol) {
        if let Some((_, close)) = PAIRS.iter().find(|(o, _)| *o == token.text) {
            open.push(close);
        } else if PAIRS.iter().any(|(_, c)| *c == token.text) && open.pop() != Some(token.text) {
            return Some(format!("`{}` closes nothing", token.text));
        }
    }
    open.last().map(|close| format!("`{close}` is missing"))
}

/// Whether a tactic's tokens name a way to leave a proof open.
pub fn names_sorry(tactic: &str) -> bool {
    tokens(tactic).iter().any(|t| {
        t.kind == TokenKind::Word
            && (matches!(t.text, "sorry" | "admit" | "stop") || t.text.ends_with("sorryAx"))
    })
}

/// A form in which tactics that differ only in white space and comments are equal. Lines that begin at
/// the first column stay lines: they are steps of their own.
pub fn normalise(tactic: &str) -> String {
    let tactic = tactic.trim_end();
    let base = tactic.lines().find(|l| !l.trim().is_empty()).map_or(0, indentation);
    let mut out = String::with_capacity(tactic.len());
    let mut end = None;
    for token in tokens(tactic).into_iter().filter(|t| t.kind != TokenKind::Comment) {
        let Some(before) = end.replace(token.end()) else {
            out.push_str(token.text);
            continue;
        };
        let gap = &tactic[before..token.start];
        let line_start = tactic[..token.start].rfind('\n').map_or(0, |i| i + 1);
        let opens = out.ends_with(['(', '[', '{', '⟨']);
        let closes = matches!(token.text, ")" | "]" | "}" | "⟩" | ",");
        if gap.contains('\n') && token.start - line_start <= base {
            out.push('\n');
        } else if out.ends_with(',') || (!gap.is_empty() && !opens && !closes) {
            out.push(' ');
        }
        out.push_str(token.text);
    }
    out
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> String {
        tokens(source).iter().map(|t| format!("{:?}:{}|", t.kind, t.text)).collect()
    }

    #[test]
    fn tokens_of_every_kind() {
        assert_eq!(kinds("exact h.1 -- x\n"), "Word:exact|Word:h.1|Comment:-- x|");
        assert_eq!(kinds("/- a /- b -/ -/ x'"), "Comment:/- a /- b -/ -/|Word:x'|");
        assert_eq!(kinds("'a' '\\n' f'"), "Char:'a'|Char:'\\n'|Word:f'|");
        assert_eq!(kinds("\"a\\\"-- b\" r#\"x\"y\"#"), "String:\"a\\\"-- b\"|String:r#\"x\"y\"#|");
        assert_eq!(kinds("«a b».c ⟨x, 0x1F⟩"), "Word:«a b».c|Symbol:⟨|Word:x|Symbol:,|Number:0x1F|Symbol:⟩|");
        assert_eq!(kinds("exact? eval% l.head? ℕ₁"), "Word:exact?|Word:eval%|Word:l.head?|Word:ℕ₁|");
        assert_eq!(kinds("/- open"), "Unterminated:/- open|");
    }

    #[test]
    fn what_runs_code_or_fakes_a_proof_is_refused() {
        for bad in [
            "",
            "  \n",
            "-- only words",
            "sorry",
            "exact sorry",
            "exact (sorryAx _ true)",
            "exact _root_.sorryAx _ false",
            "exact «sorryAx» _ false",
            "admit",
            "stop",
            "simp; stop",
            "run_tac IO.println \"x\"",
            "exact by_elab return .const ``True.intro []",
            "exact eval% f",
            "native_decide",
            "decide +native",
            "decide (config := { native := true })",
            "exact Lean.ofReduceBool a b rfl",
            "set_option debug.skipKernelTC true in simp",
            "set_option warn.sorry false in exact h",
            "rfl\n#eval IO.println \"x\"",
            "rfl\ntheorem evil : False := f",
            "rfl end Foo",
            "rfl\n@[simp] def x := 1",
            "elab \"x\" : tactic => f",
            "exact unsafe f",
            "exact?",
            "simp?",
            "first | exact? | rfl",
            "exact (h",
            "exact h)",
            "exact ⟨a, b)",
            "simp /- no end",
            "exact \"no end",
            "exact s!\"{(by run_tac f : Nat)}\".foo",
            "\tsimp",
        ] {
            assert!(refusal(bad).is_some(), "{bad:?} passed");
        }
    }

    #[test]
    fn what_only_looks_dangerous_passes() {
        for good in [
            "simp -- no sorry here",
            "simp /- sorry /- admit -/ -/",
            "exact foo \"sorry #eval\"",
            "exact sorry_free h",
            "rw [List.head?_cons, h.stop]",
            "exact #[1, 2].foo #v[3]",
            "my_macro x y",
            "exact ⟨h.1, fun x => by simp [x]⟩",
            "rcases h with ⟨a, ⟨b, c⟩⟩ | d",
            "constructor\n· exact h\n· intro x\n  simp",
            "exact rec_theorem n ih",
            "set_option maxHeartbeats 400000 in simp",
            "open Nat in simp",
            "show x = 'a'",
            "simp only [ne_eq, «odd name»]",
            "decide",
            "calc a = b := h\n  _ = c := g",
            "exact f native",
        ] {
            assert_eq!(refusal(good), None, "{good:?}");
        }
    }

    #[test]
    fn white_space_and_comments_do_not_matter_lines_do() {
        assert_eq!(normalise("simp  [a,b ]  -- c"), "simp [a, b]");
        assert_eq!(normalise("exact foo\n    bar"), "exact foo bar");
        assert_eq!(normalise("constructor\n·  simp\n"), "constructor\n· simp");
        assert_ne!(normalise("f a [i]"), normalise("f a[i]"));
        assert_ne!(normalise("simp\nsimp"), normalise("simp simp"));
    }
}
