//! What Lean's server and its clients do works through the proxy: one session with the real Lean, played
//! with raw messages; and what only a newer Lean sends, replayed.

use std::time::Duration;

use lean_copilot::config::{Dirs, Settings};
use lean_copilot::lean::ServerProcess;
use lean_copilot::lsp::codec::{Frame, FrameReader};
use lean_copilot::proxy::engine::Engine;
use lean_copilot::proxy::{Pipes, relay};
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::SemaphorePermit;
use tokio::task::JoinHandle;

use crate::support;

const LONG: Duration = Duration::from_secs(120);

/// An editor that speaks raw messages, in front of the proxy in front of the embedded Lean.
struct Editor {
    to: WriteHalf<DuplexStream>,
    from: FrameReader<ReadHalf<DuplexStream>>,
    /// Everything that came, in order.
    heard: Vec<Value>,
    next_id: u64,
    relay: JoinHandle<()>,
    process: ServerProcess,
    _permit: SemaphorePermit<'static>,
}

impl Editor {
    async fn start(name: &str, settings: Settings, experimental: Value) -> Editor {
        let permit = support::permit().await;
        let folder = support::scratch(name);
        let dirs = Dirs { data: folder.join("data"), ..support::dirs().clone() };
        let command = support::server_command(&[], &folder);
        let mut process = ServerProcess::spawn(&command).unwrap();
        let (stdin, stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut stderr = process.stderr.take().unwrap();
        tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await });
        let engine = Engine::start(&dirs, &settings, &command);
        let (near, far) = tokio::io::duplex(1 << 16);
        let (from, to) = tokio::io::split(far);
        let relay =
            tokio::spawn(relay(Pipes { from, to }, Pipes { from: stdout, to: stdin }, settings, engine));
        let (reader, to) = tokio::io::split(near);
        let from = FrameReader::new(reader);
        let mut editor = Editor { to, from, heard: Vec::new(), next_id: 0, relay, process, _permit: permit };
        let params = json!({
            "processId": std::process::id(), "rootUri": null,
            "initializationOptions": {"hasWidgets": true, "editDelay": 0},
            "capabilities": {"experimental": experimental,
                "lean": {"silentDiagnosticSupport": true, "rpcWireFormat": "v1"},
                "workspace": {"semanticTokens": {"refreshSupport": true}, "inlayHint": {"refreshSupport": true}}},
        });
        let answer = editor.ask("initialize", params).await;
        assert!(answer["result"]["capabilities"]["experimental"]["leanCopilot"]["version"].is_string());
        editor.tell("initialized", json!({})).await;
        editor
    }

    async fn send(&mut self, body: Value) {
        self.to.write_all(Frame::from_body(body.to_string()).raw()).await.unwrap();
    }

    async fn tell(&mut self, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    async fn request(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        id
    }

    /// Reads until a message is of the wanted kind, looking at what came from `since` on too.
    async fn until(&mut self, since: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut at = since;
        loop {
            if let Some(found) = self.heard[at..].iter().find(|m| wanted(m)) {
                return found.clone();
            }
            at = self.heard.len();
            let frame = tokio::time::timeout(LONG, self.from.next()).await.expect("nothing came in time");
            let message: Value =
                serde_json::from_slice(frame.unwrap().expect("the session goes on").body()).unwrap();
            if message["method"].is_string() && !message["id"].is_null() {
                self.send(json!({"jsonrpc": "2.0", "id": message["id"], "result": null})).await;
            }
            self.heard.push(message);
        }
    }

    async fn answer(&mut self, id: u64) -> Value {
        self.until(0, |m| m["id"] == id && m["method"].is_null()).await
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params).await;
        self.answer(id).await
    }

    async fn open(&mut self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": "lean4", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": document, "dependencyBuildMode": "never"}))
            .await;
    }

    async fn change(&mut self, uri: &str, version: i32, text: &str) {
        let document = json!({"uri": uri, "version": version});
        self.tell(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": [{"text": text}]}),
        )
        .await;
    }

    async fn barrier(&mut self, uri: &str, version: i32) -> Value {
        self.ask("textDocument/waitForDiagnostics", json!({"uri": uri, "version": version})).await
    }

    /// What Lean last said about a version.
    fn messages(&self, uri: &str, version: i32) -> Vec<String> {
        let of = |m: &&Value| {
            m["method"] == "textDocument/publishDiagnostics"
                && m["params"]["uri"] == uri
                && m["params"]["version"] == version
        };
        let last = self.heard.iter().rfind(of).expect("diagnostics were published");
        let all = last["params"]["diagnostics"].as_array().unwrap();
        all.iter().map(|d| d["message"].as_str().unwrap().to_owned()).collect()
    }

    fn heard(&self, method: &str) -> usize {
        self.heard.iter().filter(|m| m["method"] == method).count()
    }

    async fn end(mut self) -> Vec<Value> {
        assert!(self.ask("shutdown", json!({})).await.get("error").is_none());
        self.send(json!({"jsonrpc": "2.0", "method": "exit"})).await;
        while let Some(frame) = tokio::time::timeout(LONG, self.from.next()).await.unwrap().unwrap() {
            self.heard.push(serde_json::from_slice(frame.body()).unwrap());
        }
        tokio::time::timeout(LONG, self.relay).await.expect("the relay ends with Lean").unwrap();
        assert!(self.process.finish(LONG).await.is_some_and(|s| s.success()), "Lean ended by itself");
        self.heard
    }
}

