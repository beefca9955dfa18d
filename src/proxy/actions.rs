//! Suggestions in the forms that editors know: code actions and inline completions. Pure.

use lsp_types::{Position, Range};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::lsp::position::byte_range;
use crate::lsp::protocol::DocumentId;
use crate::suggest::Suggestion;

/// What a `textDocument/codeAction` asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionParams {
    /// The document.
    pub text_document: DocumentId,
    /// For which part of it.
    pub range: Range,
    /// Why.
    #[serde(default)]
    pub context: ActionContext,
}

/// The `context` of a code action request, as far as we read it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionContext {
    /// The kinds wanted; absent means all.
    pub only: Option<Vec<String>>,
    /// 1: a person asked; 2: the editor did on its own.
    pub trigger_kind: Option<u32>,
}

impl ActionParams {
    /// Whether a person asked.
    pub fn invoked(&self) -> bool {
        self.context.trigger_kind == Some(1)
    }

    /// Whether quick fixes are wanted: a kind stands for all below it.
    pub fn wants_quick_fixes(&self) -> bool {
        self.context.only.as_ref().is_none_or(|kinds| kinds.iter().any(|k| k.is_empty() || k == "quickfix"))
    }
}

/// The code action of a suggestion: complete, so that it needs no `resolve`. Its edit has the one form that
/// Lean's own actions have, whatever the client announced: clients made for Lean read `documentChanges`, and
/// leanclient 0.13 hangs where there are `changes`, too.
pub fn code_action(uri: &str, version: i32, suggestion: &Suggestion) -> Value {
    let edits = json!([{"range": suggestion.edit.range, "newText": suggestion.edit.new_text}]);
    let edit =
        json!({"documentChanges": [{"textDocument": {"uri": uri, "version": version}, "edits": edits}]});
    json!({
        "title": title(suggestion),
        "kind": "quickfix",
        "edit": edit,
        "data": {"leanCopilot": suggestion.id},
    })
}

/// What the menu says: the tactic on one line, and what it does.
fn title(suggestion: &Suggestion) -> String {
    format!("Try `{}` ({})", one_line(&suggestion.candidate.tactic), effect(suggestion))
}

/// A tactic on one line, cut where it is long.
pub fn one_line(tactic: &str) -> String {
    const LONGEST: usize = 80;
    let tactic = tactic.split_whitespace().collect::<Vec<_>>().join(" ");
    match tactic.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &tactic[..cut]),
        None => tactic,
    }
}

/// What a suggestion does, in a few words.
pub fn effect(suggestion: &Suggestion) -> String {
    match (suggestion.verdict.completes, suggestion.verdict.goals.len()) {
        (true, _) => "completes the proof".to_owned(),
        (false, 0) => "closes the goal".to_owned(),
        (false, 1) => "1 goal left".to_owned(),
        (false, n) => format!("{n} goals left"),
    }
}

/// The inline completion (LSP 3.18) of a suggestion at the cursor: only where its edit touches the cursor
/// and stays on one line before it, as editors can show no other. `text` is the document.
pub fn inline_completion(position: Position, text: &str, suggestion: &Suggestion) -> Option<Value> {
    let range = suggestion.edit.range;
    let touches = range.start <= position && position <= range.end && range.start.line == range.end.line;
    let new_text = &suggestion.edit.new_text;
    let replaced = &text[byte_range(text, range)];
    touches.then(|| {
        let mut item = json!({"insertText": new_text, "range": range});
        // An editor shows an item only if what it replaces begins the filter text, or the text where absent.
        if !new_text.starts_with(replaced) {
            item["filterText"] = json!(format!("{replaced} {new_text}"));
        }
        item
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Candidate, Goal, Source, Verdict, VerdictKind};
    use crate::suggest::Edit;

    fn suggestion() -> Suggestion {
        let at = |character| Position { line: 1, character };
        Suggestion {
            id: "s1".into(),
            candidate: Candidate::new("constructor\n  skip", Source::Policy, Some(-1.0)),
            verdict: Verdict {
                kind: VerdictKind::Progress,
                completes: false,
                goals: vec![Goal::parse("⊢ p"), Goal::parse("⊢ q")],
                message: None,
                elapsed_ms: 2.0,
            },
            edit: Edit {
                range: Range { start: at(2), end: at(7) },
                new_text: "constructor\n    skip".into(),
            },
        }
    }

    #[test]
    fn an_action_carries_its_whole_edit_and_our_mark() {
        let action = code_action("file:///A.lean", 4, &suggestion());
        assert_eq!(action["title"], "Try `constructor skip` (2 goals left)");
        assert_eq!(action["edit"]["documentChanges"][0]["textDocument"]["version"], 4);
        assert_eq!(action["data"]["leanCopilot"], "s1");
        let edit = &action["edit"]["documentChanges"][0]["edits"][0];
        assert_eq!(edit["newText"], "constructor\n    skip");
    }

    #[test]
    fn only_what_touches_the_cursor_is_completed_inline() {
        let at =
            |line, character| inline_completion(Position { line, character }, "\n  sorry", &suggestion());
        let item = at(1, 2).unwrap();
        assert_eq!(item["filterText"], "sorry constructor\n    skip");
        assert_eq!(
            (&item["insertText"], &item["range"]["end"]["character"]),
            (&json!("constructor\n    skip"), &json!(7))
        );
        assert!(at(1, 7).is_some());
        assert!(at(1, 8).is_none() && at(0, 5).is_none());
    }

    #[test]
    fn kinds_and_triggers_are_read() {
        let params = |context: Value| -> ActionParams {
            serde_json::from_value(json!({"textDocument": {"uri": "u"}, "context": context,
                "range": Range::default()}))
            .unwrap()
        };
        assert!(params(json!({"triggerKind": 1, "diagnostics": []})).invoked());
        assert!(!params(json!({"diagnostics": []})).invoked());
        assert!(!params(json!({"only": ["source"]})).wants_quick_fixes());
        assert!(params(json!({"only": ["quickfix"]})).wants_quick_fixes());
    }
}
