//! `docs/protocol.md` says what the types say: methods, fields, which of them may be absent, and the
//! values of enumerations.

use std::collections::{BTreeMap, BTreeSet};

use lean_copilot::config::{DeviceChoice, Settings};
use lean_copilot::feedback::store::Stats;
use lean_copilot::lsp::protocol::*;
use lean_copilot::proof::{Candidate, Goal, Hypothesis, Source, Verdict, VerdictKind};
use lsp_types::{Position, Range};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support;

/// The tables of the document by the heading above them: field → whether it may be absent, and its type.
fn tables() -> BTreeMap<String, BTreeMap<String, (bool, String)>> {
    let text = std::fs::read_to_string(support::root().join("docs/protocol.md")).unwrap();
    let mut out: BTreeMap<String, BTreeMap<String, (bool, String)>> = BTreeMap::new();
    let mut heading = String::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix('#') {
            heading = title.trim_start_matches('#').trim().to_owned();
        } else if let Some(row) = line.strip_prefix("| `") {
            let (name, rest) = row.split_once('`').unwrap();
            let type_ = rest.replace("\\|", "\0").split('|').nth(1).unwrap_or("").replace('\0', "|");
            let optional = name.ends_with('?');
            let field = (name.trim_end_matches('?').to_owned(), (optional, type_.trim().to_owned()));
            assert!(out.entry(heading.clone()).or_default().insert(field.0, field.1).is_none(), "{line}");
        }
    }
    out
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// Compares a table with a value that has every field, without the fields that the text says it shares
/// with another table. A field may be absent where the type reads the rest without it, and, in what we
/// send, where `least` lacks it instead.
fn check<T: Serialize + DeserializeOwned>(heading: &str, full: &T, least: Option<&T>, shared: &[&str]) {
    let tables = tables();
    let table = tables.get(heading).unwrap_or_else(|| panic!("no table under `{heading}`"));
    let full = serde_json::to_value(full).unwrap();
    let fields: BTreeSet<String> =
        keys(&full).into_iter().filter(|k| !shared.contains(&k.as_str())).collect();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), fields, "fields under `{heading}`");
    for (field, (optional, _)) in table {
        let may_be_absent = match least {
            Some(least) => !keys(&serde_json::to_value(least).unwrap()).contains(field),
            None => {
                let mut without = full.clone();
                without.as_object_mut().unwrap().remove(field);
                serde_json::from_value::<T>(without).is_ok()
            }
        };
        assert_eq!(*optional, may_be_absent, "`{heading}`: `{field}` may be absent");
    }
}

/// The values of an enumeration as its type names them when it refuses another.
fn variants<T: DeserializeOwned>() -> BTreeSet<String> {
    let error = serde_json::from_str::<T>("\"?\"").err().expect("`?` is no value").to_string();
    let names: BTreeSet<String> = error.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert!(!names.is_empty(), "{error}");
    names
}

fn check_values<T: DeserializeOwned>(heading: &str, field: &str) {
    let type_ = tables()[heading][field].1.clone();
    let said: BTreeSet<String> = type_.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(said, variants::<T>(), "the values of `{field}` under `{heading}`");
}

fn goal() -> Goal {
    Goal {
        case: Some("inl".into()),
        hypotheses: vec![Hypothesis { names: vec!["h".into()], type_: "p".into(), value: Some("x".into()) }],
        target: "p".into(),
        text: "⊢ p".into(),
    }
}

fn candidate() -> Candidate {
    Candidate::new("rfl", Source::Policy, Some(-1.0))
}

fn verdict() -> Verdict {
    Verdict {
        kind: VerdictKind::Progress,
        completes: false,
        goals: vec![goal()],
        message: Some("m".into()),
        elapsed_ms: 1.0,
    }
}

fn edit() -> Edit {
    Edit { range: Range::default(), new_text: "rfl".into() }
}

fn document() -> DocumentId {
    DocumentId { uri: "file:///A.lean".into() }
}

