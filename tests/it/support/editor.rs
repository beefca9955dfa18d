//! An editor that a test plays in front of a real `lean-copilot serve`, with threads of its own: nothing in
//! it depends on a test's runtime, so one session can serve several tests.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lean_copilot::config::Dirs;
use lean_copilot::lsp::codec::Frame;
use serde_json::{Value, json};
use tokio::sync::SemaphorePermit;

use super::processes::{self, Mark};

/// Longest wait for anything; a machine may be busy with other things.
pub const LONG: Duration = Duration::from_secs(240);

/// A goal at which `rfl`, one of the first tactics that are tried anywhere, does not end: Lean's kernel is
/// given a proof by cases that takes days. The hole is in the last line.
pub const LOOPING: &str = "set_option maxHeartbeats 0\n\
    macro_rules | `(tactic| rfl) => `(tactic| (have : ∀ a b c d e : Fin 100, a.val + b.val + c.val + d.val + e.val \
    = e.val + d.val + c.val + b.val + a.val := by decide +kernel; assumption))\n\
    theorem loops (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  sorry\n";

/// How `serve` is started.
#[derive(Default)]
pub struct Setup {
    /// It announces that it knows `$/leanCopilot/*`.
    pub knows_us: bool,
    /// Settings in `initializationOptions`.
    pub settings: Value,
    /// The server command; empty: the embedded Lean.
    pub command: Vec<OsString>,
    /// Environment variables.
    pub env: Vec<(OsString, OsString)>,
    /// User directories; a folder of its own where none are given.
    pub home: Option<PathBuf>,
    /// `ulimit -S -f` of the session, in KiB.
    pub largest_file: Option<u64>,
    /// The test holds the leave to run the embedded Lean itself.
    pub permitted: bool,
}

#[derive(Default)]
struct Inbox {
    messages: Vec<Value>,
    ended: bool,
}

struct Shared {
    inbox: Mutex<Inbox>,
    news: Condvar,
    stdin: Mutex<Option<ChildStdin>>,
}

/// A session; `serve` and everything that it started is killed on drop.
pub struct Editor {
    child: Child,
    shared: Arc<Shared>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    next: u64,
    /// The session's folder: the project, and the user directories where none were given.
    pub folder: PathBuf,
    /// Marks every process of the session.
    pub mark: Mark,
    /// The answer to `initialize`.
    pub initialized: Value,
    _permit: Option<SemaphorePermit<'static>>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, body: &Value) {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        // A server that is gone is noticed by whoever waits for its answer.
        let _ = stdin.as_mut().map(|s| s.write_all(Frame::from_body(body.to_string()).raw()));
    }
}

