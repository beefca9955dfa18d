//! A server that answers like Lean about proofs of one kind, and at once: for the soak, where the traffic
//! counts and not the proofs.

use std::collections::HashMap;

use anyhow::Result;
use lsp_types::{Position, TextDocumentContentChangeEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::prover::{Elaborated, Goal, try_tactic};
use crate::lsp::codec::{FrameReader, write_frame};
use crate::lsp::message::{self, Envelope, Kind};
use crate::lsp::position;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    text_document: Option<Document>,
    #[serde(default)]
    content_changes: Vec<TextDocumentContentChangeEvent>,
    position: Option<Position>,
    /// Of `$/lean/rpc/call`.
    #[serde(default)]
    method: String,
    params: Option<Call>,
}

/// What the methods behind `$/lean/rpc/call` are given.
#[derive(Deserialize)]
struct Call {
    position: Option<Position>,
    #[serde(default)]
    tactics: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    uri: String,
    #[serde(default)]
    version: i32,
    #[serde(default)]
    text: String,
}

/// A document and what the prover says about it.
#[derive(Default)]
struct Opened {
    text: String,
    elaborated: Elaborated,
}

/// Serves on stdin and stdout until `exit` or the end of the input.
pub async fn play() -> Result<()> {
    let mut frames = FrameReader::new(tokio::io::stdin());
    let mut out = tokio::io::stdout();
    let mut opened: HashMap<String, Opened> = HashMap::new();
    while let Some(frame) = frames.next().await? {
        let envelope = Envelope::parse(frame.body())?;
        let params = envelope.params_as::<Params>().ok();
        match (envelope.kind(), envelope.request_id()) {
            (Some(Kind::Request), Some(id)) => {
                let result = answer(envelope.method(), params.as_ref(), &opened);
                write_frame(&mut out, &message::response(&id, &result)).await?;
            }
            _ if envelope.method() == "exit" => break,
            _ => {
                let Some(Params { text_document: Some(document), content_changes, .. }) = params else {
                    continue;
                };
                let mut text = opened.remove(&document.uri).unwrap_or_default().text;
                match envelope.method() {
                    "textDocument/didOpen" => text = document.text,
                    "textDocument/didChange" => {
                        content_changes.iter().for_each(|c| position::apply_change(&mut text, c));
                    }
                    "textDocument/didClose" => continue,
                    _ => {}
                }
                let elaborated = Elaborated::new(&text);
                let published = json!({"uri": document.uri, "version": document.version,
                    "diagnostics": elaborated.diagnostics});
                opened.insert(document.uri.clone(), Opened { text, elaborated });
                if envelope.method() == "textDocument/didSave" {
                    continue;
                }
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

fn answer(method: &str, params: Option<&Params>, opened: &HashMap<String, Opened>) -> Value {
    let document = || opened.get(&params?.text_document.as_ref()?.uri);
    match method {
        "initialize" => json!({"capabilities": {
            "textDocumentSync": {"openClose": true, "change": 2, "save": {}},
            "codeActionProvider": {"resolveProvider": true},
            "completionProvider": {"resolveProvider": true},
            "hoverProvider": true, "documentHighlightProvider": true,
        }}),
        "textDocument/codeAction" | "textDocument/completion" | "textDocument/documentHighlight" => json!([]),
        "textDocument/waitForDiagnostics" => json!({}),
        "$/lean/rpc/connect" => json!({"sessionId": "1"}),
        "$/lean/plainGoal" => {
            goals_at(document(), params.and_then(|p| p.position)).map_or(Value::Null, |g| {
                let goals: Vec<String> = g.iter().map(Goal::text).collect();
                let rendered = if goals.is_empty() { "no goals".to_owned() } else { goals.join("\n\n") };
                json!({"rendered": rendered, "goals": goals})
            })
        }
        "$/lean/rpc/call" => params.map_or(Value::Null, |p| call(p, document())),
        _ => Value::Null,
    }
}

fn goals_at(document: Option<&Opened>, at: Option<Position>) -> Option<&[Goal]> {
    document?.elaborated.goals(at?.line)
}

/// A method behind `$/lean/rpc/call`: the goals for an infoview, or triage for the verifier.
fn call(params: &Params, document: Option<&Opened>) -> Value {
    let Some(Call { position, tactics }) = &params.params else { return Value::Null };
    let Some(goals) = goals_at(document, position.or(params.position)) else { return Value::Null };
    let texts = |goals: &[Goal]| goals.iter().map(Goal::text).collect::<Vec<_>>();
    match params.method.as_str() {
        "Lean.Widget.getInteractiveGoals" => {
            let interactive = |text: String| {
                let (known, target) = text.rsplit_once("\n⊢ ").unwrap_or(("", ""));
                let hyps = known.lines().filter_map(|l| l.split_once(" : "));
                let hyps: Vec<Value> = hyps
                    .map(|(names, of)| {
                        let names: Vec<&str> = names.split(' ').collect();
                        json!({"names": names, "type": {"text": of}})
                    })
                    .collect();
                json!({"goalPrefix": "⊢ ", "type": {"text": target}, "hyps": hyps})
            };
            let goals: Vec<Value> = texts(goals).into_iter().map(interactive).collect();
            json!({"goals": goals})
        }
        "LeanCopilotProbe.triage" => {
            let tried = |tactic: &String| match try_tactic(goals, tactic) {
                Ok(left) => json!({"goals": texts(&left)}),
                Err(message) => json!({"error": message}),
            };
            let results: Vec<Value> = tactics.iter().map(tried).collect();
            json!({"goals": texts(goals), "results": results})
        }
        _ => Value::Null,
    }
}
