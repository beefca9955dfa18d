//! This program under the names `lake`, `lean` and `elan`: a proxy for the server, invisible for the rest.

#![cfg(unix)]

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use lean_copilot::lsp::codec::Frame;
use serde_json::{Value, json};

use crate::support;

const BINARY: &str = env!("CARGO_BIN_EXE_lean-copilot");

/// A machine of its own: a folder of stand-ins, a folder of real tools, user directories.
struct Machine {
    root: PathBuf,
}

impl Machine {
    fn new(name: &str) -> Machine {
        let root = support::scratch(name);
        for folder in ["shim", "real", "work", "later"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        for tool in ["lake", "lean", "elan"] {
            symlink(BINARY, root.join("shim").join(tool)).unwrap();
        }
        Machine { root }
    }

    /// A tool that records how it was called and does what `then` says.
    fn real(&self, name: &str, then: &str) {
        self.script(&format!("real/{name}"), &self.recording(then));
    }

    /// Written by another process: a file that this one has open for writing may not run, and a child that
    /// another test starts at this moment would keep it open.
    fn script(&self, place: &str, text: &str) {
        let file = self.root.join(place);
        let mut writer = Command::new("sh");
        writer.args(["-c", "rm -f \"$0\" && cat >\"$0\" && chmod 755 \"$0\""]).arg(file);
        assert!(feed(writer, format!("#!/bin/sh\n{text}\n").as_bytes()).status.success());
    }

    fn recording(&self, then: &str) -> String {
        let log = self.root.join("log");
        std::fs::create_dir_all(&log).unwrap();
        let log = log.display();
        format!(
            "for a in \"$0\" \"$@\"; do printf '%s\\0' \"$a\"; done >'{log}/args'\n\
             pwd >'{log}/cwd'\ncat /proc/$$/environ >'{log}/env'\necho $$ >'{log}/pid'\n{then}"
        )
    }

    fn recorded(&self, what: &str) -> Vec<u8> {
        std::fs::read(self.root.join("log").join(what)).unwrap()
    }

    /// The arguments that the real tool got, without its own name.
    fn args(&self) -> Vec<OsString> {
        let bytes = self.recorded("args");
        let all = bytes.split(|b| *b == 0).map(|a| OsString::from_vec(a.to_vec()));
        let mut all: Vec<OsString> = all.collect();
        assert_eq!(all.pop().as_deref(), Some(OsStr::new("")), "each ends with a zero");
        all.remove(0);
        all
    }

    /// A stand-in's command, with PATH `shim:real:later` and what scripts need.
    fn command(&self, tool: &str) -> Command {
        let mut command = Command::new(self.root.join("shim").join(tool));
        self.environment(&mut command);
        command
    }

    fn environment(&self, command: &mut Command) {
        let mut path = ["shim", "real", "later"].map(|f| self.root.join(f)).to_vec();
        path.extend(["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from));
        command
            .env_clear()
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("HOME", self.root.join("home"))
            .env("LEAN_COPILOT_CACHE_DIR", &support::dirs().cache)
            .env("LEAN_COPILOT_SHARE_DIR", support::root())
            .current_dir(self.root.join("work"))
            .stdin(Stdio::null());
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn feed(mut command: Command, input: &[u8]) -> Output {
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Beside the reading, or both sides wait for ever once the pipes are full.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output
}

#[test]
fn arguments_environment_folder_and_streams_are_the_real_tools() {
    let machine = Machine::new("standin-exact");
    machine.real("lake", "cat; printf 'err\\377' >&2; exit 3");
    let odd = OsStr::from_bytes(b"b\xffd \n'\"$x");
    let mut command = machine.command("lake");
    command.arg("+leanprover/lean4:v4.28.0").args(["build", "", "--", "-x"]).arg(odd).arg("");
    command.env("ODD", OsStr::from_bytes(b"\xfe=1"));
    let input: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    let output = feed(command, &input);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, input);
    assert_eq!(output.stderr, b"err\xff");
    let sent: Vec<OsString> =
        ["+leanprover/lean4:v4.28.0", "build", "", "--", "-x"].map(OsString::from).into();
    assert_eq!(machine.args(), [sent, vec![odd.to_owned(), OsString::new()]].concat());
    assert_eq!(text(&machine.recorded("cwd")).trim_end(), machine.root.join("work").to_str().unwrap());

    // The environment is byte for byte the one that the tool would have had without us.
    let with = machine.recorded("env");
    let mut direct = Command::new(machine.root.join("real/lake"));
    machine.environment(&mut direct);
    direct.env("ODD", OsStr::from_bytes(b"\xfe=1"));
    feed(direct, b"");
    let sorted = |bytes: Vec<u8>| {
        let mut all: Vec<Vec<u8>> = bytes.split(|b| *b == 0).map(<[u8]>::to_vec).collect();
        all.sort();
        all
    };
    assert_eq!(sorted(with), sorted(machine.recorded("env")));
}

#[test]
fn the_process_is_the_real_tools_and_dies_of_its_signals() {
    let machine = Machine::new("standin-signal");
    machine.real("lean", "trap 'echo caught; exit 9' TERM; echo up; while :; do sleep 0.05; done");
    let mut child = machine.command("lean").arg("x.lean").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "up");
    assert_eq!(text(&machine.recorded("pid")).trim(), child.id().to_string(), "one process, not two");
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "caught");
    assert_eq!(child.wait().unwrap().code(), Some(9));

    machine.real("lean", "kill -SEGV $$");
    assert_eq!(machine.command("lean").arg("x.lean").status().unwrap().signal(), Some(11));
}

#[test]
fn links_copies_and_variables_never_lead_back_to_ourselves() {
    let machine = Machine::new("standin-loops");
    machine.script("later/lake", &machine.recording("echo real"));
    // `real` comes first on PATH and holds another copy of this program, `work` a hard link to it.
    let copied = Command::new("cp").arg(BINARY).arg(machine.root.join("real/lake")).status().unwrap();
    assert!(copied.success());
    let link = machine.root.join("work/lake");
    std::fs::hard_link(machine.root.join("real/lake"), &link).unwrap();
    let says_real = |command: &mut Command, how: &str| {
        let output = command.arg("build").output().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "real\n"), "{how}");
    };
    says_real(&mut machine.command("lake"), "a copy behind a link");
    for ours in ["real/lake", "work/lake"] {
        let mut command = Command::new(machine.root.join(ours));
        machine.environment(&mut command);
        says_real(&mut command, ours);
    }
    says_real(machine.command("lake").env("LEAN_COPILOT_REAL_LAKE", &link), "a variable that names us");
    says_real(machine.command("lake").env("LEAN_COPILOT_REAL_LAKE", "lake"), "a variable without a folder");
    // An empty entry of PATH is the working directory: a bare `lake` there would be looked up again.
    let path = format!("{}::{}", machine.root.join("shim").display(), machine.root.join("later").display());
    says_real(machine.command("lake").env("PATH", format!("{path}:/usr/bin:/bin")), "an empty entry");