/// One LSP message; `None` at the end of the stream.
pub fn read_message(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(':') {
            Some((_, value)) => length = value.trim().parse().ok()?,
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

/// `lean-copilot` with the user directories below a folder and the real cache.
pub fn program(home: &Path) -> Command {
    let dirs = super::dirs();
    super::program_in(&Dirs::below(home, dirs.share.clone(), dirs.cache.clone()))
}

impl Editor {
    /// Starts `serve` and greets it. With the embedded Lean, leave to run it is waited for.
    pub fn start(name: &str, setup: Setup) -> Editor {
        let unasked = setup.command.is_empty() && !setup.permitted;
        let permit = unasked.then(|| super::permits_blocking(1));
        let folder = super::scratch(name);
        let home = setup.home.clone().unwrap_or_else(|| folder.clone());
        let mark = Mark::new();
        let mut words = setup.command.clone();
        let mut command = program(&home);
        if words.is_empty() {
            // The embedded Lean, whatever else is on PATH.
            let lean = super::server_command(&[], &folder);
            words = [vec![lean.program.into_os_string()], lean.args, vec!["--server".into()]].concat();
            command.envs(lean.env);
        }
        command.arg("serve").arg("--").args(words);
        if let Some(kib) = setup.largest_file {
            let inner = std::mem::replace(&mut command, Command::new("bash"));
            command.args(["-c", r#"ulimit -S -f "$0" && exec "$@""#]).arg(kib.to_string());
            command.arg(inner.get_program()).args(inner.get_args());
            command.envs(inner.get_envs().filter_map(|(k, v)| Some((k, v?))));
        }
        let (key, value) = mark.variable();
        command.current_dir(&folder).env(key, value).envs(setup.env);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("`serve` starts");
        let shared = Arc::new(Shared {
            inbox: Mutex::default(),
            news: Condvar::new(),
            stdin: Mutex::new(child.stdin.take()),
        });
        let (stdout, mut errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let theirs = shared.clone();
        std::thread::spawn(move || receive(BufReader::with_capacity(1 << 20, stdout), &theirs));
        let stderr = std::thread::spawn(move || {
            let (mut kept, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
            while let Ok(n @ 1..) = errors.read(&mut chunk) {
                let room = (1usize << 20).saturating_sub(kept.len());
                kept.extend_from_slice(&chunk[..n.min(room)]);
            }
            kept
        });
        let mut editor = Editor {
            child,
            shared,
            stderr: Some(stderr),
            next: 0,
            folder,
            mark,
            initialized: Value::Null,
            _permit: permit,
        };
        editor.greet(setup.knows_us, &setup.settings);
        editor
    }

    fn greet(&mut self, knows_us: bool, settings: &Value) {
        let experimental = if knows_us { json!({"leanCopilot": {}}) } else { json!({}) };
        let params = json!({
            "processId": std::process::id(), "rootUri": null, "clientInfo": {"name": "a test"},
            "capabilities": {"experimental": experimental},
            "initializationOptions": {"hasWidgets": false, "editDelay": 0, "leanCopilot": settings}});
        self.initialized = self.ask("initialize", params);
        self.notify("initialized", json!({}));
    }

    /// The id of `serve`'s process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: Value) {
        self.shared.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request; its id.
    pub fn request(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        let id = self.next;
        self.shared.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Waits for the answer to a request: the whole message.
    pub fn answer(&self, id: u64, limit: Duration) -> Value {
        let is_it = |m: &Value| m["id"] == id && m.get("method").is_none();
        self.wait(0, limit, &format!("the answer to request {id}"), is_it)
    }

    /// Asks and waits for a result.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let answer = self.answer(id, LONG);
        assert!(answer.get("error").is_none(), "`{method}`: {answer}");
        answer["result"].clone()
    }

    /// How many messages have come so far: where [`wait`](Editor::wait) may begin.
    pub fn received(&self) -> usize {
        self.shared.lock().messages.len()
    }

    /// The messages from a point on.
    pub fn messages(&self, from: usize) -> Vec<Value> {
        self.shared.lock().messages[from..].to_vec()
    }

    /// Waits for a message from a point on.
    pub fn wait(&self, from: usize, limit: Duration, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.find(from, limit, &is_it).unwrap_or_else(|| {
            let inbox = self.shared.lock();
            let last: Vec<String> = inbox.messages[from.min(inbox.messages.len())..]
                .iter()
                .rev()
                .take(12)
                .map(|m| m.to_string().chars().take(300).collect())
                .collect();
            panic!("{what} did not come (ended: {}); the last messages: {last:#?}", inbox.ended)
        })
    }

    /// The same; `None` where it does not come.
    pub fn find(&self, from: usize, limit: Duration, is_it: impl Fn(&Value) -> bool) -> Option<Value> {
        let until = Instant::now() + limit;
        let mut inbox = self.shared.lock();
        let mut seen = from;
        loop {
            if let Some(found) = inbox.messages[seen.min(inbox.messages.len())..].iter().find(|m| is_it(m)) {
                return Some(found.clone());
            }
            seen = seen.max(inbox.messages.len());
            let left = until.saturating_duration_since(Instant::now());
            if inbox.ended || left.is_zero() {
                return None;
            }
            let waited = self.shared.news.wait_timeout(inbox, left);
            inbox = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Opens a document.
    pub fn open(&self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": "lean4", "version": 1, "text": text});
        let params = json!({"textDocument": document, "dependencyBuildMode": "never"});
        self.notify("textDocument/didOpen", params);
    }

    /// Replaces a document's text.
    pub fn replace(&self, uri: &str, version: i32, text: &str) {
        let document = json!({"uri": uri, "version": version});
        self.notify(
            "textDocument/didChange",
            json!({"textDocument": document, "contentChanges": [{"text": text}]}),
        );
    }

    /// Waits until Lean has said all about a version; its last diagnostics.
    pub fn diagnostics(&mut self, uri: &str, version: i32) -> Vec<Value> {
        self.ask("textDocument/waitForDiagnostics", json!({"uri": uri, "version": version}));
        let inbox = self.shared.lock();
        let about = |m: &&Value| {
            m["method"] == "textDocument/publishDiagnostics"
                && m["params"]["uri"] == uri
                && m["params"]["version"] == version
        };
        let last = inbox.messages.iter().rfind(about);
        last.and_then(|m| m["params"]["diagnostics"].as_array().cloned()).unwrap_or_default()
    }

    /// Asks for suggestions and waits until the round ends; the result.
    pub fn suggest(&mut self, uri: &str, line: u32, character: u32) -> Value {
        let mut place = at(uri, line, character);
        place["wait_ms"] = json!(LONG.as_millis() as u64);
        self.ask("$/leanCopilot/suggest", place)
    }

    /// The code actions that a person gets at a place.
    pub fn actions(&mut self, uri: &str, line: u32, character: u32) -> Vec<Value> {
        let point = json!({"line": line, "character": character});
        let params = json!({"textDocument": {"uri": uri}, "range": {"start": point, "end": point},
            "context": {"diagnostics": [], "triggerKind": 1}});
        self.ask("textDocument/codeAction", params).as_array().cloned().unwrap_or_default()
    }

    /// Messages shown to the person so far, ours only.
    pub fn shown(&self) -> Vec<String> {
        let inbox = self.shared.lock();
        let shown = inbox.messages.iter().filter(|m| m["method"] == "window/showMessage");
        let text = |m: &Value| m["params"]["message"].as_str().unwrap_or_default().to_owned();
        shown.map(text).filter(|t| t.starts_with("lean-copilot: ")).collect()
    }

    /// Closes `serve`'s input, without a word.
    pub fn hang_up(&self) {
        self.shared.stdin.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Waits for the end of `serve`: its exit code (128 and the signal where one killed it), and what came
    /// on standard error.
    pub fn ended(mut self, limit: Duration) -> (i32, String) {
        use std::os::unix::process::ExitStatusExt as _;
        let until = Instant::now() + limit;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "`serve` does not end");
            std::thread::sleep(Duration::from_millis(10));
        };
        // Killed with it where they live on, so that the pipe ends.
        self.mark.kill_all();
        let stderr = self.stderr.take().map(|t| t.join().unwrap()).unwrap_or_default();
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        (code, String::from_utf8_lossy(&stderr).into_owned())
    }

    /// Ends the session as an editor does: nothing may be left.
    pub fn end(mut self) {
        self.ask_bare("shutdown");
        self.shared.write(&json!({"jsonrpc": "2.0", "method": "exit"}));
        let mark = self.mark.clone();
        self.hang_up();
        let until = Instant::now() + LONG;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "`serve` does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        processes::wait_until(LONG, "every process has ended", || mark.processes().is_empty());
        let (code, stderr) = self.ended(LONG);
        assert_eq!((code, stderr.as_str()), (0, ""));
    }

    fn ask_bare(&mut self, method: &str) {
        self.next += 1;
        let id = self.next;
        self.shared.write(&json!({"jsonrpc": "2.0", "id": id, "method": method}));
        self.answer(id, LONG);
    }
}

/// The parameters of a request about a place.
pub fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}})
}

fn receive(mut from: impl BufRead, shared: &Shared) {
    while let Some(body) = read_message(&mut from) {
        let Ok(mut message) = serde_json::from_slice::<Value>(&body) else { continue };
        // What only makes a message large is not kept.
        if let Some(params) = message.get_mut("params").and_then(Value::as_object_mut) {
            params.remove("filler");
        }
        if message.get("method").is_some() && message.get("id").is_some() {
            shared.write(&json!({"jsonrpc": "2.0", "id": message["id"], "result": null}));
        }
        shared.lock().messages.push(message);
        shared.news.notify_all();
    }
    shared.lock().ended = true;
    shared.news.notify_all();
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.mark.kill_all();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
