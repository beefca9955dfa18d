//! A goal as Lean prints it, taken apart, and the key under which equal goals are found again.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One line of the context: one or more names of one type (`p q : Prop`), perhaps with a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hypothesis {
    /// The names as printed; an inaccessible one ends in `✝` or `✝` and superscript digits.
    pub names: Vec<String>,
    /// The type as printed, continuation lines joined by a space.
    #[serde(rename = "type")]
    pub type_: String,
    /// The value of a `let` variable.
    pub value: Option<String>,
}

/// A proof state with one target, as `$/lean/plainGoal` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Goal {
    /// The tag after `case`, if there is one.
    pub case: Option<String>,
    /// The context, outermost first.
    pub hypotheses: Vec<Hypothesis>,
    /// What is to be proved, without `⊢`.
    pub target: String,
    /// The whole goal as Lean prints it.
    pub text: String,
}

/// SHA-256 of a goal's normal form: equal for goals that differ only in white space, line breaks,
/// case tag and the numbering of inaccessible names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GoalKey([u8; 32]);

impl Goal {
    /// Reads one goal as Lean prints it. Never fails: what has no `⊢` becomes the target.
    pub fn parse(text: &str) -> Goal {
        let text = text.trim_matches('\n').trim_end();
        let mut case = None;
        let mut hypotheses = Vec::new();
        let mut target = String::new();
        let mut entries: Vec<String> = Vec::new();
        let mut in_target = false;
        for line in text.lines() {
            let continues = line.starts_with(' ') && !entries.is_empty();
            if in_target || continues {
                // A printed line break inside an expression stands for a space.
                let last = entries.last_mut().expect("an entry was begun");
                last.push(' ');
                last.push_str(line.trim());
            } else {
                in_target = line.starts_with("⊢ ") || line == "⊢";
                entries.push(line.trim_end().to_owned());
            }
        }
        for (i, entry) in entries.iter().enumerate() {
            if let Some(rest) = entry.strip_prefix('⊢') {
                target = rest.trim().to_owned();
            } else if let Some(tag) = entry.strip_prefix("case ").filter(|_| i == 0) {
                case = Some(tag.trim().to_owned());
            } else if let Some(h) = parse_hypothesis(entry) {
                hypotheses.push(h);
            } else if target.is_empty() {
                target = entry.clone();
            }
        }
        Goal { case, hypotheses, target, text: text.to_owned() }
    }

    /// Reads the goals of a message or of `trace_state`, which a blank line separates.
    pub fn parse_all(text: &str) -> Vec<Goal> {
        text.split("\n\n").filter(|t| !t.trim().is_empty()).map(Goal::parse).collect()
    }

    /// The goal on one line a hypothesis, without case tag, white space collapsed and inaccessible
    /// names numbered in the order in which they appear.
    pub fn normal_form(&self) -> String {
        let mut out = String::with_capacity(self.text.len());
        for h in &self.hypotheses {
            out.push_str(&h.names.join(" "));
            out.push_str(" : ");
            out.push_str(&h.type_);
            if let Some(v) = &h.value {
                out.push_str(" := ");
                out.push_str(v);
            }
            out.push('\n');
        }
        out.push_str("⊢ ");
        out.push_str(&self.target);
        renumber_inaccessible(&collapse_space(&out))
    }

    /// The key of the normal form.
    pub fn key(&self) -> GoalKey {
        GoalKey(Sha256::digest(self.normal_form().as_bytes()).into())
    }
}

/// Whether two proof states are the same multiset of goals.
pub fn same_state(a: &[Goal], b: &[Goal]) -> bool {
    let sorted = |goals: &[Goal]| {
        let mut keys: Vec<GoalKey> = goals.iter().map(Goal::key).collect();
        keys.sort_unstable();
        keys
    };
    a.len() == b.len() && sorted(a) == sorted(b)
}

fn parse_hypothesis(entry: &str) -> Option<Hypothesis> {
    let colon = entry.find(" : ")?;
    let names: Vec<String> = entry[..colon].split_whitespace().map(str::to_owned).collect();
    if names.is_empty() || names.iter().any(|n| n.contains(['(', '⊢'])) {
        return None;
    }
    let rest = entry[colon + 3..].trim();
    let (type_, value) = match top_level_assign(rest) {
        Some(at) => (rest[..at].trim(), Some(rest[at + 4..].trim().to_owned())),
        None => (rest, None),
    };
    Some(Hypothesis { names, type_: type_.to_owned(), value })
}

