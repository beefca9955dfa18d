//! The feedback store as several processes use it, and what is exported from it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lean_copilot::error::{Failure, FailureKind};
use lean_copilot::feedback::export::{self, Options, Split};
use lean_copilot::feedback::record::{Evidence, Outcome, Round, Tried};
use lean_copilot::feedback::store::{Deletion, SCHEMA_VERSION, Select, Store, StoreHandle};
use lean_copilot::proof::{Candidate, Goal, OutcomeKind, Source, Verdict, VerdictKind};

fn verdict(kind: VerdictKind) -> Option<Verdict> {
    let message = (kind == VerdictKind::Error).then(|| "unsolved goals\n⊢ q".to_owned());
    Some(Verdict { kind, completes: kind == VerdictKind::Closes, goals: vec![], message, elapsed_ms: 1.5 })
}

/// A round at `⊢ target` with candidates `(tactic, verdict)`; successes are offered as `<id>.<rank>`.
fn round(id: &str, time_ms: i64, target: &str, tried: &[(&str, VerdictKind)]) -> Round {
    let goal = Goal::parse(&format!("p q : Prop\nh : p\n⊢ {target}"));
    let candidate = |(rank, (tactic, kind)): (usize, &(&str, VerdictKind))| Tried {
        candidate: Candidate::new(*tactic, Source::Policy, Some(-0.5)),
        rank: rank as u32,
        verdict: verdict(*kind),
        suggestion: kind.is_success().then(|| format!("{id}.{rank}")),
    };
    Round {
        id: id.into(),
        format: 1,
        time_ms,
        project: "/home/a/p".into(),
        uri: "file:///home/a/p/A.lean".into(),
        version: 3,
        declaration: Some("N.t".into()),
        line: 4,
        column: 3,
        goal_key: Round::key_of(&goal),
        goals: vec![goal.clone()],
        goal,
        document_sha256: "d".repeat(64),
        header_sha256: "e".repeat(64),
        lean: "4.20.0".into(),
        bundle: Some("core-small@0123456789ab".into()),
        candidates: tried.iter().enumerate().map(candidate).collect(),
    }
}

fn outcome(suggestion: &str, kind: OutcomeKind, time_ms: i64) -> Outcome {
    Outcome {
        round: suggestion.split('.').next().map(str::to_owned),
        suggestion: Some(suggestion.into()),
        kind,
        time_ms,
        reason: None,
        tactic: None,
        evidence: Evidence::Observed,
        shown: true,
    }
}

fn all(store: &Store) -> Vec<String> {
    store.list(&Select::default()).unwrap().into_iter().map(|r| r.round.id).collect()
}

#[test]
fn what_is_recorded_is_read_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("new/feedback.db")).unwrap();
    let one = round("r1", 10, "p", &[("exact h", VerdictKind::Closes), ("rfl", VerdictKind::Error)]);
    // An outcome may come before its round is over, and may know its suggestion only.
    let mut early = outcome("r1.0", OutcomeKind::Accepted, 11);
    early.round = None;
    store.record_outcome(&early).unwrap();
    store.record_round(&round("r1", 10, "p", &[])).unwrap();
    store.record_round(&one).unwrap();
    store.record_round(&round("r2", 20, "q", &[])).unwrap();
    let rows = store.list(&Select::default()).unwrap();
    assert_eq!(rows.iter().map(|r| r.round.id.as_str()).collect::<Vec<_>>(), ["r2", "r1"]);
    assert_eq!(rows[1].round, one);
    early.round = Some("r1".into());
    assert_eq!(rows[1].outcomes, [early]);
    let select = Select { since_ms: Some(15), ..Select::default() };
    assert_eq!(store.list(&select).unwrap().len(), 1);
    let select = Select { goal_key: Some(one.goal_key.clone()), limit: Some(1), ..Select::default() };
    assert_eq!(store.list(&select).unwrap()[0].round.id, "r1");
    let stats = store.stats().unwrap();
    assert_eq!((stats.rounds, stats.verdicts["closes"], stats.outcomes["accepted"]), (2, 1, 1));
}

#[test]
fn two_processes_write_at_once() {
    const ROUNDS: usize = 100;
    const WRITER: &str = "LEAN_COPILOT_TEST_WRITER";
    if let Ok(writer) = std::env::var(WRITER) {
        // One of the two processes that the test below starts.
        let (name, path) = writer.split_once(' ').unwrap();
        let mut store = Store::open(Path::new(path)).unwrap();
        for i in 0..ROUNDS {
            let id = format!("{name}{i}");
            store.record_round(&round(&id, i as i64, "p", &[("rfl", VerdictKind::Closes)])).unwrap();
            store.record_outcome(&outcome(&format!("{id}.0"), OutcomeKind::Accepted, i as i64)).unwrap();
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.db");
    let start = |name: &str| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "feedback::two_processes_write_at_once"])
            .env(WRITER, format!("{name} {}", path.display()))
            .spawn()
            .unwrap()
    };
    // Both find no database, and begin it at once.
    let mut children = [start("a"), start("b")];
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let rows = Store::open(&path).unwrap().list(&Select::default()).unwrap();
    assert_eq!(rows.len(), 2 * ROUNDS);
    assert!(rows.iter().all(|r| r.outcomes.len() == 1 && r.round.candidates.len() == 1));
}

