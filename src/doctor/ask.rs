//! Asking a program, with a time limit: what hangs or dies is an answer too.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a program said.
#[derive(Debug)]
pub struct Answer {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Answer {
    /// The first line of its output that says something.
    pub fn line(&self) -> &str {
        self.stdout.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default()
    }
}

/// Runs a program to its end, without input; the error says in words why there is no answer.
pub fn ask(mut command: Command, limit: Duration) -> Result<Answer, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|e| format!("cannot be started: {e}"))?;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < limit => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                kill(&mut child);
                return Err(format!("did not answer within {} s", limit.as_secs()));
            }
            Err(e) => {
                kill(&mut child);
                return Err(format!("cannot be waited for: {e}"));
            }
        }
    };
    // Children that keep the pipes open are not waited for.
    kill_group(&child);
    let text = |reader: std::thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
    };
    let answer = Answer { status, stdout: text(stdout), stderr: text(stderr) };
    if answer.status.success() {
        return Ok(answer);
    }
    let last = answer.stderr.lines().chain(answer.stdout.lines()).find(|l| !l.trim().is_empty());
    let said = last.map(|l| format!(": {}", l.trim())).unwrap_or_default();
    Err(format!("ended with {}{said}", answer.status))
}

fn drain(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before an error counts.
            let _ = pipe.take(1 << 20).read_to_end(&mut bytes);
        }
        bytes
    })
}

fn kill(child: &mut Child) {
    kill_group(child);
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(unix)]
fn kill_group(child: &Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // Mostly it is gone already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_child: &Child) {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limit: u64) -> Result<Answer, String> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        ask(command, Duration::from_secs(limit))
    }

    #[test]
    fn what_hangs_dies_or_is_missing_is_said() {
        assert_eq!(shell("echo; echo ' a'; echo b", 10).unwrap().line(), "a");
        let said = shell("echo why >&2; exit 3", 10).unwrap_err();
        assert!(said.contains("3") && said.ends_with(": why"), "{said}");
        assert!(shell("kill -9 $$", 10).unwrap_err().contains("9"));
        assert_eq!(shell("sleep 100", 1).unwrap_err(), "did not answer within 1 s");
        // A child that keeps the pipes does not keep us.
        assert_eq!(shell("sleep 100 & echo up", 10).unwrap().line(), "up");
        let missing = ask(Command::new("/nowhere/lean"), Duration::from_secs(1)).unwrap_err();
        assert!(missing.starts_with("cannot be started"), "{missing}");
    }
}
