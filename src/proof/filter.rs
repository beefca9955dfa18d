//! The filter for tactics that nobody at the keyboard wrote: from the policy, from neighbours, from Lean's "Try
//! this". A tactic is a program: it may run code as the user, or fake a proof.
//!
//! It reads tokens, so that a name or a string which only looks dangerous passes, and it refuses what it knows
//! to be wrong, never what it does not know: the user's own macros pass. What it lets through is still tried by
//! Lean in the sandbox, and confirmed. `docs/verification.md` lists what it refuses and why.

use super::token::{Token, TokenKind, interpolated, is_letter_like, tokens};

/// Words that fake a proof.
const FAKES: &[&str] = &["sorry", "admit", "stop", "native_decide"];

/// The last part of a constant's name that fakes a proof or trusts the compiler.
const FAKE_CONSTANTS: &[&str] = &[
    "sorryAx",
    "lcProof",
    "lcAny",
    "lcUnreachable",
    "ofReduceBool",
    "ofReduceNat",
    "reduceBool",
    "reduceNat",
    "trustCompiler",
];

/// Words that run code, or read files, when the tactic is elaborated.
const RUNNERS: &[&str] = &[
    "run_tac",
    "run_meta",
    "run_elab",
    "run_cmd",
    "run_conv",
    "by_elab",
    "include_str",
    "include_bytes",
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
    "notation3",
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
    "coinductive",
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

/// Commands that begin with `#`. Another word behind `#` may be somebody's notation (`#s = 3`).
const HASH_COMMANDS: &[&str] = &[
    "eval",
    "check",
    "check_failure",
    "check_simp",
    "check_tactic",
    "print",
    "reduce",
    "synth",
    "exit",
    "guard",
    "guard_msgs",
    "guard_expr",
    "help",
    "where",
    "version",
    "with_exporting",
    "import_path",
    "discr_tree_key",
    "find_home",
    "find",
    "loogle",
    "leansearch",
    "moogle",
    "norm_num",
    "simp",
    "simp_trace",
    "ring",
    "test",
    "html",
    "widget",
    "lint",
    "instances",
    "explode",
    "whnf",
    "unfold",
    "conv",
    "compile",
    "push_cast",
    "min_imports",
    "redundant_imports",
    "long_names",
    "grind_lint",
    "deprecated_module",
    "show_kind",
    "eval_cbv",
    "compile_inductive",
];

/// Beginnings of the names of options that switch a check off, or that name a program to run.
const OPTIONS: &[&str] = &["debug.", "warn.", "compiler.", "sat.", "interpreter.", "bootstrap."];

/// Tactics that search and only tell what they found: no suggestion.
const SEARCHES: &[&str] = &[
    "exact?",
    "apply?",
    "rw?",
    "rw??",
    "try?",
    "simp?",
    "simp_all?",
    "simpa?",
    "dsimp?",
    "dsimp_all?",
    "aesop?",
    "grind?",
    "have?",
    "observe?",
    "rcases?",
    "rintro?",
    "ext?",
    "change?",
    "norm_num?",
    "tauto?",
    "simp_rw?",
    "bound?",
    "positivity?",
    "refine?",
    "says?",
    "decide?",
    "hint?",
];

/// The same, with names that a hypothesis may have as well: only where a tactic begins.
const SEARCHES_AT_HEAD: &[&str] =
    &["show_term", "rw_search", "hint", "polyrith", "suggest_tactics", "search_proof", "llmstep", "llmqed"];

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
    if let Some(c) = tactic.chars().find(|c| is_invisible(*c)) {
        return Some(format!("it holds a character that does not show (U+{:04X})", c as u32));
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
    let refused = |code: &[Token<'_>]| (0..code.len()).find_map(|i| At { tactic, code, i }.refusal());
    unbalanced(&code).or_else(|| refused(&code)).or_else(|| {
        // A string may be an interpolated one, whose holes are terms, and a term may hold `by`.
        let holes = code.iter().any(|t| t.kind == TokenKind::String && t.text.contains('{'));
        holes.then(|| refused(&interpolated(tactic)).map(|why| format!("{why} inside a string")))?
    })
}

/// Marks of direction and characters without width: they make a text look like another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// Letters of no name and of no usual notation, many of which look like Latin ones. (Letters that stand above
/// or below the line are notation, `Aᵀ`.)
fn is_foreign_letter(c: char) -> bool {
    let raised = matches!(c, 'ʰ'..='˿' | '\u{1d2c}'..='\u{1d6a}' | '\u{1d78}' | '\u{1d9b}'..='\u{1dbf}'
        | '\u{2071}' | '\u{207f}' | '\u{2090}'..='\u{209c}' | '\u{2c7c}'..='\u{2c7d}');
    c.is_alphabetic() && !c.is_ascii() && !is_letter_like(c) && !raised && !matches!(c, 'λ' | 'Π' | 'Σ')
}

/// A token among those of a tactic.
#[derive(Clone, Copy)]
struct At<'a> {
    tactic: &'a str,
    code: &'a [Token<'a>],
    i: usize,
}

