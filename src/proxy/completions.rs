//! Suggestions as items of `textDocument/completion`. Pure.

use lsp_types::Position;
use serde::Deserialize;
use serde_json::{Value, json};

use super::actions::{effect, one_line};
use crate::lsp::position;
use crate::lsp::protocol::DocumentId;
use crate::suggest::Suggestion;

/// What a `textDocument/completion` or `textDocument/inlineCompletion` asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct At {
    /// The document.
    pub text_document: DocumentId,
    /// Where.
    pub position: Position,
}

/// The item of a suggestion at the cursor, or none where its edit does not touch the cursor or spans
/// lines: LSP allows no other edits in a completion. `rank` counts from 0; `text` is the document.
pub fn completion_item(at: Position, text: &str, rank: usize, suggestion: &Suggestion) -> Option<Value> {
    let range = suggestion.edit.range;
    if range.start.line != range.end.line || at < range.start || range.end < at {
        return None;
    }
    let typed = &text[position::offset(text, range.start)..position::offset(text, at)];
    let tactic = one_line(&suggestion.candidate.tactic);
    Some(json!({
        "label": tactic,
        "labelDetails": {"description": "lean-copilot"},
        "detail": format!("lean-copilot: {}", effect(suggestion)),
        // What Lean completes stays on top of a word that was begun; at an empty place ours come first.
        "sortText": format!("{}{rank:03}", if begins_word(text, at) { '~' } else { '!' }),
        // Editors compare what stands between the start of the edit and the cursor.
        "filterText": if tactic.starts_with(typed) { tactic } else { format!("{typed} {tactic}") },
        // Plain text, indented already.
        "insertTextFormat": 1,
        "insertTextMode": 1,
        "textEdit": {"range": range, "newText": suggestion.edit.new_text},
        "data": {"leanCopilot": suggestion.id},
    }))
}

/// Whether a word that is no hole ends at the cursor.
fn begins_word(text: &str, at: Position) -> bool {
    let before = &text[..position::offset(text, at)];
    let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'' | '?' | '!');
    let word = &before[before.trim_end_matches(in_word).len()..];
    !word.is_empty() && !matches!(word, "sorry" | "admit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::{Candidate, Source, Verdict, VerdictKind};
    use crate::suggest::Edit;
    use lsp_types::Range;

    fn item(text: &str, edit: (u32, u32), cursor: u32) -> Option<Value> {
        let at = |character| Position { line: 0, character };
        let suggestion = Suggestion {
            id: "s1".into(),
            candidate: Candidate::new("exact\n  h", Source::Policy, None),
            verdict: Verdict {
                kind: VerdictKind::Closes,
                completes: true,
                goals: vec![],
                message: None,
                elapsed_ms: 2.0,
            },
            edit: Edit {
                range: Range { start: at(edit.0), end: at(edit.1) },
                new_text: "exact\n    h".into(),
            },
        };
        completion_item(at(cursor), text, 2, &suggestion)
    }

    #[test]
    fn an_item_is_whole_and_says_whose_it_is() {
        let item = item("  sorry", (2, 7), 2).unwrap();
        assert_eq!(item["label"], "exact h");
        assert_eq!(item["labelDetails"]["description"], "lean-copilot");
        assert_eq!(item["detail"], "lean-copilot: completes the proof");
        assert_eq!(item["textEdit"]["newText"], "exact\n    h");
        assert_eq!(item["data"]["leanCopilot"], "s1");
        assert_eq!(item["sortText"], "!002");
    }

    #[test]
    fn what_was_typed_keeps_the_item_and_leans_items_above_it() {
        let begun = item("  ex", (2, 4), 4).unwrap();
        assert_eq!((&begun["sortText"], &begun["filterText"]), (&json!("~002"), &json!("exact h")));
        let hole = item("  sorry", (2, 7), 7).unwrap();
        assert_eq!((&hole["sortText"], &hole["filterText"]), (&json!("!002"), &json!("sorry exact h")));
        assert!(item("  sorry", (2, 7), 1).is_none(), "the edit does not touch the cursor");
    }
}
