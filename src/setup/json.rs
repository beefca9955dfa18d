//! Settings in JSON with comments and trailing commas (VS Code, Zed): one value put in or taken out, the
//! rest of the text left as it is. Pure.

use jsonc_parser::cst::{CstInputValue, CstNode, CstObject, CstRootNode};
use jsonc_parser::{ParseOptions, parse_to_serde_value};
use serde_json::{Map, Value};

use super::Obstacle;

/// What both editors read: JSON, comments, trailing commas; nothing looser.
const DIALECT: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_loose_object_property_names: false,
    allow_trailing_commas: true,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

const BOM: char = '\u{feff}';

/// The settings as plain data; an empty file is an empty object.
fn read(text: &str) -> Result<Map<String, Value>, Obstacle> {
    let value = parse_to_serde_value::<Option<Value>>(text, &DIALECT)
        .map_err(|e| Obstacle::Unreadable(format!("it is not JSON with comments: {e}")))?;
    match value {
        None => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(Obstacle::Unreadable("it holds no object of settings".to_owned())),
    }
}

/// Applies an edit to the text, and the same edit to the data: what is written must read as what was meant.
fn edited(
    text: &str,
    on_text: impl FnOnce(&CstObject) -> Option<()>,
    on_data: impl FnOnce(&mut Map<String, Value>),
) -> Result<String, Obstacle> {
    let (bom, body) = match text.strip_prefix(BOM) {
        Some(body) => (true, body),
        None => (false, text),
    };
    let mut wanted = read(body)?;
    on_data(&mut wanted);
    let root = CstRootNode::parse(body, &DIALECT).map_err(|e| Obstacle::Unreadable(e.to_string()))?;
    let object = root.object_value_or_create().ok_or_else(unsafe_edit)?;
    on_text(&object).ok_or_else(unsafe_edit)?;
    let after = root.to_string();
    if read(&after).ok().as_ref() != Some(&wanted) {
        return Err(unsafe_edit());
    }
    Ok(if bom { format!("{BOM}{after}") } else { after })
}

fn unsafe_edit() -> Obstacle {
    Obstacle::Unreadable("it is written in a way that cannot be edited safely".to_owned())
}

fn without_bom(text: &str) -> &str {
    text.strip_prefix(BOM).unwrap_or(text)
}

/// Puts an entry first into the list under a key, which is made where it is missing; none where the entry is
/// there already.
pub fn add_to_list(text: &str, key: &str, entry: &str) -> Result<Option<String>, Obstacle> {
    match read(without_bom(text))?.get(key) {
        Some(Value::Array(list)) if list.iter().any(|v| v == entry) => return Ok(None),
        None | Some(Value::Array(_)) => {}
        Some(_) => return Err(Obstacle::Taken(format!("`{key}` is there and is not a list"))),
    }
    let on_text = |object: &CstObject| {
        match object.array_value(key) {
            Some(list) => drop(list.insert(0, entry.into())),
            None => drop(object.append(key, CstInputValue::Array(vec![entry.into()]))),
        }
        Some(())
    };
    let on_data = |data: &mut Map<String, Value>| {
        let list = data.entry(key).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.insert(0, entry.into());
        }
    };
    edited(text, on_text, on_data).map(Some)
}

/// Takes the entry out of the list again, and an empty list with its key; none where it is not there.
pub fn remove_from_list(text: &str, key: &str, entry: &str) -> Result<Option<String>, Obstacle> {
    let is_ours = |v: &Value| v == entry;
    let left = match read(without_bom(text))?.get(key) {
        Some(Value::Array(list)) if list.iter().any(is_ours) => list.iter().filter(|v| !is_ours(v)).count(),
        _ => return Ok(None),
    };
    let on_text = |object: &CstObject| {
        if left == 0 {
            object.get(key)?.remove();
            return Some(());
        }
        for element in object.array_value(key)?.elements() {
            if element.to_serde_value().as_ref().is_some_and(is_ours) {
                element.remove();
            }
        }
        Some(())
    };
    let on_data = |data: &mut Map<String, Value>| {
        if left == 0 {
            data.remove(key);
        } else if let Some(Value::Array(list)) = data.get_mut(key) {
            list.retain(|v| !is_ours(v));
        }
    };
    edited(text, on_text, on_data).map(Some)
}

