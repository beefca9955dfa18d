//! What people complained about in tools of this kind; each has a test that bears its number and name.
//! Most share one session, for starting Lean is what costs; so do a few tests of the same kind.
//!
//! Number 10, no orphans, is in `faults_ends`; 6 has its corpus in `verdicts`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::editor::{Editor, LONG, LOOPING, Setup, at};
use crate::support::processes::wait_until;

/// Seconds without work after which the second server stops.
const IDLE_S: u64 = 5;

/// Runs a test in a session that those share which wait for it. Who finds nobody waiting ends it, so that it
/// keeps no leave to run a Lean from tests elsewhere, whichever of these are run and in whatever order; one
/// that fails in it takes it along, and the next begins another.
fn with_session(test: impl FnOnce(&mut Editor)) {
    static SESSION: Mutex<Option<Editor>> = Mutex::new(None);
    /// Those that use the session or wait for it.
    static USERS: AtomicUsize = AtomicUsize::new(0);
    struct User;
    impl Drop for User {
        fn drop(&mut self) {
            USERS.fetch_sub(1, Ordering::SeqCst);
        }
    }
    USERS.fetch_add(1, Ordering::SeqCst);
    let mut shared = SESSION.lock().unwrap_or_else(PoisonError::into_inner);
    // Dropped before the lock is, by a panic too.
    let user = User;
    let mut editor = shared.take().unwrap_or_else(|| {
        let settings = json!({"auto_suggest": false, "lean_search": false});
        // In the environment, as the verifier begins with it.
        let env = vec![("LEAN_COPILOT_IDLE_STOP_S".into(), IDLE_S.to_string().into())];
        Editor::start("complaints", Setup { knows_us: true, settings, env, ..Setup::default() })
    });
    test(&mut editor);
    drop(user);
    if USERS.load(Ordering::SeqCst) > 0 {
        *shared = Some(editor);
    } else {
        editor.end();
    }
}

fn text(name: &str) -> String {
    format!("theorem {name} (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  sorry\n")
}

fn close(editor: &Editor, uri: &str) {
    editor.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
}

/// The line of the hole.
fn hole(text: &str) -> u32 {
    text.lines().position(|l| l.trim() == "sorry").expect("a hole") as u32
}

/// Suggestions at the hole of a text; some proof must be found, and completes it.
fn proved(editor: &mut Editor, uri: &str, text: &str) -> Value {
    let answer = editor.suggest(uri, hole(text), 2);
    let found = answer["suggestions"].as_array().unwrap();
    assert!(found.iter().any(|s| s["verdict"]["completes"] == true), "{text}\n{answer:#}");
    answer
}

/// Asks for suggestions in [`LOOPING`], opened under this name, and waits until tactics are checked; the request and
/// what had been received before it.
fn search_that_does_not_end(editor: &mut Editor, uri: &str) -> (u64, usize) {
    let mut place = at(uri, hole(LOOPING), 2);
    place["wait_ms"] = json!(LONG.as_millis() as u64);
    let from = editor.received();
    let asked = editor.request("$/leanCopilot/suggest", place);
    let checking = |m: &Value| m["method"] == "$/leanCopilot/status" && m["params"]["state"] == "checking";
    editor.wait(from, LONG, "the status `checking`", checking);
    (asked, from)
}

#[test]
fn complaint_05_edit_during_search_neither_crashes_nor_blocks() {
    with_session(|editor| {
        let uri = "file:///EditDuringSearch.lean";
        editor.open(uri, LOOPING);
        editor.diagnostics(uri, 1);
        let (asked, _) = search_that_does_not_end(editor, uri);
        // The person types on, in the middle of it.
        let started = Instant::now();
        for version in 2..30 {
            editor.replace(uri, version, &LOOPING.replace("loops", &format!("loops{version}")));
        }
        editor.replace(uri, 30, &text("typed"));
        let error = editor.answer(asked, LONG)["error"].clone();
        let refused = started.elapsed();
        assert_eq!(error["code"], -32801, "what was asked of the old text is refused: {error}");
        let said = editor.diagnostics(uri, 30);
        let lean = started.elapsed();
        assert!(said[0]["message"].as_str().unwrap().contains("sorry"), "{said:?}");
        proved(editor, uri, &text("typed"));
        println!(
            "refused after {refused:?}, Lean's word after {lean:?}, suggestions after {:?}",
            started.elapsed()
        );
        assert!(refused < Duration::from_secs(10), "the question was refused only after {refused:?}");
        close(editor, uri);
    });
}