#[test]
fn a_corrupt_database_is_kept_aside_and_a_new_one_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.db");
    let kept = || -> Vec<Vec<u8>> {
        let names = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path());
        let kept = names.filter(|p| p.to_string_lossy().contains(".db.corrupt-"));
        kept.filter(|p| !p.to_string_lossy().ends_with("-wal")).map(|p| std::fs::read(p).unwrap()).collect()
    };
    std::fs::write(&path, b"this is no database, but it is somebody's").unwrap();
    let mut store = Store::open(&path).unwrap();
    let notice = store.notice().unwrap().to_owned();
    assert!(notice.contains("feedback.db`") && notice.contains(".corrupt-"), "{notice}");
    assert_eq!(kept(), [b"this is no database, but it is somebody's"]);

    // Damage in the middle of a real one.
    for i in 0..200 {
        store.record_round(&round(&format!("r{i}"), i, "p", &[("rfl", VerdictKind::Error)])).unwrap();
    }
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let store = Store::open(&path).unwrap();
    assert!(store.notice().is_some());
    assert_eq!((all(&store).len(), kept().len()), (0, 2));
    drop(store);
    assert_eq!(Store::open(&path).unwrap().notice(), None, "it is said once");
}

/// The tables of schema 1 with one round, as that version wrote them. Never changed.
const VERSION_1: &str = r#"
CREATE TABLE rounds (id TEXT PRIMARY KEY NOT NULL, format INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  project TEXT NOT NULL, uri TEXT NOT NULL, version INTEGER NOT NULL, declaration TEXT, line INTEGER NOT NULL,
  col INTEGER NOT NULL, goal TEXT NOT NULL, goals TEXT NOT NULL, goal_key TEXT NOT NULL,
  document_sha256 TEXT NOT NULL, header_sha256 TEXT NOT NULL, lean TEXT NOT NULL, bundle TEXT) STRICT;
CREATE TABLE candidates (round TEXT NOT NULL, rank INTEGER NOT NULL, tactic TEXT NOT NULL,
  source TEXT NOT NULL, sources TEXT NOT NULL, log_prob REAL, verdict TEXT, suggestion TEXT,
  PRIMARY KEY (round, rank)) STRICT, WITHOUT ROWID;
CREATE TABLE outcomes (id INTEGER PRIMARY KEY, round TEXT, suggestion TEXT, kind TEXT NOT NULL,
  time_ms INTEGER NOT NULL, reason TEXT, tactic TEXT, evidence TEXT NOT NULL) STRICT;
CREATE INDEX candidates_suggestion ON candidates (suggestion) WHERE suggestion IS NOT NULL;
CREATE INDEX outcomes_round ON outcomes (round);
CREATE INDEX outcomes_suggestion ON outcomes (suggestion);
INSERT INTO rounds VALUES ('old', 1, 7, '/p', 'file:///p/A.lean', 2, 't', 1, 2,
  '{"case":null,"hypotheses":[],"target":"True","text":"⊢ True"}', '[]', 'k', 'd', 'h', '4.9.0', NULL);
INSERT INTO candidates VALUES ('old', 0, 'trivial', 'portfolio', '["portfolio"]', NULL,
  '{"kind":"closes","completes":true,"goals":[],"message":null,"elapsed_ms":2.0}', 's');
INSERT INTO outcomes VALUES (1, 'old', 's', 'accepted', 8, NULL, NULL, 'observed');
PRAGMA user_version = 1;
"#;

#[test]
fn an_older_schema_is_migrated_and_its_rows_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch(VERSION_1).unwrap();
    let mut store = Store::open(&path).unwrap();
    assert_eq!(store.notice(), None);
    store.record_round(&round("new", 9, "p", &[])).unwrap();
    store.record_outcome(&outcome("old.s", OutcomeKind::Kept, 9)).unwrap();
    let rows = store.list(&Select::default()).unwrap();
    assert_eq!(rows[1].round.candidates[0].candidate.tactic, "trivial");
    assert_eq!(rows[1].outcomes.iter().map(|o| o.shown).collect::<Vec<_>>(), [false, true]);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let version: i64 = connection.pragma_query_value(None, "user_version", |r| r.get(0)).unwrap();
    assert_eq!(version, SCHEMA_VERSION);
}

