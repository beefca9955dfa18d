//! `doctor`: what it says of a healthy machine and of broken ones, and that it only looks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use expect_test::expect;
use lean_copilot::runtime::locate;
use serde_json::Value;

use crate::support;

/// A machine of its own, with nothing of Lean's on PATH.
struct Machine {
    root: PathBuf,
    cache: PathBuf,
    vars: Vec<(&'static str, PathBuf)>,
}

impl Machine {
    /// `full`: with the runtime in its cache.
    fn new(name: &str, full: bool) -> Machine {
        let root = support::scratch(name);
        for folder in ["bin", "work", "home", "data"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        let cache = if full { support::dirs().cache.clone() } else { root.join("cache") };
        Machine { root, cache, vars: Vec::new() }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
        let mut path = vec![self.root.join("bin")];
        // Node and what scripts need; a Lean there would be found, which the tests allow for.
        path.extend(["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from));
        if cfg!(windows) {
            path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
        }
        command.args(args).current_dir(self.root.join("work"));
        for (key, _) in std::env::vars_os().filter(|(k, _)| k.to_string_lossy().starts_with("LEAN_COPILOT_"))
        {
            command.env_remove(key);
        }
        for key in
            ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "ELAN_HOME", "NO_COLOR", "CLICOLOR_FORCE"]
        {
            command.env_remove(key);
        }
        command
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", self.root.join("home"))
            .env("LEAN_COPILOT_SHARE_DIR", support::root())
            .env("LEAN_COPILOT_CONFIG_DIR", self.root.join("config"))
            .env("LEAN_COPILOT_DATA_DIR", self.root.join("data"))
            .env("LEAN_COPILOT_STATE_DIR", self.root.join("state"))
            .env("LEAN_COPILOT_CACHE_DIR", &self.cache)
            .envs(self.vars.iter().map(|(k, v)| (k, v)));
        command.output().unwrap()
    }

    /// The checks by name, and the exit code; the JSON is read strictly.
    fn doctor(&self) -> (BTreeMap<String, Value>, Option<i32>) {
        let output = self.run(&["doctor", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!(report["ok"], output.status.success(), "{report:#}");
        let checks = report["checks"].as_array().unwrap().iter();
        (checks.map(|c| (c["id"].as_str().unwrap().to_owned(), c.clone())).collect(), output.status.code())
    }

    /// Written by another process, since a child that another test starts now would keep it open for writing.
    #[cfg(unix)]
    fn script(&self, name: &str, text: &str) {
        let write = "rm -f \"$0\" && printf '#!/bin/sh\\n%s\\n' \"$1\" >\"$0\" && chmod 755 \"$0\"";
        let mut writer = Command::new("sh");
        writer.args(["-c", write]).arg(self.root.join("bin").join(name)).arg(text);
        assert!(writer.status().unwrap().success());
    }
}

#[track_caller]
fn is(checks: &BTreeMap<String, Value>, id: &str, state: &str, found: &str, remedy: &str) {
    let check = &checks[id];
    assert_eq!(check["state"], state, "{check:#}");
    assert!(check["found"].as_str().unwrap().contains(found), "{check:#}");
    assert!(check["remedy"].as_str().unwrap_or_default().contains(remedy), "{check:#}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_machine_has_nothing_to_mend_and_the_json_keeps_its_shape() {
    let _permit = support::permit().await;
    tokio::task::block_in_place(|| {
        let machine = Machine::new("doctor-healthy", true);
        let output = machine.run(&["doctor", "--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{report:#}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        let object = report.as_object().unwrap();
        assert_eq!(object.len(), 4);
        assert_eq!((&report["format"], &report["version"]), (&1.into(), &env!("CARGO_PKG_VERSION").into()));
        let mut ids = String::new();
        for check in report["checks"].as_array().unwrap() {
            let mut keys: Vec<&str> = check.as_object().unwrap().keys().map(String::as_str).collect();
            keys.sort();
            assert_eq!(keys, ["found", "id", "path", "remedy", "state", "version"]);
            assert!(["ok", "off", "warn"].contains(&check["state"].as_str().unwrap()), "{check:#}");
            ids += &format!("{}\n", check["id"].as_str().unwrap());
        }
        expect![[r#"
            directories
            settings
            lean
            lake
            elan
            embedded_lean
            node
            onnxruntime
            cuda
            bundle
            policy
            store
            log
            disk
            stand_ins
            editor.vscode
            editor.neovim
            editor.emacs
            editor.helix
            editor.zed
            sandbox.files
            sandbox.network
            sandbox.memory
        "#]]
        .assert_eq(&ids);
        let checks: BTreeMap<String, Value> = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| (c["id"].as_str().unwrap().to_owned(), c.clone()))
            .collect();
        is(&checks, "embedded_lean", "ok", "Lean (version 4.28.0", "");
        is(&checks, "policy", "ok", "the bundle loads; c", "");
        assert!(checks["bundle"]["version"].as_str().unwrap().starts_with("core-small@"));
        is(&checks, "store", "ok", "recording is on", "");
        is(&checks, "editor.zed", "off", "not found", "");
        assert!(files(&machine.root.join("data")).is_empty(), "it only looks");
        assert!(!machine.root.join("state").exists() && !machine.root.join("config").exists());
        // Nor does the library that loads the bundle leave anything, such as a device id for its telemetry.
        assert!(files(&machine.root.join("home")).is_empty(), "{:?}", files(&machine.root.join("home")));
    });
}

#[test]
fn everything_broken_at_once_is_named_with_what_mends_it_and_nothing_is_touched() {
    let mut machine = Machine::new("doctor-broken", false);
    let bundle = machine.root.join("bundle");
    std::fs::create_dir(&bundle).unwrap();
    for file in files(&support::root().join("models/core-small")) {
        std::fs::copy(&file, bundle.join(file.file_name().unwrap())).unwrap();
    }
    let weights = bundle.join("model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    std::fs::create_dir(machine.root.join("config")).unwrap();
    let config = machine.root.join("config/config.toml");
    let text = format!("bundle = {:?}\npause = 3\n", bundle.display().to_string());
    std::fs::write(&config, &text).unwrap();
    let database = machine.root.join("data/feedback.db");
    std::fs::write(
        &database,
        "no database at all, only text that is long enough to be read as one".repeat(99),
    )
    .unwrap();
    let before = std::fs::read(&database).unwrap();

    let (checks, code) = machine.doctor();
    assert_eq!(code, Some(1));
    is(&checks, "settings", "warn", "`pause`", "README");
    is(&checks, "onnxruntime", "fail", "not installed", "lean-copilot runtime install");
    is(&checks, "bundle", "fail", "has the SHA-256", "damaged");
    is(&checks, "policy", "warn", "not loaded", "");
    is(&checks, "store", "fail", "cannot be read as a feedback database", "begins a new one");
    if checks["embedded_lean"]["state"] == "fail" {
        is(&checks, "lean", "fail", "no Lean on this machine", "lean-copilot runtime install");
    }
    assert_eq!(std::fs::read(&database).unwrap(), before);
    assert_eq!(files(&machine.root.join("data")), [database], "nothing was moved, nothing was begun");
    assert!(!machine.cache.exists(), "nothing was installed");

    std::fs::write(&config, "pause_ms = [").unwrap();
    machine.vars.push(("LEAN_COPILOT_SHARE_DIR", machine.root.join("work")));
    let (checks, code) = machine.doctor();
    assert_eq!(code, Some(1));
    is(&checks, "settings", "fail", "not valid TOML", "mend the file");
    assert_eq!(checks["bundle"]["state"], "fail", "without the shipped files");
    let output = machine.run(&["doctor"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("error: needed and not working: ") && said.contains("store"), "{said}");
}

#[test]
fn a_library_that_is_none_fails_the_policy_and_not_the_doctor() {
    let machine = Machine::new("doctor-library", false);
    let library = locate::onnxruntime(support::dirs()).unwrap();
    let folder = library.ancestors().find(|f| f.join("installed.json").is_file()).unwrap();
    let place = machine.cache.join("runtime").join(folder.file_name().unwrap());
    let broken = place.join(library.strip_prefix(folder).unwrap());
    std::fs::create_dir_all(broken.parent().unwrap()).unwrap();
    std::fs::copy(folder.join("installed.json"), place.join("installed.json")).unwrap();
    std::fs::write(&broken, b"\x7fELF and nothing more").unwrap();
    let (checks, code) = machine.doctor();
    assert_eq!(code, Some(1));
    is(&checks, "bundle", "ok", "the shipped one", "");
    is(&checks, "policy", "fail", "", "lean-copilot runtime");
}

#[cfg(unix)]
#[test]
fn a_lean_of_elans_is_not_asked_what_would_make_it_download() {
    let machine = Machine::new("doctor-elan", false);
    let state = |installed: &str| {
        let resolved = r#"{"live": {"Ok": "lean4:v4.99.0"}, "cached": null}"#;
        format!(
            r#"{{"toolchains": {{"installed": [{installed}], "default": null, "resolved_active": {resolved}}}}}"#
        )
    };
    let elan = |state: &str| {
        machine.script(
            "elan",
            &format!("[ \"$1\" = --version ] && echo 'elan 4.1.2 (x)' && exit\ncat <<'E'\n{state}\nE"),
        )
    };
    let asked = machine.root.join("asked");
    machine.script("lean", &format!("touch '{}'; echo 'Lean (version 4.99.0, x)'", asked.display()));
    machine.script("lake", "exit 1");
    elan(&state(""));
    let (checks, code) = machine.doctor();
    assert_eq!(code, Some(1));
    is(
        &checks,
        "lean",
        "fail",
        "`lean4:v4.99.0` of this folder is not installed",
        "elan toolchain install lean4:v4.99.0",
    );
    is(&checks, "elan", "ok", "not installed", "");
    assert!(!asked.exists());
    elan(&state(r#"{"resolved_name": "lean4:v4.99.0", "path": "/x"}"#));
    let (checks, _) = machine.doctor();
    is(&checks, "lean", "ok", "Lean (version 4.99.0", "");
    assert_eq!(checks["elan"]["version"], "4.1.2");
    assert_eq!(checks["embedded_lean"]["state"], "off", "not needed");
    assert!(asked.exists());
    machine.script("lean", "kill -9 $$");
    is(&machine.doctor().0, "lean", "fail", "`lean --version` ended with signal: 9", "elan show");
}

#[test]
fn colours_are_for_people_who_want_them() {
    let mut machine = Machine::new("doctor-colour", false);
    let escapes = |m: &Machine| m.run(&["doctor"]).stdout.contains(&0x1b);
    assert!(!escapes(&machine), "no terminal");
    machine.vars.push(("CLICOLOR_FORCE", "1".into()));
    assert!(escapes(&machine));
    machine.vars.push(("NO_COLOR", "1".into()));
    assert!(!escapes(&machine));
}

#[cfg(unix)]
#[test]
fn what_setup_wrote_is_seen_and_so_is_what_broke_it_since() {
    let machine = Machine::new("doctor-setup", false);
    let settings = machine.root.join("home/.config/Code/User/settings.json");
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    std::fs::write(&settings, "{\n    \"a\": 1, // mine\n}\n").unwrap();
    is(&machine.doctor().0, "editor.vscode", "off", "found, not set up", "lean-copilot setup vscode --write");

    // Shown first, and nothing is written.
    let shown = machine.run(&["setup", "vscode"]);
    assert!(shown.status.success());
    let bin = machine.root.join("data/stand-ins/bin");
    let line = format!("+    \"lean4.envPathExtensions\": [\"{}\"],", bin.display());
    assert!(String::from_utf8_lossy(&shown.stdout).lines().any(|l| l == line), "{shown:?}");
    assert!(!bin.exists() && !machine.root.join("data/setup").exists());

    let written = machine.run(&["setup", "vscode", "--write", "--json"]);
    let report: Value = serde_json::from_slice(&written.stdout).unwrap();
    assert_eq!((&report["done"], &report["files"][0]["state"]), (&true.into(), &"change".into()));
    for name in ["lake", "lean", "elan"] {
        assert!(bin.join(name).is_file(), "{name}");
    }
    let again = machine.run(&["setup", "vscode", "--write", "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).unwrap()["files"][0]["state"], "unchanged");
    let (checks, _) = machine.doctor();
    is(&checks, "editor.vscode", "ok", "set up in", "");
    is(&checks, "stand_ins", "ok", "in place", "");

    // The program moved away: the link leads nowhere.
    std::fs::remove_file(bin.join("lake")).unwrap();
    std::os::unix::fs::symlink("/nowhere/lean-copilot", bin.join("lake")).unwrap();
    is(&machine.doctor().0, "stand_ins", "fail", "`lake`", "lean-copilot setup vscode --write");
    assert!(machine.run(&["setup", "vscode", "--write"]).status.success());
    is(&machine.doctor().0, "stand_ins", "ok", "in place", "");

    assert!(machine.run(&["setup", "vscode", "--undo"]).status.success());
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), "{\n    \"a\": 1, // mine\n}\n");
    assert!(!bin.exists(), "the stand-ins went with the last editor that needed them");

    // What is left alone is said with what to add by hand, and the exit code says it too.
    std::fs::write(&settings, "{ broken").unwrap();
    let blocked = machine.run(&["setup", "vscode", "--write"]);
    assert_eq!(blocked.status.code(), Some(4));
    let said = String::from_utf8_lossy(&blocked.stderr).into_owned();
    assert!(said.contains("is left alone") && said.contains("\"lean4.envPathExtensions\": ["), "{said}");
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), "{ broken");
}
