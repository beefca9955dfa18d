//! Everything that can wake the loop, and what goes out of it.

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::lsp::codec::Frame;
use crate::lsp::protocol::{EventParams, FeedbackParams, SuggestParams, SuggestResult};
use crate::suggest::Update;

/// One of the two peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The editor.
    Editor,
    /// Lean's server.
    Lean,
}

impl Side {
    /// The one that the messages of this one are for.
    pub fn other(self) -> Side {
        match self {
            Side::Editor => Side::Lean,
            Side::Lean => Side::Editor,
        }
    }
}

/// What a peer sent.
#[derive(Debug)]
pub enum Incoming {
    /// A whole message.
    Frame(Frame),
    /// Bytes of a stream that is no longer LSP; all that follows on this side is of this kind.
    Raw(Bytes),
    /// The stream ended.
    End,
}

/// A message made to us, as the handlers of [`service`](super::service) put it to the loop. It is taken
/// up before the next event, so that it means the documents as they were when it came. A reply whose
/// receiver is gone is a cancelled request.
#[derive(Debug)]
pub enum Ask {
    /// `$/leanCopilot/suggest`.
    Suggest(SuggestParams, oneshot::Sender<Result<SuggestResult, AskError>>),
    /// `$/leanCopilot/feedback`.
    Feedback(FeedbackParams, oneshot::Sender<Result<serde_json::Value, AskError>>),
    /// `$/leanCopilot/event`.
    Event(EventParams),
    /// `$/leanCopilot/configure`.
    Configure(serde_json::Value),
}

/// Why a request of ours failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskError {
    /// A code of [`code`](crate::lsp::message::code).
    pub code: i64,
    /// For people.
    pub message: String,
}

/// The closed list of what can happen.
#[derive(Debug)]
pub enum Event {
    /// A peer sent something.
    Incoming(Side, Incoming),
    /// A peer takes nothing more.
    Unwritable(Side),
    /// A handler of ours is done: its answer for the editor, and the number it was called under.
    Answered(i64, Option<Frame>),
    /// A round of suggestions has news.
    Update(u64, Update),
    /// A round of suggestions has ended, by itself or not.
    Ended(u64),
}