const OF_CANDIDATES: [&str; 4] = ["tactic", "source", "sources", "log_prob"];

#[test]
fn the_document_lists_the_methods_of_the_types() {
    let source = std::fs::read_to_string(support::root().join("src/lsp/protocol.rs")).unwrap();
    let of_types: BTreeSet<String> = source
        .split('"')
        .filter(|s| s.strip_prefix(method::PREFIX).is_some_and(|rest| !rest.is_empty()))
        .map(str::to_owned)
        .collect();
    let of_document: BTreeSet<String> = tables()["`$/leanCopilot/*`"].keys().cloned().collect();
    assert_eq!(of_types, of_document);
}

#[test]
fn the_shapes_in_the_document_are_those_of_the_types() {
    check("Goal", &goal(), Some(&goal()), &[]);
    check("Hypothesis", &goal().hypotheses[0], Some(&goal().hypotheses[0]), &[]);
    check("Candidate", &candidate(), Some(&candidate()), &[]);
    check("Verdict", &verdict(), Some(&verdict()), &[]);
    check("Edit", &edit(), Some(&edit()), &[]);
    let suggestion = Suggestion { id: "s".into(), candidate: candidate(), verdict: verdict(), edit: edit() };
    check("Suggestion", &suggestion, Some(&suggestion), &OF_CANDIDATES);
    let tried = Tried { candidate: candidate(), verdict: verdict() };
    check("Tried", &tried, Some(&tried), &OF_CANDIDATES);
    check_values::<Source>("Candidate", "source");
    check_values::<VerdictKind>("Verdict", "kind");
}

#[test]
fn the_parameters_in_the_document_are_those_of_the_types() {
    let suggest = SuggestParams {
        text_document: document(),
        position: Position::default(),
        limit: Some(1),
        tried: true,
        wait_ms: Some(1),
    };
    check("Parameters of suggest", &suggest, None, &[]);
    let event = EventParams { id: "s".into(), kind: EventKind::Shown, reason: Some("r".into()) };
    check("Parameters of event", &event, None, &[]);
    check_values::<EventKind>("Parameters of event", "kind");
    let settings = Settings { bundle: Some("b".into()), threads: Some(1), ..Settings::default() };
    check("Parameters of configure", &settings, None, &[]);
    check_values::<DeviceChoice>("Parameters of configure", "device");
    let feedback = FeedbackParams { kind: FeedbackKind::Stats, options: Default::default() };
    check("Parameters of feedback", &feedback, None, &[]);
    check_values::<FeedbackKind>("Parameters of feedback", "kind");
}

#[test]
fn the_results_and_notifications_in_the_document_are_those_of_the_types() {
    let result = SuggestResult {
        goal: Some(goal()),
        goals: vec![goal()],
        suggestions: vec![],
        pending: 1,
        tried: vec![],
        elapsed_ms: 1.0,
    };
    let least = SuggestResult { goal: None, goals: vec![], ..result.clone() };
    check("Result of suggest", &result, Some(&least), &[]);
    let suggestions = SuggestionsParams {
        text_document: document(),
        version: 1,
        position: Position::default(),
        goal: Some(goal()),
        suggestions: vec![],
        pending: 0,
    };
    let least = SuggestionsParams { goal: None, ..suggestions.clone() };
    check("Parameters of suggestions", &suggestions, Some(&least), &[]);
    let status = StatusParams {
        state: StatusState::Degraded,
        message: Some("m".into()),
        remedy: Some("r".into()),
        device: "cpu".into(),
        bundle: Some("b".into()),
        lean: "l".into(),
    };
    let least = StatusParams { message: None, remedy: None, bundle: None, ..status.clone() };
    check("Parameters of status", &status, Some(&least), &[]);
    check_values::<StatusState>("Parameters of status", "state");
    let tables = tables();
    let stats = json!(Stats::default());
    assert_eq!(tables["Result of stats"].keys().cloned().collect::<BTreeSet<_>>(), keys(&stats));
}