#[test]
fn complaint_06_no_false_success() {
    with_session(|editor| {
        // Two tactics that close any goal and prove nothing.
        let text = "macro_rules | `(tactic| rfl) => `(tactic| sorry)\n\
            macro_rules | `(tactic| trivial) => `(tactic| exact sorryAx _ false)\n\
            theorem no_false (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  suffices k : q ∧ p by exact k\n  sorry\n";
        let uri = "file:///FalseSuccess.lean";
        editor.open(uri, text);
        let answer = proved(editor, uri, text);
        for suggestion in answer["suggestions"].as_array().unwrap() {
            // What is shown is what the person's own Lean takes.
            let edit = &suggestion["edit"];
            let lines: Vec<&str> = text.lines().collect();
            let line = edit["range"]["start"]["line"].as_u64().unwrap() as usize;
            let tactic = format!("  {}", edit["newText"].as_str().unwrap().trim());
            let applied = [&lines[..line], &[tactic.as_str()]].concat();
            let version = editor.received() as i32 + 2;
            editor.replace(uri, version, &(applied.join("\n") + "\n"));
            let said = editor.diagnostics(uri, version);
            let bad = |d: &&Value| d["severity"] == 1 || d["message"].as_str().unwrap().contains("sorry");
            let bad: Vec<&Value> = said.iter().filter(bad).collect();
            let open = suggestion["verdict"]["completes"] == false;
            assert!(open || bad.is_empty(), "{}: {bad:?}", suggestion["tactic"]);
            assert_ne!(suggestion["tactic"], "rfl");
            assert_ne!(suggestion["tactic"], "trivial");
        }
        close(editor, uri);
    });
}

#[test]
fn complaint_07_no_stale_answers() {
    with_session(|editor| {
        let uri = "file:///Stale.lean";
        let first = text("old");
        editor.open(uri, &first);
        let old = proved(editor, uri, &first);
        let ids: Vec<Value> =
            old["suggestions"].as_array().unwrap().iter().map(|s| s["id"].clone()).collect();
        let ours = |actions: Vec<Value>| -> Vec<Value> {
            let id = |a: &Value| a["data"]["leanCopilot"].clone();
            actions.iter().map(id).filter(Value::is_string).collect()
        };
        assert!(ours(editor.actions(uri, 1, 2)).contains(&ids[0]), "they are offered while they hold");
        // Another goal in the same place: nothing that was found for the old one may come any more.
        let second = "theorem new (a b : Nat) (h : a < b) : b ≠ a := by\n  sorry\n";
        let from = editor.received();
        editor.replace(uri, 2, second);
        let after = ours(editor.actions(uri, 1, 2));
        assert!(after.iter().all(|id| !ids.contains(id)), "{after:?}");
        let inline = editor.ask("textDocument/inlineCompletion", at(uri, 1, 2));
        let new = proved(editor, uri, second);
        assert_eq!(new["goal"]["target"], "b ≠ a");
        let mut found: Vec<Value> = new["suggestions"].as_array().unwrap().clone();
        for message in editor.messages(from) {
            if message["method"] != "$/leanCopilot/suggestions"
                || message["params"]["textDocument"]["uri"] != uri
            {
                continue;
            }
            assert_eq!(message["params"]["version"], 2, "{message:#}");
            found.extend(message["params"]["suggestions"].as_array().unwrap().iter().cloned());
        }
        // What is shown as ghost text by then was found for the new goal.
        for item in inline["items"].as_array().unwrap() {
            let text = item["insertText"].as_str().unwrap().trim();
            let is_it = |s: &Value| s["edit"]["newText"].as_str().is_some_and(|t| t.trim() == text);
            assert!(found.iter().any(is_it), "{inline} is none of {found:#?}");
        }
        close(editor, uri);
    });
}

