//! `serve` around the relay: this process's own pipes, Lean as a child, signals, the end.

use std::time::Duration;

use anyhow::Result;
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStderr;
use tokio::runtime::Handle;

use super::engine::Engine;
use super::stdio::{self, Input, Output};
use super::{Pipes, absent, relay};
use crate::config::{Dirs, Settings};
use crate::error::Failure;
use crate::lean::{LeanCommand, ServerProcess};

/// How long Lean may take to end by itself once its pipes are closed.
const GRACE: Duration = Duration::from_secs(10);

/// [`serve`] on runtimes of its own; the exit code. Fails where the system gives no threads.
pub fn run(dirs: Dirs, settings: Settings, command: Result<LeanCommand>) -> Result<u8> {
    // The relay has this thread to itself: a message that passes wakes nobody else.
    let workers = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let relay = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = relay.block_on(serve(dirs, settings, command, workers.handle().clone()));
    // Drops what still runs, the second server among it; not waited for longer, nor for a read of stdin,
    // which cannot be broken off.
    workers.shutdown_timeout(Duration::from_millis(300));
    relay.shutdown_background();
    Ok(code)
}

/// Serves on stdin and stdout until editor or Lean end; the exit code, Lean's where there was one. What is
/// not the relay runs on `workers`.
pub async fn serve(dirs: Dirs, settings: Settings, command: Result<LeanCommand>, workers: Handle) -> u8 {
    #[cfg(unix)]
    survive_full_files();
    tokio::select! {
        code = session(dirs, settings, command, workers) => code,
        // Dropping the session kills Lean with its group.
        signal = stopped() => signal,
    }
}

async fn session(dirs: Dirs, settings: Settings, command: Result<LeanCommand>, workers: Handle) -> u8 {
    let editor = Pipes { from: stdio::input(), to: stdio::output() };
    let started = command.and_then(|c| ServerProcess::spawn(&c).map(|p| (c, p)));
    let (command, mut process) = match started {
        Ok(started) => started,
        Err(error) => {
            tracing::error!("no Lean: {error:#}");
            let remedy = Failure::of(&error).and_then(|f| f.hint.clone()).unwrap_or_default();
            without_lean(editor, settings, format!("{error:#}"), remedy).await;
            return 0;
        }
    };
    tracing::info!(lean = command.label, pid = process.id(), "Lean started");
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (process.stdin.take(), process.stdout.take(), process.stderr.take())
    else {
        tracing::error!("the Lean server was started without pipes");
        return 1;
    };
    let noise = tokio::spawn(pass_stderr(stderr));
    #[cfg(target_os = "linux")]
    {
        stdio::widen(&stdin);
        stdio::widen(&stdout);
    }
    let engine = {
        let _entered = workers.enter();
        Engine::start(&dirs, &settings, &command)
    };
    relay(editor, Pipes { from: stdout, to: stdin }, settings, engine).await;
    let status = process.finish(GRACE).await;
    tracing::info!(?status, "Lean ended");
    // A grandchild may keep the pipe open: what it says later is not waited for.
    let _ = tokio::time::timeout(Duration::from_millis(200), noise).await;
    exit_code(status)
}

/// The relay around a stand-in that answers what an editor must have answered.
async fn without_lean(editor: Pipes<Input, Output>, settings: Settings, message: String, remedy: String) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (from, to) = tokio::io::split(ours);
    let (reader, writer) = tokio::io::split(theirs);
    let stand_in = tokio::spawn(absent::serve(reader, writer, message.clone()));
    relay(editor, Pipes { from, to }, settings, Engine::without_lean(message, remedy)).await;
    stand_in.abort();
}

/// What Lean prints beside the protocol, byte for byte.
async fn pass_stderr(mut from: ChildStderr) {
    let mut to = tokio::io::stderr();
    // Where the editor closed our stderr, Lean's words go nowhere, as they would without us.
    let _ = tokio::io::copy(&mut from, &mut to).await;
    let _ = to.flush().await;
}

fn exit_code(status: Option<std::process::ExitStatus>) -> u8 {
    let Some(status) = status else { return 1 };
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128u8.wrapping_add(signal as u8);
    }
    status.code().map_or(1, |c| c as u8)
}

/// A file that may not grow any more (`ulimit -f`, a quota) makes writing fail, as a full disk does; by
/// default it would end us, and the editor's session with us. A handler, unlike ignoring the signal, is not
/// inherited by Lean.
#[cfg(unix)]
fn survive_full_files() {
    use tokio::signal::unix::{SignalKind, signal};
    let number = rustix::process::Signal::XFSZ.as_raw();
    // The handler stays when what would listen to it is dropped.
    if let Err(e) = signal(SignalKind::from_raw(number)) {
        tracing::warn!("SIGXFSZ cannot be handled: {e}");
    }
}

/// Waits for a signal that asks us to end; its exit code.
#[cfg(unix)]
async fn stopped() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let signals =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = signals else {
        tracing::warn!("signals cannot be heard");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => 143,
        _ = interrupt.recv() => 130,
        _ = hangup.recv() => 129,
    }
}

/// Waits for a signal that asks us to end; its exit code.
#[cfg(not(unix))]
async fn stopped() -> u8 {
    // Without a handler there is nothing to wait for.
    match tokio::signal::ctrl_c().await {
        Ok(()) => 130,
        Err(_) => std::future::pending().await,
    }
}
