//! Three clients that we did not write finish a proof through `serve`, with the embedded Lean: leanclient from
//! PyPI, in a virtual environment of the test's, and the language clients of Neovim and Emacs, which start what
//! `setup` has put into their settings.

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

/// A person's desk: a home with an editor's settings, and a file with a proof to finish.
struct Desk {
    folder: PathBuf,
    file: PathBuf,
    result: PathBuf,
    mark: Mark,
}

impl Desk {
    fn new(name: &str) -> Desk {
        let folder = scratch(name);
        let project = folder.join("project");
        std::fs::create_dir(&project).unwrap();
        std::fs::write(project.join("lean-toolchain"), "leanprover/lean4:v4.28.0\n").unwrap();
        let (file, result) = (project.join("Swap.lean"), folder.join("result.json"));
        std::fs::write(&file, TEXT).unwrap();
        Desk { folder, file, result, mark: Mark::new() }
    }

    /// A program in this home, on a machine without a Lean of its own.
    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let ours = editor::program(&self.folder);
        command.envs(ours.get_envs().filter_map(|(k, v)| Some((k, v?))));
        let (key, value) = self.mark.variable();
        command.env(key, value).current_dir(self.file.parent().unwrap()).stdin(Stdio::null());
        command.env("HOME", &self.folder).env("FILE", &self.file).env("RESULT", &self.result);
        for (key, name) in
            [("CONFIG", ".config"), ("DATA", "xdg-data"), ("STATE", "xdg-state"), ("CACHE", "xdg-cache")]
        {
            command.env(format!("XDG_{key}_HOME"), self.folder.join(name));
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let has_lean = |dir: &PathBuf| ["lean", "lake", "elan"].iter().any(|tool| dir.join(tool).exists());
        command.env(
            "PATH",
            std::env::join_paths(std::env::split_paths(&path).filter(|d| !has_lean(d))).unwrap(),
        );
        command
    }

    /// Has `setup` write the settings of an editor.
    fn set_up(&self, editor: &str) {
        let output =
            self.program(env!("CARGO_BIN_EXE_lean-copilot")).args(["setup", editor, "--write"]).output();
        succeeded(&output.unwrap(), "`setup`");
    }

    /// Looks at what the editor reports.
    fn check(&self, output: &Output, editor: &str) -> Value {
        succeeded(output, editor);
        let report = std::fs::read_to_string(&self.result).expect("the editor's report");
        let report = serde_json::from_str(&report).expect("one JSON object");
        check(&report, &self.mark);
        assert_eq!(std::fs::read_to_string(&self.file).unwrap(), TEXT, "nothing is written to the file");
        report
    }
}

#[test]
fn neovim_finishes_a_proof_with_what_setup_writes() {
    let _permit = permits_blocking(1);
    let desk = Desk::new("client-neovim");
    desk.set_up("neovim");
    // What nvim-lspconfig starts by default: a `lake` on PATH, which `setup` has seen to.
    let words = ["lake", "serve", "--", desk.file.parent().unwrap().to_str().unwrap()];
    let output = desk
        .program("nvim")
        .args(["--headless", "-i", "NONE", "-n", "-c"])
        .arg(format!("luafile {}", root().join("tests/clients/neovim_session.lua").display()))
        .env("SERVER", serde_json::to_string(&words).unwrap())
        .output()
        .unwrap_or_else(|e| {
            panic!("this test needs Neovim 0.7.2 or newer (Debian: apt-get install neovim): {e}")
        });
    desk.check(&output, "Neovim's session");
}

/// `LEAN4_MODE` names a checkout of the official lean4-mode, which is used then.
#[test]
fn emacs_finishes_a_proof_with_what_setup_writes() {
    let _permit = permits_blocking(1);
    let desk = Desk::new("client-emacs");
    let mode = std::env::var_os("LEAN4_MODE").map_or_else(|| root().join("tests/clients"), PathBuf::from);
    let init = desk.folder.join(".emacs.d/init.el");
    std::fs::create_dir(init.parent().unwrap()).unwrap();
    let theirs = format!("(add-to-list 'load-path {mode:?})\n(require 'lean4-mode)\n");
    std::fs::write(&init, &theirs).unwrap();
    desk.set_up("emacs");
    assert!(std::fs::read_to_string(&init).unwrap().starts_with(&theirs), "the person's lines stay");
    // A daemon reads the init file as at a person's start; its socket wants a short path.
    let runtime = tempfile::tempdir().unwrap();
    let output = desk
        .program("emacs")
        .args(["--fg-daemon=test", "-l"])
        .arg(root().join("tests/clients/emacs_session.el"))
        .env("TMPDIR", runtime.path())
        .env("XDG_RUNTIME_DIR", runtime.path())
        .output()
        .unwrap_or_else(|e| {
            panic!(
                "this test needs Emacs and lsp-mode (Debian: apt-get install emacs-nox elpa-lsp-mode): {e}"
            )
        });
    let report = desk.check(&output, "Emacs's session (it needs lsp-mode; Debian: elpa-lsp-mode)");
    let server: Vec<&str> = report["server"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(server[0].ends_with("stand-ins/bin/lake") && server[1..] == ["serve"], "{server:?}");
}
