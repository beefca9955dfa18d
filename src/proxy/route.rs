//! Whose a message is: a pure decision from its envelope and a summary of the state.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event::Side;
use super::goals::GoalForm;
use super::splice::Offers;
use crate::lsp::head::Head;
use crate::lsp::message::{Envelope, Kind, RequestId};
use crate::lsp::protocol::method;

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// Passes; we have no interest in it.
    Forward,
    /// Passes, and we read it.
    Observe(Seen),
    /// Does not pass: we answer it, or take it for ourselves, or pass a changed one on.
    Ours(Own),
}

/// What we read in messages that pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// `initialize`.
    Initialize,
    /// `initialized`.
    Initialized,
    /// `shutdown`.
    Shutdown,
    /// `textDocument/didOpen`.
    Opened,
    /// `textDocument/didChange`.
    Changed,
    /// `textDocument/didClose`.
    Closed,
    /// `textDocument/didSave`.
    Saved,
    /// A question for the goals at a position.
    AsksGoals(GoalForm),
    /// `textDocument/codeAction`.
    AsksActions,
    /// `textDocument/completion`.
    AsksCompletions,
    /// A request that tells where the cursor is.
    PointsAt,
    /// `$/cancelRequest` of a request that went to Lean.
    Cancels,
    /// Lean's answer to a question for goals.
    Goals,
    /// `textDocument/publishDiagnostics`.
    Diagnostics,
    /// `$/lean/fileProgress`.
    Progress,
    /// `client/registerCapability`, or `client/unregisterCapability` (false).
    Registers(bool),
}

/// What is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// `$/leanCopilot/*`.
    Method,
    /// `$/cancelRequest` of a request that was made to us.
    Cancel,
    /// `codeAction/resolve` or `completionItem/resolve` of something of ours.
    Resolve,
    /// `textDocument/codeAction` where Lean offers none.
    Actions,
    /// `textDocument/completion` where Lean offers none.
    Completions,
    /// `textDocument/inlineCompletion` where Lean offers none.
    Inline,
    /// Lean's answer to a request of ours.
    Answer,
    /// Lean's answer to `initialize`, which passes with our capabilities merged in.
    InitializeAnswer,
    /// Lean's answer to `textDocument/codeAction`, which passes with our actions appended.
    ActionsAnswer,
    /// Lean's answer to `textDocument/completion`, which passes with our items appended.
    CompletionsAnswer,
}

/// What we wait for in Lean's answers to the editor's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// `initialize`.
    Initialize,
    /// A question for goals.
    Goals,
    /// `textDocument/codeAction`.
    Actions,
    /// `textDocument/completion`.
    Completions,
}

/// What a decision needs to know.
#[derive(Debug, Default)]
pub struct Summary {
    /// Requests of the editor that are ours and not yet answered.
    pub ours: HashSet<RequestId>,
    /// Requests of ours to Lean that it has not answered. The prefix alone does not tell: the editor may
    /// be another of our kind.
    pub asked: HashSet<RequestId>,
    /// Requests of the editor to Lean whose answers we want to see.
    pub watched: HashMap<RequestId, Watched>,
    /// What Lean does itself; unknown before `initialize` was answered.
    pub offers: Option<Offers>,
}

impl Summary {
    /// Whether Lean answers a request of ours.
    pub fn is_answer_to_us(&self, envelope: &Envelope) -> bool {
        envelope.kind() == Some(Kind::Response)
            && envelope.request_id().is_some_and(|id| self.asked.contains(&id))
    }
}

/// What the head of a message tells before the rest of it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It passes, and nobody here reads it.
    Passes,
    /// It passes; whether we read it, the envelope says.
    PassesFirst,
    /// Only [`route`] can tell.
    Unknown,
}

