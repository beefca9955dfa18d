//! A whole session of the real VS Code extension, played through the relay: what each side got is what
//! the other sent.
//!
//! `tests/data/vscode-session.jsonl.gz` was recorded with vscode-lean4 0.0.239 over the embedded Lean:
//! one message a line, in order, `dir` c2s or s2c; a `meta` line begins a new life of the server.

use std::io::Read;

use lean_copilot::lsp::codec::Frame;
use serde_json::{Value, json};

use super::proxy_relay::{Session, session};
use crate::support;

fn recorded() -> Vec<Vec<Value>> {
    let path = support::root().join("tests/data/vscode-session.jsonl.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut lives: Vec<Vec<Value>> = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        match line["dir"].as_str() {
            Some("meta") => lives.push(Vec::new()),
            _ => lives.last_mut().unwrap().push(line),
        }
    }
    lives.retain(|l| !l.is_empty());
    lives
}

/// What Lean gets next from the editor; our own questions are answered on the way, and counted.
async fn at_lean(s: &mut Session, own: &mut usize) -> Value {
    loop {
        let message = s.lean_receives_json().await;
        let is_own = message["id"].as_str().is_some_and(|id| id.starts_with("lc:"));
        if !is_own || message.get("method").is_none() {
            return message;
        }
        assert_eq!(message["method"], "$/lean/plainGoal");
        *own += 1;
        s.lean_sends(&json!({"id": message["id"], "result": null}).to_string()).await;
    }
}

#[tokio::test]
async fn a_session_of_vs_code_passes_unchanged() {
    let lives = recorded();
    assert_eq!(lives.len(), 2, "two lives of the server");
    for life in lives {
        let (mut s, mut own, mut offered) = (session(), 0, 0);
        for line in &life {
            let message = &line["msg"];
            if line["dir"] == "c2s" {
                s.send(message.clone()).await;
                assert_eq!(&at_lean(&mut s, &mut own).await, message);
            } else {
                s.lean_sends(&message.to_string()).await;
                let mut got = s.receive().await;
                if message["id"] == 0 && !message["result"]["capabilities"].is_null() {
                    let added = got["result"]["capabilities"].as_object_mut().unwrap();
                    assert!(added.remove("experimental").unwrap()["leanCopilot"].is_object());
                    assert!(added.remove("inlineCompletionProvider").is_some());
                    offered += 1;
                }
                assert_eq!(&got, message);
            }
        }
        assert_eq!(offered, 1);
        assert!(own < life.len() / 20, "the editor asks for the goals itself: {own} questions of ours");
    }
}

/// The same messages, all at once and from both sides: the order of each direction and every byte stay.
#[tokio::test]
async fn a_session_of_vs_code_that_comes_at_once_keeps_its_order() {
    for life in recorded() {
        let of = |dir: &str| -> Vec<u8> {
            // Without the greeting the relay has nothing of its own to add or to ask.
            let greets = |l: &Value| l["msg"]["id"] == 0 || l["msg"]["method"] == "initialized";
            let bodies = life.iter().filter(|l| l["dir"] == dir && !greets(l));
            bodies.flat_map(|l| Frame::from_body(l["msg"].to_string()).raw().to_vec()).collect()
        };
        let (there, back) = (of("c2s"), of("s2c"));
        let (at_lean, at_editor) = session().stream(&there, &back).await;
        assert!(at_lean == there, "what Lean got differs from what the editor sent");
        assert!(at_editor == back, "what the editor got differs from what Lean sent");
    }
}
