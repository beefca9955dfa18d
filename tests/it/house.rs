//! The rules of the house.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Who may import whom, besides `proof`, `config` and `error`, which all may. ARCHITECTURE.md repeats it.
const ROOMS: [(&str, &[&str]); 20] = [
    ("proof", &[]),
    ("config", &[]),
    ("error", &[]),
    ("database", &[]),
    ("lsp", &[]),
    ("runtime", &[]),
    ("lean", &["lsp", "runtime"]),
    ("policy", &["runtime"]),
    ("feedback", &["database"]),
    ("candidates", &["database", "feedback"]),
    ("verify", &["lsp", "lean"]),
    ("suggest", &["lsp", "lean", "policy", "candidates", "verify", "feedback"]),
    ("trace", &["lsp", "lean"]),
    ("train", &["feedback", "trace", "policy", "runtime"]),
    ("eval", &["database", "lean", "trace", "verify", "suggest", "candidates", "policy"]),
    ("proxy", &["runtime", "lsp", "lean", "policy", "feedback", "suggest", "verify"]),
    ("standin", &["runtime", "lean", "proxy"]),
    ("setup", &["standin"]),
    ("doctor", &["runtime", "lean", "policy", "feedback", "standin", "setup"]),
    (
        "cli",
        &[
            "lsp",
            "runtime",
            "lean",
            "policy",
            "feedback",
            "candidates",
            "verify",
            "suggest",
            "trace",
            "train",
            "eval",
            "proxy",
            "standin",
            "setup",
            "doctor",
        ],
    ),
];

const VOCABULARY: [&str; 3] = ["proof", "config", "error"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(f) = folders.pop() {
        for entry in std::fs::read_dir(&f).unwrap_or_else(|e| panic!("{}: {e}", f.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|x| extensions.iter().any(|e| x == *e)) {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

fn rust_files() -> Vec<(String, String)> {
    let mut files = files_below(&root().join("src"), &["rs"]);
    files.extend(files_below(&root().join("tests"), &["rs"]));
    files
        .into_iter()
        .map(|p| {
            let name = p.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            (name, std::fs::read_to_string(&p).unwrap())
        })
        .collect()
}

#[test]
fn every_file_says_what_it_is_for() {
    let bare: Vec<String> = rust_files()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(name, _)| name)
        .collect();
    assert!(bare.is_empty(), "no `//!` header: {bare:#?}");
}

#[test]
fn no_file_outgrows_its_reader() {
    let mut files = rust_files();
    for p in files_below(&root().join("runtime"), &["js", "mjs", "cjs"]) {
        files.push((p.display().to_string(), std::fs::read_to_string(&p).unwrap()));
    }
    let long: Vec<String> = files
        .into_iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, n)| *n > 560)
        .map(|(name, n)| format!("{name}: {n} lines"))
        .collect();
    assert!(long.is_empty(), "files stay under about 500 lines: {long:#?}");
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = ROOMS.into_iter().collect();
    let mut wrong = Vec::new();
    for (name, text) in rust_files() {
        let Some(inside) = name.strip_prefix("src/") else { continue };
        let room = inside.split('/').next().unwrap().trim_end_matches(".rs");
        if matches!(room, "main" | "lib") {
            continue;
        }
        let Some(allowed) = table.get(room) else {
            wrong.push(format!("{name}: the room `{room}` is not in the table"));
            continue;
        };
        for (i, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            for at in code.match_indices("crate::").map(|(i, _)| i + "crate::".len()) {
                let rest = &code[at..];
                let to = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())];
                if table.contains_key(to) && to != room && !VOCABULARY.contains(&to) && !allowed.contains(&to)
                {
                    wrong.push(format!("{name}:{}: `{room}` may not import `{to}`", i + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_one_file_names_the_inference_library() {
    let users: Vec<String> = rust_files()
        .into_iter()
        .filter(|(name, text)| {
            name.starts_with("src/")
                && text.lines().any(|l| {
                    let code = l.split("//").next().unwrap_or("");
                    // A path that begins with the crate's name; `export::` and `Report::` end with it.
                    let begins = |i: usize| !code[..i].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                    code.match_indices("ort::").any(|(i, _)| begins(i)) || code.contains("use ort;")
                })
        })
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with("src/policy/session"))
        .collect();
    assert!(users.is_empty(), "`ort` is known to `policy/session` alone: {users:#?}");
}

#[test]
fn the_architecture_document_knows_every_room() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let missing: Vec<&str> =
        ROOMS.iter().map(|(r, _)| *r).filter(|r| !text.contains(&format!("`{r}`"))).collect();
    assert!(missing.is_empty(), "not in ARCHITECTURE.md: {missing:?}");
}

#[test]
fn nothing_committed_names_a_registry_host() {
    // Spelled in parts, so that this file does not name them either.
    let hosts = [["registry.npmjs", ".org"], ["files.pythonhosted", ".org"], ["pypi", ".org/simple"]]
        .map(|p| p.concat());
    let mut files = files_below(&root().join("src"), &["rs", "lean"]);
    for folder in ["runtime", "docs", "examples", "tests"] {
        if root().join(folder).is_dir() {
            files.extend(files_below(&root().join(folder), &["rs", "js", "json", "md", "py", "lean", "sh"]));
        }
    }
    let found: Vec<String> = files
        .into_iter()
        .filter(|p| std::fs::read_to_string(p).is_ok_and(|t| hosts.iter().any(|h| t.contains(h.as_str()))))
        .map(|p| p.display().to_string())
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}
