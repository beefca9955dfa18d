//! Faults of the user's Lean: killed, hanging, flooding, its process for a document dead. A server of the
//! test's own shows what the real one cannot be made to show.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::editor::{Editor, LONG, Setup};
use crate::support::processes::{self, Process};
use crate::support::{lean, root};

const URI: &str = "file:///A.lean";

/// `serve` in front of the server that misbehaves.
fn with_fake(name: &str, knows_us: bool, settings: Value) -> Editor {
    let script = root().join("tests/it/support/fake_lean.js");
    let node: OsString = lean().server(&[]).program.into();
    let command = vec![node, script.into(), "--server".into()];
    Editor::start(name, Setup { knows_us, settings, command, ..Setup::default() })
}

fn fake(editor: &Editor) -> Process {
    let is_it = |p: &Process| p.words.contains("fake_lean.js") && !p.is_ours();
    editor.mark.processes().into_iter().find(is_it).expect("the server runs")
}

#[test]
fn a_lean_that_hangs_is_told_and_holds_up_nothing_of_ours() {
    for knows_us in [true, false] {
        let mut editor = with_fake("lean-hangs", knows_us, json!({"lean_silence_s": 1}));
        editor.open(URI, "x");
        assert_eq!(editor.ask("test/echo", json!({"n": 1})), json!({"n": 1}));
        let server = fake(&editor);
        assert!(server.signal(Signal::STOP));
        let hanging: Vec<u64> = (2..5).map(|n| editor.request("test/echo", json!({"n": n}))).collect();
        let what_is_ours = editor.ask("$/leanCopilot/feedback", json!({"kind": "stats"}));
        assert_eq!(what_is_ours["rounds"], 0, "{what_is_ours}");
        let from = editor.received();
        let told = |m: &Value| match knows_us {
            true => m["method"] == "$/leanCopilot/status" && m["params"]["state"] == "degraded",
            false => m["method"] == "window/showMessage" && m["params"]["type"] == 2,
        };
        let message = editor.wait(from, LONG, "word that Lean hangs", told)["params"]["message"].to_string();
        assert!(message.contains("does not answer"), "{message}");
        assert!(server.signal(Signal::CONT));
        for (id, n) in hanging.into_iter().zip(2..5) {
            assert_eq!(editor.answer(id, LONG)["result"], json!({"n": n}), "nothing was lost");
        }
        if knows_us {
            let well = |m: &Value| m["method"] == "$/leanCopilot/status" && m["params"]["state"] == "ready";
            editor.wait(from, LONG, "word that Lean is back", well);
        } else {
            assert_eq!(editor.shown().len(), 1, "one message for the cause: {:?}", editor.shown());
        }
        // A Lean that only has nothing to say is asked, answers, and nobody hears of it.
        editor.notify("$/test/nothing", json!({}));
        let from = editor.received();
        // (That the policy is loaded by now may be said: all is well.)
        let ill = |m: &Value| m["params"]["state"] != "ready";
        let heard = editor.find(from, Duration::from_millis(2600), ill);
        assert!(heard.is_none(), "{heard:?}");
        editor.end();
    }
}

#[test]
fn a_lean_that_is_killed_ends_the_session_as_it_would_without_us() {
    let mut editor = with_fake("lean-killed", true, json!({}));
    let pending = editor.request("test/echo", json!({}));
    editor.answer(pending, LONG);
    editor.notify("$/test/die", json!({"signal": "SIGKILL"}));
    let mark = editor.mark.clone();
    let (code, stderr) = editor.ended(Duration::from_secs(30));
    assert_eq!((code, stderr.as_str()), (137, ""), "the code is Lean's");
    assert!(mark.processes().is_empty());
}

#[test]
fn a_flood_from_lean_arrives_whole_in_order_and_takes_no_memory() {
    let mut editor = with_fake("lean-floods", true, json!({}));
    editor.ask("test/echo", json!({}));
    let before = processes::memory(editor.pid());
    let (messages, bytes) = (4000u64, 64 * 1024);
    editor.notify("$/test/flood", json!({"messages": messages, "bytes": bytes, "stderr": 64 << 20}));
    // In the middle of it, what is ours is answered.
    let started = Instant::now();
    editor.ask("$/leanCopilot/feedback", json!({"kind": "stats"}));
    let took = started.elapsed();
    editor.wait(0, LONG, "the end of the flood", |m| m["method"] == "$/test/flooded");
    let all = editor.messages(0);
    let seen: Vec<u64> = all
        .iter()
        .filter(|m| m["method"] == "$/test/flood")
        .filter_map(|m| m["params"]["n"].as_u64())
        .collect();
    assert!(seen.iter().copied().eq(0..messages), "{} of {messages} messages, in order", seen.len());
    let grown = processes::memory(editor.pid()).saturating_sub(before) >> 20;
    println!(
        "a flood of {} MB: `serve` grew by {grown} MB; an answer of ours took {took:?}",
        (messages * bytes) >> 20
    );
    assert!(grown < 100, "`serve` grew by {grown} MB");
    editor.ask("test/echo", json!({}));
    let (code, stderr) = {
        editor.hang_up();
        editor.ended(LONG)
    };
    assert_eq!(code, 0);
    assert!(stderr.len() == 1 << 20 && stderr.bytes().all(|b| b == b'e'), "Lean's noise, and no other");
}
