//! What is not ours passes byte for byte, in order, whatever it is: the relay between two ends that the
//! test plays itself.

use std::time::Duration;

use lean_copilot::config::Settings;
use lean_copilot::lsp::codec::{Frame, FrameReader};
use lean_copilot::proxy::engine::Engine;
use lean_copilot::proxy::{Pipes, relay};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;

/// The relay with both of its peers in the test's hands.
pub(super) struct Session {
    to_proxy: DuplexStream,
    from_proxy: FrameReader<DuplexStream>,
    lean_in: DuplexStream,
    lean_out: DuplexStream,
    relay: JoinHandle<()>,
}

pub(super) fn session() -> Session {
    let pipe = || tokio::io::duplex(64 * 1024);
    let ((to_proxy, from_editor), (to_editor, from_proxy)) = (pipe(), pipe());
    let ((to_lean, lean_in), (lean_out, from_lean)) = (pipe(), pipe());
    let editor = Pipes { from: from_editor, to: to_editor };
    let lean = Pipes { from: from_lean, to: to_lean };
    let relay = tokio::spawn(relay(editor, lean, Settings::default(), Engine::default()));
    Session { to_proxy, from_proxy: FrameReader::new(from_proxy), lean_in, lean_out, relay }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("no answer in time")
}

impl Session {
    pub(super) async fn send(&mut self, body: Value) {
        let frame = Frame::from_body(body.to_string());
        self.to_proxy.write_all(frame.raw()).await.unwrap();
    }

    pub(super) async fn lean_sends(&mut self, body: &str) {
        self.lean_out.write_all(Frame::from_body(body).raw()).await.unwrap();
    }

    pub(super) async fn receive(&mut self) -> Value {
        let frame = soon(self.from_proxy.next()).await.unwrap().expect("a message");
        serde_json::from_slice(frame.body()).unwrap()
    }

    /// Sends bytes both ways at once, ends both sides, and gives what came out at Lean and at the editor.
    pub(super) async fn stream(self, there: &[u8], back: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let Session { mut to_proxy, from_proxy, mut lean_in, mut lean_out, relay } = self;
        let (_, mut editor_in) = from_proxy.into_rest();
        let (there, back, length) = (there.to_vec(), back.to_vec(), back.len());
        let write_there = tokio::spawn(async move { to_proxy.write_all(&there).await.map(|()| to_proxy) });
        let write_back = tokio::spawn(async move { lean_out.write_all(&back).await.map(|()| lean_out) });
        let (mut at_lean, mut at_editor) = (Vec::new(), vec![0; length]);
        let writing = async {
            // The editor's end is Lean's: only then it has got everything.
            drop(write_there.await.unwrap().unwrap());
        };
        let (read, rest, ()) = soon(async {
            tokio::join!(editor_in.read_exact(&mut at_editor), lean_in.read_to_end(&mut at_lean), writing)
        })
        .await;
        read.unwrap();
        rest.unwrap();
        drop(write_back.await.unwrap().unwrap());
        soon(relay).await.unwrap();
        soon(editor_in.read_to_end(&mut at_editor)).await.unwrap();
        (at_lean, at_editor)
    }

    async fn lean_receives(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        soon(self.lean_in.read_exact(&mut bytes)).await.unwrap();
        bytes
    }

    pub(super) async fn lean_receives_json(&mut self) -> Value {
        let mut header = Vec::new();
        while !header.ends_with(b"\r\n\r\n") {
            header.push(soon(self.lean_in.read_u8()).await.unwrap());
        }
        let header = String::from_utf8(header).unwrap();
        let length = header.trim().rsplit(' ').next().unwrap().parse().unwrap();
        serde_json::from_slice(&self.lean_receives(length).await).unwrap()
    }

