//! This program under the names `lake`, `lean` and `elan`.
//!
//! For editors whose command for Lean's server cannot be set: a folder with links of these names to this
//! program, put first on PATH. `lake serve` and `lean --server` then go through the proxy; everything else is
//! the real tool, which takes this process's place (`exec`): arguments, environment, working directory,
//! standard streams, signals and exit code are its own.
//!
//! ```text
//!                     a real tool behind ours       none
//! lake serve          proxy → lake serve            proxy → the embedded Lean
//! lean --server       proxy → lean --server         proxy → the embedded Lean
//! lean …              exec lean …                   exec the embedded Lean
//! lake, elan …        exec lake …, elan …           what editors ask is answered; the rest says what to install
//! ```
//!
//! Nothing here uses the network, and of its own nothing is printed where a server was asked for. Where our
//! part cannot work (no directories, a broken `config.toml`), the tool works as without us.

mod call;
pub mod elan;
pub mod folder;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::config::{Dirs, Settings};
use crate::error::{Failure, FailureKind, report};
use crate::lean::{LeanCommand, toolchain};
use crate::proxy;

pub use call::{Call, Tool};

/// Does what the tool would do with these arguments; on Unix it mostly does not return.
pub fn run(tool: Tool, args: Vec<OsString>) -> ExitCode {
    let call = Call { tool, args };
    let real = toolchain::native(tool.name());
    let done = match (call.serves(), &real) {
        (true, _) => serve(&call, real.as_deref()),
        (false, Some(real)) => become_real(real, &call),
        (false, None) => without_real(&call),
    };
    done.unwrap_or_else(|error| report(&error))
}

/// The proxy before the server that was asked for.
fn serve(call: &Call, real: Option<&Path>) -> Result<ExitCode> {
    let dirs = match (Dirs::from_env(), real) {
        (Ok(dirs), _) => dirs,
        // Without our own directories there is no proxy; Lean works all the same.
        (Err(_), Some(real)) => return become_real(real, call),
        (Err(error), None) => return Err(error),
    };
    // SAFETY: no thread has been started; the log's is the first.
    unsafe { crate::runtime::forbid_telemetry() };
    proxy::log::start(&dirs.log());
    let settings = Settings::load(&dirs).unwrap_or_else(|error| {
        tracing::error!("the settings do not hold, the defaults do: {error:#}");
        Settings::default()
    });
    let command = server_command(&dirs, call, real);
    Ok(ExitCode::from(proxy::serve::run(dirs, settings, command)?))
}

/// The server behind the proxy.
fn server_command(dirs: &Dirs, call: &Call, real: Option<&Path>) -> Result<LeanCommand> {
    let cwd = std::env::current_dir().context("the working directory is gone")?;
    if let Some(real) = real {
        let mut args = call.args.clone();
        if call.tool == Tool::Lake && !args.iter().any(|a| a == "--") {
            // Behind it the second server gets options of its own.
            args.push("--".into());
        }
        return Ok(LeanCommand {
            program: real.to_owned(),
            args,
            env: Vec::new(),
            cwd,
            label: call.label(),
            takes_options: true,
            confined: None,
        });
    }
    refuse_toolchain(call)?;
    let mut command = toolchain::embedded_server(dirs, &cwd, &cwd, &[])?;
    command.args.extend(call.server_args());
    Ok(command)
}

/// Puts the real tool in the place of this process.
fn become_real(real: &Path, call: &Call) -> Result<ExitCode> {
    let mut command = Command::new(real);
    command.args(&call.args);
    exec(command).with_context(|| format!("cannot run `{}`", real.display()))
}

/// The tool's work where there is no real one.
fn without_real(call: &Call) -> Result<ExitCode> {
    match call.tool {
        Tool::Lean => {
            refuse_toolchain(call)?;
            let lean = toolchain::embedded(&Dirs::from_env()?)?;
            let mut command = lean.lean(&[]).command();
            command.args(call.rest());
            exec(command).context("cannot run the embedded Lean")
        }
        Tool::Lake => match call.rest() {
            [only] if only == "--version" => {
                refuse_toolchain(call)?;
                let lean = toolchain::embedded(&Dirs::from_env()?)?;
                // Lake's own form: Emacs compares the first line with a version, others read Lean's in it.
                print(&format!("Lake version 5.0.0-lean-copilot (Lean version {})\n", lean.version()))
            }
            _ => Err(only_real(call, "the embedded Lean has no Lake: it cannot build or run packages")),
        },
        Tool::Elan => {
            let words: Vec<_> = call.args.iter().map(|a| a.to_string_lossy()).collect();
            let words: Vec<&str> = words.iter().map(|w| w.as_ref()).collect();
            let embedded = Dirs::from_env().and_then(|dirs| toolchain::embedded(&dirs));
            match elan::answer(&words, embedded.as_ref().ok().map(|lean| lean.prefix())) {
                Some(text) => print(&text),
                None => Err(only_real(call, "there is no elan on this machine to manage toolchains")),
            }
        }
    }
}

/// The embedded Lean is one version: another one that is asked for by name is not quietly replaced by it.
fn refuse_toolchain(call: &Call) -> Result<()> {
    match call.toolchain() {
        Some(name) if name != elan::TOOLCHAIN => {
            Err(only_real(call, &format!("the toolchain `{name}` is not installed")))
        }
        _ => Ok(()),
    }
}

fn only_real(call: &Call, why: &str) -> anyhow::Error {
    Failure::new(FailureKind::Missing, format!("`{}` is not possible here: {why}", call.label()))
        .hint("install Lean with elan (https://lean-lang.org/install); it is then used in the place of the embedded Lean")
        .into()
}

fn print(text: &str) -> Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write the answer")?;
    Ok(ExitCode::SUCCESS)
}

/// Becomes the command: the process id, and with it signals and exit code, are the command's.
#[cfg(unix)]
fn exec(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

/// Runs the command on this process's streams and ends as it ends.
#[cfg(not(unix))]
fn exec(mut command: Command) -> Result<ExitCode> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1))
}
