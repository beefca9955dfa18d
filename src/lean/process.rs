//! Lean's server as a child process in a group of its own.
//!
//! The whole group is killed when the owner drops it. Where we are killed ourselves (SIGKILL, power),
//! the child's standard input ends, and Lean's server takes that for `exit`: its workers, which leave
//! the group by `setsid`, see the end of theirs in turn.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

use super::sandbox::Sandbox;
use super::{LeanCommand, toolchain};
use crate::error::{Failure, FailureKind};

/// A running server; killed with its group and reaped on drop.
#[derive(Debug)]
pub struct ServerProcess {
    child: Box<dyn ChildWrapper>,
    /// Towards the server; closing it asks it to end. Taken by whoever writes.
    pub stdin: Option<ChildStdin>,
    /// From the server. Taken by whoever reads.
    pub stdout: Option<ChildStdout>,
    /// What Lean prints beside the protocol. Must be read by someone, or the server may block on it.
    pub stderr: Option<ChildStderr>,
    // Below the child, so that its folder is removed when the group has been killed.
    _sandbox: Option<Sandbox>,
}

impl ServerProcess {
    /// Starts the command with three pipes, in the sandbox where the command says so. Needs a Tokio runtime.
    pub fn spawn(command: &LeanCommand) -> Result<ServerProcess> {
        let sandbox = sandbox_of(command)?;
        let mut wrap = CommandWrap::with_new(&command.program, |c| {
            c.args(&command.args)
                .envs(command.env.iter().map(|(k, v)| (k, v)))
                .current_dir(&command.cwd)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            if let Some(sandbox) = &sandbox {
                sandbox.confine(c);
            }
        });
        wrap.wrap(KillOnDrop);
        #[cfg(unix)]
        wrap.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        wrap.wrap(process_wrap::tokio::JobObject);
        let mut child = wrap.spawn().map_err(|e| spawn_failure(command, &e))?;
        let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        Ok(ServerProcess { child, stdin, stdout, stderr, _sandbox: sandbox })
    }

    /// The process id, while it has not been waited for.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for the end of the process.
    pub async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Gives the process `grace` to end by itself (its input must have been closed, or `exit` sent),
    /// then kills the group; the status is `None` where it had to be killed.
    pub async fn finish(mut self, grace: Duration) -> Option<ExitStatus> {
        drop(self.stdin.take());
        tokio::time::timeout(grace, self.child.wait()).await.ok().and_then(Result::ok)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // The group, not only the child; Tokio reaps the child itself.
        if let Err(e) = self.child.start_kill() {
            tracing::debug!("killing the Lean server: {e}");
        }
    }
}

/// The sandbox of a command that asks for one: beside its own folder it may write to the project's `.lake`,
/// where Lake keeps what it has read of the lakefile.
fn sandbox_of(command: &LeanCommand) -> Result<Option<Sandbox>> {
    let Some(limits) = command.confined else { return Ok(None) };
    let lake = toolchain::lake_project(&command.cwd).unwrap_or_else(|| command.cwd.clone()).join(".lake");
    if command.cwd.join("lakefile.toml").is_file() || command.cwd.join("lakefile.lean").is_file() {
        // It can be permitted only where it exists. Where it cannot be made, Lake will say so itself.
        let _ = std::fs::create_dir(&lake);
    }
    let memory = limits.memory.filter(|_| !command.is_embedded());
    Sandbox::new(&[lake], memory).map(Some)
}

fn spawn_failure(command: &LeanCommand, error: &std::io::Error) -> Failure {
    let program = command.program.display();
    if !command.cwd.is_dir() {
        return Failure::new(FailureKind::Usage, format!("`{}` is not a folder", command.cwd.display()));
    }
    let failure =
        Failure::new(FailureKind::Lean, format!("cannot start the Lean server `{}`: {error}", command.label));
    match error.kind() {
        _ if command.confined.is_some() && error.kind() != std::io::ErrorKind::NotFound => failure.hint(
            "`lean-copilot doctor` says what the sandbox can do here; the setting `sandbox = false` does without",
        ),
        std::io::ErrorKind::NotFound => failure.hint(format!(
            "`{program}` was not found; install Lean (https://lean-lang.org/install), or give the command: \
             `lean-copilot serve -- COMMAND…`"
        )),
        std::io::ErrorKind::PermissionDenied => failure.hint(format!("`{program}` is not executable")),
        _ => failure,
    }
}

/// The last lines that a process printed on stderr, for messages about its end.
#[derive(Debug, Clone, Default)]
pub struct StderrTail(Arc<Mutex<VecDeque<String>>>);

impl StderrTail {
    /// Reads a stderr to its end in a task of its own; each line goes to the log as well.
    pub fn follow(stderr: impl AsyncRead + Unpin + Send + 'static) -> StderrTail {
        const LINES: usize = 20;
        let tail = StderrTail::default();
        let lines = tail.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(stderr);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).await.is_ok_and(|n| n > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                tracing::debug!(target: "lean_stderr", "{text}");
                let mut kept = lines.0.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LINES {
                    kept.pop_front();
                }
                kept.push_back(text);
            }
        });
        tail
    }

    /// The lines, oldest first.
    pub fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> LeanCommand {
        LeanCommand::from_words(vec!["sh".into(), "-c".into(), script.into()], std::env::temp_dir()).unwrap()
    }

    #[tokio::test]
    async fn the_whole_group_dies_with_its_owner() {
        use tokio::io::AsyncReadExt;
        // The grandchild keeps the pipe open: it ends only when the grandchild is dead, too.
        let mut process = ServerProcess::spawn(&shell("sleep 1000 & echo up; wait")).unwrap();
        let mut stdout = process.stdout.take().unwrap();
        let mut first = [0u8; 3];
        stdout.read_exact(&mut first).await.unwrap();
        drop(process);
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), stdout.read_to_end(&mut rest))
            .await
            .expect("the grandchild outlived its group")
            .unwrap();
    }

    #[tokio::test]
    async fn a_process_that_ends_by_itself_gives_its_status() {
        let process = ServerProcess::spawn(&shell("cat; exit 3")).unwrap();
        assert_eq!(process.finish(Duration::from_secs(5)).await.unwrap().code(), Some(3));
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let command = LeanCommand::from_words(vec!["no-such-lean".into()], std::env::temp_dir()).unwrap();
        let error = ServerProcess::spawn(&command).unwrap_err();
        assert!(error.to_string().contains("`no-such-lean`"), "{error}");
        assert_eq!(Failure::of(&error).unwrap().kind, FailureKind::Lean);
    }

    #[tokio::test]
    async fn the_end_of_stderr_is_kept() {
        let tail = StderrTail::follow(&b"one\ntwo\n"[..]);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(tail.text(), "one\ntwo");
    }
}
