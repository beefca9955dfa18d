//! Two clients that we did not write finish a proof through `serve`, with the embedded Lean: leanclient from
//! PyPI, in a virtual environment of the test's, and Neovim's own language client.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::processes::{Mark, wait_until};
use crate::support::{editor, permits_blocking, root, scratch, server_command};

const TEXT: &str =
    "theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  sorry\n\nexample : swap = swap := rfl\n";

/// The words that start `serve` in front of the embedded Lean, whatever Lean the machine has.
fn serve(folder: &Path) -> Vec<OsString> {
    let lean = server_command(&[], folder);
    let ours: Vec<OsString> = vec![env!("CARGO_BIN_EXE_lean-copilot").into(), "serve".into(), "--".into()];
    [ours, vec![lean.program.into()], lean.args, vec!["--server".into()]].concat()
}

/// A program of a client's, with our directories and Lean's variables.
fn client(program: &Path, folder: &Path, mark: &Mark) -> Command {
    let mut command = Command::new(program);
    let ours = editor::program(folder);
    command.envs(ours.get_envs().filter_map(|(k, v)| Some((k, v?))));
    command.envs(server_command(&[], folder).env);
    let (key, value) = mark.variable();
    command.env(key, value).current_dir(folder).stdin(Stdio::null());
    command
}

fn succeeded(output: &Output, what: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{what} ended with {}:\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// Looks at what a client reports, and that nothing is left of its session.
fn check(report: &Value, mark: &Mark) {
    let list = |key: &str| report[key].as_array().cloned().unwrap_or_default();
    assert!(list("before").iter().any(|m| m.as_str().unwrap().contains("sorry")), "{report:#}");
    assert!(report["goal"].as_str().unwrap().ends_with("⊢ q ∧ p"), "{report:#}");
    assert!(report["title"].as_str().unwrap().starts_with("Try `"), "{report:#}");
    let text = report["text"].as_str().unwrap();
    assert!(!text.contains("sorry") && text.starts_with(&TEXT[..TEXT.find("sorry").unwrap()]), "{report:#}");
    assert!(list("after").is_empty(), "the proof is complete: {report:#}");
    wait_until(editor::LONG, "nothing of the session lives on", || mark.processes().is_empty());
}

/// A Python with the packages of `tests/clients/requirements.txt`, made once for these.
fn python() -> PathBuf {
    let requirements = root().join("tests/clients/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).expect("the list of packages");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients-python");
    let python = folder.join("bin/python");
    let done = folder.join("installed.txt");
    if std::fs::read_to_string(&done).is_ok_and(|have| have == wanted) {
        return python;
    }
    let _ = std::fs::remove_dir_all(&folder);
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output();
    let made =
        made.unwrap_or_else(|e| panic!("`python3` cannot be started ({e}): install Python 3.10 or newer"));
    let hint = "this test needs Python's `venv` (Debian: apt-get install python3-venv)";
    assert!(made.status.success(), "{hint}: {}", String::from_utf8_lossy(&made.stdout));
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"];
    let installed = Command::new(&python).args(pip).arg(&requirements).output().expect("pip runs");
    succeeded(&installed, "`pip install` of leanclient (this test needs a package index)");
    std::fs::write(&done, wanted).expect("a note of what is installed");
    python
}

#[test]
fn leanclient_finishes_a_proof() {
    let python = python();
    let _permit = permits_blocking(1);
    let (folder, mark) = (scratch("client-leanclient"), Mark::new());
    std::fs::write(folder.join("Swap.lean"), TEXT).unwrap();
    // It starts `lake serve -- OPTIONS`: a `lake` on PATH that is us.
    let bin = folder.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let words: Vec<String> =
        serve(&folder).iter().map(|w| format!("'{}'", w.to_string_lossy().replace('\'', r"'\''"))).collect();
    let script = format!("#!/bin/sh\n[ \"$1\" = serve ] || exit 9\nexec {}\n", words.join(" "));
    let lake = bin.join("lake");
    std::fs::write(&lake, script).unwrap();
    std::fs::set_permissions(&lake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).unwrap();
    let output = client(&python, &folder, &mark)
        .arg(root().join("tests/clients/leanclient_session.py"))
        .args([folder.as_os_str(), "Swap.lean".as_ref()])
        .env("PATH", path)
        .output()
        .unwrap();
    succeeded(&output, "leanclient's session");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert!(report["tokens"].as_u64().unwrap() > 0, "semantic tokens pass: {report:#}");
    check(&report, &mark);
}

#[test]
fn neovim_finishes_a_proof() {
    let _permit = permits_blocking(1);
    let (folder, mark) = (scratch("client-neovim"), Mark::new());
    let (file, result) = (folder.join("Swap.lean"), folder.join("result.json"));
    std::fs::write(&file, TEXT).unwrap();
    let words: Vec<String> = serve(&folder).iter().map(|w| w.to_string_lossy().into_owned()).collect();
    let output = client(Path::new("nvim"), &folder, &mark)
        .args(["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c"])
        .arg(format!("luafile {}", root().join("tests/clients/neovim_session.lua").display()))
        .env("SERVER", serde_json::to_string(&words).unwrap())
        .env("FILE", &file)
        .env("RESULT", &result)
        .env("XDG_STATE_HOME", &folder)
        .env("XDG_CACHE_HOME", &folder)
        .output()
        .unwrap_or_else(|e| {
            panic!("this test needs Neovim 0.7.2 or newer (Debian: apt-get install neovim): {e}")
        });
    succeeded(&output, "Neovim's session");
    let report = std::fs::read_to_string(&result).expect("Neovim's report");
    check(&serde_json::from_str(&report).expect("one JSON object"), &mark);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), TEXT, "nothing is written to the file");
}
