//! The types of `$/leanCopilot/*`; `docs/protocol.md` explains them, the extension mirrors them.

use lsp_types::{Position, Range};
use serde::{Deserialize, Serialize};

use crate::proof::{Candidate, Goal, Verdict};

/// Names of the methods.
pub mod method {
    /// What every method of ours starts with.
    pub const PREFIX: &str = "$/leanCopilot/";
    /// Request: verified suggestions at a position.
    pub const SUGGEST: &str = "$/leanCopilot/suggest";
    /// Notification to the client: the suggestions of a place have changed.
    pub const SUGGESTIONS: &str = "$/leanCopilot/suggestions";
    /// Notification to the client: how the sidecar is.
    pub const STATUS: &str = "$/leanCopilot/status";
    /// Notification from the client: what the person did with a suggestion.
    pub const EVENT: &str = "$/leanCopilot/event";
    /// Notification from the client: settings that changed.
    pub const CONFIGURE: &str = "$/leanCopilot/configure";
    /// Request: counts, rows, deletion or export of what was recorded.
    pub const FEEDBACK: &str = "$/leanCopilot/feedback";
}

/// Names a document by the URI that the editor uses, whatever its form: it is compared, never resolved.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DocumentId {
    /// The URI as the editor wrote it.
    pub uri: String,
}

/// Parameters of `suggest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuggestParams {
    /// The document, which must be open.
    pub text_document: DocumentId,
    /// Where a tactic is wanted.
    pub position: Position,
    /// Most suggestions wanted; the setting `limit` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Whether candidates that Lean refused are listed too.
    #[serde(default)]
    pub tried: bool,
    /// Longest wait for the whole round, in milliseconds. Absent: the answer comes with the first
    /// verified suggestion, or when the round ends without one; 0: at once.
    #[serde(default, rename = "wait_ms", skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

/// Result of `suggest`: what is verified so far, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuggestResult {
    /// The main goal; `null` where there is no goal.
    pub goal: Option<Goal>,
    /// All goals there, the main one first.
    pub goals: Vec<Goal>,
    /// Verified suggestions, best first.
    pub suggestions: Vec<Suggestion>,
    /// How many candidates are still being checked; 0 when the round is over.
    pub pending: usize,
    /// Candidates that may not be inserted, with Lean's answer; only if asked for.
    pub tried: Vec<Tried>,
    /// Time since the round began, in milliseconds.
    pub elapsed_ms: f64,
}

/// A tactic that Lean has accepted at its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Names the suggestion in `event` and in the feedback store; unique within the process and, by its
    /// random part, between processes.
    pub id: String,
    /// The tactic and who proposed it.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Lean's answer.
    pub verdict: Verdict,
    /// What to insert.
    pub edit: Edit,
}

/// A replacement in the document, valid for the version for which it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// What is replaced.
    pub range: Range,
    /// By what.
    pub new_text: String,
}

/// A candidate that may not be inserted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The tactic and who proposed it.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Lean's answer.
    pub verdict: Verdict,
}

/// Parameters of `suggestions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuggestionsParams {
    /// The document.
    pub text_document: DocumentId,
    /// The version for which the edits hold.
    pub version: i32,
    /// Where the tactic was wanted.
    pub position: Position,
    /// The main goal there.
    pub goal: Option<Goal>,
    /// All that is verified so far, best first.
    pub suggestions: Vec<Suggestion>,
    /// How many candidates are still being checked; 0 when the round is over.
    pub pending: usize,
}

/// The state in `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// Nothing to do.
    Ready,
    /// Candidates are being made.
    Thinking,
    /// Lean is checking candidates.
    Checking,
    /// Suggestions on their own are switched off.
    Paused,
    /// Something is missing; the rest works.
    Degraded,
}

/// Parameters of `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusParams {
    /// The state.
    pub state: StatusState,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What mends it, a command where possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Where the policy runs.
    pub device: String,
    /// The bundle in use, `name@` and 12 digits; `null` before one was loaded.
    pub bundle: Option<String>,
    /// The Lean that serves.
    pub lean: String,
}

/// What the client says about a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The person could see it.
    Shown,
    /// Inserted.
    Accepted,
    /// Inserted in part.
    AcceptedPart,
    /// Refused by name.
    Rejected,
    /// Closed without a choice.
    Dismissed,
}

/// Parameters of `event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventParams {
    /// The suggestion's id.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// The person's reason, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What `feedback` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackKind {
    /// Counts.
    Stats,
    /// The newest rows.
    List,
    /// Delete rows.
    Delete,
    /// The rows of a data set; the client writes the file, if it wants one.
    Export,
}

/// Parameters of `feedback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackParams {
    /// What to do.
    pub kind: FeedbackKind,
    /// Everything else, by kind.
    #[serde(flatten)]
    pub options: serde_json::Map<String, serde_json::Value>,
}

/// What a client that knows `$/leanCopilot/*` announces, and what `initialize` answers, under
/// `capabilities.experimental.leanCopilot`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Our version.
    pub version: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Source, VerdictKind};

    #[test]
    fn a_suggestion_has_the_shape_of_the_design() {
        let suggestion = Suggestion {
            id: "s1".into(),
            candidate: Candidate::new("rfl", Source::Portfolio, None),
            verdict: Verdict {
                kind: VerdictKind::Closes,
                completes: true,
                goals: vec![],
                message: None,
                elapsed_ms: 1.5,
            },
            edit: Edit { range: Range::default(), new_text: "rfl".into() },
        };
        expect_test::expect![[
            r#"{"id":"s1","tactic":"rfl","source":"portfolio","sources":["portfolio"],"log_prob":null,"verdict":{"kind":"closes","completes":true,"goals":[],"message":null,"elapsed_ms":1.5},"edit":{"range":{"start":{"line":0,"character":0},"end":{"line":0,"character":0}},"newText":"rfl"}}"#
        ]]
        .assert_eq(&serde_json::to_string(&suggestion).unwrap());
    }

    #[test]
    fn parameters_need_no_more_than_a_place() {
        let p: SuggestParams = serde_json::from_str(
            r#"{"textDocument":{"uri":"file:///A.lean"},"position":{"line":0,"character":1},"x":1}"#,
        )
        .unwrap();
        assert_eq!((p.limit, p.tried, p.wait_ms), (None, false, None));
    }
}