const A: &str = "file:///A.lean";
const B: &str = "file:///B.lean";
const PROOF: &str = "theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  sorry\n";

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_lean_does_works_through_the_proxy() {
    let off = Settings { auto_suggest: false, ..Settings::default() };
    let mut e = Editor::start("features", off, json!({})).await;

    // Several documents at once, each with its own diagnostics and progress.
    e.open(A, PROOF).await;
    e.open(B, "#eval 6 * 7\n").await;
    e.barrier(A, 1).await;
    e.barrier(B, 1).await;
    assert!(e.messages(A, 1)[0].contains("sorry"), "{:?}", e.messages(A, 1));
    assert_eq!(e.messages(B, 1), ["42"]);
    for uri in [A, B] {
        let done = |m: &Value| {
            m["method"] == "$/lean/fileProgress"
                && m["params"]["textDocument"]["uri"] == uri
                && m["params"]["processing"].as_array().is_some_and(Vec::is_empty)
        };
        e.until(0, done).await;
    }

    // The infoview's sessions: connect, call, keep alive, release, and what a stranger is told.
    let session = e.ask("$/lean/rpc/connect", json!({"uri": A})).await["result"]["sessionId"].clone();
    assert!(!session.is_null());
    let at = json!({"line": 1, "character": 2});
    let place = json!({"textDocument": {"uri": A}, "position": at});
    let call = |session: &Value| {
        json!({"textDocument": {"uri": A}, "position": at, "sessionId": session,
            "method": "Lean.Widget.getInteractiveGoals", "params": place})
    };
    let goals = e.ask("$/lean/rpc/call", call(&session)).await;
    let goal = &goals["result"]["goals"][0];
    assert_eq!(goal["hyps"].as_array().unwrap().len(), 2, "{goals}");
    e.tell("$/lean/rpc/keepAlive", json!({"uri": A, "sessionId": session})).await;
    let reference = goal["ctx"].clone();
    assert!(!reference.is_null(), "{goal}");
    e.tell("$/lean/rpc/release", json!({"uri": A, "sessionId": session, "refs": [reference]})).await;
    let again = e.ask("$/lean/rpc/call", call(&session)).await;
    assert!(again["result"]["goals"][0].is_object(), "the session lives on: {again}");
    let stranger = e.ask("$/lean/rpc/call", call(&json!("1234567890"))).await;
    assert_eq!(stranger["error"]["code"], -32900, "{stranger}");

    // Semantic tokens, whole and in part.
    let tokens = e.ask("textDocument/semanticTokens/full", json!({"textDocument": {"uri": A}})).await;
    assert!(!tokens["result"]["data"].as_array().unwrap().is_empty());
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}});
    let part =
        e.ask("textDocument/semanticTokens/range", json!({"textDocument": {"uri": A}, "range": range})).await;
    assert!(part["result"]["data"].is_array(), "{part}");

    // What is cancelled while Lean is busy is answered so, at the latest when an edit interrupts Lean.
    let loops = "set_option maxHeartbeats 0\nexample : True := by\n  repeat (have := trivial; clear this)\n";
    e.change(B, 2, loops).await;
    let inside = json!({"textDocument": {"uri": B}, "position": {"line": 2, "character": 2}});
    let waits = e.request("$/lean/plainGoal", inside).await;
    e.tell("$/cancelRequest", json!({"id": waits})).await;
    e.change(B, 3, "#eval 5 * 5\n").await;
    assert_eq!(e.answer(waits).await["error"]["code"], -32800);
    e.barrier(B, 3).await;
    assert_eq!(e.messages(B, 3), ["25"]);

    // What nobody knows yet: Lean's own answer, not ours; a notification is nobody's business.
    let unknown = e.ask("textDocument/future", json!({"textDocument": {"uri": A}, "x": 1})).await;
    assert!(unknown["error"]["code"].is_number(), "{unknown}");
    e.tell("$/lean/future", json!({"x": 1})).await;

    // A header that changes takes a new worker.
    e.change(B, 4, "import Init.Data.Option.Basic\n#eval 7 * 7\n").await;
    e.barrier(B, 4).await;
    assert_eq!(e.messages(B, 4), ["49"]);

    // A worker that crashes: what waits fails, the editor is told, the next edit brings it back.
    e.change(B, 5, "import Init.Data.Option.Basic\n#eval (IO.Process.exit 3 : IO Unit)\n").await;
    assert_eq!(e.barrier(B, 5).await["error"]["code"], -32902);
    let fatal = |m: &Value| m["method"] == "$/lean/fileProgress" && m["params"]["processing"][0]["kind"] == 2;
    e.until(0, fatal).await;
    e.change(B, 6, "import Init.Data.Option.Basic\n#eval 8 * 8\n").await;
    e.barrier(B, 6).await;
    assert_eq!(e.messages(B, 6), ["64"]);
    // The other document never noticed.
    assert!(e.ask("$/lean/rpc/call", call(&session)).await["result"]["goals"][0].is_object());

    // Closed and opened anew: the editor's version numbers may begin again.
    e.tell("textDocument/didClose", json!({"textDocument": {"uri": B}})).await;
    e.open(B, "#eval 1\n").await;
    e.barrier(B, 1).await;
    assert_eq!(e.messages(B, 1), ["1"]);

    let refreshes = e.heard("workspace/semanticTokens/refresh") + e.heard("workspace/inlayHint/refresh");
    assert!(refreshes > 0, "Lean's own requests reach the editor");
    let heard = e.end().await;
    let ours = |m: &&Value| m["method"].as_str().is_some_and(|m| m.starts_with("$/leanCopilot/"));
    assert_eq!(heard.iter().find(ours), None, "a client that did not ask for them gets none of our methods");
    let own_ids = |m: &&Value| m["id"].as_str().is_some_and(|id| id.starts_with("lc:"));
    assert_eq!(heard.iter().find(own_ids), None, "answers to our questions stay with us");
}

