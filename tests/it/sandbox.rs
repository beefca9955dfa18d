//! The sandbox of the second server: what a tactic cannot do there, and that the user's own server can.
#![cfg(target_os = "linux")]

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use lean_copilot::config::Settings;
use lean_copilot::lean::sandbox::{Feature, Limits, support};
use lean_copilot::lean::{LeanCommand, ServerProcess};
use lean_copilot::lsp::position;
use lean_copilot::proof::{Verdict, VerdictKind};
use lean_copilot::verify::{Filter, Place, VerifierHandle};
use tokio::io::AsyncReadExt as _;

use crate::support::{self, Server};

fn works(feature: Feature) -> bool {
    let all = support();
    assert_eq!(all.len(), 3);
    let found = all.iter().find(|s| s.feature == feature).expect("every feature is reported");
    assert!(!found.detail.is_empty());
    if !found.works {
        eprintln!("not tested here: {}", found.detail);
    }
    found.works
}

/// What the temporary directories of second servers are called.
fn temporary_directories() -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten().map(|e| e.path());
    entries.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with("lean-copilot-lean-")).collect()
}

async fn try_all(settings: &Settings, cwd: &Path, tactics: &[String]) -> (Vec<Verdict>, VerifierHandle) {
    let command = tokio::task::block_in_place(|| support::server_command(&[], cwd));
    let verifier = VerifierHandle::spawn(command, settings);
    let text = "import Lean\ntheorem t (p : Prop) (hp : p) : p := by\n  sorry\n";
    let position = position::position(text, text.find("sorry").unwrap());
    let place = Place { uri: "file:///sandbox/A.lean".into(), version: 1, text: text.into(), position };
    let mut answers = verifier.verify(&place, tactics.to_vec(), Filter::Off);
    let mut out = vec![None; tactics.len()];
    while let Some((i, v)) = answers.recv().await {
        out[i] = Some(v);
    }
    let out = out.into_iter().map(|v| v.unwrap_or_else(|| panic!("{:?}", verifier.status()))).collect();
    (out, verifier)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tactic_writes_only_where_it_may() {
    if !works(Feature::Files) {
        return;
    }
    let folder = support::scratch("sandboxed");
    std::fs::create_dir(folder.join(".lake")).unwrap();
    std::fs::write(folder.join("kept.txt"), "kept").unwrap();
    std::fs::write(folder.join("lakefile.toml"), "name = \"x\"\n").unwrap();
    let _permit = support::permit().await;
    let shown = folder.display();
    let run = |code: String| format!("run_tac {code}\nexact hp");
    let tactics = [
        run(format!("IO.FS.writeFile \"{shown}/outside.txt\" \"x\"")),
        run(format!("IO.FS.removeFile \"{shown}/kept.txt\"")),
        run(format!("IO.FS.createDir \"{shown}/folder\"")),
        run("IO.FS.writeFile \"/tmp/lean-copilot-outside.txt\" \"x\"".into()),
        run(format!("do\n  let text ← IO.FS.readFile \"{shown}/kept.txt\"\n  unless text == \"kept\" do throwError text")),
        run(format!("IO.FS.writeFile \"{shown}/.lake/inside.txt\" \"x\"")),
        run("do\n  let some dir ← IO.getEnv \"TMPDIR\" | throwError \"none\"\n  IO.FS.writeFile (dir ++ \"/x\") \"x\"\n  unless (← IO.FS.readFile (dir ++ \"/x\")) == \"x\" do throwError \"lost\"".into()),
    ];
    let settings = Settings { verify_timeout_ms: 30_000, ..Settings::default() };
    let (v, verifier) = try_all(&settings, &folder, &tactics).await;
    for (i, v) in v[..4].iter().enumerate() {
        assert_eq!(v.kind, VerdictKind::Error, "{}: {v:?}", tactics[i]);
        let message = v.message.as_deref().unwrap_or("").to_lowercase();
        assert!(message.contains("permission denied"), "{message}");
    }
    for (i, v) in v[4..].iter().enumerate() {
        assert!(v.completes, "{}: {v:?}", tactics[4 + i]);
    }
    assert!(folder.join("kept.txt").is_file() && folder.join(".lake/inside.txt").is_file());
    for absent in ["outside.txt", "folder"] {
        assert!(!folder.join(absent).exists(), "{absent}");
    }
    // Its own directory goes with it.
    let own: Vec<_> = temporary_directories().into_iter().filter(|d| d.join("x").is_file()).collect();
    assert!(!own.is_empty(), "the directory is a temporary one");
    drop(verifier);
    for _ in 0..100 {
        if own.iter().all(|d| !d.exists()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("still there: {own:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_users_own_server_is_not_confined() {
    let folder = support::scratch("unconfined");
    let server = Server::start_in(&[], &folder).await;
    let file = folder.join("written.txt");
    let uri = "file:///unconfined/A.lean";
    server.client.open(uri, 1, &format!("#eval IO.FS.writeFile \"{}\" \"x\"\n", file.display())).unwrap();
    let said = server.client.barrier(uri, 1, Duration::from_secs(120)).await.unwrap();
    assert!(file.is_file(), "{said:?}");
}

/// What a command prints when it is confined, or not.
async fn output(program: &str, args: &[&str], limits: Option<Limits>) -> String {
    let words = std::iter::once(program).chain(args.iter().copied()).map(OsString::from).collect();
    let command = LeanCommand::from_words(words, support::scratch("confined")).unwrap();
    let command = LeanCommand { confined: limits, ..command };
    let mut process = ServerProcess::spawn(&command).expect("it starts");
    drop(process.stdin.take());
    let (mut out, mut text) = (process.stdout.take().unwrap(), String::new());
    tokio::time::timeout(Duration::from_secs(60), out.read_to_string(&mut text)).await.unwrap().unwrap();
    text.trim().to_owned()
}

#[tokio::test]
async fn no_socket_leads_out() {
    if !works(Feature::Network) {
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // A child of the confined process tries; a local socket between processes still works.
    let script = format!(
        "import socket, subprocess, sys\n\
         a, b = socket.socketpair(); a.send(b'local'); print(b.recv(5).decode())\n\
         code = '''\nimport socket\nfor family in (socket.AF_INET, socket.AF_INET6, 17):\n  try:\n    \
         s = socket.socket(family, socket.SOCK_STREAM)\n    \
         s.connect((\"127.0.0.1\", {port})); print(\"connected\")\n  \
         except OSError as e: print(e.errno)\n'''\n\
         subprocess.run([sys.executable, '-c', code])\n"
    );
    let free = output("python3", &["-c", &script], None).await;
    assert!(free.contains("connected"), "{free}");
    let confined = output("python3", &["-c", &script], Some(Limits::default())).await;
    assert_eq!(confined.matches("13").count(), 3, "{confined}");
    assert!(confined.contains("local") && !confined.contains("connected"), "{confined}");
    drop(listener);
}

#[tokio::test]
async fn a_native_process_cannot_take_all_memory() {
    if !works(Feature::Memory) {
        return;
    }
    let script = "\ntry:\n  x = bytearray(1 << 30); print('taken')\nexcept MemoryError: print('refused')\n";
    for (memory, said) in [(Some(256 << 20), "refused"), (None, "taken")] {
        assert_eq!(output("python3", &["-c", script], Some(Limits { memory })).await, said);
    }
}

#[tokio::test]
async fn what_a_killed_process_left_behind_is_removed() {
    let left = std::env::temp_dir().join(format!("lean-copilot-lean-left-{}", std::process::id()));
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("in-use"), "").unwrap();
    assert_eq!(output("echo", &["up"], Some(Limits::default())).await, "up");
    assert!(!left.exists());
}
