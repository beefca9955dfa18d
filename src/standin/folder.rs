//! The folder of stand-ins, in the data directory: `stand-ins/bin/{lake,lean,elan}`.
//!
//! `bin` goes first on PATH; the folder above it has the layout of a toolchain, as Emacs's `lean4-rootdir`
//! wants it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Tool;
use crate::config::Dirs;
use crate::lean::{ourselves, toolchain};

/// The folder that looks like a toolchain.
pub fn root(dirs: &Dirs) -> PathBuf {
    dirs.data.join("stand-ins")
}

/// The folder for PATH.
pub fn bin(dirs: &Dirs) -> PathBuf {
    root(dirs).join("bin")
}

/// A stand-in as it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not there.
    Missing,
    /// There, and leads to this program (of this or another version).
    Ours,
    /// There, and leads nowhere or to something else.
    Broken,
}

/// What stands under a tool's name in the folder.
pub fn state(dirs: &Dirs, tool: Tool) -> State {
    let file = file(dirs, tool);
    match file.symlink_metadata() {
        Err(_) => State::Missing,
        Ok(_) if ourselves::is_ours(&file) => State::Ours,
        Ok(_) => State::Broken,
    }
}

/// The tools that the folder should hold: `elan` only where there is no real one.
pub fn wanted() -> Vec<Tool> {
    let real_elan = toolchain::native(Tool::Elan.name()).is_some();
    Tool::ALL.into_iter().filter(|t| *t != Tool::Elan || !real_elan).collect()
}

/// Makes the folder, or mends it; returns its `bin`. What is there already and leads here stays.
pub fn create(dirs: &Dirs) -> Result<PathBuf> {
    let bin = bin(dirs);
    std::fs::create_dir_all(&bin).with_context(|| format!("cannot create `{}`", bin.display()))?;
    let own = std::env::current_exe().and_then(std::fs::canonicalize).context("this program's own path")?;
    for tool in wanted() {
        let file = file(dirs, tool);
        let leads_here = std::fs::canonicalize(&file).is_ok_and(|target| target == own);
        if leads_here && state(dirs, tool) == State::Ours {
            continue;
        }
        if file.symlink_metadata().is_ok() {
            std::fs::remove_file(&file).with_context(|| format!("cannot replace `{}`", file.display()))?;
        }
        link(&own, &file).with_context(|| format!("cannot create `{}`", file.display()))?;
    }
    if cfg!(windows) {
        // A copy does not know where it came from.
        let note = bin.join(crate::config::SHARE_NOTE);
        std::fs::write(&note, dirs.share.display().to_string())
            .with_context(|| format!("cannot write `{}`", note.display()))?;
    }
    Ok(bin)
}

/// Removes what [`create`] made; what else lies there stays.
pub fn remove(dirs: &Dirs) -> Result<()> {
    for tool in Tool::ALL {
        let file = file(dirs, tool);
        let link = file.symlink_metadata().is_ok_and(|m| m.is_symlink());
        // A link is ours even where it leads nowhere any more.
        if link || state(dirs, tool) == State::Ours {
            std::fs::remove_file(&file).with_context(|| format!("cannot remove `{}`", file.display()))?;
        }
    }
    let _ = std::fs::remove_file(bin(dirs).join(crate::config::SHARE_NOTE));
    for folder in [bin(dirs), root(dirs)] {
        // Only empty ones go.
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}

fn file(dirs: &Dirs, tool: Tool) -> PathBuf {
    bin(dirs).join(format!("{}{}", tool.name(), std::env::consts::EXE_SUFFIX))
}

#[cfg(unix)]
fn link(own: &Path, file: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(own, file)
}

/// Symbolic links need a privilege on Windows, and editors start no `.cmd` without a shell.
#[cfg(not(unix))]
fn link(own: &Path, file: &Path) -> std::io::Result<()> {
    std::fs::hard_link(own, file).or_else(|_| std::fs::copy(own, file).map(drop))
}
