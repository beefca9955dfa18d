//! The verifier against the corpus of verdicts (`tests/verdicts`), whose labels Lean gave to whole files without
//! any of our code.
//!
//! By default a drawn part of the places is tried; `LEAN_COPILOT_VERDICTS=all` tries all.

use std::collections::BTreeMap;
use std::process::Command;

use lean_copilot::config::Settings;
use lean_copilot::lsp::position;
use lean_copilot::proof::{Verdict, VerdictKind};
use lean_copilot::verify::{Filter, Place, VerifierHandle};
use serde::Deserialize;

use crate::support::{self, root};

#[derive(Debug, Deserialize)]
struct Pair {
    id: String,
    kind: String,
    /// A file of the repository, or else `text` is the document.
    source: Option<String>,
    text: Option<String>,
    /// Lines and columns from 1; the hole stands in place of it.
    range: [(u32, u32); 2],
    hole: String,
    tactic: String,
    label: Label,
}

#[derive(Debug, Deserialize)]
struct Label {
    accepted: bool,
    completes: bool,
    no_progress: bool,
}

fn pairs() -> Vec<Pair> {
    let text = std::fs::read_to_string(root().join("tests/verdicts/pairs.jsonl")).expect("the corpus");
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}"))).collect()
}

impl Pair {
    /// The unedited document with the cursor at its hole.
    fn place(&self) -> Place {
        let source = match &self.source {
            Some(file) => std::fs::read_to_string(root().join(file)).expect("a source of the corpus"),
            None => self.text.clone().expect("a text"),
        };
        let at = |(line, column)| {
            let p = position::from_line_column(&source, line, column).expect("a place in the source");
            position::offset(&source, p)
        };
        let (start, end) = (at(self.range[0]), at(self.range[1]));
        let text = [&source[..start], &self.hole, &source[end..]].concat();
        let position = position::position(&text, start);
        // One document for all, so that one process of Lean's serves them.
        Place { uri: "file:///corpus/Corpus.lean".into(), version: 1, text: text.into(), position }
    }

    /// What is wrong with a verdict: shown although Lean refuses it, or kept back although Lean takes it.
    fn judge(&self, verdict: &Verdict) -> Option<&'static str> {
        let Label { accepted, completes, no_progress } = self.label;
        let shown = verdict.kind.is_success();
        match () {
            () if shown && !accepted => Some("FALSE SUCCESS"),
            () if verdict.completes && !completes => Some("FALSE COMPLETION"),
            () if shown && no_progress => Some("false progress"),
            () if verdict.kind == VerdictKind::Timeout => Some("timeout"),
            () if accepted && !no_progress && !shown => Some("false failure"),
            () if completes && !no_progress && !verdict.completes => Some("missed completion"),
            () => None,
        }
    }
}

#[test]
fn the_corpus_is_what_it_should_be() {
    let pairs = pairs();
    assert!(pairs.len() >= 300, "{} pairs", pairs.len());
    assert!(pairs.iter().filter(|p| p.source.is_some()).count() >= 150, "too few from real proofs");
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for p in &pairs {
        *kinds.entry(&p.kind).or_default() += 1;
    }
    for kind in [
        "own_name",
        "sorry_disguised",
        "only_warns",
        "metavariables",
        "enclosing_error",
        "indentation",
        "seq_focus",
        "term_by",
        "kernel_decide",
        "what_follows",
        "places",
    ] {
        assert!(kinds.get(kind).is_some_and(|n| *n >= 10), "{kind}: {kinds:?}");
    }
    let share = pairs.iter().filter(|p| p.label.accepted).count() as f64 / pairs.len() as f64;
    assert!((0.25..0.75).contains(&share), "one answer for nearly all: {share}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn complaint_6_no_false_success() {
    let all = std::env::var("LEAN_COPILOT_VERDICTS").is_ok_and(|v| v == "all");
    let pairs = pairs();
    // By place, so that each is prepared once; the places of a file one after another.
    let mut places: BTreeMap<(Option<&str>, String), Vec<&Pair>> = BTreeMap::new();
    for p in &pairs {
        let place = format!("{:?} {} {:?}", p.range, p.hole, p.text);
        places.entry((p.source.as_deref(), place)).or_default().push(p);
    }
    let folder = support::scratch("verdicts");
    let command = tokio::task::block_in_place(|| support::server_command(&[], &folder));
    let _permit = support::permit().await;
    // A loaded machine must not turn slow tactics into wrong verdicts.
    let settings = Settings { verify_timeout_ms: 30_000, ..Settings::default() };
    let verifier = VerifierHandle::spawn(command, &settings);

    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (n, group) in places.values().enumerate() {
        // Every place of a text written for the corpus, and every third of the many in real proofs.
        if !all && group[0].source.is_some() && n % 3 != 0 {
            continue;
        }
        let tactics: Vec<String> = group.iter().map(|p| p.tactic.clone()).collect();
        let mut answers = verifier.verify(&group[0].place(), tactics, Filter::Off);
        let mut seen = 0;
        while let Some((i, verdict)) = answers.recv().await {
            seen += 1;
            let pair = group[i];
            *tried.entry(&pair.kind).or_default() += 1;
            if let Some(fault) = pair.judge(&verdict) {
                let said = verdict.message.as_deref().unwrap_or("").lines().next().unwrap_or("");
                let line = format!(
                    "{} {} {:?}: {} (completes: {}) {said}; Lean: {:?}",
                    pair.id,
                    pair.kind,
                    pair.tactic,
                    verdict.kind.name(),
                    verdict.completes,
                    pair.label
                );
                wrong.entry(fault).or_default().push(line);
            }
        }
        assert_eq!(seen, group.len(), "{}: {:?}", group[0].id, verifier.status());
    }
    let count = tried.values().sum::<usize>();
    eprintln!("{count} pairs tried: {tried:?}");
    for (fault, lines) in &wrong {
        eprintln!("{fault}: {} of {count}\n  {}", lines.len(), lines.join("\n  "));
    }
    for fault in ["FALSE SUCCESS", "FALSE COMPLETION", "false progress"] {
        assert_eq!(wrong.get(fault).map_or(0, Vec::len), 0, "{fault}: {:#?}", wrong[fault]);
    }
    // Reached: 2 of 470.
    let kept_back: usize = wrong.values().map(Vec::len).sum();
    assert!(kept_back * 100 <= count * 3, "more than 3 % kept back: {wrong:#?}");
}

/// Lean compiles a drawn part of the corpus again, whole files and nothing reused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_labels_are_what_lean_says() {
    let lean = tokio::task::block_in_place(support::lean).lean(&[]);
    let _permit = support::permit().await;
    let words = std::iter::once(lean.program.as_os_str()).chain(lean.args.iter().map(|a| a.as_os_str()));
    let command: Vec<String> = words.map(|w| format!("'{}'", w.to_string_lossy())).collect();
    let mut check = Command::new("python3");
    check.arg(root().join("tests/verdicts/corpus.py")).args(["check", "12", "7"]);
    check.env("LEAN", command.join(" ")).envs(lean.env.iter().map(|(k, v)| (k, v)));
    let output = tokio::task::block_in_place(|| check.output()).expect("python3 is there");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("12 of 12 labels confirmed"), "{said}");
}