    machine.script("work/lake", &machine.recording("echo real"));
    machine.script("later/lake", "echo later");
    says_real(
        machine.command("lake").env("PATH", format!("{path}:/usr/bin:/bin")),
        "the working directory's",
    );

    machine.script("work/mine", &machine.recording("echo mine"));
    let named = machine.root.join("work/mine");
    let output = machine.command("lean").arg("a").env("LEAN_COPILOT_REAL_LEAN", named).output().unwrap();
    assert_eq!(text(&output.stdout), "mine\n");
}

/// A server that a shell plays: it echoes, which a proxy must not change.
fn echoing(child: &mut Child) -> Vec<u8> {
    let mut stdin = child.stdin.take().unwrap();
    let sent = Frame::from_body(json!({"jsonrpc": "2.0", "method": "$/x", "params": {}}).to_string());
    stdin.write_all(sent.raw()).unwrap();
    drop(stdin);
    sent.raw().to_vec()
}

#[test]
fn a_server_behind_the_proxy_gets_the_arguments_and_keeps_its_exit_code() {
    for (tool, args, wanted) in [
        ("lake", vec!["+tc", "serve", "--", "/p q", "-Dx=1"], vec!["+tc", "serve", "--", "/p q", "-Dx=1"]),
        ("lake", vec!["serve"], vec!["serve", "--"]),
        ("lean", vec!["+tc", "--server", "untitled"], vec!["+tc", "--server", "untitled"]),
    ] {
        let machine = Machine::new("standin-serve");
        machine.real(tool, "cat; exit 4");
        let piped = |c: &mut Command| {
            c.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut child = piped(machine.command(tool).args(&args));
        let sent = echoing(&mut child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{args:?}");
        assert_eq!((output.stdout, text(&output.stderr)), (sent, ""), "{args:?}");
        assert_eq!(machine.args(), wanted.iter().map(OsString::from).collect::<Vec<_>>());
        let log = std::fs::read_to_string(machine.root.join("home/.local/state/lean-copilot/log/serve.log"));
        assert!(log.unwrap().contains("Lean started"), "it went through the proxy");
    }
}

#[test]
fn where_our_part_cannot_work_lean_works_as_without_it() {
    let machine = Machine::new("standin-broken");
    machine.real("lake", "cat; exit 5");
    let config = machine.root.join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::write(config.join("config.toml"), "pause_ms = [broken").unwrap();
    for (key, value) in
        [("LEAN_COPILOT_CONFIG_DIR", &config), ("LEAN_COPILOT_STATE_DIR", &PathBuf::from("/proc/no"))]
    {
        let mut command = machine.command("lake");
        command.arg("serve").env(key, value);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let sent = echoing(&mut child);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stdout, text(&output.stderr)), (Some(5), sent, ""), "{key}");
    }
}