/// Decides as far as the head of a message allows; never otherwise than [`route`] would with the rest.
pub fn fate(side: Side, head: &Head, summary: &Summary) -> Fate {
    match (side, head.method) {
        (Side::Editor, Some(method)) => match interest(method) {
            Interest::None => Fate::Passes,
            Interest::Reads => Fate::PassesFirst,
            Interest::Decides => Fate::Unknown,
        },
        // Whatever else it holds, a message of Lean's that has a method passes.
        (Side::Lean, Some(method)) if is_news(method) => Fate::PassesFirst,
        (Side::Lean, Some(_)) => Fate::Passes,
        (Side::Lean, None) => match (head.id, head.stopped_at) {
            (Some(id), Some("result" | "error")) => match summary.watched.get(id) {
                _ if summary.asked.contains(id) => Fate::Unknown,
                None => Fate::Passes,
                Some(Watched::Goals) => Fate::PassesFirst,
                Some(_) => Fate::Unknown,
            },
            _ => Fate::Unknown,
        },
        (Side::Editor, None) => Fate::Unknown,
    }
}

/// What a method of the editor's is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interest {
    /// Nothing.
    None,
    /// We read it when it has passed.
    Reads,
    /// It may be ours.
    Decides,
}

fn interest(method: &str) -> Interest {
    match method {
        "$/cancelRequest"
        | "textDocument/codeAction"
        | "codeAction/resolve"
        | "textDocument/completion"
        | "completionItem/resolve"
        | "textDocument/inlineCompletion" => Interest::Decides,
        "initialize"
        | "initialized"
        | "shutdown"
        | "$/lean/plainGoal"
        | "$/lean/rpc/call"
        | "textDocument/hover"
        | "textDocument/documentHighlight"
        | "textDocument/didOpen"
        | "textDocument/didChange"
        | "textDocument/didClose"
        | "textDocument/didSave" => Interest::Reads,
        m if m.starts_with(method::PREFIX) => Interest::Decides,
        _ => Interest::None,
    }
}

/// Whether a message of Lean's with this method tells us something.
fn is_news(method: &str) -> bool {
    matches!(
        method,
        "textDocument/publishDiagnostics"
            | "$/lean/fileProgress"
            | "client/registerCapability"
            | "client/unregisterCapability"
    )
}

/// Decides.
pub fn route(side: Side, envelope: &Envelope, summary: &Summary) -> Route {
    match (side, envelope.kind()) {
        (_, None) => Route::Forward,
        // One list of methods for this and for `fate`.
        (Side::Editor, _) if interest(envelope.method()) == Interest::None => Route::Forward,
        (Side::Editor, Some(Kind::Request)) => request(envelope, summary),
        (Side::Editor, Some(Kind::Notification)) => notification(envelope, summary),
        // We ask the editor nothing, so every answer of its is for Lean.
        (Side::Editor, Some(Kind::Response)) => Route::Forward,
        (Side::Lean, Some(Kind::Notification)) => match envelope.method() {
            "textDocument/publishDiagnostics" => Route::Observe(Seen::Diagnostics),
            "$/lean/fileProgress" => Route::Observe(Seen::Progress),
            _ => Route::Forward,
        },
        (Side::Lean, Some(Kind::Request)) => match envelope.method() {
            "client/registerCapability" => Route::Observe(Seen::Registers(true)),
            "client/unregisterCapability" => Route::Observe(Seen::Registers(false)),
            _ => Route::Forward,
        },
        (Side::Lean, Some(Kind::Response)) => answer(envelope, summary),
    }
}

fn request(envelope: &Envelope, summary: &Summary) -> Route {
    match envelope.method() {
        m if m.starts_with(method::PREFIX) => Route::Ours(Own::Method),
        "initialize" => Route::Observe(Seen::Initialize),
        "shutdown" => Route::Observe(Seen::Shutdown),
        "$/lean/plainGoal" => Route::Observe(Seen::AsksGoals(GoalForm::Plain)),
        "$/lean/rpc/call" if asks_interactive_goals(envelope) => {
            Route::Observe(Seen::AsksGoals(GoalForm::Interactive))
        }
        "textDocument/codeAction" if summary.offers.is_some_and(|o| !o.code_actions) => {
            Route::Ours(Own::Actions)
        }
        "textDocument/codeAction" => Route::Observe(Seen::AsksActions),
        "codeAction/resolve" | "completionItem/resolve" if mark_of_ours(envelope).is_some() => {
            Route::Ours(Own::Resolve)
        }
        "textDocument/completion" if summary.offers.is_some_and(|o| !o.completions) => {
            Route::Ours(Own::Completions)
        }
        "textDocument/completion" => Route::Observe(Seen::AsksCompletions),
        "textDocument/inlineCompletion" if summary.offers.is_some_and(|o| !o.inline_completion) => {
            Route::Ours(Own::Inline)
        }
        "textDocument/hover" | "textDocument/documentHighlight" => Route::Observe(Seen::PointsAt),
        _ => Route::Forward,
    }
}

