//! Lean's server as a child process in a group of its own.
//!
//! The whole group is killed when the owner drops it. Where we are killed ourselves (SIGKILL), the kernel
//! kills the child too (Linux), whatever it is busy with; elsewhere it sees its standard input end, which
//! Lean's server takes for `exit`. Its workers, which may have left the group by `setsid`, see the end of
//! theirs in turn.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
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
        #[cfg(target_os = "linux")]
        let spawned = bound::spawn(wrap);
        #[cfg(not(target_os = "linux"))]
        let spawned = wrap.spawn();
        let mut child = spawned.map_err(|e| spawn_failure(command, &e))?;
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

/// Children that do not outlive us, however we end.
#[cfg(target_os = "linux")]
mod bound {
    use std::io::{Error, ErrorKind, Result};
    use std::sync::mpsc::{Sender, channel, sync_channel};
    use std::sync::{LazyLock, Mutex, PoisonError};

    use process_wrap::tokio::{ChildWrapper, CommandWrap};
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

    type Job = Box<dyn FnOnce() + Send>;

    /// The kernel ends such a child with the *thread* that started it, and Tokio's threads come and go:
    /// all are started by one that lives as long as the process.
    static STARTER: LazyLock<Mutex<Sender<Job>>> = LazyLock::new(|| {
        let (jobs, queue) = channel::<Job>();
        // Where no thread can be made, the queue is closed, and starting a child fails with a message.
        let _ =
            std::thread::Builder::new().name("starter".into()).spawn(move || queue.iter().for_each(|j| j()));
        Mutex::new(jobs)
    });

    /// Starts the command. Needs a Tokio runtime.
    pub fn spawn(mut wrap: CommandWrap) -> Result<Box<dyn ChildWrapper>> {
        let parent = getpid();
        let die_with_us = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // We may have died before that was asked for.
            if getppid() == Some(parent) { Ok(()) } else { Err(Error::from(ErrorKind::BrokenPipe)) }
        };
        // SAFETY: between `fork` and `exec` the closure makes two system calls and allocates nothing.
        unsafe { wrap.command_mut().pre_exec(die_with_us) };
        let runtime = tokio::runtime::Handle::current();
        let (answer, answered) = sync_channel(1);
        let job: Job = Box::new(move || {
            let _context = runtime.enter();
            // Whoever asked waits below.
            let _ = answer.send(wrap.spawn());
        });
        let gone = || Error::other("the thread that starts processes cannot be made");
        STARTER.lock().unwrap_or_else(PoisonError::into_inner).send(job).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}

/// The last lines that a process printed on stderr, for messages about its end.
#[derive(Debug, Clone, Default)]
pub struct StderrTail(Arc<Mutex<VecDeque<String>>>);

impl StderrTail {
    /// Reads a stderr to its end in a task of its own; each line goes to the log as well. A line without
    /// an end is cut, so that a flood takes no memory.
    pub fn follow(stderr: impl AsyncRead + Unpin + Send + 'static) -> StderrTail {
        const LINES: usize = 20;
        const LONGEST: u64 = 4096;
        let tail = StderrTail::default();
        let lines = tail.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(stderr);
            let mut line = Vec::new();
            while (&mut reader).take(LONGEST).read_until(b'\n', &mut line).await.is_ok_and(|n| n > 0) {
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

    #[tokio::test]
    async fn a_line_without_an_end_takes_no_memory() {
        let tail = StderrTail::follow(tokio::io::repeat(b'x').take(8 << 20));
        let started = std::time::Instant::now();
        while tail.text().len() < 4096 {
            assert!(started.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(tail.text().len() <= 20 * 4097, "{}", tail.text().len());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_server_lives_on_when_the_thread_that_asked_for_it_ends() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let asked = std::thread::spawn(move || {
            let _context = handle.enter();
            ServerProcess::spawn(&shell("cat; exit 3")).unwrap()
        });
        let process = asked.join().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let status = runtime.block_on(process.finish(Duration::from_secs(5)));
        assert_eq!(status.unwrap().code(), Some(3));
    }
}
