//! The user's own `npm` and `pip`: their settings, mirrors and proxies hold; no registry is named here.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::manifest::{ClientKind, Package};
use crate::error::{Failure, FailureKind};

/// A package client that was found and answers.
#[derive(Debug, Clone)]
pub struct Client {
    kind: ClientKind,
    words: Vec<OsString>,
}

impl Client {
    /// Looks for the client; `None` when no command of that name works.
    pub fn find(kind: ClientKind) -> Option<Client> {
        let commands: &[&[&str]] = match (kind, cfg!(windows)) {
            (ClientKind::Npm, false) => &[&["npm"]],
            (ClientKind::Npm, true) => &[&["npm.cmd"]],
            (ClientKind::Pip, false) => {
                &[&["pip3"], &["pip"], &["python3", "-m", "pip"], &["python", "-m", "pip"]]
            }
            (ClientKind::Pip, true) => &[&["pip"], &["py", "-m", "pip"], &["python", "-m", "pip"]],
        };
        commands.iter().find_map(|words| {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).arg("--version");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let works = command.status().is_ok_and(|s| s.success());
            works.then(|| Client { kind, words: words.iter().map(OsString::from).collect() })
        })
    }

    /// Fetches one archive into `folder` (empty, on the disk where it will be unpacked) and checks its
    /// hash. `progress` gets the bytes that are there so far.
    pub fn fetch(&self, package: &Package, folder: &Path, progress: &dyn Fn(u64)) -> Result<PathBuf> {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).current_dir(folder).stdin(Stdio::null());
        let scratch = folder.join("client");
        std::fs::create_dir_all(&scratch).map_err(|e| disk_error(e, &scratch))?;
        match (self.kind, &package.wheel) {
            (ClientKind::Pip, Some(wheel)) => {
                command.args(["download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]);
                command.args(["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]);
                command.args(["--implementation", if wheel.abi == "none" { "py" } else { "cp" }]);
                command.args(["--abi", &wheel.abi, "--python-version", &wheel.python]);
                command.args(["--platform", &wheel.platform, "--dest", "."]);
                command.arg(format!("{}=={}", package.name, package.version));
            }
            _ => {
                // A cache of its own: the archive does not stay behind a second time, and its growth is
                // the only sign of progress that npm gives.
                command.args(["pack", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
                command.arg("--update-notifier=false").arg("--cache").arg(&scratch);
                command.arg(format!("{}@{}", package.name, package.version));
            }
        }
        // pip's temporary files on the same disk as the rest: `/tmp` may be small.
        command.env("TMPDIR", &scratch);
        let (out, err) = (folder.join("client-output"), folder.join("client-errors"));
        command.stdout(create(&out)?).stderr(create(&err)?);
        let mut child = command.spawn().map_err(|e| {
            Failure::new(FailureKind::Missing, format!("cannot start `{}`: {e}", self.kind.name()))
        })?;
        let status = loop {
            if let Some(status) = child.try_wait().context("waiting for the package client")? {
                break status;
            }
            progress(size_of(folder));
            std::thread::sleep(Duration::from_millis(150));
        };
        if !status.success() {
            let said = std::fs::read_to_string(&err).unwrap_or_default();
            return Err(explain(self.kind, package, &said));
        }
        let _ = std::fs::remove_dir_all(&scratch);
        let archive = archive_in(folder)?.ok_or_else(|| {
            Failure::new(
                FailureKind::Other,
                format!("`{}` reported success but brought no archive of `{package}`", self.kind.name()),
            )
        })?;
        let mut file =
            File::open(&archive).with_context(|| format!("cannot read `{}`", archive.display()))?;
        package.hash.check(package, &mut file)?;
        Ok(archive)
    }
}

fn create(path: &Path) -> Result<File> {
    File::create(path).map_err(|e| disk_error(e, path))
}

/// The one archive in the folder.
fn archive_in(folder: &Path) -> Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "tgz" || e == "whl") {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// Bytes of all files below a folder; what vanishes meanwhile counts nothing.
pub(super) fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(m) if m.is_dir() => size_of(&entry.path()),
        Ok(m) => m.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// The failure for a write that did not succeed; a full disk gets its own remedy.
pub(super) fn disk_error(error: std::io::Error, path: &Path) -> anyhow::Error {
    let full = matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
    let failure = Failure::new(FailureKind::Other, format!("cannot write `{}`: {error}", path.display()));
    let hint = if full {
        "make room on that disk, or set LEAN_COPILOT_CACHE_DIR to a folder on another one"
    } else {
        "check the rights of that folder, or set LEAN_COPILOT_CACHE_DIR to another one"
    };
    failure.hint(hint).into()
}

/// What the client's own words mean.
fn explain(kind: ClientKind, package: &Package, said: &str) -> anyhow::Error {
    let client = kind.name();
    let has = |words: &[&str]| words.iter().any(|w| said.contains(w));
    let hint = if has(&["ENOSPC", "No space left"]) {
        "the disk is full: make room, or set LEAN_COPILOT_CACHE_DIR to a folder on another disk".to_owned()
    } else if has(&["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ECONNRESET", "ENETUNREACH"])
        || has(&["Failed to establish a new connection", "NewConnectionError", "Temporary failure in name"])
        || has(&["ProxyError", "ReadTimeoutError", "ConnectTimeoutError"])
    {
        format!(
            "the registry cannot be reached: check the network and `{client} config list`, then run the command again; what is finished is kept"
        )
    } else if has(&["E404", "ETARGET", "No matching distribution"]) {
        format!(
            "the registry in `{client} config list` does not have this version; use one that mirrors all packages"
        )
    } else {
        format!("`{client}` gave the reason above; its settings are in `{client} config list`")
    };
    // npm ends with where its log is, pip with the reason: keep what has content, not all of it.
    let lines: Vec<&str> = said
        .lines()
        .filter(|l| !l.trim().is_empty() && !l.contains("complete log") && !l.contains("[notice]"))
        .collect();
    let last = lines[lines.len().saturating_sub(6)..].join("\n  ");
    Failure::new(FailureKind::Other, format!("`{client}` could not fetch `{package}`:\n  {last}"))
        .hint(hint)
        .into()
}

/// The failure when the clients that could fetch a component are not there.
pub(super) fn missing(component: super::Component, kinds: &[ClientKind]) -> anyhow::Error {
    let names: Vec<_> = kinds.iter().map(|k| format!("`{}`", k.name())).collect();
    let mut remedies = Vec::new();
    for kind in kinds {
        remedies.push(match kind {
            ClientKind::Npm => "install Node.js with npm (Debian: `apt-get install npm`)",
            ClientKind::Pip => "install Python with pip (Debian: `apt-get install python3-pip`)",
        });
    }
    Failure::new(
        FailureKind::Missing,
        format!("{component} cannot be fetched: {} not found on PATH", names.join(" and ")),
    )
    .hint(remedies.join(", or "))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(said: &str) -> String {
        let package: Package = serde_json::from_value(serde_json::json!({
            "client": "npm", "name": "p", "version": "1.0.0", "hash": "sha512-x", "take": {}
        }))
        .unwrap();
        let error = explain(ClientKind::Npm, &package, said);
        format!("{error}\n{}", Failure::of(&error).unwrap().hint.clone().unwrap())
    }

    #[test]
    fn the_clients_words_get_a_remedy() {
        assert!(failure("npm error code ENOTFOUND").contains("check the network"));
        assert!(failure("OSError: [Errno 28] No space left on device").contains("disk is full"));
        assert!(failure("npm error code ETARGET").contains("does not have this version"));
        let other = failure("npm error code EWEIRD\nnpm error A complete log of this run can be found in: x");
        assert!(other.contains("EWEIRD") && !other.contains("complete log"), "{other}");
    }
}
