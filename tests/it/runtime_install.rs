//! Installing on bad days, by the command itself, with a list of packages of the test's own and a stand-in
//! for the registry: a script named `npm` that "fetches" a small archive and notes that it was called.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use crate::support::{root, scratch};

/// A machine of the test's own: directories, PATH, registry.
struct Machine {
    home: PathBuf,
}

/// An archive `package/lib/<file>`, and npm's integrity of it.
fn archive(path: &Path, file: &str) -> String {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    tar.append_data(&mut header, format!("package/lib/{file}"), &b"hello"[..]).unwrap();
    let bytes = tar.into_inner().unwrap().finish().unwrap();
    std::fs::write(path, &bytes).unwrap();
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(Sha512::digest(&bytes)))
}

const NPM: &str = r#"#!/bin/sh
# npm --version | npm pack … NAME@VERSION: brings $HOME/registry/NAME.tgz
[ "$1" = --version ] && { echo 11.0.0; exit 0; }
for last; do :; done
name=${last%@*}
echo "$name" >> "$HOME/fetched"
[ -f "$HOME/slow" ] && sleep 2
[ -f "$HOME/registry/$name.tgz" ] || { cat "$HOME/error" >&2; exit 1; }
cp "$HOME/registry/$name.tgz" "./$name-1.0.0.tgz"
echo "$name-1.0.0.tgz"
"#;

impl Machine {
    /// ONNX Runtime, here, is the packages `one` and `two`.
    fn new(name: &str) -> Machine {
        let home = scratch(name);
        for folder in ["registry", "bin", "share/runtime", "share/models"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        let machine = Machine { home };
        let one = archive(&machine.home.join("registry/one.tgz"), "one");
        let two = archive(&machine.home.join("registry/two.tgz"), "two");
        machine.list(&one, &two, 10);
        std::fs::write(machine.home.join("error"), "npm error code ENOTFOUND\n").unwrap();
        let npm = machine.home.join("bin/npm");
        std::fs::write(&npm, NPM).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&npm, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        machine
    }

    fn list(&self, one: &str, two: &str, disk: u64) {
        let package = |name: &str, hash: &str| {
            json!({"client": "npm", "name": name, "version": "1.0.0", "hash": hash, "bytes": 100,
                   "take": {"package/lib/": "lib/"}})
        };
        let list = json!({"onnxruntime": [{"version": "1.0.0", "platform": "any", "entry": "lib/two",
            "disk": disk, "packages": [package("one", one), package("two", two)]}]});
        std::fs::write(self.home.join("share/runtime/packages.json"), list.to_string()).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
        command.args(args).env_clear();
        command.env("HOME", &self.home).env("LEAN_COPILOT_SHARE_DIR", self.home.join("share"));
        command.env("LEAN_COPILOT_CACHE_DIR", self.home.join("cache"));
        command.env("PATH", format!("{}:/usr/bin:/bin", self.home.join("bin").display()));
        command
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        outcome(self.command(args).output().unwrap())
    }

    fn install(&self) -> (Option<i32>, String) {
        let (code, _, err) = self.run(&["runtime", "install", "onnxruntime"]);
        (code, err)
    }

    fn fetched(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.home.join("fetched")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// What lies in the runtime's folder, the lock apart.
    fn kept(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.home.join("cache/runtime")).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|n| n != "lock");
        names.sort();
        names
    }

    fn installed(&self) -> bool {
        self.kept().iter().any(|n| n.starts_with("onnxruntime-1.0.0-"))
    }
}

fn outcome(output: Output) -> (Option<i32>, String, String) {
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn installed_once_listed_and_removed() {
    let machine = Machine::new("once");
    let (code, err) = machine.install();
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("installing ONNX Runtime 1.0.0") && err.contains("installed ONNX Runtime"), "{err}");
    assert_eq!(machine.install(), (Some(0), String::new()), "the second time there is nothing to do");
    assert_eq!(machine.fetched(), ["one", "two"]);
    let (_, out, _) = machine.run(&["runtime", "status", "--json"]);
    let status: Vec<Value> = serde_json::from_str(&out).unwrap();
    let onnx = status.iter().find(|s| s["component"] == "onnxruntime").unwrap();
    assert_eq!((&onnx["state"], &onnx["version"]), (&json!("installed"), &json!("1.0.0")));
    assert_eq!(machine.run(&["runtime", "remove"]).0, Some(0));
    assert!(!machine.installed() && machine.kept().iter().all(|n| n == "lock"), "{:?}", machine.kept());
}

#[test]
fn a_wrong_hash_stops_it_and_leaves_nothing() {
    let machine = Machine::new("hash");
    machine.list("sha512-AAAA", "sha512-BBBB", 10);
    let (code, err) = machine.install();
    assert_eq!(code, Some(4), "{err}");
    assert!(err.contains("`one 1.0.0`") && err.contains("sha512-AAAA") && err.contains("hint:"), "{err}");
    assert!(!machine.installed());
    // Nor is an archive trusted that lies there since an earlier run.
    let machine = Machine::new("hash-later");
    std::fs::remove_file(machine.home.join("registry/two.tgz")).unwrap();
    assert_eq!(machine.install().0, Some(1));
    let kept = machine.home.join("cache/runtime/archives/one-1.0.0.tgz");
    std::fs::File::options().append(true).open(kept).unwrap().write_all(b"x").unwrap();
    archive(&machine.home.join("registry/two.tgz"), "two");
    assert_eq!(machine.install().0, Some(4));
    assert_eq!(
        machine.install().0,
        Some(0),
        "the bad archive was thrown away, the next run fetches it again"
    );
}

