//! A Lean that runs one of our programs and answers requests, one JSON object a line.
//!
//! A start of the embedded Lean costs seconds, and so does every import anew; one process therefore takes many
//! files, and a new one takes over before its memory is full (what it imported is never given back).

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::{Failure, FailureKind};
use crate::lean::LeanCommand;

/// One of our Lean programs, ready to be run.
#[derive(Debug)]
pub struct Program {
    /// What `lean --run` gets.
    main: PathBuf,
    /// Where its compiled form lies, for LEAN_PATH.
    pub folder: Option<PathBuf>,
    /// The temporary file, where there is one.
    _file: Option<tempfile::NamedTempFile>,
}

impl Program {
    /// The program as a temporary file, elaborated at every start: what a native Lean does in a second.
    pub fn from_text(text: &str) -> Result<Program> {
        let file = tempfile::Builder::new().prefix("lean-copilot-").suffix(".lean").tempfile()?;
        std::fs::write(file.path(), text).context("cannot write a temporary file")?;
        Ok(Program { main: file.path().to_owned(), folder: None, _file: Some(file) })
    }

    /// The program compiled once and kept below `cache`: the embedded Lean takes up to twenty seconds to
    /// elaborate it. `name` is that of its module; `toolchain` says which Lean can read what it wrote.
    pub fn compiled(
        cache: &Path,
        lean: &LeanCommand,
        toolchain: &str,
        name: &str,
        text: &str,
    ) -> Result<Program> {
        let hash = Sha256::digest(format!("{toolchain}\n{text}").as_bytes());
        let hash: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
        let folder = cache.join("programs").join(format!("{name}-{hash}"));
        let main = folder.join("Main.lean");
        let _lock = super::store::lock(&folder)?;
        if !main.is_file() {
            let source = folder.join(format!("{name}.lean"));
            std::fs::write(&source, text).with_context(|| format!("cannot write `{}`", source.display()))?;
            // Lean compiles nothing outside of a root, which is the working directory unless it is named.
            let olean = folder.join(format!("{name}.olean"));
            let args: Vec<OsString> =
                vec!["-R".into(), folder.clone().into(), "-o".into(), olean.into(), source.into()];
            let mut compile = command(lean, &args, &[]);
            let output = compile.stderr(Stdio::piped()).output().map_err(|e| cannot_start(lean, &e))?;
            if !output.status.success() {
                let said = [output.stdout, output.stderr].concat();
                return Err(Failure::new(
                    FailureKind::Lean,
                    format!("Lean cannot compile `{name}.lean`: {}", String::from_utf8_lossy(&said).trim()),
                )
                .into());
            }
            // Written last: the folder is complete when it is there.
            std::fs::write(&main, format!("import {name}\n"))
                .with_context(|| format!("cannot write `{}`", main.display()))?;
        }
        Ok(Program { main, folder: Some(folder), _file: None })
    }
}

/// The command with these arguments, and folders before those of its own LEAN_PATH.
fn command(lean: &LeanCommand, args: &[OsString], lean_path: &[PathBuf]) -> Command {
    let mut command = Command::new(&lean.program);
    command.args(&lean.args).args(args).current_dir(&lean.cwd);
    let mut path = lean_path.to_vec();
    for (name, value) in &lean.env {
        match name == "LEAN_PATH" {
            true => path.extend(std::env::split_paths(value)),
            false => drop(command.env(name, value)),
        }
    }
    if !path.is_empty() {
        // Inherited folders stay: `lake env` and people set them for a native Lean.
        path.extend(std::env::var_os("LEAN_PATH").iter().flat_map(std::env::split_paths));
        command.env("LEAN_PATH", std::env::join_paths(path).unwrap_or_default());
    }
    // Lean's own messages on standard error are not ours to show, and nobody may have to read them for
    // Lean to go on.
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

fn cannot_start(lean: &LeanCommand, error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Lean, format!("cannot start Lean (`{}`): {error}", lean.program.display()))
        .hint("`lean-copilot runtime install` brings a Lean of its own")
}

/// What closes the answer to a request.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct End {
    /// The file.
    pub file: String,
    /// Number of errors that Lean reported.
    pub errors: usize,
    /// The first of them.
    pub first_error: Option<String>,
    /// Why the file could not be elaborated at all.
    pub failed: Option<String>,
    /// Declarations with tactics.
    pub decls: usize,
    /// Those of them with traced steps and without errors.
    pub clean: usize,
    /// Number of steps printed.
    pub steps: usize,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// Lean ended; how.
    Ended(String),
    /// It took longer than it may.
    TooLong(Duration),
}

/// A running program.
pub struct Worker {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    /// Requests answered.
    pub answered: usize,
}

impl Worker {
    /// Starts Lean on the program with these arguments. `lean_path` are folders of compiled modules.
    pub fn start(
        lean: &LeanCommand,
        program: &Program,
        args: &[&str],
        lean_path: &[PathBuf],
    ) -> Result<Worker> {
        let mut all: Vec<OsString> = vec!["--run".into(), program.main.clone().into()];
        all.extend(args.iter().map(OsString::from));
        let mut path = lean_path.to_vec();
        path.extend(program.folder.clone());
        let mut child = command(lean, &all, &path).spawn().map_err(|e| cannot_start(lean, &e))?;
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            // The traced file's own `#eval` may print anything between our lines.
            while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
                line.clear();
            }
        });
        Ok(Worker { child, stdin, lines, answered: 0 })
    }

    /// Memory of the process, in bytes, where the system says.
    pub fn memory(&self) -> Option<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
    }

    /// Sends a request about `file` and hands each line of the answer to `each`, up to the closing one.
    pub fn request(
        &mut self,
        file: &str,
        request: &serde_json::Value,
        longest: Duration,
        mut each: impl FnMut(&str),
    ) -> Result<End, Lost> {
        // A dead process shows itself when its output ends.
        let _ = writeln!(self.stdin, "{request}").and_then(|()| self.stdin.flush());
        let deadline = Instant::now() + longest;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let end =
                        line.starts_with('{').then(|| serde_json::from_str::<End>(&line).ok()).flatten();
                    if let Some(end) = end.filter(|e| e.file == file) {
                        self.answered += 1;
                        return Ok(end);
                    }
                    each(line.trim_end());
                }
                Err(RecvTimeoutError::Timeout) => return Err(Lost::TooLong(longest)),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait();
                    return Err(Lost::Ended(status.map_or_else(|e| e.to_string(), |s| s.to_string())));
                }
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
