//! Faults of the policy and the store in a running `serve`: a disk that does not answer, a file that may not
//! grow. (What cannot be caused from outside, a panic or a thread that hangs for good, the units test.) And
//! two editors on one project.

use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::{Pid, Resource, getrlimit, prlimit};
use serde_json::{Value, json};

use crate::support::editor::{Editor, LONG, Setup};
use crate::support::{lean, root, scratch};

const URI: &str = "file:///Parts.lean";

/// A server that only echoes: Lean is not the subject.
fn command() -> Vec<std::ffi::OsString> {
    let script = root().join("tests/it/support/fake_lean.js");
    vec![lean().server(&[]).program.into(), script.into(), "--server".into()]
}

fn echoes(editor: &mut Editor) {
    assert_eq!(editor.ask("test/echo", json!({"n": 1})), json!({"n": 1}));
}

fn status(is_it: impl Fn(&Value) -> bool) -> impl Fn(&Value) -> bool {
    move |m| m["method"] == "$/leanCopilot/status" && is_it(&m["params"])
}

#[test]
fn a_policy_that_waits_for_its_disk_holds_up_nothing_and_comes_back() {
    // A bundle with a file that is a pipe which nobody writes to: whoever opens it waits.
    let folder = scratch("policy-blocked");
    let bundle = folder.join("bundle");
    std::fs::create_dir(&bundle).unwrap();
    for entry in std::fs::read_dir(root().join("models/core-small")).unwrap().flatten() {
        std::fs::copy(entry.path(), bundle.join(entry.file_name())).unwrap();
    }
    let (config, whole, pipe) = (bundle.join("config.json"), folder.join("config.json"), folder.join("pipe"));
    std::fs::rename(&config, &whole).unwrap();
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    std::fs::hard_link(&pipe, &config).unwrap();

    let settings = json!({"bundle": bundle, "device": "cpu"});
    let mut editor =
        Editor::start("policy", Setup { knows_us: true, settings, command: command(), ..Setup::default() });
    editor.open(URI, "x");
    std::thread::sleep(Duration::from_millis(500));
    echoes(&mut editor);
    assert_eq!(editor.ask("$/leanCopilot/feedback", json!({"kind": "stats"}))["rounds"], 0);
    let started = Instant::now();
    echoes(&mut editor);
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());

    // The disk answers, with rubbish at first: that is told, with what mends it.
    let from = editor.received();
    drop(std::fs::OpenOptions::new().write(true).open(&pipe).unwrap());
    let told = editor.wait(from, LONG, "word of the broken bundle", status(|s| s["state"] == "degraded"));
    let words = told["params"]["message"].as_str().unwrap();
    assert!(words.contains("config.json") && told["params"]["remedy"].is_string(), "{told}");
    // Mended: the next file that is opened loads it.
    std::fs::rename(&whole, &config).unwrap();
    let from = editor.received();
    editor.open("file:///Next.lean", "x");
    let well = |s: &Value| s["state"] == "ready" && s["bundle"].as_str().is_some_and(|b| b.contains('@'));
    editor.wait(from, LONG, "the bundle", status(well));
    editor.end();
}

#[test]
fn a_store_that_may_not_grow_is_told_once_and_writes_again_when_it_may() {
    for knows_us in [true, false] {
        // 4 KiB hold no database. (The signal that comes with it ends a process by default.)
        let setup = Setup { knows_us, command: command(), largest_file: Some(4), ..Setup::default() };
        let mut editor = Editor::start("store-full", setup);
        editor.open(URI, "x");
        let told = |m: &Value| match knows_us {
            true => status(|s| s["state"] == "degraded")(m),
            false => m["method"] == "window/showMessage",
        };
        let words = editor.wait(0, LONG, "word of the store", told)["params"]["message"].to_string();
        assert!(words.contains("recording pauses"), "{words}");
        let refused = editor.request("$/leanCopilot/feedback", json!({"kind": "stats"}));
        assert!(editor.answer(refused, LONG)["error"]["message"].is_string());
        echoes(&mut editor);

        let serve = Pid::from_raw(editor.pid() as i32);
        prlimit(serve, Resource::Fsize, getrlimit(Resource::Fsize)).expect("the limit is lifted");
        let until = Instant::now() + LONG;
        loop {
            let id = editor.request("$/leanCopilot/feedback", json!({"kind": "stats"}));
            if editor.answer(id, LONG)["result"]["rounds"] == 0 {
                break;
            }
            assert!(Instant::now() < until, "the store does not come back");
            std::thread::sleep(Duration::from_millis(200));
        }
        if knows_us {
            editor.wait(
                editor.received().saturating_sub(3),
                LONG,
                "word that it is over",
                status(|s| s["state"] == "ready"),
            );
        } else {
            assert_eq!(editor.shown().len(), 1, "{:?}", editor.shown());
        }
        echoes(&mut editor);
        editor.end();
    }
}

#[test]
fn two_editors_on_one_project_record_into_one_store() {
    let (home, text) = (scratch("two-editors"), |n: u8| {
        format!("theorem two{n} (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  sorry\n")
    });
    let settings = json!({"auto_suggest": false, "lean_search": false});
    let _permits = crate::support::permits_blocking(2);
    let one = || Setup {
        knows_us: true,
        settings: settings.clone(),
        home: Some(home.clone()),
        permitted: true,
        ..Setup::default()
    };
    let mut first = Editor::start("editor-1", one());
    let mut second = Editor::start("editor-2", one());
    let before = (first.mark.processes().len(), second.mark.processes().len());
    assert!(before.0 > 1 && before.1 > 1);
    let mut asked = Vec::new();
    for (n, editor) in [(1, &mut first), (2, &mut second)] {
        editor.open(URI, &text(n));
        let mut place = crate::support::editor::at(URI, 1, 2);
        place["wait_ms"] = json!(LONG.as_millis() as u64);
        asked.push(editor.request("$/leanCopilot/suggest", place));
    }
    for (id, editor) in asked.into_iter().zip([&mut first, &mut second]) {
        let answer = editor.answer(id, LONG);
        assert_eq!(answer["result"]["suggestions"][0]["verdict"]["completes"], true, "{answer:#}");
    }
    // Each reads what both have written.
    for editor in [&mut first, &mut second] {
        let until = Instant::now() + LONG;
        while editor.ask("$/leanCopilot/feedback", json!({"kind": "stats"}))["rounds"] != 2 {
            assert!(Instant::now() < until, "both rounds are in the store");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    // The end of one is not the end of the other's.
    first.end();
    let answer = second.suggest(URI, 1, 2);
    assert_eq!(answer["suggestions"][0]["verdict"]["completes"], true, "{answer:#}");
    second.end();
}