    /// Plays `initialize` and `initialized` of a client that knows us, or not.
    async fn initialize(&mut self, knows_us: bool, capabilities: &str) -> Value {
        let experimental = if knows_us { json!({"leanCopilot": {}}) } else { json!({}) };
        let params = json!({"capabilities": {"experimental": experimental}});
        self.send(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})).await;
        assert_eq!(self.lean_receives_json().await["method"], "initialize");
        self.lean_sends(&format!(r#"{{"jsonrpc":"2.0","id":0,"result":{{"capabilities":{capabilities}}}}}"#))
            .await;
        let answer = self.receive().await;
        self.send(json!({"jsonrpc": "2.0", "method": "initialized", "params": {}})).await;
        assert_eq!(self.lean_receives_json().await["method"], "initialized");
        answer
    }

    async fn open(&mut self, text: &str) {
        let document = json!({"uri": "file:///A.lean", "languageId": "lean4", "version": 1, "text": text});
        self.send(json!({"method": "textDocument/didOpen", "params": {"textDocument": document}})).await;
        assert_eq!(self.lean_receives_json().await["method"], "textDocument/didOpen");
    }
}

fn odd_frames() -> Vec<Vec<u8>> {
    let bodies = [
        r#"{"z":1,"a":{"y":1.10,"b":18446744073709551617},"jsonrpc":"2.0","method":"x","id":1e2}"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"$/lean/fileProgress","params":{"t":"\u00e9\ud835\udd38\/ 𝔸 \u0000"}}"#
            .to_owned(),
        r#"{"jsonrpc":"2.0","id":"register_lean_watcher","method":"client/registerCapability"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":7,"method":"shutdown2"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":-12345678901234567890123,"result":null}"#.to_owned(),
        r#"{ "jsonrpc" : "2.0" , "id" : 3 , "result" : [ 1.0 , -0 , 1E+2 ] , "extra" : { } }"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"dup","method":"licate","params":[]}"#.to_owned(),
        "[1,2]".to_owned(),
        "not json at all".to_owned(),
        String::new(),
        "\u{feff}{}".to_owned(),
        format!(r#"{{"jsonrpc":"2.0","method":"large","params":"{}"}}"#, "λ".repeat(5 << 20)),
        format!("{}1{}", "[".repeat(5000), "]".repeat(5000)),
    ];
    let mut frames: Vec<Vec<u8>> = bodies.iter().map(|b| Frame::from_body(b).raw().to_vec()).collect();
    // Headers that LSP allows, in forms that we would not write, and a body that is not UTF-8.
    frames.push(
        b"content-length:2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n{}".to_vec(),
    );
    frames.push(b"X-Other: 1\r\nContent-Length:  4 \r\n\r\n\"\xff\xfe\"".to_vec());
    frames
}

#[tokio::test]
async fn odd_messages_pass_byte_for_byte_in_both_directions_at_once() {
    let bytes: Vec<u8> = odd_frames().concat();
    let (at_lean, at_editor) = session().stream(&bytes, &bytes).await;
    assert!(at_lean == bytes, "what Lean got differs from what the editor sent");
    assert!(at_editor == bytes, "what the editor got differs from what Lean sent");
    let s = session();
    drop(s.lean_out);
    soon(s.relay).await.unwrap();
}

#[tokio::test]
async fn what_is_no_frame_passes_raw_with_all_that_follows() {
    for broken in [
        &b"{\"no\": \"header\"}"[..],
        b"Content-Length: many\r\n\r\n{}",
        b"Content-Length: 5\n\n{}   Content-Length: 2\r\n\r\n{}",
        b"\0\xff\r\n\r\n",
    ] {
        let mut s = session();
        let good = Frame::from_body(r#"{"method":"a"}"#).raw().to_vec();
        let bytes = [&good, broken, &good].concat();
        s.to_proxy.write_all(&bytes).await.unwrap();
        assert_eq!(s.lean_receives(bytes.len()).await, bytes);
        s.lean_out.write_all(&bytes).await.unwrap();
        let (_, mut editor_in) = s.from_proxy.into_rest();
        let mut got = vec![0; bytes.len()];
        soon(editor_in.read_exact(&mut got)).await.unwrap();
        assert_eq!(got, bytes);
    }
}

#[tokio::test]
async fn a_message_cut_off_by_the_end_passes_as_far_as_it_came() {
    let mut s = session();
    s.to_proxy.write_all(b"Content-Length: 100\r\n\r\n{\"half\":").await.unwrap();
    drop(s.to_proxy);
    let mut got = Vec::new();
    soon(s.lean_in.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, b"Content-Length: 100\r\n\r\n{\"half\":");
}

#[tokio::test]
async fn an_end_is_passed_on_and_what_was_said_before_it_arrives() {
    let mut s = session();
    s.lean_sends(r#"{"method":"last words"}"#).await;
    drop(s.lean_out);
    assert_eq!(s.from_proxy.next().await.unwrap().unwrap().body(), br#"{"method":"last words"}"#);
    assert!(soon(s.from_proxy.next()).await.unwrap().is_none(), "the editor sees the server end");
    soon(s.relay).await.unwrap();
}

#[tokio::test]
async fn a_side_that_does_not_read_holds_up_only_its_own_direction() {
    let mut s = session();
    let large = Frame::from_body(format!(r#"{{"method":"{}"}}"#, "x".repeat(1 << 20)));
    let mut to_proxy = s.to_proxy;
    let writer = tokio::spawn(async move {
        let mut written = 0u32;
        while written < 200 && to_proxy.write_all(large.raw()).await.is_ok() {
            written += 1;
        }
        (written, to_proxy, large)
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!writer.is_finished(), "200 MB are not taken into memory");
    s.lean_out.write_all(Frame::from_body(r#"{"method":"other way"}"#).raw()).await.unwrap();
    assert_eq!(soon(s.from_proxy.next()).await.unwrap().unwrap().body(), br#"{"method":"other way"}"#);
    let mut total = 0usize;
    let mut buffer = vec![0; 1 << 20];
    while !writer.is_finished() || total < 200 << 20 {
        total += soon(s.lean_in.read(&mut buffer)).await.unwrap();
    }
    let (written, _open, large) = writer.await.unwrap();
    while total < 200 * large.raw().len() {
        total += soon(s.lean_in.read(&mut buffer)).await.unwrap();
    }
    assert_eq!((written, total), (200, 200 * large.raw().len()), "and none is lost");
}

#[tokio::test]
async fn initialize_gains_our_capabilities_and_no_other_message_does() {
    let mut s = session();
    let answer =
        s.initialize(false, r#"{"codeActionProvider":true,"experimental":{"rpcProvider":{"v":1}}}"#).await;
    let capabilities = &answer["result"]["capabilities"];
    assert_eq!(capabilities["experimental"]["leanCopilot"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(capabilities["experimental"]["rpcProvider"]["v"], 1);
    assert_eq!(capabilities["codeActionProvider"], true);
    assert!(capabilities["inlineCompletionProvider"].is_object());
}

#[tokio::test]
async fn the_goal_is_asked_for_where_the_editor_does_not_and_the_answer_stays_with_us() {
    let mut s = session();
    s.initialize(false, "{}").await;
    s.open("theorem t : True := by\n  skip\n  sorry\n").await;
    let at = json!({"textDocument": {"uri": "file:///A.lean"}, "position": {"line": 2, "character": 2}});
    s.send(json!({"id": 1, "method": "textDocument/documentHighlight", "params": at})).await;
    assert_eq!(s.lean_receives_json().await["id"], 1);
    let asked = s.lean_receives_json().await;
    assert_eq!((&asked["method"], &asked["params"]), (&json!("$/lean/plainGoal"), &at));
    assert!(asked["id"].as_str().unwrap().starts_with("lc:"));
    s.lean_sends(&json!({"id": asked["id"], "result": {"goals": ["⊢ True"], "rendered": ""}}).to_string())
        .await;
    s.lean_sends(r#"{"id":1,"result":[]}"#).await;
    assert_eq!(s.receive().await["id"], 1, "the answer to our own question does not reach the editor");
}

#[tokio::test]
async fn where_the_editor_asks_for_the_goal_we_do_not() {
    let mut s = session();
    s.initialize(false, "{}").await;
    s.open("theorem t : True := by\n  sorry\n").await;
    let at = json!({"textDocument": {"uri": "file:///A.lean"}, "position": {"line": 1, "character": 2}});
    let call = json!({"method": "Lean.Widget.getInteractiveGoals", "params": at, "sessionId": "1"});
    s.send(json!({"id": 1, "method": "$/lean/rpc/call", "params": call})).await;
    assert_eq!(s.lean_receives_json().await["id"], 1);
    let answer = r#"{"id":1,"result":{"goals":[{"hyps":[],"goalPrefix":"⊢ ","type":{"text":"True"}}]}}"#;
    s.lean_sends(answer).await;
    assert_eq!(s.receive().await["id"], 1);
    tokio::time::sleep(Duration::from_millis(400)).await;
    s.send(json!({"method": "$/mark", "params": {}})).await;
    assert_eq!(s.lean_receives_json().await["method"], "$/mark", "nothing was asked in between");
}

#[tokio::test]
async fn requests_to_us_are_answered_once_and_never_reach_lean() {
    let mut s = session();
    s.initialize(true, "{}").await;
    assert_eq!(s.receive().await["method"], "$/leanCopilot/status");
    for (id, method, params, code) in [
        (json!(18446744073709551617.0), "$/leanCopilot/nothing", json!({}), -32601),
        (json!("a"), "$/leanCopilot/suggest", json!({"textDocument": {}}), -32602),
        (
            json!(5),
            "$/leanCopilot/suggest",
            json!({"textDocument": {"uri": "x"}, "position": {"line": 0, "character": 0}}),
            -32602,
        ),
        (json!(6), "$/leanCopilot/suggest", Value::Null, -32602),
    ] {
        s.send(json!({"id": id, "method": method, "params": params})).await;
        let answer = s.receive().await;
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &json!(code)), "{answer}");
    }
    s.send(json!({"method": "$/mark", "params": {}})).await;
    assert_eq!(s.lean_receives_json().await["method"], "$/mark");
}

#[tokio::test]
async fn an_action_of_ours_is_resolved_by_us_and_another_by_lean() {
    let mut s = session();
    s.initialize(false, r#"{"codeActionProvider":true}"#).await;
    let ours = json!({"title": "t", "data": {"leanCopilot": "s1"}, "edit": {}});
    s.send(json!({"id": 1, "method": "codeAction/resolve", "params": ours})).await;
    let answer = s.receive().await;
    assert_eq!((&answer["id"], &answer["result"]), (&json!(1), &ours));
    s.send(json!({"id": 2, "method": "codeAction/resolve", "params": {"title": "t", "data": {"params": 1}}}))
        .await;
    assert_eq!(s.lean_receives_json().await["id"], 2);
}

#[tokio::test]
async fn code_actions_without_any_of_ours_pass_byte_for_byte() {
    let mut s = session();
    s.initialize(false, r#"{"codeActionProvider":true}"#).await;
    s.open("x").await;
    for trigger in [1, 2] {
        let at = json!({"line": 0, "character": 0});
        let params = json!({"textDocument": {"uri": "file:///A.lean"}, "range": {"start": at, "end": at},
            "context": {"diagnostics": [], "triggerKind": trigger}});
        s.send(json!({"id": 9, "method": "textDocument/codeAction", "params": params})).await;
        while s.lean_receives_json().await["id"] != 9 {}
        let body = r#"{"jsonrpc":"2.0","result":[ {"title":"\u00e9","n":1.10} ],"id":9}"#;
        s.lean_sends(body).await;
        assert_eq!(soon(s.from_proxy.next()).await.unwrap().unwrap().body(), body.as_bytes());
    }
}

#[tokio::test]
async fn a_client_that_configures_us_knows_us_though_it_announced_nothing() {
    let mut s = session();
    s.initialize(false, "{}").await;
    s.send(json!({"method": "$/leanCopilot/configure", "params": {"auto_suggest": false}})).await;
    let status = loop {
        let message = s.receive().await;
        if message["method"] == "$/leanCopilot/status" {
            break message;
        }
        // What a client that announces nothing is told instead of a status.
        assert_eq!(message["method"], "window/showMessage");
    };
    assert!(status["params"]["state"].is_string(), "{status}");
}

/// Asks for the goal at the only place there is.
fn plain_goal(id: &Value) -> Value {
    let at = json!({"textDocument": {"uri": "file:///A.lean"}, "position": {"line": 1, "character": 2}});
    json!({"id": id, "method": "$/lean/plainGoal", "params": at})
}

#[tokio::test]
async fn ids_of_the_editors_may_look_like_ours_and_come_back_in_other_words() {
    let mut s = session();
    // As an editor writes it that escapes what is not ASCII, and as Lean writes it.
    let greeting = r#"{"jsonrpc":"2.0","id":"\u00e9","method":"initialize","params":{"capabilities":{}}}"#;
    s.to_proxy.write_all(Frame::from_body(greeting).raw()).await.unwrap();
    assert_eq!(s.lean_receives_json().await["id"], "é");
    s.lean_sends(r#"{"id":"é","jsonrpc":"2.0","result":{"capabilities":{}}}"#).await;
    let answer = s.receive().await;
    assert!(answer["result"]["capabilities"]["experimental"]["leanCopilot"].is_object(), "{answer}");
    s.send(json!({"method": "initialized", "params": {}})).await;
    assert_eq!(s.lean_receives_json().await["method"], "initialized");

    s.open("theorem t : True := by\n  sorry\n").await;
    s.send(plain_goal(&json!("lc:1"))).await;
    assert_eq!(s.lean_receives_json().await["id"], "lc:1");
    s.lean_sends(r#"{"id":"lc:1","error":{"code":-32801,"message":"not yet"}}"#).await;
    let refused = loop {
        let message = s.receive().await;
        if message["method"].is_null() {
            break message;
        }
    };
    assert_eq!(refused["id"], "lc:1", "the answer is the editor's");
    let ours = s.lean_receives_json().await;
    assert_eq!(ours["method"], "$/lean/plainGoal", "it was heard, and we ask ourselves: {ours}");
    assert_ne!(ours["id"], "lc:1");
}

#[tokio::test]
async fn what_was_asked_before_a_document_was_opened_again_says_nothing_about_it() {
    let mut s = session();
    s.initialize(false, "{}").await;
    s.open("theorem t : True := by\n  sorry\n").await;
    s.send(plain_goal(&json!(1))).await;
    assert_eq!(s.lean_receives_json().await["id"], 1);
    s.send(json!({"method": "textDocument/didClose", "params": {"textDocument": {"uri": "file:///A.lean"}}}))
        .await;
    assert_eq!(s.lean_receives_json().await["method"], "textDocument/didClose");
    // The same version, another text.
    s.open("theorem t : False := by\n  sorry\n").await;
    s.send(plain_goal(&json!(2))).await;
    assert_eq!(s.lean_receives_json().await["id"], 2);
    s.lean_sends(r#"{"id":1,"result":{"goals":["⊢ True"],"rendered":""}}"#).await;
    s.lean_sends(r#"{"id":2,"error":{"code":-32801,"message":"not yet"}}"#).await;
    let ours = s.lean_receives_json().await;
    assert_eq!(ours["method"], "$/lean/plainGoal", "its goal is not known: {ours}");
}