#[tokio::test]
async fn a_newer_schema_is_left_alone_and_the_remedy_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.db");
    drop(Store::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(&path).unwrap_err();
    let failure = Failure::of(&error).unwrap();
    assert_eq!(failure.kind, FailureKind::Corrupt);
    assert!(failure.message.contains("schema 99") && failure.message.contains("feedback.db"), "{failure}");
    assert!(failure.hint.as_deref().unwrap().contains("update lean-copilot"));

    let handle = StoreHandle::spawn(path.clone());
    handle.record_round(round("r", 1, "p", &[]));
    assert!(handle.flush().await.is_err());
    let problem = handle.status().problem.unwrap();
    assert!(problem.message.contains("schema 99") && problem.remedy.contains("update"), "{problem:?}");
    let version: i64 = rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "user_version", |r| r.get(0))
        .unwrap();
    assert_eq!(version, 99);
}

#[tokio::test]
async fn a_full_queue_never_blocks_and_drops_the_oldest() {
    const PUSHED: usize = 5000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.db");
    drop(Store::open(&path).unwrap());
    let handle = StoreHandle::spawn(path.clone());
    handle.flush().await.unwrap();
    // Another process holds the database: the actor waits, its callers must not.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let rounds: Vec<Round> = (0..PUSHED).map(|i| round(&format!("r{i}"), i as i64, "p", &[])).collect();
    let (began, mut longest) = (Instant::now(), Duration::ZERO);
    for round in rounds {
        let each = Instant::now();
        handle.record_round(round);
        longest = longest.max(each.elapsed());
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{PUSHED} rows took {:?}", began.elapsed());
    assert!(longest < Duration::from_millis(500), "one row took {longest:?}");
    assert!(handle.status().dropped > 0);
    other.execute_batch("ROLLBACK").unwrap();
    handle.flush().await.unwrap();
    let stats = handle.stats().await.unwrap();
    assert_eq!(stats.rounds as u64 + handle.status().dropped, PUSHED as u64, "none is lost uncounted");
    let newest = handle.list(Select { limit: Some(1), ..Select::default() }).await.unwrap();
    assert_eq!(newest[0].round.id, format!("r{}", PUSHED - 1));
}

#[tokio::test]
async fn recording_pauses_with_a_remedy_and_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("data");
    std::fs::write(&blocked, "a file where the folder should be").unwrap();
    let handle = StoreHandle::spawn(blocked.join("feedback.db"));
    let mut watch = handle.watch();
    handle.record_round(round("r", 1, "p", &[("rfl", VerdictKind::Closes)]));
    handle.record_outcome(outcome("r.0", OutcomeKind::Accepted, 2));
    assert!(handle.flush().await.is_err());
    let problem = handle.status().problem.unwrap();
    assert!(problem.message.contains("feedback.db") && problem.message.contains("pauses"), "{problem:?}");
    assert!(problem.remedy.contains("LEAN_COPILOT_DATA_DIR"), "{problem:?}");
    // What waits can still be deleted.
    handle.record_round(round("secret", 3, "p", &[]));
    assert!(handle.delete(Deletion::Ids(vec!["secret".into()])).await.is_err());

    std::fs::remove_file(&blocked).unwrap();
    let mended = watch.wait_for(|s| s.problem.is_none());
    tokio::time::timeout(Duration::from_secs(20), mended).await.unwrap().unwrap();
    handle.flush().await.unwrap();
    let rows = handle.list(Select::default()).await.unwrap();
    assert_eq!((rows.len(), rows[0].round.id.as_str(), rows[0].outcomes.len()), (1, "r", 1));
    assert_eq!(handle.status().dropped, 0);
}

#[tokio::test]
async fn rows_are_deleted_by_id_by_project_or_all_and_leave_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.db");
    let handle = StoreHandle::spawn(path.clone());
    for i in 0..6 {
        let mut r = round(&format!("r{i}"), i, "p", &[("exact very_private_lemma", VerdictKind::Closes)]);
        r.project = if i < 4 { "/a".into() } else { "/b".into() };
        handle.record_round(r);
        handle.record_outcome(outcome(&format!("r{i}.0"), OutcomeKind::Accepted, i));
    }
    let ids = vec!["r0".into(), "r1.0".into(), "unknown".into()];
    assert_eq!(handle.delete(Deletion::Ids(ids)).await.unwrap(), 2);
    assert_eq!(handle.delete(Deletion::Project("/b".into())).await.unwrap(), 2);
    let stats = handle.stats().await.unwrap();
    assert_eq!((stats.rounds, stats.outcomes["accepted"]), (2, 2));
    assert_eq!(handle.delete(Deletion::All).await.unwrap(), 2);
    let stats = handle.stats().await.unwrap();
    assert_eq!((stats.rounds, stats.verdicts.len(), stats.outcomes.len()), (0, 0, 0));
    for file in [path.clone(), folder.path().join("feedback.db-wal")] {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let found = bytes.windows(18).any(|w| w == b"very_private_lemma");
        assert!(!found, "deleted text is still in `{}`", file.display());
    }
}

