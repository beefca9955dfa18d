//! A session through the proxy with the real Lean: what an editor sees, what is offered, what is kept.

use std::path::Path;
use std::time::Duration;

use lean_copilot::config::{Dirs, Settings};
use lean_copilot::lean::client::initialize_params;
use lean_copilot::lean::{LeanClient, ServerProcess};
use lean_copilot::proxy::engine::Engine;
use lean_copilot::proxy::{Pipes, relay};
use lsp_types::Position;
use serde_json::{Value, json};
use tokio::sync::SemaphorePermit;
use tokio::task::JoinHandle;

use crate::support;

const LONG: Duration = Duration::from_secs(120);

/// An editor in front of the proxy in front of the embedded Lean.
struct Session {
    editor: LeanClient,
    initialized: Value,
    relay: JoinHandle<()>,
    process: ServerProcess,
    _permits: Vec<SemaphorePermit<'static>>,
}

async fn session(folder: &Path, settings: Settings) -> Session {
    let permits = vec![support::permit().await];
    let dirs = Dirs { data: folder.join("data"), ..support::dirs().clone() };
    let command = support::server_command(&[], folder);
    let mut process = ServerProcess::spawn(&command).unwrap();
    let (stdin, stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
    let mut stderr = process.stderr.take().unwrap();
    tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await });
    let engine = Engine::start(&dirs, &settings, &command);
    let (near, far) = tokio::io::duplex(1 << 16);
    let (from, to) = tokio::io::split(far);
    let relay = tokio::spawn(relay(Pipes { from, to }, Pipes { from: stdout, to: stdin }, settings, engine));
    let (reader, writer) = tokio::io::split(near);
    let editor = LeanClient::start(reader, writer);
    let initialized = editor.initialize(initialize_params()).await.unwrap();
    Session { editor, initialized, relay, process, _permits: permits }
}

impl Session {
    async fn ask(&self, method: &str, params: Value) -> Value {
        self.editor.request_within(method, &params, LONG).await.unwrap()
    }

    async fn end(self) {
        self.editor.shutdown(LONG).await.unwrap();
        tokio::time::timeout(LONG, self.relay).await.expect("the relay ends with Lean").unwrap();
        assert!(self.process.finish(LONG).await.is_some_and(|s| s.success()), "Lean ended by itself");
    }
}

const URI: &str = "file:///Live.lean";
const TEXT: &str = "theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  sorry\n";

