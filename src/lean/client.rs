//! A typed client of Lean's server over any pair of pipes.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lsp_types::{Diagnostic, Position, TextDocumentContentChangeEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot, watch};

use super::published::{PublishParams, Published, publish};
use crate::error::{Failure, FailureKind};
use crate::lsp::codec::{Frame, FrameReader, write_frame};
use crate::lsp::message::{self, Envelope, Kind, RequestId, ResponseError};
use crate::proof::Goal;

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum LeanError {
    /// The server is gone; every pending and later request ends so.
    #[error("the Lean server ended")]
    Closed,
    /// The server refused.
    #[error("Lean refused `{method}`: {error}")]
    Refused {
        /// The request.
        method: String,
        /// Its answer.
        error: ResponseError,
    },
    /// The answer is not what the method promises.
    #[error("Lean's answer to `{method}` cannot be read: {error}")]
    Unreadable {
        /// The request.
        method: String,
        /// What is wrong with the answer.
        error: serde_json::Error,
    },
    /// No answer in time. The request was cancelled.
    #[error("Lean gave no answer to `{method}` within {} s", .after.as_secs_f32())]
    Timeout {
        /// The request.
        method: String,
        /// How long was waited.
        after: Duration,
    },
}

impl LeanError {
    /// The error code of a refusal.
    pub fn code(&self) -> Option<i64> {
        match self {
            LeanError::Refused { error, .. } => Some(error.code),
            _ => None,
        }
    }

    /// The same as a failure for people, with exit code and remedy.
    pub fn into_failure(self) -> Failure {
        let hint = match self {
            LeanError::Timeout { .. } => "a larger limit may help where the file is slow to elaborate",
            LeanError::Closed => "run Lean on the file by itself to see whether it crashes there, too",
            LeanError::Refused { .. } | LeanError::Unreadable { .. } => {
                "the versions of Lean and lean-copilot may not fit each other"
            }
        };
        Failure::new(FailureKind::Lean, self.to_string()).hint(hint)
    }
}

#[derive(Debug, Default)]
struct State {
    pending: HashMap<u64, oneshot::Sender<Result<Box<RawValue>, ResponseError>>>,
    published: HashMap<String, Published>,
    /// Who wants to hear of a notification, by its method.
    listeners: HashMap<String, mpsc::UnboundedSender<Box<RawValue>>>,
    closed: bool,
}

/// What reader task and handles share. The outgoing channel is not in it: the writer must end, and with
/// it the server's input, when the last handle is dropped.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer to a request that has been sent.
pub type Answer<R> = Pin<Box<dyn Future<Output = Result<R, LeanError>> + Send>>;

/// A handle; clones speak to the same server. When the last is dropped the server's input is closed.
#[derive(Debug, Clone)]
pub struct LeanClient {
    shared: Arc<Shared>,
    outgoing: mpsc::UnboundedSender<Frame>,
    next_id: Arc<AtomicU64>,
    closed: watch::Receiver<bool>,
}

