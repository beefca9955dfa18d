//! Helix's `languages.toml`: two keys put into a table or taken out, the rest of the text left as it is.
//! Pure.
//!
//! Edits are lines; the text is parsed before and after, and must then differ in these keys only.

use super::Obstacle;
use super::block::newline_of;

/// The keys of a table that a program must have, as the table's header writes its name.
#[derive(Debug, Clone, PartialEq)]
pub struct TableKeys {
    /// The names on the way to the table: `["language-server", "lean"]`.
    pub path: Vec<String>,
    /// The keys and values, in order.
    pub keys: Vec<(String, toml::Value)>,
}

impl TableKeys {
    /// The text of the keys, a line each.
    fn lines(&self) -> Vec<String> {
        self.keys.iter().map(|(key, value)| format!("{key} = {value}")).collect()
    }

    fn header(&self) -> String {
        format!("[{}]", self.path.join("."))
    }

    /// The whole table as it is added to a file without one.
    pub fn text(&self) -> String {
        std::iter::once(self.header()).chain(self.lines()).map(|l| l + "\n").collect()
    }

    fn find<'a>(&self, data: &'a toml::Table) -> Option<&'a toml::Value> {
        let (first, rest) = self.path.split_first()?;
        rest.iter().try_fold(data.get(first)?, |at, name| at.get(name))
    }

    /// Adds the keys; none where they are there already. Other values under these keys are the person's.
    pub fn add(&self, text: &str) -> Result<Option<String>, Obstacle> {
        let before = read(text)?;
        let found = self.find(&before);
        if let Some(table) = found {
            if self.keys.iter().all(|(k, v)| table.get(k) == Some(v)) {
                return Ok(None);
            }
            if self.keys.iter().any(|(k, _)| table.get(k).is_some()) {
                let keys: Vec<&str> = self.keys.iter().map(|(k, _)| k.as_str()).collect();
                let (keys, header) = (keys.join("` or `"), self.header());
                return Err(Obstacle::Taken(format!("`{header}` has a `{keys}` already")));
            }
        }
        let newline = newline_of(text);
        let after = match text.split_inclusive('\n').position(|line| self.is_header(line)) {
            Some(at) => {
                let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
                if !lines[at].ends_with('\n') {
                    lines[at].push_str(newline);
                }
                let keys: String = self.lines().iter().map(|l| format!("{l}{newline}")).collect();
                lines.insert(at + 1, keys);
                lines.concat()
            }
            None => {
                let gap = match text {
                    "" => String::new(),
                    t if t.ends_with('\n') => newline.to_owned(),
                    _ => newline.repeat(2),
                };
                format!("{text}{gap}{}", self.text().replace('\n', newline))
            }
        };
        // What stands between must be the same, and the keys must have arrived where they should.
        let mut expected = read(&after).map_err(|_| cannot())?;
        if !self.find(&expected).is_some_and(|t| self.keys.iter().all(|(k, v)| t.get(k) == Some(v))) {
            return Err(cannot());
        }
        self.take_out(&mut expected);
        if without_empty(expected) != without_empty(before) { Err(cannot()) } else { Ok(Some(after)) }
    }

    /// Takes the keys out again, and the header where nothing else is below it; none where they are not there.
    pub fn remove(&self, text: &str) -> Result<Option<String>, Obstacle> {
        let mut expected = read(text)?;
        if !self.find(&expected).is_some_and(|t| self.keys.iter().all(|(k, v)| t.get(k) == Some(v))) {
            return Ok(None);
        }
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let Some(at) = lines.iter().position(|l| self.is_header(l)) else { return Err(cannot()) };
        let end = lines[at + 1..]
            .iter()
            .position(|l| l.trim_start().starts_with('['))
            .map_or(lines.len(), |n| at + 1 + n);
        let ours = self.lines();
        let mut kept: Vec<&str> =
            lines[at + 1..end].iter().copied().filter(|l| !ours.iter().any(|o| o == l.trim())).collect();
        let mut head: Vec<&str> = lines[..=at].to_vec();
        if kept.iter().all(|l| l.trim().is_empty()) {
            head.pop();
            // The empty line that was set before the header.
            if end == lines.len() && head.last().is_some_and(|l| l.trim().is_empty()) {
                head.pop();
                kept.clear();
            }
        }
        let after = [head, kept, lines[end..].to_vec()].concat().concat();
        self.take_out(&mut expected);
        let found = read(&after).map_err(|_| cannot())?;
        if without_empty(found) != without_empty(expected) { Err(cannot()) } else { Ok(Some(after)) }
    }

    fn take_out(&self, data: &mut toml::Table) {
        let Some((first, rest)) = self.path.split_first() else { return };
        let Some(start) = data.get_mut(first) else { return };
        let table = rest.iter().try_fold(start, |at, name| at.get_mut(name));
        if let Some(toml::Value::Table(table)) = table {
            for (key, _) in &self.keys {
                table.remove(key);
            }
        }
    }

    /// Whether a line is this table's header, spaced, quoted and commented as it may be.
    fn is_header(&self, line: &str) -> bool {
        let Some(rest) = line.trim().strip_prefix('[') else { return false };
        let Some((name, after)) = rest.split_once(']') else { return false };
        let after = after.trim();
        let names = name.split('.').map(|n| n.trim().trim_matches(['"', '\'']));
        (after.is_empty() || after.starts_with('#')) && names.eq(self.path.iter().map(String::as_str))
    }
}

fn read(text: &str) -> Result<toml::Table, Obstacle> {
    text.parse()
        .map_err(|e: toml::de::Error| Obstacle::Unreadable(format!("it is not valid TOML: {}", e.message())))
}

fn cannot() -> Obstacle {
    Obstacle::Unreadable("it is written in a way that cannot be edited safely".to_owned())
}

/// A header without keys means nothing to Helix: with or without it the settings are the same.
fn without_empty(table: toml::Table) -> toml::Table {
    let each = table.into_iter().filter_map(|(key, value)| match value {
        toml::Value::Table(inner) => {
            let inner = without_empty(inner);
            (!inner.is_empty()).then_some((key, toml::Value::Table(inner)))
        }
        other => Some((key, other)),
    });
    each.collect()
}