#[test]
fn labels_come_from_the_latest_human_signal_and_else_from_lean() {
    use OutcomeKind::*;
    use VerdictKind::{BreaksRest, Closes, Error, NoProgress, Progress, Timeout};
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("feedback.db")).unwrap();
    let tactics = ["a0", "a1", "a2", "a3", "a4", "a5"].map(|t| (t, Closes));
    let rounds = [
        round("h", 10, "p", &tactics),
        round(
            "l",
            20,
            "q",
            &[("e", Error), ("n", NoProgress), ("t", Timeout), ("g", Progress), ("b", BreaksRest)],
        ),
        // The same goal again: Lean takes `e` here, and refuses what a person had taken before.
        round("m", 30, "q", &[("e", Progress), ("n", Error)]),
        round("w", 40, "p", &[("a0", Error)]),
    ];
    let outcomes = [
        outcome("h.0", Accepted, 11),
        outcome("h.1", Accepted, 11),
        outcome("h.1", Undone, 12),
        outcome("h.2", Rejected, 11),
        outcome("h.2", TypedSame, 12),
        outcome("h.3", Dismissed, 11),
        outcome("h.4", AcceptedPart, 11),
        outcome("h.5", Kept, 11),
        Outcome { suggestion: None, tactic: Some("other".into()), ..outcome("h.0", TypedOther, 13) },
    ];
    store.write(&rounds, &outcomes).unwrap();
    let rows = export::kto(&store, &Options::default()).unwrap();
    let short: Vec<_> =
        rows.iter().map(|r| (r.completion.as_str(), r.label, r.reason.as_str(), r.round.as_str())).collect();
    assert_eq!(
        short,
        [
            ("a0", true, "accepted", "h"),
            ("a1", false, "undone", "h"),
            ("a2", true, "typed_same", "h"),
            ("a5", true, "kept", "h"),
            ("n", false, "error", "m"),
        ]
    );
    assert_eq!((rows[0].prompt.as_str(), rows[0].goal.target.as_str()), ("p q : Prop\nh : p\n⊢ p", "p"));
    let events = export::events(&store, &Options { test_fraction: 1.0, ..Options::default() }).unwrap();
    assert_eq!(events.len(), 6 + 5 + 2 + 1);
    assert_eq!(events[1].outcomes.len(), 3, "its own two, and the one of the round");
    assert!(events.iter().all(|e| e.split == Split::Test));
}

fn export(data: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lean-copilot"))
        .arg("export-feedback")
        .args(args)
        .env("LEAN_COPILOT_DATA_DIR", data)
        .output()
        .unwrap()
}

#[test]
fn the_command_writes_json_lines_and_explains_an_empty_store() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let empty = export(&data, &["--format", "kto"]);
    let message = String::from_utf8(empty.stderr).unwrap();
    assert!(empty.status.success() && empty.stdout.is_empty());
    assert!(message.contains("nothing has been recorded yet") && message.contains("hint: "), "{message}");
    assert!(!data.exists(), "looking does not make a store");

    let mut store = Store::open(&data.join("feedback.db")).unwrap();
    let mut one = round("r", 1_795_520_552_000, "q ∧ p", &[("rfl", VerdictKind::Error)]);
    one.project = std::fs::canonicalize(folder.path()).unwrap().display().to_string();
    store.record_round(&one).unwrap();
    let kto = export(&data, &["--format", "kto", "--project", folder.path().to_str().unwrap()]);
    let row: serde_json::Value = serde_json::from_slice(&kto.stdout).unwrap();
    assert_eq!(row["prompt"], "⊢ q ∧ p\nh : p\np q : Prop", "as the policy reads it");
    assert_eq!((&row["completion"], &row["label"]), (&"rfl".into(), &false.into()));

    let file = folder.path().join("events.jsonl");
    let out = export(&data, &["--since", "2026-11-24", "--out", file.to_str().unwrap()]);
    assert!(out.status.success() && out.stdout.is_empty());
    let row: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(row["verdict"]["message"], "unsolved goals\n⊢ q");
    let late = export(&data, &["--since", "2026-11-25"]);
    assert!(late.stdout.is_empty() && String::from_utf8(late.stderr).unwrap().contains("1 recorded round"));

    let wrong = export(&data, &["--out", "/nonexistent/x.jsonl"]);
    let message = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success() && message.contains("/nonexistent/x.jsonl"), "{message}");
    assert_eq!(export(&data, &["--since", "soon"]).status.code(), Some(2));
    assert_eq!(export(&data, &["--project", "/nonexistent"]).status.code(), Some(2));
}
