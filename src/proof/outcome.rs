//! What the person did with what was offered.

use serde::{Deserialize, Serialize};

/// An outcome of a suggestion, observed in the document's changes or reported by the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// One change made the text that the suggestion's edit makes, or the client said so.
    Accepted,
    /// A part was accepted, word by word.
    AcceptedPart,
    /// The person typed the text of a shown suggestion by hand.
    TypedSame,
    /// Another tactic was typed at that goal, and Lean took it.
    TypedOther,
    /// Refused by name.
    Rejected,
    /// Closed without a choice.
    Dismissed,
    /// The goal was left as it was.
    Ignored,
    /// An accepted suggestion was reverted within a minute, or before the next save.
    Undone,
    /// An accepted suggestion was still there at save and when the declaration was complete.
    Kept,
}

impl OutcomeKind {
    /// The name used in JSON and in the store.
    pub fn name(self) -> &'static str {
        match self {
            OutcomeKind::Accepted => "accepted",
            OutcomeKind::AcceptedPart => "accepted_part",
            OutcomeKind::TypedSame => "typed_same",
            OutcomeKind::TypedOther => "typed_other",
            OutcomeKind::Rejected => "rejected",
            OutcomeKind::Dismissed => "dismissed",
            OutcomeKind::Ignored => "ignored",
            OutcomeKind::Undone => "undone",
            OutcomeKind::Kept => "kept",
        }
    }
}