impl LeanClient {
    /// Starts reading and writing. Needs a Tokio runtime; the server is not spoken to yet.
    pub fn start<R, W>(reader: R, writer: W) -> LeanClient
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let (outgoing, frames) = mpsc::unbounded_channel();
        let (closed_tx, closed) = watch::channel(false);
        tokio::spawn(write_loop(writer, frames));
        tokio::spawn(read_loop(reader, shared.clone(), outgoing.downgrade(), closed_tx));
        LeanClient { shared, outgoing, next_id: Arc::default(), closed }
    }

    /// `initialize` and `initialized`; the result as Lean gave it.
    pub async fn initialize(&self, params: Value) -> Result<Value, LeanError> {
        let result = self.request("initialize", &params).await?;
        self.notify("initialized", &json!({}))?;
        Ok(result)
    }

    /// Sends a notification. The parameters must be an object or array.
    pub fn notify<P: Serialize>(&self, method: &str, params: &P) -> Result<(), LeanError> {
        self.send(message::notification(method, params))
    }

    /// Sends a request now and gives its answer later; dropping the future cancels the request.
    pub fn request<R: DeserializeOwned>(&self, method: &str, params: &impl Serialize) -> Answer<R> {
        // Sent before the future is polled, so that requests leave in the order of the calls.
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, received) = oneshot::channel();
        let sent = {
            let mut state = self.shared.lock();
            if state.closed {
                Err(LeanError::Closed)
            } else {
                state.pending.insert(number, answer);
                Ok(())
            }
        }
        .and_then(|()| self.send(message::request(&RequestId::own(number), method, params)));
        let guard = CancelGuard { client: self.clone(), number, done: false };
        let method = method.to_owned();
        Box::pin(async move {
            let mut guard = guard;
            if let Err(e) = sent {
                guard.done = true;
                return Err(e);
            }
            let answer = received.await;
            guard.done = true;
            match answer {
                Ok(Ok(raw)) => {
                    serde_json::from_str(raw.get()).map_err(|error| LeanError::Unreadable { method, error })
                }
                Ok(Err(error)) => Err(LeanError::Refused { method, error }),
                Err(_) => Err(LeanError::Closed),
            }
        })
    }

    /// Sends a request whose answer nobody waits for, with a number for its id as editors use them: `serve` takes the
    /// other ids of this client for its own.
    pub fn request_unheard(&self, method: &str, params: &impl Serialize) -> Result<(), LeanError> {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.send(message::request(&RequestId::from(number), method, params))
    }

    /// A request that is cancelled when `limit` has passed.
    pub async fn request_within<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
        limit: Duration,
    ) -> Result<R, LeanError> {
        match tokio::time::timeout(limit, self.request(method, params)).await {
            Ok(answer) => answer,
            Err(_) => Err(LeanError::Timeout { method: method.to_owned(), after: limit }),
        }
    }

    /// Opens a document. Dependencies are never built: the user's own server does that.
    pub fn open(&self, uri: &str, version: i32, text: &str) -> Result<(), LeanError> {
        self.shared.lock().published.remove(uri);
        self.notify(
            "textDocument/didOpen",
            &json!({
                "textDocument": {"uri": uri, "languageId": "lean", "version": version, "text": text},
                "dependencyBuildMode": "never",
            }),
        )
    }

    /// Changes an open document.
    pub fn change(
        &self,
        uri: &str,
        version: i32,
        changes: &[TextDocumentContentChangeEvent],
    ) -> Result<(), LeanError> {
        self.notify(
            "textDocument/didChange",
            &json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}),
        )
    }

    /// Replaces the whole text of an open document.
    pub fn replace(&self, uri: &str, version: i32, text: &str) -> Result<(), LeanError> {
        self.change(
            uri,
            version,
            &[TextDocumentContentChangeEvent { range: None, range_length: None, text: text.to_owned() }],
        )
    }

    /// Closes a document.
    pub fn close(&self, uri: &str) -> Result<(), LeanError> {
        self.shared.lock().published.remove(uri);
        self.notify("textDocument/didClose", &json!({"textDocument": {"uri": uri}}))
    }

    /// Waits until Lean has said all about a version of a document; its diagnostics.
    pub async fn barrier(
        &self,
        uri: &str,
        version: i32,
        limit: Duration,
    ) -> Result<Vec<Diagnostic>, LeanError> {
        let params = json!({"uri": uri, "version": version});
        let _: Value = self.request_within("textDocument/waitForDiagnostics", &params, limit).await?;
        Ok(self.diagnostics(uri, version))
    }

    /// The parameters of every notification of a method that comes from here on, in their order. One listener for a
    /// method: the last.
    pub fn listen(&self, method: &str) -> mpsc::UnboundedReceiver<Box<RawValue>> {
        let (heard, receiver) = mpsc::unbounded_channel();
        self.shared.lock().listeners.insert(method.to_owned(), heard);
        receiver
    }

    /// Whether there are more diagnostics of a document than are kept: these are not all.
    pub fn is_flooded(&self, uri: &str) -> bool {
        self.shared.lock().published.get(uri).is_some_and(|p| p.flooded)
    }

    /// What Lean has said so far about a version of a document.
    pub fn diagnostics(&self, uri: &str, version: i32) -> Vec<Diagnostic> {
        let state = self.shared.lock();
        match state.published.get(uri) {
            Some(p) if p.version.is_none_or(|v| v == version) => p.diagnostics.clone(),
            // Lean publishes for each version before it answers a barrier; a version without anything
            // published has no diagnostics.
            _ => Vec::new(),
        }
    }

    /// The goals at a position, the main goal first; empty where all are solved, `None` where there is
    /// no proof state. Ask behind a [`barrier`](LeanClient::barrier): before, the answer may be partial.
    pub async fn plain_goal(
        &self,
        uri: &str,
        position: Position,
        limit: Duration,
    ) -> Result<Option<Vec<Goal>>, LeanError> {
        #[derive(serde::Deserialize)]
        struct PlainGoal {
            goals: Vec<String>,
        }
        let params = json!({"textDocument": {"uri": uri}, "position": position});
        let answer: Option<PlainGoal> = self.request_within("$/lean/plainGoal", &params, limit).await?;
        Ok(answer.map(|a| a.goals.iter().map(|g| Goal::parse(g)).collect()))
    }

    /// Asks the server to end: `shutdown`, then `exit`.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), LeanError> {
        let _: Value = self.request_within("shutdown", &json!({}), limit).await?;
        self.send(message::bare(None, "exit"))
    }

    /// Returns when the server's output has ended.
    pub async fn closed(&self) {
        let mut closed = self.closed.clone();
        // An error means that the reader is gone, which is the same.
        let _ = closed.wait_for(|c| *c).await;
    }

    /// Whether the server's output has ended.
    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    fn send(&self, frame: Frame) -> Result<(), LeanError> {
        self.outgoing.send(frame).map_err(|_| LeanError::Closed)
    }
}

