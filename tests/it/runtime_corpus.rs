//! What people write in Lean, through the embedded one: `tests/corpus`, each file without an error or a
//! warning. `tests/corpus/extra`: compiled modules with importers, and files that say `module`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use lsp_types::DiagnosticSeverity;

use crate::support::{Server, lean, permit, root, scratch};

fn corpus() -> PathBuf {
    root().join("tests").join("corpus")
}

/// (name, text) of every file, ordered.
fn files() -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(corpus())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|x| x == "lean"))
        .map(|p| {
            (p.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&p).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_corpus_through_the_server() {
    let mut by_header: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (name, text) in files() {
        let header = text.lines().filter(|l| l.starts_with("import ")).collect::<Vec<_>>().join("\n");
        by_header.entry(header).or_default().push((name, text));
    }
    let count: usize = by_header.values().map(Vec::len).sum();
    assert!(count >= 89, "the corpus has shrunk to {count} files");
    let server = Server::start(&["-Dserver.reportDelayMs=0"]).await;
    let mut wrong = Vec::new();
    for (i, group) in by_header.values().enumerate() {
        // One worker for all files with these imports: only the text is replaced.
        let uri = format!("file:///corpus/Group{i}.lean");
        for (version, (name, text)) in (1..).zip(group) {
            match version {
                1 => server.client.open(&uri, version, text).unwrap(),
                _ => server.client.replace(&uri, version, text).unwrap(),
            }
            let found = server.client.barrier(&uri, version, Duration::from_secs(300)).await;
            let found = found.unwrap_or_else(|e| panic!("{name}: {e}"));
            for d in found {
                if d.severity.is_none_or(|s| s <= DiagnosticSeverity::WARNING) {
                    wrong.push(format!("{name}:{}: {}", d.range.start.line + 1, d.message));
                }
            }
        }
        server.client.close(&uri).unwrap();
    }
    assert!(wrong.is_empty(), "{} messages:\n{}", wrong.len(), wrong.join("\n"));
    let (code, stderr) = server.stop().await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

/// Runs `lean` with arguments in a folder: (exit code, standard output and error).
async fn run(
    args: &[&str],
    cwd: &std::path::Path,
    lean_path: Option<&std::path::Path>,
) -> (Option<i32>, String) {
    let invocation = tokio::task::block_in_place(lean).lean(args);
    let _permit = permit().await;
    let mut command = invocation.command();
    command.current_dir(cwd).stdin(Stdio::null());
    if let Some(path) = lean_path {
        command.env("LEAN_PATH", path);
    }
    let output = tokio::task::block_in_place(|| command.output().unwrap());
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

fn silent(what: &str, (code, text): (Option<i32>, String)) -> String {
    assert_eq!(code, Some(0), "{what}: {text}");
    assert!(
        !text.contains("warning") && !text.contains("error") && !text.contains("[DEBUG"),
        "{what}: {text}"
    );
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_files_on_their_own() {
    for name in [
        "array_basic",
        "automation",
        "class_laws",
        "deriving_more",
        "elab_tactic",
        "hashmap_std",
        "io_files",
        "mutual_inductive",
        "program_proofs",
        "tasks_io",
    ] {
        let file = corpus().join(format!("{name}.lean"));
        silent(name, run(&[file.to_str().unwrap()], root(), None).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_modules_are_imported() {
    let (extra, out) = (corpus().join("extra"), scratch("oleans"));
    let (olean, ilean) = (out.join("UserLib.olean"), out.join("UserLib.ilean"));
    let compile = ["-o", olean.to_str().unwrap(), "-i", ilean.to_str().unwrap(), "UserLib.lean"];
    silent("UserLib", run(&compile, &extra, None).await);
    assert!(olean.is_file() && ilean.is_file());
    let text = silent("UserMain", run(&["UserMain.lean"], &extra, Some(&out)).await);
    assert!(text.contains(r#"{"qty": 1, "name": "a"}"#), "the imported code ran: {text}");
    for file in ["ModFile.lean", "intro1u.lean", "mki.lean"] {
        silent(file, run(&[file], &extra, None).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_mode_passes_the_users_output_and_nothing_else() {
    let folder = scratch("batch");
    let text = "import Lean\nopen Lean Elab Command\nelab \"go\" : command => do\n  \
                discard <| IO.wait (← IO.asTask (IO.eprintln \"[DEBUG] mine\"))\ngo\n#eval 1 + 1\n#check nowhere\n";
    std::fs::write(folder.join("a.lean"), text).unwrap();
    let invocation = tokio::task::block_in_place(lean).lean(&["a.lean"]);
    let _permit = permit().await;
    let output = tokio::task::block_in_place(|| {
        invocation.command().current_dir(&folder).stdin(Stdio::null()).output().unwrap()
    });
    assert_eq!(String::from_utf8_lossy(&output.stderr), "[DEBUG] mine\n");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.starts_with("2\na.lean:7:7: error"), "{stdout}");
    assert_eq!(output.status.code(), Some(1));
}
