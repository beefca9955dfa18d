//! A server that answers like Lean about proofs of one kind, and at once: for the soak, where the traffic
//! counts and not the proofs.

use std::collections::HashMap;

use anyhow::Result;
use lsp_types::TextDocumentContentChangeEvent;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::lsp::codec::{FrameReader, write_frame};
use crate::lsp::message::{self, Envelope, Kind};
use crate::lsp::position;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    text_document: Document,
    #[serde(default)]
    content_changes: Vec<TextDocumentContentChangeEvent>,
    position: Option<lsp_types::Position>,
}

#[derive(Deserialize)]
struct Document {
    uri: String,
    #[serde(default)]
    version: i32,
    #[serde(default)]
    text: String,
}

/// Serves on stdin and stdout until `exit` or the end of the input.
pub async fn play() -> Result<()> {
    let mut frames = FrameReader::new(tokio::io::stdin());
    let mut out = tokio::io::stdout();
    let mut texts: HashMap<String, String> = HashMap::new();
    while let Some(frame) = frames.next().await? {
        let envelope = Envelope::parse(frame.body())?;
        let params = envelope.params_as::<Params>().ok();
        match (envelope.kind(), envelope.request_id()) {
            (Some(Kind::Request), Some(id)) => {
                let result = answer(envelope.method(), params.as_ref(), &texts);
                write_frame(&mut out, &message::response(&id, &result)).await?;
            }
            _ if envelope.method() == "exit" => break,
            _ => {
                let Some(Params { text_document: document, content_changes, .. }) = params else { continue };
                match envelope.method() {
                    "textDocument/didOpen" => {
                        texts.insert(document.uri.clone(), document.text);
                    }
                    "textDocument/didChange" => {
                        let text = texts.entry(document.uri.clone()).or_default();
                        content_changes.iter().for_each(|c| position::apply_change(text, c));
                    }
                    "textDocument/didClose" => {
                        texts.remove(&document.uri);
                        continue;
                    }
                    _ => continue,
                }
                let text = texts.get(&document.uri).map_or("", String::as_str);
                let published = json!({"uri": document.uri, "version": document.version,
                    "diagnostics": diagnostics(text)});
                write_frame(&mut out, &message::notification("textDocument/publishDiagnostics", &published))
                    .await?;
                let on = json!({"uri": document.uri, "version": document.version});
                let done = json!({"textDocument": on, "processing": []});
                write_frame(&mut out, &message::notification("$/lean/fileProgress", &done)).await?;
            }
        }
    }
    Ok(out.flush().await?)
}

/// A warning at each hole, as Lean gives it.
fn diagnostics(text: &str) -> Vec<Value> {
    let warning = |(at, _)| {
        let range =
            lsp_types::Range { start: position::position(text, at), end: position::position(text, at + 5) };
        json!({"range": range, "severity": 2, "message": "declaration uses 'sorry'"})
    };
    text.match_indices("sorry").map(warning).collect()
}

const GOAL: &str = "p q : Prop\nh : p ∧ q\n⊢ q ∧ p";

fn answer(method: &str, params: Option<&Params>, texts: &HashMap<String, String>) -> Value {
    // Behind a hole or before it there is a goal; elsewhere there is none left.
    let at_hole = || {
        let params = params?;
        let line = texts.get(&params.text_document.uri)?.lines().nth(params.position?.line as usize)?;
        Some(line.contains("sorry"))
    };
    match method {
        "initialize" => json!({"capabilities": {
            "textDocumentSync": {"openClose": true, "change": 2, "save": {}},
            "codeActionProvider": {"resolveProvider": true},
            "completionProvider": {"resolveProvider": true},
            "hoverProvider": true, "documentHighlightProvider": true,
        }}),
        "textDocument/codeAction" | "textDocument/completion" | "textDocument/documentHighlight" => json!([]),
        "textDocument/waitForDiagnostics" => json!({}),
        "$/lean/plainGoal" => match at_hole() {
            Some(true) => json!({"rendered": GOAL, "goals": [GOAL]}),
            _ => json!({"rendered": "no goals", "goals": []}),
        },
        "$/lean/rpc/call" => json!({"goals": [{"goalPrefix": "⊢ ", "type": {"text": "q ∧ p"}, "hyps": [
            {"names": ["p", "q"], "type": {"text": "Prop"}}, {"names": ["h"], "type": {"text": "p ∧ q"}}]}]}),
        _ => Value::Null,
    }
}
