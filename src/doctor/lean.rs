//! Lean: the one on PATH, elan and its toolchain, the embedded one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::ask::ask;
use super::report::{Check, State};
use crate::config::Dirs;
use crate::lean::toolchain;
use crate::runtime::locate::EmbeddedLean;
use crate::runtime::status::{State as Installed, status};
use crate::runtime::{Component, locate};

/// A Lean starts in seconds; on a machine under load, in many.
const LIMIT: Duration = Duration::from_secs(120);

const INSTALL: &str = "run `lean-copilot runtime install` for the embedded Lean, or install Lean with elan \
                       (https://lean-lang.org/install)";

/// `lean`, `lake`, `elan` and `embedded_lean`, for a folder.
pub fn checks(dirs: Option<&Dirs>, folder: &Path) -> Vec<Check> {
    let native = toolchain::native("lean");
    let embedded = dirs.and_then(|d| locate::embedded_lean(d).ok());
    let embedded_check = embedded_lean(dirs, embedded.as_ref(), native.is_some());
    let lean = match (&native, &embedded) {
        (Some(lean), _) => native_lean(lean, folder),
        (None, Some(lean)) => {
            // What was found out about it holds here.
            let path = lean.prefix().display().to_string();
            Check { id: "lean".into(), path: Some(path), ..embedded_check.clone() }
        }
        (None, None) => Check::new("lean", State::Fail, "there is no Lean on this machine").remedy(INSTALL),
    };
    vec![lean, lake(folder, native.is_some()), elan(folder), embedded_check, node(dirs, native.is_some())]
}

/// A `lean` on PATH. One of elan's would fetch a missing toolchain when asked for its version; it is asked
/// only once elan has said that there is one.
fn native_lean(lean: &Path, folder: &Path) -> Check {
    let check = |state, found| Check::new("lean", state, found).path(lean);
    let sibling = lean.with_file_name(format!("elan{}", std::env::consts::EXE_SUFFIX));
    if sibling.is_file() {
        match toolchain_of(&sibling, folder) {
            Ok(Toolchain::Installed(_)) => {}
            Ok(Toolchain::Missing(name)) => {
                return check(State::Fail, format!("the toolchain `{name}` of this folder is not installed"))
                    .remedy(format!("run `elan toolchain install {name}`"));
            }
            Ok(Toolchain::None) => {
                return check(State::Fail, "elan has no default toolchain".to_owned())
                    .remedy("run `elan default stable`, or add a `lean-toolchain` file");
            }
            Err(why) => {
                return check(
                    State::Warn,
                    format!("not asked, since elan {why}; it might fetch a toolchain"),
                )
                .remedy("update elan: `elan self update`");
            }
        }
    }
    let mut command = Command::new(lean);
    command.arg("--version").current_dir(folder);
    match ask(command, LIMIT) {
        Ok(answer) => check(State::Ok, answer.line().to_owned()).version(version_in(answer.line())),
        Err(why) => check(State::Fail, format!("`lean --version` {why}"))
            .remedy("run it in this folder to see why; `elan show` says which toolchain it uses"),
    }
}

/// What elan would run in a folder.
enum Toolchain {
    Installed(String),
    Missing(String),
    None,
}

fn toolchain_of(elan: &Path, folder: &Path) -> Result<Toolchain, String> {
    let mut command = Command::new(elan);
    command.args(["dump-state", "--no-net"]).current_dir(folder);
    let answer = ask(command, LIMIT)?;
    let state: Value = serde_json::from_str(&answer.stdout).map_err(|e| format!("answers no JSON ({e})"))?;
    let toolchains = &state["toolchains"];
    let active = &toolchains["resolved_active"];
    let name = |v: &Value| v.as_str().map(str::to_owned);
    let installed = |n: &String| {
        let all = toolchains["installed"].as_array();
        all.is_some_and(|all| all.iter().any(|t| t["resolved_name"].as_str() == Some(n)))
    };
    let found = [name(&active["live"]["Ok"]), name(&active["cached"])];
    Ok(match found.iter().flatten().find(|n| installed(n)) {
        Some(installed) => Toolchain::Installed(installed.clone()),
        None => match found.into_iter().flatten().next() {
            Some(missing) => Toolchain::Missing(missing),
            None => Toolchain::None,
        },
    })
}

/// `Lean (version 4.28.0, x86_64…` → `4.28.0`.
fn version_in(line: &str) -> String {
    let rest = line.split_once("version ").map_or(line, |(_, rest)| rest);
    rest.split([',', ' ', ')']).next().unwrap_or_default().to_owned()
}

