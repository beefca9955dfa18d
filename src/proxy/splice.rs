//! The three answers of Lean that we add to, changed as text: what was there stays byte for byte.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::lsp::message::Envelope;

/// What Lean's server announced that it does itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offers {
    /// `textDocument/codeAction`.
    pub code_actions: bool,
    /// `textDocument/completion`.
    pub completions: bool,
    /// `textDocument/inlineCompletion`.
    pub inline_completion: bool,
}

#[derive(Deserialize)]
struct InitializeResult<'a> {
    #[serde(borrow)]
    capabilities: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Capabilities<'a> {
    #[serde(borrow)]
    experimental: Option<&'a RawValue>,
    #[serde(borrow)]
    code_action_provider: Option<&'a RawValue>,
    #[serde(borrow)]
    completion_provider: Option<&'a RawValue>,
    #[serde(borrow)]
    inline_completion_provider: Option<&'a RawValue>,
}

/// Adds `experimental.leanCopilot` and the providers that Lean lacks to an `initialize` answer.
/// `None` where the answer is an error or not what LSP says: it then passes as it is.
pub fn initialize(body: &[u8], version: &str) -> Option<(Vec<u8>, Offers)> {
    let envelope = Envelope::parse(body).ok()?;
    let result: InitializeResult = envelope.result_as().ok()?;
    let capabilities: Capabilities = serde_json::from_str(result.capabilities.get()).ok()?;
    let announcement = format!(r#"{{"version":"{version}"}}"#);
    let mut edits = Vec::new();
    let mut added = Vec::new();
    match capabilities.experimental {
        None => added.push(format!(r#""experimental":{{"leanCopilot":{announcement}}}"#)),
        Some(raw) if raw.get() == "null" => {
            edits.push((span(body, raw), format!(r#"{{"leanCopilot":{announcement}}}"#)));
        }
        Some(raw) if raw.get().starts_with('{') => {
            edits.push(into_object(body, raw, &[format!(r#""leanCopilot":{announcement}"#)]));
        }
        Some(_) => {}
    }
    let mut provide = |raw: Option<&RawValue>, name: &str, value: &str| match raw {
        None => {
            added.push(format!(r#""{name}":{value}"#));
            false
        }
        Some(raw) if matches!(raw.get(), "null" | "false") => {
            edits.push((span(body, raw), value.to_owned()));
            false
        }
        Some(_) => true,
    };
    let offers = Offers {
        code_actions: provide(
            capabilities.code_action_provider,
            "codeActionProvider",
            r#"{"codeActionKinds":["quickfix"],"resolveProvider":true}"#,
        ),
        completions: provide(
            capabilities.completion_provider,
            "completionProvider",
            r#"{"resolveProvider":true}"#,
        ),
        inline_completion: provide(capabilities.inline_completion_provider, "inlineCompletionProvider", "{}"),
    };
    if !added.is_empty() {
        edits.push(into_object(body, result.capabilities, &added));
    }
    Some((apply(body, edits), offers))
}

impl Offers {
    /// Takes in that Lean registers or unregisters a method while it runs.
    pub fn registered(&mut self, method: &str, offered: bool) {
        match method {
            "textDocument/codeAction" => self.code_actions = offered,
            "textDocument/completion" => self.completions = offered,
            "textDocument/inlineCompletion" => self.inline_completion = offered,
            _ => {}
        }
    }
}

/// Appends actions to the answer of `textDocument/codeAction`; `None` where it is an error or no list.
pub fn code_actions(body: &[u8], actions: &[Value]) -> Option<Vec<u8>> {
    let edit = appended(body, Envelope::parse(body).ok()?.result?, actions)?;
    Some(apply(body, vec![edit]))
}

/// Appends items to the answer of `textDocument/completion`, a list or an object that holds one; `None`
/// where it is neither.
pub fn completions(body: &[u8], items: &[Value]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        items: &'a RawValue,
    }
    let result = Envelope::parse(body).ok()?.result?;
    let list = match result.get().starts_with('{') {
        true => serde_json::from_str::<List>(result.get()).ok()?.items,
        false => result,
    };
    Some(apply(body, vec![appended(body, list, items)?]))
}

/// The edit that appends to a list, or makes one of `null`.
fn appended(body: &[u8], list: &RawValue, items: &[Value]) -> Option<Edit> {
    let items = items.iter().map(Value::to_string).collect::<Vec<_>>().join(",");
    match list.get() {
        "null" => Some((span(body, list), format!("[{items}]"))),
        text if text.starts_with('[') => {
            let end = span(body, list).end - 1;
            let comma = if text[1..text.len() - 1].trim().is_empty() { "" } else { "," };
            Some((end..end, format!("{comma}{items}")))
        }
        _ => None,
    }
}

/// A range of the body and what stands there instead.
type Edit = (Range<usize>, String);

/// Where a raw value that was read from `body` lies in it.
fn span(body: &[u8], raw: &RawValue) -> Range<usize> {
    let start = raw.get().as_ptr() as usize - body.as_ptr() as usize;
    start..start + raw.get().len()
}

/// The insertion of members at the start of a JSON object.
fn into_object(body: &[u8], object: &RawValue, members: &[String]) -> Edit {
    let inner = object.get().trim();
    let comma = if inner[1..inner.len() - 1].trim().is_empty() { "" } else { "," };
    let at = span(body, object).start + 1;
    (at..at, format!("{}{comma}", members.join(",")))
}

fn apply(body: &[u8], mut edits: Vec<Edit>) -> Vec<u8> {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = Vec::with_capacity(body.len() + 256);
    let mut at = 0;
    for (range, text) in edits {
        out.extend_from_slice(&body[at..range.start]);
        out.extend_from_slice(text.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(&body[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(body: &str) -> Option<(String, Offers)> {
        initialize(body.as_bytes(), "1.2.3").map(|(b, o)| (String::from_utf8(b).unwrap(), o))
    }

    #[test]
    fn initialize_gains_our_keys_and_keeps_every_other_byte() {
        let (text, offers) = merged(
            r#"{"id":0, "result": {"capabilities": {"codeActionProvider" : {"x":1.10},"experimental":{"rpc":18446744073709551617}}, "z":"\u00e9"}}"#,
        )
        .unwrap();
        assert_eq!(
            text,
            r#"{"id":0, "result": {"capabilities": {"completionProvider":{"resolveProvider":true},"inlineCompletionProvider":{},"codeActionProvider" : {"x":1.10},"experimental":{"leanCopilot":{"version":"1.2.3"},"rpc":18446744073709551617}}, "z":"\u00e9"}}"#
        );
        assert_eq!(offers, Offers { code_actions: true, completions: false, inline_completion: false });
    }

    #[test]
    fn initialize_with_nothing_in_it() {
        let (text, offers) = merged(r#"{"id":0,"result":{"capabilities":{}}}"#).unwrap();
        assert_eq!(
            text,
            r#"{"id":0,"result":{"capabilities":{"experimental":{"leanCopilot":{"version":"1.2.3"}},"codeActionProvider":{"codeActionKinds":["quickfix"],"resolveProvider":true},"completionProvider":{"resolveProvider":true},"inlineCompletionProvider":{}}}}"#
        );
        assert_eq!(offers, Offers::default());
        let (text, _) =
            merged(r#"{"result":{"capabilities":{"experimental":null,"codeActionProvider":false}},"id":1}"#)
                .unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        assert_eq!(merged(r#"{"id":0,"error":{"code":1,"message":"no"}}"#), None);
    }

    #[test]
    fn actions_are_appended_to_any_list() {
        let ours = [serde_json::json!({"title": "t"})];
        for (before, after) in [
            ("null", r#"[{"title":"t"}]"#),
            ("[ ]", r#"[ {"title":"t"}]"#),
            (r#"[{"a": 1.0} ]"#, r#"[{"a": 1.0} ,{"title":"t"}]"#),
        ] {
            let body = format!(r#"{{"id":1,"result":{before},"jsonrpc":"2.0"}}"#);
            let got = code_actions(body.as_bytes(), &ours).unwrap();
            assert_eq!(
                String::from_utf8(got).unwrap(),
                format!(r#"{{"id":1,"result":{after},"jsonrpc":"2.0"}}"#)
            );
        }
        let items = completions(br#"{"id":1,"result":{"isIncomplete":true,"items":[{"label":"a"}]}}"#, &ours);
        assert_eq!(
            String::from_utf8(items.unwrap()).unwrap(),
            r#"{"id":1,"result":{"isIncomplete":true,"items":[{"label":"a"},{"title":"t"}]}}"#
        );
        let items = completions(br#"{"id":1,"result":[]}"#, &ours).unwrap();
        assert_eq!(items, br#"{"id":1,"result":[{"title":"t"}]}"#);
        assert!(completions(br#"{"id":1,"result":{"items":7}}"#, &ours).is_none());
        assert!(code_actions(br#"{"id":1,"error":{"code":1,"message":""}}"#, &ours).is_none());
    }
}
