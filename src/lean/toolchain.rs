//! Which Lean serves a folder: the project's own, the one on PATH, or the embedded one.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::LeanCommand;
use crate::config::Dirs;
use crate::error::{Failure, FailureKind};
use crate::runtime::locate::{self, Invocation};

/// The language server for a folder: `lake serve --` in a Lake project, `lean --server` elsewhere, the
/// embedded Lean where the machine has neither.
pub fn server_command(dirs: &Dirs, folder: &Path) -> Result<LeanCommand> {
    let project = lake_project(folder);
    if let (Some(root), Some(lake)) = (&project, native("lake")) {
        return Ok(command(lake, &["serve", "--"], root, "lake serve", true));
    }
    let root = project.unwrap_or_else(|| folder.to_owned());
    if let Some(lean) = native("lean") {
        return Ok(command(lean, &["--server"], &root, "lean --server", true));
    }
    let lean = embedded(dirs)?;
    let label = format!("embedded Lean {}", lean.version());
    Ok(invoke(lean.server(&[]), &root, label, true))
}

/// A `lean` for whole files in a folder, to which arguments are appended: `lake env lean` in a Lake
/// project, `lean` elsewhere, the embedded Lean where the machine has neither.
pub fn batch_command(dirs: &Dirs, folder: &Path) -> Result<LeanCommand> {
    let project = lake_project(folder);
    if let (Some(root), Some(lake)) = (&project, native("lake")) {
        return Ok(command(lake, &["env", "lean"], root, "lake env lean", true));
    }
    let root = project.unwrap_or_else(|| folder.to_owned());
    if let Some(lean) = native("lean") {
        return Ok(command(lean, &[], &root, "lean", true));
    }
    let lean = embedded(dirs)?;
    let label = format!("embedded Lean {}", lean.version());
    Ok(invoke(lean.lean(&[]), &root, label, true))
}

/// Whether commands for this folder run the embedded Lean, which may have to be installed first.
pub fn is_embedded(folder: &Path) -> bool {
    native("lean").is_none() && (lake_project(folder).is_none() || native("lake").is_none())
}

/// The nearest folder at or above this one that holds a lakefile.
pub fn lake_project(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let is_root = |f: &&Path| f.join("lakefile.lean").is_file() || f.join("lakefile.toml").is_file();
    folder.ancestors().find(is_root).map(Path::to_path_buf)
}

/// A program of Lean's on PATH that is not ourselves under its name; `LEAN_COPILOT_REAL_LAKE` names the
/// real `lake` where PATH does not lead to it.
pub fn native(name: &str) -> Option<PathBuf> {
    if name == "lake"
        && let Some(real) = std::env::var_os("LEAN_COPILOT_REAL_LAKE").filter(|v| !v.is_empty())
    {
        return Some(PathBuf::from(real));
    }
    let own = std::env::current_exe().and_then(std::fs::canonicalize).ok();
    find_on(&std::env::var_os("PATH")?, name, own.as_deref())
}

fn find_on(path: &OsStr, name: &str, own: Option<&Path>) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(path).map(|folder| folder.join(&file)).find(|candidate| {
        is_executable(candidate)
            && std::fs::canonicalize(candidate).is_ok_and(|real| Some(real.as_path()) != own)
    })
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

fn embedded(dirs: &Dirs) -> Result<locate::EmbeddedLean> {
    locate::embedded_lean(dirs).map_err(|e| match Failure::of(&e) {
        Some(f) if f.kind == FailureKind::Missing => Failure::new(
            FailureKind::Missing,
            format!("no Lean on this machine: neither `lake` nor `lean` is on PATH, and {}", f.message),
        )
        .hint("run `lean-copilot runtime install` for the embedded Lean, or install Lean with elan")
        .into(),
        _ => e,
    })
}

fn command(program: PathBuf, args: &[&str], cwd: &Path, label: &str, takes_options: bool) -> LeanCommand {
    LeanCommand {
        program,
        args: args.iter().map(OsString::from).collect(),
        env: Vec::new(),
        cwd: cwd.to_owned(),
        label: label.to_owned(),
        takes_options,
        confined: None,
    }
}

fn invoke(invocation: Invocation, cwd: &Path, label: String, takes_options: bool) -> LeanCommand {
    let Invocation { program, args, env } = invocation;
    LeanCommand { program, args, env, cwd: cwd.to_owned(), label, takes_options, confined: None }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn our_own_stand_in_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let make = |p: &str, mode: u32| {
            let p = dir.path().join(p);
            std::fs::create_dir_all(p.parent().unwrap()).unwrap();
            std::fs::write(&p, "").unwrap();
            std::fs::set_permissions(&p, std::fs::Permissions::from_mode(mode)).unwrap();
            std::fs::canonicalize(p).unwrap()
        };
        let own = make("opt/lean-copilot", 0o755);
        std::fs::create_dir_all(dir.path().join("shim")).unwrap();
        std::os::unix::fs::symlink(&own, dir.path().join("shim/lake")).unwrap();
        make("plain/lake", 0o644);
        make("elan/lake", 0o755);
        let path = std::env::join_paths(["shim", "plain", "elan"].map(|d| dir.path().join(d))).unwrap();
        assert_eq!(find_on(&path, "lake", Some(&own)), Some(dir.path().join("elan/lake")));
        assert_eq!(find_on(&path, "lean", Some(&own)), None);
    }

    #[test]
    fn the_nearest_lakefile_names_the_project() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(dir.path().join("lakefile.toml"), "").unwrap();
        assert_eq!(lake_project(&inner).as_deref(), Some(dir.path()));
        std::fs::write(dir.path().join("a/lakefile.lean"), "").unwrap();
        assert_eq!(lake_project(&inner), Some(dir.path().join("a")));
    }
}