fn lake(folder: &Path, has_lean: bool) -> Check {
    let project = toolchain::lake_project(folder);
    match (toolchain::native("lake"), project) {
        // Asking a Lake of elan's could fetch a toolchain; that it is there is all that is needed.
        (Some(lake), Some(root)) => {
            let found = format!("serves the project `{}`", root.display());
            Check::new("lake", State::Ok, found).path(&lake)
        }
        (Some(lake), None) => {
            Check::new("lake", State::Ok, "there; this folder is no Lake project").path(&lake)
        }
        (None, Some(root)) => {
            let with = if has_lean { "`lean --server`" } else { "the embedded Lean" };
            let found = format!(
                "`{}` is a Lake project, and there is no Lake: {with} serves it, without its packages",
                root.display()
            );
            Check::new("lake", State::Warn, found)
                .remedy("install Lean with elan (https://lean-lang.org/install)")
        }
        (None, None) => Check::new("lake", State::Off, "none; this folder is no Lake project"),
    }
}

fn elan(folder: &Path) -> Check {
    let Some(elan) = toolchain::native("elan") else {
        let home = std::env::var_os("ELAN_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(etcetera::home_dir().ok()?.join(".elan")));
        let file = home.map(|h| h.join("bin").join(format!("elan{}", std::env::consts::EXE_SUFFIX)));
        return match file.filter(|f| f.is_file()) {
            Some(file) => {
                let bin = file.parent().unwrap_or(Path::new("")).display().to_string();
                Check::new("elan", State::Warn, "installed, and not on PATH: its Lean is not used")
                    .path(&file)
                    .remedy(format!("put `{bin}` on PATH"))
            }
            None => Check::new("elan", State::Off, "none"),
        };
    };
    let version = {
        let mut command = Command::new(&elan);
        command.arg("--version");
        ask(command, LIMIT)
    };
    match version {
        Err(why) => Check::new("elan", State::Warn, format!("`elan --version` {why}")).path(&elan),
        Ok(answer) => {
            let toolchain = match toolchain_of(&elan, folder) {
                Ok(Toolchain::Installed(name)) => format!("this folder's toolchain is `{name}`"),
                Ok(Toolchain::Missing(name)) => {
                    format!("this folder's toolchain, `{name}`, is not installed")
                }
                Ok(Toolchain::None) => "no default toolchain".to_owned(),
                Err(why) => format!("`elan dump-state` {why}"),
            };
            let version = answer.line().split(' ').nth(1).unwrap_or_default().to_owned();
            Check::new("elan", State::Ok, toolchain).path(&elan).version(version)
        }
    }
}

/// The embedded Lean, started. It is needed only where there is no other.
fn embedded_lean(dirs: Option<&Dirs>, lean: Option<&EmbeddedLean>, has_native: bool) -> Check {
    let id = "embedded_lean";
    let bad = if has_native { State::Warn } else { State::Fail };
    let Some(lean) = lean else {
        let (state, remedy) = match has_native {
            true => (State::Off, None),
            false => (State::Fail, Some(INSTALL.to_owned())),
        };
        let why = dirs.and_then(|d| locate::embedded_lean(d).err());
        let found =
            why.map_or("not looked for: the directories are not known".to_owned(), |e| format!("{e:#}"));
        return Check { remedy, ..Check::new(id, state, found) };
    };
    let check = |state, found| Check::new(id, state, found).path(lean.prefix()).version(lean.version());
    match ask(lean.lean(&["--version"]).command(), LIMIT) {
        Ok(answer) => check(State::Ok, answer.line().to_owned()),
        Err(why) => check(bad, format!("the embedded Lean {why}"))
            .remedy("run `lean-copilot runtime remove lean`, then `lean-copilot runtime install`"),
    }
}

/// Node, which runs the embedded Lean.
fn node(dirs: Option<&Dirs>, has_native: bool) -> Check {
    let found = dirs.map(status).and_then(Result::ok);
    let Some(node) = found.and_then(|all| all.into_iter().find(|s| s.component == Component::Node)) else {
        return Check::new("node", State::Off, "not looked for: the directories are not known");
    };
    let version = node.version.unwrap_or_default();
    let check = match node.state {
        Installed::System => Check::new("node", State::Ok, "the system's").version(version),
        Installed::Installed => {
            Check::new("node", State::Ok, "installed in the cache directory").version(version)
        }
        Installed::Missing | Installed::Unavailable if has_native => {
            Check::new("node", State::Off, "none that is new enough; only the embedded Lean would need it")
        }
        Installed::Missing => {
            let found = format!("none that is new enough ({} or newer)", locate::OLDEST_NODE);
            Check::new("node", State::Fail, found).remedy("run `lean-copilot runtime install`")
        }
        Installed::Unavailable => {
            let found = "none that is new enough, and none to install for this platform";
            let remedy = format!("install Node {} or newer", locate::OLDEST_NODE);
            Check::new("node", State::Fail, found).remedy(remedy)
        }
    };
    match node.path {
        Some(path) => check.path(&path),
        None => check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_leans_first_line() {
        let line = "Lean (version 4.28.0-pre, wasm32-unknown-emscripten, commit 38f3c0c4, Release)";
        assert_eq!(version_in(line), "4.28.0-pre");
        assert_eq!(version_in("Lean (version 4.9.0)"), "4.9.0");
    }
}
