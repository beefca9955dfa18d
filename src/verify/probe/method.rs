//! The text that gives a scratch document our method, and where in it that stands.

use std::path::Path;

use anyhow::Context as _;

use crate::lean::LeanCommand;
use crate::lean::modules::PROBE_MODULE;
use crate::lean::modules::worker::Program;
use crate::lean::scope::SCOPE;
use crate::proof::tactic::{TokenKind, tokens};

/// The method's text.
const PROBE: &str = include_str!("../probe.lean");

/// What gives a document the method. The embedded Lean takes ten seconds and more to elaborate it, so that it is
/// compiled once and imported, and the command is told where it lies; a native one reads the text in a second.
pub async fn method_for(command: &mut LeanCommand) -> String {
    let text = ["import Lean\n", SCOPE, PROBE].concat();
    let Some((lean, home)) = command.embedded_lean() else { return text };
    let module = text.clone();
    let compiled = tokio::task::spawn_blocking(move || {
        // `<cache>/runtime/<build>`, whose name says which Lean reads what it compiles.
        let (build, cache) = (home.file_name(), home.parent().and_then(Path::parent));
        let (build, cache) = build.zip(cache).context("the embedded Lean lies nowhere")?;
        Program::compiled(cache, &lean, &build.to_string_lossy(), PROBE_MODULE, &module)
    });
    let folder = match compiled.await {
        Ok(Ok(Program { folder: Some(folder), .. })) => folder,
        Ok(Err(e)) => {
            tracing::info!("the probe is not compiled: {e:#}");
            return text;
        }
        Ok(Ok(_)) | Err(_) => return text,
    };
    let named = command.env.iter().find(|(name, _)| name == "LEAN_PATH").map(|(_, path)| path.clone());
    let known = named.or_else(|| std::env::var_os("LEAN_PATH")).unwrap_or_default();
    let known: Vec<_> = std::env::split_paths(&known).filter(|f| !f.as_os_str().is_empty()).collect();
    let Ok(path) = std::env::join_paths(std::iter::once(folder).chain(known)) else { return text };
    command.env.retain(|(name, _)| name != "LEAN_PATH");
    command.env.push(("LEAN_PATH".into(), path));
    format!("import {PROBE_MODULE}\nset_option Elab.async false\n")
}

/// The user's text with the method behind its imports.
pub fn with_method(head: &str, method: &str, text: &str) -> String {
    [head, method, &text[head.len()..]].concat()
}

/// The number of lines of a text that ends with one.
pub fn lines(text: &str) -> u32 {
    text.matches('\n').count() as u32
}

/// The part of a text that holds its imports, whole lines; `None` where the method cannot stand behind it:
/// files that say `module` or `prelude`, and texts that do not reach beyond their imports.
pub fn head_of(text: &str) -> Option<&str> {
    let all = tokens(text);
    let code: Vec<_> = all.iter().filter(|t| t.kind != TokenKind::Comment).collect();
    if code.first().is_some_and(|t| t.is("module") || t.is("prelude")) {
        return None;
    }
    let mut end = 0;
    let mut i = 0;
    while code.get(i).is_some_and(|t| t.is("import")) {
        let line_end = code[i].start + text[code[i].start..].find('\n')?;
        end = line_end + 1;
        while code.get(i).is_some_and(|t| t.start < end) {
            i += 1;
        }
    }
    let commented = all.iter().any(|t| t.kind == TokenKind::Comment && t.start < end && end < t.end());
    (!commented).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_stands_behind_the_imports() {
        assert_eq!(head_of("theorem x"), Some(""));
        assert_eq!(head_of("/- a -/\n-- b\ntheorem x"), Some(""));
        assert_eq!(
            head_of("-- a\nimport A.B -- c\n\nimport C\nopen A\n"),
            Some("-- a\nimport A.B -- c\n\nimport C\n")
        );
        assert_eq!(head_of("import A import B\ntheorem x"), Some("import A import B\n"));
        assert_eq!(head_of("import A /- x\n y -/\ntheorem x"), None, "a comment must not be cut");
        assert_eq!(head_of("module\nimport A\ntheorem x"), None);
        assert_eq!(head_of("import A"), None);
        let text = "import A\ntheorem x";
        let method = "import B\nend B\n";
        assert_eq!(with_method(head_of(text).unwrap(), method, text), "import A\nimport B\nend B\ntheorem x");
        assert!(SCOPE.ends_with('\n') && PROBE.ends_with('\n'), "lines are counted");
    }
}
