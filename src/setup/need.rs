//! What each editor needs, and the two pure edits that put it into a file's text and take it out.

use std::path::Path;

use serde_json::json;

use super::block::Block;
use super::toml::TableKeys;
use super::{Editor, json};

/// Why a file is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It cannot be understood, or not be edited without risk.
    Unreadable(String),
    /// The person has set the same thing otherwise.
    Taken(String),
}

impl Obstacle {
    /// The reason, for people.
    pub fn reason(&self) -> &str {
        match self {
            Obstacle::Unreadable(reason) | Obstacle::Taken(reason) => reason,
        }
    }
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    /// An entry first in a list of strings in JSON with comments.
    Entry {
        /// The key of the list.
        key: &'static str,
        /// The entry.
        entry: String,
    },
    /// An object in JSON with comments.
    Object {
        /// The keys on the way to it.
        path: &'static [&'static str],
        /// The object.
        value: serde_json::Value,
    },
    /// Keys of a TOML table.
    Keys(TableKeys),
    /// A marked block of lines; the text outside it must not name `unless`, where the person set the same.
    Lines {
        /// The block.
        block: Block,
        /// What the person's own text would name.
        unless: Option<&'static str>,
    },
}

/// What an editor needs. `program`: how it starts this program; `stand_ins`: the folder with the layout of a
/// toolchain, whose `bin` is for PATH.
pub fn of(editor: Editor, program: &str, stand_ins: &Path) -> Need {
    let bin = stand_ins.join("bin").display().to_string();
    let command = format!("lean-copilot setup {}", editor.name());
    match editor {
        Editor::Vscode => Need::Entry { key: "lean4.envPathExtensions", entry: bin },
        Editor::Zed => Need::Object {
            path: &["lsp", "lean4-lsp", "binary"],
            value: json!({"path": program, "arguments": ["serve"]}),
        },
        Editor::Helix => Need::Keys(TableKeys {
            path: vec!["language-server".to_owned(), "lean".to_owned()],
            keys: vec![
                ("command".to_owned(), program.into()),
                ("args".to_owned(), toml::Value::Array(vec!["serve".into()])),
            ],
        }),
        Editor::Neovim => {
            let body = format!(
                "-- lean.nvim and nvim-lspconfig start Lean's server as `lake serve` or `lean --server`. The programs\n\
                 -- of these names in this folder put lean-copilot before it and pass everything else on.\n\
                 do\n  \
                   local folder = '{}'\n  \
                   local sign = vim.fn.has('win32') == 1 and ';' or ':'\n  \
                   local path = vim.env.PATH or ''\n  \
                   if vim.fn.isdirectory(folder) == 1 and not (sign .. path .. sign):find(sign .. folder .. sign, 1, true) then\n    \
                     vim.env.PATH = folder .. sign .. path\n  \
                   end\n\
                 end\n",
                escaped(&bin, '\'')
            );
            Need::Lines { block: Block { comment: "--", command, body }, unless: None }
        }
        Editor::Emacs => {
            let root = stand_ins.display().to_string();
            let body = format!(
                ";; lean4-mode starts `bin/lake serve` or `bin/lean --server` below this folder: lean-copilot, which\n\
                 ;; passes everything else to the real ones.\n\
                 (setq lean4-rootdir \"{}\")\n",
                escaped(&root, '"')
            );
            Need::Lines { block: Block { comment: ";;", command, body }, unless: Some("lean4-rootdir") }
        }
    }
}

/// A string's text between quotes, in Lua and Emacs Lisp alike.
fn escaped(text: &str, quote: char) -> String {
    text.replace('\\', "\\\\").replace(quote, &format!("\\{quote}"))
}

impl Need {
    /// The text with the need met; none where it is met already. A file that is not there is an empty text.
    pub fn add(&self, text: &str) -> Result<Option<String>, Obstacle> {
        match self {
            Need::Entry { key, entry } => json::add_to_list(text, key, entry),
            Need::Object { path, value } => json::add_object(text, path, value),
            Need::Keys(keys) => keys.add(text),
            Need::Lines { block, unless } => {
                let outside = block.outside(text);
                // A word in a comment is nobody's setting.
                let mut code = outside.lines().filter(|l| !l.trim_start().starts_with(';'));
                match unless.filter(|word| code.any(|l| l.contains(word))) {
                    Some(word) => Err(Obstacle::Taken(format!("`{word}` is set there already"))),
                    None => Ok(block.add(text)),
                }
            }
        }
    }

    /// The text without what [`Need::add`] put in; none where it is not there.
    pub fn remove(&self, text: &str) -> Result<Option<String>, Obstacle> {
        match self {
            Need::Entry { key, entry } => json::remove_from_list(text, key, entry),
            Need::Object { path, value } => json::remove_object(text, path, value),
            Need::Keys(keys) => keys.remove(text),
            Need::Lines { block, .. } => Ok(block.remove(text)),
        }
    }

    /// Whether a text says nothing any more.
    pub fn is_blank(&self, text: &str) -> bool {
        match self {
            Need::Entry { .. } | Need::Object { .. } => json::is_blank(text),
            Need::Keys(_) | Need::Lines { .. } => text.trim().is_empty(),
        }
    }

    /// What a person adds by hand, or reads before they let it be written.
    pub fn by_hand(&self) -> String {
        match self {
            Need::Keys(keys) => keys.text(),
            Need::Lines { block, .. } => block.text(),
            json => json.add("").ok().flatten().unwrap_or_default(),
        }
    }
}
