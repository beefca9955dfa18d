//! Lean's set-up after unpacking: the scripts of `runtime/lean/setup` make the package ready to run.
//!
//! In: `package/` with `lean.js`, `lean.wasm` and `lean-lib.tar.gz`. Out: `wasm/` (the transformed
//! program), `lib/lean/` (`.olean` files, and the `.ir` files that the package lacks), `bin/lean` (empty:
//! Lean finds its library from the place of its program) and `capabilities.json`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::client::disk_error;
use super::locate::{self, Store};
use super::progress::{Event, Progress};
use super::{Component, archive};
use crate::error::{Failure, FailureKind};

/// Makes the unpacked package in `folder` ready to run.
pub(super) fn set_up(store: &Store, folder: &Path, progress: &dyn Progress) -> Result<()> {
    let step = |words: &str| {
        progress.event(&Event::SetUp { component: Component::Lean, step: words.to_owned() });
    };
    let node = locate::node_in(store)?;
    let scripts = store.runtime.join("lean").join("setup");
    let package = folder.join("package");

    step("unpacking Lean's library");
    let library = package.join("lean-lib.tar.gz");
    let reader =
        BufReader::new(File::open(&library).with_context(|| format!("cannot read `{}`", library.display()))?);
    let all = BTreeMap::from([(String::new(), "lib/lean/".to_owned())]);
    archive::unpack_tar_gz(reader, folder, &all)?;

    let run = |script: &str, args: &[&Path]| -> Result<()> {
        let mut command = Command::new(&node.path);
        command.arg(scripts.join(script)).args(args).env("LEAN_COPILOT_LEAN", folder);
        let output = command
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start `{}`", node.path.display()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().filter(|l| !l.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(8)..].join("\n  ");
        Err(Failure::new(
            FailureKind::Corrupt,
            format!("Lean's set-up failed in `{script}` ({}):\n  {last}", output.status),
        )
        .hint("make sure that 2 GB of memory and 1 GB of disk are free, and run the command again")
        .into())
    };
    step("making Lean's program ready");
    run("transform.js", &[&package, &folder.join("wasm")])?;
    std::fs::remove_dir_all(&package).map_err(|e| disk_error(e, &package))?;
    step("making Lean's library ready");
    let lib = folder.join("lib").join("lean");
    run("ir.js", &[&lib])?;
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).map_err(|e| disk_error(e, &bin))?;
    File::create(bin.join("lean")).map_err(|e| disk_error(e, &bin))?;
    step("starting Lean for the first time");
    run("capabilities.js", &[&folder.join("capabilities.json")])
}