#[test]
fn complaint_08_import_edits_do_not_hang() {
    with_session(|editor| {
        let uri = "file:///Imports.lean";
        let body = text("imports");
        editor.open(uri, &body);
        proved(editor, uri, &body);
        let mut times = Vec::new();
        for (version, header) in [
            (2, "import Std.Data.HashMap\n"),
            (3, "import Std.Data.NoSuchModule\n"),
            (4, "import Init.Data.List.Basic\n"),
        ] {
            let text = format!("{header}{body}");
            let started = Instant::now();
            editor.replace(uri, version, &text);
            let said = editor.diagnostics(uri, version);
            let broken = said.iter().any(|d| d["severity"] == 1);
            assert_eq!(broken, version == 3, "{header}: {said:?}");
            if broken {
                let answer = editor.suggest(uri, hole(&text), 2);
                assert!(answer["suggestions"].as_array().unwrap().is_empty(), "{answer:#}");
            } else {
                proved(editor, uri, &text);
            }
            times.push(started.elapsed());
        }
        println!("Lean's word and suggestions after each change of the imports: {times:?}");
        close(editor, uri);
    });
}

#[test]
fn complaint_09_memory_the_second_server_stops_when_idle() {
    with_session(|editor| {
        let uri = "file:///Idle.lean";
        editor.open(uri, &text("idle"));
        proved(editor, uri, &text("idle"));
        let second = editor.mark.second().expect("it runs while there is work");
        let below = editor.mark.below(&second);
        assert!(!below.is_empty());
        wait_until(Duration::from_secs(IDLE_S) + LONG, "the second server stops", || {
            !second.lives() && below.iter().all(|p| !p.lives())
        });
        assert!(editor.mark.first().is_some(), "the person's own stays");
        editor.replace(uri, 2, &text("idle_again"));
        proved(editor, uri, &text("idle_again"));
        close(editor, uri);
    });
}

#[test]
fn complaint_11_a_timed_out_tactic_does_not_poison_the_next() {
    with_session(|editor| {
        let uri = "file:///Poison.lean";
        editor.open(uri, LOOPING);
        let mut place = at(uri, hole(LOOPING), 2);
        (place["wait_ms"], place["tried"]) = (json!(LONG.as_millis() as u64), json!(true));
        let answer = editor.ask("$/leanCopilot/suggest", place);
        let tried = answer["tried"].as_array().unwrap();
        let timed_out: Vec<&Value> =
            tried.iter().filter(|t| t["verdict"]["kind"] == "timeout").map(|t| &t["tactic"]).collect();
        assert!(timed_out.contains(&&json!("rfl")), "it does not end: {answer:#}");
        let found = answer["suggestions"].as_array().unwrap();
        assert!(found.iter().any(|s| s["verdict"]["completes"] == true), "{answer:#}");
        // And nothing of it is left for the next theorem.
        editor.replace(uri, 2, &text("healthy"));
        let mut place = at(uri, 1, 2);
        (place["wait_ms"], place["tried"]) = (json!(LONG.as_millis() as u64), json!(true));
        let answer = editor.ask("$/leanCopilot/suggest", place);
        let tried = answer["tried"].as_array().unwrap();
        let rfl = tried.iter().find(|t| t["tactic"] == "rfl").expect("`rfl` is tried again");
        assert_eq!(rfl["verdict"]["kind"], "error", "{answer:#}");
        proved(editor, uri, &text("healthy"));
        close(editor, uri);
    });
}

#[test]
fn complaint_12_the_user_is_told_when_a_worker_died() {
    with_session(|editor| {
        let uri = "file:///Worker.lean";
        editor.open(uri, &text("worker"));
        editor.diagnostics(uri, 1);
        let from = editor.received();
        let first = editor.mark.first().expect("the editor's server runs");
        // All of its processes for documents; one on standby is replaced unseen.
        for worker in editor.mark.below(&first) {
            worker.signal(Signal::KILL);
        }
        let status = |degraded: bool| {
            move |m: &Value| {
                m["method"] == "$/leanCopilot/status" && (m["params"]["state"] == "degraded") == degraded
            }
        };
        let told = editor.wait(from, LONG, "word of it", status(true));
        let params = &told["params"];
        assert!(params["message"].as_str().unwrap().contains("`Worker.lean` has died"), "{params}");
        assert!(params["remedy"].as_str().unwrap().contains("next edit"), "{params}");
        let from = editor.received();
        editor.replace(uri, 2, &text("worker_again"));
        editor.diagnostics(uri, 2);
        editor.wait(from, LONG, "word that it is over", status(false));
        proved(editor, uri, &text("worker_again"));
        close(editor, uri);
    });
}

