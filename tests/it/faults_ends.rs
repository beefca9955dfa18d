//! However a session ends, no process of it lives on: neither ours nor, where they would not without us,
//! Lean's. Each end comes while the second server is busy with a tactic that does not end.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::editor::{Editor, LONG, LOOPING, Setup, at};
use crate::support::processes::{Mark, Process, wait_until};

const URI: &str = "file:///Ends.lean";

/// A session whose second server loops.
fn looping(name: &str) -> Editor {
    let settings = json!({"auto_suggest": false, "lean_search": false});
    let env = vec![("LEAN_COPILOT_VERIFY_TIMEOUT_MS".into(), "100000".into())];
    let mut editor = Editor::start(name, Setup { knows_us: true, settings, env, ..Setup::default() });
    editor.open(URI, LOOPING);
    editor.diagnostics(URI, 1);
    let mut place = at(URI, LOOPING.lines().count() as u32 - 1, 2);
    place["wait_ms"] = json!(1_000_000);
    editor.request("$/leanCopilot/suggest", place);
    // Its process uses the processor and nothing is left to wait for.
    let checking = |m: &Value| m["method"] == "$/leanCopilot/status" && m["params"]["state"] == "checking";
    editor.wait(0, LONG, "the status `checking`", checking);
    wait_until(LONG, "the second server is busy", || busy(&editor.mark));
    editor
}

/// Whether a process of the second server has used the processor all the time for a while.
fn busy(mark: &Mark) -> bool {
    let Some(second) = mark.second() else { return false };
    let workers = mark.below(&second);
    let before: Vec<u64> = workers.iter().map(Process::ticks).collect();
    std::thread::sleep(Duration::from_millis(500));
    // A tick is 10 ms; the machine may be busy with other things.
    workers.iter().zip(before).any(|(p, before)| p.ticks() >= before + 5)
}

fn all_end(mark: &Mark, how: &str) {
    let started = Instant::now();
    wait_until(Duration::from_secs(45), &format!("all have ended after {how}"), || {
        mark.processes().is_empty()
    });
    println!("{how}: all ended within {:.1} s", started.elapsed().as_secs_f64());
}

#[test]
fn complaint_10_no_orphans_when_the_proxy_is_killed_while_lean_is_busy() {
    let editor = looping("end-sigkill");
    let mark = editor.mark.clone();
    let processes = mark.processes();
    assert!(processes.len() >= 5, "two servers with their processes: {processes:#?}");
    let proxy = processes.iter().find(|p| p.pid == editor.pid() as i32).unwrap();
    assert!(proxy.signal(Signal::KILL));
    all_end(&mark, "SIGKILL");
    let (code, stderr) = editor.ended(LONG);
    assert_eq!((code, stderr.as_str()), (137, ""));
}

#[test]
fn nothing_lives_on_when_the_editor_hangs_up_while_lean_is_busy() {
    let editor = looping("end-stdin");
    let mark = editor.mark.clone();
    editor.hang_up();
    all_end(&mark, "the end of standard input");
    assert_eq!(editor.ended(LONG).1, "");
}

#[test]
fn nothing_lives_on_after_a_signal_or_exit_even_if_the_servers_are_stopped() {
    let mut editor = looping("end-signals");
    let mark = editor.mark.clone();
    // One that is stopped neither sees its input end nor a signal other than SIGKILL.
    for p in mark.second().iter().flat_map(|s| mark.below(s)).chain(mark.second()) {
        assert!(p.signal(Signal::STOP));
    }
    editor.notify("exit", json!({}));
    all_end(&mark, "`exit`, the second server stopped");
    assert_eq!(editor.ended(LONG).1, "");
    // The signals need no Lean that is busy: each ends a session of its own.
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        editor = Editor::start("end-signal", Setup { command: fake(), ..Setup::default() });
        let mark = editor.mark.clone();
        let proxy = mark.processes().into_iter().find(|p| p.pid == editor.pid() as i32).unwrap();
        for p in mark.processes().iter().filter(|p| p.pid != proxy.pid) {
            assert!(p.signal(Signal::STOP));
        }
        assert!(proxy.signal(signal));
        all_end(&mark, &format!("{signal:?}, Lean stopped"));
        assert_eq!(editor.ended(LONG).0, 128 + signal.as_raw());
    }
}

fn fake() -> Vec<std::ffi::OsString> {
    let script = crate::support::root().join("tests/it/support/fake_lean.js");
    vec![crate::support::lean().server(&[]).program.into(), script.into(), "--server".into()]
}

#[test]
fn nothing_lives_on_when_the_editor_itself_is_killed() {
    use std::process::Command;
    // The editor: a shell that starts `serve` with pipes of its own, and is killed.
    let folder = crate::support::scratch("end-editor");
    let mark = Mark::new();
    let (key, value) = mark.variable();
    let greeting = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}});
    let frame = lean_copilot::lsp::codec::Frame::from_body(greeting.to_string());
    let ours = crate::support::editor::program(&folder);
    let mut shell = Command::new("bash");
    shell.args(["-c", r#"coproc S { exec "$@"; }; printf %s "$GREETING" >&"${S[1]}"; wait"#, "editor"]);
    shell.arg(env!("CARGO_BIN_EXE_lean-copilot")).args(["serve", "--"]).args(fake());
    shell.envs(ours.get_envs().filter_map(|(k, v)| Some((k, v?)))).env(key, value).current_dir(&folder);
    shell.env("GREETING", std::str::from_utf8(frame.raw()).unwrap());
    let mut editor = shell.spawn().unwrap();
    wait_until(LONG, "the session runs", || {
        let all = mark.processes();
        all.iter().any(Process::is_ours)
            && all.iter().any(|p| p.words.contains("fake_lean.js") && p.program == "node")
    });
    editor.kill().unwrap();
    editor.wait().unwrap();
    all_end(&mark, "SIGKILL of the editor");
}