/// The parameters of `initialize` for a server of our own: no widgets, no incremental reports, the
/// shortest pause before an edit is elaborated.
pub fn initialize_params() -> Value {
    json!({
        "processId": std::process::id(),
        "clientInfo": {"name": "lean-copilot", "version": env!("CARGO_PKG_VERSION")},
        "rootUri": null,
        "capabilities": {},
        "initializationOptions": {"editDelay": 0, "hasWidgets": false},
    })
}

/// Forgets a request whose future was dropped, and tells Lean.
struct CancelGuard {
    client: LeanClient,
    number: u64,
    done: bool,
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if !self.done && self.client.shared.lock().pending.remove(&self.number).is_some() {
            let id = RequestId::own(self.number);
            // A server that is gone needs no cancellation.
            let _ = self.client.notify("$/cancelRequest", &json!({"id": id}));
        }
    }
}

async fn write_loop<W: AsyncWrite + Unpin>(mut writer: W, mut frames: mpsc::UnboundedReceiver<Frame>) {
    while let Some(frame) = frames.recv().await {
        if let Err(e) = write_frame(&mut writer, &frame).await {
            tracing::debug!("writing to the Lean server: {e}");
            return;
        }
    }
}

async fn read_loop<R: AsyncRead + Unpin>(
    reader: R,
    shared: Arc<Shared>,
    outgoing: mpsc::WeakUnboundedSender<Frame>,
    closed: watch::Sender<bool>,
) {
    let mut frames = FrameReader::new(reader);
    loop {
        match frames.next().await {
            Ok(Some(frame)) => receive(&frame, &shared, &outgoing),
            Ok(None) => break,
            Err(e) => {
                tracing::warn!("the Lean server's output is not LSP: {e}");
                break;
            }
        }
    }
    let mut state = shared.lock();
    state.closed = true;
    // Dropping the senders fails every pending request at once, and ends what is listened to.
    state.pending.clear();
    state.listeners.clear();
    drop(state);
    closed.send_replace(true);
}

fn receive(frame: &Frame, shared: &Shared, outgoing: &mpsc::WeakUnboundedSender<Frame>) {
    let envelope = match Envelope::parse(frame.body()) {
        Ok(e) => e,
        Err(e) => return tracing::warn!("a message of the Lean server is not JSON-RPC: {e}"),
    };
    match envelope.kind() {
        Some(Kind::Response) => respond(&envelope, shared),
        Some(Kind::Notification) if envelope.method() == "textDocument/publishDiagnostics" => {
            match envelope.params_as::<PublishParams>() {
                Ok(p) => publish(p, &mut shared.lock().published),
                Err(e) => tracing::warn!("diagnostics of the Lean server cannot be read: {e}"),
            }
        }
        Some(Kind::Request) => {
            // `client/registerCapability` and the refresh requests want an empty answer.
            if let (Some(id), Some(out)) = (envelope.request_id(), outgoing.upgrade()) {
                let answer = match envelope.method() {
                    "client/registerCapability" | "client/unregisterCapability" => {
                        message::response(&id, &Value::Null)
                    }
                    m if m.starts_with("workspace/") && m.ends_with("/refresh") => {
                        message::response(&id, &Value::Null)
                    }
                    m => message::error_response(
                        &id,
                        message::code::METHOD_NOT_FOUND,
                        format!("`{m}` is unknown"),
                    ),
                };
                let _ = out.send(answer);
            }
        }
        Some(Kind::Notification) => {
            let state = shared.lock();
            if let (Some(listener), Some(params)) = (state.listeners.get(envelope.method()), envelope.params)
            {
                // Who listened may have left.
                let _ = listener.send(params.to_owned());
            }
        }
        None => tracing::warn!("a message of the Lean server has neither method nor id"),
    }
}

fn respond(envelope: &Envelope<'_>, shared: &Shared) {
    let Some(number) = envelope.request_id().and_then(|id| id.own_number()) else { return };
    let Some(waiting) = shared.lock().pending.remove(&number) else { return };
    let answer = match envelope.error {
        Some(raw) => Err(serde_json::from_str(raw.get()).unwrap_or_else(|_| ResponseError {
            code: message::code::INTERNAL_ERROR,
            message: raw.get().to_owned(),
            data: None,
        })),
        None => Ok(envelope.result.map_or_else(null, ToOwned::to_owned)),
    };
    // Nobody waits for a request that was dropped in the same moment.
    let _ = waiting.send(answer);
}

fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncWriteExt, DuplexStream};

    /// The other end of a client's pipes, played by the test.
    struct Peer {
        reader: FrameReader<DuplexStream>,
        writer: DuplexStream,
    }

    fn pair() -> (LeanClient, Peer) {
        let (client_out, peer_in) = tokio::io::duplex(1 << 16);
        let (peer_out, client_in) = tokio::io::duplex(1 << 16);
        let client = LeanClient::start(client_in, client_out);
        (client, Peer { reader: FrameReader::new(peer_in), writer: peer_out })
    }

    impl Peer {
        async fn next(&mut self) -> Value {
            let frame = self.reader.next().await.unwrap().expect("a message");
            serde_json::from_slice(frame.body()).unwrap()
        }

        async fn send(&mut self, v: Value) {
            self.writer.write_all(Frame::from_body(v.to_string()).raw()).await.unwrap();
        }
    }

    fn diagnostic(message: &str) -> Value {
        let at = json!({"line": 0, "character": 0});
        json!({"range": {"start": at, "end": at}, "severity": 1, "message": message})
    }

    #[tokio::test]
    async fn answers_find_their_requests_in_any_order() {
        let (client, mut peer) = pair();
        let one = client.request::<i32>("a", &json!({}));
        let two = client.request::<i32>("b", &json!({}));
        let (a, b) = (peer.next().await, peer.next().await);
        assert_eq!((a["method"].as_str(), b["method"].as_str()), (Some("a"), Some("b")));
        peer.send(json!({"id": b["id"], "result": 2})).await;
        peer.send(json!({"id": a["id"], "error": {"code": -32801, "message": "changed"}})).await;
        assert_eq!(two.await.unwrap(), 2);
        assert_eq!(one.await.unwrap_err().code(), Some(-32801));
    }

    #[tokio::test]
    async fn a_dropped_request_is_cancelled_and_a_timed_out_one_too() {
        let (client, mut peer) = pair();
        drop(client.request::<Value>("slow", &json!({})));
        let asked = peer.next().await;
        let cancelled = peer.next().await;
        assert_eq!(cancelled["method"], "$/cancelRequest");
        assert_eq!(cancelled["params"]["id"], asked["id"]);
        let limit = Duration::from_millis(10);
        let error = client.request_within::<Value>("slow", &json!({}), limit).await.unwrap_err();
        assert!(matches!(error, LeanError::Timeout { .. }));
    }

    #[tokio::test]
    async fn a_dead_server_fails_what_is_pending_and_what_comes_later() {
        let (client, peer) = pair();
        let pending = client.request::<Value>("a", &json!({}));
        drop(peer);
        assert!(matches!(pending.await, Err(LeanError::Closed)));
        client.closed().await;
        assert!(matches!(client.request::<Value>("b", &json!({})).await, Err(LeanError::Closed)));
    }

    #[tokio::test]
    async fn the_servers_input_ends_with_the_last_handle() {
        let (client, mut peer) = pair();
        let second = client.clone();
        drop(client);
        second.notify("x", &json!({})).unwrap();
        assert_eq!(peer.next().await["method"], "x");
        drop(second);
        assert!(peer.reader.next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn diagnostics_are_replaced_or_appended() {
        let (client, mut peer) = pair();
        let publish = |version: i32, messages: &[&str], incremental: bool| {
            let list: Vec<Value> = messages.iter().map(|m| diagnostic(m)).collect();
            json!({"method": "textDocument/publishDiagnostics", "params": {
                "uri": "u", "version": version, "diagnostics": list, "isIncremental": incremental}})
        };
        peer.send(publish(1, &["old"], false)).await;
        peer.send(publish(2, &["a"], false)).await;
        peer.send(publish(2, &["b"], true)).await;
        peer.send(publish(1, &["late"], false)).await;
        let wait = client.barrier("u", 2, Duration::from_secs(5));
        let answer = async {
            let asked = peer.next().await;
            peer.send(json!({"id": asked["id"], "result": {}})).await;
        };
        let (diagnostics, ()) = tokio::join!(wait, answer);
        let messages: Vec<_> = diagnostics.unwrap().into_iter().map(|d| d.message).collect();
        assert_eq!(messages, ["a", "b"]);
        assert!(client.diagnostics("u", 3).is_empty());
    }

    #[tokio::test]
    async fn the_servers_own_requests_are_answered() {
        let (_client, mut peer) = pair();
        peer.send(
            json!({"id": "register_lean_watcher", "method": "client/registerCapability", "params": {}}),
        )
        .await;
        let answer = peer.next().await;
        assert_eq!(answer["id"], "register_lean_watcher");
        assert!(answer["error"].is_null() && answer.get("result").is_some());
    }
}
