//! What is recorded: rounds and outcomes, as plain data with a format version.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::proof::{Candidate, Goal, GoalKey, OutcomeKind, Verdict};

/// Version of the recorded data's meaning, kept in each round and in exports.
pub const FORMAT: u32 = 1;

/// One look at a goal: the state, what was tried there and how Lean answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Names the round; unique among all processes. Recording a round again replaces it.
    pub id: String,
    /// [`FORMAT`] when it was recorded.
    pub format: u32,
    /// Milliseconds since 1970 (UTC).
    pub time_ms: i64,
    /// Root folder of the project, as an absolute path.
    pub project: String,
    /// The document, as the editor names it.
    pub uri: String,
    /// The document's version.
    pub version: i32,
    /// Full name of the enclosing declaration, by [`named_at`](crate::proof::declaration::named_at).
    pub declaration: Option<String>,
    /// Line of the place, from 1.
    pub line: u32,
    /// Column of the place, from 1 in Unicode code points.
    pub column: u32,
    /// The main goal.
    pub goal: Goal,
    /// All goals, the main one first.
    pub goals: Vec<Goal>,
    /// Key of the main goal.
    pub goal_key: String,
    /// SHA-256 of the document's text, in hexadecimal.
    pub document_sha256: String,
    /// SHA-256 of the document's header (its imports), in hexadecimal.
    pub header_sha256: String,
    /// The Lean that answered, as the status names it.
    pub lean: String,
    /// The bundle that proposed, `name@` and 12 digits.
    pub bundle: Option<String>,
    /// What was tried, best first.
    pub candidates: Vec<Tried>,
}

/// A candidate of a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The tactic and who proposed it.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Its place in the order in which candidates were ranked, from 0.
    pub rank: u32,
    /// Lean's answer; none where the round ended before it came.
    pub verdict: Option<Verdict>,
    /// The suggestion's id, if it was offered.
    pub suggestion: Option<String>,
}

/// How an outcome is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Found in the document's changes.
    Observed,
    /// The client said so.
    Reported,
}

/// What the person did with a suggestion, or at the goal of a round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The round; none where only the suggestion is known.
    pub round: Option<String>,
    /// The suggestion; none for what concerns the whole round (`typed_other`, `ignored`).
    pub suggestion: Option<String>,
    /// What was done.
    pub kind: OutcomeKind,
    /// Milliseconds since 1970 (UTC).
    pub time_ms: i64,
    /// The person's reason, in their words.
    pub reason: Option<String>,
    /// What was typed (`typed_other`, `typed_same`) or stands in the document.
    pub tactic: Option<String>,
    /// How it is known.
    pub evidence: Evidence,
    /// Whether the person had it before their eyes, as far as is known.
    pub shown: bool,
}

/// A round with its outcomes, oldest first: what is read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// The round.
    #[serde(flatten)]
    pub round: Round,
    /// What the person did, oldest first.
    pub outcomes: Vec<Outcome>,
}

impl Evidence {
    /// The name used in JSON and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Evidence::Observed => "observed",
            Evidence::Reported => "reported",
        }
    }
}

impl Round {
    /// Key of a goal as rounds hold it.
    pub fn key_of(goal: &Goal) -> String {
        GoalKey::to_hex(goal.key())
    }
}

/// The time now, in milliseconds since 1970 (UTC).
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

/// A new id: `prefix`, the time and 64 random bits, so that ids of several processes never meet.
pub fn new_id(prefix: &str) -> String {
    format!("{prefix}{:x}-{:016x}", now_ms(), rand::random::<u64>())
}

/// SHA-256 in hexadecimal, as `document_sha256` and `header_sha256` hold it.
pub fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// How many block comments are open behind a line, given how many were open before it.
fn comment_depth(line: &str, mut depth: usize) -> usize {
    let bytes = line.as_bytes();
    let mut i = 0;
    let mut in_string = false;
    while i < bytes.len() {
        let rest = &bytes[i..];
        if depth > 0 {
            match rest {
                [b'-', b'/', ..] => (depth, i) = (depth - 1, i + 1),
                [b'/', b'-', ..] => (depth, i) = (depth + 1, i + 1),
                _ => {}
            }
        } else if in_string {
            match rest {
                [b'\\', ..] => i += 1,
                [b'"', ..] => in_string = false,
                _ => {}
            }
        } else {
            match rest {
                [b'-', b'-', ..] => return depth,
                [b'/', b'-', ..] => (depth, i) = (depth + 1, i + 1),
                [b'"', ..] => in_string = true,
                _ => {}
            }
        }
        i += 1;
    }
    depth
}

/// A document's header: everything before the first line that is neither an import, a module mark, a
/// comment nor blank.
pub fn header_of(text: &str) -> &str {
    let (mut at, mut depth, mut end) = (0, 0usize, 0);
    for line in text.split_inclusive('\n') {
        let t = line.trim();
        let was_comment = depth > 0;
        depth = comment_depth(line, depth);
        let first = t.split_whitespace().next().unwrap_or("");
        let header = matches!(first, "import" | "module" | "prelude" | "public" | "meta") && !was_comment;
        // `public def` opens a declaration; only `public import` belongs to the header.
        let header = header && (!matches!(first, "public" | "meta") || t.contains(" import "));
        let neutral = t.is_empty() || was_comment || t.starts_with("--") || t.starts_with("/-");
        at += line.len();
        if header {
            end = at;
        } else if !neutral {
            break;
        }
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_ends_with_the_last_import() {
        assert_eq!(
            header_of("/- a\nimport B -/\nimport A\n\n-- c\ndef x := 1"),
            "/- a\nimport B -/\nimport A\n"
        );
        assert_eq!(
            header_of("module\npublic import A\npublic def import_ := 1"),
            "module\npublic import A\n"
        );
        assert_eq!(header_of("theorem t : True := trivial"), "");
    }

    #[test]
    fn ids_differ() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| new_id("r")).collect();
        assert_eq!(ids.len(), 1000);
    }
}
