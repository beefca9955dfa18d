//! Faults of the second server: killed, hanging, flooding. The editor's session goes on, suggestions come
//! back, and the person is told.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::editor::{Editor, LONG, Setup};
use crate::support::processes::{self, wait_until};
use crate::support::{scratch, server_command};

const URI: &str = "file:///Second.lean";

/// Another name each time: what was answered before is not asked of Lean again.
fn text(name: &str) -> String {
    format!("theorem {name} (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  sorry\n")
}

fn works(editor: &mut Editor, version: i32, name: &str) {
    editor.replace(URI, version, &text(name));
    let answer = editor.suggest(URI, 1, 2);
    assert_eq!(answer["suggestions"][0]["verdict"]["completes"], true, "{name}: {answer:#}");
}

/// The editor's own Lean answers, whatever happens to the second.
fn lean_answers(editor: &mut Editor, version: i32) {
    let said = editor.diagnostics(URI, version);
    assert!(said.iter().any(|d| d["message"].as_str().unwrap().contains("sorry")), "{said:?}");
}

#[test]
fn a_second_server_that_is_killed_or_hangs_comes_back_and_it_is_told() {
    let settings = json!({"auto_suggest": false, "lean_search": false});
    let mut editor = Editor::start("second-server", Setup { settings, ..Setup::default() });
    editor.open(URI, &text("before"));
    works(&mut editor, 2, "warm");
    assert_eq!(editor.shown(), Vec::<String>::new());

    // Its process for the document, as when memory runs out.
    let second = editor.mark.second().expect("the second server runs");
    for worker in editor.mark.below(&second) {
        worker.signal(Signal::KILL);
    }
    works(&mut editor, 3, "after_its_worker");

    assert!(second.signal(Signal::KILL));
    works(&mut editor, 4, "after_itself");
    let replaced = editor.mark.second().expect("another one runs");
    assert_ne!(replaced.pid, second.pid);

    // Hanging: the server itself, then only its process for the document.
    assert!(replaced.signal(Signal::STOP));
    let started = Instant::now();
    let version = 5;
    editor.replace(URI, version, &text("hanging"));
    lean_answers(&mut editor, version);
    works(&mut editor, 6, "after_a_hang");
    println!("suggestions came back {:.1} s after the second server hung", started.elapsed().as_secs_f64());
    wait_until(LONG, "the hanging one is gone", || !replaced.lives());
    let second = editor.mark.second().expect("another one runs");
    let stopped: Vec<_> = editor.mark.below(&second).into_iter().filter(|w| w.signal(Signal::STOP)).collect();
    assert!(!stopped.is_empty());
    works(&mut editor, 7, "after_a_hanging_worker");

    let told = |m: &Value| m["method"] == "window/showMessage";
    editor.wait(0, LONG, "word that it was started again", told);
    let shown = editor.shown();
    assert!(shown.len() == 1 && shown[0].contains("started again"), "one message for the cause: {shown:?}");
    editor.end();
}

#[test]
fn a_second_server_that_floods_harms_nobody_and_is_replaced() {
    // The first time that the second server is started it floods both its outputs.
    let folder = scratch("second-floods");
    let (first_time, floods) = (folder.join("flood"), folder.join("floods"));
    std::fs::write(&first_time, "").unwrap();
    let lean = server_command(&[], &folder);
    let flood = "const { frame, reader } = require(process.env.RPC);
        reader(process.stdin, m => { if (m.method === 'initialize') {
            process.stdout.write(frame({ id: m.id, result: { capabilities: {} } })); more(); } });
        process.stdin.on('end', () => process.exit(0));
        const at = { line: 0, character: 0 }, diagnostics = Array(200).fill(
            { range: { start: at, end: at }, severity: 3, message: 'x'.repeat(400) });
        let sent = 0;
        function more() {
            if (++sent === 20) require('fs').writeFileSync(process.env.FLOODS, '');
            process.stderr.write(Buffer.alloc(65536, 'e'));
            const params = { uri: process.env.URI, version: 1, isIncremental: true, diagnostics };
            if (process.stdout.write(frame({ method: 'textDocument/publishDiagnostics', params }))) setImmediate(more);
            else process.stdout.once('drain', more);
        }";
    let script = format!(
        "for a in \"$@\"; do case $a in *reportDelayMs*) \
         if rm '{}' 2>/dev/null; then exec \"$1\" -e \"$FLOOD\"; fi;; esac; done; exec \"$@\"",
        first_time.display()
    );
    let command: Vec<OsString> = [
        vec!["sh".into(), "-c".into(), script.into(), "lean".into(), lean.program.clone().into_os_string()],
        lean.args.clone(),
        vec!["--server".into()],
    ]
    .concat();
    let rpc = crate::support::root().join("runtime/lean/rpc.js");
    let mut env = lean.env.clone();
    env.extend([
        ("FLOOD".into(), flood.into()),
        ("RPC".into(), rpc.into_os_string()),
        ("FLOODS".into(), floods.clone().into_os_string()),
        ("URI".into(), URI.into()),
        // Which of the two servers floods is agreed on by a file that a confined one could not write.
        ("LEAN_COPILOT_SANDBOX".into(), "false".into()),
    ]);
    let settings = json!({"auto_suggest": false, "lean_search": false});
    let permit = crate::support::permits_blocking(1);
    let mut editor =
        Editor::start("second-floods", Setup { knows_us: true, settings, command, env, ..Setup::default() });
    editor.open(URI, &text("flooded"));
    editor.diagnostics(URI, 1);
    let asked = {
        let mut place = crate::support::editor::at(URI, 1, 2);
        place["wait_ms"] = json!(LONG.as_millis() as u64);
        editor.request("$/leanCopilot/suggest", place)
    };
    wait_until(LONG, "the flood runs", || floods.exists());
    let before = processes::memory(editor.pid());
    // While it floods, the editor's Lean is as quick as ever.
    let started = Instant::now();
    for version in 2..12 {
        editor.replace(URI, version, &text("flooded"));
    }
    lean_answers(&mut editor, 11);
    println!("ten edits during the flood took {:?}", started.elapsed());
    assert_eq!(editor.answer(asked, LONG)["error"]["code"], -32801, "the question was about an older text");
    let started = Instant::now();
    works(&mut editor, 12, "after_the_flood");
    println!("suggestions came back after {:?}", started.elapsed());
    let grown = processes::memory(editor.pid()).saturating_sub(before) >> 20;
    println!("`serve` grew by {grown} MB");
    assert!(grown < 150, "`serve` grew by {grown} MB");
    let told = |m: &Value| m["params"]["message"].as_str().is_some_and(|t| t.contains("started again"));
    editor.wait(0, Duration::from_secs(20), "word that it was replaced", told);
    drop(permit);
}
