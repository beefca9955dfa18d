//! The documents that the editor has open, in step with its changes.

use std::collections::HashMap;
use std::sync::Arc;

use lsp_types::{Position, Range, TextDocumentContentChangeEvent};
use serde::Deserialize;

use crate::feedback::observe::Change;
use crate::lsp::position;
use crate::lsp::protocol::DocumentId;

/// An open document.
#[derive(Debug)]
pub struct Document {
    /// The editor's version number.
    pub version: i32,
    text: String,
    snapshot: Option<Arc<str>>,
}

impl Document {
    fn new(version: i32, text: String) -> Document {
        Document { version, text, snapshot: None }
    }

    /// The text, line endings as the editor sent them.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as a value to hand to others; made once per version.
    pub fn snapshot(&mut self) -> Arc<str> {
        self.snapshot.get_or_insert_with(|| self.text.as_str().into()).clone()
    }
}

/// All open documents by URI.
#[derive(Debug, Default)]
pub struct Documents {
    open: HashMap<String, Document>,
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The document.
    pub uri: String,
    /// The text before.
    pub before: Arc<str>,
    /// The replacements in order, each in bytes of the text that the ones before it made; empty where
    /// the whole text is new.
    pub changes: Vec<Change>,
    /// The place behind the last replaced range, where the cursor most likely is; none for a new text.
    pub cursor: Option<Position>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DidOpen {
    text_document: Opened,
}

#[derive(Deserialize)]
struct Opened {
    uri: String,
    #[serde(default)]
    version: i32,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DidChange {
    text_document: Versioned,
    content_changes: Vec<Part>,
}

#[derive(Deserialize)]
struct Versioned {
    uri: String,
    version: Option<i32>,
}

#[derive(Deserialize)]
struct Part {
    range: Option<Range>,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OnDocument {
    text_document: DocumentId,
}

impl Documents {
    /// The URIs of all open documents.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        self.open.keys().map(String::as_str)
    }

    /// The open document of a URI.
    pub fn get(&self, uri: &str) -> Option<&Document> {
        self.open.get(uri)
    }

    /// The open document of a URI, to take a snapshot of.
    pub fn get_mut(&mut self, uri: &str) -> Option<&mut Document> {
        self.open.get_mut(uri)
    }

    /// `textDocument/didOpen`: its URI. One that cannot be read makes us forget what was open under the name.
    pub fn did_open(&mut self, params: &str) -> Option<String> {
        let Ok(DidOpen { text_document: d }) = serde_json::from_str(params) else {
            self.did_close(params);
            return None;
        };
        self.open.insert(d.uri.clone(), Document::new(d.version, d.text));
        Some(d.uri)
    }

    /// `textDocument/didChange`. A change that cannot be read makes us forget the document, since our
    /// text is then no longer the editor's; the next whole text brings it back.
    pub fn did_change(&mut self, params: &str) -> Option<Changed> {
        let Ok(change) = serde_json::from_str::<DidChange>(params) else {
            if let Ok(OnDocument { text_document }) = serde_json::from_str(params) {
                tracing::warn!(uri = text_document.uri, "a change that cannot be read");
                self.open.remove(&text_document.uri);
            }
            return None;
        };
        let uri = change.text_document.uri;
        if let Some(whole) = change.content_changes.iter().rposition(|c| c.range.is_none())
            && !self.open.contains_key(&uri)
        {
            let text = change.content_changes[whole].text.clone();
            self.open.insert(uri.clone(), Document::new(0, text));
        }
        let document = self.open.get_mut(&uri)?;
        let before = document.snapshot();
        let mut cursor = None;
        let (mut changes, mut whole) = (Vec::new(), false);
        for Part { range, text } in change.content_changes {
            let start = range.map(|r| position::offset(&document.text, r.start));
            let added = text.len();
            match range {
                Some(r) => {
                    let range = position::byte_range(&document.text, r);
                    changes.push(Change { range, text: text.clone() });
                }
                None => whole = true,
            }
            let event = TextDocumentContentChangeEvent { range, range_length: None, text };
            position::apply_change(&mut document.text, &event);
            cursor = start.map(|s| position::position(&document.text, s + added));
        }
        if whole {
            changes.clear();
        }
        document.version = change.text_document.version.unwrap_or(document.version + 1);
        document.snapshot = None;
        Some(Changed { uri, before, changes, cursor })
    }

    /// `textDocument/didClose`: its URI.
    pub fn did_close(&mut self, params: &str) -> Option<String> {
        let uri = document_uri(params)?;
        self.open.remove(&uri);
        Some(uri)
    }
}

/// The URI in `textDocument` of any parameters.
pub fn document_uri(params: &str) -> Option<String> {
    let OnDocument { text_document } = serde_json::from_str(params).ok()?;
    Some(text_document.uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Documents {
        let mut documents = Documents::default();
        let params = serde_json::json!({"textDocument":
            {"uri": "file:///A b.lean", "languageId": "lean4", "version": 3, "text": text}});
        documents.did_open(&params.to_string()).unwrap();
        documents
    }

    fn change(documents: &mut Documents, version: i32, changes: serde_json::Value) -> Option<Changed> {
        let params = serde_json::json!({
            "textDocument": {"uri": "file:///A b.lean", "version": version}, "contentChanges": changes});
        documents.did_change(&params.to_string())
    }

    fn range(l0: u32, c0: u32, l1: u32, c1: u32) -> serde_json::Value {
        serde_json::json!({"start": {"line": l0, "character": c0}, "end": {"line": l1, "character": c1}})
    }

    #[test]
    fn changes_of_one_message_apply_in_order_and_line_endings_stay() {
        let mut documents = open("a𝔸\r\nb\r\n");
        let changed = change(
            &mut documents,
            4,
            serde_json::json!([
                {"range": range(0, 3, 0, 3), "text": "\r\nc"},
                {"range": range(1, 0, 2, 1), "rangeLength": 4, "text": "λx"},
            ]),
        )
        .unwrap();
        let document = documents.get_mut("file:///A b.lean").unwrap();
        assert_eq!((document.text(), document.version), ("a𝔸\r\nλx\r\n", 4));
        assert_eq!(changed.before.as_ref(), "a𝔸\r\nb\r\n");
        assert_eq!(changed.cursor, Some(Position { line: 1, character: 2 }));
        assert_eq!(document.snapshot().as_ref(), document.text());
    }

    #[test]
    fn a_change_that_cannot_be_read_forgets_the_document_until_its_whole_text_comes() {
        let mut documents = open("x");
        assert_eq!(change(&mut documents, 4, serde_json::json!([{"text": 7}])), None);
        assert!(documents.get("file:///A b.lean").is_none());
        assert_eq!(
            change(&mut documents, 5, serde_json::json!([{"range": range(0, 0, 0, 0), "text": "y"}])),
            None
        );
        change(&mut documents, 6, serde_json::json!([{"text": "new"}])).unwrap();
        assert_eq!(documents.get("file:///A b.lean").unwrap().text(), "new");
    }

    #[test]
    fn an_opening_that_cannot_be_read_forgets_what_was_open() {
        let mut documents = open("x");
        let params = r#"{"textDocument": {"uri": "file:///A b.lean", "version": "4", "text": "y"}}"#;
        assert_eq!(documents.did_open(params), None);
        assert!(documents.get("file:///A b.lean").is_none());
    }
}
