//! What the integration tests share: directories, the installed runtime, a running Lean.

#![allow(dead_code)]

#[cfg(unix)]
pub mod editor;
#[cfg(target_os = "linux")]
pub mod processes;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use lean_copilot::config::{Dirs, Settings};
use lean_copilot::lean::{LeanClient, LeanCommand, ServerProcess, client};
use lean_copilot::proof::Verdict;
use lean_copilot::runtime::locate::{EmbeddedLean, embedded_lean};
use lean_copilot::runtime::progress::Lines;
use lean_copilot::runtime::{Component, install};
use lean_copilot::verify::VerifierHandle;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

/// The source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The ordinary cache directory with the runtime in it, installed at the first call; configuration, data
/// and state in a temporary folder of this test process.
pub fn dirs() -> &'static Dirs {
    static DIRS: OnceLock<Dirs> = OnceLock::new();
    DIRS.get_or_init(|| {
        let cache = match std::env::var_os("LEAN_COPILOT_CACHE_DIR") {
            Some(dir) => std::path::absolute(dir).expect("the cache directory"),
            None => {
                use etcetera::app_strategy::{AppStrategy as _, AppStrategyArgs, choose_app_strategy};
                let args = AppStrategyArgs {
                    top_level_domain: "org".into(),
                    author: "lean-copilot".into(),
                    app_name: "lean-copilot".into(),
                };
                choose_app_strategy(args).expect("a home directory").cache_dir()
            }
        };
        let dirs = Dirs::below(&scratch("home"), root().to_path_buf(), cache);
        install::ensure(&dirs, &[Component::Lean, Component::OnnxRuntime], false, &Lines)
            .unwrap_or_else(|e| panic!("the tests need the embedded runtime: {e:#}"));
        dirs
    })
}

/// An empty folder of this test process, below `target/` so that a run leaves nothing elsewhere.
pub fn scratch(name: &str) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{n}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    folder
}

/// The embedded Lean.
pub fn lean() -> EmbeddedLean {
    embedded_lean(dirs()).expect("the embedded Lean is installed")
}

/// `lean-copilot` with directories of this test process's and the real cache; never downloads.
pub fn program() -> Command {
    let mut command = program_in(dirs());
    command.arg("--offline");
    command
}

/// `lean-copilot` with given directories.
pub fn program_in(dirs: &Dirs) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lean-copilot"));
    let all = [&dirs.config, &dirs.data, &dirs.cache, &dirs.state, &dirs.share];
    for (key, dir) in ["CONFIG", "DATA", "CACHE", "STATE", "SHARE"].iter().zip(all) {
        command.env(format!("LEAN_COPILOT_{key}_DIR"), dir);
    }
    command
}

/// How many Leans (each with a second one, where it is asked of) run at once, whatever the number of test
/// threads.
const PERMITS: u32 = 2;

/// Leave to run one Lean.
pub async fn permit() -> SemaphorePermit<'static> {
    permits(1).await
}

/// Leave to run several. They are taken together: who holds one and waits for another waits for whoever
/// does the same.
pub async fn permits(n: u32) -> SemaphorePermit<'static> {
    static FREE: Semaphore = Semaphore::const_new(PERMITS as usize);
    assert!(n <= PERMITS, "never granted");
    FREE.acquire_many(n).await.expect("never closed")
}

/// The same for tests without a runtime.
pub fn permits_blocking(n: u32) -> SemaphorePermit<'static> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(permits(n))
}

/// A verifier over the embedded Lean in a folder of its own, with leave to run it.
pub async fn verifier(name: &str, settings: &Settings) -> (VerifierHandle, SemaphorePermit<'static>) {
    let folder = scratch(name);
    let command = tokio::task::block_in_place(|| server_command(&[], &folder));
    let permit = permit().await;
    (VerifierHandle::spawn(command, settings), permit)
}

/// The verdicts by the tactics' numbers, when all are there; `None` for those that were left without one.
pub async fn all_verdicts(
    mut answers: mpsc::UnboundedReceiver<(usize, Verdict)>,
    tactics: &[&str],
) -> Vec<Option<Verdict>> {
    let mut out: Vec<Option<Verdict>> = vec![None; tactics.len()];
    while let Some((i, v)) = answers.recv().await {
        assert!(out[i].is_none(), "{} has two verdicts", tactics[i]);
        out[i] = Some(v);
    }
    out
}

/// The embedded language server as a command.
pub fn server_command(options: &[&str], cwd: &Path) -> LeanCommand {
    let lean = lean();
    let label = format!("embedded Lean {}", lean.version());
    let i = lean.server(options);
    LeanCommand {
        program: i.program,
        args: i.args,
        env: i.env,
        cwd: cwd.to_path_buf(),
        label,
        takes_options: true,
        confined: None,
    }
}

/// A running embedded language server with a client that was initialised; holds its permit.
pub struct Server {
    /// The client.
    pub client: LeanClient,
    /// The process, killed on drop.
    pub process: ServerProcess,
    stderr: tokio::task::JoinHandle<String>,
    _permit: SemaphorePermit<'static>,
}

impl Server {
    /// Starts the embedded server with these options of Lean's.
    pub async fn start(options: &[&str]) -> Server {
        Server::start_in(options, root()).await
    }

    /// The same in a folder.
    pub async fn start_in(options: &[&str], cwd: &Path) -> Server {
        let command = tokio::task::block_in_place(|| server_command(options, cwd));
        let permit = permit().await;
        let mut process = ServerProcess::spawn(&command).expect("the embedded server starts");
        let (stdout, stdin) = (process.stdout.take().unwrap(), process.stdin.take().unwrap());
        let mut errors = process.stderr.take().unwrap();
        let stderr = tokio::spawn(async move {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text).await;
            text
        });
        let client = LeanClient::start(stdout, stdin);
        client.initialize(client::initialize_params()).await.expect("initialize is answered");
        Server { client, process, stderr, _permit: permit }
    }

    /// Closes the pipes without a word, as an editor that died; the same return values as `stop`.
    pub async fn hang_up(self) -> (Option<i32>, String) {
        let Server { client, process, stderr, _permit } = self;
        drop(client);
        let status = process.finish(Duration::from_secs(20)).await;
        (status.and_then(|s| s.code()), stderr.await.unwrap_or_default())
    }

    /// Ends the server in the protocol's way; returns its exit code and what it wrote on standard error.
    pub async fn stop(self) -> (Option<i32>, String) {
        let Server { client, process, stderr, _permit } = self;
        client.shutdown(Duration::from_secs(10)).await.expect("shutdown is answered");
        let status = process.finish(Duration::from_secs(10)).await;
        (status.and_then(|s| s.code()), stderr.await.unwrap_or_default())
    }
}