#[test]
fn complaint_15_feedback_does_not_block() {
    with_session(|editor| {
        let uri = "file:///Feedback.lean";
        editor.open(uri, &text("feedback"));
        let answer = proved(editor, uri, &text("feedback"));
        let id = answer["suggestions"][0]["id"].clone();
        editor.diagnostics(uri, 1);
        // Another process holds the database: nothing can be written.
        let path = editor.ask("$/leanCopilot/feedback", json!({"kind": "stats"}))["path"].clone();
        let other = rusqlite::Connection::open(path.as_str().unwrap()).unwrap();
        other.busy_timeout(Duration::from_secs(10)).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let quick = |editor: &mut Editor| {
            let started = Instant::now();
            editor.ask("textDocument/hover", at(uri, 0, 10));
            started.elapsed()
        };
        let before = quick(editor);
        for n in 0..5000 {
            let kind = if n % 2 == 0 { "shown" } else { "rejected" };
            editor.notify("$/leanCopilot/event", json!({"id": id, "kind": kind, "reason": "no"}));
        }
        let asked: Vec<u64> =
            (0..100).map(|_| editor.request("$/leanCopilot/feedback", json!({"kind": "stats"}))).collect();
        let during = quick(editor);
        println!("Lean's answer took {before:?} before, {during:?} behind 5000 events and 100 questions");
        assert!(during < Duration::from_secs(10), "{during:?}");
        drop(other);
        for id in asked {
            // Answered or refused, once each; none is left to time out.
            let answer = editor.answer(id, LONG);
            assert!(
                answer["result"]["rounds"].is_number() || answer["error"]["message"].is_string(),
                "{answer}"
            );
        }
        let stats = editor.ask("$/leanCopilot/feedback", json!({"kind": "stats"}));
        assert!(stats["rounds"].as_u64().unwrap() >= 1, "the store is back: {stats}");
        close(editor, uri);
    });
}

#[test]
fn documents_of_any_name_get_suggestions_and_may_begin_anew() {
    with_session(|editor| {
        for (uri, line_end) in [
            ("untitled:Untitled-1", "\r\n"),
            ("file:///a%20b/%C3%84.lean", "\n"),
            ("file:///c%3A/Users/Me/Drive.lean", "\n"),
            ("file:///one%0D%0Atwo.lean", "\n"),
        ] {
            editor.open(uri, &text("first").replace('\n', line_end));
            proved(editor, uri, &text("first"));
            let ours = |a: &Value| a["data"]["leanCopilot"].is_string();
            let actions = editor.actions(uri, 1, 2);
            let edit = &actions.iter().find(|a| ours(a)).expect("an action")["edit"]["documentChanges"][0];
            assert_eq!(edit["textDocument"]["uri"], uri, "it is about the document as the editor names it");
            close(editor, uri);
        }
        // Its versions begin anew, with another text.
        let uri = "file:///a%20b/%C3%84.lean";
        let other = "theorem other (a b : Nat) (h : a < b) : b ≠ a := by\n  sorry\n";
        editor.open(uri, other);
        assert_eq!(proved(editor, uri, other)["goal"]["target"], "b ≠ a");
        close(editor, uri);
    });
}

#[test]
fn a_question_that_is_taken_back_does_not_hold_up_the_next_place() {
    with_session(|editor| {
        let (slow, next) = ("file:///Slow.lean", "file:///Next.lean");
        editor.open(slow, LOOPING);
        editor.open(next, &text("next"));
        editor.diagnostics(next, 1);
        editor.notify("$/leanCopilot/configure", json!({"auto_suggest": true}));
        let (asked, from) = search_that_does_not_end(editor, slow);
        editor.notify("$/cancelRequest", json!({"id": asked}));
        let answer = editor.answer(asked, LONG);
        assert_eq!(answer["error"]["code"], -32800, "{answer:#}");
        // The person goes elsewhere, and rests there.
        editor.ask("textDocument/documentHighlight", at(next, 1, 2));
        let of = |m: &Value, uri: &str| {
            m["method"] == "$/leanCopilot/suggestions" && m["params"]["textDocument"]["uri"] == uri
        };
        let found = |m: &Value| of(m, next) && !m["params"]["suggestions"].as_array().unwrap().is_empty();
        editor.wait(from, LONG, "suggestions for the place where the cursor rests", found);
        let messages = editor.messages(from);
        let first = messages.iter().position(found);
        let over = messages.iter().position(|m| of(m, slow) && m["params"]["pending"] == 0);
        assert!(over.is_none_or(|over| first.unwrap() < over), "it waited for the other to be over");
        editor.notify("$/leanCopilot/configure", json!({"auto_suggest": false}));
        close(editor, slow);
        close(editor, next);
    });
}
