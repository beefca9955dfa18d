//! Which Lean serves a folder: the project's own, the one on PATH, or the embedded one.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::modules::{Broken, Modules};
use super::{LeanCommand, ourselves};
use crate::config::Dirs;
use crate::error::{Failure, FailureKind};
use crate::runtime::locate::{self, Invocation};

/// The language server for a folder: `lake serve --` in a Lake project, `lean --server` elsewhere, the
/// embedded Lean where the machine has neither.
pub fn server_command(dirs: &Dirs, folder: &Path) -> Result<LeanCommand> {
    server_command_with(dirs, folder, &[])
}

/// The same with folders of modules for the embedded Lean (`--lib`).
pub fn server_command_with(dirs: &Dirs, folder: &Path, libs: &[PathBuf]) -> Result<LeanCommand> {
    let project = lake_project(folder);
    if let (Some(root), Some(lake)) = (&project, native("lake")) {
        return Ok(command(lake, &["serve", "--"], root, "lake serve", true));
    }
    let root = project.unwrap_or_else(|| folder.to_owned());
    if let Some(lean) = native("lean") {
        return Ok(command(lean, &["--server"], &root, "lean --server", true));
    }
    embedded_server(dirs, folder, &root, libs)
}

/// The embedded Lean's server, which finds the modules of the folder's project and has them compiled.
pub fn embedded_server(dirs: &Dirs, folder: &Path, root: &Path, libs: &[PathBuf]) -> Result<LeanCommand> {
    let lean = embedded(dirs)?;
    let label = format!("embedded Lean {}", lean.version());
    let mut command = invoke(lean.server(&[]), root, label, true);
    // A lakefile that cannot be read is no reason to be without Lean.
    match Modules::of(dirs, folder, libs) {
        Ok(Some(modules)) => {
            command.env.push(("LEAN_PATH".into(), search_path(&modules)));
            command.env.extend(set_up(dirs, &modules, libs));
        }
        Ok(None) => {}
        Err(e) => tracing::warn!("no modules of the project: {e:#}"),
    }
    Ok(command)
}

/// LEAN_PATH for the modules of a project, those that the person set behind them.
fn search_path(modules: &Modules) -> OsString {
    let mut path = modules.lean_path(Broken::Refuse);
    path.extend(std::env::var_os("LEAN_PATH").iter().flat_map(std::env::split_paths));
    std::env::join_paths(path).unwrap_or_default()
}

/// How the embedded server has a file's imports compiled before it opens the file, as Lean's own server has
/// Lake do: by ourselves (`lean-copilot modules`), with the same directories.
fn set_up(dirs: &Dirs, modules: &Modules, libs: &[PathBuf]) -> Vec<(OsString, OsString)> {
    let Some(program) = own_program() else { return Vec::new() };
    let mut words = vec![program.display().to_string()];
    words.extend(["modules", "--json", "--stdin"].map(String::from));
    for lib in libs {
        words.push("--lib".into());
        words.push(std::path::absolute(lib).unwrap_or_else(|_| lib.clone()).display().to_string());
    }
    let always = !modules.project.packages[0].options.is_empty();
    let set_up = serde_json::json!({ "command": words, "always": always });
    vec![
        ("LEAN_COPILOT_SETUP".into(), set_up.to_string().into()),
        ("LEAN_COPILOT_CACHE_DIR".into(), dirs.cache.clone().into()),
        ("LEAN_COPILOT_SHARE_DIR".into(), dirs.share.clone().into()),
    ]
}

/// Our own program: this process, or where the library runs in another one (a test, say), the one that was
/// built beside it.
fn own_program() -> Option<PathBuf> {
    let exe = std::env::current_exe().ok()?;
    let name = format!("lean-copilot{}", std::env::consts::EXE_SUFFIX);
    let folders = exe.ancestors().skip(1).take(2);
    let is_own = exe.file_stem().is_some_and(|s| s == "lean-copilot");
    if is_own { Some(exe) } else { folders.map(|f| f.join(&name)).find(|p| is_executable(p)) }
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
    let mut command = invoke(lean.lean(&[]), &root, label, true);
    if let Ok(Some(modules)) = Modules::of(dirs, folder, &[]) {
        command.env.push(("LEAN_PATH".into(), search_path(&modules)));
    }
    Ok(command)
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

/// The real `lake`, `lean` or `elan`: what `LEAN_COPILOT_REAL_LAKE` (`_LEAN`, `_ELAN`) names, else the first
/// one on PATH that is not this program under its name. The path has a folder in it, so that running it
/// looks nothing up.
pub fn native(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::var_os(format!("LEAN_COPILOT_REAL_{}", name.to_uppercase()));
    if let Some(named) = named.filter(|v| !v.is_empty()).map(PathBuf::from) {
        let found = match named.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => Some(named),
            _ => find_on(&path, named.as_os_str(), ourselves::is_ours),
        };
        if let Some(real) = found.filter(|p| !ourselves::is_ours(p)) {
            return Some(real);
        }
    }
    find_on(&path, format!("{name}{}", std::env::consts::EXE_SUFFIX).as_ref(), ourselves::is_ours)
}

/// The first executable of this name in the folders of a PATH that `is_ours` does not know.
fn find_on(path: &OsStr, file: &OsStr, is_ours: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let mut candidates = std::env::split_paths(path).map(|folder| match folder.as_os_str().is_empty() {
        // An empty entry is the working directory; a bare name would be looked up again.
        true => Path::new(".").join(file),
        false => folder.join(file),
    });
    candidates.find(|candidate| is_executable(candidate) && !is_ours(candidate))
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

/// The embedded Lean; the error where it is not installed says what to do for a machine without Lean.
pub fn embedded(dirs: &Dirs) -> Result<locate::EmbeddedLean> {
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
        let is_ours = |p: &Path| std::fs::canonicalize(p).is_ok_and(|p| p == own);
        assert_eq!(find_on(&path, "lake".as_ref(), is_ours), Some(dir.path().join("elan/lake")));
        assert_eq!(find_on(&path, "lean".as_ref(), is_ours), None);
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