#[test]
fn without_npm_it_says_what_to_install() {
    let machine = Machine::new("no-npm");
    let mut command = machine.command(&["runtime", "install", "onnxruntime"]);
    let (code, _, err) = outcome(command.env("PATH", machine.home.join("registry")).output().unwrap());
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("`npm` not found") && err.contains("install Node.js with npm"), "{err}");
}

#[test]
fn what_is_finished_is_not_fetched_again() {
    let machine = Machine::new("again");
    let two = machine.home.join("registry/two.tgz");
    std::fs::rename(&two, machine.home.join("two")).unwrap();
    let (code, err) = machine.install();
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("`two 1.0.0`") && err.contains("ENOTFOUND"), "{err}");
    assert!(err.contains("hint: the registry cannot be reached"), "{err}");
    std::fs::rename(machine.home.join("two"), &two).unwrap();
    assert_eq!(machine.install().0, Some(0));
    assert_eq!(machine.fetched(), ["one", "two", "two"]);
}

#[test]
fn offline_nothing_is_fetched() {
    let machine = Machine::new("offline");
    let (code, _, err) = machine.run(&["--offline", "runtime", "install", "onnxruntime"]);
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("--offline") && machine.fetched().is_empty(), "{err}");
}

#[test]
fn a_disk_that_is_too_small_is_named_before_anything_is_fetched() {
    let machine = Machine::new("disk");
    machine.list("sha512-AAAA", "sha512-BBBB", 1 << 60);
    let (code, err) = machine.install();
    assert!(code != Some(0) && err.contains("MB left") && err.contains("LEAN_COPILOT_CACHE_DIR"), "{err}");
    assert!(machine.fetched().is_empty());
}

#[test]
fn two_at_once_fetch_once() {
    let machine = Machine::new("two");
    std::fs::write(machine.home.join("slow"), "").unwrap();
    let start = || {
        let mut command = machine.command(&["runtime", "install", "onnxruntime"]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let (a, b) = (start(), start());
    let results = [a, b].map(|c| outcome(c.wait_with_output().unwrap()));
    assert!(results.iter().all(|r| r.0 == Some(0)), "{results:?}");
    assert_eq!(results.iter().filter(|r| r.2.contains("waiting for it to finish")).count(), 1, "{results:?}");
    assert_eq!(machine.fetched(), ["one", "two"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_installation_is_taken_up_again() {
    let machine = Machine::new("killed");
    std::fs::write(machine.home.join("slow"), "").unwrap();
    let mut child = machine
        .command(&["runtime", "install", "onnxruntime"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while machine.fetched().len() < 2 {
        assert!(std::time::Instant::now() < deadline, "the second package is never asked for");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!machine.installed(), "nothing is in place before it is complete");
    assert!(machine.kept().contains(&"staging".to_owned()));
    std::fs::remove_file(machine.home.join("slow")).unwrap();
    assert_eq!(machine.install().0, Some(0));
    assert_eq!(machine.fetched(), ["one", "two", "two"], "the first package was kept");
    assert!(!machine.kept().contains(&"staging".to_owned()), "{:?}", machine.kept());
    // A folder without its stamp is no installed component.
    let folder = machine.kept().into_iter().find(|n| n.starts_with("onnxruntime-")).unwrap();
    std::fs::remove_file(machine.home.join("cache/runtime").join(&folder).join("installed.json")).unwrap();
    assert_eq!(machine.install().0, Some(0));
    assert_eq!(machine.fetched().len(), 5);
}

#[test]
fn progress_for_programs_is_json_lines() {
    let machine = Machine::new("json");
    let (code, _, err) = machine.run(&["runtime", "install", "onnxruntime", "--progress", "json"]);
    assert_eq!(code, Some(0), "{err}");
    let events: Vec<Value> = err.lines().map(|l| serde_json::from_str(l).expect(l)).collect();
    let kinds: Vec<&str> = events.iter().filter_map(|e| e["event"].as_str()).collect();
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("start", "done"), "{err}");
    assert!(kinds.contains(&"fetch") && kinds.contains(&"set_up"), "{err}");
}

#[test]
fn cuda_says_how_large_it_is_and_needs_pip() {
    let machine = Machine::new("cuda");
    let shipped = root().join("runtime/packages.json");
    std::fs::copy(shipped, machine.home.join("share/runtime/packages.json")).unwrap();
    let (_, out, _) = machine.run(&["runtime", "status"]);
    let line = out.lines().find(|l| l.starts_with("onnxruntime-cuda")).unwrap();
    assert!(line.contains("GiB to fetch"), "{line}");
    let mut command = machine.command(&["runtime", "install", "onnxruntime-cuda"]);
    let (code, _, err) = outcome(command.env("PATH", machine.home.join("registry")).output().unwrap());
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("`pip` not found"), "{err}");
}