/// Nothing of Lean's on PATH.
fn bare(name: &str) -> Machine {
    let machine = Machine::new(name);
    std::fs::write(machine.root.join("work/A.lean"), "theorem t : 1 + 1 = 2 := rfl\n#eval 40 + 2\n").unwrap();
    std::fs::write(machine.root.join("work/Bad.lean"), "example : 1 = 2 := rfl\n").unwrap();
    machine
}

fn bare_machine_has_lean() -> bool {
    ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|f| Path::new(f).join("lean").exists())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_lean_the_embedded_one_elaborates_and_says_what_it_is() {
    if bare_machine_has_lean() {
        // The system folders that scripts need hold a Lean: the machine of this test cannot be made.
        panic!("this test needs a machine without Lean in the system's folders");
    }
    let _permit = support::permit().await;
    tokio::task::block_in_place(|| {
        let machine = bare("standin-embedded");
        let output = machine.command("lean").arg("A.lean").output().unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "42\n"));
        let output = machine.command("lean").arg("Bad.lean").output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stdout).contains("Bad.lean:1:"), "{output:?}");
        let output = machine.command("lean").arg("--version").output().unwrap();
        assert!(text(&output.stdout).starts_with("Lean (version 4.28.0"), "{output:?}");
        // Editors take another exit code for a Lean that does not work.
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
        assert_eq!(machine.command("lean").arg("--no-such-option").output().unwrap().status.code(), Some(1));
    });
}

#[test]
fn what_editors_ask_of_lake_and_elan_is_answered_and_the_rest_is_refused_with_the_remedy() {
    let machine = bare("standin-asked");
    support::lean();
    let ask = |tool: &str, args: &[&str]| machine.command(tool).args(args).output().unwrap();
    let lake = ask("lake", &["--version"]);
    assert!(text(&lake.stdout).starts_with("Lake version 5."), "{lake:?}");
    assert!(text(&lake.stdout).contains("(Lean version 4.28.0"), "{lake:?}");
    assert!(text(&ask("elan", &["--version"]).stdout).starts_with("elan 4."));
    let state: Value = serde_json::from_slice(&ask("elan", &["dump-state", "--no-net"]).stdout).unwrap();
    let installed = &state["toolchains"]["installed"][0];
    assert!(Path::new(installed["path"].as_str().unwrap()).join("lib/lean").is_dir(), "{state}");
    assert_eq!(state["toolchains"]["resolved_active"]["live"]["Ok"], installed["resolved_name"]);

    for (tool, args) in [
        ("lake", vec!["build", "Foo"]),
        ("lake", vec!["+nightly", "--version"]),
        ("lean", vec!["+leanprover/lean4:v4.9.0", "A.lean"]),
        ("elan", vec!["toolchain", "install", "stable"]),
        ("elan", vec![]),
    ] {
        let output = ask(tool, &args);
        assert_eq!(output.status.code(), Some(3), "{tool} {args:?}");
        assert!(output.stdout.is_empty(), "{tool} {args:?}");
        let said = text(&output.stderr);
        let called = [&[tool][..], &args].concat().join(" ");
        assert!(said.starts_with(&format!("error: `{called}` is not possible here")), "{said}");
        assert!(said.contains("hint: install Lean with elan"), "{said}");
    }
    machine.real("elan", "echo elan 4.9.9; exit 2");
    let output = ask("elan", &["dump-state"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), "elan 4.9.9\n"), "a real one passes");

    // Nothing at all: also the embedded Lean is missing.
    let empty = machine.root.join("no-cache");
    let output = machine.command("lean").arg("A.lean").env("LEAN_COPILOT_CACHE_DIR", empty).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("lean-copilot runtime install"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lake_serve_over_the_embedded_lean_answers_initialize_as_the_proxy() {
    let _permit = support::permit().await;
    tokio::task::block_in_place(|| {
        let machine = bare("standin-lsp");
        let mut command = machine.command("lake");
        command.args(["serve", "--"]).arg(machine.root.join("work")).arg("-DmaxRecDepth=1000");
        // A group of its own, as editors give it.
        command.process_group(0);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut send = |body: Value| stdin.write_all(Frame::from_body(body.to_string()).raw()).unwrap();
        send(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}}));
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let answer = read(&mut stdout);
        assert_eq!(answer["id"], 0);
        assert_eq!(answer["result"]["serverInfo"]["name"], "Lean 4 Server", "{answer}");
        assert!(answer["result"]["capabilities"]["experimental"]["leanCopilot"].is_object(), "{answer}");
        send(json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
        send(json!({"jsonrpc": "2.0", "id": 1, "method": "shutdown"}));
        while read(&mut stdout)["id"] != 1 {}
        send(json!({"jsonrpc": "2.0", "method": "exit"}));
        let started = Instant::now();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
        assert!(started.elapsed() < Duration::from_secs(30));
    });
}

fn read(from: &mut impl BufRead) -> Value {
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(from.read_line(&mut line).unwrap() > 0, "the server ended");
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", n)) => length = n.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}