#[tokio::test]
async fn a_goal_in_the_editor_becomes_a_verified_suggestion_and_an_outcome() {
    let folder = support::scratch("proxy-live");
    let settings = Settings { auto_suggest: false, ..Settings::default() };
    let s = session(&folder, settings).await;
    let capabilities = &s.initialized["capabilities"];
    assert_eq!(capabilities["experimental"]["leanCopilot"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(capabilities["hoverProvider"].as_bool().unwrap(), "Lean's own capabilities stay");

    s.editor.open(URI, 1, TEXT).unwrap();
    let diagnostics = s.editor.barrier(URI, 1, LONG).await.unwrap();
    assert!(diagnostics.iter().any(|d| d.message.contains("sorry")), "{diagnostics:?}");
    let at = Position { line: 1, character: 2 };
    let goals = s.editor.plain_goal(URI, at, LONG).await.unwrap().unwrap();
    assert_eq!(goals[0].target, "q ∧ p");

    let place = json!({"textDocument": {"uri": URI}, "position": at});
    let mut asked = place.clone();
    asked["wait_ms"] = json!(100_000);
    asked["tried"] = json!(true);
    let answer = s.ask("$/leanCopilot/suggest", asked).await;
    assert_eq!((&answer["goal"]["target"], &answer["pending"]), (&json!("q ∧ p"), &json!(0)), "{answer}");
    let best = answer["suggestions"][0].clone();
    assert_eq!(best["verdict"]["kind"], "closes", "{answer:#}");
    assert!(!answer["tried"].as_array().unwrap().is_empty(), "`rfl` cannot have worked");

    // The same as a code action, complete and marked.
    let range = json!({"start": at, "end": at});
    let context = json!({"diagnostics": [], "triggerKind": 1});
    let wanted = json!({"textDocument": {"uri": URI}, "range": range, "context": context});
    let actions = s.ask("textDocument/codeAction", wanted).await;
    let ours = actions.as_array().unwrap().iter().find(|a| a["data"]["leanCopilot"] == best["id"]).unwrap();
    let edit = &ours["edit"]["documentChanges"][0]["edits"][0];
    assert_eq!((&edit["range"], &edit["newText"]), (&best["edit"]["range"], &best["edit"]["newText"]));

    // Taken: Lean accepts the text, and the outcome is on record.
    s.editor
        .notify(
            "textDocument/didChange",
            &json!({"textDocument": {"uri": URI, "version": 2},
                "contentChanges": [{"range": edit["range"], "text": edit["newText"]}]}),
        )
        .unwrap();
    let diagnostics = s.editor.barrier(URI, 2, LONG).await.unwrap();
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    s.editor.notify("textDocument/didSave", &json!({"textDocument": {"uri": URI}})).unwrap();
    let rows = s.ask("$/leanCopilot/feedback", json!({"kind": "list"})).await;
    let row = &rows[0];
    assert_eq!((&row["declaration"], &row["version"]), (&json!("swap"), &json!(1)), "{rows:#}");
    let refused = row["candidates"].as_array().unwrap().iter().find(|c| c["verdict"]["kind"] == "error");
    assert!(refused.unwrap()["verdict"]["message"].is_string(), "Lean's words are kept");
    let kinds: Vec<&str> =
        row["outcomes"].as_array().unwrap().iter().filter_map(|o| o["kind"].as_str()).collect();
    assert!(kinds.contains(&"accepted"), "{kinds:?}");
    let kto = s.ask("$/leanCopilot/feedback", json!({"kind": "export", "flavour": "kto"})).await;
    let taken = kto.as_array().unwrap().iter().find(|r| r["completion"] == best["tactic"]).unwrap();
    assert_eq!(taken["label"], true);
    s.end().await;
}

#[tokio::test]
async fn a_cursor_that_rests_gets_suggestions_without_asking() {
    let folder = support::scratch("proxy-auto");
    let s = session(&folder, Settings { pause_ms: 20, ..Settings::default() }).await;
    s.editor.open(URI, 1, TEXT).unwrap();
    s.editor.barrier(URI, 1, LONG).await.unwrap();
    let at = Position { line: 1, character: 2 };
    let place = json!({"textDocument": {"uri": URI}, "position": at});
    s.ask("textDocument/documentHighlight", place).await;
    let range = json!({"start": at, "end": at});
    let context = json!({"diagnostics": [], "triggerKind": 2});
    let wanted = json!({"textDocument": {"uri": URI}, "range": range, "context": context});
    let started = std::time::Instant::now();
    loop {
        let actions = s.ask("textDocument/codeAction", wanted.clone()).await;
        if actions.as_array().unwrap().iter().any(|a| a["data"]["leanCopilot"].is_string()) {
            break;
        }
        assert!(started.elapsed() < LONG, "nothing was suggested");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let inline =
        s.ask("textDocument/inlineCompletion", json!({"textDocument": {"uri": URI}, "position": at})).await;
    assert!(!inline["items"].as_array().unwrap().is_empty(), "{inline}");
    s.end().await;
}

#[tokio::test]
async fn a_suggest_is_answered_when_the_document_changes_or_the_request_is_cancelled() {
    let folder = support::scratch("proxy-cancel");
    let s = session(&folder, Settings { auto_suggest: false, ..Settings::default() }).await;
    s.editor.open(URI, 1, TEXT).unwrap();
    let place = json!({"textDocument": {"uri": URI}, "position": {"line": 1, "character": 2},
        "wait_ms": 100_000});
    let asked = s.editor.request::<Value>("$/leanCopilot/suggest", &place);
    s.editor.replace(URI, 2, &TEXT.replace("swap", "swap'")).unwrap();
    let error = asked.await.unwrap_err();
    assert_eq!(error.code(), Some(-32801), "{error}");
    // Dropping the future cancels; the next answer shows that the session goes on.
    drop(s.editor.request::<Value>("$/leanCopilot/suggest", &place));
    let stats = s.ask("$/leanCopilot/feedback", json!({"kind": "stats"})).await;
    assert!(stats["rounds"].is_number(), "{stats}");
    s.end().await;
}
