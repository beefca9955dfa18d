//! `lean-copilot serve` as a process: its exit code, its silence on stderr, its end in every case.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use lean_copilot::lsp::codec::Frame;
use serde_json::{Value, json};

use crate::support;

/// `serve` in front of a server that a shell plays, with user directories of its own.
fn serve(name: &str, server: &[&str]) -> Child {
    let mut command = command(name, server);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn command(name: &str, server: &[&str]) -> Command {
    let folder = support::scratch(name);
    let mut command = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
    command.args(["serve", "--"]).args(server).current_dir(&folder);
    for key in ["CONFIG", "DATA", "STATE"] {
        command.env(format!("LEAN_COPILOT_{key}_DIR"), folder.join(key));
    }
    command
}

/// Waits for the end, which must come soon.
fn end(mut child: Child) -> Output {
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("`serve` does not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

fn message(body: Value) -> Vec<u8> {
    Frame::from_body(body.to_string()).raw().to_vec()
}

fn bodies(mut bytes: &[u8]) -> Vec<Value> {
    let mut all = Vec::new();
    while let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
        let header = std::str::from_utf8(&bytes[..at]).unwrap();
        let length: usize = header.rsplit(' ').next().unwrap().parse().unwrap();
        all.push(serde_json::from_slice(&bytes[at + 4..at + 4 + length]).unwrap());
        bytes = &bytes[at + 4 + length..];
    }
    all
}

#[cfg(unix)]
#[test]
fn the_exit_code_and_stderr_are_leans_and_nothing_is_added() {
    let mut child = serve("serve-exit", &["sh", "-c", "printf 'from Lean\\377' >&2; cat; exit 7"]);
    let sent = message(json!({"jsonrpc": "2.0", "method": "$/x", "params": {"n": 1.5}}));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&sent).unwrap();
    drop(stdin);
    let output = end(child);
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(output.stdout, sent);
    assert_eq!(output.stderr, b"from Lean\xff");
}

#[cfg(unix)]
#[test]
fn when_lean_dies_the_editor_sees_the_server_end() {
    let child = serve("serve-killed", &["sh", "-c", "kill -9 $$"]);
    // The editor's side stays open: only Lean's end can end this.
    let output = end(child);
    assert_eq!(output.status.code(), Some(137));
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
}

/// Node gives its children sockets, which others may hold too: they must not be made non-blocking.
#[cfg(unix)]
#[test]
fn sockets_serve_as_well_as_pipes_and_files() {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    let large = message(json!({"jsonrpc": "2.0", "method": "$/x", "params": "λ".repeat(1 << 20)}));
    let (mut near, far) = UnixStream::pair().unwrap();
    let mut command = command("serve-sockets", &["cat"]);
    let (stdin, stdout): (OwnedFd, OwnedFd) =
        (far.try_clone().unwrap().into(), far.try_clone().unwrap().into());
    let mut child = command.stdin(stdin).stdout(stdout).stderr(Stdio::null()).spawn().unwrap();
    drop(command);
    let mut writer = near.try_clone().unwrap();
    let sent = large.clone();
    let writing = std::thread::spawn(move || writer.write_all(&sent));
    let mut got = vec![0; large.len()];
    near.read_exact(&mut got).unwrap();
    writing.join().unwrap().unwrap();
    assert!(got == large, "the message came back changed");
    drop(far);
    near.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));

    // A file has neither readiness nor an end that is waited for.
    let folder = support::scratch("serve-files");
    std::fs::write(folder.join("in"), &large).unwrap();
    let stdout = std::fs::File::create(folder.join("out")).unwrap();
    let mut command = self::command("serve-file", &["cat"]);
    command.stdin(std::fs::File::open(folder.join("in")).unwrap()).stdout(stdout).stderr(Stdio::null());
    assert!(command.status().unwrap().success());
    assert!(std::fs::read(folder.join("out")).unwrap() == large);
}

#[cfg(unix)]
#[test]
fn a_signal_takes_lean_and_its_children_along() {
    let mut child = serve("serve-signal", &["sh", "-c", "sleep 1000 & echo $! $$; wait"]);
    let mut stdout = child.stdout.take().unwrap();
    let mut text = String::new();
    while !text.ends_with('\n') {
        let mut byte = [0];
        stdout.read_exact(&mut byte).unwrap();
        text.push(byte[0].into());
    }
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = end(child);
    assert_eq!(output.status.code(), Some(143));
    let alive = |pid: &str| {
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
        // A zombie that nobody has waited for yet is dead.
        !stat.is_empty() && !stat.contains(") Z ")
    };
    let started = Instant::now();
    while text.split_whitespace().any(alive) {
        assert!(started.elapsed() < Duration::from_secs(10), "a child lives on: {text}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn without_lean_initialize_is_answered_and_the_remedy_shown_once() {
    let mut child = serve("serve-missing", &["/nowhere/lean", "--server"]);
    let mut stdin = child.stdin.take().unwrap();
    let document = json!({"uri": "file:///A.lean", "languageId": "lean4", "version": 1, "text": "x"});
    for body in [
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}}),
        json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}),
        json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}),
        json!({"jsonrpc": "2.0", "id": 1, "method": "textDocument/hover", "params":
            {"textDocument": {"uri": "file:///A.lean"}, "position": {"line": 0, "character": 0}}}),
        json!({"jsonrpc": "2.0", "id": 2, "method": "shutdown"}),
        json!({"jsonrpc": "2.0", "method": "exit"}),
    ] {
        stdin.write_all(&message(body)).unwrap();
    }
    let output = end(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let all = bodies(&output.stdout);
    let answer = |id: u64| all.iter().find(|m| m["id"] == id && m.get("method").is_none()).unwrap();
    assert!(answer(0)["result"]["capabilities"]["experimental"]["leanCopilot"].is_object());
    assert_eq!(answer(1)["error"]["code"], -32601);
    assert!(answer(2)["result"].is_null());
    let shown: Vec<&Value> = all.iter().filter(|m| m["method"] == "window/showMessage").collect();
    assert_eq!(shown.len(), 1, "{all:?}");
    let text = shown[0]["params"]["message"].as_str().unwrap();
    assert!(text.contains("/nowhere/lean") && text.contains("lean-copilot serve -- COMMAND"), "{text}");
}
