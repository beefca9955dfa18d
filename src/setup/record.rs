//! What `setup --write` remembers so that `--undo` is exact: one small file for each file that was edited.
//!
//! Only the difference is kept, not the person's settings: between a common beginning and a common end, the
//! text that was taken out and the text that was put in.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Editor;
use crate::config::Dirs;

/// One edit of a file, which can be turned back as long as the file is as it was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose file.
    pub editor: Editor,
    /// The file.
    pub file: PathBuf,
    /// Whether it was not there before.
    pub created: bool,
    /// Where the difference begins, in bytes.
    at: usize,
    /// What stood there.
    removed: String,
    /// What stands there now.
    inserted: String,
    /// SHA-256 of the whole text as it was left, hexadecimal.
    after: String,
}

impl Record {
    /// The record of an edit; `before` is none where the file was not there.
    pub fn new(editor: Editor, file: &Path, before: Option<&str>, after: &str) -> Record {
        let old = before.unwrap_or_default();
        let mut at = old.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
        while !(old.is_char_boundary(at) && after.is_char_boundary(at)) {
            at -= 1;
        }
        let (old_rest, new_rest) = (&old[at..], &after[at..]);
        let common =
            |a: &str, b: &str| a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
        let mut end = common(old_rest, new_rest);
        while !(old_rest.is_char_boundary(old_rest.len() - end)
            && new_rest.is_char_boundary(new_rest.len() - end))
        {
            end -= 1;
        }
        Record {
            editor,
            file: file.to_owned(),
            created: before.is_none(),
            at,
            removed: old_rest[..old_rest.len() - end].to_owned(),
            inserted: new_rest[..new_rest.len() - end].to_owned(),
            after: sha256(after),
        }
    }

    /// The text before the edit, where this is the text that the edit left.
    pub fn turned_back(&self, now: &str) -> Option<String> {
        if sha256(now) != self.after {
            return None;
        }
        let rest = now.get(self.at..)?.strip_prefix(self.inserted.as_str())?;
        Some([&now[..self.at], &self.removed, rest].concat())
    }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

fn folder(dirs: &Dirs) -> PathBuf {
    dirs.data.join("setup")
}

fn place(dirs: &Dirs, editor: Editor, file: &Path) -> PathBuf {
    let name = sha256(&file.to_string_lossy());
    folder(dirs).join(format!("{}-{}.json", editor.name(), &name[..12]))
}

/// Keeps a record.
pub fn keep(dirs: &Dirs, record: &Record) -> Result<()> {
    let place = place(dirs, record.editor, &record.file);
    std::fs::create_dir_all(folder(dirs))
        .and_then(|()| std::fs::write(&place, serde_json::to_vec_pretty(record)?))
        .with_context(|| format!("cannot write `{}`", place.display()))
}

/// The record of a file; one that cannot be read is none.
pub fn find(dirs: &Dirs, editor: Editor, file: &Path) -> Option<Record> {
    serde_json::from_slice(&std::fs::read(place(dirs, editor, file)).ok()?).ok()
}

/// Forgets a record.
pub fn forget(dirs: &Dirs, editor: Editor, file: &Path) {
    // One that stays is harmless: it holds for one text only.
    let _ = std::fs::remove_file(place(dirs, editor, file));
    let _ = std::fs::remove_dir(folder(dirs));
}

/// All records.
pub fn all(dirs: &Dirs) -> Vec<Record> {
    let Ok(entries) = std::fs::read_dir(folder(dirs)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    files.sort();
    files.iter().filter_map(|f| serde_json::from_slice(&std::fs::read(f).ok()?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_turned_back_byte_for_byte_and_only_on_its_own_text() {
        let cases = [
            (Some("{\n  \"a\": 1\n}\n"), "{\n  \"a\": 1,\n  \"b\": 2\n}\n"),
            (Some(""), "x"),
            (Some("aaa"), "aaaa"),
            (Some("é"), "è"),
            (Some("ßx∧y"), "ßx∨y"),
            (Some("same"), "same"),
            (None, "new\n"),
        ];
        for (before, after) in cases {
            let record = Record::new(Editor::Zed, Path::new("/f"), before, after);
            assert_eq!(record.turned_back(after).as_deref(), Some(before.unwrap_or("")), "{before:?}");
            assert_eq!(record.turned_back(&format!("{after} ")), None);
            assert_eq!(record.created, before.is_none());
        }
    }
}