/// Puts an object of strings and lists of strings at a path of keys; none where it is there already. Another
/// value there is the person's.
pub fn add_object(text: &str, path: &[&str], value: &Value) -> Result<Option<String>, Obstacle> {
    let data = read(without_bom(text))?;
    let mut at = &data;
    for (depth, key) in path.iter().enumerate() {
        match at.get(*key) {
            None => break,
            Some(found) if depth + 1 == path.len() && found == value => return Ok(None),
            Some(Value::Object(inner)) if depth + 1 < path.len() => at = inner,
            Some(_) => {
                let place = path[..=depth].join(".");
                return Err(Obstacle::Taken(format!("`{place}` is there with another value")));
            }
        }
    }
    let (last, parents) = path.split_last().expect("a path has a key");
    let on_text = |object: &CstObject| {
        let mut at = object.clone();
        for key in parents {
            at = at.object_value_or_create(key)?;
        }
        at.append(last, input(value)?);
        Some(())
    };
    let on_data = |data: &mut Map<String, Value>| {
        let mut at = data;
        for key in parents {
            let inner = at.entry(*key).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = inner else { return };
            at = inner;
        }
        at.insert((*last).to_owned(), value.clone());
    };
    edited(text, on_text, on_data).map(Some)
}

/// Takes the object out again, and parents that are empty then; none where it is not there.
pub fn remove_object(text: &str, path: &[&str], value: &Value) -> Result<Option<String>, Obstacle> {
    let data = read(without_bom(text))?;
    let Some((last, parents)) = path.split_last() else { return Ok(None) };
    // How many of the parents hold nothing else.
    let mut at = Some(&data);
    let mut sizes = Vec::new();
    for key in parents {
        at = at.and_then(|o| o.get(*key)).and_then(Value::as_object);
        sizes.push(at.map_or(0, Map::len));
    }
    if at.and_then(|o| o.get(*last)) != Some(value) {
        return Ok(None);
    }
    let empty = sizes.iter().rev().take_while(|n| **n == 1).count();
    let cut = path.len() - 1 - empty;
    let on_text = |object: &CstObject| {
        let mut at = object.clone();
        for key in &path[..cut] {
            at = at.object_value(key)?;
        }
        at.get(path[cut])?.remove();
        Some(())
    };
    let on_data = |data: &mut Map<String, Value>| {
        let mut at = data;
        for key in &path[..cut] {
            let Some(Value::Object(inner)) = at.get_mut(*key) else { return };
            at = inner;
        }
        at.remove(path[cut]);
    };
    edited(text, on_text, on_data).map(Some)
}

/// Whether settings hold nothing, comments included.
pub fn is_blank(text: &str) -> bool {
    let blank = |node: CstNode| match node.as_object() {
        Some(object) => object.children().iter().all(|c| c.is_whitespace() || c.is_newline() || c.is_token()),
        None => node.is_whitespace() || node.is_newline(),
    };
    CstRootNode::parse(without_bom(text), &DIALECT).is_ok_and(|root| root.children().into_iter().all(blank))
}

fn input(value: &Value) -> Option<CstInputValue> {
    Some(match value {
        Value::String(s) => CstInputValue::String(s.clone()),
        Value::Array(list) => CstInputValue::Array(list.iter().map(input).collect::<Option<_>>()?),
        Value::Object(map) => {
            let members = map.iter().map(|(k, v)| Some((k.clone(), input(v)?)));
            let mut members: Vec<_> = members.collect::<Option<_>>()?;
            // One order, whatever the map's is.
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            CstInputValue::Object(members)
        }
        _ => return None,
    })
}
