//! Goals in Lean's answers: `$/lean/plainGoal`, and the tagged text of `getInteractiveGoals`.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::proof::Goal;

/// In which form a goal was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoalForm {
    /// `$/lean/plainGoal`.
    Plain,
    /// `$/lean/rpc/call` of `Lean.Widget.getInteractiveGoals`.
    Interactive,
}

#[derive(Deserialize)]
struct PlainGoal {
    goals: Vec<String>,
}

#[derive(Deserialize)]
struct Interactive<'a> {
    #[serde(borrow)]
    goals: Vec<InteractiveGoal<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InteractiveGoal<'a> {
    user_name: Option<String>,
    #[serde(borrow, default)]
    hyps: Vec<InteractiveHypothesis<'a>>,
    goal_prefix: Option<String>,
    #[serde(borrow, rename = "type")]
    type_: &'a RawValue,
}

#[derive(Deserialize)]
struct InteractiveHypothesis<'a> {
    #[serde(default)]
    names: Vec<String>,
    #[serde(borrow, rename = "type")]
    type_: &'a RawValue,
    #[serde(borrow)]
    val: Option<&'a RawValue>,
}

/// The goals in an answer, the main one first; `None` where there is no proof state or the answer
/// cannot be read.
pub fn read_goals(form: GoalForm, result: &str) -> Option<Vec<Goal>> {
    match form {
        GoalForm::Plain => {
            let plain: Option<PlainGoal> = serde_json::from_str(result).ok()?;
            Some(plain?.goals.iter().map(|g| Goal::parse(g)).collect())
        }
        GoalForm::Interactive => {
            let interactive: Option<Interactive> = serde_json::from_str(result).ok()?;
            Some(interactive?.goals.iter().map(|g| Goal::parse(&print(g))).collect())
        }
    }
}

/// Prints an interactive goal as `$/lean/plainGoal` does (Lean's `InteractiveGoal.pretty`), up to
/// line breaks.
fn print(goal: &InteractiveGoal) -> String {
    let mut out = String::new();
    if let Some(name) = &goal.user_name {
        out.push_str(&format!("case {name}\n"));
    }
    for h in &goal.hyps {
        let names: Vec<&str> = h.names.iter().map(String::as_str).filter(|n| *n != "[anonymous]").collect();
        out.push_str(&names.join(" "));
        out.push_str(" : ");
        out.push_str(&indented(h.type_));
        if let Some(value) = h.val {
            out.push_str(" := ");
            out.push_str(&indented(value));
        }
        out.push('\n');
    }
    out.push_str(goal.goal_prefix.as_deref().unwrap_or("⊢ "));
    out.push_str(&indented(goal.type_));
    out
}

/// A tagged text whose further lines cannot be taken for new entries of the goal.
fn indented(tagged: &RawValue) -> String {
    strip_tags(tagged.get()).replace('\n', "\n  ")
}

/// The plain text of a `TaggedText`: its `text` values in order. Read without recursion: a large
/// expression nests deeper than a JSON reader's limit.
fn strip_tags(json: &str) -> String {
    let mut out = String::new();
    let mut at = 0;
    let mut key_is_text = false;
    while let Some(found) = memchr::memchr2(b'"', b',', &json.as_bytes()[at..]) {
        let start = at + found;
        if json.as_bytes()[start] == b',' {
            key_is_text = false;
            at = start + 1;
            continue;
        }
        let end = string_end(json.as_bytes(), start);
        let is_key = json[end..].trim_start().starts_with(':');
        if is_key {
            key_is_text = &json[start..end] == "\"text\"";
        } else if key_is_text {
            out.push_str(&serde_json::from_str::<String>(&json[start..end]).unwrap_or_default());
        }
        at = end;
    }
    out
}

/// The index behind the closing quote of the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at.min(bytes.len())..]) {
        match bytes[at + found] {
            b'"' => return at + found + 1,
            _ => at += found + 2,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interactive_goal_reads_like_the_plain_one() {
        let interactive = r#"{"goals":[{"ctx":{"p":"6"},"goalPrefix":"⊢ ","userName":"inl","hyps":[
            {"fvarIds":["_uniq.12"],"isType":true,"names":["p","q"],"type":{"tag":[{"info":{"p":"0"},"subexprPos":"/"},{"text":"Prop"}]}},
            {"names":["x"],"type":{"text":"Nat"},"val":{"text":"5"}},
            {"names":["h"],"type":{"append":[{"text":"p ∧\n"},{"tag":[{"info":{"p":"1"}},{"text":"\"q\\\n"}]}]}}],
            "type":{"tag":[{"info":{"p":"3"},"subexprPos":"/"},{"append":[{"text":"p"},{"text":" ∧ "},{"text":"q"}]}]}}]}"#;
        let plain = serde_json::json!({"rendered": "", "goals":
            ["case inl\np q : Prop\nx : Nat := 5\nh : p ∧\n  \"q\\\n⊢ p ∧ q"]});
        let a = read_goals(GoalForm::Interactive, interactive).unwrap();
        let b = read_goals(GoalForm::Plain, &plain.to_string()).unwrap();
        assert_eq!(a[0].normal_form(), b[0].normal_form());
        assert_eq!((a[0].case.as_deref(), a[0].hypotheses.len()), (Some("inl"), 3));
    }

    #[test]
    fn depth_is_no_limit() {
        let deep = format!(
            "{}{{\"text\":\"x\"}}{}",
            r#"{"tag":[{"info":{"p":"3"}},{"append":["#.repeat(3000),
            "]}]}".repeat(3000)
        );
        let json = format!(r#"{{"goals":[{{"hyps":[],"goalPrefix":"⊢ ","type":{deep}}}]}}"#);
        assert_eq!(read_goals(GoalForm::Interactive, &json).unwrap()[0].target, "x");
    }

    #[test]
    fn no_state_and_nonsense_are_none() {
        assert_eq!(read_goals(GoalForm::Plain, "null"), None);
        assert_eq!(read_goals(GoalForm::Interactive, r#"{"goals": 3}"#), None);
        assert_eq!(read_goals(GoalForm::Plain, r#"{"rendered":"no goals","goals":[]}"#), Some(vec![]));
    }
}