fn notification(envelope: &Envelope, summary: &Summary) -> Route {
    match envelope.method() {
        m if m.starts_with(method::PREFIX) => Route::Ours(Own::Method),
        "$/cancelRequest" => match cancelled(envelope) {
            Some(id) if summary.ours.contains(&id) => Route::Ours(Own::Cancel),
            Some(id) if summary.watched.contains_key(&id) => Route::Observe(Seen::Cancels),
            _ => Route::Forward,
        },
        "initialized" => Route::Observe(Seen::Initialized),
        "textDocument/didOpen" => Route::Observe(Seen::Opened),
        "textDocument/didChange" => Route::Observe(Seen::Changed),
        "textDocument/didClose" => Route::Observe(Seen::Closed),
        "textDocument/didSave" => Route::Observe(Seen::Saved),
        _ => Route::Forward,
    }
}

fn answer(envelope: &Envelope, summary: &Summary) -> Route {
    let Some(id) = envelope.request_id() else { return Route::Forward };
    if summary.is_answer_to_us(envelope) {
        return Route::Ours(Own::Answer);
    }
    match summary.watched.get(&id) {
        Some(Watched::Initialize) => Route::Ours(Own::InitializeAnswer),
        Some(Watched::Actions) => Route::Ours(Own::ActionsAnswer),
        Some(Watched::Completions) => Route::Ours(Own::CompletionsAnswer),
        Some(Watched::Goals) => Route::Observe(Seen::Goals),
        None => Route::Forward,
    }
}

/// The id in a `$/cancelRequest`.
pub fn cancelled(envelope: &Envelope) -> Option<RequestId> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    envelope.params_as::<Params>().ok().map(|p| RequestId::from(p.id))
}

/// The suggestion's id in the `data` of a code action or completion item of ours.
pub fn mark_of_ours(envelope: &Envelope) -> Option<String> {
    #[derive(Deserialize)]
    struct Marked {
        data: Data,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        lean_copilot: String,
    }
    envelope.params_as::<Marked>().ok().map(|a| a.data.lean_copilot)
}