impl<'a> At<'a> {
    fn token(self) -> Token<'a> {
        self.code[self.i]
    }

    fn get(self, i: usize) -> Option<Token<'a>> {
        self.code.get(i).copied()
    }

    fn next(self) -> Option<Token<'a>> {
        self.get(self.i + 1)
    }

    fn previous(self) -> Option<Token<'a>> {
        self.i.checked_sub(1).and_then(|i| self.get(i))
    }

    fn refusal(self) -> Option<String> {
        let token = self.token();
        let next = self.next();
        let touches = |n: &Token<'_>| n.start == token.end();
        match token.kind {
            TokenKind::Symbol if token.text.chars().all(is_foreign_letter) => {
                Some(format!("`{}` is a letter of no name in Lean", token.text))
            }
            TokenKind::Symbol if token.text == "#" => {
                let word = next.filter(|n| n.kind == TokenKind::Word && touches(n))?;
                // An unknown one is somebody's notation, or a command of theirs, which gets a line.
                let is_command = HASH_COMMANDS.contains(&word.text) || self.begins_line();
                is_command.then(|| format!("`#{}` is a command", word.text))
            }
            TokenKind::Symbol if token.text == "@" && next.is_some_and(|n| n.is("[") && touches(&n)) => {
                Some("`@[` sets an attribute".into())
            }
            TokenKind::Word if !self.is_field() => self.refused_word(),
            _ => None,
        }
    }

    fn refused_word(self) -> Option<String> {
        let word = self.token().text;
        let plain = word.replace(['«', '»'], "");
        let last = plain.rsplit('.').next().unwrap_or(&plain);
        let next_is = |text: &str| self.next().is_some_and(|n| n.is(text));
        if FAKES.contains(&plain.as_str()) || FAKE_CONSTANTS.contains(&last) {
            return Some(format!("`{word}` fakes a proof"));
        }
        if RUNNERS.contains(&word) || (word == "eval" && next_is("%")) {
            return Some(format!("`{word}` runs code"));
        }
        if word == "native" && (self.previous().is_some_and(|p| p.is("+")) || next_is(":")) {
            return Some("`native` trusts the compiler".into());
        }
        if word == "config" && self.hides_native() {
            return Some("a configuration of `decide` that does not name its fields".into());
        }
        if SEARCHES.contains(&word) || (SEARCHES_AT_HEAD.contains(&word) && self.begins_tactic()) {
            return Some(format!("`{word}` searches and proves nothing by itself"));
        }
        match word {
            "set_option" => self.refused_option(),
            "open" => self.open_has_no_in().then(|| "`open` without `in` is a command".into()),
            "scoped" if self.previous().is_some_and(|p| p.is("open")) => None,
            _ => COMMANDS.contains(&word).then(|| format!("`{word}` begins a command")),
        }
    }

    /// `set_option` with an option that switches a check off, or without its `in`.
    fn refused_option(self) -> Option<String> {
        let name = self.next()?.text.replace(['«', '»'], "");
        if OPTIONS.iter().any(|p| name.starts_with(p)) {
            return Some(format!("`{name}` switches a check off or names a program"));
        }
        let has_in = self.get(self.i + 3).is_some_and(|t| t.is("in"));
        (!has_in).then(|| "`set_option` without `in` is a command".into())
    }

    /// Whether `open`, with its names, is not followed by `in`.
    fn open_has_no_in(self) -> bool {
        let of_open = |t: &&Token<'_>| {
            let inside =
                matches!(t.text, "(" | ")" | "," | "→" | "-" | ">" | "hiding" | "renaming" | "scoped");
            !t.is("in") && (inside || t.kind == TokenKind::Word)
        };
        let rest = &self.code[self.i + 1..];
        let names = rest.iter().take_while(of_open).count();
        !rest.get(names).is_some_and(|t| t.is("in"))
    }

    /// `decide (config := ⟨false, true, …⟩)` and its like: the fields are not named, so `native` may be set.
    fn hides_native(self) -> bool {
        let value = self.i + 3;
        let assigned =
            self.next().is_some_and(|t| t.is(":")) && self.get(self.i + 2).is_some_and(|t| t.is("="));
        let decides = self.code[..self.i].iter().any(|t| t.is("decide"));
        assigned && decides && !self.get(value).is_some_and(|t| t.is("{"))
    }

    /// Whether the word is a field of what stands before: `h.1.stop`, `.stop`. Behind a number, `1.stop`, the
    /// dot is the number's.
    fn is_field(self) -> bool {
        let touching = |i: usize| i > 0 && self.code[i - 1].end() == self.code[i].start;
        if !touching(self.i) || !self.code[self.i - 1].is(".") {
            return false;
        }
        let dot = self.i - 1;
        if !touching(dot) || self.code[dot - 1].kind != TokenKind::Number {
            return true;
        }
        let number = At { i: dot - 1, ..self };
        number.is_field()
    }

    fn begins_line(self) -> bool {
        let start = self.token().start;
        self.tactic[..start].rsplit('\n').next().is_none_or(|line| line.trim().is_empty())
    }

    /// Whether a tactic may begin here.
    fn begins_tactic(self) -> bool {
        let Some(previous) = self.previous() else { return true };
        let opens = ["by", ";", "·", "|", ">"].iter().any(|t| previous.is(t));
        opens || self.begins_line() || (previous.is("(") && At { i: self.i - 1, ..self }.begins_tactic())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_no_keyword_but_a_number_has_none() {
        for good in ["exact h.stop", "exact h.1.stop", "exact (f x).end", "exact .stop"] {
            assert_eq!(refusal(good), None, "{good}");
        }
        for bad in
            ["exact f 1.sorry", "exact f h.1sorry", "exact f . sorry", "exact (sorry.1)", "exact sorry%2"]
        {
            assert!(refusal(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn the_reason_is_said() {
        let why = |t: &str| refusal(t).unwrap_or_default();
        assert_eq!(why("rfl\n#eval 1"), "`#eval` is a command");
        assert_eq!(why("simp; stop"), "`stop` fakes a proof");
        assert_eq!(why("exact f s!\"{g \"a\" sorry}\""), "`sorry` fakes a proof inside a string");
        assert_eq!(why("exact ѕorry"), "`ѕ` is a letter of no name in Lean");
    }
}