#[tokio::test(flavor = "multi_thread")]
async fn verified_suggestions_are_completed_at_a_tactic_position_beside_leans_items() {
    let off = Settings { auto_suggest: false, ..Settings::default() };
    let mut e = Editor::start("completion", off, json!({"leanCopilot": {}})).await;
    let text = format!("{PROOF}\ntheorem t (n : Nat) : n = n := by\n  r\n");
    e.open(A, &text).await;
    e.barrier(A, 1).await;
    let at = json!({"line": 1, "character": 2});
    let place = json!({"textDocument": {"uri": A}, "position": at});
    let mut completion = place.clone();
    completion["context"] = json!({"triggerKind": 1});

    // Before anything is verified Lean's answer is not held back and not changed.
    let before = e.ask("textDocument/completion", completion.clone()).await;
    assert!(marked(items(&before)).is_empty());

    let mut asked = place.clone();
    asked["wait_ms"] = json!(100_000);
    let suggestions = e.ask("$/leanCopilot/suggest", asked).await;
    let best = &suggestions["result"]["suggestions"][0];
    assert!(best["id"].is_string(), "{suggestions}");
    let answer = e.ask("textDocument/completion", completion).await;
    let ours = marked(items(&answer));
    assert_eq!(items(&answer).len(), items(&before).len() + ours.len(), "Lean's items are all there");
    let item = ours.iter().find(|i| i["data"]["leanCopilot"] == best["id"]).expect("the best is there");
    assert_eq!(item["labelDetails"]["description"], "lean-copilot");
    assert_eq!(
        (&item["textEdit"]["newText"], &item["textEdit"]["range"]),
        (&best["edit"]["newText"], &best["edit"]["range"])
    );
    // At an empty place ours come first.
    assert!(item["sortText"].as_str().unwrap().starts_with('!'));

    // Ours are resolved by us, as they are; Lean's by Lean.
    let resolved = e.ask("completionItem/resolve", item.clone()).await;
    assert_eq!(&resolved["result"], item);
    let word = json!({"textDocument": {"uri": A}, "position": {"line": 4, "character": 3}});
    let leans = e.ask("textDocument/completion", word).await;
    assert!(marked(items(&leans)).is_empty(), "another goal's suggestions do not come here");
    if let Some(theirs) = items(&leans).first() {
        let resolved = e.ask("completionItem/resolve", theirs.clone()).await;
        assert_eq!(resolved["result"]["label"], theirs["label"], "{resolved}");
    }

    // The same as ghost text, in LSP 3.18's shape.
    let mut inline = place;
    inline["context"] = json!({"triggerKind": 2});
    let inline = e.ask("textDocument/inlineCompletion", inline).await;
    let first = &inline["result"]["items"][0];
    assert!(first["insertText"].is_string() && first["range"]["start"]["line"] == 1, "{inline}");
    assert!(first["filterText"].as_str().unwrap().starts_with("sorry"), "{first}");

    // Once the text has changed nothing of it is offered any more.
    e.change(A, 2, &text.replace("swap", "swap'")).await;
    let gone = e.ask("textDocument/completion", json!({"textDocument": {"uri": A}, "position": at})).await;
    assert!(marked(items(&gone)).is_empty());
    e.end().await;
}

fn items(answer: &Value) -> &[Value] {
    let result = &answer["result"];
    let list = result.as_array().or_else(|| result["items"].as_array());
    list.map_or(&[], Vec::as_slice)
}

fn marked(items: &[Value]) -> Vec<Value> {
    items.iter().filter(|i| i["data"]["leanCopilot"].is_string()).cloned().collect()
}