fn asks_interactive_goals(envelope: &Envelope) -> bool {
    #[derive(Deserialize)]
    struct Call<'a> {
        #[serde(borrow)]
        method: std::borrow::Cow<'a, str>,
    }
    envelope.params_as::<Call>().is_ok_and(|c| c.method == "Lean.Widget.getInteractiveGoals")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::head::head;

    fn check(side: Side, body: &str, expected: Route) {
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        let id = |n: u64| RequestId::from(n);
        let summary = Summary {
            ours: [id(5)].into(),
            asked: [RequestId::own(12)].into(),
            watched: [(id(0), Watched::Initialize), (id(7), Watched::Goals), (id(8), Watched::Actions)]
                .into(),
            offers: Some(Offers { code_actions: true, ..Offers::default() }),
        };
        assert_eq!(route(side, &envelope, &summary), expected, "{body}");
        let early = head(body.as_bytes()).map(|h| fate(side, &h, &summary));
        match early {
            Some(Fate::Passes) => assert_eq!(expected, Route::Forward, "{body}"),
            Some(Fate::PassesFirst) => assert!(!matches!(expected, Route::Ours(_)), "{body}"),
            Some(Fate::Unknown) | None => {}
        }
    }

    #[test]
    fn large_messages_need_not_be_read_to_pass() {
        let summary =
            Summary { watched: [(RequestId::from(7), Watched::Goals)].into(), ..Summary::default() };
        let fate = |side, body: &str| fate(side, &head(body.as_bytes()).unwrap(), &summary);
        assert_eq!(fate(Side::Lean, r#"{"id":1,"jsonrpc":"2.0","result":{"#), Fate::Passes);
        assert_eq!(fate(Side::Lean, r#"{"id":7,"jsonrpc":"2.0","result":{"#), Fate::PassesFirst);
        assert_eq!(fate(Side::Lean, r#"{"result":{"#), Fate::Unknown, "the id comes later");
        assert_eq!(
            fate(Side::Lean, r#"{"method":"textDocument/publishDiagnostics","params":{"#),
            Fate::PassesFirst
        );
        assert_eq!(fate(Side::Editor, r#"{"jsonrpc":"2.0","method":"$/x","params":{"#), Fate::Passes);
        assert_eq!(fate(Side::Editor, r#"{"method":"$/leanCopilot/x","params":{"#), Fate::Unknown);
        assert_eq!(fate(Side::Editor, r#"{"method":"textDocument/didOpen","params":{"#), Fate::PassesFirst);
    }

    #[test]
    fn from_the_editor() {
        let editor = |body: &str, expected| check(Side::Editor, body, expected);
        editor(r#"{"id":1,"method":"$/leanCopilot/suggest","params":{}}"#, Route::Ours(Own::Method));
        editor(r#"{"id":1,"method":"$/lean/plainTermGoal","params":{}}"#, Route::Forward);
        editor(
            r#"{"id":1,"method":"$/lean/rpc/call","params":{"method":"Lean.Widget.getInteractiveGoals"}}"#,
            Route::Observe(Seen::AsksGoals(GoalForm::Interactive)),
        );
        editor(r#"{"id":1,"method":"$/lean/rpc/call","params":{"method":"Lean.Widget.x"}}"#, Route::Forward);
        editor(r#"{"method":"$/cancelRequest","params":{"id":5}}"#, Route::Ours(Own::Cancel));
        editor(r#"{"method":"$/cancelRequest","params":{"id":8}}"#, Route::Observe(Seen::Cancels));
        editor(r#"{"method":"$/cancelRequest","params":{"id":"5"}}"#, Route::Forward);
        editor(
            r#"{"id":2,"method":"codeAction/resolve","params":{"title":"","data":{"leanCopilot":"s1"}}}"#,
            Route::Ours(Own::Resolve),
        );
        editor(r#"{"id":2,"method":"codeAction/resolve","params":{"title":"","data":{}}}"#, Route::Forward);
        editor(
            r#"{"id":2,"method":"completionItem/resolve","params":{"label":"","data":{"leanCopilot":"s1"}}}"#,
            Route::Ours(Own::Resolve),
        );
        editor(
            r#"{"id":2,"method":"completionItem/resolve","params":{"label":"","data":7}}"#,
            Route::Forward,
        );
        editor(r#"{"id":2,"method":"textDocument/completion","params":{}}"#, Route::Ours(Own::Completions));
        editor(r#"{"id":2,"method":"textDocument/inlineCompletion","params":{}}"#, Route::Ours(Own::Inline));
        editor(
            r#"{"id":2,"method":"textDocument/codeAction","params":{}}"#,
            Route::Observe(Seen::AsksActions),
        );
        editor(r#"{"id":"lc:1","result":null}"#, Route::Forward);
        editor(r#"{"method":"exit"}"#, Route::Forward);
        editor(r#"{"x":1}"#, Route::Forward);
    }

    #[test]
    fn from_lean() {
        let lean = |body: &str, expected| check(Side::Lean, body, expected);
        lean(r#"{"id":"lc:12","result":null}"#, Route::Ours(Own::Answer));
        lean(r#"{"id":"lc:13","result":null}"#, Route::Forward);
        lean(r#"{"id":0,"result":{}}"#, Route::Ours(Own::InitializeAnswer));
        lean(r#"{"id":7,"result":{}}"#, Route::Observe(Seen::Goals));
        lean(r#"{"id":"7","result":{}}"#, Route::Forward);
        lean(r#"{"id":8,"error":{"code":1,"message":""}}"#, Route::Ours(Own::ActionsAnswer));
        lean(r#"{"id":0,"method":"workspace/inlayHint/refresh"}"#, Route::Forward);
        lean(r#"{"method":"$/lean/fileProgress","params":{}}"#, Route::Observe(Seen::Progress));
        lean(
            r#"{"id":"r","method":"client/registerCapability","params":{}}"#,
            Route::Observe(Seen::Registers(true)),
        );
        lean(r#"{"method":"$/other","params":{}}"#, Route::Forward);
    }
}