/// The place of ` := ` outside of brackets; none where a `let` or `have` of the type owns it.
fn top_level_assign(s: &str) -> Option<usize> {
    if s.starts_with("let ") || s.starts_with("have ") {
        return None;
    }
    let mut depth = 0i32;
    for (i, c) in s.char_indices() {
        match c {
            '(' | '[' | '{' | '⟨' | '⦃' => depth += 1,
            ')' | ']' | '}' | '⟩' | '⦄' => depth -= 1,
            ' ' if depth == 0 && s[i..].starts_with(" := ") => return Some(i),
            _ => {}
        }
    }
    None
}

fn collapse_space(s: &str) -> String {
    s.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

fn is_superscript(c: char) -> bool {
    matches!(c, '⁰' | '¹' | '²' | '³' | '⁴'..='⁹')
}

/// `a✝¹ … b✝` → `✝1 … ✝2`: the names of inaccessible variables carry no meaning, their identity does.
fn renumber_inaccessible(s: &str) -> String {
    if !s.contains('✝') {
        return s.to_owned();
    }
    let is_name =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'' | '✝' | '«' | '»') || is_superscript(c);
    let mut seen: Vec<&str> = Vec::new();
    let mut out = String::with_capacity(s.len());
    let mut rest = s;
    while let Some(c) = rest.chars().next() {
        let end = if is_name(c) { rest.find(|c| !is_name(c)).unwrap_or(rest.len()) } else { c.len_utf8() };
        let (word, tail) = rest.split_at(end);
        if word.contains('✝') {
            // A projection of an inaccessible structure, `x✝.1`, keeps its field.
            let cut = word.find('✝').map_or(word.len(), |i| {
                let after = i + '✝'.len_utf8();
                after + word[after..].find(|c| !is_superscript(c)).unwrap_or(word.len() - after)
            });
            let (name, field) = word.split_at(cut);
            let n = seen.iter().position(|x| *x == name).unwrap_or_else(|| {
                seen.push(name);
                seen.len() - 1
            });
            out.push_str(&format!("✝{}{field}", n + 1));
        } else {
            out.push_str(word);
        }
        rest = tail;
    }
    out
}

impl GoalKey {
    /// The key as 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(s: &str) -> Option<GoalKey> {
        let mut key = [0u8; 32];
        if s.len() != 64 || !s.is_ascii() {
            return None;
        }
        for (i, b) in key.iter_mut().enumerate() {
            *b = u8::from_str_radix(&s[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(GoalKey(key))
    }
}

impl fmt::Debug for GoalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GoalKey({})", &self.to_hex()[..12])
    }
}

impl fmt::Display for GoalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl Serialize for GoalKey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for GoalKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let s = String::deserialize(d)?;
        GoalKey::from_hex(&s).ok_or_else(|| serde::de::Error::custom("a goal key has 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_taken_apart() {
        let g = Goal::parse("case inl\np q : Prop\nx : Nat := 5\nh :\n  p ∧\n    q\n⊢ q ∧\n    p");
        assert_eq!(g.case.as_deref(), Some("inl"));
        assert_eq!(g.target, "q ∧ p");
        assert_eq!(g.hypotheses[0].names, ["p", "q"]);
        assert_eq!((g.hypotheses[1].type_.as_str(), g.hypotheses[1].value.as_deref()), ("Nat", Some("5")));
        assert_eq!(g.hypotheses.len(), 3, "a type that starts on the next line belongs to its name");
        assert_eq!(g.hypotheses[2].type_, "p ∧ q");
    }

    #[test]
    fn white_space_tags_and_numbering_do_not_matter_for_the_key() {
        let a = Goal::parse("case a\nx✝¹ y✝ : Nat\nh : x✝¹ = y✝\n⊢ y✝ = x✝¹");
        let b = Goal::parse("x✝ z✝ : Nat\nh : x✝ =\n    z✝\n⊢ z✝ = x✝");
        let c = Goal::parse("x✝ z✝ : Nat\nh : x✝ = z✝\n⊢ x✝ = z✝");
        assert_eq!(a.key(), b.key());
        assert_ne!(a.key(), c.key());
        assert!(same_state(&[a.clone(), c.clone()], &[c.clone(), b.clone()]));
        assert!(!same_state(&[a.clone(), a], &[c, b]));
    }

    #[test]
    fn a_key_survives_its_text_form() {
        let k = Goal::parse("⊢ True").key();
        assert_eq!(GoalKey::from_hex(&k.to_hex()), Some(k));
        assert_eq!(GoalKey::from_hex("zz"), None);
    }
}
